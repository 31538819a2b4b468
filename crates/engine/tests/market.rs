//! Trades: the curve's arithmetic, guards, margins (R3, R6, R7, R8, R20), and every reject of a trade.

mod support;

use ballast_types::{
    AccountId, Action, Command, Event, LedgerAccount, MarketId, OracleState, Reject, Scope, Side, TradeAmount,
};
use ballast_units::{Amount, Millis, Ratio, Size, Usd};
use support::genesis::{bare, guarded};
use support::{House, amount, price, whole};

/// A trade as a command.
fn trade(account: AccountId, side: Side, amount: TradeAmount) -> Command {
    Command::Trade { account, market: MarketId(0), side, amount, limit: None, reduce_only: false }
}

fn long(account: AccountId, quote: Amount) -> Command {
    trade(account, Side::Long, TradeAmount::Quote(quote))
}

fn short(account: AccountId, quote: Amount) -> Command {
    trade(account, Side::Short, TradeAmount::Quote(quote))
}

/// The guarded house, and somebody with 100,000 in cash.
fn with_alice() -> (House, AccountId) {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "USDC", whole(100_000));
    let alice = house.account("alice");
    (house, alice)
}

/// Alice owes 1,600 on 1 ETH, and ETH fell to 1,700: 1,545 at her threshold. She is locked.
fn with_alice_locked() -> (House, AccountId) {
    let (mut house, alice) = with_alice();
    house.deposit("lender", "ethereum", "USDC", whole(10_000));
    house.lend("lender", "ethereum", whole(10_000)).expect("there is cash");
    house.withdraw("alice", "ethereum", "USDC", whole(100_000)).expect("nothing is owed");
    house.deposit("alice", "ethereum", "ETH", whole(1));
    house.borrow("alice", "ethereum", whole(1_600)).expect("2,000 / 1.21 = 1,652");
    house.price("ETH", price("1700"));
    assert!(house.view("alice").locked.is_some());
    (house, alice)
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

// Guards and prices

/// R7: against every mark of the last 60 s. A limit against a snapshot of each window would let two moves of 1.9 %
/// follow each other around its end.
#[test]
fn the_move_limit_counts_every_mark_of_a_rolling_window() {
    let (mut house, _) = with_alice();
    house.deposit("alice", "ethereum", "USDC", whole(10_000_000));
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
    let (mut house, alice) = with_alice();
    house.deposit("alice", "ethereum", "USDC", whole(10_000_000));
    // The index leaves mark 9 % behind.
    house.price("ETH", price("2200"));
    let reject = house.refused(short(alice, whole(100)));
    assert_eq!(reject.code(), "E2007", "away from the index: {reject}");
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

// Rejects of a trade, in the order of the enum

#[test]
fn trade_rejects_overflow() {
    // 10^15 units of quote and 0.4 · 10^15 more leave 2^110 wei = 1.298 · 10^15 units.
    let mut genesis = bare();
    genesis.markets[0].base_reserve = whole(1_000_000_000_000);
    genesis.markets[0].quote_reserve = whole(1_000_000_000_000_000);
    genesis.markets[0].params.open_interest_cap = Amount::LIMIT;
    let mut house = House::of(genesis);
    let alice = house.account("alice");
    assert_eq!(house.refused(long(alice, whole(400_000_000_000_000))), Reject::Overflow {});
}

#[test]
fn trade_rejects_a_zero_amount() {
    let (mut house, alice) = with_alice();
    assert_eq!(house.refused(long(alice, Amount::ZERO)), Reject::AmountZero {});
    let nothing = TradeAmount::Base(Amount::ZERO);
    assert_eq!(house.refused(trade(alice, Side::Short, nothing)), Reject::AmountZero {});
}

#[test]
fn trade_rejects_an_amount_out_of_range() {
    let (mut house, alice) = with_alice();
    let amount = Amount::LIMIT + Amount::from_wei(1);
    let reject = Reject::AmountOutOfRange { amount, limit: Amount::LIMIT };
    assert_eq!(house.refused(long(alice, amount)), reject);
}

#[test]
fn trade_rejects_an_unknown_account() {
    let mut house = House::new();
    let account = AccountId(77);
    assert_eq!(house.refused(long(account, whole(1))), Reject::UnknownAccount { account });
}

#[test]
fn trade_rejects_an_unknown_market() {
    let (mut house, account) = with_alice();
    let market = MarketId(9);
    let amount = TradeAmount::Quote(whole(1));
    let command =
        Command::Trade { account, market, side: Side::Long, amount, limit: None, reduce_only: false };
    assert_eq!(house.refused(command), Reject::UnknownMarket { market });
}

#[test]
fn trade_rejects_opening_in_safe_mode() {
    let (mut house, alice) = with_alice();
    house.long("alice", "ETH", whole(10_000)).expect("in every bound");
    // Every source repeats its price at the block's time: only reports from after the restart end safe mode.
    house.run(Command::EnterSafeMode).expect("always");
    let since = house.now();
    assert_eq!(house.refused(long(alice, whole(1))), Reject::SafeMode { since });
    // Reducing is not refused.
    house.trade("alice", "ETH", Side::Short, TradeAmount::Quote(whole(1_000))).expect("it reduces");
}

#[test]
fn trade_rejects_a_price_that_is_not_ready() {
    let (mut house, alice) = with_alice();
    house.long("alice", "ETH", whole(10_000)).expect("in every bound");
    let asset = house.asset("ETH");
    let not_ready = |state, action| Reject::OracleNotReady { asset, state, action };
    house.silence("ETH");
    // 60 s old is young enough, 61 s is stale: it closes, and does not open.
    house.advance(Millis::seconds(60));
    house.long("alice", "ETH", whole(100)).expect("still fresh");
    house.advance(Millis::seconds(1));
    assert_eq!(house.refused(long(alice, whole(1))), not_ready(OracleState::Stale, Action::Open));
    house.short("alice", "ETH", whole(1_000)).expect("reducing is allowed while stale");
    // Reversing opens.
    assert_eq!(house.refused(short(alice, whole(20_000))), not_ready(OracleState::Stale, Action::Open));
    house.advance(Millis::hours(1));
    assert_eq!(house.refused(short(alice, whole(1_000))), not_ready(OracleState::Halted, Action::Reduce));
}

#[test]
fn trade_rejects_a_locked_account() {
    let (mut house, account) = with_alice_locked();
    assert_eq!(house.refused(long(account, whole(1))), Reject::AccountLocked { account });
}

#[test]
fn trade_rejects_an_increase_where_only_reducing_was_asked() {
    let (mut house, account) = with_alice();
    let market = MarketId(0);
    let ask = |side, quote| Command::Trade {
        account,
        market,
        side,
        amount: TradeAmount::Quote(quote),
        limit: None,
        reduce_only: true,
    };
    let reject = Reject::WouldIncrease { account, market };
    assert_eq!(house.refused(ask(Side::Long, whole(1))), reject, "it opens");
    house.long("alice", "ETH", whole(10_000)).expect("in every bound");
    assert_eq!(house.refused(ask(Side::Long, whole(1))), reject, "it enlarges");
    assert_eq!(house.refused(ask(Side::Short, whole(10_001))), reject, "it reverses");
    house.run(ask(Side::Short, whole(9_999))).expect("it reduces");
}

#[test]
fn trade_rejects_more_than_nine_tenths_of_a_reserve() {
    let (mut house, alice) = with_alice();
    let market = MarketId(0);
    // 45,000 of 50,000 base; one wei more is too much.
    let reject = Reject::TradeTooLarge { market, reserve: whole(50_000), limit: whole(45_000) };
    let base = TradeAmount::Base(whole(45_000) + Amount::from_wei(1));
    assert_eq!(house.refused(trade(alice, Side::Long, base)), reject);
    // 900,000,000 more quote leave 5,000 base, 900,000,001 less.
    assert_eq!(house.refused(long(alice, whole(900_000_001))), reject);
    let reject = Reject::TradeTooLarge { market, reserve: whole(100_000_000), limit: whole(90_000_000) };
    assert_eq!(house.refused(short(alice, whole(90_000_001))), reject);
    let base = TradeAmount::Base(whole(450_001));
    assert_eq!(house.refused(trade(alice, Side::Short, base)), reject);
}

#[test]
fn trade_rejects_what_rounds_to_nothing() {
    let (mut house, alice) = with_alice();
    let market = MarketId(0);
    // A wei of dollars is a 2,000th of a wei of ETH: the curve keeps it.
    assert_eq!(house.refused(long(alice, Amount::from_wei(1))), Reject::TradeTooSmall { market });
}

#[test]
fn trade_rejects_a_price_beyond_its_limit() {
    let (mut house, account) = with_alice();
    let limited = |side, limit| Command::Trade {
        account,
        market: MarketId(0),
        side,
        amount: TradeAmount::Quote(whole(10_000)),
        limit: Some(limit),
        reduce_only: false,
    };
    // 50,000 - 50,000 x 100,000,000 / 100,010,000 = 4.999500049995000499 ETH: at 2,000 each, less than 10,000.
    let limit = amount("9999.000099990000998");
    let reject = Reject::LimitExceeded { quote: whole(10_000), limit };
    assert_eq!(house.refused(limited(Side::Long, price("2000"))), reject);
    // 5.000500050005000501 ETH sold for 10,000 should bring more at 2,000 each.
    let limit = amount("10001.000100010001002");
    let reject = Reject::LimitExceeded { quote: whole(10_000), limit };
    assert_eq!(house.refused(limited(Side::Short, price("2000"))), reject);
    // 10,000 / 4.999500049995000499 = 2,000.200000000000000381, rounded up: a wei less is not enough.
    let limit = amount("9999.999999999999999999");
    let reject = Reject::LimitExceeded { quote: whole(10_000), limit };
    assert_eq!(house.refused(limited(Side::Long, price("2000.20000000000000038"))), reject);
    house.run(limited(Side::Long, price("2000.200000000000000381"))).expect("at its limit");
}

#[test]
fn trade_rejects_a_mark_outside_the_band() {
    let (mut house, alice) = with_alice();
    house.deposit("alice", "ethereum", "USDC", whole(900_000));
    house.long("alice", "ETH", whole(900_000)).expect("mark 2,036.16, within 2 %");
    house.advance(Millis::seconds(61));
    // 100,000,000 and 1,250,000 more: 101.25² / 5 = 2,050.3125, 2.515625 % above the index.
    let mark = price("2050.312499999999999999");
    let reject =
        Reject::MarkOutsideBand { market: MarketId(0), mark, index: price("2000"), band: Ratio::bps(250) };
    assert_eq!(house.refused(long(alice, whole(350_000))), reject);
    house.long("alice", "ETH", whole(340_000)).expect("101.24² / 5 = 2,049.9075, within 2.5 %");
}

#[test]
fn trade_rejects_a_move_of_mark_beyond_the_limit() {
    let (mut house, alice) = with_alice();
    house.deposit("alice", "ethereum", "USDC", whole(900_000));
    // 101² / 5 = 2,040.2, above 2,000 x 1.02.
    let market = MarketId(0);
    let reject = Reject::MarkMoveTooLarge {
        market,
        mark: price("2040.199999999999999999"),
        low: price("1960"),
        high: price("2040"),
    };
    assert_eq!(house.refused(long(alice, whole(1_000_000))), reject);
    house.long("alice", "ETH", whole(990_000)).expect("100.99² / 5 = 2,039.796");
}

#[test]
fn trade_rejects_open_interest_beyond_its_cap() {
    let mut genesis = guarded();
    genesis.markets[0].params.open_interest_cap = whole(900_000);
    let mut house = House::of(genesis);
    house.deposit("alice", "ethereum", "USDC", whole(1_000_000));
    let alice = house.account("alice");
    // 445.986124876114965312 ETH at the mark of 2,036.161999999999999999 that the trade leaves, rounded up.
    let have = amount("908099.999999999999999167");
    let reject = Reject::OpenInterestCap { market: MarketId(0), have, cap: whole(900_000) };
    assert_eq!(house.refused(long(alice, whole(900_000))), reject);
    house.long("alice", "ETH", whole(890_000)).expect("890,000 x 1.0089 = 897,921");
}

#[test]
fn trade_rejects_a_position_of_half_the_depth() {
    let mut genesis = bare();
    genesis.markets[0].params.margin_size_term = true;
    let mut house = House::of(genesis);
    house.deposit("alice", "ethereum", "USDC", whole(1_000_000));
    let alice = house.account("alice");
    let reject = Reject::PositionTooLarge { market: MarketId(0), size: whole(50), limit: whole(50) };
    assert_eq!(house.refused(trade(alice, Side::Short, TradeAmount::Base(whole(50)))), reject);
    let less = TradeAmount::Base(whole(50).saturating_sub(Amount::from_wei(1)));
    house.trade("alice", "ETH", Side::Short, less).expect("a wei less than half");
}

#[test]
fn trade_rejects_too_little_initial_health() {
    let (mut house, account) = with_alice();
    // 950,000 buy 470.53 ETH. Fee 950; at 2,000, the worst of risk price, mark and TWAP, they are worth 8,940 less than
    // they cost; initial margin is 10 % of 941,060: 100,000 - 950 - 8,940 - 94,106 = -3,996.
    let health = -"3996.062407132243686".parse::<Usd>().expect("a decimal");
    assert_eq!(house.refused(long(account, whole(950_000))), Reject::HealthTooLow { account, health });
    house.long("alice", "ETH", whole(900_000)).expect("100,000 - 900 - 8,028 - 89,197 = 1,875");
}

#[test]
fn trade_rejects_a_reduction_that_lowers_health() {
    let mut genesis = bare();
    genesis.markets[0].params.reduce_keeps_health = true;
    let mut house = House::of(genesis);
    house.deposit("alice", "ethereum", "USDC", whole(100));
    house.deposit("bob", "ethereum", "USDC", whole(10_000));
    house.long("alice", "ETH", whole(1_000)).expect("no margin to keep");
    house.short("bob", "ETH", whole(2_000)).expect("no margin to keep");
    // Mark stands at 81, the risk price at 100. Alice has 100 and 9.09 ETH for 1,000: 9.09 of health. One ETH brings
    // 80.28, and cost 110: she has 70.28 and 8.09 ETH for 890: -10.63.
    let account = house.account("alice");
    let before = "9.0909090909090909".parse::<Usd>().expect("a decimal");
    let after = -"10.631588431390215345".parse::<Usd>().expect("a decimal");
    let command = trade(account, Side::Short, TradeAmount::Base(whole(1)));
    assert_eq!(house.refused(command), Reject::ReduceLowersHealth { account, before, after });
}

#[test]
fn trade_rejects_a_fee_without_cash() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "ETH", whole(100));
    let account = house.account("alice");
    // 0.1 % of 1,000; collateral pays no fee.
    let reject = Reject::CashTooSmall { account, have: Amount::ZERO, need: whole(1) };
    assert_eq!(house.refused(long(account, whole(1_000))), reject);
}

