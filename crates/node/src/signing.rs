//! Signs what the engine orders of its spokes.
//!
//! - One payload a spoke and block. Signatures are deterministic: what is signed again is the same, byte for byte.
//! - What a restart has to hand out again is the engine's register of open orders, signed anew: a vault carries out each
//!   order once, in whatever batch it comes.

use ballast_engine::State;
use ballast_spoke::certificate::Key;
use ballast_spoke::message::{EncodeError, Payload};
use ballast_types::{ChainId, Order};
use std::collections::BTreeMap;

/// Orders of one payload: what a block of a chain surely takes.
const BATCH: usize = 64;

/// Signs orders: payloads by spoke, in order of nonces.
pub(crate) fn sign(
    state: &State,
    orders: impl IntoIterator<Item = Order>,
    epoch: u32,
    key: &Key,
) -> Result<Vec<Payload>, EncodeError> {
    let mut spokes: BTreeMap<ChainId, Vec<Order>> = BTreeMap::new();
    for order in orders {
        spokes.entry(order.chain).or_default().push(order);
    }
    let mut payloads = Vec::new();
    for (chain, orders) in spokes {
        let domain = state.chains.get(chain).domain;
        payloads.push(Payload::sign(domain, chain, epoch, orders, std::slice::from_ref(key))?);
    }
    Ok(payloads)
}

/// Signs the orders that no vault is known to have carried out yet, and that one still would.
pub(crate) fn sign_open(state: &State, epoch: u32, key: &Key) -> Result<Vec<Payload>, EncodeError> {
    let now = state.now();
    let open = state.orders.iter().filter(|(_, sent)| sent.seen.is_none() && now < sent.order.expires);
    let open: Vec<Order> = open.map(|(_, sent)| sent.order.clone()).collect();
    let mut payloads = Vec::new();
    for batch in open.chunk_by(|one, next| one.chain == next.chain).flat_map(|spoke| spoke.chunks(BATCH)) {
        payloads.extend(sign(state, batch.iter().cloned(), epoch, key)?);
    }
    Ok(payloads)
}
