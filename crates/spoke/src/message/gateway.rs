//! What gateways send each other across chains: one byte and what follows.

use super::wire::{DecodeError, Reader, Writer};
use ballast_types::{AssetId, ChainId, Nonce};
use ballast_units::Amount;

/// Collateral that a vault sent to another, as it travels with its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bridged {
    /// The chain that sent it.
    pub from: ChainId,
    /// The order there that did.
    pub nonce: Nonce,
    /// What.
    pub asset: AssetId,
    /// How much.
    pub amount: Amount,
}

/// A message from one gateway to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayMessage {
    /// The bytes of a [`super::Payload`], for the gateway's vault; its certificate decides.
    Orders(Vec<u8>),
    /// Composed with the token's own transfer.
    Bridged(Bridged),
}

impl GatewayMessage {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Self::Orders(payload) => out.u8(1).bytes(payload),
            Self::Bridged(Bridged { from, nonce, asset, amount }) => {
                out.u8(2).u16(from.0).u64(nonce.0).u16(asset.0).amount(*amount)
            }
        };
        out.finish()
    }

    /// The message that bytes are; the payload of orders is not read here.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        match reader.u8("message")? {
            1 => Ok(Self::Orders(bytes[1..].to_vec())),
            2 => {
                let from = ChainId(reader.u16("from")?);
                let nonce = Nonce(reader.u64("nonce")?);
                let asset = AssetId(reader.u16("asset")?);
                let amount = reader.amount("amount")?;
                reader.end("message")?;
                Ok(Self::Bridged(Bridged { from, nonce, asset, amount }))
            }
            found => Err(DecodeError::UnknownKind { field: "message of a gateway", at: 0, found }),
        }
    }
}
