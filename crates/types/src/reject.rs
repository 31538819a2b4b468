//! Rejects: why a command changed nothing. Each carries its figures and has a stable code; the order of
//! this enum is the order in which checks are made, and the order of the tests.

use crate::{
    AccountId, Address, AssetId, ChainId, Hash, KeeperId, MarketId, Nonce, Sequence, Signer, TaskId, Token,
};
use ballast_units::{Amount, Millis, Price, Ratio, Time, Usd};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an oracle thinks of an asset's price.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum OracleState {
    /// Enough usable sources agree.
    Fresh,
    /// Too few usable sources for a while.
    Stale,
    /// Usable sources disagree.
    Divergent,
    /// No price, or none for too long.
    #[default]
    Halted,
}

/// What the oracle's table allows or forbids by state.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Open or enlarge a position.
    Open,
    /// Borrow, or withdraw while owing.
    Borrow,
    /// Liquidate.
    Liquidate,
    /// Re-centre a curve.
    Recentre,
    /// Reduce a position.
    Reduce,
    /// Deposit or repay.
    Repay,
}

/// A row of the catalogue of rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RejectInfo {
    /// "E2104"; never reused.
    pub code: &'static str,
    /// The variant's name.
    pub name: &'static str,
    /// The same command may pass later, without change.
    pub transient: bool,
    /// What is wrong and what to do.
    pub meaning: &'static str,
}

