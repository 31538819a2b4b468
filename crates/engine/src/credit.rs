//! Credit: a lending pool a chain, in dollars.

use ballast_units::{Amount, Ratio, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// A chain's lending pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LendingPool {
    /// Growth of one dollar of debt since genesis.
    pub index: Ratio,
    /// When `index` was brought up to date.
    pub updated: Time,
    /// Σ principal of its loans.
    pub principal: Amount,
    /// Σ scaled debt of its loans.
    pub scaled: Amount,
    /// Σ shares of its lenders.
    pub shares: Amount,
    /// Losses of this chain that nobody has absorbed yet.
    pub deficit: Amount,
}
