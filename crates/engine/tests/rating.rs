//! The monthly rating, misdeeds, freezes and votes (design 12).

mod support;

use ballast_engine::keeper::registry::{Unfit, qualification};
use ballast_types::{Change, Command, Event, Genesis, Grade, KeeperId, LedgerAccount, Misdeed};
use ballast_units::{Millis, Ratio};
use support::keepers::{age, beat, drawn, register, report, sold, truth, tweaked};
use support::{House, whole};

const K0: KeeperId = KeeperId(0);

/// One keeper, which is drawn for each task, and never frozen.
fn alone(tweak: impl FnOnce(&mut Genesis)) -> House {
    tweaked(1, |genesis| {
        genesis.keepers.draws_most = 1;
        genesis.keepers.misdeeds = 255;
        tweak(genesis);
    })
}

/// Only efficiency counts.
fn efficiency(genesis: &mut Genesis) {
    genesis.keepers.efficiency_weight = Ratio::ONE;
    genesis.keepers.price_weight = Ratio::ZERO;
    genesis.keepers.consistency_weight = Ratio::ZERO;
}

/// A task that is delivered, and reported on or not.
fn task(house: &mut House, number: u32, reports: bool) {
    let (task, keepers) = sold(house, &format!("alice{number}"));
    assert_eq!(keepers, [K0]);
    if reports {
        let truth = truth(house, task);
        report(house, K0, task, truth);
    } else {
        house.advance(Millis::seconds(120));
    }
    assert!(house.state().rounds.is_empty(), "judged");
    house.advance(Millis::minutes(10));
    beat(house);
}

/// What the end of the month says.
fn rated(house: &mut House) -> Option<(Ratio, Grade)> {
    let out = house.advance(Millis::days(30));
    out.events.iter().find_map(|event| match event {
        Event::KeeperRated { score, grade, .. } => Some((*score, *grade)),
        _ => None,
    })
}

fn of(tasks: u32, missed: u32) -> Option<(Ratio, Grade)> {
    let mut house = alone(efficiency);
    for number in 0..tasks {
        task(&mut house, number, missed <= number);
    }
    rated(&mut house)
}

/// Two duties a task, one of them missed where no report came: 9 of 10 are an A, 6 of 8 a B, 6 of 10 a C; anything less is
/// the grade below.
#[test]
fn grades_begin_at_ninety_seventy_five_and_sixty() {
    assert_eq!(of(5, 1), Some((Ratio::percent(90), Grade::A)));
    assert_eq!(of(4, 1), Some((Ratio::bps(8_750), Grade::B)));
    assert_eq!(of(4, 2), Some((Ratio::percent(75), Grade::B)));
    assert_eq!(of(3, 2), Some((Ratio::from_wei(666_666_666_666_666_666), Grade::C)));
    assert_eq!(of(5, 4), Some((Ratio::percent(60), Grade::C)));
    assert_eq!(of(2, 2), Some((Ratio::percent(50), Grade::D)));
}

/// Nothing to measure, no rating: a new keeper stays the B that it began as.
#[test]
fn an_idle_month_leaves_the_grade() {
    let mut house = alone(|_| {});
    assert_eq!(house.state().keepers.get(K0).grade, Grade::B);
    assert_eq!(rated(&mut house), None);
    assert_eq!(house.state().keepers.get(K0).grade, Grade::B);
}

/// Months are counted from genesis: 29 days and 23 hours after it nothing is rated, an hour later everything is.
#[test]
fn months_are_thirty_days_from_genesis() {
    let mut house = alone(efficiency);
    task(&mut house, 0, true);
    let ends = support::genesis::START.after(Millis::days(30));
    let left = ends.since(house.now());
    let rates = |events: &[Event]| events.iter().any(|event| matches!(event, Event::KeeperRated { .. }));
    assert!(!rates(&house.advance(left.saturating_sub(Millis::new(1))).events));
    assert!(rates(&house.advance(Millis::new(1)).events));
}

/// Sold at the floor of 95 % of index: with 4 % tolerated, 1 % beyond that is a quarter of the way down. Efficiency and
/// consistency are 1: 0.4 + 0.3 x 0.75 + 0.3 = 0.925.
#[test]
fn a_price_below_what_is_tolerated_lowers_the_score() {
    let mut house = alone(|genesis| genesis.keepers.price_tolerance = Ratio::percent(4));
    at_the_floor(&mut house, "alice");
    // Takes are paid in whole units of the coin, rounded up: 6 decimals of 21,846 dollars.
    let (score, grade) = rated(&mut house).expect("it was measured");
    let most = Ratio::bps(9_250) + Ratio::from_wei(1_000_000_000);
    assert!(Ratio::bps(9_250) <= score && score <= most, "{score}");
    assert_eq!(grade, Grade::A);
}

