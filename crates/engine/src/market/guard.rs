//! Guards: how far a trade may move mark.
//!
//! - Band: a trade may move mark away from index only while it stays within B of it; towards the index it
//!   always passes, up to the index (R6).
//! - Move limit: against every mark of the rolling window, its lowest and its highest (R7).

use super::Market;
use ballast_types::{MarketId, Reject};
use ballast_units::{Millis, Overflow, Price, Ratio, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::VecDeque;

/// Marks of the rolling window: the extremes of each block, kept only while they can still be the window's.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MarkWindow {
    lows: VecDeque<(Time, Price)>,
    highs: VecDeque<(Time, Price)>,
}

impl MarkWindow {
    /// Forgets what left the window, keeping the mark that held when it began.
    pub(crate) fn advance(&mut self, now: Time, window: Millis, mark: Price) {
        for marks in [&mut self.lows, &mut self.highs] {
            while marks.front().is_some_and(|(time, _)| window < now.since(*time)) {
                marks.pop_front();
            }
        }
        self.note(now, mark);
    }

    /// Takes note of a mark.
    pub(crate) fn note(&mut self, now: Time, mark: Price) {
        while self.lows.back().is_some_and(|(_, low)| mark <= *low) {
            self.lows.pop_back();
        }
        // Within one block only the extreme matters: the others would leave the window with it.
        if self.lows.back().is_none_or(|(time, _)| *time != now) {
            self.lows.push_back((now, mark));
        }
        while self.highs.back().is_some_and(|(_, high)| *high <= mark) {
            self.highs.pop_back();
        }
        if self.highs.back().is_none_or(|(time, _)| *time != now) {
            self.highs.push_back((now, mark));
        }
    }

    /// Lowest and highest mark of the window.
    #[must_use]
    pub fn extremes(&self) -> Option<(Price, Price)> {
        Some((self.lows.front()?.1, self.highs.front()?.1))
    }
}

/// Marks that a trade may reach: `low..=high`, by band and move limit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Lowest.
    pub low: Price,
    /// Highest.
    pub high: Price,
}

/// How far mark may go in this block, for a liquidation: towards the index the move limit does not bind.
pub(crate) fn room(market: &Market, index: Price, mark: Price) -> Result<Room, Overflow> {
    let (mut low, mut high) = (Price::from_wei(1)?, Price::LIMIT);
    if let Some(limit) = market.params.move_limit {
        let (lowest, highest) = market.window.extremes().unwrap_or((mark, mark));
        low = low.max(highest.mul_ratio_up(Ratio::ONE - limit)?);
        high = high.min(lowest.mul_ratio_down(Ratio::ONE + limit)?);
        // Towards the index is always free.
        low = low.min(index.max(Price::from_wei(1)?)).min(mark);
        high = high.max(index).max(mark);
        if index < mark {
            high = high.min(lowest.mul_ratio_down(Ratio::ONE + limit)?.max(mark));
        } else {
            low = low.max(highest.mul_ratio_up(Ratio::ONE - limit)?.min(mark));
        }
    }
    if let Some(band) = market.params.band {
        low = low.max(index.mul_ratio_up(Ratio::ONE - band)?).min(mark.max(low));
        high = high.min(index.mul_ratio_down(Ratio::ONE + band)?).max(mark.min(high));
    }
    Ok(Room { low, high })
}

/// Refuses a trade that moves mark from `before` to `after` against the guards.
pub(crate) fn check(
    id: MarketId,
    market: &Market,
    index: Price,
    before: Price,
    after: Price,
) -> Result<(), Reject> {
    if let Some(band) = market.params.band {
        let towards = (before <= index && before <= after && after <= index)
            || (index <= before && after <= before && index <= after);
        if !towards && band < after.premium_over(index)?.abs() {
            return Err(Reject::MarkOutsideBand { market: id, mark: after, index, band });
        }
    }
    if let Some(limit) = market.params.move_limit {
        let (low, high) = market.window.extremes().unwrap_or((before, before));
        let highest = low.mul_ratio_down(Ratio::ONE + limit)?;
        let lowest = high.mul_ratio_up(Ratio::ONE - limit)?;
        if (before < after && highest < after) || (after < before && after < lowest) {
            return Err(Reject::MarkMoveTooLarge { market: id, mark: after, low: lowest, high: highest });
        }
    }
    Ok(())
}
