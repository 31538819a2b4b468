//! A real chain behind the trait that the chain in this process has too.

use crate::support::*;
use ballast_spoke::certificate::Certificate;
use ballast_spoke::evm::kit::dev_key;
use ballast_spoke::evm::{EvmSpoke, SpokeKeys, hub_address};
use ballast_spoke::message::Freeze;
use ballast_spoke::vault::Waiting;
use ballast_spoke::{Carried, Done, Poke, Receipt, Revert, Spoke, SpokeError, Take, TxId};
use ballast_types::{AssetId, LotId, Nonce, Observation, OrderAction, VaultEvent};
use ballast_units::{Amount, Millis, Price, Time};
use tokio::runtime::Runtime;

/// A chain and its adapter: the courier has 100 ETH and 100 dollars, the taker 100,000 dollars.
fn adapter() -> (Runtime, World, EvmSpoke) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (courier, taker) = (dev_key("courier", 0), dev_key("taker", 0));
    let world = runtime.block_on(async {
        let world = World::start(plan(POLYGON)).await;
        for (key, asset, amount) in [(&courier, ETH, 100), (&courier, USD, 100), (&taker, USD, 100_000)] {
            world.chain.node.fund(key.address()).await.unwrap();
            world.chain.mint(asset, key.address(), Amount::whole(amount)).await.unwrap();
        }
        world.finalise().await;
        world
    });
    let config = world.chain.spoke_config(Price::whole(2));
    let mut spoke = EvmSpoke::new(config, SpokeKeys { courier, others: vec![taker] }, None).unwrap();
    spoke.advance(Time::default()).unwrap();
    (runtime, world, spoke)
}

