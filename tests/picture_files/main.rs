//! Picture files of every kind are read and written.

mod alpha;
mod color_math;
mod outputs;
mod pictures;
mod profile_files;
mod profiles;
mod texts;
#[path = "../program/workplace.rs"]
mod workplace;
mod written;
