//! The waterfall: what each layer takes of a loss, who bears the rest, what becomes of it (R1).

mod support;

use ballast_types::{Address, Event, Layer, LedgerAccount, MarketId, Scope};
use ballast_units::{Amount, Millis};
use support::{House, amount, price, whole};

const MARKET: Scope = Scope::Market(MarketId(0));
const TRANCHE: LedgerAccount = LedgerAccount::Tranche(MARKET);

/// What Alice of the worked example loses beyond her 100 when she closes first (R23).
const LOST: &str = "66.666666666666666682";

/// The bare house with 10 in the market's tranche and 100 in the float.
fn layered() -> House {
    let mut house = House::bare();
    house.deposit("founder", "ethereum", "USDC", whole(110));
    house.contribute("founder", Layer::Tranche(MARKET), whole(10)).expect("there is cash");
    house.contribute("founder", Layer::Float, whole(100)).expect("there is cash");
    house
}

/// Alice and Bob of the worked example, under these names, and what the layers took of her loss.
fn loses(house: &mut House, alice: &str, bob: &str) -> [Amount; 3] {
    house.deposit(alice, "ethereum", "USDC", whole(100));
    house.deposit(bob, "ethereum", "USDC", whole(100));
    house.long(alice, "ETH", whole(1_000)).expect("no guards");
    house.short(bob, "ETH", whole(1_000)).expect("no guards");
    let out = house.close(alice, "ETH").expect("closing passes");
    house.close(bob, "ETH").expect("closing passes");
    let taken = out.events.iter().find_map(|event| match event {
        Event::LossAbsorbed { scope, amount: lost, tranche, float, cover, deficit, .. } => {
            assert_eq!((*scope, *cover), (MARKET, Amount::ZERO));
            assert_eq!(*lost, *tranche + *float + *cover + *deficit, "I08");
            Some([*tranche, *float, *deficit])
        }
        _ => None,
    });
    taken.expect("her loss is somebody's")
}

/// Of 66.67 the tranche has 10, the float of 100 gives a tenth, 46.67 are a deficit; Bob, the only winner, bears it.
/// A second loss within 24 hours finds the market's share of the float used up; a third after them a tenth of what is
/// there.
#[test]
fn a_loss_walks_tranche_float_and_winners() {
    let mut house = layered();
    assert_eq!(loses(&mut house, "alice", "bob"), [whole(10), whole(10), amount(LOST) - whole(20)]);
    let receipts =
        |house: &mut House, name: &str| house.view(name).receipts.iter().map(|r| r.1).sum::<Amount>();
    assert_eq!(receipts(&mut house, "bob"), amount(LOST) - whole(20));
    house.advance(Millis::hours(12));
    assert_eq!(loses(&mut house, "ann", "ben")[..2], [Amount::ZERO, Amount::ZERO]);
    // Bob has been paid: he has no part in what happens now.
    assert_eq!(receipts(&mut house, "bob"), amount(LOST) - whole(20));
    assert!(receipts(&mut house, "ben") > whole(66));
    house.advance_in(Millis::hours(13), 13);
    assert_eq!(loses(&mut house, "cid", "dan")[..2], [Amount::ZERO, whole(9)]);
    assert_eq!(house.balance(LedgerAccount::Float), whole(81));
    assert_eq!(house.balance(TRANCHE), Amount::ZERO);
}

