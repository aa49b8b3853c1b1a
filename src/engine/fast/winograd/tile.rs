//! The sizes of tiles, and which is chosen. The choice depends on the size of the picture and on the CPU's vectors alone, so that the result is
//! the same, bit for bit, with any number of threads.

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

/// To transform a kernel, or to load it from memory, takes about as long as to multiply this many tiles by it.
const KERNEL_TILES: usize = 24;

impl Tile {
    /// The size that is fastest for a picture of this height and width.
    pub fn of_picture(shape: (usize, usize), lanes: usize) -> Self {
        if Self::FourByFour.tiles(shape) as f64 <= SMALL_TILES_PER_LANE * lanes as f64 {
            Self::TwoByTwo
        } else if Self::FourBySix.cost(shape) < Self::FourByFour.cost(shape) {
            Self::FourBySix
        } else {
            Self::FourByFour
        }
    }

    /// What a pass takes, in products for each pair of channels.
    fn cost(self, shape: (usize, usize)) -> usize {
        self.pairs() * (self.tiles(shape) + KERNEL_TILES)
    }

    /// Rows and columns of outputs.
    pub fn outputs(self) -> (usize, usize) {
        match self {
            Self::TwoByTwo => (2, 2),
            Self::FourByFour => (4, 4),
            Self::FourBySix => (4, 6),
        }
    }

    /// The points along each axis. There are as many products, and as many inputs.
    pub fn points(self) -> (usize, usize) {
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
    pub fn tiles(self, shape: (usize, usize)) -> usize {
        let (down, across) = self.grid(shape);
        down * across
    }

    /// The products for each pair of channels.
    pub fn products(self, shape: (usize, usize)) -> usize {
        self.pairs() * self.tiles(shape)
    }
}
