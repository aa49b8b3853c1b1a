//! Finished pictures in files: how deep, how opaque, with which texts, and marked as sRGB.

use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageReader, Rgba, RgbaImage};
use impasto::picture::{Canvas, Depth, ENDINGS, Encoding, OutputFile, Picture, Size, read_text};
use impasto::stylize::{Colours, Inputs, Settings, Stylization};
use impasto::vgg::MEAN;
use impasto::weights::{Source, Weights};
use ndarray::Array3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Values of all kinds, some beyond black and white.
fn canvas() -> (Array3<f32>, Canvas) {
    let x = Array3::from_shape_fn((12, 17, 3), |(i, j, c)| {
        (3.7 * i as f32 + 19.3 * j as f32 + 0.31 * c as f32) - 40.0 - MEAN[c]
    });
    let canvas = Canvas::from_array(&x);
    (x, canvas)
}

fn write(file: &Path, canvas: &Canvas, encoding: Encoding) {
    let output = OutputFile::new(file).unwrap().with(encoding).unwrap();
    output.write(canvas).unwrap();
}

fn with_text(text: &[(&str, &str)]) -> Encoding {
    let text = text
        .iter()
        .map(|&(key, text)| (key.to_owned(), text.to_owned()));
    Encoding {
        text: text.collect(),
        ..Encoding::default()
    }
}

fn deep() -> Encoding {
    Encoding {
        depth: Depth::Sixteen,
        ..Encoding::default()
    }
}

fn see_through() -> Encoding {
    Encoding {
        alpha: true,
        ..Encoding::default()
    }
}

/// A picture whose left half is opaque and whose right half is not, written as WebP; its pixels are stored turned by 90°.
fn glass(folder: &Path) -> Picture {
    let file = folder.join("glass.webp");
    // Stored, what is right when upright lies on top.
    let stored = RgbaImage::from_fn(40, 60, |_, y| {
        Rgba([200, 100, 50, if y < 30 { 64 } else { 255 }])
    });
    let mut encoder = WebPEncoder::new_lossless(std::fs::File::create(&file).unwrap());
    // A TIFF header and one entry: orientation 6 is to be turned to the right by 90°.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    DynamicImage::from(stored)
        .write_with_encoder(encoder)
        .unwrap();
    let (picture, remark) = Picture::open(&file).unwrap();
    assert!(remark.unwrap().contains("laid on white"));
    assert_eq!(
        picture.size(),
        Size {
            width: 60,
            height: 40
        }
    );
    picture
}

#[test]
fn eight_bits_are_the_rounded_values() {
    let folder = tempfile::tempdir().unwrap();
    let (x, canvas) = canvas();
    let expected: Vec<u8> = (x.indexed_iter())
        .map(|((_, _, c), value)| (value + MEAN[c]).round() as u8)
        .collect();
    for ending in ["png", "tif", "webp", "bmp", "tga", "qoi", "ppm"] {
        let file = folder.path().join("plain").with_extension(ending);
        write(&file, &canvas, Encoding::default());
        let DynamicImage::ImageRgb8(picture) = image::open(&file).unwrap() else {
            panic!("{ending} is not 8-bit RGB");
        };
        assert_eq!(picture.as_raw(), &expected, "{ending}");
    }
    assert_eq!(canvas.to_picture(), Picture::from_array(&x));
}

#[test]
fn sixteen_bits_are_sixteen_bits() {
    let folder = tempfile::tempdir().unwrap();
    let (x, canvas) = canvas();
    let expected: Vec<u16> = (x.indexed_iter())
        .map(|((_, _, c), value)| (257.0 * (value + MEAN[c])).round() as u16)
        .collect();
    assert!(expected.iter().any(|value| value % 257 != 0));
    for ending in ["png", "tif", "tiff"] {
        let file = folder.path().join("deep").with_extension(ending);
        write(&file, &canvas, deep());
        let DynamicImage::ImageRgb16(picture) = image::open(&file).unwrap() else {
            panic!("{ending} is not 16-bit RGB");
        };
        assert_eq!(picture.as_raw(), &expected, "{ending}");
        // Read as an input, it is the 8-bit picture, to a level: twice rounded.
        let (back, remark) = Picture::open(&file).unwrap();
        assert_eq!(remark, None);
        let error = (back.to_array() - canvas.to_picture().to_array()).mapv(f32::abs);
        assert!(error.iter().all(|&error| error <= 1.0));
    }
}