/// A task whose lot is sold at its floor, 95 % of index, and which is reported on.
fn at_the_floor(house: &mut House, name: &str) {
    let (task, lot, _) = drawn(house, name);
    house.advance(Millis::seconds(40));
    house.take(lot, whole(100)).expect("a lot is for sale");
    let truth = truth(house, task);
    report(house, K0, task, truth);
}

/// A missing report is not a wrong one: it lowers efficiency (3 of 4) and leaves consistency. Sold at 110 %: price 1.
/// 0.4 x 0.75 + 0.3 + 0.3 = 0.9.
#[test]
fn missing_and_wrong_are_counted_apart() {
    let mut house = alone(|_| {});
    task(&mut house, 0, true);
    task(&mut house, 1, false);
    let month = house.state().keepers.get(K0).month;
    assert_eq!((month.duties, month.missed, month.consistent, month.wrong), (4, 1, 1, 0));
    assert_eq!(rated(&mut house), Some((Ratio::percent(90), Grade::A)));
}

/// A D forfeits a fifth of its stake and is not drawn for 30 days; then it is a C, and is drawn once its stake is whole and
/// its uptime has been measured anew.
#[test]
fn a_d_is_suspended_and_can_come_back() {
    let mut house = alone(efficiency);
    for number in 0..2 {
        task(&mut house, number, false);
    }
    let fines = house.balance(LedgerAccount::Fines);
    assert_eq!(rated(&mut house).map(|(_, grade)| grade), Some(Grade::D));
    assert_eq!(house.balance(LedgerAccount::Fines) - fines, whole(2_000));
    assert_eq!(house.balance(LedgerAccount::Stake(K0)), whole(8_000));
    let until = house.now().after(Millis::days(30));
    let fit = |house: &House| qualification(house.state(), house.state().keepers.get(K0));
    assert_eq!(fit(&house), Err(Unfit::Suspended(until)));
    house.advance(Millis::days(30).saturating_sub(Millis::new(1)));
    assert_eq!(fit(&house), Err(Unfit::Suspended(until)));
    let out = house.advance(Millis::new(1));
    assert!(out.events.contains(&Event::KeeperRestored { keeper: K0 }));
    assert_eq!(house.state().keepers.get(K0).grade, Grade::C);
    assert_eq!(fit(&house), Err(Unfit::Stake));
    house.deposit("k0", "ethereum", "BAL", whole(2_000));
    house.run(Command::StakeKeeper { keeper: K0, amount: whole(2_000) }).expect("they are there");
    assert_eq!(fit(&house), Err(Unfit::Young));
    age(&mut house);
    assert_eq!(fit(&house), Ok(()));
}

// Misdeeds

/// Frozen by the second of two late reports, for 24 hours.
fn frozen() -> (House, Vec<Event>) {
    let mut house = tweaked(1, |genesis| {
        genesis.keepers.draws_most = 1;
        genesis.keepers.misdeeds = 2;
    });
    sold(&mut house, "alice0");
    let out = house.advance(Millis::seconds(120));
    assert!(
        !out.events.iter().any(|event| matches!(event, Event::KeeperFrozen { .. })),
        "once is not enough"
    );
    beat(&mut house);
    sold(&mut house, "alice1");
    let out = house.advance(Millis::seconds(120));
    beat(&mut house);
    (house, out.events)
}

fn fit(house: &House) -> Result<(), Unfit> {
    qualification(house.state(), house.state().keepers.get(K0))
}

#[test]
fn repeated_lateness_freezes_and_an_unanswered_vote_lets_it_end() {
    let (mut house, events) = frozen();
    let until = house.now().after(Millis::hours(24));
    assert!(events.contains(&Event::KeeperFrozen { keeper: K0, until, misdeed: Misdeed::Lateness }));
    assert_eq!(fit(&house), Err(Unfit::Frozen(until)));
    let (_, _, none) = drawn(&mut house, "alice2");
    assert_eq!(none, [], "it is not drawn");
    for _ in 0..24 {
        house.advance(Millis::hours(1));
        beat(&mut house);
    }
    assert_eq!(fit(&house), Ok(()));
    assert_eq!(house.balance(LedgerAccount::Stake(K0)), whole(10_000), "and nothing is forfeited");
}

