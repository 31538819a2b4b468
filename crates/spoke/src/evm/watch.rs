//! What happened to a vault, as the chain stands now.
//!
//! - Reads heads, safe and final blocks, and the vault's logs block by block, by block hash; what is final already in
//!   ranges. A block that does not follow its parent is a reorg: back to where both agree.
//! - Proves: the hash of a header is computed anew, and logs must be those of the receipts whose root it holds. Where
//!   an endpoint cannot give receipts, the vault's own number tells whether a log is missing.
//! - Follows: where the vault hands over to a successor, whose first fact has the next number, that one is watched from
//!   the log on that says so. A successor that nobody has handed over to tells nothing.
//! - Believes one endpoint in full only while another one has the same blocks, or where it is our own node; else
//!   nothing before it is final.

use super::endpoint::{Endpoint, Endpoints, Fault, Trust, answer};
use super::gas::GasHistory;
use super::line::{Broken, Line, Link, Told};
use super::{bindings, facts};
use crate::{Head, Heads};
use alloy::consensus::proofs::calculate_receipt_root;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{Address, B256, BloomInput, Log};
use alloy::rpc::types::{Block, Filter};
use ballast_types::{ChainId, Hash, Observation, Sequence};
use ballast_units::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// When a block counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finality {
    /// As the chain says: its `safe` and `finalized` blocks.
    Tags,
    /// Under so many blocks, on a chain that does not say.
    Depth {
        /// To be safe.
        safe: u64,
        /// To be final; not fewer.
        final_: u64,
    },
}

/// What to watch, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchConfig {
    /// The hub's id of the chain.
    pub chain: ChainId,
    /// The chain's first vault; its successors are found by what it says.
    pub vault: Address,
    /// The block that created it.
    pub first_block: u64,
    /// When a block counts.
    pub finality: Finality,
    /// Endpoints give receipts of a block, and headers that hash as Ethereum's do.
    pub proofs: bool,
    /// The first endpoint is a node of our own, believed without another.
    pub own_node: bool,
    /// Final blocks that are asked for at once.
    pub range: u64,
}

/// Where to go on after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The last final block that the hub was told of.
    pub block: u64,
    /// The vault's last number up to it.
    pub sequence: Sequence,
    /// What the hub was told of as seen and that is not final, with its versions.
    pub seen: Vec<(Sequence, Hash)>,
    /// The chain's vaults up to that block, the present one last. None in what was written before vaults could hand over:
    /// then the one that is to be watched.
    #[serde(default)]
    pub vaults: Vec<Address>,
}

/// What one look at the chain brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// For the hub.
    pub observations: Vec<Observation>,
    /// How far the chain is, as far as it is believed.
    pub heads: Heads,
    /// How far that is.
    pub trust: Trust,
}

/// Why there is no news.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// Nobody answers as it should.
    #[error("chain {chain}: no endpoint can be used: {faults}")]
    Unreachable {
        /// Which chain.
        chain: ChainId,
        /// What each one did.
        faults: String,
    },
    /// Two endpoints have different final blocks, and no third one says who is right. Nothing is told.
    #[error("chain {chain}: endpoints disagree about block {block}: {here} or {there}")]
    Disputed {
        /// Which chain.
        chain: ChainId,
        /// The block.
        block: u64,
        /// Its hash by the one.
        here: Hash,
        /// By the other.
        there: Hash,
    },
    /// A block that was final is no more: nobody here can say what that means.
    #[error("chain {chain}: final block {block} is gone; watching it has to begin anew, by hand")]
    FinalBlockGone {
        /// Which chain.
        chain: ChainId,
        /// The block.
        block: u64,
    },
}

/// Watches one vault, and its successors.
#[derive(Debug)]
pub struct Watcher {
    config: WatchConfig,
    endpoints: Endpoints,
    line: Option<Line>,
    told: Told,
    resume: Option<Resume>,
    gas: GasHistory,
    heads: Heads,
}

/// One look through one endpoint, not yet believed.
struct Scan {
    line: Line,
    reach: Reach,
    fees: Vec<(Time, u64)>,
}

/// Numbers of a chain's blocks.
#[derive(Clone, Copy)]
struct Reach {
    head: u64,
    safe: u64,
    final_: u64,
}

