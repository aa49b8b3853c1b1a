//! The objective of a picture that is computed tile by tile: its memory does not grow with the picture.
//!
//! The style losses are functions of sums over all positions ([`Sums`]). An evaluation goes over the tiles twice:
//!
//! 1. forward, to add up the sums of each layer; from them follow the losses, and their gradients with respect to the sums;
//! 2. forward and backward, with these gradients and with the content loss, each at the positions that a tile owns.
//!
//! The gradient of a tile's pixels is added to that of the whole picture, also in its halo: other tiles' positions see those pixels too.
//! Losses and gradient are those of the whole picture, up to rounding. The second forward pass is the price.

use super::targets::{Tap, Targets, areas, layers};
use super::tiling::{Sight, Tile, Tiling};
use super::{Compared, Losses, at_layer};
use crate::method::big_array::{BigArray, Storage};
use crate::method::style::{Features, RegionLoss, RegionLossBuilder, Sums, SumsGradient};
use crate::method::{ContentLoss, Loss, Padding, Products, Scalar, TotalVariation};
use crate::network::{LayerLosses, Network, Steps};
use ndarray::{Array2, Array3, Axis, s};
use std::borrow::Cow;
use std::ops::Range;

/// Rows of pixels that total variation is computed of at a time.
const TV_ROWS: usize = 64;

/// How large tiles are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileSize {
    /// Each owns at most this many pixels along each edge.
    Edge(usize),
    /// Each reads at most this many pixels.
    Area(usize),
}

impl TileSize {
    /// A picture (H×W) cut into such tiles. A torus of which an edge is not a multiple of the stride stays whole: its pooling cells are
    /// cut off at one place.
    pub fn cut(self, size: (usize, usize), sight: Sight) -> Tiling {
        let in_strides = [size.0, size.1].map(|edge| edge.is_multiple_of(sight.stride));
        let edge = size.0.max(size.1);
        match self {
            _ if sight.padding == Padding::Circular && in_strides != [true; 2] => {
                Tiling::new(size, edge, sight)
            }
            Self::Edge(edge) => Tiling::new(size, edge, sight),
            Self::Area(area) => Tiling::within(size, area, sight),
        }
    }
}

/// The same function as an [`Objective`](super::Objective) of one picture size, computed tile by tile.
pub struct TiledObjective<T: Scalar> {
    tiling: Tiling,
    content: Vec<ContentTerm<T>>,
    styles: Vec<StyleTerm<T>>,
    /// How much each pixel belongs to each region, H×W×1.
    masks: Vec<Option<BigArray<T>>>,
    total_variation: TotalVariation,
    tv_weight: f64,
    /// To the layers that are summed.
    first_steps: Steps,
    /// To all layers with losses.
    second_steps: Steps,
}

/// The content loss of a layer.
struct ContentTerm<T: Scalar> {
    tap: Tap,
    /// The photograph's activations, H×W×C.
    target: BigArray<T>,
}

/// The style loss of a region at a layer.
struct StyleTerm<T> {
    layer: usize,
    weight: f64,
    region: usize,
    /// Without the region's mask.
    loss: RegionLoss<T>,
}

impl<T: Scalar> Network<T> {
    /// What the layers of these taps need of tiles.
    pub fn sight(&self, taps: impl IntoIterator<Item = usize>) -> Sight {
        let layers: Vec<usize> = taps.into_iter().collect();
        let strides = layers.iter().map(|&layer| 1 << self.poolings(layer));
        let stride = strides.max().unwrap_or(1);
        let reach = layers.iter().map(|&layer| self.reach(layer)).max();
        Sight {
            stride,
            halo: reach.unwrap_or(0).next_multiple_of(stride),
            padding: self.padding(),
        }
    }
}

