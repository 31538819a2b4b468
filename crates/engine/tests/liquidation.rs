//! Liquidation: positions, collateral in lots, what proceeds pay (R2, R5, R7, R14, R15).

mod support;

use ballast_engine::BlockPart;
use ballast_types::{
    Address, ChainId, Change, Command, Event, Genesis, Layer, LedgerAccount, LotId, MarketId, Scope, Side,
    TradeAmount, VaultLimits,
};
use ballast_units::{Amount, Millis, Price, Ratio, Size, Usd};
use support::genesis::{bare, guarded};
use support::{House, amount, price, reject_of, whole};

fn usd(text: &str) -> Usd {
    text.parse().expect("a decimal")
}

/// Somebody lends on Ethereum and Polygon; ETH has stood at 3,400 for a while.
fn lending() -> House {
    lending_of(guarded())
}

/// The same with another genesis.
fn lending_of(mut genesis: Genesis) -> House {
    exact_coins(&mut genesis);
    let mut house = House::of(genesis);
    for chain in ["ethereum", "polygon"] {
        house.deposit("bob", chain, "USDC", whole(100_000));
        house.lend("bob", chain, whole(100_000)).expect("there is cash");
    }
    house.price("ETH", price("3400"));
    house.advance_in(Millis::minutes(20), 40);
    house
}

/// Coins without a least unit: what a take pays is to the wei what the comments reckon.
fn exact_coins(genesis: &mut Genesis) {
    let tokens = genesis.chains.iter_mut().flat_map(|chain| &mut chain.tokens);
    for token in tokens.filter(|token| token.asset == "USDC") {
        token.params.unit = Amount::from_wei(1);
    }
}

/// A take of a lot at its floor, which comes to so many dollars, final at once.
fn taken(house: &mut House, lot: LotId, quantity: Amount, paid: Amount) -> Vec<Event> {
    assert_eq!(house.spoke("ethereum").take_at_floor(lot, quantity, Address([7; 32])), paid);
    house.apply(Vec::new()).events
}

// Collateral (R15)

/// Alice owes 25,000 on 10 ETH, and ETH falls to 2,700: H = 27,000 / 1.1 - 25,000 = -454.55. A dollar sold gains
/// 0.97 x 0.98 - 1 / 1.1 = 0.0415 of health; 2 % of the debt is the target: 954.55 / 0.0415 = 22,996.06 are sold. At
/// the floor of 95 % they bring 21,846.25, of which 428.36 are the fee, as 2 % of what is repaid: health is 57.84 then,
/// and she is free.
#[test]
fn a_lot_is_what_brings_health_to_its_target() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(25_000)).expect("34,000 / 1.21 = 28,099");
    let float = house.balance(LedgerAccount::Float);
    let out = house.price("ETH", price("2700"));
    let locked = out.events.iter().find_map(|event| match event {
        Event::AccountLocked { health, .. } => Some(*health),
        _ => None,
    });
    assert_eq!(locked, Some(-usd("454.545454545454545455")));
    let (lot, offer) = house.offers()[0];
    let quantity = amount("8.517058451355429036");
    assert_eq!(offer.auction.quantity, quantity);
    assert_eq!((offer.auction.start, offer.auction.floor), (price("2970"), price("2565")));
    // Debt, 0.1 % for interest until it is final, fee.
    assert_eq!(offer.auction.need, whole(25_525));

    let paid = amount("21846.25492772667547734");
    let events = taken(&mut house, lot, quantity, paid);
    let closed = events.iter().find_map(|event| match event {
        Event::TaskClosed { principal, interest, settlement, fee, returned, shortfall, .. } => {
            Some((*principal, *interest, *settlement, *fee, *returned, *shortfall))
        }
        _ => None,
    });
    let fee = amount("428.357939759346577986");
    let nothing = Amount::ZERO;
    assert_eq!(closed, Some((paid - fee, nothing, nothing, fee, nothing, nothing)));
    let alice = house.view("alice");
    assert_eq!(alice.loans[0].principal, amount("3582.103012032671100646"));
    assert_eq!((alice.health, alice.locked), (usd("57.844425549457629172"), None));
    assert_eq!(alice.collateral[0].amount, whole(10) - quantity);
    // Half of the fee each.
    assert_eq!(house.balance(LedgerAccount::Float) - float, amount("214.178969879673288993"));
    assert_eq!(house.balance(LedgerAccount::Treasury), amount("214.178969879673288993"));
}

