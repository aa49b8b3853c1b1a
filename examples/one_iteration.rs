//! One iteration of neural style transfer, from two pictures to a changed pixel, with nothing but the plain method.
//!
//! `cargo run --release --example one_iteration` prints the loss before and after a few iterations.

use impasto::method::{Adam, ContentLoss, GramLoss, Loss, Padding, Pooling, StyleLoss};
use impasto::method::{conv, pool, relu};
use impasto::picture::{Picture, Size};
use impasto::weights::{Source, Weights};
use ndarray::Array3;
use std::path::Path;

/// The first convolutions of VGG, up to a layer for the content and a deeper one for the style. `pool` means: average 2×2 cells.
const LAYERS: [&str; 4] = ["conv1_1", "conv1_2", "pool", "conv2_1"];
const CONTENT: usize = 1; // conv1_2
const STYLE: usize = 3; // conv2_1

/// Computes ten iterations, and checks that each makes the loss smaller.
///
/// # Errors
/// If a file cannot be read.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let weights = Weights::load(&Source::File("data/vgg16.safetensors".into()))?;
    let size = Size {
        width: 96,
        height: 64,
    };
    let open = |name: &str| {
        Picture::open(Path::new(name)).map(|(picture, _)| picture.fit(size).to_array())
    };
    let photograph = open("data/content/chelsea.jpg")?;
    let painting = open("data/style/starry_night.jpg")?;

    // The network never changes. From each picture it gives a target.
    let content = ContentLoss::new(forward(&weights, &photograph)[CONTENT].clone());
    let style = GramLoss::new(&forward(&weights, &painting)[STYLE]);

    // What changes is the picture. It begins as the photograph.
    let mut x = photograph;
    let mut adam = Adam::new(x.dim(), 2.0);
    let mut losses = Vec::new();
    for _ in 0..10 {
        // Forward: the outputs of all layers, each computed from the one before.
        let outputs = forward(&weights, &x);

        // Loss: how far they are from the targets, and the gradient of that at each of the two layers.
        let (content_loss, dcontent) = content.value_and_gradient(&outputs[CONTENT]);
        let (style_loss, dstyle) = style.value_and_gradient(&outputs[STYLE]);
        losses.push(1e-2 * content_loss + style_loss);

        // Backward: from the deepest layer to the pixels. Each layer turns the gradient of its output into that of its input.
        let mut gradient = dstyle;
        for layer in (0..LAYERS.len()).rev() {
            if layer == CONTENT {
                gradient = gradient + &dcontent * 1e-2;
            }
            let input = if layer == 0 { &x } else { &outputs[layer - 1] };
            gradient = match weights.conv(LAYERS[layer]) {
                Some(conv) => {
                    let before_relu = relu::backward(&outputs[layer], &gradient);
                    conv::backward(&before_relu, &conv.kernel, Padding::Zero)
                }
                None => pool::backward(Pooling::Average, input, &gradient),
            };
        }

        // Step: every pixel moves a little against its gradient.
        adam.step(&mut x, &gradient);
    }
    println!("loss {:e} → {:e}", losses[0], losses[losses.len() - 1]);
    assert!(losses.is_sorted_by(|before, after| before > after));
    Ok(())
}

/// The outputs of all layers for the picture `x`.
fn forward(weights: &Weights, x: &Array3<f32>) -> Vec<Array3<f32>> {
    let mut outputs: Vec<Array3<f32>> = Vec::new();
    for layer in LAYERS {
        let input = outputs.last().unwrap_or(x);
        outputs.push(match weights.conv(layer) {
            Some(conv) => relu::forward(conv::forward(
                input,
                &conv.kernel,
                &conv.bias,
                Padding::Zero,
            )),
            None => pool::forward(Pooling::Average, input),
        });
    }
    outputs
}
