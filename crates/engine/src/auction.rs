//! Auctions: the price of a lot as it falls, its floor, and what a taker may take (R2, R16).
//!
//! - Pure: no state. A spoke's auction house computes the same numbers; the sim chain calls these.
//! - Price: `start · step_factor ^ (whole steps passed)`, never below the floor. The power by squaring, half up
//!   at each multiplication; its product with `start` down.
//!   With a factor of zero the fall is linear, from `start` to nothing over one step (MakerDAO's `LinearDecrease`).
//! - Floor: `index · clamp(need / (quantity · index), floor_min, floor_max)`, rounded up; both bounds fall by
//!   `floor_cut` a round; always below the start.
//! - Payment: `quantity · price`, rounded up: against the taker.
//! - Part: a take pays the need and no more; neither rest is worth less than the dust while the auction goes on (R27).
//! - Invitation: one step after the floor is reached, at the latest when `duration` is over, the price is the floor;
//!   it stands until the end, and listed market makers keep `rebate` of what they pay. Others may take all the same.

use crate::market::listing::within;
use ballast_types::{Auction, AuctionSchedule, Reject};
use ballast_units::math::{mul_div_down, rpow};
use ballast_units::{Amount, Millis, Overflow, Price, Ratio, Time};
use std::fmt;

/// No share of index is lower as a floor, however many rounds.
const FLOOR_LEAST: Ratio = Ratio::percent(1);

/// No step is shorter.
const STEP_LEAST: Millis = Millis::seconds(1);

/// No linear fall is longer.
const STEP_MOST: Millis = Millis::hours(24);

/// A schedule whose price falls before a take can be included (R16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateInclusion {
    /// Time of one step.
    pub step: Millis,
    /// Twice the chain's p95 of inclusion time: a step should be at least this long.
    pub need: Millis,
    /// Share of the price that a take included one step late costs the sale: `1 - step_factor`.
    pub cost: Ratio,
}

impl fmt::Display for LateInclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, need, cost } = self;
        let percent = cost.wei().unsigned_abs().checked_div(10_u128.pow(16)).unwrap_or(0);
        write!(
            f,
            "an auction's step of {step} ms is shorter than twice the chain's time of inclusion ({need} ms): a take that is \
             included a step late costs the sale {percent} % of the price"
        )
    }
}

/// Dollars a unit at an instant: `start` until the first step has passed, then lower step by step.
#[must_use]
pub fn price(auction: &Auction, at: Time) -> Price {
    if auction.invites <= at {
        return auction.floor;
    }
    if auction.step_factor == Ratio::ZERO {
        return linear(auction, at).max(auction.floor);
    }
    let steps = at.since(auction.opened).get().checked_div(auction.step.get()).unwrap_or(0);
    let falling = || -> Result<Price, Overflow> {
        let factor = rpow(auction.step_factor.wei().unsigned_abs(), steps)?;
        auction.start.mul_ratio_down(Ratio::from_wei(i128::try_from(factor).map_err(|_| Overflow)?))
    };
    // A product of zero is out of a price's range: the floor holds it.
    falling().unwrap_or(auction.floor).max(auction.floor)
}

/// A factor of zero makes the fall linear, from `start` to nothing over one `step`: rounded down.
fn linear(auction: &Auction, at: Time) -> Price {
    let whole = auction.step.get();
    let left = whole.saturating_sub(at.since(auction.opened).get());
    mul_div_down(auction.start.wei(), left.into(), whole.into())
        .and_then(Price::from_wei)
        .unwrap_or(auction.floor)
}

/// What a listed market maker keeps of a payment at an instant, rounded down.
#[must_use]
pub fn rebate(auction: &Auction, at: Time, paid: Amount) -> Amount {
    if auction.invites <= at { paid.bps_down(auction.rebate) } else { Amount::ZERO }
}

/// Dollars due for `quantity` at an instant, rounded up.
pub fn take_due(auction: &Auction, at: Time, quantity: Amount) -> Result<Amount, Overflow> {
    quantity.value_up(price(auction, at))
}

/// What an auction has left to sell and to raise, at the price of an instant (R27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remainder {
    /// Collateral, not taken.
    pub left: Amount,
    /// Dollars of the need, not paid.
    pub need: Amount,
    /// Dollars for one whole unit.
    pub price: Price,
    /// Collateral: neither rest is worth less than this while the auction goes on. Whole in `unit`.
    pub dust: Amount,
    /// Smallest unit of the collateral, in wei.
    pub unit: Amount,
    /// Smallest unit of the coin, in wei.
    pub coin: Amount,
}

/// What a take gets and pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Collateral.
    pub quantity: Amount,
    /// Dollars due for it, up to the coin's unit.
    pub due: Amount,
}

impl Remainder {
    /// How much a take of `wanted` gets (R27): no more than pays the need. Where the auction goes on, both rests and the take
    /// itself are worth at least the dust. `None` where that allows no take; then all of [`Self::whole`] has to be wanted.
    #[must_use]
    pub fn cut(&self, wanted: Amount) -> Option<Cut> {
        let Self { left, need, price, dust, unit, coin } = *self;
        let whole = self.whole();
        let first = wanted.min(whole);
        let due = self.due(first)?;
        if first == left || need <= due {
            return (!first.is_zero()).then_some(Cut { quantity: first, due });
        }
        let mut quantity = first.min(left.saturating_sub(dust));
        let rest = dust.value_up(price).ok()?;
        if need < self.due(quantity)?.checked_add(rest).ok()? {
            let most = need.saturating_sub(rest).units_down(coin).at_price_down(price).unwrap_or(Amount::MAX);
            quantity = quantity.min(most.units_down(unit));
        }
        let due = self.due(quantity)?;
        (!quantity.is_zero() && dust <= quantity).then_some(Cut { quantity, due })
    }

