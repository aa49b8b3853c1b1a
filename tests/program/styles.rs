//! Several styles, masks, style losses, textures and reconstructions, as a user asks for them.

use crate::workplace::{Workplace, data};
use image::{GrayImage, Luma, RgbImage};

/// Few layers, so that it is soon done.
const SHALLOW: &str = "--size 48 --style-layers conv1_1,conv2_1 --iterations 4";
const LONGER: &str = "--size 48 --style-layers conv1_1,conv2_1 --iterations 30";

/// A mask of this size, white where `white` says so.
fn mask(
    place: &Workplace,
    name: &str,
    (width, height): (u32, u32),
    white: impl Fn(u32, u32) -> bool,
) {
    let shade = |x, y| Luma([if white(x, y) { 255 } else { 0 }]);
    GrayImage::from_fn(width, height, shade)
        .save(place.path(name))
        .unwrap();
}

fn painted(place: &Workplace, name: &str) -> RgbImage {
    image::open(place.path(name)).unwrap().into_rgb8()
}

/// The sum of the differences over the columns that `chosen` names.
fn difference(a: &RgbImage, b: &RgbImage, chosen: impl Fn(u32) -> bool) -> u64 {
    (a.enumerate_pixels().zip(b.pixels()))
        .filter(|((x, ..), _)| chosen(*x))
        .flat_map(|((.., a), b)| (0..3).map(move |c| u64::from(a[c].abs_diff(b[c]))))
        .sum()
}

/// The program's arguments for the cat in both styles.
fn both_styles(options: &str) -> String {
    let [content, first, second] = [
        "content/chelsea.jpg",
        "style/starry_night.jpg",
        "style/great_wave.jpg",
    ]
    .map(|name| data(name).display().to_string());
    format!("stylize {content} {first} {second} {options}")
}

#[test]
fn a_blend_lies_between_its_styles_and_its_ends_are_the_styles_alone() {
    let place = Workplace::new();
    let paint = |options: &str, name: &str| {
        place
            .impasto(&format!("{} {options} -o {name}", both_styles(SHALLOW)))
            .assert()
            .success();
        painted(&place, name)
    };
    let half = paint("", "half.png");
    assert_eq!(half, paint("--style-blend 2,2", "same.png"));
    let (first, second) = (
        paint("--style-blend 1,0", "1.png"),
        paint("--style-blend 0,1", "2.png"),
    );
    let alone = |style: &str, name: &str| {
        let content = data("content/chelsea.jpg");
        let arguments = format!(
            "stylize {} {} {SHALLOW} -o {name}",
            content.display(),
            data(style).display()
        );
        place.impasto(&arguments).assert().success();
        painted(&place, name)
    };
    assert_eq!(first, alone("style/starry_night.jpg", "night.png"));
    assert_eq!(second, alone("style/great_wave.jpg", "wave.png"));
    let all = |_| true;
    assert!(difference(&half, &first, all) > 0 && difference(&half, &second, all) > 0);
}

#[test]
fn masks_say_where_each_style_is_painted() {
    let place = Workplace::new();
    mask(&place, "left.png", (90, 60), |x, _| x < 45);
    mask(&place, "white.png", (451, 300), |_, _| true);
    place
        .stylize(&format!("{SHALLOW} -o plain.png"))
        .assert()
        .success();
    place
        .stylize(&format!(
            "{SHALLOW} --content-mask white.png -o everywhere.png"
        ))
        .assert()
        .success();
    assert_eq!(
        painted(&place, "everywhere.png"),
        painted(&place, "plain.png")
    );
    let paint_for = |length: &str, options: &str, name: &str| {
        let run = place.impasto(&format!("{} {options} -o {name}", both_styles(length)));
        { run }.assert().success();
        painted(&place, name)
    };
    // Half and half: on each side it is nearer to the style of that side.
    let halves = paint_for(
        LONGER,
        "--content-mask left.png --content-mask rest",
        "halves.png",
    );
    let first = paint_for(LONGER, "--style-blend 1,0", "1.png");
    let second = paint_for(LONGER, "--style-blend 0,1", "2.png");
    let (left, right) = (|x| x < 20, |x| x > 28);
    assert!(difference(&halves, &first, left) < difference(&halves, &second, left));
    assert!(difference(&halves, &second, right) < difference(&halves, &first, right));
}

#[test]
fn what_a_style_mask_hides_is_no_style() {
    let place = Workplace::new();
    // The night, and beside it something of quite another kind, which the mask hides.
    let night = image::open(data("style/starry_night.jpg"))
        .unwrap()
        .into_rgb8();
    let mut beside =
        RgbImage::from_pixel(2 * night.width(), night.height(), image::Rgb([255, 0, 255]));
    image::imageops::replace(&mut beside, &night, 0, 0);
    beside.save(place.path("beside.png")).unwrap();
    mask(&place, "night.png", beside.dimensions(), |x, _| {
        x < night.width()
    });
    let paint = |style: &str, options: &str| {
        let content = data("content/chelsea.jpg");
        let arguments = format!(
            "stylize {} {style} {LONGER} --style-margin 0 --content-weight 0 --tv-weight 0 -o out.png {options}",
            content.display()
        );
        place.impasto(&arguments).assert().success();
        painted(&place, "out.png")
    };
    let magenta = |picture: &RgbImage| {
        picture
            .pixels()
            .filter(|p| p[0] > 200 && p[1] < 90 && p[2] > 200)
            .count()
    };
    let (whole, masked) = (
        magenta(&paint("beside.png", "")),
        magenta(&paint("beside.png", "--style-mask night.png")),
    );
    // Something of it reaches over the border of the mask.
    assert!(
        whole > 300 && 8 * masked < whole,
        "{whole}, masked: {masked}"
    );
}

