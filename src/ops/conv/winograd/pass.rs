//! A layer's way through its tiles: transform the inputs, multiply, transform the products.
//!
//! V, the transformed inputs of some tiles, and M, their products, are 2¼ times as large as the activations that they are made
//! of and from. They never exist for a whole picture, but for a *block* of tiles that fits into the cache.
//!
//! With a small kernel, each thread takes whole blocks, all three steps by itself. A large kernel would have to be fetched from
//! memory for each block: there all threads share one large block, so that it is fetched once, and do one step after the
//! other. Each output is the same chain of sums either way.

use super::tiles::{TransformInputs, TransformProducts};
use super::{PAIRS, TILE, Winograd};
use crate::kernels::gemm::{self, Strided};
use crate::kernels::{Cpu, Kernel, MOST_LANES, Simd};
use crate::ops::conv::Padding;
use crate::ops::relu::{self, Mask};
use crate::ops::workspace::{Phase, Workspace};
use crate::ops::{Scalar, elements_mut, share_out};
use ndarray::Array3;
use rayon::prelude::*;
use std::ops::Range;

/// Elements of V and M that one thread works on, half a MiB of `f32`: what its cache holds beside the kernel.
const OWN: usize = 128 * 1024;
/// Tiles of a thread's block even so, as many as outweigh fetching the kernel; or half, where a row is cut in equal pieces.
const OWN_TILES: usize = 24;
/// Elements of V and M that all threads work on together: 24 MiB of `f32`.
const SHARED: usize = 6 * 1024 * 1024;
/// Output channels, for one pair of points, whose products a thread computes in a row: it finds the inputs in its cache.
const GROUP: usize = 128;
/// Products Cin·Cout from which on threads share a block.
const LARGE: usize = 256 * 512;

/// What a layer is applied to.
pub(super) struct Input<'a, T> {
    /// H×W×Cin. If pooled, ⌈H/2⌉×⌈W/2⌉×Cin: the gradient of averages, of which each position of a cell has an equal share.
    pub x: &'a Array3<T>,
    pub pooled: bool,
    /// Where there is no bit, the input is 0.
    pub mask: Option<&'a Mask>,
    /// What it is beyond the edges.
    pub padding: Padding,
}

impl<T> Input<'_, T> {
    /// H, W and Cin.
    pub fn dim(&self) -> (usize, usize, usize) {
        match self.mask {
            Some(mask) if self.pooled => mask.dim(),
            _ => self.x.dim(),
        }
    }
}

/// A kernel at the 36 pairs of points, each in panels of output channels: Cin × the panel's width.
pub(super) enum Panels<'a, T> {
    /// One after the other.
    Packed(&'a [T]),
    /// To be made from those for the other way.
    Turned(&'a Winograd<T>),
}

/// One layer, one way.
pub(super) struct Pass<'a, T> {
    pub cpu: Cpu,
    pub input: Input<'a, T>,
    /// Channels of the output.
    pub outputs: usize,
    pub kernel: Panels<'a, T>,
    pub bias: Option<&'a [T]>,
    /// Whether the output is averaged over cells of 2×2.
    pub pool: bool,
}

/// Some neighbouring tiles: rows of tiles, and columns.
pub(super) struct Block {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Block {
    fn tiles(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// The tile row and column of each.
    #[inline(always)]
    pub fn positions(&self) -> impl Iterator<Item = (usize, usize)> {
        let columns = self.columns.clone();
        (self.rows.clone()).flat_map(move |i| columns.clone().map(move |j| (i, j)))
    }
}

/// Some whole rows of tiles of the output, and of its mask if it gets one.
pub(super) struct Band<'a, T> {
    /// The rows of tiles.
    rows: Range<usize>,
    pub y: &'a mut [T],
    pub mask: Option<&'a mut [u16]>,
    /// Elements of y in a row of tiles, and words of the mask.
    of_row: (usize, usize),
}

impl<'a, T> Band<'a, T> {
    /// The first row of tiles.
    pub fn first(&self) -> usize {
        self.rows.start
    }

