//! What else validators and members sign: a freeze, a root.

use ballast_types::{Hash, Height, digest::keccak};
use ballast_units::Time;

/// A stop of everything that leaves a vault; a third of the validators is enough for it.
///
/// It has no number: the same freeze again changes nothing while it is in force, and is void afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// It ends by itself at this time, at most 24 hours ahead.
    pub until: Time,
}

impl Freeze {
    /// What is signed for it.
    #[must_use]
    pub fn digest(&self, domain: Hash, epoch: u32) -> Hash {
        let (epoch, until) = (epoch.to_be_bytes(), self.until.millis().to_be_bytes());
        keccak(&[b"BALLAST-FREEZE-1", &domain.0, &epoch, &until])
    }
}

/// What a root is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RootKind {
    /// Accounts before their liquidations.
    H0,
    /// Results of liquidations.
    H1,
    /// What the house owes.
    Liabilities,
}

impl RootKind {
    /// Its byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::H0 => 0,
            Self::H1 => 1,
            Self::Liabilities => 2,
        }
    }
}

/// A root at a height of the hub, as members of the attestation chain sign it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Root {
    /// What it is over.
    pub kind: RootKind,
    /// The block that it is of.
    pub height: Height,
    /// Itself; zero is the root of nothing.
    pub root: Hash,
}

impl Root {
    /// What is signed for it; `domain` is that of the attestation chain's contract.
    #[must_use]
    pub fn digest(&self, domain: Hash) -> Hash {
        let (kind, height) = ([self.kind.byte()], self.height.0.to_be_bytes());
        keccak(&[b"BALLAST-ROOT-1", &domain.0, &kind, &height, &self.root.0])
    }
}
