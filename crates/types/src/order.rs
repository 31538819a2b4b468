//! What the hub tells a spoke to do. Numbered per spoke; carried out once.

use crate::{Address, AssetId, Auction, ChainId, LotId, Nonce};
use ballast_units::Amount;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// An order to one spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Order {
    /// To whom.
    pub chain: ChainId,
    /// From 1, without gaps.
    pub nonce: Nonce,
    /// What to do.
    pub action: OrderAction,
}

/// What an order asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderAction {
    /// Pay tokens out of the vault.
    Release {
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
    /// Stop an auction; what is unsold stays in the vault. Answered by `Expired`, unless it had ended before.
    CancelAuction {
        /// Which.
        lot: LotId,
    },
}
