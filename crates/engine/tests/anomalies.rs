//! Anomalies: every fact that a quorum agreed on uses up its number, whatever it says (R28); one test a row and state.
//!
//! In each test the chain goes on: a deposit after the odd fact is credited, and the books hold what came.

mod support;

use ballast_engine::view;
use ballast_types::{
    Address, Anomaly, AnomalyKind, Auction, ChainId, Change, Command, Event, Hash, LedgerAccount, LotId,
    Nonce, Observation, Order, OrderAction, Owner, Reject, Token, VaultEvent,
};
use ballast_units::{Amount, Millis};
use support::{House, owner, price, whole};

const TAKER: Address = Address([7; 32]);
const WEI: Amount = Amount::from_wei(1);

/// A house with one lot of ETH under auction on ethereum: 10 ETH carry a loan of 16,000 USD down to 1,760, and
/// the price falls to 1,750.
fn auctioned() -> (House, LotId, Auction) {
    let mut house = lending("ethereum");
    house.borrow("borrower", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    house.price("ETH", price("1750"));
    let offers = house.offers();
    let [(lot, offer)] = offers[..] else { panic!("one lot, not {offers:?}") };
    // The chain tells that the auction runs.
    house.apply(Vec::new());
    (house, lot, offer.auction)
}

fn lending(chain: &str) -> House {
    let mut house = House::new();
    house.deposit("lender", chain, "USDC", whole(100_000));
    house.lend("lender", chain, whole(50_000)).expect("half of its cash");
    house.deposit("borrower", chain, "ETH", whole(10));
    house
}

/// 10 ETH of polygon are on their way to ethereum. The order has left polygon, what it sent has not come.
fn sent() -> (House, (ChainId, Nonce), Token, Amount) {
    let mut house = lending("polygon");
    house.borrow("borrower", "polygon", whole(15_000)).expect("20,000 / 1.32 = 15,151");
    house.spoke("polygon").loses_orders = true;
    house.price("ETH", price("1750"));
    let (key, transit) = house.state().transits.iter().next().expect("a lot of a thin chain is bridged");
    let (to, amount) = (transit.to, transit.amount);
    house.spoke("polygon").loses_orders = false;
    let order = house.state().orders.find(key).expect("open").order.clone();
    let now = house.now();
    assert!(house.spoke("polygon").carry_out(&order, now));
    // Nothing comes of it unless a test says so.
    house.spoke("polygon").sent.clear();
    house.apply(Vec::new());
    assert!(house.state().transits.find(key).expect("on its way").left);
    (house, key, to, amount)
}

/// Tells something that the vault did not do, and gives the anomaly that it was.
fn claim(house: &mut House, chain: &str, event: VaultEvent) -> Option<Anomaly> {
    house.spoke(chain).claim(event);
    let out = house.apply(Vec::new());
    assert_eq!(out.rejects, [], "a fact is never refused");
    let found: Vec<Anomaly> = out.events.iter().filter_map(found).collect();
    assert!(found.len() <= 1, "{found:?}");
    found.first().copied()
}

fn found(event: &Event) -> Option<Anomaly> {
    match event {
        Event::AnomalyFound { anomaly, .. } => Some(*anomaly),
        _ => None,
    }
}

/// A chain goes on: its next deposit is credited.
fn goes_on(house: &mut House, chain: &str) {
    let token = house.token("USDC", chain);
    let before = house.view("passer-by").cash;
    house.spoke(chain).deposit(owner("passer-by"), token.asset, whole(3));
    house.apply(Vec::new());
    house.apply(Vec::new());
    assert_eq!(house.view("passer-by").cash, before + whole(3), "{chain} stands still");
}

fn deposited(asset: ballast_types::AssetId, amount: Amount) -> VaultEvent {
    VaultEvent::Deposited { owner: owner("alice"), asset, amount }
}

fn take(lot: LotId, quantity: Amount, paid: Amount) -> VaultEvent {
    VaultEvent::Taken { lot, taker: TAKER, quantity, paid, rebate: Amount::ZERO }
}

fn frozen(house: &House, lot: LotId) -> bool {
    house.state().lots.find(lot).is_some_and(|lot| lot.is_frozen())
}

// Deposits

/// An account is kept for ever: who deposits less than a dollar has none. What came is nobody's.
#[test]
fn a_first_deposit_below_a_dollar_opens_no_account() {
    let mut house = House::new();
    let token = house.token("USDC", "ethereum");
    let amount = whole(1) - house.state().token(token).expect("listed").params.unit;
    let found = claim(&mut house, "ethereum", deposited(token.asset, amount));
    assert_eq!(found, Some(Anomaly::DepositUnowned { token, amount }));
    assert!(house.state().account_of(owner("alice")).is_none());
    assert_eq!(claim(&mut house, "ethereum", deposited(token.asset, whole(1))), None);
    assert!(house.state().account_of(owner("alice")).is_some());
    // It is there: whatever comes now is hers.
    assert_eq!(claim(&mut house, "ethereum", deposited(token.asset, amount)), None);
}

/// The unit of USDC is 10^12 wei: 2.5 units are two and dust.
#[test]
fn a_deposit_finer_than_the_unit_is_credited_as_far_as_it_is_whole() {
    let mut house = House::new();
    house.account("alice");
    let token = house.token("USDC", "ethereum");
    let unit = house.state().token(token).expect("listed").params.unit;
    let (two, half) = (Amount::from_wei(2 * unit.wei()), Amount::from_wei(unit.wei() / 2));
    let found = claim(&mut house, "ethereum", deposited(token.asset, two + half));
    assert_eq!(found, Some(Anomaly::DepositBelowUnit { token, rest: half }));
    house.apply(Vec::new());
    assert_eq!(house.view("alice").cash, two);
    assert_eq!(house.balance(LedgerAccount::Dust(token)), half);
    goes_on(&mut house, "ethereum");
}

/// Less than a unit opens no account.
#[test]
fn a_deposit_below_the_unit_is_dust() {
    let mut house = House::new();
    let token = house.token("USDC", "ethereum");
    let accounts = house.state().accounts.len();
    let found = claim(&mut house, "ethereum", deposited(token.asset, WEI));
    assert_eq!(found, Some(Anomaly::DepositBelowUnit { token, rest: WEI }));
    house.apply(Vec::new());
    assert_eq!(house.state().accounts.len(), accounts);
    assert_eq!(house.balance(LedgerAccount::Dust(token)), WEI);
    goes_on(&mut house, "ethereum");
}

#[test]
fn a_deposit_of_nothing_or_of_more_than_is_counted_books_nothing() {
    let mut house = House::new();
    let token = house.token("ETH", "ethereum");
    for amount in [Amount::ZERO, Amount::from_wei(Amount::LIMIT.wei() + 1), Amount::MAX] {
        let found = claim(&mut house, "ethereum", deposited(token.asset, amount));
        assert_eq!(found, Some(Anomaly::DepositOutOfRange { token, amount }));
    }
    assert_eq!(house.state().house.money.token_total(token), Amount::ZERO);
    goes_on(&mut house, "ethereum");
}

/// What the house does not list counts nowhere, never expires, and goes back to its owner's address when he asks.
#[test]
fn a_deposit_of_an_unlisted_token_is_kept_for_its_owner() {
    let mut house = House::new();
    let account = house.account("alice");
    let token = Token { asset: ballast_types::AssetId(99), chain: house.chain("ethereum") };
    let found = claim(&mut house, "ethereum", deposited(token.asset, whole(5)));
    assert_eq!(found, Some(Anomaly::DepositSuspended { account, token, amount: whole(5) }));
    house.apply(Vec::new());
    assert_eq!(house.balance(LedgerAccount::Suspense(account, token)), whole(5));
    assert_eq!(house.view("alice").health, house.view("nobody").health, "it counts nowhere");
    let nothing = Reject::NothingInSuspense { account, token: house.token("ETH", "ethereum") };
    let asked = Command::WithdrawSuspense { account, token: house.token("ETH", "ethereum") };
    assert_eq!(house.run(asked).map(drop), Err(nothing));

    // The vault does not know the token either: it refuses, and the token is in suspense again.
    let out = house.run(Command::WithdrawSuspense { account, token }).expect("it is hers");
    let order = out.orders.first().expect("a release").clone();
    let OrderAction::Release { to, asset, amount, .. } = order.action else { panic!("{order:?}") };
    assert_eq!((to, asset, amount), (owner("alice").address, token.asset, whole(5)));
    assert_eq!(house.balance(LedgerAccount::Suspense(account, token)), Amount::ZERO);
    let life = house.state().house.orders.life;
    house.advance(life);
    house.apply(Vec::new());
    assert_eq!(house.balance(LedgerAccount::Suspense(account, token)), whole(5), "the order expired");

    // One that pays it.
    let out = house.run(Command::WithdrawSuspense { account, token }).expect("it is hers");
    let nonce = out.orders.first().map(|order| order.nonce).expect("a release");
    assert_eq!(claim(&mut house, "ethereum", VaultEvent::Executed { nonce }), None);
    house.apply(Vec::new());
    assert_eq!(house.state().house.money.token_total(token), Amount::ZERO);
    goes_on(&mut house, "ethereum");
}

/// A dropped deposit takes its anomaly with it.
#[test]
fn a_dropped_fact_takes_its_anomaly_with_it() {
    let mut house = House::new();
    let token = house.token("USDC", "ethereum");
    house.spoke("ethereum").holds_finality = true;
    let first = house.spoke("ethereum").next();
    claim(&mut house, "ethereum", deposited(token.asset, WEI));
    let key = (token.chain, AnomalyKind::DepositBelowUnit);
    assert_eq!(house.state().house.anomalies.get(&key), Some(&1));
    assert!(house.state().anomalies.find((token.chain, first)).is_some());
    house.drop_from("ethereum", first);
    assert_eq!(house.state().house.anomalies.get(&key), Some(&0));
    assert!(house.state().anomalies.find((token.chain, first)).is_none());
    assert_eq!(house.balance(LedgerAccount::Dust(token)), Amount::ZERO);
    goes_on(&mut house, "ethereum");
}

/// The last 1,024 are kept, and of those that anybody can cause for some gas the oldest goes first.
#[test]
fn of_many_anomalies_those_that_froze_something_are_kept() {
    let (mut house, lot, auction) = auctioned();
    let token = house.token("USDC", "ethereum");
    let over = Amount::from_wei(1);
    claim(&mut house, "ethereum", take(lot, auction.quantity + over, whole(100_000)));
    let (key, kept) = house.state().anomalies.iter().next().expect("kept");
    assert_eq!(kept.anomaly, Anomaly::TakenTooMuch { lot, over });
    for _ in 0..11 {
        for _ in 0..100 {
            house.spoke("ethereum").claim(deposited(token.asset, WEI));
        }
        house.apply(Vec::new());
    }
    assert_eq!(house.state().anomalies.len(), 1_024);
    assert!(house.state().anomalies.find(key).is_some());
    let count = (token.chain, AnomalyKind::DepositBelowUnit);
    assert_eq!(house.state().house.anomalies.get(&count), Some(&1_100), "all are counted");
}

// Orders

#[test]
fn an_order_that_is_not_open_is_carried_out_by_nobody() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "ETH", whole(2));
    let executed = |house: &mut House, nonce| claim(house, "ethereum", VaultEvent::Executed { nonce });
    let unknown = |nonce| Some(Anomaly::ExecutedUnknown { nonce });
    assert_eq!(executed(&mut house, Nonce(1)), unknown(Nonce(1)), "nothing was ordered");

    house.spoke("ethereum").holds_finality = true;
    house.withdraw("alice", "ethereum", "ETH", whole(1)).expect("its own");
    house.advance(Millis::ZERO);
    assert_eq!(executed(&mut house, Nonce(1)), unknown(Nonce(1)), "it was carried out, not finally");
    house.finalise("ethereum");
    assert_eq!(executed(&mut house, Nonce(1)), unknown(Nonce(1)), "it was carried out");
    let token = house.token("ETH", "ethereum");
    assert_eq!(house.state().house.money.token_total(token), whole(1), "once");
    goes_on(&mut house, "ethereum");
}

