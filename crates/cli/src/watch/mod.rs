//! `ballast watch`: the screen of a risk desk, live in the terminal.
//!
//! - `frame` is the house at one moment; `tracker` makes it from what the engine says, `stream` carries it to other
//!   processes, `screen` draws it, `lines` writes it where there is no terminal.
//! - Sources: a replay in this process, or a hub that publishes on a socket.
//! - A replay never waits for the screen: frames that nobody took in time are left out.

mod app;
mod build;
mod coverage;
mod figures;
mod happening;
mod panes;
mod run;
mod table;
mod tracker;

pub mod frame;
pub mod lines;
pub mod screen;
pub mod stream;

pub use coverage::{Coverage, coverage};
pub use panes::Pane;
pub use run::{Args, present, run};
pub use tracker::{Throttle, Tracker};
