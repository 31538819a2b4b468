//! The chain as far as it can still change, and what the hub has been told of it. No network here.
//!
//! - A line of blocks, each the child of the one before; the first is final.
//! - Vaults: a block in which one hands over names its successor, whose facts count from there on. Where the block is taken
//!   off, so is the successor.
//! - Told: what is safe, once, in order of the vault's numbers; dropped, when the chain dropped what was told.
//! - Keeps: I06. A number is told again only after it was dropped.

use alloy::primitives::Address;
use ballast_types::{ChainId, Hash, Observation, Sequence, VaultEvent};
use ballast_units::Time;
use std::collections::{BTreeMap, VecDeque};

/// A block, with the events in it of the vault that is the chain's then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) number: u64,
    pub(super) hash: Hash,
    pub(super) parent: Hash,
    pub(super) time: Time,
    /// In order, by the vault's numbers.
    pub(super) events: Vec<(Sequence, VaultEvent)>,
    /// Vaults that took over in it, in order.
    pub(super) moved: Vec<Address>,
}

/// Blocks from the last final one to the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    links: VecDeque<Link>,
    /// The vault's last number at the first link, its own events counted.
    base_sequence: u64,
    /// The chain's vaults up to and in the first link, the present one last. Never empty.
    base_vaults: Vec<Address>,
}

/// What cannot follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("block {number} does not follow its parent")]
    Parent { number: u64 },
    #[error("event {have} of the vault comes where {need} should")]
    Sequence { have: u64, need: u64 },
}

impl Line {
    /// A line of one final block. `base_sequence`: the vault's last number up to and in that block; `base_vaults`: the chain's
    /// vaults by then, one at least.
    pub(super) fn new(base: Link, base_sequence: u64, base_vaults: Vec<Address>) -> Self {
        Self { links: [base].into(), base_sequence, base_vaults }
    }

    pub(super) fn base(&self) -> &Link {
        self.links.front().expect("a line has a block")
    }

    pub(super) fn tip(&self) -> &Link {
        self.links.back().expect("a line has a block")
    }

    /// The vault's last number.
    pub(super) fn sequence(&self) -> u64 {
        let last = self.links.iter().skip(1).rev().find_map(|link| link.events.last());
        last.map_or(self.base_sequence, |(sequence, _)| sequence.0)
    }

    /// The vault's last number in blocks up to `number`.
    pub(super) fn sequence_at(&self, number: u64) -> u64 {
        let up_to = self.links.iter().skip(1).rev().filter(|link| link.number <= number);
        up_to.flat_map(|link| link.events.last()).next().map_or(self.base_sequence, |(last, _)| last.0)
    }

    /// The chain's vault at the tip.
    pub(super) fn vault(&self) -> Address {
        let last = self.links.iter().skip(1).rev().find_map(|link| link.moved.last());
        *last.or(self.base_vaults.last()).expect("a chain has a vault")
    }

    /// The chain's vaults in blocks up to `number`, the last one last.
    pub(super) fn vaults_at(&self, number: u64) -> Vec<Address> {
        let up_to = self.links.iter().skip(1).filter(|link| link.number <= number);
        self.base_vaults.iter().chain(up_to.flat_map(|link| &link.moved)).copied().collect()
    }

    /// A block of the line; none between final ones that were read in one go.
    pub(super) fn get(&self, number: u64) -> Option<&Link> {
        let place = self.links.binary_search_by_key(&number, |link| link.number).ok()?;
        self.links.get(place)
    }

    /// Takes the last block off; the base stays.
    pub(super) fn pop(&mut self) -> Option<Link> {
        if self.links.len() == 1 { None } else { self.links.pop_back() }
    }

    pub(super) fn push(&mut self, link: Link) -> Result<(), Broken> {
        let tip = self.tip();
        if link.parent != tip.hash || link.number != tip.number + 1 {
            return Err(Broken::Parent { number: link.number });
        }
        self.push_final(link)
    }

    /// Appends a final block, which cannot change any more: those between it and the last one hold no event.
    pub(super) fn push_final(&mut self, link: Link) -> Result<(), Broken> {
        if link.number <= self.tip().number {
            return Err(Broken::Parent { number: link.number });
        }
        for ((sequence, _), need) in link.events.iter().zip(self.sequence() + 1..) {
            if sequence.0 != need {
                return Err(Broken::Sequence { have: sequence.0, need });
            }
        }
        self.links.push_back(link);
        Ok(())
    }

    /// Forgets blocks before `number`, which is final.
    pub(super) fn forget(&mut self, number: u64) {
        self.base_sequence = self.sequence_at(number);
        self.base_vaults = self.vaults_at(number);
        while self.base().number < number && 1 < self.links.len() {
            self.links.pop_front();
        }
        // Counted in the base from here on.
        let base = self.links.front_mut().expect("a line has a block");
        base.events.clear();
        base.moved.clear();
    }

    fn events(&self) -> impl Iterator<Item = (&Link, Sequence, VaultEvent)> {
        self.links.iter().flat_map(|link| link.events.iter().map(move |(seq, event)| (link, *seq, *event)))
    }
}

/// What the hub has been told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Seen and not final, by number, with their blocks.
    seen: BTreeMap<Sequence, Hash>,
    /// The last number ever told and not dropped.
    last: Sequence,
    /// The last final block told of.
    final_block: Option<u64>,
}

impl Told {
    /// Everything up to `sequence` was told as final before, and after it `seen`.
    pub(super) fn up_to(sequence: Sequence, final_block: u64, seen: &[(Sequence, Hash)]) -> Self {
        let seen: BTreeMap<Sequence, Hash> = seen.iter().copied().collect();
        let last = seen.last_key_value().map_or(sequence, |(last, _)| *last);
        Self { seen, last, final_block: Some(final_block) }
    }

    /// Told and not final.
    pub(super) fn seen(&self) -> impl Iterator<Item = (Sequence, Hash)> {
        self.seen.iter().map(|(sequence, version)| (*sequence, *version))
    }

    /// What there is to tell of `line`, where blocks up to `safe` are safe and up to `final_` final.
    pub(super) fn tell(&mut self, chain: ChainId, line: &Line, safe: u64, final_: u64) -> Vec<Observation> {
        let mut told = Vec::new();
        let now: BTreeMap<Sequence, Hash> =
            line.events().map(|(link, sequence, _)| (sequence, link.hash)).collect();
        let dropped = self.seen.iter().find(|(sequence, version)| now.get(sequence) != Some(version));
        if let Some(sequence) = dropped.map(|(sequence, _)| *sequence) {
            told.push(Observation::Dropped { chain, sequence });
            self.seen.split_off(&sequence);
            self.last = Sequence(sequence.0 - 1);
        }
        for (link, sequence, event) in line.events() {
            if safe.max(final_) < link.number {
                break;
            }
            if self.last < sequence {
                told.push(Observation::Seen { chain, sequence, version: link.hash, event });
                self.seen.insert(sequence, link.hash);
                self.last = sequence;
            }
        }
        let link = line.get(final_).filter(|_| self.final_block.is_none_or(|block| block < final_));
        if let Some(link) = link {
            let sequence = Sequence(line.sequence_at(final_));
            told.push(Observation::Final { chain, sequence, time: link.time, block: link.hash });
            self.final_block = Some(final_);
            self.seen = self.seen.split_off(&Sequence(sequence.0 + 1));
        }
        told
    }
}
