//! `ballast bench`: what the engine takes on this machine.
//!
//! Whole runs, not samples: each figure is the wall time of real blocks through [`ballast_engine::Engine::apply`],
//! state hash included, on one core. The criterion benches (`cargo bench`) look at single operations.

use anyhow::Context;
use ballast_engine::BlockStage;
use ballast_engine::liquidation::deleverage::plan;
use ballast_sim::failing::Failing;
use ballast_sim::load::{Kind, Load};
use serde::Serialize;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "Examples:
  ballast bench
  ballast bench --accounts 100000 --json";

/// Measures the engine on one core of this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// How many accounts
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    accounts: u32,
    /// How many markets
    #[arg(long, value_name = "N", default_value_t = 16)]
    markets: u16,
    /// Trades in a block
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    block: u32,
    /// Seed of everything
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Print one JSON object as the last line
    #[arg(long)]
    json: bool,
}

/// One figure.
#[derive(Debug, Serialize)]
struct Figure {
    /// What was measured.
    name: &'static str,
    /// How much.
    value: f64,
    /// Of what.
    unit: &'static str,
    /// What the project aims at; "" where there is no aim.
    aim: &'static str,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut figures = Vec::new();
    eprintln!("processor: {}", processor());
    trades(args, &mut figures)?;
    positions(args, &mut figures)?;
    failures(args, &mut figures)?;
    deleveraging(args, &mut figures)?;
    tasks(&mut figures)?;
    if args.json {
        println!("{}", serde_json::to_string(&figures)?);
    } else {
        for Figure { name, value, unit, aim } in &figures {
            let aim = if aim.is_empty() { String::new() } else { format!("   aim: {aim}") };
            println!("{name:<58} {value:>14.3} {unit}{aim}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Trades by accounts with cash only, any market.
fn trades(args: &Args, figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    eprintln!("opening {} accounts with cash", args.accounts);
    let mut load =
        Load::new(args.accounts, args.markets, Kind::Cash, args.seed).context("the load's genesis")?;
    let rate = trade_blocks(&mut load, args.block, 100, false);
    figures.push(Figure {
        name: "trades, cash accounts, any market",
        value: rate,
        unit: "trades/s",
        aim: "1,000,000",
    });
    Ok(())
}

/// Everything that is measured on accounts with one position and one collateral each.
fn positions(args: &Args, figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    eprintln!("opening {} accounts with collateral", args.accounts);
    let before = resident();
    let mut load =
        Load::new(args.accounts, args.markets, Kind::Collateral, args.seed).context("the load's genesis")?;
    load.open_all(args.block);
    let used = resident().saturating_sub(before);
    figures.push(Figure {
        name: "memory an account with one position and one collateral",
        value: used as f64 / f64::from(args.accounts),
        unit: "bytes",
        aim: "below 400",
    });
    let rate = trade_blocks(&mut load, args.block, 50, true);
    figures.push(Figure {
        name: "trades, one position and one collateral each",
        value: rate,
        unit: "trades/s",
        aim: "",
    });
    // A price that moves a little: nobody fails.
    let mut ticks = Vec::new();
    for cents in [9_995, 10_005, 9_990, 10_010, 9_985, 10_000, 9_980, 10_000, 9_975, 10_000] {
        let block = load.tick(10_000, Some((0, cents)));
        let (_, took) = timed(|| load.apply(&block));
        ticks.push(took);
        anyhow::ensure!(load.locked() == 0, "nobody should fail at {cents} cents");
    }
    ticks.sort();
    figures.push(Figure {
        name: "price tick, nobody fails, median of 10",
        value: millis(ticks.get(ticks.len() / 2).copied().unwrap_or_default()),
        unit: "ms",
        aim: "below 1 ms",
    });
    let (bytes, took) = timed(|| load.engine.snapshot());
    figures.push(Figure {
        name: "snapshot, all invariants checked",
        value: millis(took),
        unit: "ms",
        aim: "",
    });
    figures.push(Figure { name: "snapshot size", value: bytes.len() as f64 / 1e6, unit: "MB", aim: "" });
    let (restored, took) = timed(|| ballast_engine::Engine::restore(&bytes));
    let restored = restored.context("the snapshot just taken")?;
    figures.push(Figure { name: "restore", value: millis(took), unit: "ms", aim: "" });
    anyhow::ensure!(
        restored.state().house.hash == load.engine.state().house.hash,
        "the restored hash differs"
    );
    drop((restored, bytes));
    Ok(())
}

/// One price falls so far that every account of its market fails in one block.
fn failures(args: &Args, figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    // A hundred markets: a hundredth of the accounts, 10,000 of a million, are in the one that falls.
    let mut load =
        Load::new(args.accounts, 100, Kind::Collateral, args.seed).context("the load's genesis")?;
    load.open_all(args.block);
    let block = load.tick(10_000, Some((0, 3_000)));
    let start = Instant::now();
    let mut queued = Duration::ZERO;
    load.apply_in_stages(&block, &mut |stage| {
        if stage == BlockStage::Queued {
            queued = start.elapsed();
        }
    });
    let whole = start.elapsed();
    let failed = load.locked();
    anyhow::ensure!(failed > 0, "the fall should make accounts fail");
    eprintln!("{failed} accounts failed at once");
    figures.push(Figure {
        name: "a hundredth fails: tick to all locked, hashed and queued",
        value: millis(queued),
        unit: "ms",
        aim: "below 20 ms for 10,000",
    });
    figures.push(Figure {
        name: "a hundredth fails: the whole block",
        value: millis(whole),
        unit: "ms",
        aim: "",
    });
    Ok(())
}

/// The plan that closes a position against 35,000 profitable ones.
fn deleveraging(args: &Args, figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    let mut load = Load::new(140_000, 2, Kind::Collateral, args.seed).context("the load's genesis")?;
    load.open_all(args.block);
    let block = load.tick(10_000, Some((1, 9_900)));
    load.apply(&block);
    let market = ballast_types::MarketId(1);
    let state = load.engine.state();
    let price = state.markets.get(market).prices.risk.context("the market has a price")?;
    let quantity = ballast_units::Amount::whole(10_000);
    let mut times = Vec::new();
    for _ in 0..20 {
        let run = || plan(state, load.account(1), market, true, quantity, price);
        let (shares, took) = timed(run);
        anyhow::ensure!(shares.len() == 35_000, "{} counterparties", shares.len());
        times.push(took);
    }
    times.sort();
    figures.push(Figure {
        name: "deleveraging plan over 35,000 positions, median of 20",
        value: millis(times.get(10).copied().unwrap_or_default()),
        unit: "ms",
        aim: "below 12 ms",
    });
    Ok(())
}

/// Tasks open at once, from the price tick that makes them fail to their last payment, and a reorg of all their takes.
fn tasks(figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    const TASKS: u32 = 10_000;
    let mut load = Failing::new(TASKS).context("the load's genesis")?;
    let mut spent = Duration::ZERO;
    let mut apply = |load: &mut Failing, block: &ballast_types::Block| {
        let (_, took) = timed(|| load.apply(block));
        spent += took;
        took
    };
    let block = load.fall();
    apply(&mut load, &block);
    let sales = load.sales();
    anyhow::ensure!(load.tasks() == TASKS as usize && sales.len() == load.tasks(), "everybody should fail");
    let block = load.starts(&sales);
    apply(&mut load, &block);
    let block = load.takes(&sales);
    apply(&mut load, &block);
    let block = load.ends(&sales);
    apply(&mut load, &block);
    anyhow::ensure!(load.tasks() == 0, "{} tasks are still open", load.tasks());
    figures.push(Figure {
        name: "a task over its whole life, 10,000 open at once",
        value: spent.as_secs_f64() * 1e6 / f64::from(TASKS),
        unit: "us",
        aim: "",
    });

    let mut load = Failing::new(TASKS).context("the load's genesis")?;
    let block = load.fall();
    load.apply(&block);
    let sales = load.sales();
    let block = load.starts(&sales);
    load.apply(&block);
    let block = load.takes(&sales);
    load.apply(&block);
    let block = load.drops(sales.len());
    let (_, took) = timed(|| load.apply(&block));
    anyhow::ensure!(load.outcome().rejects.is_empty(), "the drop should be taken");
    figures.push(Figure { name: "rollback of 10,000 takes", value: millis(took), unit: "ms", aim: "" });
    Ok(())
}

/// Applies so many blocks of trades; returns trades a second, refused ones not counted.
fn trade_blocks(load: &mut Load, size: u32, blocks: u32, own_market: bool) -> f64 {
    let blocks: u32 = blocks.max(1);
    let mut spent = Duration::ZERO;
    let mut done = 0_u64;
    for _ in 0..blocks {
        let block = load.trades(size, own_market);
        let (_, took) = timed(|| load.apply(&block));
        spent += took;
        done += u64::from(size).saturating_sub(load.outcome().rejects.len() as u64);
    }
    done as f64 / spent.as_secs_f64()
}

fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = run();
    (result, start.elapsed())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Bytes of this process in memory; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("model name"));
    line.map_or_else(|| "unknown".to_owned(), |line| line.trim_start_matches(['\t', ' ', ':']).to_owned())
}