/// Story: on 19 May 2021 who was sold for a health of 2 % was sold again within the hour, and then whole.
///
/// ETH stood at 3,060 for 20 minutes and falls to 2,970: 2.94 % below its average. Health is 29,700 / 1.2 - 25,000 = -250, and a
/// dollar sold gains 0.9506 - 1 / 1.2 = 0.11727 of it: 2 % of the debt are 750 / 0.11727 / 2,970 = 2.153 ETH, 2.94 % are 2.829,
/// twice that 4.940, 3 % at most 2.871; half of it is less than 2 %, which stand.
#[test]
fn a_lot_in_a_fall_aims_higher() {
    let lot = |fall: Ratio, most: Ratio| {
        let mut genesis = guarded();
        genesis.liquidation.target_fall = fall;
        genesis.liquidation.target_most = most;
        genesis.chains[0].tokens[1].params.threshold = Ratio::percent(120);
        genesis.chains[0].tokens[1].params.threshold_initial = Ratio::percent(132);
        let mut house = lending_of(genesis);
        house.deposit("alice", "ethereum", "ETH", whole(10));
        house.borrow("alice", "ethereum", whole(25_000)).expect("34,000 / 1.32 = 25,757");
        house.price("ETH", price("3060"));
        house.advance_in(Millis::minutes(20), 40);
        house.price("ETH", price("2970"));
        house.offers()[0].1.auction.quantity.to_string()[..5].to_owned()
    };
    let most = Ratio::percent(10);
    let found = [Ratio::ZERO, Ratio::percent(50), Ratio::ONE, Ratio::whole(2)].map(|fall| lot(fall, most));
    assert_eq!(found, ["2.153", "2.153", "2.829", "4.940"]);
    assert_eq!(lot(Ratio::whole(2), Ratio::percent(3)), "2.871");
}

/// Governance's terms hold from then on: of the lot at 2,700 for 2 % above, 3 % of the debt make 29,019 of 27,000: all of it.
#[test]
fn changed_terms_size_the_next_lot() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(25_000)).expect("34,000 / 1.21 = 28,099");
    let mut params = house.state().house.liquidation;
    params.health_target = Ratio::percent(3);
    let out =
        house.run(Command::Govern(Change::Liquidation { params: Box::new(params) })).expect("in bounds");
    assert!(out.events.contains(&Event::LiquidationTermsChanged {}));
    house.price("ETH", price("2700"));
    assert_eq!(house.offers()[0].1.auction.quantity, whole(10));
}

/// Story: proceeds repay debt once they are final, a quarter of an hour later on Ethereum; only then did a task look at what was still
/// missing. On 19 May 2021 19 of 20 failed liquidations had sold a first lot in time and the rest when it was too late.
///
/// At 2,700 a lot of 8.517 ETH is sold. At 2,650 it is expected to bring 0.9506 of 22,570, and 1.483 ETH count for 3,572:
/// 3,572 + 21,455 - 25,000 = 27 is enough. At 2,640 it is 3,559 + 21,374 - 25,000 = -67: the rest goes too, whole.
#[test]
fn more_is_sold_while_the_first_lot_is_out() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(25_000)).expect("34,000 / 1.21 = 28,099");
    house.price("ETH", price("2700"));
    let first = amount("8.517058451355429036");
    let quantities = |house: &House| -> Vec<Amount> {
        house.offers().iter().map(|(_, offer)| offer.auction.quantity).collect()
    };
    assert_eq!(quantities(&house), [first]);
    house.price("ETH", price("2650"));
    assert_eq!(quantities(&house), [first]);
    house.price("ETH", price("2640"));
    assert_eq!(quantities(&house), [first, whole(10) - first]);
    assert_eq!(house.view("alice").collateral, []);
}

