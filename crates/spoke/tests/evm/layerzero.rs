//! LayerZero V2 between two local chains: orders and collateral, its rules about DVNs, reorgs of the source.

use crate::support::*;
use ballast_spoke::evm::kit::{LocalChain, dev_key};
use ballast_spoke::evm::layerzero::{Dvns, Packet, PathError, Worker};
use ballast_spoke::evm::{EvmSpoke, SpokeKeys, hub_address};
use ballast_types::{LotId, Nonce, OrderAction, Signer, VaultEvent};
use ballast_units::{Amount, Millis, Price};

/// Ethereum and Polygon, open to each other, and the worker between them.
async fn two_chains() -> (World, World, Worker) {
    let (home, away) = (World::start(plan(ETHEREUM)).await, World::start(plan(POLYGON)).await);
    home.chain.open_way(&away.chain).await.unwrap();
    away.chain.open_way(&home.chain).await.unwrap();
    let worker = Worker::new(vec![home.chain.worker().await.unwrap(), away.chain.worker().await.unwrap()]);
    (home, away, worker)
}

/// Whether the vault of a chain has used up an order's nonce.
async fn is_done(chain: &LocalChain, nonce: u64) -> bool {
    let vault =
        ballast_spoke::evm::bindings::vault::Vault::new(chain.deployment.vault, chain.node.provider());
    vault.isDone(nonce).call().await.unwrap()
}

#[tokio::test]
async fn every_order_is_delivered_by_layerzero_and_by_a_keepers_own_transaction() {
    let (home, mut away, mut worker) = two_chains().await;
    away.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(100)).await.unwrap();
    away.chain.deposit(&dev_key("user", 0), owner(1), USD, Amount::whole(100)).await.unwrap();
    let to = hub_address(dev_key("user", 1).address());
    let opened = away.chain.time().await.unwrap();
    let gateway = away.chain.deployment.gateway.unwrap();
    let mut lot = 0;
    for by_layerzero in [false, true] {
        let base = away.nonce;
        lot += 1;
        let auction = terms(opened, Amount::whole(5), Amount::whole(1_000_000));
        let next = ballast_spoke::certificate::ValidatorSet::of(away.epoch + 1, &away.keys).unwrap();
        let signers: Vec<Signer> = next.signers().to_vec();
        let actions = vec![
            release(to, Amount::whole(1)),
            OrderAction::StartAuction { lot: LotId(lot), asset: ETH, auction },
            OrderAction::CancelAuction { lot: LotId(lot), start: Nonce(base + 2) },
            OrderAction::Bridge { lot: LotId(lot), asset: ETH, amount: Amount::whole(2), to: ETHEREUM },
            OrderAction::SetLimits {
                asset: USD,
                outflow: Amount::whole(1_000),
                window: Millis::seconds(60),
                delay_above: Amount::whole(1_000),
                delay: Millis::ZERO,
            },
            OrderAction::ListMaker { maker: to, listed: true },
            OrderAction::Unfreeze {},
            OrderAction::ListToken {
                asset: ETH,
                token: hub_address(away.chain.deployment.token(ETH).unwrap().token),
                unit: Amount::from_wei(1),
            },
            OrderAction::Rotate { epoch: away.epoch + 1, signers },
        ];
        let payload = away.payload(actions).await;
        if by_layerzero {
            let receipt = home.chain.send(&away.chain, &payload).await.unwrap();
            println!("gas: Gateway.send of 9 orders {}", receipt.gas_used);
            // Not final at home yet: nobody carries it. (What the other way brings is the first bridge's collateral.)
            let is_order = |packet: &Packet| packet.receiver == gateway;
            assert_eq!(worker.turn().await.unwrap().iter().filter(|packet| is_order(packet)).count(), 0);
            home.finalise().await;
            assert_eq!(carried(&mut worker, 1, is_order).await, 1);
            assert_eq!(worker.turn().await.unwrap().iter().filter(|packet| is_order(packet)).count(), 0);
        } else {
            let receipt = away.chain.carry(&payload).await.unwrap();
            println!("gas: Vault.execute of 9 orders {}", receipt.gas_used);
        }
        for nonce in base + 1..=base + 9 {
            assert!(is_done(&away.chain, nonce).await, "order {nonce}, by LayerZero: {by_layerzero}");
        }
        away.epoch += 1;
    }
    assert_eq!(away.chain.balance(ETH, dev_key("user", 1).address()).await.unwrap(), Amount::whole(2));
}

