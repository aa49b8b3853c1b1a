//! `impasto stylize`.

mod animations;
mod checkpoints;
mod colors;
mod engines;
mod interrupt;
mod layers_and_losses;
mod masks_and_blends;
mod methods;
mod optimization;
mod options;
mod outputs;
mod painting;
mod presets;
mod protect;
mod ranges;
mod refusals_of_files;
mod refusals_of_pictures;
mod refusals_of_settings;
mod refusals_of_weights;
mod reports;
mod settings_from;
mod tiles;
mod weights;

/// Few layers and iterations, so that a run is quick.
pub const SHALLOW: &str = "--size 48 --style-layers conv1_1,conv2_1 --iterations 4";