impl<T: Scalar> TiledObjective<T> {
    /// The objective whose targets are the activations of these pictures, of a picture of this `size` (H×W), cut into tiles `tile`. The
    /// photograph's activations are kept in the `storage`. The pictures are not needed afterwards.
    ///
    /// # Panics
    /// If the network has fewer layers than the taps need; if a mask has another size than its picture; if the targets are compared by
    /// other losses than [those of sums](crate::method::StyleLossKind::is_of_sums), or their gradients are to be normalized.
    pub fn new(
        network: &Network<T>,
        targets: Targets<T>,
        size: (usize, usize),
        tile: TileSize,
        storage: &Storage,
    ) -> Self {
        let by_sums = matches!(targets.compared, Compared::Layers) && !targets.normalize;
        assert!(by_sums && targets.style_loss.is_of_sums(), "losses of sums");
        let content_taps = targets.content.map_or(&[][..], |(_, taps)| taps);
        let taps = || layers(content_taps).chain(layers(targets.style_taps));
        let sight = network.sight(taps());
        let tiling = tile.cut(size, sight);
        network.engine().release_memory();
        let content = targets.content.map_or_else(Vec::new, |(picture, taps)| {
            content_terms(network, picture, taps, &tiling, storage)
        });
        let mut styles = Vec::new();
        for (number, area) in areas(targets.regions).into_iter().enumerate() {
            let losses = style_losses(network, &targets, number, |size| tile.cut(size, sight));
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
        let masks = targets.regions.iter().map(|region| {
            let mask = region.mask.as_ref()?;
            Some(BigArray::from(mask.clone().insert_axis(Axis(2))))
        });
        Self {
            content,
            masks: masks.collect(),
            total_variation: TotalVariation {
                padding: network.padding(),
                diagonals: targets.tv_diagonals,
            },
            tv_weight: targets.tv_weight,
            first_steps: network.steps(styles.iter().map(|term| term.layer)),
            second_steps: network.steps(taps()),
            tiling,
            styles,
        }
    }

    /// The tiles.
    pub fn tiling(&self) -> &Tiling {
        &self.tiling
    }

    /// The losses of the picture `x` (H×W×3), and the gradient of their total with respect to it, kept where `x` is.
    ///
    /// # Panics
    /// If `x` has another size than this objective is for.
    pub fn evaluate(&self, network: &Network<T>, x: &BigArray<T>) -> (Losses, BigArray<T>) {
        let (style_values, style_gradients) = self.first_pass(network, x);
        let mut gradient = x.zeros_like();
        let mut content_values = vec![0.0; self.content.len()];
        if !(self.content.is_empty() && self.styles.is_empty()) {
            for tile in self.tiling.tiles() {
                let mut losses = TileLosses {
                    objective: self,
                    network,
                    tile,
                    style_gradients: &style_gradients,
                    content_values: &mut content_values,
                };
                let picture = part_read(x, tile);
                let activations = network.forward(&self.second_steps, &picture);
                let dx = network.backward(activations, &mut losses);
                let (rows, columns) = tile.read();
                gradient.add_part((rows.start, columns.start), &dx);
                network.engine().recycle(dx);
            }
        }
        for gradient in style_gradients.into_iter().flatten() {
            gradient.recycle(network.engine());
        }
        let losses = Losses {
            content: content_values.iter().sum(),
            style: style_values.iter().sum(),
            tv: self.add_total_variation(x, &mut gradient),
        };
        (losses, gradient)
    }

    /// The style losses, each multiplied by its weight, and their gradients with respect to the sums; `None` where a region's mask shows
    /// nothing.
    fn first_pass(
        &self,
        network: &Network<T>,
        x: &BigArray<T>,
    ) -> (Vec<f64>, Vec<Option<SumsGradient<T>>>) {
        let engine = network.engine();
        let mut sums: Vec<Sums<T>> = (self.styles.iter())
            .map(|term| Sums::zero(network.channels(term.layer), needs_first(&term.loss)))
            .collect();
        if !self.styles.is_empty() {
            for tile in self.tiling.tiles() {
                network.visit(&self.first_steps, &part_read(x, tile), |layer, f| {
                    let own = tile.own(network.poolings(layer));
                    let f = own_part(f, &own, engine);
                    for (term, sums) in self.styles.iter().zip(&mut sums) {
                        if term.layer == layer {
                            let mask = self.mask(term, tile, network);
                            let mask = mask.map(|mask| cut(&mask, &own));
                            let features = Features::new(&f, mask.as_ref());
                            add_sums(sums, features, engine);
                        }
                    }
                    if let Cow::Owned(f) = f {
                        engine.recycle(f);
                    }
                });
            }
        }
        (self.styles.iter().zip(sums))
            .map(|(term, sums)| {
                let loss = term.loss.as_sum_loss().expect("others were left out");
                if sums.weight <= 0.0 {
                    return (0.0, None);
                }
                let (value, gradient) = loss.at(sums, engine);
                (term.weight * value, Some(gradient))
            })
            .unzip()
    }

    /// The mask of a term's region at its layer, of the positions that the tile reads.
    fn mask(&self, term: &StyleTerm<T>, tile: Tile, network: &Network<T>) -> Option<Array2<T>> {
        let mask = self.masks[term.region].as_ref()?;
        let mask = part_read(mask, tile).remove_axis(Axis(2));
        Some(at_layer(network, &mask, term.layer))
    }

    fn add_total_variation(&self, x: &BigArray<T>, gradient: &mut BigArray<T>) -> f64 {
        if self.tv_weight == 0.0 {
            return 0.0;
        }
        let (height, width, channels) = x.dim();
        let torus = self.total_variation.padding == Padding::Circular;
        let mut value = 0.0;
        for first in (0..height).step_by(TV_ROWS) {
            let end = (first + TV_ROWS).min(height);
            let above = usize::from(torus || first > 0);
            let below = usize::from(torus || end < height);
            let rows = first as isize - above as isize..(end + below) as isize;
            let picture = x.part(rows, 0..width as isize);
            let mut dx = Array3::zeros((end - first, width, channels));
            let own = above..above + end - first;
            value +=
                (self.total_variation).add_gradient_of_rows(&picture, own, self.tv_weight, &mut dx);
            gradient.add_part((first as isize, 0), &dx);
        }
        self.tv_weight * value
    }
}

/// The losses at the positions that a tile owns, on the way back.
struct TileLosses<'a, T: Scalar> {
    objective: &'a TiledObjective<T>,
    network: &'a Network<T>,
    tile: Tile<'a>,
    style_gradients: &'a [Option<SumsGradient<T>>],
    /// Added up over the tiles, each multiplied by its weight.
    content_values: &'a mut [f64],
}

