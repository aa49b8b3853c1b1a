//! Gram matrices as [`method::gram`](crate::method::gram) defines them, on the CPU's vectors.

use super::parallel::for_each_with_buffers;
use super::product::{self, mirror};
use super::simd::gemm::{self, Strided};
use super::simd::{Cpu, Simd, SimdTask};
use super::workspace::{Buffer, Workspace};
use crate::engine::SimdScalar;
use crate::method::Scalar;
use crate::method::scalar::{elements, elements_mut};
use ndarray::{Array2, Array3};
use rayon::prelude::*;

/// Positions that one parallel task sums. The sum is N×N with N ≤ 512, so that a task must be long to be worth it.
const GRAM_CHUNK: usize = 4096;

/// Elements of F that are multiplied before the sum is stored: they stay in the cache beside the sum.
const CACHED_ELEMENTS: usize = 8 * 1024;

/// But at least this many positions, to make up for loading and storing the sum.
const MIN_CACHED_POSITIONS: usize = 64;

/// Positions whose gradients one parallel task computes: full register tiles, or nearly full ones.
const GRADIENT_CHUNK: usize = 192;

/// G = FᵀF (N×N) of `activations` (H×W×N): for each chunk of positions the panels of G, of which the lower triangle suffices.
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
    let chunk = GRAM_CHUNK * channels;
    // For each chunk, for each panel, N rows; those above the diagonal are not used.
    let (panel_size, chunk_size) = (channels * width, panels * channels * width);
    let mut sums = workspace.buffer(f.len().div_ceil(chunk) * chunk_size);
    (sums.par_chunks_exact_mut(panel_size))
        .with_max_len(1)
        .enumerate()
        .for_each(|(at, sums)| {
            let f = &f[at / panels * chunk..];
            cpu.run(LowerPanel {
                f: &f[..chunk.min(f.len())],
                channels,
                first: at % panels * width,
                sums,
            });
        });
    let (total, rest) = sums.split_at_mut(chunk_size);
    (total.par_chunks_exact_mut(panel_size))
        .enumerate()
        .for_each(|(panel, total)| {
            // Added in the order of the chunks, whichever thread computed them.
            for chunk in rest.chunks_exact(chunk_size) {
                let chunk = &chunk[panel * panel_size..][..panel_size];
                for (total, &sum) in total.iter_mut().zip(chunk).skip(panel * width * width) {
                    *total += sum;
                }
            }
        });
    let mut g = workspace.matrix((channels, channels));
    let rows = g.as_slice_mut().expect("it is in standard layout");
    (rows.par_chunks_exact_mut(channels))
        .enumerate()
        .for_each(|(i, row)| {
            // To the diagonal.
            for (g, panel) in row[..=i]
                .chunks_mut(width)
                .zip(total.chunks_exact(panel_size))
            {
                g.copy_from_slice(&panel[i * width..][..g.len()]);
            }
        });
    mirror(rows, channels, 0);
    g
}

/// The panel of FᵀF that begins with column `first`, from the row of the same number on.
struct LowerPanel<'a, T> {
    f: &'a [T],
    channels: usize,
    first: usize,
    /// N × the panel's width
    sums: &'a mut [T],
}

impl<T: Scalar> SimdTask<T> for LowerPanel<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (channels, width) = (self.channels, 2 * S::LANES);
        let columns = self.first..channels.min(self.first + width);
        // The panel's columns side by side. The last panel may have fewer; the rest stays 0.
        let positions = (CACHED_ELEMENTS / channels).max(MIN_CACHED_POSITIONS);
        let mut panel = vec![T::zero(); positions * width];
        for (number, f) in self.f.chunks(positions * channels).enumerate() {
            for (panel, f) in panel.chunks_exact_mut(width).zip(f.chunks_exact(channels)) {
                panel[..columns.len()].copy_from_slice(&f[columns.clone()]);
            }
            let a = Strided {
                elements: &f[self.first..],
                row_stride: 1,
                depth_stride: channels,
            };
            let shape = (channels - self.first, f.len() / channels);
            let c = (&mut self.sums[self.first * width..], width);
            gemm::panel(s, shape, a, &panel, c, number > 0);
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
    let chunks = elements_mut(df).par_chunks_mut(GRADIENT_CHUNK * channels);
    let chunks = chunks.zip(elements(activations).par_chunks(GRADIENT_CHUNK * channels));
    chunks.for_each(|(df, f)| {
        cpu.run(Backward {
            f,
            dg: &packed,
            channels,
            df,
            add: true,
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
    let chunks: Vec<_> = elements_mut(f)
        .chunks_mut(GRADIENT_CHUNK * channels)
        .collect();
    let lengths = [GRADIENT_CHUNK * channels];
    for_each_with_buffers(chunks, lengths, workspace, |[copy], f| {
        let copy = &mut copy[..f.len()];
        copy.copy_from_slice(f);
        cpu.run(Backward {
            f: copy,
            dg: &packed,
            channels,
            df: f,
            add: false,
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
    product::pack(dg.view(), T::of(2.0) * scale, 1, cpu, workspace)
}

/// F times a packed matrix.
struct Backward<'a, T> {
    f: &'a [T],
    dg: &'a [T],
    channels: usize,
    df: &'a mut [T],
    /// Whether the product is added to what `df` holds.
    add: bool,
}

impl<T: Scalar> SimdTask<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (channels, width) = (self.channels, 2 * S::LANES);
        let rows = self.f.len() / channels;
        let a = Strided {
            elements: self.f,
            row_stride: channels,
            depth_stride: 1,
        };
        for (panel, dg) in self.dg.chunks_exact(channels * width).enumerate() {
            let first = panel * width;
            if first + width <= channels {
                let c = (&mut self.df[first..], channels);
                gemm::panel(s, (rows, channels), a, dg, c, self.add);
                continue;
            }
            // The last panel, which has fewer columns.
            let mut sums = vec![T::zero(); rows * width];
            gemm::panel(s, (rows, channels), a, dg, (&mut sums, width), false);
            let rows = self.df.chunks_exact_mut(channels);
            for (df, sums) in rows.zip(sums.chunks_exact(width)) {
                for (df, &sum) in df[first..].iter_mut().zip(sums) {
                    *df = if self.add { *df + sum } else { sum };
                }
            }
        }
    }
}
