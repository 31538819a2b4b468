//! The attestation chain of a run, and its members: no validators. Each follows the hub's log on the disk, applies it in
//! an engine of its own, and signs the roots that it computed; two thirds of them make a root count.
//!
//! - In a thread of its own, behind the hub: nobody waits for it but the end of the run.
//! - H0 and H1 of every block that has any, liabilities as often as a node takes snapshots.

use anyhow::Context as _;
use ballast_engine::liabilities::Liabilities;
use ballast_engine::{Engine, Outcome, State};
use ballast_node::log::Walk;
use ballast_spoke::certificate::Key;
use ballast_spoke::evm::Npm;
use ballast_spoke::evm::kit::{AttestationChain, NodeConfig};
use ballast_spoke::message::{Root, RootKind};
use ballast_types::{Hash, Height};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// How many members.
const MEMBERS: u32 = 3;

/// The chain's own id, and seconds between its blocks.
const CHAIN: (u64, u64) = (77_177, 2);

/// Liabilities are attested after so many blocks: ten minutes, as snapshots are taken.
const LIABILITIES: u64 = 300;

/// A block that lasts, and what the hub's own engine gives as its roots.
#[derive(Clone, Debug)]
pub(super) struct Told {
    height: Height,
    roots: Vec<Root>,
}

impl Told {
    /// Of the block that led to this state.
    pub(super) fn of(outcome: &Outcome, state: &State) -> Self {
        let height = state.house.height;
        Self { height, roots: roots(outcome, state) }
    }
}

/// Roots of the last block that are to be attested.
fn roots(outcome: &Outcome, state: &State) -> Vec<Root> {
    let height = state.house.height;
    let due = height.0.is_multiple_of(LIABILITIES);
    let owed = if due { Liabilities::of(state).root } else { Hash::default() };
    let found = [
        (RootKind::H0, outcome.roots.before),
        (RootKind::H1, outcome.roots.after),
        (RootKind::Liabilities, owed),
    ];
    // Zero is the root of nothing.
    let found = found.into_iter().filter(|(_, root)| *root != Hash::default());
    found.map(|(kind, root)| Root { kind, height, root }).collect()
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Attestation {
    /// Roots that the hub's engine gave: of H0, of H1, of liabilities.
    pub(super) given: [u64; 3],
    /// Of all of them, those that the chain has as the engine gave them.
    pub(super) same: u64,
}

impl Attestation {
    /// Every root counts, and is the engine's.
    pub(super) fn agrees(&self) -> bool {
        self.given.iter().sum::<u64>() == self.same
    }
}

/// Members at work.
#[derive(Debug)]
pub(super) struct Attestors {
    tell: Sender<Option<Told>>,
    thread: JoinHandle<anyhow::Result<Attestation>>,
}

/// What the hub tells them with.
pub(super) fn line() -> (Sender<Option<Told>>, Receiver<Option<Told>>) {
    channel()
}

impl Attestors {
    /// Starts chain and members on a node's folder, whose log has begun.
    pub(super) fn start(
        folder: &Path,
        start: u64,
        (tell, told): (Sender<Option<Told>>, Receiver<Option<Told>>),
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let config = NodeConfig::new("attestation", CHAIN.0, CHAIN.1, start);
        let keys = (0..MEMBERS).map(|number| Key::from_label(&format!("attestation member {number}")));
        let chain = runtime.block_on(AttestationChain::start(&Npm::find()?, config, keys.collect()))?;
        let mut members = (0..MEMBERS).map(|_| Member::open(folder)).collect::<anyhow::Result<Vec<_>>>()?;
        let work = move || {
            let mut given: Vec<Root> = Vec::new();
            while let Some(Told { height, roots }) = told.recv().ok().flatten() {
                given.extend(&roots);
                let computed = members.iter_mut().map(|member| member.follow(height));
                let computed = computed.collect::<anyhow::Result<Vec<_>>>()?;
                runtime.block_on(attest(&chain, &computed))?;
            }
            runtime.block_on(compare(&chain, &given))
        };
        let thread = std::thread::Builder::new().name("attestors".to_owned()).spawn(work)?;
        Ok(Self { tell, thread })
    }

    /// Waits until they are through with what they were told.
    pub(super) fn finish(self) -> anyhow::Result<Attestation> {
        // Fails where the thread has ended early; it says why.
        let _ = self.tell.send(None);
        self.thread
            .join()
            .map_err(|_| anyhow::anyhow!("the attestors panicked"))?
            .context("attestation chain")
    }
}

/// Every root for which a member votes, with the votes of the others.
async fn attest(chain: &AttestationChain, computed: &[Vec<Root>]) -> anyhow::Result<()> {
    let mut all: Vec<(Height, RootKind)> =
        computed.iter().flatten().map(|root| (root.height, root.kind)).collect();
    all.sort_unstable();
    all.dedup();
    for (height, kind) in all {
        let of = |roots: &Vec<Root>| {
            roots.iter().find(|root| (root.height, root.kind) == (height, kind)).map(|root| root.root)
        };
        let votes: Vec<Option<Hash>> = computed.iter().map(of).collect();
        if let Some((root, certificate)) = chain.vote(kind, height, &votes)? {
            chain.site.post(chain.courier(), root, &certificate).await?;
        }
    }
    Ok(())
}

/// Reads every root back, as anybody can.
async fn compare(chain: &AttestationChain, given: &[Root]) -> anyhow::Result<Attestation> {
    let mut attestation = Attestation::default();
    for root in given {
        attestation.given[usize::from(root.kind.byte())] += 1;
        let found = chain.site.root(chain.node.provider(), root.kind, root.height).await?;
        attestation.same += u64::from(found.is_some_and(|found| found.root == root.root));
    }
    Ok(attestation)
}

/// One member.
#[derive(Debug)]
struct Member {
    folder: PathBuf,
    walk: Walk,
    engine: Engine,
    outcome: Outcome,
}

impl Member {
    fn open(folder: &Path) -> anyhow::Result<Self> {
        let walk = Walk::open(folder)?;
        let engine = Engine::new(&walk.head().genesis)?;
        Ok(Self { folder: folder.join("blocks"), walk, engine, outcome: Outcome::default() })
    }

    /// Applies the log up to a block that is on the disk, and gives the roots that came of it.
    fn follow(&mut self, height: Height) -> anyhow::Result<Vec<Root>> {
        let mut found = Vec::new();
        while self.walk.height() < height {
            let Some(record) = self.walk.next_record()? else {
                // The segment is complete: the block is in the next one.
                self.walk = Walk::open_at(&self.folder, Height(self.walk.height().0 + 1))?;
                continue;
            };
            self.engine.apply(&record.block, &mut self.outcome);
            anyhow::ensure!(
                self.outcome.state_hash == record.state_hash,
                "block {}: a member comes to another state than the log says",
                record.block.height
            );
            found.extend(roots(&self.outcome, self.engine.state()));
        }
        Ok(found)
    }
}
