//! Each hypercolumn of the picture against a fixed target: the painting's hypercolumn nearest to it at the start.
//!
//! > L = (1/n) Σ (1 − cᵢ),  cᵢ = (tᵢ·xᵢ) / sᵢ,  sᵢ = √(‖xᵢ‖² + ε)
//!
//! over the n positions i of the grid, with the [hypercolumns](Hypercolumns) xᵢ of the picture and targets tᵢ of length 1, rounded to
//! [fewer bits](Scalar::Short). The targets are chosen by *centered* cosine distance ([`matching`](super::matching)); the loss itself
//! does not center. The derivative is
//!
//! > dL/dxᵢ = −(1/n)·( tᵢ/sᵢ − cᵢ·xᵢ/sᵢ² )
//!
//! and goes on to the layers through the adjoint of the interpolation. Numerator and ‖xᵢ‖² are sums over the layers, which are read one
//! after the other. For the way back only the [samples](super::hypercolumns) of each layer are kept, which take less memory than the layer.
//!
//! Source: Kolkin et al. 2022, section 3.2 and equation 2.

use super::cosine::{Derivative, dot, norm};
use super::hypercolumns::{Hypercolumns, LayerGrid, LayerSamples};
use super::masks::{self, Position};
use super::matching::{Columns, Mean, Rows, Search};
use crate::method::scalar::elements_mut;
use crate::method::{JointBackward, JointForward, JointLoss, Products, Scalar};
use crate::parallel::{for_each_with, map_with};
use ndarray::{Array2, Array3};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The loss of a picture's layers, which are to come close to a painting's, or to those of several.
pub struct NearestLoss<T: Scalar> {
    /// tᵢ of each layer, n×C. They are 0 where no painting may be chosen from.
    targets: Vec<Array2<T::Short>>,
    grid: (usize, usize),
    /// How many targets are not 0.
    matched: usize,
    /// The layers of the picture of the last iteration. The next iteration uses their memory.
    samples: Mutex<Vec<LayerSamples<T>>>,
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
        let columns: Vec<_> = picture.layers.iter().map(LayerSamples::columns).collect();
        // From here on the targets take the place of the picture.
        drop(picture);
        let empty = |columns| Array2::from_elem((grid.0 * grid.1, columns), T::zero().to_short());
        let mut loss = Self {
            targets: columns.into_iter().map(empty).collect(),
            grid,
            matched: 0,
            samples: Mutex::default(),
        };
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
        let vector = || vec![T::zero(); painting.columns()];
        let scales = map_with(chosen, vector, |t, &(_, row)| {
            painting.write(row, t);
            T::of(1.0 / norm(dot(t, t)))
        });
        let mut of_position = vec![None; self.grid.0 * self.grid.1];
        for (&((i, j), row), scale) in chosen.iter().zip(scales) {
            of_position[i * self.grid.1 + j] = Some((row, scale));
        }
        self.matched += chosen.len();
        for (target, part) in self.targets.iter_mut().zip(&painting.parts) {
            let channels = part.columns();
            let rows = target.as_slice_mut().expect("it is in standard layout");
            let rows = rows.chunks_mut(channels).zip(&of_position);
            let vector = || vec![T::zero(); channels];
            for_each_with(rows, vector, |x, (target, chosen)| {
                if let &Some((row, scale)) = chosen {
                    part.write(row, x);
                    let pairs = target.iter_mut().zip(x);
                    pairs.for_each(|(t, x)| *t = (scale * *x).to_short());
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
    fn add_layer(&self, k: usize, layer: &LayerSamples<T>, sums: &mut [(f64, f64)]) {
        let (width, channels) = (self.grid.1, layer.columns());
        let target = self.target(k, channels);
        let rows = sums.chunks_mut(width).zip(target.chunks(width * channels));
        let vectors = || [(); 2].map(|()| vec![T::zero(); channels]);
        for_each_with(rows.enumerate(), vectors, |[x, t], (i, (sums, target))| {
            let targets = target.chunks_exact(channels);
            for (j, ((along, square), target)) in sums.iter_mut().zip(targets).enumerate() {
                layer.write(i * width + j, x);
                let pairs = t.iter_mut().zip(target);
                pairs.for_each(|(t, &short)| *t = T::from_short(short));
                *along += dot(t, x);
                *square += dot(x, x);
            }
        });
    }

    fn last_samples(&self) -> MutexGuard<'_, Vec<LayerSamples<T>>> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn target(&self, k: usize, channels: usize) -> &[T::Short] {
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
    fn begin<'a>(
        &'a self,
        _: (usize, usize),
        _: u64,
        _: &'a dyn Products<T>,
    ) -> Box<dyn JointForward<'a, T> + 'a> {
        Box::new(Forward {
            sums: vec![(0.0, 0.0); self.grid.0 * self.grid.1],
            read: 0,
            layers: Layers {
                samples: std::mem::take(&mut self.last_samples()),
                loss: self,
            },
        })
    }
}

/// The forward pass so far.
struct Forward<'a, T: Scalar> {
    layers: Layers<'a, T>,
    /// t·x and ‖x‖² of each position.
    sums: Vec<(f64, f64)>,
    /// How many layers were read.
    read: usize,
}

/// The layers that were read, and behind them those of the last iteration. The loss gets their memory back.
struct Layers<'a, T: Scalar> {
    samples: Vec<LayerSamples<T>>,
    loss: &'a NearestLoss<T>,
}

impl<T: Scalar> Drop for Layers<'_, T> {
    fn drop(&mut self) {
        *self.loss.last_samples() = std::mem::take(&mut self.samples);
    }
}