/// A liquidation leaves no loan below its chain's least: it closes it whole. The lot of 8.517 ETH would leave 3,582.
#[test]
fn no_loan_below_its_chains_least_is_left() {
    let mut genesis = guarded();
    genesis.chains[0].debt_min = whole(4_000);
    let mut house = lending_of(genesis);
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(25_000)).expect("34,000 / 1.21 = 28,099");
    house.price("ETH", price("2700"));
    // 25,000 / 0.9506 at 2,700: 9.74 ETH, and less than the dust of 100 dollars stays? 0.26 ETH are 702: they stay.
    let quantity = house.offers()[0].1.auction.quantity;
    assert!(amount("9.740") < quantity && quantity < amount("9.741"), "{quantity}");
}

/// Below -5 % of the debt everything of the chain is sold: at 2,600, 23,636 - 25,000 = -1,364 < -1,250.
#[test]
fn everything_is_sold_of_an_account_that_is_deep_below() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(25_000)).expect("34,000 / 1.21 = 28,099");
    house.price("ETH", price("2600"));
    assert_eq!(house.offers()[0].1.auction.quantity, whole(10));
}

/// A chain that gains more a dollar sold goes first: Polygon's threshold of 120 % gains 0.117, Ethereum's of 110 % 0.042.
#[test]
fn the_chain_that_gains_most_is_sold_first() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.deposit("alice", "polygon", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(40_000)).expect("28,099 + 25,757");
    // 10 x 2,500 x (1 / 1.1 + 1 / 1.2) = 43,560; at 2,280: -271.
    house.price("ETH", price("2280"));
    let lots: Vec<ChainId> = house
        .history
        .iter()
        .filter_map(|event| match event {
            Event::LotQueued { token, .. } => Some(token.chain),
            _ => None,
        })
        .collect();
    assert_eq!(lots, [house.chain("polygon")], "800 + 271 of 0.117 a dollar are less than 22,800");
}

/// What somebody brings while a lot is for sale counts: at the target the rest is taken off sale, and comes back.
#[test]
fn a_deposit_that_restores_health_cancels_what_is_unsold() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(25_000)).expect("34,000 / 1.21 = 28,099");
    house.price("ETH", price("2700"));
    // What is in a lot is not in health: 1.483 x 2,700 / 1.1 - 25,000 = -21,360; 21,860 more are the target of 500.
    house.deposit("alice", "ethereum", "USDC", whole(21_850));
    assert!(house.view("alice").locked.is_some());
    house.deposit("alice", "ethereum", "USDC", whole(15));
    house.apply(Vec::new());
    assert_eq!(house.offers().len(), 0);
    let alice = house.view("alice");
    assert_eq!(alice.locked, None);
    assert_eq!(alice.collateral[0].amount, whole(10));
}

// Order in a block (R7)

/// The index falls, mallory keeps mark beside it, and in the block in which alice fails she asks for a short that would
/// use up most of the room. It passes while alice is solvent; in this block the slice comes first, as large as
/// without mallory, and her trade is refused.
#[test]
fn a_trade_of_the_same_block_cannot_use_up_the_room() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "USDC", whole(235_000));
    house.deposit("mallory", "ethereum", "USDC", whole(5_000_000));
    for _ in 0..2 {
        house.long("alice", "ETH", whole(900_000)).expect("1.8 %");
        house.short("mallory", "ETH", whole(900_000)).expect("back again");
    }
    let closed = |events: &[Event]| -> Vec<Size> {
        let sizes = events.iter().filter_map(|event| match event {
            Event::PositionLiquidated(fill) => Some(fill.size),
            _ => None,
        });
        sizes.collect()
    };
    house.advance(Millis::minutes(2));
    let mut index = 2_000;
    let alone = loop {
        index -= 5;
        let mut trial = house.clone();
        let out = trial.price("ETH", Price::whole(index));
        if out.events.iter().any(|event| matches!(event, Event::AccountLocked { .. })) {
            break closed(&out.events);
        }
        house.advance(Millis::minutes(2));
        house.price("ETH", Price::whole(index));
        house.short("mallory", "ETH", whole(125_000)).expect("0.25 %");
    };
    assert_eq!(alone.len(), 1, "the room of the block");

    let (account, market) = (house.account("mallory"), house.market("ETH"));
    let amount = TradeAmount::Quote(whole(600_000));
    let short =
        Command::Trade { account, market, side: Side::Short, amount, limit: None, reduce_only: false };
    let mut solvent = house.clone();
    solvent.deposit("alice", "ethereum", "USDC", whole(100_000));
    for (house, passes) in [(&mut solvent, true), (&mut house, false)] {
        house.quote("ETH", Price::whole(index));
        let out = house.apply(vec![short.clone()]);
        let refused = reject_of(&out, BlockPart::Command, 0).map(|reject| reject.code());
        assert_eq!(refused, (!passes).then_some("E2008"));
        assert_eq!(closed(&out.events), if passes { Vec::new() } else { alone.clone() });
    }
}

