//! Properties of the whole engine: what holds whatever people do, in whatever order.

mod drawn;
mod support;
mod walk;

use drawn::{number, runner};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestError};
use walk::world::World;
use walk::{Gene, Seen, Setting, Step, quietly};

/// Steps of random walks in one run, over all settings; `BALLAST_STEPS` says otherwise.
const STEPS: u32 = 300_000;
/// Steps of one walk, on average; `BALLAST_LENGTH` says otherwise.
const LENGTH: u32 = 200;

fn walks(length: u32) -> impl Strategy<Value = Vec<Gene>> {
    proptest::collection::vec(any::<Gene>(), 0..=2 * length as usize)
}

/// Runs walks and returns what came up in them. Panics with the shortest walk that fails.
fn run(setting: Setting, steps: u32) -> Seen {
    let seen = std::cell::RefCell::new(Seen::new());
    let length = number("BALLAST_LENGTH", LENGTH);
    let mut runner = runner((steps / length).max(1), &format!("{setting:?}"));
    let done = runner.run(&walks(length), |genes| {
        let walked = quietly(|| {
            let mut world = World::new(setting);
            genes.into_iter().for_each(|gene| world.take(Step::of(gene)));
            world.seen
        });
        for (name, count) in walked.map_err(TestCaseError::fail)? {
            *seen.borrow_mut().entry(name).or_default() += count;
        }
        Ok(())
    });
    match done {
        Ok(()) => seen.into_inner(),
        Err(TestError::Fail(reason, genes)) => {
            let steps = genes.into_iter().map(|gene| {
                format!(
                    "
    {:?},",
                    Step::of(gene)
                )
            });
            panic!("{setting:?}: {reason}{}", steps.collect::<String>())
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// Events of an account's or a lot's life that rest on several others having happened: a walk that never sees them
/// tests nothing of what follows. Names as in the enum.
const RARE: [&str; 20] = [
    "AccountLocked",
    "ClaimsPaid",
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
    "TaskClosed",
    "WithdrawalRefused",
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
