//! Liquidation: close an account that is worth less than its maintenance margin.

use ballast_types::{AccountId, Auction, Hash, TaskId, Token};
use ballast_units::{Amount, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// Why a task was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Cause {
    /// Health below zero.
    Health,
    /// Settlement debt older than its grace: sells collateral for exactly that, without fee.
    Settlement,
    /// A deposit that the account relied on disappeared.
    Reorg,
}

/// One liquidation.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Task {
    /// Whose.
    pub account: AccountId,
    /// When detected.
    pub opened: Time,
    /// Why.
    pub cause: Cause,
    /// Blocks in which slices were tried.
    pub slices: u8,
    /// H0: hash of the account before.
    pub before: Hash,
    /// Dollars paid by takers, not yet distributed (ledger).
    pub proceeds: Amount,
    /// Distributed so far.
    pub repaid: Repaid,
}

/// Where proceeds went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Repaid {
    /// Principal of loans.
    pub principal: Amount,
    /// Interest of loans.
    pub interest: Amount,
    /// Settlement debts.
    pub settlement: Amount,
    /// Liquidation fee.
    pub fee: Amount,
    /// To the owner.
    pub returned: Amount,
    /// Nobody paid it: went down the waterfall.
    pub shortfall: Amount,
}

/// Collateral of one task on one chain.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Lot {
    /// Whose liquidation.
    pub task: TaskId,
    /// What, where.
    pub token: Token,
    /// Still in the lot (ledger): takes leave it when they are final.
    pub held: Amount,
    /// Taken and seen, not final.
    pub taken: Amount,
    /// Dollars paid for `taken`.
    pub paid: Amount,
    /// Dollars at index when it was queued; what `auction_cap` counts.
    pub value: Amount,
    /// Where it stands.
    pub stage: LotStage,
    /// Rounds offered so far.
    pub round: u8,
}

/// Where a lot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum LotStage {
    /// Waits below the auction cap of its token.
    Queued,
    /// Under auction.
    Offered(Auction),
    /// Bought by nobody; offered again at this time.
    Warehoused(Time),
}
