//! Listing: conditions without which a market or a token is a loss waiting to happen (R8, R14).

use crate::auction::seconds;
use ballast_types::{LiquidationParams, MarketParams, OracleParams, RateParams, Reject, TokenParams};
use ballast_units::math::rpow;
use ballast_units::{Amount, Millis, Price, Ratio};

/// Time between the hub's blocks that the conditions reckon with.
const HUB_BLOCK: Millis = Millis::seconds(2);
/// More windows than this are never needed: the move limit has a lower bound.
const WINDOWS_MOST: u64 = 10_000;

/// The health that a lot aims at is no more than so many times the fall of its index.
const FALL_MOST: Ratio = Ratio::whole(10);

/// Where depth is known, no more than so many times of it is under auction.
const DEPTH_MULTIPLE_MOST: Ratio = Ratio::whole(1_000);

/// A new lot waits no longer for depth.
const DEPTH_WAIT_MOST: Millis = Millis::hours(1);

/// Bounds of single parameters: what is outside would divide by zero, never end or mean nothing.
pub(crate) fn check_bounds(params: &MarketParams) -> Result<(), Reject> {
    let (zero, one) = (Ratio::ZERO, Ratio::ONE);
    within(params.margin_maintenance, zero, one)?;
    within(params.leverage_max, one, Ratio::whole(1_000_000))?;
    within(params.premium_clamp, zero, Ratio::percent(50))?;
    within(params.fee_trade.ratio(), zero, Ratio::percent(10))?;
    within(params.fee_liquidation.ratio(), zero, Ratio::percent(50))?;
    within(params.index_move, zero, one)?;
    for share in [params.band, params.move_limit].into_iter().flatten() {
        within(share, Ratio::bps(1), Ratio::percent(50))?;
    }
    if let Some(clamp) = params.funding_clamp {
        within(clamp, zero, Ratio::percent(10))?;
    }
    if let Some(weights) = params.depth {
        for weight in [weights.volume, weights.volatility, weights.open_interest] {
            within(weight, zero, one)?;
        }
        within(weights.volume + weights.volatility + weights.open_interest, one, one)?;
    }
    for span in [params.funding_period, params.twap_window, params.premium_window, params.move_window] {
        let seconds =
            Ratio::whole(i64::try_from(span.get().checked_div(1_000).unwrap_or(0)).unwrap_or(i64::MAX));
        within(seconds, one, Ratio::whole(31_536_000))?;
    }
    for amount in [params.open_interest_cap, params.backstop_cap, params.tranche_cap, params.budget_cap] {
        if !amount.in_range() {
            return Err(Reject::AmountOutOfRange { amount, limit: Amount::LIMIT });
        }
    }
    Ok(())
}

/// R8: margins cover what can happen while a position is being closed, and what the cap lets in can be
/// closed in time.
pub(crate) fn check_market(params: &MarketParams, depth: Amount, mark: Price) -> Result<(), Reject> {
    let band = params.band.unwrap_or(Ratio::ONE);
    let adverse = band + params.index_move;
    let fees = params.fee_trade.ratio() + params.fee_liquidation.ratio();
    let cap = params.open_interest_cap.at_price_up(mark)?;
    let half = Amount::from_wei(depth.wei() >> 1);
    let largest = cap.min(half);
    let windows = params.move_limit.map_or(0, |limit| windows_to_close(limit, depth, largest));
    let time = HUB_BLOCK.get().saturating_add(params.move_window.get().saturating_mul(windows));
    let periods = time.div_ceil(params.funding_period.get().max(1));
    let periods = Ratio::whole(i64::try_from(periods).unwrap_or(i64::MAX));
    let clamp = params.funding_clamp.unwrap_or(Ratio::ONE);
    let need = adverse + (Ratio::ONE + adverse).mul_up(fees)? + clamp.mul_up(periods)?;
    let have = params.margin_maintenance;
    if have < need {
        return Err(Reject::ListingMaintenance { need, have });
    }
    let initial = Ratio::ONE.div_down(params.leverage_max)?;
    let need = params.margin_maintenance + band + params.fee_trade.ratio() + params.fee_trade.ratio();
    if initial < need {
        return Err(Reject::ListingInitial { need, have: initial });
    }
    let closable = closable(params, depth).value_down(mark)?;
    let within = closable.checked_add(params.backstop_cap)?;
    if within < params.open_interest_cap {
        return Err(Reject::ListingOpenInterest { closable: within, cap: params.open_interest_cap });
    }
    Ok(())
}

/// R14: `θ_M >= (1 + liquidation fee) / (fill · (1 - drop))`, and `θ_I >= 1.10 · θ_M`.
pub(crate) fn check_token(params: &TokenParams, fee: Ratio, fill: Ratio) -> Result<(), Reject> {
    let kept = fill.mul_down(Ratio::ONE - params.drop)?;
    let need = (Ratio::ONE + fee).div_up(kept)?;
    if params.threshold < need {
        return Err(Reject::ListingThreshold { need, have: params.threshold });
    }
    let need = params.threshold.mul_up(Ratio::percent(110))?;
    if params.threshold_initial < need {
        return Err(Reject::ListingThreshold { need, have: params.threshold_initial });
    }
    Ok(())
}

