//! Options that several commands share.

mod checkpoint;
mod memory;
mod network;
mod output;
mod processes;
mod report;
mod settings;

pub use checkpoint::{CheckpointOptions, Interval};
pub use memory::MemoryArgs;
pub use network::{
    EngineName, MachineOptions, NetworkOptions, cpu_features, engine_name, load_weights,
    weights_variable,
};
pub use output::OutputOptions;
pub use processes::ProcessOptions;
pub use report::{ReportOptions, TalkOptions};
pub use settings::{
    ForCommand, ForReconstruct, ForStylize, ForTexture, PresetOptions, SettingOptions,
};
