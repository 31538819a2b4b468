//! `ballast attack`: a search for scripts by which somebody gains from the house.

use ballast_sim::attack::search::Broken;
use ballast_sim::attack::{Field, Find, Genome, Mirror, Progress, Report, Terms, World, search};
use ballast_sim::script::{Line, ScriptGenesis, genesis};
use ballast_sim::seed::Seed;
use ballast_units::{Amount, Usd};
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::BadInput;

const EXAMPLES: &str = "Examples:
  ballast attack --seconds 600
  ballast attack --runs 100000 --seed 7 --out finds/
  ballast attack --seconds 60 --field silent --genesis house.toml --json
  ballast exec finds/find-1.jsonl

The attacker holds four accounts, deposits, trades, borrows, lends, withdraws, bids and waits; honest people, prices and
honest bidders are drawn from the seed. The same seed and the same number of runs give the same finds, on any number of
threads. How a gain is measured, and what was found: docs/results.md.

Exit codes: 0 nothing above the bound; 1 a find above it, or a broken invariant; 2 input that cannot be read.";

/// Searches for scripts by which an attacker gains from the house, with every guard on.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Search for so long
    #[arg(long, value_name = "N", conflicts_with = "runs", required_unless_present = "runs")]
    seconds: Option<u64>,
    /// Try so many scripts, rounded up to whole batches
    #[arg(long, value_name = "N")]
    runs: Option<u64>,
    /// What everything random is drawn from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How prices move; without it all of them in turn
    #[arg(long, value_name = "NAME", value_parser = field)]
    field: Option<Field>,
    /// Another house: a genesis as `exec` reads it, .toml or .json
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// Dollars above which a gain is a find; without it the house's dust
    #[arg(long, value_name = "DOLLARS")]
    above: Option<Amount>,
    /// Threads; without it one per core
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Write each find there as a script, and as one with mirrored prices
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON object as the last line, and no script
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (house, given) = house(args)?;
    let seed = Seed::new(args.seed);
    let fields = args.field.map_or(Field::ALL.to_vec(), |field| vec![field]);
    let worlds: Vec<World> = fields
        .iter()
        .map(|field| World::new(*field, seed, &house).map_err(BadInput))
        .collect::<Result<_, _>>()?;
    let above = args.above.unwrap_or(house.genesis.liquidation.debt_dust).dollars();
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.unwrap_or_else(cores).max(1);
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder)
            .map_err(|error| BadInput(format!("{}: {error}", folder.display())))?;
    }

    // A panic is a find: it is printed with its script, not where it happens.
    std::panic::set_hook(Box::new(|_| {}));
    let clock = Clock::new(args.seconds, args.runs);
    let mut screen = Screen::new(clock.began);
    let report = search(&worlds, &Terms { seed, threads, above }, |progress| {
        screen.tell(progress);
        clock.goes_on(progress)
    });
    drop(std::panic::take_hook());
    screen.end();

    let seconds = clock.began.elapsed().as_secs_f64();
    let scripts = Scripts { worlds: &worlds, house: given.as_ref(), finds: &report.finds };
    if let Some(folder) = &args.out {
        scripts.write(folder)?;
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", as_json(&scripts, &report, seconds))?;
    } else {
        print(&mut out, &scripts, &report, seconds, args.out.is_none())?;
    }
    let clean = report.finds.is_empty() && report.broken.is_empty();
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The house, and its genesis as it stands in the file.
fn house(args: &Args) -> anyhow::Result<(ScriptGenesis, Option<Value>)> {
    let Some(file) = &args.genesis else { return Ok((ScriptGenesis::default(), None)) };
    let name = file.display();
    let bad = |error: &dyn std::fmt::Display| BadInput(format!("{name}: {error}"));
    let text = std::fs::read_to_string(file).map_err(|error| bad(&error))?;
    let is_toml = file.extension().is_some_and(|extension| extension == "toml");
    let given: Value = match is_toml {
        true => toml::from_str(&text).map_err(|error| bad(&error))?,
        false => serde_json::from_str(&text).map_err(|error| bad(&error))?,
    };
    let house = genesis::read(&given, Path::new("")).map_err(|error| bad(&error))?;
    Ok((house, Some(given)))
}

fn field(name: &str) -> Result<Field, String> {
    let known = Field::ALL.map(Field::name);
    let field = Field::ALL.into_iter().find(|field| field.name() == name);
    field.ok_or_else(|| format!("expected one of {}", known.join(", ")))
}

/// When the search ends.
struct Clock {
    began: Instant,
    seconds: Option<u64>,
    runs: Option<u64>,
}

impl Clock {
    fn new(seconds: Option<u64>, runs: Option<u64>) -> Self {
        Self { began: Instant::now(), seconds, runs }
    }

    fn goes_on(&self, progress: &Progress) -> bool {
        let in_time = self.seconds.is_none_or(|seconds| self.began.elapsed() < Duration::from_secs(seconds));
        in_time && self.runs.is_none_or(|runs| progress.runs < runs)
    }
}

/// How far the search is, on the terminal every second, elsewhere every minute.
struct Screen {
    began: Instant,
    next: Instant,
    every: Duration,
    terminal: bool,
}

