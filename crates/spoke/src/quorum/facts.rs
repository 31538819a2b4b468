//! Facts: what validators say that a chain did. The same bytes by enough of them are true.
//!
//! - A validator numbers its reports of a chain; one that comes twice counts once, one that comes early waits for those
//!   before it. So each validator's view of a chain is what its endpoint told, in that order, however it travelled.
//! - An event is true when enough views have the same event with the same version at its number, and every event before
//!   it is true; it is dropped when as many views have something else there, or nothing any more.
//! - A final block is true when enough validators named the same one, and every event up to it is true.
//! - Keeps: what is told is a sequence that a vault can have: numbers without gaps, nothing final dropped, whatever
//!   fewer than a quorum say (I06).

use crate::certificate::{ValidatorSet, quorum};
use ballast_types::{ChainId, Hash, Observation, Sequence, Signer, VaultEvent};
use ballast_units::Time;
use std::collections::{BTreeMap, VecDeque};

/// Reports ahead of a missing one that are kept for each validator and chain.
const AHEAD_MOST: u64 = 4_096;

/// Final blocks of a validator that are kept until a quorum names one of them.
const FINALS_MOST: usize = 256;

/// A validator's report, with its number among those of this validator about this chain, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its number.
    pub serial: u64,
    /// What the validator's endpoint told.
    pub observation: Observation,
}

/// Why a report was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// Not of the set.
    #[error("{0} is not a validator")]
    UnknownValidator(Signer),
    /// No vault of ours is there.
    #[error("chain {} is not known", .0.0)]
    UnknownChain(ChainId),
    /// Read from another contract than the one that is pinned for the chain.
    #[error("chain {}: read from {have}, pinned is {want}", .chain.0)]
    UnknownContract {
        /// The chain.
        chain: ChainId,
        /// Domain of the contract that was read.
        have: Hash,
        /// Domain of the vault.
        want: Hash,
    },
    /// Taken in before.
    #[error("report {serial} came before; the next one is {next}")]
    Repeated {
        /// Its number.
        serial: u64,
        /// The next that is missing.
        next: u64,
    },
    /// Too many are missing before it.
    #[error("report {serial} is too far ahead; the next one is {next}")]
    TooFarAhead {
        /// Its number.
        serial: u64,
        /// The next that is missing.
        next: u64,
    },
}

/// Why so many of so many are no quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{need} of {of} validators; expected more than half of them and at most all")]
pub struct QuorumError {
    /// How many have to agree.
    pub need: usize,
    /// How many there are.
    pub of: usize,
}

/// What the validators agree that the chains did.
#[derive(Clone, Debug)]
pub struct Facts {
    need: usize,
    validators: Vec<Signer>,
    chains: BTreeMap<ChainId, Chain>,
}

/// One chain, as each validator sees it and as they agree.
#[derive(Clone, Debug)]
struct Chain {
    contract: Hash,
    views: BTreeMap<Signer, View>,
    /// True and not final, from `final_sequence + 1` on.
    told: VecDeque<Entry>,
    /// Since it was last looked at, a view has lost an event or has another one than is true: nothing else contradicts.
    doubted: bool,
    final_sequence: u64,
    final_time: Time,
}

/// An event with its version.
type Entry = (Hash, VaultEvent);

/// What one validator sees of a chain.
#[derive(Clone, Debug, Default)]
struct View {
    /// Number of the last report taken in.
    serial: u64,
    /// Reports that came early.
    early: BTreeMap<u64, Observation>,
    /// Events that are not agreed to be final.
    events: BTreeMap<u64, Entry>,
    /// From here on it saw a drop, and nothing since.
    gone_from: Option<u64>,
    finals: VecDeque<(Sequence, Time, Hash)>,
}

impl Facts {
    /// Facts by the quorum of a set: `floor(2n/3) + 1`. `contracts` pins the vault of each chain by its domain.
    #[must_use]
    pub fn new(set: &ValidatorSet, contracts: &BTreeMap<ChainId, Hash>) -> Self {
        Self::with(set, quorum(set.signers().len()), contracts).expect("a quorum is more than half")
    }

