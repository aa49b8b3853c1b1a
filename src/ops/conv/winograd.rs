//! Convolution by Winograd's minimal filtering F(4×4, 3×3): a quarter of the multiplications (Lavin and Gray 2016).
//!
//! In one dimension, four outputs of a filter with three taps, y\[i\] = Σ g\[k\] d\[i+k\], take twelve products. But y are the
//! coefficients of a product of polynomials, and those follow from its values at six points: six products do.
//!
//! > y = Aᵀ \[(G g) ⊙ (Bᵀ d)\]
//!
//! with six inputs d, and G g and Bᵀ d their values at the points 0, √½, −√½, √2, −√2 and ∞. These points, and not the textbook's
//! 0, ±1, ±2, ∞, lose least to rounding. In two dimensions the transforms are applied along both axes: 36 products for the 16
//! outputs of a 4×4 tile, from 6×6 inputs. Summed over the input channels, the products at each of the 36 pairs of points
//! become one matrix product, tiles × Cin times Cin × Cout, for all tiles.
//!
//! **Backward** is the convolution with the kernel turned by 180°, that is with the polynomial g reversed: x² g(1/x). The points
//! are closed under x → 1/x, so that the reversed polynomial's value at one is, up to a factor, that of g at another:
//! the same transformed kernel serves both ways, with its points exchanged and its channels swapped.

use crate::kernels::vectorized;
use crate::ops::{Scalar, elements, elements_mut};
use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{Array1, Array3, Array4, ArrayView1, ArrayView2, ArrayViewMut3, Axis, s};
use rayon::prelude::*;
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// Outputs of a tile along one axis.
const TILE: usize = 4;
/// Inputs of a tile along one axis, and as many points: 4 + 3 − 1.
const POINTS: usize = 6;
/// Channels that are transformed side by side.
const LANES: usize = 16;
/// Elements of the transformed tiles that are held at once: 16 MiB of `f32`. Matrix products must be long, or packing the
/// kernel for them shows.
const HELD: usize = 4 * 1024 * 1024;

/// Where each point's reciprocal stands: 0 and ∞, √½ and √2, −√½ and −√2.
const RECIPROCAL: [usize; POINTS] = [5, 3, 4, 1, 2, 0];
/// The reversed polynomial's value at a point over g's value at its reciprocal, both as [`kernel_points`] scales them.
const REVERSED: [f64; POINTS] = [1.0, -2.0, -2.0, -0.5, -0.5, 1.0];

/// A convolution with its kernel transformed.
pub struct Winograd<T> {
    /// 36 × Cin × Cout
    kernel: Array3<T>,
}

impl<T: Scalar> Winograd<T> {
    /// The convolution with this kernel, 3 × 3 × Cin × Cout (HWIO).
    pub fn new(kernel: &Array4<T>) -> Self {
        let (_, _, cin, cout) = kernel.dim();
        let mut points = Array3::zeros((POINTS * POINTS, cin, cout));
        (points.axis_iter_mut(Axis(1)).into_par_iter())
            .enumerate()
            .for_each(|(c, mut points)| {
                for o in 0..cout {
                    let rows: [_; 3] = std::array::from_fn(|p| {
                        kernel_points(std::array::from_fn(|q| kernel[[p, q, c, o]]))
                    });
                    for j in 0..POINTS {
                        let column = kernel_points(std::array::from_fn(|p| rows[p][j]));
                        for (i, value) in column.into_iter().enumerate() {
                            points[[i * POINTS + j, o]] = value;
                        }
                    }
                }
            });
        Self { kernel: points }
    }

