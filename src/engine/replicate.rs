//! A first layer that continues the picture beyond its edges by its edge pixels, instead of by zeros.
//!
//! Zeros around a picture look like a frame to the network, and the style losses paint what it sees. Here the convolution is
//! computed on the picture with one more pixel on each side, and the outputs there are cut off:
//!
//! > y = cut(conv(pad(x))),  dL/dx = padᵀ(convᵀ(cutᵀ(dL/dy)))
//!
//! cutᵀ puts zeros around dL/dy, and padᵀ adds the gradient of the outer pixels to that of the edge pixels that they repeat.

use super::{Activation, ConvRelu, Forward, release};
use crate::method::{Products, Scalar};
use ndarray::{Array3, Axis, Zip, s};
use std::sync::Arc;

/// The layer's output (H×W×Cout) for `x` (H×W×Cin), and its backward pass, in the memory of the `engine`.
pub(crate) fn forward<'a, T: Scalar>(
    conv: &'a dyn ConvRelu<T>,
    x: &Array3<T>,
    engine: &'a dyn Products<T>,
) -> Forward<'a, T> {
    let padded: Activation<T> = Arc::new(pad(x, engine));
    let Forward { output: wide, back } = conv.forward(&padded);
    let output = Arc::new(cut(&wide, engine));
    for wide in [padded, wide] {
        release(wide, engine);
    }
    let backward = move |dy: &Array3<T>| {
        let d_wide = surround(dy, engine);
        let d_padded = back.backward(&d_wide);
        let dx = fold(&d_padded, engine);
        for wide in [d_wide, d_padded] {
            engine.recycle(wide);
        }
        dx
    };
    Forward {
        output,
        back: Box::new(backward),
    }
}

/// `x` with its edge pixels repeated around it.
fn pad<T: Scalar>(x: &Array3<T>, engine: &dyn Products<T>) -> Array3<T> {
    let (height, width, channels) = x.dim();
    let inside = |at: usize, length: usize| at.saturating_sub(1).min(length - 1);
    let mut padded = engine.array((height + 2, width + 2, channels));
    Zip::indexed(&mut padded).for_each(|(i, j, c), pixel| {
        *pixel = x[[inside(i, height), inside(j, width), c]];
    });
    padded
}

/// The adjoint of [`pad`].
fn fold<T: Scalar>(dx: &Array3<T>, engine: &dyn Products<T>) -> Array3<T> {
    let (height, width, channels) = dx.dim();
    let mut folded = cut(dx, engine);
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
fn cut<T: Scalar>(y: &Array3<T>, engine: &dyn Products<T>) -> Array3<T> {
    let (height, width, channels) = y.dim();
    let mut inner = engine.array((height - 2, width - 2, channels));
    inner.assign(&y.slice(s![1..height - 1, 1..width - 1, ..]));
    inner
}

/// The adjoint of [`cut`].
fn surround<T: Scalar>(dy: &Array3<T>, engine: &dyn Products<T>) -> Array3<T> {
    let (height, width, channels) = dy.dim();
    let mut wide = engine.array((height + 2, width + 2, channels));
    (wide.slice_mut(s![1..=height, 1..=width, ..])).assign(dy);
    for (axis, last) in [(Axis(0), height + 1), (Axis(1), width + 1)] {
        for edge in [0, last] {
            wide.index_axis_mut(axis, edge).fill(T::zero());
        }
    }
    wide
}
