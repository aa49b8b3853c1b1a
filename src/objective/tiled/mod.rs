//! The objective of a picture that is computed tile by tile: its memory does not grow with the picture.
//!
//! The style losses are functions of sums over all positions ([`Sums`](crate::method::style::Sums)). An evaluation goes over the tiles twice:
//!
//! 1. forward, to add up the sums of each layer; from them follow the losses, and their gradients with respect to the sums;
//! 2. forward and backward, with these gradients and with the content loss, each at the positions that a tile owns.
//!
//! The gradient of a tile's pixels is added to that of the whole picture, also in its halo: other tiles' positions see those pixels too.
//! Losses and gradient are those of the whole picture, up to rounding. The second forward pass is the price; a process with one tile keeps
//! the activations of the first instead.
//!
//! Several processes divide the picture into bands of rows ([`Bands`]), and each cuts its own into tiles. Before an evaluation each gets
//! the pixels around its band from those that have them; between the passes the sums of all are added up; and at the end each gets back
//! what others have added to the gradient of its pixels.

mod losses;
mod parts;
mod sums;
mod targets;
mod tiling;

pub use tiling::{ReceptiveField, Tile, TileSize, Tiling};

use super::targets::{Tap, Targets, areas, layers};
use super::{Compared, Losses};
use crate::method::big_array::{Band, Bands, BigArray, Interval, Storage};
use crate::method::style::{RegionLoss, SumsGradient, evaluate_all};
use crate::method::{Communicator, Padding, Scalar, TotalVariation};
use crate::network::{Activations, Network, Steps};
use losses::TileLosses;
use parts::part_read;
use std::borrow::Cow;
use std::sync::Arc;
use sums::{LayerSums, Summed, big_mask};
use targets::{content_terms, style_losses};

/// Rows of pixels that total variation is computed of at a time.
const TV_ROWS: usize = 64;

/// The same function as an [`Objective`](super::Objective) of one picture size, computed tile by tile.
pub struct TiledObjective<T: Scalar> {
    world: Arc<dyn Communicator>,
    /// The rows of each process.
    bands: Bands,
    /// The rows that each process reads.
    read: Vec<Interval>,
    /// The tiles of this process.
    tiling: Tiling,
    content: Vec<ContentTerm<T>>,
    styles: Vec<StyleTerm<T>>,
    /// How much each pixel belongs to each region, H×W×1.
    masks: Vec<Option<Band<'static, T>>>,
    total_variation: TotalVariation,
    tv_weight: f64,
    /// To all layers with losses.
    steps: Steps,
}

/// The content loss of a layer.
struct ContentTerm<T: Scalar> {
    tap: Tap,
    /// The photograph's activations in the rows of this process, H×W×C.
    target: Band<'static, T>,
}

/// The style loss of a region at a layer.
struct StyleTerm<T> {
    layer: usize,
    weight: f64,
    region: usize,
    /// Without the region's mask.
    loss: RegionLoss<T>,
}

/// What the first pass finds.
struct FirstPass<'a, T: Scalar> {
    /// The style losses, each multiplied by its weight.
    values: Vec<f64>,
    /// Their gradients with respect to the sums; `None` where a region's mask shows nothing.
    gradients: Vec<Option<SumsGradient<T>>>,
    /// The activations, if there is only one tile.
    kept: Option<Activations<'a, T>>,
}

