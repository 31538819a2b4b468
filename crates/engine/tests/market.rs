//! Trades: the curve's arithmetic, fees, guards, the risk price (R3, R6, R7, R19). Rejects: `rejects_commands.rs`.

mod support;

use ballast_types::{Event, Layer, LedgerAccount, MarketId, Scope, Side, TradeAmount};
use ballast_units::{Millis, Size, Usd};
use support::genesis::{bare, guarded};
use support::{House, amount, price, whole};

/// The guarded house, and somebody with 10 M in cash.
fn with_alice() -> House {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "USDC", whole(10_000_000));
    house
}

// The curve

/// Perpetual Protocol v1's own figures, at reserves of 100 base and 1,000 quote (`Amm.sol`'s tests).
#[test]
fn the_curve_has_the_figures_of_perpetual_protocol_v1() {
    let mut genesis = bare();
    genesis.markets[0].quote_reserve = whole(1_000);
    let house = House::of(genesis);
    let size = |quote: u64, side: Side| {
        let mut house = house.clone();
        house.deposit("alice", "ethereum", "USDC", whole(1_000));
        house.trade("alice", "ETH", side, TradeAmount::Quote(whole(quote))).expect("no guards");
        house.view("alice").positions[0].size
    };
    // 100 - 100 x 1,000 / 1,050 = 4.7619..., the wei in the pool's favour.
    assert_eq!(size(50, Side::Long), "4.761904761904761904".parse().expect("a decimal"));
    // 60 at 10x: 100 - 100,000 / 1,600 = 37.5, exactly.
    assert_eq!(size(600, Side::Long), "37.5".parse().expect("a decimal"));
    // 100,000 / 950 - 100 = 5.2631578947368421052..., and a wei more sold for the same.
    assert_eq!(size(50, Side::Short), -"5.263157894736842106".parse::<Size>().expect("a decimal"));
}

/// Bob is long for 1,000 and sells for 1,500: 999.99999999999999999 close, the rest opens a short.
/// Bought for 600, sold for 100 and for 500: rounding leaves 5e-18 dollars and a wei of base, which is no position.
#[test]
fn a_reversal_whose_rest_is_rounding_is_a_close() {
    let mut genesis = bare();
    (genesis.markets[0].base_reserve, genesis.markets[0].quote_reserve) = (whole(100), whole(1_000));
    let mut house = House::of(genesis);
    house.deposit("alice", "ethereum", "USDC", whole(5_000));
    house.long("alice", "ETH", whole(600)).expect("no guards");
    for dollars in [100, 500] {
        house.trade("alice", "ETH", Side::Short, TradeAmount::Quote(whole(dollars))).expect("no guards");
    }
    assert_eq!(house.view("alice").positions, []);
}

#[test]
fn a_reversal_closes_and_then_opens() {
    let mut house = House::bare();
    house.deposit("bob", "ethereum", "USDC", whole(1_000));
    house.long("bob", "ETH", whole(1_000)).expect("no guards");
    let out = house.short("bob", "ETH", whole(1_500)).expect("no guards");
    let fills: Vec<_> = out
        .events
        .iter()
        .filter_map(|event| match event {
            Event::PositionClosed(fill) => Some(("closed", fill.realised, fill.quote)),
            Event::PositionOpened(fill) => Some(("opened", fill.realised, fill.quote)),
            _ => None,
        })
        .collect();
    let usd = |text: &str| -text.parse::<Usd>().expect("a decimal");
    let lost = usd("0.00000000000000001");
    assert_eq!(
        fills,
        [("closed", lost, usd("999.99999999999999999")), ("opened", Usd::ZERO, usd("500.00000000000000001"))]
    );
    let held = &house.view("bob").positions[0];
    // 500 out of 100 / 10,000: 1,000,000 / 9,500 - 100.
    assert_eq!(held.size, -"5.263157894736842106".parse::<Size>().expect("a decimal"));
    assert_eq!(held.cost, usd("500.00000000000000001"));
    assert_eq!(house.market_view("ETH").mark, price("90.249999999999999999"));
}

/// R19: of a fee of 10, 30 % reserve, 20 % budget, 20 % tranche, 30 % treasury; what a cap refuses goes to the float.
#[test]
fn a_trading_fee_is_split_in_its_block() {
    let mut genesis = guarded();
    genesis.markets[0].params.tranche_cap = whole(3);
    let mut house = House::of(genesis);
    house.deposit("alice", "ethereum", "USDC", whole(100_000));
    let scope = Scope::Market(MarketId(0));
    house.long("alice", "ETH", whole(10_000)).expect("in every bound");
    let budget = LedgerAccount::Budget(MarketId(0));
    assert_eq!(house.balance(LedgerAccount::Float), whole(3));
    assert_eq!(house.balance(budget), whole(2));
    assert_eq!(house.balance(LedgerAccount::Tranche(scope)), whole(2));
    assert_eq!(house.balance(LedgerAccount::Treasury), whole(3));
    // The tranche has room for 1 more: the other goes to the float.
    house.long("alice", "ETH", whole(10_000)).expect("in every bound");
    assert_eq!(house.balance(LedgerAccount::Float), whole(7));
    assert_eq!(house.balance(budget), whole(4));
    assert_eq!(house.balance(LedgerAccount::Tranche(scope)), whole(3));
    assert_eq!(house.balance(LedgerAccount::Treasury), whole(6));
    assert_eq!(house.balance(LedgerAccount::Fees(scope)), whole(0));
}