#[test]
fn luminance_is_painted_between_the_levels() {
    let folder = tempfile::tempdir().unwrap();
    let (x, painted) = canvas();
    let colours = Picture::from_array(&Array3::zeros(x.dim()));
    let file = folder.path().join("deep.png");
    write(&file, &painted.with_chrominance_of(&colours), deep());
    let picture = image::open(&file).unwrap().into_rgb16();
    // The luminance is the painting's, as it is seen: cut off at black and white.
    let weights = [0.299, 0.587, 0.114];
    let luminance = |pixel: [f64; 3]| (0..3).map(|c| weights[c] * pixel[c]).sum::<f64>();
    let mut between = 0;
    for (seen, x) in picture.pixels().zip(x.lanes(ndarray::Axis(2))) {
        let seen = seen.0.map(|value| f64::from(value) / 257.0);
        let x = [0, 1, 2].map(|c| f64::from((x[c] + MEAN[c]).clamp(0.0, 255.0)));
        if seen.iter().all(|&value| value > 0.0 && value < 255.0) {
            assert!((luminance(seen) - luminance(x)).abs() < 0.01, "{seen:?}");
            between += usize::from(seen.iter().any(|value| value.fract() != 0.0));
        }
    }
    assert!(between > 50, "{between}");
}

#[test]
fn what_is_transparent_is_turned_cropped_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let picture = glass(folder.path());
    // A square out of the middle, half as large.
    let size = Size {
        width: 20,
        height: 20,
    };
    let picture = picture.fit(size);
    let canvas = Canvas::from_array(&picture.to_array()).with_alpha_of(&picture);
    for (ending, depth) in [
        ("png", Depth::Eight),
        ("png", Depth::Sixteen),
        ("tif", Depth::Sixteen),
        ("tif", Depth::Eight),
        ("webp", Depth::Eight),
        ("tga", Depth::Eight),
        ("qoi", Depth::Eight),
    ] {
        let file = folder.path().join("out").with_extension(ending);
        write(
            &file,
            &canvas,
            Encoding {
                depth,
                ..see_through()
            },
        );
        let back = image::open(&file).unwrap();
        assert!(back.color().has_alpha(), "{ending}");
        assert_eq!(
            back.color().bytes_per_pixel(),
            if depth == Depth::Eight { 4 } else { 8 }
        );
        let back = back.into_rgba8();
        assert_eq!(back.dimensions(), (20, 20));
        for (x, y, pixel) in back.enumerate_pixels() {
            let expected = if x < 10 { 255 } else { 64 };
            // Beside the edge the filter rings.
            let bound = if (7..13).contains(&x) { 255 } else { 0 };
            assert!(
                pixel[3].abs_diff(expected) <= bound,
                "{ending} at {x}, {y}: {pixel:?}"
            );
        }
        // Unless it is asked for, it is left out.
        write(&file, &canvas, Encoding::default());
        assert!(!image::open(&file).unwrap().color().has_alpha());
    }
}

#[test]
fn a_run_carries_what_is_transparent_along() {
    let folder = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let weights = Weights::load(&Source::File(data.join("vgg16.safetensors"))).unwrap();
    let (style, _) = Picture::open(&data.join("style/starry_night.jpg")).unwrap();
    let inputs = Inputs::pair(glass(folder.path()), style);
    for colours in [Colours::Painting, Colours::Luminance] {
        let settings = Settings {
            iterations: 1,
            size: "48".parse().unwrap(),
            colours,
            ..Settings::classic()
        };
        let run = Stylization::new(&weights, &inputs, &settings).unwrap();
        let painted = run.run(|_| ControlFlow::Continue(())).unwrap().picture;
        let file = folder.path().join("painted.png");
        write(&file, &painted, see_through());
        let painted = image::open(&file).unwrap().into_rgba8();
        assert_eq!(painted.dimensions(), (48, 32));
        assert_eq!(
            [painted.get_pixel(3, 9)[3], painted.get_pixel(45, 9)[3]],
            [255, 64]
        );
    }
}

