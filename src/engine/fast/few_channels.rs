//! Convolution of few channels. This is conv1_1 with its three, whose matrix products are too thin for Winograd's algorithm.
//!
//! **Forward**, each position's 3×3 neighborhood becomes a row of a matrix ("im2col"): 9·Cin numbers, and a 1 after them, so that
//! the bias is a row of the kernel. A few positions are computed at a time, in the cache.
//!
//! **Backward** is the transpose ("col2im"): dL/dy times the kernel gives the contribution of each position to its neighborhood,
//! and each position of dL/dx sums the contributions of the nine neighborhoods that it is in. With the product first, its
//! depth is Cout.

use super::mask::{Mask, apply_mask, relu_and_mask, word_of, words_per_position};
use super::simd::gemm::{self, Panel, Strided};
use super::simd::{Cpu, MAX_LANES, Simd, SimdTask, load_partial, store_partial};
use super::workspace::Workspace;
use crate::engine::SimdScalar;
use crate::method::scalar::{elements, elements_mut};
use crate::method::{Padding, Scalar};
use crate::parallel::for_each_with;
use ndarray::{Array3, Array4};
use std::ops::Range;

/// Positions that are multiplied at once: full register tiles, or nearly full ones.
const PRODUCT_POSITIONS: usize = 48;

/// Rows of the picture in one task of the backward pass. Each task also computes the contributions of one more row on each side,
/// which its neighbor computes too.
const TASK_ROWS: usize = 16;

/// A convolution whose kernel is stored as two packed matrices.
pub struct FewChannels<T> {
    cpu: Cpu,
    padding: Padding,
    cin: usize,
    cout: usize,
    /// (9·Cin + 1) × Cout; the last row is the bias.
    kernel: Vec<T>,
    /// Cout × 9·Cin
    transposed: Vec<T>,
}

impl<T: SimdScalar> FewChannels<T> {
    /// The convolution with this kernel, 3 × 3 × Cin × Cout (HWIO), and bias (Cout).
    pub fn new(kernel: &Array4<T>, bias: &[T], padding: Padding, cpu: Cpu) -> Self {
        let (_, _, cin, cout) = kernel.dim();
        let taps = 9 * cin;
        let tap = |row: usize, o: usize| kernel[[row / (3 * cin), row / cin % 3, row % cin, o]];
        let with_bias = |row, o| if row == taps { bias[o] } else { tap(row, o) };
        Self {
            cpu,
            padding,
            cin,
            cout,
            kernel: gemm::pack(cpu, (taps + 1, cout), with_bias),
            transposed: gemm::pack(cpu, (cout, taps), |o, row| tap(row, o)),
        }
    }

