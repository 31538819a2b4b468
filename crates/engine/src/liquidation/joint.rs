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
//! - What left and never comes is lost after a week, or when a vote says so: a loss of the receiving chain, and the task goes on.
//! - A path that does not work is not used ([`path`]); a lot that it did not take is sold at home.
//! - Keeps: I01 (what left by bridges and what came by bridges differ by what is on its way, and by what was lost there).

use super::selling::{detach, forget_empty, requeue, set_lot_stage, unit, value_of};
use super::{Lot, LotStage, Part, costs, distribute, frozen, need, path, wake};
use crate::custody::Effect;
use crate::keeper;
use crate::ledger::{enter, leave, transfer};
use crate::oracle;
use crate::orders;
use crate::state::{Outcome, State};
use crate::waterfall;
use ballast_types::{
    Anomaly, AssetId, ChainId, ChainTier, Event, LedgerAccount, LotId, Money, Nonce, OrderAction, Reason,
    Scope, Sequence, TaskId, Token,
};
use ballast_units::{Amount, Millis, Time, Usd};
use borsh::{BorshDeserialize, BorshSerialize};
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

/// What left and has not come after this is lost.
const LOST: Millis = Millis::days(7);

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
    /// It is final that it arrived, whole or as far as it ever will.
    pub arrived: bool,
    /// It is final that so much of it arrived, less than all.
    pub got: Amount,
    /// What has come by then is all that ever will: an hour after less than all came, and a week after it left.
    pub due: Option<Time>,
}

/// The key of a transit: the order that sends it.
pub(super) type Key = (ChainId, Nonce);

/// What of an asset is on its way between chains: of orders that have left, and of arrivals ahead of their departure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnItsWay {
    pub(crate) gone: Amount,
    pub(crate) early: Amount,
}

impl OnItsWay {
    /// By asset, of the whole state.
    pub(crate) fn of(state: &State) -> BTreeMap<AssetId, Self> {
        let mut all: BTreeMap<AssetId, Self> = BTreeMap::new();
        for (_, transit) in state.transits.iter() {
            let (gone, early) = transit.on_its_way();
            let sums = all.entry(transit.to.asset).or_default();
            sums.gone += gone;
            sums.early += early;
        }
        all.retain(|_, sums| *sums != Self::default());
        all
    }
}

impl Transit {
    /// What it adds to the two sums.
    fn on_its_way(&self) -> (Amount, Amount) {
        let came = if self.arrived { self.amount } else { self.got };
        if self.left { (self.amount - came, Amount::ZERO) } else { (Amount::ZERO, came) }
    }
}

/// Changes a transit, and keeps the sums in step.
fn change(state: &mut State, key: Key, change: impl FnOnce(&mut Transit)) -> Transit {
    let transit = state.transits.find_mut(key).expect("the caller found it");
    let (gone, early) = transit.on_its_way();
    change(transit);
    let after = *transit;
    let sums = state.on_its_way.entry(after.to.asset).or_default();
    let (gone_after, early_after) = after.on_its_way();
    sums.gone = sums.gone + gone_after - gone;
    sums.early = sums.early + early_after - early;
    if *sums == OnItsWay::default() {
        state.on_its_way.remove(&after.to.asset);
    }
    after
}

/// Where a lot is sold, if not where it lies.
pub(super) fn destination(state: &State, token: Token, quantity: Amount) -> Option<ChainId> {
    let value = value_of(state, token, quantity);
    if state.chains.get(token.chain).tier == ChainTier::Liquid || takes_at_home(state, token, value) {
        return None;
    }
    let lists = |chain: ChainId| state.token(Token { asset: token.asset, chain }).is_some();
    let liquid = state.chains.iter().filter(|(_, record)| record.tier == ChainTier::Liquid);
    let liquid = liquid.map(|(chain, _)| chain).filter(|chain| lists(*chain));
    let liquid = liquid.filter(|chain| path::is_open(state, (token.chain, *chain)));
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
    quantity.units_down(unit(state, from).max(there).max(BRIDGE_UNIT))
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
    let (got, due) = (Amount::ZERO, None);
    let transit = Transit { lot: id, to, amount, left: false, seen: None, arrived: false, got, due };
    state.transits.insert((from.chain, nonce), transit);
    out.event(Event::LotBridged { lot: id, task: part.task, from, to, amount, nonce });
    costs::incur(state, from.chain, &[(part.task, part.value)], true);
    keeper::ordered(state, out, part.task, from.chain, nonce);
}

