//! The first pass: sums over the positions of layers, added up over the tiles of a picture or of a painting.

use super::super::at_layer;
use super::parts::{cut, own_part, part_read};
use super::tiling::{Tile, Tiling};
use crate::method::style::{Features, Sums};
use crate::method::{BigArray, Scalar};
use crate::network::Network;
use ndarray::{Array2, Axis};

/// What is summed: the positions of a layer.
pub(super) struct Summed<'a, T: Scalar> {
    pub layer: usize,
    /// How much each pixel of the picture counts, H×W×1; without a mask all count alike.
    pub mask: Option<&'a BigArray<T>>,
    /// Whether the sum of the positions is needed, besides that of their products.
    pub with_first: bool,
}

/// The sums of each of these over a `picture` (H×W×3), tile by tile.
pub(super) fn sums<T: Scalar>(
    network: &Network<T>,
    picture: &BigArray<T>,
    tiling: &Tiling,
    summed: &[Summed<T>],
) -> Vec<Sums<T>> {
    let engine = network.engine();
    let mut sums: Vec<Sums<T>> = (summed.iter())
        .map(|of| Sums::zero(network.channels(of.layer), of.with_first, engine))
        .collect();
    if summed.is_empty() {
        return sums;
    }
    let steps = network.steps(summed.iter().map(|of| of.layer));
    for tile in tiling.tiles() {
        network.visit(&steps, &part_read(picture, tile), |layer, f| {
            let own = tile.own(network.poolings(layer));
            let f = own_part(f, &own, engine);
            for (of, sums) in summed.iter().zip(&mut sums) {
                if of.layer == layer {
                    let mask = mask_at(of.mask, layer, tile, network);
                    let mask = mask.map(|mask| cut(&mask, &own));
                    let features = Features::new(&f, mask.as_ref());
                    let of_tile = Sums::of(features, of.with_first, engine);
                    sums.add(&of_tile);
                    engine.recycle_matrix(of_tile.second);
                }
            }
            engine.recycle_copy(f);
        });
    }
    sums
}

/// A mask at a layer, of the positions that the tile reads.
pub(super) fn mask_at<T: Scalar>(
    mask: Option<&BigArray<T>>,
    layer: usize,
    tile: Tile,
    network: &Network<T>,
) -> Option<Array2<T>> {
    let mask = part_read(mask?, tile).remove_axis(Axis(2));
    Some(at_layer(network, &mask, layer))
}

/// A mask (H×W) as an array H×W×1.
pub(super) fn big_mask<T: Scalar>(mask: &Array2<T>) -> BigArray<T> {
    mask.clone().insert_axis(Axis(2)).into()
}
