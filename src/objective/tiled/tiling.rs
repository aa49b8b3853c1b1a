//! How a picture is cut into tiles, so that what is computed tile by tile is the same as of the whole picture.
//!
//! Each position of each layer belongs to one tile. A tile reads more pixels than it owns, its *halo*: those in the receptive fields of the
//! positions that it owns at the deepest layer. Tiles begin at multiples of the layers' stride, so that their pooling cells are those of the whole
//! picture. Beyond the edges of what it reads a tile is padded as a picture is. At the picture's own edges that is right; elsewhere the
//! outputs near them are wrong, and no owned position depends on those.
//!
//! For a layer after p poolings a pixel's column j belongs to position ⌊j / 2ᵖ⌋. A convolution there sees 2ᵖ pixels further on each side,
//! a pooling none: the halo is the sum of 2ᵖ over the convolutions, rounded up to the stride.

use crate::method::big_array::{Bands, Interval};
use crate::method::{Padding, Scalar};
use crate::network::Network;
use std::ops::Range;

/// What the positions of a network's deepest layer see, as far as it matters for tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptiveField {
    /// Pixels that tiles begin at multiples of.
    pub stride: usize,
    /// Pixels that are read around a tile, a multiple of the stride.
    pub halo: usize,
    /// How pictures continue beyond their edges.
    pub padding: Padding,
}

/// A picture cut into tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiling {
    rows: Vec<Span>,
    columns: Vec<Span>,
}

/// A part of an axis, in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The pixels that it owns.
    own: Range<usize>,
    /// How many are read before them.
    before: usize,
    /// How many are read after them.
    after: usize,
}

/// A part of a picture that is computed by itself.
#[derive(Clone, Copy, Debug)]
pub struct Tile<'a> {
    rows: &'a Span,
    columns: &'a Span,
}

/// How large tiles are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileSize {
    /// Each owns at most this many pixels along each edge.
    Edge(usize),
    /// Each reads at most this many pixels.
    Area(usize),
}

impl TileSize {
    /// These rows of a picture (H×W) cut into such tiles. They begin at a multiple of the stride, and end at one or with the picture.
    pub(crate) fn cut_band(
        self,
        band: Range<usize>,
        size: (usize, usize),
        field: ReceptiveField,
    ) -> Tiling {
        match self {
            _ if field.keeps_whole(size) => Tiling::of_counts(band, size, (1, 1), field),
            Self::Edge(edge) => Tiling::new(band, size, edge, field),
            Self::Area(area) => Tiling::within(band, size, area, field),
        }
    }
}

impl ReceptiveField {
    /// Whether a picture (H×W) cannot be cut: a torus of which an edge is not a multiple of the stride, so that its pooling cells are cut off
    /// at one place.
    fn keeps_whole(&self, size: (usize, usize)) -> bool {
        let in_strides = [size.0, size.1].map(|edge| edge.is_multiple_of(self.stride));
        self.padding == Padding::Circular && in_strides != [true; 2]
    }

    /// How the rows of a picture (H×W) are divided among this many processes, and which rows each reads: its own, and those that the
    /// positions of its own see.
    pub fn bands(&self, size: (usize, usize), ranks: usize) -> (Bands, Vec<Interval>) {
        let bands = if self.keeps_whole(size) {
            Bands::undivided(size.0, ranks)
        } else {
            Bands::new(size.0, ranks, self.stride)
        };
        // Total variation compares neighbors, whatever the layers.
        let read = bands.widened(self.halo.max(1), self.padding == Padding::Circular);
        (bands, read)
    }
}

impl<T: Scalar> Network<T> {
    /// What the positions of these layers see, as far as it matters for tiles.
    pub fn receptive_field(&self, taps: impl IntoIterator<Item = usize>) -> ReceptiveField {
        let layers: Vec<usize> = taps.into_iter().collect();
        let strides = layers.iter().map(|&layer| 1 << self.poolings(layer));
        let stride = strides.max().unwrap_or(1);
        let reach = layers.iter().map(|&layer| self.reach(layer)).max();
        ReceptiveField {
            stride,
            halo: reach.unwrap_or(0).next_multiple_of(stride),
            padding: self.padding(),
        }
    }
}

