//! Signed payloads on their way: who sends them, and how far their chains have come with them.
//!
//! - Everybody may bring every payload, as often as he likes. Whoever is asked sends one that nobody has sent, or that
//!   was sent and has not shown up for too long; a courier carries every payload as well, later.
//! - What does not get through is sent again ever later: an order that its chain refuses would be sent in vain for an hour.
//!   What a freeze stopped is sent again when the freeze ends.
//! - While validators rotate, the same orders are signed for more than one epoch: what is sent is the payload that the
//!   vault takes at its head. Where there is none, that is no error: another one may come, or a reorg.
//! - An order is done once a receipt says so, and open again when its block is dropped.

use crate::inclusion;
use ballast_spoke::message::Payload;
use ballast_spoke::{Done, Receipt, Revert, Spoke, TxId};
use ballast_types::{Address, ChainId, Nonce, Order};
use ballast_units::{Millis, Time};
use std::collections::{BTreeMap, BTreeSet};

/// What was sent and should have shown up is sent again this much later, then after twice that, and so on.
const PATIENCE: Millis = Millis::seconds(10);

/// The longest such wait.
const PATIENCE_MOST: Millis = Millis::minutes(5);

/// Orders that were signed together, in order of signing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterId(u64);

/// Payloads that are not carried out whole, those of the same orders as one letter.
#[derive(Clone, Debug, Default)]
pub struct Post {
    last: LetterId,
    letters: BTreeMap<LetterId, Letter>,
    /// The newest letter with an order.
    latest: BTreeMap<(ChainId, Nonce), LetterId>,
    /// Orders that the head has carried out.
    done: BTreeSet<(ChainId, Nonce)>,
    /// What transactions carried out, for as long as a reorg may take it back.
    by_tx: BTreeMap<(ChainId, TxId), (Time, Vec<Nonce>)>,
}

#[derive(Clone, Debug)]
struct Letter {
    chain: ChainId,
    orders: Vec<Order>,
    /// By the epoch of who signed.
    payloads: BTreeMap<u32, Payload>,
    /// Nobody sends it himself before.
    ready: Time,
    /// Sent, and not worth sending again before.
    quiet_until: Option<Time>,
    /// Times it was sent since its chain last had it.
    sent: u32,
    /// Nobody needs it any more after this.
    expires: Time,
}

impl Post {
    /// Takes in a payload that nobody sends himself before `ready`: it is being signed, or on another way. One with the
    /// orders of the newest letter, signed for another epoch, joins it.
    pub fn add(&mut self, payload: Payload, ready: Time) -> LetterId {
        let newest = payload.orders.first().and_then(|order| self.with(payload.chain, order.nonce));
        if let Some(id) = newest
            && let Some(letter) = self.letters.get_mut(&id)
            && letter.orders == payload.orders
            && !letter.payloads.contains_key(&payload.epoch)
        {
            // A new way to get through: what was sent in vain before does not count.
            (letter.ready, letter.quiet_until, letter.sent) = (letter.ready.max(ready), None, 0);
            letter.payloads.insert(payload.epoch, payload);
            return id;
        }
        self.last = LetterId(self.last.0 + 1);
        for order in &payload.orders {
            self.latest.insert((payload.chain, order.nonce), self.last);
        }
        let expires = payload.orders.iter().map(|order| order.expires).max().unwrap_or(ready);
        let (chain, orders) = (payload.chain, payload.orders.clone());
        let payloads = [(payload.epoch, payload)].into();
        let letter = Letter { chain, orders, payloads, ready, quiet_until: None, sent: 0, expires };
        self.letters.insert(self.last, letter);
        self.last
    }

    /// The newest letter with an order.
    #[must_use]
    pub fn with(&self, chain: ChainId, nonce: Nonce) -> Option<LetterId> {
        self.latest.get(&(chain, nonce)).copied()
    }

