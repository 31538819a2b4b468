//! A local EVM node: anvil, told to be like one chain.
//!
//! - Time: a block is as much later than the one before as the real chain's blocks are, however fast they are mined.
//! - Finality: `safe` is `epoch` blocks behind the head, `finalized` twice that.
//! - Ends with whoever started it, even if that was killed: a shell holds the node and waits for our end of a pipe.

use crate::evm::{ArtifactError, EvmError, Npm, connect, connect_wallet};
use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::providers::ext::AnvilApi;
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::TransactionRequest;
use alloy::rpc::types::anvil::{MineOptions, ReorgOptions, TransactionData};
use alloy::signers::local::PrivateKeySigner;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Holds the node and its folder until our end of its standard input is closed, by whatever end we came to.
const HOLD: &str = r#"trap '' INT TERM HUP
"$@" & node=$!
cat >/dev/null
kill -9 $node 2>/dev/null
wait $node 2>/dev/null
rm -rf "$BALLAST_NODE_DIR""#;

/// What a chain is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// For people.
    pub name: String,
    /// The chain's own.
    pub chain_id: u64,
    /// Seconds from one block to the next.
    pub block_time: u64,
    /// A block is safe under this many, final under twice as many.
    pub epoch: u64,
    /// Seconds since 1970 of block 0.
    pub genesis_time: u64,
    /// States that are kept, in blocks; a reorg cannot be deeper.
    pub history: u64,
}

impl NodeConfig {
    /// A chain with 64 states of history, safe under 2 blocks and final under 4.
    #[must_use]
    pub fn new(name: &str, chain_id: u64, block_time: u64, genesis_time: u64) -> Self {
        Self { name: name.to_owned(), chain_id, block_time, epoch: 2, genesis_time, history: 64 }
    }
}

/// A node that runs.
#[derive(Debug)]
pub struct Node {
    config: NodeConfig,
    url: String,
    provider: DynProvider,
    /// The shell around the node; its standard input is what keeps it.
    process: Child,
}

/// Why there is no node.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The program is not installed.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The machine refused.
    #[error("anvil for {name} did not start: {why}")]
    Start {
        /// Which chain.
        name: String,
        /// What happened.
        why: String,
    },
    /// It runs, but does not answer as it should.
    #[error(transparent)]
    Evm(#[from] EvmError),
}

