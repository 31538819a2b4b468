//! A node: takes what chains, sources and users say, makes blocks of it, and gives back what came of them.
//!
//! - A block is applied, its orders are signed, its record is on the disk, and only then is anything shown.
//! - Whatever fails on the way stops the node: its memory may be ahead of its log. A restart brings it back to the log's
//!   last block, by the newest good snapshot and the blocks after it, each compared with the state hash recorded for it.
//! - After a restart the first command of the first block is `EnterSafeMode`: prices are older than the house thinks.
//! - No consensus yet. Where it will come: [`Node::check`] is what a validator asks of another's block, the seed of a
//!   block is handed to [`Node::step`], and a certificate has as many signatures as the set's quorum, which for a set of
//!   one is its own.
//! - No clock: the caller says what time it is. No thread: the caller steps.

use crate::auth::{self, Approval, Asker, AuthError, Nonces, Permit};
use crate::files::Lock;
use crate::log::{Log, LogError, Record};
use crate::mempool::{Mempool, MempoolLimits, SubmitError, Taken, Ticket};
use crate::recover::{self, Notice, OpenError, Recovered, SNAPSHOTS};
use crate::signing::{self, Keyring};
use crate::snapshot;
use ballast_engine::{Engine, Outcome, State};
use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::freeze::FreezeVote;
use ballast_spoke::message::{EncodeError, Payload};
use ballast_types::{
    Block, ChainId, Command, CostReport, DepthReport, Event, Genesis, Hash, Height, Observation, PriceReport,
};
use ballast_units::{Millis, Time};
use std::path::{Path, PathBuf};

/// How far a block's time may be from a validator's clock (R24).
pub const CLOCK_TOLERANCE: Millis = Millis::seconds(2);

/// What a node needs to know.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What the house starts from.
    pub genesis: Genesis,
    /// The validator's keys: of every set that a vault may obey now, and of those to come. Where genesis names no
    /// validators, the first one is the set of epoch 0.
    pub keys: Vec<Key>,
    /// The rest.
    pub options: Options,
}

/// What can be set about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many commands may wait.
    pub mempool: MempoolLimits,
    /// How many of them a block takes.
    pub block_commands: usize,
    /// A snapshot after so many blocks,
    pub snapshot_blocks: u64,
    /// or after so much time of blocks, whichever is first.
    pub snapshot_span: Millis,
    /// A segment of the log is completed at this many bytes.
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mempool: MempoolLimits::default(),
            block_commands: 10_000,
            snapshot_blocks: 10_000,
            snapshot_span: Millis::minutes(10),
            segment_bytes: 64 << 20,
        }
    }
}

/// Why a block is not one that a validator agrees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposalError {
    /// Not the next one.
    #[error("the next block is {want}, this is {have}")]
    Height {
        /// The next one.
        want: Height,
        /// The one at hand.
        have: Height,
    },
    /// Time does not go backwards, nor stand still.
    #[error("the time {time} is not after that of the last block, {last}: has the clock been set back?")]
    NotLater {
        /// Of the last block.
        last: Time,
        /// Of the one at hand.
        time: Time,
    },
    /// The proposer's clock is wrong, or ours.
    #[error("the time {time} is more than {CLOCK_TOLERANCE} ms from the clock, which says {clock}")]
    ClockApart {
        /// Of the block.
        time: Time,
        /// Ours.
        clock: Time,
    },
}

