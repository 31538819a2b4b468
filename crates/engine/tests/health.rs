//! Health: who is liquidated, and what may leave (R14).

mod support;

use ballast_types::{Reject, Side, TradeAmount};
use ballast_units::{Millis, Price, Ratio, Usd};
use support::genesis::bare;
use support::{House, amount, price, whole};

fn usd(text: &str) -> Usd {
    text.parse().expect("a decimal")
}

/// A house in which somebody lends on every chain.
fn lending() -> House {
    let mut house = House::new();
    for chain in ["ethereum", "polygon"] {
        house.deposit("lender", chain, "USDC", whole(1_000_000));
        house.lend("lender", chain, whole(1_000_000)).expect("there is cash");
    }
    house
}

/// For an account with collateral and debt on one chain and nothing else, `health < 0` is exactly
/// `collateral · index < threshold · debt`: at the wei of price where both sides are equal it stands, a wei below it
/// falls. Prices: threshold · debt / collateral.
#[test]
fn an_account_falls_at_the_wei_where_its_ratio_does() {
    for (chain, collateral, debt, edge) in [
        // 1.1 x 10,000 / 10
        ("ethereum", "10", "10000", "1100"),
        // 1.1 x 12,345.678901 / 10
        ("ethereum", "10", "12345.678901", "1358.02467911"),
        // 1.2 x 1,000.000007 / 0.8
        ("polygon", "0.8", "1000.000007", "1500.0000105"),
        // 1.2 x 700.000001 / 0.512
        ("polygon", "0.512", "700.000001", "1640.62500234375"),
    ] {
        let mut house = lending();
        house.deposit("alice", chain, "ETH", amount(collateral));
        house.borrow("alice", chain, amount(debt)).expect("less than at the initial threshold");
        let edge = price(edge);
        house.price("ETH", edge);
        let alice = house.view("alice");
        assert_eq!((alice.health, alice.locked), (Usd::ZERO, None), "{chain}: at {edge}");
        // A wei of price is less than a wei of value here: the floor of the quotient takes it all the same.
        let below = Price::from_wei(edge.wei() - 1).expect("above zero");
        house.price("ETH", below);
        assert!(house.view("alice").locked.is_some(), "{chain}: at {below}");
    }
}

/// The same where the edge is no whole wei of price: 1.1 x 10,000 / 7 = 1,571.428571428571428571428...: at the wei below
/// the true edge it falls, at the wei above it stands.
#[test]
fn an_account_falls_below_an_edge_between_two_wei() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(7));
    house.borrow("alice", "ethereum", whole(10_000)).expect("14,000 / 1.21 = 11,570");
    house.price("ETH", price("1571.428571428571428572"));
    assert_eq!(house.view("alice").locked, None);
    house.price("ETH", price("1571.428571428571428571"));
    assert!(house.view("alice").locked.is_some());
}

/// Cash counts at one, collateral at its threshold, over all chains: 100 + 2 x 2,000 / 1.1 + 3 x 2,000 / 1.2 - 5,000.
#[test]
fn health_is_one_sum_over_all_chains() {
    let mut house = lending();
    house.deposit("alice", "solana", "USDC", whole(100));
    house.deposit("alice", "ethereum", "ETH", whole(2));
    house.deposit("alice", "polygon", "ETH", whole(3));
    house.borrow("alice", "ethereum", whole(5_000)).expect("100 + 3,306 + 4,545 are enough");
    let alice = house.view("alice");
    assert_eq!(alice.health, usd("3736.363636363636363636"));
    assert_eq!(alice.equity, usd("5100"));
}

/// Borrowing and withdrawing value collateral at the lower of index and its 15-minute average: a price that was pumped
/// a moment ago lends nothing.
#[test]
fn a_pumped_price_lends_nothing_until_it_has_held() {
    let mut house = lending();
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.price("ETH", price("4000"));
    let account = house.account("alice");
    let refused = house.borrow("alice", "ethereum", whole(20_000)).expect_err("20,000 / 1.21 = 16,528.93");
    assert_eq!(refused, Reject::HealthTooLow { account, health: -usd("3471.074380165289256199") });
    // 5 of 15 minutes at twice the price: an average of about 2,667, and 22,000 of credit.
    house.advance_in(Millis::minutes(5), 30);
    house.borrow("alice", "ethereum", whole(20_000)).expect("26,667 / 1.21 = 22,039");
    house.borrow("alice", "ethereum", whole(5_000)).expect_err("25,000 is more");
    house.advance_in(Millis::minutes(11), 66);
    house.borrow("alice", "ethereum", whole(13_000)).expect("40,000 / 1.21 = 33,058");
}

/// Open profit counts in full for maintenance, in half for opening, not at all for what leaves. Alice is long 20 for
/// 2,500 and everything stands at 156.25: 625 of profit.
#[test]
fn open_profit_counts_less_the_more_leaves() {
    let mut house = House::of(bare());
    house.deposit("lender", "ethereum", "USDC", whole(10_000));
    house.lend("lender", "ethereum", whole(10_000)).expect("there is cash");
    // Opening counts the position at the average of mark, still 100: 500 less than it costs.
    house.deposit("alice", "ethereum", "USDC", whole(600));
    house.trade("alice", "ETH", Side::Long, TradeAmount::Base(whole(20))).expect("no margin to keep");
    house.price("ETH", price("156.25"));
    house.advance_in(Millis::minutes(30), 60);
    house.withdraw("alice", "ethereum", "USDC", whole(500)).expect("it has risen to 156.25");
    // 100 + 625.
    assert_eq!(house.view("alice").health, usd("725"));
    // Margins are nothing here but the reciprocal of a leverage of a million: 3,125 / 1,000,000.
    let account = house.account("alice");
    let refused = house.borrow("alice", "ethereum", whole(100)).expect_err("only cash counts");
    assert_eq!(refused, Reject::HealthTooLow { account, health: -usd("0.003125") });
    house.borrow("alice", "ethereum", whole(99)).expect("cash backs it");
}

/// R8: margins grow by the cost of leaving the curve: on a base of 50,000, long 1,000 keeps 6.25 % + 1,000 / 51,000,
/// and short 1,000 6.25 % + 1,000 / 49,000, of notional at the risk price.
#[test]
fn maintenance_grows_with_the_position() {
    for (side, ratio) in [(Side::Long, "0.082107843137254902"), (Side::Short, "0.082908163265306123")] {
        let mut house = House::new();
        house.deposit("alice", "ethereum", "USDC", whole(1_000_000));
        for _ in 0..4 {
            // 250 at a time, 1 % of mark each; back to the middle by the other side.
            house.trade("alice", "ETH", side, TradeAmount::Base(whole(250))).expect("within the guards");
            let back = if side == Side::Long { Side::Short } else { Side::Long };
            house.deposit("bob", "ethereum", "USDC", whole(1_000_000));
            house.trade("bob", "ETH", back, TradeAmount::Base(whole(250))).expect("within the guards");
        }
        let alice = house.view("alice");
        let ratio: Ratio = ratio.parse().expect("a decimal");
        let margin = whole(2_000_000).mul_ratio_up(ratio).expect("in range");
        let loss = alice.positions[0].pnl.negative_part();
        let expected = alice.cash.dollars() + alice.positions[0].pnl.positive_part().dollars();
        assert_eq!(alice.health, expected - loss.dollars() - margin.dollars());
        assert_eq!(alice.positions[0].size.magnitude(), whole(1_000));
    }
}
