//! Gram matrices as [`method::gram`](crate::method::gram) defines them, on the CPU's vectors.

use super::product::{self, Threads, mirror};
use super::simd::gemm::{self, Panel, Strided};
use super::simd::{Cpu, Simd, SimdTask};
use super::workspace::{Buffer, Workspace};
use crate::engine::SimdScalar;
use crate::method::Scalar;
use crate::method::scalar::{elements, elements_mut};
use crate::parallel::{for_each, for_each_with};
use ndarray::{Array2, Array3};
use std::iter;

/// Positions of a chunk: 16·N, within these bounds. Each chunk has a sum of its own, N×N, so it must be long to be worth it. Layers of few
/// channels have many positions, and short chunks divide them evenly among the threads.
const MIN_CHUNK: usize = 1024;
const MAX_CHUNK: usize = 4096;

/// Bytes of a panel of some positions: two of them about fit into a core's nearest cache, where they are multiplied.
const PANEL_BYTES: usize = 16 * 1024;

/// Positions whose gradients are computed at a time: full register tiles, or nearly full ones.
const GRADIENT_CHUNK: usize = 192;

/// Positions whose gradients one parallel task computes, at most: several chunks, since a task prefetches its own next chunk.
const GRADIENT_TASK: usize = 4 * GRADIENT_CHUNK;

/// Elements of F whose gradients one parallel task computes. The tasks are about equal, and their number is a multiple of the threads.
fn task_size<T>(f: &Array3<T>) -> usize {
    let (height, width, channels) = f.dim();
    let positions = height * width;
    let threads = rayon::current_num_threads();
    let tasks = (positions.div_ceil(GRADIENT_TASK)).next_multiple_of(threads);
    positions.div_ceil(tasks.max(1)).max(1) * channels
}

/// G = FᵀF (N×N) of `activations` (H×W×N). Of each chunk of positions only what is on and below the diagonal is computed. The chunks are added
/// up, and the sum is copied to above the diagonal.
pub(super) fn forward<T: SimdScalar>(
    activations: &Array3<T>,
    cpu: Cpu,
    workspace: &Workspace<T>,
) -> Array2<T> {
    let (f, channels) = (elements(activations), activations.dim().2);
    if f.is_empty() {
        return Array2::zeros((channels, channels));
    }
    let width = gemm::panel_width::<T>(cpu);
    let panels = channels.div_ceil(width);
    let chunks = f.chunks((16 * channels).clamp(MIN_CHUNK, MAX_CHUNK) * channels);
    // The sums of the first chunk are computed in their place in G.
    let mut g = workspace.matrix((channels, channels));
    let g_rows = g.as_slice_mut().expect("it is in standard layout");
    let mut other_sums = workspace.buffer((chunks.len() - 1) * channels * channels);
    // With few chunks, several tasks share the rows of each.
    let groups = (2 * rayon::current_num_threads())
        .div_ceil(chunks.len())
        .min(panels);
    let others = other_sums.chunks_exact_mut(channels * channels);
    let sums = iter::once(&mut *g_rows).chain(others);
    let mut tasks = Vec::new();
    for (f, sums) in chunks.zip(sums) {
        let first_task = tasks.len();
        tasks.extend((0..groups).map(|_| (f, Vec::new())));
        for (panel, rows) in sums.chunks_mut(width * channels).enumerate() {
            // Dealt to the groups from the first to the last, then from the last to the first, and so on: later rows have more to compute.
            let place = panel % (2 * groups);
            let group = place.min(2 * groups - 1 - place);
            tasks[first_task + group].1.push((panel, rows));
        }
    }
    let positions = PANEL_BYTES / (width * size_of::<T>());
    let buffers = || workspace.buffers([panels * positions * width]);
    for_each_with(tasks, buffers, |[packed], (f, rows)| {
        cpu.run(LowerRows {
            f,
            channels,
            positions,
            packed,
            rows,
        });
    });
    if !other_sums.is_empty() {
        for_each(g_rows.chunks_exact_mut(channels).enumerate(), |(i, row)| {
            // Added in the order of the chunks, whichever thread computed them.
            for sums in other_sums.chunks_exact(channels * channels) {
                let sums = &sums[i * channels..];
                for j in 0..=i {
                    row[j] += sums[j];
                }
            }
        });
    }
    mirror(g_rows, channels, 0);
    g
}

