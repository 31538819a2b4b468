//! Observations: facts about chains, each once, in order; what a chain drops is reversed (R18).
//!
//! - An event of a vault is checked against the state as the reversal of its earlier version would leave it; only then
//!   is anything reversed. A refused event changes nothing.
//! - What a safe event changed is kept beside it ([`Effect`]) until it is final: reversal goes newest first, and puts
//!   back exactly that. Money of takes and ends moves at finality alone.
//! - Keeps: I06 (each event of a vault takes effect once, in order).

use super::deposit::{credit_final, credit_pending, debit_pending};
use super::withdrawal::complete_release;
use super::{check_amount, floor_to_unit, open_account};
use crate::apply::is_house;
use crate::keeper;
use crate::liquidation::{self, Cause, Ending};
use crate::measures;
use crate::orders;
use crate::reserve;
use crate::risk::health;
use crate::rollback;
use crate::state::{Outcome, State};
use crate::table::RowId;
use crate::validators;
use ballast_types::{
    AccountId, ChainId, Event, Hash, Nonce, Observation, OrderAction, Reject, Sequence, Token, VaultEvent,
};
use ballast_units::{Amount, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// A vault event that is safe, not final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Unfinal {
    /// The block it stood in.
    pub version: Hash,
    /// What happened.
    pub event: VaultEvent,
    /// What it changed.
    pub effect: Effect,
}

/// What a safe event changed: what its reversal puts back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Effect {
    /// Nothing but a record that the event itself names.
    Noted,
    /// Credit for a deposit: in the token, and in dollars at the index when it was seen, rounded up, which is what the
    /// chain's limit counts.
    Credited(Amount, Amount),
    /// A start that had not been carried out never will be: the cancellation used up its number.
    Voided(Nonce),
    /// A take of the auction that this order started; its result before.
    Taken(Nonce, Hash),
    /// An auction was over.
    Ended(Ending),
}

/// Takes a fact about a chain.
pub(crate) fn observe(state: &mut State, out: &mut Outcome, observation: &Observation) -> Result<(), Reject> {
    let chain = match *observation {
        Observation::Seen { chain, .. }
        | Observation::Final { chain, .. }
        | Observation::Dropped { chain, .. } => chain,
    };
    state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    take_fact(state, out, observation)?;
    let now = state.now();
    measures::hear(state, chain, now);
    Ok(())
}

fn take_fact(state: &mut State, out: &mut Outcome, observation: &Observation) -> Result<(), Reject> {
    match *observation {
        Observation::Seen { chain, sequence, version, event } => {
            seen(state, out, chain, sequence, version, event)
        }
        Observation::Final { chain, sequence, time } => finalise(state, out, chain, sequence, time),
        Observation::Dropped { chain, sequence } => drop_events(state, out, chain, sequence),
    }
}

/// A vault's event in a safe block. Another version of an event that is not final reverses the one before and all
/// after it (R18).
fn seen(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    sequence: Sequence,
    version: Hash,
    event: VaultEvent,
) -> Result<(), Reject> {
    let next = state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?.next_sequence;
    if next < sequence {
        return Err(Reject::SequenceGap { chain, got: sequence, want: next });
    }
    let known = state.unfinal.find((chain, sequence)).map(|known| known.version);
    let replaces = known.is_some_and(|known| known != version);
    if sequence < next && !replaces {
        return Err(Reject::SequenceSeen { chain, got: sequence, next });
    }
    check_event(state, chain, sequence, event)?;
    if replaces {
        reverse_from(state, out, chain, sequence);
    }
    let effect = take(state, out, chain, sequence, version, event);
    state.unfinal.insert((chain, sequence), Unfinal { version, event, effect });
    state.chains.get_mut(chain).next_sequence = Sequence(sequence.0.saturating_add(1));
    Ok(())
}

/// Refuses what a vault cannot have done, with every event from `sequence` on reversed.
fn check_event(state: &State, chain: ChainId, sequence: Sequence, event: VaultEvent) -> Result<(), Reject> {
    match event {
        VaultEvent::Deposited { owner, asset, amount } => {
            check_amount(amount)?;
            let floored = floor_to_unit(state, Token { asset, chain }, amount)?;
            if floored.kept != amount {
                return Err(Reject::AmountBelowUnit { amount, unit: floored.unit });
            }
            if state.account_of(owner).is_none() && AccountId::of(state.accounts.len()).is_none() {
                return Err(Reject::AccountsFull { limit: u32::MAX });
            }
        }
        VaultEvent::Executed { nonce } => {
            orders::find_open(state, chain, nonce, sequence)?;
        }
        VaultEvent::Taken { lot, taker: _, quantity, paid, rebate } => {
            check_amount(quantity)?;
            if !paid.in_range() {
                return Err(Reject::AmountOutOfRange { amount: paid, limit: Amount::LIMIT });
            }
            let record = liquidation::lot_before(state, chain, lot, sequence)?;
            record.check_take(lot, quantity, paid, rebate)?;
        }
        VaultEvent::Ended { lot, result } => {
            liquidation::lot_before(state, chain, lot, sequence)?.check_end(lot, result)?;
        }
        VaultEvent::BridgedIn { from, nonce, asset, amount } => {
            liquidation::check_arrival(state, Token { asset, chain }, (from, nonce), amount, sequence)?;
        }
    }
    Ok(())
}

