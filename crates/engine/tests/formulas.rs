//! Properties by name: each formula of the engine against exact rationals, which share no arithmetic with it.

mod drawn;
mod support;
mod walk;

use ballast_engine::liquidation::deleverage;
use ballast_engine::market::curve::Curve;
use ballast_engine::{BlockPart, view};
use ballast_types::{
    AccountId, Address, Command, Event, Layer, LedgerAccount, LotId, MarketId, Scope, Side, TradeAmount,
};
use ballast_units::{Amount, Bps, Millis, Price, Size, Usd};
use drawn::property;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};
use proptest::prelude::*;
use support::{House, reject_of, whole};

const MARKET: MarketId = MarketId(0);

fn wei(amount: Amount) -> BigInt {
    amount.wei().into()
}

fn exact(amount: Amount) -> BigRational {
    wei(amount).into()
}

fn dollars(usd: Usd) -> BigInt {
    usd.wei().into()
}

/// Amounts from a wei to 2^110, as many of each length in bits.
fn amounts() -> impl Strategy<Value = Amount> {
    (1..=110_u32, any::<u128>()).prop_map(|(bits, raw)| Amount::from_wei((raw >> (128 - bits)).max(1)))
}

fn ceil_div(number: &BigInt, by: &BigInt) -> BigInt {
    (number + by - 1) / by
}

/// So many hundredths of a dollar.
fn cents(cents: u32) -> Amount {
    Amount::from_wei(u128::from(cents) * 10_u128.pow(16))
}

// The curve

#[test]
fn round_trip_of_swap_never_gains() {
    let drawn = (amounts(), amounts(), amounts(), any::<bool>(), any::<bool>());
    property("round trip of swap", 20_000, &drawn, |(base, quote, amount, long, by_quote)| {
        let curve = Curve { base, quote };
        let side = if long { Side::Long } else { Side::Short };
        let asked = if by_quote { TradeAmount::Quote(amount) } else { TradeAmount::Base(amount) };
        let Ok(there) = curve.swap(MARKET, side, asked) else { return };
        // The reserve that was not named is the product by the other, rounded up.
        let product = wei(base) * wei(quote);
        let (named, other) = if by_quote {
            (there.after.quote, there.after.base)
        } else {
            (there.after.base, there.after.quote)
        };
        assert_eq!(wei(other), ceil_div(&product, &wei(named)), "the curve keeps less than a wei");
        assert!(product <= wei(there.after.base) * wei(there.after.quote), "k fell");
        if there.size.is_zero() {
            assert!(Usd::ZERO <= there.quote, "dollars for nothing");
            return;
        }
        let Ok(back) = there.after.close(MARKET, there.size) else { return };
        assert_eq!(back.size, -there.size);
        assert!(BigInt::zero() <= dollars(there.quote) + dollars(back.quote), "{there:?}, and back {back:?}");
    });
}

#[test]
fn opening_and_closing_never_gains() {
    let trade = (any::<bool>(), any::<bool>(), 1..=60_000_u32);
    let drawn = proptest::collection::vec(trade, 1..12);
    property("opening and closing", 400, &drawn, |trades| {
        let mut house = House::bare();
        house.advance(Millis::minutes(15));
        house.deposit("alice", "ethereum", "USDC", whole(100_000));
        let before = house.view("alice").equity;
        let mut swaps = 0_u32;
        for (long, by_quote, size) in trades {
            let side = if long { Side::Long } else { Side::Short };
            // Up to 600 dollars or 6 units of a curve of 10,000 and 100: all of it can be closed in one swap.
            let amount = if by_quote {
                TradeAmount::Quote(cents(size))
            } else {
                TradeAmount::Base(Amount::from_wei(u128::from(size) * 10_u128.pow(14)))
            };
            // A reversal is two swaps.
            swaps += 2 * u32::from(house.trade("alice", "ETH", side, amount).is_ok());
        }
        if !house.view("alice").positions.is_empty() {
            house.close("alice", "ETH").expect("closing alone leaves the curve as it was");
            swaps += 1;
        }
        let gained = dollars(house.view("alice").equity) - dollars(before);
        // Each swap keeps less than a wei of base or quote; a wei of base is worth at most 1,000 of quote here.
        assert!(gained <= BigInt::zero(), "gained {gained} wei");
        assert!(BigInt::from(-1_000_i64 * i64::from(swaps)) <= gained, "lost {gained} wei in {swaps} swaps");
    });
}

