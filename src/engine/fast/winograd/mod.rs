//! Convolution by Winograd's minimal filtering F(4×4, 3×3): a quarter of the multiplications (Lavin and Gray 2016).
//!
//! In one dimension, four outputs of a filter with three weights, y\[i\] = Σ g\[k\] d\[i+k\], take twelve products. Multiplying a
//! polynomial with four coefficients a by one with three, g, gives six coefficients, and these are determined by the product's transformed
//! at six points. So six products suffice: B \[(A a) ⊙ (G g)\], where A and G evaluate the polynomials, and B interpolates. For a
//! fixed g this is linear in a, and the filter is its transpose:
//!
//! > y = Aᵀ \[(G g) ⊙ (Bᵀ d)\]
//!
//! with six inputs d. The points are 0, √½, −√½, √2, −√2 and ∞. They lose less to rounding than the textbook's 0, ±1, ±2, ∞.
//! In two dimensions the transforms are applied along both axes: 36 products for the 16 outputs of a 4×4 tile, from its 6×6 inputs.
//! Summed over the input channels, the products at each of the 36 pairs of points are one matrix product, tiles × Cin times
//! Cin × Cout.
//!
//! **Backward** is the convolution with the kernel rotated by 180°, with its channels swapped.
//!
//! `transforms.rs` has the transforms, `kernel.rs` applies them to a kernel, `inputs.rs` and `outputs.rs` to tiles that they read and
//! write, and `pass.rs` takes a whole layer through them, a block (`block.rs`) at a time.

mod block;
mod inputs;
mod kernel;
mod outputs;
mod pass;
mod transforms;

use self::block::Input;
use self::kernel::{Direction, Kernel};
use self::pass::Pass;
use super::mask::Mask;
use super::simd::Cpu;
use super::workspace::Buffer;
use super::{Fast, Phase};
use crate::engine::SimdScalar;
use crate::method::{Padding, Pooling};
use ndarray::{Array3, Array4};
use std::sync::{Arc, Mutex, PoisonError};

/// Outputs of a tile along one axis.
const TILE: usize = 4;
/// Inputs of a tile along one axis, and the number of points: 4 + 3 − 1.
const POINTS: usize = 6;
/// Pairs of points: one point for each axis.
const PAIRS: usize = POINTS * POINTS;

/// For at most this many tiles, the transformed kernels are stored for the next iteration. Transforming a kernel takes as long as multiplying
/// a few dozen tiles by it. And activations of pictures this small take less memory than the transformed kernels do.
const MAX_TILES_STORED: usize = 64;

/// A convolution by Winograd's algorithm.
pub struct Winograd<T: SimdScalar> {
    cpu: Cpu,
    padding: Padding,
    kernel: Kernel<T>,
    /// The transformed kernels for the way forward and for the way back, if they are stored.
    transformed: [Mutex<Option<Arc<Buffer<T>>>>; 2],
}

impl<T: SimdScalar> Winograd<T> {
    /// The convolution with this kernel, 3 × 3 × Cin × Cout (HWIO).
    pub fn new(kernel: &Array4<T>, padding: Padding, engine: &Fast<T>) -> Self {
        Self {
            cpu: engine.cpu,
            padding,
            kernel: Kernel::new(kernel, engine),
            transformed: Default::default(),
        }
    }

    /// y (H×W×Cout) of x (H×W×Cin), plus the bias (Cout). If there is a mask, y = max(that, 0), and the mask is set where it is
    /// above 0. With a `pool`, y is then pooled over cells of 2×2 (⌈H/2⌉×⌈W/2⌉×Cout); there must be a mask, and for maxima only
    /// the position of the maximum of each cell stays set.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn forward(
        &self,
        x: &Array3<T>,
        bias: &[T],
        mask: Option<&mut Mask>,
        pool: Option<Pooling>,
        engine: &Fast<T>,
    ) -> Array3<T> {
        let input = Input {
            x,
            pooled: None,
            mask: None,
            padding: self.padding,
        };
        let (height, width, _) = x.dim();
        let mut y = engine.workspace.array(match pool {
            None => (height, width, bias.len()),
            Some(_) => (height.div_ceil(2), width.div_ceil(2), bias.len()),
        });
        let kernel = self.transformed_kernel(Direction::Forward, &input, engine);
        let pass = Pass {
            cpu: self.cpu,
            input,
            kernel: &self.kernel,
            direction: Direction::Forward,
            transformed: &kernel,
            bias: Some(bias),
            pool,
            add: false,
        };
        pass.run(&mut y, mask, engine);
        y
    }

    /// dL/dx (H×W×Cin) of `dy` = dL/dy (H×W×Cout). If there is a mask, `dy` is taken as 0 where the mask is not set. If y was
    /// `pooled`, `dy` is the gradient of what it was pooled to (⌈H/2⌉×⌈W/2⌉×Cout), and the mask is that of the forward pass.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn backward(
        &self,
        dy: &Array3<T>,
        mask: Option<&Mask>,
        pooled: Option<Pooling>,
        engine: &Fast<T>,
    ) -> Array3<T> {
        let (height, width, _) = mask.map_or(dy.dim(), Mask::dim);
        let (channels, _) = self.kernel.channels(Direction::Forward);
        let mut dx = engine.workspace.array((height, width, channels));
        self.run_back(dy, (mask, pooled), (&mut dx, false), engine);
        dx
    }

    /// Adds [`backward`](Self::backward)'s result to `dx`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn add_backward(
        &self,
        dy: &Array3<T>,
        mask: Option<&Mask>,
        pooled: Option<Pooling>,
        dx: &mut Array3<T>,
        engine: &Fast<T>,
    ) {
        self.run_back(dy, (mask, pooled), (dx, true), engine);
    }

    fn run_back(
        &self,
        dy: &Array3<T>,
        (mask, pooled): (Option<&Mask>, Option<Pooling>),
        (dx, add): (&mut Array3<T>, bool),
        engine: &Fast<T>,
    ) {
        let input = Input {
            x: dy,
            pooled,
            mask,
            padding: self.padding,
        };
        let kernel = self.transformed_kernel(Direction::Backward, &input, engine);
        let pass = Pass {
            cpu: self.cpu,
            input,
            kernel: &self.kernel,
            direction: Direction::Backward,
            transformed: &kernel,
            bias: None,
            pool: None,
            add,
        };
        pass.run(dx, None, engine);
    }

    /// The transformed kernel for a pass over this input.
    fn transformed_kernel(
        &self,
        direction: Direction,
        input: &Input<T>,
        engine: &Fast<T>,
    ) -> Arc<Buffer<T>> {
        let (height, width, _) = input.dim();
        let tiles = height.div_ceil(TILE) * width.div_ceil(TILE);
        let stored = &self.transformed[direction as usize];
        let lock = || stored.lock().unwrap_or_else(PoisonError::into_inner);
        if tiles > MAX_TILES_STORED {
            *lock() = None;
        } else if let Some(kernel) = &*lock() {
            return kernel.clone();
        }
        // Without the lock: a thread that waits for the others may begin another task, which may need it.
        let mut kernel = engine.workspace.buffer(self.kernel.len(direction));
        let phases = &engine.phases;
        phases.measure(Phase::Products, || {
            self.kernel.transform(direction, &mut kernel);
        });
        let kernel = Arc::new(kernel);
        if tiles <= MAX_TILES_STORED {
            *lock() = Some(kernel.clone());
        }
        kernel
    }
}
