//! Price paths: the price at every moment, from candles that know four prices an interval.
//!
//! - Inside a candle: open, then the extreme nearer to the open (the low if both are as near), then the
//!   other, then close; at 0, 1/3, 2/3 of the interval and at its last millisecond.
//! - Between these points a straight line, in integers, rounded towards the point before.
//! - All four prices are reached. A replay in steps sees both extremes if its step divides a third of the
//!   interval: 2 s does in a minute, 12 s does not.

use std::collections::BTreeMap;

use ballast_units::{Millis, Price, Time};

use crate::candles::{Candle, CandleSet, Candles};

/// The price of one asset at every moment of its candles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricePath(Candles);

impl PricePath {
    /// The path through `candles`.
    pub fn new(candles: Candles) -> PricePath {
        PricePath(candles)
    }

    /// The candles it goes through.
    pub fn candles(&self) -> &Candles {
        &self.0
    }

    /// The first moment with a price.
    pub fn start(&self) -> Time {
        self.0.start()
    }

    /// The first moment after the path.
    pub fn end(&self) -> Time {
        self.0.end()
    }

    /// The price at `time`; none before [`start`](Self::start) and from [`end`](Self::end) on.
    pub fn at(&self, time: Time) -> Option<Price> {
        if time < self.start() {
            return None;
        }
        let since = time.since(self.start()).get();
        let interval = self.0.interval().get();
        // Candles have no gap, so their place follows from the time.
        let place = usize::try_from(since / interval).ok()?;
        let candle = self.0.series().get(place)?;
        Some(price_inside(candle, interval, since % interval))
    }

    /// The price at the start and every `step` from there, as long as there is one. `step` must not be zero.
    pub fn points(&self, step: Millis) -> impl Iterator<Item = (Time, Price)> + '_ {
        steps(self.start(), self.end(), step).map_while(|time| Some((time, self.at(time)?)))
    }
}

/// The prices of several assets over the time that all of them have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketData {
    paths: BTreeMap<String, PricePath>,
    start: Time,
    end: Time,
}

/// Assets that cannot be replayed together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarketDataError {
    /// No asset at all.
    #[error("no candles; expected at least one asset")]
    NoAsset,
    /// One ends before another begins.
    #[error(
        "{early} ends at {end} ms, before {late} begins at {start} ms; expected a time that all assets have"
    )]
    NoCommonTime {
        /// The asset that ends first.
        early: String,
        /// When.
        end: Time,
        /// The asset that begins last.
        late: String,
        /// When.
        start: Time,
    },
}

impl MarketData {
    /// The paths through `set`, from the latest start to the earliest end.
    pub fn new(set: CandleSet) -> Result<MarketData, MarketDataError> {
        let paths: BTreeMap<String, PricePath> =
            set.into_iter().map(|(asset, candles)| (asset, PricePath::new(candles))).collect();
        let (Some((late, start)), Some((early, end))) = (
            paths.iter().map(|(asset, path)| (asset, path.start())).max_by_key(|(_, start)| *start),
            paths.iter().map(|(asset, path)| (asset, path.end())).min_by_key(|(_, end)| *end),
        ) else {
            return Err(MarketDataError::NoAsset);
        };
        if end <= start {
            let (early, late) = (early.clone(), late.clone());
            return Err(MarketDataError::NoCommonTime { early, end, late, start });
        }
        Ok(MarketData { paths, start, end })
    }

    /// The paths by asset symbol. Never empty.
    pub fn paths(&self) -> &BTreeMap<String, PricePath> {
        &self.paths
    }

    /// The first moment at which every asset has a price.
    pub fn start(&self) -> Time {
        self.start
    }

    /// The first moment at which an asset has no price any more.
    pub fn end(&self) -> Time {
        self.end
    }

    /// The price of `asset` at `time`; none for an unknown asset and outside its candles.
    pub fn at(&self, asset: &str, time: Time) -> Option<Price> {
        self.paths.get(asset)?.at(time)
    }

    /// The moments from start to end, every `step`. `step` must not be zero.
    pub fn times(&self, step: Millis) -> impl Iterator<Item = Time> + use<> {
        steps(self.start, self.end, step)
    }
}

/// `start`, and every `step` from there, before `end`.
fn steps(start: Time, end: Time, step: Millis) -> impl Iterator<Item = Time> + use<> {
    assert!(!step.is_zero(), "a path in steps of nothing");
    let next = move |time: &Time| time.millis().checked_add(step.get()).map(Time::from_millis);
    std::iter::successors(Some(start), next).take_while(move |time| *time < end)
}

/// The price `since` milliseconds after the candle began.
fn price_inside(candle: &Candle, interval: u64, since: u64) -> Price {
    let to_low = candle.open.wei() - candle.low.wei();
    let to_high = candle.high.wei() - candle.open.wei();
    let (first, second) =
        if to_low <= to_high { (candle.low, candle.high) } else { (candle.high, candle.low) };
    let third = interval / 3;
    if since < third {
        line(candle.open, first, since, third)
    } else if since < 2 * third {
        line(first, second, since - third, third)
    } else {
        line(second, candle.close, since - 2 * third, (interval - 1).saturating_sub(2 * third))
    }
}

/// The price `done` of `length` on the way between two prices, rounded towards `from`.
fn line(from: Price, to: Price, done: u64, length: u64) -> Price {
    if length <= done {
        return to;
    }
    let (done, length) = (u128::from(done), u128::from(length));
    let apart = from.wei().abs_diff(to.wei());
    // Whole part and rest apart, so that no product is larger than `apart`.
    let moved = apart / length * done + apart % length * done / length;
    let wei = if from < to { from.wei() + moved } else { from.wei() - moved };
    Price::from_wei(wei).expect("a price between two prices is a price")
}
