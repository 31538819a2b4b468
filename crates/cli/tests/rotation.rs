//! A rotation under load on a local chain: a node, one vault, a withdrawal in each block, and couriers of whom some are slow.
//! What the old key signed before is carried out; what it signed and the vault did not get in time is void there, and comes
//! again under the new key; everything once.
#![cfg(feature = "evm")]

use ballast_keeper::{LetterId, Post};
use ballast_node::{Node, Options, Setup};
use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::evm::kit::{LocalChain, LocalPlan, NodeConfig, TokenKind, TokenPlan, dev_key};
use ballast_spoke::evm::{EvmSpoke, Finality, Npm, SpokeKeys, hub_address};
use ballast_spoke::message::Payload;
use ballast_spoke::{Revert, Spoke as _};
use ballast_types::{
    AssetGenesis, AssetId, ChainGenesis, ChainId, Change, Command, Event, Genesis, Nonce, Observation, Order,
    OrderAction, Owner, PriceReport, SourceId, Token, TokenGenesis, TokenParams, VaultEvent,
};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use std::collections::BTreeSet;
use std::path::PathBuf;
use tokio::runtime::Runtime;

const USD: AssetId = AssetId(0);
const CHAIN: ChainId = ChainId(0);
/// 19 May 2021, 12:30 UTC; the hub begins an hour later, when everything is set up.
const START: u64 = 1_621_427_400;
const BEGIN: u64 = START + 3_600;
/// Seconds from block to block, of chain and hub.
const BLOCK: u64 = 2;

fn old() -> Key {
    Key::from_label("the old key")
}

fn new() -> Key {
    Key::from_label("the new key")
}

/// A node, its one chain, and the couriers between them.
struct House {
    runtime: Runtime,
    chain: LocalChain,
    /// One, as couriers want them.
    spokes: Vec<EvmSpoke>,
    node: Node,
    folder: PathBuf,
    post: Post,
    /// Letters by when they are looked at next.
    due: BTreeSet<(Time, LetterId)>,
    now: Time,
    /// Every payload that was signed, in order.
    signed: Vec<Payload>,
    executed: Vec<Nonce>,
    refused: Vec<Revert>,
    events: Vec<Event>,
}

fn genesis(chain: &LocalChain) -> Genesis {
    let token = TokenGenesis {
        asset: "USDC".to_owned(),
        params: TokenParams { unit: Amount::from_wei(10_u128.pow(12)), ..TokenParams::default() },
    };
    let text = r#"{"name": "polygon", "block_time": 2000, "inclusion_p95": 2000, "tokens": []}"#;
    let terms: ChainGenesis = serde_json::from_str(text).unwrap();
    Genesis {
        time: Time::from_millis(BEGIN * 1_000),
        assets: vec![AssetGenesis { symbol: "USDC".to_owned(), stable: true }],
        chains: vec![ChainGenesis { tokens: vec![token], domain: chain.deployment.domain(), ..terms }],
        validators: vec![old().signer()],
        ..Genesis::default()
    }
}

