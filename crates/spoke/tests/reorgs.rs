//! Reorgs: whatever a chain drops, what it tells in the end adds up to what its vault holds, to the wei.

mod support;

use ballast_spoke::faults::{Draws, Fault, FaultTerms, Faults};
use ballast_spoke::message::Payload;
use ballast_spoke::{Courier, Done, Fork, Reorg, Revert, SimChain, SimChainParams, Spoke};
use ballast_types::{Auction, Nonce, Observation, Order, OrderAction, Sequence, VaultEvent};
use ballast_units::{Amount, Bps, Millis};
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::*;

/// Nothing is lost, nothing late: every transaction is in the new branch at once.
fn fork(depth: u64, seed: u64) -> Fork {
    Fork { depth, lost: Bps::new(0), late: Bps::new(0), seed }
}

/// Blocks are final under 50, so that 40 of them can be dropped.
fn deep() -> SimChain {
    SimChain::new(SimChainParams { final_depth: 50, ..params() })
}

fn book(orders: &[Order]) -> BTreeMap<u64, Order> {
    orders.iter().map(|order| (order.nonce.0, order.clone())).collect()
}

/// Everything told is final, and adds up to what the vault holds.
fn settled(chain: &mut SimChain, notes: &mut Notes, orders: &BTreeMap<u64, Order>) {
    let now = chain.heads().unwrap().head.time.millis() / 1_000;
    notes.take_in(&advance(chain, now + 20_000));
    assert_eq!(notes.final_to, notes.events.len(), "something is not final after hours");
    for asset in [COIN, ETH] {
        assert_eq!(notes.held(asset, orders), chain.held(asset), "asset {asset}");
    }
    assert!(chain.offers().unwrap().is_empty());
    assert_eq!(chain.free(ETH), chain.held(ETH));
}

#[test]
fn a_dropped_deposit_comes_again_with_another_version() {
    for depth in [1, 3, 40] {
        let mut chain = deep();
        chain.deposit(owner(), ETH, Amount::whole(1)).unwrap();
        chain.deposit(owner(), ETH, Amount::whole(2)).unwrap();
        // Included in block 2; its events are safe at block 4.
        let mut notes = Notes::default();
        let head = if depth == 40 { 41 } else { 2 + depth };
        notes.take_in(&advance(&mut chain, head * 10));
        let before = notes.clone();
        let hash = chain.block_hash(head).unwrap();
        let reorg = chain.reorg(fork(depth, 7));
        assert_eq!((reorg.blocks, reorg.lost), (depth, 0));
        assert_ne!(chain.block_hash(head).unwrap(), hash, "another branch has other hashes");
        settled(&mut chain, &mut notes, &BTreeMap::new());
        assert_eq!(chain.held(ETH), Amount::whole(3));
        assert_eq!(notes.events.len(), 2);
        if depth == 40 {
            // Block 2 was within the 40: seen, dropped, seen in another block.
            assert_eq!((before.events.len(), notes.dropped), (2, 2));
            assert!(before.events.iter().zip(&notes.events).all(|(old, new)| old.0 != new.0));
        } else {
            assert_eq!(notes.dropped, 0, "block 2 was below the fork");
        }
    }
}

#[test]
fn what_is_not_dropped_keeps_its_version() {
    let mut chain = deep();
    let mut notes = Notes::default();
    chain.deposit(owner(), ETH, Amount::whole(1)).unwrap();
    notes.take_in(&advance(&mut chain, 100));
    chain.deposit(owner(), ETH, Amount::whole(2)).unwrap();
    notes.take_in(&advance(&mut chain, 200));
    // Blocks 2 and 12 have an event each; the second is dropped.
    let before = notes.events.clone();
    let hash = chain.block_hash(2).unwrap();
    chain.reorg(fork(15, 3));
    assert_eq!(chain.block_hash(2).unwrap(), hash);
    let told = advance(&mut chain, 210);
    assert_eq!(told[0], Observation::Dropped { chain: CHAIN, sequence: Sequence(2) });
    notes.take_in(&told);
    notes.take_in(&advance(&mut chain, 500));
    assert_eq!((notes.events[0], notes.events[1].1), (before[0], before[1].1));
    assert_ne!(notes.events[1].0, before[1].0);
}

