//! Logs of a vault, read as facts for the hub.
//!
//! - Only the five events that carry a number are facts; everything else a vault says is news.

use super::bindings::vault::Vault;
use alloy::primitives::{Address, B256, Log};
use alloy::sol_types::SolEvent;
use ballast_types::{AssetId, ChainId, Hash, LotId, Nonce, Owner, Sequence, VaultEvent};
use ballast_units::Amount;

/// A fact with its number. `None` for news; an error for a fact that cannot be read.
pub(super) fn read(log: &Log) -> Result<Option<(Sequence, VaultEvent)>, alloy::sol_types::Error> {
    let Some(topic) = log.topics().first() else { return Ok(None) };
    Ok(Some(match *topic {
        Vault::Deposited::SIGNATURE_HASH => {
            let event = Vault::Deposited::decode_log(log)?;
            let owner = Owner { address: account(event.owner), subaccount: event.subaccount };
            let (asset, amount) = (AssetId(event.asset), Amount::from_wei(event.amount));
            (Sequence(event.sequence), VaultEvent::Deposited { owner, asset, amount })
        }
        Vault::Executed::SIGNATURE_HASH => {
            let event = Vault::Executed::decode_log(log)?;
            (Sequence(event.sequence), VaultEvent::Executed { nonce: Nonce(event.nonce) })
        }
        Vault::Taken::SIGNATURE_HASH => {
            let event = Vault::Taken::decode_log(log)?;
            let (lot, taker) = (LotId(event.lot), account(event.taker));
            let (quantity, paid) = (Amount::from_wei(event.quantity), Amount::from_wei(event.paid));
            let rebate = Amount::from_wei(event.rebate);
            (Sequence(event.sequence), VaultEvent::Taken { lot, taker, quantity, paid, rebate })
        }
        Vault::Ended::SIGNATURE_HASH => {
            let event = Vault::Ended::decode_log(log)?;
            let (lot, result) = (LotId(event.lot), Hash(event.result.0));
            (Sequence(event.sequence), VaultEvent::Ended { lot, result })
        }
        Vault::BridgedIn::SIGNATURE_HASH => {
            let event = Vault::BridgedIn::decode_log(log)?;
            let (from, nonce) = (ChainId(event.from), Nonce(event.nonce));
            let (asset, amount) = (AssetId(event.asset), Amount::from_wei(event.amount));
            (Sequence(event.sequence), VaultEvent::BridgedIn { from, nonce, asset, amount })
        }
        _ => return Ok(None),
    }))
}

/// The vault to which this one hands everything over. `None` for what says nothing of that.
pub(super) fn successor(log: &Log) -> Result<Option<Address>, alloy::sol_types::Error> {
    if log.topics().first() != Some(&Vault::MovedTo::SIGNATURE_HASH) {
        return Ok(None);
    }
    Ok(Some(Vault::MovedTo::decode_log(log)?.to))
}

fn account(word: B256) -> ballast_types::Address {
    ballast_types::Address(word.0)
}

/// An address as the hub has it: padded with zeros on the left.
#[must_use]
pub fn hub_address(address: Address) -> ballast_types::Address {
    ballast_types::Address(address.into_word().0)
}

/// The hub's address as this kind of chain has it. `None` where it is longer.
#[must_use]
pub fn chain_address(address: ballast_types::Address) -> Option<Address> {
    let (padding, short) = address.0.split_at(12);
    padding.iter().all(|byte| *byte == 0).then(|| Address::from_slice(short))
}
