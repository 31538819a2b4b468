//! A chain without delay: carries out orders as they come, and tells of it in the next block.
//!
//! Takes happen when a test says so; auctions end when all is sold, when their need is met, by time, and when a test
//! says so. What was told stays reversible until it is final: [`Spoke::drop_from`] is the chain's reorg, after which
//! the chain is as it was before that event, and has the orders that it knows in its pool.

use ballast_engine::auction;
use ballast_types::digest;
use ballast_types::{
    Address, AssetId, Auction, ChainId, Hash, LotId, Nonce, Observation, Order, OrderAction, Owner, Sequence,
    VaultEvent,
};
use ballast_units::{Amount, Time};
use std::collections::{BTreeMap, BTreeSet};

/// An auction as the chain has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    /// Its terms.
    pub(crate) auction: Auction,
    /// Not taken.
    pub(crate) left: Amount,
    /// Dollars paid so far.
    pub(crate) paid: Amount,
    /// Takes are accepted.
    pub(crate) open: bool,
    /// Hash of its takes.
    pub(crate) result: Hash,
}

/// What a reorg puts back.
#[derive(Clone, Debug, Default)]
struct Books {
    offers: BTreeMap<LotId, Offer>,
    /// Orders whose numbers are used up.
    done: BTreeSet<Nonce>,
    makers: BTreeSet<Address>,
}

/// Something that happened, and how the chain was before it.
#[derive(Clone, Debug)]
struct Told {
    sequence: Sequence,
    event: VaultEvent,
    before: Books,
}

/// One chain.
#[derive(Clone, Debug)]
pub(crate) struct Spoke {
    chain: ChainId,
    /// Smallest unit of its coin.
    coin_unit: Amount,
    domain: Hash,
    next: u64,
    /// Counts reorgs: the same event has another version in each branch.
    branch: u8,
    /// To be told in the next block.
    due: Vec<(VaultEvent, Books)>,
    /// Told, not final.
    unfinal: Vec<(Sequence, VaultEvent)>,
    /// The same, with what was before.
    log: Vec<Told>,
    books: Books,
    /// Every order that was delivered.
    orders: BTreeMap<Nonce, Order>,
    /// Collateral that was sent here and is not told yet, or was dropped.
    arrivals: BTreeMap<(ChainId, Nonce), (AssetId, Amount)>,
    /// Of the last final block that was told.
    final_time: Time,
    now: Time,
    /// Events stay safe, not final.
    pub(crate) holds_finality: bool,
    /// Orders get lost on the way.
    pub(crate) loses_orders: bool,
    /// Tells a wrong result of every auction that ends.
    pub(crate) lies_about_results: bool,
    /// What is told at once stands in a block of its own; otherwise a branch is one block.
    pub(crate) names_blocks: bool,
}

impl Spoke {
    pub(crate) fn new(chain: ChainId, coin_unit: Amount, domain: Hash) -> Self {
        Self {
            chain,
            coin_unit,
            domain,
            next: 1,
            branch: 0,
            due: Vec::new(),
            unfinal: Vec::new(),
            log: Vec::new(),
            books: Books::default(),
            orders: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            final_time: Time::default(),
            now: Time::default(),
            holds_finality: false,
            loses_orders: false,
            lies_about_results: false,
            names_blocks: false,
        }
    }

    /// The next event's number.
    pub(crate) fn next(&self) -> Sequence {
        Sequence(self.next)
    }

    /// Events told and not final, oldest first.
    pub(crate) fn unfinal(&self) -> &[(Sequence, VaultEvent)] {
        &self.unfinal
    }

    /// Auctions that accept takes.
    pub(crate) fn offers(&self) -> impl Iterator<Item = (LotId, Offer)> {
        self.books.offers.iter().filter(|(_, offer)| offer.open).map(|(lot, offer)| (*lot, *offer))
    }

    /// Something that no honest vault would tell, told next.
    pub(crate) fn claim(&mut self, event: VaultEvent) {
        self.happen(event);
    }

