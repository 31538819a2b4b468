//! What stopped the house or a chain, or locked a lot for ever, when fresh eyes tried it: each as small as it can be.

mod support;

use ballast_engine::liquidation::LotStage;
use ballast_types::{
    Address, AssetId, Change, Command, Hash, LotId, Nonce, Observation, Sequence, Signer, VaultEvent,
};
use ballast_units::{Amount, Millis, Time};
use support::{House, owner, price, whole};

const TAKER: Address = Address([7; 32]);

fn lending(chain: &str) -> House {
    let mut house = House::new();
    house.deposit("lender", chain, "USDC", whole(100_000));
    house.lend("lender", chain, whole(50_000)).expect("half of its cash");
    house.deposit("borrower", chain, "ETH", whole(10));
    house
}

fn take(lot: LotId, quantity: Amount, paid: Amount) -> VaultEvent {
    VaultEvent::Taken { lot, taker: TAKER, quantity, paid, rebate: Amount::ZERO }
}

fn tell(house: &mut House, chain: &str, event: VaultEvent) {
    house.spoke(chain).claim(event);
    let out = house.apply(Vec::new());
    assert_eq!(out.rejects, [], "a fact is never refused");
}

fn only_lot(house: &House) -> LotId {
    house.state().lots.iter().next().expect("a lot").0
}

/// A deposit of a token that the house lists while it is on its way out of suspense.
#[test]
fn a_token_may_be_listed_while_what_was_in_suspense_leaves() {
    let mut house = House::new();
    let account = house.account("alice");
    let token = house.token("SOL", "ethereum");
    tell(
        &mut house,
        "ethereum",
        VaultEvent::Deposited { owner: owner("alice"), asset: token.asset, amount: whole(5) },
    );
    house.apply(Vec::new());
    let out = house.run(Command::WithdrawSuspense { account, token }).expect("it is hers");
    let nonce = out.orders.first().expect("a release").nonce;
    let params = house.state().token(house.token("SOL", "polygon")).expect("listed there").params;
    let (contract, unit) = (Address([9; 32]), params.unit);
    house.run(Command::Govern(Change::ListToken { token, contract, unit, params })).expect("listed");
    tell(&mut house, "ethereum", VaultEvent::Executed { nonce });
    house.apply(Vec::new());
    assert_eq!(house.state().house.money.token_total(token), Amount::ZERO);
}

/// The same, where the order expires.
#[test]
fn a_token_may_be_listed_before_what_was_in_suspense_comes_back() {
    let mut house = House::new();
    let account = house.account("alice");
    let token = house.token("SOL", "ethereum");
    tell(
        &mut house,
        "ethereum",
        VaultEvent::Deposited { owner: owner("alice"), asset: token.asset, amount: whole(5) },
    );
    house.apply(Vec::new());
    house.spoke("ethereum").loses_orders = true;
    house.run(Command::WithdrawSuspense { account, token }).expect("it is hers");
    let params = house.state().token(house.token("SOL", "polygon")).expect("listed there").params;
    let (contract, unit) = (Address([9; 32]), params.unit);
    house.run(Command::Govern(Change::ListToken { token, contract, unit, params })).expect("listed");
    house.advance(Millis::hours(2));
    house.apply(Vec::new());
    assert_eq!(house.balance(ballast_types::LedgerAccount::Suspense(account, token)), whole(5));
}

/// Rotations told out of order.
#[test]
fn rotations_told_out_of_order_stop_nothing() {
    let mut house = House::new();
    house.spoke("ethereum").loses_orders = true;
    let mut nonces = Vec::new();
    for number in [1_u8, 2] {
        let out = house
            .run(Command::Govern(Change::Rotate { signers: vec![Signer([number; 20])] }))
            .expect("a set");
        nonces.extend(out.orders.iter().filter(|order| order.chain.0 == 0).map(|order| order.nonce));
    }
    for _ in 0..4 {
        house.apply(Vec::new());
    }
    for nonce in nonces.into_iter().rev() {
        tell(&mut house, "ethereum", VaultEvent::Executed { nonce });
        house.apply(Vec::new());
    }
}

