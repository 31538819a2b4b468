//! Why our contracts refuse, read from the bytes of their errors.

use super::bindings::auction_house::AuctionHouse::AuctionHouseErrors as House;
use super::bindings::vault::Vault::VaultErrors as Vault;
use crate::Revert;
use alloy::primitives::U256;
use alloy::sol_types::SolInterface;
use ballast_types::{AssetId, LotId, Nonce};
use ballast_units::{Amount, Millis, Price, Time};

/// What a contract's error says. What it says in other words than the hub's keeps its first four bytes.
pub(super) fn read(data: &[u8]) -> Revert {
    let other = Revert::Contract(data.first_chunk().copied().unwrap_or_default());
    if let Ok(error) = Vault::abi_decode(data) {
        return vault(&error).unwrap_or(other);
    }
    House::abi_decode(data).ok().and_then(|error| house(&error)).unwrap_or(other)
}

fn vault(error: &Vault) -> Option<Revert> {
    Some(match error {
        Vault::GasTooLow(error) => {
            Revert::GasTooLow { have: error.have.saturating_to(), need: error.need.saturating_to() }
        }
        Vault::NonceZero(_) => Revert::NonceZero,
        Vault::Expired(error) => Revert::Expired {
            nonce: Nonce(error.nonce),
            expires: Time::from_millis(error.expires),
            time: Time::from_millis(error.time),
        },
        Vault::Frozen(error) => Revert::Frozen { until: Time::from_millis(error.until) },
        Vault::UnknownAsset(error) => Revert::UnknownAsset(AssetId(error.asset)),
        Vault::NothingToMove(_) => Revert::AmountZero,
        Vault::NotWhole(error) => Revert::AmountUneven { amount: wad(error.amount), unit: wad(error.unit) },
        Vault::TooMuch(error) => {
            Revert::VaultFull { have: wad(error.booked), amount: wad(error.amount), limit: wad(error.max) }
        }
        Vault::TooLittleFree(error) => {
            Revert::VaultTooSmall { have: wad(error.free), need: wad(error.amount) }
        }
        Vault::OutflowAbove(error) => Revert::OutflowTooLarge {
            asset: AssetId(error.asset),
            amount: wad(error.amount),
            left: wad(error.left),
        },
        Vault::AuctionWouldWait(error) => Revert::AuctionWouldWait {
            asset: AssetId(error.asset),
            amount: wad(error.amount),
            left: wad(error.left),
        },
        Vault::WrongEpoch(error) => Revert::WrongEpoch { have: error.have, want: error.need },
        Vault::WrongLimits(error) => Revert::WrongLimits(Millis::new(error.window.saturating_to())),
        Vault::WrongUnit(error) => {
            let asset = AssetId(error.asset);
            Revert::WrongUnit { asset, have: wad(error.need), want: wad(error.unit) }
        }
        Vault::NotQueued(error) => Revert::NotWaiting(Nonce(error.nonce)),
        Vault::NotReady(error) => {
            Revert::NotReady { nonce: Nonce(error.nonce), ready: Time::from_millis(error.ready) }
        }
        Vault::NotExpired(error) => {
            Revert::NotExpired { nonce: Nonce(error.nonce), expires: Time::from_millis(error.expires) }
        }
        Vault::MigrationWaits(error) => Revert::MigrationWaits(Nonce(error.nonce)),
        Vault::WrongSuccessor(_) => Revert::WrongSuccessor,
        Vault::StillReserved(error) => {
            Revert::StillReserved { asset: AssetId(error.asset), reserved: wad(error.reserved) }
        }
        Vault::Closed(_) => Revert::Closed,
        Vault::WrongUntil(error) => Revert::WrongUntil {
            until: Time::from_millis(error.until),
            last: Time::from_millis(error.last),
            latest: Time::from_millis(error.most),
        },
        Vault::FreezeTooSoon(error) => Revert::FreezeTooSoon { from: Time::from_millis(error.from) },
        _ => return None,
    })
}

fn house(error: &House) -> Option<Revert> {
    Some(match error {
        House::AlreadyRunning(error) => {
            Revert::LotRunning { lot: LotId(error.lot), start: Nonce(error.start) }
        }
        House::LotSold(error) => Revert::LotSold {
            lot: LotId(error.lot),
            unsold: wad(error.unsold),
            quantity: wad(error.quantity),
        },
        House::WrongTerms(error) => Revert::WrongTerms(LotId(error.lot)),
        House::NoAuction(error) => Revert::NoAuction(LotId(error.lot)),
        House::Over(error) => Revert::NoAuction(LotId(error.lot)),
        House::NotOver(error) => {
            Revert::NotOver { lot: LotId(error.lot), ends: Time::from_millis(error.ends) }
        }
        House::PriceAbove(error) => {
            Revert::PriceTooHigh { price: price(error.price)?, limit: price(error.most)? }
        }
        House::NoSuchPart(_) => Revert::TakeRefused,
        House::PartBelow(error) => {
            Revert::TakeBelowLeast { quantity: wad(error.quantity), least: wad(error.least) }
        }
        _ => return None,
    })
}

fn wad(amount: U256) -> Amount {
    Amount::from_wei(amount.saturating_to())
}

fn price(price: U256) -> Option<Price> {
    Price::from_wei(price.try_into().ok()?).ok()
}
