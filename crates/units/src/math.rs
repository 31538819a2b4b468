//! The kernel: products through 256 bits, division, square root, integer power, on bare Wad integers.
//!
//! Everything here is exact before its one rounding. The arithmetic is written with `wrapping_*` where the
//! comment above it says why it cannot wrap, so that builds with overflow checks pay nothing for it.

/// One, in Wad: `10^18`.
pub const WAD: u128 = 1_000_000_000_000_000_000;

/// The low 64 bits of a `u128`.
const LOW: u128 = 0xffff_ffff_ffff_ffff;

/// Left shift that brings [`WAD`] to 64 significant bits: `10^18 < 2^60 < 16 * 10^18 < 2^64`.
const WAD_SHIFT: u32 = 4;

/// [`WAD`] shifted to 64 significant bits.
const WAD_NORMAL: u128 = WAD << WAD_SHIFT;

/// Reciprocal of [`WAD_NORMAL`]: `floor((2^128 - 1) / d) - 2^64` (Möller and Granlund, "Improved division by
/// invariant integers", 2011).
const WAD_RECIPROCAL: u128 = (u128::MAX / WAD_NORMAL).wrapping_sub(1 << 64);

/// A result does not fit its type, a divisor is zero, or a sign is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("amount out of range")]
pub struct Overflow;

/// `floor(a * b / d)`. `Overflow` when the result is above `u128`, or `d` is zero.
#[inline]
pub fn mul_div_down(a: u128, b: u128, d: u128) -> Result<u128, Overflow> {
    let (high, low) = mul_wide(a, b);
    div_wide(high, low, d).map(|(quotient, _)| quotient)
}

/// `ceil(a * b / d)`. `Overflow` when the result is above `u128`, or `d` is zero.
#[inline]
pub fn mul_div_up(a: u128, b: u128, d: u128) -> Result<u128, Overflow> {
    let (high, low) = mul_wide(a, b);
    div_wide(high, low, d).and_then(round_up)
}

/// `floor(a * b / 10^18)`. `Overflow` when the result is above `u128`.
#[inline]
pub fn mul_wad_down(a: u128, b: u128) -> Result<u128, Overflow> {
    let (high, low) = mul_wide(a, b);
    div_wad_wide(high, low).map(|(quotient, _)| quotient)
}

/// `ceil(a * b / 10^18)`. `Overflow` when the result is above `u128`.
#[inline]
pub fn mul_wad_up(a: u128, b: u128) -> Result<u128, Overflow> {
    let (high, low) = mul_wide(a, b);
    div_wad_wide(high, low).and_then(round_up)
}

/// `floor(a * 10^18 / b)`. `Overflow` when the result is above `u128`, or `b` is zero.
#[inline]
pub fn div_wad_down(a: u128, b: u128) -> Result<u128, Overflow> {
    mul_div_down(a, WAD, b)
}

/// `ceil(a * 10^18 / b)`. `Overflow` when the result is above `u128`, or `b` is zero.
#[inline]
pub fn div_wad_up(a: u128, b: u128) -> Result<u128, Overflow> {
    mul_div_up(a, WAD, b)
}

/// `floor(sqrt(a * b))`, over 256 bits; cannot overflow.
#[inline]
pub fn sqrt_product(a: u128, b: u128) -> u128 {
    let (high, low) = mul_wide(a, b);
    sqrt_wide(high, low)
}

/// `floor(sqrt(a * b * c / d))`, exact over 384 bits. `Overflow` when the result is above `u128`, or `d` is
/// zero.
pub fn sqrt_mul_div(a: u128, b: u128, c: u128, d: u128) -> Result<u128, Overflow> {
    let (ab_high, ab_low) = mul_wide(a, b);
    let (middle, low) = mul_wide(ab_low, c);
    let (high, middle_of_high) = mul_wide(ab_high, c);
    let (middle, carry) = middle.overflowing_add(middle_of_high);
    // Cannot wrap: the product is below 2^384.
    let high = high.wrapping_add(u128::from(carry));

    // floor(sqrt(floor(x))) = floor(sqrt(x)).
    let (quotient_high, remainder) = div_wide(high, middle, d)?;
    let (quotient_low, _) = div_wide(remainder, low, d)?;
    Ok(sqrt_wide(quotient_high, quotient_low))
}

