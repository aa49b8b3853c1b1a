//! Checksums of files, by which published files are recognized.

#[cfg(feature = "cli")]
use super::published::PUBLISHED;
use super::published::PublishedFile;
use md5::Md5;
use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// The checksums of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    /// SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// MD5, in hexadecimal digits. Older publishers state only this one.
    pub md5: String,
}

impl Digests {
    /// Reads a file from its current position to its end and computes both checksums.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn of(mut file: impl Read) -> io::Result<Self> {
        let (mut sha256, mut md5) = (Sha256::new(), Md5::new());
        let mut buffer = vec![0; 1 << 20];
        loop {
            let length = file.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            sha256.update(&buffer[..length]);
            md5.update(&buffer[..length]);
        }
        Ok(Self {
            sha256: hexadecimal(&sha256.finalize()),
            md5: hexadecimal(&md5.finalize()),
        })
    }

    /// The published file with these checksums, if there is one.
    #[cfg(feature = "cli")]
    pub fn known(&self) -> Option<&'static PublishedFile> {
        PUBLISHED.iter().find(|file| self.matches(file))
    }

    /// Whether a published file has these checksums. One of the two is enough.
    pub fn matches(&self, file: &PublishedFile) -> bool {
        (file.sha256).is_some_and(|sha256| self.sha256.starts_with(sha256))
            || file.md5.is_some_and(|md5| self.md5 == md5)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_s_own_weights_are_recognized() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/vgg16.safetensors");
        let digests = Digests::of(std::fs::File::open(file).unwrap()).unwrap();
        let known = digests.known().expect("a known file");
        assert!(known.description.contains("built into"));
        assert_eq!(known.bytes, Some(std::fs::metadata(file).unwrap().len()));
    }
}
