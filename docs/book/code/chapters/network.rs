//! What the layers of VGG answer to the cat, how far they see, and what a picture has to agree in for them.

use crate::drawings::Drawings;
use crate::figure::{
    Term, cat, descend, enlarge, gray, image, layer, network, noise, outputs, sheet, short, weights,
};
use anyhow::Result;
use impasto::engine::Reference;
use impasto::method::{ContentLoss, Padding, Pooling};
use impasto::network::Network;
use impasto::vgg::LayerKind;
use ndarray::{Array3, Axis};
use std::fmt::Write;
use std::sync::Arc;

/// The last convolutions of the blocks, whose features are shown.
const SHOWN: [&str; 5] = ["conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"];

pub fn draw(out: &mut Drawings) -> Result<()> {
    let weights = weights()?;
    let network = network(&weights, Pooling::Average);
    let layers = weights.architecture().layers();

    // One changed pixel, and the outputs that change. In the fast engine rounding errors cross from one position of a block to another,
    // so that more numbers change, if only in their last bits.
    const EDGE: usize = 192;
    let before = cat((EDGE as u32, EDGE as u32))?;
    let mut after = before.clone();
    let at = EDGE / 2;
    (0..3).for_each(|c| after[(at, at, c)] += 100.0);
    let all: Vec<usize> = (0..layers.len()).collect();
    let plain = Arc::new(Reference);
    let plain = Network::new(
        &weights,
        Pooling::Average,
        Padding::Zero,
        layers.len(),
        plain,
    );
    let (before, after) = (
        outputs(&plain, &all, &before),
        outputs(&plain, &all, &after),
    );
    let mut table = String::from(
        "| layer | output for 192×192 | weights | pixels that one position sees | positions that one pixel changed |\n|---|---|---|---|---|\n",
    );
    for (number, spec) in layers.iter().enumerate() {
        let (height, width, channels) = before[number].dim();
        let parameters = match spec.kind {
            LayerKind::Conv { inputs, outputs } => (9 * inputs * outputs + outputs).to_string(),
            LayerKind::Pool => "none".to_owned(),
        };
        let covered = if spec.kind == LayerKind::Pool {
            2 * layers[number - 1].stride
        } else {
            spec.stride
        };
        let sees = covered + 2 * network.reach(number);
        let changed =
            (&after[number] - &before[number]).map_axis(Axis(2), |d| d.iter().any(|&d| d != 0.0));
        let columns = changed
            .columns()
            .into_iter()
            .filter(|column| column.iter().any(|&c| c))
            .count();
        let rows = changed
            .rows()
            .into_iter()
            .filter(|row| row.iter().any(|&c| c))
            .count();
        writeln!(
            table,
            "| {} | {height}×{width}×{channels} | {parameters} | {sees}×{sees} | {rows}×{columns} |",
            spec.name
        )?;
    }
    out.markdown("layers", &table)?;
    let parameters = layers.iter().map(|spec| match spec.kind {
        LayerKind::Conv { inputs, outputs } => 9 * inputs * outputs + outputs,
        LayerKind::Pool => 0,
    });
    out.number(
        "weights",
        format!("{:.1}", parameters.sum::<usize>() as f64 / 1e6),
    );

    // Features of the cat: the four channels of each layer that vary most over the picture.
    let photograph = cat((256, 176))?;
    let shown = SHOWN.map(|name| layer(&weights, name));
    let mut pictures = Vec::new();
    for (f, name) in outputs(&network, &shown, &photograph).iter().zip(SHOWN) {
        let mut channels: Vec<usize> = (0..f.dim().2).collect();
        let variance: Vec<f32> = f.axis_iter(Axis(2)).map(|map| map.var(0.0)).collect();
        channels.sort_by(|&a, &b| variance[b].total_cmp(&variance[a]));
        pictures.extend(
            channels[..4]
                .iter()
                .map(|&c| enlarge(&gray(f.index_axis(Axis(2), c)), 200)),
        );
        let silent = f.iter().filter(|&&f| f == 0.0).count() as f64 / f.len() as f64;
        out.number(
            &format!("silent-{name}"),
            format!("{:.0} %", 100.0 * silent),
        );
    }
    out.picture("features", &sheet(&pictures, 4))?;

    // From noise, pictures that agree with the photograph in one layer.
    let photograph = cat((96, 64))?;
    let mut pictures = vec![enlarge(&image(&photograph), 288)];
    let mut table = String::from(
        "| layer | loss at the end / loss of the noise | mean difference of a pixel from the photograph, of 255 |\n|---|---|---|\n",
    );
    for (name, f) in SHOWN.iter().zip(outputs(&network, &shown, &photograph)) {
        let terms: [Term; 1] = [(layer(&weights, name), 1.0, Box::new(ContentLoss::new(f)))];
        let noise = noise(photograph.dim(), 40.0, 7).mapv(|x| x as f32);
        let (x, first, last) = descend(&network, &terms, noise, 60);
        pictures.push(enlarge(&image(&x), 288));
        writeln!(
            table,
            "| {name} | {} | {:.1} |",
            short(last / first),
            mean_difference(&x, &photograph)
        )?;
    }
    out.markdown("reconstructed", &table)?;
    out.picture("reconstructed", &sheet(&pictures, 3))
}

fn mean_difference(a: &Array3<f32>, b: &Array3<f32>) -> f32 {
    (a - b).mapv(f32::abs).mean().unwrap_or(0.0)
}
