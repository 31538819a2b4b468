//! [`Ratio`]: a number without a unit.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::Millis;
use crate::math::{self, Overflow};
use crate::ops;

/// A signed plain number. Wad: `10^18` is one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Ratio(i128);

wei!(Ratio, i128);
same_unit_arithmetic!(Ratio, |_| true);
negation!(Ratio);
signed_decimal!(Ratio);

impl Ratio {
    /// The most negative value of the type.
    pub const MIN: Self = Self(i128::MIN);

    /// One.
    pub const ONE: Self = Self(1_000_000_000_000_000_000);

    /// The whole number `n`.
    pub const fn whole(n: i64) -> Self {
        Self(math::wad_signed(n, 1_000_000_000_000_000_000))
    }

    /// `n` hundredths.
    pub const fn percent(n: i64) -> Self {
        Self(math::wad_signed(n, 10_000_000_000_000_000))
    }

    /// `n` ten-thousandths.
    pub const fn bps(n: i64) -> Self {
        Self(math::wad_signed(n, 100_000_000_000_000))
    }

    /// Whether it is below zero.
    #[inline]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Absolute value. Panics with `R11` for `MIN`.
    #[inline]
    #[track_caller]
    pub const fn abs(self) -> Self {
        match self.0.checked_abs() {
            Some(wei) => Self(wei),
            None => ops::overflow("R11: Ratio overflow"),
        }
    }

    /// `self * other`, rounded down. `Overflow` outside `i128`.
    #[inline]
    pub fn mul_down(self, other: Self) -> Result<Self, Overflow> {
        math::signed_mul_wad_down(self.0, other.0).map(Self)
    }

    /// `self * other`, rounded up. `Overflow` outside `i128`.
    #[inline]
    pub fn mul_up(self, other: Self) -> Result<Self, Overflow> {
        math::signed_mul_wad_up(self.0, other.0).map(Self)
    }

    /// `self / other`, rounded down. `Overflow` outside `i128` or when `other` is zero.
    #[inline]
    pub fn div_down(self, other: Self) -> Result<Self, Overflow> {
        let negative = (self.0 < 0) != (other.0 < 0);
        let divide = if negative { math::div_wad_up } else { math::div_wad_down };
        math::signed(negative, divide(self.0.unsigned_abs(), other.0.unsigned_abs())?).map(Self)
    }

    /// `self / other`, rounded up. `Overflow` outside `i128` or when `other` is zero.
    #[inline]
    pub fn div_up(self, other: Self) -> Result<Self, Overflow> {
        let negative = (self.0 < 0) != (other.0 < 0);
        let divide = if negative { math::div_wad_down } else { math::div_wad_up };
        math::signed(negative, divide(self.0.unsigned_abs(), other.0.unsigned_abs())?).map(Self)
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

    /// Exponential average (R24): `self + (target - self) * dt / (tau + dt)`, the step rounded toward zero, so
    /// the result never leaves the interval of the two. `self` when `dt` is zero.
    #[inline]
    pub fn ema(self, target: Self, dt: Millis, tau: Millis) -> Self {
        let step = math::ema_step(self.0.abs_diff(target.0), dt.get(), tau.get());
        // Neither saturates: the step is at most the distance.
        Self(if self.0 <= target.0 {
            self.0.saturating_add_unsigned(step)
        } else {
            self.0.saturating_sub_unsigned(step)
        })
    }

    /// Wei as unsigned. `Overflow` when negative.
    #[inline]
    pub(crate) fn non_negative(self) -> Result<u128, Overflow> {
        u128::try_from(self.0).map_err(|_| Overflow)
    }
}
