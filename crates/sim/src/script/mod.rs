//! Scripts: the lines that `ballast exec` reads, and the house that carries them out.
//!
//! - The same lines give the same answers.
//! - Absent: files. Whoever runs a script reads it line by line; only a genesis may name a file.

mod chain;
mod command;
mod lots;
pub(crate) mod names;
mod show;

pub mod genesis;
pub mod line;
pub mod output;
pub mod session;

pub use genesis::ScriptGenesis;
pub use line::Line;
pub use names::Names;
pub use session::{Session, Told};
