//! Exercise 12: a whole iteration, out of the others (chapters 2 to 7).

use crate::Problem;
use ndarray::Array3;

/// The loss and its gradient with respect to the pixels of `picture` (H×W×3). [`Problem`] says what the network and the loss are.
///
/// Forward: keep the output of each step, since the way back needs some of them. Backward: begin with the gradient of the content loss,
/// and take it through each step, the last first. Where the Gram loss looks, two gradients meet: one from behind, one of the loss at this
/// place. What do they do?
///
/// Hint: nothing is new here but the order of calls.
pub fn loss_and_gradient(picture: &Array3<f64>, problem: &Problem) -> (f64, Array3<f64>) {
    todo!("down the network, and up again")
}

/// Computes loss and gradient at `picture`, takes step `t` of [`adam`](crate::adam) with this learning rate, and returns the loss that the
/// picture had before the step. `m` and `v` have the picture's shape.
///
/// Hint: `array.as_slice_mut().unwrap()` gives the elements of an array as a slice.
pub fn iterate(
    picture: &mut Array3<f64>,
    problem: &Problem,
    (m, v): (&mut Array3<f64>, &mut Array3<f64>),
    t: i32,
    rate: f64,
) -> f64 {
    todo!("loss, gradient, and a step")
}
