//! The kernel of a layer, and its transforms for the way forward and for the way back.
//!
//! Only the 3×3 taps are stored. Transformed, a kernel takes up to 5⅓ times their memory, and each pass through a layer of a large picture
//! transforms it anew, in a few percent of the time that the products take.

use super::super::Fast;
use super::super::simd::gemm::{self, Panel};
use super::super::simd::{Cpu, MAX_LANES, Simd, SimdTask, load_strided, transpose};
use super::super::workspace::Buffer;
use super::tile::Tile;
use super::transforms;
use crate::engine::SimdScalar;
use crate::parallel::for_each;
use ndarray::{Array4, s};

/// Rows and columns of a kernel.
const SIDE: usize = 3;

/// Which way a pass goes through a layer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    /// The convolution with the kernel that is rotated by 180° and has its channels swapped.
    Backward,
}

/// The kernel of a layer.
pub(super) struct Kernel<T: SimdScalar> {
    cpu: Cpu,
    cin: usize,
    cout: usize,
    /// In panels of output channels, and in each Cin × 9 taps × the panel's width. Unused channels of the last panel are 0.
    taps: Buffer<T>,
}

impl<T: SimdScalar> Kernel<T> {
    /// Of a kernel in the order 3 × 3 × Cin × Cout (HWIO).
    pub fn new(kernel: &Array4<T>, engine: &Fast<T>) -> Self {
        let (_, _, cin, cout) = kernel.dim();
        let cpu = engine.cpu;
        let width = gemm::panel_width::<T>(cpu);
        let panel = cin * SIDE * SIDE * width;
        let mut taps = (engine.workspace).lasting_buffer(cout.div_ceil(width) * panel);
        let panels = taps.chunks_exact_mut(panel).enumerate();
        for_each(panels, |(at, panel)| {
            let outputs = at * width..cout.min((at + 1) * width);
            for (at, to) in panel.chunks_exact_mut(width).enumerate() {
                let (c, k, l) = (at / (SIDE * SIDE), at / SIDE % SIDE, at % SIDE);
                let taps = kernel.slice(s![k, l, c, outputs.clone()]);
                to.fill(T::zero());
                for (to, &tap) in to.iter_mut().zip(&taps) {
                    *to = tap;
                }
            }
        });
        Self {
            cpu,
            cin,
            cout,
            taps,
        }
    }

    /// Channels that a pass in this direction reads, and those that it writes.
    pub fn channels(&self, direction: Direction) -> (usize, usize) {
        match direction {
            Direction::Forward => (self.cin, self.cout),
            Direction::Backward => (self.cout, self.cin),
        }
    }

    /// The length of the kernel, transformed for these tiles.
    pub fn len(&self, direction: Direction, tile: Tile) -> usize {
        tile.pairs() * self.pair_stride(direction)
    }

    /// Transforms the kernel: G g Gᵀ of its taps g, rotated for the way back. The result has for each pair of points panels of the
    /// channels that are written, which [`panel`](Self::panel) finds.
    pub fn transform(&self, direction: Direction, tile: Tile, transformed: &mut [T]) {
        let mut panels: Vec<Vec<_>> = Vec::new();
        panels.resize_with(self.panels(direction), Vec::new);
        for pair in transformed.chunks_exact_mut(self.pair_stride(direction)) {
            let parts = pair.chunks_exact_mut(self.panel_len(direction));
            for (panel, part) in panels.iter_mut().zip(parts) {
                panel.push(part);
            }
        }
        for_each(panels.into_iter().enumerate(), |(panel, to)| match tile {
            Tile::TwoByTwo => self.transform_panel::<4, 4>(direction, panel, to),
            Tile::FourByFour => self.transform_panel::<6, 6>(direction, panel, to),
            Tile::FourBySix => self.transform_panel::<6, 8>(direction, panel, to),
        });
    }

    fn transform_panel<const DOWN: usize, const ACROSS: usize>(
        &self,
        direction: Direction,
        panel: usize,
        to: Vec<&mut [T]>,
    ) {
        self.cpu.run(TransformPanel::<T, DOWN, ACROSS> {
            kernel: self,
            direction,
            panel,
            to,
        });
    }

