//! Outflow: what a vault lets be put under auction at once, as the hub reckons it.
//!
//! - A vault counts a start against the token's limits, and refuses one that would have to wait (`docs/messages.md`, Limits).
//!   The hub knows the limits that it ordered: it offers no more than passes, so that no order is given that must fail.
//! - Leaks as the vault's own sum does; what an auction left unsold is given back as far as it has not leaked. What comes into the vault and what else
//!   leaves it is not counted here: the vault decides, and an order that it refuses expires and is given again.
//! - A lot that is larger than what passes at once is cut before it is offered first.

use super::selling::{set_lot_stage, unit, units_down, value_of};
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
    limits.map_or(Amount::LIMIT, |limits| units_down(most(&limits), unit(state, token)))
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

/// A lot passes now, whole or, where it was never offered, in part.
pub(super) fn passes(state: &State, lot: &Lot) -> bool {
    let (most, counted) = (most_of(state, lot.token), counted(state, lot.token));
    let asked = if is_cut(lot) { lot.left().min(most) } else { lot.left() };
    // What is larger than ever passes is tried alone: the limits may have been lowered while it was for sale.
    if most < asked { counted.is_zero() } else { counted + asked <= most }
}

fn is_cut(lot: &Lot) -> bool {
    lot.is_fresh() && lot.parts.len() == 1
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

/// Cuts what does not pass at once from a lot that was never offered: it is queued as a lot of its own.
pub(super) fn cut(state: &mut State, out: &mut Outcome, id: LotId) {
    let lot = state.lots.find(id).expect("queued lots are open");
    let (token, left, most) = (lot.token, lot.left(), most_of(state, lot.token));
    if !is_cut(lot) || left <= most || most.is_zero() {
        return;
    }
    let (Part { task, home, quantity, value, leaves }, health) =
        (*lot.parts.first().expect("a lot that is cut has a part"), lot.health);
    let rest = left - most;
    let new = LotId(state.house.last_lot.0.saturating_add(1));
    state.house.last_lot = new;
    let rest_value = value.share_down(rest, quantity).unwrap_or(Amount::ZERO);
    let record = Lot {
        parts: vec![Part { task, home, quantity: rest, value: rest_value, leaves }],
        token,
        held: Amount::ZERO,
        taken: Amount::ZERO,
        paid: Amount::ZERO,
        value: value_of(state, token, rest),
        since: state.now(),
        health,
        stage: LotStage::Queued,
        start: Nonce(0),
        round: 0,
        runs: Vec::new(),
        frozen: Vec::new(),
        stays: true,
    };
    state.agenda.add(new, &record);
    state.lots.insert(new, record);
    state.tasks.find_mut(task).expect("lots belong to open tasks").lots.push(new);
    let (from, to) = (LedgerAccount::Lot(id), LedgerAccount::Lot(new));
    transfer(state, out, from, to, Money::Token(token), rest, Reason::Lot);
    let kept = value_of(state, token, most);
    for part in &mut state.lots.find_mut(id).expect("found above").parts {
        part.quantity -= rest;
        part.value -= rest_value;
    }
    set_lot_stage(state, id, LotStage::Queued);
    state.lots.find_mut(id).expect("found above").value = kept;
    out.event(Event::LotQueued { lot: new, task, token, quantity: rest });
}
