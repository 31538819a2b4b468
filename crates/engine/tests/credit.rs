//! Credit: rates, shares, interest and who gets it (R5, R19).

mod support;

use ballast_types::{Event, LedgerAccount, Scope};
use ballast_units::{Amount, Millis};
use support::{House, amount, whole};

/// 365.2425 days.
const YEAR: Millis = Millis::seconds(31_556_952);

/// Bob lends 1,000 on Ethereum, Alice borrows of it on 10 ETH.
fn lent(borrowed: u64) -> House {
    let mut house = House::new();
    house.deposit("bob", "ethereum", "USDC", whole(1_000));
    house.lend("bob", "ethereum", whole(1_000)).expect("there is cash");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(borrowed)).expect("20,000 / 1.21 is more");
    house
}

/// 2 % a year at 40 % use, 4 % at 80 %, 34 % at 90 %, 64 % at 100 %; linear within a block.
#[test]
fn the_rate_has_a_kink_at_four_fifths() {
    for (borrowed, interest) in [(400, 8), (800, 32), (900, 306), (1_000, 640)] {
        let mut house = lent(borrowed);
        house.advance(YEAR);
        let loan = house.view("alice").loans[0].clone();
        assert_eq!((loan.principal, loan.interest), (whole(borrowed), whole(interest)));
    }
}

/// A loan leaves its pool and its vault at once.
#[test]
fn a_loan_is_paid_out_on_its_chain() {
    let house = lent(400);
    let (chain, usdc) = (house.chain("ethereum"), house.token("USDC", "ethereum"));
    assert_eq!(house.balance(LedgerAccount::Lending(chain)), whole(600));
    assert_eq!(house.balance(LedgerAccount::Inventory(usdc)), whole(600));
    let ordered = house.history.iter().any(
        |event| matches!(event, Event::ReleaseOrdered { amount, token, .. } if *amount == whole(400) && *token == usdc),
    );
    assert!(ordered);
}

/// A borrower's repayment pays interest first. Of 32, a tenth is fees: 0.96 float, 1.28 the chain's tranche, 0.96
/// treasury; 28.80 are the lenders'.
#[test]
fn interest_is_paid_before_principal_and_split() {
    let mut house = lent(800);
    let (chain, scope) = (house.chain("ethereum"), Scope::Chain(house.chain("ethereum")));
    house.advance(YEAR);
    house.deposit("alice", "ethereum", "USDC", whole(833));
    house.repay("alice", "ethereum", Some(whole(40))).expect("there is cash");
    // What is owed is rounded up.
    let loan = house.view("alice").loans[0].clone();
    assert_eq!(loan.principal, whole(792));
    assert!(loan.interest <= Amount::from_wei(1));
    assert_eq!(house.balance(LedgerAccount::Float), amount("0.96"));
    assert_eq!(house.balance(LedgerAccount::Tranche(scope)), amount("1.28"));
    assert_eq!(house.balance(LedgerAccount::Treasury), amount("0.96"));
    // 200 idle, 28.80 and 8 came.
    assert_eq!(house.balance(LedgerAccount::Lending(chain)), amount("236.8"));
    house.repay("alice", "ethereum", None).expect("there is cash");
    assert_eq!(house.view("alice").loans, []);
    assert!(house.view("alice").cash <= whole(1));
    house.redeem("bob", "ethereum", None).expect("all is idle");
    // The virtual shares, which nobody owns, keep a wei.
    let cash = house.view("bob").cash;
    assert!(amount("1028.799999999999999998") <= cash && cash <= amount("1028.800000000000000001"), "{cash}");
}

/// Interest that is owed is the lenders' before it is paid: who comes later buys shares at 1,028.80 for 1,000, and takes
/// nothing of it.
#[test]
fn a_later_lender_buys_at_what_a_share_is_worth() {
    let mut house = lent(800);
    assert_eq!(house.view("bob").lent[0].shares, whole(1_000_000_000));
    house.advance(YEAR);
    house.deposit("cid", "ethereum", "USDC", whole(1_000));
    house.lend("cid", "ethereum", whole(1_000)).expect("there is cash");
    // ⌊1,000 · (10^9 + 10^-12) / (1,028.8 + 10^-18)⌋
    assert_eq!(house.view("cid").lent[0].shares, amount("972006220.839813374805625965"));
    assert_eq!(house.view("bob").lent[0].worth, amount("1028.799999999999999999"));
    assert_eq!(house.view("cid").lent[0].worth, amount("999.999999999999999999"));
}

/// Debt compounds from block to block: twelve months at 4 % are (1 + 0.04 / 12)^12 - 1 = 4.074 %.
#[test]
fn interest_compounds_with_every_block() {
    let mut house = lent(800);
    house.advance_in(YEAR, 12);
    let interest = house.view("alice").loans[0].interest;
    // Its own interest does not count in use: 800 of 1,000 stay 80 %.
    assert!(amount("32.593") < interest && interest < amount("32.594"), "{interest}");
}
