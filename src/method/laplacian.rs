//! The Laplacian pyramid (Burt and Adelson 1983) as a way to write down a picture: what is optimized are the pyramid's levels, and
//! the picture is their sum.
//!
//! With the picture x₀ = x, its halves xₖ₊₁ = D(xₖ) and bilinear enlargement U:
//!
//! > analysis: lₖ = xₖ − U(xₖ₊₁), and l = x of the last;  synthesis: xₖ = lₖ + U(xₖ₊₁)
//!
//! The synthesis undoes the analysis whatever D and U are. It is linear, and its backward pass is its adjoint:
//!
//! > dL/dl₀ = dL/dx₀,  dL/dlₖ₊₁ = dL/dxₖ₊₁ = Uᵀ(dL/dxₖ)
//!
//! A step of the optimizer on a coarse level changes a whole region of the picture evenly. With an optimizer that gives each
//! parameter steps of the same size, as [`rmsprop`](super::rmsprop) and [`adam`](super::adam) do, colors of large areas follow in
//! few steps, for which single pixels would need many.
//!
//! Kolkin, Salavon and Shakhnarovich 2019, section 2.5, optimize so, with five halvings. D is bilinear interpolation too, without
//! smoothing, as [`bilinear`] defines it; their program's interpolation maps corner pixels on corner pixels instead.

use super::bilinear;
use super::scalar::{Scalar, elements};
use ndarray::{Array3, ArrayView3, s};

/// Channels of a picture.
const CHANNELS: usize = 3;

/// The heights and widths of the levels of a pyramid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pyramid {
    /// From the finest, which is the picture's, to the coarsest.
    sizes: Vec<(usize, usize)>,
}

impl Pyramid {
    /// The pyramid of pictures of this height and width, halved (and rounded down) `levels` times, or less often if a side would
    /// become 0. With 0 levels, the parameters are the pixels.
    pub fn new(height: usize, width: usize, levels: usize) -> Self {
        let mut sizes = vec![(height, width)];
        let (mut h, mut w) = (height / 2, width / 2);
        while sizes.len() <= levels && h > 0 && w > 0 {
            sizes.push((h, w));
            (h, w) = (h / 2, w / 2);
        }
        Self { sizes }
    }

    /// The shape of the parameters, (1, P, 3): the pixels of all levels, row by row, one level after the other, the finest first.
    pub fn shape(&self) -> (usize, usize, usize) {
        let pixels = self.sizes.iter().map(|(h, w)| h * w).sum();
        (1, pixels, CHANNELS)
    }

    /// The parameters (1×P×3) of a `picture` (H×W×3): the analysis.
    ///
    /// # Panics
    /// If the picture has another shape.
    pub fn parameters<T: Scalar>(&self, picture: &Array3<T>) -> Array3<T> {
        self.check_picture(picture);
        let mut parameters = Vec::with_capacity(self.shape().1 * CHANNELS);
        let mut current = picture.clone();
        for pair in self.sizes.windows(2) {
            let half = bilinear::forward(&current, pair[1]);
            current -= &bilinear::forward(&half, pair[0]);
            parameters.extend_from_slice(elements(&current));
            current = half;
        }
        parameters.extend_from_slice(elements(&current));
        self.flat(parameters)
    }

    /// The picture (H×W×3) that has these `parameters` (1×P×3): the synthesis.
    ///
    /// # Panics
    /// If the parameters do not have the pyramid's [`shape`](Self::shape).
    pub fn picture<T: Scalar>(&self, parameters: &Array3<T>) -> Array3<T> {
        assert_eq!(parameters.dim(), self.shape(), "parameters of this pyramid");
        let mut end = parameters.dim().1;
        let mut picture: Option<Array3<T>> = None;
        for &(h, w) in self.sizes.iter().rev() {
            let level = parameters.slice(s![0, end - h * w..end, ..]);
            let level: ArrayView3<T> = (level.into_shape_with_order((h, w, CHANNELS)))
                .expect("a level is in standard layout");
            picture = Some(match picture {
                Some(coarser) => bilinear::forward(&coarser, (h, w)) + level,
                None => level.to_owned(),
            });
            end -= h * w;
        }
        picture.expect("a pyramid has at least one level")
    }

    /// dL/d(parameters) (1×P×3) of `d_picture` = dL/d(picture) (H×W×3): the adjoint of the synthesis.
    ///
    /// # Panics
    /// If the picture has another shape.
    pub fn backward<T: Scalar>(&self, d_picture: &Array3<T>) -> Array3<T> {
        self.check_picture(d_picture);
        let mut gradient = Vec::with_capacity(self.shape().1 * CHANNELS);
        gradient.extend_from_slice(elements(d_picture));
        let mut current: Option<Array3<T>> = None;
        for &size in &self.sizes[1..] {
            let coarser = bilinear::backward(current.as_ref().unwrap_or(d_picture), size);
            gradient.extend_from_slice(elements(&coarser));
            current = Some(coarser);
        }
        self.flat(gradient)
    }

    fn check_picture<T: Scalar>(&self, picture: &Array3<T>) {
        let (height, width) = self.sizes[0];
        let shape = (height, width, CHANNELS);
        assert_eq!(picture.dim(), shape, "a picture of the pyramid's size");
    }

    fn flat<T: Scalar>(&self, elements: Vec<T>) -> Array3<T> {
        Array3::from_shape_vec(self.shape(), elements).expect("the levels have P pixels together")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_halved_and_rounded_down_until_one_would_become_zero() {
        let sizes = |h, w, levels| Pyramid::new(h, w, levels).sizes;
        assert_eq!(sizes(21, 9, 2), [(21, 9), (10, 4), (5, 2)]);
        assert_eq!(sizes(21, 9, 5), [(21, 9), (10, 4), (5, 2), (2, 1)]);
        assert_eq!(sizes(1, 9, 5), [(1, 9)]);
        assert_eq!(Pyramid::new(4, 6, 1).shape(), (1, 24 + 6, 3));
    }

    #[test]
    fn an_even_picture_has_details_of_zero() {
        let pyramid = Pyramid::new(4, 6, 1);
        let parameters = pyramid.parameters(&Array3::from_elem((4, 6, 3), 7.0));
        let (details, rest) = elements(&parameters).split_at(24 * 3);
        assert!(details.iter().all(|&d| d == 0.0));
        assert!(rest.iter().all(|&r| r == 7.0));
    }
}
