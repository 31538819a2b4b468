//! A chain that joins while the hub runs: by the scenario alone, with people, loans and liquidations on it.

use ballast_sim::replay::{Replay, ReplayError};
use ballast_sim::{CandleSet, Scenario, Seed, story};
use ballast_types::{ChainId, Event, Hash};
use ballast_units::{Amount, Millis};
use std::path::Path;

const JOINED: ChainId = ChainId(4);

/// 12:30 to 13:30 on the 19th; the Layer 2 comes three minutes later.
fn scenario() -> Scenario {
    let text = "
        accounts = 120
        from = 2021-05-19T12:30:00Z
        to = 2021-05-19T13:30:00Z
        warm_up = 2400000
        [[joins]]
        chain = \"layer2\"
        at = 2021-05-19T12:33:00Z
        accounts = 80
    ";
    Scenario::parse(Path::new("joins.toml"), text).unwrap_or_else(|error| panic!("{error}"))
}

fn told() -> CandleSet {
    story::may_19_2021(Seed::new(1))
}

fn refusal(scenario: Scenario) -> ReplayError {
    Replay::new(scenario, told(), None).map(|_| ()).expect_err("it should be refused")
}

/// State hash at the end, and how many lots of the chain that joined were to be sold.
fn play() -> (Hash, u64) {
    let mut replay = Replay::new(scenario(), told(), None).unwrap();
    assert_eq!(replay.state().chains.len(), 4);
    let (mut added, mut sold) = (None, 0);
    while let Some(step) = replay.step() {
        for event in &step.outcome.events {
            match event {
                Event::ChainAdded { chain, .. } => added = Some((*chain, step.block.time)),
                Event::LotQueued { token, .. } if token.chain == JOINED => sold += 1,
                _ => {}
            }
        }
    }
    let at = scenario().from.unwrap().after(Millis::minutes(3));
    assert_eq!(added, Some((JOINED, at)));
    let chain = replay.state().chains.get(JOINED);
    assert!(Amount::ZERO < chain.money.tranche() && Amount::ZERO < chain.money.lending());
    (replay.summary().state_hash, sold)
}

#[test]
fn a_chain_joins_and_its_accounts_are_liquidated_there() {
    let (hash, sold) = play();
    assert!(0 < sold);
    // I07: with a chain that joins, too.
    assert_eq!(play(), (hash, sold));
}

#[test]
fn a_chain_that_the_house_does_not_know_cannot_join() {
    let mut scenario = scenario();
    scenario.joins[0].chain = "nowhere".to_owned();
    let fault = refusal(scenario).to_string();
    assert!(fault.contains("nowhere"), "{fault}");
}

#[test]
fn a_house_of_several_validators_is_not_joined() {
    let mut scenario = scenario();
    scenario.faults.validators = 4;
    let fault = refusal(scenario).to_string();
    assert!(fault.contains("faults.validators is 4"), "{fault}");
}

#[test]
fn an_order_way_without_confirmations_is_refused() {
    let mut scenario = scenario();
    scenario.order_way.confirmations = 0;
    let fault = refusal(scenario).to_string();
    assert!(fault.contains("order_way.confirmations is 0"), "{fault}");
}
