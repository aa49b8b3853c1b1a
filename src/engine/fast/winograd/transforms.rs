//! The transforms of F(2, 3), F(4, 3) and F(6, 3), along one axis, and of kernels along both. `inputs.rs` transforms each row of
//! a tile as it loads it, and then the columns; `outputs.rs` each column, and then the rows. Each lane of a vector is another channel.
//!
//! The points are 0, ∞, and pairs ±p. Even powers of a pair are equal, and odd ones differ only in sign: so the even and the odd terms are
//! summed once for both. The loops have constant lengths and are unrolled, so that every number of the matrices becomes a constant.

use crate::engine::fast::simd::Simd;
use crate::method::Scalar;
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// Pairs of points of F(6, 3).
const MAX_PAIRS: usize = 3;

// ANCHOR: points
/// The positive points. With their negatives, 0 and ∞, they are this many.
const fn positive_points(points: usize) -> &'static [f64] {
    match points {
        4 => &[1.0],
        6 => &[FRAC_1_SQRT_2, SQRT_2],
        8 => &[0.5, 1.0, 2.0],
        _ => panic!("tiles have 4, 6 or 8 points along an axis"),
    }
}
// ANCHOR_END: points

// ANCHOR: matrices
/// The numbers that stand in the matrices of a set of points.
struct Matrices {
    /// In Aᵀ: 1, p, p², … for each pair ±p.
    powers: [[f64; 2 * MAX_PAIRS]; MAX_PAIRS],
    /// In G: 1, p, p², divided by the product of p's differences to the other finite points.
    kernel: [[f64; 3]; MAX_PAIRS],
    /// In Bᵀ, for each pair ±p: the coefficients of 1, x², x⁴, … in the product of (x² − q²) over the other pairs ±q.
    others: [[f64; MAX_PAIRS + 1]; MAX_PAIRS],
    /// Those of the product over all pairs.
    all: [f64; MAX_PAIRS + 1],
}

impl Matrices {
    const fn of(points: usize) -> Self {
        let positive = positive_points(points);
        let mut matrices = Self {
            powers: [[1.0; _]; _],
            kernel: [[0.0; _]; _],
            others: [[0.0; _]; _],
            all: product(positive, None),
        };
        let mut pair = 0;
        while pair < positive.len() {
            let p = positive[pair];
            let powers = &mut matrices.powers[pair];
            let mut i = 1;
            while i < powers.len() {
                powers[i] = p * powers[i - 1];
                i += 1;
            }
            let others = product(positive, Some(pair));
            // The differences to 0 and −p, and then to the other pairs: the product at x = p.
            let differences = p * 2.0 * p * (others[0] + p * p * (others[1] + p * p * others[2]));
            matrices.kernel[pair] = [1.0 / differences, p / differences, p * p / differences];
            matrices.others[pair] = others;
            pair += 1;
        }
        matrices
    }
}
// ANCHOR_END: matrices

/// The coefficients of 1, x², x⁴, … in the product of (x² − p²) over these points p, without the one at this index.
const fn product(points: &[f64], without: Option<usize>) -> [f64; MAX_PAIRS + 1] {
    let mut product = [0.0; MAX_PAIRS + 1];
    product[0] = 1.0;
    let mut at = 0;
    while at < points.len() {
        if !matches!(without, Some(without) if without == at) {
            let mut k = MAX_PAIRS;
            while k > 0 {
                product[k] = product[k - 1] - points[at] * points[at] * product[k];
                k -= 1;
            }
            product[0] *= -points[at] * points[at];
        }
        at += 1;
    }
    product
}

/// A number in every lane.
#[inline(always)]
fn number<T: Scalar, S: Simd<T>>(s: S, x: f64) -> S::Vector {
    s.splat(T::of(x))
}

/// G g: the row of a point p is 1, p, p², divided by the product of p's differences to the other finite points, and that of ∞ is 0, 0, 1.
#[inline(always)]
fn kernel_points<T: Scalar, S: Simd<T>, const POINTS: usize>(
    s: S,
    g: [S::Vector; 3],
) -> [S::Vector; POINTS] {
    let matrices = const { Matrices::of(POINTS) };
    let mut points = [g[0]; POINTS];
    for pair in 0..POINTS / 2 - 1 {
        let [c0, c1, c2] = matrices.kernel[pair];
        let [c0, c1, c2] = [number(s, c0), number(s, c1), number(s, c2)];
        let even = s.mul_add(c2, g[2], s.mul(c0, g[0]));
        points[2 * pair + 1] = s.mul_add(c1, g[1], even);
        points[2 * pair + 2] = s.neg_mul_add(c1, g[1], even);
    }
    points[POINTS - 1] = g[2];
    points
}

