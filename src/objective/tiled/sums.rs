//! The first pass: sums over the positions of layers, added up over the tiles of a picture or of a painting, and over the processes.

use super::super::at_layer;
use super::parts::{cut, own_part, part_read};
use super::tiling::{Tile, Tiling};
use crate::method::big_array::Band;
use crate::method::style::{Features, Needs, Positions, Second, Sums};
use crate::method::{BigArray, Communicator, Scalar};
use crate::network::Network;
use ndarray::{Array2, Array3, Axis};

/// What is summed: the positions of a layer.
pub(super) struct Summed<'a, T: Scalar> {
    pub layer: usize,
    /// How much each pixel of the picture counts, H×W×1; without a mask all count alike.
    pub mask: Option<&'a Band<'a, T>>,
    /// What the loss needs of them.
    pub needs: Needs,
}

/// Sums over the positions of layers, while they are added up.
pub(super) struct LayerSums<'a, T: Scalar> {
    network: &'a Network<T>,
    summed: &'a [Summed<'a, T>],
    sums: Vec<Sums<T>>,
}

impl<'a, T: Scalar> LayerSums<'a, T> {
    /// Of no position, for pictures of this `size` (H×W).
    pub fn new(
        network: &'a Network<T>,
        summed: &'a [Summed<'a, T>],
        (height, width): (usize, usize),
    ) -> Self {
        let zero = |of: &Summed<T>| {
            let edge = |edge: usize| edge.div_ceil(1 << network.poolings(of.layer));
            let shape = (edge(height), edge(width), network.channels(of.layer));
            Sums::zero(shape, of.needs, network.engine())
        };
        Self {
            network,
            summed,
            sums: summed.iter().map(zero).collect(),
        }
    }

    /// Adds the positions that the tile owns of a layer, of which `f` (H×W×C) are all that it computed.
    pub fn add(&mut self, layer: usize, f: &Array3<T>, tile: Tile) {
        let engine = self.network.engine();
        let poolings = self.network.poolings(layer);
        let own = tile.own(poolings);
        let (rows, columns) = tile.place(poolings);
        let f = own_part(f, &own, engine);
        for (of, sums) in self.summed.iter().zip(&mut self.sums) {
            if of.layer == layer {
                let mask = mask_at(of.mask, layer, tile, self.network);
                let mask = mask.map(|mask| cut(&mask, &own));
                let features = Features::new(&f, mask.as_ref());
                let of_tile = Sums::of(features, sums.needs_of_parts(), engine);
                sums.add(&of_tile, (rows.start, columns.start));
                of_tile.recycle(engine);
            }
        }
        engine.recycle_copy(f);
    }

    /// Adds the positions of all these tiles of a picture.
    pub fn add_tiles(&mut self, picture: &Band<T>, tiling: &Tiling) {
        if self.summed.is_empty() {
            return;
        }
        let network = self.network;
        let steps = network.steps(self.summed.iter().map(|of| of.layer));
        for tile in tiling.tiles() {
            network.visit(&steps, &part_read(picture, tile), |layer, f| {
                self.add(layer, f, tile);
            });
        }
    }

    /// The sums over the positions of all processes.
    pub fn of_all(mut self, world: &dyn Communicator) -> Vec<Sums<T>> {
        if world.ranks() == 1 {
            return self.sums;
        }
        let mut weights = Vec::new();
        let mut seconds = Vec::new();
        for sums in &self.sums {
            weights.push(sums.weight);
            weights.extend(sums.first.iter().flatten());
            match &sums.second {
                Second::Sum(sum) => seconds.extend(upper_triangle(sum.nrows()).map(|at| sum[at])),
                // The positions of other processes are zero here, so that the sum puts all together.
                Second::Positions(Positions {
                    scaled,
                    root_weights,
                }) => seconds.extend(scaled.iter().chain(root_weights)),
            }
        }
        world.sum(&mut weights);
        world.sum(&mut seconds);
        let (mut weights, mut seconds) = (weights.into_iter(), seconds.into_iter());
        let mut next = || weights.next().expect("as many as were sent");
        for sums in &mut self.sums {
            sums.weight = next();
            sums.first.iter_mut().flatten().for_each(|s| *s = next());
            let mut next_second = || seconds.next().expect("as many as were sent");
            match &mut sums.second {
                Second::Sum(sum) => {
                    for (i, j) in upper_triangle(sum.nrows()) {
                        let product = next_second();
                        sum[(i, j)] = product;
                        sum[(j, i)] = product;
                    }
                }
                Second::Positions(Positions {
                    scaled,
                    root_weights,
                }) => {
                    let all = scaled.iter_mut().chain(root_weights);
                    all.for_each(|number| *number = next_second());
                }
            }
        }
        self.sums
    }
}

/// The rows and columns of the elements that say all of a symmetric matrix.
fn upper_triangle(size: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..size).flat_map(move |i| (i..size).map(move |j| (i, j)))
}

/// A mask at a layer, of the positions that the tile reads.
pub(super) fn mask_at<T: Scalar>(
    mask: Option<&Band<T>>,
    layer: usize,
    tile: Tile,
    network: &Network<T>,
) -> Option<Array2<T>> {
    let mask = part_read(mask?, tile).remove_axis(Axis(2));
    Some(at_layer(network, &mask, layer))
}

/// A mask (H×W) as an array H×W×1.
pub(super) fn big_mask<T: Scalar>(mask: &Array2<T>) -> Band<'static, T> {
    BigArray::from(mask.clone().insert_axis(Axis(2))).into()
}
