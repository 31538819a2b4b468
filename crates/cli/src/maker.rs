//! `ballast maker`: Maker's auctions of March 2020, sold again by ours.

use ballast_sim::maker::{Comparison, Index, MakerData, Means, Total, VARIANTS, Variant, compare};
use ballast_sim::report::{dollars, grouped, percent};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::BadInput;

const EXAMPLES: &str = "Examples:
  ballast maker --prices 2020-03-12/
  ballast maker --prices 2020-03-12/ --json

The folder holds maker_flip_auctions_*.csv.gz, maker_osm_eth_price_*.csv, eth_gas_1m_*.csv and ETH's candles. How the
bidders are modelled: docs/replay.md";

/// Sells Maker's real lots of March 2020 by our auctions, with the bidders of those hours, and lays both side by side.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Folder of the data
    #[arg(long, value_name = "DIR")]
    prices: PathBuf,
    /// Print one JSON object as the last line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let data = MakerData::read_folder(&args.prices).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        BadInput(format!("{error}{cause}"))
    })?;
    let comparisons = VARIANTS.map(|variant| compare(&data, variant));
    let mut out = std::io::stdout().lock();
    for comparison in &comparisons {
        print(&mut out, comparison)?;
    }
    if args.json {
        writeln!(out, "{}", serde_json::json!({ "maker": comparisons }))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn name(variant: Variant) -> String {
    let index = match variant.index {
        Index::Own => "own index",
        Index::Delayed => "Maker's delayed index",
    };
    let means = match variant.means {
        Means::Eth => "bidders take the ETH that was contested",
        Means::Dollars => "bidders have the dollars that were contested",
        Means::Nobody => "nobody bids, the reserve buys",
    };
    let times = if variant.discount_times == 1 { "" } else { ", discount doubled" };
    format!("{index}, {means}{times}")
}

fn print(out: &mut impl Write, comparison: &Comparison) -> std::io::Result<()> {
    writeln!(out, "{}", name(comparison.variant))?;
    writeln!(
        out,
        "{:<18}{:>6}{:>12}{:>14}{:>9}{:>9}{:>9}{:>9}{:>14}{:>7}{:>14}",
        "",
        "lots",
        "ETH",
        "worth, USD",
        "Maker",
        "ours",
        "median",
        "median",
        "reserve, USD",
        "lots",
        "a day later"
    )?;
    for row in &comparison.rows {
        let Total { name, lots, eth, worth, reserve, reserve_lots, reserve_day_later, .. } = row;
        writeln!(
            out,
            "{name:<18}{lots:>6}{:>12}{:>14}{:>9}{:>9}{:>9}{:>9}{:>14}{:>7}{:>14}",
            dollars(*eth),
            dollars(*worth),
            percent(row.maker_share),
            percent(row.share),
            percent(row.maker_median),
            percent(row.median),
            dollars(*reserve),
            grouped(u128::from(*reserve_lots)),
            dollars(*reserve_day_later)
        )?;
    }
    writeln!(out)
}
