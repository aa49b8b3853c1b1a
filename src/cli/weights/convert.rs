//! `impasto weights convert`: a safetensors file from any weights file.

use crate::cli::args::load_weights;
use crate::cli::paint::interrupt::{self, Interrupt};
use crate::cli::paint::paths::canonical;
use crate::cli::terminal::say;
use crate::files::weights::{Convention, Precision, Source, Weights};
use anyhow::{anyhow, ensure};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// Write the convolutions of any file of weights as a safetensors file
///
/// Batch normalization and the pixels that the network was trained on are folded in: the new file is for RGB, 0..255, less the mean.
#[derive(Args)]
pub struct Convert {
    /// A .safetensors, .pth, .mat, .h5 or .npz file
    input: PathBuf,

    /// The file to write, OUT.safetensors
    output: PathBuf,

    /// The type of the numbers: f16 takes half the space [default: f16 if that loses nothing, else f32]
    #[arg(long, value_enum, value_name = "f16|f32", hide_possible_values = true)]
    dtype: Option<Dtype>,

    /// The deepest convolution that is written; the classic recipe needs conv5_1 [default: all]
    #[arg(long, value_name = "LAYER")]
    through: Option<String>,

    /// The pixels that the network was trained on, if the file says it wrong: caffe-rgb, caffe-bgr or torchvision
    #[arg(long, value_name = "NAME")]
    weights_convention: Option<Convention>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Dtype {
    F16,
    F32,
}

impl Convert {
    /// Converts the file.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        self.check_output()?;
        let output = self.output.display();
        let source = Source::File(self.input.clone());
        let loaded = load_weights(&source, self.weights_convention)?;
        let weights = match &self.through {
            Some(deepest) => {
                (loaded.weights.through(deepest)).map_err(|error| anyhow!("--through: {error}"))?
            }
            None => loaded.weights,
        };
        let precision = match self.dtype {
            Some(Dtype::F16) => Precision::F16,
            Some(Dtype::F32) => Precision::F32,
            None => Precision::lossless(&weights),
        };
        // Writing takes a second; Ctrl-C does not interrupt it.
        let interrupt = Interrupt::watch(|| {})?;
        (weights.write(&self.output, precision)).map_err(|error| anyhow!("{output}: {error}"))?;
        self.report(&weights, precision);
        Ok(if interrupt.pressed() {
            ExitCode::from(interrupt::EXIT_CODE)
        } else {
            ExitCode::SUCCESS
        })
    }

    fn check_output(&self) -> anyhow::Result<()> {
        let output = self.output.display();
        let extension = self.output.extension();
        ensure!(
            extension.is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors")),
            "{output}: only safetensors files are written; name one that ends in .safetensors"
        );
        ensure!(
            canonical(&self.input) != canonical(&self.output),
            "{output}: this would replace the file that is read; name another"
        );
        Ok(())
    }

    /// Prints what was written.
    fn report(&self, weights: &Weights, precision: Precision) {
        let rounding = match weights.rounding(precision) {
            0.0 => "no number is changed by rounding".to_owned(),
            most => format!("rounding changes numbers by {most:.1e} at most"),
        };
        let bytes = self.output.metadata().map_or(0, |file| file.len());
        say(format_args!(
            "wrote {}: {} in {}, {:.1} MB; {rounding}",
            self.output.display(),
            weights.architecture().name,
            if precision == Precision::F16 {
                "f16"
            } else {
                "f32"
            },
            bytes as f64 / 1e6
        ));
    }
}
