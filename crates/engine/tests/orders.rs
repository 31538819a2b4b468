//! Orders, their acknowledgement, resend and expiry; what a reorg takes back; results, rebates, fees and costs.

mod support;

use ballast_engine::liquidation::LotStage;
use ballast_engine::{Outcome, auction, view};
use ballast_types::digest;
use ballast_types::{
    Address, Anomaly, Block, Change, Command, CostReport, DepthReport, Event, Genesis, Hash, Layer,
    LedgerAccount, LotId, Nonce, Observation, Order, OrderAction, SourceId, VaultEvent,
};
use ballast_units::{Amount, Millis, Price};
use proptest::prelude::*;
use support::genesis::guarded;
use support::{House, amount, owner, price, whole};

const TAKER: Address = Address([7; 32]);

/// A lender with 100,000 and a borrower who owes 16,000 on 10 ETH: healthy down to 1,760.
fn lending() -> House {
    lending_in(guarded())
}

fn lending_in(genesis: Genesis) -> House {
    let mut house = House::of(genesis);
    house.deposit("lender", "ethereum", "USDC", whole(100_000));
    house.lend("lender", "ethereum", whole(50_000)).expect("half of its cash");
    house.deposit("borrower", "ethereum", "ETH", whole(10));
    house.borrow("borrower", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    house.apply(Vec::new());
    house
}

/// The same with a lot under auction: the price is 1,600, and all of the 10 ETH are for sale.
fn failed() -> (House, LotId) {
    let mut house = lending();
    house.price("ETH", price("1600"));
    let lot = house.offers().first().expect("16,000 / 1.1 is less than 16,000").0;
    (house, lot)
}

fn events(house: &House, wanted: impl Fn(&Event) -> bool) -> usize {
    house.history.iter().filter(|event| wanted(event)).count()
}

/// Every balance of the ledger.
fn books(house: &House) -> Vec<(LedgerAccount, ballast_types::Money, Amount)> {
    view::ledger(house.state())
}

// The register

#[test]
fn an_order_is_kept_until_its_execution_is_final() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(2));
    house.spoke("ethereum").holds_finality = true;
    let key = (house.chain("ethereum"), house.state().chains.get(house.chain("ethereum")).next_nonce);
    house.withdraw("alice", "ethereum", "ETH", whole(1)).expect("its own");
    assert_eq!(house.state().orders.find(key).expect("given").seen, None);
    house.apply(Vec::new());
    assert!(house.state().orders.find(key).expect("not final").seen.is_some());
    house.finalise("ethereum");
    assert!(house.state().orders.find(key).is_none());
}

/// A block takes 2 s and p95 of inclusion is 4 s: 3 · 2 + 4 = 10 s, then 20, then 40.
#[test]
fn an_order_without_acknowledgement_is_put_out_again_and_again() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(2));
    house.spoke("ethereum").loses_orders = true;
    let first = house.withdraw("alice", "ethereum", "ETH", whole(1)).expect("its own").orders;
    assert_eq!(first.len(), 1);
    let mut again = |seconds: u64| house.advance(Millis::seconds(seconds)).orders;
    assert_eq!(again(9), []);
    assert_eq!(again(1), first, "after 10 s, the same nonce and bytes");
    assert_eq!(again(19), []);
    assert_eq!(again(1), first, "after 20 s more");
    assert_eq!(again(39), []);
    assert_eq!(again(1), first, "after 40 s more");
    // It gets through at last, and is carried out once.
    house.spoke("ethereum").loses_orders = false;
    house.deliver(&first[0]);
    house.deliver(&first[0]);
    house.apply(Vec::new());
    assert_eq!(
        events(&house, |event| matches!(event, Event::ReleaseCompleted { .. })),
        2,
        "the loan and this"
    );
    assert_eq!(house.advance(Millis::hours(2)).orders, []);
}