// What proceeds pay (R5)

/// Proceeds of Ethereum pay the loan of Ethereum first, then the one of Polygon.
#[test]
fn proceeds_pay_the_loan_of_their_own_chain_first() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(5_000)).expect("28,099 in all");
    house.borrow("alice", "polygon", whole(20_000)).expect("28,099 in all");
    house.price("ETH", price("2600"));
    let (lot, _) = house.offers()[0];
    let (ethereum, polygon) = (house.chain("ethereum"), house.chain("polygon"));
    // At the floor: 3 x 95 % of 2,600.
    taken(&mut house, lot, whole(3), whole(7_410));
    let loans = |house: &mut House| -> Vec<(ChainId, Amount)> {
        house.view("alice").loans.iter().map(|loan| (loan.chain, loan.principal)).collect()
    };
    // 2 % of 7,410 would be the fee, were health not below zero all the same.
    assert_eq!(loans(&mut house), [(polygon, whole(17_590))]);
    assert_eq!(house.balance(LedgerAccount::Lending(ethereum)), whole(100_000));
    assert_eq!(house.balance(LedgerAccount::Lending(polygon)), whole(82_410));
}

/// Settlement debt older than 24 hours sells collateral for exactly that, without fee; what a take brings beyond it is the
/// owner's.
#[test]
fn old_settlement_debt_sells_collateral_without_fee() {
    let mut genesis = bare();
    exact_coins(&mut genesis);
    let mut house = House::of(genesis);
    house.deposit("alice", "ethereum", "USDC", whole(50));
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.deposit("bob", "ethereum", "USDC", whole(100));
    house.long("alice", "ETH", whole(1_000)).expect("no guards");
    house.short("bob", "ETH", whole(1_000)).expect("no guards");
    house.close("alice", "ETH").expect("closing passes");
    house.close("bob", "ETH").expect("closing passes");
    assert_eq!(house.view("alice").claims[0].debt, amount("116.666666666666666682"));
    house.advance(Millis::hours(23));
    assert_eq!(house.view("alice").locked, None);
    house.advance(Millis::hours(1));
    assert!(house.view("alice").locked.is_some());
    let owed = house.view("alice").claims[0].debt;
    let (lot, offer) = house.offers()[0];
    // 116.87 and 0.1 % more, at 97 % of 100: 1.206 ETH. The rest stays hers.
    let wanted =
        (owed + owed.bps_up(ballast_units::Bps::new(10))).share_up(whole(100), whole(97)).expect("small");
    assert_eq!(offer.auction.quantity, wanted.at_price_up(price("100")).expect("small"));
    let need = offer.auction.need;
    assert_eq!(need, owed + owed.bps_up(ballast_units::Bps::new(10)));
    let events = house.take(lot, offer.auction.quantity).expect("it runs, at 110 %").events;
    let closed = events.iter().find_map(|event| match event {
        Event::TaskClosed { settlement, fee, returned, shortfall, .. } => {
            Some((*settlement, *fee, *returned, *shortfall))
        }
        _ => None,
    });
    // At 110 % less of it is enough: sold is what the debt needs, up to a wei of ETH, which costs 110 wei.
    let returned = house.view("alice").cash;
    assert_eq!(closed, Some((owed, Amount::ZERO, returned, Amount::ZERO)));
    assert!(need - owed <= returned && returned < need - owed + Amount::from_wei(110), "{returned}");
    assert_eq!(house.view("bob").cash, amount("266.666666666666666581"));
}

// Positions (R7)

/// Alice is long for 150,000 at 9x, Bob short as much. She has 17,000.
fn levered(tweak: impl FnOnce(&mut ballast_types::Genesis)) -> House {
    let mut genesis = guarded();
    tweak(&mut genesis);
    let mut house = House::of(genesis);
    house.deposit("alice", "ethereum", "USDC", whole(17_000));
    house.deposit("bob", "ethereum", "USDC", whole(200_000));
    house.long("alice", "ETH", whole(150_000)).expect("17,000 - 150 - 225 cover 10 %");
    house.short("bob", "ETH", whole(150_000)).expect("there is cash");
    house
}

