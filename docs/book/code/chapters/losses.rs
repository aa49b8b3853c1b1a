//! What each loss wants of the pixels, and how large it is.

use super::gram::{
    BLUE, CAT, COFFEE, NIGHT, ORANGE, activations, enlarged, fitted, network, open, picture_of,
};
use crate::drawings::Drawings;
use crate::numbers::three_digits;
use crate::sketches::image;
use anyhow::{Context, Result};
use image::RgbImage;
use impasto::method::{
    Alone, BigArray, ContentLoss, GramLoss, Lbfgs, Loss, StyleLoss, StyleLossKind, gram,
};
use impasto::network::{LayerLosses, Network};
use impasto::objective::{Compared, Losses, Objective, Region, Style, Tap, Targets};
use impasto::painting::{Layers, Recipe};
use impasto::vgg::VGG16;
use ndarray::Array3;
use plotters::prelude::*;
use std::fmt::Write;

/// The long edge of the cat and the painting.
const EDGE: u32 = 160;
/// Iterations before the gradients are looked at. The picture begins as the photograph, where the gradient of the content is 0.
const ITERATIONS: usize = 6;

/// Draws the figures of the chapter.
///
/// # Errors
/// If a file cannot be read or written.
pub fn draw(out: &mut Drawings) -> Result<()> {
    let network = network("conv5_1")?;
    let pair = Pair::open()?;
    out.number("iterations", ITERATIONS);
    let x = pair.begun(&network);
    out.picture("picture", &enlarged(&image(&x), 2))?;
    gradients(out, &network, &pair, &x)?;
    steps(out, &network, &pair, &x)?;
    sizes(out, &network)
}

/// A photograph, a painting, and the losses of the preset `gram`.
struct Pair {
    photograph: Array3<f32>,
    style: [Region<Array3<f32>, ndarray::Array2<f32>>; 1],
    content_taps: Vec<Tap>,
    style_taps: Vec<Tap>,
    tv_weight: f64,
}

impl Pair {
    fn open() -> Result<Self> {
        let settings = Recipe::preset("gram").context("the preset")?.settings();
        let photograph = open(CAT, EDGE)?;
        let tv_weight = settings.tv_weight / photograph.len() as f64; // a mean over the values
        let painting = Style::whole(open(NIGHT, EDGE)?);
        Ok(Self {
            photograph,
            style: [Region::everywhere(vec![painting])],
            content_taps: taps(&settings.content_layers, settings.content_weight)?,
            style_taps: taps(&settings.style_layers, settings.style_weight)?,
            tv_weight,
        })
    }

    /// The weighted sum of the losses at these taps.
    fn objective(
        &self,
        network: &Network<f32>,
        content: &[Tap],
        style: &[Tap],
        tv_weight: f64,
    ) -> Objective<f32> {
        let targets = Targets {
            content: Some((&self.photograph, content)),
            regions: &self.style,
            style_taps: style,
            compared: Compared::Layers,
            style_loss: StyleLossKind::Gram,
            tv_weight,
            tv_diagonals: 0.0,
            normalize: false,
        };
        Objective::new(network, targets)
    }

    /// The photograph after a few iterations.
    fn begun(&self, network: &Network<f32>) -> Array3<f32> {
        let objective = self.objective(
            network,
            &self.content_taps,
            &self.style_taps,
            self.tv_weight,
        );
        let mut x = BigArray::from(self.photograph.clone());
        let mut lbfgs = Lbfgs::new(10, 10.0);
        for _ in 0..ITERATIONS {
            let (losses, gradient) = objective.evaluate(network, &x.to_array());
            lbfgs.step(&mut x, losses.total(), &gradient.into(), &Alone);
        }
        x.into_array()
    }
}

/// Layers of settings as the objective wants them.
fn taps(layers: &Layers, overall: f64) -> Result<Vec<Tap>> {
    let tap = |(layer, weight): (&str, f64)| -> Result<Tap> {
        let layer = VGG16.find(layer)?;
        let weight = overall * weight;
        Ok(Tap { layer, weight })
    };
    let layers = layers.0.iter();
    layers.map(|l| tap((&l.layer, l.weight))).collect()
}

