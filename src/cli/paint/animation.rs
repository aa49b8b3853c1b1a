//! Writes the progress of a run as an animated GIF or PNG that loops forever.

use crate::files::atomic_file::{AtomicFile, AtomicFileError};
use crate::files::picture::{Picture, Size};
use crate::painting::Iteration;
use crate::parallel::map;
use std::io::Write;
use std::path::Path;
use thiserror::Error;

/// The largest number of frames. An animation takes less than 7 seconds.
const MAX_FRAMES: usize = 60;

/// The longest edge of a frame in pixels. It limits the size of the file, and the memory for 60 frames to 40 MB.
const MAX_EDGE: u32 = 480;

/// The time for which a frame is shown, in milliseconds.
const DELAY: u16 = 80;

/// The time for which the last frame is shown, in milliseconds.
const LAST_DELAY: u16 = 2000;

/// The speed of the palette search in a GIF: 1 uses every pixel, 30 the fewest.
const GIF_SPEED: i32 = 3;

/// A path where an animation can be written. Checked before there is anything to write.
#[derive(Debug)]
pub struct AnimationFile {
    output: AtomicFile,
    format: Format,
}

#[derive(Clone, Copy, Debug)]
enum Format {
    Gif,
    Png,
}

impl AnimationFile {
    /// Checks the extension, and that a file can be created in the folder. Leaves nothing behind.
    ///
    /// # Errors
    /// If the extension is not gif, apng or png, or no file can be created.
    pub fn new(path: &Path) -> Result<Self, AnimationError> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let format = match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("gif") => Format::Gif,
            Some("apng" | "png") => Format::Png,
            _ => return Err(AnimationError::UnknownExtension),
        };
        let output = AtomicFile::new(path)?;
        Ok(Self { output, format })
    }
}

/// Why an animation cannot be written. The message does not contain the path of the file.
#[derive(Debug, Error)]
pub enum AnimationError {
    /// The extension of the file name is not gif, apng or png.
    #[error("the file extension decides the format; use gif, apng or png")]
    UnknownExtension,
    /// No file can be written at the path.
    #[error(transparent)]
    Place(#[from] AtomicFileError),
    /// The encoder for GIF fails.
    #[error("cannot be encoded: {0}")]
    Gif(gif::EncodingError),
    /// The encoder for PNG fails.
    #[error("cannot be encoded: {0}")]
    Png(png::EncodingError),
}

/// Collects the frames of a run.
pub struct Animation {
    file: AnimationFile,
    /// The iterations of the remaining frames, in descending order.
    due: Vec<usize>,
    frames: Vec<Picture>,
}

impl Animation {
    /// An animation of a run with this number of iterations. The first `done` were made before a checkpoint and are not
    /// shown.
    pub fn new(file: AnimationFile, done: usize, iterations: usize) -> Self {
        let mut due = schedule(iterations.saturating_sub(done));
        due.pop(); // `write` gets the last frame
        due.iter_mut().for_each(|iteration| *iteration += done);
        due.reverse();
        Self {
            file,
            due,
            frames: Vec::new(),
        }
    }

    /// Adds a frame if one is due after this iteration.
    pub fn observe(&mut self, iteration: &Iteration) {
        if self.due.last() == Some(&iteration.iteration) {
            self.due.pop();
            self.frames.push(to_frame(&iteration.picture()));
        }
    }

