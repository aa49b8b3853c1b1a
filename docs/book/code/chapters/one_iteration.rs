//! The iteration of `examples/one_iteration.rs` again, with one pixel watched.

use crate::drawings::Drawings;
use crate::figure::{
    Term, cat, enlarge, evaluate, layer, network, outputs, sheet, short, starry_night, style,
    svg_begin, text, weights,
};
use crate::sketches::image;
use anyhow::Result;
use image::Rgb;
use impasto::method::{Adam, BigArray, ContentLoss, Pooling};
use impasto::vgg::MEAN;
use ndarray::{Array3, s};
use std::fmt::Write;

const SIZE: (u32, u32) = (96, 64);
/// Row and column of the pixel: beside the cat's nose.
const PIXEL: (usize, usize) = (34, 50);
const CONTENT_WEIGHT: f64 = 1e3;

pub fn draw(out: &mut Drawings) -> Result<()> {
    let weights = weights()?;
    let network = network(weights, Pooling::Average);
    let [conv1_1, conv1_2, pool1, conv2_1] =
        ["conv1_1", "conv1_2", "pool1", "conv2_1"].map(|name| layer(weights, name));
    let (photograph, painting) = (cat(SIZE)?, starry_night(SIZE)?);
    let target = outputs(&network, &[conv2_1], &photograph).remove(0);
    let style = style(&outputs(&network, &[conv1_2], &painting)[0]);
    let content: [Term; 1] = [(conv2_1, CONTENT_WEIGHT, Box::new(ContentLoss::new(target)))];
    let style: [Term; 1] = [(conv1_2, 1.0, style)];

    let (row, column) = PIXEL;
    for (number, name) in ["red", "green", "blue"].into_iter().enumerate() {
        let x = photograph[(row, column, number)];
        out.number(name, format!("{:.0}", x + MEAN[number]));
        out.number(&format!("{name}-less-mean"), short(x.into()));
    }
    let all = outputs(&network, &[conv1_1, conv1_2, pool1, conv2_1], &photograph);
    let mut table = String::from(
        "| output | position | active channels | strongest channels, with their values |\n|---|---|---|---|\n",
    );
    for (name, f) in ["conv1_1", "conv1_2", "pool1", "conv2_1"].iter().zip(&all) {
        let at = (row * f.dim().0 / 64, column * f.dim().0 / 64);
        let vector = f.slice(s![at.0, at.1, ..]);
        let mut order: Vec<usize> = (0..vector.len()).collect();
        order.sort_by(|&a, &b| vector[b].total_cmp(&vector[a]));
        let strongest = order[..3].iter().map(|&c| format!("{c}: {:.1}", vector[c]));
        let strongest = strongest.collect::<Vec<_>>().join(", ");
        let active = vector.iter().filter(|&&f| f > 0.0).count();
        writeln!(
            table,
            "| {name} | ({}, {}) | {active} of {} | {strongest} |",
            at.0,
            at.1,
            vector.len()
        )?;
    }
    out.markdown("activations", &table)?;

    let mut x = BigArray::from(photograph.clone());
    let mut adam = Adam::new(&x, 2.0);
    let mut table = String::from(
        "| iteration | content loss × weight | style loss | pixel (red, green, blue) | gradient of content | gradient of style | step |\n|---|---|---|---|---|---|---|\n",
    );
    let mut pictures = vec![marked(&photograph)];
    for iteration in 1..=60 {
        let before = x.to_array().into_owned();
        let (content_loss, dcontent) = evaluate(&network, &content, &before);
        let (style_loss, dstyle) = evaluate(&network, &style, &before);
        adam.step(&mut x, &(&dcontent + &dstyle).into());
        let after = x.to_array().into_owned();
        if [1, 2, 3, 10].contains(&iteration) {
            let pixel = three(&before, |c, x| format!("{:.1}", x + MEAN[c]));
            let step = three(&(&after - &before), |_, x| format!("{x:.2}"));
            let [dc, ds] = [&dcontent, &dstyle].map(|g| three(g, |_, x| short(x.into())));
            writeln!(
                table,
                "| {iteration} | {} | {} | {pixel} | {dc} | {ds} | {step} |",
                short(content_loss),
                short(style_loss)
            )?;
        }
        if iteration == 1 {
            out.number("first-loss", short(content_loss + style_loss));
        }
        if iteration == 10 {
            out.number("tenth-loss", short(content_loss + style_loss));
        }
        if [10, 60].contains(&iteration) {
            pictures.push(enlarge(&image(&after), 288));
        }
    }
    out.markdown("iterations", &table)?;
    out.picture("pictures", &sheet(&pictures, 3))?;
    out.svg("flow", &flow())
}

