//! The page of results: a table of the methods, of the layers, and of every picture.

use super::methods::Method;
use super::metrics::{Metrics, STYLE_LAYERS, mean};
use super::painting::Painted;
use super::pairs::Pair;
use std::fmt::Write;

const EXPLANATION: &str = "\
# Painted pictures, measured

`make bench-pictures` writes this page, results.json beside it, and the [sheet](sheet.jpg) of all pictures. Everything is better when it
is smaller.

| column | what it is |
|---|---|
| Gaussian, sliced | how far the picture's activations are from the painting's: the Wasserstein distance between Gaussians, and the sliced one; means over the layers below. 0 is the distance between two halves of the painting, 1 that between the photograph and the painting |
| palette | the same for the colors, in OkLab |
| self-similarity | how much the similarities between positions differ from the photograph's, 0 to 2 |
| content error | the mean squared error at conv4_2, over the photograph's variance there |
| hatch | the energy of fine detail (above half the Nyquist frequency: waves of 2 to 4 pixels) where the photograph is flat, over that of the whole painting; a mean over the pairs whose photographs are flat somewhere |
| coarse hatch | the same at half the size: waves of 4 to 8 pixels |
| seconds | of the whole program |

The network of these measurements sees the pictures mirrored and has maximum poolings, so that no method minimized them. How each
is computed is in the files of `benches/pictures/metrics/`.
";

/// The whole page, in Markdown. It leads to the curves, if any are drawn.
pub fn page(
    painted: &[Painted],
    pairs: &[Pair],
    methods: &[Method],
    (size, curves): (u32, bool),
) -> String {
    let mut page = String::from(EXPLANATION);
    if curves {
        page.push_str("\nEach method over its content weight: [curves](curves.svg).\n");
    }
    let by = |method: &Method| {
        let of = painted.iter().filter(|p| p.method == method.name);
        of.collect::<Vec<_>>()
    };
    writeln!(
        page,
        "\n## Methods: means over {} pairs, long edge {size}\n",
        pairs.len()
    )
    .unwrap();
    writeln!(page, "| method | {COLUMNS} |\n|---|{}", "---|".repeat(8)).unwrap();
    for method in methods {
        writeln!(page, "| {} | {} |", method.name, row(&by(method))).unwrap();
    }
    let of_photographs = [0, 1].map(|scale| {
        let pictures: Vec<_> = painted.iter().collect();
        shown(mean_over(&pictures, |m| m.hatch_of_photograph[scale]))
    });
    let [hatch, coarse] = of_photographs;
    writeln!(
        page,
        "\nThe photographs themselves have the hatch {hatch} and the coarse hatch {coarse}."
    )
    .unwrap();
    layers(&mut page, methods, by);
    writeln!(
        page,
        "\n## Pictures\n\n| pair | method | {COLUMNS} |\n|---|---|{}",
        "---|".repeat(8)
    )
    .unwrap();
    for pair in pairs {
        for picture in painted.iter().filter(|p| p.pair == pair.name) {
            writeln!(
                page,
                "| {} | {} | {} |",
                pair.name,
                picture.method,
                row(&[picture])
            )
            .unwrap();
        }
    }
    page
}

const COLUMNS: &str = "Gaussian | sliced | palette | self-similarity | content error | hatch | coarse hatch | seconds";

/// The scores by layer, and the layers that each method minimizes its losses at.
fn layers<'a>(page: &mut String, methods: &[Method], by: impl Fn(&Method) -> Vec<&'a Painted>) {
    let names = STYLE_LAYERS.join(" | ");
    writeln!(
        page,
        "\n## Layers: Gaussian / sliced score\n\n| method | {names} |\n|---|{}",
        "---|".repeat(5)
    )
    .unwrap();
    for method in methods {
        let pictures = by(method);
        let own = method.layers().concat();
        let cell = |layer: usize| {
            let of =
                |which: fn(&Metrics) -> &[f64]| mean_over(&pictures, |m| Some(which(m)[layer]));
            let held_out = !own.iter().any(|own| own == STYLE_LAYERS[layer]);
            format!(
                "{} / {}{}",
                shown(of(|m| &m.gaussian)),
                shown(of(|m| &m.sliced)),
                if held_out { "" } else { " \\*" }
            )
        };
        let cells: Vec<_> = (0..STYLE_LAYERS.len()).map(cell).collect();
        writeln!(page, "| {} | {} |", method.name, cells.join(" | ")).unwrap();
    }
    page.push_str(
        "\n\\* The method's own losses compare this layer. It is held out from the others, which compare:\n\n",
    );
    for method in methods {
        let [style, content] = method.layers().map(|layers| layers.join(", "));
        writeln!(page, "- {}: style {style}; content {content}", method.name).unwrap();
    }
}

/// The means over some pictures.
fn row(pictures: &[&Painted]) -> String {
    let cell = |which: fn(&Metrics) -> Option<f64>| shown(mean_over(pictures, which));
    let seconds: Vec<_> = pictures.iter().map(|picture| picture.seconds).collect();
    [
        cell(|m| Some(m.style_gaussian())),
        cell(|m| Some(m.style_sliced())),
        cell(|m| Some(m.palette)),
        cell(|m| Some(m.self_similarity)),
        cell(|m| Some(m.content_error)),
        cell(|m| m.hatch[0]),
        cell(|m| m.hatch[1]),
        format!("{:.0}", mean(&seconds)),
    ]
    .join(" | ")
}

/// One picture, for the terminal.
pub fn line(picture: &Painted) -> String {
    let row = row(&[picture]);
    format!(
        "{} by {}, content × {}: {row}",
        picture.pair, picture.method, picture.factor
    )
}

/// The mean over those pictures that have the measurement.
fn mean_over(pictures: &[&Painted], which: impl Fn(&Metrics) -> Option<f64>) -> Option<f64> {
    let metrics = pictures
        .iter()
        .filter_map(|picture| picture.metrics.as_ref());
    let values: Vec<f64> = metrics.filter_map(which).collect();
    (!values.is_empty()).then(|| mean(&values))
}

fn shown(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.3}"))
}
