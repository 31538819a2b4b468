//! A vault hands over to a successor on a real node: whoever watches and sends follows it, whatever the chain drops.

use crate::proxy::{Mood, Proxy};
use crate::support::*;
use alloy::network::TransactionBuilder as _;
use alloy::primitives::U256;
use alloy::providers::Provider as _;
use alloy::rpc::types::TransactionRequest;
use ballast_spoke::evm::bindings::mock_token::MockToken;
use ballast_spoke::evm::bindings::vault::Vault;
use ballast_spoke::evm::kit::dev_key;
use ballast_spoke::evm::{
    Deployment, Endpoints, EvmSpoke, Fault, Resume, SpokeKeys, WatchConfig, Watcher, execute, hub_address,
};
use ballast_spoke::{Carried, Done, Poke, Receipt, Revert, Spoke, Take, TxId};
use ballast_types::{LotId, MIGRATION_DELAY, MIGRATION_WINDOW, Nonce, Observation, OrderAction, VaultEvent};
use ballast_units::{Amount, Millis, Price, Time};
use serde_json::{Value, json};

fn moves(to: &Deployment) -> OrderAction {
    OrderAction::Migrate { to: hub_address(to.vault) }
}

fn executed(nonce: u64) -> VaultEvent {
    VaultEvent::Executed { nonce: Nonce(nonce) }
}

fn deposited(amount: u64) -> VaultEvent {
    VaultEvent::Deposited { owner: owner(1), asset: ETH, amount: Amount::whole(amount) }
}

/// A vault with 10 ETH whose order to hand over has waited three days: the world, the vault and its successor, the order.
async fn ready() -> (World, Deployment, Deployment, u64) {
    let mut world = World::start(plan(POLYGON)).await;
    world.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(10)).await.unwrap();
    let (old, next) = (world.chain.deployment.clone(), world.chain.put_successor().await.unwrap());
    let expires = world.chain.time().await.unwrap().after(Millis::days(5));
    let payload = world.payload_until(vec![moves(&next)], expires);
    world.chain.carry(&payload).await.unwrap();
    let later = world.chain.time().await.unwrap().after(MIGRATION_DELAY);
    world.chain.node.mine_at(later.millis() / 1_000).await.unwrap();
    world.finalise().await;
    let nonce = world.nonce;
    (world, old, next, nonce)
}

/// Anybody has the vault hand over.
async fn hand_over(world: &World, old: &Deployment, nonce: u64) {
    execute(world.chain.deployer(), old.vault, Vault::migrateCall(nonce), U256::ZERO).await.unwrap();
}

fn watcher_of(config: WatchConfig, url: String, resume: Option<Resume>) -> Watcher {
    Watcher::new(config, Endpoints::new(137, &[url]).unwrap(), resume)
}

/// The first numbers are 1, 2, 3 and so on; the events.
fn without_gap(told: &[(u64, VaultEvent)], first: u64) -> Vec<VaultEvent> {
    let numbers: Vec<u64> = told.iter().map(|(number, _)| *number).collect();
    let expected: Vec<u64> = (first..).take(numbers.len()).collect();
    assert_eq!(numbers, expected);
    told.iter().map(|(_, event)| *event).collect()
}

