//! A node's log: a folder of segments, each named by the height of its first record.
//!
//! - Appends only. A record is on the disk before [`Log::append`] returns; one that fails leaves the log as it was, and
//!   ends it: what a disk did with a failed write is only known after it is read again.
//! - A segment that has reached its size gets an end frame, and the next one appears whole, by renaming.
//! - Opening cuts off a last record that was never written whole. Any other damage is refused, and nothing is changed.

use super::writer::{encode, start};
use super::{Head, ReadError, Record, Tail, Walk, frame};
use crate::files;
use ballast_types::{Genesis, Hash, Height};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Of a segment's name.
const EXTENSION: &str = "log";

/// Why a log cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The system refuses.
    #[error("cannot {doing} {}", .file.display())]
    Io {
        /// Which file or folder.
        file: PathBuf,
        /// "open", "read", ..
        doing: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A segment is damaged, or is none.
    #[error("{}: {fault}{}", .file.display(), remedy(.fault))]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Where, and what is wrong.
        fault: ReadError,
    },
    /// No segment at all.
    #[error("{} holds no block log: no file is named <height>.log", .folder.display())]
    Empty {
        /// Where they should be.
        folder: PathBuf,
    },
    /// A segment is missing, or belongs to another log.
    #[error(
        "{} begins at height {first} and does not follow what ends at height {height}: a segment is missing, or is \
         another log's. Nothing was changed. Put the folder back from a backup",
        .file.display()
    )]
    NotNext {
        /// The one that does not follow.
        file: PathBuf,
        /// Where it begins.
        first: Height,
        /// Where the one before it ends.
        height: Height,
    },
    /// A record could not be written.
    #[error(
        "block {height} could not be written to {}; {}. Make room or repair the disk, then start again",
        .file.display(),
        if *.undone { "the log is as it was before" } else { "a part of it may be there, and is cut off when the log \
        is opened again" }
    )]
    Append {
        /// Which block.
        height: Height,
        /// Where.
        file: PathBuf,
        /// Whether its first bytes could be taken away again.
        undone: bool,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A record failed before.
    #[error("the log ended when block {height} could not be written; start again")]
    Ended {
        /// Which block.
        height: Height,
    },
}

impl LogError {
    pub(crate) fn io(file: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Io { file, doing, source }
    }
}

fn remedy(fault: &ReadError) -> &'static str {
    match fault {
        ReadError::Io(_) => "",
        ReadError::Magic { .. } | ReadError::CutOff { .. } | ReadError::Damaged { .. } => {
            ". Nothing was changed. Put the file back from a backup; what comes after the damage cannot be trusted"
        }
    }
}

/// A log that grows.
#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    head: Head,
    segment: Segment,
    /// A segment at or above this many bytes is completed.
    limit: u64,
    height: Height,
    hash: Hash,
    /// The block at which an append failed.
    ended: Option<Height>,
    body: Vec<u8>,
    frame: Vec<u8>,
}

/// The open segment.
#[derive(Debug)]
struct Segment {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Log {
    /// Begins the log of a house, in a folder that has none.
    pub fn create(folder: &Path, genesis: &Genesis, limit: u64) -> Result<Self, LogError> {
        Self::begin(folder, Head::first(genesis, true), limit)
    }

    /// The same for a house in a simulated world, whose users' commands nobody signs.
    pub fn create_unsigned(folder: &Path, genesis: &Genesis, limit: u64) -> Result<Self, LogError> {
        Self::begin(folder, Head::first(genesis, false), limit)
    }

    fn begin(folder: &Path, head: Head, limit: u64) -> Result<Self, LogError> {
        let (height, hash) = (Height(0), head.before);
        let segment = Segment::begin(folder, &head)?;
        Ok(Self::of(folder, head, segment, limit, height, hash))
    }

    /// Goes on where a walk through the folder came to the end, and cuts off what it found torn there.
    pub fn go_on(folder: &Path, walk: &Walk, limit: u64) -> Result<Self, LogError> {
        let (height, hash) = (walk.height(), walk.block_hash());
        let head = Head { first: Height(height.0 + 1), before: hash, ..walk.head().clone() };
        let segment = match walk.tail().expect("the walk came to the end") {
            Tail::Complete => Segment::begin(folder, &head)?,
            Tail::Open { end } => Segment::cut(walk.file(), *end)?,
            Tail::Torn { from, .. } => Segment::cut(walk.file(), *from)?,
        };
        Ok(Self::of(folder, head, segment, limit, height, hash))
    }