#[test]
fn closing_in_two_never_pays_more() {
    let drawn = (any::<bool>(), 100..=300_000_u32, 1..=99_u8, any::<bool>(), 100..=300_000_u32);
    property("closing in two", 400, &drawn, |(long, size, share, other_long, other)| {
        let mut house = House::bare();
        house.advance(Millis::minutes(15));
        for name in ["alice", "bob"] {
            house.deposit(name, "ethereum", "USDC", whole(100_000));
        }
        let side = |long| if long { Side::Long } else { Side::Short };
        house.trade("alice", "ETH", side(long), TradeAmount::Quote(cents(size))).expect("margins are off");
        // Somebody else moves mark, so that there is a profit or a loss.
        house
            .trade("bob", "ETH", side(other_long), TradeAmount::Quote(cents(other)))
            .expect("margins are off");
        let held = house.view("alice").positions.first().map_or(Size::ZERO, |position| position.size);
        let part = held.magnitude().bps_down(Bps::new(u32::from(share) * 100));
        let (mut at_once, mut in_two) = (house.clone(), house);
        at_once.close("alice", "ETH").expect("a close reduces");
        in_two.trade("alice", "ETH", side(!long), TradeAmount::Base(part)).expect("a reduction");
        in_two.close("alice", "ETH").expect("a close reduces");
        let (once, two) = (at_once.view("alice").equity, in_two.view("alice").equity);
        assert!(two <= once, "{two} in two, {once} at once");
        // Two more roundings, of a wei of base at most: below 1,000 wei of quote each.
        assert!(dollars(once) - dollars(two) < BigInt::from(2_000), "{two} in two, {once} at once");
    });
}

// Liquidation

/// A house in which Alice's 10 ETH are under auction, after so many seconds of it.
fn auctioned(borrowed: u32, price: u32, seconds: u64) -> Option<(House, LotId)> {
    let mut house = House::new();
    house.deposit("lender", "ethereum", "USDC", whole(100_000));
    house.lend("lender", "ethereum", whole(100_000)).ok()?;
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(borrowed.into())).ok()?;
    house.price("ETH", Price::from_wei(u128::from(price) * 10_u128.pow(18)).ok()?);
    // The lot is offered when its vault has been told; then time passes.
    house.apply(Vec::new());
    house.advance(Millis::seconds(seconds));
    let (lot, _) = house.offers().first().copied()?;
    Some((house, lot))
}

#[test]
fn splitting_one_liquidation_in_two_never_pays_more() {
    let drawn = (12_000..=16_500_u32, 900..=1_790_u32, 0..=170_u64, 1..=100_u8, 1..=99_u8);
    let compared = std::cell::Cell::new(0_u32);
    property("splitting a liquidation", 400, &drawn, |(borrowed, price, seconds, taken, first)| {
        let Some((mut once, lot)) = auctioned(borrowed, price, seconds) else { return };
        let mut twice = once.clone();
        let offered = once.offers()[0].1;
        let quantity = offered.left.bps_down(Bps::new(u32::from(taken) * 100));
        let part = quantity.bps_down(Bps::new(u32::from(first) * 100));
        let taker = Address([7; 32]);
        let now = once.now();
        let take = |house: &mut House, wanted| house.spoke("ethereum").take(lot, wanted, taker, now);
        let Some((all, paid_once)) = take(&mut once, quantity) else { return };
        let Some((one, paid_one)) = take(&mut twice, part) else { return };
        // The first part may have ended the sale, or the dust rule have cut a part: then they are different sales.
        let Some((two, paid_two)) = take(&mut twice, quantity - one) else { return };
        if one + two != all {
            return;
        }
        for house in [&mut once, &mut twice] {
            house.apply(Vec::new());
            house.apply(Vec::new());
        }
        let more = wei(paid_one + paid_two) - wei(paid_once);
        assert!(BigInt::zero() <= more, "the takers of two parts pay {more} wei less");
        let kept = |house: &mut House| dollars(house.view("alice").equity);
        let gained = kept(&mut twice) - kept(&mut once);
        assert!(gained <= &more + 2, "the owner keeps {gained} wei more of {more} more paid");
        let house_has = |house: &House| {
            wei(house.balance(LedgerAccount::Float)) + wei(house.balance(LedgerAccount::Treasury))
        };
        assert!(house_has(&once) <= house_has(&twice) + 2, "a fee is lower in two parts");
        compared.set(compared.get() + 1);
    });
    assert!(100 < compared.get(), "only {} sales were the same in two parts", compared.get());
}

