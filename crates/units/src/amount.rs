//! [`Amount`]: a quantity that cannot be negative.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::math::{self, Overflow};
use crate::text::{Decimal, ParseError};
use crate::{Bps, Millis, Price, Ratio, Size, Usd, ops};

/// A quantity of a token, or of dollars on the books. Wad; never negative.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Amount(u128);

wei!(Amount, u128);
same_unit_arithmetic!(Amount, |_| true);
sum!(Amount);
decimal_text!(Amount);

impl Amount {
    /// The largest amount that may enter the books, inclusive (R11): `2^110` wei, 1.3e15 units.
    pub const LIMIT: Self = Self(1 << 110);

    /// `n` whole units.
    pub const fn whole(n: u64) -> Self {
        Self(math::wad_unsigned(n))
    }

    /// Whether it is at most [`Amount::LIMIT`].
    pub const fn in_range(self) -> bool {
        self.0 <= Self::LIMIT.0
    }

    /// An amount of dollars as signed dollars, exact. Panics with `R11` above `i128`.
    #[inline]
    #[track_caller]
    pub fn dollars(self) -> Usd {
        match i128::try_from(self.0) {
            Ok(wei) => Usd::from_wei(wei),
            Err(_) => ops::overflow("R11: Usd overflow"),
        }
    }

    /// This amount of base units as a long size, exact. Panics with `R11` above `i128`.
    #[inline]
    #[track_caller]
    pub fn size_long(self) -> Size {
        Size::from_amount(self, true)
    }

    /// Dollars this is worth at `price`, rounded down. `Overflow` above `u128`.
    #[inline]
    pub fn value_down(self, price: Price) -> Result<Self, Overflow> {
        math::mul_wad_down(self.0, price.wei()).map(Self)
    }

    /// Dollars this is worth at `price`, rounded up. `Overflow` above `u128`.
    #[inline]
    pub fn value_up(self, price: Price) -> Result<Self, Overflow> {
        math::mul_wad_up(self.0, price.wei()).map(Self)
    }

    /// `self * ratio`, rounded down. `Overflow` above `u128` or when `ratio` is negative.
    #[inline]
    pub fn mul_ratio_down(self, ratio: Ratio) -> Result<Self, Overflow> {
        math::mul_wad_down(self.0, ratio.non_negative()?).map(Self)
    }

    /// `self * ratio`, rounded up. `Overflow` above `u128` or when `ratio` is negative.
    #[inline]
    pub fn mul_ratio_up(self, ratio: Ratio) -> Result<Self, Overflow> {
        math::mul_wad_up(self.0, ratio.non_negative()?).map(Self)
    }

    /// `self * bps / 10_000`, rounded down. Panics with `R11` above `u128`, which takes both `bps` above one
    /// and an amount a thousand times over [`Amount::LIMIT`].
    #[inline]
    #[track_caller]
    pub fn bps_down(self, bps: Bps) -> Self {
        match math::mul_div_down(self.0, u128::from(bps.get()), Bps::SCALE) {
            Ok(wei) => Self(wei),
            Err(Overflow) => ops::overflow("R11: Amount overflow"),
        }
    }

    /// `self * bps / 10_000`, rounded up. Panics as [`Amount::bps_down`] does.
    #[inline]
    #[track_caller]
    pub fn bps_up(self, bps: Bps) -> Self {
        match math::mul_div_up(self.0, u128::from(bps.get()), Bps::SCALE) {
            Ok(wei) => Self(wei),
            Err(Overflow) => ops::overflow("R11: Amount overflow"),
        }
    }

    /// `self * part / whole`, rounded down. `Overflow` above `u128` or when `whole` is zero.
    #[inline]
    pub fn share_down(self, part: Self, whole: Self) -> Result<Self, Overflow> {
        math::mul_div_down(self.0, part.0, whole.0).map(Self)
    }

    /// `self * part / whole`, rounded up. `Overflow` above `u128` or when `whole` is zero.
    #[inline]
    pub fn share_up(self, part: Self, whole: Self) -> Result<Self, Overflow> {
        math::mul_div_up(self.0, part.0, whole.0).map(Self)
    }

    /// In whole units, rounded down. A unit of zero wei is one of a wei.
    #[must_use]
    pub fn units_down(self, unit: Self) -> Self {
        Self(self.0.saturating_sub(self.0.checked_rem(unit.0).unwrap_or(0)))
    }

    /// In whole units, rounded up. `Overflow` above `u128`.
    pub fn units_up(self, unit: Self) -> Result<Self, Overflow> {
        let down = self.units_down(unit);
        if down == self { Ok(self) } else { down.checked_add(unit) }
    }

    /// Base units these dollars buy at `price`, rounded down. `Overflow` above `u128`.
    #[inline]
    pub fn at_price_down(self, price: Price) -> Result<Self, Overflow> {
        math::div_wad_down(self.0, price.wei()).map(Self)
    }

    /// Base units these dollars buy at `price`, rounded up. `Overflow` above `u128`.
    #[inline]
    pub fn at_price_up(self, price: Price) -> Result<Self, Overflow> {
        math::div_wad_up(self.0, price.wei()).map(Self)
    }

    /// `self / whole`, rounded down. `Overflow` above `i128` or when `whole` is zero.
    #[inline]
    pub fn ratio_to_down(self, whole: Self) -> Result<Ratio, Overflow> {
        math::signed(false, math::div_wad_down(self.0, whole.0)?).map(Ratio::from_wei)
    }

    /// `self / whole`, rounded up. `Overflow` above `i128` or when `whole` is zero.
    #[inline]
    pub fn ratio_to_up(self, whole: Self) -> Result<Ratio, Overflow> {
        math::signed(false, math::div_wad_up(self.0, whole.0)?).map(Ratio::from_wei)
    }

    /// The price at which `base` units are worth these dollars, rounded down but at least one wei. `Overflow`
    /// above `u128` or when `base` is zero.
    #[inline]
    pub fn price_of(self, base: Self) -> Result<Price, Overflow> {
        Price::from_wei(math::div_wad_down(self.0, base.0)?.max(1))
    }

    /// `self * dt / per`, rounded down. `Overflow` above `u128` or when `per` is zero.
    #[inline]
    pub fn per_time_down(self, dt: Millis, per: Millis) -> Result<Self, Overflow> {
        math::mul_div_down(self.0, u128::from(dt.get()), u128::from(per.get())).map(Self)
    }

    /// `self * dt / per`, rounded up. `Overflow` above `u128` or when `per` is zero.
    #[inline]
    pub fn per_time_up(self, dt: Millis, per: Millis) -> Result<Self, Overflow> {
        math::mul_div_up(self.0, u128::from(dt.get()), u128::from(per.get())).map(Self)
    }

    /// Exponential average (R24): `self + (target - self) * dt / (tau + dt)`, the step rounded toward zero, so
    /// the result never leaves the interval of the two. `self` when `dt` is zero.
    #[inline]
    pub fn ema(self, target: Self, dt: Millis, tau: Millis) -> Self {
        let step = math::ema_step(self.0.abs_diff(target.0), dt.get(), tau.get());
        // Neither saturates: the step is at most the distance.
        Self(if self.0 <= target.0 { self.0.saturating_add(step) } else { self.0.saturating_sub(step) })
    }
}

impl Decimal for Amount {
    const NAME: &'static str = "Amount";

    fn parts(self) -> (bool, u128) {
        (false, self.0)
    }

    fn from_parts(negative: bool, wei: u128) -> Result<Self, ParseError> {
        if negative && wei != 0 { Err(ParseError::Negative) } else { Ok(Self(wei)) }
    }
}
