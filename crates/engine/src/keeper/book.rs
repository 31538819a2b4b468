//! What the house keeps of its keepers as a whole, and when a block has to look at them.
//!
//! - A block looks at nobody whose time has not come: draws that wait, deadlines, ends of cool-downs and suspensions are
//!   in order of time.

use super::round::Round;
use super::{Keeper, registry};
use crate::state::{Outcome, State};
use crate::table::{Register, Table};
use ballast_types::{ChainId, KeeperId, KeeperParams, Nonce, TaskId, Token};
use ballast_units::{Millis, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeSet;

/// How often the regions of qualified keepers are counted, besides at draws.
const LOOK: Millis = Millis::hours(1);

/// The house's part of its keepers.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct KeeperBook {
    /// What they stake; `None` where there are none.
    pub token: Option<Token>,
    /// Their terms.
    pub params: KeeperParams,
    /// When the next rating is due: months of 30 days from genesis.
    pub month_ends: Time,
    /// Regions in which qualified keepers stood when last counted.
    pub regions: u32,
    /// When they are counted next; `None` before the first keeper.
    pub look: Option<Time>,
}

/// Derived: what waits for a seed, a time, an order.
#[derive(Clone, Debug, Default)]
pub struct Duties {
    /// Rounds that wait for a draw.
    pub(crate) waiting: BTreeSet<TaskId>,
    /// What time brings.
    pub(crate) due: BTreeSet<(Time, Due)>,
    /// Rounds by the orders that they asked for.
    pub(crate) orders: BTreeSet<(ChainId, Nonce, TaskId)>,
}

/// Whose time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// Of a task's keepers.
    Round(TaskId),
    /// Of a keeper.
    Keeper(KeeperId),
}

impl Duties {
    /// Rebuilds it.
    pub(crate) fn of(keepers: &Table<KeeperId, Keeper>, rounds: &Register<TaskId, Round>) -> Self {
        let mut duties = Self::default();
        for (id, keeper) in keepers.iter() {
            duties.due.extend(times(keeper).map(|time| (time, Due::Keeper(id))));
        }
        for (task, round) in rounds.iter() {
            duties.due.extend(round.due.map(|time| (time, Due::Round(task))));
            if round.waits.is_some() {
                duties.waiting.insert(task);
            }
            for job in &round.jobs {
                duties.orders.extend(job.orders.iter().map(|order| (job.chain, order.nonce, task)));
            }
        }
        duties
    }
}

/// When something about a keeper ends.
pub(crate) fn times(keeper: &Keeper) -> impl Iterator<Item = Time> {
    keeper.leaving.map(|(_, due)| due).into_iter().chain(keeper.suspended)
}

/// The first keeper is there: regions are counted from now on.
pub(crate) fn first_look(state: &mut State) {
    let now = state.now();
    state.house.keepers.look.get_or_insert(now.after(LOOK));
}

/// Counts regions once an hour.
pub(crate) fn look(state: &mut State, out: &mut Outcome) {
    let now = state.now();
    if state.house.keepers.look.is_some_and(|at| at <= now) {
        state.house.keepers.look = Some(now.after(LOOK));
        registry::look_at_regions(state, out);
    }
}

/// When the clock alone brings something to keepers: now, while a round waits for a draw.
pub(crate) fn next_due(state: &State) -> Option<Time> {
    if !state.duties.waiting.is_empty() {
        return Some(state.now());
    }
    let book = &state.house.keepers;
    let first = state.duties.due.first().map(|(time, _)| *time);
    let month = book.look.map(|_| book.month_ends);
    first.into_iter().chain(book.look).chain(month).min()
}
