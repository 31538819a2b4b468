//! Starting on a folder: the newest good snapshot, the blocks of the log after it, each compared with its record.
//!
//! ```text
//! folder/lock                 who runs on it
//! folder/blocks/*.log         the log, a segment a file
//! folder/snapshots/*.snapshot the last two
//! ```
//!
//! - Nothing is changed before everything has been read: what is refused is left as it was found.
//! - Signatures are not checked again, their nonces are taken as recorded: whoever wrote the record checked them, and
//!   `ballast verify` does.

use crate::auth::Nonces;
use crate::files::{self, Lock, LockFault};
use crate::log::{Log, LogError, Tail, Walk};
use crate::snapshot::{self, Snapshot, SnapshotFault};
use ballast_engine::{Engine, GenesisError, Outcome};
use ballast_spoke::certificate::SetError;
use ballast_types::{Genesis, Hash, Height};
use ballast_units::Time;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The log's segments.
pub(crate) const BLOCKS: &str = "blocks";
/// The snapshots.
pub(crate) const SNAPSHOTS: &str = "snapshots";
/// Who runs on it.
const LOCK: &str = "lock";

/// Something that whoever runs the node should read.
#[derive(Debug, thiserror::Error)]
pub enum Notice {
    /// The last record was never written whole.
    #[error(
        "{}: the last {bytes} bytes, after block {height}, were no whole record (the node stopped while writing it); \
         they are cut off",
        .file.display()
    )]
    TailCut {
        /// Where.
        file: PathBuf,
        /// How many bytes.
        bytes: u64,
        /// The last whole block.
        height: Height,
    },
    /// A snapshot is left aside; an older one, or the genesis, does.
    #[error("{} is left aside: {fault}; starting from an older one takes longer", .file.display())]
    SnapshotUnusable {
        /// Which.
        file: PathBuf,
        /// Why.
        fault: SnapshotFault,
    },
    /// A snapshot could not be written; the log has everything.
    #[error("the snapshot of block {height} could not be written: {source}; a restart will take longer")]
    SnapshotNotWritten {
        /// Of which block.
        height: Height,
        /// Why.
        source: io::Error,
    },
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system refuses.
    #[error("cannot use the folder {}", .folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another node runs on it.
    #[error("{} is in use by {holder}: a folder has one node at a time", .folder.display())]
    Locked {
        /// Which.
        folder: PathBuf,
        /// "process 4711".
        holder: String,
    },
    /// The log cannot be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The engine refuses the genesis.
    #[error("the genesis is refused: {0}")]
    Genesis(#[from] GenesisError),
    /// The folder is another house's.
    #[error("{} has the log of another house: another genesis, or a simulation; take another folder", .folder.display())]
    OtherHouse {
        /// Which.
        folder: PathBuf,
    },
    /// The log lost blocks.
    #[error(
        "the log ends at block {log}, and there is a snapshot of block {snapshot}: blocks are missing at its end. \
         Nothing was changed. Put {} back from a backup",
        .folder.display()
    )]
    LogBehind {
        /// Of the log.
        folder: PathBuf,
        /// Its last block.
        log: Height,
        /// The snapshot's.
        snapshot: Height,
    },
    /// This program is not the one that wrote the log, or the machine is broken.
    #[error(
        "block {height} leads to the state {computed}, its record says {recorded}: run the version that wrote the log"
    )]
    Diverged {
        /// Which block.
        height: Height,
        /// As written.
        recorded: Hash,
        /// As computed now.
        computed: Hash,
    },
    /// The key makes no set of validators.
    #[error(transparent)]
    Validators(#[from] SetError),
}

/// A node's memory, as its folder has it.
pub(crate) struct Recovered {
    pub(crate) log: Log,
    pub(crate) engine: Engine,
    pub(crate) nonces: Nonces,
    /// Height and time of the snapshot that it started from, or of genesis.
    pub(crate) saved: (Height, Time),
    pub(crate) notices: Vec<Notice>,
}

/// Removes log and snapshots.
pub(crate) fn discard(folder: &Path) -> Result<(), OpenError> {
    let _lock = prepare(folder)?;
    let gone = [SNAPSHOTS, BLOCKS].into_iter().try_for_each(|part| fs::remove_dir_all(folder.join(part)));
    gone.and_then(|()| files::sync_folder(folder)).map_err(in_folder(folder))
}

