//! The hub of a run: the engine, and a log on the disk that every block is in before anybody hears of it.

use ballast_engine::{Engine, Outcome, State};
use ballast_node::log::{Log, Record, Walk};
use ballast_sim::replay::{Hub, ReplayError};
use ballast_types::{Block, Genesis, Hash};
use std::path::Path;

/// Bytes of a segment of the log.
const SEGMENT: u64 = 64 << 20;

/// The engine with its log.
#[derive(Debug)]
pub(super) struct DurableHub {
    engine: Engine,
    log: Log,
}

impl DurableHub {
    /// A new house, whose log begins in an empty folder.
    pub(super) fn new(folder: &Path, genesis: &Genesis) -> Result<Self, ReplayError> {
        let log = Log::create_unsigned(folder, genesis, SEGMENT);
        let log = log.map_err(|error| ReplayError::Start(error.to_string()))?;
        Ok(Self { engine: Engine::new(genesis)?, log })
    }
}

impl Hub for DurableHub {
    fn state(&self) -> &State {
        self.engine.state()
    }

    fn apply(&mut self, block: &Block, out: &mut Outcome) -> Result<(), String> {
        self.engine.apply(block, out);
        let record = Record { state_hash: out.state_hash, block: block.clone(), approvals: Vec::new() };
        self.log.append(&record).map(drop).map_err(|error| error.to_string())
    }
}

/// Applies the log again. Gives its blocks and the last state hash.
pub(super) fn again(folder: &Path) -> anyhow::Result<(u64, Hash)> {
    let mut walk = Walk::open(folder)?;
    let mut engine = Engine::new(&walk.head().genesis)?;
    let (mut blocks, mut outcome) = (0, Outcome::default());
    while let Some(record) = walk.next_record()? {
        engine.apply(&record.block, &mut outcome);
        blocks += 1;
        anyhow::ensure!(
            outcome.state_hash == record.state_hash,
            "block {}: the log says {}, applied again it is {}",
            record.block.height,
            record.state_hash,
            outcome.state_hash
        );
    }
    Ok((blocks, outcome.state_hash))
}
