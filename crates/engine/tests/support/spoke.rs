//! A chain without delay: carries out orders as they come, and tells of it in the next block.
//!
//! Takes and endings happen when a test says so; auctions end by time besides. What was told stays reversible
//! until it is final: [`Spoke::drop_from`] is the chain's reorg.

use ballast_engine::auction;
use ballast_types::{
    Address, AssetId, Auction, ChainId, Hash, LotId, Observation, Order, OrderAction, Owner, Sequence,
    VaultEvent,
};
use ballast_units::{Amount, Time};
use std::collections::BTreeMap;

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
}

/// One chain.
#[derive(Clone, Debug)]
pub(crate) struct Spoke {
    chain: ChainId,
    /// Smallest unit of its coin.
    coin_unit: Amount,
    next: u64,
    /// Counts reorgs: the same event has another version in each branch.
    branch: u8,
    /// To be told in the next block.
    due: Vec<VaultEvent>,
    /// Told, not final.
    unfinal: Vec<(Sequence, VaultEvent)>,
    offers: BTreeMap<LotId, Offer>,
    /// Events stay safe, not final.
    pub(crate) holds_finality: bool,
}

impl Spoke {
    pub(crate) fn new(chain: ChainId, coin_unit: Amount) -> Self {
        Self {
            chain,
            coin_unit,
            next: 1,
            branch: 0,
            due: Vec::new(),
            unfinal: Vec::new(),
            offers: BTreeMap::new(),
            holds_finality: false,
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
        self.offers.iter().filter(|(_, offer)| offer.open).map(|(lot, offer)| (*lot, *offer))
    }

    /// Something that no honest vault would tell, told next.
    pub(crate) fn claim(&mut self, event: VaultEvent) {
        self.due.push(event);
    }

    /// Somebody deposits.
    pub(crate) fn deposit(&mut self, owner: Owner, asset: AssetId, amount: Amount) {
        self.due.push(VaultEvent::Deposited { owner, asset, amount });
    }

    /// Carries an order out.
    pub(crate) fn carry_out(&mut self, order: &Order) {
        match order.action {
            OrderAction::Release { .. } => self.due.push(VaultEvent::Executed { nonce: order.nonce }),
            OrderAction::StartAuction { lot, auction, .. } => {
                let offer = Offer { auction, left: auction.quantity, paid: Amount::ZERO, open: true };
                self.offers.insert(lot, offer);
            }
            OrderAction::CancelAuction { lot, start: _ } => {
                self.expire(lot);
            }
            OrderAction::Bridge { .. }
            | OrderAction::Rotate { .. }
            | OrderAction::SetLimits { .. }
            | OrderAction::ListMaker { .. }
            | OrderAction::Unfreeze {}
            | OrderAction::ListToken { .. } => {}
        }
    }

    /// Takes up to `wanted` of a lot at the price of `now`: quantity and dollars, where there is something to take.
    pub(crate) fn take(
        &mut self,
        lot: LotId,
        wanted: Amount,
        taker: Address,
        now: Time,
    ) -> Option<(Amount, Amount)> {
        let offer = self.offers.get(&lot).copied().filter(|offer| offer.open)?;
        let quantity = auction::partial(&offer.auction, offer.left, wanted)?;
        let paid = round_up(auction::take_due(&offer.auction, now, quantity).ok()?, self.coin_unit);
        let after = Offer { left: offer.left - quantity, paid: offer.paid + paid, ..offer };
        self.offers.insert(lot, Offer { open: !after.left.is_zero(), ..after });
        self.due.push(VaultEvent::Taken { lot, taker, quantity, paid, rebate: Amount::ZERO });
        if !after.left.is_zero() && after.auction.need <= after.paid {
            self.expire(lot);
        }
        Some((quantity, paid))
    }

    /// Ends an auction with something left. Nothing where it does not run.
    pub(crate) fn expire(&mut self, lot: LotId) -> bool {
        let running = self.offers.get_mut(&lot).filter(|offer| offer.open);
        let Some(offer) = running else { return false };
        offer.open = false;
        self.due.push(VaultEvent::Ended { lot, result: Hash::default() });
        true
    }

    /// What it tells in a block at `now`.
    pub(crate) fn tell(&mut self, now: Time) -> Vec<Observation> {
        let over: Vec<LotId> =
            self.offers().filter(|(_, offer)| offer.auction.ends <= now).map(|(lot, _)| lot).collect();
        for lot in over {
            self.expire(lot);
        }
        let mut told = Vec::new();
        for event in std::mem::take(&mut self.due) {
            let sequence = Sequence(self.next);
            self.next += 1;
            let version = Hash([self.branch; 32]);
            told.push(Observation::Seen { chain: self.chain, sequence, version, event });
            self.unfinal.push((sequence, event));
        }
        if !self.holds_finality {
            told.extend(self.unfinal.last().map(|(sequence, _)| Observation::Final {
                chain: self.chain,
                sequence: *sequence,
                time: Time::default(),
            }));
        }
        told
    }

    /// Takes note of what the hub took: `next` is the first event that it has not seen, `next_final` the first that
    /// is not final there. What it refused never happened; what it did not come to is told again.
    pub(crate) fn sync(&mut self, next: Sequence, next_final: Sequence) {
        self.unfinal.retain(|(sequence, _)| next_final <= *sequence);
        let untaken = self.unfinal.partition_point(|(sequence, _)| *sequence < next);
        let again = self.unfinal.split_off(untaken).into_iter().skip(1).map(|(_, event)| event);
        self.due.splice(0..0, again);
        self.next = next.0;
    }

    /// The chain drops the event and all later ones. Deposits are gone; what orders did happens again in the new
    /// branch.
    pub(crate) fn drop_from(&mut self, sequence: Sequence) -> Option<Observation> {
        let at = self.unfinal.iter().position(|(number, _)| *number == sequence)?;
        let dropped = self.unfinal.split_off(at);
        self.next = sequence.0;
        self.branch = self.branch.wrapping_add(1);
        for (_, event) in dropped {
            match event {
                VaultEvent::Deposited { .. } | VaultEvent::BridgedIn { .. } => {}
                VaultEvent::Executed { .. } | VaultEvent::Ended { .. } => self.due.push(event),
                VaultEvent::Taken { lot, quantity, paid, .. } => {
                    if let Some(offer) = self.offers.get_mut(&lot) {
                        offer.left += quantity;
                        offer.paid = offer.paid.saturating_sub(paid);
                        offer.open = true;
                    }
                }
            }
        }
        Some(Observation::Dropped { chain: self.chain, sequence })
    }
}

fn round_up(amount: Amount, unit: Amount) -> Amount {
    Amount::from_wei(amount.wei().div_ceil(unit.wei()) * unit.wei())
}
