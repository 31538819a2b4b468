//! Outlook: what a task's lots are still expected to bring, and whether that heals its account (R15).
//!
//! - Proceeds repay debt when they are final, minutes after the take, and prices fall on meanwhile. A task sells more as
//!   soon as health, with all that its lots are expected to bring, is below zero: not when the first of them are final.
//! - The risk index watches accounts with lots out by this health as it watches the others by theirs: what it skips is
//!   enough (I10).
//! - Absent: tasks for settlement debt, which sell for exactly that.

use super::selling::{self, unit};
use super::{Cause, LotStage, Stage, Standing, distribute, wake};
use crate::oracle;
use crate::risk::health::{Assessment, assess};
use crate::risk::index::{self, Pace};
use crate::state::State;
use ballast_types::{AccountId, Action, AssetId, TaskId};
use ballast_units::{Amount, Ratio, Usd};

/// How a task stands once its lots are paid and final.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlook {
    /// What its debts will lack.
    pub(super) owed: Amount,
    /// H_M of its account then.
    pub(super) health: Usd,
}

impl Outlook {
    pub(super) fn of(state: &State, id: TaskId, standing: &Standing) -> Self {
        let coming = coming(state, id);
        Self {
            owed: standing.owed.saturating_sub(coming),
            health: standing.health.checked_add(coming.dollars()).unwrap_or(standing.health),
        }
    }

    /// More has to be sold.
    pub(super) fn is_short(&self) -> bool {
        self.health.is_negative() && !self.owed.is_zero()
    }
}

/// Dollars of debt that a task's lots will repay: what is paid and not final, and what the rest is expected to bring, less
/// the fee; of warehoused ones, whose task has booked a loss, without. A frozen lot counts zero.
fn coming(state: &State, id: TaskId) -> Amount {
    let net = Ratio::ONE - state.house.liquidation.fee_collateral.ratio();
    let lots = &state.tasks.find(id).expect("the caller found it").lots;
    let lots = lots.iter().map(|lot| state.lots.find(*lot).expect("a task's lots are open"));
    lots.filter(|lot| !lot.is_frozen())
        .map(|lot| {
            let dollars = lot.share(id, lot.paid + selling::expected(state, lot));
            let pays_fee = !matches!(lot.stage, LotStage::Warehoused(_));
            if pays_fee { dollars.mul_ratio_down(net).unwrap_or(dollars) } else { dollars }
        })
        .sum()
}

/// A task whose lots are out was worth a look: it sells more, or is registered for as long as they are enough.
pub(crate) fn watch(state: &mut State, account: AccountId, id: TaskId, pace: Pace) {
    let (sells, refused) = sellable(state, account);
    if !is_watched(state, id) || !sells {
        if refused {
            // Nobody is liquidated on a price that the oracle does not stand by: looked at every block.
            state.index.look_at([account]);
        }
        return;
    }
    let found = assess(state, account);
    let standing = Standing { owed: distribute::lack(state, id), health: found.health };
    let outlook = Outlook::of(state, id, &standing);
    if outlook.is_short() {
        return wake(state, id);
    }
    if !outlook.health.is_negative() {
        let (unsold, assets) = unsold(state, id);
        let found = Assessment { health: outlook.health, weight: found.weight + unsold, ..found };
        index::hold(state, account, pace, &found, &assets);
    }
}

fn is_watched(state: &State, id: TaskId) -> bool {
    let task = state.tasks.find(id).expect("a locked account has a task");
    task.stage == Stage::Selling && task.cause != Cause::Settlement
}

/// Whether an account has collateral that could be sold, and some that could but for the oracle.
fn sellable(state: &State, account: AccountId) -> (bool, bool) {
    let held = state.collateral(state.accounts.get(account));
    let whole = held.filter(|held| !held.amount.units_down(unit(state, held.token)).is_zero());
    whole.fold((false, false), |(sells, refused), held| {
        let allowed = oracle::allows(state, held.token.asset, Action::Liquidate).is_ok();
        (sells | allowed, refused | !allowed)
    })
}

/// What the unsold rest of a task's lots counts for, and in which assets.
fn unsold(state: &State, id: TaskId) -> (Amount, Vec<AssetId>) {
    let lots = &state.tasks.find(id).expect("the caller found it").lots;
    let lots = lots.iter().map(|lot| state.lots.find(*lot).expect("a task's lots are open"));
    let parts = lots.map(|lot| (lot.share(id, selling::expected(state, lot)), lot.token.asset));
    parts.fold((Amount::ZERO, Vec::new()), |(sum, mut assets), (dollars, asset)| {
        assets.push(asset);
        (sum + dollars, assets)
    })
}

/// A task whose lots are not enough, and that could sell more, is one that the next block looks at (I10).
pub(crate) fn check(state: &State) {
    let due = state.index.due_now();
    for (id, task) in state.tasks.iter() {
        if !is_watched(state, id) || !sellable(state, task.account).0 || due.contains(&task.account) {
            continue;
        }
        let standing = Standing::of(state, id);
        let outlook = Outlook::of(state, id, &standing);
        assert!(
            !outlook.is_short(),
            "I10: task {id} was skipped with its lots out: {standing:?}, {outlook:?}"
        );
    }
}