impl Tiling {
    /// These rows of a picture (H×W) in tiles that own at most `edge`×`edge` pixels, or one stride each way if that is more. All have about
    /// the same size.
    ///
    /// # Panics
    /// If the picture is to be a torus and its height or width is not a multiple of the stride.
    pub fn new(
        band: Range<usize>,
        size: (usize, usize),
        edge: usize,
        field: ReceptiveField,
    ) -> Self {
        let count = |length: usize| length.div_ceil((edge / field.stride).max(1) * field.stride);
        let counts = (count(band.len()), count(size.1));
        Self::of_counts(band, size, counts, field)
    }

    /// These rows of a picture (H×W) in tiles that read at most `area` pixels each, and together as few as possible. If even the smallest
    /// read more, the smallest.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn within(
        band: Range<usize>,
        size: (usize, usize),
        area: usize,
        field: ReceptiveField,
    ) -> Self {
        // The longest span and the sum of all, for each number of spans.
        let lengths = |own: Range<usize>, length: usize| -> Vec<(usize, usize)> {
            let counts = 1..=own.len().div_ceil(field.stride);
            let spans = counts.map(|count| spans(own.clone(), length, count, field));
            spans.map(|spans| (longest(&spans), sum(&spans))).collect()
        };
        let (rows, columns) = (lengths(band.clone(), size.0), lengths(0..size.1, size.1));
        let mut best = None;
        for (j, &(widest, across)) in columns.iter().enumerate() {
            let fits = rows
                .iter()
                .position(|&(highest, _)| highest * widest <= area);
            let read = fits.map(|i| (rows[i].1 * across, (i + 1, j + 1)));
            best = [best, read].into_iter().flatten().min();
        }
        match best {
            Some((_, counts)) => Self::of_counts(band, size, counts, field),
            None => Self::new(band, size, field.stride, field),
        }
    }

    fn of_counts(
        band: Range<usize>,
        (height, width): (usize, usize),
        (rows, columns): (usize, usize),
        field: ReceptiveField,
    ) -> Self {
        Self {
            rows: spans(band, height, rows, field),
            columns: spans(0..width, width, columns, field),
        }
    }

    /// The tiles, row by row.
    pub fn tiles(&self) -> impl Iterator<Item = Tile<'_>> {
        let rows = self.rows.iter();
        rows.flat_map(|rows| {
            self.columns
                .iter()
                .map(move |columns| Tile { rows, columns })
        })
    }

    /// The rows that the tiles own at a layer after this many poolings, counted in the whole layer.
    pub(crate) fn place_of_rows(&self, poolings: usize) -> Range<usize> {
        let place = |span: &Span| span.place(poolings);
        let first = self.rows.first().map_or(0, |span| place(span).start);
        first..self.rows.last().map_or(first, |span| place(span).end)
    }

    /// The tile, if there is one alone.
    pub(crate) fn the_only_tile(&self) -> Option<Tile<'_>> {
        let mut tiles = self.tiles();
        tiles.next().filter(|_| tiles.next().is_none())
    }

    /// How many rows and columns of tiles there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.rows.len(), self.columns.len())
    }

    /// The most pixels that a tile reads.
    pub fn largest_area(&self) -> usize {
        longest(&self.rows) * longest(&self.columns)
    }

    /// The pixels that all tiles own together.
    pub fn own_area(&self) -> usize {
        let own = |spans: &[Span]| spans.iter().map(|span| span.own.len()).sum::<usize>();
        own(&self.rows) * own(&self.columns)
    }

    /// The pixels that all tiles read together.
    pub fn read_area(&self) -> usize {
        sum(&self.rows) * sum(&self.columns)
    }
}

/// A part of an axis of this length, cut into about `count` parts of about the same length, each a whole number of strides.
fn spans(part: Range<usize>, length: usize, count: usize, field: ReceptiveField) -> Vec<Span> {
    let ReceptiveField { stride, halo, .. } = field;
    let torus = field.padding == Padding::Circular;
    let strides = part.len().div_ceil(stride);
    let count = count.min(strides);
    let undivided = count == 1 && part == (0..length);
    assert!(
        !torus || length.is_multiple_of(stride) || undivided || part.is_empty(),
        "a torus of whole strides"
    );
    let bound = |k: usize| (part.start + strides * k / count * stride).min(part.end);
    let span = |k| {
        let own = bound(k)..bound(k + 1);
        let (before, after) = match (undivided, torus) {
            (true, _) => (0, 0),
            (_, true) => (halo, halo),
            (_, false) => (halo.min(own.start), halo.min(length - own.end)),
        };
        Span { own, before, after }
    };
    (0..count).map(span).collect()
}

