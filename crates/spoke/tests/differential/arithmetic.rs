//! Prices, parts, dues and rebates of an auction: Solidity's against the engine's.

use crate::evm::Evm;
use alloy::primitives::aliases::{U48, U96, U112};
use alloy::primitives::{Address, U256, U512};
use ballast_engine::auction::{self, Cut, Remainder};
use ballast_spoke::evm::bindings::price_probe::PriceProbe;
use ballast_types::Auction;
use ballast_units::math::rpow;
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use proptest::prelude::*;

const OPENED: u64 = 1_621_427_400_000;
const AMOUNT_MOST: u128 = 1 << 110;
const PRICE_MOST: u128 = 1 << 90;

/// Numbers of every size up to `most`, not only of the largest.
fn sized(most: u128) -> impl Strategy<Value = u128> {
    (0..=128_u32, any::<u128>())
        .prop_map(move |(shift, number)| number.checked_shr(shift).unwrap_or(0) % (most + 1))
}

fn auctions() -> impl Strategy<Value = Auction> {
    let prices = (sized(PRICE_MOST), sized(PRICE_MOST))
        .prop_map(|(one, other)| (one.max(other).max(1), one.min(other).max(1)));
    let factor = 1..1_000_000_000_000_000_000_i128;
    // Real schedules fall slowly; a drawn factor alone would be at the floor after a few steps. Zero is an even fall, whose
    // step is all of it.
    let slow = 900_000_000_000_000_000..1_000_000_000_000_000_000_i128;
    let stepped = (prop_oneof![factor, slow], 1..40_000_u64);
    let fall = prop_oneof![2 => stepped, 1 => (Just(0), prop_oneof![1..500_000_u64, Just(86_400_000)])];
    let times = (0..400_000_u64, 1..100_000_u64);
    (sized(AMOUNT_MOST), prices, fall, times, sized(AMOUNT_MOST), 0..=10_000_u32).prop_map(
        |(quantity, (start, floor), (factor, step), (falls, stays), dust, rebate)| {
            let opened = Time::from_millis(OPENED);
            Auction {
                quantity: Amount::from_wei(quantity),
                opened,
                start: Price::from_wei(start).unwrap(),
                floor: Price::from_wei(floor).unwrap(),
                step_factor: Ratio::from_wei(factor),
                step: Millis::new(step),
                invites: opened.after(Millis::new(falls)),
                ends: opened.after(Millis::new(falls + stays)),
                need: Amount::whole(1),
                dust: Amount::from_wei(dust),
                rebate: Bps::new(rebate),
            }
        },
    )
}

/// Lots of every size and their needs: of a part of what they are worth, of about all, of more, of next to nothing; tokens and
/// coins of every unit.
fn remainders() -> impl Strategy<Value = (Remainder, Amount)> {
    let units = (prop_oneof![Just(18_u32), Just(8), 0..=18_u32], prop_oneof![Just(6_u32), 0..=18_u32]);
    let parts = (0..=1_200_u128, 0..=1_100_u128, 0..=300_u128);
    (sized(AMOUNT_MOST), sized(PRICE_MOST), sized(1 << 70), units, parts).prop_map(
        |(left, price, some, (decimals, coin), (of_need, of_left, of_dust))| {
            let unit = 10_u128.pow(18 - decimals);
            let whole = |wei: u128| Amount::from_wei(wei.div_ceil(unit) * unit);
            let price = Price::from_wei(price.max(1)).unwrap();
            let left = whole(left.min(AMOUNT_MOST - unit).max(1));
            let part = |of: Amount, thousandths: u128| of.wei() / 1_000 * thousandths + some % 1_000;
            let worth = left.value_up(price).unwrap_or(Amount::LIMIT).min(Amount::LIMIT);
            let need = Amount::from_wei(part(worth, of_need)).min(Amount::LIMIT);
            let dust = whole(part(left, of_dust).min(AMOUNT_MOST));
            let wanted = whole(part(left, of_left));
            let coin = Amount::from_wei(10_u128.pow(18 - coin));
            (Remainder { left, need, price, dust, unit: Amount::from_wei(unit), coin }, wanted)
        },
    )
}

fn u48(number: u64) -> U48 {
    U48::from(number)
}

