//! `impasto reconstruct`.

use crate::workplace::{Workplace, data, said};
use impasto::picture::{Picture, Size};

#[test]
fn a_shallow_layer_gives_the_photograph_back() {
    let place = Workplace::new();
    let content = data("content/chelsea.jpg").display().to_string();
    let distance = |layer: &str| {
        let arguments =
            format!("reconstruct {content} -o out.png --size 64 --iterations 120 --layer {layer}");
        place.impasto(&arguments).assert().success();
        let photograph = Picture::open(&data("content/chelsea.jpg")).unwrap().0;
        let size = Size {
            width: 64,
            height: 43,
        };
        let truth = photograph.fit(size).to_array();
        let found = Picture::open(&place.path("out.png")).unwrap().0.to_array();
        (found - truth).mapv(f32::abs).mean().unwrap()
    };
    let (shallow, deep) = (distance("conv1_1"), distance("conv4_2"));
    assert!(shallow < 12.0 && deep > 3.0 * shallow, "{shallow}, {deep}");
}

#[test]
fn reconstructions_that_cannot_be_painted_are_refused() {
    let place = Workplace::new();
    let night = data("style/starry_night.jpg").display().to_string();
    for (options, trouble) in [
        ("--layer conv9_9", "VGG-16 has no layer \"conv9_9\""),
        (
            "--layer conv4_2=0 --tv-weight 0",
            "every weight is 0: there is nothing to optimize",
        ),
    ] {
        let line =
            place.refusal(place.impasto(&format!("reconstruct {night} -o out.png {options}")));
        assert!(line.contains(trouble), "{line}");
    }
}

#[test]
fn a_layer_that_is_named_twice_is_refused_and_different_ones_accumulate() {
    let place = Workplace::new();
    let night = data("style/starry_night.jpg").display().to_string();
    let quick = format!("reconstruct {night} -o out.png --size 32 --iterations 1 --scales 1 -v");
    let said = said(place.impasto(&format!("{quick} --layer conv1_1 --layer conv2_1=2")));
    assert!(said.contains(": conv1_1=1 conv2_1=2\n"), "{said}");
    let elsewhere = Workplace::new();
    let line =
        elsewhere.refusal(elsewhere.impasto(&format!("{quick} --layer conv1_1 --layer conv1_1")));
    assert!(line.contains("conv1_1 is named twice"), "{line}");
}
