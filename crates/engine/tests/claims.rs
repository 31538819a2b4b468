//! Claims and settlement: who is paid, in which order, out of what (R3, R4, R5, R23).

mod support;

use ballast_engine::Outcome;
use ballast_types::{Command, Event, Genesis, Layer, LedgerAccount, MarketId, Scope, Side, TradeAmount};
use ballast_units::{Amount, Millis, Ratio};
use num_bigint::BigUint;
use support::genesis::bare;
use support::{House, amount, price, whole};

const ETH: MarketId = MarketId(0);
const TRANCHE: LedgerAccount = LedgerAccount::Tranche(Scope::Market(ETH));

/// The bare house without funding.
fn unfunded() -> Genesis {
    let mut genesis = bare();
    genesis.markets[0].params.funding_clamp = Some(Ratio::ZERO);
    genesis
}

/// Set-off, cash, loan and debt of an account's last loss.
fn settled(out: &Outcome) -> (Amount, Amount, Amount, Amount) {
    let loss = out.events.iter().rev().find_map(|event| match event {
        Event::LossSettled { set_off, cash, loan, debt, .. } => Some((*set_off, *cash, *loan, *debt)),
        _ => None,
    });
    loss.expect("a loss was settled")
}

// The worked example of the design (R23)

/// Alice and Bob bring 100 each. Alice buys for 1,000: 100 / 10,000 becomes 90.909 / 11,000. Bob sells for 1,000: it
/// is 100 / 10,000 again.
fn worked_example(tranche: u64) -> House {
    let mut house = House::bare();
    if tranche > 0 {
        house.deposit("founder", "ethereum", "USDC", whole(tranche));
        house
            .contribute("founder", Layer::Tranche(Scope::Market(ETH)), whole(tranche))
            .expect("there is cash");
    }
    house.deposit("alice", "ethereum", "USDC", whole(100));
    house.deposit("bob", "ethereum", "USDC", whole(100));
    house.long("alice", "ETH", whole(1_000)).expect("no guards");
    assert_eq!(house.view("alice").positions[0].size, "9.090909090909090909".parse().expect("a decimal"));
    assert_eq!(house.market_view("ETH").mark, price("120.999999999999999999"));
    house.short("bob", "ETH", whole(1_000)).expect("no guards");
    assert_eq!(house.view("bob").positions[0].size.magnitude(), amount("9.09090909090909091"));
    let market = house.market_view("ETH");
    // A wei more base than at the beginning: what two swaps rounded up.
    assert_eq!(
        (market.base_reserve, market.quote_reserve),
        (amount("100.000000000000000001"), whole(10_000))
    );
    house
}

/// Bob first: the curve goes back the way it came, and both have their 100, less the wei that the curve keeps.
#[test]
fn bob_closes_first_and_both_get_back_what_they_brought() {
    let mut house = worked_example(100);
    house.close("bob", "ETH").expect("closing passes");
    house.close("alice", "ETH").expect("closing passes");
    assert_eq!(house.view("bob").cash, amount("99.999999999999999901"));
    assert_eq!(house.view("alice").cash, amount("99.999999999999999998"));
    assert_eq!(house.balance(TRANCHE), whole(100));
}

/// Alice first: she sells 9.0909 into 100 / 10,000 and gets 833.33 for what cost 1,000. Of 166.67 she has 100; the
/// tranche pays 66.67 in the same block, and Bob, who closes then, all of his profit.
#[test]
fn alice_closes_first_and_the_tranche_pays_what_she_lacks() {
    let mut house = worked_example(100);
    let out = house.close("alice", "ETH").expect("closing passes");
    let lost = amount("66.666666666666666682");
    assert_eq!(settled(&out), (Amount::ZERO, whole(100), Amount::ZERO, lost));
    assert_eq!(house.view("alice").cash, Amount::ZERO);
    assert_eq!(house.view("alice").claims, [], "her debt is written off");
    assert_eq!(house.balance(TRANCHE), amount("33.333333333333333318"));
    house.close("bob", "ETH").expect("closing passes");
    // 1,000 - 833.333333333333333419, and his 100.
    assert_eq!(house.view("bob").cash, amount("266.666666666666666581"));
    assert_eq!(house.waterfall().deficits, []);
}

