//! `impasto weights`: what a file of weights is, another format for it, and where such files are.

use super::args::weights_variable;
use super::paint::interrupt::{self, Interrupt};
use super::paint::paths::canonical;
use super::terminal::{printable, say};
use crate::files::weights::{
    self, Convention, Digests, ENVIRONMENT, Loaded, PUBLISHED, Precision, Source,
};
use crate::vgg::LayerKind;
use anyhow::{Context, anyhow, ensure};
use clap::{Args, Subcommand, ValueEnum};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Look at weights, convert them, find them
#[derive(Subcommand)]
pub enum Command {
    Info(Info),
    Convert(Convert),
    Where(Where),
}

/// Say what a file of weights is: format, network, pixels that it was trained on, layers, checksum
#[derive(Args)]
pub struct Info {
    /// A .safetensors, .pth, .mat, .h5 or .npz file [default: the weights that stylize would use]
    file: Option<PathBuf>,

    /// The pixels that the network was trained on, where the file tells them wrong: caffe-rgb, caffe-bgr or torchvision
    #[arg(long, value_name = "NAME")]
    weights_convention: Option<Convention>,
}

/// Write the convolutions of any file of weights as a safetensors file
///
/// Batch normalisation and the pixels that the network was trained on are folded in: what is written is for RGB, 0..255, less
/// the mean.
#[derive(Args)]
pub struct Convert {
    /// A .safetensors, .pth, .mat, .h5 or .npz file
    input: PathBuf,

    /// The file to write, OUT.safetensors
    output: PathBuf,

    /// How numbers are written: f16 is half as large [default: f16 if that loses nothing, else f32]
    #[arg(long, value_enum, value_name = "f16|f32", hide_possible_values = true)]
    dtype: Option<Dtype>,

    /// The deepest convolution that is written; the classic recipe needs conv5_1 [default: all]
    #[arg(long, value_name = "LAYER")]
    through: Option<String>,

    /// The pixels that the network was trained on, where the file tells them wrong: caffe-rgb, caffe-bgr or torchvision
    #[arg(long, value_name = "NAME")]
    weights_convention: Option<Convention>,
}

/// Say where weights are looked for, and where the published files are
#[derive(Args)]
pub struct Where {}

#[derive(Clone, Copy, ValueEnum)]
enum Dtype {
    F16,
    F32,
}

