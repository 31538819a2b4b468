//! What one block of the hub orders of one spoke, its digest, and what a courier carries.

use super::order::{encode_order, read_order};
use super::wire::{DecodeError, EncodeError, Reader, Writer};
use crate::certificate::{Certificate, CertificateError, Key, Signature, ValidatorSet};
use ballast_types::{ChainId, Hash, Order, digest::keccak};

/// The bytes of a batch: `count (2) || count times [ length (2) || order ]`.
pub fn encode_batch(orders: &[Order]) -> Result<Vec<u8>, EncodeError> {
    let mut out = Writer::default();
    write_batch(&mut out, orders)?;
    Ok(out.finish())
}

/// The orders that bytes are, all for `chain`.
pub fn decode_batch(chain: ChainId, bytes: &[u8]) -> Result<Vec<Order>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let orders = read_batch(chain, &mut reader)?;
    reader.end("batch")?;
    Ok(orders)
}

/// What validators sign for a batch.
pub fn orders_digest(domain: Hash, epoch: u32, orders: &[Order]) -> Result<Hash, EncodeError> {
    let mut hashes = Vec::new();
    for order in orders {
        hashes.extend(keccak(&[&encode_order(order)?]).0);
    }
    Ok(keccak(&[b"BALLAST-ORDERS-1", &domain.0, &epoch.to_be_bytes(), &keccak(&[&hashes]).0]))
}

/// Orders that a quorum signed: any courier may carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The spoke that it was signed for; not among its bytes, only in what was signed.
    pub domain: Hash,
    /// The hub's id of that spoke's chain.
    pub chain: ChainId,
    /// Who signed.
    pub certificate: Certificate,
    /// The set that they are of.
    pub epoch: u32,
    /// What they ordered.
    pub orders: Vec<Order>,
}

impl Payload {
    /// Signs a batch with `keys`.
    pub fn sign(
        domain: Hash,
        chain: ChainId,
        epoch: u32,
        orders: Vec<Order>,
        keys: &[Key],
    ) -> Result<Self, EncodeError> {
        let certificate = Certificate::sign(orders_digest(domain, epoch, &orders)?, keys);
        Ok(Self { domain, chain, certificate, epoch, orders })
    }

    /// What a vault checks before it looks at an order: for whom, of which set, signed by a quorum of it.
    pub fn verify(&self, domain: Hash, set: &ValidatorSet) -> Result<(), CertificateError> {
        if self.domain != domain {
            return Err(CertificateError::WrongDomain { have: self.domain, want: domain });
        }
        if self.epoch != set.epoch() {
            return Err(CertificateError::WrongEpoch { have: self.epoch, want: set.epoch() });
        }
        let digest = orders_digest(self.domain, self.epoch, &self.orders)?;
        set.verify(digest, &self.certificate, set.quorum())
    }

    /// `certificate || epoch (4) || batch`.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Writer::default();
        out.count_u8("signatures", self.certificate.signatures.len())?;
        for signature in &self.certificate.signatures {
            out.bytes(&signature.r).bytes(&signature.s).u8(signature.v);
        }
        out.u32(self.epoch);
        write_batch(&mut out, &self.orders)?;
        Ok(out.finish())
    }

    /// The payload that bytes are, read by the spoke of `domain`.
    pub fn decode(domain: Hash, chain: ChainId, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let count = reader.u8("signatures")?;
        let signatures = (0..count).map(|_| read_signature(&mut reader)).collect::<Result<_, _>>()?;
        let epoch = reader.u32("epoch")?;
        let orders = read_batch(chain, &mut reader)?;
        reader.end("payload")?;
        Ok(Self { domain, chain, certificate: Certificate { signatures }, epoch, orders })
    }
}

fn read_signature(reader: &mut Reader<'_>) -> Result<Signature, DecodeError> {
    Ok(Signature { r: reader.array("r")?, s: reader.array("s")?, v: reader.u8("v")? })
}

fn write_batch(out: &mut Writer, orders: &[Order]) -> Result<(), EncodeError> {
    out.count_u16("orders", orders.len())?;
    for order in orders {
        let bytes = encode_order(order)?;
        out.count_u16("bytes of an order", bytes.len())?.bytes(&bytes);
    }
    Ok(())
}

fn read_batch(chain: ChainId, reader: &mut Reader<'_>) -> Result<Vec<Order>, DecodeError> {
    let count = reader.u16("orders")?;
    (0..count).map(|_| read_sized_order(chain, reader)).collect()
}

fn read_sized_order(chain: ChainId, reader: &mut Reader<'_>) -> Result<Order, DecodeError> {
    let said = usize::from(reader.u16("length of an order")?);
    let at = reader.at();
    let mut part = reader.part("order", said)?;
    let order = read_order(chain, &mut part)?;
    let ends = part.at() - at;
    if ends != said {
        return Err(DecodeError::WrongLength { at, said, ends });
    }
    Ok(order)
}
