//! `impasto weights where`: where weights are looked for, and where the published files are.

use crate::cli::args::weights_variable;
use crate::files::weights::{self, ENVIRONMENT, PUBLISHED, Source};
use clap::Args;
use std::fmt::Write;

/// Say where weights are looked for, and where the published files are
#[derive(Args)]
pub struct Where {}

impl Where {
    /// Both lists.
    ///
    /// # Errors
    /// None: text can always be written to memory.
    pub fn run(&self, built_in: Option<&'static [u8]>) -> anyhow::Result<String> {
        let mut out = String::new();
        list_places(built_in, &mut out)?;
        writeln!(out)?;
        list_published(&mut out)?;
        Ok(out)
    }
}

/// Where weights are looked for, and which place is used.
fn list_places(built_in: Option<&'static [u8]>, out: &mut String) -> std::fmt::Result {
    let program = std::env::current_exe().ok();
    let variable = weights_variable();
    let used = weights::locate(variable.clone(), built_in, program.as_deref()).ok();
    let mark = |here: bool| if here { "  ← used" } else { "" };
    writeln!(out, "Weights are looked for in this order:")?;
    writeln!(out, "  1. the file that --weights names")?;
    let named = match &variable {
        None => "not set".to_owned(),
        Some(path) if path.exists() => path.display().to_string(),
        Some(path) => format!("{}, which does not exist", path.display()),
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
    Ok(())
}

/// The published files that `--weights` reads.
fn list_published(out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "Published files, each of which --weights reads as it is (VGG-16 and VGG-19 are those of ImageNet):"
    )?;
    for file in PUBLISHED {
        let Some(address) = file.address else {
            continue;
        };
        writeln!(out)?;
        writeln!(out, "  {}", file.description)?;
        writeln!(out, "    address   {address}")?;
        if let Some(bytes) = file.bytes {
            let megabytes = bytes as f64 / 1e6;
            writeln!(out, "    size      {megabytes:.0} MB ({bytes} bytes)")?;
        }
        writeln!(out, "    license   {}", file.license)?;
        writeln!(out, "    pixels    {}", file.convention)?;
        match file.sha256 {
            Some(sum) if sum.len() < 64 => {
                writeln!(out, "    sha-256   {sum}… (the rest is not known here)")?
            }
            Some(sum) => writeln!(out, "    sha-256   {sum}")?,
            None => {}
        }
        if let Some(sum) = file.md5 {
            writeln!(out, "    md5       {sum}")?;
        }
    }
    Ok(())
}
