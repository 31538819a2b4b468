//! What happened. Events carry the amounts that moved; with transfers they are the whole history.

use crate::{
    AccountId, Address, Anomaly, AssetId, ChainId, Duty, Grade, Hash, KeeperId, Listing, LossId, LotId,
    Malice, MarketId, Misdeed, Nonce, OracleState, Owner, RegionId, Reject, Scope, Sequence, TaskId, Token,
    VaultLimits,
};
use ballast_units::{Amount, Price, Ratio, Size, Time, Usd};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// A trade against a curve, or off it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Fill {
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub market: MarketId,
    /// Change of size.
    pub size: Size,
    /// Dollars into the curve (positive) or out of it.
    pub quote: Usd,
    /// Fee paid.
    pub fee: Amount,
    /// Profit or loss realised.
    pub realised: Usd,
    /// The position afterwards.
    pub position: Size,
    /// Mark afterwards.
    pub mark: Price,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "event")]
#[expect(missing_docs, reason = "fields are named by the glossary of docs/ARCHITECTURE.md")]
pub enum Event {
    /// An account exists now.
    AccountOpened { account: AccountId, owner: Owner },
    /// Withdrawals on the chain go there now.
    AddressRegistered { account: AccountId, chain: ChainId, address: Address },
    /// A safe deposit counts, and cannot be spent yet.
    DepositPending { account: AccountId, token: Token, amount: Amount },
    /// A deposit is final: collateral, or cash where the token is at par.
    DepositCredited { account: AccountId, token: Token, amount: Amount },
    /// A safe deposit's block was dropped.
    DepositDropped { account: AccountId, token: Token, amount: Amount },
    /// Of a final deposit this is not taken: it waits in suspense.
    DepositSuspended { account: AccountId, token: Token, amount: Amount },
    /// Coins of an account became cash, as they are at par again or pay a debt; a coin below par brings less.
    CoinsTaken { account: AccountId, token: Token, amount: Amount, cash: Amount },
    /// Deposits of a token count from now on, or not.
    TokenListingChanged { token: Token, listing: Listing },
    /// A market leaves the house, or stays.
    MarketWindingDown { market: MarketId, leaves: bool },
    /// An account does not want a token, or wants it again.
    TokenRefused { account: AccountId, token: Token, refused: bool },
    /// The vault was told to pay.
    ReleaseOrdered { account: AccountId, token: Token, amount: Amount, nonce: Nonce },
    /// It does not fit the vault's free inventory; these dollars more wait for the coin.
    WithdrawalQueued { account: AccountId, token: Token, amount: Amount },
    /// It waited, and could not be paid when coins had come; its dollars are cash again.
    WithdrawalRefused { account: AccountId, token: Token, amount: Amount, reject: Reject },
    /// It waits no longer: its owner cancelled it, its account failed or lost the dollars, or it was too old. They are cash again.
    WithdrawalCancelled { account: AccountId, token: Token, amount: Amount },
    /// The vault paid.
    ReleaseCompleted { chain: ChainId, nonce: Nonce, amount: Amount },
    /// An order that the chain had not acknowledged was put out again.
    OrderResent { chain: ChainId, nonce: Nonce, times: u32 },
    /// The chain will never carry this order out: what it was for is undone.
    OrderExpired { chain: ChainId, nonce: Nonce },
    /// What an expired order was to pay is the account's again: collateral, or cash.
    ReleaseUndone { account: AccountId, token: Token, amount: Amount, nonce: Nonce },
    /// A position was opened.
    PositionOpened(Fill),
    /// A position was enlarged.
    PositionIncreased(Fill),
    /// A position was reduced.
    PositionReduced(Fill),
    /// A position was closed.
    PositionClosed(Fill),
    /// A realised loss was settled from these.
    LossSettled {
        account: AccountId,
        market: MarketId,
        set_off: Amount,
        cash: Amount,
        loan: Amount,
        debt: Amount,
    },
    /// A realised profit: debt repaid first, the rest is a claim.
    ProfitClaimed { account: AccountId, market: MarketId, debt_repaid: Amount, claim: Amount },
    /// A market paid its claims as far as its pool goes.
    ClaimsPaid { market: MarketId, paid: Amount, unpaid: Amount },
    /// A round collected open losses.
    VariationMarginCollected { market: MarketId, price: Price, collected: Amount, positions: u32 },
    /// Funding of a period, dollars a base unit; positive: longs pay.
    FundingSettled { market: MarketId, rate: Usd, index_long: Usd, index_short: Usd, surplus: Amount },
    /// The quote reserve was multiplied to bring mark nearer to index.
    MarketRecentred { market: MarketId, before: Price, after: Price, cost: Usd },
    /// Both reserves were multiplied.
    DepthChanged { market: MarketId, squared: Ratio, cost: Usd },
    /// The oracle's view of an asset changed.
    OracleChanged { asset: AssetId, before: OracleState, after: OracleState },
    /// The hub restarted: only what reduces risk is taken.
    SafeModeEntered {},
    /// Prices are fresh again.
    SafeModeLeft {},
    /// Dollars into a pool.
    Lent { account: AccountId, chain: ChainId, amount: Amount, shares: Amount },
    /// Dollars out of a pool.
    Redeemed { account: AccountId, chain: ChainId, amount: Amount, shares: Amount },
    /// A loan was paid out.
    Borrowed { account: AccountId, chain: ChainId, amount: Amount },
    /// A loan was repaid.
    Repaid { account: AccountId, chain: ChainId, principal: Amount, interest: Amount },
    /// Somebody gave to a layer.
    Contributed { account: AccountId, layer: crate::Layer, amount: Amount },
    /// A market maker may have the rebate of invitations from now on, or no longer.
    MakerListed { maker: Address, listed: bool },
    /// Another chain, with the domain of its vault.
    ChainAdded { chain: ChainId, domain: Hash },
    /// A vault was told to list a token.
    TokenListed { token: Token, contract: Address, nonce: Nonce },
    /// A vault was told how much of a token may leave.
    LimitsOrdered { token: Token, limits: VaultLimits, nonce: Nonce },
    /// Every vault was told to obey the set of this epoch, of so many validators, from then on.
    RotationOrdered { epoch: u32, signers: u32 },
    /// It is final that a vault obeys the set of this epoch.
    RotationCompleted { chain: ChainId, epoch: u32 },
    /// A vault was told that its freeze is over.
    UnfreezeOrdered { chain: ChainId, nonce: Nonce },
    /// A vault was told to hand everything over to a successor; from `quiet` on no auction is started there.
    MigrationOrdered { chain: ChainId, to: Address, nonce: Nonce, quiet: Time },
    /// It never did: the vault stays.
    MigrationUndone { chain: ChainId, to: Address, nonce: Nonce },
    /// It is final that the successor is the chain's vault.
    MigrationCompleted { chain: ChainId, to: Address, domain: Hash },
    /// A chain's cold store is there now.
    ColdStoreSet { chain: ChainId, address: Address },
    /// Dollars of the float are on their way to a chain's cold store.
    CollectionOrdered { chain: ChainId, amount: Amount, nonce: Nonce },
    /// They never left: they are the float's again.
    CollectionUndone { chain: ChainId, amount: Amount, nonce: Nonce },
    /// Dollars came to the float by the reserve's own account; so much of them had been the chain's cold money.
    ReserveRecalled { chain: ChainId, amount: Amount, cold: Amount },
    /// Parameters changed.
    ParametersChanged { scope: Scope },
    /// Health fell below zero: the account is locked, a task begins.
    AccountLocked { account: AccountId, task: TaskId, health: Usd },
    /// A slice was closed on the curve.
    PositionLiquidated(Fill),
    /// The backstop took over a position at the risk price.
    PositionTakenOver { account: AccountId, market: MarketId, size: Size, price: Price, paid: Amount },
    /// A position was closed at the risk price against profitable ones.
    PositionDeleveraged {
        account: AccountId,
        market: MarketId,
        size: Size,
        price: Price,
        counterparties: u32,
    },
    /// The receipt of one of those counterparties.
    CounterpartyReduced { account: AccountId, market: MarketId, size: Size, price: Price, realised: Usd },
    /// Collateral left its account for a lot; it is offered as soon as the token's auction cap has room.
    LotQueued { lot: LotId, task: TaskId, token: Token, quantity: Amount },
    /// A round of an auction was ordered.
    LotOffered {
        lot: LotId,
        task: TaskId,
        token: Token,
        quantity: Amount,
        start: Price,
        floor: Price,
        round: u8,
    },
    /// Somebody took part of it.
    LotTaken { lot: LotId, taker: Address, quantity: Amount, paid: Amount, left: Amount },
    /// A round ended with something left.
    LotExpired { lot: LotId, left: Amount, round: u8 },
    /// The reserve bought what nobody wanted.
    LotBoughtByReserve { lot: LotId, quantity: Amount, paid: Amount },
    /// Not even the reserve could take it; offered again hourly.
    LotWarehoused { lot: LotId, left: Amount },
    /// Its debt is covered or the account is healthy: what was unsold went back.
    LotReturned { lot: LotId, quantity: Amount },
    /// A lot of a thin chain is sent to where it is sold.
    LotBridged { lot: LotId, task: TaskId, from: Token, to: Token, amount: Amount, nonce: Nonce },
    /// It has arrived, and is part of a joint lot.
    LotJoined { lot: LotId, part: LotId, task: TaskId, token: Token, amount: Amount },
    /// What a task's orders cost was paid, from its proceeds or by the reserve.
    CostsPaid { task: TaskId, amount: Amount, refunded: Amount, by_reserve: bool },
    /// The chain dropped events from this one on, which a task relied on: it is as it was before them.
    TaskRolledBack { task: TaskId, chain: ChainId, sequence: Sequence, snapshot: Option<Time> },
    /// A fact of a chain was not what the books expect: it used up its number, and the chain goes on.
    AnomalyFound { chain: ChainId, sequence: Sequence, anomaly: Anomaly },
    /// Nothing more happens to a lot until the chain's figures stand, or a vote decides.
    LotFrozen { lot: LotId },
    /// The chain's figures stand: the lot goes on.
    LotThawed { lot: LotId },
    /// A way between two chains is not used until then; without a time, until a vote.
    PathClosed { from: ChainId, to: ChainId, until: Option<Time> },
    /// It is used again.
    PathOpened { from: ChainId, to: ChainId },
    /// What arrived of a bridged lot stands; what the layers paid of what is missing went to its task.
    BridgedShort { lot: LotId, token: Token, got: Amount, missing: Amount, paid: Amount },
    /// A chain's result of an auction is not the engine's: the lot is frozen.
    TaskDisputed { task: TaskId, lot: LotId, chain: ChainId, told: Hash, computed: Hash },
    /// A dispute is over: the lot goes on.
    DisputeEnded { task: TaskId, lot: LotId },
    /// A liquidation ended.
    TaskClosed {
        task: TaskId,
        account: AccountId,
        principal: Amount,
        interest: Amount,
        settlement: Amount,
        fee: Amount,
        returned: Amount,
        shortfall: Amount,
    },
    /// What each layer of the waterfall took.
    LossAbsorbed {
        loss: LossId,
        scope: Scope,
        amount: Amount,
        tranche: Amount,
        float: Amount,
        cover: Amount,
        deficit: Amount,
    },
    /// A holder's claims or shares were suspended by this much.
    ReceiptIssued { loss: LossId, holder: Holder, amount: Amount },
    /// A deficit was repaid, and its receipts with it.
    DeficitRepaid { loss: LossId, amount: Amount, left: Amount },
    /// Nobody repaid the rest in time.
    DeficitWrittenOff { loss: LossId, amount: Amount },
    /// A stablecoin was written down.
    ParLossBooked { token: Token, amount: Amount },
    /// A keeper exists now.
    KeeperRegistered {
        keeper: KeeperId,
        account: AccountId,
        operator: Address,
        region: RegionId,
        stake: Amount,
    },
    /// A keeper staked more.
    StakeAdded { keeper: KeeperId, amount: Amount },
    /// Stake will be given back then.
    UnstakeRequested { keeper: KeeperId, amount: Amount, due: Time },
    /// Stake was given back.
    StakeReturned { keeper: KeeperId, amount: Amount },
    /// The terms of keepers changed.
    KeeperTermsChanged {},
    /// The terms of liquidations changed.
    LiquidationTermsChanged {},
    /// Qualified keepers stand in so many regions; below `need` the house is warned, and goes on.
    RegionsChanged { have: u32, need: u32 },
    /// A task was given to these keepers, in order of drawing.
    KeepersDrawn { task: TaskId, draw: u8, keepers: Vec<KeeperId> },
    /// Nobody was left to draw: validators deliver.
    NoKeeperDrawn { task: TaskId, draw: u8 },
    /// A keeper bound itself to a report.
    ReportCommitted { keeper: KeeperId, task: TaskId, chain: ChainId },
    /// A keeper showed its report.
    ReportRevealed { keeper: KeeperId, task: TaskId, chain: ChainId, result: Hash, block: Hash },
    /// A deadline passed.
    KeeperLate { keeper: KeeperId, task: TaskId, chain: ChainId, duty: Duty },
    /// A report names a block that the hub never saw: wrong, and no proof.
    ReportUnfounded { keeper: KeeperId, task: TaskId, chain: ChainId },
    /// A keeper lied, provably: its stake is forfeited, its operator barred.
    KeeperSlashed { keeper: KeeperId, task: TaskId, chain: ChainId, malice: Malice, amount: Amount },
    /// A keeper was paid for a task.
    KeeperPaid { keeper: KeeperId, task: TaskId, bonus: Amount, share: Amount },
    /// A task's keepers are judged; what nobody earned is the treasury's.
    RoundClosed { task: TaskId, paid: Amount, treasury: Amount },
    /// A month's score and the grade it gives.
    KeeperRated { keeper: KeeperId, score: Ratio, grade: Grade },
    /// Graded D: no draws until then.
    KeeperSuspended { keeper: KeeperId, until: Time, fine: Amount },
    /// The suspension is over.
    KeeperRestored { keeper: KeeperId },
    /// No draws until then; a vote is open as long.
    KeeperFrozen { keeper: KeeperId, until: Time, misdeed: Misdeed },
    /// The vote was decided.
    VerdictGiven { keeper: KeeperId, upheld: bool, fine: Amount },
}

/// Who holds a claim or a receipt.
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
pub enum Holder {
    /// An account.
    Account(AccountId),
    /// A market's budget.
    Budget,
    /// A market's tranche.
    Tranche,
    /// The float.
    Float,
}
