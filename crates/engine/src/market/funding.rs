//! Funding: what longs pay shorts (or the other way) for the distance of mark from index (R12).
//!
//! - A period's rate is `(TWAP(mark) - TWAP(index)) · period / 24 h` a base unit, clamped to a share of TWAP(index)
//!   and of the index when it is charged.
//! - Nothing is charged for a time when the index was not fresh: nobody knew it, and payers could not leave.
//! - Payers' index moves by |rate|; receivers' by `|rate| · min(1, payers / receivers)`, rounded down. What
//!   payers pay beyond that is surplus: a claim of the market's budget.
//! - An account is charged `ceil(size · index move)` and credited `floor`: I05, charged = credited + surplus +
//!   dust, dust >= 0.
//! - Source: Perpetual Protocol v1's funding, with its period of 24 h; the two indices and the surplus are ours.

use super::{Market, settlement};
use crate::account::Position;
use crate::oracle;
use crate::state::{Outcome, State};
use ballast_types::{Event, Holder, MarketId};
use ballast_units::{Amount, Millis, Price, Ratio, Time, Usd};
use borsh::{BorshDeserialize, BorshSerialize};

/// The funding of a market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Funding {
    /// Dollars charged so far to one base unit of a long; falls when longs receive.
    pub index_long: Usd,
    /// Dollars charged so far to one base unit of a short.
    pub index_short: Usd,
    /// Premium fraction of the last period, dollars a base unit; positive: longs paid.
    pub rate: Usd,
    /// When the running period began.
    pub since: Time,
    /// Running sum of mark at its beginning.
    pub mark_sum: u128,
    /// Running sum of index at its beginning.
    pub index_sum: u128,
}

/// The index that a side is charged by.
#[must_use]
pub fn index(funding: &Funding, long: bool) -> Usd {
    if long { funding.index_long } else { funding.index_short }
}

/// What a position owes since its funding was last booked, rounded up; negative: it is owed that much.
#[must_use]
pub fn owed(funding: &Funding, position: &Position) -> Usd {
    let moved = index(funding, position.size.is_long()) - position.funding;
    if moved.is_zero() || position.size.is_zero() {
        return Usd::ZERO;
    }
    let unit = Amount::whole(1);
    let size = position.size.magnitude();
    moved.share_up(size, unit).expect("R11: size is at most 2^110 and funding is clamped")
}

/// The funding of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Dollars a base unit; positive: longs pay.
    pub(crate) rate: Usd,
    /// It would be more without the clamp.
    pub(crate) clamped: bool,
}

/// The rate of the period that ends now, and its beginning of the next: of the part of it since the index is fresh again
/// where it was `paused`. `None` before there are prices.
pub(crate) fn measure(state: &mut State, market: MarketId, period: Millis, paused: bool) -> Option<Measured> {
    let now = state.now();
    let record = state.markets.get(market);
    let asset = state.assets.get(record.asset);
    let index_sum = asset.twap.sum();
    let mark_sum = record.prices.mark.sum();
    let Funding { since, mark_sum: mark_start, index_sum: index_start, .. } = record.funding;
    let mark = super::price::average(since, mark_start, now, mark_sum);
    let index = super::price::average(since, index_start, now, index_sum);
    let clamp = record.params.funding_clamp;
    let funding = &mut state.markets.get_mut(market).funding;
    (funding.since, funding.mark_sum, funding.index_sum) = (now, mark_sum, index_sum);
    let (mark, index) = (mark?, index?);
    let span = if paused { period.min(now.since(since)) } else { period };
    let free = rate(mark, index, span);
    let rate = clamped(free, index, clamp);
    Some(Measured { rate, clamped: rate != free })
}

/// `(mark - index) · period / 24 h`, rounded towards zero.
fn rate(mark: Price, index: Price, period: Millis) -> Usd {
    let premium = mark.minus(index);
    let day = Millis::days(1);
    let rate = if premium.is_negative() {
        premium.per_time_up(period, day)
    } else {
        premium.per_time_down(period, day)
    };
    rate.expect("R11: prices are below 2^90")
}

/// What was measured so far counts for nothing: it began on an index that was not fresh.
pub(crate) fn begin_anew(record: &mut Market, now: Time, index_sum: u128) {
    let mark_sum = record.prices.mark.sum();
    let funding = &mut record.funding;
    (funding.since, funding.mark_sum, funding.index_sum) = (now, mark_sum, index_sum);
}

/// Held within a share of index.
fn clamped(rate: Usd, index: Price, clamp: Option<Ratio>) -> Usd {
    let Some(clamp) = clamp else { return rate };
    let most = index.mul_ratio_down(clamp).map_or(Usd::ZERO, |price| Amount::from_wei(price.wei()).dollars());
    rate.clamp(-most, most)
}

/// Held so that no side is charged more in a period than the house counts (R11): without a clamp, an index that
/// leaves the curve's range would charge more than all dollars there are.
fn countable(rate: Usd, open: Amount) -> Usd {
    let unit = Amount::whole(1);
    let most = Amount::LIMIT.share_down(unit, open.max(Amount::from_wei(1))).unwrap_or(Amount::LIMIT);
    let most = most.min(Amount::LIMIT).dollars();
    rate.clamp(-most, most)
}

/// Charges a period's rate: moves both indices, books the surplus. It is clamped again, to a share of the index of
/// now: an account that came when the index had fallen was judged by what that index lets a period charge (R17).
pub(crate) fn charge(state: &mut State, out: &mut Outcome, market: MarketId, rate: Usd) {
    let record = state.markets.get(market);
    let index = oracle::index(state, record.asset);
    let rate = if oracle::is_fresh(state, record.asset) { rate } else { Usd::ZERO };
    let rate = index.map_or(rate, |index| clamped(rate, index, record.params.funding_clamp));
    let (longs, shorts) = (record.books.long, record.books.short);
    let rate = countable(rate, longs.max(shorts));
    let record = state.markets.get_mut(market);
    let longs_pay = !rate.is_negative();
    let (payers, receivers) = if longs_pay { (longs, shorts) } else { (shorts, longs) };
    let paid = rate.magnitude();
    let received = if receivers.is_zero() {
        Amount::ZERO
    } else {
        paid.share_down(payers.min(receivers), receivers).expect("R11: a share of what was paid")
    };
    let unit = Amount::whole(1);
    let surplus =
        paid.share_down(payers.saturating_sub(receivers), unit).expect("R11: rate and size are bounded");
    let funding = &mut record.funding;
    funding.rate = rate;
    let (payer, receiver) = if longs_pay {
        (&mut funding.index_long, &mut funding.index_short)
    } else {
        (&mut funding.index_short, &mut funding.index_long)
    };
    if !payers.is_zero() {
        *payer += paid.dollars();
        *receiver -= received.dollars();
    }
    let (index_long, index_short) = (funding.index_long, funding.index_short);
    record.books.funding_surplus += surplus;
    settlement::add_claim(state, out, Holder::Budget, market, surplus);
    if !(rate.is_zero() && payers.is_zero() && receivers.is_zero()) {
        out.event(Event::FundingSettled { market, rate, index_long, index_short, surplus });
    }
}
