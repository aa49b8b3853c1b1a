//! Pictures are written with the right depth, color space and quality.

use crate::written::{gradient, sixteen_bits, with_alpha, with_text, write};
use image::{DynamicImage, ImageDecoder, ImageReader};
use impasto::picture::{Depth, EXTENSIONS, Encoding, OutputFile, Picture};
use impasto::vgg::MEAN;
use ndarray::Array3;

#[test]
fn eight_bits_are_the_rounded_values() {
    let folder = tempfile::tempdir().unwrap();
    let (x, picture) = gradient();
    let expected: Vec<u8> = (x.indexed_iter())
        .map(|((_, _, c), value)| (value + MEAN[c]).round() as u8)
        .collect();
    for extension in ["png", "tif", "webp", "bmp", "tga", "qoi", "ppm"] {
        let file = folder.path().join("eight").with_extension(extension);
        write(&file, &picture, Encoding::default());
        let DynamicImage::ImageRgb8(stored) = image::open(&file).unwrap() else {
            panic!("{extension} is not 8-bit RGB");
        };
        assert_eq!(stored.as_raw(), &expected, "{extension}");
    }
    assert_eq!(picture.to_picture(), Picture::from_array(&x));
}

#[test]
fn sixteen_bits_are_the_scaled_and_rounded_values() {
    let folder = tempfile::tempdir().unwrap();
    let (x, picture) = gradient();
    let expected: Vec<u16> = (x.indexed_iter())
        .map(|((_, _, c), value)| (257.0 * (value + MEAN[c])).round() as u16)
        .collect();
    assert!(expected.iter().any(|value| value % 257 != 0));
    for extension in ["png", "tif", "tiff"] {
        let file = folder.path().join("sixteen").with_extension(extension);
        write(&file, &picture, sixteen_bits());
        let DynamicImage::ImageRgb16(stored) = image::open(&file).unwrap() else {
            panic!("{extension} is not 16-bit RGB");
        };
        assert_eq!(stored.as_raw(), &expected, "{extension}");
        // As an input, it differs from the 8-bit picture by at most one level. It is rounded twice.
        let (back, remark) = Picture::open(&file).unwrap();
        assert_eq!(remark, None);
        let error = (back.to_array() - picture.to_picture().to_array()).mapv(f32::abs);
        assert!(error.iter().all(|&error| error <= 1.0));
    }
}

#[test]
fn luminance_is_not_rounded_to_eight_bits() {
    let folder = tempfile::tempdir().unwrap();
    let (x, painting) = gradient();
    let colors = Picture::from_array(&Array3::zeros(x.dim()));
    let file = folder.path().join("sixteen.png");
    write(
        &file,
        &painting.with_chrominance_of(&colors),
        sixteen_bits(),
    );
    let picture = image::open(&file).unwrap().into_rgb16();
    // The luminance is that of the painting, clamped to 0..255.
    let weights = [0.299, 0.587, 0.114];
    let luminance = |pixel: [f64; 3]| (0..3).map(|c| weights[c] * pixel[c]).sum::<f64>();
    let mut fractional = 0;
    for (seen, x) in picture.pixels().zip(x.lanes(ndarray::Axis(2))) {
        let seen = seen.0.map(|value| f64::from(value) / 257.0);
        let x = [0, 1, 2].map(|c| f64::from((x[c] + MEAN[c]).clamp(0.0, 255.0)));
        if seen.iter().all(|&value| value > 0.0 && value < 255.0) {
            assert!((luminance(seen) - luminance(x)).abs() < 0.01, "{seen:?}");
            fractional += usize::from(seen.iter().any(|value| value.fract() != 0.0));
        }
    }
    assert!(fractional > 50, "{fractional}");
}

