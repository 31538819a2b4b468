//! [`Price`]: dollars for one whole base unit.

use borsh::io::{Error, ErrorKind, Read};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::math::{self, Overflow, WAD};
use crate::text::{Decimal, ParseError};
use crate::{Bps, Millis, Ratio, Usd, ops};

/// Dollars for one whole base unit. Wad; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Price(u128);

same_unit_arithmetic!(Price, |wei| *wei != 0);
decimal_text!(Price);

impl Price {
    /// One wei, the lowest price.
    pub const MIN: Self = Self(1);

    /// One dollar.
    pub const ONE: Self = Self(WAD);

    /// The largest value of the type, in wei; far above what R11 lets in.
    pub const MAX: Self = Self(u128::MAX);

    /// The highest price that may enter, inclusive (R11): `2^90` wei, 1.2e9 dollars.
    pub const LIMIT: Self = Self(1 << 90);

    /// From wei, `10^-18` dollars. `Overflow` for zero.
    #[inline]
    pub const fn from_wei(wei: u128) -> Result<Self, Overflow> {
        if wei == 0 { Err(Overflow) } else { Ok(Self(wei)) }
    }

    /// `n` whole dollars, for literals. Panics for zero.
    pub const fn whole(n: u64) -> Self {
        if n == 0 {
            ops::overflow("R11: Price is never zero")
        }
        Self(math::wad_unsigned(n))
    }

    /// In wei, `10^-18` dollars; never zero.
    #[inline]
    pub const fn wei(self) -> u128 {
        self.0
    }

    /// Whether it is at most [`Price::LIMIT`].
    pub const fn in_range(self) -> bool {
        self.0 <= Self::LIMIT.0
    }

    /// Difference, held at one wei.
    #[inline]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(1))
    }

    /// `self - other` in signed dollars a base unit, exact. Panics with `R11` outside `i128`.
    #[inline]
    #[track_caller]
    pub fn minus(self, other: Self) -> Usd {
        match math::signed(self.0 < other.0, self.0.abs_diff(other.0)) {
            Ok(wei) => Usd::from_wei(wei),
            Err(Overflow) => ops::overflow("R11: Usd overflow"),
        }
    }

    /// `self * ratio`, rounded down. `Overflow` above `u128`, when the result is zero or `ratio` is negative.
    #[inline]
    pub fn mul_ratio_down(self, ratio: Ratio) -> Result<Self, Overflow> {
        Self::from_wei(math::mul_wad_down(self.0, ratio.non_negative()?)?)
    }

    /// `self * ratio`, rounded up. `Overflow` above `u128`, when the result is zero or `ratio` is negative.
    #[inline]
    pub fn mul_ratio_up(self, ratio: Ratio) -> Result<Self, Overflow> {
        Self::from_wei(math::mul_wad_up(self.0, ratio.non_negative()?)?)
    }

    /// `self * bps / 10_000`, rounded down. `Overflow` above `u128` or when the result is zero.
    #[inline]
    pub fn scale_bps_down(self, bps: Bps) -> Result<Self, Overflow> {
        Self::from_wei(math::mul_div_down(self.0, u128::from(bps.get()), Bps::SCALE)?)
    }

    /// `self * bps / 10_000`, rounded up. `Overflow` above `u128` or when the result is zero.
    #[inline]
    pub fn scale_bps_up(self, bps: Bps) -> Result<Self, Overflow> {
        Self::from_wei(math::mul_div_up(self.0, u128::from(bps.get()), Bps::SCALE)?)
    }

    /// `self / other`, rounded down. `Overflow` above `i128`.
    #[inline]
    pub fn ratio_to_down(self, other: Self) -> Result<Ratio, Overflow> {
        math::signed(false, math::div_wad_down(self.0, other.0)?).map(Ratio::from_wei)
    }

    /// `self / index - 1`, rounded down: positive when above the index. `Overflow` above `i128`.
    #[inline]
    pub fn premium_over(self, index: Self) -> Result<Ratio, Overflow> {
        // One is a whole number of wei, so taking it off after the rounding is exact.
        self.ratio_to_down(index)?.checked_sub(Ratio::ONE)
    }

    /// The middle of two prices, rounded down.
    #[inline]
    pub const fn midpoint(self, other: Self) -> Self {
        Self(self.0.midpoint(other.0))
    }

    /// Coarse logarithm: `bit_length << 12 | the 12 bits after the leading one`. Monotone; steps of less than
    /// 2^-12 of the price.
    #[inline]
    pub fn bucket(self) -> u32 {
        let zeros = self.0.leading_zeros();
        // The leading one is shifted out, the 12 bits after it are on top.
        let mantissa = ((self.0 << zeros) << 1) >> 116;
        let mantissa = u32::try_from(mantissa).expect("128 - 116 = 12 bits");
        (128_u32.saturating_sub(zeros) << 12) | mantissa
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

/// Refuses zero.
impl BorshDeserialize for Price {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self, Error> {
        let wei = u128::deserialize_reader(reader)?;
        Self::from_wei(wei).map_err(|_| Error::new(ErrorKind::InvalidData, ParseError::Zero))
    }
}

impl Decimal for Price {
    const NAME: &'static str = "Price";

    fn parts(self) -> (bool, u128) {
        (false, self.0)
    }

    fn from_parts(negative: bool, wei: u128) -> Result<Self, ParseError> {
        match (negative, wei) {
            (_, 0) => Err(ParseError::Zero),
            (true, _) => Err(ParseError::Negative),
            (false, _) => Ok(Self(wei)),
        }
    }
}