/// A thousand orders to a chain that takes none are due at once; the one of another chain comes with the first of them.
#[test]
fn a_chain_that_stands_still_holds_up_no_other() {
    let mut house = lending();
    let (ethereum, polygon) = (house.chain("ethereum"), house.chain("polygon"));
    let token = house.token("ETH", "ethereum");
    let mut asks = Vec::new();
    // Sixteen an account are on their way at once.
    for number in 0..64 {
        let name = format!("alice/{number}");
        house.deposit(&name, "ethereum", "ETH", whole(2));
        let (account, amount) = (house.account(&name), Amount::from_wei(1_000_000_000_000_000));
        asks.extend(vec![Command::RequestWithdrawal { account, token, amount }; 16]);
    }
    house.deposit("alice", "polygon", "ETH", whole(2));
    for chain in ["ethereum", "polygon"] {
        house.spoke(chain).loses_orders = true;
    }
    let out = house.apply(asks);
    assert_eq!(out.rejects, []);
    house.withdraw("alice", "polygon", "ETH", whole(1)).expect("its own");
    let out = house.advance(Millis::seconds(10));
    let to = |chain| out.orders.iter().filter(|order| order.chain == chain).count();
    assert_eq!((to(ethereum), to(polygon)), (256, 1));
}

#[test]
fn an_order_that_a_reorg_lost_is_put_out_again_at_once() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(2));
    house.spoke("ethereum").holds_finality = true;
    let sequence = house.spoke("ethereum").next();
    let order = house.withdraw("alice", "ethereum", "ETH", whole(1)).expect("its own").orders;
    house.apply(Vec::new());
    house.spoke("ethereum").loses_orders = true;
    let out = house.drop_from("ethereum", sequence);
    assert_eq!(out.orders, order);
    assert_eq!(events(&house, |event| matches!(event, Event::OrderResent { .. })), 1);
}

// Expiry

/// Collateral and cash that were never paid are the account's again, to the wei, an hour later.
#[test]
fn an_expired_release_is_undone() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(2));
    house.deposit("alice", "ethereum", "USDC", whole(1_000));
    let before = books(&house);
    house.spoke("ethereum").loses_orders = true;
    house.withdraw("alice", "ethereum", "ETH", whole(1)).expect("its own");
    house.withdraw("alice", "ethereum", "USDC", whole(400)).expect("its own");
    assert_ne!(books(&house), before);
    house.advance(Millis::new(3_599_999));
    assert_ne!(books(&house), before, "a millisecond before");
    let out = house.advance(Millis::new(1));
    let undone = out.events.iter().filter(|event| matches!(event, Event::ReleaseUndone { .. })).count();
    assert_eq!(undone, 2);
    let alice = house.account("alice");
    assert_eq!(house.balance(LedgerAccount::Cash(alice)), whole(1_000));
    assert_eq!(house.balance(LedgerAccount::InFlight(house.chain("ethereum"))), Amount::ZERO);
    // Its own deposits count as before: off par, it may still take all of them out.
    house.spoke("ethereum").loses_orders = false;
    house.price("USDC", price("0.9"));
    house.withdraw("alice", "ethereum", "USDC", whole(1_000)).expect("what it brought");
}

/// A loan that was never paid out is owed all the same, and its dollars are the borrower's cash.
#[test]
fn an_expired_loan_is_cash() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.spoke("ethereum").loses_orders = true;
    house.borrow("alice", "ethereum", whole(1_000)).expect("little");
    house.advance(Millis::hours(1));
    assert_eq!(house.view("alice").cash, whole(1_000));
    assert_eq!(house.view("alice").loans[0].principal, whole(1_000));
    house.repay("alice", "ethereum", Some(whole(1_000))).expect("there is cash");
}

