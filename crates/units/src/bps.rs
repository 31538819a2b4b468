//! [`Bps`]: parameters in ten-thousandths.

use borsh::io::{Error, ErrorKind, Read};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::math::Overflow;
use crate::text::ParseError;
use crate::{Ratio, ops};

/// Ten-thousandths of one: 250 is 2.5 %. At most 1_000_000, which is a hundredfold.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, Serialize, Deserialize,
)]
#[serde(into = "u32", try_from = "u32")]
pub struct Bps(u32);

same_unit_arithmetic!(Bps, |bps| *bps <= Bps::MAX.0);
integer_text!(Bps);

impl Bps {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// One: 10_000.
    pub const ONE: Self = Self(10_000);

    /// The largest: a hundredfold.
    pub const MAX: Self = Self(1_000_000);

    /// Ten-thousandths in one.
    pub(crate) const SCALE: u128 = 10_000;

    /// `bps` ten-thousandths, for literals. Panics above [`Bps::MAX`].
    pub const fn new(bps: u32) -> Self {
        match Self::try_new(bps) {
            Ok(bps) => bps,
            Err(Overflow) => ops::overflow("R11: Bps overflow"),
        }
    }

    /// `bps` ten-thousandths. `Overflow` above [`Bps::MAX`].
    pub const fn try_new(bps: u32) -> Result<Self, Overflow> {
        if bps <= Self::MAX.0 { Ok(Self(bps)) } else { Err(Overflow) }
    }

    /// In ten-thousandths.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether this is zero.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Difference, held at zero.
    #[inline]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// As a Wad ratio, exact.
    #[inline]
    pub fn ratio(self) -> Ratio {
        Ratio::bps(i64::from(self.0))
    }

    fn from_integer(bps: u32) -> Option<Self> {
        Self::try_new(bps).ok()
    }
}

impl From<Bps> for u32 {
    fn from(bps: Bps) -> Self {
        bps.0
    }
}

impl TryFrom<u32> for Bps {
    type Error = Overflow;
    fn try_from(bps: u32) -> Result<Self, Overflow> {
        Self::try_new(bps)
    }
}

/// Refuses what is above [`Bps::MAX`].
impl BorshDeserialize for Bps {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self, Error> {
        let bps = u32::deserialize_reader(reader)?;
        Self::try_new(bps).map_err(|_| Error::new(ErrorKind::InvalidData, ParseError::OutOfRange))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Bps {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bps".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 0, "maximum": 1_000_000 })
    }
}