impl Screen {
    fn new(began: Instant) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let every = Duration::from_secs(if terminal { 1 } else { 60 });
        Self { began, next: began + every, every, terminal }
    }

    fn tell(&mut self, progress: &Progress) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + self.every;
        let Progress { runs, best, kinds, broken } = progress;
        let speed = per_second(*runs, self.began.elapsed().as_secs_f64());
        let best: Vec<String> = best.iter().map(|(field, gain)| told(*field, *gain)).collect();
        let text =
            format!("{runs} runs, {speed}/s, {kinds} kinds seen, {broken} broken; {}", best.join(", "));
        if self.terminal {
            eprint!("\r\x1b[2K{text}");
        } else {
            eprintln!("{text}");
        }
    }

    fn end(&self) {
        if self.terminal {
            eprint!("\r\x1b[2K");
        }
    }
}

/// Finds as scripts for `ballast exec`.
struct Scripts<'a> {
    worlds: &'a [World],
    house: Option<&'a Value>,
    finds: &'a [Find],
}

impl Scripts<'_> {
    fn world(&self, field: Field) -> &World {
        self.worlds.iter().find(|world| world.field == field).expect("a find is of a field")
    }

    /// The whole script: what it came to, the house, everything that happens, and the attacker's accounts at the end.
    fn text(&self, field: Field, genome: &Genome, mirror: Mirror, head: &[String]) -> String {
        let world = self.world(field);
        let mut text: String = head.iter().map(|line| format!("# {line}\n")).collect();
        if let Some(house) = self.house {
            text.push_str(&format!("{}\n", json!({ "genesis": house })));
        }
        for line in world.script(genome, mirror) {
            text.push_str(&written(&line));
        }
        text
    }

    fn head(&self, find: &Find, mirror: Mirror) -> Vec<String> {
        let [first, last] = find.score.each;
        let side = if mirror == Mirror::Straight { "" } else { ", prices mirrored" };
        let mut head = vec![
            format!(
                "A find of `ballast attack`, field {}, run {}{side}: the attacker gains {} USD.",
                find.field.name(),
                find.run,
                dollars(find.score.gain)
            ),
            format!("On the path {}, on its mirror image {}.", dollars(first), dollars(last)),
        ];
        for (name, fell) in self.world(find.field).payers(&find.genome, mirror) {
            head.push(format!("  {name} has {} less than without the attacker", dollars(fell)));
        }
        head.push("The attacker's own lines:".to_owned());
        head.extend(find.genome.0.iter().map(|line| format!("  {}", written(line).trim_end())));
        head
    }

    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        for (number, find) in (1..).zip(self.finds) {
            for (mirror, suffix) in Mirror::BOTH.into_iter().zip(["", "-mirrored"]) {
                let text = self.text(find.field, &find.genome, mirror, &self.head(find, mirror));
                std::fs::write(folder.join(format!("find-{number}{suffix}.jsonl")), text)?;
            }
        }
        Ok(())
    }
}

fn print(
    out: &mut impl Write,
    scripts: &Scripts<'_>,
    report: &Report,
    seconds: f64,
    with_script: bool,
) -> std::io::Result<()> {
    for Broken { field, genome, what } in &report.broken {
        writeln!(out, "# broken, field {}: {what}", field.name())?;
        for line in &genome.0 {
            write!(out, "{}", written(line))?;
        }
    }
    if let (true, Some(best)) = (with_script, report.finds.first()) {
        let head = scripts.head(best, Mirror::Straight);
        write!(out, "{}", scripts.text(best.field, &best.genome, Mirror::Straight, &head))?;
    }
    for (number, find) in (1..).zip(&report.finds) {
        let (gain, lines) = (dollars(find.score.gain), find.genome.0.len());
        writeln!(out, "# find {number}: {gain} USD, field {}, {lines} lines", find.field.name())?;
    }
    let best: Vec<String> = report.best.iter().map(|(field, gain)| told(*field, *gain)).collect();
    let (runs, kinds, speed) = (report.runs, report.kinds, per_second(report.runs, seconds));
    writeln!(
        out,
        "# {runs} runs in {seconds:.0} s, {speed}/s, {kinds} kinds seen; best gain, USD: {}",
        best.join(", ")
    )
}

fn as_json(scripts: &Scripts<'_>, report: &Report, seconds: f64) -> Value {
    let finds: Vec<Value> = report
        .finds
        .iter()
        .map(|find| {
            let payers = scripts.world(find.field).payers(&find.genome, Mirror::Straight);
            json!({
                "field": find.field,
                "gain": find.score.gain,
                "each": find.score.each,
                "run": find.run,
                "lines": find.genome.0,
                "payers": payers.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            })
        })
        .collect();
    let broken: Vec<Value> = report
        .broken
        .iter()
        .map(|broken| json!({ "field": broken.field, "what": broken.what, "lines": broken.genome.0 }))
        .collect();
    let best: Vec<Value> =
        report.best.iter().map(|(field, gain)| json!({ "field": field, "gain": gain })).collect();
    json!({ "attack": {
        "runs": report.runs,
        "seconds": seconds,
        "runs_per_second": per_second(report.runs, seconds),
        "kinds": report.kinds,
        "best": best,
        "finds": finds,
        "broken": broken,
    }})
}

fn written(line: &Line) -> String {
    format!("{}\n", serde_json::to_string(line).expect("a line is plain JSON"))
}

fn told(field: Field, gain: Option<Usd>) -> String {
    format!("{} {}", field.name(), gain.map_or("none".to_owned(), dollars))
}

/// Dollars to the cent, rounded down.
fn dollars(usd: Usd) -> String {
    let cents = usd.wei().div_euclid(10_000_000_000_000_000);
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

fn per_second(runs: u64, seconds: f64) -> u64 {
    if seconds <= 0.0 { runs } else { (runs as f64 / seconds) as u64 }
}