enum Stop {
    Fault(Fault),
    FinalBlockGone(u64),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Fault(match broken {
            Broken::Parent { .. } => Fault::Moved,
            Broken::Sequence { .. } => Fault::lie(broken.to_string()),
        })
    }
}

impl Watcher {
    /// Watches from the block that created the vault, or from where it was left.
    #[must_use]
    pub fn new(config: WatchConfig, endpoints: Endpoints, resume: Option<Resume>) -> Self {
        let told = resume
            .as_ref()
            .map_or_else(Told::default, |resume| Told::up_to(resume.sequence, resume.block, &resume.seen));
        Self {
            config,
            endpoints,
            line: None,
            told,
            resume,
            gas: GasHistory::default(),
            heads: Heads::default(),
        }
    }

    /// Its endpoints, and what was wrong with them.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// How far the chain was at the last look.
    #[must_use]
    pub fn heads(&self) -> Heads {
        self.heads
    }

    /// The chain's vaults as far as the last look went, to the head; the present one last.
    #[must_use]
    pub fn vaults(&self) -> Vec<Address> {
        self.line.as_ref().map_or_else(|| self.first_vaults(), |line| line.vaults_at(u64::MAX))
    }

    /// The chain's vault at the head of the last look.
    #[must_use]
    pub fn vault(&self) -> Address {
        self.vaults().last().copied().unwrap_or(self.config.vault)
    }

    fn first_vaults(&self) -> Vec<Address> {
        let vaults = self.resume.as_ref().map(|resume| resume.vaults.clone()).unwrap_or_default();
        if vaults.is_empty() { vec![self.config.vault] } else { vaults }
    }

    /// What it watches.
    #[must_use]
    pub fn config(&self) -> &WatchConfig {
        &self.config
    }

    /// What gas has cost.
    #[must_use]
    pub fn gas(&self) -> &GasHistory {
        &self.gas
    }

    /// Where a restart would go on; none before the first look.
    #[must_use]
    pub fn point(&self) -> Option<Resume> {
        let line = self.line.as_ref()?;
        let block = line.base().number;
        let (sequence, vaults) = (Sequence(line.sequence_at(block)), line.vaults_at(block));
        Some(Resume { block, sequence, seen: self.told.seen().collect(), vaults })
    }

    /// Looks at the chain: what became safe, final or was dropped since the last look.
    pub async fn poll(&mut self) -> Result<News, WatchError> {
        let awake = self.endpoints.awake();
        let mut gone = None;
        for place in &awake {
            match self.scan(self.endpoints.get(*place)).await {
                Ok(scan) => {
                    self.endpoints.succeeded(*place);
                    return self.believe(*place, scan).await;
                }
                Err(Stop::Fault(fault)) => self.endpoints.failed(*place, fault),
                Err(Stop::FinalBlockGone(block)) => {
                    gone = Some(block);
                    self.endpoints.failed(*place, Fault::lie(format!("final block {block} is gone")));
                }
            }
        }
        let chain = self.config.chain;
        if let Some(block) = gone.filter(|_| awake.len() == self.endpoints.count()) {
            return Err(WatchError::FinalBlockGone { chain, block });
        }
        let faults: Vec<String> =
            self.endpoints.faults().map(|(url, fault)| format!("{url} {fault}")).collect();
        Err(WatchError::Unreachable { chain, faults: faults.join("; ") })
    }

    /// Compares a scan with what another endpoint has, then tells what there is to tell.
    async fn believe(&mut self, place: usize, scan: Scan) -> Result<News, WatchError> {
        let Scan { mut line, reach, fees } = scan;
        let (safe, final_, trust) = self.confirm(place, &line, reach).await?;
        let observations = self.told.tell(self.config.chain, &line, safe, final_);
        for (time, fee) in fees {
            self.gas.record(time, fee);
        }
        line.forget(final_);
        let head = |number: u64| {
            // Blocks between final ones that were read in one go are not held; they are older than any that is asked for.
            let time = line.get(number).map_or(line.base().time, |link| link.time);
            Head { number, time }
        };
        let heads = Heads { head: head(reach.head), safe: head(safe), final_: head(final_) };
        self.heads = heads;
        self.line = Some(line);
        Ok(News { observations, heads, trust })
    }

