//! The validators: what each of them reads, what a quorum of them agrees on, what they sign.
//!
//! - Each reads every chain through an endpoint of its own, late, twice, out of order; one may lag, one may lie now and
//!   then about an event, a drop or finality ([`Liar`]). The engine is told what a quorum of them saw.
//! - Prices, depths and costs are medians by stake, all stakes alike; a liar's are far off, or of the far future.
//! - Who does not lie signs. A lone validator is a set of one.
//! - After a rotation others read, from the last event on that is agreed to be final.

use super::liar::{self, Liar};
use crate::scenario::{FaultPlan, Scenario};
use crate::seed::{Seed, Stream};
use ballast_engine::State;
use ballast_spoke::certificate::{Key, ValidatorSet, freeze_quorum, quorum};
use ballast_spoke::faults::{Feed, FeedTerms};
use ballast_spoke::freeze::FreezeVote;
use ballast_spoke::message::{Freeze, Payload, cut};
use ballast_spoke::quorum::{FactError, Facts, MeasurementError, Measurements, Numbered};
use ballast_types::{
    Block, ChainId, CostReport, DepthReport, Hash, Observation, Order, PriceReport, Sequence, Signer,
};
use ballast_units::{Amount, Bps, Millis, Ratio, Time};
use std::collections::BTreeMap;

/// More reports at once are put in order first: so many may not wait for one that is missing.
const AT_ONCE: usize = 1_000;

/// A liar's figures are so many times the true ones.
const FAR_OFF: Ratio = Ratio::percent(130);

/// All validators.
#[derive(Debug)]
pub(super) struct Validators {
    /// By epoch; the last one is that of after a rotation.
    keys: Vec<Vec<Key>>,
    readers: Vec<Reading>,
    facts: Option<Facts>,
    measurements: Measurements,
    contracts: BTreeMap<ChainId, Hash>,
    /// What a newcomer reads first.
    branches: BTreeMap<ChainId, Branch>,
    plan: FaultPlan,
    seed: u64,
    noise: Stream,
}

/// One of them.
#[derive(Debug)]
struct Reading {
    signer: Signer,
    /// Share of its reports that is false, in ten thousandths.
    lies: u32,
    feeds: BTreeMap<ChainId, Feed>,
    liars: BTreeMap<ChainId, Liar>,
    /// Refused, and to be taken in later: sent again.
    again: BTreeMap<ChainId, Vec<Numbered>>,
}

/// A chain as it stands: its events since the last one that is agreed to be final, that one included, and its last final
/// block.
#[derive(Debug, Default)]
struct Branch {
    events: BTreeMap<Sequence, Observation>,
    last_final: Option<Observation>,
}

impl Branch {
    fn learn(&mut self, observation: &Observation) {
        match *observation {
            Observation::Seen { sequence, .. } => {
                self.events.split_off(&sequence);
                self.events.insert(sequence, *observation);
            }
            Observation::Dropped { sequence, .. } => {
                self.events.split_off(&sequence);
            }
            Observation::Final { .. } => self.last_final = Some(*observation),
        }
    }

    fn forget_before(&mut self, sequence: Sequence) {
        self.events = self.events.split_off(&sequence);
    }

    fn told(&self) -> Vec<Observation> {
        self.events.values().copied().chain(self.last_final).collect()
    }
}

/// Who they are, by epoch: at first, and after a rotation where the scenario drills one.
#[must_use]
pub fn validator_keys(scenario: &Scenario) -> Vec<Vec<Key>> {
    let keys = |suffix: &str| match scenario.faults.validators {
        0 | 1 => vec![Key::from_label(&format!("replay{suffix}"))],
        number => (0..number).map(|number| Key::from_label(&format!("replay {number}{suffix}"))).collect(),
    };
    let next = scenario.drills.rotate_after.map(|_| keys(", the next one"));
    std::iter::once(keys("")).chain(next).collect()
}