#[tokio::test]
async fn collateral_of_a_joint_auction_is_bridged_from_polygon_to_ethereum_and_sold_there() {
    let (mut home, mut away, mut worker) = two_chains().await;
    away.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(10)).await.unwrap();
    home.chain.deposit(&dev_key("user", 1), owner(2), ETH, Amount::whole(5)).await.unwrap();
    away.order(vec![OrderAction::Bridge {
        lot: LotId(1),
        asset: ETH,
        amount: Amount::whole(4),
        to: ETHEREUM,
    }])
    .await;
    let bridged = away.nonce;
    assert_eq!(away.chain.booked(ETH).await.unwrap().0, Amount::whole(6));
    assert_eq!(home.chain.booked(ETH).await.unwrap().0, Amount::whole(5));
    away.finalise().await;
    assert_eq!(carried(&mut worker, 1, |_| true).await, 1);
    assert_eq!(home.chain.booked(ETH).await.unwrap().0, Amount::whole(9));

    // Merged with what lies there: one lot of 4 + 2.
    let auction = terms(home.chain.time().await.unwrap(), Amount::whole(6), Amount::whole(1_000_000));
    home.order(vec![OrderAction::StartAuction { lot: LotId(9), asset: ETH, auction }]).await;
    home.chain.take(&dev_key("bidder", 0), LotId(9), Amount::whole(6), Price::whole(3_000)).await.unwrap();
    home.finalise().await;
    let events = seen(&home.watcher().poll().await.unwrap().observations);
    let arrived =
        VaultEvent::BridgedIn { from: POLYGON, nonce: Nonce(bridged), asset: ETH, amount: Amount::whole(4) };
    assert!(events.iter().any(|(_, event)| *event == arrived), "{events:?}");
    assert!(events.iter().any(|(_, event)| matches!(event, VaultEvent::Ended { lot: LotId(9), .. })));
    assert_eq!(home.chain.booked(ETH).await.unwrap(), (Amount::whole(3), Amount::ZERO));
}

/// What operations watch: without a fee nothing is bridged.
#[test]
fn the_gateway_tells_how_many_bridges_its_money_still_pays_for() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (_home, mut away, _worker) = runtime.block_on(two_chains());
    runtime.block_on(away.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(10))).unwrap();
    let keys = SpokeKeys { courier: dev_key("courier", 0), others: Vec::new() };
    let spoke = EvmSpoke::new(away.chain.spoke_config(Price::whole(2)), keys, None).unwrap();
    let left = |spoke: &EvmSpoke| spoke.bridges_left(&[ETHEREUM, POLYGON]).unwrap();
    assert!(left(&spoke).is_some_and(|many| 1_000_000 < many));
    // Five DVNs and the executor ask for a billion wei each.
    let gateway = away.chain.deployment.gateway.unwrap();
    let has = alloy::primitives::U256::from(6_000_000_000_u64 * 2 + 1);
    let set = away.chain.node.ask("anvil_setBalance", serde_json::json!([gateway, has]));
    runtime.block_on(set).unwrap();
    assert_eq!(left(&spoke), Some(2));
    for (lot, rest) in [(1, 1), (2, 0)] {
        let amount = Amount::whole(1);
        let bridge = OrderAction::Bridge { lot: LotId(lot), asset: ETH, amount, to: ETHEREUM };
        runtime.block_on(away.order(vec![bridge]));
        assert_eq!(left(&spoke), Some(rest));
    }
    assert_eq!(spoke.bridges_left(&[ballast_types::ChainId(7)]).unwrap(), None);
}

