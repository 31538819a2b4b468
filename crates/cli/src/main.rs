//! The `ballast` binary: one subcommand a job.
//!
//! - Exit codes: 0 done; 1 the answer is no (a hash that differs) or the machine failed; 2 input that cannot be
//!   read, with file, line and what was expected.

mod attack;
mod bench;
mod columns;
mod exec;
#[cfg(feature = "evm")]
mod freeze;
mod maker;
mod moves;
mod replay;
#[cfg(feature = "evm")]
mod reserve;
#[cfg(feature = "evm")]
mod up;
mod verify;

use ballast_cli::input::BadInput;
use ballast_cli::watch;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Ballast: a clearing house for DeFi that spans chains
#[derive(Debug, Parser)]
#[command(name = "ballast", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Replay(replay::Args),
    Watch(watch::Args),
    #[cfg(feature = "evm")]
    Up(up::Args),
    Exec(exec::Args),
    Attack(attack::Args),
    Verify(verify::Args),
    Bench(bench::Args),
    #[cfg(feature = "evm")]
    Reserve(reserve::Args),
    #[cfg(feature = "evm")]
    Freeze(freeze::Args),
    Maker(maker::Args),
    Moves(moves::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Replay(args) => replay::run(&args),
        Command::Watch(args) => watch::run(&args),
        #[cfg(feature = "evm")]
        Command::Up(args) => up::run(&args),
        Command::Exec(args) => exec::run(&args),
        Command::Attack(args) => attack::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Bench(args) => bench::run(&args),
        #[cfg(feature = "evm")]
        Command::Reserve(args) => reserve::run(&args),
        #[cfg(feature = "evm")]
        Command::Freeze(args) => freeze::run(&args),
        Command::Maker(args) => maker::run(&args),
        Command::Moves(args) => moves::run(&args),
    };
    done.unwrap_or_else(|error| {
        // Whoever reads our output may stop reading, as `head` does.
        if error.chain().any(is_broken_pipe) {
            return ExitCode::SUCCESS;
        }
        eprintln!("error: {error:#}");
        if error.chain().any(|cause| cause.is::<BadInput>()) { ExitCode::from(2) } else { ExitCode::FAILURE }
    })
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let kind = match (error.downcast_ref::<std::io::Error>(), error.downcast_ref::<serde_json::Error>()) {
        (Some(error), _) => Some(error.kind()),
        (None, Some(error)) => error.io_error_kind(),
        (None, None) => None,
    };
    kind == Some(std::io::ErrorKind::BrokenPipe)
}
