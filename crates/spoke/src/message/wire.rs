//! Reading and writing fields: big endian, of fixed width.

use ballast_units::{Amount, Millis, Price, Ratio, Time};

/// Why bytes are not a message: what was being read, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end within a field.
    #[error("byte {at}: {field} takes {need} bytes, {have} are left")]
    Truncated {
        /// What was being read.
        field: &'static str,
        /// Where it begins.
        at: usize,
        /// Bytes that it takes.
        need: usize,
        /// Bytes that are left.
        have: usize,
    },
    /// Something follows the end.
    #[error("byte {at}: {left} bytes follow the end of the {message}")]
    Overlong {
        /// What was being read.
        message: &'static str,
        /// Where it ends.
        at: usize,
        /// Bytes after it.
        left: usize,
    },
    /// A kind that does not exist.
    #[error("byte {at}: {found} is no {field}")]
    UnknownKind {
        /// What was being read.
        field: &'static str,
        /// Where it stands.
        at: usize,
        /// What stands there.
        found: u8,
    },
    /// An order is not as long as it says.
    #[error("byte {at}: an order is said to have {said} bytes, its body ends after {ends}")]
    WrongLength {
        /// Where the order begins.
        at: usize,
        /// Length that stands before it.
        said: usize,
        /// Bytes up to the end of its last field.
        ends: usize,
    },
    /// A number that nothing can have.
    #[error("byte {at}: {field} is out of range")]
    OutOfRange {
        /// What was being read.
        field: &'static str,
        /// Where it begins.
        at: usize,
    },
}

/// Why a message cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// More than its count can say.
    #[error("{count} of {field}, at most {limit} can be said")]
    TooMany {
        /// Of what.
        field: &'static str,
        /// How many there are.
        count: usize,
        /// How many there can be.
        limit: usize,
    },
    /// A number that its field cannot hold.
    #[error("{field} is out of range")]
    OutOfRange {
        /// Which.
        field: &'static str,
    },
}

/// Reads fields one after the other; places are counted from the start of the whole message.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) const fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(crate) fn bytes(&mut self, field: &'static str, need: usize) -> Result<&'a [u8], DecodeError> {
        let have = self.left();
        if have < need {
            return Err(DecodeError::Truncated { field, at: self.at, need, have });
        }
        let bytes = &self.bytes[self.at..self.at + need];
        self.at += need;
        Ok(bytes)
    }

    /// The next `length` bytes, as a message of their own.
    pub(crate) fn part(&mut self, field: &'static str, length: usize) -> Result<Self, DecodeError> {
        let at = self.at;
        self.bytes(field, length)?;
        Ok(Self { bytes: &self.bytes[..at + length], at })
    }

    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        Ok(self.bytes(field, N)?.try_into().expect("as many bytes as were asked for"))
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array(field).map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.array(field).map(u64::from_be_bytes)
    }

    pub(crate) fn u128(&mut self, field: &'static str) -> Result<u128, DecodeError> {
        self.array(field).map(u128::from_be_bytes)
    }

    pub(crate) fn amount(&mut self, field: &'static str) -> Result<Amount, DecodeError> {
        self.u128(field).map(Amount::from_wei)
    }

    pub(crate) fn price(&mut self, field: &'static str) -> Result<Price, DecodeError> {
        let at = self.at;
        Price::from_wei(self.u128(field)?).map_err(|_| DecodeError::OutOfRange { field, at })
    }

    pub(crate) fn ratio(&mut self, field: &'static str) -> Result<Ratio, DecodeError> {
        let at = self.at;
        let wei = i128::try_from(self.u128(field)?).map_err(|_| DecodeError::OutOfRange { field, at })?;
        Ok(Ratio::from_wei(wei))
    }

    pub(crate) fn time(&mut self, field: &'static str) -> Result<Time, DecodeError> {
        self.u64(field).map(Time::from_millis)
    }

    pub(crate) fn span(&mut self, field: &'static str) -> Result<Millis, DecodeError> {
        self.u64(field).map(Millis::new)
    }

    /// 0 or 1.
    pub(crate) fn flag(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        let at = self.at;
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(DecodeError::UnknownKind { field, at, found }),
        }
    }

    /// Refuses what follows the end.
    pub(crate) fn end(&self, message: &'static str) -> Result<(), DecodeError> {
        match self.left() {
            0 => Ok(()),
            left => Err(DecodeError::Overlong { message, at: self.at, left }),
        }
    }
}

/// Writes fields one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn amount(&mut self, value: Amount) -> &mut Self {
        self.bytes(&value.wei().to_be_bytes())
    }

    pub(crate) fn price(&mut self, value: Price) -> &mut Self {
        self.bytes(&value.wei().to_be_bytes())
    }

    pub(crate) fn time(&mut self, value: Time) -> &mut Self {
        self.u64(value.millis())
    }

    pub(crate) fn span(&mut self, value: Millis) -> &mut Self {
        self.u64(value.get())
    }

    /// A ratio that is not negative.
    pub(crate) fn ratio(&mut self, field: &'static str, value: Ratio) -> Result<&mut Self, EncodeError> {
        let wei = u128::try_from(value.wei()).map_err(|_| EncodeError::OutOfRange { field })?;
        Ok(self.bytes(&wei.to_be_bytes()))
    }

    /// How many follow, in one byte.
    pub(crate) fn count_u8(&mut self, field: &'static str, count: usize) -> Result<&mut Self, EncodeError> {
        let limit = usize::from(u8::MAX);
        Ok(self.u8(u8::try_from(count).map_err(|_| EncodeError::TooMany { field, count, limit })?))
    }

    /// How many follow, in two bytes.
    pub(crate) fn count_u16(&mut self, field: &'static str, count: usize) -> Result<&mut Self, EncodeError> {
        let limit = usize::from(u16::MAX);
        Ok(self.u16(u16::try_from(count).map_err(|_| EncodeError::TooMany { field, count, limit })?))
    }
}
