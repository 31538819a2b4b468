//! Has vaults do what their time has come for: end auctions that are over, pay releases that have waited, drop those that
//! expired meanwhile, hand over to a successor.

use ballast_spoke::{Poke, Spoke};
use ballast_types::ChainId;
use ballast_units::{Millis, Time};
use std::collections::BTreeMap;

/// A poke that changed nothing is tried again after this: a vault was frozen, or its limits had no room.
const AGAIN: Millis = Millis::minutes(1);

/// Watches every chain's clock.
#[derive(Clone, Debug, Default)]
pub struct Poker {
    /// What was poked, and when.
    poked: BTreeMap<(ChainId, Poke), Time>,
}

impl Poker {
    /// Pokes a chain. What cannot be sent is tried in the next block.
    pub fn act<S: Spoke>(&mut self, spoke: &mut S, now: Time) {
        let chain = spoke.chain();
        let (Ok(heads), Ok(offers), Ok(waiting), Ok(moving)) =
            (spoke.heads(), spoke.offers(), spoke.waiting(), spoke.moving())
        else {
            return;
        };
        let time = heads.head.time;
        let over = offers.into_iter().filter(|(_, offer)| offer.auction.ends <= time);
        let waited = waiting.into_iter().filter_map(|(nonce, release)| {
            if release.expires <= time {
                Some(Poke::Drop(nonce))
            } else {
                (release.ready <= time).then_some(Poke::Pay(nonce))
            }
        });
        let moves = moving.filter(|moving| moving.ready <= time && time < moving.until);
        let moves = moves.map(|moving| Poke::Migrate(moving.nonce));
        for poke in over.map(|(lot, _)| Poke::End(lot)).chain(waited).chain(moves) {
            let again = self.poked.get(&(chain, poke)).is_none_or(|before| before.after(AGAIN) <= now);
            if again && spoke.poke(poke).is_ok() {
                self.poked.insert((chain, poke), now);
            }
        }
        self.poked.retain(|_, before| now < before.after(Millis::hours(1)));
    }
}