#[test]
fn masks_that_make_no_sense_are_refused() {
    let place = Workplace::new();
    mask(&place, "square.png", (30, 30), |_, _| true);
    mask(&place, "fits.png", (451, 300), |_, _| true);
    mask(&place, "black.png", (451, 300), |_, _| false);
    mask(&place, "black_night.png", (752, 600), |_, _| false);
    for (options, trouble) in [
        (
            "--content-mask fits.png --content-mask black.png",
            "the masks leave style 2 no place",
        ),
        (
            "--content-mask fits.png --content-mask rest",
            "the masks leave style 2 no place",
        ),
        (
            "--style-mask black_night.png --style-mask all",
            "the mask of style 1 is black",
        ),
        (
            "--content-mask fits.png",
            "--content-mask: 1 for 2 style pictures; give one for each",
        ),
        (
            "--content-mask square.png --content-mask rest",
            "the mask for style 1 is 30x30",
        ),
        (
            "--content-mask rest --content-mask rest",
            "only one style can have the rest",
        ),
        (
            "--style-mask fits.png --style-mask all",
            "the mask of style 1 is 451x300",
        ),
        (
            "--content-mask none.png --content-mask rest",
            "none.png: no such file",
        ),
        (
            "--style-blend 1,2,3",
            "style-blend has 3 numbers for 2 style pictures",
        ),
        (
            "--style-blend 0,0",
            "style-blend must have a number above 0",
        ),
        ("--style-scale 1,1,1", "style-scale has 3 numbers"),
        (
            "--content-mask fits.png --content-mask rest --style-blend 3,1",
            "style-blend has no meaning where masks say which style is painted where",
        ),
        (
            "--normalize-gradients",
            "normalized gradients are not the gradient of any loss, which L-BFGS needs; use Adam",
        ),
        (
            "--average 0.9",
            "average is a mean of Adam's pictures; use Adam",
        ),
    ] {
        let line =
            place.refusal(place.impasto(&format!("{} -o out.png {options}", both_styles(SHALLOW))));
        assert!(line.contains(trouble), "{line}");
    }
}

#[test]
fn each_style_loss_paints_its_own_picture() {
    let place = Workplace::new();
    let mut pictures = Vec::new();
    for loss in ["gram", "moments", "sliced", "histogram"] {
        place
            .stylize(&format!(
                "-o out.png {SHALLOW} --style-loss {loss} --log log.jsonl"
            ))
            .assert()
            .success();
        let log = std::fs::read_to_string(place.path("log.jsonl")).unwrap();
        let style = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["style"]
                .as_f64()
                .unwrap()
        };
        let last = log.lines().map(style).fold(f64::INFINITY, f64::min);
        assert!(
            last < 0.9 * style(log.lines().next().unwrap()),
            "{loss}: {log}"
        );
        pictures.push(painted(&place, "out.png"));
    }
    for (at, picture) in pictures.iter().enumerate() {
        assert!(!pictures[..at].contains(picture));
    }
    let normalised = format!("-o out.png {SHALLOW} --preset classic --normalize-gradients");
    place.stylize(&normalised).assert().success();
}

#[test]
fn a_texture_has_the_size_that_is_asked_for_and_tiles_if_it_is_to() {
    let place = Workplace::new();
    // Smooth hills, so that a seam is seen.
    let wave = |x: u32, y: u32| {
        let (x, y) = (f64::from(x), f64::from(y));
        (128.0 + 60.0 * ((0.2 * x).sin() + (0.16 * y + 0.04 * x).cos())) as u8
    };
    let hills = RgbImage::from_fn(160, 160, |x, y| image::Rgb([wave(x, y), wave(y, x), 90]));
    hills.save(place.path("hills.png")).unwrap();
    // How much the last and the first column differ, beside any two neighbours.
    let seam = |options: &str| {
        let layers = "conv1_1,conv2_1,conv3_1,conv4_1";
        let arguments = format!(
            "texture hills.png -o out.png --size 64x48 --border 0 --iterations 150 --style-layers {layers} {options}"
        );
        place.impasto(&arguments).assert().success();
        let picture = painted(&place, "out.png");
        assert_eq!(picture.dimensions(), (64, 48));
        let step = |a: u32, b: u32| -> f64 {
            (0..48)
                .map(|y| f64::from(picture.get_pixel(a, y)[0].abs_diff(picture.get_pixel(b, y)[0])))
                .sum()
        };
        step(63, 0) / ((1..64).map(|x| step(x - 1, x)).sum::<f64>() / 63.0)
    };
    let seams = |options: &str| seam(options) + seam(&format!("{options} --seed 1"));
    let (seamless, plain) = (seams("--seamless"), seams(""));
    assert!(seamless < 0.8 * plain, "{seamless}, without: {plain}");
}

