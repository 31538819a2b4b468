//! Keepers: who carries out what a task needs on its chains, and what that is worth to them (R19, R21, R22).
//!
//! - Other modules tell what happened to a task's orders and auctions through the functions below; what a keeper did
//!   with it comes as commands.
//! - A task has keepers only for what must move on a chain (R22).
//! - Costs: a block looks only at rounds and keepers whose time has come, and at all keepers only for a draw, a count of
//!   regions (hourly) and a rating (monthly).
//! - Keeps: I01 (stake, fines and pots are ledger accounts).

pub mod book;
pub mod draw;
pub(crate) mod monitor;
pub mod rating;
pub mod registry;
pub mod report;
pub mod reward;
pub mod round;
pub(crate) mod stake;
pub(crate) mod terms;
pub mod uptime;

use crate::ledger::pay as transfer;
use crate::state::{Outcome, State};
use ballast_types::{ChainId, Hash, KeeperId, LedgerAccount, LotId, Nonce, Reason, TaskId};
use ballast_units::{Amount, Price};
use book::Due;
use round::Ended;

pub use registry::Keeper;
pub use round::Round;

/// A task needs something carried out on a chain: the order is for the keepers that the task has, or is to be given.
pub(crate) fn ordered(state: &mut State, _out: &mut Outcome, task: TaskId, chain: ChainId, nonce: Nonce) {
    if state.house.keepers.token.is_some() {
        round::ordered(state, task, chain, nonce);
    }
}

/// A chain's vault carried out an order, in a block of this version.
pub(crate) fn executed(state: &mut State, _out: &mut Outcome, chain: ChainId, nonce: Nonce) {
    for task in round::askers(state, chain, nonce) {
        round::set_done(state, task, chain, nonce, true);
    }
}

/// The chain dropped the block in which an order was carried out.
pub(crate) fn undone(state: &mut State, chain: ChainId, nonce: Nonce) {
    for task in round::askers(state, chain, nonce) {
        round::set_done(state, task, chain, nonce, false);
    }
}

/// An auction of a task is over on a chain: the result of its takes, and the block that says so. A lot of a joint auction
/// tells it to each of its tasks.
pub(crate) fn ended(
    state: &mut State,
    task: TaskId,
    chain: ChainId,
    lot: LotId,
    result: Hash,
    version: Hash,
) {
    round::ended(state, task, chain, Ended { lot, result, version });
}

/// The chain dropped the block of that version, in which the auction was over.
pub(crate) fn dropped(state: &mut State, task: TaskId, chain: ChainId, lot: LotId, version: Hash) {
    round::dropped(state, task, chain, lot, version);
}

/// The end of an auction of the task is final.
pub(crate) fn end_final(state: &mut State, out: &mut Outcome, task: TaskId, chain: ChainId) {
    round::end_final(state, out, task, chain);
}

/// Every event of the chain up to the end of this task's auctions there is final.
pub(crate) fn settled(state: &mut State, out: &mut Outcome, task: TaskId, chain: ChainId) {
    round::settled(state, out, task, chain);
}

/// Part of a task's liquidation fee that is its keepers' ([`reward::of_fee`]): it waits in their pot until their reports are
/// judged; where the task has no keepers it is the treasury's. `price`: proceeds over index at detection, a share of 1,
/// of all that has come in so far.
pub(crate) fn pay(state: &mut State, out: &mut Outcome, task: TaskId, amount: Amount, price: Option<Price>) {
    let from = LedgerAccount::Proceeds(task);
    let to = match state.rounds.find(task) {
        Some(_) => LedgerAccount::Pot(task),
        None => LedgerAccount::Treasury,
    };
    transfer(state, out, from, to, amount, Reason::LiquidationFee);
    round::change(state, task, |round| round.price = price.or(round.price));
}

/// What a block brings: draws with its randomness, deadlines, verdicts, ratings.
pub(crate) fn step(state: &mut State, out: &mut Outcome, seed: Hash) {
    if state.house.keepers.token.is_none() {
        return;
    }
    let gone = |(task, record): (TaskId, Option<&_>)| record.is_none().then_some(task);
    let closed: Vec<TaskId> = state.tasks.changed().filter_map(gone).collect();
    for task in closed {
        round::over(state, out, task);
    }
    round::draw(state, out, seed);
    let now = state.now();
    while let Some((time, due)) = state.duties.due.first().copied().filter(|(time, _)| *time <= now) {
        match due {
            Due::Round(task) => round::overdue(state, out, task),
            Due::Keeper(keeper) => {
                stake::give_back(state, out, keeper);
                rating::restore(state, out, keeper);
            }
        }
        assert!(state.duties.due.first() != Some(&(time, due)), "a deadline that has passed is dealt with");
    }
    rating::step(state, out);
    book::look(state, out);
}

/// Changes a keeper, and keeps what waits for it in order.
pub(crate) fn change_keeper(state: &mut State, keeper: KeeperId, act: impl FnOnce(&mut Keeper)) {
    let record = state.keepers.get_mut(keeper);
    for time in book::times(record) {
        state.duties.due.remove(&(time, Due::Keeper(keeper)));
    }
    act(record);
    state.duties.due.extend(book::times(record).map(|time| (time, Due::Keeper(keeper))));
}
