//! Prices, depths and costs of several validators, made one: the median by stake.

mod support;

use ballast_spoke::quorum::{FUTURE_MOST, MeasurementError, Measurements, Settled};
use ballast_types::{AssetId, CostReport, DepthReport, PriceReport, Signer, SourceId, Token};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use proptest::prelude::*;
use support::desk::signers;
use support::{CHAIN, ETH, at};

/// When reports are handed in, where a test does not say.
const NOW: Time = Time::from_millis(100_000);

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
    measurements.price(validators[0], price(100, 10), NOW).unwrap();
    measurements.price(validators[2], price(102, 10), NOW).unwrap();
    // 60 of 100.
    assert_eq!(settle(&measurements, 10), Settled::default());
    measurements.price(validators[3], price(104, 12), NOW).unwrap();
    // 70: sorted by price 40, 20, 10; half of it is reached at 40 of 70.
    let prices = vec![PriceReport { time: at(10), ..price(100, 10) }];
    assert_eq!(settle(&measurements, 12), Settled { prices, ..Settled::default() });
}

#[test]
fn a_figure_is_the_median_by_stake() {
    let (validators, mut measurements) = scales();
    for (validator, dollars) in validators.iter().zip([100, 103, 101, 999_999]) {
        measurements.price(*validator, price(dollars, 10), NOW).unwrap();
    }
    // By price: 100 with 40, 101 with 20: 60 of 100.
    assert_eq!(settle(&measurements, 10).prices, [price(101, 10)]);
    // Who has most does not decide alone.
    measurements.price(validators[0], price(1, 20), NOW).unwrap();
    assert_eq!(settle(&measurements, 20).prices, [PriceReport { time: at(10), ..price(101, 10) }]);
}

#[test]
fn a_measurement_is_newer_than_the_last_and_not_old() {
    let (validators, mut measurements) = scales();
    measurements.price(validators[0], price(100, 10), NOW).unwrap();
    for second in [9, 10] {
        let outdated = MeasurementError::Outdated { time: at(second), newest: at(10) };
        assert_eq!(measurements.price(validators[0], price(50, second), NOW), Err(outdated));
    }
    let stranger = Signer([9; 20]);
    let unknown = Err(MeasurementError::UnknownValidator(stranger));
    assert_eq!(measurements.price(stranger, price(1, 99), NOW), unknown);
    for validator in &validators[1..] {
        measurements.price(*validator, price(100, 10), NOW).unwrap();
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
        measurements.depth(*validator, depth, NOW).unwrap();
        let (gas, bridge) = (Amount::whole(dollars), Amount::whole(100 - dollars));
        measurements.cost(*validator, CostReport { chain: CHAIN, source, gas, bridge, time }, NOW).unwrap();
    }
    // 1 with 10, 7 with 40, that is half. Bridge costs from the other end: 91 with 30, 92 with 20.
    let depth = DepthReport { token, source, depth: Amount::whole(7), time: at(7) };
    let cost =
        CostReport { chain: CHAIN, source, gas: Amount::whole(7), bridge: Amount::whole(92), time: at(7) };
    let settled = settle(&measurements, 10);
    assert_eq!((settled.depths, settled.costs, settled.prices), (vec![depth], vec![cost], vec![]));
}

/// A price of next year stayed its validator's newest, and young for ever, whatever became of the market.
#[test]
fn a_measurement_of_the_far_future_is_refused() {
    let (validators, mut measurements) = scales();
    let last = NOW.after(FUTURE_MOST);
    let too_late = last.after(Millis::new(1));
    let refused = Err(MeasurementError::FromTheFuture { time: too_late, now: NOW });
    let token = Token { asset: ETH, chain: CHAIN };
    let (source, gas) = (SourceId(0), Amount::whole(1));
    let depth = |time| DepthReport { token, source, depth: gas, time };
    let cost = |time| CostReport { chain: CHAIN, source, gas, bridge: gas, time };
    let price = |time| PriceReport { time, ..price(100, 0) };
    for validator in &validators {
        for time in [too_late, Time::MAX] {
            assert!(measurements.price(*validator, price(time), NOW).is_err());
        }
        assert_eq!(measurements.price(*validator, price(too_late), NOW), refused);
        assert_eq!(measurements.depth(*validator, depth(too_late), NOW), refused);
        assert_eq!(measurements.cost(*validator, cost(too_late), NOW), refused);
        // Clocks that go before by less: the engine takes nothing of the future, so it counts as of now.
        measurements.price(*validator, price(last), NOW).unwrap();
        measurements.depth(*validator, depth(last), NOW).unwrap();
        measurements.cost(*validator, cost(last), NOW).unwrap();
    }
    let settled = measurements.settle(NOW, Millis::ZERO);
    let times = [settled.prices[0].time, settled.depths[0].time, settled.costs[0].time];
    assert_eq!(times, [NOW; 3]);
}

#[test]
fn who_reports_whatever_there_could_be_is_bounded() {
    let (validators, mut measurements) = scales();
    let report = |asset: u16, source: u8| PriceReport {
        asset: AssetId(asset),
        source: SourceId(source),
        ..price(9, 10)
    };
    for asset in 0..16 {
        for source in 0..=255 {
            measurements.price(validators[3], report(asset, source), NOW).unwrap();
        }
    }
    let refused = Err(MeasurementError::TooMany { limit: 4_096 });
    assert_eq!(measurements.price(validators[3], report(16, 0), NOW), refused);
    // What it has it may report again, and the others are not concerned.
    measurements.price(validators[3], PriceReport { time: at(11), ..report(15, 255) }, NOW).unwrap();
    for validator in &validators[..3] {
        measurements.price(*validator, report(16, 0), NOW).unwrap();
    }
    assert_eq!(settle(&measurements, 11).prices, [report(16, 0)]);
}

#[test]
fn other_validators_have_other_stakes() {
    let (validators, mut measurements) = scales();
    for (validator, dollars) in validators.iter().zip([100, 101, 102, 103]) {
        measurements.price(*validator, price(dollars, 10), NOW).unwrap();
    }
    assert_eq!(settle(&measurements, 10).prices, [price(101, 10)]);
    let newcomer = Signer([9; 20]);
    let stakes = [(validators[2], 40), (validators[3], 30), (newcomer, 30)];
    measurements.restake(stakes.map(|(validator, stake)| (validator, Amount::whole(stake))).into());
    // 70 of 100 are there: 102 with 40 is half of them.
    assert_eq!(settle(&measurements, 10).prices, [price(102, 10)]);
    let gone = Err(MeasurementError::UnknownValidator(validators[0]));
    assert_eq!(measurements.price(validators[0], price(1, 20), NOW), gone);
    measurements.price(newcomer, price(99, 20), NOW).unwrap();
    assert_eq!(settle(&measurements, 20).prices, [PriceReport { time: at(10), ..price(102, 20) }]);
    measurements.restake([(newcomer, Amount::whole(1))].into());
    assert_eq!(settle(&measurements, 20).prices, [price(99, 20)]);
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
            measurements.price(*validator, PriceReport { price: Price::whole(dollars), ..price(1, 10) }, NOW).unwrap();
        }
        let settled = settle(&measurements, 10).prices[0].price;
        let [low, high] = [honest.iter().min(), honest.iter().max()].map(|dollars| Price::whole(*dollars.unwrap()));
        prop_assert!(low <= settled && settled <= high, "{settled} is not in {low}..{high}");
    }
}
