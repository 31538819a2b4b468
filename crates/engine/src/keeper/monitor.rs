//! The monitor: misdeeds, freezes, votes, and what malice costs.
//!
//! - Lateness and bad prices that add up within a month, in number and as a share of its duties, freeze a keeper for a
//!   bounded time and open a vote; unanswered, the freeze just ends.
//! - Never more than a share of them at once: on a day on which all are late, or all prices bad, it is not they.
//! - Upheld: the operator is barred, and the keeper forfeits what a D does. Not upheld: it is free at once.
//! - Provable malice takes the whole stake at once and bars the operator: none of its keepers is drawn again.

use super::registry::Unfit;
use super::{registry, stake};
use crate::state::{Outcome, State};
use ballast_types::{ChainId, Event, KeeperId, Malice, Misdeed, Reject, TaskId};
use ballast_units::Amount;

/// A keeper with more duties a misdeed than this is not frozen: who does most of the work on a bad day would be the first.
const DUTIES_A_MISDEED: u32 = 10;

/// A misdeed; the one that fills the measure freezes.
pub(crate) fn misdeed(state: &mut State, out: &mut Outcome, keeper: KeeperId, misdeed: Misdeed) {
    let now = state.now();
    let params = state.house.keepers.params;
    let may_freeze = may_freeze(state, keeper);
    let record = state.keepers.get_mut(keeper);
    record.misdeeds = record.misdeeds.saturating_add(1);
    let duties = record.misdeeds.saturating_mul(DUTIES_A_MISDEED);
    if record.misdeeds < u32::from(params.misdeeds) || duties < record.month.duties || !may_freeze {
        return;
    }
    record.misdeeds = 0;
    let until = now.after(params.freeze);
    record.frozen = Some(until);
    out.event(Event::KeeperFrozen { keeper, until, misdeed });
}

/// It is neither frozen nor barred, and enough of the others are free.
fn may_freeze(state: &State, keeper: KeeperId) -> bool {
    let (mut fit, mut frozen) = (0_u32, 0_u32);
    for (id, record) in state.keepers.iter() {
        match registry::qualification(state, record) {
            Ok(()) => fit = fit.saturating_add(1),
            Err(Unfit::Frozen(_) | Unfit::Barred) if id == keeper => return false,
            Err(Unfit::Frozen(_)) => frozen = frozen.saturating_add(1),
            Err(_) => {}
        }
    }
    let all = Amount::from_wei(fit.saturating_add(frozen).into());
    let most = all.mul_ratio_down(state.house.keepers.params.frozen_most).unwrap_or(all).wei();
    u128::from(frozen) < most.max(1)
}

/// Governance's answer to an open vote.
pub(crate) fn verdict(
    state: &mut State,
    out: &mut Outcome,
    keeper: KeeperId,
    upheld: bool,
) -> Result<(), Reject> {
    let now = state.now();
    let record = registry::find(state, keeper)?;
    record.frozen.filter(|until| now < *until).ok_or(Reject::NoVote { keeper })?;
    let operator = record.operator;
    let fine = if upheld { record.stake.bps_down(state.house.keepers.params.fine) } else { Amount::ZERO };
    state.keepers.get_mut(keeper).frozen = None;
    if upheld {
        stake::forfeit(state, out, keeper, fine);
        state.barred.insert(operator, now);
    }
    out.event(Event::VerdictGiven { keeper, upheld, fine });
    Ok(())
}

/// Malice was proved: everything that is staked is forfeited. Without effect on one that has lost it already.
pub(crate) fn slash(
    state: &mut State,
    out: &mut Outcome,
    keeper: KeeperId,
    task: TaskId,
    chain: ChainId,
    malice: Malice,
) {
    let now = state.now();
    let record = state.keepers.get(keeper);
    let (operator, amount) = (record.operator, record.stake);
    let is_barred = state.barred.find(operator).is_some();
    if is_barred && amount.is_zero() {
        return;
    }
    stake::forfeit(state, out, keeper, amount);
    if !is_barred {
        state.barred.insert(operator, now);
    }
    out.event(Event::KeeperSlashed { keeper, task, chain, malice, amount });
}
