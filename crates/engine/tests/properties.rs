//! Properties of the whole engine: what holds whatever people do, in whatever order.

mod drawn;
mod support;
mod walk;

use drawn::{number, runner};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use std::cell::Cell;
use walk::world::World;
use walk::{Gene, Seen, Setting, Step, quietly};

/// Steps of random walks in one run, over all settings; `BALLAST_STEPS` says otherwise.
const STEPS: u32 = 300_000;
/// Steps of one walk, on average; `BALLAST_LENGTH` says otherwise.
const LENGTH: u32 = 200;

fn walks(length: u32) -> impl Strategy<Value = Vec<Gene>> {
    proptest::collection::vec(any::<Gene>(), 0..=2 * length as usize)
}

/// Walks; what came up, or after how many steps it failed and why.
fn walk(setting: Setting, genes: &[Gene]) -> Result<Seen, (usize, String)> {
    let taken = Cell::new(0);
    let walked = quietly(|| {
        let mut world = World::new(setting);
        for gene in genes {
            taken.set(taken.get() + 1);
            world.take(Step::of(*gene));
        }
        world.seen
    });
    walked.map_err(|reason| (taken.get(), reason))
}

/// A shorter walk that fails too, and its reason: steps are left out by halves, quarters, and so on down to one by
/// one. Faster than proptest's own way on a walk of a thousand steps, as nothing after the failure is ever walked.
fn shortest(setting: Setting, mut genes: Vec<Gene>, mut reason: String) -> (Vec<Gene>, String) {
    let mut chunk = genes.len();
    while chunk != 0 {
        let mut at = 0;
        while at < genes.len() {
            let mut fewer = genes.clone();
            fewer.drain(at..genes.len().min(at + chunk));
            match walk(setting, &fewer) {
                Ok(_) => at += chunk,
                Err((taken, why)) => {
                    fewer.truncate(taken);
                    (genes, reason) = (fewer, why);
                }
            }
        }
        chunk /= 2;
    }
    (genes, reason)
}

/// Runs walks and returns what came up in them. Panics with a short walk that fails.
fn run(setting: Setting, steps: u32) -> Seen {
    let mut seen = Seen::new();
    let length = number("BALLAST_LENGTH", LENGTH);
    let mut runner = runner((steps / length).max(1), &format!("{setting:?}"));
    for _ in 0..(steps / length).max(1) {
        let genes = walks(length).new_tree(&mut runner).expect("bytes without conditions").current();
        match walk(setting, &genes) {
            Ok(walked) => {
                walked.into_iter().for_each(|(name, count)| *seen.entry(name).or_default() += count)
            }
            Err((taken, reason)) => {
                let genes = genes.into_iter().take(taken).collect();
                let (genes, reason) = shortest(setting, genes, reason);
                let steps = genes.into_iter().map(|gene| format!("\n    {:?},", Step::of(gene)));
                panic!("{setting:?}: {reason}{}", steps.collect::<String>());
            }
        }
    }
    seen
}

/// Events of an account's or a lot's life that rest on several others having happened: a walk that never sees them
/// tests nothing of what follows. Names as in the enum.
const RARE: [&str; 25] = [
    "AccountLocked",
    "ChainAdded",
    "ClaimsPaid",
    "CollectionOrdered",
    "CollectionUndone",
    "CounterpartyReduced",
    "DeficitRepaid",
    "DeficitWrittenOff",
    "DepositDropped",
    "DepthChanged",
    "LossAbsorbed",
    "LotBoughtByReserve",
    "LotExpired",
    "LotReturned",
    "LotTaken",
    "LotWarehoused",
    "MarketRecentred",
    "ParLossBooked",
    "PositionDeleveraged",
    "PositionTakenOver",
    "ReceiptIssued",
    "ReserveRecalled",
    "TaskClosed",
    "WithdrawalCancelled",
    "WithdrawalQueued",
];

#[test]
fn random_commands_keep_every_invariant() {
    let steps = number("BALLAST_STEPS", STEPS);
    let mut seen = Seen::new();
    std::thread::scope(|scope| {
        let runs = Setting::ALL.map(|setting| scope.spawn(move || run(setting, steps / 3)));
        for run in runs {
            let found = run.join().unwrap_or_else(|reason| std::panic::resume_unwind(reason));
            for (name, count) in found {
                *seen.entry(name).or_default() += count;
            }
        }
    });
    println!("{seen:#?}");
    let missing: Vec<&str> = RARE.into_iter().filter(|name| !seen.contains_key(*name)).collect();
    assert!(steps < STEPS || missing.is_empty(), "never seen in {steps} steps: {missing:?}");
}

/// R11: amounts up to 2^110, prices up to 2^90, down to a wei: what time and prices bring never overflows.
#[test]
fn formulas_stand_their_corners() {
    let seen = run(Setting::Corners, number("BALLAST_STEPS", STEPS) / 3);
    println!("{seen:#?}");
    for event in
        ["AccountLocked", "FundingSettled", "LossSettled", "PositionOpened", "VariationMarginCollected"]
    {
        assert!(seen.contains_key(event), "never seen at the corners: {event}");
    }
}
