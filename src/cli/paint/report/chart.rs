//! The losses of a run as curves (SVG), and in words and numbers for those who do not see them.

use super::curve::{Curve, Point, Span};
use super::numbers::{number, power_of_ten};
use crate::objective::Losses;
use maud::{Markup, html};
use std::fmt::Write;

/// A curve: its name, its class in the style sheet, and its values.
pub struct Series {
    pub name: &'static str,
    class: &'static str,
    pub value: fn(&Losses) -> f64,
}

/// All curves. The last is drawn above the others.
pub const SERIES: [Series; 4] = [
    Series {
        name: "content",
        class: "content",
        value: |losses| losses.content,
    },
    Series {
        name: "style",
        class: "style",
        value: |losses| losses.style,
    },
    Series {
        name: "smoothness",
        class: "smoothness",
        value: |losses| losses.tv,
    },
    Series {
        name: "total",
        class: "total",
        value: Losses::total,
    },
];

/// The size of the drawing, and its margins, in units of SVG.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 46.0;

/// Below the largest loss by more than this factor nothing is drawn: where a run begins as the photograph, the content loss is nearly 0.
const RANGE: f64 = 1e8;

/// The width of a letter, about.
const LETTER: f64 = 8.5;

/// The curves, and what they are called.
pub fn chart(curve: &Curve) -> Markup {
    let Some(axes) = Axes::new(curve) else {
        return html! { p { "There is no loss that could be drawn." } };
    };
    html! {
        ul.legend {
            @for series in SERIES.iter().rev().filter(|series| axes.shows(curve, series)) {
                li {
                    svg class="key" viewBox="0 0 28 10" aria-hidden="true" { path class=(series.class) d="M2 5H26" {} }
                    (series.name)
                }
            }
        }
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(in_words(curve)) {
            (axes.grid(curve.spans()))
            @for series in &SERIES {
                path class=(series.class) d=(axes.path(curve, series)) {}
            }
        }
    }
}

/// What the curves show, in a sentence.
fn in_words(curve: &Curve) -> String {
    let Some((first, last)) = curve.ends() else {
        return String::new();
    };
    let mut text = format!(
        "Losses on a logarithmic axis over iterations {} to {}. ",
        first.iteration, last.iteration
    );
    for series in SERIES.iter().rev() {
        let [from, to] = [first, last].map(|point| number((series.value)(&point.losses)));
        let _ = write!(text, "{}: from {from} to {to}. ", series.name);
    }
    for span in curve.spans().iter().skip(1) {
        let _ = write!(text, "Size {} from iteration {}. ", span.size, span.first);
    }
    text.trim_end().to_owned()
}

/// From iterations and losses to places in the drawing.
struct Axes {
    /// The first and the last iteration.
    iterations: (f64, f64),
    /// The logarithms of the smallest and the largest loss.
    logarithms: (f64, f64),
}

impl Axes {
    /// Axes on which a curve fits; `None` if it has no value that can be drawn.
    fn new(curve: &Curve) -> Option<Self> {
        let (first, last) = curve.ends()?;
        let values = || {
            let points = curve.points();
            let values =
                points.flat_map(|point| SERIES.map(|series| (series.value)(&point.losses)));
            values.filter(|&value| is_drawn(value))
        };
        let largest = values().max_by(f64::total_cmp)?;
        let smallest = values().min_by(f64::total_cmp)?.max(largest / RANGE);
        let levels =
            |exponent: f64| [1.0, 2.0, 5.0, 10.0].map(|digit| digit * 10f64.powf(exponent));
        let (low, high) = (smallest.log10().floor(), largest.log10().floor());
        let below = levels(low).into_iter().rfind(|level| *level <= smallest);
        let above = levels(high).into_iter().find(|level| *level >= largest);
        let (low, high) = (
            below.unwrap_or(smallest).log10(),
            above.unwrap_or(largest).log10(),
        );
        Some(Self {
            iterations: (first.iteration as f64, last.iteration as f64),
            logarithms: (low, if high > low { high } else { low + 1.0 }),
        })
    }

    /// Whether a curve has a value other than 0.
    fn shows(&self, curve: &Curve, series: &Series) -> bool {
        !self.path(curve, series).is_empty()
    }

