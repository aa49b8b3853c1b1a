//! The measurements of `make bench-pictures`, on pictures of which the result is known.

mod eigenvalues;
mod gaussian;
mod hatch;
mod palette;
mod sliced;

// The program that measures uses more of them.
#[allow(dead_code)]
#[path = "../../benches/pictures/metrics/mod.rs"]
mod metrics;

use image::{Rgb, RgbImage};
use impasto::picture::Picture;
use impasto::vgg::VGG16;
use impasto::weights::Weights;
use metrics::{Judge, Metrics, STYLE_LAYERS};

fn picture(width: u32, height: u32, color: impl Fn(f64, f64) -> [f64; 3]) -> Picture {
    Picture::from(RgbImage::from_fn(width, height, |x, y| {
        Rgb(color(x.into(), y.into()).map(|v| (255.0 * v.clamp(0.0, 1.0)).round() as u8))
    }))
}

fn photograph() -> Picture {
    picture(96, 64, |x, y| {
        if y < 32.0 {
            [0.5, 0.7, 0.9]
        } else {
            [0.4 + 0.3 * (x / 9.0).sin(), 0.5, 0.2 + y / 300.0]
        }
    })
}

fn painting() -> Picture {
    picture(80, 72, |x, y| {
        let stroke = ((x + 2.0 * y) / 3.0).sin() * ((x - y) / 7.0).cos();
        [
            0.6 + 0.4 * stroke,
            0.4 - 0.2 * stroke,
            0.3 + 0.3 * (y / 5.0).sin(),
        ]
    })
}

fn measured(painted: impl Fn(&Picture) -> Picture) -> Metrics {
    let weights = Weights::he_normal(VGG16, VGG16.find("conv5_2").unwrap() + 1, 1);
    let judge = Judge::new(&weights);
    let photograph = photograph();
    let painted = painted(&photograph);
    judge.reference(photograph, painting()).measure(&painted)
}

fn style_scores(metrics: &Metrics) -> Vec<f64> {
    assert_eq!(metrics.gaussian.len(), STYLE_LAYERS.len());
    [&metrics.gaussian[..], &metrics.sliced, &[metrics.palette]].concat()
}

#[test]
fn the_photograph_has_the_style_score_1_and_keeps_all_content() {
    let metrics = measured(Picture::clone);
    for score in style_scores(&metrics) {
        assert!((score - 1.0).abs() < 1e-9, "{metrics:?}");
    }
    assert!(metrics.self_similarity < 1e-9 && metrics.content_error < 1e-9);
    assert_eq!(metrics.hatch, metrics.hatch_of_photograph);
}

#[test]
fn the_painting_has_the_style_score_0() {
    let weights = Weights::he_normal(VGG16, VGG16.find("conv5_2").unwrap() + 1, 1);
    let judge = Judge::new(&weights);
    let painting = painting();
    let photograph = photograph().fit(painting.size());
    let metrics = (judge.reference(photograph, painting.clone())).measure(&painting);
    for score in style_scores(&metrics) {
        assert!(score.abs() < 1e-9, "{metrics:?}");
    }
    assert!(metrics.self_similarity > 0.05 && metrics.content_error > 0.05);
}

#[test]
fn a_mixture_of_both_is_between_them_in_style_and_content() {
    let metrics = measured(|photograph| {
        let size = photograph.size();
        let painting = painting().fit(size);
        Picture::from_array(&((photograph.to_array() + painting.to_array()) / 2.0))
    });
    assert!(
        (0.0..1.0).contains(&metrics.style_gaussian()),
        "{metrics:?}"
    );
    assert!((0.0..1.0).contains(&metrics.style_sliced()), "{metrics:?}");
    assert!((0.0..1.0).contains(&metrics.palette), "{metrics:?}");
    assert!(metrics.self_similarity > 0.0 && metrics.content_error > 0.0);
}
