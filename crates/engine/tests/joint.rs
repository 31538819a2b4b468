//! Joint auctions: lots of a thin chain are bridged, merged, sold once, shared by value at entry.

mod support;

use ballast_engine::liquidation::LotStage;
use ballast_types::{
    CostReport, DepthReport, Event, Layer, LedgerAccount, LotId, Money, OrderAction, Scope, SourceId, Token,
};
use ballast_units::{Amount, Millis};
use support::{House, amount, price, whole};

/// Two borrowers on polygon, 10 ETH and 5 ETH, who owe 15,000 and 7,500: healthy down to 1,800.
fn borrowing() -> House {
    let mut house = House::new();
    house.deposit("lender", "polygon", "USDC", whole(100_000));
    house.lend("lender", "polygon", whole(50_000)).expect("half of its cash");
    for (name, ether, dollars) in [("alice", 10, 15_000), ("bob", 5, 7_500)] {
        house.deposit(name, "polygon", "ETH", whole(ether));
        house.borrow(name, "polygon", whole(dollars)).expect("2,000 / 1.32 = 1,515 a unit");
    }
    house.apply(Vec::new());
    house
}

fn bridged(house: &mut House) {
    house.price("ETH", price("1650"));
    // Left and arrived.
    house.apply(Vec::new());
}

fn gathering(house: &House) -> LotId {
    let lots = house.state().lots.iter();
    let mut found = lots.filter(|(_, lot)| matches!(lot.stage, LotStage::Gathering(_))).map(|(id, _)| id);
    found.next_back().expect("something has arrived")
}

fn total(house: &House, token: Token) -> Amount {
    house.state().house.money.token_total(token)
}

/// At 1,650 all of both is sold: 16,500 and 8,250 at index. They leave polygon's books, arrive, wait a minute, and are
/// sold as one lot of 15 ETH for 1,815 each, until both needs are met: she owes 15,000, 0.1 % for interest and a fee of 300, he
/// half of that. 22,972.50 are 12.657025 ETH, and the rest goes back.
#[test]
fn lots_of_a_thin_chain_are_sold_as_one() {
    let mut house = borrowing();
    let (there, here) = (house.token("ETH", "polygon"), house.token("ETH", "ethereum"));
    assert_eq!((total(&house, there), total(&house, here)), (whole(15), Amount::ZERO));
    let out = house.price("ETH", price("1650"));
    let bridges = out.orders.iter().filter(|order| matches!(order.action, OrderAction::Bridge { .. }));
    assert_eq!(bridges.count(), 2);
    assert_eq!(total(&house, there), whole(15), "not final: still there");
    house.apply(Vec::new());
    assert_eq!((total(&house, there), total(&house, here)), (Amount::ZERO, whole(15)));
    assert_eq!(house.state().transits.len(), 0);
    let lot = gathering(&house);
    assert_eq!(house.state().lots.find(lot).expect("found").parts.len(), 2);
    assert_eq!(house.offers().len(), 0, "others may join for a minute");
    house.advance(Millis::seconds(60));
    let offers = house.offers();
    assert_eq!(offers.len(), 1);
    assert_eq!((offers[0].1.left, offers[0].1.auction.start), (whole(15), price("1815")));
    // Story of the sum: three takes, of which none divides evenly by value.
    let mut paid = Amount::ZERO;
    for part in [amount("1.111111111111111111"), amount("3.333333333333333333"), whole(15)] {
        let out = house.take(lot, part).expect("for sale");
        paid += out
            .events
            .iter()
            .map(|event| match event {
                Event::LotTaken { paid, .. } => *paid,
                _ => Amount::ZERO,
            })
            .sum();
    }
    let closed: Vec<_> = house
        .history
        .iter()
        .filter_map(|event| match event {
            Event::TaskClosed { principal, interest, fee, returned, shortfall, .. } => {
                Some((*principal + *interest, *fee, *returned, *shortfall))
            }
            _ => None,
        })
        .collect();
    assert_eq!(closed.len(), 2);
    let sum: Amount = closed.iter().map(|(debt, fee, returned, _)| *debt + *fee + *returned).sum();
    assert_eq!(sum, paid, "the parts add up to the proceeds, to the wei");
    for name in ["alice", "bob"] {
        assert_eq!(house.view(name).locked, None);
        assert!(house.view(name).loans.is_empty());
    }
    // 15,315 less 15,300, and half of that; a minute's interest is below a hundredth.
    let cash = house.view("alice").cash;
    assert!(amount("14.9") < cash && cash <= amount("15.01"), "{cash}");
    let cash = house.view("bob").cash;
    assert!(amount("7.4") < cash && cash <= amount("7.51"), "{cash}");
    // Of 2.342975 ETH that are left two thirds are alice's.
    let back = house.view("alice").collateral[0].amount;
    assert!(amount("1.5619") < back && back < amount("1.562"), "{back}");
}

