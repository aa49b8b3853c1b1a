//! The style loss: the picture's vectors against those of one or several paintings.
//!
//! > L = remd + moments + p·palette
//!
//! of the [`hypercolumns`] at n positions of the picture, drawn anew in each iteration. Of each painting up to 5·n vectors are
//! kept. [`moments`] compares with all of them, [`remd`] and [`palette`] with up to n, which are drawn anew in each iteration, from
//! each painting as many as its share says.

use super::hypercolumns::Hypercolumns;
use super::moments::{self, Moments};
use super::positions::{self, Sampling};
use super::{palette, remd};
use crate::method::Scalar;
use crate::method::loss::{JointBackward, JointForward, JointLoss, Loan, Products};
use crate::parallel::for_each;
use ndarray::{Array2, Array3, s};

/// Vectors that are kept of each painting, for each position that is looked at.
const KEPT: usize = 5;

/// Set apart from the numbers of iterations, and from each other: which random numbers choose positions of paintings, and vectors
/// from those kept.
const PAINTINGS: u64 = 1 << 62;
const DRAWS: u64 = 1 << 63;

/// The loss that is small where a picture's pixels and activations are distributed as those of the paintings are. Its arrays are
/// the picture, and the activations of the layers.
pub struct StrotssStyle<T> {
    sampling: Sampling<T>,
    palette_weight: f64,
    /// The vectors of each painting (m×C, m > 0) and its share, above 0.
    paintings: Vec<(Array2<T>, f64)>,
    /// Those of the mixture. None if nothing of any painting is visible.
    moments: Option<Moments<T>>,
}

/// A [`StrotssStyle`] whose paintings are added one after the other, so that the activations of only one need to exist at a time.
pub struct StrotssStyleBuilder<T> {
    loss: StrotssStyle<T>,
    /// Paintings that were added, with those that nothing is visible of.
    added: u64,
}

impl<T: Scalar> StrotssStyleBuilder<T> {
    /// A loss without paintings, which looks at the picture as `sampling` says. `palette_weight` is p.
    pub fn new(sampling: Sampling<T>, palette_weight: f64) -> Self {
        let loss = StrotssStyle {
            sampling,
            palette_weight,
            paintings: Vec::new(),
            moments: None,
        };
        Self { loss, added: 0 }
    }

    /// Adds a painting of this height and width to the mixture. What counts is the ratio of the shares. Its vectors are taken in
    /// proportion to its `mask` (H×W, at least 0), if there is one. It is ignored if the mask shows nothing or the share is 0.
    ///
    /// `show` calls its argument with the painting's pixels, and then with the activations of each layer, one after the other. All
    /// of them have this many `channels` together.
    ///
    /// # Panics
    /// If the mask has another size than the painting, or the arrays do not have the channels that were said, or those of the
    /// paintings before.
    pub fn add_painting(
        &mut self,
        (size, channels): ((usize, usize), usize),
        share: f64,
        mask: Option<&Array2<T>>,
        products: &dyn Products<T>,
        show: impl FnOnce(&mut dyn FnMut(&Array3<T>)),
    ) {
        let loss = &mut self.loss;
        let sampling = &loss.sampling;
        let (stream, count) = (PAINTINGS + self.added, KEPT * sampling.count);
        self.added += 1;
        let positions = positions::positions(sampling.seed, stream, count, size, mask);
        if positions.is_empty() || share <= 0.0 {
            return;
        }
        let mut vectors = Hypercolumns::new(positions, size, channels, products);
        show(&mut |f| vectors.read(f, |f| f, sampling.mean));
        let vectors = vectors.vectors();
        let own = Moments::of(vectors, products);
        if let Some(moments) = &mut loss.moments {
            let before = loss.paintings.iter().map(|(_, share)| share).sum();
            moments.mix(before, &own, share);
        } else {
            loss.moments = Some(own);
        }
        // A copy: what the engine lends may be larger, and it is to lend it to others.
        loss.paintings.push((vectors.to_owned(), share));
    }

