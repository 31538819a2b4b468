//! Measurements: prices, depths and costs, which no two validators report alike.
//!
//! - Each validator reports every source for itself. A source counts when at least two thirds of the stake reported it;
//!   then each of its figures, and its time, is the median by stake: the lowest that half of the stake is not above.
//! - A newer report of a validator takes the place of its older one; an older one is refused, and one of the far future too,
//!   which would be the newest for ever. Clocks differ by seconds: what was measured later than now counts as of now.
//! - Keeps: with less than a third of the stake lying, every figure lies between two honest ones. A validator has at most
//!   [`SOURCES_MOST`] reports of a kind, of whatever it likes.

use super::FUTURE_MOST;
use ballast_types::{AssetId, ChainId, CostReport, DepthReport, PriceReport, Signer, SourceId, Token};
use ballast_units::{Amount, Millis, Time};
use std::collections::BTreeMap;

/// What a validator reports at most of each kind: many times as much as a house lists.
const SOURCES_MOST: usize = 4_096;

/// Why a measurement was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeasurementError {
    /// Not of the set.
    #[error("{0} is not a validator")]
    UnknownValidator(Signer),
    /// Of the far future.
    #[error("measured at {time}; it is {now}, and up to {} ms ahead are taken", FUTURE_MOST.get())]
    FromTheFuture {
        /// When it says that it was measured.
        time: Time,
        /// The hub's clock.
        now: Time,
    },
    /// Not newer than the validator's last one.
    #[error("measured at {time}; the validator's last one was measured at {newest}")]
    Outdated {
        /// Of this one.
        time: Time,
        /// Of its last one.
        newest: Time,
    },
    /// It reports too many different things.
    #[error("the validator reports {limit} of these already")]
    TooMany {
        /// So many it may.
        limit: usize,
    },
}

/// What validators measured and their medians.
#[derive(Clone, Debug)]
pub struct Measurements {
    stakes: BTreeMap<Signer, Amount>,
    prices: Reports<(AssetId, SourceId), PriceReport>,
    depths: Reports<(Token, SourceId), DepthReport>,
    costs: Reports<(ChainId, SourceId), CostReport>,
}

/// The last report of each validator, by what was measured.
#[derive(Clone, Debug)]
struct Reports<K, R> {
    of: BTreeMap<K, BTreeMap<Signer, R>>,
    /// How many there are of each validator.
    counts: BTreeMap<Signer, usize>,
}

/// Medians of sources that enough of the stake reported, by what was measured and source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Of assets.
    pub prices: Vec<PriceReport>,
    /// Of tokens.
    pub depths: Vec<DepthReport>,
    /// Of chains.
    pub costs: Vec<CostReport>,
}

impl Measurements {
    /// None yet, by validators with these stakes.
    #[must_use]
    pub const fn new(stakes: BTreeMap<Signer, Amount>) -> Self {
        Self { stakes, prices: Reports::new(), depths: Reports::new(), costs: Reports::new() }
    }

    /// Other validators, or other stakes. Reports of those who left are forgotten.
    pub fn restake(&mut self, stakes: BTreeMap<Signer, Amount>) {
        self.stakes = stakes;
        let stays = |validator: &Signer| self.stakes.contains_key(validator);
        self.prices.retain(stays);
        self.depths.retain(stays);
        self.costs.retain(stays);
    }

    /// Takes in a price, at `now` by the hub's clock.
    pub fn price(
        &mut self,
        validator: Signer,
        report: PriceReport,
        now: Time,
    ) -> Result<(), MeasurementError> {
        self.check(validator, report.time, now)?;
        self.prices.take_in((report.asset, report.source), validator, report, |report| report.time)
    }

    /// Takes in a depth, at `now` by the hub's clock.
    pub fn depth(
        &mut self,
        validator: Signer,
        report: DepthReport,
        now: Time,
    ) -> Result<(), MeasurementError> {
        self.check(validator, report.time, now)?;
        self.depths.take_in((report.token, report.source), validator, report, |report| report.time)
    }

    /// Takes in costs, at `now` by the hub's clock.
    pub fn cost(&mut self, validator: Signer, report: CostReport, now: Time) -> Result<(), MeasurementError> {
        self.check(validator, report.time, now)?;
        self.costs.take_in((report.chain, report.source), validator, report, |report| report.time)
    }

