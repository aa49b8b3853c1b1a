//! The loss of each layer by itself, with matches found anew.

use super::has_the_same_bits_on_any_number_of_threads;
use crate::common::{on_one_thread, random};
use impasto::gradients::nearest::{
    add_painting, layers, split_of, split_on_grids, value_and_gradients,
};
use impasto::method::PlainProducts;
use impasto::method::nearest::SplitLossBuilder;
use ndarray::{Array2, Array3, Axis};

#[test]
fn each_iteration_draws_its_own_grid() {
    on_one_thread(|| {
        let (arrays, loss) = split_on_grids();
        let draw = |iteration| value_and_gradients(&loss, &arrays, iteration, &PlainProducts).1;
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
    });
}

#[test]
fn the_value_is_the_mean_of_the_smallest_centered_cosine_distances() {
    let (x, y): (Array2<f64>, Array2<f64>) = (random((12, 3), 1), random((20, 3), 2));
    let rows = |m: &Array2<f64>| -> Vec<_> {
        let mean = m.mean_axis(Axis(0)).unwrap();
        m.rows().into_iter().map(|row| &row - &mean).collect()
    };
    let ys = rows(&y);
    let distances = rows(&x).into_iter().map(|a| {
        let distance = |b: &ndarray::Array1<f64>| 1.0 - a.dot(b) / (a.dot(&a) * b.dot(b)).sqrt();
        ys.iter().map(distance).fold(f64::INFINITY, f64::min)
    });
    let expected = distances.sum::<f64>() / 12.0;
    let array = |m: Array2<f64>| {
        let shape = (m.nrows() / 4, 4, 3);
        vec![m.into_shape_with_order(shape).unwrap()]
    };
    let loss = split_of(&[array(y)]);
    let value = value_and_gradients(&loss, &array(x), 0, &PlainProducts).0;
    assert!((value - expected).abs() < 1e-6, "{value} {expected}");
}

#[test]
fn a_picture_of_the_painting_itself_has_a_loss_of_zero() {
    let arrays = layers((20, 30), 10);
    let loss = split_of(std::slice::from_ref(&arrays));
    let (value, gradients) = value_and_gradients(&loss, &arrays, 4, &PlainProducts);
    assert!(value.abs() < 1e-6, "{value:e}");
    assert!(gradients.iter().flatten().all(|g| g.abs() < 1e-6));
}

#[test]
fn layers_of_zeros_and_paintings_that_nobody_sees_give_numbers() {
    let some = layers((9, 9), 10);
    let zeros: Vec<_> = some.iter().map(|f| Array3::zeros(f.dim())).collect();
    let losses = [
        split_of(std::slice::from_ref(&zeros)),
        split_of(std::slice::from_ref(&some)),
    ];
    for loss in &losses {
        for arrays in [&zeros, &some] {
            let (value, gradients) = value_and_gradients(loss, arrays, 0, &PlainProducts);
            assert!(value.is_finite());
            assert!(gradients.iter().flatten().all(|g| g.is_finite()));
        }
    }
    let mut builder = SplitLossBuilder::new(3, 1);
    add_painting(&mut builder, 0, &some, Some(&Array2::zeros((3, 3))));
    let (value, gradients) =
        value_and_gradients(&builder.finish(vec![None]), &some, 0, &PlainProducts);
    assert_eq!(value, 0.0);
    assert!(gradients.iter().flatten().all(|&g| g == 0.0));
}

#[test]
fn the_bits_of_the_loss_of_each_layer_do_not_depend_on_threads() {
    let loss = split_of(&[layers((70, 60), 20)]);
    assert!(has_the_same_bits_on_any_number_of_threads(
        &loss,
        &layers((90, 75), 10)
    ));
}
