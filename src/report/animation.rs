//! The picture as it develops, as an animated GIF or PNG that goes round for ever.

use crate::files::atomic_file::AtomicFile;
use crate::files::picture::{Picture, Size, SizeRequest};
use crate::stylize::Step;
use rayon::prelude::*;
use std::error::Error;
use std::io::Write;
use std::path::Path;

/// The most frames: with the last, an animation lasts for less than 7 seconds.
const MOST: usize = 60;

/// The long edge of a frame is at most so many pixels: what 60 frames take in memory, 40 MB at the most, and on the disk.
const LONGEST: u32 = 480;

/// How long a frame is shown, and the last one, in milliseconds.
const SHOWN: u16 = 80;
const LAST_SHOWN: u16 = 2000;

/// How few of the pixels the palette of a GIF's frame is learnt from, 1 (all) to 30.
const GIF_SPEED: i32 = 3;

/// A place for an animation, known to be writable before there is anything to write.
#[derive(Debug)]
pub struct AnimationFile {
    place: AtomicFile,
    format: Format,
}

#[derive(Clone, Copy, Debug)]
enum Format {
    Gif,
    Png,
}

impl AnimationFile {
    /// Checks the ending, that the folder exists and that a file can be made in it. Leaves nothing behind.
    ///
    /// # Errors
    /// What is wrong with the place.
    pub fn new(path: &Path) -> Result<Self, String> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let format = match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("gif") => Format::Gif,
            Some("apng" | "png") => Format::Png,
            _ => return Err("the ending says in which format; use gif, apng or png".to_owned()),
        };
        let place = AtomicFile::new(path)?;
        Ok(Self { place, format })
    }
}

/// Collects the frames of a run.
pub struct Animation {
    file: AnimationFile,
    /// The iterations that are still to become frames, the next one last.
    due: Vec<usize>,
    frames: Vec<Picture>,
}

impl Animation {
    /// For a run of so many iterations, of which the first `done` are not done again, nor shown.
    pub fn new(file: AnimationFile, done: usize, iterations: usize) -> Self {
        let mut due = schedule(iterations.saturating_sub(done));
        due.pop(); // the last frame is what comes out
        due.iter_mut().for_each(|iteration| *iteration += done);
        due.reverse();
        Self {
            file,
            due,
            frames: Vec::new(),
        }
    }

    /// Takes the picture of this step if it is its turn.
    pub fn observe(&mut self, step: &Step) {
        if self.due.last() == Some(&step.iteration) {
            self.due.pop();
            self.frames.push(shrunk(&step.picture()));
        }
    }

    /// Writes the animation, at the end of which is `last`: all of it, or nothing.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn write(mut self, last: &Picture) -> Result<(), String> {
        let last = shrunk(last);
        // A run that was ended early may have had its last picture taken.
        if self.frames.last() != Some(&last) {
            self.frames.push(last);
        }
        let encoded = match self.file.format {
            Format::Gif => gif(&self.frames),
            Format::Png => png(&self.frames),
        };
        let bytes = encoded.map_err(|error| format!("cannot be encoded: {error}"))?;
        self.file.place.write(|file| file.write_all(&bytes))
    }
}

/// Of so many iterations, those whose pictures become frames: at first each, then in equal ratios, for most happens early; and
/// the last.
fn schedule(iterations: usize) -> Vec<usize> {
    let mut at = 0;
    let next = |left: usize| {
        if at == iterations {
            return None;
        }
        let way = iterations as f64 / at.max(1) as f64;
        let further = (at as f64 * way.powf(1.0 / left as f64)).round() as usize;
        at = further.max(at + 1);
        Some(at)
    };
    (1..=MOST).rev().map_while(next).collect()
}

/// A frame of this picture.
fn shrunk(picture: &Picture) -> Picture {
    let size = picture.size();
    if size.width.max(size.height) <= LONGEST {
        return picture.clone();
    }
    picture.fit(SizeRequest::LongEdge(LONGEST).of(size))
}

/// Each frame and how long it is shown.
fn timed(frames: &[Picture]) -> impl Iterator<Item = (&Picture, u16)> {
    (frames.iter().enumerate()).map(|(number, frame)| match number + 1 == frames.len() {
        true => (frame, LAST_SHOWN),
        false => (frame, SHOWN),
    })
}

/// The bytes of a GIF: each frame has a palette of its own, learnt by a neural network (Dekker 1994).
fn gif(frames: &[Picture]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    let Size { width, height } = frames[0].size();
    let (width, height) = (u16::try_from(width)?, u16::try_from(height)?);
    let mut encoder = gif::Encoder::new(&mut bytes, width, height, &[])?;
    encoder.set_repeat(gif::Repeat::Infinite)?;
    let with_palette = |frame: &Picture| {
        gif::Frame::from_rgb_speed(width, height, frame.image().as_raw(), GIF_SPEED)
    };
    let in_colours: Vec<_> = frames.par_iter().map(with_palette).collect();
    for (mut frame, (_, shown)) in in_colours.into_iter().zip(timed(frames)) {
        frame.delay = shown / 10;
        encoder.write_frame(&frame)?;
    }
    drop(encoder); // which writes the end
    Ok(bytes)
}

/// The bytes of an animated PNG.
fn png(frames: &[Picture]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    let size = frames[0].size();
    let mut encoder = png::Encoder::new(&mut bytes, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(frames.len() as u32, 0)?;
    let mut writer = encoder.write_header()?;
    for (frame, shown) in timed(frames) {
        writer.set_frame_delay(shown, 1000)?;
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
        for few in [0, 1, 7, MOST] {
            assert_eq!(schedule(few), (1..=few).collect::<Vec<_>>());
        }
        for many in [MOST + 1, 300, 10_000] {
            let frames = schedule(many);
            assert_eq!((frames.len(), frames[MOST - 1]), (MOST, many));
            assert_eq!(frames[..5], [1, 2, 3, 4, 5]);
            assert!(frames.is_sorted_by(|a, b| a < b), "{frames:?}");
        }
    }

    #[test]
    fn a_run_that_is_taken_up_again_is_shown_from_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = || AnimationFile::new(&folder.path().join("a.gif")).unwrap();
        assert_eq!(Animation::new(file(), 90, 95).due, [94, 93, 92, 91]);
        assert!(Animation::new(file(), 95, 95).due.is_empty());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    /// Frames of many colours.
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
    fn a_gif_holds_the_frames_up_to_its_palettes_and_goes_round_for_ever() {
        let bytes = gif(&frames()).unwrap();
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
        // The extension that browsers ask: 0 times is for ever.
        let repeat = b"NETSCAPE2.0\x03\x01\x00\x00\x00";
        assert!(bytes.windows(repeat.len()).any(|part| part == repeat));
    }

    #[test]
    fn an_animated_png_holds_the_frames_exactly_and_goes_round_for_ever() {
        let bytes = png(&frames()).unwrap();
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
    fn a_frame_is_never_larger_than_bounded() {
        let large = Picture::from(RgbImage::new(960, 30));
        assert_eq!(shrunk(&large).size().to_string(), "480x15");
    }
}
