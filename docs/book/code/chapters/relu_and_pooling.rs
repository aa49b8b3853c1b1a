//! ReLU and its kink, pooling at odd edges, and what both kinds of pooling do to a gradient on its way to the pixels.

use super::network::{beside, gray, grouped, photograph};
use crate::drawings::Drawings;
use crate::sketches::weights;
use anyhow::{Context, Result};
use impasto::method::{Padding, Pooling, conv, pool, relu};
use impasto::vgg::{LayerKind, LayerSpec, VGG16};
use ndarray::{Array2, Array3, Axis, array, s};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::fmt::Write;

/// Colors that also those can tell apart who see no red or no green (Okabe and Ito 2008).
const BLUE: RGBColor = RGBColor(0, 114, 178);
const ORANGE: RGBColor = RGBColor(213, 94, 0);
/// Where the gradients begin.
const DEEPEST: &str = "conv4_2";

/// Draws the figures of the chapter.
///
/// # Errors
/// If a file cannot be read or written.
pub fn draw(out: &mut Drawings) -> Result<()> {
    out.plot("relu", (760, 300), kink)?;
    odd_edges(out)?;
    sizes(out)?;
    ways_back(out)
}

/// Value and derivative of max(x, 0), as the program computes them.
fn kink(area: &DrawingArea<SVGBackend, Shift>) -> Result<()> {
    // The derivative jumps at 0: the next point is just behind it.
    const ZERO: usize = 1;
    let x = Array3::from_shape_vec((1, 4, 1), vec![-2.0, 0.0, 1e-9, 2.0])?;
    let y = relu::forward(x.clone());
    let derivative = relu::backward(&y, &Array3::ones(y.dim()));
    let points = |values: &Array3<f64>| -> Vec<(f64, f64)> {
        x.iter().copied().zip(values.iter().copied()).collect()
    };
    let halves = area.split_evenly((1, 2));
    for (half, (label, color, points)) in halves.iter().zip([
        ("value y", BLUE, points(&y)),
        ("derivative dy/dx", ORANGE, points(&derivative)),
    ]) {
        let mut chart = ChartBuilder::on(half)
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(60)
            .build_cartesian_2d(-2.0..2.0, -0.2..2.2)?;
        (chart.configure_mesh())
            .x_desc("input x")
            .y_desc(label)
            .x_labels(5)
            .y_labels(5)
            .label_style(("sans-serif", 16))
            .axis_desc_style(("sans-serif", 16))
            .light_line_style(WHITE)
            .bold_line_style(RGBColor(225, 225, 225))
            .draw()?;
        for part in [&points[..=ZERO], &points[ZERO + 1..]] {
            chart.draw_series(LineSeries::new(part.iter().copied(), color.stroke_width(3)))?;
        }
        chart.draw_series([Circle::new(points[ZERO], 5, color.filled())])?;
    }
    Ok(())
}

/// A picture of 5×5 under both kinds of pooling, and the gradient of the sum of the output.
fn odd_edges(out: &Drawings) -> Result<()> {
    const CELL: usize = 40;
    let x = array![
        [3.0, 1.0, 4.0, 1.0, 5.0],
        [9.0, 2.0, 6.0, 5.0, 5.0],
        [5.0, 8.0, 9.0, 7.0, 9.0],
        [3.0, 2.0, 3.0, 8.0, 4.0],
        [6.0, 2.0, 6.0, 4.0, 2.0],
    ];
    let x: Array3<f64> = x.insert_axis(Axis(2));
    let mut elements = String::new();
    for (row, (name, pooling)) in [("average", Pooling::Average), ("max", Pooling::Max)]
        .into_iter()
        .enumerate()
    {
        let y = pool::forward(pooling, &x);
        let dx = pool::backward(pooling, &x, &Array3::ones(y.dim()));
        let top = 34 + row * (5 * CELL + 56);
        for (left, values, title, edge) in [
            (10, &x, "input x".to_owned(), 2),
            (10 + 6 * CELL + 20, &y, format!("{name}: output y"), 1),
            (
                10 + 10 * CELL + 40,
                &dx,
                "gradient dL/dx for dL/dy = 1".to_owned(),
                2,
            ),
        ] {
            let values = values.index_axis(Axis(2), 0).to_owned();
            grid(&mut elements, &values, (left, top), CELL, edge, &title)?;
        }
    }
    let (width, height) = (20 + 15 * CELL + 90, 2 * (5 * CELL + 56));
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"14\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n{elements}</svg>\n"
    );
    out.svg("odd", &svg)
}

