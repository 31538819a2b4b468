//! The queue of withdrawals (R32): nobody's entry holds up another one, what waits is out of cash, and every entry ends.

mod support;

use ballast_types::{Block, Command, CostReport, Event, LedgerAccount, Reject, SourceId};
use ballast_units::{Amount, Millis};
use support::{House, amount, genesis, price, whole};

fn ask(house: &mut House, name: &str, chain: &str, dollars: &str) {
    house.withdraw(name, chain, "USDC", amount(dollars)).expect("it is paid or waits");
}

/// What waits of a coin for an account: dollars, and for how many a coin is kept.
fn waits(house: &mut House, name: &str) -> (Amount, Amount) {
    house
        .view(name)
        .waiting
        .iter()
        .fold((Amount::ZERO, Amount::ZERO), |(held, credit), (_, more, kept)| (held + *more, credit + *kept))
}

/// What has left a chain's vault for an account.
fn released(house: &mut House, name: &str) -> Amount {
    let of = house.account(name);
    let amounts = house.history.iter().filter_map(|event| match event {
        Event::ReleaseOrdered { account, amount, .. } if *account == of => Some(*amount),
        _ => None,
    });
    amounts.sum()
}

fn gas(house: &mut House, chain: &str, dollars: &str) {
    let (chain, time) = (house.chain(chain), house.now());
    let report =
        |source| CostReport { chain, source: SourceId(source), gas: amount(dollars), bridge: whole(1), time };
    let costs = (0..3).map(report).collect();
    let block = house.next_block(Vec::new());
    house.apply_block(Block { costs, ..block });
}

/// R32's case: 1,999 on Polygon; Mallory, whose dollars came on Ethereum, asks for 2,001 there. Bob and Carol, who brought
/// theirs to Polygon, are paid at once; she is credited the rest, and waits for what is missing.
#[test]
fn one_withdrawal_holds_up_nobody_who_brought_the_coin_there() {
    let mut house = House::new();
    house.deposit("bob", "polygon", "USDC", whole(999));
    house.deposit("carol", "polygon", "USDC", whole(1_000));
    house.deposit("mallory", "ethereum", "USDC", whole(2_001));
    ask(&mut house, "mallory", "polygon", "2001");
    assert_eq!(
        waits(&mut house, "mallory"),
        (whole(2), Amount::ZERO),
        "all that was there was nobody else's claim"
    );
    assert_eq!(released(&mut house, "mallory"), whole(1_999));
    // The other order: they ask in the same block, after her.
    let mut house = House::new();
    house.deposit("bob", "polygon", "USDC", whole(999));
    house.deposit("carol", "polygon", "USDC", whole(1_000));
    house.deposit("mallory", "ethereum", "USDC", whole(2_001));
    let polygon = house.token("USDC", "polygon");
    let [mallory, bob, carol] = ["mallory", "bob", "carol"].map(|name| house.account(name));
    let asks = [(mallory, "2001"), (bob, "1"), (carol, "1000")].map(|(account, dollars)| {
        Command::RequestWithdrawal { account, token: polygon, amount: amount(dollars) }
    });
    house.apply(asks.to_vec());
    assert_eq!((released(&mut house, "bob"), released(&mut house, "carol")), (whole(1), whole(1_000)));
    assert_eq!(released(&mut house, "mallory"), whole(998));
    assert_eq!(waits(&mut house, "mallory"), (whole(1_003), Amount::ZERO));
    // Coins come: they are hers, in parts.
    house.deposit("dan", "polygon", "USDC", whole(400));
    assert_eq!((released(&mut house, "mallory"), waits(&mut house, "mallory").0), (whole(1_398), whole(603)));
}

/// Case 01: an entry larger than the inventory blocked the coin for good, at no cost. Who waits has no cash any more.
#[test]
fn what_waits_backs_nothing_new() {
    let mut house = House::new();
    house.deposit("mallory", "ethereum", "USDC", whole(501));
    house.deposit("vic", "polygon", "USDC", whole(500));
    house.lend("vic", "polygon", whole(450)).expect("there is cash");
    ask(&mut house, "mallory", "polygon", "501");
    assert_eq!(house.view("mallory").cash, Amount::ZERO);
    assert_eq!(waits(&mut house, "mallory"), (whole(501), Amount::ZERO), "50 are too few to be shared out");
    assert_eq!(house.view("mallory").equity, whole(501).dollars(), "still hers");
    assert_eq!(house.view("mallory").health, whole(501).dollars(), "it backs what is open");
    let trade = house.long("mallory", "ETH", whole(100));
    assert!(matches!(trade, Err(Reject::HealthTooLow { .. } | Reject::CashTooSmall { .. })), "{trade:?}");
    assert!(house.lend("mallory", "ethereum", whole(1)).is_err());
    assert!(house.withdraw("mallory", "ethereum", "USDC", whole(1)).is_err());
    // One entry an account, chain and coin: asking again raises it, and needs cash.
    house.deposit("mallory", "ethereum", "USDC", whole(10));
    ask(&mut house, "mallory", "polygon", "10");
    assert_eq!(house.state().waiting.len(), 1);
    assert_eq!(waits(&mut house, "mallory").0, whole(511));
}

