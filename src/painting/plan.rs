//! What a run will compute: layers, sizes and iterations. It is decided, and checked against the weights and the machine, before any
//! array exists.

use super::memory::{
    Budget, FEWEST_PAIRS, Layout, MemoryOptions, Needs, processes_of_this_machine,
};
use super::parametrization::Parametrization;
use super::pictures::Pictures;
use super::settings::InvalidSetting;
use super::settings::{LayerWeight, Layers, OptimizerKind, Scale};
use super::{Settings, border, limits};
use crate::files::picture::{Size, SizeRequest};
use crate::files::weights::Weights;
use crate::method::Communicator;
use crate::method::big_array::{Bands, Storage};
use crate::objective::{Method, Tap, depth};
use crate::vgg::LayerSpec;

/// The plan of a run.
pub(super) struct Plan {
    pub content_taps: Vec<Tap>,
    content_falloff: f64,
    pub style_taps: Vec<Tap>,
    /// Bytes that stay in memory for each activation of a tapped layer.
    kept: u64,
    /// Pixels around each size that are painted too, and cut off.
    pub border: usize,
    /// The sizes to paint at. The last is the painted picture's.
    pub stages: Vec<StagePlan>,
}

/// One size of a run.
#[derive(Clone)]
pub(super) struct StagePlan {
    /// Without the border.
    pub size: Size,
    /// The size that each style picture is fitted to.
    pub style_sizes: Vec<Size>,
    pub iterations: usize,
    /// Whether the method nearest matches each layer by itself.
    pub split: bool,
    /// How it is computed.
    pub layout: Layout,
}

impl Plan {
    /// # Errors
    /// If a layer is unknown, a picture is too small for the layers, or the machine has too little memory.
    pub fn new(
        weights: &Weights,
        pictures: &Pictures,
        finest: Size,
        settings: &Settings,
        memory: &MemoryOptions,
        world: &dyn Communicator,
    ) -> Result<Self, InvalidSetting> {
        let (mut content_taps, mut style_taps) = (Vec::new(), Vec::new());
        if pictures.content.is_some() {
            content_taps = taps(weights, &settings.content_layers, settings.content_weight)?;
        }
        if !pictures.regions.is_empty() {
            style_taps = taps(weights, &settings.style_layers, settings.style_weight)?;
        }
        let layers = weights.architecture().layers();
        let border = if settings.seamless {
            0
        } else {
            settings.border as usize
        };
        let plan = Self {
            content_taps,
            content_falloff: settings.content_falloff,
            style_taps,
            kept: match settings.method {
                Method::Layers => limits::F32,
                Method::Strotss | Method::Nearest => limits::SHORT,
            },
            border,
            stages: Vec::new(),
        };
        let budget = memory.budget(world);
        let grid = grid(settings, &layers, &plan.all_taps());
        check_grid(finest, grid)?;
        let scales = (settings.scales).plan(finest, grid, settings);
        let mut stages = Vec::new();
        for scale in scales {
            let mut stage = StagePlan::new(&scale, pictures, settings);
            match plan.layout(&stage, pictures, &layers, settings, memory, budget) {
                Ok(layout) => {
                    stage.layout = layout;
                    stages.push(stage);
                }
                // A size that is too small for the layers, or too large for the memory, is left out, unless it is the last.
                Err(_) if stage.size != finest => {}
                Err(error) => return Err(error),
            }
        }
        let splits = settings.method == Method::Nearest && settings.split_iterations > 0;
        if let (true, Some(finest)) = (splits, stages.last()) {
            stages.push(StagePlan {
                iterations: settings.split_iterations as usize,
                split: true,
                ..finest.clone()
            });
        }
        Ok(Self { stages, ..plan })
    }

    /// What the parameters are at each size.
    pub fn parametrizations(&self, settings: &Settings) -> Vec<Parametrization> {
        let wholes = self
            .stages
            .iter()
            .map(|stage| border::around(stage.size, self.border));
        wholes
            .map(|whole| Parametrization::new(settings.parameters, whole))
            .collect()
    }

