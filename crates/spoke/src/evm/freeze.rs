//! A freeze that is brought to a vault by hand. For programs; it blocks while it asks the chain.
//!
//! - What the vault would say is asked first: a freeze that it refuses costs no gas.
//! - The signatures decide. Whoever sends them pays, and may be anybody.

use super::bindings::vault::Vault;
use super::endpoint::{Fault, answer};
use super::{EvmError, connect, connect_wallet, execute, refusal};
use crate::Revert;
use crate::certificate::{Certificate, SetError, ValidatorSet};
use crate::freeze::SignedFreeze;
use crate::message::Freeze;
use alloy::network::TransactionBuilder as _;
use alloy::primitives::{Address, B256, U256};
use alloy::providers::{DynProvider, Provider as _};
use alloy::rpc::types::TransactionRequest;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall as _;
use ballast_types::{Hash, Signer};
use ballast_units::Time;

/// What a vault says of those whom it obeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultFacts {
    /// What is signed for it carries this.
    pub domain: Hash,
    /// The present validators.
    pub validators: ValidatorSet,
    /// Nothing leaves before this time; in the past where it is open.
    pub frozen_until: Time,
}

/// A freeze that a chain carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentFreeze {
    /// The transaction.
    pub transaction: B256,
    /// Its block.
    pub block: u64,
    /// Gas that it used.
    pub gas: u64,
}

/// Why a vault is not frozen.
#[derive(Debug, thiserror::Error)]
pub enum SendFreezeError {
    /// The chain.
    #[error(transparent)]
    Evm(#[from] EvmError),
    /// The endpoint.
    #[error("the endpoint {0}")]
    Endpoint(#[from] Fault),
    /// Signed for another vault, or on another chain.
    #[error("signed for the domain {have}; this vault's is {want}")]
    OtherVault {
        /// Of the signatures.
        have: Hash,
        /// Of the vault.
        want: Hash,
    },
    /// Signed by another set.
    #[error("signed for epoch {have}; this vault obeys epoch {want}")]
    OtherEpoch {
        /// Of the signatures.
        have: u32,
        /// Of the vault.
        want: u32,
    },
    /// The vault says no.
    #[error("the vault refuses: {0}")]
    Refused(Revert),
    /// No vault says so.
    #[error("{vault}: its validators are no set: {source}")]
    NoSet {
        /// Where it was asked.
        vault: Address,
        /// What is wrong with them.
        source: SetError,
    },
    /// This machine.
    #[error("the runtime does not start: {0}")]
    Machine(#[from] std::io::Error),
}

/// What a courier sends: the call of a vault's `freeze`.
#[must_use]
pub fn freeze_call(freeze: Freeze, epoch: u32, certificate: &Certificate) -> Vec<u8> {
    let certificate = certificate.encode().into();
    Vault::freezeCall { certificate, epoch, until: freeze.until.millis() }.abi_encode()
}

/// Asks a vault whom it obeys and whether it is shut.
pub fn read_vault(endpoint: &str, vault: Address) -> Result<VaultFacts, SendFreezeError> {
    runtime()?.block_on(async { facts(&connect(endpoint)?, vault).await })
}

/// Freezes a vault; `key` pays the gas.
pub fn send_freeze(
    freeze: &SignedFreeze,
    endpoint: &str,
    vault: Address,
    key: &PrivateKeySigner,
) -> Result<SentFreeze, SendFreezeError> {
    let SignedFreeze { domain: have, epoch, .. } = *freeze;
    let certificate = freeze.certificate().encode();
    let call = Vault::freezeCall { certificate: certificate.into(), epoch, until: freeze.until.millis() };
    runtime()?.block_on(async {
        let wallet = connect_wallet(endpoint, key)?;
        let VaultFacts { domain: want, validators, .. } = facts(&wallet, vault).await?;
        if have != want {
            return Err(SendFreezeError::OtherVault { have, want });
        }
        if epoch != validators.epoch() {
            return Err(SendFreezeError::OtherEpoch { have: epoch, want: validators.epoch() });
        }
        let request = TransactionRequest::default().with_to(vault).with_call(&call);
        if let Err(error) = wallet.call(request.with_from(key.address())).await {
            let data = error.as_error_resp().and_then(|response| response.as_revert_data());
            return Err(match data {
                Some(data) => SendFreezeError::Refused(refusal::read(&data)),
                None => Fault::Silent(error.to_string()).into(),
            });
        }
        let receipt = execute(&wallet, vault, call, U256::ZERO).await?;
        Ok(SentFreeze {
            transaction: receipt.transaction_hash,
            block: receipt.block_number.unwrap_or_default(),
            gas: receipt.gas_used,
        })
    })
}

async fn facts(provider: &DynProvider, vault: Address) -> Result<VaultFacts, SendFreezeError> {
    let contract = Vault::new(vault, provider);
    let code = answer(provider.get_code_at(vault).into_future()).await?;
    if code.is_empty() {
        let chain_id = super::connection::chain_id(provider).await?;
        return Err(EvmError::NoContract { address: vault, chain_id }.into());
    }
    let domain = answer(contract.domain().call().into_future()).await?;
    let present = answer(contract.validators().call().into_future()).await?;
    let packed = answer(contract.signers().call().into_future()).await?;
    let head = answer(contract.head().call().into_future()).await?;
    let (signers, _) = packed.as_chunks::<20>();
    let signers = signers.iter().map(|bytes| Signer(*bytes)).collect();
    let validators = ValidatorSet::new(present.epoch, signers);
    Ok(VaultFacts {
        domain: Hash(domain.0),
        validators: validators.map_err(|source| SendFreezeError::NoSet { vault, source })?,
        frozen_until: Time::from_millis(head.frozenUntil.to()),
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, std::io::Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
