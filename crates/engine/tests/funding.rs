//! What time brings to a market: funding, variation margin, re-centring, depth (R12, R13, R20).

mod support;

use ballast_types::{
    Change, Command, DepthWeights, Event, Genesis, Layer, LedgerAccount, MarketId, Side, TradeAmount,
};
use ballast_units::{Amount, Millis, Ratio, Usd};
use support::genesis::bare;
use support::{House, amount, price, whole};

const ETH: MarketId = MarketId(0);
const BUDGET: LedgerAccount = LedgerAccount::Budget(ETH);

fn usd(text: &str) -> Usd {
    text.parse().expect("a decimal")
}

/// The bare house, funding clamped to this share of index or not at all.
fn clamped(clamp: Option<Ratio>) -> Genesis {
    let mut genesis = bare();
    genesis.markets[0].params.funding_clamp = clamp;
    genesis
}

fn base(units: u64) -> TradeAmount {
    TradeAmount::Base(whole(units))
}

// Funding (R12)

/// Mark 121 against an index of 100, held for an hour: 21 / 24 = 0.875 a unit. Alice, alone, pays it; it is the
/// budget's, and paid to it once hers is booked.
#[test]
fn alice_alone_pays_funding_to_the_budget() {
    let mut house = House::of(clamped(None));
    house.deposit("alice", "ethereum", "USDC", whole(100));
    house.long("alice", "ETH", whole(1_000)).expect("no guards");
    house.advance(Millis::hours(1));
    let market = house.market_view("ETH");
    // Mark is a wei below 121, and the rate is rounded towards zero.
    assert_eq!(market.funding_rate, usd("0.874999999999999999"));
    assert_eq!((market.funding_index, market.funding_index_short), (usd("0.874999999999999999"), Usd::ZERO));
    // 9.090909090909090909 x 0.875, rounded up; the surplus is rounded down.
    let owed = usd("7.954545454545454537");
    assert_eq!(house.view("alice").positions[0].funding, owed);
    house.close("alice", "ETH").expect("closing passes");
    // The swap back costs her 2 wei besides.
    assert_eq!(house.balance(BUDGET), amount("7.954545454545454536"));
    assert_eq!(house.view("alice").cash.dollars(), Usd::whole(100) - owed - Usd::from_wei(10));
}

/// Rate 0.1 (the clamp, of an index of 100). Longs 10, shorts 4: each short gets what each long pays, 6 x 0.1 are the
/// budget's.
#[test]
fn receivers_get_at_most_what_a_payer_pays_and_the_rest_is_surplus() {
    let mut house = House::of(clamped(Some(Ratio::bps(10))));
    house.deposit("lou", "ethereum", "USDC", whole(10_000));
    house.deposit("sue", "ethereum", "USDC", whole(10_000));
    house.trade("lou", "ETH", Side::Long, base(10)).expect("no guards");
    house.trade("sue", "ETH", Side::Short, base(4)).expect("no guards");
    let out = house.advance(Millis::hours(1));
    let settled = Event::FundingSettled {
        market: ETH,
        rate: usd("0.1"),
        index_long: usd("0.1"),
        index_short: -usd("0.1"),
        surplus: amount("0.6"),
    };
    assert!(out.events.contains(&settled), "{:?}", out.events);
    assert_eq!(house.view("lou").positions[0].funding, usd("1"));
    assert_eq!(house.view("sue").positions[0].funding, -usd("0.4"));
}

/// Four days without a price: nobody knows the index, and nobody may close. Then the price comes back, and the hour in which it
/// does costs what was left of it.
#[test]
fn nothing_is_charged_while_the_index_is_not_fresh() {
    let mut house = House::of(clamped(Some(Ratio::bps(10))));
    house.deposit("lou", "ethereum", "USDC", whole(10_000));
    house.trade("lou", "ETH", Side::Long, base(10)).expect("no guards");
    house.advance(Millis::minutes(30));
    house.silence("ETH");
    for _ in 0..96 {
        house.advance(Millis::hours(1));
    }
    house.advance(Millis::minutes(15));
    let market = house.market_view("ETH");
    assert_eq!((market.funding_index, market.funding_rate), (Usd::ZERO, Usd::ZERO));
    // At 45 minutes past the hour.
    house.price("ETH", price("100"));
    let out = house.advance(Millis::minutes(15));
    let rates = out.events.iter().filter_map(|event| match event {
        Event::FundingSettled { rate, .. } => Some(*rate),
        _ => None,
    });
    // Mark is 123.45: a quarter of an hour of that premium is 0.244, more than the clamp of a whole hour.
    assert_eq!(rates.collect::<Vec<_>>(), [usd("0.1")]);
    assert_eq!(house.view("lou").positions[0].funding, usd("1"));
}

