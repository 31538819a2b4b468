//! The tracker: told every block, it makes a frame whenever one is wanted.
//!
//! - [`Tracker::note`] is cheap (what a block did) and has to see every block; [`Tracker::frame`] walks over the house
//!   and is called a few times a second, as [`Throttle`] says.
//! - Sums (losses by layer, tasks opened) run since the tracker began to look, which on a hub is its start.

use super::build;
use super::frame::{Frame, Happening, Kind, TakeMark, Waterfall};
use super::happening::{self, Words};
use ballast_engine::{Outcome, State};
use ballast_types::{
    Block, ChainId, Event, Genesis, KeeperId, LotId, Nonce, Observation, OrderAction, Scope, TaskId, Token,
    VaultEvent,
};
use ballast_units::{Amount, Time};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Happenings that are kept.
const KEPT: usize = 512;

/// Happenings in a frame.
const SHOWN: usize = 128;

/// Takes that are kept of a lot.
const TAKES: usize = 32;

/// Time between two frames of a live house.
const EVERY: Duration = Duration::from_millis(250);

/// What became of the blocks so far, as far as the state does not tell.
#[derive(Clone, Debug)]
pub struct Tracker {
    house: String,
    pub(super) names: Names,
    happenings: VecDeque<Happening>,
    last_number: u64,
    pub(super) opened: u64,
    pub(super) closed: u64,
    pub(super) waterfall: Waterfall,
    pub(super) orders: BTreeMap<TaskId, Orders>,
    sent: BTreeMap<(ChainId, Nonce), TaskId>,
    pub(super) takes: BTreeMap<LotId, Takes>,
    /// When each keeper last showed a report.
    pub(super) reported: BTreeMap<KeeperId, Time>,
}

/// Orders of a task.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    pub(super) sent: u64,
    pub(super) acknowledged: u64,
    /// Not acknowledged.
    waiting: Vec<(ChainId, Nonce)>,
}

/// What was taken of a lot in its running round.
#[derive(Clone, Debug, Default)]
pub(super) struct Takes {
    pub(super) paid: Amount,
    pub(super) marks: Vec<TakeMark>,
}

/// Names of what has an id.
#[derive(Clone, Debug)]
pub(super) struct Names {
    assets: Vec<String>,
    chains: Vec<String>,
    markets: Vec<String>,
}

impl Names {
    pub(super) fn asset(&self, id: ballast_types::AssetId) -> &str {
        name(&self.assets, id.0)
    }

    pub(super) fn chain(&self, id: ChainId) -> &str {
        name(&self.chains, id.0)
    }

    pub(super) fn market(&self, id: ballast_types::MarketId) -> &str {
        name(&self.markets, id.0)
    }

    pub(super) fn token(&self, token: Token) -> String {
        format!("{}@{}", self.asset(token.asset), self.chain(token.chain))
    }

    pub(super) fn scope(&self, scope: Scope) -> String {
        match scope {
            Scope::Market(market) => format!("market {}", self.market(market)),
            Scope::Chain(chain) => format!("chain {}", self.chain(chain)),
        }
    }
}

/// A row that came after genesis has no name.
fn name(names: &[String], row: u16) -> &str {
    names.get(usize::from(row)).map_or("unnamed", String::as_str)
}

impl Tracker {
    /// Before the first block. `house`: what the hub calls itself.
    #[must_use]
    pub fn new(genesis: &Genesis, house: &str) -> Self {
        let names = Names {
            assets: genesis.assets.iter().map(|asset| asset.symbol.clone()).collect(),
            chains: genesis.chains.iter().map(|chain| chain.name.clone()).collect(),
            markets: genesis.markets.iter().map(|market| market.asset.clone()).collect(),
        };
        Self {
            house: house.to_owned(),
            names,
            happenings: VecDeque::new(),
            last_number: 0,
            opened: 0,
            closed: 0,
            waterfall: Waterfall::default(),
            orders: BTreeMap::new(),
            sent: BTreeMap::new(),
            takes: BTreeMap::new(),
            reported: BTreeMap::new(),
        }
    }

    /// Takes note of a block, and of the state after it.
    pub fn note(&mut self, block: &Block, outcome: &Outcome, state: &State) {
        let over = self.happenings.len().saturating_sub(KEPT);
        self.happenings.drain(..over);
        self.hear(block);
        for order in &outcome.orders {
            if let Some(task) = lot_of(&order.action).and_then(|lot| task_of(state, lot)) {
                let orders = self.orders.entry(task).or_default();
                orders.sent += 1;
                orders.waiting.push((order.chain, order.nonce));
                self.sent.insert((order.chain, order.nonce), task);
            }
        }
        let closed = self.closed;
        for event in &outcome.events {
            self.count(event, block.time);
            if let Some((kind, text)) = happening::of(&Words { names: &self.names, state }, event) {
                self.happened(block.time, kind, text);
            }
        }
        if closed != self.closed {
            self.takes.retain(|lot, _| state.lots.find(*lot).is_some());
        }
    }

