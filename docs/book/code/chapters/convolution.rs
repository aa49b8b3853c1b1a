//! A convolution of 5×5 numbers, and the kernels of the first layer.

use crate::drawings::Drawings;
use crate::figure::{Grid, enlarge, grids, noise, sheet, short, svg_begin, text, weights};
use anyhow::Result;
use image::{Rgb, RgbImage};
use impasto::method::{Padding, conv};
use ndarray::{Array1, Array2, Array3, Array4, Axis, array, s};
use std::fmt::Write;

pub fn draw(out: &mut Drawings) -> Result<()> {
    let x: Array2<f64> = array![
        [1., 1., 1., 5., 5.],
        [1., 1., 1., 5., 5.],
        [1., 1., 1., 5., 5.],
        [1., 1., 1., 9., 5.],
        [1., 1., 1., 5., 5.],
    ];
    let kernel: Array2<f64> = array![[-1., 0., 1.], [-2., 0., 2.], [-1., 0., 1.]];
    let of = |padding, kernel: &Array2<f64>| {
        let kernel = kernel.clone().insert_axis(Axis(2)).insert_axis(Axis(3));
        let y = conv::forward(
            &x.clone().insert_axis(Axis(2)),
            &kernel,
            &Array1::zeros(1),
            padding,
        );
        y.remove_axis(Axis(2))
    };
    let y = of(Padding::Zero, &kernel);
    let near = |i: usize, j: usize| (1..4).contains(&i) && (1..4).contains(&j);
    let middle = |i, j| (i, j) == (2, 2);
    let never = |_, _| false;
    let grid = |title, numbers, marked| Grid {
        title,
        numbers,
        marked,
    };
    out.svg(
        "by-hand",
        &grids(&[
            grid("picture x", x.clone(), &near),
            grid("kernel k", kernel.clone(), &never),
            grid("output y", y.clone(), &middle),
        ]),
    )?;
    out.number("middle", y[(2, 2)]);
    out.number("corner", y[(0, 0)]);
    let rotated = kernel.slice(s![..;-1, ..;-1]).to_owned();
    out.svg(
        "rotated",
        &grids(&[
            grid("cross-correlation", y, &never),
            grid("convolution", of(Padding::Zero, &rotated), &never),
            grid("circular padding", of(Padding::Circular, &kernel), &never),
        ]),
    )?;
    out.svg("rows", &rows())?;

    // The same by the sum of the formula, with several channels.
    let (x, kernel) = (noise((9, 7, 5), 1.0, 1), noise((3, 3, 20), 1.0, 2));
    let kernel: Array4<f64> = kernel.into_shape_with_order((3, 3, 5, 4))?;
    let bias = array![0.5, -1.0, 0.0, 2.0];
    let y = conv::forward(&x, &kernel, &bias, Padding::Zero);
    let difference = (&y - &by_sum(&x, &kernel, &bias)).fold(0.0, |m: f64, d| m.max(d.abs()));
    out.number("difference", short(difference));

    let conv = weights()?;
    let conv = conv
        .conv("conv1_1")
        .expect("all weights have the first layer");
    let largest = conv.kernel.fold(0f32, |m, k| m.max(k.abs()));
    let pictures: Vec<_> = (0..64)
        .map(|o| {
            let pixel = |j, i| {
                Rgb(std::array::from_fn(|c| {
                    (127.5 + 127.5 * conv.kernel[(i as usize, j as usize, c, o)] / largest) as u8
                }))
            };
            enlarge(&RgbImage::from_fn(3, 3, pixel), 36)
        })
        .collect();
    out.picture("kernels", &sheet(&pictures, 16))
}

/// The formula, with loops.
// ANCHOR: by_sum
fn by_sum(x: &Array3<f64>, kernel: &Array4<f64>, bias: &Array1<f64>) -> Array3<f64> {
    let (height, width, cin) = x.dim();
    Array3::from_shape_fn((height, width, bias.len()), |(i, j, o)| {
        let mut sum = bias[o];
        for (p, q, c) in ndarray::indices((3, 3, cin)) {
            // get() gives None outside the picture; i + p - 1 may be below 0, and wraps to a huge index.
            let at = ((i + p).wrapping_sub(1), (j + q).wrapping_sub(1), c);
            sum += kernel[(p, q, c, o)] * x.get(at).copied().unwrap_or(0.0);
        }
        sum
    })
}
// ANCHOR_END: by_sum

/// Neighborhoods of a 3×4 picture as rows of a matrix.
fn rows() -> String {
    const CELL: usize = 30;
    let mut svg = svg_begin(820, 430);
    let number = |i: usize, j: usize| match (i.checked_sub(1), j.checked_sub(1)) {
        (Some(i), Some(j)) if i < 3 && j < 4 => 1 + 4 * i + j,
        _ => 0,
    };
    let cell = |svg: &mut String, x: usize, y: usize, color: &str, label: &str| {
        let _ = write!(
            svg,
            r##"<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{color}" stroke="#777"/>"##
        );
        text(svg, (x + CELL / 2, y + 21), "middle", label);
    };
    text(&mut svg, (20, 26), "start", "picture, padded");
    for (i, j) in (0..5).flat_map(|i| (0..6).map(move |j| (i, j))) {
        let inside = (1..4).contains(&i) && (2..5).contains(&j);
        let color = if inside {
            "#f5c98a"
        } else if number(i, j) == 0 {
            "#eee"
        } else {
            "#dbe9f6"
        };
        cell(
            &mut svg,
            20 + j * CELL,
            40 + i * CELL,
            color,
            &number(i, j).to_string(),
        );
    }
    text(&mut svg, (260, 26), "start", "neighborhoods: 12 rows of 9");
    for at in 0..12 {
        for offset in 0..9 {
            let value = number(at / 4 + offset / 3, at % 4 + offset % 3);
            let color = if at == 6 {
                "#f5c98a"
            } else if value == 0 {
                "#eee"
            } else {
                "#dbe9f6"
            };
            cell(
                &mut svg,
                260 + offset * CELL,
                40 + at * CELL,
                color,
                &value.to_string(),
            );
        }
    }
    text(&mut svg, (565, 226), "middle", "×");
    text(&mut svg, (590, 26), "start", "kernel: 9 × 1");
    for k in 0..9 {
        cell(
            &mut svg,
            620,
            85 + k * CELL,
            "#fff",
            &format!("k{}{}", k / 3, k % 3),
        );
    }
    text(&mut svg, (690, 226), "middle", "=");
    text(&mut svg, (720, 26), "start", "output");
    for at in 0..12 {
        let color = if at == 6 { "#f5c98a" } else { "#fff" };
        cell(
            &mut svg,
            735,
            40 + at * CELL,
            color,
            &format!("y{}", at + 1),
        );
    }
    svg + "</svg>"
}