fn longest(spans: &[Span]) -> usize {
    spans.iter().map(Span::length).max().unwrap_or(0)
}

fn sum(spans: &[Span]) -> usize {
    spans.iter().map(Span::length).sum()
}

impl Span {
    /// How many pixels are read.
    fn length(&self) -> usize {
        self.before + self.own.len() + self.after
    }

    fn read(&self) -> Interval {
        let first = self.own.start as isize - self.before as isize;
        first..first + self.length() as isize
    }

    /// The positions that it owns at a layer after this many poolings, counted on the whole axis.
    fn place(&self, poolings: usize) -> Range<usize> {
        self.own.start >> poolings..self.own.end.div_ceil(1 << poolings)
    }

    /// The same, counted from the first that it reads.
    fn own(&self, poolings: usize) -> Range<usize> {
        let first = self.before >> poolings;
        first..first + self.place(poolings).len()
    }
}

impl Tile<'_> {
    /// The rows and columns of pixels that it reads. On a torus they may lie beyond the edges.
    pub fn read(&self) -> (Interval, Interval) {
        (self.rows.read(), self.columns.read())
    }

    /// The rows and columns that it owns at a layer after this many poolings, counted from the first that it reads.
    pub fn own(&self, poolings: usize) -> (Range<usize>, Range<usize>) {
        (self.rows.own(poolings), self.columns.own(poolings))
    }

    /// The same, counted in the whole layer.
    pub fn place(&self, poolings: usize) -> (Range<usize>, Range<usize>) {
        (self.rows.place(poolings), self.columns.place(poolings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELD: ReceptiveField = ReceptiveField {
        stride: 4,
        halo: 8,
        padding: Padding::Zero,
    };

    #[test]
    fn every_position_of_every_layer_belongs_to_one_tile() {
        for padding in [Padding::Zero, Padding::Circular] {
            for length in [4, 16, 17, 39, 40] {
                if padding == Padding::Circular && length % 4 != 0 {
                    continue;
                }
                for count in 1..12 {
                    let spans = spans(
                        0..length,
                        length,
                        count,
                        ReceptiveField { padding, ..FIELD },
                    );
                    for poolings in 0..=2 {
                        let places = spans.iter().flat_map(|span| span.place(poolings));
                        assert!(places.eq(0..length.div_ceil(1 << poolings)), "{spans:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_halo_ends_at_the_edges_of_a_picture_and_goes_on_around_a_torus() {
        let edges = spans(0..39, 39, 3, FIELD);
        let read: Vec<_> = edges.iter().map(Span::read).collect();
        assert_eq!(read, [0..20, 4..32, 16..39]);
        // It owns 12..24 of 4..32.
        assert_eq!((edges[1].own(0), edges[1].own(2)), (8..20, 2..5));
        let torus = ReceptiveField {
            padding: Padding::Circular,
            ..FIELD
        };
        let read: Vec<_> = spans(0..40, 40, 2, torus).iter().map(Span::read).collect();
        assert_eq!(read, [-8..28, 12..48]);
        assert_eq!(spans(0..40, 40, 1, torus)[0].read(), 0..40);
    }

    #[test]
    fn tiles_fit_into_an_area_and_read_little_twice() {
        let field = ReceptiveField {
            stride: 16,
            halo: 64,
            padding: Padding::Zero,
        };
        let whole = Tiling::within(0..1500, (1500, 2000), 3_000_000, field);
        assert_eq!(whole.counts(), (1, 1));
        let tiling = Tiling::within(0..1500, (1500, 2000), 1_000_000, field);
        assert!(tiling.largest_area() <= 1_000_000);
        assert!(
            (tiling.read_area() as f64) < 1.25 * 3_000_000.0,
            "{:?}",
            tiling.counts()
        );
        // Less than the smallest tile.
        let tiny = Tiling::within(0..64, (64, 48), 1, field);
        assert_eq!(tiny.counts(), (4, 3));
    }
}