    /// What happened since, oldest first: everything numbered above `number` that is kept. The last block is kept
    /// whole.
    pub fn happenings_since(&self, number: u64) -> impl Iterator<Item = &Happening> {
        self.happenings.iter().filter(move |happening| number < happening.number)
    }

    /// Number of the last happening.
    #[must_use]
    pub fn last_number(&self) -> u64 {
        self.last_number
    }

    /// The house as it stands after the block that was noted last. `note`: what the source says about it.
    #[must_use]
    pub fn frame(&self, state: &State, note: &str) -> Frame {
        let shown = self.happenings.len().saturating_sub(SHOWN);
        let events = self.happenings.iter().skip(shown).cloned().collect();
        build::frame(self, state, (&self.house, note), events)
    }

    /// What the chains say.
    fn hear(&mut self, block: &Block) {
        for observation in &block.observations {
            match *observation {
                Observation::Seen { chain, event: VaultEvent::Executed { nonce }, .. } => {
                    self.acknowledged(chain, nonce);
                }
                Observation::Dropped { chain, sequence } => {
                    let text = format!("{} dropped its events from {sequence} on", self.names.chain(chain));
                    self.happened(block.time, Kind::Reorg, text);
                }
                Observation::Seen { .. } | Observation::Final { .. } => {}
            }
        }
    }

    fn acknowledged(&mut self, chain: ChainId, nonce: Nonce) {
        let Some(task) = self.sent.remove(&(chain, nonce)) else { return };
        if let Some(orders) = self.orders.get_mut(&task) {
            orders.acknowledged += 1;
            orders.waiting.retain(|order| *order != (chain, nonce));
        }
    }

    fn happened(&mut self, time: Time, kind: Kind, text: String) {
        self.last_number += 1;
        self.happenings.push_back(Happening { number: self.last_number, time, kind, text });
    }

    fn count(&mut self, event: &Event, now: Time) {
        match event {
            Event::AccountLocked { .. } => self.opened += 1,
            Event::TaskClosed { task, .. } => {
                self.closed += 1;
                for order in self.orders.remove(task).unwrap_or_default().waiting {
                    self.sent.remove(&order);
                }
            }
            Event::PositionDeleveraged { size, price, .. } => {
                self.waterfall.deleveraged += size.magnitude().value_down(*price).unwrap_or(Amount::ZERO);
            }
            Event::LossAbsorbed { amount, tranche, float, cover, deficit, .. } => {
                self.waterfall.losses += *amount;
                self.waterfall.tranche += *tranche;
                self.waterfall.float += *float;
                self.waterfall.cover += *cover;
                self.waterfall.deficit += *deficit;
            }
            Event::DeficitRepaid { amount, .. } => self.waterfall.repaid += *amount,
            Event::DeficitWrittenOff { amount, .. } => self.waterfall.written_off += *amount,
            Event::ReportRevealed { keeper, .. } => {
                self.reported.insert(*keeper, now);
            }
            Event::LotTaken { lot, quantity, paid, .. } => {
                let takes = self.takes.entry(*lot).or_default();
                takes.paid += *paid;
                if let Ok(price) = paid.price_of(*quantity) {
                    let over = (takes.marks.len() + 1).saturating_sub(TAKES);
                    takes.marks.drain(..over);
                    takes.marks.push(TakeMark { time: now, price });
                }
            }
            Event::LotOffered { lot, .. }
            | Event::LotReturned { lot, .. }
            | Event::LotExpired { lot, .. } => {
                self.takes.remove(lot);
            }
            _ => {}
        }
    }
}

/// The lot that an order is for.
fn lot_of(action: &OrderAction) -> Option<LotId> {
    match action {
        OrderAction::StartAuction { lot, .. }
        | OrderAction::CancelAuction { lot, .. }
        | OrderAction::Bridge { lot, .. } => Some(*lot),
        _ => None,
    }
}

/// The task that a lot is for, of several the oldest.
pub(super) fn task_of(state: &State, lot: LotId) -> Option<TaskId> {
    state.lots.find(lot)?.parts.first().map(|part| part.task)
}

/// Lets a few frames a second through.
#[derive(Debug, Default)]
pub struct Throttle {
    last: Option<Instant>,
}

impl Throttle {
    /// A frame is due: the last one that was let through is a quarter of a second old.
    pub fn is_due(&mut self) -> bool {
        let due = self.last.is_none_or(|last| EVERY <= last.elapsed());
        if due {
            self.last = Some(Instant::now());
        }
        due
    }
}
