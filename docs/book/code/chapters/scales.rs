//! What the layers see of pictures of two sizes, what the pairs of L-BFGS are worth at the next size, and one picture painted at one size and
//! coarse to fine.

use crate::charts::{Axis, COLORS, Curve, curves, embedded, pictures, svg, text};
use crate::drawings::Drawings;
use crate::numbers::digits;
use crate::sketches::{CAT, NIGHT, Painted, Study, image, paint, pixels, preset};
use anyhow::{Context, Result};
use impasto::method::{Alone, BigArray, Lbfgs};
use impasto::painting::{Init, Scales, Settings};
use impasto::picture::{Size, resize};
use impasto::vgg::{LayerKind, VGG16};
use plotters::prelude::SeriesLabelPosition;
use std::fmt::Write;

/// Draws the figures of the chapter.
///
/// # Errors
/// If a file cannot be read or written.
pub fn draw(out: &mut Drawings) -> Result<()> {
    fields(out)?;
    next_size(out)?;
    coarse_to_fine(out)
}

/// The edge of the square of pixels that a position of each layer sees, for the style layers: the layer, and pixels.
fn receptive_fields() -> Vec<(String, usize)> {
    // A convolution sees one step further on each side; a pooling one step in all, and doubles the step.
    let (mut field, mut step) = (1, 1);
    let mut fields = Vec::new();
    for layer in VGG16.layers() {
        match layer.kind {
            LayerKind::Conv { .. } => field += 2 * step,
            LayerKind::Pool => {
                field += step;
                step *= 2;
            }
        }
        fields.push((layer.name, field));
    }
    fields.retain(|(name, _)| name.starts_with("conv") && name.ends_with("_1"));
    fields
}

fn fields(out: &mut Drawings) -> Result<()> {
    let fields = receptive_fields();
    let mut table = "| layer | sees, in pixels | of the width of 128 | of the width of 512 |\n|---|---|---|---|\n".to_owned();
    for (name, field) in &fields {
        let share = |width: usize| format!("{:.1} %", 100.0 * *field as f64 / width as f64);
        writeln!(
            table,
            "| {name} | {field}×{field} | {} | {} |",
            share(128),
            share(512)
        )?;
    }
    out.markdown("fields", &table)?;
    // Both pictures in one scale: a pixel of the picture is a pixel of the figure.
    let mut elements = String::new();
    for (width, height, left, top) in [(512, 340, 10, 10), (128, 85, 566, 36)] {
        elements += &embedded(
            &image(&pixels(CAT, width, height)?),
            (left, top),
            (width, height),
        )?;
        let center = (left + width / 2, top + height / 2);
        for ((_, field), color) in fields.iter().zip(COLORS.iter()).rev() {
            let field = *field as u32;
            let (x, y) = (
                i64::from(center.0) - i64::from(field / 2),
                i64::from(center.1) - i64::from(field / 2),
            );
            writeln!(
                elements,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{field}\" height=\"{field}\" fill=\"none\" stroke=\"white\" stroke-width=\"4\"/>\
                 <rect x=\"{x}\" y=\"{y}\" width=\"{field}\" height=\"{field}\" fill=\"none\" stroke=\"rgb{:?}\" stroke-width=\"2\"/>",
                (color.0, color.1, color.2)
            )?;
        }
    }
    elements += &text((266.0, 372.0), "512 pixels wide");
    elements += &text((630.0, 168.0), "128 pixels wide");
    for (k, ((name, field), color)) in fields.iter().zip(COLORS.iter().cycle()).enumerate() {
        let y = 205 + 30 * k;
        writeln!(
            elements,
            "<rect x=\"560\" y=\"{y}\" width=\"18\" height=\"18\" fill=\"none\" stroke=\"rgb{:?}\" stroke-width=\"3\"/>\
             <text x=\"588\" y=\"{}\">{name}: {field}×{field}</text>",
            (color.0, color.1, color.2),
            y + 14
        )?;
    }
    out.svg("fields", &svg((760, 390), &elements))
}

