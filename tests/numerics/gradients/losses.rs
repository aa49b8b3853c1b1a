//! The losses at one layer: content, style and total variation.

use super::{BOUND, PADDINGS, SIZES, engines, mask, projections};
use crate::common::{on_one_thread, random};
use impasto::engine::{Engine, EngineKind};
use impasto::method::finite_difference::{STEP, relative_error, relative_error_of_smooth};
use impasto::method::style::{Features, RegionLoss, RegionLossBuilder};
use impasto::method::{ContentLoss, Loss, Padding, PlainProducts, StyleLossKind, TotalVariation};
use ndarray::{Array2, Array3};

/// The relative error of a loss's gradient at `f`, with a weight of 2.5.
fn error_of(loss: &dyn Loss<f64>, f: &Array3<f64>, engine: &dyn Engine<f64>) -> f64 {
    let mut df = Array3::zeros(f.dim());
    let value = loss.add_gradient(f, 2.5, &mut df, engine);
    assert_eq!(value, value_of(loss, f, engine));
    relative_error(f, &df, |f| 2.5 * value_of(loss, f, engine))
}

fn value_of(loss: &dyn Loss<f64>, f: &Array3<f64>, engine: &dyn Engine<f64>) -> f64 {
    loss.add_gradient(f, 0.0, &mut Array3::zeros(f.dim()), engine)
}

#[test]
fn the_content_loss_has_the_right_gradient() {
    for (h, w) in SIZES {
        let f = random((h, w, 3), 10);
        let loss = ContentLoss::new(random((h, w, 3), 11));
        let error = error_of(&loss, &f, &*EngineKind::Reference.build());
        assert!(error <= BOUND, "{h}x{w}: {error:e}");
    }
}

/// Paintings of other sizes than the painted picture: the style is the whole first one, and part of the second.
struct Paintings {
    first: Array3<f64>,
    second: Array3<f64>,
    mask: Array2<f64>,
}

impl Paintings {
    /// The style loss against the first painting, or against a mixture of both.
    fn loss(
        &self,
        kind: StyleLossKind,
        mixed: bool,
        mask: Option<Array2<f64>>,
        engine: &dyn Engine<f64>,
    ) -> RegionLoss<f64> {
        let mut loss = RegionLossBuilder::new(kind);
        loss.add_painting(Features::new(&self.first, None), 1.0, engine);
        if mixed {
            let part = Features::new(&self.second, Some(&self.mask));
            loss.add_painting(part, 0.4, engine);
        }
        loss.finish(mask, engine)
    }
}

/// A style loss may have kinks where two positions have equal projections on an axis or on a direction of the random basis. The
/// test stays away from these. A new loss with kinks elsewhere needs more care here. The test also assumes that a loss is above 0
/// wherever the mask shows something, since the activations are random.
#[test]
fn every_style_loss_has_the_right_gradient() {
    on_one_thread(check_style_losses);
}

fn check_style_losses() {
    let activations = |shape, seed| random(shape, seed).mapv(|f: f64| f + 0.5);
    let paintings = Paintings {
        first: activations((6, 5, 4), 13),
        second: activations((3, 4, 4), 14),
        mask: mask((3, 4), 15),
    };
    for (h, w) in SIZES {
        let f = (100..200)
            .map(|seed| activations((h, w, 4), seed))
            .find(|f| gaps(f) > 10.0 * STEP)
            .expect("one seed of a hundred keeps all projections apart");
        for (&kind, engine) in
            (StyleLossKind::ALL.iter()).flat_map(|kind| engines().map(|engine| (kind, engine)))
        {
            let built = engine.build();
            for mixed in [false, true] {
                for mask in [None, Some(mask((h, w), 16))] {
                    let case = format!("{kind} {engine:?} {h}x{w} {mask:?}");
                    let visible = mask.as_ref().is_none_or(|mask| mask.sum() > 0.0);
                    let loss = paintings.loss(kind, mixed, mask, &*built);
                    assert!((value_of(&loss, &f, &*built) > 0.0) == visible, "{case}");
                    let error = if kind == StyleLossKind::Wasserstein {
                        // It is the difference of three traces, and smooth.
                        let gradient = loss.value_and_gradient(&f).1;
                        relative_error_of_smooth(&f, &gradient, |f| value_of(&loss, f, &*built))
                    } else {
                        error_of(&loss, &f, &*built)
                    };
                    assert!(error <= BOUND, "{case}: {error:e}");
                }
            }
        }
    }
}

/// The smallest distance between the projections of two positions, on an axis or on a direction of the random basis.
fn gaps(f: &Array3<f64>) -> f64 {
    let mut smallest = f64::INFINITY;
    for p in projections(f) {
        for p in p.rows() {
            let mut p = p.to_vec();
            p.sort_by(f64::total_cmp);
            smallest = p.windows(2).map(|p| p[1] - p[0]).fold(smallest, f64::min);
        }
    }
    smallest
}

#[test]
fn total_variation_has_the_right_gradient() {
    for (h, w) in SIZES {
        for padding in PADDINGS {
            let x = random((h, w, 3), 14);
            let error = error_of(
                &TotalVariation::new(padding),
                &x,
                &*EngineKind::Reference.build(),
            );
            assert!(error <= BOUND, "{padding:?} {h}x{w}: {error:e}");
        }
    }
}

/// Every loss must add its gradient to the array that it gets. The test assumes that each loss has a gradient at random
/// activations.
#[test]
fn every_loss_adds_its_gradient_to_what_the_array_holds() {
    let f: Array3<f64> = random((3, 4, 2), 15);
    let before: Array3<f64> = random((3, 4, 2), 16);
    let painting = random((2, 2, 2), 18);
    let mut losses: Vec<Box<dyn Loss<f64>>> = vec![
        Box::new(ContentLoss::new(random((3, 4, 2), 17))),
        Box::new(TotalVariation::new(Padding::Circular)),
    ];
    for &kind in StyleLossKind::ALL {
        let mut loss = RegionLossBuilder::new(kind);
        loss.add_painting(Features::new(&painting, None), 1.0, &PlainProducts);
        losses.push(Box::new(loss.finish(None, &PlainProducts)));
    }
    for loss in losses {
        let engine = EngineKind::default().build();
        let mut alone = Array3::zeros(f.dim());
        loss.add_gradient(&f, 1.5, &mut alone, &*engine);
        let mut on_top = before.clone();
        loss.add_gradient(&f, 1.5, &mut on_top, &*engine);
        let rest = &on_top - &before - &alone;
        assert!(rest.iter().all(|rest| rest.abs() < 1e-14));
        assert!(alone.iter().any(|g| g.abs() > 1e-3));
        // `value_and_gradient` computes the same.
        let (_, gradient) = loss.value_and_gradient(&f);
        let difference = (gradient * 1.5 - &alone).mapv(f64::abs).sum();
        assert!(difference < 1e-12);
    }
}
