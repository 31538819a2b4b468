//! The replay: prices go through the house, block by block, with everybody who trades, borrows, lends,
//! arbitrages and bids.
//!
//! - One step is one block: price reports, what the chains tell, what people ask for; then orders travel to
//!   the chains and bidders look at what is under auction there.
//! - Same scenario, prices and seed: same blocks, same state hash, same figures. Money is counted in the house's
//!   own units.

mod bidders;
mod makers;
mod measure;
mod oracle;
mod places;
mod probe;
mod savers;
mod stage;
mod traders;

pub use measure::{
    AuctionPath, AuctionTotals, Figures, HourRow, HousePoint, MarketPoint, MarketSeries, Slip, SlippageRow,
    Summary, TakePoint, Waterfall,
};

use crate::book::{Book, BookError};
use crate::calendar::date_time;
use crate::candles::CandleSet;
use crate::house;
use crate::liquidated::Liquidated;
use crate::path::{MarketData, MarketDataError};
use crate::scenario::{Congestion, Scenario, ScenarioFault};
use crate::seed::Seed;
use ballast_engine::{BlockPart, Engine, GenesisError, Outcome, State, late_inclusions};
use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::message::Payload;
use ballast_spoke::{Conditions, Courier, SimChain, SimChainParams, Spoke};
use ballast_types::{AccountId, Block, ChainId, Genesis, Height, Order};
use ballast_units::{Amount, Millis, Time};
use bidders::Bidders;
use makers::Makers;
use measure::Measure;
use oracle::Sources;
use places::Places;
use probe::Probe;
use savers::Savers;
use stage::Stage;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use traders::{Flow, Followers};

/// Length of a replay whose scenario does not say.
const LENGTH: Millis = Millis::hours(24);

/// Least time to open positions in, once deposits are final.
const OPENING: Millis = Millis::minutes(5);

/// Validators never rotate here.
const EPOCH: u32 = 0;

/// A chain tells the time of its last final block at least this often.
const FINAL_EVERY: Millis = Millis::seconds(5);

/// From the finality of a bridge at its source to its arrival.
const TRAVEL: Millis = Millis::minutes(2);

/// Why asking a chain cannot fail.
const IN_PROCESS: &str = "a chain in this process answers";

/// A replay that can be stepped through.
#[derive(Debug)]
pub struct Replay {
    scenario: Scenario,
    genesis: Genesis,
    engine: Engine,
    places: Places,
    chains: Vec<SimChain>,
    courier: Courier,
    cast: Cast,
    orders: VecDeque<(Time, Order)>,
    /// The lone validator, who signs them.
    validator: Key,
    block: Block,
    outcome: Outcome,
    measure: Measure,
    aave: Option<Liquidated>,
    from: Time,
    to: Time,
    spent: Spent,
}

/// Everybody who acts.
#[derive(Debug)]
struct Cast {
    sources: Sources,
    stage: Stage,
    makers: Makers,
    flow: Flow,
    followers: Followers,
    savers: Savers,
    /// Of each chain: blocks on top of a final one.
    final_depth: Vec<u64>,
    bidders: Bidders,
    probe: Probe,
}

/// Wall-clock time.
#[derive(Debug, Default)]
struct Spent {
    engine: Duration,
    around: Duration,
}

/// One block of a replay.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// What the engine was told.
    pub block: &'a Block,
    /// What it made of it.
    pub outcome: &'a Outcome,
    /// The house afterwards.
    pub state: &'a State,
}

/// How far a replay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Blocks applied.
    pub done: u64,
    /// Blocks there will be.
    pub all: u64,
    /// Time of the last block.
    pub time: Time,
    /// It is still before the first moment.
    pub warming_up: bool,
}

