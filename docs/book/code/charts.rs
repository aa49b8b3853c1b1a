//! How the figures look: curves on two axes, and pictures with captions.

use crate::drawings::Drawings;
use anyhow::Result;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::{ImageFormat, RgbImage};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use std::fmt::Write;
use std::io::Cursor;
use std::ops::Range;

/// Colors that also those can tell apart who see no red or no green (Okabe and Ito 2008), the darkest first.
pub const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// The font of everything that is written in a figure, with its size in pixels.
pub const FONT: (&str, u32) = ("sans-serif", 15);

/// An axis.
#[derive(Clone)]
pub struct Axis<'a> {
    /// What it shows, with the unit.
    pub label: &'a str,
    /// From where to where.
    pub range: Range<f64>,
    /// Whether equal distances are equal ratios.
    pub log: bool,
}

/// A curve.
pub struct Curve<'a> {
    /// What it is.
    pub name: &'a str,
    /// Its points, from the first to the last.
    pub points: Vec<(f64, f64)>,
    /// Whether its points are marked.
    pub marked: bool,
}

impl<'a> Axis<'a> {
    /// With equal steps.
    pub fn linear(label: &'a str, range: Range<f64>) -> Self {
        let log = false;
        Self { label, range, log }
    }

    /// With equal ratios.
    pub fn log(label: &'a str, range: Range<f64>) -> Self {
        let log = true;
        Self { label, range, log }
    }

    /// What stands at a mark. With equal ratios the marks are too near to each other for all numbers.
    fn number(&self, x: f64) -> String {
        let first = format!("{x:e}").chars().next();
        if self.log && !matches!(first, Some('1' | '2' | '5')) {
            return String::new();
        }
        short(x)
    }
}

impl<'a> Curve<'a> {
    /// A line.
    pub fn line(name: &'a str, points: Vec<(f64, f64)>) -> Self {
        let marked = false;
        Self {
            name,
            points,
            marked,
        }
    }

    /// A line whose points are marked.
    pub fn marked(name: &'a str, points: Vec<(f64, f64)>) -> Self {
        let marked = true;
        Self {
            name,
            points,
            marked,
        }
    }
}

/// Draws curves with their names.
///
/// # Errors
/// If the drawing fails.
pub fn curves(
    area: &DrawingArea<SVGBackend, Shift>,
    x: &Axis,
    y: &Axis,
    curves: &[Curve],
    names: SeriesLabelPosition,
) -> Result<()> {
    let labels = (x, y);
    let (a, b) = (x.range.clone(), y.range.clone());
    match (x.log, y.log) {
        (false, false) => on_axes(area, a, b, labels, curves, names),
        (false, true) => on_axes(area, a, b.log_scale(), labels, curves, names),
        (true, false) => on_axes(area, a.log_scale(), b, labels, curves, names),
        (true, true) => on_axes(area, a.log_scale(), b.log_scale(), labels, curves, names),
    }
}

fn on_axes<X, Y>(
    area: &DrawingArea<SVGBackend, Shift>,
    x: X,
    y: Y,
    labels: (&Axis, &Axis),
    curves: &[Curve],
    names: SeriesLabelPosition,
) -> Result<()>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(x, y)?;
    (chart.configure_mesh())
        .x_desc(labels.0.label)
        .y_desc(labels.1.label)
        .label_style(FONT)
        .axis_desc_style(FONT)
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(225, 225, 225))
        .x_label_formatter(&|x| labels.0.number(*x))
        .y_label_formatter(&|y| labels.1.number(*y))
        .draw()?;
    for (curve, color) in curves.iter().zip(COLORS.iter().cycle()) {
        let points = || curve.points.iter().copied();
        (chart.draw_series(LineSeries::new(points(), color.stroke_width(2)))?)
            .label(curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(3)));
        if curve.marked {
            chart.draw_series(points().map(|at| Circle::new(at, 4, color.filled())))?;
        }
    }
    if curves.iter().any(|curve| !curve.name.is_empty()) {
        (chart.configure_series_labels())
            .position(names)
            .label_font(FONT)
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(200, 200, 200))
            .draw()?;
    }
    Ok(())
}

/// A number in as few characters as say it.
pub fn short(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e5).contains(&size) {
        let text = format!("{x:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{x:.0e}")
    }
}

/// A picture as an element of an SVG.
///
/// # Errors
/// If it cannot be encoded.
pub fn embedded(
    picture: &RgbImage,
    (x, y): (u32, u32),
    (width, height): (u32, u32),
) -> Result<String> {
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png)?;
    let png = BASE64_STANDARD.encode(png.into_inner());
    Ok(format!(
        "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" href=\"data:image/png;base64,{png}\"/>\n"
    ))
}

/// An SVG of this size, on white, with these elements.
pub fn svg((width, height): (u32, u32), elements: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"{}\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n{elements}</svg>\n",
        FONT.1
    )
}

/// A line of text in an SVG, in the middle of which is this point.
pub fn text((x, y): (f64, f64), text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{text}</text>\n")
}

/// Writes pictures side by side, `columns` in a row, `zoom` times as large as they are, each with a caption below it.
///
/// # Errors
/// If the file cannot be written.
pub fn pictures(
    out: &Drawings,
    name: &str,
    pictures: &[(&str, &RgbImage)],
    columns: usize,
    zoom: f64,
) -> Result<()> {
    const GAP: u32 = 10;
    const CAPTION: u32 = 28;
    let scaled = |edge: u32| (f64::from(edge) * zoom).round() as u32;
    let width = (pictures.iter()).map(|(_, picture)| scaled(picture.width()));
    let height = (pictures.iter()).map(|(_, picture)| scaled(picture.height()));
    let (width, height) = (width.max().unwrap_or(0), height.max().unwrap_or(0));
    let mut elements = String::new();
    for (at, (caption, picture)) in pictures.iter().enumerate() {
        let (row, column) = ((at / columns) as u32, (at % columns) as u32);
        let (x, y) = (
            GAP + column * (width + GAP),
            GAP + row * (height + CAPTION + GAP),
        );
        let size = (scaled(picture.width()), scaled(picture.height()));
        elements += &embedded(picture, (x, y), size)?;
        let below = (f64::from(x + size.0 / 2), f64::from(y + size.1 + 20));
        write!(elements, "{}", text(below, caption))?;
    }
    let rows = pictures.len().div_ceil(columns) as u32;
    let columns = columns.min(pictures.len()) as u32;
    let size = (
        GAP + columns * (width + GAP),
        GAP + rows * (height + CAPTION + GAP),
    );
    out.svg(name, &svg(size, &elements))
}
