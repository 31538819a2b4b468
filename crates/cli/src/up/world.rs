//! The world of a run: a node for every chain of the house, with everything on it, and what carries collateral between
//! them.
//!
//! - Every chain: tokens, LayerZero, a Safe of eight owners, vault, auction house, gateway. Ways lead from each chain to
//!   the first one and back.
//! - Before the house's first moment the vaults' validators list tokens and set limits, by orders whose numbers the hub
//!   never comes to.
//! - Stands in: one wallet a chain pays everybody's deposits, couriers of all keepers send from it too.

use super::spoke::LocalSpoke;
use anyhow::Context as _;
use ballast_sim::replay::{Setup, World};
use ballast_spoke::certificate::Key;
use ballast_spoke::evm::kit::{LocalChain, LocalPlan, NodeConfig, TokenKind, TokenPlan, dev_key};
use ballast_spoke::evm::layerzero::Worker;
use ballast_spoke::evm::{EvmSpoke, Finality, Npm, OWNERS, Resume, SpokeKeys, hub_address};
use ballast_spoke::message::Payload;
use ballast_types::{AssetId, ChainGenesis, ChainId, Genesis, Nonce, Order, OrderAction, Sequence};
use ballast_units::{Amount, Millis, Price, Time};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// What the lone validator of a replay is called.
pub(super) const VALIDATOR: &str = "replay";

/// Set-up takes less than this on every chain, a second a block.
const SETTING_UP: u64 = 3_600;

/// States that a node keeps, in blocks.
const HISTORY: u64 = 512;

/// Numbers of the orders before the house: the hub counts from 1.
const FIRST_NONCE: u64 = 1 << 40;

/// Whoever pays has this much of every token.
const PURSE: Amount = Amount::whole(1_000_000_000);

/// What may leave of a token in an hour: more than there is.
const OUTFLOW: Amount = Amount::whole(1_000_000_000);

/// The bridge's workers look this often.
const WORKERS: Millis = Millis::seconds(12);

/// What a chain is in the real world: its own id, and LayerZero's.
fn numbers(name: &str, place: u16) -> (u64, u32) {
    match name {
        "ethereum" => (1, 30_101),
        "polygon" => (137, 30_109),
        "bsc" => (56, 30_102),
        "layer2" => (42_161, 30_110),
        _ => (900_000 + u64::from(place), 40_000 + u32::from(place)),
    }
}

/// What stands behind the chains.
#[derive(Debug)]
pub(super) struct LocalWorld {
    runtime: Arc<Runtime>,
    worker: Worker,
    next: Time,
    /// Messages of the bridge that arrived.
    bridged: Arc<std::sync::atomic::AtomicU64>,
}

/// Chains and world.
pub(super) type Built = (Vec<LocalSpoke>, Box<dyn World<LocalSpoke>>);

/// Starts a node for every chain of the genesis, and tells the genesis where its vaults are. `bidders`: how many wallets
/// take part in auctions.
pub(super) fn build(
    setup: Setup<'_>,
    genesis: &mut Genesis,
    bidders: usize,
    bridged: Arc<std::sync::atomic::AtomicU64>,
) -> anyhow::Result<Built> {
    let npm = Npm::find()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let runtime = Arc::new(runtime);
    let start = genesis.time.millis() / 1_000;
    let wallets: Vec<_> = (0..bidders).map(|number| dev_key("bidder", number)).collect();
    let signers = setup.validators.signers().to_vec();
    let plans = (0_u16..).zip(&genesis.chains);
    let plans = plans.map(|(place, chain)| plan(genesis, place, chain, signers.clone(), start - SETTING_UP));
    let plans: Vec<LocalPlan> = plans.collect();
    let chains = runtime.block_on(async {
        let mut starting = Vec::new();
        for plan in plans {
            let npm = npm.clone();
            starting.push(tokio::spawn(async move { LocalChain::start(&npm, plan).await }));
        }
        let mut chains = Vec::new();
        for one in starting {
            chains.push(one.await??);
        }
        anyhow::Ok(chains)
    })?;
    let mut spokes = Vec::new();
    let key = Key::from_label(VALIDATOR);
    let hidden = runtime.block_on(async {
        let mut hidden = Vec::new();
        for chain in &chains {
            hidden.push(furnish(chain, &key, &wallets).await?);
        }
        let (first, others) = chains.split_first().context("a house has chains")?;
        for other in others {
            first.open_way(other).await?;
            other.open_way(first).await?;
        }
        anyhow::Ok(hidden)
    })?;
    let worker = runtime.block_on(async {
        let mut workers = Vec::new();
        for chain in &chains {
            workers.push(chain.worker().await?);
        }
        anyhow::Ok(Worker::new(workers))
    })?;
    let mut domains = Vec::new();
    for (chain, hidden) in chains.into_iter().zip(hidden) {
        let terms = setup.scenario.chain_terms(&chain.deployment.name);
        let block = runtime.block_on(async {
            chain.node.set_automine(false).await?;
            chain.node.mine_at(start).await?;
            chain.node.head().await
        })?;
        let mut config = chain.spoke_config(Price::whole(2_500));
        config.watch.finality = Finality::Depth { safe: terms.safe_depth, final_: terms.final_depth };
        domains.push(chain.deployment.domain());
        let keys = SpokeKeys { courier: dev_key("courier", 0), takers: wallets.clone() };
        let resume = Resume { block, sequence: Sequence(hidden), seen: Vec::new() };
        let inner = EvmSpoke::new(config, keys, Some(resume))?;
        let addresses = wallets.iter().map(|key| hub_address(key.address())).collect();
        spokes.push(LocalSpoke::new(Arc::clone(&runtime), chain, inner, hidden, start, addresses));
    }
    for (chain, domain) in genesis.chains.iter_mut().zip(domains) {
        chain.domain = domain;
    }
    Ok((spokes, Box::new(LocalWorld { runtime, worker, next: genesis.time, bridged })))
}