fn price_call(auction: &Auction, time: Time) -> PriceProbe::priceCall {
    PriceProbe::priceCall {
        prices: PriceProbe::Prices {
            start: U96::from(auction.start.wei()),
            floor: U96::from(auction.floor.wei()),
            stepFactor: u64::try_from(auction.step_factor.wei()).unwrap(),
        },
        clock: PriceProbe::Clock {
            opened: u48(auction.opened.millis()),
            invitesAfter: u32::try_from(auction.invites.since(auction.opened).get()).unwrap(),
            endsAfter: u32::try_from(auction.ends.since(auction.opened).get()).unwrap(),
            step: u32::try_from(auction.step.get()).unwrap(),
            dust: U112::from(auction.dust.wei()),
        },
        time: time.millis(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_price_is_the_engines_at_every_second(auction in auctions()) {
        let mut evm = Evm::new();
        let probe = evm.deploy(&PriceProbe::BYTECODE, Vec::new());
        let seconds = auction.ends.since(auction.opened).get() / 1_000 + 3;
        for second in 0..=seconds {
            // From two seconds before it opens.
            let time = Time::from_millis(OPENED - 2_000 + second * 1_000);
            let (price, _) = evm.call(Address::ZERO, probe, &price_call(&auction, time)).unwrap();
            prop_assert_eq!(price, U256::from(ballast_engine::auction::price(&auction, time).wei()), "{}", second);
        }
    }

    #[test]
    fn powers_dues_and_rebates_are_the_engines(
        auction in auctions(),
        draws in prop::collection::vec((sized(AMOUNT_MOST), any::<u32>(), 0..=18_u32), 64),
    ) {
        let mut evm = Evm::new();
        let probe = evm.deploy(&PriceProbe::BYTECODE, Vec::new());
        for (wanted, draw, digits) in draws {
            let (factor, steps) = (auction.step_factor.wei().unsigned_abs(), u64::from(draw));
            let call = PriceProbe::rpowCall { base: U256::from(factor), n: U256::from(steps) };
            prop_assert_eq!(evm.call(Address::ZERO, probe, &call).unwrap().0, U256::from(rpow(factor, steps).unwrap()));

            let wanted = Amount::from_wei(wanted);
            // Within the time of the invitation, so that there is a rebate.
            let (time, unit) = (auction.invites, 10_u128.pow(digits));
            let Ok(due) = auction::take_due(&auction, time, wanted) else { continue };
            let call = PriceProbe::dueCall {
                quantity: U256::from(wanted.wei()),
                price_: U256::from(auction.floor.wei()),
                coinUnit: U256::from(unit),
            };
            let paid = due.wei().div_ceil(unit) * unit;
            prop_assert_eq!(evm.call(Address::ZERO, probe, &call).unwrap().0, U256::from(paid));
            let rebate = auction::rebate(&auction, time, Amount::from_wei(paid)).wei() / unit * unit;
            let call = PriceProbe::rebateCall {
                due_: U256::from(paid),
                bps: U256::from(auction.rebate.get()),
                coinUnit: U256::from(unit),
            };
            prop_assert_eq!(evm.call(Address::ZERO, probe, &call).unwrap().0, U256::from(rebate));
        }
    }

    /// Every part a take may get, and what is due for it; the rule itself is checked by sums that share nothing with either.
    #[test]
    fn what_a_take_gets_is_the_engines(remainders in prop::collection::vec(remainders(), 64)) {
        let mut evm = Evm::new();
        let probe = evm.deploy(&PriceProbe::BYTECODE, Vec::new());
        for (remainder, wanted) in remainders {
            let cut = remainder.cut(wanted);
            let here = cut.map_or((Amount::ZERO, Amount::ZERO), |cut| (cut.quantity, cut.due));
            let call = PriceProbe::cutCall {
                r: PriceProbe::Remainder {
                    left: U256::from(remainder.left.wei()),
                    unmet: U256::from(remainder.need.wei()),
                    price: U256::from(remainder.price.wei()),
                    dust: U256::from(remainder.dust.wei()),
                    unit: U256::from(remainder.unit.wei()),
                    coinUnit: U256::from(remainder.coin.wei()),
                },
                wanted: U256::from(wanted.wei()),
            };
            let there = evm.call(Address::ZERO, probe, &call).unwrap().0;
            prop_assert_eq!((there.quantity, there.due_), (U256::from(here.0.wei()), U256::from(here.1.wei())), "{:?} {:?}", remainder, wanted);
            if let Some(cut) = cut {
                keeps_the_rule(&remainder, wanted, cut);
            }
        }
    }
}

/// Worth of a quantity at a price, in wei of dollars times 1e18: without rounding.
fn worth(quantity: Amount, price: Price) -> U512 {
    U512::from(quantity.wei()) * U512::from(price.wei())
}

/// R27, by sums of its own.
fn keeps_the_rule(of: &Remainder, wanted: Amount, cut: Cut) {
    let wad = U512::from(1_000_000_000_000_000_000_u128);
    let scaled = |dollars: Amount| U512::from(dollars.wei()) * wad;
    assert!(cut.quantity <= wanted && cut.quantity <= of.left && !cut.quantity.is_zero());
    // It pays what it is worth, less than a unit of the coin more.
    let exact = worth(cut.quantity, of.price);
    assert!(exact <= scaled(cut.due) && cut.due.wei().is_multiple_of(of.coin.wei()));
    assert!(scaled(cut.due) < exact + scaled(of.coin) + wad);
    // Without its last unit it would not pay the need.
    let less = Amount::from_wei(cut.quantity.wei().saturating_sub(of.unit.wei()));
    assert!(less < cut.quantity && worth(less, of.price) < scaled(of.need), "{of:?} {cut:?}");
    if cut.quantity < of.left && cut.due < of.need {
        let rest = U512::from((of.need - cut.due).wei()) * wad;
        assert!(of.dust <= of.left - cut.quantity && of.dust <= cut.quantity, "{of:?} {cut:?}");
        assert!(worth(of.dust, of.price) <= rest, "{of:?} {cut:?}");
    }
}