    /// Somebody deposits.
    pub(crate) fn deposit(&mut self, owner: Owner, asset: AssetId, amount: Amount) {
        self.happen(VaultEvent::Deposited { owner, asset, amount });
    }

    /// Collateral arrives that another chain has sent; once, however often it is delivered.
    pub(crate) fn arrive(&mut self, from: ChainId, nonce: Nonce, asset: AssetId, amount: Amount) {
        if self.arrivals.insert((from, nonce), (asset, amount)).is_none() {
            self.happen(VaultEvent::BridgedIn { from, nonce, asset, amount });
        }
    }

    fn happen(&mut self, event: VaultEvent) {
        let before = self.books.clone();
        self.due.push((event, before));
    }

    /// Is given an order, and carries it out where it can. False where it got lost or is refused.
    pub(crate) fn carry_out(&mut self, order: &Order, now: Time) -> bool {
        if self.loses_orders {
            return false;
        }
        self.orders.insert(order.nonce, order.clone());
        self.execute(order, now)
    }

    fn execute(&mut self, order: &Order, now: Time) -> bool {
        let nonce = order.nonce;
        if self.books.done.contains(&nonce) || order.expires <= now {
            return false;
        }
        let executed = VaultEvent::Executed { nonce };
        match order.action {
            OrderAction::StartAuction { lot, auction, .. } => {
                // Not beside another auction of the lot, and not of more than that one has left.
                let known = self.books.offers.get(&lot);
                if known.is_some_and(|known| known.open || known.left < auction.quantity) {
                    return false;
                }
                self.happen(executed);
                let result = digest::result_start(self.domain, lot, nonce);
                let left = auction.quantity;
                let offer = Offer { auction, left, paid: Amount::ZERO, open: true, result };
                self.books.offers.insert(lot, offer);
            }
            OrderAction::CancelAuction { lot, start } => {
                self.happen(executed);
                if self.books.done.insert(start) {
                    let result = digest::result_start(self.domain, lot, start);
                    self.happen(VaultEvent::Ended { lot, result: self.told(result) });
                } else {
                    self.expire(lot);
                }
            }
            OrderAction::ListMaker { maker, listed } => {
                self.happen(executed);
                if listed {
                    self.books.makers.insert(maker);
                } else {
                    self.books.makers.remove(&maker);
                }
            }
            OrderAction::Release { .. }
            | OrderAction::Bridge { .. }
            | OrderAction::Rotate { .. }
            | OrderAction::SetLimits { .. }
            | OrderAction::Unfreeze {}
            | OrderAction::ListToken { .. } => self.happen(executed),
        }
        self.books.done.insert(nonce);
        true
    }

    /// Takes up to `wanted` of a lot at the price of `now`: quantity and dollars, where there is something to take.
    pub(crate) fn take(
        &mut self,
        lot: LotId,
        wanted: Amount,
        taker: Address,
        now: Time,
    ) -> Option<(Amount, Amount)> {
        let offer =
            self.books.offers.get(&lot).copied().filter(|offer| offer.open && now < offer.auction.ends)?;
        let quantity = auction::partial(&offer.auction, offer.left, wanted)?;
        let paid = round_up(auction::take_due(&offer.auction, now, quantity).ok()?, self.coin_unit);
        Some(self.sell(lot, quantity, paid, taker, now))
    }

    /// A take of exactly this at exactly this price, whatever the auction's terms.
    pub(crate) fn take_at(&mut self, lot: LotId, quantity: Amount, paid: Amount, taker: Address) {
        let now = self.now;
        self.sell(lot, quantity, paid, taker, now);
    }

    fn sell(
        &mut self,
        lot: LotId,
        quantity: Amount,
        paid: Amount,
        taker: Address,
        now: Time,
    ) -> (Amount, Amount) {
        let offer = self.books.offers[&lot];
        let rebate = if self.books.makers.contains(&taker) {
            auction::rebate(&offer.auction, now, paid)
        } else {
            Amount::ZERO
        };
        let rebate = Amount::from_wei(rebate.wei() / self.coin_unit.wei() * self.coin_unit.wei());
        self.happen(VaultEvent::Taken { lot, taker, quantity, paid, rebate });
        let result = digest::result_take(offer.result, taker, quantity, paid, rebate);
        let after = Offer { left: offer.left - quantity, paid: offer.paid + paid, result, ..offer };
        self.books.offers.insert(lot, after);
        if after.left.is_zero() || after.auction.need <= after.paid {
            self.expire(lot);
        }
        (quantity, paid)
    }

