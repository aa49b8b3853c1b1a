//! `impasto resume`: a run that was killed, from its last checkpoint on.

use super::checkpoints::About;
use super::paint::{Painter, Resumed};
use super::places::whereabouts;
use super::reports::TalkOptions;
use super::say;
use anyhow::{Context, anyhow, ensure};
use clap::Args;
use impasto::checkpoint::Checkpoint;
use impasto::kernels::Cpu;
use impasto::ops::conv::Engine;
use std::path::PathBuf;
use std::process::ExitCode;

/// Go on with a run that was killed or ended early, from its last checkpoint
///
/// Everything is as the run was begun: pictures, settings, where the result and the reports go. The picture is the same, byte for
/// byte, as that of a run that was never broken off.
#[derive(Args)]
pub struct Resume {
    /// The file that --checkpoint named
    checkpoint: PathBuf,

    /// Go on although pictures or weights are no longer what they were
    #[arg(long)]
    changed_inputs: bool,

    /// Threads to compute with [default: as before]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    #[command(flatten)]
    talk: TalkOptions,
}

impl Resume {
    /// Goes on, and writes the picture.
    ///
    /// # Errors
    /// What went wrong, to be shown to the user.
    pub fn run(&self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let (Checkpoint { about, state }, remark) =
            Checkpoint::open(&self.checkpoint).map_err(|trouble| anyhow!(trouble))?;
        let shown = self.checkpoint.display();
        let mut about: About = (serde_json::from_str(&about).ok())
            .with_context(|| format!("{shown}: not a checkpoint of this version of impasto"))?;
        about.order.checkpoints.checkpoint = Some(whereabouts(&self.checkpoint));
        let talk = &mut about.order.reports.talk;
        talk.quiet = (talk.quiet && !self.talk.verbose) || self.talk.quiet;
        talk.verbose = (talk.verbose && !self.talk.quiet) || self.talk.verbose;
        let talk = *talk;
        about.order.network.machine.set_threads(self.threads);
        if let Some(remark) = remark {
            say(format_args!("warning: {remark}"));
        }
        std::env::set_current_dir(&about.folder).with_context(|| {
            format!(
                "{shown}: the run was begun in {}, which must be there, with its pictures",
                about.folder.display()
            )
        })?;
        let changed: Vec<_> = about
            .changed()
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        if !changed.is_empty() {
            let changed = changed.join(", ");
            ensure!(
                self.changed_inputs,
                "{shown}: missing, or no longer what they were when the run began: {changed}; put them back, or go on nevertheless with \
                 --changed-inputs"
            );
            say(format_args!(
                "warning: no longer what they were when the run began: {changed}"
            ));
        }
        let engine = engine(about.cpu.as_deref());
        talk.remark(format_args!(
            "going on after iteration {}",
            state.iterations()
        ));
        let mut painter = Painter::new(built_in, talk.quiet)?;
        let ended = painter.paint(&about.order, Some(Resumed { state, engine }))?;
        Ok(ended.into())
    }
}

/// The engine that a run was begun with on this CPU, or else the nearest to it that there is, which is said.
pub fn engine(cpu: Option<&str>) -> Engine {
    match cpu.map(|name| (name, Cpu::named(name))) {
        None => Engine::Reference,
        Some((_, Ok(cpu))) => Engine::Fast(cpu),
        Some((name, Err(_))) => {
            let widest = Cpu::widest();
            say(format_args!(
                "warning: the run was begun on a CPU with {name}, and goes on with {widest}: last digits will differ"
            ));
            Engine::Fast(widest)
        }
    }
}