#[test]
fn files_say_that_their_colours_are_srgb() {
    let folder = tempfile::tempdir().unwrap();
    let (_, canvas) = canvas();
    for ending in ["jpg", "jpeg", "tif", "tiff", "webp"] {
        let file = folder.path().join("marked").with_extension(ending);
        write(&file, &canvas, Encoding::default());
        // With a limit, TIFF's own reader gives none for so small a picture.
        let mut reader = ImageReader::open(&file).unwrap();
        reader.no_limits();
        let profile = if ending.starts_with("tif") {
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
            assert!((ours - theirs).abs() < 1e-4, "{ending}");
        }
        // Nothing in it tells when it was made.
        assert_eq!(&profile[24..36], &[7, 208, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(
            Picture::open(&file).unwrap().1,
            None,
            "{ending}: it is not converted again"
        );
    }
    let file = folder.path().join("marked.png");
    write(&file, &canvas, Encoding::default());
    let reader = std::io::BufReader::new(std::fs::File::open(&file).unwrap());
    let reader = png::Decoder::new(reader).read_info().unwrap();
    assert_eq!(
        reader.info().srgb,
        Some(png::SrgbRenderingIntent::Perceptual)
    );
}

#[test]
fn texts_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let (_, canvas) = canvas();
    let file = folder.path().join("told.png");
    let settings = "content = \"Bäume/木 🌳.jpg\"\nsize = \"512\"\n";
    let long = "é".repeat((1 << 19) - 100);
    write(
        &file,
        &canvas,
        with_text(&[
            ("impasto:settings", settings),
            ("Comment", &long),
            ("none", ""),
        ]),
    );
    assert_eq!(read_text(&file, "impasto:settings").unwrap(), settings);
    assert_eq!(read_text(&file, "Comment").unwrap(), long);
    assert_eq!(read_text(&file, "none").unwrap(), "");
    let refusal = |file: &Path, key: &str| {
        let message = read_text(file, key).unwrap_err().to_string();
        assert!(
            message.starts_with(file.to_str().unwrap()) && !message.contains('\n'),
            "{message}"
        );
        message
    };
    assert!(refusal(&file, "Title").ends_with("told.png: it keeps no text \"Title\""));
    let jpeg = folder.path().join("told.jpg");
    // Formats without texts leave them out.
    write(&jpeg, &canvas, with_text(&[("impasto:settings", settings)]));
    assert!(refusal(&jpeg, "impasto:settings").contains("not a PNG file"));
    assert!(refusal(folder.path(), "Title").contains("not a file"));
    assert!(refusal(&folder.path().join("missing.png"), "Title").contains("no such file"));

    let whole = std::fs::read(&file).unwrap();
    let at = whole
        .windows(7)
        .position(|window| window == b"Comment")
        .unwrap();
    let damaged = folder.path().join("damaged.png");
    for cut in [20, at, at + 1000] {
        std::fs::write(&damaged, &whole[..cut]).unwrap();
        assert!(refusal(&damaged, "Comment").contains("cut short"), "{cut}");
    }
    let mut changed = whole.clone();
    changed[at + 500] ^= 1;
    std::fs::write(&damaged, changed).unwrap();
    assert!(refusal(&damaged, "Comment").contains("damaged PNG file"));
}

#[test]
fn too_much_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("much.png");
    let much = "x".repeat(1 << 20);
    let error = OutputFile::new(&file)
        .unwrap()
        .with(with_text(&[("key", &much)]))
        .unwrap_err();
    assert!(
        error.to_string().contains("more than 1 MiB of text"),
        "{error}"
    );
    // Written by others: one that is long, many that are short, and one that is short only while it is packed.
    let write = |texts: &[png::text_metadata::ITXtChunk]| {
        let mut encoder = png::Encoder::new(std::fs::File::create(&file).unwrap(), 1, 1);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        texts
            .iter()
            .for_each(|text| writer.write_text_chunk(text).unwrap());
        writer.write_image_data(&[1, 2, 3]).unwrap();
    };
    let text = |length: usize| png::text_metadata::ITXtChunk::new("key", "x".repeat(length));
    let mut packed = text(100 << 20);
    packed.compress_text().unwrap();
    for texts in [vec![text(8 << 20)], vec![text(1000); 10_000], vec![packed]] {
        write(&texts);
        let error = read_text(&file, "key").unwrap_err().to_string();
        assert!(error.contains("1 MiB") && !error.contains('\n'), "{error}");
    }
    let mut packed = text(1 << 20);
    packed.compress_text().unwrap();
    write(&[packed]);
    assert_eq!(read_text(&file, "key").unwrap().len(), 1 << 20);
}

