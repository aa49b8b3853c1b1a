//! `impasto stylize`: the painted picture, its size, its first picture and its seed.

use crate::workplace::{SMALL, Workplace, data, said};
use impasto::picture::{Picture, Size};

#[test]
fn the_picture_is_painted_and_named_in_the_last_line() {
    let place = Workplace::new();
    let said = said(place.stylize(SMALL));
    assert!(said.starts_with("iteration 1 of 3, loss "), "{said}");
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("wrote out.png (48x32, 3 iterations in "),
        "{said}"
    );
    assert_eq!(place.contents(), ["out.png"]);
    assert_eq!(place.dimensions("out.png"), (48, 32));
}

#[test]
fn a_size_of_two_edges_is_painted_exactly() {
    let place = Workplace::new();
    let arguments = "-o out.png --size 33x47 --iterations 1";
    place.stylize(arguments).assert().success();
    assert_eq!(place.dimensions("out.png"), (33, 47));
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let place = Workplace::new();
    let paint = |name: &str, options: &str| {
        let size = "--size 96x70 --iterations 2 --init noise";
        place
            .stylize(&format!("-o {name}.png {size} {options}"))
            .assert()
            .success();
        place.pixels(&format!("{name}.png"))
    };
    let first = paint("first", "--threads 1 --seed 5");
    assert!(first == paint("again", "--threads 1 --seed 5"));
    assert!(first == paint("two", "--threads 2 --seed 5"));
    assert!(first == paint("three", "--threads 3 --seed 5"));
    assert!(first != paint("other", "--threads 2 --seed 6"));
}

#[test]
fn each_value_of_init_begins_with_its_own_picture() {
    let place = Workplace::new();
    place.write(
        "start.png",
        std::fs::read(data("content/coffee.jpg")).unwrap(),
    );
    let begin = |options: &str| {
        // The steps are so small that the result is the first picture.
        let still = "-o out.png --preset classic --size 64x48 --iterations 1 --learning-rate 1e-6";
        place
            .stylize(&format!("{still} {options}"))
            .assert()
            .success();
        Picture::open(&place.path("out.png")).unwrap().0
    };
    let size = Size {
        width: 64,
        height: 48,
    };
    let fitted = |name: &str| Picture::open(&data(name)).unwrap().0.fit(size);
    let content = fitted("content/chelsea.jpg");
    assert_eq!(begin("--init content"), content);
    assert_eq!(begin("--noise-ratio 0"), content);
    assert_eq!(begin("--init start.png"), fitted("content/coffee.jpg"));

    let deviation = |picture: &Picture| picture.to_array().std(0.0);
    // Uniform noise of half-width 20 deviates by 20/√3 = 11.5; over the whole range by 255/√12 = 73.6.
    assert!((deviation(&begin("--noise-ratio 1")) - 11.5).abs() < 0.5);
    assert!((deviation(&begin("--init random")) - 73.6).abs() < 1.5);
    // 0.6 of noise and 0.4 of the photograph.
    let mixed = begin("--init noise").to_array();
    let noise = (&mixed - &(content.to_array() * 0.4)) / 0.6;
    assert!(noise.iter().all(|noise| noise.abs() < 21.0));
    assert!((noise.std(0.0) - 11.5).abs() < 0.5);
}
