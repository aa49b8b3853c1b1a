//! A first layer that continues the picture beyond its edges by its edge pixels, instead of by zeros.
//!
//! Zeros around a picture look like a frame to the network, and the style losses paint what it sees. Here the convolution is
//! computed on the picture with one more pixel on each side, and the outputs there are cut off:
//!
//! > y = cut(conv(pad(x))),  dL/dx = padᵀ(convᵀ(cutᵀ(dL/dy)))
//!
//! cutᵀ puts zeros around dL/dy, and padᵀ adds the gradient of the outer pixels to that of the edge pixels that they repeat.

use super::{Activation, ConvRelu, Forward};
use crate::method::Scalar;
use ndarray::{Array3, s};
use std::sync::Arc;

/// The layer's output (H×W×Cout) for `x` (H×W×Cin), and its backward pass.
pub(crate) fn forward<'a, T: Scalar>(conv: &'a dyn ConvRelu<T>, x: &Array3<T>) -> Forward<'a, T> {
    let padded: Activation<T> = Arc::new(pad(x));
    let Forward { output, back } = conv.forward(&padded);
    let backward = move |dy: &Array3<T>| fold(&back.backward(&surround(dy)));
    Forward {
        output: Arc::new(cut(&output)),
        back: Box::new(backward),
    }
}

/// `x` with its edge pixels repeated around it.
fn pad<T: Scalar>(x: &Array3<T>) -> Array3<T> {
    let (height, width, channels) = x.dim();
    let inside = |at: usize, length: usize| at.saturating_sub(1).min(length - 1);
    Array3::from_shape_fn((height + 2, width + 2, channels), |(i, j, c)| {
        x[[inside(i, height), inside(j, width), c]]
    })
}

/// The adjoint of [`pad`].
fn fold<T: Scalar>(dx: &Array3<T>) -> Array3<T> {
    let (height, width, channels) = dx.dim();
    let mut folded = dx.slice(s![1..height - 1, 1..width - 1, ..]).to_owned();
    let inside = |at: usize, length: usize| at.saturating_sub(1).min(length - 3);
    for i in 0..height {
        for j in 0..width {
            if i % (height - 1) != 0 && j % (width - 1) != 0 {
                continue;
            }
            for c in 0..channels {
                folded[[inside(i, height), inside(j, width), c]] += dx[[i, j, c]];
            }
        }
    }
    folded
}

/// `y` without its outermost positions.
fn cut<T: Scalar>(y: &Array3<T>) -> Array3<T> {
    let (height, width, _) = y.dim();
    y.slice(s![1..height - 1, 1..width - 1, ..]).to_owned()
}

/// The adjoint of [`cut`].
fn surround<T: Scalar>(dy: &Array3<T>) -> Array3<T> {
    let (height, width, channels) = dy.dim();
    let mut wider = Array3::zeros((height + 2, width + 2, channels));
    wider.slice_mut(s![1..=height, 1..=width, ..]).assign(dy);
    wider
}