impl<'a, T: Scalar> JointForward<'a, T> for Forward<'a, T> {
    fn read(&mut self, k: usize, f: &Array3<T>) {
        let Layers { samples, loss } = &mut self.layers;
        match samples.get_mut(k) {
            Some(samples) => samples.read(f),
            None => samples.push(LayerSamples::new(f, loss.grid)),
        }
        loss.add_layer(k, &samples[k], &mut self.sums);
        self.read += 1;
    }

    fn finish(self: Box<Self>) -> (f64, Box<dyn JointBackward<T> + 'a>) {
        let Self { layers, sums, read } = *self;
        let loss = layers.loss;
        assert_eq!(read, loss.targets.len(), "every layer is read");
        let angles: Vec<_> = sums
            .into_iter()
            .map(|(along, square)| (along / norm(square), norm(square)))
            .collect();
        let cosines: f64 = angles.iter().map(|(cosine, _)| cosine).sum();
        let count = loss.matched.max(1) as f64;
        let value = (loss.matched as f64 - cosines) / count;
        (value, Box::new(Way { layers, angles }))
    }
}

/// The way back.
struct Way<'a, T: Scalar> {
    layers: Layers<'a, T>,
    /// c and s of each position.
    angles: Vec<(f64, f64)>,
}

impl<T: Scalar> JointBackward<T> for Way<'_, T> {
    fn add_gradient(&self, k: usize, weight: f64, df: &mut Array3<T>) {
        let Layers { samples, loss } = &self.layers;
        let channels = df.dim().2;
        let target = loss.target(k, channels);
        let scale = -weight / loss.matched.max(1) as f64;
        let derivatives: Vec<Derivative<T>> = (self.angles.iter())
            .map(|&(cosine, norm)| Derivative::new(cosine, norm, scale))
            .collect();
        let layer = &samples[k];
        let gradient = |number: usize, x: &mut [T]| {
            layer.write(number, x);
            let target = &target[number * channels..][..channels];
            let derivative = &derivatives[number];
            let pairs = x.iter_mut().zip(target);
            pairs.for_each(|(x, &t)| *x = derivative.of(T::from_short(t), *x));
        };
        let to_layer = LayerGrid::new(df.dim(), loss.grid, 1.0 / channels as f64);
        to_layer.add_adjoint(elements_mut(df), gradient);
    }
}
