//! The reserve's cold money: collected from the float by an order, recalled by a deposit (design 13).

mod support;

use ballast_engine::Outcome;
use ballast_types::{
    ChainId, Change, Command, Event, Layer, LedgerAccount, Nonce, OrderAction, Owner, Reason, Reject,
    ReleaseReason,
};
use ballast_units::{Amount, Millis};
use support::{House, owner, whole};

const ETHEREUM: ChainId = ChainId(0);
const COLD: LedgerAccount = LedgerAccount::Cold(ETHEREUM);

/// Alice has given 300 of her 500 dollars to the float; the multisig's address is known.
fn house() -> House {
    let mut house = House::new();
    let store = Change::SetColdStore { chain: ETHEREUM, address: owner("safe").address };
    house.run(Command::Govern(store)).expect("the chain exists");
    house.deposit("alice", "ethereum", "USDC", whole(500));
    house.contribute("alice", Layer::Float, whole(300)).expect("it is cash");
    house
}

fn collect(house: &mut House, amount: Amount) -> Result<Outcome, Reject> {
    house.run(Command::Govern(Change::Collect { chain: ETHEREUM, amount }))
}

/// Float, cold, and what the vault holds of the coin by the books, in flight included.
fn books(house: &House) -> [Amount; 4] {
    let token = house.token("USDC", "ethereum");
    let in_flight = house.balance(LedgerAccount::InFlight(ETHEREUM));
    [
        house.balance(LedgerAccount::Float),
        house.balance(COLD),
        house.state().house.money.token_total(token),
        in_flight,
    ]
}

fn dollars(figures: [u64; 4]) -> [Amount; 4] {
    figures.map(whole)
}

#[test]
fn a_collection_is_cold_at_once_and_leaves_the_vault_when_it_is_final() {
    let mut house = house();
    house.spoke("ethereum").holds_finality = true;
    // A millionth of a dollar is the coin's unit: what is below it stays.
    let out = collect(&mut house, whole(120) + Amount::from_wei(7)).expect("the float has 300");
    let action = OrderAction::Release {
        reason: ReleaseReason::Collection,
        to: owner("safe").address,
        asset: house.asset("USDC"),
        amount: whole(120),
    };
    assert_eq!(out.orders.iter().map(|order| &order.action).collect::<Vec<_>>(), [&action]);
    assert_eq!(
        out.events[0],
        Event::CollectionOrdered { chain: ETHEREUM, amount: whole(120), nonce: Nonce(1) }
    );
    assert_eq!(books(&house), dollars([180, 120, 500, 120]));
    house.finalise("ethereum");
    house.advance(Millis::seconds(1));
    assert_eq!(books(&house), dollars([180, 120, 380, 0]));
    assert_eq!(house.waterfall().cold, whole(120));
}

#[test]
fn a_collection_that_the_chain_never_paid_is_the_floats_again() {
    let mut house = house();
    house.spoke("ethereum").loses_orders = true;
    collect(&mut house, whole(120)).expect("the float has 300");
    assert_eq!(books(&house), dollars([180, 120, 500, 120]));
    // An order lives for an hour.
    let out = house.advance(Millis::hours(1));
    let undone = Event::CollectionUndone { chain: ETHEREUM, amount: whole(120), nonce: Nonce(1) };
    assert!(out.events.contains(&undone), "{:?}", out.events);
    assert_eq!(books(&house), dollars([300, 0, 500, 0]));
    assert!(out.transfers.iter().all(|entry| entry.reason == Reason::Expiry), "{:?}", out.transfers);
}

#[test]
fn a_collection_that_a_reorg_dropped_is_paid_once() {
    let mut house = house();
    house.spoke("ethereum").holds_finality = true;
    let first = house.spoke("ethereum").next();
    collect(&mut house, whole(120)).expect("the float has 300");
    house.advance(Millis::seconds(1));
    assert_eq!(house.spoke("ethereum").unfinal().len(), 1, "it was carried out");
    house.drop_from("ethereum", first);
    house.advance(Millis::seconds(1));
    house.advance(Millis::seconds(1));
    assert_eq!(books(&house), dollars([180, 120, 380, 0]));
    assert_eq!(house.state().orders.len(), 0);
}

#[test]
fn what_comes_to_the_reserves_account_is_the_floats_and_no_longer_cold() {
    let mut house = house();
    collect(&mut house, whole(120)).expect("the float has 300");
    house.advance(Millis::seconds(1));
    let coin = house.asset("USDC");
    house.spoke("ethereum").deposit(Owner::RESERVE, coin, whole(50));
    let out = house.advance(Millis::seconds(1));
    let recalled = Event::ReserveRecalled { chain: ETHEREUM, amount: whole(50), cold: whole(50) };
    assert!(out.events.contains(&recalled), "{:?}", out.events);
    assert_eq!(books(&house), dollars([230, 70, 430, 0]));
    // More than is cold: the rest is a gift.
    house.spoke("ethereum").deposit(Owner::RESERVE, coin, whole(100));
    house.advance(Millis::seconds(1));
    assert_eq!(books(&house), dollars([330, 0, 530, 0]));
}

/// Story, from a walk of two million steps: somebody paid into the reserve's account while a collection was under way that its chain
/// never carried out. The gift was booked as what the collection had made cold, and the hub stopped when that came back.
#[test]
fn a_gift_is_not_what_a_collection_under_way_stands_for() {
    let mut house = house();
    house.spoke("ethereum").loses_orders = true;
    collect(&mut house, whole(120)).expect("the float has 300");
    let coin = house.asset("USDC");
    house.spoke("ethereum").deposit(Owner::RESERVE, coin, whole(50));
    let out = house.advance(Millis::seconds(1));
    let recalled = Event::ReserveRecalled { chain: ETHEREUM, amount: whole(50), cold: whole(0) };
    assert!(out.events.contains(&recalled), "{:?}", out.events);
    assert_eq!(books(&house), dollars([230, 120, 550, 120]));
    house.advance(Millis::hours(1));
    assert_eq!(books(&house), dollars([350, 0, 550, 0]));
}
