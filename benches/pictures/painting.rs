//! Paints with the program, and remembers what has been painted.

use super::Result;
use super::methods::Method;
use super::metrics::{Metrics, VERSION};
use super::pairs::Pair;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// A painted picture, and what is known of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Painted {
    /// The pair's name.
    pub pair: String,
    /// The method's name.
    pub method: String,
    /// The content weight over the method's own.
    pub factor: f64,
    /// The long edge.
    pub size: u32,
    /// How long the program took, with reading and writing.
    pub seconds: f64,
    /// The measurements, if they have been made.
    pub metrics: Option<Metrics>,
    /// The file of the picture.
    #[serde(skip)]
    pub picture: PathBuf,
    #[serde(skip)]
    key: String,
}

/// What a JSON file beside a picture has: of which program, options and inputs it is the result.
#[derive(Serialize, Deserialize)]
struct Record {
    key: String,
    metrics_version: u32,
    options: Vec<String>,
    painted: Painted,
}

/// Paints with the program of this build.
pub struct Painter {
    folder: PathBuf,
    /// The program's digest.
    program: String,
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_impasto");

impl Painter {
    /// Stores pictures in this folder, in a folder for each method.
    pub fn new(folder: PathBuf) -> Result<Self> {
        let program = digest([std::fs::read(PROGRAM)?]);
        Ok(Self { folder, program })
    }

    /// Paints one picture, unless it has been painted by the same program, with the same options and inputs.
    pub fn paint(&self, pair: &Pair, method: &Method, size: u32) -> Result<Painted> {
        let mut options = method.options.clone();
        options.extend(["--size".to_owned(), size.to_string()]);
        let key = digest([
            self.program.clone().into_bytes(),
            options.join("\0").into_bytes(),
            std::fs::read(&pair.content)?,
            std::fs::read(&pair.style)?,
        ]);
        let picture = self
            .folder
            .join(&method.name)
            .join(file_name(pair, method, size));
        if let Some(known) = known(&picture, &key) {
            return Ok(known);
        }
        std::fs::create_dir_all(picture.parent().expect("it has a folder"))?;
        eprintln!("painting {} by {}", pair.name, method.name);
        let start = Instant::now();
        let status = Command::new(PROGRAM)
            .arg("stylize")
            .args([&pair.content, &pair.style])
            .arg("--output")
            .arg(&picture)
            .arg("--quiet")
            .args(&options)
            .status()?;
        if !status.success() {
            return Err(format!("the program failed with {}", options.join(" ")).into());
        }
        let painted = Painted {
            pair: pair.name.clone(),
            method: method.name.clone(),
            factor: method.factor,
            size,
            seconds: start.elapsed().as_secs_f64(),
            metrics: None,
            picture,
            key,
        };
        painted.save_with(options)?;
        Ok(painted)
    }
}

/// `PAIR.png` in the full size of a bench; other sizes and content weights are named.
fn file_name(pair: &Pair, method: &Method, size: u32) -> String {
    match method.factor {
        1.0 => format!("{}-{size}.png", pair.name),
        factor => format!("{}-{size}-content-{factor}.png", pair.name),
    }
}

/// What is known of a picture, if it is the result of these inputs.
fn known(picture: &Path, key: &str) -> Option<Painted> {
    let record = read(picture)?;
    let current = record.metrics_version == VERSION;
    (record.key == key && picture.exists()).then(|| Painted {
        metrics: record.painted.metrics.filter(|_| current),
        picture: picture.to_owned(),
        key: record.key,
        ..record.painted
    })
}

fn read(picture: &Path) -> Option<Record> {
    let text = std::fs::read_to_string(picture.with_extension("json")).ok()?;
    serde_json::from_str(&text).ok()
}

impl Painted {
    /// Writes the JSON beside the picture again, with the measurements.
    pub fn save(&self) -> Result<()> {
        let options = read(&self.picture).map_or(Vec::new(), |record| record.options);
        self.save_with(options)
    }

    fn save_with(&self, options: Vec<String>) -> Result<()> {
        let record = Record {
            key: self.key.clone(),
            metrics_version: VERSION,
            options,
            painted: self.clone(),
        };
        let text = serde_json::to_string_pretty(&record)? + "\n";
        Ok(std::fs::write(self.picture.with_extension("json"), text)?)
    }
}

/// One digest of several texts, of which each stands by itself.
fn digest(texts: impl IntoIterator<Item = Vec<u8>>) -> String {
    let mut all = Sha256::new();
    for text in texts {
        all.update(Sha256::digest(text));
    }
    all.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