impl<T: Scalar> TiledObjective<T> {
    /// The objective whose targets are the activations of these pictures, of a picture of this `size` (H×W), cut into tiles `tile`. Of each
    /// picture the rows are needed that this process of the `world` [reads](ReceptiveField::bands). The photograph's activations are kept
    /// in the `storage`. The pictures are not needed afterwards.
    ///
    /// # Panics
    /// If the network has fewer layers than the taps need; if a mask has another size than its picture; if the targets are compared by
    /// other losses than [those of sums](crate::method::StyleLossKind::is_of_sums), or their gradients are to be normalized.
    pub fn new(
        network: &Network<T>,
        targets: Targets<T, Band<T>>,
        size: (usize, usize),
        tile: TileSize,
        storage: &Storage,
        world: Arc<dyn Communicator>,
    ) -> Self {
        let by_sums = matches!(targets.compared, Compared::Layers) && !targets.normalize;
        assert!(by_sums && targets.style_loss.is_of_sums(), "losses of sums");
        let content_taps = targets.content.map_or(&[][..], |(_, taps)| taps);
        let taps = || layers(content_taps).chain(layers(targets.style_taps));
        let field = network.receptive_field(taps());
        let (bands, read) = field.bands(size, world.ranks());
        let cut = |bands: &Bands, size| tile.cut_band(bands.of(world.rank()), size, field);
        let tiling = cut(&bands, size);
        network.engine().release_memory();
        let content = targets.content.map_or_else(Vec::new, |(picture, taps)| {
            content_terms(network, picture, taps, &tiling, storage)
        });
        let mut styles = Vec::new();
        for (number, area) in areas(targets.regions).into_iter().enumerate() {
            let cut = |size| cut(&field.bands(size, world.ranks()).0, size);
            let losses = style_losses(network, &targets, number, cut, &*world);
            let terms = targets.style_taps.iter().zip(losses);
            styles.extend(terms.map(|(tap, loss)| StyleTerm {
                layer: tap.layer,
                weight: tap.weight * area,
                region: number,
                loss,
            }));
        }
        // A region without a visible painting has no loss.
        styles.retain(|term| term.loss.as_sum_loss().is_some());
        network.engine().release_memory();
        let regions = targets.regions.iter();
        let masks = regions.map(|region| {
            let mask = region.mask.as_ref().filter(|_| !region.styles.is_empty());
            mask.map(big_mask)
        });
        Self {
            content,
            masks: masks.collect(),
            total_variation: TotalVariation {
                padding: network.padding(),
                diagonals: targets.tv_diagonals,
            },
            tv_weight: targets.tv_weight,
            steps: network.steps(taps()),
            bands,
            read,
            tiling,
            styles,
            world,
        }
    }

    /// The tiles of this process.
    pub fn tiling(&self) -> &Tiling {
        &self.tiling
    }

    /// The losses of the picture `x` (H×W×3), and the gradient of their total with respect to it, kept where `x` is. Of picture and gradient
    /// each process has its own rows.
    ///
    /// # Panics
    /// If `x` has another size than this objective is for.
    pub fn evaluate(&self, network: &Network<T>, x: &BigArray<T>) -> (Losses, BigArray<T>) {
        let world = &*self.world;
        let picture = (self.bands).read(x, &self.read, &x.storage(), world);
        let (losses, gradient) = self.of_own_positions(network, &picture);
        let gradient = gradient.rows.into_owned();
        if world.ranks() == 1 {
            return (losses, gradient);
        }
        (losses, self.bands.sum_fetched(&gradient, &self.read, world))
    }

