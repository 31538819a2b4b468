//! The block log: a genesis, and every block with the state hash that it led to. Whoever has the file can
//! replay it and compare.
//!
//! ```text
//! magic    BALLASTLOG1
//! frame    genesis as JSON
//! frame    state hash, 32 bytes, and the block in borsh; one a block
//! frame    empty: the end of a complete log
//!
//! frame =  length of the body, u32 little-endian | body | seal
//! seal  =  first 8 bytes of blake3(seal before it | length | body); 8 zeros before the first
//! ```
//!
//! - Seals are chained: a frame that is changed, left out, doubled or moved does not fit.
//! - A log without its end frame was cut off, even where it is cut between two frames.

use std::io::{self, Read, Write};

use ballast_types::{Block, Genesis, Hash, Height};

/// The first bytes of a log.
pub const MAGIC: [u8; 11] = *b"BALLASTLOG1";

/// A body above this is damage, not a block: 1 GiB.
const BODY_MAX: usize = 1 << 30;

type Seal = [u8; 8];

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be read at all.
    #[error("cannot read the log")]
    Io(#[source] io::Error),
    /// Another kind of file.
    #[error("not a block log: it begins with {found:?}, not with \"BALLASTLOG1\"")]
    Magic {
        /// Its first bytes.
        found: String,
    },
    /// The file ends too early.
    #[error("the log is cut off at byte {offset}, after height {height}")]
    CutOff {
        /// Where it ends.
        offset: u64,
        /// The last complete block.
        height: Height,
    },
    /// The bytes are not those that were written.
    #[error("the log is damaged at byte {offset}, after height {height}: {what}")]
    Damaged {
        /// Where the damaged frame begins.
        offset: u64,
        /// The last sound block.
        height: Height,
        /// What does not fit.
        what: String,
    },
}

/// One block of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The block.
    pub block: Block,
    /// The state hash after it, as recorded.
    pub state_hash: Hash,
}

/// Writes a log. A log is complete when [`Writer::finish`] was called.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
    seal: Seal,
    body: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins a log. `to` should be buffered.
    pub fn new(mut to: W, genesis: &Genesis) -> io::Result<Self> {
        to.write_all(&MAGIC)?;
        let mut writer = Self { to, seal: Seal::default(), body: serde_json::to_vec(genesis)? };
        writer.frame()?;
        Ok(writer)
    }

    /// Adds a block and the state hash after it.
    pub fn block(&mut self, block: &Block, state_hash: Hash) -> io::Result<()> {
        self.body.clear();
        self.body.extend_from_slice(&state_hash.0);
        borsh::to_writer(&mut self.body, block)?;
        self.frame()
    }

    /// Marks the end, and gives the file back, flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.body.clear();
        self.frame()?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn frame(&mut self) -> io::Result<()> {
        let length = u32::try_from(self.body.len()).ok().filter(|_| self.body.len() <= BODY_MAX);
        let length = length.ok_or_else(|| io::Error::other("a block above 1 GiB does not fit a log"))?;
        self.seal = seal(self.seal, length, &self.body);
        self.to.write_all(&length.to_le_bytes())?;
        self.to.write_all(&self.body)?;
        self.to.write_all(&self.seal)
    }
}

/// Reads a log, block for block.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    genesis: Genesis,
    seal: Seal,
    offset: u64,
    height: Height,
    body: Vec<u8>,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Opens a log. `from` should be buffered.
    pub fn new(mut from: R) -> Result<Self, RecordError> {
        let mut magic = Vec::new();
        from.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic).map_err(RecordError::Io)?;
        if magic != MAGIC {
            return Err(RecordError::Magic { found: String::from_utf8_lossy(&magic).into_owned() });
        }
        let mut reader = Self {
            from,
            genesis: Genesis::default(),
            seal: Seal::default(),
            offset: MAGIC.len() as u64,
            height: Height(0),
            body: Vec::new(),
            ended: false,
        };
        let start = reader.offset;
        reader.frame()?;
        reader.genesis = serde_json::from_slice(&reader.body)
            .map_err(|error| reader.damaged(start, format!("its genesis cannot be read: {error}")))?;
        Ok(reader)
    }

    /// What the house started from.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The next block; `None` after the last of a complete log.
    pub fn next_block(&mut self) -> Result<Option<Entry>, RecordError> {
        if self.ended {
            return Ok(None);
        }
        let start = self.offset;
        self.frame()?;
        if self.body.is_empty() {
            self.ended = true;
            return self.nothing_follows().map(|()| None);
        }
        let Some((state_hash, block)) = self.body.split_first_chunk() else {
            return Err(self.damaged(start, "a frame is too short for a block".to_owned()));
        };
        let block: Block = borsh::from_slice(block)
            .map_err(|error| self.damaged(start, format!("a block does not decode: {error}")))?;
        if block.height.0 != self.height.0 + 1 {
            return Err(self.damaged(start, format!("height {} follows", block.height)));
        }
        let entry = Entry { state_hash: Hash(*state_hash), block };
        self.height = entry.block.height;
        Ok(Some(entry))
    }

    /// Reads one frame into `body`.
    fn frame(&mut self) -> Result<(), RecordError> {
        let start = self.offset;
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let length = u32::from_le_bytes(length);
        let size = usize::try_from(length).ok().filter(|size| *size <= BODY_MAX);
        let size = size.ok_or_else(|| self.damaged(start, format!("a frame of {length} bytes")))?;
        // Grows with what is there: a damaged length must not take memory that the file cannot fill.
        self.body.clear();
        let body = self
            .from
            .by_ref()
            .take(u64::from(length))
            .read_to_end(&mut self.body)
            .map_err(RecordError::Io)?;
        self.offset += body as u64;
        if body < size {
            return Err(self.cut_off());
        }
        let mut found = Seal::default();
        self.fill(&mut found)?;
        let want = seal(self.seal, length, &self.body);
        if found != want {
            return Err(self.damaged(start, "its seal does not fit".to_owned()));
        }
        self.seal = want;
        Ok(())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RecordError> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.from.read(&mut bytes[filled..]) {
                Ok(0) => return Err(self.cut_off()),
                Ok(read) => {
                    filled += read;
                    self.offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(RecordError::Io(error)),
            }
        }
        Ok(())
    }

    fn nothing_follows(&mut self) -> Result<(), RecordError> {
        match self.from.read(&mut [0]).map_err(RecordError::Io)? {
            0 => Ok(()),
            _ => Err(self.damaged(self.offset, "something follows its end".to_owned())),
        }
    }

    fn cut_off(&self) -> RecordError {
        RecordError::CutOff { offset: self.offset, height: self.height }
    }

    fn damaged(&self, offset: u64, what: String) -> RecordError {
        RecordError::Damaged { offset, height: self.height, what }
    }
}

fn seal(before: Seal, length: u32, body: &[u8]) -> Seal {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&before).update(&length.to_le_bytes()).update(body);
    *hasher.finalize().as_bytes().first_chunk().expect("a hash has 32 bytes")
}
