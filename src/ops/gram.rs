//! The Gram matrix of a layer's activations, G = FᵀF (Gatys, Ecker and Bethge 2015, equation 3).
//!
//! F is M×N: M = H·W positions, N channels. Gᵢⱼ says how strongly channels i and j fire together, summed over the
//! picture: what there is, whatever its place. That is what is meant here by style.

use super::conv::Engine;
use super::workspace::Workspace;
use super::{Scalar, elements, elements_mut};
use crate::kernels::gemm::{self, Strided};
use crate::kernels::{Cpu, Kernel, Simd};
use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{Array2, Array3, ArrayView2, Axis};
use rayon::prelude::*;

/// Positions in one piece of parallel work. Its sum is N×N, so that it must be long beside N ≤ 512.
const POSITIONS: usize = 4096;

/// Positions that are gone through together: as many as have this many elements, which the cache holds beside the sum, but
/// enough to be worth fetching and storing the sum.
const CACHED: usize = 8 * 1024;
const ENOUGH: usize = 64;

/// Positions whose gradients are one piece of work: a multiple of every register tile's rows.
const ROWS: usize = 192;

/// The activations (H×W×N) seen as the matrix F (M×N) with M = H·W. No copy.
pub fn matrix<T: Scalar>(activations: &Array3<T>) -> ArrayView2<'_, T> {
    let (height, width, channels) = activations.dim();
    (activations.view())
        .into_shape_with_order((height * width, channels))
        .expect("activations are in standard layout")
}

/// G = FᵀF, N×N, of activations H×W×N.
///
/// A sum over positions: the Gram matrix of a picture is the sum of its tiles' Gram matrices.
pub fn forward<T: Scalar>(activations: &Array3<T>, workspace: &Workspace<T>) -> Array2<T> {
    let f = matrix(activations);
    match workspace.engine() {
        Engine::Fast(cpu) if !f.is_empty() => {
            fast_forward(elements(activations), f.ncols(), cpu, workspace)
        }
        Engine::Fast(_) | Engine::Reference => {
            let sums: Vec<Array2<T>> = (f.axis_chunks_iter(Axis(0), POSITIONS).into_par_iter())
                .map(|f| f.t().dot(&f))
                .collect();
            // In the order of the pieces, whichever thread made them.
            (sums.into_iter())
                .reduce(|sum, g| sum + g)
                .unwrap_or_else(|| Array2::zeros((f.ncols(), f.ncols())))
        }
    }
}

/// Adds the gradient 2·`scale`·F·(dL/dG) to `df` (H×W×N), for a *symmetric* dL/dG (N×N).
///
/// In general dL/dF = F(dL/dG + (dL/dG)ᵀ). Losses on Gram matrices have symmetric gradients, since G is symmetric.
///
/// # Panics
/// If the shapes do not fit.
pub fn add_backward<T: Scalar>(
    activations: &Array3<T>,
    dg: &Array2<T>,
    scale: T,
    df: &mut Array3<T>,
    workspace: &Workspace<T>,
) {
    assert_eq!(activations.dim(), df.dim(), "F and dF must have one shape");
    let (height, width, channels) = df.dim();
    assert_eq!(dg.dim(), (channels, channels), "dL/dG must be N×N");
    let scale = T::of(2.0) * scale;
    match workspace.engine() {
        Engine::Fast(cpu) => {
            let dg = gemm::pack(cpu, (channels, channels), |i, j| scale * dg[[i, j]]);
            let pieces = elements_mut(df).par_chunks_mut(ROWS * channels);
            (pieces.zip(elements(activations).par_chunks(ROWS * channels))).for_each(|(df, f)| {
                cpu.run(AddBackward {
                    f,
                    dg: &dg,
                    channels,
                    df,
                })
            });
        }
        Engine::Reference => {
            let mut df = (df.view_mut())
                .into_shape_with_order((height * width, channels))
                .expect("activations are in standard layout");
            (df.axis_chunks_iter_mut(Axis(0), POSITIONS).into_par_iter())
                .zip(matrix(activations).axis_chunks_iter(Axis(0), POSITIONS))
                .for_each(|(mut df, f)| general_mat_mul(scale, &f, dg, T::one(), &mut df));
        }
    }
}