    fn x(&self, iteration: f64) -> f64 {
        let (first, last) = self.iterations;
        LEFT + (iteration - first) / (last - first).max(1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let (low, high) = self.logarithms;
        let share = (value.log10() - low) / (high - low);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }

    /// Lines and labels, and where the size changes.
    fn grid(&self, spans: &[Span]) -> Markup {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        html! {
            @for (value, label) in self.losses() {
                @let y = unit(self.y(value));
                path.grid d={ "M" (LEFT) " " (y) "H" (right) } {}
                text x=(LEFT - 8.0) y=(y) dy="0.35em" text-anchor="end" { (label) }
            }
            path.axis d={ "M" (LEFT) " " (bottom) "H" (right) } {}
            @for iteration in self.numbered() {
                @let x = unit(self.x(iteration));
                path.axis d={ "M" (x) " " (bottom) "v5" } {}
                text x=(x) y=(bottom) dy="1.5em" text-anchor="middle" { (iteration) }
            }
            text.name x=(right) y=(HEIGHT) dy="-0.2em" text-anchor="end" { "iteration" }
            @for (at, span) in spans.iter().enumerate() {
                @let begin = self.x(span.first as f64);
                @let end = spans.get(at + 1).map_or(right, |next| self.x(next.first as f64));
                @let label = span.size.to_string();
                @if at > 0 {
                    path.change d={ "M" (unit(begin)) " " (TOP - 20.0) "V" (bottom) } {}
                }
                @if end - begin > LETTER * label.len() as f64 {
                    text.size x=(unit((begin + end) / 2.0)) y=(TOP - 12.0) text-anchor="middle" { (label) }
                }
            }
        }
    }

    /// Losses that have a line, with their labels: powers of ten, or over a short range also 2 and 5 times these.
    fn losses(&self) -> Vec<(f64, String)> {
        let (low, high) = self.logarithms;
        let digits: &[u32] = if high - low > 2.5 { &[1] } else { &[1, 2, 5] };
        let step = ((high - low) / 6.0).ceil().max(1.0) as i32;
        let mut lines = Vec::new();
        for exponent in low.floor() as i32..=high.ceil() as i32 {
            for &digit in digits {
                let value = f64::from(digit) * 10f64.powi(exponent);
                let inside = (low - 1e-9..=high + 1e-9).contains(&value.log10());
                if inside && exponent.rem_euclid(step) == 0 {
                    let label = match (exponent, digit) {
                        (-2..=3, _) => value_label(value),
                        (_, 1) => power_of_ten(exponent),
                        _ => format!("{digit}·{}", power_of_ten(exponent)),
                    };
                    lines.push((value, label));
                }
            }
        }
        lines
    }

    /// Iterations that have a number: at most 8, at round numbers.
    fn numbered(&self) -> Vec<f64> {
        let (first, last) = self.iterations;
        let steps = (0..).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
        let mut steps = steps.skip_while(|step| (last - first) / step > 7.0);
        let step = steps.next().expect("some step is large enough");
        let begin = (first / step).ceil() as u64;
        let numbers = (begin..).map(|number| number as f64 * step);
        numbers.take_while(|number| *number <= last).collect()
    }

    /// The path of a curve, which begins anew where the size changes or a value cannot be drawn.
    fn path(&self, curve: &Curve, series: &Series) -> String {
        let value = |point: &Point| {
            let value = (series.value)(&point.losses);
            Some(value).filter(|&value| is_drawn(value) && value.log10() >= self.logarithms.0)
        };
        let span = |point: &Point| {
            let spans = curve.spans();
            spans.partition_point(|span| span.first <= point.iteration)
        };
        let (mut path, mut before) = (String::new(), None);
        for point in curve.points() {
            let Some(value) = value(&point) else {
                before = None;
                continue;
            };
            let (x, y) = (unit(self.x(point.iteration as f64)), unit(self.y(value)));
            let span = span(&point);
            let _ = match before == Some(span) {
                true => write!(path, "L{x} {y}"),
                // A point by itself is a dot.
                false => write!(path, "M{x} {y}h0"),
            };
            before = Some(span);
        }
        path
    }
}

/// Whether a logarithm shows it.
fn is_drawn(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

/// `0.05`, `200`
fn value_label(value: f64) -> String {
    format!("{}", (value * 1e6).round() / 1e6)
}

/// A place in the drawing, to a tenth.
fn unit(place: f64) -> String {
    format!("{place:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::picture::Size;
    use std::time::Duration;

    fn curve(totals: &[f64]) -> Curve {
        let mut curve = Curve::new(100, Duration::ZERO);
        for (iteration, &style) in (1..).zip(totals) {
            let losses = Losses {
                style,
                ..Losses::default()
            };
            let edge = if iteration < 3 { 32 } else { 64 };
            let size = Size {
                width: edge,
                height: edge,
            };
            curve.add(Point { iteration, losses }, size, Duration::ZERO);
        }
        curve
    }

    #[test]
    fn a_curve_begins_anew_at_each_size_and_after_what_cannot_be_drawn() {
        let moves = |totals: &[f64]| {
            let curve = curve(totals);
            let axes = Axes::new(&curve).unwrap();
            let path = axes.path(&curve, &SERIES[1]);
            assert!(!path.contains("NaN") && !path.contains("inf"), "{path}");
            (path.matches('M').count(), path.matches('L').count())
        };
        assert_eq!(moves(&[3.0, 2.0]), (1, 1));
        assert_eq!(moves(&[3.0, 2.0, 2.0, 1.0]), (2, 2));
        assert_eq!(moves(&[3.0, 2.0, 2.0, f64::NAN, 1.0]), (3, 1));
        assert_eq!(moves(&[0.0, 2.0, 2.0, 2.0]), (2, 1));
        assert_eq!(moves(&[7.0]), (1, 0));
    }

    #[test]
    fn axes_have_round_numbers() {
        let labels = |totals: &[f64]| {
            let axes = Axes::new(&curve(totals)).unwrap();
            let labels = axes.losses().into_iter().map(|(_, label)| label);
            labels.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(&[300.0, 30.0]), "20 50 100 200 500");
        assert_eq!(labels(&[1e6, 3e3]), "10⁴ 10⁵ 10⁶");
        assert_eq!(labels(&[6e4, 3e3]), "2000 5000 10⁴ 2·10⁴ 5·10⁴ 10⁵");
        assert_eq!(labels(&[1.0, 1e-5]), "10⁻⁵ 10⁻⁴ 10⁻³ 0.01 0.1 1");
        assert_eq!(labels(&[5.0]), "5 10 20 50");
        let numbered = |last| {
            Axes {
                iterations: (1.0, last),
                logarithms: (0.0, 1.0),
            }
            .numbered()
        };
        assert_eq!(numbered(1.0), [1.0]);
        assert_eq!(numbered(320.0), [50.0, 100.0, 150.0, 200.0, 250.0, 300.0]);
        assert!(numbered(1e9).len() <= 8);
    }

    #[test]
    fn losses_that_cannot_be_drawn_are_said_to_be() {
        let text = chart(&curve(&[f64::NAN, 0.0])).into_string();
        assert!(text.contains("no loss that could be drawn"), "{text}");
    }
}
