//! What tiles are compared with: the photograph's activations, and sums over the paintings, both computed tile by tile.

use super::super::targets::{Tap, Targets, layers};
use super::ContentTerm;
use super::parts::{own_part, part_read};
use super::sums::{LayerSums, Summed, big_mask};
use super::tiling::Tiling;
use crate::method::big_array::{Band, BigArray, Storage};
use crate::method::style::{RegionLoss, RegionLossBuilder};
use crate::method::{Communicator, Scalar};
use crate::network::Network;
use std::borrow::Cow;

/// The content losses, whose targets are the activations of the photograph, in the rows of these tiles.
pub(super) fn content_terms<T: Scalar>(
    network: &Network<T>,
    photograph: &Band<T>,
    taps: &[Tap],
    tiling: &Tiling,
    storage: &Storage,
) -> Vec<ContentTerm<T>> {
    let (height, width) = photograph.size();
    let mut terms: Vec<_> = (taps.iter())
        .map(|&tap| {
            let poolings = network.poolings(tap.layer);
            let edge = |edge: usize| edge.div_ceil(1 << poolings);
            let rows = tiling.place_of_rows(poolings);
            let shape = (rows.len(), edge(width), network.channels(tap.layer));
            ContentTerm {
                tap,
                target: Band {
                    first: rows.start as isize,
                    height: edge(height),
                    rows: Cow::Owned(BigArray::zeros(shape, storage)),
                },
            }
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

/// The style losses of a region, one for each tap, of paintings that are cut into the tiles of this process by `cut_up`.
pub(super) fn style_losses<T: Scalar>(
    network: &Network<T>,
    targets: &Targets<T, Band<T>>,
    region: usize,
    cut_up: impl Fn((usize, usize)) -> Tiling,
    world: &dyn Communicator,
) -> Vec<RegionLoss<T>> {
    let engine = network.engine();
    let taps = targets.style_taps;
    let mut losses: Vec<_> = (taps.iter())
        .map(|_| RegionLossBuilder::new(targets.style_loss))
        .collect();
    for style in &targets.regions[region].styles {
        let mask = style.mask.as_ref().map(big_mask);
        let summed: Vec<_> = (taps.iter())
            .map(|tap| Summed {
                layer: tap.layer,
                mask: mask.as_ref(),
                needs: targets.style_loss.needs(),
            })
            .collect();
        let size = style.picture.size();
        let mut sums = LayerSums::new(network, &summed, size);
        sums.add_tiles(&style.picture, &cut_up(size));
        for (loss, sums) in losses.iter_mut().zip(sums.of_all(world)) {
            loss.add_sums(&sums, style.share);
            sums.recycle(engine);
        }
    }
    let losses = losses.into_iter();
    losses.map(|loss| loss.finish(None, engine)).collect()
}
