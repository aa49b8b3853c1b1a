//! L-BFGS (Liu and Nocedal 1989) with the line search of Lewis and Overton (2013).
//!
//! **Direction.** From the last pairs s = x₊ − x, y = g₊ − g, newest last, with ρ = 1 / sᵀy, the two-loop recursion makes d = −Hg
//! (Nocedal and Wright 2006, algorithm 7.4):
//!
//! > q ← g;  for the pairs from the newest: a ← ρ sᵀq, q ← q − a y  
//! > r ← (sᵀy / yᵀy of the newest) q;  for the pairs from the oldest: b ← ρ yᵀr, r ← r + (a − b) s  
//! > d ← −r
//!
//! **Step.** From x along d, t = 1 is tried first. With φ(t) = f(x + t d), a step is long enough and goes down enough if
//!
//! > φ(t) ≤ φ(0) + c₁ t φ'(0)  and  φ'(t) ≥ c₂ φ'(0).
//!
//! Where the first fails, t is too long; where only the second does, too short; the next t is 2 t, or between the longest that
//! was too short and the shortest that was too long. Lewis and Overton prove that this ends for functions with kinks too, and a
//! network of ReLUs is one; the second condition makes sᵀy > 0, so that H stays positive definite and d goes down.
//!
//! One call of [`step`](Lbfgs::step) is one evaluation of f, whether it ends a line search or goes on with one.

use super::scalar::{Scalar, sum_pairs};
use ndarray::{Array3, Zip};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How many pairs are stored by default.
pub const DEFAULT_HISTORY: u32 = 10;

/// c₁: of the decrease that the slope promises, so much must come.
const DECREASE: f64 = 1e-4;

/// c₂: the slope must have risen to so much of what it was.
const CURVATURE: f64 = 0.9;

/// The most evaluations of one line search. 20 halvings are a step of a millionth.
const MOST_TRIALS: usize = 20;

/// How near the ends of a bracket the next trial may be, as a share of its length.
const MARGIN: f64 = 0.1;

/// L-BFGS and its state for one picture.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lbfgs<T> {
    history: usize,
    /// The largest change of a pixel in the very first step, when there is nothing to tell its length.
    first_change: f64,
    /// The newest last.
    pairs: VecDeque<Pair<T>>,
    search: Option<Search<T>>,
}

/// s, y and 1 / sᵀy.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pair<T> {
    s: Array3<T>,
    y: Array3<T>,
    rho: f64,
}

/// A line search that goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Search<T> {
    /// Where it began: x, f, g.
    x: Array3<T>,
    loss: f64,
    gradient: Array3<T>,
    direction: Array3<T>,
    /// φ'(0) < 0
    slope: f64,
    /// The step that is being evaluated.
    step: f64,
    /// The longest step that was too short, with φ and φ' there.
    short: (f64, f64, f64),
    /// The shortest that was too long, with φ there.
    long: Option<(f64, f64)>,
    trials: usize,
}

impl<T: Scalar> Lbfgs<T> {
    /// An optimiser that keeps `history` pairs, at least 1. Its first step changes no pixel by more than `first_change`, in units of
    /// 0..255.
    pub fn new(history: usize, first_change: f64) -> Self {
        Self {
            history: history.max(1),
            first_change,
            pairs: VecDeque::new(),
            search: None,
        }
    }

    /// Whether its state is for pictures of this shape.
    pub fn fits(&self, shape: (usize, usize, usize)) -> bool {
        let of_pairs = self.pairs.iter().flat_map(|pair| [&pair.s, &pair.y]);
        let of_search = (self.search.iter())
            .flat_map(|search| [&search.x, &search.gradient, &search.direction]);
        (of_pairs.chain(of_search)).all(|array| array.dim() == shape)
    }

