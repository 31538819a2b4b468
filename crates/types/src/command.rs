//! What can be asked of the engine.

use crate::{
    AccountId, Address, ChainId, ChainParams, Hash, KeeperId, KeeperParams, Layer, LiquidationParams,
    MarketId, MarketParams, Owner, RegionId, Signer, TaskId, Token, TokenParams, VaultLimits,
};
use ballast_units::{Amount, Price, Ratio};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Long gains when the price rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Buy base from the curve.
    Long,
    /// Sell base to the curve.
    Short,
}

/// How much to trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradeAmount {
    /// Exactly these dollars into (long) or out of (short) the curve.
    Quote(Amount),
    /// Exactly this much base out of (long) or into (short) the curve.
    Base(Amount),
}

/// One request. Whose signature it needs is the node's matter; the engine gets what has been verified.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Opens the account of an owner, which its first deposit does otherwise; without effect where it exists.
    OpenAccount {
        /// Whose.
        owner: Owner,
    },
    /// Where an account's withdrawals on a chain go.
    RegisterAddress {
        /// Whose.
        account: AccountId,
        /// On which chain.
        chain: ChainId,
        /// The address there.
        address: Address,
    },
    /// Trades against a market's curve. Reversing a position closes it, then opens the rest.
    Trade {
        /// Who.
        account: AccountId,
        /// Where.
        market: MarketId,
        /// Which way.
        side: Side,
        /// How much.
        amount: TradeAmount,
        /// Worst average price accepted.
        limit: Option<Price>,
        /// Refuse whatever would open or enlarge a position.
        reduce_only: bool,
    },
    /// Closes a position whole.
    ClosePosition {
        /// Whose.
        account: AccountId,
        /// Where.
        market: MarketId,
        /// Worst average price accepted.
        limit: Option<Price>,
    },
    /// Asks for tokens out of a vault: collateral, or cash where the token is a stablecoin.
    RequestWithdrawal {
        /// Whose.
        account: AccountId,
        /// Of what, where.
        token: Token,
        /// How much of it.
        amount: Amount,
    },
    /// Moves cash into a chain's lending pool.
    Lend {
        /// Whose.
        account: AccountId,
        /// Which pool.
        chain: ChainId,
        /// Dollars.
        amount: Amount,
    },
    /// Takes dollars (or, without an amount, everything) out of a chain's lending pool.
    Redeem {
        /// Whose.
        account: AccountId,
        /// Which pool.
        chain: ChainId,
        /// Dollars; `None` for all.
        amount: Option<Amount>,
    },
    /// Borrows dollars; they are paid out on the chain.
    Borrow {
        /// Who.
        account: AccountId,
        /// Where.
        chain: ChainId,
        /// Dollars.
        amount: Amount,
    },
    /// Repays a loan from cash: interest first, then principal. What exceeds the debt stays cash.
    Repay {
        /// Whose.
        account: AccountId,
        /// Which loan.
        chain: ChainId,
        /// Dollars; `None` for all.
        amount: Option<Amount>,
    },
    /// Gives cash to a layer of the waterfall.
    Contribute {
        /// Who gives.
        account: AccountId,
        /// To what.
        layer: Layer,
        /// Dollars.
        amount: Amount,
    },
    /// Points at an account that should be liquidated.
    LiquidateAccount {
        /// Which.
        account: AccountId,
    },
    /// A decision of governance, after its timelock.
    Govern(Change),
    /// The first command of a restarted hub: only what reduces risk, until every price is newer.
    EnterSafeMode,
    /// A node offers itself as keeper, with a stake out of its owner's collateral.
    RegisterKeeper {
        /// Stakes, and is paid.
        account: AccountId,
        /// Who runs it: what is done to an operator concerns all its keepers.
        operator: Address,
        /// Where it stands.
        region: RegionId,
        /// Declared.
        cores: u32,
        /// Declared, GiB.
        memory: u32,
        /// Its key: signs its commands and delivers orders. No other keeper has it.
        signer: Address,
        /// Tokens.
        stake: Amount,
    },
    /// Adds to a keeper's stake.
    StakeKeeper {
        /// Whose.
        keeper: KeeperId,
        /// Tokens.
        amount: Amount,
    },
    /// Takes stake back, after a cool-down in which it can still be forfeited.
    UnstakeKeeper {
        /// Whose.
        keeper: KeeperId,
        /// Tokens.
        amount: Amount,
    },
    /// A keeper is up.
    Heartbeat {
        /// Which.
        keeper: KeeperId,
    },
    /// Binds a keeper to a report that it does not show yet.
    CommitReport {
        /// Which.
        keeper: KeeperId,
        /// Of which task.
        task: TaskId,
        /// On which chain.
        chain: ChainId,
        /// Of result, block, keeper and salt (`docs/messages.md`).
        commit: Hash,
    },
    /// Shows the report.
    RevealReport {
        /// Which.
        keeper: KeeperId,
        /// Of which task.
        task: TaskId,
        /// On which chain.
        chain: ChainId,
        /// What the task's auctions there gave (`docs/messages.md`).
        result: Hash,
        /// The chain's block at which it was read.
        block: Hash,
        /// What made the commitment unguessable.
        salt: Hash,
    },
    /// Takes out what was deposited and the house does not take, to the account's address on that chain.
    WithdrawSuspense {
        /// Who.
        account: AccountId,
        /// What, where.
        token: Token,
    },
    /// A withdrawal that waits is not wanted any more: its dollars are cash again.
    CancelWithdrawal {
        /// Whose withdrawal.
        account: AccountId,
        /// Of which coin, where.
        token: Token,
    },
    /// What comes in of a token for the account from now on is kept in suspense, or counts again.
    RefuseToken {
        /// Who does not want it.
        account: AccountId,
        /// The token, and its chain.
        token: Token,
        /// It is not wanted.
        refused: bool,
    },
}

