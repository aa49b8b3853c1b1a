//! Convolution by Winograd's minimal filtering F(4×4, 3×3): a quarter of the multiplications (Lavin and Gray 2016).
//!
//! In one dimension, four outputs of a filter with three taps, y\[i\] = Σ g\[k\] d\[i+k\], take twelve products. But y are the
//! coefficients of a product of polynomials, and those follow from its values at six points: six products do.
//!
//! > y = Aᵀ \[(G g) ⊙ (Bᵀ d)\]
//!
//! with six inputs d, and G g and Bᵀ d their values at the points 0, √½, −√½, √2, −√2 and ∞. It is these points, and not the
//! textbook's 0, ±1, ±2, ∞, since they lose less to rounding. In two dimensions the transforms are applied along both axes: 36
//! products for the 16 outputs of a 4×4 tile, from 6×6 inputs. Summed over the input channels, the products at each of the 36
//! pairs of points become one matrix product, tiles × Cin times Cin × Cout.
//!
//! **Backward** is the convolution with the kernel turned by 180°, that is with the polynomial g reversed: x² g(1/x). The points
//! are closed under x → 1/x, so that the reversed polynomial's value at one is, up to a factor, that of g at another:
//! the same transformed kernel serves both ways, with its points exchanged and its channels swapped.
//!
//! The transforms are in `transforms.rs`, what is around them in `tiles.rs`, the way through a layer in `pass.rs`.

mod pass;
mod tiles;
mod transforms;

use self::pass::{Input, Panels, Pass};
use super::Padding;
use crate::kernels::{Cpu, MOST_LANES, gemm};
use crate::ops::Scalar;
use crate::ops::relu::Mask;
use crate::ops::workspace::Workspace;
use ndarray::{Array3, Array4};
use rayon::prelude::*;
use std::array::from_fn;
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// Outputs of a tile along one axis.
const TILE: usize = 4;
/// Inputs of a tile along one axis, and as many points: 4 + 3 − 1.
const POINTS: usize = 6;
/// Pairs of points, one for each axis.
const PAIRS: usize = POINTS * POINTS;

/// G: row p holds 1, p and p² over the product of p's differences to the other points, and the last one is for ∞.
const KERNEL: [[f64; 3]; POINTS] = [
    [1.0, 0.0, 0.0],
    [-2.0 / 3.0, -2.0 / 3.0 * FRAC_1_SQRT_2, -1.0 / 3.0],
    [-2.0 / 3.0, 2.0 / 3.0 * FRAC_1_SQRT_2, -1.0 / 3.0],
    [1.0 / 6.0, SQRT_2 / 6.0, 1.0 / 3.0],
    [1.0 / 6.0, -SQRT_2 / 6.0, 1.0 / 3.0],
    [0.0, 0.0, 1.0],
];
/// Where each point's reciprocal stands: 0 and ∞, √½ and √2, −√½ and −√2.
const RECIPROCAL: [usize; POINTS] = [5, 3, 4, 1, 2, 0];
/// The reversed polynomial's value at a point over g's value at its reciprocal, both as [`KERNEL`] scales them.
const REVERSED: [f64; POINTS] = [1.0, -2.0, -2.0, -0.5, -0.5, 1.0];

/// Products Cin·Cout up to which the kernel for the way back is kept, 9 MB at most. Larger ones, of which two would be too
/// much, are made from the kernel for the way forward, panel by panel, while the panel is multiplied with many tiles.
const KEPT: usize = 256 * 256;

/// A convolution with its kernel transformed.
pub struct Winograd<T> {
    cpu: Cpu,
    padding: Padding,
    cin: usize,
    cout: usize,
    /// For each of the 36 pairs of points, in panels of output channels: Cin × the panel's width.
    kernel: Vec<T>,
    /// The same for the way back, in panels of input channels: Cout × the panel's width.
    turned: Option<Vec<T>>,
}

impl<T: Scalar> Winograd<T> {
    /// The convolution with this kernel, 3 × 3 × Cin × Cout (HWIO).
    pub fn new(kernel: &Array4<T>, padding: Padding, cpu: Cpu) -> Self {
        let (_, _, cin, cout) = kernel.dim();
        let mut winograd = Self {
            cpu,
            padding,
            cin,
            cout,
            kernel: transform_kernel(kernel, gemm::panel_width::<T>(cpu)),
            turned: None,
        };
        if cin * cout <= KEPT {
            let (panels, panel) = (cin.div_ceil(winograd.width()), cout * winograd.width());
            let mut turned = vec![T::zero(); PAIRS * panels * panel];
            (turned.par_chunks_exact_mut(panel).enumerate())
                .for_each(|(at, turned)| winograd.turn_panel(at / panels, at % panels, turned));
            winograd.turned = Some(turned);
        }
        winograd
    }

