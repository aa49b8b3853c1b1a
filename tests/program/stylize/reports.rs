//! `impasto stylize --log`, `--frames`, `--report`, `--quiet` and `--verbose`.

use crate::page::page;
use crate::workplace::{SMALL, Workplace, data, said};
use base64::prelude::{BASE64_STANDARD, Engine};

#[test]
fn the_log_has_a_line_for_each_iteration_and_losses_fall() {
    let place = Workplace::new();
    let arguments = "-o out.png --size 64 --iterations 12 --preset classic --init content --tv-weight 0.1 --log log.jsonl";
    place.stylize(arguments).assert().success();
    let lines = place.log("log.jsonl");
    assert_eq!(lines.len(), 12);
    let mut seconds = 0.0;
    for (iteration, line) in (1..).zip(&lines) {
        let number = |key: &str| line[key].as_f64().unwrap();
        assert_eq!(line["iteration"], iteration);
        let sum = number("content") + number("style") + number("tv");
        assert!((number("total") / sum - 1.0).abs() < 1e-12);
        assert!(number("style") > 0.0 && number("tv") > 0.0);
        assert!(number("seconds") >= seconds);
        seconds = number("seconds");
        assert_eq!(line.as_object().unwrap().len(), 7, "{line}");
    }
    // The losses are those of the picture before the step: it begins as the photograph itself.
    assert_eq!(lines[0]["content"], 0.0);
    assert!(lines[1]["content"].as_f64().unwrap() > 0.0);
    let totals: Vec<_> = lines
        .iter()
        .map(|line| line["total"].as_f64().unwrap())
        .collect();
    assert!(
        totals.is_sorted_by(|earlier, later| later < earlier),
        "{totals:?}"
    );
}