    /// How far a scan is believed: safe and final block.
    async fn confirm(
        &mut self,
        place: usize,
        line: &Line,
        reach: Reach,
    ) -> Result<(u64, u64, Trust), WatchError> {
        if self.config.own_node && place == 0 {
            return Ok((reach.safe, reach.final_, Trust::Full));
        }
        let mut dispute: Option<WatchError> = None;
        for witness in self.endpoints.awake().into_iter().filter(|other| *other != place) {
            match self.compare(self.endpoints.get(witness), line, reach).await {
                Ok(Agreement::Upto(safe)) => {
                    if dispute.is_some() {
                        // Two against one: whoever disagreed with both is wrong.
                        self.blame_disputant(place, witness);
                    }
                    return Ok((safe, reach.final_.min(safe), Trust::Full));
                }
                Ok(Agreement::None { block, here, there }) => {
                    let chain = self.config.chain;
                    if dispute.is_some() {
                        // The second one that disagrees with us.
                        self.endpoints.failed(place, Fault::lie(format!("no other has its block {block}")));
                    }
                    dispute = Some(WatchError::Disputed { chain, block, here, there });
                }
                Err(fault) => self.endpoints.failed(witness, fault),
            }
        }
        dispute.map_or(Ok((reach.final_, reach.final_, Trust::Lower)), Err)
    }

    fn blame_disputant(&mut self, place: usize, witness: usize) {
        let others: Vec<usize> =
            self.endpoints.awake().into_iter().filter(|other| *other != place && *other != witness).collect();
        for other in others {
            self.endpoints.failed(other, Fault::lie("two others agree on another chain"));
        }
    }

    /// Up to which safe block another endpoint has the same chain.
    async fn compare(&self, witness: &Endpoint, line: &Line, reach: Reach) -> Result<Agreement, Fault> {
        witness.check_chain(self.endpoints.chain_id()).await?;
        let need = reach.final_;
        let newest = witness.block(BlockId::latest()).await?.ok_or_else(|| Fault::lie("no latest block"))?;
        let have = newest.header.number;
        if have < need {
            return Err(Fault::Lags { have, need });
        }
        let mut last = None;
        for number in [reach.safe.min(have), need] {
            let here = line.get(number).map(|link| link.hash);
            let there = witness.block(BlockId::number(number)).await?.map(|block| hash(block.header.hash));
            match (here, there) {
                (Some(here), Some(there)) if here == there => return Ok(Agreement::Upto(number)),
                (Some(here), Some(there)) => last = Some(Agreement::None { block: number, here, there }),
                _ => return Err(Fault::Moved),
            }
        }
        last.ok_or(Fault::Moved)
    }

    async fn scan(&self, endpoint: &Endpoint) -> Result<Scan, Stop> {
        endpoint.check_chain(self.endpoints.chain_id()).await?;
        let newest =
            self.header(endpoint, BlockId::latest()).await?.ok_or_else(|| Fault::lie("no latest block"))?;
        let head = newest.header.number;
        let (safe, final_) = match self.config.finality {
            Finality::Depth { safe, final_ } => (head.saturating_sub(safe), head.saturating_sub(final_)),
            Finality::Tags => {
                let safe = self.number_of(endpoint, BlockNumberOrTag::Safe).await?;
                (safe, self.number_of(endpoint, BlockNumberOrTag::Finalized).await?)
            }
        };
        let mut line = match &self.line {
            Some(line) => line.clone(),
            None => self.begin(endpoint, final_).await?,
        };
        if head < line.tip().number
            && line.get(head).is_some_and(|link| link.hash == hash(newest.header.hash))
        {
            return Err(Fault::Lags { have: head, need: line.tip().number }.into());
        }
        self.back_to_fork(endpoint, &mut line, head).await?;
        let mut fees = Vec::new();
        let ranges = self.read_final(endpoint, &mut line, final_).await?;
        while line.tip().number < head {
            let number = line.tip().number + 1;
            let block = self.header(endpoint, BlockId::number(number)).await?.ok_or(Fault::Moved)?;
            let link = self.link(endpoint, &block, line.vault()).await?;
            fees.push((link.time, block.header.base_fee_per_gas.unwrap_or_default()));
            line.push(link)?;
        }
        if line.tip().hash != hash(newest.header.hash) {
            return Err(Fault::Moved.into());
        }
        // A final block before the line's first one has been told of.
        let final_ = final_.max(line.base().number).min(head);
        let safe = safe.clamp(final_, head);
        // Of a range no header shows that a log is missing.
        if ranges || !self.config.proofs {
            self.check_count(endpoint, &line, safe).await?;
        }
        Ok(Scan { line, reach: Reach { head, safe, final_ }, fees })
    }

