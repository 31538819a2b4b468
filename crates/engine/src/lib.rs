//! The rules of the clearing house, as one pure state machine.
//!
//! No I/O, clock, float, randomness, thread or hash-map order: the same genesis and blocks give the same
//! events and the same state hash on every machine (I07).

#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_types
)]

mod apply;
mod chain;
mod fees;
mod govern;
mod hash;
mod invariants;
mod members;
mod reserve;
mod validators;
mod warm;

pub mod account;
pub mod attest;
pub mod auction;
pub mod credit;
pub mod custody;
pub mod genesis;
pub mod keeper;
pub mod ledger;
pub mod liabilities;
pub mod liquidation;
pub mod market;
pub mod measures;
pub mod migration;
pub mod oracle;
pub mod orders;
pub mod risk;
pub mod rollback;
pub mod snapshot;
pub mod state;
pub mod table;
pub mod view;
pub mod waterfall;

pub use apply::BlockStage;
pub use genesis::{GenesisError, late_inclusions};
pub use snapshot::SnapshotError;
pub use state::{BlockPart, Outcome, Refused, State};

/// The house: its state, and the one way to change it, [`Engine::apply`].
#[derive(Clone, Debug)]
pub struct Engine {
    state: State,
    /// Reused from block to block: accounts to evaluate.
    candidates: Vec<ballast_types::AccountId>,
    /// Reused from block to block: what the state hash is made of.
    sealed: Vec<u8>,
}

impl Engine {
    fn of(state: State) -> Self {
        Self { state, candidates: Vec::new(), sealed: Vec::new() }
    }

    /// Everything there is.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }
}
