//! Joint auctions: the lots of a thin chain are sold on a liquid one, together.
//!
//! - When: the chain is thin, its own market does not take the lot beside what is under auction there, and a liquid one
//!   lists the asset: of those whose market takes the lot the one that is final
//!   soonest, as arrivals are sold once they are final; else the one whose market takes most of it. Where none lists it, the
//!   lot is sold on its own chain.
//! - Way: the lot is sent by a `Bridge` order. On its way it is nobody's but its task's: a [`Transit`], a record beside the
//!   ledger. It leaves the thin chain's books when its order is final there, and enters the liquid chain's when its
//!   arrival is final there; lots of the asset that arrive within a window, or until they are worth enough, are merged
//!   and sold once.
//! - An owner who is healthy again gets his part back where it is: what was bridged is his collateral on the liquid
//!   chain.
//! - Rounds: what is sent is whole in the units of both chains and in those of the bridge; what is not stays the owner's.
//! - Keeps: I01 (what left by bridges and what came by bridges differ by what is on its way).

use super::selling::{detach, forget_empty, requeue, set_lot_stage, unit, units_down, value_of};
use super::{Lot, LotStage, Part, costs, wake};
use crate::keeper;
use crate::ledger::{enter, leave, transfer};
use crate::orders;
use crate::state::{Outcome, State};
use ballast_types::{
    ChainId, ChainTier, Event, LedgerAccount, LotId, Money, Nonce, OrderAction, Reason, Reject, Sequence,
    Token,
};
use ballast_units::{Amount, Time, Usd};
use borsh::{BorshDeserialize, BorshSerialize};
use std::cmp::Reverse;

/// What a bridge counts in: 10^(18 - 6) wei. LayerZero's OFT standard shares 6 digits between chains (`sharedDecimals`), and
/// refuses or keeps what is finer.
const BRIDGE_UNIT: Amount = Amount::from_wei(1_000_000_000_000);

/// Collateral on its way from one chain to another, by the order that sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transit {
    /// The lot that it was sent for.
    pub lot: LotId,
    /// What, where to.
    pub to: Token,
    /// How much.
    pub amount: Amount,
    /// It is final that it left.
    pub left: bool,
    /// The event in which its arrival was seen, not final.
    pub seen: Option<Sequence>,
    /// It is final that it arrived.
    pub arrived: bool,
}

/// The key of a transit: the order that sends it.
type Key = (ChainId, Nonce);

/// Where a lot is sold, if not where it lies.
pub(super) fn destination(state: &State, token: Token, quantity: Amount) -> Option<ChainId> {
    let value = value_of(state, token, quantity);
    if state.chains.get(token.chain).tier == ChainTier::Liquid || takes_at_home(state, token, value) {
        return None;
    }
    let lists = |chain: ChainId| state.token(Token { asset: token.asset, chain }).is_some();
    let liquid = state.chains.iter().filter(|(_, record)| record.tier == ChainTier::Liquid);
    let liquid = liquid.map(|(chain, _)| chain).filter(|chain| lists(*chain));
    let to = liquid.max_by_key(|chain| {
        let depth = depth(state, token, *chain);
        let soon = if value <= depth { state.chains.get(*chain).final_time } else { Time::ZERO };
        (soon, depth, Reverse(*chain))
    })?;
    (!sendable(state, token, to, quantity).is_zero()).then_some(to)
}

/// A thin chain's own market takes a lot beside what is under auction there: no bridge, no wait.
fn takes_at_home(state: &State, token: Token, value: Amount) -> bool {
    let Some(record) = state.token(token) else { return false };
    let share = state.house.liquidation.joint_above;
    let room = record.depth.fresh(state.now(), &state.house.oracle).map(|depth| depth.mul_ratio_down(share));
    room.is_some_and(|room| room.is_ok_and(|room| record.auctioned + value <= room))
}