/// R19: a cap binds whatever fills the account. Gifts of 10 to a tranche with a cap of 3, a budget with one of 4 and a
/// chain's tranche with one of 5: 7, 6 and 5 are the float's in the same block.
#[test]
fn what_a_gift_brings_above_a_cap_is_the_floats() {
    let mut genesis = guarded();
    genesis.markets[0].params.tranche_cap = whole(3);
    genesis.markets[0].params.budget_cap = whole(4);
    genesis.chains[0].tranche_cap = whole(5);
    let mut house = House::of(genesis);
    house.deposit("alice", "ethereum", "USDC", whole(100));
    let market = Scope::Market(MarketId(0));
    let chain = Scope::Chain(house.chain("ethereum"));
    let gifts = [
        (Layer::Tranche(market), LedgerAccount::Tranche(market), 3, 7),
        (Layer::Budget(MarketId(0)), LedgerAccount::Budget(MarketId(0)), 4, 13),
        (Layer::Tranche(chain), LedgerAccount::Tranche(chain), 5, 18),
    ];
    for (layer, account, cap, float) in gifts {
        house.contribute("alice", layer, whole(10)).expect("there is cash");
        assert_eq!(house.balance(account), whole(cap));
        assert_eq!(house.balance(LedgerAccount::Float), whole(float));
    }
}

// Guards and prices

/// R7: against every mark of the last 60 s. A limit against a snapshot of each window would let two moves of 1.9 %
/// follow each other around its end.
#[test]
fn the_move_limit_counts_every_mark_of_a_rolling_window() {
    let mut house = with_alice();
    // 100.95² / 5 = 2,038.18; then 100.95 more would be 2,077.
    house.advance(Millis::seconds(59));
    house.long("alice", "ETH", whole(950_000)).expect("1.9 % above 2,000");
    house.advance(Millis::seconds(2));
    let refused = house.long("alice", "ETH", whole(100_000)).expect_err("2.1 % above the mark of 60 s ago");
    assert_eq!(refused.code(), "E2008");
    house.short("alice", "ETH", whole(1_000_000)).expect("99.95² / 5 = 1,998.0005, within 2 % of 2,038.18");
    let refused =
        house.short("alice", "ETH", whole(100_000)).expect_err("99.85² / 5 = 1,994.0045, 2.2 % below");
    assert_eq!(refused.code(), "E2008");
    // From now on 1,998.0005 is the lowest: 2,037.96 is the most, though the index allows 2,050.
    house.advance(Millis::seconds(90));
    let refused = house.long("alice", "ETH", whole(1_000_000)).expect_err("2,038.18 again");
    assert_eq!(refused.code(), "E2008");
    house.long("alice", "ETH", whole(990_000)).expect("100.94² / 5 = 2,037.78");
}

/// R6: towards the index a trade always passes the band, up to the index; beyond it, the band holds again.
#[test]
fn the_band_lets_a_trade_towards_the_index_pass() {
    let mut house = with_alice();
    // The index leaves mark 9 % behind.
    house.price("ETH", price("2200"));
    let refused = house.short("alice", "ETH", whole(100)).expect_err("away from the index");
    assert_eq!(refused.code(), "E2007");
    house.long("alice", "ETH", whole(900_000)).expect("towards the index, though 7 % below it");
}

/// Index 100, mark held at 110, blocks of 2 s. After 450 s the TWAP of mark is about 105 and the slow price
/// 100.2937: the median is that. Counted by e += (2.5 % - e) · 2 / 3,602, rounded down at each of 225 and 450 steps.
#[test]
fn the_risk_price_follows_a_pushed_mark_slowly() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "USDC", whole(10_000));
    // 10,000 x √1.1 = 10,488.088...: mark a little above 110.
    house.long("alice", "ETH", amount("488.1")).expect("no guards");
    let risk = |house: &House| house.market_view("ETH").risk_price.expect("priced");
    assert_eq!(risk(&house), price("100"));
    house.advance_in(Millis::seconds(450), 225);
    assert_eq!(risk(&house), price("100.2936811649362475"));
    house.advance_in(Millis::seconds(450), 225);
    assert_eq!(risk(&house), price("100.5528628792171684"));
    // Never beyond 2.5 %.
    house.advance_in(Millis::days(2), 1_000);
    assert!(risk(&house) <= price("102.5"));
}
