//! The losses of STROTSS on any number of threads, and where there is nothing to compare.

use crate::common::{on_one_thread, random};
use impasto::engine::EngineKind;
use impasto::gradients::operands::joint_forward;
use impasto::gradients::strotss::{MEAN, add_painting, arrays, content, in_units, sampling, style};
use impasto::method::strotss::{Sampling, StrotssStyleBuilder};
use impasto::method::{JointLoss, PlainProducts};
use ndarray::{Array2, Array3};

/// Large enough that all work is divided.
#[test]
fn strotss_has_the_same_bits_on_one_thread_and_on_three() {
    let arrays = |seed: u64| -> [Array3<f32>; 2] {
        [random((40, 35, 3), seed), random((20, 18, 37), seed + 1)].map(|f| f * 100.0)
    };
    let (picture, painting) = (arrays(90), arrays(92));
    let run = || {
        let engine = EngineKind::default().build::<f32>();
        let sampling = Sampling {
            count: 300,
            ..Sampling::new(7, MEAN)
        };
        let mut style = StrotssStyleBuilder::new(sampling.clone(), 0.5);
        add_painting(&mut style, &painting.each_ref(), 1.0, None, &*engine);
        let style = style.finish();
        let content = content(sampling, &painting);
        let losses: [&dyn JointLoss<f32>; 2] = [&style, &content];
        losses.map(|loss| {
            let (value, back) = joint_forward(loss, &picture.each_ref(), 4, &*engine);
            let mut df = Array3::zeros(picture[1].dim());
            back.add_gradient(1, 1.0, &mut df);
            (value, df)
        })
    };
    let three = rayon::ThreadPoolBuilder::new()
        .num_threads(3)
        .build()
        .unwrap();
    assert_eq!(on_one_thread(run), three.install(run));
}

/// Nothing visible in the picture or in any painting, pictures of one pixel, and black ones: a value and a gradient that are
/// numbers.
#[test]
fn strotss_has_no_trouble_with_masks_of_zeros_and_pictures_of_one_black_pixel() {
    let nothing = Some(Array2::zeros((5, 4)));
    let invisible = style(sampling(6, nothing.clone()), false);
    let mut unpainted = StrotssStyleBuilder::new(sampling(6, None), 0.5);
    let painting = in_units(&arrays(40));
    add_painting(
        &mut unpainted,
        &painting.each_ref(),
        1.0,
        nothing.as_ref(),
        &PlainProducts,
    );
    add_painting(
        &mut unpainted,
        &painting.each_ref(),
        0.0,
        None,
        &PlainProducts,
    );
    let picture = in_units(&arrays(70));
    for loss in [&invisible, &unpainted.finish()] {
        let (value, back) = joint_forward(loss, &picture.each_ref(), 0, &PlainProducts);
        let mut df = Array3::zeros(picture[0].dim());
        back.add_gradient(0, 1.0, &mut df);
        assert!(value == 0.0 && df.iter().all(|&g| g == 0.0));
    }

    let black = [
        -Array3::from_shape_fn((1, 1, 3), |(_, _, c)| MEAN[c]),
        Array3::zeros((1, 1, 2)),
        Array3::zeros((1, 1, 3)),
    ];
    let mut of_black = StrotssStyleBuilder::new(sampling(6, None), 0.5);
    add_painting(&mut of_black, &black.each_ref(), 1.0, None, &PlainProducts);
    let content = content(sampling(6, None), &black);
    let style: [&dyn JointLoss<f64>; 2] = [&of_black.finish(), &content];
    for loss in style {
        let (value, back) = joint_forward(loss, &black.each_ref(), 0, &PlainProducts);
        assert!(value.is_finite());
        for (k, f) in black.iter().enumerate() {
            let mut df = Array3::zeros(f.dim());
            back.add_gradient(k, 1.0, &mut df);
            assert!(df.iter().all(|g: &f64| g.is_finite()));
        }
    }
}