    /// Whether a folder has no log.
    pub(crate) fn is_empty(folder: &Path) -> Result<bool, LogError> {
        segments(folder).map(|found| found.is_empty())
    }

    fn of(folder: &Path, head: Head, segment: Segment, limit: u64, height: Height, hash: Hash) -> Self {
        let (body, frame) = (Vec::new(), Vec::new());
        Self { folder: folder.to_owned(), head, segment, limit, height, hash, ended: None, body, frame }
    }

    /// What the log begins with.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Of the last record.
    pub fn height(&self) -> Height {
        self.height
    }

    /// Block hash of the last record; the hub's id before the first.
    pub fn block_hash(&self) -> Hash {
        self.hash
    }

    /// Adds a record. It is on the disk when this returns its block hash.
    pub fn append(&mut self, record: &Record) -> Result<Hash, LogError> {
        let height = record.block.height;
        assert_eq!(height.0, self.height.0 + 1, "a log takes the next block");
        if let Some(height) = self.ended {
            return Err(LogError::Ended { height });
        }
        let done = self.try_append(record).map_err(|(undone, source)| {
            self.ended = Some(height);
            LogError::Append { height, file: self.segment.path.clone(), undone, source }
        });
        self.hash = done?;
        self.height = height;
        Ok(self.hash)
    }

    /// An error says whether the log is as it was.
    fn try_append(&mut self, record: &Record) -> Result<Hash, (bool, io::Error)> {
        self.body.clear();
        encode(record.state_hash, &record.block, &record.approvals, &mut self.body)
            .map_err(|error| (true, error))?;
        if self.limit <= self.segment.length && self.head.first <= self.height {
            self.next_segment()?;
        }
        self.frame.clear();
        let hash = frame::write(self.hash, &self.body, &mut self.frame).map_err(|error| (true, error))?;
        self.segment.append(&self.frame)?;
        Ok(hash)
    }

    /// Completes the open segment and begins another. A log that ends with a complete segment is whole, too.
    fn next_segment(&mut self) -> Result<(), (bool, io::Error)> {
        self.frame.clear();
        frame::write(self.hash, &[], &mut self.frame).map_err(|error| (true, error))?;
        self.segment.append(&self.frame)?;
        self.head.first = Height(self.height.0 + 1);
        self.head.before = self.hash;
        self.segment = Segment::begin(&self.folder, &self.head).map_err(|error| match error {
            LogError::Io { source, .. } => (true, source),
            other => (true, io::Error::other(other)),
        })?;
        Ok(())
    }
}

impl Segment {
    /// A new one, which appears with its head or not at all.
    fn begin(folder: &Path, head: &Head) -> Result<Self, LogError> {
        let path = folder.join(files::name(head.first, EXTENSION));
        let bytes = start(head).map_err(LogError::io(&path, "encode"))?;
        files::write_whole(&path, &[&bytes]).map_err(LogError::io(&path, "write"))?;
        Self::cut(&path, bytes.len() as u64)
    }

    /// One that is there, as far as this.
    fn cut(path: &Path, length: u64) -> Result<Self, LogError> {
        let file = OpenOptions::new().append(true).open(path).map_err(LogError::io(path, "open"))?;
        let have = file.metadata().map_err(LogError::io(path, "read"))?.len();
        if length < have {
            file.set_len(length).and_then(|()| file.sync_all()).map_err(LogError::io(path, "repair"))?;
        }
        Ok(Self { path: path.to_owned(), file, length })
    }

    fn append(&mut self, frame: &[u8]) -> Result<(), (bool, io::Error)> {
        let done = self.file.write_all(frame).and_then(|()| self.file.sync_data());
        if let Err(error) = done {
            let undone = self.file.set_len(self.length).and_then(|()| self.file.sync_all()).is_ok();
            return Err((undone, error));
        }
        self.length += frame.len() as u64;
        Ok(())
    }
}

/// The segments of a folder, ascending by the height they are named by.
pub(super) fn segments(folder: &Path) -> Result<Vec<(Height, PathBuf)>, LogError> {
    files::numbered(folder, EXTENSION).map_err(LogError::io(folder, "read"))
}
