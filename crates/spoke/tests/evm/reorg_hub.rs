//! Reorgs of a real node under the engine: 1, 3 and 40 blocks, during a deposit, an auction and a release.
//!
//! - One chain. The hub sees what happens at the chain's head, so that even one dropped block takes back what it was told;
//!   final is what lies under 64 blocks.
//! - After each: the frozen account is seen where one has to be, whoever lost something sends it again, everything
//!   becomes final, and the engine's books are the vault's, to the wei.

use crate::house::genesis::market;
use crate::support::*;
use alloy::signers::local::PrivateKeySigner;
use ballast_engine::{Engine, Outcome};
use ballast_spoke::evm::kit::{LocalChain, NodeConfig, TokenKind, TokenPlan, dev_key};
use ballast_spoke::evm::{EvmSpoke, Finality, Npm, SpokeKeys, hub_address};
use ballast_spoke::message::Payload;
use ballast_spoke::{Done, Spoke};
use ballast_types::digest::ChainKind;
use ballast_types::{
    AccountId, AssetGenesis, AssetId, Block, ChainGenesis, ChainId, ChainTier, Command, Event, Genesis,
    Height, Layer, LedgerAccount, LotId, MarketId, Money, Order, Owner, PriceReport, RateParams, Scope, Side,
    SourceId, Token, TokenGenesis, TokenParams, TradeAmount,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use tokio::runtime::Runtime;

const CHAIN: ChainId = ChainId(0);

/// Blocks under which one is final: more than any reorg here is deep.
const FINAL: u64 = 64;

fn whole(units: u64) -> Amount {
    Amount::whole(units)
}

fn person(name: &str) -> PrivateKeySigner {
    dev_key(name, 0)
}

fn owner_of(name: &str) -> Owner {
    Owner { address: hub_address(person(name).address()), subaccount: 0 }
}

/// The hub, and its one chain.
struct Hub {
    runtime: Runtime,
    chain: LocalChain,
    spoke: EvmSpoke,
    engine: Engine,
    eth: Price,
    events: Vec<Event>,
}

async fn start_chain() -> LocalChain {
    let mut plan = plan(CHAIN);
    plan.eid = None;
    plan.node = NodeConfig { history: 512, ..NodeConfig::new("polygon", 137, 2, START) };
    let token = |asset, symbol: &str, decimals| TokenPlan {
        asset,
        symbol: symbol.to_owned(),
        decimals,
        kind: TokenKind::Plain,
        price: None,
    };
    plan.tokens = vec![token(USD, "USDC", 6), token(ETH, "ETH", 18)];
    LocalChain::start(&Npm::find().unwrap(), plan).await.unwrap()
}

fn genesis(chain: &LocalChain, time: Time) -> Genesis {
    let token = |(asset, unit): (&str, u128)| TokenGenesis {
        asset: asset.to_owned(),
        params: TokenParams {
            threshold: Ratio::percent(120),
            threshold_initial: Ratio::percent(132),
            unit: Amount::from_wei(unit),
            ..TokenParams::default()
        },
    };
    Genesis {
        time,
        assets: [("USDC", true), ("ETH", false)]
            .map(|(symbol, stable)| AssetGenesis { symbol: symbol.to_owned(), stable })
            .to_vec(),
        chains: vec![ChainGenesis {
            name: "polygon".to_owned(),
            tier: ChainTier::Liquid,
            block_time: Millis::seconds(2),
            inclusion_p95: Millis::seconds(2),
            coin: "USDC".to_owned(),
            tokens: [("USDC", 10_u128.pow(12)), ("ETH", 1)].map(token).to_vec(),
            rate: RateParams { reserve_factor: Bps::ZERO, ..RateParams::default() },
            tranche_cap: whole(5_000_000),
            debt_min: Amount::ZERO,
            pending_cap: whole(1_000_000),
            auction: Default::default(),
            domain: chain.deployment.domain(),
            kind: ChainKind::Evm,
        }],
        markets: vec![market()],
        ..Genesis::default()
    }
}

impl Hub {
    /// A lender has lent 50,000 dollars, and given 400,000 to the chain's tranche, so that what is not final counts.
    fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let courier = dev_key("keeper", 0);
        let chain = runtime.block_on(async {
            let chain = start_chain().await;
            chain.node.fund(courier.address()).await.unwrap();
            chain
        });
        let time = runtime.block_on(chain.time()).unwrap();
        let mut config = chain.spoke_config(Price::whole(2_500));
        config.watch.finality = Finality::Depth { safe: 0, final_: FINAL };
        let spoke = EvmSpoke::new(config, SpokeKeys { courier, others: Vec::new() }, None).unwrap();
        let engine = Engine::new(&genesis(&chain, time)).unwrap();
        let mut hub = Self { runtime, chain, spoke, engine, eth: Price::whole(2_500), events: Vec::new() };
        let window = Millis::seconds(3_600);
        let told = hub.chain.introduction(hub.engine.state(), whole(1_000_000_000), window);
        hub.block(told.into_iter().map(Command::Govern).collect());
        hub.deposit("lender", USD, whole(500_000));
        hub.settle();
        let account = hub.account("lender");
        let layer = Layer::Tranche(Scope::Chain(CHAIN));
        hub.block(vec![
            Command::Lend { account, chain: CHAIN, amount: whole(50_000) },
            Command::Contribute { account, layer, amount: whole(400_000) },
        ]);
        hub
    }

    fn now(&self) -> Time {
        self.runtime.block_on(self.chain.time()).unwrap()
    }

    fn account(&self, name: &str) -> AccountId {
        self.engine.state().account_of(owner_of(name)).expect("it has deposited")
    }

    fn is_frozen(&self, name: &str) -> bool {
        self.engine.state().accounts.get(self.account(name)).task.is_some()
    }

    fn holds(&self, name: &str) -> Amount {
        let record = self.engine.state().accounts.get(self.account(name));
        let token = Token { asset: ETH, chain: CHAIN };
        record.balances.collateral(token) + record.balances.pending(token)
    }

    fn saw(&self, of: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(of)
    }

    fn mine(&self, blocks: u64) {
        self.runtime.block_on(self.chain.node.mine(blocks)).unwrap();
    }

    fn reorg(&self, depth: u64) {
        self.runtime.block_on(self.chain.node.reorg(depth)).unwrap();
    }

    fn deposit(&self, name: &str, asset: AssetId, amount: Amount) {
        self.runtime.block_on(self.chain.deposit(&person(name), owner_of(name), asset, amount)).unwrap();
    }

    fn wallet(&self, asset: AssetId, name: &str) -> Amount {
        self.runtime.block_on(self.chain.balance(asset, person(name).address())).unwrap()
    }

    /// The next block of the hub: what the chain's head tells, three equal prices, these commands. Its orders are carried
    /// out in blocks of the chain right after it.
    fn block(&mut self, commands: Vec<Command>) -> Outcome {
        let time = self.now();
        let height = Height(self.engine.state().house.height.0 + 1);
        let observations = self.spoke.advance(time).unwrap();
        let prices = [(USD, Price::ONE), (ETH, self.eth)].into_iter().flat_map(|(asset, price)| {
            (0..3).map(SourceId).map(move |source| PriceReport {
                asset,
                source,
                price,
                confidence: Ratio::ZERO,
                time,
            })
        });
        let prices = prices.collect();
        let block = Block { height, time, observations, prices, commands, ..Block::default() };
        let mut out = Outcome::default();
        self.engine.apply(&block, &mut out);
        assert_eq!(out.rejects, []);
        self.events.extend(out.events.iter().cloned());
        if !out.orders.is_empty() {
            self.deliver(out.orders.clone());
        }
        out
    }

    fn deliver(&mut self, orders: Vec<Order>) {
        let domain = self.chain.deployment.domain();
        let payload = Payload::sign(domain, CHAIN, 1, orders, &validators()[..3]).unwrap();
        let tx = self.spoke.deliver(&payload).unwrap();
        // A node takes a moment to mine what it was given.
        for _ in 0..500 {
            let receipts = self.spoke.receipts().unwrap();
            if receipts
                .iter()
                .any(|receipt| receipt.tx == tx && matches!(receipt.result, Ok(Done::Delivered(_))))
            {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the payload does not arrive");
    }

    /// Everything becomes final, and then the vault holds what the ledger says.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.mine(FINAL + 1);
            self.block(Vec::new());
        }
        assert_eq!(self.engine.state().orders.len(), 0, "every order is final");
        let head = self.spoke.heads().unwrap().head.number;
        let block = self.spoke.block_hash(head).unwrap().unwrap();
        for held in self.spoke.holdings(block).unwrap().assets {
            let token = Token { asset: held.asset, chain: CHAIN };
            let ledger = self.engine.state().house.money.token_total(token);
            assert_eq!((held.booked, held.balance), (ledger, ledger), "{token:?}");
        }
    }
}