    /// The losses, and their gradient with respect to the pixels that this process reads, as far as the losses of its own positions depend on
    /// them.
    fn of_own_positions(
        &self,
        network: &Network<T>,
        picture: &Band<T>,
    ) -> (Losses, Band<'static, T>) {
        let mut gradient: Option<Band<T>> = None;
        let FirstPass {
            values: style_values,
            gradients: style_gradients,
            mut kept,
        } = self.first_pass(network, picture);
        let mut content_values = vec![0.0; self.content.len()];
        let only = self.tiling.the_only_tile().is_some();
        if !(self.content.is_empty() && self.styles.is_empty()) {
            // ANCHOR: second_pass
            for tile in self.tiling.tiles() {
                let mut losses = TileLosses {
                    objective: self,
                    network,
                    tile,
                    style_gradients: &style_gradients,
                    content_values: &mut content_values,
                };
                let activations = (kept.take())
                    .unwrap_or_else(|| network.forward(&self.steps, &part_read(picture, tile)));
                let dx = network.backward(activations, &mut losses);
                if only && dx.dim() == picture.rows.dim() {
                    let rows = BigArray::from(dx).moved_to(&picture.rows.storage());
                    gradient = Some(Band::of(Cow::Owned(rows), picture.first, picture.height));
                    break;
                }
                let (rows, columns) = tile.read();
                let gradient = gradient.get_or_insert_with(|| picture.zeros_like());
                gradient.add_part((rows.start, columns.start), &dx);
                network.engine().recycle(dx);
            }
            // ANCHOR_END: second_pass
        }
        let mut gradient = gradient.unwrap_or_else(|| picture.zeros_like());
        for gradient in style_gradients.into_iter().flatten() {
            gradient.recycle(network.engine());
        }
        let tv = self.add_total_variation(network, picture, &mut gradient);
        // All processes computed the style losses, of equal sums; on unlike machines, not to the same bits.
        let style = if self.world.is_first() {
            style_values.iter().sum()
        } else {
            0.0
        };
        let mut of_own = [content_values.iter().sum(), style, tv];
        self.world.sum(&mut of_own);
        let [content, style, tv] = of_own;
        let losses = Losses { content, style, tv };
        (losses, gradient)
    }

    /// Forward over the tiles, and the style losses of the sums of all processes.
    fn first_pass<'a>(&self, network: &'a Network<T>, picture: &Band<T>) -> FirstPass<'a, T> {
        let engine = network.engine();
        let summed: Vec<_> = (self.styles.iter())
            .map(|term| Summed {
                layer: term.layer,
                mask: self.masks[term.region].as_ref(),
                needs: (term.loss.as_sum_loss())
                    .expect("others were left out")
                    .needs(),
            })
            .collect();
        let mut sums = LayerSums::new(network, &summed, picture.size());
        let kept = self.tiling.the_only_tile().map(|tile| {
            let picture = part_read(picture, tile);
            network.forward_reading(&self.steps, &picture, |layer, f| sums.add(layer, f, tile))
        });
        if kept.is_none() {
            sums.add_tiles(picture, &self.tiling);
        }
        let sums = sums.of_all(&*self.world);
        let with_sums = (self.styles.iter().zip(sums))
            .map(|(term, sums)| {
                let loss = term.loss.as_sum_loss();
                Some((loss.expect("others were left out"), sums))
            })
            .collect();
        let losses = evaluate_all(with_sums, engine);
        let (values, gradients) = (self.styles.iter().zip(losses))
            .map(|(term, (value, gradient))| (term.weight * value, gradient))
            .unzip();
        FirstPass {
            values,
            gradients,
            kept,
        }
    }

    /// That of the rows of this process.
    fn add_total_variation(
        &self,
        network: &Network<T>,
        picture: &Band<T>,
        gradient: &mut Band<T>,
    ) -> f64 {
        if self.tv_weight == 0.0 {
            return 0.0;
        }
        let (_, width, channels) = picture.rows.dim();
        let height = self.bands.height();
        let rows = self.bands.of(self.world.rank());
        let torus = self.total_variation.padding == Padding::Circular;
        let mut value = 0.0;
        for first in rows.clone().step_by(TV_ROWS) {
            let end = (first + TV_ROWS).min(rows.end);
            let above = usize::from(torus || first > 0);
            let below = usize::from(torus || end < height);
            let rows = first as isize - above as isize..(end + below) as isize;
            let part = picture.part(rows, 0..width as isize);
            let mut dx = network.engine().array((end - first, width, channels));
            dx.fill(T::zero());
            let own = above..above + end - first;
            value +=
                (self.total_variation).add_gradient_of_rows(&part, own, self.tv_weight, &mut dx);
            gradient.add_part((first as isize, 0), &dx);
            network.engine().recycle(dx);
        }
        self.tv_weight * value
    }
}
