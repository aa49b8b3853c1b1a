//! What several chapters draw with: the data of the project, the network, arrays as pictures, and grids of numbers.

pub use crate::sketches::weights;
use crate::sketches::{CAT, NIGHT, pixels};
use anyhow::Result;
use image::{Rgb, RgbImage, imageops};
use impasto::engine::EngineKind;
use impasto::method::style::{Features, RegionLossBuilder};
use impasto::method::{Loss, Padding, PlainProducts, Pooling, StyleLossKind};
use impasto::network::{LayerLosses, Network};
use impasto::weights::Weights;
use ndarray::{Array2, Array3};
use rand::SeedableRng;
use rand_distr::{Distribution, Normal};
use rand_pcg::Pcg64;
use std::fmt::Write;

/// The photograph of most examples.
///
/// # Errors
/// If it cannot be read.
pub fn cat(size: (u32, u32)) -> Result<Array3<f32>> {
    pixels(CAT, size.0, size.1)
}

/// The painting of most examples.
///
/// # Errors
/// If it cannot be read.
pub fn starry_night(size: (u32, u32)) -> Result<Array3<f32>> {
    pixels(NIGHT, size.0, size.1)
}

/// The whole network, computed by the fast engine.
pub fn network(weights: &Weights, pooling: Pooling) -> Network<f32> {
    let engine = EngineKind::default().build();
    Network::new(weights, pooling, Padding::Zero, weights.depth(), engine)
}

/// The number of a layer.
pub fn layer(weights: &Weights, name: &str) -> usize {
    let found = weights.architecture().find(name);
    found.expect("the chapters name layers that exist")
}

/// The outputs of these layers for the picture `x`.
pub fn outputs(network: &Network<f32>, layers: &[usize], x: &Array3<f32>) -> Vec<Array3<f32>> {
    let activations = network.forward(&network.steps(layers.iter().copied()), x);
    let of = layers.iter().map(|&layer| activations.of(layer).clone());
    of.collect()
}

/// Noise with a normal distribution, the same for the same seed.
pub fn noise(shape: (usize, usize, usize), deviation: f64, seed: u64) -> Array3<f64> {
    let mut random = Pcg64::seed_from_u64(seed);
    let normal = Normal::new(0.0, deviation).expect("a deviation is not negative");
    Array3::from_shape_simple_fn(shape, || normal.sample(&mut random))
}

/// The Gram loss towards the activations of a painting, which `StyleLoss` computes, as a loss of a layer.
pub fn style(painting: &Array3<f32>) -> Box<dyn Loss<f32>> {
    let mut builder = RegionLossBuilder::new(StyleLossKind::Gram);
    builder.add_painting(Features::new(painting, None), 1.0, &PlainProducts);
    Box::new(builder.finish(None, &PlainProducts))
}

/// A loss at a layer, with its weight.
pub type Term = (usize, f64, Box<dyn Loss<f32>>);

/// The sum of the terms at the picture `x`, and its gradient.
pub fn evaluate(network: &Network<f32>, terms: &[Term], x: &Array3<f32>) -> (f64, Array3<f32>) {
    let activations = network.forward(&network.steps(terms.iter().map(|term| term.0)), x);
    let mut sum = Sum { terms, value: 0.0 };
    let gradient = network.backward(activations, &mut sum);
    (sum.value, gradient)
}

struct Sum<'a> {
    terms: &'a [Term],
    value: f64,
}

impl LayerLosses<f32> for Sum<'_> {
    fn add_gradient(&mut self, layer: usize, f: Option<&Array3<f32>>, df: &mut Array3<f32>) {
        let f = f.expect("all tapped layers are kept");
        for (_, weight, loss) in self.terms.iter().filter(|term| term.0 == layer) {
            self.value += weight * loss.add_gradient(f, *weight, df, &PlainProducts);
        }
    }

    fn replace_by_gradient(&mut self, _: usize, _: &mut Array3<f32>) -> bool {
        false
    }
}

/// The picture, each pixel enlarged to a square.
pub fn enlarge(image: &RgbImage, width: u32) -> RgbImage {
    let height = (image.height() * width).div_ceil(image.width());
    imageops::resize(image, width, height, imageops::FilterType::Nearest)
}

/// Pictures of one size, in rows of `columns`, with white between them.
pub fn sheet(images: &[RgbImage], columns: usize) -> RgbImage {
    const GAP: u32 = 8;
    let (width, height) = images[0].dimensions();
    let rows = images.len().div_ceil(columns) as u32;
    let (all, high) = (columns as u32 * (width + GAP), rows * (height + GAP));
    let mut sheet = RgbImage::from_pixel(all - GAP, high - GAP, Rgb([255; 3]));
    for (number, image) in images.iter().enumerate() {
        let (column, row) = ((number % columns) as u32, (number / columns) as u32);
        let (x, y) = (column * (width + GAP), row * (height + GAP));
        imageops::replace(&mut sheet, image, x.into(), y.into());
    }
    sheet
}

/// Side of a cell of [`grids`], in pixels.
const CELL: usize = 44;

/// A grid of numbers under a title. Cells that are `marked` stand out.
pub struct Grid<'a> {
    /// What is above it.
    pub title: &'a str,
    /// Its numbers.
    pub numbers: Array2<f64>,
    /// Which cells stand out.
    pub marked: &'a dyn Fn(usize, usize) -> bool,
}

/// Grids side by side, as SVG.
pub fn grids(grids: &[Grid]) -> String {
    let wide = |grid: &Grid| (grid.numbers.ncols() * CELL).max(9 * grid.title.chars().count());
    let width: usize = grids.iter().map(|grid| wide(grid) + 30).sum();
    let rows = grids.iter().map(|grid| grid.numbers.nrows()).max();
    let height = rows.unwrap_or(0) * CELL + 50;
    let mut svg = svg_begin(width, height);
    let mut left = 15;
    for grid in grids {
        text(&mut svg, (left, 24), "start", grid.title);
        for ((i, j), &number) in grid.numbers.indexed_iter() {
            let (x, y) = (left + j * CELL, 38 + i * CELL);
            let color = match ((grid.marked)(i, j), number == 0.0) {
                (true, _) => "#f5c98a",
                (false, true) => "#ffffff",
                (false, false) => "#dbe9f6",
            };
            let _ = write!(
                svg,
                r##"<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{color}" stroke="#555"/>"##
            );
            let rounded = (number * 100.0).round() / 100.0;
            text(
                &mut svg,
                (x + CELL / 2, y + 28),
                "middle",
                &rounded.to_string(),
            );
        }
        left += wide(grid) + 30;
    }
    svg + "</svg>"
}

/// The beginning of an SVG on white.
pub fn svg_begin(width: usize, height: usize) -> String {
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="16"><rect width="100%" height="100%" fill="#fff"/>"##
    )
}

/// Adds a text to an SVG; `anchor` is start, middle or end.
pub fn text(svg: &mut String, (x, y): (usize, usize), anchor: &str, text: &str) {
    let _ = write!(
        svg,
        r##"<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"##
    );
}

/// A number in four digits, with a power of ten if it is very small or large, as LaTeX is not needed for.
pub fn short(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-3..1e5).contains(&size) => format!("{number:.2e}"),
        size if size >= 100.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}