    /// The band in pieces of so many rows of tiles.
    fn split(self, rows: usize) -> Vec<Self> {
        let mut masks = (self.mask).map(|mask| mask.chunks_mut(rows * self.of_row.1));
        let firsts = self.rows.clone().step_by(rows);
        (firsts.zip(self.y.chunks_mut(rows * self.of_row.0)))
            .map(|(first, y)| Band {
                rows: first..self.rows.end.min(first + rows),
                y,
                mask: masks.as_mut().and_then(Iterator::next),
                of_row: self.of_row,
            })
            .collect()
    }
}

impl<T: Scalar> Pass<'_, T> {
    /// The output, H×W×Cout, or ⌈H/2⌉×⌈W/2⌉×Cout if it is pooled; with a mask to be set, cut off below 0 before that.
    pub fn run(&self, mask: Option<&mut Mask>, workspace: &Workspace<T>) -> Array3<T> {
        let (height, width, inputs) = self.input.dim();
        let scale = if self.pool { 2 } else { 1 };
        let shape = (height.div_ceil(scale), width.div_ceil(scale), self.outputs);
        let mut y = workspace.array(shape);
        let (down, across) = (height.div_ceil(TILE), width.div_ceil(TILE));
        let whole = Band {
            rows: 0..down,
            y: elements_mut(&mut y),
            mask: mask.map(Mask::words_mut),
            of_row: (
                TILE / scale * shape.1 * self.outputs,
                TILE * width * relu::words(self.outputs),
            ),
        };
        let of_both = PAIRS * (inputs + self.outputs);
        if inputs * self.outputs >= LARGE {
            let most = (SHARED / of_both / across).clamp(1, down);
            // In equal pieces.
            let rows = down.div_ceil(down.div_ceil(most));
            for band in whole.split(rows) {
                self.together(band, across, workspace);
            }
        } else {
            let most = (OWN / of_both).max(OWN_TILES);
            let rows = (most / across).clamp(1, down);
            // A row of tiles may be longer than a block: then in equal pieces.
            let columns = across.div_ceil(across.div_ceil(most));
            self.apart(whole.split(rows), (rows, columns, across), workspace);
        }
        y
    }

    /// Each thread takes a band of the output after the other, and goes through it in blocks of `rows` × `columns` tiles.
    fn apart(
        &self,
        bands: Vec<Band<T>>,
        (rows, columns, across): (usize, usize, usize),
        workspace: &Workspace<T>,
    ) {
        let most = rows * columns;
        let lengths = [
            most * self.of_tile(),
            PAIRS * self.of_products(most),
            self.of_panel(),
        ];
        share_out(bands, lengths, workspace, |[v, m, panel], mut band| {
            for first in (0..across).step_by(columns) {
                let block = Block {
                    rows: band.rows.clone(),
                    columns: first..across.min(first + columns),
                };
                let tiles = block.tiles();
                let m = &mut m[..PAIRS * self.of_products(tiles)];
                self.transform_inputs(&block, v, workspace);
                workspace.time(Phase::Products, || {
                    for (pair, m) in m.chunks_exact_mut(self.of_products(tiles)).enumerate() {
                        self.multiply((pair, 0..self.panels()), tiles, v, m, panel);
                    }
                });
                self.transform_products(&block, m, 0, &mut band, workspace);
            }
        });
    }

    /// All threads work on one band of the output: on its tiles, then on the products, then on the outputs.
    fn together(&self, band: Band<T>, across: usize, workspace: &Workspace<T>) {
        let (first, tiles) = (band.first(), band.rows.len() * across);
        let mut v = workspace.buffer(tiles * self.of_tile());
        let mut buffer = workspace.buffer(PAIRS * self.of_products(tiles));
        let m = &mut buffer[..PAIRS * self.of_products(tiles)];
        let block = |row| Block {
            rows: first + row..first + row + 1,
            columns: 0..across,
        };
        (v[..tiles * self.of_tile()].par_chunks_exact_mut(across * self.of_tile()))
            .with_max_len(1)
            .enumerate()
            .for_each(|(row, v)| self.transform_inputs(&block(row), v, workspace));
        let group = GROUP / gemm::panel_width::<T>(self.cpu);
        let mut groups = Vec::new();
        for (pair, m) in m.chunks_exact_mut(self.of_products(tiles)).enumerate() {
            let products = m[..self.panels() * self.of_product(tiles)]
                .chunks_mut(group * self.of_product(tiles));
            groups.extend(
                (0..)
                    .step_by(group)
                    .zip(products)
                    .map(|(at, m)| (pair, at, m)),
            );
        }
        share_out(
            groups,
            [self.of_panel()],
            workspace,
            |[panel], (pair, at, m)| {
                let panels = at..at + m.len() / self.of_product(tiles);
                workspace.time(Phase::Products, || {
                    self.multiply((pair, panels), tiles, &v, m, panel);
                });
            },
        );
        (band.split(1).into_par_iter())
            .with_max_len(1)
            .enumerate()
            .for_each(|(row, mut band)| {
                self.transform_products(&block(row), m, row * across, &mut band, workspace);
            });
        workspace.recycle_buffer(v);
        workspace.recycle_buffer(buffer);
    }

