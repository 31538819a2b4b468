//! The kernel against exact integers.

mod oracle;

use ballast_units::math::{
    Overflow, WAD, div_wad_down, div_wad_up, mul_div_down, mul_div_up, mul_wad_down, mul_wad_up, rpow,
    sqrt_mul_div, sqrt_product,
};
use num_bigint::BigInt;
use oracle::{big, ceil, floor, u128s, unsigned, wad};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn mul_div_is_the_rounded_quotient(a in u128s(), b in u128s(), d in u128s()) {
        prop_assert_eq!(mul_div_down(a, b, d).ok(), unsigned(floor(big(a) * b, big(d))));
        prop_assert_eq!(mul_div_up(a, b, d).ok(), unsigned(ceil(big(a) * b, big(d))));
    }

    /// Divisors just above the high half give full quotients, where the estimate of a limb is worst.
    #[test]
    fn mul_div_holds_at_full_quotients(a in u128s(), b in u128s(), above in 1_u128..4) {
        let high = u128::try_from((big(a) * b) >> 128_u32).unwrap();
        let d = high.saturating_add(above);
        prop_assert_eq!(mul_div_down(a, b, d).ok(), unsigned(floor(big(a) * b, big(d))));
        prop_assert_eq!(mul_div_up(a, b, d).ok(), unsigned(ceil(big(a) * b, big(d))));
    }

    /// `q * d / d` is `q`, both ways.
    #[test]
    fn mul_div_turns_at_exact_multiples(q in u128s(), d in 1_u128..) {
        prop_assert_eq!(mul_div_down(q, d, d), Ok(q));
        prop_assert_eq!(mul_div_up(q, d, d), Ok(q));
    }

    #[test]
    fn wad_division_is_the_rounded_quotient(a in u128s(), b in u128s()) {
        prop_assert_eq!(mul_wad_down(a, b).ok(), unsigned(floor(big(a) * b, wad())));
        prop_assert_eq!(mul_wad_up(a, b).ok(), unsigned(ceil(big(a) * b, wad())));
        prop_assert_eq!(div_wad_down(a, b).ok(), unsigned(floor(big(a) * wad(), big(b))));
        prop_assert_eq!(div_wad_up(a, b).ok(), unsigned(ceil(big(a) * wad(), big(b))));
    }

    #[test]
    fn wad_division_turns_at_exact_multiples(a in u128s(), whole in 0_u128..400_000_000_000_000_000_000) {
        let by_whole = unsigned(Some(big(a) * whole));
        if let Some(whole_wad) = whole.checked_mul(WAD) {
            prop_assert_eq!(mul_wad_down(a, whole_wad).ok(), by_whole);
            prop_assert_eq!(mul_wad_up(a, whole_wad).ok(), by_whole);
        }
    }

    #[test]
    fn sqrt_product_is_the_floor(a in u128s(), b in u128s()) {
        prop_assert_eq!(big(sqrt_product(a, b)), (big(a) * b).sqrt());
    }

    #[test]
    fn sqrt_product_of_a_square_is_its_root(a in u128s()) {
        prop_assert_eq!(sqrt_product(a, a), a);
        // a * (a - 1) < a^2, so the root is one less.
        prop_assert_eq!(sqrt_product(a, a.saturating_sub(1)), a.saturating_sub(1));
        // a * (a + 1) < (a + 1)^2.
        prop_assert_eq!(sqrt_product(a.saturating_add(1), a), a);
    }

    #[test]
    fn sqrt_mul_div_is_the_floor(a in u128s(), b in u128s(), c in u128s(), d in u128s()) {
        let root = floor(big(a) * b * c, big(d)).map(|n| n.sqrt());
        prop_assert_eq!(sqrt_mul_div(a, b, c, d).ok(), unsigned(root));
    }

    #[test]
    fn rpow_rounds_half_up_at_each_step(
        base in prop_oneof![u128s(), 900_000_000_000_000_000_u128..1_100_000_000_000_000_000],
        n in prop_oneof![0_u64..70, any::<u64>()],
    ) {
        prop_assert_eq!(rpow(base, n).ok(), rpow_oracle(base, n));
    }
}