/// The sets that they make.
pub(super) fn sets(keys: &[Vec<Key>]) -> Vec<ValidatorSet> {
    let set = |(epoch, keys): (u32, &Vec<Key>)| ValidatorSet::of(epoch, keys);
    let sets = (0..).zip(keys).map(set);
    sets.map(|set| set.expect("different labels are different keys")).collect()
}

impl Validators {
    pub(super) fn new(scenario: &Scenario, contracts: BTreeMap<ChainId, Hash>) -> Self {
        let keys = validator_keys(scenario);
        let set = &sets(&keys)[0];
        let mut validators = Self {
            readers: Vec::new(),
            facts: (1 < keys[0].len()).then(|| Facts::new(set, &contracts)),
            measurements: Measurements::new(BTreeMap::new()),
            branches: contracts.keys().map(|chain| (*chain, Branch::default())).collect(),
            contracts,
            plan: scenario.faults.clone(),
            seed: scenario.seed,
            noise: Seed::new(scenario.seed).stream("validators"),
            keys,
        };
        validators.begin(0);
        validators
    }

    /// The validators of an epoch begin to read and to measure.
    fn begin(&mut self, epoch: u32) {
        let Self { plan, contracts, .. } = &*self;
        let (keys, number) = (self.of(epoch), self.of(epoch).len());
        let suffix = if epoch == 0 { String::new() } else { format!(", epoch {epoch}") };
        let reading = |(place, key): (usize, &Key)| {
            // The last ones lag, those before them lie.
            let lags = number - place <= plan.lagging as usize;
            let lies = !lags && number - place <= (plan.lagging + plan.lying) as usize;
            let delay_most = if lags { plan.lag } else { plan.delay };
            let terms = FeedTerms { delay_most, twice: Bps::new(plan.twice) };
            let feed = |chain: &ChainId| {
                let name = format!("validator {place} on {}{suffix}", chain.0);
                (*chain, Feed::new(self.seed, &name, terms))
            };
            Reading {
                signer: key.signer(),
                lies: if lies { plan.lies } else { 0 },
                feeds: contracts.keys().map(feed).collect(),
                liars: BTreeMap::new(),
                again: BTreeMap::new(),
            }
        };
        let readers = keys.iter().enumerate().map(reading).collect();
        let stakes = keys.iter().map(|key| (key.signer(), Amount::whole(1))).collect();
        self.readers = readers;
        self.measurements.restake(stakes);
    }

    /// The validators of this epoch are those of the hub from now on: nobody of them was one before.
    pub(super) fn rotate(&mut self, epoch: u32, now: Time) {
        let set = sets(&self.keys).swap_remove(self.place(epoch));
        let Some(facts) = &mut self.facts else { return };
        facts.rotate(&set);
        self.begin(epoch);
        for (chain, branch) in &self.branches {
            for reader in &mut self.readers {
                reader.feeds.get_mut(chain).expect("every chain has its feeds").send(&branch.told(), now);
            }
        }
    }

    /// A block's orders, one payload for each batch and each epoch that its vault may be in, signed by as many as a quorum
    /// has, of those who do not lie first.
    pub(super) fn sign(&self, state: &State, orders: &[Order]) -> Vec<Payload> {
        let mut signed = Vec::new();
        for (chain, orders) in cut(orders.iter().cloned()) {
            for epoch in state.epochs(chain) {
                let keys = self.of(epoch);
                let keys = &keys[..quorum(keys.len())];
                let payload = Payload::sign(state.domain(chain), chain, epoch, orders.clone(), keys);
                signed.push(payload.expect("orders in range"));
            }
        }
        signed
    }

    /// Signatures of a third of a set under a freeze of a vault.
    pub(super) fn sign_freeze(&self, domain: Hash, epoch: u32, until: Time) -> Vec<FreezeVote> {
        let keys = self.of(epoch);
        let keys = keys[..freeze_quorum(keys.len())].iter();
        keys.map(|key| FreezeVote::sign(domain, epoch, Freeze { until }, key)).collect()
    }

    fn of(&self, epoch: u32) -> &[Key] {
        &self.keys[self.place(epoch)]
    }