impl<'a, T: Scalar> TileLosses<'a, T> {
    /// The style losses of a layer, with their gradients and masks.
    fn styles(
        &self,
        layer: usize,
    ) -> impl Iterator<Item = (f64, &'a SumsGradient<T>, Option<Array2<T>>)> {
        let (objective, tile, network) = (self.objective, self.tile, self.network);
        (objective.styles.iter().zip(self.style_gradients))
            .filter(move |(term, _)| term.layer == layer)
            .filter_map(move |(term, gradient)| {
                let mask = objective.mask(term, tile, network);
                Some((term.weight, gradient.as_ref()?, mask))
            })
    }
}

impl<T: Scalar> LayerLosses<T> for TileLosses<'_, T> {
    fn add_gradient(&mut self, layer: usize, f: Option<&Array3<T>>, df: &mut Array3<T>) {
        let f = f.expect("all tapped layers are kept");
        let engine = self.network.engine();
        let poolings = self.network.poolings(layer);
        let own = self.tile.own(poolings);
        let place = self.tile.place(poolings);
        for (term, value) in self.objective.content.iter().zip(&mut *self.content_values) {
            if term.tap.layer == layer {
                let target = part_at(&term.target, &place);
                let whole = term.target.dim();
                let share = (place.0.len() * place.1.len()) as f64 / (whole.0 * whole.1) as f64;
                let weight = share * term.tap.weight;
                let mut gradient = Array3::zeros(target.dim());
                let loss = ContentLoss::new(target);
                let f = own_part(f, &own, engine);
                *value += weight * loss.add_gradient(&f, weight, &mut gradient, engine);
                let mut own = df.slice_mut(s![own.0.clone(), own.1.clone(), ..]);
                own += &gradient;
            }
        }
        let mut styles = self.styles(layer).peekable();
        if styles.peek().is_some() {
            let mut gradient = engine.array(df.dim());
            gradient.fill(T::zero());
            for (weight, of_sums, mask) in styles {
                let features = Features::new(f, mask.as_ref());
                of_sums.add_to(features, weight, &mut gradient, engine);
            }
            let gradient_of_own = gradient.slice(s![own.0.clone(), own.1.clone(), ..]);
            let mut own = df.slice_mut(s![own.0.clone(), own.1.clone(), ..]);
            own += &gradient_of_own;
            engine.recycle(gradient);
        }
    }

    fn replace_by_gradient(&mut self, layer: usize, f: &mut Array3<T>) -> bool {
        let mut styles = self.styles(layer);
        let (Some((weight, gradient, mask)), None) = (styles.next(), styles.next()) else {
            return false;
        };
        let has_content = |term: &ContentTerm<T>| term.tap.layer == layer;
        if self.objective.content.iter().any(has_content) {
            return false;
        }
        gradient.replace(f, mask.as_ref(), weight, self.network.engine());
        let own = self.tile.own(self.network.poolings(layer));
        clear_outside(f, &own);
        true
    }
}

/// The content losses, whose targets are the photograph's activations.
fn content_terms<T: Scalar>(
    network: &Network<T>,
    photograph: &Array3<T>,
    taps: &[Tap],
    tiling: &Tiling,
    storage: &Storage,
) -> Vec<ContentTerm<T>> {
    let photograph = BigArray::from(photograph.clone());
    let (height, width, _) = photograph.dim();
    let mut terms: Vec<_> = (taps.iter())
        .map(|&tap| {
            let edge = |edge: usize| edge.div_ceil(1 << network.poolings(tap.layer));
            let shape = (edge(height), edge(width), network.channels(tap.layer));
            let target = BigArray::zeros(shape, storage);
            ContentTerm { tap, target }
        })
        .collect();
    let steps = network.steps(layers(taps));
    if !taps.is_empty() {
        for tile in tiling.tiles() {
            network.visit(&steps, &part_read(&photograph, tile), |layer, f| {
                let poolings = network.poolings(layer);
                let own = own_part(f, &tile.own(poolings), network.engine());
                let (rows, columns) = tile.place(poolings);
                for term in terms.iter_mut().filter(|term| term.tap.layer == layer) {
                    (term.target).set_part((rows.start as isize, columns.start as isize), &own);
                }
            });
        }
    }
    terms
}

