//! One pass through a layer: transform the inputs, multiply, transform the products.
//!
//! V, the transformed inputs, and M, the products, are between 2 and 4 times as large as the activations on either side. They never exist
//! for a whole picture, but for a *block* of tiles that fits into the cache.
//!
//! There are two loops over blocks. With a small kernel, each thread takes blocks of its own through all three steps. A large
//! kernel would have to be loaded from memory for each of these blocks; so all threads share one large block, for which it is
//! loaded once, and do one step after the other. Each output is the same sum in the same order either way.

use super::super::mask::words_per_position;
use super::super::simd::gemm::{self, Panel, Strided};
use super::super::simd::{Cpu, MAX_LANES, Simd, SimdTask};
use super::super::{Fast, Mask, Phase};
use super::block::{Band, Block, Input};
use super::inputs::TransformInputs;
use super::kernel::{Direction, Kernel};
use super::outputs::TransformProducts;
use super::tile::Tile;
use crate::engine::SimdScalar;
use crate::method::scalar::elements_mut;
use crate::method::{Pooling, Scalar};
use crate::parallel::{for_each, for_each_with};
use ndarray::Array3;
use std::ops::Range;

/// Elements of V and M in a thread's own block: half a MiB of `f32`, which its cache holds beside the kernel.
const THREAD_BLOCK_ELEMENTS: usize = 128 * 1024;
/// But about this many tiles times pairs of points, to make up for loading the kernel: between half and twice as many, so that blocks and
/// bands are equal.
const THREAD_BLOCK_PRODUCTS: usize = 1024;
/// Elements of V and M in a block that all threads share: 24 MiB of `f32`.
const SHARED_BLOCK_ELEMENTS: usize = 6 * 1024 * 1024;
/// From this product Cin·Cout on, threads share blocks.
const MIN_SHARED_KERNEL: usize = 256 * 256;
/// Output channels that a thread computes in a row, for one pair of points of a shared block. Their inputs stay in its cache.
const GROUP_CHANNELS: usize = 128;

/// What a pass computes.
pub(super) struct Convolution<'a, T> {
    pub input: Input<'a, T>,
    pub direction: Direction,
    pub bias: Option<&'a [T]>,
    /// How the output is pooled over cells of 2×2.
    pub pool: Option<Pooling>,
    /// Whether the output is added to what y holds. It is not pooled then.
    pub add: bool,
}

/// One layer in one direction.
pub(super) struct Pass<'a, T: SimdScalar> {
    pub cpu: Cpu,
    pub tile: Tile,
    pub kernel: &'a Kernel<T>,
    /// The kernel, transformed for this direction and tile.
    pub transformed: &'a [T],
    pub work: &'a Convolution<'a, T>,
}