// Auctions

/// The story: an index below the floor cancels an auction whose start is still on its way (a freeze, a courier who delivers
/// in reverse). The vault uses up the start's number and tells `Ended`, then `Executed`. The hub refused that end, and every
/// fact after it was a gap: the chain stood still.
#[test]
fn a_cancellation_may_reach_its_chain_before_the_start() {
    let (mut house, starts) = unstarted();
    let lot = house.state().lots.iter().next().map(|(lot, _)| lot).expect("a lot");
    house.price("ETH", price("1200"));
    let cancelled = house.state().lots.find(lot).expect("open").start;
    let cancel = order(&house, |action| matches!(action, OrderAction::CancelAuction { .. }));
    house.spoke("ethereum").loses_orders = false;
    let now = house.now();
    assert!(house.spoke("ethereum").carry_out(&cancel, now), "first the cancellation");
    assert!(!house.spoke("ethereum").carry_out(&starts, now), "its number is used up");
    let out = house.apply(Vec::new());
    assert_eq!(out.rejects, []);
    assert!(out.events.iter().all(|event| found(event).is_none()), "nothing odd: {:?}", out.events);
    house.apply(Vec::new());
    assert!(house.state().orders.find((ChainId(0), cancelled)).is_none(), "both numbers are done");
    // The lot is offered anew, and sold.
    assert_eq!(house.offers().len(), 1);
    let left = house.offers()[0].1.left;
    house.take(house.offers()[0].0, left).expect("it runs");
    goes_on(&mut house, "ethereum");
}