/// Story: on 12 March 2020 every price was bad, and the monitor froze eleven of twelve keepers: 569 tasks had nobody left to draw. All
/// three who were drawn are late here; of six two may be frozen at once, 34 %.
#[test]
fn never_more_than_a_share_is_frozen() {
    let mut house = tweaked(6, |genesis| {
        genesis.keepers.draws_most = 1;
        genesis.keepers.misdeeds = 1;
    });
    let (_, keepers) = sold(&mut house, "alice0");
    assert_eq!(keepers.len(), 3);
    let out = house.advance(Millis::seconds(120));
    let of = |is: fn(&Event) -> bool| out.events.iter().filter(|event| is(event)).count();
    assert_eq!(of(|event| matches!(event, Event::KeeperLate { .. })), 3);
    assert_eq!(of(|event| matches!(event, Event::KeeperFrozen { .. })), 2);
}

#[test]
fn a_vote_that_is_not_upheld_frees_at_once() {
    let (mut house, _) = frozen();
    house.run(Command::Govern(Change::Verdict { keeper: K0, upheld: false })).expect("a vote is open");
    assert_eq!(fit(&house), Ok(()));
    assert_eq!(house.balance(LedgerAccount::Fines), whole(0));
}

#[test]
fn an_upheld_vote_bars_the_operator_and_fines() {
    let (mut house, _) = frozen();
    let out =
        house.run(Command::Govern(Change::Verdict { keeper: K0, upheld: true })).expect("a vote is open");
    assert!(out.events.contains(&Event::VerdictGiven { keeper: K0, upheld: true, fine: whole(2_000) }));
    assert_eq!(house.balance(LedgerAccount::Fines), whole(2_000));
    assert_eq!(fit(&house), Err(Unfit::Barred));
}

/// A price below index by more than is tolerated is a misdeed of whoever was first to deliver.
#[test]
fn repeated_bad_prices_freeze() {
    let mut house = tweaked(1, |genesis| {
        genesis.keepers.misdeeds = 2;
        genesis.keepers.price_tolerance = Ratio::percent(4);
    });
    at_the_floor(&mut house, "alice0");
    assert_eq!(fit(&house), Ok(()));
    at_the_floor(&mut house, "alice1");
    let until = house.now().after(Millis::hours(24));
    assert_eq!(fit(&house), Err(Unfit::Frozen(until)));
    let frozen = Event::KeeperFrozen { keeper: K0, until, misdeed: Misdeed::Price };
    assert!(house.history.contains(&frozen));
}

/// Grade sets what a keeper is paid: an A asks for 20 % of the fee, of the pot of 30 %.
#[test]
fn an_a_earns_more_than_a_b() {
    let mut house = alone(|_| {});
    register(&mut house, 1, 10_000).expect("stake and hardware are enough");
    task(&mut house, 0, true);
    rated(&mut house);
    assert_eq!(house.state().keepers.get(K0).grade, Grade::A);
    // Nobody was heard during that month: both are up again once it has left the window.
    for _ in 0..30 * 24 {
        house.advance(Millis::hours(1));
        beat(&mut house);
    }
    house.price("ETH", support::price("3400"));
    let (task, keepers) = sold(&mut house, "alice1");
    assert_eq!(keepers.len(), 2);
    let truth = truth(&house, task);
    let pot = house.balance(LedgerAccount::Pot(task));
    report(&mut house, KeeperId(1), task, truth);
    let out = report(&mut house, K0, task, truth);
    // 20 + 15 are more than 30: 30 x 20 / 35 and 30 x 15 / 35 of 40 parts.
    let of_pot = |part: u128, of: u128| ballast_units::Amount::from_wei(pot.wei() * part / of);
    let mut shares: Vec<_> = out
        .events
        .iter()
        .filter_map(|event| match event {
            Event::KeeperPaid { keeper, share, .. } => Some((*keeper, *share)),
            _ => None,
        })
        .collect();
    shares.sort();
    assert_eq!(shares, [(K0, of_pot(30 * 20, 40 * 35)), (KeeperId(1), of_pot(30 * 15, 40 * 35))]);
}
