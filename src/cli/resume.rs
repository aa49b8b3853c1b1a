//! `impasto resume`: continues a run from its last checkpoint.

use super::args::TalkOptions;
use super::paint::checkpoints::RunDescription;
use super::paint::paths::canonical;
use super::paint::{Painter, Resumed};
use super::terminal::say;
use crate::files::checkpoint::Checkpoint;
use crate::method::big_array::{Scratch, Storage, deserialize_into};
use crate::painting::State;
use anyhow::{Context, anyhow, ensure};
use clap::Args;
use std::path::PathBuf;
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
    talk: TalkOptions,
}

/// Bytes of a checkpoint that is not read into memory.
const LARGE_CHECKPOINT: u64 = 1 << 30;

impl Resume {
    /// Continues, and writes the picture.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn run(&self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let open = || Checkpoint::<State>::open(&self.checkpoint);
        let opened = deserialize_into(&self.storage(), open);
        let (Checkpoint { about, state }, remark) = opened.map_err(|error| anyhow!("{error}"))?;
        let shown = self.checkpoint.display();
        let mut description: RunDescription = (serde_json::from_str(&about).ok())
            .with_context(|| format!("{shown}: not a checkpoint of this version of impasto"))?;
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
        let mut painter = Painter::new(built_in, talk.quiet)?;
        let engine = description.engine();
        let ended = painter.paint(&description.request, Some(Resumed { state, engine }))?;
        Ok(ended.into())
    }

    /// Where the arrays of the checkpoint are kept: those of a large one beside it, as the run had them in scratch files too.
    fn storage(&self) -> Storage {
        let length = std::fs::metadata(&self.checkpoint).map_or(0, |file| file.len());
        let folder = canonical(&self.checkpoint);
        match folder.parent().map(Scratch::new) {
            Some(Ok(scratch)) if length > LARGE_CHECKPOINT => Storage::Scratch(Arc::new(scratch)),
            _ => Storage::Memory,
        }
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