/// Polygon's market takes 100,000 within 2 % of index, and half of that may be under auction there: both lots are sold where
/// they lie. With a depth of 40,000 the second, of 8,250 beside 16,500, is sent.
#[test]
fn what_a_thin_chains_own_market_takes_is_not_sent() {
    for (depth, sent) in [(100_000, 0), (40_000, 1), (10_000, 2)] {
        let mut house = borrowing();
        let token = house.token("ETH", "polygon");
        house.quote("ETH", price("1650"));
        let mut block = house.next_block(Vec::new());
        let (time, depth) = (block.time, whole(depth));
        block.depths.extend((0..3).map(|source| DepthReport {
            token,
            source: SourceId(source),
            depth,
            time,
        }));
        let out = house.apply_block(block);
        let bridges = out.orders.iter().filter(|order| matches!(order.action, OrderAction::Bridge { .. }));
        assert_eq!(bridges.count(), sent, "{depth}");
    }
}

/// A bridge shares 6 digits between chains. Of 10.0000019 ETH it takes 10.000001; the rest is alice's, at home.
#[test]
fn a_bridge_takes_what_is_whole_in_six_digits() {
    let mut house = House::new();
    house.deposit("lender", "polygon", "USDC", whole(100_000));
    house.lend("lender", "polygon", whole(50_000)).expect("half of its cash");
    house.deposit("alice", "polygon", "ETH", amount("10.000001900000000001"));
    house.borrow("alice", "polygon", whole(15_000)).expect("2,000 / 1.32 = 1,515 a unit");
    house.apply(Vec::new());
    let out = house.price("ETH", price("1650"));
    let sent: Vec<_> = out
        .orders
        .iter()
        .filter_map(|order| match order.action {
            OrderAction::Bridge { amount, .. } => Some(amount),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [amount("10.000001")]);
    house.apply(Vec::new());
    let (there, here) = (house.token("ETH", "polygon"), house.token("ETH", "ethereum"));
    let rest = amount("0.000000900000000001");
    assert_eq!((total(&house, there), total(&house, here)), (rest, amount("10.000001")));
    let alice = house.view("alice");
    assert_eq!(
        alice.collateral.iter().map(|held| (held.token, held.amount)).collect::<Vec<_>>(),
        [(there, rest)]
    );
}

/// What is worth enough does not wait.
#[test]
fn a_large_joint_lot_is_sold_at_once() {
    let mut house = House::tweaked(|genesis| genesis.liquidation.joint_value = whole(20_000));
    house.deposit("lender", "polygon", "USDC", whole(100_000));
    house.lend("lender", "polygon", whole(50_000)).expect("half of its cash");
    house.deposit("alice", "polygon", "ETH", whole(20));
    house.borrow("alice", "polygon", whole(30_000)).expect("within its initial threshold");
    bridged(&mut house);
    assert_eq!(house.offers().len(), 1);
}

/// What no liquid chain lists is sold where it lies.
#[test]
fn what_no_liquid_chain_lists_is_sold_at_home() {
    let mut house = House::new();
    house.deposit("lender", "polygon", "USDC", whole(100_000));
    house.lend("lender", "polygon", whole(50_000)).expect("half of its cash");
    house.deposit("alice", "polygon", "SOL", whole(100));
    house.borrow("alice", "polygon", whole(7_500)).expect("10,000 / 1.32 = 7,575");
    house.price("SOL", price("82"));
    assert_eq!(house.offers().len(), 1);
    assert_eq!(house.state().transits.len(), 0);
}

/// An owner who repays while his collateral is on its way has it on the liquid chain.
#[test]
fn an_owner_who_repays_on_the_way_gets_his_part_there() {
    let mut house = borrowing();
    house.spoke("ethereum").holds_finality = true;
    bridged(&mut house);
    house.deposit("alice", "polygon", "USDC", whole(20_000));
    house.repay("alice", "polygon", None).expect("there is cash");
    assert!(house.view("alice").locked.is_some(), "it has not arrived, finally");
    house.finalise("ethereum");
    house.apply(Vec::new());
    let alice = house.view("alice");
    assert_eq!(alice.locked, None);
    let here = house.token("ETH", "ethereum");
    assert_eq!(
        alice.collateral.iter().map(|held| (held.token, held.amount)).collect::<Vec<_>>(),
        [(here, whole(10))]
    );
    assert_eq!(house.state().lots.find(gathering(&house)).expect("bob's").parts.len(), 1);
}

/// An owner who repays while others' collateral is for sale with his: the auction ends, he gets his share of what is
/// unsold, the others go on.
#[test]
fn an_owner_who_repays_leaves_a_running_joint_auction() {
    let mut house = borrowing();
    bridged(&mut house);
    let lot = gathering(&house);
    house.advance(Millis::seconds(60));
    house.apply(Vec::new());
    house.take(lot, whole(3)).expect("for sale");
    house.deposit("bob", "polygon", "USDC", whole(10_000));
    house.repay("bob", "polygon", None).expect("there is cash");
    house.apply(Vec::new());
    house.apply(Vec::new());
    let bob = house.view("bob");
    assert_eq!(bob.locked, None);
    // A third of 12.
    assert_eq!(bob.collateral[0].amount, whole(4));
    let offers = house.offers();
    assert_eq!(offers[0].1.left, whole(8));
    let record = house.state().lots.find(lot).expect("alice's").clone();
    assert_eq!((record.parts.len(), record.round), (1, 1), "the same round again");
    house.take(lot, whole(8)).expect("for sale");
    assert_eq!(house.view("alice").locked, None);
}

/// Nobody buys: three rounds, then the reserve takes what its float pays for and the rest is warehoused; the parts are
/// paid by value.
#[test]
fn a_joint_lot_that_nobody_wants_goes_to_the_reserve() {
    let mut house = borrowing();
    house.deposit("founder", "ethereum", "USDC", whole(10_000));
    house.contribute("founder", Layer::Float, whole(6_000)).expect("there is cash");
    let polygon = house.chain("polygon");
    house.contribute("founder", Layer::Tranche(Scope::Chain(polygon)), whole(2_000)).expect("there is cash");
    bridged(&mut house);
    let lot = gathering(&house);
    house.advance(Millis::seconds(60));
    for _ in 0..45 {
        house.advance(Millis::seconds(10));
    }
    let bought = house.history.iter().find_map(|event| match event {
        Event::LotBoughtByReserve { quantity, paid, .. } => Some((*quantity, *paid)),
        _ => None,
    });
    let (quantity, paid) = bought.expect("three rounds have passed");
    let here = house.token("ETH", "ethereum");
    assert_eq!(house.balance(LedgerAccount::Warehouse(here)), quantity);
    assert!(paid <= whole(6_000));
    let record = house.state().lots.find(lot).expect("warehoused").clone();
    assert!(matches!(record.stage, LotStage::Warehoused(_)));
    assert_eq!(record.held, whole(15) - quantity);
    // An hour later somebody wants it.
    house.advance(Millis::hours(1));
    house.take_all();
    for name in ["alice", "bob"] {
        assert_eq!(house.view(name).locked, None);
    }
}

/// The order to send gets lost until it is dead: the collateral has not moved, and is sold at home.
#[test]
fn what_a_bridge_does_not_take_is_sold_at_home() {
    let mut house = borrowing();
    house.spoke("polygon").loses_orders = true;
    house.price("ETH", price("1650"));
    let there = house.token("ETH", "polygon");
    assert_eq!(house.state().transits.len(), 2);
    house.spoke("polygon").loses_orders = false;
    house.advance(Millis::hours(1));
    assert_eq!(house.state().transits.len(), 0);
    assert_eq!(total(&house, there), whole(15));
    house.apply(Vec::new());
    assert_eq!(house.offers().len(), 2, "each by itself");
    let at_home = |(lot, _): (LotId, _)| house.state().lots.find(lot).is_some_and(|lot| lot.token == there);
    assert!(house.offers().into_iter().all(at_home));
    // An owner who repays meanwhile has back what is not sold.
    house.deposit("alice", "polygon", "USDC", whole(20_000));
    house.repay("alice", "polygon", None).expect("there is cash");
    house.advance(Millis::hours(1));
    assert_eq!(house.view("alice").locked, None);
    assert_eq!(house.view("alice").collateral[0].token, there);
}

/// The thin chain drops what the liquid one has seen arrive, and tells it again.
#[test]
fn a_reorg_at_either_end_leaves_no_trace() {
    let mut straight = borrowing();
    let mut forked = straight.clone();
    bridged(&mut straight);
    for chain in ["polygon", "ethereum"] {
        forked.spoke(chain).holds_finality = true;
    }
    let firsts = ["polygon", "ethereum"].map(|chain| (chain, forked.spoke(chain).next()));
    bridged(&mut forked);
    for (chain, first) in firsts {
        forked.drop_from(chain, first);
    }
    forked.apply(Vec::new());
    let books = |house: &House| ballast_engine::view::ledger(house.state());
    assert_eq!(books(&forked), books(&straight));
    assert!(books(&forked).iter().any(|(account, money, amount)| {
        matches!((account, money), (LedgerAccount::Lot(_), Money::Token(_))) && *amount == whole(15)
    }));
}

/// Gas 5 on either chain, 20 to bridge: 25 for the bridge, and two thirds and a third of 5 for the start. What alice
/// paid for the bridge, 20, she has back.
#[test]
fn bridging_is_charged_and_repaid() {
    let mut house = borrowing();
    let mut block = house.next_block(Vec::new());
    let time = block.time;
    for chain in house.state().chains.ids() {
        for source in (0..3).map(SourceId) {
            block.costs.push(CostReport { chain, source, gas: whole(6), bridge: whole(20), time });
        }
    }
    house.apply_block(block);
    bridged(&mut house);
    let lot = gathering(&house);
    house.advance(Millis::seconds(60));
    house.apply(Vec::new());
    house.take(lot, whole(15)).expect("for sale");
    let costs: Vec<_> = house
        .history
        .iter()
        .filter_map(|event| match event {
            Event::CostsPaid { amount, refunded, by_reserve, .. } => Some((*amount, *refunded, *by_reserve)),
            _ => None,
        })
        .collect();
    // 6 + 20 + 4, and 6 + 20 + 2.
    assert_eq!(costs, [(whole(30), whole(20), false), (whole(28), whole(20), false)]);
}