/// Receipt of what was sent. A node may take a moment to mine what it was given.
fn one(spoke: &mut EvmSpoke, tx: TxId) -> Receipt {
    for _ in 0..200 {
        let mut receipts = spoke.receipts().unwrap();
        if let Some(receipt) = receipts.pop() {
            assert_eq!((receipt.tx, receipts.len()), (tx, 0));
            return receipt;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("no receipt of {tx:?}");
}

#[test]
fn everything_that_a_spoke_does_it_does_with_the_successor() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (courier, taker) = (dev_key("courier", 0), dev_key("taker", 0));
    let mut world = runtime.block_on(async {
        let world = World::start(plan(POLYGON)).await;
        for (key, asset, amount) in [(&courier, ETH, 100), (&taker, USD, 100_000)] {
            world.chain.node.fund(key.address()).await.unwrap();
            world.chain.mint(asset, key.address(), Amount::whole(amount)).await.unwrap();
        }
        world.finalise().await;
        world
    });
    let keys = SpokeKeys { courier: courier.clone(), others: vec![taker.clone()] };
    let mut spoke = EvmSpoke::new(world.chain.spoke_config(Price::whole(2)), keys, None).unwrap();
    let mut told = seen(&spoke.advance(Time::default()).unwrap());
    let (old, domain) = (world.chain.deployment.clone(), spoke.domain());
    let tx = spoke.deposit(owner(1), ETH, Amount::whole(10)).unwrap();
    assert!(one(&mut spoke, tx).result.is_ok());
    let next = runtime.block_on(world.chain.put_successor()).unwrap();

    // The order waits. Once that is final, whoever brings it again pays nothing.
    let now = runtime.block_on(world.chain.time()).unwrap();
    let payload = world.payload_until(vec![moves(&next)], now.after(Millis::days(5)));
    let nonce = Nonce(world.nonce);
    let tx = spoke.deliver(&payload).unwrap();
    let receipt = one(&mut spoke, tx);
    let ready = receipt.time.after(MIGRATION_DELAY);
    assert_eq!(receipt.result, Ok(Done::Delivered(vec![(nonce, Ok(Carried::Waiting(ready)))])));
    runtime.block_on(world.finalise());
    told.extend(seen(&spoke.advance(Time::default()).unwrap()));
    spoke.receipts().unwrap();
    let sent = |world: &World| {
        let count = world.chain.node.provider().get_transaction_count(courier.address());
        runtime.block_on(async { count.await.unwrap() })
    };
    let before = sent(&world);
    let tx = spoke.deliver(&payload).unwrap();
    let done = Done::Delivered(vec![(nonce, Err(Revert::OrderSeen(nonce)))]);
    assert_eq!((one(&mut spoke, tx).result, sent(&world)), (Ok(done), before));

    // It can be carried out in three days.
    let moving = spoke.moving().unwrap().unwrap();
    assert_eq!((moving.nonce, moving.to), (nonce, hub_address(next.vault)));
    assert_eq!((moving.ready, moving.until), (ready, ready.after(MIGRATION_WINDOW)));
    let tx = spoke.poke(Poke::Migrate(nonce)).unwrap();
    assert_eq!(one(&mut spoke, tx).result, Err(Revert::NotReady { nonce, ready }));
    runtime.block_on(world.chain.node.mine_at(ready.millis() / 1_000)).unwrap();
    let tx = spoke.poke(Poke::Migrate(nonce)).unwrap();
    assert_eq!(one(&mut spoke, tx).result, Ok(Done::Poked));
    told.extend(seen(&spoke.advance(Time::default()).unwrap()));
    assert_eq!((spoke.watcher().vaults(), spoke.domain()), (vec![old.vault, next.vault], domain));
    assert_eq!((spoke.vault(ETH).unwrap(), spoke.moving().unwrap()), (Amount::whole(10), None));

    // What is signed for the old vault is worth nothing any more, and is not sent; what is signed for the new one goes there.
    let to = hub_address(dev_key("user", 1).address());
    let late = runtime.block_on(world.payload(vec![release(to, Amount::whole(1))]));
    let before = sent(&world);
    let tx = spoke.deliver(&late).unwrap();
    assert_eq!((one(&mut spoke, tx).result, sent(&world)), (Err(Revert::Closed), before));
    world.chain.deployment = next.clone();
    let tx = spoke.deposit(owner(1), ETH, Amount::whole(4)).unwrap();
    assert!(matches!(one(&mut spoke, tx).result, Ok(Done::Deposited(_))));
    let opened = runtime.block_on(world.chain.time()).unwrap();
    let auction = terms(opened, Amount::whole(2), Amount::whole(1_000_000));
    let start = OrderAction::StartAuction { lot: LotId(3), asset: ETH, auction };
    let payload = runtime.block_on(world.payload(vec![release(to, Amount::whole(1)), start]));
    let tx = spoke.deliver(&payload).unwrap();
    let last = world.nonce;
    let done = [last - 1, last].map(|nonce| (Nonce(nonce), Ok(Carried::Executed))).to_vec();
    assert_eq!(one(&mut spoke, tx).result, Ok(Done::Delivered(done)));
    assert_eq!(spoke.offers().unwrap().len(), 1);
    let (lot, taker) = (LotId(3), hub_address(taker.address()));
    let (quantity, least, price_max) = (Amount::whole(2), Amount::ZERO, Price::whole(3_000));
    let take = Take { lot, taker, quantity, least, price_max };
    let tx = spoke.take(take).unwrap();
    assert!(matches!(one(&mut spoke, tx).result, Ok(Done::Taken { .. })));

    // The hub is told of one vault's facts, as if nothing had been.
    runtime.block_on(world.finalise());
    let news = spoke.advance(Time::default()).unwrap();
    told.extend(seen(&news));
    let events = without_gap(&told, 1);
    let since: Vec<VaultEvent> = events.into_iter().skip_while(|event| *event != deposited(10)).collect();
    let expected = [deposited(10), executed(nonce.0), deposited(4), executed(last - 1), executed(last)];
    assert_eq!(since[..5], expected);
    assert!(matches!(since[5..], [VaultEvent::Taken { .. }, VaultEvent::Ended { .. }]), "{since:?}");
    let block = spoke.block_hash(spoke.heads().unwrap().final_.number).unwrap().unwrap();
    let holdings = spoke.holdings(block).unwrap();
    assert_eq!((holdings.short().count(), holdings.assets[1].booked), (0, Amount::whole(11)));
    assert_eq!(holdings.sequence.0, told.last().unwrap().0);
}

/// The successor's facts of the block in which the old vault hands over are told after its last one. When the chain drops that
/// block the old vault is the chain's again.
#[tokio::test]
async fn a_reorg_that_drops_the_move_and_another_move() {
    let (mut world, old, next, nonce) = ready().await;
    let mut watcher = world.watcher();
    let first = seen(&watcher.poll().await.unwrap().observations);
    let events = without_gap(&first, 1);
    assert_eq!(events.last(), Some(&deposited(10)));
    let last = first.len() as u64;

    // Both in one block.
    let wallet = world.chain.deployer().clone();
    world.chain.mint(ETH, wallet_address(), Amount::whole(5)).await.unwrap();
    let approve = MockToken::approveCall { spender: next.vault, value: U256::MAX };
    execute(&wallet, next.token(ETH).unwrap().token, approve, U256::ZERO).await.unwrap();
    world.chain.node.set_automine(false).await.unwrap();
    let request = |call: TransactionRequest| wallet.send_transaction(call.with_gas_limit(5_000_000));
    let migrate = TransactionRequest::default().with_to(old.vault).with_call(&Vault::migrateCall(nonce));
    let deposit = Vault::depositCall {
        owner: owner(1).address.0.into(),
        subaccount: 0,
        asset: ETH.0,
        raw: U256::from(Amount::whole(5).wei()),
    };
    let deposit = TransactionRequest::default().with_to(next.vault).with_call(&deposit);
    let (_, _) = (request(migrate).await.unwrap(), request(deposit).await.unwrap());
    world.chain.node.mine(1).await.unwrap();
    world.chain.node.set_automine(true).await.unwrap();
    world.chain.node.mine(2).await.unwrap();
    let told = watcher.poll().await.unwrap().observations;
    assert_eq!(seen(&told), [(last + 1, executed(nonce)), (last + 2, deposited(5))]);
    let versions = told.iter().filter_map(|observation| match observation {
        Observation::Seen { version, .. } => Some(*version),
        Observation::Final { .. } | Observation::Dropped { .. } => None,
    });
    let versions: Vec<_> = versions.collect();
    assert_eq!(versions[0], versions[1]);
    assert_eq!(watcher.vaults(), [old.vault, next.vault]);

    world.chain.node.reorg(3).await.unwrap();
    let told = watcher.poll().await.unwrap().observations;
    assert_eq!((dropped(&told).len(), dropped(&told)[0].0), (1, last + 1));
    assert_eq!(watcher.vault(), old.vault);
    // In the new branch a deposit comes first.
    world.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(7)).await.unwrap();
    hand_over(&world, &old, nonce).await;
    let mut told = seen(&watcher.poll().await.unwrap().observations);
    let early = watcher.point().unwrap();
    world.chain.deployment = next.clone();
    world.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(3)).await.unwrap();
    world.chain.node.mine(2).await.unwrap();
    told.extend(seen(&watcher.poll().await.unwrap().observations));
    assert_eq!(without_gap(&told, last + 1), [deposited(7), executed(nonce), deposited(3)]);
    assert_eq!(watcher.vault(), next.vault);

    // A restart from before the move was final, and one from after it: by a file.
    world.chain.deployment = old.clone();
    assert_eq!(early.vaults, [old.vault]);
    let mut again = world.watcher_from(saved(&early));
    let told = seen(&again.poll().await.unwrap().observations);
    assert_eq!(told.last(), Some(&(last + 3, deposited(3))));
    assert_eq!(again.vaults(), [old.vault, next.vault]);
    world.finalise().await;
    again.poll().await.unwrap();
    let late = again.point().unwrap();
    assert_eq!((late.sequence.0, &late.vaults), (last + 3, &vec![old.vault, next.vault]));
    let mut again = world.watcher_from(saved(&late));
    assert_eq!(seen(&again.poll().await.unwrap().observations), []);
    let moved = Deployment { tokens: old.tokens.clone(), ..next.clone() };
    world.chain.deployment = moved;
    world.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(1)).await.unwrap();
    world.finalise().await;
    let told = seen(&again.poll().await.unwrap().observations);
    assert_eq!(without_gap(&told, last + 4), [deposited(1)]);
    let holdings = again.holdings(&old, hash_of(&again, &world).await).await.unwrap();
    assert_eq!((holdings.sequence.0, holdings.assets[1].booked), (last + 4, Amount::whole(21)));
}

