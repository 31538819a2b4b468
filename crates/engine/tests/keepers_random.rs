//! Random commands of keepers: whatever they do, I01 to I10 hold after every block (feature `verify`), and stake is never
//! lost or made.

mod support;

use ballast_types::{Change, Command, Event, Hash, KeeperId, LedgerAccount, TaskId};
use ballast_units::{Amount, Millis};
use proptest::prelude::*;
use std::sync::LazyLock;
use support::House;
use support::keepers::{SALT, beat, commitment, deliver, house, lose_orders, open, register, reveal, truth};
use support::{price, whole};

/// Ten keepers; more register as the walk goes.
static HOUSE: LazyLock<House> = LazyLock::new(|| house(10));

fn step(house: &mut House, alices: &mut u32, what: u8, who: u8, much: u8) {
    let keeper = KeeperId(u32::from(who) % 12);
    let last = house.state().house.last_task;
    let task = TaskId(last.0.saturating_sub(u64::from(much % 2)));
    let ended = house
        .state()
        .rounds
        .find(task)
        .is_some_and(|round| round.jobs.iter().any(|job| !job.ended.is_empty()));
    match what {
        0 => {
            let _ = register(house, u32::from(who % 14), 9_998 + u64::from(much % 4));
        }
        1 => drop(house.apply(vec![Command::StakeKeeper { keeper, amount: whole(u64::from(much)) }])),
        2 => {
            let amount = whole(u64::from(much) * 50);
            drop(house.apply(vec![Command::UnstakeKeeper { keeper, amount }]));
        }
        3 => drop(beat(house)),
        4 | 5 => {
            *alices += 1;
            house.finalise("ethereum");
            house.price("ETH", price("3400"));
            house.advance_in(Millis::minutes(20), 4);
            let _ = beat(house);
            if *alices < 6 {
                open(house, &format!("alice{alices}"));
            }
        }
        6 => drop(house.advance(Millis::seconds(u64::from(much)))),
        7 => {
            if house.spoke("ethereum").loses_orders {
                deliver(house);
            } else {
                lose_orders(house);
            }
        }
        8 => {
            let offers = house.offers();
            if let Some((lot, offer)) = offers.first() {
                house.take(*lot, Amount::from_wei(offer.left.wei() / u128::from(much % 3 + 1)));
            }
        }
        9 => house.spoke("ethereum").holds_finality = true,
        10 => drop(house.finalise("ethereum")),
        11 => {
            let first = house.spoke("ethereum").unfinal().first().map(|(sequence, _)| *sequence);
            if let Some(sequence) = first {
                house.drop_from("ethereum", sequence);
            }
        }
        12..=14 if ended => {
            let (result, block) = truth(house, task);
            let said = if what == 14 { (Hash([much; 32]), block) } else { (result, block) };
            house.apply(vec![commitment(keeper, task, said), reveal(keeper, task, said)]);
        }
        15 => {
            let chain = support::keepers::ETHEREUM;
            let (result, block) = (Hash([much; 32]), Hash([who; 32]));
            house.apply(vec![Command::RevealReport { keeper, task, chain, result, block, salt: SALT }]);
        }
        16 => {
            let upheld = much.is_multiple_of(2);
            house.apply(vec![Command::Govern(Change::Verdict { keeper, upheld })]);
        }
        17 => drop(house.advance(Millis::days(u64::from(much % 9)))),
        _ => drop(house.apply(Vec::new())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn stake_is_staked_forfeited_or_returned(
        steps in prop::collection::vec((0_u8..19, any::<u8>(), any::<u8>()), 1..80)
    ) {
        let mut house = HOUSE.clone();
        let mut alices = 0;
        for (what, who, much) in steps {
            step(&mut house, &mut alices, what, who, much);
        }
        let (mut staked, mut returned, mut slashed) = (Amount::ZERO, Amount::ZERO, 0_u32);
        for event in &house.history {
            match event {
                Event::KeeperRegistered { stake: amount, .. } | Event::StakeAdded { amount, .. } => staked += *amount,
                Event::StakeReturned { amount, .. } => returned += *amount,
                Event::KeeperSlashed { .. } => slashed += 1,
                _ => {}
            }
        }
        let keepers: Vec<KeeperId> = house.state().keepers.ids().collect();
        let held: Amount = keepers.iter().map(|keeper| house.balance(LedgerAccount::Stake(*keeper))).sum();
        let fines = house.balance(LedgerAccount::Fines);
        prop_assert_eq!(held + fines + returned, staked);
        prop_assert!(slashed == 0 || Amount::ZERO < fines || held + returned == staked);
    }

    /// Who says what the chain told, and nothing else, is never slashed, whatever the chain drops.
    #[test]
    fn honest_keepers_are_never_slashed(
        steps in prop::collection::vec((3_u8..14, any::<u8>(), any::<u8>()), 1..80)
    ) {
        let mut house = HOUSE.clone();
        let mut alices = 0;
        for (what, who, much) in steps {
            step(&mut house, &mut alices, what, who, much);
        }
        let slashed = house.history.iter().any(|event| matches!(event, Event::KeeperSlashed { .. }));
        prop_assert!(!slashed);
    }
}
