//! Each vector of a layer against the painting's nearest, found anew in each iteration and at each layer by itself.
//!
//! > L = Σₖ (1/n) Σ minⱼ (1 − cᵢⱼ),  cᵢⱼ = (uᵢ·bⱼ) / sᵢ,  sᵢ = √(‖uᵢ‖² + ε),  uᵢ = xᵢ − x̄
//!
//! over the layers k, and n positions i drawn at random ([`draw`]); bⱼ are the painting's vectors, less their mean, at length 1.
//! The smallest distance is differentiated as if the match j were fixed. This is exact where no other vector is as near: the match does
//! not change under a small change of x. The mean x̄ of the n vectors does change:
//!
//! > gᵢ = dL/duᵢ = −(1/n)·( bⱼ/sᵢ − cᵢⱼ·uᵢ/sᵢ² ),  dL/dxᵢ = gᵢ − (1/m) Σ g
//!
//! Where the picture has regions, each has its own mean, of its m positions, and its own paintings; n is the sum of all m.
//!
//! Source: Kolkin et al. 2022, section 3.3 (feature splitting). Their program draws from picture and painting at the same offset, and
//! at layers at most 64 wide compares the activations of a layer before; here each draws its own, and every layer its own activations.

use super::cosine::{Derivative, dot, norm};
use super::masks;
use super::matching::{center, mean, most_similar, normalize};
use super::split_samples::{Stored, draw};
use crate::method::loss::Loan;
use crate::method::scalar::{elements, elements_mut};
use crate::method::{JointBackward, JointForward, JointLoss, Products, Scalar};
use crate::parallel::{for_each, map};
use ndarray::{Array2, Array3};
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// The loss of a picture's layers, each of which is to come close to a painting's, or to those of several.
///
/// An iteration's number says which positions are compared: over the iterations all positions of the picture are, and all of the
/// painting that are stored, at most about 16·64·64 of a layer.
pub struct SplitLoss<T: Scalar> {
    /// The paintings of each layer and region.
    layers: Vec<Vec<Vec<Stored<T>>>>,
    /// How much each position of the picture belongs to each region, H×W of any size.
    masks: Vec<Option<Array2<T>>>,
}

/// A [`SplitLoss`] whose paintings are added layer by layer, so that only one layer needs to exist at a time.
pub struct SplitLossBuilder<T: Scalar> {
    regions: usize,
    layers: Vec<Vec<Vec<Stored<T>>>>,
}

impl<T: Scalar> SplitLossBuilder<T> {
    /// A loss without paintings for a picture with this many `layers` and `regions`.
    pub fn new(layers: usize, regions: usize) -> Self {
        let empty = || (0..regions).map(|_| Vec::new()).collect();
        Self {
            regions,
            layers: (0..layers).map(|_| empty()).collect(),
        }
    }

    /// Adds layer number `k` (H×W×C) of a painting to those that a region may choose from. All vectors of all paintings are candidates
    /// alike. Masks are as in [`Candidates`](super::Candidates).
    ///
    /// # Panics
    /// If there is no such layer or region.
    pub fn add_layer(&mut self, region: usize, k: usize, f: &Array3<T>, mask: Option<&Array2<T>>) {
        let (height, width, _) = f.dim();
        let visible = masks::visible(mask, (height, width));
        if !visible.is_empty() {
            self.layers[k][region].push(Stored::new(f, &visible));
        }
    }

    /// The loss. Each region has a mask (of any size), or `None` if it counts 1 everywhere. Each position belongs to the region with
    /// the largest weight. Positions of regions that have no painting do not count.
    ///
    /// # Panics
    /// If there are not as many masks as regions.
    pub fn finish(self, masks: Vec<Option<Array2<T>>>) -> SplitLoss<T> {
        assert_eq!(masks.len(), self.regions, "a mask for each region");
        SplitLoss {
            layers: self.layers,
            masks,
        }
    }
}

/// Some positions of a layer, and n·dL/dx there.
struct Samples<'a, T: Scalar> {
    /// Numbers of positions.
    positions: Vec<usize>,
    /// One vector in each row.
    gradient: Loan<'a, T>,
}

impl<T: Scalar> SplitLoss<T> {
    /// n·L of one layer, and what is needed for the way back: a list for each region.
    fn layer<'a>(
        &self,
        regions: &[Vec<Stored<T>>],
        f: &Array3<T>,
        rng: &mut impl Rng,
        products: &'a dyn Products<T>,
    ) -> (f64, Vec<Samples<'a, T>>) {
        let (height, width, channels) = f.dim();
        let mut positions = vec![Vec::new(); regions.len()];
        for at in draw(rng, (height, width)) {
            let region = masks::region(&self.masks, at, (height, width));
            if let Some(positions) = positions.get_mut(region) {
                positions.push(at.0 * width + at.1);
            }
        }
        let mut sum = 0.0;
        let mut samples = Vec::new();
        for (paintings, positions) in regions.iter().zip(positions) {
            let mut drawn = Vec::new();
            for painting in paintings {
                painting.draw(rng, &mut drawn);
            }
            if drawn.is_empty() || positions.is_empty() {
                continue;
            }
            let at = |&position: &usize| &elements(f)[position * channels..][..channels];
            let x: Vec<_> = positions.iter().map(at).collect();
            let x = stacked(&x, |x| x, products);
            let drawn = stacked(&drawn, T::from_short, products);
            let (part, gradient) = distances(x, drawn, products);
            sum += part;
            samples.push(Samples {
                positions,
                gradient,
            });
        }
        (sum, samples)
    }
}

