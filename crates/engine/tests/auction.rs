//! Auctions: floors, rounds, what becomes of a lot that nobody wants (R2, R16).

mod support;

use ballast_engine::auction::{self, Cut, LateInclusion, Remainder};
use ballast_engine::{Engine, genesis as engine_genesis};
use ballast_types::{Auction, AuctionSchedule, Event, Layer, LedgerAccount, LotId, Reject};
use ballast_units::{Amount, Millis, Price, Ratio};
use support::genesis::guarded;
use support::{House, amount, price, whole};

/// Ten ETH for 16,500 of debt, and ETH at 1,700: 17,000 / 1.1 is 1,045 short, more than 5 % of the debt, so that all ten
/// are sold. The float holds `float`.
fn failed(float: u64) -> (House, LotId) {
    let mut house = House::new();
    house.deposit("bob", "ethereum", "USDC", whole(200_000));
    if float > 0 {
        house.contribute("bob", Layer::Float, whole(float)).expect("there is cash");
    }
    house.lend("bob", "ethereum", whole(100_000)).expect("there is cash");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(16_500)).expect("16,528 is allowed");
    house.price("ETH", price("1700"));
    let (lot, _) = *house.offers().first().expect("she failed");
    (house, lot)
}

fn offer(house: &House) -> Auction {
    house.offers().first().expect("a lot is for sale").1.auction
}

/// 110 % of 1,700 falls by 5 % every 10 s, down to the floor of 95 %, which it reaches after 30 s; market makers are invited
/// a step later, for a minute. The floor is up to f_max as the
/// debt needs more than the lot is worth at that.
#[test]
fn the_price_falls_step_by_step_to_its_floor() {
    let (house, _) = failed(0);
    let auction = offer(&house);
    let at = |seconds: u64| auction::price(&auction, auction.opened.after(Millis::seconds(seconds)));
    // 1,870, x 0.95, x 0.95²; 1,603.29 would be below 1,615.
    for (seconds, expected) in [
        (0, "1870"),
        (9, "1870"),
        (10, "1776.5"),
        (19, "1776.5"),
        (20, "1687.675"),
        (30, "1615"),
        (179, "1615"),
    ] {
        assert_eq!(at(seconds), price(expected), "after {seconds} s");
    }
    // It stands at its floor after 30 s: the invitation begins a step later and lasts a minute.
    assert_eq!(auction.invites, auction.opened.after(Millis::seconds(40)));
    assert_eq!(auction.ends, auction.opened.after(Millis::seconds(100)));
    assert_eq!(at(10_000), price("1615"), "never below");
    assert_eq!(auction::take_due(&auction, auction.opened, amount("0.5")), Ok(whole(935)));
}

/// A take pays the price of its block.
#[test]
fn a_take_pays_the_price_of_its_time() {
    let (mut house, lot) = failed(0);
    for (seconds, paid) in [(0, "1870"), (10, "1776.5"), (10, "1687.675")] {
        house.advance(Millis::seconds(seconds));
        let out = house.take(lot, whole(1)).expect("there is enough");
        let taken = out.events.iter().find_map(|event| match event {
            Event::LotTaken { paid, .. } => Some(*paid),
            _ => None,
        });
        assert_eq!(taken, Some(amount(paid)));
    }
}

/// 1,000 SOL, need 39,819, floor 39.819: the case of R27. The coin has six decimals, SOL nine.
fn sol() -> Remainder {
    Remainder {
        left: whole(120),
        need: amount("1030.272"),
        price: price("39.819"),
        dust: amount("2.252252253"),
        unit: Amount::from_wei(1_000_000_000),
        coin: Amount::from_wei(1_000_000_000_000),
    }
}

fn cut(quantity: &str, due: &str) -> Option<Cut> {
    Some(Cut { quantity: amount(quantity), due: amount(due) })
}