#[test]
fn nothing_final_is_ever_dropped() {
    let mut chain = deep();
    chain.deposit(owner(), ETH, Amount::whole(1)).unwrap();
    let mut notes = Notes::default();
    notes.take_in(&advance(&mut chain, 600));
    assert_eq!(notes.final_to, 1);
    assert_eq!(chain.reorg(fork(1_000, 1)).blocks, 50);
    settled(&mut chain, &mut notes, &BTreeMap::new());
    assert_eq!((notes.dropped, chain.held(ETH)), (0, Amount::whole(1)));
    // A chain that has just begun has nothing to drop.
    assert_eq!(deep().reorg(fork(3, 1)), Reorg::default());
}

#[test]
fn a_dropped_transaction_says_so_and_comes_again() {
    let mut chain = deep();
    let tx = chain.deposit(owner(), ETH, Amount::whole(1)).unwrap();
    advance(&mut chain, 30);
    chain.reorg(fork(3, 5));
    let receipts = chain.receipts().unwrap();
    assert!(receipts.iter().all(|receipt| receipt.tx == tx));
    let results: Vec<_> = receipts.into_iter().map(|receipt| receipt.result).collect();
    let done = Ok(Done::Deposited(Sequence(1)));
    assert_eq!(results, [done.clone(), Err(Revert::Reorged), done]);
}

#[test]
fn a_lost_transaction_is_gone_and_a_late_one_late() {
    let send = || {
        let mut chain = deep();
        chain.deposit(owner(), ETH, Amount::whole(1)).unwrap();
        advance(&mut chain, 100);
        chain
    };
    let mut lost = send();
    let reorg = lost.reorg(Fork { lost: Bps::new(10_000), ..fork(10, 1) });
    assert_eq!((reorg.transactions, reorg.lost, reorg.events), (1, 1, 1));
    assert_eq!((lost.held(ETH), lost.in_mempool()), (Amount::ZERO, 0));
    let told = advance(&mut lost, 1_000);
    assert_eq!(told, [Observation::Dropped { chain: CHAIN, sequence: Sequence(1) }]);
    let mut late = send();
    late.reorg(Fork { late: Bps::new(10_000), ..fork(10, 1) });
    assert_eq!((late.held(ETH), late.in_mempool()), (Amount::ZERO, 1));
    advance(&mut late, 200);
    assert_eq!(late.held(ETH), Amount::whole(1));
    // What a gateway brings is never lost.
    let mut brought = deep();
    let bridged = ballast_spoke::message::Bridged {
        from: OTHER,
        nonce: Nonce(1),
        asset: ETH,
        amount: Amount::whole(1),
    };
    brought.bridge_in(bridged);
    advance(&mut brought, 100);
    assert_eq!(brought.reorg(Fork { lost: Bps::new(10_000), ..fork(10, 1) }).lost, 0);
    assert_eq!(brought.held(ETH), Amount::whole(1));
}

/// A day of everything: deposits, an auction with takes, releases (one that waits), a bridge, makers and limits; with a
/// reorg in the middle of it.
fn busy_day(depth: u64, when: u64, seed: u64, lost: u32) -> (SimChain, Notes, BTreeMap<u64, Order>) {
    let mut chain = deep();
    let mut notes = Notes::default();
    let auction = Auction { ends: at(500), invites: at(400), ..terms() };
    let small = Amount::whole(1);
    let orders = vec![
        order(1, OrderAction::StartAuction { lot: LOT, asset: ETH, auction }),
        order(
            2,
            OrderAction::SetLimits {
                asset: ETH,
                outflow: Amount::whole(30),
                window: Millis::hours(1),
                delay_above: Amount::whole(3),
                delay: Millis::seconds(70),
            },
        ),
        release(3, 2),
        release(4, 4),
        order(5, OrderAction::Bridge { lot: LOT, asset: ETH, amount: small, to: OTHER }),
        order(6, OrderAction::ListMaker { maker: TAKER, listed: true }),
        release(7, 1),
    ];
    for amount in [10, 9, 8] {
        chain.deposit(owner(), ETH, Amount::whole(amount)).unwrap();
    }
    for second in (10..=900).step_by(10) {
        match second {
            100 => send(&mut chain, orders[..3].to_vec()),
            150 | 250 => send(&mut chain, orders[2..6].to_vec()),
            200 | 260 | 420 => {
                chain.take(take(2, 99)).unwrap();
            }
            300 => chain.deposit(owner(), COIN, Amount::whole(50)).map(|_| ()).unwrap(),
            350 => send(&mut chain, orders[6..].to_vec()),
            _ => {}
        }
        notes.take_in(&advance(&mut chain, second));
        if second == when {
            chain.reorg(Fork { lost: Bps::new(lost), late: Bps::new(2_000), ..fork(depth, seed) });
        }
    }
    (chain, notes, book(&orders))
}

