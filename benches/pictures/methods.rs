//! The methods that are compared: presets, or other options of `impasto stylize`.

use super::Result;
use impasto::painting::{Layers, Recipe, Settings};

/// The presets that are compared if nothing else is asked for.
const USUAL: [&str; 5] = ["default", "crowsonkb", "strotss", "nnst", "best"];

/// A way to paint.
#[derive(Clone, Debug)]
pub struct Method {
    /// Its name, which is also that of its folder.
    pub name: String,
    /// The options of `impasto stylize`.
    pub options: Vec<String>,
    /// The content weight over the method's own.
    pub factor: f64,
}

/// The methods that the variable METHODS names. Without it, those of the usual presets that this program has.
pub fn chosen(names: Option<&str>) -> Result<Vec<Method>> {
    let Some(names) = names.filter(|names| !names.trim().is_empty()) else {
        let known = USUAL.iter().filter(|name| Recipe::preset(name).is_some());
        return Ok(known.map(|name| Method::preset(name)).collect());
    };
    let mut methods = Vec::new();
    for part in names.split(';').filter(|part| !part.trim().is_empty()) {
        match part.split_once(':') {
            Some((name, options)) => methods.push(Method {
                name: name.trim().to_owned(),
                options: options.split_whitespace().map(str::to_owned).collect(),
                factor: 1.0,
            }),
            None => methods.extend(
                part.split([',', ' '])
                    .filter(|n| !n.is_empty())
                    .map(Method::preset),
            ),
        }
    }
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match methods.iter().find(|method| !method.name.chars().all(safe)) {
        Some(method) => Err(format!("{:?} is not a name for a folder", method.name).into()),
        None => Ok(methods),
    }
}

impl Method {
    fn preset(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            options: ["--preset", name].map(str::to_owned).into(),
            factor: 1.0,
        }
    }

    /// The same method with its content weight multiplied.
    pub fn weighted(&self, factor: f64) -> Self {
        let weight = factor * self.content_weight();
        let mut options = self.options.clone();
        if factor != 1.0 {
            // Without an earlier one: an option may be given once.
            if let Some(at) = options
                .iter()
                .position(|option| option == "--content-weight")
            {
                options.drain(at..(at + 2).min(options.len()));
            }
            options.extend(["--content-weight".to_owned(), weight.to_string()]);
        }
        Self {
            name: self.name.clone(),
            options,
            factor,
        }
    }

    fn content_weight(&self) -> f64 {
        let given = self
            .option("--content-weight")
            .and_then(|text| text.parse().ok());
        given.unwrap_or_else(|| self.settings().content_weight)
    }

    /// The settings of its preset.
    fn settings(&self) -> Settings {
        let preset = self.option("--preset").and_then(Recipe::preset);
        preset.map_or_else(Settings::default, Recipe::settings)
    }

    fn option(&self, name: &str) -> Option<&str> {
        let at = self.options.iter().position(|option| option == name)?;
        self.options.get(at + 1).map(String::as_str)
    }

    /// The layers whose activations its losses compare: those of style, and those of content.
    pub fn layers(&self) -> [Vec<String>; 2] {
        let names = |layers: &Layers| {
            let with_weight = layers.0.iter().filter(|layer| layer.weight > 0.0);
            with_weight.map(|layer| layer.layer.clone()).collect()
        };
        let settings = self.settings();
        [&settings.style_layers, &settings.content_layers].map(names)
    }
}
