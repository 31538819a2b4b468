//! Whom a path believes: the DVNs that have to verify its messages.

use super::abi::UlnConfig;
use alloy::primitives::Address;

/// DVNs that a path needs outside development: one that lies, or is taken over, is not enough to forge a message.
pub const DVNS_LEAST: usize = 3;

/// DVNs of a path of tokens, where nobody has reason for another number.
pub const DVNS_DEFAULT: usize = 5;

/// DVNs of a path, all of which have to verify a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dvns {
    required: Vec<Address>,
    confirmations: u64,
}

/// Why a path is not set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// One operator could forge messages.
    #[error("a path needs {need} different DVNs, these are {have}; only in development fewer are allowed")]
    TooFewDvns {
        /// How many.
        have: usize,
        /// How many it takes.
        need: usize,
    },
    /// LayerZero takes 0 for "as everybody", which is not ours to know.
    #[error("a path that waits for no confirmations believes blocks that the chain may drop")]
    NoConfirmations,
}

impl Dvns {
    /// DVNs, in any order. `development`: one is enough.
    pub fn new(dvns: &[Address], confirmations: u64, development: bool) -> Result<Self, PathError> {
        let mut required = dvns.to_vec();
        required.sort();
        required.dedup();
        let need = if development { 1 } else { DVNS_LEAST };
        if required.len() < need {
            return Err(PathError::TooFewDvns { have: required.len(), need });
        }
        if confirmations == 0 {
            return Err(PathError::NoConfirmations);
        }
        Ok(Self { required, confirmations })
    }

    /// Blocks of the source that a DVN waits for; 1 is the one that holds the message.
    #[must_use]
    pub fn confirmations(&self) -> u64 {
        self.confirmations
    }

    /// Which.
    #[must_use]
    pub fn required(&self) -> &[Address] {
        &self.required
    }

    /// As a chain's default, or as an OApp's own configuration.
    pub(super) fn config(&self, default: bool) -> UlnConfig {
        /// An OApp's word for "none", where 0 means "the default"; a default itself has no such word.
        const NONE: u8 = 255;
        UlnConfig {
            confirmations: self.confirmations,
            requiredDVNCount: u8::try_from(self.required.len()).unwrap_or(NONE - 1),
            optionalDVNCount: if default { 0 } else { NONE },
            optionalDVNThreshold: 0,
            requiredDVNs: self.required.clone(),
            optionalDVNs: Vec::new(),
        }
    }
}
