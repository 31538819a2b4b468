//! The names of the double-entry ledger: its accounts, and why value moves between them.

use crate::{AccountId, ChainId, KeeperId, LotId, MarketId, TaskId, Token};
use ballast_units::Amount;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// What a loss, a fee, a tranche or a deficit belongs to: one market or one chain, never both.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// A perpetual market.
    Market(MarketId),
    /// A chain's lending pool and vault.
    Chain(ChainId),
}

/// In what a balance is counted.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Money {
    /// Dollars of the hub, backed at par by the inventories of stablecoin.
    Usd,
    /// An asset on a chain.
    Token(Token),
}

/// An account of the ledger. None is ever below zero (I02).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LedgerAccount {
    /// Settled dollars of an account.
    Cash(AccountId),
    /// Final collateral of an account.
    Collateral(AccountId, Token),
    /// A deposit that is safe, not final: it counts, but nothing can be paid from it (R9).
    Pending(AccountId, Token),
    /// Realised losses of a market, before claims are paid from them.
    Pool(MarketId),
    /// Paid claims of a market that their holders have not touched yet.
    Payable(MarketId),
    /// What pays for changes of a market's curve.
    Budget(MarketId),
    /// A market's or a chain's own first-loss money.
    Tranche(Scope),
    /// Idle dollars of a chain's lending pool.
    Lending(ChainId),
    /// Collateral under auction.
    Lot(LotId),
    /// Dollars paid by takers for the lots of a task, not yet distributed.
    Proceeds(TaskId),
    /// Collateral that the reserve took at the floor.
    Warehouse(Token),
    /// Stablecoin in a chain's vault that backs dollars.
    Inventory(Token),
    /// Ordered out of a vault, not yet seen to have left.
    InFlight(ChainId),
    /// Fees of a market or chain, before they are split (R19).
    Fees(Scope),
    /// The reserve in the vaults.
    Float,
    /// The reserve in a chain's multisig.
    Cold(ChainId),
    /// The house's own money.
    Treasury,
    /// What a keeper staked, in the stake token.
    Stake(KeeperId),
    /// What keepers forfeited, in the stake token: the reserve's, which counts it as zero.
    Fines,
    /// Dollars of a task's fee that wait until its keepers are judged.
    Pot(TaskId),
    /// What a deposit had below the hub's unit of the token: the house's, too small to be anybody's.
    Dust(Token),
    /// What an account deposited and the house does not take: it counts nowhere and can only be taken out again.
    Suspense(AccountId, Token),
    /// What came into a vault and is nobody's: paid for something that was not for sale, or sent by no order.
    Surplus(Token),
    /// Dollars of an account that wait to leave as a coin: they back what the account has open, and nothing new (R32).
    Waiting(AccountId, Token),
    /// Dollars by which coins were taken below par: they pay a write-down of the coin first, and are the float's when it has been
    /// at par for a day (R39).
    ParReserve(Token),
}

/// Why value moved. Reports and audits are queries over transfers by reason.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It came in through a vault.
    Deposit,
    /// It went out through a vault.
    Withdrawal,
    /// A safe deposit became final.
    Finality,
    /// A deposit's block was dropped by its chain.
    Reorg,
    /// A realised loss went to its market's pool.
    Settlement,
    /// An open loss was collected into its market's pool in a round (R13).
    VariationMargin,
    /// Claims were paid, or what was paid reached its holder.
    Claim,
    /// The dust of a finished epoch of claims.
    Dust,
    /// A fee of a trade.
    TradeFee,
    /// A fee of a liquidation.
    LiquidationFee,
    /// Fees were split between their receivers.
    FeeSplit,
    /// What stood above a cap.
    Overflow,
    /// The budget paid for a change of the curve.
    Curve,
    /// A lender's dollars into or out of a pool.
    Lending,
    /// A loan paid out.
    Borrow,
    /// A loan or settlement debt repaid.
    Repay,
    /// Interest.
    Interest,
    /// Collateral to or from a lot.
    Lot,
    /// A taker paid for part of a lot.
    Take,
    /// The treasury made good a market maker's rebate, or had it back.
    Rebate,
    /// An order was not carried out in time.
    Expiry,
    /// Gas and bridges.
    Cost,
    /// Collateral left one vault for another, or came from it.
    Bridge,
    /// Proceeds of a task were distributed.
    Distribution,
    /// A layer of the waterfall absorbed a loss.
    Loss,
    /// A deficit was repaid, and suspended holders with it.
    Recovery,
    /// Somebody gave it.
    Contribution,
    /// The account paid its size margin to the backstop, or the backstop was funded or emptied.
    Backstop,
    /// A keeper staked, or got its stake back.
    Stake,
    /// A keeper forfeited stake.
    Fine,
    /// A keeper was paid for a task.
    KeeperFee,
    /// The reserve's money went to a chain's multisig.
    Collection,
    /// The reserve's money came back from it.
    Recall,
    /// A fact of a chain that the books did not expect (R28).
    Anomaly,
    /// Cash to the queue of withdrawals, or back (R32).
    Queue,
}

/// One entry of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Transfer {
    /// Debited; `None` where value enters the books.
    pub from: Option<LedgerAccount>,
    /// Credited; `None` where value leaves the books.
    pub to: Option<LedgerAccount>,
    /// What moved.
    pub money: Money,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: Reason,
}

/// A layer that somebody may pay into.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A market's or a chain's tranche.
    Tranche(Scope),
    /// A market's budget.
    Budget(MarketId),
    /// The reserve.
    Float,
}
