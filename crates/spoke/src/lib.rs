//! A chain as the hub sees it: orders go in, observations come out.
//!
//! - [`Spoke`]: the one trait. What is sent to a chain is a transaction: it is included in some later block,
//!   and its [`Receipt`] says what it did there.
//! - [`SimChain`]: a chain in this process, with its own block time, inclusion delay and finality.
//!
//! The hub believes [`Spoke::advance`] alone: events of blocks that the chain calls safe, then final. Receipts
//! are news of the chain's head, for those who trade there.

pub mod certificate;
#[cfg(feature = "evm")]
pub mod evm;
pub mod message;
mod sim;

pub use sim::{SimChain, SimChainParams};

use ballast_types::{Address, AssetId, Auction, ChainId, LotId, Nonce, Observation, Order, Owner, Sequence};
use ballast_units::{Amount, Millis, Price, Time};

/// A chain: the vault and the auction house on it, and the way there.
pub trait Spoke {
    /// Which one it is.
    fn chain(&self) -> ChainId;

    /// What sending something there takes at the moment.
    fn conditions(&self) -> Conditions;

    /// How far it has come.
    fn heads(&self) -> Heads;

    /// What the vault holds of an asset at the head.
    fn vault(&self, asset: AssetId) -> Amount;

    /// An auction that runs at the head.
    fn offer(&self, lot: LotId) -> Option<&Offer>;

    /// Every auction that runs at the head, by lot.
    fn offers(&self) -> impl Iterator<Item = (LotId, &Offer)>;

    /// Sends an order of the hub. Whatever is sent twice is carried out once.
    fn deliver(&mut self, order: &Order) -> Result<TxId, SpokeError>;

    /// Sends tokens into the vault, for an account.
    fn deposit(&mut self, owner: Owner, asset: AssetId, amount: Amount) -> Result<TxId, SpokeError>;

    /// Sends a take. It pays the price of the block that it is included in.
    fn take(&mut self, take: Take) -> Result<TxId, SpokeError>;

    /// Lets time pass, and tells what became safe and what became final since the last call, in order.
    fn advance(&mut self, to: Time) -> Vec<Observation>;

    /// Receipts of the transactions included since the last call, in order.
    fn receipts(&mut self) -> Vec<Receipt>;
}

/// A transaction, in order of sending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(pub u64);

/// What sending something to a chain takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// Time between two blocks.
    pub block_time: Millis,
    /// From sending to the earliest block that may include it.
    pub inclusion: Millis,
    /// Dollars of gas that a take costs its sender.
    pub gas: Amount,
}

/// Numbers of a chain's blocks, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// The last one.
    pub head: u64,
    /// The last one that the hub counts as seen.
    pub safe: u64,
    /// The last one that cannot be dropped any more.
    pub final_: u64,
}

/// A bid for part of a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Take {
    /// Which lot.
    pub lot: LotId,
    /// Who pays, and gets the collateral.
    pub taker: Address,
    /// At most this much of it.
    pub quantity: Amount,
    /// Dollars a unit that it pays at most.
    pub price_max: Price,
}

/// A running auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What is sold.
    pub asset: AssetId,
    /// Its terms.
    pub auction: Auction,
    /// Still unsold.
    pub left: Amount,
    /// Dollars paid so far.
    pub paid: Amount,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Which.
    pub tx: TxId,
    /// Time of the block that included it.
    pub time: Time,
    /// What it did; a reverted one changed nothing.
    pub result: Result<Done, Revert>,
}

/// What a transaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Tokens are in the vault.
    Deposited(Sequence),
    /// An order was carried out.
    Ordered(Nonce),
    /// Part of a lot was sold.
    Taken {
        /// Which lot.
        lot: LotId,
        /// How much of the collateral.
        quantity: Amount,
        /// Dollars paid for it.
        paid: Amount,
    },
}

/// Why a transaction changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Revert {
    /// The order was carried out before.
    #[error("order {} was carried out before", .0.0)]
    OrderSeen(Nonce),
    /// The vault holds less than the order moves.
    #[error("the vault has {have} free, the order needs {need}")]
    VaultTooSmall {
        /// In the vault, and not under auction.
        have: Amount,
        /// What the order moves.
        need: Amount,
    },
    /// No such auction runs: not yet, or not any more.
    #[error("lot {} is not under auction", .0.0)]
    NoAuction(LotId),
    /// The price of the block is above what the take would pay.
    #[error("the price is {price}, the take pays at most {limit}")]
    PriceTooHigh {
        /// Of the block.
        price: Price,
        /// Of the take.
        limit: Price,
    },
    /// The take would buy nothing, or leave less than the auction's dust.
    #[error("the take would buy nothing, or leave less than the auction's dust")]
    TakeRefused,
}

/// What cannot be sent at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpokeError {
    /// The order is for another chain.
    #[error("the order is for chain {}, this is chain {}", .order.0, .here.0)]
    OtherChain {
        /// Where it should go.
        order: ChainId,
        /// Where it came.
        here: ChainId,
    },
    /// The chain's vault does not know the asset.
    #[error("chain {} does not list asset {}", .chain.0, .asset.0)]
    UnknownAsset {
        /// The chain.
        chain: ChainId,
        /// The asset.
        asset: AssetId,
    },
    /// Nothing would move.
    #[error("the amount is zero")]
    AmountZero,
    /// The token cannot be divided so far.
    #[error("{amount} is not a multiple of the token's unit, {unit}")]
    AmountUneven {
        /// What was to move.
        amount: Amount,
        /// The token's unit.
        unit: Amount,
    },
}