/// Some rows of FᵀF, each up to the end of the panel that the diagonal crosses.
struct LowerRows<'a, 'b, T> {
    f: &'a [T],
    channels: usize,
    /// How many are multiplied at a time.
    positions: usize,
    /// Room for these positions, packed in panels.
    packed: &'a mut [T],
    /// Blocks of rows, N elements each, with their numbers. A block has as many rows as a panel has columns; the last may have fewer.
    rows: Vec<(usize, &'b mut [T])>,
}

impl<T: Scalar> SimdTask<T> for LowerRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) {
        let (channels, width) = (self.channels, 2 * S::LANES);
        let panels = channels.div_ceil(width);
        let products: usize = self.rows.iter().map(|(panel, _)| panel + 1).sum();
        let mut chunks = self
            .f
            .chunks(self.positions * channels)
            .enumerate()
            .peekable();
        while let Some((number, f)) = chunks.next() {
            // Each product prefetches a part of the next chunk.
            let next = chunks.peek().map_or(&[][..], |&(_, next)| next);
            let mut next = next.chunks(next.len().div_ceil(products).max(1));
            let positions = f.len() / channels;
            let panel_size = positions * width;
            let packed = &mut self.packed[..panels * panel_size];
            pack_positions(s, f, channels, packed);
            for (panel, rows) in &mut self.rows {
                let a = Strided {
                    elements: &packed[*panel * panel_size..],
                    row_stride: 1,
                    depth_stride: width,
                };
                let shape = (rows.len() / channels, positions);
                for column_panel in 0..=*panel {
                    let b = Panel {
                        elements: &packed[column_panel * panel_size..],
                        next: next.next().unwrap_or_default(),
                    };
                    let first = column_panel * width;
                    let c = (&mut rows[first..], channels);
                    product::panel_or_part(s, shape, a, b, c, channels - first, number > 0);
                }
            }
        }
    }
}

/// Copies some positions (each of N channels) to panels. Unused columns of the last panel keep what they hold, which changes only
/// unused columns of sums.
#[inline(always)]
fn pack_positions<T: Scalar, S: Simd<T>>(s: S, f: &[T], channels: usize, packed: &mut [T]) {
    let (width, positions) = (2 * S::LANES, f.len() / channels);
    for (panel, packed) in packed.chunks_exact_mut(positions * width).enumerate() {
        let columns = panel * width..channels.min((panel + 1) * width);
        for position in 0..positions {
            let f = &f[position * channels..][columns.clone()];
            let to = &mut packed[position * width..][..width];
            if f.len() < width {
                to[..f.len()].copy_from_slice(f);
                continue;
            }
            // Two vectors: a copy of a slice would call a function for so few elements.
            s.store(s.load(f), to);
            s.store(s.load(&f[S::LANES..]), &mut to[S::LANES..]);
        }
    }
}

/// Adds 2·`scale`·F·(dL/dG) to `df` (H×W×N), for a *symmetric* `dg` = dL/dG (N×N).
///
/// # Panics
/// If the shapes do not fit.
pub(super) fn add_backward<T: SimdScalar>(
    activations: &Array3<T>,
    dg: &Array2<T>,
    scale: T,
    df: &mut Array3<T>,
    cpu: Cpu,
    workspace: &Workspace<T>,
) {
    assert_eq!(activations.dim(), df.dim(), "F and dF must have one shape");
    let channels = df.dim().2;
    let packed = pack(dg, channels, scale, cpu, workspace);
    let size = task_size(df);
    let tasks = elements_mut(df).chunks_mut(size);
    let tasks = tasks.zip(elements(activations).chunks(size));
    for_each(tasks, |(df, f)| {
        cpu.run(AddBackward {
            f,
            dg: &packed,
            channels,
            df,
        });
    });
}