    /// y (H×W×Cout) of x (H×W×Cin), plus the bias. If there is a mask, y = max(that, 0), and the mask is set where it is above 0.
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
            mask.map(|mask| (mask.words_mut()).chunks_mut(width * words_per_position(self.cout)));
        let rows = elements_mut(&mut y).chunks_mut(width * self.cout);
        let rows = rows.map(|y| (y, masks.as_mut().and_then(Iterator::next)));
        let depth = 9 * self.cin + 1;
        let lengths = [depth, gemm::panel_width::<T>(self.cpu)].map(|n| PRODUCT_POSITIONS * n);
        let buffers = || workspace.buffers(lengths);
        for_each_with(
            rows.enumerate(),
            buffers,
            |[neighborhoods, products], (i, (y, mask))| {
                self.cpu.run(ForwardRow {
                    conv: self,
                    x,
                    i,
                    y,
                    mask,
                    neighborhoods,
                    products,
                });
            },
        );
        y
    }

    /// dL/dx (H×W×Cin) of `dy` = dL/dy (H×W×Cout). If there is a mask, `dy` is taken as 0 where the mask is not set.
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
        let bands = elements_mut(&mut dx).chunks_mut(TASK_ROWS * width * self.cin);
        let lengths = [
            (TASK_ROWS.min(height) + 2) * width * self.contribution_stride(),
            PRODUCT_POSITIONS * (self.cout + MAX_LANES),
        ];
        let buffers = || workspace.buffers(lengths);
        for_each_with(
            bands.enumerate(),
            buffers,
            |[contributions, masked], (band, dx)| {
                let first = band * TASK_ROWS;
                let rows = match self.padding {
                    Padding::Zero => first.max(1)..(height + 1).min(first + TASK_ROWS + 2),
                    Padding::Circular => first..height.min(first + TASK_ROWS) + 2,
                };
                let length = rows.len() * width * self.contribution_stride();
                let contributions = &mut contributions[..length];
                self.cpu.run(Contributions {
                    conv: self,
                    dy,
                    mask,
                    rows: rows.clone(),
                    contributions,
                    masked,
                });
                for (i, dx) in (first..).zip(dx.chunks_exact_mut(width * self.cin)) {
                    self.gather(i, &rows, contributions, dx);
                }
            },
        );
        dx
    }

    /// Elements from one position's contribution to the next: 9·Cin, rounded up to whole panels.
    fn contribution_stride(&self) -> usize {
        self.transposed.len() / self.cout
    }

    /// Row i of dL/dx: sums the contributions of the positions in these rows, which are numbered as in [`Contributions`].
    fn gather(&self, i: usize, rows: &Range<usize>, contributions: &[T], dx: &mut [T]) {
        let (cin, stride) = (self.cin, self.contribution_stride());
        let width = dx.len() / cin;
        for j in 0..width {
            let dx = &mut dx[j * cin..][..cin];
            dx.fill(T::zero());
            // x[i, j] is in row p and column q of the neighborhood of (i − p + 1, j − q + 1).
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
                    let from = &contributions[position * stride + (3 * p + q) * cin..][..cin];
                    for c in 0..cin {
                        dx[c] += from[c];
                    }
                }
            }
        }
    }
}

/// Copies the 3×3 neighborhoods of the positions in these columns of row i of x (H×W×C): 9·C elements for each, and each
/// neighborhood begins `stride` elements after the one before.
#[inline(always)]
fn copy_neighborhoods<T: Scalar>(
    (x, padding): (&Array3<T>, Padding),
    i: usize,
    columns: Range<usize>,
    stride: usize,
    to: &mut [T],
) {
    let (height, width, channels) = x.dim();
    let x = elements(x);
    for (at, j) in columns.enumerate() {
        for p in 0..3 {
            let third = &mut to[at * stride + p * 3 * channels..][..3 * channels];
            // Row p of the neighborhood is row i + p − 1 of x, and its columns j − 1, j, j + 1 are adjacent there.
            let row = padding.position(i + p, height);
            if let Some(row) = row
                && j > 0
                && j + 1 < width
            {
                let x = &x[(row * width + j - 1) * channels..][..3 * channels];
                third.copy_from_slice(x);
                continue;
            }
            third.fill(T::zero());
            for (q, third) in third.chunks_exact_mut(channels).enumerate() {
                if let (Some(row), Some(column)) = (row, padding.position(j + q, width)) {
                    let position = row * width + column;
                    third.copy_from_slice(&x[position * channels..][..channels]);
                }
            }
        }
    }
}

/// Computes one row of the output.
struct ForwardRow<'a, T> {
    conv: &'a FewChannels<T>,
    x: &'a Array3<T>,
    i: usize,
    y: &'a mut [T],
    mask: Option<&'a mut [u16]>,
    /// Room for the neighborhoods of some positions.
    neighborhoods: &'a mut [T],
    /// Room for a panel of their products.
    products: &'a mut [T],
}

