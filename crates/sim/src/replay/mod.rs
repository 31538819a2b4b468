//! The replay: prices go through the house, block by block, with everybody who trades, borrows, lends,
//! arbitrages and bids.
//!
//! - One step is one block: price reports, what the chains tell, what people ask for; then orders travel to
//!   the chains and bidders look at what is under auction there.
//! - Same scenario, prices and seed: same blocks, same state hash, same figures. Money is counted in the house's
//!   own units.

mod bidders;
mod claims;
mod drill;
mod hub;
mod identities;
mod joins;
mod keepers;
mod liar;
mod makers;
mod measure;
mod oracle;
mod places;
mod probe;
mod savers;
mod stage;
mod traders;
mod validators;
mod world;

pub use claims::{Claims, DelayRow, FallRow, KeeperRow};
pub use drill::{DrillRow, Drills};
pub use hub::Hub;
pub use identities::Identities;
pub use keepers::{Role, roles};
pub use measure::{
    AuctionPath, AuctionTotals, Figures, HourRow, HousePoint, MarketPoint, MarketSeries, RefusedFacts, Slip,
    SlippageRow, Summary, TakePoint, Waterfall,
};
pub use validators::validator_keys;
pub use world::{SimWorld, World};

use crate::book::{Book, BookError};
use crate::calendar::date_time;
use crate::candles::CandleSet;
use crate::house;
use crate::liquidated::Liquidated;
use crate::path::{MarketData, MarketDataError};
use crate::scenario::{Join, Scenario, ScenarioFault};
use crate::seed::{Seed, Stream};
use ballast_engine::{BlockPart, Engine, GenesisError, Outcome, State, late_inclusions};
use ballast_keeper::{Bidders, News};
use ballast_spoke::certificate::ValidatorSet;
use ballast_spoke::message::Payload;
use ballast_spoke::{SimChain, Spoke};
use ballast_types::{AccountId, Block, ChainGenesis, ChainId, Change, Command, Event, Genesis, Hash, Height};
use ballast_units::{Amount, Millis, Ratio, Time};
use claims::ClaimsTrack;
use drill::Drill;
use keepers::Keepers;
use makers::Makers;
use measure::Measure;
use oracle::Sources;
use places::Places;
use probe::Probe;
use savers::Savers;
use stage::Stage;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use traders::{Flow, Followers};
use validators::Validators;

/// Length of a replay whose scenario does not say.
const LENGTH: Millis = Millis::hours(24);

/// Least time to open positions in, once deposits are final.
const OPENING: Millis = Millis::minutes(5);

/// What a replay's chains are made from.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Who is there and what goes wrong.
    pub scenario: &'a Scenario,
    /// Whose orders the vaults take.
    pub validators: &'a ValidatorSet,
    /// First moment, and the one after the last.
    pub window: [Time; 2],
}

/// A replay that can be stepped through, over chains of one kind: in this process, or over a network.
#[derive(Debug)]
pub struct Replay<S: Spoke = SimChain> {
    scenario: Scenario,
    /// With the chains that join, in order of their ids.
    genesis: Genesis,
    identities: Identities,
    book: Book,
    /// Chains to come, the next one last.
    joins: Vec<Join>,
    /// So many chains' vaults were told what they need to know.
    introduced: usize,
    hub: Box<dyn Hub>,
    /// Why there are no more blocks.
    stopped: Option<String>,
    places: Places,
    /// In order of their ids.
    chains: Vec<S>,
    world: Box<dyn World<S>>,
    validators: Validators,
    drill: Drill,
    cast: Cast,
    block: Block,
    outcome: Outcome,
    measure: Measure,
    claims: ClaimsTrack,
    aave: Option<Liquidated>,
    from: Time,
    to: Time,
    /// The last moment to wait for tasks that were opened before `to`.
    end: Time,
    spent: Spent,
}

/// Everybody who acts.
#[derive(Debug)]
struct Cast {
    sources: Sources,
    stage: Stage,
    /// People of the chains that joined.
    newcomers: Vec<Stage>,
    makers: Makers,
    flow: Flow,
    followers: Followers,
    savers: Savers,
    /// Of each chain: blocks on top of a final one.
    final_depth: Vec<u64>,
    bidders: Bidders,
    keepers: Keepers,
    /// Randomness of the consensus.
    randomness: Stream,
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
    /// The chains or the hub do not start.
    #[error("{0}")]
    Start(String),
    /// The warm-up would begin before 1970.
    #[error("the scenario's warm_up of {warm_up} ms begins before 1970")]
    WarmUpBeforeTime {
        /// What the scenario says.
        warm_up: Millis,
    },
}

/// Chains in this process, and what breaks them.
type InProcess = Result<(Vec<SimChain>, Box<dyn World<SimChain>>), ReplayError>;

