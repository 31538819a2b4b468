//! Prices, parts, dues and rebates of an auction: Solidity's against the engine's.

use crate::evm::Evm;
use alloy::primitives::aliases::{U48, U96, U112};
use alloy::primitives::{Address, U256};
use ballast_engine::auction;
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
    fn powers_parts_dues_and_rebates_are_the_engines(
        auction in auctions(),
        draws in prop::collection::vec((sized(AMOUNT_MOST), sized(AMOUNT_MOST), any::<u32>(), 0..=18_u32), 64),
    ) {
        let mut evm = Evm::new();
        let probe = evm.deploy(&PriceProbe::BYTECODE, Vec::new());
        for (left, wanted, draw, digits) in draws {
            let (factor, steps) = (auction.step_factor.wei().unsigned_abs(), u64::from(draw));
            let call = PriceProbe::rpowCall { base: U256::from(factor), n: U256::from(steps) };
            prop_assert_eq!(evm.call(Address::ZERO, probe, &call).unwrap().0, U256::from(rpow(factor, steps).unwrap()));

            let (left, wanted) = (Amount::from_wei(left), Amount::from_wei(wanted));
            let part = auction::partial(&auction, left, wanted).unwrap_or(Amount::ZERO);
            let call = PriceProbe::partialTakeCall {
                left: U256::from(left.wei()),
                wanted: U256::from(wanted.wei()),
                dust: U256::from(auction.dust.wei()),
            };
            prop_assert_eq!(evm.call(Address::ZERO, probe, &call).unwrap().0, U256::from(part.wei()));

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
}
