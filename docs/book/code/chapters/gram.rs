//! What a Gram matrix keeps of a layer's activations, and what it forgets.

use crate::drawings::Drawings;
use crate::numbers::{scientific, thousands, three_digits};
use crate::sketches::{self, image};
use anyhow::Result;
use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};
use impasto::method::finite_difference::relative_error_of_smooth;
use impasto::method::style::projection::Directions;
use impasto::method::style::{MomentsLoss, SlicedLoss, WassersteinLoss};
use impasto::method::{
    Alone, BigArray, ContentLoss, GramLoss, Lbfgs, Loss, Pooling, StyleLoss, StyleLossKind, gram,
};
use impasto::network::Network;
use impasto::objective::{Compared, Objective, Region, Style, Tap, Targets};
use impasto::painting::long_edge;
use impasto::vgg::VGG16;
use ndarray::{Array2, Array3, ArrayView2, Axis, concatenate};
use plotters::prelude::*;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, Normal};
use rand_pcg::Pcg64Mcg;
use std::fmt::Write;

/// Where activations are looked at: 128 channels, at every second pixel.
const LAYER: &str = "conv2_1";

/// Draws the figures of the chapter.
///
/// # Errors
/// If a file cannot be read or written.
pub fn draw(out: &mut Drawings) -> Result<()> {
    let network = network("conv3_1")?;
    let layer = VGG16.find(LAYER)?;
    let photograph = open(CAT, 300)?;
    let f = activations(&network, layer, &photograph);
    let g = gram::forward(&f);
    let pair = channels(out, &f, &g)?;
    shuffle(out, &network, layer, &photograph, &f)?;
    gradient(out, &network)?;
    trade(out, &f, pair)?;
    texture(out, &network)
}

/// Three channels, the products of the first with the others, and their elements of the Gram matrix. Returns the first two.
fn channels(out: &mut Drawings, f: &Array3<f32>, g: &Array2<f32>) -> Result<(usize, usize)> {
    let positions = (f.dim().0 * f.dim().1) as f32;
    let cosine = |i: usize, j: usize| g[(i, j)] / (g[(i, i)] * g[(j, j)]).sqrt();
    // Among the channels that fire strongly, so that there is something to see.
    let mut strong: Vec<usize> = (0..g.nrows()).collect();
    strong.sort_by(|&i, &j| g[(j, j)].total_cmp(&g[(i, i)]));
    strong.truncate(24);
    let first = strong[0];
    let by_cosine = |i: &&usize, j: &&usize| cosine(first, **i).total_cmp(&cosine(first, **j));
    let others = || strong.iter().skip(1);
    let like = *others().max_by(by_cosine).expect("there are others");
    let unlike = *others().min_by(by_cosine).expect("there are others");
    let channel = |i: usize| f.index_axis(Axis(2), i).to_owned();
    for (name, map) in [
        ("channel-i", channel(first)),
        ("channel-j", channel(like)),
        ("channel-k", channel(unlike)),
    ] {
        out.picture(
            name,
            &enlarged(&gray(roots(&map, max(&map)).view(), 1.0), 2),
        )?;
    }
    // Both products in one scale: that of the larger.
    let products = [like, unlike].map(|other| channel(first) * channel(other));
    let scale = max(&products[0]).max(max(&products[1]));
    for (name, map) in ["product-ij", "product-ik"].iter().zip(&products) {
        out.picture(name, &enlarged(&gray(roots(map, scale).view(), 1.0), 2))?;
    }
    for (name, number) in [("i", first), ("j", like), ("k", unlike)] {
        out.number(name, number);
    }
    for (name, other) in [("ij", like), ("ik", unlike)] {
        out.number(name, three_digits((g[(first, other)] / positions).into()));
        out.number(
            &format!("cosine-{name}"),
            format!("{:.2}", cosine(first, other)),
        );
    }
    Ok((first, like))
}