/// A node, its chain's tokens, and who may order.
fn plan(
    genesis: &Genesis,
    place: u16,
    chain: &ChainGenesis,
    signers: Vec<ballast_types::Signer>,
    start: u64,
) -> LocalPlan {
    let (chain_id, eid) = numbers(&chain.name, place);
    let seconds = (chain.block_time.get() / 1_000).max(1);
    let node = NodeConfig { history: HISTORY, ..NodeConfig::new(&chain.name, chain_id, seconds, start) };
    let tokens = chain.tokens.iter().map(|token| {
        let asset = genesis.assets.iter().position(|asset| asset.symbol == token.asset).unwrap_or_default();
        let digits = token.params.unit.wei().checked_ilog10().unwrap_or_default();
        // ETH is what thin chains send to the first one.
        let kind = if token.asset == "ETH" { TokenKind::Bridged } else { TokenKind::Plain };
        TokenPlan {
            asset: AssetId(u16::try_from(asset).unwrap_or_default()),
            symbol: token.asset.clone(),
            // The hub may count coarser than an OFT does; never finer.
            decimals: if kind == TokenKind::Bridged { 18 } else { decimals(digits) },
            kind,
            price: None,
        }
    });
    LocalPlan {
        node,
        chain: ChainId(place),
        eid: Some(eid),
        signers,
        epoch: 0,
        tokens: tokens.collect(),
        safe_owners: (0..OWNERS).map(|number| dev_key("safe owner", number).address()).collect(),
    }
}

fn decimals(zeros: u32) -> u8 {
    u8::try_from(18_u32.saturating_sub(zeros)).unwrap_or(18)
}

/// Lists the tokens, sets their limits, fills purses. Gives how many facts the vault has told by then.
async fn furnish(
    chain: &LocalChain,
    key: &Key,
    wallets: &[ballast_spoke::evm::PrivateKeySigner],
) -> anyhow::Result<u64> {
    chain.node.ask("anvil_setBlockTimestampInterval", serde_json::json!([1])).await?;
    let expires = chain.time().await?.after(Millis::days(1));
    let actions = chain.listing(OUTFLOW, Millis::hours(1));
    let number = actions.len() as u64;
    let orders = (FIRST_NONCE..).map(Nonce).zip(actions).map(|(nonce, action): (Nonce, OrderAction)| Order {
        chain: chain.deployment.chain,
        nonce,
        expires,
        action,
    });
    let (id, domain) = (chain.deployment.chain, chain.deployment.domain());
    let payload = Payload::sign(domain, id, 0, orders.collect(), std::slice::from_ref(key))?;
    chain.carry(&payload).await?;
    let courier = dev_key("courier", 0);
    chain.node.fund(courier.address()).await?;
    for token in &chain.deployment.tokens {
        chain.mint(token.asset, courier.address(), PURSE).await?;
    }
    for wallet in wallets {
        chain.node.fund(wallet.address()).await?;
        chain.mint(chain.deployment.coin, wallet.address(), PURSE).await?;
    }
    Ok(number)
}

impl World<LocalSpoke> for LocalWorld {
    fn turn(&mut self, _: &mut [LocalSpoke], _: Time) {}

    fn carry(&mut self, chains: &mut [LocalSpoke], now: Time) {
        if now < self.next {
            return;
        }
        self.next = now.after(WORKERS);
        // A chain that does not answer is asked again at the next turn.
        let ready = chains.iter_mut().all(|chain| chain.set_busy(true).is_ok());
        if ready && let Ok(delivered) = self.runtime.block_on(self.worker.turn()) {
            let delivered = delivered.len() as u64;
            self.bridged.fetch_add(delivered, std::sync::atomic::Ordering::Relaxed);
        }
        for chain in chains {
            let _ = chain.set_busy(false);
        }
    }

    fn reorgs(&self) -> u64 {
        0
    }
}