/// Why a replay cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// No candles for anything that the house knows.
    #[error("no candles of an asset that the house knows; expected at least one of {known}")]
    NoAsset {
        /// Their symbols.
        known: String,
    },
    /// The candles do not belong together.
    #[error(transparent)]
    Prices(#[from] MarketDataError),
    /// The scenario's time is not that of the candles.
    #[error(
        "the scenario runs from {} to {}, the prices from {} to {}; expected a time within",
        date_time(*.from), date_time(*.to), date_time(*.start), date_time(*.end)
    )]
    Window {
        /// First moment asked for.
        from: Time,
        /// The moment after the last.
        to: Time,
        /// First moment with a price of every asset.
        start: Time,
        /// First moment without.
        end: Time,
    },
    /// A figure of the scenario.
    #[error("the scenario's {0}")]
    Scenario(#[from] ScenarioFault),
    /// The scenario's parameters do not fit those of a genesis.
    #[error("the scenario's genesis: {fault}")]
    Genesis {
        /// What does not fit.
        fault: String,
    },
    /// The engine refuses the genesis.
    #[error("the scenario's genesis is refused: {0}")]
    Refused(#[from] GenesisError),
    /// The scenario's book cannot be read.
    #[error(transparent)]
    Book(#[from] BookError),
    /// Too little time to get everybody into the house.
    #[error(
        "the scenario's warm_up is {have} ms; expected at least {need} ms, until deposits are final everywhere"
    )]
    WarmUp {
        /// What the scenario says.
        have: Millis,
        /// What it takes.
        need: Millis,
    },
    /// The warm-up would begin before 1970.
    #[error("the scenario's warm_up of {warm_up} ms begins before 1970")]
    WarmUpBeforeTime {
        /// What the scenario says.
        warm_up: Millis,
    },
}

impl Replay {
    /// A replay before its first block. `aave` is what was really liquidated, if that is known.
    pub fn new(
        scenario: Scenario,
        candles: CandleSet,
        aave: Option<Liquidated>,
    ) -> Result<Replay, ReplayError> {
        scenario.check()?;
        let known: Vec<String> = house::genesis().assets.into_iter().map(|asset| asset.symbol).collect();
        let candles: CandleSet = candles.into_iter().filter(|(symbol, _)| known.contains(symbol)).collect();
        if candles.is_empty() {
            return Err(ReplayError::NoAsset { known: known.join(", ") });
        }
        let data = MarketData::new(candles)?;
        let (from, to) = window(&scenario, &data)?;
        let genesis = stage::genesis(&scenario, &data, from)?;
        let book = scenario.book.as_deref().map_or(Ok(Book::built_in()), Book::from_csv)?;
        let engine = Engine::new(&genesis)?;
        let places = Places::new(&genesis, data, from);
        let validator = Key::from_label("replay");
        let chains = chains(&scenario, &genesis, &places, &validator);
        let ready = ready(&scenario, &genesis);
        let need = ready.since(genesis.time) + OPENING;
        if scenario.warm_up < need {
            return Err(ReplayError::WarmUp { have: scenario.warm_up, need });
        }
        let first = AccountId(u32::try_from(engine.state().accounts.len()).expect("ids have 32 bits"));
        let stage = Stage::new(&scenario, &places, &book, first, [genesis.time, ready, from]);
        let cast = Cast::new(&scenario, &genesis, &engine, &places, stage, from);
        let measure = Measure::new(&places, from);
        Ok(Replay {
            block: Block { time: genesis.time, ..Block::default() },
            scenario,
            genesis,
            engine,
            places,
            chains,
            courier: Courier::new(TRAVEL),
            cast,
            orders: VecDeque::new(),
            validator,
            outcome: Outcome::default(),
            measure,
            aave,
            from,
            to,
            spent: Spent::default(),
        })
    }

    /// What the house starts from.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The house as it stands.
    #[must_use]
    pub fn state(&self) -> &State {
        self.engine.state()
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let span = self.to.since(self.genesis.time).get();
        Progress {
            done: self.block.height.0,
            all: span / self.scenario.block_time.get(),
            time: self.block.time,
            warming_up: self.block.time < self.from,
        }
    }

