//! The search for profit: it finds what is open, and nothing where nothing is open.

use ballast_sim::attack::{Field, Genome, Report, Terms, Verdict, World, search};
use ballast_sim::script::{Line, ScriptGenesis};
use ballast_sim::seed::Seed;
use ballast_units::{Amount, Price, Ratio, Usd};

/// Dust of the house, dollars.
const DUST: u64 = 100;

fn world(field: Field) -> World {
    World::new(field, Seed::new(1), &ScriptGenesis::default()).unwrap()
}

fn run(worlds: &[World], runs: u64, threads: usize) -> Report {
    let terms = Terms { seed: Seed::new(1), threads, above: Amount::whole(DUST).dollars() };
    search(worlds, &terms, |progress| progress.runs < runs)
}

fn gain(world: &World, script: &str) -> Usd {
    let lines = script.lines().map(|line| Line::read(line.trim()).unwrap()).collect();
    match world.settled(&Genome(lines)) {
        Verdict::Scored(score) => score.gain,
        Verdict::Broken(what) => panic!("{what}"),
    }
}

/// A house that lends the whole worth of collateral: when a price falls, whoever borrowed leaves it with the loss.
fn careless_lender() -> ScriptGenesis {
    let mut script = ScriptGenesis::default();
    script.genesis.listing_check = false;
    for token in script.genesis.chains.iter_mut().flat_map(|chain| &mut chain.tokens) {
        token.params.threshold = Ratio::ONE;
        token.params.threshold_initial = Ratio::ONE;
    }
    script
}

/// A house whose coin is worth 1.80 dollars, and which calls that par: whoever borrows gets more than he owes.
fn generous() -> ScriptGenesis {
    let mut script = ScriptGenesis::default();
    script.genesis.oracle.par_tolerance = Ratio::percent(90);
    let mut prices = script.prices();
    prices.insert("USDC".to_owned(), Price::from_wei(1_800_000_000_000_000_000).unwrap());
    script.shortcuts.prices = Some(prices);
    script
}

/// The short pass: fixed seed, fixed number of runs. A find here is new; it is mended or explained.
#[test]
fn the_house_gives_nothing_away() {
    let worlds = Field::ALL.map(world);
    let report = run(&worlds, 1_024, 2);
    assert!(report.broken.is_empty(), "{:?}", report.broken);
    assert!(report.finds.is_empty(), "{:?}", report.finds);
    // It did something: more kinds of events and rejects than a script of nothing shows.
    assert!(50 < report.kinds, "{} kinds", report.kinds);
}

/// The same search on a house that lends a coin for less than it is worth.
#[test]
fn a_coin_lent_below_its_worth_is_found() {
    let hole = World::new(Field::Calm, Seed::new(1), &generous()).unwrap();
    let report = run(&[hole], 1_024, 2);
    let best = report.finds.first().expect("the hole is found");
    assert!(Amount::whole(1_000_000).dollars() < best.score.gain, "{best:?}");
    // What is left of it has no line to spare.
    assert!(best.genome.0.len() <= 4, "{best:?}");
}

/// What a house loses that lends the whole worth of collateral is seen, and that the default house does not lend it.
#[test]
fn a_loan_that_is_left_to_the_house_counts() {
    let script = r#"{"deposit": {"account": "trudy", "chain": "polygon", "asset": "ETH", "amount": "1000"}}
        {"borrow": {"account": "trudy", "chain": "ethereum", "amount": "3390000"}}
        {"advance": {"seconds": 3600}}"#;
    let hole = World::new(Field::Jump, Seed::new(1), &careless_lender()).unwrap();
    assert!(Amount::whole(50_000).dollars() < gain(&hole, script));
    assert!(gain(&world(Field::Jump), script) <= Usd::ZERO);
}

#[test]
fn threads_change_nothing() {
    let one = run(&[World::new(Field::Calm, Seed::new(1), &generous()).unwrap()], 1_024, 1);
    let three = run(&[World::new(Field::Calm, Seed::new(1), &generous()).unwrap()], 1_024, 3);
    let told = |report: &Report| {
        let finds = report.finds.iter().map(|find| (find.genome.clone(), find.score.gain, find.run));
        (report.runs, report.kinds, report.best.clone(), finds.collect::<Vec<_>>())
    };
    assert_eq!(told(&one), told(&three));
}

/// Gas of the deposit, 10 dollars, and nothing else: whatever the price does.
#[test]
fn holding_gains_nothing() {
    for field in Field::ALL {
        let script = r#"{"deposit": {"account": "mallory", "chain": "ethereum", "asset": "ETH", "amount": "1000"}}
            {"advance": {"seconds": 5400}}"#;
        assert_eq!(gain(&world(field), script), -Amount::whole(10).dollars(), "{}", field.name());
    }
}

/// Up on the path and down on its mirror image.
#[test]
fn a_bet_on_the_price_gains_nothing() {
    for (field, side) in [(Field::Jump, "long"), (Field::Jump, "short"), (Field::Swing, "long")] {
        let script = format!(
            r#"{{"deposit": {{"account": "trudy", "chain": "ethereum", "asset": "USDC", "amount": "500000"}}}}
            {{"trade": {{"account": "trudy", "market": "ETH", "side": "{side}", "quote": "500000"}}}}
            {{"advance": {{"seconds": 3600}}}}"#
        );
        let gain = gain(&world(field), &script);
        assert!(gain < Amount::whole(DUST).dollars(), "{} {side}: {gain}", field.name());
    }
}

/// The gas is gone all the same.
#[test]
fn a_dropped_deposit_is_back_in_the_wallet() {
    let script = r#"{"deposit": {"account": "oscar", "chain": "polygon", "asset": "ETH", "amount": "1", "final": false}}
        {"drop": {"chain": "polygon"}}"#;
    assert_eq!(gain(&world(Field::Calm), script), -Amount::whole(1).dollars());
}
