//! Writes a log as one complete segment: the record of a replay. A node's log is [`super::Log`].

use super::{Head, HeadBody, MAGIC, frame};
use crate::auth::Approval;
use ballast_types::{Block, Genesis, Hash};
use std::io::{self, Write};

/// Writes a log. It is complete when [`Writer::finish`] was called.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
    before: Hash,
    body: Vec<u8>,
    frame: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins the log of a simulation, whose commands nobody signs. `to` should be buffered.
    pub fn new(mut to: W, genesis: &Genesis) -> io::Result<Self> {
        let head = Head::first(genesis, false);
        to.write_all(&start(&head)?)?;
        Ok(Self { to, before: head.before, body: Vec::new(), frame: Vec::new() })
    }

    /// Adds a block and the state hash after it.
    pub fn block(&mut self, block: &Block, state_hash: Hash) -> io::Result<()> {
        self.body.clear();
        encode(state_hash, block, &[], &mut self.body)?;
        self.write_frame()
    }

    /// Marks the end, and gives the file back, flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.body.clear();
        self.write_frame()?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn write_frame(&mut self) -> io::Result<()> {
        self.frame.clear();
        self.before = frame::write(self.before, &self.body, &mut self.frame)?;
        self.to.write_all(&self.frame)
    }
}

/// Magic and head of a segment.
pub(super) fn start(head: &Head) -> io::Result<Vec<u8>> {
    let Head { signed, first, before, genesis: _, text } = head;
    let body = HeadBody { signed: *signed, first: *first, before: *before, genesis: text.clone() };
    let mut bytes = MAGIC.to_vec();
    frame::write(Hash::default(), &borsh::to_vec(&body)?, &mut bytes)?;
    Ok(bytes)
}

/// The body of a record; [`super::Record`] decodes it.
pub(super) fn encode(
    state_hash: Hash,
    block: &Block,
    approvals: &[Approval],
    body: &mut Vec<u8>,
) -> io::Result<()> {
    borsh::to_writer(body, &(state_hash, block, approvals))
}
