//! The chains of a script: every order is carried out and acknowledged at once, what is bridged arrives at once, every
//! event is safe and final at once, unless a deposit was given as not final. Then its chain is final only up to there.

use ballast_engine::State;
use ballast_engine::liquidation::RunState;
use ballast_types::{
    Address, Auction, ChainId, Hash, LotId, Nonce, Observation, Order, OrderAction, Sequence, VaultEvent,
    digest,
};
use ballast_units::{Amount, Time};
use std::collections::{BTreeMap, BTreeSet};

use super::names;

/// All chains of a script.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    /// Auctions that run.
    offers: BTreeMap<LotId, Offer>,
    /// Orders carried out.
    done: BTreeSet<(ChainId, Nonce)>,
    /// Deposits that were given as not final.
    doubtful: BTreeSet<(ChainId, Sequence)>,
    /// Branches so far; an event on another branch is in another block.
    forks: u64,
}

/// An auction that runs.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    /// Where.
    pub(crate) chain: ChainId,
    /// Its terms.
    pub(crate) auction: Auction,
    /// The order that started it.
    start: Nonce,
    /// Hash of its takes.
    result: Hash,
    /// Dollars paid for them.
    paid: Amount,
    /// Takes of the block that is being made, and the result after each: the books may refuse them.
    told: Vec<(Amount, Hash)>,
}

/// Events of one block, on any number of chains.
#[derive(Debug)]
pub(crate) struct Events<'a> {
    chains: &'a mut Chains,
    state: &'a State,
    next: BTreeMap<ChainId, Sequence>,
    observations: Vec<Observation>,
}

impl Chains {
    /// Begins a block.
    pub(crate) fn events<'a>(&'a mut self, state: &'a State) -> Events<'a> {
        Events { chains: self, state, next: BTreeMap::new(), observations: Vec::new() }
    }

    /// When the next auction ends.
    pub(crate) fn next_end(&self) -> Option<Time> {
        self.offers.values().map(|offer| offer.auction.ends).min()
    }

    /// Forgets what the books did not take: auctions that are over or never were, takes and deposits that were refused.
    pub(crate) fn settle(&mut self, state: &State) {
        self.doubtful.retain(|(chain, sequence)| {
            state.chains.find(*chain).is_some_and(|record| *sequence < record.next_sequence)
        });
        self.offers.retain(|lot, offer| {
            let runs = state.lots.find(*lot).map(|record| &record.runs);
            let run = runs.and_then(|runs| runs.iter().find(|run| run.start == offer.start));
            let Some(run) = run.filter(|run| run.state != RunState::Over) else { return false };
            for (paid, result) in std::mem::take(&mut offer.told) {
                if offer.paid < run.sold {
                    offer.paid += paid;
                    offer.result = result;
                }
            }
            true
        });
    }
}

