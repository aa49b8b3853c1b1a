//! Convolution 3×3, stride 1, zero padding 1, plus a bias: the one kind that VGG has.
//!
//! As everywhere in deep learning it is a cross-correlation; with x zero outside the picture,
//!
//! > y\[i, j, o\] = b\[o\] + Σ k\[p, q, c, o\] · x\[i+p−1, j+q−1, c\], over p and q in 0..3 and the input channels c.
//!
//! x\[i, j, c\] reaches y\[i−p+1, j−q+1, o\] through k\[p, q, c, o\], and so, with p → 2−p and q → 2−q,
//!
//! > dL/dx\[i, j, c\] = Σ k\[2−p, 2−q, c, o\] · dL/dy\[i+p−1, j+q−1, o\], over p, q and the output channels o:
//!
//! **the backward pass of a convolution is the convolution with the kernel turned by 180° and its channels swapped**, without
//! the bias. One routine serves both ways.
//!
//! There are two such routines: [`im2col`], the reference, and [`winograd`], the fast one. [`Conv`] chooses.

pub mod im2col;
pub mod winograd;

use self::winograd::Winograd;
use super::Scalar;
use ndarray::{Array1, Array2, Array3, Array4, s};

/// The fewest channels, on both sides, from which on Winograd's way pays.
const FEW_CHANNELS: usize = 16;

/// Which way a network computes its convolutions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Winograd's way where it pays: a quarter of the multiplications, a little more rounding.
    #[default]
    Fast,
    /// One matrix product each: what the fast one is held against, and the one to read first.
    Reference,
}

/// A convolution with its weights laid out for both passes.
pub struct Conv<T> {
    method: Method<T>,
    /// Cout
    bias: Array1<T>,
}

enum Method<T> {
    Im2col {
        /// 9·Cin × Cout, the kernel as forward needs it.
        kernel: Array2<T>,
        /// 9·Cout × Cin, the kernel as backward needs it.
        turned: Array2<T>,
    },
    Winograd(Winograd<T>),
}

impl<T: Scalar> Conv<T> {
    /// A convolution with `kernel` 3 × 3 × Cin × Cout (HWIO) and `bias` (Cout).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn new(kernel: &Array4<T>, bias: Array1<T>, engine: Engine) -> Self {
        let (kh, kw, cin, cout) = kernel.dim();
        assert_eq!((kh, kw), (3, 3), "kernels are 3×3");
        assert_eq!(bias.len(), cout, "one bias for each output channel");
        // With few channels there is little to multiply, and Winograd's transforms outweigh what they save.
        let method = if engine == Engine::Fast && cin.min(cout) >= FEW_CHANNELS {
            Method::Winograd(Winograd::new(kernel))
        } else {
            let turned = kernel
                .slice(s![..;-1, ..;-1, .., ..])
                .permuted_axes([0, 1, 3, 2]);
            Method::Im2col {
                kernel: im2col::kernel_matrix(kernel.view()),
                turned: im2col::kernel_matrix(turned),
            }
        };
        Self { method, bias }
    }

    /// y (H×W×Cout) of x (H×W×Cin).
    ///
    /// # Panics
    /// If x has another number of channels.
    pub fn forward(&self, x: &Array3<T>) -> Array3<T> {
        match &self.method {
            Method::Im2col { kernel, .. } => im2col::convolve(x, kernel, &self.bias),
            Method::Winograd(winograd) => winograd.forward(x, &self.bias),
        }
    }

    /// dL/dx (H×W×Cin) of `dy` = dL/dy (H×W×Cout).
    ///
    /// # Panics
    /// If dy has another number of channels.
    pub fn backward(&self, dy: &Array3<T>) -> Array3<T> {
        match &self.method {
            Method::Im2col { turned, .. } => {
                im2col::convolve(dy, turned, &Array1::zeros(turned.ncols()))
            }
            Method::Winograd(winograd) => winograd.backward(dy),
        }
    }
}