    /// y (H×W×Cout) of x (H×W×Cin), plus the bias (Cout); if there is a mask, y = max(that, 0), and the mask says where it is
    /// above 0; if it is to be pooled, the averages of that over cells of 2×2 (⌈H/2⌉×⌈W/2⌉×Cout).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn forward(
        &self,
        x: &Array3<T>,
        bias: &[T],
        mask: Option<&mut Mask>,
        pool: bool,
        workspace: &Workspace<T>,
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
                pooled: false,
                mask: None,
                padding: self.padding,
            },
            outputs: self.cout,
            kernel: Panels::Packed(&self.kernel),
            bias: Some(bias),
            pool,
        };
        pass.run(mask, workspace)
    }

    /// dL/dx (H×W×Cin) of `dy` = dL/dy (H×W×Cout), which counts only where the mask, if there is one, says so. If y was pooled,
    /// `dy` is the gradient of the averages (⌈H/2⌉×⌈W/2⌉×Cout), and there is a mask.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn backward(
        &self,
        dy: &Array3<T>,
        mask: Option<&Mask>,
        pooled: bool,
        workspace: &Workspace<T>,
    ) -> Array3<T> {
        assert_eq!(
            dy.dim().2,
            self.cout,
            "dy must have the kernel's output channels"
        );
        let pass = Pass {
            cpu: self.cpu,
            input: Input {
                x: dy,
                pooled,
                mask,
                padding: self.padding,
            },
            outputs: self.cin,
            kernel: match &self.turned {
                Some(turned) => Panels::Packed(turned),
                None => Panels::Turned(self),
            },
            bias: None,
            pool: false,
        };
        pass.run(None, workspace)
    }

    /// Columns of a panel.
    fn width(&self) -> usize {
        gemm::panel_width::<T>(self.cpu)
    }

    /// For a pair of points, makes the panel `at` of the kernel for the way back: Cout × the panel's width.
    fn turn_panel(&self, pair: usize, at: usize, turned: &mut [T]) {
        let width = self.width();
        let (i, j) = (pair / POINTS, pair % POINTS);
        let factor = T::of(REVERSED[i] * REVERSED[j]);
        let of_pair = self.cout.div_ceil(width) * self.cin * width;
        let from = RECIPROCAL[i] * POINTS + RECIPROCAL[j];
        let kernel = &self.kernel[from * of_pair..][..of_pair];
        let inputs = at * width..self.cin.min((at + 1) * width);
        let turned = turned[..self.cout * width].chunks_mut(width * width);
        for (kernel, turned) in kernel.chunks_exact(self.cin * width).zip(turned) {
            let kernel = &kernel[inputs.start * width..inputs.end * width];
            // A width that the compiler knows makes this several times as fast.
            match width {
                32 => transpose::<T, 32>(kernel, factor, turned),
                16 => transpose::<T, 16>(kernel, factor, turned),
                8 => transpose::<T, 8>(kernel, factor, turned),
                _ => unreachable!("two vectors of 4, 8 or 16 lanes"),
            }
        }
    }
}

/// Turns rows of `WIDTH` elements into columns, times a factor.
fn transpose<T: Scalar, const WIDTH: usize>(rows: &[T], factor: T, columns: &mut [T]) {
    let (rows, _) = rows.as_chunks::<WIDTH>();
    let (columns, _) = columns.as_chunks_mut::<WIDTH>();
    // The usual case, a whole square, where the compiler knows all lengths.
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

/// For each pair of points, the kernel (HWIO) there, G g Gᵀ, in panels of `width` output channels.
fn transform_kernel<T: Scalar>(kernel: &Array4<T>, width: usize) -> Vec<T> {
    let (_, _, cin, cout) = kernel.dim();
    let kernel = kernel.as_standard_layout();
    let taps = kernel.as_slice().expect("it is in standard layout");
    let panels = cout.div_ceil(width);
    let mut transformed = vec![T::zero(); PAIRS * panels * cin * width];
    (transformed.par_chunks_exact_mut(cin * width))
        .enumerate()
        .for_each(|(at, transformed)| {
            let (pair, panel) = (at / panels, at % panels);
            let (rows, columns) = (KERNEL[pair / POINTS], KERNEL[pair % POINTS]);
            let outputs = panel * width..cout.min((panel + 1) * width);
            for (c, transformed) in transformed.chunks_exact_mut(width).enumerate() {
                let mut sums = [0.0; 2 * MOST_LANES];
                for tap in 0..9 {
                    let weight = rows[tap / 3] * columns[tap % 3];
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
