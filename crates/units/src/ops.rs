//! Same-unit arithmetic, the same for every unit. Written once, as macros, because the inner integers differ.

/// Ends the program: a sum that cannot overflow under the ranges of R11 did.
#[cold]
#[inline(never)]
#[track_caller]
#[expect(clippy::panic, reason = "a wrapped balance is worse than a halt")]
pub(crate) const fn overflow(message: &'static str) -> ! {
    panic!("{}", message)
}

/// `checked_add`, `checked_sub`, `+`, `-`, `+=`, `-=`; `$accept` filters results (`Price` is never zero).
macro_rules! same_unit_arithmetic {
    ($name:ident, $accept:expr) => {
        impl $name {
            /// Sum. `Overflow` when it is out of the type's range.
            #[inline]
            pub fn checked_add(self, other: Self) -> Result<Self, $crate::Overflow> {
                self.0.checked_add(other.0).filter($accept).map(Self).ok_or($crate::Overflow)
            }

            /// Difference. `Overflow` when it is out of the type's range.
            #[inline]
            pub fn checked_sub(self, other: Self) -> Result<Self, $crate::Overflow> {
                self.0.checked_sub(other.0).filter($accept).map(Self).ok_or($crate::Overflow)
            }
        }

        /// Panics with `R11` on overflow; never wraps.
        impl core::ops::Add for $name {
            type Output = Self;
            #[inline]
            #[track_caller]
            fn add(self, other: Self) -> Self {
                match self.checked_add(other) {
                    Ok(sum) => sum,
                    Err(_) => $crate::ops::overflow(concat!("R11: ", stringify!($name), " overflow")),
                }
            }
        }

        /// Panics with `R11` on overflow; never wraps.
        impl core::ops::Sub for $name {
            type Output = Self;
            #[inline]
            #[track_caller]
            fn sub(self, other: Self) -> Self {
                match self.checked_sub(other) {
                    Ok(difference) => difference,
                    Err(_) => $crate::ops::overflow(concat!("R11: ", stringify!($name), " overflow")),
                }
            }
        }

        impl core::ops::AddAssign for $name {
            #[inline]
            #[track_caller]
            #[expect(clippy::arithmetic_side_effects, reason = "the checked operator above")]
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl core::ops::SubAssign for $name {
            #[inline]
            #[track_caller]
            #[expect(clippy::arithmetic_side_effects, reason = "the checked operator above")]
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }
    };
}

/// Unary `-` of a signed unit; panics with `R11` for the one value without a negative.
macro_rules! negation {
    ($name:ident) => {
        /// Panics with `R11` for `MIN`, which has no negative.
        impl core::ops::Neg for $name {
            type Output = Self;
            #[inline]
            #[track_caller]
            fn neg(self) -> Self {
                match self.0.checked_neg() {
                    Some(negative) => Self(negative),
                    None => $crate::ops::overflow(concat!("R11: ", stringify!($name), " overflow")),
                }
            }
        }
    };
}

/// `Sum` over values and references; panics with `R11` on overflow.
macro_rules! sum {
    ($name:ident) => {
        impl core::iter::Sum for $name {
            #[track_caller]
            #[expect(clippy::arithmetic_side_effects, reason = "the checked operator")]
            fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
                values.fold(Self::ZERO, |sum, value| sum + value)
            }
        }

        impl<'a> core::iter::Sum<&'a $name> for $name {
            #[track_caller]
            fn sum<I: Iterator<Item = &'a Self>>(values: I) -> Self {
                values.copied().sum()
            }
        }
    };
}

/// `ZERO`, `MAX`, `from_wei`, `wei`, `is_zero` and `saturating_sub` of a unit that may be zero.
macro_rules! wei {
    ($name:ident, $inner:ty) => {
        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(0);

            /// The largest value of the type, in wei; far above what R11 lets in.
            pub const MAX: Self = Self(<$inner>::MAX);

            /// From wei, `10^-18`.
            #[inline]
            pub const fn from_wei(wei: $inner) -> Self {
                Self(wei)
            }

            /// In wei, `10^-18`.
            #[inline]
            pub const fn wei(self) -> $inner {
                self.0
            }

            /// Whether this is zero.
            #[inline]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// Difference, held at the end of the type's range (zero, for an unsigned unit).
            #[inline]
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }
    };
}
