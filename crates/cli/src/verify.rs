//! `ballast verify`: applies a block log again, compares state hashes, and checks who signed what.

use anyhow::Context as _;
use ballast_engine::{Engine, Outcome};
use ballast_node::auth::{self, Nonces, RecordFault};
use ballast_node::log::{LogError, ReadError, Record, Tail, Walk};
use ballast_node::{SnapshotFault, check_snapshot, snapshots};
use ballast_types::{Hash, Height};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::BadInput;

const EXAMPLES: &str = "Examples:
  ballast replay --record day.log
  ballast verify day.log
  ballast verify day.log --json
  ballast verify /var/lib/ballast        the folder of a node, also while it runs

Of a folder its snapshots are compared too, byte for byte, with what the log leads to.

Exit codes: 0 every hash is the same and every command is signed by whom it should be; 1 one is not (its height is
printed), or a snapshot is not (its file is printed); 2 the file is no log, is cut off or damaged (file, byte and last sound height are printed). Commands of a
replay are signed by nobody. The log of a node that runs, or that was killed, ends where its last whole block ends.";

/// Applies a block log again, and compares the state hash after every block.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The log: what `ballast replay --record` wrote, or the folder of a node
    path: PathBuf,
    /// Print one JSON object as the last line
    #[arg(long)]
    json: bool,
}

/// What a log came to.
pub(crate) struct Verdict {
    pub(crate) blocks: u64,
    height: Height,
    /// As applied now.
    pub(crate) state_hash: Hash,
    /// Checked; none in a simulation's log.
    pub(crate) signatures: Option<u64>,
    /// Bytes at the end that are no whole record.
    torn: u64,
    time: Duration,
    /// Snapshots of the folder that are, byte for byte, what the log leads to.
    snapshots: u64,
    pub(crate) fault: Option<Fault>,
}

