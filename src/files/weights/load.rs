//! Loading weights from the program itself or from a file.

use super::digests::Digests;
use super::published::{PUBLISHED, PublishedFile};
use super::read::{Loaded, ReadOptions, read};
use super::{Convention, Source, WeightsError};
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::path::Path;

/// The largest weights file that is read, in bytes. VGG-19 with its fully connected layers takes 0.6 GB in `f32`.
const MAX_FILE_SIZE: u64 = 2 << 30;

/// Reads the weights from the source that [`locate`](super::locate) returned. If a `convention` is given, it overrides what
/// the file states or suggests.
///
/// # Errors
/// If the source cannot be read, or does not contain the weights of VGG-16 or VGG-19.
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
        read(&bytes, &options).map_err(|problem| WeightsError::Unusable {
            name: name.clone(),
            problem,
        })
    };
    let loaded = read(convention)?;
    if let (None, Source::File(path)) = (convention, source)
        && let Some(published) =
            misleading_file(PUBLISHED, bytes.len() as u64, loaded.convention, || {
                File::open(path).and_then(Digests::of)
            })
    {
        return Ok(Loaded {
            convention_source: "known from the file's checksum",
            ..read(Some(published.convention))?
        });
    }
    Ok(loaded)
}

/// The published file that this file is, if its convention is not the one that its array names suggest (`inferred`). Some Caffe
/// models were saved under torchvision's names.
///
/// Computing checksums takes seconds, so it is done only if the size is that of such a file.
fn misleading_file(
    published: &[PublishedFile],
    size: u64,
    inferred: Convention,
    digests: impl FnOnce() -> io::Result<Digests>,
) -> Option<&PublishedFile> {
    let file =
        (published.iter()).find(|file| file.bytes == Some(size) && file.convention != inferred)?;
    digests()
        .is_ok_and(|digests| digests.matches(file))
        .then_some(file)
}

/// Maps a file into memory: its bytes are read from the disk when they are used.
fn open(path: &Path) -> Result<Bytes, WeightsError> {
    let unreadable = |error| WeightsError::Unreadable {
        path: path.to_owned(),
        error,
    };
    // The kind of file is checked first: opening a pipe would wait until somebody writes to it.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(WeightsError::NotAFile {
            path: path.to_owned(),
            kind: if metadata.is_dir() {
                "a folder"
            } else {
                "a pipe or a device"
            },
        });
    }
    if metadata.len() > MAX_FILE_SIZE {
        return Err(WeightsError::TooLarge {
            path: path.to_owned(),
            megabytes: metadata.len() >> 20,
        });
    }
    if metadata.len() == 0 {
        return Ok(Bytes::new()); // some systems cannot map an empty file
    }
    let map = File::open(path)
        .and_then(|file| crate::engine::fast::simd::map_file(&file))
        .map_err(unreadable)?;
    Ok(Bytes::from_owner(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_file_under_misleading_names_is_recognized_by_its_checksum() {
        let johnson = (PUBLISHED.iter())
            .find(|file| file.bytes == Some(574_679_411))
            .unwrap();
        let digests = |sha256: &str| Digests {
            sha256: sha256.to_owned(),
            md5: String::new(),
        };
        let recognized = |size, inferred, digests: Digests| {
            misleading_file(PUBLISHED, size, inferred, || Ok(digests)).map(|file| file.convention)
        };
        let (size, sha256) = (574_679_411, johnson.sha256.unwrap());
        assert_eq!(
            recognized(size, Convention::Torchvision, digests(sha256)),
            Some(Convention::CaffeBgr)
        );
        assert_eq!(
            recognized(size, Convention::Torchvision, digests("00")),
            None
        );
        assert_eq!(
            recognized(size, Convention::CaffeBgr, digests(sha256)),
            None
        );
        let never = || -> io::Result<Digests> { panic!("no checksum is needed") };
        assert!(misleading_file(PUBLISHED, size + 1, Convention::Torchvision, never).is_none());
    }
}
