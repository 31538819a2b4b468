//! Reorgs of a real node during deposit, auction and release: what is told equals what the chain holds.

use crate::support::*;
use ballast_spoke::evm::hub_address;
use ballast_spoke::evm::kit::dev_key;
use ballast_types::{AssetId, LotId, Observation, OrderAction, ReleaseReason, Sequence, VaultEvent};
use ballast_units::{Amount, Price};
use std::collections::BTreeMap;

/// A hub that keeps books of one vault by what it is told: the oracle of these tests shares nothing with the vault.
#[derive(Default)]
struct Books {
    events: BTreeMap<Sequence, VaultEvent>,
    final_: Sequence,
}

impl Books {
    fn take(&mut self, observations: &[Observation]) {
        for observation in observations {
            match *observation {
                Observation::Seen { sequence, event, .. } => {
                    let next = self.events.last_key_value().map_or(1, |(last, _)| last.0 + 1);
                    assert_eq!(sequence.0, next, "a number that does not follow");
                    self.events.insert(sequence, event);
                }
                Observation::Dropped { sequence, .. } => {
                    assert!(self.final_ < sequence, "what was final is dropped");
                    self.events.split_off(&sequence);
                }
                Observation::Final { sequence, .. } => self.final_ = sequence,
            }
        }
    }

    /// What the vault should hold of ETH and of dollars, when `released` are the orders that released ETH.
    fn holds(&self, released: &BTreeMap<u64, Amount>) -> (Amount, Amount) {
        let (mut eth, mut usd) = (Amount::ZERO, Amount::ZERO);
        for event in self.events.values() {
            match *event {
                VaultEvent::Deposited { amount, .. } => eth += amount,
                VaultEvent::Executed { nonce } => eth -= released.get(&nonce.0).copied().unwrap_or_default(),
                VaultEvent::Taken { quantity, paid, rebate, .. } => {
                    eth -= quantity;
                    usd += paid - rebate;
                }
                VaultEvent::Ended { .. } | VaultEvent::BridgedIn { .. } => {}
            }
        }
        (eth, usd)
    }
}

/// Deposit, release, auction and take, then a reorg of `depth` blocks that drops some or all of them; afterwards they
/// are done again.
async fn reorg_of(depth: u64) {
    let mut plan = plan(POLYGON);
    // Safe under 24 blocks, final under 48: even the deepest reorg drops nothing final.
    (plan.node.epoch, plan.node.history) = (24, 128);
    let mut world = World::start(plan).await;
    let mut watcher = world.watcher();
    let mut books = Books::default();
    let (alice, bob) = (dev_key("user", 0), dev_key("bidder", 0));
    world.chain.deposit(&alice, owner(1), ETH, Amount::whole(10)).await.unwrap();
    world.chain.node.mine(60).await.unwrap();
    books.take(&watcher.poll().await.unwrap().observations);

    // One of each, spread over 45 blocks, so that depth 1, 3 and 40 drop different parts.
    let mut released = BTreeMap::new();
    let to = hub_address(alice.address());
    let release =
        OrderAction::Release { reason: ReleaseReason::Withdrawal, to, asset: ETH, amount: Amount::whole(2) };
    let opened = world.chain.time().await.unwrap();
    let auction = terms(opened, Amount::whole(5), Amount::whole(1_000_000));
    world.chain.deposit(&alice, owner(2), ETH, Amount::whole(4)).await.unwrap();
    let payload =
        world.payload(vec![release, OrderAction::StartAuction { lot: LotId(1), asset: ETH, auction }]).await;
    released.insert(world.nonce - 1, Amount::whole(2));
    world.chain.carry(&payload).await.unwrap();
    world.chain.take(&bob, LotId(1), Amount::whole(1), Price::whole(3_000)).await.unwrap();
    world.chain.node.mine(30).await.unwrap();
    books.take(&watcher.poll().await.unwrap().observations);
    world.chain.take(&bob, LotId(1), Amount::whole(1), Price::whole(3_000)).await.unwrap();
    world.chain.deposit(&alice, owner(3), ETH, Amount::whole(1)).await.unwrap();
    books.take(&watcher.poll().await.unwrap().observations);

    let before = books.events.len();
    world.chain.node.reorg(depth).await.unwrap();
    let news = watcher.poll().await.unwrap();
    books.take(&news.observations);
    // Only the deep one reaches what was safe, and so told.
    assert_eq!(dropped(&news.observations).is_empty(), depth < 40, "{:?}", news.observations);
    assert_eq!(books.events.len() < before, 40 <= depth);

    // Whoever had something dropped sends it again; the payload is the same bytes.
    world.chain.carry(&payload).await.unwrap();
    world.chain.deposit(&alice, owner(3), ETH, Amount::whole(1)).await.unwrap();
    world.chain.node.mine(100).await.unwrap();
    books.take(&watcher.poll().await.unwrap().observations);
    let (eth, usd) = books.holds(&released);
    assert_eq!(world.chain.booked(ETH).await.unwrap().0, eth);
    assert_eq!(world.chain.booked(USD).await.unwrap().0, usd);
    let vault = world.chain.deployment.vault;
    let balance = async |asset: AssetId| world.chain.balance(asset, vault).await.unwrap();
    assert_eq!((balance(ETH).await, balance(USD).await), (eth, usd));
    assert_eq!(books.final_, *books.events.last_key_value().unwrap().0);
}

#[tokio::test]
async fn a_reorg_of_one_block() {
    reorg_of(1).await;
}

#[tokio::test]
async fn a_reorg_of_three_blocks() {
    reorg_of(3).await;
}

#[tokio::test]
async fn a_reorg_of_forty_blocks() {
    reorg_of(40).await;
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was_left_and_tells_what_was_dropped_meanwhile() {
    let world = World::start(plan(POLYGON)).await;
    let mut watcher = world.watcher();
    let alice = dev_key("user", 0);
    world.finalise().await;
    watcher.poll().await.unwrap();
    world.chain.deposit(&alice, owner(1), ETH, Amount::whole(10)).await.unwrap();
    world.chain.node.mine(2).await.unwrap();
    let told = watcher.poll().await.unwrap().observations;
    let number = seen(&told)[0].0;
    let point = watcher.point().unwrap();
    drop(watcher);

    world.chain.node.reorg(3).await.unwrap();
    let mut watcher = world.watcher_from(point);
    let told = watcher.poll().await.unwrap().observations;
    assert_eq!(dropped(&told), [Sequence(number)]);
    world.chain.deposit(&alice, owner(1), ETH, Amount::whole(4)).await.unwrap();
    world.finalise().await;
    let told = seen(&watcher.poll().await.unwrap().observations);
    assert!(
        matches!(told.as_slice(), [(again, VaultEvent::Deposited { amount, .. })]
        if *again == number && *amount == Amount::whole(4)),
        "{told:?}"
    );
}
