//! `ballast freeze`: a third of the validators stops a vault: each signs, somebody puts the signatures together, somebody
//! sends them.
//!
//! - Signing and putting together need no network and no hub.
//! - Keys come from files or the environment, never from the command line, where every process sees them.

use anyhow::Context as _;
use ballast_sim::calendar::{date_time, moment};
use ballast_spoke::certificate::{Key, ValidatorSet, freeze_quorum};
use ballast_spoke::evm::{
    Address, PrivateKeySigner, SendFreezeError, VaultFacts, freeze_call, hub_address, read_key, read_vault,
    send_freeze,
};
use ballast_spoke::freeze::{FreezeVote, SignedFreeze};
use ballast_spoke::message::Freeze;
use ballast_types::{ChainKind, Hash, Signer, digest};
use ballast_units::{Millis, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::BadInput;

const EXAMPLES: &str = "Examples:
  ballast freeze status --rpc https://polygon.example --vault 0x1111..11 --out polygon.json
  ballast freeze sign --status polygon.json --until 2021-05-19T14:00:00Z --key-file validator.key --out anna.json
  ballast freeze sign --chain-id 137 --vault 0x1111..11 --epoch 3 --until 2021-05-19T14:00:00Z --key-env VALIDATOR_KEY
  ballast freeze combine anna.json bert.json --status polygon.json --out freeze.json
  ballast freeze send freeze.json --rpc https://polygon.example --vault 0x1111..11 --key-file gas.key
  ballast freeze send freeze.json --vault 0x1111..11 --calldata

Of n validators floor(n/3) + 1 freeze a vault, for at most 24 hours; everybody signs the same --until. Nothing leaves the
vault and no auction starts until then; deposits and takes go on, and it ends by itself.

Exit codes: 0 done; 1 refused (too few signatures, a vault that says no, a chain that does not answer), nothing was
frozen; 2 a file or figure that cannot be read.";

/// Stop a vault with the signatures of a third of the validators
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Ask a vault for its domain, its validators and how many of them freeze it
    Status {
        #[command(flatten)]
        place: Place,
        /// Write the answer there too
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Sign a freeze as one validator; needs no network
    Sign {
        #[command(flatten)]
        vault: Whose,
        #[command(flatten)]
        end: End,
        #[command(flatten)]
        key: KeyPlace,
        /// Write the signature there too
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Put validators' signatures together, or say how many are missing; needs no network
    Combine {
        /// What `sign` wrote, a file each
        #[arg(required = true)]
        votes: Vec<PathBuf>,
        /// What `status` wrote: the validators
        #[arg(long, value_name = "FILE")]
        status: PathBuf,
        /// Write the freeze there too
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Send a freeze to its vault, or print what to send
    Send {
        /// What `combine` wrote
        file: PathBuf,
        /// The vault, 20 bytes
        #[arg(long)]
        vault: Address,
        /// Endpoint of the vault's chain
        #[arg(long, required_unless_present = "calldata")]
        rpc: Option<String>,
        #[command(flatten)]
        key: GasKey,
        /// Print the transaction's data instead of sending it
        #[arg(long)]
        calldata: bool,
    },
}

/// Where a vault is asked.
#[derive(Debug, clap::Args)]
struct Place {
    /// Endpoint of the vault's chain
    #[arg(long)]
    rpc: String,
    /// The vault, 20 bytes
    #[arg(long)]
    vault: Address,
}

/// Which vault, and which of its sets signs.
#[derive(Debug, clap::Args)]
struct Whose {
    /// What `status` wrote: domain and epoch
    #[arg(long, value_name = "FILE", conflicts_with_all = ["domain", "chain_id", "vault", "epoch"])]
    status: Option<PathBuf>,
    /// The vault's domain, 32 bytes
    #[arg(long, value_parser = parse_hash, conflicts_with_all = ["chain_id", "vault"])]
    domain: Option<Hash>,
    /// The chain's own id; with --vault, in place of --domain
    #[arg(long, requires = "vault")]
    chain_id: Option<u64>,
    /// The vault, 20 bytes
    #[arg(long, requires = "chain_id")]
    vault: Option<Address>,
    /// Of the validators that the vault obeys
    #[arg(long, required_unless_present = "status")]
    epoch: Option<u32>,
}

/// When the freeze ends. The same for everybody who signs.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct End {
    /// At this moment, UTC: 2021-05-19T14:00:00Z, or milliseconds since 1970
    #[arg(long, value_parser = parse_moment)]
    until: Option<Time>,
    /// So many minutes from now by this machine's clock
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: Option<u64>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct KeyPlace {
    /// A file with the validator's key, 64 hexadecimal digits
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The environment variable that has it
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
}

#[derive(Debug, clap::Args)]
struct GasKey {
    /// A file with the key of whoever pays the gas; any key
    #[arg(long, value_name = "FILE", required_unless_present = "calldata")]
    key_file: Option<PathBuf>,
}

/// What `status` tells, and `sign` and `combine` read.
#[derive(Debug, Serialize, Deserialize)]
struct Status {
    domain: Hash,
    epoch: u32,
    validators: Vec<Signer>,
    /// Signatures that freeze; that move money, and may prolong a freeze.
    freeze_needs: usize,
    quorum: usize,
    /// Of the last freeze; in the past where the vault is open.
    frozen_until: Time,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let answer = match &args.command {
        Command::Status { place, out } => {
            let facts = read_vault(&place.rpc, place.vault).map_err(refused)?;
            kept(out.as_deref(), serde_json::to_value(Status::of(&facts))?)?
        }
        Command::Sign { vault, end, key, out } => {
            let (domain, epoch) = vault.read()?;
            let vote = FreezeVote::sign(domain, epoch, Freeze { until: end.read()? }, &key.read()?);
            kept(out.as_deref(), serde_json::to_value(vote)?)?
        }
        Command::Combine { votes, status, out } => {
            let set = Status::read(status)?.set(status)?;
            let votes: Vec<FreezeVote> =
                votes.iter().map(|file| read(file, "a signature of `sign`")).collect::<Result<_, _>>()?;
            let freeze = SignedFreeze::combine(&votes, &set);
            let freeze = freeze.context("these signatures freeze nothing")?;
            kept(out.as_deref(), serde_json::to_value(freeze)?)?
        }
        Command::Send { file, vault, calldata: true, .. } => {
            let freeze: SignedFreeze = read(file, "a freeze of `combine`")?;
            let call = freeze_call(freeze.freeze(), freeze.epoch, &freeze.certificate());
            let digits: String = call.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "to": vault, "data": format!("0x{digits}") })
        }
        Command::Send { file, vault, rpc, key, .. } => {
            let freeze: SignedFreeze = read(file, "a freeze of `combine`")?;
            let rpc = rpc.as_deref().unwrap_or_default();
            let key = gas_key(key.key_file.as_deref())?;
            let sent = send_freeze(&freeze, rpc, *vault, &key).map_err(refused)?;
            json!({
                "transaction": sent.transaction,
                "block": sent.block,
                "gas": sent.gas,
                "frozen_until": freeze.until,
                "frozen_until_utc": date_time(freeze.until),
            })
        }
    };
    println!("{}", serde_json::to_string_pretty(&answer)?);
    Ok(ExitCode::SUCCESS)
}

impl Status {
    fn of(facts: &VaultFacts) -> Self {
        let set = &facts.validators;
        Self {
            domain: facts.domain,
            epoch: set.epoch(),
            validators: set.signers().to_vec(),
            freeze_needs: freeze_quorum(set.signers().len()),
            quorum: set.quorum(),
            frozen_until: facts.frozen_until,
        }
    }

    fn read(file: &Path) -> anyhow::Result<Self> {
        read(file, "what `status` wrote")
    }

    fn set(self, file: &Path) -> anyhow::Result<ValidatorSet> {
        let set = ValidatorSet::new(self.epoch, self.validators);
        Ok(set.map_err(|error| BadInput(format!("{}: {error}", file.display())))?)
    }
}

impl Whose {
    /// Domain and epoch.
    fn read(&self) -> anyhow::Result<(Hash, u32)> {
        if let Some(file) = &self.status {
            let Status { domain, epoch, .. } = Status::read(file)?;
            return Ok((domain, epoch));
        }
        let epoch = self.epoch.unwrap_or_default();
        match (self.domain, self.chain_id, self.vault) {
            (Some(domain), ..) => Ok((domain, epoch)),
            (None, Some(chain), Some(vault)) => {
                Ok((digest::domain(ChainKind::Evm, chain, hub_address(vault)), epoch))
            }
            _ => {
                let expected = "expected --status FILE, --domain HASH, or --chain-id N and --vault ADDRESS";
                Err(BadInput(expected.to_owned()).into())
            }
        }
    }
}

impl End {
    fn read(&self) -> anyhow::Result<Time> {
        let since =
            SystemTime::now().duration_since(UNIX_EPOCH).context("this machine's clock is before 1970")?;
        let now = Time::from_millis(u64::try_from(since.as_millis())?);
        Ok(match (self.until, self.minutes) {
            (Some(until), _) => until,
            (None, minutes) => now.after(Millis::minutes(minutes.unwrap_or_default())),
        })
    }
}

impl KeyPlace {
    fn read(&self) -> anyhow::Result<Key> {
        let (place, text) = match (&self.key_file, &self.key_env) {
            (Some(file), _) => (file.display().to_string(), text(file)?),
            (None, name) => {
                let name = name.as_deref().unwrap_or_default();
                let found = std::env::var(name);
                (name.to_owned(), found.map_err(|error| BadInput(format!("{name}: {error}")))?)
            }
        };
        let key = read_key(&text).and_then(|key| Key::from_bytes(&key.to_bytes().0));
        Ok(key.ok_or_else(|| no_key(&place))?)
    }
}

fn gas_key(file: Option<&Path>) -> anyhow::Result<PrivateKeySigner> {
    let file = file.unwrap_or(Path::new(""));
    Ok(read_key(&text(file)?).ok_or_else(|| no_key(&file.display().to_string()))?)
}

fn no_key(place: &str) -> BadInput {
    BadInput(format!("{place}: expected a key of 64 hexadecimal digits"))
}

fn refused(error: SendFreezeError) -> anyhow::Error {
    anyhow::Error::new(error).context("nothing was frozen")
}

/// Writes an answer to a file too, where one is named.
fn kept(out: Option<&Path>, answer: Value) -> anyhow::Result<Value> {
    if let Some(file) = out {
        let text = serde_json::to_string_pretty(&answer)? + "\n";
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(answer)
}

fn text(file: &Path) -> anyhow::Result<String> {
    Ok(fs::read_to_string(file).map_err(|error| BadInput(format!("{}: {error}", file.display())))?)
}

fn read<T: serde::de::DeserializeOwned>(file: &Path, what: &str) -> anyhow::Result<T> {
    let bad = |error| BadInput(format!("{}: expected {what}: {error}", file.display()));
    Ok(serde_json::from_str(&text(file)?).map_err(bad)?)
}

fn parse_hash(text: &str) -> Result<Hash, String> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|error| error.to_string())
}

fn parse_moment(text: &str) -> Result<Time, String> {
    let millis = text.parse::<u64>().ok().map(Time::from_millis);
    millis.or_else(|| moment(text)).ok_or_else(|| {
        format!("expected a moment in UTC such as 2021-05-19T14:00:00Z, or milliseconds since 1970; found {text:?}")
    })
}
