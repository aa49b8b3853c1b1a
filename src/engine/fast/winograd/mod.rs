//! Convolution by Winograd's minimal filtering F(4×4, 3×3): a quarter of the multiplications (Lavin and Gray 2016).
//!
//! In one dimension, four outputs of a filter with three weights, y\[i\] = Σ g\[k\] d\[i+k\], take twelve products. Multiplying a
//! polynomial with four coefficients a by one with three, g, gives six coefficients, and these are determined by the product's values
//! at six points. So six products suffice: B \[(A a) ⊙ (G g)\], where A and G evaluate the polynomials, and B interpolates. For a
//! fixed g this is linear in a, and the filter is its transpose:
//!
//! > y = Aᵀ \[(G g) ⊙ (Bᵀ d)\]
//!
//! with six inputs d. The points are 0, √½, −√½, √2, −√2 and ∞. They lose less to rounding than the textbook's 0, ±1, ±2, ∞. In two dimensions the transforms are applied along both axes: 36 products for the 16 outputs of a
//! 4×4 tile, from its 6×6 inputs. Summed over the input channels, the products at each of the 36 pairs of points are one matrix
//! product, tiles × Cin times Cin × Cout.
//!
//! **Backward** is the convolution with the kernel rotated by 180°, that is with the reversed polynomial, x² g(1/x). The set of
//! points is closed under x → 1/x, so that the reversed polynomial's value at one point is, up to a factor, the value of g at
//! another. One transformed kernel therefore serves both ways, with its points permuted and its channels swapped.
//!
//! `transforms.rs` has the transforms, `tiles.rs` reads and writes tiles around them, and `pass.rs` takes a whole layer through
//! them, a block (`block.rs`) at a time.

mod block;
mod pass;
mod tiles;
mod transforms;

use self::block::Input;
use self::pass::{Panels, Pass};
use super::Fast;
use super::mask::Mask;
use super::simd::{Cpu, MAX_LANES, gemm, use_large_pages};
use crate::engine::SimdScalar;
use crate::method::{Padding, Pooling, Scalar};
use ndarray::{Array3, Array4};
use rayon::prelude::*;
use std::array::from_fn;
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};
use std::sync::{Arc, Mutex, PoisonError};

/// Outputs of a tile along one axis.
const TILE: usize = 4;
/// Inputs of a tile along one axis, and the number of points: 4 + 3 − 1.
const POINTS: usize = 6;
/// Pairs of points: one point for each axis.
const PAIRS: usize = POINTS * POINTS;

/// G: the row of point p is 1, p, p², divided by the product of p's differences to the other finite points. The last row is for ∞.
const KERNEL_TRANSFORM: [[f64; 3]; POINTS] = [
    [1.0, 0.0, 0.0],
    [-2.0 / 3.0, -2.0 / 3.0 * FRAC_1_SQRT_2, -1.0 / 3.0],
    [-2.0 / 3.0, 2.0 / 3.0 * FRAC_1_SQRT_2, -1.0 / 3.0],
    [1.0 / 6.0, SQRT_2 / 6.0, 1.0 / 3.0],
    [1.0 / 6.0, -SQRT_2 / 6.0, 1.0 / 3.0],
    [0.0, 0.0, 1.0],
];
/// The index of each point's reciprocal: 0 and ∞, √½ and √2, −√½ and −√2.
const RECIPROCAL: [usize; POINTS] = [5, 3, 4, 1, 2, 0];
/// The reversed polynomial's value at a point divided by g's value at its reciprocal, both as [`KERNEL_TRANSFORM`] scales them.
const REVERSED: [f64; POINTS] = [1.0, -2.0, -2.0, -0.5, -0.5, 1.0];

/// Up to this product Cin·Cout the kernel for the way back is always stored too, 9 MB at most. Panels of a larger kernel are made
/// from the kernel for the way forward when they are needed, each once for all tiles of a large picture.
const MAX_STORED_BACKWARD: usize = 256 * 256;

/// A layer with at most this many tiles stores its kernel for the way back even if it is large. Making it anew would take longer than
/// multiplying by it, and activations of pictures this small take less memory than the kernels do.
const MAX_TILES_STORED: usize = 96;

/// A convolution whose kernel is stored transformed.
pub struct Winograd<T> {
    cpu: Cpu,
    padding: Padding,
    cin: usize,
    cout: usize,
    /// For each of the 36 pairs of points, in panels of output channels: Cin × the panel's width.
    kernel: Vec<T>,
    /// The same for the way back, in panels of input channels: Cout × the panel's width. `None` if it is not stored.
    backward_kernel: Mutex<Option<Arc<Vec<T>>>>,
}