impl<T: Scalar> SimdTask<T> for ForwardRow<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) {
        let (cin, cout) = (self.conv.cin, self.conv.cout);
        let (depth, width) = (9 * cin + 1, 2 * S::LANES);
        let words = words_per_position(cout);
        let (neighborhoods, products) = (self.neighborhoods, self.products);
        neighborhoods.fill(T::one());
        let (mut rest, mut first) = (self.y, 0);
        while !rest.is_empty() {
            let length = rest.len().min(PRODUCT_POSITIONS * cout);
            let (y, others) = rest.split_at_mut(length);
            let positions = length / cout;
            let columns = first..first + positions;
            let source = (self.x, self.conv.padding);
            copy_neighborhoods(source, self.i, columns, depth, neighborhoods);
            let a = Strided {
                elements: neighborhoods,
                row_stride: depth,
                depth_stride: 1,
            };
            // Each panel prefetches a part of the next outputs.
            let next = &others[..length.min(others.len())];
            let panels = self.conv.kernel.chunks_exact(depth * width);
            let mut next = next.chunks(next.len().div_ceil(panels.len()).max(1));
            for (panel, elements) in panels.enumerate() {
                let kernel = Panel {
                    elements,
                    next: next.next().unwrap_or_default(),
                };
                let (shape, c) = ((positions, depth), (&mut products[..], width));
                gemm::panel(s, shape, a, kernel, c, false);
                let outputs = panel * width..cout.min((panel + 1) * width);
                for position in 0..positions {
                    let y = &mut y[position * cout..][..cout];
                    for o in outputs.clone().step_by(S::LANES) {
                        let mut value = s.load(&products[position * width + o - outputs.start..]);
                        if let Some(mask) = &mut self.mask {
                            let mask = &mut mask[(first + position) * words..];
                            value = relu_and_mask(s, value, mask, o);
                        }
                        store_partial(s, value, &mut y[o..]);
                    }
                }
            }
            (rest, first) = (others, first + positions);
        }
    }
}

/// Computes what each position in some rows of dL/dy contributes to its neighborhood.
struct Contributions<'a, T> {
    conv: &'a FewChannels<T>,
    dy: &'a Array3<T>,
    mask: Option<&'a Mask>,
    /// Number i + 1 is row i. Row −1, number 0, is the last one on a torus.
    rows: Range<usize>,
    contributions: &'a mut [T],
    /// Room for some positions of dL/dy with the mask applied.
    masked: &'a mut [T],
}

impl<T: SimdScalar> SimdTask<T> for Contributions<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (height, width, cout) = self.dy.dim();
        let (panel, stride) = (2 * S::LANES, self.conv.contribution_stride());
        let words = words_per_position(cout);
        let positions = self.rows.start * width..self.rows.end * width;
        let in_dy = |position: usize| (position + (height - 1) * width) % (height * width);
        let dy = elements(self.dy);
        // dL/dy with the mask applied, a few positions at a time; each has room for a whole last vector.
        let row = cout + MAX_LANES;
        let masked = self.masked;
        let pieces = self.contributions.chunks_mut(PRODUCT_POSITIONS * stride);
        for (piece, contributions) in pieces.enumerate() {
            let first = positions.start + piece * PRODUCT_POSITIONS;
            let count = contributions.len() / stride;
            for number in 0..count {
                let position = in_dy(first + number);
                let dy = &dy[position * cout..][..cout];
                let masked = &mut masked[number * row..][..row];
                for o in (0..cout).step_by(S::LANES) {
                    let mut value = load_partial(s, &dy[o..]);
                    if let Some(mask) = self.mask {
                        let word = mask.words()[position * words + word_of(o)];
                        value = apply_mask(s, value, word, o);
                    }
                    s.store(value, &mut masked[o..]);
                }
            }
            let a = Strided {
                elements: masked,
                row_stride: row,
                depth_stride: 1,
            };
            let shape = (count, cout);
            // Each panel prefetches a part of the next positions.
            let next = &dy[cout * in_dy(first + PRODUCT_POSITIONS)..];
            let next = &next[..next.len().min(PRODUCT_POSITIONS * cout)];
            let panels = self.conv.transposed.chunks_exact(cout * panel);
            let mut next = next.chunks(next.len().div_ceil(panels.len()));
            for (at, elements) in panels.enumerate() {
                let c = (&mut contributions[at * panel..], stride);
                let kernel = Panel {
                    elements,
                    next: next.next().unwrap_or_default(),
                };
                gemm::panel(s, shape, a, kernel, c, false);
            }
        }
    }
}