/// Bᵀ d. With m(x) = x Π (x² − p²), the row of a point holds the coefficients of m(x) / (x − p), and that of ∞ those of m. The row of 0
/// is divided by the number that G's is multiplied by, so that G's is 1, 0, 0.
#[inline(always)]
pub(super) fn input_points<T: Scalar, S: Simd<T>, const POINTS: usize>(
    s: S,
    d: [S::Vector; POINTS],
) -> [S::Vector; POINTS] {
    let matrices = const { Matrices::of(POINTS) };
    let pairs = POINTS / 2 - 1;
    let (mut zero, mut infinity) = (d[0], d[POINTS - 1]);
    for k in 0..pairs {
        let scaled = matrices.all[k + 1] / matrices.all[0];
        zero = s.mul_add(number::<T, S>(s, scaled), d[2 * k + 2], zero);
        infinity = s.mul_add(number::<T, S>(s, matrices.all[k]), d[2 * k + 1], infinity);
    }
    let mut points = [zero; POINTS];
    points[POINTS - 1] = infinity;
    for pair in 0..pairs {
        let (mut even, mut odd) = (d[2 * pairs], d[2 * pairs - 1]);
        for k in (1..pairs).rev() {
            let c = number::<T, S>(s, matrices.others[pair][k - 1]);
            even = s.mul_add(c, d[2 * k], even);
            odd = s.mul_add(c, d[2 * k - 1], odd);
        }
        let p = number::<T, S>(s, matrices.powers[pair][1]);
        points[2 * pair + 1] = s.mul_add(p, odd, even);
        points[2 * pair + 2] = s.neg_mul_add(p, odd, even);
    }
    points
}

// ANCHOR: output
/// Aᵀ m: row i holds the i-th powers of the points; ∞ counts for the highest power alone.
#[inline(always)]
pub(super) fn outputs<T: Scalar, S: Simd<T>, const OUTPUTS: usize, const POINTS: usize>(
    s: S,
    m: [S::Vector; POINTS],
) -> [S::Vector; OUTPUTS] {
    let mut y = [s.zero(); OUTPUTS];
    y[0] = m[0];
    y[OUTPUTS - 1] = m[POINTS - 1];
    for pair in 0..POINTS / 2 - 1 {
        let m = (m[2 * pair + 1], m[2 * pair + 2]);
        add_outputs::<T, S, OUTPUTS, POINTS>(s, pair, m, &mut y);
    }
    y
}

/// Adds what the products at the points ±p of a pair contribute.
#[inline(always)]
pub(super) fn add_outputs<T: Scalar, S: Simd<T>, const OUTPUTS: usize, const POINTS: usize>(
    s: S,
    pair: usize,
    (plus, minus): (S::Vector, S::Vector),
    y: &mut [S::Vector; OUTPUTS],
) {
    let matrices = const { Matrices::of(POINTS) };
    let (sum, difference) = (s.add(plus, minus), s.sub(plus, minus));
    for (i, y) in y.iter_mut().enumerate() {
        let term = if i % 2 == 0 { sum } else { difference };
        *y = s.mul_add(number::<T, S>(s, matrices.powers[pair][i]), term, *y);
    }
}
// ANCHOR_END: output

/// G g Gᵀ of 3×3 taps.
#[inline(always)]
pub(super) fn kernel<T: Scalar, S: Simd<T>, const DOWN: usize, const ACROSS: usize>(
    s: S,
    g: [[S::Vector; 3]; 3],
) -> [[S::Vector; ACROSS]; DOWN] {
    let mut columns = [[g[0][0]; DOWN]; 3];
    for (l, column) in columns.iter_mut().enumerate() {
        *column = kernel_points::<T, S, DOWN>(s, [g[0][l], g[1][l], g[2][l]]);
    }
    let mut values = [[g[0][0]; ACROSS]; DOWN];
    for (i, values) in values.iter_mut().enumerate() {
        *values = kernel_points::<T, S, ACROSS>(s, [columns[0][i], columns[1][i], columns[2][i]]);
    }
    values
}
