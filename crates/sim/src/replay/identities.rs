//! Who the people of a replay are: addresses that nobody has a key of, or those of whoever signs for them.

use ballast_types::{Address, Owner};

/// Addresses by number, from 0.
#[derive(Clone, Copy, Debug)]
pub struct Identities {
    /// Of the owner of the account that was opened as this one.
    pub owner: fn(u64) -> Address,
    /// Of the key that a keeper signs and sends with.
    pub keeper: fn(u32) -> Address,
}

impl Identities {
    /// Addresses without keys: made fast, for many.
    pub const KEYLESS: Self = Self { owner, keeper };

    pub(super) fn of_owner(&self, number: u64) -> Owner {
        Owner { address: (self.owner)(number), subaccount: 0 }
    }
}

fn owner(number: u64) -> Address {
    let mut hasher = blake3::Hasher::new_derive_key("ballast-sim owner v1");
    hasher.update(&number.to_le_bytes());
    let mut address = [0; 32];
    address[12..].copy_from_slice(&hasher.finalize().as_bytes()[..20]);
    Address(address)
}

fn keeper(number: u32) -> Address {
    numbered(0x0c, u64::from(number))
}

/// The address of a number of some kind.
pub(super) fn numbered(kind: u8, number: u64) -> Address {
    let mut address = [0; 32];
    address[12] = kind;
    address[24..].copy_from_slice(&number.to_be_bytes());
    Address(address)
}
