//! Messages between the hub and its spokes, byte by byte as `docs/messages.md` has them.
//!
//! - One encoding a message: what is read is what was written, and nothing follows it.
//! - An error says what was being read and at which byte.
//! - Hashes that the engine computes too are in [`ballast_types::digest`].

mod batch;
mod cut;
mod gateway;
mod order;
mod signed;
mod wire;

pub use batch::{Payload, decode_batch, encode_batch, orders_digest};
pub use cut::cut;
pub use gateway::{Bridged, GatewayMessage};
pub use order::{decode_order, encode_order};
pub use signed::{Freeze, Root, RootKind};
pub use wire::{DecodeError, EncodeError};