/// Activations with their positions shuffled, beside other changes.
fn shuffle(
    out: &mut Drawings,
    network: &Network<f32>,
    layer: usize,
    photograph: &Array3<f32>,
    f: &Array3<f32>,
) -> Result<()> {
    let shuffled = shuffled_positions(f, 1);
    let mut each_apart = f.clone();
    for (seed, mut channel) in (0..).zip(each_apart.axis_iter_mut(Axis(2))) {
        let map = channel.to_owned().insert_axis(Axis(2));
        channel.assign(&shuffled_positions(&map, seed).index_axis(Axis(2), 0));
    }
    let shuffled_pixels = activations(network, layer, &shuffled_positions(photograph, 1));
    let coffee = activations(network, layer, &fitted(COFFEE, photograph)?);
    let night = activations(network, layer, &open(NIGHT, 300)?);

    let energies = energy(f);
    let scale = max(&energies);
    out.picture("before", &enlarged(&gray(energies.view(), scale), 2))?;
    out.picture(
        "after",
        &enlarged(&gray(energy(&shuffled).view(), scale), 2),
    )?;

    // Means over the positions, since the painting has another number of them.
    let means = [f, &shuffled, &night].map(|f| gram::forward(f) / (f.len() / f.dim().2) as f32);
    let scale = max(&means[0]).max(max(&means[2]));
    for (name, g) in ["matrix", "matrix-shuffled", "matrix-night"]
        .iter()
        .zip(&means)
    {
        out.picture(name, &enlarged(&gray(roots(g, scale).view(), 1.0), 2))?;
    }

    let (g, style, content) = (
        gram::forward(f),
        GramLoss::new(f),
        ContentLoss::new(f.clone()),
    );
    let mut table = String::from(
        "| compared with the cat's activations | largest change of an element of G | Gram loss | content loss |\n\
         |---|---:|---:|---:|\n",
    );
    for (name, changed) in [
        ("its positions shuffled, all channels alike", &shuffled),
        (
            "its positions shuffled, each channel by itself",
            &each_apart,
        ),
        (
            "the photograph's pixels shuffled, before the network",
            &shuffled_pixels,
        ),
        ("the cup of coffee", &coffee),
    ] {
        let change = max(&(gram::forward(changed) - &g).mapv(f32::abs)) / max(&g);
        let style = style.value_and_gradient(changed).0;
        let content = content.value_and_gradient(changed).0;
        if name.ends_with("alike") {
            out.number("change", scientific(change.into()));
        }
        writeln!(
            table,
            "| {name} | {} of the largest | {} | {} |",
            three_digits(change.into()),
            three_digits(style),
            three_digits(content),
        )?;
    }
    out.markdown("shuffled", &table)
}

/// The gradient of the Gram loss at real activations against finite differences, in `f64`.
fn gradient(out: &mut Drawings, network: &Network<f32>) -> Result<()> {
    let layer = VGG16.find("conv1_1")?;
    let small = |name| -> Result<Array3<f64>> {
        let f = activations(network, layer, &open(name, 9)?);
        let largest = max(&f);
        Ok(f.mapv(|f| f64::from(f / largest)))
    };
    let (f, painting) = (small(CAT)?, small(NIGHT)?);
    let loss = GramLoss::new(&painting);
    let (_, gradient) = loss.value_and_gradient(&f);
    // L is a polynomial of degree 4, of which this quotient makes no error but that of rounding.
    let error = relative_error_of_smooth(&f, &gradient, |f| loss.value_and_gradient(f).0);
    out.number("elements", f.len());
    out.number("error", scientific(error));
    Ok(())
}

/// Twice the same activations side by side, and the same with one half √2 times as strong and the other 0.
fn trade(out: &mut Drawings, f: &Array3<f32>, pair: (usize, usize)) -> Result<()> {
    let beside = |left: &Array3<f32>, right: &Array3<f32>| {
        let both = concatenate![Axis(1), left.view(), right.view()];
        both.as_standard_layout().into_owned()
    };
    let even = beside(f, f);
    let uneven = beside(&(f * std::f32::consts::SQRT_2), &Array3::zeros(f.dim()));
    let scale = max(&energy(&uneven));
    for (name, f) in [("even", &even), ("uneven", &uneven)] {
        out.picture(name, &enlarged(&gray(energy(f).view(), scale), 2))?;
    }
    let of_itself = |loss: &dyn Fn(&Array3<f32>) -> f64| (loss(&even), loss(&uneven));
    let gram = GramLoss::new(&even);
    let moments = MomentsLoss::new(&even);
    let wasserstein = WassersteinLoss::new(&even);
    let channels = f.dim().2;
    let sliced = SlicedLoss::new(&even, Directions::random_basis(channels));
    let mut table = String::from(
        "| style loss | all positions alike | half of them √2 times as strong, the others 0 |\n|---|---:|---:|\n",
    );
    for (name, (same, other)) in [
        ("`gram`", of_itself(&|f| gram.value_and_gradient(f).0)),
        ("`moments`", of_itself(&|f| moments.value_and_gradient(f).0)),
        (
            "`wasserstein`",
            of_itself(&|f| wasserstein.value_and_gradient(f).0),
        ),
        ("`sliced`", of_itself(&|f| sliced.value_and_gradient(f).0)),
    ] {
        writeln!(
            table,
            "| {name} | {} | {} |",
            three_digits(same),
            three_digits(other)
        )?;
    }
    out.markdown("traded", &table)?;
    out.plot("ellipses", (960, 460), |area| {
        let panels = area.split_evenly((1, 2));
        let titles = [
            "all positions alike",
            "half √2 times as strong, the others 0",
        ];
        for ((panel, title), f) in panels.iter().zip(titles).zip([&even, &uneven]) {
            ellipses(panel, title, &two_channels(f, pair), pair)?;
        }
        Ok(())
    })
}

