//! The built-in scenario: 19 May 2021, told by its turning points, so that a demo needs no data file.
//!
//! - Points: from public reports of the day, times in UTC, prices in dollars, both rounded; between two
//!   reports, where the tale needs a point, a round figure on the way. None is taken from, or fitted to,
//!   candle data.
//! - Between two points a Brownian bridge in steps of 15 seconds, from the seed; assets share most of their
//!   noise, as they do in a crash. It is turned back at the day's lowest and highest point, which thus stay
//!   the extremes.
//! - Candles of one minute. A point is the open of its minute and the close of the minute before.

use std::ops::Range;

use ballast_units::{Millis, Price, Time};

use crate::candles::{Candle, CandleSet, Candles};
use crate::seed::{Seed, Stream};

/// 19 May 2021 00:00 UTC.
pub const DAY_START: Time = Time::from_millis(1_621_382_400_000);

const MINUTE: Millis = Millis::minutes(1);
const MINUTES: usize = 24 * 60;
const STEPS_PER_MINUTE: usize = 4;

/// A price that the day is known to have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurningPoint {
    minute: u16,
    cents: u32,
}

impl TurningPoint {
    /// When: minutes since 00:00 UTC, 0 to 1,440.
    pub fn minute(self) -> u16 {
        self.minute
    }

    /// How much.
    pub fn price(self) -> Price {
        price_of(u64::from(self.cents) * TICKS_PER_CENT)
    }
}

/// What is told about one asset.
#[derive(Clone, Copy, Debug)]
pub struct Tale {
    asset: &'static str,
    /// Standard deviation of a minute's move around the straight way, in bps: in quiet hours, in the crash.
    noise: [u32; 2],
    points: &'static [TurningPoint],
}

impl Tale {
    /// The asset's symbol.
    pub fn asset(self) -> &'static str {
        self.asset
    }

    /// Its turning points: oldest first, the first at 00:00, the last at 24:00.
    pub fn points(self) -> &'static [TurningPoint] {
        self.points
    }
}

/// A point in whole dollars.
const fn usd(hour: u16, minute: u16, dollars: u32) -> TurningPoint {
    cents(hour, minute, dollars * 100)
}

/// A point in cents.
const fn cents(hour: u16, minute: u16, cents: u32) -> TurningPoint {
    TurningPoint { minute: hour * 60 + minute, cents }
}

/// The crash, in minutes of the day: 12:00 to 15:00.
const CRASH: Range<usize> = 12 * 60..15 * 60;

