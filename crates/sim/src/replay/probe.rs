//! The probe: what a trade of so many dollars would slip now, on the market's own curve and on one whose k
//! is still that of the start, at the same mark. Both on copies.

use super::measure::Slip;
use super::places::Places;
use ballast_engine::State;
use ballast_engine::market::curve::Curve;
use ballast_types::{MarketId, Side, TradeAmount};
use ballast_units::{Amount, Millis, Ratio, Time};

/// Looks every so often.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    every: Millis,
    quote: Amount,
    next: Time,
    /// Curves at the start.
    start: Vec<Curve>,
}

impl Probe {
    pub(super) fn new(state: &State, every: Millis, quote: Amount, from: Time) -> Self {
        let start = state.markets.iter().map(|(_, market)| market.curve).collect();
        Self { every, quote, next: from, start }
    }

    pub(super) fn look(&mut self, state: &State, places: &Places, now: Time, out: &mut Vec<Slip>) {
        if now < self.next {
            return;
        }
        self.next = now.after(self.every);
        for (place, start) in places.markets.iter().zip(&self.start) {
            let curve = state.markets.get(place.id).curve;
            let at_mark = |start: &Curve| {
                let size = start.base_to(curve.mark().ok()?).ok()?;
                let side = if size.is_long() { Side::Long } else { Side::Short };
                let swap = start.swap(place.id, side, TradeAmount::Base(size.magnitude()));
                Some(if size.is_zero() { *start } else { swap.ok()?.after })
            };
            out.push(Slip {
                time: now,
                market: place.id,
                formula: slip(place.id, &curve, self.quote),
                fixed: at_mark(start).and_then(|fixed| slip(place.id, &fixed, self.quote)),
            });
        }
    }
}

/// Average price of a buy over mark, less one; none where the curve cannot take it.
fn slip(id: MarketId, curve: &Curve, quote: Amount) -> Option<Ratio> {
    let swap = curve.swap(id, Side::Long, TradeAmount::Quote(quote)).ok()?;
    let average = quote.price_of(swap.size.magnitude()).ok()?;
    average.premium_over(curve.mark().ok()?).ok()
}
