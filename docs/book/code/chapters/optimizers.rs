//! Gradient descent, Adam and L-BFGS in a valley, and on the loss of a small picture.

use crate::charts::{Axis, COLORS, Curve, FONT, curves};
use crate::drawings::Drawings;
use crate::numbers::digits;
use crate::sketches::{CAT, NIGHT, Study, pixels, preset};
use anyhow::Result;
use impasto::method::{Adam, Alone, BigArray, Lbfgs, Pooling, Scalar};
use impasto::network::Network;
use impasto::painting::Settings;
use impasto::vgg::VGG16;
use ndarray::{Array3, array};
use plotters::prelude::*;

/// Draws the figures of the chapter.
///
/// # Errors
/// If a file cannot be read or written.
pub fn draw(out: &mut Drawings) -> Result<()> {
    valley(out)?;
    let settings = Settings {
        border: 0,
        ..preset("classic", 96)?
    };
    let photograph = pixels(CAT, 96, 64)?;
    let painting = pixels(NIGHT, 96, 76)?;
    real_loss(out, &settings, &photograph, &painting)?;
    kinks(out, &settings, &photograph, &painting)
}

/// 10 (b − a²)² + (1 − a)², a curved valley with its lowest point at (1, 1), and its gradient.
fn height((a, b): (f64, f64)) -> (f64, (f64, f64)) {
    let wall = b - a * a;
    let value = 10.0 * wall * wall + (1.0 - a) * (1.0 - a);
    (value, (-40.0 * a * wall - 2.0 * (1.0 - a), 20.0 * wall))
}

const START: (f64, f64) = (-1.2, 1.0);
const ENOUGH: f64 = 1e-6;

/// Where the evaluations of a walk through the valley were.
type Walk = Vec<(f64, f64)>;

/// Walks until the height is [`ENOUGH`], or `most` evaluations are made.
fn walk(most: usize, mut step: impl FnMut(&mut BigArray<f64>, f64, &BigArray<f64>)) -> Walk {
    let mut x = BigArray::from(array![[[START.0, START.1]]]);
    let mut walk = Walk::new();
    for _ in 0..most {
        let at = x.to_array();
        let at = (at[[0, 0, 0]], at[[0, 0, 1]]);
        walk.push(at);
        let (value, (da, db)) = height(at);
        if value < ENOUGH {
            break;
        }
        step(&mut x, value, &BigArray::from(array![[[da, db]]]));
    }
    walk
}

fn valley(out: &mut Drawings) -> Result<()> {
    const RATE: f64 = 0.012;
    const ADAM_RATE: f64 = 0.05;
    let descent = walk(20_000, |x, _, gradient| x.add_scaled(-RATE, gradient));
    let mut adam = Adam::new(&BigArray::from(array![[[0.0, 0.0]]]), ADAM_RATE);
    let adam = walk(20_000, |x, _, gradient| adam.step(x, gradient));
    let mut lbfgs = Lbfgs::new(10, 0.5);
    let lbfgs = walk(20_000, |x, value, gradient| {
        lbfgs.step(x, value, gradient, &Alone);
    });
    out.number("descent_rate", RATE);
    out.number("adam_rate", ADAM_RATE);
    out.number("descent_steps", descent.len());
    out.number("adam_steps", adam.len());
    out.number("lbfgs_steps", lbfgs.len());
    let walks = [
        ("gradient descent", descent),
        ("Adam", adam),
        ("L-BFGS", lbfgs),
    ];
    out.plot("valley", (920, 560), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(60)
            .build_cartesian_2d(-1.9..1.9, -0.9..1.9)?;
        (chart.configure_mesh())
            .disable_mesh()
            .x_desc("a")
            .y_desc("b")
            .label_style(FONT)
            .axis_desc_style(FONT)
            .draw()?;
        for level in [0.05, 0.25, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0] {
            let lines = contour(level, (-1.9, 1.9), (-0.9, 1.9));
            let style = RGBColor(150, 150, 150).stroke_width(1);
            chart.draw_series(lines.into_iter().map(|ends| PathElement::new(ends, style)))?;
        }
        for ((name, walk), color) in walks.iter().zip(COLORS) {
            let shown = || walk.iter().copied().take(400);
            (chart.draw_series(LineSeries::new(shown(), color.stroke_width(2)))?)
                .label(*name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], color.stroke_width(3))
                });
            chart.draw_series(shown().map(|at| Circle::new(at, 2, color.filled())))?;
        }
        for (at, name, shift) in [(START, "start", 8), ((1.0, 1.0), "lowest point", 10)] {
            chart.draw_series([EmptyElement::at(at)
                + Circle::new((0, 0), 6, BLACK.stroke_width(2))
                + Text::new(name, (shift, -22), FONT)])?;
        }
        (chart.configure_series_labels())
            .position(SeriesLabelPosition::LowerLeft)
            .label_font(FONT)
            .background_style(WHITE.mix(0.9))
            .border_style(RGBColor(200, 200, 200))
            .draw()?;
        Ok(())
    })?;
    out.plot("heights", (920, 360), |area| {
        let lines: Vec<_> = (walks.iter())
            .map(|(name, walk)| {
                let points = (1..).zip(walk).map(|(k, &at)| (f64::from(k), height(at).0));
                Curve::line(name, points.collect())
            })
            .collect();
        curves(
            area,
            &Axis::log("evaluations of height and gradient", 1.0..5000.0),
            &Axis::log("height above the lowest point", 1e-7..100.0),
            &lines,
            SeriesLabelPosition::LowerLeft,
        )
    })
}

