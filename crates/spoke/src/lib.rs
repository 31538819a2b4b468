//! A chain as the hub sees it: signed orders go in, observations come out.
//!
//! - [`Spoke`]: the one trait. What is sent to a chain is a transaction: it is included in some later block,
//!   and its [`Receipt`] says what it did there.
//! - [`SimChain`]: a chain in this process, with block time, inclusion delay, finality, reorgs and a vault that
//!   does what `docs/messages.md` says. [`Courier`] carries collateral between such chains, [`faults`] breaks them.
//! - [`message`], [`certificate`]: the bytes between hub and chains, and who may sign them. [`freeze`]: what stops a vault,
//!   from signature to certificate.
//! - [`quorum`]: what several validators report, made one.
//!
//! The hub believes [`Spoke::advance`] alone: events of blocks that the chain calls safe, then final. Receipts
//! are news of the chain's head, for those who trade there.

pub mod certificate;
#[cfg(feature = "evm")]
pub mod evm;
pub mod faults;
pub mod freeze;
pub mod message;
pub mod quorum;
mod revert;
mod sim;
pub mod vault;

pub use revert::Revert;
pub use sim::{Courier, Fork, Reorg, SimChain, SimChainParams};

use crate::certificate::Certificate;
use crate::message::{EncodeError, Freeze, Payload};
use crate::vault::{Moving, Waiting};
use ballast_engine::auction::Remainder;
use ballast_types::{Address, AssetId, Auction, ChainId, Hash, LotId, Nonce, Observation, Owner, Sequence};
use ballast_units::{Amount, Millis, Price, Time};

/// A chain: the vault and the auction house on it, and the way there.
///
/// Everything that asks a network may fail with [`SpokeError::Network`]; then nothing was sent, and it may be tried
/// again. What is sent twice takes effect once, or is refused the second time.
pub trait Spoke {
    /// The hub's id of it.
    fn chain(&self) -> ChainId;

    /// Domain of the vault that it was told to watch. A successor has another one; the hub knows which counts now.
    fn domain(&self) -> Hash;

    /// What sending something there takes at the moment.
    fn conditions(&self) -> Result<Conditions, SpokeError>;

    /// How far it has come.
    fn heads(&self) -> Result<Heads, SpokeError>;

    /// Hash of one of its blocks; none of a block that is still to come.
    fn block_hash(&self, number: u64) -> Result<Option<Hash>, SpokeError>;

    /// Epoch of the validators whose orders the vault takes at the head.
    fn epoch(&self) -> Result<u32, SpokeError>;

    /// What the vault holds of an asset at the head, reserved or not.
    fn vault(&self, asset: AssetId) -> Result<Amount, SpokeError>;

    /// An auction that runs at the head.
    fn offer(&self, lot: LotId) -> Result<Option<Offer>, SpokeError>;

    /// Every auction that runs at the head, by lot.
    fn offers(&self) -> Result<Vec<(LotId, Offer)>, SpokeError>;

    /// Every release that waits at the head, by its order.
    fn waiting(&self) -> Result<Vec<(Nonce, Waiting)>, SpokeError>;

    /// What waits to be handed over to a successor, at the head.
    fn moving(&self) -> Result<Option<Moving>, SpokeError>;

    /// Sends orders with their certificate.
    fn deliver(&mut self, payload: &Payload) -> Result<TxId, SpokeError>;

    /// The same, paid by this address where its key is here.
    fn deliver_from(&mut self, _sender: Address, payload: &Payload) -> Result<TxId, SpokeError> {
        self.deliver(payload)
    }

    /// Sends a freeze that validators of the set of `epoch` signed.
    fn freeze(&mut self, freeze: Freeze, epoch: u32, certificate: &Certificate) -> Result<TxId, SpokeError>;

    /// Sends tokens into the vault, for an account.
    fn deposit(&mut self, owner: Owner, asset: AssetId, amount: Amount) -> Result<TxId, SpokeError>;

    /// Sends a take. It pays the price of the block that it is included in.
    fn take(&mut self, take: Take) -> Result<TxId, SpokeError>;

    /// Has the vault do what its time has come for.
    fn poke(&mut self, poke: Poke) -> Result<TxId, SpokeError>;

