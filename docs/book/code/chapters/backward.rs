//! Adjoints and finite differences, and how the latter go wrong.

use crate::drawings::Drawings;
use crate::figure::{noise, short};
use anyhow::Result;
use impasto::method::finite_difference::relative_error;
use impasto::method::{Padding, Scalar, conv, relu};
use ndarray::{Array1, Array3, Array4, array};
use plotters::prelude::*;

pub fn draw(out: &mut Drawings) -> Result<()> {
    let x = noise((6, 5, 3), 1.0, 1);
    let kernel = noise((3, 3, 12), 0.3, 2).into_shape_with_order((3, 3, 3, 4))?;

    // Adjoint: both inner products are one number.
    let y = noise((6, 5, 4), 1.0, 3);
    let inner = |a: &Array3<f64>, b: &Array3<f64>| (a * b).sum();
    let ax = linear(&x, &kernel);
    out.number("ax-y", format!("{:.12}", inner(&ax, &y)));
    out.number(
        "x-aty",
        format!(
            "{:.12}",
            inner(&x, &conv::backward(&y, &kernel, Padding::Zero))
        ),
    );
    out.number(
        "x-wrong",
        format!("{:.12}", inner(&x, &not_rotated(&y, &kernel))),
    );

    // A right derivative and a wrong one of L = ½ Σ y².
    let loss = |x: &Array3<f64>| 0.5 * linear(x, &kernel).mapv(|y| y * y).sum();
    let right = conv::backward(&ax, &kernel, Padding::Zero);
    out.number("right", short(relative_error(&x, &right, loss)));
    out.number(
        "wrong",
        short(relative_error(&x, &not_rotated(&ax, &kernel), loss)),
    );

    // At a kink.
    let at = 0.3e-5;
    let relu_of = |x: &Array3<f64>| relu::forward(x.clone()).sum();
    let x0 = array![[[at]]];
    let h = impasto::method::finite_difference::STEP;
    let quotient = (relu_of(&(&x0 + h)) - relu_of(&(&x0 - h))) / (2.0 * h);
    let y0 = relu::forward(x0.clone());
    out.number("kink-quotient", format!("{quotient:.2}"));
    out.number(
        "kink-derivative",
        relu::backward(&y0, &Array3::ones((1, 1, 1)))[(0, 0, 0)],
    );

    v(out, &x, &kernel)
}

fn linear<T: Scalar>(x: &Array3<T>, kernel: &Array4<T>) -> Array3<T> {
    conv::forward(x, kernel, &Array1::zeros(kernel.dim().3), Padding::Zero)
}

/// The mistake: channels are swapped, and the kernel is not rotated.
// ANCHOR: wrong
fn not_rotated(dy: &Array3<f64>, kernel: &Array4<f64>) -> Array3<f64> {
    let swapped = kernel.view().permuted_axes([0, 1, 3, 2]);
    linear(dy, &swapped.as_standard_layout().into_owned())
}
// ANCHOR_END: wrong

/// How the derivative of L along one element is approximated: multiples of h, and the weights of L there, to be divided by h.
type Quotient = [(f64, f64)];

const ONE_SIDED: &Quotient = &[(1., 1.), (0., -1.)];
const CENTRAL: &Quotient = &[(1., 0.5), (-1., -0.5)];
const FOURTH: &Quotient = &[
    (2., -1. / 12.),
    (1., 8. / 12.),
    (-1., -8. / 12.),
    (-2., 1. / 12.),
];

/// The errors of the quotient at these steps: the root mean square over all elements of x, relative to that of the gradient, of
/// L = Σ sin y, whose derivatives of every order are of order 1.
fn errors<T: Scalar>(
    x: &Array3<f64>,
    kernel: &Array4<f64>,
    quotient: &Quotient,
    steps: &[f64],
) -> Vec<(f64, f64)> {
    let exact = conv::backward(&linear(x, kernel).mapv(f64::cos), kernel, Padding::Zero);
    let kernel = kernel.mapv(T::of);
    let loss = |x: &Array3<T>| {
        linear(x, &kernel)
            .iter()
            .fold(T::zero(), |sum, y| sum + y.sin())
    };
    let error = |h: f64| {
        let squares = exact.indexed_iter().map(|(at, exact)| {
            let value = |multiple: f64| {
                let mut moved = x.mapv(T::of);
                moved[at] += T::of(multiple * h);
                loss(&moved).as_f64()
            };
            let sum: f64 = quotient
                .iter()
                .map(|&(multiple, w)| w * value(multiple))
                .sum();
            (sum / h - exact).powi(2)
        });
        (squares.sum::<f64>() / exact.mapv(|g| g * g).sum()).sqrt()
    };
    steps.iter().map(|&h| (h, error(h))).collect()
}

fn v(out: &mut Drawings, x: &Array3<f64>, kernel: &Array4<f64>) -> Result<()> {
    let steps: Vec<f64> = (0..=48)
        .map(|k| 10f64.powf(-12.0 + k as f64 / 4.0))
        .collect();
    let of = |quotient: &Quotient| errors::<f64>(x, kernel, quotient, &steps);
    let curves = [
        ("f64, one-sided", of(ONE_SIDED), RGBColor(230, 159, 0)),
        ("f64, central", of(CENTRAL), RGBColor(0, 114, 178)),
        ("f64, fourth order", of(FOURTH), RGBColor(0, 158, 115)),
        (
            "f32, central",
            errors::<f32>(x, kernel, CENTRAL, &steps[24..]),
            RGBColor(204, 121, 167),
        ),
    ];
    let mut table = String::from(
        "| numbers, quotient | smallest error | at h = | slope to the right of it |\n|---|---|---|---|\n",
    );
    for (name, points, _) in &curves {
        let best = points
            .iter()
            .copied()
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or_default();
        // From h = 0.01 to 0.1 truncation is all of the error.
        let at = |h: f64| {
            points
                .iter()
                .find(|point| (point.0 / h - 1.0).abs() < 0.1)
                .map_or(f64::NAN, |point| point.1)
        };
        let slope = (at(0.1) / at(0.01)).log10();
        table += &format!(
            "| {name} | {:.0e} | {:.0e} | {slope:.1} |\n",
            best.1, best.0
        );
    }
    out.markdown("steps", &table)?;
    out.plot("steps", (760, 480), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(52)
            .y_label_area_size(80)
            .build_cartesian_2d((1e-12..1.0).log_scale(), (1e-14..10.0).log_scale())?;
        chart
            .configure_mesh()
            .x_desc("step h (units of x)")
            .y_desc("relative error of the gradient")
            .x_label_formatter(&|x| format!("{x:.0e}"))
            .y_label_formatter(&|y| format!("{y:.0e}"))
            .label_style(("sans-serif", 16))
            .axis_desc_style(("sans-serif", 18))
            .light_line_style(WHITE)
            .draw()?;
        for (name, points, color) in curves {
            chart
                .draw_series(LineSeries::new(
                    points.iter().copied().filter(|p| p.1 > 0.0),
                    color.stroke_width(3),
                ))?
                .label(name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 22, y)], color.stroke_width(3))
                });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerLeft)
            .label_font(("sans-serif", 16))
            .background_style(WHITE)
            .border_style(BLACK)
            .draw()?;
        Ok(())
    })
}
