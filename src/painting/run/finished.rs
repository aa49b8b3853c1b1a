//! The painted picture: without its border, in its final size and colors.

use super::super::border;
use super::super::enlarge::Enlarging;
use super::super::pictures::Pictures;
use super::Run;
use crate::files::picture::FloatPicture;
use crate::method::big_array::Bands;
use crate::method::{Alone, BigArray};
use std::borrow::Cow;

/// The result of a run.
#[derive(Debug)]
pub struct Painting {
    /// The painted picture, as opaque as the photograph.
    pub picture: FloatPicture,
    /// How many iterations it took: fewer than planned if the run was ended early.
    pub iterations: usize,
}

impl Run {
    /// The whole of a picture of size number `stage`, of which each process has its rows `x`; `None` on all processes but the first.
    pub(super) fn gathered<'a>(
        &self,
        stage: usize,
        x: &'a BigArray<f32>,
    ) -> Option<Cow<'a, BigArray<f32>>> {
        let world = &*self.world;
        let bands = self.bands(stage);
        let mut wanted = vec![0..0; world.ranks()];
        wanted[0] = 0..bands.height() as isize;
        let whole = bands.read(x, &wanted, &x.storage(), world);
        world.is_first().then_some(whole.rows)
    }

    /// The picture of `x`, of any stage, in its final size and colors.
    pub(super) fn finished(&self, x: &BigArray<f32>) -> FloatPicture {
        let border = self.plan.border;
        let (height, width, _) = x.dim();
        let finest = border::around(self.size(), border).height_and_width();
        let mut painted = if finest == (height, width) {
            FloatPicture::inside(x, border)
        } else {
            let enlarging = Enlarging {
                from: &Bands::undivided(height, 1),
                to: &Bands::undivided(finest.0, 1),
                border,
                size: self.size(),
                seamless: self.settings.seamless,
                storage: &x.storage(),
                world: &Alone,
            };
            FloatPicture::inside(&enlarging.picture(x), border)
        };
        let photograph = self.photograph.as_ref();
        if let Some(photograph) = photograph {
            painted = painted.with_alpha_of(photograph);
        }
        let painted = (self.settings.original_colors).finish(painted, photograph, &self.paintings);
        match (photograph, &self.protected) {
            (Some(photograph), Some(protected)) => painted.blended_with(photograph, protected),
            _ => painted,
        }
    }

    /// The picture of `x`, of size number `stage`, in that size and in the colors that the network sees.
    pub(super) fn unfinished(&self, stage: usize, x: &BigArray<f32>) -> FloatPicture {
        let painted = FloatPicture::inside(x, self.plan.border);
        let Pictures {
            content, protected, ..
        } = &self.pictures;
        match (content, protected) {
            (Some(photograph), Some(protected)) => {
                let size = self.plan.stages[stage].size;
                painted.blended_with(&photograph.fit(size), &protected.fit(size))
            }
            _ => painted,
        }
    }
}