impl Replay {
    /// A replay over chains in this process, before its first block. `aave` is what was really liquidated, if that is
    /// known.
    pub fn new(
        scenario: Scenario,
        candles: CandleSet,
        aave: Option<Liquidated>,
    ) -> Result<Replay, ReplayError> {
        let build = |setup: Setup<'_>, genesis: &mut Genesis, places: &Places| -> InProcess {
            let Setup { scenario, validators, window } = setup;
            let (chains, world) = SimWorld::new(scenario, genesis, places, validators, window);
            Ok((chains, Box::new(world)))
        };
        let hub = |genesis: &Genesis| Ok(Box::new(Engine::new(genesis)?) as Box<dyn Hub>);
        Self::prepare(scenario, candles, aave, Identities::KEYLESS, build, hub)
    }
}

impl<S: Spoke> Replay<S> {
    /// A replay over chains that `build` makes, before its first block: one a chain of the genesis, in its order, and
    /// what stands behind them. It may write the vaults' domains into the genesis. `hub` makes the house of that.
    pub fn over(
        scenario: Scenario,
        candles: CandleSet,
        aave: Option<Liquidated>,
        identities: Identities,
        build: impl FnOnce(Setup<'_>, &mut Genesis) -> Result<(Vec<S>, Box<dyn World<S>>), ReplayError>,
        hub: impl FnOnce(&Genesis) -> Result<Box<dyn Hub>, ReplayError>,
    ) -> Result<Self, ReplayError> {
        Self::prepare(scenario, candles, aave, identities, |setup, genesis, _| build(setup, genesis), hub)
    }

    fn prepare(
        scenario: Scenario,
        candles: CandleSet,
        aave: Option<Liquidated>,
        identities: Identities,
        build: impl FnOnce(Setup<'_>, &mut Genesis, &Places) -> Result<(Vec<S>, Box<dyn World<S>>), ReplayError>,
        hub: impl FnOnce(&Genesis) -> Result<Box<dyn Hub>, ReplayError>,
    ) -> Result<Self, ReplayError> {
        scenario.check()?;
        let known: Vec<String> = house::genesis().assets.into_iter().map(|asset| asset.symbol).collect();
        let candles: CandleSet = candles.into_iter().filter(|(symbol, _)| known.contains(symbol)).collect();
        if candles.is_empty() {
            return Err(ReplayError::NoAsset { known: known.join(", ") });
        }
        let data = MarketData::new(candles)?;
        let (from, to) = window(&scenario, &data)?;
        let end = to.after(scenario.cool_down).min(data.end());
        let mut genesis = stage::genesis(&scenario, &data, from)?;
        let sets = validators::sets(&validator_keys(&scenario));
        let set = &sets[0];
        genesis.validators = set.signers().to_vec();
        let book = scenario.book.as_deref().map_or(Ok(Book::built_in()), Book::from_csv)?;
        // Names that resolve to nothing are refused here.
        Engine::new(&genesis)?;
        let first = joins::split(&scenario, &mut genesis)?;
        let places = Places::new(&genesis, data, from);
        let mut joins = scenario.joins.clone();
        joins.sort_by_key(|join| std::cmp::Reverse(join.at));
        let mut founding = genesis.clone();
        founding.chains.truncate(first);
        let setup = Setup { scenario: &scenario, validators: set, window: [from, to] };
        let (chains, world) = build(setup, &mut founding, &places)?;
        let hub = hub(&founding)?;
        let contracts = chains.iter().map(|chain| (chain.chain(), chain.domain())).collect();
        let validators = Validators::new(&scenario, contracts);
        let drill = Drill::new(&scenario.drills, sets.get(1), from);
        let ready = ready(&scenario, &founding.chains, genesis.time).after(world.telling());
        let need = ready.since(genesis.time) + OPENING;
        if scenario.warm_up < need {
            return Err(ReplayError::WarmUp { have: scenario.warm_up, need });
        }
        let first = AccountId(u32::try_from(hub.state().accounts.len()).expect("ids have 32 bits"));
        let present: Vec<ChainId> = chains.iter().map(Spoke::chain).collect();
        let times = [genesis.time, ready, from];
        let stage = Stage::new(&scenario, identities, &places, &book, &present, (first, 0), times);
        let keepers = Keepers::new(&scenario, identities, from);
        let cast = Cast::new(&scenario, &genesis, hub.state(), &places, stage, keepers, from);
        let measure = Measure::new(&places, from);
        Ok(Replay {
            block: Block { time: genesis.time, ..Block::default() },
            scenario,
            genesis,
            identities,
            book,
            joins,
            introduced: 0,
            hub,
            stopped: None,
            places,
            chains,
            world,
            validators,
            drill,
            cast,
            outcome: Outcome::default(),
            measure,
            claims: ClaimsTrack::new(to),
            aave,
            from,
            to,
            end,
            spent: Spent::default(),
        })
    }

    /// What the house starts from, and the chains that join it.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The house as it stands.
    #[must_use]
    pub fn state(&self) -> &State {
        self.hub.state()
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let span = self.end.since(self.genesis.time).get();
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
        let is_over = self.end <= now || (self.to <= now && self.claims.is_over());
        if is_over || self.stopped.is_some() {
            return None;
        }
        let started = Instant::now();
        self.gather(now);
        if let Err(why) = self.join(now) {
            self.stopped = Some(why);
            return None;
        }
        // A chain that joins in this block obeys the present validators, and is told of the next ones like the others.
        self.drill.govern(now, &mut self.block.commands);
        let before = Instant::now();
        if let Err(why) = self.hub.apply(&mut self.block, &mut self.outcome) {
            self.stopped = Some(why);
            return None;
        }
        let after = Instant::now();
        self.settle(now);
        self.spent.engine += after - before;
        self.spent.around += (before - started) + after.elapsed();
        Some(Step { block: &self.block, outcome: &self.outcome, state: self.hub.state() })
    }

    /// Why there are no more blocks, where it is not that the last moment has come.
    #[must_use]
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// Its chains, in order of their ids.
    #[must_use]
    pub fn chains(&self) -> &[S] {
        &self.chains
    }

    /// Its chains, to be let go on after the last moment.
    pub fn chains_mut(&mut self) -> &mut [S] {
        &mut self.chains
    }

    /// Totals up to the last block, without wall-clock time.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            scenario: self.scenario.name.clone(),
            warnings: self.warnings(),
            seed: self.scenario.seed,
            accounts: self.scenario.accounts,
            claims: self.claims.claims(
                &self.cast.keepers.roles(),
                self.world.reorgs(),
                &self.places,
                &self.genesis.liquidation,
            ),
            drills: self.drill.report(&self.places),
            ..self.measure.summary(self.hub.state(), &self.places, self.to, self.aave.as_ref())
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
        let Self { block, introduced, cast, places, chains, world, validators, claims, .. } = self;
        block.height = Height(block.height.0 + 1);
        block.time = now;
        block.observations.clear();
        block.prices.clear();
        block.depths.clear();
        block.costs.clear();
        block.commands.clear();
        let seed: [u64; 4] = std::array::from_fn(|_| cast.randomness.bits());
        block.seed = Hash(std::array::from_fn(|at| seed[at / 8].to_be_bytes()[at % 8]));
        world.turn(chains, now);
        let mut costs = Vec::new();
        for chain in chains.iter_mut() {
            let id = chain.chain();
            // Whoever does not answer is asked again in the next block.
            let told = chain.advance(now).unwrap_or_default();
            let receipts = chain.receipts().unwrap_or_default();
            validators.read(id, &told, now, &mut block.observations);
            self.drill.learn(id, &receipts);
            let (sales, undone) = cast.bidders.learn(id, &receipts);
            self.measure.sold(&sales, &undone, places);
            claims.sold(&sales, &undone, places);
            let carried = cast.keepers.learn(id, &told, &receipts);
            self.measure.figures.responses.extend(claims.carried(id, &carried));
            if let Ok(conditions) = chain.conditions() {
                cast.sources.costs(id, &conditions, now, &mut costs);
            }
        }
        validators.agreed(now, &mut block.observations);
        world.carry(chains, now);
        let (mut prices, mut depths) = (Vec::new(), Vec::new());
        cast.sources.report(places, now, &mut prices);
        world.quote(chains, &|asset| places.price(asset, now), now, &mut prices);
        let away = bidders::share_away(&self.scenario.bidders_away, now);
        let open = |chain| cast.bidders.depth(chain, Ratio::ONE, away);
        cast.sources.depths(places, chains.len(), open, now, &mut depths);
        validators.measured(&prices, &depths, &costs, now, block);
        let state = self.hub.state();
        while let Some(chain) =
            chains.get(*introduced).filter(|chain| state.chains.find(chain.chain()).is_some())
        {
            let changes = world.introduction(chain, state);
            block.commands.extend(changes.into_iter().map(Command::Govern));
            *introduced += 1;
        }
        cast.stage.act(now, &mut block.commands);
        cast.stage.deposit(state, chains, now);
        for newcomers in &mut cast.newcomers {
            newcomers.act(now, &mut block.commands);
            newcomers.deposit(state, chains, now);
        }
        let shown = cast.keepers.ask(state, now, &mut block.commands);
        claims.shown(&shown, &cast.keepers, state);
        // Arbitrageurs first: they know the mark that the last block left.
        cast.makers.act(state, places, now, &mut block.commands);
        if self.from <= now {
            cast.flow.act(state, &mut block.commands);
            cast.followers.act(state, places, now, &mut block.commands);
            cast.savers.act(chains, &cast.final_depth, places, now, &mut block.commands);
        }
    }

    /// Chains whose time has come: governance adds them, people are on their way. They are heard from the next block on.
    fn join(&mut self, now: Time) -> Result<(), String> {
        while let Some(join) = self.joins.pop_if(|join| join.at <= now) {
            let Self { scenario, genesis, identities, book, block, cast, places, chains, world, .. } = self;
            let at = chains.len();
            let state = self.hub.state();
            let (epoch, signers) = state.validators.iter().next_back().expect("the newest set is known");
            let present = ValidatorSet::new(epoch, signers.clone()).map_err(|error| error.to_string())?;
            let chain = world.join(chains, &mut genesis.chains[at], &present, now)?;
            let params = Box::new(joins::params(genesis, &genesis.chains[at]));
            block.commands.push(Command::Govern(Change::AddChain { params }));
            let id = chain.chain();
            let newcomers = joins::newcomers(scenario, &join);
            let ready = ready(&newcomers, &genesis.chains[at..=at], now).after(world.telling());
            let number = u32::try_from(self.hub.state().accounts.len()).expect("ids have 32 bits");
            let people = cast.newcomers.last().unwrap_or(&cast.stage).people();
            let (first, times) = ((AccountId(number), people), [now, ready, ready.after(OPENING)]);
            let stage = Stage::new(&newcomers, *identities, places, book, &[id], first, times);
            cast.newcomers.push(stage);
            self.validators.join(id, chain.domain());
            chains.push(chain);
        }
        Ok(())
    }

    /// What the block brought about goes its way.
    fn settle(&mut self, now: Time) {
        let Self { block, outcome, hub, cast, places, chains, world, measure, claims, validators, .. } = self;
        let signed = hub.take_payloads().unwrap_or_else(|| validators.sign(hub.state(), &outcome.orders));
        let send = |payload: Payload| {
            let wait = world.send(chains, &payload, now);
            (payload, wait)
        };
        let payloads = signed.into_iter().map(send).collect();
        cast.makers.learn(block, outcome, now);
        if now < self.from {
            for refused in outcome.rejects.iter().filter(|refused| refused.part == BlockPart::Command) {
                let number = usize::try_from(refused.number).expect("a block fits in memory");
                cast.stage.refused(&block.commands[number], now);
            }
        }
        let state = hub.state();
        self.drill.block(outcome, state, now);
        for event in &outcome.events {
            if let Event::RotationOrdered { epoch, .. } = *event {
                validators.rotate(epoch, now);
            }
        }
        self.drill.freeze(chains, state, now, |chain, epoch, until| {
            let signed = hub.sign_freeze(chain.chain(), until);
            signed.unwrap_or_else(|| validators.sign_freeze(state.domain(chain.chain()), epoch, until))
        });
        let away = bidders::share_away(&self.scenario.bidders_away, now);
        claims.block(outcome, state, &cast.bidders, away, places, now);
        cast.keepers.take_in(block, outcome, state, payloads, now);
        cast.keepers.deliver(chains, now);
        let news = News {
            now,
            index: &|asset| places.price(asset, now),
            unit: &|chain, asset| places.unit(chain, asset),
            away,
        };
        cast.bidders.act(chains, &news);
        let measured = block.prices.len() + block.depths.len() + block.costs.len();
        let inputs = block.observations.len() + measured + block.commands.len();
        measure.block(inputs, outcome, places, now);
        measure.priced(chains, now);
        measure.sample(state, places, now);
        if self.from <= now {
            cast.probe.look(state, places, now, &mut measure.figures.slips);
        }
    }
}

impl Cast {
    fn new(
        scenario: &Scenario,
        genesis: &Genesis,
        state: &State,
        places: &Places,
        mut stage: Stage,
        keepers: Keepers,
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
            bidders: bidders::bidders(scenario, places),
            keepers,
            randomness: seed.stream("randomness"),
            probe: Probe::new(state, scenario.probe.every, scenario.probe.quote, from),
            stage,
            newcomers: Vec::new(),
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

/// When deposits of whoever comes at `start` are final on all of these chains.
fn ready(scenario: &Scenario, chains: &[ChainGenesis], start: Time) -> Time {
    let longest = chains.iter().map(|chain| {
        let terms = scenario.chain_terms(&chain.name);
        // The block that includes them may begin just after the delay.
        terms.inclusion.get() + (terms.final_depth + 2) * chain.block_time.get()
    });
    let longest = longest.max().unwrap_or(0) + 2 * scenario.block_time.get();
    start.after(stage::opening(scenario)).after(Millis::new(longest))
}