/// After a pause only the time since then is measured and charged: a minute of a premium of 20.9 is 0.0145.
#[test]
fn a_period_with_a_pause_costs_what_its_rest_does() {
    let mut house = House::of(clamped(None));
    house.deposit("lou", "ethereum", "USDC", whole(100));
    house.long("lou", "ETH", whole(1_000)).expect("no guards");
    house.advance(Millis::minutes(10));
    house.silence("ETH");
    house.advance(Millis::minutes(49));
    // 121 against 100, for the last minute of the hour.
    house.price("ETH", price("100"));
    house.advance(Millis::minutes(1));
    let rate = house.market_view("ETH").funding_rate;
    assert_eq!(rate, usd("0.014583333333333333"), "21 / 24 / 60");
    // The next period is a whole one.
    house.advance(Millis::hours(1));
    assert_eq!(house.market_view("ETH").funding_rate, usd("0.874999999999999999"));
}

/// The other way: 4 pay 10, who share what came: 0.04 each. There is no surplus.
#[test]
fn many_receivers_share_what_few_payers_pay() {
    let mut house = House::of(clamped(Some(Ratio::bps(10))));
    house.deposit("lou", "ethereum", "USDC", whole(10_000));
    house.deposit("sue", "ethereum", "USDC", whole(10_000));
    house.trade("lou", "ETH", Side::Long, base(4)).expect("no guards");
    house.trade("sue", "ETH", Side::Short, base(10)).expect("no guards");
    // Mark 89; an index of 50 makes longs pay all the same: 0.05, shorts get 0.02.
    house.price("ETH", price("50"));
    let out = house.advance(Millis::hours(1));
    let settled = Event::FundingSettled {
        market: ETH,
        rate: usd("0.05"),
        index_long: usd("0.05"),
        index_short: -usd("0.02"),
        surplus: Amount::ZERO,
    };
    assert!(out.events.contains(&settled), "{:?}", out.events);
}

// Variation margin (R13)

/// Premiums count for nothing in the risk price: it is the index, 100. Alice is long 20 for 2,500, worth 2,000, has 10
/// ETH and 60 in cash.
fn with_an_open_loss(winner_closes: bool) -> House {
    let mut genesis = clamped(Some(Ratio::ZERO));
    genesis.markets[0].params.variation_margin = true;
    genesis.markets[0].params.premium_clamp = Ratio::ZERO;
    let mut house = House::of(genesis);
    house.deposit("alice", "ethereum", "USDC", whole(60));
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.deposit("bob", "ethereum", "USDC", whole(10_000));
    if winner_closes {
        // Bob buys 20, Alice 20 behind him, Bob sells his higher: 2,500 - 2,000 on the way, and Alice bears it.
        house.trade("bob", "ETH", Side::Long, base(5)).expect("no guards");
        house.trade("alice", "ETH", Side::Long, base(15)).expect("no guards");
        house.close("bob", "ETH").expect("closing passes");
    } else {
        house.trade("alice", "ETH", Side::Long, base(20)).expect("no guards");
        assert_eq!(house.view("alice").positions[0].cost, Usd::whole(2_500));
    }
    house
}

/// Without unpaid claims only what is in cash is taken: 60, and the cost falls by as much.
#[test]
fn a_round_collects_open_losses_from_cash() {
    let mut house = with_an_open_loss(false);
    let before = house.view("alice");
    let out = house.advance(Millis::hours(1));
    let collected = Event::VariationMarginCollected {
        market: ETH,
        price: price("100"),
        collected: whole(60),
        positions: 1,
    };
    assert!(out.events.contains(&collected), "{:?}", out.events);
    let after = house.view("alice");
    assert_eq!(after.positions[0].cost, Usd::whole(2_440));
    assert_eq!((after.cash, after.claims.len()), (Amount::ZERO, 0));
    assert_eq!(house.market_view("ETH").pool, whole(60));
    assert_eq!(
        (before.equity, before.health),
        (after.equity, after.health),
        "it takes what health has counted"
    );
}