/// The pieces of the line where the height has this value, by marching squares.
fn contour(level: f64, (left, right): (f64, f64), (low, high): (f64, f64)) -> Vec<Vec<(f64, f64)>> {
    const CELLS: (usize, usize) = (120, 90);
    let at = |i: usize, j: usize| {
        let x = left + (right - left) * i as f64 / CELLS.0 as f64;
        let y = low + (high - low) * j as f64 / CELLS.1 as f64;
        (x, y, height((x, y)).0 - level)
    };
    let mut lines = Vec::new();
    for (i, j) in (0..CELLS.0).flat_map(|i| (0..CELLS.1).map(move |j| (i, j))) {
        let corners = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
        let mut ends = Vec::new();
        for k in 0..4 {
            let ((x, y, f), (x1, y1, f1)) = (corners[k], corners[(k + 1) % 4]);
            if (f < 0.0) != (f1 < 0.0) {
                let share = f / (f - f1);
                ends.push((x + share * (x1 - x), y + share * (y1 - y)));
            }
        }
        lines.extend(ends.chunks_exact(2).map(<[_]>::to_vec));
    }
    lines
}

/// Loss against evaluations of a small picture, from the photograph.
fn real_loss(
    out: &mut Drawings,
    settings: &Settings,
    photograph: &Array3<f32>,
    painting: &Array3<f32>,
) -> Result<()> {
    const EVALUATIONS: usize = 60;
    let study = Study::new(settings, photograph, painting)?;
    let mut adam_losses = Vec::new();
    let rates = [2.0, 10.0];
    for rate in rates {
        let mut x = BigArray::from(photograph.clone());
        let mut adam = Adam::new(&x, rate);
        let mut losses = Vec::new();
        for _ in 0..EVALUATIONS {
            let (loss, gradient) = study.evaluate(&x.to_array());
            losses.push(loss);
            adam.step(&mut x, &gradient.into());
        }
        adam_losses.push(losses);
    }
    let mut x = BigArray::from(photograph.clone());
    let mut lbfgs = Lbfgs::new(10, 10.0);
    let (mut losses, mut steps, mut before) = (Vec::new(), 0, None);
    for _ in 0..EVALUATIONS {
        let (loss, gradient) = study.evaluate(&x.to_array());
        losses.push(loss);
        lbfgs.step(&mut x, loss, &gradient.into(), &Alone);
        let accepted = lbfgs.accepted().map(|x| x.to_array()[[0, 0, 0]]);
        steps += usize::from(accepted != before);
        before = accepted;
    }
    let last = adam_losses[0][EVALUATIONS - 1];
    let reached = |losses: &[f64]| losses.iter().position(|&loss| loss <= last);
    let as_text = |at: Option<usize>| at.map_or("never".to_owned(), |at| (at + 1).to_string());
    out.number("evaluations", EVALUATIONS);
    out.number("lbfgs_reaches", as_text(reached(&losses)));
    out.number("adam10_reaches", as_text(reached(&adam_losses[1])));
    let lowest = |losses: &[f64]| losses.iter().copied().fold(f64::INFINITY, f64::min);
    let ratio = last / lowest(&losses);
    out.number("lbfgs_lower", digits(ratio, 2));
    out.number("accepted_steps", steps - 1);
    let names = ["Adam, learning rate 2", "Adam, learning rate 10", "L-BFGS"];
    let first = losses[0];
    out.plot("losses", (920, 420), |area| {
        let all = adam_losses.iter().chain([&losses]);
        let lines: Vec<_> = (names.iter().zip(all))
            .map(|(name, losses)| {
                let points = (1..)
                    .zip(losses)
                    .map(|(k, loss)| (f64::from(k), loss / first));
                Curve::line(name, points.collect())
            })
            .collect();
        curves(
            area,
            &Axis::linear("evaluations of loss and gradient", 0.0..EVALUATIONS as f64),
            &Axis::log("loss ÷ loss of the photograph", 3e-3..3.0),
            &lines,
            SeriesLabelPosition::UpperRight,
        )
    })
}

