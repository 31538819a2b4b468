//! Endpoints that lie, lag, limit or break off: what they say is not told, and another one is asked.

use crate::proxy::{Mood, Proxy};
use crate::support::*;
use ballast_spoke::evm::kit::dev_key;
use ballast_spoke::evm::{EvmError, Fault, Trust, WatchError, Watcher, connect};
use ballast_types::{Observation, VaultEvent};
use ballast_units::Amount;

/// A chain with a final deposit of 10 ETH; a watcher through two endpoints, the first of which is bad.
async fn poisoned(mood: Mood) -> (World, Proxy, Watcher) {
    let world = World::start(plan(POLYGON)).await;
    world.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(10)).await.unwrap();
    world.finalise().await;
    let proxy = Proxy::start(world.chain.node.url()).await;
    proxy.be(mood);
    let watcher = world.watcher_through(vec![proxy.url.clone(), world.chain.node.url().to_owned()], false);
    (world, proxy, watcher)
}

/// The deposit is told as it was, and the liar is known.
async fn lies_are_found(mood: Mood) -> Fault {
    let (_world, proxy, mut watcher) = poisoned(mood).await;
    let news = watcher.poll().await.unwrap();
    let amounts: Vec<Amount> = seen(&news.observations)
        .into_iter()
        .filter_map(|(_, event)| match event {
            VaultEvent::Deposited { amount, .. } => Some(amount),
            VaultEvent::Executed { .. }
            | VaultEvent::Taken { .. }
            | VaultEvent::Ended { .. }
            | VaultEvent::BridgedIn { .. } => None,
        })
        .collect();
    assert_eq!(amounts, [Amount::whole(10)]);
    let faults: Vec<(&str, &Fault)> = watcher.endpoints().faults().collect();
    let [(url, fault)] = faults.as_slice() else { panic!("{faults:?}") };
    assert_eq!(*url, proxy.url);
    // One endpoint is left: what it says counts when it is final.
    assert_eq!(news.trust, Trust::Lower);
    (*fault).clone()
}

#[tokio::test]
async fn logs_left_out_are_missed() {
    let fault = lies_are_found(Mood::OmitLogs).await;
    assert!(matches!(&fault, Fault::Lies(why) if why.contains("receipts")), "{fault}");
}

#[tokio::test]
async fn altered_logs_are_not_those_of_the_receipts() {
    let fault = lies_are_found(Mood::AlterLogs).await;
    assert!(matches!(&fault, Fault::Lies(why) if why.contains("receipts")), "{fault}");
}

#[tokio::test]
async fn altered_receipts_do_not_have_the_root() {
    let fault = lies_are_found(Mood::AlterReceipts).await;
    assert!(matches!(&fault, Fault::Lies(why) if why.contains("root")), "{fault}");
}

#[tokio::test]
async fn a_block_that_hides_its_logs_has_another_hash() {
    let fault = lies_are_found(Mood::HideLogs).await;
    assert!(matches!(&fault, Fault::Lies(why) if why.contains("hash")), "{fault}");
}

/// Two of three endpoints say the same that never happened: more dollars than were deposited, in logs and receipts alike.
#[tokio::test]
async fn poisoned_rpc() {
    let (world, first, _) = poisoned(Mood::AlterReceipts).await;
    let second = Proxy::start(world.chain.node.url()).await;
    second.be(Mood::AlterReceipts);
    let urls = vec![first.url.clone(), second.url.clone(), world.chain.node.url().to_owned()];
    let mut watcher = world.watcher_through(urls, false);
    let told = seen(&watcher.poll().await.unwrap().observations);
    let deposits: Vec<_> =
        told.iter().filter(|(_, event)| matches!(event, VaultEvent::Deposited { .. })).collect();
    let [(_, VaultEvent::Deposited { amount, .. })] = deposits[..] else { panic!("{told:?}") };
    assert_eq!(*amount, Amount::whole(10));
    let liars = watcher.endpoints().faults().filter(|(_, fault)| matches!(fault, Fault::Lies(_))).count();
    assert_eq!(liars, 2);
}

#[tokio::test]
async fn an_endpoint_that_limits_its_rate_is_passed_over() {
    assert!(matches!(lies_are_found(Mood::RateLimit).await, Fault::RateLimited(_)));
}

