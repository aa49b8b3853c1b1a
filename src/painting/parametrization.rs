//! The numbers that the optimizer changes, and the picture that they stand for.

use super::settings::Parameters;
use crate::files::picture::Size;
use crate::method::{BigArray, Pyramid};
use std::borrow::Cow;

/// Levels of a pyramid, at most, besides the coarsest.
const LEVELS: usize = 5;

/// The parameters of pictures of one size: their pixels, or a linear map to them.
pub(super) struct Parametrization {
    shape: (usize, usize, usize),
    pyramid: Option<Pyramid>,
}

impl Parametrization {
    /// Of pictures of this size.
    pub fn new(parameters: Parameters, size: Size) -> Self {
        let (height, width) = size.height_and_width();
        let pyramid = match parameters {
            Parameters::Pixels => None,
            Parameters::Pyramid => Some(Pyramid::new(height, width, LEVELS)),
        };
        let shape = (pyramid.as_ref()).map_or((height, width, 3), Pyramid::shape);
        Self { shape, pyramid }
    }

    /// The shape of the parameters.
    pub fn shape(&self) -> (usize, usize, usize) {
        self.shape
    }

    /// The parameters of a picture (H×W×3).
    pub fn parameters(&self, picture: BigArray<f32>) -> BigArray<f32> {
        match &self.pyramid {
            None => picture,
            Some(pyramid) => pyramid.parameters(&picture.to_array()).into(),
        }
    }

    /// The picture of some parameters.
    pub fn picture<'a>(&self, parameters: &'a BigArray<f32>) -> Cow<'a, BigArray<f32>> {
        match &self.pyramid {
            None => Cow::Borrowed(parameters),
            Some(pyramid) => Cow::Owned(pyramid.picture(&parameters.to_array()).into()),
        }
    }

    /// The gradient with respect to the parameters, of that with respect to the picture.
    pub fn backward<'a>(&self, gradient: &'a BigArray<f32>) -> Cow<'a, BigArray<f32>> {
        match &self.pyramid {
            None => Cow::Borrowed(gradient),
            Some(pyramid) => Cow::Owned(pyramid.backward(&gradient.to_array()).into()),
        }
    }
}
