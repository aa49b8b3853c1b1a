//! Writes picture files.

use super::encode::encode;
use super::{Encoding, FloatPicture, PictureError, PictureErrorKind, Size};
use crate::files::atomic_file::AtomicFile;
use image::{ImageError, ImageFormat};
use std::io;
use std::path::Path;

/// The file name extensions of the formats that can be written.
pub const EXTENSIONS: [&str; 11] = [
    "png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "tga", "qoi", "ppm", "gif",
];

/// A path where a picture can be written. Checked before there is anything to write.
#[derive(Debug)]
pub struct OutputFile {
    file: AtomicFile,
    format: ImageFormat,
    encoding: Encoding,
}

impl OutputFile {
    /// Checks the extension, and that a file can be created in the folder. Leaves nothing behind.
    ///
    /// # Errors
    /// If the extension is none of [`EXTENSIONS`], or no file can be created.
    pub fn new(path: &Path) -> Result<Self, PictureError> {
        let format = format_of(path)
            .ok_or_else(|| PictureError::new(path, PictureErrorKind::UnknownExtension))?;
        let file = AtomicFile::new(path).map_err(|error| PictureError::new(path, error))?;
        Ok(Self {
            file,
            format,
            encoding: Encoding::default(),
        })
    }

    /// Sets the encoding.
    ///
    /// # Errors
    /// If the format cannot store a picture with this encoding.
    pub fn with_encoding(self, encoding: Encoding) -> Result<Self, PictureError> {
        (encoding.check(self.format)).map_err(|error| PictureError::new(self.path(), error))?;
        Ok(Self { encoding, ..self })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Checks that a file can still be created. Leaves nothing behind.
    ///
    /// # Errors
    /// If no file can be created.
    pub fn check_place(&self) -> Result<(), PictureError> {
        (self.file.check()).map_err(|error| PictureError::new(self.path(), error))
    }

    /// Checks that the format can store a picture of this size.
    ///
    /// # Errors
    /// If the picture is too large.
    pub fn check_size(&self, size: Size) -> Result<(), PictureError> {
        let max = match self.format {
            ImageFormat::WebP => 16_383,
            ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::Tga => 65_535,
            _ => u32::MAX,
        };
        if size.width.max(size.height) > max {
            let kind = PictureErrorKind::TooLargeForFormat { max, size };
            return Err(PictureError::new(self.path(), kind));
        }
        Ok(())
    }

    /// Writes the picture. A failure leaves an older file unchanged.
    ///
    /// # Errors
    /// If the picture cannot be encoded, or the file cannot be written.
    pub fn write(&self, picture: &FloatPicture) -> Result<(), PictureError> {
        let mut not_encoded = None;
        let written = self.file.write(|file| {
            match encode(picture, self.format, &self.encoding, file) {
                Ok(()) => (),
                Err(ImageError::IoError(error)) => return Err(error),
                Err(error) => {
                    not_encoded = Some(error);
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
            // Rows that a scratch file did not give are not those of the picture.
            picture.trouble().map_or(Ok(()), Err)
        });
        match not_encoded {
            Some(error) => Err(PictureErrorKind::CannotEncode(error)),
            None => written.map_err(PictureErrorKind::from),
        }
        .map_err(|kind| PictureError::new(self.path(), kind))
    }
}

fn format_of(path: &Path) -> Option<ImageFormat> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    (EXTENSIONS.contains(&extension.as_str()))
        .then(|| ImageFormat::from_extension(extension))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::picture::Picture;
    use image::{Rgb, RgbImage};

    #[test]
    fn every_extension_can_be_written_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let picture = Picture::from(RgbImage::from_pixel(20, 10, Rgb([200, 100, 50])));
        for extension in EXTENSIONS {
            let path = folder.path().join("picture").with_extension(extension);
            OutputFile::new(&path)
                .unwrap()
                .write(&FloatPicture::from(&picture))
                .unwrap();
            let (back, remark) = Picture::open(&path).unwrap();
            assert_eq!((back.size(), remark), (picture.size(), None), "{extension}");
            for (&a, &b) in back.rgb.as_raw().iter().zip(picture.rgb.as_raw()) {
                assert!(a.abs_diff(b) <= 3, "{extension}: {a} for {b}");
            }
        }
        // Only the pictures are there, and no temporary file.
        assert_eq!(folder.path().read_dir().unwrap().count(), EXTENSIONS.len());
    }

    #[test]
    fn a_bad_path_is_refused_before_there_is_a_picture() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = |name: &str| {
            let error = OutputFile::new(&folder.path().join(name)).unwrap_err();
            error.to_string()
        };
        assert!(refusal("a.xyz").contains("use one of png, jpg"));
        assert!(refusal("noextension").contains("use one of png, jpg"));
        assert!(refusal("missing/a.png").contains("there is no folder"));
        std::fs::create_dir(folder.path().join("b.png")).unwrap();
        assert!(refusal("b.png").contains("this is a folder"));
    }
}
