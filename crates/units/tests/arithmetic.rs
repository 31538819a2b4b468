//! Same-unit arithmetic, constructors and the corners of the ranges.
#![deny(clippy::as_conversions)]

mod oracle;

use std::panic::catch_unwind;

use ballast_units::{Amount, Bps, Millis, Overflow, Price, Ratio, Size, Time, Usd, WAD, Wide};
use oracle::{i128s, prices, u64s, u128s};
use proptest::prelude::*;

/// The text of the panic, if any.
fn panics<T>(run: impl FnOnce() -> T + std::panic::UnwindSafe) -> Option<String> {
    let payload = catch_unwind(run).err()?;
    payload.downcast_ref::<String>().cloned().or(payload.downcast_ref::<&str>().map(|text| (*text).into()))
}

macro_rules! same_unit_properties {
    ($test:ident, $name:ident, $values:expr, $make:expr, $wei:expr, $accept:expr) => {
        proptest! {
            #[test]
            fn $test(a in $values, b in $values) {
                let (x, y) = ($make(a), $make(b));
                let sum = a.checked_add(b).filter($accept).ok_or(Overflow);
                let difference = a.checked_sub(b).filter($accept).ok_or(Overflow);
                prop_assert_eq!(x.checked_add(y).map($wei), sum);
                prop_assert_eq!(x.checked_sub(y).map($wei), difference);
                prop_assert_eq!(x.cmp(&y), a.cmp(&b));
                let text = concat!("R11: ", stringify!($name), " overflow").to_string();
                match sum {
                    Ok(sum) => {
                        let mut z = x;
                        z += y;
                        prop_assert_eq!(($wei(x + y), $wei(z)), (sum, sum));
                    }
                    Err(_) => prop_assert_eq!(panics(move || x + y), Some(text.clone())),
                }
                match difference {
                    Ok(difference) => {
                        let mut z = x;
                        z -= y;
                        prop_assert_eq!(($wei(x - y), $wei(z)), (difference, difference));
                        prop_assert_eq!($wei(x.saturating_sub(y)), difference);
                    }
                    Err(_) => prop_assert_eq!(panics(move || x - y), Some(text)),
                }
            }
        }
    };
}

same_unit_properties!(amounts_add_and_subtract, Amount, u128s(), Amount::from_wei, Amount::wei, |_| true);
same_unit_properties!(usds_add_and_subtract, Usd, i128s(), Usd::from_wei, Usd::wei, |_| true);
same_unit_properties!(sizes_add_and_subtract, Size, i128s(), Size::from_wei, Size::wei, |_| true);
same_unit_properties!(ratios_add_and_subtract, Ratio, i128s(), Ratio::from_wei, Ratio::wei, |_| true);
same_unit_properties!(millis_add_and_subtract, Millis, u64s(), Millis::new, Millis::get, |_| true);
same_unit_properties!(
    prices_add_and_subtract,
    Price,
    prices(),
    |wei| Price::from_wei(wei).unwrap(),
    Price::wei,
    |wei| *wei != 0
);
same_unit_properties!(bps_add_and_subtract, Bps, 0..=1_000_000_u32, Bps::new, Bps::get, |bps| *bps
    <= 1_000_000);

proptest! {
    #[test]
    fn sums_are_sums(values in prop::collection::vec(0..=u128::MAX >> 8, 0..20)) {
        let amounts: Vec<Amount> = values.iter().copied().map(Amount::from_wei).collect();
        let total: u128 = values.iter().sum();
        prop_assert_eq!(amounts.iter().sum::<Amount>().wei(), total);
        prop_assert_eq!(amounts.into_iter().sum::<Amount>().wei(), total);
    }

    #[test]
    fn dollars_and_sizes_keep_the_amount(wei in 0..=u128::MAX >> 1) {
        let amount = Amount::from_wei(wei);
        prop_assert_eq!(amount.dollars().magnitude(), amount);
        prop_assert_eq!(Usd::from_amount(amount), amount.dollars());
        prop_assert_eq!(amount.size_long(), Size::from_amount(amount, true));
        prop_assert_eq!(-amount.size_long(), Size::from_amount(amount, false));
        prop_assert_eq!(Size::from_amount(amount, false).magnitude(), amount);
    }

    #[test]
    fn time_moves_forward(at in u64s(), span in u64s()) {
        let (time, span) = (Time::from_millis(at), Millis::new(span));
        match at.checked_add(span.get()) {
            Some(later) => {
                prop_assert_eq!(time.after(span), Time::from_millis(later));
                prop_assert_eq!(time.after(span).since(time), span);
                prop_assert_eq!(time.since(time.after(span)), Millis::ZERO);
            }
            None => prop_assert_eq!(panics(move || time.after(span)), Some("R11: Time overflow".into())),
        }
    }
}

