//! What goes wrong between us and a chain.

use alloy::primitives::{Address, B256};

/// Why a chain did not do or tell what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvmError {
    /// No address of an endpoint.
    #[error("{0:?} is not the address of an endpoint; expected http:// or https://")]
    BadEndpoint(String),
    /// An endpoint did not answer, or said no.
    #[error("{endpoint}: {method}: {why}")]
    Rpc {
        /// Which.
        endpoint: String,
        /// What it was asked.
        method: String,
        /// What it said.
        why: String,
    },
    /// A transaction was refused before it was sent, or failed in its block.
    #[error("{what}: {why}")]
    Reverted {
        /// What it was for.
        what: String,
        /// The contract's error where it could be read, else the node's words.
        why: String,
    },
    /// A transaction was not included in time.
    #[error("{what}: transaction {hash} was not included within {seconds} s")]
    NotIncluded {
        /// What it was for.
        what: String,
        /// Which.
        hash: B256,
        /// How long we waited.
        seconds: u64,
    },
    /// There is no contract where one should be.
    #[error("no contract at {address} on chain {chain_id}")]
    NoContract {
        /// Where.
        address: Address,
        /// On which chain.
        chain_id: u64,
    },
    /// The endpoint is of another chain.
    #[error("{endpoint} is of chain {have}, not {need}")]
    OtherChainId {
        /// Which.
        endpoint: String,
        /// Its chain.
        have: u64,
        /// Ours.
        need: u64,
    },
}