#[test]
fn frames_are_written_after_the_iterations_asked_for() {
    let place = Workplace::new();
    let small = "-o out.png --size 32 --iterations 10 --init content";
    place
        .stylize(&format!("{small} --frames a/b"))
        .assert()
        .success();
    let names = |folder: &str| {
        let entries = place.path(folder).read_dir().unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let due = [
        "00001.png",
        "00002.png",
        "00003.png",
        "00004.png",
        "00005.png",
        "00010.png",
    ];
    assert_eq!(names("a/b"), due);
    let frames = "--frames c --frames-at 4";
    place
        .stylize(&format!("{small} {frames}"))
        .assert()
        .success();
    assert_eq!(names("c"), ["00004.png", "00008.png"]);
    // The last frame is the picture itself.
    assert!(place.pixels("a/b/00010.png") == place.pixels("out.png"));
}

#[test]
fn quiet_prints_nothing_and_verbose_prints_details() {
    let place = Workplace::new();
    let quiet = place.stylize(&format!("{SMALL} -q")).assert().success();
    assert!(quiet.get_output().stderr.is_empty() && quiet.get_output().stdout.is_empty());
    let said = said(place.stylize(&format!("{SMALL} -v")));
    for detail in [
        "VGG-16 from the program itself",
        "chelsea.jpg, 451x300",
        "painted   at 48x32",
        "752x600, seen at 48x38",
        "conv5_1=1",
        "learning rate 10, from content",
        " threads, ",
        "s an iteration",
    ] {
        assert!(said.contains(detail), "{detail} in {said}");
    }
}

/// The text of a page, without its markup and pictures.
fn words(page: &str) -> String {
    let body = page.split("<body>").nth(1).unwrap();
    let texts = body.split('<').filter_map(|part| part.split_once('>'));
    texts.map(|(_, text)| text).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_has_the_pictures_the_settings_and_the_losses_of_the_log() {
    let place = Workplace::new();
    let settings = "--content-weight 17.5 --init noise --seed 9 --style-layers conv1_1=2,conv2_1";
    let arguments =
        "-o out.png --size 64 --scales 2 --iterations 8 --report r.html --log log.jsonl";
    place
        .stylize(&format!("{arguments} {settings}"))
        .assert()
        .success();
    let page = page(&place, "r.html");
    let text = words(&page);
    for expected in [
        "out.png",
        "chelsea.jpg in the style of starry_night.jpg",
        "Photograph",
        "Painting",
        "64 × 43",
        "content-weight  How much the content of the photograph counts",
        "17.5",
        "conv1_1=2, conv2_1=1",
        "VGG-16, built in",
        concat!("impasto ", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert!(!text.contains("Ended early") && !text.contains("Continued"));
    // What differs from the default stands first, all below.
    let (first, all) = text.split_once("All settings").unwrap();
    let listed = |name: &str| [first, all].map(|text| text.contains(&format!(" {name}  ")));
    assert_eq!(listed("seed"), [true, true]);
    assert_eq!(listed("border"), [false, true]);

    let values: Vec<f64> = (page.split("<data value=\"").skip(1))
        .map(|part| part.split('"').next().unwrap().parse().unwrap())
        .collect();
    let log = place.log("log.jsonl");
    let expected = ["total", "tv", "style", "content"]
        .map(|key| [&log[0], &log[7]].map(|line| line[key].as_f64().unwrap()));
    assert_eq!(values, expected.concat());
    // Both sizes are named in the drawing, with a mark between them.
    assert_eq!(page.matches("class=\"change\"").count(), 1);
    assert!(text.contains("45x30") && text.contains("64x43"));

    let picture = page.split("data:image/jpeg;base64,").nth(1).unwrap();
    let bytes = BASE64_STANDARD.decode(picture.split('"').next().unwrap());
    let shown = image::load_from_memory(&bytes.unwrap())
        .unwrap()
        .into_rgb8();
    let painted = place.rgb("out.png");
    assert_eq!(shown.dimensions(), painted.dimensions());
    let differences = shown.iter().zip(painted.iter());
    let mean = differences
        .map(|(a, b)| f64::from(a.abs_diff(*b)))
        .sum::<f64>()
        / painted.len() as f64;
    assert!(mean < 12.0, "{mean}");
}

#[test]
fn names_of_files_are_text_in_the_page_and_stand_without_their_folders() {
    let place = Workplace::new();
    let folder = place.path("my pictures");
    std::fs::create_dir(&folder).unwrap();
    for (from, to) in [
        ("content/chelsea.jpg", "<b>&.jpg"),
        ("style/starry_night.jpg", "\"night\".jpg"),
    ] {
        std::fs::copy(data(from), folder.join(to)).unwrap();
    }
    let mut command = place.impasto("stylize");
    command.args([folder.join("<b>&.jpg"), folder.join("\"night\".jpg")]);
    command.arg("--init").arg(folder.join("<b>&.jpg"));
    command.args("-o <i>.png --size 48 --iterations 2 --report r.html".split(' '));
    command.assert().success();
    let page = page(&place, "r.html");
    assert!(!page.contains("<b>&") && !page.contains("<i>") && !page.contains("my pictures"));
    assert!(page.contains("alt=\"Photograph, &lt;b&gt;&amp;.jpg\""));
    assert!(page.contains("alt=\"Painting, &quot;night&quot;.jpg\""));
    assert!(page.contains("<title>&lt;i&gt;.png"));
}

#[test]
fn masks_stand_in_the_page_too() {
    let place = Workplace::new();
    image::GrayImage::from_fn(45, 30, |x, _| image::Luma([if x < 20 { 255 } else { 0 }]))
        .save(place.path("left.png"))
        .unwrap();
    let mut command = place.stylize(SMALL);
    command.arg(data("style/great_wave.jpg"));
    // Options end the list of paintings.
    command.args("--content-mask left.png --content-mask rest --report r.html".split(' '));
    command.assert().success();
    let page = page(&place, "r.html");
    for alt in [
        "Painting 1, starry_night.jpg",
        "Painting 2, great_wave.jpg",
        "Where painting 1 is painted, left.png",
    ] {
        assert!(page.contains(&format!("alt=\"{alt}\"")), "{alt}");
    }
    assert_eq!(page.matches("<img").count(), 5);
}

#[test]
fn a_page_without_a_photograph_is_of_a_texture() {
    let place = Workplace::new();
    let mut command = place.impasto("texture");
    command.arg(data("style/starry_night.jpg"));
    command.args(format!("{SMALL} --report r.html").split(' '));
    command.assert().success();
    let text = words(&page(&place, "r.html"));
    assert!(text.contains("A texture with the style of starry_night.jpg"));
    assert!(!text.contains("Photograph") && !text.contains("Content weight"));
}