/// Bounds of a token's parameters.
pub(crate) fn check_token_bounds(params: &TokenParams) -> Result<(), Reject> {
    for value in [params.threshold, params.threshold_initial] {
        if value < Ratio::ONE || Ratio::whole(1_000) < value {
            return Err(Reject::ListingValue { value, low: Ratio::ONE, high: Ratio::whole(1_000) });
        }
    }
    if params.drop < Ratio::ZERO || Ratio::percent(90) < params.drop {
        return Err(Reject::ListingValue { value: params.drop, low: Ratio::ZERO, high: Ratio::percent(90) });
    }
    if params.unit.is_zero() {
        return Err(Reject::AmountZero {});
    }
    Ok(())
}

/// Bounds of the oracle's parameters.
pub(crate) fn check_oracle(params: &OracleParams) -> Result<(), Reject> {
    if params.sources_min == 0 {
        return Err(Reject::AmountZero {});
    }
    Ok(())
}

/// Bounds of a lending pool's interest.
pub(crate) fn check_rate(rate: &RateParams) -> Result<(), Reject> {
    let (zero, most) = (Ratio::ZERO, Ratio::whole(10)); // 1,000 % a year
    within(rate.base, zero, rate.at_kink)?;
    within(rate.at_kink, rate.base, rate.at_full)?;
    within(rate.at_full, rate.at_kink, most)?;
    within(rate.kink, Ratio::bps(1), Ratio::ONE - Ratio::bps(1))?;
    within(rate.reserve_factor.ratio(), zero, Ratio::ONE)
}

/// Bounds of the terms of liquidation.
pub(crate) fn check_liquidation(params: &LiquidationParams) -> Result<(), Reject> {
    within(params.takeover_equity, Ratio::ZERO, Ratio::ONE)?;
    within(params.fee_collateral.ratio(), Ratio::ZERO, Ratio::percent(50))?;
    within(params.fill_expected, Ratio::percent(10), Ratio::ONE)?;
    within(params.health_target, Ratio::ZERO, Ratio::ONE)?;
    within(params.target_most, params.health_target, Ratio::ONE)?;
    within(params.target_fall, Ratio::ZERO, FALL_MOST)?;
    within(params.sell_all_below, Ratio::ZERO, Ratio::ONE)?;
    within(params.depth_multiple, Ratio::ZERO, DEPTH_MULTIPLE_MOST)?;
    within(seconds(params.depth_wait), Ratio::ZERO, seconds(DEPTH_WAIT_MOST))?;
    if params.round_batch == 0 {
        return Err(Reject::AmountZero {});
    }
    Ok(())
}

/// Refuses a value outside its bounds.
pub(crate) fn within(value: Ratio, low: Ratio, high: Ratio) -> Result<(), Reject> {
    if value < low || high < value { Err(Reject::ListingValue { value, low, high }) } else { Ok(()) }
}

/// n: the fewest windows of the move limit in which a position of `size` can leave a curve of this depth:
/// `(1 - limit)^n <= (D / (D + s))²`.
fn windows_to_close(limit: Ratio, depth: Amount, size: Amount) -> u64 {
    let Ok(left) = depth.ratio_to_down(depth + size) else { return WINDOWS_MOST };
    let Ok(target) = left.mul_down(left) else { return WINDOWS_MOST };
    let keep = (Ratio::ONE - limit).wei().unsigned_abs();
    let reached = |windows: u64| {
        rpow(keep, windows)
            .is_ok_and(|kept| i128::try_from(kept).is_ok_and(|kept| Ratio::from_wei(kept) <= target))
    };
    let (mut low, mut high) = (0_u64, WINDOWS_MOST);
    while low < high {
        let middle = low.midpoint(high);
        if reached(middle) {
            high = middle;
        } else {
            low = middle.saturating_add(1);
        }
    }
    low
}

/// Base that can leave the curve within `close_time_max`: `s = D · ((1 - limit)^(-n/2) - 1)`.
fn closable(params: &MarketParams, depth: Amount) -> Amount {
    let Some(limit) = params.move_limit else { return depth };
    let windows = params.close_time_max.get().checked_div(params.move_window.get().max(1)).unwrap_or(0);
    let keep = (Ratio::ONE - limit).wei().unsigned_abs();
    let Ok(kept) = rpow(keep, windows.min(WINDOWS_MOST)) else { return Amount::ZERO };
    if kept == 0 {
        return depth;
    }
    let root = ballast_units::math::sqrt_product(kept, ballast_units::math::WAD);
    depth
        .share_down(Amount::whole(1), Amount::from_wei(root.max(1)))
        .map_or(depth, |grown| grown.saturating_sub(depth))
        .min(depth)
}
