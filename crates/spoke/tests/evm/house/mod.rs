//! The whole house over real chains: the engine as the hub of Ethereum, Polygon, BSC and, later, a Layer 2, from deposits
//! to the reserve's Safe, attested by a chain of its own.

pub(crate) mod genesis;
mod hub;
mod joint;
mod people;

use crate::support::*;
use alloy::primitives::{B256, U256};
use ballast_spoke::evm::kit::dev_key;
use ballast_spoke::evm::{Proposal, recall};
use ballast_spoke::message::RootKind;
use ballast_types::{Change, Command, KeeperId, LedgerAccount, LotId, MarketId, Owner, Side, TradeAmount};
use ballast_units::{Amount, Bps, Price};
use genesis::{BSC, LAYER2, whole};
use hub::House;
use people::person;

#[test]
fn the_chains_hold_what_the_ledger_says_from_deposit_to_recall() {
    let mut house = House::start();
    house.hire();
    // Deposits on each chain; the lender's dollars are what Polygon lends.
    house.deposit("lender", POLYGON, USD, whole(100_000));
    let account = house.account("lender");
    house.run(Command::Lend { account, chain: POLYGON, amount: whole(50_000) });
    house.deposit("alice", POLYGON, ETH, whole(10));
    house.deposit("alice", BSC, USD, whole(500));
    house.deposit("dave", POLYGON, ETH, whole(4));
    house.deposit("carol", ETHEREUM, ETH, whole(3));
    // 25,000 / 1.32 = 18,939; alice is long for 1,000 besides.
    house.borrow("alice", whole(15_000));
    house.borrow("dave", whole(5_000));
    let (account, market) = (house.account("alice"), MarketId(0));
    let amount = TradeAmount::Quote(whole(1_000));
    house.run(Command::Trade { account, market, side: Side::Long, amount, limit: None, reduce_only: false });
    // A Layer 2 joins while all that stands.
    house.grow();
    house.deposit("erin", LAYER2, ETH, whole(2));
    house.deposit("erin", LAYER2, USD, whole(300));

    // At 2,050 nobody fails; at 1,680 alice's 10 ETH count 14,000, and all of them are sold: from 1,848 down.
    house.eth = Price::whole(2_050);
    house.settle();
    let (lot, quantity) = house.fall(1_680);
    assert_eq!(quantity, whole(10));
    house.take(lot, whole(2));
    house.take(lot, whole(3));
    house.flash(lot);
    house.settle();
    assert_eq!(house.wallet(ETH, person("bidder").address()), whole(5));
    let paid = house.proceeds(lot, 3);
    let closed = house.closed("alice");
    assert_eq!((closed.debt + closed.fee + closed.returned, closed.shortfall), (paid, Amount::ZERO));
    assert!(whole(15_000) < closed.debt + whole(500) && !closed.returned.is_zero(), "{}", closed.debt);
    is_split(&mut house, "alice", lot);

    // At 1,450 dave's 4 ETH count 4,833 against 5,000; his order goes by LayerZero.
    house.by_layerzero = true;
    let (second, _) = house.fall(1_450);
    house.take(second, whole(1));
    house.flash(second);
    house.by_layerzero = false;
    house.settle();
    house.proceeds(second, 2);
    for (lot, way) in [(lot, "keeper"), (second, "LayerZero")] {
        let start = house.start_of(lot);
        assert!(house.ways.contains(&(start, way)), "lot {lot}, order {start}: {:?}", house.ways);
    }
    is_split(&mut house, "dave", second);

    // What was left over is theirs, and leaves by their own wish, to the last coin: of alice dollars and the ETH that her debt did not
    // need, of dave, who repays what he still owes, the ETH that were not sold.
    assert!(whole(1) < house.closed("alice").returned && whole(1) < house.collateral("alice"));
    release_rest(&mut house, "alice");
    assert!(whole(1) < house.collateral("dave"), "{}", house.collateral("dave"));
    house.deposit("dave", POLYGON, USD, whole(5_000));
    let account = house.account("dave");
    house.run(Command::Repay { account, chain: POLYGON, amount: None });
    release_rest(&mut house, "dave");

    collect_and_recall(&mut house);
    what_is_owed_is_there(&mut house);
    let count = |kind| house.attested.iter().filter(|(of, _)| *of == kind).count();
    assert_eq!([RootKind::H0, RootKind::H1, RootKind::Liabilities].map(count), [2, 2, 1]);
}

