//! A validator that lies now and then about what a chain did, and takes it back later, as one whose endpoint is put right.
//!
//! - Events: of another amount, result or block. Drops: one that was not, or none where there was one.
//! - Finality: too early, of another block, of the far future.
//! - What it said of events it takes back soon after: it tells of a drop, and of what is there.

use crate::seed::Stream;
use ballast_types::digest::keccak;
use ballast_types::{ChainId, Observation, Sequence, VaultEvent};
use ballast_units::{Amount, Millis, Time};
use std::collections::BTreeMap;

/// So far in the future is a block that will not come.
pub(super) const FAR: Millis = Millis::hours(1);

/// What a liar knows of a chain, and where it did not tell the truth.
#[derive(Debug, Default)]
pub(super) struct Liar {
    /// Events that are not final, and those since it lied, as they are.
    events: BTreeMap<Sequence, Observation>,
    /// The last event, as it is.
    last: Sequence,
    /// From here on it said something else.
    false_from: Option<Sequence>,
}

impl Liar {
    /// What it says where its chain told this at `now`, if `share` ten thousandths of that are lies.
    pub(super) fn say(
        &mut self,
        told: &[Observation],
        share: u32,
        now: Time,
        draws: &mut Stream,
    ) -> Vec<Observation> {
        let mut said = Vec::new();
        for observation in told {
            self.take_back(observation, draws, &mut said);
            self.learn(observation);
            if draws.chance(u64::from(share)) {
                self.lie(observation, now, draws, &mut said);
            } else {
                said.push(*observation);
            }
        }
        said
    }

    /// Every other time what was false is so no more, before the next that it says.
    fn take_back(&mut self, next: &Observation, draws: &mut Stream, said: &mut Vec<Observation>) {
        let Some(sequence) = self.false_from.filter(|_| draws.below(2) == 0) else { return };
        self.false_from = None;
        said.push(Observation::Dropped { chain: chain_of(next), sequence });
        said.extend(self.events.range(sequence..).map(|(_, event)| *event));
    }

    fn learn(&mut self, observation: &Observation) {
        match *observation {
            Observation::Seen { sequence, .. } => {
                self.events.insert(sequence, *observation);
                self.last = sequence;
            }
            Observation::Dropped { sequence, .. } => {
                self.events.split_off(&sequence);
                self.last = Sequence(sequence.0.saturating_sub(1));
            }
            Observation::Final { sequence, .. } => {
                let next = Sequence(sequence.0.saturating_add(1));
                self.events = self.events.split_off(&self.false_from.map_or(next, |first| first.min(next)));
            }
        }
    }

    fn lied_from(&mut self, sequence: Sequence) {
        self.false_from = Some(self.false_from.map_or(sequence, |first| first.min(sequence)));
    }

    fn lie(&mut self, truth: &Observation, now: Time, draws: &mut Stream, said: &mut Vec<Observation>) {
        match *truth {
            Observation::Seen { chain, sequence, .. } => {
                self.lied_from(sequence);
                // Not there at all, or another one.
                if draws.below(4) == 0 {
                    said.extend([*truth, Observation::Dropped { chain, sequence }]);
                } else {
                    said.push(bent(*truth));
                }
            }
            // It keeps to the old branch.
            Observation::Dropped { sequence, .. } => self.lied_from(sequence),
            Observation::Final { chain, sequence, time, block } => said.push(match draws.below(3) {
                0 => Observation::Final { chain, sequence: self.last, time: now, block },
                1 => Observation::Final { chain, sequence, time, block: keccak(&[&block.0]) },
                _ => Observation::Final { chain, sequence, time: now.after(FAR), block },
            }),
        }
    }
}

/// What is refused for being of the future it says again, of a block of now.
pub(super) fn of_now(observation: Observation, now: Time) -> Observation {
    match observation {
        Observation::Final { chain, sequence, block, .. } => {
            Observation::Final { chain, sequence, time: now, block }
        }
        Observation::Seen { .. } | Observation::Dropped { .. } => observation,
    }
}

fn chain_of(observation: &Observation) -> ChainId {
    match *observation {
        Observation::Seen { chain, .. }
        | Observation::Final { chain, .. }
        | Observation::Dropped { chain, .. } => chain,
    }
}

/// Another amount, another result, another block.
fn bent(observation: Observation) -> Observation {
    let twice = |amount: Amount| amount + amount;
    match observation {
        Observation::Seen { chain, sequence, version, event } => {
            let event = match event {
                VaultEvent::Deposited { owner, asset, amount } => {
                    VaultEvent::Deposited { owner, asset, amount: twice(amount) }
                }
                VaultEvent::Ended { lot, .. } => VaultEvent::Ended { lot, result: version },
                VaultEvent::Taken { lot, taker, quantity, rebate, .. } => {
                    VaultEvent::Taken { lot, taker, quantity, paid: Amount::ZERO, rebate }
                }
                other => other,
            };
            let version = keccak(&[&version.0]);
            Observation::Seen { chain, sequence, version, event }
        }
        other => other,
    }
}
