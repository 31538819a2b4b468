//! Local chains for tests and for `ballast up`: nodes, keys, and what has to be deployed on them.

mod attestation;
mod chain;
mod node;

pub use attestation::AttestationChain;
pub use chain::{KitError, LocalChain, LocalPlan, TokenKind, TokenPlan};
pub use node::{Node, NodeConfig, NodeError, Running, dev_key};