impl Node {
    /// Starts a node; it mines a block for every transaction.
    pub async fn start(npm: &Npm, config: NodeConfig) -> Result<Self, NodeError> {
        let anvil = npm.program("anvil")?;
        let dir = fresh_dir(&config.name);
        let failed = |why: String| NodeError::Start { name: config.name.clone(), why };
        let mut process = Command::new("/bin/sh")
            .args(["-c", HOLD, "sh"])
            .arg(anvil)
            .args(["--port", "0", "--accounts", "0", "--hardfork", "prague", "--order", "fifo"])
            .args(["--chain-id", &config.chain_id.to_string()])
            .args(["--timestamp", &config.genesis_time.to_string()])
            .args(["--slots-in-an-epoch", &config.epoch.to_string()])
            .args(["--prune-history", &config.history.to_string()])
            .arg("--cache-path")
            .arg(&dir)
            .env("BALLAST_NODE_DIR", &dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let mut output = BufReader::new(process.stdout.take().expect("standard output is a pipe"));
        let url = loop {
            let mut line = String::new();
            match output.read_line(&mut line) {
                Ok(0) | Err(_) => break Err(failed("it ended before it listened".to_owned())),
                Ok(_) => {}
            }
            if let Some(address) = line.trim().strip_prefix("Listening on ") {
                break Ok(format!("http://{address}"));
            }
        };
        // What it prints later has to go somewhere.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let url = url?;
        let provider = connect(&url)?;
        let node = Self { config, url, provider, process };
        node.ask("anvil_setBlockTimestampInterval", serde_json::json!([node.config.block_time])).await?;
        Ok(node)
    }

    /// What it was told to be.
    #[must_use]
    pub fn config(&self) -> &NodeConfig {
        &self.config
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// For reading.
    #[must_use]
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// For transactions of `key`, which gets 10,000 coins for gas.
    pub async fn wallet(&self, key: &PrivateKeySigner) -> Result<DynProvider, EvmError> {
        self.fund(key.address()).await?;
        connect_wallet(&self.url, key)
    }

    /// Gives an address 10,000 coins for gas.
    pub async fn fund(&self, address: Address) -> Result<(), EvmError> {
        let wei = U256::from(10_000) * U256::from(10).pow(U256::from(18));
        self.provider
            .anvil_set_balance(address, wei)
            .await
            .map_err(|error| self.failed("anvil_setBalance", error))
    }

    /// For transactions from an address whose key nobody has.
    pub async fn impersonate(&self, address: Address) -> Result<DynProvider, EvmError> {
        self.fund(address).await?;
        let asked = self.provider.anvil_impersonate_account(address).await;
        asked.map_err(|error| self.failed("anvil_impersonateAccount", error))?;
        connect(&self.url)
    }

    /// Whether every transaction makes its own block at once.
    pub async fn set_automine(&self, on: bool) -> Result<(), EvmError> {
        self.provider.anvil_set_auto_mine(on).await.map_err(|error| self.failed("evm_setAutomine", error))
    }

    /// Mines blocks, each one block time after the one before.
    pub async fn mine(&self, blocks: u64) -> Result<(), EvmError> {
        self.provider.anvil_mine(Some(blocks), None).await.map_err(|error| self.failed("anvil_mine", error))
    }

    /// Mines one block of this time, in seconds since 1970; later than the head's.
    pub async fn mine_at(&self, time: u64) -> Result<(), EvmError> {
        let options = MineOptions::Timestamp(Some(time));
        let mined = self.provider.evm_mine(Some(options)).await;
        mined.map(drop).map_err(|error| self.failed("evm_mine", error))
    }

    /// Mines blocks one block time apart up to `time`: the last one is not later.
    pub async fn mine_to(&self, time: u64) -> Result<(), EvmError> {
        let blocks = time.saturating_sub(self.time().await?) / self.config.block_time;
        if blocks == 0 { Ok(()) } else { self.mine(blocks).await }
    }

    /// Gives the next block this time, in seconds since 1970.
    pub async fn set_next_time(&self, time: u64) -> Result<(), EvmError> {
        let set = self.provider.anvil_set_next_block_timestamp(time).await;
        set.map_err(|error| self.failed("evm_setNextBlockTimestamp", error))
    }

    /// Number of the head.
    pub async fn head(&self) -> Result<u64, EvmError> {
        self.provider.get_block_number().await.map_err(|error| self.failed("eth_blockNumber", error))
    }

    /// Time of the head, in seconds since 1970.
    pub async fn time(&self) -> Result<u64, EvmError> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await;
        let block = block.map_err(|error| self.failed("eth_getBlockByNumber", error))?;
        Ok(block.map_or(self.config.genesis_time, |block| block.header.timestamp))
    }

    /// Replaces the last `depth` blocks with others that hold nothing. The transactions in them are gone, out of the
    /// pool too.
    pub async fn reorg(&self, depth: u64) -> Result<(), EvmError> {
        self.reorg_with(depth, Vec::new()).await
    }

    /// The same, with transactions for the new blocks: each with its block's place, from 0.
    pub async fn reorg_with(
        &self,
        depth: u64,
        transactions: Vec<(TransactionRequest, u64)>,
    ) -> Result<(), EvmError> {
        let tx_block_pairs = transactions
            .into_iter()
            .map(|(request, block)| (TransactionData::JSON(request), block))
            .collect();
        self.provider
            .anvil_reorg(ReorgOptions { depth, tx_block_pairs })
            .await
            .map_err(|error| self.failed("anvil_reorg", error))
    }

    /// Mines from now on without end: the chain's time goes `speed` times as fast as ours, from `start`, seconds
    /// since 1970. Ends when what it returns is dropped.
    #[must_use]
    pub fn run(&self, start: u64, speed: u32) -> Running {
        let (provider, block_time) = (self.provider.clone(), self.config.block_time);
        let began = tokio::time::Instant::now();
        let pause = (Duration::from_secs(block_time) / speed).max(Duration::from_millis(1));
        let task = tokio::spawn(async move {
            let mut time = start;
            let mut ticks = tokio::time::interval(pause);
            loop {
                ticks.tick().await;
                let due = start
                    + began.elapsed().as_secs() * u64::from(speed)
                    + u64::from(began.elapsed().subsec_millis()) * u64::from(speed) / 1_000;
                // A node that cannot keep up skips blocks rather than time.
                let missed = due.saturating_sub(time) / block_time;
                if 0 < missed {
                    time += missed * block_time;
                    // A node that is gone, or a clock that a test has put ahead, ends nothing here.
                    let _ = provider.evm_mine(Some(MineOptions::Timestamp(Some(time)))).await;
                }
            }
        });
        Running { task }
    }

    /// Calls a method of anvil that alloy has no name for.
    pub async fn ask(
        &self,
        method: &'static str,
        params: serde_json::Value,
    ) -> Result<serde_json::Value, EvmError> {
        let asked = self.provider.raw_request(method.into(), params).await;
        asked.map_err(|error| self.failed(method, error))
    }

    fn failed(&self, method: &str, error: impl std::fmt::Display) -> EvmError {
        EvmError::Rpc { endpoint: self.url.clone(), method: method.to_owned(), why: error.to_string() }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // The shell kills the node, removes its folder and ends.
        let _ = self.process.wait();
    }
}

/// A node that mines by itself, until this is dropped.
#[derive(Debug)]
pub struct Running {
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The key of somebody in a local world: the same in every run, worth nothing anywhere else.
#[must_use]
pub fn dev_key(role: &str, number: usize) -> PrivateKeySigner {
    let secret: B256 = keccak256(format!("ballast development key: {role} {number}"));
    PrivateKeySigner::from_bytes(&secret).expect("a hash is below the curve's order")
}

/// A folder that no other node uses.
fn fresh_dir(name: &str) -> std::path::PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let safe: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    std::env::temp_dir().join(format!("ballast-anvil-{}-{number}-{safe}", std::process::id()))
}
