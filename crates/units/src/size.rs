//! [`Size`]: how much of the base a position holds, and on which side.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::math::{self, Overflow};
use crate::{Amount, Price, Usd, ops};

/// Signed base units of a position. Wad; long is positive.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Size(i128);

wei!(Size, i128);
same_unit_arithmetic!(Size, |_| true);
negation!(Size);
signed_decimal!(Size);

impl Size {
    /// The most negative value of the type.
    pub const MIN: Self = Self(i128::MIN);

    /// `n` whole base units.
    pub const fn whole(n: i64) -> Self {
        Self(math::wad_signed(n, 1_000_000_000_000_000_000))
    }

    /// `amount` base units on one side, exact. Panics with `R11` outside `i128`.
    #[inline]
    #[track_caller]
    pub fn from_amount(amount: Amount, long: bool) -> Self {
        match math::signed(!long, amount.wei()) {
            Ok(wei) => Self(wei),
            Err(Overflow) => ops::overflow("R11: Size overflow"),
        }
    }

    /// Base units without the side, exact.
    #[inline]
    pub const fn magnitude(self) -> Amount {
        Amount::from_wei(self.0.unsigned_abs())
    }

    /// Whether it gains when the price rises.
    #[inline]
    pub const fn is_long(self) -> bool {
        0 < self.0
    }

    /// Whether it gains when the price falls.
    #[inline]
    pub const fn is_short(self) -> bool {
        self.0 < 0
    }

    /// 1 for long, -1 for short, 0 for none.
    #[inline]
    pub const fn signum(self) -> i128 {
        self.0.signum()
    }

    /// Signed dollars at `price`, rounded down: for what an account owns. `Overflow` outside `i128`.
    #[inline]
    pub fn value_down(self, price: Price) -> Result<Usd, Overflow> {
        let (magnitude, short) = (self.0.unsigned_abs(), self.0 < 0);
        let value = if short { math::mul_wad_up } else { math::mul_wad_down };
        math::signed(short, value(magnitude, price.wei())?).map(Usd::from_wei)
    }

    /// Signed dollars at `price`, rounded up: for what an account owes. `Overflow` outside `i128`.
    #[inline]
    pub fn value_up(self, price: Price) -> Result<Usd, Overflow> {
        let (magnitude, short) = (self.0.unsigned_abs(), self.0 < 0);
        let value = if short { math::mul_wad_down } else { math::mul_wad_up };
        math::signed(short, value(magnitude, price.wei())?).map(Usd::from_wei)
    }

    /// `self * part / whole`, rounded toward zero. `Overflow` outside `i128` or when `whole` is zero.
    #[inline]
    pub fn share_toward_zero(self, part: Amount, whole: Amount) -> Result<Self, Overflow> {
        let share = math::mul_div_down(self.0.unsigned_abs(), part.wei(), whole.wei())?;
        math::signed(self.0 < 0, share).map(Self)
    }
}
