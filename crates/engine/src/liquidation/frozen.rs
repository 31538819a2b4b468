//! Frozen lots: of which a chain told something that value is missing by (R28).
//!
//! - When: a take of more than was left, for less than the floor, or with no auction running; an end with another result
//!   than the engine's. Surplus and oddity freeze nothing.
//! - What: the lot alone. Nothing of it is offered again or goes back, and it counts zero in its task's outlook, so that the
//!   rest of the account is sold meanwhile. Takes of it that are final are distributed as ever.
//! - Ends: [`STANDS`] after the fact is final, when the chain's figures stand; before that by a vote, or when the chain drops
//!   the fact.

use super::{Lot, joint, reconsider, selling, wake};
use crate::state::{Outcome, State};
use ballast_types::{Event, LotId, Reject, Sequence, TaskId};
use ballast_units::{Millis, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// So long after a fact is final the chain's figures stand.
pub(super) const STANDS: Millis = Millis::hours(1);

/// One fact that a lot is frozen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Freeze {
    /// Number of the fact on the lot's chain.
    pub fact: Sequence,
    /// The lot goes on then; known once the fact is final.
    pub until: Option<Time>,
}

impl Lot {
    /// Nothing of it is offered or given back.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        !self.frozen.is_empty()
    }
}

/// Freezes a lot for a fact.
pub(super) fn freeze(state: &mut State, out: &mut Outcome, id: LotId, fact: Sequence) {
    change(state, id, |lot| lot.frozen.push(Freeze { fact, until: None }));
    out.event(Event::LotFrozen { lot: id });
}

/// The fact that a lot is frozen for is final.
pub(super) fn settle(state: &mut State, id: LotId, fact: Sequence) {
    let until = state.now().after(STANDS);
    let Some(lot) = state.lots.find_mut(id) else { return };
    if let Some(freeze) = lot.frozen.iter_mut().find(|freeze| freeze.fact == fact) {
        freeze.until = Some(until);
        state.agenda.thaws.insert((until, id));
    }
}

/// The chain dropped the fact.
pub(super) fn forget(state: &mut State, out: &mut Outcome, id: LotId, fact: Sequence) {
    thaw(state, out, id, |freeze| freeze.fact == fact);
}

/// Lots whose chain's figures stand by now.
pub(super) fn thaw_due(state: &mut State, out: &mut Outcome) {
    let now = state.now();
    while let Some((at, id)) = state.agenda.thaws.first().copied().filter(|(at, _)| *at <= now) {
        state.agenda.thaws.remove(&(at, id));
        thaw(state, out, id, |freeze| freeze.until.is_some_and(|until| until <= now));
    }
}

/// Governance lets what the chain told of a task's lots stand now, also of what is on its way between chains.
pub(crate) fn resolve(state: &mut State, out: &mut Outcome, id: TaskId) -> Result<(), Reject> {
    let lots = &state.tasks.find(id).ok_or(Reject::UnknownTask { task: id })?.lots;
    let frozen = lots.iter().copied().filter(|lot| state.lots.find(*lot).is_some_and(Lot::is_frozen));
    let (frozen, lots): (Vec<LotId>, _) = (frozen.collect(), lots.clone());
    let mut ended = false;
    for lot in lots {
        ended |= selling::end_overdue(state, out, lot);
    }
    if !joint::settle_task(state, out, id) && frozen.is_empty() && !ended {
        return Err(Reject::TaskNotFrozen { task: id });
    }
    for lot in frozen {
        thaw(state, out, lot, |_| true);
    }
    Ok(())
}

fn thaw(state: &mut State, out: &mut Outcome, id: LotId, ends: impl Fn(&Freeze) -> bool) {
    let Some(lot) = state.lots.find(id).filter(|lot| lot.is_frozen()) else { return };
    let thaws = lot.frozen.iter().all(&ends);
    change(state, id, |lot| lot.frozen.retain(|freeze| !ends(freeze)));
    if !thaws {
        return;
    }
    out.event(Event::LotThawed { lot: id });
    let tasks = state.lots.find(id).map(Lot::tasks).unwrap_or_default();
    selling::go_on(state, out, id);
    for task in tasks {
        wake(state, task);
    }
}

/// Changes what a lot is frozen for, and keeps the agenda in step.
fn change(state: &mut State, id: LotId, change: impl FnOnce(&mut Lot)) {
    let lot = state.lots.find(id).expect("the caller found it");
    state.agenda.remove(id, lot);
    change(state.lots.find_mut(id).expect("found above"));
    let lot = state.lots.find(id).expect("found above");
    state.agenda.add(id, lot);
    let tasks = lot.tasks();
    reconsider(state, &tasks);
}
