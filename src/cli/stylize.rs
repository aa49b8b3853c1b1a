//! `impasto stylize`: one photograph, one painting, one picture.

use super::interrupt::{self, Interrupt};
use super::machine::{MachineOptions, cpu_features, engine_name};
use super::options::{PaintOptions, init, init_file, open};
use super::weights::{load, weights_variable};
use super::{say, whereabouts};
use anyhow::{Context, anyhow, ensure};
use clap::Args;
use impasto::picture::{Canvas, OutputFile, Picture};
use impasto::report::{FrameSchedule, Frames, Log, Progress, duration};
use impasto::stylize::{LayerWeight, Settings, Step, Stylization, StylizeError};
use impasto::weights::{self, Convention};
use std::fmt::Display;
use std::io::IsTerminal;
use std::ops::ControlFlow;
#[cfg(unix)]
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Paint a photograph in the style of a painting
///
/// With no option it is the classic recipe, 512 pixels along the long edge. For a first look try --size 256 --iterations 100.
#[derive(Args)]
pub struct Stylize {
    /// The photograph: what to paint
    content: PathBuf,

    /// The painting: how to paint it
    style: PathBuf,

    /// The file to write; its ending says in which format (png, jpg, webp, tif, …)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    #[command(flatten)]
    paint: PaintOptions,

    /// Network weights, VGG-16 or VGG-19: a .safetensors, .pth, .mat, .h5 or .npz file [default: VGG-16, built in]
    /// [env: IMPASTO_WEIGHTS]
    #[arg(long, value_name = "FILE", help_heading = "Network and machine")]
    weights: Option<PathBuf>,

    /// The pixels that the network was trained on, where the file tells them wrong: caffe-rgb, caffe-bgr or torchvision
    #[arg(long, value_name = "NAME", help_heading = "Network and machine")]
    weights_convention: Option<Convention>,

    #[command(flatten)]
    machine: MachineOptions,

    /// Keep pictures of the run in this folder: 00020.png is the one after iteration 20
    #[arg(long, value_name = "DIR", help_heading = "Reports")]
    frames: Option<PathBuf>,

    /// After which iterations: classic is 1, 2, 3, 4, 5, 10, 20 and then every 20th; N is every Nth
    #[arg(
        long,
        value_name = "classic|N",
        default_value = "classic",
        requires = "frames",
        help_heading = "Reports"
    )]
    frames_at: FrameSchedule,

    /// Write the losses to this file, a JSON object a line, a line an iteration
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    log: Option<PathBuf>,

    /// Say nothing but errors
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Reports")]
    quiet: bool,

    /// Say settings, sizes, CPU features and timings too
    #[arg(short, long, help_heading = "Reports")]
    verbose: bool,
}

