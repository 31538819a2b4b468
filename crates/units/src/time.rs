//! [`Time`] and [`Millis`]: block time and spans of it. There is no clock here.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::ops;

/// A span of time in milliseconds.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct Millis(u64);

/// A moment: unix milliseconds.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct Time(u64);

same_unit_arithmetic!(Millis, |_| true);
integer_text!(Millis);
integer_text!(Time);

impl Millis {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// The longest span of the type.
    pub const MAX: Self = Self(u64::MAX);

    /// `millis` milliseconds.
    #[inline]
    pub const fn new(millis: u64) -> Self {
        Self(millis)
    }

    /// `n` seconds. Panics with `R11` above `u64` milliseconds.
    pub const fn seconds(n: u64) -> Self {
        Self::times(n, 1_000)
    }

    /// `n` minutes. Panics with `R11` above `u64` milliseconds.
    pub const fn minutes(n: u64) -> Self {
        Self::times(n, 60_000)
    }

    /// `n` hours. Panics with `R11` above `u64` milliseconds.
    pub const fn hours(n: u64) -> Self {
        Self::times(n, 3_600_000)
    }

    /// `n` days of 24 hours. Panics with `R11` above `u64` milliseconds.
    pub const fn days(n: u64) -> Self {
        Self::times(n, 86_400_000)
    }

    /// In milliseconds.
    #[inline]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether this is no time.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Difference, held at zero.
    #[inline]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    const fn times(n: u64, unit: u64) -> Self {
        match n.checked_mul(unit) {
            Some(millis) => Self(millis),
            None => ops::overflow("R11: Millis overflow"),
        }
    }

    fn from_integer(millis: u64) -> Option<Self> {
        Some(Self(millis))
    }
}

impl Time {
    /// The start of 1970.
    pub const ZERO: Self = Self(0);

    /// The last moment of the type; serves as "never".
    pub const MAX: Self = Self(u64::MAX);

    /// `millis` unix milliseconds.
    #[inline]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// In unix milliseconds.
    #[inline]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whether this is the start of 1970, which stands for "not yet".
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The moment `span` later. Panics with `R11` above `u64`.
    #[inline]
    #[track_caller]
    pub const fn after(self, span: Millis) -> Self {
        match self.0.checked_add(span.0) {
            Some(millis) => Self(millis),
            None => ops::overflow("R11: Time overflow"),
        }
    }

    /// Time passed since `earlier`; zero when that is not earlier.
    #[inline]
    pub const fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }

    fn from_integer(millis: u64) -> Option<Self> {
        Some(Self(millis))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Millis {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Millis".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 0 })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 0 })
    }
}
