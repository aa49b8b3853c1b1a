//! A convolution with what follows it in VGG: a ReLU, and at the end of a block a pooling.
//!
//! The ReLU's mask and the pooling are computed while the convolution's output is still in registers, and are undone while the
//! gradient is read, so that neither makes a pass over memory of its own.

use super::few_channels::FewChannels;
use super::mask::Mask;
use super::winograd::Winograd;
use super::{Fast, pool};
use crate::engine::{Activation, Backward, ConvRelu, Forward, Layer, SimdScalar};
use crate::method::{Padding, Pooling, Products};
use ndarray::{Array1, Array3, Array4};
use std::sync::Arc;

/// The fewest channels, on both sides, for which Winograd's algorithm is faster.
const MIN_WINOGRAD_CHANNELS: usize = 16;

/// A convolution whose kernel is stored as the fast engine needs it.
pub struct FastConv<T: SimdScalar> {
    algorithm: Algorithm<T>,
    /// Cout
    bias: Vec<T>,
    engine: Fast<T>,
}

enum Algorithm<T: SimdScalar> {
    FewChannels(FewChannels<T>),
    Winograd(Winograd<T>),
}

impl<T: SimdScalar> FastConv<T> {
    /// A convolution with `kernel` 3 × 3 × Cin × Cout (HWIO) and `bias` (Cout).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn new(kernel: &Array4<T>, bias: &Array1<T>, padding: Padding, engine: &Fast<T>) -> Self {
        let (kh, kw, cin, cout) = kernel.dim();
        assert_eq!((kh, kw), (3, 3), "kernels are 3×3");
        assert_eq!(bias.len(), cout, "one bias for each output channel");
        let bias = bias.to_vec();
        let algorithm = if cin.min(cout) >= MIN_WINOGRAD_CHANNELS {
            Algorithm::Winograd(Winograd::new(kernel, padding, engine))
        } else {
            Algorithm::FewChannels(FewChannels::new(kernel, &bias, padding, engine.cpu))
        };
        Self {
            algorithm,
            bias,
            engine: engine.clone(),
        }
    }

    /// y (H×W×Cout) of x (H×W×Cin), as [`conv::forward`](crate::method::conv::forward).
    ///
    /// # Panics
    /// If x has another number of channels.
    pub fn forward(&self, x: &Array3<T>) -> Array3<T> {
        self.convolve(x, None)
    }

    /// max(y, 0), and where it is above 0.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_relu(&self, x: &Array3<T>) -> (Array3<T>, Mask) {
        let mut mask = self.mask(x);
        (self.convolve(x, Some(&mut mask)), mask)
    }

    /// max(y, 0) pooled over cells of 2×2 (⌈H/2⌉×⌈W/2⌉×Cout), with its backward pass.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_relu_pool<'a>(&'a self, pooling: Pooling, x: &Array3<T>) -> Forward<'a, T> {
        let workspace = &*self.engine.workspace;
        match &self.algorithm {
            Algorithm::Winograd(conv) => {
                let (pool, mut mask) = (Some(pooling), self.mask(x));
                let y = conv.forward(x, &self.bias, Some(&mut mask), pool, &self.engine);
                Forward {
                    output: Arc::new(y),
                    back: Box::new(WinogradBack {
                        conv,
                        mask,
                        pooled: pool,
                        engine: &self.engine,
                    }),
                }
            }
            Algorithm::FewChannels(_) => {
                let (y, mask) = self.forward_relu(x);
                let pooled = pool::forward(pooling, &y, workspace);
                workspace.recycle(y);
                let back = move |dy: &Array3<T>| {
                    let dy = pooled.back.backward(dy);
                    let dx = self.backward_relu(&dy, &mask);
                    workspace.recycle(dy);
                    dx
                };
                Forward {
                    output: pooled.output,
                    back: Box::new(back),
                }
            }
        }
    }

    fn mask(&self, x: &Array3<T>) -> Mask {
        let (height, width, _) = x.dim();
        Mask::new((height, width, self.bias.len()), &self.engine.workspace)
    }

    fn convolve(&self, x: &Array3<T>, mask: Option<&mut Mask>) -> Array3<T> {
        match &self.algorithm {
            Algorithm::FewChannels(conv) => conv.forward(x, mask, &self.engine.workspace),
            Algorithm::Winograd(conv) => conv.forward(x, &self.bias, mask, None, &self.engine),
        }
    }

    /// dL/dx (H×W×Cin) of `dy` = dL/dy (H×W×Cout).
    ///
    /// # Panics
    /// If dy has another number of channels.
    pub fn backward(&self, dy: &Array3<T>) -> Array3<T> {
        self.convolve_back(dy, None)
    }

    /// dL/dx (H×W×Cin) of the gradient `dy` of [`forward_relu`](Self::forward_relu)'s output (H×W×Cout).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn backward_relu(&self, dy: &Array3<T>, mask: &Mask) -> Array3<T> {
        assert_eq!(dy.dim(), mask.dim(), "dy must have the mask's shape");
        self.convolve_back(dy, Some(mask))
    }

    fn convolve_back(&self, dy: &Array3<T>, mask: Option<&Mask>) -> Array3<T> {
        match &self.algorithm {
            Algorithm::FewChannels(conv) => conv.backward(dy, mask, &self.engine.workspace),
            Algorithm::Winograd(conv) => conv.backward(dy, mask, None, &self.engine),
        }
    }
}

impl<T: SimdScalar> Layer<T> for FastConv<T> {
    fn forward<'a>(&'a self, x: &Activation<T>) -> Forward<'a, T> {
        let (y, mask) = self.forward_relu(x);
        Forward {
            output: Arc::new(y),
            back: match &self.algorithm {
                Algorithm::Winograd(conv) => Box::new(WinogradBack {
                    conv,
                    mask,
                    pooled: None,
                    engine: &self.engine,
                }),
                Algorithm::FewChannels(_) => {
                    Box::new(move |dy: &Array3<T>| self.backward_relu(dy, &mask))
                }
            },
        }
    }
}

impl<T: SimdScalar> ConvRelu<T> for FastConv<T> {
    fn forward_pooled<'a>(&'a self, pooling: Pooling, x: &Activation<T>) -> Forward<'a, T> {
        self.forward_relu_pool(pooling, x)
    }
}

/// The way back through a Winograd convolution, its ReLU and a pooling, if there is one.
struct WinogradBack<'a, T: SimdScalar> {
    conv: &'a Winograd<T>,
    mask: Mask,
    pooled: Option<Pooling>,
    engine: &'a Fast<T>,
}

impl<T: SimdScalar> WinogradBack<'_, T> {
    /// The mask, if `dy` has the shape of the output.
    fn mask(&self, dy: &Array3<T>) -> &Mask {
        let (height, width, channels) = self.mask.dim();
        let scale = if self.pooled.is_some() { 2 } else { 1 };
        let shape = (height.div_ceil(scale), width.div_ceil(scale), channels);
        assert_eq!(dy.dim(), shape, "dy must have the output's shape");
        &self.mask
    }
}

impl<T: SimdScalar> Backward<T> for WinogradBack<'_, T> {
    fn backward(self: Box<Self>, dy: &Array3<T>) -> Array3<T> {
        let mask = Some(self.mask(dy));
        self.conv.backward(dy, mask, self.pooled, self.engine)
    }

    fn add_backward(self: Box<Self>, dy: &Array3<T>, dx: &mut Array3<T>, _: &dyn Products<T>) {
        let mask = Some(self.mask(dy));
        (self.conv).add_backward(dy, mask, self.pooled, dx, self.engine);
    }
}