/// Exact shares of `quantity` over weights, nobody above what they hold: the rest is shared again.
fn fair(quantity: &BigRational, parties: &[(BigRational, BigRational)]) -> Vec<BigRational> {
    let mut given: Vec<Option<BigRational>> = vec![None; parties.len()];
    loop {
        let full: BigRational = given.iter().flatten().sum();
        let open: BigRational = parties
            .iter()
            .zip(&given)
            .filter(|(_, given)| given.is_none())
            .map(|((weight, _), _)| weight.clone())
            .sum();
        if open.is_zero() {
            return given.into_iter().map(Option::unwrap_or_default).collect();
        }
        let each = (quantity - full) / open;
        let mut more = false;
        for ((weight, held), given) in parties.iter().zip(&mut given) {
            if given.is_none() && *held <= weight * &each {
                *given = Some(held.clone());
                more = true;
            }
        }
        if !more {
            return parties
                .iter()
                .zip(given)
                .map(|((weight, _), given)| given.unwrap_or_else(|| weight * &each))
                .collect();
        }
    }
}

#[test]
fn deleveraging_plan_adds_up_and_overshoots_at_most_one_wei() {
    let trade = (any::<bool>(), 1..=100_000_u32);
    let drawn =
        (proptest::collection::vec(trade, 2..16), any::<bool>(), 1..=20_000_u32, 1..=60_000_u32, amounts());
    let shared = std::cell::Cell::new(0_u32);
    property("deleveraging", 600, &drawn, |(trades, long, percent, price, jitter)| {
        let mut house = House::bare();
        house.advance(Millis::minutes(15));
        for (who, (long, size)) in trades.iter().enumerate() {
            let name = format!("trader {who}");
            house.deposit(&name, "ethereum", "USDC", whole(100_000));
            let side = if *long { Side::Long } else { Side::Short };
            house.trade(&name, "ETH", side, TradeAmount::Quote(cents(*size))).ok();
        }
        let failed = house.account("trader 0");
        let state = house.state();
        let price = Price::from_wei(u128::from(price) * 10_u128.pow(16) + jitter.wei() % 1_000_003)
            .expect("above zero");
        // Who is on the other side with a profit, by exact products.
        let mut parties = Vec::new();
        for (account, record) in state.accounts.iter() {
            let Some(position) = record.position(MARKET).filter(|position| position.size.is_long() != long)
            else {
                continue;
            };
            let product = BigInt::from(position.size.wei()) * BigInt::from(price.wei());
            let value = BigRational::new(product, BigInt::from(10).pow(18)).floor().to_integer();
            let profit = value - dollars(position.cost);
            if account != failed && BigInt::zero() < profit {
                parties.push((account, (profit.into(), exact(position.size.magnitude()))));
            }
        }
        let (accounts, parties): (Vec<AccountId>, Vec<(BigRational, BigRational)>) =
            parties.into_iter().unzip();
        let held: BigRational = parties.iter().map(|(_, held)| held.clone()).sum();
        let asked = BigRational::new(held.to_integer() * BigInt::from(percent), BigInt::from(10_000)).ceil();
        let quantity = Amount::from_wei(u128::try_from(asked.to_integer()).expect("sizes are small").max(1));
        let plan = deleverage::plan(state, failed, MARKET, long, quantity, price);

        let total: BigInt = plan.iter().map(|share| wei(share.quantity)).sum();
        assert_eq!(
            total,
            held.to_integer().min(wei(quantity)),
            "shares add up to what is asked, or to all there is"
        );
        let fair = fair(&exact(quantity).min(held), &parties);
        for (account, (fair, (_, held))) in accounts.iter().zip(fair.iter().zip(&parties)) {
            let share = plan
                .iter()
                .find(|share| share.account == *account)
                .map_or(Amount::ZERO, |share| share.quantity);
            let over = exact(share) - fair;
            assert!(exact(share) <= *held, "{account} gives up {share}, more than it holds");
            assert!(over <= BigRational::one(), "{account} gives up {share}, by {over} too much");
            assert!(-BigRational::one() <= over, "{account} gives up {share}, by {over} too little");
        }
        let strangers = plan.iter().filter(|share| !accounts.contains(&share.account)).count();
        assert_eq!(strangers, 0, "somebody without a profit gives up something");
        shared.set(shared.get() + u32::from(1 < plan.len()));
    });
    assert!(200 < shared.get(), "only {} plans were shared by several", shared.get());
}

// Claims and losses