    /// Where the arrays of sizes `on_disk` are kept. If the disk has too little space for all pairs that L-BFGS is to remember, it remembers
    /// fewer.
    ///
    /// # Errors
    /// If the folder cannot be used, or has too little space for the fewest pairs.
    pub fn reserve_scratch(
        &mut self,
        settings: &Settings,
        memory: &MemoryOptions,
        world: &dyn Communicator,
    ) -> Result<Storage, InvalidSetting> {
        let here = processes_of_this_machine(world) as u64;
        let needed = |stage: &StagePlan| here * stage.layout.scratch_bytes(settings);
        loop {
            // A size and the next exist together while the picture is enlarged.
            let sizes: Vec<u64> = self.stages.iter().map(needed).collect();
            let most = sizes.windows(2).map(|pair| pair[0] + pair[1]).max();
            let most = most.unwrap_or(0).max(sizes.last().copied().unwrap_or(0));
            if most == 0 {
                return Ok(Storage::Memory);
            }
            let layouts = self.stages.iter_mut().map(|stage| &mut stage.layout);
            let mut on_disk: Vec<_> = layouts.filter(|layout| layout.on_disk).collect();
            let fewer = on_disk[0].history.saturating_sub(1);
            let storage = memory.scratch(most);
            let trouble = storage.as_ref().err().map(ToString::to_string);
            match world.first_trouble(trouble) {
                Some(_) if settings.optimizer == OptimizerKind::Lbfgs && fewer >= FEWEST_PAIRS => {
                    on_disk.iter_mut().for_each(|layout| layout.history = fewer);
                }
                Some((_, trouble)) => return Err(InvalidSetting(trouble)),
                None => return storage,
            }
        }
    }

    /// The layers that the painted picture is compared at.
    fn all_taps(&self) -> Vec<Tap> {
        [&self.content_taps[..], &self.style_taps].concat()
    }

    /// The content taps at size number `stage`, whose weights may become less from size to size.
    pub fn content_taps_at(&self, stage: usize) -> Vec<Tap> {
        let factor = self.content_falloff.powi(stage as i32);
        let taps = self.content_taps.iter();
        taps.map(|tap| Tap {
            weight: factor * tap.weight,
            ..*tap
        })
        .collect()
    }

    /// The layers of all taps.
    pub fn layers(&self) -> impl Iterator<Item = usize> {
        self.all_taps().into_iter().map(|tap| tap.layer)
    }

    /// How many layers of the network the taps need.
    pub fn depth(&self) -> usize {
        depth(&self.all_taps())
    }

    /// Checks that the pictures of a stage are large enough for the layers, and finds a way to compute it that fits into memory.
    fn layout(
        &self,
        stage: &StagePlan,
        pictures: &Pictures,
        layers: &[LayerSpec],
        settings: &Settings,
        memory: &MemoryOptions,
        budget: Budget,
    ) -> Result<Layout, InvalidSetting> {
        let painted = match pictures.content {
            Some(_) => "content",
            None => "painted",
        };
        let taps = self.all_taps();
        limits::check_smallest(painted, stage.size, layers, &taps)?;
        for &size in &stage.style_sizes {
            limits::check_smallest("style", size, layers, &self.style_taps)?;
        }
        let whole = border::around(stage.size, self.border);
        let needed = (stage.style_sizes.iter())
            .map(|&size| ("style", size, &self.style_taps, size))
            .chain([(painted, stage.size, &taps, whole)])
            .map(|(which, size, taps, whole)| {
                let bytes = limits::of_whole(whole, layers, taps, self.kept);
                (bytes, which, size)
            })
            .max_by_key(|(bytes, ..)| *bytes);
        let (bytes, which, size) = needed.expect("there is a painted picture");
        let layers = &layers[..self.depth()];
        let strides = taps.iter().map(|tap| layers[tap.layer].stride);
        let bands = Bands::new(
            whole.height as usize,
            budget.ranks,
            strides.max().unwrap_or(1),
        );
        let needs = Needs {
            whole: bytes,
            which,
            size,
            pixels: limits::pixels(whole),
            own_pixels: bands.highest() as u64 * u64::from(whole.width),
            tile_pixel: limits::of_tile_pixel(layers, &taps),
            targets: limits::of_targets(layers, &self.content_taps),
            network: limits::of_network(layers),
            around_protected: (pictures.protected.as_ref())
                .map_or(0, |_| pictures.regions.len() as u64),
        };
        Layout::new(settings, memory, budget, &needs)
    }
}

impl StagePlan {
    fn new(scale: &Scale, pictures: &Pictures, settings: &Settings) -> Self {
        let cropped = pictures.content.is_some();
        let style_sizes = (pictures.styles().enumerate())
            .map(|(number, style)| {
                style_size(settings, style.picture.size(), scale.share, number, cropped)
            })
            .collect();
        Self {
            size: scale.size,
            style_sizes,
            iterations: scale.iterations,
            split: false,
            layout: Layout::default(),
        }
    }
}