    /// What ends the auction: all that is left, or as much as pays the need, up to the collateral's unit.
    #[must_use]
    pub fn whole(&self) -> Amount {
        let pays = self.need.at_price_up(self.price).ok().and_then(|pays| pays.units_up(self.unit).ok());
        pays.unwrap_or(Amount::MAX).min(self.left)
    }

    /// Dollars due for a quantity, up to the coin's unit.
    fn due(&self, quantity: Amount) -> Option<Amount> {
        quantity.value_up(self.price).ok().and_then(|due| due.units_up(self.coin).ok())
    }
}

/// Floor and start of a round, dollars a unit. `round` counts from 0; `need` and `quantity · index` in dollars.
pub fn floor(
    need: Amount,
    quantity: Amount,
    index: Price,
    schedule: &AuctionSchedule,
    round: u8,
) -> Result<(Price, Price), Overflow> {
    let (low, high) = bounds(schedule, round)?;
    let start = index.mul_ratio_down(schedule.start)?;
    // A need beyond what can be counted in, or a lot worth nothing, asks for the most.
    let share = need.ratio_to_up(quantity.value_down(index)?).unwrap_or(high);
    let floor = index.mul_ratio_up(share.clamp(low, high))?;
    Ok((floor.min(start.saturating_sub(Price::from_wei(1)?)), start))
}

/// What the reserve pays at most once every round has failed: the last round's lowest floor at the index of now,
/// rounded down.
pub fn reserve_price(index: Price, schedule: &AuctionSchedule) -> Result<Price, Overflow> {
    let (low, _) = bounds(schedule, schedule.rounds.saturating_sub(1))?;
    index.mul_ratio_down(low)
}

/// The terms of a round that opens at `opened`.
pub fn terms(
    need: Amount,
    quantity: Amount,
    index: Price,
    opened: Time,
    schedule: &AuctionSchedule,
    round: u8,
) -> Result<Auction, Overflow> {
    let (floor, start) = floor(need, quantity, index, schedule, round)?;
    let dust = schedule.dust.at_price_up(index)?;
    let &AuctionSchedule { step_factor, step, rebate, .. } = schedule;
    let latest = opened.after(schedule.duration);
    let mut auction = Auction {
        quantity,
        opened,
        start,
        floor,
        step_factor,
        step,
        invites: latest,
        ends: latest,
        need,
        dust,
        rebate,
    };
    auction.invites = invites(&auction);
    auction.ends = auction.invites.after(schedule.invitation);
    Ok(auction)
}

/// One step after the one at which an auction's price reaches its floor, or `invites` as it is where that is sooner.
fn invites(auction: &Auction) -> Time {
    // A linear fall has no steps: to the millisecond.
    let grain = if auction.step_factor == Ratio::ZERO { 1 } else { auction.step.get() };
    let time_of = |steps: u64| auction.opened.after(Millis::new(grain.saturating_mul(steps)));
    let (mut above, mut most) =
        (0_u64, auction.invites.since(auction.opened).get().checked_div(grain).unwrap_or(0));
    // The price falls with every step: the first at the floor lies between the last known above it and the last of all.
    while above < most {
        let middle = above.midpoint(most);
        if price(auction, time_of(middle)) == auction.floor {
            most = middle;
        } else {
            above = middle.saturating_add(1);
        }
    }
    time_of(most.saturating_add(1)).min(auction.invites)
}

/// Whether a schedule may be listed on a chain, and the warning with which (R16).
pub fn check(schedule: &AuctionSchedule, inclusion_p95: Millis) -> Result<Option<LateInclusion>, Reject> {
    let least = Ratio::from_wei(1);
    let below_one = Ratio::ONE - least;
    let is_linear = schedule.step_factor == Ratio::ZERO;
    let step_most = if is_linear { STEP_MOST } else { schedule.duration };
    within(seconds(schedule.step), seconds(STEP_LEAST), seconds(step_most))?;
    within(schedule.step_factor, Ratio::ZERO, below_one)?;
    within(schedule.floor_max, schedule.floor_min, schedule.start - least)?;
    within(Ratio::whole(i64::from(schedule.rounds)), Ratio::ONE, Ratio::whole(i64::from(u8::MAX)))?;
    within(schedule.floor_cut, Ratio::ZERO, below_one)?;
    let cuts = Ratio::whole(i64::from(schedule.rounds.saturating_sub(1)));
    within(schedule.floor_min, FLOOR_LEAST.checked_add(schedule.floor_cut.mul_up(cuts)?)?, Ratio::MAX)?;
    let need = Millis::new(inclusion_p95.get().saturating_mul(2));
    let cost = Ratio::ONE - schedule.step_factor;
    Ok((schedule.step < need && !is_linear).then_some(LateInclusion { step: schedule.step, need, cost }))
}

/// Lowest and highest floor of a round, as shares of index.
fn bounds(schedule: &AuctionSchedule, round: u8) -> Result<(Ratio, Ratio), Overflow> {
    let cut = schedule.floor_cut.mul_up(Ratio::whole(i64::from(round)))?;
    let low = schedule.floor_min.checked_sub(cut)?.max(FLOOR_LEAST);
    let high = schedule.floor_max.checked_sub(cut)?.max(low);
    Ok((low, high))
}

/// A span in seconds, held at the end of what is counted in.
pub(crate) fn seconds(span: Millis) -> Ratio {
    // 1 ms = 10^15 wei of a second.
    Ratio::from_wei(i128::from(span.get()).saturating_mul(1_000_000_000_000_000))
}
