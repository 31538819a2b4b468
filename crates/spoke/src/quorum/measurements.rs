//! Measurements: prices, depths and costs, which no two validators report alike.
//!
//! - Each validator reports every source for itself. A source counts when at least two thirds of the stake reported it;
//!   then each of its figures, and its time, is the median by stake: the lowest that half of the stake is not above.
//! - A newer report of a validator takes the place of its older one; an older one is refused.
//! - Keeps: with less than a third of the stake lying, every figure lies between two honest ones.

use ballast_types::{AssetId, ChainId, CostReport, DepthReport, PriceReport, Signer, SourceId, Token};
use ballast_units::{Amount, Millis, Time};
use std::collections::BTreeMap;

/// Why a measurement was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeasurementError {
    /// Not of the set.
    #[error("{0} is not a validator")]
    UnknownValidator(Signer),
    /// Not newer than the validator's last one.
    #[error("measured at {time}; the validator's last one was measured at {newest}")]
    Outdated {
        /// Of this one.
        time: Time,
        /// Of its last one.
        newest: Time,
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

type Reports<K, R> = BTreeMap<K, BTreeMap<Signer, R>>;

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
        Self { stakes, prices: BTreeMap::new(), depths: BTreeMap::new(), costs: BTreeMap::new() }
    }

    /// Takes in a price.
    pub fn price(&mut self, validator: Signer, report: PriceReport) -> Result<(), MeasurementError> {
        self.check(validator)?;
        take_in(self.prices.entry((report.asset, report.source)).or_default(), validator, report, |report| {
            report.time
        })
    }

    /// Takes in a depth.
    pub fn depth(&mut self, validator: Signer, report: DepthReport) -> Result<(), MeasurementError> {
        self.check(validator)?;
        take_in(self.depths.entry((report.token, report.source)).or_default(), validator, report, |report| {
            report.time
        })
    }

    /// Takes in costs.
    pub fn cost(&mut self, validator: Signer, report: CostReport) -> Result<(), MeasurementError> {
        self.check(validator)?;
        take_in(self.costs.entry((report.chain, report.source)).or_default(), validator, report, |report| {
            report.time
        })
    }

    fn check(&self, validator: Signer) -> Result<(), MeasurementError> {
        let known = self.stakes.contains_key(&validator);
        known.then_some(()).ok_or(MeasurementError::UnknownValidator(validator))
    }

    /// Every source that enough of the stake reported. Reports older than `age_most` at `now` do not count.
    #[must_use]
    pub fn settle(&self, now: Time, age_most: Millis) -> Settled {
        let young = |time: Time| now.since(time) <= age_most;
        let mut settled = Settled::default();
        for ((asset, source), reports) in &self.prices {
            let figures = self.counted(reports, |report| young(report.time));
            let Some(figures) = figures else { continue };
            settled.prices.push(PriceReport {
                asset: *asset,
                source: *source,
                price: median(&figures, |report| report.price),
                confidence: median(&figures, |report| report.confidence),
                time: median(&figures, |report| report.time),
            });
        }
        for ((token, source), reports) in &self.depths {
            let figures = self.counted(reports, |report| young(report.time));
            let Some(figures) = figures else { continue };
            let (token, source) = (*token, *source);
            let (depth, time) =
                (median(&figures, |report| report.depth), median(&figures, |report| report.time));
            settled.depths.push(DepthReport { token, source, depth, time });
        }
        for ((chain, source), reports) in &self.costs {
            let figures = self.counted(reports, |report| young(report.time));
            let Some(figures) = figures else { continue };
            settled.costs.push(CostReport {
                chain: *chain,
                source: *source,
                gas: median(&figures, |report| report.gas),
                bridge: median(&figures, |report| report.bridge),
                time: median(&figures, |report| report.time),
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

fn take_in<R: Copy>(
    reports: &mut BTreeMap<Signer, R>,
    validator: Signer,
    report: R,
    time_of: impl Fn(&R) -> Time,
) -> Result<(), MeasurementError> {
    let time = time_of(&report);
    if let Some(newest) = reports.get(&validator).map(time_of).filter(|newest| time <= *newest) {
        return Err(MeasurementError::Outdated { time, newest });
    }
    reports.insert(validator, report);
    Ok(())
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