/// Draws numbers in a grid, with thick lines around cells of `edge`×`edge`, each with a color of its own.
fn grid(
    elements: &mut String,
    values: &Array2<f64>,
    (left, top): (usize, usize),
    size: usize,
    edge: usize,
    title: &str,
) -> Result<()> {
    // Light tints of the colors of Okabe and Ito, so that neighbors differ.
    const TINTS: [&str; 4] = ["#d6eaf8", "#fdebd0", "#d5f5e3", "#f9e2ef"];
    let (rows, columns) = values.dim();
    writeln!(
        elements,
        "<text x=\"{left}\" y=\"{}\">{title}</text>",
        top - 10
    )?;
    for ((i, j), value) in values.indexed_iter() {
        let (x, y) = (left + j * size, top + i * size);
        let tint = TINTS[2 * (i / edge % 2) + j / edge % 2];
        writeln!(
            elements,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{size}\" height=\"{size}\" fill=\"{tint}\" stroke=\"#bbb\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{value}</text>",
            x + size / 2,
            y + size / 2 + 5,
        )?;
    }
    for i in (0..rows).step_by(edge) {
        for j in (0..columns).step_by(edge) {
            let (height, width) = (edge.min(rows - i) * size, edge.min(columns - j) * size);
            let (x, y) = (left + j * size, top + i * size);
            writeln!(
                elements,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"#333\" stroke-width=\"2\"/>"
            )?;
        }
    }
    Ok(())
}

/// What becomes of 666×500 pixels from pooling to pooling.
fn sizes(out: &Drawings) -> Result<()> {
    let mut table = "| block | width × height | cells at the right edge | at the bottom | channels | numbers in the output of a layer |\n\
                     |---|--:|---|---|--:|--:|\n"
        .to_owned();
    let mut x = Array3::<f32>::zeros((500, 666, 1));
    for (number, block) in (1..).zip(VGG16.blocks) {
        let (height, width, _) = x.dim();
        let cut = |edge: usize| {
            if edge.is_multiple_of(2) {
                "whole"
            } else {
                "cut in half"
            }
        };
        let values = grouped(height * width * block.width);
        let (right, bottom, channels) = (cut(width), cut(height), block.width);
        writeln!(
            table,
            "| {number} | {width} × {height} | {right} | {bottom} | {channels} | {values} |"
        )?;
        x = pool::forward(Pooling::Average, &x);
    }
    let (height, width, _) = x.dim();
    writeln!(
        table,
        "| after pool5 | {width} × {height} | | | 512 | {} |",
        grouped(height * width * 512)
    )?;
    out.markdown("sizes", &table)
}

/// The layers of the network down to [`DEEPEST`], and the outputs of all of them, by the plain functions.
struct Passed {
    layers: Vec<LayerSpec>,
    /// The picture, then the output of each layer.
    outputs: Vec<Array3<f32>>,
    pooling: Pooling,
    /// How many inputs of a ReLU there were, and how many of these were 0.
    relu_inputs: usize,
    at_kink: usize,
}

impl Passed {
    fn forward(x: Array3<f32>, pooling: Pooling) -> Result<Self> {
        let mut passed = Self {
            layers: VGG16.layers()[..=VGG16.find(DEEPEST)?].to_vec(),
            outputs: vec![x],
            pooling,
            relu_inputs: 0,
            at_kink: 0,
        };
        for spec in &passed.layers {
            let x = &passed.outputs[passed.outputs.len() - 1];
            let y = match spec.kind {
                LayerKind::Conv { .. } => {
                    let layer = weights()?
                        .conv(&spec.name)
                        .context("a layer of the weights")?;
                    let y = conv::forward(x, &layer.kernel, &layer.bias, Padding::Zero);
                    passed.relu_inputs += y.len();
                    passed.at_kink += y.iter().filter(|&&y| y == 0.0).count();
                    relu::forward(y)
                }
                LayerKind::Pool => pool::forward(pooling, x),
            };
            passed.outputs.push(y);
        }
        Ok(passed)
    }

