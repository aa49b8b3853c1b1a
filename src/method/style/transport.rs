//! Optimal transport between two lists of numbers: the least cost of moving one distribution onto the other, where moving a mass
//! by a distance d costs d² times the mass.
//!
//! On a line the best plan is known: the smallest goes to the smallest. With the quantile functions F⁻¹ and Q,
//!
//! > W² = ∫₀¹ (F⁻¹(u) − Q(u))² du
//!
//! (Villani 2003, Topics in Optimal Transportation, theorem 2.18). Here F has a point mass wᵢ/m at each number fᵢ, with m = Σ wᵢ.
//! F⁻¹ is fᵢ on an interval of that length; Q is a step function of equal steps qₖ. As long as no two numbers change their order,
//! the intervals do not move, so that
//!
//! > dW²/dfᵢ = 2 ∫ (fᵢ − Q(u)) du over the interval of fᵢ.

use crate::method::Scalar;

/// How much each number of a list counts.
#[derive(Clone, Copy)]
pub struct Masses<'a, T> {
    /// w, at least 0 each; without them all are 1.
    pub weights: Option<&'a [T]>,
    /// m, above 0.
    pub total: f64,
}

/// A number and its index in the list that it comes from.
type Indexed<T> = (T, u32);

/// The quantile function of `values` in this many `steps`, each the mean of the function over it.
///
/// With as many steps as values of equal weight, the steps are the sorted values.
pub fn quantiles<T: Scalar>(values: &[T], masses: Masses<T>, steps: usize) -> Vec<T> {
    let mut sorted = Vec::new();
    sort(values, masses, &mut sorted);
    let mut sums = vec![0.0; steps];
    for_each_overlap(&sorted, masses, steps, |(value, _), step, overlap| {
        sums[step] += overlap * value.as_f64();
    });
    sums.into_iter().map(T::of).collect()
}

/// Returns W² between `values` and the distribution with these `quantiles`, and replaces each value fᵢ by ½·dW²/dfᵢ. `sorted` is
/// scratch memory.
pub fn transport<T: Scalar>(
    values: &mut [T],
    masses: Masses<T>,
    quantiles: &[T],
    sorted: &mut Vec<(T, u32)>,
) -> f64 {
    // ANCHOR: transport
    sort(values, masses, sorted);
    values.fill(T::zero());
    let step_length = 1.0 / quantiles.len() as f64;
    let mut cost = 0.0;
    for_each_overlap(
        sorted,
        masses,
        quantiles.len(),
        |(f, index), step, overlap| {
            let mass = overlap * step_length;
            let distance = f.as_f64() - quantiles[step].as_f64();
            cost += mass * distance * distance;
            values[index as usize] += T::of(mass * distance);
        },
    );
    cost
    // ANCHOR_END: transport
}

/// The `values` whose weight is above 0, in rising order; equal ones in the order of their indices.
fn sort<T: Scalar>(values: &[T], masses: Masses<T>, sorted: &mut Vec<Indexed<T>>) {
    let counts = |index: u32| masses.weights.is_none_or(|w| w[index as usize] > T::zero());
    let indexed = values.iter().copied().zip(0..);
    sorted.clear();
    sorted.extend(indexed.filter(|&(_, index)| counts(index)));
    radsort::sort_by_key(sorted, |&(value, _)| value);
}

/// Lays the masses of `sorted` side by side along `steps` steps of length 1, which they fill, and calls `visit(number, step,
/// overlap)` wherever a mass and a step overlap.
fn for_each_overlap<T: Scalar>(
    sorted: &[Indexed<T>],
    masses: Masses<T>,
    steps: usize,
    mut visit: impl FnMut(Indexed<T>, usize, f64),
) {
    let scale = steps as f64 / masses.total;
    let (mut begin, mut end, mut step) = (0.0, 0.0, 0);
    for &(value, index) in sorted {
        end += masses.weights.map_or(1.0, |w| w[index as usize].as_f64()) * scale;
        // What rounding leaves beyond the last step belongs to it.
        while step + 1 < steps && end > (step + 1) as f64 {
            visit((value, index), step, (step + 1) as f64 - begin);
            step += 1;
            begin = step as f64;
        }
        visit((value, index), step, end - begin);
        begin = end;
    }
}
