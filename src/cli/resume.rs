//! `impasto resume`: continues a run from its last checkpoint.

use super::args::{ProcessOptions, TalkOptions};
use super::paint::checkpoints::{RunDescription, of_process};
use super::paint::paths::canonical;
use super::paint::processes::{Team, agree, launched};
use super::paint::{Painter, Resumed};
use super::terminal::say;
use crate::files::checkpoint::{Checkpoint, previous};
use crate::method::Communicator;
use crate::method::big_array::{Scratch, Storage, deserialize_into};
use crate::painting::State;
use anyhow::{Context, anyhow, ensure};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Continue a run that was killed or ended early, from its last checkpoint
///
/// Everything is as the run was begun: pictures, settings, and where the result and the reports are written. The picture is the same,
/// byte for byte, as that of a run that was never interrupted.
#[derive(Args)]
pub struct Resume {
    /// The file that --checkpoint named
    checkpoint: PathBuf,

    /// Continue even if pictures or weights have changed
    #[arg(long)]
    changed_inputs: bool,

    /// Number of threads [default: as before]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    #[command(flatten)]
    processes: ProcessOptions,

    #[command(flatten)]
    talk: TalkOptions,
}

/// Bytes of a checkpoint that is not read into memory.
const LARGE_CHECKPOINT: u64 = 1 << 30;

/// A checkpoint of one process.
struct Opened {
    state: State,
    description: RunDescription,
    /// Why it is not the newest, or that of another process is not.
    remark: Option<String>,
}

impl Resume {
    /// Continues, and writes the picture.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn run(&self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let others = |world: &dyn Communicator| {
            let Opened {
                state, description, ..
            } = self.open(world)?;
            // Only the folder for scratch files may depend on it, which is checked later.
            let _ = std::env::set_current_dir(&description.folder);
            let engine = description.engine(|_| ());
            Ok(Some(Resumed { state, engine }))
        };
        let Some(team) = Team::join(self.processes, others)? else {
            return Ok(ExitCode::SUCCESS);
        };
        let Opened {
            state,
            mut description,
            remark,
            ..
        } = self.open(&**team.world())?;
        let shown = self.checkpoint.display();
        let request = &mut description.request;
        request.checkpoints.checkpoint = Some(canonical(&self.checkpoint));
        request.network.machine.set_threads(self.threads);
        let talk = &mut request.reports.talk;
        talk.quiet = (talk.quiet && !self.talk.verbose) || self.talk.quiet;
        talk.verbose = (talk.verbose && !self.talk.quiet) || self.talk.verbose;
        let talk = *talk;
        if let Some(remark) = remark {
            say(format_args!("warning: {remark}"));
        }
        std::env::set_current_dir(&description.folder).with_context(|| {
            format!(
                "{shown}: the run was begun in {}, which must be there, with its pictures",
                description.folder.display()
            )
        })?;
        self.check_inputs(&description)?;
        talk.remark(format_args!(
            "continuing after iteration {}",
            state.iterations()
        ));
        let engine = description.engine(|warning| say(format_args!("warning: {warning}")));
        let mut painter = Painter::first_of(team, built_in, &description.request)?;
        let ended = painter.paint(&description.request, Some(Resumed { state, engine }))?;
        Ok(ended.into())
    }

    /// Opens the checkpoint of this process: of the same iteration as those of all others.
    fn open(&self, world: &dyn Communicator) -> anyhow::Result<Opened> {
        let path = of_process(&self.checkpoint, world.rank());
        let opened = open(&path, world.ranks());
        let opened = agree(world, opened)?;
        let iterations = world.min(opened.state.iterations() as u64);
        let opened = if opened.state.iterations() as u64 > iterations {
            open(&previous(&path), world.ranks())
        } else {
            Ok(opened)
        };
        let mut opened = agree(world, opened)?;
        let remark = world.first_trouble(opened.remark.take());
        opened.remark = remark.map(|(_, remark)| remark);
        let abouts = world.all_gather(opened.description.clone().in_common().as_bytes());
        let all = opened.state.iterations() as u64 == iterations;
        let together = abouts.iter().all(|about| *about == abouts[0]) && world.all(all);
        let shown = self.checkpoint.display();
        ensure!(
            together,
            "{shown}: the checkpoints of the processes are not of one run; begin it anew"
        );
        Ok(opened)
    }

    /// Checks that the files that the run reads have not changed.
    fn check_inputs(&self, description: &RunDescription) -> anyhow::Result<()> {
        let changed = description.changed();
        if changed.is_empty() {
            return Ok(());
        }
        let changed: Vec<_> = changed
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        let changed = changed.join(", ");
        ensure!(
            self.changed_inputs,
            "{}: missing, or changed since the run began: {changed}; put them back, or continue nevertheless with --changed-inputs",
            self.checkpoint.display()
        );
        say(format_args!(
            "warning: changed since the run began: {changed}"
        ));
        Ok(())
    }
}

/// Opens the checkpoint of one of this many `processes`.
fn open(path: &Path, processes: usize) -> anyhow::Result<Opened> {
    let open = || Checkpoint::<State>::open(path);
    let opened = deserialize_into(&storage(path), open);
    let (Checkpoint { about, state }, remark) = opened.map_err(|error| anyhow!("{error}"))?;
    let shown = path.display();
    let description: RunDescription = (serde_json::from_str(&about).ok())
        .with_context(|| format!("{shown}: not a checkpoint of this version of impasto"))?;
    let before = description.processes;
    ensure!(
        before == processes,
        "{shown}: {before} {} painted it: continue with {}impasto resume {shown}{}",
        if before == 1 { "process" } else { "processes" },
        launched(before).0,
        launched(before).1
    );
    Ok(Opened {
        state,
        description,
        remark: remark.map(|fallback| fallback.to_string()),
    })
}

/// Where the arrays of the checkpoint are kept: those of a large one beside it, as the run had them in scratch files too.
fn storage(checkpoint: &Path) -> Storage {
    let length = std::fs::metadata(checkpoint).map_or(0, |file| file.len());
    let folder = canonical(checkpoint);
    match folder.parent().map(Scratch::new) {
        Some(Ok(scratch)) if length > LARGE_CHECKPOINT => Storage::Scratch(Arc::new(scratch)),
        _ => Storage::Memory,
    }
}
