//! Drills in the middle of the crash: the validators rotate, every vault is frozen for minutes, and the house goes on.

use ballast_sim::replay::{DrillRow, Drills, Replay, ReplayError, Summary};
use ballast_sim::{CandleSet, Scenario, Seed, story};
use ballast_types::{ChainId, Event, Nonce, OrderAction};
use ballast_units::{Millis, Time};
use std::collections::BTreeSet;
use std::path::Path;

/// 12:30 to 14:00 on the 19th: the validators rotate at 12:45, every vault is frozen from 13:00 to 13:04; then it goes on
/// until what was opened is over.
fn scenario(more: &str) -> Scenario {
    let text = format!(
        "accounts = 500
        from = 2021-05-19T12:30:00Z
        to = 2021-05-19T14:00:00Z
        warm_up = 2400000
        cool_down = 7200000
        [drills]
        rotate_after = 900000
        freeze_after = 1800000
        freeze_for = 240000
        {more}"
    );
    Scenario::parse(Path::new("drills.toml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

fn told() -> CandleSet {
    story::may_19_2021(Seed::new(1))
}

/// What a replay came to, and the starts of auctions that were carried out before, within and after the freeze.
struct Run {
    summary: Summary,
    drills: Drills,
    epochs: Vec<(u32, u32)>,
    starts: [usize; 3],
}

fn play(scenario: Scenario) -> Run {
    let mut replay = Replay::new(scenario, told(), None).unwrap_or_else(|error| panic!("{error}"));
    let mut selling: BTreeSet<(ChainId, Nonce)> = BTreeSet::new();
    let mut offered = Vec::new();
    while let Some(step) = replay.step() {
        for order in &step.outcome.orders {
            if matches!(order.action, OrderAction::StartAuction { .. }) {
                selling.insert((order.chain, order.nonce));
            }
        }
        for event in &step.outcome.events {
            if let Event::LotTaken { .. } = event {
                offered.push(step.block.time);
            }
        }
    }
    assert!(replay.stopped().is_none());
    let summary = replay.summary();
    let drills = summary.drills.clone().expect("the scenario has drills");
    let (from, until) = drills.freeze_signed.expect("its time has come");
    let count = |is_it: &dyn Fn(Time) -> bool| offered.iter().filter(|time| is_it(**time)).count();
    let starts = [count(&|at| at < from), count(&|at| from <= at && at < until), count(&|at| until <= at)];
    let epochs = replay.state().chains.iter().map(|(_, chain)| (chain.epoch, chain.epoch_seen)).collect();
    Run { summary, drills, epochs, starts }
}

fn check(run: &Run, chains: usize) {
    let Run { summary, drills, epochs, starts } = run;
    assert_eq!(summary.faults(), Vec::<String>::new(), "{:?}", summary.refused_facts);
    assert_eq!(epochs, &vec![(1, 1); chains], "every vault obeys the next set");
    let (ordered, epoch) = drills.rotation_ordered.expect("its time has come");
    assert_eq!(epoch, 1);
    let (signed, until) = drills.freeze_signed.expect("its time has come");
    assert_eq!(until, signed.after(Millis::minutes(4)));
    assert_eq!(drills.chains.len(), chains);
    for row in &drills.chains {
        let DrillRow {
            rotated,
            rotated_final,
            frozen_from,
            frozen_until,
            held,
            held_carried,
            held_expired,
            ..
        } = row.clone();
        let (rotated, rotated_final) = (rotated.expect("it rotated"), rotated_final.expect("for good"));
        assert!(ordered < rotated && rotated < rotated_final && rotated_final < signed, "{row:?}");
        assert!(signed <= frozen_from.expect("it was frozen") && frozen_until == Some(until), "{row:?}");
        assert!(held_carried + held_expired <= held, "{row:?}");
    }
    let sum = |of: fn(&DrillRow) -> u64| drills.chains.iter().map(of).sum::<u64>();
    let (held, settled) = (sum(|row| row.held), sum(|row| row.held_carried + row.held_expired));
    assert!(0 < held, "the freeze is in the middle of the crash: {drills:?}");
    assert_eq!(held, settled, "what the freeze held up was carried out or is over: {drills:?}");
    // Liquidations go on.
    assert!(0 < starts[0] && 0 < starts[2], "takes before, within and after: {starts:?}");
    assert_eq!(summary.tasks_open, 0);
}

#[test]
fn a_house_comes_through_a_rotation_and_a_freeze() {
    let run = play(scenario(""));
    check(&run, 5);
    // I07: with drills, too.
    assert_eq!(play(scenario("")).summary.state_hash, run.summary.state_hash);
}

/// Seven validators make way for seven others, two of each lagging, one lying: what the newcomers read goes on where the others
/// ended, three of them freeze.
#[test]
fn a_house_of_seven_validators_comes_through_both() {
    let mut scenario = scenario("");
    scenario.faults.validators = 7;
    (scenario.faults.lagging, scenario.faults.lying) = (2, 1);
    check(&play(scenario), 5);
}

/// Chains that drop blocks meanwhile, halt, and take ever longer.
#[test]
fn reorgs_and_halts_do_not_keep_them_up() {
    let mut scenario = scenario("");
    scenario.faults.validators = 4;
    scenario.faults.lying = 1;
    for name in ["ethereum", "polygon", "bsc", "layer2"] {
        let faults = ballast_sim::scenario::ChainFaults {
            reorg_every: Millis::minutes(3),
            halt_every: Millis::minutes(20),
            spike_every: Millis::minutes(20),
            ..Default::default()
        };
        scenario.faults.chains.insert(name.to_owned(), faults);
    }
    let run = play(scenario);
    assert_eq!(run.summary.faults(), Vec::<String>::new());
    assert_eq!(run.epochs, [(1, 1); 5]);
    assert!(run.drills.chains.iter().all(|row| row.frozen_from.is_some()), "{:?}", run.drills);
    assert!(0 < run.summary.claims.reorgs);
}

#[test]
fn a_chain_that_joins_after_the_rotation_obeys_the_next_set() {
    let mut scenario = scenario("");
    scenario.joins = vec![ballast_sim::scenario::Join {
        chain: "layer2".to_owned(),
        at: scenario.from.unwrap().after(Millis::minutes(20)),
        accounts: 40,
    }];
    let run = play(scenario);
    assert_eq!(run.summary.faults(), Vec::<String>::new());
    assert_eq!(run.epochs, [(1, 1); 5]);
}

/// In the very block in which a chain joins.
#[test]
fn a_rotation_that_is_ordered_with_a_join_reaches_the_chain() {
    let mut scenario = scenario("");
    let at = scenario.from.unwrap().after(scenario.drills.rotate_after.unwrap());
    scenario.joins = vec![ballast_sim::scenario::Join { chain: "layer2".to_owned(), at, accounts: 40 }];
    let run = play(scenario);
    assert_eq!(run.summary.faults(), Vec::<String>::new());
    assert_eq!(run.epochs, [(1, 1); 5]);
    assert!(run.drills.chains.iter().any(|row| row.chain == "layer2" && row.rotated_final.is_some()));
}

#[test]
fn a_freeze_of_more_than_a_day_is_refused() {
    let mut scenario = scenario("");
    scenario.drills.freeze_for = Millis::new(Millis::days(1).get() + 1);
    let refused = Replay::new(scenario, told(), None).map(drop).expect_err("it should be refused");
    assert!(matches!(refused, ReplayError::Scenario(_)), "{refused}");
    assert!(refused.to_string().contains("drills.freeze_for is 86400001"), "{refused}");
}
