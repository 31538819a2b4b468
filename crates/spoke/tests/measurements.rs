//! Prices, depths and costs of several validators, made one: the median by stake.

mod support;

use ballast_spoke::quorum::{MeasurementError, Measurements, Settled};
use ballast_types::{CostReport, DepthReport, PriceReport, Signer, SourceId, Token};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use proptest::prelude::*;
use support::desk::signers;
use support::{CHAIN, ETH, at};

fn price(dollars: u64, second: u64) -> PriceReport {
    let (asset, source) = (ETH, SourceId(1));
    PriceReport {
        asset,
        source,
        price: Price::whole(dollars),
        confidence: Ratio::bps(i64::try_from(dollars).unwrap()),
        time: at(second),
    }
}

/// Stakes of 40, 30, 20 and 10.
fn scales() -> (Vec<Signer>, Measurements) {
    let validators = signers(4);
    let stakes = validators.iter().copied().zip([40, 30, 20, 10].map(Amount::whole)).collect();
    (validators, Measurements::new(stakes))
}

fn settle(measurements: &Measurements, second: u64) -> Settled {
    measurements.settle(at(second), Millis::seconds(60))
}

#[test]
fn a_source_counts_with_two_thirds_of_the_stake() {
    let (validators, mut measurements) = scales();
    measurements.price(validators[0], price(100, 10)).unwrap();
    measurements.price(validators[2], price(102, 10)).unwrap();
    // 60 of 100.
    assert_eq!(settle(&measurements, 10), Settled::default());
    measurements.price(validators[3], price(104, 12)).unwrap();
    // 70: sorted by price 40, 20, 10; half of it is reached at 40 of 70.
    let prices = vec![PriceReport { time: at(10), ..price(100, 10) }];
    assert_eq!(settle(&measurements, 12), Settled { prices, ..Settled::default() });
}

#[test]
fn a_figure_is_the_median_by_stake() {
    let (validators, mut measurements) = scales();
    for (validator, dollars) in validators.iter().zip([100, 103, 101, 999_999]) {
        measurements.price(*validator, price(dollars, 10)).unwrap();
    }
    // By price: 100 with 40, 101 with 20: 60 of 100.
    assert_eq!(settle(&measurements, 10).prices, [price(101, 10)]);
    // Who has most does not decide alone.
    measurements.price(validators[0], price(1, 20)).unwrap();
    assert_eq!(settle(&measurements, 20).prices, [PriceReport { time: at(10), ..price(101, 10) }]);
}

#[test]
fn a_measurement_is_newer_than_the_last_and_not_old() {
    let (validators, mut measurements) = scales();
    measurements.price(validators[0], price(100, 10)).unwrap();
    for second in [9, 10] {
        let outdated = MeasurementError::Outdated { time: at(second), newest: at(10) };
        assert_eq!(measurements.price(validators[0], price(50, second)), Err(outdated));
    }
    let stranger = Signer([9; 20]);
    let unknown = Err(MeasurementError::UnknownValidator(stranger));
    assert_eq!(measurements.price(stranger, price(1, 99)), unknown);
    for validator in &validators[1..] {
        measurements.price(*validator, price(100, 10)).unwrap();
    }
    assert_eq!(settle(&measurements, 70).prices.len(), 1);
    assert_eq!(settle(&measurements, 71).prices, [], "all are older than a minute");
}

#[test]
fn depths_and_costs_settle_like_prices() {
    let (validators, mut measurements) = scales();
    let (token, source) = (Token { asset: ETH, chain: CHAIN }, SourceId(0));
    for (validator, dollars) in validators.iter().zip([7, 9, 8, 1]) {
        let time: Time = at(dollars);
        let depth = DepthReport { token, source, depth: Amount::whole(dollars), time };
        measurements.depth(*validator, depth).unwrap();
        let (gas, bridge) = (Amount::whole(dollars), Amount::whole(100 - dollars));
        measurements.cost(*validator, CostReport { chain: CHAIN, source, gas, bridge, time }).unwrap();
    }
    // 1 with 10, 7 with 40, that is half. Bridge costs from the other end: 91 with 30, 92 with 20.
    let depth = DepthReport { token, source, depth: Amount::whole(7), time: at(7) };
    let cost =
        CostReport { chain: CHAIN, source, gas: Amount::whole(7), bridge: Amount::whole(92), time: at(7) };
    let settled = settle(&measurements, 10);
    assert_eq!((settled.depths, settled.costs, settled.prices), (vec![depth], vec![cost], vec![]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Less than a third of the stake lies: the price lies between two honest ones.
    #[test]
    fn liars_below_a_third_do_not_move_a_figure_out_of_the_honest_ones(
        stakes in prop::collection::vec(1_u64..100, 7),
        prices in prop::collection::vec(1_000_u64..1_100, 7),
        lies in prop::collection::vec(1_u64..1_000_000, 7),
    ) {
        let validators = signers(7);
        let all: u64 = stakes.iter().sum();
        let stake_of = validators.iter().copied().zip(stakes.iter().map(|stake| Amount::whole(*stake))).collect();
        let mut measurements = Measurements::new(stake_of);
        let (mut lying, mut honest) = (0, Vec::new());
        for (number, validator) in validators.iter().enumerate() {
            let lie = (lying + stakes[number]) * 3 < all;
            let dollars = if lie { lies[number] } else { prices[number] };
            if lie { lying += stakes[number] } else { honest.push(dollars) }
            measurements.price(*validator, PriceReport { price: Price::whole(dollars), ..price(1, 10) }).unwrap();
        }
        let settled = settle(&measurements, 10).prices[0].price;
        let [low, high] = [honest.iter().min(), honest.iter().max()].map(|dollars| Price::whole(*dollars.unwrap()));
        prop_assert!(low <= settled && settled <= high, "{settled} is not in {low}..{high}");
    }
}
