//! The pairs of a photograph and a painting.

use super::Result;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A photograph, and a painting in whose style it is painted.
#[derive(Clone, Debug, Deserialize)]
pub struct Pair {
    /// Its name.
    pub name: String,
    /// The photograph's file.
    pub content: PathBuf,
    /// The painting's file.
    pub style: PathBuf,
}

#[derive(Deserialize)]
struct File {
    pair: Vec<Pair>,
}

/// The pairs of these names, with commas between them, in `data`/pairs/pairs.toml; all if there are no names.
pub fn read(data: &Path, names: Option<&str>) -> Result<Vec<Pair>> {
    let text = std::fs::read_to_string(data.join("pairs/pairs.toml"))?;
    let mut pairs = toml::from_str::<File>(&text)?.pair;
    for pair in &mut pairs {
        pair.content = data.join(&pair.content);
        pair.style = data.join(&pair.style);
    }
    match names {
        Some(names) => chosen(&pairs, names),
        None => Ok(pairs),
    }
}

/// Those of these names.
pub fn chosen(pairs: &[Pair], names: &str) -> Result<Vec<Pair>> {
    let find = |name: &str| {
        let found = pairs.iter().find(|pair| pair.name == name.trim());
        (found.cloned()).ok_or_else(|| format!("there is no pair {name}").into())
    };
    names.split(',').map(find).collect()
}
