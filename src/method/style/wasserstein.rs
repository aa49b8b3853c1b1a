//! The Wasserstein-2 distance between the normal distributions that have mean and covariance of a layer's activations, μ and C, and
//! of the painting's, μ′ and C′.
//!
//! > L = ( ‖μ − μ′‖² + tr(C′ + C − 2·(A·C·A)^½) ) / N,  A = C′^½
//!
//! the least mean square by which the positions of one distribution must be moved to make the other of it (Dowson and Landau 1982,
//! The Fréchet Distance between Multivariate Normal Distributions, equation 3), divided by the number of channels N. As
//! d tr(X^½) = ½ tr(X^−½ dX),
//!
//! > dL/dC = (1 − T) / N,  T = A·(A·C·A)^−½·A,
//! > dL/df = (2w/(m·N))·( (μ − μ′) + (1 − T)·(f − μ) )
//!
//! where w are the weights of the positions, 1 without a mask, and m = Σ w. T·(f − μ) + μ′ is where f would be moved to.
//!
//! **As many positions as channels, or more.** ε is added to the diagonals of both C, so that they have inverses. Both roots come from
//! [`matrix_root`](crate::method::matrix_root), so that no equation needs to be solved for the gradient. In single precision the computed
//! trace of a root is a little wrong, and L could be negative near the target. As tr (A·C′·A)^½ = tr C′, the loss is also
//!
//! > L = ( ‖μ − μ′‖² + tr C − tr C′ − 2·(tr (A·C·A)^½ − tr (A·C′·A)^½) ) / N
//!
//! in which both roots have the same error at the target, and it cancels.
//!
//! **Fewer positions.** Then C has no inverse. With the matrix F of the positions, whose rows are √(w/m)·(f − μ), and any R with
//! Rᵀ·R = C′,
//!
//! > C = Fᵀ·F,  tr (A·C·A)^½ = Σ U∘B,  F·T = U·R,  where U is the polar factor of B = F·Rᵀ
//!
//! and Σ U∘B its nuclear norm ([`polar`](crate::method::polar)). No ε is needed, and U comes from matrices with as many rows as there are
//! positions: at 96×64 pixels conv4_1 has 96 positions of 512 channels. If the painting has few positions too, R is made of them as F is.
//!
//! A mixture of paintings has the mean of their means and of their second moments, from which C′ follows.
//!
//! (The loss of K. Crowson's style-transfer-pytorch.) Networks whose input is divided by its standard deviation, 58 grey levels, have
//! activations 58 times smaller. There ε is 1e-4; here it is 58² times that.
//!
//! Good at strokes of every size with the painting's own colors: unlike a Gram matrix's difference it weighs what is weak and what
//! is strong by how far it is to be moved.

use super::moments::{center, times};
use super::sums::{
    Needs, Positions, Second, SecondGradient, SumLoss, Sums, SumsGradient, second_moment,
};
use super::with_painting;
use crate::method::Scalar;
use crate::method::loss::{Loan, Products};
use crate::method::matrix_root::{inverse_root, root, trace};
use crate::method::polar::polar_factor;
use crate::method::scalar::{map_in_place, sum_pairs};
use ndarray::{Array1, Array2, Array3, Axis, concatenate};
use std::sync::OnceLock;

/// ε: 1e-4 in squared units of 58 grey levels.
const ADDED_VARIANCE: f64 = 1e-4 * 58.0 * 58.0;

/// The loss of one layer.
pub struct WassersteinLoss<T> {
    /// μ′, N.
    mean: Array1<f64>,
    /// C′, N×N; until all paintings are there, C′ + μ′μ′ᵀ of those with many positions. `None` if none has many.
    covariance: Option<Array2<T>>,
    /// The paintings with few positions, with their m and their shares, until all are there.
    few: Vec<(Positions<T>, f64, f64)>,
    /// What few positions are compared with, once it was needed.
    factor: OnceLock<Factor<T>>,
    /// What many positions are compared with, once it was needed.
    root: OnceLock<Root<T>>,
}

/// What few positions are compared with.
struct Factor<T> {
    /// R, K×N.
    r: Array2<T>,
    /// tr C′, which is the sum of R's squares.
    trace: f64,
}

