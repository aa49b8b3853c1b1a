//! Nearest-neighbor losses: the search, and the losses' values. Their derivatives are checked in `gradients`.

mod matching;
mod split;
mod targets;

use impasto::engine::EngineKind;
use impasto::gradients::nearest::value_and_gradients;
use impasto::method::JointLoss;
use ndarray::Array3;

/// Whether value and gradients have the same bits on one thread and on three.
fn has_the_same_bits_on_any_number_of_threads(
    loss: &dyn JointLoss<f64>,
    arrays: &[Array3<f64>],
) -> bool {
    let engine = EngineKind::default().build();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        (pool.unwrap()).install(|| value_and_gradients(loss, arrays, 1, &*engine))
    };
    on(1) == on(3)
}
