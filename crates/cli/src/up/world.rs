//! The world of a run: a node for every chain of the house, with everything on it, and what carries collateral between
//! them.
//!
//! - Every chain: tokens, LayerZero, a Safe of eight owners, vault, auction house, gateway. Ways lead from each chain to
//!   each other one.
//! - The vaults know their coin alone at first: governance has the hub list tokens and set limits. A chain that joins is
//!   made as those that were there from the start.
//! - Stands in: one wallet a chain pays everybody's deposits.

use super::feeds::{self, Feeds};
use super::relay::Relay;
use super::spoke::LocalSpoke;
use super::wallets::keeper_wallet;
use ballast_engine::State;
use ballast_sim::Scenario;
use ballast_sim::replay::{Setup, World};
use ballast_spoke::Spoke as _;
use ballast_spoke::certificate::ValidatorSet;
use ballast_spoke::evm::kit::{LocalChain, LocalPlan, NodeConfig, TokenKind, TokenPlan, dev_key};
use ballast_spoke::evm::{EvmSpoke, Finality, Npm, OWNERS, PrivateKeySigner, Resume, SpokeKeys, hub_address};
use ballast_spoke::message::Payload;
use ballast_types::digest::ChainKind;
use ballast_types::{AssetId, ChainGenesis, ChainId, Change, Genesis, PriceReport, Sequence};
use ballast_units::{Amount, Millis, Price, Time};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// Why a lock on the counts is always had.
const COUNTING: &str = "nobody panics while counting";

/// Set-up takes less than this on every chain, a second a block.
const SETTING_UP: u64 = 3_600;

/// States that a node keeps, in blocks.
const HISTORY: u64 = 512;

/// Until vaults have carried out what they are told first, by LayerZero or after its patience.
const TELLING: Millis = Millis::minutes(2);

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

/// What stands behind the chains.
#[derive(Debug)]
pub(super) struct LocalWorld {
    maker: Maker,
    relay: Relay,
    feeds: Feeds,
    /// The asset that is each chain's own coin.
    coins: Vec<Option<AssetId>>,
    /// Tokens that gateways do not bridge yet: their vaults do not list them.
    unbridged: Vec<(ChainId, AssetId)>,
    counts: Arc<Mutex<Counts>>,
}

/// Makes chains.
#[derive(Debug)]
struct Maker {
    runtime: Arc<Runtime>,
    npm: Npm,
    scenario: Scenario,
    assets: Vec<String>,
    sites: Vec<(AssetId, ChainId, Price)>,
    bidders: Vec<PrivateKeySigner>,
    keepers: Vec<PrivateKeySigner>,
}

/// Chains and world.
pub(super) type Built = (Vec<LocalSpoke>, Box<dyn World<LocalSpoke>>);

/// Starts a node for every chain of the genesis, and tells the genesis where its vaults are.
pub(super) fn build(
    setup: Setup<'_>,
    genesis: &mut Genesis,
    counts: Arc<Mutex<Counts>>,
) -> anyhow::Result<Built> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let runtime = Arc::new(runtime);
    let maker = Maker::new(Arc::clone(&runtime), setup, genesis)?;
    let start = genesis.time.millis() / 1_000;
    let plan = |(place, chain)| maker.plan(place, chain, setup.validators, start);
    let plans = (0_u16..).zip(&genesis.chains).map(plan);
    let plans: Vec<LocalPlan> = plans.collect();
    let chains = runtime.block_on(async {
        let mut starting = Vec::new();
        for plan in plans {
            let npm = maker.npm.clone();
            starting.push(tokio::spawn(async move { LocalChain::start(&npm, plan).await }));
        }
        let mut chains = Vec::new();
        for one in starting {
            chains.push(maker.furnished(one.await??).await?);
        }
        for (place, chain) in chains.iter().enumerate() {
            for other in &chains[place + 1..] {
                chain.open_paths(other).await?;
                other.open_paths(chain).await?;
            }
        }
        anyhow::Ok(chains)
    })?;
    let unbridged = chains.iter().flat_map(unbridged).collect();
    let spokes = chains.into_iter().map(|chain| maker.spoke(chain, start));
    let spokes = spokes.collect::<anyhow::Result<Vec<_>>>()?;
    for (chain, spoke) in genesis.chains.iter_mut().zip(&spokes) {
        (chain.domain, chain.kind) = (spoke.domain(), ChainKind::Evm);
    }
    let way = setup.scenario.order_way;
    let world = LocalWorld {
        relay: Relay::new(Arc::clone(&runtime), &spokes, way.patience)?,
        feeds: Feeds::new(runtime, &maker.sites, &spokes, genesis.oracle.max_age)?,
        coins: genesis.chains.iter().map(|chain| maker.coin(&chain.name)).collect(),
        maker,
        unbridged,
        counts,
    };
    Ok((spokes, Box::new(world)))
}

fn unbridged(chain: &LocalChain) -> Vec<(ChainId, AssetId)> {
    chain.bridged().map(|asset| (chain.deployment.chain, asset)).collect()
}

impl Maker {
    fn new(runtime: Arc<Runtime>, setup: Setup<'_>, genesis: &Genesis) -> anyhow::Result<Self> {
        let scenario = setup.scenario.clone();
        let bidders = usize::try_from(scenario.bidders.number).unwrap_or(1);
        Ok(Self {
            runtime,
            npm: Npm::find()?,
            assets: genesis.assets.iter().map(|asset| asset.symbol.clone()).collect(),
            sites: feeds::sites(genesis),
            bidders: (0..bidders).map(|number| dev_key("bidder", number)).collect(),
            keepers: (0..scenario.keepers.number).map(keeper_wallet).collect(),
            scenario,
        })
    }