/// What many positions are compared with: C′ + ε.
struct Root<T> {
    /// A, N×N.
    a: Array2<T>,
    /// tr (C′ + ε)
    trace: f64,
    /// tr (A·(C′ + ε)·A)^½, with its rounding errors.
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
            covariance: None,
            few: Vec::new(),
            factor: OnceLock::new(),
            root: OnceLock::new(),
        }
    }

    fn factor(&self, products: &dyn Products<T>) -> &Factor<T> {
        once(&self.factor, || {
            let covariance = self.covariance.as_ref();
            let covariance = covariance.expect("finish_sums has set it or the factor");
            Factor::new(root(covariance, products).clone())
        })
    }

    fn root(&self, products: &dyn Products<T>) -> &Root<T> {
        once(&self.root, || {
            let mut covariance = match (&self.covariance, self.factor.get()) {
                (Some(covariance), _) => covariance.clone(),
                (None, Some(Factor { r, .. })) => r.t().dot(r),
                (None, None) => unreachable!("finish_sums has set one of them"),
            };
            add_variance(&mut covariance);
            let a = root(&covariance, products).clone();
            let middle = between(&a, &covariance, products);
            Root {
                a,
                trace: trace(&covariance),
                root_trace: inverse_root(&middle, products).trace_of_root(products),
            }
        })
    }

    /// The loss at as many positions as channels, or more, of which S is known.
    fn at_sum(
        &self,
        sum: Array2<T>,
        mean: &Array1<f64>,
        weight: f64,
        products: &dyn Products<T>,
    ) -> (f64, SumsGradient<T>) {
        let channels = self.mean.len() as f64;
        let scale = 1.0 / (weight * channels);
        let mut covariance = Loan::new(second_moment(sum, weight), products);
        center(&mut covariance, mean);
        add_variance(&mut covariance);
        let mean_difference = mean - &self.mean;

        let target = self.root(products);
        let middle = between(&target.a, &covariance, products);
        let of_middle = inverse_root(&middle, products);
        // 1 − T, in place of T
        let mut difference = between(&target.a, &of_middle.matrix, products).into_matrix();
        map_in_place(&mut difference, |t| -t);
        difference.diag_mut().mapv_inplace(|t| T::one() + t);

        let at_mean = times(&difference, mean);
        let traces = trace(&covariance) - target.trace;
        let traces = traces - 2.0 * (of_middle.trace_of_root(products) - target.root_trace);
        let loss = (mean_difference.dot(&mean_difference) + traces) / channels;
        let gradient = SumsGradient {
            first: Some((mean_difference - at_mean) * (2.0 * scale)),
            second: SecondGradient::Sum(difference),
            factor: scale,
        };
        (loss, gradient)
    }

    /// The loss at fewer positions than channels.
    fn at_positions(
        &self,
        Positions {
            scaled,
            root_weights,
        }: Positions<T>,
        mean: &Array1<f64>,
        weight: f64,
        products: &dyn Products<T>,
    ) -> (f64, SumsGradient<T>) {
        let channels = self.mean.len() as f64;
        let shape = scaled.dim();
        let mean_difference = mean - &self.mean;
        let mut f = centered(scaled, &root_weights, mean, 1.0 / weight);
        let Factor { r, trace } = self.factor(products);
        let b = Loan::new(products.product(f.view(), r.t()), products);
        let u = polar_factor(&b, products);
        let mut moved = Loan::new(products.product(u.view(), r.view()), products);
        remove_mean(&mut moved, &root_weights, weight);
        let nuclear = sum_pairs(&*u, &*b, |u, b| u * b);
        let variance = sum_pairs(&f, &f, |f, _| f * f);
        // F·(1 − T)
        f -= &*moved;

        let traces = variance + trace - 2.0 * nuclear;
        let loss = (mean_difference.dot(&mean_difference) + traces) / channels;
        let gradient = SumsGradient {
            first: Some(mean_difference * (2.0 / (weight * channels))),
            second: SecondGradient::Positions(
                f.into_shape_with_order(shape).expect("as many elements"),
            ),
            factor: 2.0 / (weight.sqrt() * channels),
        };
        (loss, gradient)
    }
}

impl<T: Scalar> SumLoss<T> for WassersteinLoss<T> {
    fn needs(&self) -> Needs {
        Needs {
            first: true,
            few_positions: true,
        }
    }

    fn add_sums(&mut self, painting: &Sums<T>, share: f64) {
        self.mean.scaled_add(share, &painting.mean());
        match &painting.second {
            Second::Sum(sum) => {
                let covariance = self
                    .covariance
                    .get_or_insert_with(|| Array2::zeros(sum.dim()));
                covariance.scaled_add(T::of(share / painting.weight), sum);
            }
            Second::Positions(positions) => {
                (self.few).push((positions.clone(), painting.weight, share));
            }
        }
    }

