//! How the losses at one layer hand over their gradients.

use crate::common::random;
use impasto::engine::EngineKind;
use impasto::method::style::{Features, RegionLossBuilder};
use impasto::method::{ContentLoss, Loss, Padding, PlainProducts, StyleLossKind, TotalVariation};
use ndarray::Array3;

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
