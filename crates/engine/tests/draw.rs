//! The draw of keepers: chances are weights, exactly (R21).

mod support;

use ballast_engine::keeper::draw::{Candidate, draw};
use ballast_types::{Address, Command, Hash, KeeperId, RegionId, TaskId};
use std::collections::BTreeMap;
use support::keepers::{address, age, empty, keepers, open, register};

fn candidate(number: u8, weight: u128) -> Candidate {
    let keeper = KeeperId(u32::from(number));
    let (operator, owner) = (address(number), Address([number; 32]));
    Candidate { keeper, operator, owner, region: RegionId(u16::from(number)), weight }
}

fn seed(number: u32) -> Hash {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&number.to_be_bytes());
    Hash(seed)
}

/// How often each is drawn first with these weights, over so many seeds.
fn firsts(weights: &[u128], seeds: u32) -> Vec<u32> {
    let all: Vec<Candidate> = (0..).zip(weights).map(|(number, weight)| candidate(number, *weight)).collect();
    let mut counts: BTreeMap<KeeperId, u32> = all.iter().map(|one| (one.keeper, 0)).collect();
    for number in 0..seeds {
        let drawn = draw(seed(number), TaskId(1), 1, &all, 1);
        *counts.get_mut(&drawn[0]).expect("a candidate") += 1;
    }
    counts.into_values().collect()
}

/// 10,000 seeds, weights 1 to 4: 1,000 to 4,000 are expected. Five standard deviations of the largest, √(10,000 · 0.4 ·
/// 0.6) = 49, are 245. The seeds are fixed: the same counts on every machine.
#[test]
fn chances_are_the_weights() {
    let counts = firsts(&[1, 2, 3, 4], 10_000);
    for (count, expected) in counts.iter().zip([1_000_u32, 2_000, 3_000, 4_000]) {
        assert!(count.abs_diff(expected) < 245, "{counts:?}");
    }
}

/// Three weights of 2^126: a remainder of 2^128 would give the first one two words in four. Five standard deviations of a
/// third of 3,000, √(3,000 · 2/9) = 26, are 130.
#[test]
fn the_remainder_of_a_word_favours_nobody() {
    let counts = firsts(&[1 << 126; 3], 3_000);
    assert!(counts.iter().all(|count| count.abs_diff(1_000) < 130), "{counts:?}");
}

#[test]
fn without_weight_nobody_is_drawn() {
    assert_eq!(draw(seed(1), TaskId(1), 1, &[], 3), []);
    assert_eq!(draw(seed(1), TaskId(1), 1, &[candidate(1, 0)], 3), []);
    assert_eq!(draw(seed(1), TaskId(1), 1, &[candidate(1, 0), candidate(2, 1)], 3), [KeeperId(2)]);
}

/// The same inputs draw the same; another task, draw or seed draws anew.
/// Three keepers paid to one owner's accounts under three operators' names, and one of another hand.
#[test]
fn a_draw_takes_no_hand_twice() {
    let owned = |number: u8| Candidate { owner: Address([9; 32]), ..candidate(number, 7) };
    let all = [owned(1), owned(2), owned(3), candidate(4, 1)];
    for number in 0..100 {
        let drawn = draw(seed(number), TaskId(1), 1, &all, 3);
        assert_eq!(drawn.len(), 2, "one of the hand, and the other");
        assert!(drawn.contains(&KeeperId(4)));
    }
}

#[test]
fn a_draw_is_a_function_of_seed_task_and_number() {
    let all: Vec<Candidate> = (0..200).map(|number| candidate(number, 7)).collect();
    let first = draw(seed(1), TaskId(1), 1, &all, 3);
    assert_eq!(first, draw(seed(1), TaskId(1), 1, &all, 3));
    assert_ne!(first, draw(seed(2), TaskId(1), 1, &all, 3));
    assert_ne!(first, draw(seed(1), TaskId(2), 1, &all, 3));
    assert_ne!(first, draw(seed(1), TaskId(1), 2, &all, 3));
}

/// A million tokens weigh as much as 50,000: of two keepers of which one has each, each is drawn first about as often.
/// Without the cap it would be 190 of 200 times; 50 of them are seven standard deviations.
#[test]
fn stake_beyond_the_cap_buys_no_draws() {
    let mut house = empty(|genesis| genesis.keepers.drawn = 1);
    register(&mut house, 0, 1_000_000).expect("stake and hardware are enough");
    register(&mut house, 1, 50_000).expect("stake and hardware are enough");
    age(&mut house);
    let (task, _) = open(&mut house, "alice");
    let rich = (0..200).filter(|number| {
        let mut house = house.clone();
        let mut block = house.next_block(Vec::<Command>::new());
        block.seed = seed(*number);
        keepers(&house.apply_block(block), task) == [KeeperId(0)]
    });
    let rich = rich.count();
    assert!(rich.abs_diff(100) < 50, "{rich} of 200");
}
