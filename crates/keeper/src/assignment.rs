//! Who is asked for what: read off a block and the state after it, by whoever watches the hub.

use ballast_engine::keeper::Round;
use ballast_engine::keeper::round::Job;
use ballast_engine::{Outcome, State};
use ballast_types::{Block, ChainId, Event, KeeperId, LotId, Nonce, Observation, TaskId, VaultEvent};
use std::collections::BTreeSet;

/// What a block asks of a keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assignment {
    /// To have an order carried out.
    Deliver(ChainId, Nonce),
    /// To report what a task's auctions on a chain gave.
    Report(TaskId, ChainId),
}

/// What a block asks of its keepers, each once.
#[must_use]
pub fn assignments(block: &Block, outcome: &Outcome, state: &State) -> BTreeSet<(KeeperId, Assignment)> {
    let mut asked = BTreeSet::new();
    for event in &outcome.events {
        let Event::KeepersDrawn { task, keepers, .. } = event else { continue };
        let Some(round) = state.rounds.find(*task) else { continue };
        for (keeper, job) in
            keepers.iter().flat_map(|keeper| round.jobs.iter().map(move |job| (*keeper, job)))
        {
            let open = job.orders.iter().filter(|order| !order.done);
            asked.extend(open.map(|order| (keeper, Assignment::Deliver(job.chain, order.nonce))));
            if !job.ended.is_empty() {
                asked.insert((keeper, Assignment::Report(*task, job.chain)));
            }
        }
    }
    for order in &outcome.orders {
        for task in tasks_of(state, order.chain, order.nonce) {
            let deliver = Assignment::Deliver(order.chain, order.nonce);
            asked.extend(current(state, task).map(|keeper| (keeper, deliver)));
        }
    }
    for observation in &block.observations {
        let Observation::Seen { chain, event: VaultEvent::Ended { lot, .. }, .. } = observation else {
            continue;
        };
        for task in tasks_of_ended(state, *chain, *lot) {
            asked.extend(current(state, task).map(|keeper| (keeper, Assignment::Report(task, *chain))));
        }
    }
    asked
}

/// Orders that the block puts out and that no keeper has or is to be given: validators deliver them.
#[must_use]
pub fn unasked(outcome: &Outcome, state: &State) -> BTreeSet<(ChainId, Nonce)> {
    let has_keepers = |task: TaskId| {
        state.rounds.find(task).is_some_and(|round| round.waits.is_some() || members(round).next().is_some())
    };
    let mut unasked: BTreeSet<(ChainId, Nonce)> = outcome
        .orders
        .iter()
        .map(|order| (order.chain, order.nonce))
        .filter(|(chain, nonce)| !tasks_of(state, *chain, *nonce).into_iter().any(has_keepers))
        .collect();
    for event in &outcome.events {
        let Event::NoKeeperDrawn { task, .. } = event else { continue };
        let jobs = state.rounds.find(*task).into_iter().flat_map(|round| &round.jobs);
        for job in jobs {
            let open = job.orders.iter().filter(|order| !order.done);
            unasked.extend(open.map(|order| (job.chain, order.nonce)));
        }
    }
    unasked
}

/// Keepers of the last draw of a task.
fn current(state: &State, task: TaskId) -> impl Iterator<Item = KeeperId> {
    state.rounds.find(task).into_iter().flat_map(members)
}

fn members(round: &Round) -> impl Iterator<Item = KeeperId> {
    round.members.iter().filter(|member| member.draw == round.draws).map(|member| member.keeper)
}

/// Tasks that an open order is for.
fn tasks_of(state: &State, chain: ChainId, nonce: Nonce) -> Vec<TaskId> {
    let lot = state.orders.find((chain, nonce)).and_then(|sent| sent.lot());
    lot.map_or(Vec::new(), |lot| tasks_of_lot(state, lot))
}

fn tasks_of_lot(state: &State, lot: LotId) -> Vec<TaskId> {
    let parts = state.lots.find(lot).into_iter().flat_map(|lot| &lot.parts);
    let tasks: BTreeSet<TaskId> = parts.map(|part| part.task).collect();
    tasks.into_iter().collect()
}

/// Tasks one of whose auctions was of a lot. Where it is final that it is over, as with what a quorum of validators agrees on
/// late, the lot is gone, and their rounds alone know it.
fn tasks_of_ended(state: &State, chain: ChainId, lot: LotId) -> Vec<TaskId> {
    if state.lots.find(lot).is_some() {
        return tasks_of_lot(state, lot);
    }
    let ended = |job: &Job| job.chain == chain && job.ended.iter().any(|ended| ended.lot == lot);
    let rounds = state.rounds.iter().filter(|(_, round)| round.jobs.iter().any(ended));
    rounds.map(|(task, _)| task).collect()
}
