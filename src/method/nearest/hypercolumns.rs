//! Hypercolumns: the activations of several layers at one position, side by side.
//!
//! Layer k with Cₖ channels is interpolated bilinearly to a grid of a quarter of the picture's height and width, and divided by Cₖ, so
//! that a layer does not count for more because it has more channels:
//!
//! > x = (y₀/C₀, y₁/C₁, …),  yₖ = the [interpolated](crate::method::bilinear) Fₖ
//!
//! Source: Hariharan, Arbeláez, Girshick and Malik 2015, Hypercolumns for Object Segmentation and Fine-grained Localization. The
//! division is that of the program of Kolkin et al. 2022. It interpolates so that the corners of all layers fall together; here their
//! edges do, so that a position means the same place at each layer.
//!
//! Hypercolumns of a whole picture are as large as the activations of a network. They are therefore read layer by layer, so that not
//! all activations need to exist at a time, and a layer is stored at its own size or the grid's, whichever is smaller ([`LayerSamples`]).

use super::masks::Position;
use super::matching::{Columns, Rows};
use crate::method::Scalar;
use crate::method::bilinear::{Neighbors, axis};
use crate::method::scalar::{elements, elements_mut, zip_in_place};
use crate::parallel::{for_each, for_each_with};
use ndarray::{Array2, Array3};

/// Rows of a layer that one parallel task computes the gradient of. A row of the grid contributes to two rows of the layer, which are
/// mostly in the same block.
const BLOCK: usize = 8;

/// A quarter of a picture's height and width, at least 1.
pub fn quarter((height, width): (usize, usize)) -> (usize, usize) {
    ((height / 4).max(1), (width / 4).max(1))
}

/// The hypercolumns of a picture.
#[derive(Clone, Debug)]
pub struct Hypercolumns<T> {
    pub(super) layers: Vec<LayerSamples<T>>,
    /// h and w.
    pub(super) grid: (usize, usize),
}

impl<T: Scalar> Hypercolumns<T> {
    /// Hypercolumns yet without a layer at this many rows and columns: a [`quarter`] of the picture's.
    pub fn empty(grid: (usize, usize)) -> Self {
        Self {
            layers: Vec::new(),
            grid,
        }
    }

    /// The hypercolumns of `arrays`, one for each layer. See [`push`](Self::push).
    pub fn new(arrays: &[&Array3<T>], grid: (usize, usize)) -> Self {
        let mut hypercolumns = Self::empty(grid);
        arrays.iter().for_each(|f| hypercolumns.push(f));
        hypercolumns
    }

    /// Adds a layer (H×W×C, of any size). It may be forgotten before the next is computed.
    ///
    /// # Panics
    /// If a length is 0.
    pub fn push(&mut self, f: &Array3<T>) {
        self.layers.push(LayerSamples::new(f, self.grid));
    }

    /// The part of the hypercolumns that is of layer number `k`, one in each row, h·w × C, row by row of the grid.
    ///
    /// # Panics
    /// If there are fewer layers.
    pub fn layer(&self, k: usize) -> Array2<T> {
        let layer = &self.layers[k];
        let mut parts = Array2::zeros((self.grid.0 * self.grid.1, layer.columns()));
        for (number, mut part) in parts.rows_mut().into_iter().enumerate() {
            layer.write(number, part.as_slice_mut().expect("rows are contiguous"));
        }
        parts
    }

    /// Rows and columns of the grid.
    pub fn grid(&self) -> (usize, usize) {
        self.grid
    }

    /// Those at some positions of the grid.
    pub(super) fn rows(&self, positions: &[Position]) -> Rows<'_, T> {
        let width = self.grid.1;
        Rows {
            parts: (self.layers.iter().map(|layer| layer as &dyn Columns<T>)).collect(),
            numbers: positions.iter().map(|(i, j)| i * width + j).collect(),
        }
    }
}

/// What the hypercolumns of a grid need of a layer: the layer interpolated to the grid, or the layer itself if that is smaller.
#[derive(Clone, Debug)]
pub(super) struct LayerSamples<T> {
    samples: Array3<T>,
    /// H×W×C of the layer.
    shape: (usize, usize, usize),
    /// From `samples` to the grid.
    grid: LayerGrid<T>,
}

impl<T: Scalar> LayerSamples<T> {
    /// Those of `f` (H×W×C).
    ///
    /// # Panics
    /// If a length is 0.
    pub fn new(f: &Array3<T>, grid: (usize, usize)) -> Self {
        let (height, width, channels) = f.dim();
        let larger = height * width > grid.0 * grid.1;
        let (h, w) = if larger { grid } else { (height, width) };
        let mut samples = Self {
            samples: Array3::zeros((h, w, channels)),
            shape: f.dim(),
            grid: LayerGrid::new((h, w, channels), grid, 1.0 / channels as f64),
        };
        samples.read(f);
        samples
    }

