//! A run that can begin: painting it, and writing the picture and whatever else is asked for.

use super::checkpoints::{Checkpoints, RunDescription, to_json};
use super::interrupt;
use super::observers::Observers;
use super::processes::{Resumed, agree, launched};
use super::progress::{duration, iterations};
use super::report::RunReport;
use super::rescue::{OutputWatch, rescue_last_good, write_or_rescue};
use super::supervisor::{Supervisor, Unfinished};
use crate::cli::request::RunRequest;
use crate::engine::EngineKind;
use crate::files::picture::OutputFile;
use crate::files::weights::Source;
use crate::method::Communicator;
use crate::painting::{Iteration, Painting, Run};
use rayon::ThreadPool;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Finished,
    /// By its supervisor, before its last iteration.
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

/// A run with everything that it needs.
pub struct Prepared<'a> {
    pub request: &'a RunRequest,
    pub run: Run,
    pub output: OutputFile,
    pub threads: ThreadPool,
    pub engine: EngineKind,
    pub weights: Source,
    pub world: Arc<dyn Communicator>,
}

impl Prepared<'_> {
    /// Paints, and writes the picture. The `report` collects what a page about the run shows.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn paint(
        self,
        supervisor: &mut dyn Supervisor,
        resumed: Option<Resumed>,
        report: Option<&mut RunReport>,
    ) -> anyhow::Result<Ended> {
        let done = (resumed.as_ref()).map_or(0, |resumed| resumed.state.iterations());
        let description = self.description();
        let sent = description
            .as_ref()
            .map_or_else(|_| Vec::new(), |text| text.clone().into_bytes());
        self.world.broadcast(sent);
        let watch = description.and_then(|text| Watch::new(&self, supervisor, done, text));
        let mut watch = agree(&*self.world, watch)?;
        watch.observers.report = report;
        let begin = Instant::now();
        let painted = self.threads.install(|| match resumed {
            None => self.run.run(|iteration| watch.observe(iteration)),
            Some(resumed) => self
                .run
                .resume(resumed.state, |iteration| watch.observe(iteration)),
        });
        watch.observers.finish();
        let unfinished = watch.supervisor.unfinished();
        let painting = painted.map_err(|error| match unfinished {
            Unfinished::Write => rescue_last_good(error, &self.output),
            Unfinished::Discard => error.into(),
        })?;
        let ended = self.write(painting, &mut watch, unfinished, begin);
        let finished = matches!(ended, Ok(Ended::Finished));
        self.world.broadcast(vec![u8::from(finished)]);
        if let (true, Some(checkpoints)) = (finished, watch.checkpoints) {
            checkpoints.remove();
        }
        ended
    }

    /// Writes the picture and the animation.
    fn write(
        &self,
        painting: Painting,
        watch: &mut Watch,
        unfinished: Unfinished,
        begin: Instant,
    ) -> anyhow::Result<Ended> {
        // If it was to end during the last iteration, the run is complete.
        let early = painting.iterations < self.run.iterations();
        if early && unfinished == Unfinished::Discard {
            return Ok(Ended::Early);
        }
        // The picture comes first: it is there whatever happens to the animation.
        let written = write_or_rescue(&self.output, &painting.picture);
        (watch.observers).write_animation(|| painting.picture.to_picture());
        watch.observers.finish_report(&painting);
        written?;
        self.report(&painting, watch, begin.elapsed());
        Ok(if early { Ended::Early } else { Ended::Finished })
    }

    /// Prints what was written. `now` is the time of this call, with that to write the files.
    fn report(&self, painting: &Painting, watch: &Watch, now: Duration) {
        let talk = self.request.reports.talk;
        let seconds = watch.elapsed.as_secs_f64() / painting.iterations as f64;
        talk.detail(format_args!("time      {seconds:.3} s an iteration"));
        if self.world.ranks() > 1 {
            talk.detail(format_args!(
                "sent      {:.3} MB an iteration, by all processes together",
                watch.sent as f64 / 1e6
            ));
        }
        talk.remark(format_args!(
            "wrote {} ({}, {} in {})",
            self.output.path().display(),
            painting.picture.size(),
            iterations(painting.iterations),
            duration(now)
        ));
        if painting.iterations < self.run.iterations()
            && let Some(path) = &self.request.checkpoints.checkpoint
        {
            let shown = path.display();
            let (launch, option) = launched(self.world.ranks());
            talk.remark(format_args!(
                "{launch}impasto resume {shown}{option} continues from here"
            ));
        }
    }

    /// What a checkpoint is to say about this run; nothing if there is none.
    fn description(&self) -> anyhow::Result<String> {
        let Some(checkpoint) = &self.request.checkpoints.checkpoint else {
            return Ok(String::new());
        };
        let weights = match &self.weights {
            Source::File(file) => Some(file.as_path()),
            Source::BuiltIn(_) => None,
        };
        let files: Vec<_> = self.request.inputs().chain(weights).collect();
        let ranks = self.world.ranks();
        to_json(
            &RunDescription::new(self.request, self.engine, &files, ranks)?,
            checkpoint,
        )
    }
}

/// What happens after each iteration.
struct Watch<'a> {
    observers: Observers<'a>,
    checkpoints: Option<Checkpoints>,
    output: OutputWatch<'a>,
    supervisor: &'a mut dyn Supervisor,
    /// The time of all iterations so far, also of those before the run was resumed.
    elapsed: Duration,
    /// Bytes that all processes sent in the last iteration.
    sent: u64,
}

impl<'a> Watch<'a> {
    /// For a run of which the first `done` iterations were done before it was resumed.
    fn new(
        run: &'a Prepared,
        supervisor: &'a mut dyn Supervisor,
        done: usize,
        description: String,
    ) -> anyhow::Result<Self> {
        let request = run.request;
        Ok(Self {
            checkpoints: Checkpoints::create(&request.checkpoints, 0, description)?,
            observers: Observers::create(&request.reports, done, run.run.iterations())?,
            output: OutputWatch::new(&run.output),
            supervisor,
            elapsed: Duration::ZERO,
            sent: 0,
        })
    }

    fn observe(&mut self, iteration: &Iteration) -> ControlFlow<()> {
        self.elapsed = iteration.elapsed;
        self.sent = iteration.sent;
        self.observers.observe(iteration);
        if let Some(warning) = self.output.warning() {
            self.observers.warn(format_args!("warning: {warning}"));
        }
        let must = self.supervisor.observe(iteration);
        let checkpoints = self.checkpoints.as_mut();
        let written = checkpoints.map(|c| c.observe(iteration, must));
        if let Some(Err(error)) = written {
            self.observers.warn(format_args!(
                "warning: no checkpoint: {error}; the run continues, and tries again"
            ));
        }
        self.supervisor.proceed()
    }
}
