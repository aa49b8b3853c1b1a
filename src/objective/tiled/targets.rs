//! What tiles are compared with: the photograph's activations, and sums over the paintings, both computed tile by tile.

use super::super::targets::{Tap, Targets, layers};
use super::ContentTerm;
use super::parts::{own_part, part_read};
use super::sums::{Summed, big_mask, sums};
use super::tiling::Tiling;
use crate::method::Scalar;
use crate::method::big_array::{BigArray, Storage};
use crate::method::style::{RegionLoss, RegionLossBuilder};
use crate::network::Network;

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
    let mut losses: Vec<_> = (taps.iter())
        .map(|_| RegionLossBuilder::new(targets.style_loss))
        .collect();
    for style in &targets.regions[region].styles {
        let (height, width, _) = style.picture.dim();
        let mask = style.mask.as_ref().map(big_mask);
        let summed: Vec<_> = (taps.iter())
            .map(|tap| Summed {
                layer: tap.layer,
                mask: mask.as_ref(),
                with_first: true,
            })
            .collect();
        let sums = sums(network, &style.picture, &cut_up((height, width)), &summed);
        for (loss, sums) in losses.iter_mut().zip(sums) {
            loss.add_sums(&sums, style.share);
            engine.recycle_matrix(sums.second);
        }
    }
    let losses = losses.into_iter();
    losses.map(|loss| loss.finish(None, engine)).collect()
}
