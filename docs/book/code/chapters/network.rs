//! VGG as a table, its pixels, what its channels show of the cat, how far they see, and what can be painted from them.

use crate::drawings::Drawings;
use crate::sketches::{open, weights};
use anyhow::{Context, Result};
use image::{Rgb, RgbImage};
use impasto::engine::{EngineKind, SimdScalar};
use impasto::method::{Padding, Pooling};
use impasto::network::{LayerLosses, Network};
use impasto::painting::{Inputs, Layers, Recipe, Settings, Stylization, long_edge};
use impasto::picture::{Picture, Size};
use impasto::vgg::{LayerKind, LayerSpec, MEAN, VGG16};
use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, s};
use std::fmt::Write;

/// The layers whose channels are shown.
const SHOWN: [&str; 5] = ["conv1_1", "conv2_1", "conv3_1", "conv4_2", "conv5_1"];
/// How many channels of each.
const CHANNELS: usize = 6;
/// The layers that are reconstructed, each with the weight of smoothness.
const RECONSTRUCTED: [(&str, f64); 8] = [
    ("conv1_1", 0.0),
    ("conv2_1", 0.0),
    ("conv3_1", 0.0),
    ("conv4_2", 0.0),
    ("conv5_1", 0.0),
    ("conv3_1", 1.0),
    ("conv4_2", 1.0),
    ("conv5_1", 0.05),
];
/// Evaluations for each reconstruction.
const ITERATIONS: u32 = 40;

/// Draws the figures of the chapter.
///
/// # Errors
/// If a file cannot be read or written.
pub fn draw(out: &mut Drawings) -> Result<()> {
    architecture(out)?;
    preprocessing(out)?;
    feature_maps(out)?;
    receptive_fields(out)?;
    gradients(out)?;
    reconstructions(out)
}

/// A photograph in `data/content`, so many pixels wide and high.
///
/// # Errors
/// If it cannot be read.
pub(super) fn photograph(name: &str, width: u32, height: u32) -> Result<Picture> {
    let picture = open(&format!("content/{name}"))?;
    Ok(picture.fit(Size { width, height }))
}

/// The network of the project, to the last layer that the weights have.
fn network<T: SimdScalar>(engine: EngineKind, pooling: Pooling) -> Result<Network<T>> {
    let weights = weights()?;
    let (depth, padding) = (weights.depth(), Padding::Zero);
    Ok(Network::new(
        weights,
        pooling,
        padding,
        depth,
        engine.build(),
    ))
}

/// The outputs of layers, in the order of the network.
fn outputs(network: &Network<f32>, x: &Array3<f32>, layers: &[usize]) -> Vec<Array3<f32>> {
    let mut outputs = Vec::new();
    let steps = network.steps(layers.iter().copied());
    network.visit(&steps, x, |_, output| outputs.push(output.clone()));
    outputs
}

/// The numbers of layers by their names.
fn numbers(names: &[&str]) -> Result<Vec<usize>> {
    (names.iter()).map(|name| Ok(VGG16.find(name)?)).collect()
}

/// Values from 0 to the largest as grays from black to white, each a square of `zoom` pixels.
pub(super) fn gray(values: ArrayView2<f32>, zoom: u32) -> RgbImage {
    let largest = values.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let (height, width) = values.dim();
    RgbImage::from_fn(width as u32 * zoom, height as u32 * zoom, |j, i| {
        let value = values[[(i / zoom) as usize, (j / zoom) as usize]];
        Rgb([(255.0 * value / largest).round() as u8; 3])
    })
}

/// Pixels, RGB 0..255 less the mean, to look at, each a square of `zoom` pixels.
pub(super) fn colors(x: &Array3<f32>, zoom: u32) -> RgbImage {
    let (height, width, _) = x.dim();
    RgbImage::from_fn(width as u32 * zoom, height as u32 * zoom, |j, i| {
        let at = |c: usize| x[[(i / zoom) as usize, (j / zoom) as usize, c]] + MEAN[c];
        Rgb([0, 1, 2].map(|c| at(c).round() as u8))
    })
}

/// ‖a − b‖ / ‖b‖
pub(super) fn relative_distance(a: &Array3<f32>, b: &Array3<f32>) -> f64 {
    let square = |x: f32| f64::from(x).powi(2);
    let difference: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    (difference / b.iter().map(|&b| square(b)).sum::<f64>()).sqrt()
}

