//! What several programs around the engine share: the input of a replay, and the live screen.
//!
//! The `ballast` binary (`main.rs`) is one subcommand a job on top of it.

pub mod input;
pub mod watch;