    fn finish_sums(&mut self, shares: f64, products: &dyn Products<T>) {
        self.mean /= shares;
        let few = std::mem::take(&mut self.few);
        let positions: usize = few.iter().map(|(few, ..)| few.root_weights.len()).sum();
        let channels = self.mean.len();
        if self.covariance.is_none() && positions < channels {
            let of_each: Vec<_> = (few.into_iter())
                .map(|(few, weight, share)| {
                    let share = share / shares / weight;
                    centered(few.scaled, &few.root_weights, &self.mean, share)
                })
                .collect();
            let of_each: Vec<_> = of_each.iter().map(|rows| rows.view()).collect();
            let r = concatenate(Axis(0), &of_each).expect("all have N columns");
            self.factor = OnceLock::from(Factor::new(r));
            return;
        }
        let mut covariance =
            (self.covariance.take()).unwrap_or_else(|| Array2::zeros((channels, channels)));
        for (few, weight, share) in few {
            let sum = products.gram(&few.scaled);
            covariance.scaled_add(T::of(share / weight), &sum);
            products.recycle_matrix(sum);
        }
        covariance *= T::of(1.0 / shares);
        center(&mut covariance, &self.mean);
        self.covariance = Some(covariance);
    }

    fn at(&self, sums: Sums<T>, products: &dyn Products<T>) -> (f64, SumsGradient<T>) {
        let mean = sums.mean();
        match sums.second {
            Second::Sum(sum) => self.at_sum(sum, &mean, sums.weight, products),
            Second::Positions(positions) => {
                self.at_positions(positions, &mean, sums.weight, products)
            }
        }
    }
}

impl<T: Scalar> Factor<T> {
    fn new(r: Array2<T>) -> Self {
        let trace = sum_pairs(&r, &r, |r, _| r * r);
        Self { r, trace }
    }
}

/// Adds ε to the diagonal of a covariance matrix.
fn add_variance<T: Scalar>(covariance: &mut Array2<T>) {
    (covariance.diag_mut()).mapv_inplace(|c| T::of(c.as_f64() + ADDED_VARIANCE));
}

/// A·X·A of symmetric A and X (N×N).
fn between<'a, T: Scalar>(
    a: &Array2<T>,
    x: &Array2<T>,
    products: &'a dyn Products<T>,
) -> Loan<'a, T> {
    let left = Loan::new(products.product(a.view(), x.view()), products);
    Loan::new(products.symmetric_product(left.view(), a.view()), products)
}

/// The rows √(w·`share`)·(f − `mean`) of positions √w·f (H×W×N), M×N.
fn centered<T: Scalar>(
    scaled: Array3<T>,
    root_weights: &Array2<T>,
    mean: &Array1<f64>,
    share: f64,
) -> Array2<T> {
    let (height, width, channels) = scaled.dim();
    let rows = scaled.into_shape_with_order((height * width, channels));
    let mut rows = rows.expect("as many elements");
    subtract_mean(&mut rows, root_weights, mean, share.sqrt());
    rows
}

/// Subtracts their weighted mean, Σ w·v/m, from the v of rows √w·v (M×N). For F·T it is 0 but for rounding errors: as Σ w·(f − μ) = 0, one
/// singular value of B is 0, and the polar factor magnifies its rounding errors.
fn remove_mean<T: Scalar>(rows: &mut Array2<T>, root_weights: &Array2<T>, m: f64) {
    let mut mean = Array1::zeros(rows.ncols());
    for (row, root_weight) in rows.rows().into_iter().zip(root_weights) {
        let root_weight = root_weight.as_f64();
        (mean.iter_mut().zip(row)).for_each(|(mean, v)| *mean += root_weight * v.as_f64() / m);
    }
    subtract_mean(rows, root_weights, &mean, 1.0);
}

/// Makes `factor`·√w·(v − `mean`) of rows √w·v (M×N).
fn subtract_mean<T: Scalar>(
    rows: &mut Array2<T>,
    root_weights: &Array2<T>,
    mean: &Array1<f64>,
    factor: f64,
) {
    for (mut row, root_weight) in rows.rows_mut().into_iter().zip(root_weights) {
        let root_weight = root_weight.as_f64();
        (row.iter_mut().zip(mean))
            .for_each(|(v, mean)| *v = T::of(factor * (v.as_f64() - root_weight * mean)));
    }
}

/// The value in `cell`. If it is empty, `make` makes it. `OnceLock::get_or_init` might wait forever: while `make` runs on several threads, one
/// of them may take up a task that needs the same cell. So two threads may both make it, and the first value is kept.
fn once<T>(cell: &OnceLock<T>, make: impl FnOnce() -> T) -> &T {
    if cell.get().is_none() {
        let _ = cell.set(make());
    }
    cell.get().expect("it was just set")
}
