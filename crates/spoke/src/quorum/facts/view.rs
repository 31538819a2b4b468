//! A view: what one validator sees of a chain, as far as it differs from what is true.
//!
//! - Its reports are taken in by their numbers; those that come early wait.
//! - Where its events are the true ones only their last number is kept; the others stand here.
//! - What it takes back, it has not seen, and it has not named a final block with it.
//! - Keeps: at most [`EARLY_MOST`] reports and [`FINALS_MOST`] final blocks. Its own events have numbers up to [`BEYOND_MOST`]
//!   after the last true one, when they were reported.

use super::log::{Entry, Log};
use super::{FactError, Numbered};
use crate::quorum::FUTURE_MOST;
use ballast_types::{Hash, Observation, Sequence};
use ballast_units::Time;
use std::collections::{BTreeMap, VecDeque};

/// Reports ahead of a missing one that are kept.
const EARLY_MOST: u64 = 4_096;

/// How far beyond the last true event a number may be.
const BEYOND_MOST: u64 = 4_096;

/// Final blocks that are kept until a quorum is as far.
const FINALS_MOST: usize = 256;

/// A final block that a validator named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named {
    sequence: u64,
    time: Time,
    block: Hash,
}

/// What one validator sees of a chain.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// Number of the last report taken in.
    serial: u64,
    /// Reports that came early.
    early: BTreeMap<u64, Observation>,
    /// Its events up to here are the true ones.
    same_to: u64,
    /// Its other events: not true yet, or others than the true ones.
    own: BTreeMap<u64, Entry>,
    /// From here on it saw a drop, and nothing since.
    gone_from: Option<u64>,
    /// Ascending in sequence and time.
    finals: VecDeque<Named>,
}

impl View {
    /// A view that begins after the event `same_to`.
    pub(super) const fn new(same_to: u64) -> Self {
        Self {
            serial: 0,
            early: BTreeMap::new(),
            same_to,
            own: BTreeMap::new(),
            gone_from: None,
            finals: VecDeque::new(),
        }
    }

    /// Whether a report can be taken in by a validator's view; one that has none yet begins with 1.
    pub(super) fn check(
        view: Option<&Self>,
        report: &Numbered,
        log: &Log,
        now: Time,
    ) -> Result<(), FactError> {
        let (serial, next) = (report.serial, view.map_or(0, |view| view.serial) + 1);
        if serial < next || view.is_some_and(|view| view.early.contains_key(&serial)) {
            return Err(FactError::Repeated { serial, next });
        }
        if EARLY_MOST < serial - next {
            return Err(FactError::TooFarAhead { serial, next });
        }
        if let Observation::Final { time, .. } = report.observation
            && FUTURE_MOST < time.since(now)
        {
            return Err(FactError::FromTheFuture { time, now });
        }
        let limit = log.last() + BEYOND_MOST;
        match report.observation {
            Observation::Seen { sequence, .. } | Observation::Final { sequence, .. }
                if limit < sequence.0 =>
            {
                let (agreed, limit) = (Sequence(log.last()), Sequence(limit));
                Err(FactError::BeyondAgreed { sequence, agreed, limit })
            }
            // A drop leaves nothing behind, whatever its number.
            Observation::Seen { .. } | Observation::Final { .. } | Observation::Dropped { .. } => Ok(()),
        }
    }

    /// Takes in a checked report and those that waited for it.
    pub(super) fn report(&mut self, report: Numbered, log: &Log) {
        self.early.insert(report.serial, report.observation);
        while let Some(observation) = self.early.remove(&(self.serial + 1)) {
            self.serial += 1;
            match observation {
                Observation::Seen { sequence, version, event, .. } => {
                    self.see(sequence.0, (version, event), log);
                }
                Observation::Final { sequence, time, block, .. } => {
                    self.name(Named { sequence: sequence.0, time, block });
                }
                Observation::Dropped { sequence, .. } => {
                    self.cut(sequence.0, log);
                    self.gone_from = Some(sequence.0);
                }
            }
        }
    }

    fn see(&mut self, sequence: u64, entry: Entry, log: &Log) {
        if sequence < log.first() {
            // Long final: there is nothing to compare it with.
            return;
        }
        // What a drop took away is there again, up to this one.
        self.gone_from = self.gone_from.map(|first| first.max(sequence + 1));
        let before = if sequence <= self.same_to { log.get(sequence) } else { self.own.get(&sequence) };
        if before == Some(&entry) {
            return;
        }
        if before.is_some() {
            // Another branch: what followed in the old one is gone.
            self.cut(sequence, log);
        }
        self.own.insert(sequence, entry);
        self.follow(log);
    }

