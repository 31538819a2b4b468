//! The whole house over real chains: the engine as the hub of Ethereum, Polygon and BSC, from deposits to the reserve's Safe.
//!
//! - The hub starts when the vaults are set up: what they told before (tokens, limits) is not its own, and their numbers
//!   count for it from there.
//! - Prices are what three chains' feeds say; orders are signed by three of four validators.
//! - [`House::settle`] makes everything final and holds the chains to the ledger: to the wei, chain by chain and token by
//!   token, by the vaults' books and by their tokens.

use crate::support::*;
use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, U256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolValue;
use ballast_engine::{Engine, Outcome};
use ballast_spoke::evm::bindings::mock_taker::MockTaker;
use ballast_spoke::evm::kit::{LocalChain, NodeConfig, TokenKind, TokenPlan, dev_key};
use ballast_spoke::evm::layerzero::Worker;
use ballast_spoke::evm::{EvmSpoke, Feed, Npm, Proposal, SpokeKeys, deploy, execute, hub_address, recall};
use ballast_spoke::message::Payload;
use ballast_spoke::{Carried, Done, Spoke};
use ballast_types::digest::{result_start, result_take};
use ballast_types::{
    AccountId, AssetGenesis, AssetId, Block, ChainGenesis, ChainId, ChainTier, Command, Event, Genesis,
    Height, LedgerAccount, LotId, MarketGenesis, MarketId, MarketParams, Money, Nonce, Observation, Order,
    OrderAction, Owner, RateParams, ReleaseReason, Sequence, Side, SourceId, Token, TokenGenesis,
    TokenParams, TradeAmount, VaultEvent,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use tokio::runtime::Runtime;

const BSC: ChainId = ChainId(2);
const NAMES: [&str; 3] = ["ethereum", "polygon", "bsc"];

/// A chain, and the hub's way to it.
struct Member {
    world: World,
    spoke: EvmSpoke,
    /// Facts that its vault told before the hub began.
    hidden: u64,
    /// The number of a later one that is not the hub's own.
    apart: Option<u64>,
}

/// The hub and its chains.
struct House {
    runtime: Runtime,
    members: Vec<Member>,
    worker: Worker,
    engine: Engine,
    now: Time,
    eth: Price,
    /// Polygon's orders go by LayerZero from Ethereum, instead of by a keeper's transaction.
    by_layerzero: bool,
    /// How each of Polygon's orders came there.
    ways: Vec<(Nonce, &'static str)>,
    events: Vec<Event>,
    facts: Vec<(ChainId, VaultEvent)>,
}

fn person(name: &str) -> PrivateKeySigner {
    dev_key(name, 0)
}

fn owner_of(name: &str) -> Owner {
    Owner { address: hub_address(person(name).address()), subaccount: 0 }
}

fn whole(units: u64) -> Amount {
    Amount::whole(units)
}

async fn start_chain(chain: ChainId) -> World {
    let mut plan = plan(chain);
    if chain == BSC {
        plan.node = NodeConfig::new("bsc", 56, 3, START);
    }
    if chain == POLYGON {
        plan.safe_owners = safe_owners();
    }
    let token = |asset, symbol: &str, decimals, kind, price| TokenPlan {
        asset,
        symbol: symbol.to_owned(),
        decimals,
        kind,
        price: Some(price),
    };
    plan.tokens = vec![
        token(USD, "USDC", 6, TokenKind::Plain, Price::ONE),
        token(ETH, "ETH", 18, TokenKind::Bridged, Price::whole(2_500)),
    ];
    let chain = LocalChain::start(&Npm::find().unwrap(), plan).await.unwrap();
    // Far from the numbers that the hub's own orders will have.
    let mut world = World { chain, nonce: 1 << 32, keys: validators(), epoch: 1 };
    let actions = world.chain.listing(whole(1_000_000_000), Millis::seconds(3_600));
    world.order(actions).await;
    world
}

fn genesis(worlds: &[World], time: Time) -> Genesis {
    let tokens = |threshold: i64| {
        [("USDC", 10_u128.pow(12)), ("ETH", 1)]
            .map(|(asset, unit)| TokenGenesis {
                asset: asset.to_owned(),
                params: TokenParams {
                    threshold: Ratio::percent(threshold),
                    threshold_initial: Ratio::bps(threshold * 110),
                    unit: Amount::from_wei(unit),
                    ..TokenParams::default()
                },
            })
            .to_vec()
    };
    let chains =
        worlds.iter().zip(NAMES).zip([110, 120, 115]).map(|((world, name), threshold)| ChainGenesis {
            name: name.to_owned(),
            tier: ChainTier::Liquid,
            block_time: Millis::seconds(world.chain.node.config().block_time),
            inclusion_p95: Millis::seconds(world.chain.node.config().block_time),
            coin: "USDC".to_owned(),
            tokens: tokens(threshold),
            // All interest is the lenders': what the reserve gets is of fees alone.
            rate: RateParams { reserve_factor: Bps::ZERO, ..RateParams::default() },
            tranche_cap: whole(5_000_000),
            pending_cap: whole(1_000_000),
            debt_min: Amount::ZERO,
            auction: Default::default(),
            domain: world.chain.deployment.domain(),
        });
    Genesis {
        time,
        assets: [("USDC", true), ("ETH", false)]
            .map(|(symbol, stable)| AssetGenesis { symbol: symbol.to_owned(), stable })
            .to_vec(),
        chains: chains.collect(),
        markets: vec![MarketGenesis {
            asset: "ETH".to_owned(),
            base_reserve: whole(40_000),
            quote_reserve: whole(100_000_000),
            params: MarketParams {
                open_interest_margin_from: whole(10_000_000),
                open_interest_margin_full: whole(100_000_000),
                open_interest_cap: whole(40_000_000),
                ..MarketParams::default()
            },
        }],
        ..Genesis::default()
    }
}

impl House {
    fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (worlds, worker) = runtime.block_on(async {
            let (ethereum, polygon, bsc) =
                tokio::join!(start_chain(ETHEREUM), start_chain(POLYGON), start_chain(BSC));
            ethereum.chain.open_way(&polygon.chain).await.unwrap();
            polygon.chain.open_way(&ethereum.chain).await.unwrap();
            let ends = vec![ethereum.chain.worker().await.unwrap(), polygon.chain.worker().await.unwrap()];
            (vec![ethereum, polygon, bsc], Worker::new(ends))
        });
        let now = runtime.block_on(latest(&worlds));
        let engine = Engine::new(&genesis(&worlds, now)).unwrap();
        let members = worlds.into_iter().map(|world| {
            let courier = dev_key("keeper", 0);
            runtime.block_on(world.chain.node.fund(courier.address())).unwrap();
            let keys = SpokeKeys { courier, takers: Vec::new() };
            let spoke = EvmSpoke::new(world.chain.spoke_config(Price::whole(2_500)), keys, None).unwrap();
            Member { hidden: world.nonce - (1 << 32), apart: None, world, spoke }
        });
        let members = members.collect();
        let mut house = Self {
            runtime,
            members,
            worker,
            engine,
            now,
            eth: Price::whole(2_500),
            by_layerzero: false,
            ways: Vec::new(),
            events: Vec::new(),
            facts: Vec::new(),
        };
        house.settle();
        house
    }

    fn chain(&self, chain: ChainId) -> &LocalChain {
        &self.members[usize::from(chain.0)].world.chain
    }

    /// Everything on the chains becomes final, all clocks are the same, and every feed has a round of now.
    fn pass(&mut self) {
        let (members, eth) = (&self.members, self.eth);
        self.now = self.runtime.block_on(async {
            for member in members {
                member.world.finalise().await;
            }
            let mut most = 0;
            for member in members {
                most = most.max(member.world.chain.node.time().await.unwrap());
            }
            for member in members {
                let node = &member.world.chain.node;
                if node.time().await.unwrap() < most {
                    node.mine_at(most).await.unwrap();
                }
                member.world.chain.set_price(USD, Price::ONE).await.unwrap();
                member.world.chain.set_price(ETH, eth).await.unwrap();
            }
            let mut most = Time::default();
            for member in members {
                most = most.max(member.world.chain.time().await.unwrap());
            }
            most
        });
    }

    /// The next block: what the chains tell and their feeds say, and these commands. Its orders go to their chains.
    fn block(&mut self, commands: Vec<Command>) -> Outcome {
        self.pass();
        let mut block = Block {
            height: Height(self.engine.state().house.height.0 + 1),
            time: self.now,
            commands,
            ..Block::default()
        };
        for member in &mut self.members {
            let (hidden, apart) = (member.hidden, member.apart);
            let told = member.spoke.advance(self.now).unwrap();
            block.observations.extend(told.into_iter().filter_map(|told| own(told, hidden, apart)));
        }
        for (source, member) in (0..).zip(&self.members) {
            for asset in [USD, ETH] {
                let chain = &member.world.chain;
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
            Observation::Seen { chain, event, .. } => Some((*chain, *event)),
            Observation::Final { .. } | Observation::Dropped { .. } => None,
        }));
        let mut out = Outcome::default();
        self.engine.apply(&block, &mut out);
        assert_eq!(out.rejects, []);
        self.events.extend(out.events.iter().cloned());
        for chain in [ETHEREUM, POLYGON, BSC] {
            let orders: Vec<Order> =
                out.orders.iter().filter(|order| order.chain == chain).cloned().collect();
            if !orders.is_empty() {
                self.send(chain, orders);
            }
        }
        out
    }

    /// Signs a batch and has it carried: once by LayerZero, otherwise by a keeper's transaction.
    fn send(&mut self, chain: ChainId, orders: Vec<Order>) {
        let nonces: Vec<Nonce> = orders.iter().map(|order| order.nonce).collect();
        let domain = self.chain(chain).deployment.domain();
        let payload = Payload::sign(domain, chain, 1, orders, &validators()[..3]).unwrap();
        let by_layerzero = self.by_layerzero && chain == POLYGON;
        if by_layerzero {
            let (home, away) = (&self.members[0].world, &self.members[1].world.chain);
            let worker = &mut self.worker;
            let carried = self.runtime.block_on(async {
                home.chain.send(away, &payload).await.unwrap();
                assert_eq!(worker.turn().await.unwrap().len(), 0, "not final at home");
                home.finalise().await;
                worker.turn().await.unwrap().len()
            });
            let refused: Vec<_> =
                self.worker.messages().filter_map(|(_, told)| told.refusal.clone()).collect();
            assert_eq!((carried, refused), (1, Vec::new()));
        } else {
            let spoke = &mut self.members[usize::from(chain.0)].spoke;
            spoke.deliver(&payload).unwrap();
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
        if chain == POLYGON {
            let way = if by_layerzero { "LayerZero" } else { "keeper" };
            self.ways.extend(nonces.into_iter().map(|nonce| (nonce, way)));
        }
    }

    /// Blocks until no order is open, and then the chains hold what the ledger says.
    fn settle(&mut self) {
        self.block(Vec::new());
        for _ in 0..4 {
            if self.engine.state().orders.iter().next().is_none() {
                break;
            }
            self.block(Vec::new());
        }
        assert_eq!(self.engine.state().orders.len(), 0, "every order is final");
        self.compare(Amount::ZERO);
    }

    /// Chain by chain and token by token, to the wei. `collected` dollars have left Polygon's vault for its Safe.
    fn compare(&self, collected: Amount) {
        for member in &self.members {
            let chain = member.world.chain.deployment.chain;
            let head = member.spoke.heads().unwrap().head.number;
            let block = member.spoke.block_hash(head).unwrap().unwrap();
            for held in member.spoke.holdings(block).unwrap().assets {
                let token = Token { asset: held.asset, chain };
                let ledger = self.engine.state().house.money.token_total(token);
                let out = if (chain, held.asset) == (POLYGON, USD) { collected } else { Amount::ZERO };
                assert_eq!((held.booked + out, held.balance), (ledger, held.booked), "{token:?}");
            }
        }
    }

    fn account(&self, name: &str) -> AccountId {
        self.engine.state().account_of(owner_of(name)).expect("it has deposited")
    }

    fn deposit(&mut self, name: &str, chain: ChainId, asset: AssetId, amount: Amount) {
        let key = person(name);
        self.runtime.block_on(self.chain(chain).deposit(&key, owner_of(name), asset, amount)).unwrap();
        self.settle();
    }

    fn run(&mut self, command: Command) {
        self.block(vec![command]);
        self.settle();
    }

    fn borrow(&mut self, name: &str, amount: Amount) {
        let account = self.account(name);
        let address = owner_of(name).address;
        self.run(Command::RegisterAddress { account, chain: POLYGON, address });
        self.run(Command::Borrow { account, chain: POLYGON, amount });
        assert_eq!(self.wallet(USD, person(name).address()), amount, "the loan is paid out");
    }

    /// What somebody has on Polygon.
    fn wallet(&self, asset: AssetId, who: Address) -> Amount {
        self.runtime.block_on(self.chain(POLYGON).balance(asset, who)).unwrap()
    }

    fn ledger(&self, account: LedgerAccount) -> Amount {
        ballast_engine::ledger::balance(self.engine.state(), account, Money::Usd)
    }

    /// The price falls, and one lot is for sale on Polygon.
    fn fall(&mut self, price: u64) -> (LotId, Amount) {
        self.eth = Price::whole(price);
        let out = self.block(Vec::new());
        let offered: Vec<_> = out
            .events
            .iter()
            .filter_map(|event| match event {
                Event::LotOffered { lot, token, quantity, .. } => Some((*lot, *token, *quantity)),
                _ => None,
            })
            .collect();
        assert_eq!(offered.len(), 1, "{:?}", out.events);
        assert_eq!(offered[0].1, Token { asset: ETH, chain: POLYGON });
        (offered[0].0, offered[0].2)
    }

    fn take(&mut self, lot: LotId, quantity: Amount) {
        let bidder = person("bidder");
        let take = self.chain(POLYGON).take(&bidder, lot, quantity, Price::whole(3_000));
        self.runtime.block_on(take).unwrap();
    }

    /// Takes all that is left without a cent, by the callback.
    fn flash(&mut self, lot: LotId) {
        let chain = self.chain(POLYGON);
        let (house, coin) = (chain.deployment.house, chain.deployment.token(USD).unwrap().token);
        self.runtime.block_on(async {
            let arguments = (house, coin).abi_encode_params();
            let code = MockTaker::BYTECODE.clone();
            let taker = deploy(chain.deployer(), "MockTaker", code, arguments).await.unwrap();
            let call = MockTaker::runCall {
                lot: lot.0,
                wanted: u128::MAX,
                priceMost: u128::MAX,
                recipient: person("flash").address(),
                data: vec![1].into(),
            };
            execute(chain.deployer(), taker, call, U256::ZERO).await.unwrap();
        });
    }

    /// How the only task of an account ended: debt, fee, returned, shortfall.
    fn closed(&self, name: &str) -> (Amount, Amount, Amount, Amount) {
        let of = self.account(name);
        let closed: Vec<_> = self
            .events
            .iter()
            .filter_map(|event| match event {
                Event::TaskClosed { account, principal, interest, fee, returned, shortfall, .. }
                    if *account == of =>
                {
                    Some((*principal + *interest, *fee, *returned, *shortfall))
                }
                _ => None,
            })
            .collect();
        assert_eq!(closed.len(), 1);
        closed[0]
    }

    /// Dollars that a lot's takes brought. Its result, as the chain told it, is theirs, and nobody disputes it.
    fn proceeds(&self, lot: LotId, takes: usize) -> Amount {
        let start = self.engine_start(lot);
        let mut result = result_start(self.chain(POLYGON).deployment.domain(), lot, start);
        let (mut paid_in, mut seen, mut told) = (Amount::ZERO, 0, None);
        for (chain, event) in &self.facts {
            match *event {
                VaultEvent::Taken { lot: of, taker, quantity, paid, rebate } if of == lot => {
                    assert_eq!(*chain, POLYGON);
                    result = result_take(result, taker, quantity, paid, rebate);
                    (paid_in, seen) = (paid_in + paid, seen + 1);
                }
                VaultEvent::Ended { lot: of, result } if of == lot => told = Some(result),
                _ => {}
            }
        }
        assert_eq!((seen, told), (takes, Some(result)));
        assert!(!self.events.iter().any(|event| matches!(event, Event::TaskDisputed { .. })));
        paid_in
    }

    /// The order that started a lot's auction, as its chain has it.
    fn engine_start(&self, lot: LotId) -> Nonce {
        use ballast_spoke::evm::bindings::auction_house::AuctionHouse;
        let chain = self.chain(POLYGON);
        let house = AuctionHouse::new(chain.deployment.house, chain.node.provider());
        let auction = self.runtime.block_on(async { house.auction(lot.0).call().await.unwrap() });
        Nonce(auction.start)
    }
}

async fn latest(worlds: &[World]) -> Time {
    let mut most = Time::default();
    for world in worlds {
        most = most.max(world.chain.time().await.unwrap());
    }
    most
}

/// A fact with the number that it has for the hub; none of those that are not its own.
fn own(told: Observation, hidden: u64, apart: Option<u64>) -> Option<Observation> {
    let number = |sequence: Sequence| {
        let others = hidden + u64::from(apart.is_some_and(|apart| apart <= sequence.0));
        sequence.0.checked_sub(others).map(Sequence)
    };
    match told {
        Observation::Seen { chain, sequence, version, event } => {
            if apart == Some(sequence.0) {
                return None;
            }
            let sequence = number(sequence).filter(|sequence| sequence.0 != 0)?;
            Some(Observation::Seen { chain, sequence, version, event })
        }
        Observation::Final { chain, sequence, time } => {
            Some(Observation::Final { chain, sequence: number(sequence)?, time })
        }
        Observation::Dropped { .. } => panic!("no chain drops a block here: {told:?}"),
    }
}

#[test]
fn the_chains_hold_what_the_ledger_says_from_deposit_to_recall() {
    let mut house = House::start();
    // Deposits on each chain; the lender's dollars are what Polygon lends.
    house.deposit("lender", POLYGON, USD, whole(100_000));
    let account = house.account("lender");
    house.run(Command::Lend { account, chain: POLYGON, amount: whole(50_000) });
    house.deposit("alice", POLYGON, ETH, whole(10));
    house.deposit("alice", BSC, USD, whole(500));
    house.deposit("dave", POLYGON, ETH, whole(4));
    house.deposit("carol", ETHEREUM, ETH, whole(3));
    // 25,000 / 1.32 = 18,939; alice is long for 1,000 besides.
    house.borrow("alice", whole(15_000));
    house.borrow("dave", whole(5_000));
    let (account, market) = (house.account("alice"), MarketId(0));
    let amount = TradeAmount::Quote(whole(1_000));
    house.run(Command::Trade { account, market, side: Side::Long, amount, limit: None, reduce_only: false });

    // At 2,050 nobody fails; at 1,680 alice's 10 ETH count 14,000, and all of them are sold: from 1,848 down.
    house.eth = Price::whole(2_050);
    house.settle();
    let (lot, quantity) = house.fall(1_680);
    assert_eq!(quantity, whole(10));
    house.take(lot, whole(2));
    house.take(lot, whole(3));
    house.flash(lot);
    house.settle();
    assert_eq!(house.wallet(ETH, person("bidder").address()), whole(5));
    let paid = house.proceeds(lot, 3);
    let (debt, fee, returned, shortfall) = house.closed("alice");
    assert_eq!((debt + fee + returned, shortfall), (paid, Amount::ZERO), "the parts add up to the proceeds");
    assert!(whole(15_000) < debt + whole(500) && !returned.is_zero(), "{debt} {returned}");

    // At 1,450 dave's 4 ETH count 4,833 against 5,000; his order goes by LayerZero.
    let before = [LedgerAccount::Float, LedgerAccount::Treasury].map(|of| house.ledger(of));
    house.by_layerzero = true;
    let (second, _) = house.fall(1_450);
    house.take(second, whole(1));
    house.flash(second);
    house.by_layerzero = false;
    house.settle();
    house.proceeds(second, 2);
    assert!(house.ways.iter().any(|(nonce, way)| (*nonce, *way) == (house.engine_start(lot), "keeper")));
    assert!(
        house.ways.iter().any(|(nonce, way)| (*nonce, *way) == (house.engine_start(second), "LayerZero"))
    );
    // Without keepers the fee is half the reserve's, half the treasury's.
    let (_, fee, _, shortfall) = house.closed("dave");
    let after = [LedgerAccount::Float, LedgerAccount::Treasury].map(|of| house.ledger(of));
    let reserve = fee.bps_down(Bps::new(5_000));
    assert_eq!(
        [after[0] - before[0], after[1] - before[1], shortfall],
        [reserve, fee - reserve, Amount::ZERO]
    );

    // What was left over is alice's, and leaves by her own wish.
    let (account, token) = (house.account("alice"), Token { asset: USD, chain: POLYGON });
    let wallet = house.wallet(USD, person("alice").address());
    house.run(Command::RequestWithdrawal { account, token, amount: whole(100) });
    assert_eq!(house.wallet(USD, person("alice").address()), wallet + whole(100));

    collect_and_recall(&mut house);
}

/// The reserve's share goes to Polygon's Safe, and five of eight bring 25 dollars of it back. The engine has no command for
/// a collection: the order is signed as its validators would sign it, and the books differ by exactly what is out.
fn collect_and_recall(house: &mut House) {
    let float = house.ledger(LedgerAccount::Float);
    let collected = Amount::from_wei(float.wei() / 10_u128.pow(12) * 10_u128.pow(12));
    assert!(whole(25) < collected, "{collected}");
    let safe = house.chain(POLYGON).deployment.safe.unwrap();
    let to = hub_address(safe.safe);
    let action =
        OrderAction::Release { reason: ReleaseReason::Collection, to, asset: USD, amount: collected };
    let next = house.engine.state().chains.get(POLYGON).next_sequence;
    let polygon = &mut house.members[1];
    house.runtime.block_on(polygon.world.order(vec![action]));
    polygon.apart = Some(next.0 + polygon.hidden);
    assert_eq!(house.wallet(USD, safe.safe), collected);

    let chain = house.chain(POLYGON);
    let token = chain.deployment.token(USD).unwrap().token;
    let to = B256::from(owner_of("reserve").address.0);
    let calls = recall(chain.deployment.vault, token, USD.0, U256::from(25_000_000), to, 0);
    house.runtime.block_on(async {
        let wallet = chain.node.wallet(&dev_key("executor", 0)).await.unwrap();
        let mut proposal = Proposal::new(&wallet, safe, calls).await.unwrap();
        for number in [2, 7, 0, 5, 3] {
            proposal.sign(&dev_key("safe owner", number)).unwrap();
        }
        proposal.execute(&wallet).await.unwrap();
    });
    house.block(Vec::new());
    // The hub books the recall as a deposit of the reserve's account.
    house.compare(collected);
    assert_eq!(house.wallet(USD, safe.safe), collected - whole(25));
    assert_eq!(house.ledger(LedgerAccount::Cash(house.account("reserve"))), whole(25));
}
