//! `impasto stylize` with the methods that compare all layers together, and with pictures that are hard for any method.

use crate::workplace::{Workplace, data};
use image::{Rgb, RgbImage};

/// Options that make a run of each method short, and the default. `strotss` compares each pair of a thousand positions, in as many dimensions as
/// all layers have channels; it has fewer layers here.
const QUICK: [(&str, &str); 4] = [
    ("default", "--size 48 --iterations 4"),
    ("crowsonkb", "--size 48 --iterations 4"),
    (
        "strotss",
        "--size 48 --scales 24,48 --iterations 2 --finer-iterations 2 --style-layers conv1_1,conv2_1,conv3_1 --content-layers conv2_1,conv3_1",
    ),
    (
        "nnst",
        "--size 48 --scales 24,48 --iterations 2 --finer-iterations 2 --split-iterations 2",
    ),
];

fn quick(preset: &str) -> String {
    let (_, options) = QUICK.into_iter().find(|(name, _)| *name == preset).unwrap();
    format!("--preset {preset} {options}")
}

#[test]
fn each_method_paints_with_masks_and_several_styles() {
    let place = Workplace::new();
    let half =
        image::GrayImage::from_fn(48, 32, |x, _| image::Luma([if x < 24 { 255 } else { 0 }]));
    half.save(place.path("left.png")).unwrap();
    let [content, first, second] = [
        "content/chelsea.jpg",
        "style/starry_night.jpg",
        "style/great_wave.jpg",
    ]
    .map(|name| data(name).display().to_string());
    for (preset, options) in QUICK {
        let run = format!("--preset {preset} {options}");
        let mut pictures = Vec::new();
        for more in [
            format!("{first} {second} {run}"),
            format!("{first} {second} --content-mask left.png --content-mask rest {run}"),
            format!("{first} {run}"),
        ] {
            place
                .impasto(&format!("stylize {content} {more} -o out.png"))
                .assert()
                .success();
            pictures.push(place.rgb("out.png"));
        }
        assert!(
            pictures[0] != pictures[1] && pictures[1] != pictures[2],
            "{preset}"
        );
        assert!(pictures[0] != pictures[2], "{preset}");
    }
}

#[test]
fn a_picture_contains_the_settings_of_its_method() {
    let place = Workplace::new();
    for preset in ["strotss", "nnst", "crowsonkb"] {
        let run = format!("-o out.png {}", quick(preset));
        place.stylize(&run).assert().success();
        let painted = place.rgb("out.png");
        place
            .stylize("-o again.png --settings-from out.png")
            .assert()
            .success();
        assert!(place.rgb("again.png") == painted, "{preset}");
    }
}

#[test]
fn no_method_fails_at_pictures_without_anything_in_them() {
    let place = Workplace::new();
    let save = |name: &str, width, height, pixel: fn(u32, u32) -> [u8; 3]| {
        let picture = RgbImage::from_fn(width, height, |x, y| Rgb(pixel(x, y)));
        picture.save(place.path(name)).unwrap();
    };
    save("red.png", 64, 48, |_, _| [200, 10, 10]);
    save("black.png", 64, 48, |_, _| [0, 0, 0]);
    save("gray.png", 64, 48, |x, y| [(3 * x + y) as u8; 3]);
    save("tiny.png", 16, 16, |x, y| {
        [(16 * x) as u8, (16 * y) as u8, 90]
    });
    for (preset, _) in QUICK {
        for (content, style) in [
            ("gray.png", "red.png"),
            ("gray.png", "black.png"),
            ("black.png", "black.png"),
            ("gray.png", "gray.png"),
            ("gray.png", "tiny.png"),
            ("tiny.png", "gray.png"),
        ] {
            let run = format!(
                "stylize {content} {style} -o out.png {} --style-margin 0 --log log",
                quick(preset)
            );
            place.impasto(&run).assert().success();
            for line in place.log("log") {
                let loss = line["total"].as_f64();
                assert!(
                    loss.is_some_and(f64::is_finite),
                    "{preset} {content} {style}: {line}"
                );
            }
        }
    }
}

#[test]
fn palette_keeps_the_colors_of_the_photograph_within_those_of_the_painting() {
    let place = Workplace::new();
    let paint = |options: &str| {
        place
            .stylize(&format!("-o out.png --size 48 --iterations 8 {options}"))
            .assert()
            .success();
        place.rgb("out.png")
    };
    let mean_blue = |picture: &RgbImage| {
        let excess = |p: &Rgb<u8>| f64::from(p[2]) - f64::from(p[0]);
        picture.pixels().map(excess).sum::<f64>() / f64::from(picture.width() * picture.height())
    };
    // The painting is blue, the cat is not.
    let photograph = image::open(data("content/chelsea.jpg"))
        .unwrap()
        .into_rgb8();
    let palette = mean_blue(&paint("--original-colors palette"));
    assert!(mean_blue(&photograph) < 0.0 && palette > 0.0, "{palette}");
    assert!(paint("--original-colors palette") != paint(""));
}

#[test]
fn what_a_method_cannot_do_is_refused() {
    let place = Workplace::new();
    for (options, words) in [
        (
            "--preset nnst --optimizer lbfgs",
            "which L-BFGS cannot follow",
        ),
        (
            "--preset strotss --optimizer lbfgs",
            "which L-BFGS cannot follow",
        ),
        ("--rotations", "rotations are for the method nearest"),
        ("--preset nnst --style-layers conv1_1=2", "without weights"),
        ("--preset nnst --style-weight 0", "a style weight above 0"),
        ("--method nearest", "which L-BFGS cannot follow"),
    ] {
        let line = place.refusal(place.stylize(&format!("-o out.png --size 48 {options}")));
        assert!(line.contains(words), "{line}");
    }
    let [content, first, second] = [
        "content/chelsea.jpg",
        "style/starry_night.jpg",
        "style/great_wave.jpg",
    ]
    .map(|name| data(name).display().to_string());
    let run = format!("stylize {content} {first} {second} -o out.png --size 48 --preset nnst");
    let line = place.refusal(place.impasto(&format!("{run} --style-blend 3,1")));
    assert!(line.contains("style-blend has no meaning"), "{line}");
    place.write(
        "pyramid.toml",
        "parameters = 'pyramid'\nclamp = true\noptimizer = 'adam'",
    );
    let line = place.refusal(place.stylize("-o out.png --preset pyramid.toml"));
    assert!(line.contains("clamp works on pixels"), "{line}");
}
