//! Vectors and 3×3 matrices in the RGB space.

pub type Vector = [f64; 3];
/// Rows of a matrix.
pub type Matrix = [Vector; 3];

/// aᵀ b.
pub fn dot(a: Vector, b: Vector) -> f64 {
    (0..3).map(|i| a[i] * b[i]).sum()
}

/// A x.
pub fn apply(a: Matrix, x: Vector) -> Vector {
    a.map(|row| dot(row, x))
}

/// A B.
pub fn product(a: Matrix, b: Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

/// The power of a symmetric positive definite matrix: V Λ^p Vᵀ, with the eigenvalues Λ found by Jacobi rotations.
pub fn power(mut a: Matrix, exponent: f64) -> Matrix {
    let mut v = identity();
    // Jacobi sweeps converge quadratically. Six are enough.
    for _ in 0..8 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q].abs() < f64::MIN_POSITIVE {
                continue;
            }
            let (sin, cos) = (0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p])).sin_cos();
            let mut rotation = identity();
            rotation[p][p] = cos;
            rotation[p][q] = sin;
            rotation[q][p] = -sin;
            rotation[q][q] = cos;
            a = product(product(transposed(rotation), a), rotation);
            v = product(v, rotation);
        }
    }
    let powers: Vector = std::array::from_fn(|i| a[i][i].max(f64::MIN_POSITIVE).powf(exponent));
    let scaled = v.map(|row| std::array::from_fn(|i| row[i] * powers[i]));
    product(scaled, transposed(v))
}

/// The symmetric matrix that maps vectors with the covariance `from` to vectors with the covariance `to`, both positive definite:
/// Σ^−½ (Σ^½ Σ' Σ^½)^½ Σ^−½. Of all linear maps from Σ to Σ', this one moves vectors least (Pitié and Kokaram 2007).
pub fn transport(from: Matrix, to: Matrix) -> Matrix {
    let root = power(from, 0.5);
    let inverse_root = power(from, -0.5);
    let middle = power(product(product(root, to), root), 0.5);
    product(product(inverse_root, middle), inverse_root)
}

/// A⁻¹ of an invertible matrix.
pub const fn inverse([[a, b, c], [d, e, f], [g, h, i]]: Matrix) -> Matrix {
    let determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
    let s = 1.0 / determinant;
    [
        [
            s * (e * i - f * h),
            s * (c * h - b * i),
            s * (b * f - c * e),
        ],
        [
            s * (f * g - d * i),
            s * (a * i - c * g),
            s * (c * d - a * f),
        ],
        [
            s * (d * h - e * g),
            s * (b * g - a * h),
            s * (a * e - b * d),
        ],
    ]
}

fn identity() -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))))
}

fn transposed(a: Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| a[j][i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_of_a_square_root_is_the_matrix() {
        let a = [[4.0, 1.0, 0.5], [1.0, 3.0, -0.7], [0.5, -0.7, 2.0]];
        let root = power(a, 0.5);
        let (square, one) = (product(root, root), product(power(a, -0.5), root));
        for i in 0..3 {
            for j in 0..3 {
                assert!((square[i][j] - a[i][j]).abs() < 1e-12, "{square:?}");
                assert!((one[i][j] - identity()[i][j]).abs() < 1e-12, "{one:?}");
            }
        }
    }
}
