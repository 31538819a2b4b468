//! Faults of chains, drawn from a seed: the same seed breaks the same things at the same times.
//!
//! - [`Faults`]: reorgs, halts and dear, slow hours of one chain.
//! - [`Feed`]: what a chain tells, as it reaches the hub through one validator: late, twice, out of order.
//! - [`Draws`]: integers from keccak-256, the same on every machine.

use crate::quorum::Numbered;
use crate::{Conditions, Fork, Reorg, SimChain};
use ballast_types::digest::keccak;
use ballast_types::{Hash, Observation};
use ballast_units::{Amount, Bps, Millis, Time};
use std::collections::BTreeMap;

/// A stream of draws.
#[derive(Clone, Debug)]
pub struct Draws {
    key: Hash,
    drawn: u64,
}

impl Draws {
    /// The stream that a number and a name stand for.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        Self { key: keccak(&[b"ballast faults", &seed.to_be_bytes(), name.as_bytes()]), drawn: 0 }
    }

    /// Uniform over all 64-bit numbers.
    pub fn bits(&mut self) -> u64 {
        self.drawn += 1;
        let hash = keccak(&[&self.key.0, &self.drawn.to_be_bytes()]);
        let (first, _) = hash.0.split_first_chunk::<8>().expect("a hash has 32 bytes");
        u64::from_be_bytes(*first)
    }

    /// One of `low..=high`, but for one part in 2^32 or less uniform; `low` where there is no other.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        match high.saturating_sub(low).checked_add(1) {
            Some(width) => low + self.bits() % width,
            None => self.bits(),
        }
    }

    /// Whether something of this share happens.
    pub fn chance(&mut self, share: Bps) -> bool {
        self.bits() % 10_000 < u64::from(share.get())
    }
}

/// How often what goes wrong on a chain. A pause of zero: never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultTerms {
    /// Mean time between two reorgs.
    pub reorg_every: Millis,
    /// Least and most blocks that one drops.
    pub reorg_depth: [u64; 2],
    /// Share of dropped transactions that is never included again.
    pub lost: Bps,
    /// Share of dropped transactions that is included after the head only.
    pub late: Bps,
    /// Mean time between two halts.
    pub halt_every: Millis,
    /// Longest halt.
    pub halt_most: Millis,
    /// Mean time between two spikes of gas.
    pub spike_every: Millis,
    /// Longest spike.
    pub spike_most: Millis,
    /// Gas, bridge cost and inclusion time are so many times as much in one.
    pub spike_times: u64,
}

impl FaultTerms {
    /// Nothing ever goes wrong.
    pub const NONE: Self = Self {
        reorg_every: Millis::ZERO,
        reorg_depth: [0, 0],
        lost: Bps::new(0),
        late: Bps::new(0),
        halt_every: Millis::ZERO,
        halt_most: Millis::ZERO,
        spike_every: Millis::ZERO,
        spike_most: Millis::ZERO,
        spike_times: 1,
    };
}

/// What happened to a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Blocks were dropped.
    Reorged(Reorg),
    /// No block until then.
    Halted(Time),
    /// Gas is dear until then.
    Spiked(Time),
}

/// What goes wrong on one chain, and when.
#[derive(Clone, Debug)]
pub struct Faults {
    terms: FaultTerms,
    draws: Draws,
    reorg: Option<Time>,
    halt: Option<Time>,
    spike: Option<Time>,
    spike_until: Option<Time>,
}

impl Faults {
    /// The faults of the chain called `name`, from `start` on.
    #[must_use]
    pub fn new(seed: u64, name: &str, terms: FaultTerms, start: Time) -> Self {
        let mut draws = Draws::new(seed, name);
        let mut first = |every| next(&mut draws, start, every);
        let (reorg, halt, spike) =
            (first(terms.reorg_every), first(terms.halt_every), first(terms.spike_every));
        Self { terms, draws, reorg, halt, spike, spike_until: None }
    }

