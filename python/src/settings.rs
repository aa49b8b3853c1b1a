//! Settings as keyword arguments: the table of the library, with underscores instead of dashes.

use crate::errors::{error, of_recipe};
use crate::pictures;
use impasto::painting::{Command, DEFINITIONS, Definition, Init, PRESETS, Recipe, Settings};
use impasto::picture::Picture;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple};
use std::path::{Path, PathBuf};

/// The names of all settings, as keyword arguments of stylize.
#[pyfunction]
pub fn setting_names() -> Vec<String> {
    DEFINITIONS.iter().map(keyword).collect()
}

/// The names of all presets.
#[pyfunction]
pub fn presets() -> Vec<&'static str> {
    PRESETS.iter().map(|(name, _)| *name).collect()
}

fn keyword(setting: &Definition) -> String {
    setting.name().replace('-', "_")
}

/// Settings, and the first picture if they name one.
pub struct Given {
    pub settings: Settings,
    pub initial: Option<Picture>,
}

impl Given {
    /// Those of these keyword arguments, which win over the preset.
    ///
    /// # Errors
    /// `TypeError` if there is no such setting, `MissingFile` or `Error` if a value, the preset or the first picture cannot be used.
    pub fn new(
        py: Python,
        size: Option<&Bound<PyAny>>,
        preset: Option<&Path>,
        keywords: Option<&Bound<PyDict>>,
    ) -> PyResult<Self> {
        let mut recipe = Recipe::default();
        let mut initial = None;
        if let Some(size) = size {
            set(&mut recipe, "size", &text_of_size(size)?)?;
        }
        for (name, value) in keywords.into_iter().flatten() {
            let name: String = name.extract()?;
            if value.is_none() {
                find(py, &name)?;
            } else if name == "init" && !value.is_instance_of::<PyString>() {
                initial = Some(pictures::picture("init", &value)?);
                recipe.init = Some(Init::File(PathBuf::new())); // which is not read
            } else {
                find(py, &name)?;
                set(&mut recipe, &name, &text(&value)?)?;
            }
        }
        let settings = recipe.settings_of(Command::Stylize, preset);
        let settings = settings.map_err(|error| of_recipe(&error))?;
        if let (Init::File(file), None) = (&settings.init, &initial) {
            initial = Some(pictures::open(py, "init", file)?);
        }
        Ok(Self { settings, initial })
    }
}

/// The setting of this name.
///
/// # Errors
/// `TypeError` if there is none, as for any unknown keyword argument.
fn find(py: Python, name: &str) -> PyResult<&'static Definition> {
    if let Some(found) = DEFINITIONS.iter().find(|setting| keyword(setting) == name) {
        return Ok(found);
    }
    let similar = py.import("difflib")?;
    let similar = similar.call_method1("get_close_matches", (name, setting_names(), 1))?;
    let similar: Vec<String> = similar.extract()?;
    let hint = similar.first().map_or(String::new(), |similar| {
        format!("; did you mean '{similar}'?")
    });
    Err(PyTypeError::new_err(format!(
        "stylize() got an unexpected keyword argument '{name}'{hint}"
    )))
}

fn set(recipe: &mut Recipe, name: &str, text: &str) -> PyResult<()> {
    let setting = DEFINITIONS.iter().find(|setting| keyword(setting) == name);
    let parsed = (setting.expect("it was found").parse)(text, recipe);
    parsed.map_err(|invalid| error(format!("{name}={text}: {invalid}")))
}

/// A value as the text of an option. A sequence is a list, and a mapping one of layers with their weights.
fn text(value: &Bound<PyAny>) -> PyResult<String> {
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(flag.is_true().to_string());
    }
    if let Ok(layers) = value.cast::<PyDict>() {
        let layers = layers
            .iter()
            .map(|(layer, weight)| Ok(format!("{layer}={}", text(&weight)?)));
        return Ok(layers.collect::<PyResult<Vec<_>>>()?.join(","));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items = value.try_iter()?.map(|item| text(&item?));
        return Ok(items.collect::<PyResult<Vec<_>>>()?.join(","));
    }
    Ok(value.str()?.to_string())
}

/// A size: N, or (width, height), or text as that of the option.
fn text_of_size(size: &Bound<PyAny>) -> PyResult<String> {
    match size.extract::<(u32, u32)>() {
        Ok((width, height)) => Ok(format!("{width}x{height}")),
        Err(_) => text(size),
    }
}
