//! `ballast replay`: a crash, replayed through the engine.

use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:
  ballast replay
  ballast replay --prices candles/ --accounts 100000 --seed 1 --report day.html
  ballast replay --prices candles/ --scenario bidders_gone.toml --json
  ballast replay --record day.log && ballast verify day.log

Without --prices it plays 19 May 2021, told by its published turning points and bridged by the seed.";

/// Replays a crash: prices go in, accounts trade and borrow, fail and are liquidated, and the books balance.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Folder of candles, <asset>_usdt_<interval>.csv
    #[arg(long, value_name = "DIR")]
    prices: Option<PathBuf>,
    /// How many accounts
    #[arg(long, value_name = "N")]
    accounts: Option<u32>,
    /// What everything random is drawn from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Scenario, TOML
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Times real time; without it as fast as possible
    #[arg(long, value_name = "X")]
    speed: Option<f64>,
    /// Write the block log there, for `ballast verify`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write a report with charts there, HTML
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print one JSON object as the last line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("replay waits for ballast_sim::replay: {args:?}")
}