#[test]
fn balances_are_the_sum_of_final_events_whatever_is_dropped() {
    for depth in [1, 3, 40] {
        // During deposits, the auction, takes, releases, the wait of a release, the bridge.
        for when in [30, 120, 180, 220, 280, 440] {
            for seed in 0..4 {
                let (mut chain, mut notes, orders) = busy_day(depth, when, seed, 1_000);
                settled(&mut chain, &mut notes, &orders);
            }
        }
    }
}

#[test]
fn a_reorg_that_loses_nothing_ends_in_the_balances_of_the_straight_run() {
    let (mut straight, mut notes, orders) = busy_day(0, 0, 0, 0);
    settled(&mut straight, &mut notes, &orders);
    assert_eq!(notes.dropped, 0);
    // Deposits alone before the auction opens: nothing depends on their order.
    for depth in [1, 3, 40] {
        let (mut chain, mut notes, orders) = busy_day(depth, 60, 9, 0);
        settled(&mut chain, &mut notes, &orders);
        assert_eq!((chain.held(ETH), chain.held(COIN)), (straight.held(ETH), straight.held(COIN)));
    }
}

#[test]
fn a_freeze_and_a_rotation_are_undone_with_their_block() {
    let mut chain = deep();
    chain.deposit(owner(), ETH, Amount::whole(5)).unwrap();
    advance(&mut chain, 100);
    let signers = vec![ballast_spoke::certificate::Key::from_label("new").signer()];
    send(&mut chain, vec![order(1, OrderAction::Rotate { epoch: 1, signers })]);
    let freeze = ballast_spoke::message::Freeze { until: at(5_000) };
    let digest = freeze.digest(chain.domain(), 0);
    let certificate = ballast_spoke::certificate::Certificate::sign(digest, &keys(1));
    // Included after the rotation: of another epoch. Undone and included before it, it would hold.
    chain.freeze(freeze, 0, &certificate).unwrap();
    advance(&mut chain, 120);
    assert_eq!((chain.validators().epoch(), chain.frozen_until()), (1, at(0)));
    let lose = Fork { lost: Bps::new(10_000), ..fork(1, 1) };
    chain.reorg(lose);
    assert_eq!(chain.validators().epoch(), 0);
    chain.freeze(freeze, 0, &certificate).unwrap();
    advance(&mut chain, 140);
    assert_eq!(chain.frozen_until(), at(5_000));
    chain.reorg(lose);
    assert_eq!(chain.frozen_until(), at(0));
    // Taken back, the nonce is free again.
    assert_eq!(try_order(&mut chain, 140, release(1, 1)), Ok(ballast_spoke::Carried::Executed));
}

fn other_chain() -> SimChain {
    SimChain::new(SimChainParams { chain: OTHER, final_depth: 50, ..params() })
}

#[test]
fn the_courier_waits_for_finality_and_brings_once() {
    let mut chains = [deep(), other_chain()];
    let mut courier = Courier::new(Millis::seconds(30));
    let [one, three] = [1, 3].map(Amount::whole);
    chains[0].deposit(owner(), ETH, Amount::whole(10)).unwrap();
    let sent = |nonce, amount| order(nonce, OrderAction::Bridge { lot: LOT, asset: ETH, amount, to: OTHER });
    let mut notes = [Notes::default(), Notes::default()];
    let mut told_in_flight = Amount::ZERO;
    for second in (10..=2_000).step_by(10) {
        if second == 100 {
            send(&mut chains[0], vec![sent(1, one), sent(2, three)]);
        }
        for (chain, notes) in chains.iter_mut().zip(&mut notes) {
            notes.take_in(&advance(chain, second));
        }
        courier.carry(&mut chains, at(second));
        told_in_flight = told_in_flight.max(courier.travelling(ETH));
        // The source drops the bridges once, the destination their arrival again and again.
        match second {
            200 => assert_eq!(chains[0].reorg(fork(20, 4)).lost, 0),
            700..=900 => {
                let lose_all = Fork { lost: Bps::new(10_000), ..fork(10, second) };
                assert_eq!(chains[1].reorg(lose_all).lost, 0);
            }
            _ => {}
        }
        // Block 12 or later left; final 50 blocks later; 30 s of travel and 15 of inclusion.
        if second < 620 {
            assert_eq!(courier.travelling(ETH), Amount::ZERO, "nothing unfinal travels");
        }
    }
    assert_eq!(told_in_flight, Amount::whole(4));
    assert_eq!(courier.travelling(ETH), Amount::ZERO);
    let mut came: Vec<VaultEvent> = notes[1].events.iter().map(|(_, event)| *event).collect();
    came.sort_by_key(|event| format!("{event:?}"));
    let arrival =
        |nonce, amount| VaultEvent::BridgedIn { from: CHAIN, nonce: Nonce(nonce), asset: ETH, amount };
    assert_eq!(came, [arrival(1, one), arrival(2, three)]);
    assert_eq!(chains[1].held(ETH), Amount::whole(4));
    assert_eq!(chains[0].held(ETH), Amount::whole(6));
}

