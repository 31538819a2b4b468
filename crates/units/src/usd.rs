//! [`Usd`]: dollars that can be owed.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::math::{self, Overflow};
use crate::{Amount, Millis, Ratio};

/// Signed dollars. Wad; negative is owed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Usd(i128);

wei!(Usd, i128);
same_unit_arithmetic!(Usd, |_| true);
negation!(Usd);
sum!(Usd);
signed_decimal!(Usd);

impl Usd {
    /// The most negative value of the type.
    pub const MIN: Self = Self(i128::MIN);

    /// `n` whole dollars.
    pub const fn whole(n: i64) -> Self {
        Self(math::wad_signed(n, 1_000_000_000_000_000_000))
    }

    /// An amount of dollars, exact; the same as [`Amount::dollars`]. Panics with `R11` above `i128`.
    #[inline]
    #[track_caller]
    pub fn from_amount(dollars: Amount) -> Self {
        dollars.dollars()
    }

    /// Whether it is below zero.
    #[inline]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Its absolute value, exact.
    #[inline]
    pub const fn magnitude(self) -> Amount {
        Amount::from_wei(self.0.unsigned_abs())
    }

    /// Itself when positive, otherwise zero.
    #[inline]
    pub const fn positive_part(self) -> Amount {
        if self.0 < 0 { Amount::ZERO } else { self.magnitude() }
    }

    /// Its absolute value when negative, otherwise zero.
    #[inline]
    pub const fn negative_part(self) -> Amount {
        if self.0 < 0 { self.magnitude() } else { Amount::ZERO }
    }

    /// `self * ratio`, rounded down. `Overflow` outside `i128`.
    #[inline]
    pub fn mul_ratio_down(self, ratio: Ratio) -> Result<Self, Overflow> {
        math::signed_mul_wad_down(self.0, ratio.wei()).map(Self)
    }

    /// `self * ratio`, rounded up. `Overflow` outside `i128`.
    #[inline]
    pub fn mul_ratio_up(self, ratio: Ratio) -> Result<Self, Overflow> {
        math::signed_mul_wad_up(self.0, ratio.wei()).map(Self)
    }

    /// `self * part / whole`, rounded down. `Overflow` outside `i128` or when `whole` is zero.
    #[inline]
    pub fn share_down(self, part: Amount, whole: Amount) -> Result<Self, Overflow> {
        let magnitude = self.0.unsigned_abs();
        let share = if self.0 < 0 { math::mul_div_up } else { math::mul_div_down };
        math::signed(self.0 < 0, share(magnitude, part.wei(), whole.wei())?).map(Self)
    }

    /// `self * part / whole`, rounded up. `Overflow` outside `i128` or when `whole` is zero.
    #[inline]
    pub fn share_up(self, part: Amount, whole: Amount) -> Result<Self, Overflow> {
        let magnitude = self.0.unsigned_abs();
        let share = if self.0 < 0 { math::mul_div_down } else { math::mul_div_up };
        math::signed(self.0 < 0, share(magnitude, part.wei(), whole.wei())?).map(Self)
    }

    /// `self * dt / per`, rounded down. `Overflow` outside `i128` or when `per` is zero.
    #[inline]
    pub fn per_time_down(self, dt: Millis, per: Millis) -> Result<Self, Overflow> {
        math::signed_mul_div_down(self.0, i128::from(dt.get()), u128::from(per.get())).map(Self)
    }

    /// `self * dt / per`, rounded up. `Overflow` outside `i128` or when `per` is zero.
    #[inline]
    pub fn per_time_up(self, dt: Millis, per: Millis) -> Result<Self, Overflow> {
        math::signed_mul_div_up(self.0, i128::from(dt.get()), u128::from(per.get())).map(Self)
    }
}
