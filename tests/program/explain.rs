//! The figure of what the network sees.

#[cfg(unix)]
use crate::processes::Process;
use crate::workplace::{Workplace, data, said, usage_error};
use assert_cmd::Command;
use image::{Rgb, RgbImage};
use impasto::picture::{FloatPicture, OutputFile, Picture, Size};
use impasto::vgg::VGG19;
use impasto::weights::{Precision, Weights};
#[cfg(unix)]
use std::io::{BufRead, BufReader, Read};

/// `impasto explain` of the cat and the night, with these arguments.
fn explain(place: &Workplace, arguments: &str) -> Command {
    let mut command = place.impasto("explain");
    command
        .arg(data("content/chelsea.jpg"))
        .arg(data("style/starry_night.jpg"))
        .args(arguments.split_whitespace());
    command
}

/// The part of a picture that begins at (x, y).
fn part(figure: &RgbImage, [x, y, width, height]: [u32; 4]) -> RgbImage {
    image::imageops::crop_imm(figure, x, y, width, height).to_image()
}

fn dark(part: &RgbImage) -> usize {
    part.pixels()
        .filter(|pixel| pixel.0.iter().all(|&value| value < 110))
        .count()
}

/// Checks that a figure of the cat and the night at 64 pixels has titles and twelve different pictures. Returns the pictures,
/// column by column.
fn check_pictures(figure: &RgbImage) -> Vec<RgbImage> {
    // Columns of 64 and gaps of 6, from 42 on; the painting is 64x51, the photograph 64x43.
    let columns = (0..6).map(|number| 42 + number * 70);
    let (style, content) = (30, 30 + 51 + 6);
    let mut seen = Vec::new();
    for x in columns {
        assert!(dark(&part(figure, [x, 12, 64, 12])) > 20, "no title at {x}");
        for (y, height) in [(style, 51), (content, 43)] {
            let picture = part(figure, [x, y, 64, height]);
            let white = picture.pixels().filter(|p| **p == Rgb([255; 3])).count();
            assert!(white < 500, "{white} white at {x}, {y}");
            assert!(!seen.contains(&picture));
            seen.push(picture);
        }
    }
    for (y, height) in [(style, 51), (content, 43)] {
        assert!(
            dark(&part(figure, [0, y, 42, height])) > 20,
            "no title at {y}"
        );
    }
    seen
}

#[test]
fn the_figure_has_two_rows_of_six_pictures_and_their_titles() {
    let place = Workplace::new();
    let said = said(explain(&place, "-o out.png --size 64 --iterations 8"));
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 11, "{said}");
    assert_eq!(lines[2], "panel 3 of 10: style up to conv3_1");
    assert_eq!(lines[7], "panel 8 of 10: content at conv3_1");
    assert!(
        lines[10].starts_with("wrote out.png (468x142, in "),
        "{said}"
    );
    assert_eq!(place.contents(), ["out.png"]);

    let figure = place.rgb("out.png");
    assert_eq!(figure.dimensions(), (468, 142));
    let pictures = check_pictures(&figure);
    let (photograph, _) = Picture::open(&data("content/chelsea.jpg")).unwrap();
    let size = Size {
        width: 64,
        height: 43,
    };
    let small = OutputFile::new(&place.path("small.png")).unwrap();
    small
        .write(&FloatPicture::from(&photograph.fit(size)))
        .unwrap();
    let small = place.rgb("small.png");
    assert_eq!(pictures[1], small);
}

#[test]
fn a_shallow_layer_keeps_more_of_the_photograph_than_a_deep_one() {
    let place = Workplace::new();
    explain(&place, "-o out.png -q --size 64 --iterations 30")
        .assert()
        .success();
    let figure = place.rgb("out.png");
    let content = |number: u32| part(&figure, [42 + number * 70, 87, 64, 43]);
    let distance = |number: u32| {
        let (original, found) = (content(0), content(number));
        let errors = original.iter().zip(found.iter());
        errors.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / original.len() as f64
    };
    let distances: Vec<_> = [1, 3, 5].map(distance).into();
    assert!(
        distances.is_sorted() && distances[0] < 0.6 * distances[2],
        "{distances:?}"
    );
}

#[test]
fn other_networks_can_be_explained() {
    let place = Workplace::new();
    let depth = VGG19.find("conv5_1").unwrap() + 1;
    let weights = Weights::he_normal(VGG19, depth, 0);
    let file = place.path("vgg19.safetensors");
    weights.write(&file, Precision::F32).unwrap();
    let arguments = "-o out.jpg -q --size 32 --iterations 1 --weights vgg19.safetensors";
    explain(&place, arguments).assert().success();
    assert_eq!(place.contents(), ["out.jpg", "vgg19.safetensors"]);
}

#[test]
fn a_figure_that_cannot_be_drawn_is_refused_before_the_work() {
    let place = Workplace::new();
    place.write(
        "cat.jpg",
        std::fs::read(data("content/chelsea.jpg")).unwrap(),
    );
    place.write("text.jpg", "no picture");
    for (arguments, reason) in [
        ("cat.jpg text.jpg -o out.png", "style picture: text.jpg: "),
        (
            "none.jpg cat.jpg -o out.png",
            "content picture: none.jpg: no such file",
        ),
        (
            "cat.jpg cat.jpg -o cat.jpg",
            "cat.jpg: --output would replace a file that is read",
        ),
        (
            "cat.jpg cat.jpg -o out.xyz",
            "out.xyz: the file extension decides the format",
        ),
        (
            "cat.jpg cat.jpg -o missing/out.png",
            "there is no folder missing",
        ),
        (
            "cat.jpg cat.jpg -o out.png --size 15",
            "too small for layer conv5_1",
        ),
        (
            "cat.jpg cat.jpg -o out.webp --size 4000x16",
            "out.webp: this format stores at most 16383 pixels",
        ),
        (
            "cat.jpg cat.jpg -o out.png --size 30000x30000",
            "GB of ", // memory, or space for scratch files
        ),
        ("cat.jpg cat.jpg -o out.png --weights cat.jpg", "cat.jpg"),
    ] {
        let line = place.refusal(place.impasto(&format!("explain {arguments}")));
        assert!(line.contains(reason), "{arguments}: {line}");
    }
}

#[test]
fn an_explanation_without_pictures_output_or_iterations_is_a_usage_error() {
    let place = Workplace::new();
    for usage in [
        "cat.jpg -o out.png",
        "cat.jpg cat.jpg",
        "cat.jpg cat.jpg -o o.png --iterations 0",
    ] {
        usage_error(place.impasto(&format!("explain {usage}")));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_an_explanation_and_keeps_the_figure_so_far() {
    let place = Workplace::new();
    let mut run = Process::start_pair(
        &place,
        "explain",
        "-o out.png --iterations 1000000 --size 48",
    );
    let mut said = BufReader::new(run.0.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, "panel 1 of 10: style up to conv1_1\n");
    assert!(place.contents().is_empty());
    run.send("-INT");
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(run.0.wait().unwrap().code(), Some(130));
    let lines: Vec<_> = rest.lines().collect();
    assert_eq!(lines.len(), 2, "{rest}");
    assert!(
        lines[0].contains("ending after this iteration, and the picture so far is written"),
        "{rest}"
    );
    assert!(lines[1].starts_with("wrote out.png ("), "{rest}");
    assert_eq!(place.contents(), ["out.png"]);
    image::open(place.path("out.png")).unwrap();
}