/// The order to send was never carried out: the collateral is still in its lot, and is sold where it lies. Where it has come
/// all the same, its chain dropped the block that sent it after the path had believed that block: the task has what came, and
/// what stayed is nobody's.
pub(crate) fn bridge_expired(state: &mut State, out: &mut Outcome, id: LotId, nonce: Nonce) {
    let Some(lot) = state.lots.find_mut(id) else { return };
    lot.stays = true;
    let (token, part) = (lot.token, lot.parts.first().copied());
    let key = (token.chain, nonce);
    let transit = *state.transits.find(key).expect("a bridge order has its transit");
    path::rest(state, out, (token.chain, transit.to.chain));
    if transit.arrived || !transit.got.is_zero() {
        let surplus = LedgerAccount::Surplus(token);
        let money = Money::Token(token);
        transfer(state, out, LedgerAccount::Lot(id), surplus, money, transit.amount, Reason::Anomaly);
        // To the bridges' books it has left: as much came.
        state.house.money.note_bridged(token.asset, transit.amount, Amount::ZERO);
        if change(state, key, |transit| transit.left = true).arrived {
            state.transits.remove(key);
            forget_empty(state, id);
        }
        return;
    }
    set_due(state, key, None);
    state.transits.remove(key);
    requeue(state, id);
    if part.is_some_and(|part| part.leaves) {
        super::selling::go_on(state, out, id);
    }
}

/// It is final that what an order sent has left its chain.
pub(crate) fn left_final(state: &mut State, out: &mut Outcome, id: LotId, key: Key) {
    let Transit { amount, arrived, to, .. } = change(state, key, |transit| transit.left = true);
    let token = Token { asset: to.asset, chain: key.0 };
    leave(state, out, LedgerAccount::Lot(id), Money::Token(token), amount, Reason::Bridge);
    state.house.money.note_bridged(to.asset, amount, Amount::ZERO);
    if arrived {
        state.transits.remove(key);
        forget_empty(state, id);
    } else if state.transits.find(key).is_some_and(|transit| transit.due.is_none()) {
        let due = state.now().after(LOST);
        set_due(state, key, Some(due));
    }
}

/// When what has come by then stands.
fn set_due(state: &mut State, key: Key, due: Option<Time>) {
    let transit = state.transits.find_mut(key).expect("the caller found it");
    if let Some(before) = std::mem::replace(&mut transit.due, due) {
        state.agenda.arrivals.remove(&(before, key));
    }
    if let Some(due) = due {
        state.agenda.arrivals.insert((due, key));
    }
}

/// Its arrival was seen, and is not final.
pub(crate) fn is_arriving(state: &State, key: Key) -> bool {
    state.transits.find(key).is_some_and(|transit| transit.seen.is_some())
}

/// It has arrived, whatever its own chain has told so far.
fn has_arrived(state: &State, key: Key) -> bool {
    let has = |transit: &Transit| transit.arrived || transit.seen.is_some() || !transit.got.is_zero();
    state.transits.find(key).is_some_and(has)
}

/// Collateral came over a path. What no order sent there, or what came before, is surplus.
pub(crate) fn arrival_seen(
    state: &mut State,
    out: &mut Outcome,
    to: Token,
    key: Key,
    amount: Amount,
    fact: Sequence,
) -> (Effect, Option<Anomaly>) {
    let ((from, nonce), way) = (key, (key.0, to.chain));
    if amount.is_zero() || !amount.in_range() {
        return (Effect::Stray, Some(Anomaly::ArrivedUnknown { from, nonce, amount }));
    }
    let sent = state.transits.find(key).filter(|transit| transit.to == to);
    if sent.is_none() || has_arrived(state, key) {
        let found = if sent.is_some() || path::has_come(state, way, nonce) {
            Anomaly::ArrivedAgain { from, nonce, amount }
        } else {
            path::distrust(state, out, way, fact);
            Anomaly::ArrivedUnknown { from, nonce, amount }
        };
        return (Effect::Aside(LedgerAccount::Surplus(to), to, amount), Some(found));
    }
    let want = change(state, key, |transit| transit.seen = Some(fact)).amount;
    let found = match amount.cmp(&want) {
        Ordering::Equal => None,
        Ordering::Greater => Some(Anomaly::ArrivedMore { from, nonce, over: amount - want }),
        Ordering::Less => {
            path::rest(state, out, way);
            Some(Anomaly::ArrivedLess { from, nonce, missing: want - amount })
        }
    };
    (Effect::Arrived, found)
}

/// The chain dropped an arrival that was seen.
pub(crate) fn arrival_dropped(state: &mut State, key: Key) {
    change(state, key, |transit| transit.seen = None);
}

/// It is final that something has arrived. All of it: it joins the lot that gathers there, or is its owner's where nothing
/// has to be sold any more. Less: what came waits as surplus until the chain's figures stand.
pub(crate) fn arrived_final(state: &mut State, out: &mut Outcome, key: Key, amount: Amount) {
    let Transit { to, amount: want, .. } = *state.transits.find(key).expect("on its way until this is final");
    path::remember(state, (key.0, to.chain), key.1);
    let aside = |state: &mut State, out: &mut Outcome, amount: Amount| {
        enter(state, out, LedgerAccount::Surplus(to), Money::Token(to), amount, Reason::Anomaly);
    };
    state.house.money.note_bridged(to.asset, Amount::ZERO, amount.min(want));
    if amount < want {
        let due = state.now().after(frozen::STANDS);
        change(state, key, |transit| (transit.seen, transit.got) = (None, amount));
        set_due(state, key, Some(due));
        return aside(state, out, amount);
    }
    aside(state, out, amount - want);
    change(state, key, |transit| (transit.seen, transit.arrived) = (None, true));
    set_due(state, key, None);
    arrive(state, out, key, None, want);
}