/// Two winners bear a deficit in proportion to claims and open profits, to the wei.
#[test]
fn winners_bear_a_deficit_in_proportion() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "USDC", whole(100));
    for (name, quote) in [("bob", 750), ("ben", 250)] {
        house.deposit(name, "ethereum", "USDC", whole(100));
        if name == "bob" {
            house.long("alice", "ETH", whole(1_000)).expect("no guards");
        }
        house.short(name, "ETH", whole(quote)).expect("no guards");
    }
    // At the risk price of 100: what each has open.
    let profit = |house: &mut House, name: &str| house.view(name).positions[0].pnl.positive_part();
    let (bob, ben) = (profit(&mut house, "bob"), profit(&mut house, "ben"));
    house.close("alice", "ETH").expect("closing passes");
    let deficit = house.waterfall().deficits[0].left;
    let receipt = |house: &mut House, name: &str| house.view(name).receipts[0].1;
    let (of_bob, of_ben) = (receipt(&mut house, "bob"), receipt(&mut house, "ben"));
    assert_eq!(of_bob + of_ben, deficit);
    let share = deficit.share_down(bob, bob + ben).expect("a part");
    assert!(share <= of_bob && of_bob <= share + Amount::from_wei(1), "{of_bob}, a share of {share}");
    assert!(of_ben < of_bob);
}

/// What nobody repays within 30 days is written off against what was suspended.
#[test]
fn a_deficit_is_written_off_after_thirty_days() {
    let mut house = layered();
    let [_, _, deficit] = loses(&mut house, "alice", "bob");
    house.advance_in(Millis::days(29), 29);
    assert_eq!(house.waterfall().deficits[0].left, deficit);
    assert_eq!(house.view("bob").receipts.len(), 1);
    let out = house.advance(Millis::days(1));
    let written = out
        .events
        .iter()
        .any(|event| matches!(event, Event::DeficitWrittenOff { amount, .. } if *amount == deficit));
    assert!(written, "{:?}", out.events);
    assert_eq!(house.waterfall().deficits, []);
    assert_eq!(house.view("bob").receipts, []);
    assert_eq!(house.market_view("ETH").claims, Amount::ZERO);
}

/// A loan that collateral does not cover is a loss of its chain: 16,500 owed, 10 ETH at 1,500 sold at the floor of 95 %
/// for 14,250. Of 2,250 the chain's tranche has 1,000, half of a float of 1,000 is 500, 750 are borne by the lenders,
/// three to one.
#[test]
fn a_loan_that_is_not_covered_is_a_loss_of_its_chain() {
    let mut house = House::new();
    let chain = house.chain("ethereum");
    let scope = Scope::Chain(chain);
    house.deposit("founder", "ethereum", "USDC", whole(2_000));
    house.contribute("founder", Layer::Tranche(scope), whole(1_000)).expect("there is cash");
    house.contribute("founder", Layer::Float, whole(1_000)).expect("there is cash");
    for (name, dollars) in [("bob", 75_000), ("cid", 25_000)] {
        house.deposit(name, "ethereum", "USDC", whole(dollars));
        house.lend(name, "ethereum", whole(dollars)).expect("there is cash");
    }
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(16_500)).expect("16,528 is allowed");
    house.price("ETH", price("1500"));
    let (lot, offer) = *house.offers().first().expect("15,000 / 1.1 is less");
    assert_eq!(offer.auction.floor, price("1425"));
    // At once, so that no interest is owed.
    assert_eq!(house.spoke("ethereum").take_at_floor(lot, whole(10), Address([7; 32])), whole(14_250));
    let out = house.apply(Vec::new());
    let absorbed = out.events.iter().find_map(|event| match event {
        Event::LossAbsorbed { scope, amount, tranche, float, deficit, .. } => {
            Some((*scope, *amount, *tranche, *float, *deficit))
        }
        _ => None,
    });
    assert_eq!(absorbed, Some((scope, whole(2_250), whole(1_000), whole(500), whole(750))));
    // 100,000 - 16,500 stayed; 14,250 and 1,500 came.
    assert_eq!(house.balance(LedgerAccount::Lending(chain)), whole(99_250));
    assert_eq!(house.view("bob").receipts[0].1, amount("562.5"));
    assert_eq!(house.view("cid").receipts[0].1, amount("187.5"));
    let worth = house.view("bob").lent[0].worth;
    assert!(
        amount("74437.499999") < worth && worth <= amount("74437.5"),
        "{worth}: three quarters of 99,250"
    );
    assert_eq!(house.view("alice").locked, None);
    assert_eq!(house.view("alice").equity.positive_part(), Amount::ZERO);
}
