//! A scenario: who is in the house, how deep its markets are, what goes wrong and when. Read from TOML;
//! every field has a default.
//!
//! - Dollar totals are those of a house of [`REFERENCE`] accounts; with fewer or more they shrink or grow with
//!   them, so that a small demo shows the same picture.
//! - Money and shares are decimal strings, spans are milliseconds, moments are TOML date-times in UTC.

mod nodes;

pub use nodes::{ChainFaults, Drills, FaultPlan, Join, Keepers, OrderWay};

use crate::calendar;
use ballast_units::{Amount, Millis, Ratio, Time};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::value::Datetime;

/// Number of accounts that the dollar totals of a scenario are for.
pub const REFERENCE: u64 = 100_000;

/// Everything a replay is told, but prices.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// What the report calls it.
    pub name: String,
    /// Accounts of people; the house's own come on top.
    pub accounts: u32,
    /// Everything random follows from it.
    pub seed: u64,
    /// First moment of the replay; without it, midnight before the deepest fall of any asset.
    #[serde(deserialize_with = "moment")]
    pub from: Option<Time>,
    /// The moment after the replay; without it, 24 hours after `from`, or where the prices end.
    #[serde(deserialize_with = "moment")]
    pub to: Option<Time>,
    /// Time between two blocks of the hub.
    pub block_time: Millis,
    /// Before `from`, at its prices: people deposit, lend, borrow and open positions.
    pub warm_up: Millis,
    /// After `to`, at the prices that come then: goes on until what was opened before is over, for so long at most.
    pub cool_down: Millis,
    /// From the block that gives an order to its arrival at the chain.
    pub order_latency: Millis,
    /// The formula of depth is on.
    pub depth_formula: bool,
    /// Dollars in a market's curve at the start; a market not named here has those of the house's genesis.
    pub depth: BTreeMap<String, Amount>,
    /// Who the accounts are.
    pub people: People,
    /// Where they are: weight of each chain, in any unit. A chain without a weight has nobody.
    pub chain_weights: BTreeMap<String, u64>,
    /// Those who borrow.
    pub borrowers: Borrowers,
    /// Those who trade.
    pub traders: Traders,
    /// Those who follow the trend.
    pub followers: Followers,
    /// Arbitrageurs, who keep mark near index.
    pub makers: Makers,
    /// Who buys lots.
    pub bidders: Bidders,
    /// When some of them are gone.
    pub bidders_away: Vec<Away>,
    /// When a chain is slow and dear.
    pub congestion: Vec<Congestion>,
    /// Who executes liquidations.
    pub keepers: Keepers,
    /// The way of orders between chains, where they have one.
    pub order_way: OrderWay,
    /// Validators, and what goes wrong with them and with chains.
    pub faults: FaultPlan,
    /// What the house has to come through in the middle of everything.
    pub drills: Drills,
    /// What the layers of the waterfall hold at the start.
    pub layers: Layers,
    /// The trade whose slippage is watched.
    pub probe: Probe,
    /// Chains of the house that are not there.
    pub without_chains: Vec<String>,
    /// Chains of the house that come while the hub runs.
    pub joins: Vec<Join>,
    /// What the chains are like, beside what genesis says.
    pub chains: BTreeMap<String, ChainTerms>,
    /// Parameters that replace those of the house's genesis, in its own form; entries of its lists are found
    /// by their name.
    pub genesis: toml::Table,
    /// A book of real borrowers to draw from, relative to the scenario's file; without it the built-in one.
    pub book: Option<PathBuf>,
}

/// Shares of the accounts; what is left over holds cash and does nothing.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct People {
    /// Collateral and a loan.
    pub borrowers: Ratio,
    /// Positions.
    pub traders: Ratio,
    /// Positions with the trend.
    pub followers: Ratio,
    /// Dollars in the lending pools.
    pub lenders: Ratio,
}

/// Those who borrow. Size and health come from a book's shape.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Borrowers {
    /// Mean collateral, dollars: the book's sizes are scaled to it.
    pub collateral_mean: Amount,
    /// Nobody has less, dollars.
    pub collateral_min: Amount,
    /// Nobody has more than this many times the mean.
    pub collateral_max: u64,
    /// Share whose collateral lies half on a second chain.
    pub two_chains: Ratio,
    /// Use of a lending pool once all loans are paid out.
    pub pool_use: Ratio,
    /// Share that watches its health, and repays half of its loan when it gets low.
    pub attentive: Ratio,
    /// Health, as collateral over debt times threshold, at which they act, at least and at most.
    pub alarm: [Ratio; 2],
}