impl Stylize {
    /// Paints, and writes the picture.
    ///
    /// # Errors
    /// What went wrong, to be shown to the user.
    pub fn run(&self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        // Everything that can be wrong is found before the first iteration, and before anything is written.
        let output = OutputFile::new(&self.output)?;
        let named_weights = self.weights.clone().or_else(weights_variable);
        let recipe = self.paint.recipe()?;
        self.check_places(named_weights.as_deref(), init_file(&recipe))?;
        let engine = self.machine.engine()?;
        let init = init(&recipe, |remark| self.remark(remark))?;
        let settings = recipe.clone().settings(init, engine);
        let content = open(&self.content, "content", |remark| self.remark(remark))?;
        let style = open(&self.style, "style", |remark| self.remark(remark))?;
        let begin = Instant::now();
        let program = std::env::current_exe().ok();
        let source = weights::locate(named_weights, built_in, program.as_deref())?;
        let loaded = load(&source, self.weights_convention)?;
        let weights = loaded.weights;
        let threads = self.machine.threads()?;
        let run = threads.install(|| Stylization::new(&weights, &content, &style, &settings))?;
        self.detail(format_args!(
            "weights   {} from {source}, {}, {}, ready in {:.2} s",
            weights.architecture().name,
            loaded.format,
            loaded.convention,
            begin.elapsed().as_secs_f64()
        ));
        output.check_size(run.size())?;
        if let Some(place) = self.paint.save_settings() {
            let trouble = |trouble| anyhow!("{}: --save-settings: {trouble}", place.display());
            recipe.save(place).map_err(trouble)?;
        }
        let begins = recipe.init.as_deref().unwrap_or("noise");
        self.describe(&settings, begins, (&content, &style), &run, &threads);
        let iterations = run.iterations();
        // At full size these may be larger than all that the run needs.
        drop((weights, content, style, settings));

        let quiet = self.quiet;
        let interrupt = Interrupt::watch(move || {
            if !quiet {
                if std::io::stderr().is_terminal() {
                    say(format_args!("")); // leaves the line of the progress bar
                }
                say(format_args!(
                    "ending after this iteration, and keeping its picture; Ctrl-C again ends at once"
                ));
            }
        })?;
        let mut reports = Reports::create(self, iterations)?;
        let mut seconds = 0.0;
        let watch = |step: &Step| {
            seconds = step.elapsed.as_secs_f64();
            reports.observe(step);
            if interrupt.pressed() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let begin = Instant::now();
        let painted = threads.install(|| run.run(watch));
        reports.finish();
        let painting = painted.map_err(|error| keep_last_good(error, &output))?;
        keep(&output, &painting.picture)?;
        self.detail(format_args!(
            "time      {:.3} s an iteration",
            seconds / painting.iterations as f64
        ));
        self.remark(format_args!(
            "wrote {} ({}, {} iterations in {})",
            output.path().display(),
            painting.picture.size(),
            painting.iterations,
            duration(begin.elapsed())
        ));
        // A run that was asked to end during its last iteration has not been cut short.
        Ok(if painting.iterations < iterations {
            ExitCode::from(interrupt::EXIT_CODE)
        } else {
            ExitCode::SUCCESS
        })
    }

    /// Says something unless told to be quiet.
    fn remark(&self, text: impl Display) {
        if !self.quiet {
            say(format_args!("{text}"));
        }
    }

    /// Says something if told to be talkative.
    fn detail(&self, text: impl Display) {
        if self.verbose {
            say(format_args!("{text}"));
        }
    }

    /// Refuses places for reports that cannot be, and outputs that would replace an input or each other.
    fn check_places(&self, weights: Option<&Path>, init: Option<&Path>) -> anyhow::Result<()> {
        let inputs = [self.content.as_path(), &self.style]
            .into_iter()
            .chain(init)
            .chain(weights);
        let inputs: Vec<_> = inputs.map(whereabouts).collect();
        let output = whereabouts(&self.output);
        ensure!(
            !inputs.contains(&output),
            "{}: --output would replace a file that is read; name another",
            self.output.display()
        );
        if let Some(log) = &self.log {
            let place = whereabouts(log);
            ensure!(
                place != output && !inputs.contains(&place),
                "{}: --log would replace another file of this run; name another",
                log.display()
            );
            let folder = log.parent().filter(|folder| *folder != Path::new(""));
            ensure!(
                folder.is_none_or(Path::is_dir),
                "{}: there is no folder {} for the log",
                log.display(),
                folder.unwrap_or(Path::new("")).display()
            );
            ensure!(
                !log.is_dir(),
                "{}: this is a folder; name a file for the log",
                log.display()
            );
            #[cfg(unix)]
            ensure!(
                !log.metadata().is_ok_and(|file| file.file_type().is_fifo()),
                "{}: the log would wait for somebody to read this pipe; name a file",
                log.display()
            );
        }
        if let Some(frames) = &self.frames {
            ensure!(
                frames.is_dir() || !frames.exists(),
                "{}: this is not a folder; name one for the frames",
                frames.display()
            );
            let inside = |place: &PathBuf| place.parent() == Some(&whereabouts(frames));
            ensure!(
                !inputs
                    .iter()
                    .chain([&output])
                    .any(|place| inside(place) && Frames::may_replace(place)),
                "{}: a frame would replace another file of this run; name another folder",
                frames.display()
            );
        }
        Ok(())
    }

    fn describe(
        &self,
        settings: &Settings,
        begins: &str,
        (content, style): (&Picture, &Picture),
        run: &Stylization,
        threads: &rayon::ThreadPool,
    ) {
        let list = |layers: &[LayerWeight]| {
            let layers: Vec<_> = layers.iter().map(ToString::to_string).collect();
            layers.join(" ")
        };
        self.detail(format_args!(
            "content   {}, {}, painted at {}{}",
            self.content.display(),
            content.size(),
            run.size(),
            match run.sizes().split_last() {
                Some((_, coarser)) if !coarser.is_empty() => {
                    let coarser: Vec<_> = coarser.iter().map(ToString::to_string).collect();
                    format!(", after {}", coarser.join(", "))
                }
                _ => String::new(),
            }
        ));
        self.detail(format_args!(
            "style     {}, {}, seen at {}",
            self.style.display(),
            style.size(),
            run.style_size()
        ));
        self.detail(format_args!(
            "content × {}: {}",
            settings.content_weight,
            list(&settings.content_layers)
        ));
        self.detail(format_args!(
            "style   × {}: {}",
            settings.style_weight,
            list(&settings.style_layers)
        ));
        self.detail(format_args!(
            "tv      × {}, {:?} pooling, {} engine",
            settings.tv_weight,
            settings.pooling,
            engine_name(settings.engine)
        ));
        self.detail(format_args!(
            "optimizer {:?}, {} iterations, learning rate {}, from {}, seed {}",
            settings.optimizer,
            run.iterations(),
            settings.learning_rate,
            begins,
            settings.seed
        ));
        self.detail(format_args!(
            "machine   {} threads, {}",
            threads.current_num_threads(),
            cpu_features()
        ));
    }
}

/// Those who watch the run. One that fails says so once and is dropped; the run goes on.
struct Reports {
    progress: Option<Progress>,
    log: Option<Log>,
    frames: Option<Frames>,
}

impl Reports {
    fn create(command: &Stylize, iterations: usize) -> anyhow::Result<Self> {
        let frames = command.frames.clone().map(|folder| {
            let name = folder.display().to_string();
            Frames::create(folder, command.frames_at)
                .with_context(|| format!("{name}: no frames can be kept there"))
        });
        let frames = frames.transpose()?;
        let log = command.log.as_deref().map(|path| {
            Log::create(path).with_context(|| format!("{}: no log can be made", path.display()))
        });
        Ok(Self {
            log: log.transpose()?,
            frames,
            progress: (!command.quiet).then(|| Progress::new(iterations)),
        })
    }

