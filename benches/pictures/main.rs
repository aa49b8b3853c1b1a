//! Paints the pairs in data/pairs/pairs.toml by several methods and measures the results: `make bench-pictures`.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `METHODS` | presets with commas between them; or, with semicolons between them, `name: options of impasto stylize` | those of `default,crowsonkb,strotss,nnst,best` that exist |
//! | `PAIRS` | names of pairs, with commas between them | all |
//! | `SIZE` | the long edge of the pictures | 512 |
//! | `CURVES` | names of pairs to draw curves for, over the content weight; `none` | the first, fourth and sixth pair |
//! | `CURVES_SIZE` | the long edge of their pictures | 256 |
//! | `RESULTS` | the folder for the table, the curves and the sheet | docs/book/src/use/pictures |
//!
//! Painted pictures are in out/pictures, each with a JSON of seconds and measurements. A picture is painted again only if its
//! program, options or inputs have changed.

mod curves;
mod methods;
mod metrics;
mod painting;
mod pairs;
mod report;
mod sheet;

use impasto::painting::{NetworkCache, Settings, Stylization, long_edge};
use impasto::picture::Picture;
use impasto::weights::{Source, Weights};
use methods::Method;
use metrics::{Judge, Reference};
use painting::{Painted, Painter};
use pairs::Pair;
use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pairs = pairs::read(&folder.join("data"), env::var("PAIRS").ok().as_deref())?;
    let methods = methods::chosen(env::var("METHODS").ok().as_deref())?;
    let size = number("SIZE", 512)?;
    let curves_size = number("CURVES_SIZE", 256)?;
    let results =
        env::var_os("RESULTS").map_or(folder.join("docs/book/src/use/pictures"), PathBuf::from);
    let curve_pairs = curves::pairs(&pairs, env::var("CURVES").ok().as_deref())?;

    let weights = Weights::load(&Source::File(folder.join("data/vgg16.safetensors")))?;
    let mut bench = Bench {
        judge: Judge::new(&weights),
        weights: &weights,
        painter: Painter::new(folder.join("out/pictures"))?,
        cache: NetworkCache::default(),
    };
    let mut painted = Vec::new();
    for pair in &pairs {
        painted.extend(bench.paint(pair, &methods, size)?);
    }
    std::fs::create_dir_all(&results)?;
    let page = report::page(&painted, &pairs, &methods, (size, !curve_pairs.is_empty()));
    println!("{page}");
    std::fs::write(results.join("results.md"), page)?;
    std::fs::write(
        results.join("results.json"),
        serde_json::to_string_pretty(&painted)? + "\n",
    )?;
    sheet::write(&painted, &pairs, &methods, &results.join("sheet.jpg"))?;

    let mut points = Vec::new();
    for pair in &curve_pairs {
        for factor in curves::FACTORS {
            let weighted = methods.iter().map(|method| method.weighted(factor));
            let weighted: Vec<_> = weighted.collect();
            points.extend(bench.paint(pair, &weighted, curves_size)?);
        }
    }
    if !points.is_empty() {
        curves::draw(&points, &curve_pairs, &methods, &results.join("curves.svg"))?;
    }
    println!(
        "The tables, the sheet and the curves are in {}.",
        results.display()
    );
    Ok(())
}

/// The number in an environment variable.
fn number(variable: &str, default: u32) -> Result<u32> {
    match env::var(variable) {
        Ok(text) => text
            .parse()
            .map_err(|_| format!("{variable}={text} is not a number").into()),
        Err(_) => Ok(default),
    }
}

/// What is needed to paint and measure.
struct Bench<'a> {
    weights: &'a Weights,
    judge: Judge,
    painter: Painter,
    cache: NetworkCache,
}

impl Bench<'_> {
    /// Paints one pair by all methods, and measures the pictures.
    fn paint(&mut self, pair: &Pair, methods: &[Method], size: u32) -> Result<Vec<Painted>> {
        let mut all = Vec::new();
        let mut reference: Option<Reference> = None;
        for method in methods {
            let mut painted = self.painter.paint(pair, method, size)?;
            if painted.metrics.is_none() {
                let (picture, _) = Picture::open(&painted.picture)?;
                let reference = match &mut reference {
                    Some(reference) => reference,
                    none => none.insert(reference_of(
                        &self.judge,
                        pair,
                        size,
                        self.weights,
                        &mut self.cache,
                    )?),
                };
                painted.metrics = Some(reference.measure(&picture));
                painted.save()?;
            }
            eprintln!("{}", report::line(&painted));
            all.push(painted);
        }
        Ok(all)
    }
}

/// The photograph and the painting of a pair in the sizes of the default recipe.
fn reference_of<'a>(
    judge: &'a Judge,
    pair: &Pair,
    size: u32,
    weights: &Weights,
    cache: &mut NetworkCache,
) -> Result<Reference<'a>> {
    let (photograph, _) = Picture::open(&pair.content)?;
    let (painting, _) = Picture::open(&pair.style)?;
    let settings = Settings {
        size: long_edge(size),
        ..Settings::default()
    };
    let stylization = Stylization::of(&photograph, &painting).settings(settings);
    let run = stylization.prepare_with(weights, cache)?;
    Ok(judge.reference(
        photograph.fit(run.size()),
        painting.fit(run.style_sizes()[0]),
    ))
}