impl Events<'_> {
    /// Observations so far.
    pub(crate) fn len(&self) -> usize {
        self.observations.len()
    }

    /// An auction that runs.
    pub(crate) fn offer(&self, lot: LotId) -> Option<(ChainId, Auction)> {
        self.chains.offers.get(&lot).map(|offer| (offer.chain, offer.auction))
    }

    /// A take of a running auction.
    pub(crate) fn take(&mut self, lot: LotId, taker: Address, quantity: Amount, paid: Amount) {
        let Some(offer) = self.chains.offers.get_mut(&lot) else { return };
        let before = offer.told.last().map_or(offer.result, |(_, result)| *result);
        offer.told.push((paid, digest::result_take(before, taker, quantity, paid, Amount::ZERO)));
        let chain = offer.chain;
        self.event(chain, VaultEvent::Taken { lot, taker, quantity, paid, rebate: Amount::ZERO });
    }

    /// An event, final as soon as everything before it is.
    pub(crate) fn event(&mut self, chain: ChainId, event: VaultEvent) {
        let sequence = self.next(chain);
        let version = names::version(chain, sequence, self.chains.forks);
        self.observations.push(Observation::Seen { chain, sequence, version, event });
        self.next.insert(chain, Sequence(sequence.0 + 1));
    }

    /// An event that the chain may still drop.
    pub(crate) fn doubtful(&mut self, chain: ChainId, event: VaultEvent) {
        self.chains.doubtful.insert((chain, self.next(chain)));
        self.event(chain, event);
    }

    /// Carries out orders, after the auctions that are sold out or have brought in what they were for have ended.
    pub(crate) fn carry_out(&mut self, orders: &[Order]) {
        let state = self.state;
        let is_over = |lot: &LotId, offer: &Offer| {
            let record = state.lots.find(*lot);
            record.is_some_and(|record| record.left().is_zero() || offer.auction.need <= offer.paid)
        };
        let over = self.chains.offers.iter().filter(|(lot, offer)| is_over(lot, offer));
        for lot in over.map(|(lot, _)| *lot).collect::<Vec<_>>() {
            self.expire(lot);
        }
        for order in orders {
            if self.chains.done.insert((order.chain, order.nonce)) {
                self.event(order.chain, VaultEvent::Executed { nonce: order.nonce });
                self.order(order);
            }
        }
    }

    fn order(&mut self, order: &Order) {
        match order.action {
            OrderAction::StartAuction { lot, asset: _, auction } => {
                let (chain, start) = (order.chain, order.nonce);
                let domain = self.state.chains.get(chain).domain;
                let result = digest::result_start(domain, lot, start);
                let paid = Amount::ZERO;
                let offer = Offer { chain, auction, start, result, paid, told: Vec::new() };
                self.chains.offers.insert(lot, offer);
            }
            // One that has ended by itself has told so already.
            OrderAction::CancelAuction { lot, start: _ } => {
                self.expire(lot);
            }
            OrderAction::Bridge { lot: _, asset, amount, to } => {
                let (from, nonce) = (order.chain, order.nonce);
                self.event(to, VaultEvent::BridgedIn { from, nonce, asset, amount });
            }
            OrderAction::Release { .. }
            | OrderAction::Rotate { .. }
            | OrderAction::SetLimits { .. }
            | OrderAction::ListMaker { .. }
            | OrderAction::Unfreeze {}
            | OrderAction::ListToken { .. } => {}
        }
    }

    /// Ends an auction, where it runs.
    pub(crate) fn expire(&mut self, lot: LotId) -> Option<()> {
        let Offer { chain, result, .. } = self.chains.offers.remove(&lot)?;
        self.event(chain, VaultEvent::Ended { lot, result });
        Some(())
    }

    /// Ends the auctions whose time is over, by lot.
    pub(crate) fn expire_until(&mut self, now: Time) {
        let ended = self.chains.offers.iter().filter(|(_, offer)| offer.auction.ends <= now);
        for lot in ended.map(|(lot, _)| *lot).collect::<Vec<_>>() {
            self.expire(lot);
        }
    }

    /// What was doubtful on a chain is so no longer.
    pub(crate) fn finalize(&mut self, chain: ChainId) {
        self.chains.doubtful.retain(|(held, _)| *held != chain);
        // Nothing new is seen; there may be something to call final.
        let next = self.next(chain);
        self.next.insert(chain, next);
    }

    /// The chain drops its blocks from the first doubtful event on. What was not doubtful is included again, in
    /// other blocks, under the numbers that are free now.
    pub(crate) fn drop_blocks(&mut self, chain: ChainId) {
        let doubtful: BTreeSet<Sequence> = self
            .chains
            .doubtful
            .iter()
            .filter(|(held, _)| *held == chain)
            .map(|(_, sequence)| *sequence)
            .collect();
        let Some(first) = doubtful.first().copied() else { return };
        let dropped = self.state.unfinal.range((chain, first)..=(chain, Sequence(u64::MAX)));
        let kept: Vec<VaultEvent> = dropped
            .filter(|((_, sequence), _)| !doubtful.contains(sequence))
            .map(|(_, record)| record.event)
            .collect();
        self.chains.doubtful.retain(|(held, _)| *held != chain);
        self.chains.forks += 1;
        self.observations.push(Observation::Dropped { chain, sequence: first });
        self.next.insert(chain, first);
        for event in kept {
            self.event(chain, event);
        }
    }

    /// What validators report of the block: what was seen, then what is final.
    pub(crate) fn finish(mut self) -> Vec<Observation> {
        for (chain, next) in &self.next {
            let doubtful = self.chains.doubtful.iter().find(|(held, _)| held == chain);
            let end = doubtful.map_or(*next, |(_, sequence)| *sequence);
            let first = self.state.chains.find(*chain).map_or(end, |record| record.next_final);
            if first < end {
                self.observations.push(Observation::Final {
                    chain: *chain,
                    sequence: Sequence(end.0 - 1),
                    time: self.state.now(),
                    block: digest::block_in_process(*chain, self.state.now()),
                });
            }
        }
        self.observations
    }

    /// The number of a chain's next event: what the books expect, as long as they take what the chain does.
    fn next(&self, chain: ChainId) -> Sequence {
        let expected = || self.state.chains.find(chain).map_or(Sequence(1), |record| record.next_sequence);
        self.next.get(&chain).copied().unwrap_or_else(expected)
    }
}