/// The style losses of a region, one for each tap, of paintings that are cut into tiles by `cut_up`.
fn style_losses<T: Scalar>(
    network: &Network<T>,
    targets: &Targets<T>,
    region: usize,
    cut_up: impl Fn((usize, usize)) -> Tiling,
) -> Vec<RegionLoss<T>> {
    let engine = network.engine();
    let taps = targets.style_taps;
    let steps = network.steps(layers(taps));
    let mut losses: Vec<_> = (taps.iter())
        .map(|_| RegionLossBuilder::new(targets.style_loss))
        .collect();
    for style in &targets.regions[region].styles {
        let (height, width, _) = style.picture.dim();
        let picture = BigArray::from(style.picture.clone());
        let mask = (style.mask.as_ref()).map(|mask| mask.clone().insert_axis(Axis(2)));
        let mask = mask.map(BigArray::from);
        let mut sums: Vec<Sums<T>> = (taps.iter())
            .map(|tap| Sums::zero(network.channels(tap.layer), true))
            .collect();
        for tile in cut_up((height, width)).tiles() {
            let mask = mask
                .as_ref()
                .map(|mask| part_read(mask, tile).remove_axis(Axis(2)));
            network.visit(&steps, &part_read(&picture, tile), |layer, f| {
                let own = tile.own(network.poolings(layer));
                let f = own_part(f, &own, engine);
                let mask = mask
                    .as_ref()
                    .map(|mask| cut(&at_layer(network, mask, layer), &own));
                let of_layer = taps.iter().zip(&mut sums);
                for (_, sums) in of_layer.filter(|(tap, _)| tap.layer == layer) {
                    add_sums(sums, Features::new(&f, mask.as_ref()), engine);
                }
                if let Cow::Owned(f) = f {
                    engine.recycle(f);
                }
            });
        }
        for (loss, sums) in losses.iter_mut().zip(&sums) {
            loss.add_sums(sums, style.share);
        }
    }
    let losses = losses.into_iter();
    losses.map(|loss| loss.finish(None, engine)).collect()
}

fn needs_first<T: Scalar>(loss: &RegionLoss<T>) -> bool {
    loss.as_sum_loss().is_some_and(|loss| loss.needs_first())
}

/// Adds the sums of these positions.
fn add_sums<T: Scalar>(sums: &mut Sums<T>, features: Features<T>, products: &dyn Products<T>) {
    let of_part = Sums::of(features, sums.first.is_some(), products);
    sums.add(&of_part);
    products.recycle_matrix(of_part.second);
}

/// What the tile reads of an array of the picture's size.
fn part_read<T: Scalar>(x: &BigArray<T>, tile: Tile) -> Array3<T> {
    let (rows, columns) = tile.read();
    x.part(rows, columns)
}

fn part_at<T: Scalar>(
    x: &BigArray<T>,
    (rows, columns): &(Range<usize>, Range<usize>),
) -> Array3<T> {
    let interval = |range: &Range<usize>| range.start as isize..range.end as isize;
    x.part(interval(rows), interval(columns))
}

/// The activations `f` (H×W×C) at these rows and columns; `f` itself if these are all.
fn own_part<'a, T: Scalar>(
    f: &'a Array3<T>,
    (rows, columns): &(Range<usize>, Range<usize>),
    products: &dyn Products<T>,
) -> Cow<'a, Array3<T>> {
    let (height, width, channels) = f.dim();
    if (rows.len(), columns.len()) == (height, width) {
        return Cow::Borrowed(f);
    }
    let mut own = products.array((rows.len(), columns.len(), channels));
    own.assign(&f.slice(s![rows.clone(), columns.clone(), ..]));
    Cow::Owned(own)
}

/// A mask at these rows and columns.
fn cut<T: Scalar>(mask: &Array2<T>, (rows, columns): &(Range<usize>, Range<usize>)) -> Array2<T> {
    mask.slice(s![rows.clone(), columns.clone()]).to_owned()
}

/// Makes `f` zero outside these rows and columns.
fn clear_outside<T: Scalar>(f: &mut Array3<T>, (rows, columns): &(Range<usize>, Range<usize>)) {
    f.slice_mut(s![..rows.start, .., ..]).fill(T::zero());
    f.slice_mut(s![rows.end.., .., ..]).fill(T::zero());
    f.slice_mut(s![.., ..columns.start, ..]).fill(T::zero());
    f.slice_mut(s![.., columns.end.., ..]).fill(T::zero());
}