/// The five tales, by symbol.
///
/// Each point names its source class. "reported": public reports of the day (news pages and market summaries
/// in prose), rounded; where they differ, as on BNB's low (210 to 280), a round figure between them; the time
/// to ten minutes or, away from the low, to the hour or so. "on the way": no report, a round figure that leads
/// from one to the next.
pub const TALES: [Tale; 5] = [
    Tale {
        asset: "BNB",
        noise: [25, 60],
        points: &[
            usd(0, 0, 510),   // reported
            usd(1, 30, 515),  // on the way
            usd(3, 0, 490),   // on the way
            usd(5, 0, 440),   // on the way
            usd(6, 30, 420),  // on the way
            usd(8, 0, 445),   // on the way
            usd(9, 30, 435),  // on the way
            usd(11, 0, 415),  // on the way
            usd(12, 0, 380),  // on the way
            usd(12, 30, 350), // on the way
            usd(12, 45, 320), // on the way
            usd(13, 0, 250),  // on the way
            usd(13, 10, 230), // reported
            usd(13, 20, 290), // on the way
            usd(13, 40, 320), // on the way
            usd(14, 0, 340),  // on the way
            usd(14, 40, 360), // on the way
            usd(16, 0, 390),  // on the way
            usd(17, 0, 410),  // reported
            usd(18, 30, 390), // on the way
            usd(20, 0, 380),  // on the way
            usd(22, 0, 370),  // on the way
            usd(24, 0, 350),  // reported
        ],
    },
    Tale {
        asset: "BTC",
        noise: [12, 35],
        points: &[
            usd(0, 0, 42_900),   // reported
            usd(1, 30, 43_400),  // on the way
            usd(2, 30, 42_000),  // on the way
            usd(4, 0, 40_500),   // reported
            usd(5, 30, 39_500),  // on the way
            usd(6, 30, 38_700),  // on the way
            usd(8, 0, 40_200),   // on the way
            usd(9, 30, 39_800),  // on the way
            usd(11, 0, 38_900),  // on the way
            usd(12, 0, 37_000),  // on the way
            usd(12, 30, 35_500), // on the way
            usd(12, 45, 34_000), // on the way
            usd(13, 0, 30_800),  // on the way
            usd(13, 10, 30_000), // reported
            usd(13, 20, 33_000), // on the way
            usd(13, 40, 35_200), // on the way
            usd(14, 0, 36_200),  // reported
            usd(14, 40, 38_000), // on the way
            usd(15, 30, 37_500), // on the way
            usd(16, 0, 39_000),  // on the way
            usd(17, 0, 40_000),  // reported
            usd(18, 30, 39_300), // on the way
            usd(20, 0, 38_500),  // on the way
            usd(21, 30, 37_800), // on the way
            usd(22, 30, 38_300), // on the way
            usd(24, 0, 37_000),  // reported
        ],
    },
    Tale {
        asset: "ETH",
        noise: [18, 50],
        points: &[
            usd(0, 0, 3_400),   // reported
            usd(1, 30, 3_430),  // on the way
            usd(3, 0, 3_300),   // on the way
            usd(4, 30, 3_100),  // on the way
            usd(5, 30, 3_000),  // reported
            usd(6, 30, 2_950),  // on the way
            usd(8, 0, 3_080),   // on the way
            usd(9, 30, 3_020),  // on the way
            usd(11, 0, 2_930),  // reported
            usd(12, 0, 2_750),  // on the way
            usd(12, 30, 2_550), // on the way
            usd(12, 45, 2_400), // on the way
            usd(13, 0, 2_000),  // on the way
            usd(13, 10, 1_900), // reported
            usd(13, 20, 2_250), // on the way
            usd(13, 40, 2_400), // on the way
            usd(14, 0, 2_500),  // reported
            usd(14, 40, 2_600), // on the way
            usd(15, 20, 2_550), // on the way
            usd(16, 0, 2_770),  // reported
            usd(17, 0, 2_850),  // reported
            usd(18, 0, 2_720),  // on the way
            usd(19, 30, 2_700), // on the way
            usd(21, 0, 2_560),  // on the way
            usd(22, 30, 2_600), // on the way
            usd(24, 0, 2_440),  // reported
        ],
    },
    Tale {
        asset: "MATIC",
        noise: [30, 75],
        points: &[
            cents(0, 0, 220),   // reported
            cents(1, 30, 240),  // reported
            cents(3, 0, 225),   // on the way
            cents(5, 0, 200),   // on the way
            cents(6, 30, 190),  // on the way
            cents(8, 0, 205),   // on the way
            cents(9, 30, 200),  // on the way
            cents(11, 0, 190),  // on the way
            cents(12, 0, 165),  // on the way
            cents(12, 30, 145), // on the way
            cents(12, 45, 130), // on the way
            cents(13, 0, 100),  // on the way
            cents(13, 10, 88),  // reported: 60 % below the morning
            cents(13, 20, 120), // on the way
            cents(13, 40, 135), // on the way
            cents(14, 0, 145),  // on the way
            cents(14, 40, 155), // on the way
            cents(16, 0, 175),  // on the way
            cents(17, 0, 190),  // on the way
            cents(19, 40, 183), // reported: 17 % below the morning
            cents(21, 0, 175),  // on the way
            cents(22, 30, 178), // on the way
            cents(24, 0, 170),  // reported
        ],
    },
    Tale {
        asset: "SOL",
        noise: [28, 70],
        points: &[
            usd(0, 0, 52),   // reported
            usd(1, 30, 53),  // on the way
            usd(3, 0, 50),   // on the way
            usd(5, 0, 46),   // on the way
            usd(6, 30, 44),  // on the way
            usd(8, 0, 47),   // on the way
            usd(9, 30, 46),  // on the way
            usd(11, 0, 44),  // on the way
            usd(12, 0, 40),  // on the way
            usd(12, 30, 37), // on the way
            usd(12, 45, 34), // on the way
            usd(13, 0, 28),  // on the way
            usd(13, 10, 26), // reported
            usd(13, 20, 32), // on the way
            usd(13, 40, 35), // on the way
            usd(14, 0, 37),  // on the way
            usd(14, 40, 39), // on the way
            usd(16, 0, 43),  // on the way
            usd(17, 0, 45),  // on the way
            usd(18, 30, 43), // on the way
            usd(20, 0, 42),  // on the way
            usd(22, 0, 41),  // on the way
            usd(24, 0, 40),  // reported
        ],
    },
];