fn liquidated(events: &[Event]) -> Vec<ballast_types::Fill> {
    let fill = |event: &Event| match event {
        Event::PositionLiquidated(fill) => Some(*fill),
        _ => None,
    };
    events.iter().filter_map(fill).collect()
}

/// At 1,880, 6 % down, she has 17,000 - 150 - 9,112 = 7,738 against 6.4 % of 140,888 = 9,015. A slice on the curve, where
/// mark still stands at 2,000, brings initial health to zero; she keeps the rest, and no keeper is needed (R22).
#[test]
fn a_slice_on_the_curve_heals_an_account() {
    let mut house = levered(|_| {});
    let (float, tranche) =
        (house.balance(LedgerAccount::Float), LedgerAccount::Tranche(Scope::Market(MarketId(0))));
    let before = house.balance(tranche);
    let out = house.price("ETH", price("1880"));
    let slices = liquidated(&out.events);
    assert_eq!(slices.len(), 1);
    let slice = slices[0];
    assert!(slice.position.is_long() && !slice.position.is_zero(), "{slice:?}");
    assert!(out.events.iter().any(|event| matches!(event, Event::TaskClosed { .. })));
    let alice = house.view("alice");
    assert_eq!(alice.locked, None);
    assert!(!alice.health.is_negative());
    // 1.25 % of what the slice brought, half and half.
    let fee = slice.quote.magnitude().bps_up(ballast_units::Bps::new(125));
    assert_eq!(slice.fee, fee);
    let half = fee.bps_down(ballast_units::Bps::new(5_000));
    assert_eq!(house.balance(LedgerAccount::Float) - float, half);
    assert_eq!(house.balance(tranche) - before, fee - half);
    assert!(house.state().lots.iter().next().is_none());
}

/// At 1,790 her equity, 17,000 - 150 - 15,951 = 899, is below a third of maintenance: the backstop takes over at once, at
/// the worse of risk price and mark, and she pays it the size term as far as her cash goes: 74.888 / 50,074.888 of 134,049
/// is 200.
#[test]
fn the_backstop_takes_over_what_is_too_thin_for_slices() {
    let mut house = levered(|_| {});
    let size = house.view("alice").positions[0].size;
    let out = house.price("ETH", price("1790"));
    let taken = out.events.iter().find_map(|event| match event {
        Event::PositionTakenOver { size, price, paid, .. } => Some((*size, *price, *paid)),
        _ => None,
    });
    let risk = house.market_view("ETH").risk_price.expect("priced");
    assert!(risk < house.market_view("ETH").mark);
    let (of, at, paid) = taken.expect("it is taken over");
    assert_eq!((of, at), (size, risk));
    assert!(whole(200) < paid && paid < whole(201), "{paid}");
    assert_eq!(house.view("alice").positions, []);
    assert_eq!(house.view("alice").locked, None);
}

/// Where mark stands below the risk price, the backstop pays mark: it could not sell for more. Bob has brought mark
/// down as far as the move limit lets it go within a minute, so that nothing can be sold on the curve until Alice's three
/// blocks are over.
#[test]
fn the_backstop_pays_no_more_than_mark() {
    let mut house = levered(|_| {});
    house.deposit("bob", "ethereum", "USDC", whole(5_000_000));
    house.price("ETH", price("1905"));
    let push = |house: &mut House| {
        let edge = price("1905").mul_ratio_up("0.975001".parse().expect("a decimal")).expect("in range");
        let market = house.state().markets.get(house.market("ETH"));
        let (_, highest) = market.window.extremes().expect("there is a mark");
        let limit = highest.mul_ratio_up("0.980001".parse().expect("a decimal")).expect("in range");
        let size = market.curve.base_to(edge.max(limit)).expect("in range").magnitude();
        house.trade("bob", "ETH", Side::Short, TradeAmount::Base(size)).expect("within the guards");
    };
    for _ in 0..3 {
        house.advance(Millis::seconds(61));
        push(&mut house);
    }
    assert_eq!(house.view("alice").locked, None);
    house.price("ETH", price("1896"));
    assert!(house.view("alice").locked.is_some());
    let taken = (0..3).find_map(|_| {
        let out = house.advance(Millis::seconds(2));
        out.events.iter().find_map(|event| match event {
            Event::PositionTakenOver { price, .. } => Some((*price, house.market_view("ETH"))),
            _ => None,
        })
    });
    let (paid, market) = taken.expect("after three blocks");
    assert!(market.mark < market.risk_price.expect("priced"));
    // The backstop sells what the guards let through in the same block, at and below what it paid.
    assert!(market.mark <= paid && paid < market.risk_price.expect("priced"), "{paid} {market:?}");
}

