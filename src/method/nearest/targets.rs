//! Each hypercolumn of the picture against a fixed target: the painting's hypercolumn nearest to it at the start.
//!
//! > L = (1/n) Σ (1 − cᵢ),  cᵢ = (tᵢ·xᵢ) / sᵢ,  sᵢ = √(‖xᵢ‖² + ε)
//!
//! over the n positions i of the grid, with the [hypercolumns](Hypercolumns) xᵢ of the picture and targets tᵢ of length 1. The targets are
//! chosen by *centered* cosine distance ([`matching`](super::matching)); the loss itself does not center. The derivative is
//!
//! > dL/dxᵢ = −(1/n)·( tᵢ/sᵢ − cᵢ·xᵢ/sᵢ² )
//!
//! and goes on to the layers through the adjoint of the interpolation. Numerator and ‖xᵢ‖² are sums over the layers, which are read one
//! after the other, on both ways: the hypercolumns of the picture never exist as a whole.
//!
//! Source: Kolkin et al. 2022, section 3.2 and equation 2.

use super::cosine::{Derivative, dot, norm};
use super::hypercolumns::{Hypercolumns, LayerGrid};
use super::masks::{self, Position};
use super::matching::{gather, nearest};
use crate::method::scalar::{elements, elements_mut};
use crate::method::{JointBackward, JointLoss, Products, Scalar};
use ndarray::{Array2, Array3, ArrayView2};
use rayon::prelude::*;

/// The loss of a picture's layers, which are to come close to a painting's, or to those of several.
pub struct NearestLoss<T> {
    /// tᵢ of each layer, n×C. They are 0 where no painting may be chosen from.
    targets: Vec<Array2<T>>,
    grid: (usize, usize),
    /// How many targets are not 0.
    matched: usize,
}

/// A [`NearestLoss`] whose paintings are added one after the other.
///
/// It holds the hypercolumns of all paintings. When it [finishes](Self::finish), those of the picture are there too, and then, in
/// their place, the targets.
pub struct NearestLossBuilder<T> {
    /// What may be chosen in each region: vectors of one painting after the other.
    regions: Vec<Vec<Array2<T>>>,
}

impl<T: Scalar> NearestLossBuilder<T> {
    /// A loss without paintings for a picture with this many regions.
    pub fn new(regions: usize) -> Self {
        Self {
            regions: vec![Vec::new(); regions],
        }
    }

    /// Adds a painting to those that a region may choose from. All vectors of all of them are candidates alike: a painting cannot have
    /// a share. A painting turned by 90° is another painting.
    ///
    /// Of a painting with a mask (of any size) only positions with a weight above ½ may be chosen, or the heaviest if none is; if
    /// all weights are 0, none.
    ///
    /// # Panics
    /// If there is no such region.
    pub fn add_painting(
        &mut self,
        region: usize,
        painting: Hypercolumns<T>,
        mask: Option<&Array2<T>>,
    ) {
        let Hypercolumns { vectors, grid, .. } = painting;
        let vectors = match mask {
            None => vectors,
            Some(_) => rows_of(&vectors, &numbers(&masks::visible(mask, grid), grid)),
        };
        if vectors.nrows() > 0 {
            self.regions[region].push(vectors);
        }
    }

    /// The loss whose targets are nearest to the hypercolumns of this `picture`. Each region has a mask (of any size), or `None` if it
    /// counts 1 everywhere. Each position belongs to the region with the largest weight, and is matched with that region's paintings
    /// only. Positions of regions that have no painting do not count.
    ///
    /// # Panics
    /// If there are not as many masks as regions, or the paintings have other layers than the picture.
    pub fn finish(
        self,
        picture: Hypercolumns<T>,
        masks: &[Option<Array2<T>>],
        products: &dyn Products<T>,
    ) -> NearestLoss<T> {
        let Hypercolumns {
            vectors,
            grid,
            channels,
        } = picture;
        assert_eq!(masks.len(), self.regions.len(), "a mask for each region");
        let mut positions = vec![Vec::new(); masks.len()];
        for (number, at) in masks::all(grid).enumerate() {
            positions[masks::region(masks, at, grid)].push(number);
        }
        let mut matches: Vec<Option<&[T]>> = vec![None; vectors.nrows()];
        for (paintings, positions) in self.regions.iter().zip(&positions) {
            let paintings: Vec<ArrayView2<T>> = paintings.iter().map(|p| p.view()).collect();
            if paintings.is_empty() || positions.is_empty() {
                continue;
            }
            let found = if positions.len() == vectors.nrows() {
                nearest(vectors.view(), &paintings, products)
            } else {
                nearest(rows_of(&vectors, positions).view(), &paintings, products)
            };
            for (&position, row) in positions.iter().zip(found) {
                matches[position] = Some(nth_row(&paintings, row));
            }
        }
        // From here on the targets take the place of the picture.
        drop(vectors);
        NearestLoss {
            targets: targets(&matches, &channels),
            grid,
            matched: matches.iter().flatten().count(),
        }
    }
}

/// The numbers of positions of a grid.
fn numbers(positions: &[Position], (_, width): (usize, usize)) -> Vec<usize> {
    positions.iter().map(|(i, j)| i * width + j).collect()
}

