//! The oracle: median, states, what each allows, safe mode (R18, R24).

mod support;

use ballast_types::{Action, Command, Event, OracleState, Reject};
use ballast_units::{Millis, Price, Ratio};
use support::{House, price, whole};

fn state(house: &House, asset: &str) -> (Option<Price>, OracleState) {
    let record = house.state().assets.get(house.asset(asset));
    (record.index, record.state)
}

/// Of an odd number the middle one, of an even number the middle of the two in the middle, rounded down; whoever stands
/// further than 5 % from it makes the asset divergent, and the index follows all the same.
#[test]
fn the_index_is_the_median_of_its_sources() {
    let mut house = House::new();
    for (quotes, index, expected) in [
        (vec!["2000", "1990", "2010"], "2000", OracleState::Fresh),
        (vec!["2000", "1980", "2020", "2010"], "2005", OracleState::Fresh),
        (vec!["2000", "2000.000000000000000001", "1990", "2010"], "2000", OracleState::Fresh),
        // 5 % of 2,000 are 100.
        (vec!["2000", "1900", "2100"], "2000", OracleState::Fresh),
        (vec!["2000", "1899.999999999999999999", "2000"], "2000", OracleState::Divergent),
        (vec!["98", "99", "102", "110"], "100.5", OracleState::Divergent),
    ] {
        let prices: Vec<Price> = quotes.iter().map(|quote| price(quote)).collect();
        house.silence("ETH");
        // What was reported before has aged.
        house.advance(Millis::seconds(61));
        house.quote_each("ETH", &prices);
        house.apply(Vec::new());
        assert_eq!(state(&house, "ETH"), (Some(price(index)), expected), "{quotes:?}");
    }
}

/// A report counts for 60 s; with fewer than three the price is stale, for an hour, then halted. It stays in use.
#[test]
fn a_silent_price_grows_stale_and_halts() {
    let mut house = House::new();
    house.silence("ETH");
    for (after, expected) in [
        (60, OracleState::Fresh),
        (1, OracleState::Stale),
        // An hour after it was last confirmed.
        (3_599, OracleState::Stale),
        (1, OracleState::Halted),
    ] {
        house.advance(Millis::seconds(after));
        assert_eq!(state(&house, "ETH"), (Some(price("2000")), expected), "{after} s later");
    }
    let out = house.price("ETH", price("2100"));
    assert_eq!(state(&house, "ETH"), (Some(price("2100")), OracleState::Fresh));
    let changed = Event::OracleChanged {
        asset: house.asset("ETH"),
        before: OracleState::Halted,
        after: OracleState::Fresh,
    };
    assert!(out.events.contains(&changed));
}

/// A report whose confidence is wider than 2 % counts as none.
#[test]
fn an_unsure_report_does_not_count() {
    let mut house = House::new();
    house.silence("ETH");
    house.advance(Millis::seconds(61));
    house.quote("ETH", price("2000"));
    let mut block = house.next_block(Vec::new());
    let asset = house.asset("ETH");
    for report in block.prices.iter_mut().filter(|report| report.asset == asset).take(1) {
        report.confidence = Ratio::bps(201);
    }
    house.apply_block(block.clone());
    assert_eq!(state(&house, "ETH").1, OracleState::Stale);
    block.height = house.height();
    for report in &mut block.prices {
        report.confidence = Ratio::bps(200);
    }
    house.apply_block(block);
    assert_eq!(state(&house, "ETH").1, OracleState::Fresh);
}

/// The table: fresh allows everything, divergent to liquidate and reduce, stale to reduce, halted to pay back.
#[test]
fn a_price_allows_less_the_less_it_is_worth() {
    let mut house = House::new();
    house.deposit("lender", "ethereum", "USDC", whole(100_000));
    house.lend("lender", "ethereum", whole(100_000)).expect("there is cash");
    house.deposit("alice", "ethereum", "USDC", whole(10_000));
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.long("alice", "ETH", whole(10_000)).expect("everything is fresh");
    house.borrow("alice", "ethereum", whole(1_000)).expect("everything is fresh");
    let asset = house.asset("ETH");
    let refused = |house: &mut House, state| {
        let mut found = Vec::new();
        for (action, done) in [
            (Action::Open, house.long("alice", "ETH", whole(100)).map(|_| ())),
            (Action::Borrow, house.borrow("alice", "ethereum", whole(1)).map(|_| ())),
            (Action::Reduce, house.short("alice", "ETH", whole(100)).map(|_| ())),
            (Action::Repay, house.repay("alice", "ethereum", Some(whole(1))).map(|_| ())),
        ] {
            match done {
                Ok(()) => {}
                Err(reject) => {
                    assert_eq!(reject, Reject::OracleNotReady { asset, state, action });
                    found.push(action);
                }
            }
        }
        found
    };
    house.quote_each("ETH", &[price("2000"), price("2000"), price("1800")]);
    house.apply(Vec::new());
    assert_eq!(refused(&mut house, OracleState::Divergent), [Action::Open, Action::Borrow]);
    house.silence("ETH");
    house.advance(Millis::seconds(61));
    assert_eq!(refused(&mut house, OracleState::Stale), [Action::Open, Action::Borrow]);
    house.advance(Millis::hours(2));
    assert_eq!(refused(&mut house, OracleState::Halted), [Action::Open, Action::Borrow, Action::Reduce]);
}

/// Nobody is liquidated on a stale price: the task opens in the block in which the price is good again.
#[test]
fn a_stale_price_liquidates_nobody() {
    let mut house = House::new();
    house.deposit("lender", "ethereum", "USDC", whole(17_000));
    house.lend("lender", "ethereum", whole(17_000)).expect("there is cash");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(16_000)).expect("16,528 is allowed");
    house.silence("ETH");
    house.advance(Millis::seconds(61));
    // One source alone says 1,000: the index stays.
    house.quote_each("ETH", &[price("1000")]);
    house.apply(Vec::new());
    assert_eq!(state(&house, "ETH"), (Some(price("2000")), OracleState::Stale));
    // 46 % interest brings her below zero within a year of silence; nothing happens.
    house.advance_in(Millis::days(365), 50);
    assert!(house.view("alice").health.is_negative());
    assert_eq!(house.view("alice").locked, None);
    let account = house.account("alice");
    let refused = house.run(Command::LiquidateAccount { account }).expect_err("no price to do it at");
    assert_eq!(refused.code(), "E1102");
    house.price("ETH", price("2000"));
    assert!(house.view("alice").locked.is_some());
}

/// After a restart only reports from after it count. Safe mode ends when every asset that somebody relies on is fresh.
#[test]
fn safe_mode_ends_when_every_price_is_newer_than_the_restart() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "USDC", whole(10_000));
    house.run(Command::EnterSafeMode).expect("always");
    let since = house.now();
    assert_eq!(house.state().house.safe_mode, Some(since));
    let refused = house.long("alice", "ETH", whole(100)).expect_err("it opens");
    assert_eq!(refused, Reject::SafeMode { since });
    // SOL says nothing: everything else is fresh, and it does not end.
    house.silence("SOL");
    house.advance(Millis::seconds(10));
    assert_eq!(house.state().house.safe_mode, Some(since));
    assert_eq!(state(&house, "ETH").1, OracleState::Fresh);
    house.long("alice", "ETH", whole(100)).expect("ETH is back");
    let out = house.price("SOL", price("100"));
    assert!(out.events.contains(&Event::SafeModeLeft {}));
    house.long("alice", "ETH", whole(100)).expect("prices are fresh");
}
