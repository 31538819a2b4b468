//! Dust and crumbs: what anybody can send to anybody holds up neither its owner nor his liquidation, and is not sold at more
//! than it is worth.

mod support;

use ballast_types::Event;
use ballast_units::{Amount, Millis};
use support::{House, amount, genesis, price, whole};

/// Alice owes 16,000 on 10 ETH of Ethereum, which stand at 2,000; she holds this much SOL on Polygon besides, at 100.
fn owing(sol: &str) -> House {
    let mut house = House::of(genesis::guarded());
    house.deposit("bob", "ethereum", "USDC", whole(100_000));
    house.lend("bob", "ethereum", whole(60_000)).expect("there is cash");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.deposit("alice", "polygon", "SOL", amount(sol));
    house.borrow("alice", "ethereum", whole(15_000)).expect("20,000 / 1.21 = 16,528");
    house
}

fn count(house: &House, is: impl Fn(&Event) -> bool) -> usize {
    house.history.iter().filter(|event| is(event)).count()
}

/// A stranger's crumb of an asset whose price is late: she borrows and withdraws as before.
#[test]
fn dust_without_a_price_keeps_nobody_from_his_own() {
    let mut house = owing("0.5");
    house.silence("SOL");
    house.advance(Millis::minutes(2));
    house.borrow("alice", "ethereum", whole(500)).expect("50 dollars of SOL are below the dust");
    house.withdraw("alice", "ethereum", "ETH", amount("0.1")).expect("likewise");
    // What is worth more than the dust counts, and its price has to be known.
    let mut house = owing("2");
    house.silence("SOL");
    house.advance(Millis::minutes(2));
    assert!(house.borrow("alice", "ethereum", whole(500)).is_err());
}

/// The same crumb in a fall of ETH: she fails as if it were not there, and is sold.
#[test]
fn dust_without_a_price_saves_nobody_from_liquidation() {
    let mut house = owing("0.5");
    house.silence("SOL");
    house.advance(Millis::minutes(2));
    house.price("ETH", price("1600"));
    assert!(house.view("alice").locked.is_some());
    assert_eq!(house.offers().len(), 1, "her ETH");
}

/// All of her ETH is sold for less than she owes. Her crumbs of SOL stay hers, whoever sends more of them, and the loss is booked.
#[test]
fn crumbs_stay_with_their_owner_and_hold_up_no_loss() {
    let mut house = owing("0.009");
    house.price("ETH", price("1000"));
    for _ in 0..60 {
        // A safe deposit of a wei in every block.
        house.spoke("solana").holds_finality = true;
        house.deposit("alice", "solana", "SOL", Amount::from_wei(1_000_000_000));
        house.take_all();
        house.advance(Millis::minutes(1));
    }
    assert_eq!(
        count(&house, |event| matches!(event, Event::TaskClosed { shortfall, .. } if !shortfall.is_zero())),
        1
    );
    let sol = house.token("SOL", "polygon");
    let is_crumb = |event: &Event| matches!(event, Event::LotQueued { token, .. } if *token == sol);
    assert_eq!(count(&house, is_crumb), 0, "90 cents are worth less than their order");
    let left = house.view("alice").collateral.iter().find(|held| held.token == sol).map(|held| held.amount);
    assert_eq!(left, Some(amount("0.009")));
}

/// Nobody buys the lot: it is offered again in an hour at first, and once a day in the end.
#[test]
fn a_lot_that_nobody_buys_is_offered_ever_more_rarely() {
    let mut house = owing("0.009");
    house.price("ETH", price("1400"));
    for _ in 0..24 * 14 {
        house.advance(Millis::hours(1));
    }
    let offered = count(&house, |event| matches!(event, Event::LotOffered { .. }));
    let last_day = house.history.len();
    for _ in 0..24 {
        house.advance(Millis::hours(1));
    }
    let in_a_day =
        house.history[last_day..].iter().filter(|event| matches!(event, Event::LotOffered { .. })).count();
    assert!(in_a_day <= 1, "{in_a_day} offers on the fifteenth day, {offered} before");
    assert!(offered < 60, "{offered} offers in two weeks; hourly they were 336");
}

/// A token whose feed is dead kept its holder from liquidation for ever, whatever he owed: it is worth nothing, and he is liquidated
/// on the rest. Who holds nothing else waits for its price.
#[test]
fn a_dead_feed_saves_nobody_from_liquidation() {
    let mut house = owing("20");
    house.silence("SOL");
    house.advance_in(Millis::minutes(50), 50);
    house.price("ETH", price("1600"));
    assert!(house.view("alice").locked.is_none(), "late: 2,000 dollars of SOL may save her");
    house.advance_in(Millis::minutes(20), 20);
    assert!(house.view("alice").locked.is_some(), "dead: they count nothing");
    let eth = house.token("ETH", "ethereum");
    assert_eq!(count(&house, |event| matches!(event, Event::LotQueued { token, .. } if *token == eth)), 1);
    // Bob has SOL alone.
    let mut house = House::of(genesis::guarded());
    house.deposit("lena", "polygon", "USDC", whole(100_000));
    house.lend("lena", "polygon", whole(60_000)).expect("there is cash");
    house.deposit("bob", "polygon", "SOL", whole(100));
    house.borrow("bob", "polygon", whole(7_000)).expect("10,000 / 1.32");
    house.silence("SOL");
    house.advance_in(Millis::hours(2), 120);
    assert!(house.view("bob").health.is_negative());
    assert!(house.view("bob").locked.is_none(), "there is nothing to sell");
    house.price("SOL", price("100"));
    assert!(!house.view("bob").health.is_negative() && house.view("bob").locked.is_none());
}
