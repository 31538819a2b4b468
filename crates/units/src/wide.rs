//! [`Wide`]: sums of dollars over all accounts, which must not overflow (R11).

use ethnum::{I256, U256};

use crate::math::{self, WAD};
use crate::{Amount, Price, Ratio, Usd, ops};

/// Signed dollars in 256 bits, Wad. For sums only: narrow the result with [`Wide::try_usd`]. It has no codec,
/// as nothing stored is this wide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wide(I256);

impl Wide {
    /// Zero.
    pub const ZERO: Self = Self(I256::ZERO);

    /// From wei of a dollar.
    #[inline]
    pub const fn from_i128(wei: i128) -> Self {
        Self(I256::new(wei))
    }

    /// The same dollars, exact.
    #[inline]
    pub const fn from_usd(dollars: Usd) -> Self {
        Self::from_i128(dollars.wei())
    }

    /// The same dollars, exact.
    #[inline]
    pub const fn from_amount(dollars: Amount) -> Self {
        Self(U256::new(dollars.wei()).as_i256())
    }

    /// Sum. Panics with `R11` outside 256 bits, which takes 2^128 terms.
    #[inline]
    #[track_caller]
    pub fn plus(self, dollars: Usd) -> Self {
        self.plus_wide(Self::from_usd(dollars))
    }

    /// Difference. Panics with `R11` outside 256 bits, which takes 2^128 terms.
    #[inline]
    #[track_caller]
    pub fn minus(self, dollars: Usd) -> Self {
        self.minus_wide(Self::from_usd(dollars))
    }

    /// Sum. Panics with `R11` outside 256 bits.
    #[inline]
    #[track_caller]
    pub fn plus_wide(self, other: Self) -> Self {
        match self.0.checked_add(other.0) {
            Some(sum) => Self(sum),
            None => ops::overflow("R11: Wide overflow"),
        }
    }

    /// Difference. Panics with `R11` outside 256 bits.
    #[inline]
    #[track_caller]
    pub fn minus_wide(self, other: Self) -> Self {
        match self.0.checked_sub(other.0) {
            Some(difference) => Self(difference),
            None => ops::overflow("R11: Wide overflow"),
        }
    }

    /// Whether it is below zero.
    #[inline]
    pub const fn is_negative(self) -> bool {
        self.0.is_negative()
    }

    /// As `Usd`, held at the ends of its range: the sign is kept.
    #[inline]
    pub fn to_usd_saturating(self) -> Usd {
        self.try_usd().unwrap_or(if self.is_negative() { Usd::MIN } else { Usd::MAX })
    }

    /// As `Usd`, exact. `Overflow` outside `i128`.
    #[inline]
    pub fn try_usd(self) -> Result<Usd, math::Overflow> {
        i128::try_from(self.0).map(Usd::from_wei).map_err(|_| math::Overflow)
    }

    /// Dollars of `amount` at `price`, divided by `theta`: one division, rounded down (R14). Panics with `R11`
    /// when `theta` is not positive, or outside 256 bits, which amounts and prices in range cannot reach.
    #[inline]
    #[track_caller]
    pub fn weighted_value_down(amount: Amount, price: Price, theta: Ratio) -> Self {
        // amount and price carry 10^18 each, theta one: what is left is dollars in wei.
        let divisor = match u128::try_from(theta.wei()) {
            Ok(divisor) if divisor != 0 => divisor,
            _ => ops::overflow("R11: theta is not positive"),
        };
        let (high, low) = math::mul_wide(amount.wei(), price.wei());
        Self::quotient(high, low, divisor).0
    }

    /// Dollars of `amount` at `price`, rounded down. Cannot overflow.
    #[inline]
    pub fn product_down(amount: Amount, price: Price) -> Self {
        Self::product(amount, price).0
    }

    /// Dollars of `amount` at `price`, rounded up. Cannot overflow.
    #[inline]
    pub fn product_up(amount: Amount, price: Price) -> Self {
        let (value, exact) = Self::product(amount, price);
        if exact { value } else { value.plus_wide(Self::from_i128(1)) }
    }

    /// `part / whole`, rounded down, held at `Ratio::MAX`. Zero when `part` is not positive; otherwise
    /// `Ratio::MAX` when `whole` is not positive.
    pub fn ratio_of(part: Self, whole: Self) -> Ratio {
        if part <= Self::ZERO {
            return Ratio::ZERO;
        }
        if whole <= Self::ZERO {
            return Ratio::MAX;
        }
        let (part, whole) = (part.0.as_u256(), whole.0.as_u256());
        let (part_high, part_low) = part.into_words();
        let (whole_high, whole_low) = whole.into_words();
        let wei = if part_high == 0 && whole_high == 0 {
            math::div_wad_down(part_low, whole_low).ok()
        } else {
            ratio_of_wide(part, whole)
        };
        wei.and_then(|wei| i128::try_from(wei).ok()).map_or(Ratio::MAX, Ratio::from_wei)
    }

    /// Dollars of `amount` at `price` rounded down, and whether that is exact.
    #[inline]
    fn product(amount: Amount, price: Price) -> (Self, bool) {
        let (high, low) = math::mul_wide(amount.wei(), price.wei());
        match math::div_wad_wide(high, low) {
            Ok((quotient, remainder)) => (Self::from_amount(Amount::from_wei(quotient)), remainder == 0),
            Err(math::Overflow) => Self::quotient(high, low, WAD),
        }
    }

    /// A 256-bit number by `divisor`, not zero: the quotient, and whether it is exact.
    #[inline]
    #[track_caller]
    fn quotient(high: u128, low: u128, divisor: u128) -> (Self, bool) {
        let quotient_high = high.checked_div(divisor);
        let remainder_high = high.checked_rem(divisor);
        let (quotient_high, remainder_high) =
            quotient_high.zip(remainder_high).expect("callers test the divisor for zero");
        let (quotient_low, remainder) =
            math::div_wide(remainder_high, low, divisor).expect("a remainder is below its divisor");
        match i128::try_from(quotient_high) {
            Ok(quotient_high) => {
                let words = U256::from_words(quotient_high.unsigned_abs(), quotient_low);
                (Self(words.as_i256()), remainder == 0)
            }
            Err(_) => ops::overflow("R11: Wide overflow"),
        }
    }
}

/// `floor(part * 10^18 / whole)` of positive numbers below 2^255, `None` above `u128`.
fn ratio_of_wide(part: U256, whole: U256) -> Option<u128> {
    let units = part.checked_div(whole)?;
    let rest = part.checked_rem(whole)?;
    // Long division of rest * 10^18, a bit of 10^18 at a time. Cannot wrap: rest, remainder < whole < 2^255,
    // and the quotient ends below 10^18.
    let (mut quotient, mut remainder) = (0_u128, U256::ZERO);
    for bit in (0..60_u32).rev() {
        quotient <<= 1;
        remainder = remainder.wrapping_add(remainder);
        if whole <= remainder {
            (quotient, remainder) = (quotient.wrapping_add(1), remainder.wrapping_sub(whole));
        }
        if (WAD >> bit) & 1 == 1 {
            remainder = remainder.wrapping_add(rest);
            if whole <= remainder {
                (quotient, remainder) = (quotient.wrapping_add(1), remainder.wrapping_sub(whole));
            }
        }
    }
    u128::try_from(units).ok()?.checked_mul(WAD)?.checked_add(quotient)
}
