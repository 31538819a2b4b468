//! A script at work: one engine, its chains, its prices, its clock.
//!
//! - A line is a block, at the time of the one before it; `advance` alone moves time, through every instant at
//!   which something is due, and at most a minute at a step.
//! - What the engine orders, the chains carry out in the next block of the same line.
//! - Prices hold until they are changed: `advance` reports them again, unless genesis says for how long one counts.

use ballast_engine::{BlockPart, Engine, Outcome};
use ballast_spoke::{Revert, Take};
use ballast_types::{
    AssetId, Block, ChainId, Command, Event, Height, LotId, Nonce, Observation, PriceReport, Reject,
    SourceId, VaultEvent,
};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use serde_json::Value;
use std::collections::BTreeMap;

use super::chain::{Chains, Events};
use super::genesis::ScriptGenesis;
use super::line::{Deposit, Line, PriceInput, Take as TakeLine};
use super::lots::Lots;
use super::names::{self, Names};
use super::{command, output, show};

/// Ten years of seconds.
const ADVANCE_MAX: u64 = 315_576_000;

/// Blocks of an advance are at most this far apart.
const STEP_MAX: Millis = Millis::seconds(60);

/// The next block, where the engine wants one at once.
const STEP_MIN: Millis = Millis::seconds(1);

/// Sources of a price, at least.
const SOURCES: u8 = 3;

/// A script at work.
#[derive(Clone, Debug)]
pub struct Session {
    engine: Engine,
    names: Names,
    chains: Chains,
    lots: Lots,
    prices: BTreeMap<(AssetId, SourceId), Quote>,
    sources: u8,
    refresh: bool,
    now: Time,
    outcome: Outcome,
    /// By the line that is being run.
    told: Vec<Told>,
}

/// What a line brought about.
#[derive(Clone, Debug)]
pub enum Told {
    /// Something happened.
    Event(Event),
    /// The engine refused something; its place, where the line was a block of several.
    Reject {
        /// Place in the block, from 1.
        item: Option<usize>,
        /// What the engine says.
        reject: Reject,
    },
    /// A chain refused something.
    Revert {
        /// Place in the block, from 1.
        item: Option<usize>,
        /// What the chain says.
        revert: Revert,
    },
    /// A vault refused an order.
    Refused {
        /// Chain of the vault.
        chain: ChainId,
        /// Number of the order.
        nonce: Nonce,
        /// What the vault says.
        revert: Revert,
    },
    /// What `show` asked for.
    Shown(Value),
}

/// What a source says.
#[derive(Clone, Copy, Debug)]
struct Quote {
    price: Price,
    confidence: Ratio,
}

/// A block to be, and for each of its parts the place of the line that it came from.
#[derive(Default)]
struct Draft {
    observations: Vec<Observation>,
    prices: Vec<PriceReport>,
    commands: Vec<Command>,
    items: Items,
}

#[derive(Default)]
struct Items {
    observations: Vec<usize>,
    prices: Vec<usize>,
    commands: Vec<usize>,
}

impl Session {
    /// The house before its first line, with the prices it begins with.
    pub fn new(script: &ScriptGenesis) -> Result<Self, String> {
        let genesis = &script.genesis;
        let engine = Engine::new(genesis).map_err(|error| format!("genesis: {error}"))?;
        let mut session = Self {
            names: Names::new(genesis, engine.state()),
            engine,
            chains: Chains::default(),
            lots: Lots::default(),
            prices: BTreeMap::new(),
            sources: SOURCES.max(genesis.oracle.sources_min),
            refresh: script.shortcuts.oracle_max_age.is_none(),
            now: genesis.time,
            outcome: Outcome::default(),
            told: Vec::new(),
        };
        for (symbol, price) in script.prices() {
            let asset = session.names.asset(&symbol)?;
            for source in sources(session.sources, None) {
                session.prices.insert((asset, source), Quote { price, confidence: Ratio::ZERO });
            }
        }
        let prices = session.reports();
        session.apply(Draft { prices, ..Draft::default() });
        if let Some(refused) = session.outcome.rejects.first() {
            return Err(format!("genesis.prices: {}", refused.reject));
        }
        session.told.clear();
        Ok(session)
    }

    /// Runs a line: what it brought about, or what was expected instead of it.
    pub fn run(&mut self, line: &Line) -> Result<Vec<Told>, String> {
        self.told.clear();
        match line {
            Line::Genesis(_) => return Err("genesis: expected as the first line only".to_owned()),
            Line::Advance(advance) if advance.seconds <= ADVANCE_MAX => {
                self.advance(Millis::seconds(advance.seconds))
            }
            Line::Advance(_) => return Err(format!("advance: expected at most {ADVANCE_MAX} seconds")),
            Line::Show(line) => match show::show(line, &mut self.names, self.engine.state(), &self.lots)? {
                Ok(shown) => self.told.push(Told::Shown(shown)),
                Err(reject) => self.told.push(Told::Reject { item: None, reject }),
            },
            Line::Block(lines) => self.block(lines)?,
            line => self.block(std::slice::from_ref(line))?,
        }
        Ok(std::mem::take(&mut self.told))
    }

