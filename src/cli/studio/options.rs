//! What the page can choose from: presets, settings and limits, from the same definitions as the options of the command line.

use super::desk::{definitions, presets};
use super::pictures::{MAX_BYTES, MAX_PICTURES, MAX_PIXELS};
use crate::painting::{Bounds, Command, Definition, OptimizerKind, Recipe};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a preset is called on the page, and what it is good for.
const ABOUT: &[(&str, &str, &str)] = &[
    (
        "default",
        "impasto",
        "Strokes of every size in the painting's true colors.",
    ),
    (
        "gram",
        "Gentle",
        "The photograph stays clear under soft strokes. Fast.",
    ),
    (
        "classic",
        "Classic",
        "The best-known tutorial, from noise, at 666x500. Grainy and bright.",
    ),
    (
        "gatys2016",
        "Gatys 2016",
        "The paper's second version: the painting takes over.",
    ),
    (
        "neural-style",
        "neural-style",
        "J. Johnson's program: near to the photograph, with a little grain.",
    ),
    (
        "crowsonkb",
        "Patient",
        "K. Crowson's recipe: even and calm. Takes five times as long.",
    ),
    (
        "strotss",
        "Rearranged",
        "Moves what is in the painting into the picture (STROTSS).",
    ),
    (
        "nnst",
        "Quoted",
        "Builds it from the painting's most similar places (NNST).",
    ),
];

/// Presets, settings and limits.
pub fn options() -> Value {
    let presets = presets().map(|name| {
        let settings = Recipe::preset(name).expect("it is built in").settings();
        let known = ABOUT.iter().find(|(known, ..)| *known == name);
        let (_, title, about) = known.copied().unwrap_or((name, name, ""));
        let texts: BTreeMap<_, _> = definitions()
            .map(|setting| (setting.name(), (setting.text)(&settings)))
            .collect();
        json!({ "name": name, "title": title, "about": about, "settings": texts })
    });
    let of_stylize = definitions().filter(|setting| setting.commands.contains(&Command::Stylize));
    json!({
        "presets": presets.collect::<Vec<_>>(),
        "definitions": of_stylize.map(definition).collect::<Vec<_>>(),
        "limits": { "bytes": MAX_BYTES, "pixels": MAX_PIXELS, "pictures": MAX_PICTURES },
    })
}

fn definition(setting: &Definition) -> Value {
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    // What only the command line takes.
    let choices: Vec<_> = match setting.name().as_str() {
        "init" => vec!["content", "noise", "random"],
        _ => (setting.choices)(),
    };
    let default = (setting.default)();
    let kind = match () {
        () if setting.value_name().is_none() => "flag",
        () if !choices.is_empty() => "choice",
        () if !setting.list && setting.bounds != Bounds::any() && is_number(&default) => "number",
        () => "text",
    };
    let bounds = if setting.bounds == Bounds::any() {
        String::new()
    } else {
        setting.bounds.to_string()
    };
    let (min, max) = setting.bounds.ends();
    json!({
        "name": setting.name(),
        "help": setting.help,
        "group": setting.group.name(),
        "kind": kind,
        "choices": choices,
        "value": setting.value_name().unwrap_or_default(),
        "min": min,
        "max": max,
        "bounds": bounds,
        "list": setting.list,
        "optimizer": setting.optimizer.map(|optimizer| match optimizer {
            OptimizerKind::Lbfgs => "L-BFGS".to_owned(),
            OptimizerKind::Adam => "Adam".to_owned(),
            OptimizerKind::Rmsprop => "RMSprop".to_owned(),
        }),
        "default": default,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_of_photographs_has_a_title_and_every_title_a_preset() {
        let named: Vec<_> = ABOUT.iter().map(|(name, ..)| *name).collect();
        assert_eq!(named, presets().collect::<Vec<_>>());
    }

    #[test]
    fn the_page_has_every_option_of_the_command_line() {
        let options = options();
        let names: Vec<_> = options["definitions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["name"].as_str().unwrap())
            .collect();
        for setting in crate::painting::DEFINITIONS {
            let has = names.contains(&setting.name().as_str());
            assert_eq!(
                has,
                setting.commands.contains(&Command::Stylize),
                "{}",
                setting.name()
            );
        }
    }
}