/// The same with nothing in the tranche: Bob has Alice's 100, and a receipt for what nobody paid.
#[test]
fn alice_closes_first_and_bob_bears_what_nobody_pays() {
    let mut house = worked_example(0);
    house.close("alice", "ETH").expect("closing passes");
    let lost = amount("66.666666666666666682");
    assert_eq!(house.waterfall().deficits[0].left, lost);
    assert_eq!(house.view("bob").receipts.iter().map(|(_, amount)| *amount).collect::<Vec<_>>(), [lost]);
    house.close("bob", "ETH").expect("closing passes");
    // 100 + 166.666666666666666581 - 66.666666666666666682.
    assert_eq!(house.view("bob").cash, amount("199.999999999999999899"));
}

// Claims (R4)

/// Ann and Bob are short with profit. Lou has lost more than the 100 that he had in cash; his 30 ETH hold his debt.
/// The pool has 100.
fn a_hundred_in_the_pool() -> House {
    let mut house = House::of(unfunded());
    house.deposit("lou", "ethereum", "ETH", whole(30));
    house.deposit("lou", "ethereum", "USDC", whole(100));
    house.deposit("ann", "ethereum", "USDC", whole(10_000));
    house.deposit("bob", "ethereum", "USDC", whole(10_000));
    house.trade("lou", "ETH", Side::Long, TradeAmount::Base(whole(20))).expect("no guards");
    house.short("ann", "ETH", whole(1_500)).expect("no guards");
    house.short("bob", "ETH", whole(500)).expect("no guards");
    house.close("lou", "ETH").expect("closing passes");
    assert_eq!(house.market_view("ETH").pool, whole(100));
    house
}

/// Every mature claim is paid by the same share: F = ⌈10^36 · (C - paid) / C⌉, unpaid = ⌈a · F / 10^36⌉.
#[test]
fn claims_share_what_the_pool_has() {
    let mut house = a_hundred_in_the_pool();
    let cash = |house: &mut House| (house.view("ann").cash, house.view("bob").cash);
    let before = cash(&mut house);
    // Both close in one block: neither order nor names matter.
    let close = |house: &mut House, name: &str| Command::ClosePosition {
        account: house.account(name),
        market: ETH,
        limit: None,
    };
    let commands = vec![close(&mut house, "bob"), close(&mut house, "ann")];
    let out = house.apply(commands);
    let profit = |name: &str, house: &mut House| {
        let id = house.account(name);
        let claim = out.events.iter().find_map(|event| match event {
            Event::ProfitClaimed { account, claim, .. } if *account == id => Some(*claim),
            _ => None,
        });
        claim.expect("a profit")
    };
    let (ann, bob) = (profit("ann", &mut house), profit("bob", &mut house));
    let all = BigUint::from((ann + bob).wei());
    let one = BigUint::from(10_u8).pow(36);
    let up = |a: BigUint, b: &BigUint| (a + b - 1_u8) / b;
    let factor = up(&one * (&all - whole(100).wei()), &all);
    let unpaid = |claim: Amount| {
        let left = up(BigUint::from(claim.wei()) * &factor, &one);
        Amount::from_wei(u128::try_from(left).expect("a claim"))
    };
    let after = cash(&mut house);
    assert_eq!(after.0 - before.0, ann - unpaid(ann));
    assert_eq!(after.1 - before.1, bob - unpaid(bob));
    assert_eq!(house.view("ann").claims[0].claim, unpaid(ann));
    // All of the 100 but what rounding up kept of each.
    let kept = whole(100) - (after.0 - before.0) - (after.1 - before.1);
    assert!(kept <= Amount::from_wei(2), "{kept}");
}

/// A claim made on purpose against one's own open loss must not take half of the next inflow: it waits until a whole
/// round has passed. Ann's is old, Bob's is new, Lou's 100 go to Ann.
#[test]
fn a_young_claim_has_no_part_in_what_comes_in() {
    let mut genesis = unfunded();
    genesis.markets[0].params.claim_age = true;
    let mut house = House::of(genesis);
    house.deposit("lou", "ethereum", "ETH", whole(30));
    house.deposit("ann", "ethereum", "USDC", whole(10_000));
    house.deposit("bob", "ethereum", "USDC", whole(10_000));
    house.deposit("rich", "ethereum", "USDC", whole(10_000));
    house.trade("lou", "ETH", Side::Long, TradeAmount::Base(whole(20))).expect("no guards");
    house.short("ann", "ETH", whole(1_000)).expect("no guards");
    house.short("bob", "ETH", whole(1_000)).expect("no guards");
    house.trade("rich", "ETH", Side::Short, TradeAmount::Base(whole(30))).expect("no guards");
    house.close("ann", "ETH").expect("closing passes");
    // The first round that begins after it ends in the same block.
    house.advance(Millis::hours(1));
    house.close("bob", "ETH").expect("closing passes");
    let claims = |house: &mut House| (house.view("ann").claims[0].claim, house.view("bob").claims[0].claim);
    let before = claims(&mut house);
    assert!(whole(100) < before.0 && whole(100) < before.1);
    house.deposit("lou", "ethereum", "USDC", whole(100));
    house.close("lou", "ETH").expect("closing passes");
    let after = claims(&mut house);
    let paid = before.0 - after.0;
    assert!(whole(100) - Amount::from_wei(1) <= paid && paid <= whole(100), "{paid}");
    assert_eq!(before.1, after.1, "Bob's is younger than one round");
    // Once it is old, it is paid alike.
    house.advance(Millis::hours(1));
    house.deposit("lou", "ethereum", "USDC", whole(100));
    let last = claims(&mut house);
    assert!(last.0 < after.0 && last.1 < after.1);
}

