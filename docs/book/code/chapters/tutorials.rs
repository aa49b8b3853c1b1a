//! What tutorials say, measured on a small picture.

use crate::charts::{Axis, Curve, curves, pictures};
use crate::drawings::Drawings;
use crate::numbers::{digits, scientific};
use crate::sketches::{
    CAT, NIGHT, Study, activations, image, mean, network, pixels, preset, relative_distance,
    weights,
};
use anyhow::{Context, Result};
use impasto::method::gram;
use impasto::method::{
    Adam, Alone, BigArray, ContentLoss, GramLoss, Lbfgs, Loss, Padding, Pooling, StyleLoss, conv,
    relu,
};
use impasto::network::Network;
use impasto::painting::Settings;
use impasto::vgg::MEAN;
use ndarray::{Array1, Array3, Axis as Side, s};
use plotters::prelude::SeriesLabelPosition;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::fmt::Write;

/// Draws the figures of the chapter.
///
/// # Errors
/// If a file cannot be read or written.
pub fn draw(out: &mut Drawings) -> Result<()> {
    let network = network(Pooling::Average, "conv5_1")?;
    channels(out, &network)?;
    sums_and_means(out, &network)?;
    means_in_gram(out, &network)?;
    before_relu(out, &network)?;
    edges(out, &network)?;
    let settings = preset("classic", 96)?;
    let pair = Pair {
        photograph: pixels(CAT, 96, 64)?,
        painting: pixels(NIGHT, 96, 76)?,
    };
    inputs(out, &settings, &pair)?;
    poolings_and_starts(out, &settings, &pair)?;
    clipping(out, &settings, &pair)
}

struct Pair {
    photograph: Array3<f32>,
    painting: Array3<f32>,
}

/// Red and blue in each other's place, each less the mean of the channel that it is taken for.
fn swapped(x: &Array3<f32>) -> Array3<f32> {
    Array3::from_shape_fn(x.dim(), |(i, j, c)| {
        x[[i, j, 2 - c]] + MEAN[2 - c] - MEAN[c]
    })
}

/// How far the activations are from the right ones if the pixels are given in another way.
fn channels(out: &mut Drawings, network: &Network<f32>) -> Result<()> {
    let x = pixels(CAT, 192, 128)?;
    let mut table = "| pixels | conv1_1 | conv3_1 | conv4_2 |\n|---|---|---|---|\n".to_owned();
    for (name, other) in [
        ("BGR, less the mean", swapped(&x)),
        ("RGB 0..255, without the mean", &x + &mean()),
        ("RGB 0..1", (&x + &mean()) / 255.0),
    ] {
        write!(table, "| {name} |")?;
        for layer in ["conv1_1", "conv3_1", "conv4_2"] {
            let right = activations(network, &x, layer)?;
            let wrong = activations(network, &other, layer)?;
            write!(
                table,
                " {:.0} % |",
                100.0 * relative_distance(&wrong, &right)
            )?;
        }
        writeln!(table)?;
    }
    out.markdown("channels", &table)
}

/// Content as a sum and as a mean, and style, of the same two pictures at several sizes.
fn sums_and_means(out: &mut Drawings, network: &Network<f32>) -> Result<()> {
    let mut table = "| picture | content, ½ Σ (F − P)² | content, mean | style of conv4_1, Σ (G − A)² / (4 N² M²) | style, of G/M and A/M as they are |\n|---|---|---|---|---|\n".to_owned();
    let mut firsts: Option<[f64; 4]> = None;
    let mut lasts = [0.0; 4];
    for (width, height) in [(64, 48), (128, 96), (256, 192)] {
        let (photograph, painting) = (pixels(CAT, width, height)?, pixels(NIGHT, width, height)?);
        let of = |x: &Array3<f32>, layer: &str| activations(network, x, layer);
        let p = of(&photograph, "conv4_2")?;
        let size = p.len() as f64;
        let (content, _) = ContentLoss::new(p).value_and_gradient(&of(&painting, "conv4_2")?);
        let f = of(&photograph, "conv4_1")?;
        let (style, _) = GramLoss::new(&of(&painting, "conv4_1")?).value_and_gradient(&f);
        // The same without dividing by 4·N².
        let channels = f.dim().2 as f64;
        let values = [
            2.0 * size * content,
            content,
            style,
            style * 4.0 * channels * channels,
        ];
        let first = *firsts.get_or_insert(values);
        lasts = [0, 1, 2, 3].map(|k| values[k] / first[k]);
        let cells: Vec<_> = (values.iter().zip(first))
            .map(|(value, first)| format!("{} (×{})", scientific(*value), digits(value / first, 2)))
            .collect();
        writeln!(table, "| {width}×{height} | {} |", cells.join(" | "))?;
    }
    out.number("sum_growth", digits(lasts[0], 2));
    out.number("mean_growth", digits(lasts[1], 2));
    out.markdown("sizes", &table)
}

