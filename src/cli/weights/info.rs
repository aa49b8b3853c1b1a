//! `impasto weights info`: what a weights file contains.

use crate::cli::args::{load_weights, weights_variable};
use crate::files::weights::{self, Convention, Digests, Loaded, Source};
use crate::vgg::LayerKind;
use anyhow::Context;
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// Describe a weights file: format, network, pixels that it was trained on, layers, checksums
#[derive(Args)]
pub struct Info {
    /// A .safetensors, .pth, .mat, .h5 or .npz file [default: the weights that stylize would use]
    file: Option<PathBuf>,

    /// The pixels that the network was trained on, if the file says it wrong: caffe-rgb, caffe-bgr or torchvision
    #[arg(long, value_name = "NAME")]
    weights_convention: Option<Convention>,
}

impl Info {
    /// The description.
    ///
    /// # Errors
    /// If the file cannot be read, or is not a weights file.
    pub fn run(&self, built_in: Option<&'static [u8]>) -> anyhow::Result<String> {
        let mut out = String::new();
        let program = std::env::current_exe().ok();
        let named = self.file.clone().or_else(weights_variable);
        let source = weights::locate(named, built_in, program.as_deref())?;
        let loaded = load_weights(&source, self.weights_convention)?;
        describe(&source, &loaded, &mut out)?;
        let digests = match &source {
            Source::BuiltIn(bytes) => Digests::of(*bytes),
            Source::File(path) => std::fs::File::open(path).and_then(Digests::of),
        };
        let digests =
            digests.with_context(|| format!("{source}: its checksum cannot be computed"))?;
        writeln!(out, "sha-256   {}", digests.sha256)?;
        writeln!(out, "md5       {}", digests.md5)?;
        let known = digests.known();
        let known = known.map_or(
            "no, it is not one of those that impasto weights where lists",
            |known| known.description,
        );
        writeln!(out, "known     {known}")?;
        writeln!(out)?;
        list_layers(&loaded, &mut out)?;
        Ok(out)
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
            ", batch normalization folded in"
        } else {
            ""
        }
    )?;
    let (convention, reason) = (loaded.convention, loaded.convention_source);
    writeln!(
        out,
        "pixels    {convention} ({reason}): {}",
        convention.describe(loaded.mean)
    )?;
    let unused = &loaded.unused;
    if !unused.is_empty() {
        let shown: Vec<_> = unused.iter().take(4).map(String::as_str).collect();
        let more = if unused.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        let (count, shown) = (unused.len(), shown.join(", "));
        writeln!(out, "not used  {count} others: {shown}{more}")?;
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
