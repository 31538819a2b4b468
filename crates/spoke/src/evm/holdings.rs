//! What a vault has, by its books and by its tokens: whether what the hub was told is there.

use super::bindings::{mock_token::MockToken, vault::Vault};
use super::endpoint::{Fault, answer};
use super::{Deployment, Watcher};
use alloy::eips::BlockId;
use alloy::primitives::B256;
use ballast_types::{AssetId, Hash, Sequence};
use ballast_units::Amount;

/// A vault's holdings of one asset, at one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Of what.
    pub asset: AssetId,
    /// By the vault's books: what the hub was told must come to this.
    pub booked: Amount,
    /// Of that, under auction or waiting.
    pub reserved: Amount,
    /// By the token: never less than the books, or the token has lost something.
    pub balance: Amount,
}

/// A vault at one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// The last fact that it has told.
    pub sequence: Sequence,
    /// Token by token.
    pub assets: Vec<Holding>,
}

impl Holdings {
    /// Assets of which the token holds less than the vault's books say.
    pub fn short(&self) -> impl Iterator<Item = &Holding> {
        self.assets.iter().filter(|holding| holding.balance < holding.booked)
    }
}

impl Watcher {
    /// What the vault has at a block, by whichever endpoint is in use.
    pub async fn holdings(&self, deployment: &Deployment, block: Hash) -> Result<Holdings, Fault> {
        let provider = self.endpoints().best();
        let vault = Vault::new(deployment.vault, provider);
        let at = BlockId::hash(B256::from(block.0));
        let head = answer(vault.head().block(at).call().into_future()).await?;
        let mut assets = Vec::new();
        for token in &deployment.tokens {
            let books = answer(vault.balances(token.asset.0).block(at).call().into_future()).await?;
            let contract = MockToken::new(token.token, provider);
            let raw = answer(contract.balanceOf(deployment.vault).block(at).call().into_future()).await?;
            // A token that claims more than can be counted has at least the most that can.
            let balance = raw.saturating_to::<u128>().saturating_mul(token.unit());
            assets.push(Holding {
                asset: token.asset,
                booked: Amount::from_wei(books.booked),
                reserved: Amount::from_wei(books.reserved),
                balance: Amount::from_wei(balance),
            });
        }
        Ok(Holdings { sequence: Sequence(head.sequence), assets })
    }
}
