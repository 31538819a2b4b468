//! How properties are drawn: the same cases in every run, others on demand.

#![allow(dead_code, reason = "each test file uses its part")]

use crate::walk::quietly;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// A number of the environment.
pub(crate) fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The same cases in every run, others with another `BALLAST_SEED`.
pub(crate) fn runner(cases: u32, name: &str) -> TestRunner {
    let mut seed = [0_u8; 32];
    let bytes = number("BALLAST_SEED", 1).to_le_bytes().into_iter().chain(name.bytes());
    for (place, byte) in seed.iter_mut().zip(bytes) {
        *place = byte;
    }
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// Runs a property; what was drawn is printed where it fails, as small as it still fails. `BALLAST_CASES` times as
/// many cases as named here.
pub(crate) fn property<S: Strategy>(name: &str, cases: u32, drawn: &S, holds: impl Fn(S::Value)) {
    let cases = cases.saturating_mul(number("BALLAST_CASES", 1));
    match runner(cases, name).run(drawn, |value| quietly(|| holds(value)).map_err(TestCaseError::fail)) {
        Ok(()) => {}
        Err(TestError::Fail(reason, value)) => panic!("{name}: {reason}\n{value:?}"),
        Err(TestError::Abort(reason)) => panic!("{name}: {reason}"),
    }
}
