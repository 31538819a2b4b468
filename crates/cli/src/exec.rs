//! `ballast exec`: a script of JSON lines in, JSON lines out.
//!
//! - The same input gives the same bytes.
//! - A line that cannot be read ends the run with exit code 2: file, line, what was expected. The lines before it
//!   have been run, and their answers printed.

use anyhow::Context as _;
use ballast_sim::script::{Line, ScriptGenesis, Session, genesis, output};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::BadInput;

const EXAMPLES: &str = r#"Examples:
  ballast exec script.jsonl
  echo '{"show": {"market": "ETH"}}' | ballast exec -
  ballast exec --schema > script.schema.json

A script:
  {"deposit": {"account": "alice", "chain": "ethereum", "asset": "USDC", "amount": "1000"}}
  {"trade": {"account": "alice", "market": "ETH", "side": "long", "quote": "5000"}}
  {"price": {"asset": "ETH", "price": "3300"}}
  {"advance": {"seconds": 3600}}
  {"show": {"account": "alice"}}

Every kind of line, with its answer: docs/exec.md"#;

/// Runs a script of JSON lines against an engine and prints what happens, as JSON lines.
///
/// One key a line, money as decimal strings. Blank lines and lines that begin with # or // are skipped.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The script; - for standard input
    #[arg(required_unless_present = "schema")]
    script: Option<PathBuf>,
    /// Print the JSON Schema of a line (genesis included) instead
    #[arg(long, conflicts_with = "script")]
    schema: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let stdout = io::stdout().lock();
    let Some(script) = &args.script else {
        let mut out = BufWriter::new(stdout);
        serde_json::to_writer_pretty(&mut out, &schemars::schema_for!(Line))?;
        writeln!(out)?;
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    };
    let (name, done) = if script.as_os_str() == "-" {
        // Line by line: whoever writes the script may wait for its answers.
        ("stdin".to_owned(), run_script(io::stdin().lock(), Path::new(""), stdout))
    } else {
        let name = script.display().to_string();
        let file = File::open(script).map_err(|error| BadInput(format!("{name}: {error}")))?;
        let folder = script.parent().unwrap_or(Path::new(""));
        (name, run_script(BufReader::new(file), folder, BufWriter::new(stdout)))
    };
    let read = done.context("cannot write the answers")?;
    read.map_err(|BadLine { line, what }| BadInput(format!("{name}:{line}: {what}")))?;
    Ok(ExitCode::SUCCESS)
}

/// A line that cannot be read.
struct BadLine {
    line: usize,
    what: String,
}

/// Runs every line, and writes its answers. The outer error is one of writing, the inner one of reading.
fn run_script(mut from: impl BufRead, folder: &Path, mut out: impl Write) -> io::Result<Result<(), BadLine>> {
    let mut session = None;
    let mut text = Vec::new();
    let mut read = Ok(());
    for line in 1.. {
        text.clear();
        let answers = match from.read_until(b'\n', &mut text) {
            Ok(0) => break,
            Ok(_) => run_text(&mut session, line, &text, folder),
            Err(error) => Err(format!("cannot read it: {error}")),
        };
        match answers {
            Ok(answers) => {
                for answer in answers {
                    serde_json::to_writer(&mut out, &answer)?;
                    out.write_all(b"\n")?;
                }
            }
            Err(what) => {
                read = Err(BadLine { line, what });
                break;
            }
        }
    }
    // Answers before the error, whatever the terminal does with the two streams.
    out.flush()?;
    Ok(read)
}

/// Runs the text of a line; nothing where it is blank or a comment.
fn run_text(
    session: &mut Option<Session>,
    line: usize,
    text: &[u8],
    folder: &Path,
) -> Result<Vec<serde_json::Value>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "expected UTF-8 text".to_owned())?.trim();
    if text.is_empty() || text.starts_with('#') || text.starts_with("//") {
        return Ok(Vec::new());
    }
    run_line(session, line, text, folder)
}

/// Runs a line; the first one begins the session, from its own genesis or the default one.
fn run_line(
    session: &mut Option<Session>,
    number: usize,
    text: &str,
    folder: &Path,
) -> Result<Vec<serde_json::Value>, String> {
    let line = Line::read(text)?;
    if let (Line::Genesis(genesis), None) = (&line, &session) {
        let script = genesis::read(&genesis.0, folder)?;
        *session = Some(Session::new(&script)?);
        return Ok(vec![output::genesis(number, &script.genesis)]);
    }
    let session = match session {
        Some(session) => session,
        None => session.insert(Session::new(&ScriptGenesis::default())?),
    };
    let told = session.run(&line)?;
    Ok(session.answers(number, &told))
}
