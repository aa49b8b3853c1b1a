//! What minimizing each style loss does to points in a plane, and to a small picture.

use crate::charts::{COLORS, FONT, pictures};
use crate::drawings::Drawings;
use crate::numbers::digits;
use crate::sketches::{CAT, NIGHT, image, paint, pixels, preset};
use anyhow::Result;
use impasto::method::nearest::matching::nearest;
use impasto::method::strotss::remd;
use impasto::method::style::projection::Directions;
use impasto::method::style::{MomentsLoss, SlicedLoss, WassersteinLoss};
use impasto::method::{Alone, BigArray, GramLoss, Lbfgs, PlainProducts, StyleLoss, StyleLossKind};
use impasto::painting::Settings;
use ndarray::{Array3, ArrayView2, Axis};
use plotters::prelude::*;
use rand::SeedableRng;
use rand_distr::{Distribution, Normal};
use rand_pcg::Pcg64Mcg;
use std::fmt::Write;

/// Draws the figures of the chapter.
///
/// # Errors
/// If a file cannot be read or written.
pub fn draw(out: &mut Drawings) -> Result<()> {
    clouds(out)?;
    small_pictures(out)
}

/// Positions of a layer with two channels, 1×M×2.
type Cloud = Array3<f64>;

const POINTS: usize = 240;
const PANELS: [usize; 4] = [0, 4, 12, 150];

/// What the points are to become: a large round group, a long thin one and a small far one, as no normal distribution is.
fn target() -> Cloud {
    let mut noise = Pcg64Mcg::seed_from_u64(3);
    let mut normal = |mean: f64, deviation: f64| {
        let normal = Normal::new(mean, deviation).expect("a deviation above 0");
        normal.sample(&mut noise)
    };
    Array3::from_shape_vec(
        (1, POINTS, 2),
        (0..POINTS)
            .flat_map(|k| match k % 12 {
                0..6 => [normal(30.0, 4.0), normal(70.0, 4.0)],
                6..10 => {
                    let along = normal(0.0, 14.0);
                    [60.0 + along, 35.0 - 0.5 * along + normal(0.0, 1.2)]
                }
                _ => [normal(88.0, 2.0), normal(86.0, 2.0)],
            })
            .collect(),
    )
    .expect("two numbers for each point")
}

/// Where they begin: one round group.
fn start() -> Cloud {
    let mut noise = Pcg64Mcg::seed_from_u64(5);
    let normal = Normal::new(0.0, 7.0).expect("a deviation above 0");
    let center = [62.0, 62.0];
    Array3::from_shape_fn((1, POINTS, 2), |(_, _, c)| {
        center[c] + normal.sample(&mut noise)
    })
}

/// A loss of points, and its gradient.
type PointLoss = Box<dyn Fn(&Cloud) -> (f64, Cloud)>;

/// The losses, each made for the target.
fn losses(target: &Cloud) -> Vec<(&'static str, PointLoss)> {
    fn of(loss: impl StyleLoss<f64> + 'static) -> PointLoss {
        Box::new(move |x| loss.value_and_gradient(x))
    }
    let (gram, axes) = (
        GramLoss::new(target),
        SlicedLoss::new(target, Directions::Axes),
    );
    let copy = target.clone();
    let relaxed: PointLoss = Box::new(move |x| {
        let products = &PlainProducts;
        let (value, gradient) = remd::value_and_gradient(rows(x), rows(&copy), products);
        (value, gradient.insert_axis(Axis(0)))
    });
    vec![
        ("gram", of(GramLoss::new(target))),
        ("moments", of(MomentsLoss::new(target))),
        ("wasserstein", of(WassersteinLoss::new(target))),
        (
            "sliced",
            of(SlicedLoss::new(target, Directions::random_basis(2))),
        ),
        (
            "histogram",
            Box::new(move |x| {
                let ((a, da), (b, db)) = (gram.value_and_gradient(x), axes.value_and_gradient(x));
                (a + b, da + db)
            }),
        ),
        ("relaxed EMD", relaxed),
    ]
}

fn rows(cloud: &Cloud) -> ArrayView2<'_, f64> {
    cloud.index_axis(Axis(0), 0)
}

/// The points after each number of evaluations in [`PANELS`].
fn moved(loss: &PointLoss) -> Vec<Cloud> {
    let mut x = BigArray::from(start());
    let mut lbfgs = Lbfgs::new(10, 2.0);
    let mut shown = Vec::new();
    for evaluation in 0..=PANELS[3] {
        let at = lbfgs.accepted().unwrap_or(&x).to_array().into_owned();
        if PANELS.contains(&evaluation) {
            shown.push(at);
        }
        let (value, gradient) = loss(&x.to_array());
        lbfgs.step(&mut x, value, &gradient.into(), &Alone);
    }
    shown
}

