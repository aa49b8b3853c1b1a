//! Positions shuffled, a texture from noise, and what a Gram matrix does not tell.

use crate::drawings::Drawings;
use crate::figure::{
    Term, cat, descend, enlarge, gray, image, layer, network, noise, outputs, sheet, short,
    starry_night, style, weights,
};
use anyhow::Result;
use impasto::method::finite_difference::relative_error;
use impasto::method::{ContentLoss, GramLoss, Loss, Pooling, StyleLoss, gram};
use ndarray::{Array3, Axis, array};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

pub fn draw(out: &mut Drawings) -> Result<()> {
    let weights = weights()?;
    let network = network(&weights, Pooling::Average);
    let photograph = cat((192, 128))?;
    let f = outputs(&network, &[layer(&weights, "conv2_1")], &photograph).remove(0);

    // ANCHOR: shuffle
    let (height, width, channels) = f.dim();
    let mut order: Vec<usize> = (0..height * width).collect();
    order.shuffle(&mut Pcg64::seed_from_u64(5));
    // Whole vectors move: the channels of a position stay together.
    let shuffled = gram::matrix(&f).select(Axis(0), &order);
    let shuffled = shuffled.into_shape_with_order((height, width, channels))?;
    // ANCHOR_END: shuffle
    let norm =
        |g: &ndarray::Array2<f32>| g.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
    let (g, of_shuffled) = (gram::forward(&f), gram::forward(&shuffled));
    out.number("difference", short(norm(&(&of_shuffled - &g)) / norm(&g)));
    let content = ContentLoss::new(f.clone());
    out.number(
        "content-of-shuffled",
        short(content.value_and_gradient(&shuffled).0),
    );
    out.number(
        "content-of-black",
        short(content.value_and_gradient(&Array3::zeros(f.dim())).0),
    );
    out.number(
        "style-of-shuffled",
        short(GramLoss::new(&f).value_and_gradient(&shuffled).0),
    );
    let painting = outputs(
        &network,
        &[layer(&weights, "conv2_1")],
        &starry_night((192, 128))?,
    )
    .remove(0);
    out.number(
        "style-of-painting",
        short(GramLoss::new(&painting).value_and_gradient(&f).0),
    );
    let variance: Vec<f32> = f.axis_iter(Axis(2)).map(|map| map.var(0.0)).collect();
    let channel = (0..channels)
        .max_by(|&a, &b| variance[a].total_cmp(&variance[b]))
        .unwrap_or(0);
    out.number("channel", channel);
    let maps = [&f, &shuffled].map(|f| enlarge(&gray(f.index_axis(Axis(2), channel)), 384));
    out.picture("shuffled", &sheet(&maps, 2))?;

    // The gradient, against finite differences.
    let (x, target) = (noise((4, 5, 3), 1.0, 1), noise((6, 6, 3), 1.0, 2));
    let loss = GramLoss::new(&target);
    let gradient = loss.value_and_gradient(&x).1;
    out.number(
        "gradient-error",
        short(relative_error(&x, &gradient, |x| {
            loss.value_and_gradient(x).0
        })),
    );

    // Two distributions of one channel with one mean square.
    let few = array![[[1.0], [3.0], [1.0], [3.0]]];
    let even = Array3::from_elem((1, 4, 1), 5f64.sqrt());
    out.number("few-mean", format!("{:.2}", few.mean().unwrap_or(0.0)));
    out.number("few-deviation", format!("{:.2}", few.std(0.0)));
    out.number("even-mean", format!("{:.2}", even.mean().unwrap_or(0.0)));
    out.number("even-deviation", format!("{:.2}", even.std(0.0)));
    let same = GramLoss::new(&few).value_and_gradient(&even).0;
    out.number(
        "same-gram",
        if same < 1e-25 {
            "0, up to rounding".to_owned()
        } else {
            short(same)
        },
    );

    // Textures from noise, with more and more layers.
    let size = (96, 96);
    let painting = starry_night(size)?;
    let mut pictures = vec![enlarge(&image(&painting), 240)];
    for names in [
        &["conv1_1"][..],
        &["conv1_1", "conv2_1"],
        &["conv1_1", "conv2_1", "conv3_1"],
    ] {
        let layers: Vec<usize> = names.iter().map(|name| layer(&weights, name)).collect();
        let terms: Vec<Term> = outputs(&network, &layers, &painting)
            .iter()
            .zip(&layers)
            .map(|(f, &layer)| (layer, 1.0, style(f)))
            .collect();
        let start = noise((96, 96, 3), 40.0, 9).mapv(|x| x as f32);
        let (x, first, last) = descend(&network, &terms, start, 60);
        out.number(&format!("texture-{}", names.len()), short(last / first));
        pictures.push(enlarge(&image(&x), 240));
    }
    out.picture("textures", &sheet(&pictures, 4))
}
