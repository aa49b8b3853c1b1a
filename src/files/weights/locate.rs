//! Where the weights are looked for.

use super::WeightsError;
use std::fmt;
use std::path::{Path, PathBuf};

/// The environment variable that names a weights file.
pub const ENVIRONMENT: &str = "IMPASTO_WEIGHTS";

/// The file that is looked for when none is named.
const FILE: &str = "vgg16.safetensors";

/// Where weights are to be read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// The bytes of a safetensors file inside the program.
    BuiltIn(&'static [u8]),
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::BuiltIn(_) => formatter.write_str("the program itself"),
            Self::File(path) => write!(formatter, "{}", path.display()),
        }
    }
}

/// Chooses the weights: the file that was `named` (by an option or [`ENVIRONMENT`]), else those built into the program, else
/// `vgg16.safetensors` in `data/` below the current folder, beside the program, or in `data/` there.
///
/// # Errors
/// If there are none: where it looked, and what to do.
pub fn locate(
    named: Option<PathBuf>,
    built_in: Option<&'static [u8]>,
    program: Option<&Path>,
) -> Result<Source, WeightsError> {
    if let Some(path) = named {
        return Ok(Source::File(path));
    }
    if let Some(bytes) = built_in {
        return Ok(Source::BuiltIn(bytes));
    }
    let places = places(program);
    if let Some(found) = places.iter().find(|place| place.is_file()) {
        return Ok(Source::File(found.clone()));
    }
    let looked: Vec<_> = (places.iter().map(|place| place.display().to_string())).collect();
    Err(WeightsError::NotFound(format!(
        "no weights: this program was built without them, --weights and {ENVIRONMENT} name none, and there is no {}; copy {FILE} \
         from the project's data/ folder to one of these places, or name a file with --weights",
        looked.join(", ")
    )))
}

/// Where weights are looked for, the first first, if none are named or built into the `program`.
pub fn places(program: Option<&Path>) -> Vec<PathBuf> {
    let mut places = vec![Path::new("data").join(FILE)];
    if let Some(folder) = program.and_then(Path::parent) {
        places.extend([folder.join(FILE), folder.join("data").join(FILE)]);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_wins_over_the_built_in_weights() {
        let named = Some(PathBuf::from("mine.safetensors"));
        let source = locate(named, Some(b"built in"), None).unwrap();
        assert_eq!(source, Source::File("mine.safetensors".into()));
        let source = locate(None, Some(b"built in"), None).unwrap();
        assert_eq!(source, Source::BuiltIn(b"built in"));
    }
}
