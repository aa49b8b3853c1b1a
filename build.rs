//! Finds the weights that are built into the program.
//!
//! With the feature `embedded-weights` that is the file which the variable `IMPASTO_EMBED_WEIGHTS` names, else `data/vgg16.safetensors`, which is
//! in a checkout of the repository. A package registry does not take files of that size: in the package that it has there is none,
//! and unless one is named, the program is built without weights and says so when it wants them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Names a file to build in.
const VARIABLE: &str = "IMPASTO_EMBED_WEIGHTS";
/// The file of a checkout.
const DEFAULT: &str = "data/vgg16.safetensors";

fn main() {
    println!("cargo::rustc-check-cfg=cfg(built_in_weights)");
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_EMBEDDED_WEIGHTS").is_none() {
        return;
    }
    let file = match env::var_os(VARIABLE) {
        Some(named) => PathBuf::from(named),
        None if Path::new(DEFAULT).exists() => PathBuf::from(DEFAULT),
        None => return,
    };
    match fs::canonicalize(&file).and_then(|file| check(&file).map(|()| file)) {
        Ok(file) => {
            println!("cargo::rerun-if-changed={}", file.display());
            println!("cargo::rustc-cfg=built_in_weights");
            println!("cargo::rustc-env=BUILT_IN_WEIGHTS={}", file.display());
        }
        Err(reason) => println!(
            "cargo::error={}: {reason}; set {VARIABLE} to the full path of a safetensors file, as `impasto weights convert` writes them",
            file.display()
        ),
    }
}

/// Whether a file begins as safetensors do: with the length of a header in JSON.
fn check(file: &Path) -> io::Result<()> {
    let mut start = [0; 9];
    File::open(file)?.read_exact(&mut start)?;
    let [length @ .., brace] = start;
    let fits = u64::from_le_bytes(length) < fs::metadata(file)?.len();
    if fits && brace == b'{' {
        Ok(())
    } else {
        Err(io::Error::other("not a safetensors file"))
    }
}