/// What arrived of bridged collateral, and was less than was sent or nothing, stands by now.
pub(super) fn settle_due(state: &mut State, out: &mut Outcome) {
    let now = state.now();
    while let Some((_, key)) = state.agenda.arrivals.first().copied().filter(|(at, _)| *at <= now) {
        settle_short(state, out, key);
    }
}

/// A vote does not wait for what a task has on its way. Gives whether there was something.
pub(super) fn settle_task(state: &mut State, out: &mut Outcome, id: TaskId) -> bool {
    let of_task =
        |transit: &Transit| state.lots.find(transit.lot).is_some_and(|lot| lot.tasks().contains(&id));
    let due = state.transits.iter().filter(|(_, transit)| transit.due.is_some() && of_task(transit));
    let due: Vec<Key> = due.map(|(key, _)| key).collect();
    for key in &due {
        settle_short(state, out, *key);
    }
    !due.is_empty()
}

/// Less arrived than was sent: the lot goes on with what came. What is missing is a loss of the receiving chain; what its
/// layers pay for it is the task's.
fn settle_short(state: &mut State, out: &mut Outcome, key: Key) {
    let transit = *state.transits.find(key).expect("the agenda names transits");
    if transit.seen.is_some() {
        // All of it was seen to arrive just now: that may become final.
        let later = state.now().after(frozen::STANDS);
        return set_due(state, key, Some(later));
    }
    set_due(state, key, None);
    let (to, got) = (transit.to, transit.got);
    let missing = transit.amount - got;
    if got.is_zero() {
        // Should it come after all, it is nobody's.
        path::remember(state, (key.0, to.chain), key.1);
        path::rest(state, out, (key.0, to.chain));
    }
    state.house.money.note_lost(to.asset, missing);
    change(state, key, |transit| (transit.got, transit.arrived) = (Amount::ZERO, true));
    let part = first_part(state, transit.lot);
    let worth = oracle::index(state, to.asset).and_then(|index| missing.value_up(index).ok());
    let scope = Scope::Chain(to.chain);
    let proceeds = Some(LedgerAccount::Proceeds(part.task));
    // What the layers do not pay is part of what the task does not bring: its own debts' loss.
    let absorbed = waterfall::absorb_part(state, out, scope, worth.unwrap_or(Amount::ZERO), proceeds);
    let paid = absorbed.paid();
    out.event(Event::BridgedShort { lot: transit.lot, token: to, got, missing, paid });
    arrive(state, out, key, Some(LedgerAccount::Surplus(to)), got);
    distribute::proceeds(state, out, part.task, part.home);
}

fn first_part(state: &State, id: LotId) -> Part {
    *state.lots.find(id).and_then(|lot| lot.parts.first()).expect("nobody leaves a lot on its way")
}

/// Books what arrived, from where it waited or from outside.
fn arrive(state: &mut State, out: &mut Outcome, key: Key, waited: Option<LedgerAccount>, amount: Amount) {
    let Transit { lot: id, to, left, amount: sent, .. } =
        *state.transits.find(key).expect("arrived just now");
    let part = first_part(state, id);
    let value = part.value.share_down(amount, sent).unwrap_or(Amount::ZERO);
    let part = Part { quantity: amount, value, ..part };
    let health = state.lots.find(id).expect("found above").health;
    let mut book = |state: &mut State, account: LedgerAccount| match waited {
        Some(from) => transfer(state, out, from, account, Money::Token(to), amount, Reason::Bridge),
        None => enter(state, out, account, Money::Token(to), amount, Reason::Bridge),
    };
    if part.leaves {
        let account = state.tasks.find(part.task).expect("lots belong to open tasks").account;
        book(state, LedgerAccount::Collateral(account, to));
        out.event(Event::LotReturned { lot: id, quantity: amount });
    } else if !amount.is_zero() {
        let joint = gathering(state, to, health, part.task);
        book(state, LedgerAccount::Lot(joint));
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

/// The lot of a token that gathers and that the task's part may join, or a new one.
fn gathering(state: &mut State, token: Token, health: Usd, task: TaskId) -> LotId {
    let joins = |lot: &Lot| lot.token == token && need::may_join(state, lot, task);
    let of_token = |id: &LotId| state.lots.find(*id).is_some_and(joins);
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
        frozen: Vec::new(),
        stays: true,
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