    /// The next block; none after the last.
    pub fn step(&mut self) -> Option<Step<'_>> {
        let now = self.block.time.after(self.scenario.block_time);
        if self.to <= now {
            return None;
        }
        let started = Instant::now();
        self.gather(now);
        let before = Instant::now();
        self.engine.apply(&self.block, &mut self.outcome);
        let after = Instant::now();
        self.settle(now);
        self.spent.engine += after - before;
        self.spent.around += (before - started) + after.elapsed();
        Some(Step { block: &self.block, outcome: &self.outcome, state: self.engine.state() })
    }

    /// Totals up to the last block, without wall-clock time.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            scenario: self.scenario.name.clone(),
            warnings: self.warnings(),
            seed: self.scenario.seed,
            accounts: self.scenario.accounts,
            ..self.measure.summary(&self.places, self.to, self.aave.as_ref())
        }
    }

    /// What the genesis is listed with a warning for (R16), chain by chain.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let late = late_inclusions(&self.genesis);
        late.iter().map(|(chain, late)| format!("{chain}: {late}")).collect()
    }

    /// Series for charts, up to the last block.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.measure.figures
    }

    /// Wall-clock time spent in the engine, and in everything around it.
    #[must_use]
    pub fn spent(&self) -> [Duration; 2] {
        [self.spent.engine, self.spent.around]
    }

    /// Dollars that bidders could bid now.
    #[must_use]
    pub fn bidders_free(&self) -> Amount {
        self.cast.bidders.free()
    }

    /// The next block, from what the chains tell and everybody asks for.
    fn gather(&mut self, now: Time) {
        let Self { block, cast, places, chains, scenario, .. } = self;
        block.height = Height(block.height.0 + 1);
        block.time = now;
        block.observations.clear();
        block.prices.clear();
        block.commands.clear();
        for (chain, place) in chains.iter_mut().zip(&places.chains) {
            let terms = scenario.chain_terms(&place.name);
            let jam = |jam: &&Congestion| jam.chain == place.name && jam.from <= now && now < jam.to;
            let (inclusion, gas) = match scenario.congestion.iter().find(jam) {
                Some(jam) => (jam.inclusion, jam.gas),
                None => (terms.inclusion, terms.gas),
            };
            chain.set_conditions(conditions(chain.present().block_time, inclusion, gas));
            block.observations.extend(chain.advance(now).expect(IN_PROCESS));
            let sales = cast.bidders.learn(place.id, &chain.receipts().expect(IN_PROCESS));
            self.measure.sold(&sales, places);
        }
        self.courier.carry(chains, now);
        cast.sources.report(places, now, &mut block.prices);
        let state = self.engine.state();
        cast.stage.act(now, &mut block.commands);
        for (owner, token, amount) in cast.stage.deposits(state, now) {
            let chain = &mut chains[usize::from(token.chain.0)];
            chain.deposit(owner, token.asset, amount).expect("whole units of a listed token");
        }
        // Arbitrageurs first: they know the mark that the last block left.
        cast.makers.act(state, places, now, &mut block.commands);
        if self.from <= now {
            cast.flow.act(state, &mut block.commands);
            cast.followers.act(state, places, now, &mut block.commands);
            cast.savers.act(chains, &cast.final_depth, places, now, &mut block.commands);
        }
    }

    /// What the block brought about goes its way.
    fn settle(&mut self, now: Time) {
        let Self { block, outcome, cast, places, chains, measure, .. } = self;
        cast.makers.learn(block, outcome, now);
        if now < self.from {
            for refused in outcome.rejects.iter().filter(|refused| refused.part == BlockPart::Command) {
                let number = usize::try_from(refused.number).expect("a block fits in memory");
                cast.stage.refused(&block.commands[number], now);
            }
        }
        let arrival = now.after(self.scenario.order_latency);
        self.orders.extend(outcome.orders.iter().map(|order| (arrival, order.clone())));
        let mut batches: BTreeMap<ChainId, Vec<Order>> = BTreeMap::new();
        while let Some((_, order)) = self.orders.pop_front_if(|(arrival, _)| *arrival <= now) {
            batches.entry(order.chain).or_default().push(order);
        }
        for (id, orders) in batches {
            let chain = &mut chains[usize::from(id.0)];
            let keys = std::slice::from_ref(&self.validator);
            let payload = Payload::sign(chain.domain(), id, EPOCH, orders, keys).expect("orders in range");
            chain.deliver(&payload).expect("signed for this chain");
        }
        cast.bidders.act(chains, places, now);
        let inputs = block.observations.len() + block.prices.len() + block.commands.len();
        measure.block(inputs, outcome, places, now);
        measure.priced(chains, now);
        measure.sample(self.engine.state(), places, now);
        if self.from <= now {
            cast.probe.look(self.engine.state(), places, now, &mut measure.figures.slips);
        }
    }
}

