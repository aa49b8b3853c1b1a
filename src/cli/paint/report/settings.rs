//! The settings of a run, for a table.

use super::names::file_name;
use crate::cli::request::init_file;
use crate::painting::{DEFINITIONS, Settings};

/// A setting, its value, its default, and what it does.
pub struct Row {
    pub name: String,
    pub value: String,
    pub default: String,
    pub help: &'static str,
}

impl Row {
    pub fn is_changed(&self) -> bool {
        self.value != self.default
    }
}

/// All settings, in the order of their definitions.
pub fn rows(settings: &Settings) -> Vec<Row> {
    let rows = DEFINITIONS.iter().map(|definition| {
        let name = definition.name();
        let file = init_file(settings).filter(|_| name == "init");
        Row {
            value: file.map_or_else(|| (definition.text)(settings), file_name),
            default: (definition.default)(),
            help: definition.help,
            name,
        }
    });
    rows.collect()
}