/// `base^n` of a Wad, by squaring, rounded half up at each multiplication: MakerDAO's `rpow` with base
/// `10^18`, so that a contract and the engine agree to the wei. `0^0` is one. `Overflow` when a product is
/// above `u128`.
pub fn rpow(base_wad: u128, n: u64) -> Result<u128, Overflow> {
    let mut base = base_wad;
    let mut rest = n;
    let mut power = if rest & 1 == 1 { base } else { WAD };
    rest >>= 1;
    while rest != 0 {
        base = mul_wad_half_up(base, base)?;
        if rest & 1 == 1 {
            power = mul_wad_half_up(power, base)?;
        }
        rest >>= 1;
    }
    Ok(power)
}

/// `floor(a * b / 10^18 + 1/2)`.
#[inline]
fn mul_wad_half_up(a: u128, b: u128) -> Result<u128, Overflow> {
    let (high, low) = mul_wide(a, b);
    let (quotient, remainder) = div_wad_wide(high, low)?;
    if remainder < WAD / 2 { Ok(quotient) } else { quotient.checked_add(1).ok_or(Overflow) }
}

#[inline]
fn round_up((quotient, remainder): (u128, u128)) -> Result<u128, Overflow> {
    if remainder == 0 { Ok(quotient) } else { quotient.checked_add(1).ok_or(Overflow) }
}

/// `a * b` as high and low 128 bits.
#[inline]
pub(crate) const fn mul_wide(a: u128, b: u128) -> (u128, u128) {
    let (a1, a0) = (a >> 64, a & LOW);
    let (b1, b0) = (b >> 64, b & LOW);
    // Cannot wrap: (2^64 - 1)^2 < 2^128, and the middle is a sum of three 64-bit numbers.
    let low = a0.wrapping_mul(b0);
    if a1 | b1 == 0 {
        return (0, low);
    }
    let (cross_a, cross_b) = (a1.wrapping_mul(b0), a0.wrapping_mul(b1));
    let middle = (low >> 64).wrapping_add(cross_a & LOW).wrapping_add(cross_b & LOW);
    let high = a1
        .wrapping_mul(b1)
        .wrapping_add(cross_a >> 64)
        .wrapping_add(cross_b >> 64)
        .wrapping_add(middle >> 64);
    (high, (middle << 64) | (low & LOW))
}

/// Quotient and remainder of a 256-bit number by `d`. `Overflow` when the quotient is above `u128`, or `d` is
/// zero.
#[inline]
pub(crate) fn div_wide(high: u128, low: u128, d: u128) -> Result<(u128, u128), Overflow> {
    if d <= high {
        return Err(Overflow);
    }
    if high == 0 {
        // 0 <= high < d, so d is not zero.
        let quotient = low.checked_div(d).ok_or(Overflow)?;
        return Ok((quotient, low.wrapping_sub(quotient.wrapping_mul(d))));
    }
    if d <= LOW {
        // Two steps of a 128-bit number by a 64-bit one; each quotient has 64 bits as its high half is < d.
        let (q1, r1) = div_rem((high << 64) | (low >> 64), d);
        let (q0, r0) = div_rem((r1 << 64) | (low & LOW), d);
        return Ok(((q1 << 64) | q0, r0));
    }
    Ok(div_wide_knuth(high, low, d))
}

/// Knuth's algorithm D (TAOCP 2, 4.3.1) with limbs of 64 bits, four by two. Needs `2^64 <= d` and `high < d`.
fn div_wide_knuth(high: u128, low: u128, d: u128) -> (u128, u128) {
    let shift = d.leading_zeros();
    let d = d << shift;
    // `>> 1 >>` so that a shift of zero does not ask for `>> 128`; `!shift & 127` is `127 - shift`.
    let high = (high << shift) | (low >> 1 >> (!shift & 127));
    let low = low << shift;
    let (q1, r1) = div_step(high, low >> 64, d);
    let (q0, r0) = div_step(r1, low & LOW, d);
    ((q1 << 64) | q0, r0 >> shift)
}