/// Dollars that a chain's market takes of an asset, where that is known.
fn depth(state: &State, token: Token, chain: ChainId) -> Amount {
    let record = state.token(Token { asset: token.asset, chain });
    let depth = record.and_then(|record| record.depth.usable(state.now(), &state.house.oracle));
    depth.unwrap_or(Amount::ZERO)
}

/// What is whole in the units of both chains and of the bridge. Units are powers of ten: what is whole in the largest is in all.
fn sendable(state: &State, from: Token, to: ChainId, quantity: Amount) -> Amount {
    let there = unit(state, Token { asset: from.asset, chain: to });
    units_down(quantity, unit(state, from).max(there).max(BRIDGE_UNIT))
}

/// Orders a lot to be sent. What is not whole for all three goes back to its account.
pub(super) fn bridge(state: &mut State, out: &mut Outcome, id: LotId, to: ChainId) {
    let lot = state.lots.find(id).expect("queued lots are open");
    let (from, left) = (lot.token, lot.left());
    let part = *lot.parts.first().expect("a queued lot has a part");
    let amount = sendable(state, from, to, left);
    let account = state.tasks.find(part.task).expect("lots belong to open tasks").account;
    let rest = LedgerAccount::Collateral(account, from);
    transfer(state, out, LedgerAccount::Lot(id), rest, Money::Token(from), left - amount, Reason::Lot);
    let action = OrderAction::Bridge { lot: id, asset: from.asset, amount, to };
    let nonce = orders::give(state, out, from.chain, action);
    let value = value_of(state, from, amount);
    for part in &mut state.lots.find_mut(id).expect("found above").parts {
        part.quantity = amount;
        part.value = value;
    }
    set_lot_stage(state, id, LotStage::Bridging { to, nonce });
    let to = Token { asset: from.asset, chain: to };
    let transit = Transit { lot: id, to, amount, left: false, seen: None, arrived: false };
    state.transits.insert((from.chain, nonce), transit);
    out.event(Event::LotBridged { lot: id, task: part.task, from, to, amount, nonce });
    costs::incur(state, from.chain, &[(part.task, part.value)], true);
    keeper::ordered(state, out, part.task, from.chain, nonce);
}

/// The order to send was never carried out: the collateral is still in its lot.
pub(crate) fn bridge_expired(state: &mut State, out: &mut Outcome, id: LotId, nonce: Nonce) {
    let Some(lot) = state.lots.find(id) else { return };
    let part = lot.parts.first().copied();
    state.transits.remove((lot.token.chain, nonce));
    requeue(state, id);
    if part.is_some_and(|part| part.leaves) {
        super::selling::go_on(state, out, id);
    }
}

/// It is final that what an order sent has left its chain.
pub(crate) fn left_final(state: &mut State, out: &mut Outcome, id: LotId, key: Key) {
    let transit = state.transits.find_mut(key).expect("a bridge order has its transit");
    transit.left = true;
    let Transit { amount, arrived, to, .. } = *transit;
    let token = Token { asset: to.asset, chain: key.0 };
    leave(state, out, LedgerAccount::Lot(id), Money::Token(token), amount, Reason::Bridge);
    state.house.money.note_bridged(to.asset, amount, Amount::ZERO);
    if arrived {
        state.transits.remove(key);
        forget_empty(state, id);
    }
}

/// It has arrived, whatever its own chain has told so far.
pub(crate) fn has_arrived(state: &State, key: Key) -> bool {
    state.transits.find(key).is_some_and(|transit| transit.arrived || transit.seen.is_some())
}

/// Refuses what was never sent, sent elsewhere, or has arrived before.
pub(crate) fn check_arrival(
    state: &State,
    to: Token,
    key: Key,
    amount: Amount,
    sequence: Sequence,
) -> Result<(), Reject> {
    let unknown = Reject::UnknownOrder { chain: key.0, nonce: key.1 };
    let transit = state.transits.find(key).ok_or(unknown)?;
    if transit.arrived || transit.to != to || transit.seen.is_some_and(|seen| seen < sequence) {
        return Err(unknown);
    }
    if transit.amount != amount {
        return Err(Reject::BridgedAmount { chain: key.0, nonce: key.1, got: amount, want: transit.amount });
    }
    Ok(())
}

