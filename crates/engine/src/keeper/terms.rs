//! Bounds of the keepers' terms.

use super::registry;
use crate::market::listing::within;
use crate::state::{Outcome, State};
use ballast_types::{Event, KeeperParams, Reject};
use ballast_units::{Amount, Millis, Ratio};

/// Refuses terms that are outside their bounds.
pub(crate) fn check(params: &KeeperParams) -> Result<(), Reject> {
    if params.stake_min.is_zero() {
        return Err(Reject::AmountZero {});
    }
    for amount in [params.stake_min, params.stake_counted] {
        if !amount.in_range() {
            return Err(Reject::AmountOutOfRange { amount, limit: Amount::LIMIT });
        }
    }
    if params.stake_counted < params.stake_min {
        return Err(Reject::StakeTooSmall { have: params.stake_counted, need: params.stake_min });
    }
    within(params.uptime_min, Ratio::ZERO, Ratio::ONE)?;
    span(params.uptime_age_min, Millis::seconds(1), Millis::days(29))?;
    span(params.heartbeat, Millis::seconds(1), Millis::hours(1))?;
    span(params.unstake_delay, Millis::hours(1), Millis::days(90))?;
    span(params.deliver_within, Millis::seconds(10), Millis::days(1))?;
    span(params.report_within, Millis::seconds(10), Millis::days(1))?;
    span(params.suspension, Millis::days(1), Millis::days(365))?;
    span(params.freeze, Millis::minutes(1), Millis::days(7))?;
    count(u64::from(params.drawn), 1, 16)?;
    count(u64::from(params.draws_most), 1, 16)?;
    count(u64::from(params.misdeeds), 1, 255)?;
    within(params.frozen_most, Ratio::ZERO, Ratio::ONE)?;
    count(u64::from(params.weight_c), 1, 255)?;
    count(u64::from(params.weight_b), u64::from(params.weight_c), 255)?;
    count(u64::from(params.weight_a), u64::from(params.weight_b), 255)?;
    // Reserve and treasury have their 50 % and 10 % (R19).
    within(params.fee_first.ratio(), Ratio::ZERO, Ratio::percent(20))?;
    within(params.fee_first.ratio() + params.fee_pot.ratio(), Ratio::bps(1), Ratio::percent(40))?;
    within(params.fee_a.ratio(), params.fee_b.ratio(), params.fee_pot.ratio())?;
    within(params.fee_b.ratio(), params.fee_c.ratio(), params.fee_pot.ratio())?;
    for weight in [params.efficiency_weight, params.price_weight, params.consistency_weight] {
        within(weight, Ratio::ZERO, Ratio::ONE)?;
    }
    let weights = params.efficiency_weight + params.price_weight + params.consistency_weight;
    within(weights, Ratio::ONE, Ratio::ONE)?;
    within(params.price_tolerance, Ratio::bps(1), Ratio::percent(50))?;
    within(params.grade_c, Ratio::ZERO, params.grade_b)?;
    within(params.grade_b, params.grade_c, params.grade_a)?;
    within(params.grade_a, params.grade_b, Ratio::ONE)?;
    within(params.fine.ratio(), Ratio::ZERO, Ratio::ONE)
}

fn span(value: Millis, low: Millis, high: Millis) -> Result<(), Reject> {
    count(value.get(), low.get(), high.get())
}

fn count(have: u64, low: u64, high: u64) -> Result<(), Reject> {
    if have < low || high < have { Err(Reject::KeeperTerms { have, low, high }) } else { Ok(()) }
}

/// Governance changes the terms. Deadlines that run keep theirs.
pub(crate) fn change(state: &mut State, out: &mut Outcome, params: &KeeperParams) -> Result<(), Reject> {
    check(params)?;
    state.house.keepers.params = *params;
    out.event(Event::KeeperTermsChanged {});
    registry::look_at_regions(state, out);
    Ok(())
}
