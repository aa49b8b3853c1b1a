//! Options for several processes that paint one picture.

use clap::Args;

/// Whether other processes paint the same picture.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Network and machine")]
pub struct ProcessOptions {
    /// All processes that mpirun started paint this picture together, each a band of it: mpirun -n 4 impasto stylize … --mpi
    #[arg(long)]
    pub mpi: bool,
}
