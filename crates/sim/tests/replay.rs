//! Replays of the told day, small and short: the worst two hours, a few hundred accounts, every invariant checked
//! after every block.

use ballast_engine::{Engine, Outcome};
use ballast_sim::replay::{Replay, ReplayError, Summary};
use ballast_sim::scenario::Bidders;
use ballast_sim::{CandleSet, Candles, Scenario, Seed, report, story};
use ballast_types::{Event, Hash};
use ballast_units::{Amount, Millis, Ratio, Time};
use std::path::Path;

/// 12:00 to 14:00 on the 19th.
fn crash(accounts: u32) -> Scenario {
    let noon = story::DAY_START.after(Millis::hours(12));
    Scenario {
        accounts,
        from: Some(noon),
        to: Some(noon.after(Millis::hours(2))),
        warm_up: Millis::minutes(40),
        ..Scenario::default()
    }
}

fn told() -> CandleSet {
    story::may_19_2021(Seed::new(1))
}

fn replay(scenario: Scenario, candles: CandleSet) -> Replay {
    Replay::new(scenario, candles, None).unwrap_or_else(|error| panic!("{error}"))
}

fn run(replay: &mut Replay) -> Summary {
    while replay.step().is_some() {}
    replay.summary()
}

fn parse(text: &str) -> Scenario {
    Scenario::parse(Path::new("scenario.toml"), text).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(scenario: Scenario, candles: CandleSet) -> ReplayError {
    Replay::new(scenario, candles, None).map(|_| ()).expect_err("it should be refused")
}

#[test]
fn a_crash_liquidates_and_the_books_balance() {
    let mut replay = replay(crash(400), told());
    let summary = run(&mut replay);
    assert!(50 < summary.liquidated, "{summary:?}");
    assert!(summary.liquidated <= summary.tasks);
    assert!(Amount::ZERO < summary.debt_liquidated && Amount::ZERO < summary.notional_liquidated);
    // I08: what the layers took adds up to the loss.
    let fall = summary.waterfall;
    assert_eq!(fall.tranche + fall.float + fall.cover + fall.deficit, summary.bad_debt);
    // Lots were sold, and for less than index.
    let totals = summary.auctions;
    assert!(0 < totals.lots && totals.lots <= totals.rounds);
    assert!(Amount::ZERO < totals.paid && totals.paid < totals.sold);
    assert!(totals.price_worst <= totals.price_median && totals.price_mean < Ratio::ONE);
    // Hours add up.
    let debt: Amount = summary.hours.iter().map(|row| row.debt).sum();
    assert_eq!((debt, summary.hours.len()), (summary.debt_liquidated, 2));
    assert_eq!(summary.hours.iter().map(|row| row.tasks).sum::<u64>(), summary.tasks);
    // 40 minutes and two hours of 2 s, without the last moment.
    assert_eq!(summary.blocks, 4_799);
    assert_eq!(replay.progress().done, summary.blocks);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let report = |scenario: Scenario| {
        let mut replay = replay(scenario, told());
        let summary = run(&mut replay);
        (summary.state_hash, report::html(&summary, replay.figures()))
    };
    let (hash, html) = report(crash(150));
    assert_eq!(report(crash(150)), (hash, html));
    let (other, _) = report(Scenario { seed: 2, ..crash(150) });
    assert_ne!(other, hash);
}

#[test]
fn everybody_is_in_before_the_first_moment() {
    let mut replay = replay(crash(300), told());
    let (mut opened, mut borrowed, mut positions, mut lent) = (0, 0, 0, 0);
    while replay.progress().warming_up {
        for event in &replay.step().expect("the warm-up has blocks").outcome.events {
            match event {
                Event::AccountOpened { .. } => opened += 1,
                Event::Borrowed { .. } => borrowed += 1,
                Event::PositionOpened(_) => positions += 1,
                Event::Lent { .. } => lent += 1,
                Event::AccountLocked { .. } => panic!("nobody fails before the first moment"),
                _ => {}
            }
        }
    }
    // 300 people, one who fills the layers, twelve arbitrageurs, twelve keepers.
    assert_eq!(opened, 325);
    assert_eq!(replay.state().keepers.len(), 12);
    // Of 180 borrowers; the others have too little collateral for the least loan of any chain.
    assert_eq!(borrowed, 69);
    assert_eq!(lent, 6);
    // 96 traders, but for those who were refused to the end; arbitrageurs on top.
    assert!(90 < positions, "{positions}");
    let summary = replay.summary();
    assert!(!summary.rejects.keys().any(|code| code.starts_with("E3")), "{:?}", summary.rejects);
}

#[test]
fn assets_without_candles_are_left_out() {
    let only_eth: CandleSet = told().into_iter().filter(|(symbol, _)| symbol == "ETH").collect();
    let mut replay = replay(crash(200), only_eth);
    let genesis = replay.genesis();
    let assets: Vec<&str> = genesis.assets.iter().map(|asset| asset.symbol.as_str()).collect();
    assert_eq!(assets, ["USDC", "ETH", "BAL"]);
    let markets: Vec<&str> = genesis.markets.iter().map(|market| market.asset.as_str()).collect();
    assert_eq!((markets, genesis.chains.len()), (vec!["ETH"], 5));
    for (place, chain) in genesis.chains.iter().enumerate() {
        let tokens: Vec<&str> = chain.tokens.iter().map(|token| token.asset.as_str()).collect();
        // Keepers stake on the first chain.
        let listed = if place == 0 { &["USDC", "ETH", "BAL"][..] } else { &["USDC", "ETH"] };
        assert_eq!(tokens, listed, "{}", chain.name);
    }
    assert!(0 < run(&mut replay).liquidated);
}

/// Both are followed until all that was opened is over: what is not sold yet has cost nobody anything yet. And bidders have
/// dollars enough for all of 400 accounts, of which one may have a third: where they run out, being there is hardly better.
#[test]
fn without_bidders_less_is_recovered() {
    let crash = |accounts| {
        let scenario = crash(accounts);
        let bidders = Bidders { capital: Amount::whole(2_000_000_000), ..scenario.bidders };
        Scenario { bidders, cool_down: Millis::hours(4), ..scenario }
    };
    let with = run(&mut replay(crash(400), told()));
    let away = "[[bidders_away]]\nfrom = 2021-05-19T12:30:00Z\nto = 2021-05-19T13:20:00Z\nshare = \"1\"\n";
    let bidders_away = parse(away).bidders_away;
    let without = run(&mut replay(Scenario { bidders_away, ..crash(400) }, told()));
    // No word on bad debt: the told day recovers after 13:10, and what nobody bought in the trough is sold after it for more
    // (7,135 of bad debt without bidders, 141,773 with them). Against the index of the moment it is sold for less.
    assert!(without.auctions.price_mean < with.auctions.price_mean);
    // A lot takes more rounds; how many lots there are is up to the prices that they meet.
    let (one, other) = (with.auctions, without.auctions);
    assert!(one.rounds * other.lots < other.rounds * one.lots, "{one:?} {other:?}");
    assert!(without.claims.fill < with.claims.fill);
    assert!(with.auctions.reserve_paid <= without.auctions.reserve_paid);
}

#[test]
fn its_blocks_alone_give_the_same_hashes() {
    let mut replay = replay(crash(100), told());
    let mut engine = Engine::new(replay.genesis()).unwrap();
    let (mut outcome, mut last) = (Outcome::default(), Hash::default());
    while let Some(step) = replay.step() {
        engine.apply(step.block, &mut outcome);
        assert_eq!(outcome.state_hash, step.outcome.state_hash, "height {}", step.block.height);
        last = outcome.state_hash;
    }
    assert_eq!(last, replay.summary().state_hash);
}

#[test]
fn the_report_is_whole() {
    let mut scenario = crash(150);
    scenario.name = "<b>\"R&D\"</b>".to_owned();
    let mut replay = replay(scenario, told());
    let summary = run(&mut replay);
    let html = report::html(&summary, replay.figures());
    for section in [
        "Results",
        "Prices and mark",
        "Distance of mark from index",
        "Open interest",
        "Liquidations",
        "Auctions",
        "Claims",
        "Reserve",
        "Waterfall",
        "Slippage",
        "Tables",
    ] {
        assert!(html.contains(&format!("<h2>{section}</h2>")), "no section {section}");
    }
    for chart in [
        "ETH: index, mark and risk price",
        "MATIC: open interest at index",
        "Liquidations per minute",
        "Share of liquidated debt per hour",
        "Price paths of the largest auctions",
        "Every sale: price by time",
        "Reserve, tranches and deficits",
        "What each layer of the waterfall has absorbed",
        "SOL: slippage of the probing trade",
    ] {
        assert!(html.contains(&format!("<h3>{chart}</h3>")), "no chart {chart}");
    }
    assert!(html.contains(&summary.state_hash.to_string()));
    assert!(!html.contains("<b>") && html.contains("&lt;b&gt;&quot;R&amp;D&quot;&lt;/b&gt;"));
    // Nothing is fetched from elsewhere, no number is missing.
    for foreign in ["http:", "https:", "src=", "url(", "NaN", "inf"] {
        assert!(!html.contains(foreign), "{foreign} in the report");
    }
    assert_balanced(&html);
}

/// Every tag that opens closes, in order.
fn assert_balanced(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closing tag");
        } else if !tag.ends_with('/') && !tag.starts_with('!') {
            open.push(name);
        }
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn parameters_replace_those_of_the_house() {
    let text = "depth_formula = false\n[depth]\nETH = \"250000000\"\n[genesis]\nlisting_check = false\n\
                [genesis.liquidation]\nslice_blocks = 5\n\
                [[genesis.markets]]\nasset = \"ETH\"\nfee_trade = 5\nband = \"off\"\n\
                [[genesis.chains]]\nname = \"polygon\"\nblock_time = 3000\n";
    let scenario = Scenario { genesis: parse(text).genesis, ..parse(text) };
    let replay = replay(Scenario { accounts: 50, ..scenario }, told());
    let genesis = replay.genesis();
    assert_eq!(genesis.liquidation.slice_blocks, 5);
    let fees: Vec<u32> = genesis.markets.iter().map(|market| market.params.fee_trade.get()).collect();
    assert_eq!(fees, [5, 10, 10, 10]);
    assert_eq!((genesis.markets[0].params.band, genesis.markets[1].params.band.is_some()), (None, true));
    let block_times: Vec<u64> = genesis.chains.iter().map(|chain| chain.block_time.get()).collect();
    assert_eq!(block_times, [12_000, 3_000, 3_000, 400, 1_000]);
    assert!(genesis.markets.iter().all(|market| market.params.depth.is_none()));
    // 250 M for 100,000 accounts are 125,000 for 50.
    assert_eq!(genesis.markets[0].quote_reserve, Amount::whole(125_000));
}

#[test]
fn parameters_that_the_house_does_not_have_are_refused() {
    let refused = |text: &str| refusal(Scenario { accounts: 50, ..parse(text) }, told()).to_string();
    assert_eq!(
        refused("[genesis.liquidation]\nslice_bloks = 5\n"),
        "the scenario's genesis: genesis.liquidation.slice_bloks: no such parameter"
    );
    assert_eq!(
        refused("[[genesis.markets]]\nasset = \"DOGE\"\n"),
        "the scenario's genesis: genesis.markets: nothing here is called DOGE"
    );
    assert!(refused("[[genesis.markets]]\nfee_trade = 5\n").contains("needs a name, symbol or asset"));
    assert!(refused("[genesis.liquidation]\nslice_blocks = \"many\"\n").contains("invalid type"));
    assert!(
        refused("[[genesis.markets]]\nasset = \"ETH\"\nmargin_maintenance = \"0.01\"\n").contains("E4001")
    );
}

#[test]
fn the_window_is_the_day_with_the_deepest_fall() {
    // Three days of hours: on the first ETH falls by a tenth, on the second by a third, then it rises.
    let hour = |hour: u64, price: &str| format!("{},{price},{price},{price},{price},0", hour * 3_600_000);
    let price = |at: u64| match at {
        0..10 => "100",
        10..30 => "90",
        30..60 => "60",
        _ => "95",
    };
    let rows: Vec<String> = (0..72).map(|at| hour(at + 24 * 365, price(at))).collect();
    let text = format!("timestamp_ms,open,high,low,close,volume\n{}\n", rows.join("\n"));
    let candles = Candles::from_csv(Path::new("eth"), Millis::hours(1), &text).unwrap();
    let set: CandleSet = [("ETH".to_owned(), candles)].into();
    let window = |scenario: Scenario| {
        let summary = replay(Scenario { accounts: 20, ..scenario }, set.clone()).summary();
        (summary.from, summary.to)
    };
    let day = |day: u64| Time::ZERO.after(Millis::days(365 + day));
    assert_eq!(window(Scenario::default()), (day(1), day(2)));
    assert_eq!(window(Scenario { from: Some(day(2)), ..Scenario::default() }), (day(2), day(3)));
    let late = Scenario { from: Some(day(2)), to: Some(day(4)), ..Scenario::default() };
    assert_eq!(
        refusal(late, set.clone()).to_string(),
        "the scenario runs from 1971-01-03 00:00:00 to 1971-01-05 00:00:00, the prices from 1971-01-01 00:00:00 \
         to 1971-01-04 00:00:00; expected a time within"
    );
}

#[test]
fn what_cannot_be_replayed_is_refused() {
    let doge: CandleSet =
        told().into_iter().map(|(symbol, candles)| (format!("X{symbol}"), candles)).collect();
    assert_eq!(
        refusal(crash(50), doge).to_string(),
        "no candles of an asset that the house knows; expected at least one of USDC, ETH, SOL, BNB, MATIC"
    );
    let hasty = Scenario { warm_up: Millis::minutes(5), ..crash(50) };
    let text = refusal(hasty, told()).to_string();
    assert!(text.contains("warm_up is 300000 ms; expected at least"), "{text}");
    let nobody = Scenario { accounts: 0, ..crash(50) };
    assert_eq!(refusal(nobody, told()).to_string(), "the scenario's accounts is 0; expected 1 to 10,000,000");
}