// Rejects of closing

#[test]
fn close_rejects_an_unknown_account() {
    let mut house = House::new();
    let account = AccountId(77);
    let command = Command::ClosePosition { account, market: MarketId(0), limit: None };
    assert_eq!(house.refused(command), Reject::UnknownAccount { account });
}

#[test]
fn close_rejects_an_unknown_market() {
    let (mut house, account) = with_alice();
    let market = MarketId(9);
    let command = Command::ClosePosition { account, market, limit: None };
    assert_eq!(house.refused(command), Reject::UnknownMarket { market });
}

#[test]
fn close_rejects_an_account_without_position() {
    let (mut house, account) = with_alice();
    let market = MarketId(0);
    let command = Command::ClosePosition { account, market, limit: None };
    assert_eq!(house.refused(command), Reject::NoPosition { account, market });
}

#[test]
fn close_rejects_a_price_beyond_its_limit() {
    let (mut house, account) = with_alice();
    house.long("alice", "ETH", whole(10_000)).expect("in every bound");
    let command = Command::ClosePosition { account, market: MarketId(0), limit: Some(price("2001")) };
    // The 4.999500049995000499 ETH bring back what they cost but a wei; at 2,001 they would bring 10,003.999600040....
    let reject = house.refused(command);
    let Reject::LimitExceeded { quote, limit } = reject else { panic!("{reject}") };
    assert!(quote < whole(10_000) && whole(9_999) < quote);
    assert_eq!(limit, amount("10003.999600039995998499"));
}