#[test]
fn files_declare_their_colors_as_srgb() {
    let folder = tempfile::tempdir().unwrap();
    let (_, picture) = gradient();
    for extension in ["jpg", "jpeg", "tif", "tiff", "webp"] {
        let file = folder.path().join("profile").with_extension(extension);
        write(&file, &picture, Encoding::default());
        // With its default limit, the TIFF decoder returns no profile for such a small picture.
        let mut reader = ImageReader::open(&file).unwrap();
        reader.no_limits();
        let profile = if extension.starts_with("tif") {
            let mut tiff =
                tiff::decoder::Decoder::new(std::fs::File::open(&file).unwrap()).unwrap();
            tiff.get_tag_u8_vec(tiff::tags::Tag::IccProfile).unwrap()
        } else {
            reader
                .into_decoder()
                .unwrap()
                .icc_profile()
                .unwrap()
                .unwrap()
        };
        assert!(profile.len() < 1024, "{} bytes", profile.len());
        let parsed = moxcms::ColorProfile::new_from_slice(&profile).unwrap();
        let (ours, theirs) = (
            parsed.colorant_matrix(),
            moxcms::ColorProfile::new_srgb().colorant_matrix(),
        );
        for (ours, theirs) in ours.v.as_flattened().iter().zip(theirs.v.as_flattened()) {
            assert!((ours - theirs).abs() < 1e-4, "{extension}");
        }
        // The creation date is fixed.
        assert_eq!(&profile[24..36], &[7, 208, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(
            Picture::open(&file).unwrap().1,
            None,
            "{extension}: nothing is converted"
        );
    }
    let file = folder.path().join("profile.png");
    write(&file, &picture, Encoding::default());
    let reader = std::io::BufReader::new(std::fs::File::open(&file).unwrap());
    let reader = png::Decoder::new(reader).read_info().unwrap();
    assert_eq!(
        reader.info().srgb,
        Some(png::SrgbRenderingIntent::Perceptual)
    );
}

#[test]
fn an_encoding_that_the_format_cannot_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let accepts = |extension: &str, encoding: &Encoding| {
        let file = folder.path().join("out").with_extension(extension);
        let output = OutputFile::new(&file).unwrap();
        let result = output.with_encoding(encoding.clone());
        if let Err(error) = &result {
            let message = error.to_string();
            assert!(message.starts_with(file.to_str().unwrap()), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
        result.is_ok()
    };
    let with_quality = Encoding {
        quality: Some(80),
        ..Encoding::default()
    };
    for extension in EXTENSIONS {
        assert!(accepts(extension, &Encoding::default()));
        assert_eq!(
            accepts(extension, &sixteen_bits()),
            ["png", "tif", "tiff"].contains(&extension),
            "{extension}"
        );
        assert_eq!(
            accepts(extension, &with_quality),
            ["jpg", "jpeg"].contains(&extension),
            "{extension}"
        );
        let alpha = ["png", "webp", "tif", "tiff", "tga", "qoi"].contains(&extension);
        assert_eq!(accepts(extension, &with_alpha()), alpha, "{extension}");
    }
    for quality in [0, 101, 255] {
        assert!(!accepts(
            "jpg",
            &Encoding {
                quality: Some(quality),
                ..Encoding::default()
            }
        ));
    }
    for key in ["", " key", "a\nb", "木", &"k".repeat(80)] {
        assert!(!accepts("png", &with_text(&[(key, "text")])), "{key:?}");
    }
    assert!(!accepts("png", &with_text(&[("key", "a\0b")])));
}

#[test]
fn a_lower_quality_gives_a_smaller_jpeg() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.jpg");
    let (_, picture) = gradient();
    let size = |quality| {
        let encoding = Encoding {
            quality,
            ..Encoding::default()
        };
        write(&file, &picture, encoding);
        std::fs::metadata(&file).unwrap().len()
    };
    assert!(size(Some(30)) < size(Some(80)) && size(Some(95)) == size(None));
}

#[test]
fn a_depth_is_written_8_or_16() {
    for (text, depth) in [("8", Depth::Eight), ("16", Depth::Sixteen)] {
        assert_eq!(
            (text.parse(), depth.to_string()),
            (Ok(depth), text.to_owned())
        );
    }
    assert!("12".parse::<Depth>().is_err());
}
