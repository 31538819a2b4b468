//! Need: dollars that a lot has to bring, so that all lots of a task together bring what the task lacks and no more (R27).
//!
//! - A task lacks what debts, costs, fee and layers lack, less what is paid and not final, less what its running and its
//!   warehoused lots are still expected to bring. A running lot brings no more than is left of its own need.
//! - Ordered together: what the task lacks is apportioned over the lots by their expected proceeds, largest remainder.
//! - Ordered later: a lot gets what the running ones leave.
//! - Joint: so much that each part's share is enough for its task. Parts are joined only where each has to bring about the same
//!   share of its worth, so that nobody sells much more than his own task lacks.
//! - Rounds: sums are exact; a joint lot's need up.

use super::selling::{expected, value_of};
use super::{Lot, LotStage, distribute};
use crate::state::State;
use crate::waterfall::apportion;
use ballast_types::{LotId, TaskId};
use ballast_units::{Amount, Ratio};
use std::collections::{BTreeMap, BTreeSet};

/// Parts of a joint lot bring shares of their worth that differ by no more than this.
const JOINT_SPREAD: Ratio = Ratio::percent(5);

/// What lots that are ordered together have to bring, each.
pub(super) fn of(state: &State, together: &BTreeSet<LotId>) -> BTreeMap<LotId, Amount> {
    let mut expects: BTreeMap<TaskId, Vec<(LotId, Amount)>> = BTreeMap::new();
    for id in together {
        let lot = state.lots.find(*id).expect("lots that are ordered are open");
        let dollars = expected(state, lot);
        for task in lot.tasks() {
            expects.entry(task).or_default().push((*id, lot.share(task, dollars)));
        }
    }
    let mut parts: BTreeMap<LotId, Vec<(TaskId, Amount)>> = BTreeMap::new();
    for (task, lots) in expects {
        let lacks = lacks(state, task, together);
        let bases: Vec<Amount> = lots.iter().map(|(_, dollars)| *dollars).collect();
        let is_even = bases.iter().all(|base| base.is_zero());
        let shares = if is_even { vec![lacks; bases.len()] } else { apportion(lacks, &bases) };
        for ((id, _), share) in lots.iter().zip(shares) {
            parts.entry(*id).or_default().push((task, share));
        }
    }
    let of_lot = |(id, parts): (LotId, Vec<(TaskId, Amount)>)| {
        let lot = state.lots.find(id).expect("found above");
        (id, joint(lot, &parts))
    };
    parts.into_iter().map(of_lot).collect()
}

/// What a lot has to bring that is ordered, or bought, alone.
pub(super) fn alone(state: &State, id: LotId) -> Amount {
    of(state, &BTreeSet::from([id])).remove(&id).unwrap_or(Amount::ZERO)
}

/// Whether a lot has to bring anything beside those that are running, and those that are ordered together with it.
pub(super) fn is_needed(state: &State, lot: &Lot, together: &BTreeSet<LotId>) -> bool {
    lot.tasks().into_iter().any(|task| !lacks(state, task, together).is_zero())
}

/// So much that each task's share of it, by value, is what that task needs of the lot.
fn joint(lot: &Lot, needs: &[(TaskId, Amount)]) -> Amount {
    if let [(_, need)] = needs {
        return *need;
    }
    let all: Amount = lot.parts.iter().map(|part| part.value).sum();
    let value = |task: TaskId| lot.parts.iter().filter(|part| part.task == task).map(|part| part.value).sum();
    let for_all = |(task, need): &(TaskId, Amount)| {
        if need.is_zero() {
            return Amount::ZERO;
        }
        need.share_up(all, value(*task)).unwrap_or(Amount::LIMIT).min(Amount::LIMIT)
    };
    needs.iter().map(for_all).max().unwrap_or(Amount::ZERO)
}

/// What a task lacks once its lots have brought what they are expected to, but for those that are ordered `together`.
fn lacks(state: &State, task: TaskId, together: &BTreeSet<LotId>) -> Amount {
    let mut missing = distribute::wanted(state, task);
    for id in &state.tasks.find(task).expect("lots belong to open tasks").lots {
        let lot = state.lots.find(*id).expect("a task's lots are open");
        missing = missing.saturating_sub(lot.share(task, lot.paid));
        if !together.contains(id) {
            missing = missing.saturating_sub(lot.share(task, brings(state, lot)));
        }
    }
    missing
}

/// What a lot is still expected to bring for sure: one that runs, no more than its need; one in the warehouse.
fn brings(state: &State, lot: &Lot) -> Amount {
    match lot.stage {
        LotStage::Offered(_) | LotStage::Ending { .. } => {
            let unmet =
                lot.run(lot.start).map_or(Amount::ZERO, |run| run.auction.need.saturating_sub(run.sold));
            expected(state, lot).min(unmet)
        }
        LotStage::Warehoused(_) => expected(state, lot),
        LotStage::Queued
        | LotStage::Over(_)
        | LotStage::Ended(_)
        | LotStage::Bridging { .. }
        | LotStage::Gathering(_) => Amount::ZERO,
    }
}

/// Whether a task's part may join a lot that gathers.
pub(super) fn may_join(state: &State, lot: &Lot, task: TaskId) -> bool {
    let share = share(state, task);
    lot.tasks().into_iter().map(|other| self::share(state, other)).all(|other| {
        let spread = if other < share { share - other } else { other - share };
        spread <= JOINT_SPREAD
    })
}

/// Share of its worth at index that a task's collateral has to bring, of all that it has to sell and does not offer; all of it
/// at most. Rounded up.
fn share(state: &State, task: TaskId) -> Ratio {
    let lots = state.tasks.find(task).expect("lots belong to open tasks").lots.iter();
    let lots = lots.map(|lot| state.lots.find(*lot).expect("a task's lots are open"));
    let waits = lots.filter(|lot| match lot.stage {
        LotStage::Queued | LotStage::Over(_) | LotStage::Bridging { .. } | LotStage::Gathering(_) => true,
        LotStage::Offered(_) | LotStage::Ending { .. } | LotStage::Ended(_) | LotStage::Warehoused(_) => {
            false
        }
    });
    let value = waits.map(|lot| lot.share(task, value_of(state, lot.token, lot.unsold()))).sum();
    lacks(state, task, &BTreeSet::new()).ratio_to_up(value).unwrap_or(Ratio::ONE).min(Ratio::ONE)
}
