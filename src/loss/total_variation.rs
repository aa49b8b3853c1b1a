//! Total variation: how much neighbouring pixels differ. A little of it quiets the noise that the other losses leave.
//!
//! > L = ½ Σ (x\[i, j+1\] − x\[i, j\])² + ½ Σ (x\[i+1, j\] − x\[i, j\])²
//!
//! over each channel and all pairs inside the picture, and with circular padding also over the pairs of the last and the first of
//! each row and column, which are neighbours there. Each pair, with difference d, adds −d to the gradient of the one and +d to
//! that of the other. (Mahendran and Vedaldi 2015, with β = 2.)

use crate::ops::conv::Padding;
use crate::ops::{Scalar, elements, elements_mut};
use ndarray::Array3;
use rayon::prelude::*;

/// L of the picture `x` (H×W×C).
pub fn value<T: Scalar>(x: &Array3<T>, padding: Padding) -> f64 {
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

/// Adds `weight`·dL/dx to `dx` (H×W×C).
///
/// # Panics
/// If the shapes differ.
pub fn add_gradient<T: Scalar>(x: &Array3<T>, padding: Padding, weight: f64, dx: &mut Array3<T>) {
    assert_eq!(x.dim(), dx.dim(), "x and dx must have one shape");
    let (height, width, channels) = x.dim();
    let row = width * channels;
    let weight = T::of(weight);
    let x = elements(x);
    (elements_mut(dx).par_chunks_mut(row))
        .enumerate()
        .for_each(|(i, dx)| {
            let here = &x[i * row..][..row];
            let mut pull = |at: usize, neighbour: T| dx[at] += weight * (here[at] - neighbour);
            for at in channels..row {
                pull(at, here[at - channels]);
                pull(at - channels, here[at]);
            }
            if padding == Padding::Circular {
                for first in 0..channels {
                    let last = row - channels + first;
                    pull(first, here[last]);
                    pull(last, here[first]);
                }
            }
            let vertical = [i, i + 2].map(|next| padding.position(next, height));
            for neighbour in vertical.into_iter().flatten() {
                let other = &x[neighbour * row..][..row];
                for (at, &other) in other.iter().enumerate() {
                    pull(at, other);
                }
            }
        });
}
