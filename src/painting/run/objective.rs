//! What is minimized at a size of a run.

use super::super::{border, build::Stage};
use super::Run;
use crate::objective::{Compared, Method, Objective, Tap, Targets, common_weight};
use ndarray::Array3;

impl Run {
    /// What is minimized at size number `stage`, which began with the picture `began_with`, if [`remembered`](Self::remembered) says so.
    pub(super) fn objective(
        &self,
        stage: usize,
        began_with: Option<&Array3<f32>>,
    ) -> Objective<f32> {
        let content_taps = self.plan.content_taps_at(stage);
        let matched = began_with.and_then(|x| self.matched(stage, x));
        let stage = &self.stages[stage];
        let size = border::around(stage.size, self.plan.border);
        let values = 3.0 * f64::from(size.width) * f64::from(size.height);
        let settings = &self.settings;
        let tv_scale = if settings.tv_mean { values } else { 1.0 };
        Objective::new(
            &self.network,
            Targets {
                content: (stage.content.as_ref()).map(|content| (content, &content_taps[..])),
                regions: &stage.regions,
                style_taps: &self.plan.style_taps,
                compared: self.compared(stage, &content_taps, matched.as_ref()),
                style_loss: settings.style_loss,
                tv_weight: settings.tv_weight / tv_scale,
                tv_diagonals: settings.tv_diagonals,
                normalize: settings.normalize_gradients,
            },
        )
    }

    /// What the method needs besides the photograph and the paintings.
    fn compared<'a>(
        &self,
        stage: &Stage,
        content_taps: &[Tap],
        matched: Option<&'a Array3<f32>>,
    ) -> Compared<'a, f32> {
        let settings = &self.settings;
        let rotations = settings.rotations;
        match (settings.method, matched) {
            (Method::Strotss, _) => {
                let style = common_weight(&self.plan.style_taps).max(f64::MIN_POSITIVE);
                let alpha = common_weight(content_taps) / style;
                Compared::Strotss {
                    seed: settings.seed,
                    palette_weight: 1.0 / alpha.max(1.0),
                }
            }
            (Method::Nearest, Some(matched)) if !stage.split => {
                Compared::Nearest { matched, rotations }
            }
            (Method::Nearest, _) => Compared::Split { rotations },
            (Method::Layers, _) => Compared::Layers,
        }
    }

    /// Whether the objective of a size depends on the picture that it began with.
    pub(super) fn remembers(&self) -> bool {
        self.settings.method == Method::Nearest
    }

    /// The picture that a size begins with, if its objective depends on it.
    pub(super) fn remembered(&self, picture: &Array3<f32>) -> Option<Array3<f32>> {
        self.remembers().then(|| picture.clone())
    }

    /// The picture that the method nearest looks up in the painting: (x + w·photograph) / (1 + w), with the content weight w and the
    /// picture x that the size began with. At the first size that is the photograph alone.
    fn matched(&self, stage: usize, x: &Array3<f32>) -> Option<Array3<f32>> {
        let photograph = self.stages[stage].content.as_ref()?;
        let weight = self.settings.content_weight;
        let share = if stage == 0 {
            1.0
        } else {
            weight / (1.0 + weight)
        };
        Some(photograph * share as f32 + x * (1.0 - share) as f32)
    }
}
