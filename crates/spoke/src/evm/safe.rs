//! The reserve's cold store: an unmodified Safe, five of eight owners.
//!
//! - Proposal: a file that says in words and bytes what the Safe is to do. Owners sign its hash (EIP-712) one after
//!   another; anybody with five signatures and gas executes it.
//! - Trusts nothing in the file: the hash is computed anew, every signature is recovered and must be an owner's.
//! - Several calls become one, by Safe's own `MultiSendCallOnly`.
//! - Collection needs none of this: it is a release of the vault to the Safe's address.

use crate::evm::{ArtifactError, EvmError, Npm, connection, execute};
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::DynProvider;
use alloy::rpc::types::TransactionReceipt;
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{Eip712Domain, SolCall, SolStruct};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Owners of a reserve's Safe.
pub const OWNERS: usize = 8;

/// How many of them have to sign.
pub const THRESHOLD: u64 = 5;

mod abi {
    alloy::sol! {
        #[derive(Debug)]
        struct SafeTx {
            address to;
            uint256 value;
            bytes data;
            uint8 operation;
            uint256 safeTxGas;
            uint256 baseGas;
            uint256 gasPrice;
            address gasToken;
            address refundReceiver;
            uint256 nonce;
        }

        #[sol(rpc)]
        interface ISafe {
            function setup(
                address[] owners,
                uint256 threshold,
                address to,
                bytes data,
                address fallbackHandler,
                address paymentToken,
                uint256 payment,
                address paymentReceiver
            ) external;
            function execTransaction(
                address to,
                uint256 value,
                bytes data,
                uint8 operation,
                uint256 safeTxGas,
                uint256 baseGas,
                uint256 gasPrice,
                address gasToken,
                address refundReceiver,
                bytes signatures
            ) external payable returns (bool success);
            function nonce() external view returns (uint256);
            function getThreshold() external view returns (uint256);
            function getOwners() external view returns (address[] memory);
        }

        interface ISafeProxyFactory {
            function createProxyWithNonce(address singleton, bytes initializer, uint256 saltNonce)
                external
                returns (address proxy);
        }

        interface IMultiSend {
            function multiSend(bytes transactions) external payable;
        }

        event ProxyCreation(address indexed proxy, address singleton);

        interface IToken {
            function approve(address spender, uint256 amount) external returns (bool);
            function transfer(address to, uint256 amount) external returns (bool);
        }

        interface IDeposits {
            function deposit(bytes32 owner, uint16 subaccount, uint16 asset, uint256 raw) external;
        }
    }
}

/// Where a chain's Safe is, and what it needs to do several things at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafeAddresses {
    /// The Safe.
    pub safe: Address,
    /// Safe's `MultiSendCallOnly`.
    pub multi_send: Address,
}

/// One thing that a Safe is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafeCall {
    /// In words, for those who sign. Not part of what is signed: `decoded` says it again from the bytes.
    pub what: String,
    /// Which contract.
    pub to: Address,
    /// What it is told.
    pub data: Bytes,
}

/// What a Safe is to do, and who has signed for it. Travels as a JSON file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Of the Safe's chain.
    pub chain_id: u64,
    /// Which Safe.
    pub safe: SafeAddresses,
    /// The Safe's own number of the transaction.
    pub nonce: u64,
    /// What it does, in order.
    pub calls: Vec<SafeCall>,
    /// What owners sign; a file in which it is not the hash of the rest is refused.
    pub hash: B256,
    /// By owner: r || s || v.
    pub signatures: BTreeMap<Address, Bytes>,
}