/// The layers whose weight is above 0, by number.
fn taps(weights: &Weights, layers: &Layers, overall: f64) -> Result<Vec<Tap>, InvalidSetting> {
    let mut taps = Vec::new();
    for LayerWeight { layer, weight } in &layers.0 {
        let number = find_layer(weights, layer)?;
        let weight = overall * weight;
        if weight > 0.0 {
            taps.push(Tap {
                layer: number,
                weight,
            });
        }
    }
    Ok(taps)
}

/// The number of a layer that the weights reach.
fn find_layer(weights: &Weights, name: &str) -> Result<usize, InvalidSetting> {
    let number = (weights.architecture().find(name))
        .map_err(|unknown| InvalidSetting(unknown.to_string()))?;
    if number < weights.depth() {
        return Ok(number);
    }
    Err(InvalidSetting(format!(
        "the weights do not reach down to layer {name}"
    )))
}

impl Settings {
    /// Checks that the network of these weights has all layers that the settings name.
    ///
    /// # Errors
    /// Which layer it does not have.
    pub fn check_layers(&self, weights: &Weights) -> Result<(), InvalidSetting> {
        let mut layers = self.content_layers.0.iter().chain(&self.style_layers.0);
        layers.try_for_each(|layer| find_layer(weights, &layer.layer).map(drop))
    }
}

/// The number that a seamless picture's edges must be multiples of, so that each layer sees whole positions.
fn grid(settings: &Settings, layers: &[LayerSpec], taps: &[Tap]) -> u32 {
    if !settings.seamless {
        return 1;
    }
    let strides = taps.iter().map(|tap| layers[tap.layer].stride);
    strides.max().unwrap_or(1) as u32
}

/// Refuses a seamless picture whose edges are not multiples of `grid`: a seam would show.
fn check_grid(size: Size, grid: u32) -> Result<(), InvalidSetting> {
    let whole = |edge: u32| (edge.saturating_add(grid / 2) / grid).max(1) * grid;
    let nearest = Size {
        width: whole(size.width),
        height: whole(size.height),
    };
    if nearest == size {
        return Ok(());
    }
    Err(InvalidSetting(format!(
        "a seamless picture needs edges that are multiples of {grid} for these layers, not {size}; ask for --size {nearest}"
    )))
}

/// The size that style picture `number` of size `from` is fitted to, where the painted picture is at `share` of its final size.
/// `cropped` says whether it gets the aspect of the painted picture, if the settings give that.
fn style_size(settings: &Settings, from: Size, share: f64, number: usize, cropped: bool) -> Size {
    let full = match settings.size {
        SizeRequest::Exact(size) if !cropped => SizeRequest::LongEdge(size.width.max(size.height)),
        size => size,
    };
    let edges = |size: Size| [size.width, size.height].map(f64::from);
    let ([width, height], [own_width, own_height]) = (edges(full.of(from)), edges(from));
    // Not enlarged beyond its own pixels, also if it is cropped.
    let max_factor = if settings.enlarge_style {
        f64::INFINITY
    } else {
        (own_width / width).min(own_height / height)
    };
    let factor = (settings.style_scale.of(number) * share).min(max_factor);
    let edge = |edge: f64| ((edge * factor).round() as u32).max(1);
    Size {
        width: edge(width),
        height: edge(height),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PerStyle, Recipe};
    use super::*;

    #[test]
    fn a_style_picture_is_scaled_with_the_painting_and_not_enlarged() {
        let size = |width, height| Size { width, height };
        let mut settings = Recipe::preset("classic").unwrap().settings();
        let fitted = |settings: &Settings, from, share| style_size(settings, from, share, 0, true);
        assert_eq!(fitted(&settings, size(400, 300), 0.5), size(333, 250));
        settings.enlarge_style = false;
        assert_eq!(fitted(&settings, size(400, 300), 1.0), size(400, 300));
        assert_eq!(fitted(&settings, size(4000, 300), 1.0), size(400, 300));
        settings.size = SizeRequest::LongEdge(1000);
        assert_eq!(fitted(&settings, size(400, 300), 1.0), size(400, 300));
        settings.style_scale = PerStyle::All(0.25);
        assert_eq!(fitted(&settings, size(400, 300), 1.0), size(250, 188));
    }
}
