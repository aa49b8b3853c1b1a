//! Convolution 3×3, stride 1, padding 1, plus a bias: the one kind that VGG has.
//!
//! As everywhere in deep learning it is a cross-correlation; with x beyond the edges as the [`Padding`] says, zero in VGG,
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
//! There are three such routines: [`im2col`], the reference; [`winograd`], the fast one; and [`narrow`], the fast one for few
//! channels. [`Conv`] chooses, and takes the ReLU that follows each of VGG's convolutions along.

pub mod im2col;
pub mod narrow;
pub mod padding;
pub mod winograd;

use self::narrow::Narrow;
pub use self::padding::Padding;
use self::winograd::Winograd;
use super::Scalar;
use super::pool::{self, Pooled, Pooling};
use super::relu::{self, Mask};
use super::workspace::Workspace;
use crate::kernels::Cpu;
use ndarray::{Array1, Array2, Array3, Array4, s};

/// The fewest channels, on both sides, from which on Winograd's way pays.
const FEW_CHANNELS: usize = 16;

/// Which way a network is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Kernels for this CPU, Winograd's way where it pays: a quarter of the multiplications, a little more rounding.
    Fast(Cpu),
    /// One plain matrix product each: what the fast one is held against, and the one to read first.
    Reference,
}

impl Default for Engine {
    fn default() -> Self {
        Self::Fast(Cpu::widest())
    }
}

/// A convolution with its weights laid out for both passes.
pub struct Conv<T> {
    method: Method<T>,
    /// Cout
    bias: Vec<T>,
    padding: Padding,
}

enum Method<T> {
    Im2col {
        /// 9·Cin × Cout, the kernel as forward needs it.
        kernel: Array2<T>,
        /// 9·Cout × Cin, the kernel as backward needs it.
        turned: Array2<T>,
    },
    Narrow(Narrow<T>),
    Winograd(Winograd<T>),
}

