//! The built-in scenario: it tells the day's points, and one seed tells one day.

use ballast_sim::path::MarketData;
use ballast_sim::seed::Seed;
use ballast_sim::story::{DAY_START, TALES, may_19_2021};
use ballast_units::{Millis, Price};

const SEEDS: [u64; 4] = [0, 1, 19, u64::MAX];

#[test]
fn every_tale_has_at_most_sixty_points_over_the_whole_day() {
    for tale in TALES {
        let minutes: Vec<u16> = tale.points().iter().map(|point| point.minute()).collect();
        assert!(minutes.len() <= 60, "{}", tale.asset());
        assert!(minutes.is_sorted_by(|a, b| a < b), "{}", tale.asset());
        assert_eq!((minutes.first(), minutes.last()), (Some(&0), Some(&1_440)), "{}", tale.asset());
    }
}

#[test]
fn hits_every_turning_point_exactly() {
    for seed in SEEDS {
        let set = may_19_2021(Seed::new(seed));
        assert_eq!(set.len(), TALES.len());
        for tale in TALES {
            let series = set[tale.asset()].series();
            for point in tale.points() {
                let minute = usize::from(point.minute());
                if let Some(candle) = series.get(minute) {
                    assert_eq!(candle.open, point.price(), "{} {minute}", tale.asset());
                }
                if let Some(before) = minute.checked_sub(1) {
                    assert_eq!(series[before].close, point.price(), "{} {minute}", tale.asset());
                }
            }
        }
    }
}

#[test]
fn the_extremes_of_the_day_are_turning_points() {
    for seed in SEEDS {
        let set = may_19_2021(Seed::new(seed));
        for tale in TALES {
            let told = || tale.points().iter().map(|point| point.price());
            let series = set[tale.asset()].series();
            assert_eq!(series.iter().map(|candle| candle.low).min(), told().min(), "{}", tale.asset());
            assert_eq!(series.iter().map(|candle| candle.high).max(), told().max(), "{}", tale.asset());
        }
    }
}

#[test]
fn candles_hold_together_and_follow_each_other() {
    for (asset, candles) in may_19_2021(Seed::new(3)) {
        assert_eq!(candles.interval(), Millis::minutes(1));
        assert_eq!(candles.series().len(), 1_440, "{asset}");
        for (minute, candle) in (0..).zip(candles.series()) {
            assert_eq!(candle.time, DAY_START.after(Millis::minutes(minute)));
            assert!(candle.low <= candle.open.min(candle.close), "{asset} {minute}");
            assert!(candle.open.max(candle.close) <= candle.high, "{asset} {minute}");
        }
        for pair in candles.series().windows(2) {
            assert_eq!(pair[0].close, pair[1].open, "{asset}");
        }
    }
}

#[test]
fn one_seed_tells_one_day_on_every_machine() {
    let bytes = |seed| {
        let mut hasher = blake3::Hasher::new();
        for (asset, candles) in may_19_2021(Seed::new(seed)) {
            hasher.update(asset.as_bytes());
            for candle in candles.series() {
                hasher.update(&candle.time.millis().to_le_bytes());
                for price in [candle.open, candle.high, candle.low, candle.close] {
                    hasher.update(&price.wei().to_le_bytes());
                }
            }
        }
        hasher.finalize().to_hex().to_string()
    };
    // A change of this hash changes every run of the demo.
    assert_eq!(bytes(1), GOLDEN);
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

const GOLDEN: &str = "560d178bf6d49bd3eacdc80780063ad5aed821ab247a93b1b6c9f076308dbbce";

#[test]
fn minutes_move_as_much_as_told_and_assets_together() {
    let set = may_19_2021(Seed::new(1));
    let returns = |asset: &str, minutes: std::ops::Range<usize>| -> Vec<f64> {
        let ratio = |candle: &ballast_sim::Candle| candle.close.wei() as f64 / candle.open.wei() as f64;
        set[asset].series()[minutes].iter().map(|candle| ratio(candle).ln()).collect()
    };
    let deviation = |returns: &[f64]| {
        (returns.iter().map(|r| r * r).sum::<f64>() / returns.len() as f64).sqrt() * 10_000.0
    };
    // Told: 18 bps a minute in quiet hours, 50 in the crash (and the crash's own slope on top).
    let quiet = deviation(&returns("ETH", 15 * 60..24 * 60));
    let crash = deviation(&returns("ETH", 12 * 60..15 * 60));
    assert!((14.0..22.0).contains(&quiet), "{quiet} bps");
    assert!((40.0..110.0).contains(&crash), "{crash} bps");
    // 0.8 of the noise is common: correlation 0.64.
    let (eth, sol) = (returns("ETH", 15 * 60..24 * 60), returns("SOL", 15 * 60..24 * 60));
    let product: f64 = eth.iter().zip(&sol).map(|(a, b)| a * b).sum::<f64>() / eth.len() as f64;
    let correlation = product * 1e8 / deviation(&eth) / deviation(&sol);
    assert!((0.5..0.8).contains(&correlation), "{correlation}");
}

#[test]
fn replays_as_market_data() {
    let data = MarketData::new(may_19_2021(Seed::new(1))).unwrap();
    assert_eq!(data.start(), DAY_START);
    assert_eq!(data.end(), DAY_START.after(Millis::days(1)));
    assert_eq!(data.at("ETH", DAY_START.after(Millis::minutes(790))), Some(Price::whole(1_900)));
}