    fn check(&self, validator: Signer, time: Time, now: Time) -> Result<(), MeasurementError> {
        if !self.stakes.contains_key(&validator) {
            return Err(MeasurementError::UnknownValidator(validator));
        }
        if FUTURE_MOST < time.since(now) {
            return Err(MeasurementError::FromTheFuture { time, now });
        }
        Ok(())
    }

    /// Every source that enough of the stake reported. Reports older than `age_most` at `now` do not count.
    #[must_use]
    pub fn settle(&self, now: Time, age_most: Millis) -> Settled {
        let young = |time: Time| now.since(time) <= age_most;
        let mut settled = Settled::default();
        for ((asset, source), reports) in &self.prices.of {
            let figures = self.counted(reports, |report| young(report.time));
            let Some(figures) = figures else { continue };
            settled.prices.push(PriceReport {
                asset: *asset,
                source: *source,
                price: median(&figures, |report| report.price),
                confidence: median(&figures, |report| report.confidence),
                time: median(&figures, |report| report.time).min(now),
            });
        }
        for ((token, source), reports) in &self.depths.of {
            let figures = self.counted(reports, |report| young(report.time));
            let Some(figures) = figures else { continue };
            let (token, source) = (*token, *source);
            let (depth, time) =
                (median(&figures, |report| report.depth), median(&figures, |report| report.time).min(now));
            settled.depths.push(DepthReport { token, source, depth, time });
        }
        for ((chain, source), reports) in &self.costs.of {
            let figures = self.counted(reports, |report| young(report.time));
            let Some(figures) = figures else { continue };
            settled.costs.push(CostReport {
                chain: *chain,
                source: *source,
                gas: median(&figures, |report| report.gas),
                bridge: median(&figures, |report| report.bridge),
                time: median(&figures, |report| report.time).min(now),
            });
        }
        settled
    }

    /// Reports that count, each with its validator's stake; none where they are of less than two thirds of it.
    fn counted<R: Copy>(
        &self,
        reports: &BTreeMap<Signer, R>,
        counts: impl Fn(&R) -> bool,
    ) -> Option<Vec<(R, u128)>> {
        let stake = |signer: &Signer| self.stakes[signer].wei();
        let figures: Vec<(R, u128)> = reports
            .iter()
            .filter(|(_, report)| counts(report))
            .map(|(signer, report)| (*report, stake(signer)))
            .collect();
        let have: u128 = figures.iter().map(|(_, stake)| stake).sum();
        let all: u128 = self.stakes.values().map(|stake| stake.wei()).sum();
        // Stakes are amounts in range, so sums of them are far from 2^128.
        (0 < have && all * 2 <= have * 3).then_some(figures)
    }
}

impl<K: Ord, R: Copy> Reports<K, R> {
    const fn new() -> Self {
        Self { of: BTreeMap::new(), counts: BTreeMap::new() }
    }

    fn take_in(
        &mut self,
        key: K,
        validator: Signer,
        report: R,
        time_of: impl Fn(&R) -> Time,
    ) -> Result<(), MeasurementError> {
        let time = time_of(&report);
        let before = self.of.get(&key).and_then(|reports| reports.get(&validator)).map(time_of);
        match before {
            Some(newest) if time <= newest => return Err(MeasurementError::Outdated { time, newest }),
            Some(_) => {}
            None => {
                let count = self.counts.entry(validator).or_default();
                if *count == SOURCES_MOST {
                    return Err(MeasurementError::TooMany { limit: SOURCES_MOST });
                }
                *count += 1;
            }
        }
        self.of.entry(key).or_default().insert(validator, report);
        Ok(())
    }

    fn retain(&mut self, stays: impl Fn(&Signer) -> bool) {
        self.counts.retain(|validator, _| stays(validator));
        self.of.retain(|_, reports| {
            reports.retain(|validator, _| stays(validator));
            !reports.is_empty()
        });
    }
}

/// The lowest figure that half of the stake is not above.
fn median<R, F: Ord + Copy>(reports: &[(R, u128)], figure: impl Fn(&R) -> F) -> F {
    let mut figures: Vec<(F, u128)> =
        reports.iter().map(|(report, stake)| (figure(report), *stake)).collect();
    figures.sort_unstable();
    let all: u128 = figures.iter().map(|(_, stake)| stake).sum();
    let mut below = 0;
    for (figure, stake) in &figures {
        below += stake;
        if all <= below * 2 {
            return *figure;
        }
    }
    figures.last().expect("only counted reports have a median").0
}
