//! Chains of the EVM kind: contracts on real nodes, through alloy.
//!
//! - Reads: through several endpoints, none of which is believed alone where there are more.
//! - Writes: transactions that are signed here, repeated, made dearer, and sent again after a reorg.
//! - Trusts: nothing that a courier or LayerZero says; the certificate inside an order decides, on the chain.

mod artifacts;
mod connection;
mod error;
#[cfg(feature = "kit")]
pub mod kit;
pub mod layerzero;
mod safe;

pub use artifacts::{ArtifactError, Npm};
pub use connection::{connect, connect_wallet, deploy, execute};
pub use error::EvmError;
pub use safe::{OWNERS, Proposal, SafeAddresses, SafeCall, SafeError, THRESHOLD, deploy_safe, recall, transfer};
