//! Costs: what it takes to have a task's orders carried out (R5, step 3).
//!
//! - An order costs the gas of its chain, a bridge its price besides, both as measured when it is given; a task is
//!   charged `cost_cap` at most. An order for several tasks is shared by value. Resends are the house's.
//! - Pays: `Proceeds -> Treasury`, which pays whoever delivers, after the debts and before the fee; where debts are not
//!   covered, `Float -> Treasury` when the task ends, as far as it goes.
//! - Of what bridges cost an owner, the treasury repays him up to `bridge_refund`: the thin chain was not his choice.

use crate::ledger::{USD, balance, pay};
use crate::state::{Outcome, State};
use crate::waterfall::apportion;
use ballast_types::{ChainId, Event, LedgerAccount, Reason, TaskId};
use ballast_units::Amount;
use borsh::{BorshDeserialize, BorshSerialize};

/// What a task's orders cost, dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Costs {
    /// Incurred and not paid.
    pub due: Amount,
    /// Of `due`, for bridges; paid first.
    pub bridge: Amount,
    /// Paid so far.
    pub paid: Amount,
    /// Given back to the owner for bridges.
    pub refunded: Amount,
}

/// An order of a chain was given for these tasks, by value.
pub(super) fn incur(state: &mut State, chain: ChainId, tasks: &[(TaskId, Amount)], bridges: bool) {
    let (now, params) = (state.now(), state.house.oracle);
    let record = state.chains.get(chain);
    let gas = record.gas.usable(now, &params).unwrap_or(Amount::ZERO);
    let bridge = record.bridge.usable(now, &params).filter(|_| bridges).unwrap_or(Amount::ZERO);
    let cap = state.house.liquidation.cost_cap;
    let values: Vec<Amount> = tasks.iter().map(|(_, value)| (*value).max(Amount::from_wei(1))).collect();
    let shares = apportion(gas, &values).into_iter().zip(apportion(bridge, &values));
    for ((task, _), (gas, bridge)) in tasks.iter().zip(shares) {
        let costs = &mut state.tasks.find_mut(*task).expect("lots belong to open tasks").costs;
        let room = cap.saturating_sub(costs.due + costs.paid);
        let bridge = bridge.min(room);
        costs.due += bridge + gas.min(room - bridge);
        costs.bridge += bridge;
    }
}

/// Pays costs from a task's proceeds.
pub(super) fn charge(state: &mut State, out: &mut Outcome, id: TaskId, amount: Amount) {
    if amount.is_zero() {
        return;
    }
    pay(state, out, LedgerAccount::Proceeds(id), LedgerAccount::Treasury, amount, Reason::Cost);
    let most = state.house.liquidation.bridge_refund;
    let task = state.tasks.find_mut(id).expect("the caller found it");
    let account = task.account;
    let bridge = settle(&mut task.costs, amount);
    let refund = bridge.min(most.saturating_sub(task.costs.refunded));
    task.costs.refunded += refund;
    // It came into the treasury above.
    pay(state, out, LedgerAccount::Treasury, LedgerAccount::Cash(account), refund, Reason::Cost);
    out.event(Event::CostsPaid { task: id, amount, refunded: refund, by_reserve: false });
}

/// A task ends: what its proceeds could not pay is the reserve's.
pub(super) fn leave_to_reserve(state: &mut State, out: &mut Outcome, id: TaskId) {
    let due = state.tasks.find(id).expect("the caller found it").costs.due;
    let amount = due.min(balance(state, LedgerAccount::Float, USD));
    if amount.is_zero() {
        return;
    }
    pay(state, out, LedgerAccount::Float, LedgerAccount::Treasury, amount, Reason::Cost);
    settle(&mut state.tasks.find_mut(id).expect("found above").costs, amount);
    out.event(Event::CostsPaid { task: id, amount, refunded: Amount::ZERO, by_reserve: true });
}

/// Returns how much of it was for bridges.
fn settle(costs: &mut Costs, amount: Amount) -> Amount {
    let bridge = costs.bridge.min(amount);
    costs.due -= amount;
    costs.bridge -= bridge;
    costs.paid += amount;
    bridge
}
