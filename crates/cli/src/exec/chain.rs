//! The chains of a script: every order is carried out at once, every event is safe and final at once, unless a
//! deposit was given as not final. Then its chain is final only up to there.

use ballast_engine::State;
use ballast_engine::liquidation::LotStage;
use ballast_types::{Auction, ChainId, Hash, LotId, Observation, Order, OrderAction, Sequence, VaultEvent};
use ballast_units::Time;
use std::collections::{BTreeMap, BTreeSet};

use super::names;

/// All chains of a script.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    /// Auctions that run.
    offers: BTreeMap<LotId, Offer>,
    /// Deposits that were given as not final.
    doubtful: BTreeSet<(ChainId, Sequence)>,
    /// Branches so far; an event on another branch is in another block.
    forks: u64,
}

/// An auction that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    /// Where.
    pub(crate) chain: ChainId,
    /// Its terms.
    pub(crate) auction: Auction,
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

    /// Forgets what the books did not take: auctions of lots that are not offered any more (sold, covered or
    /// returned), deposits that were refused.
    pub(crate) fn settle(&mut self, state: &State) {
        self.doubtful.retain(|(chain, sequence)| {
            state.chains.find(*chain).is_some_and(|record| *sequence < record.next_sequence)
        });
        self.offers.retain(|lot, _| {
            let stage = state.lots.find(*lot).map(|record| record.stage);
            matches!(stage, Some(LotStage::Offered(_) | LotStage::Ending { .. }))
        });
    }
}

impl Events<'_> {
    /// Observations so far.
    pub(crate) fn len(&self) -> usize {
        self.observations.len()
    }

    /// An auction that runs.
    pub(crate) fn offer(&self, lot: LotId) -> Option<Offer> {
        self.chains.offers.get(&lot).copied()
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

    /// Carries out orders, after the auctions that have brought in what they were for have ended.
    pub(crate) fn carry_out(&mut self, orders: &[Order]) {
        let state = self.state;
        let is_covered = |lot: &LotId, offer: &Offer| {
            state.lots.find(*lot).is_some_and(|record| offer.auction.need <= record.sold)
        };
        let covered = self.chains.offers.iter().filter(|(lot, offer)| is_covered(lot, offer));
        for lot in covered.map(|(lot, _)| *lot).collect::<Vec<_>>() {
            self.expire(lot);
        }
        for order in orders {
            self.order(order);
        }
    }

    fn order(&mut self, order: &Order) {
        match order.action {
            OrderAction::Release { .. } => {
                self.event(order.chain, VaultEvent::Executed { nonce: order.nonce })
            }
            OrderAction::StartAuction { lot, asset: _, auction } => {
                self.chains.offers.insert(lot, Offer { chain: order.chain, auction });
            }
            // One that has ended by itself has told so already.
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

    /// Ends an auction, where it runs.
    pub(crate) fn expire(&mut self, lot: LotId) -> Option<()> {
        let offer = self.chains.offers.remove(&lot)?;
        self.event(offer.chain, VaultEvent::Ended { lot, result: Hash::default() });
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
                    time: Time::default(),
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