/// From the first block on, in ranges, with receipts and without: the same facts.
#[tokio::test]
async fn one_that_comes_later_reads_what_both_vaults_told() {
    let (mut world, old, next, nonce) = ready().await;
    hand_over(&world, &old, nonce).await;
    let config = world.chain.spoke_config(Price::ONE).watch;
    world.chain.deployment = next.clone();
    world.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(3)).await.unwrap();
    world.finalise().await;
    let url = world.chain.node.url().to_owned();
    let mut all = Vec::new();
    for (range, proofs) in [(1, true), (8, true), (8, false), (1_000, true), (1_000, false)] {
        let config = WatchConfig { range, proofs, ..config.clone() };
        let mut watcher = watcher_of(config, url.clone(), None);
        let told = seen(&watcher.poll().await.unwrap().observations);
        let events = without_gap(&told, 1);
        assert!(events.ends_with(&[executed(nonce), deposited(3)]), "{events:?}");
        assert_eq!(watcher.vaults(), [old.vault, next.vault]);
        all.push(told);
    }
    assert!(all.iter().all(|told| *told == all[0]));
}

/// Who leaves out that the vault has handed over would have the hub believe that nothing happens any more.
#[tokio::test]
async fn a_move_that_is_hidden_is_missed() {
    let (world, old, _, nonce) = ready().await;
    hand_over(&world, &old, nonce).await;
    world.finalise().await;
    let proxy = Proxy::start(world.chain.node.url()).await;
    proxy.be(Mood::HideMoves);
    let config = world.chain.spoke_config(Price::ONE).watch;
    for (range, proofs, why) in
        [(1, true, "receipts"), (8, false, "handed over"), (1_000, false, "handed over")]
    {
        let config = WatchConfig { range, proofs, ..config.clone() };
        let mut watcher = watcher_of(config, proxy.url.clone(), None);
        assert!(watcher.poll().await.is_err());
        let faults: Vec<&Fault> = watcher.endpoints().faults().map(|(_, fault)| fault).collect();
        assert!(matches!(faults[..], [Fault::Lies(said)] if said.contains(why)), "{faults:?}");
    }
}

