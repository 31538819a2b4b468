//! `ballast verify`: replays a recorded block log and compares state hashes.

use anyhow::Context as _;
use ballast_engine::{Engine, Outcome};
use ballast_sim::record::{Entry, Reader, RecordError};
use ballast_types::{Hash, Height};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::BadInput;

const EXAMPLES: &str = "Examples:
  ballast replay --record day.log
  ballast verify day.log
  ballast verify day.log --json

Exit codes: 0 every hash is the same; 1 one differs (its height and both hashes are printed); 2 the file is no
log, is cut off or damaged (the byte and the last sound height are printed).";

/// Replays a recorded block log and compares the state hash after every block.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The log, as `ballast replay --record` wrote it
    file: PathBuf,
    /// Print one JSON object as the last line
    #[arg(long)]
    json: bool,
}

/// The first block whose hash is not the recorded one.
struct Difference {
    height: Height,
    recorded: Hash,
    computed: Hash,
}

/// What a replay came to.
struct Verdict {
    blocks: u64,
    height: Height,
    state_hash: Hash,
    time: Duration,
    difference: Option<Difference>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let file = File::open(&args.file).map_err(|error| bad(&args.file, &error))?;
    let size = file.metadata().with_context(|| format!("cannot read {}", args.file.display()))?.len();
    let progress = ProgressBar::new(size)
        .with_style(ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {msg}")?);
    let verdict = replay(&args.file, progress.wrap_read(BufReader::new(file)), &progress)?;
    progress.finish_and_clear();
    print(args, &verdict)?;
    Ok(if verdict.difference.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Replays a log up to its end or the first difference.
fn replay(file: &Path, log: impl std::io::Read, progress: &ProgressBar) -> anyhow::Result<Verdict> {
    let unreadable = |error: RecordError| match error {
        RecordError::Io(_) => anyhow::Error::new(error).context(file.display().to_string()),
        _ => bad(file, &error).into(),
    };
    let mut log = Reader::new(log).map_err(unreadable)?;
    let mut engine = Engine::new(log.genesis()).map_err(|error| bad(file, &error))?;
    let mut outcome = Outcome::default();
    let start = Instant::now();
    let mut verdict = Verdict {
        blocks: 0,
        height: Height(0),
        state_hash: engine.state().house.hash,
        time: Duration::ZERO,
        difference: None,
    };
    while let Some(Entry { block, state_hash }) = log.next_block().map_err(unreadable)? {
        engine.apply(&block, &mut outcome);
        verdict.blocks += 1;
        verdict.height = block.height;
        verdict.state_hash = outcome.state_hash;
        if outcome.state_hash != state_hash {
            let computed = outcome.state_hash;
            verdict.difference = Some(Difference { height: block.height, recorded: state_hash, computed });
            break;
        }
        if verdict.blocks.is_multiple_of(1_000) {
            progress.set_message(format!("height {}", block.height));
        }
    }
    verdict.time = start.elapsed();
    Ok(verdict)
}

fn print(args: &Args, verdict: &Verdict) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let seconds = verdict.time.as_secs_f64();
    let Verdict { blocks, height, state_hash, .. } = verdict;
    match &verdict.difference {
        None => {
            let rate = *blocks as f64 / seconds.max(1e-9);
            writeln!(out, "{blocks} blocks to height {height} in {seconds:.3} s: {rate:.0} blocks a second")?;
            writeln!(out, "every state hash is the recorded one; the last is {state_hash}")?;
        }
        Some(Difference { height, recorded, computed }) => {
            writeln!(out, "height {height}: the state hash differs")?;
            writeln!(out, "  recorded {recorded}")?;
            writeln!(out, "  computed {computed}")?;
        }
    }
    if args.json {
        let difference = verdict.difference.as_ref().map(
            |found| json!({ "height": found.height, "recorded": found.recorded, "computed": found.computed }),
        );
        let object = json!({
            "blocks": blocks,
            "height": height,
            "state_hash": state_hash,
            "seconds": seconds,
            "difference": difference,
        });
        writeln!(out, "{object}")?;
    }
    Ok(())
}

fn bad(file: &Path, error: &dyn std::fmt::Display) -> BadInput {
    BadInput(format!("{}: {error}", file.display()))
}
