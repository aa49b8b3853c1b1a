//! `impasto explain`: what the network keeps of a photograph and of a painting, layer by layer: figure 1 of Gatys, Ecker and
//! Bethge (2015).
//!
//! Each picture is found from noise: one that the network, at the layers named, cannot tell from the photograph (content), or from
//! the painting once it is forgotten what is where in it (style).

use super::interrupt::Interrupt;
use super::keep::keep;
use super::options::open;
use super::order::NetworkOptions;
use super::paint::Ended;
use super::places::Places;
use super::reports::TalkOptions;
use super::say;
use super::weights::{load, weights_variable};
use clap::Args;
use impasto::ops::conv::Engine;
use impasto::picture::{FloatPicture, OutputFile, Picture, SizeRequest};
use impasto::report::{Figure, Progress, Row, duration};
use impasto::stylize::{
    Init, Inputs, LayerWeight, Layers, Networks, Recipe, Scales, Style, Stylization, StylizeError,
    Text,
};
use impasto::weights::{Weights, locate};
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// The layers looked at, one a column, and their weights in the style: about one over the loss that noise has there. With equal
/// weights, as in the paper, the last two would change nothing within so few iterations.
const LAYERS: [(&str, f64); 5] = [
    ("conv1_1", 1.0),
    ("conv2_1", 0.002),
    ("conv3_1", 0.001),
    ("conv4_1", 0.02),
    ("conv5_1", 500.0),
];

/// Draw what the network sees in two pictures, layer by layer: a figure with the painting's style and the photograph's content
///
/// It is figure 1 of Gatys, Ecker and Bethge (2015). Above: the painting, and pictures made from noise that have its style up to
/// each layer. Below: the photograph, and pictures made from noise that are like it at each layer.
#[derive(Args)]
pub struct Explain {
    /// The photograph
    content: PathBuf,

    /// The painting
    style: PathBuf,

    /// The file to write; its ending says in which format (png, jpg, webp, tif, …)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Size of each picture in it: N pixels along the long edge, or WxH, cropped around the centre
    #[arg(long, value_name = "N|WxH", default_value = "256")]
    size: SizeRequest,

    /// Iterations of L-BFGS for each picture
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    iterations: u32,

    /// Where the noise starts from: another number, other pictures
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    network: NetworkOptions,

    #[command(flatten)]
    talk: TalkOptions,
}

/// One of the pictures that are made.
struct Panel {
    /// What it shows.
    title: String,
    run: Stylization,
}

impl Explain {
    /// Makes the pictures, and writes the figure.
    ///
    /// # Errors
    /// What went wrong, to be shown to the user.
    pub fn run(&self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let begin = Instant::now();
        let output = OutputFile::new(&self.output)?;
        let named_weights = self.network.weights.clone().or_else(weights_variable);
        let mut places = Places::default();
        [
            Some(&self.content),
            Some(&self.style),
            named_weights.as_ref(),
        ]
        .into_iter()
        .flatten()
        .for_each(|file| places.reads(file));
        places.writes("--output", &self.output)?;
        let engine = self.network.machine.engine()?;
        let remark = |text: String| self.talk.remark(text);
        let content = open(&self.content, "content", remark)?;
        let style = open(&self.style, "style", remark)?;
        let program = std::env::current_exe().ok();
        let source = locate(named_weights, built_in, program.as_deref())?;
        let weights = load(&source, self.network.weights_convention)?.weights;
        let threads = self.network.machine.threads()?;

        let of_content = |picture| Inputs {
            content: Some(picture),
            styles: Vec::new(),
        };
        let of_style = |picture| Inputs {
            content: None,
            styles: vec![Style::new(picture)],
        };
        let mut networks = Networks::default();
        let mut panels =
            |inputs| threads.install(|| self.panels(&mut networks, &weights, &inputs, engine));
        let styles = panels(of_style(style.clone()))?;
        let contents = panels(of_content(content.clone()))?;
        let mut figure = Figure {
            columns: std::iter::once("original".to_owned())
                .chain(LAYERS.map(|(layer, _)| layer.to_owned()))
                .collect(),
            rows: vec![
                row(["Style", "up to this layer"], &style, &styles),
                row(["Content", "at this layer"], &content, &contents),
            ],
        };
        output.check_size(figure.size())?;
        drop((weights, content, style));

        let quiet = self.talk.quiet;
        let interrupt = Interrupt::watch(move || {
            if !quiet {
                say(format_args!(
                    "ending after this iteration, and keeping the figure so far; Ctrl-C again ends at once"
                ));
            }
        })?;
        let count = styles.len() + contents.len();
        let panels = [styles, contents].into_iter().enumerate();
        let panels =
            panels.flat_map(|(row, panels)| panels.into_iter().map(move |panel| (row, panel)));
        for (number, (row, panel)) in (1..).zip(panels) {
            self.talk
                .remark(format_args!("panel {number} of {count}: {}", panel.title));
            let painted = threads.install(|| self.paint(&panel.run, &interrupt))?;
            figure.rows[row].pictures.push(Some(painted));
            if interrupt.pressed() {
                break;
            }
        }
        keep(&output, &FloatPicture::from(&figure.draw()))?;
        self.talk.remark(format_args!(
            "wrote {} ({}, in {})",
            output.path().display(),
            figure.size(),
            duration(begin.elapsed())
        ));
        let ended = match interrupt.pressed() {
            true => Ended::Early,
            false => Ended::Finished,
        };
        Ok(ended.into())
    }