#[test]
fn literals_are_exact() {
    const FEE: Bps = Bps::new(250);
    const START: Price = Price::whole(2_000);
    assert_eq!(FEE.ratio(), Ratio::bps(250));
    assert_eq!(START.wei(), 2_000 * WAD);
    assert_eq!(Amount::whole(u64::MAX).to_string(), "18446744073709551615");
    assert_eq!(Usd::whole(i64::MIN).to_string(), "-9223372036854775808");
    assert_eq!(Size::whole(-3).to_string(), "-3");
    assert_eq!(Ratio::percent(110).to_string(), "1.1");
    assert_eq!(Ratio::percent(-1).to_string(), "-0.01");
    assert_eq!(Ratio::bps(125).to_string(), "0.0125");
    assert_eq!(Ratio::whole(10), Ratio::percent(1_000));
    assert_eq!(Ratio::ONE, Ratio::percent(100));
    assert_eq!(Bps::ONE.ratio(), Ratio::ONE);
    assert_eq!(Millis::days(1), Millis::hours(24));
    assert_eq!(Millis::hours(1), Millis::minutes(60));
    assert_eq!(Millis::minutes(1), Millis::seconds(60));
    assert_eq!(Millis::seconds(1).get(), 1_000);
}

#[test]
fn constructors_refuse_what_is_no_value() {
    assert_eq!(Price::from_wei(0), Err(Overflow));
    assert_eq!(Price::from_wei(1), Ok(Price::MIN));
    assert_eq!(Bps::try_new(1_000_000), Ok(Bps::MAX));
    assert_eq!(Bps::try_new(1_000_001), Err(Overflow));
    assert_eq!(panics(|| Price::whole(0)), Some("R11: Price is never zero".into()));
    assert_eq!(panics(|| Bps::new(1_000_001)), Some("R11: Bps overflow".into()));
    assert_eq!(panics(|| Millis::days(u64::MAX)), Some("R11: Millis overflow".into()));
}

#[test]
fn saturating_differences_stop_at_the_end() {
    assert_eq!(Amount::whole(1).saturating_sub(Amount::whole(2)), Amount::ZERO);
    assert_eq!(Price::whole(1).saturating_sub(Price::whole(2)), Price::MIN);
    assert_eq!(Usd::MIN.saturating_sub(Usd::whole(1)), Usd::MIN);
    assert_eq!(Usd::MAX.saturating_sub(Usd::whole(-1)), Usd::MAX);
    assert_eq!(Bps::new(1).saturating_sub(Bps::new(2)), Bps::ZERO);
    assert_eq!(Millis::new(1).saturating_sub(Millis::new(2)), Millis::ZERO);
}

#[test]
fn the_one_value_without_a_negative_panics() {
    assert_eq!(panics(|| -Usd::MIN), Some("R11: Usd overflow".into()));
    assert_eq!(panics(|| -Size::MIN), Some("R11: Size overflow".into()));
    assert_eq!(panics(|| -Ratio::MIN), Some("R11: Ratio overflow".into()));
    assert_eq!(panics(|| Ratio::MIN.abs()), Some("R11: Ratio overflow".into()));
    assert_eq!(Ratio::percent(-5).abs(), Ratio::percent(5));
    assert_eq!(-Usd::MAX, Usd::MIN + Usd::from_wei(1));
    assert_eq!(Usd::MIN.magnitude().wei(), 1 << 127);
    assert_eq!(Size::from_amount(Amount::from_wei(1 << 127), false), Size::MIN);
}

#[test]
fn narrowing_panics_outside_the_range() {
    let above = Amount::from_wei(1 << 127);
    assert_eq!(panics(move || above.dollars()), Some("R11: Usd overflow".into()));
    assert_eq!(panics(move || above.size_long()), Some("R11: Size overflow".into()));
    assert_eq!(panics(|| Price::MAX.minus(Price::MIN)), Some("R11: Usd overflow".into()));
    assert_eq!(panics(|| Amount::MAX.bps_up(Bps::new(10_001))), Some("R11: Amount overflow".into()));
    assert_eq!(panics(|| Amount::MAX.bps_down(Bps::MAX)), Some("R11: Amount overflow".into()));
    assert_eq!(panics(|| [Usd::MAX, Usd::MAX].iter().sum::<Usd>()), Some("R11: Usd overflow".into()));
}