/// Those who trade.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traders {
    /// Median of what they bring, dollars.
    pub cash_median: Amount,
    /// One standard deviation multiplies it by two to this many hundredths.
    pub cash_spread: u32,
    /// Share that opens long.
    pub long: Ratio,
    /// Leverages, each as likely.
    pub leverage: Vec<u32>,
    /// Share that brings a volatile token instead of cash.
    pub on_collateral: Ratio,
    /// Share that opens or closes a position in an hour.
    pub turnover: Ratio,
}

/// Those who follow the trend.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Followers {
    /// How often one looks.
    pub every: Millis,
    /// How far back.
    pub lookback: Millis,
    /// A smaller move is no trend.
    pub threshold: Ratio,
    /// Highest leverage; each look with the trend adds one to it.
    pub leverage_max: u32,
}

/// Arbitrageurs: they trade mark towards index when that pays, as long as their margin reaches.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Makers {
    /// How many.
    pub number: u32,
    /// Dollars of all of them together.
    pub capital: Amount,
    /// They act when mark is further than this from index.
    pub threshold: Ratio,
    /// One that was refused for lack of margin tries again after this.
    pub pause: Millis,
}

/// Who buys lots.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bidders {
    /// How many.
    pub number: u32,
    /// Dollars of all of them together.
    pub capital: Amount,
    /// Discount on index that they require, at least and at most.
    pub discount: [Ratio; 2],
    /// From seeing to sending, at least and at most.
    pub latency: [Millis; 2],
    /// Until what they bought is dollars again.
    pub hold: Millis,
    /// Share of bidders that is on a given chain; on the deepest chain all are.
    pub on_chain: Ratio,
}

/// Some bidders are gone for a while.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Away {
    /// From when.
    #[serde(deserialize_with = "moment_there")]
    pub from: Time,
    /// Until when.
    #[serde(deserialize_with = "moment_there")]
    pub to: Time,
    /// How many of them.
    pub share: Ratio,
}

/// A chain is slow and dear for a while.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Congestion {
    /// Its name.
    pub chain: String,
    /// From when.
    #[serde(deserialize_with = "moment_there")]
    pub from: Time,
    /// Until when.
    #[serde(deserialize_with = "moment_there")]
    pub to: Time,
    /// From sending to the earliest block that may include it.
    pub inclusion: Millis,
    /// Dollars of gas that a take costs.
    pub gas: Amount,
}

/// What the layers of the waterfall hold at the start, dollars.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Layers {
    /// Tranche of each market.
    pub tranche_market: Amount,
    /// Tranche of each chain.
    pub tranche_chain: Amount,
    /// Budget of each market.
    pub budget: Amount,
    /// The float.
    pub float: Amount,
}

/// The trade whose slippage is watched.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Probe {
    /// How often.
    pub every: Millis,
    /// Dollars; not scaled by the number of accounts.
    pub quote: Amount,
}

/// What a chain is like.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainTerms {
    /// From sending to the earliest block that may include it.
    pub inclusion: Millis,
    /// Dollars of gas that a take costs.
    pub gas: Amount,
    /// Blocks on top of one that counts as safe.
    pub safe_depth: u64,
    /// Blocks on top of one that is final.
    pub final_depth: u64,
}

impl Default for Scenario {
    fn default() -> Self {
        let weights = [("ethereum", 50), ("bsc", 20), ("polygon", 12), ("solana", 8), ("layer2", 10)];
        Self {
            name: "a crash".to_owned(),
            accounts: 20_000,
            seed: 1,
            from: None,
            to: None,
            block_time: Millis::seconds(2),
            warm_up: Millis::hours(1),
            cool_down: Millis::ZERO,
            order_latency: Millis::seconds(4),
            depth_formula: true,
            depth: BTreeMap::new(),
            people: People::default(),
            chain_weights: weights.map(|(name, weight)| (name.to_owned(), weight)).into(),
            borrowers: Borrowers::default(),
            traders: Traders::default(),
            followers: Followers::default(),
            makers: Makers::default(),
            bidders: Bidders::default(),
            bidders_away: Vec::new(),
            congestion: Vec::new(),
            keepers: Keepers::default(),
            order_way: OrderWay::default(),
            faults: FaultPlan::default(),
            drills: Drills::default(),
            layers: Layers::default(),
            probe: Probe::default(),
            without_chains: Vec::new(),
            joins: Vec::new(),
            chains: BTreeMap::new(),
            genesis: toml::Table::new(),
            book: None,
        }
    }
}

