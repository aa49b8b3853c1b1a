//! Options for pictures that are larger than memory.

use crate::painting::MemoryOptions;
use bytesize::ByteSize;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Options for memory, tiles and scratch files.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Network and machine")]
pub struct MemoryArgs {
    /// Memory that the run may take: 2G, 500M. A picture that needs more is painted in tiles, without seams [default: what the
    /// machine has]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    memory: Option<u64>,

    /// Paint in tiles of at most N×N pixels, and the pixels around them that they depend on, whatever the memory
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(64..=65536))]
    tile: Option<u32>,

    /// The folder for scratch files, which hold what does not fit into memory [default: that of the painted picture]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

/// The least memory that can be asked for, in bytes.
const LEAST_MEMORY: u64 = 100_000_000;

fn bytes(text: &str) -> Result<u64, String> {
    match text.parse::<ByteSize>() {
        Ok(ByteSize(bytes)) if bytes >= LEAST_MEMORY => Ok(bytes),
        Ok(_) => Err(format!(
            "it must be at least {}",
            ByteSize(LEAST_MEMORY).display().si()
        )),
        Err(_) => Err("write a number of bytes, or of G, M, GiB or MiB: 2G, 500M".to_owned()),
    }
}

impl MemoryArgs {
    /// What the run may take of memory and disk, where `output` is the file to write.
    pub fn beside(&self, output: &Path) -> MemoryOptions {
        let beside = output.parent().filter(|folder| *folder != Path::new(""));
        let beside = beside.unwrap_or(Path::new("."));
        MemoryOptions {
            bytes: self.memory,
            tile: self.tile.map(|edge| edge as usize),
            scratch: Some(self.scratch.clone().unwrap_or_else(|| beside.to_owned())),
        }
    }
}