/// What the backstop's cap refuses is deleveraged in the same block, at the risk price, against open profits pro rata:
/// Bob is short three times what Cid is, from the same prices.
#[test]
fn what_the_backstop_refuses_is_deleveraged() {
    let mut house = levered(|genesis| genesis.markets[0].params.backstop_cap = Amount::ZERO);
    house.deposit("cid", "ethereum", "USDC", whole(200_000));
    house.deposit("dora", "ethereum", "USDC", whole(200_000));
    house.long("dora", "ETH", whole(50_000)).expect("there is cash");
    house.short("cid", "ETH", whole(50_000)).expect("there is cash");
    let size = house.view("alice").positions[0].size;
    let net = house.market_view("ETH").net_size;
    let out = house.price("ETH", price("1780"));
    let mut given = Vec::new();
    let mut deleveraged = None;
    for event in &out.events {
        match event {
            Event::CounterpartyReduced { account, size, price, .. } => given.push((*account, *size, *price)),
            Event::PositionDeleveraged { size, price, counterparties, .. } => {
                deleveraged = Some((*size, *price, *counterparties));
            }
            _ => {}
        }
    }
    let risk = house.market_view("ETH").risk_price.expect("priced");
    assert_eq!(deleveraged, Some((size, risk, 2)));
    let (bob, cid) = (house.account("bob"), house.account("cid"));
    assert_eq!((given[0].0, given[1].0), (bob, cid));
    assert_eq!(given[0].1.magnitude() + given[1].1.magnitude(), size.magnitude());
    // Three to one, but for the curve's own small differences in price.
    let ratio = given[0].1.magnitude().ratio_to_down(given[1].1.magnitude()).expect("in range");
    let three = ballast_units::Ratio::whole(3);
    assert!((ratio - three).abs() < ballast_units::Ratio::percent(3), "{ratio}");
    // Off the curve: neither reserves nor the net position moved.
    assert_eq!(house.market_view("ETH").net_size, net);
}

// Stored lots (R2)

/// Twenty minutes in which nobody bids: all three rounds end, and the lot is stored.
fn nobody_bids(house: &mut House) {
    house.advance_in(Millis::minutes(20), 120);
}

/// A lot that nobody wanted was stored, its loan written down to what 70 % of index would bring, and 4,600 booked as a
/// loss. When bidders came back, the auction ended as soon as it had brought what was left of the loan; the unsold
/// rest went back to the owner, and tranche and lenders kept their loss. On 180 M of collateral that gave the owner
/// 10 M that lenders had lost (`cream_one_big_position`).
#[test]
fn a_stored_lot_repays_the_layers_before_its_owner() {
    let mut house = House::new();
    let chain = house.chain("ethereum");
    let tranche = LedgerAccount::Tranche(Scope::Chain(chain));
    house.deposit("bob", "ethereum", "USDC", whole(101_000));
    house.contribute("bob", Layer::Tranche(Scope::Chain(chain)), whole(1_000)).expect("bob has cash");
    house.lend("bob", "ethereum", whole(100_000)).expect("bob has cash");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(16_500)).expect("10 x 2,000 / 1.21 = 16,528.93");
    // 17,000 / 1.1 - 16,500 = -1,045.45, below 5 % of debt: everything is sold.
    house.price("ETH", price("1700"));
    nobody_bids(&mut house);
    // Expected at 70 %: 11,900. Lost: 4,600, of which the tranche holds 1,000, the float nothing.
    assert_eq!(house.balance(tranche), whole(0));
    assert_eq!(house.waterfall().deficits[0].left, whole(3_600));

    house.advance(Millis::hours(1));
    // Two steps below 110 %: 1,687.675 a unit. In takes of 0.5 the auction ends with the 20th, which is cut: 16,511.90 and
    // interest are 9.784 units; with 11,911.90 it would end with the 15th.
    house.advance(Millis::seconds(20));
    while let Some((lot, _)) = house.offers().first().copied() {
        house.take(lot, amount("0.5"));
    }

    // And its part of the interest's fee.
    assert!(whole(1_000) <= house.balance(tranche) && house.balance(tranche) < whole(1_001));
    assert_eq!(house.waterfall().deficits, []);
    let alice = house.view("alice");
    assert_eq!(alice.locked, None);
    assert_eq!(alice.loans, []);
    // Of 16,511.90 for 9.784 units 11.90 were for interest, and what that did not need is hers, as the rest of the lot is.
    let back = alice.collateral[0].amount;
    assert!(amount("0.21") < back && back < amount("0.22"), "{back}");
    assert!(whole(11) < alice.cash && alice.cash < whole(12), "{}", alice.cash);
    // His receipt was paid in cash.
    let bob = house.view("bob");
    assert!(whole(100_000) <= bob.lent[0].worth + bob.cash, "{bob:?}");
}