/// A start that was never carried out is dead when its auction would be over: the round begins anew, at the price of
/// then.
#[test]
fn an_expired_start_queues_its_lot_again() {
    let mut house = lending();
    house.spoke("ethereum").loses_orders = true;
    house.price("ETH", price("1600"));
    let lot = LotId(1);
    let first = house.state().lots.find(lot).expect("queued").start;
    let LotStage::Offered(auction) = house.state().lots.find(lot).expect("queued").stage else {
        panic!("ordered")
    };
    house.quote("ETH", price("1590"));
    house.advance(auction.ends.since(house.now()));
    house.spoke("ethereum").loses_orders = false;
    let record = house.state().lots.find(lot).expect("still for sale").clone();
    assert!(first < record.start, "another order");
    assert_eq!((record.round, record.runs.len()), (1, 1));
    let LotStage::Offered(auction) = record.stage else { panic!("ordered") };
    assert_eq!(auction.start, price("1749"), "110 % of 1,590");
}

/// The index falls below the floor, and the cancellation gets lost: ordered anew when it is dead, as long as the auction
/// runs.
#[test]
fn an_expired_cancellation_is_ordered_anew() {
    let mut house = House::tweaked(|genesis| {
        genesis.orders.life = Millis::seconds(30);
        genesis.orders.resend_most = Millis::hours(1);
    });
    house.deposit("lender", "ethereum", "USDC", whole(100_000));
    house.lend("lender", "ethereum", whole(50_000)).expect("half of its cash");
    house.deposit("borrower", "ethereum", "ETH", whole(10));
    house.borrow("borrower", "ethereum", whole(16_000)).expect("within its initial threshold");
    house.price("ETH", price("1600"));
    house.apply(Vec::new());
    house.spoke("ethereum").loses_orders = true;
    let cancel = |out: &Outcome| {
        out.orders.iter().find(|order| matches!(order.action, OrderAction::CancelAuction { .. })).cloned()
    };
    let out = house.price("ETH", price("1200"));
    let first: Order = cancel(&out).expect("1,200 is below 95 % of 1,600");
    let out = house.advance(Millis::seconds(30));
    let second = cancel(&out).expect("ordered anew");
    assert!(first.nonce < second.nonce);
    assert_eq!(first.action, second.action);
    // It gets through: the auction ends, and the lot is offered at the price of now.
    house.spoke("ethereum").loses_orders = false;
    house.deliver(&second);
    house.apply(Vec::new());
    let offers = house.offers();
    assert_eq!(offers[0].1.auction.start, price("1320"), "110 % of 1,200");
}

/// A cancellation that reaches the chain before the start that it cancels uses up both.
#[test]
fn a_cancellation_before_its_start_voids_it() {
    let mut house = lending();
    house.spoke("ethereum").loses_orders = true;
    house.price("ETH", price("1600"));
    let out = house.price("ETH", price("1200"));
    let cancel = out.orders.iter().find(|order| matches!(order.action, OrderAction::CancelAuction { .. }));
    let cancel = cancel.expect("below the floor").clone();
    house.spoke("ethereum").loses_orders = false;
    house.deliver(&cancel);
    house.apply(Vec::new());
    assert_eq!(events(&house, |event| matches!(event, Event::TaskDisputed { .. })), 0);
    assert_eq!(house.offers()[0].1.auction.start, price("1320"));
    let starts = house.state().orders.iter().filter(|(_, sent)| sent.seen.is_none()).count();
    assert!(starts <= 1, "only the new start waits");
}

// Versions

/// Story: a second version of an event that was itself refused reversed the first all the same.
#[test]
fn an_odd_version_takes_the_place_of_the_first() {
    let mut house = lending();
    let name = "founder";
    house.deposit(name, "ethereum", "USDC", whole(2_000));
    let layer = Layer::Tranche(ballast_types::Scope::Chain(house.chain("ethereum")));
    house.contribute(name, layer, whole(1_000)).expect("there is cash");
    let sequence = house.deposit_safe("alice", "ethereum", "USDC", whole(50));
    let alice = house.account("alice");
    let token = house.token("USDC", "ethereum");
    assert_eq!(house.balance(LedgerAccount::Pending(alice, token)), whole(50));
    let (chain, asset) = (token.chain, token.asset);
    let event = VaultEvent::Deposited { owner: owner("alice"), asset, amount: Amount::ZERO };
    let version = Hash([9; 32]);
    house.observe(Observation::Seen { chain, sequence, version, event }).expect("a fact");
    assert_eq!(house.balance(LedgerAccount::Pending(alice, token)), Amount::ZERO);
    house.finalise("ethereum");
    assert_eq!(house.view("alice").cash, Amount::ZERO);
}

