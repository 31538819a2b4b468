//! The waterfall: who bears a loss, in a fixed order.

use ballast_types::Scope;
use ballast_units::{Amount, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// A loss that left a deficit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Loss {
    /// Whose.
    pub scope: Scope,
    /// When it happened.
    pub time: Time,
    /// What no fast layer absorbed.
    pub deficit: Amount,
    /// What is left of it.
    pub left: Amount,
    /// Suspended for it at the time; its receipts add up to this.
    pub suspended: Amount,
}

/// What each scope used of the float in the last 24 hours, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FloatUse {
    /// (when, by whom, how much)
    pub uses: std::collections::VecDeque<(Time, Scope, Amount)>,
}