    /// y (H×W×Cout) of x (H×W×Cin).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn forward(&self, x: &Array3<T>, bias: &Array1<T>) -> Array3<T> {
        let kernel = |i, j| (T::one(), self.kernel.slice(s![i * POINTS + j, .., ..]));
        self.convolve(x, kernel, bias.view())
    }

    /// dL/dx (H×W×Cin) of `dy` = dL/dy (H×W×Cout).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn backward(&self, dy: &Array3<T>) -> Array3<T> {
        let turned = |i: usize, j: usize| {
            let at = RECIPROCAL[i] * POINTS + RECIPROCAL[j];
            let factor = T::of(REVERSED[i] * REVERSED[j]);
            (factor, self.kernel.slice(s![at, .., ..]).reversed_axes())
        };
        let no_bias = Array1::zeros(self.kernel.dim().1);
        self.convolve(dy, turned, no_bias.view())
    }

    /// The convolution of x with the kernel whose values at the points i and j (Cin × Cout), and a factor, `kernel` gives.
    fn convolve<'a>(
        &'a self,
        x: &Array3<T>,
        kernel: impl Fn(usize, usize) -> (T, ArrayView2<'a, T>) + Sync,
        bias: ArrayView1<T>,
    ) -> Array3<T> {
        let (height, width, cin) = x.dim();
        let cout = bias.len();
        let across = width.div_ceil(TILE);
        let mut y = Array3::zeros((height, width, cout));
        // Some rows of tiles at a time; by the shape alone, never by the number of threads.
        let at_once = (HELD / (across * POINTS * POINTS * cin.max(cout))).max(1);
        let most = at_once.min(height.div_ceil(TILE)) * across * POINTS * POINTS;
        let mut inputs = vec![T::zero(); most * cin];
        let mut products = vec![T::zero(); most * cout];
        (elements_mut(&mut y).chunks_mut(at_once * TILE * width * cout))
            .enumerate()
            .for_each(|(part, y)| {
                let first = part * at_once;
                let tiles = (y.len() / (width * cout)).div_ceil(TILE) * across;
                let mut inputs = tile_points(&mut inputs, tiles, cin);
                let mut products = tile_points(&mut products, tiles, cout);
                (inputs.as_slice_mut().expect("it is whole"))
                    .par_chunks_mut(POINTS * POINTS * cin)
                    .enumerate()
                    .for_each(|(tile, points)| {
                        let (i, j) = (first + tile / across, tile % across);
                        vectorized(|| transform_input(x, i, j, points));
                    });
                (products.axis_iter_mut(Axis(1)).into_par_iter())
                    .zip(inputs.axis_iter(Axis(1)))
                    .enumerate()
                    .for_each(|(point, (mut product, input))| {
                        let (factor, kernel) = kernel(point / POINTS, point % POINTS);
                        general_mat_mul(factor, &input, &kernel, T::zero(), &mut product);
                    });
                let products = products.as_slice().expect("it is whole");
                (y.par_chunks_mut(TILE * width * cout))
                    .zip(products.par_chunks(across * POINTS * POINTS * cout))
                    .for_each(|(y, row)| {
                        for (j, points) in row.chunks_exact(POINTS * POINTS * cout).enumerate() {
                            vectorized(|| transform_output(points, bias, y, width, j));
                        }
                    });
            });
        y
    }
}

/// Room for `tiles` × 36 × `channels` values.
fn tile_points<T: Scalar>(buffer: &mut [T], tiles: usize, channels: usize) -> ArrayViewMut3<'_, T> {
    let shape = (tiles, POINTS * POINTS, channels);
    let length = tiles * POINTS * POINTS * channels;
    ArrayViewMut3::from_shape(shape, &mut buffer[..length]).expect("it has this length")
}

/// G g: the values of g₀ + g₁x + g₂x² at the points, each divided by the product of its point's differences to the others.
fn kernel_points<T: Scalar>(g: [T; 3]) -> [T; POINTS] {
    let g = g.map(T::as_f64);
    let value = |x: f64, by: f64| T::of((g[0] + g[1] * x + g[2] * x * x) / by);
    [
        T::of(g[0]),
        value(FRAC_1_SQRT_2, -1.5),
        value(-FRAC_1_SQRT_2, -1.5),
        value(SQRT_2, 6.0),
        value(-SQRT_2, 6.0),
        T::of(g[2]),
    ]
}

/// Bᵀ d. With m(x) = x (x² − ½)(x² − 2), row p holds the coefficients of m(x) / (x − p), and the last one those of m.
#[inline(always)]
fn input_points<T: Scalar>(d: [T; POINTS]) -> [T; POINTS] {
    let (half, two, five_halves) = (T::of(0.5), T::of(2.0), T::of(2.5));
    let (near, far) = (T::of(FRAC_1_SQRT_2), T::of(SQRT_2));
    let (even1, odd1) = (d[4] - two * d[2], near * (d[3] - two * d[1]));
    let (even2, odd2) = (d[4] - half * d[2], far * (d[3] - half * d[1]));
    [
        d[0] - five_halves * d[2] + d[4],
        even1 + odd1,
        even1 - odd1,
        even2 + odd2,
        even2 - odd2,
        d[1] - five_halves * d[3] + d[5],
    ]
}

