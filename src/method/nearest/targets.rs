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
use super::matching::{Mean, Rows, Search};
use crate::method::scalar::{elements, elements_mut};
use crate::method::{JointBackward, JointLoss, Products, Scalar};
use ndarray::{Array2, Array3};
use rayon::prelude::*;

/// The loss of a picture's layers, which are to come close to a painting's, or to those of several.
pub struct NearestLoss<T> {
    /// tᵢ of each layer, n×C. They are 0 where no painting may be chosen from.
    targets: Vec<Array2<T>>,
    grid: (usize, usize),
    /// How many targets are not 0.
    matched: usize,
}

/// A painting that a region of the picture may choose from. A painting turned by 90° is another painting.
pub struct Candidates<'a, T> {
    /// The number of the region.
    pub region: usize,
    /// How much each position of the painting counts, H×W of any size. Only those with a weight above ½ may be chosen, or the
    /// heaviest if none is; if all weights are 0, none. Without a mask all may.
    pub mask: Option<Array2<T>>,
    /// Makes the painting's hypercolumns, the same each time.
    pub hypercolumns: Box<dyn Fn() -> Hypercolumns<T> + 'a>,
}

impl<T: Scalar> NearestLoss<T> {
    /// The loss whose targets are nearest to the hypercolumns of this `picture`. Each region has a mask (of any size), or `None` if it
    /// counts 1 everywhere. Each position belongs to the region with the largest weight, and is matched with that region's paintings
    /// only. All vectors of all of them are candidates alike: a painting cannot have a share. Positions of regions that have no
    /// painting do not count.
    ///
    /// The hypercolumns of only one painting exist at a time, beside those of the picture and then, in their place, the targets. If
    /// there are several paintings, those of each are made three times: to know the mean, to find the matches, and to take the targets.
    ///
    /// # Panics
    /// If a painting's region has no mask or `None`, or the paintings have other layers than the picture.
    pub fn new(
        picture: Hypercolumns<T>,
        masks: &[Option<Array2<T>>],
        paintings: &[Candidates<T>],
        products: &dyn Products<T>,
    ) -> Self {
        let grid = picture.grid;
        let mut positions = vec![Vec::new(); masks.len()];
        for at in masks::all(grid) {
            positions[masks::region(masks, at, grid)].push(at);
        }
        let mut candidates = CandidateVectors::new(paintings);
        let mut means = vec![Mean::default(); masks.len()];
        for (number, painting) in paintings.iter().enumerate() {
            means[painting.region].add(&candidates.rows(number), products);
        }
        let mut searches: Vec<_> = (positions.iter().zip(means))
            .map(|(positions, mean)| Search::new(picture.rows(positions), mean, products))
            .collect();
        for (number, painting) in paintings.iter().enumerate() {
            searches[painting.region].compare(&candidates.rows(number), products);
        }
        let matches: Vec<_> = searches.into_iter().map(Search::found).collect();
        let empty = |layer: &Array2<T>| Array2::zeros(layer.dim());
        let mut loss = Self {
            targets: picture.layers.iter().map(empty).collect(),
            grid,
            matched: 0,
        };
        // From here on the targets take the place of the picture.
        drop(picture);
        let mut first = vec![0; masks.len()];
        for (number, &Candidates { region, .. }) in paintings.iter().enumerate() {
            let rows = candidates.rows(number);
            let end = first[region] + rows.numbers.len();
            let chosen = |(&at, &row): (&Position, &usize)| {
                let number = row.checked_sub(first[region])?;
                Some((at, *rows.numbers.get(number)?))
            };
            let pairs = positions[region].iter().zip(&matches[region]);
            loss.take_targets(&pairs.filter_map(chosen).collect::<Vec<_>>(), &rows);
            first[region] = end;
        }
        loss
    }

    /// Takes these rows of a painting, at length 1, for the targets at these positions.
    fn take_targets(&mut self, chosen: &[(Position, usize)], painting: &Rows<T>) {
        let scales: Vec<T> = (chosen.par_iter())
            .map_init(
                || vec![T::zero(); painting.columns()],
                |t, &(_, row)| {
                    painting.write(row, t);
                    T::of(1.0 / norm(dot(t, t)))
                },
            )
            .collect();
        let mut of_position = vec![None; self.grid.0 * self.grid.1];
        for (&((i, j), row), scale) in chosen.iter().zip(scales) {
            of_position[i * self.grid.1 + j] = Some((row, scale));
        }
        self.matched += chosen.len();
        for (target, part) in self.targets.iter_mut().zip(&painting.parts) {
            let channels = target.ncols().max(1);
            let rows = target.as_slice_mut().expect("it is in standard layout");
            (rows.par_chunks_mut(channels))
                .zip(&of_position)
                .for_each(|(target, chosen)| {
                    if let &Some((row, scale)) = chosen {
                        let pairs = target.iter_mut().zip(part.row(row));
                        pairs.for_each(|(t, &x)| *t = scale * x);
                    }
                });
        }
    }
}

/// The hypercolumns of the paintings, made when they are asked for. Only those of the last painting asked for are kept.
struct CandidateVectors<'a, T> {
    paintings: &'a [Candidates<'a, T>],
    last: Option<(usize, Hypercolumns<T>)>,
}

impl<'a, T: Scalar> CandidateVectors<'a, T> {
    fn new(paintings: &'a [Candidates<'a, T>]) -> Self {
        Self {
            paintings,
            last: None,
        }
    }

    /// Those of this painting that may be chosen.
    fn rows(&mut self, number: usize) -> Rows<'_, T> {
        let Candidates {
            mask, hypercolumns, ..
        } = &self.paintings[number];
        let last = self.last.take().filter(|(last, _)| *last == number);
        let (_, made) = (self.last).insert(last.unwrap_or_else(|| (number, hypercolumns())));
        made.rows(&masks::visible(mask.as_ref(), made.grid))
    }
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