/// The value of each loss, and its gradient as a picture.
fn gradients(
    out: &mut Drawings,
    network: &Network<f32>,
    pair: &Pair,
    x: &Array3<f32>,
) -> Result<()> {
    let mut table = String::from(
        "| loss | weight | weighted value | length of the weighted gradient at the pixels |\n|---|---:|---:|---:|\n",
    );
    let mut row = |name: &str, weight: f64, value: f64, gradient: &Array3<f32>| {
        let (weight, value, length) = (
            three_digits(weight),
            three_digits(value),
            three_digits(norm(gradient)),
        );
        writeln!(table, "| {name} | {weight} | {value} | {length} |")
    };
    let (none, style) = (&[][..], &pair.style_taps[..]);
    let at = |content: &[Tap], style: &[Tap], tv| -> (Losses, Array3<f32>) {
        pair.objective(network, content, style, tv)
            .evaluate(network, x)
    };
    let layers = VGG16.layers();
    let content = &pair.content_taps[..];
    let (losses, gradient) = at(content, none, 0.0);
    out.picture("content", &wish(&gradient))?;
    let name = format!("content, `{}`", layers[content[0].layer].name);
    row(&name, content[0].weight, losses.content, &gradient)?;
    for (number, tap) in (1..).zip(style) {
        let (losses, gradient) = at(none, &[*tap], 0.0);
        out.picture(&format!("style-{number}"), &wish(&gradient))?;
        let name = format!("style, `{}`", layers[tap.layer].name);
        row(&name, tap.weight, losses.style, &gradient)?;
    }
    let (losses, gradient) = at(none, none, pair.tv_weight);
    out.picture("tv", &wish(&gradient))?;
    row("total variation", pair.tv_weight, losses.tv, &gradient)?;
    let (losses, gradient) = at(content, style, pair.tv_weight);
    out.picture("all", &wish(&gradient))?;
    let (total, length) = (three_digits(losses.total()), three_digits(norm(&gradient)));
    writeln!(table, "| **their sum** | | {total} | {length} |")?;
    out.markdown("values", &table)
}

/// What a step against this gradient adds to the pixels: gray is nothing.
fn wish(gradient: &Array3<f32>) -> RgbImage {
    let (height, width, _) = gradient.dim();
    let scale = 42.0 * (gradient.len() as f64).sqrt() / norm(gradient); // black and white are 3 times the root mean square
    let picture = picture_of((height, width), |i, j| {
        std::array::from_fn(|c| 128.0 - scale as f32 * gradient[(i, j, c)])
    });
    enlarged(&picture, 2)
}

/// √Σ g²
fn norm(gradient: &Array3<f32>) -> f64 {
    let squares = gradient.iter().map(|&g| f64::from(g).powi(2));
    squares.sum::<f64>().sqrt()
}

/// A loss of a layer's activations, already weighted, and its gradient.
type WeightedLoss = Box<dyn Fn(&Array3<f32>) -> Array3<f32>>;

// ANCHOR: measured
/// The losses of some layers. Notes how long the gradient of each is beside what comes from deeper layers.
struct Measured {
    losses: Vec<(usize, WeightedLoss)>,
    /// A layer, the length of the gradient that arrives, and of that which its loss adds.
    lengths: Vec<(usize, f64, f64)>,
}

impl LayerLosses<f32> for Measured {
    fn add_gradient(&mut self, layer: usize, f: Option<&Array3<f32>>, df: &mut Array3<f32>) {
        let f = f.expect("tapped layers are kept");
        for (_, loss) in self.losses.iter().filter(|(at, _)| *at == layer) {
            let gradient = loss(f);
            self.lengths.push((layer, norm(df), norm(&gradient)));
            *df += &gradient;
        }
    }

    fn replace_by_gradient(&mut self, _: usize, _: &mut Array3<f32>) -> bool {
        false // always add
    }
}
// ANCHOR_END: measured

