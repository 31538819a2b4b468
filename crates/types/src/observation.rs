//! What validators saw on a chain. A quorum reported the same bytes; the engine takes it as true.

use crate::{Address, AssetId, ChainId, Hash, LotId, Nonce, Owner, Sequence};
use ballast_units::{Amount, Time};
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
    /// How far the chain is final: what it carried out by then stands, what it did not by an order's expiry it never will.
    /// Events in blocks before `time` are all among those up to `sequence`.
    Final {
        /// Where.
        chain: ChainId,
        /// The last final event; 0 before the first.
        sequence: Sequence,
        /// Of the last final block; of an earlier one where enough validators agree on what is final, and not up to when.
        time: Time,
        /// Hash of the block; zero where enough validators agree on what is final and not on a block: each named another
        /// one.
        block: Hash,
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
    /// An order took effect: what it released has been paid, what it started runs, what it sent is on its way.
    Executed {
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
        /// Dollars due for it.
        paid: Amount,
        /// Of those, what a listed market maker kept: `paid - rebate` came in.
        rebate: Amount,
    },
    /// An auction is over: all of it is sold, its need is met, its time is up, or it was cancelled.
    Ended {
        /// Which.
        lot: LotId,
        /// Of its takes (`docs/messages.md`).
        result: Hash,
    },
    /// Collateral came from another vault.
    BridgedIn {
        /// From which chain.
        from: ChainId,
        /// The order there that sent it.
        nonce: Nonce,
        /// What.
        asset: AssetId,
        /// How much.
        amount: Amount,
    },
}
