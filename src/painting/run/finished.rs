//! The painted picture: without its border, in its final size and colors.

use super::super::border;
use super::Run;
use crate::files::picture::{FloatPicture, Size, resize, resize_torus};
use crate::method::BigArray;
use ndarray::Array3;

/// The result of a run.
#[derive(Debug)]
pub struct Painting {
    /// The painted picture, as opaque as the photograph.
    pub picture: FloatPicture,
    /// How many iterations it took: fewer than planned if the run was ended early.
    pub iterations: usize,
}

impl Run {
    /// The picture of `x`, which may be of any stage, in its final size and colors.
    pub(super) fn finished(&self, x: &BigArray<f32>) -> FloatPicture {
        let mut x = border::cut(&x.to_array(), self.plan.border);
        if Size::of_array(&x) != self.size() {
            x = self.resized(&x, self.size());
        }
        let photograph = self.photograph.as_ref();
        let mut painted = FloatPicture::from_array(&x);
        if let Some(photograph) = photograph {
            painted = painted.with_alpha_of(photograph);
        }
        (self.settings.original_colors).finish(painted, photograph, &self.paintings)
    }

    /// `x` in another size, as a torus if the picture is seamless.
    pub(super) fn resized(&self, x: &Array3<f32>, size: Size) -> Array3<f32> {
        if self.settings.seamless {
            resize_torus(x, size)
        } else {
            resize(x, size)
        }
    }
}