/// Two channels at each position.
fn two_channels(f: &Array3<f32>, (i, j): (usize, usize)) -> Vec<[f64; 2]> {
    let positions = f.lanes(Axis(2));
    let positions = positions.into_iter();
    positions.map(|f| [f[i].into(), f[j].into()]).collect()
}

/// Some of the points, the ellipse of their second moments around 0, and that of their covariance around their mean.
fn ellipses<B: DrawingBackend>(
    panel: &DrawingArea<B, plotters::coord::Shift>,
    title: &str,
    points: &[[f64; 2]],
    (i, j): (usize, usize),
) -> Result<()>
where
    B::ErrorType: 'static,
{
    let mean =
        |of: &dyn Fn(&[f64; 2]) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let mu = [mean(&|p| p[0]), mean(&|p| p[1])];
    let second = [
        mean(&|p| p[0] * p[0]),
        mean(&|p| p[0] * p[1]),
        mean(&|p| p[1] * p[1]),
    ];
    let covariance = [
        second[0] - mu[0] * mu[0],
        second[1] - mu[0] * mu[1],
        second[2] - mu[1] * mu[1],
    ];
    let reach = [2.6 * second[0].sqrt(), 2.6 * second[2].sqrt()];
    let mut chart = ChartBuilder::on(panel)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(46)
        .y_label_area_size(58)
        .build_cartesian_2d(-0.5 * reach[0]..reach[0], -0.5 * reach[1]..reach[1])?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 17))
        .x_desc(format!("activation of channel {i}"))
        .y_desc(format!("activation of channel {j}"))
        .draw()?;
    // Every 83rd, which is odd, so that they come from both halves and from all rows.
    let some = points.iter().step_by(83);
    chart.draw_series(some.map(|p| Circle::new((p[0], p[1]), 2, GRAY.filled())))?;
    let around_zero = ellipse([0.0; 2], second);
    chart
        .draw_series(LineSeries::new(around_zero, BLUE.stroke_width(3)))?
        .label("second moments G/M, around 0")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 22, y)], BLUE.stroke_width(3)));
    let around_mean = ellipse(mu, covariance);
    chart
        .draw_series(LineSeries::new(around_mean, ORANGE.stroke_width(3)))?
        .label("covariance, around the mean")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 22, y)], ORANGE.stroke_width(3)));
    chart.draw_series([Cross::new((mu[0], mu[1]), 7, ORANGE.stroke_width(3))])?;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .label_font(("sans-serif", 15))
        .draw()?;
    Ok(())
}

/// The points center + √A·(cos t, sin t), where A is the symmetric matrix \[a, b; b, c\].
fn ellipse(center: [f64; 2], [a, b, c]: [f64; 3]) -> impl Iterator<Item = (f64, f64)> {
    // Its Cholesky factor does as well as its root: the circle turns, and stays the same.
    let (l, m) = (a.sqrt(), b / a.sqrt());
    let n = (c - m * m).sqrt();
    (0..=120).map(move |t| {
        let (sin, cos) = (f64::from(t) * std::f64::consts::TAU / 120.0).sin_cos();
        (center[0] + l * cos, center[1] + m * cos + n * sin)
    })
}

/// How often the texture's loss and gradient are computed.
const ITERATIONS: usize = 100;

/// A texture from noise, after some of its iterations.
fn texture(out: &mut Drawings, network: &Network<f32>) -> Result<()> {
    let painting = open(NIGHT, 160)?;
    out.picture("painting", &enlarged(&image(&painting), 2))?;
    let mut noise = Pcg64Mcg::seed_from_u64(1);
    let normal = Normal::new(0.0, 20.0).expect("a deviation above 0");
    let start = Array3::from_shape_simple_fn((96, 96, 3), || normal.sample(&mut noise));
    let mut losses = Vec::new();
    let painted = synthesize(network, &painting, start, |iteration, loss, x| {
        losses.push(loss);
        match iteration {
            0 | 8 => out.picture(&format!("texture-{iteration}"), &enlarged(&image(x), 2)),
            _ => Ok(()),
        }
    })?;
    out.picture("texture", &enlarged(&image(&painted), 2))?;
    out.number("iterations", ITERATIONS);
    let fall = losses[0] / losses.iter().copied().fold(f64::INFINITY, f64::min);
    out.number("fall", thousands(fall));
    Ok(())
}