/// Replaces `f` (H×W×N) by 2·`scale`·F·(dL/dG), for a *symmetric* `dg` = dL/dG (N×N).
///
/// # Panics
/// If the shapes do not fit.
pub(super) fn backward_in_place<T: SimdScalar>(
    f: &mut Array3<T>,
    dg: &Array2<T>,
    scale: T,
    cpu: Cpu,
    workspace: &Workspace<T>,
) {
    let channels = f.dim().2;
    let packed = pack(dg, channels, scale, cpu, workspace);
    let size = task_size(f);
    let buffers = || workspace.buffers([GRADIENT_CHUNK * channels]);
    for_each_with(elements_mut(f).chunks_mut(size), buffers, |[copy], f| {
        cpu.run(BackwardInPlace {
            f,
            copy,
            dg: &packed,
            channels,
        });
    });
}

/// 2·`scale`·(dL/dG), packed.
fn pack<T: SimdScalar>(
    dg: &Array2<T>,
    channels: usize,
    scale: T,
    cpu: Cpu,
    workspace: &Workspace<T>,
) -> Buffer<T> {
    assert_eq!(dg.dim(), (channels, channels), "dL/dG must be N×N");
    product::pack(dg.view(), T::of(2.0) * scale, Threads::All, cpu, workspace)
}

/// Adds F times a packed matrix to dF, a chunk at a time.
struct AddBackward<'a, T> {
    f: &'a [T],
    dg: &'a [T],
    channels: usize,
    df: &'a mut [T],
}

impl<T: Scalar> SimdTask<T> for AddBackward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (chunk, mut rest) = (GRADIENT_CHUNK * self.channels, self.df);
        for (number, f) in self.f.chunks(chunk).enumerate() {
            let (df, others) = rest.split_at_mut(f.len());
            let next = [&self.f[number * chunk + f.len()..], &*others];
            let next = next.map(|next| &next[..chunk.min(next.len())]);
            multiply(s, f, self.dg, self.channels, (df, true), next);
            rest = others;
        }
    }
}

/// Replaces F by F times a packed matrix, a chunk at a time.
struct BackwardInPlace<'a, T> {
    f: &'a mut [T],
    /// Room for a chunk.
    copy: &'a mut [T],
    dg: &'a [T],
    channels: usize,
}

impl<T: Scalar> SimdTask<T> for BackwardInPlace<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (chunk, mut rest) = (GRADIENT_CHUNK * self.channels, self.f);
        while !rest.is_empty() {
            let (f, others) = rest.split_at_mut(chunk.min(rest.len()));
            let copy = &mut self.copy[..f.len()];
            copy.copy_from_slice(f);
            let next = [&others[..chunk.min(others.len())], &[]];
            multiply(s, copy, self.dg, self.channels, (f, false), next);
            rest = others;
        }
    }
}

/// F times a packed matrix, stored to `df` or added to it. Meanwhile the two slices of `next` are prefetched.
#[inline(always)]
fn multiply<T: Scalar, S: Simd<T>>(
    s: S,
    f: &[T],
    dg: &[T],
    channels: usize,
    (df, add): (&mut [T], bool),
    next: [&[T]; 2],
) {
    let width = 2 * S::LANES;
    let rows = f.len() / channels;
    let a = Strided {
        elements: f,
        row_stride: channels,
        depth_stride: 1,
    };
    // Each panel prefetches a part.
    let part = (next[0].len() + next[1].len()).div_ceil(channels.div_ceil(width));
    let mut next = (next.iter()).flat_map(|next| next.chunks(part.max(1)));
    for (panel, elements) in dg.chunks_exact(channels * width).enumerate() {
        let dg = Panel {
            elements,
            next: next.next().unwrap_or_default(),
        };
        let first = panel * width;
        let c = (&mut df[first..], channels);
        product::panel_or_part(s, (rows, channels), a, dg, c, channels - first, add);
    }
}
