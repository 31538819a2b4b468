//! Lots that were under auction: what a script has seen of them, so that it can be asked for when the engine has closed them.
//!
//! - Kept here alone: the engine forgets a lot when nothing of it can change any more.
//! - Takes go by chain and number of their events: what a chain drops is taken off again.

use ballast_engine::Outcome;
use ballast_types::{ChainId, Event, LotId, Observation, OrderAction, Sequence, TaskId, Token, VaultEvent};
use ballast_units::Amount;
use std::collections::BTreeMap;

/// What was seen of every lot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lots {
    seen: BTreeMap<LotId, Seen>,
    takes: BTreeMap<(ChainId, Sequence), Take>,
}

#[derive(Clone, Copy, Debug)]
struct Take {
    lot: LotId,
    quantity: Amount,
    paid: Amount,
}

/// What was seen of a lot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// What, where; none where only parts of others went into it.
    pub(crate) token: Option<Token>,
    /// Whose it was.
    pub(crate) tasks: Vec<TaskId>,
    /// What its last auction had to bring, and by which order it was started.
    pub(crate) need: Amount,
    /// What went back to its owners.
    pub(crate) returned: Amount,
    /// What the reserve bought of it, and for how many dollars.
    pub(crate) bought: (Amount, Amount),
    /// Dollars paid before its last auction was ordered.
    paid_before: Amount,
}

impl Lots {
    /// What a block brought.
    pub(crate) fn observed(&mut self, observations: &[Observation]) {
        for observation in observations {
            match *observation {
                Observation::Seen {
                    chain,
                    sequence,
                    event: VaultEvent::Taken { lot, quantity, paid, .. },
                    ..
                } => {
                    self.takes.insert((chain, sequence), Take { lot, quantity, paid });
                }
                Observation::Dropped { chain, sequence } => {
                    self.takes.retain(|(of, at), _| *of != chain || *at < sequence);
                }
                Observation::Seen { .. } | Observation::Final { .. } => {}
            }
        }
    }

    /// What the engine made of it.
    pub(crate) fn came(&mut self, outcome: &Outcome) {
        for event in &outcome.events {
            match *event {
                Event::LotQueued { lot, task, token, .. } | Event::LotJoined { lot, task, token, .. } => {
                    let seen = self.seen.entry(lot).or_default();
                    seen.token = Some(token);
                    if !seen.tasks.contains(&task) {
                        seen.tasks.push(task);
                    }
                }
                Event::LotReturned { lot, quantity } => {
                    self.seen.entry(lot).or_default().returned += quantity
                }
                Event::LotBoughtByReserve { lot, quantity, paid } => {
                    let bought = &mut self.seen.entry(lot).or_default().bought;
                    *bought = (bought.0 + quantity, bought.1 + paid);
                }
                _ => {}
            }
        }
        for order in &outcome.orders {
            if let OrderAction::StartAuction { lot, auction, .. } = order.action {
                let (_, paid) = self.sold(lot);
                let seen = self.seen.entry(lot).or_default();
                (seen.need, seen.paid_before) = (auction.need, paid);
            }
        }
    }

    /// A lot that was seen.
    pub(crate) fn find(&self, lot: LotId) -> Option<&Seen> {
        self.seen.get(&lot)
    }

    /// What was taken of a lot, and the dollars due for it.
    pub(crate) fn sold(&self, lot: LotId) -> (Amount, Amount) {
        let takes = self.takes.values().filter(|take| take.lot == lot);
        takes.fold((Amount::ZERO, Amount::ZERO), |(quantity, paid), take| {
            (quantity + take.quantity, paid + take.paid)
        })
    }

    /// What its last auction did not bring of its need.
    pub(crate) fn unmet(&self, lot: LotId) -> Amount {
        let Some(seen) = self.find(lot) else { return Amount::ZERO };
        seen.need.saturating_sub(self.sold(lot).1.saturating_sub(seen.paid_before))
    }
}
