//! The reserve's Safe: collection into it, five of eight out of it, and everything that is refused.

use crate::support::*;
use alloy::primitives::{B256, U256};
use alloy::providers::DynProvider;
use ballast_spoke::evm::kit::dev_key;
use ballast_spoke::evm::{Proposal, SafeError, hub_address, recall, transfer};
use ballast_types::{OrderAction, ReleaseReason, VaultEvent};
use ballast_units::Amount;

/// A chain with a Safe that has collected 600 dollars of the vault's 1,000, and somebody with gas.
async fn collected() -> (World, DynProvider) {
    let mut plan = plan(ETHEREUM);
    plan.safe_owners = safe_owners();
    let mut world = World::start(plan).await;
    world.chain.deposit(&dev_key("user", 0), owner(1), USD, Amount::whole(1_000)).await.unwrap();
    let safe = world.chain.deployment.safe.unwrap().safe;
    let (to, amount) = (hub_address(safe), Amount::whole(600));
    let collection = OrderAction::Release { reason: ReleaseReason::Collection, to, asset: USD, amount };
    world.order(vec![collection]).await;
    assert_eq!(world.chain.balance(USD, safe).await.unwrap(), amount);
    let wallet = world.chain.node.wallet(&dev_key("executor", 0)).await.unwrap();
    (world, wallet)
}

/// A recall of 250 dollars into the vault for the house's account.
async fn proposal(world: &World, wallet: &DynProvider) -> Proposal {
    let deployment = &world.chain.deployment;
    let token = deployment.token(USD).unwrap().token;
    let calls =
        recall(deployment.vault, token, USD.0, U256::from(250_000_000), B256::from(owner(9).address.0), 3);
    Proposal::new(wallet, deployment.safe.unwrap(), calls).await.unwrap()
}

#[tokio::test]
async fn five_of_eight_recall_money_into_the_vault() {
    let (world, wallet) = collected().await;
    let mut proposal = proposal(&world, &wallet).await;
    // Any five, in any order; the file goes from hand to hand.
    for number in [6, 1, 4, 7, 0] {
        let file = serde_json::to_string(&proposal).unwrap();
        proposal = serde_json::from_str(&file).unwrap();
        proposal.sign(&dev_key("safe owner", number)).unwrap();
    }
    let receipt = proposal.execute(&wallet).await.unwrap();
    println!("gas: recall (approve and deposit) by 5 of 8 {}", receipt.gas_used);
    let safe = world.chain.deployment.safe.unwrap().safe;
    assert_eq!(world.chain.balance(USD, safe).await.unwrap(), Amount::whole(350));
    assert_eq!(world.chain.booked(USD).await.unwrap().0, Amount::whole(650));
    world.finalise().await;
    let events = seen(&world.watcher().poll().await.unwrap().observations);
    let mut to = owner(9);
    to.subaccount = 3;
    let deposited = VaultEvent::Deposited { owner: to, asset: USD, amount: Amount::whole(250) };
    assert_eq!(events.last().unwrap().1, deposited);

    // Once: the Safe's number has moved on.
    let again = proposal.execute(&wallet).await;
    assert!(matches!(again, Err(SafeError::WrongNonce { have: 0, need: 1 })), "{again:?}");
}

#[tokio::test]
async fn four_signatures_a_strangers_or_a_changed_file_move_nothing() {
    let (world, wallet) = collected().await;
    let mut proposal = proposal(&world, &wallet).await;
    for number in 0..4 {
        proposal.sign(&dev_key("safe owner", number)).unwrap();
    }
    let refused = proposal.execute(&wallet).await;
    assert!(matches!(refused, Err(SafeError::TooFewSignatures { have: 4, need: 5 })), "{refused:?}");

    let mut stranger = proposal.clone();
    stranger.sign(&dev_key("stranger", 0)).unwrap();
    let refused = stranger.execute(&wallet).await;
    assert!(matches!(refused, Err(SafeError::NotAnOwner(_))), "{refused:?}");

    let mut changed = proposal.clone();
    changed.calls =
        transfer(world.chain.deployment.token(USD).unwrap().token, dev_key("thief", 0).address(), U256::ONE);
    assert!(matches!(changed.sign(&dev_key("safe owner", 5)), Err(SafeError::WrongHash { .. })));

    // A fifth signature that is another owner's, of the same hash, under a wrong name.
    let mut borrowed = proposal.clone();
    let signature = borrowed.signatures[&dev_key("safe owner", 0).address()].clone();
    borrowed.signatures.insert(dev_key("safe owner", 5).address(), signature);
    let refused = borrowed.execute(&wallet).await;
    assert!(matches!(refused, Err(SafeError::WrongSignature(_))), "{refused:?}");
    assert_eq!(
        world.chain.balance(USD, world.chain.deployment.safe.unwrap().safe).await.unwrap(),
        Amount::whole(600)
    );
}