/// Makes the folder what a node needs, and locks it.
pub(crate) fn prepare(folder: &Path) -> Result<Lock, OpenError> {
    let parts = [BLOCKS, SNAPSHOTS].map(|part| folder.join(part));
    for part in &parts {
        fs::create_dir_all(part).map_err(in_folder(folder))?;
    }
    let lock = Lock::take(&folder.join(LOCK)).map_err(|fault| match fault {
        LockFault::Held(holder) => OpenError::Locked { folder: folder.to_owned(), holder },
        LockFault::Io(source) => OpenError::Folder { folder: folder.to_owned(), source },
    })?;
    for part in &parts {
        files::remove_growing(part).map_err(in_folder(folder))?;
    }
    files::sync_folder(folder).map_err(in_folder(folder))?;
    Ok(lock)
}

/// Brings a node to where its log ends; begins a log where there is none.
pub(crate) fn recover(folder: &Path, genesis: &Genesis, segment_bytes: u64) -> Result<Recovered, OpenError> {
    let blocks = folder.join(BLOCKS);
    let engine = Engine::new(genesis)?;
    let snapshots = snapshot::list(&folder.join(SNAPSHOTS)).map_err(in_folder(folder))?;
    if Log::is_empty(&blocks)? {
        return begin(&blocks, genesis, engine, &snapshots, segment_bytes);
    }
    let mut notices = Vec::new();
    for (_, file) in snapshots {
        let fault = match Snapshot::read(&file) {
            Ok(snapshot) => match seek(&blocks, &snapshot)? {
                Ok(walk) => return replay(&blocks, genesis, segment_bytes, snapshot, walk, notices),
                Err(fault) => fault,
            },
            Err(fault) => fault,
        };
        notices.push(Notice::SnapshotUnusable { file, fault });
    }
    let walk = Walk::open(&blocks)?;
    let (block_hash, nonces) = (walk.block_hash(), Nonces::default());
    let start = Snapshot { block_hash, nonces, engine };
    replay(&blocks, genesis, segment_bytes, start, walk, notices)
}

/// A new house.
fn begin(
    blocks: &Path,
    genesis: &Genesis,
    engine: Engine,
    snapshots: &[(Height, PathBuf)],
    segment_bytes: u64,
) -> Result<Recovered, OpenError> {
    if let Some((snapshot, _)) = snapshots.first() {
        return Err(OpenError::LogBehind { folder: blocks.to_owned(), log: Height(0), snapshot: *snapshot });
    }
    let log = Log::create(blocks, genesis, segment_bytes)?;
    let saved = (Height(0), engine.state().now());
    Ok(Recovered { log, engine, nonces: Nonces::default(), saved, notices: Vec::new() })
}

/// Walks the log to a snapshot's block, where it must be the log's.
fn seek(blocks: &Path, snapshot: &Snapshot) -> Result<Result<Walk, SnapshotFault>, OpenError> {
    let height = snapshot.height();
    let mut walk = Walk::open_at(blocks, Height(height.0 + 1))?;
    while walk.height() < height {
        if walk.next_record()?.is_none() {
            let (folder, log) = (blocks.to_owned(), walk.height());
            return Err(OpenError::LogBehind { folder, log, snapshot: height });
        }
    }
    let (found, logged) = (snapshot.block_hash, walk.block_hash());
    Ok(if found == logged { Ok(walk) } else { Err(SnapshotFault::OtherLog { height, found, logged }) })
}

/// Applies what comes after a snapshot, and opens the log at its end.
fn replay(
    blocks: &Path,
    genesis: &Genesis,
    segment_bytes: u64,
    start: Snapshot,
    mut walk: Walk,
    mut notices: Vec<Notice>,
) -> Result<Recovered, OpenError> {
    if walk.head().genesis != *genesis || !walk.head().signed {
        return Err(OpenError::OtherHouse { folder: blocks.to_owned() });
    }
    let Snapshot { mut engine, mut nonces, .. } = start;
    let saved = (engine.state().house.height, engine.state().now());
    let mut outcome = Outcome::default();
    while let Some(record) = walk.next_record()? {
        let (height, recorded) = (record.block.height, record.state_hash);
        engine.apply(&record.block, &mut outcome);
        let computed = outcome.state_hash;
        if computed != recorded {
            return Err(OpenError::Diverged { height, recorded, computed });
        }
        nonces.take_all(engine.state(), &record);
    }
    if let Some(Tail::Torn { from, end }) = walk.tail() {
        let (file, height) = (walk.file().to_owned(), walk.height());
        notices.push(Notice::TailCut { file, bytes: end - from, height });
    }
    let log = Log::go_on(blocks, &walk, segment_bytes)?;
    Ok(Recovered { log, engine, nonces, saved, notices })
}

fn in_folder(folder: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let folder = folder.to_owned();
    move |source| OpenError::Folder { folder, source }
}
