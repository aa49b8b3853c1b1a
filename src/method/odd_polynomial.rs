//! Odd polynomials of degree five that bring numbers between 0 and 1 near to 1 when they are applied again and again: what the iterations
//! for [roots](super::matrix_root) and for [polar factors](super::polar) of matrices are made of.
//!
//! Let all numbers s lie between l and 1. The best polynomial p is the one that keeps the p(s) as near to each other as can be: of all odd polynomials of
//! degree five the nearest to 1 on \[l, 1\], divided by its maximum (Amsel, Persson, Musco and Gower 2025, The Polar Express). Then p(l)
//! is the new l. But for a small l this p makes some s near 1 as small as l, and loses their digits; that for l = 0.08 keeps them above
//! 0.3. When all are near 1, p is (15s − 10s³ + 3s⁵)/8: as p(1) = 1 and p′(1) = p″(1) = 0, a distance d from 1 becomes about 2.5·d³.

/// The least l that a polynomial is made for. With a smaller one some s near 1 would become too small.
const LEAST: f64 = 0.08;

/// a, b and e of the odd polynomial a·s + b·s³ + e·s⁵.
pub(super) type Polynomial = [f64; 3];

/// (15s − 10s³ + 3s⁵)/8
pub(super) const AT_ONE: Polynomial = [15.0 / 8.0, -10.0 / 8.0, 3.0 / 8.0];

pub(super) fn value([a, b, e]: Polynomial, s: f64) -> f64 {
    s * (a + s * s * (b + s * s * e))
}

/// The odd polynomial of degree five that is nearest to 1 between `least` and 1, divided by its maximum there, 1 + E. By Chebyshev's
/// theorem it is 1 − E, 1 + E, 1 − E and 1 + E at four points: at both ends, and at its maximum and its minimum between them. Four points
/// determine the polynomial and E, and the polynomial its maximum and its minimum; both in turns, until they stay (Remez's algorithm).
///
/// For a `least` below 0.08 it is that of 0.08.
pub(super) fn nearest_to_one(least: f64) -> Polynomial {
    // If all are this near to 1, AT_ONE is as good.
    if least > 0.9 {
        return AT_ONE;
    }
    let least = least.max(LEAST);
    let mut points = [least, 0.75 * least + 0.25, 0.25 * least + 0.75, 1.0];
    for _ in 0..30 {
        let (polynomial, maximum) = through(points);
        let [a, b, e] = polynomial;
        // Where the derivative a + 3b·s² + 5e·s⁴ is 0.
        let root = (9.0 * b * b - 20.0 * a * e).sqrt();
        let extremes = [-root, root].map(|root| ((root - 3.0 * b) / (10.0 * e)).sqrt());
        let moved = (points[1] - extremes[0]).abs() + (points[2] - extremes[1]).abs();
        points[1..3].copy_from_slice(&extremes);
        if moved < 1e-9 {
            return polynomial.map(|factor| factor / maximum);
        }
    }
    unreachable!("for each l from LEAST to 0.9 it takes three or four rounds")
}

/// The odd polynomial of degree five that is 1 − E, 1 + E, 1 − E and 1 + E at these points, and 1 + E.
fn through(points: [f64; 4]) -> (Polynomial, f64) {
    let squares = points.map(|s| s * s);
    // p(s)/s is of second degree in s², so that its third divided difference, Σ weight·p(s), is 0. From this follows E.
    let weights: [f64; 4] = std::array::from_fn(|i| {
        let others = (0..4).filter(|&j| j != i);
        let product: f64 = others.map(|j| squares[i] - squares[j]).product();
        1.0 / (product * points[i])
    });
    let signs = [-1.0, 1.0, -1.0, 1.0];
    let signed = weights
        .iter()
        .zip(signs)
        .map(|(weight, sign)| weight * sign);
    let error = -weights.iter().sum::<f64>() / signed.sum::<f64>();
    // Newton's form through the first three.
    let [y0, y1, y2]: [f64; 3] = std::array::from_fn(|i| (1.0 + signs[i] * error) / points[i]);
    let [t0, t1, t2, _] = squares;
    let slope = (y1 - y0) / (t1 - t0);
    let e = ((y2 - y1) / (t2 - t1) - slope) / (t2 - t0);
    let b = slope - e * (t0 + t1);
    let a = y0 - t0 * (b + e * t0);
    ([a, b, e], 1.0 + error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_polynomial_is_as_near_to_one_at_four_points() {
        for least in [LEAST, 0.1, 0.3, 0.6, 0.89] {
            let polynomial = nearest_to_one(least);
            let values: Vec<f64> = (0..=1000)
                .map(|k| value(polynomial, least + (1.0 - least) * f64::from(k) / 1000.0))
                .collect();
            let lowest = values
                .iter()
                .fold(1.0, |lowest, &value| f64::min(lowest, value));
            assert!(values.iter().all(|&value| value < 1.0 + 1e-6), "{least}");
            assert!((values[0] - lowest).abs() < 1e-5, "{least}: {lowest}");
            assert!((values[1000] - 1.0).abs() < 1e-9, "{least}");
            // Inside there is a maximum that is as high as the end, and a minimum that is as low as the beginning.
            let inside = &values[1..1000];
            let turns: Vec<f64> = (inside.windows(3))
                .filter(|near| (near[1] - near[0]) * (near[2] - near[1]) < 0.0)
                .map(|near| near[1])
                .collect();
            assert_eq!(turns.len(), 2, "{least}: {turns:?}");
            assert!((turns[0] - 1.0).abs() < 1e-5 && (turns[1] - lowest).abs() < 1e-5);
            assert!(lowest > 0.3, "{least}: {lowest}");
        }
        let flat = [-1e-3, 1e-3].map(|d| value(AT_ONE, 1.0 + d) - 1.0);
        assert!(flat.iter().all(|value| value.abs() < 1e-8), "{flat:?}");
    }
}
