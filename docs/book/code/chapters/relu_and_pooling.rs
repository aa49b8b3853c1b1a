//! ReLU and pooling on few numbers, and their gradients on the cat.

use crate::drawings::Drawings;
use crate::figure::{
    Grid, Term, cat, enlarge, evaluate, grids, layer, magnitude, network, outputs, sheet, short,
    starry_night, weights,
};
use anyhow::Result;
use impasto::method::{ContentLoss, Padding, Pooling, conv, pool, relu};
use ndarray::{Array2, Array3, Axis, array, concatenate, s};
use plotters::prelude::*;

pub fn draw(out: &mut Drawings) -> Result<()> {
    kink(out)?;
    let x: Array2<f64> = array![
        [1., 3., 0., 2., 6.],
        [5., 3., 4., 2., 2.],
        [7., 1., 8., 8., 3.],
        [0., 4., 2., 6., 1.],
        [2., 6., 9., 1., 5.],
    ];
    let x3 = x.clone().insert_axis(Axis(2));
    let never = |_, _| false;
    let grid = |title, numbers: Array3<f64>| Grid {
        title,
        numbers: numbers.remove_axis(Axis(2)),
        marked: &never,
    };
    let ones = Array3::ones((3, 3, 1));
    let cell = |i: usize, j: usize| (i / 2 + j / 2).is_multiple_of(2);
    out.svg(
        "forward",
        &grids(&[
            Grid {
                title: "x, in cells",
                numbers: x,
                marked: &cell,
            },
            grid("average", pool::forward(Pooling::Average, &x3)),
            grid("max", pool::forward(Pooling::Max, &x3)),
        ]),
    )?;
    out.svg(
        "backward",
        &grids(&[
            grid("gradient of y", ones.clone()),
            grid(
                "of x, average",
                pool::backward(Pooling::Average, &x3, &ones),
            ),
            grid("of x, max", pool::backward(Pooling::Max, &x3, &ones)),
        ]),
    )?;

    // On the features of the cat.
    let weights = weights()?;
    let (photograph, painting) = (cat((192, 128))?, starry_night((192, 128))?);
    let mut pictures = Vec::new();
    for (pooling, name) in [(Pooling::Average, "average"), (Pooling::Max, "max")] {
        let network = network(&weights, pooling);
        let [conv1_2, pool1, conv4_1] =
            ["conv1_2", "pool1", "conv4_1"].map(|name| layer(&weights, name));
        let target = outputs(&network, &[conv4_1], &painting).remove(0);
        let terms: [Term; 1] = [(conv4_1, 1.0, Box::new(ContentLoss::new(target)))];
        let (_, gradient) = evaluate(&network, &terms, &photograph);
        pictures.push(enlarge(&magnitude(&gradient), 384));
        out.number(
            &format!("roughness-{name}"),
            format!("{:.2}", roughness(&gradient)),
        );
        let [f, pooled] = <[_; 2]>::try_from(outputs(&network, &[conv1_2, pool1], &photograph))
            .expect("two layers");
        let df = pool::backward(pooling, &f, &Array3::ones(pooled.dim()));
        let zero = df.iter().filter(|&&d| d == 0.0).count() as f64 / df.len() as f64;
        out.number(&format!("zeros-{name}"), format!("{:.0} %", 100.0 * zero));
        if pooling == Pooling::Average {
            let inactive = f.iter().filter(|&&f| f == 0.0).count() as f64 / f.len() as f64;
            out.number("inactive", format!("{:.0} %", 100.0 * inactive));
        }
    }
    out.picture("gradients", &sheet(&pictures, 2))?;

    // On a torus a shifted picture has a shifted output.
    let conv = weights
        .conv("conv1_1")
        .expect("all weights have the first layer");
    for (padding, name) in [(Padding::Zero, "zero"), (Padding::Circular, "circular")] {
        let of =
            |x: &Array3<f32>| relu::forward(conv::forward(x, &conv.kernel, &conv.bias, padding));
        let (shifted, output) = (of(&shift(&photograph)), shift(&of(&photograph)));
        let difference = (&shifted - &output).fold(0f32, |m, d| m.max(d.abs()));
        out.number(&format!("shift-{name}"), short(difference.into()));
    }
    Ok(())
}

/// The picture, whose columns begin at another one.
fn shift(x: &Array3<f32>) -> Array3<f32> {
    let (left, right) = (x.slice(s![.., ..50, ..]), x.slice(s![.., 50.., ..]));
    let shifted = concatenate(Axis(1), &[right, left]).expect("both have the same rows");
    shifted.as_standard_layout().into_owned()
}

/// The root mean square of the differences of neighbors in a row, over that of the values.
fn roughness(x: &Array3<f32>) -> f64 {
    let differences = &x.slice(s![.., 1.., ..]) - &x.slice(s![.., ..-1, ..]);
    let mean =
        |x: &Array3<f32>| x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / x.len() as f64;
    (mean(&differences) / mean(x)).sqrt()
}

fn kink(out: &Drawings) -> Result<()> {
    let x = Array3::from_shape_fn((1, 401, 1), |(_, j, _)| j as f64 / 100.0 - 2.0);
    let y = relu::forward(x.clone());
    let slope = relu::backward(&y, &Array3::ones(y.dim()));
    out.plot("relu", (640, 360), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(48)
            .y_label_area_size(56)
            .build_cartesian_2d(-2.0..2.0, -0.2..2.0)?;
        chart
            .configure_mesh()
            .x_desc("x")
            .y_desc("value")
            .label_style(("sans-serif", 16))
            .axis_desc_style(("sans-serif", 18))
            .draw()?;
        let (blue, orange) = (RGBColor(0, 114, 178), RGBColor(213, 94, 0));
        for (of, color, name) in [
            (&y, blue, "y = max(x, 0)"),
            (&slope, orange, "its derivative as the code takes it"),
        ] {
            let points = x.iter().copied().zip(of.iter().copied());
            chart
                .draw_series(LineSeries::new(points, color.stroke_width(3)))?
                .label(name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 22, y)], color.stroke_width(3))
                });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .label_font(("sans-serif", 16))
            .background_style(WHITE)
            .border_style(BLACK)
            .draw()?;
        Ok(())
    })
}
