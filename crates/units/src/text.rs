//! Decimal text of the Wad units: `-?[0-9]+(\.[0-9]{1,18})?`, exact both ways, and serde as that text.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{self, Visitor};

use crate::math::WAD;

/// Why a text is not a value of the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ParseError {
    /// Something else than digits, one point and a leading minus.
    #[error("not a decimal number, such as 1234.5")]
    NotANumber,
    /// Finer than a wei.
    #[error("more than 18 digits after the point")]
    TooManyDigits,
    /// A minus before a unit that is never negative.
    #[error("must not be negative")]
    Negative,
    /// A price of nothing.
    #[error("must not be zero")]
    Zero,
    /// Larger than the type holds.
    #[error("number out of range")]
    OutOfRange,
}

/// A unit whose text is a decimal with 18 digits after the point.
pub(crate) trait Decimal: Copy {
    /// Name of the unit in error texts.
    const NAME: &'static str;

    /// Sign (true is negative) and wei.
    fn parts(self) -> (bool, u128);

    /// The inverse of [`Decimal::parts`].
    fn from_parts(negative: bool, wei: u128) -> Result<Self, ParseError>;
}

/// Writes the decimal, without trailing zeros. Width and fill are honoured, precision is not: it would round.
pub(crate) fn write(value: impl Decimal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (negative, wei) = value.parts();
    if f.width().is_some() || f.sign_plus() {
        return f.pad_integral(!negative, "", &Digits(wei).to_string());
    }
    if negative {
        f.write_str("-")?;
    }
    fmt::Display::fmt(&Digits(wei), f)
}

/// A magnitude in wei, printed as a decimal.
struct Digits(u128);

impl fmt::Display for Digits {
    #[expect(clippy::arithmetic_side_effects, reason = "divisions by constants; width counts down from 18")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, mut fraction) = (self.0 / WAD, self.0 % WAD);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        let mut width = 18_usize;
        while fraction % 10 == 0 {
            fraction /= 10;
            width -= 1;
        }
        write!(f, "{whole}.{fraction:0width$}")
    }
}

/// Reads a decimal text.
pub(crate) fn parse<T: Decimal>(text: &str) -> Result<T, ParseError> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
    let whole_part = digits(whole)?;
    if 18 < fraction.len() && fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseError::TooManyDigits);
    }
    let places = u32::try_from(fraction.len()).ok().and_then(|len| 18_u32.checked_sub(len));
    let unit = places.and_then(|places| 10_u128.checked_pow(places)).ok_or(ParseError::NotANumber)?;
    let fraction_part = digits(fraction)?.checked_mul(unit).ok_or(ParseError::OutOfRange)?;
    let wei = whole_part.checked_mul(WAD).and_then(|wei| wei.checked_add(fraction_part));
    T::from_parts(negative, wei.ok_or(ParseError::OutOfRange)?)
}

/// One or more ASCII digits, and nothing else.
fn digits(text: &str) -> Result<u128, ParseError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseError::NotANumber);
    }
    text.parse().map_err(|_| ParseError::OutOfRange)
}

/// Serde input: the decimal text, or a JSON integer, which counts whole units as the text would.
pub(crate) struct DecimalVisitor<T>(pub(crate) PhantomData<T>);

impl<T: Decimal> DecimalVisitor<T> {
    fn whole<E: de::Error>(negative: bool, whole: u128) -> Result<T, E> {
        let wei = whole.checked_mul(WAD).ok_or(ParseError::OutOfRange);
        wei.and_then(|wei| T::from_parts(negative, wei)).map_err(|error| E::custom(named::<T>(error)))
    }
}

fn named<T: Decimal>(error: ParseError) -> String {
    format!("{}: {error}", T::NAME)
}

impl<T: Decimal> Visitor<'_> for DecimalVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as a decimal text such as \"1234.5\", or an integer", T::NAME)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        parse(text).map_err(|error| E::custom(named::<T>(error)))
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<T, E> {
        Self::whole(false, u128::from(whole))
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<T, E> {
        Self::whole(whole < 0, u128::from(whole.unsigned_abs()))
    }

    fn visit_u128<E: de::Error>(self, whole: u128) -> Result<T, E> {
        Self::whole(false, whole)
    }

    fn visit_i128<E: de::Error>(self, whole: i128) -> Result<T, E> {
        Self::whole(whole < 0, whole.unsigned_abs())
    }
}

/// `Display`, `FromStr`, serde and the JSON Schema of a [`Decimal`].
macro_rules! decimal_text {
    ($name:ident) => {
        /// The exact decimal, without trailing zeros.
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $crate::text::write(*self, f)
            }
        }

        /// `-?[0-9]+(\.[0-9]{1,18})?`, exact.
        impl core::str::FromStr for $name {
            type Err = $crate::ParseError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::text::parse(text)
            }
        }

        /// As decimal text.
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        /// From decimal text, or from an integer of whole units.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($crate::text::DecimalVisitor(core::marker::PhantomData))
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,18})?$" })
            }
        }
    };
}

/// [`Decimal`] of a signed unit.
macro_rules! signed_decimal {
    ($name:ident) => {
        impl $crate::text::Decimal for $name {
            const NAME: &'static str = stringify!($name);

            fn parts(self) -> (bool, u128) {
                (self.0 < 0, self.0.unsigned_abs())
            }

            fn from_parts(negative: bool, wei: u128) -> Result<Self, $crate::ParseError> {
                $crate::math::signed(negative, wei).map(Self).map_err(|_| $crate::ParseError::OutOfRange)
            }
        }

        decimal_text!($name);
    };
}

/// `Display` and `FromStr` of a unit that is a plain integer in text.
macro_rules! integer_text {
    ($name:ident) => {
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&self.0, f)
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::ParseError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let value = $crate::text::parse_integer(text)?;
                value.try_into().ok().and_then(Self::from_integer).ok_or($crate::ParseError::OutOfRange)
            }
        }
    };
}

/// Reads a text of digits alone.
pub(crate) fn parse_integer(text: &str) -> Result<u128, ParseError> {
    match text.strip_prefix('-') {
        Some(_) => Err(ParseError::Negative),
        None => digits(text),
    }
}
