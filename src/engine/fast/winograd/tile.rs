//! The sizes of tiles, and which is chosen. The choice depends on the layer, the size of the picture and the CPU's vectors alone, so that the
//! result is the same, bit for bit, with any number of threads.

use super::super::simd::MAX_LANES;

/// The outputs that are computed together, in rows and columns. A large tile takes fewer products, but has a larger kernel, and loses more to
/// rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tile {
    TwoByTwo,
    FourByFour,
    FourBySix,
}

/// Tiles are of 2×2 if there would be at most this many of 4×4 for each lane of a vector: the wider the vectors, the sooner the products are
/// done. The bound was measured.
const SMALL_TILES_PER_LANE: f64 = 0.75;

/// To load a kernel takes about as long as to multiply this many tiles of each row by it, in pictures so small that it matters.
const KERNEL_TILES: usize = 2;

/// The least product Cin·Cout of kernels that take tiles of 4×6. Below it, the larger transforms take most of what the products save. It is
/// higher with vectors of 16 numbers: they make products faster, but transforms hardly, since those wait for memory. It was measured with
/// AVX-512, AVX2 and the portable code.
fn min_wide_kernel(lanes: usize) -> usize {
    if lanes < MAX_LANES {
        128 * 128
    } else {
        256 * 256
    }
}

impl Tile {
    /// The size that is fastest for a picture of this height and width, and a kernel with these channels.
    pub fn of_layer(shape: (usize, usize), (cin, cout): (usize, usize), lanes: usize) -> Self {
        if Self::FourByFour.tiles(shape) as f64 <= SMALL_TILES_PER_LANE * lanes as f64 {
            Self::TwoByTwo
        } else if cin * cout >= min_wide_kernel(lanes)
            && Self::FourBySix.cost(shape.1) < Self::FourByFour.cost(shape.1)
        {
            Self::FourBySix
        } else {
            Self::FourByFour
        }
    }

    /// What a row of tiles takes in a picture of this width, in products for each pair of channels. The height does not count, so that a band of
    /// rows, as one of several processes computes it, takes tiles as wide as the whole picture does, unless it is so low that they are 2×2.
    fn cost(self, width: usize) -> usize {
        let (_, across) = self.grid((1, width));
        self.pairs() * (across + KERNEL_TILES)
    }

    /// Rows and columns of outputs.
    pub fn outputs(self) -> (usize, usize) {
        match self {
            Self::TwoByTwo => (2, 2),
            Self::FourByFour => (4, 4),
            Self::FourBySix => (4, 6),
        }
    }

    /// How many channels are added up before they are added to the sum of those before. The larger transforms of 4×6 multiply the rounding of
    /// these sums, and the larger a sum is, the more each addition rounds off.
    pub fn max_terms(self) -> usize {
        match self {
            Self::TwoByTwo | Self::FourByFour => usize::MAX,
            Self::FourBySix => 64,
        }
    }

    /// The points along each axis. There are as many products, and as many inputs.
    fn points(self) -> (usize, usize) {
        let (rows, columns) = self.outputs();
        (rows + 2, columns + 2)
    }

    /// Pairs of points, one for each axis.
    pub fn pairs(self) -> usize {
        let (down, across) = self.points();
        down * across
    }

    /// Rows and columns of tiles that cover a picture of this height and width.
    pub fn grid(self, (height, width): (usize, usize)) -> (usize, usize) {
        let (rows, columns) = self.outputs();
        (height.div_ceil(rows), width.div_ceil(columns))
    }

    /// The number of tiles of a picture.
    fn tiles(self, shape: (usize, usize)) -> usize {
        let (down, across) = self.grid(shape);
        down * across
    }

    /// The products for each pair of channels.
    pub fn products(self, shape: (usize, usize)) -> usize {
        self.pairs() * self.tiles(shape)
    }
}
