//! Every file in `tests/pictures/` (made by the script there) is read correctly. Damaged files are refused.

use crate::workplace::png_header;
use image::{ImageBuffer, Rgba};
use impasto::picture::{MAX_PIXELS, OutputFile, Picture, PictureErrorKind, Size};
use impasto::vgg::MEAN;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::path::{Path, PathBuf};

const SIZE: Size = Size {
    width: 48,
    height: 32,
};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    let files = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|file| file.extension().is_none_or(|extension| extension != "py"))
        .collect();
    files.sort();
    assert!(files.len() >= 26, "the script made {}", files.len());
    files
}

/// The colors at the centers of the four quadrants.
fn quadrants(picture: &Picture) -> [[f32; 3]; 4] {
    let x = picture.to_array();
    [(8, 12), (8, 36), (24, 12), (24, 36)]
        .map(|(i, j)| std::array::from_fn(|c| x[[i, j, c]] + MEAN[c]))
}

#[test]
fn every_kind_of_picture_is_read_correctly() {
    for file in files() {
        let name = file.file_name().unwrap().to_str().unwrap();
        let (picture, remark) = Picture::open(&file).unwrap();
        assert_eq!(picture.size(), SIZE, "{name}");
        let expected = if name.starts_with("gray") {
            [0.0, 85.0, 170.0, 255.0].map(|level| [level; 3])
        } else {
            [
                [255.0, 0.0, 0.0],
                [0.0, 255.0, 0.0],
                [0.0, 0.0, 255.0],
                [255.0; 3],
            ]
        };
        for (seen, expected) in quadrants(&picture).iter().zip(expected) {
            for (seen, expected) in seen.iter().zip(expected) {
                // Lossy formats change the levels a little.
                assert!(
                    (seen - expected).abs() <= 4.0,
                    "{name}: {seen} for {expected}"
                );
            }
        }
        assert_eq!(
            remark.is_some(),
            name.contains("alpha"),
            "{name}: {remark:?}"
        );
    }
}

#[test]
fn a_sixteen_bit_picture_with_alpha_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep.png");
    let deep = ImageBuffer::from_pixel(20, 20, Rgba([65535u16, 32768, 0, 32768]));
    deep.save(&file).unwrap();
    let (picture, remark) = Picture::open(&file).unwrap();
    assert!(remark.unwrap().contains("placed on a white background"));
    // Half the color and half white.
    let x = picture.to_array();
    for (c, expected) in [255.0, 191.0, 127.0].into_iter().enumerate() {
        assert!((x[[10, 10, c]] + MEAN[c] - expected).abs() <= 1.0);
    }
}

/// A file is refused wherever it is cut, except in the last bytes of some formats, which are not part of the picture.
#[test]
fn a_picture_that_is_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for file in files() {
        let name = file.file_name().unwrap().to_str().unwrap();
        let whole = std::fs::read(&file).unwrap();
        for part in [0.01, 0.1, 0.3, 0.5, 0.7, 0.9] {
            let cut = folder.path().join(name);
            let length = (whole.len() as f64 * part) as usize;
            std::fs::write(&cut, &whole[..length]).unwrap();
            let Err(error) = Picture::open(&cut) else {
                panic!("{name} is accepted with {length} of {} bytes", whole.len());
            };
            let message = error.to_string();
            assert!(message.starts_with(cut.to_str().unwrap()), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}

/// Thousands of files with random changes. Each is read or refused with a message of one line. None causes a panic.
#[test]
fn a_damaged_picture_is_refused_or_read_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let mut refused = 0;
    for file in files() {
        let whole = std::fs::read(&file).unwrap();
        let damaged = folder.path().join(file.file_name().unwrap());
        for round in 0..100 {
            let mut bytes = whole.clone();
            for _ in 0..=round % 8 {
                // Half of the changes are near the start, in the headers.
                let reach = if rng.random() {
                    bytes.len()
                } else {
                    bytes.len().min(64)
                };
                let at = rng.random_range(0..reach);
                bytes[at] = rng.random();
            }
            std::fs::write(&damaged, bytes).unwrap();
            if let Err(error) = Picture::open(&damaged) {
                assert!(!error.to_string().contains('\n'), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn a_picture_that_declares_too_many_or_no_pixels_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("declared.png");
    let refusal = |width, height| {
        std::fs::write(&file, png_header(width, height)).unwrap();
        Picture::open(&file).unwrap_err().to_string()
    };
    for (width, height) in [
        (20_001, 10_000),
        (100_000, 100_000),
        (i32::MAX as u32, i32::MAX as u32),
    ] {
        assert!(u64::from(width) * u64::from(height) > MAX_PIXELS);
        let message = refusal(width, height);
        assert!(message.contains("at most 200 million"), "{message}");
    }
    for (width, height) in [(0, 10), (10, 0)] {
        let message = refusal(width, height);
        assert!(message.starts_with(file.to_str().unwrap()), "{message}");
    }
    assert!(refusal(10, 10).contains("cut short") || refusal(10, 10).contains("damaged"));
}

#[test]
fn the_kind_of_an_error_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let error = |bytes: &[u8]| {
        let file = folder.path().join("file.png");
        std::fs::write(&file, bytes).unwrap();
        Picture::open(&file).unwrap_err()
    };
    assert!(matches!(error(b"").kind(), PictureErrorKind::Empty));
    assert!(matches!(
        error(b"a text").kind(),
        PictureErrorKind::NotAPicture
    ));
    assert!(matches!(
        error(&png_header(20_001, 10_000)).kind(),
        PictureErrorKind::TooManyPixels {
            width: 20_001,
            height: 10_000
        }
    ));
    let missing = folder.path().join("missing.png");
    let error = Picture::open(&missing).unwrap_err();
    assert!(matches!(error.kind(), PictureErrorKind::Unreadable(_)));
    assert_eq!(error.path(), missing);
    let output = OutputFile::new(&folder.path().join("out.xyz")).unwrap_err();
    assert!(matches!(output.kind(), PictureErrorKind::UnknownExtension));
}

#[test]
fn a_file_that_is_not_a_picture_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |bytes: &[u8]| {
        let file = folder.path().join("file.jpg");
        std::fs::write(&file, bytes).unwrap();
        Picture::open(&file).unwrap_err().to_string()
    };
    assert!(refusal(b"").ends_with("file.jpg: the file is empty"));
    assert!(refusal(b"<!DOCTYPE html><html>").contains("not a picture"));
    assert!(refusal(&[0; 5000]).contains("not a picture"));
    let missing = Picture::open(&folder.path().join("missing.png")).unwrap_err();
    assert!(
        missing
            .to_string()
            .ends_with("missing.png: no such file or directory")
    );
    let directory = Picture::open(folder.path()).unwrap_err();
    assert!(directory.to_string().contains("not a file"));
}
