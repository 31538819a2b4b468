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
    /// Vaults refuse what this node signs for a set, until others have signed it too.
    #[error(
        "of the validators of epoch {epoch} this node has {have} keys, a quorum has {need}: no vault of that epoch takes \
         its orders; start it with the keys that are missing"
    )]
    KeysMissing {
        /// Of the set.
        epoch: u32,
        /// Keys of it that are here.
        have: usize,
        /// Signatures that a vault asks for.
        need: usize,
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
    /// Nobody to sign as.
    #[error("a node needs the key of a validator")]
    NoKey,
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

impl Recovered {
    /// The same, found after this was to be read.
    fn after(mut self, mut earlier: Vec<Notice>) -> Self {
        earlier.append(&mut self.notices);
        Self { notices: earlier, ..self }
    }
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
        let fault = match from_snapshot(&blocks, genesis, segment_bytes, &file, engine.state().house.hash)? {
            Ok(recovered) => return Ok(recovered.after(notices)),
            Err(fault) => fault,
        };
        notices.push(Notice::SnapshotUnusable { file, fault });
    }
    let walk = Walk::open(&blocks)?;
    let (block_hash, nonces) = (walk.block_hash(), Nonces::default());
    let start = Snapshot { block_hash, nonces, engine };
    Ok(replay(&blocks, genesis, segment_bytes, start, walk)?.after(notices))
}

/// A node from a snapshot, or why the snapshot cannot be used. `start` is the state hash of genesis.
fn from_snapshot(
    blocks: &Path,
    genesis: &Genesis,
    segment_bytes: u64,
    file: &Path,
    start: Hash,
) -> Result<Result<Recovered, SnapshotFault>, OpenError> {
    let snapshot = match Snapshot::read(file) {
        Ok(snapshot) => snapshot,
        Err(fault) => return Ok(Err(fault)),
    };
    let walk = match seek(blocks, &snapshot, start)? {
        Ok(walk) => walk,
        Err(fault) => return Ok(Err(fault)),
    };
    match replay(blocks, genesis, segment_bytes, snapshot, walk) {
        // Its hashes are right and what is in it is not, or this is another program: genesis will tell.
        Err(OpenError::Diverged { height, .. }) => Ok(Err(SnapshotFault::LeadsElsewhere { height })),
        Err(error) => Err(error),
        Ok(recovered) => Ok(Ok(recovered)),
    }
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

/// Walks the log to a snapshot's block, which must be the log's, and lead to the snapshot's state. `start` is the state hash
/// of genesis.
fn seek(blocks: &Path, snapshot: &Snapshot, start: Hash) -> Result<Result<Walk, SnapshotFault>, OpenError> {
    let height = snapshot.height();
    // The segment that holds the block itself: its record has the state hash.
    let mut walk = Walk::open_at(blocks, height)?;
    let mut recorded = start;
    while walk.height() < height {
        match walk.next_record()? {
            Some(record) => recorded = record.state_hash,
            None => {
                let (folder, log) = (blocks.to_owned(), walk.height());
                return Err(OpenError::LogBehind { folder, log, snapshot: height });
            }
        }
    }
    Ok(snapshot.check(walk.block_hash(), recorded).map(|()| walk))
}

/// Applies what comes after a snapshot, and opens the log at its end.
fn replay(
    blocks: &Path,
    genesis: &Genesis,
    segment_bytes: u64,
    start: Snapshot,
    mut walk: Walk,
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
    let mut notices = Vec::new();
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
