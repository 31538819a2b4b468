//! Roots of the attestation chain: each member signs what it recomputed; two thirds make one count.
//!
//! - A member has one vote a kind and height. A second, other root of the same member is refused and told of: it is
//!   proof that the member lies.
//! - A wrong root is not looked for: it lacks the votes.
//! - Keeps: a member has votes of at most [`OPEN_MOST`] roots; with one more its own for the lowest height is forgotten, never
//!   another member's. So whoever votes for all heights of the far future is alone with that.

use crate::certificate::{Certificate, Signature, SignatureFault, two_thirds};
use crate::message::{Root, RootKind};
use ballast_types::{Hash, Height, Signer};
use std::collections::{BTreeMap, BTreeSet};

/// Roots with a vote of one member; what is forgotten can be voted on again.
const OPEN_MOST: usize = 4_096;

/// What a root is of.
type Place = (Height, RootKind);

/// Votes of the members of one attestation chain.
#[derive(Clone, Debug)]
pub struct RootVotes {
    domain: Hash,
    members: Vec<Signer>,
    open: BTreeMap<Place, BTreeMap<Signer, (Hash, Signature)>>,
    /// What each member voted on.
    voted: BTreeMap<Signer, BTreeSet<Place>>,
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
        Self { domain, members, open: BTreeMap::new(), voted: BTreeMap::new() }
    }

    /// Takes a member's vote. A certificate as soon as two thirds voted for this root, and with every vote after that.
    pub fn vote(&mut self, root: Root, signature: Signature) -> Result<Option<Certificate>, VoteError> {
        let signer = signature.recover(root.digest(self.domain)).map_err(VoteError::NoSignature)?;
        if self.members.binary_search(&signer).is_err() {
            return Err(VoteError::NotAMember(signer));
        }
        let place = (root.height, root.kind);
        let votes = self.open.entry(place).or_default();
        let (first, _) = *votes.entry(signer).or_insert((root.root, signature));
        if first != root.root {
            return Err(VoteError::Changed { signer, first, second: root.root });
        }
        let signatures = votes.values().filter(|(voted, _)| *voted == root.root);
        let signatures: Vec<Signature> = signatures.map(|(_, signature)| *signature).collect();
        self.note(signer, place);
        let enough = two_thirds(self.members.len()) <= signatures.len();
        Ok(enough.then_some(Certificate { signatures }))
    }

    /// Votes that are kept of one member.
    #[must_use]
    pub fn kept_of(&self, member: Signer) -> usize {
        self.voted.get(&member).map_or(0, BTreeSet::len)
    }

    /// A member voted there; forgets its own vote for the lowest height where it has too many.
    fn note(&mut self, member: Signer, place: Place) {
        let voted = self.voted.entry(member).or_default();
        voted.insert(place);
        if voted.len() <= OPEN_MOST {
            return;
        }
        let oldest = voted.pop_first().expect("it has many");
        let votes = self.open.get_mut(&oldest).expect("it voted there");
        votes.remove(&member);
        if votes.is_empty() {
            self.open.remove(&oldest);
        }
    }
}