/// A take in another block than before is checked without the first: all that is left may be taken again.
#[test]
fn a_second_version_of_a_take_replaces_the_first() {
    let (mut house, lot) = failed();
    house.apply(Vec::new());
    house.spoke("ethereum").holds_finality = true;
    let sequence = house.spoke("ethereum").next();
    house.take(lot, whole(8)).expect("10 are for sale");
    let chain = house.chain("ethereum");
    let event =
        |quantity, paid| VaultEvent::Taken { lot, taker: TAKER, quantity, paid, rebate: Amount::ZERO };
    let version = Hash([9; 32]);
    let seen = |event| Observation::Seen { chain, sequence, version, event };
    house.observe(seen(event(whole(9), whole(15_840)))).expect("9 of 10");
    assert_eq!(house.state().lots.find(lot).expect("open").taken, whole(9));
    // 11 of 10: the first version is reversed, and of the second all that there is counts.
    let other = event(whole(11), whole(30_000));
    house
        .observe(Observation::Seen { chain, sequence, version: Hash([10; 32]), event: other })
        .expect("a fact");
    assert_eq!(house.state().lots.find(lot).expect("open").taken, whole(10));
    let recorded = house.state().anomalies.find((chain, sequence)).expect("odd").anomaly;
    assert_eq!(recorded, Anomaly::TakenTooMuch { lot, over: whole(1) });
}

// Results

/// The chain tells another result than the takes give: the lot is frozen. What its takes brought pays debts all the same; an
/// hour after the end is final the chain's word stands, and the task ends.
#[test]
fn another_result_freezes_the_lot_for_an_hour() {
    let (mut house, lot) = failed();
    house.apply(Vec::new());
    house.spoke("ethereum").lies_about_results = true;
    house.take(lot, whole(9)).expect("all is for sale");
    house.expire(lot).expect("it runs");
    let borrower = house.account("borrower");
    let task = house.view("borrower").locked.expect("frozen");
    assert_eq!(events(&house, |event| matches!(event, Event::TaskDisputed { .. })), 1);
    house.advance(Millis::minutes(58));
    assert_eq!(house.view("borrower").locked, Some(task));
    assert!(house.state().lots.find(lot).expect("open").is_frozen());
    assert_eq!(house.offers().len(), 0, "nothing of it is offered");
    house.spoke("ethereum").lies_about_results = false;
    house.advance(Millis::minutes(3));
    house.apply(Vec::new());
    house.take_all();
    house.apply(Vec::new());
    assert_eq!(house.view("borrower").locked, None);
    assert!(house.state().lots.find(lot).is_none());
    assert!(house.state().accounts.get(borrower).loans.is_empty(), "all was repaid");
}

/// A dropped end takes its dispute with it.
#[test]
fn a_dispute_ends_with_the_block_that_it_was_about() {
    let (mut house, lot) = failed();
    house.apply(Vec::new());
    house.spoke("ethereum").holds_finality = true;
    let first = house.spoke("ethereum").next();
    house.spoke("ethereum").lies_about_results = true;
    house.take(lot, whole(10)).expect("all is for sale");
    assert!(house.state().lots.find(lot).expect("open").is_frozen());
    house.spoke("ethereum").lies_about_results = false;
    house.drop_from("ethereum", first);
    assert!(!house.state().lots.find(lot).expect("open").is_frozen());
    house.take(lot, whole(10)).expect("it runs again");
    assert_eq!(house.view("borrower").locked, None);
}

// Reorgs