// Limits of the vault

/// A vault lets 4 ETH a day be put under auction without waiting. A lot of 10 is offered in parts that pass: 4 at once; what
/// waits is offered as the sum leaks and as parts are not sold. No order is given that the vault refuses.
#[test]
fn no_more_is_offered_than_the_vault_lets_pass() {
    let mut house = lending();
    let token = house.token("ETH", "ethereum");
    let limits = VaultLimits {
        outflow: whole(100),
        window: Millis::days(1),
        delay_above: whole(4),
        delay: Millis::minutes(30),
    };
    house.run(Command::Govern(Change::SetLimits { token, limits })).expect("none is open");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(25_000)).expect("34,000 / 1.21 = 28,099");
    house.apply(Vec::new());
    // Minus 5 % of the debt and more: all of it is sold.
    house.price("ETH", price("2500"));
    let offered = |house: &House| house.offers().iter().map(|(_, offer)| offer.left).collect::<Vec<_>>();
    assert_eq!(offered(&house), [whole(4)]);
    assert_eq!(house.state().lots.len(), 2);
    house.take_all();
    house.apply(Vec::new());
    assert_eq!(offered(&house), [], "nothing passes yet");
    // A day lets as much pass again.
    house.advance_in(Millis::days(1), 24);
    house.take_all();
    house.apply(Vec::new());
    let sold = house.history.iter().filter_map(|event| match event {
        Event::LotTaken { quantity, .. } => Some(*quantity),
        _ => None,
    });
    assert_eq!(sold.sum::<Amount>(), whole(8));
    let expired = house.history.iter().filter(|event| matches!(event, Event::OrderExpired { .. })).count();
    assert_eq!(expired, 0, "no order was refused");
}

/// Nobody buys, round after round: what an auction left is given back as the vault does it, so that none is refused.
#[test]
fn what_is_unsold_is_counted_as_the_vault_counts_it() {
    let mut house = lending();
    let token = house.token("ETH", "ethereum");
    let limits = VaultLimits {
        outflow: whole(100),
        window: Millis::hours(1),
        delay_above: whole(4),
        delay: Millis::minutes(30),
    };
    house.run(Command::Govern(Change::SetLimits { token, limits })).expect("none is open");
    for (name, ether) in [("alice", 2), ("bob", 2), ("cid", 3)] {
        house.deposit(name, "ethereum", "ETH", whole(ether));
        house.borrow(name, "ethereum", whole(2_500 * ether)).expect("3,400 / 1.21 = 2,809 an ETH");
    }
    house.apply(Vec::new());
    house.price("ETH", price("2500"));
    for _ in 0..72 {
        house.advance(Millis::minutes(5));
    }
    let count = |is: fn(&Event) -> bool| house.history.iter().filter(|event| is(event)).count();
    assert!(6 < count(|event| matches!(event, Event::LotOffered { .. })), "round after round");
    assert_eq!(count(|event| matches!(event, Event::OrderExpired { .. })), 0, "no order was refused");
}
