//! The three losses and their gradients on a noisy cat, and at two sizes.

use crate::drawings::Drawings;
use crate::figure::{
    Term, cat, enlarge, evaluate, image, layer, magnitude, network, noise, outputs, sheet, short,
    starry_night, style, weights,
};
use anyhow::Result;
use impasto::method::{ContentLoss, Loss, Padding, Pooling, TotalVariation};
use impasto::painting::Settings;
use ndarray::{Array3, Zip};
use std::fmt::Write;

/// The three losses of one picture, and their gradients at its pixels.
struct Three([(f64, Array3<f32>); 3]);

const NAMES: [&str; 3] = ["content", "style", "total variation"];

pub fn draw(out: &mut Drawings) -> Result<()> {
    let weights = weights()?;
    let network = network(&weights, Pooling::Average);
    let [content, at_style] = ["conv4_2", "conv3_1"].map(|name| layer(&weights, name));
    let of = |size| -> Result<(Array3<f32>, Three, f64)> {
        let (photograph, painting) = (cat(size)?, starry_night(size)?);
        let target = outputs(&network, &[content], &photograph).remove(0);
        let elements = target.len() as f64;
        let of_painting = outputs(&network, &[at_style], &painting).remove(0);
        let x = &photograph + &noise(photograph.dim(), 12.0, 3).mapv(|x| x as f32);
        let at = |layer, loss: Box<dyn Loss<f32>>| -> [Term; 1] { [(layer, 1.0, loss)] };
        let losses = Three([
            evaluate(
                &network,
                &at(content, Box::new(ContentLoss::new(target))),
                &x,
            ),
            evaluate(&network, &at(at_style, style(&of_painting)), &x),
            TotalVariation::new(Padding::Zero).value_and_gradient(&x),
        ]);
        Ok((x, losses, elements))
    };
    let (_, Three(small), small_elements) = of((96, 64))?;
    let (x, Three(large), large_elements) = of((192, 128))?;
    let mut pictures = vec![enlarge(&image(&x), 384)];
    pictures.extend(
        large
            .iter()
            .map(|(_, gradient)| enlarge(&magnitude(gradient), 384)),
    );
    out.picture("gradients", &sheet(&pictures, 2))?;

    let mut table = String::from("| loss | at 96×64 | at 192×128 | ratio |\n|---|---|---|---|\n");
    let mut row = |name: &str, small: f64, large: f64| {
        writeln!(
            table,
            "| {name} | {} | {} | {:.2} |",
            short(small),
            short(large),
            large / small
        )
    };
    let [s, l] = [&small, &large].map(|three| three.each_ref().map(|(value, _)| *value));
    row("content, mean (as here)", s[0], l[0])?;
    // Gatys has half the sum: 2 · size times the mean of a quarter.
    row(
        "content, half the sum",
        2.0 * s[0] * small_elements,
        2.0 * l[0] * large_elements,
    )?;
    row("style (normalized by positions)", s[1], l[1])?;
    row("total variation, sum", s[2], l[2])?;
    row(
        "total variation, over 3·H·W",
        s[2] / (3.0 * 96.0 * 64.0),
        l[2] / (3.0 * 192.0 * 128.0),
    )?;
    out.markdown("sizes", &table)?;

    let mut table =
        String::from("| loss | value | length of its gradient at the pixels |\n|---|---|---|\n");
    for (name, (value, gradient)) in NAMES.iter().zip(&large) {
        let square: f64 = gradient.iter().map(|&g| f64::from(g).powi(2)).sum();
        writeln!(
            table,
            "| {name} | {} | {} |",
            short(*value),
            short(square.sqrt())
        )?;
    }
    out.markdown("values", &table)?;

    // The gradient of a sum is the sum of the gradients.
    let (painting, photograph) = (starry_night((192, 128))?, cat((192, 128))?);
    let both: [Term; 2] = [
        (
            content,
            3.0,
            Box::new(ContentLoss::new(
                outputs(&network, &[content], &photograph).remove(0),
            )),
        ),
        (
            at_style,
            0.5,
            style(&outputs(&network, &[at_style], &painting)[0]),
        ),
    ];
    let (_, together) = evaluate(&network, &both, &x);
    let (mut worst, mut largest) = (0f32, 0f32);
    Zip::from(&together)
        .and(&large[0].1)
        .and(&large[1].1)
        .for_each(|&t, &c, &s| {
            worst = worst.max((t - (3.0 * c + 0.5 * s)).abs());
            largest = largest.max(t.abs());
        });
    out.number("sum-of-gradients", short((worst / largest).into()));
    let settings = Settings::default();
    out.number("content-weight", settings.content_weight);
    out.number("tv-weight", settings.tv_weight);
    Ok(())
}