    /// A panel of the transformed kernel at a pair of points: the channels that are read × the panel's width. The next is the panel after it
    /// in memory.
    pub fn panel<'a>(
        &self,
        direction: Direction,
        transformed: &'a [T],
        (pair, panel): (usize, usize),
    ) -> Panel<'a, T> {
        let len = self.panel_len(direction);
        let from = &transformed[pair * self.pair_stride(direction) + panel * len..];
        let (elements, rest) = from.split_at(len);
        Panel {
            elements,
            next: &rest[..len.min(rest.len())],
        }
    }

    /// Panels of the channels that are written.
    pub fn panels(&self, direction: Direction) -> usize {
        (self.channels(direction).1).div_ceil(gemm::panel_width::<T>(self.cpu))
    }

    fn panel_len(&self, direction: Direction) -> usize {
        self.channels(direction).0 * gemm::panel_width::<T>(self.cpu)
    }

    /// Elements of the transformed kernel from one pair of points to the next. Without the padding, all pairs would map to a few lines of the
    /// cache while they are stored.
    fn pair_stride(&self, direction: Direction) -> usize {
        self.panels(direction) * self.panel_len(direction) + MAX_LANES
    }
}

/// Transforms one panel of the kernel, for DOWN × ACROSS points.
struct TransformPanel<'a, T: SimdScalar, const DOWN: usize, const ACROSS: usize> {
    kernel: &'a Kernel<T>,
    direction: Direction,
    panel: usize,
    /// The panel at each pair of points.
    to: Vec<&'a mut [T]>,
}

/// A vector for each of the taps.
type Taps<V> = [[V; SIDE]; SIDE];

impl<T: SimdScalar, const DOWN: usize, const ACROSS: usize> SimdTask<T>
    for TransformPanel<'_, T, DOWN, ACROSS>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        match self.direction {
            Direction::Forward => self.forward(s),
            Direction::Backward => self.backward(s),
        }
    }
}

impl<T: SimdScalar, const DOWN: usize, const ACROSS: usize> TransformPanel<'_, T, DOWN, ACROSS> {
    #[inline(always)]
    fn forward<S: Simd<T>>(mut self, s: S) {
        let (cin, length) = (self.kernel.cin, SIDE * SIDE * 2 * S::LANES);
        let taps = &self.kernel.taps[self.panel * cin * length..][..cin * length];
        for (c, taps) in taps.chunks_exact(length).enumerate() {
            for lane in [0, S::LANES] {
                let [g0, g1, g2, g3, g4, g5, g6, g7, g8] =
                    load_strided(s, &taps[lane..], 2 * S::LANES);
                self.store(s, [[g0, g1, g2], [g3, g4, g5], [g6, g7, g8]], c, lane);
            }
        }
    }

    /// The taps have the output channels side by side, and here the input channels are to be: squares of them are transposed.
    #[inline(always)]
    fn backward<S: Simd<T>>(mut self, s: S) {
        let Kernel { cin, cout, .. } = *self.kernel;
        let (width, length) = (2 * S::LANES, SIDE * SIDE * 2 * S::LANES);
        for first in (0..cout).step_by(S::LANES) {
            let taps = &self.kernel.taps[first / width * cin * length..][..cin * length];
            for lane in [0, S::LANES] {
                let inputs = taps.chunks_exact(length).skip(self.panel * width + lane);
                let mut g = [[s.zero(); MAX_LANES]; SIDE * SIDE];
                for (c, taps) in inputs.take(S::LANES).enumerate() {
                    // Rotated by 180°, the last tap is the first.
                    for (tap, g) in g.iter_mut().rev().enumerate() {
                        g[c] = s.load(&taps[tap * width + first % width..]);
                    }
                }
                for g in &mut g {
                    transpose(s, g);
                }
                for o in 0..S::LANES.min(cout - first) {
                    let g = [
                        [g[0][o], g[1][o], g[2][o]],
                        [g[3][o], g[4][o], g[5][o]],
                        [g[6][o], g[7][o], g[8][o]],
                    ];
                    self.store(s, g, first + o, lane);
                }
            }
        }
    }

    /// Transforms these taps, and stores them at all pairs of points.
    #[inline(always)]
    fn store<S: Simd<T>>(&mut self, s: S, g: Taps<S::Vector>, channel: usize, lane: usize) {
        let at = channel * 2 * S::LANES + lane;
        let values = transforms::kernel::<T, S, DOWN, ACROSS>(s, g);
        for p in 0..DOWN {
            for q in 0..ACROSS {
                s.store(values[p][q], &mut self.to[p * ACROSS + q][at..]);
            }
        }
    }
}