macro_rules! rejects {
    ($($(#[$doc:meta])* $code:literal $name:ident { $($field:ident: $ty:ty),* } $transient:literal $meaning:literal;)*) => {
        /// Why a command or observation was refused. Nothing was changed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[derive(BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "fields are the figures of the variant's sentence; see docs/rejects.md")]
        pub enum Reject {
            $(#[doc = $meaning] $name { $($field: $ty),* },)*
        }

        impl Reject {
            /// Every reject there is, in order of checking.
            pub const CATALOG: &'static [RejectInfo] =
                &[$(RejectInfo { code: $code, name: stringify!($name), transient: $transient, meaning: $meaning }),*];

            /// Code, name, whether it may pass later, meaning.
            #[must_use]
            pub const fn info(&self) -> RejectInfo {
                match self {
                    $(Self::$name { .. } => RejectInfo {
                        code: $code, name: stringify!($name), transient: $transient, meaning: $meaning,
                    },)*
                }
            }

            /// The figures, one `name value` pair each, for people.
            #[must_use]
            pub fn figures(&self) -> Vec<(&'static str, String)> {
                match self {
                    $(Self::$name { $($field),* } => vec![$((stringify!($field), $field.to_string())),*],)*
                }
            }
        }
    };
}

rejects! {
    "E1001" Overflow {} false "A figure leaves the range that is counted in; use a smaller amount.";
    "E1002" AmountZero {} false "The amount is zero; give one above zero.";
    "E1003" AmountOutOfRange { amount: Amount, limit: Amount } false "The amount is larger than any the house counts.";
    "E1004" UnknownAccount { account: AccountId } false "No such account; open it or deposit to it first.";
    "E1005" UnknownMarket { market: MarketId } false "No such market.";
    "E1006" UnknownChain { chain: ChainId } false "No such chain.";
    "E1007" UnknownAsset { asset: AssetId } false "No such asset.";
    "E1008" UnknownToken { asset: AssetId, chain: ChainId } false "The chain's vault does not list this asset.";
    "E1009" AccountsFull { limit: u32 } false "No account id is left.";
    "E1010" DomainTaken { domain: Hash, chain: ChainId } false "Another chain has this domain: two chains cannot share one vault.";
    "E1011" ChainsFull { limit: u32 } false "No chain id is left.";
    "E1012" TokenListed { asset: AssetId, chain: ChainId } false "The asset is listed there already, by another contract or as what keepers stake.";
    "E1101" SafeMode { since: Time } true "The hub restarted and waits for fresh prices; only what reduces risk is taken.";
    "E1102" OracleNotReady { asset: AssetId, state: OracleState, action: Action } true "The price of the asset does not allow this now; wait for fresh sources.";
    "E1103" PriceOutOfRange { asset: AssetId, price: Price, limit: Price } false "The reported price is beyond what is counted.";
    "E1104" PriceFromFuture { asset: AssetId, time: Time, now: Time } true "The report is newer than the block.";
    "E1105" PriceOutdated { asset: AssetId, time: Time, newest: Time } false "The source has already reported a newer price.";
    "E1106" ConfidenceNegative { asset: AssetId } false "A confidence interval has no negative width.";
    "E1201" SequenceGap { chain: ChainId, got: Sequence, want: Sequence } true "An earlier event of the vault is missing; deliver it first.";
    "E1202" SequenceSeen { chain: ChainId, got: Sequence, next: Sequence } false "This event of the vault has taken effect already.";
    "E1203" SequenceUnknown { chain: ChainId, got: Sequence, next: Sequence } true "The vault has not reported this event yet.";
    "E1204" SequenceFinal { chain: ChainId, got: Sequence, final_to: Sequence } false "This event is final and cannot be dropped.";
    "E1213" MeasureFromFuture { time: Time, now: Time } true "The measurement is newer than the block.";
    "E1214" MeasureOutdated { time: Time, newest: Time } false "The source has already reported a newer measurement.";
    "E1215" OrderOpen { chain: ChainId, nonce: Nonce } true "An earlier order of this kind is not final; wait until it is.";
    "E2001" AccountLocked { account: AccountId } true "The account is being liquidated; deposits and repayments are accepted.";
    "E2002" NoPosition { account: AccountId, market: MarketId } false "The account has no position in this market.";
    "E2003" WouldIncrease { account: AccountId, market: MarketId } false "The trade would open or enlarge a position, and reduce-only was asked.";
    "E2004" TradeTooLarge { market: MarketId, reserve: Amount, limit: Amount } false "The swap would take more than 90 % of a reserve; trade less.";
    "E2005" TradeTooSmall { market: MarketId } false "The swap rounds to nothing; trade more.";
    "E2006" LimitExceeded { quote: Amount, limit: Amount } true "The average price is worse than the limit.";
    "E2007" MarkOutsideBand { market: MarketId, mark: Price, index: Price, band: Ratio } true "The trade would leave mark too far from index; trade less or the other way.";
    "E2008" MarkMoveTooLarge { market: MarketId, mark: Price, low: Price, high: Price } true "Mark would move more than its limit within the window; trade less or later.";
    "E2009" OpenInterestCap { market: MarketId, have: Amount, cap: Amount } true "This side of the market is at its cap.";
    "E2010" PositionTooLarge { market: MarketId, size: Amount, limit: Amount } false "The position would be half of the curve's depth or more.";
    "E2011" HealthTooLow { account: AccountId, health: Usd } true "Initial health after it would be below zero; add collateral or trade less.";
    "E2012" ReduceLowersHealth { account: AccountId, before: Usd, after: Usd } true "The reduction would lower the account's health; reduce less.";
    "E2013" CashTooSmall { account: AccountId, have: Amount, need: Amount } false "The account does not have this much cash.";
    "E2014" MarketWindingDown { market: MarketId } false "The market leaves the house: positions can be reduced and closed, and none be opened.";
    "E2104" AccountHealthy { account: AccountId, health: Usd } true "The account is healthy and cannot be liquidated.";
    "E2201" UnknownTask { task: TaskId } false "No open liquidation has this number.";
    "E2202" TaskNotFrozen { task: TaskId } false "No lot of the liquidation is frozen, and nothing of it is overdue on its way.";
    "E3001" NoLoan { account: AccountId, chain: ChainId } false "The account owes nothing on this chain.";
    "E3002" LendingTooSmall { chain: ChainId, have: Amount, need: Amount } true "The chain's pool does not have this much idle.";
    "E3003" InventoryTooSmall { chain: ChainId, have: Amount, need: Amount } true "The chain's vault does not have this much stablecoin free.";
    "E3004" SharesTooSmall { account: AccountId, have: Amount, need: Amount } false "The account's share of the pool is worth less.";
    "E3005" LendTooSmall { chain: ChainId } false "The amount buys no share of the pool.";
    "E3006" NoAddress { account: AccountId, chain: ChainId } false "Register an address on this chain first.";
    "E3007" CollateralTooSmall { account: AccountId, have: Amount, need: Amount } false "The account does not have this much of the token.";
    "E3008" NotOnParBeyondDeposits { token: Token, have: Amount, need: Amount } true "While a coin is off par, it can be borrowed only up to the account's own deposits of it.";
    "E3009" AmountBelowUnit { amount: Amount, unit: Amount } false "The amount is below the token's smallest unit, or a deposit that is not whole in it.";
    "E3010" NoColdStore { chain: ChainId } false "The chain has no cold store; set its address first.";
    "E3011" FloatTooSmall { have: Amount, need: Amount } true "The float holds less than that.";
    "E3012" LoanTooSmall { chain: ChainId, owed: Amount, least: Amount } false "The loan would be below the chain's least; borrow more, or repay all of it.";
    "E3013" NothingInSuspense { account: AccountId, token: Token } false "Nothing of this token is kept in suspense for the account.";
    "E3014" AddressInvalid { chain: ChainId, address: Address } false "Nobody can be paid at this address on the chain: on one of the EVM kind it is 20 bytes after twelve zeros.";
    "E3015" WithdrawalTooSmall { account: AccountId, amount: Amount, least: Amount } false "The withdrawal is worth less than ten times what delivering it costs, in dollars; take out more at once.";
    "E3016" NoWithdrawal { account: AccountId, token: Token } false "No withdrawal of this coin waits for the account: it was paid or cancelled, or never waited.";
    "E3017" WithdrawalsOpen { account: AccountId, have: u32, limit: u32 } true "So many withdrawals of the account are on their way; wait until one of them is final.";
    "E4001" ListingMaintenance { need: Ratio, have: Ratio } false "Maintenance margin does not cover index move, band, exit and fees (R8).";
    "E4002" ListingInitial { need: Ratio, have: Ratio } false "Initial margin does not cover maintenance, band and two fees (R8).";
    "E4003" ListingOpenInterest { closable: Amount, cap: Amount } false "The open-interest cap cannot be closed in time through the guard and the backstop (R8).";
    "E4004" ListingThreshold { need: Ratio, have: Ratio } false "The threshold does not cover fee, fill and fall (R14).";
    "E4005" ListingValue { value: Ratio, low: Ratio, high: Ratio } false "A parameter is outside its bounds.";
    "E4006" DepthStep { squared: Ratio, low: Ratio, high: Ratio } false "k may change only this far in one step (R20).";
    "E4007" DepthTooSmall { market: MarketId } false "The net position would not be closable on the smaller curve (R20).";
    "E4008" BudgetTooSmall { market: MarketId, have: Amount, need: Amount } true "The market's budget cannot pay for the change.";
    "E4009" LimitsBounds { have: Millis, low: Millis, high: Millis } false "Window or delay of a vault's limits is outside its bounds.";
    "E4010" CoinNotListed { asset: AssetId } false "A chain's coin is a stablecoin among its tokens.";
    "E4011" UnitChanged { unit: Amount, asked: Amount } false "A token's unit is its vault's: what it holds is counted in it.";
    "E4012" RotationOpen { chain: ChainId, have: u32, want: u32 } true "The chain's vault is four sets of validators behind; wait until it has carried a rotation out for good.";
    "E4013" SignersCount { have: u32, low: u32, high: u32 } false "A set of validators has at least one signer, and no more than a certificate can count.";
    "E4014" SignerZero { signer: Signer } false "No key signs as zero.";
    "E4015" SignerTwice { signer: Signer } false "A signer is named twice; each validator has a key of its own.";
    "E4016" SetUnchanged { epoch: u32, signers: u32 } false "These are the present validators.";
    "E4017" PathOpen { from: ChainId, to: ChainId } false "The way between these chains is not closed.";
    "E5001" NoStakeToken {} false "This house has no keepers: its genesis names no stake asset.";
    "E5002" KeepersFull { limit: u32 } false "No more keepers are taken.";
    "E5003" UnknownKeeper { keeper: KeeperId } false "No such keeper; register it first.";
    "E5004" OperatorBarred { operator: Address, since: Time } false "A verdict of malice stands against this operator.";
    "E5005" CoresTooFew { have: u32, need: u32 } false "The node has too few cores.";
    "E5006" MemoryTooSmall { have: u32, need: u32 } false "The node has too little memory (GiB).";
    "E5007" StakeTooSmall { have: Amount, need: Amount } false "The stake is too small.";
    "E5008" SignerTaken { keeper: KeeperId } false "Another keeper has this key.";
    "E5009" UnstakeOpen { keeper: KeeperId, due: Time } true "The keeper is already taking stake back; wait until that is done.";
    "E5010" KeeperSuspended { keeper: KeeperId, until: Time } true "The keeper is suspended.";
    "E5011" HeartbeatEarly { keeper: KeeperId, next: Time } true "The keeper has just been heard.";
    "E5012" NoRound { task: TaskId } false "The task has no keepers, or they are judged already.";
    "E5013" NotDrawn { keeper: KeeperId, task: TaskId } false "The task was given to other keepers.";
    "E5014" NothingOrdered { task: TaskId, chain: ChainId } false "The task has no order on this chain.";
    "E5015" CommitOpen { keeper: KeeperId, task: TaskId, chain: ChainId } true "The keeper has committed already; reveal that first.";
    "E5016" ReportsFull { keeper: KeeperId, task: TaskId, limit: u32 } false "The keeper has reported on this chain too often.";
    "E5017" NoCommit { keeper: KeeperId, task: TaskId, chain: ChainId } false "Commit to the report first.";
    "E5018" CommitDiffers { committed: Hash, revealed: Hash } false "The report is not the one that was committed to.";
    "E5019" ReportRepeated { keeper: KeeperId, task: TaskId, block: Hash } false "The keeper has reported this block already.";
    "E5020" NoVote { keeper: KeeperId } false "No vote on this keeper is open.";
    "E5021" KeeperTerms { have: u64, low: u64, high: u64 } false "A figure of the keepers' terms is outside its bounds.";
}

impl Reject {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.info().code
    }

    /// Name of the variant.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.info().name
    }

    /// The same command may pass later, without change.
    #[must_use]
    pub const fn transient(&self) -> bool {
        self.info().transient
    }
}

impl fmt::Display for OracleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Divergent => "divergent",
            Self::Halted => "halted",
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Borrow => "borrow",
            Self::Liquidate => "liquidate",
            Self::Recentre => "recentre",
            Self::Reduce => "reduce",
            Self::Repay => "repay",
        })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asset {} on chain {}", self.asset, self.chain)
    }
}

impl fmt::Display for Reject {
    /// `E2104 AccountHealthy account=0 health=200: The account is healthy and cannot be liquidated.`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.info();
        write!(f, "{} {}", info.code, info.name)?;
        for (name, value) in self.figures() {
            write!(f, " {name}={value}")?;
        }
        write!(f, ": {}", info.meaning)
    }
}

impl std::error::Error for Reject {}

impl From<ballast_units::Overflow> for Reject {
    fn from(_: ballast_units::Overflow) -> Self {
        Self::Overflow {}
    }
}