    /// Input channels.
    fn inputs(&self) -> usize {
        self.input.x.dim().2
    }

    /// Panels of output channels.
    fn panels(&self) -> usize {
        (self.outputs).div_ceil(gemm::panel_width::<T>(self.cpu))
    }

    /// Elements of a panel of the kernel, for one pair of points.
    fn of_panel(&self) -> usize {
        self.inputs() * gemm::panel_width::<T>(self.cpu)
    }

    /// Elements of V from one pair of points to the next. Were they powers of two apart, they would crowd into a few lines of the
    /// cache.
    fn of_pair(&self) -> usize {
        self.inputs() + MOST_LANES
    }

    /// Elements of V for one tile.
    fn of_tile(&self) -> usize {
        PAIRS * self.of_pair()
    }

    /// Elements of M for one pair of points and panel, for this many tiles.
    fn of_product(&self, tiles: usize) -> usize {
        tiles * gemm::panel_width::<T>(self.cpu)
    }

    /// Elements of M from one pair of points to the next: not powers of two apart either.
    fn of_products(&self, tiles: usize) -> usize {
        self.panels() * self.of_product(tiles) + MOST_LANES
    }

    /// V of a block: for each tile the 36 transformed inputs, Cin each.
    fn transform_inputs(&self, block: &Block, v: &mut [T], workspace: &Workspace<T>) {
        let (of_tile, of_pair) = (self.of_tile(), self.of_pair());
        let kernel = TransformInputs {
            input: &self.input,
            block,
            v,
            of_tile,
            of_pair,
        };
        workspace.time(Phase::InputTransforms, || self.cpu.run(kernel));
    }

    /// A piece of M: for one pair of points and some panels of output channels, the products of so many tiles. There is room
    /// for a panel of the kernel, if it must be made.
    fn multiply(
        &self,
        (pair, panels): (usize, Range<usize>),
        tiles: usize,
        v: &[T],
        products: &mut [T],
        room: &mut [T],
    ) {
        let v = Strided {
            elements: &v[pair * self.of_pair()..],
            row: self.of_tile(),
            depth: 1,
        };
        for (at, product) in panels.zip(products.chunks_exact_mut(self.of_product(tiles))) {
            let kernel = match self.kernel {
                Panels::Packed(panels) => {
                    let at = pair * self.panels() + at;
                    &panels[at * self.of_panel()..][..self.of_panel()]
                }
                Panels::Turned(of) => {
                    of.turn_panel(pair, at, room);
                    &room[..self.of_panel()]
                }
            };
            self.cpu.run(Multiply {
                shape: (tiles, self.inputs()),
                v,
                kernel,
                product,
            });
        }
    }

    /// The outputs of a block, whose tiles are in M from tile `first` on.
    fn transform_products(
        &self,
        block: &Block,
        m: &[T],
        first: usize,
        band: &mut Band<T>,
        workspace: &Workspace<T>,
    ) {
        let (height, width, _) = self.input.dim();
        let of_pair = m.len() / PAIRS;
        let kernel = TransformProducts {
            block,
            m,
            first,
            of_pair,
            of_product: (of_pair - MOST_LANES) / self.panels(),
            shape: (height, width, self.outputs),
            bias: self.bias,
            pool: self.pool,
            band,
        };
        workspace.time(Phase::OutputTransforms, || self.cpu.run(kernel));
    }
}

struct Multiply<'a, T> {
    /// Tiles and input channels.
    shape: (usize, usize),
    v: Strided<'a, T>,
    kernel: &'a [T],
    product: &'a mut [T],
}

impl<T: Scalar> Kernel<T> for Multiply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let width = 2 * S::LANES;
        let product = (self.product, width);
        gemm::panel(s, self.shape, self.v, self.kernel, product, false);
    }
}
