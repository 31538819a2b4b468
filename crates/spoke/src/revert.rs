//! Why a transaction changed nothing.

use crate::certificate::{CertificateError, SetError};
use ballast_types::{AssetId, ChainId, LotId, Nonce};
use ballast_units::{Amount, Millis, Price, Time};

/// Why a transaction, or one order of a delivery, changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Revert {
    /// The certificate of a payload or a freeze is worth nothing.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Orders are numbered from 1.
    #[error("an order has the number 0")]
    NonceZero,
    /// The order took effect, waits, or was cancelled before.
    #[error("order {} is done", .0.0)]
    OrderSeen(Nonce),
    /// Too late.
    #[error("order {} expired at {expires}, it is {time}", .nonce.0)]
    Expired {
        /// Which.
        nonce: Nonce,
        /// When it did.
        expires: Time,
        /// Of the block, or when it would have been paid.
        time: Time,
    },
    /// Nothing leaves and no auction starts.
    #[error("frozen until {until}")]
    Frozen {
        /// Its end.
        until: Time,
    },
    /// The vault does not list it.
    #[error("asset {} is not listed", .0.0)]
    UnknownAsset(AssetId),
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
    /// More than a vault counts.
    #[error("the vault holds {have}, with {amount} more it would hold more than {limit}")]
    VaultFull {
        /// In the vault.
        have: Amount,
        /// What was to come.
        amount: Amount,
        /// The most that it counts.
        limit: Amount,
    },
    /// The vault holds less than the order moves.
    #[error("the vault has {have} free, the order needs {need}")]
    VaultTooSmall {
        /// In the vault, and neither under auction nor waiting.
        have: Amount,
        /// What the order moves.
        need: Amount,
    },
    /// More than may leave now; of a release that would wait: than may ever leave at once.
    #[error("{amount} of asset {} would leave, {left} may", .asset.0)]
    OutflowTooLarge {
        /// Of what.
        asset: AssetId,
        /// What would leave.
        amount: Amount,
        /// What may.
        left: Amount,
    },
    /// An auction would have to wait, and its terms would be over by then.
    #[error("an auction of {amount} of asset {} would have to wait, one of {left} need not", .asset.0)]
    AuctionWouldWait {
        /// Of what.
        asset: AssetId,
        /// What it would offer.
        amount: Amount,
        /// What may leave without waiting.
        left: Amount,
    },
    /// The lot is under auction already.
    #[error("lot {} is under auction already, by order {}", .lot.0, .start.0)]
    LotRunning {
        /// Which.
        lot: LotId,
        /// What started it.
        start: Nonce,
    },
    /// An earlier auction of the lot left less than this one offers.
    #[error("an earlier auction of lot {} left {unsold}, this one offers {quantity}", .lot.0)]
    LotSold {
        /// Which.
        lot: LotId,
        /// What the last one left.
        unsold: Amount,
        /// What this one offers.
        quantity: Amount,
    },
    /// Terms that the hub never orders.
    #[error("the terms of lot {} are out of range", .0.0)]
    WrongTerms(LotId),
    /// A bridge to where it starts.
    #[error("chain {} is here", .0.0)]
    BridgeToItself(ChainId),
    /// A rotation to another set than the next.
    #[error("the set of epoch {have}, the next one is {want}")]
    WrongEpoch {
        /// Of the order.
        have: u32,
        /// One more than the present one.
        want: u32,
    },
    /// The next signers are no set.
    #[error(transparent)]
    WrongSet(#[from] SetError),
    /// A limit without time.
    #[error("a window of {0} ms")]
    WrongLimits(Millis),
    /// The token is listed with another unit, or with none.
    #[error("asset {} is listed with the unit {have}, not {want}", .asset.0)]
    WrongUnit {
        /// Which.
        asset: AssetId,
        /// Of the vault.
        have: Amount,
        /// Of the order.
        want: Amount,
    },
    /// No such auction runs: not yet, or not any more.
    #[error("lot {} is not under auction", .0.0)]
    NoAuction(LotId),
    /// Its time is not up.
    #[error("lot {} is under auction until {ends}", .lot.0)]
    NotOver {
        /// Which.
        lot: LotId,
        /// When it is.
        ends: Time,
    },
    /// The price of the block is above what the take would pay.
    #[error("the price is {price}, the take pays at most {limit}")]
    PriceTooHigh {
        /// Of the block.
        price: Price,
        /// Of the take.
        limit: Price,
    },
    /// The take would buy less than the auction's dust, or leave less of the lot or of the need.
    #[error(
        "the take would buy less than the auction's dust, or leave less of the lot or of its need; all can be wanted"
    )]
    TakeRefused,
    /// The take is cut to less than it accepts.
    #[error("the take is cut to {quantity}, and accepts no less than {least}")]
    TakeBelowLeast {
        /// What it would buy.
        quantity: Amount,
        /// What it accepts.
        least: Amount,
    },
    /// No release with this number waits.
    #[error("release {} does not wait", .0.0)]
    NotWaiting(Nonce),
    /// A release that waits can still be paid.
    #[error("release {} can be paid until {expires}", .nonce.0)]
    NotExpired {
        /// Which.
        nonce: Nonce,
        /// When it cannot any more.
        expires: Time,
    },
    /// It has not waited long enough.
    #[error("release {} waits until {ready}", .nonce.0)]
    NotReady {
        /// Which.
        nonce: Nonce,
        /// When it has.
        ready: Time,
    },
    /// A freeze that is over, that would end no later than the one in force or one that was ended early, or that is
    /// longer than a day.
    #[error("a freeze until {until}: it has to end after {last}, and by {latest}")]
    WrongUntil {
        /// Of the freeze.
        until: Time,
        /// The latest of the block's time, the end of the freeze in force, and that of one that was ended early.
        last: Time,
        /// A day ahead.
        latest: Time,
    },
    /// It was shut a short while ago, and fewer than move money want to freeze it.
    #[error("fewer than a quorum cannot freeze again before {from}")]
    FreezeTooSoon {
        /// When the vault has been open as long as it was shut.
        from: Time,
    },
    /// A migration waits, or is due: no other one is taken, and nothing is reserved.
    #[error("a migration waits, by order {}", .0.0)]
    MigrationWaits(Nonce),
    /// The named contract is no successor of this vault.
    #[error("the named contract is no successor of this vault")]
    WrongSuccessor,
    /// Something is under auction or waits: nothing is handed over before.
    #[error("{reserved} of asset {} is under auction or waits", .asset.0)]
    StillReserved {
        /// The first asset of which something is.
        asset: AssetId,
        /// What of it is under auction or waits.
        reserved: Amount,
    },
    /// Everything went to a successor, or nothing has come yet.
    #[error("the vault has handed over to its successor, or has not taken over")]
    Closed,
    /// The same collateral came before.
    #[error("what order {} of chain {} sent is here already", .nonce.0, .from.0)]
    BridgedBefore {
        /// The chain that sent it.
        from: ChainId,
        /// The order there.
        nonce: Nonce,
    },
    /// A delivery was called off: an order may have failed for want of gas.
    #[error("{have} gas may have been too little for an order, with {need} none fails for want of it")]
    GasTooLow {
        /// What there was.
        have: u64,
        /// What is enough for any order.
        need: u64,
    },
    /// A contract of a real chain said it in its own words, of which these are the first four bytes; zero where it said
    /// nothing, for want of gas.
    #[error("the contract said 0x{:08x}", u32::from_be_bytes(*.0))]
    Contract([u8; 4]),
    /// A reorg took the transaction out of its block; it may be included again.
    #[error("the chain dropped the block of the transaction")]
    Reorged,
}

impl Revert {
    /// The payload or freeze was signed by another set than the vault obeys: of before its last rotation, or of one to
    /// come.
    #[must_use]
    pub const fn is_of_another_epoch(&self) -> bool {
        matches!(self, Self::WrongEpoch { .. } | Self::Certificate(CertificateError::WrongEpoch { .. }))
    }
}