    /// Facts by `need` of a set.
    pub fn with(
        set: &ValidatorSet,
        need: usize,
        contracts: &BTreeMap<ChainId, Hash>,
    ) -> Result<Self, QuorumError> {
        let of = set.signers().len();
        // With half or fewer two different things could be true at once.
        if need * 2 <= of || of < need {
            return Err(QuorumError { need, of });
        }
        let chains = contracts.iter().map(|(id, contract)| (*id, Chain::new(*contract))).collect();
        Ok(Self { need, validators: set.signers().to_vec(), chains })
    }

    /// Pins the vault of a chain that the hub took in. Without effect where the chain is known.
    pub fn add_chain(&mut self, chain: ChainId, contract: Hash) {
        self.chains.entry(chain).or_insert_with(|| Chain::new(contract));
    }

    /// Takes in what a validator read from the contract of domain `contract`.
    pub fn report(&mut self, validator: Signer, contract: Hash, report: Numbered) -> Result<(), FactError> {
        if self.validators.binary_search(&validator).is_err() {
            return Err(FactError::UnknownValidator(validator));
        }
        let id = match report.observation {
            Observation::Seen { chain, .. }
            | Observation::Final { chain, .. }
            | Observation::Dropped { chain, .. } => chain,
        };
        let chain = self.chains.get_mut(&id).ok_or(FactError::UnknownChain(id))?;
        if contract != chain.contract {
            return Err(FactError::UnknownContract { chain: id, have: contract, want: chain.contract });
        }
        let final_sequence = chain.final_sequence;
        let told = &chain.told;
        let doubts = |observation: &Observation| match observation {
            Observation::Seen { sequence, version, event, .. } => {
                let at = sequence.0.checked_sub(final_sequence + 1).and_then(|at| usize::try_from(at).ok());
                at.and_then(|at| told.get(at)).is_some_and(|entry| *entry != (*version, *event))
            }
            Observation::Dropped { .. } => true,
            Observation::Final { .. } => false,
        };
        let mut doubted = false;
        let view = chain.views.entry(validator).or_default();
        let (serial, next) = (report.serial, view.serial + 1);
        if serial < next || view.early.contains_key(&serial) {
            return Err(FactError::Repeated { serial, next });
        }
        if next + AHEAD_MOST < serial {
            return Err(FactError::TooFarAhead { serial, next });
        }
        view.early.insert(serial, report.observation);
        while let Some(observation) = view.early.remove(&(view.serial + 1)) {
            view.serial += 1;
            doubted |= doubts(&observation);
            view.take_in(observation, final_sequence);
        }
        chain.doubted |= doubted;
        Ok(())
    }

    /// What has become true since the last call, chain by chain, each in the order of its vault.
    pub fn agreed(&mut self) -> Vec<Observation> {
        let mut agreed = Vec::new();
        for (id, chain) in &mut self.chains {
            chain.agree(*id, self.need, &mut agreed);
        }
        agreed
    }
}

impl View {
    fn take_in(&mut self, observation: Observation, final_sequence: u64) {
        match observation {
            Observation::Seen { sequence, version, event, .. } => {
                let next = sequence.0 + 1;
                // What a drop took away is there again, up to this one.
                self.gone_from = self.gone_from.map(|first| first.max(next));
                if final_sequence < sequence.0 {
                    let before = self.events.insert(sequence.0, (version, event));
                    // Another branch: what followed in the old one is gone.
                    if before.is_some_and(|before| before != (version, event)) {
                        self.events.split_off(&next);
                        self.gone_from = Some(next);
                    }
                }
            }
            Observation::Dropped { sequence, .. } => {
                self.events.split_off(&sequence.0);
                self.gone_from = Some(sequence.0);
            }
            Observation::Final { sequence, time, block, .. } => {
                self.finals.push_back((sequence, time, block));
                if FINALS_MOST < self.finals.len() {
                    self.finals.pop_front();
                }
            }
        }
    }