fn one(spoke: &mut EvmSpoke, tx: TxId) -> Receipt {
    // A node may take a moment to mine what it was given.
    let mut receipts = Vec::new();
    for _ in 0..200 {
        receipts = spoke.receipts().unwrap();
        if !receipts.is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let [receipt] = receipts.as_slice() else { panic!("{receipts:?}") };
    assert_eq!(receipt.tx, tx);
    receipt.clone()
}

#[test]
fn everything_that_a_spoke_does_is_done_on_a_real_chain() {
    let (runtime, mut world, mut spoke) = adapter();
    assert_eq!((spoke.chain(), spoke.domain()), (POLYGON, world.chain.deployment.domain()));

    // A deposit, by the courier: the allowance comes first and tells nothing.
    let tx = spoke.deposit(owner(1), ETH, Amount::whole(10)).unwrap();
    let Done::Deposited(sequence) = one(&mut spoke, tx).result.unwrap() else { panic!("no deposit") };
    assert_eq!(spoke.vault(ETH).unwrap(), Amount::whole(10));

    // A batch whose second order asks for more than there is.
    let (rich, opened) =
        (hub_address(dev_key("user", 1).address()), runtime.block_on(world.chain.time()).unwrap());
    let auction = terms(opened, Amount::whole(6), Amount::whole(1_000_000));
    let actions = vec![
        release(rich, Amount::whole(1)),
        release(rich, Amount::whole(50)),
        OrderAction::StartAuction { lot: LotId(3), asset: ETH, auction },
    ];
    let payload = runtime.block_on(world.payload(actions));
    let last = world.nonce;
    let tx = spoke.deliver(&payload).unwrap();
    let too_small = Revert::VaultTooSmall { have: Amount::whole(9), need: Amount::whole(50) };
    let expected = Done::Delivered(vec![
        (Nonce(last - 2), Ok(Carried::Executed)),
        (Nonce(last - 1), Err(too_small)),
        (Nonce(last), Ok(Carried::Executed)),
    ]);
    assert_eq!(one(&mut spoke, tx).result, Ok(expected));

    // The offer is what was ordered, and a take pays the price of its block.
    let (lot, offer) = spoke.offers().unwrap()[0];
    assert_eq!((lot, offer.auction, offer.left), (LotId(3), auction, Amount::whole(6)));
    let taker = hub_address(dev_key("taker", 0).address());
    let take = |quantity, price_max| Take { lot: LotId(3), taker, quantity, least: Amount::ZERO, price_max };
    let tx = spoke.take(take(Amount::whole(2), Price::whole(1))).unwrap();
    let refused = one(&mut spoke, tx).result;
    assert!(
        matches!(refused, Err(Revert::PriceTooHigh { limit, .. }) if limit == Price::whole(1)),
        "{refused:?}"
    );
    let tx = spoke.take(take(Amount::whole(2), Price::whole(2_750))).unwrap();
    let receipt = one(&mut spoke, tx);
    let due = ballast_engine::auction::take_due(&auction, receipt.time, Amount::whole(2)).unwrap();
    let unit = 1_000_000_000_000;
    let paid = Amount::from_wei(due.wei().div_ceil(unit) * unit);
    let sold = Done::Taken { lot: LotId(3), quantity: Amount::whole(2), paid, rebate: Amount::ZERO };
    assert_eq!(receipt.result, Ok(sold));
    let offer = spoke.offer(LotId(3)).unwrap().unwrap();
    assert_eq!((offer.auction, offer.left, offer.paid), (auction, Amount::whole(4), paid));

    // Its end comes when its time has come.
    let tx = spoke.poke(Poke::End(LotId(3))).unwrap();
    let early = one(&mut spoke, tx).result;
    assert_eq!(early, Err(Revert::NotOver { lot: LotId(3), ends: auction.ends }));
    runtime.block_on(world.chain.node.mine_at(auction.ends.millis() / 1_000)).unwrap();
    let tx = spoke.poke(Poke::End(LotId(3))).unwrap();
    assert_eq!(one(&mut spoke, tx).result, Ok(Done::Poked));
    assert_eq!(spoke.offers().unwrap(), []);

    // A freeze by 2 of 4, and a release that meets it.
    let until = runtime.block_on(world.chain.time()).unwrap().after(Millis::seconds(3_600));
    let freeze = Freeze { until };
    let certificate = Certificate::sign(freeze.digest(spoke.domain(), 1), &world.keys[..2]);
    let tx = spoke.freeze(freeze, 1, &certificate).unwrap();
    assert_eq!(one(&mut spoke, tx).result, Ok(Done::Frozen));
    let payload = runtime.block_on(world.payload(vec![release(rich, Amount::whole(1))]));
    let tx = spoke.deliver(&payload).unwrap();
    let frozen = Done::Delivered(vec![(Nonce(world.nonce), Err(Revert::Frozen { until }))]);
    assert_eq!(one(&mut spoke, tx).result, Ok(frozen));

    // What the hub is told is what happened, in the vault's order, and it is there.
    runtime.block_on(world.finalise());
    let told = spoke.advance(Time::default()).unwrap();
    let events: Vec<VaultEvent> = seen(&told).into_iter().map(|(_, event)| event).collect();
    assert_eq!(events[0], VaultEvent::Deposited { owner: owner(1), asset: ETH, amount: Amount::whole(10) });
    assert_eq!(events.len(), 5, "{events:?}");
    assert_eq!(seen(&told)[0].0, sequence.0);
    assert!(matches!(events[4], VaultEvent::Ended { lot: LotId(3), .. }));
    assert!(matches!(told.last(), Some(Observation::Final { .. })));
    let block = spoke.block_hash(spoke.heads().unwrap().final_.number).unwrap().unwrap();
    let holdings = spoke.holdings(block).unwrap();
    assert_eq!((holdings.short().count(), holdings.assets[1].booked), (0, Amount::whole(7)));
    assert_eq!(holdings.sequence.0, seen(&told).last().unwrap().0);
}

#[test]
fn what_cannot_be_sent_is_said_at_once() {
    let (_runtime, world, mut spoke) = adapter();
    let taker = hub_address(dev_key("stranger", 0).address());
    let unknown = SpokeError::UnknownAsset { chain: POLYGON, asset: AssetId(9) };
    assert_eq!(spoke.deposit(owner(1), AssetId(9), Amount::whole(1)), Err(unknown));
    assert_eq!(spoke.deposit(owner(1), ETH, Amount::ZERO), Err(SpokeError::AmountZero));
    let (amount, unit) = (Amount::from_wei(1), Amount::from_wei(1_000_000_000_000));
    assert_eq!(spoke.deposit(owner(1), USD, amount), Err(SpokeError::AmountUneven { amount, unit }));
    let (quantity, least, price_max) = (Amount::whole(1), Amount::ZERO, Price::whole(1));
    let take = Take { lot: LotId(1), taker, quantity, least, price_max };
    assert!(matches!(spoke.take(take), Err(SpokeError::Network { .. })));
    drop(world);
    // The node is gone.
    assert!(matches!(spoke.advance(Time::default()), Err(SpokeError::Network { .. })));
    assert!(matches!(spoke.vault(ETH), Err(SpokeError::Network { .. })));
}

#[test]
fn a_reorg_takes_a_receipt_back_and_the_transaction_is_included_again() {
    let (runtime, world, mut spoke) = adapter();
    let tx = spoke.deposit(owner(1), ETH, Amount::whole(10)).unwrap();
    assert!(matches!(one(&mut spoke, tx).result, Ok(Done::Deposited(_))));
    runtime.block_on(world.chain.node.reorg(3)).unwrap();
    assert_eq!(spoke.vault(ETH).unwrap(), Amount::ZERO);
    assert_eq!(one(&mut spoke, tx).result, Err(Revert::Reorged));
    assert!(matches!(one(&mut spoke, tx).result, Ok(Done::Deposited(_))));
    assert_eq!(spoke.vault(ETH).unwrap(), Amount::whole(10));
}

/// One release waits and is paid, one expires while it waits and is dropped, both by whoever looks.
#[test]
fn what_waits_is_seen_paid_and_dropped() {
    let (runtime, mut world, mut spoke) = adapter();
    let tx = spoke.deposit(owner(1), ETH, Amount::whole(10)).unwrap();
    assert!(one(&mut spoke, tx).result.is_ok());
    let limits = OrderAction::SetLimits {
        asset: ETH,
        outflow: Amount::whole(8),
        window: Millis::hours(1),
        delay_above: Amount::whole(1),
        delay: Millis::minutes(10),
    };
    let rich = hub_address(dev_key("user", 1).address());
    let payload = runtime.block_on(world.payload(vec![limits]));
    let tx = spoke.deliver(&payload).unwrap();
    assert!(one(&mut spoke, tx).result.is_ok());
    let now = runtime.block_on(world.chain.time()).unwrap();
    let expires = now.after(Millis::minutes(20));
    let actions = vec![release(rich, Amount::whole(5)), release(rich, Amount::whole(4))];
    let payload = world.payload_until(actions, expires);
    let [paid, dropped] = [Nonce(world.nonce - 1), Nonce(world.nonce)];
    let tx = spoke.deliver(&payload).unwrap();
    let Done::Delivered(orders) = one(&mut spoke, tx).result.unwrap() else { panic!("no delivery") };
    let Ok(Carried::Waiting(ready)) = orders[0].1 else { panic!("{orders:?}") };
    assert_eq!(orders[1], (dropped, Ok(Carried::Waiting(ready))));
    let waits = |amount| Waiting { asset: ETH, amount: Amount::whole(amount), ready, expires };
    assert_eq!(spoke.waiting().unwrap(), [(paid, waits(5)), (dropped, waits(4))]);

    runtime.block_on(world.chain.node.mine_at(ready.millis() / 1_000)).unwrap();
    let tx = spoke.poke(Poke::Pay(paid)).unwrap();
    assert_eq!(one(&mut spoke, tx).result, Ok(Done::Poked));
    // The bucket has room for 3 more.
    let tx = spoke.poke(Poke::Pay(dropped)).unwrap();
    let full = one(&mut spoke, tx).result;
    assert!(matches!(full, Err(Revert::OutflowTooLarge { asset: ETH, .. })), "{full:?}");
    let tx = spoke.poke(Poke::Drop(dropped)).unwrap();
    assert_eq!(one(&mut spoke, tx).result, Err(Revert::NotExpired { nonce: dropped, expires }));
    runtime.block_on(world.chain.node.mine_at(expires.millis() / 1_000)).unwrap();
    let tx = spoke.poke(Poke::Drop(dropped)).unwrap();
    assert_eq!(one(&mut spoke, tx).result, Ok(Done::Poked));
    assert_eq!(spoke.waiting().unwrap(), []);
    assert_eq!(spoke.vault(ETH).unwrap(), Amount::whole(5));
}

/// A batch that no block has the gas for, as one is with an order whose token burns all it gets: the others are brought
/// without it.
#[test]
fn a_batch_that_takes_more_gas_than_a_block_has_is_brought_order_by_order() {
    let (runtime, mut world, mut spoke) = adapter();
    let tx = spoke.deposit(owner(1), ETH, Amount::whole(50)).unwrap();
    assert!(one(&mut spoke, tx).result.is_ok());
    let rich = hub_address(dev_key("user", 1).address());
    let actions = (0..20).map(|_| release(rich, Amount::whole(1))).collect();
    let payload = runtime.block_on(world.payload(actions));
    let limit = alloy::primitives::U256::from(300_000);
    runtime.block_on(world.chain.node.ask("evm_setBlockGasLimit", serde_json::json!([limit]))).unwrap();
    spoke.deliver(&payload).unwrap();
    let mut carried = Vec::new();
    for _ in 0..400 {
        for receipt in spoke.receipts().unwrap() {
            let Ok(Done::Delivered(orders)) = receipt.result else { panic!("{receipt:?}") };
            carried.extend(orders);
        }
        if carried.len() == 20 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let expected: Vec<_> = payload.orders.iter().map(|order| (order.nonce, Ok(Carried::Executed))).collect();
    assert_eq!(carried, expected);
    assert_eq!(spoke.vault(ETH).unwrap(), Amount::whole(30));
}
