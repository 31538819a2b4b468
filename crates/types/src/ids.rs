//! Who and what: ids are dense numbers given in order of arrival, so that tables are arrays.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// An account: its place in the table of accounts, in order of opening.
    AccountId(u32)
}
id! {
    /// A perpetual market, in order of listing.
    MarketId(u16)
}
id! {
    /// An asset as such, wherever it lies (ETH on Ethereum and ETH on Solana are one asset, one price).
    AssetId(u16)
}
id! {
    /// A chain, in the order of genesis.
    ChainId(u16)
}
id! {
    /// One of an asset's price sources.
    SourceId(u8)
}
id! {
    /// Collateral under auction.
    LotId(u64)
}
id! {
    /// One liquidation, from detection to distribution.
    TaskId(u64)
}
id! {
    /// A keeper, in order of registration.
    KeeperId(u32)
}
id! {
    /// A region of the world, as a number that governance gives a meaning.
    RegionId(u16)
}
id! {
    /// One walk down the waterfall that left a deficit.
    LossId(u64)
}
id! {
    /// Number of an order to one spoke, from 1.
    Nonce(u64)
}
id! {
    /// Number of an event of one vault, from 1.
    Sequence(u64)
}
id! {
    /// Number of a block, from 1.
    Height(u64)
}

/// An asset on a chain: what a vault holds and what collateral is counted in.
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Token {
    /// What it is.
    pub asset: AssetId,
    /// Where it lies.
    pub chain: ChainId,
}

/// 32 bytes of an address on some chain; shorter ones are padded with zeros on the left.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Address(pub [u8; 32]);

/// A 32-byte hash.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Hash(pub [u8; 32]);

/// A validator as a vault knows it: the last 20 bytes of the hash of its secp256k1 key.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Signer(pub [u8; 20]);

/// The largest set of validators whose quorum, 255, still fits the one byte that counts a certificate's signatures.
pub const SIGNERS_MOST: usize = 382;

macro_rules! hex_bytes {
    ($name:ident, $length:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("0x")?;
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as Deserialize>::deserialize(deserializer)?;
                parse_hex::<$length>(&text).map(Self).ok_or_else(|| {
                    let digits = $length * 2;
                    serde::de::Error::custom(format!(
                        "expected 0x and {digits} hexadecimal digits, found {text:?}"
                    ))
                })
            }
        }
        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let pattern = format!("^0x[0-9a-fA-F]{{{}}}$", $length * 2);
                schemars::json_schema!({ "type": "string", "pattern": pattern })
            }
        }
    };
}
hex_bytes!(Address, 32);
hex_bytes!(Hash, 32);
hex_bytes!(Signer, 20);

fn parse_hex<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.is_ascii())?;
    if digits.len() != LENGTH.checked_mul(2)? {
        return None;
    }
    let mut bytes = [0_u8; LENGTH];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

impl Owner {
    /// The reserve, an owner that nobody has a key for: ASCII, 32 letters, since a vault refuses an owner that ends in
    /// twelve zeros. A coin that is deposited to it goes to the float; the multisigs recall what they keep by this.
    pub const RESERVE: Self = Self { address: Address(*b"Ballast, the reserve's own funds"), subaccount: 0 };
}

/// Whose account it is: an address and the number of one of its subaccounts.
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
pub struct Owner {
    /// The address that signs.
    pub address: Address,
    /// 0 for the first.
    pub subaccount: u16,
}
