//! Depth and re-centring: changes of the curve, paid by the market's budget (R3, R20).
//!
//! - A change costs exactly what it changes in the closing value of the net position, `Δ = V_after - V_before`,
//!   rounded up. Δ > 0: the budget pays it into the pool, or the change does not happen. Δ < 0: the budget gets
//!   a claim of |Δ|, never cash.
//! - Depth: both reserves times λ, `0.978 <= λ² <= 1.001` a period. The formula: the weighted sum s of
//!   `clamp(x / mean(x) - 1, ±1)` over the period's volume, realised volatility and open interest, each against
//!   its 7-day exponential mean; `λ² = 1 + 0.001 s` for s > 0, `1 + 0.022 s` for s < 0, and s = -1 where funding
//!   is at its clamp. Bounds as in Drift v1's formulaic k; signal and weights are ours.
//! - Re-centring: quote times ρ, base unchanged, at most to the index, at most `move_limit` a step, only while
//!   the oracle is fresh.

use super::curve::Curve;
use super::round::Round;
use super::settlement;
use crate::ledger::pay;
use crate::oracle;
use crate::state::{Outcome, State};
use ballast_types::{Action, Event, Holder, LedgerAccount, MarketId, Reason, Reject};
use ballast_units::math::{WAD, sqrt_product};
use ballast_units::{Amount, Millis, Price, Ratio, Usd};
use borsh::{BorshDeserialize, BorshSerialize};

/// What the depth formula measures of a period, and its 7-day means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Activity {
    /// Dollars traded in the running period.
    pub volume: Amount,
    /// Σ |index move| of the running period, share of index.
    pub volatility: Ratio,
    /// Index at the last look.
    pub last_index: Option<Price>,
    /// 7-day mean of a period's volume.
    pub volume_mean: Amount,
    /// 7-day mean of a period's volatility.
    pub volatility_mean: Ratio,
    /// 7-day mean of open interest.
    pub open_interest_mean: Amount,
    /// Periods measured so far.
    pub periods: u32,
}

const UP_MOST: Ratio = Ratio::bps(10); // λ² <= 1.001
const DOWN_MOST: Ratio = Ratio::bps(220); // 0.978 <= λ²
const MEAN_OVER: Millis = Millis::days(7);

/// A change of a curve that has passed its checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    market: MarketId,
    after: Curve,
    cost: Usd,
    /// Base reserve is the new D.
    depth: bool,
}

/// Takes note of the index: realised volatility is the sum of its moves.
pub(crate) fn observe(state: &mut State, market: MarketId) {
    let Some(index) = oracle::index(state, state.markets.get(market).asset) else { return };
    if state.markets.get(market).activity.last_index == Some(index) {
        return;
    }
    let activity = &mut state.markets.get_mut(market).activity;
    if let Some(last) = activity.last_index {
        // A move from one wei to anything is more than can be counted; so are two of them (R11).
        let moved = index.premium_over(last).map_or(Ratio::MAX, Ratio::abs);
        activity.volatility = activity.volatility.checked_add(moved).unwrap_or(Ratio::MAX);
    }
    activity.last_index = Some(index);
}

/// Brings mark nearer to index, as far as step and budget go.
pub(crate) fn recentre(state: &mut State, out: &mut Outcome, market: MarketId) {
    let record = state.markets.get(market);
    if !record.params.recentre {
        return;
    }
    let Ok(index) = oracle::allows(state, record.asset, Action::Recentre) else { return };
    let Some(before) = record.prices.last_mark else { return };
    let Ok(full) = index.premium_over(before) else { return };
    let step = record.params.move_limit.map_or(full, |limit| full.clamp(-limit, limit));
    if step.is_zero() {
        return;
    }
    let Ok(plan) = plan_recentre(state, market, step) else { return };
    let budget = record.money.budget();
    let plan = if plan.cost.positive_part() <= budget {
        plan
    } else {
        // The cost is linear in the step: as much of it as the budget pays.
        let Ok(part) = budget.ratio_to_down(plan.cost.positive_part()) else { return };
        let Ok(part) = step.mul_down(part) else { return };
        match plan_recentre(state, market, part) {
            Ok(plan) if plan.cost.positive_part() <= budget => plan,
            _too_dear => return,
        }
    };
    let cost = plan.cost;
    let Ok(after) = execute(state, out, plan) else { return };
    if after != before {
        out.event(Event::MarketRecentred { market, before, after, cost });
    }
}

/// Applies the depth formula to the period that ended, and begins the next. One in which the index was not fresh says nothing.
pub(crate) fn adjust(state: &mut State, out: &mut Outcome, market: MarketId, round: &Round) {
    let record = state.markets.get(market);
    if round.paused || !oracle::is_fresh(state, record.asset) {
        let activity = &mut state.markets.get_mut(market).activity;
        (activity.volume, activity.volatility) = (Amount::ZERO, Ratio::ZERO);
        return;
    }
    let signal = record.params.depth.map(|_| signal(state, market, round.clamped));
    measure(state, market);
    let Some(signal) = signal else { return };
    let most = if signal.is_negative() { DOWN_MOST } else { UP_MOST };
    let Ok(change) = most.mul_down(signal) else { return };
    let squared = Ratio::ONE + change;
    if change.is_zero() {
        return;
    }
    let factor = sqrt_product(squared.wei().unsigned_abs(), WAD);
    let Ok(factor) = i128::try_from(factor).map(Ratio::from_wei) else { return };
    let budget = record_budget(state, market);
    match plan_depth(state, market, factor) {
        Ok(plan) if plan.cost.positive_part() <= budget => {
            let cost = plan.cost;
            if execute(state, out, plan).is_ok() {
                out.event(Event::DepthChanged { market, squared, cost });
            }
        }
        // What cannot be paid for, or would leave the net position unclosable, does not happen.
        _refused => {}
    }
}

