//! When the blocks of a chain in this process come: one a block time, and none while the chain halts.

use ballast_units::{Millis, Time};
use std::collections::BTreeMap;

/// Times of blocks, from 0.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    block_time: Millis,
    /// First block of each stretch without a halt, and its time.
    stretches: BTreeMap<u64, Time>,
}

impl Clock {
    pub(super) fn new(start: Time, block_time: Millis) -> Self {
        assert!(!block_time.is_zero(), "a chain whose blocks take no time");
        Self { block_time, stretches: [(0, start)].into() }
    }

    pub(super) const fn block_time(&self) -> Millis {
        self.block_time
    }

    /// No block after `now` before `until`; then they go on, numbered on.
    pub(super) fn halt(&mut self, now: Time, until: Time) {
        let next = self.at(now) + 1;
        let natural = self.time(next);
        self.stretches.insert(next, natural.max(until));
        // Later stretches were laid out before this halt: what they put off is put off by it too.
        let later: Vec<u64> = self.stretches.range(next + 1..).map(|(first, _)| *first).collect();
        for first in later {
            self.stretches.remove(&first);
        }
    }

    /// The last block at `time`.
    pub(super) fn at(&self, time: Time) -> u64 {
        let stretch = self.stretches.iter().rev().find(|(_, start)| **start <= time);
        let Some((first, start)) = stretch else { return 0 };
        let block = first + time.since(*start).get() / self.block_time.get();
        match self.stretches.range(first + 1..).next() {
            Some((next, _)) => block.min(next - 1),
            None => block,
        }
    }

    /// The first block at `time` or later.
    pub(super) fn from(&self, time: Time) -> u64 {
        let last = self.at(time);
        if time <= self.time(last) { last } else { last + 1 }
    }

    pub(super) fn time(&self, block: u64) -> Time {
        let (first, start) =
            self.stretches.range(..=block).next_back().expect("the first stretch begins at 0");
        start.after(Millis::new((block - first) * self.block_time.get()))
    }
}
