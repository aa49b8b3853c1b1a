//! What one iteration of neural style transfer is, from two pictures to changed pixels, with nothing but the plain method.
//!
//! `cargo run --release --example one_iteration` runs ten iterations, and prints the loss before the first and the last.

use impasto::method::{Adam, BigArray, ContentLoss, GramLoss, Loss, Padding, Pooling, StyleLoss};
use impasto::method::{conv, pool, relu};
use impasto::picture::{Picture, Size};
use impasto::weights::{Source, Weights};
use ndarray::Array3;
use std::path::Path;

/// The beginning of VGG: convolutions, each with a ReLU, and a pooling. A real run goes deeper: it compares the content at conv4_2,
/// and the style at five layers from conv1_1 to conv5_1.
const LAYERS: [&str; 4] = ["conv1_1", "conv1_2", "pool1", "conv2_1"];
const CONTENT_LAYER: usize = 3; // conv2_1
const STYLE_LAYER: usize = 1; // conv1_2
const CONTENT_WEIGHT: f32 = 1e3;

/// Computes ten iterations, and checks that each of the first nine makes the loss smaller.
///
/// # Errors
/// If a file cannot be read.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let weights = Weights::load(&Source::File("data/vgg16.safetensors".into()))?;
    let size = Size {
        width: 96,
        height: 64,
    };
    // Arrays of height × width × 3, RGB 0..255 less the mean color of the pictures that VGG was trained with.
    let open = |name: &str| Picture::open(Path::new(name)).map(|(p, _)| p.fit(size).to_array());
    let photograph = open("data/content/chelsea.jpg")?;
    let painting = open("data/style/starry_night.jpg")?;

    // ANCHOR: targets
    // The network never changes. It turns the photograph and the painting into what the picture is to come close to.
    let content = ContentLoss::new(forward(&weights, &photograph)[CONTENT_LAYER].clone());
    let style = GramLoss::new(&forward(&weights, &painting)[STYLE_LAYER]);
    // ANCHOR_END: targets

    // What changes is the picture. It begins as the photograph. A step changes a pixel by about 2 of 255.
    // Optimizers work on arrays that may lie in a file; this one is in memory.
    let mut x = BigArray::from(photograph);
    let mut adam = Adam::new(&x, 2.0);
    let mut losses = Vec::new();
    for _ in 0..10 {
        // ANCHOR: loss
        // Forward: the outputs of all layers, each computed from the one before.
        let picture = x.to_array();
        let outputs = forward(&weights, &picture);

        // Loss: how far they are from the targets, and its gradient at each of the two layers.
        let (content_loss, dcontent) = content.value_and_gradient(&outputs[CONTENT_LAYER]);
        let (style_loss, dstyle) = style.value_and_gradient(&outputs[STYLE_LAYER]);
        losses.push(f64::from(CONTENT_WEIGHT) * content_loss + style_loss);
        // ANCHOR_END: loss

        // ANCHOR: backward
        // Backward: from the deepest layer to the pixels. Each layer turns the gradient of its output into that of its input.
        let mut gradient = dcontent * CONTENT_WEIGHT;
        for layer in (0..LAYERS.len()).rev() {
            if layer == STYLE_LAYER {
                gradient += &dstyle;
            }
            let input = if layer == 0 {
                &picture
            } else {
                &outputs[layer - 1]
            };
            gradient = match weights.conv(LAYERS[layer]) {
                Some(conv) => {
                    let before_relu = relu::backward(&outputs[layer], &gradient);
                    conv::backward(&before_relu, &conv.kernel, Padding::Zero)
                }
                None => pool::backward(Pooling::Average, input, &gradient), // a pooling has no weights
            };
        }
        // ANCHOR_END: backward

        // ANCHOR: step
        // Step: every pixel moves a little against its gradient.
        adam.step(&mut x, &gradient.into());
        // ANCHOR_END: step
    }
    println!("loss {:e} → {:e}", losses[0], losses[losses.len() - 1]);
    assert!(losses.is_sorted_by(|before, after| before > after));
    Ok(())
}

// ANCHOR: forward
/// The outputs of all layers for the picture `x`.
fn forward(weights: &Weights, x: &Array3<f32>) -> Vec<Array3<f32>> {
    let mut outputs: Vec<Array3<f32>> = Vec::new();
    for layer in LAYERS {
        let input = outputs.last().unwrap_or(x);
        outputs.push(match weights.conv(layer) {
            Some(conv) => {
                let y = conv::forward(input, &conv.kernel, &conv.bias, Padding::Zero);
                relu::forward(y)
            }
            None => pool::forward(Pooling::Average, input), // a pooling has no weights
        });
    }
    outputs
}
// ANCHOR_END: forward