    fn observe(&mut self, step: &Step) {
        if let Some(Err(error)) = self.log.as_mut().map(|log| log.observe(step)) {
            self.warn(format_args!("warning: nothing more can be logged: {error}"));
            self.log = None;
        }
        if let Some(Err(error)) = self.frames.as_mut().map(|frames| frames.observe(step)) {
            self.warn(format_args!("warning: no more frames: {error}"));
            self.frames = None;
        }
        if let Some(progress) = &mut self.progress {
            progress.observe(step);
        }
    }

    /// Says something without writing into the progress bar.
    fn warn(&self, warning: std::fmt::Arguments) {
        match &self.progress {
            Some(progress) => progress.suspend(|| say(warning)),
            None => say(warning),
        }
    }

    fn finish(&self) {
        if let Some(progress) = &self.progress {
            progress.finish();
        }
    }
}

/// Writes the picture; if its place no longer takes it, writes it where temporary files go, so that the work is not lost.
fn keep(output: &OutputFile, picture: &Canvas) -> anyhow::Result<()> {
    let Err(error) = output.write(picture) else {
        return Ok(());
    };
    let rescue = std::env::temp_dir().join(format!("impasto-{}.png", std::process::id()));
    match OutputFile::new(&rescue).and_then(|place| place.write(picture)) {
        Ok(()) => Err(anyhow!(
            "{error}; the picture is in {} instead",
            rescue.display()
        )),
        Err(second) => Err(anyhow!("{error}; nor could it be kept elsewhere: {second}")),
    }
}

/// Keeps the last good picture of a run that went out of bounds.
fn keep_last_good(error: StylizeError, output: &OutputFile) -> anyhow::Error {
    match &error {
        StylizeError::Diverged {
            last_good: Some(picture),
            ..
        } => match keep(output, picture) {
            Ok(()) => anyhow!(
                "{error}; the last good picture is in {}",
                output.path().display()
            ),
            Err(second) => anyhow!("{error}; {second}"),
        },
        _ => error.into(),
    }
}