impl Default for People {
    fn default() -> Self {
        Self {
            borrowers: Ratio::percent(60),
            traders: Ratio::percent(32),
            followers: Ratio::percent(5),
            lenders: Ratio::percent(2),
        }
    }
}

impl Default for Borrowers {
    fn default() -> Self {
        Self {
            collateral_mean: Amount::whole(40_000),
            collateral_min: Amount::whole(500),
            collateral_max: 400,
            two_chains: Ratio::percent(20),
            pool_use: Ratio::percent(75),
            attentive: Ratio::percent(60),
            alarm: [Ratio::percent(104), Ratio::percent(130)],
        }
    }
}

impl Default for Traders {
    fn default() -> Self {
        Self {
            cash_median: Amount::whole(1_000),
            cash_spread: 160,
            long: Ratio::percent(60),
            leverage: vec![2, 2, 3, 3, 4, 5, 5, 7, 9],
            on_collateral: Ratio::percent(15),
            turnover: Ratio::percent(10),
        }
    }
}

impl Default for Followers {
    fn default() -> Self {
        Self {
            every: Millis::minutes(10),
            lookback: Millis::minutes(30),
            threshold: Ratio::percent(2),
            leverage_max: 4,
        }
    }
}

impl Default for Makers {
    fn default() -> Self {
        Self {
            number: 12,
            capital: Amount::whole(150_000_000),
            threshold: Ratio::bps(25),
            pause: Millis::minutes(1),
        }
    }
}

impl Default for Bidders {
    fn default() -> Self {
        Self {
            number: 30,
            capital: Amount::whole(100_000_000),
            discount: [Ratio::bps(50), Ratio::percent(8)],
            latency: [Millis::new(500), Millis::seconds(10)],
            hold: Millis::minutes(10),
            on_chain: Ratio::percent(60),
        }
    }
}

impl Default for Layers {
    fn default() -> Self {
        Self {
            tranche_market: Amount::whole(1_000_000),
            tranche_chain: Amount::whole(2_000_000),
            budget: Amount::whole(500_000),
            float: Amount::whole(20_000_000),
        }
    }
}

impl Default for Probe {
    fn default() -> Self {
        Self { every: Millis::minutes(10), quote: Amount::whole(100_000) }
    }
}

impl Default for ChainTerms {
    fn default() -> Self {
        Self { inclusion: Millis::seconds(2), gas: Amount::whole(1), safe_depth: 1, final_depth: 32 }
    }
}

/// Why a scenario was refused. Says where.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be opened, or is not text.
    #[error("{}: cannot read the file", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A line that cannot be used.
    #[error("{}:{line}: {fault}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it, and what was expected.
        fault: String,
    },
}

/// A figure outside of what a replay can be run with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {found}; expected {expected}")]
pub struct ScenarioFault {
    /// Path of the field: `bidders.discount`.
    pub field: String,
    /// What it says.
    pub found: String,
    /// What would do.
    pub expected: &'static str,
}

impl Scenario {
    /// Reads a scenario's file.
    pub fn read(file: &Path) -> Result<Scenario, ScenarioError> {
        let text = fs::read_to_string(file)
            .map_err(|source| ScenarioError::File { file: file.to_owned(), source })?;
        Self::parse(file, &text)
    }

