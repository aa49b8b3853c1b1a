//! `impasto explain`: what the network sees in a photograph and in a painting, layer by layer: figure 1 of Gatys, Ecker and
//! Bethge (2015).
//!
//! Each picture is found from noise. At the layers named, the network cannot tell it from the photograph (content), or from the
//! painting if positions do not count (style).

mod figure;

use super::args::{NetworkOptions, TalkOptions};
use super::paint::paths::RunPaths;
use super::paint::progress::{Progress, duration};
use super::paint::rescue::write_or_rescue;
use super::paint::{Ended, Painter, break_if};
use super::request::open;
use crate::engine::EngineKind;
use crate::files::picture::{FloatPicture, OutputFile, Picture, SizeRequest};
use crate::painting::{Inputs, Layers, Recipe, Run, Scales, Settings, Stylization};
use clap::Args;
use figure::{Figure, Row};
use rayon::ThreadPool;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// The layers, one for each column, and their weights in the style: each is about one over the loss that noise has there. With equal
/// weights, as in the paper, the last two layers would change nothing within so few iterations.
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

    /// The file to write; its extension determines the format (png, jpg, webp, tif, …)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Size of each picture in the figure: N pixels along the long edge, or WxH, cropped around the center
    #[arg(long, value_name = "N|WxH", default_value = "256")]
    size: SizeRequest,

    /// Iterations of L-BFGS for each picture
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    iterations: u32,

    /// Seed of the noise: another number, other pictures
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
    run: Run,
}

impl Explain {
    /// Makes the pictures, and writes the figure.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn run(&self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let begin = Instant::now();
        let output = OutputFile::new(&self.output)?;
        self.check_paths()?;
        let remark = |text: String| self.talk.remark(text);
        let content = open(&self.content, "content", remark)?;
        let style = open(&self.style, "style", remark)?;
        let mut painter = Painter::new(built_in, self.talk.quiet)?;
        let threads = self.network.machine.threads(1)?;
        let styles = self.panels(&mut painter, &threads, Inputs::style(style.clone()))?;
        let contents = self.panels(&mut painter, &threads, Inputs::content(content.clone()))?;
        painter.drop_weights();
        let columns = LAYERS.map(|(layer, _)| layer.to_owned());
        let mut figure = Figure {
            columns: [&["original".to_owned()][..], &columns].concat(),
            rows: vec![
                row(["Style", "up to this layer"], &style, &styles),
                row(["Content", "at this layer"], &content, &contents),
            ],
        };
        output.check_size(figure.size())?;
        drop((content, style));

        let count = styles.len() + contents.len();
        let panels = [styles, contents].into_iter().enumerate();
        let panels =
            panels.flat_map(|(row, panels)| panels.into_iter().map(move |panel| (row, panel)));
        for (number, (row, panel)) in (1..).zip(panels) {
            self.talk
                .remark(format_args!("panel {number} of {count}: {}", panel.title));
            let painted = threads.install(|| self.paint(&panel.run, &painter))?;
            figure.rows[row].pictures.push(Some(painted));
            if painter.interrupted() {
                break;
            }
        }
        write_or_rescue(&output, &FloatPicture::from(&figure.draw()))?;
        self.talk.remark(format_args!(
            "wrote {} ({}, in {})",
            output.path().display(),
            figure.size(),
            duration(begin.elapsed())
        ));
        let early = painter.interrupted();
        Ok(if early { Ended::Early } else { Ended::Finished }.into())
    }

    /// Checks that the figure replaces none of the files that are read.
    fn check_paths(&self) -> anyhow::Result<()> {
        let mut paths = RunPaths::default();
        let weights = self.network.named_weights();
        let read = [&self.content, &self.style].into_iter().chain(&weights);
        read.for_each(|file| paths.add_read(file));
        paths.add_written("--output", &self.output)
    }

    /// The runs of one row, ready to begin.
    fn panels(
        &self,
        painter: &mut Painter,
        threads: &ThreadPool,
        inputs: Inputs,
    ) -> anyhow::Result<Vec<Panel>> {
        let engine = self.network.machine.engine()?;
        // The deepest network comes first, and serves the others.
        let mut panels = Vec::new();
        for number in (0..LAYERS.len()).rev() {
            let (last, _) = LAYERS[number];
            let (title, first) = match inputs.content {
                Some(_) => (format!("content at {last}"), number),
                None => (format!("style up to {last}"), 0),
            };
            let settings = self.settings(&LAYERS[first..=number], inputs.content.is_some());
            let run = self.prepare(painter, threads, engine, inputs.clone(), settings)?;
            panels.push(Panel { title, run });
        }
        panels.reverse();
        Ok(panels)
    }

    fn prepare(
        &self,
        painter: &mut Painter,
        threads: &ThreadPool,
        engine: EngineKind,
        inputs: Inputs,
        settings: Settings,
    ) -> anyhow::Result<Run> {
        let stylization = Stylization::new(inputs).settings(settings).engine(engine);
        painter.prepare_run(&stylization, &self.network, threads)
    }

    /// The settings of a panel for these layers.
    fn settings(&self, layers: &[(&str, f64)], of_content: bool) -> Settings {
        let layers = Layers::from(layers);
        let reconstruct = Recipe::preset("reconstruct").expect("it is built in");
        Settings {
            size: self.size,
            iterations: self.iterations,
            scales: Scales::Count(1),
            // What a layer knows of a photograph includes its edges.
            border: if of_content { 0 } else { 8 },
            style_margin: 0.04,
            content_layers: layers.clone(),
            style_layers: layers,
            seed: self.seed,
            ..reconstruct.settings()
        }
    }

    /// Paints one picture.
    fn paint(&self, run: &Run, painter: &Painter) -> anyhow::Result<Picture> {
        let shown = !self.talk.quiet && std::io::stderr().is_terminal();
        let mut progress = shown.then(|| Progress::new(run.iterations()));
        let painted = run.run(|step| {
            if let Some(progress) = &mut progress {
                progress.observe(step);
            }
            break_if(painter.interrupted())
        });
        if let Some(progress) = progress {
            progress.finish();
        }
        Ok(painted?.picture.to_picture())
    }
}

/// A row that begins with `original`, at the size of the panels after it.
fn row(title: [&str; 2], original: &Picture, panels: &[Panel]) -> Row {
    let size = panels[0].run.size();
    Row {
        title: title.map(str::to_owned).into(),
        size,
        pictures: vec![Some(original.fit(size))],
    }
}
