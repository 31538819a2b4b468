//! Snapshots: the engine and what the node keeps beside it, as of one block, so that a restart applies few blocks.
//!
//! ```text
//! magic BALLASTSNAP1 | blake3 of the rest (32) | length (4) | the node's part, borsh | the engine's snapshot
//! ```
//!
//! - A snapshot appears whole or not at all, and only after its block is in the log: the log is what counts, and a
//!   snapshot that cannot be written or read costs time alone.
//! - The last two are kept: a damaged one falls back to the one before it, and then to genesis.
//! - A start compares block hash and state hash with the log's record of that block, which costs nothing. That every figure
//!   and nonce in it is the log's, only the log from genesis on can tell: [`check_snapshot`], which `ballast verify` asks.

use crate::auth::Nonces;
use crate::files;
use crate::recover::SNAPSHOTS;
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
    /// Sound, but another state than the one that its block led to.
    #[error("its state hash is {found}, the log's record of block {height} says {recorded}")]
    OtherState {
        /// Which block.
        height: Height,
        /// The snapshot's.
        found: Hash,
        /// The record's.
        recorded: Hash,
    },
    /// Sound, and with the right hashes, but the blocks after it lead from it to other states than are recorded.
    #[error("block {height} leads from it to another state than is recorded")]
    LeadsElsewhere {
        /// The first such block.
        height: Height,
    },
    /// Sound, and with the right hashes, but the nonces of owners are not those that the log used up.
    #[error("its nonces are not those that the log's blocks up to {height} used up")]
    OtherNonces {
        /// Which block.
        height: Height,
    },
    /// Sound, and with the right hashes, but what is in it is not what the log leads to.
    #[error("its contents are not what the log's blocks up to {height} lead to")]
    OtherContents {
        /// Which block.
        height: Height,
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

    /// Whether it is of the block that the log has at its height, and of the state that is recorded there.
    pub(crate) fn check(&self, logged: Hash, recorded: Hash) -> Result<(), SnapshotFault> {
        let (height, found) = (self.height(), self.engine.state().house.hash);
        if self.block_hash != logged {
            return Err(SnapshotFault::OtherLog { height, found: self.block_hash, logged });
        }
        if found != recorded {
            return Err(SnapshotFault::OtherState { height, found, recorded });
        }
        Ok(())
    }
}

/// The snapshots of a node's folder with their heights, the newest first.
pub fn snapshots(folder: &Path) -> io::Result<Vec<(Height, PathBuf)>> {
    let place = folder.join(SNAPSHOTS);
    if place.is_dir() { list(&place) } else { Ok(Vec::new()) }
}

/// Whether a snapshot is, byte for byte, that of this engine and these nonces after the block of this hash.
pub fn check_snapshot(
    file: &Path,
    engine: &Engine,
    nonces: &Nonces,
    block_hash: Hash,
) -> Result<(), SnapshotFault> {
    let want = pieces(engine, block_hash, nonces).map_err(SnapshotFault::Io)?;
    if fs::read(file).map_err(SnapshotFault::Io)? == want.concat() {
        return Ok(());
    }
    let snapshot = Snapshot::read(file)?;
    snapshot.check(block_hash, engine.state().house.hash)?;
    let height = snapshot.height();
    Err(if snapshot.nonces == *nonces {
        SnapshotFault::OtherContents { height }
    } else {
        SnapshotFault::OtherNonces { height }
    })
}

/// What a snapshot's file is made of, in order.
fn pieces(engine: &Engine, block_hash: Hash, nonces: &Nonces) -> io::Result<[Vec<u8>; 5]> {
    let part = borsh::to_vec(&(block_hash, nonces))?;
    let length = u32::try_from(part.len()).map_err(io::Error::other)?.to_le_bytes();
    let engine = engine.snapshot();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&length).update(&part).update(&engine);
    let checksum = hasher.finalize();
    Ok([MAGIC.to_vec(), checksum.as_bytes().to_vec(), length.to_vec(), part, engine])
}

/// Writes a snapshot, and removes those that are not needed any more.
pub(crate) fn write(folder: &Path, engine: &Engine, block_hash: Hash, nonces: &Nonces) -> io::Result<()> {
    let path = folder.join(files::name(engine.state().house.height, EXTENSION));
    let pieces = pieces(engine, block_hash, nonces)?;
    files::write_whole(&path, &pieces.each_ref().map(Vec::as_slice))?;
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