    /// Reads a scenario's text. `file` is what errors call it, and what `book` is relative to.
    pub fn parse(file: &Path, text: &str) -> Result<Scenario, ScenarioError> {
        let at = |line, fault| ScenarioError::Line { file: file.to_owned(), line, fault };
        let mut scenario: Scenario = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span));
            at(line, error.message().to_owned())
        })?;
        scenario.check().map_err(|fault| at(find_field(text, &fault.field), fault.to_string()))?;
        if let Some(book) = &mut scenario.book {
            *book = file.parent().unwrap_or(Path::new("")).join(&*book);
        }
        Ok(scenario)
    }

    /// Refuses figures that no replay can be run with.
    pub fn check(&self) -> Result<(), ScenarioFault> {
        let fault = |field: &str, found: String, expected| {
            Err(ScenarioFault { field: field.to_owned(), found, expected })
        };
        if self.accounts == 0 || MAX_ACCOUNTS < self.accounts {
            return fault("accounts", self.accounts.to_string(), "1 to 10,000,000");
        }
        if self.block_time < Millis::new(100) || Millis::seconds(60) < self.block_time {
            return fault("block_time", self.block_time.to_string(), "100 to 60,000 ms");
        }
        for (field, span) in [("probe.every", self.probe.every), ("followers.every", self.followers.every)] {
            if span < self.block_time {
                return fault(field, span.to_string(), "at least block_time");
            }
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && to <= from
        {
            return fault("to", to.to_string(), "a moment after from");
        }
        self.check_shares()?;
        self.check_amounts()?;
        for Away { from, to, .. } in &self.bidders_away {
            if to <= from {
                return fault("bidders_away", to.to_string(), "to after from");
            }
        }
        for Congestion { from, to, .. } in &self.congestion {
            if to <= from {
                return fault("congestion", to.to_string(), "to after from");
            }
        }
        for (name, terms) in &self.chains {
            if terms.final_depth < terms.safe_depth {
                return fault(
                    &format!("chains.{name}"),
                    terms.final_depth.to_string(),
                    "final_depth >= safe_depth",
                );
            }
        }
        if self.chain_weights.values().all(|weight| *weight == 0) {
            return fault(
                "chain_weights",
                "without any weight".to_owned(),
                "one chain with a weight above zero",
            );
        }
        if self.traders.leverage.is_empty() || self.traders.leverage.contains(&0) {
            return fault(
                "traders.leverage",
                format!("{:?}", self.traders.leverage),
                "whole numbers from 1 up",
            );
        }
        if self.traders.cash_spread > 1_000 {
            return fault("traders.cash_spread", self.traders.cash_spread.to_string(), "at most 1,000");
        }
        let [fast, slow] = self.bidders.latency;
        if slow < fast {
            return fault("bidders.latency", format!("{fast} to {slow}"), "least, then most");
        }
        nodes::check(&self.keepers, &self.faults)?;
        nodes::check_drills(&self.drills)?;
        if !self.joins.is_empty() && 1 < self.faults.validators {
            let found = self.faults.validators.to_string();
            return fault("faults.validators", found, "1 where a chain joins");
        }
        if self.order_way.confirmations == 0 {
            return fault(
                "order_way.confirmations",
                "0".to_owned(),
                "at least 1, the block that holds the message",
            );
        }
        if self.borrowers.collateral_max == 0 {
            return fault("borrowers.collateral_max", "0".to_owned(), "at least 1");
        }
        Ok(())
    }

    fn check_shares(&self) -> Result<(), ScenarioFault> {
        let People { borrowers, traders, followers, lenders } = self.people;
        let mut shares = vec![
            ("people.borrowers", borrowers),
            ("people.traders", traders),
            ("people.followers", followers),
            ("people.lenders", lenders),
            ("borrowers.two_chains", self.borrowers.two_chains),
            ("borrowers.pool_use", self.borrowers.pool_use),
            ("borrowers.attentive", self.borrowers.attentive),
            ("traders.long", self.traders.long),
            ("traders.on_collateral", self.traders.on_collateral),
            ("traders.turnover", self.traders.turnover),
            ("followers.threshold", self.followers.threshold),
            ("makers.threshold", self.makers.threshold),
            ("bidders.discount", self.bidders.discount[0]),
            ("bidders.discount", self.bidders.discount[1]),
            ("bidders.on_chain", self.bidders.on_chain),
        ];
        shares.extend(self.bidders_away.iter().map(|away| ("bidders_away", away.share)));
        let unit = Ratio::ZERO..=Ratio::ONE;
        if let Some((field, share)) = shares.into_iter().find(|(_, share)| !unit.contains(share)) {
            let (field, found) = (field.to_owned(), share.to_string());
            return Err(ScenarioFault { field, found, expected: "a share from 0 to 1" });
        }
        let fault = |field: &str, found: Ratio, expected| {
            Err(ScenarioFault { field: field.to_owned(), found: found.to_string(), expected })
        };
        let sum = borrowers + traders + followers + lenders;
        if Ratio::ONE < sum {
            return fault("people", sum, "shares that add up to at most 1");
        }
        if self.borrowers.pool_use.is_zero() {
            return fault("borrowers.pool_use", Ratio::ZERO, "a share above zero");
        }
        let [low, high] = self.borrowers.alarm;
        if low < Ratio::ONE || high < low || Ratio::whole(100) < high {
            return fault("borrowers.alarm", low, "least, then most, both from 1 to 100");
        }
        let [low, high] = self.bidders.discount;
        if high < low {
            return fault("bidders.discount", high, "least, then most");
        }
        Ok(())
    }

    fn check_amounts(&self) -> Result<(), ScenarioFault> {
        let mut amounts = vec![
            ("borrowers.collateral_mean", self.borrowers.collateral_mean),
            ("borrowers.collateral_min", self.borrowers.collateral_min),
            ("traders.cash_median", self.traders.cash_median),
            ("makers.capital", self.makers.capital),
            ("bidders.capital", self.bidders.capital),
            ("layers.tranche_market", self.layers.tranche_market),
            ("layers.tranche_chain", self.layers.tranche_chain),
            ("layers.budget", self.layers.budget),
            ("layers.float", self.layers.float),
            ("probe.quote", self.probe.quote),
        ];
        amounts.extend(self.depth.values().map(|depth| ("depth", *depth)));
        match amounts.into_iter().find(|(_, amount)| MAX_DOLLARS < *amount) {
            Some((field, amount)) => Err(ScenarioFault {
                field: field.to_owned(),
                found: amount.to_string(),
                expected: "at most 1,000,000,000,000 dollars",
            }),
            None => Ok(()),
        }
    }

    /// A dollar total of this scenario, for its number of accounts. Rounded down.
    #[must_use]
    pub fn scaled(&self, total: Amount) -> Amount {
        let accounts = Amount::whole(u64::from(self.accounts));
        total.share_down(accounts, Amount::whole(REFERENCE)).expect("totals and accounts are bounded")
    }

    /// What a chain is like: as the scenario says, or as chains of that name are.
    #[must_use]
    pub fn chain_terms(&self, name: &str) -> ChainTerms {
        let terms = |inclusion, gas, safe_depth, final_depth| ChainTerms {
            inclusion: Millis::new(inclusion),
            gas: Amount::whole(gas),
            safe_depth,
            final_depth,
        };
        self.chains.get(name).cloned().unwrap_or_else(|| match name {
            "ethereum" => terms(12_000, 10, 3, 64),
            "bsc" => terms(3_000, 1, 5, 15),
            "polygon" => terms(2_000, 1, 16, 128),
            "solana" => terms(800, 1, 4, 32),
            _ => ChainTerms::default(),
        })
    }
}