/// Takes, the end and the start of an auction are dropped and happen again: the books are those of the straight run.
#[test]
fn a_reorg_of_a_whole_auction_leaves_no_trace() {
    let (house, lot) = failed();
    let mut straight = house.clone();
    straight.apply(Vec::new());
    straight.take(lot, whole(4)).expect("10 are for sale");
    straight.take(lot, whole(6)).expect("6 are left");

    let mut forked = house;
    forked.spoke("ethereum").holds_finality = true;
    let first = forked.spoke("ethereum").next();
    forked.apply(Vec::new());
    forked.take(lot, whole(7)).expect("10 are for sale");
    forked.take(lot, whole(3)).expect("3 are left");
    assert!(forked.view("borrower").locked.is_some(), "nothing of it is final");
    forked.drop_from("ethereum", first);
    assert_eq!(events(&forked, |event| matches!(event, Event::TaskRolledBack { .. })), 1);
    forked.apply(Vec::new());
    forked.take(lot, whole(4)).expect("10 are for sale again");
    forked.take(lot, whole(6)).expect("6 are left");
    assert_eq!(books(&forked), books(&straight));
    assert_eq!(forked.view("borrower"), straight.view("borrower"));
    assert_eq!(forked.view("borrower").locked, None);
}

/// A round ends unsold, the next one is ordered, and the chain drops the end; in the new branch somebody buys before it.
/// The next round was ordered for more than is left: it is called off, and ordered anew.
#[test]
fn a_reorg_of_an_end_calls_the_next_round_off() {
    let (mut house, lot) = failed();
    house.apply(Vec::new());
    house.spoke("ethereum").holds_finality = true;
    let end = house.spoke("ethereum").next();
    house.expire(lot).expect("it runs");
    assert_eq!(house.state().lots.find(lot).expect("for sale").runs.len(), 2);
    // Nothing of the second round has been told yet.
    let dropped = house.spoke("ethereum").drop_from(end).expect("told");
    house.tell(dropped);
    house.spoke("ethereum").loses_orders = true;
    house.apply(Vec::new());
    house.spoke("ethereum").loses_orders = false;
    house.take(lot, whole(4)).expect("the first round runs again");
    let out = house.expire(lot).expect("it runs");
    let cancels = out.orders.iter().filter(|order| matches!(order.action, OrderAction::CancelAuction { .. }));
    assert_eq!(cancels.count(), 1, "10 were ordered, 6 are left");
    house.apply(Vec::new());
    house.finalise("ethereum");
    house.apply(Vec::new());
    let offers = house.offers();
    assert_eq!(offers[0].1.left, whole(6));
    house.take(lot, whole(6)).expect("they are for sale");
    assert_eq!(house.view("borrower").locked, None);
}

/// Every 10 minutes of final time the tasks of a chain are snapshot; those of closed tasks are forgotten.
#[test]
fn tasks_are_snapshot_every_ten_minutes() {
    let mut house = lending();
    // Tests begin on the hour.
    house.advance(Millis::seconds(590));
    house.price("ETH", price("1600"));
    let lot = house.offers()[0].0;
    house.advance(Millis::seconds(10));
    let chain = house.chain("ethereum");
    let task = house.view("borrower").locked.expect("for sale");
    let snapshot = house.state().snapshots.find((chain, task)).expect("ten minutes are over").clone();
    assert_eq!(snapshot.lots[0].lot, lot);
    assert_eq!(snapshot.time.millis() % 600_000 / 10_000, 0, "at the first report of its ten minutes");
    house.deposit("borrower", "ethereum", "USDC", whole(20_000));
    house.repay("borrower", "ethereum", None).expect("there is cash");
    for _ in 0..70 {
        house.advance(Millis::seconds(10));
    }
    assert_eq!(house.view("borrower").locked, None);
    assert_eq!(house.state().snapshots.len(), 0);
}

// Market makers, fees, costs, depth