/// What nobody brought there is shared by what each still lacks, whatever the order of asking.
#[test]
fn coins_are_apportioned_among_those_who_wait() {
    let mut house = House::new();
    house.deposit("ann", "ethereum", "USDC", whole(300));
    house.deposit("bea", "ethereum", "USDC", whole(900));
    ask(&mut house, "bea", "polygon", "900");
    ask(&mut house, "ann", "polygon", "300");
    house.deposit("cid", "polygon", "USDC", whole(200));
    assert_eq!(waits(&mut house, "ann"), (whole(300), whole(50)), "below 100 dollars: kept, not paid");
    assert_eq!(released(&mut house, "bea"), whole(150));
    // What is kept for Ann is nobody else's: Cid, who brought it, waits for the next.
    ask(&mut house, "cid", "polygon", "200");
    assert_eq!(released(&mut house, "cid"), Amount::ZERO);
    house.deposit("dan", "polygon", "USDC", whole(200));
    assert_eq!(released(&mut house, "cid"), whole(200), "his own coins come first");
    assert_eq!(waits(&mut house, "ann"), (whole(300), whole(50)));
}

/// A withdrawal that waits is cancelled by its owner, once.
#[test]
fn a_withdrawal_is_cancelled_once() {
    let mut house = House::new();
    house.deposit("ann", "ethereum", "USDC", whole(300));
    ask(&mut house, "ann", "polygon", "300");
    let (account, token) = (house.account("ann"), house.token("USDC", "polygon"));
    house.run(Command::CancelWithdrawal { account, token }).expect("it waits");
    assert_eq!((house.view("ann").cash, house.state().waiting.len()), (whole(300), 0));
    let again = house.run(Command::CancelWithdrawal { account, token });
    assert_eq!(again.expect_err("it is gone"), Reject::NoWithdrawal { account, token });
}

/// After thirty days the dollars are cash again.
#[test]
fn a_withdrawal_waits_thirty_days_at_most() {
    let mut house = House::new();
    house.deposit("ann", "ethereum", "USDC", whole(300));
    ask(&mut house, "ann", "polygon", "300");
    house.advance(Millis::days(30).saturating_sub(Millis::minutes(10)));
    assert_eq!(waits(&mut house, "ann").0, whole(300));
    house.advance(Millis::minutes(20));
    assert_eq!((house.view("ann").cash, house.state().waiting.len()), (whole(300), 0));
}

/// A loss takes free cash first, then what waits; an account that fails has all of it back before it is locked.
#[test]
fn a_loss_takes_what_waits_and_a_failing_account_has_it_back() {
    let mut house = House::of(genesis::guarded());
    house.deposit("mia", "ethereum", "USDC", whole(1_000_000));
    house.deposit("ann", "ethereum", "USDC", whole(2_000));
    house.long("ann", "ETH", whole(10_000)).expect("10 % margin");
    house.deposit("ann", "ethereum", "USDC", whole(500));
    ask(&mut house, "ann", "polygon", "400");
    let before = waits(&mut house, "ann").0;
    assert_eq!(before, whole(400));
    house.price("ETH", price("1700"));
    house.price("ETH", price("1500"));
    assert!(house.view("ann").locked.is_some() || house.view("ann").positions.is_empty(), "she has failed");
    assert_eq!((waits(&mut house, "ann").0, house.state().waiting.len()), (Amount::ZERO, 0));
}

/// A release pays what its delivery costs, in whole cents, out of the amount; what is worth less than ten times that is refused.
#[test]
fn a_release_pays_its_delivery() {
    let mut house = House::new();
    house.deposit("ann", "ethereum", "USDC", whole(300));
    house.deposit("ann", "ethereum", "ETH", whole(1));
    gas(&mut house, "ethereum", "2.001");
    let (ann, token) = (house.account("ann"), house.token("USDC", "ethereum"));
    let least = amount("20.1");
    let reject = Reject::WithdrawalTooSmall { account: ann, amount: whole(20), least };
    assert_eq!(house.withdraw("ann", "ethereum", "USDC", whole(20)).expect_err("too small"), reject);
    let treasury = house.balance(LedgerAccount::Treasury);
    ask(&mut house, "ann", "ethereum", "100");
    assert_eq!(released(&mut house, "ann"), amount("97.99"));
    assert_eq!(house.balance(LedgerAccount::Treasury), treasury + amount("2.01"));
    assert_eq!(house.view("ann").cash, whole(200));
    assert_eq!(house.balance(LedgerAccount::Inventory(token)), amount("202.01"));
    // Collateral: out of cash, and without cash of the token at its index.
    let eth = house.token("ETH", "ethereum");
    house.withdraw("ann", "ethereum", "ETH", amount("0.4")).expect("800 dollars");
    assert_eq!(house.view("ann").cash, amount("197.99"));
    ask(&mut house, "ann", "ethereum", "197.99");
    house.withdraw("ann", "ethereum", "ETH", amount("0.5")).expect("1,000 dollars");
    assert_eq!(house.balance(LedgerAccount::Warehouse(eth)), amount("0.001005"), "2.01 at 2,000");
}