const MAX_ACCOUNTS: u32 = 10_000_000;

/// Keeps every total within R11 at the highest number of accounts.
const MAX_DOLLARS: Amount = Amount::whole(1_000_000_000_000);

/// Line of a span in a text, from 1.
fn line_of(text: &str, span: Range<usize>) -> usize {
    let before = text.as_bytes().iter().take(span.start);
    1 + before.filter(|byte| **byte == b'\n').count()
}

/// The line that sets a field, or opens its table; the first line for one that stands nowhere.
fn find_field(text: &str, path: &str) -> usize {
    let (table, key) = path.rsplit_once('.').unwrap_or(("", path));
    let (mut within, mut found) = (table.is_empty(), 1);
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.starts_with('[') {
            let name = line.trim_matches(['[', ']']);
            within = name == table;
            if within || name == path {
                found = number;
            }
        } else if within && line.split('=').next().is_some_and(|name| name.trim() == key) {
            return number;
        }
    }
    found
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    moment_there(deserializer).map(Some)
}

fn moment_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let datetime = Datetime::deserialize(deserializer)?;
    calendar::of_datetime(&datetime).ok_or_else(|| {
        let expected = "expected a date-time in UTC from 1970 on, such as 2021-05-19T12:00:00Z";
        serde::de::Error::custom(format!("{datetime}: {expected}"))
    })
}