/// Half of a task's fee is the reserve's, a tenth the treasury's; its three keepers, all of grade B, get a tenth each, and
/// whoever committed first another one.
fn is_split(house: &mut House, name: &str, lot: LotId) {
    let closed = house.closed(name);
    let accounts = |house: &House| {
        let keepers = (0..3).map(|number| house.account(&format!("operator {number}")));
        let cash: Amount = keepers.map(|keeper| house.ledger(LedgerAccount::Cash(keeper))).sum();
        let pot = house.ledger(LedgerAccount::Pot(closed.task));
        [LedgerAccount::Float, LedgerAccount::Treasury]
            .map(|of| house.ledger(of))
            .into_iter()
            .chain([cash, pot])
    };
    let before: Vec<Amount> = accounts(house).collect();
    let pot = closed.fee.bps_down(Bps::new(4_000));
    assert_eq!(before[3], pot, "the keepers' part waits for their reports");
    let part = Amount::from_wei(pot.wei() / 4);
    let paid = house.report(closed.task, lot);
    let expected = [(KeeperId(0), Amount::ZERO), (KeeperId(1), part), (KeeperId(2), Amount::ZERO)];
    assert_eq!(paid, expected.map(|(keeper, bonus)| (keeper, bonus, part)));
    let after: Vec<Amount> = accounts(house).collect();
    let all = Amount::from_wei(4 * part.wei());
    assert_eq!(after, [before[0], before[1] + (pot - all), before[2] + all, Amount::ZERO]);
}

/// An account takes out its cash, down to the coin's unit, and its collateral on Polygon, if anything of it was not sold.
fn release_rest(house: &mut House, name: &str) {
    let account = house.account(name);
    let unit = house.chain(POLYGON).deployment.token(USD).unwrap().unit();
    let cash = house.ledger(LedgerAccount::Cash(account));
    house.withdraw(name, USD, Amount::from_wei(cash.wei() / unit * unit));
    let held = house.collateral(name);
    if !held.is_zero() {
        house.withdraw(name, ETH, held);
    }
    assert!(house.ledger(LedgerAccount::Cash(account)).wei() < unit && house.collateral(name).is_zero());
}

/// The reserve's share goes to Polygon's Safe by the hub's own order, and five of eight bring 25 dollars of it back.
fn collect_and_recall(house: &mut House) {
    let float = house.ledger(LedgerAccount::Float);
    assert!(whole(25) < float, "{float}");
    house.run(Command::Govern(Change::Collect { chain: POLYGON, amount: float }));
    let chain = house.chain(POLYGON);
    let safe = chain.deployment.safe.unwrap();
    let cold = house.ledger(LedgerAccount::Cold(POLYGON));
    let unit = chain.deployment.token(USD).unwrap().unit();
    assert_eq!(cold.wei(), float.wei() / unit * unit);
    assert_eq!(house.wallet(USD, safe.safe), cold);

    let token = chain.deployment.token(USD).unwrap().token;
    let to = B256::from(Owner::RESERVE.address.0);
    let calls = recall(chain.deployment.vault, token, USD.0, U256::from(25_000_000), to, 0);
    house.runtime.block_on(async {
        let wallet = chain.node.wallet(&dev_key("executor", 0)).await.unwrap();
        let mut proposal = Proposal::new(&wallet, safe, calls).await.unwrap();
        for number in [2, 7, 0, 5, 3] {
            proposal.sign(&dev_key("safe owner", number)).unwrap();
        }
        proposal.execute(&wallet).await.unwrap();
    });
    house.settle();
    assert_eq!(house.wallet(USD, safe.safe), cold - whole(25));
    assert_eq!(house.ledger(LedgerAccount::Cold(POLYGON)), cold - whole(25));
    assert_eq!(house.ledger(LedgerAccount::Float), float - cold + whole(25));
}

/// Liabilities are attested; no vault holds less of a token than is owed of it. Dollars are owed by inventories and loans.
fn what_is_owed_is_there(house: &mut House) {
    let owed = house.attest_liabilities();
    assert!(!owed.total.tokens.is_empty());
    for (token, amount) in owed.total.tokens {
        let (booked, _) = house.runtime.block_on(house.chain(token.chain).booked(token.asset)).unwrap();
        assert!(amount <= booked, "{token:?}: {amount} of {booked}");
    }
}
