//! A spoke on a real node: deposit, release, auction, take; what the watcher tells equals what the chain holds.
use crate::support::*;
use ballast_spoke::evm::hub_address;
use ballast_spoke::evm::kit::dev_key;
use ballast_types::{LotId, Nonce, Observation, OrderAction, ReleaseReason, VaultEvent};
use ballast_units::{Amount, Price};

#[tokio::test]
async fn what_the_watcher_tells_is_what_the_vault_holds() {
    let mut world = World::start(plan(ETHEREUM)).await;
    let mut watcher = world.watcher();
    let listed = world.nonce;
    let (alice, bob) = (dev_key("user", 0), dev_key("bidder", 0));

    let receipt = world.chain.deposit(&alice, owner(1), ETH, Amount::whole(10)).await.unwrap();
    println!("gas: deposit {}", receipt.gas_used);
    let to = hub_address(alice.address());
    let release = |amount| OrderAction::Release { reason: ReleaseReason::Withdrawal, to, asset: ETH, amount };
    let payload = world.payload(vec![release(Amount::whole(3))]).await;
    let receipt = world.chain.carry(&payload).await.unwrap();
    println!("gas: release with 3 of 4 signatures {}", receipt.gas_used);
    assert_eq!(world.chain.balance(ETH, alice.address()).await.unwrap(), Amount::whole(3));

    // 4 ETH from now on; two takes, the second one empties it.
    let opened = world.chain.time().await.unwrap();
    let auction = terms(opened, Amount::whole(4), Amount::whole(1_000_000));
    world.order(vec![OrderAction::StartAuction { lot: LotId(7), asset: ETH, auction }]).await;
    let receipt = world.chain.take(&bob, LotId(7), Amount::whole(1), Price::whole(3_000)).await.unwrap();
    println!("gas: take {}", receipt.gas_used);
    world.chain.take(&bob, LotId(7), Amount::whole(5), Price::whole(3_000)).await.unwrap();
    world.finalise().await;

    let news = watcher.poll().await.unwrap();
    let events = seen(&news.observations);
    let executed = |nonce| VaultEvent::Executed { nonce: Nonce(nonce) };
    let deposited = VaultEvent::Deposited { owner: owner(1), asset: ETH, amount: Amount::whole(10) };
    for nonce in 1..=listed {
        assert_eq!(events[usize::try_from(nonce).unwrap() - 1], (nonce, executed(nonce)));
    }
    let rest = &events[usize::try_from(listed).unwrap()..];
    assert_eq!(rest[0].1, deposited);
    assert_eq!((rest[1].1, rest[2].1), (executed(listed + 1), executed(listed + 2)));
    let mut paid = Amount::ZERO;
    for (event, quantity) in rest[3..5].iter().zip([1, 3]) {
        let VaultEvent::Taken { lot, taker, quantity: sold, paid: due, rebate } = event.1 else {
            panic!("{event:?} is no take");
        };
        assert_eq!((lot, taker, rebate), (LotId(7), hub_address(bob.address()), Amount::ZERO));
        assert_eq!(sold, Amount::whole(quantity));
        paid += due;
    }
    assert!(matches!(rest[5].1, VaultEvent::Ended { lot: LotId(7), .. }), "{rest:?}");
    assert_eq!(rest.len(), 6);
    let last = news.observations.last().unwrap();
    assert!(matches!(last, Observation::Final { sequence, .. } if sequence.0 == listed + 6), "{last:?}");

    // 10 - 3 - 4 ETH are left, and what the takes paid came in.
    assert_eq!(world.chain.booked(ETH).await.unwrap(), (Amount::whole(3), Amount::ZERO));
    assert_eq!(world.chain.booked(USD).await.unwrap(), (paid, Amount::ZERO));
    assert_eq!(world.chain.balance(USD, world.chain.deployment.vault).await.unwrap(), paid);
    assert_eq!(world.chain.balance(ETH, bob.address()).await.unwrap(), Amount::whole(4));

    // Nothing is told twice.
    assert_eq!(watcher.poll().await.unwrap().observations, []);
}