    /// Writes the animation, with `last` as its last frame. A failure leaves an older file unchanged.
    ///
    /// # Errors
    /// If the animation cannot be encoded, or the file cannot be written.
    pub fn write(mut self, last: &Picture) -> Result<(), AnimationError> {
        let last = to_frame(last);
        // If the run ended early, its last picture may be a frame already.
        if self.frames.last() != Some(&last) {
            self.frames.push(last);
        }
        let bytes = match self.file.format {
            Format::Gif => encode_gif(&self.frames).map_err(AnimationError::Gif)?,
            Format::Png => encode_png(&self.frames).map_err(AnimationError::Png)?,
        };
        self.file.output.write(|file| file.write_all(&bytes))?;
        Ok(())
    }
}

/// The iterations whose pictures become frames. The picture changes most at the start, so all of the first iterations become
/// frames. From then on, successive iterations have a constant ratio. The last iteration is always included.
fn schedule(iterations: usize) -> Vec<usize> {
    let mut iteration = 0;
    let next = |frames_left: usize| {
        if iteration == iterations {
            return None;
        }
        let remaining_factor = iterations as f64 / iteration.max(1) as f64;
        let factor = remaining_factor.powf(1.0 / frames_left as f64);
        iteration = ((iteration as f64 * factor).round() as usize).max(iteration + 1);
        Some(iteration)
    };
    (1..=MAX_FRAMES).rev().map_while(next).collect()
}

/// The picture, scaled down to [`MAX_EDGE`] if it is larger.
fn to_frame(picture: &Picture) -> Picture {
    picture.at_most(MAX_EDGE)
}

/// The time for which frame `index` of `count` is shown, in milliseconds.
fn delay(index: usize, count: usize) -> u16 {
    if index + 1 == count {
        LAST_DELAY
    } else {
        DELAY
    }
}

/// The bytes of a GIF. Each frame has its own palette, found by a neural network (NeuQuant, Dekker 1994).
fn encode_gif(frames: &[Picture]) -> Result<Vec<u8>, gif::EncodingError> {
    let mut bytes = Vec::new();
    let Size { width, height } = frames[0].size();
    let [width, height] =
        [width, height].map(|edge| u16::try_from(edge).expect("frames are at most 480 pixels"));
    let mut encoder = gif::Encoder::new(&mut bytes, width, height, &[])?;
    encoder.set_repeat(gif::Repeat::Infinite)?;
    let with_palette = |frame: &Picture| {
        gif::Frame::from_rgb_speed(width, height, frame.image().as_raw(), GIF_SPEED)
    };
    let indexed = map(frames, with_palette);
    for (index, mut frame) in indexed.into_iter().enumerate() {
        frame.delay = delay(index, frames.len()) / 10;
        encoder.write_frame(&frame)?;
    }
    drop(encoder); // writes the trailer
    Ok(bytes)
}

/// The bytes of an animated PNG.
fn encode_png(frames: &[Picture]) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let size = frames[0].size();
    let mut encoder = png::Encoder::new(&mut bytes, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(frames.len() as u32, 0)?;
    let mut writer = encoder.write_header()?;
    for (index, frame) in frames.iter().enumerate() {
        writer.set_frame_delay(delay(index, frames.len()), 1000)?;
        writer.write_image_data(frame.image().as_raw())?;
    }
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::gif::GifDecoder;
    use image::codecs::png::PngDecoder;
    use image::{AnimationDecoder, DynamicImage, Frame, Rgb, RgbImage};
    use std::io::Cursor;

    #[test]
    fn frames_are_dense_at_first_and_end_with_the_last_iteration() {
        for few in [0, 1, 7, MAX_FRAMES] {
            assert_eq!(schedule(few), (1..=few).collect::<Vec<_>>());
        }
        for many in [MAX_FRAMES + 1, 300, 10_000] {
            let frames = schedule(many);
            assert_eq!((frames.len(), frames[MAX_FRAMES - 1]), (MAX_FRAMES, many));
            assert_eq!(frames[..5], [1, 2, 3, 4, 5]);
            assert!(frames.is_sorted_by(|a, b| a < b), "{frames:?}");
        }
    }

    #[test]
    fn a_resumed_run_is_shown_from_its_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let file = || AnimationFile::new(&folder.path().join("a.gif")).unwrap();
        assert_eq!(Animation::new(file(), 90, 95).due, [94, 93, 92, 91]);
        assert!(Animation::new(file(), 95, 95).due.is_empty());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    /// Frames with many colors.
    fn frames() -> Vec<Picture> {
        let frame = |n: u8| {
            RgbImage::from_fn(120, 90, |x, y| {
                Rgb([2 * x as u8, (5 * y / 2) as u8, 60 * n])
            })
        };
        (0..4).map(|n| Picture::from(frame(n))).collect()
    }

    fn delays(frames: &[Frame]) -> Vec<u32> {
        let delay = |frame: &Frame| frame.delay().numer_denom_ms();
        frames.iter().map(|f| delay(f).0 / delay(f).1).collect()
    }

    #[test]
    fn a_gif_has_the_frames_with_palette_colors_and_loops_forever() {
        let bytes = encode_gif(&frames()).unwrap();
        let decoder = GifDecoder::new(Cursor::new(&bytes)).unwrap();
        let back = decoder.into_frames().collect_frames().unwrap();
        assert_eq!(delays(&back), [80, 80, 80, 2000]);
        for (back, frame) in back.iter().zip(&frames()) {
            let back = DynamicImage::ImageRgba8(back.buffer().clone()).into_rgb8();
            assert_eq!(back.dimensions(), frame.image().dimensions());
            let errors = back.iter().zip(frame.image().iter());
            let mean = errors.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / 32_400.0;
            assert!(mean < 6.0, "{mean}");
        }
        // The extension that browsers read. 0 repetitions means forever.
        let repeat = b"NETSCAPE2.0\x03\x01\x00\x00\x00";
        assert!(bytes.windows(repeat.len()).any(|part| part == repeat));
    }

    #[test]
    fn an_animated_png_has_the_exact_frames_and_loops_forever() {
        let bytes = encode_png(&frames()).unwrap();
        let decoder = PngDecoder::new(Cursor::new(&bytes)).unwrap();
        let back = decoder
            .apng()
            .unwrap()
            .into_frames()
            .collect_frames()
            .unwrap();
        assert_eq!(delays(&back), [80, 80, 80, 2000]);
        for (back, frame) in back.iter().zip(&frames()) {
            let back = DynamicImage::ImageRgba8(back.buffer().clone()).into_rgb8();
            assert_eq!(&back, frame.image());
        }
        let info = png::Decoder::new(Cursor::new(&bytes)).read_info().unwrap();
        let control = info.info().animation_control.unwrap();
        assert_eq!((control.num_frames, control.num_plays), (4, 0));
    }

    #[test]
    fn a_frame_is_never_larger_than_the_limit() {
        let large = Picture::from(RgbImage::new(960, 30));
        assert_eq!(to_frame(&large).size().to_string(), "480x15");
    }
}