/// A listed maker takes 10 ETH at the floor of 1,520 in the invitation: 15,200 are due, 0.5 % of it, 76, it keeps. The
/// treasury has 100: 76 make the proceeds whole. The debt of 16,000 is not covered; there is no fee that could pay it
/// back.
#[test]
fn a_rebate_is_made_good_from_the_treasury() {
    let mut house = lending();
    let out =
        house.run(Command::Govern(Change::Maker { maker: TAKER, listed: true })).expect("governance decided");
    let told = out.orders.iter().filter(|order| matches!(order.action, OrderAction::ListMaker { .. }));
    assert_eq!(told.count(), 3, "every chain is told");
    let none = house.run(Command::Govern(Change::Maker { maker: TAKER, listed: true })).expect("no change");
    assert_eq!(none.orders, []);
    // Trading fees: 30 % of 0.1 % of the quote are the treasury's.
    house.deposit("trader", "ethereum", "USDC", whole(100_000));
    house.long("trader", "ETH", whole(300_000)).expect("within the guards");
    house.price("ETH", price("1600"));
    house.apply(Vec::new());
    let lot = house.offers()[0].0;
    let treasury = house.balance(LedgerAccount::Treasury);
    assert_eq!(treasury, whole(90));
    let auction = house.offers()[0].1.auction;
    house.advance(auction.invites.since(house.now()));
    let lending = house.balance(LedgerAccount::Lending(house.chain("ethereum")));
    house.take(lot, whole(10)).expect("all is for sale");
    assert_eq!(house.balance(LedgerAccount::Treasury), amount("14"), "90 - 76");
    let repaid = house.balance(LedgerAccount::Lending(house.chain("ethereum")));
    // Gross, and of the loss that is left half of the float, which trading fees have filled with 90.
    assert_eq!(repaid - lending, whole(15_245));
}

/// The treasury lacks: the proceeds are what came in. 15,200 - 76 = 15,124.
#[test]
fn a_rebate_that_nobody_makes_good_lowers_the_proceeds() {
    let (mut house, lot) = failed();
    house.run(Command::Govern(Change::Maker { maker: TAKER, listed: true })).expect("decided");
    house.apply(Vec::new());
    let auction = house.offers()[0].1.auction;
    house.advance(auction.invites.since(house.now()));
    let lending = house.balance(LedgerAccount::Lending(house.chain("ethereum")));
    house.take(lot, whole(10)).expect("all is for sale");
    let repaid = house.balance(LedgerAccount::Lending(house.chain("ethereum")));
    assert_eq!(repaid - lending, whole(15_124));
}

/// 10 ETH at 1,760, the start, for a debt of 16,000. The fee is 2 % of it, 320: half of it the reserve's, the rest, 160, the
/// keepers' and the treasury's. As much is sold as pays 16,336, and the 16 that interest did not need are the owner's.
#[test]
fn the_fee_is_split() {
    let (mut house, lot) = failed();
    house.apply(Vec::new());
    let float = house.balance(LedgerAccount::Float);
    let treasury = house.balance(LedgerAccount::Treasury);
    let need = house.offers()[0].1.auction.need;
    assert_eq!(need, whole(16_336), "0.1 % for interest, and the fee");
    house.take(lot, whole(10)).expect("all is for sale");
    assert_eq!(house.balance(LedgerAccount::Float) - float, whole(160));
    assert_eq!(house.balance(LedgerAccount::Treasury) - treasury, whole(160));
    assert_eq!(house.view("borrower").cash, amount("16.000001"), "up to the coin's unit");
    let back = house.view("borrower").collateral[0].amount;
    assert_eq!(whole(10) - back, amount("9.281818181818181819"), "16,336 / 1,760, up");
}

fn report_costs(house: &mut House, gas: u64, bridge: u64) {
    let mut block = house.next_block(Vec::new());
    let time = block.time;
    for chain in house.state().chains.ids() {
        for source in (0..3).map(SourceId) {
            let (gas, bridge) = (whole(gas + u64::from(source.0)), whole(bridge));
            block.costs.push(CostReport { chain, source, gas, bridge, time });
        }
    }
    house.apply_block(block);
}

