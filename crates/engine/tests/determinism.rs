//! I07: the same genesis and blocks give the same everything; a snapshot is the whole of a state.

mod drawn;
mod support;
mod walk;

use ballast_engine::{Engine, Outcome, SnapshotError};
use ballast_units::Millis;
use drawn::property;
use proptest::prelude::*;
use support::{House, price, whole};
use walk::world::World;
use walk::{Gene, Setting, Step};

#[test]
fn the_worked_example_opens_as_the_design_says() {
    let mut house = House::bare();
    // Opening values a position at the worst of risk price, mark and TWAP: the TWAP has to know 100.
    house.advance(Millis::minutes(15));
    house.deposit("alice", "ethereum", "USDC", whole(100));
    house.deposit("bob", "ethereum", "USDC", whole(100));
    house.long("alice", "ETH", whole(1_000)).expect("10x is allowed");
    // 121, less the wei that the curve keeps: its base is rounded up.
    assert_eq!(house.market_view("ETH").mark, price("120.999999999999999999"));
    house.short("bob", "ETH", whole(1_000)).expect("10x is allowed");
    assert_eq!(house.market_view("ETH").quote_reserve, whole(10_000));
}

/// A walk of these steps, and the outcome of every block, by another engine on the same blocks.
fn walked(setting: Setting, genes: Vec<Gene>) -> (World, Vec<Outcome>) {
    let mut world = World::new(setting);
    genes.into_iter().for_each(|gene| world.take(Step::of(gene)));
    let mut engine = Engine::new(&world.house.genesis).expect("it was valid before");
    let outcomes = world.house.blocks.iter().map(|block| {
        let mut out = Outcome::default();
        engine.apply(block, &mut out);
        out
    });
    let outcomes = outcomes.collect();
    (world, outcomes)
}

fn same(one: &Outcome, other: &Outcome) -> bool {
    one.state_hash == other.state_hash
        && one.events == other.events
        && one.transfers == other.transfers
        && one.orders == other.orders
        && one.rejects == other.rejects
}

fn settings() -> impl Strategy<Value = Setting> {
    prop_oneof![Just(Setting::Guarded), Just(Setting::Shallow), Just(Setting::Wild), Just(Setting::Corners)]
}

#[test]
fn the_same_blocks_give_the_same_outcomes() {
    let walks = (settings(), proptest::collection::vec(any::<Gene>(), 0..=400));
    property("replay", 100, &walks, |(setting, genes)| {
        let (world, outcomes) = walked(setting, genes);
        let last = outcomes.last().expect("a world begins with blocks");
        assert_eq!(last.state_hash, world.house.state().house.hash, "I07: another engine, another hash");
    });
}

#[test]
fn a_restored_engine_goes_on_as_the_one_it_was_taken_of() {
    let at = any::<prop::sample::Index>();
    let walks = (settings(), proptest::collection::vec(any::<Gene>(), 0..=400), at);
    property("restore", 100, &walks, |(setting, genes, at)| {
        let (world, outcomes) = walked(setting, genes);
        let blocks = &world.house.blocks;
        let (before, after) = blocks.split_at(at.index(blocks.len()));
        let mut engine = Engine::new(&world.house.genesis).expect("it was valid before");
        let mut out = Outcome::default();
        before.iter().for_each(|block| engine.apply(block, &mut out));
        let snapshot = engine.snapshot();
        let mut restored = Engine::restore(&snapshot).expect("just taken");
        assert_eq!(restored.snapshot(), snapshot, "a snapshot of what was restored is the same snapshot");
        for (block, first) in after.iter().zip(outcomes.iter().skip(before.len())) {
            restored.apply(block, &mut out);
            assert!(same(&out, first), "I07: block {} after a restore: {out:?} {first:?}", block.height);
        }
    });
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "USDC", whole(100));
    let snapshot = house.engine.snapshot();
    let refused = |bytes: &[u8]| Engine::restore(bytes).map(|_| ());
    for at in (0..snapshot.len()).step_by(7) {
        let mut damaged = snapshot.clone();
        damaged[at] ^= 1;
        let expected = if at < 12 { "not a Ballast snapshot" } else { "the snapshot is damaged" };
        let error = refused(&damaged).expect_err("a bit was changed").to_string();
        assert!(error.starts_with(expected), "byte {at}: {error}");
    }
    for length in [0, 7, 8, 12, 43, 44, snapshot.len() - 1] {
        assert!(refused(&snapshot[..length]).is_err(), "cut to {length} bytes");
    }
    let mut long = snapshot;
    long.push(0);
    assert!(matches!(refused(&long), Err(SnapshotError::Damaged { .. })), "a byte too many");
}

#[test]
fn two_houses_differ_in_their_hash_from_the_first_block() {
    let one = House::new();
    let other = House::tweaked(|genesis| genesis.liquidation.round_batch = 7);
    assert_ne!(one.state().house.hash, other.state().house.hash);
}
