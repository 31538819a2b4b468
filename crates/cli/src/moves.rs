//! `ballast moves`: how far prices moved, from candles: the evidence for J of rule R8.

use ballast_sim::candles::read_folder;
use ballast_sim::moves::Moves;
use ballast_sim::report::percent;
use ballast_units::{Millis, Ratio};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::BadInput;

/// The 99.9 % quantile.
const QUANTILE: usize = 9_990;

/// Measures the 99.9 % quantile of price moves, close to close, asset by asset.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ballast moves --prices candles/ --within 1,5,10,35")]
pub(crate) struct Args {
    /// Folder of candles, <asset>_usdt_<interval>.csv
    #[arg(long, value_name = "DIR")]
    prices: PathBuf,
    /// Within so many minutes; multiples of the candles' interval
    #[arg(long, value_name = "MINUTES", value_delimiter = ',', default_values_t = [1, 5, 10, 35])]
    within: Vec<u64>,
    /// Beside it, which share of the moves is not larger than so many basis points
    #[arg(long, value_name = "BPS", default_value_t = 200)]
    most: u16,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let set = read_folder(&args.prices).map_err(|error| BadInput(error.to_string()))?;
    let most = Ratio::bps(i64::from(args.most));
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:<8}{:>8}{:>8}{:>12}{:>24}",
        "asset",
        "minutes",
        "moves",
        "99.9 %",
        format!("not above {}", percent(most))
    )?;
    for (asset, candles) in &set {
        for minutes in &args.within {
            let Some(moves) = Moves::of(candles, Millis::minutes(*minutes)) else { continue };
            let within = format!("{:.2} %", moves.share_within(most) * 1e2);
            let quantile = percent(moves.quantile(QUANTILE));
            writeln!(out, "{asset:<8}{minutes:>8}{:>8}{quantile:>12}{within:>24}", moves.count())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
