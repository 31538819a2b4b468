//! Snapshots: the engine and what the node keeps beside it, as of one block, so that a restart applies few blocks.
//!
//! ```text
//! magic BALLASTSNAP1 | blake3 of the rest (32) | length (4) | the node's part, borsh | the engine's snapshot
//! ```
//!
//! - A snapshot appears whole or not at all, and only after its block is in the log: the log is what counts, and a
//!   snapshot that cannot be written or read costs time alone.
//! - The last two are kept: a damaged one falls back to the one before it, and then to genesis.

use crate::auth::Nonces;
use crate::files;
use ballast_engine::{Engine, SnapshotError};
use ballast_types::{Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 12] = b"BALLASTSNAP1";
/// Of a snapshot's name.
const EXTENSION: &str = "snapshot";
/// How many stay.
const KEPT: usize = 2;

/// Everything a node is, as of one block.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) block_hash: Hash,
    pub(crate) nonces: Nonces,
    pub(crate) engine: Engine,
}

/// What the node keeps beside the engine.
#[derive(BorshSerialize, BorshDeserialize)]
struct Part {
    block_hash: Hash,
    nonces: Nonces,
}

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// The system refuses.
    #[error("it cannot be read: {0}")]
    Io(#[source] io::Error),
    /// Another kind of file, or one that is cut off.
    #[error("it is no snapshot of this program")]
    Format,
    /// Not what was written.
    #[error("it is damaged: its checksum is {found}, its contents give {computed}")]
    Damaged {
        /// As written.
        found: Hash,
        /// As computed.
        computed: Hash,
    },
    /// Sound, but by another version of the engine.
    #[error("{0}")]
    Engine(#[source] SnapshotError),
    /// Sound, but of another log.
    #[error("it is of block {height} with hash {found}, the log's block {height} has {logged}")]
    OtherLog {
        /// Which block.
        height: Height,
        /// The snapshot's.
        found: Hash,
        /// The log's.
        logged: Hash,
    },
}

impl Snapshot {
    /// Reads a snapshot.
    pub(crate) fn read(path: &Path) -> Result<Self, SnapshotFault> {
        let bytes = fs::read(path).map_err(SnapshotFault::Io)?;
        let rest = bytes.strip_prefix(MAGIC).ok_or(SnapshotFault::Format)?;
        let (found, rest) = rest.split_first_chunk().ok_or(SnapshotFault::Format)?;
        let (found, computed) = (Hash(*found), Hash(*blake3::hash(rest).as_bytes()));
        if found != computed {
            return Err(SnapshotFault::Damaged { found, computed });
        }
        let (length, rest) = rest.split_first_chunk().ok_or(SnapshotFault::Format)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| SnapshotFault::Format)?;
        let (part, engine) = rest.split_at_checked(length).ok_or(SnapshotFault::Format)?;
        let Part { block_hash, nonces } = borsh::from_slice(part).map_err(|_| SnapshotFault::Format)?;
        let engine = Engine::restore(engine).map_err(SnapshotFault::Engine)?;
        Ok(Self { block_hash, nonces, engine })
    }

    /// Of the last block in it.
    pub(crate) fn height(&self) -> Height {
        self.engine.state().house.height
    }
}

/// Writes a snapshot, and removes those that are not needed any more.
pub(crate) fn write(folder: &Path, engine: &Engine, block_hash: Hash, nonces: &Nonces) -> io::Result<()> {
    let part = borsh::to_vec(&(block_hash, nonces))?;
    let length = u32::try_from(part.len()).map_err(io::Error::other)?.to_le_bytes();
    let engine_bytes = engine.snapshot();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&length).update(&part).update(&engine_bytes);
    let checksum = hasher.finalize();
    let path = folder.join(files::name(engine.state().house.height, EXTENSION));
    files::write_whole(&path, &[MAGIC, checksum.as_bytes(), &length, &part, &engine_bytes])?;
    for (_, old) in list(folder)?.into_iter().skip(KEPT) {
        fs::remove_file(old)?;
    }
    Ok(())
}

/// The snapshots of a folder, the newest first.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<(Height, PathBuf)>> {
    let mut found = files::numbered(folder, EXTENSION)?;
    found.reverse();
    Ok(found)
}
