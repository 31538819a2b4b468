//! Observations: facts about chains, each once, in order; what a chain drops is reversed (R18).
//!
//! - A vault's event that a quorum agreed on always uses up its number (R28): its effect is a total function of the event
//!   and of what it names. What the books did not expect of it is an anomaly beside its effect, never a reject.
//! - Refused is only what is no next event: one ahead of a missing one, one that was taken before, a final block or a
//!   drop that names events the vault has not told or that are final.
//! - What a safe event changed is kept beside it ([`Effect`]) until it is final: reversal goes newest first, and puts
//!   back exactly that. Money of takes and ends moves at finality alone.
//! - Keeps: I06 (each event of a vault takes effect once, in order).

use super::anomaly;
use super::deposit::{self, Credit};
use super::withdrawal::complete_release;
use crate::apply::is_house;
use crate::keeper;
use crate::ledger::enter;
use crate::liquidation::{self, Cause, Ending, Taking};
use crate::measures;
use crate::migration;
use crate::orders;
use crate::reserve;
use crate::risk::health;
use crate::rollback;
use crate::state::{Outcome, State};
use crate::validators;
use ballast_types::{
    AccountId, Anomaly, ChainId, Hash, LedgerAccount, Money, Nonce, Observation, OrderAction, Reason, Reject,
    Sequence, Token, VaultEvent,
};
use ballast_units::{Amount, Millis, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// So far ahead of the hub's clock a chain's is believed; what is later counts as then.
const AHEAD: Millis = Millis::minutes(1);

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

/// What a safe event changed: what its reversal puts back, and what its finality goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Effect {
    /// Nothing, now or later: the books did not expect it.
    Stray,
    /// A deposit.
    Credited(Credit),
    /// An order was carried out.
    Executed,
    /// A cancellation was carried out and used up the number of the start that it cancels, which had not been carried out
    /// and never will be.
    Voided(Nonce),
    /// Part of a lot was sold.
    Taken(Taking),
    /// An auction was over.
    Ended(Ending),
    /// Collateral came that an order had sent.
    Arrived,
    /// What came into the vault is put aside: dust, in suspense, or nobody's.
    Aside(LedgerAccount, Token, Amount),
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
        // Which block it was is for those who report it: no rule here asks for it.
        Observation::Final { chain, sequence, time, block: _ } => finalise(state, out, chain, sequence, time),
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
    if replaces {
        reverse_from(state, out, chain, sequence);
    }
    let (effect, found) = take(state, out, chain, sequence, version, event);
    if let Some(found) = found {
        anomaly::record(state, out, chain, sequence, found);
    }
    state.unfinal.insert((chain, sequence), Unfinal { version, event, effect });
    state.chains.get_mut(chain).next_sequence = Sequence(sequence.0.saturating_add(1));
    Ok(())
}

/// What an event changes while its block is safe, and what of it the books did not expect.
fn take(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    sequence: Sequence,
    version: Hash,
    event: VaultEvent,
) -> (Effect, Option<Anomaly>) {
    match event {
        VaultEvent::Deposited { owner, asset, amount } => {
            deposit::seen(state, out, owner, Token { asset, chain }, amount)
        }
        VaultEvent::Executed { nonce } => executed(state, out, chain, sequence, nonce),
        VaultEvent::Taken { lot, taker, quantity, paid, rebate } => {
            let take = liquidation::Told { lot, taker, quantity, paid, rebate };
            liquidation::take_seen(state, out, chain, sequence, take)
        }
        VaultEvent::Ended { lot, result } => {
            liquidation::end_seen(state, out, (chain, sequence), lot, result, version)
        }
        VaultEvent::BridgedIn { from, nonce, asset, amount } => {
            liquidation::arrival_seen(state, out, Token { asset, chain }, (from, nonce), amount, sequence)
        }
    }
}

