//! Keepers: who carries out what a task needs on its chains, and what that is worth to them (R19, R21, R22).
//!
//! - Other modules tell what happened to a task's orders and auctions through the functions below; what a keeper did
//!   with it comes as commands.
//! - A task has keepers only for what must move on a chain (R22).

use crate::state::{Outcome, State};
use ballast_types::{ChainId, Hash, LotId, Nonce, TaskId};
use ballast_units::{Amount, Price};

/// A task needs something carried out on a chain: the order is for the keepers that the task has, or is to be given.
pub(crate) fn ordered(_state: &mut State, _out: &mut Outcome, _task: TaskId, _chain: ChainId, _nonce: Nonce) {
}

/// A chain's vault carried out an order, in a block of this version.
pub(crate) fn executed(_state: &mut State, _out: &mut Outcome, _chain: ChainId, _nonce: Nonce) {}

/// The chain dropped the block in which an order was carried out.
pub(crate) fn undone(_state: &mut State, _chain: ChainId, _nonce: Nonce) {}

/// An auction of a task is over on a chain: the result of its takes, and the block that says so. A lot of a joint auction
/// tells it to each of its tasks.
pub(crate) fn ended(
    _state: &mut State,
    _task: TaskId,
    _chain: ChainId,
    _lot: LotId,
    _result: Hash,
    _version: Hash,
) {
}

/// The chain dropped the block of that version, in which the auction was over.
pub(crate) fn dropped(_state: &mut State, _task: TaskId, _chain: ChainId, _lot: LotId, _version: Hash) {}

/// Every event of the chain up to the end of this task's auctions there is final.
pub(crate) fn settled(_state: &mut State, _out: &mut Outcome, _task: TaskId, _chain: ChainId) {}

/// Part of a task's liquidation fee that is its keepers': it waits in their pot until their reports are judged.
/// `price`: proceeds over index at detection, a share of 1.
pub(crate) fn pay(
    _state: &mut State,
    _out: &mut Outcome,
    _task: TaskId,
    _amount: Amount,
    _price: Option<Price>,
) {
}

/// What a block brings: draws with its randomness, deadlines, verdicts, ratings.
pub(crate) fn step(_state: &mut State, _out: &mut Outcome, _seed: Hash) {}
