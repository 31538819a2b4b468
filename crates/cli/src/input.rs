//! What a replay is made from, as `ballast replay` and `ballast watch` are told alike.
//!
//! - Everything that can be wrong is read before anything is written or drawn.

use ballast_sim::candles::read_folder;
use ballast_sim::replay::{Progress, Replay, ReplayError};
use ballast_sim::{CandleSet, Liquidated, Scenario, Seed, story};
use ballast_units::Time;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Input that cannot be read. Its text names the file and says what was expected.
#[derive(Debug)]
pub struct BadInput(pub String);

impl std::fmt::Display for BadInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// Which replay, and how fast.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Source {
    /// Folder of candles, <asset>_usdt_<interval>.csv
    #[arg(long, value_name = "DIR")]
    pub prices: Option<PathBuf>,
    /// How many accounts; without it as the scenario says, else 20000
    #[arg(long, value_name = "N")]
    pub accounts: Option<u32>,
    /// What everything random is drawn from; without it as the scenario says, else 1
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Scenario, TOML
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Times real time; 0: as fast as possible. Without it 60 on the screen of `watch`, else 0
    #[arg(long, value_name = "X", value_parser = speed, allow_negative_numbers = true)]
    pub speed: Option<f64>,
}

impl Source {
    /// The replay before its first block.
    pub fn prepare(&self) -> anyhow::Result<Replay> {
        let scenario = match &self.scenario {
            Some(file) => Scenario::read(file).map_err(|error| bad(&error))?,
            None => Scenario::default(),
        };
        self.prepare_over(scenario, Replay::new)
    }

    /// The same of a scenario that is known, over whatever `make` builds.
    pub fn prepare_over<R>(
        &self,
        mut scenario: Scenario,
        make: impl FnOnce(Scenario, CandleSet, Option<Liquidated>) -> Result<R, ReplayError>,
    ) -> anyhow::Result<R> {
        scenario.accounts = self.accounts.unwrap_or(scenario.accounts);
        scenario.seed = self.seed.unwrap_or(scenario.seed);
        let (candles, aave) = match &self.prices {
            Some(folder) => (
                read_folder(folder).map_err(|error| bad(&error))?,
                Liquidated::read_folder(folder).map_err(|error| bad(&error))?,
            ),
            None => (told(&mut scenario), None),
        };
        let place = |error: &ReplayError| match error {
            ReplayError::NoAsset { .. } | ReplayError::Prices(_) => self.prices.clone(),
            _ => self.scenario.clone(),
        };
        Ok(make(scenario, candles, aave).map_err(|error| match place(&error) {
            Some(path) => BadInput(format!("{}: {}", path.display(), bad(&error))),
            None => bad(&error),
        })?)
    }
}

/// The built-in day.
fn told(scenario: &mut Scenario) -> CandleSet {
    if scenario.name == Scenario::default().name {
        scenario.name = "19 May 2021, as told".to_owned();
    }
    story::may_19_2021(Seed::new(scenario.seed))
}

/// Keeps a replay at so many times real time; the warm-up is not held back.
#[derive(Debug)]
pub struct Pace {
    speed: f64,
    start: Option<(Instant, Time)>,
}

impl Pace {
    /// At 0 nothing is held back.
    #[must_use]
    pub fn new(speed: f64) -> Self {
        Self { speed, start: None }
    }

    /// It holds back.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        0.0 < self.speed
    }

    /// Sleeps until the replay's last block is due.
    pub fn wait(&mut self, progress: &Progress) {
        std::thread::sleep(self.left(progress));
    }

    /// Time until the replay's last block is due.
    pub fn left(&mut self, progress: &Progress) -> Duration {
        if !self.is_slow() || progress.warming_up {
            return Duration::ZERO;
        }
        let (start, from) = *self.start.get_or_insert((Instant::now(), progress.time));
        let due = Duration::from_millis(progress.time.since(from).get()).div_f64(self.speed);
        due.saturating_sub(start.elapsed())
    }

    /// Takes the present moment as the one at which the last block was due: after a pause.
    pub fn restart(&mut self) {
        self.start = None;
    }
}

/// An error and what caused it, in one line.
fn bad(error: &dyn std::error::Error) -> BadInput {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    BadInput(text)
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|speed| speed.is_finite() && 0.0 <= *speed);
    speed.ok_or_else(|| format!("expected a number, zero or above, found {text:?}"))
}