#[tokio::test]
async fn a_reorg_of_the_source_leaves_one_guid_with_two_payloads_and_only_the_final_one_is_carried() {
    let (home, mut away, mut worker) = two_chains().await;
    away.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(10)).await.unwrap();
    let to = |number| hub_address(dev_key("user", number).address());
    let (first, second) = (
        away.payload(vec![release(to(1), Amount::whole(1))]).await,
        away.payload(vec![release(to(2), Amount::whole(2))]).await,
    );
    home.chain.send(&away.chain, &first).await.unwrap();
    let eid = home.chain.deployment.layerzero.as_ref().unwrap().eid;
    let before = worker.underway(eid).await.unwrap();
    home.chain.node.reorg(1).await.unwrap();
    home.chain.send(&away.chain, &second).await.unwrap();
    let after = worker.underway(eid).await.unwrap();
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_eq!(before[0].packet.guid, after[0].packet.guid);
    assert_ne!(before[0].packet.payload_hash, after[0].packet.payload_hash);
    // What the reorg dropped is sent again: it has the next number.
    home.chain.send(&away.chain, &first).await.unwrap();
    home.finalise().await;
    assert_eq!(carried(&mut worker, 2, |_| true).await, 2);
    for (user, amount) in [(1, 1), (2, 2)] {
        let balance = away.chain.balance(ETH, dev_key("user", user).address()).await.unwrap();
        assert_eq!(balance, Amount::whole(amount));
    }
}

#[tokio::test]
async fn a_forged_message_moves_nothing_and_holds_up_nothing() {
    let (home, mut away, mut worker) = two_chains().await;
    away.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(10)).await.unwrap();
    let thief = hub_address(dev_key("thief", 0).address());
    let mut forged = away.payload(vec![release(thief, Amount::whole(10))]).await;
    forged.certificate.signatures.truncate(2);
    home.chain.send(&away.chain, &forged).await.unwrap();
    let honest =
        away.payload(vec![release(hub_address(dev_key("user", 1).address()), Amount::whole(1))]).await;
    home.chain.send(&away.chain, &honest).await.unwrap();
    home.finalise().await;
    // LayerZero believed both, the vault one.
    assert_eq!(carried(&mut worker, 1, |_| true).await, 1);
    assert_eq!(worker.turn().await.unwrap().len(), 0);
    let refused: Vec<_> = worker.messages().filter_map(|(_, carried)| carried.refusal.as_ref()).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(away.chain.balance(ETH, dev_key("thief", 0).address()).await.unwrap(), Amount::ZERO);
    assert_eq!(away.chain.balance(ETH, dev_key("user", 1).address()).await.unwrap(), Amount::whole(1));
}

#[test]
fn a_path_of_fewer_than_three_dvns_is_for_development_only() {
    let dvn = |number: usize| dev_key("dvn", number).address();
    let refused = |have| Err(PathError::TooFewDvns { have, need: 3 });
    assert_eq!(Dvns::new(&[dvn(0)], 12, false), refused(1));
    // The same one three times is one.
    assert_eq!(Dvns::new(&[dvn(0), dvn(0), dvn(0)], 12, false), refused(1));
    assert_eq!(Dvns::new(&[dvn(0), dvn(1)], 12, false), refused(2));
    assert_eq!(Dvns::new(&[dvn(0), dvn(1), dvn(2)], 0, false), Err(PathError::NoConfirmations));
    assert!(Dvns::new(&[dvn(0), dvn(1), dvn(2)], 12, false).is_ok());
    assert!(Dvns::new(&[dvn(0)], 12, true).is_ok());
    assert_eq!(Dvns::new(&[], 12, true), Err(PathError::TooFewDvns { have: 0, need: 1 }));
}