fn clouds(out: &mut Drawings) -> Result<()> {
    let target = target();
    let losses = losses(&target);
    let found: Vec<(&str, Vec<Cloud>)> =
        (losses.iter().map(|(name, loss)| (*name, moved(loss)))).collect();
    let matched = matched(&target);
    out.plot("points", (940, 1560), |area| {
        let panels = area.split_evenly((found.len() + 1, PANELS.len()));
        for (row, (name, clouds)) in found.iter().enumerate() {
            for (column, cloud) in clouds.iter().enumerate() {
                let caption = match column {
                    0 => format!("{name}: start"),
                    _ => format!("{name}: {} evaluations", PANELS[column]),
                };
                panel(
                    &panels[row * PANELS.len() + column],
                    &caption,
                    &target,
                    cloud,
                )?;
            }
        }
        let last = &panels[found.len() * PANELS.len()..];
        panel(&last[0], "the target alone", &target, &target)?;
        panel(&last[1], "nearest neighbors: targets", &target, &matched)?;
        Ok(())
    })?;
    let names: Vec<_> = losses.iter().map(|(name, _)| *name).collect();
    let mut table = format!("| minimized | {} |\n", names.join(" | "));
    writeln!(table, "|---|{}", "---|".repeat(names.len()))?;
    let initial = start();
    for (name, clouds) in &found {
        write!(table, "| {name} |")?;
        for (_, loss) in &losses {
            let share = loss(&clouds[3]).0.max(0.0) / loss(&initial).0;
            let percent = match 100.0 * share {
                small if small < 0.05 => "0".to_owned(),
                large => digits(large, 2),
            };
            write!(table, " {percent} % |")?;
        }
        writeln!(table)?;
    }
    out.markdown("crossed", &table)
}

/// The point of the target that each point of the start is matched with, by centered cosine distance.
fn matched(target: &Cloud) -> Cloud {
    let start = start();
    let partners = nearest(rows(&start), &[rows(target)], &PlainProducts);
    Array3::from_shape_fn(start.dim(), |(_, k, c)| target[[0, partners[k], c]])
}

fn panel(
    area: &DrawingArea<SVGBackend, plotters::coord::Shift>,
    caption: &str,
    target: &Cloud,
    cloud: &Cloud,
) -> Result<()> {
    let mut chart = ChartBuilder::on(area)
        .margin(6)
        .caption(caption, FONT)
        .build_cartesian_2d(0.0..100.0, 0.0..100.0)?;
    let points = |cloud: &Cloud| -> Vec<(f64, f64)> {
        rows(cloud)
            .rows()
            .into_iter()
            .map(|row| (row[0], row[1]))
            .collect()
    };
    let frame = Rectangle::new(
        [(0.0, 0.0), (100.0, 100.0)],
        RGBColor(170, 170, 170).stroke_width(1),
    );
    chart.draw_series([frame])?;
    let gray = RGBColor(205, 205, 205);
    chart.draw_series(
        points(target)
            .into_iter()
            .map(|at| Circle::new(at, 3, gray.filled())),
    )?;
    let blue = COLORS[0].mix(0.8);
    let inside = |at: &(f64, f64)| (0.0..100.0).contains(&at.0) && (0.0..100.0).contains(&at.1);
    let shown = points(cloud).into_iter().filter(inside);
    chart.draw_series(shown.map(|at| Circle::new(at, 2, blue.filled())))?;
    Ok(())
}

fn small_pictures(out: &mut Drawings) -> Result<()> {
    const EDGE: u32 = 96;
    const ITERATIONS: u32 = 24;
    let mut painted = vec![
        ("photograph".to_owned(), image(&pixels(CAT, EDGE, 64)?)),
        ("painting".to_owned(), image(&pixels(NIGHT, 81, 64)?)),
    ];
    for kind in StyleLossKind::ALL {
        let settings = match kind {
            StyleLossKind::Wasserstein => preset("default", EDGE)?,
            _ => Settings {
                style_loss: *kind,
                ..preset("gram", EDGE)?
            },
        };
        let settings = Settings {
            iterations: ITERATIONS,
            coarsest: EDGE,
            ..settings
        };
        painted.push((kind.name().to_owned(), paint(settings)?.image()));
    }
    for (name, iterations) in [("nnst", 15), ("strotss", 8)] {
        let settings = Settings {
            iterations,
            finer_iterations: iterations,
            split_iterations: 5,
            style_margin: 0.04,
            ..preset(name, EDGE)?
        };
        painted.push((name.to_owned(), paint(settings)?.image()));
    }
    out.number("iterations", ITERATIONS);
    let painted: Vec<_> = painted
        .iter()
        .map(|(name, picture)| (name.as_str(), picture))
        .collect();
    pictures(out, "painted", &painted, 3, 3.0)?;
    Ok(())
}
