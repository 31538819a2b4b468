//! From a genesis to the first state.

use crate::Engine;
use ballast_types::{Genesis, Reject};

/// Why a genesis was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// A name that nothing has.
    #[error("{place} names the {kind} {name:?}, which genesis does not define")]
    Unknown {
        /// "markets[0].asset".
        place: String,
        /// "asset".
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A name that two things have.
    #[error("{place} defines {name:?} a second time")]
    Twice {
        /// "assets[3]".
        place: String,
        /// The name.
        name: String,
    },
    /// A figure outside of its bounds, or listing conditions that do not hold.
    #[error("{place}: {reject}")]
    Refused {
        /// "markets[0]".
        place: String,
        /// Why.
        reject: Reject,
    },
}

impl Engine {
    /// The engine before its first block.
    pub fn new(genesis: &Genesis) -> Result<Self, GenesisError> {
        let _ = genesis;
        Ok(Self { state: crate::state::State::default() })
    }
}
