//! `ballast replay`: a crash, replayed through the engine.
//!
//! - What it writes appears whole or not at all: files grow beside their place and are moved there at the end.
//! - Progress and warnings go to standard error, the result to standard output; with `--json` its last line is one object.
//! - With `--seeds` one replay follows the other, each a line of JSON: what `docs/results.md` tells of several seeds.

use crate::columns;
use anyhow::Context as _;
use ballast_cli::input::{BadInput, Pace, Source};
use ballast_node::log::Writer;
use ballast_sim::calendar;
use ballast_sim::replay::{Progress, Replay, Summary};
use ballast_sim::report::{self, dollars, grouped, percent};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

const EXAMPLES: &str = "Examples:
  ballast replay
  ballast replay --prices candles/ --accounts 100000 --seed 1 --report day.html
  ballast replay --prices candles/ --scenario scenarios/bidders_away.toml --json
  ballast replay --record day.log && ballast verify day.log
  ballast replay --prices candles/ --scenario scenarios/claims.toml --seeds 1..5

Without --prices it plays 19 May 2021, told by its published turning points and bridged by the seed. With --prices
and no window in the scenario it plays the 24 hours (UTC) with the deepest fall.";

/// Replays a crash: prices go in, accounts trade and borrow, fail and are liquidated, and the books balance.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// One replay for each of these seeds, both ends included; prints a JSON object a seed
    #[arg(long, value_name = "A..B", value_parser = seeds, conflicts_with_all = ["seed", "record", "report", "json"])]
    seeds: Option<Seeds>,
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

/// Seeds, both ends included.
#[derive(Clone, Copy, Debug)]
struct Seeds {
    first: u64,
    last: u64,
}

fn seeds(text: &str) -> Result<Seeds, String> {
    let ends = text.split_once("..").map(|(first, last)| (first.parse::<u64>(), last.parse::<u64>()));
    match ends {
        Some((Ok(first), Ok(last))) if first <= last => Ok(Seeds { first, last }),
        _ => Err(format!("expected two whole numbers, the smaller first, such as 1..5; found {text:?}")),
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(Seeds { first, last }) = args.seeds {
        let mut sound = true;
        for seed in first..=last {
            let source = Source { seed: Some(seed), ..args.source.clone() };
            let mut replay = prepare(&source)?;
            let (summary, _) = play(&source, &mut replay, None)?;
            sound &= is_sound(&summary);
            writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(&rounded(summary))?)?;
        }
        return Ok(exit_code(sound));
    }
    let mut replay = prepare(&args.source)?;
    let log = args.record.as_deref().map(Growing::create).transpose()?;
    let report = args.report.as_deref().map(Growing::create).transpose()?;
    let (summary, log) = play(&args.source, &mut replay, log)?;
    if let Some(log) = log {
        log.finish()?;
    }
    if let Some(mut report) = report {
        let html = report::html(&summary, replay.figures());
        report.file.write_all(html.as_bytes()).with_context(|| report.context())?;
        report.finish()?;
    }
    let summary = rounded(summary);
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&summary)?)?;
    } else {
        print(&mut out, &summary, &replay)?;
    }
    Ok(exit_code(is_sound(&summary)))
}

/// A fact of a chain that was refused, and a chain that stands still, are faults of the house: they are told on the error
/// output too, and whoever asks a script for its exit code hears of them.
pub(crate) fn is_sound(summary: &Summary) -> bool {
    let faults = summary.faults();
    for fault in &faults {
        eprintln!("fault: seed {}: {fault}", summary.seed);
    }
    faults.is_empty()
}