/// The way back, layer by layer: what arrives and what is added.
fn steps(out: &mut Drawings, network: &Network<f32>, pair: &Pair, x: &Array3<f32>) -> Result<()> {
    let mut losses: Vec<(usize, WeightedLoss)> = Vec::new();
    for tap in &pair.content_taps {
        let loss = ContentLoss::new(activations(network, tap.layer, &pair.photograph));
        let weight = tap.weight as f32;
        losses.push((
            tap.layer,
            Box::new(move |f| loss.value_and_gradient(f).1 * weight),
        ));
    }
    for tap in &pair.style_taps {
        let painting = &pair.style[0].styles[0].picture;
        let loss = GramLoss::new(&activations(network, tap.layer, painting));
        let weight = tap.weight as f32;
        losses.push((
            tap.layer,
            Box::new(move |f| loss.value_and_gradient(f).1 * weight),
        ));
    }
    let taps: Vec<usize> = losses.iter().map(|(layer, _)| *layer).collect();
    let lengths = Vec::new();
    let mut measured = Measured { losses, lengths };
    let gradient = network.backward(network.forward(&network.steps(taps), x), &mut measured);
    let layers = VGG16.layers();
    let mut bars: Vec<(String, f64, f64)> = (measured.lengths.iter())
        .map(|&(layer, arrives, added)| (layers[layer].name.clone(), arrives, added))
        .collect();
    let (_, of_tv) = (pair.objective(network, &[], &[], pair.tv_weight)).evaluate(network, x);
    bars.push(("pixels".to_owned(), norm(&gradient), norm(&of_tv)));
    out.plot("steps", (900, 420), |area| {
        let lengths = || {
            bars.iter()
                .flat_map(|bar| [bar.1, bar.2])
                .filter(|length| *length > 0.0)
        };
        let (low, high) = (
            lengths().fold(f64::MAX, f64::min),
            lengths().fold(0.0, f64::max),
        );
        let (low, high) = (0.4 * low, 4.0 * high);
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(46)
            .y_label_area_size(80)
            .build_cartesian_2d(-0.5..bars.len() as f64 - 0.5, (low..high).log_scale())?;
        let name = |x: &f64| match bars.get(x.round() as usize) {
            Some((name, ..)) if (x - x.round()).abs() < 0.01 => name.clone(),
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(WHITE)
            .x_labels(bars.len())
            .x_label_formatter(&name)
            .y_label_formatter(&|y| format!("{y:.0e}"))
            .label_style(("sans-serif", 15))
            .axis_desc_style(("sans-serif", 17))
            .x_desc("where, in the order of the backward pass")
            .y_desc("length of the gradient")
            .draw()?;
        for (offset, color, label) in [
            (-0.34, BLUE, "arrives from deeper layers"),
            (0.02, ORANGE, "added by the losses here"),
        ] {
            let bar = |(at, bar): (usize, &(String, f64, f64))| {
                let height = if offset < 0.0 { bar.1 } else { bar.2 };
                let left = at as f64 + offset;
                Rectangle::new(
                    [(left, low), (left + 0.32, height.max(low))],
                    color.filled(),
                )
            };
            chart
                .draw_series(bars.iter().enumerate().map(bar))?
                .label(label)
                .legend(move |(x, y)| {
                    Rectangle::new([(x, y - 5), (x + 16, y + 5)], color.filled())
                });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE)
            .label_font(("sans-serif", 16))
            .draw()?;
        Ok(())
    })
}

/// The same losses of the same pictures at three sizes, as means and as sums.
fn sizes(out: &mut Drawings, network: &Network<f32>) -> Result<()> {
    let (content_layer, style_layer) = (VGG16.find("conv4_2")?, VGG16.find("conv3_1")?);
    let painting = activations(network, style_layer, &open(NIGHT, EDGE)?);
    let style = GramLoss::new(&painting);
    let sums_of_painting = gram::forward(&painting);
    let mut table = String::from(
        "| long edge of photograph and picture | content: mean | content: sum | style: means | style: sums |\n\
         |---:|---:|---:|---:|---:|\n",
    );
    for edge in [EDGE / 2, EDGE, 2 * EDGE] {
        let photograph = open(CAT, edge)?;
        let coffee = fitted(COFFEE, &photograph)?;
        let target = activations(network, content_layer, &photograph);
        let size = target.len() as f64;
        let f = activations(network, content_layer, &coffee);
        let content = ContentLoss::new(target).value_and_gradient(&f).0;

        let f = activations(network, style_layer, &photograph);
        let of_means = style.value_and_gradient(&f).0;
        let difference = gram::forward(&f) - &sums_of_painting;
        let squares: f64 = difference.iter().map(|&d| f64::from(d).powi(2)).sum();
        let of_sums = squares / (4.0 * (f.len() as f64).powi(2)); // N·M elements
        let columns = [content, 2.0 * size * content, of_means, of_sums].map(three_digits);
        writeln!(table, "| {edge} | {} |", columns.join(" | "))?;
    }
    out.markdown("sizes", &table)
}
