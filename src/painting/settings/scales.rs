//! Coarse to fine: the sizes at which a picture is painted, one after the other, and the iterations at each.
//!
//! The time of an iteration grows with the number of pixels, so that large structures are cheap to get right while the picture is
//! small. Each size begins with the enlarged result of the one before (Gatys, Bethge, Hertzmann and Shechtman 2016, section 4).

use super::Settings;
use super::invalid::InvalidValue;
use crate::files::picture::Size;
use std::fmt;
use std::str::FromStr;

/// The largest number of sizes, a factor of 2⁷ between the first edge and the last; and the most edges in a list.
const MAX_SCALES: usize = 15;

/// The sizes to paint at, written `auto`, `4` or `128,256,512`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scales {
    /// Beginning with a long edge of about [`coarsest`](Settings::coarsest) pixels.
    Auto,
    /// This number of sizes.
    Count(usize),
    /// These long edges, and then the picture's own.
    LongEdges(Vec<u32>),
}

/// One size of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::painting) struct Scale {
    pub size: Size,
    /// Its long edge as a share of the last one's.
    pub share: f64,
    pub iterations: usize,
}

impl Scales {
    /// The sizes up to `finest`, all multiples of `grid` as `finest` is, and the iterations at each: those of the settings, or shared out,
    /// the smaller the size, the more.
    pub(in crate::painting) fn plan(
        &self,
        finest: Size,
        grid: u32,
        settings: &Settings,
    ) -> Vec<Scale> {
        let (step, coarsest) = (settings.scale_step, f64::from(settings.coarsest));
        let long = f64::from(finest.width.max(finest.height));
        // This number of shares, each `step` times the one before, the last 1.
        let shrinking = |count: usize| -> Vec<f64> {
            let steps = (0..count.min(MAX_SCALES)).rev();
            steps.map(|steps| step.powi(-(steps as i32))).collect()
        };
        let shares: Vec<f64> = match self {
            Self::Auto => {
                shrinking(((long / coarsest).ln() / step.ln()).round().max(0.0) as usize + 1)
            }
            Self::Count(count) => shrinking(*count),
            Self::LongEdges(edges) => {
                let shares = edges.iter().map(|&edge| f64::from(edge) / long);
                shares.filter(|&share| share < 1.0).chain([1.0]).collect()
            }
        };
        // ANCHOR: share_out
        // Each size gets one iteration; if there are too few, only the finest do. Of the rest, each gets √2 times as many as the
        // size with twice its pixels.
        let iterations = settings.iterations as usize;
        let shares = &shares[shares.len().saturating_sub(iterations)..];
        let whole: f64 = shares.iter().map(|share| 1.0 / share).sum();
        let rest = iterations - shares.len();
        let (mut given, mut asked) = (0, 0.0);
        let scale = |&share: &f64| {
            asked += rest as f64 / share / whole;
            let more = asked.round() as usize - given;
            given += more;
            // ANCHOR_END: share_out
            let edge = |edge: u32| {
                let steps = (f64::from(edge) * share / f64::from(grid)).round() as u32;
                steps.max(1) * grid
            };
            let size = Size {
                width: edge(finest.width),
                height: edge(finest.height),
            };
            Scale {
                size,
                share,
                iterations: 1 + more,
            }
        };
        let mut scales: Vec<_> = shares.iter().map(scale).collect();
        if settings.finer_iterations > 0 {
            let finer = settings.finer_iterations as usize;
            let given = [iterations].into_iter().chain(std::iter::repeat(finer));
            let pairs = scales.iter_mut().zip(given);
            pairs.for_each(|(scale, given)| scale.iterations = given);
        }
        scales
    }
}

