//! Outflow: what a vault lets be put under auction at once, as the hub reckons it.
//!
//! - A vault counts a start against the token's limits, and refuses one that would have to wait (`docs/messages.md`, Limits).
//!   The hub knows the limits that it ordered: it offers no more than passes, so that no order is given that must fail.
//! - Leaks as the vault's own sum does; what an auction left unsold is given back as far as it has not leaked. What comes into the vault and what else
//!   leaves it is not counted here: the vault decides, and an order that it refuses expires and is given again.
//! - A lot that is larger than what passes at once is cut before it is offered: also a joint one, and one that was offered before
//!   its vault's limits were lowered. Nothing is ordered that its vault can never carry out.

use super::selling::{set_lot_stage, unit, value_of};
use super::{Lot, LotStage, Part};
use crate::ledger::transfer;
use crate::state::{Outcome, State};
use ballast_types::{Event, LedgerAccount, LotId, Money, Nonce, Reason, Token, VaultLimits};
use ballast_units::math::mul_div_down;
use ballast_units::{Amount, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// What was put under auction of a token under limits, less what has leaked since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Passed {
    sum: Amount,
    since: Time,
}

/// What passes when nothing has.
fn most(limits: &VaultLimits) -> Amount {
    if limits.delay.is_zero() { limits.outflow } else { limits.outflow.min(limits.delay_above) }
}

/// What passes of a token when nothing has, in whole units; everything where its vault has no limits.
fn most_of(state: &State, token: Token) -> Amount {
    let limits = state.token(token).and_then(|record| record.limits);
    limits.map_or(Amount::LIMIT, |limits| most(&limits).units_down(unit(state, token)))
}

/// What counts now, the rest has leaked.
fn counted(state: &State, token: Token) -> Amount {
    let Some(record) = state.token(token) else { return Amount::ZERO };
    record.passed.sum.saturating_sub(leaked(state, token, record.passed.since))
}

/// What has leaked since then; everything where there are no limits.
fn leaked(state: &State, token: Token, since: Time) -> Amount {
    let Some(limits) = state.token(token).and_then(|record| record.limits) else { return Amount::MAX };
    let passed = u128::from(state.now().since(since).get());
    let window = u128::from(limits.window.get()).max(1);
    mul_div_down(passed, most(&limits).wei(), window).map_or(Amount::MAX, Amount::from_wei)
}

/// A lot passes now, whole or in part. While nothing ever passes, and while what is too large cannot be cut, it waits.
pub(super) fn passes(state: &State, lot: &Lot) -> bool {
    let (most, counted) = (most_of(state, lot.token), counted(state, lot.token));
    let fits = lot.left() <= most || is_cut(lot);
    fits && !most.is_zero() && counted + lot.left().min(most) <= most
}

/// What a reorg may sell more of is not cut.
fn is_cut(lot: &Lot) -> bool {
    lot.runs.is_empty() && lot.taken.is_zero()
}

/// An auction of so much is ordered.
pub(super) fn spend(state: &mut State, token: Token, quantity: Amount) {
    let (sum, since) = (counted(state, token), state.now());
    if state.token(token).is_some_and(|record| record.limits.is_some()) {
        state.token_mut(token).passed = Passed { sum: sum + quantity, since };
    }
}

/// So much of an auction that was ordered at `opened` was not sold. What has leaked of it since is not given back as well.
pub(super) fn give_back(state: &mut State, token: Token, quantity: Amount, opened: Time) {
    let quantity = quantity.saturating_sub(leaked(state, token, opened));
    let (sum, since) = (counted(state, token), state.now());
    if state.token(token).is_some_and(|record| record.limits.is_some()) {
        state.token_mut(token).passed = Passed { sum: sum.saturating_sub(quantity), since };
    }
}

/// Cuts what does not pass at once from a lot: it is queued as a lot of its own, in which everybody has part as before.
pub(super) fn cut(state: &mut State, out: &mut Outcome, id: LotId) {
    let lot = state.lots.find(id).expect("queued lots are open");
    let (token, left, most) = (lot.token, lot.left(), most_of(state, lot.token));
    if !is_cut(lot) || left <= most || most.is_zero() {
        return;
    }
    let (health, round, rest) = (lot.health, lot.round, left - most);
    let new = LotId(state.house.last_lot.0.saturating_add(1));
    state.house.last_lot = new;
    let moved: Vec<Part> = lot
        .split_units(rest, unit(state, token))
        .into_iter()
        .map(|(part, share)| {
            let value = part.value.share_down(share.min(part.quantity), part.quantity);
            Part { quantity: share, value: value.unwrap_or(Amount::ZERO), ..part }
        })
        .collect();
    let parts: Vec<Part> = moved.iter().filter(|part| !part.quantity.is_zero()).copied().collect();
    let record = Lot {
        parts: parts.clone(),
        token,
        held: Amount::ZERO,
        taken: Amount::ZERO,
        paid: Amount::ZERO,
        value: value_of(state, token, rest),
        since: state.now(),
        health,
        stage: LotStage::Queued,
        start: Nonce(0),
        round,
        runs: Vec::new(),
        frozen: Vec::new(),
        stays: true,
    };
    state.agenda.add(new, &record);
    state.lots.insert(new, record);
    let (from, to) = (LedgerAccount::Lot(id), LedgerAccount::Lot(new));
    transfer(state, out, from, to, Money::Token(token), rest, Reason::Lot);
    let kept = value_of(state, token, most);
    for (part, gone) in state.lots.find_mut(id).expect("found above").parts.iter_mut().zip(&moved) {
        part.quantity = part.quantity.saturating_sub(gone.quantity);
        part.value -= gone.value;
    }
    set_lot_stage(state, id, LotStage::Queued);
    state.lots.find_mut(id).expect("found above").value = kept;
    for Part { task, quantity, .. } in parts {
        let lots = &mut state.tasks.find_mut(task).expect("lots belong to open tasks").lots;
        if let Err(at) = lots.binary_search(&new) {
            lots.insert(at, new);
        }
        out.event(Event::LotQueued { lot: new, task, token, quantity });
    }
}
