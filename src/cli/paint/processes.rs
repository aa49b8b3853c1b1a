//! Several processes that paint one picture: the first reads, reports and writes; the others paint their bands as it says.

use super::checkpoints::{Checkpoints, RunDescription};
use super::interrupt::Interrupt;
use super::stylization;
use crate::cli::args::{ProcessOptions, engine_name};
use crate::cli::request::RunRequest;
use crate::cli::terminal::say;
use crate::engine::EngineKind;
use crate::files::weights::{ConvWeights, Weights};
use crate::method::{Alone, Communicator};
use crate::painting::{Inputs, Iteration, State, host_name, processes_of_this_machine};
use crate::vgg::{VGG16, VGG19};
use anyhow::{Context, anyhow, bail};
use rayon::ThreadPool;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// The environment variables in which launchers tell a process its number.
const RANK_VARIABLES: [&str; 2] = ["OMPI_COMM_WORLD_RANK", "PMI_RANK"];

/// The one in which Open MPI's `mpirun` tells how many processes it started. Other launchers also start processes that have nothing to do
/// with each other, as those of a batch.
const COUNT_VARIABLE: &str = "OMPI_COMM_WORLD_SIZE";

/// Whether a launcher started this process, and it is not the first. Then it does not print what the first one prints.
pub fn is_launched_after_another() -> bool {
    let ranks = RANK_VARIABLES.iter().map(std::env::var);
    let mut ranks = ranks.filter_map(|rank| rank.ok()?.parse::<usize>().ok());
    ranks.next().is_some_and(|rank| rank > 0)
}

/// The processes that paint a picture, of which this one is the first.
pub struct Team {
    world: Arc<dyn Communicator>,
    /// Whether the others know what to paint, or that there is nothing.
    told: bool,
    /// What ends the use of MPI when it is dropped.
    _session: Option<Session>,
}

impl Team {
    /// A process without others.
    pub fn alone() -> Self {
        Self {
            world: Arc::new(Alone),
            told: true,
            _session: None,
        }
    }

    /// Joins the others if the options say so. On all processes but the first, does what the first one says, with the state that `resumed`
    /// finds, and returns `None` when that is done.
    ///
    /// # Errors
    /// If the processes cannot be joined.
    pub fn join(
        options: ProcessOptions,
        resumed: impl FnOnce(&dyn Communicator) -> anyhow::Result<Option<Resumed>>,
    ) -> anyhow::Result<Option<Self>> {
        if !options.mpi {
            return check_alone().map(|first| first.then(Self::alone));
        }
        let (session, world) = join_all()?;
        if world.is_first() {
            return Ok(Some(Self {
                told: world.ranks() == 1,
                world,
                _session: Some(session),
            }));
        }
        // The first process says what is wrong. It has found it too, and sends nothing to paint.
        match resumed(&*world) {
            Ok(resumed) => drop(assist(&world, resumed)),
            Err(_) => drop(world.broadcast(Vec::new())),
        }
        Ok(None)
    }

    /// All processes.
    pub fn world(&self) -> &Arc<dyn Communicator> {
        &self.world
    }

    /// Tells the other processes what to paint.
    ///
    /// # Errors
    /// If the name of a file is not text.
    pub fn send(
        &mut self,
        request: &RunRequest,
        inputs: &Inputs,
        weights: &Weights,
    ) -> anyhow::Result<()> {
        if self.told {
            return Ok(());
        }
        let job = Job {
            request: serde_json::to_string(request)
                .map_err(|_| anyhow!("--mpi: it needs files whose names are text"))?,
            inputs: Cow::Borrowed(inputs),
            architecture: weights.architecture().name.to_owned(),
            convs: Cow::Borrowed(weights.convs()),
        };
        self.world.broadcast(postcard::to_stdvec(&job)?);
        self.told = true;
        Ok(())
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        // If this process panics, its session ends the others.
        if !self.told && !std::thread::panicking() {
            self.world.broadcast(Vec::new());
        }
    }
}

/// Refuses to paint the same picture several times. Returns whether this is the first process, or not known to be another.
fn check_alone() -> anyhow::Result<bool> {
    let launched = std::env::var(COUNT_VARIABLE).ok();
    let launched: usize = launched.and_then(|count| count.parse().ok()).unwrap_or(1);
    if launched == 1 {
        return Ok(true);
    }
    if is_launched_after_another() {
        return Ok(false); // the first one says so
    }
    bail!(
        "mpirun started {launched} processes, which would all paint the same; with --mpi they paint one picture together"
    )
}

/// What is kept as long as MPI is used.
type Session = Box<dyn std::any::Any + Send + Sync>;

type Joined = (Session, Arc<dyn Communicator>);

#[cfg(feature = "mpi")]
fn join_all() -> anyhow::Result<Joined> {
    let (session, mpi) = crate::mpi::Mpi::join().map_err(|trouble| anyhow!("--mpi: {trouble}"))?;
    Ok((Box::new(session), Arc::new(mpi)))
}

#[cfg(not(feature = "mpi"))]
fn join_all() -> anyhow::Result<Joined> {
    bail!("--mpi: this program was built without MPI; build it with --features mpi")
}

/// What the processes paint.
#[derive(Serialize, Deserialize)]
struct Job<'a> {
    /// The [`RunRequest`], in JSON.
    request: String,
    inputs: Cow<'a, Inputs>,
    architecture: String,
    convs: Cow<'a, BTreeMap<String, ConvWeights>>,
}