/// Gas is 5, 6 and 7: 6. One order is given, the start, and the need knows of it: the same sale pays 16,000 of debt, 6 of
/// costs, 320 of fee, and 16 are the owner's.
#[test]
fn costs_are_paid_after_debts_and_before_the_fee() {
    let mut house = lending();
    report_costs(&mut house, 5, 20);
    house.price("ETH", price("1600"));
    house.apply(Vec::new());
    let lot = house.offers()[0].0;
    let treasury = house.balance(LedgerAccount::Treasury);
    house.take(lot, whole(10)).expect("all is for sale");
    assert_eq!(house.view("borrower").cash, amount("16.000001"));
    assert_eq!(house.balance(LedgerAccount::Treasury) - treasury, whole(166));
}

/// At the floor the debts are not covered: the reserve pays the costs.
#[test]
fn costs_that_debts_leave_nothing_for_are_the_reserves() {
    let mut house = lending();
    house.deposit("founder", "ethereum", "USDC", whole(10_000));
    house.contribute("founder", Layer::Float, whole(10_000)).expect("there is cash");
    report_costs(&mut house, 5, 20);
    house.price("ETH", price("1600"));
    house.apply(Vec::new());
    let (lot, offer) = house.offers()[0];
    let treasury = house.balance(LedgerAccount::Treasury);
    house.advance(offer.auction.invites.since(house.now()));
    house.take(lot, whole(10)).expect("all is for sale");
    assert_eq!(house.view("borrower").locked, None);
    assert_eq!(house.balance(LedgerAccount::Treasury) - treasury, whole(6));
    let by_reserve = |event: &Event| matches!(event, Event::CostsPaid { by_reserve: true, .. });
    assert_eq!(events(&house, by_reserve), 1);
}

/// A block so much later in which all sources say what Ethereum's market takes of ETH.
fn deep(house: &mut House, later: Millis, depth: u64) {
    let mut block: Block = house.next_block_at(house.now().after(later), Vec::new());
    let (token, time) = (house.token("ETH", "ethereum"), block.time);
    let report = |source| DepthReport { token, source: SourceId(source), depth: whole(depth), time };
    block.depths = (0..3).map(report).collect();
    house.apply_block(block);
}

/// The governed cap is 1,000,000. The market takes 2,000 within 2 %: five times that, 10,000, is under auction at once.
/// 16,000 are cut in two; one is offered, the other waits.
#[test]
fn depth_caps_what_is_under_auction() {
    let mut genesis = guarded();
    for token in &mut genesis.chains[0].tokens {
        token.params.auction_cap = whole(1_000_000);
    }
    genesis.liquidation.depth_wait = Millis::hours(1);
    let mut house = lending_in(genesis);
    deep(&mut house, Millis::ZERO, 2_000);
    house.price("ETH", price("1600"));
    assert_eq!(house.state().lots.len(), 2);
    assert_eq!(house.offers().len(), 1);
    assert_eq!(house.offers()[0].1.left, whole(5));
    // A minute later nobody knows: the governed cap alone holds.
    house.advance(Millis::seconds(61));
    assert!(2 <= house.offers().len());
}

/// Story: in the worst ten minutes of 19 May 2021 all bidders had spent what they had, depth was nothing, and lots stood in the queue
/// for minutes before anybody was told of them. A lot that was never offered waits for 5 seconds; what nobody wanted waits on.
#[test]
fn a_new_lot_waits_for_depth_so_long_at_most() {
    let mut house = lending_in(guarded());
    deep(&mut house, Millis::ZERO, 2_000);
    house.price("ETH", price("1600"));
    assert_eq!(house.offers().len(), 1);
    house.advance(Millis::new(4_999));
    assert_eq!(house.offers().len(), 1);
    house.advance(Millis::new(1));
    assert_eq!(house.offers().len(), 2);
    // Nobody takes anything, and the market dries up.
    for _ in 0..5 {
        deep(&mut house, Millis::seconds(30), 0);
    }
    let offered = |event: &Event| matches!(event, Event::LotOffered { .. });
    assert_eq!(events(&house, offered), 3, "one of the two again");
    assert_eq!(house.offers().len(), 1);
}

