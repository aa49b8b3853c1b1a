//! Variants of some settings, to choose from.

use crate::painting::{OriginalColors, PerStyle, Settings};
use std::collections::BTreeMap;

/// How much more, or less, the photograph counts.
const PHOTOGRAPH: f64 = 4.0;
/// How much larger the strokes are.
const STROKES: f64 = 1.5;

/// Four variants: what each is called, and the settings that differ, as texts.
pub fn of(settings: &Settings) -> Vec<(&'static str, BTreeMap<String, String>)> {
    let weight = |factor: f64| {
        (
            "content-weight",
            (settings.content_weight * factor).to_string(),
        )
    };
    let scaled = |scale: f64| (scale * STROKES).to_string();
    let larger: Vec<String> = match &settings.style_scale {
        PerStyle::All(scale) => vec![scaled(*scale)],
        PerStyle::Each(scales) => scales.iter().copied().map(scaled).collect(),
    };
    let (label, colors) = match settings.original_colors {
        OriginalColors::Off => ("the photograph's colors", OriginalColors::Match),
        _ => ("the painting's colors", OriginalColors::Off),
    };
    [
        ("more of the photograph", weight(PHOTOGRAPH)),
        ("more of the painting", weight(1.0 / PHOTOGRAPH)),
        ("larger strokes", ("style-scale", larger.join(","))),
        (label, ("original-colors", colors.to_string())),
    ]
    .into_iter()
    .map(|(label, (name, text))| (label, BTreeMap::from([(name.to_owned(), text)])))
    .collect()
}