    /// Takes the `loss` and the `gradient` at `x`, and moves `x` to where they are to be evaluated next. A loss that is not finite
    /// is one that is too high.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn step(&mut self, x: &mut Array3<T>, loss: f64, gradient: &Array3<T>) {
        let Some(mut search) = self.search.take() else {
            return self.begin(x, loss, gradient);
        };
        let slope = inner(gradient, &search.direction);
        search.trials += 1;
        let low_enough = loss <= search.loss + DECREASE * search.step * search.slope;
        if !low_enough {
            search.long = Some((search.step, loss));
        } else if slope < CURVATURE * search.slope {
            search.short = (search.step, loss, slope);
        } else {
            self.remember(&search, x, gradient);
            return self.begin(x, loss, gradient);
        }
        if search.trials < MOST_TRIALS {
            search.step = search.next();
            search.move_to(search.step, x);
            self.search = Some(search);
            return;
        }
        // The curvature tells nothing here: go on from the lowest point that was found, straight down.
        self.pairs.clear();
        if low_enough {
            return self.begin(x, loss, gradient);
        }
        // Not even the shortest step goes down as promised: the gradient is at the limit of its precision.
        self.first_change *= 0.1;
        let (begin, slope, from) = (search.x, search.loss, search.gradient);
        x.assign(&begin);
        self.begin(x, slope, &from);
    }

    /// The lowest point so far that a line search has ended at, or begun from; none before the first step.
    pub fn accepted(&self) -> Option<&Array3<T>> {
        self.search.as_ref().map(|search| &search.x)
    }

    /// Begins a line search at `x`.
    fn begin(&mut self, x: &mut Array3<T>, loss: f64, gradient: &Array3<T>) {
        let mut direction = self.direction(gradient);
        let mut slope = inner(gradient, &direction);
        if slope >= 0.0 || !slope.is_finite() {
            // Rounding has eaten up H.
            self.pairs.clear();
            direction = gradient.mapv(|g| -g);
            slope = -inner(gradient, gradient);
        }
        let steepest = direction
            .iter()
            .fold(0.0_f64, |most, d| most.max(d.as_f64().abs()));
        if slope == 0.0 || steepest == 0.0 {
            return; // a flat place: nowhere is down
        }
        let step = if self.pairs.is_empty() {
            self.first_change / steepest
        } else {
            1.0
        };
        let search = Search {
            x: x.clone(),
            loss,
            gradient: gradient.clone(),
            direction,
            slope,
            step,
            short: (0.0, loss, slope),
            long: None,
            trials: 0,
        };
        search.move_to(step, x);
        self.search = Some(search);
    }

    /// −H g
    fn direction(&self, gradient: &Array3<T>) -> Array3<T> {
        let mut q = gradient.mapv(|g| -g);
        let mut shares = Vec::new();
        for Pair { s, y, rho } in self.pairs.iter().rev() {
            let share = rho * inner(s, &q);
            add(&mut q, -share, y);
            shares.push(share);
        }
        if let Some(Pair { y, rho, .. }) = self.pairs.back() {
            let scale = T::of(1.0 / (rho * inner(y, y)));
            q.par_mapv_inplace(|q| scale * q);
        }
        for (Pair { s, y, rho }, share) in self.pairs.iter().zip(shares.iter().rev()) {
            let other = rho * inner(y, &q);
            add(&mut q, share - other, s);
        }
        q
    }

    /// Keeps the pair of a search that ends at `x`.
    fn remember(&mut self, search: &Search<T>, x: &Array3<T>, gradient: &Array3<T>) {
        let (s, y) = (x - &search.x, gradient - &search.gradient);
        let product = inner(&s, &y);
        // The conditions make it positive; rounding may not.
        if product > f64::EPSILON * inner(&y, &y) {
            if self.pairs.len() == self.history {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair {
                s,
                y,
                rho: 1.0 / product,
            });
        }
    }
}

impl<T: Scalar> Search<T> {
    /// The next step to try.
    fn next(&self) -> f64 {
        let (short, low, slope) = self.short;
        let Some((long, high)) = self.long else {
            return 2.0 * self.step;
        };
        // The lowest point of the parabola through φ and φ' at the short end and φ at the long one.
        let width = long - short;
        let bend = high - low - slope * width;
        let lowest = -slope * width * width / (2.0 * bend);
        let lowest = if lowest.is_finite() {
            lowest
        } else {
            0.5 * width
        };
        short + lowest.clamp(MARGIN * width, (1.0 - MARGIN) * width)
    }

    /// x + t d
    fn move_to(&self, step: f64, x: &mut Array3<T>) {
        x.assign(&self.x);
        add(x, step, &self.direction);
    }
}

/// aᵀb
fn inner<T: Scalar>(a: &Array3<T>, b: &Array3<T>) -> f64 {
    sum_pairs(a, b, |a, b| a * b)
}

