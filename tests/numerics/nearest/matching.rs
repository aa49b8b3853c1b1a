//! The search for nearest neighbors against a plain double loop.

use crate::common::random;
use impasto::engine::EngineKind;
use impasto::method::PlainProducts;
use impasto::method::nearest::matching::nearest;
use ndarray::{Array1, Array2, Axis, concatenate, s};

/// The number of the first row of `b` with the smallest centered cosine distance, for each row of `a`.
fn by_loops(a: &Array2<f64>, b: &Array2<f64>) -> Vec<usize> {
    let (mean_a, mean_b) = (a.mean_axis(Axis(0)).unwrap(), b.mean_axis(Axis(0)).unwrap());
    let distance = |a: Array1<f64>, b: Array1<f64>| {
        1.0 - a.dot(&b) / (a.dot(&a).sqrt() * b.dot(&b).sqrt()).max(1e-300)
    };
    let search = |a: ndarray::ArrayView1<f64>| {
        let distances: Vec<f64> = (b.rows().into_iter())
            .map(|b| distance(&a - &mean_a, &b - &mean_b))
            .collect();
        let smallest = distances.iter().copied().fold(f64::INFINITY, f64::min);
        distances.iter().position(|&d| d == smallest).unwrap()
    };
    a.rows().into_iter().map(search).collect()
}

#[test]
fn the_nearest_rows_are_those_that_a_double_loop_finds() {
    // More rows than a block has, and fewer; in one matrix, and in several.
    for (n, m, channels) in [(2100, 700, 7), (40, 1100, 20), (1, 1, 3), (5, 2, 1)] {
        let a = random((n, channels), 1).mapv(|x: f64| x.max(-0.5));
        let b = random((m, channels), 2).mapv(|x: f64| x.max(-0.3));
        let expected = by_loops(&a, &b);
        for engine in [EngineKind::Reference, EngineKind::default()] {
            let engine = engine.build();
            let whole = nearest(a.view(), &[b.view()], &*engine);
            assert_eq!(whole, expected, "{n} {m}");
            let parts = [b.slice(s![..m / 3, ..]), b.slice(s![m / 3.., ..])];
            assert_eq!(nearest(a.view(), &parts, &*engine), expected, "{n} {m}");
        }
    }
}

#[test]
fn of_equally_near_rows_the_first_is_chosen() {
    let rows: Array2<f64> = random((600, 4), 3);
    let twice = concatenate![Axis(0), rows, rows];
    let expected: Vec<usize> = (0..600).collect();
    assert_eq!(
        nearest(rows.view(), &[twice.view()], &PlainProducts),
        expected
    );
}

#[test]
fn vectors_that_are_all_equal_or_zero_are_matched_with_the_first() {
    let any: Array2<f64> = random((5, 3), 4);
    let zero = Array2::zeros((4, 3));
    assert_eq!(nearest(any.view(), &[zero.view()], &PlainProducts), [0; 5]);
    assert_eq!(nearest(zero.view(), &[any.view()], &PlainProducts), [0; 4]);
    assert_eq!(nearest(any.view(), &[], &PlainProducts), [0; 5]);
}

#[test]
fn matches_are_the_same_on_any_number_of_threads() {
    let (a, b): (Array2<f32>, Array2<f32>) = (random((3000, 33), 5), random((1500, 33), 6));
    let engine = EngineKind::default().build();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        (pool.unwrap()).install(|| nearest(a.view(), &[b.view()], &*engine))
    };
    assert_eq!(on(1), on(3));
}