/// A token that refuses stays behind. It counts as the chain's all the same, and follows when it can.
#[tokio::test]
async fn what_stays_behind_counts_and_follows_later() {
    let (world, old, next, nonce) = ready().await;
    let node = &world.chain.node;
    let token = old.token(ETH).unwrap().token;
    let code: Value = node.ask("eth_getCode", json!([token, "latest"])).await.unwrap();
    // It reverts, whatever it is asked.
    node.ask("anvil_setCode", json!([token, "0x5f5ffd"])).await.unwrap();
    hand_over(&world, &old, nonce).await;
    node.ask("anvil_setCode", json!([token, code])).await.unwrap();
    world.finalise().await;
    let mut watcher = world.watcher();
    watcher.poll().await.unwrap();
    let books = |vault| {
        let contract = Vault::new(vault, node.provider().clone());
        async move { Amount::from_wei(contract.balances(ETH.0).call().await.unwrap().booked) }
    };
    assert_eq!((books(old.vault).await, books(next.vault).await), (Amount::whole(10), Amount::ZERO));
    let holdings = watcher.holdings(&old, hash_of(&watcher, &world).await).await.unwrap();
    assert_eq!((holdings.assets[1].booked, holdings.short().count()), (Amount::whole(10), 0));
    let rest = Vault::moveRestCall(ETH.0);
    execute(world.chain.deployer(), old.vault, rest, U256::ZERO).await.unwrap();
    assert_eq!((books(old.vault).await, books(next.vault).await), (Amount::ZERO, Amount::whole(10)));
    world.finalise().await;
    assert_eq!(seen(&watcher.poll().await.unwrap().observations), [], "no fact");
    let holdings = watcher.holdings(&old, hash_of(&watcher, &world).await).await.unwrap();
    assert_eq!(
        (holdings.assets[1].booked, holdings.assets[1].balance),
        (Amount::whole(10), Amount::whole(10))
    );
}

/// A file of before vaults could hand over.
#[test]
fn an_old_place_to_go_on_from_is_read() {
    let old: Resume = serde_json::from_value(json!({ "block": 7, "sequence": 3, "seen": [] })).unwrap();
    assert_eq!((old.block, old.vaults), (7, Vec::new()));
}

fn wallet_address() -> alloy::primitives::Address {
    dev_key("deployer", 0).address()
}

/// As a file keeps it.
fn saved(point: &Resume) -> Resume {
    serde_json::from_str(&serde_json::to_string(point).unwrap()).unwrap()
}

/// The last final block's.
async fn hash_of(watcher: &Watcher, world: &World) -> ballast_types::Hash {
    let number = watcher.heads().final_.number;
    let block = world.chain.node.provider().get_block(number.into()).await.unwrap().unwrap();
    ballast_types::Hash(block.header.hash.0)
}
