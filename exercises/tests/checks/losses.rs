//! Gram matrix, and the losses with their gradients.

use super::{Comparison, Verdict, as_array, is_value};
use impasto::gradients::operands::{SIZES, random};
use impasto::method::{ContentLoss, GramLoss, Loss, Padding, StyleLoss, TotalVariation, gram};
use ndarray::{Array2, Array3};

/// The Gram matrix.
pub fn gram_matrix(f: &dyn Fn(&Array3<f64>) -> Array2<f64>) -> Verdict {
    for (h, w) in SIZES {
        let x: Array3<f64> = random((h, w, 3), 11);
        let expected = gram::forward(&x);
        let positions = (h * w) as f64;
        let flat = gram::matrix(&x);
        Comparison::of("G", format!("f is {h}×{w}×3"))
            .with_axes(2)
            .suspect(
                "that is FFᵀ: G has a row for each channel",
                as_array(flat.dot(&flat.t())),
            )
            .suspect(
                "G is a sum over positions, without division",
                as_array(&expected / positions),
            )
            .suspect(
                "the mean is subtracted: G is not the covariance",
                as_array(centered(&x) * positions),
            )
            .is(&as_array(f(&x)), &as_array(expected.clone()))?;
    }
    Ok(())
}

/// The covariance of positions.
fn centered(x: &Array3<f64>) -> Array2<f64> {
    let flat = gram::matrix(x);
    let mean = flat.mean_axis(ndarray::Axis(0)).unwrap();
    let centered = &flat - &mean;
    centered.t().dot(&centered) / flat.nrows() as f64
}

type GramLossOf<'a> = &'a dyn Fn(&Array3<f64>, &Array2<f64>) -> (f64, Array3<f64>);

/// The loss on Gram matrices.
pub fn gram_loss(f: GramLossOf) -> Verdict {
    for (h, w) in SIZES {
        let [x, painting]: [Array3<f64>; 2] = [12, 13].map(|seed| random((h, w, 3), seed));
        let target = gram::forward(&painting);
        let loss = GramLoss::new(&painting);
        let (expected, right) = loss.value_and_gradient(&x);
        let case = format!("f is {h}×{w}×3");
        let (value, gradient) = f(&x, &target);
        is_value(value, expected, &case)?;
        let comparison = Comparison::of("dF", case)
            .suspect(
                "is (dL/dG)ᵀ missing? F stands in G = FᵀF twice",
                &right * 0.5,
            )
            .suspect(
                "is the painting's A subtracted?",
                GramLoss::new(&(&painting * 0.0)).value_and_gradient(&x).1,
            );
        comparison.is_gradient(&gradient, &x, |x| loss.value_and_gradient(x).0)?;
        comparison.is(&gradient, &right)?;
    }
    Ok(())
}

type ContentLossOf<'a> = &'a dyn Fn(&Array3<f64>, &Array3<f64>) -> (f64, Array3<f64>);

/// The content loss.
pub fn content_loss(f: ContentLossOf) -> Verdict {
    for (h, w) in SIZES {
        let [x, target]: [Array3<f64>; 2] = [14, 15].map(|seed| random((h, w, 3), seed));
        let loss = ContentLoss::new(target.clone());
        let (expected, right) = loss.value_and_gradient(&x);
        let case = format!("f is {h}×{w}×3");
        let (value, gradient) = f(&x, &target);
        is_value(value, expected, &case)?;
        let comparison = Comparison::of("dF", case)
            .suspect(
                "every element has the wrong sign: it is F − P, not P − F",
                -&right,
            )
            .suspect("is it divided by 2·size?", &right * (2.0 * x.len() as f64));
        comparison.is_gradient(&gradient, &x, |x| loss.value_and_gradient(x).0)?;
        comparison.is(&gradient, &right)?;
    }
    Ok(())
}

/// The gradient of total variation.
pub fn total_variation(f: &dyn Fn(&Array3<f64>) -> Array3<f64>) -> Verdict {
    for (h, w) in SIZES {
        let x: Array3<f64> = random((h, w, 2), 16);
        let loss = TotalVariation::new(Padding::Zero);
        let (_, right) = loss.value_and_gradient(&x);
        let difference = |i: usize, j: usize, c: usize, down: usize, right: usize| {
            x.get((i + down, j + right, c))
                .map_or(0.0, |there| there - x[[i, j, c]])
        };
        let firsts = Array3::from_shape_fn(x.dim(), |(i, j, c)| {
            -difference(i, j, c, 0, 1) - difference(i, j, c, 1, 0)
        });
        let along = |down: usize, right: usize| {
            Array3::from_shape_fn(x.dim(), |(i, j, c)| {
                let before = if i >= down && j >= right {
                    difference(i - down, j - right, c, down, right)
                } else {
                    0.0
                };
                before - difference(i, j, c, down, right)
            })
        };
        let gradient = f(&x);
        let comparison = Comparison::of("dx", format!("x is {h}×{w}×2"))
            .suspect(
                "a pair changes the gradient of both its pixels: that of the second is missing",
                firsts.clone(),
            )
            .suspect(
                "a pair changes the gradient of both its pixels: that of the first is missing",
                &right - &firsts,
            )
            .suspect("pairs one above the other are missing", along(0, 1))
            .suspect("pairs side by side are missing", along(1, 0))
            .suspect(
                "pixels at opposite edges are no neighbors",
                TotalVariation::new(Padding::Circular)
                    .value_and_gradient(&x)
                    .1,
            );
        comparison.is_gradient(&gradient, &x, |x| loss.value_and_gradient(x).0)?;
        comparison.is(&gradient, &right)?;
    }
    Ok(())
}