/// The first thing that is not what it should be.
pub(crate) enum Fault {
    /// A block does not lead to what its record says.
    Hash { recorded: Hash, computed: Hash },
    /// A command is not signed by whom it should be.
    Signature(RecordFault),
    /// A snapshot of the folder is not of this log.
    Snapshot { file: PathBuf, fault: SnapshotFault },
    /// The log ends before a snapshot of its folder.
    LogBehind { file: PathBuf, snapshot: Height },
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let progress = ProgressBar::new(size(&args.path)?)
        .with_style(ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {msg}")?);
    let verdict = replay(&args.path, &progress)?;
    progress.finish_and_clear();
    print(args, &verdict)?;
    Ok(if verdict.fault.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Applies a log up to its end or the first fault.
pub(crate) fn replay(path: &Path, progress: &ProgressBar) -> anyhow::Result<Verdict> {
    // The oldest last. Before the log: a node that runs writes one only once the log has its block, and removes old ones.
    let mut snapshots = snapshots(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut log = Walk::open(path).map_err(unreadable)?;
    let hub = log.head().hub();
    let mut engine = Engine::new(&log.head().genesis).map_err(|error| bad(path, &error))?;
    let mut nonces = log.head().signed.then(Nonces::default);
    let mut outcome = Outcome::default();
    let start = Instant::now();
    let mut verdict = Verdict {
        blocks: 0,
        height: Height(0),
        state_hash: engine.state().house.hash,
        signatures: nonces.as_ref().map(|_| 0),
        torn: 0,
        time: Duration::ZERO,
        snapshots: 0,
        fault: None,
    };
    while let Some(record) = log.next_record().map_err(unreadable)? {
        verdict.height = record.block.height;
        if let (Some(nonces), Some(signatures)) = (&mut nonces, &mut verdict.signatures) {
            match auth::check_record(engine.state(), hub, &record, nonces) {
                Ok(checked) => *signatures += checked,
                Err(fault) => {
                    verdict.fault = Some(Fault::Signature(fault));
                    break;
                }
            }
        }
        let Record { block, state_hash: recorded, .. } = record;
        engine.apply(&block, &mut outcome);
        let computed = outcome.state_hash;
        verdict.blocks += 1;
        verdict.state_hash = computed;
        if computed != recorded {
            verdict.fault = Some(Fault::Hash { recorded, computed });
            break;
        }
        while let (Some((_, file)), Some(nonces)) =
            (snapshots.pop_if(|(of, _)| *of == verdict.height), &nonces)
        {
            match check_snapshot(&file, &engine, nonces, log.block_hash()) {
                Ok(()) => verdict.snapshots += 1,
                Err(SnapshotFault::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(fault) => {
                    verdict.fault = Some(Fault::Snapshot { file, fault });
                    break;
                }
            }
        }
        if verdict.fault.is_some() {
            break;
        }
        if verdict.blocks.is_multiple_of(1_000) {
            progress.set_position(log.position());
            progress.set_message(format!("height {}", verdict.height));
        }
    }
    if let (None, Some((snapshot, file))) = (&verdict.fault, snapshots.pop()) {
        verdict.fault = Some(Fault::LogBehind { file, snapshot });
    }
    verdict.time = start.elapsed();
    match log.tail() {
        Some(Tail::Torn { from, end }) if path.is_dir() => verdict.torn = end - from,
        // A file that somebody recorded to its end has an end.
        Some(&Tail::Torn { from, end }) => return Err(cut_off(path, from, end, verdict.height)),
        Some(&Tail::Open { end }) if path.is_file() => return Err(cut_off(path, end, end, verdict.height)),
        Some(Tail::Open { .. } | Tail::Complete) | None => {}
    }
    Ok(verdict)
}

fn print(args: &Args, verdict: &Verdict) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let seconds = verdict.time.as_secs_f64();
    let Verdict { blocks, height, state_hash, signatures, torn, snapshots, fault, .. } = verdict;
    match fault {
        None => {
            let rate = *blocks as f64 / seconds.max(1e-9);
            writeln!(out, "{blocks} blocks to height {height} in {seconds:.3} s: {rate:.0} blocks a second")?;
            writeln!(out, "every state hash is the recorded one; the last is {state_hash}")?;
            if let Some(signatures) = signatures {
                writeln!(out, "every command is signed by whom it should be: {signatures} signatures")?;
                writeln!(out, "every snapshot is what the log leads to: {snapshots} snapshots")?;
            }
        }
        Some(Fault::Hash { recorded, computed }) => {
            writeln!(out, "height {height}: the state hash differs")?;
            writeln!(out, "  recorded {recorded}")?;
            writeln!(out, "  computed {computed}")?;
        }
        Some(Fault::Signature(fault)) => writeln!(out, "height {height}: {fault}")?,
        Some(Fault::Snapshot { file, fault }) => writeln!(out, "{}: {fault}", file.display())?,
        Some(Fault::LogBehind { file, snapshot }) => writeln!(
            out,
            "{} is of block {snapshot}, and the log ends at block {height}: blocks are missing at its end",
            file.display()
        )?,
    }
    if 0 < *torn {
        writeln!(
            out,
            "{torn} bytes after it are no whole block: a node that opens the folder cuts them off"
        )?;
    }
    if args.json {
        let (mut difference, mut unsigned, mut false_snapshot) = (None, None, None);
        match fault {
            None => {}
            Some(Fault::Hash { recorded, computed }) => {
                difference = Some(json!({ "height": height, "recorded": recorded, "computed": computed }));
            }
            Some(Fault::Signature(fault)) => {
                let text = fault.fault.to_string();
                unsigned = Some(json!({ "height": height, "command": fault.command, "fault": text }));
            }
            Some(Fault::Snapshot { file, fault }) => {
                false_snapshot = Some(json!({ "file": file, "fault": fault.to_string() }));
            }
            Some(Fault::LogBehind { file, snapshot }) => {
                let fault = format!("it is of block {snapshot}, the log ends at block {height}");
                false_snapshot = Some(json!({ "file": file, "fault": fault }));
            }
        }
        let object = json!({
            "blocks": blocks,
            "height": height,
            "state_hash": state_hash,
            "seconds": seconds,
            "difference": difference,
            "signatures": signatures,
            "unsigned": unsigned,
            "snapshots": signatures.map(|_| snapshots),
            "false_snapshot": false_snapshot,
        });
        writeln!(out, "{object}")?;
    }
    Ok(())
}

/// Bytes of the log, for the progress bar.
fn size(path: &Path) -> anyhow::Result<u64> {
    let length = |path: &Path| fs::metadata(path).map(|found| found.len());
    if !path.is_dir() {
        return Ok(length(path).map_err(|error| bad(path, &error))?);
    }
    let blocks = path.join("blocks");
    let folder = if blocks.is_dir() { &blocks } else { path };
    let sizes = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| length(&entry?.path())).sum::<io::Result<u64>>());
    sizes.with_context(|| format!("cannot read {}", folder.display()))
}

/// A log that a machine cannot read is its failure; anything else is the file's.
fn unreadable(error: LogError) -> anyhow::Error {
    match error {
        LogError::Io { .. } | LogError::Unreadable { fault: ReadError::Io(_), .. } => error.into(),
        other => BadInput(other.to_string()).into(),
    }
}

fn cut_off(path: &Path, from: u64, end: u64, height: Height) -> anyhow::Error {
    bad(path, &ReadError::CutOff { from, end, height }).into()
}

fn bad(path: &Path, error: &dyn std::fmt::Display) -> BadInput {
    BadInput(format!("{}: {error}", path.display()))
}