/// R27: a bidder has taken 880 for 38,788.73, waits for the floor, and wants the other 120. It gets what pays the need:
/// 1,030.272 / 39.819 = 25.8738793039…, up to SOL's unit, and 94.126120696 stay the owner's.
#[test]
fn a_take_is_cut_to_what_the_need_lacks() {
    let sol = sol();
    assert_eq!(sol.cut(whole(120)), cut("25.873879304", "1030.272001"));
    assert_eq!(sol.cut(whole(26)), cut("25.873879304", "1030.272001"));
    assert_eq!(sol.whole(), amount("25.873879304"));
    // At the need's last unit there is nothing to cut.
    assert_eq!(sol.cut(amount("25.873879304")), cut("25.873879304", "1030.272001"));
}

/// Neither rest is worth less than the dust, 2.252252253 SOL, which is 89.68 at the price, while the auction goes on.
#[test]
fn neither_rest_of_a_take_is_dust() {
    let sol = sol();
    // All but a little: cut so that 89.682433 of the need stay. 940.589567 / 39.819 = 23.621627037….
    assert_eq!(sol.cut(whole(25)), cut("23.621627037", "940.589567"));
    assert_eq!(sol.cut(whole(20)), cut("20", "796.38"));
    // Less than the dust buys nothing, however often it is asked for.
    assert_eq!(sol.cut(amount("2.252252252")), None);
    assert_eq!(sol.cut(amount("2.252252253")), cut("2.252252253", "89.682433"));
    // Less of the need is left than the dust and the dust again: all or nothing.
    let narrow = Remainder { need: amount("179"), ..sol };
    assert_eq!(narrow.cut(amount("4.4")), None);
    assert_eq!(narrow.cut(whole(5)), cut("4.49534142", "179.000001"));
    // The lot is what runs out: 5 are left, and the need is far.
    let short = Remainder { left: whole(5), need: whole(1_000), ..sol };
    assert_eq!(short.cut(amount("4.9")), cut("2.747747747", "109.412568"));
    assert_eq!(short.cut(whole(9)), cut("5", "199.095"));
    let scrap = Remainder { left: whole(4), need: whole(1_000), ..sol };
    assert_eq!(scrap.cut(amount("3.9")), None);
    assert_eq!(scrap.cut(whole(4)), cut("4", "159.276"));
    // All that is left is less than the dust.
    let least = Remainder { left: whole(1), need: whole(1_000), ..sol };
    assert_eq!(least.cut(amount("0.999")), None);
    assert_eq!(least.cut(whole(1)), cut("1", "39.819"));
}

/// What is due is up to the coin's unit: that may pay the need before the collateral's unit does.
#[test]
fn the_coins_unit_may_pay_the_need() {
    let coarse = Remainder { coin: whole(1), price: Price::whole(40), ..sol() };
    // 25.7 cost 1,028, 25.7568 pay the need; 25.756 cost 1,030.24 and so 1,031 as well: paid.
    assert_eq!(coarse.cut(amount("25.7565")), cut("25.7565", "1031"));
    assert_eq!(coarse.cut(amount("25.756")), cut("25.756", "1031"));
    assert_eq!(coarse.cut(whole(120)), cut("25.7568", "1031"));
    // Cut for the need's dust of 90.09 the take pays whole coins: 940 of the 940.18 that may be paid.
    assert_eq!(coarse.cut(whole(25)), cut("23.5", "940"));
    // The need's rest is less than a unit of the coin: one unit pays it.
    let crumb = Remainder { need: Amount::from_wei(1), ..sol() };
    assert_eq!(crumb.cut(whole(120)), cut("0.000000001", "0.000001"));
    assert_eq!(crumb.cut(Amount::ZERO), None);
    // Of nothing that is needed nothing is sold.
    let met = Remainder { need: Amount::ZERO, ..sol() };
    assert_eq!(met.cut(whole(120)), None);
    // A token of eight decimals that is worth more than the need in its last unit.
    let dear = Remainder { unit: whole(1), price: Price::whole(2_000), dust: whole(1), ..sol() };
    assert_eq!(dear.cut(whole(120)), cut("1", "2000"));
    assert_eq!(dear.cut(amount("0.5")), None);
}

