//! Style against content, for each method over its content weight: a curve nearer to the lower left corner is better at every balance.

use super::Result;
use super::methods::Method;
use super::painting::Painted;
use super::pairs::{self, Pair};
use plotters::prelude::*;
use std::path::Path;

/// What the content weight of a method is multiplied with.
pub const FACTORS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

/// The pairs that have curves if nothing else is asked for, if there are so many: an animal, a castle and a landscape.
const USUAL: [usize; 3] = [0, 3, 5];

const COLORS: [RGBColor; 7] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 39, 40),
    RGBColor(44, 160, 44),
    RGBColor(255, 127, 14),
    RGBColor(148, 103, 189),
    RGBColor(140, 86, 75),
    RGBColor(127, 127, 127),
];

/// The pairs of these names; `none` has none.
pub fn pairs(all: &[Pair], names: Option<&str>) -> Result<Vec<Pair>> {
    match names {
        Some("none") => Ok(Vec::new()),
        Some(names) => pairs::chosen(all, names),
        None => Ok(USUAL
            .iter()
            .filter_map(|&number| all.get(number).cloned())
            .collect()),
    }
}

/// Draws a diagram for each pair into one SVG.
pub fn draw(painted: &[Painted], pairs: &[Pair], methods: &[Method], path: &Path) -> Result<()> {
    let width = 460 * pairs.len() as u32;
    let area = SVGBackend::new(path, (width, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    for (pair, part) in pairs.iter().zip(area.split_evenly((1, pairs.len()))) {
        let curves: Vec<_> = (methods.iter())
            .map(|method| (method.name.as_str(), curve(painted, pair, method)))
            .collect();
        let all: Vec<_> = curves
            .iter()
            .flat_map(|(_, points)| points)
            .copied()
            .collect();
        let (x, y) = (
            range(all.iter().map(|p| p.0)),
            range(all.iter().map(|p| p.1)),
        );
        let mut chart = ChartBuilder::on(&part)
            .caption(&pair.name, ("sans-serif", 18))
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(50)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .x_desc("content: difference of self-similarities")
            .y_desc("style: Gaussian score")
            .light_line_style(WHITE)
            .draw()?;
        for ((name, points), color) in curves.into_iter().zip(COLORS.iter().cycle()) {
            let line = LineSeries::new(points.iter().copied(), color.stroke_width(2));
            (chart.draw_series(line)?.label(name))
                .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
            // The larger the content weight, the larger the circle.
            let circles = (3..)
                .zip(&points)
                .map(|(radius, &at)| Circle::new(at, radius, color.filled()));
            chart.draw_series(circles)?;
        }
        (chart.configure_series_labels())
            .background_style(WHITE.mix(0.8))
            .border_style(RGBColor(200, 200, 200))
            .position(SeriesLabelPosition::UpperRight)
            .draw()?;
    }
    Ok(area.present()?)
}

/// The points of a method, in the order of the content weights: content, style.
fn curve(painted: &[Painted], pair: &Pair, method: &Method) -> Vec<(f64, f64)> {
    let points = FACTORS.iter().filter_map(|&factor| {
        let of =
            |p: &&Painted| p.pair == pair.name && p.method == method.name && p.factor == factor;
        let metrics = painted.iter().find(of)?.metrics.as_ref()?;
        Some((metrics.self_similarity, metrics.style_gaussian()))
    });
    points.collect()
}

/// From the least to the greatest number, and a twelfth more on each side.
fn range(numbers: impl Iterator<Item = f64>) -> std::ops::Range<f64> {
    let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    let margin = ((high - low) / 12.0).max(1e-3);
    low - margin..high + margin
}