    /// Replaces them by those of `f`, which has the shape of the one before.
    ///
    /// # Panics
    /// If it has another shape.
    pub fn read(&mut self, f: &Array3<T>) {
        assert_eq!(f.dim(), self.shape, "a layer keeps its shape");
        if f.dim() == self.samples.dim() {
            zip_in_place(&mut self.samples, f, |_, f| f);
            return;
        }
        let (h, w, channels) = self.samples.dim();
        let layer = LayerGrid::new(f.dim(), (h, w), 1.0);
        let rows = elements_mut(&mut self.samples).chunks_mut(w * channels);
        for_each(rows.enumerate(), |(i, row)| {
            for (j, sample) in row.chunks_exact_mut(channels).enumerate() {
                layer.write(elements(f), (i, j), sample);
            }
        });
    }
}

/// The layer's part of the hypercolumns, row by row of the grid.
impl<T: Scalar> Columns<T> for LayerSamples<T> {
    fn columns(&self) -> usize {
        self.grid.channels
    }

    fn write(&self, number: usize, part: &mut [T]) {
        let width = self.grid.columns.len();
        let at = (number / width, number % width);
        self.grid.write(elements(&self.samples), at, part);
    }
}

/// What a row of the grid contributes to a block of rows.
#[derive(Clone)]
struct Contribution<T> {
    from: usize,
    /// Rows of the block, with their shares.
    to: Vec<(usize, T)>,
}

/// How a layer is interpolated to a grid.
#[derive(Clone, Debug)]
pub(super) struct LayerGrid<T> {
    /// H and W of the layer.
    size: (usize, usize),
    channels: usize,
    /// What the interpolated layer is multiplied with.
    scale: T,
    rows: Vec<Neighbors<T>>,
    columns: Vec<Neighbors<T>>,
}

impl<T: Scalar> LayerGrid<T> {
    /// For activations of this shape on a `grid`, multiplied by `scale`.
    pub fn new(
        (height, width, channels): (usize, usize, usize),
        grid: (usize, usize),
        scale: f64,
    ) -> Self {
        Self {
            size: (height, width),
            channels,
            scale: T::of(scale),
            rows: axis(height, grid.0),
            columns: axis(width, grid.1),
        }
    }

    /// Writes what the layer `f` is (C) at a position of the grid.
    #[inline]
    pub fn write(&self, f: &[T], (i, j): (usize, usize), part: &mut [T]) {
        let (row, column) = (self.rows[i], self.columns[j]);
        let at = |p: usize, q: usize| &f[(p * self.size.1 + q) * self.channels..][..self.channels];
        let first = at(row.first, column.first);
        if row.share == T::zero() && column.share == T::zero() {
            for (y, &x) in part.iter_mut().zip(first) {
                *y = self.scale * x;
            }
            return;
        }
        let [(_, a0), (_, a1)] = row.shares();
        let [(_, b0), (_, b1)] = column.shares().map(|(q, b)| (q, self.scale * b));
        let pairs = first.iter().zip(at(row.first, column.second));
        let below = at(row.second, column.first).iter();
        let below = below.zip(at(row.second, column.second));
        for (y, ((&x00, &x01), (&x10, &x11))) in part.iter_mut().zip(pairs.zip(below)) {
            *y = a0 * b0 * x00 + a0 * b1 * x01 + (a1 * b0 * x10 + a1 * b1 * x11);
        }
    }

    /// The adjoint of [`write`](Self::write): adds to `df` (H×W×C) the gradient that comes back from the grid. `gradient(number, part)`
    /// writes the loss's derivative with respect to what was written at position `number` of the grid, counted row by row.
    pub fn add_adjoint(&self, df: &mut [T], gradient: impl Fn(usize, &mut [T]) + Sync) {
        let (height, width) = self.size;
        let row_length = width * self.channels;
        let mut blocks: Vec<Vec<Contribution<T>>> = vec![Vec::new(); height.div_ceil(BLOCK)];
        for (i, row) in self.rows.iter().enumerate() {
            for (p, a) in row.shares().into_iter().filter(|&(_, a)| a > T::zero()) {
                let block = &mut blocks[p / BLOCK];
                match block.last_mut() {
                    Some(last) if last.from == i => last.to.push((p % BLOCK, a)),
                    _ => block.push(Contribution {
                        from: i,
                        to: vec![(p % BLOCK, a)],
                    }),
                }
            }
        }
        let blocks = df.chunks_mut(BLOCK * row_length).zip(blocks);
        let parts = || vec![T::zero(); self.columns.len() * self.channels];
        for_each_with(blocks, parts, |parts, (df, contributions)| {
            for Contribution { from: i, to } in contributions {
                for (j, part) in parts.chunks_exact_mut(self.channels).enumerate() {
                    gradient(i * self.columns.len() + j, part);
                }
                for (p, a) in to {
                    self.add_row(parts, a, &mut df[p * row_length..][..row_length]);
                }
            }
        });
    }

    /// Adds `share` times a row of the grid's gradient to the row of `df` that it was interpolated from.
    fn add_row(&self, gradient: &[T], share: T, df: &mut [T]) {
        let parts = gradient.chunks_exact(self.channels);
        for (part, column) in parts.zip(&self.columns) {
            for (q, b) in column.shares().into_iter().filter(|&(_, b)| b > T::zero()) {
                let factor = self.scale * share * b;
                let df = &mut df[q * self.channels..][..self.channels];
                let pairs = df.iter_mut().zip(part);
                pairs.for_each(|(df, &g)| *df += factor * g);
            }
        }
    }
}