/// What cannot be counted in is more than everything.
#[test]
fn a_take_of_next_to_no_price_gets_all() {
    let least = Remainder { price: Price::from_wei(1).unwrap(), need: Amount::LIMIT, ..sol() };
    assert_eq!(least.cut(Amount::MAX), cut("120", "0.000001"));
    let most = Remainder {
        price: Price::from_wei(1 << 90).unwrap(),
        left: Amount::LIMIT,
        need: Amount::LIMIT,
        ..sol()
    };
    assert!(most.cut(Amount::MAX).is_some_and(|cut| cut.quantity < whole(2_000_000)));
}

/// R2: the floor is what the debt needs, as a share of what the lot is worth, between 80 and 95 %; 5 points less a
/// round, and always below the start.
#[test]
fn the_floor_is_what_the_debt_needs_within_bounds() {
    let schedule = AuctionSchedule::default();
    let floor = |need: u64, round: u8| {
        let found =
            auction::floor(whole(need), whole(10), Price::whole(2_700), &schedule, round).expect("in range");
        assert_eq!(found.1, price("2970"));
        found.0
    };
    // Of 27,000: 15,000 are 55.6 %, 24,300 are 90 %, 30,000 are more than all.
    for (need, floors) in [
        (15_000, ["2160", "2025", "1890"]),
        (24_300, ["2430", "2430", "2295"]),
        (30_000, ["2565", "2430", "2295"]),
    ] {
        for (round, expected) in (0..).zip(floors) {
            assert_eq!(floor(need, round), price(expected), "need {need}, round {round}");
        }
    }
    // A start of 95 % keeps it a wei below.
    let low = AuctionSchedule { start: Ratio::percent(95), ..schedule };
    let found = auction::floor(whole(30_000), whole(10), Price::whole(2_700), &low, 0).expect("in range");
    assert_eq!(found, (price("2564.999999999999999999"), price("2565")));
}

/// The three rounds of a lot that nobody wants.
fn rounds(house: &mut House) -> Vec<(Price, Price, u8)> {
    let mut offered = Vec::new();
    for event in &house.history {
        if let Event::LotOffered { start, floor, round, .. } = event {
            offered.push((*start, *floor, *round));
        }
    }
    for _ in 0..3 {
        let out = house.advance(Millis::minutes(3));
        offered.extend(out.events.iter().filter_map(|event| match event {
            Event::LotOffered { start, floor, round, .. } => Some((*start, *floor, *round)),
            _ => None,
        }));
    }
    offered
}

/// Each round takes a fresh index, and lowers both bounds of the floor by 5 points; then the reserve takes the lot at 70 %.
#[test]
fn after_three_rounds_the_reserve_takes_it() {
    let (mut house, lot) = failed(50_000);
    let offered = rounds(&mut house);
    let start = price("1870");
    assert_eq!(offered, [(start, price("1615"), 1), (start, price("1530"), 2), (start, price("1445"), 3)]);
    let eth = house.token("ETH", "ethereum");
    // 10 at 1,190: all, as the debt needs more.
    let bought = Event::LotBoughtByReserve { lot, quantity: whole(10), paid: whole(11_900) };
    assert!(house.history.contains(&bought));
    assert_eq!(house.balance(LedgerAccount::Warehouse(eth)), whole(10));
    // 4,600 and some cents of interest are missing; the float, of 38,100, may give half.
    let lost = whole(38_100) - house.balance(LedgerAccount::Float);
    assert!(whole(4_599) < lost && lost < whole(4_601), "{lost}");
    assert_eq!(house.view("alice").loans, []);
    assert_eq!(house.waterfall().deficits, []);
}