/// How much of a Gram matrix is the product of the means.
fn means_in_gram(out: &mut Drawings, network: &Network<f32>) -> Result<()> {
    let x = pixels(NIGHT, 192, 152)?;
    let mut table = "| layer | ‖μμᵀ‖ ÷ ‖G/M‖ | ‖C‖ ÷ ‖G/M‖ |\n|---|---|---|\n".to_owned();
    for layer in ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"] {
        let f = activations(network, &x, layer)?.mapv(f64::from);
        let positions = (f.dim().0 * f.dim().1) as f64;
        let g = gram::forward(&f) / positions;
        let mu: Array1<f64> = gram::matrix(&f)
            .mean_axis(Side(0))
            .context("a picture has positions")?;
        let column = mu.insert_axis(Side(1));
        let product = column.dot(&column.t());
        let norm = |m: &ndarray::Array2<f64>| m.iter().map(|x| x * x).sum::<f64>().sqrt();
        let share = |m: &ndarray::Array2<f64>| format!("{:.0} %", 100.0 * norm(m) / norm(&g));
        writeln!(
            table,
            "| {layer} | {} | {} |",
            share(&product),
            share(&(&g - &product))
        )?;
    }
    out.markdown("means", &table)
}

/// What a ReLU throws away at conv4_2.
fn before_relu(out: &mut Drawings, network: &Network<f32>) -> Result<()> {
    let x = pixels(CAT, 128, 96)?;
    let input = activations(network, &x, "conv4_1")?;
    let layer = weights()?
        .conv("conv4_2")
        .context("the weights have conv4_2")?;
    let before = conv::forward(&input, &layer.kernel, &layer.bias, Padding::Zero);
    let negative = before.iter().filter(|x| **x < 0.0).count() as f64 / before.len() as f64;
    out.number("negative", format!("{:.0} %", 100.0 * negative));
    let squares = |keep: fn(f32) -> bool| -> f64 {
        let kept = before.iter().filter(|x| keep(**x));
        kept.map(|x| f64::from(*x).powi(2)).sum()
    };
    let share = squares(|x| x < 0.0) / squares(|_| true);
    out.number("negative_squares", format!("{:.0} %", 100.0 * share));
    let after = relu::forward(before);
    let same = relative_distance(&after, &activations(network, &x, "conv4_2")?);
    out.number("same_array", scientific(same));
    Ok(())
}

/// How far the activations of a picture of one color are from those in its middle.
fn edges(out: &mut Drawings, network: &Network<f32>) -> Result<()> {
    const EDGE: usize = 304;
    let color = [60.0, -20.0, 30.0];
    let x = Array3::from_shape_fn((EDGE, EDGE, 3), |(_, _, c)| color[c]);
    let mut lines = Vec::new();
    for layer in ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"] {
        let f = activations(network, &x, layer)?;
        let (height, width, _) = f.dim();
        let middle = f.slice(s![height / 2, width / 2, ..]).to_owned();
        let norm = |v: &Array1<f32>| v.dot(v).sqrt();
        let stride = EDGE as f64 / width as f64;
        let points = (0..width / 2).map(|j| {
            let here = f.slice(s![height / 2, j, ..]).to_owned();
            let off = norm(&(&here - &middle)) / norm(&middle);
            (stride * (j as f64 + 0.5), 100.0 * f64::from(off))
        });
        // Up to the first that is the same, and that one.
        let points: Vec<_> = points.collect();
        let same = points.iter().position(|at| at.1 < 0.05);
        let shown = points[..=same.unwrap_or(points.len() - 1)].to_vec();
        lines.push(Curve::marked(layer, shown));
    }
    out.plot("edges", (920, 400), |area| {
        curves(
            area,
            &Axis::linear(
                "distance from the picture's left edge, in pixels",
                0.0..80.0,
            ),
            &Axis::linear("difference from the middle, in % of it", 0.0..200.0),
            &lines,
            SeriesLabelPosition::UpperRight,
        )
    })
}

const EVALUATIONS: usize = 34;

/// The picture with the lowest loss that some evaluations of L-BFGS find, and that loss.
fn lbfgs(study: &Study, start: &Array3<f32>) -> (Array3<f32>, f64) {
    let mut x = BigArray::from(start.clone());
    let mut optimizer = Lbfgs::new(10, 10.0);
    let mut best = (start.clone(), f64::INFINITY);
    for _ in 0..EVALUATIONS {
        let at = x.to_array().into_owned();
        let (loss, gradient) = study.evaluate(&at);
        if loss < best.1 {
            best = (at, loss);
        }
        optimizer.step(&mut x, loss, &gradient.into(), &Alone);
    }
    best
}

