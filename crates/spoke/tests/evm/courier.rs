//! Transactions that have to arrive: nonces, replacement, reorgs, keys that others use too.

use crate::support::*;
use alloy::primitives::{Address, U256};
use alloy::providers::Provider;
use alloy::sol_types::SolCall;
use ballast_spoke::evm::bindings::vault::Vault;
use ballast_spoke::evm::kit::{Node, dev_key};
use ballast_spoke::evm::{Call, Courier, Endpoints, Fate, FeePolicy, Npm, Outcome, SendError};

const TO: Address = Address::repeat_byte(0x77);

async fn courier(node: &Node) -> Courier {
    let key = dev_key("courier", 0);
    node.fund(key.address()).await.unwrap();
    let endpoints = Endpoints::new(node.config().chain_id, &[node.url().to_owned()]).unwrap();
    Courier::new(endpoints, key, FeePolicy::default())
}

fn one_wei() -> Call {
    Call { to: TO, data: Default::default(), value: U256::ONE, gas: Some(21_000) }
}

/// Turns until something is told; a node may take a moment to mine what it was given.
async fn turn(courier: &mut Courier) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for _ in 0..200 {
        outcomes.extend(courier.turn().await.unwrap());
        if outcomes.len() == courier.underway() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    outcomes
}

async fn arrived(node: &Node) -> u64 {
    node.provider().get_balance(TO).await.unwrap().to()
}

#[tokio::test]
async fn a_reorg_that_drops_transactions_has_them_sent_again() {
    let node = Node::start(&Npm::find().unwrap(), config(POLYGON)).await.unwrap();
    let mut courier = courier(&node).await;
    node.mine(5).await.unwrap();
    let sent = [courier.send(one_wei()).await.unwrap(), courier.send(one_wei()).await.unwrap()];
    let ids = |outcomes: Vec<Outcome>| outcomes.iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(ids(turn(&mut courier).await), sent);
    assert_eq!(courier.turn().await.unwrap(), []);
    node.reorg(2).await.unwrap();
    assert_eq!(arrived(&node).await, 0);
    // The turn that misses them sends them again, the next one tells of their new blocks.
    let outcomes = turn(&mut courier).await;
    assert!(outcomes.iter().all(|one| one.fate == Fate::Dropped));
    assert_eq!(ids(outcomes), sent);
    assert_eq!(ids(turn(&mut courier).await), sent);
    node.mine(10).await.unwrap();
    courier.turn().await.unwrap();
    assert_eq!((courier.underway(), arrived(&node).await), (0, 2));
}

#[tokio::test]
async fn what_waits_too_long_is_replaced_by_a_dearer_one_and_counts_once() {
    let node = Node::start(&Npm::find().unwrap(), config(POLYGON)).await.unwrap();
    let mut courier = courier(&node).await;
    // Blocks whose base fee is far above what the courier offered when it looked.
    node.set_automine(false).await.unwrap();
    courier.send(one_wei()).await.unwrap();
    let dear = U256::from(100_000_000_000_u64);
    node.ask("anvil_setNextBlockBaseFeePerGas", serde_json::json!([dear])).await.unwrap();
    for _ in 0..3 {
        node.mine(1).await.unwrap();
        node.ask("anvil_setNextBlockBaseFeePerGas", serde_json::json!([dear])).await.unwrap();
        assert_eq!(courier.turn().await.unwrap(), []);
        assert_eq!(arrived(&node).await, 0);
    }
    // The third block has used up its patience: by now a dearer one is in the pool.
    node.mine(1).await.unwrap();
    let outcomes = turn(&mut courier).await;
    assert_eq!((outcomes.len(), arrived(&node).await), (1, 1));
    let Fate::Included(receipt) = &outcomes[0].fate else { panic!("{outcomes:?}") };
    assert!(100_000_000_000 <= receipt.effective_gas_price);
}

#[tokio::test]
async fn a_number_that_somebody_else_used_up_is_no_loss() {
    let node = Node::start(&Npm::find().unwrap(), config(POLYGON)).await.unwrap();
    let mut courier = courier(&node).await;
    node.set_automine(false).await.unwrap();
    courier.send(one_wei()).await.unwrap();
    node.ask("anvil_dropAllTransactions", serde_json::json!([])).await.unwrap();
    node.set_automine(true).await.unwrap();
    // The same key, used by hand elsewhere.
    let other = node.wallet(&dev_key("courier", 0)).await.unwrap();
    let request = alloy::rpc::types::TransactionRequest::default();
    let request = request.to(Address::repeat_byte(0x88)).value(U256::ONE);
    other.send_transaction(request).await.unwrap().get_receipt().await.unwrap();
    // As long as that may be dropped, a second one could make two of it.
    assert_eq!(courier.turn().await.unwrap(), []);
    assert_eq!(arrived(&node).await, 0);
    node.mine(4).await.unwrap();
    assert_eq!((turn(&mut courier).await.len(), arrived(&node).await), (1, 1));
}

#[tokio::test]
async fn what_would_fail_is_not_sent_and_an_order_delivered_twice_takes_effect_once() {
    let mut world = World::start(plan(POLYGON)).await;
    let mut courier = courier(&world.chain.node).await;
    world.chain.deposit(&dev_key("user", 0), owner(1), ETH, ballast_units::Amount::whole(10)).await.unwrap();
    let to = ballast_spoke::evm::hub_address(dev_key("user", 1).address());
    let payload = world.payload(vec![release(to, ballast_units::Amount::whole(2))]).await;
    let call = |payload: &[u8]| Call {
        to: world.chain.deployment.vault,
        data: Vault::executeCall { payload: payload.to_vec().into() }.abi_encode().into(),
        value: U256::ZERO,
        gas: None,
    };
    let mut forged = payload.encode().unwrap();
    *forged.last_mut().unwrap() ^= 1;
    let refused = courier.send(call(&forged)).await;
    assert!(matches!(refused, Err(SendError::WouldFail { .. })), "{refused:?}");
    let good = payload.encode().unwrap();
    courier.send(call(&good)).await.unwrap();
    courier.send(call(&good)).await.unwrap();
    assert_eq!(turn(&mut courier).await.len(), 2);
    assert_eq!(
        world.chain.balance(ETH, dev_key("user", 1).address()).await.unwrap(),
        ballast_units::Amount::whole(2)
    );
}