// ANCHOR: synthesize
/// Changes the picture `x` until its Gram matrices are those of the `painting`. Calls `watch` with each iteration, its loss and picture.
fn synthesize(
    network: &Network<f32>,
    painting: &Array3<f32>,
    x: Array3<f32>,
    mut watch: impl FnMut(usize, f64, &Array3<f32>) -> Result<()>,
) -> Result<Array3<f32>> {
    let tap = |(name, weight)| -> Result<Tap> {
        let layer = VGG16.find(name)?;
        Ok(Tap { layer, weight })
    };
    let taps = [("conv1_1", 0.5), ("conv2_1", 1.0), ("conv3_1", 1.5)];
    let taps: Vec<Tap> = taps.into_iter().map(tap).collect::<Result<_>>()?;
    let targets = Targets {
        content: None,
        regions: &[Region::everywhere(vec![Style::whole(painting.clone())])],
        style_taps: &taps,
        compared: Compared::Layers,
        style_loss: StyleLossKind::Gram,
        tv_weight: 0.0,
        tv_diagonals: 0.0,
        normalize: false,
    };
    let objective = Objective::new(network, targets);
    let mut x = BigArray::from(x);
    let mut lbfgs = Lbfgs::new(10, 10.0);
    for iteration in 0..ITERATIONS {
        let picture = x.to_array();
        let (losses, gradient) = objective.evaluate(network, &picture);
        watch(iteration, losses.total(), &picture)?;
        lbfgs.step(&mut x, losses.total(), &gradient.into(), &Alone);
    }
    Ok(x.into_array())
}
// ANCHOR_END: synthesize

pub(super) const CAT: &str = "content/chelsea.jpg";
pub(super) const COFFEE: &str = "content/coffee.jpg";
pub(super) const NIGHT: &str = "style/starry_night.jpg";

/// Colors that stay apart for those who do not tell red from green.
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(super) const ORANGE: RGBColor = RGBColor(213, 94, 0);
pub(super) const GRAY: RGBColor = RGBColor(150, 150, 150);

/// Cut off on each side, so that the painting's frame is no style.
const MARGIN: f64 = 0.03;

/// A picture, H×W×3 less VGG's mean, whose longer edge has this many pixels.
pub(super) fn open(name: &str, edge: u32) -> Result<Array3<f32>> {
    let picture = sketches::open(name)?;
    let picture = picture.trimmed(MARGIN);
    Ok(picture.fit(long_edge(edge).of(picture.size())).to_array())
}

/// A picture at the size of another.
pub(super) fn fitted(name: &str, like: &Array3<f32>) -> Result<Array3<f32>> {
    let picture = sketches::open(name)?;
    Ok(picture
        .fit(impasto::picture::Size::of_array(like))
        .to_array())
}

/// VGG-16 up to this layer, with average pooling.
pub(super) fn network(deepest: &str) -> Result<Network<f32>> {
    sketches::network(Pooling::Average, deepest)
}

/// The output (H×W×C) of a layer.
pub(super) fn activations(network: &Network<f32>, layer: usize, x: &Array3<f32>) -> Array3<f32> {
    network
        .forward(&network.steps([layer]), x)
        .of(layer)
        .clone()
}

/// The positions of `f` in another order, all channels alike.
fn shuffled_positions(f: &Array3<f32>, seed: u64) -> Array3<f32> {
    let (height, width, channels) = f.dim();
    let mut order: Vec<usize> = (0..height * width).collect();
    order.shuffle(&mut Pcg64Mcg::seed_from_u64(seed));
    let rows = gram::matrix(f).select(Axis(0), &order);
    let shape = (height, width, channels);
    rows.into_shape_with_order(shape)
        .expect("the same elements")
}

/// The length of the vector at each position.
fn energy(f: &Array3<f32>) -> Array2<f32> {
    f.map_axis(Axis(2), |f| f.dot(&f).sqrt())
}

pub(super) fn max<'a>(values: impl IntoIterator<Item = &'a f32>) -> f32 {
    values.into_iter().copied().fold(0.0, f32::max)
}

/// √(x / `largest`), so that small values are seen.
fn roots(map: &Array2<f32>, largest: f32) -> Array2<f32> {
    map.mapv(|x| (x / largest).sqrt())
}

/// 0 is black, `white` is white.
pub(super) fn gray(map: ArrayView2<f32>, white: f32) -> RgbImage {
    picture_of(map.dim(), |i, j| [255.0 * map[(i, j)] / white; 3])
}

pub(super) fn picture_of(
    (height, width): (usize, usize),
    color: impl Fn(usize, usize) -> [f32; 3],
) -> RgbImage {
    RgbImage::from_fn(width as u32, height as u32, |j, i| {
        Rgb(color(i as usize, j as usize).map(|c| c.round() as u8)) // a cast to u8 keeps within 0..255
    })
}

/// Each pixel becomes a square.
pub(super) fn enlarged(picture: &RgbImage, factor: u32) -> RgbImage {
    let (width, height) = (factor * picture.width(), factor * picture.height());
    resize(picture, width, height, FilterType::Nearest)
}
