//! Doing what an [`Order`] asks for, from the files to the file.

use super::checkpoints::{About, Checkpoints};
use super::interrupt::{self, Interrupt};
use super::keep::{Watch, keep, keep_last_good};
use super::machine::{cpu_features, engine_name};
use super::options::init;
use super::order::{NetworkOptions, Order};
use super::reports::Reports;
use super::say;
use super::weights::{load, weights_variable};
use anyhow::{anyhow, ensure};
use impasto::ops::conv::Engine;
use impasto::report::duration;
use impasto::stylize::{Inputs, LayerWeight, Networks, Recipe, Settings, State, Step, Stylization};
use impasto::weights::{self, Loaded};
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Instant;

/// What paints: weights and a network, kept from one run to the next.
pub struct Painter {
    built_in: Option<&'static [u8]>,
    interrupt: Interrupt,
    networks: Networks,
    /// While they are needed.
    weights: Option<Loaded>,
    /// Whether there are many runs, all with the same weights: then those are kept, and no unfinished picture is.
    many: bool,
}

/// A run that is taken up again.
pub struct Resumed {
    pub state: State,
    /// The engine that it was begun with.
    pub engine: Engine,
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Finished,
    /// By Ctrl-C, before its last iteration.
    Early,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Finished => Self::SUCCESS,
            Ended::Early => Self::from(interrupt::EXIT_CODE),
        }
    }
}

impl Painter {
    /// Watches for Ctrl-C from now on. `built_in` is a weights file inside the program.
    ///
    /// # Errors
    /// If the system does not let us.
    pub fn new(built_in: Option<&'static [u8]>, quiet: bool) -> anyhow::Result<Self> {
        let keeping = "and keeping its picture";
        Self::watching(built_in, quiet, keeping, false)
    }