#[test]
fn what_goes_to_a_chain_that_is_not_there_stays_on_its_way() {
    let mut chains = [deep()];
    let mut courier = Courier::new(Millis::ZERO);
    chains[0].deposit(owner(), ETH, Amount::whole(10)).unwrap();
    advance(&mut chains[0], 100);
    let action = OrderAction::Bridge { lot: LOT, asset: ETH, amount: Amount::whole(2), to: OTHER };
    send(&mut chains[0], vec![order(1, action)]);
    advance(&mut chains[0], 1_000);
    courier.carry(&mut chains, at(1_000));
    courier.carry(&mut chains, at(2_000));
    assert_eq!(courier.travelling(ETH), Amount::whole(2));
}

#[test]
fn an_empty_chain_costs_nothing_however_long() {
    let mut chain = deep();
    let mut told = 0;
    for hour in 1..=100_000_u64 {
        told += chain.advance(at(hour * 3_600)).unwrap().len();
        chain.reorg(fork(40, hour));
    }
    // Only the time of its last final block, once a day.
    assert!((4_160..=4_170).contains(&told), "{told}");
}

/// What goes wrong in the random walks.
fn storm() -> FaultTerms {
    FaultTerms {
        reorg_every: Millis::seconds(120),
        reorg_depth: [1, 45],
        lost: Bps::new(500),
        late: Bps::new(2_000),
        halt_every: Millis::seconds(900),
        halt_most: Millis::seconds(200),
        spike_every: Millis::seconds(700),
        spike_most: Millis::seconds(300),
        spike_times: 4,
    }
}

/// Sends the same random orders, deposits and takes to a chain with faults and to one without.
fn walk(seed: u64, terms: FaultTerms) -> (SimChain, Notes, BTreeMap<u64, Order>, Vec<Fault>) {
    let mut chain = deep();
    let mut faults = Faults::new(seed, "storm", terms, at(0));
    let mut draws = Draws::new(seed, "walk");
    let (mut notes, mut orders, mut happened) = (Notes::default(), Vec::new(), Vec::new());
    for second in (10..=3_000).step_by(10) {
        let nonce = orders.len() as u64 + 1;
        let lot = ballast_types::LotId(draws.between(1, 3));
        match draws.between(0, 9) {
            0 | 1 => {
                let amount = Amount::whole(draws.between(1, 20));
                chain
                    .deposit(owner(), if draws.chance(Bps::new(5_000)) { ETH } else { COIN }, amount)
                    .unwrap();
            }
            2 => orders.push(release(nonce, draws.between(1, 8))),
            3 => {
                let ends = at(second + draws.between(100, 400));
                let quantity = Amount::whole(draws.between(2, 9));
                let auction =
                    Auction { opened: at(second), ends, invites: ends, quantity, ..terms_of(nonce) };
                orders.push(order(nonce, OrderAction::StartAuction { lot, asset: ETH, auction }));
            }
            4 => orders.push(order(
                nonce,
                OrderAction::CancelAuction { lot, start: Nonce(draws.between(1, nonce)) },
            )),
            5 => orders.push(order(
                nonce,
                OrderAction::Bridge { lot, asset: ETH, amount: Amount::whole(1), to: OTHER },
            )),
            6 | 7 => {
                chain.take(ballast_spoke::Take { lot, ..take(draws.between(1, 9), 120) }).unwrap();
            }
            _ => {}
        }
        // Each order is sent until it is known to be done: again and again.
        if second % 50 == 0 && !orders.is_empty() {
            let from = orders.len().saturating_sub(12);
            let payload: Payload = signed(&chain, orders[from..].to_vec());
            chain.deliver(&payload).unwrap();
        }
        notes.take_in(&advance(&mut chain, second));
        happened.extend(faults.act(&mut chain, conditions(), at(second)));
    }
    let orders = book(&orders);
    settled(&mut chain, &mut notes, &orders);
    (chain, notes, orders, happened)
}