/// One limb of the quotient: `high * 2^64 + next` by a normalised `d`; needs `high < d`.
#[inline]
fn div_step(high: u128, next: u128, d: u128) -> (u128, u128) {
    let (d1, d0) = (d >> 64, d & LOW);
    let (mut quotient, mut rest) = div_rem(high, d1);
    // The estimate is at most two too high. `rest` stays below 2^65, `quotient * d0` below 2^128.
    while LOW < quotient || ((rest << 64) | next) < quotient.wrapping_mul(d0) {
        quotient = quotient.wrapping_sub(1);
        rest = rest.wrapping_add(d1);
        if LOW < rest {
            break;
        }
    }
    // Modulo 2^128; the true remainder is below d.
    (quotient, ((high << 64) | next).wrapping_sub(quotient.wrapping_mul(d)))
}

#[inline]
fn div_rem(n: u128, d: u128) -> (u128, u128) {
    let quotient = n.checked_div(d).expect("callers divide by a normalised or a tested divisor");
    (quotient, n.wrapping_sub(quotient.wrapping_mul(d)))
}

/// Quotient and remainder of a 256-bit number by [`WAD`], without a division instruction. `Overflow` when the
/// quotient is above `u128`.
#[inline]
pub(crate) fn div_wad_wide(high: u128, low: u128) -> Result<(u128, u128), Overflow> {
    if WAD <= high {
        return Err(Overflow);
    }
    // high < 10^18 < 2^60, so the shifted number has 192 bits.
    let top = (high << WAD_SHIFT) | (low >> 124);
    let low = low << WAD_SHIFT;
    let (q1, r1) = div_wad_step(top, low >> 64);
    let (q0, r0) = div_wad_step(r1, low & LOW);
    Ok(((q1 << 64) | q0, r0 >> WAD_SHIFT))
}

/// Two limbs by [`WAD_NORMAL`] through its reciprocal: algorithm 4 of Möller and Granlund. Needs `high <
/// WAD_NORMAL`, `low < 2^64`. All steps are modulo 2^64 but the first, which fits 128 bits.
#[inline]
fn div_wad_step(high: u128, low: u128) -> (u128, u128) {
    let estimate = WAD_RECIPROCAL.wrapping_mul(high).wrapping_add((high << 64) | low);
    let mut quotient = (estimate >> 64).wrapping_add(1) & LOW;
    let mut remainder = low.wrapping_sub(quotient.wrapping_mul(WAD_NORMAL)) & LOW;
    if (estimate & LOW) < remainder {
        quotient = quotient.wrapping_sub(1) & LOW;
        remainder = remainder.wrapping_add(WAD_NORMAL) & LOW;
    }
    // The algorithm's last correction cannot happen for this divisor: see the assertion below.
    (quotient, remainder)
}

/// In the proof of algorithm 4 (b = 2^64, k = b^2 - (reciprocal + b) * d), the remainder before the last
/// correction is either below d already, or `(high * k + low * (b - d) + q0 * d) / b - d`, which is below
/// `d * k / b + b - d`. That is below d, so there is nothing left to correct.
const _: () = {
    let k = 0_u128.wrapping_sub(WAD_RECIPROCAL.wrapping_add(1 << 64).wrapping_mul(WAD_NORMAL));
    let bound = (WAD_NORMAL.wrapping_mul(k) >> 64).wrapping_add(1 << 64).wrapping_sub(WAD_NORMAL);
    assert!(k <= WAD_NORMAL && bound < WAD_NORMAL);
};