/// Alice's position stands on a deposit that the chain drops: she is frozen, and liquidated with what is left.
fn during_a_deposit(depth: u64) {
    let mut hub = Hub::start();
    hub.deposit("alice", USD, whole(20));
    hub.settle();
    hub.deposit("alice", ETH, whole(4));
    hub.block(Vec::new());
    assert_eq!(hub.holds("alice"), whole(4));
    let (account, market) = (hub.account("alice"), MarketId(0));
    let amount = TradeAmount::Quote(whole(1_000));
    hub.block(vec![Command::Trade {
        account,
        market,
        side: Side::Long,
        amount,
        limit: None,
        reduce_only: false,
    }]);
    hub.mine(depth - 1);
    hub.block(Vec::new());
    assert!(!hub.is_frozen("alice"));

    hub.reorg(depth);
    let out = hub.block(Vec::new());
    let dropped =
        |event: &Event| matches!(event, Event::DepositDropped { account: of, .. } if *of == account);
    let frozen = |event: &Event| matches!(event, Event::AccountLocked { account: of, .. } if *of == account);
    assert!(out.events.iter().any(dropped) && out.events.iter().any(frozen), "{:?}", out.events);
    assert_eq!(hub.holds("alice"), Amount::ZERO);

    // She sends it again: it is hers once.
    hub.deposit("alice", ETH, whole(4));
    hub.settle();
    assert!(!hub.is_frozen("alice"));
    assert_eq!(hub.holds("alice"), whole(4));
}

