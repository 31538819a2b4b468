//! Every rounding operation of every unit against exact rationals.

mod oracle;

use ballast_units::{Amount, Bps, Millis, Overflow, Price, Ratio, Size, Usd, Wide};
use num_bigint::BigInt;
use oracle::{big, ceil, floor, i128s, prices, signed, toward_zero, u64s, u128s, unsigned, wad};
use proptest::prelude::*;

fn amount(result: Result<Amount, Overflow>) -> Option<u128> {
    result.ok().map(Amount::wei)
}

fn usd(result: Result<Usd, Overflow>) -> Option<i128> {
    result.ok().map(Usd::wei)
}

fn size(result: Result<Size, Overflow>) -> Option<i128> {
    result.ok().map(Size::wei)
}

fn price(result: Result<Price, Overflow>) -> Option<u128> {
    result.ok().map(Price::wei)
}

fn ratio(result: Result<Ratio, Overflow>) -> Option<i128> {
    result.ok().map(Ratio::wei)
}

/// A price is never zero.
fn not_zero(n: Option<u128>) -> Option<u128> {
    n.filter(|n| *n != 0)
}

/// No negative ratio for what cannot be negative.
fn not_negative(by: i128, n: Option<BigInt>) -> Option<u128> {
    if by < 0 { None } else { unsigned(n) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn amount_at_a_price(a in u128s(), p in prices()) {
        let (x, at) = (Amount::from_wei(a), Price::from_wei(p).unwrap());
        prop_assert_eq!(amount(x.value_down(at)), unsigned(floor(big(a) * p, wad())));
        prop_assert_eq!(amount(x.value_up(at)), unsigned(ceil(big(a) * p, wad())));
        prop_assert_eq!(amount(x.at_price_down(at)), unsigned(floor(big(a) * wad(), big(p))));
        prop_assert_eq!(amount(x.at_price_up(at)), unsigned(ceil(big(a) * wad(), big(p))));
    }

    #[test]
    fn amount_by_a_ratio(a in u128s(), r in i128s()) {
        let (x, by) = (Amount::from_wei(a), Ratio::from_wei(r));
        prop_assert_eq!(amount(x.mul_ratio_down(by)), not_negative(r, floor(big(a) * r, wad())));
        prop_assert_eq!(amount(x.mul_ratio_up(by)), not_negative(r, ceil(big(a) * r, wad())));
    }

    #[test]
    fn amount_by_bps(a in 0..=u128::MAX / 100, bps in 0_u32..=1_000_000) {
        let (x, by) = (Amount::from_wei(a), Bps::new(bps));
        prop_assert_eq!(Some(x.bps_down(by).wei()), unsigned(floor(big(a) * bps, big(10_000))));
        prop_assert_eq!(Some(x.bps_up(by).wei()), unsigned(ceil(big(a) * bps, big(10_000))));
    }

    /// At most one: any amount, without a panic.
    #[test]
    fn amount_by_bps_of_at_most_one(a in u128s(), bps in 0_u32..=10_000) {
        let (x, by) = (Amount::from_wei(a), Bps::new(bps));
        prop_assert_eq!(Some(x.bps_down(by).wei()), unsigned(floor(big(a) * bps, big(10_000))));
        prop_assert_eq!(Some(x.bps_up(by).wei()), unsigned(ceil(big(a) * bps, big(10_000))));
    }

    #[test]
    fn amount_in_whole_units(a in u128s(), unit in u128s()) {
        let x = Amount::from_wei(a);
        let by = unit.max(1);
        let whole = |units: Option<BigInt>| units.and_then(|units| unsigned(Some(units * by)));
        prop_assert_eq!(Some(x.units_down(Amount::from_wei(unit)).wei()), whole(floor(big(a), big(by))));
        prop_assert_eq!(amount(x.units_up(Amount::from_wei(unit))), whole(ceil(big(a), big(by))));
    }

    #[test]
    fn amount_shares_and_ratios(a in u128s(), part in u128s(), whole in u128s()) {
        let (x, p, w) = (Amount::from_wei(a), Amount::from_wei(part), Amount::from_wei(whole));
        prop_assert_eq!(amount(x.share_down(p, w)), unsigned(floor(big(a) * part, big(whole))));
        prop_assert_eq!(amount(x.share_up(p, w)), unsigned(ceil(big(a) * part, big(whole))));
        prop_assert_eq!(ratio(x.ratio_to_down(w)), signed(floor(big(a) * wad(), big(whole))));
        prop_assert_eq!(ratio(x.ratio_to_up(w)), signed(ceil(big(a) * wad(), big(whole))));
        let mark = unsigned(floor(big(a) * wad(), big(whole))).map(|wei| wei.max(1));
        prop_assert_eq!(price(x.price_of(w)), mark);
    }

    #[test]
    fn shares_over_time(a in u128s(), n in i128s(), dt in u64s(), per in u64s()) {
        let (x, y, z) = (Amount::from_wei(a), Usd::from_wei(n), Ratio::from_wei(n));
        let (t, p) = (Millis::new(dt), Millis::new(per));
        prop_assert_eq!(amount(x.per_time_down(t, p)), unsigned(floor(big(a) * dt, big(per))));
        prop_assert_eq!(amount(x.per_time_up(t, p)), unsigned(ceil(big(a) * dt, big(per))));
        prop_assert_eq!(usd(y.per_time_down(t, p)), signed(floor(big(n) * dt, big(per))));
        prop_assert_eq!(usd(y.per_time_up(t, p)), signed(ceil(big(n) * dt, big(per))));
        prop_assert_eq!(ratio(z.per_time_down(t, p)), signed(floor(big(n) * dt, big(per))));
        prop_assert_eq!(ratio(z.per_time_up(t, p)), signed(ceil(big(n) * dt, big(per))));
    }

    #[test]
    fn usd_by_a_ratio_and_shares(n in i128s(), r in i128s(), part in u128s(), whole in u128s()) {
        let (x, by) = (Usd::from_wei(n), Ratio::from_wei(r));
        let (p, w) = (Amount::from_wei(part), Amount::from_wei(whole));
        prop_assert_eq!(usd(x.mul_ratio_down(by)), signed(floor(big(n) * r, wad())));
        prop_assert_eq!(usd(x.mul_ratio_up(by)), signed(ceil(big(n) * r, wad())));
        prop_assert_eq!(usd(x.share_down(p, w)), signed(floor(big(n) * part, big(whole))));
        prop_assert_eq!(usd(x.share_up(p, w)), signed(ceil(big(n) * part, big(whole))));
    }

    #[test]
    fn usd_parts_add_up(n in i128s()) {
        let x = Usd::from_wei(n);
        prop_assert_eq!(big(x.positive_part().wei()) - x.negative_part().wei(), big(n));
        prop_assert!(x.positive_part().is_zero() || x.negative_part().is_zero());
        prop_assert_eq!(x.magnitude().wei(), n.unsigned_abs());
        prop_assert_eq!(x.is_negative(), n < 0);
    }

    #[test]
    fn size_values_and_shares(n in i128s(), p in prices(), part in u128s(), whole in u128s()) {
        let (x, at) = (Size::from_wei(n), Price::from_wei(p).unwrap());
        prop_assert_eq!(usd(x.value_down(at)), signed(floor(big(n) * p, wad())));
        prop_assert_eq!(usd(x.value_up(at)), signed(ceil(big(n) * p, wad())));
        let share = x.share_toward_zero(Amount::from_wei(part), Amount::from_wei(whole));
        prop_assert_eq!(size(share), signed(toward_zero(big(n) * part, big(whole))));
        prop_assert_eq!((x.is_long(), x.is_short(), x.signum()), (0 < n, n < 0, n.signum()));
    }

    #[test]
    fn price_by_ratios(p in prices(), q in prices(), r in i128s(), bps in 0_u32..=1_000_000) {
        let (x, y) = (Price::from_wei(p).unwrap(), Price::from_wei(q).unwrap());
        let (by, scale) = (Ratio::from_wei(r), Bps::new(bps));
        prop_assert_eq!(price(x.mul_ratio_down(by)), not_zero(not_negative(r, floor(big(p) * r, wad()))));
        prop_assert_eq!(price(x.mul_ratio_up(by)), not_zero(not_negative(r, ceil(big(p) * r, wad()))));
        prop_assert_eq!(price(x.scale_bps_down(scale)), not_zero(unsigned(floor(big(p) * bps, big(10_000)))));
        prop_assert_eq!(price(x.scale_bps_up(scale)), not_zero(unsigned(ceil(big(p) * bps, big(10_000)))));
        prop_assert_eq!(ratio(x.ratio_to_down(y)), signed(floor(big(p) * wad(), big(q))));
        prop_assert_eq!(Some(x.midpoint(y).wei()), unsigned(floor(big(p) + q, big(2))));
    }

    /// Takes `p / q` itself within `i128`: it is formed before one is taken off.
    #[test]
    fn price_premium(p in prices(), q in prices()) {
        let (x, y) = (Price::from_wei(p).unwrap(), Price::from_wei(q).unwrap());
        let expected = signed(floor((big(p) - q) * wad(), big(q)));
        if x.ratio_to_down(y).is_ok() {
            prop_assert_eq!(ratio(x.premium_over(y)), expected);
        }
        if expected.is_none() {
            prop_assert_eq!(x.premium_over(y), Err(Overflow));
        }
    }

    #[test]
    fn price_difference(p in 1..=u128::MAX >> 1, q in 1..=u128::MAX >> 1) {
        let (x, y) = (Price::from_wei(p).unwrap(), Price::from_wei(q).unwrap());
        prop_assert_eq!(Some(x.minus(y).wei()), signed(Some(big(p) - q)));
    }

    #[test]
    fn price_bucket_is_a_monotone_logarithm(p in prices(), q in prices(), near in 0_u128..8) {
        let bucket = |wei: u128| Price::from_wei(wei).unwrap().bucket();
        let bits = p.ilog2() + 1;
        prop_assert_eq!(bucket(p) >> 12, bits);
        // The 12 bits after the leading one: floor(p * 2^12 / 2^(bits - 1)) - 2^12.
        let mantissa = unsigned(floor(big(p) << 12_u32, big(1) << (bits - 1))).unwrap() - (1 << 12);
        prop_assert_eq!(u128::from(bucket(p) & 0xfff), mantissa);
        prop_assert_eq!(bucket(p.min(q)) <= bucket(p.max(q)), true);
        prop_assert!(bucket(p) <= bucket(p.saturating_add(near)));
    }

    #[test]
    fn ratio_products_and_quotients(n in i128s(), m in i128s()) {
        let (x, y) = (Ratio::from_wei(n), Ratio::from_wei(m));
        prop_assert_eq!(ratio(x.mul_down(y)), signed(floor(big(n) * m, wad())));
        prop_assert_eq!(ratio(x.mul_up(y)), signed(ceil(big(n) * m, wad())));
        prop_assert_eq!(ratio(x.div_down(y)), signed(floor(big(n) * wad(), big(m))));
        prop_assert_eq!(ratio(x.div_up(y)), signed(ceil(big(n) * wad(), big(m))));
    }

    #[test]
    fn ema_steps_toward_zero_and_stays_between(
        n in i128s(), m in i128s(), a in prices(), b in prices(), dt in u64s(), tau in u64s(),
    ) {
        let (t, tau_) = (Millis::new(dt), Millis::new(tau));
        let expected = |e: BigInt, x: BigInt| {
            let step = toward_zero((&x - &e) * dt, big(tau) + dt).unwrap_or_default();
            e + step
        };
        let averaged = Ratio::from_wei(n).ema(Ratio::from_wei(m), t, tau_).wei();
        prop_assert_eq!(big(averaged), expected(big(n), big(m)));
        prop_assert!(n.min(m) <= averaged && averaged <= n.max(m));
        let averaged = Amount::from_wei(a).ema(Amount::from_wei(b), t, tau_).wei();
        prop_assert_eq!(big(averaged), expected(big(a), big(b)));
        let averaged = Price::from_wei(a).unwrap().ema(Price::from_wei(b).unwrap(), t, tau_).wei();
        prop_assert_eq!(big(averaged), expected(big(a), big(b)));
        prop_assert!(a.min(b) <= averaged && averaged <= a.max(b));
    }

    #[test]
    fn bps_as_a_ratio(bps in 0_u32..=1_000_000) {
        prop_assert_eq!(big(Bps::new(bps).ratio().wei()) * 10_000, wad() * bps);
    }

    /// R14: one floored division, below the largest amount and price of R11 and beyond.
    #[test]
    fn wide_values(a in u128s(), p in prices(), theta in 1..=i128::MAX) {
        let (x, at) = (Amount::from_wei(a), Price::from_wei(p).unwrap());
        prop_assert_eq!(wide(Wide::product_down(x, at)), floor(big(a) * p, wad()).unwrap());
        prop_assert_eq!(wide(Wide::product_up(x, at)), ceil(big(a) * p, wad()).unwrap());
        let weighted = floor(big(a) * p, big(theta)).unwrap();
        if weighted.bits() < 256 {
            prop_assert_eq!(wide(Wide::weighted_value_down(x, at, Ratio::from_wei(theta))), weighted);
        }
    }

    #[test]
    fn wide_values_by_an_everyday_theta(a in u128s(), p in prices(), percent in 100_i64..400) {
        let (x, at) = (Amount::from_wei(a), Price::from_wei(p).unwrap());
        let theta = Ratio::percent(percent);
        let weighted = floor(big(a) * p, big(theta.wei())).unwrap();
        prop_assert_eq!(wide(Wide::weighted_value_down(x, at, theta)), weighted);
    }

    /// The account with collateral and debt on one chain and nothing else: health < 0 is exactly
    /// `collateral * index < theta * debt` (R14).
    #[test]
    fn weighted_value_below_a_debt_is_the_exact_rule(
        a in 0..=1_u128 << 110, p in 1..=1_u128 << 90, percent in 100_i64..400, near in -2_i64..=2,
    ) {
        let theta = Ratio::percent(percent);
        let value = Wide::weighted_value_down(Amount::from_wei(a), Price::from_wei(p).unwrap(), theta);
        let debt = wide(value) + near;
        let health = wide(value) - &debt;
        prop_assert_eq!(health < big(0), big(a) * p < debt * theta.wei());
    }

    #[test]
    fn wide_ratio(
        a in u128s(), p in prices(), b in u128s(), q in prices(), small in u128s(), part_small in any::<bool>(),
        whole_small in any::<bool>(),
    ) {
        let value = |a, p| Wide::product_down(Amount::from_wei(a), Price::from_wei(p).unwrap());
        let part = if part_small { Wide::from_amount(Amount::from_wei(small)) } else { value(a, p) };
        let whole = if whole_small { Wide::from_amount(Amount::from_wei(small)) } else { value(b, q) };
        let expected = if wide(part) == big(0) {
            0
        } else {
            signed(floor(wide(part) * wad(), wide(whole))).unwrap_or(i128::MAX)
        };
        prop_assert_eq!(Wide::ratio_of(part, whole).wei(), expected);
    }

    /// Parts and wholes of nearly 255 bits, where `part * 10^18` leaves 256 bits.
    #[test]
    fn wide_ratio_of_huge_sums(a in u128s(), p in prices(), b in u128s(), q in prices()) {
        let huge = |a: u128, p: u128| {
            let (a, p) = (Amount::from_wei(a), Price::from_wei(p >> 1 | 1).unwrap());
            Wide::weighted_value_down(a, p, Ratio::from_wei(1))
        };
        let (part, whole) = (huge(a, p), huge(b, q));
        let expected = if wide(part) == big(0) {
            0
        } else {
            signed(floor(wide(part) * wad(), wide(whole))).unwrap_or(i128::MAX)
        };
        prop_assert_eq!(Wide::ratio_of(part, whole).wei(), expected);
    }

    #[test]
    fn wide_sums_and_narrowing(values in prop::collection::vec(i128s(), 0..20), sub in i128s()) {
        let sum = values.iter().fold(Wide::ZERO, |sum, n| sum.plus(Usd::from_wei(*n)));
        let sum = sum.minus(Usd::from_wei(sub));
        let expected = values.iter().fold(-big(sub), |sum, n| sum + n);
        prop_assert_eq!(usd(sum.try_usd()), signed(Some(expected.clone())));
        let held = expected.clone().clamp(big(i128::MIN), big(i128::MAX));
        prop_assert_eq!(big(sum.to_usd_saturating().wei()), held);
        prop_assert_eq!(sum.is_negative(), expected < big(0));
        prop_assert_eq!(wide(sum), expected);
        prop_assert_eq!(sum.minus_wide(sum), Wide::ZERO);
        prop_assert_eq!(sum.plus_wide(sum).cmp(&sum), (big(2) * wide(sum)).cmp(&wide(sum)));
    }
}

/// The wei of a `Wide`, read through its public face alone: powers of two are taken off and counted.
fn wide(mut value: Wide) -> BigInt {
    let mut total = big(0);
    for power in (0..=254).rev() {
        let step = power_of_two(power);
        if step <= value {
            value = value.minus_wide(step);
            total += big(1) << power;
        } else if value <= Wide::ZERO.minus_wide(step) {
            value = value.plus_wide(step);
            total -= big(1) << power;
        }
    }
    total + value.try_usd().expect("the steps above leave zero").wei()
}

fn power_of_two(power: u32) -> Wide {
    let amount = Amount::from_wei(1 << power.min(127));
    let price = Price::from_wei(1 << power.saturating_sub(127)).unwrap();
    Wide::weighted_value_down(amount, price, Ratio::from_wei(1))
}