/// An arrival was seen, or was dropped by its chain.
pub(crate) fn arrival_seen(state: &mut State, key: Key, seen: Option<Sequence>) {
    if let Some(transit) = state.transits.find_mut(key) {
        transit.seen = seen;
    }
}

/// It is final that it has arrived: it joins the lot that gathers there, or is its owner's where nothing has to be sold
/// any more.
pub(crate) fn arrived_final(state: &mut State, out: &mut Outcome, key: Key) {
    let transit = state.transits.find_mut(key).expect("what arrives is on its way until it is final");
    transit.arrived = true;
    transit.seen = None;
    let Transit { lot: id, to, amount, left, .. } = *transit;
    state.house.money.note_bridged(to.asset, Amount::ZERO, amount);
    let part =
        *state.lots.find(id).and_then(|lot| lot.parts.first()).expect("nobody leaves a lot on its way");
    let health = state.lots.find(id).expect("found above").health;
    let money = Money::Token(to);
    if part.leaves {
        let account = state.tasks.find(part.task).expect("lots belong to open tasks").account;
        enter(state, out, LedgerAccount::Collateral(account, to), money, amount, Reason::Bridge);
        out.event(Event::LotReturned { lot: id, quantity: amount });
    } else {
        let joint = gathering(state, to, health);
        enter(state, out, LedgerAccount::Lot(joint), money, amount, Reason::Bridge);
        join(state, joint, part, health);
        out.event(Event::LotJoined { lot: joint, part: id, task: part.task, token: to, amount });
        gathered(state, joint);
    }
    detach(state, id, part.task);
    if left {
        state.transits.remove(key);
        forget_empty(state, id);
    }
    wake(state, part.task);
}

/// The lot of a token that gathers, or a new one.
fn gathering(state: &mut State, token: Token, health: Usd) -> LotId {
    let of_token = |id: &LotId| state.lots.find(*id).is_some_and(|lot| lot.token == token);
    if let Some(id) = state.agenda.gathering.iter().map(|(_, id)| *id).find(of_token) {
        return id;
    }
    let id = LotId(state.house.last_lot.0.saturating_add(1));
    state.house.last_lot = id;
    let until = state.now().after(state.house.liquidation.joint_window);
    let lot = Lot {
        parts: Vec::new(),
        token,
        held: Amount::ZERO,
        taken: Amount::ZERO,
        paid: Amount::ZERO,
        value: Amount::ZERO,
        since: state.now(),
        health,
        stage: LotStage::Gathering(until),
        start: Nonce(0),
        round: 0,
        runs: Vec::new(),
    };
    state.agenda.add(id, &lot);
    state.lots.insert(id, lot);
    id
}

/// Adds a part to a lot that gathers; two of one task and one home are one.
fn join(state: &mut State, id: LotId, part: Part, health: Usd) {
    let lot = state.lots.find_mut(id).expect("the caller found it");
    lot.health = lot.health.min(health);
    match lot.parts.iter_mut().find(|known| known.task == part.task && known.home == part.home) {
        Some(known) => {
            known.quantity += part.quantity;
            known.value += part.value;
        }
        None => {
            lot.parts.push(part);
            lot.parts.sort_by_key(|part| (part.task, part.home));
        }
    }
    let lots = &mut state.tasks.find_mut(part.task).expect("lots belong to open tasks").lots;
    if let Err(at) = lots.binary_search(&id) {
        lots.insert(at, id);
    }
}

/// What is worth enough waits no longer.
fn gathered(state: &mut State, id: LotId) {
    let lot = state.lots.find(id).expect("the caller found it");
    let value = value_of(state, lot.token, lot.left());
    if state.house.liquidation.joint_value <= value {
        requeue(state, id);
    }
}