    /// A node, its chain's tokens, and who may order. `start`: when the hub first looks, seconds.
    fn plan(&self, place: u16, chain: &ChainGenesis, validators: &ValidatorSet, start: u64) -> LocalPlan {
        let (chain_id, eid) = numbers(&chain.name, place);
        let seconds = (chain.block_time.get() / 1_000).max(1);
        // Bridged collateral waits for what the node calls final: two of its epochs.
        let epoch = self.scenario.chain_terms(&chain.name).final_depth.div_ceil(2).max(1);
        let node = NodeConfig::new(&chain.name, chain_id, seconds, start - SETTING_UP);
        let node = NodeConfig { epoch, history: HISTORY, ..node };
        let tokens = chain.tokens.iter().map(|token| {
            let asset = self.asset(&token.asset).unwrap_or_default();
            let digits = token.params.unit.wei().checked_ilog10().unwrap_or_default();
            // ETH is what thin chains send to the first one.
            let kind = if token.asset == "ETH" { TokenKind::Bridged } else { TokenKind::Plain };
            let feed = self.sites.iter().find(|(priced, at, _)| (*priced, at.0) == (asset, place));
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
            signers: validators.signers().to_vec(),
            epoch: validators.epoch(),
            tokens: tokens.collect(),
            safe_owners: (0..OWNERS).map(|number| dev_key("safe owner", number).address()).collect(),
        }
    }

    /// A chain on which everybody has what he pays with.
    async fn furnished(&self, mut chain: LocalChain) -> anyhow::Result<LocalChain> {
        chain.hurry_orders(self.scenario.order_way.confirmations);
        furnish(&chain, &self.bidders, &self.keepers).await?;
        Ok(chain)
    }

    /// The chain as a spoke, from its block of `start` on.
    fn spoke(&self, chain: LocalChain, start: u64) -> anyhow::Result<LocalSpoke> {
        let terms = self.scenario.chain_terms(&chain.deployment.name);
        let block = self.runtime.block_on(async {
            let seconds = chain.node.config().block_time;
            chain.node.ask("anvil_setBlockTimestampInterval", serde_json::json!([seconds])).await?;
            chain.node.set_automine(false).await?;
            chain.node.mine_at(start).await?;
            chain.node.head().await
        })?;
        let mut config = chain.spoke_config(Price::ONE);
        config.watch.finality = Finality::Depth { safe: terms.safe_depth, final_: terms.final_depth };
        let others = self.bidders.iter().chain(&self.keepers).cloned().collect();
        let keys = SpokeKeys { courier: dev_key("courier", 0), others };
        let resume = Resume { block, sequence: Sequence(0), seen: Vec::new(), vaults: Vec::new() };
        let inner = EvmSpoke::new(config, keys, Some(resume))?;
        let wallets = self.bidders.iter().map(|key| hub_address(key.address())).collect();
        Ok(LocalSpoke::new(Arc::clone(&self.runtime), chain, inner, start, wallets))
    }

    fn asset(&self, symbol: &str) -> Option<AssetId> {
        let at = self.assets.iter().position(|asset| asset == symbol)?;
        u16::try_from(at).ok().map(AssetId)
    }

    /// What gas is paid in.
    fn coin(&self, chain: &str) -> Option<AssetId> {
        self.asset(match chain {
            "polygon" => "MATIC",
            "bsc" => "BNB",
            _ => "ETH",
        })
    }
}

fn decimals(zeros: u32) -> u8 {
    u8::try_from(18_u32.saturating_sub(zeros)).unwrap_or(18)
}

/// Fills purses: of whoever deposits with every token, of bidders with coin, of keepers with gas.
async fn furnish(
    chain: &LocalChain,
    bidders: &[PrivateKeySigner],
    keepers: &[PrivateKeySigner],
) -> anyhow::Result<()> {
    chain.node.ask("anvil_setBlockTimestampInterval", serde_json::json!([1])).await?;
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
    Ok(())
}

impl World<LocalSpoke> for LocalWorld {
    fn turn(&mut self, chains: &mut [LocalSpoke], _: Time) {
        self.unbridged.retain(|(chain, asset)| {
            let local = chains[usize::from(chain.0)].local();
            // Refused until the vault lists the token.
            self.maker.runtime.block_on(local.bridge_on(*asset)).is_err()
        });
    }

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

    fn introduction(&self, chain: &LocalSpoke, state: &State) -> Vec<Change> {
        chain.local().introduction(state, OUTFLOW, Millis::hours(1))
    }

    fn telling(&self) -> Millis {
        TELLING
    }

    fn join(
        &mut self,
        chains: &mut [LocalSpoke],
        genesis: &mut ChainGenesis,
        validators: &ValidatorSet,
        now: Time,
    ) -> Result<LocalSpoke, String> {
        let mut begin = || {
            let start = now.millis() / 1_000;
            let place = u16::try_from(chains.len())?;
            let plan = self.maker.plan(place, genesis, validators, start);
            let chain = self.maker.runtime.block_on(async {
                let chain = LocalChain::start(&self.maker.npm, plan).await?;
                self.maker.furnished(chain).await
            })?;
            for other in chains.iter_mut() {
                other.open_paths(&chain)?;
            }
            self.unbridged.extend(unbridged(&chain));
            let spoke = self.maker.spoke(chain, start)?;
            self.relay.join(&spoke)?;
            self.coins.push(self.maker.coin(&genesis.name));
            anyhow::Ok(spoke)
        };
        let spoke = begin().map_err(|error| format!("{} does not start: {error:#}", genesis.name))?;
        (genesis.domain, genesis.kind) = (spoke.domain(), ChainKind::Evm);
        Ok(spoke)
    }

    fn reorgs(&self) -> u64 {
        0
    }
}
