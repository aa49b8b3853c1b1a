//! Total variation: how much neighboring pixels differ. A small weight of it reduces the noise that the other losses leave.
//!
//! > L = ½ Σ (x\[i, j+1\] − x\[i, j\])² + ½ Σ (x\[i+1, j\] − x\[i, j\])²
//!
//! over each channel and all pairs of neighbors inside the picture. With circular padding the last and the first of each row
//! and column are neighbors too. A pair with difference d adds −d to the gradient of its first pixel and +d to that of its
//! second. (Mahendran and Vedaldi 2015, with β = 2, up to the factor.)

use super::Padding;
use super::loss::{Loss, Products};
use super::scalar::{Scalar, elements, elements_mut};
use ndarray::Array3;
use rayon::prelude::*;

/// The total variation of a picture (H×W×C) that continues beyond its edges in this way.
pub struct TotalVariation(pub Padding);

impl<T: Scalar> Loss<T> for TotalVariation {
    fn add_gradient(
        &self,
        x: &Array3<T>,
        weight: f64,
        dx: &mut Array3<T>,
        _: &dyn Products<T>,
    ) -> f64 {
        assert_eq!(x.dim(), dx.dim(), "x and dx must have one shape");
        add_gradient(x, self.0, weight, dx);
        value(x, self.0)
    }
}

fn value<T: Scalar>(x: &Array3<T>, padding: Padding) -> f64 {
    let (height, width, channels) = x.dim();
    let row = width * channels;
    let x = elements(x);
    let squares = |a: &[T], b: &[T]| -> f64 {
        let square = |(&a, &b): (&T, &T)| (a.as_f64() - b.as_f64()).powi(2);
        a.iter().zip(b).map(square).sum()
    };
    let rows: Vec<f64> = (0..height)
        .into_par_iter()
        .map(|i| {
            let here = &x[i * row..][..row];
            let mut sum = squares(&here[channels..], here);
            if padding == Padding::Circular {
                sum += squares(&here[..channels], &here[row - channels..]);
            }
            if let Some(below) = padding.position(i + 2, height) {
                sum += squares(&x[below * row..][..row], here);
            }
            sum
        })
        .collect();
    0.5 * rows.iter().sum::<f64>()
}

fn add_gradient<T: Scalar>(x: &Array3<T>, padding: Padding, weight: f64, dx: &mut Array3<T>) {
    let (height, width, channels) = x.dim();
    let row = width * channels;
    let weight = T::of(weight);
    let x = elements(x);
    (elements_mut(dx).par_chunks_mut(row))
        .enumerate()
        .for_each(|(i, dx)| {
            let here = &x[i * row..][..row];
            let mut add = |at: usize, neighbor: T| dx[at] += weight * (here[at] - neighbor);
            for at in channels..row {
                add(at, here[at - channels]);
                add(at - channels, here[at]);
            }
            if padding == Padding::Circular {
                for first in 0..channels {
                    let last = row - channels + first;
                    add(first, here[last]);
                    add(last, here[first]);
                }
            }
            let vertical = [i, i + 2].map(|next| padding.position(next, height));
            for neighbor in vertical.into_iter().flatten() {
                let other = &x[neighbor * row..][..row];
                for (at, &other) in other.iter().enumerate() {
                    add(at, other);
                }
            }
        });
}