/// What a checked event changes while its block is safe.
fn take(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    sequence: Sequence,
    version: Hash,
    event: VaultEvent,
) -> Effect {
    match event {
        VaultEvent::Deposited { owner, asset, amount } => {
            let account = open_account(state, out, owner).expect("check_event found room");
            let (pending, credit) = credit_pending(state, out, account, Token { asset, chain }, amount);
            Effect::Credited(pending, credit)
        }
        VaultEvent::Executed { nonce } => {
            orders::acknowledge(state, chain, nonce, sequence);
            keeper::executed(state, out, chain, nonce);
            carried_out(state, chain, sequence, nonce)
        }
        VaultEvent::Taken { lot, taker, quantity, paid, rebate } => {
            let (start, before) = liquidation::take_seen(state, out, lot, taker, quantity, paid, rebate);
            Effect::Taken(start, before)
        }
        VaultEvent::Ended { lot, result } => {
            Effect::Ended(liquidation::end_seen(state, out, chain, lot, result, version))
        }
        VaultEvent::BridgedIn { from, nonce, .. } => {
            liquidation::arrival_seen(state, (from, nonce), Some(sequence));
            Effect::Noted
        }
    }
}

/// What an acknowledged order means for its lot.
fn carried_out(state: &mut State, chain: ChainId, sequence: Sequence, nonce: Nonce) -> Effect {
    match state.orders.find((chain, nonce)).map(|sent| sent.order.action.clone()) {
        Some(OrderAction::StartAuction { lot, .. }) => {
            liquidation::started(state, lot, nonce, true);
            Effect::Noted
        }
        Some(OrderAction::CancelAuction { lot, start }) if liquidation::void(state, lot, start, true) => {
            orders::acknowledge(state, chain, start, sequence);
            Effect::Voided(start)
        }
        Some(OrderAction::Rotate { epoch, .. }) => {
            validators::obeyed(state, chain, epoch);
            Effect::Noted
        }
        Some(OrderAction::Unfreeze {}) => {
            orders::hurry(state, chain);
            Effect::Noted
        }
        _ => Effect::Noted,
    }
}

/// Every event up to this one is final, and the chain's final block is of this time. A report that brings neither a
/// later event nor a later time has been taken before.
fn finalise(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    sequence: Sequence,
    time: Time,
) -> Result<(), Reject> {
    let record = state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    let (next, next_final, final_time) = (record.next_sequence, record.next_final, record.final_time);
    if next <= sequence {
        return Err(Reject::SequenceUnknown { chain, got: sequence, next });
    }
    let end = Sequence(sequence.0.saturating_add(1));
    if end < next_final || (end == next_final && time <= final_time) {
        return Err(Reject::SequenceSeen { chain, got: sequence, next: next_final });
    }
    if next_final < end {
        let range = (chain, next_final)..=(chain, sequence);
        let events: Vec<_> = state.unfinal.range(range).map(|(key, record)| (key, *record)).collect();
        state.chains.get_mut(chain).next_final = end;
        for (key, record) in events {
            state.unfinal.remove(key);
            settle(state, out, chain, record);
        }
    }
    if final_time < time {
        state.chains.get_mut(chain).final_time = time;
        orders::expire(state, out, chain, time);
        rollback::snapshot(state, chain, final_time, time);
    }
    Ok(())
}

/// An event is final: money moves.
fn settle(state: &mut State, out: &mut Outcome, chain: ChainId, record: Unfinal) {
    match (record.event, record.effect) {
        (VaultEvent::Deposited { owner, asset, amount }, effect) => {
            let account = state.account_of(owner).expect("opened when the deposit was seen");
            let (pending, credit) = credit_of(effect);
            state.chains.get_mut(chain).pending -= credit;
            credit_final(state, out, account, Token { asset, chain }, amount, pending);
        }
        (VaultEvent::Executed { nonce }, effect) => {
            if let Effect::Voided(start) = effect {
                orders::complete(state, chain, start);
            }
            let sent = orders::complete(state, chain, nonce).expect("seen once, so open until final");
            match sent.order.action {
                OrderAction::Release { asset, amount, .. } => match sent.release {
                    Some(release) => complete_release(state, out, chain, nonce, &release),
                    None => reserve::collected(state, out, nonce, Token { asset, chain }, amount),
                },
                OrderAction::Bridge { lot, .. } => liquidation::left_final(state, out, lot, (chain, nonce)),
                OrderAction::Rotate { epoch, .. } => validators::settled(state, out, chain, epoch),
                OrderAction::StartAuction { .. }
                | OrderAction::CancelAuction { .. }
                | OrderAction::SetLimits { .. }
                | OrderAction::ListMaker { .. }
                | OrderAction::Unfreeze {}
                | OrderAction::ListToken { .. } => {}
            }
        }
        (VaultEvent::Taken { lot, taker, quantity, paid, rebate }, effect) => {
            if let Effect::Taken(start, _) = effect {
                liquidation::settle_result(state, lot, start, taker, quantity, paid, rebate);
            }
            liquidation::take_final(state, out, lot, quantity, paid, rebate);
        }
        (VaultEvent::Ended { lot, .. }, Effect::Ended(ending)) => {
            liquidation::end_final(state, out, chain, lot, ending.start);
        }
        (VaultEvent::BridgedIn { from, nonce, .. }, _) => {
            liquidation::arrived_final(state, out, (from, nonce));
        }
        (VaultEvent::Ended { .. }, _) => unreachable!("an end has the effect of an end"),
    }
}

