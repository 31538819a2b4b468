//! Reads one segment, record for record.

use super::frame::{self, HEADER};
use super::{Head, HeadBody, MAGIC, Record};
use ballast_types::{Hash, Height};
use std::io::{self, Read};

/// What a disk writes whole or not at all.
const SECTOR: u64 = 512;
/// Fewer zeros than this at the end of a frame may be its own.
const ZEROS_LEAST: usize = 16;

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read at all.
    #[error("cannot read the log")]
    Io(#[source] io::Error),
    /// Another kind of file.
    #[error("not a block log: it begins with {found:?}, not with \"BALLASTLOG2\"")]
    Magic {
        /// Its first bytes.
        found: String,
    },
    /// The file ends without an end frame: within a frame, or (`from` = `end`) right after one.
    #[error("the log is cut off at byte {end}, after height {height}")]
    CutOff {
        /// Where the last whole frame ends.
        from: u64,
        /// Where the file ends.
        end: u64,
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

/// Reads a segment.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    head: Head,
    before: Hash,
    offset: u64,
    height: Height,
    body: Vec<u8>,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Opens a segment. `from` should be buffered.
    pub fn new(mut from: R) -> Result<Self, ReadError> {
        let mut magic = Vec::new();
        from.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic).map_err(ReadError::Io)?;
        if magic != MAGIC {
            return Err(ReadError::Magic { found: String::from_utf8_lossy(&magic).into_owned() });
        }
        let mut frames = Frames { from, offset: MAGIC.len() as u64, height: Height(0) };
        let start = frames.offset;
        let mut body = Vec::new();
        frames.next(Hash::default(), &mut body)?;
        let head = head(&body).map_err(|what| frames.damaged(start, what))?;
        let Frames { from, offset, .. } = frames;
        let height = Height(head.first.0.saturating_sub(1));
        Ok(Self { from, before: head.before, head, offset, height, body, ended: false })
    }

    /// What the segment begins with.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Of the last record that was read; before the first, of the block before it.
    pub fn height(&self) -> Height {
        self.height
    }

    /// Block hash of the last record that was read; before the first, of the block before it.
    pub fn block_hash(&self) -> Hash {
        self.before
    }

    /// Bytes read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record; `None` after the last of a complete segment.
    pub fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        if self.ended {
            return Ok(None);
        }
        let start = self.offset;
        let mut frames = Frames { from: &mut self.from, offset: start, height: self.height };
        let seal = frames.next(self.before, &mut self.body)?;
        self.offset = frames.offset;
        if self.body.is_empty() {
            frames.nothing_follows()?;
            self.ended = true;
            return Ok(None);
        }
        let record: Record = borsh::from_slice(&self.body)
            .map_err(|error| frames.damaged(start, format!("a record does not decode: {error}")))?;
        if record.block.height.0 != self.height.0 + 1 {
            return Err(frames.damaged(start, format!("height {} follows", record.block.height)));
        }
        self.height = record.block.height;
        self.before = seal;
        Ok(Some(record))
    }
}

fn head(body: &[u8]) -> Result<Head, String> {
    let body: HeadBody =
        borsh::from_slice(body).map_err(|error| format!("its head does not decode: {error}"))?;
    let genesis = serde_json::from_str(&body.genesis)
        .map_err(|error| format!("its genesis cannot be read: {error}"))?;
    let HeadBody { signed, first, before, genesis: text } = body;
    let head = Head { signed, first, before, genesis, text };
    if first.0 == 0 || (first.0 == 1 && before != head.hub()) {
        return Err("its head does not fit its genesis".to_owned());
    }
    Ok(head)
}

/// Reads frames, and knows where it is.
struct Frames<R> {
    from: R,
    offset: u64,
    height: Height,
}

impl<R: Read> Frames<R> {
    /// Reads a frame's body, and gives its seal.
    fn next(&mut self, before: Hash, body: &mut Vec<u8>) -> Result<Hash, ReadError> {
        let start = self.offset;
        let mut header = [0; HEADER];
        if self.fill(&mut header)? < HEADER {
            return Err(self.cut_off(start));
        }
        let Some(length) = frame::length(before, header) else {
            // A crash may leave a file that has its new length and not its new bytes.
            let unwritten = self.only_zeros_follow()?;
            return Err(if unwritten {
                self.cut_off(start)
            } else {
                self.damaged(start, "its length does not fit".to_owned())
            });
        };
        // Grows with what is there: memory is taken for no more than the file can fill.
        body.clear();
        let read = self.from.by_ref().take(u64::from(length)).read_to_end(body).map_err(ReadError::Io)?;
        self.offset += read as u64;
        let mut found = Hash::default();
        if self.fill(&mut found.0)? < found.0.len() {
            return Err(self.cut_off(start));
        }
        let want = frame::seal(before, length, body);
        if found == want {
            return Ok(want);
        }
        let frame = [&header, body.as_slice(), &found.0].concat();
        if has_unwritten_sector(start, &frame) && self.fill(&mut [0])? == 0 {
            return Err(self.cut_off(start));
        }
        Err(self.damaged(start, "its seal does not fit".to_owned()))
    }

    /// Reads until `bytes` are full or the file ends, and gives how many it read.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<usize, ReadError> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.from.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadError::Io(error)),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }

    fn only_zeros_follow(&mut self) -> Result<bool, ReadError> {
        let mut bytes = [0; 4_096];
        loop {
            match self.fill(&mut bytes)? {
                0 => return Ok(true),
                read if bytes[..read].iter().any(|byte| *byte != 0) => return Ok(false),
                _ => {}
            }
        }
    }

    fn nothing_follows(&mut self) -> Result<(), ReadError> {
        let end = self.offset;
        match self.fill(&mut [0])? {
            0 => Ok(()),
            _ => Err(self.damaged(end, "something follows its end".to_owned())),
        }
    }

    fn cut_off(&self, from: u64) -> ReadError {
        ReadError::CutOff { from, end: self.offset, height: self.height }
    }

    fn damaged(&self, offset: u64, what: String) -> ReadError {
        ReadError::Damaged { offset, height: self.height, what }
    }
}

/// Whether a sector of this frame was never written: a crash keeps some of a record's sectors and not others.
fn has_unwritten_sector(start: u64, frame: &[u8]) -> bool {
    let first = usize::try_from(SECTOR - start % SECTOR).expect("a sector is small").min(frame.len());
    let (head, rest) = frame.split_at(first);
    let sectors = std::iter::once(head).chain(rest.chunks(SECTOR as usize));
    sectors.into_iter().any(|part| ZEROS_LEAST <= part.len() && part.iter().all(|byte| *byte == 0))
}
