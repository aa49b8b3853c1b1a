//! Convolution of few channels, which is conv1_1 with its three: a matrix product too thin for Winograd's way to pay.
//!
//! **Forward**, each position's 3×3 neighbourhood becomes a row of a matrix ("im2col"), 9·Cin long and a 1 after it, so that the
//! bias is a row of the kernel: some positions at a time, in the cache.
//!
//! **Backward** the other way round: dL/dy times the kernel gives for each position what its neighbourhood gets, and each
//! position of dL/dx is the sum over the nine neighbourhoods that it is in ("col2im"). Multiplying first keeps the product's
//! depth at Cout.

use super::{Padding, im2col};
use crate::kernels::gemm::{self, Strided};
use crate::kernels::{Cpu, Kernel, MOST_LANES, Simd, load_some, store_some};
use crate::ops::relu::{self, Mask};
use crate::ops::workspace::Workspace;
use crate::ops::{Scalar, elements, elements_mut};
use ndarray::{Array3, Array4};
use rayon::prelude::*;
use std::ops::Range;

/// Positions that are multiplied at once: a multiple of every register tile's rows.
const POSITIONS: usize = 48;

/// Rows of the picture in one piece of backward's work. What one more on each side gives them is computed for both neighbours.
const ROWS: usize = 16;

/// A convolution with its kernel as two matrices, packed in panels.
pub struct Narrow<T> {
    cpu: Cpu,
    padding: Padding,
    cin: usize,
    cout: usize,
    /// (9·Cin + 1) × Cout; the last row is the bias.
    kernel: Vec<T>,
    /// Cout × 9·Cin
    turned: Vec<T>,
}

impl<T: Scalar> Narrow<T> {
    /// The convolution with this kernel, 3 × 3 × Cin × Cout (HWIO), and bias (Cout).
    pub fn new(kernel: &Array4<T>, bias: &[T], padding: Padding, cpu: Cpu) -> Self {
        let (_, _, cin, cout) = kernel.dim();
        let (patch, outputs) = (9 * cin, cout);
        let tap = |row: usize, o: usize| kernel[[row / (3 * cin), row / cin % 3, row % cin, o]];
        let with_bias = |row, o| if row == patch { bias[o] } else { tap(row, o) };
        Self {
            cpu,
            padding,
            cin,
            cout,
            kernel: gemm::pack(cpu, (patch + 1, outputs), with_bias),
            turned: gemm::pack(cpu, (outputs, patch), |o, row| tap(row, o)),
        }
    }

    /// y (H×W×Cout) of x (H×W×Cin), plus the bias; if there is a mask, y = max(that, 0), and the mask says where it is above 0.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn forward(
        &self,
        x: &Array3<T>,
        mask: Option<&mut Mask>,
        workspace: &Workspace<T>,
    ) -> Array3<T> {
        let (height, width, channels) = x.dim();
        assert_eq!(
            channels, self.cin,
            "x must have the kernel's input channels"
        );
        let mut y = workspace.array((height, width, self.cout));
        let mut masks =
            mask.map(|mask| (mask.words_mut()).chunks_mut(width * relu::words(self.cout)));
        let rows = elements_mut(&mut y).chunks_mut(width * self.cout);
        let rows: Vec<_> = rows
            .map(|y| (y, masks.as_mut().and_then(Iterator::next)))
            .collect();
        let rows = rows.into_par_iter().with_max_len(4).enumerate();
        rows.for_each(|(i, (y, mask))| {
            self.cpu.run(ForwardRow {
                of: self,
                x,
                i,
                y,
                mask,
            });
        });
        y
    }

    /// dL/dx (H×W×Cin) of `dy` = dL/dy (H×W×Cout), which counts only where the mask, if there is one, says so.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn backward(
        &self,
        dy: &Array3<T>,
        mask: Option<&Mask>,
        workspace: &Workspace<T>,
    ) -> Array3<T> {
        let (height, width, channels) = dy.dim();
        assert_eq!(
            channels, self.cout,
            "dy must have the kernel's output channels"
        );
        let mut dx = workspace.array((height, width, self.cin));
        (elements_mut(&mut dx).par_chunks_mut(ROWS * width * self.cin))
            .with_max_len(1)
            .enumerate()
            .for_each(|(band, dx)| {
                let first = band * ROWS;
                let rows = match self.padding {
                    Padding::Zero => first.max(1)..(height + 1).min(first + ROWS + 2),
                    Padding::Circular => first..height.min(first + ROWS) + 2,
                };
                let length = rows.len() * width * self.of_share();
                let mut buffer = workspace.buffer(length);
                let shares = &mut buffer[..length];
                self.cpu.run(Shares {
                    of: self,
                    dy,
                    mask,
                    rows: rows.clone(),
                    shares,
                });
                for (i, dx) in (first..).zip(dx.chunks_exact_mut(width * self.cin)) {
                    self.gather(i, &rows, shares, dx);
                }
                workspace.recycle_buffer(buffer);
            });
        dx
    }

    /// What one position of dL/dy gives: 9·Cin, filled up to whole panels.
    fn of_share(&self) -> usize {
        self.turned.len() / self.cout
    }

    /// Row i of dL/dx from the shares of the neighbourhoods around the positions of the rows next to it, which are numbered as in
    /// [`Shares`].
    fn gather(&self, i: usize, rows: &Range<usize>, shares: &[T], dx: &mut [T]) {
        let (cin, stride) = (self.cin, self.of_share());
        let width = dx.len() / cin;
        for (j, dx) in dx.chunks_exact_mut(cin).enumerate() {
            dx.fill(T::zero());
            // x[i, j] is in row p and column q of the neighbourhood of (i − p + 1, j − q + 1).
            for p in 0..3 {
                let row = i + 2 - p;
                if !rows.contains(&row) {
                    continue;
                }
                for q in 0..3 {
                    let Some(column) = self.padding.position(j + 2 - q, width) else {
                        continue;
                    };
                    let position = (row - rows.start) * width + column;
                    let share = &shares[position * stride + (3 * p + q) * cin..];
                    for (dx, &share) in dx.iter_mut().zip(share) {
                        *dx += share;
                    }
                }
            }
        }
    }
}

