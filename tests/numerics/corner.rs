//! The gradient of a picture that is computed in tiles, at a corner of it, against Gram matrices that are summed here, in f64, strip by strip.

use crate::common::{distance, random};
use impasto::engine::EngineKind;
use impasto::method::big_array::{Scratch, Storage};
use impasto::method::{Alone, BigArray, Padding, Pooling, StyleLossKind};
use impasto::network::{LayerLosses, Network};
use impasto::objective::{Compared, Region, Style, Tap, Targets, TileSize, TiledObjective};
use impasto::vgg::VGG16;
use impasto::weights::{Source, Weights};
use ndarray::{Array2, Array3, s};
use rayon::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// The layers that are compared, all with the weight 1.
const LAYERS: [&str; 3] = ["conv1_1", "conv2_1", "conv3_1"];

/// Pixels that the deepest of them sees beyond its own, and more: a multiple of its stride.
const MARGIN: usize = 16;

/// Pixels along the edges of the corner.
const CORNER: usize = 64;

/// Rows of a strip.
const STRIP: usize = 128;

/// dL/dF at each layer, with sums over the whole picture.
struct FromSums {
    /// By the numbers of the layers: (G − A) / (N²·m²).
    differences: Vec<(usize, Array2<f64>)>,
}

impl LayerLosses<f32> for FromSums {
    fn add_gradient(&mut self, layer: usize, f: Option<&Array3<f32>>, df: &mut Array3<f32>) {
        let (_, difference) = self
            .differences
            .iter()
            .find(|(of, _)| *of == layer)
            .unwrap();
        let f = matrix(&f.unwrap().view().to_owned());
        let gradient = f.dot(difference);
        df.iter_mut()
            .zip(&gradient)
            .for_each(|(df, &g)| *df += g as f32);
    }

    fn replace_by_gradient(&mut self, _: usize, _: &mut Array3<f32>) -> bool {
        false
    }
}

/// Activations as a matrix of positions × channels.
fn matrix(f: &Array3<f32>) -> Array2<f64> {
    let (height, width, channels) = f.dim();
    let f = f.mapv(f64::from);
    f.into_shape_with_order((height * width, channels)).unwrap()
}

/// FᵀF, in parallel.
fn gram(f: &Array3<f32>) -> Array2<f64> {
    let channels = f.dim().2;
    let parts: Vec<_> = f.axis_chunks_iter(ndarray::Axis(0), 2).collect();
    let grams = parts.into_par_iter().map(|rows| {
        let rows = matrix(&rows.to_owned());
        rows.t().dot(&rows)
    });
    grams.reduce(|| Array2::zeros((channels, channels)), |a, b| a + b)
}

/// A pixel of the picture: waves of several lengths, and noise.
fn level(row: usize, column: usize, channel: usize) -> f32 {
    let (i, j) = (row as f32, column as f32);
    let noise = (row * 7919 + column * 104_729 + channel * 1_299_709) % 251;
    50.0 * (0.003 * i + channel as f32).sin()
        + 40.0 * (0.05 * j - 0.02 * i).cos()
        + 0.2 * noise as f32
        - 25.0
}

fn check((height, width): (usize, usize), edge: usize, storage: &Storage) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/vgg16.safetensors");
    let weights = Weights::load(&Source::File(file)).unwrap();
    let taps = LAYERS.map(|name| Tap {
        layer: VGG16.find(name).unwrap(),
        weight: 1.0,
    });
    let engine = EngineKind::default().build();
    let depth = taps[2].layer + 1;
    let network = Network::<f32>::new(&weights, Pooling::Max, Padding::Zero, depth, engine);
    let mut x = BigArray::zeros((height, width, 3), storage);
    for first in (0..height).step_by(STRIP) {
        let rows = STRIP.min(height - first);
        let strip = Array3::from_shape_fn((rows, width, 3), |(i, j, c)| level(first + i, j, c));
        x.set_rows(first, &strip);
    }
    let painting = random::<f32, _, _>((100, 120, 3), 3) * 60.0;

    let regions = [Region::everywhere(vec![Style::whole(
        BigArray::from(painting.clone()).into(),
    )])];
    let targets = Targets {
        content: None,
        regions: &regions,
        style_taps: &taps,
        compared: Compared::Layers,
        style_loss: StyleLossKind::Gram,
        tv_weight: 0.0,
        tv_diagonals: 0.0,
        normalize: false,
    };
    let (size, tile) = ((height, width), TileSize::Edge(edge));
    let objective = TiledObjective::new(&network, targets, size, tile, storage, Arc::new(Alone));
    let (losses, gradient) = objective.evaluate(&network, &x);
    let corner = gradient.part(0..CORNER as isize, 0..CORNER as isize);
    drop(gradient);

    let steps = network.steps(taps.map(|tap| tap.layer));
    let mut sums: Vec<Array2<f64>> = (taps.iter())
        .map(|tap| Array2::zeros([network.channels(tap.layer); 2]))
        .collect();
    for first in (0..height).step_by(STRIP) {
        let end = (first + STRIP).min(height);
        let (above, below) = (first.min(MARGIN), (height - end).min(MARGIN));
        let strip = x.rows(first - above..end + below);
        network.visit(&steps, &strip, |layer, f| {
            let stride = 1 << network.poolings(layer);
            let rows = above / stride..(above + end - first).div_ceil(stride);
            let own = f.slice(s![rows, .., ..]).to_owned();
            let at = taps.iter().position(|tap| tap.layer == layer).unwrap();
            sums[at] += &gram(&own);
        });
    }
    let of_painting = network.forward(&steps, &painting);
    let mut loss = 0.0;
    let differences = taps.iter().zip(sums).map(|(tap, sum)| {
        let stride = 1 << network.poolings(tap.layer);
        let m = (height.div_ceil(stride) * width.div_ceil(stride)) as f64;
        let f = of_painting.of(tap.layer);
        let target = gram(f) * (m / (f.dim().0 * f.dim().1) as f64);
        let n = network.channels(tap.layer) as f64;
        let difference = sum - target;
        loss += difference.mapv(|d| d * d).sum() / (4.0 * n * n * m * m);
        (tap.layer, difference / (n * n * m * m))
    });
    let mut from_sums = FromSums {
        differences: differences.collect(),
    };
    // What the corner's pixels change lies within a margin, and depends on pixels within another.
    let part = (CORNER + 4 * MARGIN) as isize;
    let part = x.part(0..part.min(height as isize), 0..part.min(width as isize));
    let activations = network.forward(&steps, &part);
    let expected = network.backward(activations, &mut from_sums);
    let expected = expected.slice(s![..CORNER, ..CORNER, ..]).mapv(f64::from);

    let error = distance(&corner, &expected);
    let of_loss = (losses.style - loss).abs() / loss;
    println!("{width}x{height}: gradient {error:e}, loss {of_loss:e}");
    assert!(error < 1e-5, "{error:e}");
    assert!(of_loss < 1e-5, "{of_loss:e}");
}

#[test]
fn at_a_corner_the_gradient_follows_from_sums_over_the_whole_picture() {
    check((300, 420), 96, &Storage::Memory);
}

#[test]
#[ignore = "takes a quarter of an hour, and 5 GB of the folder for temporary files"]
fn so_it_does_at_16000x12000() {
    let scratch = Scratch::new(&std::env::temp_dir()).unwrap();
    check((12_000, 16_000), 1008, &Storage::Scratch(Arc::new(scratch)));
}
