//! Where weights are looked for.

use super::WeightsError;
use std::fmt;
use std::path::{Path, PathBuf};

/// The environment variable that names a weights file.
pub const ENVIRONMENT: &str = "IMPASTO_WEIGHTS";

/// The file name that is looked for when no file was named.
pub(super) const FILE_NAME: &str = "vgg16.safetensors";

/// Where weights are read from.
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

/// Chooses the weights: the file that was `named` (by an option or by [`ENVIRONMENT`]); else those built into the program;
/// else the first of [`places`] that is a file.
///
/// # Errors
/// [`WeightsError::NotFound`] if there are none.
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
    match places.iter().find(|place| place.is_file()) {
        Some(found) => Ok(Source::File(found.clone())),
        None => Err(WeightsError::NotFound { places }),
    }
}

/// The files that are tried, in this order, if no file was named and none is built in: `vgg16.safetensors` in `data/` below
/// the current folder, in the folder of the `program`, and in `data/` below that.
pub fn places(program: Option<&Path>) -> Vec<PathBuf> {
    let mut places = vec![Path::new("data").join(FILE_NAME)];
    if let Some(folder) = program.and_then(Path::parent) {
        places.extend([folder.join(FILE_NAME), folder.join("data").join(FILE_NAME)]);
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