/// a ← a + factor·b
fn add<T: Scalar>(a: &mut Array3<T>, factor: f64, b: &Array3<T>) {
    let factor = T::of(factor);
    Zip::from(a).and(b).par_for_each(|a, &b| *a += factor * b);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2};

    /// f(x) = Σ 100 (x₂ − x₁²)² + (1 − x₁)² over pairs of elements: Rosenbrock's valley.
    fn rosenbrock(x: &Array3<f64>) -> (f64, Array3<f64>) {
        let mut gradient = Array3::zeros(x.dim());
        let mut loss = 0.0;
        for k in 0..x.len() / 2 {
            let (a, b) = (x[[0, k, 0]], x[[0, k, 1]]);
            loss += 100.0 * (b - a * a).powi(2) + (1.0 - a).powi(2);
            gradient[[0, k, 0]] = -400.0 * a * (b - a * a) - 2.0 * (1.0 - a);
            gradient[[0, k, 1]] = 200.0 * (b - a * a);
        }
        (loss, gradient)
    }

    fn start(pairs: usize) -> Array3<f64> {
        Array3::from_shape_fn((1, pairs, 2), |(_, k, c)| {
            if c == 0 { -1.2 - 0.1 * k as f64 } else { 1.0 }
        })
    }

    #[test]
    fn the_valley_of_rosenbrock_is_followed_to_its_lowest_point() {
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
            lbfgs.step(&mut x, loss, &gradient);
        }
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-4), "{x}");
    }

    /// H by its definition: H₊ = (1 − ρ s yᵀ) H (1 − ρ y sᵀ) + ρ s sᵀ, from (sᵀy / yᵀy) of the newest pair.
    #[test]
    fn the_two_loops_multiply_by_the_matrix_that_they_stand_for() {
        let mut x = start(3);
        let mut lbfgs = Lbfgs::new(4, 1.0);
        for _ in 0..25 {
            let (loss, gradient) = rosenbrock(&x);
            lbfgs.step(&mut x, loss, &gradient);
        }
        assert_eq!(lbfgs.pairs.len(), 4);
        let flat = |a: &Array3<f64>| a.iter().copied().collect::<Array1<f64>>();
        let newest = lbfgs.pairs.back().unwrap();
        let n = x.len();
        let mut h: Array2<f64> = Array2::eye(n) / (newest.rho * inner(&newest.y, &newest.y));
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
        let found = flat(&lbfgs.direction(&gradient));
        let error = (&found - &expected).mapv(f64::abs).sum() / expected.mapv(f64::abs).sum();
        assert!(error < 1e-10, "{error:e}");
    }

    /// Σ |x|: its gradient never gets small, and jumps.
    #[test]
    fn kinks_neither_stop_it_nor_blow_it_up() {
        let mut x = Array3::from_shape_fn((2, 3, 1), |(i, j, _)| 3.0 + i as f64 - 0.7 * j as f64);
        let mut lbfgs = Lbfgs::new(DEFAULT_HISTORY as usize, 1.0);
        let mut lowest = f64::INFINITY;
        for _ in 0..200 {
            let loss = x.iter().map(|x: &f64| x.abs()).sum();
            lowest = f64::min(lowest, loss);
            let gradient = x.mapv(f64::signum);
            lbfgs.step(&mut x, loss, &gradient);
        }
        assert!(lowest < 1e-6, "{lowest:e}");
    }

    #[test]
    fn a_loss_that_is_not_finite_shortens_the_step() {
        // −ln x + x, which is not there below 0; its lowest point is 1.
        let mut x = Array3::from_elem((1, 1, 1), 0.01);
        let mut lbfgs = Lbfgs::new(DEFAULT_HISTORY as usize, 100.0);
        for _ in 0..60 {
            let at: f64 = x[[0, 0, 0]];
            lbfgs.step(
                &mut x,
                at - at.ln(),
                &Array3::from_elem((1, 1, 1), 1.0 - 1.0 / at),
            );
        }
        assert!((x[[0, 0, 0]] - 1.0).abs() < 1e-6, "{x}");
    }

    #[test]
    fn a_flat_place_is_left_as_it_is() {
        let mut x = Array3::from_elem((2, 2, 3), 5.0_f32);
        let mut lbfgs = Lbfgs::new(DEFAULT_HISTORY as usize, 1.0);
        lbfgs.step(&mut x, 7.0, &Array3::zeros((2, 2, 3)));
        assert!(x.iter().all(|&x| x == 5.0));
    }
}
