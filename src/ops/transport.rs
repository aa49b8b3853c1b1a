//! Optimal transport between numbers: what it costs to turn one distribution into another, if moving a mass by d costs d² of it.
//!
//! On a line the best plan is known: the smallest goes to the smallest. With the quantile functions F⁻¹ and Q,
//!
//! > W² = ∫₀¹ (F⁻¹(u) − Q(u))² du
//!
//! (Villani 2003, Topics in Optimal Transportation, theorem 2.18). Here F has an atom for each number fᵢ, of mass mᵢ, Σ mᵢ = 1,
//! and F⁻¹ is fᵢ on a cell of that length; Q is a staircase of K equal steps, qₖ. As long as no two numbers change places the
//! cells stay where they are, so that
//!
//! > dW²/dfᵢ = 2 ∫ (fᵢ − Q(u)) du over the cell of fᵢ.

use super::Scalar;

/// How much each number of a list counts.
#[derive(Clone, Copy)]
pub struct Masses<'a, T> {
    /// At least 0 each; if there are none, all count 1.
    pub weights: Option<&'a [T]>,
    /// Their sum, above 0.
    pub total: f64,
}

/// A number and its place in the list that it comes from.
type Placed<T> = (T, u32);

/// The staircase of so many `steps` for the distribution of `values`: each step is the mean of the quantile function over it.
///
/// With as many steps as values of one weight, the steps are the values, sorted.
pub fn quantiles<T: Scalar>(values: &[T], masses: Masses<T>, steps: usize) -> Vec<T> {
    let mut sorted = Vec::new();
    sort(values, masses, &mut sorted);
    let mut sums = vec![0.0; steps];
    overlaps(&sorted, masses, steps, |(value, _), step, overlap| {
        sums[step] += overlap * value.as_f64();
    });
    sums.into_iter().map(T::of).collect()
}

/// W² between `values` and a staircase; in place of each value it leaves ½·dW²/dfᵢ. `sorted` is memory to work in.
pub fn transport<T: Scalar>(
    values: &mut [T],
    masses: Masses<T>,
    quantiles: &[T],
    sorted: &mut Vec<(T, u32)>,
) -> f64 {
    sort(values, masses, sorted);
    values.fill(T::zero());
    let share = 1.0 / quantiles.len() as f64;
    let mut cost = 0.0;
    overlaps(sorted, masses, quantiles.len(), |(f, at), step, overlap| {
        let (mass, way) = (overlap * share, f.as_f64() - quantiles[step].as_f64());
        cost += mass * way * way;
        values[at as usize] += T::of(mass * way);
    });
    cost
}

/// Those of `values` that count, in rising order; equals in the order of their places.
fn sort<T: Scalar>(values: &[T], masses: Masses<T>, sorted: &mut Vec<Placed<T>>) {
    let counts = |at: usize| masses.weights.is_none_or(|w| w[at] > T::zero());
    let placed = values.iter().zip(0..);
    sorted.clear();
    sorted.extend(
        placed
            .filter(|&(_, at)| counts(at as usize))
            .map(|(&v, at)| (v, at)),
    );
    radsort::sort_by_key(sorted, |&(value, _)| value);
}

/// Lays the masses of `sorted` one after the other along `steps` steps of length 1, which they fill, and calls
/// `meet(number, step, overlap)` wherever a mass lies on a step.
fn overlaps<T: Scalar>(
    sorted: &[Placed<T>],
    masses: Masses<T>,
    steps: usize,
    mut meet: impl FnMut(Placed<T>, usize, f64),
) {
    let scale = steps as f64 / masses.total;
    let (mut begin, mut end, mut step) = (0.0, 0.0, 0);
    for &(value, at) in sorted {
        end += masses.weights.map_or(1.0, |w| w[at as usize].as_f64()) * scale;
        // What rounding leaves beyond the last step belongs to it.
        while step + 1 < steps && end > (step + 1) as f64 {
            meet((value, at), step, (step + 1) as f64 - begin);
            step += 1;
            begin = step as f64;
        }
        meet((value, at), step, end - begin);
        begin = end;
    }
}
