//! Custody: what comes into the vaults and what leaves them.

use ballast_types::{AccountId, Hash, Token, VaultEvent};
use ballast_units::Amount;
use borsh::{BorshDeserialize, BorshSerialize};

/// A vault event that is safe, not final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Unfinal {
    /// The block it stood in.
    pub version: Hash,
    /// What happened.
    pub event: VaultEvent,
    /// Credit given for it so far, in the token (deposits only).
    pub pending: Amount,
}

/// A release that was ordered and not yet seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Release {
    /// For whom.
    pub account: AccountId,
    /// What.
    pub token: Token,
    /// How much.
    pub amount: Amount,
}

/// A withdrawal that waits for inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Waiting {
    /// Whose.
    pub account: AccountId,
    /// What.
    pub token: Token,
    /// How much.
    pub amount: Amount,
}