/// The same, and the chain drops the block: both orders are put out again, and in the new branch the start comes first.
#[test]
fn what_a_cancellation_before_its_start_did_is_reversed() {
    let (mut house, start) = unstarted();
    house.price("ETH", price("1200"));
    let cancel = order(&house, |action| matches!(action, OrderAction::CancelAuction { .. }));
    let chain = house.spoke("ethereum");
    (chain.loses_orders, chain.holds_finality) = (false, true);
    let (now, first) = (house.now(), house.spoke("ethereum").next());
    assert!(house.spoke("ethereum").carry_out(&cancel, now));
    house.apply(Vec::new());
    let before = house.state().house.hash;
    // In the new branch the test's chain carries orders out by number: the start, then its cancellation.
    house.drop_from("ethereum", first);
    assert_ne!(house.state().house.hash, before);
    assert!(house.state().orders.find((ChainId(0), start.nonce)).is_none_or(|sent| sent.seen.is_some()));
    house.apply(Vec::new());
    goes_on(&mut house, "ethereum");
    assert!(house.state().house.anomalies.values().all(|count| *count == 0));
}

/// A house whose lot's start is on its way.
fn unstarted() -> (House, Order) {
    let mut house = lending("ethereum");
    house.borrow("borrower", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    house.apply(Vec::new());
    house.spoke("ethereum").loses_orders = true;
    house.price("ETH", price("1750"));
    let start = order(&house, |action| matches!(action, OrderAction::StartAuction { .. }));
    (house, start)
}

fn order(house: &House, of: impl Fn(&OrderAction) -> bool) -> Order {
    let mut sent = house.state().orders.iter().map(|(_, sent)| &sent.order);
    sent.find(|order| of(&order.action)).expect("ordered").clone()
}

#[test]
fn the_end_of_what_does_not_run_is_counted() {
    let (mut house, lot, auction) = auctioned();
    let ended = |lot| VaultEvent::Ended { lot, result: Hash::default() };
    for lot in [LotId(0), LotId(lot.0 + 1)] {
        assert_eq!(claim(&mut house, "ethereum", ended(lot)), Some(Anomaly::EndedUnknown { lot }));
    }
    assert_eq!(claim(&mut house, "polygon", ended(lot)), Some(Anomaly::EndedUnknown { lot }), "elsewhere");
    house.spoke("ethereum").holds_finality = true;
    house.take(lot, auction.quantity).expect("the lot is on offer");
    assert_eq!(claim(&mut house, "ethereum", ended(lot)), Some(Anomaly::EndedUnknown { lot }), "doubled");
    house.finalise("ethereum");
    assert_eq!(claim(&mut house, "ethereum", ended(lot)), Some(Anomaly::EndedUnknown { lot }), "late");
    goes_on(&mut house, "ethereum");
}

/// What was paid for no lot of ours is surplus.
#[test]
fn a_take_of_no_lot_is_surplus() {
    let (mut house, lot, _) = auctioned();
    let coin = house.token("USDC", "ethereum");
    let next = LotId(lot.0 + 1);
    let found = claim(&mut house, "ethereum", take(next, whole(1), whole(9)));
    assert_eq!(found, Some(Anomaly::TakenUnknown { lot: next, quantity: whole(1), paid: whole(9) }));
    house.apply(Vec::new());
    assert_eq!(house.balance(LedgerAccount::Surplus(coin)), whole(9));
    // Told by another chain than the lot's.
    let found = claim(&mut house, "polygon", take(lot, whole(1), whole(9)));
    assert_eq!(found, Some(Anomaly::TakenUnknown { lot, quantity: whole(1), paid: whole(9) }));
    assert!(!frozen(&house, lot));
    goes_on(&mut house, "ethereum");
    goes_on(&mut house, "polygon");
}

/// More is taken than the lot has: all of it is sold, the lot is frozen, and an hour after that is final the task ends.
#[test]
fn a_take_of_more_than_is_left_takes_all() {
    let (mut house, lot, auction) = auctioned();
    let found = claim(&mut house, "ethereum", take(lot, auction.quantity + WEI, whole(17_000)));
    assert_eq!(found, Some(Anomaly::TakenTooMuch { lot, over: WEI }));
    house.apply(Vec::new());
    assert_eq!(house.balance(LedgerAccount::Lot(lot)), Amount::ZERO);
    assert!(house.state().accounts.iter().all(|(_, account)| account.loans.is_empty()), "its money counts");
    goes_on(&mut house, "ethereum");
}

/// Less is paid than the floor: the lot is frozen, and counts zero; an hour after the fact is final what was paid stands.
#[test]
fn a_take_below_the_floor_freezes_its_lot_for_an_hour() {
    let (mut house, lot, auction) = auctioned();
    let due = Amount::from_wei(2 * auction.floor.wei());
    let found = claim(&mut house, "ethereum", take(lot, whole(2), due - WEI));
    assert_eq!(found, Some(Anomaly::TakenTooCheap { lot, missing: WEI }));
    assert!(frozen(&house, lot));
    house.apply(Vec::new());
    // The auction ends by time. Its rest is not offered while the lot is frozen; the borrower's other ETH is.
    let offered = |house: &House| house.offers().iter().map(|(lot, _)| *lot).collect::<Vec<_>>();
    house.advance(Millis::minutes(10));
    house.apply(Vec::new());
    assert_eq!(offered(&house), [LotId(lot.0 + 1)]);
    // The vault knows of no such take: its own end of the auction has another result, and freezes the lot anew.
    house.advance(Millis::minutes(49));
    assert!(frozen(&house, lot));
    house.advance(Millis::minutes(30));
    assert!(!frozen(&house, lot));
    goes_on(&mut house, "ethereum");
}

/// A rebate of 0.5 % of 2,000 is 10.
#[test]
fn a_rebate_beyond_the_terms_freezes_its_lot() {
    let (mut house, lot, _) = auctioned();
    let take =
        |rebate| VaultEvent::Taken { lot, taker: TAKER, quantity: whole(1), paid: whole(2_000), rebate };
    assert_eq!(claim(&mut house, "ethereum", take(whole(10))), None);
    let found = claim(&mut house, "ethereum", take(whole(11)));
    assert_eq!(found, Some(Anomaly::TakenTooCheap { lot, missing: whole(1) }));
    // All of it and more.
    let found = claim(&mut house, "ethereum", take(whole(2_001)));
    assert_eq!(found, Some(Anomaly::TakenTooCheap { lot, missing: whole(1_991) }));
    house.apply(Vec::new());
    goes_on(&mut house, "ethereum");
}

/// A take of a lot whose auction was never started, or is over: its tokens leave the lot, its coin is the task's. A vote
/// ends the freeze sooner.
#[test]
fn a_take_without_an_auction_counts_for_its_lot() {
    let (mut house, start) = unstarted();
    let OrderAction::StartAuction { lot, .. } = start.action else { panic!("{start:?}") };
    let (quantity, paid) = (whole(2), whole(3_500));
    let found = claim(&mut house, "ethereum", take(lot, quantity, paid));
    assert_eq!(found, Some(Anomaly::TakenVoid { lot, quantity, paid }));
    let held = house.balance(LedgerAccount::Lot(lot));
    house.apply(Vec::new());
    assert_eq!(house.balance(LedgerAccount::Lot(lot)), held, "final in the same block");
    let task = house.view("borrower").locked.expect("being liquidated");
    assert_eq!(house.state().tasks.find(task).expect("open").repaid.principal, paid);
    house.run(Command::Govern(Change::Resolve { task })).expect("its lot is frozen");
    assert!(!frozen(&house, lot));
    let again = Command::Govern(Change::Resolve { task });
    assert_eq!(house.run(again).map(drop), Err(Reject::TaskNotFrozen { task }));
    goes_on(&mut house, "ethereum");
}

/// An odd take that the chain drops leaves nothing, and its lot is not frozen any more.
#[test]
fn an_odd_take_that_is_dropped_thaws_its_lot() {
    let (mut house, lot, _) = auctioned();
    let before = house.state().lots.find(lot).expect("open").clone();
    house.spoke("ethereum").holds_finality = true;
    let first = house.spoke("ethereum").next();
    claim(&mut house, "ethereum", take(lot, whole(2), WEI));
    assert!(frozen(&house, lot));
    house.drop_from("ethereum", first);
    assert_eq!(house.state().lots.find(lot), Some(&before));
    goes_on(&mut house, "ethereum");
}

// Bridges

#[test]
fn what_no_order_sent_closes_the_path_until_a_vote() {
    let (mut house, key, to, _) = sent();
    let (from, never) = (key.0, Nonce(1_000));
    let event = VaultEvent::BridgedIn { from, nonce: never, asset: to.asset, amount: whole(7) };
    let found = claim(&mut house, "ethereum", event);
    assert_eq!(found, Some(Anomaly::ArrivedUnknown { from, nonce: never, amount: whole(7) }));
    house.apply(Vec::new());
    assert_eq!(house.balance(LedgerAccount::Surplus(to)), whole(7));
    house.advance(Millis::days(2));
    let open = Command::Govern(Change::OpenPath { from, to: to.chain });
    house.run(open.clone()).expect("closed until a vote");
    assert_eq!(house.run(open).map(drop), Err(Reject::PathOpen { from, to: to.chain }));
    goes_on(&mut house, "ethereum");
}

/// The chain drops what nobody sent: the path is as it was.
#[test]
fn a_path_is_trusted_again_when_what_came_is_dropped() {
    let (mut house, key, to, _) = sent();
    house.spoke("ethereum").holds_finality = true;
    let first = house.spoke("ethereum").next();
    let event = VaultEvent::BridgedIn { from: key.0, nonce: Nonce(9), asset: to.asset, amount: whole(7) };
    claim(&mut house, "ethereum", event);
    house.drop_from("ethereum", first);
    let open = Command::Govern(Change::OpenPath { from: key.0, to: to.chain });
    assert_eq!(house.run(open).map(drop), Err(Reject::PathOpen { from: key.0, to: to.chain }));
}

/// Twice: the first is the lot's, the second surplus, before and after the first is final.
#[test]
fn what_comes_twice_is_surplus_the_second_time() {
    let (mut house, (from, nonce), to, amount) = sent();
    let event = VaultEvent::BridgedIn { from, nonce, asset: to.asset, amount };
    assert_eq!(claim(&mut house, "ethereum", event), None);
    let again = Some(Anomaly::ArrivedAgain { from, nonce, amount });
    assert_eq!(claim(&mut house, "ethereum", event), again);
    assert_eq!(claim(&mut house, "ethereum", event), again);
    house.apply(Vec::new());
    assert_eq!(house.balance(LedgerAccount::Surplus(to)), amount + amount);
    goes_on(&mut house, "ethereum");
}

#[test]
fn more_than_was_sent_is_surplus() {
    let (mut house, (from, nonce), to, amount) = sent();
    let event = VaultEvent::BridgedIn { from, nonce, asset: to.asset, amount: amount + whole(1) };
    assert_eq!(
        claim(&mut house, "ethereum", event),
        Some(Anomaly::ArrivedMore { from, nonce, over: whole(1) })
    );
    house.apply(Vec::new());
    assert_eq!(house.balance(LedgerAccount::Surplus(to)), whole(1));
    assert!(house.state().transits.is_empty());
    goes_on(&mut house, "ethereum");
}

/// Less than was sent: an hour after that is final the lot goes on with what came. One ETH is missing; the tranche of the
/// receiving chain pays what it has for it, and the task gets it. The path rests for a day.
#[test]
fn less_than_was_sent_is_a_loss_of_the_receiving_chain() {
    let (mut house, (from, nonce), to, amount) = sent();
    let tranche = LedgerAccount::Tranche(ballast_types::Scope::Chain(to.chain));
    house.deposit("founder", "ethereum", "USDC", whole(1_000));
    let layer = ballast_types::Layer::Tranche(ballast_types::Scope::Chain(to.chain));
    house.contribute("founder", layer, whole(1_000)).expect("there is cash");
    let got = amount - whole(1);
    let event = VaultEvent::BridgedIn { from, nonce, asset: to.asset, amount: got };
    let found = claim(&mut house, "ethereum", event);
    assert_eq!(found, Some(Anomaly::ArrivedLess { from, nonce, missing: whole(1) }));
    assert_eq!(house.balance(LedgerAccount::Surplus(to)), got, "it waits");
    house.advance(Millis::minutes(59));
    assert_eq!(house.balance(LedgerAccount::Surplus(to)), got);
    house.advance(Millis::minutes(2));
    assert_eq!(house.balance(LedgerAccount::Surplus(to)), Amount::ZERO);
    assert_eq!(house.balance(tranche), Amount::ZERO, "1,000 of 1,750");
    assert_eq!(house.state().house.money.lost(to.asset), whole(1));
    assert!(house.state().transits.is_empty());
    let resting = Command::Govern(Change::OpenPath { from, to: to.chain });
    house.run(resting).expect("it rests for a day");
    goes_on(&mut house, "ethereum");
}

/// What left and never comes: after a week it is lost, or when a vote says so, and the account is not locked for ever. What
/// comes later is surplus.
#[test]
fn what_never_arrives_is_lost_after_a_week_or_by_vote() {
    let (house, (from, nonce), to, amount) = sent();
    let never = |house: &mut House| {
        assert!(house.state().transits.is_empty());
        assert_eq!(house.state().house.money.lost(to.asset), amount);
        // What it has left is sold at home, and the rest of its loan is a loss of its chain.
        house.apply(Vec::new());
        house.take_all();
        house.apply(Vec::new());
        assert_eq!(house.view("borrower").locked, None);
        let event = VaultEvent::BridgedIn { from, nonce, asset: to.asset, amount };
        assert_eq!(claim(house, "ethereum", event), Some(Anomaly::ArrivedAgain { from, nonce, amount }));
        house.apply(Vec::new());
        assert_eq!(house.balance(LedgerAccount::Surplus(to)), amount);
        goes_on(house, "ethereum");
    };
    let mut waits = house.clone();
    waits.advance_in(Millis::days(6), 6);
    assert!(waits.view("borrower").locked.is_some());
    waits.advance(Millis::days(1));
    never(&mut waits);
    let mut votes = house;
    let task = votes.view("borrower").locked.expect("being liquidated");
    votes.run(Command::Govern(Change::Resolve { task })).expect("something is on its way");
    never(&mut votes);
}

/// A bridge that does not take the lot: after one expiry it is sold at home, and the next lot does not try that way.
#[test]
fn a_lot_that_a_bridge_does_not_take_is_sold_at_home() {
    let mut house = lending("polygon");
    house.borrow("borrower", "polygon", whole(15_000)).expect("20,000 / 1.32 = 15,151");
    house.deposit("other", "polygon", "ETH", whole(10));
    house.spoke("polygon").loses_orders = true;
    house.price("ETH", price("1750"));
    assert_eq!(house.state().transits.len(), 1, "it is to be bridged");
    // Its order expires: what comes then reaches the vault.
    house.spoke("polygon").loses_orders = false;
    let life = house.state().house.orders.life;
    house.advance(life);
    house.apply(Vec::new());
    let offers = house.offers();
    let [(lot, _)] = offers[..] else { panic!("one lot is for sale at home, not {offers:?}") };
    assert_eq!(house.state().lots.find(lot).expect("open").token, house.token("ETH", "polygon"));
    // Another account fails: its lot stays at home at once.
    house.price("ETH", price("2000"));
    house.advance_in(Millis::minutes(20), 20);
    house.borrow("other", "polygon", whole(15_000)).expect("20,000 / 1.32 = 15,151");
    house.price("ETH", price("1750"));
    assert!(house.view("other").locked.is_some());
    assert_eq!(house.state().transits.len(), 0);
    // A day later the way is tried again.
    house.advance(Millis::days(1));
    assert!(view::ledger(house.state()).iter().all(|(_, _, amount)| !amount.is_zero()));
}

/// Facts are refused where they are none: ahead of a missing one, taken before, unknown.
#[test]
fn a_number_is_used_up_once() {
    let mut house = House::new();
    let token = house.token("USDC", "ethereum");
    claim(&mut house, "ethereum", deposited(token.asset, WEI));
    let record = house.state().chains.get(token.chain);
    let (next, sequence) = (record.next_sequence, ballast_types::Sequence(record.next_sequence.0 - 1));
    let again = Observation::Seen {
        chain: token.chain,
        sequence,
        version: Hash([3; 32]),
        event: deposited(token.asset, whole(1)),
    };
    let refused = house.observe(again).map(drop);
    assert_eq!(refused, Err(Reject::SequenceSeen { chain: token.chain, got: sequence, next }));
}

/// Nobody is credited in the name of an account that cannot be opened; what came is surplus.
#[test]
fn the_owner_of_zero_is_an_owner() {
    let mut house = House::new();
    let token = house.token("USDC", "ethereum");
    let event = VaultEvent::Deposited { owner: Owner::default(), asset: token.asset, amount: whole(1) };
    assert_eq!(claim(&mut house, "ethereum", event), None);
    goes_on(&mut house, "ethereum");
}
