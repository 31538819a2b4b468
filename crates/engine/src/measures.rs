//! Measures of chains that are no prices: how much of a token a chain's market takes, what gas and bridges cost there.
//!
//! - Each source tells its own figure; the median of enough young ones counts, and is as old as the oldest of them. Of
//!   an even number the lower of the two in the middle: the cautious one for depth, and for costs the smaller charge.
//! - Young, and enough: as for prices (`OracleParams`).

use crate::state::State;
use ballast_types::{CostReport, DepthReport, OracleParams, Reject, SourceId};
use ballast_units::{Amount, Millis, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// Days that a token's depth is remembered of.
const DAYS: usize = 7;

/// A figure that several sources measure, dollars.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Measured {
    /// Last reading of each source, ascending by source.
    readings: Vec<Reading>,
    /// The last median of enough young readings, and when the oldest of them was made.
    value: Option<(Amount, Time)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Reading {
    source: SourceId,
    value: Amount,
    time: Time,
}

impl Measured {
    /// The figure in use and when it was measured, whatever its age.
    #[must_use]
    pub fn last(&self) -> Option<(Amount, Time)> {
        self.value
    }

    /// The figure in use, where it is young enough.
    #[must_use]
    pub fn fresh(&self, now: Time, params: &OracleParams) -> Option<Amount> {
        self.value.filter(|(_, time)| now.since(*time) <= params.max_age).map(|(value, _)| value)
    }

    /// The figure in use as long as anything is done on it at all.
    #[must_use]
    pub fn usable(&self, now: Time, params: &OracleParams) -> Option<Amount> {
        self.value.filter(|(_, time)| now.since(*time) <= params.halt_age).map(|(value, _)| value)
    }

    fn check(&self, source: SourceId, value: Amount, time: Time, now: Time) -> Result<(), Reject> {
        if !value.in_range() {
            return Err(Reject::AmountOutOfRange { amount: value, limit: Amount::LIMIT });
        }
        if now < time {
            return Err(Reject::MeasureFromFuture { time, now });
        }
        let known = self.readings.iter().find(|known| known.source == source);
        match known.map(|known| known.time).filter(|newest| time < *newest) {
            Some(newest) => Err(Reject::MeasureOutdated { time, newest }),
            None => Ok(()),
        }
    }

    /// Takes a checked reading.
    fn take(&mut self, source: SourceId, value: Amount, time: Time, now: Time, params: &OracleParams) {
        let reading = Reading { source, value, time };
        match self.readings.binary_search_by_key(&source, |known| known.source) {
            Ok(at) => {
                if let Some(known) = self.readings.get_mut(at) {
                    *known = reading;
                }
            }
            Err(at) => self.readings.insert(at, reading),
        }
        let young = self.readings.iter().filter(|known| now.since(known.time) <= params.max_age);
        let young: Vec<Reading> = young.copied().collect();
        if young.len() < usize::from(params.sources_min) {
            return;
        }
        let oldest = young.iter().map(|known| known.time).min().unwrap_or(time);
        let mut values: Vec<Amount> = young.iter().map(|known| known.value).collect();
        values.sort_unstable();
        let middle = values.len().saturating_sub(1) >> 1;
        self.value = values.get(middle).map(|median| (*median, oldest));
    }
}

/// What a chain's market took of a token on each of the last seven days, as it was first measured on each.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DailyDepth {
    /// Day since 1970 and dollars, oldest first.
    days: Vec<(u64, Amount)>,
}

impl DailyDepth {
    fn note(&mut self, now: Time, value: Amount) {
        let day = now.millis().checked_div(Millis::days(1).get()).unwrap_or(0);
        if self.days.last().is_none_or(|(last, _)| *last < day) {
            self.days.push((day, value));
            let old = self.days.len().saturating_sub(DAYS);
            self.days.drain(..old);
        }
    }

    /// The median of the days; of an even number the lower one in the middle.
    #[must_use]
    pub fn median(&self) -> Option<Amount> {
        let mut values: Vec<Amount> = self.days.iter().map(|(_, value)| *value).collect();
        values.sort_unstable();
        values.get(values.len().saturating_sub(1) >> 1).copied()
    }
}

/// Takes a measurement of how much of a token a chain's market takes.
pub(crate) fn depth(state: &mut State, report: &DepthReport) -> Result<(), Reject> {
    let DepthReport { token, source, depth, time } = *report;
    crate::custody::check_token(state, token)?;
    let (now, params) = (state.now(), state.house.oracle);
    state.token(token).expect("checked above").depth.check(source, depth, time, now)?;
    let record = state.token_mut(token);
    record.depth.take(source, depth, time, now, &params);
    if let Some(depth) = record.depth.fresh(now, &params) {
        record.days.note(now, depth);
    }
    hear(state, token.chain, time);
    Ok(())
}

/// Takes a measurement of what things cost on a chain.
pub(crate) fn cost(state: &mut State, report: &CostReport) -> Result<(), Reject> {
    let CostReport { chain, source, gas, bridge, time } = *report;
    let (now, params) = (state.now(), state.house.oracle);
    let record = state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    record.gas.check(source, gas, time, now)?;
    record.bridge.check(source, bridge, time, now)?;
    let record = state.chains.get_mut(chain);
    record.gas.take(source, gas, time, now, &params);
    record.bridge.take(source, bridge, time, now, &params);
    hear(state, chain, time);
    Ok(())
}

/// Something of this age was heard of a chain.
pub(crate) fn hear(state: &mut State, chain: ballast_types::ChainId, time: Time) {
    if state.chains.get(chain).heard < time {
        state.chains.get_mut(chain).heard = time;
    }
}