    /// Sends a letter where that is of use, paid by `sender`, or by the chain's courier. Gives when to look again: `None`
    /// where there is nothing left to do.
    pub fn send<S: Spoke>(
        &mut self,
        id: LetterId,
        sender: Option<Address>,
        chains: &mut [S],
        now: Time,
    ) -> Option<Time> {
        let letter = self.letters.get_mut(&id)?;
        let chain = letter.chain;
        let is_open = |nonce| !self.done.contains(&(chain, nonce));
        let open = letter.orders.iter().any(|order| is_open(order.nonce) && now < order.expires);
        if !open {
            return None;
        }
        let later = letter.quiet_until.into_iter().chain([letter.ready]).max();
        if let Some(later) = later.filter(|later| now < *later) {
            return Some(later);
        }
        let spoke = chains.iter_mut().find(|spoke| spoke.chain() == chain)?;
        let again = now.after(PATIENCE);
        let Ok(epoch) = spoke.epoch() else { return Some(again) };
        let Some(payload) = letter.payloads.get(&epoch) else {
            letter.quiet_until = Some(now.after(patience(letter.sent)));
            letter.sent += 1;
            return letter.quiet_until;
        };
        let (heads, conditions) = (spoke.heads(), spoke.conditions());
        let sent = match sender {
            Some(sender) => spoke.deliver_from(sender, payload),
            None => spoke.deliver(payload),
        };
        if sent.is_ok() {
            let shows = match (heads, conditions) {
                (Ok(heads), Ok(conditions)) => {
                    inclusion(&heads, &conditions, now).after(conditions.block_time)
                }
                _ => now,
            };
            letter.quiet_until = Some(shows.after(patience(letter.sent)));
            letter.sent += 1;
        }
        Some(letter.quiet_until.unwrap_or(again))
    }

    /// What a chain's head has come to. Gives the orders that were carried out, each with the time of its block.
    pub fn learn(&mut self, chain: ChainId, receipts: &[Receipt]) -> Vec<(Nonce, Time)> {
        let mut carried = Vec::new();
        for receipt in receipts {
            match &receipt.result {
                Ok(Done::Delivered(orders)) => {
                    let mut here = Vec::new();
                    for (nonce, result) in orders {
                        if result.is_ok() {
                            carried.push((*nonce, receipt.time));
                            here.push(*nonce);
                        }
                        if matches!(result, Ok(_) | Err(Revert::OrderSeen(_))) {
                            self.done.insert((chain, *nonce));
                        }
                        if let Err(Revert::Frozen { until }) = result
                            && let Some(letter) = self.newest(chain, *nonce)
                        {
                            // Looked at now and then all the same: a freeze may end early.
                            letter.quiet_until = Some((*until).min(receipt.time.after(PATIENCE_MOST)));
                            letter.sent = 0;
                        }
                    }
                    self.by_tx.insert((chain, receipt.tx), (receipt.time, here));
                }
                Err(Revert::Reorged) => {
                    let (_, orders) = self.by_tx.remove(&(chain, receipt.tx)).unwrap_or_default();
                    for nonce in orders {
                        self.done.remove(&(chain, nonce));
                        if let Some(letter) = self.newest(chain, nonce) {
                            letter.sent = 0;
                        }
                    }
                }
                _ => {}
            }
        }
        carried
    }

    fn newest(&mut self, chain: ChainId, nonce: Nonce) -> Option<&mut Letter> {
        self.letters.get_mut(self.latest.get(&(chain, nonce))?)
    }

    /// Forgets what has expired, and which transactions carried out what before `before`.
    pub fn forget(&mut self, now: Time, before: Time) {
        self.by_tx.retain(|_, (time, _)| before <= *time);
        let gone: Vec<LetterId> =
            self.letters.iter().filter(|(_, letter)| letter.expires <= now).map(|(id, _)| *id).collect();
        for id in gone {
            let letter = self.letters.remove(&id).expect("found above");
            for order in &letter.orders {
                let key = (letter.chain, order.nonce);
                if self.latest.get(&key) == Some(&id) {
                    self.latest.remove(&key);
                    self.done.remove(&key);
                }
            }
        }
    }
}

/// How long to wait for what was sent so many times before.
fn patience(sent: u32) -> Millis {
    let times = 1_u64.checked_shl(sent).unwrap_or(u64::MAX);
    Millis::new(PATIENCE.get().saturating_mul(times)).min(PATIENCE_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let seconds = [0, 1, 4, 5, 63, 64].map(|sent| patience(sent).get() / 1_000);
        assert_eq!(seconds, [10, 20, 160, 300, 300, 300]);
    }
}