    /// The gradient of the pixels, for L = ½ Σ F² of the deepest layer. `see` is shown the gradient after each step of the way: the layer,
    /// the step and dL/d(input of the step).
    fn backward(&self, mut see: impl FnMut(&str, Through, &Array3<f32>)) -> Result<Array3<f32>> {
        let mut gradient = self.outputs[self.layers.len()].clone(); // dL/dF = F
        for (number, spec) in self.layers.iter().enumerate().rev() {
            let (x, y) = (&self.outputs[number], &self.outputs[number + 1]);
            match spec.kind {
                LayerKind::Conv { .. } => {
                    let layer = weights()?
                        .conv(&spec.name)
                        .context("a layer of the weights")?;
                    gradient = relu::backward(y, &gradient);
                    see(&spec.name, Through::Relu, &gradient);
                    gradient = conv::backward(&gradient, &layer.kernel, Padding::Zero);
                    see(&spec.name, Through::Conv, &gradient);
                }
                LayerKind::Pool => {
                    gradient = pool::backward(self.pooling, x, &gradient);
                    see(&spec.name, Through::Pool, &gradient);
                }
            }
        }
        Ok(gradient)
    }
}

/// What a gradient has just gone back through.
#[derive(Clone, Copy)]
enum Through {
    Relu,
    Conv,
    Pool,
}

/// A gradient of the cat's pixels under both kinds of pooling, and how many of its elements are 0 on the way.
fn ways_back(out: &mut Drawings) -> Result<()> {
    let cat = photograph("chelsea.jpg", 128, 85)?.to_array();
    let mut pictures = Vec::new();
    let mut shares: Vec<Vec<(String, f64)>> = Vec::new();
    for (name, pooling) in [("average", Pooling::Average), ("max", Pooling::Max)] {
        let passed = Passed::forward(cat.clone(), pooling)?;
        if pooling == Pooling::Max {
            out.number("relu-inputs", grouped(passed.relu_inputs));
            out.number("at-kink", grouped(passed.at_kink));
        }
        let mut of_pooling = Vec::new();
        let gradient = passed.backward(|layer, through, gradient| {
            let step = match through {
                Through::Pool => layer.to_owned(),
                Through::Relu => format!("the ReLU of {layer}"),
                Through::Conv => format!("the convolution {layer}"),
            };
            let zeros = gradient.iter().filter(|&&g| g == 0.0).count();
            of_pooling.push((step, 100.0 * zeros as f64 / gradient.len() as f64));
        })?;
        shares.push(of_pooling);
        let sizes = gradient.mapv(f32::abs).sum_axis(Axis(2)).mapv(f32::sqrt);
        pictures.push(gray(sizes.view(), 3));
        out.number(
            &format!("neighbors-{name}"),
            format!("{:.2}", of_neighbors(&gradient)),
        );
    }
    out.picture("gradients", &beside(&pictures, 8))?;
    let mut table =
        "| after the way back through | average: zeros | max: zeros |\n|---|--:|--:|\n".to_owned();
    let around_pool = |step: &str| {
        ["pool", "conv3_3", "conv2_2", "conv1_2", "conv1_1"]
            .iter()
            .any(|name| step.contains(name))
    };
    for ((step, average), (_, max)) in shares[0]
        .iter()
        .zip(&shares[1])
        .filter(|((step, _), _)| around_pool(step))
    {
        writeln!(table, "| {step} | {average:.1} % | {max:.1} % |")?;
    }
    out.markdown("zeros", &table)
}

/// The correlation of a pixel's gradient with that of the pixel to the right of it.
fn of_neighbors(gradient: &Array3<f32>) -> f64 {
    let left = gradient.slice(s![.., ..-1, ..]).mapv(f64::from);
    let right = gradient.slice(s![.., 1.., ..]).mapv(f64::from);
    let (left, right) = (
        &left - left.mean().unwrap_or(0.0),
        &right - right.mean().unwrap_or(0.0),
    );
    (&left * &right).sum() / ((&left * &left).sum() * (&right * &right).sum()).sqrt()
}