/// What the reserve's cap or float cannot pay is stored, and offered again in an hour; its debt is booked as lost beyond
/// 70 % of index at once.
#[test]
fn what_the_reserve_cannot_take_is_stored_and_offered_again() {
    let mut genesis = guarded();
    genesis.chains[0].tokens[1].params.reserve_cap = whole(3_400);
    let mut house = House::of(genesis);
    house.deposit("bob", "ethereum", "USDC", whole(200_000));
    house.contribute("bob", Layer::Float, whole(50_000)).expect("there is cash");
    house.lend("bob", "ethereum", whole(100_000)).expect("there is cash");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(16_500)).expect("16,528 is allowed");
    house.price("ETH", price("1700"));
    rounds(&mut house);
    let lot = LotId(1);
    // 3,400 of dollars at 1,190: 2.857142857142857142 ETH.
    let bought = house.history.iter().find_map(|event| match event {
        Event::LotBoughtByReserve { quantity, paid, .. } => Some((*quantity, *paid)),
        _ => None,
    });
    let quantity = amount("2.857142857142857142");
    assert_eq!(bought, Some((quantity, amount("3399.999999999999998980"))));
    let left = whole(10) - quantity;
    assert!(house.history.contains(&Event::LotWarehoused { lot, left }));
    // The loan keeps what 70 % of the rest would bring: 8,500.
    let loan = house.view("alice").loans[0].clone();
    let kept = loan.principal + loan.interest;
    assert!(amount("8499.999") < kept && kept < amount("8500.001"), "{kept}");
    assert!(house.view("alice").locked.is_some());
    assert_eq!(house.offers().len(), 0);
    let out = house.advance(Millis::minutes(59));
    assert!(!out.events.iter().any(|event| matches!(event, Event::LotOffered { .. })));
    house.advance(Millis::minutes(1));
    assert_eq!(house.offers().len(), 1);
    assert_eq!(offer(&house).quantity, left);
    assert_eq!(offer(&house).floor, price("1445"), "on the terms of the last round");
}

/// An auction whose index falls below its floor is cancelled at once, and the same round begins anew at the index of now.
#[test]
fn an_index_below_the_floor_begins_the_round_anew() {
    let (mut house, lot) = failed(0);
    house.advance(Millis::seconds(40));
    // At the floor of 1,615 nothing happens yet.
    let out = house.price("ETH", price("1615"));
    assert!(!out.events.iter().any(|event| matches!(event, Event::LotOffered { .. })));
    house.price("ETH", price("1614"));
    let out = house.apply(Vec::new());
    let anew = out.events.iter().find_map(|event| match event {
        Event::LotOffered { lot, start, floor, round, .. } => Some((*lot, *start, *floor, *round)),
        _ => None,
    });
    // 110 % and 95 % of 1,614.
    assert_eq!(anew, Some((lot, price("1775.4"), price("1533.3"), 1)));
    assert_eq!(offer(&house).opened, house.now());
}

/// R16: a step below a second is refused; one shorter than twice the time of inclusion is listed with a warning that says
/// what a late take costs.
#[test]
fn a_schedule_faster_than_its_chain_is_listed_with_a_warning() {
    let mut genesis = guarded();
    genesis.chains[0].inclusion_p95 = Millis::seconds(12);
    Engine::new(&genesis).expect("it is listed");
    let warning =
        LateInclusion { step: Millis::seconds(10), need: Millis::seconds(24), cost: Ratio::percent(5) };
    assert_eq!(engine_genesis::late_inclusions(&genesis), [("ethereum", warning)]);
    let told = "an auction's step of 10000 ms is shorter than twice the chain's time of inclusion (24000 ms): a take that is \
                included a step late costs the sale 5 % of the price";
    assert_eq!(warning.to_string(), told);
    genesis.chains[0].auction.step = Millis::seconds(24);
    assert_eq!(engine_genesis::late_inclusions(&genesis), []);

    genesis.chains[0].auction.step = Millis::new(999);
    let refused = Engine::new(&genesis).expect_err("a step below a second");
    let value: Ratio = "0.999".parse().expect("a decimal");
    let reject = Reject::ListingValue { value, low: Ratio::ONE, high: Ratio::whole(180) };
    assert_eq!(refused.to_string(), format!("chains[0].auction: {reject}"));
}