    /// What a line of this number brought about, as JSON with names: at least one answer.
    #[must_use]
    pub fn answers(&self, line: usize, told: &[Told]) -> Vec<Value> {
        let names = &self.names;
        let answer = |told: &Told| match told {
            Told::Event(event) => output::event(names, line, event),
            Told::Reject { item, reject } => output::reject(names, line, *item, reject),
            Told::Revert { item, revert } => output::revert(line, *item, revert),
            Told::Refused { chain, nonce, revert } => output::refused(names, line, *chain, *nonce, revert),
            Told::Shown(shown) => output::show(line, shown.clone()),
        };
        match told {
            [] => vec![output::ok(line)],
            told => told.iter().map(answer).collect(),
        }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Names and ids.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// One block of one or more lines, then the blocks in which chains answer to its orders.
    fn block(&mut self, lines: &[Line]) -> Result<(), String> {
        let draft = self.draft(lines)?;
        if !draft.is_empty() {
            self.apply(draft);
            self.carry_out();
        }
        Ok(())
    }

    /// Reads lines into a block. Accounts are opened before it; a line that cannot be read leaves them open.
    fn draft(&mut self, lines: &[Line]) -> Result<Draft, String> {
        for line in lines {
            if let Line::Deposit(deposit) = line {
                // Names are checked before anything is done for them.
                self.names.token(&deposit.asset, &deposit.chain)?;
                self.open(&deposit.account)?;
            }
        }
        let alone = lines.len() == 1;
        let mut draft = Draft::default();
        let mut refused = Vec::new();
        let state = self.engine.state();
        let mut events = self.chains.events(state, self.now);
        for (item, line) in lines.iter().enumerate() {
            if let Some(command) = command::read(line, &mut self.names, state)? {
                draft.commands.push(command);
                draft.items.commands.push(item);
                continue;
            }
            let outcome = match line {
                Line::Price(line) => {
                    let asset = self.names.asset(&line.asset)?;
                    for source in sources(self.sources, line.source) {
                        self.prices.insert((asset, source), Quote::of(line));
                        draft.prices.push(Quote::of(line).report(asset, source, self.now));
                        draft.items.prices.push(item);
                    }
                    Ok(())
                }
                Line::Deposit(line) => deposit(line, &self.names, &mut events)?,
                Line::Finalize(line) => {
                    events.finalize(self.names.chain(&line.chain)?);
                    Ok(())
                }
                Line::Drop(line) => {
                    events.drop_blocks(self.names.chain(&line.chain)?);
                    Ok(())
                }
                Line::Take(line) => take(line, &mut events),
                Line::Expire(line) => events.expire(LotId(line.lot)),
                _ => {
                    return Err(
                        "block: expected neither genesis, advance, show nor a block inside".to_owned()
                    );
                }
            };
            draft.items.observations.resize(events.len(), item);
            refused.extend(outcome.err().map(|revert| (item, revert)));
        }
        draft.observations = events.finish();
        if alone {
            draft.items = Items::default();
        }
        for (item, revert) in refused {
            let item = (!alone).then_some(item + 1);
            self.told.push(Told::Revert { item, revert });
        }
        Ok(draft)
    }

    /// Opens the account of a name, and registers an address for it on every chain.
    fn open(&mut self, name: &str) -> Result<(), String> {
        let owner = self.names.owner(name)?;
        if self.engine.state().account_of(owner).is_some() {
            return Ok(());
        }
        self.apply(Draft { commands: vec![Command::OpenAccount { owner }], ..Draft::default() });
        let Some(account) = self.engine.state().account_of(owner) else { return Ok(()) };
        let chains = self.engine.state().chains.ids();
        let address = owner.address;
        let commands = chains.map(|chain| Command::RegisterAddress { account, chain, address }).collect();
        self.apply(Draft { commands, ..Draft::default() });
        Ok(())
    }

    fn advance(&mut self, span: Millis) {
        let target = self.now.after(span);
        while self.now < target {
            let due = [self.engine.next_due(), self.chains.next_due()]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(target);
            let due = if due <= self.now { self.now.after(STEP_MIN) } else { due };
            self.now = due.min(self.now.after(STEP_MAX)).min(target);
            let prices = if self.refresh { self.reports() } else { Vec::new() };
            let mut events = self.chains.events(self.engine.state(), self.now);
            events.tick();
            let observations = events.finish();
            self.apply(Draft { observations, prices, ..Draft::default() });
            self.carry_out();
        }
    }

    /// The chains do what the last block ordered, until nothing is ordered any more.
    fn carry_out(&mut self) {
        loop {
            let orders = std::mem::take(&mut self.outcome.orders);
            let mut events = self.chains.events(self.engine.state(), self.now);
            let refused = events.carry_out(&orders);
            let observations = events.finish();
            for (chain, nonce, revert) in refused {
                self.told.push(Told::Refused { chain, nonce, revert });
            }
            if observations.is_empty() {
                return;
            }
            self.apply(Draft { observations, ..Draft::default() });
        }
    }

    /// Gives the engine a block, and keeps what it says.
    fn apply(&mut self, draft: Draft) {
        let height = Height(self.engine.state().house.height.0 + 1);
        let Draft { observations, prices, commands, items } = draft;
        self.lots.observed(&observations);
        let block = Block { height, time: self.now, observations, prices, commands, ..Block::default() };
        self.engine.apply(&block, &mut self.outcome);
        self.lots.came(&self.outcome);

        let events = std::mem::take(&mut self.outcome.events);
        for (number, event) in events.iter().enumerate() {
            if !is_told_better(event, &events[number + 1..]) {
                self.event(event.clone());
            }
        }
        for refused in std::mem::take(&mut self.outcome.rejects) {
            let number = usize::try_from(refused.number).expect("a block's parts are counted in 32 bits");
            let item = match refused.part {
                BlockPart::Observation => items.observations.get(number),
                BlockPart::Price => items.prices.get(number),
                // A script has none.
                BlockPart::Depth | BlockPart::Cost => None,
                BlockPart::Command => items.commands.get(number),
            };
            let item = item.map(|item| item + 1);
            self.told.push(Told::Reject { item, reject: refused.reject });
        }
    }

    fn event(&mut self, event: Event) {
        if let Event::AccountOpened { account, owner } = event {
            self.names.opened(account, owner);
        }
        self.told.push(Told::Event(event));
    }

    /// Every source says again what it said last.
    fn reports(&self) -> Vec<PriceReport> {
        self.prices.iter().map(|((asset, source), quote)| quote.report(*asset, *source, self.now)).collect()
    }
}

impl Draft {
    fn is_empty(&self) -> bool {
        self.observations.is_empty() && self.prices.is_empty() && self.commands.is_empty()
    }
}

impl Quote {
    fn of(line: &PriceInput) -> Self {
        Self { price: line.price.0, confidence: line.confidence }
    }

