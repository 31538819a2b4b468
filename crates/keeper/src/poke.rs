//! Has vaults do what their time has come for: end auctions that are over, pay releases that have waited.

use ballast_spoke::{Carried, Done, Poke, Receipt, Spoke};
use ballast_types::{ChainId, LotId, Nonce};
use ballast_units::{Millis, Time};
use std::collections::BTreeMap;

/// A poke that changed nothing is tried again after this.
const AGAIN: Millis = Millis::minutes(1);

/// Watches every chain's clock.
#[derive(Clone, Debug, Default)]
pub struct Poker {
    /// Auctions that were poked, and when.
    ended: BTreeMap<(ChainId, LotId), Time>,
    /// Releases that wait, by when they are paid.
    waiting: BTreeMap<(Time, ChainId), Vec<Nonce>>,
}

impl Poker {
    /// Learns which releases wait.
    pub fn learn(&mut self, chain: ChainId, receipts: &[Receipt]) {
        for receipt in receipts {
            let Ok(Done::Delivered(orders)) = &receipt.result else { continue };
            for (nonce, result) in orders {
                if let Ok(Carried::Waiting(ready)) = result {
                    self.waiting.entry((*ready, chain)).or_default().push(*nonce);
                }
            }
        }
    }

    /// Pokes a chain. What cannot be sent is tried in the next block.
    pub fn act<S: Spoke>(&mut self, spoke: &mut S, now: Time) {
        let chain = spoke.chain();
        let (Ok(heads), Ok(offers)) = (spoke.heads(), spoke.offers()) else { return };
        let over = offers.into_iter().filter(|(_, offer)| offer.auction.ends <= heads.head.time);
        for (lot, _) in over {
            let again = self.ended.get(&(chain, lot)).is_none_or(|before| before.after(AGAIN) <= now);
            if again && spoke.poke(Poke::End(lot)).is_ok() {
                self.ended.insert((chain, lot), now);
            }
        }
        self.ended.retain(|_, before| now < before.after(Millis::hours(1)));
        let due: Vec<(Time, ChainId)> = self
            .waiting
            .keys()
            .filter(|(ready, at)| *at == chain && *ready <= heads.head.time)
            .copied()
            .collect();
        for key in due {
            let nonces = self.waiting.remove(&key).expect("found above");
            for nonce in nonces {
                if spoke.poke(Poke::Pay(nonce)).is_err() {
                    self.waiting.entry(key).or_default().push(nonce);
                }
            }
        }
    }
}