    /// Lets time pass, and tells what became safe, what was dropped and what became final since the last call, in
    /// order.
    fn advance(&mut self, to: Time) -> Result<Vec<Observation>, SpokeError>;

    /// Receipts of the transactions included since the last call, in order; one that a reorg took out of its block
    /// again has a second one that says so.
    fn receipts(&mut self) -> Result<Vec<Receipt>, SpokeError>;
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
    /// Dollars of gas that the delivery of one order costs its courier.
    pub gas_order: Amount,
    /// Dollars of gas that a take costs its sender.
    pub gas_take: Amount,
    /// Dollars that it costs to send collateral from here to another chain.
    pub bridge: Amount,
}

/// A block that a chain has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its number, from 0.
    pub number: u64,
    /// Its time.
    pub time: Time,
}

/// How far a chain has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// The last block.
    pub head: Head,
    /// The last one that the hub counts as seen.
    pub safe: Head,
    /// The last one that cannot be dropped any more.
    pub final_: Head,
}

/// A bid for part of a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Take {
    /// Which lot.
    pub lot: LotId,
    /// Who pays, and gets the collateral.
    pub taker: Address,
    /// At most this much of it: as much as need and dust allow.
    pub quantity: Amount,
    /// At least this much of it, or nothing.
    pub least: Amount,
    /// Dollars a unit that it pays at most.
    pub price_max: Price,
}

/// Something that anybody may have a vault do once its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Poke {
    /// End an auction at or after its end.
    End(LotId),
    /// Pay a release that has waited long enough.
    Pay(Nonce),
    /// Set free what a release held that expired while it waited.
    Drop(Nonce),
    /// Hand everything over to the successor that an order named.
    Migrate(Nonce),
}

/// A running auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What is sold.
    pub asset: AssetId,
    /// The order that started it.
    pub start: Nonce,
    /// Time of the block that carried it out.
    pub began: Time,
    /// Its terms.
    pub auction: Auction,
    /// Still unsold.
    pub left: Amount,
    /// Dollars due so far, rebates included.
    pub paid: Amount,
    /// Hash over its takes so far.
    pub result: Hash,
}

impl Offer {
    /// What is left to sell and to raise, at a price; `unit` and `coin` are the smallest units of collateral and coin.
    #[must_use]
    pub fn remainder(&self, price: Price, unit: Amount, coin: Amount) -> Remainder {
        let (left, need) = (self.left, self.auction.need.saturating_sub(self.paid));
        Remainder { left, need, price, dust: self.auction.dust, unit, coin }
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Which.
    pub tx: TxId,
    /// Time of the block that included it.
    pub time: Time,
    /// What it did; a reverted one changed nothing.
    pub result: Result<Done, Revert>,
}

/// What a transaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Tokens are in the vault.
    Deposited(Sequence),
    /// A certificate was good. What became of each order; one that failed leaves the others alone.
    Delivered(Vec<(Nonce, Result<Carried, Revert>)>),
    /// Nothing leaves until its end.
    Frozen,
    /// Part of a lot was sold.
    Taken {
        /// Which lot.
        lot: LotId,
        /// How much of the collateral.
        quantity: Amount,
        /// Dollars due for it.
        paid: Amount,
        /// Of those, what a listed market maker kept.
        rebate: Amount,
    },
    /// What the time had come for was done.
    Poked,
    /// Collateral came from another chain.
    BridgedIn(Sequence),
}

/// What became of an order that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// It took effect.
    Executed,
    /// A release that waits until then.
    Waiting(Time),
}

/// What cannot be sent at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpokeError {
    /// The chain could not be asked; nothing was sent.
    #[error("chain {}: {reason}", .chain.0)]
    Network {
        /// The chain.
        chain: ChainId,
        /// As its endpoint says it.
        reason: String,
    },
    /// The orders are for another chain.
    #[error("the order is for chain {}, this is chain {}", .order.0, .here.0)]
    OtherChain {
        /// Where it should go.
        order: ChainId,
        /// Where it came.
        here: ChainId,
    },
    /// The message cannot be written down.
    #[error("the message cannot be written: {0}")]
    Unwritable(#[from] EncodeError),
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
