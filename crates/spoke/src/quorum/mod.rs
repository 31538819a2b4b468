//! What several validators report, made one.
//!
//! - [`Facts`]: what chains did. The same bytes by a quorum are true, in the vault's order.
//! - [`RootVotes`]: members' signatures of what they recomputed. Two thirds make a root count.
//! - [`Measurements`]: prices, depths, costs. Never the same twice: the median by stake of each source.

mod facts;
mod measurements;
mod roots;

pub use facts::{FactError, Facts, Numbered, QuorumError};
pub use measurements::{MeasurementError, Measurements, Settled};
pub use roots::{RootVotes, VoteError};

use ballast_units::Millis;

/// How far what a validator reports may be ahead of the hub's clock: other clocks differ by seconds.
pub const FUTURE_MOST: Millis = Millis::minutes(1);
