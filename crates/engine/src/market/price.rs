//! The prices of a market: TWAPs of mark and index, the slow premium, and the risk price.
//!
//! - Risk price = median(index, TWAP of mark, index · (1 + slow premium)): two of the three lie within b of
//!   the index, so it always does (R6). It decides health; mark alone decides nothing.
//! - A TWAP counts the value that held, not the new one (R24).

use ballast_types::{MarketId, OracleState};
use ballast_units::{Millis, Price, Ratio, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::VecDeque;

use super::funding;
use crate::state::State;

/// Checkpoints a window is divided into.
const CHECKPOINTS: u64 = 30;

/// A time-weighted average price.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Twap {
    /// Σ price · milliseconds since the first price, modulo 2^128; differences over a window fit.
    sum: u128,
    /// The value that holds.
    last: Option<Price>,
    /// When `sum` was brought up to date.
    updated: Time,
    /// `sum` at past instants, oldest first, about a thirtieth of the window apart.
    past: VecDeque<(Time, u128)>,
}

impl Twap {
    /// Brings the sum up to `now` at the value that held, and keeps a checkpoint where one is due.
    pub(crate) fn advance(&mut self, now: Time, window: Millis) {
        let Some(last) = self.last else { return };
        let passed = now.since(self.updated);
        self.sum = self.sum.wrapping_add(last.wei().wrapping_mul(u128::from(passed.get())));
        self.updated = now;
        let apart = Millis::new(window.get().checked_div(CHECKPOINTS).unwrap_or(1).max(1));
        if self.past.back().is_none_or(|(time, _)| apart <= now.since(*time)) {
            self.past.push_back((now, self.sum));
        }
        // The second oldest checkpoint covers the window: the oldest is not needed.
        while self.past.get(1).is_some_and(|(time, _)| window <= now.since(*time)) {
            self.past.pop_front();
        }
    }

    /// The value that holds from `now` on. The sum must be up to date. The first value is taken to have held for
    /// a whole window before, so that a trade in the first block does not move the average at once.
    pub(crate) fn set(&mut self, now: Time, price: Price, window: Millis) {
        if self.last.is_none() {
            let start = Time::from_millis(now.millis().saturating_sub(window.get()));
            self.updated = start;
            self.past.push_back((start, self.sum));
            self.last = Some(price);
            self.advance(now, window);
        }
        self.last = Some(price);
    }

    /// Σ price · milliseconds, for averages over other spans.
    #[must_use]
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Average over the window (as far back as there are prices), rounded down. The window begins at a
    /// checkpoint, so that it is up to a thirtieth longer.
    #[must_use]
    pub fn average(&self) -> Option<Price> {
        let last = self.last?;
        let Some((start, sum)) = self.past.front() else { return Some(last) };
        Some(average(*start, *sum, self.updated, self.sum).unwrap_or(last))
    }
}

impl Twap {
    /// The average as it is at `now`, the value that holds counted until then.
    #[must_use]
    pub fn average_at(&self, now: Time) -> Option<Price> {
        let last = self.last?;
        let passed = u128::from(now.since(self.updated).get());
        let sum = self.sum.wrapping_add(last.wei().wrapping_mul(passed));
        let (start, from) = self.past.front()?;
        Some(average(*start, *from, now, sum).unwrap_or(last))
    }
}

/// Average of a running sum between two instants, rounded down; `None` where no time passed.
pub(crate) fn average(start: Time, sum_start: u128, end: Time, sum_end: u128) -> Option<Price> {
    let passed = u128::from(end.since(start).get());
    let mean = sum_end.wrapping_sub(sum_start).checked_div(passed)?;
    Price::from_wei(mean).ok()
}

/// The prices of a market.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Prices {
    /// TWAP of mark.
    pub mark: Twap,
    /// Mark, as the last command left it.
    pub last_mark: Option<Price>,
    /// EMA of the clamped premium of mark over index.
    pub premium: Ratio,
    /// When `premium` was brought up to date.
    pub updated: Time,
    /// Decides health; `None` before the first index.
    pub risk: Option<Price>,
}

/// Brings a market's averages and risk price up to the block's time and the block's index. Runs after the
/// block's prices and before its commands: trades of the block do not move the risk price of the block.
pub(crate) fn refresh(state: &mut State, market: MarketId) {
    let now = state.now();
    let record = state.markets.get(market);
    let asset = state.assets.get(record.asset);
    let Some(index) = asset.index else { return };
    let index_sum = asset.twap.sum();
    let is_fresh = asset.state == OracleState::Fresh;
    let clamp = record.params.premium_clamp;
    let premium_window = record.params.premium_window;
    let window = record.params.twap_window;
    let record = state.markets.get_mut(market);
    let prices = &mut record.prices;
    let Some(mark) = prices.last_mark else { return };
    // The mark that the last block's trades left is the one that has held since.
    prices.mark.set(now, mark, window);
    prices.mark.advance(now, window);
    let premium = mark.premium_over(index).unwrap_or(clamp).clamp(-clamp, clamp);
    if prices.risk.is_none() || !is_fresh || !record.rounds.fresh {
        // The first index, or the first after a pause: before it there was no premium, and nothing to pay funding for.
        prices.updated = now;
        record.rounds.paused |= prices.risk.is_some();
        record.rounds.fresh = is_fresh;
        funding::begin_anew(record, now, index_sum);
    }
    let prices = &mut record.prices;
    prices.premium = prices.premium.ema(premium, now.since(prices.updated), premium_window);
    prices.updated = now;
    let twap = prices.mark.average().unwrap_or(mark);
    let slow = index.mul_ratio_down(Ratio::ONE + prices.premium).unwrap_or(index);
    prices.risk = Some(median(index, twap, slow));
}

fn median(a: Price, b: Price, c: Price) -> Price {
    a.max(b).min(a.min(b).max(c))
}
