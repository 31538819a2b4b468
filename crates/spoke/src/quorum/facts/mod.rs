//! Facts: what validators say that a chain did, made one.
//!
//! - When: a validator numbers its reports of a chain from 1. One that comes twice counts once, one that comes early waits
//!   for those before it. So a validator's view is what its endpoint told, in that order, however it travelled.
//! - Event: true when a quorum of views has the same event with the same version at its number, and each of these views has
//!   the true events before it. Dropped when a quorum has something else from there on, or nothing any more.
//! - Final block: a sequence S and a time T. A view counts for S when it named a final block at or after S and its own events
//!   up to S are the true ones. It counts for T when it named a block of T or later, up to which it saw S events or fewer, all
//!   of them true ones. S and then T are the quorum-th highest.
//!   Why: S and T of one block that a single view named would do for a liar. Say the true final blocks are (5, 10 s) and
//!   (6, 20 s), and one of four is slow. A liar who names (5, 20 s) would have the hub undo what event 6 carried out. Of a
//!   quorum one is honest: it saw no event but the first S by T. So the pair is true, also where no validator named it.
//! - Block: the hash that most views named at exactly (S, T), where these are more than may lie; else zero, as where each
//!   polls at other blocks. Of a chain with several blocks a second honest views may name different ones of one time:
//!   that keeps nothing from being final, as whose events differ does not count in any case.
//! - Bounds: a block of the far future and a number far beyond what is agreed are refused. A refused report changes nothing
//!   and does not use up its number.
//! - Keeps: what is told is a sequence that a vault can have: numbers without gaps, nothing final dropped, whatever
//!   fewer than a quorum say (I06).

mod chain;
mod log;
mod view;

use super::FUTURE_MOST;
use crate::certificate::{ValidatorSet, quorum};
use ballast_types::{ChainId, Hash, Observation, Sequence, Signer};
use ballast_units::Time;
use chain::Chain;
use std::collections::BTreeMap;

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
    /// A final block of the far future.
    #[error("a final block of {time}; it is {now}, and blocks up to {} ms ahead are taken", FUTURE_MOST.get())]
    FromTheFuture {
        /// Time of the block.
        time: Time,
        /// The hub's clock.
        now: Time,
    },
    /// An event, or a final block with one, that is too far beyond what is agreed.
    #[error("event {sequence} is named; agreed is event {agreed}, and numbers up to {limit} are taken")]
    BeyondAgreed {
        /// Its number.
        sequence: Sequence,
        /// The last true event.
        agreed: Sequence,
        /// The highest number that is taken at present.
        limit: Sequence,
    },
}

impl FactError {
    /// Whether the same report may be taken in later: sending it again is worth it.
    #[must_use]
    pub const fn transient(&self) -> bool {
        match self {
            Self::TooFarAhead { .. } | Self::FromTheFuture { .. } | Self::BeyondAgreed { .. } => true,
            Self::UnknownValidator(_)
            | Self::UnknownChain(_)
            | Self::UnknownContract { .. }
            | Self::Repeated { .. } => false,
        }
    }
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

    /// The vault of a chain moved to another contract, which goes on with the old one's numbers. What was agreed stays.
    /// Reports of the old contract are refused from now on, what was reported of it and is not agreed is forgotten, and each
    /// validator numbers its reports of the new one from 1. To be called when the old vault's last event is final.
    pub fn repin(&mut self, chain: ChainId, contract: Hash) -> Result<(), FactError> {
        let known = self.chains.get_mut(&chain).ok_or(FactError::UnknownChain(chain))?;
        known.repin(contract);
        Ok(())
    }

    /// Another set of validators, with the quorum of its number. What was agreed stays; nothing is told twice. Views of those
    /// who left are forgotten. Newcomers number their reports from 1 and begin with the last final event, whose version shows
    /// that they read the same chain, or with an older one.
    pub fn rotate(&mut self, set: &ValidatorSet) {
        self.need = set.quorum();
        self.validators = set.signers().to_vec();
        for chain in self.chains.values_mut() {
            chain.rotate(&self.validators);
        }
    }

    /// Takes in what a validator read from the contract of domain `contract`, at `now` by the hub's clock.
    pub fn report(
        &mut self,
        validator: Signer,
        contract: Hash,
        report: Numbered,
        now: Time,
    ) -> Result<(), FactError> {
        if self.validators.binary_search(&validator).is_err() {
            return Err(FactError::UnknownValidator(validator));
        }
        let id = match report.observation {
            Observation::Seen { chain, .. }
            | Observation::Final { chain, .. }
            | Observation::Dropped { chain, .. } => chain,
        };
        let chain = self.chains.get_mut(&id).ok_or(FactError::UnknownChain(id))?;
        let want = chain.contract();
        if contract != want {
            return Err(FactError::UnknownContract { chain: id, have: contract, want });
        }
        chain.report(validator, report, now)
    }

    /// What has become true since the last call, chain by chain, each in the order of its vault.
    pub fn agreed(&mut self) -> Vec<Observation> {
        let mut agreed = Vec::new();
        for (id, chain) in &mut self.chains {
            chain.agree(*id, self.need, self.validators.len(), &mut agreed);
        }
        agreed
    }

    /// Reports, events and final blocks that are kept of one validator alone, over all chains. What it has in common with
    /// the others does not count.
    #[must_use]
    pub fn kept_of(&self, validator: Signer) -> usize {
        self.chains.values().map(|chain| chain.kept_of(validator)).sum()
    }
}
