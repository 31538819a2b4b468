//! Markets: perpetuals on virtual AMMs.
//!
//! `curve` prices trades, `position` books them, `settlement` pays what they realise through `claim` and
//! `debt`, `price` says what decides health, `guard` what a trade may do to mark; `round` is what time brings:
//! variation margin, `funding`, re-centring and `depth`, in that order.
//!
//! - Keeps: I03 (the curve is zero-sum), I04 (profit only out of realised losses), I05 (funding finances itself).

pub mod claim;
pub mod curve;
pub mod debt;
pub(crate) mod depth;
pub mod funding;
pub mod guard;
pub(crate) mod listing;
pub(crate) mod position;
pub mod price;
pub(crate) mod round;
pub(crate) mod settlement;

use crate::ledger::MarketMoney;
use ballast_types::{AccountId, AssetId, MarketParams};
use ballast_units::{Amount, Ratio, Size, Usd};
use borsh::{BorshDeserialize, BorshSerialize};

/// Everything the engine keeps of a market.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Market {
    /// What it follows.
    pub asset: AssetId,
    /// Its terms.
    pub params: MarketParams,
    /// It leaves the house: positions are only reduced.
    pub leaves: bool,
    /// Virtual reserves.
    pub curve: curve::Curve,
    /// D: base reserve at the last change of depth; margins grow by it, not by the reserve of the moment.
    pub depth: Amount,
    /// Dollars.
    pub money: MarketMoney,
    /// Running sums of I03 and open interest.
    pub books: Books,
    /// Unpaid claims.
    pub claims: claim::ClaimBook,
    /// Settlement debts.
    pub debts: debt::DebtBook,
    /// Funding indices.
    pub funding: funding::Funding,
    /// TWAPs, premium, risk price.
    pub prices: price::Prices,
    /// Marks of the rolling window.
    pub window: guard::MarkWindow,
    /// Rounds, and the one that is running.
    pub rounds: round::Rounds,
    /// What the depth formula measures.
    pub activity: depth::Activity,
    /// h: how far claims and open profits are backed (R4).
    pub backing: Ratio,
    /// Highest h since all members were last looked at: what assessments may have counted (R17).
    pub backing_high: Ratio,
    /// The house's account that takes over positions.
    pub backstop: AccountId,
    /// Losses of this market that nobody has absorbed yet.
    pub deficit: Amount,
}

/// Running sums of a market (R3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Books {
    /// N: sum of all sizes.
    pub net: Size,
    /// Open longs, base.
    pub long: Amount,
    /// Open shorts, base.
    pub short: Amount,
    /// Q: quote that swaps moved in, less what they moved out.
    pub quote_in: Usd,
    /// A: booked changes of the curve's closing value.
    pub adjustments: Usd,
    /// Σ cost of all positions.
    pub cost: Usd,
    /// Σ realised PnL of all positions, funding apart.
    pub realised: Usd,
    /// Funding charged to accounts so far.
    pub funding_charged: Amount,
    /// Funding credited to accounts so far.
    pub funding_credited: Amount,
    /// Surplus of funding credited to the budget so far.
    pub funding_surplus: Amount,
}