/// Why there is no block. After all but the first the node has stopped.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The block would not be one to agree to. Nothing was changed.
    #[error(transparent)]
    Refused(#[from] ProposalError),
    /// It could not be made to last.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Its orders could not be written for their chain.
    #[error("the orders of block {height} cannot be signed")]
    Unsignable {
        /// Which block.
        height: Height,
        /// Why.
        #[source]
        source: EncodeError,
    },
    /// It stopped before.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// The node stopped: what it has in memory may never have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node stopped when block {height} could not be made to last; start it again")]
pub struct Stopped {
    /// Which block.
    pub height: Height,
}

/// A block that lasts, and what came of it.
#[derive(Debug)]
pub struct Produced {
    /// As it is in the log.
    pub record: Record,
    /// Its block hash: the seed of a lone node's next block (R21).
    pub block_hash: Hash,
    /// Events, transfers, orders, rejects.
    pub outcome: Outcome,
    /// The orders, signed: for each spoke one payload for each epoch that its vault may be in.
    pub payloads: Vec<Payload>,
    /// Number in the block of each command that was submitted.
    pub tickets: Vec<(u32, Ticket)>,
    /// What waited too long.
    pub expired: Vec<Ticket>,
}

/// A validator, alone.
#[derive(Debug)]
pub struct Node {
    folder: PathBuf,
    _lock: Lock,
    keyring: Keyring,
    options: Options,
    log: Log,
    engine: Engine,
    nonces: Nonces,
    mempool: Mempool,
    /// For the next block, before what users ask for.
    house: Vec<Command>,
    inputs: Inputs,
    /// The last snapshot, or the start.
    saved: (Height, Time),
    stopped: Option<Stopped>,
    notices: Vec<Notice>,
}

/// What was told since the last block.
#[derive(Debug, Default)]
struct Inputs {
    observations: Vec<Observation>,
    prices: Vec<PriceReport>,
    depths: Vec<DepthReport>,
    costs: Vec<CostReport>,
}

impl Node {
    /// Starts a node on a folder: a new house where the folder is empty, else where its log ends.
    pub fn open(folder: &Path, setup: Setup) -> Result<Self, OpenError> {
        let Setup { genesis, keys, options } = setup;
        let keyring = Keyring::new(keys).ok_or(OpenError::NoKey)?;
        let lock = recover::prepare(folder)?;
        let recovered = recover::recover(folder, &genesis, options.segment_bytes)?;
        let Recovered { log, engine, nonces, saved, notices } = recovered;
        let house = if log.height() == Height(0) { Vec::new() } else { vec![Command::EnterSafeMode] };
        let mut node = Self {
            folder: folder.to_owned(),
            _lock: lock,
            keyring,
            mempool: Mempool::new(options.mempool),
            options,
            log,
            engine,
            nonces,
            house,
            inputs: Inputs::default(),
            saved,
            stopped: None,
            notices,
        };
        let known: Vec<u32> = node.engine.state().validators.iter().map(|(epoch, _)| epoch).collect();
        for epoch in known {
            node.check_keys(epoch);
        }
        Ok(node)
    }

    /// Removes what a node has on a folder, its log and its snapshots; refused while one runs on it.
    pub fn discard(folder: &Path) -> Result<(), OpenError> {
        recover::discard(folder)
    }

    /// Which hub this is: what users sign names it.
    pub fn hub(&self) -> Hash {
        self.log.head().hub()
    }

    /// Of the last block.
    pub fn height(&self) -> Height {
        self.log.height()
    }

    /// Block hash of the last block, or the hub's id: a lone node's randomness for the next one (R21).
    pub fn block_hash(&self) -> Hash {
        self.log.block_hash()
    }

    /// The house after the last block; not of a node that stopped, whose last block may not last.
    pub fn state(&self) -> Result<&State, Stopped> {
        self.running()?;
        Ok(self.engine.state())
    }

    /// The house as this memory has it, of a node that stopped too: whether its last block lasts is not known then.
    pub fn memory(&self) -> &State {
        self.engine.state()
    }

    /// When the clock alone brings something next.
    pub fn next_due(&self) -> Option<Time> {
        self.engine.next_due()
    }

    /// The newest set of validators that vaults were told to obey.
    pub fn validators(&self) -> ValidatorSet {
        let state = self.engine.state();
        self.keyring.set(state, state.epoch()).expect("the newest set is known")
    }

    /// The nonces that owners have used.
    pub fn nonces(&self) -> &Nonces {
        &self.nonces
    }

    /// Every order that no vault is known to have carried out, signed: what couriers carry after a restart.
    pub fn open_orders(&self) -> Result<Vec<Payload>, StepError> {
        self.running()?;
        let height = self.height();
        let signed = signing::sign_open(self.engine.state(), &self.keyring);
        signed.map_err(|source| StepError::Unsignable { height, source })
    }

    /// Signatures under a freeze of a chain's vault until then, by every key that is here of a set that the vault may obey:
    /// a third of such a set stops it. Also of a node that stopped: that is when it may be wanted.
    pub fn sign_freeze(&self, chain: ChainId, until: Time) -> Vec<FreezeVote> {
        signing::sign_freeze(self.engine.state(), chain, until, &self.keyring)
    }

    /// How many commands wait.
    pub fn waiting(&self) -> usize {
        self.mempool.len()
    }

    /// What whoever runs the node should read, each once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Takes a user's command for the next block.
    pub fn submit(&mut self, command: Command, permit: Option<Permit>) -> Result<Ticket, SubmitError> {
        self.running().map_err(|_| SubmitError::Stopped)?;
        let asker = auth::asker(&command);
        if asker == Asker::House {
            return Err(AuthError::HouseOnly.into());
        }
        match (auth::party(self.engine.state(), asker)?, permit) {
            (Some(party), Some(permit)) => {
                auth::in_time(&permit, self.engine.state().now())?;
                self.mempool.check_owner(party, &permit, &self.nonces)?;
                auth::check_signature(self.hub(), party, &command, &permit)?;
                Ok(self.mempool.push(command, Some((party, permit))))
            }
            (Some(party), None) => Err(AuthError::SignatureMissing { account: party.account }.into()),
            (None, None) => {
                self.mempool.check_unsigned()?;
                Ok(self.mempool.push(command, None))
            }
            (None, Some(_)) => Err(AuthError::SignatureNeedless.into()),
        }
    }

    /// Puts a command of the house into the next block, before what users ask for. Not for what comes from outside.
    pub fn enact(&mut self, command: Command) {
        self.house.push(command);
    }

    /// Takes facts from the chains for the next block, in order.
    pub fn observe(&mut self, observations: impl IntoIterator<Item = Observation>) {
        self.inputs.observations.extend(observations);
    }

    /// Takes measurements of prices for the next block.
    pub fn prices(&mut self, reports: impl IntoIterator<Item = PriceReport>) {
        self.inputs.prices.extend(reports);
    }

    /// Takes measurements of chains' markets for the next block.
    pub fn depths(&mut self, reports: impl IntoIterator<Item = DepthReport>) {
        self.inputs.depths.extend(reports);
    }

    /// Takes measurements of chains' costs for the next block.
    pub fn costs(&mut self, reports: impl IntoIterator<Item = CostReport>) {
        self.inputs.costs.extend(reports);
    }

    /// Whether a block could be the next one: its height, and its time by this clock (R24).
    pub fn check(&self, block: &Block, clock: Time) -> Result<(), ProposalError> {
        let (want, have) = (Height(self.height().0 + 1), block.height);
        if have != want {
            return Err(ProposalError::Height { want, have });
        }
        let (last, time) = (self.engine.state().now(), block.time);
        if time <= last {
            return Err(ProposalError::NotLater { last, time });
        }
        if CLOCK_TOLERANCE < time.since(clock).max(clock.since(time)) {
            return Err(ProposalError::ClockApart { time, clock });
        }
        Ok(())
    }

    /// Makes the next block of everything that waits, and makes it last. `seed` is the consensus' randomness; of a lone
    /// node, [`Node::block_hash`].
    pub fn step(&mut self, now: Time, seed: Hash) -> Result<Produced, StepError> {
        self.running()?;
        let mut block = Block { height: Height(self.height().0 + 1), time: now, seed, ..Block::default() };
        self.check(&block, now)?;
        let mut taken = Taken { commands: std::mem::take(&mut self.house), ..Taken::default() };
        self.mempool.take(now, self.options.block_commands, &mut taken);
        let Taken { commands, approvals, tickets, expired } = taken;
        let Inputs { observations, prices, depths, costs } = std::mem::take(&mut self.inputs);
        block = Block { observations, prices, depths, costs, commands, ..block };
        let stopped = Stopped { height: block.height };
        let mut produced = self.commit(block, approvals).inspect_err(|_| self.stopped = Some(stopped))?;
        produced.tickets = tickets;
        produced.expired = expired;
        self.save_if_due();
        Ok(produced)
    }

    fn running(&self) -> Result<(), Stopped> {
        self.stopped.map_or(Ok(()), Err)
    }

    /// Applies a block and makes it last.
    fn commit(&mut self, block: Block, approvals: Vec<Approval>) -> Result<Produced, StepError> {
        let height = block.height;
        let mut outcome = Outcome::default();
        self.engine.apply(&block, &mut outcome);
        let orders = outcome.orders.iter().cloned();
        let payloads = signing::sign(self.engine.state(), orders, &self.keyring)
            .map_err(|source| StepError::Unsignable { height, source })?;
        let record = Record { state_hash: outcome.state_hash, block, approvals };
        let block_hash = self.log.append(&record)?;
        self.nonces.take_all(self.engine.state(), &record);
        for event in &outcome.events {
            if let Event::RotationOrdered { epoch, .. } = event {
                self.check_keys(*epoch);
            }
        }
        let (tickets, expired) = (Vec::new(), Vec::new());
        Ok(Produced { record, block_hash, outcome, payloads, tickets, expired })
    }

    /// Tells by [`Node::take_notices`] where this node alone cannot sign for a set.
    fn check_keys(&mut self, epoch: u32) {
        let Some(set) = self.keyring.set(self.engine.state(), epoch) else { return };
        let (have, need) = (self.keyring.of(&set).len(), set.quorum());
        if have < need {
            self.notices.push(Notice::KeysMissing { epoch, have, need });
        }
    }

    /// Takes a snapshot where it is time for one.
    fn save_if_due(&mut self) {
        let (height, now) = (self.height(), self.engine.state().now());
        let (saved, at) = self.saved;
        let due =
            self.options.snapshot_blocks <= height.0 - saved.0 || self.options.snapshot_span <= now.since(at);
        if due {
            self.save();
        }
    }

    /// Takes a snapshot of the last block. One that cannot be written is told by [`Node::take_notices`].
    fn save(&mut self) {
        let height = self.height();
        let folder = self.folder.join(SNAPSHOTS);
        let done = snapshot::write(&folder, &self.engine, self.block_hash(), &self.nonces);
        if let Err(source) = done {
            self.notices.push(Notice::SnapshotNotWritten { height, source });
        }
        // Also after a failure: on a full disk not every block should try again.
        self.saved = (height, self.engine.state().now());
    }
}