/// These vectors, of which there is one, as the rows of a matrix; `value` converts their elements.
fn stacked<'a, T: Scalar, S: Copy + Sync>(
    vectors: &[&[S]],
    value: impl Fn(S) -> T + Sync,
    products: &'a dyn Products<T>,
) -> Loan<'a, T> {
    let channels = vectors[0].len();
    let mut matrix = Loan::new(products.matrix((vectors.len(), channels)), products);
    let rows = matrix.as_slice_mut().expect("it is in standard layout");
    for_each(rows.chunks_mut(channels).zip(vectors), |(row, vector)| {
        let pairs = row.iter_mut().zip(*vector);
        pairs.for_each(|(x, &element)| *x = value(element));
    });
    matrix
}

/// The sum of the distances of the rows of `x` to the nearest rows of `painting`, and its derivative.
fn distances<'a, T: Scalar>(
    mut x: Loan<'a, T>,
    mut painting: Loan<'a, T>,
    products: &dyn Products<T>,
) -> (f64, Loan<'a, T>) {
    for vectors in [&mut x, &mut painting] {
        let mean = mean(vectors.view());
        center(vectors.view_mut(), &mean);
    }
    normalize(&mut painting);
    let matches = most_similar(x.view(), painting.view(), products);
    let channels = x.ncols();
    let painting = painting.as_slice().expect("it is in standard layout");
    // u is replaced by g.
    let rows = x.as_slice_mut().expect("it is in standard layout");
    let distances = map(rows.chunks_mut(channels).zip(&matches), |(u, &row)| {
        let b = &painting[row * channels..][..channels];
        let norm = norm(dot(u, u));
        let cosine = dot(u, b) / norm;
        let derivative = Derivative::new(cosine, norm, -1.0);
        let pairs = u.iter_mut().zip(b);
        pairs.for_each(|(u, &b)| *u = derivative.of(b, *u));
        1.0 - cosine
    });
    // The mean was subtracted, and its backward pass is to subtract the mean.
    let mean = mean(x.view());
    center(x.view_mut(), &mean);
    (distances.iter().sum(), x)
}

impl<T: Scalar> JointLoss<T> for SplitLoss<T> {
    fn begin<'a>(
        &'a self,
        _: (usize, usize),
        iteration: u64,
        products: &'a dyn Products<T>,
    ) -> Box<dyn JointForward<'a, T> + 'a> {
        Box::new(Forward {
            loss: self,
            rng: Pcg64Mcg::seed_from_u64(iteration),
            value: 0.0,
            layers: Vec::new(),
            products,
        })
    }
}

/// The forward pass so far.
struct Forward<'a, T: Scalar> {
    loss: &'a SplitLoss<T>,
    rng: Pcg64Mcg,
    value: f64,
    layers: Vec<Vec<Samples<'a, T>>>,
    products: &'a dyn Products<T>,
}

impl<'a, T: Scalar> JointForward<'a, T> for Forward<'a, T> {
    fn read(&mut self, k: usize, f: &Array3<T>) {
        let regions = &self.loss.layers[k];
        let (sum, samples) = (self.loss).layer(regions, f, &mut self.rng, self.products);
        self.value += sum / count(&samples) as f64;
        self.layers.push(samples);
    }

    fn finish(self: Box<Self>) -> (f64, Box<dyn JointBackward<T> + 'a>) {
        let layers = self.layers;
        assert_eq!(layers.len(), self.loss.layers.len(), "every layer is read");
        (self.value, Box::new(Way { layers }))
    }
}

/// n, or 1 if it is 0.
fn count<T: Scalar>(samples: &[Samples<T>]) -> usize {
    let count: usize = samples.iter().map(|part| part.positions.len()).sum();
    count.max(1)
}

/// The way back.
struct Way<'a, T: Scalar> {
    layers: Vec<Vec<Samples<'a, T>>>,
}

impl<T: Scalar> JointBackward<T> for Way<'_, T> {
    fn add_gradient(&self, k: usize, weight: f64, df: &mut Array3<T>) {
        let channels = df.dim().2;
        let parts = &self.layers[k];
        let scale = T::of(weight / count(parts) as f64);
        let df = elements_mut(df);
        for part in parts {
            let rows = part.gradient.rows().into_iter();
            for (&position, gradient) in part.positions.iter().zip(rows) {
                let df = &mut df[position * channels..][..channels];
                let pairs = df.iter_mut().zip(gradient);
                pairs.for_each(|(df, &g)| *df += scale * g);
            }
        }
    }
}