    /// The line's first block: the last one before the vault, or where watching was left.
    async fn begin(&self, endpoint: &Endpoint, final_: u64) -> Result<Line, Stop> {
        let (block, sequence) = match &self.resume {
            Some(resume) => (resume.block, resume.sequence.0),
            None => (self.config.first_block.saturating_sub(1).min(final_), 0),
        };
        let base = self
            .header(endpoint, BlockId::number(block))
            .await?
            .ok_or(Fault::Lags { have: 0, need: block })?;
        Ok(Line::new(bare(&base), sequence, self.first_vaults()))
    }

    /// Takes off what the chain has dropped.
    async fn back_to_fork(&self, endpoint: &Endpoint, line: &mut Line, head: u64) -> Result<(), Stop> {
        loop {
            let tip = line.tip();
            if tip.number <= head {
                let block = endpoint.block(BlockId::number(tip.number)).await?.ok_or(Fault::Moved)?;
                if hash(block.header.hash) == tip.hash {
                    return Ok(());
                }
            }
            let number = tip.number;
            if line.pop().is_none() {
                return Err(Stop::FinalBlockGone(number));
            }
        }
    }

    /// Reads what is final in ranges, when there is much of it. Whether there was.
    async fn read_final(&self, endpoint: &Endpoint, line: &mut Line, final_: u64) -> Result<bool, Stop> {
        let mut ranges = false;
        while line.tip().number + self.config.range <= final_ {
            ranges = true;
            let (from, last) = (line.tip().number + 1, line.tip().number + self.config.range);
            let vault = line.vault();
            let filter = Filter::new().address(vault).from_block(from).to_block(last);
            let logs = endpoint.logs(&filter).await?;
            let mut blocks: BTreeMap<u64, Option<B256>> = BTreeMap::new();
            let mut to = last;
            for log in &logs {
                let number = log.block_number.filter(|number| (from..=last).contains(number));
                let number = number.ok_or_else(|| Fault::lie("a log of a block that was not asked for"))?;
                blocks.insert(number, log.block_hash);
                if !matches!(facts::successor(&log.inner), Ok(None)) {
                    // What comes after a move is the successor's: the range ends there.
                    to = to.min(number);
                }
            }
            blocks.entry(to).or_insert(None);
            blocks.retain(|number, _| *number <= to);
            for (number, said) in blocks {
                let block = self.header(endpoint, BlockId::number(number)).await?.ok_or(Fault::Moved)?;
                if said.is_some_and(|said| said != block.header.hash) {
                    return Err(Fault::Moved.into());
                }
                line.push_final(self.link(endpoint, &block, vault).await?)?;
            }
        }
        Ok(ranges)
    }

    /// A block with its events, where `vault` is the chain's before it.
    async fn link(&self, endpoint: &Endpoint, block: &Block, vault: Address) -> Result<Link, Fault> {
        let mut link = bare(block);
        if !block.header.logs_bloom.contains_input(BloomInput::Raw(vault.as_slice())) {
            return Ok(link);
        }
        let unreadable = |error| Fault::lie(format!("an event of the vault: {error}"));
        let mut vaults = vec![vault];
        let logs = loop {
            let logs = self.logs(endpoint, block, &vaults).await?;
            let present = vaults.last().copied();
            let moves = logs.iter().filter(|log| Some(log.address) == present);
            let moves: Result<Vec<_>, _> = moves.map(facts::successor).collect();
            // The successor's own logs of this block count as well.
            match moves.map_err(unreadable)?.into_iter().flatten().last() {
                Some(to) if !vaults.contains(&to) => vaults.push(to),
                _ => break logs,
            }
        };
        let mut present = vault;
        for log in logs.iter() {
            if log.address != present {
                // It has handed over, or not taken over: that is no fact.
                continue;
            }
            if let Some(to) = facts::successor(log).map_err(unreadable)? {
                link.moved.push(to);
                present = to;
            }
            link.events.extend(facts::read(log).map_err(unreadable)?);
        }
        Ok(link)
    }