// Published price curves

/// MakerDAO's `StairstepExponentialDecrease`, cut 0.99 every 20 s from 100: 99 after 20 s, 98.01 after 40 s, and so on,
/// each power rounded half up to the wei as `rpow` does.
#[test]
fn a_stair_step_is_makers() {
    let auction = curve("0.99", 20);
    let at = |seconds| auction::price(&auction, auction.opened.after(Millis::seconds(seconds)));
    for (seconds, expected) in
        [(0, "100"), (19, "100"), (20, "99"), (40, "98.01"), (60, "97.0299"), (1_000, "60.5006067137536651")]
    {
        assert_eq!(at(seconds), price(expected), "after {seconds} s");
    }
}

/// MakerDAO's `LinearDecrease`, 3,600 s from 100: `100 · (3600 - t) / 3600`, rounded down.
#[test]
fn a_linear_fall_is_makers() {
    let auction = curve("0", 3_600);
    let at = |seconds| auction::price(&auction, auction.opened.after(Millis::seconds(seconds)));
    for (seconds, expected) in [
        (0, "100"),
        (1, "99.972222222222222222"),
        (900, "75"),
        (1_800, "50"),
        (3_599, "0.027777777777777777"),
    ] {
        assert_eq!(at(seconds), price(expected), "after {seconds} s");
    }
    assert_eq!(at(3_600), Price::from_wei(1).expect("above zero"), "its floor");
}

proptest! {
    /// A take in two pays at least what it pays in one.
    #[test]
    fn splitting_a_take_never_pays_less(first in 1_u128..1 << 90, second in 1_u128..1 << 90, seconds in 0_u64..4_000) {
        for auction in [curve("0.99", 20), curve("0", 3_600)] {
            let at = auction.opened.after(Millis::seconds(seconds));
            let due = |wei| auction::take_due(&auction, at, Amount::from_wei(wei)).expect("in range");
            prop_assert!(due(first + second) <= due(first) + due(second));
        }
    }
}

fn curve(factor: &str, step: u64) -> ballast_types::Auction {
    let opened = support::genesis::START;
    let ends = opened.after(Millis::hours(10));
    ballast_types::Auction {
        quantity: whole(1),
        opened,
        start: price("100"),
        floor: Price::from_wei(1).expect("above zero"),
        step_factor: factor.parse().expect("a share"),
        step: Millis::seconds(step),
        invites: ends,
        ends,
        need: whole(1_000),
        dust: Amount::ZERO,
        rebate: ballast_units::Bps::ZERO,
    }
}

/// Worked out apart from the engine, with another keccak-256, by the bytes of `docs/messages.md`: chain 0 in process, lot
/// 1, order 2; a take of 1 for 2 with a rebate of 3 wei.
#[test]
fn results_are_as_the_messages_say() {
    let domain = digest::domain_in_process(ballast_types::ChainId(0));
    let before = digest::result_start(domain, LotId(1), Nonce(2));
    let after = digest::result_take(before, TAKER, whole(1), whole(2), Amount::from_wei(3));
    let expected = [
        "0xf81eabeb6cf718835e3d4047ad2a8795cf562c1bf80df5767fbf2f1b896e7a74",
        "0xa311271278b338c8bf41722e64cde651cb27c870a6ec157d5408d06dcfe5bb1f",
        "0x290244ef84e4ead72c35b8b78d0735c98132cd866cb7e2a6e2f0a1544622124b",
    ];
    assert_eq!([domain, before, after].map(|hash| hash.to_string()), expected);
    assert_eq!(House::new().state().chains.get(ballast_types::ChainId(0)).domain, domain);
}
