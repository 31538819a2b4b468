//! Chains of the EVM kind: contracts on real nodes, through alloy.
//!
//! - Reads: through several endpoints, none of which is believed alone where there are more.
//! - Writes: transactions that are signed here, repeated, made dearer, and sent again after a reorg.
//! - Trusts: nothing that a courier or LayerZero says; the certificate inside an order decides, on the chain.

mod artifacts;
mod attestations;
pub mod bindings;
mod connection;
mod courier;
mod deployment;
mod endpoint;
mod error;
mod facts;
mod feed;
mod freeze;
mod gas;
mod holdings;
#[cfg(feature = "kit")]
pub mod kit;
pub mod layerzero;
mod line;
mod refusal;
mod reserve;
mod safe;
mod spoke;
mod watch;

/// An address of this kind of chain.
pub use alloy::primitives::Address;
/// A key of this kind of chain.
pub use alloy::signers::local::PrivateKeySigner;
pub use artifacts::{ArtifactError, Npm};
pub use attestations::{AttestationSite, Attested, Place, deploy_attestations};
pub use connection::{connect, connect_wallet, deploy, execute};
pub use courier::{Call, Courier, Fate, FeePolicy, Outcome, SendError};
pub use deployment::{Deployment, SpokePlan, TokenAddress, deploy_spoke};
pub use endpoint::{Endpoint, Endpoints, Fault, Trust};
pub use error::EvmError;
pub use facts::{chain_address, hub_address};
pub use feed::{Feed, FeedError};
pub use freeze::{SendFreezeError, SentFreeze, VaultFacts, freeze_call, read_vault, send_freeze};
pub use gas::{GasHistory, GasHour, HOURS};
pub use holdings::{Holding, Holdings};
pub use reserve::{Errand, ExecutedProposal, ReserveError, execute_proposal, propose, read_key};
pub use safe::{
    OWNERS, Proposal, SafeAddresses, SafeCall, SafeError, THRESHOLD, deploy_safe, recall, transfer,
};
pub use spoke::{EvmSpoke, SpokeConfig, SpokeKeys};
pub use watch::{Finality, News, Resume, WatchConfig, WatchError, Watcher};
