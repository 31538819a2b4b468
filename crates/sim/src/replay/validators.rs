//! The validators: what each of them reads, what a quorum of them agrees on, what they sign.
//!
//! - Each reads every chain through an endpoint of its own, late, twice, out of order; one may lag, one may lie now and
//!   then about an event. The engine is told what a quorum of them saw.
//! - Prices, depths and costs are medians by stake, all stakes alike; a liar's are far off.
//! - Who does not lie signs. A lone validator is a set of one.

use crate::scenario::Scenario;
use crate::seed::{Seed, Stream};
use ballast_engine::State;
use ballast_spoke::certificate::{Key, ValidatorSet, freeze_quorum, quorum};
use ballast_spoke::faults::{Feed, FeedTerms};
use ballast_spoke::freeze::FreezeVote;
use ballast_spoke::message::{Freeze, Payload};
use ballast_spoke::quorum::{FactError, Facts, Measurements, Numbered};
use ballast_types::{
    Block, ChainId, CostReport, DepthReport, Hash, Observation, Order, PriceReport, Signer, VaultEvent,
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
    noise: Stream,
}

/// One of them.
#[derive(Debug)]
struct Reading {
    signer: Signer,
    /// Share of its reports that is false, in ten thousandths.
    lies: u32,
    feeds: BTreeMap<ChainId, Feed>,
    /// Refused as too far ahead: sent again.
    ahead: BTreeMap<ChainId, Vec<Numbered>>,
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
        let (plan, seed) = (&scenario.faults, scenario.seed);
        let all = validator_keys(scenario);
        let (set, keys) = (&sets(&all)[0], &all[0]);
        let number = keys.len();
        let reading = |(place, key): (usize, &Key)| {
            // The last ones lag, those before them lie.
            let lags = number - place <= plan.lagging as usize;
            let lies = !lags && number - place <= (plan.lagging + plan.lying) as usize;
            let delay_most = if lags { plan.lag } else { plan.delay };
            let terms = FeedTerms { delay_most, twice: Bps::new(plan.twice) };
            let feed = |chain: &ChainId| {
                (*chain, Feed::new(seed, &format!("validator {place} on {}", chain.0), terms))
            };
            Reading {
                signer: key.signer(),
                lies: if lies { plan.lies } else { 0 },
                feeds: contracts.keys().map(feed).collect(),
                ahead: BTreeMap::new(),
            }
        };
        let stakes = keys.iter().map(|key| (key.signer(), Amount::whole(1))).collect();
        Self {
            readers: keys.iter().enumerate().map(reading).collect(),
            facts: (1 < number).then(|| Facts::new(set, &contracts)),
            measurements: Measurements::new(stakes),
            contracts,
            noise: Seed::new(seed).stream("validators"),
            keys: all,
        }
    }

    /// A block's orders, one payload for each spoke and each epoch that its vault may be in, signed by as many as a quorum
    /// has, of those who do not lie first.
    pub(super) fn sign(&self, state: &State, orders: &[Order]) -> Vec<Payload> {
        let mut batches: BTreeMap<ChainId, Vec<Order>> = BTreeMap::new();
        for order in orders {
            batches.entry(order.chain).or_default().push(order.clone());
        }
        let mut signed = Vec::new();
        for (chain, orders) in batches {
            for epoch in state.epochs(chain) {
                let keys = self.of(epoch);
                let keys = &keys[..quorum(keys.len())];
                let payload = Payload::sign(self.contracts[&chain], chain, epoch, orders.clone(), keys);
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
        usize::try_from(epoch)
            .ok()
            .and_then(|epoch| self.keys.get(epoch))
            .expect("governance names these alone")
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
        for reader in &mut self.readers {
            let told: Vec<Observation> = told
                .iter()
                .map(|one| if self.noise.chance(u64::from(reader.lies)) { bent(*one) } else { *one })
                .collect();
            reader.feeds.get_mut(&chain).expect("every chain has its feeds").send(&told, now);
        }
    }

    /// What a quorum agrees on by `now`.
    pub(super) fn agreed(&mut self, now: Time, out: &mut Vec<Observation>) {
        let Some(facts) = &mut self.facts else { return };
        for reader in &mut self.readers {
            for (chain, feed) in &mut reader.feeds {
                let ahead = reader.ahead.entry(*chain).or_default();
                let mut arrived = std::mem::take(ahead);
                arrived.extend(feed.arrived(now));
                if AT_ONCE < arrived.len() {
                    arrived.sort_by_key(|report| report.serial);
                }
                for report in arrived {
                    // What comes twice is refused the second time.
                    let taken = facts.report(reader.signer, self.contracts[chain], report);
                    if let Err(FactError::TooFarAhead { .. }) = taken {
                        ahead.push(report);
                    }
                }
            }
        }
        out.extend(facts.agreed());
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
                let report = PriceReport { price: price.unwrap_or(report.price), ..*report };
                self.measurements.price(reader.signer, report).expect("newer than before");
            }
            for report in depths {
                let report = DepthReport { depth: off(report.depth), ..*report };
                self.measurements.depth(reader.signer, report).expect("newer than before");
            }
            for report in costs {
                let report = CostReport { gas: off(report.gas), ..*report };
                self.measurements.cost(reader.signer, report).expect("newer than before");
            }
        }
        let settled = self.measurements.settle(now, Millis::ZERO);
        block.prices.extend(settled.prices);
        block.depths.extend(settled.depths);
        block.costs.extend(settled.costs);
    }
}

/// What a liar says instead: another amount, another result, another block.
fn bent(observation: Observation) -> Observation {
    let twice = |amount: Amount| amount + amount;
    match observation {
        Observation::Seen { chain, sequence, version, event } => {
            let event = match event {
                VaultEvent::Deposited { owner, asset, amount } => {
                    VaultEvent::Deposited { owner, asset, amount: twice(amount) }
                }
                VaultEvent::Ended { lot, .. } => VaultEvent::Ended { lot, result: version },
                VaultEvent::Taken { lot, taker, quantity, rebate, .. } => {
                    VaultEvent::Taken { lot, taker, quantity, paid: Amount::ZERO, rebate }
                }
                other => other,
            };
            let version = ballast_types::digest::keccak(&[&version.0]);
            Observation::Seen { chain, sequence, version, event }
        }
        other => other,
    }
}
