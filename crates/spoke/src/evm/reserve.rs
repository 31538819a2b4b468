//! What people do with the reserve's Safe: propose, sign, execute. For programs; it blocks while it asks the chain.

use super::bindings::mock_token::MockToken;
use super::endpoint::{Fault, answer};
use super::{
    Deployment, EvmError, Proposal, SafeCall, SafeError, TokenAddress, connect, connect_wallet, recall,
    transfer,
};
use alloy::primitives::{Address, B256, U256};
use alloy::signers::local::PrivateKeySigner;
use ballast_types::{AssetId, Owner};
use ballast_units::Amount;

/// What the Safe is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Back into the vault of its chain, for an account of the hub.
    Recall {
        /// What.
        asset: AssetId,
        /// How much.
        amount: Amount,
        /// For whom.
        owner: Owner,
    },
    /// To another address.
    Transfer {
        /// What.
        asset: AssetId,
        /// How much.
        amount: Amount,
        /// To whom.
        to: Address,
    },
    /// All that it has of every token of the vault, to another address.
    Sweep {
        /// To whom.
        to: Address,
    },
}

/// A proposal that the chain carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecutedProposal {
    /// The transaction.
    pub transaction: B256,
    /// Its block.
    pub block: u64,
    /// Gas that it used.
    pub gas: u64,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// The Safe, or the proposal.
    #[error(transparent)]
    Safe(#[from] SafeError),
    /// The chain.
    #[error(transparent)]
    Evm(#[from] EvmError),
    /// The endpoint.
    #[error("the endpoint {0}")]
    Endpoint(#[from] Fault),
    /// No Safe was deployed with this spoke.
    #[error("the deployment of {0} has no Safe")]
    NoSafe(String),
    /// The vault has no such token.
    #[error("the deployment of {name} has no asset {asset}; it has {known}")]
    UnknownAsset {
        /// Of the chain.
        name: String,
        /// What was asked for.
        asset: AssetId,
        /// What there is.
        known: String,
    },
    /// The token cannot be divided so far.
    #[error("{amount} has more digits than the token, which has {decimals}")]
    AmountUneven {
        /// What was to move.
        amount: Amount,
        /// The token's digits.
        decimals: u8,
    },
    /// Less is there than is to move.
    #[error("the Safe holds {have} of asset {asset}, {need} was asked for")]
    TooLittle {
        /// Of what.
        asset: AssetId,
        /// In the Safe.
        have: Amount,
        /// What was to move.
        need: Amount,
    },
    /// A sweep of nothing.
    #[error("the Safe holds nothing of the vault's tokens")]
    Empty,
    /// No async runtime.
    #[error("cannot start: {0}")]
    Runtime(#[from] std::io::Error),
}

/// A proposal for the Safe's next transaction, without a signature.
pub fn propose(deployment: &Deployment, endpoint: &str, errand: &Errand) -> Result<Proposal, ReserveError> {
    runtime()?.block_on(async {
        let provider = connect(endpoint)?;
        let safe = deployment.safe.ok_or_else(|| ReserveError::NoSafe(deployment.name.clone()))?;
        let held = async |token: &TokenAddress| -> Result<U256, Fault> {
            answer(MockToken::new(token.token, &provider).balanceOf(safe.safe).call().into_future()).await
        };
        let mut calls: Vec<SafeCall> = Vec::new();
        match *errand {
            Errand::Recall { asset, amount, owner } => {
                let (token, raw) = whole(deployment, asset, amount)?;
                check_held(token, amount, raw, held(token).await?)?;
                let account = B256::from(owner.address.0);
                calls.extend(recall(deployment.vault, token.token, asset.0, raw, account, owner.subaccount));
            }
            Errand::Transfer { asset, amount, to } => {
                let (token, raw) = whole(deployment, asset, amount)?;
                check_held(token, amount, raw, held(token).await?)?;
                calls.extend(transfer(token.token, to, raw));
            }
            Errand::Sweep { to } => {
                for token in &deployment.tokens {
                    let raw = held(token).await?;
                    if !raw.is_zero() {
                        calls.extend(transfer(token.token, to, raw));
                    }
                }
                if calls.is_empty() {
                    return Err(ReserveError::Empty);
                }
            }
        }
        let proposal = Proposal::new(&provider, safe, calls).await?;
        if proposal.chain_id != deployment.chain_id {
            let (have, need) = (proposal.chain_id, deployment.chain_id);
            return Err(SafeError::WrongChain { have, need }.into());
        }
        Ok(proposal)
    })
}

/// Sends a proposal that enough owners have signed; `key` pays the gas.
pub fn execute_proposal(
    proposal: &Proposal,
    endpoint: &str,
    key: &PrivateKeySigner,
) -> Result<ExecutedProposal, ReserveError> {
    runtime()?.block_on(async {
        let receipt = proposal.execute(&connect_wallet(endpoint, key)?).await?;
        Ok(ExecutedProposal {
            transaction: receipt.transaction_hash,
            block: receipt.block_number.unwrap_or_default(),
            gas: receipt.gas_used,
        })
    })
}

/// A key as a file holds it: 64 hexadecimal digits, with or without 0x.
#[must_use]
pub fn read_key(text: &str) -> Option<PrivateKeySigner> {
    text.trim().parse().ok()
}

/// A token, and an amount in its own unit.
fn whole(
    deployment: &Deployment,
    asset: AssetId,
    amount: Amount,
) -> Result<(&TokenAddress, U256), ReserveError> {
    let token = deployment.token(asset).ok_or_else(|| {
        let known: Vec<String> = deployment.tokens.iter().map(|token| token.asset.to_string()).collect();
        ReserveError::UnknownAsset { name: deployment.name.clone(), asset, known: known.join(", ") }
    })?;
    if !amount.wei().is_multiple_of(token.unit()) {
        return Err(ReserveError::AmountUneven { amount, decimals: token.decimals });
    }
    Ok((token, U256::from(amount.wei() / token.unit())))
}

fn check_held(token: &TokenAddress, need: Amount, raw: U256, held: U256) -> Result<(), ReserveError> {
    if raw <= held {
        return Ok(());
    }
    let have = Amount::from_wei(held.saturating_to::<u128>().saturating_mul(token.unit()));
    Err(ReserveError::TooLittle { asset: token.asset, have, need })
}

fn runtime() -> Result<tokio::runtime::Runtime, std::io::Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