/// Why a proposal is not made, signed or executed.
#[derive(Debug, thiserror::Error)]
pub enum SafeError {
    /// The chain.
    #[error(transparent)]
    Evm(#[from] EvmError),
    /// The packages.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A reserve's Safe has eight owners, five of whom sign.
    #[error("a reserve's Safe has {OWNERS} different owners; these are {0}")]
    WrongOwners(usize),
    /// Nothing to do.
    #[error("the proposal does nothing: give it at least one call")]
    Empty,
    /// The file was changed after it was made.
    #[error("the proposal's hash is {have}, but what it says has {need}: somebody changed the file")]
    WrongHash {
        /// In the file.
        have: B256,
        /// Of what it says.
        need: B256,
    },
    /// Somebody signs who does not own the Safe.
    #[error("{0} is not an owner of the Safe")]
    NotAnOwner(Address),
    /// A signature is not its owner's.
    #[error("the signature of {0} is not its own, or is of something else")]
    WrongSignature(Address),
    /// Too few have signed.
    #[error("{have} of {need} signatures: run `ballast reserve sign` with another owner's key")]
    TooFewSignatures {
        /// In the file.
        have: usize,
        /// The Safe's threshold.
        need: usize,
    },
    /// The Safe has done something else since, or has to do something else before.
    #[error("the Safe's next transaction is number {need}, the proposal is number {have}: propose anew")]
    WrongNonce {
        /// The proposal's.
        have: u64,
        /// The Safe's.
        need: u64,
    },
    /// The endpoint is of another chain than the proposal.
    #[error("the endpoint is of chain {have}, the proposal is for chain {need}")]
    WrongChain {
        /// The endpoint's.
        have: u64,
        /// The proposal's.
        need: u64,
    },
}

/// Puts Safe's own contracts on a chain, as their authors compiled them, and makes a Safe of five out of eight.
pub async fn deploy_safe(
    wallet: &DynProvider,
    npm: &Npm,
    owners: &[Address],
) -> Result<SafeAddresses, SafeError> {
    let mut owners = owners.to_vec();
    owners.sort();
    owners.dedup();
    if owners.len() != OWNERS {
        return Err(SafeError::WrongOwners(owners.len()));
    }
    let code = |path: &str| {
        npm.creation_code(&format!("@safe-global/safe-smart-account/build/artifacts/contracts/{path}"))
    };
    let put = async |what: &str, path: &str| -> Result<Address, SafeError> {
        Ok(connection::deploy(wallet, what, code(path)?, Vec::new()).await?)
    };
    let singleton = put("Safe", "SafeL2.sol/SafeL2.json").await?;
    let factory = put("SafeProxyFactory", "proxies/SafeProxyFactory.sol/SafeProxyFactory.json").await?;
    let handler = put(
        "CompatibilityFallbackHandler",
        "handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json",
    )
    .await?;
    let multi_send =
        put("MultiSendCallOnly", "libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json").await?;
    let setup = abi::ISafe::setupCall {
        owners,
        threshold: U256::from(THRESHOLD),
        to: Address::ZERO,
        data: Bytes::new(),
        fallbackHandler: handler,
        paymentToken: Address::ZERO,
        payment: U256::ZERO,
        paymentReceiver: Address::ZERO,
    };
    let create = abi::ISafeProxyFactory::createProxyWithNonceCall {
        singleton,
        initializer: setup.abi_encode().into(),
        saltNonce: U256::ZERO,
    };
    let receipt = execute(wallet, factory, create, U256::ZERO).await?;
    let safe = receipt
        .decoded_log::<abi::ProxyCreation>()
        .map(|log| log.proxy)
        .ok_or(EvmError::NoContract { address: factory, chain_id: 0 })?;
    Ok(SafeAddresses { safe, multi_send })
}

/// Money of the Safe goes back into the vault, for an account of the hub.
#[must_use]
pub fn recall(
    vault: Address,
    token: Address,
    asset: u16,
    raw: U256,
    owner: B256,
    subaccount: u16,
) -> Vec<SafeCall> {
    let approve = abi::IToken::approveCall { spender: vault, amount: raw };
    let deposit = abi::IDeposits::depositCall { owner, subaccount, asset, raw };
    vec![
        SafeCall {
            what: format!("let the vault take {raw} units of token {token}"),
            to: token,
            data: approve.abi_encode().into(),
        },
        SafeCall {
            what: format!("deposit them as asset {asset} for {owner} / {subaccount}"),
            to: vault,
            data: deposit.abi_encode().into(),
        },
    ]
}

/// Money of the Safe goes to another address: another chain's Safe by its bridge, a custodian.
#[must_use]
pub fn transfer(token: Address, to: Address, raw: U256) -> Vec<SafeCall> {
    let call = abi::IToken::transferCall { to, amount: raw };
    vec![SafeCall {
        what: format!("send {raw} units of token {token} to {to}"),
        to: token,
        data: call.abi_encode().into(),
    }]
}

impl SafeCall {
    /// What the bytes do, read from the bytes: the words beside them may lie.
    #[must_use]
    pub fn decoded(&self) -> String {
        let to = self.to;
        if let Ok(call) = abi::IToken::approveCall::abi_decode(&self.data) {
            format!("{to}.approve({}, {})", call.spender, call.amount)
        } else if let Ok(call) = abi::IToken::transferCall::abi_decode(&self.data) {
            format!("{to}.transfer({}, {})", call.to, call.amount)
        } else if let Ok(call) = abi::IDeposits::depositCall::abi_decode(&self.data) {
            format!("{to}.deposit({}, {}, {}, {})", call.owner, call.subaccount, call.asset, call.raw)
        } else {
            format!("{to}.call({})", self.data)
        }
    }
}

impl Proposal {
    /// A proposal for the Safe's next transaction, without a signature.
    pub async fn new(
        provider: &DynProvider,
        safe: SafeAddresses,
        calls: Vec<SafeCall>,
    ) -> Result<Self, SafeError> {
        if calls.is_empty() {
            return Err(SafeError::Empty);
        }
        let chain_id = connection::chain_id(provider).await?;
        let nonce = next_nonce(provider, safe.safe).await?;
        let mut proposal =
            Self { chain_id, safe, nonce, calls, hash: B256::ZERO, signatures: BTreeMap::new() };
        proposal.hash = proposal.signing_hash();
        Ok(proposal)
    }