impl House {
    /// A vault with 1,000 dollars of one account, which knows the hub's limits.
    fn start(npm: &Npm) -> Self {
        let runtime = Runtime::new().unwrap();
        let coin = TokenPlan {
            asset: USD,
            symbol: "USDC".to_owned(),
            decimals: 6,
            kind: TokenKind::Plain,
            price: None,
        };
        let plan = LocalPlan {
            node: NodeConfig::new("polygon", 137, BLOCK, START),
            chain: CHAIN,
            eid: None,
            signers: ValidatorSet::of(0, &[old()]).unwrap().signers().to_vec(),
            epoch: 0,
            tokens: vec![coin],
            safe_owners: Vec::new(),
        };
        let courier = dev_key("courier", 0);
        let chain = runtime.block_on(async {
            let chain = LocalChain::start(npm, plan).await.unwrap();
            chain.node.fund(courier.address()).await.unwrap();
            chain.mint(USD, courier.address(), Amount::whole(1_000)).await.unwrap();
            chain.node.ask("anvil_setBlockTimestampInterval", serde_json::json!([BLOCK])).await.unwrap();
            chain.node.set_automine(false).await.unwrap();
            chain.node.mine_at(BEGIN).await.unwrap();
            chain
        });
        let mut config = chain.spoke_config(Price::ONE);
        config.watch.finality = Finality::Depth { safe: 1, final_: 8 };
        let spoke = EvmSpoke::new(config, SpokeKeys { courier, others: Vec::new() }, None).unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("rotation");
        let _ = std::fs::remove_dir_all(&folder);
        let setup = Setup { genesis: genesis(&chain), keys: vec![old(), new()], options: Options::default() };
        let node = Node::open(&folder, setup).unwrap();
        let mut house = Self {
            runtime,
            chain,
            spokes: vec![spoke],
            node,
            folder,
            post: Post::default(),
            due: BTreeSet::new(),
            now: Time::from_millis(BEGIN * 1_000),
            signed: Vec::new(),
            executed: Vec::new(),
            refused: Vec::new(),
            events: Vec::new(),
        };
        let introduction =
            house.chain.introduction(house.node.state().unwrap(), Amount::whole(1_000_000), Millis::hours(1));
        house.spokes[0].deposit(owner(), USD, Amount::whole(1_000)).unwrap();
        house.block(introduction.into_iter().map(Command::Govern).collect(), 0);
        while house.node.state().unwrap().account_of(owner()).is_none() {
            house.block(Vec::new(), 0);
        }
        let account = house.node.state().unwrap().account_of(owner()).unwrap();
        let address = hub_address(dev_key("user", 1).address());
        house.block(vec![Command::RegisterAddress { account, chain: CHAIN, address }], 0);
        for _ in 0..10 {
            house.block(Vec::new(), 0);
        }
        house
    }

    /// A dollar goes out.
    fn withdrawal(&self) -> Command {
        let account = self.node.state().unwrap().account_of(owner()).unwrap();
        Command::RequestWithdrawal {
            account,
            token: Token { asset: USD, chain: CHAIN },
            amount: Amount::whole(1),
        }
    }

    /// A block of the chain, then one of the hub, whose payloads couriers look at after `wait` seconds.
    fn block(&mut self, commands: Vec<Command>, wait: u64) {
        self.now = self.now.after(Millis::seconds(BLOCK));
        let (now, node) = (self.now, &self.chain.node);
        self.runtime.block_on(node.mine_at(now.millis() / 1_000)).unwrap();
        let told = self.spokes[0].advance(now).unwrap();
        for observation in &told {
            if let Observation::Seen { event: VaultEvent::Executed { nonce }, .. } = observation {
                self.executed.push(*nonce);
            }
        }
        let receipts = self.spokes[0].receipts().unwrap();
        self.refused.extend(receipts.iter().filter_map(|receipt| receipt.result.clone().err()));
        self.post.learn(CHAIN, &receipts);
        self.node.observe(told);
        let price = |source| PriceReport {
            asset: USD,
            source: SourceId(source),
            price: Price::ONE,
            confidence: Ratio::ZERO,
            time: now,
        };
        self.node.prices((0..3).map(price));
        for command in commands {
            self.node.enact(command);
        }
        let produced = self.node.step(now, self.node.block_hash()).unwrap();
        assert_eq!(produced.outcome.rejects, [], "block {}", produced.record.block.height);
        self.events.extend(produced.outcome.events);
        for payload in produced.payloads {
            let letter = self.post.add(payload.clone(), now);
            self.due.insert((now.after(Millis::seconds(wait)), letter));
            self.signed.push(payload);
        }
        while let Some((at, letter)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, letter));
            if let Some(later) = self.post.send(letter, None, &mut self.spokes, now) {
                self.due.insert((later.max(now.after(Millis::new(1))), letter));
            }
        }
    }

    /// Epoch of the vault: as the hub has it for good, as it has seen it, and at the chain's head.
    fn epochs(&self) -> (u32, u32, u32) {
        let chain = self.node.state().unwrap().chains.get(CHAIN);
        (chain.epoch, chain.epoch_seen, self.spokes[0].epoch().unwrap())
    }
}

fn owner() -> Owner {
    Owner { address: hub_address(dev_key("user", 0).address()), subaccount: 0 }
}

