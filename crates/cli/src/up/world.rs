//! The world of a run: a node for every chain of the house, with everything on it, and what carries collateral between
//! them.
//!
//! - Every chain: tokens, LayerZero, a Safe of eight owners, vault, auction house, gateway. Ways lead from each chain to
//!   the first one and back.
//! - Before the house's first moment the vaults' validators list tokens and set limits, by orders whose numbers the hub
//!   never comes to.
//! - Stands in: one wallet a chain pays everybody's deposits.

use super::feeds::{self, Feeds};
use super::relay::Relay;
use super::spoke::LocalSpoke;
use super::wallets::keeper_wallet;
use anyhow::Context as _;
use ballast_sim::replay::{Setup, World};
use ballast_spoke::Spoke as _;
use ballast_spoke::certificate::Key;
use ballast_spoke::evm::kit::{LocalChain, LocalPlan, NodeConfig, TokenKind, TokenPlan, dev_key};
use ballast_spoke::evm::{EvmSpoke, Finality, Npm, OWNERS, PrivateKeySigner, Resume, SpokeKeys, hub_address};
use ballast_spoke::message::Payload;
use ballast_types::{
    AssetId, ChainGenesis, ChainId, Genesis, Nonce, Order, OrderAction, PriceReport, Sequence,
};
use ballast_units::{Amount, Millis, Price, Time};
use std::sync::{Arc, Mutex};

/// Why a lock on the counts is always had.
const COUNTING: &str = "nobody panics while counting";

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

/// What was counted beside the chains.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Payloads sent by LayerZero, and those that could not be.
    pub(super) messages: u64,
    pub(super) messages_unsent: u64,
    /// Transfers of collateral that arrived.
    pub(super) bridged: u64,
    /// Rounds that feeds were moved by; those that the hub's sources read; readings that were refused.
    pub(super) rounds: u64,
    pub(super) readings: u64,
    pub(super) readings_refused: u64,
}

/// What gas is paid in.
fn coin(chain: &str) -> &str {
    match chain {
        "polygon" => "MATIC",
        "bsc" => "BNB",
        _ => "ETH",
    }
}

/// What stands behind the chains.
#[derive(Debug)]
pub(super) struct LocalWorld {
    relay: Relay,
    feeds: Feeds,
    /// The asset that is each chain's own coin.
    coins: Vec<Option<AssetId>>,
    counts: Arc<Mutex<Counts>>,
}

/// Chains and world.
pub(super) type Built = (Vec<LocalSpoke>, Box<dyn World<LocalSpoke>>);

