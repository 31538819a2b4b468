//! The hub of the house: the engine, its chains, and the chain of its attestations.
//!
//! - It has its vaults list their tokens, by governance: nobody else gives an order.
//! - Prices are what the chains' feeds say; orders are signed by three of four validators.
//! - Three members of the attestation chain, who are no validators, apply every block themselves and sign the roots that
//!   they get.
//! - [`House::settle`] makes everything final and holds the chains to the ledger: to the wei, chain by chain and token by
//!   token, by the vaults' books, by their tokens, and by what the Safe has.

use super::genesis::*;
use crate::support::*;
use alloy::eips::BlockId;
use ballast_engine::liabilities::Liabilities;
use ballast_engine::{Engine, Outcome, attest};
use ballast_spoke::certificate::Key;
use ballast_spoke::evm::kit::{AttestationChain, LocalChain, NodeConfig, dev_key};
use ballast_spoke::evm::layerzero::Worker;
use ballast_spoke::evm::{EvmSpoke, Feed, Npm, Place, SpokeKeys};
use ballast_spoke::message::{Payload, RootKind};
use ballast_spoke::{Carried, Done, Spoke};
use ballast_types::{
    Block, ChainId, Change, Command, Event, Genesis, Hash, Height, LedgerAccount, Money, Nonce, Observation,
    Order, SourceId, TaskId, Token, VaultEvent,
};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use tokio::runtime::Runtime;

/// What may leave of a token in an hour: more than there is.
const OUTFLOW: Amount = Amount::whole(1_000_000_000);

/// A chain, and the hub's way to it.
pub(super) struct Member {
    pub(super) chain: LocalChain,
    spoke: EvmSpoke,
}

/// The hub and its chains.
pub(super) struct House {
    pub(super) runtime: Runtime,
    pub(super) members: Vec<Member>,
    worker: Worker,
    attestation: AttestationChain,
    pub(super) engine: Engine,
    /// As the attestation chain's members have it.
    audited: Engine,
    now: Time,
    pub(super) eth: Price,
    /// Polygon's orders go by LayerZero from Ethereum, instead of by a keeper's transaction.
    pub(super) by_layerzero: bool,
    /// How each of Polygon's orders came there.
    pub(super) ways: Vec<(Nonce, &'static str)>,
    pub(super) events: Vec<Event>,
    /// What the hub was told, with the block that it stood in.
    pub(super) facts: Vec<(ChainId, Hash, VaultEvent)>,
    /// Roots that count by now.
    pub(super) attested: Vec<(RootKind, Height)>,
}

fn member(runtime: &Runtime, chain: LocalChain) -> Member {
    let courier = dev_key("keeper", 0);
    runtime.block_on(chain.node.fund(courier.address())).unwrap();
    let keys = SpokeKeys { courier, others: Vec::new() };
    let spoke = EvmSpoke::new(chain.spoke_config(Price::whole(2_500)), keys, None).unwrap();
    Member { chain, spoke }
}

impl House {
    /// Three chains whose vaults have been told everything by the hub.
    pub(super) fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// Likewise, from another genesis.
    pub(super) fn start_with(tweak: impl FnOnce(&mut Genesis)) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let auditors = ["foundation", "auditor", "exchange"].map(Key::from_label).to_vec();
        let (chains, attestation) = runtime.block_on(async {
            let (ethereum, polygon, bsc) = tokio::join!(
                start_chain(ETHEREUM, START),
                start_chain(POLYGON, START),
                start_chain(BSC, START)
            );
            let node = NodeConfig::new("attestation", 7_777, 2, START);
            let attestation = AttestationChain::start(&Npm::find().unwrap(), node, auditors).await;
            (vec![ethereum, polygon, bsc], attestation.unwrap())
        });
        let now = runtime.block_on(latest(&chains));
        let mut genesis = genesis(&chains, now);
        tweak(&mut genesis);
        let engine = Engine::new(&genesis).unwrap();
        let members = chains.into_iter().map(|chain| member(&runtime, chain)).collect();
        let mut house = Self {
            runtime,
            members,
            worker: Worker::new(Vec::new()),
            attestation,
            audited: engine.clone(),
            engine,
            now,
            eth: Price::whole(2_500),
            by_layerzero: false,
            ways: Vec::new(),
            events: Vec::new(),
            facts: Vec::new(),
            attested: Vec::new(),
        };
        let chains = house.members.iter().map(|member| &member.chain);
        let told = chains.flat_map(|chain| house.introduction(chain)).collect();
        house.block(told);
        house.settle();
        house.open_ways();
        house
    }

    fn introduction(&self, chain: &LocalChain) -> Vec<Command> {
        let changes = chain.introduction(self.engine.state(), OUTFLOW, Millis::seconds(3_600));
        changes.into_iter().map(Command::Govern).collect()
    }