/// A vault has carried out an order: one that is open, else it changes nothing.
fn executed(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    sequence: Sequence,
    nonce: Nonce,
) -> (Effect, Option<Anomaly>) {
    if !orders::is_open(state, chain, nonce) {
        return (Effect::Stray, Some(Anomaly::ExecutedUnknown { nonce }));
    }
    orders::acknowledge(state, chain, nonce, sequence);
    keeper::executed(state, out, chain, nonce);
    let effect = match state.orders.find((chain, nonce)).map(|sent| sent.order.action.clone()) {
        Some(OrderAction::StartAuction { lot, .. }) => {
            liquidation::started(state, lot, nonce, true);
            Effect::Executed
        }
        Some(OrderAction::CancelAuction { lot, start }) if liquidation::void(state, lot, start, true) => {
            orders::acknowledge(state, chain, start, sequence);
            Effect::Voided(start)
        }
        Some(OrderAction::Rotate { epoch, .. }) => {
            validators::obeyed(state, chain, epoch);
            Effect::Executed
        }
        Some(OrderAction::Migrate { .. }) => {
            migration::moved(state, chain, true);
            Effect::Executed
        }
        Some(OrderAction::Unfreeze {}) => {
            orders::hurry(state, chain);
            Effect::Executed
        }
        _ => Effect::Executed,
    };
    (effect, None)
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
    // A clock that is wrong for one block would be for ever.
    let time = time.min(state.now().after(AHEAD));
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
            settle(state, out, key, record);
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
fn settle(state: &mut State, out: &mut Outcome, (chain, sequence): (ChainId, Sequence), record: Unfinal) {
    match (record.event, record.effect) {
        (_, Effect::Stray) => {}
        (_, Effect::Aside(to, token, amount)) => {
            enter(state, out, to, Money::Token(token), amount, Reason::Anomaly);
        }
        (VaultEvent::Deposited { owner, asset, .. }, Effect::Credited(credit)) => {
            let account = state.account_of(owner).expect("opened when the deposit was seen");
            deposit::settle(state, out, account, Token { asset, chain }, credit);
        }
        (VaultEvent::Executed { nonce }, Effect::Executed) => carried_out(state, out, chain, nonce),
        (VaultEvent::Executed { nonce }, Effect::Voided(start)) => {
            orders::complete(state, chain, start);
            carried_out(state, out, chain, nonce);
        }
        (VaultEvent::Taken { lot, taker, quantity, paid, rebate }, Effect::Taken(taking)) => {
            let told = liquidation::Told { lot, taker, quantity, paid, rebate };
            liquidation::take_final(state, out, (chain, sequence), told, taking);
        }
        (VaultEvent::Ended { lot, .. }, Effect::Ended(ending)) => {
            liquidation::end_final(state, out, (chain, sequence), lot, &ending);
        }
        (VaultEvent::BridgedIn { from, nonce, amount, .. }, Effect::Arrived) => {
            liquidation::arrived_final(state, out, (from, nonce), amount);
        }
        (event, effect) => unreachable!("{event:?} never has the effect {effect:?}"),
    }
}

/// It is final that an order was carried out.
fn carried_out(state: &mut State, out: &mut Outcome, chain: ChainId, nonce: Nonce) {
    let sent = orders::complete(state, chain, nonce).expect("seen once, so open until final");
    match sent.order.action {
        OrderAction::Release { asset, amount, .. } => match sent.release {
            Some(release) => complete_release(state, out, chain, nonce, &release),
            None => reserve::collected(state, out, nonce, Token { asset, chain }, amount),
        },
        OrderAction::Bridge { lot, .. } => liquidation::left_final(state, out, lot, (chain, nonce)),
        OrderAction::Rotate { epoch, .. } => validators::settled(state, out, chain, epoch),
        OrderAction::Migrate { .. } => migration::settled(state, out, chain),
        // Carried out in any order: one that is not what was decided last is put right.
        OrderAction::ListMaker { maker, listed } if state.house.makers.contains(&maker) != listed => {
            orders::give(state, out, chain, OrderAction::ListMaker { maker, listed: !listed });
        }
        OrderAction::StartAuction { .. }
        | OrderAction::CancelAuction { .. }
        | OrderAction::SetLimits { .. }
        | OrderAction::ListMaker { .. }
        | OrderAction::Unfreeze {}
        | OrderAction::ListToken { .. } => {}
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
    rollback::tell(state, out, chain, sequence, events.iter().map(|(_, record)| record));
    for (key, record) in events {
        state.unfinal.remove(key);
        anomaly::forget(state, chain, key.1);
        debited.extend(reverse(state, out, key, record));
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

/// Reverses one event. Gives the account that lost credit by it.
fn reverse(
    state: &mut State,
    out: &mut Outcome,
    (chain, sequence): (ChainId, Sequence),
    record: Unfinal,
) -> Option<AccountId> {
    match (record.event, record.effect) {
        (VaultEvent::BridgedIn { from, .. }, Effect::Aside(..)) => {
            liquidation::trust_again(state, out, (from, chain), sequence);
        }
        (_, Effect::Stray | Effect::Aside(..)) => {}
        (VaultEvent::Deposited { owner, asset, amount }, Effect::Credited(credit)) => {
            let account = state.account_of(owner).expect("opened when the deposit was seen");
            deposit::reverse(state, out, account, Token { asset, chain }, amount, credit);
            return Some(account);
        }
        (VaultEvent::Executed { nonce }, effect @ (Effect::Executed | Effect::Voided(_))) => {
            undo_order(state, out, chain, nonce, effect);
        }
        (VaultEvent::Taken { lot, paid, .. }, Effect::Taken(taking)) => {
            liquidation::take_dropped(state, out, (lot, sequence), taking, paid);
        }
        (VaultEvent::Ended { lot, .. }, Effect::Ended(ending)) => {
            liquidation::end_dropped(state, out, (chain, sequence), lot, &ending, record.version);
        }
        (VaultEvent::BridgedIn { from, nonce, .. }, Effect::Arrived) => {
            liquidation::arrival_dropped(state, (from, nonce));
        }
        (event, effect) => unreachable!("{event:?} never has the effect {effect:?}"),
    }
    None
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
        (Some(OrderAction::Rotate { epoch, .. }), _) => validators::dropped(state, chain, epoch),
        (Some(OrderAction::Migrate { .. }), _) => migration::moved(state, chain, false),
        _ => {}
    }
    keeper::undone(state, chain, nonce);
    orders::lose(state, out, chain, nonce);
}