    fn report(self, asset: AssetId, source: SourceId, time: Time) -> PriceReport {
        PriceReport { asset, source, price: self.price, confidence: self.confidence, time }
    }
}

/// The sources of a line about all of them, or about one.
fn sources(all: u8, one: Option<u8>) -> impl Iterator<Item = SourceId> {
    one.map_or(0..=all.saturating_sub(1), |one| one..=one).map(SourceId)
}

/// Not printed: the registering of addresses, which is part of opening an account; a deposit's pending credit,
/// where the same block credits it.
fn is_told_better(event: &Event, later: &[Event]) -> bool {
    match event {
        Event::AddressRegistered { .. } => true,
        Event::DepositPending { account, token, .. } => later.iter().any(|later| {
            matches!(later, Event::DepositCredited { account: to, token: of, .. } if (to, of) == (account, token))
        }),
        _ => false,
    }
}

/// A deposit that the vault takes or refuses.
fn deposit(line: &Deposit, names: &Names, events: &mut Events<'_>) -> Result<Result<(), Revert>, String> {
    let owner = names::owner(&line.account)?;
    let (asset, chain) = (names.asset(&line.asset)?, names.chain(&line.chain)?);
    Ok(events.deposit(chain, owner, asset, line.amount.0, line.is_final))
}

/// A take at the price of the moment, which the vault takes or refuses; with a figure of its own, what its chain tells of it.
fn take(line: &TakeLine, events: &mut Events<'_>) -> Result<(), Revert> {
    let (lot, quantity) = (LotId(line.lot), line.quantity.0);
    let taker = names::address(line.taker.as_deref().unwrap_or("taker"));
    let Some(paid) = line.paid.map(|paid| paid.0) else {
        let least = line.least.map_or(Amount::ZERO, |least| least.0);
        let price_max = line.price_max.map_or(Price::MAX, |price| price.0);
        return events.take(Take { lot, taker, quantity, least, price_max });
    };
    let chain = events.seller(lot).ok_or(Revert::NoAuction(lot))?;
    events.claim(chain, VaultEvent::Taken { lot, taker, quantity, paid, rebate: Amount::ZERO });
    Ok(())
}
