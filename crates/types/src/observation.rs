//! What validators saw on a chain. A quorum reported the same bytes; the engine takes it as true.

use crate::{Address, AssetId, ChainId, Hash, LotId, Nonce, Owner, Sequence};
use ballast_units::Amount;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// A fact about a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observation {
    /// An event of the vault, in a block that the chain calls safe.
    Seen {
        /// Where.
        chain: ChainId,
        /// The vault's own number of it.
        sequence: Sequence,
        /// Hash of the block it stood in.
        version: Hash,
        /// What happened.
        event: VaultEvent,
    },
    /// Every event up to this one is final.
    Final {
        /// Where.
        chain: ChainId,
        /// The last final one.
        sequence: Sequence,
    },
    /// The chain dropped the blocks of this event and of all later ones.
    Dropped {
        /// Where.
        chain: ChainId,
        /// The first dropped one.
        sequence: Sequence,
    },
}

/// What a vault or its auction house did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultEvent {
    /// Tokens came in for an account.
    Deposited {
        /// For whom.
        owner: Owner,
        /// What.
        asset: AssetId,
        /// How much.
        amount: Amount,
    },
    /// An ordered release was carried out.
    Released {
        /// The order.
        nonce: Nonce,
    },
    /// Somebody took part of a lot and paid for it in the chain's stablecoin.
    Taken {
        /// Of which lot.
        lot: LotId,
        /// Who.
        taker: Address,
        /// How much of the collateral.
        quantity: Amount,
        /// Dollars paid.
        paid: Amount,
    },
    /// An auction ended with something left: by time, because its need was met, or because it was cancelled.
    Expired {
        /// Which.
        lot: LotId,
    },
}
