//! Quantiles of price moves, on series that can be counted by hand.

use ballast_sim::Candles;
use ballast_sim::moves::Moves;
use ballast_units::{Millis, Ratio};
use std::path::Path;

fn candles(closes: &[u64]) -> Candles {
    let rows: String = closes
        .iter()
        .zip(0_u64..)
        .map(|(close, place)| format!("{},{close},{close},{close},{close},1\n", place * 60_000))
        .collect();
    let text = format!("timestamp_ms,open,high,low,close,volume\n{rows}");
    Candles::from_csv(Path::new("eth_usdt_1m.csv"), Millis::minutes(1), &text).expect("they hold together")
}

/// 100, 110, 99, 99: moves of 10 %, -10 % and 0 within a minute, -1 % and -10 % within two.
#[test]
fn quantiles_of_a_series() {
    let candles = candles(&[100, 110, 99, 99]);
    let one = Moves::of(&candles, Millis::minutes(1)).expect("three moves");
    assert_eq!((one.count(), one.quantile(9_990), one.quantile(3_333)), (3, Ratio::percent(10), Ratio::ZERO));
    let two = Moves::of(&candles, Millis::minutes(2)).expect("two moves");
    assert_eq!((two.quantile(5_000), two.quantile(5_001)), (Ratio::percent(1), Ratio::percent(10)));
    assert_eq!(two.share_within(Ratio::percent(2)), 0.5);
    for none in [Millis::ZERO, Millis::seconds(90), Millis::minutes(4)] {
        assert_eq!(Moves::of(&candles, none), None);
    }
}