/// 1234567 as 1,234,567.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn architecture(out: &mut Drawings) -> Result<()> {
    let (width, height) = (512_usize, 340_usize);
    let mut table =
        "| layer | computes | output | weights | multiplications |\n|---|---|--:|--:|--:|\n"
            .to_owned();
    let layers = VGG16.layers();
    let at = |spec: &LayerSpec| {
        let (rows, columns) = (height.div_ceil(spec.stride), width.div_ceil(spec.stride));
        (rows, columns)
    };
    let products = |spec: &LayerSpec| match spec.kind {
        LayerKind::Conv { inputs, outputs } => at(spec).0 * at(spec).1 * 9 * inputs * outputs,
        LayerKind::Pool => 0,
    };
    let all: usize = layers.iter().map(products).sum();
    let (mut values, mut channels) = (0, 3);
    for spec in &layers {
        let (rows, columns) = at(spec);
        let (computes, of_layer, share) = match spec.kind {
            LayerKind::Conv { inputs, outputs } => {
                channels = outputs;
                let of_layer = 9 * inputs * outputs + outputs;
                let share = 100.0 * products(spec) as f64 / all as f64;
                let computes = format!("3×3, {inputs} → {outputs}, ReLU");
                (computes, of_layer, format!("{share:.1} %"))
            }
            LayerKind::Pool => ("2×2 → 1".to_owned(), 0, String::new()),
        };
        values += of_layer;
        let of_layer = if of_layer > 0 {
            grouped(of_layer)
        } else {
            String::new()
        };
        let name = &spec.name;
        writeln!(
            table,
            "| {name} | {computes} | {rows}×{columns}×{channels} | {of_layer} | {share} |"
        )?;
    }
    out.markdown("layers", &table)?;
    out.number("weights", grouped(values));
    out.number("products", format!("{:.0}", all as f64 / 1e9));
    Ok(())
}

/// What the activations become if the pixels are not those that the network was trained on.
fn preprocessing(out: &mut Drawings) -> Result<()> {
    let network = network(EngineKind::default(), Pooling::Max)?;
    let layers = numbers(&["conv1_1", "conv3_1", "conv5_1"])?;
    let cat = photograph("chelsea.jpg", 128, 85)?.to_array();
    let mean = Array1::from_iter(MEAN);
    let right = outputs(&network, &cat, &layers);
    let mistakes = [
        (
            "blue and red exchanged",
            cat.slice(s![.., .., ..;-1]).to_owned(),
        ),
        ("the mean not subtracted", &cat + &mean),
        (
            "0..1 instead of 0..255, the mean not subtracted",
            (&cat + &mean) / 255.0,
        ),
        (
            "another photograph (the coffee)",
            photograph("coffee.jpg", 128, 85)?.to_array(),
        ),
    ];
    let mut table = "| | conv1_1 | conv3_1 | conv5_1 |\n|---|--:|--:|--:|\n".to_owned();
    for (mistake, x) in mistakes {
        let wrong = outputs(&network, &x, &layers);
        let distances = wrong.iter().zip(&right);
        let distances =
            distances.map(|(wrong, right)| format!("{:.2}", relative_distance(wrong, right)));
        let distances = distances.collect::<Vec<_>>().join(" | ");
        writeln!(table, "| {mistake} | {distances} |")?;
    }
    // The third mistake: how much smaller the activations are, and how far off if that were mended.
    let tiny = &outputs(&network, &((&cat + &mean) / 255.0), &layers[2..])[0];
    let right = &right[2];
    let inner = |a: &Array3<f32>, b: &Array3<f32>| -> f64 {
        a.iter()
            .zip(b)
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum()
    };
    let smaller = (inner(right, right) / inner(tiny, tiny)).sqrt();
    let factor = (inner(tiny, right) / inner(tiny, tiny)) as f32;
    out.number("smaller", format!("{smaller:.0}"));
    let mended = relative_distance(&(tiny * factor), right);
    out.number("mended", format!("{mended:.2}"));
    out.markdown("preprocessing", &table)
}

/// The channels that vary most over the picture.
fn feature_maps(out: &mut Drawings) -> Result<()> {
    const EDGE: u32 = 128;
    let network = network(EngineKind::default(), Pooling::Max)?;
    let cat = photograph("chelsea.jpg", EDGE, 85)?.to_array();
    out.picture("cat", &colors(&cat, 2))?;
    let layers = numbers(&SHOWN)?;
    let mut table =
        "| layer | output | numbers per number of the picture | zeros | channels that are 0 everywhere |\n|---|--:|--:|--:|--:|\n"
            .to_owned();
    for (name, output) in SHOWN.iter().zip(outputs(&network, &cat, &layers)) {
        let (height, width, channels) = output.dim();
        let variations: Vec<f32> = (output.axis_iter(Axis(2)))
            .map(|map| map.std(0.0))
            .collect();
        let mut order: Vec<usize> = (0..channels).collect();
        order.sort_by(|&a, &b| variations[b].total_cmp(&variations[a]));
        let zoom = EDGE / width as u32;
        let maps: Vec<RgbImage> = (order.iter().take(CHANNELS))
            .map(|&c| gray(output.slice(s![.., .., c]), zoom))
            .collect();
        out.picture(name, &beside(&maps, 4))?;
        let zeros = output.iter().filter(|&&f| f == 0.0).count();
        let dead = (output.axis_iter(Axis(2))).filter(|map| map.iter().all(|&f| f == 0.0));
        writeln!(
            table,
            "| {name} | {height}×{width}×{channels} | {:.1} | {:.0} % | {} of {channels} |",
            output.len() as f64 / cat.len() as f64,
            100.0 * zeros as f64 / output.len() as f64,
            dead.count(),
        )?;
    }
    out.markdown("maps", &table)
}