impl<T: SimdScalar> Pass<'_, T> {
    /// Computes the output y, H×W×Cout, or ⌈H/2⌉×⌈W/2⌉×Cout if it is pooled. If there is a mask, it is set, and y = max(y, 0).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn run(&self, y: &mut Array3<T>, mask: Option<&mut Mask>, engine: &Fast<T>) {
        let (height, width, channels) = self.work.input.dim();
        let (inputs, outputs) = self.kernel.channels(self.work.direction);
        assert_eq!(
            channels, inputs,
            "the input must have the kernel's channels"
        );
        let scale = if self.work.pool.is_some() { 2 } else { 1 };
        let shape = (height.div_ceil(scale), width.div_ceil(scale), outputs);
        assert_eq!(y.dim(), shape, "the output must have the layer's shape");
        let (down, across) = self.tile.grid((height, width));
        let (tile_rows, _) = self.tile.outputs();
        let whole = Band {
            rows: 0..down,
            y: elements_mut(y),
            mask: mask.map(Mask::words_mut),
            y_row: tile_rows / scale * shape.1 * outputs,
            mask_row: tile_rows * width * words_per_position(outputs),
        };
        (engine.phases).count_products(self.tile.products((height, width)) * inputs * outputs);
        let tile_elements = self.tile.pairs() * (inputs + outputs);
        if self.shares_blocks() {
            let max_rows = (SHARED_BLOCK_ELEMENTS / tile_elements / across).clamp(1, down);
            let rows = equal_parts(down, max_rows);
            for band in whole.split(rows) {
                self.run_shared_block(band, across, engine);
            }
        } else {
            let tiles = (THREAD_BLOCK_ELEMENTS / tile_elements)
                .max(THREAD_BLOCK_PRODUCTS / self.tile.pairs());
            // Some rows of tiles, or a part of one.
            let rows = even_bands(down, rounded(tiles, across));
            let columns = across.div_ceil(rounded(across, tiles).max(1));
            self.run_thread_blocks(whole.split(rows), (rows, columns, across), engine);
        }
    }

    /// Each thread takes one band of the output after the other, and computes it in blocks of `rows` × `columns` tiles.
    fn run_thread_blocks(
        &self,
        bands: Vec<Band<T>>,
        (rows, columns, across): (usize, usize, usize),
        engine: &Fast<T>,
    ) {
        let max_tiles = rows * columns;
        let lengths = [
            max_tiles * self.v_tile_stride(),
            self.tile.pairs() * self.m_pair_stride(max_tiles),
        ];
        let buffers = || engine.workspace.buffers(lengths);
        for_each_with(bands, buffers, |[v, m], mut band| {
            for first in (0..across).step_by(columns) {
                let block = Block {
                    rows: band.rows.clone(),
                    columns: first..across.min(first + columns),
                };
                let tiles = block.tiles();
                let m_pair = self.m_pair_stride(tiles);
                let m = &mut m[..self.tile.pairs() * m_pair];
                self.transform_inputs(&block, v, engine);
                engine.phases.measure(Phase::Products, || {
                    for (pair, m) in m.chunks_exact_mut(m_pair).enumerate() {
                        self.multiply((pair, 0..self.panels()), tiles, v, m);
                    }
                });
                self.transform_products(&block, m, 0, &mut band, engine);
            }
        });
    }

    /// All threads compute one band of the output: first its inputs' transforms, then the products, then the outputs.
    fn run_shared_block(&self, band: Band<T>, across: usize, engine: &Fast<T>) {
        let workspace = &engine.workspace;
        let (first, tiles) = (band.first(), band.rows.len() * across);
        let mut v = workspace.buffer(tiles * self.v_tile_stride());
        let mut m = workspace.buffer(self.tile.pairs() * self.m_pair_stride(tiles));
        let block = |row| Block {
            rows: first + row..first + row + 1,
            columns: 0..across,
        };
        let rows = v.chunks_exact_mut(across * self.v_tile_stride());
        for_each(rows.enumerate(), |(row, v)| {
            self.transform_inputs(&block(row), v, engine);
        });
        // Pair of points, first panel, and their part of M.
        let group = GROUP_CHANNELS / gemm::panel_width::<T>(self.cpu);
        let m_panel = self.m_panel_stride(tiles);
        let mut groups = Vec::new();
        for (pair, m) in m.chunks_exact_mut(self.m_pair_stride(tiles)).enumerate() {
            let panels = m[..self.panels() * m_panel].chunks_mut(group * m_panel);
            let firsts = (0..).step_by(group);
            groups.extend(firsts.zip(panels).map(|(first, m)| (pair, first, m)));
        }
        for_each(groups, |(pair, first, m)| {
            let panels = first..first + m.len() / m_panel;
            engine.phases.measure(Phase::Products, || {
                self.multiply((pair, panels), tiles, &v, m);
            });
        });
        let rows = band.split(1).into_iter().enumerate();
        for_each(rows, |(row, mut band)| {
            self.transform_products(&block(row), &m, row * across, &mut band, engine);
        });
    }

    /// Whether all threads share one block, and not each thread has its own.
    fn shares_blocks(&self) -> bool {
        self.inputs() * self.outputs() >= MIN_SHARED_KERNEL
    }

    /// Channels that are read.
    fn inputs(&self) -> usize {
        self.kernel.channels(self.work.direction).0
    }

    /// Channels that are written.
    fn outputs(&self) -> usize {
        self.kernel.channels(self.work.direction).1
    }

    /// Panels of the channels that are written.
    fn panels(&self) -> usize {
        self.kernel.panels(self.work.direction)
    }

    /// Elements of V from one pair of points to the next. Channels are often a power of two; without the padding all pairs would
    /// map to a few lines of the cache.
    fn v_pair_stride(&self) -> usize {
        self.inputs() + MAX_LANES
    }

    /// Elements of V from one tile to the next.
    fn v_tile_stride(&self) -> usize {
        self.tile.pairs() * self.v_pair_stride()
    }

    /// Elements of M from one panel to the next, in a block of this many tiles.
    fn m_panel_stride(&self, tiles: usize) -> usize {
        tiles * gemm::panel_width::<T>(self.cpu)
    }

    /// Elements of M from one pair of points to the next, padded as V's.
    fn m_pair_stride(&self, tiles: usize) -> usize {
        self.panels() * self.m_panel_stride(tiles) + MAX_LANES
    }

    /// Computes V of a block: for each tile the transformed inputs, Cin each.
    fn transform_inputs(&self, block: &Block, v: &mut [T], engine: &Fast<T>) {
        let phases = &engine.phases;
        phases.measure(Phase::InputTransforms, || match self.tile {
            Tile::TwoByTwo => self.transform_inputs_at::<4, 4>(block, v),
            Tile::FourByFour => self.transform_inputs_at::<6, 6>(block, v),
            Tile::FourBySix => self.transform_inputs_at::<6, 8>(block, v),
        });
    }

    fn transform_inputs_at<const DOWN: usize, const ACROSS: usize>(
        &self,
        block: &Block,
        v: &mut [T],
    ) {
        self.cpu.run(TransformInputs::<T, DOWN, ACROSS> {
            input: &self.work.input,
            block,
            v,
            tile_stride: self.v_tile_stride(),
            pair_stride: self.v_pair_stride(),
        });
    }

    /// Computes a part of M: for one pair of points and some panels of output channels, the products of this many tiles.
    fn multiply(
        &self,
        (pair, panels): (usize, Range<usize>),
        tiles: usize,
        v: &[T],
        products: &mut [T],
    ) {
        let v = &v[pair * self.v_pair_stride()..];
        for (at, product) in panels.zip(products.chunks_exact_mut(self.m_panel_stride(tiles))) {
            self.cpu.run(Multiply {
                shape: (tiles, self.inputs()),
                max_terms: self.tile.max_terms(),
                v,
                tile_stride: self.v_tile_stride(),
                kernel: (self.kernel).panel(self.work.direction, self.transformed, (pair, at)),
                product,
            });
        }
    }

    /// Computes the outputs of a block, whose first tile is tile `first` of M.
    fn transform_products(
        &self,
        block: &Block,
        m: &[T],
        first: usize,
        band: &mut Band<T>,
        engine: &Fast<T>,
    ) {
        let phases = &engine.phases;
        phases.measure(Phase::OutputTransforms, || match self.tile {
            Tile::TwoByTwo => self.transform_products_at::<2, 2, 4, 4>(block, m, first, band),
            Tile::FourByFour => self.transform_products_at::<4, 4, 6, 6>(block, m, first, band),
            Tile::FourBySix => self.transform_products_at::<4, 6, 6, 8>(block, m, first, band),
        });
    }

    fn transform_products_at<
        const ROWS: usize,
        const COLUMNS: usize,
        const DOWN: usize,
        const ACROSS: usize,
    >(
        &self,
        block: &Block,
        m: &[T],
        first: usize,
        band: &mut Band<T>,
    ) {
        let (height, width, _) = self.work.input.dim();
        let pair_stride = m.len() / self.tile.pairs();
        self.cpu
            .run(TransformProducts::<T, ROWS, COLUMNS, DOWN, ACROSS> {
                block,
                m,
                first,
                pair_stride,
                panel_stride: (pair_stride - MAX_LANES) / self.panels(),
                prefetch: self.shares_blocks(),
                shape: (height, width, self.outputs()),
                bias: self.work.bias,
                pool: self.work.pool,
                add: self.work.add,
                band,
            });
    }
}

