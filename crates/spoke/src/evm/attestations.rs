//! The attestation chain: roots of H0, H1 and liabilities that two thirds of its members signed (`Attestations.sol`).
//!
//! - Members sign what they recomputed ([`crate::quorum::RootVotes`] puts their votes together); anybody delivers,
//!   anybody reads.
//! - A root stands for ever: a second one of its kind and height is refused.

use super::bindings::attestations::Attestations as Contract;
use super::{EvmError, connection, deploy, execute, hub_address};
use crate::certificate::Certificate;
use crate::message::{Root, RootKind};
use alloy::primitives::{Address, B256, U256};
use alloy::providers::DynProvider;
use alloy::rpc::types::TransactionReceipt;
use alloy::sol_types::SolValue;
use ballast_types::{ChainKind, Hash, Height, Signer, TaskId, digest};
use ballast_units::Time;
use serde::{Deserialize, Serialize};

/// Where the contract lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationSite {
    /// The chain's own id.
    pub chain_id: u64,
    /// The contract.
    pub contract: Address,
}

/// A root that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attested {
    /// Itself.
    pub root: Hash,
    /// Of the block that took it.
    pub time: Time,
}

/// Where a task's hash stands among the leaves of a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number, from 0.
    pub index: u64,
    /// How many there are.
    pub count: u64,
    /// Its neighbours from the leaves up, none where there is none.
    pub proof: Vec<Hash>,
}

/// Creates the contract, with its first members.
pub async fn deploy_attestations(
    wallet: &DynProvider,
    members: &[Signer],
) -> Result<AttestationSite, EvmError> {
    let chain_id = connection::chain_id(wallet).await?;
    let mut members: Vec<Address> = members.iter().map(|member| Address::from(member.0)).collect();
    members.sort_unstable();
    let arguments = (members,).abi_encode_params();
    let contract = deploy(wallet, "Attestations", Contract::BYTECODE.clone(), arguments).await?;
    Ok(AttestationSite { chain_id, contract })
}

impl AttestationSite {
    /// What every signature for it contains.
    #[must_use]
    pub fn domain(&self) -> Hash {
        digest::domain(ChainKind::Evm, self.chain_id, hub_address(self.contract))
    }

    /// Delivers a root with its certificate. Anybody may.
    pub async fn post(
        &self,
        wallet: &DynProvider,
        root: Root,
        certificate: &Certificate,
    ) -> Result<TransactionReceipt, EvmError> {
        let call = Contract::attestCall {
            kind: root.kind.byte(),
            height: root.height.0,
            root: B256::from(root.root.0),
            certificate: certificate.encode().into(),
        };
        execute(wallet, self.contract, call, U256::ZERO).await
    }

    /// The root of a kind and height, where one counts.
    pub async fn root(
        &self,
        provider: &DynProvider,
        kind: RootKind,
        height: Height,
    ) -> Result<Option<Attested>, EvmError> {
        let read = Contract::new(self.contract, provider).roots(kind.byte(), height.0).call().await;
        let read = read.map_err(|error| connection::unreadable("Attestations.roots", &error))?;
        let time = Time::from_millis(read.time.saturating_mul(1_000));
        Ok((read.time != 0).then_some(Attested { root: Hash(read.root.0), time }))
    }

    /// Whether a task's H0 or H1 is under the root of a height.
    pub async fn holds(
        &self,
        provider: &DynProvider,
        (kind, height): (RootKind, Height),
        (task, hash): (TaskId, Hash),
        place: &Place,
    ) -> Result<bool, EvmError> {
        let proof = place.proof.iter().map(|hash| B256::from(hash.0)).collect();
        let (index, count) = (U256::from(place.index), U256::from(place.count));
        let (kind, hash) = (kind.byte(), B256::from(hash.0));
        let contract = Contract::new(self.contract, provider);
        let held = contract.holds(kind, height.0, task.0, hash, index, count, proof).call().await;
        held.map_err(|error| connection::unreadable("Attestations.holds", &error))
    }

    /// Who may vote, ascending.
    pub async fn members(&self, provider: &DynProvider) -> Result<Vec<Signer>, EvmError> {
        let list = Contract::new(self.contract, provider).memberList().call().await;
        let list = list.map_err(|error| connection::unreadable("Attestations.memberList", &error))?;
        Ok(list.chunks_exact(20).map(|one| Signer(Address::from_slice(one).into())).collect())
    }
}
