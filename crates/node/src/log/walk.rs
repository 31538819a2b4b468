//! Reads a log across its segments: a folder of a node, or the one file of a replay.

use super::store::segments;
use super::{Head, LogError, ReadError, Reader, Record};
use crate::recover::BLOCKS;
use ballast_types::{Hash, Height};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// How a log ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// With an end frame.
    Complete,
    /// Without one, after a whole record: a node goes on from here.
    Open {
        /// Where the file ends.
        end: u64,
    },
    /// Within a record that was never written whole.
    Torn {
        /// Where the last whole record ends.
        from: u64,
        /// Where the file ends.
        end: u64,
    },
}

/// Reads record for record.
#[derive(Debug)]
pub struct Walk {
    files: std::vec::IntoIter<PathBuf>,
    file: PathBuf,
    reader: Reader<BufReader<File>>,
    /// Bytes of the segments before this one.
    passed: u64,
    tail: Option<Tail>,
}

impl Walk {
    /// Begins at the first record: of a file, of a folder of segments, or of a node's folder.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let blocks = path.join(BLOCKS);
        Self::open_at(if blocks.is_dir() { &blocks } else { path }, Height(1))
    }

    /// Begins with the segment that holds this height, or would hold it next.
    pub fn open_at(path: &Path, height: Height) -> Result<Self, LogError> {
        let found = if path.is_dir() { segments(path)? } else { vec![(Height(1), path.to_owned())] };
        let skip = found.iter().rposition(|(first, _)| *first <= height).unwrap_or(0);
        let named = found.get(skip).map(|(first, _)| *first);
        let mut files = found.into_iter().skip(skip).map(|(_, file)| file).collect::<Vec<_>>().into_iter();
        let file = files.next().ok_or_else(|| LogError::Empty { folder: path.to_owned() })?;
        let reader = open(&file)?;
        if named != Some(reader.head().first) {
            return Err(LogError::NotNext { file, first: reader.head().first, height: Height(0) });
        }
        Ok(Self { files, file, reader, passed: 0, tail: None })
    }

    /// What the log begins with.
    pub fn head(&self) -> &Head {
        self.reader.head()
    }

    /// The file being read.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Of the last record that was read, or of the block before the first.
    pub fn height(&self) -> Height {
        self.reader.height()
    }

    /// Of the last record that was read, or of the block before the first.
    pub fn block_hash(&self) -> Hash {
        self.reader.block_hash()
    }

    /// Bytes read, of all files.
    pub fn position(&self) -> u64 {
        self.passed + self.reader.offset()
    }

    /// How the log ends; none before the end.
    pub fn tail(&self) -> Option<&Tail> {
        self.tail.as_ref()
    }

    /// The next record; `None` at the end, which [`Walk::tail`] then tells.
    pub fn next_record(&mut self) -> Result<Option<Record>, LogError> {
        while self.tail.is_none() {
            match self.reader.next_record() {
                Ok(Some(record)) => return Ok(Some(record)),
                Ok(None) => match self.files.next() {
                    Some(next) => self.follow(next)?,
                    None => self.tail = Some(Tail::Complete),
                },
                // Only the last file may end early: nobody begins another before this one is complete.
                Err(ReadError::CutOff { from, end, .. }) if self.files.len() == 0 => {
                    self.tail = Some(if from == end { Tail::Open { end } } else { Tail::Torn { from, end } });
                }
                Err(fault) => return Err(LogError::Unreadable { file: self.file.clone(), fault }),
            }
        }
        Ok(None)
    }

    /// Goes on in the next segment.
    fn follow(&mut self, file: PathBuf) -> Result<(), LogError> {
        let next = open(&file)?;
        let (head, last) = (next.head(), self.reader.head());
        let height = self.reader.height();
        let same_house = head.text == last.text && head.signed == last.signed;
        if !same_house || next.height() != height || head.before != self.reader.block_hash() {
            return Err(LogError::NotNext { file, first: head.first, height });
        }
        self.passed = self.position();
        (self.file, self.reader) = (file, next);
        Ok(())
    }
}

fn open(file: &Path) -> Result<Reader<BufReader<File>>, LogError> {
    let opened = File::open(file).map_err(LogError::io(file, "open"))?;
    Reader::new(BufReader::new(opened)).map_err(|fault| LogError::Unreadable { file: file.to_owned(), fault })
}