/// How far a token is taken in.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// Deposits count.
    #[default]
    Open,
    /// What is deposited waits in suspense, and can be taken out again.
    Paused,
    /// Likewise; and what is held backs nothing new: no trade, loan or withdrawal rests on it. Nobody is made to leave.
    WindingDown,
}

/// A change of parameters.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Other parameters for a market.
    Market {
        /// Which.
        market: MarketId,
        /// All of them.
        params: Box<MarketParams>,
    },
    /// Another threshold for a token.
    Token {
        /// Which.
        token: Token,
        /// All of them.
        params: TokenParams,
    },
    /// Both reserves of a market times a factor, at constant price.
    Depth {
        /// Which.
        market: MarketId,
        /// Factor of each reserve; the square is bounded (R20).
        factor: Ratio,
    },
    /// A stablecoin is written down: the loss of the chains that hold it.
    WriteDown {
        /// Which.
        token: Token,
        /// What a coin is still worth, below 1.
        worth: Ratio,
    },
    /// A market maker that may have the rebate of an invitation, or one no longer; every chain is told.
    Maker {
        /// Its address on a chain.
        maker: Address,
        /// From now on.
        listed: bool,
    },
    /// What a chain told of a task's lots stands now, not an hour after it is final.
    Resolve {
        /// Which.
        task: TaskId,
    },
    /// Other terms for keepers.
    Keepers {
        /// All of them.
        params: Box<KeeperParams>,
    },
    /// The vote on a frozen keeper was decided.
    Verdict {
        /// Which.
        keeper: KeeperId,
        /// It acted in bad faith: its operator is barred.
        upheld: bool,
    },
    /// Another chain, whose vault is there already; whatever it told before is not the hub's.
    AddChain {
        /// All of its terms.
        params: Box<ChainParams>,
    },
    /// A vault is told to list a token: one of the house that its chain does not have yet, or one that it has.
    ListToken {
        /// Which.
        token: Token,
        /// Its contract on that chain.
        contract: Address,
        /// The contract's own smallest unit, in wei; the hub's may be coarser.
        unit: Amount,
        /// All of its terms.
        params: TokenParams,
    },
    /// A vault is told how much of a token may leave.
    SetLimits {
        /// Which.
        token: Token,
        /// How much, how fast.
        limits: VaultLimits,
    },
    /// Where the reserve's cold money of a chain lies: its multisig.
    SetColdStore {
        /// Where.
        chain: ChainId,
        /// The multisig's address there.
        address: Address,
    },
    /// Dollars of the float go to a chain's cold store, as its coin.
    Collect {
        /// Which chain's.
        chain: ChainId,
        /// Dollars; floored to the coin's unit.
        amount: Amount,
    },
    /// Other terms for liquidations.
    Liquidation {
        /// All of them.
        params: Box<LiquidationParams>,
    },
    /// The next set of validators: every vault obeys them from the moment at which it carries out its order.
    Rotate {
        /// Who they are, in any order.
        signers: Vec<Signer>,
    },
    /// A vault's freeze ends now.
    Unfreeze {
        /// Where.
        chain: ChainId,
    },
    /// A way between two chains that was closed is used again.
    OpenPath {
        /// From where.
        from: ChainId,
        /// To where.
        to: ChainId,
    },
    /// A chain's vault hands everything over to a successor, three days from now at the earliest.
    Migrate {
        /// The chain whose vault it is.
        chain: ChainId,
        /// The successor's address there.
        to: Address,
        /// What stands for it in every message.
        domain: Hash,
    },
    /// Deposits of a token are paused or taken again, or the token leaves the house.
    List {
        /// The token, and its chain.
        token: Token,
        /// How far it is taken in from now on.
        listing: Listing,
    },
    /// A market leaves the house: positions can be reduced and closed, and none be opened. Or it stays after all.
    WindDown {
        /// The market.
        market: MarketId,
        /// Whether it leaves.
        leaves: bool,
    },
}
