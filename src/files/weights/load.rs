//! Reading weights from where they are: out of the program, or from a file.

use super::known::{Digests, Known, PUBLIC};
use super::read::{Loaded, ReadOptions, read};
use super::{Convention, Source, WeightsError};
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::path::Path;

/// The largest weights file that is read: VGG-19 with its fully connected layers is 0.6 GB in `f32`.
const LARGEST: u64 = 2 << 30;

/// Reads the weights from where [`locate`](super::locate) found them. A `convention` that is given is held for true, whatever the file says.
///
/// # Errors
/// If they cannot be read, or are not those of VGG-16 or VGG-19.
pub fn load(source: &Source, convention: Option<Convention>) -> Result<Loaded, WeightsError> {
    let (bytes, name) = match source {
        Source::BuiltIn(bytes) => (Bytes::from_static(bytes), "the built-in weights".to_owned()),
        Source::File(path) => (open(path)?, path.display().to_string()),
    };
    let read = |convention| {
        let options = ReadOptions {
            convention,
            ..ReadOptions::default()
        };
        let unusable = |trouble| WeightsError::Unusable {
            name: name.clone(),
            trouble,
        };
        read(&bytes, &options).map_err(unusable)
    };
    let loaded = read(convention)?;
    if let (None, Source::File(path)) = (convention, source)
        && let Some(known) = misnamed(PUBLIC, bytes.len() as u64, loaded.convention, || {
            File::open(path).and_then(Digests::of)
        })
    {
        let told_by = "told by its checksum";
        return Ok(Loaded {
            told_by,
            ..read(Some(known.convention))?
        });
    }
    Ok(loaded)
}

/// The published file that a file of so many bytes is, if its names told another convention than it has: some Caffe models
/// have been saved under torchvision's names. Checksums are made only of files of the right length.
fn misnamed(
    published: &[Known],
    bytes: u64,
    told: Convention,
    digests: impl FnOnce() -> io::Result<Digests>,
) -> Option<&Known> {
    let known =
        (published.iter()).find(|known| known.bytes == Some(bytes) && known.convention != told)?;
    digests()
        .is_ok_and(|digests| digests.is(known))
        .then_some(known)
}

/// The bytes of a regular file of a believable size, which are read when they are looked at.
fn open(path: &Path) -> Result<Bytes, WeightsError> {
    let unreadable = |reason: String| WeightsError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let because = |error: std::io::Error| unreadable(crate::os_reason(&error));
    // Asked before it is opened: a pipe would wait for somebody to write.
    let metadata = std::fs::metadata(path).map_err(because)?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() {
            "a folder"
        } else {
            "a pipe or a device"
        };
        return Err(unreadable(format!(
            "not a file but {what}; name a file of weights"
        )));
    }
    if metadata.len() > LARGEST {
        let size = metadata.len() >> 20;
        return Err(unreadable(format!(
            "{size} MB is too large for the weights of a VGG network"
        )));
    }
    if metadata.len() == 0 {
        return Ok(Bytes::new()); // what some systems do not map
    }
    let map = File::open(path)
        .and_then(|file| crate::kernels::map(&file))
        .map_err(because)?;
    Ok(Bytes::from_owner(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_file_under_misleading_names_is_told_by_its_checksum() {
        let johnson = (PUBLIC.iter())
            .find(|known| known.bytes == Some(574_679_411))
            .unwrap();
        let sum = |sha256: &str| Digests {
            sha256: sha256.to_owned(),
            md5: String::new(),
        };
        let told = |bytes, told, digests: Digests| {
            misnamed(PUBLIC, bytes, told, || Ok(digests)).map(|known| known.convention)
        };
        let (length, own) = (574_679_411, johnson.sha256.unwrap());
        assert_eq!(
            told(length, Convention::Torchvision, sum(own)),
            Some(Convention::CaffeBgr)
        );
        assert_eq!(told(length, Convention::Torchvision, sum("00")), None);
        assert_eq!(told(length, Convention::CaffeBgr, sum(own)), None);
        let never = || -> io::Result<Digests> { panic!("no checksum is needed") };
        assert!(misnamed(PUBLIC, length + 1, Convention::Torchvision, never).is_none());
    }
}
