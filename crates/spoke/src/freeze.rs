//! A freeze on its way: each validator signs for himself, anybody puts the signatures together, anybody brings them to the
//! vault.
//!
//! - Signing needs a key and nothing else: no network, no state, no other validator. It works when the hub does not.
//! - Signatures are of one freeze of one vault by one set: what is signed for another one is refused, not left out.
//! - Quorum: `floor(n/3) + 1` of n. More may sign; a quorum that could move money may prolong a freeze.

use crate::certificate::{Certificate, Key, Signature, SignatureFault, ValidatorSet};
use crate::message::Freeze;
use ballast_types::{Hash, Signer};
use ballast_units::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Signatures that one byte can count.
const COUNTED: usize = 255;

/// One validator's signature under a freeze, as it goes from hand to hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezeVote {
    /// Of the vault.
    pub domain: Hash,
    /// Of the set that its signer is of.
    pub epoch: u32,
    /// When the freeze ends.
    pub until: Time,
    /// Whose it is.
    pub signer: Signer,
    /// Over the freeze.
    pub signature: Signature,
}

/// A freeze that enough validators signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedFreeze {
    /// Of the vault.
    pub domain: Hash,
    /// Of the set that signed.
    pub epoch: u32,
    /// When it ends.
    pub until: Time,
    /// By signer, ascending.
    pub signatures: Vec<Signature>,
}

/// Why signatures make no freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FreezeError {
    /// Nothing to put together.
    #[error("no signature was given; {need} are needed")]
    None {
        /// How many there have to be.
        need: usize,
    },
    /// Signatures of different freezes.
    #[error(
        "signature {place} is for another freeze than the first one: domain, epoch and until have to be the same"
    )]
    Different {
        /// Which, from 1.
        place: usize,
    },
    /// Another set's.
    #[error("signed for epoch {have}; the set is of epoch {want}")]
    WrongEpoch {
        /// Of the signatures.
        have: u32,
        /// Of the set.
        want: u32,
    },
    /// Nobody's.
    #[error("signature {place}, of {signer} by its own word: {fault}")]
    Malformed {
        /// Which, from 1.
        place: usize,
        /// Whose it says that it is.
        signer: Signer,
        /// What is wrong with it.
        fault: SignatureFault,
    },
    /// Another one's, or of something else.
    #[error("signature {place} says that it is of {signer}; over this freeze it is of {found}")]
    Forged {
        /// Which, from 1.
        place: usize,
        /// Whose it says that it is.
        signer: Signer,
        /// Whose it would be.
        found: Signer,
    },
    /// Nobody of the set.
    #[error("signature {place}: {signer} is none of the {of} validators of epoch {epoch}")]
    UnknownSigner {
        /// Which, from 1.
        place: usize,
        /// Who.
        signer: Signer,
        /// How many there are.
        of: usize,
        /// Of their set.
        epoch: u32,
    },
    /// Too few.
    #[error("{have} of {of} validators signed, {need} are needed: {missing} more", missing = .need - .have)]
    TooFew {
        /// Different validators that signed.
        have: usize,
        /// How many there have to be.
        need: usize,
        /// How many there are.
        of: usize,
    },
}

impl FreezeVote {
    /// Signs.
    #[must_use]
    pub fn sign(domain: Hash, epoch: u32, freeze: Freeze, key: &Key) -> Self {
        let signature = key.sign(freeze.digest(domain, epoch));
        Self { domain, epoch, until: freeze.until, signer: key.signer(), signature }
    }

    fn freeze(&self) -> Freeze {
        Freeze { until: self.until }
    }
}

impl SignedFreeze {
    /// Puts signatures together, where enough different validators of the set gave one.
    pub fn combine(votes: &[FreezeVote], set: &ValidatorSet) -> Result<Self, FreezeError> {
        let (need, of) = (set.freeze_quorum(), set.signers().len());
        let Some(first) = votes.first() else { return Err(FreezeError::None { need }) };
        let FreezeVote { domain, epoch, until, .. } = *first;
        if epoch != set.epoch() {
            return Err(FreezeError::WrongEpoch { have: epoch, want: set.epoch() });
        }
        let mut signed = BTreeMap::new();
        for (place, vote) in (1..).zip(votes) {
            if (vote.domain, vote.epoch, vote.until) != (domain, epoch, until) {
                return Err(FreezeError::Different { place });
            }
            let signer = vote.signer;
            let found = vote.signature.recover(vote.freeze().digest(domain, epoch));
            let found = found.map_err(|fault| FreezeError::Malformed { place, signer, fault })?;
            if found != signer {
                return Err(FreezeError::Forged { place, signer, found });
            }
            if set.signers().binary_search(&signer).is_err() {
                return Err(FreezeError::UnknownSigner { place, signer, of, epoch });
            }
            signed.insert(signer, vote.signature);
        }
        let have = signed.len();
        if have < need {
            return Err(FreezeError::TooFew { have, need, of });
        }
        Ok(Self { domain, epoch, until, signatures: signed.into_values().take(COUNTED).collect() })
    }

    /// The freeze itself.
    #[must_use]
    pub fn freeze(&self) -> Freeze {
        Freeze { until: self.until }
    }

    /// Its certificate.
    #[must_use]
    pub fn certificate(&self) -> Certificate {
        Certificate { signatures: self.signatures.clone() }
    }
}