impl FromStr for Scales {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        if let Ok(count @ 1..=MAX_SCALES) = text.parse() {
            return Ok(Self::Count(count));
        }
        let edges = text.split(',').map(|edge| edge.trim().parse().ok());
        match edges.collect::<Option<Vec<u32>>>() {
            Some(edges)
                if edges.len() <= MAX_SCALES
                    && edges[0] > 0
                    && edges.is_sorted_by(|a, b| a < b) =>
            {
                Ok(Self::LongEdges(edges))
            }
            _ => Err(InvalidValue(format!(
                "write auto, a number of sizes from 1 to {MAX_SCALES}, or long edges in pixels, each longer than the one before: 128,256"
            ))),
        }
    }
}

impl fmt::Display for Scales {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Count(count) => write!(f, "{count}"),
            Self::LongEdges(edges) => {
                let edges: Vec<_> = edges.iter().map(u32::to_string).collect();
                f.write_str(&edges.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings with this number of iterations.
    fn of(iterations: u32) -> Settings {
        Settings {
            iterations,
            ..Settings::default()
        }
    }

    const FINEST: Size = Size {
        width: 512,
        height: 340,
    };

    #[test]
    fn sizes_double_their_pixels_and_share_the_iterations_out() {
        let plan = Scales::Auto.plan(FINEST, 1, &of(300));
        let widths: Vec<_> = plan.iter().map(|scale| scale.size.width).collect();
        assert_eq!(widths, [128, 181, 256, 362, 512]);
        assert_eq!(
            plan.iter().map(|scale| scale.iterations).sum::<usize>(),
            300
        );
        assert!(plan.is_sorted_by(|a, b| a.iterations > b.iterations));
        assert_eq!(plan.last().unwrap().size, FINEST);
        let one = Scales::Count(1).plan(FINEST, 1, &of(300));
        assert_eq!(
            one,
            [Scale {
                size: FINEST,
                share: 1.0,
                iterations: 300
            }]
        );
    }

    #[test]
    fn sizes_beyond_the_finest_are_left_out_and_the_finest_never_is() {
        let edges = Scales::LongEdges(vec![100, 512, 1000]);
        let widths: Vec<_> = edges
            .plan(FINEST, 1, &of(9))
            .iter()
            .map(|scale| scale.size.width)
            .collect();
        assert_eq!(widths, [100, 512]);
        for iterations in [1, 2, 20] {
            let plan = Scales::Count(15).plan(FINEST, 1, &of(iterations));
            assert_eq!(
                plan.iter().map(|scale| scale.iterations).sum::<usize>(),
                iterations as usize
            );
            assert_eq!(plan.last().unwrap().size, FINEST);
        }
        let small = Size {
            width: 60,
            height: 40,
        };
        assert_eq!(Scales::Auto.plan(small, 1, &of(5)).len(), 1);
    }

    #[test]
    fn iterations_may_be_given_for_the_first_size_and_the_others() {
        let settings = Settings {
            finer_iterations: 250,
            coarsest: 64,
            scale_step: 2.0,
            ..of(900)
        };
        let plan = Scales::Auto.plan(FINEST, 1, &settings);
        let stages: Vec<_> = plan.iter().map(|s| (s.size.width, s.iterations)).collect();
        assert_eq!(stages, [(64, 900), (128, 250), (256, 250), (512, 250)]);
    }

    #[test]
    fn sizes_keep_to_a_grid() {
        let finest = Size {
            width: 512,
            height: 336,
        };
        let plan = Scales::Auto.plan(finest, 16, &of(50));
        let sizes: Vec<_> = plan.iter().map(|scale| scale.size.to_string()).collect();
        assert_eq!(
            sizes,
            ["128x80", "176x112", "256x160", "368x240", "512x336"]
        );
    }

    #[test]
    fn scales_are_written_as_people_write_them() {
        for text in ["auto", "1", "15", "16", "128,256,512", "64,65"] {
            assert_eq!(text.parse::<Scales>().unwrap().to_string(), text);
        }
        for text in ["", "0", "256,128", "0,5", "5,5", "a", "-1", "1.5"] {
            assert!(text.parse::<Scales>().is_err(), "{text}");
        }
    }
}