fn terms_of(nonce: u64) -> Auction {
    Auction { need: Amount::whole(100 * nonce), ..terms() }
}

#[test]
fn the_same_seed_breaks_the_same_things() {
    let (first, told, _, faults) = walk(5, storm());
    let (second, again, _, same) = walk(5, storm());
    assert_eq!((faults.clone(), told.events, first.held(ETH)), (same, again.events, second.held(ETH)));
    let (_, _, _, others) = walk(6, storm());
    assert_ne!(faults, others);
    let reorgs = faults.iter().filter(|fault| matches!(fault, Fault::Reorged(_))).count();
    assert!(10 < reorgs && faults.len() - reorgs > 3, "{faults:?}");
    let (_, calm, _, none) = walk(5, FaultTerms::NONE);
    assert_eq!((none, calm.dropped), (vec![], 0));
}

#[test]
fn gas_is_dear_in_a_spike_and_then_as_before() {
    let mut chain = deep();
    let terms = FaultTerms {
        spike_every: Millis::seconds(100),
        spike_most: Millis::seconds(50),
        spike_times: 10,
        ..FaultTerms::NONE
    };
    let mut faults = Faults::new(1, "gas", terms, at(0));
    let mut seen = Vec::new();
    for second in (10..=2_000).step_by(10) {
        advance(&mut chain, second);
        faults.act(&mut chain, conditions(), at(second));
        seen.push(chain.present().gas_take);
    }
    let dear = seen.iter().filter(|gas| **gas == Amount::whole(10)).count();
    let usual = seen.iter().filter(|gas| **gas == Amount::whole(1)).count();
    assert!(0 < dear && dear < usual, "{dear} of {}", seen.len());
    assert_eq!(dear + usual, seen.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    /// I06 and the vault's books, through any storm: numbers without gaps, every order at most once, balances that are
    /// the sum of final events.
    #[test]
    fn a_storm_ends_in_books_that_add_up(seed in any::<u64>()) {
        let (_, notes, _, _) = walk(seed, storm());
        let mut executed = BTreeMap::new();
        for (_, event) in &notes.events {
            if let VaultEvent::Executed { nonce } = event {
                *executed.entry(*nonce).or_insert(0) += 1;
            }
        }
        prop_assert!(executed.values().all(|times| *times == 1), "{:?}", executed);
    }

    /// Deposits and releases that fit in any order: where nothing is lost, a storm ends where the straight run ends.
    #[test]
    fn a_storm_that_loses_nothing_ends_in_the_balances_of_the_straight_run(
        seed in any::<u64>(),
        amounts in prop::collection::vec(1_u64..20, 1..12),
    ) {
        let run = |terms| {
            let mut chain = deep();
            let mut notes = Notes::default();
            let mut faults = Faults::new(seed, "storm", terms, at(0));
            chain.deposit(owner(), ETH, Amount::whole(1_000)).unwrap();
            notes.take_in(&advance(&mut chain, 1_000));
            let orders: Vec<Order> = (1..).zip(&amounts).map(|(nonce, amount)| release(nonce, *amount)).collect();
            for (number, amount) in (0_u64..).zip(&amounts) {
                let second = 1_000 + 100 * (number + 1);
                chain.deposit(owner(), COIN, Amount::whole(*amount)).unwrap();
                send(&mut chain, orders.clone());
                notes.take_in(&advance(&mut chain, second));
                faults.act(&mut chain, conditions(), at(second));
            }
            settled(&mut chain, &mut notes, &book(&orders));
            let mut events: Vec<String> = notes.events.iter().map(|(_, event)| format!("{event:?}")).collect();
            events.sort();
            (chain.held(ETH), chain.held(COIN), events)
        };
        let storm = FaultTerms { lost: Bps::new(0), ..storm() };
        prop_assert_eq!(run(storm), run(FaultTerms::NONE));
    }
}