/// A take of a lot on its way: `told` when the arrival is final and the departure is not.
#[test]
fn a_take_of_what_is_on_its_way_leaves_no_trace() {
    let mut house = lending("polygon");
    house.borrow("borrower", "polygon", whole(15_000)).expect("20,000 / 1.32 = 15,151");
    house.spoke("polygon").loses_orders = true;
    house.spoke("polygon").holds_finality = true;
    house.price("ETH", price("1750"));
    let lot = only_lot(&house);
    let (key, transit) =
        house.state().transits.iter().map(|(key, transit)| (key, *transit)).next().expect("sent");
    tell(&mut house, "polygon", take(lot, whole(1), whole(100)));
    tell(
        &mut house,
        "ethereum",
        VaultEvent::BridgedIn { from: key.0, nonce: key.1, asset: transit.to.asset, amount: transit.amount },
    );
    house.apply(Vec::new());
    // The take is final, the departure is not.
    house.spoke("polygon").holds_finality = false;
    house.apply(Vec::new());
    tell(&mut house, "polygon", VaultEvent::Executed { nonce: key.1 });
    house.apply(Vec::new());
    assert!(house.state().lots.find(lot).is_none(), "{:?}", house.state().lots.find(lot));
}

/// A false take of a lot that waits, let go on by vote, sent by bridge, and then dropped.
#[test]
fn what_a_dropped_take_gives_back_to_a_lot_on_its_way_is_its_owners() {
    let mut house = lending("polygon");
    house.borrow("borrower", "polygon", whole(15_000)).expect("20,000 / 1.32 = 15,151");
    let (from, to) = (house.chain("polygon"), house.chain("ethereum"));
    // There is no path, and nothing is started at home while the vault may hand over.
    tell(
        &mut house,
        "ethereum",
        VaultEvent::BridgedIn { from, nonce: Nonce(77), asset: AssetId(1), amount: whole(1) },
    );
    house.spoke("polygon").loses_orders = true;
    let migrate = Change::Migrate { chain: from, to: Address([5; 32]), domain: Hash([6; 32]) };
    house.run(Command::Govern(migrate)).expect("none is open");
    house.advance(Millis::days(3));
    house.price("ETH", price("1750"));
    let lot = only_lot(&house);
    assert_eq!(house.state().lots.find(lot).expect("open").stage, LotStage::Queued);
    house.spoke("polygon").holds_finality = true;
    let sequence = house.spoke("polygon").next();
    tell(&mut house, "polygon", take(lot, whole(1), whole(100)));
    let task = house.state().tasks.iter().next().expect("open").0;
    house.run(Command::Govern(Change::Resolve { task })).expect("frozen");
    house.run(Command::Govern(Change::OpenPath { from, to })).expect("closed");
    let stage = house.state().lots.find(lot).expect("open").stage;
    // Takes it back, and sends.
    house.spoke("polygon").loses_orders = false;
    house.drop_from("polygon", sequence);
    for _ in 0..200 {
        house.advance(Millis::minutes(10));
        house.take_all();
    }
    let state = house.state();
    assert!(state.lots.is_empty(), "{stage:?} {:?}", state.lots.iter().collect::<Vec<_>>());
    assert!(state.tasks.is_empty());
}

