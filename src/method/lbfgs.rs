//! L-BFGS (Liu and Nocedal 1989), with the line search of Lewis and Overton (2013) in `line_search.rs`.
//!
//! **Direction.** H approximates the inverse Hessian. From the last pairs s = x₊ − x and y = g₊ − g, with ρ = 1 / sᵀy, the two-loop
//! recursion computes d = −Hg (Nocedal and Wright 2006, algorithm 7.4):
//!
//! > q ← −g;  for the pairs from the newest to the oldest: a ← ρ sᵀq, q ← q − a y  
//! > q ← (sᵀy / yᵀy of the newest pair) q  
//! > for the pairs from the oldest to the newest: b ← ρ yᵀq, q ← q + (a − b) s  
//! > d ← q
//!
//! **Step.** The line search finds a step t along d, and the pair of its two ends is stored. With pairs it begins at t = 1, or before that if a
//! pixel would change by more than 40.
//!
//! **The next size.** Let E enlarge a picture to r times as many pixels. If the loss f of the larger picture were that of the smaller, f(E x) = L(x),
//! then Eᵀ ∇f(E x) = ∇L(x). And EᵀE ≈ r for pictures without fine detail. So the pair (s, y) of L becomes the pair (E s, E y / r), as an estimate
//! for f.
//!
//! One call of [`step`](Lbfgs::step) is one evaluation of loss and gradient, whether it ends a line search or continues one.

use super::big_array::Storage;
pub(crate) use super::line_search::MAX_TRIALS;
use super::line_search::{LineSearch, Verdict, inner};
use super::{BigArray, Communicator, Scalar};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How many pairs are stored by default.
pub const DEFAULT_HISTORY: u32 = 10;

/// The most that the first trial of a search with pairs changes a pixel, in units of 0..255. Farther away the parabola that the pairs describe
/// says little about the loss of a network, and the trial would be lost.
const MOST_CHANGE: f64 = 40.0;

/// L-BFGS and its state for one picture.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
pub struct Lbfgs<T: Scalar> {
    history: usize,
    /// The largest change of a pixel in a step for which no pair tells the length: the first, and the first after a reset.
    first_change: f64,
    /// The newest is the last.
    pairs: VecDeque<Pair<T>>,
    search: Option<LineSearch<T>>,
}

/// s, y and ρ = 1 / sᵀy.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
struct Pair<T: Scalar> {
    s: BigArray<T>,
    y: BigArray<T>,
    rho: f64,
}

impl<T: Scalar> Lbfgs<T> {
    /// An optimizer that stores `history` pairs, at least 1. Its first step changes no pixel by more than `first_change`, in units of
    /// 0..255.
    pub fn new(history: usize, first_change: f64) -> Self {
        Self {
            history: history.max(1),
            first_change,
            pairs: VecDeque::new(),
            search: None,
        }
    }

    /// The same, with its state in this storage.
    pub fn moved_to(self, storage: &Storage) -> Self {
        let pairs = self.pairs.into_iter();
        Self {
            pairs: pairs
                .map(|Pair { s, y, rho }| Pair {
                    s: s.moved_to(storage),
                    y: y.moved_to(storage),
                    rho,
                })
                .collect(),
            search: self.search.map(|search| search.moved_to(storage)),
            ..self
        }
    }

    /// An optimizer as [`new`](Self::new) makes it, for a picture of `ratio` times as many pixels, to whose size `enlarge` brings an array. It
    /// begins with the newest `history` of the pairs so far, without those whose sᵀy is no longer positive.
    pub fn enlarged(
        self,
        (history, first_change): (usize, f64),
        ratio: f64,
        enlarge: impl Fn(&BigArray<T>) -> BigArray<T>,
        world: &dyn Communicator,
    ) -> Self {
        drop(self.search);
        let mut enlarged = Self::new(history, first_change);
        let forgotten = self.pairs.len().saturating_sub(enlarged.history);
        for pair in self.pairs.into_iter().skip(forgotten) {
            // ANCHOR: enlarged
            let s = enlarge(&pair.s);
            let mut y = enlarge(&pair.y);
            y.scale(1.0 / ratio);
            // ANCHOR_END: enlarged
            enlarged.store(s, y, world);
        }
        enlarged
    }

    /// Whether its state is for pictures of this shape.
    pub fn fits(&self, shape: (usize, usize, usize)) -> bool {
        let pairs = self.pairs.iter().flat_map(|pair| [&pair.s, &pair.y]);
        let search = self.search.iter().flat_map(LineSearch::arrays);
        pairs.chain(search).all(|array| array.dim() == shape)
    }