/// The loss at the larger of two sizes, beginning with what was painted at the smaller one: L-BFGS with the pairs from there, and without.
fn next_size(out: &mut Drawings) -> Result<()> {
    const SMALL: (u32, u32) = (113, 75);
    const LARGE: (u32, u32) = (160, 106);
    const EVALUATIONS: usize = 30;
    let settings = preset("classic", LARGE.0)?;
    let first = (settings.history as usize, 10.0);
    let study = |(width, height)| {
        let (cat, night) = (pixels(CAT, width, height)?, pixels(NIGHT, width, height)?);
        anyhow::Ok((Study::new(&settings, &cat, &night)?, BigArray::from(cat)))
    };
    let descend = |study: &Study, x: &mut BigArray<f32>, lbfgs: &mut Lbfgs<f32>| -> Vec<f64> {
        let evaluations = (0..EVALUATIONS).map(|_| {
            let (loss, gradient) = study.evaluate(&x.to_array());
            lbfgs.step(x, loss, &gradient.into(), &Alone);
            loss
        });
        evaluations.collect()
    };
    let (small, mut x) = study(SMALL)?;
    let mut lbfgs = Lbfgs::new(first.0, first.1);
    descend(&small, &mut x, &mut lbfgs);
    let (large, _) = study(LARGE)?;
    let (width, height) = LARGE;
    let enlarge = |x: &BigArray<f32>| BigArray::from(resize(&x.to_array(), Size { width, height }));
    let begin = enlarge(lbfgs.accepted().unwrap_or(&x));
    let ratio = f64::from(width * height) / f64::from(SMALL.0 * SMALL.1);
    let with_pairs = lbfgs.enlarged(first, ratio, enlarge, &Alone);
    let [kept, anew] = [with_pairs, Lbfgs::new(first.0, first.1)]
        .map(|mut lbfgs| descend(&large, &mut begin.clone(), &mut lbfgs));
    let lowest = |losses: &[f64]| losses.iter().copied().fold(f64::INFINITY, f64::min);
    let reached = |losses: &[f64]| {
        let at = losses.iter().position(|&loss| loss <= lowest(&anew));
        at.map(|at| at + 1)
            .context("with its pairs L-BFGS is not slower")
    };
    out.number("evaluations_anew", reached(&anew)?);
    out.number("evaluations_kept", reached(&kept)?);
    let scale = kept[0];
    let (low, high) = (lowest(&kept) / scale, 2.0);
    let line = |losses: &[f64]| {
        let points = (1..)
            .zip(losses)
            .map(|(at, loss)| (f64::from(at), loss / scale));
        points.filter(|at| at.1 < high).collect()
    };
    out.plot("pairs", (920, 380), |area| {
        curves(
            area,
            &Axis::linear(
                "evaluations at the larger size",
                0.0..EVALUATIONS as f64 + 1.0,
            ),
            &Axis::log("loss ÷ loss of the enlarged picture", low / 1.5..high),
            &[
                Curve::line("begun anew", line(&anew)),
                Curve::line("with the pairs of the smaller size", line(&kept)),
            ],
            SeriesLabelPosition::UpperRight,
        )
    })
}

/// The same amount of work at one size and coarse to fine.
fn coarse_to_fine(out: &mut Drawings) -> Result<()> {
    const EDGE: u32 = 160;
    let settings = Settings {
        init: Init::Random,
        coarsest: 40,
        ..preset("gram", EDGE)?
    };
    let of = |scales, iterations| {
        paint(Settings {
            scales,
            iterations,
            ..settings.clone()
        })
    };
    let auto = of(Scales::Auto, 90)?;
    // What all evaluations cost, in evaluations at the last size.
    let work = |painted: &Painted| -> Vec<(u32, f64, f64)> {
        let mut sum = 0.0;
        let evaluations = painted.evaluations.iter();
        let of_each = evaluations.map(|(edge, losses, _)| {
            sum += (f64::from(*edge) / f64::from(EDGE)).powi(2);
            (*edge, sum, losses.total())
        });
        of_each.collect()
    };
    let auto_work = work(&auto);
    let worth = auto_work.last().map_or(1.0, |last| last.1).round();
    let one = of(Scales::Count(1), worth as u32)?;
    let mut table = "| long edge | iterations |\n|---|---|\n".to_owned();
    let mut sizes: Vec<u32> = auto.evaluations.iter().map(|at| at.0).collect();
    sizes.dedup();
    for size in &sizes {
        let count = auto.evaluations.iter().filter(|at| at.0 == *size).count();
        writeln!(table, "| {size} | {count} |")?;
    }
    out.markdown("shares", &table)?;
    out.number("edge", EDGE);
    out.number("auto_iterations", auto.evaluations.len());
    out.number("worth", worth);
    out.number("loss_ratio", digits(auto.lowest() / one.lowest(), 2));
    pictures(
        out,
        "painted",
        &[
            ("one size", &one.image()),
            ("coarse to fine", &auto.image()),
        ],
        2,
        2.5,
    )?;
    let at_last = |work: Vec<(u32, f64, f64)>| -> Vec<(f64, f64)> {
        let at_last = work.into_iter().filter(|at| at.0 == EDGE);
        at_last.map(|(_, work, loss)| (work, loss)).collect()
    };
    let (auto_line, one_line) = (at_last(auto_work), at_last(work(&one)));
    let losses = || auto_line.iter().chain(&one_line).map(|at| at.1);
    let scale = losses().fold(0.0, f64::max);
    let low = losses().fold(f64::INFINITY, f64::min) / scale;
    let line = |points: &[(f64, f64)]| points.iter().map(|at| (at.0, at.1 / scale)).collect();
    out.plot("losses", (920, 380), |area| {
        curves(
            area,
            &Axis::linear("work, in evaluations at the last size", 0.0..worth + 1.0),
            &Axis::log("loss at the last size ÷ loss of the noise", low / 2.0..1.5),
            &[
                Curve::line("one size", line(&one_line)),
                Curve::line("coarse to fine: its last size", line(&auto_line)),
            ],
            SeriesLabelPosition::UpperRight,
        )
    })
}
