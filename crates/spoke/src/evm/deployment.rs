//! Where a spoke's contracts lie, and how they come there.
//!
//! - The record is what everybody else needs to talk to a chain; it travels as a JSON file.
//! - Vault and gateway name each other: the gateway's address is known before it exists, by the deployer's next nonce.

use super::bindings::{gateway::Gateway, vault::Vault};
#[cfg(doc)]
use super::layerzero::DVNS_DEFAULT;
use super::layerzero::LayerZero;
use super::{EvmError, SafeAddresses, connection, deploy};
use alloy::primitives::{Address, U256};
use alloy::providers::{DynProvider, Provider};
use alloy::sol_types::SolValue;
use ballast_types::{AssetId, ChainId, ChainKind, Hash, Signer, digest};
use serde::{Deserialize, Serialize};

/// A spoke on a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// For people.
    pub name: String,
    /// The hub's id of the chain.
    pub chain: ChainId,
    /// The chain's own.
    pub chain_id: u64,
    /// The block that created the vault: nothing before it concerns us.
    pub first_block: u64,
    /// Custody and orders.
    pub vault: Address,
    /// Auctions.
    pub house: Address,
    /// The courier over LayerZero; none on a chain without it.
    pub gateway: Option<Address>,
    /// What takers pay in.
    pub coin: AssetId,
    /// Tokens of the vault.
    pub tokens: Vec<TokenAddress>,
    /// LayerZero's contracts.
    pub layerzero: Option<LayerZero>,
    /// The reserve's cold store.
    pub safe: Option<SafeAddresses>,
}

/// A token of a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenAddress {
    /// The hub's id.
    pub asset: AssetId,
    /// Its contract.
    pub token: Address,
    /// Its digits.
    pub decimals: u8,
    /// Where the market's price of it can be read: Chainlink's aggregator.
    pub feed: Option<Address>,
}

/// What a vault is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpokePlan {
    /// For people.
    pub name: String,
    /// The hub's id of the chain.
    pub chain: ChainId,
    /// Of the first set of validators.
    pub epoch: u32,
    /// The first set of validators, ascending.
    pub signers: Vec<Signer>,
    /// What takers pay in.
    pub coin: TokenAddress,
    /// The chain's own coin as a token.
    pub wrapped: Option<Address>,
    /// LayerZero's contracts, where there is to be a gateway.
    pub layerzero: Option<LayerZero>,
    /// Who sets up the gateway.
    pub owner: Address,
    /// Different DVNs that a path of tokens needs: [`DVNS_DEFAULT`].
    pub verifiers: usize,
    /// Fewer than three are enough. Never for other people's money.
    pub development: bool,
    /// The vault that is going to hand over to this one, which is closed until then. None for a chain's first.
    pub predecessor: Option<Address>,
}

/// Creates vault, auction house and gateway.
pub async fn deploy_spoke(
    wallet: &DynProvider,
    deployer: Address,
    plan: SpokePlan,
) -> Result<Deployment, EvmError> {
    let chain_id = connection::chain_id(wallet).await?;
    let nonce = wallet.get_transaction_count(deployer).await;
    let nonce = nonce.map_err(|error| connection::unreadable("eth_getTransactionCount", &error))?;
    // The vault is created now, the gateway by the transaction after.
    let gateway = plan.layerzero.as_ref().map(|_| deployer.create(nonce + 1));
    let signers: Vec<Address> = plan.signers.iter().map(|signer| Address::from(signer.0)).collect();
    let arguments = (
        plan.epoch,
        signers,
        plan.coin.asset.0,
        plan.coin.token,
        plan.wrapped.unwrap_or_default(),
        gateway.unwrap_or_default(),
        plan.predecessor.unwrap_or_default(),
    );
    let before = wallet.get_block_number().await;
    let before = before.map_err(|error| connection::unreadable("eth_blockNumber", &error))?;
    let vault = deploy(wallet, "Vault", Vault::BYTECODE.clone(), arguments.abi_encode_params()).await?;
    if let (Some(layerzero), Some(expected)) = (&plan.layerzero, gateway) {
        let verifiers = U256::from(plan.verifiers);
        let arguments = (layerzero.endpoint, plan.owner, vault, plan.chain.0, verifiers, plan.development);
        let code = Gateway::BYTECODE.clone();
        let created = deploy(wallet, "Gateway", code, arguments.abi_encode_params()).await?;
        if created != expected {
            return Err(EvmError::NoContract { address: expected, chain_id });
        }
    }
    let house = Vault::new(vault, wallet).house().call().await;
    let house = house.map_err(|error| connection::unreadable("Vault.house", &error))?;
    Ok(Deployment {
        name: plan.name,
        chain: plan.chain,
        chain_id,
        first_block: before + 1,
        vault,
        house,
        gateway,
        coin: plan.coin.asset,
        tokens: vec![plan.coin],
        layerzero: plan.layerzero,
        safe: None,
    })
}

impl Deployment {
    /// What every signature for this spoke contains.
    #[must_use]
    pub fn domain(&self) -> Hash {
        digest::domain(ChainKind::Evm, self.chain_id, super::hub_address(self.vault))
    }

    /// A token of the vault.
    #[must_use]
    pub fn token(&self, asset: AssetId) -> Option<&TokenAddress> {
        self.tokens.iter().find(|token| token.asset == asset)
    }
}

impl TokenAddress {
    /// Wad for one of the token's own units. A vault lists no token of more than 18 digits.
    #[must_use]
    pub fn unit(&self) -> u128 {
        10_u128.pow(18_u32.saturating_sub(u32::from(self.decimals)))
    }
}
