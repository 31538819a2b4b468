//! One endpoint of a chain, and single transactions that somebody waits for: deployments, settings, a user's own.
//!
//! - Nonces: asked of the node each time. A cached one is wrong after a reorg, and the transaction waits for ever.
//! - Waits: at most [`PATIENCE`]. What has to survive reorgs and rising fees goes through the courier instead.

use crate::evm::EvmError;
use alloy::network::{EthereumWallet, TransactionBuilder};
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall;
use alloy::transports::http::reqwest::Url;
use std::time::Duration;

/// How long a single transaction is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a node is asked whether it has included a transaction.
const POLL: Duration = Duration::from_millis(10);

/// An address of an endpoint: one that answers over HTTP, each question by itself. Nothing here is told without asking, so
/// that a socket that stays open would bring nothing and could go silent unnoticed.
fn address(url: &str) -> Result<Url, EvmError> {
    let address: Option<Url> = url.parse().ok();
    let spoken = address.filter(|address| matches!(address.scheme(), "http" | "https"));
    spoken.ok_or_else(|| EvmError::BadEndpoint(url.to_owned()))
}

/// For reading.
pub fn connect(url: &str) -> Result<DynProvider, EvmError> {
    let address = address(url)?;
    let provider = ProviderBuilder::default().connect_http(address).erased();
    provider.client().set_poll_interval(POLL);
    Ok(provider)
}

/// For transactions of `key` too.
pub fn connect_wallet(url: &str, key: &PrivateKeySigner) -> Result<DynProvider, EvmError> {
    let address = address(url)?;
    let provider = ProviderBuilder::new()
        .with_simple_nonce_management()
        .wallet(EthereumWallet::from(key.clone()))
        .connect_http(address)
        .erased();
    provider.client().set_poll_interval(POLL);
    Ok(provider)
}

/// Creates a contract, and tells where it is.
pub async fn deploy(
    wallet: &DynProvider,
    what: &str,
    code: Bytes,
    arguments: Vec<u8>,
) -> Result<Address, EvmError> {
    let init = Bytes::from([code.to_vec(), arguments].concat());
    let request = TransactionRequest::default().with_deploy_code(init);
    let receipt = send(wallet, what, request).await?;
    receipt.contract_address.ok_or_else(|| EvmError::Reverted {
        what: what.to_owned(),
        why: "no contract was created".to_owned(),
    })
}

/// Calls a contract in a transaction, with `value` wei, and waits for its block.
pub async fn execute<C: SolCall>(
    wallet: &DynProvider,
    to: Address,
    call: C,
    value: U256,
) -> Result<TransactionReceipt, EvmError> {
    let request = TransactionRequest::default().with_to(to).with_call(&call).with_value(value);
    send(wallet, C::SIGNATURE, request).await
}

/// Sends a transaction, and waits for nothing.
pub(crate) async fn send_on(
    wallet: &DynProvider,
    what: &str,
    request: TransactionRequest,
) -> Result<B256, EvmError> {
    let pending = wallet.send_transaction(request).await;
    let refused = |error| EvmError::Reverted { what: what.to_owned(), why: format!("{error}") };
    pending.map(|pending| *pending.tx_hash()).map_err(refused)
}

/// Sends a transaction and waits for its block.
pub(crate) async fn send(
    wallet: &DynProvider,
    what: &str,
    request: TransactionRequest,
) -> Result<TransactionReceipt, EvmError> {
    let refused =
        |error: &dyn std::fmt::Display| EvmError::Reverted { what: what.to_owned(), why: error.to_string() };
    let pending = wallet.send_transaction(request).await.map_err(|error| refused(&error))?;
    let hash = *pending.tx_hash();
    let receipt = pending
        .with_timeout(Some(PATIENCE))
        .get_receipt()
        .await
        .map_err(|_| EvmError::NotIncluded { what: what.to_owned(), hash, seconds: PATIENCE.as_secs() })?;
    if receipt.status() {
        Ok(receipt)
    } else {
        Err(refused(&format!(
            "transaction {hash} failed in block {}",
            receipt.block_number.unwrap_or_default()
        )))
    }
}

/// The chain that an endpoint is of.
pub(crate) async fn chain_id(provider: &DynProvider) -> Result<u64, EvmError> {
    provider.get_chain_id().await.map_err(|error| unreadable("eth_chainId", &error))
}

/// A contract or a node that does not answer a question.
pub(crate) fn unreadable(what: &str, error: &impl std::fmt::Display) -> EvmError {
    EvmError::Reverted { what: what.to_owned(), why: error.to_string() }
}
