//! A small world for tests: chains with the same validators, and a hub that is nothing but their keys.

use alloy::primitives::Address;
use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::evm::kit::{LocalChain, LocalPlan, NodeConfig, TokenKind, TokenPlan, dev_key};
use ballast_spoke::evm::layerzero::{Packet, Worker};
use ballast_spoke::evm::{Endpoints, Finality, Npm, OWNERS, Resume, WatchConfig, Watcher};
use ballast_spoke::message::Payload;
use ballast_types::{
    AssetId, Auction, ChainId, Nonce, Observation, Order, OrderAction, Owner, ReleaseReason, Sequence,
    VaultEvent,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};

pub(crate) const USD: AssetId = AssetId(0);
pub(crate) const ETH: AssetId = AssetId(1);
pub(crate) const WCOIN: AssetId = AssetId(2);

/// 19 May 2021, 12:30 UTC.
pub(crate) const START: u64 = 1_621_427_400;

pub(crate) const ETHEREUM: ChainId = ChainId(0);
pub(crate) const POLYGON: ChainId = ChainId(1);

pub(crate) fn validators() -> Vec<Key> {
    (0..4).map(|number| Key::from_label(&format!("validator {number}"))).collect()
}

pub(crate) fn safe_owners() -> Vec<Address> {
    (0..OWNERS).map(|number| dev_key("safe owner", number).address()).collect()
}

pub(crate) fn config(chain: ChainId) -> NodeConfig {
    match chain {
        ETHEREUM => NodeConfig::new("ethereum", 1, 12, START),
        POLYGON => NodeConfig::new("polygon", 137, 2, START),
        other => NodeConfig::new("another", 10_000 + u64::from(other.0), 2, START),
    }
}

pub(crate) fn plan(chain: ChainId) -> LocalPlan {
    let token = |asset, symbol: &str, decimals, kind, price| TokenPlan {
        asset,
        symbol: symbol.to_owned(),
        decimals,
        kind,
        price,
    };
    LocalPlan {
        node: config(chain),
        chain,
        eid: Some(30_101 + u32::from(chain.0)),
        signers: ValidatorSet::of(1, &validators()).unwrap().signers().to_vec(),
        epoch: 1,
        tokens: vec![
            token(USD, "USDC", 6, TokenKind::Plain, None),
            token(ETH, "ETH", 18, TokenKind::Bridged, Some(Price::whole(2_500))),
            token(WCOIN, "WCOIN", 18, TokenKind::Wrapped, None),
        ],
        safe_owners: Vec::new(),
    }
}

/// A chain whose vault lists all its tokens, and the next nonce of an order to it.
pub(crate) struct World {
    pub(crate) chain: LocalChain,
    pub(crate) nonce: u64,
    pub(crate) keys: Vec<Key>,
    pub(crate) epoch: u32,
}

impl World {
    pub(crate) async fn start(plan: LocalPlan) -> Self {
        let chain = LocalChain::start(&Npm::find().unwrap(), plan).await.unwrap();
        let mut world = Self { chain, nonce: 0, keys: validators(), epoch: 1 };
        let actions = world.chain.listing(Amount::whole(1_000_000_000), Millis::seconds(3_600));
        world.order(actions).await;
        world
    }

    /// Signs a batch; it expires in a day of the chain.
    pub(crate) async fn payload(&mut self, actions: Vec<OrderAction>) -> Payload {
        let expires = self.chain.time().await.unwrap().after(Millis::seconds(86_400));
        self.payload_until(actions, expires)
    }

    pub(crate) fn payload_until(&mut self, actions: Vec<OrderAction>, expires: Time) -> Payload {
        let chain = self.chain.deployment.chain;
        let orders = actions.into_iter().map(|action| {
            self.nonce += 1;
            Order { chain, nonce: Nonce(self.nonce), expires, action }
        });
        let orders = orders.collect();
        let quorum = &self.keys[..self.keys.len() * 2 / 3 + 1];
        Payload::sign(self.chain.deployment.domain(), chain, self.epoch, orders, quorum).unwrap()
    }

    /// Signs a batch and carries it to the vault.
    pub(crate) async fn order(&mut self, actions: Vec<OrderAction>) {
        let payload = self.payload(actions).await;
        self.chain.carry(&payload).await.unwrap();
    }

    pub(crate) fn watcher(&self) -> Watcher {
        self.watcher_through(vec![self.chain.node.url().to_owned()], true)
    }

    pub(crate) fn watcher_from(&self, point: Resume) -> Watcher {
        self.watch(vec![self.chain.node.url().to_owned()], true, Some(point))
    }

    pub(crate) fn watcher_through(&self, urls: Vec<String>, own_node: bool) -> Watcher {
        self.watch(urls, own_node, None)
    }

    fn watch(&self, urls: Vec<String>, own_node: bool, resume: Option<Resume>) -> Watcher {
        let deployment = &self.chain.deployment;
        let config = WatchConfig {
            chain: deployment.chain,
            vault: deployment.vault,
            first_block: deployment.first_block,
            finality: Finality::Tags,
            proofs: true,
            own_node,
            range: 32,
        };
        Watcher::new(config, Endpoints::new(deployment.chain_id, &urls).unwrap(), resume)
    }

    /// Blocks until everything that has happened is final.
    pub(crate) async fn finalise(&self) {
        self.chain.node.mine(2 * self.chain.node.config().epoch).await.unwrap();
    }
}

/// Turns until so many messages of this kind were delivered, or nothing more comes: a node takes a moment to mine what a
/// turn has sent. How many there were.
pub(crate) async fn carried(worker: &mut Worker, want: usize, is_it: impl Fn(&Packet) -> bool) -> usize {
    let mut count = 0;
    for _ in 0..500 {
        count += worker.turn().await.unwrap().iter().filter(|packet| is_it(packet)).count();
        if want <= count {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    count
}

pub(crate) fn owner(number: u8) -> Owner {
    Owner { address: ballast_types::Address([number; 32]), subaccount: 0 }
}

/// `quantity` ETH from 2,750 down to 2,000, times 0.95 every 10 s, 3 minutes and one of invitation.
pub(crate) fn terms(opened: Time, quantity: Amount, need: Amount) -> Auction {
    Auction {
        quantity,
        opened,
        start: Price::whole(2_750),
        floor: Price::whole(2_000),
        step_factor: Ratio::percent(95),
        step: Millis::seconds(10),
        invites: opened.after(Millis::seconds(180)),
        ends: opened.after(Millis::seconds(240)),
        need,
        dust: Amount::whole(1),
        rebate: Bps::new(50),
    }
}

/// Events seen, with their numbers.
pub(crate) fn seen(observations: &[Observation]) -> Vec<(u64, VaultEvent)> {
    observations
        .iter()
        .filter_map(|observation| match observation {
            Observation::Seen { sequence, event, .. } => Some((sequence.0, *event)),
            Observation::Final { .. } | Observation::Dropped { .. } => None,
        })
        .collect()
}

/// The first number of each drop.
pub(crate) fn dropped(observations: &[Observation]) -> Vec<Sequence> {
    observations
        .iter()
        .filter_map(|observation| match observation {
            Observation::Dropped { sequence, .. } => Some(*sequence),
            Observation::Final { .. } | Observation::Seen { .. } => None,
        })
        .collect()
}

/// A withdrawal of ETH.
pub(crate) fn release(to: ballast_types::Address, amount: Amount) -> OrderAction {
    OrderAction::Release { reason: ReleaseReason::Withdrawal, to, asset: ETH, amount }
}
