//! The validators: what each of them reads, what a quorum of them agrees on, what they sign.
//!
//! - Each reads every chain through an endpoint of its own, late, twice, out of order; one may lag, one may lie now and
//!   then about an event, a drop or finality ([`Liar`]). The engine is told what a quorum of them saw.
//! - Prices, depths and costs are medians by stake, all stakes alike; a liar's are far off, or of the far future.
//! - Who does not lie signs. A lone validator is a set of one.

use super::liar::{self, Liar};
use crate::scenario::FaultPlan;
use crate::seed::{Seed, Stream};
use ballast_spoke::certificate::{Key, ValidatorSet, quorum};
use ballast_spoke::faults::{Feed, FeedTerms};
use ballast_spoke::message::Payload;
use ballast_spoke::quorum::{FactError, Facts, MeasurementError, Measurements, Numbered};
use ballast_types::{Block, ChainId, CostReport, DepthReport, Hash, Observation, Order, PriceReport, Signer};
use ballast_units::{Amount, Bps, Millis, Ratio, Time};
use std::collections::BTreeMap;

/// Validators never rotate here.
pub(super) const EPOCH: u32 = 0;

/// More reports at once are put in order first: so many may not wait for one that is missing.
const AT_ONCE: usize = 1_000;

/// A liar's figures are so many times the true ones.
const FAR_OFF: Ratio = Ratio::percent(130);

/// All validators.
#[derive(Debug)]
pub(super) struct Validators {
    keys: Vec<Key>,
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
    liars: BTreeMap<ChainId, Liar>,
    /// Refused, and to be taken in later: sent again.
    again: BTreeMap<ChainId, Vec<Numbered>>,
}

/// Who they are.
pub(super) fn keys(plan: &FaultPlan) -> Vec<Key> {
    match plan.validators {
        0 | 1 => vec![Key::from_label("replay")],
        number => (0..number).map(|number| Key::from_label(&format!("replay {number}"))).collect(),
    }
}

impl Validators {
    pub(super) fn new(plan: &FaultPlan, contracts: BTreeMap<ChainId, Hash>, seed: u64) -> Self {
        let keys = keys(plan);
        let set = ValidatorSet::of(EPOCH, &keys).expect("different labels are different keys");
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
                liars: BTreeMap::new(),
                again: BTreeMap::new(),
            }
        };
        let stakes = keys.iter().map(|key| (key.signer(), Amount::whole(1))).collect();
        Self {
            readers: keys.iter().enumerate().map(reading).collect(),
            facts: (1 < number).then(|| Facts::new(&set, &contracts)),
            measurements: Measurements::new(stakes),
            contracts,
            noise: Seed::new(seed).stream("validators"),
            keys,
        }
    }

    /// A block's orders, one payload a spoke, signed by as many as a quorum has, of those who do not lie first.
    pub(super) fn sign(&self, orders: &[Order]) -> Vec<Payload> {
        let keys = &self.keys[..quorum(self.keys.len())];
        let mut batches: BTreeMap<ChainId, Vec<Order>> = BTreeMap::new();
        for order in orders {
            batches.entry(order.chain).or_default().push(order.clone());
        }
        let signed = batches
            .into_iter()
            .map(|(chain, orders)| Payload::sign(self.contracts[&chain], chain, EPOCH, orders, keys));
        signed.map(|payload| payload.expect("orders in range")).collect()
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