/// The day's candles of all five assets. The same seed gives the same prices on every machine.
pub fn may_19_2021(seed: Seed) -> CandleSet {
    let mut common = seed.stream("story/common");
    let common: Vec<i64> = (0..MINUTES * STEPS_PER_MINUTE).map(|_| common.normal()).collect();
    let tell = |tale: Tale| {
        let ticks = walk(tale, &common, &mut seed.stream(&format!("story/{}", tale.asset)));
        (tale.asset.to_owned(), candles_of(&ticks))
    };
    TALES.map(tell).into()
}

// Prices inside this file are whole ticks: a hundredth of a cent.
const TICKS_PER_CENT: u64 = 100;

fn price_of(ticks: u64) -> Price {
    // 10^18 wei a dollar, 10^4 ticks a dollar.
    Price::from_wei(u128::from(ticks) * 10_u128.pow(14)).expect("a told price is above zero and small")
}

/// The prices of `tale` at every step of the day and at its end, in ticks. `common` is the noise that all
/// assets share.
fn walk(tale: Tale, common: &[i64], own: &mut Stream) -> Vec<u64> {
    // 0.8 of the common noise and 0.6 of the asset's own: the variance stays one, correlation is 0.64.
    let noise: Vec<i64> = common.iter().map(|common| (8 * common + 6 * own.normal()) / 10).collect();
    let ticks = |point: &TurningPoint| u64::from(point.cents) * TICKS_PER_CENT;
    let low = tale.points.iter().map(ticks).min().expect("a tale has points");
    let high = tale.points.iter().map(ticks).max().expect("a tale has points");
    let mut path = vec![ticks(&tale.points[0])];
    for pair in tale.points.windows(2) {
        let steps = [0, 1].map(|end| usize::from(pair[end].minute) * STEPS_PER_MINUTE);
        let bridge = bridge(tale.noise, &noise, steps[0]..steps[1]);
        let [from, to] = [0, 1].map(|end| i128::from(ticks(&pair[end])));
        let steps = length(&bridge);
        for (step, deviation) in (1..).zip(bridge) {
            let straight = from + (to - from) * step / steps;
            let price = straight + straight * deviation / Q32_OF_HALF_BPS;
            path.push(turn_back(price, low, high));
        }
    }
    path
}

/// A deviation is counted in Q32 of half a bps: a step is a quarter of a minute and moves half as far.
const Q32_OF_HALF_BPS: i128 = (1 << 32) * 2 * 10_000;

/// How far the path is off the straight way after each of `steps`, in Q32 of half a bps. The last is zero.
fn bridge(bps: [u32; 2], noise: &[i64], steps: Range<usize>) -> Vec<i128> {
    let mut walked = Vec::new();
    let mut sum = 0;
    for step in steps {
        let in_crash = CRASH.contains(&(step / STEPS_PER_MINUTE));
        sum += i128::from(noise[step]) * i128::from(bps[usize::from(in_crash)]);
        walked.push(sum);
    }
    let steps = length(&walked);
    (1..).zip(walked).map(|(step, walked)| walked - sum * step / steps).collect()
}

fn length(steps: &[i128]) -> i128 {
    i128::try_from(steps.len()).expect("a day has 5,760 steps")
}

/// Mirrors a price that left the day's range back into it.
fn turn_back(price: i128, low: u64, high: u64) -> u64 {
    let (low, high) = (i128::from(low), i128::from(high));
    let mirrored = if price < low {
        2 * low - price
    } else if high < price {
        2 * high - price
    } else {
        price
    };
    u64::try_from(mirrored.clamp(low, high)).expect("a price between two told prices is above zero")
}

/// One candle a minute from the prices at every step.
fn candles_of(ticks: &[u64]) -> Candles {
    let minutes = ticks.windows(STEPS_PER_MINUTE + 1).step_by(STEPS_PER_MINUTE);
    let series = (0..).zip(minutes).map(|(minute, ticks)| Candle {
        time: DAY_START.after(Millis::minutes(minute)),
        open: price_of(ticks[0]),
        high: price_of(*ticks.iter().max().expect("a minute has steps")),
        low: price_of(*ticks.iter().min().expect("a minute has steps")),
        close: price_of(ticks[STEPS_PER_MINUTE]),
    });
    Candles::from_series(MINUTE, series.collect())
}
