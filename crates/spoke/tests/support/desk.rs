//! A desk where validators hand in what they read of chains, one report after the other.

use super::{CHAIN, ETH, OTHER, at, keys, owner};
use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::quorum::{FactError, Facts, Numbered};
use ballast_types::digest::{block_in_process, domain_in_process};
use ballast_types::{ChainId, Hash, Observation, Sequence, Signer, VaultEvent};
use ballast_units::{Amount, Time};
use std::collections::BTreeMap;

pub fn signers(count: usize) -> Vec<Signer> {
    keys(count).iter().map(Key::signer).collect()
}

pub fn contracts() -> BTreeMap<ChainId, Hash> {
    [CHAIN, OTHER].map(|chain| (chain, domain_in_process(chain))).into()
}

/// Facts by a quorum of so many, and how many reports each has handed in.
pub struct Desk {
    pub facts: Facts,
    pub validators: Vec<Signer>,
    /// The hub's clock.
    pub now: Time,
    contracts: BTreeMap<ChainId, Hash>,
    members: Vec<usize>,
    serials: BTreeMap<(usize, ChainId), u64>,
}

impl Desk {
    pub fn new(count: usize) -> Self {
        Self::with_others(count, 0)
    }

    /// There are so many more, who are not of the set yet.
    pub fn with_others(count: usize, others: usize) -> Self {
        let validators = signers(count + others);
        let set = ValidatorSet::new(0, validators[..count].to_vec()).unwrap();
        let (contracts, members) = (contracts(), (0..count).collect());
        let facts = Facts::new(&set, &contracts);
        Self { facts, validators, now: at(1_000_000), contracts, members, serials: BTreeMap::new() }
    }

    /// These are the set now.
    pub fn rotate(&mut self, members: &[usize]) {
        let signers = members.iter().map(|member| self.validators[*member]).collect();
        self.facts.rotate(&ValidatorSet::new(1, signers).unwrap());
        self.serials.retain(|(member, _), _| members.contains(member) && self.members.contains(member));
        self.members = members.to_vec();
    }

    /// The vault is another contract now.
    pub fn repin(&mut self, chain: ChainId, contract: Hash) {
        self.facts.repin(chain, contract).unwrap();
        self.contracts.insert(chain, contract);
        self.serials.retain(|(_, of), _| *of != chain);
    }

    /// The number of a refused report is used again.
    pub fn try_report(&mut self, validator: usize, observation: Observation) -> Result<(), FactError> {
        let chain = chain_of(&observation);
        let contract = self.contracts.get(&chain).copied().unwrap_or_else(|| domain_in_process(chain));
        let serial = self.serials.entry((validator, chain)).or_default();
        let report = Numbered { serial: *serial + 1, observation };
        self.facts.report(self.validators[validator], contract, report, self.now)?;
        *serial += 1;
        Ok(())
    }

    pub fn report(&mut self, validator: usize, observation: Observation) {
        self.try_report(validator, observation).unwrap();
    }

    /// Several report the same; what becomes true.
    pub fn tell(&mut self, validators: &[usize], observation: Observation) -> Vec<Observation> {
        for validator in validators {
            self.report(*validator, observation);
        }
        self.facts.agreed()
    }
}

pub fn chain_of(observation: &Observation) -> ChainId {
    match *observation {
        Observation::Seen { chain, .. }
        | Observation::Final { chain, .. }
        | Observation::Dropped { chain, .. } => chain,
    }
}

pub fn seen(sequence: u64, version: u8, amount: u64) -> Observation {
    let event = VaultEvent::Deposited { owner: owner(), asset: ETH, amount: Amount::whole(amount) };
    Observation::Seen { chain: CHAIN, sequence: Sequence(sequence), version: Hash([version; 32]), event }
}

pub fn dropped(sequence: u64) -> Observation {
    Observation::Dropped { chain: CHAIN, sequence: Sequence(sequence) }
}

/// The final block of this second, with so many events up to it.
pub fn final_to(sequence: u64, second: u64) -> Observation {
    final_of(sequence, second, block_in_process(CHAIN, at(second)))
}

pub fn final_of(sequence: u64, second: u64, block: Hash) -> Observation {
    Observation::Final { chain: CHAIN, sequence: Sequence(sequence), time: at(second), block }
}
