//! What couriers carry: the signed orders of each block and spoke, until they are worth nothing any more.
//!
//! - A vault carries out each order once, so couriers may carry everything again, and after a restart they do.
//! - Keeps: I06. Signatures are deterministic: a payload that is made again from the log is the same, byte for byte.

use ballast_spoke::certificate::Key;
use ballast_spoke::message::{EncodeError, Payload};
use ballast_types::{ChainId, Hash, Height, Order};
use ballast_units::Time;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;

/// Payloads by block and spoke.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Outbox {
    parcels: BTreeMap<(Height, ChainId), Parcel>,
}

/// A payload as a courier carries it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Parcel {
    /// The last of its orders is worth nothing from here on.
    pub expires: Time,
    /// `certificate || epoch || batch`.
    pub bytes: Vec<u8>,
}

impl Outbox {
    /// Everything to carry, the oldest block first.
    pub fn iter(&self) -> impl Iterator<Item = (Height, ChainId, &Parcel)> {
        self.parcels.iter().map(|((height, chain), parcel)| (*height, *chain, parcel))
    }

    /// Puts in what a block ordered, and takes out what has expired by its time.
    pub(crate) fn put(&mut self, height: Height, now: Time, payloads: &[Payload]) -> Result<(), EncodeError> {
        self.parcels.retain(|_, parcel| now < parcel.expires);
        for payload in payloads {
            let expires = payload.orders.iter().map(|order| order.expires).max().unwrap_or(now);
            let bytes = payload.encode()?;
            self.parcels.insert((height, payload.chain), Parcel { expires, bytes });
        }
        Ok(())
    }
}

/// What a node signs orders with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signing<'a> {
    pub(crate) key: &'a Key,
    /// Of the chains, by id.
    pub(crate) domains: &'a [Hash],
    pub(crate) epoch: u32,
}

impl Signing<'_> {
    /// Signs a block's orders: one payload a spoke.
    pub(crate) fn sign(&self, orders: &[Order]) -> Result<Vec<Payload>, EncodeError> {
        let mut batches: BTreeMap<ChainId, Vec<Order>> = BTreeMap::new();
        for order in orders {
            batches.entry(order.chain).or_default().push(order.clone());
        }
        let payload = |(chain, orders): (ChainId, Vec<Order>)| {
            let domain = self.domains.get(usize::from(chain.0)).expect("every chain of the genesis has one");
            Payload::sign(*domain, chain, self.epoch, orders, std::slice::from_ref(self.key))
        };
        batches.into_iter().map(payload).collect()
    }
}