    /// Its events from `sequence` on are gone, and so are final blocks that had them.
    fn cut(&mut self, sequence: u64, log: &Log) {
        self.own.split_off(&sequence);
        // What is long final cannot be compared any more.
        let kept_to = sequence.max(log.first()) - 1;
        self.same_to = self.same_to.min(kept_to);
        while self.finals.pop_back_if(|named| sequence <= named.sequence).is_some() {}
    }

    fn name(&mut self, named: Named) {
        let older = |last: &Named| {
            named.sequence < last.sequence
                || named.time < last.time
                || (named.sequence, named.time) == (last.sequence, last.time)
        };
        if self.finals.back().is_some_and(older) {
            return;
        }
        self.finals.push_back(named);
        if FINALS_MOST < self.finals.len() {
            self.thin_out();
        }
    }

    /// Forgets one final block between two others that are near to each other. So the rest are spread evenly from where
    /// agreement goes on, at the oldest, to the newest, which says how far this validator is.
    fn thin_out(&mut self) {
        let gap = |at: &usize| self.finals[at + 1].time.since(self.finals[at - 1].time);
        let dense = (1..self.finals.len() - 1).min_by_key(gap).expect("there are three");
        self.finals.remove(dense);
    }

    /// Goes on to where its events are not the true ones.
    pub(super) fn follow(&mut self, log: &Log) {
        while let Some(entry) = self.own.first_entry().filter(|own| *own.key() == self.same_to + 1)
            && log.get(self.same_to + 1) == Some(entry.get())
        {
            entry.remove();
            self.same_to += 1;
        }
    }

    /// The first true event that it contradicts: it has something else there, or nothing any more.
    pub(super) fn against(&self, log: &Log) -> Option<u64> {
        let next = self.same_to + 1;
        let gone = || self.gone_from.is_some_and(|first| first <= next);
        (next <= log.last() && (self.own.contains_key(&next) || gone())).then_some(next)
    }

    /// The event after the last true one, where its events before that are the true ones.
    pub(super) fn next(&self, log: &Log) -> Option<&Entry> {
        let last = log.last();
        if self.same_to == last { self.own.get(&(last + 1)) } else { None }
    }

    /// True events after `last` are not true any more: those that it has stay its own.
    pub(super) fn keep_after(&mut self, last: u64, log: &Log) {
        if last < self.same_to {
            self.own.extend(log.range(last + 1, self.same_to));
            self.same_to = last;
        }
    }

    /// The last event up to which its events are true ones and, by what it named, final.
    pub(super) fn final_to(&self) -> u64 {
        self.finals.back().map_or(0, |named| named.sequence.min(self.same_to))
    }

    /// The last time by which it saw no events but the first `sequence` true ones, or fewer.
    pub(super) fn complete_to(&self, sequence: u64) -> Option<Time> {
        let sequence = sequence.min(self.same_to);
        let after = self.finals.partition_point(|named| named.sequence <= sequence);
        self.finals.get(after.checked_sub(1)?).map(|named| named.time)
    }

    /// The hash that it named for a final block, where its events up to there are the true ones.
    pub(super) fn block_at(&self, sequence: u64, time: Time) -> Option<Hash> {
        let place = (sequence, time);
        let at = self.finals.binary_search_by_key(&place, |named| (named.sequence, named.time)).ok()?;
        self.finals.get(at).filter(|_| sequence <= self.same_to).map(|named| named.block)
    }

    /// Events up to some number are final, and time is final up to `time`: forgets what cannot matter any more.
    pub(super) fn finalise(&mut self, time: Time, log: &Log) {
        if self.same_to + 1 < log.first() {
            self.same_to = log.first() - 1;
            self.own = self.own.split_off(&log.first());
            self.follow(log);
        }
        // The last one says how far its events are final.
        while 1 < self.finals.len() && self.finals.front().is_some_and(|named| named.time <= time) {
            self.finals.pop_front();
        }
    }

    pub(super) fn kept(&self) -> usize {
        self.early.len() + self.own.len() + self.finals.len()
    }
}