/// One row of the output.
struct ForwardRow<'a, T> {
    of: &'a Narrow<T>,
    x: &'a Array3<T>,
    i: usize,
    y: &'a mut [T],
    mask: Option<&'a mut [u16]>,
}

impl<T: Scalar> Kernel<T> for ForwardRow<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) {
        let (cin, cout) = (self.of.cin, self.of.cout);
        let (depth, width) = (9 * cin + 1, 2 * S::LANES);
        let words = relu::words(cout);
        let mut patches = vec![T::one(); POSITIONS * depth];
        let mut products = vec![T::zero(); POSITIONS * width];
        let of_y = POSITIONS * cout;
        for (piece, y) in self.y.chunks_mut(of_y).enumerate() {
            let first = piece * POSITIONS;
            let positions = y.len() / cout;
            let columns = first..first + positions;
            im2col::copy_patches(
                (self.x, self.of.padding),
                self.i,
                columns,
                depth,
                &mut patches,
            );
            let a = Strided {
                elements: &patches,
                row: depth,
                depth: 1,
            };
            for (panel, kernel) in self.of.kernel.chunks_exact(depth * width).enumerate() {
                let (shape, c) = ((positions, depth), (&mut products[..], width));
                gemm::panel(s, shape, a, kernel, c, false);
                let outputs = panel * width..cout.min((panel + 1) * width);
                let rows = y.chunks_exact_mut(cout).zip(products.chunks_exact(width));
                for (position, (y, products)) in (first..).zip(rows) {
                    for o in outputs.clone().step_by(S::LANES) {
                        let mut value = s.load(&products[o - outputs.start..]);
                        if let Some(mask) = &mut self.mask {
                            value = relu::cut(s, value, &mut mask[position * words..], o);
                        }
                        store_some(s, value, &mut y[o..]);
                    }
                }
            }
        }
    }
}

/// For some rows of dL/dy, what each position's neighbourhood gets of it.
struct Shares<'a, T> {
    of: &'a Narrow<T>,
    dy: &'a Array3<T>,
    mask: Option<&'a Mask>,
    /// Numbered from the one before the first, which on a torus is the last.
    rows: Range<usize>,
    shares: &'a mut [T],
}

impl<T: Scalar> Kernel<T> for Shares<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (height, width, cout) = self.dy.dim();
        let (panel, stride) = (2 * S::LANES, self.of.of_share());
        let words = relu::words(cout);
        let positions = self.rows.start * width..self.rows.end * width;
        let dy = elements(self.dy);
        // Masked, some positions at a time, each with room for a last vector.
        let row = cout + MOST_LANES;
        let mut masked = vec![T::zero(); POSITIONS * row];
        for (piece, shares) in self.shares.chunks_mut(POSITIONS * stride).enumerate() {
            let first = positions.start + piece * POSITIONS;
            for (position, masked) in (first..positions.end).zip(masked.chunks_exact_mut(row)) {
                let position = (position + (height - 1) * width) % (height * width);
                let dy = &dy[position * cout..][..cout];
                for o in (0..cout).step_by(S::LANES) {
                    let mut value = load_some(s, &dy[o..]);
                    if let Some(mask) = self.mask {
                        value = relu::keep(s, value, &mask.words()[position * words..], o);
                    }
                    s.store(value, &mut masked[o..]);
                }
            }
            let a = Strided {
                elements: &masked,
                row,
                depth: 1,
            };
            let shape = (shares.len() / stride, cout);
            for (at, kernel) in self.of.turned.chunks_exact(cout * panel).enumerate() {
                let c = (&mut shares[at * panel..], stride);
                gemm::panel(s, shape, a, kernel, c, false);
            }
        }
    }
}
