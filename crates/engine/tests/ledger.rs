//! The ledger: every entry is in the outcome, and the entries are the whole of the balances (I01, I02).

mod support;

use ballast_engine::view;
use ballast_engine::{Engine, Outcome};
use ballast_types::{Command, Layer, LedgerAccount, MarketId, Money, Reason, Scope, Transfer};
use ballast_units::{Amount, Millis};
use std::collections::BTreeMap;
use support::{House, amount, price, whole};

/// A day with trades, loans, a crash, a liquidation and withdrawals.
fn busy_day() -> House {
    let mut house = House::new();
    for (name, dollars) in [("lender", 200_000), ("bob", 500_000), ("alice", 20_000)] {
        house.deposit(name, "ethereum", "USDC", whole(dollars));
    }
    let scope = Scope::Market(MarketId(0));
    house.contribute("bob", Layer::Tranche(scope), whole(5_000)).expect("there is cash");
    house.contribute("bob", Layer::Float, whole(50_000)).expect("there is cash");
    house.lend("lender", "ethereum", whole(150_000)).expect("there is cash");
    house.deposit("carol", "ethereum", "ETH", whole(50));
    house.borrow("carol", "ethereum", whole(80_000)).expect("82,644 is allowed");
    house.long("alice", "ETH", whole(150_000)).expect("10x");
    house.short("bob", "ETH", whole(150_000)).expect("10x");
    house.advance_in(Millis::hours(3), 36);
    house.price("ETH", price("1700"));
    house.advance_in(Millis::seconds(60), 30);
    house.take_all();
    house.close("bob", "ETH").ok();
    house.advance_in(Millis::hours(3), 36);
    house.withdraw("bob", "ethereum", "USDC", amount("1000.123456")).expect("there is cash");
    house.redeem("lender", "ethereum", Some(whole(10_000))).expect("there is cash");
    house.apply(vec![Command::EnterSafeMode]);
    house
}

/// Replays a house's blocks and gives every entry.
fn entries(house: &House) -> Vec<Transfer> {
    let mut engine = Engine::new(&house.genesis).expect("the house was made of it");
    let mut out = Outcome::default();
    let mut all = Vec::new();
    for block in &house.blocks {
        engine.apply(block, &mut out);
        all.extend(out.transfers.iter().copied());
    }
    assert_eq!(engine.state().house.hash, house.state().house.hash);
    all
}

/// Adding up the entries gives the balances, to the wei, and no sum on the way is below zero.
#[test]
fn the_entries_are_the_balances() {
    let house = busy_day();
    let mut sums: BTreeMap<(LedgerAccount, Money), u128> = BTreeMap::new();
    for Transfer { from, to, money, amount, reason } in entries(&house) {
        if let Some(from) = from {
            let sum = sums.entry((from, money)).or_default();
            *sum =
                sum.checked_sub(amount.wei()).unwrap_or_else(|| panic!("{from:?} below zero for {reason:?}"));
        }
        if let Some(to) = to {
            *sums.entry((to, money)).or_default() += amount.wei();
        }
    }
    sums.retain(|_, sum| *sum != 0);
    let balances: BTreeMap<(LedgerAccount, Money), u128> = view::ledger(house.state())
        .into_iter()
        .map(|(account, money, amount)| ((account, money), amount.wei()))
        .collect();
    assert_eq!(sums, balances);
}

/// Value enters by what vaults tell and leaves by what they are told, and nothing else.
#[test]
fn value_enters_and_leaves_by_the_vaults_alone() {
    let house = busy_day();
    let mut seen: BTreeMap<Reason, u32> = BTreeMap::new();
    for Transfer { from, to, reason, .. } in entries(&house) {
        *seen.entry(reason).or_default() += 1;
        let inside = from.is_some() && to.is_some();
        let vault = match reason {
            Reason::Deposit | Reason::Withdrawal | Reason::Take | Reason::Borrow => true,
            _ => inside,
        };
        assert!(vault, "{reason:?} from {from:?} to {to:?}");
    }
    for reason in [
        Reason::Deposit,
        Reason::Withdrawal,
        Reason::Settlement,
        Reason::VariationMargin,
        Reason::Claim,
        Reason::TradeFee,
        Reason::FeeSplit,
        Reason::Lending,
        Reason::Borrow,
        Reason::Repay,
        Reason::Lot,
        Reason::Take,
        Reason::LiquidationFee,
        Reason::Contribution,
    ] {
        assert!(seen.contains_key(&reason), "the day has no {reason:?}: {seen:?}");
    }
}

/// R10: dollars of the books are coins in the vaults, per chain what its vault holds.
#[test]
fn dollars_are_coins() {
    let house = busy_day();
    let rows = view::ledger(house.state());
    let dollars: Amount =
        rows.iter().filter(|(_, money, _)| *money == Money::Usd).map(|(_, _, amount)| *amount).sum();
    let coins: Amount = rows
        .iter()
        .filter(|(account, _, _)| matches!(account, LedgerAccount::Inventory(_)))
        .map(|(_, _, amount)| *amount)
        .sum();
    assert_eq!(dollars, coins);
    assert_eq!(dollars, house.state().house.money.usd());
}
