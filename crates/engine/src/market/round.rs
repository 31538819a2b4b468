//! Rounds: what a funding period brings to a market, in this order: variation margin, funding,
//! re-centring, depth; each on the state the last one left (R20).

use ballast_types::AccountId;
use ballast_units::{Amount, Price, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// The rounds of a market.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Rounds {
    /// When the next one begins.
    pub next: Time,
    /// The one that is running.
    pub running: Option<Round>,
}

/// A running round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Round {
    /// Fixed at the start; values every position of the round.
    pub price: Price,
    /// The next account to visit.
    pub next: AccountId,
    /// Collected so far.
    pub collected: Amount,
    /// Positions visited so far.
    pub visited: u32,
    /// Σ positive PnL at `price`.
    pub profit: Amount,
    /// Σ min(settlement debt + open loss, equity).
    pub backed: Amount,
}