#[test]
fn weighted_value_panics_without_a_positive_theta() {
    let value = |theta| move || Wide::weighted_value_down(Amount::whole(1), Price::ONE, theta);
    assert_eq!(panics(value(Ratio::ZERO)), Some("R11: theta is not positive".into()));
    assert_eq!(panics(value(-Ratio::ONE)), Some("R11: theta is not positive".into()));
    assert_eq!(value(Ratio::ONE)(), Wide::from_usd(Usd::whole(1)));
    let all = || Wide::weighted_value_down(Amount::MAX, Price::MAX, Ratio::from_wei(1));
    assert_eq!(panics(all), Some("R11: Wide overflow".into()));
}

/// R11: every formula at the corners of what may enter.
#[test]
fn nothing_overflows_at_the_limits() {
    let (most, highest) = (Amount::LIMIT, Price::LIMIT);
    assert!(most.in_range() && !(most + Amount::from_wei(1)).in_range());
    assert!(highest.in_range() && !(highest + Price::MIN).in_range());

    // 2^110 * 2^90 / 10^18 = 2^182 / 5^18: too much for one Usd, not for a sum of 2^60 of them.
    assert_eq!(most.value_up(highest), Err(Overflow));
    let value = Wide::product_up(most, highest);
    assert_eq!(value.try_usd(), Err(Overflow));
    assert_eq!(value.to_usd_saturating(), Usd::MAX);
    assert_eq!(Wide::ZERO.minus_wide(value).to_usd_saturating(), Usd::MIN);
    let mut sum = value;
    for _ in 0..60 {
        sum = sum.plus_wide(sum);
    }
    assert_eq!(Wide::ratio_of(value, sum), Ratio::ZERO);
    assert_eq!(Wide::ratio_of(sum, value), Ratio::from_wei(i128::MAX).min(Ratio::whole(1 << 60)));
    assert_eq!(Wide::ratio_of(sum, sum), Ratio::ONE);

    // The cheapest theta of a listing is one; the dearest price and the least.
    let weighted = Wide::weighted_value_down(most, highest, Ratio::ONE);
    assert!(weighted <= value && !weighted.is_negative());
    assert!(Wide::weighted_value_down(most, Price::MIN, Ratio::ONE) < Wide::from_usd(Usd::whole(1_299)));

    // Sizes and shares of the largest pool.
    assert_eq!(most.size_long().share_toward_zero(most, most), Ok(most.size_long()));
    assert_eq!(most.share_up(most, most), Ok(most));
    assert_eq!(most.mul_ratio_up(Ratio::ONE), Ok(most));
    assert_eq!(most.bps_up(Bps::MAX), most.mul_ratio_up(Ratio::whole(100)).unwrap());
    assert_eq!(most.ratio_to_up(most), Ok(Ratio::ONE));
    assert_eq!(most.per_time_up(Millis::days(365), Millis::days(365)), Ok(most));
    assert_eq!(highest.premium_over(highest), Ok(Ratio::ZERO));
    assert_eq!(Price::MIN.premium_over(highest), Ok(-Ratio::ONE));
    assert_eq!(
        highest.ratio_to_down(Price::from_wei(WAD / 1_000).unwrap()).unwrap().wei(),
        (1 << 90) * 1_000
    );
    assert_eq!(highest.ema(Price::MIN, Millis::MAX, Millis::ZERO), Price::MIN);
    assert_eq!(Amount::ZERO.ema(most, Millis::MAX, Millis::MAX).wei(), 1 << 109);
    assert_eq!(highest.ema(Price::MIN, Millis::ZERO, Millis::ZERO), highest);
    assert_eq!(highest.midpoint(Price::MIN).wei(), 1 << 89);
}

/// The worked example of R14: a position worth less than what is owed, in one floored division.
#[test]
fn weighted_value_of_the_worked_example() {
    // 1 ETH at 2,000 USD by 1.10: 1818.181818181818181818 (18 recurring), floored.
    let value = Wide::weighted_value_down(Amount::whole(1), Price::whole(2_000), Ratio::percent(110));
    assert_eq!(value.try_usd().unwrap().to_string(), "1818.181818181818181818");
}

/// R24: `e += (x - e) * dt / (tau + dt)`.
#[test]
fn ema_of_a_worked_example() {
    // 100 + (130 - 100) * 10 / (20 + 10) = 110, and 100 - 30 * 10 / 30 = 90.
    let (dt, tau) = (Millis::seconds(10), Millis::seconds(20));
    assert_eq!(Price::whole(100).ema(Price::whole(130), dt, tau), Price::whole(110));
    assert_eq!(Ratio::whole(100).ema(Ratio::whole(70), dt, tau), Ratio::whole(90));
    assert_eq!(Ratio::MIN.ema(Ratio::MAX, Millis::MAX, Millis::ZERO), Ratio::MAX);
    assert_eq!(Ratio::MAX.ema(Ratio::MIN, Millis::MAX, Millis::ZERO), Ratio::MIN);
}