#[test]
fn damaged_texts_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let (_, canvas) = canvas();
    let file = folder.path().join("told.png");
    write(&file, &canvas, with_text(&[("key", "a text")]));
    let whole = std::fs::read(&file).unwrap();
    let mut rng = Pcg64Mcg::seed_from_u64(2);
    let mut refused = 0;
    for _ in 0..500 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            let at = rng.random_range(0..200);
            bytes[at] = rng.random();
        }
        std::fs::write(&file, bytes).unwrap();
        if let Err(error) = read_text(&file, "key") {
            assert!(!error.to_string().contains('\n'), "{error}");
            refused += 1;
        }
    }
    assert!(refused > 300, "{refused}");
}

#[test]
fn what_a_format_cannot_hold_is_refused_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let place = |ending: &str| -> PathBuf { folder.path().join("out").with_extension(ending) };
    let holds = |ending: &str, encoding: &Encoding| {
        let answer = OutputFile::new(&place(ending))
            .unwrap()
            .with(encoding.clone());
        if let Err(error) = &answer {
            let message = error.to_string();
            assert!(
                message.starts_with(place(ending).to_str().unwrap()),
                "{message}"
            );
            assert!(!message.contains('\n'), "{message}");
        }
        answer.is_ok()
    };
    let fine = Encoding {
        quality: Some(80),
        ..Encoding::default()
    };
    for ending in ENDINGS {
        assert!(holds(ending, &Encoding::default()));
        assert_eq!(
            holds(ending, &deep()),
            ["png", "tif", "tiff"].contains(&ending),
            "{ending}"
        );
        assert_eq!(
            holds(ending, &fine),
            ["jpg", "jpeg"].contains(&ending),
            "{ending}"
        );
        let alpha = ["png", "webp", "tif", "tiff", "tga", "qoi"].contains(&ending);
        assert_eq!(holds(ending, &see_through()), alpha, "{ending}");
    }
    for quality in [0, 101, 255] {
        assert!(!holds(
            "jpg",
            &Encoding {
                quality: Some(quality),
                ..Encoding::default()
            }
        ));
    }
    for key in ["", " key", "a\nb", "木", &"k".repeat(80)] {
        assert!(!holds("png", &with_text(&[(key, "text")])), "{key:?}");
    }
    assert!(!holds("png", &with_text(&[("key", "a\0b")])));
    // Quality is what it says: less of it, fewer bytes.
    let (_, canvas) = canvas();
    let size = |quality| {
        write(
            &place("jpg"),
            &canvas,
            Encoding {
                quality,
                ..Encoding::default()
            },
        );
        std::fs::metadata(place("jpg")).unwrap().len()
    };
    assert!(size(Some(30)) < size(Some(80)) && size(Some(95)) == size(None));
    for (text, depth) in [("8", Depth::Eight), ("16", Depth::Sixteen)] {
        assert_eq!(
            (text.parse(), depth.to_string()),
            (Ok(depth), text.to_owned())
        );
    }
    assert!("12".parse::<Depth>().is_err());
}
