//! Self-similarity: which positions of a picture resemble which others, against the photograph's (Kolkin, Salavon and Shakhnarovich
//! 2019, section 2.3). Content in this sense is kept when all colors and textures change.
//!
//! > L = (1/n)·Σᵢⱼ | Dᵢⱼ/sⱼ − D′ᵢⱼ/s′ⱼ |,  sⱼ = Σᵢ Dᵢⱼ + n·ε
//!
//! where D (n×n) are the [cosine](super::directions) distances between the vectors of one picture, and D′ those of the photograph at
//! the same positions. Each column adds up to 1, so that L is between 0 and 2. (The paper divides by n²; its authors' program,
//! which this follows, by n.) The ε is for vectors that all point in one direction.
//!
//! D is symmetric, so that columns are computed as rows: Nⱼᵢ = Dⱼᵢ/sⱼ with the sum sⱼ of row j. With G = sign(N − N′)/n,
//!
//! > dL/dDⱼᵢ = ( Gⱼᵢ − Σₖ Gⱼₖ·Nⱼₖ ) / sⱼ,  dL/dX̂ = −( dL/dD + (dL/dD)ᵀ )·X̂.
//!
//! A distance to itself is 0 and stays so. A distance that is below 0 by rounding counts as 0.

use super::directions::Directions;
use super::transpose::transpose;
use super::{EPSILON, sign};
use crate::method::Scalar;
use crate::method::loss::{Loan, Products};
use crate::method::scalar::{elements_mut, map_in_place};
use crate::parallel::{for_each, map};
use ndarray::{Array2, ArrayView2};

/// L and dL/dX (n×C) for the vectors in the rows of `x` (n×C) and the photograph's in the rows of `photograph` (n×C′). 0 if there
/// are none.
///
/// # Panics
/// If the two have different numbers of rows.
pub fn value_and_gradient<T: Scalar>(
    x: ArrayView2<T>,
    photograph: ArrayView2<T>,
    products: &dyn Products<T>,
) -> (f64, Array2<T>) {
    let n = x.nrows();
    assert_eq!(n, photograph.nrows(), "as many vectors of the photograph");
    if n == 0 {
        return (0.0, products.zeros(x.dim()));
    }
    let x = Directions::of(x, products);
    let of_photograph = distances(&Directions::of(photograph, products), products);
    // D, which dL/dD replaces.
    let mut d = distances(&x, products);
    let rows = d.as_slice_mut().expect("products are in standard layout");
    let target = of_photograph
        .as_slice()
        .expect("products are in standard layout");
    let rows = rows.chunks_exact_mut(n).zip(target.chunks_exact(n));
    let values = map(rows, |(d, target)| row(d, target));
    let mut both = Loan::new(products.matrix(d.dim()), products);
    transpose(d.view(), both.as_slice_mut().expect("in standard layout"));
    *both += &*d;
    let mut dx = products.product(both.view(), x.unit.view());
    map_in_place(&mut dx, |dx| -dx);
    (values.iter().sum(), x.backward(dx))
}

/// D, of which the diagonal is 0. X̂·X̂ᵀ is computed as the Gram matrix of X̂ᵀ, since it is symmetric.
fn distances<'a, T: Scalar>(x: &Directions<T>, products: &'a dyn Products<T>) -> Loan<'a, T> {
    let (n, channels) = x.unit.dim();
    let mut transposed = products.array((1, channels, n));
    transpose(x.unit.view(), elements_mut(&mut transposed));
    let mut d = Loan::new(products.gram(&transposed), products);
    products.recycle(transposed);
    let rows = d.as_slice_mut().expect("products are in standard layout");
    for_each(rows.chunks_exact_mut(n).enumerate(), |(i, row)| {
        row.iter_mut()
            .for_each(|d| *d = (T::one() - *d).max(T::zero()));
        row[i] = T::zero();
    });
    d
}

/// The part of L of one row of D and D′, and dL/dD, which replaces the row of D.
fn row<T: Scalar>(d: &mut [T], target: &[T]) -> f64 {
    let n = d.len() as f64;
    let sum = |row: &[T]| row.iter().map(|d| d.as_f64()).sum::<f64>() + n * EPSILON;
    let (s, target_s) = (sum(d), sum(target));
    let (scale, target_scale) = (T::of(1.0 / s), T::of(1.0 / target_s));
    let (mut value, mut along) = (0.0, 0.0);
    for (d, &target) in d.iter().zip(target) {
        let own = scale * *d;
        let difference = own - target_scale * target;
        value += difference.abs().as_f64();
        along += (sign(difference) * own).as_f64();
    }
    let (g, along) = (T::of(1.0 / (n * s)), T::of(along / (n * s)));
    for (d, &target) in d.iter_mut().zip(target) {
        let is_constant = *d <= T::zero();
        let difference = scale * *d - target_scale * target;
        *d = if is_constant {
            T::zero()
        } else {
            g * sign(difference) - along
        };
    }
    value / n
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::PlainProducts;
    use ndarray::array;

    #[test]
    fn the_photograph_itself_and_vectors_of_other_lengths_cost_nothing() {
        let p = array![[1.0, 2.0], [4.0, 1.0], [0.5, 5.0]];
        let (value, _) = value_and_gradient(p.view(), p.view(), &PlainProducts);
        assert_eq!(value, 0.0);
        let twice = &p * 2.0;
        let (value, _) = value_and_gradient(twice.view(), p.view(), &PlainProducts);
        assert!(value < 1e-5, "{value}");
    }

    #[test]
    fn equal_vectors_vectors_of_zeros_and_a_single_one_have_finite_derivatives() {
        for x in [
            Array2::<f32>::ones((4, 5)),
            Array2::zeros((4, 5)),
            Array2::ones((1, 5)),
        ] {
            let photograph = Array2::from_shape_fn(x.dim(), |(i, j)| (i * j) as f32);
            let (value, dx) = value_and_gradient(x.view(), photograph.view(), &PlainProducts);
            assert!((0.0..=2.0).contains(&value), "{value}");
            assert!(dx.iter().all(|d| d.is_finite()));
        }
    }
}
