//! The losses of a run and its times at each size, in little memory however long it lasts.

use crate::files::picture::Size;
use crate::objective::Losses;
use std::time::Duration;

/// The losses of an iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub iteration: usize,
    pub losses: Losses,
}

/// The iterations at one size.
#[derive(Debug, PartialEq)]
pub struct Span {
    pub size: Size,
    /// The number of the first one.
    pub first: usize,
    pub iterations: usize,
    /// How long they took, with what came before the first one.
    pub time: Duration,
}

/// The losses of a run.
pub struct Curve {
    /// The most points that are kept.
    most: usize,
    /// Every how manyth iteration is kept.
    step: usize,
    count: usize,
    points: Vec<Point>,
    last: Option<Point>,
    spans: Vec<Span>,
    /// The time of all iterations so far.
    elapsed: Duration,
}

impl Curve {
    /// A curve of at most this many points, of a run that has lasted for `elapsed` already.
    pub fn new(most: usize, elapsed: Duration) -> Self {
        Self {
            most,
            step: 1,
            count: 0,
            points: Vec::new(),
            last: None,
            spans: Vec::new(),
            elapsed,
        }
    }

    /// Adds an iteration, which ended after `elapsed` of the run. If there are too many points, every second one is dropped.
    pub fn add(&mut self, point: Point, size: Size, elapsed: Duration) {
        if self.count.is_multiple_of(self.step) {
            self.points.push(point);
        }
        self.count += 1;
        self.last = Some(point);
        if self.points.len() > self.most {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.step *= 2;
        }
        let time = elapsed.saturating_sub(self.elapsed);
        self.elapsed = elapsed;
        match self.spans.last_mut() {
            Some(span) if span.size == size => {
                span.iterations += 1;
                span.time += time;
            }
            _ => self.spans.push(Span {
                size,
                first: point.iteration,
                iterations: 1,
                time,
            }),
        }
    }

    /// The points that are kept: the first, the last, and those between at equal distances.
    pub fn points(&self) -> impl Iterator<Item = Point> {
        let last = self.last.filter(|last| self.points.last() != Some(last));
        self.points.iter().copied().chain(last)
    }

    /// The first and the last point.
    pub fn ends(&self) -> Option<(Point, Point)> {
        Some((*self.points.first()?, self.last?))
    }

    /// Every how manyth iteration is kept.
    pub fn step(&self) -> usize {
        self.step
    }

    /// The sizes, in their order.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The time of all iterations, also of those before the run was resumed.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(most: usize, iterations: usize) -> Curve {
        let mut curve = Curve::new(most, Duration::ZERO);
        for iteration in 1..=iterations {
            let losses = Losses::default();
            let edge = if iteration <= 7 { 32 } else { 64 };
            let size = Size {
                width: edge,
                height: edge,
            };
            let elapsed = Duration::from_secs(iteration as u64);
            curve.add(Point { iteration, losses }, size, elapsed);
        }
        curve
    }

    #[test]
    fn a_long_curve_keeps_its_ends_and_equal_distances_between() {
        let kept = |most, iterations| -> Vec<_> {
            let curve = curve(most, iterations);
            curve.points().map(|point| point.iteration).collect()
        };
        assert_eq!(kept(5, 5), [1, 2, 3, 4, 5]);
        assert_eq!(kept(5, 6), [1, 3, 5, 6]);
        assert_eq!(kept(5, 20), [1, 5, 9, 13, 17, 20]);
        assert!(kept(100, 1_000_000).len() <= 102);
    }

    #[test]
    fn each_size_has_its_iterations_and_time() {
        let curve = curve(3, 10);
        let spans: Vec<_> = (curve.spans().iter())
            .map(|span| {
                (
                    span.size.width,
                    span.first,
                    span.iterations,
                    span.time.as_secs(),
                )
            })
            .collect();
        assert_eq!(spans, [(32, 1, 7, 7), (64, 8, 3, 3)]);
        assert_eq!(curve.elapsed(), Duration::from_secs(10));
    }
}
