//! Runs a [`RunRequest`]: reads its files, paints, and writes the picture.

pub mod animation;
pub mod checkpoints;
mod describe;
pub mod interrupt;
mod observers;
pub mod paths;
mod prepared;
pub mod processes;
pub mod progress;
pub mod report;
pub mod rescue;
pub mod supervisor;

pub use prepared::Ended;
pub use processes::Resumed;
pub use supervisor::break_if;

use super::args::{NetworkOptions, load_weights};
use super::request::RunRequest;
use super::request::embedded::output_file;
use super::terminal::say;
use crate::engine::EngineKind;
use crate::files::picture::OutputFile;
use crate::files::weights::{self, Loaded, Source};
use crate::method::Communicator;
use crate::painting::{Inputs, NetworkCache, Run, Stylization, processes_of_this_machine};
use anyhow::anyhow;
use describe::Originals;
use interrupt::Interrupt;
use prepared::Prepared;
use processes::{Team, agree};
use rayon::ThreadPool;
use report::{Detail, Machine, ReportFile, RunReport, run_page};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use supervisor::{CtrlC, Supervisor, Unfinished};

/// Paints runs one after the other, with the same weights and, where it fits, the same network.
pub struct Painter {
    built_in: Option<&'static [u8]>,
    interrupt: Interrupt,
    networks: Arc<Mutex<NetworkCache>>,
    weights: Option<Arc<Loaded>>,
    /// Where they are from.
    source: Option<Source>,
    /// Whether there are many runs, all with the same weights. Then the weights are retained, and unfinished pictures are not
    /// written.
    many: bool,
    team: Team,
    /// How much is kept of each run for a page about all of them, if there is one.
    pub detail: Option<Detail>,
    /// What is kept of the last run, if it is for such a page.
    pub report: Option<RunReport>,
}

/// What a run is made of, as its files have it.
struct Found {
    output: OutputFile,
    engine: EngineKind,
    originals: Originals,
    inputs: Inputs,
    weights: Source,
    /// What is said about the weights.
    network: String,
    /// For a page about the run, if there is one.
    report: Option<report::Originals>,
}

impl Painter {
    /// Watches for Ctrl-C from now on. `built_in` is a weights file inside the program.
    ///
    /// # Errors
    /// If the system does not allow it.
    pub fn new(built_in: Option<&'static [u8]>, quiet: bool) -> anyhow::Result<Self> {
        let what_happens = "and the picture so far is written";
        Self::watching(built_in, quiet, what_happens, false)
    }

