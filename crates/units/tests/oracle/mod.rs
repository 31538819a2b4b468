//! The oracle: exact rationals on `num-bigint`, and inputs that crowd the corners. Shares no arithmetic with
//! the crate.
#![allow(dead_code, reason = "each test binary uses a part")]

use num_bigint::{BigInt, Sign};
use proptest::prelude::*;

pub(crate) fn big(n: impl Into<BigInt>) -> BigInt {
    n.into()
}

pub(crate) fn wad() -> BigInt {
    big(10).pow(18)
}

/// Largest integer not above `n / d`; `None` for `d == 0`.
pub(crate) fn floor(n: BigInt, d: BigInt) -> Option<BigInt> {
    let (n, d) = match d.sign() {
        Sign::NoSign => return None,
        Sign::Minus => (-n, -d),
        Sign::Plus => (n, d),
    };
    let rest = ((&n % &d) + &d) % &d;
    Some((n - rest) / d)
}

/// Smallest integer not below `n / d`; `None` for `d == 0`.
pub(crate) fn ceil(n: BigInt, d: BigInt) -> Option<BigInt> {
    floor(-n, d).map(|quotient| -quotient)
}

/// `n / d` without its fraction; `None` for `d == 0`.
pub(crate) fn toward_zero(n: BigInt, d: BigInt) -> Option<BigInt> {
    if (n.sign() == Sign::Minus) == (d.sign() == Sign::Minus) { floor(n, d) } else { ceil(n, d) }
}

pub(crate) fn unsigned(n: Option<BigInt>) -> Option<u128> {
    n.and_then(|n| u128::try_from(n).ok())
}

pub(crate) fn signed(n: Option<BigInt>) -> Option<i128> {
    n.and_then(|n| i128::try_from(n).ok())
}

/// A 64-bit limb, mostly at a corner: Knuth's corrections need limbs of all ones and of a leading one.
fn limb() -> impl Strategy<Value = u64> {
    let corner = vec![0, 1, 2, 3, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX];
    prop_oneof![
        2 => prop::sample::select(corner),
        1 => any::<u64>(),
        1 => (any::<u64>(), 0_u32..64).prop_map(|(n, shift)| n >> shift),
    ]
}

/// Any `u128`: corners of its limbs, every bit length, and the neighbourhood of one.
pub(crate) fn u128s() -> impl Strategy<Value = u128> {
    let one = 1_000_000_000_000_000_000_u128;
    let near = vec![0, 1, one - 1, one, one + 1, 1 << 90, 1 << 110, 1 << 127, (1 << 127) - 1, u128::MAX];
    prop_oneof![
        3 => (limb(), limb()).prop_map(|(high, low)| (u128::from(high) << 64) | u128::from(low)),
        3 => (any::<u128>(), 0_u32..128).prop_map(|(n, shift)| n >> shift),
        1 => (0_u64..1_000_000).prop_map(move |n| u128::from(n) * one),
        1 => prop::sample::select(near),
    ]
}

/// Any `i128`, as [`u128s`].
pub(crate) fn i128s() -> impl Strategy<Value = i128> {
    prop_oneof![
        8 => u128s().prop_map(|bits| i128::from_ne_bytes(bits.to_ne_bytes())),
        8 => (u128s(), any::<bool>()).prop_map(|(n, negative)| {
            let magnitude = i128::try_from(n >> 1).unwrap();
            if negative { -magnitude } else { magnitude }
        }),
        1 => prop::sample::select(vec![i128::MIN, i128::MIN + 1, -1, 0, 1, i128::MAX]),
    ]
}

/// Any `u64`, mostly at a corner.
pub(crate) fn u64s() -> impl Strategy<Value = u64> {
    limb()
}

/// A price that is not zero.
pub(crate) fn prices() -> impl Strategy<Value = u128> {
    u128s().prop_map(|wei| wei.max(1))
}
