//! `ballast reserve`: transactions of the reserve's Safe, from proposal to execution.
//!
//! - A proposal is a file that goes from owner to owner. Signing needs no network.
//! - Keys come from files, never from the command line, where every process sees them.

use anyhow::Context as _;
use ballast_spoke::evm::{
    Address, Deployment, Errand, PrivateKeySigner, Proposal, ReserveError, SafeError, execute_proposal,
    propose, read_key,
};
use ballast_types::{AssetId, Owner};
use ballast_units::Amount;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::BadInput;

const EXAMPLES: &str = "Examples:
  ballast reserve propose recall --deployment polygon.json --rpc http://localhost:8545 --asset 0 --amount 250.5 \\
      --owner 0x0000000000000000000000001111111111111111111111111111111111111111 --out recall.json
  ballast reserve propose sweep --deployment polygon.json --rpc http://localhost:8545 --to 0x2222..22 --out sweep.json
  ballast reserve show recall.json
  ballast reserve sign recall.json --key-file owner-3.key
  ballast reserve execute recall.json --rpc http://localhost:8545 --key-file gas.key

The Safe has eight owners, five of whom sign. Collection needs no proposal: the hub orders it.

Exit codes: 0 done; 1 refused (too few signatures, another transaction first, a chain that does not answer), nothing
was moved; 2 a file that cannot be read, or that somebody changed.";

/// Propose, sign and execute transactions of the reserve's 5-of-8 Safe.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write a proposal for the Safe's next transaction
    Propose {
        #[command(subcommand)]
        errand: Errands,
    },
    /// Say what a proposal does, read from its bytes, and who has signed
    Show {
        /// The proposal
        file: PathBuf,
    },
    /// Add an owner's signature to a proposal; needs no network
    Sign {
        /// The proposal; it is written anew
        file: PathBuf,
        /// A file with the owner's key, 64 hexadecimal digits
        #[arg(long)]
        key_file: PathBuf,
    },
    /// Send a proposal that enough owners have signed
    Execute {
        /// The proposal
        file: PathBuf,
        /// Endpoint of the Safe's chain
        #[arg(long)]
        rpc: String,
        /// A file with the key of whoever pays the gas; any key
        #[arg(long)]
        key_file: PathBuf,
    },
}

#[derive(Debug, clap::Subcommand)]
enum Errands {
    /// Back into the vault, for an account of the hub
    Recall {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        sum: Sum,
        /// The account's owner, 32 bytes
        #[arg(long, value_parser = parse_owner)]
        owner: ballast_types::Address,
        /// The account's number
        #[arg(long, default_value_t = 0)]
        subaccount: u16,
    },
    /// To another address
    Transfer {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        sum: Sum,
        /// To whom, 20 bytes
        #[arg(long)]
        to: Address,
    },
    /// All that the Safe has of the vault's tokens, to another address
    Sweep {
        #[command(flatten)]
        place: Place,
        /// To whom, 20 bytes
        #[arg(long)]
        to: Address,
    },
}

/// Which Safe, and where the proposal goes.
#[derive(Debug, clap::Args)]
struct Place {
    /// The chain's deployment record
    #[arg(long)]
    deployment: PathBuf,
    /// Endpoint of the chain
    #[arg(long)]
    rpc: String,
    /// Where to write the proposal
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Sum {
    /// The hub's number of the asset
    #[arg(long)]
    asset: u16,
    /// How much, in whole tokens
    #[arg(long)]
    amount: Amount,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let answer = match &args.command {
        Command::Propose { errand } => write_proposal(errand)?,
        Command::Show { file } => {
            let proposal = read_proposal(file)?;
            describe(&proposal)
        }
        Command::Sign { file, key_file } => {
            let mut proposal = read_proposal(file)?;
            let key = key(key_file)?;
            proposal.sign(&key).map_err(|error| of_file(file, error))?;
            write(file, &proposal)?;
            describe(&proposal)
        }
        Command::Execute { file, rpc, key_file } => {
            let proposal = read_proposal(file)?;
            let done = execute_proposal(&proposal, rpc, &key(key_file)?)
                .with_context(|| format!("{}: not executed, nothing was moved", file.display()))?;
            json!({ "transaction": done.transaction, "block": done.block, "gas": done.gas })
        }
    };
    println!("{}", serde_json::to_string_pretty(&answer)?);
    Ok(ExitCode::SUCCESS)
}

fn write_proposal(errands: &Errands) -> anyhow::Result<Value> {
    let (place, errand) = match errands {
        Errands::Recall { place, sum, owner, subaccount } => {
            let owner = Owner { address: *owner, subaccount: *subaccount };
            (place, Errand::Recall { asset: AssetId(sum.asset), amount: sum.amount, owner })
        }
        Errands::Transfer { place, sum, to } => {
            (place, Errand::Transfer { asset: AssetId(sum.asset), amount: sum.amount, to: *to })
        }
        Errands::Sweep { place, to } => (place, Errand::Sweep { to: *to }),
    };
    let deployment: Deployment = read(&place.deployment, "a deployment record")?;
    let proposal = propose(&deployment, &place.rpc, &errand).map_err(|error| match error {
        ReserveError::NoSafe(_) | ReserveError::UnknownAsset { .. } | ReserveError::AmountUneven { .. } => {
            anyhow::Error::new(BadInput(format!("{}: {error}", place.deployment.display())))
        }
        error => anyhow::Error::new(error).context("nothing was proposed"),
    })?;
    write(&place.out, &proposal)?;
    Ok(describe(&proposal))
}

/// What signers should look at: the calls as their bytes say them.
fn describe(proposal: &Proposal) -> Value {
    let calls: Vec<Value> =
        proposal.calls.iter().map(|call| json!({ "says": call.what, "does": call.decoded() })).collect();
    let signed: Vec<&Address> = proposal.signatures.keys().collect();
    json!({
        "chain_id": proposal.chain_id,
        "safe": proposal.safe.safe,
        "nonce": proposal.nonce,
        "hash": proposal.hash,
        "calls": calls,
        "signed_by": signed,
    })
}

fn read_proposal(file: &Path) -> anyhow::Result<Proposal> {
    let proposal: Proposal = read(file, "a proposal")?;
    proposal.check_hash().map_err(|error| of_file(file, error))?;
    Ok(proposal)
}

fn of_file(file: &Path, error: SafeError) -> anyhow::Error {
    BadInput(format!("{}: {error}", file.display())).into()
}

fn read<T: serde::de::DeserializeOwned>(file: &Path, what: &str) -> anyhow::Result<T> {
    let text = fs::read_to_string(file).map_err(|error| BadInput(format!("{}: {error}", file.display())))?;
    let bad = |error| BadInput(format!("{}: expected {what}: {error}", file.display()));
    Ok(serde_json::from_str(&text).map_err(bad)?)
}

fn write(file: &Path, proposal: &Proposal) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(proposal)? + "\n";
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn key(file: &Path) -> anyhow::Result<PrivateKeySigner> {
    let text = fs::read_to_string(file).map_err(|error| BadInput(format!("{}: {error}", file.display())))?;
    let bad = || BadInput(format!("{}: expected a key of 64 hexadecimal digits", file.display()));
    Ok(read_key(&text).ok_or_else(bad)?)
}

fn parse_owner(text: &str) -> Result<ballast_types::Address, String> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|error| error.to_string())
}