impl Command {
    /// Does what is asked for.
    ///
    /// # Errors
    /// What went wrong, to be shown to the user.
    pub fn run(&self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let mut text = String::new();
        match self {
            Self::Info(command) => command.run(built_in, &mut text)?,
            Self::Convert(command) => return command.run(),
            Self::Where(_) => list_places(built_in, &mut text)?,
        }
        let lines: String = text.lines().map(|line| printable(line) + "\n").collect();
        match io::stdout().write_all(lines.as_bytes()) {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            printed => printed.context("the result cannot be printed")?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads weights; a `convention` that is given is for a file.
pub fn load(source: &Source, convention: Option<Convention>) -> anyhow::Result<Loaded> {
    ensure!(
        convention.is_none() || matches!(source, Source::File(_)),
        "--weights-convention is for the file that --weights names; the built-in weights are told right"
    );
    weights::load(source, convention).context("weights")
}

impl Info {
    fn run(&self, built_in: Option<&'static [u8]>, out: &mut String) -> anyhow::Result<()> {
        let program = std::env::current_exe().ok();
        let named = self.file.clone().or_else(weights_variable);
        let source = weights::locate(named, built_in, program.as_deref())?;
        let loaded = load(&source, self.weights_convention)?;
        describe(&source, &loaded, out)?;
        let digests = match &source {
            Source::BuiltIn(bytes) => Digests::of(*bytes),
            Source::File(path) => std::fs::File::open(path).and_then(Digests::of),
        };
        let digests = digests.with_context(|| format!("{source}: no checksum can be made"))?;
        writeln!(out, "sha-256   {}", digests.sha256)?;
        writeln!(out, "md5       {}", digests.md5)?;
        let known = digests.known();
        let known = known.map_or(
            "no, it is none of those that impasto weights where lists",
            |known| known.description,
        );
        writeln!(out, "known     {known}")?;
        writeln!(out)?;
        list_layers(&loaded, out)
    }
}

fn describe(source: &Source, loaded: &Loaded, out: &mut String) -> anyhow::Result<()> {
    let weights = &loaded.weights;
    let convs: Vec<_> = (weights.architecture().layers().into_iter())
        .filter(|spec| weights.conv(&spec.name).is_some())
        .collect();
    let deepest = convs.last().map_or("none", |spec| &spec.name);
    writeln!(out, "file      {source}")?;
    writeln!(
        out,
        "format    {}, numbers in {}",
        loaded.format, loaded.element_types
    )?;
    writeln!(
        out,
        "network   {}, {} convolutions, through {deepest}{}",
        weights.architecture().name,
        convs.len(),
        if loaded.has_batch_norm {
            ", batch normalisation folded in"
        } else {
            ""
        }
    )?;
    let (convention, told_by) = (loaded.convention, loaded.convention_source);
    writeln!(
        out,
        "pixels    {convention} ({told_by}): {}",
        convention.describe(loaded.mean)
    )?;
    let others = &loaded.unused;
    if !others.is_empty() {
        let shown: Vec<_> = others.iter().take(4).map(String::as_str).collect();
        let more = if others.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        writeln!(
            out,
            "not used  {} others: {}{more}",
            others.len(),
            shown.join(", ")
        )?;
    }
    Ok(())
}

/// The layers, each with its shape and the range of its values.
fn list_layers(loaded: &Loaded, out: &mut String) -> anyhow::Result<()> {
    writeln!(out, "as it is used, for RGB, 0..255, less the mean:")?;
    writeln!(
        out,
        "layer     kernel           weights               biases"
    )?;
    for spec in loaded.weights.architecture().layers() {
        let (LayerKind::Conv { inputs, outputs }, Some(conv)) =
            (spec.kind, loaded.weights.conv(&spec.name))
        else {
            continue;
        };
        let shape = format!("3×3×{inputs}×{outputs}");
        let (weights, biases) = (range(&conv.kernel), range(&conv.bias));
        writeln!(out, "{:<9} {shape:<16} {weights:<21} {biases}", spec.name)?;
    }
    Ok(())
}

/// `-0.671 .. 0.603`
fn range<'a>(values: impl IntoIterator<Item = &'a f32>) -> String {
    let ends = (f32::INFINITY, f32::NEG_INFINITY);
    let (least, most) = values
        .into_iter()
        .fold(ends, |(least, most), &w| (least.min(w), most.max(w)));
    if least.abs().max(most.abs()) < 1000.0 {
        format!("{least:.4} .. {most:.4}")
    } else {
        format!("{least:.2e} .. {most:.2e}")
    }
}

impl Convert {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let output = self.output.display();
        ensure!(
            self.output
                .extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors")),
            "{output}: only safetensors files are written; name one that ends in .safetensors"
        );
        ensure!(
            canonical(&self.input) != canonical(&self.output),
            "{output}: this would replace the file that is read; name another"
        );
        let source = Source::File(self.input.clone());
        let loaded = load(&source, self.weights_convention)?;
        let weights = match &self.through {
            Some(deepest) => loaded
                .weights
                .through(deepest)
                .map_err(|trouble| anyhow!("--through: {trouble}"))?,
            None => loaded.weights,
        };
        let precision = match self.dtype {
            Some(Dtype::F16) => Precision::F16,
            Some(Dtype::F32) => Precision::F32,
            None => Precision::lossless(&weights),
        };
        // Once it is being written, which takes a second, the file is finished.
        let interrupt = Interrupt::watch(|| {})?;
        (weights.write(&self.output, precision))
            .map_err(|trouble| anyhow!("{output}: {trouble}"))?;
        let rounding = weights.rounding(precision);
        let rounding = match rounding {
            0.0 => "no number is changed by rounding".to_owned(),
            most => format!("rounding changes numbers by {most:.1e} at most"),
        };
        let megabytes = self
            .output
            .metadata()
            .map_or(0.0, |file| file.len() as f64 / 1e6);
        say(format_args!(
            "wrote {output}: {} in {}, {megabytes:.1} MB; {rounding}",
            weights.architecture().name,
            if precision == Precision::F16 {
                "f16"
            } else {
                "f32"
            }
        ));
        Ok(if interrupt.pressed() {
            ExitCode::from(interrupt::EXIT_CODE)
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// Where weights are looked for, and where the published files are.
fn list_places(built_in: Option<&'static [u8]>, out: &mut String) -> anyhow::Result<()> {
    let program = std::env::current_exe().ok();
    let variable = weights_variable();
    let used = weights::locate(variable.clone(), built_in, program.as_deref()).ok();
    let mark = |here: bool| if here { "  ← used" } else { "" };
    writeln!(out, "Weights are looked for in this order:")?;
    writeln!(out, "  1. the file that --weights names")?;
    let named = match &variable {
        None => "not set".to_owned(),
        Some(path) if path.exists() => path.display().to_string(),
        Some(path) => format!("{}, which is not there", path.display()),
    };
    writeln!(
        out,
        "  2. the file that {ENVIRONMENT} names: {named}{}",
        mark(variable.is_some())
    )?;
    let inside = if built_in.is_some() {
        "VGG-16, in half precision"
    } else {
        "none in this program"
    };
    let is_inside = matches!(used, Some(Source::BuiltIn(_)));
    writeln!(
        out,
        "  3. the weights in the program itself: {inside}{}",
        mark(is_inside)
    )?;
    for (number, place) in (4..).zip(weights::places(program.as_deref())) {
        let here = variable.is_none() && used == Some(Source::File(place.clone()));
        writeln!(out, "  {number}. {}{}", place.display(), mark(here))?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "Published files, each of which --weights reads as it is (VGG-16 and VGG-19 are those of ImageNet):"
    )?;
    for known in PUBLISHED {
        let Some(address) = known.address else {
            continue;
        };
        writeln!(out)?;
        writeln!(out, "  {}", known.description)?;
        writeln!(out, "    address   {address}")?;
        if let Some(bytes) = known.bytes {
            writeln!(
                out,
                "    size      {:.0} MB ({bytes} bytes)",
                bytes as f64 / 1e6
            )?;
        }
        writeln!(out, "    licence   {}", known.licence)?;
        writeln!(out, "    pixels    {}", known.convention)?;
        match known.sha256 {
            Some(sum) if sum.len() < 64 => {
                writeln!(out, "    sha-256   {sum}… (the rest is not known here)")?
            }
            Some(sum) => writeln!(out, "    sha-256   {sum}")?,
            None => {}
        }
        if let Some(sum) = known.md5 {
            writeln!(out, "    md5       {sum}")?;
        }
    }
    Ok(())
}