    /// LayerZero's way between Ethereum and Polygon.
    fn open_ways(&mut self) {
        let (ethereum, polygon) = (self.chain(ETHEREUM), self.chain(POLYGON));
        let ends = self.runtime.block_on(async {
            ethereum.open_way(polygon).await.unwrap();
            polygon.open_way(ethereum).await.unwrap();
            vec![ethereum.worker().await.unwrap(), polygon.worker().await.unwrap()]
        });
        self.worker = Worker::new(ends);
    }

    /// One more chain, by configuration alone: its node, its contracts, its terms.
    pub(super) fn grow(&mut self) {
        let start = self.now.millis() / 1_000;
        let chain = self.runtime.block_on(start_chain(LAYER2, start));
        let params = Box::new(later(&chain));
        self.block(vec![Command::Govern(Change::AddChain { params })]);
        let told = self.introduction(&chain);
        self.members.push(member(&self.runtime, chain));
        self.block(told);
        self.settle();
    }

    pub(super) fn chain(&self, chain: ChainId) -> &LocalChain {
        &self.members[usize::from(chain.0)].chain
    }

    pub(super) fn ledger(&self, account: LedgerAccount) -> Amount {
        ballast_engine::ledger::balance(self.engine.state(), account, Money::Usd)
    }

    /// Everything on the chains becomes final, LayerZero carries what was sent, all clocks are the same, and every feed has a round of now.
    fn pass(&mut self) {
        let (members, worker, eth) = (&self.members, &mut self.worker, self.eth);
        self.now = self.runtime.block_on(async {
            for member in members {
                let node = &member.chain.node;
                node.mine(2 * node.config().epoch).await.unwrap();
            }
            // What is final where it was sent arrives.
            worker.turn().await.unwrap();
            let mut most = 0;
            for member in members {
                most = most.max(member.chain.node.time().await.unwrap());
            }
            for Member { chain, .. } in members {
                if chain.node.time().await.unwrap() < most {
                    chain.node.mine_at(most).await.unwrap();
                }
                chain.set_price(USD, Price::ONE).await.unwrap();
                chain.set_price(ETH, eth).await.unwrap();
            }
            let mut most = Time::default();
            for member in members {
                most = most.max(member.chain.time().await.unwrap());
            }
            most
        });
    }

    /// The next block: what the chains tell and their feeds say, and these commands. Its orders go to their chains, its
    /// roots to the attestation chain.
    pub(super) fn block(&mut self, commands: Vec<Command>) -> Outcome {
        self.pass();
        let height = Height(self.engine.state().house.height.0 + 1);
        let seed = Hash([height.0.to_be_bytes()[7]; 32]);
        let mut block = Block { height, time: self.now, seed, commands, ..Block::default() };
        for member in &mut self.members {
            block.observations.extend(member.spoke.advance(self.now).unwrap());
        }
        for (source, Member { chain, .. }) in (0..).zip(&self.members) {
            for asset in [USD, ETH] {
                let feed = Feed {
                    asset,
                    source: SourceId(source),
                    aggregator: chain.deployment.token(asset).unwrap().feed.unwrap(),
                    age_most: Millis::seconds(3_900),
                    jump_most: Ratio::percent(30),
                    deviation: Ratio::bps(50),
                };
                let read = feed.read(chain.node.provider(), BlockId::latest(), self.now);
                block.prices.push(self.runtime.block_on(read).unwrap());
            }
        }
        self.facts.extend(block.observations.iter().filter_map(|told| match told {
            Observation::Seen { chain, version, event, .. } => Some((*chain, *version, *event)),
            Observation::Final { .. } | Observation::Dropped { .. } => None,
        }));
        let mut out = Outcome::default();
        self.engine.apply(&block, &mut out);
        assert_eq!(out.rejects, []);
        self.events.extend(out.events.iter().cloned());
        self.attest(&block, &out);
        for chain in (0..).map(ChainId).take(self.members.len()) {
            let orders: Vec<Order> =
                out.orders.iter().filter(|order| order.chain == chain).cloned().collect();
            if !orders.is_empty() {
                self.send(chain, orders);
            }
        }
        out
    }

    /// The members apply the block themselves, and sign what they find; anybody reads it, and proves a task by it.
    fn attest(&mut self, block: &Block, hub: &Outcome) {
        let mut own = Outcome::default();
        self.audited.apply(block, &mut own);
        let found =
            [(RootKind::H0, &own.before, hub.roots.before), (RootKind::H1, &own.after, hub.roots.after)];
        for (kind, hashes, told) in found {
            if hashes.is_empty() {
                assert_eq!(told, Hash::default());
                continue;
            }
            self.post(kind, block.height, attest::root(hashes), told);
            let [(task, hash)] = hashes[..] else { continue };
            assert!(self.is_under(kind, block.height, task, hash), "{kind:?} of task {task}");
        }
    }