#[test]
fn claims_are_paid_alike_whatever_the_order() {
    let winners = proptest::collection::vec(1_000..=60_000_u32, 2..7);
    let instalments = proptest::collection::vec((1..=60_u8, any::<u64>(), any::<u64>()), 1..6);
    let drawn = (winners, 100_000..=600_000_u32, instalments);
    let paid_out = std::cell::Cell::new(0_u32);
    property("claims", 200, &drawn, |(stakes, whale, instalments)| {
        let mut house = House::bare();
        house.advance(Millis::minutes(15));
        let names: Vec<String> = (0..stakes.len()).map(|who| format!("winner {who}")).collect();
        for (name, stake) in names.iter().zip(&stakes) {
            house.deposit(name, "ethereum", "USDC", whole(10_000));
            house.long(name, "ETH", cents(*stake)).expect("margins are off");
        }
        // The whale buys above them; they sell to it, and are owed what it has not lost yet.
        house.deposit("whale", "ethereum", "USDC", whole(10_000));
        house.long("whale", "ETH", cents(whale)).expect("margins are off");
        for name in &names {
            house.close(name, "ETH").expect("a close reduces");
        }
        let worth = |house: &mut House, name: &str| {
            let view = house.view(name);
            (view.cash, view.claims.first().map_or(Amount::ZERO, |claim| claim.claim))
        };
        let before: Vec<_> = names.iter().map(|name| worth(&mut house, name)).collect();
        let owed: BigInt = before.iter().map(|(_, claim)| wei(*claim)).sum();

        // The same loss in the same parts, each in a block with everybody's touch, in two orders.
        let (mut one, mut other) = (house.clone(), house);
        let mut touches = 0_u64;
        for (share, order, another) in &instalments {
            for (house, order) in [(&mut one, *order), (&mut other, *another)] {
                let Some(position) = house.view("whale").positions.first().cloned() else { continue };
                let part = position.size.magnitude().bps_down(Bps::new(u32::from(*share) * 100));
                let whale = house.account("whale");
                let sell = Command::Trade {
                    account: whale,
                    market: MARKET,
                    side: Side::Short,
                    amount: TradeAmount::Base(part),
                    limit: None,
                    reduce_only: true,
                };
                let mut commands = vec![sell];
                for name in &names {
                    // Lending touches an account: its paid claims are brought in.
                    let (account, chain) = (house.account(name), house.chain("ethereum"));
                    commands.push(Command::Lend { account, chain, amount: Amount::from_wei(1_000_000) });
                }
                shuffle(&mut commands, order);
                let out = house.apply(commands);
                assert_eq!(reject_of(&out, BlockPart::Command, 0), None);
            }
            touches += 1;
        }
        let lent = Amount::from_wei(1_000_000 * u128::from(touches));
        let paid = |house: &House| -> BigInt {
            let claims = house.history.iter().map(|event| match event {
                Event::ClaimsPaid { paid, .. } => wei(*paid),
                _ => BigInt::zero(),
            });
            claims.sum()
        };
        let began: BigInt = paid(&one) - inflow(&one, &names, &before, lent);
        let inflow = paid(&one) - began;
        for ((name, (cash, claim)), at) in names.iter().zip(&before).zip(0_u32..) {
            let (cash_one, left_one) = worth(&mut one, name);
            let (cash_other, left_other) = worth(&mut other, name);
            let got = wei(cash_one) + wei(lent) - wei(*cash);
            let difference = wei(cash_one) - wei(cash_other);
            assert!(
                difference.magnitude() <= &BigInt::from(2 * touches + 2).magnitude().clone(),
                "{name}: {difference} wei by order"
            );
            assert!(
                (wei(left_one) - wei(left_other)).magnitude() <= BigInt::from(2 * touches + 2).magnitude()
            );
            // Pro rata of what came in.
            if !owed.is_zero() {
                let due = BigRational::new(wei(*claim) * &inflow, owed.clone());
                let off = BigRational::from(got.clone()) - due;
                let most = BigRational::from(BigInt::from(2 * touches + 2 + u64::from(at)));
                assert!(
                    -most.clone() <= off && off <= most,
                    "{name} was paid {got}, {off} wei beside its share"
                );
            }
        }
        paid_out.set(paid_out.get() + u32::from(BigInt::zero() < inflow));
    });
    assert!(50 < paid_out.get(), "claims were paid in {} cases only", paid_out.get());
}

/// What all of them got since then, lending apart.
fn inflow(house: &House, names: &[String], before: &[(Amount, Amount)], lent: Amount) -> BigInt {
    let mut house = house.clone();
    let got =
        names.iter().zip(before).map(|(name, (cash, _))| wei(house.view(name).cash) + wei(lent) - wei(*cash));
    got.sum()
}