    /// Adds an owner's signature. No chain is asked: an owner may sign on a machine that has no network.
    pub fn sign(&mut self, key: &PrivateKeySigner) -> Result<(), SafeError> {
        self.check_hash()?;
        let signature =
            key.sign_hash_sync(&self.hash).map_err(|_| SafeError::WrongSignature(key.address()))?;
        self.signatures.insert(key.address(), Bytes::from(signature.as_bytes().to_vec()));
        Ok(())
    }

    /// Sends it, when enough owners of the Safe have signed and it is the Safe's next transaction.
    pub async fn execute(&self, wallet: &DynProvider) -> Result<TransactionReceipt, SafeError> {
        self.check_hash()?;
        let have = connection::chain_id(wallet).await?;
        if have != self.chain_id {
            return Err(SafeError::WrongChain { have, need: self.chain_id });
        }
        let safe = abi::ISafe::new(self.safe.safe, wallet);
        let read = |error: alloy::contract::Error| connection::unreadable("Safe", &error);
        let owners = safe.getOwners().call().await.map_err(read)?;
        for (owner, signature) in &self.signatures {
            if !owners.contains(owner) {
                return Err(SafeError::NotAnOwner(*owner));
            }
            self.check_signature(*owner, signature)?;
        }
        let threshold = safe.getThreshold().call().await.map_err(read)?;
        let need = usize::try_from(threshold).unwrap_or(usize::MAX);
        if self.signatures.len() < need {
            return Err(SafeError::TooFewSignatures { have: self.signatures.len(), need });
        }
        let next = next_nonce(wallet, self.safe.safe).await?;
        if next != self.nonce {
            return Err(SafeError::WrongNonce { have: self.nonce, need: next });
        }
        let tx = self.transaction();
        // The map is in order of owner, as the Safe wants them.
        let signatures: Vec<u8> = self.signatures.values().flat_map(|bytes| bytes.to_vec()).collect();
        let call = abi::ISafe::execTransactionCall {
            to: tx.to,
            value: tx.value,
            data: tx.data,
            operation: tx.operation,
            safeTxGas: tx.safeTxGas,
            baseGas: tx.baseGas,
            gasPrice: tx.gasPrice,
            gasToken: tx.gasToken,
            refundReceiver: tx.refundReceiver,
            signatures: signatures.into(),
        };
        Ok(execute(wallet, self.safe.safe, call, U256::ZERO).await?)
    }

    /// Refuses a file whose hash is not that of what it says.
    pub fn check_hash(&self) -> Result<(), SafeError> {
        let need = self.signing_hash();
        if self.calls.is_empty() {
            Err(SafeError::Empty)
        } else if self.hash != need {
            Err(SafeError::WrongHash { have: self.hash, need })
        } else {
            Ok(())
        }
    }

    fn check_signature(&self, owner: Address, bytes: &Bytes) -> Result<(), SafeError> {
        let recovered = alloy::primitives::Signature::try_from(bytes.as_ref())
            .ok()
            .and_then(|signature| signature.recover_address_from_prehash(&self.hash).ok());
        if recovered == Some(owner) { Ok(()) } else { Err(SafeError::WrongSignature(owner)) }
    }

    fn signing_hash(&self) -> B256 {
        let domain = Eip712Domain {
            chain_id: Some(U256::from(self.chain_id)),
            verifying_contract: Some(self.safe.safe),
            ..Default::default()
        };
        self.transaction().eip712_signing_hash(&domain)
    }

    /// One call as it is; several by `MultiSendCallOnly`, which runs as the Safe itself (operation 1).
    fn transaction(&self) -> abi::SafeTx {
        let (to, data, operation) = match self.calls.as_slice() {
            [only] => (only.to, only.data.clone(), 0),
            calls => {
                let packed: Vec<u8> = calls.iter().flat_map(pack).collect();
                let call = abi::IMultiSend::multiSendCall { transactions: packed.into() };
                (self.safe.multi_send, call.abi_encode().into(), 1)
            }
        };
        abi::SafeTx {
            to,
            value: U256::ZERO,
            data,
            operation,
            safeTxGas: U256::ZERO,
            baseGas: U256::ZERO,
            gasPrice: U256::ZERO,
            gasToken: Address::ZERO,
            refundReceiver: Address::ZERO,
            nonce: U256::from(self.nonce),
        }
    }
}

/// operation (1) || to (20) || value (32) || length (32) || data, as `MultiSendCallOnly` reads it.
fn pack(call: &SafeCall) -> Vec<u8> {
    let length = U256::from(call.data.len());
    [
        &[0_u8],
        call.to.as_slice(),
        &U256::ZERO.to_be_bytes::<32>(),
        &length.to_be_bytes::<32>(),
        call.data.as_ref(),
    ]
    .concat()
}

async fn next_nonce(provider: &DynProvider, safe: Address) -> Result<u64, SafeError> {
    let nonce = abi::ISafe::new(safe, provider).nonce().call().await;
    let nonce = nonce.map_err(|error| connection::unreadable("Safe.nonce", &error))?;
    Ok(nonce.saturating_to())
}
