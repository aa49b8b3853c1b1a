//! Writing picture files: all of one, or nothing.

use super::encode::encode;
use super::{Canvas, Encoding, PictureError, Size};
use crate::files::atomic_file::AtomicFile;
use image::ImageFormat;
use std::io::Write;
use std::path::Path;

/// The endings of file names that can be written.
pub const ENDINGS: [&str; 11] = [
    "png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "tga", "qoi", "ppm", "gif",
];

/// A place for a picture, known to be writable before there is anything to write.
#[derive(Debug)]
pub struct OutputFile {
    place: AtomicFile,
    format: ImageFormat,
    encoding: Encoding,
}

impl OutputFile {
    /// Checks the ending, that the folder exists and that a file can be made in it. Leaves nothing behind.
    ///
    /// # Errors
    /// If one of these fails.
    pub fn new(path: &Path) -> Result<Self, PictureError> {
        let ending = (path.extension().and_then(|ending| ending.to_str()))
            .map(str::to_ascii_lowercase)
            .filter(|ending| ENDINGS.contains(&ending.as_str()));
        let format = ending
            .and_then(ImageFormat::from_extension)
            .ok_or_else(|| {
                let known = ENDINGS.join(", ");
                PictureError::new(
                    path,
                    format!("the ending says in which format to write; use one of {known}"),
                )
            })?;
        let place = AtomicFile::new(path).map_err(|trouble| PictureError::new(path, trouble))?;
        Ok(Self {
            place,
            format,
            encoding: Encoding::default(),
        })
    }

    /// The same place, for a picture that is written in this way.
    ///
    /// # Errors
    /// If the format cannot hold it so.
    pub fn with(self, encoding: Encoding) -> Result<Self, PictureError> {
        let error = |trouble| PictureError::new(self.path(), trouble);
        encoding.check(self.format).map_err(error)?;
        Ok(Self { encoding, ..self })
    }

    /// Where the picture goes.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Checks that a file can still be made there. Leaves nothing behind.
    ///
    /// # Errors
    /// If it cannot.
    pub fn check_place(&self) -> Result<(), PictureError> {
        (self.place.check()).map_err(|trouble| PictureError::new(self.path(), trouble))
    }

    /// Checks that a picture of this size can be written in this format.
    ///
    /// # Errors
    /// If it is too large for it.
    pub fn check_size(&self, size: Size) -> Result<(), PictureError> {
        let longest = match self.format {
            ImageFormat::WebP => 16_383,
            ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::Tga => 65_535,
            _ => u32::MAX,
        };
        if size.width.max(size.height) <= longest {
            return Ok(());
        }
        let trouble =
            format!("pictures of this format have at most {longest} pixels each way, not {size}");
        Err(PictureError::new(self.path(), trouble))
    }

    /// Writes the picture: all of it, or nothing.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, picture: &Canvas) -> Result<(), PictureError> {
        let error = |trouble: String| PictureError::new(self.path(), trouble);
        let bytes = encode(picture, self.format, &self.encoding)
            .map_err(|e| error(format!("cannot be encoded: {e}")))?;
        self.place
            .write(|file| file.write_all(&bytes))
            .map_err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::picture::Picture;
    use image::{Rgb, RgbImage};

    #[test]
    fn every_ending_that_is_offered_can_be_written_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let picture = Picture::from(RgbImage::from_pixel(20, 10, Rgb([200, 100, 50])));
        for ending in ENDINGS {
            let path = folder.path().join("picture").with_extension(ending);
            OutputFile::new(&path)
                .unwrap()
                .write(&Canvas::from(&picture))
                .unwrap();
            let (back, remark) = Picture::open(&path).unwrap();
            assert_eq!((back.size(), remark), (picture.size(), None), "{ending}");
            for (&a, &b) in back.rgb.as_raw().iter().zip(picture.rgb.as_raw()) {
                assert!(a.abs_diff(b) <= 3, "{ending}: {a} for {b}");
            }
        }
        // Nothing but the pictures: no temporary file is left.
        assert_eq!(folder.path().read_dir().unwrap().count(), ENDINGS.len());
    }

    #[test]
    fn a_bad_place_is_found_before_there_is_a_picture() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = |name: &str| {
            let error = OutputFile::new(&folder.path().join(name)).unwrap_err();
            error.to_string()
        };
        assert!(refusal("a.xyz").contains("use one of png, jpg"));
        assert!(refusal("noending").contains("use one of png, jpg"));
        assert!(refusal("missing/a.png").contains("there is no folder"));
        std::fs::create_dir(folder.path().join("b.png")).unwrap();
        assert!(refusal("b.png").contains("this is a folder"));
    }
}
