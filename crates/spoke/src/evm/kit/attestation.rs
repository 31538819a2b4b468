//! A local attestation chain: one more node, with nothing on it but the contract for roots.

use super::chain::KitError;
use super::node::{Node, NodeConfig, dev_key};
use crate::certificate::{Certificate, Key};
use crate::evm::{AttestationSite, Npm, deploy_attestations};
use crate::message::{Root, RootKind};
use crate::quorum::{RootVotes, VoteError};
use alloy::providers::DynProvider;
use ballast_types::{Hash, Height, Signer};

/// A local attestation chain, and members that sign here.
#[derive(Debug)]
pub struct AttestationChain {
    /// Its node.
    pub node: Node,
    /// Where the contract lies.
    pub site: AttestationSite,
    members: Vec<Key>,
    courier: DynProvider,
}

impl AttestationChain {
    /// Starts a node whose contract has these members.
    pub async fn start(npm: &Npm, config: NodeConfig, members: Vec<Key>) -> Result<Self, KitError> {
        let node = Node::start(npm, config).await?;
        let courier = node.wallet(&dev_key("deployer", 0)).await?;
        let signers: Vec<Signer> = members.iter().map(Key::signer).collect();
        let site = deploy_attestations(&courier, &signers).await?;
        Ok(Self { node, site, members, courier })
    }

    /// What each member signs: the root that it computed itself, one for each member; no vote where it computed none.
    pub fn vote(
        &self,
        kind: RootKind,
        height: Height,
        computed: &[Option<Hash>],
    ) -> Result<Option<(Root, Certificate)>, VoteError> {
        let signers = self.members.iter().map(Key::signer).collect();
        let mut votes = RootVotes::new(self.site.domain(), signers);
        let mut counts = None;
        for (member, root) in self.members.iter().zip(computed) {
            let Some(root) = root.map(|root| Root { kind, height, root }) else { continue };
            let certificate = votes.vote(root, member.sign(root.digest(self.site.domain())))?;
            counts = certificate.map(|certificate| (root, certificate)).or(counts);
        }
        Ok(counts)
    }

    /// Has a root delivered on which all members agree.
    pub async fn attest(&self, kind: RootKind, height: Height, root: Hash) -> Result<(), KitError> {
        let computed = vec![Some(root); self.members.len()];
        let counts = self.vote(kind, height, &computed)?;
        let (root, certificate) = counts.ok_or(KitError::Plan("an attestation chain has members"))?;
        self.site.post(&self.courier, root, &certificate).await?;
        Ok(())
    }

    /// Whoever delivers.
    #[must_use]
    pub fn courier(&self) -> &DynProvider {
        &self.courier
    }
}