/// What is painted if the network is given BGR, or pixels without the mean less.
fn inputs(out: &mut Drawings, settings: &Settings, pair: &Pair) -> Result<()> {
    let run = |change: &dyn Fn(&Array3<f32>) -> Array3<f32>| -> Result<Array3<f32>> {
        let (photograph, painting) = (change(&pair.photograph), change(&pair.painting));
        let study = Study::new(settings, &photograph, &painting)?;
        Ok(lbfgs(&study, &photograph).0)
    };
    let right = image(&run(&Array3::clone)?);
    let bgr = image(&swapped(&run(&swapped)?));
    let without_mean = image(&(run(&|x| x + &mean())? - mean()));
    pictures(
        out,
        "inputs",
        &[
            ("RGB, less the mean", &right),
            ("BGR", &bgr),
            ("without the mean", &without_mean),
        ],
        3,
        3.0,
    )
}

/// The mean difference between neighbors, in gray levels.
fn roughness(x: &Array3<f32>) -> f64 {
    let (right, left) = (x.slice(s![.., 1.., ..]), x.slice(s![.., ..-1, ..]));
    let differences = right
        .iter()
        .zip(left)
        .map(|(a, b)| f64::from((a - b).abs()));
    differences.sum::<f64>() / right.len() as f64
}

/// Average and maximum pooling; and the photograph, the mix and noise as first pictures.
fn poolings_and_starts(out: &mut Drawings, settings: &Settings, pair: &Pair) -> Result<()> {
    let mut noise = Pcg64Mcg::seed_from_u64(0);
    let mut mixed = pair.photograph.clone();
    mixed.mapv_inplace(|x| 0.6 * noise.random_range(-20.0f32..20.0) + 0.4 * x);
    let random = Array3::from_shape_fn(mixed.dim(), |(_, _, c)| {
        noise.random_range(0.0f32..255.0) - MEAN[c]
    });
    let average = Study::new(settings, &pair.photograph, &pair.painting)?;
    let max = Settings {
        pooling: Pooling::Max,
        ..settings.clone()
    };
    let max = Study::new(&max, &pair.photograph, &pair.painting)?;
    let from_photograph = lbfgs(&average, &pair.photograph);
    let by_max = lbfgs(&max, &pair.photograph);
    out.number(
        "average_roughness",
        digits(roughness(&from_photograph.0), 3),
    );
    out.number("max_roughness", digits(roughness(&by_max.0), 3));
    pictures(
        out,
        "poolings",
        &[
            ("average pooling", &image(&from_photograph.0)),
            ("max pooling", &image(&by_max.0)),
        ],
        2,
        3.5,
    )?;
    let from_mix = lbfgs(&average, &mixed);
    let from_noise = lbfgs(&average, &random);
    let ratio = |loss: f64| digits(loss / from_photograph.1, 2);
    out.number("mix_loss", ratio(from_mix.1));
    out.number("noise_loss", ratio(from_noise.1));
    out.number("evaluations", EVALUATIONS);
    pictures(
        out,
        "starts",
        &[
            ("from the photograph", &image(&from_photograph.0)),
            ("from the mix", &image(&from_mix.0)),
            ("from noise", &image(&from_noise.0)),
        ],
        3,
        3.0,
    )
}

/// Adam with pixels that are limited to 0..255 after each step, and at the end alone.
fn clipping(out: &mut Drawings, settings: &Settings, pair: &Pair) -> Result<()> {
    let study = Study::new(settings, &pair.photograph, &pair.painting)?;
    let limited = |mut x: Array3<f32>| {
        for ((_, _, c), x) in x.indexed_iter_mut() {
            *x = x.clamp(-MEAN[c], 255.0 - MEAN[c]);
        }
        x
    };
    let run = |clip: bool| {
        let mut x = BigArray::from(pair.photograph.clone());
        let mut adam = Adam::new(&x, 5.0);
        for _ in 0..EVALUATIONS {
            let (_, gradient) = study.evaluate(&x.to_array());
            adam.step(&mut x, &gradient.into());
            if clip {
                x = limited(x.into_array()).into();
            }
        }
        x.into_array()
    };
    let (always, at_end) = (run(true), run(false));
    let outside = at_end
        .indexed_iter()
        .filter(|((_, _, c), x)| !(-MEAN[*c]..=255.0 - MEAN[*c]).contains(*x));
    out.number(
        "outside",
        format!(
            "{:.1} %",
            100.0 * outside.count() as f64 / at_end.len() as f64
        ),
    );
    let loss = |x: &Array3<f32>| study.evaluate(x).0;
    let free = loss(&at_end);
    let percent = |x: f64| format!("{:+.1} %", 100.0 * (x / free - 1.0));
    out.number("clipped_always", percent(loss(&always)));
    out.number("clipped_at_end", percent(loss(&limited(at_end))));
    Ok(())
}