/// Fisher and Yates, by a number.
fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for at in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(seed >> 33).expect("31 bits") % (at + 1);
        items.swap(at, other);
    }
}

#[test]
fn waterfall_layers_add_up_to_the_loss() {
    // Cents in the tranche and the float, cents that Alice and Bob trade as in the worked example; Alice's margin in
    // percent of what her trade costs at once, which her close costs nearly twice.
    let drawn = (0..=10_000_u32, 0..=100_000_u32, 101..=170_u32, 20_000..=300_000_u32, 0..=2_000_u32);
    let deficits = std::cell::Cell::new((0_u32, 0_u32));
    property("waterfall", 400, &drawn, |(tranche, float, margin, size, limit)| {
        let mut genesis = support::genesis::bare();
        genesis.float.market = Bps::new(limit);
        let mut house = House::of(genesis);
        house.advance(Millis::minutes(15));
        let scope = Scope::Market(MARKET);
        for name in ["giver", "bob"] {
            house.deposit(name, "ethereum", "USDC", whole(10_000));
        }
        for (layer, amount) in [(Layer::Tranche(scope), tranche), (Layer::Float, float)] {
            house.contribute("giver", layer, cents(amount)).ok();
        }
        let margin = cents(
            u32::try_from(
                u64::from(size) * u64::from(size) / (1_000_000 + u64::from(size)) * u64::from(margin) / 100,
            )
            .expect("cents"),
        );
        house.deposit("alice", "ethereum", "USDC", margin);
        if house.long("alice", "ETH", cents(size)).is_err() || house.short("bob", "ETH", cents(size)).is_err()
        {
            return;
        }
        let position = house.view("alice").positions[0].clone();
        let short = house.view("bob").positions[0].clone();
        let (base, quote) = (house.market_view("ETH").base_reserve, house.market_view("ETH").quote_reserve);
        let (had_tranche, had_float) =
            (house.balance(LedgerAccount::Tranche(scope)), house.balance(LedgerAccount::Float));
        house.close("alice", "ETH").expect("a close reduces");

        // What the curve pays for her base, exactly: quote · N / (base + N). What her cash lacks is the loss.
        let sold = exact(position.size.magnitude());
        let proceeds = exact(quote) * &sold / (exact(base) + &sold);
        let loss = BigRational::from(dollars(position.cost)) - proceeds - exact(margin);
        let absorbed = house.history.iter().find_map(|event| match *event {
            Event::LossAbsorbed { amount, tranche, float, cover, deficit, .. } => {
                Some((amount, tranche, float, cover, deficit))
            }
            _ => None,
        });
        let Some((amount, from_tranche, from_float, cover, deficit)) = absorbed else {
            assert!(loss <= BigRational::one(), "a loss of {loss} that nobody absorbed");
            return;
        };
        let off = exact(amount) - loss;
        assert!(
            BigRational::zero() <= off && off <= BigRational::one() + BigRational::one(),
            "{off} wei beside the loss"
        );
        assert_eq!(from_tranche + from_float + cover + deficit, amount, "I08: the layers add up to the loss");
        assert_eq!(from_tranche, amount.min(had_tranche), "the tranche is first, and whole");
        let share = wei(had_float) * BigInt::from(limit) / BigInt::from(10_000);
        assert_eq!(wei(from_float), share.min(wei(amount - from_tranche)), "the float's share is second");
        assert!(cover.is_zero(), "no cover was sold");
        // What is left is suspended from Bob, who alone has a profit: his short at the risk price of 100.
        let worth = ceil_div(&(BigInt::from(short.size.magnitude().wei()) * 100), &BigInt::one());
        let profit = -worth - dollars(short.cost);
        let receipts: BigInt = house.view("bob").receipts.iter().map(|(_, amount)| wei(*amount)).sum();
        assert_eq!(receipts, wei(deficit).min(profit), "receipts of a deficit of {deficit}");
        let waterfall = view::waterfall(house.state());
        assert_eq!(waterfall.deficits.iter().map(|loss| wei(loss.left)).sum::<BigInt>(), wei(deficit));
        let (all, some) = deficits.get();
        deficits.set((all + 1, some + u32::from(!deficit.is_zero())));
    });
    let (all, some) = deficits.get();
    // A share, not a count: how many losses there are depends on how many cases are drawn.
    assert!(all < 10 * some && some < all, "{some} deficits of {all} losses");
}
