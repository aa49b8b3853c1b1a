//! What `--verbose` says before a run.

use super::progress::iterations;
use crate::cli::args::{TalkOptions, cpu_features, engine_name};
use crate::cli::request::RunRequest;
use crate::engine::EngineKind;
use crate::files::picture::Size;
use crate::files::weights::{Loaded, Source};
use crate::painting::{Inputs, Layers, OptimizerKind, Run, Tiles};
use rayon::ThreadPool;
use std::path::PathBuf;

/// The pictures of a run, for a line on each.
pub struct Originals {
    talk: TalkOptions,
    content: Option<(PathBuf, Size)>,
    styles: Vec<(PathBuf, Size)>,
}

/// The pictures of a run.
pub fn originals(request: &RunRequest, inputs: &Inputs) -> Originals {
    let content = inputs.content.as_ref().map(|content| content.size());
    let styles = inputs.styles().map(|style| style.picture.size());
    Originals {
        talk: request.reports.talk,
        content: request.files.content.clone().zip(content),
        styles: request.files.style.iter().cloned().zip(styles).collect(),
    }
}

impl Originals {
    /// Prints a line on each picture.
    pub fn print(&self, run: &Run) {
        if let Some((file, size)) = &self.content {
            let shown = file.display();
            self.talk.detail(format_args!("content   {shown}, {size}"));
        }
        for ((file, size), seen_at) in self.styles.iter().zip(run.style_sizes()) {
            let shown = file.display();
            self.talk
                .detail(format_args!("style     {shown}, {size}, seen at {seen_at}"));
        }
    }
}

/// Network, origin, format and convention of weights.
pub fn weights(source: &Source, loaded: &Loaded) -> String {
    format!(
        "{} from {source}, {}, {}",
        loaded.weights.architecture().name,
        loaded.format,
        loaded.convention
    )
}

/// Prints settings, sizes and machine.
pub fn settings(request: &RunRequest, run: &Run, engine: EngineKind, threads: &ThreadPool) {
    let (talk, settings) = (request.reports.talk, &request.settings);
    let list = |layers: &Layers| {
        let layers: Vec<_> = layers.0.iter().map(ToString::to_string).collect();
        layers.join(" ")
    };
    if request.files.content.is_some() {
        talk.detail(format_args!(
            "content × {}: {}",
            settings.content_weight,
            list(&settings.content_layers)
        ));
    }
    talk.detail(format_args!(
        "style   × {}: {}",
        settings.style_weight,
        list(&settings.style_layers)
    ));
    talk.detail(format_args!(
        "tv      × {}, {} pooling, {} engine",
        settings.tv_weight,
        settings.pooling,
        engine_name(engine)
    ));
    talk.detail(format_args!(
        "optimizer {}, {}, learning rate {}, from {}, seed {}",
        settings.optimizer,
        iterations(run.iterations()),
        settings.learning_rate,
        settings.init,
        settings.seed
    ));
    let sizes: Vec<_> = run.sizes().iter().map(ToString::to_string).collect();
    let coarser = match &sizes[..] {
        [coarser @ .., _] if !coarser.is_empty() => format!(", after {}", coarser.join(", ")),
        _ => String::new(),
    };
    talk.detail(format_args!("painted   at {}{coarser}", run.size()));
    talk.detail(format_args!(
        "machine   {} threads, {}",
        threads.current_num_threads(),
        cpu_features()
    ));
}

/// Says so if the picture is painted in tiles, and how.
pub fn tiles(request: &RunRequest, run: &Run, processes: usize) {
    let talk = request.reports.talk;
    let Some(Tiles {
        tiling,
        on_disk,
        history,
    }) = run.tiles()
    else {
        return;
    };
    let (rows, columns) = tiling.counts();
    let by = match processes {
        1 => String::new(),
        _ => format!("by {processes} processes, the first "),
    };
    talk.remark(format_args!(
        "painting {} {by}in {rows}x{columns} tiles{}, with the losses of the whole picture",
        run.size(),
        if on_disk { " and scratch files" } else { "" }
    ));
    if request.settings.optimizer == OptimizerKind::Lbfgs
        && history < request.settings.history as usize
    {
        talk.remark(format_args!(
            "L-BFGS remembers {history} steps: the folder for scratch files has no space for more; name another one with --scratch"
        ));
    }
    let twice = tiling.read_area() as f64 / tiling.own_area().max(1) as f64 - 1.0;
    talk.detail(format_args!(
        "tiles     of up to {:.2} million pixels; {:.0} % of the pixels are read a second time",
        tiling.largest_area() as f64 / 1e6,
        100.0 * twice.max(0.0)
    ));
}