/// Starts a node for every chain of the genesis, and tells the genesis where its vaults are.
pub(super) fn build(
    setup: Setup<'_>,
    genesis: &mut Genesis,
    counts: Arc<Mutex<Counts>>,
) -> anyhow::Result<Built> {
    let npm = Npm::find()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let runtime = Arc::new(runtime);
    let start = genesis.time.millis() / 1_000;
    let (way, sites) = (setup.scenario.order_way, feeds::sites(genesis));
    let bidders = usize::try_from(setup.scenario.bidders.number).unwrap_or(1);
    let bidders: Vec<_> = (0..bidders).map(|number| dev_key("bidder", number)).collect();
    let keepers: Vec<_> = (0..setup.scenario.keepers.number).map(keeper_wallet).collect();
    let plans = (0_u16..).zip(&genesis.chains);
    let plans = plans.map(|(place, chain)| plan(setup, genesis, place, chain, &sites, start - SETTING_UP));
    let plans: Vec<LocalPlan> = plans.collect();
    let mut chains = runtime.block_on(async {
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
    let key = Key::from_label(VALIDATOR);
    let hidden = runtime.block_on(async {
        let mut hidden = Vec::new();
        for chain in &mut chains {
            chain.hurry_orders(way.confirmations);
            hidden.push(furnish(chain, &key, &bidders, &keepers).await?);
        }
        let (first, others) = chains.split_first().context("a house has chains")?;
        for other in others {
            first.open_way(other).await?;
            other.open_way(first).await?;
        }
        anyhow::Ok(hidden)
    })?;
    let mut spokes = Vec::new();
    for (chain, hidden) in chains.into_iter().zip(hidden) {
        let terms = setup.scenario.chain_terms(&chain.deployment.name);
        let block = runtime.block_on(async {
            chain.node.set_automine(false).await?;
            chain.node.mine_at(start).await?;
            chain.node.head().await
        })?;
        let mut config = chain.spoke_config(Price::ONE);
        config.watch.finality = Finality::Depth { safe: terms.safe_depth, final_: terms.final_depth };
        let others = bidders.iter().chain(&keepers).cloned().collect();
        let keys = SpokeKeys { courier: dev_key("courier", 0), others };
        let resume = Resume { block, sequence: Sequence(hidden), seen: Vec::new() };
        let inner = EvmSpoke::new(config, keys, Some(resume))?;
        let addresses = bidders.iter().map(|key| hub_address(key.address())).collect();
        spokes.push(LocalSpoke::new(Arc::clone(&runtime), chain, inner, hidden, start, addresses));
    }
    for (chain, spoke) in genesis.chains.iter_mut().zip(&spokes) {
        chain.domain = spoke.domain();
    }
    let asset = |symbol: &str| genesis.assets.iter().position(|asset| asset.symbol == symbol);
    let coin = |chain: &ChainGenesis| asset(coin(&chain.name)).and_then(|at| u16::try_from(at).ok());
    let world = LocalWorld {
        coins: genesis.chains.iter().map(|chain| coin(chain).map(AssetId)).collect(),
        relay: Relay::new(Arc::clone(&runtime), &spokes, way.patience)?,
        feeds: Feeds::new(runtime, &sites, &spokes, genesis.oracle.max_age)?,
        counts,
    };
    Ok((spokes, Box::new(world)))
}

/// A node, its chain's tokens, and who may order.
fn plan(
    setup: Setup<'_>,
    genesis: &Genesis,
    place: u16,
    chain: &ChainGenesis,
    sites: &[(AssetId, ChainId, Price)],
    start: u64,
) -> LocalPlan {
    let (chain_id, eid) = numbers(&chain.name, place);
    let seconds = (chain.block_time.get() / 1_000).max(1);
    // Bridged collateral waits for what the node calls final: two of its epochs.
    let epoch = setup.scenario.chain_terms(&chain.name).final_depth.div_ceil(2).max(1);
    let node =
        NodeConfig { epoch, history: HISTORY, ..NodeConfig::new(&chain.name, chain_id, seconds, start) };
    let tokens = chain.tokens.iter().map(|token| {
        let asset = genesis.assets.iter().position(|asset| asset.symbol == token.asset).unwrap_or_default();
        let digits = token.params.unit.wei().checked_ilog10().unwrap_or_default();
        // ETH is what thin chains send to the first one.
        let kind = if token.asset == "ETH" { TokenKind::Bridged } else { TokenKind::Plain };
        let asset = AssetId(u16::try_from(asset).unwrap_or_default());
        let feed = sites.iter().find(|(priced, at, _)| (*priced, *at) == (asset, ChainId(place)));
        TokenPlan {
            asset,
            symbol: token.asset.clone(),
            // The hub may count coarser than an OFT does; never finer.
            decimals: if kind == TokenKind::Bridged { 18 } else { decimals(digits) },
            kind,
            price: feed.map(|(_, _, price)| *price),
        }
    });
    LocalPlan {
        node,
        chain: ChainId(place),
        eid: Some(eid),
        signers: setup.validators.signers().to_vec(),
        epoch: 0,
        tokens: tokens.collect(),
        safe_owners: (0..OWNERS).map(|number| dev_key("safe owner", number).address()).collect(),
    }
}

fn decimals(zeros: u32) -> u8 {
    u8::try_from(18_u32.saturating_sub(zeros)).unwrap_or(18)
}

/// Lists the tokens, sets their limits, fills purses: of bidders with coin, of keepers with gas. Gives how many facts the
/// vault has told by then.
async fn furnish(
    chain: &LocalChain,
    key: &Key,
    bidders: &[PrivateKeySigner],
    keepers: &[PrivateKeySigner],
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
    for wallet in keepers.iter().chain(bidders) {
        chain.node.fund(wallet.address()).await?;
    }
    for wallet in bidders {
        chain.mint(chain.deployment.coin, wallet.address(), PURSE).await?;
    }
    Ok(number)
}

impl World<LocalSpoke> for LocalWorld {
    fn turn(&mut self, _: &mut [LocalSpoke], _: Time) {}

    fn carry(&mut self, chains: &mut [LocalSpoke], now: Time) {
        self.relay.carry(chains, now, &mut self.counts.lock().expect(COUNTING));
    }

    fn quote(
        &mut self,
        chains: &mut [LocalSpoke],
        price: &dyn Fn(AssetId) -> Price,
        now: Time,
        reports: &mut Vec<PriceReport>,
    ) {
        self.feeds.quote(chains, price, now, reports, &mut self.counts.lock().expect(COUNTING));
        for (chain, coin) in chains.iter_mut().zip(&self.coins) {
            if let Some(coin) = coin {
                chain.set_coin_price(price(*coin));
            }
        }
    }

    fn send(&mut self, chains: &mut [LocalSpoke], payload: &Payload, now: Time) -> Millis {
        chains[usize::from(payload.chain.0)].given(&payload.orders, now);
        self.relay.send(chains, payload, now, &mut self.counts.lock().expect(COUNTING))
    }

    fn reorgs(&self) -> u64 {
        0
    }
}