impl Job<'_> {
    /// What the first process sends; `None` if there is nothing to paint.
    fn receive(world: &dyn Communicator) -> anyhow::Result<Option<Self>> {
        let bytes = world.broadcast(Vec::new());
        if bytes.is_empty() {
            return Ok(None);
        }
        let job = postcard::from_bytes(&bytes);
        job.map(Some)
            .context("the first process is of another version of impasto")
    }
}

/// What a process continues from.
pub struct Resumed {
    pub state: State,
    /// The engine that it was begun with.
    pub engine: EngineKind,
}

/// What all processes but the first do.
fn assist(world: &Arc<dyn Communicator>, resumed: Option<Resumed>) -> anyhow::Result<()> {
    let job = match Job::receive(&**world) {
        Ok(None) => return Ok(()),
        Ok(Some(job)) => Ok(job),
        Err(error) => Err(error),
    };
    let here = processes_of_this_machine(&**world);
    let begun =
        job.and_then(|job| Assistant::new(job, resumed.as_ref().map(|run| run.engine), here));
    let Assistant {
        request,
        engine,
        threads,
        inputs,
        weights,
    } = agree(&**world, begun)?;
    let stylization = stylization(&request, inputs, engine, world);
    let run = threads.install(|| stylization.prepare(&weights));
    let run = agree(&**world, run.map_err(anyhow::Error::from))?;
    drop((stylization, weights));
    // The launcher passes Ctrl-C on to all processes; the first one decides.
    let _interrupt = Interrupt::watch(|| ());
    compare_engines(engine, &**world);
    let description = String::from_utf8(world.broadcast(Vec::new())).unwrap_or_default();
    let description = RunDescription::computed_by(&description, engine);
    let checkpoints = Checkpoints::create(&request.checkpoints, world.rank(), description);
    let checkpoints = agree(&**world, checkpoints)?;
    threads.install(|| {
        let watch = |iteration: &Iteration| {
            if let Some(checkpoints) = &checkpoints {
                let _ = checkpoints.write(iteration); // the first process says what is wrong
            }
            ControlFlow::Continue(())
        };
        match resumed {
            None => run.run(watch),
            Some(resumed) => run.resume(resumed.state, watch),
        }
    })?;
    let finished = world.broadcast(Vec::new()) == [1];
    if let (true, Some(checkpoints)) = (finished, checkpoints) {
        checkpoints.remove();
    }
    Ok(())
}

/// What a process needs to prepare its part of a run.
struct Assistant {
    request: RunRequest,
    engine: EngineKind,
    threads: ThreadPool,
    inputs: Inputs,
    weights: Weights,
}

impl Assistant {
    /// `here` is the number of processes on this machine.
    fn new(job: Job, engine: Option<EngineKind>, here: usize) -> anyhow::Result<Self> {
        let request: RunRequest = serde_json::from_str(&job.request)?;
        let architectures = [VGG16, VGG19];
        let architecture = (architectures.iter()).filter(|one| one.name == job.architecture);
        let architecture: Vec<_> = architecture.copied().collect();
        let machine = &request.network.machine;
        Ok(Self {
            engine: engine.map_or_else(|| machine.engine(), Ok)?,
            threads: machine.threads(here)?,
            request,
            inputs: job.inputs.into_owned(),
            weights: Weights::new(job.convs.into_owned(), &architecture)?,
        })
    }
}

/// The result, if all processes have one.
///
/// # Errors
/// Why this process has none, or the first other one that has none.
pub fn agree<R>(world: &dyn Communicator, result: anyhow::Result<R>) -> anyhow::Result<R> {
    let trouble = result.as_ref().err().map(|error| format!("{error:#}"));
    match world.first_trouble(trouble) {
        Some((rank, trouble)) if result.is_ok() => Err(anyhow!("process {rank}: {trouble}")),
        _ => result,
    }
}

/// Warns, on the first process, of processes that compute with other instructions than it does.
pub fn compare_engines(engine: EngineKind, world: &dyn Communicator) {
    let own = format!("{}\n{}", engine_name(engine), host_name());
    let all = world.all_gather(own.as_bytes());
    if !world.is_first() {
        return;
    }
    for (rank, other) in all.iter().enumerate() {
        let other = String::from_utf8_lossy(other);
        let (other, host) = other.split_once('\n').unwrap_or((&other, ""));
        if other != engine_name(engine) {
            say(format_args!(
                "warning: process {rank} on {host} computes with {other}, process 0 with {}: the slowest decides how long it takes, \
                 and the last digits differ from those of equal machines",
                engine_name(engine)
            ));
        }
    }
}

/// What to write before and after `impasto resume FILE`, so that this many processes continue.
pub fn launched(ranks: usize) -> (String, &'static str) {
    match ranks {
        1 => (String::new(), ""),
        _ => (format!("mpirun -n {ranks} "), " --mpi"),
    }
}

/// What the first process says when it gets a signal to end. The launcher sends one to all processes when Ctrl-C is pressed, and when one of
/// them has died, and kills them soon after.
pub fn ending_message(ranks: usize, checkpoint: Option<&Path>) -> String {
    let (launch, option) = launched(ranks);
    let then = match checkpoint {
        Some(path) => {
            let shown = path.display();
            format!("{launch}impasto resume {shown}{option} continues from the last checkpoint")
        }
        None => {
            "the picture is lost if there is no time to write it: with --checkpoint it would not be"
                .to_owned()
        }
    };
    format!("ending, because another process died or Ctrl-C was pressed; {then}")
}