impl<T: SimdScalar> Winograd<T> {
    /// The convolution with this kernel, 3 × 3 × Cin × Cout (HWIO).
    pub fn new(kernel: &Array4<T>, padding: Padding, cpu: Cpu) -> Self {
        let (_, _, cin, cout) = kernel.dim();
        Self {
            cpu,
            padding,
            cin,
            cout,
            kernel: transform_kernel(kernel, gemm::panel_width::<T>(cpu)),
            backward_kernel: Mutex::default(),
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
        assert_eq!(
            x.dim().2,
            self.cin,
            "x must have the kernel's input channels"
        );
        let pass = Pass {
            cpu: self.cpu,
            input: Input {
                x,
                pooled: None,
                mask: None,
                padding: self.padding,
            },
            outputs: self.cout,
            kernel: Panels::Packed(&self.kernel),
            bias: Some(bias),
            pool,
        };
        pass.run(mask, engine)
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
        assert_eq!(
            dy.dim().2,
            self.cout,
            "dy must have the kernel's output channels"
        );
        let input = Input {
            x: dy,
            pooled,
            mask,
            padding: self.padding,
        };
        let (height, width, _) = input.dim();
        let packed = self.stored_backward(height.div_ceil(TILE) * width.div_ceil(TILE));
        let pass = Pass {
            cpu: self.cpu,
            input,
            outputs: self.cin,
            kernel: match &packed {
                Some(packed) => Panels::Packed(packed),
                None => Panels::Backward(self),
            },
            bias: None,
            pool: None,
        };
        pass.run(None, engine)
    }

    /// Columns of a panel.
    fn width(&self) -> usize {
        gemm::panel_width::<T>(self.cpu)
    }

    /// The kernel for the way back, if it is to be stored for this many tiles.
    fn stored_backward(&self, tiles: usize) -> Option<Arc<Vec<T>>> {
        let lock = || {
            let stored = self.backward_kernel.lock();
            stored.unwrap_or_else(PoisonError::into_inner)
        };
        if self.cin * self.cout > MAX_STORED_BACKWARD && tiles > MAX_TILES_STORED {
            *lock() = None;
            return None;
        }
        if let Some(packed) = &*lock() {
            return Some(packed.clone());
        }
        let (panels, panel) = (self.cin.div_ceil(self.width()), self.cout * self.width());
        let mut packed = vec![T::zero(); PAIRS * panels * panel];
        use_large_pages(&mut packed);
        // Without the lock: a thread that waits for the others may begin another task, which may need it.
        (packed.par_chunks_exact_mut(panel).enumerate())
            .for_each(|(at, to)| self.backward_panel(at / panels, at % panels, to));
        let packed = Arc::new(packed);
        *lock() = Some(packed.clone());
        Some(packed)
    }

    /// Makes panel `at` of the kernel for the way back for one pair of points: Cout × the panel's width.
    fn backward_panel(&self, pair: usize, at: usize, to: &mut [T]) {
        let width = self.width();
        let (i, j) = (pair / POINTS, pair % POINTS);
        let factor = T::of(REVERSED[i] * REVERSED[j]);
        let pair_size = self.cout.div_ceil(width) * self.cin * width;
        let from = RECIPROCAL[i] * POINTS + RECIPROCAL[j];
        let kernel = &self.kernel[from * pair_size..][..pair_size];
        let inputs = at * width..self.cin.min((at + 1) * width);
        // A constant width makes this several times as fast. Vectors have 4, 8 or 16 lanes.
        let transpose = match width {
            32 => transpose::<T, 32>,
            16 => transpose::<T, 16>,
            _ => transpose::<T, 8>,
        };
        let to = to[..self.cout * width].chunks_mut(width * width);
        for (kernel, to) in kernel.chunks_exact(self.cin * width).zip(to) {
            transpose(
                &kernel[inputs.start * width..inputs.end * width],
                factor,
                to,
            );
        }
    }
}

/// Transposes rows of `WIDTH` elements into columns, times a factor.
fn transpose<T: Scalar, const WIDTH: usize>(rows: &[T], factor: T, columns: &mut [T]) {
    let (rows, _) = rows.as_chunks::<WIDTH>();
    let (columns, _) = columns.as_chunks_mut::<WIDTH>();
    // The usual case is a whole square, whose lengths the compiler knows.
    if let Some(rows) = rows.first_chunk::<WIDTH>() {
        for (c, column) in columns.iter_mut().enumerate() {
            *column = from_fn(|r| factor * rows[r][c]);
        }
        return;
    }
    for (c, column) in columns.iter_mut().enumerate() {
        for (to, row) in column.iter_mut().zip(rows) {
            *to = factor * row[c];
        }
    }
}

/// The kernel (HWIO) at each pair of points, G g Gᵀ, in panels of `width` output channels.
fn transform_kernel<T: Scalar>(kernel: &Array4<T>, width: usize) -> Vec<T> {
    let (_, _, cin, cout) = kernel.dim();
    let kernel = kernel.as_standard_layout();
    let taps = kernel.as_slice().expect("it is in standard layout");
    let panels = cout.div_ceil(width);
    let mut transformed = vec![T::zero(); PAIRS * panels * cin * width];
    use_large_pages(&mut transformed);
    (transformed.par_chunks_exact_mut(cin * width))
        .enumerate()
        .for_each(|(at, transformed)| {
            let (pair, panel) = (at / panels, at % panels);
            let (rows, columns) = (
                KERNEL_TRANSFORM[pair / POINTS],
                KERNEL_TRANSFORM[pair % POINTS],
            );
            let outputs = panel * width..cout.min((panel + 1) * width);
            for (c, transformed) in transformed.chunks_exact_mut(width).enumerate() {
                let mut sums = [0.0; 2 * MAX_LANES];
                for tap in 0..9 {
                    let weight = rows[tap / 3] * columns[tap % 3];
                    if weight == 0.0 {
                        continue;
                    }
                    let at = (tap * cin + c) * cout;
                    let taps = &taps[at + outputs.start..at + outputs.end];
                    for (sum, tap) in sums.iter_mut().zip(taps) {
                        *sum += weight * tap.as_f64();
                    }
                }
                for (to, sum) in transformed.iter_mut().zip(sums) {
                    *to = T::of(sum);
                }
            }
        });
    transformed
}
