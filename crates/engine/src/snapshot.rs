//! Snapshots: the whole state as bytes, and back.
//!
//! `magic, version, checksum, state`; integers little-endian, the state in borsh. The same state gives the
//! same bytes. What is derived is left out and rebuilt.

use crate::Engine;
use crate::state::State;
use ballast_types::Hash;
use borsh::{BorshDeserialize, BorshSerialize};

const MAGIC: &[u8; 8] = b"BALLAST\0";
/// Of the format; raised whenever a record changes shape.
const VERSION: u32 = 7;
const HEADER: usize = 8 + 4 + 32;

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
        found: Hash,
        /// As computed.
        computed: Hash,
    },
    /// The contents do not decode.
    #[error("the snapshot does not decode")]
    Decode(#[source] std::io::Error),
}

impl Engine {
    /// The whole state, with a checksum. The same state gives the same bytes. Checks every invariant first:
    /// what is wrong must not be restored from.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        crate::invariants::check(&self.state);
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 32]);
        self.state.serialize(&mut bytes).expect("writing to memory does not fail");
        if let Some((header, contents)) = bytes.split_at_mut_checked(HEADER) {
            let checksum = blake3::hash(contents);
            if let Some(place) = header.last_chunk_mut::<32>() {
                *place = *checksum.as_bytes();
            }
        }
        bytes
    }

    /// The engine that a snapshot was taken of.
    pub fn restore(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let format =
            || SnapshotError::Format { want: VERSION, found: bytes.iter().take(12).copied().collect() };
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or_else(format)?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(format)?;
        let (checksum, contents) = rest.split_first_chunk::<32>().ok_or_else(format)?;
        if magic != MAGIC || u32::from_le_bytes(*version) != VERSION {
            return Err(format());
        }
        let computed = Hash(*blake3::hash(contents).as_bytes());
        if computed != Hash(*checksum) {
            return Err(SnapshotError::Damaged { found: Hash(*checksum), computed });
        }
        let mut state = State::try_from_slice(contents).map_err(SnapshotError::Decode)?;
        state.derive();
        Ok(Self::of(state))
    }
}