    /// What the house owes, as its members see it.
    pub(super) fn attest_liabilities(&mut self) -> Liabilities {
        let height = self.audited.state().house.height;
        let told = Liabilities::of(self.engine.state());
        let found = Liabilities::of(self.audited.state());
        self.post(RootKind::Liabilities, height, found.root, told.root);
        told
    }

    fn post(&mut self, kind: RootKind, height: Height, root: Hash, told: Hash) {
        let chain = &self.attestation;
        let read = self.runtime.block_on(async {
            chain.attest(kind, height, root).await.unwrap();
            chain.site.root(chain.node.provider(), kind, height).await.unwrap()
        });
        assert_eq!(read.map(|attested| attested.root), Some(told), "{kind:?} at {height}");
        self.attested.push((kind, height));
    }

    /// Of a root over one task.
    fn is_under(&self, kind: RootKind, height: Height, task: TaskId, hash: Hash) -> bool {
        let chain = &self.attestation;
        let place = Place { index: 0, count: 1, proof: Vec::new() };
        let held = chain.site.holds(chain.node.provider(), (kind, height), (task, hash), &place);
        self.runtime.block_on(held).unwrap()
    }

    /// Signs a batch and has it carried: once by LayerZero, otherwise by a keeper's transaction.
    fn send(&mut self, chain: ChainId, orders: Vec<Order>) {
        let nonces: Vec<Nonce> = orders.iter().map(|order| order.nonce).collect();
        let domain = self.chain(chain).deployment.domain();
        let payload = Payload::sign(domain, chain, 1, orders, &validators()[..3]).unwrap();
        let by_layerzero = self.by_layerzero && chain == POLYGON;
        if by_layerzero {
            self.send_by_layerzero(&payload);
        } else {
            self.send_by_keeper(chain, &payload, &nonces);
        }
        if chain == POLYGON {
            let way = if by_layerzero { "LayerZero" } else { "keeper" };
            self.ways.extend(nonces.into_iter().map(|nonce| (nonce, way)));
        }
    }

    fn send_by_layerzero(&mut self, payload: &Payload) {
        let (home, away, worker) = (&self.members[0].chain, &self.members[1].chain, &mut self.worker);
        let carried = self.runtime.block_on(async {
            home.send(away, payload).await.unwrap();
            assert_eq!(worker.turn().await.unwrap().len(), 0, "not final at home");
            home.node.mine(2 * home.node.config().epoch).await.unwrap();
            carried(worker, 1, |_| true).await
        });
        let refused: Vec<_> = self.worker.messages().filter_map(|(_, told)| told.refusal.clone()).collect();
        assert_eq!((carried, refused), (1, Vec::new()));
    }

    fn send_by_keeper(&mut self, chain: ChainId, payload: &Payload, nonces: &[Nonce]) {
        let spoke = &mut self.members[usize::from(chain.0)].spoke;
        spoke.deliver(payload).unwrap();
        let mut receipts = spoke.receipts().unwrap();
        // A node takes a moment to mine what it was given.
        for _ in 0..500 {
            if !receipts.is_empty() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
            receipts = spoke.receipts().unwrap();
        }
        let done: Vec<_> = nonces.iter().map(|nonce| (*nonce, Ok(Carried::Executed))).collect();
        assert_eq!(receipts.len(), 1);
        assert_eq!(receipts[0].result, Ok(Done::Delivered(done)));
    }

    /// Blocks until no order is open, and then the chains hold what the ledger says.
    pub(super) fn settle(&mut self) {
        self.block(Vec::new());
        for _ in 0..4 {
            if self.engine.state().orders.iter().next().is_none() {
                break;
            }
            self.block(Vec::new());
        }
        assert_eq!(self.engine.state().orders.len(), 0, "every order is final");
        self.compare();
    }

    /// Chain by chain and token by token, to the wei; and the Safe has what is cold.
    pub(super) fn compare(&self) {
        for Member { chain, spoke } in &self.members {
            let id = chain.deployment.chain;
            let head = spoke.heads().unwrap().head.number;
            let block = spoke.block_hash(head).unwrap().unwrap();
            for held in spoke.holdings(block).unwrap().assets {
                let token = Token { asset: held.asset, chain: id };
                let ledger = self.engine.state().house.money.token_total(token);
                assert_eq!((held.booked, held.balance), (ledger, ledger), "{token:?}");
            }
            if let Some(safe) = chain.deployment.safe {
                let has = self.runtime.block_on(chain.balance(USD, safe.safe)).unwrap();
                assert_eq!(has, self.ledger(LedgerAccount::Cold(id)), "the Safe of chain {id}");
            }
        }
    }
}

async fn latest(chains: &[LocalChain]) -> Time {
    let mut most = Time::default();
    for chain in chains {
        most = most.max(chain.time().await.unwrap());
    }
    most
}
