//! `ballast exec`: a script of JSON lines in, JSON lines out.
//!
//! - The same input gives the same bytes.
//! - A line that cannot be read ends the run with exit code 2: file, line, what was expected. The lines before it
//!   have been run, and their answers printed.

mod chain;
mod command;
mod genesis;
mod line;
mod names;
mod output;
mod session;
mod show;

use anyhow::Context as _;
use genesis::ScriptGenesis;
use line::Line;
use session::Session;
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
    let mut out = BufWriter::new(io::stdout().lock());
    match &args.script {
        None => {
            serde_json::to_writer_pretty(&mut out, &schemars::schema_for!(Line))?;
            writeln!(out)?;
        }
        Some(script) => {
            let (name, from): (String, Box<dyn BufRead>) = if script.as_os_str() == "-" {
                ("stdin".to_owned(), Box::new(io::stdin().lock()))
            } else {
                let file =
                    File::open(script).map_err(|error| BadInput(format!("{}: {error}", script.display())))?;
                (script.display().to_string(), Box::new(BufReader::new(file)))
            };
            let done = run_script(from, script.parent().unwrap_or(Path::new("")), &mut out)?;
            // Answers before the error, whatever the terminal does with the two streams.
            out.flush().context("cannot write the answers")?;
            done.map_err(|BadLine { line, what }| BadInput(format!("{name}:{line}: {what}")))?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// A line that cannot be read.
struct BadLine {
    line: usize,
    what: String,
}

/// Runs every line. The outer error is one of writing, the inner one of reading.
fn run_script(
    mut from: impl BufRead,
    folder: &Path,
    out: &mut impl Write,
) -> io::Result<Result<(), BadLine>> {
    let mut session = None;
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let bad = |what| Ok(Err(BadLine { line, what }));
        match from.read_until(b'\n', &mut text) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return bad(format!("cannot read it: {error}")),
        }
        let Ok(text) = std::str::from_utf8(&text) else { return bad("expected UTF-8 text".to_owned()) };
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') || text.starts_with("//") {
            continue;
        }
        match run_line(&mut session, line, text, folder) {
            Ok(answers) => {
                for answer in answers {
                    serde_json::to_writer(&mut *out, &answer)?;
                    out.write_all(b"\n")?;
                }
            }
            Err(what) => return bad(what),
        }
    }
    Ok(Ok(()))
}

/// Runs a line; the first one begins the session, from its own genesis or the default one.
fn run_line(
    session: &mut Option<Session>,
    number: usize,
    text: &str,
    folder: &Path,
) -> Result<Vec<serde_json::Value>, String> {
    match (Line::read(text)?, session) {
        (Line::Genesis(genesis), session @ None) => {
            *session = Some(Session::new(&genesis::read(&genesis.0, folder)?)?);
            Ok(vec![output::ok(number)])
        }
        (line, Some(session)) => session.run(number, &line),
        (line, session @ None) => session.insert(Session::new(&ScriptGenesis::default())?).run(number, &line),
    }
}
