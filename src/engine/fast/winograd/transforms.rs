//! The transforms of F(2×2, 3×3) and F(4×4, 3×3), along one axis, and of kernels along both. `inputs.rs` and `outputs.rs` transform each row
//! of a tile as they load it, and then the columns. Each lane of a vector is another channel.
//!
//! Those of F(2×2, 3×3) have the points 0, 1, −1 and ∞. Their matrices are so small that they are written as sums.

use crate::engine::fast::simd::Simd;
use crate::method::Scalar;
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// A number in every lane.
#[inline(always)]
fn number<T: Scalar, S: Simd<T>>(s: S, x: f64) -> S::Vector {
    s.splat(T::of(x))
}

// ANCHOR: kernel_transform
/// G of F(4×4, 3×3): the row of point p is 1, p, p², divided by the product of p's differences to the other finite points. The last row is for ∞.
const KERNEL_TRANSFORM: [[f64; 3]; 6] = [
    [1.0, 0.0, 0.0],
    [-2.0 / 3.0, -2.0 / 3.0 * FRAC_1_SQRT_2, -1.0 / 3.0],
    [-2.0 / 3.0, 2.0 / 3.0 * FRAC_1_SQRT_2, -1.0 / 3.0],
    [1.0 / 6.0, SQRT_2 / 6.0, 1.0 / 3.0],
    [1.0 / 6.0, -SQRT_2 / 6.0, 1.0 / 3.0],
    [0.0, 0.0, 1.0],
];
// ANCHOR_END: kernel_transform

/// G g
#[inline(always)]
fn kernel_points<T: Scalar, S: Simd<T>, const POINTS: usize>(
    s: S,
    g: [S::Vector; 3],
) -> [S::Vector; POINTS] {
    let mut points = [g[0]; POINTS];
    points[POINTS - 1] = g[2];
    match POINTS {
        4 => {
            let half = number::<T, S>(s, 0.5);
            let even = s.mul(half, s.add(g[0], g[2]));
            points[1] = s.mul_add(half, g[1], even);
            points[2] = s.neg_mul_add(half, g[1], even);
        }
        6 => {
            let [_, [near0, near1, near2], _, [far0, far1, far2], ..] = KERNEL_TRANSFORM;
            let even1 = s.mul_add(
                number::<T, S>(s, near2),
                g[2],
                s.mul(number::<T, S>(s, near0), g[0]),
            );
            let even2 = s.mul_add(
                number::<T, S>(s, far2),
                g[2],
                s.mul(number::<T, S>(s, far0), g[0]),
            );
            let (near1, far1) = (number::<T, S>(s, near1), number::<T, S>(s, far1));
            points[1] = s.mul_add(near1, g[1], even1);
            points[2] = s.neg_mul_add(near1, g[1], even1);
            points[3] = s.mul_add(far1, g[1], even2);
            points[4] = s.neg_mul_add(far1, g[1], even2);
        }
        _ => unreachable!("tiles have 4 or 6 points"),
    }
    points
}

/// Bᵀ d. With m(x) = x (x² − 1), or x (x² − ½)(x² − 2), row p holds the coefficients of m(x) / (x − p), and the last one those of m.
#[inline(always)]
pub(super) fn input_points<T: Scalar, S: Simd<T>, const POINTS: usize>(
    s: S,
    d: [S::Vector; POINTS],
) -> [S::Vector; POINTS] {
    let mut points = d;
    match POINTS {
        4 => {
            // Row 0 with the other sign, and so is that of G.
            points[0] = s.sub(d[0], d[2]);
            points[1] = s.add(d[2], d[1]);
            points[2] = s.sub(d[2], d[1]);
            points[3] = s.sub(d[3], d[1]);
        }
        6 => {
            let (half, two, five_halves) = (
                number::<T, S>(s, 0.5),
                number::<T, S>(s, 2.0),
                number::<T, S>(s, 2.5),
            );
            let (near, far) = (number::<T, S>(s, FRAC_1_SQRT_2), number::<T, S>(s, SQRT_2));
            let (even1, odd1) = (
                s.neg_mul_add(two, d[2], d[4]),
                s.neg_mul_add(two, d[1], d[3]),
            );
            let (even2, odd2) = (
                s.neg_mul_add(half, d[2], d[4]),
                s.neg_mul_add(half, d[1], d[3]),
            );
            points[0] = s.neg_mul_add(five_halves, d[2], s.add(d[0], d[4]));
            points[1] = s.mul_add(near, odd1, even1);
            points[2] = s.neg_mul_add(near, odd1, even1);
            points[3] = s.mul_add(far, odd2, even2);
            points[4] = s.neg_mul_add(far, odd2, even2);
            points[5] = s.neg_mul_add(five_halves, d[3], s.add(d[1], d[5]));
        }
        _ => unreachable!("tiles have 4 or 6 points"),
    }
    points
}

/// Aᵀ m: row i holds the i-th powers of the points; ∞ counts for the highest power alone.
#[inline(always)]
pub(super) fn outputs<T: Scalar, S: Simd<T>, const TILE: usize, const POINTS: usize>(
    s: S,
    m: [S::Vector; POINTS],
) -> [S::Vector; TILE] {
    let mut y = [m[0]; TILE];
    match POINTS {
        4 => {
            y[0] = s.add(m[0], s.add(m[1], m[2]));
            y[1] = s.add(m[3], s.sub(m[1], m[2]));
        }
        6 => y.copy_from_slice(&four_outputs(s, [m[0], m[1], m[2], m[3], m[4], m[5]])),
        _ => unreachable!("tiles have 4 or 6 points"),
    }
    y
}

// ANCHOR: output
/// Aᵀ m of F(4×4, 3×3).
#[inline(always)]
fn four_outputs<T: Scalar, S: Simd<T>>(s: S, m: [S::Vector; 6]) -> [S::Vector; 4] {
    let (half, two) = (number::<T, S>(s, 0.5), number::<T, S>(s, 2.0));
    let (near, far) = (number::<T, S>(s, FRAC_1_SQRT_2), number::<T, S>(s, SQRT_2));
    let (near3, far3) = (
        number::<T, S>(s, FRAC_1_SQRT_2.powi(3)),
        number::<T, S>(s, SQRT_2.powi(3)),
    );
    let (sum1, difference1) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
    let (sum2, difference2) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
    [
        s.add(s.add(m[0], sum1), sum2),
        s.mul_add(far, difference2, s.mul(near, difference1)),
        s.mul_add(two, sum2, s.mul(half, sum1)),
        s.mul_add(far3, difference2, s.mul_add(near3, difference1, m[5])),
    ]
}
// ANCHOR_END: output

/// G g Gᵀ of 3×3 taps.
#[inline(always)]
pub(super) fn kernel<T: Scalar, S: Simd<T>, const POINTS: usize>(
    s: S,
    g: [[S::Vector; 3]; 3],
) -> [[S::Vector; POINTS]; POINTS] {
    let mut columns = [[g[0][0]; POINTS]; 3];
    for (l, column) in columns.iter_mut().enumerate() {
        *column = kernel_points::<T, S, POINTS>(s, [g[0][l], g[1][l], g[2][l]]);
    }
    let mut values = [[g[0][0]; POINTS]; POINTS];
    for (i, values) in values.iter_mut().enumerate() {
        *values = kernel_points::<T, S, POINTS>(s, [columns[0][i], columns[1][i], columns[2][i]]);
    }
    values
}