fn exit_code(sound: bool) -> ExitCode {
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn prepare(source: &Source) -> anyhow::Result<Replay> {
    let replay = source.prepare()?;
    for warning in replay.warnings() {
        eprintln!("warning: {warning}");
    }
    Ok(replay)
}

/// Wall-clock time to the millisecond.
fn rounded(summary: Summary) -> Summary {
    Summary { seconds: (summary.seconds * 1e3).round() / 1e3, ..summary }
}

/// Steps to the end, recording each block.
fn play(
    source: &Source,
    replay: &mut Replay,
    log: Option<Growing>,
) -> anyhow::Result<(Summary, Option<Growing>)> {
    let bar = ProgressBar::new(replay.progress().all)
        .with_style(ProgressStyle::with_template("{bar:40} {percent}% {msg} {elapsed}")?);
    let mut pace = Pace::new(source.speed.unwrap_or(0.0));
    let start = Instant::now();
    let mut log = match log {
        Some(log) => Some((Writer::new(log.file, replay.genesis())?, log.paths)),
        None => None,
    };
    while let Some(step) = replay.step() {
        if let Some((writer, paths)) = &mut log {
            let written = writer.block(step.block, step.outcome.state_hash);
            written.with_context(|| paths.context())?;
        }
        let progress = replay.progress();
        if progress.done.is_multiple_of(500) || pace.is_slow() {
            bar.set_position(progress.done);
            bar.set_message(message(&progress));
        }
        pace.wait(&progress);
    }
    bar.finish_and_clear();
    let summary = Summary { seconds: start.elapsed().as_secs_f64(), ..replay.summary() };
    let log = match log {
        Some((writer, paths)) => {
            let file = writer.finish().with_context(|| paths.context())?;
            Some(Growing { file, paths })
        }
        None => None,
    };
    Ok((summary, log))
}

fn message(progress: &Progress) -> String {
    let warming_up = if progress.warming_up { ", warming up" } else { "" };
    format!("{}{warming_up}", calendar::date_time(progress.time))
}

/// A file that grows beside its place.
struct Growing {
    file: BufWriter<File>,
    paths: Paths,
}

/// Where a file grows and where it goes; removed if it never gets there.
struct Paths {
    growing: PathBuf,
    place: PathBuf,
}

impl Growing {
    fn create(place: &Path) -> anyhow::Result<Growing> {
        let name = place.file_name().with_context(|| format!("{}: no name of a file", place.display()));
        let mut name = name.map_err(|error| BadInput(error.to_string()))?.to_owned();
        name.push(".part");
        let growing = place.with_file_name(name);
        let file = File::create(&growing)
            .map_err(|error| BadInput(format!("{}: cannot be written: {error}", place.display())))?;
        Ok(Growing { file: BufWriter::new(file), paths: Paths { growing, place: place.to_owned() } })
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.file.flush().with_context(|| self.context())?;
        fs::rename(&self.paths.growing, &self.paths.place).with_context(|| self.context())
    }

    fn context(&self) -> String {
        self.paths.context()
    }
}

impl Paths {
    fn context(&self) -> String {
        format!("cannot write {}", self.place.display())
    }
}

impl Drop for Paths {
    fn drop(&mut self) {
        // After a rename nothing is there to remove.
        let _ = fs::remove_file(&self.growing);
    }
}

fn print(out: &mut impl std::io::Write, summary: &Summary, replay: &Replay) -> anyhow::Result<()> {
    let (fall, totals, claims) = (&summary.waterfall, &summary.auctions, &summary.claims);
    let [engine, around] = replay.spent().map(|spent| spent.as_secs_f64());
    let rows = [
        ("from", calendar::date_time(summary.from)),
        ("to", calendar::date_time(summary.to)),
        ("accounts", grouped(u128::from(summary.accounts))),
        ("blocks", grouped(u128::from(summary.blocks))),
        ("seconds", format!("{:.1} ({engine:.1} in the engine, {around:.1} around)", summary.seconds)),
        ("", String::new()),
        ("accounts liquidated", grouped(u128::from(summary.liquidated))),
        ("liquidations", grouped(u128::from(summary.tasks))),
        ("  open at the end", grouped(u128::from(summary.tasks_open))),
        ("debt liquidated, USD", dollars(summary.debt_liquidated)),
        ("positions liquidated, USD", dollars(summary.notional_liquidated)),
        ("lots sold at index, USD", dollars(totals.sold)),
        ("  price over index, mean", percent(totals.price_mean)),
        ("  price over index, median", percent(totals.price_median)),
        ("  price over index, worst", percent(totals.price_worst)),
        ("bad debt, USD", dollars(summary.bad_debt)),
        ("  taken by tranches", dollars(fall.tranche)),
        ("  taken by the float", dollars(fall.float)),
        ("  taken by cover", dollars(fall.cover)),
        ("  left as deficit", dollars(fall.deficit)),
        ("    repaid by recoveries", dollars(summary.deficit_repaid)),
        ("deleveraged, USD", dollars(fall.deleveraged)),
        ("", String::new()),
        ("tasks that succeeded", percent(claims.success)),
        ("order included, median, s", claims.response_median_s.to_string()),
        ("  99 of 100", claims.response_p99_s.to_string()),
        ("lots sold to takers", percent(claims.fill)),
        ("auction, mean, s", claims.duration_mean_s.to_string()),
        ("owners' loss from delay", percent(claims.delay_loss)),
        ("tasks without dispute", percent(claims.consistency)),
        ("false reports, found", format!("{}, {}", claims.false_reports_planted, claims.false_reports_found)),
        ("honest keepers slashed", claims.honest_slashed.to_string()),
        ("reorgs", claims.reorgs.to_string()),
        ("facts that were odd", grouped(u128::from(summary.anomalies.values().sum::<u64>()))),
        (
            "facts that were refused",
            grouped(summary.refused_facts.iter().map(|facts| u128::from(facts.count)).sum()),
        ),
        ("", String::new()),
        ("state hash", summary.state_hash.to_string()),
    ];
    writeln!(out, "{}\n", summary.scenario)?;
    for fault in summary.faults() {
        writeln!(out, "FAULT: {fault}")?;
    }
    for (name, value) in rows {
        writeln!(out, "{}", format!("{name:<28}{value}").trim_end())?;
    }
    if let Some(drills) = &summary.drills {
        columns::print(out, columns::DRILLS, &drills.rows())?;
    }
    writeln!(
        out,
        "\n{:<18}{:>12}{:>18}{:>10}{:>18}{:>10}",
        "hour", "liquidations", "debt, USD", "", "Aave v2, USD", ""
    )?;
    for row in &summary.hours {
        let (hour, debt, share) =
            (calendar::date_hour_minute(row.hour), dollars(row.debt), percent(row.share));
        let aave = row.aave.map(dollars).unwrap_or_default();
        let aave_share = row.aave_share.map(percent).unwrap_or_default();
        let line = format!("{hour:<18}{:>12}{debt:>18}{share:>10}{aave:>18}{aave_share:>10}", row.tasks);
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(
        out,
        "\n{:<12}{:>16}{:>10}{:>16}{:>10}{:>24}",
        "slippage", "formula, mean", "worst", "fixed k, mean", "worst", "mark from index, worst"
    )?;
    for row in &summary.slippage {
        let figures = [row.formula_mean, row.formula_worst, row.fixed_mean, row.fixed_worst].map(percent);
        let [mean, worst, fixed_mean, fixed_worst] = figures;
        let distance = summary.distance.get(&row.market).copied().map(percent).unwrap_or_default();
        writeln!(
            out,
            "{:<12}{mean:>16}{worst:>10}{fixed_mean:>16}{fixed_worst:>10}{distance:>24}",
            row.market
        )?;
    }
    Ok(())
}
