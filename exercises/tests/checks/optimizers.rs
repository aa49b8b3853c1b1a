//! Adam and L-BFGS.

use super::{Comparison, Verdict, as_position};
use impasto::gradients::operands::random;
use impasto::method::{Adam, BigArray};
use ndarray::{Array1, Array2, Array3, Axis};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
const RATE: f64 = 0.5;
const LENGTH: usize = 6;

type Step<'a> = &'a dyn Fn(&mut [f64], &[f64], &mut [f64], &mut [f64], i32, f64);

/// Four steps of Adam.
pub fn adam(f: Step) -> Verdict {
    let start: Array3<f64> = random((1, 1, LENGTH), 20);
    let mut reference = BigArray::from(start.clone());
    let mut right = Adam::new(&reference, RATE);
    let mut x = start.into_raw_vec_and_offset().0;
    let [mut m, mut v] = [vec![0.0; LENGTH], vec![0.0; LENGTH]];
    let [mut expected_m, mut expected_v] = [Array1::zeros(LENGTH), Array1::zeros(LENGTH)];
    for t in 1..=4 {
        let gradient: Array3<f64> = random((1, 1, LENGTH), 20 + t as u64);
        let g = Array1::from_iter(gradient.iter().copied());
        let before = Array1::from(x.clone());
        let (old_m, old_v): (Array1<f64>, Array1<f64>) = (expected_m.clone(), expected_v.clone());
        expected_m = BETA1 * old_m + (1.0 - BETA1) * &g;
        expected_v = BETA2 * old_v + (1.0 - BETA2) * &g * &g;
        f(
            &mut x,
            gradient.as_slice().unwrap(),
            &mut m,
            &mut v,
            t,
            RATE,
        );
        right.step(&mut reference, &gradient.into());

        let case = format!("after step {t}");
        let of = |values: Array1<f64>| as_position(values.as_slice().unwrap());
        let [by_m, by_v] = [1.0 - BETA1.powi(t), 1.0 - BETA2.powi(t)];
        Comparison::of("m", case.as_str())
            .with_axes(1)
            .suspect(
                "m̂ is for this step only: m itself stays without the correction",
                of(&expected_m / by_m),
            )
            .suspect(
                "m is a mean of the gradients: it begins with (1 − β₁) g",
                of(&expected_m / (1.0 - BETA1)),
            )
            .is(&as_position(&m), &of(expected_m.clone()))?;
        Comparison::of("v", case.as_str())
            .with_axes(1)
            .suspect(
                "v̂ is for this step only: v itself stays without the correction",
                of(&expected_v / by_v),
            )
            .suspect("v is the mean of the squares of g", of((1.0 - BETA2) * &g))
            .is(&as_position(&v), &of(expected_v.clone()))?;
        let moved = |by_m: f64, by_v: f64, sign: f64| {
            let m = &expected_m / by_m;
            let v = &expected_v / by_v;
            of(&before - sign * RATE * m / (v.sqrt() + EPSILON))
        };
        let no_root = of(&before - RATE * (&expected_m / by_m) / (&expected_v / by_v + EPSILON));
        Comparison::of("x", case)
            .with_axes(1)
            .suspect(
                "is the bias correction missing? m and v begin at 0",
                moved(1.0, 1.0, 1.0),
            )
            .suspect(
                "is the bias correction of v missing?",
                moved(by_m, 1.0, 1.0),
            )
            .suspect(
                "is the bias correction of m missing?",
                moved(1.0, by_v, 1.0),
            )
            .suspect(
                "steps are counted from 1 here: β is taken to the power of t − 1 or t + 1",
                moved(1.0 - BETA1.powi(t + 1), 1.0 - BETA2.powi(t + 1), 1.0),
            )
            .suspect("the step goes uphill: subtract it", moved(by_m, by_v, -1.0))
            .suspect("is the square root of v̂ missing?", no_root)
            .is(&as_position(&x), &reference.to_array())?;
    }
    Ok(())
}

type Direction<'a> = &'a dyn Fn(&[f64], &[(Vec<f64>, Vec<f64>)]) -> Vec<f64>;

/// The direction of L-BFGS, for one to four pairs.
pub fn lbfgs(f: Direction) -> Verdict {
    let gradient: Array1<f64> = random(LENGTH, 30);
    // y = Bs with a positive definite B, so that sᵀy > 0.
    let any: Array2<f64> = random((LENGTH, LENGTH), 31);
    let b = any.t().dot(&any) + Array2::<f64>::eye(LENGTH);
    for count in 1..=4 {
        let pairs: Vec<(Array1<f64>, Array1<f64>)> = (0..count)
            .map(|k| random(LENGTH, 32 + k))
            .map(|s: Array1<f64>| (s.clone(), b.dot(&s)))
            .collect();
        let (s, y) = pairs.last().unwrap();
        let scale = s.dot(y) / y.dot(y);
        let along = |pairs: &[(Array1<f64>, Array1<f64>)], scale: f64| {
            as_position((-inverse(pairs, scale).dot(&gradient)).as_slice().unwrap())
        };
        let reversed: Vec<_> = pairs.iter().rev().cloned().collect();
        let given: Vec<_> = pairs
            .iter()
            .map(|(s, y)| (s.to_vec(), y.to_vec()))
            .collect();
        let case = if count == 1 {
            "one pair".to_owned()
        } else {
            format!("{count} pairs")
        };
        let newest_last =
            "the first loop goes from the newest pair, the last in the list, to the oldest";
        let found = f(gradient.as_slice().unwrap(), &given);
        Comparison::of("d", case)
            .with_axes(1)
            .suspect(
                "that is +Hg: the direction is downhill, −Hg",
                -along(&pairs, scale),
            )
            .suspect(
                "is q scaled between the loops, by sᵀy / yᵀy?",
                along(&pairs, 1.0),
            )
            .suspect(
                "q is scaled by sᵀy / yᵀy, not by its inverse",
                along(&pairs, 1.0 / scale),
            )
            .suspect(newest_last, along(&reversed, scale))
            .suspect(
                newest_last,
                along(&reversed, {
                    let (s, y) = &pairs[0];
                    s.dot(y) / y.dot(y)
                }),
            )
            .suspect(
                "that is the gradient downhill: the pairs have no effect",
                as_position((-&gradient).as_slice().unwrap()),
            )
            .suspect("is the second loop missing?", {
                let mut q = -&gradient;
                for (s, y) in pairs.iter().rev() {
                    let a = s.dot(&q) / s.dot(y);
                    q.scaled_add(-a, y);
                }
                as_position((q * scale).as_slice().unwrap())
            })
            .is(&as_position(&found), &along(&pairs, scale))?;
    }
    Ok(())
}

/// H by its definition: H₊ = (1 − ρ s yᵀ) H (1 − ρ y sᵀ) + ρ s sᵀ, beginning with `scale` times the identity.
fn inverse(pairs: &[(Array1<f64>, Array1<f64>)], scale: f64) -> Array2<f64> {
    let mut h = Array2::eye(LENGTH) * scale;
    for (s, y) in pairs {
        let rho = 1.0 / s.dot(y);
        let column = |v: &Array1<f64>| v.clone().insert_axis(Axis(1));
        let (s, y) = (column(s), column(y));
        let left = Array2::eye(LENGTH) - rho * s.dot(&y.t());
        h = left.dot(&h).dot(&left.t()) + rho * s.dot(&s.t());
    }
    h
}
