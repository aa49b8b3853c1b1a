//! The losses at the positions that a tile owns, as the walk back meets them.

use super::parts::{clear_outside, part_at};
use super::sums::mask_at;
use super::tiling::Tile;
use super::{ContentTerm, TiledObjective};
use crate::method::Scalar;
use crate::method::content::add_gradient_of_part;
use crate::method::style::{Features, SumsGradient};
use crate::network::{LayerLosses, Network};
use ndarray::{Array2, Array3, s};

/// The losses at the positions that a tile owns, on the way back.
pub(super) struct TileLosses<'a, T: Scalar> {
    pub objective: &'a TiledObjective<T>,
    pub network: &'a Network<T>,
    pub tile: Tile<'a>,
    pub style_gradients: &'a [Option<SumsGradient<T>>],
    /// Added up over the tiles, each multiplied by its weight.
    pub content_values: &'a mut [f64],
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
                let mask = objective.masks[term.region].as_ref();
                let mask = mask_at(mask, layer, tile, network);
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
                let (height, width) = term.target.size();
                let size = height * width * f.dim().2;
                let own = s![own.0.clone(), own.1.clone(), ..];
                let weight = term.tap.weight;
                let target = part_at(&term.target, &place);
                let (f, df) = (f.slice(own), df.slice_mut(own));
                *value += weight * add_gradient_of_part(f, target.view(), size, weight, df);
            }
        }
        let mut styles = self.styles(layer).peekable();
        if styles.peek().is_some() {
            let mut gradient = engine.array(df.dim());
            gradient.fill(T::zero());
            for (weight, of_sums, mask) in styles {
                let features = Features::new(f, mask.as_ref());
                let of_tile = of_sums.of_part(f.dim(), &own, &place);
                of_tile.add_to(features, weight, &mut gradient, engine);
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
        let poolings = self.network.poolings(layer);
        let own = self.tile.own(poolings);
        let gradient = gradient.of_part(f.dim(), &own, &self.tile.place(poolings));
        gradient.replace(f, mask.as_ref(), weight, self.network.engine());
        clear_outside(f, &own);
        true
    }
}