/// While a claim is unpaid, a loser is charged in full: what cash lacks is settlement debt.
#[test]
fn a_round_charges_in_full_while_claims_are_unpaid() {
    let mut house = with_an_open_loss(true);
    let claim = house.view("bob").claims[0].claim;
    assert!(!claim.is_zero());
    let before = house.view("alice");
    house.advance(Millis::hours(1));
    let after = house.view("alice");
    // Worth 1,500 at the index: the cost is that now.
    assert_eq!(after.positions[0].cost, Usd::whole(1_500));
    let loss = before.positions[0].cost - Usd::whole(1_500);
    assert_eq!(after.cash, Amount::ZERO);
    assert_eq!(after.claims[0].debt.dollars(), loss - Usd::whole(60));
    assert_eq!((before.equity, before.health), (after.equity, after.health));
    // What is unpaid is rounded up.
    let unpaid = house.view("bob").claims[0].claim;
    assert!(claim - whole(60) <= unpaid && unpaid <= claim - whole(60) + Amount::from_wei(1), "{unpaid}");
}

/// A round fixes its price when it begins, and visits a bounded batch a block.
#[test]
fn a_round_goes_through_its_members_in_batches() {
    let mut genesis = clamped(Some(Ratio::ZERO));
    genesis.markets[0].params.variation_margin = true;
    genesis.markets[0].params.premium_clamp = Ratio::ZERO;
    genesis.liquidation.round_batch = 2;
    let mut house = House::of(genesis);
    for name in ["a", "b", "c", "d", "e"] {
        house.deposit(name, "ethereum", "USDC", whole(1_000));
        house.trade(name, "ETH", Side::Long, base(1)).expect("no guards");
    }
    let cash = |house: &mut House| -> Vec<bool> {
        ["a", "b", "c", "d", "e"].map(|name| house.view(name).cash < whole(1_000)).to_vec()
    };
    house.advance(Millis::hours(1));
    assert_eq!(cash(&mut house), [true, true, false, false, false]);
    // The price of the round holds, though the index has risen past every cost.
    house.quote("ETH", price("90"));
    house.advance(Millis::seconds(2));
    assert_eq!(cash(&mut house), [true, true, true, true, false]);
    let out = house.advance(Millis::seconds(2));
    assert_eq!(cash(&mut house), [true; 5]);
    let over = out.events.iter().find_map(|event| match event {
        Event::VariationMarginCollected { price, positions, .. } => Some((*price, *positions)),
        _ => None,
    });
    assert_eq!(over, Some((price("100"), 5)));
}

// Changes of the curve (R20)

/// Re-centring moves at most the move limit of 2 %: closing what 99 bought then pays 1.98 less. The gain is a claim of
/// the budget, never cash.
#[test]
fn recentring_towards_the_index_is_a_claim_of_the_budget() {
    let mut genesis = clamped(Some(Ratio::ZERO));
    genesis.markets[0].params.recentre = true;
    genesis.markets[0].params.move_limit = Some(Ratio::bps(200));
    let mut house = House::of(genesis);
    house.deposit("alice", "ethereum", "USDC", whole(1_000));
    house.long("alice", "ETH", whole(99)).expect("100.99² is less than 2 % above 100²");
    let net = house.market_view("ETH").net_size;
    let before = house.market_view("ETH");
    house.quote("ETH", price("90"));
    let out = house.advance(Millis::hours(1));
    let recentred = out.events.iter().find_map(|event| match event {
        Event::MarketRecentred { before, after, cost, .. } => Some((*before, *after, *cost)),
        _ => None,
    });
    let (from, to, cost) = recentred.expect("mark stands 13 % above the index");
    assert_eq!(from, before.mark);
    let quote = before.quote_reserve.mul_ratio_down(Ratio::percent(98)).expect("in range");
    assert_eq!(house.market_view("ETH").quote_reserve, quote);
    assert_eq!(to, quote.price_of(before.base_reserve).expect("in range"));
    // V = 99 before (a wei less for the swap's rounding), 97.02 after.
    assert!(net.is_long() && -usd("1.98") <= cost && cost <= -usd("1.979999999999999998"), "{cost}");
    assert_eq!(house.balance(BUDGET), Amount::ZERO);
    let claim = house.market_view("ETH").claims;
    assert_eq!(claim.dollars(), -cost);
}

