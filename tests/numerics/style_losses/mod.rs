//! Checks the style losses: their values, their general properties, and regions of a picture. The finite differences are in
//! `gradients`.

mod properties;
mod regions;
mod values;

use crate::common::random;
use impasto::method::style::{Features, RegionLossBuilder};
use impasto::method::{Loss, PlainProducts, StyleLossKind};
use ndarray::{Array2, Array3};

/// The activations of a painting, its mask and its share.
type Sample<'a> = (&'a Array3<f64>, Option<&'a Array2<f64>>, f64);

/// A sample of all these activations, with a share of 1.
fn whole(activations: &Array3<f64>) -> Sample<'_> {
    (activations, None, 1.0)
}

/// Random numbers, none below 0 and most above, like activations.
fn activations(shape: (usize, usize, usize), seed: u64) -> Array3<f64> {
    random(shape, seed).mapv(|x: f64| (x + 0.6).max(0.0))
}

/// The value of the loss of the whole picture.
fn loss(kind: StyleLossKind, samples: &[Sample], f: &Array3<f64>) -> f64 {
    masked_loss(kind, samples, None, f).0
}

/// Value and gradient of the loss where a mask shows the picture.
fn masked_loss(
    kind: StyleLossKind,
    samples: &[Sample],
    mask: Option<&Array2<f64>>,
    f: &Array3<f64>,
) -> (f64, Array3<f64>) {
    let mut loss = RegionLossBuilder::new(kind);
    for (activations, mask, share) in samples {
        loss.add_painting(Features::new(activations, *mask), *share, &PlainProducts);
    }
    loss.finish(mask.cloned(), &PlainProducts)
        .value_and_gradient(f)
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}