/// `floor(sqrt(high * 2^128 + low))`, by one step of Zimmermann's "Karatsuba square root" (1999).
fn sqrt_wide(high: u128, low: u128) -> u128 {
    if high == 0 {
        return low.isqrt();
    }
    // An even shift to 255 or 256 significant bits; floor(sqrt(4^k * n)) / 2^k floors to floor(sqrt(n)).
    let shift = high.leading_zeros() & !1;
    let high = (high << shift) | (low >> 1 >> (!shift & 127));
    let low = low << shift;

    // 2^63 <= root < 2^64 and rest <= 2 * root, so the quotient below is at most 2^64.
    let root = high.isqrt();
    let rest = high.wrapping_sub(root.wrapping_mul(root));
    let (quotient, _) = div_rem((rest << 63) | (low >> 65), root);
    let estimate = (root << 64) | quotient.min(LOW);
    // The estimate is the root or one too high.
    let too_high = (high, low) < mul_wide(estimate, estimate);
    estimate.wrapping_sub(u128::from(too_high)) >> (shift / 2)
}

/// `floor(a * b / d)` of signed numbers, toward minus infinity.
#[inline]
pub(crate) fn signed_mul_div_down(a: i128, b: i128, d: u128) -> Result<i128, Overflow> {
    let (negative, a, b) = sign_of_product(a, b);
    signed(negative, if negative { mul_div_up(a, b, d)? } else { mul_div_down(a, b, d)? })
}

/// `ceil(a * b / d)` of signed numbers, toward plus infinity.
#[inline]
pub(crate) fn signed_mul_div_up(a: i128, b: i128, d: u128) -> Result<i128, Overflow> {
    let (negative, a, b) = sign_of_product(a, b);
    signed(negative, if negative { mul_div_down(a, b, d)? } else { mul_div_up(a, b, d)? })
}

/// `floor(a * b / 10^18)` of signed numbers, toward minus infinity.
#[inline]
pub(crate) fn signed_mul_wad_down(a: i128, b: i128) -> Result<i128, Overflow> {
    let (negative, a, b) = sign_of_product(a, b);
    signed(negative, if negative { mul_wad_up(a, b)? } else { mul_wad_down(a, b)? })
}

/// `ceil(a * b / 10^18)` of signed numbers, toward plus infinity.
#[inline]
pub(crate) fn signed_mul_wad_up(a: i128, b: i128) -> Result<i128, Overflow> {
    let (negative, a, b) = sign_of_product(a, b);
    signed(negative, if negative { mul_wad_down(a, b)? } else { mul_wad_up(a, b)? })
}

#[inline]
fn sign_of_product(a: i128, b: i128) -> (bool, u128, u128) {
    ((a < 0) != (b < 0), a.unsigned_abs(), b.unsigned_abs())
}

/// A magnitude with a sign. `Overflow` when it is outside `i128`.
#[inline]
pub(crate) fn signed(negative: bool, magnitude: u128) -> Result<i128, Overflow> {
    if negative { 0_i128.checked_sub_unsigned(magnitude) } else { 0_i128.checked_add_unsigned(magnitude) }
        .ok_or(Overflow)
}

/// `distance * dt / (tau + dt)` rounded down: the step of an exponential average (R24). Zero when `dt` is.
#[inline]
pub(crate) fn ema_step(distance: u128, dt: u64, tau: u64) -> u128 {
    // Cannot wrap: a sum of two 64-bit numbers.
    let whole = u128::from(tau).wrapping_add(u128::from(dt));
    if dt == 0 {
        return 0;
    }
    mul_div_down(distance, u128::from(dt), whole)
        .expect("dt <= tau + dt, so the step is at most the distance")
}

/// `n` in wei, for literals: below 1.9e37, so it fits both `u128` and `i128`.
#[expect(clippy::as_conversions, reason = "widening; `From` is not const")]
pub(crate) const fn wad_unsigned(n: u64) -> u128 {
    (n as u128).wrapping_mul(WAD)
}

/// `n * unit`, for literals; fits as `unit <= 10^18`.
#[expect(clippy::as_conversions, reason = "widening; `From` is not const")]
pub(crate) const fn wad_signed(n: i64, unit: i128) -> i128 {
    (n as i128).wrapping_mul(unit)
}
