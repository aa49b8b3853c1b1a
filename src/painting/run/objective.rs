//! What is minimized at a size of a run.

use super::super::border;
use super::super::build::{self, StagePictures};
use super::super::plan::StagePlan;
use super::Run;
use crate::method::BigArray;
use crate::network::Network;
use crate::objective::{
    Compared, Losses, Method, Objective, Tap, Targets, TiledObjective, common_weight,
};
use ndarray::Array3;

/// What is minimized at a size.
pub(super) struct StageObjective {
    computed: Computed,
    /// Bytes to spare for what the engine would otherwise compute anew in each iteration.
    spare: u64,
}

/// An objective that is computed whole or tile by tile.
enum Computed {
    Whole(Objective<f32>),
    Tiled(Box<TiledObjective<f32>>),
}

impl StageObjective {
    /// Losses and gradient at the picture `x`, with random positions, if there are any, drawn from the number of the iteration.
    pub fn evaluate_at(
        &self,
        iteration: u64,
        network: &Network<f32>,
        x: &BigArray<f32>,
    ) -> (Losses, BigArray<f32>) {
        // Another run may have used the network meanwhile.
        network.engine().set_spare_memory(self.spare);
        match &self.computed {
            Computed::Whole(objective) => {
                let (losses, gradient) = objective.evaluate_at(iteration, network, &x.to_array());
                (losses, gradient.into())
            }
            Computed::Tiled(objective) => objective.evaluate(network, x),
        }
    }

    /// Gives the memory of a gradient back to the network's engine, if that is where it is from.
    pub fn recycle(&self, gradient: BigArray<f32>, network: &Network<f32>) {
        if let Computed::Whole(_) = self.computed {
            network.engine().recycle(gradient.into_array());
        }
    }
}

impl Run {
    /// What is minimized at size number `stage`, which began with the picture `began_with`: only the method nearest needs it.
    pub(super) fn objective(
        &self,
        stage: usize,
        began_with: Option<&Array3<f32>>,
    ) -> StageObjective {
        let content_taps = self.plan.content_taps_at(stage);
        let plan = &self.plan.stages[stage];
        let settings = &self.settings;
        let border = self.plan.border;
        let engine = self.network.engine();
        engine.release_memory();
        let Some(tile) = plan.layout.tile else {
            engine.set_spare_memory(plan.layout.spare);
            let pictures = build::in_memory(plan, border, &self.pictures, settings);
            let matched = (began_with.zip(pictures.content.as_ref()))
                .map(|(x, photograph)| self.matched(stage, x, photograph));
            let compared = self.compared(plan, &content_taps, matched.as_ref());
            let targets = self.targets(plan, &pictures, &content_taps, compared);
            let objective = Objective::new(&self.network, targets);
            return StageObjective {
                computed: Computed::Whole(objective),
                spare: plan.layout.spare,
            };
        };
        // Tiles of a painting may be larger than those of the picture, for which there is memory to spare.
        engine.set_spare_memory(0);
        let storage = self.storage(stage);
        let (network, world) = (&self.network, &self.world);
        let field = network.receptive_field(self.plan.layers());
        let read = |size| field.bands(size, world.ranks()).1[world.rank()].clone();
        let pictures = build::stored(plan, border, &self.pictures, settings, &storage, read);
        let targets = self.targets(plan, &pictures, &content_taps, Compared::Layers);
        let size = border::around(plan.size, border).height_and_width();
        let tiled = TiledObjective::new(network, targets, size, tile, &storage, world.clone());
        StageObjective {
            computed: Computed::Tiled(Box::new(tiled)),
            spare: plan.layout.spare,
        }
    }

    fn targets<'a, P>(
        &'a self,
        plan: &StagePlan,
        pictures: &'a StagePictures<P>,
        content_taps: &'a [Tap],
        compared: Compared<'a, f32>,
    ) -> Targets<'a, f32, P> {
        let settings = &self.settings;
        let size = border::around(plan.size, self.plan.border);
        let values = 3.0 * f64::from(size.width) * f64::from(size.height);
        let tv_scale = if settings.tv_mean { values } else { 1.0 };
        Targets {
            content: (pictures.content.as_ref()).map(|content| (content, content_taps)),
            regions: &pictures.regions,
            style_taps: &self.plan.style_taps,
            compared,
            style_loss: settings.style_loss,
            tv_weight: settings.tv_weight / tv_scale,
            tv_diagonals: settings.tv_diagonals,
            normalize: settings.normalize_gradients,
        }
    }

    /// What the method needs besides the photograph and the paintings.
    fn compared<'a>(
        &self,
        stage: &StagePlan,
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
    pub(super) fn remembered(&self, picture: &BigArray<f32>) -> Option<Array3<f32>> {
        self.remembers().then(|| picture.to_array().into_owned())
    }

    /// The picture that the method nearest looks up in the painting: (x + w·photograph) / (1 + w), with the content weight w and the
    /// picture x that the size began with. At the first size that is the photograph alone.
    fn matched(&self, stage: usize, x: &Array3<f32>, photograph: &Array3<f32>) -> Array3<f32> {
        let weight = self.settings.content_weight;
        let share = if stage == 0 {
            1.0
        } else {
            weight / (1.0 + weight)
        };
        photograph * share as f32 + x * (1.0 - share) as f32
    }
}