/// The other way costs the budget cash: 2 % of the 99 that closing is worth, 1.98. With 1 in it, it goes as far as that
/// pays; with nothing, nowhere.
#[test]
fn recentring_goes_as_far_as_the_budget_pays() {
    for budget in [0_u64, 1, 100] {
        let mut genesis = clamped(Some(Ratio::ZERO));
        genesis.markets[0].params.recentre = true;
        genesis.markets[0].params.move_limit = Some(Ratio::bps(200));
        let mut house = House::of(genesis);
        house.deposit("alice", "ethereum", "USDC", whole(1_200));
        if budget > 0 {
            house.contribute("alice", Layer::Budget(ETH), whole(budget)).expect("there is cash");
        }
        house.long("alice", "ETH", whole(99)).expect("2 % at most");
        let before = house.market_view("ETH");
        house.quote("ETH", price("150"));
        house.advance(Millis::hours(1));
        let after = house.market_view("ETH");
        // 1 of 1.98 is 50.5 % of the step.
        let spent = whole(budget).saturating_sub(house.balance(BUDGET));
        let moved = after.mark.premium_over(before.mark).expect("in range");
        match budget {
            0 => assert_eq!((spent, moved), (Amount::ZERO, Ratio::ZERO)),
            1 => {
                assert!(amount("0.999999999") < spent && spent <= whole(1), "{spent}");
                assert!(Ratio::bps(100) < moved && moved < Ratio::bps(102), "{moved}");
            }
            _ => {
                assert!(amount("1.979999999") < spent && spent < amount("1.980000001"), "{spent}");
                assert!(Ratio::bps(199) < moved && moved <= Ratio::bps(200), "{moved}");
            }
        }
        assert_eq!(after.base_reserve, before.base_reserve, "base does not move");
    }
}

/// After Alice's 1,000 on 100 / 10,000, λ² = 1.00014 costs the budget 0.006363008747385794, and λ² = 0.989 gives it a
/// claim of 0.503909127656803584: λ times both reserves at the same price (`docs/rules.md`).
#[test]
fn a_change_of_depth_costs_what_it_changes_in_the_closing_value() {
    for (factor, cost) in
        [("1.000069997550171484", "0.006363008747385794"), ("0.994484791236145551", "-0.503909127656803584")]
    {
        let mut house = House::of(clamped(Some(Ratio::ZERO)));
        house.deposit("alice", "ethereum", "USDC", whole(200));
        house.contribute("alice", Layer::Budget(ETH), whole(1)).expect("there is cash");
        house.long("alice", "ETH", whole(1_000)).expect("no guards");
        let factor = factor.parse().expect("a decimal");
        let mark = house.market_view("ETH").mark;
        let out = house.run(Command::Govern(Change::Depth { market: ETH, factor })).expect("within a step");
        let paid = out.events.iter().find_map(|event| match event {
            Event::DepthChanged { cost, .. } => Some(*cost),
            _ => None,
        });
        let paid = paid.expect("the depth changed");
        assert_eq!(paid, usd(cost));
        let budget = whole(1).dollars() - paid.positive_part().dollars();
        assert_eq!(house.balance(BUDGET).dollars(), budget, "a gain is a claim, not cash");
        let after = house.market_view("ETH").mark;
        assert!(mark.minus(after).magnitude() <= Amount::from_wei(2), "the price stays");
    }
}

/// R20: the formula lets k grow by 0.1 % a period at most and shrink by 2.2 %: twice the volume, everything else as
/// ever, is 40 % of the first; funding at its clamp is all of the second.
#[test]
fn depth_follows_activity_within_its_step() {
    let mut genesis = clamped(Some(Ratio::bps(10)));
    genesis.markets[0].params.depth = Some(DepthWeights::default());
    let mut house = House::of(genesis);
    house.deposit("alice", "ethereum", "USDC", whole(100_000));
    house.contribute("alice", Layer::Budget(ETH), whole(100)).expect("there is cash");
    let squared = |house: &mut House, times: u32| {
        for _ in 0..times {
            house.trade("alice", "ETH", Side::Long, base(1)).expect("no guards");
            house.close("alice", "ETH").expect("closing passes");
        }
        let out = house.advance(Millis::hours(1));
        out.events.iter().find_map(|event| match event {
            Event::DepthChanged { squared, .. } => Some(*squared),
            _ => None,
        })
    };
    // The first period has nothing to compare with, the second is like it.
    assert_eq!(squared(&mut house, 1), None);
    assert_eq!(squared(&mut house, 1), None);
    let doubled = squared(&mut house, 2).expect("volume is twice its mean");
    assert!(Ratio::ONE + "0.00039".parse().expect("a decimal") < doubled, "{doubled}");
    assert!(doubled <= Ratio::ONE + "0.0004".parse().expect("a decimal"), "{doubled}");
    // A premium of 21 % asks for 0.875 an hour, the clamp lets 0.1 pass.
    house.long("alice", "ETH", whole(1_000)).expect("no guards");
    let least = squared(&mut house, 0).expect("funding is at its clamp");
    assert_eq!(least, Ratio::ONE - Ratio::bps(220));
}
