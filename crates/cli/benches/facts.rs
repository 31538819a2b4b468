//! What it takes to agree: 20 validators, 5 chains, 10,000 events of each that wait for their finality; a block in which every
//! validator reports an event and a final block of each chain. Then the same with one who also reports a drop each time.

#![expect(missing_docs, reason = "criterion writes a public function without a sentence")]

use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::quorum::{Facts, Numbered};
use ballast_types::{
    Address, AssetId, ChainId, Hash, Observation, Owner, Sequence, Signer, VaultEvent, digest,
};
use ballast_units::{Amount, Time};
use criterion::{Criterion, criterion_group, criterion_main};

const VALIDATORS: usize = 20;
const CHAINS: u16 = 5;
const UNFINAL: u64 = 10_000;

/// Facts that are agreed on up to some event, and the number of the next report.
struct Desk {
    facts: Facts,
    validators: Vec<Signer>,
    serials: Vec<u64>,
    events: u64,
}

impl Desk {
    fn new() -> Self {
        let keys: Vec<Key> = (0..VALIDATORS).map(|number| Key::from_label(&number.to_string())).collect();
        let set = ValidatorSet::of(0, &keys).expect("different labels are different keys");
        let contracts = (0..CHAINS).map(ChainId).map(|chain| (chain, digest::domain_in_process(chain)));
        let (facts, validators) = (Facts::new(&set, &contracts.collect()), set.signers().to_vec());
        let mut desk = Self { facts, validators, serials: vec![1; VALIDATORS], events: 0 };
        for _ in 0..UNFINAL {
            desk.event();
            desk.facts.agreed();
        }
        desk
    }

    /// Each validator reports this of each chain.
    fn tell(&mut self, validators: std::ops::Range<usize>, told: impl Fn(ChainId) -> Observation) {
        for validator in validators {
            let serial = self.serials[validator];
            self.serials[validator] += 1;
            for chain in (0..CHAINS).map(ChainId) {
                let (signer, contract) = (self.validators[validator], digest::domain_in_process(chain));
                let report = Numbered { serial, observation: told(chain) };
                self.facts.report(signer, contract, report, Time::MAX).expect("the next one");
            }
        }
    }

    fn event(&mut self) {
        self.events += 1;
        let (sequence, version) = (Sequence(self.events), Hash([1; 32]));
        let owner = Owner { address: Address([9; 32]), subaccount: 0 };
        let event = VaultEvent::Deposited { owner, asset: AssetId(1), amount: Amount::whole(1) };
        self.tell(0..VALIDATORS, |chain| Observation::Seen { chain, sequence, version, event });
    }

    fn block(&mut self, one_drops: bool) -> usize {
        if one_drops {
            let sequence = Sequence(self.events + 1);
            self.tell(VALIDATORS - 1..VALIDATORS, |chain| Observation::Dropped { chain, sequence });
        }
        self.event();
        let (sequence, time) = (Sequence(self.events - UNFINAL), Time::from_millis(self.events));
        let block = Hash([2; 32]);
        self.tell(0..VALIDATORS, |chain| Observation::Final { chain, sequence, time, block });
        self.facts.agreed().len()
    }
}

fn agreement(c: &mut Criterion) {
    for (name, one_drops) in
        [("a block of reports, agreed on", false), ("the same, one reports a drop", true)]
    {
        let mut desk = Desk::new();
        c.bench_function(name, |b| b.iter(|| assert_eq!(desk.block(one_drops), 2 * usize::from(CHAINS))));
    }
}

criterion_group!(benches, agreement);
criterion_main!(benches);