    /// Ends an auction. Nothing where it does not run.
    pub(crate) fn expire(&mut self, lot: LotId) -> bool {
        let Some(offer) = self.books.offers.get(&lot).copied().filter(|offer| offer.open) else {
            return false;
        };
        self.happen(VaultEvent::Ended { lot, result: self.told(offer.result) });
        self.books.offers.insert(lot, Offer { open: false, ..offer });
        true
    }

    fn told(&self, result: Hash) -> Hash {
        if self.lies_about_results { Hash([0xee; 32]) } else { result }
    }

    /// What it tells in a block at `now`.
    pub(crate) fn tell(&mut self, now: Time) -> Vec<Observation> {
        self.now = now;
        let over: Vec<LotId> =
            self.offers().filter(|(_, offer)| offer.auction.ends <= now).map(|(lot, _)| lot).collect();
        for lot in over {
            self.expire(lot);
        }
        let mut told = Vec::new();
        let mut version = Hash([self.branch; 32]);
        if self.names_blocks {
            version.0[..8].copy_from_slice(&self.next.to_be_bytes());
        }
        for (event, before) in std::mem::take(&mut self.due) {
            let sequence = Sequence(self.next);
            self.next += 1;
            told.push(Observation::Seen { chain: self.chain, sequence, version, event });
            self.unfinal.push((sequence, event));
            self.log.push(Told { sequence, event, before });
        }
        if !self.holds_finality && (!self.unfinal.is_empty() || self.final_time < now) {
            self.final_time = now;
            let sequence = Sequence(self.next - 1);
            let block = digest::block_in_process(self.chain, now);
            told.push(Observation::Final { chain: self.chain, sequence, time: now, block });
        }
        told
    }

    /// Takes note of what the hub took: `next` is the first event that it has not seen, `next_final` the first that
    /// is not final there. What it refused never happened; what it did not come to is told again.
    pub(crate) fn sync(&mut self, next: Sequence, next_final: Sequence) {
        self.unfinal.retain(|(sequence, _)| next_final <= *sequence);
        self.log.retain(|told| next_final <= told.sequence);
        let untaken = self.log.partition_point(|told| told.sequence < next);
        let again = self.log.split_off(untaken).into_iter().skip(1).map(|told| (told.event, told.before));
        self.due.splice(0..0, again);
        self.unfinal.truncate(untaken);
        self.next = next.0;
    }

    /// The chain drops the event and all later ones. Deposits are gone; what was ordered or sent here happens again in
    /// the new branch.
    pub(crate) fn drop_from(&mut self, sequence: Sequence) -> Option<Observation> {
        let at = self.log.iter().position(|told| told.sequence == sequence)?;
        let dropped = self.log.split_off(at);
        self.unfinal.truncate(at);
        self.books = dropped.first()?.before.clone();
        self.next = sequence.0;
        self.branch = self.branch.wrapping_add(1);
        let lost = std::mem::take(&mut self.due);
        let lost = dropped.into_iter().map(|told| told.event).chain(lost.into_iter().map(|(event, _)| event));
        let sent: Vec<VaultEvent> =
            lost.filter(|event| matches!(event, VaultEvent::BridgedIn { .. })).collect();
        for event in sent {
            self.happen(event);
        }
        for order in self.orders.values().cloned().collect::<Vec<_>>() {
            self.execute(&order, self.now);
        }
        Some(Observation::Dropped { chain: self.chain, sequence })
    }
}

fn round_up(amount: Amount, unit: Amount) -> Amount {
    Amount::from_wei(amount.wei().div_ceil(unit.wei()) * unit.wei())
}