    /// Whether it has something else than `entry` at a number, or nothing any more.
    fn contradicts(&self, sequence: u64, entry: &Entry) -> bool {
        match self.events.get(&sequence) {
            Some(own) => own != entry,
            None => self.gone_from.is_some_and(|first| first <= sequence),
        }
    }
}

impl Chain {
    fn new(contract: Hash) -> Self {
        Self {
            contract,
            views: BTreeMap::new(),
            told: VecDeque::new(),
            doubted: false,
            final_sequence: 0,
            final_time: Time::ZERO,
        }
    }

    fn agree(&mut self, chain: ChainId, need: usize, agreed: &mut Vec<Observation>) {
        // Thousands of events wait for their finality: they are gone through only where one may be false.
        if std::mem::take(&mut self.doubted)
            && let Some(at) = self.first_contradicted(need)
        {
            self.told.truncate(at);
            let sequence = Sequence(self.next());
            agreed.push(Observation::Dropped { chain, sequence });
        }
        while let Some((version, event)) = self.agreed_at(self.next(), need) {
            let sequence = Sequence(self.next());
            self.told.push_back((version, event));
            agreed.push(Observation::Seen { chain, sequence, version, event });
        }
        if let Some((sequence, time, block)) = self.agreed_final(need) {
            self.finalise(sequence, time);
            agreed.push(Observation::Final { chain, sequence, time, block });
        }
    }

    /// The number of the next event.
    fn next(&self) -> u64 {
        self.final_sequence + u64::try_from(self.told.len()).expect("a count of events") + 1
    }

    /// The first true event that enough validators see no more.
    fn first_contradicted(&self, need: usize) -> Option<usize> {
        let sequences = self.final_sequence + 1..;
        sequences.zip(&self.told).position(|(sequence, entry)| {
            need <= self.views.values().filter(|view| view.contradicts(sequence, entry)).count()
        })
    }

    /// The event that enough validators see at a number.
    fn agreed_at(&self, sequence: u64, need: usize) -> Option<Entry> {
        most(self.views.values().filter_map(|view| view.events.get(&sequence)), need)
    }

    /// The last final block that enough validators named, newer than the one that is true, with every event up to it.
    fn agreed_final(&self, need: usize) -> Option<(Sequence, Time, Hash)> {
        let known = (Sequence(self.final_sequence), self.final_time);
        let newer = |(sequence, time, _): &(Sequence, Time, Hash)| {
            known.0 <= *sequence && known.1 <= *time && *sequence < Sequence(self.next())
        };
        let mut named: BTreeMap<(Sequence, Time, Hash), usize> = BTreeMap::new();
        for view in self.views.values() {
            let mut own: Vec<(Sequence, Time, Hash)> = view.finals.iter().copied().filter(newer).collect();
            own.sort_unstable();
            own.dedup();
            for block in own {
                *named.entry(block).or_default() += 1;
            }
        }
        let last = named.into_iter().rev().find(|(_, count)| need <= *count).map(|(block, _)| block);
        last.filter(|block| (block.0, block.1) != known)
    }

    fn finalise(&mut self, sequence: Sequence, time: Time) {
        let done = usize::try_from(sequence.0 - self.final_sequence).expect("a count of events");
        self.told.drain(..done);
        self.final_sequence = sequence.0;
        self.final_time = time;
        for view in self.views.values_mut() {
            view.events = view.events.split_off(&(sequence.0 + 1));
            view.finals.retain(|(_, own, _)| time < *own);
        }
    }
}

/// What occurs at least `need` times; at most one thing does.
fn most<'a>(entries: impl Iterator<Item = &'a Entry> + Clone, need: usize) -> Option<Entry> {
    let mut candidates = entries.clone();
    candidates.find(|one| need <= entries.clone().filter(|other| other == one).count()).copied()
}
