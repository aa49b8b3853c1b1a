//! Convolution by Winograd's minimal filtering F(4×4, 3×3): a quarter of the multiplications (Lavin and Gray 2016). With many
//! channels and wide pictures, F(4×6, 3×3) takes two ninths, 48 for 24 outputs. Few tiles are computed by F(2×2, 3×3), which takes 16 for 4
//! outputs.
//!
//! In one dimension, four outputs of a filter with three weights, y\[i\] = Σ g\[k\] d\[i+k\], take twelve products. Multiplying a
//! polynomial with four coefficients a by one with three, g, gives six coefficients, and these are determined by the product's values
//! at six points. So six products suffice: B \[(A a) ⊙ (G g)\], where A and G evaluate the polynomials, and B interpolates. For a
//! fixed g this is linear in a, and the filter is its transpose:
//!
//! > y = Aᵀ \[(G g) ⊙ (Bᵀ d)\]
//!
//! with six inputs d. The points are 0, √½, −√½, √2, −√2 and ∞. They lose less to rounding than the textbook's 0, ±1, ±2, ∞. Of the sets of
//! eight points that were tried, 0, ±½, ±1, ±2 and ∞ lose least.
//!
//! In two dimensions the transforms are applied along both axes: 36 products for the 16 outputs of a 4×4 tile, from its 6×6 inputs.
//! Summed over the input channels, the products at each of the 36 pairs of points are one matrix product, tiles × Cin times
//! Cin × Cout.
//!
//! **Backward** is the convolution with the kernel rotated by 180°, with its channels swapped.
//!
//! `tile.rs` chooses the size of the tiles. `transforms.rs` has the transforms, `kernel.rs` applies them to a kernel, `inputs.rs` and
//! `outputs.rs` to tiles that they read and write, and `pass.rs` takes a whole layer through them, a block (`block.rs`) at a time.

mod block;
mod inputs;
mod kernel;
mod outputs;
mod pass;
mod tile;
mod transforms;

use self::block::Input;
use self::kernel::{Direction, Kernel};
use self::pass::{Convolution, Pass};
use self::tile::Tile;
use super::mask::Mask;
use super::simd::{Cpu, gemm};
use super::workspace::Buffer;
use super::{Fast, Phase};
use crate::engine::SimdScalar;
use crate::method::{Padding, Pooling};
use ndarray::{Array3, Array4};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A convolution by Winograd's algorithm.
pub struct Winograd<T: SimdScalar> {
    cpu: Cpu,
    padding: Padding,
    kernel: Kernel<T>,
    /// The transformed kernels for the way forward and for the way back, as long as the workspace keeps them.
    transformed: [Mutex<Option<Transformed<T>>>; 2],
}

/// A kernel that was transformed for tiles of this size.
struct Transformed<T: SimdScalar> {
    tile: Tile,
    kernel: Weak<Buffer<T>>,
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
        let work = Convolution {
            input,
            direction: Direction::Forward,
            bias: Some(bias),
            pool,
            add: false,
        };
        self.run(&work, &mut y, mask, engine);
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
        let work = Convolution {
            input,
            direction: Direction::Backward,
            bias: None,
            pool: None,
            add,
        };
        self.run(&work, dx, None, engine);
    }

    fn run(
        &self,
        work: &Convolution<T>,
        y: &mut Array3<T>,
        mask: Option<&mut Mask>,
        engine: &Fast<T>,
    ) {
        let (height, width, _) = work.input.dim();
        let lanes = gemm::panel_width::<T>(self.cpu) / 2;
        let (cin, cout) = self.kernel.channels(work.direction);
        let tile = Tile::of_layer((height, width), (cin, cout), lanes);
        let pass = Pass {
            cpu: self.cpu,
            tile,
            kernel: &self.kernel,
            transformed: &self.transformed_kernel(work.direction, tile, engine),
            work,
        };
        pass.run(y, mask, engine);
    }

    /// The kernel, transformed for these tiles. To transform a kernel takes as long as to multiply a few dozen tiles by it, so it is kept for
    /// later iterations, and for the next size if that takes the same tiles, as long as there is memory to spare.
    fn transformed_kernel(
        &self,
        direction: Direction,
        tile: Tile,
        engine: &Fast<T>,
    ) -> Arc<Buffer<T>> {
        let kept = &self.transformed[direction as usize];
        let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
        let for_this_tile = |kept: &Option<Transformed<T>>| {
            let kept = kept.as_ref().filter(|kept| kept.tile == tile)?;
            kept.kernel.upgrade()
        };
        if let Some(kernel) = for_this_tile(&lock()) {
            return kernel;
        }
        let (length, workspace) = (self.kernel.len(direction, tile), &engine.workspace);
        if let Some(of_another) = lock().take() {
            workspace.forget(&of_another.kernel);
        }
        // Without the lock: a thread that waits for the others may begin another task, which may need it.
        let keep = workspace.can_keep(length);
        let mut kernel = if keep {
            workspace.lasting_buffer(length)
        } else {
            workspace.buffer(length)
        };
        let phases = &engine.phases;
        phases.measure(Phase::Products, || {
            self.kernel.transform(direction, tile, &mut kernel);
        });
        if !keep {
            return Arc::new(kernel);
        }
        let mut kept = lock();
        // Another thread may have been here meanwhile.
        if let Some(kernel) = for_this_tile(&kept) {
            return kernel;
        }
        let kernel = workspace.keep(kernel);
        *kept = Some(Transformed {
            tile,
            kernel: Arc::downgrade(&kernel),
        });
        kernel
    }
}
