//! Properties of the whole engine: what holds whatever people do, in whatever order.

mod support;
mod walk;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use walk::{Gene, Seen, Setting, Step, World, quietly};

/// Steps of random walks in one run, over all settings; `BALLAST_STEPS` says otherwise.
const STEPS: u32 = 100_000;
/// Steps of one walk, on average.
const LENGTH: u32 = 200;

fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The same cases in every run, others with another `BALLAST_SEED`.
fn runner(cases: u32, name: &str) -> TestRunner {
    let mut seed = [0_u8; 32];
    for (place, byte) in
        seed.iter_mut().zip(number("BALLAST_SEED", 1).to_le_bytes().into_iter().chain(name.bytes()))
    {
        *place = byte;
    }
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

fn walks() -> impl Strategy<Value = Vec<Gene>> {
    proptest::collection::vec(any::<Gene>(), 0..=2 * LENGTH as usize)
}

/// Runs walks and returns what came up in them. Panics with the shortest walk that fails.
fn run(setting: Setting, steps: u32) -> Seen {
    let seen = std::cell::RefCell::new(Seen::new());
    let mut runner = runner((steps / LENGTH).max(1), &format!("{setting:?}"));
    let done = runner.run(&walks(), |genes| {
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

#[test]
fn random_commands_keep_every_invariant() {
    let steps = number("BALLAST_STEPS", STEPS);
    for setting in Setting::ALL {
        let seen = run(setting, steps / 3);
        eprintln!("{setting:?}: {seen:#?}");
    }
}
