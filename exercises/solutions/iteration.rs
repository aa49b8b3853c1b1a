//! Exercise 12, solved.

use crate::{
    Problem, adam, content_loss, convolution, convolution_backward, gram_loss, pooling, relu,
};
use ndarray::Array3;

/// Loss and gradient.
pub fn loss_and_gradient(picture: &Array3<f64>, problem: &Problem) -> (f64, Array3<f64>) {
    let (kernel1, bias1) = &problem.first;
    let (kernel2, bias2) = &problem.second;
    let first = relu::forward(&convolution::forward(picture, kernel1, bias1));
    let pooled = pooling::forward(&first);
    let second = relu::forward(&convolution::forward(&pooled, kernel2, bias2));

    let (content, d_second) = content_loss::value_and_gradient(&second, &problem.content);
    let (style, d_style) = gram_loss::value_and_gradient(&first, &problem.style);

    let d_conv2 = relu::backward(&second, &d_second);
    let d_pooled = convolution_backward::backward(&d_conv2, kernel2);
    let (height, width, _) = first.dim();
    let d_first = pooling::backward(&d_pooled, (height, width)) + d_style * problem.style_weight;
    let d_conv1 = relu::backward(&first, &d_first);
    let gradient = convolution_backward::backward(&d_conv1, kernel1);
    (content + problem.style_weight * style, gradient)
}

/// An iteration.
pub fn iterate(
    picture: &mut Array3<f64>,
    problem: &Problem,
    (m, v): (&mut Array3<f64>, &mut Array3<f64>),
    t: i32,
    rate: f64,
) -> f64 {
    let (loss, gradient) = loss_and_gradient(picture, problem);
    let gradient = gradient.as_standard_layout();
    let [x, m, v] =
        [picture, m, v].map(|array| array.as_slice_mut().expect("arrays are contiguous"));
    let gradient = gradient.as_slice().expect("arrays are contiguous");
    adam::step(x, gradient, m, v, t, rate);
    loss
}