/// G of F (M × `channels`): the pieces of F times the panels of G, of which the lower triangle suffices.
fn fast_forward<T: Scalar>(
    f: &[T],
    channels: usize,
    cpu: Cpu,
    workspace: &Workspace<T>,
) -> Array2<T> {
    let width = gemm::panel_width::<T>(cpu);
    let panels = channels.div_ceil(width);
    let piece = POSITIONS * channels;
    // For each piece, for each panel, N rows; those above the diagonal are not used.
    let (of_panel, of_piece) = (channels * width, panels * channels * width);
    let length = f.len().div_ceil(piece) * of_piece;
    let mut buffer = workspace.buffer(length);
    let sums = &mut buffer[..length];
    (sums.par_chunks_exact_mut(of_panel))
        .with_max_len(1)
        .enumerate()
        .for_each(|(at, sums)| {
            let f = &f[at / panels * piece..];
            cpu.run(LowerPanel {
                f: &f[..piece.min(f.len())],
                channels,
                first: at % panels * width,
                sums,
            });
        });
    let (total, rest) = sums.split_at_mut(of_piece);
    (total.par_chunks_exact_mut(of_panel))
        .enumerate()
        .for_each(|(panel, total)| {
            // In the order of the pieces, whichever thread made them.
            for piece in rest.chunks_exact(of_piece) {
                let piece = &piece[panel * of_panel..][..of_panel];
                for (total, &sum) in total.iter_mut().zip(piece).skip(panel * width * width) {
                    *total += sum;
                }
            }
        });
    let mut g = Array2::zeros((channels, channels));
    (g.axis_iter_mut(Axis(0)).into_par_iter())
        .enumerate()
        .for_each(|(i, mut row)| {
            // Below the diagonal as it is, and what is above it from the other side.
            for (j, g) in row.iter_mut().enumerate() {
                let (row, column) = (i.max(j), i.min(j));
                *g = total[column / width * of_panel + row * width + column % width];
            }
        });
    workspace.recycle_buffer(buffer);
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

impl<T: Scalar> Kernel<T> for LowerPanel<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (channels, width) = (self.channels, 2 * S::LANES);
        let columns = self.first..channels.min(self.first + width);
        // The columns side by side; those that the last panel has too many stay 0.
        let positions = (CACHED / channels).max(ENOUGH);
        let mut panel = vec![T::zero(); positions * width];
        for (number, f) in self.f.chunks(positions * channels).enumerate() {
            for (panel, f) in panel.chunks_exact_mut(width).zip(f.chunks_exact(channels)) {
                panel[..columns.len()].copy_from_slice(&f[columns.clone()]);
            }
            let a = Strided {
                elements: &f[self.first..],
                row: 1,
                depth: channels,
            };
            let shape = (channels - self.first, f.len() / channels);
            let c = (&mut self.sums[self.first * width..], width);
            gemm::panel(s, shape, a, &panel, c, number > 0);
        }
    }
}

/// Adds F times a packed matrix to dF.
struct AddBackward<'a, T> {
    f: &'a [T],
    dg: &'a [T],
    channels: usize,
    df: &'a mut [T],
}

impl<T: Scalar> Kernel<T> for AddBackward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (channels, width) = (self.channels, 2 * S::LANES);
        let rows = self.f.len() / channels;
        let a = Strided {
            elements: self.f,
            row: channels,
            depth: 1,
        };
        for (panel, dg) in self.dg.chunks_exact(channels * width).enumerate() {
            let first = panel * width;
            if first + width <= channels {
                let c = (&mut self.df[first..], channels);
                gemm::panel(s, (rows, channels), a, dg, c, true);
            } else {
                // The last panel, which has too few columns.
                let mut sums = vec![T::zero(); rows * width];
                gemm::panel(s, (rows, channels), a, dg, (&mut sums, width), false);
                let rows = self.df.chunks_exact_mut(channels);
                for (df, sums) in rows.zip(sums.chunks_exact(width)) {
                    for (df, &sum) in df[first..].iter_mut().zip(sums) {
                        *df += sum;
                    }
                }
            }
        }
    }
}
