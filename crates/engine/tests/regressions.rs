//! Bugs that random walks found, each with its story, as short as it could be told.

mod support;

use ballast_engine::account::Position;
use ballast_types::{Address, Change, Command, Event, LedgerAccount, LotId, MarketId, VaultEvent};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Size, Usd};
use support::{House, genesis, price, whole};

const MARKET: MarketId = MarketId(0);

/// Bob's claim was paid, but lay in `Payable` until somebody touched him; his cash was zero. The check of a trade's
/// fee counts such claims as cash. A trade that realised nothing did not bring them in, and the fee was debited from
/// zero: I02, a halt.
#[test]
fn a_fee_is_paid_from_a_claim_that_nobody_has_collected() {
    let mut genesis = genesis::bare();
    for market in &mut genesis.markets {
        market.params.fee_trade = Bps::new(10);
    }
    let mut house = House::of(genesis);
    house.advance(Millis::minutes(15));
    house.deposit("alice", "ethereum", "USDC", whole(500));
    house.deposit("bob", "ethereum", "USDC", whole(100));
    house.long("bob", "ETH", whole(100)).expect("margins are off");
    house.long("alice", "ETH", whole(1_000)).expect("margins are off");
    house.close("bob", "ETH").expect("a close reduces");
    let cash = house.view("bob").cash;
    house.withdraw("bob", "ethereum", "USDC", cash).expect("bob is flat");
    house.close("alice", "ETH").expect("a close reduces");
    let paid = house.view("bob").cash;
    assert!(whole(10) < paid, "alice's loss paid bob's claim: {paid}");
    house.long("bob", "ETH", whole(10)).expect("a cent of fee of a claim of dollars");
    // 10 bps of 10 dollars.
    assert_eq!(house.view("bob").cash, paid - support::amount("0.01"));
}

/// Less depth under a net long costs the curve nothing: what it gains is a claim of the budget. That claim was never
/// brought up to date while the pool was empty, so that each new gain made its matured cohort young again, under the
/// new cohort's number; a later suspension took more off that cohort than it held: a halt. When old cohorts came to be
/// forgotten, the claim named one of those.
#[test]
fn a_budgets_claim_matures_though_nothing_is_paid() {
    let mut genesis = genesis::bare();
    for market in &mut genesis.markets {
        market.params.claim_age = true;
    }
    let mut house = House::of(genesis);
    house.advance(Millis::minutes(15));
    house.deposit("alice", "ethereum", "USDC", whole(100));
    house.long("alice", "ETH", whole(100)).expect("margins are off");
    // No premium, no funding: nothing comes into the pool.
    house.price("ETH", house.market_view("ETH").mark);
    for _ in 0..12 {
        let less = Change::Depth { market: MARKET, factor: Ratio::bps(9_950) };
        house.run(Command::Govern(less)).expect("0.995² is above 0.978");
        house.price("ETH", house.market_view("ETH").mark);
        house.advance(Millis::hours(1));
        let claims = &house.state().markets.get(MARKET).claims;
        let [budget, _, _] = &claims.house;
        let standing = claims.standing(budget);
        assert_eq!(standing.mature, claims.mature(), "the budget is the only holder");
        assert_eq!(standing.unpaid(), claims.unpaid(), "the budget is the only holder");
    }
    assert!(!house.state().markets.get(MARKET).claims.mature().is_zero(), "twelve rounds old");
}

/// The clamp of funding was a share of the period's average index. An index of 50,000 for most of an hour, then 2,000:
/// the average let a short be charged 25 times what its evaluation had reckoned with, and the risk index skipped it
/// while its health was far below zero (I10).
#[test]
fn funding_is_clamped_to_the_index_of_now() {
    let mut house = House::tweaked(|genesis| {
        genesis.listing_check = false;
        for market in &mut genesis.markets {
            market.params.band = None;
            market.params.move_limit = None;
        }
    });
    house.price("ETH", price("50000"));
    house.advance_in(Millis::minutes(50), 50);
    house.price("ETH", price("2000"));
    house.deposit("alice", "ethereum", "USDC", whole(10_000));
    house.short("alice", "ETH", whole(10_000)).expect("10,000 on 10,000");
    house.advance_in(Millis::minutes(20), 20);
    let rates = house.history.iter().filter_map(|event| match *event {
        Event::FundingSettled { market: MARKET, rate, .. } => Some(rate),
        _ => None,
    });
    // 10 bps of 2,000; of the average it would be 40 and more.
    assert_eq!(rates.map(Usd::magnitude).max(), Some(whole(2)));
}

/// Realised volatility is the sum of a period's moves, as shares of the price: from one wei to 2,000 dollars is a
/// share of 2 · 10^21, which twice overflowed: a halt in the block of a price.
#[test]
fn a_price_may_jump_from_one_wei_and_back_as_often_as_it_likes() {
    let mut house = House::new();
    for _ in 0..4 {
        house.price("ETH", Price::from_wei(1).expect("above zero"));
        house.price("ETH", Price::LIMIT);
        house.price("ETH", price("2000"));
    }
    assert_eq!(house.market_view("ETH").index, Some(price("2000")));
}

/// A take of nothing was taken; its lot was then emptied and removed, and when the take became final the node looked
/// for the lot: a halt. What is paid for nothing is the lot's while there is one, else surplus; what pays more than is counted
/// books nothing.
#[test]
fn a_take_of_nothing_or_beyond_range_is_no_halt() {
    let mut house = House::new();
    let coin = house.token("USDC", "ethereum");
    let odd =
        [(Amount::ZERO, whole(1)), (Amount::MAX, whole(1)), (whole(1), Amount::MAX), (whole(1), whole(1))];
    for (quantity, paid) in odd {
        let rebate = Amount::ZERO;
        let taken = VaultEvent::Taken { lot: LotId(1), taker: Address([7; 32]), quantity, paid, rebate };
        house.spoke("ethereum").claim(taken);
        assert_eq!(house.apply(Vec::new()).rejects, []);
    }
    house.apply(Vec::new());
    assert_eq!(house.balance(LedgerAccount::Surplus(coin)), whole(2));
}

/// An index beyond the range of the curve: PnL of 2^110 units at 2^90 is 2^140 wei. It was an overflow of i128: in
/// health a halt, in a round a value of zero, so that a long in such a profit was charged its whole cost.
#[test]
fn profit_and_loss_saturate_and_keep_their_sign() {
    let of = |size| Position { size, cost: Usd::whole(1), ..Position::default() };
    let (long, short) = (of(Amount::LIMIT.size_long()), of(-Amount::LIMIT.size_long()));
    let most = Amount::LIMIT.dollars();
    assert_eq!((long.pnl(Price::LIMIT), short.pnl(Price::LIMIT)), (most, -most));
    assert_eq!((long.notional(Price::LIMIT), short.notional(Price::LIMIT)), (Amount::LIMIT, Amount::LIMIT));
    // In range nothing is held: 3 units at 2, cost 1.
    let small = Position { size: Size::whole(3), cost: Usd::whole(1), ..Position::default() };
    assert_eq!((small.pnl(price("2")), small.notional(price("2"))), (Usd::whole(5), whole(6)));
}
