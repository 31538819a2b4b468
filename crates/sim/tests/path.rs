//! Price paths: the way through a candle, and several assets over their common time.

use std::path::Path;

use ballast_sim::candles::{CandleSet, Candles, HEADER};
use ballast_sim::path::{MarketData, MarketDataError, PricePath};
use ballast_units::{Millis, Price, Time};

fn candles(interval: Millis, rows: &[&str]) -> Candles {
    Candles::from_csv(Path::new("test"), interval, &format!("{HEADER}\n{}\n", rows.join("\n"))).unwrap()
}

fn minutes(rows: &[&str]) -> PricePath {
    PricePath::new(candles(Millis::minutes(1), rows))
}

fn at(path: &PricePath, millis: u64) -> String {
    path.at(Time::from_millis(millis)).map_or("none".to_owned(), |price| price.to_string())
}

#[test]
fn goes_to_the_nearer_extreme_first() {
    // Open 100: the high is 10 away, the low 40.
    let path = minutes(&["0,100,110,60,70,0"]);
    assert_eq!(at(&path, 0), "100");
    assert_eq!(at(&path, 20_000), "110");
    assert_eq!(at(&path, 40_000), "60");
    assert_eq!(at(&path, 59_999), "70");
    // Now the low is nearer.
    let path = minutes(&["0,100,140,90,130,0"]);
    assert_eq!((at(&path, 20_000), at(&path, 40_000)), ("90".into(), "140".into()));
}

#[test]
fn goes_to_the_low_first_when_both_are_as_near() {
    let path = minutes(&["0,100,110,90,105,0"]);
    assert_eq!((at(&path, 20_000), at(&path, 40_000)), ("90".into(), "110".into()));
}

#[test]
fn interpolates_in_straight_lines() {
    let path = minutes(&["0,100,110,60,70,0"]);
    // Half-way: (100 + 110) / 2 and (110 + 60) / 2.
    assert_eq!((at(&path, 10_000), at(&path, 30_000)), ("105".into(), "85".into()));
    // From 60 at 40,000 to 70 at 59,999: 9,999 of 19,999 ms done, 60 + 10 * 9,999 / 19,999, floored at a wei.
    assert_eq!(at(&path, 49_999), "64.999749987499374968");
}

#[test]
fn rounds_towards_the_point_before() {
    let path = minutes(&["0,1,1.000000000000000001,1,1,0", "60000,1,1.000000000000000002,1,1,0"]);
    // The low is at the open, so it comes first: flat for 20 s, up by one wei, down by one wei.
    assert_eq!(at(&path, 39_999), "1");
    assert_eq!(at(&path, 40_000), "1.000000000000000001");
    assert_eq!(at(&path, 59_998), "1.000000000000000001");
    assert_eq!(at(&path, 59_999), "1");
    // Down by two wei in 19,999 ms: the first is gone after 9,999.5.
    assert_eq!(at(&path, 100_000), "1.000000000000000002");
    assert_eq!(at(&path, 109_999), "1.000000000000000002");
    assert_eq!(at(&path, 110_000), "1.000000000000000001");
}

#[test]
fn reaches_all_four_prices_and_never_leaves_the_extremes() {
    let path = PricePath::new(candles(
        Millis::seconds(1),
        &["0,7.3,9.1,3.3,4.7,0", "1000,4.7,5,4.6,4.9,0", "2000,1,1,1,1,0"],
    ));
    for (number, candle) in path.candles().series().iter().enumerate() {
        let start = 1_000 * number as u64;
        let prices: Vec<Price> =
            (start..start + 1_000).map(|millis| path.at(Time::from_millis(millis)).unwrap()).collect();
        assert_eq!(prices[0], candle.open);
        assert_eq!(prices[999], candle.close);
        assert_eq!(prices.iter().min(), Some(&candle.low));
        assert_eq!(prices.iter().max(), Some(&candle.high));
    }
}

#[test]
fn holds_the_largest_prices() {
    let top = Price::LIMIT.to_string();
    let path =
        PricePath::new(candles(Millis::days(1), &[&format!("0,{top},{top},0.000000000000000001,{top},0")]));
    // The high is at the open, so it comes first; half-way down in the second third,
    // 2^90 - floor((2^90 - 1) / 2) = 2^89 + 1 wei.
    assert_eq!(at(&path, 43_200_000), "618970019.642690137449562113");
}

#[test]
fn has_no_price_outside_its_candles() {
    let path = minutes(&["60000,1,1,1,1,0", "120000,2,2,2,2,0"]);
    assert_eq!((at(&path, 0), at(&path, 59_999)), ("none".into(), "none".into()));
    assert_eq!((at(&path, 60_000), at(&path, 119_999)), ("1".into(), "1".into()));
    assert_eq!((at(&path, 120_000), at(&path, 179_999)), ("2".into(), "2".into()));
    assert_eq!((at(&path, 180_000), at(&path, u64::MAX)), ("none".into(), "none".into()));
}

#[test]
fn points_come_every_step() {
    let path = minutes(&["60000,100,110,60,70,0"]);
    let points: Vec<(u64, String)> =
        path.points(Millis::seconds(20)).map(|(time, price)| (time.millis(), price.to_string())).collect();
    assert_eq!(points, [(60_000, "100".into()), (80_000, "110".into()), (100_000, "60".into())]);
    assert_eq!(path.points(Millis::seconds(12)).count(), 5);
    assert_eq!(path.points(Millis::seconds(2)).count(), 30);
    assert_eq!(path.points(Millis::MAX).count(), 1);
}

#[test]
fn market_data_covers_the_common_time() {
    let set = CandleSet::from([
        ("BTC".to_owned(), candles(Millis::minutes(1), &["60000,5,5,5,5,0", "120000,5,5,5,5,0"])),
        ("ETH".to_owned(), candles(Millis::minutes(3), &["0,1,1,1,1,0"])),
        ("SOL".to_owned(), candles(Millis::minutes(1), &["0,2,2,2,2,0", "60000,3,3,3,3,0"])),
    ]);
    let data = MarketData::new(set).unwrap();
    assert_eq!((data.start(), data.end()), (Time::from_millis(60_000), Time::from_millis(120_000)));
    assert_eq!(data.paths().keys().collect::<Vec<_>>(), ["BTC", "ETH", "SOL"]);
    let times: Vec<u64> = data.times(Millis::seconds(25)).map(Time::millis).collect();
    assert_eq!(times, [60_000, 85_000, 110_000]);
    for time in data.times(Millis::seconds(1)) {
        assert!(data.paths().keys().all(|asset| data.at(asset, time).is_some()));
    }
    assert_eq!(data.at("SOL", data.start()), Some(Price::whole(3)));
    assert_eq!(data.at("DOGE", data.start()), None);
}

#[test]
fn market_data_rejects_no_asset() {
    assert_eq!(MarketData::new(CandleSet::new()), Err(MarketDataError::NoAsset));
}

#[test]
fn market_data_rejects_assets_without_common_time() {
    let set = CandleSet::from([
        ("ETH".to_owned(), candles(Millis::minutes(1), &["0,1,1,1,1,0"])),
        ("SOL".to_owned(), candles(Millis::minutes(1), &["60000,2,2,2,2,0"])),
    ]);
    let error = MarketData::new(set).unwrap_err();
    let expected =
        "ETH ends at 60000 ms, before SOL begins at 60000 ms; expected a time that all assets have";
    assert_eq!(error.to_string(), expected);
}
