//! `ballast up`: the whole house on this machine: the hub, a node for every chain, and everybody who sends transactions
//! to them, through the crash of 19 May 2021.
//!
//! - Time is the crash's: the hub makes a block each two seconds of it, each chain its blocks as far apart as the real
//!   chain's. `--speed` holds that back; what the machine cannot do that fast takes longer.
//! - Ends by itself: the log is applied again, the chains' balances are compared with the ledger, the claims are printed.
//! - Nodes end with this program, by whatever end it comes to.

mod attestors;
mod collector;
mod feeds;
mod hub;
mod relay;
mod spoke;
mod tally;
mod wallets;
mod ways;
mod world;

use anyhow::Context as _;
use attestors::Attestors;
use ballast_cli::input::{BadInput, Source};
use ballast_cli::watch;
use ballast_node::Node;
use ballast_sim::replay::{Replay, ReplayError, validator_keys};
use ballast_sim::{Scenario, report};
use ballast_units::Millis;
use hub::NodeHub;
use spoke::LocalSpoke;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use wallets::{IDENTITIES, Wallets};
use world::Counts;

const EXAMPLES: &str = "Examples:
  ballast up
  ballast up --speed 0 --plain
  ballast up --prices candles/ --accounts 1000 --seed 2
  ballast up --minutes 10 --accounts 60      ballast watch --connect out/up/ballast.sock

Needs the packages of contracts/ (npm ci, as make demo does). DIR is the node's folder: ballast verify DIR.
Exit codes: 0 it ran to its end and everything agrees; 1 the log or a chain does not agree with the ledger, or the
machine failed; 2 input that cannot be read; 130 somebody ended it early.";

/// What is played where nobody says.
const SCENARIO: &str = include_str!("../../../../scenarios/up.toml");

/// Exit code of a run that was ended early, as shells have it for Ctrl-C.
const EARLY: u8 = 130;

/// Times real time.
const SPEED: f64 = 60.0;

/// Runs the house on local chains: hub, nodes, keepers, bidders, traders and borrowers, through 19 May 2021
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// How many minutes of the crash; without it as the scenario says, else 120
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1440))]
    minutes: Option<u32>,
    /// The node's folder, and the socket's; what an earlier run left there is replaced
    #[arg(long, value_name = "DIR", default_value = "out/up")]
    dir: PathBuf,
    /// Write the report there, HTML
    #[arg(long, value_name = "FILE", default_value = "out/demo.html")]
    report: PathBuf,
    /// Write plain lines, on a terminal too
    #[arg(long)]
    plain: bool,
    /// Print one JSON object as the last line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    end_at_interrupt(&args.dir)?;
    Node::discard(&args.dir)
        .map_err(|error| BadInput(format!("{}: cannot be used: {error}", args.dir.display())))?;
    let mut scenario = match &args.source.scenario {
        Some(file) => Scenario::read(file),
        None => Scenario::parse(Path::new("scenarios/up.toml"), SCENARIO),
    }
    .map_err(|error| BadInput(error.to_string()))?;
    if 1 < scenario.faults.validators {
        let found = scenario.faults.validators;
        let fault = format!("the scenario's faults.validators is {found}; expected 1: a lone validator");
        return Err(BadInput(fault).into());
    }
    if let (Some(minutes), Some(from)) = (args.minutes, scenario.from) {
        scenario.to = Some(from.after(Millis::minutes(u64::from(minutes))));
    }
    eprintln!("starting {}", scenario.name);
    let counts = Arc::new(Mutex::new(Counts::default()));
    let (tell, told) = attestors::line();
    let to_members = tell.clone();
    let replay: Replay<LocalSpoke> = args.source.prepare_over(scenario, |scenario, candles, aave| {
        let wallets = Wallets::of(&scenario);
        let keys = validator_keys(&scenario).concat();
        Replay::over(
            scenario,
            candles,
            aave,
            IDENTITIES,
            |setup, genesis| {
                let built = world::build(setup, genesis, Arc::clone(&counts));
                built.map_err(|error| ReplayError::Start(format!("the chains do not start: {error:#}")))
            },
            |genesis| Ok(Box::new(NodeHub::new(&args.dir, genesis, keys, wallets, to_members)?)),
        )
    })?;
    let start = replay.genesis().time.millis() / 1_000;
    let attestors = Attestors::start(&args.dir, start, (tell, told))?;
    let ready = began.elapsed();
    eprintln!("{} chains are up after {:.1} s", replay.chains().len() + 1, ready.as_secs_f64());
    let socket = args.dir.join("ballast.sock");
    let speed = args.source.speed.unwrap_or(SPEED);
    let replay = watch::present(replay, "up", speed, Some(&socket), args.plain)?;
    if let Some(why) = replay.stopped() {
        anyhow::bail!("the hub stopped: {why}");
    }
    let progress = replay.progress();
    if progress.done + 1 < progress.all {
        eprintln!("{}", ended_early(&args.dir));
        return Ok(ExitCode::from(EARLY));
    }
    let played = began.elapsed().saturating_sub(ready);
    let attestation = attestors.finish()?;
    let counts = *counts.lock().expect("nobody panics while counting");
    let tally = tally::Tally::of(&replay, &args.dir, counts, attestation, began, [ready, played])?;
    let summary = replay.summary();
    if let Some(folder) = args.report.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let html = report::html_with(&summary, replay.figures(), &tally.sections());
    fs::write(&args.report, html).with_context(|| format!("cannot write {}", args.report.display()))?;
    drop(replay);
    tally.print(&mut std::io::stdout().lock(), &summary, args.json)?;
    println!("report: {}", args.report.display());
    let sound = crate::replay::is_sound(&summary);
    Ok(if tally.agrees() && sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Ends the program at Ctrl-C, also where it was started to ignore that. Nodes go with it; the log is whole up to its last
/// block.
fn end_at_interrupt(dir: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sentence = ended_early(dir);
    let wait = move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            if ratatui::crossterm::terminal::is_raw_mode_enabled().unwrap_or(false) {
                ratatui::restore();
            }
            eprintln!("{sentence}");
            std::process::exit(EARLY.into());
        }
    };
    std::thread::Builder::new().name("interrupt".to_owned()).spawn(wait)?;
    Ok(())
}

fn ended_early(dir: &Path) -> String {
    format!("ended early, nothing is compared; what happened: ballast verify {}", dir.display())
}