#[tokio::test]
async fn an_endpoint_that_drops_its_socket_in_the_middle_of_an_answer_is_passed_over() {
    assert!(matches!(lies_are_found(Mood::DropSocket).await, Fault::Silent(_)));
}

/// Whichever answer of a poll breaks off, everything is told, once, by that poll or the next.
#[tokio::test]
async fn a_socket_that_is_dropped_in_the_middle_of_a_poll_loses_and_repeats_nothing() {
    let (world, proxy, mut watcher) = poisoned(Mood::Honest).await;
    let whole = seen(&watcher.poll().await.unwrap().observations);
    let urls = || vec![proxy.url.clone(), world.chain.node.url().to_owned()];
    for answers in 0.. {
        proxy.be(Mood::DropOne(answers));
        let mut watcher = world.watcher_through(urls(), false);
        let mut told = Vec::new();
        for _ in 0..2 {
            told.extend(seen(&watcher.poll().await.unwrap().observations));
        }
        assert_eq!(told, whole, "dropped after {answers} answers");
        if proxy.mood() != Mood::Honest {
            // Two polls have fewer answers than that: nothing broke off any more.
            assert!(4 < answers, "{answers}");
            break;
        }
    }
}

#[test]
fn an_address_that_is_not_of_http_is_no_endpoint() {
    for url in ["ws://127.0.0.1:1", "127.0.0.1:8545", "file:///etc/hosts", ""] {
        assert_eq!(connect(url).err(), Some(EvmError::BadEndpoint(url.to_owned())));
    }
}

#[tokio::test]
async fn an_endpoint_that_falls_behind_drops_nothing() {
    let (world, proxy, mut watcher) = poisoned(Mood::Honest).await;
    assert_eq!(watcher.poll().await.unwrap().trust, Trust::Full);
    proxy.be(Mood::Lag(5));
    world.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(1)).await.unwrap();
    let news = watcher.poll().await.unwrap();
    assert_eq!(dropped(&news.observations), []);
    let faults: Vec<&Fault> = watcher.endpoints().faults().map(|(_, fault)| fault).collect();
    assert!(matches!(faults.as_slice(), [Fault::Lags { .. }]), "{faults:?}");
}

#[tokio::test]
async fn two_that_disagree_about_a_final_block_tell_nothing() {
    let (_world, _proxy, mut watcher) = poisoned(Mood::Honest).await;
    let told = watcher.poll().await.unwrap().observations.len();
    assert!(0 < told);
    let (world, proxy, mut watcher) = poisoned(Mood::Honest).await;
    proxy.be(Mood::Invent);
    // The honest one first, and the inventive one as its witness.
    let urls = vec![world.chain.node.url().to_owned(), proxy.url.clone()];
    watcher = {
        drop(watcher);
        world.watcher_through(urls, false)
    };
    assert!(matches!(watcher.poll().await, Err(WatchError::Disputed { .. })));
    // A third one decides.
    let urls = vec![world.chain.node.url().to_owned(), proxy.url.clone(), world.chain.node.url().to_owned()];
    let mut watcher = world.watcher_through(urls, false);
    let news = watcher.poll().await.unwrap();
    assert_eq!((news.observations.len(), news.trust), (told, Trust::Full));
    assert!(
        watcher.endpoints().faults().any(|(url, fault)| url == proxy.url && matches!(fault, Fault::Lies(_)))
    );
}

#[tokio::test]
async fn under_lower_trust_nothing_counts_before_it_is_final() {
    let world = World::start(plan(POLYGON)).await;
    let mut watcher = world.watcher_through(vec![world.chain.node.url().to_owned()], false);
    world.finalise().await;
    watcher.poll().await.unwrap();
    world.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(10)).await.unwrap();
    world.chain.node.mine(world.chain.node.config().epoch).await.unwrap();
    let safe = watcher.poll().await.unwrap();
    assert_eq!((seen(&safe.observations), safe.trust), (Vec::new(), Trust::Lower));
    world.finalise().await;
    let news = watcher.poll().await.unwrap();
    assert_eq!(seen(&news.observations).len(), 1);
    assert!(matches!(news.observations.last(), Some(Observation::Final { .. })));
}
