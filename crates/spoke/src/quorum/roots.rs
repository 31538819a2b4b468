//! Roots of the attestation chain: each member signs what it recomputed; two thirds make one count.
//!
//! - A member has one vote a kind and height. A second, other root of the same member is refused and told of: it is
//!   proof that the member lies.
//! - A wrong root is not looked for: it lacks the votes.

use crate::certificate::{Certificate, Signature, SignatureFault, two_thirds};
use crate::message::{Root, RootKind};
use ballast_types::{Hash, Height, Signer};
use std::collections::BTreeMap;

/// Roots that are voted on at once; the oldest are forgotten, and can be voted on again.
const OPEN_MOST: usize = 4_096;

/// Votes of the members of one attestation chain.
#[derive(Clone, Debug)]
pub struct RootVotes {
    domain: Hash,
    members: Vec<Signer>,
    open: BTreeMap<(Height, RootKind), BTreeMap<Signer, (Hash, Signature)>>,
}

/// Why a vote does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VoteError {
    /// Nobody signs so.
    #[error("the vote is no signature: {0:?}")]
    NoSignature(SignatureFault),
    /// A stranger; or a member that signed something else.
    #[error("{0} is no member of the attestation chain")]
    NotAMember(Signer),
    /// The member signed another root already. Both signatures together prove it.
    #[error("{signer} signed the root {first} first, now {second}")]
    Changed {
        /// Who.
        signer: Signer,
        /// Its vote.
        first: Hash,
        /// What it signed later.
        second: Hash,
    },
}

impl RootVotes {
    /// No votes yet. `domain` is that of the attestation chain's contract.
    #[must_use]
    pub fn new(domain: Hash, mut members: Vec<Signer>) -> Self {
        members.sort_unstable();
        members.dedup();
        Self { domain, members, open: BTreeMap::new() }
    }

    /// Takes a member's vote. A certificate as soon as two thirds voted for this root, and with every vote after that.
    pub fn vote(&mut self, root: Root, signature: Signature) -> Result<Option<Certificate>, VoteError> {
        let signer = signature.recover(root.digest(self.domain)).map_err(VoteError::NoSignature)?;
        if self.members.binary_search(&signer).is_err() {
            return Err(VoteError::NotAMember(signer));
        }
        let votes = self.open.entry((root.height, root.kind)).or_default();
        let (first, _) = *votes.entry(signer).or_insert((root.root, signature));
        if first != root.root {
            return Err(VoteError::Changed { signer, first, second: root.root });
        }
        let signatures = votes.values().filter(|(voted, _)| *voted == root.root);
        let signatures: Vec<Signature> = signatures.map(|(_, signature)| *signature).collect();
        while OPEN_MOST < self.open.len() {
            self.open.pop_first();
        }
        let enough = two_thirds(self.members.len()) <= signatures.len();
        Ok(enough.then_some(Certificate { signatures }))
    }
}