/// The recursion of MakerDAO's `rpow`, read from its high bit's end: every square and every product rounded.
fn rpow_oracle(base: u128, n: u64) -> Option<u128> {
    let half_up = |a: &BigInt, b: &BigInt| {
        let rounded = floor(a * b * 2 + wad(), wad() * 2).unwrap();
        u128::try_from(&rounded).ok().map(|_| rounded)
    };
    let mut square = big(base);
    let mut power = if n % 2 == 1 { square.clone() } else { wad() };
    for bit in 1..64 {
        if n >> bit == 0 {
            break;
        }
        square = half_up(&square, &square)?;
        if (n >> bit) % 2 == 1 {
            power = half_up(&power, &square)?;
        }
    }
    u128::try_from(power).ok()
}

#[test]
fn corners_of_the_kernel() {
    assert_eq!(mul_div_down(1, 1, 0), Err(Overflow));
    assert_eq!(mul_div_up(0, 0, 0), Err(Overflow));
    assert_eq!(mul_div_down(u128::MAX, u128::MAX, u128::MAX), Ok(u128::MAX));
    assert_eq!(mul_div_down(u128::MAX, u128::MAX, u128::MAX - 1), Err(Overflow));
    assert_eq!(mul_div_up(u128::MAX, 3, 2), Err(Overflow));
    // 2^127 * (2^127 + 1) / (2^126 + 1) = 2^128 - 2 + 2 / (2^126 + 1).
    assert_eq!(mul_div_down(1 << 127, (1 << 127) + 1, (1 << 126) + 1), Ok(u128::MAX - 1));
    assert_eq!(mul_div_up(1 << 127, (1 << 127) + 1, (1 << 126) + 1), Ok(u128::MAX));
    assert_eq!(sqrt_product(u128::MAX, u128::MAX), u128::MAX);
    assert_eq!(sqrt_product(0, u128::MAX), 0);
    assert_eq!(sqrt_mul_div(u128::MAX, u128::MAX, u128::MAX, u128::MAX), Ok(u128::MAX));
    // m^3 / (m - 1) = m^2 + m + 1 + .. and (m + 1)^2 = m^2 + 2 m + 1, but m^3 / (m - 2) = m^2 + 2 m + 4 + ..
    assert_eq!(sqrt_mul_div(u128::MAX, u128::MAX, u128::MAX, u128::MAX - 1), Ok(u128::MAX));
    assert_eq!(sqrt_mul_div(u128::MAX, u128::MAX, u128::MAX, u128::MAX - 2), Err(Overflow));
    assert_eq!(sqrt_mul_div(1, 1, 1, 0), Err(Overflow));
    assert_eq!(rpow(0, 0), Ok(WAD));
    assert_eq!(rpow(0, 5), Ok(0));
    assert_eq!(rpow(WAD, u64::MAX), Ok(WAD));
    // 1.5^2 = 2.25; 10^2 = 100.
    assert_eq!(rpow(WAD * 3 / 2, 2), Ok(WAD * 9 / 4));
    assert_eq!(rpow(WAD * 10, 2), Ok(WAD * 100));
    // A product that ends in exactly half a wei: x = 2^17 * 5^8 * m with 2^16 * m^2 = 1 modulo 5^12, so that x^2
    // rounds to an odd multiple of 5^10.
    assert_eq!(rpow(3_857_421_875_200_000_000, 3), Ok(57_397_293_867_157_936_097));
    assert_eq!(Overflow.to_string(), "amount out of range");
}

/// A floor at the last value with a remainder rounds up out of the type: an error, not a wrap to zero.
#[test]
fn round_up_from_the_last_value_is_an_overflow() {
    // a = (6 * 2^128 - 3) / 7, so a * 7 / 6 = 2^128 - 1/2.
    let a = 291_670_600_217_947_254_397_178_234_941_515_609_819_u128;
    assert_eq!(mul_div_down(a, 7, 6), Ok(u128::MAX));
    assert_eq!(mul_div_up(a, 7, 6), Err(Overflow));
    // a * (10^18 + 1) = 2^128 * 10^18 - t with t = -2^128 mod (10^18 + 1).
    let a = 340_282_366_920_938_463_123_092_240_510_829_748_332_u128;
    assert_eq!(mul_wad_down(a, WAD + 1), Ok(u128::MAX));
    assert_eq!(mul_wad_up(a, WAD + 1), Err(Overflow));
}