/// A lot of which all is taken before its auction was told to have begun.
#[test]
fn a_lot_taken_whole_before_its_start_is_over() {
    let mut house = lending("ethereum");
    house.borrow("borrower", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    house.spoke("ethereum").loses_orders = true;
    house.price("ETH", price("1750"));
    let lot = only_lot(&house);
    let left = house.state().lots.find(lot).expect("open").left();
    tell(&mut house, "ethereum", take(lot, left, whole(15_000)));
    for _ in 0..200 {
        house.advance(Millis::minutes(10));
    }
    assert!(house.state().lots.find(lot).is_none(), "{:?}", house.state().lots.find(lot));
    assert!(house.state().tasks.is_empty());
}

/// The same with the start expiring after the freeze has ended.
#[test]
fn a_lot_taken_whole_and_thawed_before_its_start_expires_is_over() {
    let mut house = lending("ethereum");
    house.borrow("borrower", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    house.spoke("ethereum").loses_orders = true;
    house.price("ETH", price("1750"));
    let lot = only_lot(&house);
    let left = house.state().lots.find(lot).expect("open").left();
    tell(&mut house, "ethereum", take(lot, left, whole(15_000)));
    let task = house.state().tasks.iter().next().expect("open").0;
    house.run(Command::Govern(Change::Resolve { task })).expect("frozen");
    for _ in 0..200 {
        house.advance(Millis::minutes(10));
    }
    assert!(house.state().lots.find(lot).is_none(), "{:?}", house.state().lots.find(lot));
    assert!(house.state().tasks.is_empty());
}

/// A final block of the end of time.
#[test]
fn a_final_block_of_the_end_of_time_ends_nothing() {
    let mut house = lending("ethereum");
    let chain = house.chain("ethereum");
    let sequence = Sequence(house.spoke("ethereum").next().0 - 1);
    house
        .observe(Observation::Final {
            chain,
            sequence,
            time: Time::from_millis(u64::MAX),
            block: Hash::default(),
        })
        .expect("taken");
    house.borrow("borrower", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    house.spoke("ethereum").loses_orders = true;
    house.price("ETH", price("1750"));
    assert_eq!(house.state().lots.iter().count(), 1);
    // The start expires, and is given anew.
    for _ in 0..200 {
        house.advance(Millis::minutes(10));
    }
    house.spoke("ethereum").loses_orders = false;
    for _ in 0..200 {
        house.advance(Millis::minutes(1));
        house.take_all();
    }
    assert!(house.state().tasks.is_empty(), "{:?}", house.state().orders.iter().collect::<Vec<_>>());
}

/// A start that was told, and never was; no end will ever be told.
#[test]
fn an_auction_whose_end_is_never_told_locks_nobody_for_ever() {
    let mut house = lending("ethereum");
    house.borrow("borrower", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    house.spoke("ethereum").loses_orders = true;
    house.price("ETH", price("1750"));
    let nonce = house.state().orders.iter().next().expect("the start").0.1;
    tell(&mut house, "ethereum", VaultEvent::Executed { nonce });
    house.spoke("ethereum").loses_orders = false;
    let task = house.state().tasks.iter().next().expect("open").0;
    for _ in 0..400 {
        house.advance(Millis::minutes(60));
        let _ = house.run(Command::Govern(Change::Resolve { task }));
        house.take_all();
    }
    assert!(house.state().tasks.is_empty(), "{:?}", house.state().lots.iter().collect::<Vec<_>>());
}

/// As much as is counted, several times over.
#[test]
fn the_most_that_is_counted_may_come_again_and_again() {
    for asset in ["ETH", "USDC"] {
        let mut house = lending("ethereum");
        let token = house.token(asset, "ethereum");
        for number in 0..20 {
            let name = if number % 2 == 0 { "alice" } else { "borrower" };
            tell(
                &mut house,
                "ethereum",
                VaultEvent::Deposited { owner: owner(name), asset: token.asset, amount: Amount::LIMIT },
            );
        }
        house.apply(Vec::new());
        let _ = house.lend("alice", "ethereum", Amount::LIMIT);
        let _ = house.borrow("borrower", "ethereum", Amount::LIMIT);
        house.price("ETH", price("1000000000"));
        house.price("ETH", price("0.000001"));
        for _ in 0..20 {
            house.advance(Millis::minutes(10));
            house.take_all();
        }
    }
}

/// Takes for the most that is counted.
#[test]
fn takes_for_the_most_that_is_counted() {
    let mut house = lending("ethereum");
    house.borrow("borrower", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    house.price("ETH", price("1750"));
    let lot = only_lot(&house);
    house.apply(Vec::new());
    for rebate in [Amount::ZERO, Amount::LIMIT, Amount::MAX] {
        tell(
            &mut house,
            "ethereum",
            VaultEvent::Taken {
                lot,
                taker: TAKER,
                quantity: Amount::from_wei(1),
                paid: Amount::LIMIT,
                rebate,
            },
        );
    }
    for _ in 0..200 {
        house.advance(Millis::minutes(10));
        house.take_all();
    }
    assert!(house.state().tasks.is_empty());
}

/// Whoever wants takes all that is offered, for more than a day: no task is left.
fn all_is_sold(house: &mut House) {
    for _ in 0..2_000 {
        house.advance(Millis::minutes(1));
        house.take_all();
    }
    let lots: Vec<_> = house.state().lots.iter().collect();
    assert!(house.state().tasks.is_empty(), "{lots:?}");
}

/// Of a token so many units leave at once.
fn limit(house: &mut House, chain: &str, units: u64) {
    let token = house.token("ETH", chain);
    let limits = ballast_types::VaultLimits {
        outflow: whole(units),
        window: Millis::hours(1),
        delay_above: whole(units),
        delay: Millis::minutes(10),
    };
    house.run(Command::Govern(Change::SetLimits { token, limits })).expect("within bounds");
}

/// A joint lot of 15 ETH, of which its vault lets 12 pass at once.
#[test]
fn a_joint_lot_larger_than_what_passes_is_sold_all_the_same() {
    let mut house = House::new();
    house.deposit("lender", "polygon", "USDC", whole(100_000));
    house.lend("lender", "polygon", whole(50_000)).expect("half of its cash");
    for (name, ether, dollars) in [("alice", 10, 15_000), ("bob", 5, 7_500)] {
        house.deposit(name, "polygon", "ETH", whole(ether));
        house.borrow(name, "polygon", whole(dollars)).expect("2,000 / 1.32 = 1,515 a unit");
    }
    limit(&mut house, "ethereum", 12);
    house.apply(Vec::new());
    house.price("ETH", price("1650"));
    all_is_sold(&mut house);
}

/// Limits are lowered while a lot is for sale, and its start is not carried out in time.
#[test]
fn a_lot_that_was_offered_before_its_limits_were_lowered_is_sold_all_the_same() {
    let mut house = lending("ethereum");
    house.borrow("borrower", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    limit(&mut house, "ethereum", 10);
    house.apply(Vec::new());
    house.price("ETH", price("1650"));
    limit(&mut house, "ethereum", 4);
    let lot = only_lot(&house);
    house.expire(lot);
    all_is_sold(&mut house);
}

/// A forged arrival of nothing, and the order that it names expires.
#[test]
fn an_arrival_of_nothing_stops_nothing() {
    let mut house = lending("polygon");
    house.borrow("borrower", "polygon", whole(15_000)).expect("20,000 / 1.32 = 15,151");
    house.spoke("polygon").loses_orders = true;
    house.price("ETH", price("1750"));
    let (key, transit) =
        house.state().transits.iter().map(|(key, transit)| (key, *transit)).next().expect("sent");
    house.advance(Millis::minutes(50));
    tell(
        &mut house,
        "ethereum",
        VaultEvent::BridgedIn { from: key.0, nonce: key.1, asset: transit.to.asset, amount: Amount::ZERO },
    );
    for _ in 0..20 {
        house.advance(Millis::minutes(10));
    }
}

/// As the one above, for next to nothing: the task's need stands.
#[test]
fn a_lot_taken_whole_for_nothing_is_not_offered_again() {
    let mut house = lending("ethereum");
    house.borrow("borrower", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    house.spoke("ethereum").loses_orders = true;
    house.price("ETH", price("1650"));
    let lot = only_lot(&house);
    let left = house.state().lots.find(lot).expect("open").left();
    tell(&mut house, "ethereum", take(lot, left, Amount::from_wei(1_000_000_000_000)));
    let task = house.state().tasks.iter().next().expect("open").0;
    house.run(Command::Govern(Change::Resolve { task })).expect("frozen");
    house.apply(Vec::new());
    for _ in 0..200 {
        house.advance(Millis::minutes(10));
    }
    assert!(house.state().lots.find(lot).is_none(), "{:?}", house.state().lots.find(lot));
    assert!(house.state().tasks.is_empty());
}

/// A false take of a lot that waits, let go on by vote before it is final, and its owner is healthy again: no block is without end.
#[test]
fn an_owner_who_is_healthy_again_waits_for_a_take_that_is_not_final() {
    let mut house = lending("ethereum");
    house.borrow("borrower", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    let chain = house.chain("ethereum");
    house.spoke("ethereum").loses_orders = true;
    let migrate = Change::Migrate { chain, to: Address([5; 32]), domain: Hash([6; 32]) };
    house.run(Command::Govern(migrate)).expect("none is open");
    house.advance(Millis::days(3));
    house.price("ETH", price("1650"));
    let lot = only_lot(&house);
    assert_eq!(house.state().lots.find(lot).expect("open").stage, LotStage::Queued);
    house.spoke("ethereum").holds_finality = true;
    tell(&mut house, "ethereum", take(lot, whole(1), whole(100)));
    let task = house.state().tasks.iter().next().expect("open").0;
    house.run(Command::Govern(Change::Resolve { task })).expect("frozen");
    house.deposit("borrower", "polygon", "USDC", whole(50_000));
    for _ in 0..5 {
        house.advance(Millis::minutes(1));
    }
    house.spoke("ethereum").holds_finality = false;
    for _ in 0..5 {
        house.advance(Millis::minutes(1));
    }
    assert!(house.state().tasks.is_empty(), "{:?}", house.state().lots.iter().collect::<Vec<_>>());
}

/// Couriers bring the listing of a market maker after its end.
#[test]
fn a_maker_that_is_not_listed_any_more_stays_so() {
    let mut house = House::new();
    house.held = Some(Vec::new());
    for listed in [true, false] {
        house.run(Command::Govern(Change::Maker { maker: TAKER, listed })).expect("no bounds");
    }
    // Of whatever the hub still says afterwards the newest comes last.
    for order in house.held.replace(Vec::new()).expect("held").into_iter().rev() {
        house.deliver(&order);
    }
    house.held = None;
    for _ in 0..3 {
        house.apply(Vec::new());
    }
    for spoke in &house.spokes {
        assert!(!spoke.vault().books().is_maker(TAKER), "listed for ever");
    }
}

/// A lot that nobody bought is warehoused; a take of it is told, which freezes it for an hour after it is final; meanwhile the
/// price is back and nothing is owed any more. The task ends with its lot, not before.
#[test]
fn a_task_does_not_end_before_its_frozen_lot() {
    let mut house = lending("ethereum");
    house.borrow("borrower", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    house.price("ETH", price("1750"));
    let lot = only_lot(&house);
    let is_warehoused = |house: &House| {
        let lot = house.state().lots.find(lot).expect("open");
        matches!(lot.stage, LotStage::Warehoused(_)) && lot.runs.is_empty()
    };
    for _ in 0..200 {
        if is_warehoused(&house) {
            break;
        }
        house.advance(Millis::minutes(1));
    }
    assert!(is_warehoused(&house), "nobody buys");
    tell(&mut house, "ethereum", take(lot, Amount::from_wei(1_000_000_000_000), whole(1)));
    house.apply(Vec::new());
    house.deposit("borrower", "ethereum", "USDC", whole(30_000));
    for _ in 0..90 {
        house.advance(Millis::minutes(1));
    }
    assert!(house.state().tasks.is_empty() && house.state().lots.iter().next().is_none(), "both are over");
    assert_eq!(house.view("borrower").locked, None);
}