impl<T: Scalar> Conv<T> {
    /// A convolution with `kernel` 3 × 3 × Cin × Cout (HWIO) and `bias` (Cout).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn new(kernel: &Array4<T>, bias: Array1<T>, padding: Padding, engine: Engine) -> Self {
        let (kh, kw, cin, cout) = kernel.dim();
        assert_eq!((kh, kw), (3, 3), "kernels are 3×3");
        assert_eq!(bias.len(), cout, "one bias for each output channel");
        let bias = bias.to_vec();
        let method = match engine {
            Engine::Fast(cpu) if cin.min(cout) >= FEW_CHANNELS => {
                Method::Winograd(Winograd::new(kernel, padding, cpu))
            }
            Engine::Fast(cpu) => Method::Narrow(Narrow::new(kernel, &bias, padding, cpu)),
            Engine::Reference => {
                let turned = kernel
                    .slice(s![..;-1, ..;-1, .., ..])
                    .permuted_axes([0, 1, 3, 2]);
                Method::Im2col {
                    kernel: im2col::kernel_matrix(kernel.view()),
                    turned: im2col::kernel_matrix(turned),
                }
            }
        };
        Self {
            method,
            bias,
            padding,
        }
    }

    /// y (H×W×Cout) of x (H×W×Cin).
    ///
    /// # Panics
    /// If x has another number of channels.
    pub fn forward(&self, x: &Array3<T>, workspace: &Workspace<T>) -> Array3<T> {
        self.convolve(x, None, workspace)
    }

    /// max(y, 0), and where y is above 0.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_relu(&self, x: &Array3<T>, workspace: &Workspace<T>) -> (Array3<T>, Mask) {
        if let Method::Im2col { .. } = self.method {
            let mut y = self.forward(x, workspace);
            let mask = relu::forward(&mut y, workspace);
            return (y, mask);
        }
        let mut mask = self.mask(x, workspace);
        (self.convolve(x, Some(&mut mask), workspace), mask)
    }

    /// The averages of max(y, 0) over cells of 2×2, as [`pool`] has them (⌈H/2⌉×⌈W/2⌉×Cout), and where y is above 0: y itself
    /// need never exist.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_relu_pool(&self, x: &Array3<T>, workspace: &Workspace<T>) -> (Array3<T>, Mask) {
        if let Method::Winograd(winograd) = &self.method {
            let mut mask = self.mask(x, workspace);
            let pooled = winograd.forward(x, &self.bias, Some(&mut mask), true, workspace);
            return (pooled, mask);
        }
        let (y, mask) = self.forward_relu(x, workspace);
        let (pooled, _) = pool::forward(Pooling::Average, &y, workspace);
        workspace.recycle(y);
        (pooled, mask)
    }

    /// A mask for the output of x.
    fn mask(&self, x: &Array3<T>, workspace: &Workspace<T>) -> Mask {
        let (height, width, _) = x.dim();
        Mask::new((height, width, self.bias.len()), workspace)
    }

    fn convolve(
        &self,
        x: &Array3<T>,
        mask: Option<&mut Mask>,
        workspace: &Workspace<T>,
    ) -> Array3<T> {
        match &self.method {
            Method::Im2col { kernel, .. } => {
                im2col::convolve(x, kernel, &self.bias, self.padding, workspace)
            }
            Method::Narrow(narrow) => narrow.forward(x, mask, workspace),
            Method::Winograd(winograd) => winograd.forward(x, &self.bias, mask, false, workspace),
        }
    }

    /// dL/dx (H×W×Cin) of `dy` = dL/dy (H×W×Cout).
    ///
    /// # Panics
    /// If dy has another number of channels.
    pub fn backward(&self, dy: &Array3<T>, workspace: &Workspace<T>) -> Array3<T> {
        self.correlate(dy, None, workspace)
    }

    /// dL/dx (H×W×Cin) of the gradient `dy` of [`forward_relu`](Self::forward_relu)'s output (H×W×Cout).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn backward_relu(
        &self,
        dy: &Array3<T>,
        mask: &Mask,
        workspace: &Workspace<T>,
    ) -> Array3<T> {
        assert_eq!(dy.dim(), mask.dim(), "dy must have the mask's shape");
        if let Method::Im2col { .. } = self.method {
            let dy = relu::backward(mask, dy, workspace);
            let dx = self.backward(&dy, workspace);
            workspace.recycle(dy);
            return dx;
        }
        self.correlate(dy, Some(mask), workspace)
    }

    /// dL/dx (H×W×Cin) of the gradient `dy` of [`forward_relu_pool`](Self::forward_relu_pool)'s output (⌈H/2⌉×⌈W/2⌉×Cout).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn backward_relu_pool(
        &self,
        dy: &Array3<T>,
        mask: &Mask,
        workspace: &Workspace<T>,
    ) -> Array3<T> {
        let pooled = Pooled::averages(mask.dim());
        assert_eq!(dy.dim(), pooled.dim(), "dy must have the pooled shape");
        if let Method::Winograd(winograd) = &self.method {
            return winograd.backward(dy, Some(mask), true, workspace);
        }
        let dy = pool::backward(&pooled, dy, workspace);
        let dx = self.backward_relu(&dy, mask, workspace);
        workspace.recycle(dy);
        dx
    }

    fn correlate(
        &self,
        dy: &Array3<T>,
        mask: Option<&Mask>,
        workspace: &Workspace<T>,
    ) -> Array3<T> {
        match &self.method {
            Method::Im2col { turned, .. } => {
                let no_bias = vec![T::zero(); turned.ncols()];
                im2col::convolve(dy, turned, &no_bias, self.padding, workspace)
            }
            Method::Narrow(narrow) => narrow.backward(dy, mask, workspace),
            Method::Winograd(winograd) => winograd.backward(dy, mask, false, workspace),
        }
    }
}