/// The slope of the loss along a straight line of pictures, for both poolings; and how many ReLUs and maxima change on the way.
fn kinks(
    out: &mut Drawings,
    settings: &Settings,
    photograph: &Array3<f32>,
    painting: &Array3<f32>,
) -> Result<()> {
    const SAMPLES: usize = 37;
    const LENGTH: f64 = 0.3;
    let mut lines = Vec::new();
    for (name, pooling) in [
        ("average pooling", Pooling::Average),
        ("max pooling", Pooling::Max),
    ] {
        let settings = Settings {
            pooling,
            ..settings.clone()
        };
        let study = Study::new(&settings, photograph, painting)?;
        let (_, gradient) = study.evaluate(photograph);
        let largest = gradient.iter().fold(0.0f32, |most, g| most.max(g.abs()));
        let direction = gradient.mapv(|g| -g / largest);
        let slope_at = |t: f64| {
            let x = photograph + &direction.mapv(|d| t as f32 * d);
            let (_, gradient) = study.evaluate(&x);
            let products = gradient.iter().zip(&direction);
            products
                .map(|(&g, &d)| f64::from(g) * f64::from(d))
                .sum::<f64>()
        };
        let at_start = slope_at(0.0);
        let points = (0..SAMPLES).map(|k| LENGTH * k as f64 / (SAMPLES - 1) as f64);
        let points: Vec<_> = points.map(|t| (t, slope_at(t) / at_start.abs())).collect();
        // Less the straight line between its ends: what is left is 0 if the loss is a parabola.
        let (first, last) = (points[0], points[SAMPLES - 1]);
        let bend = (last.1 - first.1) / LENGTH;
        let rest = |(t, slope): (f64, f64)| (t, 1e3 * (slope - first.1 - bend * t));
        lines.push(Curve::line(name, points.into_iter().map(rest).collect()));
        if pooling == Pooling::Max {
            let moved = photograph + &direction;
            let (relus, cells) = changes(&study.network, photograph, &moved)?;
            out.number("relus_changed", format!("{:.1} %", 100.0 * relus));
            out.number("maxima_changed", format!("{:.1} %", 100.0 * cells));
        }
    }
    let ends = lines
        .iter()
        .flat_map(|line| line.points.iter().map(|(_, slope)| *slope));
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), slope| {
        (low.min(slope), high.max(slope))
    });
    out.plot("kinks", (920, 380), |area| {
        curves(
            area,
            &Axis::linear(
                "largest change of a pixel, in gray levels of 0..255",
                0.0..LENGTH,
            ),
            &Axis::linear(
                "deviation of the slope, in thousandths",
                1.2 * low..1.2 * high,
            ),
            &lines,
            SeriesLabelPosition::UpperLeft,
        )
    })
}

/// The shares of ReLUs that are on at one picture and off at the other, and of cells of 2×2 whose largest is at another position.
fn changes(network: &Network<f32>, a: &Array3<f32>, b: &Array3<f32>) -> Result<(f64, f64)> {
    let (mut relus, mut changed, mut cells, mut other) = (0, 0, 0, 0);
    let layers = VGG16.layers();
    for layer in 0..=VGG16.find("conv5_1")? {
        if layers[layer].name.starts_with("pool") {
            continue;
        }
        let of = |x: &Array3<f32>| {
            network
                .forward(&network.steps([layer]), x)
                .of(layer)
                .clone()
        };
        let (a, b) = (of(a), of(b));
        relus += a.len();
        changed += a
            .iter()
            .zip(&b)
            .filter(|(a, b)| (**a > 0.0) != (**b > 0.0))
            .count();
        if layers
            .get(layer + 1)
            .is_some_and(|next| next.name.starts_with("pool"))
            && layer < 12
        {
            let (winners_a, winners_b) = (winners(&a), winners(&b));
            let pairs = winners_a.iter().zip(&winners_b);
            // A cell that is 0 everywhere has no largest.
            let pairs = pairs.filter(|(a, b)| a.is_some() && b.is_some());
            for (a, b) in pairs {
                cells += 1;
                other += usize::from(a != b);
            }
        }
    }
    Ok((
        changed as f64 / relus as f64,
        f64::from(other as u32) / f64::from(cells),
    ))
}

/// The number of the position that is largest in each whole cell of 2×2, for each channel; `None` where all are 0.
fn winners<T: Scalar>(x: &Array3<T>) -> Vec<Option<usize>> {
    let (height, width, channels) = x.dim();
    let mut winners = Vec::new();
    for (i, j) in (0..height / 2).flat_map(|i| (0..width / 2).map(move |j| (i, j))) {
        for c in 0..channels {
            let at = |k: usize| x[[2 * i + k / 2, 2 * j + k % 2, c]];
            let best = (1..4).fold(0, |best, k| if at(k) > at(best) { k } else { best });
            winners.push((at(best) > T::zero()).then_some(best));
        }
    }
    winners
}
