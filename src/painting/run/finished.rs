//! The painted picture: without its border, in its final size and colors.

use super::super::border;
use super::super::enlarge::resized;
use super::Run;
use crate::files::picture::FloatPicture;
use crate::method::BigArray;

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
        let border = self.plan.border;
        let (height, width, _) = x.dim();
        let finest = border::around(self.size(), border);
        let mut painted = if (finest.height as usize, finest.width as usize) == (height, width) {
            FloatPicture::inside(x, border)
        } else {
            let x = border::cut(&x.to_array(), border);
            FloatPicture::from_array(&resized(&x, self.size(), self.settings.seamless))
        };
        let photograph = self.photograph.as_ref();
        if let Some(photograph) = photograph {
            painted = painted.with_alpha_of(photograph);
        }
        (self.settings.original_colors).finish(painted, photograph, &self.paintings)
    }
}
