//! What tiles are compared with: the photograph's activations, and sums over the paintings, both computed tile by tile.

use super::super::at_layer;
use super::super::targets::{Tap, Targets, layers};
use super::ContentTerm;
use super::parts::{add_sums, cut, own_part, part_read};
use super::tiling::Tiling;
use crate::method::Scalar;
use crate::method::big_array::{BigArray, Storage};
use crate::method::style::{Features, RegionLoss, RegionLossBuilder, Sums};
use crate::network::Network;
use ndarray::Axis;

/// The content losses, whose targets are the photograph's activations.
pub(super) fn content_terms<T: Scalar>(
    network: &Network<T>,
    photograph: &BigArray<T>,
    taps: &[Tap],
    tiling: &Tiling,
    storage: &Storage,
) -> Vec<ContentTerm<T>> {
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
            network.visit(&steps, &part_read(photograph, tile), |layer, f| {
                let poolings = network.poolings(layer);
                let own = own_part(f, &tile.own(poolings), network.engine());
                let (rows, columns) = tile.place(poolings);
                for term in terms.iter_mut().filter(|term| term.tap.layer == layer) {
                    (term.target).set_part((rows.start as isize, columns.start as isize), &own);
                }
                network.engine().recycle_copy(own);
            });
        }
    }
    terms
}

/// The style losses of a region, one for each tap, of paintings that are cut into tiles by `cut_up`.
pub(super) fn style_losses<T: Scalar>(
    network: &Network<T>,
    targets: &Targets<T, BigArray<T>>,
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
        let mask = (style.mask.as_ref()).map(|mask| mask.clone().insert_axis(Axis(2)));
        let mask = mask.map(BigArray::from);
        let mut sums: Vec<Sums<T>> = (taps.iter())
            .map(|tap| Sums::zero(network.channels(tap.layer), true, engine))
            .collect();
        for tile in cut_up((height, width)).tiles() {
            let mask = mask
                .as_ref()
                .map(|mask| part_read(mask, tile).remove_axis(Axis(2)));
            network.visit(&steps, &part_read(&style.picture, tile), |layer, f| {
                let own = tile.own(network.poolings(layer));
                let f = own_part(f, &own, engine);
                let mask = mask
                    .as_ref()
                    .map(|mask| cut(&at_layer(network, mask, layer), &own));
                let of_layer = taps.iter().zip(&mut sums);
                for (_, sums) in of_layer.filter(|(tap, _)| tap.layer == layer) {
                    add_sums(sums, Features::new(&f, mask.as_ref()), engine);
                }
                engine.recycle_copy(f);
            });
        }
        for (loss, sums) in losses.iter_mut().zip(sums) {
            loss.add_sums(&sums, style.share);
            engine.recycle_matrix(sums.second);
        }
    }
    let losses = losses.into_iter();
    losses.map(|loss| loss.finish(None, engine)).collect()
}