/// The whole number that is nearest to a / b.
fn rounded(a: usize, b: usize) -> usize {
    (a + b / 2) / b
}

/// Rows of tiles in a band: about `rows`, such that each thread has a band if there are enough rows, and that the threads, if each computes
/// as many bands, have about the same number of the `down` rows.
fn even_bands(down: usize, rows: usize) -> usize {
    let threads = rayon::current_num_threads();
    let rows = rows.clamp(1, down.div_ceil(threads));
    // The rows of the thread that has the most.
    let most = |rows: usize| -> usize {
        let firsts = (0..down).step_by(threads * rows);
        firsts.map(|first| rows.min(down - first)).sum()
    };
    let candidates = rows.div_ceil(2)..=rows + rows / 2;
    (candidates.min_by_key(|&candidate| (most(candidate), candidate.abs_diff(rows))))
        .unwrap_or(rows)
}

/// Divides `length` into the fewest parts of at most `max` that are about equal: the length of a part.
fn equal_parts(length: usize, max: usize) -> usize {
    length.div_ceil(length.div_ceil(max))
}

/// Multiplies the tiles of a block at one pair of points by one panel of the kernel.
struct Multiply<'a, T> {
    /// Tiles and input channels.
    shape: (usize, usize),
    /// Input channels that are added up before they are added to the product.
    max_terms: usize,
    v: &'a [T],
    /// Elements of V from one tile to the next.
    tile_stride: usize,
    kernel: Panel<'a, T>,
    product: &'a mut [T],
}

impl<T: Scalar> SimdTask<T> for Multiply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (tiles, inputs) = self.shape;
        let shape = (tiles, inputs, self.max_terms);
        // Made here, so that the stride of 1 is a constant where the loop is compiled.
        let v = Strided {
            elements: self.v,
            row_stride: self.tile_stride,
            depth_stride: 1,
        };
        let product = (self.product, 2 * S::LANES);
        gemm::panel_in_parts(s, shape, v, self.kernel, product, false);
    }
}