/// Aᵀ m: row i holds the i-th powers of the points; ∞ counts for the highest power alone.
#[inline(always)]
fn output_tile<T: Scalar>(m: [T; POINTS]) -> [T; TILE] {
    let (half, two) = (T::of(0.5), T::of(2.0));
    let (near, far) = (T::of(FRAC_1_SQRT_2), T::of(SQRT_2));
    let (sum1, difference1) = (m[1] + m[2], near * (m[1] - m[2]));
    let (sum2, difference2) = (m[3] + m[4], far * (m[3] - m[4]));
    [
        m[0] + sum1 + sum2,
        difference1 + difference2,
        half * sum1 + two * sum2,
        half * difference1 + two * difference2 + m[5],
    ]
}

/// The 36 values (36 × Cin) of the tile in tile row `i` and column `j` of x, whose inputs begin one pixel before it.
#[inline(always)]
fn transform_input<T: Scalar>(x: &Array3<T>, i: usize, j: usize, points: &mut [T]) {
    let (height, width, channels) = x.dim();
    let x = elements(x);
    for first in (0..channels).step_by(LANES) {
        let lanes = LANES.min(channels - first);
        let mut d = [[[T::zero(); LANES]; POINTS]; POINTS];
        for (p, row) in d.iter_mut().enumerate() {
            for (q, d) in row.iter_mut().enumerate() {
                // Row TILE·i + p − 1 of x, if there is one.
                let (row, column) = (TILE * i + p, TILE * j + q);
                if (1..=height).contains(&row) && (1..=width).contains(&column) {
                    let at = ((row - 1) * width + column - 1) * channels + first;
                    copy(&x[at..at + lanes], d);
                }
            }
        }
        let mut v = d;
        for lane in 0..LANES {
            let rows: [_; POINTS] =
                std::array::from_fn(|p| input_points(std::array::from_fn(|q| d[p][q][lane])));
            for q in 0..POINTS {
                let column = input_points(std::array::from_fn(|p| rows[p][q]));
                for p in 0..POINTS {
                    v[p][q][lane] = column[p];
                }
            }
        }
        for (point, v) in v.as_flattened().iter().enumerate() {
            copy(
                &v[..lanes],
                &mut points[point * channels + first..][..lanes],
            );
        }
    }
}

/// The outputs of the tile in column `j` from its 36 products (36 × Cout), plus the bias, into the tile's rows `y` of a
/// picture of this width.
#[inline(always)]
fn transform_output<T: Scalar>(
    points: &[T],
    bias: ArrayView1<T>,
    y: &mut [T],
    width: usize,
    j: usize,
) {
    let channels = bias.len();
    let bias = bias.to_slice().expect("a bias is one piece");
    for first in (0..channels).step_by(LANES) {
        let lanes = LANES.min(channels - first);
        let mut m = [[[T::zero(); LANES]; POINTS]; POINTS];
        for (point, m) in m.as_flattened_mut().iter_mut().enumerate() {
            copy(&points[point * channels + first..][..lanes], m);
        }
        let mut b = [T::zero(); LANES];
        copy(&bias[first..first + lanes], &mut b);
        let mut tile = [[[T::zero(); LANES]; TILE]; TILE];
        for lane in 0..LANES {
            let rows: [_; POINTS] =
                std::array::from_fn(|p| output_tile(std::array::from_fn(|q| m[p][q][lane])));
            for q in 0..TILE {
                let column = output_tile(std::array::from_fn(|p| rows[p][q]));
                for p in 0..TILE {
                    tile[p][q][lane] = column[p] + b[lane];
                }
            }
        }
        for (y, row) in y.chunks_exact_mut(width * channels).zip(&tile) {
            for (q, outputs) in row.iter().take(width - TILE * j).enumerate() {
                let at = (TILE * j + q) * channels + first;
                copy(&outputs[..lanes], &mut y[at..at + lanes]);
            }
        }
    }
}

/// Copies the first elements of one to the other; a whole set of lanes, the usual case, without a loop.
#[inline(always)]
fn copy<T: Scalar>(from: &[T], to: &mut [T]) {
    match (from.first_chunk::<LANES>(), to.first_chunk_mut::<LANES>()) {
        (Some(from), Some(to)) => *to = *from,
        _ => (to.iter_mut().zip(from)).for_each(|(to, from)| *to = *from),
    }
}
