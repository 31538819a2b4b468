//! What a vault has, by its books and by its tokens: whether what the hub was told is there.

use super::bindings::{mock_token::MockToken, vault::Vault};
use super::endpoint::{Fault, answer};
use super::{Deployment, TokenAddress, Watcher};
use alloy::eips::BlockId;
use alloy::primitives::{Address, B256};
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
    /// What the vault has at a block, by whichever endpoint is in use. Where it has handed over by then, what its successor
    /// has, and what stayed behind.
    pub async fn holdings(&self, deployment: &Deployment, block: Hash) -> Result<Holdings, Fault> {
        let at = BlockId::hash(B256::from(block.0));
        let (vaults, sequence) = self.vaults_in(deployment.vault, at).await?;
        let mut assets = Vec::new();
        for token in &deployment.tokens {
            let (last, before) = vaults.split_last().expect("the first one is among them");
            let mut all = self.holding(*last, token, at).await?;
            for vault in before {
                let rest = self.holding(*vault, token, at).await?;
                if !rest.booked.is_zero() {
                    // What one has beyond its books makes nothing good in another.
                    all.balance = all.balance.min(all.booked) + rest.balance.min(rest.booked);
                    all.booked += rest.booked;
                }
            }
            assets.push(all);
        }
        Ok(Holdings { sequence, assets })
    }

    /// The chain's vaults at a block, from the first one on, and the last fact that they have told.
    async fn vaults_in(&self, first: Address, at: BlockId) -> Result<(Vec<Address>, Sequence), Fault> {
        let mut vaults = vec![first];
        loop {
            let present = vaults.last().copied().unwrap_or(first);
            let contract = Vault::new(present, self.endpoints().best());
            let head = answer(contract.head().block(at).call().into_future()).await?;
            if head.closed {
                let to = answer(contract.migration().block(at).call().into_future()).await?.to;
                if !to.is_zero() && !vaults.contains(&to) {
                    vaults.push(to);
                    continue;
                }
            }
            return Ok((vaults, Sequence(head.sequence)));
        }
    }

    async fn holding(&self, vault: Address, token: &TokenAddress, at: BlockId) -> Result<Holding, Fault> {
        let provider = self.endpoints().best();
        let contract = Vault::new(vault, provider);
        let books = answer(contract.balances(token.asset.0).block(at).call().into_future()).await?;
        let contract = MockToken::new(token.token, provider);
        let raw = answer(contract.balanceOf(vault).block(at).call().into_future()).await?;
        // A token that claims more than can be counted has at least the most that can.
        let balance = raw.saturating_to::<u128>().saturating_mul(token.unit());
        Ok(Holding {
            asset: token.asset,
            booked: Amount::from_wei(books.booked),
            reserved: Amount::from_wei(books.reserved),
            balance: Amount::from_wei(balance),
        })
    }
}
