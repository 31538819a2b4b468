//! How far prices move within a span: the evidence for J of rule R8.
//!
//! - Close to close, over every candle that has one a span later; up and down alike.
//! - A quantile is the smallest move that at least this share of all moves does not exceed.

use crate::candles::Candles;
use ballast_units::{Millis, Ratio};

/// Moves of one asset within one span, ascending, as shares of the price before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moves(Vec<Ratio>);

impl Moves {
    /// Every move within `span`; `None` where it is no multiple of the interval, or longer than the series.
    #[must_use]
    pub fn of(candles: &Candles, span: Millis) -> Option<Moves> {
        let interval = candles.interval().get();
        let steps = usize::try_from(span.get().checked_div(interval)?).ok()?;
        if steps == 0 || !span.get().is_multiple_of(interval) {
            return None;
        }
        let series = candles.series();
        let pairs = series.iter().zip(series.get(steps..)?);
        let moves = pairs.map(|(before, after)| after.close.premium_over(before.close).map(Ratio::abs));
        let mut moves = moves.collect::<Result<Vec<Ratio>, _>>().ok()?;
        moves.sort_unstable();
        (!moves.is_empty()).then_some(Moves(moves))
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The quantile of so many in 10,000; at least one.
    #[must_use]
    pub fn quantile(&self, per_10_000: usize) -> Ratio {
        let rank = (self.0.len() * per_10_000).div_ceil(10_000).clamp(1, self.0.len());
        self.0[rank - 1]
    }

    /// Share of moves that are not larger than this.
    #[must_use]
    pub fn share_within(&self, most: Ratio) -> f64 {
        self.0.partition_point(|moved| *moved <= most) as f64 / self.0.len() as f64
    }
}