/// A take, and in the deepest reorg the auction's start too, are dropped: the task goes back, its account stays frozen, and what is
/// sold in the new branch is what counts.
fn during_an_auction(depth: u64) {
    let mut hub = Hub::start();
    hub.deposit("alice", ETH, whole(10));
    hub.settle();
    let (account, address) = (hub.account("alice"), owner_of("alice").address);
    hub.block(vec![
        Command::RegisterAddress { account, chain: CHAIN, address },
        Command::Borrow { account, chain: CHAIN, amount: whole(15_000) },
    ]);
    hub.settle();
    hub.eth = Price::whole(1_680);
    let out = hub.block(Vec::new());
    let offered = |event: &Event| match event {
        Event::LotOffered { lot, .. } => Some(*lot),
        _ => None,
    };
    let lot: LotId = out.events.iter().find_map(offered).expect("14,000 against 15,000");
    // A take is three blocks: the bidder gets coin, approves, takes. The start is the one before them, and the last that a
    // reorg of forty drops; shallower ones drop the take.
    take(&hub, lot, whole(2));
    hub.mine(depth.saturating_sub(4));
    hub.block(Vec::new());
    let taken = |event: &Event| matches!(event, Event::LotTaken { .. });
    assert!(hub.saw(taken) && hub.is_frozen("alice"));

    hub.reorg(depth);
    let out = hub.block(Vec::new());
    let back = |event: &Event| matches!(event, Event::TaskRolledBack { .. });
    assert!(out.events.iter().any(back), "{:?}", out.events);
    let start_lost = out.events.iter().any(|event| matches!(event, Event::OrderResent { .. }));
    assert_eq!(start_lost, depth == 40, "{:?}", out.events);
    assert!(hub.is_frozen("alice"));
    assert_eq!(hub.wallet(ETH, "bidder"), Amount::ZERO);

    // Whatever was lost was put out again. Somebody else takes all.
    hub.block(Vec::new());
    take(&hub, lot, whole(10));
    hub.settle();
    assert!(!hub.is_frozen("alice"));
    assert!(hub.saw(|event| matches!(event, Event::TaskClosed { account: of, .. } if *of == account)));
    assert!(!hub.saw(|event| matches!(event, Event::TaskDisputed { .. })));
}

fn take(hub: &Hub, lot: LotId, quantity: Amount) {
    let bidder = person("bidder");
    let take = hub.chain.take(&bidder, lot, quantity, Price::whole(3_000));
    hub.runtime.block_on(take).unwrap();
}

/// A withdrawal's payment is dropped: it is ordered again, and paid once.
fn during_a_release(depth: u64) {
    let mut hub = Hub::start();
    hub.deposit("alice", USD, whole(500));
    hub.settle();
    let (account, address) = (hub.account("alice"), owner_of("alice").address);
    let token = Token { asset: USD, chain: CHAIN };
    let before = hub.wallet(USD, "alice");
    hub.block(vec![
        Command::RegisterAddress { account, chain: CHAIN, address },
        Command::RequestWithdrawal { account, token, amount: whole(100) },
    ]);
    hub.mine(depth - 1);
    hub.block(Vec::new());
    assert_eq!(hub.wallet(USD, "alice"), before + whole(100));

    hub.reorg(depth);
    assert_eq!(hub.wallet(USD, "alice"), before);
    let out = hub.block(Vec::new());
    let again = |event: &Event| matches!(event, Event::OrderResent { .. });
    assert!(out.events.iter().any(again), "{:?}", out.events);
    hub.settle();
    assert_eq!(hub.wallet(USD, "alice"), before + whole(100));
    let cash = ballast_engine::ledger::balance(hub.engine.state(), LedgerAccount::Cash(account), Money::Usd);
    assert_eq!(cash, whole(400));
}

#[test]
fn a_reorg_of_one_block_during_a_deposit() {
    during_a_deposit(1);
}

#[test]
fn a_reorg_of_three_blocks_during_a_deposit() {
    during_a_deposit(3);
}

#[test]
fn a_reorg_of_forty_blocks_during_a_deposit() {
    during_a_deposit(40);
}

#[test]
fn a_reorg_of_one_block_during_an_auction() {
    during_an_auction(1);
}

#[test]
fn a_reorg_of_three_blocks_during_an_auction() {
    during_an_auction(3);
}

#[test]
fn a_reorg_of_forty_blocks_during_an_auction() {
    during_an_auction(40);
}

#[test]
fn a_reorg_of_one_block_during_a_release() {
    during_a_release(1);
}

#[test]
fn a_reorg_of_three_blocks_during_a_release() {
    during_a_release(3);
}

#[test]
fn a_reorg_of_forty_blocks_during_a_release() {
    during_a_release(40);
}