/// A loss first cancels the account's own claim: no money moves for that part.
#[test]
fn a_loss_cancels_the_own_claim_before_it_takes_cash() {
    let mut house = a_hundred_in_the_pool();
    house.close("ann", "ETH").expect("closing passes");
    let claim = house.view("ann").claims[0].claim;
    let cash = house.view("ann").cash;
    assert!(whole(50) < claim);
    // There and back, with somebody in between who leaves mark 4 % lower.
    house.trade("ann", "ETH", Side::Long, TradeAmount::Base(whole(5))).expect("no guards");
    house.deposit("rich", "ethereum", "USDC", whole(10_000));
    house.trade("rich", "ETH", Side::Short, TradeAmount::Base(whole(2))).expect("no guards");
    let out = house.close("ann", "ETH").expect("closing passes");
    let (set_off, paid, loan, debt) = settled(&out);
    assert!(!set_off.is_zero());
    assert_eq!((paid, loan, debt), (Amount::ZERO, Amount::ZERO, Amount::ZERO));
    assert_eq!(house.view("ann").claims[0].claim, claim - set_off);
    assert_eq!(house.view("ann").cash, cash);
}

// Settlement (R5)

/// Alice has 50 in cash and 10 ETH, and loses 166.67 as in the worked example. Set-off none, cash 50, then a loan from
/// the pool of Ethereum, where her collateral lies: of 100 lent at most 95 % are lent out. The rest is debt.
#[test]
fn a_loss_takes_cash_then_a_loan_then_becomes_debt() {
    let mut house = House::of(unfunded());
    house.deposit("lender", "ethereum", "USDC", whole(100));
    house.lend("lender", "ethereum", whole(100)).expect("there is cash");
    house.deposit("alice", "ethereum", "USDC", whole(50));
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.deposit("bob", "ethereum", "USDC", whole(100));
    house.long("alice", "ETH", whole(1_000)).expect("no guards");
    house.short("bob", "ETH", whole(1_000)).expect("no guards");
    let out = house.close("alice", "ETH").expect("closing passes");
    assert_eq!(settled(&out), (Amount::ZERO, whole(50), whole(95), amount("21.666666666666666682")));
    let alice = house.view("alice");
    assert_eq!(
        (alice.loans[0].principal, alice.claims[0].debt),
        (whole(95), amount("21.666666666666666682"))
    );
    assert_eq!(alice.locked, None, "10 ETH at 100 / 1.1 cover it");
}

/// What arrives pays settlement debt before anything else: principal to the pool, interest at the top kinked rate to
/// the market's tranche. 116.666666666666666682 at 64 % a year for 12 h are 116.768881861594237699.
#[test]
fn cash_that_arrives_pays_settlement_debt() {
    let mut house = House::of(unfunded());
    house.deposit("alice", "ethereum", "USDC", whole(50));
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.deposit("bob", "ethereum", "USDC", whole(100));
    house.long("alice", "ETH", whole(1_000)).expect("no guards");
    house.short("bob", "ETH", whole(1_000)).expect("no guards");
    house.close("alice", "ETH").expect("closing passes");
    let principal = amount("116.666666666666666682");
    assert_eq!(house.view("alice").claims[0].debt, principal);
    house.close("bob", "ETH").expect("closing passes");
    // Of his 166.67 the pool had her 50.
    assert!(house.view("bob").cash <= whole(150));
    house.advance(Millis::hours(12));
    let owed = house.view("alice").claims[0].debt;
    assert_eq!(owed, amount("116.768881861594237699"));
    house.deposit("alice", "ethereum", "USDC", whole(200));
    assert_eq!(house.view("alice").cash, whole(200) - owed);
    assert_eq!(house.balance(TRANCHE), owed - principal);
    // Her principal pays the rest of his claim.
    assert_eq!(house.view("bob").cash, amount("266.666666666666666581"));
}
