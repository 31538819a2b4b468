//! What the hub tells a spoke to do. Numbered per spoke; carried out once. `docs/messages.md` has the bytes.

use crate::{Address, AssetId, Auction, ChainId, LotId, Nonce, Signer};
use ballast_units::{Amount, Millis, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// How long a migration waits after its order was brought, so that others see it and can freeze the vault.
pub const MIGRATION_DELAY: Millis = Millis::days(3);
/// Then it is carried out within this time, or never: a freeze of a day that begins shortly before outlasts it.
pub const MIGRATION_WINDOW: Millis = Millis::hours(12);

/// An order to one spoke.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Order {
    /// To whom.
    pub chain: ChainId,
    /// From 1, without gaps.
    pub nonce: Nonce,
    /// A block of the chain at or after this refuses it.
    pub expires: Time,
    /// What to do.
    pub action: OrderAction,
}

/// What an order asks for. Each is answered by [`crate::VaultEvent::Executed`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderAction {
    /// Pay tokens out of the vault.
    Release {
        /// Why.
        reason: ReleaseReason,
        /// To whom, on that chain.
        to: Address,
        /// What.
        asset: AssetId,
        /// How much.
        amount: Amount,
    },
    /// Put collateral of the vault under auction.
    StartAuction {
        /// Which.
        lot: LotId,
        /// What.
        asset: AssetId,
        /// How it is sold.
        auction: Auction,
    },
    /// Stop an auction; what is unsold stays in the vault. Answered by `Ended` too, unless it had ended before; where
    /// its start was not carried out yet, it never will be.
    CancelAuction {
        /// Which.
        lot: LotId,
        /// The order that started it.
        start: Nonce,
    },
    /// Send collateral to another vault.
    Bridge {
        /// For which lot.
        lot: LotId,
        /// What.
        asset: AssetId,
        /// How much.
        amount: Amount,
        /// Where to.
        to: ChainId,
    },
    /// The next set of validators.
    Rotate {
        /// One more than the present one.
        epoch: u32,
        /// Ascending.
        signers: Vec<Signer>,
    },
    /// How much of a token may leave.
    SetLimits {
        /// Which.
        asset: AssetId,
        /// At most this much within `window`.
        outflow: Amount,
        /// Of `outflow`.
        window: Millis,
        /// A release above this waits.
        delay_above: Amount,
        /// For so long.
        delay: Millis,
    },
    /// A market maker that gets the rebate, or one no longer.
    ListMaker {
        /// Who.
        maker: Address,
        /// From now on.
        listed: bool,
    },
    /// Ends a freeze early.
    Unfreeze {},
    /// Another token of the vault.
    ListToken {
        /// What it is for the hub.
        asset: AssetId,
        /// Its contract.
        token: Address,
        /// Its smallest unit, in wei.
        unit: Amount,
    },
    /// Everything that the vault holds goes to its successor, three days after this was brought, within half a day.
    /// `Executed` is the vault's last fact; the successor's first one has the next number.
    Migrate {
        /// The successor's address on that chain.
        to: Address,
    },
}

/// How much of a token may leave a vault, and how fast (`docs/messages.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct VaultLimits {
    /// At most this much within `window`.
    pub outflow: Amount,
    /// Of `outflow`.
    pub window: Millis,
    /// A release above this waits.
    pub delay_above: Amount,
    /// For so long.
    pub delay: Millis,
}

/// Why a vault pays.
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
pub enum ReleaseReason {
    /// An account takes its own out.
    Withdrawal,
    /// A loan is paid out.
    Loan,
    /// The reserve's share of fees goes to its multisig.
    Collection,
    /// The reserve is spent.
    Spending,
    /// The reserve is filled.
    Replenishment,
    /// Collateral that came with a lot goes back.
    Auction,
    /// Stablecoin moves between chains.
    Rebalancing,
}