fn rows_of<T: Scalar>(vectors: &Array2<T>, rows: &[usize]) -> Array2<T> {
    let elements = vectors.as_slice().expect("they are in standard layout");
    gather(elements, vectors.ncols(), rows)
}

/// The row with this number, counted through all matrices.
fn nth_row<'a, T>(matrices: &[ArrayView2<'a, T>], mut row: usize) -> &'a [T] {
    for matrix in matrices {
        if row < matrix.nrows() {
            let elements = matrix.to_slice().expect("they are in standard layout");
            return &elements[row * matrix.ncols()..][..matrix.ncols()];
        }
        row -= matrix.nrows();
    }
    unreachable!("a match is the number of a row")
}

/// The matched vectors at length 1, layer by layer.
fn targets<T: Scalar>(matches: &[Option<&[T]>], channels: &[usize]) -> Vec<Array2<T>> {
    let scales: Vec<T> = (matches.par_iter())
        .map(|vector| vector.map_or(T::zero(), |t| T::of(1.0 / norm(dot(t, t)))))
        .collect();
    let mut first = 0;
    let layer = |&channels: &usize| {
        let mut target = Array2::zeros((matches.len(), channels));
        let rows = target.as_slice_mut().expect("it is in standard layout");
        (rows.par_chunks_mut(channels.max(1)))
            .zip(matches.par_iter().zip(&scales))
            .for_each(|(target, (vector, &scale))| {
                if let Some(vector) = vector {
                    let pairs = target.iter_mut().zip(&vector[first..]);
                    pairs.for_each(|(t, &x)| *t = scale * x);
                }
            });
        first += channels;
        target
    };
    channels.iter().map(layer).collect()
}

impl<T: Scalar> NearestLoss<T> {
    /// Adds a layer's part of t·x and ‖x‖² to those of each position.
    fn add_layer(&self, k: usize, f: &Array3<T>, sums: &mut [(f64, f64)]) {
        let (width, channels) = (self.grid.1, f.dim().2);
        let target = self.target(k, channels);
        let layer = LayerGrid::new(f, self.grid);
        let f = elements(f);
        (sums.par_chunks_mut(width))
            .zip(target.par_chunks(width * channels))
            .enumerate()
            .for_each_init(
                || vec![T::zero(); channels],
                |x, (i, (sums, target))| {
                    let targets = target.chunks_exact(channels);
                    for (j, ((along, square), target)) in sums.iter_mut().zip(targets).enumerate() {
                        layer.write(f, (i, j), x);
                        *along += dot(target, x);
                        *square += dot(x, x);
                    }
                },
            );
    }

    fn target(&self, k: usize, channels: usize) -> &[T] {
        let target = &self.targets[k];
        assert_eq!(
            target.ncols(),
            channels,
            "a layer has its target's channels"
        );
        target.as_slice().expect("it is in standard layout")
    }
}

impl<T: Scalar> JointLoss<T> for NearestLoss<T> {
    fn forward<'a>(
        &'a self,
        arrays: &[&Array3<T>],
        _: u64,
        _: &dyn Products<T>,
    ) -> (f64, Box<dyn JointBackward<T> + 'a>) {
        assert_eq!(arrays.len(), self.targets.len(), "an array for each layer");
        let mut sums = vec![(0.0, 0.0); self.grid.0 * self.grid.1];
        for (k, f) in arrays.iter().enumerate() {
            self.add_layer(k, f, &mut sums);
        }
        let angles: Vec<_> = sums
            .into_iter()
            .map(|(along, square)| (along / norm(square), norm(square)))
            .collect();
        let cosines: f64 = angles.iter().map(|(cosine, _)| cosine).sum();
        let count = self.matched.max(1) as f64;
        let value = (self.matched as f64 - cosines) / count;
        (value, Box::new(Way { loss: self, angles }))
    }
}

/// The way back.
struct Way<'a, T> {
    loss: &'a NearestLoss<T>,
    /// c and s of each position.
    angles: Vec<(f64, f64)>,
}

impl<T: Scalar> JointBackward<T> for Way<'_, T> {
    fn add_gradient(
        &self,
        k: usize,
        f: &Array3<T>,
        weight: f64,
        df: &mut Array3<T>,
        _: &dyn Products<T>,
    ) {
        assert_eq!(f.dim(), df.dim(), "a gradient has the shape of its array");
        let channels = f.dim().2;
        let target = self.loss.target(k, channels);
        let scale = -weight / self.loss.matched.max(1) as f64;
        let width = self.loss.grid.1;
        let derivatives: Vec<Derivative<T>> = (self.angles.iter())
            .map(|&(cosine, norm)| Derivative::new(cosine, norm, scale))
            .collect();
        let gradient = |i: usize, j: usize, x: &mut [T]| {
            let at = i * width + j;
            let target = &target[at * channels..][..channels];
            let derivative = &derivatives[at];
            let pairs = x.iter_mut().zip(target);
            pairs.for_each(|(x, &t)| *x = derivative.of(t, *x));
        };
        LayerGrid::new(f, self.loss.grid).add_adjoint(elements(f), elements_mut(df), gradient);
    }
}