impl Cast {
    fn new(
        scenario: &Scenario,
        genesis: &Genesis,
        engine: &Engine,
        places: &Places,
        mut stage: Stage,
        from: Time,
    ) -> Self {
        let final_depth = |chain: &places::ChainPlace| scenario.chain_terms(&chain.name).final_depth;
        let seed = Seed::new(scenario.seed);
        let taste = stage::taste(scenario, places);
        let (traders, turnover) = (stage.traders.clone(), scenario.traders.turnover);
        Self {
            sources: Sources::new(genesis.oracle.sources_min.max(3), seed),
            makers: Makers::new(stage.makers.clone(), &scenario.makers),
            flow: Flow::new(traders, turnover, scenario.block_time, taste, seed),
            followers: Followers::new(stage.followers.clone(), &scenario.followers, scenario.block_time),
            savers: Savers::new(std::mem::take(&mut stage.savers)),
            final_depth: places.chains.iter().map(final_depth).collect(),
            bidders: Bidders::new(scenario, places),
            probe: Probe::new(engine.state(), scenario.probe.every, scenario.probe.quote, from),
            stage,
        }
    }
}

/// First moment, and the one after the last.
fn window(scenario: &Scenario, data: &MarketData) -> Result<(Time, Time), ReplayError> {
    let (start, end) = (data.start(), data.end());
    let from = scenario.from.unwrap_or_else(|| deepest_day(data).max(start));
    let to = scenario.to.unwrap_or_else(|| from.after(LENGTH).min(end));
    if from < start || end < to || to <= from {
        return Err(ReplayError::Window { from, to, start, end });
    }
    Ok((from, to))
}

/// Midnight before the deepest fall within one day (UTC), from a high to a later low, of any asset.
fn deepest_day(data: &MarketData) -> Time {
    let day = Millis::days(1).get();
    let mut deepest = None;
    for path in data.paths().values() {
        let mut falls = BTreeMap::new();
        for candle in path.candles().series() {
            let midnight = candle.time.millis() / day * day;
            let (high, left) = falls.entry(midnight).or_insert((candle.high, ballast_units::Ratio::ONE));
            *high = candle.high.max(*high);
            *left = candle.low.ratio_to_down(*high).unwrap_or(*left).min(*left);
        }
        let day = falls.into_iter().map(|(midnight, (_, left))| (left, midnight)).min();
        deepest = deepest.into_iter().chain(day).min();
    }
    let (_, midnight) = deepest.expect("candles are never empty");
    Time::from_millis(midnight)
}

/// The chains at the time of genesis.
fn chains(scenario: &Scenario, genesis: &Genesis, places: &Places, validator: &Key) -> Vec<SimChain> {
    let set = ValidatorSet::of(EPOCH, std::slice::from_ref(validator)).expect("a set of one");
    let chain = |place: &places::ChainPlace| {
        let terms = scenario.chain_terms(&place.name);
        let tokens = place.tokens.iter().chain([&place.coin]);
        SimChain::new(SimChainParams {
            chain: place.id,
            coin: place.coin.token.asset,
            units: tokens.map(|token| (token.token.asset, token.unit)).collect(),
            validators: set.clone(),
            start: genesis.time,
            conditions: conditions(
                genesis.chains[usize::from(place.id.0)].block_time,
                terms.inclusion,
                terms.gas,
            ),
            safe_depth: terms.safe_depth,
            final_depth: terms.final_depth,
            final_every: FINAL_EVERY,
        })
    };
    places.chains.iter().map(chain).collect()
}

/// An order and a bridge cost as much gas as a take.
const fn conditions(block_time: Millis, inclusion: Millis, gas: Amount) -> Conditions {
    Conditions { block_time, inclusion, gas_order: gas, gas_take: gas, bridge: gas }
}

/// When deposits made at genesis are final everywhere.
fn ready(scenario: &Scenario, genesis: &Genesis) -> Time {
    let longest = genesis.chains.iter().map(|chain| {
        let terms = scenario.chain_terms(&chain.name);
        // The block that includes them may begin just after the delay.
        terms.inclusion.get() + (terms.final_depth + 2) * chain.block_time.get()
    });
    let longest = longest.max().unwrap_or(0) + 2 * scenario.block_time.get();
    genesis.time.after(stage::opening(scenario)).after(Millis::new(longest))
}
