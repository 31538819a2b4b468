//! Funding: what longs pay shorts (or the other way) for the distance of mark from index.

use ballast_units::{Amount, Time, Usd};
use borsh::{BorshDeserialize, BorshSerialize};

/// The funding of a market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Funding {
    /// Dollars charged so far to one base unit of a long; falls when longs receive.
    pub index_long: Usd,
    /// Dollars charged so far to one base unit of a short.
    pub index_short: Usd,
    /// Premium fraction of the last period, dollars a base unit; positive: longs paid.
    pub rate: Usd,
    /// When the running period began.
    pub since: Time,
    /// Running sum of mark at its beginning.
    pub mark_sum: u128,
    /// Running sum of index at its beginning.
    pub index_sum: u128,
    /// Surplus not yet credited to the budget (below one wei a base unit).
    pub surplus: Amount,
}