    /// The same for many runs with one network. Pictures of unfinished runs are not written: a picture in its place is always a
    /// finished one.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_many(built_in: Option<&'static [u8]>, quiet: bool) -> anyhow::Result<Self> {
        let what_happens = "and the same command continues later";
        Self::watching(built_in, quiet, what_happens, true)
    }

    fn watching(
        built_in: Option<&'static [u8]>,
        quiet: bool,
        what_happens: &'static str,
        many: bool,
    ) -> anyhow::Result<Self> {
        let interrupt = Interrupt::watch(move || {
            if !quiet {
                if std::io::stderr().is_terminal() {
                    say(format_args!("")); // leaves the line of the progress bar
                }
                say(format_args!(
                    "ending after this iteration, {what_happens}; Ctrl-C again ends at once"
                ));
            }
        })?;
        Ok(Self::with(built_in, interrupt, many))
    }

    fn with(built_in: Option<&'static [u8]>, interrupt: Interrupt, many: bool) -> Self {
        Self {
            built_in,
            interrupt,
            networks: Arc::default(),
            weights: None,
            source: None,
            many,
            team: Team::alone(),
            detail: None,
            report: None,
        }
    }

    /// The same for many runs that others [supervise](Self::paint_under). Ctrl-C is theirs to watch for.
    #[cfg(feature = "studio")]
    pub fn supervised(built_in: Option<&'static [u8]>) -> Self {
        Self::with(built_in, Interrupt::default(), true)
    }

    /// Another one, for another thread, with the same weights and, where it fits, the same network.
    #[cfg(feature = "studio")]
    pub fn beside(&self) -> Self {
        Self {
            networks: self.networks.clone(),
            weights: self.weights.clone(),
            source: self.source.clone(),
            ..Self::supervised(self.built_in)
        }
    }

    /// The same for the first of several processes that paint one picture.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn first_of(
        team: Team,
        built_in: Option<&'static [u8]>,
        request: &RunRequest,
    ) -> anyhow::Result<Self> {
        let ranks = team.world().ranks();
        if ranks == 1 {
            return Self::new(built_in, request.reports.talk.quiet);
        }
        let line = processes::ending_message(ranks, request.checkpoints.checkpoint.as_deref());
        let interrupt = Interrupt::watch(move || say(format_args!("{line}")))?;
        Ok(Self {
            team,
            ..Self::with(built_in, interrupt, false)
        })
    }

    /// Whether Ctrl-C was pressed.
    pub fn interrupted(&self) -> bool {
        self.interrupt.pressed()
    }

    /// Reads the weights, unless they have been read. Returns where they are from, and the weights.
    ///
    /// # Errors
    /// If there are none, or they cannot be read.
    pub fn read_weights(&mut self, network: &NetworkOptions) -> anyhow::Result<(Source, &Loaded)> {
        let program = std::env::current_exe().ok();
        let source = weights::locate(network.named_weights(), self.built_in, program.as_deref())?;
        let same = match (&self.source, &source) {
            (Some(Source::File(before)), Source::File(now)) => before == now,
            (Some(Source::BuiltIn(_)), Source::BuiltIn(_)) => true,
            _ => false,
        };
        if !same {
            (self.weights, self.networks) = (None, Arc::default());
            self.source = Some(source.clone());
        }
        let loaded = match self.weights.take() {
            Some(loaded) => loaded,
            None => Arc::new(load_weights(&source, network.weights_convention)?),
        };
        Ok((source, self.weights.insert(loaded)))
    }

    /// Prepares a run with the weights and, if it is the right one, the network of the run before.
    ///
    /// # Errors
    /// If the weights cannot be read, or the run cannot begin.
    pub fn prepare_run(
        &mut self,
        stylization: &Stylization,
        network: &NetworkOptions,
        threads: &ThreadPool,
    ) -> anyhow::Result<Run> {
        self.read_weights(network)?;
        let weights = &self.weights.as_ref().expect("they have been read").weights;
        // A run that panicked leaves a cache that can be used.
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let networks = &mut *networks;
        Ok(threads.install(|| stylization.prepare_with(weights, networks))?)
    }

    /// Frees the memory of the weights. Networks have their own copies.
    pub fn drop_weights(&mut self) {
        self.weights = None;
    }

    /// Paints, and writes the picture. Ctrl-C ends the run early.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn paint(
        &mut self,
        request: &RunRequest,
        resumed: Option<Resumed>,
    ) -> anyhow::Result<Ended> {
        let mut ctrl_c = CtrlC {
            interrupt: self.interrupt.clone(),
            unfinished: if self.many {
                Unfinished::Discard
            } else {
                Unfinished::Write
            },
            pressed: false,
        };
        self.paint_under(request, resumed, &mut ctrl_c)
    }

    /// Paints, and writes the picture. The `supervisor` may end the run early.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn paint_under(
        &mut self,
        request: &RunRequest,
        resumed: Option<Resumed>,
        supervisor: &mut dyn Supervisor,
    ) -> anyhow::Result<Ended> {
        let engine = resumed.as_ref().map(|resumed| resumed.engine);
        self.report = None;
        let mut found = self.read(request, engine)?;
        let report = found.report.take();
        if let Some(loaded) = &self.weights {
            self.team.send(request, &found.inputs, &loaded.weights)?;
        }
        let (engine, world) = (found.engine, self.team.world().clone());
        let here = processes_of_this_machine(&*world);
        let threads = agree(&*world, request.network.machine.threads(here))?;
        let prepared = agree(&*world, self.prepare(request, found, threads))?;
        processes::compare_engines(engine, &*world);
        if !self.many {
            self.drop_weights();
        }
        let machine = Machine {
            engine,
            threads: prepared.threads.current_num_threads(),
            processes: world.ranks(),
        };
        self.report = report.map(|originals| {
            RunReport::new(
                originals,
                request,
                &prepared.run,
                &machine,
                resumed.as_ref(),
            )
        });
        let ended = prepared.paint(supervisor, resumed, self.report.as_mut());
        if let Some(file) = &request.reports.report {
            self.write_report(file);
        }
        ended
    }

    /// Writes the page about the run that has ended, if it has a picture. Warns if that fails: the picture is there.
    fn write_report(&mut self, file: &Path) {
        let Some(report) = self.report.take().filter(RunReport::is_finished) else {
            return;
        };
        let written = ReportFile::new(file).and_then(|file| Ok(file.write(&run_page(&report))?));
        if let Err(error) = written {
            say(format_args!("warning: no report: {error:#}"));
        }
    }

    /// Checks the files of a run, and reads them. `engine` is that of a run that is resumed.
    fn read(&mut self, request: &RunRequest, engine: Option<EngineKind>) -> anyhow::Result<Found> {
        let output = output_file(request)?;
        let named_weights = request.network.named_weights();
        paths::check(request, named_weights.as_deref(), engine.is_some())?;
        let engine = match engine {
            Some(engine) => engine,
            None => request.network.machine.engine()?,
        };
        let talk = request.reports.talk;
        let inputs = request.open(|text| talk.remark(text))?;
        let originals = describe::originals(request, &inputs);
        let page = (request.reports.report.is_some()).then_some(Detail::PAGE);
        let detail = self.detail.or(page);
        let (weights, loaded) = self.read_weights(&request.network)?;
        let network = describe::weights(&weights, loaded);
        let report = detail
            .map(|detail| report::Originals::new(detail, request, &inputs, (&weights, loaded)));
        Ok(Found {
            output,
            engine,
            originals,
            inputs,
            weights,
            network,
            report,
        })
    }

    /// Checks everything else before the first iteration, and last writes the settings file, if one is asked for.
    fn prepare<'a>(
        &mut self,
        request: &'a RunRequest,
        found: Found,
        threads: ThreadPool,
    ) -> anyhow::Result<Prepared<'a>> {
        let Found { output, engine, .. } = found;
        let world = self.team.world().clone();
        let talk = request.reports.talk;
        let begin = Instant::now();
        let machine = &request.network.machine;
        machine.remark().iter().for_each(|line| talk.remark(line));
        let stylization = stylization(request, found.inputs, engine, &world);
        let run = self.prepare_run(&stylization, &request.network, &threads)?;
        output.check_size(run.size())?;
        if let Some(file) = &request.save_settings {
            let error = |error| anyhow!("{}: --save-settings: {error}", file.display());
            request.settings.save(file).map_err(error)?;
        }
        let (network, ready) = (found.network, begin.elapsed().as_secs_f64());
        talk.detail(format_args!("weights   {network}, ready in {ready:.2} s"));
        found.originals.print(&run);
        describe::settings(request, &run, engine, &threads);
        describe::tiles(request, &run, world.ranks());
        Ok(Prepared {
            request,
            run,
            output,
            threads,
            engine,
            weights: found.weights,
            world,
        })
    }
}

/// What the processes of this `world` are to paint.
fn stylization(
    request: &RunRequest,
    inputs: Inputs,
    engine: EngineKind,
    world: &Arc<dyn Communicator>,
) -> Stylization {
    Stylization::new(inputs)
        .settings(request.settings.clone())
        .engine(engine)
        .memory(request.memory.beside(&request.files.output))
        .world(world.clone())
}