/// Pictures of one height in a row, with white between them.
pub(super) fn beside(pictures: &[RgbImage], gap: u32) -> RgbImage {
    let height = pictures.iter().map(RgbImage::height).max().unwrap_or(1);
    let width: u32 = pictures.iter().map(|picture| picture.width() + gap).sum();
    let mut row = RgbImage::from_pixel(width.saturating_sub(gap).max(1), height, Rgb([255; 3]));
    let mut left = 0;
    for picture in pictures {
        image::imageops::replace(&mut row, picture, left, 0);
        left += i64::from(picture.width() + gap);
    }
    row
}

/// Which pixels a position of each layer sees: by arithmetic, and by changing one pixel after the other.
fn receptive_fields(out: &mut Drawings) -> Result<()> {
    let network = network::<f64>(EngineKind::Reference, Pooling::Average)?;
    let measured = measured_fields(&network)?;
    let mut table =
        "| layer | stride | reach | receptive field, computed | measured |\n|---|--:|--:|--:|--:|\n".to_owned();
    let mut different = 0;
    for (layer, (spec, measured)) in VGG16.layers().iter().zip(measured).enumerate() {
        let (stride, reach) = (spec.stride, network.reach(layer));
        let field = stride + 2 * reach;
        different += usize::from(field != measured);
        let name = &spec.name;
        writeln!(
            table,
            "| {name} | {stride} | {reach} | {field}×{field} | {measured}×{measured} |"
        )?;
    }
    out.markdown("fields", &table)?;
    out.number("different", different);
    Ok(())
}

/// The width of the pixels that one position of each layer depends on. A row of pixels is enough to see it: along both axes
/// the network does the same.
fn measured_fields(network: &Network<f64>) -> Result<Vec<usize>> {
    const WIDTH: usize = 512;
    let layers = VGG16.layers();
    let steps = network.steps(0..layers.len());
    let at = |x: &Array3<f64>| {
        let mut outputs = Vec::new();
        network.visit(&steps, x, |_, output| outputs.push(output.clone()));
        outputs
    };
    // Any picture does whose pixels differ.
    let x = Array3::from_shape_fn((1, WIDTH, 3), |(_, j, c)| {
        ((37 * j + 91 * c) % 201) as f64 - 100.0
    });
    let before = at(&x);
    // For each layer the first and the last pixel that changed a position, relative to the first pixel that the position covers.
    let mut seen = vec![(isize::MAX, isize::MIN); layers.len()];
    let largest = layers.last().context("there are layers")?.stride;
    for pixel in WIDTH / 2..WIDTH / 2 + largest {
        let mut changed = x.clone();
        changed
            .slice_mut(s![0, pixel, ..])
            .mapv_inplace(|x| -x + 50.0);
        let outputs = before.iter().zip(at(&changed)).zip(&layers);
        for (((before, after), spec), seen) in outputs.zip(&mut seen) {
            for position in 0..before.dim().1 {
                let row = s![0, position, ..];
                if before.slice(row) != after.slice(row) {
                    let from = pixel as isize - (position * spec.stride) as isize;
                    *seen = (seen.0.min(from), seen.1.max(from));
                }
            }
        }
    }
    Ok((seen.iter())
        .map(|(first, last)| (last - first + 1) as usize)
        .collect())
}

/// Asks for the sum of all channels at one position.
struct AtPosition {
    layer: usize,
    position: (usize, usize),
}

impl LayerLosses<f32> for AtPosition {
    fn add_gradient(&mut self, layer: usize, _: Option<&Array3<f32>>, df: &mut Array3<f32>) {
        if layer == self.layer {
            let (i, j) = self.position;
            df.slice_mut(s![i, j, ..]).fill(1.0);
        }
    }

    fn replace_by_gradient(&mut self, _: usize, _: &mut Array3<f32>) -> bool {
        false
    }
}