    /// The loss. It is 0 if nothing of any painting is visible.
    pub fn finish(self) -> StrotssStyle<T> {
        self.loss
    }
}

impl<T: Scalar> StrotssStyle<T> {
    /// Up to n vectors of the paintings (m×C), of which each iteration has its own. A painting of which more vectors are wanted
    /// than there are gives some of them several times.
    fn draw<'a>(&self, iteration: u64, products: &'a dyn Products<T>) -> Loan<'a, T> {
        let mut noise = positions::random(self.sampling.seed, DRAWS.wrapping_add(iteration));
        let kept: usize = self.paintings.iter().map(|(v, _)| v.nrows()).sum();
        let count = self.sampling.count.min(kept);
        let shares: f64 = self.paintings.iter().map(|(_, share)| share).sum();
        let (mut before, mut end) = (0.0, 0);
        let mut drawn = Vec::with_capacity(count);
        for (number, (vectors, share)) in self.paintings.iter().enumerate() {
            before += share;
            let first = std::mem::replace(&mut end, {
                let last = number + 1 == self.paintings.len();
                let part = (before / shares * count as f64).round() as usize;
                if last { count } else { part.min(count) }
            });
            let order = positions::draw(&mut noise, end - first, vectors.nrows());
            drawn.extend((order.iter().cycle().take(end - first)).map(|&i| vectors.row(i)));
        }
        let channels = self.paintings[0].0.ncols();
        let mut y = Loan::new(products.matrix((count, channels)), products);
        let rows = y.as_slice_mut().expect("it is in standard layout");
        for_each(rows.chunks_exact_mut(channels).zip(drawn), |(y, row)| {
            y.copy_from_slice(row.to_slice().expect("rows are contiguous"));
        });
        y
    }
}

impl<T: Scalar> JointLoss<T> for StrotssStyle<T> {
    fn begin<'a>(
        &'a self,
        size: (usize, usize),
        iteration: u64,
        products: &'a dyn Products<T>,
    ) -> Box<dyn JointForward<'a, T> + 'a> {
        let channels = (self.paintings.first()).map(|(vectors, _)| vectors.ncols());
        let hypercolumns = |channels| {
            let positions = self.sampling.positions(iteration, size);
            Hypercolumns::new(positions, size, channels, products)
        };
        Box::new(Forward {
            loss: self,
            iteration,
            picture: channels.map(hypercolumns),
            products,
        })
    }
}

/// The vectors of the picture, while they are read.
struct Forward<'a, T: Scalar> {
    loss: &'a StrotssStyle<T>,
    iteration: u64,
    /// None if nothing of any painting is visible.
    picture: Option<Hypercolumns<'a, T>>,
    products: &'a dyn Products<T>,
}

impl<'a, T: Scalar> JointForward<'a, T> for Forward<'a, T> {
    fn read(&mut self, _: usize, f: &Array3<T>) {
        if let Some(picture) = &mut self.picture {
            picture.read(f, |f| f, self.loss.sampling.mean);
        }
    }

    fn finish(self: Box<Self>) -> (f64, Box<dyn JointBackward<T> + 'a>) {
        let (loss, products) = (self.loss, self.products);
        let (Some(picture), Some(moments)) = (self.picture, &loss.moments) else {
            return (0.0, Box::new(()));
        };
        let (x, y) = (picture.vectors(), loss.draw(self.iteration, products));
        let (of_moments, dx) = moments::value_and_gradient(x, moments, products);
        let (of_pairs, d_pairs) = remd::value_and_gradient(x, y.view(), products);
        let mut dx = Loan::new(dx, products);
        *dx += &*Loan::new(d_pairs, products);
        let colors = s![.., ..3];
        let (of_colors, d_colors) =
            palette::value_and_gradient(x.slice(colors), y.slice(colors), products);
        let d_colors = Loan::new(d_colors, products);
        (dx.slice_mut(colors)).scaled_add(T::of(loss.palette_weight), &*d_colors);
        let value = of_pairs + of_moments + loss.palette_weight * of_colors;
        (value, Box::new(picture.back(dx)))
    }
}