    /// Takes the `loss` and the `gradient` at `x`, and moves `x` to where they are evaluated next. The first loss must be finite;
    /// later, one that is not counts as too high. Where the gradient is 0, `x` stays. Each process of the `world` has a part of the
    /// elements.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn step(
        &mut self,
        x: &mut BigArray<T>,
        loss: f64,
        gradient: &BigArray<T>,
        world: &dyn Communicator,
    ) {
        let Some(mut search) = self.search.take() else {
            return self.begin_search(x, loss, gradient, Vec::new(), world);
        };
        match search.judge(loss, gradient, world) {
            Verdict::Accept => {
                let spare = self.store_pair(search, x, gradient, world);
                self.begin_search(x, loss, gradient, spare, world);
            }
            Verdict::TryNext => {
                search.move_to_trial(x);
                self.search = Some(search);
            }
            Verdict::EndHere => {
                // The pairs describe another region: begin again from here, straight downhill.
                self.pairs.clear();
                self.begin_search(x, loss, gradient, search.into_arrays().into(), world);
            }
            Verdict::EndAtBegin => {
                // Not even the shortest step goes downhill: the gradient is at the limit of its precision.
                self.pairs.clear();
                self.first_change *= 0.1;
                let loss = search.begin_loss();
                let [begin, gradient, direction] = search.into_arrays();
                x.assign(&begin);
                self.begin_search(x, loss, &gradient, vec![begin, direction], world);
            }
        }
    }

    /// The last accepted picture: where the current line search began. `None` before the first step, and where the gradient is 0.
    pub fn accepted(&self) -> Option<&BigArray<T>> {
        self.search.as_ref().map(LineSearch::begin)
    }

    /// Begins a line search at `x`, and moves `x` to its first trial. Its arrays take the place of `spare` ones.
    fn begin_search(
        &mut self,
        x: &mut BigArray<T>,
        loss: f64,
        gradient: &BigArray<T>,
        mut spare: Vec<BigArray<T>>,
        world: &dyn Communicator,
    ) {
        let mut direction = self.direction(gradient, spare.pop(), world);
        let mut slope = inner(gradient, &direction, world);
        if slope >= 0.0 || !slope.is_finite() {
            // H is no longer positive definite, by rounding.
            self.pairs.clear();
            direction = gradient.negated(Some(direction));
            slope = -inner(gradient, gradient, world);
        }
        if slope == 0.0 {
            return; // the gradient is 0: nowhere is downhill
        }
        let change = world.max(direction.max_abs());
        let step = if self.pairs.is_empty() {
            self.first_change / change
        } else {
            f64::min(1.0, MOST_CHANGE / change)
        };
        let (begin, begin_gradient) = (x.copied(spare.pop()), gradient.copied(spare.pop()));
        let search = LineSearch::new(begin, loss, begin_gradient, direction, slope, step);
        search.move_to_trial(x);
        self.search = Some(search);
    }

    // ANCHOR: two_loops
    /// d = −H g, in place of a `spare` array if there is one.
    fn direction(
        &self,
        gradient: &BigArray<T>,
        spare: Option<BigArray<T>>,
        world: &dyn Communicator,
    ) -> BigArray<T> {
        let mut q = gradient.negated(spare);
        let mut newest_first = Vec::new();
        for Pair { s, y, rho } in self.pairs.iter().rev() {
            let a = rho * inner(s, &q, world);
            q.add_scaled(-a, y);
            newest_first.push(a);
        }
        if let Some(Pair { y, rho, .. }) = self.pairs.back() {
            q.scale(1.0 / (rho * inner(y, y, world)));
        }
        for (Pair { s, y, rho }, a) in self.pairs.iter().zip(newest_first.iter().rev()) {
            let b = rho * inner(y, &q, world);
            q.add_scaled(a - b, s);
        }
        q
    }
    // ANCHOR_END: two_loops

    /// Stores the pair of a search that ends at `x`. Returns the arrays that are not needed any more.
    fn store_pair(
        &mut self,
        search: LineSearch<T>,
        x: &BigArray<T>,
        gradient: &BigArray<T>,
        world: &dyn Communicator,
    ) -> Vec<BigArray<T>> {
        let [begin, begin_gradient, direction] = search.into_arrays();
        let s = begin.subtracted_from(x);
        let y = begin_gradient.subtracted_from(gradient);
        let mut spare = vec![direction];
        spare.extend(self.store(s, y, world).into_iter().flatten());
        spare
    }

    /// Stores a pair, unless its sᵀy is not positive. Returns the arrays that are not needed any more.
    fn store(
        &mut self,
        s: BigArray<T>,
        y: BigArray<T>,
        world: &dyn Communicator,
    ) -> Option<[BigArray<T>; 2]> {
        // The line search makes it positive, up to rounding. Enlarging may change that, if s and y are mostly fine detail.
        let product = inner(&s, &y, world);
        if product > f64::EPSILON * inner(&y, &y, world) {
            let is_full = self.pairs.len() == self.history;
            let oldest = if is_full {
                self.pairs.pop_front()
            } else {
                None
            };
            let rho = 1.0 / product;
            self.pairs.push_back(Pair { s, y, rho });
            oldest.map(|pair| [pair.s, pair.y])
        } else {
            Some([s, y])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::Alone;
    use ndarray::{Array1, Array2, Array3};

    /// f(x) = Σ 100 (x₂ − x₁²)² + (1 − x₁)² over pairs of elements: Rosenbrock's valley.
    fn rosenbrock(x: &BigArray<f64>) -> (f64, BigArray<f64>) {
        let x = x.in_memory().unwrap();
        let mut gradient = Array3::zeros(x.dim());
        let mut loss = 0.0;
        for k in 0..x.len() / 2 {
            let (a, b) = (x[[0, k, 0]], x[[0, k, 1]]);
            loss += 100.0 * (b - a * a).powi(2) + (1.0 - a).powi(2);
            gradient[[0, k, 0]] = -400.0 * a * (b - a * a) - 2.0 * (1.0 - a);
            gradient[[0, k, 1]] = 200.0 * (b - a * a);
        }
        (loss, gradient.into())
    }

    fn start(pairs: usize) -> BigArray<f64> {
        let start = Array3::from_shape_fn((1, pairs, 2), |(_, k, c)| {
            if c == 0 { -1.2 - 0.1 * k as f64 } else { 1.0 }
        });
        start.into()
    }

    #[test]
    fn it_follows_the_valley_of_rosenbrock_to_its_lowest_point() {
        let mut x = start(5);
        let mut lbfgs = Lbfgs::new(DEFAULT_HISTORY as usize, 1.0);
        let mut evaluations = 0;
        loop {
            let (loss, gradient) = rosenbrock(&x);
            if loss < 1e-12 {
                break;
            }
            evaluations += 1;
            assert!(
                evaluations < 150,
                "loss {loss:e} after {evaluations} evaluations"
            );
            lbfgs.step(&mut x, loss, &gradient, &Alone);
        }
        let x = x.into_array();
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-4), "{x}");
    }

    /// H by its definition, H₊ = (1 − ρ s yᵀ) H (1 − ρ y sᵀ) + ρ s sᵀ, beginning with sᵀy / yᵀy of the newest pair times the identity.
    #[test]
    fn the_two_loops_multiply_by_the_approximate_inverse_hessian() {
        let mut x = start(3);
        let mut lbfgs = Lbfgs::new(4, 1.0);
        for _ in 0..25 {
            let (loss, gradient) = rosenbrock(&x);
            lbfgs.step(&mut x, loss, &gradient, &Alone);
        }
        assert_eq!(lbfgs.pairs.len(), 4);
        let flat = |a: &BigArray<f64>| a.to_array().iter().copied().collect::<Array1<f64>>();
        let newest = lbfgs.pairs.back().unwrap();
        let n = x.to_array().len();
        let mut h: Array2<f64> = Array2::eye(n) / (newest.rho * newest.y.inner(&newest.y));
        for Pair { s, y, rho } in &lbfgs.pairs {
            let (s, y) = (
                flat(s).insert_axis(ndarray::Axis(1)),
                flat(y).insert_axis(ndarray::Axis(1)),
            );
            let left = Array2::eye(n) - *rho * s.dot(&y.t());
            h = left.dot(&h).dot(&left.t()) + *rho * s.dot(&s.t());
        }
        let (_, gradient) = rosenbrock(&x);
        let expected = -h.dot(&flat(&gradient));
        let found = flat(&lbfgs.direction(&gradient, None, &Alone));
        let error = (&found - &expected).mapv(f64::abs).sum() / expected.mapv(f64::abs).sum();
        assert!(error < 1e-10, "{error:e}");
    }

    /// Each element becomes three, which the finer loss takes the mean of: f(E x) = L(x) and EᵀE = 3, without an error.
    #[test]
    fn enlarged_it_goes_where_it_would_have_gone() {
        let enlarged = |x: &BigArray<f64>| {
            let x = x.to_array();
            let (rows, columns, channels) = x.dim();
            let finer =
                Array3::from_shape_fn((rows, columns, 3 * channels), |(i, j, c)| x[[i, j, c / 3]]);
            BigArray::from(finer)
        };
        let mut x = start(3);
        let mut lbfgs = Lbfgs::new(6, 1.0);
        for _ in 0..25 {
            let (loss, gradient) = rosenbrock(&x);
            lbfgs.step(&mut x, loss, &gradient, &Alone);
        }
        let (_, gradient) = rosenbrock(&x);
        for history in [6, 4] {
            let newest = lbfgs.pairs.len() - history;
            let expected = Lbfgs {
                pairs: lbfgs.pairs.iter().skip(newest).cloned().collect(),
                ..Lbfgs::new(history, 1.0)
            };
            let expected = enlarged(&expected.direction(&gradient, None, &Alone)).into_array();
            let mut finer = enlarged(&gradient);
            finer.scale(1.0 / 3.0);
            let found = (lbfgs.clone()).enlarged((history, 1.0), 3.0, enlarged, &Alone);
            assert_eq!(found.pairs.len(), history);
            let found = found.direction(&finer, None, &Alone).into_array();
            let error = (&found - &expected).mapv(f64::abs).sum() / expected.mapv(f64::abs).sum();
            assert!(error < 1e-12, "{error:e}");
        }
    }

    /// A parabola whose lowest point is far away.
    #[test]
    fn no_search_begins_with_a_large_change() {
        let mut x = BigArray::from(Array3::from_elem((1, 1, 2), 1000.0));
        let mut lbfgs = Lbfgs::new(DEFAULT_HISTORY as usize, 1.0);
        let (mut begin, mut first_trials) = (None, Vec::new());
        for _ in 0..12 {
            let at = x.to_array().into_owned();
            let loss = at.iter().map(|x| x * x).sum();
            lbfgs.step(&mut x, loss, &(2.0 * at).into(), &Alone);
            let accepted = lbfgs.accepted().map(|begin| begin.to_array()[[0, 0, 0]]);
            if accepted != begin {
                first_trials.extend(accepted.map(|begin| x.to_array()[[0, 0, 0]] - begin));
                begin = accepted;
            }
        }
        assert!((first_trials[0] + 1.0).abs() < 1e-9, "{first_trials:?}");
        let after_a_pair = first_trials[1] + MOST_CHANGE;
        assert!(after_a_pair.abs() < 1e-9, "{first_trials:?}");
    }

    /// Σ |x|: its gradient never becomes small, and it jumps.
    #[test]
    fn it_converges_at_kinks() {
        let x = Array3::from_shape_fn((2, 3, 1), |(i, j, _)| 3.0 + i as f64 - 0.7 * j as f64);
        let mut x = BigArray::from(x);
        let mut lbfgs = Lbfgs::new(DEFAULT_HISTORY as usize, 1.0);
        let mut lowest = f64::INFINITY;
        for _ in 0..200 {
            let at = x.to_array().into_owned();
            let loss = at.iter().map(|x: &f64| x.abs()).sum();
            lowest = f64::min(lowest, loss);
            let gradient = at.mapv(f64::signum).into();
            lbfgs.step(&mut x, loss, &gradient, &Alone);
        }
        assert!(lowest < 1e-6, "{lowest:e}");
    }

    #[test]
    fn a_loss_that_is_not_finite_shortens_the_step() {
        // −ln x + x, which is not defined below 0; its lowest point is 1.
        let mut x = BigArray::from(Array3::from_elem((1, 1, 1), 0.01));
        let mut lbfgs = Lbfgs::new(DEFAULT_HISTORY as usize, 100.0);
        for _ in 0..60 {
            let at: f64 = x.to_array()[[0, 0, 0]];
            lbfgs.step(
                &mut x,
                at - at.ln(),
                &Array3::from_elem((1, 1, 1), 1.0 - 1.0 / at).into(),
                &Alone,
            );
        }
        assert!((x.to_array()[[0, 0, 0]] - 1.0).abs() < 1e-6, "{x:?}");
    }

    #[test]
    fn it_stays_where_the_gradient_is_zero() {
        let mut x = BigArray::from(Array3::from_elem((2, 2, 3), 5.0_f32));
        let mut lbfgs = Lbfgs::new(DEFAULT_HISTORY as usize, 1.0);
        lbfgs.step(&mut x, 7.0, &Array3::zeros((2, 2, 3)).into(), &Alone);
        assert!(x.into_array().iter().all(|&x| x == 5.0));
    }
}