/// How much each pixel counts for a position in the middle of the cat.
fn gradients(out: &mut Drawings) -> Result<()> {
    let (width, height) = (208, 138);
    let network = network(EngineKind::default(), Pooling::Max)?;
    let cat = photograph("chelsea.jpg", width, height)?.to_array();
    for name in ["conv2_1", "conv3_1", "conv4_2", "conv5_1"] {
        let layer = VGG16.find(name)?;
        let (stride, reach) = (VGG16.layers()[layer].stride, network.reach(layer));
        let position = (height as usize / 2 / stride, width as usize / 2 / stride);
        let activations = network.forward(&network.steps([layer]), &cat);
        let dx = network.backward(activations, &mut AtPosition { layer, position });
        let sizes: Array2<f32> = dx.mapv(f32::abs).sum_axis(Axis(2));
        let mut picture = gray(sizes.mapv(f32::sqrt).view(), 1);
        let corner = |position: usize| (position * stride) as i64 - reach as i64;
        let (top, left) = (corner(position.0), corner(position.1));
        outline(&mut picture, (left, top), (stride + 2 * reach) as i64);
        out.picture(&format!("gradient-{name}"), &picture)?;
        let edge = edge_of(&sizes, position, stride, 0.9);
        out.number(&format!("most-{name}"), format!("{edge}×{edge}"));
    }
    Ok(())
}

/// The edge of the smallest square around a position that holds this share of the sum of all values.
fn edge_of(values: &Array2<f32>, position: (usize, usize), stride: usize, share: f32) -> usize {
    let (height, width) = values.dim();
    let most = share * values.sum();
    let holds = |around: usize| {
        let range = |position: usize, length: usize| {
            (position * stride).saturating_sub(around)
                ..((position + 1) * stride + around).min(length)
        };
        values
            .slice(s![range(position.0, height), range(position.1, width)])
            .sum()
            >= most
    };
    let around = (0..height.max(width)).find(|&around| holds(around));
    stride + 2 * around.unwrap_or(height.max(width))
}

/// Draws the edges of a square, as far as they are inside.
fn outline(picture: &mut RgbImage, (left, top): (i64, i64), edge: i64) {
    let (right, bottom) = (left + edge - 1, top + edge - 1);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let (x, y) = (i64::from(x), i64::from(y));
        let inside = (left..=right).contains(&x) && (top..=bottom).contains(&y);
        if inside && (x == left || x == right || y == top || y == bottom) {
            *pixel = Rgb([230, 159, 0]);
        }
    }
}

/// Pictures painted from noise, each from what one layer knows of the cat.
fn reconstructions(out: &mut Drawings) -> Result<()> {
    let (width, height) = (96, 64);
    let cat = photograph("chelsea.jpg", width, height)?;
    out.picture("photograph", &colors(&cat.to_array(), 2))?;
    out.number("iterations", ITERATIONS);
    let mut table = "| painted from | weight of smoothness | content loss left | brightness off by | colors off by |\n\
                     |---|--:|--:|--:|--:|\n"
        .to_owned();
    for (layer, smoothness) in RECONSTRUCTED {
        let (painted, losses) = reconstruct(&cat, layer, smoothness)?;
        let smooth = if smoothness > 0.0 { "smooth-" } else { "" };
        out.picture(&format!("{smooth}from-{layer}"), &colors(&painted, 2))?;
        let (brightness, color) = differences(&painted, &cat.to_array());
        let left = 100.0 * losses[losses.len() - 1] / losses[0];
        writeln!(
            table,
            "| {layer} | {smoothness} | {left:.2} % | {brightness:.1} | {color:.1} |"
        )?;
    }
    out.markdown("reconstructions", &table)
}

/// The picture that `impasto reconstruct` paints, and the content loss of each iteration.
fn reconstruct(
    photograph: &Picture,
    layer: &str,
    smoothness: f64,
) -> Result<(Array3<f32>, Vec<f64>)> {
    let preset = Recipe::preset("reconstruct").context("there is such a preset")?;
    let settings = Settings {
        size: long_edge(photograph.size().width),
        content_layers: Layers::from(&[(layer, 1.0)][..]),
        iterations: ITERATIONS,
        tv_weight: smoothness,
        ..preset.settings()
    };
    let mut losses = Vec::new();
    let inputs = Inputs::content(photograph.clone());
    let run = Stylization::new(inputs)
        .settings(settings)
        .prepare(weights()?)?;
    let painting = run.run(|at| {
        losses.push(at.losses.content);
        std::ops::ControlFlow::Continue(())
    })?;
    Ok((painting.picture.to_picture().to_array(), losses))
}

/// Root mean squares, of 255, of the differences in brightness (the mean of red, green and blue), and in what is left without it.
fn differences(a: &Array3<f32>, b: &Array3<f32>) -> (f64, f64) {
    let difference = (a - b).mapv(f64::from);
    let brightness = difference.mean_axis(Axis(2)).expect("three channels");
    let color = &difference - &brightness.view().insert_axis(Axis(2));
    let root = |sum: f64, count: usize| (sum / count as f64).sqrt();
    (
        root(brightness.mapv(|d| d * d).sum(), brightness.len()),
        root(color.mapv(|d| d * d).sum(), color.len()),
    )
}
