//! A whole iteration.

use super::{Comparison, Verdict, is_value};
use exercises::Problem;
use impasto::gradients::operands::random;
use impasto::method::pool::Pooling::Average;
use impasto::method::{
    Adam, BigArray, ContentLoss, GramLoss, Loss, Padding, StyleLoss, conv, gram, pool, relu,
};
use ndarray::Array3;

const SIZE: (usize, usize) = (5, 6);

/// A problem, and the painting's activations after the first ReLU.
pub struct Posed {
    pub problem: Problem,
    painting: Array3<f64>,
}

/// A small problem: 3 to 4 to 5 channels.
pub fn posed() -> Posed {
    let first = (random((3, 3, 3, 4), 50), random(4, 55));
    let second = (random((3, 3, 4, 5), 51), random(5, 56));
    let painting = forward(&first, &random((SIZE.0, SIZE.1, 3), 52));
    let photograph = forward(&first, &random((SIZE.0, SIZE.1, 3), 53));
    let content = forward(&second, &pool::forward(Average, &photograph));
    let problem = Problem {
        style: gram::forward(&painting),
        content,
        first,
        second,
        style_weight: 0.5,
    };
    Posed { problem, painting }
}

fn forward((kernel, bias): &exercises::Layer, x: &Array3<f64>) -> Array3<f64> {
    relu::forward(conv::forward(x, kernel, bias, Padding::Zero))
}

/// Which parts of the gradient there are, to compute it wrongly.
#[derive(Clone, Copy)]
struct Parts {
    content: f64,
    style: f64,
    gates: [bool; 2],
}

const ALL: Parts = Parts {
    content: 1.0,
    style: 1.0,
    gates: [true; 2],
};

impl Posed {
    fn evaluate(&self, x: &Array3<f64>, parts: Parts) -> (f64, Array3<f64>) {
        let problem = &self.problem;
        let first = forward(&problem.first, x);
        let pooled = pool::forward(Average, &first);
        let second = forward(&problem.second, &pooled);
        let (content, d_second) =
            ContentLoss::new(problem.content.clone()).value_and_gradient(&second);
        let (style, d_style) = GramLoss::new(&self.painting).value_and_gradient(&first);
        let gate = |layer: usize, y: &Array3<f64>, dy: &Array3<f64>| match parts.gates[layer] {
            true => relu::backward(y, dy),
            false => dy.clone(),
        };
        let d_second = gate(1, &second, &(d_second * parts.content));
        let d_pooled = conv::backward(&d_second, &problem.second.0, Padding::Zero);
        let d_first = pool::backward(Average, &first, &d_pooled)
            + d_style * (problem.style_weight * parts.style);
        let d_first = gate(0, &first, &d_first);
        let gradient = conv::backward(&d_first, &problem.first.0, Padding::Zero);
        (content + problem.style_weight * style, gradient)
    }
}

type Gradient<'a> = &'a dyn Fn(&Array3<f64>, &Problem) -> (f64, Array3<f64>);

/// Loss and gradient.
pub fn gradient(f: Gradient) -> Verdict {
    let posed = posed();
    let x = random((SIZE.0, SIZE.1, 3), 54);
    let (value, gradient) = f(&x, &posed.problem);
    let (expected, right) = posed.evaluate(&x, ALL);
    let case = format!("a picture of {}×{}", SIZE.0, SIZE.1);
    is_value(value, expected, &case)?;
    let wrong = |parts: Parts| posed.evaluate(&x, parts).1;
    let comparison = Comparison::of("gradient", case)
        .suspect(
            "the gradient of the style is missing",
            wrong(Parts { style: 0.0, ..ALL }),
        )
        .suspect(
            "the gradient of the content is missing",
            wrong(Parts {
                content: 0.0,
                ..ALL
            }),
        )
        .suspect(
            "is the gradient of the style multiplied by its weight?",
            wrong(Parts {
                style: 1.0 / posed.problem.style_weight,
                ..ALL
            }),
        )
        .suspect(
            "is the first ReLU left out on the way back?",
            wrong(Parts {
                gates: [false, true],
                ..ALL
            }),
        )
        .suspect(
            "is the second ReLU left out on the way back?",
            wrong(Parts {
                gates: [true, false],
                ..ALL
            }),
        )
        .suspect(
            "are the ReLUs left out on the way back?",
            wrong(Parts {
                gates: [false; 2],
                ..ALL
            }),
        );
    comparison.is_gradient(&gradient, &x, |x| posed.evaluate(x, ALL).0)?;
    comparison.is(&gradient, &right)
}

type Iterate<'a> =
    &'a dyn Fn(&mut Array3<f64>, &Problem, (&mut Array3<f64>, &mut Array3<f64>), i32, f64) -> f64;

/// Ten iterations: the picture and the loss after each.
pub fn iterations(f: Iterate) -> Verdict {
    let posed = posed();
    let rate = 0.05;
    let mut x: Array3<f64> = random((SIZE.0, SIZE.1, 3), 54);
    let [mut m, mut v] = [Array3::zeros(x.dim()), Array3::zeros(x.dim())];
    let mut reference = BigArray::from(x.clone());
    let mut adam = Adam::new(&reference, rate);
    for t in 1..=10 {
        let case = format!("in iteration {t}");
        let loss = f(&mut x, &posed.problem, (&mut m, &mut v), t, rate);
        let before = reference.to_array().into_owned();
        let (expected, gradient) = posed.evaluate(&before, ALL);
        adam.step(&mut reference, &gradient.into());
        let after = reference.to_array().into_owned();
        let later = posed.evaluate(&after, ALL).0;
        if (loss - later).abs() < 1e-12 * later {
            return Err(format!(
                "the loss is that after the step, it should be the one before ({case})"
            ));
        }
        is_value(loss, expected, &case)?;
        Comparison::of("picture", case)
            .suspect("the picture has not changed", before)
            .is(&x, &after)?;
    }
    Ok(())
}
