//! Replays with keepers that fail and chains that break, small and short: every invariant checked after every block.

use ballast_sim::replay::{Replay, Role, Summary, roles};
use ballast_sim::scenario::{ChainFaults, FaultPlan, Keepers};
use ballast_sim::{Scenario, Seed, story};
use ballast_types::Hash;
use ballast_units::{Millis, Ratio};

/// 12:30 to 13:10 on the 19th, with everything that can go wrong.
fn broken(accounts: u32, seed: u64) -> Scenario {
    let from = story::DAY_START.after(Millis::minutes(12 * 60 + 30));
    let polygon = ChainFaults {
        reorg_every: Millis::minutes(5),
        reorg_deep: 40,
        halt_every: Millis::minutes(20),
        spike_every: Millis::minutes(20),
        ..ChainFaults::default()
    };
    let bsc = ChainFaults { reorg_every: Millis::minutes(7), reorg_depth: 12, ..ChainFaults::default() };
    let keepers = Keepers { offline: 2, slow: 1, lying: 1, colluding: 2, lies: 10_000, ..Keepers::default() };
    let chains = [("polygon".to_owned(), polygon), ("bsc".to_owned(), bsc)].into();
    let faults = FaultPlan { validators: 4, lagging: 1, lying: 1, chains, ..FaultPlan::default() };
    Scenario {
        accounts,
        seed,
        from: Some(from),
        to: Some(from.after(Millis::minutes(40))),
        warm_up: Millis::minutes(40),
        cool_down: Millis::hours(1),
        keepers,
        faults,
        ..Scenario::default()
    }
}

fn run(scenario: Scenario) -> Summary {
    let mut replay = Replay::new(scenario, story::may_19_2021(Seed::new(1)), None)
        .unwrap_or_else(|error| panic!("{error}"));
    while replay.step().is_some() {}
    replay.summary()
}

#[test]
fn false_reports_are_found_and_reorgs_are_survived() {
    let summary = run(broken(400, 1));
    let claims = &summary.claims;
    assert!(20 < claims.tasks, "{claims:?}");
    assert!(7 + 5 <= claims.reorgs, "{claims:?}");
    assert!(0 < claims.false_reports_planted, "{claims:?}");
    assert_eq!(claims.false_reports_found, claims.false_reports_planted, "{claims:?}");
    assert_eq!((claims.honest_slashed, claims.malicious_changes), (0, 0), "{claims:?}");
    assert_eq!(claims.consistency, Ratio::ONE, "{claims:?}");
    let liar = claims.keepers.iter().find(|row| row.role == "lying").expect("one lies");
    assert!(liar.slashed, "{liar:?}");
    // Who is silent never reports; some are drawn before that is known.
    let silent = claims.keepers.iter().filter(|row| row.role == "offline");
    assert_eq!(silent.map(|row| row.reports).sum::<u64>(), 0);
}

/// One of four validators lies about every other thing that its chains tell: events, drops, finality. The hub is told only what
/// a vault can have done.
#[test]
fn a_validator_that_lies_all_the_time_changes_nothing() {
    let mut scenario = broken(300, 3);
    scenario.faults = FaultPlan { lagging: 0, lies: 5_000, ..scenario.faults };
    let summary = run(scenario);
    assert!(20 < summary.claims.tasks && 12 <= summary.claims.reorgs, "{:?}", summary.claims);
    assert!(summary.faults().is_empty(), "{:?}", summary.faults());
    assert!(summary.anomalies.is_empty(), "{:?}", summary.anomalies);
    assert_eq!(summary.claims.consistency, Ratio::ONE);
}

/// Story: on a chain that is final within seconds, a quorum of validators with one that lags agrees on the end of an auction and on
/// its finality at once. The lot was gone before anybody was asked to report on it, and honest keepers were marked late,
/// frozen one after the other, until nobody was left to draw.
#[test]
fn keepers_report_on_what_is_final_at_once() {
    let nothing_else = broken(300, 1);
    let faults = FaultPlan { validators: 4, lagging: 1, ..FaultPlan::default() };
    let weights = [("solana".to_owned(), 1)].into();
    let scenario = Scenario { keepers: Keepers::default(), faults, chain_weights: weights, ..nothing_else };
    let claims = run(scenario).claims;
    assert!(20 < claims.keepers.iter().map(|row| row.reports).sum::<u64>(), "{claims:?}");
    assert_eq!(claims.keepers.iter().map(|row| row.late).sum::<u64>(), 0, "{claims:?}");
}

#[test]
fn faults_are_the_same_for_the_same_seed() {
    let hash = |seed| -> Hash { run(broken(120, seed)).state_hash };
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}

#[test]
fn without_keepers_validators_deliver() {
    let keepers = Keepers { number: 0, ..Keepers::default() };
    let summary = run(Scenario { keepers, ..broken(200, 1) });
    assert!(summary.claims.keepers.is_empty());
    assert!(0 < summary.auctions.lots && !summary.auctions.sold.is_zero(), "{:?}", summary.auctions);
}

#[test]
fn roles_are_given_out_to_the_last_keepers() {
    let terms = Keepers { number: 5, offline: 1, slow: 1, lying: 1, ..Keepers::default() };
    assert_eq!(roles(&terms), [Role::Honest, Role::Honest, Role::Slow, Role::Lying, Role::Offline]);
}
