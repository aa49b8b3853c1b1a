//! Tells whether an answer is right and, if not, which element is wrong, by how much and, where it can be seen, why.
//!
//! Each check takes the functions to be checked as arguments: those of the learner in `learn.rs`, wrong ones in `mistakes.rs`.

pub mod iteration;
pub mod losses;
pub mod operations;
pub mod optimizers;
pub mod winograd;

use impasto::method::finite_difference::{STEP, central_differences, compare};
use ndarray::{Array2, Array3, Axis};

/// What is wrong, if something is.
pub type Verdict = Result<(), String>;

/// The largest relative error, compared with finite differences.
const BOUND: f64 = 1e-6;

/// The same, compared with results that differ by rounding only.
const ROUNDING: f64 = 1e-9;

/// A way to compare an answer.
pub struct Comparison<'a> {
    /// What the answer is called.
    pub what: &'a str,
    /// How many indices its elements have. Those before are 0, and are not shown.
    pub axes: usize,
    /// The operands, in words.
    pub case: String,
    /// Typical wrong answers, and what to say about them.
    pub suspects: Vec<(&'a str, Array3<f64>)>,
}

impl<'a> Comparison<'a> {
    /// Of an array.
    pub fn of(what: &'a str, case: impl Into<String>) -> Self {
        Self {
            what,
            axes: 3,
            case: case.into(),
            suspects: Vec::new(),
        }
    }

    /// The same for elements with fewer indices.
    pub fn with_axes(self, axes: usize) -> Self {
        Self { axes, ..self }
    }

    /// Adds a typical wrong answer. One that is right here, or has another shape, tells nothing.
    pub fn suspect(mut self, hint: &'a str, wrong: Array3<f64>) -> Self {
        self.suspects.push((hint, wrong));
        self
    }

    /// Whether `found` is the gradient of `loss` at `x`.
    pub fn is_gradient(
        &self,
        found: &Array3<f64>,
        x: &Array3<f64>,
        loss: impl Fn(&Array3<f64>) -> f64,
    ) -> Verdict {
        self.has_shape(found, x.dim())?;
        let measured = central_differences(x, STEP, loss);
        self.compare(found, &measured, BOUND, "finite differences give")
    }

    /// Whether `found` is what the method of impasto returns.
    pub fn is(&self, found: &Array3<f64>, expected: &Array3<f64>) -> Verdict {
        self.has_shape(found, expected.dim())?;
        self.compare(found, expected, ROUNDING, "it should be")
    }

    fn has_shape(&self, found: &Array3<f64>, shape: (usize, usize, usize)) -> Verdict {
        if found.dim() == shape {
            return Ok(());
        }
        let shape = [shape.0, shape.1, shape.2];
        let mut suspects = self.suspects.iter();
        let hint = suspects.find(|(_, wrong)| is_same(found, wrong));
        Err(format!(
            "{} has the shape {:?}, and should have {:?} ({}){}",
            self.what,
            &found.shape()[3 - self.axes..],
            &shape[3 - self.axes..],
            self.case,
            hint.map_or(String::new(), |(hint, _)| format!(": {hint}"))
        ))
    }

    fn compare(
        &self,
        found: &Array3<f64>,
        expected: &Array3<f64>,
        bound: f64,
        by: &str,
    ) -> Verdict {
        let worst = compare(found, expected);
        if worst.error <= bound {
            return Ok(());
        }
        let hint = self.hint(found, expected, bound);
        Err(format!(
            "{}{:?} is {}, {by} {} ({}){}",
            self.what,
            &worst.at[3 - self.axes..],
            number(worst.claimed),
            number(worst.measured),
            self.case,
            hint.map_or(String::new(), |hint| format!(": {hint}"))
        ))
    }

    /// Why it is wrong, if that can be seen.
    fn hint(&self, found: &Array3<f64>, expected: &Array3<f64>, bound: f64) -> Option<String> {
        let is =
            |wrong: &Array3<f64>| is_same(found, wrong) && compare(expected, wrong).error > bound;
        if let Some((hint, _)) = self.suspects.iter().find(|(_, wrong)| is(wrong)) {
            return Some((*hint).to_owned());
        }
        if found.iter().all(|&found| found == 0.0) {
            return Some("all elements are 0".to_owned());
        }
        // Found = factor · expected, by the largest element.
        let largest = expected
            .iter()
            .zip(found)
            .max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()))?;
        let factor = largest.1 / largest.0;
        let proportional =
            expected.len() > 1 && compare(found, &(expected * factor)).error <= 10.0 * bound;
        proportional.then(|| of_factor(factor))
    }
}

/// Whether the answer is this wrong one.
fn is_same(found: &Array3<f64>, wrong: &Array3<f64>) -> bool {
    found.dim() == wrong.dim() && compare(found, wrong).error <= ROUNDING
}

/// What to say where every element is this many times as large as it should be.
fn of_factor(factor: f64) -> String {
    let near = |value: f64| (factor / value - 1.0).abs() < 1e-4;
    if near(-1.0) {
        "every element has the wrong sign".to_owned()
    } else if near(0.5) {
        "every element is half of what it should be: is a factor of 2 missing?".to_owned()
    } else if near(2.0) {
        "every element is twice what it should be: is there a factor of 2 too many?".to_owned()
    } else {
        let factor = number(factor);
        format!(
            "every element is {factor} times what it should be: is there a factor missing, or one too many?"
        )
    }
}

/// A number with four digits.
pub fn number(value: f64) -> String {
    if value == 0.0 || (1e-3..1e4).contains(&value.abs()) {
        let rounded = format!("{value:.4}");
        let shown = rounded.trim_end_matches('0').trim_end_matches('.');
        return shown.to_owned();
    }
    format!("{value:.3e}")
}

/// Whether a loss is what it should be.
pub fn is_value(found: f64, expected: f64, case: &str) -> Verdict {
    let [found, expected] = [found, expected].map(|value| Array3::from_elem((1, 1, 1), value));
    let worst = compare(&found, &expected);
    if worst.error <= ROUNDING {
        return Ok(());
    }
    let ratio = worst.claimed / worst.measured;
    let hint = match ratio {
        ratio if (ratio - 0.5).abs() < 1e-6 => ": is a factor of 2 missing?",
        ratio if (ratio - 2.0).abs() < 1e-6 => ": is there a factor of 2 too many?",
        _ => "",
    };
    Err(format!(
        "the loss is {}, it should be {} ({case}){hint}",
        number(worst.claimed),
        number(worst.measured)
    ))
}

/// A matrix as an array of one row of positions.
pub fn as_array(matrix: Array2<f64>) -> Array3<f64> {
    matrix.insert_axis(Axis(0))
}

/// A list of numbers as an array of one position.
pub fn as_position(numbers: &[f64]) -> Array3<f64> {
    Array3::from_shape_vec((1, 1, numbers.len()), numbers.to_vec()).unwrap()
}