    /// Logs of these contracts in a block, in order.
    async fn logs(&self, endpoint: &Endpoint, block: &Block, of: &[Address]) -> Result<Vec<Log>, Fault> {
        let (at, number) = (block.header.hash, block.header.number);
        let logs = endpoint.logs(&Filter::new().at_block_hash(at).address(of.to_vec())).await?;
        if logs.iter().any(|log| !of.contains(&log.address()) || log.block_hash != Some(at) || log.removed) {
            return Err(Fault::lie(format!("logs of another contract or block for block {number}")));
        }
        let logs: Vec<Log> = logs.into_iter().map(|log| log.inner).collect();
        if self.config.proofs && logs != self.proven(endpoint, block, of).await? {
            return Err(Fault::lie(format!("logs of block {number} are not those of its receipts")));
        }
        Ok(logs)
    }

    /// The same out of the receipts whose root the block's header holds.
    async fn proven(&self, endpoint: &Endpoint, block: &Block, of: &[Address]) -> Result<Vec<Log>, Fault> {
        let receipts = endpoint.receipts(block.header.hash).await?.ok_or(Fault::Moved)?;
        let receipts: Vec<_> =
            receipts.into_iter().map(|receipt| receipt.into_primitives_receipt().inner).collect();
        if calculate_receipt_root(&receipts) != block.header.receipts_root {
            return Err(Fault::lie(format!(
                "receipts of block {} do not have its root",
                block.header.number
            )));
        }
        let logs = receipts.iter().flat_map(|receipt| receipt.logs());
        Ok(logs.filter(|log| of.contains(&log.address)).cloned().collect())
    }

    /// A header whose hash is its own.
    async fn header(&self, endpoint: &Endpoint, id: BlockId) -> Result<Option<Block>, Fault> {
        let block = endpoint.block(id).await?;
        let forged = |block: &Block| block.header.inner.hash_slow() != block.header.hash;
        if self.config.proofs && block.as_ref().is_some_and(forged) {
            return Err(Fault::lie("a header whose hash is not its own"));
        }
        Ok(block)
    }

    async fn number_of(&self, endpoint: &Endpoint, tag: BlockNumberOrTag) -> Result<u64, Fault> {
        // A young chain has none.
        Ok(endpoint.block(BlockId::Number(tag)).await?.map_or(0, |block| block.header.number))
    }

    /// Whether the vault has told as many facts as were read, and has not handed over unheard.
    async fn check_count(&self, endpoint: &Endpoint, line: &Line, safe: u64) -> Result<(), Fault> {
        let Some(at) = line.get(safe).filter(|link| self.config.first_block <= link.number) else {
            return Ok(());
        };
        let present = line.vaults_at(safe).last().copied().unwrap_or(self.config.vault);
        let vault = bindings::vault::Vault::new(present, endpoint.provider());
        let block = BlockId::hash(B256::from(at.hash.0));
        let head = answer(vault.head().block(block).call().into_future()).await?;
        let read = line.sequence_at(safe);
        if head.closed {
            Err(Fault::lie("the vault has handed over, and its logs do not say so"))
        } else if head.sequence == read {
            Ok(())
        } else {
            Err(Fault::lie(format!("the vault has told {} facts, its logs are {read}", head.sequence)))
        }
    }
}

enum Agreement {
    /// The same chain up to this block.
    Upto(u64),
    None {
        block: u64,
        here: Hash,
        there: Hash,
    },
}

/// A block without its events.
fn bare(block: &Block) -> Link {
    Link {
        number: block.header.number,
        hash: hash(block.header.hash),
        parent: hash(block.header.parent_hash),
        time: Time::from_millis(block.header.timestamp.saturating_mul(1_000)),
        events: Vec::new(),
        moved: Vec::new(),
    }
}

fn hash(hash: B256) -> Hash {
    Hash(hash.0)
}