#[test]
fn a_vault_rotates_under_load_and_everything_is_carried_out_once() {
    let Ok(npm) = Npm::find() else {
        eprintln!("skipped: contracts/node_modules is not there; run `npm ci` in contracts/");
        return;
    };
    let mut house = House::start(&npm);
    let mut withdrawn = 0;
    let mut load = |house: &mut House, blocks: u64, more: &mut Vec<Command>| {
        for number in 0..blocks {
            let mut commands = std::mem::take(more);
            commands.push(house.withdrawal());
            withdrawn += 1;
            // Every third payload is late.
            house.block(commands, if number % 3 == 2 { 9 } else { 0 });
        }
    };
    load(&mut house, 12, &mut Vec::new());
    assert!(house.signed.iter().all(|payload| payload.epoch == 0));
    let before = house.signed.len();
    let mut rotate = vec![Command::Govern(Change::Rotate { signers: vec![new().signer()] })];
    load(&mut house, 30, &mut rotate);
    assert_eq!(house.epochs(), (1, 1, 1));
    let by = |house: &House, epoch: u32| {
        house.signed[before..].iter().filter(|payload| payload.epoch == epoch).count()
    };
    assert!(
        8 < by(&house, 0) && 20 < by(&house, 1),
        "{} by the old key, {} by the new one",
        by(&house, 0),
        by(&house, 1)
    );
    let signed = house.signed.len();
    load(&mut house, 6, &mut Vec::new());
    assert!(house.signed[signed..].iter().all(|payload| payload.epoch == 1), "for good: the new key alone");

    // Everything that the old key signed once more under new numbers, by whoever kept it: void, and nothing moves.
    let refused = house.refused.len();
    let again = |payload: &Payload| {
        let renumbered = |order: &Order| Order { nonce: Nonce(order.nonce.0 + 1_000_000), ..order.clone() };
        let orders = payload.orders.iter().map(renumbered).collect();
        Payload::sign(payload.domain, payload.chain, 0, orders, &[old()]).unwrap()
    };
    let kept: Vec<Payload> = house.signed.iter().filter(|payload| payload.epoch == 0).map(again).collect();
    for payload in &kept {
        house.spokes[0].deliver(payload).unwrap();
    }
    for _ in 0..60 {
        if house.node.state().unwrap().orders.is_empty() {
            break;
        }
        house.block(Vec::new(), 0);
    }
    assert_eq!(house.node.state().unwrap().orders.len(), 0, "every order is final");
    let void = house.refused[refused..].iter().filter(|refused| refused.is_of_another_epoch()).count();
    assert_eq!(void, kept.len());

    // Some were signed by the old key alone, and came too late for it.
    let orders = |payloads: &[Payload]| -> Vec<Order> {
        payloads.iter().flat_map(|payload| payload.orders.clone()).collect()
    };
    let is_rotation = |order: &Order| matches!(order.action, OrderAction::Rotate { .. });
    let rotation = orders(&house.signed).into_iter().find(is_rotation).unwrap().nonce;
    let after = house.executed.iter().skip_while(|nonce| **nonce != rotation).collect::<BTreeSet<_>>();
    let late = orders(&house.signed[..before]).iter().filter(|order| after.contains(&order.nonce)).count();
    assert!(0 < late, "every order of before was carried out before");

    // Once each, in the vault's facts and in the user's wallet; nothing was refused as a fact, nothing expired.
    let given: BTreeSet<Nonce> =
        house.signed.iter().flat_map(|payload| &payload.orders).map(|order| order.nonce).collect();
    let once: BTreeSet<Nonce> = house.executed.iter().copied().collect();
    assert_eq!((house.executed.len(), &once), (given.len(), &given));
    let paid = house.runtime.block_on(house.chain.balance(USD, dev_key("user", 1).address())).unwrap();
    assert_eq!(paid, Amount::whole(withdrawn));
    let expired = house.events.iter().filter(|event| matches!(event, Event::OrderExpired { .. })).count();
    assert_eq!(expired, 0);
    assert!(house.events.contains(&Event::RotationCompleted { chain: CHAIN, epoch: 1 }));

    // The old key is needed no more.
    let House { node, folder, .. } = house;
    drop(node);
    let keys = vec![new()];
    let genesis = ballast_node::log::Walk::open(&folder).unwrap().head().genesis.clone();
    let mut node = Node::open(&folder, Setup { genesis, keys, options: Options::default() }).unwrap();
    assert!(node.take_notices().is_empty());
    assert_eq!(node.validators(), ValidatorSet::of(1, &[new()]).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
}
