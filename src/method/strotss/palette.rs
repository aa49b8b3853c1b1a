//! Colors against the painting's colors: the [`remd`](super::remd) of pixels alone.
//!
//! > L = max( (1/n)·Σᵢ minⱼ Cᵢⱼ, (1/m)·Σⱼ minᵢ Cᵢⱼ ),  C = 1 − x̂·ŷ + √( (‖x − y‖² + ε)/3 )
//!
//! with x and y in RGB 0..1. The cosine distance compares hues, the other one lightness as well. The derivative of a cost is
//!
//! > dC/dx = −( ŷ − (x̂·ŷ)·x̂ ) / ‖x‖ + (x − y) / ( 3·√((‖x − y‖² + ε)/3) ).
//!
//! The paper (section 2.2) and the authors' program rotate colors first, to the gray axis and two axes orthogonal to it. Both
//! distances are the same after a rotation, so none is needed.

use super::EPSILON;
use super::remd::Pairs;
use crate::method::Scalar;
use crate::method::loss::{Loan, Products};
use crate::parallel::for_each;
use ndarray::{Array2, ArrayView2};

/// L and dL/dX (n×3) for the colors in the rows of `x` (n×3) and of `y` (m×3), in units of 0..1. 0 if there are none in one of
/// them.
///
/// # Panics
/// If one of them does not have three columns.
pub fn value_and_gradient<T: Scalar>(
    x: ArrayView2<T>,
    y: ArrayView2<T>,
    products: &dyn Products<T>,
) -> (f64, Array2<T>) {
    let mut dx = products.zeros(x.dim());
    let (x, y) = (colors(x), colors(y));
    if x.is_empty() || y.is_empty() {
        return (0.0, dx);
    }
    let mut costs = Loan::new(products.matrix((x.len(), y.len())), products);
    let rows = costs.as_slice_mut().expect("it is in standard layout");
    for_each(rows.chunks_exact_mut(y.len()).zip(&x), |(costs, x)| {
        let pairs = costs.iter_mut().zip(&y);
        pairs.for_each(|(c, y)| *c = cost(x, y));
    });
    let pairs = Pairs::cheapest(&costs);
    for ((mut dx, x), partners) in dx.rows_mut().into_iter().zip(&x).zip(&pairs.of_row) {
        for &j in partners {
            let derivative = derivative(x, &y[j]);
            for (dx, d) in dx.iter_mut().zip(derivative) {
                *dx += T::of(pairs.share) * d;
            }
        }
    }
    (pairs.value, dx)
}

/// A color, its direction and its length.
struct Color<T> {
    x: [T; 3],
    unit: [T; 3],
    length: T,
}

fn colors<T: Scalar>(x: ArrayView2<T>) -> Vec<Color<T>> {
    assert_eq!(x.ncols(), 3, "colors have three channels");
    let color = |x: [T; 3]| {
        let length = (dot(x, x) + T::of(EPSILON)).sqrt();
        let unit = x.map(|x| x / length);
        Color { x, unit, length }
    };
    (x.rows().into_iter())
        .map(|x| color([x[0], x[1], x[2]]))
        .collect()
}

fn dot<T: Scalar>(a: [T; 3], b: [T; 3]) -> T {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// x − y and √((‖x − y‖² + ε)/3)
#[inline]
fn difference<T: Scalar>(x: [T; 3], y: [T; 3]) -> ([T; 3], T) {
    let d = [x[0] - y[0], x[1] - y[1], x[2] - y[2]];
    (d, ((dot(d, d) + T::of(EPSILON)) / T::of(3.0)).sqrt())
}

/// C
#[inline]
fn cost<T: Scalar>(x: &Color<T>, y: &Color<T>) -> T {
    T::one() - dot(x.unit, y.unit) + difference(x.x, y.x).1
}

/// dC/dx
fn derivative<T: Scalar>(x: &Color<T>, y: &Color<T>) -> [T; 3] {
    let cosine = dot(x.unit, y.unit);
    let (d, distance) = difference(x.x, y.x);
    std::array::from_fn(|c| {
        let of_cosine = (cosine * x.unit[c] - y.unit[c]) / x.length;
        of_cosine + d[c] / (T::of(3.0) * distance)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::PlainProducts;
    use ndarray::array;

    #[test]
    fn the_rotation_of_the_authors_program_changes_no_distance() {
        let rotation = array![
            [0.577350, 0.577350, 0.577350],
            [-0.577350, 0.788675, -0.211325],
            [-0.577350, -0.211325, 0.788675]
        ];
        let x = array![[0.1, 0.5, 0.9], [0.7, 0.2, 0.4]];
        let y = array![[0.3, 0.3, 0.1], [0.9, 0.8, 0.2], [0.5, 0.1, 0.6]];
        let (plain, _) = value_and_gradient(x.view(), y.view(), &PlainProducts);
        let rotated = |x: &Array2<f64>| x.dot(&rotation.t());
        let (value, _) = value_and_gradient(rotated(&x).view(), rotated(&y).view(), &PlainProducts);
        assert!((value - plain).abs() < 1e-5 * plain, "{value} {plain}");
    }

    #[test]
    fn black_and_equal_colors_have_finite_derivatives() {
        let black = Array2::<f32>::zeros((2, 3));
        let (value, dx) = value_and_gradient(black.view(), black.view(), &PlainProducts);
        assert!(value.is_finite() && dx.iter().all(|d| d.is_finite()));
    }
}
