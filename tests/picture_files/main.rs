//! Picture files of every kind, in and out.

mod outputs;
mod pictures;
mod profiles;
#[path = "../program/workplace.rs"]
mod workplace;
