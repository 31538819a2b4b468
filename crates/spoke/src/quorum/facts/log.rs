//! The true events of a chain: those that are not final, and before them the last final ones.
//!
//! - Why final ones: who reports late is compared with them, so that its word counts once it is seen to be right.
//! - Keeps: numbers without gaps; at most [`FINAL_MOST`] final events.

use ballast_types::{Hash, VaultEvent};
use std::collections::VecDeque;

/// Final events that are kept for those who report late.
const FINAL_MOST: u64 = 4_096;

/// An event with its version.
pub(super) type Entry = (Hash, VaultEvent);

/// True events.
#[derive(Clone, Debug)]
pub(super) struct Log {
    /// Number of the first that is kept; where none is, of the next.
    first: u64,
    entries: VecDeque<Entry>,
}

impl Log {
    pub(super) const fn new() -> Self {
        Self { first: 1, entries: VecDeque::new() }
    }

    /// Number of the first that is kept.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// Number of the last one; before the first, 0.
    pub(super) fn last(&self) -> u64 {
        self.first + u64::try_from(self.entries.len()).expect("a count of events") - 1
    }

    pub(super) fn get(&self, sequence: u64) -> Option<&Entry> {
        let at = sequence.checked_sub(self.first)?;
        self.entries.get(usize::try_from(at).ok()?)
    }

    /// Those from one number to another, with their numbers.
    pub(super) fn range(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, Entry)> {
        (from..=to).filter_map(|sequence| self.get(sequence).map(|entry| (sequence, *entry)))
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.entries.push_back(entry);
    }

    /// Takes off those after `last`.
    pub(super) fn cut_after(&mut self, last: u64) {
        let kept = (last + 1).saturating_sub(self.first);
        self.entries.truncate(usize::try_from(kept).expect("a count of events"));
    }

    /// Events up to `sequence` are final: forgets the oldest of them.
    pub(super) fn finalise(&mut self, sequence: u64) {
        while self.first + FINAL_MOST <= sequence {
            self.entries.pop_front().expect("final events are told");
            self.first += 1;
        }
    }
}