/// Decides on a change of depth (R20): governance's, or the formula's.
pub(crate) fn plan_depth(state: &State, market: MarketId, factor: Ratio) -> Result<Plan, Reject> {
    let record = state.markets.find(market).ok_or(Reject::UnknownMarket { market })?;
    let squared = factor.mul_down(factor)?;
    let (low, high) = (Ratio::ONE - DOWN_MOST, Ratio::ONE + UP_MOST);
    // The square of a rounded root may miss the bound by a wei.
    if squared.saturating_sub(high) > Ratio::from_wei(2) || low.saturating_sub(squared) > Ratio::from_wei(2) {
        return Err(Reject::DepthStep { squared, low, high });
    }
    let after = record.curve.scaled(factor)?;
    if !after.base.in_range() || !after.quote.in_range() {
        return Err(Reject::Overflow {});
    }
    let closed = after.base.dollars().checked_add(Usd::from_wei(record.books.net.wei()))?;
    let tenth = after.base.bps_up(ballast_units::Bps::new(1_000));
    if closed <= tenth.dollars() {
        return Err(Reject::DepthTooSmall { market });
    }
    plan(state, market, after, true)
}

/// Refuses a change that the budget cannot pay.
pub(crate) fn check_budget(state: &State, plan: &Plan) -> Result<(), Reject> {
    let (have, need) = (record_budget(state, plan.market), plan.cost.positive_part());
    if have < need { Err(Reject::BudgetTooSmall { market: plan.market, have, need }) } else { Ok(()) }
}

/// What a change costs.
pub(crate) fn cost(plan: &Plan) -> Usd {
    plan.cost
}

fn plan_recentre(state: &State, market: MarketId, step: Ratio) -> Result<Plan, Reject> {
    let curve = state.markets.get(market).curve;
    let quote = curve.quote.mul_ratio_down(Ratio::ONE + step)?;
    if quote.is_zero() || !quote.in_range() {
        return Err(Reject::Overflow {});
    }
    plan(state, market, Curve { quote, ..curve }, false)
}

fn plan(state: &State, market: MarketId, after: Curve, depth: bool) -> Result<Plan, Reject> {
    let record = state.markets.get(market);
    let before = record.curve.closing_value_down(record.books.net)?;
    let cost = after.closing_value(record.books.net)?.checked_sub(before)?;
    Ok(Plan { market, after, cost, depth })
}

/// Changes the curve and books what that costs. Returns the new mark.
pub(crate) fn execute(state: &mut State, out: &mut Outcome, plan: Plan) -> Result<Price, Reject> {
    let Plan { market, after, cost, depth } = plan;
    let mark = after.mark()?;
    let now = state.now();
    let record = state.markets.get_mut(market);
    record.curve = after;
    record.prices.last_mark = Some(mark);
    record.window.note(now, mark);
    record.books.adjustments += cost;
    if depth {
        record.depth = after.base;
        let members: Vec<_> = state.members(market).iter().collect();
        state.index.look_at(members);
    }
    if cost.is_negative() {
        settlement::add_claim(state, out, Holder::Budget, market, cost.negative_part());
    } else {
        let (budget, pool) = (LedgerAccount::Budget(market), LedgerAccount::Pool(market));
        pay(state, out, budget, pool, cost.positive_part(), Reason::Curve);
    }
    Ok(mark)
}

fn record_budget(state: &State, market: MarketId) -> Amount {
    state.markets.get(market).money.budget()
}

/// Between -1 and 1: how far the period stands above its 7-day means.
fn signal(state: &State, market: MarketId, clamped: bool) -> Ratio {
    let record = state.markets.get(market);
    let activity = &record.activity;
    let Some(weights) = record.params.depth else { return Ratio::ZERO };
    if clamped {
        return -Ratio::ONE;
    }
    if activity.periods == 0 {
        return Ratio::ZERO;
    }
    let open = record.books.long.max(record.books.short);
    let volatility = |ratio: Ratio| Amount::from_wei(ratio.wei().unsigned_abs());
    let parts = [
        (weights.volume, activity.volume, activity.volume_mean),
        (weights.volatility, volatility(activity.volatility), volatility(activity.volatility_mean)),
        (weights.open_interest, open, activity.open_interest_mean),
    ];
    let mut signal = Ratio::ZERO;
    for (weight, now, mean) in parts {
        let stand = if mean.is_zero() {
            Ratio::ZERO
        } else {
            now.ratio_to_down(mean).map_or(Ratio::ONE, |r| r - Ratio::ONE)
        };
        signal += stand.clamp(-Ratio::ONE, Ratio::ONE).mul_down(weight).unwrap_or(Ratio::ZERO);
    }
    signal.clamp(-Ratio::ONE, Ratio::ONE)
}

/// Takes the period into the means and begins the next.
fn measure(state: &mut State, market: MarketId) {
    let record = state.markets.get_mut(market);
    let open = record.books.long.max(record.books.short);
    let period = record.params.funding_period;
    let activity = &mut record.activity;
    if activity.periods == 0 {
        activity.volume_mean = activity.volume;
        activity.volatility_mean = activity.volatility;
        activity.open_interest_mean = open;
    } else {
        activity.volume_mean = activity.volume_mean.ema(activity.volume, period, MEAN_OVER);
        activity.volatility_mean = activity.volatility_mean.ema(activity.volatility, period, MEAN_OVER);
        activity.open_interest_mean = activity.open_interest_mean.ema(open, period, MEAN_OVER);
    }
    activity.volume = Amount::ZERO;
    activity.volatility = Ratio::ZERO;
    activity.periods = activity.periods.saturating_add(1);
}