    /// Breaks whatever is due by `now`, which is the chain's own time; tells what. `usual` is what sending takes
    /// outside of spikes.
    pub fn act(&mut self, chain: &mut SimChain, usual: Conditions, now: Time) -> Vec<Fault> {
        let mut faults = Vec::new();
        let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        if is_due(self.spike) {
            let until = now.after(Millis::new(self.draws.between(1, self.terms.spike_most.get())));
            self.spike_until = Some(until);
            self.spike = next(&mut self.draws, until, self.terms.spike_every);
            faults.push(Fault::Spiked(until));
        }
        if is_due(self.spike_until) {
            self.spike_until = None;
        }
        let times = if self.spike_until.is_some() { self.terms.spike_times } else { 1 };
        chain.set_conditions(dearer(usual, times));
        if is_due(self.reorg) {
            let [low, high] = self.terms.reorg_depth;
            let depth = self.draws.between(low, high);
            let seed = self.draws.bits();
            let FaultTerms { lost, late, .. } = self.terms;
            faults.push(Fault::Reorged(chain.reorg(Fork { depth, lost, late, seed })));
            self.reorg = next(&mut self.draws, now, self.terms.reorg_every);
        }
        if is_due(self.halt) {
            let until = now.after(Millis::new(self.draws.between(1, self.terms.halt_most.get())));
            chain.halt(until);
            self.halt = next(&mut self.draws, until, self.terms.halt_every);
            faults.push(Fault::Halted(until));
        }
        faults
    }
}

/// A time after `from`, `every` later on average; never where that is zero.
fn next(draws: &mut Draws, from: Time, every: Millis) -> Option<Time> {
    let twice = every.get().saturating_mul(2);
    (!every.is_zero()).then(|| from.after(Millis::new(draws.between(1, twice))))
}

/// The same so many times as dear and slow.
fn dearer(usual: Conditions, times: u64) -> Conditions {
    let dear = |amount: Amount| Amount::from_wei(amount.wei().saturating_mul(u128::from(times)));
    Conditions {
        block_time: usual.block_time,
        inclusion: Millis::new(usual.inclusion.get().saturating_mul(times)),
        gas_order: dear(usual.gas_order),
        gas_take: dear(usual.gas_take),
        bridge: dear(usual.bridge),
    }
}

/// How a validator's reports travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedTerms {
    /// Longest delay; each report has its own, so that they overtake each other.
    pub delay_most: Millis,
    /// Share of reports that comes twice.
    pub twice: Bps,
}

/// What one validator saw on a chain, on its way to the others.
#[derive(Clone, Debug)]
pub struct Feed {
    terms: FeedTerms,
    draws: Draws,
    numbered: u64,
    travelling: BTreeMap<(Time, u64, u64), Numbered>,
}

impl Feed {
    /// The feed of the validator called `name`.
    #[must_use]
    pub fn new(seed: u64, name: &str, terms: FeedTerms) -> Self {
        Self { terms, draws: Draws::new(seed, name), numbered: 0, travelling: BTreeMap::new() }
    }

    /// Numbers what a chain told at `now` and sends it off.
    pub fn send(&mut self, observations: &[Observation], now: Time) {
        for observation in observations {
            self.numbered += 1;
            let report = Numbered { serial: self.numbered, observation: *observation };
            let copies = if self.draws.chance(self.terms.twice) { 2 } else { 1 };
            for _ in 0..copies {
                let arrival = now.after(Millis::new(self.draws.between(0, self.terms.delay_most.get())));
                let place = self.draws.bits();
                self.travelling.insert((arrival, place, self.numbered), report);
            }
        }
    }

    /// What has arrived by `now`, in the order of arrival.
    pub fn arrived(&mut self, now: Time) -> Vec<Numbered> {
        let mut arrived = Vec::new();
        while let Some(entry) = self.travelling.first_entry().filter(|entry| entry.key().0 <= now) {
            arrived.push(entry.remove());
        }
        arrived
    }
}
