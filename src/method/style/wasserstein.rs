//! The Wasserstein-2 distance between the normal distributions that have mean and covariance of a layer's activations, μ and C, and
//! of the painting's, μ′ and C′.
//!
//! > L = ( ‖μ − μ′‖² + tr(C′ + C − 2·(A·C·A)^½) ) / N,  A = C′^½
//!
//! with ε added to the diagonals of both C: the least mean square by which the positions of one distribution must be moved to make
//! the other of it (Dowson and Landau 1982, The Fréchet Distance between Multivariate Normal Distributions, equation 3), divided by
//! the number of channels N. As d tr(M^½) = ½ tr(M^−½ dM),
//!
//! > dL/dC = (1 − T) / N,  T = A·(A·C·A)^−½·A,
//! > dL/df = (2w/(m·N))·( (μ − μ′) + (1 − T)·(f − μ) )
//!
//! where w are the weights of the positions, 1 without a mask, and m = Σ w. T·(f − μ) + μ′ is where f would be moved to. Both roots
//! come from [`matrix_root`](crate::method::matrix_root), so that no equation needs to be solved for the gradient.
//!
//! In single precision the computed trace of a root is a little wrong, and L could be negative near the target. As
//! tr (A·C′·A)^½ = tr C′, the loss is also
//!
//! > L = ( ‖μ − μ′‖² + tr C − tr C′ − 2·(tr (A·C·A)^½ − tr (A·C′·A)^½) ) / N
//!
//! in which both roots have the same error at the target, and it cancels.
//!
//! A mixture of paintings has the mean of their means and of their second moments, from which C′ follows.
//!
//! (The loss of K. Crowson's style-transfer-pytorch.) Networks whose input is divided by its standard deviation, 58 grey levels, have
//! activations 58 times smaller. There ε is 1e-4; here it is 58² times that.
//!
//! Good at strokes of every size with the painting's own colors: unlike a Gram matrix's difference it weighs what is weak and what
//! is strong by how far it is to be moved.

use super::moments::{center, times};
use super::sums::{SumLoss, Sums, SumsGradient};
use super::with_painting;
use crate::method::Scalar;
use crate::method::loss::{Loan, Products};
use crate::method::matrix_root::{inverse_root, root, trace};
use crate::method::scalar::map_in_place;
use ndarray::{Array1, Array2, Array3};

/// ε: 1e-4 in squared units of 58 grey levels.
const ADDED_VARIANCE: f64 = 1e-4 * 58.0 * 58.0;

/// The loss of one layer.
pub struct WassersteinLoss<T> {
    /// μ′, N.
    mean: Array1<f64>,
    /// C′ + ε, N×N; until all paintings are there, C′ + μ′μ′ᵀ.
    covariance: Array2<T>,
    /// A, N×N.
    root: Array2<T>,
    /// tr (A·C′·A)^½, with its rounding errors.
    root_trace: f64,
}

impl<T: Scalar> WassersteinLoss<T> {
    /// The loss that is 0 where activations have mean and covariance of the `painting`'s (H×W×N, of any size).
    pub fn new(painting: &Array3<T>) -> Self {
        with_painting(Self::empty(painting.dim().2), painting)
    }

    pub(super) fn empty(channels: usize) -> Self {
        Self {
            mean: Array1::zeros(channels),
            covariance: Array2::zeros((channels, channels)),
            root: Array2::zeros((0, 0)),
            root_trace: 0.0,
        }
    }
}

impl<T: Scalar> SumLoss<T> for WassersteinLoss<T> {
    fn needs_first(&self) -> bool {
        true
    }

    fn add_sums(&mut self, painting: &Sums<T>, share: f64) {
        self.mean.scaled_add(share, &painting.mean());
        let share = T::of(share / painting.weight);
        self.covariance.scaled_add(share, &painting.second);
    }

    fn finish_sums(&mut self, shares: f64, products: &dyn Products<T>) {
        self.mean /= shares;
        self.covariance *= T::of(1.0 / shares);
        center(&mut self.covariance, &self.mean, ADDED_VARIANCE);
        self.root = root(&self.covariance, products).clone();
        let middle = self.between_roots(&self.covariance, products);
        self.root_trace = inverse_root(&middle, products).trace_of_root(products);
    }

    fn at(&self, sums: Sums<T>, products: &dyn Products<T>) -> (f64, SumsGradient<T>) {
        let channels = self.mean.len() as f64;
        let share = 1.0 / (sums.weight * channels);
        let mean = sums.mean();
        let mut covariance = Loan::new(sums.into_second_moment(), products);
        center(&mut covariance, &mean, ADDED_VARIANCE);
        let mean_difference = &mean - &self.mean;

        let middle = self.between_roots(&covariance, products);
        let of_middle = inverse_root(&middle, products);
        // 1 − T, in place of T
        let mut difference = (self.between_roots(&of_middle.matrix, products)).into_matrix();
        map_in_place(&mut difference, |t| -t);
        difference.diag_mut().mapv_inplace(|t| T::one() + t);

        let at_mean = times(&difference, &mean);
        let traces = trace(&covariance) - trace(&self.covariance);
        let traces = traces - 2.0 * (of_middle.trace_of_root(products) - self.root_trace);
        let loss = (mean_difference.dot(&mean_difference) + traces) / channels;
        let gradient = SumsGradient {
            first: Some((mean_difference - at_mean) * (2.0 * share)),
            second: difference,
            factor: share,
        };
        (loss, gradient)
    }
}

impl<T: Scalar> WassersteinLoss<T> {
    /// A·M·A of a symmetric M (N×N).
    fn between_roots<'a>(&self, m: &Array2<T>, products: &'a dyn Products<T>) -> Loan<'a, T> {
        let left = Loan::new(products.product(self.root.view(), m.view()), products);
        let product = products.symmetric_product(left.view(), self.root.view());
        Loan::new(product, products)
    }
}