    /// As [`new`](Self::new), for many runs that have one network. The pictures of those that do not come to their end are not
    /// kept, since a picture in its place is to be a finished one.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_many(built_in: Option<&'static [u8]>, quiet: bool) -> anyhow::Result<Self> {
        let going_on = "the same command goes on later";
        Self::watching(built_in, quiet, going_on, true)
    }

    fn watching(
        built_in: Option<&'static [u8]>,
        quiet: bool,
        then: &'static str,
        many: bool,
    ) -> anyhow::Result<Self> {
        let interrupt = Interrupt::watch(move || {
            if !quiet {
                if std::io::stderr().is_terminal() {
                    say(format_args!("")); // leaves the line of the progress bar
                }
                say(format_args!(
                    "ending after this iteration, {then}; Ctrl-C again ends at once"
                ));
            }
        })?;
        Ok(Self {
            built_in,
            interrupt,
            networks: Networks::default(),
            weights: None,
            many,
        })
    }

    /// Whether Ctrl-C was pressed.
    pub fn interrupted(&self) -> bool {
        self.interrupt.pressed()
    }

    /// Reads the weights unless they are there. Where they are from.
    ///
    /// # Errors
    /// If there are none, or they cannot be read.
    pub fn read_weights(&mut self, network: &NetworkOptions) -> anyhow::Result<weights::Source> {
        let program = std::env::current_exe().ok();
        let named = network.weights.clone().or_else(weights_variable);
        let source = weights::locate(named, self.built_in, program.as_deref())?;
        if self.weights.is_none() {
            self.weights = Some(load(&source, network.weights_convention)?);
        }
        Ok(source)
    }

    /// Checks that the network that was read has the layers of a recipe.
    ///
    /// # Errors
    /// Which it has not.
    pub fn check_layers(&self, recipe: &Recipe) -> anyhow::Result<()> {
        let layers = recipe.content_layers.iter().chain(&recipe.style_layers);
        for layer in layers.flat_map(|layers| &layers.0) {
            if let Some(Loaded { weights, .. }) = &self.weights {
                let number = weights.architecture().find(&layer.layer)?;
                ensure!(
                    number < weights.depth(),
                    "the weights do not reach down to layer {}",
                    layer.layer
                );
            }
        }
        Ok(())
    }

    /// Paints, and writes the picture.
    ///
    /// # Errors
    /// What went wrong, to be shown to the user.
    pub fn paint(&mut self, order: &Order, resumed: Option<Resumed>) -> anyhow::Result<Ended> {
        // Everything that can be wrong is found before the first iteration, and before anything is written.
        let talk = order.reports.talk;
        let output = order.output()?;
        let named_weights = order.network.weights.clone().or_else(weights_variable);
        order.check_places(named_weights.as_deref(), resumed.is_some())?;
        let engine = match &resumed {
            Some(resumed) => resumed.engine,
            None => order.network.machine.engine()?,
        };
        let remark = |text: String| talk.remark(text);
        let init = init(&order.recipe, remark)?;
        let settings = order.recipe.clone().settings(init, engine);
        let inputs = order.files.open(remark)?;
        let begin = Instant::now();
        let source = self.read_weights(&order.network)?;
        let loaded = self.weights.as_ref().expect("they have been read");
        let threads = order.network.machine.threads()?;
        let run = threads.install(|| {
            Stylization::sharing(&mut self.networks, &loaded.weights, &inputs, &settings)
        })?;
        talk.detail(format_args!(
            "weights   {} from {source}, {}, {}, ready in {:.2} s",
            loaded.weights.architecture().name,
            loaded.format,
            loaded.convention,
            begin.elapsed().as_secs_f64()
        ));
        output.check_size(run.size())?;
        if let Some(place) = &order.save_settings {
            let trouble = |trouble| anyhow!("{}: --save-settings: {trouble}", place.display());
            order.recipe.save(place).map_err(trouble)?;
        }
        describe(order, &settings, &inputs, &run, &threads);
        let iterations = run.iterations();
        // At full size these may be larger than all that the run needs.
        drop((inputs, settings));
        if !self.many {
            self.weights = None;
        }

        let mut checkpoints = Checkpoints::create(&order.checkpoints, || {
            let cpu = match engine {
                Engine::Fast(cpu) => Some(cpu.name().to_owned()),
                Engine::Reference => None,
            };
            let weights = match &source {
                weights::Source::File(file) => Some(file.as_path()),
                weights::Source::BuiltIn(_) => None,
            };
            let files: Vec<_> = order.inputs().chain(weights).collect();
            About::new(order, cpu, &files)
        })?;
        let done = resumed
            .as_ref()
            .map_or(0, |resumed| resumed.state.iterations());
        let mut reports = Reports::create(&order.reports, done, iterations)?;
        let mut place = Watch::new(&output);
        let mut seconds = 0.0;
        let watch = |step: &Step| {
            seconds = step.elapsed.as_secs_f64();
            reports.observe(step);
            if let Some(trouble) = place.trouble() {
                reports.warn(format_args!("warning: {trouble}"));
            }
            let pressed = self.interrupt.pressed();
            let written = checkpoints.as_mut().map(|checkpoints| match pressed {
                true => checkpoints.write(step.state),
                false => checkpoints.observe(step.state),
            });
            if let Some(Err(trouble)) = written {
                reports.warn(format_args!(
                    "warning: no checkpoint: {trouble}; the run goes on, and tries again"
                ));
            }
            if pressed {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let begin = Instant::now();
        let painted = threads.install(|| match resumed {
            None => run.run(watch),
            Some(resumed) => run.resume(resumed.state, watch),
        });
        reports.finish();
        let painting = painted.map_err(|error| match self.many {
            true => error.into(),
            false => keep_last_good(error, &output),
        })?;
        // A run that was asked to end during its last iteration has not been cut short.
        let early = painting.iterations < iterations;
        if early && self.many {
            return Ok(Ended::Early);
        }
        // Whatever becomes of the animation, the picture is there before.
        let kept = keep(&output, &painting.picture);
        reports.animate(&painting.picture.to_picture());
        kept?;
        talk.detail(format_args!(
            "time      {:.3} s an iteration",
            seconds / painting.iterations as f64
        ));
        talk.remark(format_args!(
            "wrote {} ({}, {} iterations in {})",
            output.path().display(),
            painting.picture.size(),
            painting.iterations,
            duration(begin.elapsed())
        ));
        if early {
            if let Some(path) = order.checkpoints.checkpoint.as_deref() {
                talk.remark(format_args!(
                    "impasto resume {} goes on from here",
                    path.display()
                ));
            }
            return Ok(Ended::Early);
        }
        if let Some(checkpoints) = checkpoints {
            checkpoints.remove();
        }
        Ok(Ended::Finished)
    }
}

/// Says what is about to be done.
fn describe(
    order: &Order,
    settings: &Settings,
    inputs: &Inputs,
    run: &Stylization,
    threads: &rayon::ThreadPool,
) {
    let talk = order.reports.talk;
    let list = |layers: &[LayerWeight]| {
        let layers: Vec<_> = layers.iter().map(ToString::to_string).collect();
        layers.join(" ")
    };
    let mut sizes: Vec<_> = run.sizes().iter().map(ToString::to_string).collect();
    sizes.pop();
    let coarser = match sizes.is_empty() {
        true => String::new(),
        false => format!(", after {}", sizes.join(", ")),
    };
    if let (Some(file), Some(content)) = (&order.files.content, &inputs.content) {
        talk.detail(format_args!(
            "content   {}, {}",
            file.display(),
            content.size()
        ));
        talk.detail(format_args!(
            "content × {}: {}",
            settings.content_weight,
            list(&settings.content_layers)
        ));
    }
    let seen = order
        .files
        .style
        .iter()
        .zip(&inputs.styles)
        .zip(run.style_sizes());
    for ((file, style), size) in seen {
        talk.detail(format_args!(
            "style     {}, {}, seen at {size}",
            file.display(),
            style.picture.size()
        ));
    }
    talk.detail(format_args!(
        "style   × {}: {}",
        settings.style_weight,
        list(&settings.style_layers)
    ));
    talk.detail(format_args!(
        "tv      × {}, {:?} pooling, {} engine",
        settings.tv_weight,
        settings.pooling,
        engine_name(settings.engine)
    ));
    talk.detail(format_args!(
        "optimizer {:?}, {} iterations, learning rate {}, from {}, seed {}",
        settings.optimizer,
        run.iterations(),
        settings.learning_rate,
        order.recipe.init.as_deref().unwrap_or("noise"),
        settings.seed
    ));
    talk.detail(format_args!("painted   at {}{coarser}", run.size()));
    talk.detail(format_args!(
        "machine   {} threads, {}",
        threads.current_num_threads(),
        cpu_features()
    ));
}