fn credit_of(effect: Effect) -> (Amount, Amount) {
    match effect {
        Effect::Credited(pending, credit) => (pending, credit),
        Effect::Noted | Effect::Voided(_) | Effect::Taken(..) | Effect::Ended(_) => {
            (Amount::ZERO, Amount::ZERO)
        }
    }
}

/// The chain dropped this event and all later ones.
fn drop_events(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    sequence: Sequence,
) -> Result<(), Reject> {
    let record = state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    let (next, next_final) = (record.next_sequence, record.next_final);
    if next <= sequence {
        return Err(Reject::SequenceUnknown { chain, got: sequence, next });
    }
    if sequence < next_final {
        let final_to = Sequence(next_final.0.saturating_sub(1));
        return Err(Reject::SequenceFinal { chain, got: sequence, final_to });
    }
    reverse_from(state, out, chain, sequence);
    Ok(())
}

/// Reverses what an event and all later ones changed, newest first, by entries of their own (R18). An account that a
/// dropped deposit leaves below its maintenance margin is locked and liquidated (R9).
fn reverse_from(state: &mut State, out: &mut Outcome, chain: ChainId, sequence: Sequence) {
    let range = (chain, sequence)..=(chain, Sequence(u64::MAX));
    let events: Vec<_> = state.unfinal.range(range).rev().map(|(key, record)| (key, *record)).collect();
    state.chains.get_mut(chain).next_sequence = sequence;
    let mut debited = Vec::new();
    let dropped: Vec<Unfinal> = events.iter().map(|(_, record)| *record).collect();
    rollback::tell(state, out, chain, sequence, &dropped);
    for (key, record) in events {
        state.unfinal.remove(key);
        match (record.event, record.effect) {
            (VaultEvent::Deposited { owner, asset, amount }, effect) => {
                let account = state.account_of(owner).expect("opened when the deposit was seen");
                debit_pending(state, out, account, Token { asset, chain }, credit_of(effect));
                out.event(Event::DepositDropped { account, token: Token { asset, chain }, amount });
                debited.push(account);
            }
            (VaultEvent::Executed { nonce }, effect) => {
                undo_order(state, out, chain, nonce, effect);
            }
            (VaultEvent::Taken { lot, quantity, paid, .. }, Effect::Taken(start, before)) => {
                liquidation::take_dropped(state, lot, (start, before), quantity, paid);
            }
            (VaultEvent::Ended { lot, .. }, Effect::Ended(ending)) => {
                liquidation::end_dropped(state, out, chain, lot, &ending, record.version);
            }
            (VaultEvent::BridgedIn { from, nonce, .. }, _) => {
                liquidation::arrival_seen(state, (from, nonce), None);
            }
            (VaultEvent::Taken { .. } | VaultEvent::Ended { .. }, _) => {
                unreachable!("takes and ends have effects of their own")
            }
        }
    }
    debited.sort_unstable();
    debited.dedup();
    for account in debited {
        let free = state.accounts.get(account).task.is_none() && !is_house(state, account);
        if free && health::maintenance(state, account).is_negative() {
            liquidation::open(state, out, account, Cause::Reorg(chain));
        }
    }
}

/// The order stands, and is put out again: the vault carries it out once.
fn undo_order(state: &mut State, out: &mut Outcome, chain: ChainId, nonce: Nonce, effect: Effect) {
    let action = state.orders.find((chain, nonce)).map(|sent| sent.order.action.clone());
    match (action, effect) {
        (Some(OrderAction::StartAuction { lot, .. }), _) => liquidation::started(state, lot, nonce, false),
        (Some(OrderAction::CancelAuction { lot, .. }), Effect::Voided(start)) => {
            liquidation::void(state, lot, start, false);
            orders::lose(state, out, chain, start);
        }
        (Some(OrderAction::Rotate { .. }), _) => validators::dropped(state, chain),
        _ => {}
    }
    keeper::undone(state, chain, nonce);
    orders::lose(state, out, chain, nonce);
}
