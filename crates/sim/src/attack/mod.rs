//! A search for profit: scripts of an attacker, changed and chosen until they gain, with every guard on.
//!
//! - When: never in the house itself; `ballast attack` runs it, and a short pass of it is a test.
//! - Genome: lines of a script ([`crate::script::Line`]), so that a find is a script that `ballast exec` runs.
//! - Measure: [`gain`]. What the attacker's accounts and wallets hold at the end, in tokens at the closing price, less
//!   what it brought, less gas. Each script runs on a path of prices and on its mirror image; the mean counts, so that
//!   a bet on the price gains nothing.
//! - Keeps: the same seed and the same number of runs give the same finds, on any number of threads.
//! - Absent: late deliveries of facts, and keepers. The chains of a script carry out every order at once.

mod books;
pub mod field;
pub mod gain;
pub mod genome;
mod minimise;
mod people;
pub(crate) mod run;
pub mod search;
pub mod world;

pub use field::Field;
pub use gain::{Score, Verdict};
pub use genome::Genome;
pub use run::Mirror;
pub use search::{Find, Progress, Report, Terms, search};
pub use world::World;