#[test]
fn a_shallow_layer_gives_the_photograph_back() {
    let place = Workplace::new();
    let content = data("content/chelsea.jpg").display().to_string();
    let distance = |layer: &str| {
        let arguments =
            format!("reconstruct {content} -o out.png --size 64 --iterations 120 --layer {layer}");
        place.impasto(&arguments).assert().success();
        let photograph = impasto::picture::Picture::open(&data("content/chelsea.jpg"))
            .unwrap()
            .0;
        let size = impasto::picture::Size {
            width: 64,
            height: 43,
        };
        let truth = photograph.fit(size).to_array();
        let found = impasto::picture::Picture::open(&place.path("out.png"))
            .unwrap()
            .0
            .to_array();
        (found - truth).mapv(f32::abs).mean().unwrap()
    };
    let (shallow, deep) = (distance("conv1_1"), distance("conv4_2"));
    assert!(shallow < 12.0 && deep > 3.0 * shallow, "{shallow}, {deep}");
}

#[test]
fn textures_and_reconstructions_that_cannot_be_are_refused() {
    let place = Workplace::new();
    let night = data("style/starry_night.jpg").display().to_string();
    for (arguments, trouble) in [
        (
            format!("texture {night} -o out.png --seamless --size 100x64"),
            "multiples of 16 for these layers, not 100x64; ask for --size 96x64",
        ),
        (
            format!("texture {night} -o out.png --size 8x8"),
            "too small for layer",
        ),
        (
            "texture missing.jpg -o out.png".to_owned(),
            "missing.jpg: no such file",
        ),
        (
            format!("reconstruct {night} -o out.png --layer conv9_9"),
            "conv9_9",
        ),
        (
            format!("reconstruct {night} -o out.png --layer conv4_2=0 --tv-weight 0"),
            "every weight is 0: there is nothing to optimize",
        ),
    ] {
        let line = place.refusal(place.impasto(&arguments));
        assert!(line.contains(trouble), "{line}");
    }
    place
        .impasto(&format!("texture {night} -o out.png --content-weight 3"))
        .assert()
        .code(2);
}

#[test]
fn a_picture_tells_how_it_was_made_and_that_can_be_done_again() {
    let place = Workplace::new();
    let options =
        format!("{SHALLOW} --seed 3 --init noise --style-loss moments --content-weight 7");
    place
        .stylize(&format!("-o first.png {options}"))
        .assert()
        .success();
    let again = |arguments: &str| {
        place
            .impasto(&format!("stylize --settings-from first.png {arguments}"))
            .assert()
            .success();
    };
    again("-o again.png");
    let file = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert!(file("first.png") == file("again.png"));
    // What is given beside it wins: other pictures, other settings.
    again("-o other.png --seed 4");
    assert!(place.pixels("first.png") != place.pixels("other.png"));
    again(&format!(
        "-o coffee.png {}",
        data("content/coffee.jpg").display()
    ));
    assert_eq!(painted(&place, "coffee.png").width(), 48);

    place
        .stylize(&format!("-o bare.png --no-settings {SHALLOW}"))
        .assert()
        .success();
    for (file, trouble) in [
        ("bare.png", "bare.png: it stores no text"),
        ("missing.png", "missing.png: no such file"),
    ] {
        let line =
            place.refusal(place.impasto(&format!("stylize --settings-from {file} -o out.png")));
        assert!(
            line.contains("--settings-from") && line.contains(trouble),
            "{line}"
        );
    }
}

#[test]
fn depth_quality_and_transparency_are_as_asked_for() {
    let place = Workplace::new();
    place
        .stylize(&format!("-o deep.png --bit-depth 16 {SHALLOW}"))
        .assert()
        .success();
    let deep = image::open(place.path("deep.png")).unwrap();
    assert_eq!(deep.color(), image::ColorType::Rgb16);
    assert!(
        deep.into_rgb16()
            .as_raw()
            .iter()
            .any(|value| value % 257 != 0),
        "more than 8 bits"
    );
    let length = |quality: u8| {
        place
            .stylize(&format!("-o out.jpg --jpeg-quality {quality} {SHALLOW}"))
            .assert()
            .success();
        std::fs::metadata(place.path("out.jpg")).unwrap().len()
    };
    assert!(length(20) < length(95));
    for (options, trouble) in [
        ("-o out.jpg --bit-depth 16", "16"),
        ("-o out.png --jpeg-quality 50", "quality"),
        (
            "-o out.jpg --keep-alpha",
            "out.jpg: this format cannot store transparency",
        ),
    ] {
        std::fs::remove_file(place.path("out.jpg")).unwrap_or_default();
        let line = place.refusal(place.stylize(&format!("{options} {SHALLOW}")));
        assert!(line.contains(trouble), "{line}");
    }
}
