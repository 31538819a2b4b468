//! The block log: a genesis, and every block with who signed its commands and the state hash that it led to.
//! Whoever has it can apply it again and compare.
//!
//! ```text
//! segment = magic BALLASTLOG2 | frame: head | frames: one record a block | frame, empty: the segment is complete
//! head    = signed (1) | height of its first record (8) | block hash before it (32) | genesis, JSON
//! record  = state hash after the block (32) | height (8) | time (8) | the rest of the block | approvals
//! frame   = length of the body (4) | check (4) | body | seal (32)
//! check   = first 4 bytes of blake3(seal before it | length)
//! seal    = blake3(seal before it | length | body); a record's is its block hash
//! ```
//!
//! - Integers are little-endian, bodies are borsh. The seal before a head is zero; before a segment's first record it
//!   is the head's "block hash before it": for block 1 the hub's id, `blake3(genesis)`. So block hashes are a chain
//!   from genesis on, wherever segments are cut, and a frame that is changed, left out, doubled or moved does not fit.
//! - The check makes a length trustworthy before its bytes are: a damaged length in the middle of a file must not pass
//!   for a file that ends too early.
//! - A replay's record is one complete segment ([`Writer`]); a node's log is a folder of them, the last one open
//!   ([`Log`]). Both are read by the one [`Reader`], across files by [`Walk`].

mod frame;
mod reader;
mod store;
mod walk;
mod writer;

pub use reader::{ReadError, Reader};
pub use store::{Log, LogError};
pub use walk::{Tail, Walk};
pub use writer::Writer;

use crate::auth::Approval;
use ballast_types::{Block, Genesis, Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};

/// The first bytes of a segment.
pub const MAGIC: [u8; 11] = *b"BALLASTLOG2";

/// What a segment begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Users' commands carry approvals, which a verifier checks again; in a simulation they carry none.
    pub signed: bool,
    /// Of the first record.
    pub first: Height,
    /// Block hash of the block before the first record; the hub's id before block 1.
    pub before: Hash,
    /// What the house started from.
    pub genesis: Genesis,
    /// The genesis as it was written: the hub's id is over these bytes, whatever later programs make of them.
    pub text: String,
}

impl Head {
    /// Of the first segment of a house.
    pub(crate) fn first(genesis: &Genesis, signed: bool) -> Self {
        let text = serde_json::to_string(genesis).expect("a genesis is plain data");
        let before = hub_id(&text);
        Self { signed, first: Height(1), before, genesis: genesis.clone(), text }
    }

    /// Which hub this is: nothing that was signed for another one counts here.
    #[must_use]
    pub fn hub(&self) -> Hash {
        hub_id(&self.text)
    }
}

/// A head in the bytes of a segment.
#[derive(BorshSerialize, BorshDeserialize)]
struct HeadBody {
    signed: bool,
    first: Height,
    before: Hash,
    genesis: String,
}

/// One block of a log.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Record {
    /// The state hash after it.
    pub state_hash: Hash,
    /// The block.
    pub block: Block,
    /// Who signed its commands, by ascending number of the command; none in a simulation.
    pub approvals: Vec<Approval>,
}

fn hub_id(genesis: &str) -> Hash {
    Hash(*blake3::hash(genesis.as_bytes()).as_bytes())
}