/// Three numbers of the pixel.
fn three(x: &Array3<f32>, write: impl Fn(usize, f32) -> String) -> String {
    let (i, j) = PIXEL;
    let numbers: Vec<_> = (0..3).map(|c| write(c, x[(i, j, c)])).collect();
    numbers.join(", ")
}

/// The photograph with a frame around the pixel.
fn marked(x: &Array3<f32>) -> image::RgbImage {
    let mut large = enlarge(&image(x), 288);
    let (top, left) = (3 * PIXEL.0 as u32, 3 * PIXEL.1 as u32);
    for (i, j) in (0..11).flat_map(|i| (0..11).map(move |j| (i, j))) {
        if [0, 1, 9, 10].contains(&i) || [0, 1, 9, 10].contains(&j) {
            large.put_pixel(left + j - 4, top + i - 4, Rgb([255, 230, 0]));
        }
    }
    large
}

/// The data flow: forward above, backward below.
fn flow() -> String {
    let mut svg = svg_begin(900, 300);
    svg.push_str(r##"<defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z"/></marker></defs>"##);
    let boxes = [
        ("picture", "64×96×3"),
        ("conv1_1", "64×96×64"),
        ("conv1_2", "64×96×64"),
        ("pool1", "32×48×64"),
        ("conv2_1", "32×48×128"),
    ];
    for (number, (name, shape)) in boxes.iter().enumerate() {
        let x = 20 + number * 180;
        let _ = write!(
            svg,
            r##"<rect x="{x}" y="110" width="120" height="64" rx="6" fill="#dbe9f6" stroke="#333"/>"##
        );
        text(&mut svg, (x + 60, 137), "middle", name);
        text(&mut svg, (x + 60, 160), "middle", shape);
        if number > 0 {
            let _ = write!(
                svg,
                r##"<path d="M{} 130H{}" stroke="#0072b2" stroke-width="3" marker-end="url(#a)"/><path d="M{} 156H{}" stroke="#d55e00" stroke-width="3" stroke-dasharray="7 4" marker-end="url(#a)"/>"##,
                x - 58,
                x - 3,
                x - 3,
                x - 58
            );
        }
    }
    for (x, name) in [(440, "style loss"), (800, "content loss")] {
        let _ = write!(
            svg,
            r##"<rect x="{}" y="20" width="120" height="40" rx="6" fill="#f5c98a" stroke="#333"/><path d="M{} 109V62" stroke="#0072b2" stroke-width="3" marker-end="url(#a)"/><path d="M{} 61V108" stroke="#d55e00" stroke-width="3" stroke-dasharray="7 4" marker-end="url(#a)"/>"##,
            x - 60,
            x - 18,
            x + 18
        );
        text(&mut svg, (x, 45), "middle", name);
    }
    svg.push_str(r##"<path d="M80 220V178" stroke="#333" stroke-width="3" marker-end="url(#a)"/><rect x="20" y="222" width="120" height="40" rx="6" fill="#eee" stroke="#333"/><path d="M300 240H340" stroke="#0072b2" stroke-width="3"/><path d="M560 240H600" stroke="#d55e00" stroke-width="3" stroke-dasharray="7 4"/>"##);
    text(&mut svg, (80, 247), "middle", "step");
    text(&mut svg, (350, 246), "start", "forward: outputs");
    text(&mut svg, (610, 246), "start", "backward: gradients");
    svg + "</svg>"
}
