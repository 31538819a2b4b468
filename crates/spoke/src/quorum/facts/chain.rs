//! One chain: its validators' views, and what they agree on.
//!
//! - Costs: taking in a report, about the logarithm of what its view keeps; agreeing, a look at each view and at each event
//!   that is new. Events that wait for their finality are not gone through.

use super::log::{Entry, Log};
use super::view::View;
use super::{FactError, Numbered};
use ballast_types::{ChainId, Hash, Observation, Sequence, Signer};
use ballast_units::Time;
use std::collections::BTreeMap;

/// One chain, as each validator sees it and as they agree.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    contract: Hash,
    views: BTreeMap<Signer, View>,
    /// Everything that is true.
    log: Log,
    final_sequence: u64,
    final_time: Time,
    /// Events up to here whoever reports for the first time need not report: those before the last final one, whose version
    /// says which chain it stands in, and those of an older vault.
    begins_after: u64,
    /// Something was reported since the last agreement.
    stirred: bool,
}

impl Chain {
    pub(super) const fn new(contract: Hash) -> Self {
        Self {
            contract,
            views: BTreeMap::new(),
            log: Log::new(),
            final_sequence: 0,
            final_time: Time::ZERO,
            begins_after: 0,
            stirred: false,
        }
    }

    pub(super) const fn contract(&self) -> Hash {
        self.contract
    }

    pub(super) fn report(&mut self, validator: Signer, report: Numbered, now: Time) -> Result<(), FactError> {
        View::check(self.views.get(&validator), &report, &self.log, now)?;
        let view = self.views.entry(validator).or_insert_with(|| View::new(self.begins_after));
        view.report(report, &self.log);
        self.stirred = true;
        Ok(())
    }

    /// Reports begin anew, from another contract.
    pub(super) fn repin(&mut self, contract: Hash) {
        self.contract = contract;
        self.views.clear();
        self.begins_after = self.log.last();
    }

    pub(super) fn rotate(&mut self, validators: &[Signer]) {
        self.views.retain(|validator, _| validators.binary_search(validator).is_ok());
        // The quorum may be a smaller one now.
        self.stirred = true;
    }

    pub(super) fn agree(&mut self, chain: ChainId, need: usize, of: usize, agreed: &mut Vec<Observation>) {
        if !std::mem::take(&mut self.stirred) {
            return;
        }
        if let Some(first) = self.first_dropped(need) {
            self.drop_from(first);
            agreed.push(Observation::Dropped { chain, sequence: Sequence(first) });
        }
        while let Some((version, event)) = self.next(need) {
            self.log.push((version, event));
            for view in self.views.values_mut() {
                view.follow(&self.log);
            }
            agreed.push(Observation::Seen { chain, sequence: Sequence(self.log.last()), version, event });
        }
        let (sequence, time) = self.next_final(need);
        if (sequence, time) != (self.final_sequence, self.final_time) {
            let block = self.block_at(sequence, time, of - need);
            self.finalise(sequence, time);
            agreed.push(Observation::Final { chain, sequence: Sequence(sequence), time, block });
        }
    }

    pub(super) fn kept_of(&self, validator: Signer) -> usize {
        self.views.get(&validator).map_or(0, View::kept)
    }

    /// The first true event, not final, that enough views contradict. Who contradicts an event contradicts all that follow.
    fn first_dropped(&self, need: usize) -> Option<u64> {
        let against = self.views.values().filter_map(|view| view.against(&self.log));
        let mut against: Vec<u64> = against.map(|first| first.max(self.final_sequence + 1)).collect();
        against.sort_unstable();
        against.get(need - 1).copied().filter(|first| *first <= self.log.last())
    }

    fn drop_from(&mut self, first: u64) {
        for view in self.views.values_mut() {
            view.keep_after(first - 1, &self.log);
        }
        self.log.cut_after(first - 1);
        self.begins_after = self.begins_after.min(first - 1);
    }

    /// The event that enough views see next.
    fn next(&self, need: usize) -> Option<Entry> {
        let entries: Vec<&Entry> = self.views.values().filter_map(|view| view.next(&self.log)).collect();
        // One that enough have is among the first of so many.
        let tried = (entries.len() + 1).checked_sub(need)?;
        let same = |one: &Entry| entries.iter().filter(|other| **other == one).count();
        entries.iter().take(tried).find(|one| need <= same(one)).map(|one| **one)
    }

    /// How far enough views are final: the last event, and the last time by which there is no other.
    fn next_final(&self, need: usize) -> (u64, Time) {
        let sequence = nth_highest(self.views.values().map(View::final_to), need);
        let sequence = sequence.unwrap_or(0).max(self.final_sequence);
        let time = nth_highest(self.views.values().filter_map(|view| view.complete_to(sequence)), need);
        (sequence, time.unwrap_or(Time::ZERO).max(self.final_time))
    }

    /// The hash that most named for a final block, the lowest of several; zero where no more than `lying` named it.
    fn block_at(&self, sequence: u64, time: Time, lying: usize) -> Hash {
        let mut named: BTreeMap<Hash, usize> = BTreeMap::new();
        for block in self.views.values().filter_map(|view| view.block_at(sequence, time)) {
            *named.entry(block).or_default() += 1;
        }
        let most = named.into_iter().rev().max_by_key(|(_, count)| *count);
        most.filter(|(_, count)| lying < *count).map_or(Hash::default(), |(block, _)| block)
    }

    fn finalise(&mut self, sequence: u64, time: Time) {
        (self.final_sequence, self.final_time) = (sequence, time);
        self.begins_after = self.begins_after.max(sequence.saturating_sub(1));
        self.log.finalise(sequence);
        for view in self.views.values_mut() {
            view.finalise(time, &self.log);
        }
    }
}

/// The highest that `need` are not below.
fn nth_highest<T: Ord + Copy>(values: impl Iterator<Item = T>, need: usize) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable_by(|one, other| other.cmp(one));
    values.get(need - 1).copied()
}