    fn place(&self, epoch: u32) -> usize {
        let place = usize::try_from(epoch).ok().filter(|place| *place < self.keys.len());
        place.expect("governance names these sets alone")
    }

    /// A chain joins. Only a lone validator's house is joined.
    pub(super) fn join(&mut self, chain: ChainId, domain: Hash) {
        self.contracts.insert(chain, domain);
    }

    /// A chain told this at `now`: every validator reads it.
    pub(super) fn read(
        &mut self,
        chain: ChainId,
        told: &[Observation],
        now: Time,
        out: &mut Vec<Observation>,
    ) {
        if self.facts.is_none() {
            out.extend_from_slice(told);
            return;
        }
        let branch = self.branches.entry(chain).or_default();
        told.iter().for_each(|observation| branch.learn(observation));
        for reader in &mut self.readers {
            let feed = reader.feeds.get_mut(&chain).expect("every chain has its feeds");
            if reader.lies == 0 {
                feed.send(told, now);
            } else {
                let liar = reader.liars.entry(chain).or_default();
                feed.send(&liar.say(told, reader.lies, now, &mut self.noise), now);
            }
        }
    }

    /// What a quorum agrees on by `now`.
    pub(super) fn agreed(&mut self, now: Time, out: &mut Vec<Observation>) {
        let Some(facts) = &mut self.facts else { return };
        for reader in &mut self.readers {
            for (chain, feed) in &mut reader.feeds {
                let again = reader.again.entry(*chain).or_default();
                let mut arrived = std::mem::take(again);
                arrived.extend(feed.arrived(now));
                if AT_ONCE < arrived.len() {
                    arrived.sort_by_key(|report| report.serial);
                }
                for report in arrived {
                    // What comes twice is refused the second time.
                    match facts.report(reader.signer, self.contracts[chain], report, now) {
                        Err(FactError::FromTheFuture { .. }) if 0 < reader.lies => {
                            let observation = liar::of_now(report.observation, now);
                            again.push(Numbered { observation, ..report });
                        }
                        Err(error) if error.transient() => again.push(report),
                        Ok(()) | Err(_) => {}
                    }
                }
            }
        }
        let agreed = facts.agreed();
        for observation in &agreed {
            if let Observation::Final { chain, sequence, .. } = *observation {
                self.branches.entry(chain).or_default().forget_before(sequence);
            }
        }
        out.extend(agreed);
    }

    /// Medians of what the sources publish, as each validator reads it.
    pub(super) fn measured(
        &mut self,
        prices: &[PriceReport],
        depths: &[DepthReport],
        costs: &[CostReport],
        now: Time,
        block: &mut Block,
    ) {
        if self.facts.is_none() {
            block.prices.extend_from_slice(prices);
            block.depths.extend_from_slice(depths);
            block.costs.extend_from_slice(costs);
            return;
        }
        for reader in &self.readers {
            let lies = self.noise.chance(u64::from(reader.lies));
            let off =
                |amount: Amount| if lies { amount.mul_ratio_down(FAR_OFF).unwrap_or(amount) } else { amount };
            for report in prices {
                let price = report.price.mul_ratio_down(FAR_OFF).ok().filter(|_| lies);
                if lies {
                    let late = PriceReport { time: now.after(liar::FAR), ..*report };
                    let refused = self.measurements.price(reader.signer, late, now);
                    assert!(matches!(refused, Err(MeasurementError::FromTheFuture { .. })));
                }
                let report = PriceReport { price: price.unwrap_or(report.price), ..*report };
                self.measurements.price(reader.signer, report, now).expect("newer than before");
            }
            for report in depths {
                let report = DepthReport { depth: off(report.depth), ..*report };
                self.measurements.depth(reader.signer, report, now).expect("newer than before");
            }
            for report in costs {
                let report = CostReport { gas: off(report.gas), ..*report };
                self.measurements.cost(reader.signer, report, now).expect("newer than before");
            }
        }
        let settled = self.measurements.settle(now, Millis::ZERO);
        block.prices.extend(settled.prices);
        block.depths.extend(settled.depths);
        block.costs.extend(settled.costs);
    }
}
