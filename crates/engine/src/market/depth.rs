//! Depth and re-centring: changes of the curve, paid by the market's budget (R3, R20).

use ballast_units::{Amount, Price, Ratio};
use borsh::{BorshDeserialize, BorshSerialize};

/// What the depth formula measures of a period, and its 7-day means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Activity {
    /// Dollars traded in the running period.
    pub volume: Amount,
    /// Σ |index move| of the running period, share of index.
    pub volatility: Ratio,
    /// Index at the last look.
    pub last_index: Option<Price>,
    /// 7-day mean of a period's volume.
    pub volume_mean: Amount,
    /// 7-day mean of a period's volatility.
    pub volatility_mean: Ratio,
    /// 7-day mean of open interest.
    pub open_interest_mean: Amount,
    /// Periods measured so far.
    pub periods: u32,
}