    /// The runs of one row, ready to begin.
    fn panels(
        &self,
        networks: &mut Networks,
        weights: &Weights,
        inputs: &Inputs,
        engine: Engine,
    ) -> Result<Vec<Panel>, StylizeError> {
        let layer = |&(layer, weight): &(&str, f64)| LayerWeight {
            layer: layer.to_owned(),
            weight,
        };
        let panel = |number: usize| {
            let (last, _) = LAYERS[number];
            let (title, first) = match inputs.content {
                Some(_) => (format!("content at {last}"), number),
                None => (format!("style up to {last}"), 0),
            };
            let layers = Layers(LAYERS[first..=number].iter().map(layer).collect());
            let recipe = Recipe {
                size: Some(Text(self.size)),
                iterations: Some(self.iterations),
                scales: Some(Text(Scales::Count(1))),
                // What a layer makes of a photograph includes its edges.
                border: Some(if inputs.content.is_some() { 0 } else { 8 }),
                style_margin: Some(0.04),
                content_layers: Some(layers.clone()),
                style_layers: Some(layers),
                seed: Some(self.seed),
                ..Recipe::default()
            };
            let reconstruct = Recipe::preset("reconstruct").expect("it is built in");
            let settings = recipe.or(reconstruct).settings(Init::Random, engine);
            let run = Stylization::sharing(networks, weights, inputs, &settings)?;
            Ok(Panel { title, run })
        };
        // The deepest network comes first, and serves the others.
        let mut panels: Vec<_> = (0..LAYERS.len())
            .rev()
            .map(panel)
            .collect::<Result<_, _>>()?;
        panels.reverse();
        Ok(panels)
    }

    /// One picture.
    fn paint(&self, run: &Stylization, interrupt: &Interrupt) -> anyhow::Result<Picture> {
        let shown = !self.talk.quiet && std::io::stderr().is_terminal();
        let mut progress = shown.then(|| Progress::new(run.iterations()));
        let painted = run.run(|step| {
            if let Some(progress) = &mut progress {
                progress.observe(step);
            }
            match interrupt.pressed() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        if let Some(progress) = progress {
            progress.finish();
        }
        Ok(painted?.picture.to_picture())
    }
}

/// A row that begins with `original`, at the size of the panels that follow it.
fn row(title: [&str; 2], original: &Picture, panels: &[Panel]) -> Row {
    let size = panels[0].run.size();
    Row {
        title: title.map(str::to_owned).into(),
        size,
        pictures: vec![Some(original.fit(size))],
    }
}
