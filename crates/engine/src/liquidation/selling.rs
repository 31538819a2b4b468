//! Selling: what becomes of a lot, from its place in the queue to its last end (R2).
//!
//! - Value moves when facts are final: a take's collateral leaves `Lot` as its coin enters `Inventory` and its dollars
//!   enter `Proceeds`, split over the lot's parts; what is unsold goes `Lot -> Collateral`, or `Lot -> Warehouse` as the
//!   float pays `Proceeds`, once the end is final. A rest that is offered again need not wait: the chain starts no
//!   auction of a lot beside another.
//! - The vault decides what was taken: a cancelled auction counts takes until the spoke says that it has ended.
//! - Rebate: the treasury makes good what a market maker kept, as far as it goes, so that a task's proceeds are what
//!   was due.
//! - What chains tell of a lot is in `told`.

use super::lot::{After, Run, RunState};
use super::{
    Lot, LotStage, Stage, costs, distribute, frozen, joint, need, outflow, queue, reconsider, set_stage, wake,
};
use crate::auction;
use crate::keeper;
use crate::ledger::{USD, balance, pay, transfer};
use crate::migration;
use crate::oracle;
use crate::orders;
use crate::state::{Outcome, State};
use ballast_types::digest;
use ballast_types::{Action, Event, LedgerAccount, LotId, Money, Nonce, OrderAction, Reason, TaskId, Token};
use ballast_units::{Amount, Millis, Overflow, Price, Time};
use std::collections::BTreeSet;
use std::ops::Bound;

/// A warehoused lot is offered again after this.
const OFFER_AGAIN: Millis = Millis::hours(1);

// Units and values

pub(super) fn unit(state: &State, token: Token) -> Amount {
    state.token(token).map_or(Amount::from_wei(1), |record| record.params.unit)
}

/// Dollars at index, rounded down.
pub(super) fn value_of(state: &State, token: Token, quantity: Amount) -> Amount {
    let index = oracle::index(state, token.asset);
    index.and_then(|index| quantity.value_down(index).ok()).unwrap_or(Amount::ZERO)
}

// Offers

/// Lots that cannot go on as they are: the index fell below the floor, a warehoused one is due again, a joint one has
/// gathered long enough, a frozen one has waited long enough, what arrived of a bridged one stands.
pub(super) fn restart(state: &mut State, out: &mut Outcome) {
    frozen::thaw_due(state, out);
    joint::settle_due(state, out);
    for id in below_floor(state) {
        end_auction(state, out, id, true);
    }
    let now = state.now();
    while let Some((_, id)) = state.agenda.warehoused.first().copied().filter(|(at, _)| *at <= now) {
        requeue(state, id);
    }
    while let Some((_, id)) = state.agenda.gathering.first().copied().filter(|(at, _)| *at <= now) {
        requeue(state, id);
    }
}

fn below_floor(state: &State) -> Vec<LotId> {
    let mut found = Vec::new();
    if state.agenda.floors.is_empty() {
        return found;
    }
    for (chain, record) in state.chains.iter() {
        for token in record.tokens.iter().map(|held| Token { asset: held.asset, chain }) {
            let Some(index) = oracle::index(state, token.asset) else { continue };
            let above = Bound::Excluded((token, index, LotId(u64::MAX)));
            let end = Bound::Included((token, Price::MAX, LotId(u64::MAX)));
            found.extend(state.agenda.floors.range((above, end)).map(|(_, _, id)| *id));
        }
    }
    found
}

/// Tells the spoke to stop. What is unsold stays in the lot until the spoke says that the auction has ended. One whose takes have
/// paid its need has been ended by its vault, which tells that next.
pub(super) fn end_auction(state: &mut State, out: &mut Outcome, id: LotId, anew: bool) {
    let lot = state.lots.find(id).expect("the caller found it");
    let LotStage::Offered(auction) = lot.stage else { return };
    if lot.sold() < auction.need {
        set_lot_stage(state, id, LotStage::Ending { auction, anew });
        order_end(state, out, id);
    }
}

/// A vote has an auction ended that should have been over long ago, and of which nothing is heard any more. Its chain answers with
/// an end, also where it never knew it.
pub(super) fn end_overdue(state: &mut State, out: &mut Outcome, id: LotId) -> bool {
    let Some(lot) = state.lots.find(id) else { return false };
    let (LotStage::Offered(auction) | LotStage::Ending { auction, .. }) = lot.stage else { return false };
    let (chain, stage) = (lot.token.chain, lot.stage);
    let of_lot = |action: &OrderAction| matches!(action, OrderAction::StartAuction { lot, .. } | OrderAction::CancelAuction { lot, .. } if *lot == id);
    if state.now() < auction.ends.after(frozen::STANDS) || orders::is_any_open(state, chain, of_lot) {
        return false;
    }
    if matches!(stage, LotStage::Offered(_)) {
        set_lot_stage(state, id, LotStage::Ending { auction, anew: true });
    }
    order_end(state, out, id);
    true
}

pub(super) fn order_end(state: &mut State, out: &mut Outcome, id: LotId) {
    let lot = state.lots.find(id).expect("the caller found it");
    let (chain, start) = (lot.token.chain, lot.start);
    let nonce = orders::give(state, out, chain, OrderAction::CancelAuction { lot: id, start });
    incur(state, id);
    tell_keepers(state, out, id, nonce);
}

/// An order about a lot costs its tasks the gas of its chain.
fn incur(state: &mut State, id: LotId) {
    let lot = state.lots.find(id).expect("the caller found it");
    let shares: Vec<(TaskId, Amount)> = lot.parts.iter().map(|part| (part.task, part.value)).collect();
    costs::incur(state, lot.token.chain, &shares, false);
}

fn tell_keepers(state: &mut State, out: &mut Outcome, id: LotId, nonce: Nonce) {
    let lot = state.lots.find(id).expect("the caller found it");
    let (chain, tasks) = (lot.token.chain, lot.tasks());
    for task in tasks {
        keeper::ordered(state, out, task, chain, nonce);
    }
}

/// Lots whose next rounds are ordered together, in this order.
#[derive(Debug, Default)]
pub(super) struct Together {
    order: Vec<LotId>,
    all: BTreeSet<LotId>,
}

/// Chooses a lot for its next round, sends it to where it is sold, or gives it back where other lots already bring what
/// is owed. False where there is no room, or no price to order it at.
pub(super) fn offer(state: &mut State, out: &mut Outcome, id: LotId, together: &mut Together) -> bool {
    let lot = state.lots.find(id).expect("queued lots are open").clone();
    if lot.left().is_zero() || lot.parts.iter().any(|part| part.leaves) {
        // What leaves must not be sold: the others wait until it has left. Of what is all taken nothing is offered.
        set_lot_stage(state, id, LotStage::Over(After::Queue));
        go_on(state, out, id);
        return true;
    }
    // What was offered where it lies stays there: takes of it may not be final.
    let may_leave = lot.is_fresh() && !lot.stays && lot.taken.is_zero();
    let elsewhere = may_leave.then(|| joint::destination(state, lot.token, lot.left())).flatten();
    let chain = lot.token.chain;
    let waits =
        || migration::is_quiet(state, chain) || !queue::fits(state, &lot) || !outflow::passes(state, &lot);
    if elsewhere.is_none() && waits() {
        return false;
    }
    if oracle::allows(state, lot.token.asset, Action::Liquidate).is_err() {
        return false;
    }
    if !need::is_needed(state, &lot, &together.all) {
        give_back(state, out, id);
        return true;
    }
    if let Some(to) = elsewhere {
        joint::bridge(state, out, id, to);
        return true;
    }
    outflow::cut(state, out, id);
    // Its own need is known when all that are ordered with it are: no need asks for a higher floor than this one.
    let Some(auction) = terms(state, id, Amount::LIMIT) else { return false };
    outflow::spend(state, lot.token, auction.quantity);
    set_lot_stage(state, id, LotStage::Offered(auction));
    together.order.push(id);
    together.all.insert(id);
    true
}

/// Orders the auctions of lots that were chosen, each with its part of what their tasks need (R27).
pub(super) fn order(state: &mut State, out: &mut Outcome, together: &Together) {
    // What the orders cost is part of what their tasks need.
    for id in &together.order {
        incur(state, *id);
    }
    let needs = need::of(state, &together.all);
    for id in &together.order {
        // Nothing is offered for nothing: a vault refuses that.
        let need = needs.get(id).copied().unwrap_or(Amount::ZERO).max(Amount::from_wei(1));
        let auction = terms(state, *id, need);
        start_auction(state, out, *id, auction.expect("a higher floor was in range"));
    }
}

/// Terms of a lot's next round, at the index of now.
fn terms(state: &State, id: LotId, need: Amount) -> Option<ballast_types::Auction> {
    let lot = state.lots.find(id).expect("the caller found it");
    let index = oracle::allows(state, lot.token.asset, Action::Liquidate).ok()?;
    let schedule = state.chains.get(lot.token.chain).auction;
    let round = lot.round.min(schedule.rounds.saturating_sub(1));
    auction::terms(need, lot.left(), index, state.now(), &schedule, round).ok()
}

fn start_auction(state: &mut State, out: &mut Outcome, id: LotId, auction: ballast_types::Auction) {
    let token = state.lots.find(id).expect("the caller found it").token;
    set_lot_stage(state, id, LotStage::Offered(auction));
    let action = OrderAction::StartAuction { lot: id, asset: token.asset, auction };
    let start = orders::give(state, out, token.chain, action);
    let result = digest::result_start(state.domain(token.chain), id, start);
    let lot = state.lots.find_mut(id).expect("found above");
    lot.round = lot.round.saturating_add(1);
    lot.start = start;
    lot.runs.push(Run {
        start,
        auction,
        state: RunState::Ordered,
        result,
        settled: result,
        sold: Amount::ZERO,
    });
    let (tasks, quantity, round) = (lot.tasks(), auction.quantity, lot.round);
    tell_keepers(state, out, id, start);
    let (start, floor) = (auction.start, auction.floor);
    for task in tasks {
        out.event(Event::LotOffered { lot: id, task, token, quantity, start, floor, round });
    }
}

/// Dollars that what is left of a lot is expected to bring, rounded down: the expected fill while it is for sale,
/// the reserve's price once nobody wanted it.
pub(super) fn expected(state: &State, lot: &Lot) -> Amount {
    let Some(index) = oracle::index(state, lot.token.asset) else { return Amount::ZERO };
    if lot.is_frozen() {
        return Amount::ZERO;
    }
    let schedule = &state.chains.get(lot.token.chain).auction;
    let price = match lot.stage {
        LotStage::Queued
        | LotStage::Offered(_)
        | LotStage::Ending { anew: true, .. }
        | LotStage::Over(After::Queue)
        | LotStage::Bridging { .. }
        | LotStage::Gathering(_) => index.mul_ratio_down(state.house.liquidation.fill_expected),
        LotStage::Warehoused(_) | LotStage::Over(After::LastResort) => {
            auction::reserve_price(index, schedule)
        }
        LotStage::Ending { anew: false, .. } | LotStage::Over(After::Return) | LotStage::Ended(_) => {
            Err(Overflow)
        }
    };
    price.and_then(|price| lot.unsold().value_down(price)).unwrap_or(Amount::ZERO)
}

/// What a task's warehoused lots are expected to bring.
pub(super) fn stored(state: &State, id: TaskId) -> Amount {
    let lots = state.tasks.find(id).expect("the caller found it").lots.iter();
    let lots = lots.map(|lot| state.lots.find(*lot).expect("a task's lots are open"));
    let stored = lots.filter(|lot| matches!(lot.stage, LotStage::Warehoused(_)));
    stored.map(|lot| lot.share(id, expected(state, lot))).sum()
}

/// Something of a task is for sale, or sold and not final, or cannot go back yet: a task does not end before its lots do.
pub(super) fn is_selling(state: &State, id: TaskId) -> bool {
    let lots = &state.tasks.find(id).expect("the caller found it").lots;
    lots.iter().any(|lot| {
        let lot = state.lots.find(*lot).expect("a task's lots are open");
        let is_bound = !lot.taken.is_zero() || !lot.runs.is_empty() || lot.is_frozen();
        is_bound || !matches!(lot.stage, LotStage::Warehoused(_))
    })
}

/// Takes what is unsold of a task's lots out of sale (R15). An auction that others have part in ends, and begins anew
/// without it.
pub(super) fn cancel(state: &mut State, out: &mut Outcome, id: TaskId) {
    for lot in state.tasks.find(id).expect("the caller found it").lots.clone() {
        let record = state.lots.find_mut(lot).expect("a task's lots are open");
        for part in record.parts.iter_mut().filter(|part| part.task == id) {
            part.leaves = true;
        }
        let all_leave = record.parts.iter().all(|part| part.leaves);
        match record.stage {
            LotStage::Queued | LotStage::Warehoused(_) | LotStage::Gathering(_) => {
                part_with(state, out, lot);
            }
            LotStage::Offered(_) => end_auction(state, out, lot, !all_leave),
            LotStage::Ending { auction, anew } => {
                set_lot_stage(state, lot, LotStage::Ending { auction, anew: anew && !all_leave });
            }
            // Parts leave when it is final, or when they arrive.
            LotStage::Over(_) | LotStage::Ended(_) | LotStage::Bridging { .. } => {}
        }
    }
}

// Ends

/// What waited for an end or a take to be final, or for a frozen lot to go on.
pub(super) fn go_on(state: &mut State, out: &mut Outcome, id: LotId) {
    let Some(lot) = state.lots.find(id) else { return };
    if !lot.runs.is_empty() || !lot.taken.is_zero() || lot.is_frozen() {
        return;
    }
    match lot.stage {
        LotStage::Over(After::Queue) => {
            part_with(state, out, id);
            if state.lots.find(id).is_some() {
                requeue(state, id);
            }
        }
        LotStage::Over(After::Return) => give_back(state, out, id),
        LotStage::Over(After::LastResort) => last_resort(state, out, id),
        LotStage::Queued | LotStage::Warehoused(_) | LotStage::Gathering(_) => part_with(state, out, id),
        LotStage::Offered(_) | LotStage::Ending { .. } | LotStage::Ended(_) | LotStage::Bridging { .. } => {
            forget_empty(state, id);
        }
    }
}

/// Back into the queue, at its value of now.
pub(super) fn requeue(state: &mut State, id: LotId) {
    let lot = state.lots.find(id).expect("the caller found it");
    let value = value_of(state, lot.token, lot.left());
    set_lot_stage(state, id, LotStage::Queued);
    state.lots.find_mut(id).expect("the caller found it").value = value;
}

/// When a lot that nobody bought is offered again: in an hour; later and later the older it is, once a day at least.
fn offered_again(now: Time, since: Time) -> Time {
    let eighth = Millis::new(now.since(since).get() >> 3);
    now.after(eighth.clamp(OFFER_AGAIN, Millis::days(1)))
}

/// Every round has failed: the reserve buys what the debts still need at the last floor, as far as its cap and
/// the float go; the rest is warehoused, and offered again hourly.
fn last_resort(state: &mut State, out: &mut Outcome, id: LotId) {
    let lot = state.lots.find(id).expect("the caller found it").clone();
    let again = LotStage::Warehoused(offered_again(state.now(), lot.since));
    let bought = reserve_takes(state, id, &lot);
    set_lot_stage(state, id, again);
    if let Some((quantity, paid)) = bought {
        let token = lot.token;
        let warehouse = LedgerAccount::Warehouse(token);
        transfer(state, out, LedgerAccount::Lot(id), warehouse, Money::Token(token), quantity, Reason::Lot);
        let split = lot.split(paid);
        for (part, share) in &split {
            let to = LedgerAccount::Proceeds(part.task);
            pay(state, out, LedgerAccount::Float, to, *share, Reason::Take);
        }
        out.event(Event::LotBoughtByReserve { lot: id, quantity, paid });
        for (part, _) in split {
            distribute::proceeds(state, out, part.task, part.home);
            let lacks = distribute::lack(state, part.task) + distribute::owed_to_layers(state, part.task);
            if lacks.is_zero() {
                leave_lot(state, id, part.task);
            }
        }
    }
    part_with(state, out, id);
    if let Some(left) = state.lots.find(id).map(Lot::left) {
        out.event(Event::LotWarehoused { lot: id, left });
    }
}

fn leave_lot(state: &mut State, id: LotId, task: TaskId) {
    if let Some(lot) = state.lots.find_mut(id) {
        for part in lot.parts.iter_mut().filter(|part| part.task == task) {
            part.leaves = true;
        }
    }
}

/// What the reserve can take of a lot, and what it pays for it, rounded down.
fn reserve_takes(state: &State, id: LotId, lot: &Lot) -> Option<(Amount, Amount)> {
    let index = oracle::allows(state, lot.token.asset, Action::Liquidate).ok()?;
    let price = auction::reserve_price(index, &state.chains.get(lot.token.chain).auction).ok()?;
    let params = state.token(lot.token)?.params;
    let stock = balance(state, LedgerAccount::Warehouse(lot.token), Money::Token(lot.token));
    let room = params.reserve_cap.saturating_sub(stock.value_up(index).ok()?);
    let money = room.min(balance(state, LedgerAccount::Float, USD));
    let affordable = money.at_price_down(price).ok()?.units_down(params.unit);
    let needed = need::alone(state, id).at_price_up(price).ok()?.units_up(params.unit).ok()?;
    let quantity = lot.left().min(affordable).min(needed);
    let paid = quantity.value_down(price).ok()?;
    (!paid.is_zero()).then_some((quantity, paid))
}

/// Gives what is unsold of a lot back to its accounts.
fn give_back(state: &mut State, out: &mut Outcome, id: LotId) {
    let lot = state.lots.find_mut(id).expect("the caller found it");
    for part in &mut lot.parts {
        part.leaves = true;
    }
    if lot.runs.is_empty() {
        part_with(state, out, id);
    } else {
        set_lot_stage(state, id, LotStage::Over(After::Return));
    }
}

/// Gives parts that leave their share of what is unsold, and goes on with the others. Only while no auction of the lot
/// waits to be final: a reorg may sell more of it. A joint lot lies on another chain than the collateral did: there it is the owner's now.
fn part_with(state: &mut State, out: &mut Outcome, id: LotId) {
    let Some(lot) = state.lots.find(id) else { return };
    if !lot.runs.is_empty() || !lot.taken.is_zero() || lot.is_frozen() {
        return;
    }
    let token = lot.token;
    let split = lot.split_units(lot.left(), unit(state, token));
    for (part, share) in split.into_iter().filter(|(part, _)| part.leaves) {
        let account = state.tasks.find(part.task).expect("lots belong to open tasks").account;
        if !share.is_zero() {
            let to = LedgerAccount::Collateral(account, token);
            transfer(state, out, LedgerAccount::Lot(id), to, Money::Token(token), share, Reason::Lot);
            out.event(Event::LotReturned { lot: id, quantity: share });
        }
        detach(state, id, part.task);
    }
    forget_empty(state, id);
}

/// A task has no part in a lot any more.
pub(super) fn detach(state: &mut State, id: LotId, task: TaskId) {
    let lot = state.lots.find_mut(id).expect("the caller found it");
    lot.parts.retain(|part| part.task != task);
    state.tasks.find_mut(task).expect("lots belong to open tasks").lots.retain(|lot| *lot != id);
    wake(state, task);
}

/// Removes a lot that holds nothing and whose auctions are final, or in which nobody has part.
pub(super) fn forget_empty(state: &mut State, id: LotId) {
    let Some(lot) = state.lots.find(id) else { return };
    let on_its_way = matches!(lot.stage, LotStage::Bridging { .. });
    if !lot.held.is_zero() || !lot.runs.is_empty() || (on_its_way && !lot.parts.is_empty()) {
        return;
    }
    let tasks = lot.tasks();
    leave_stage(state, id);
    state.lots.remove(id);
    for task in tasks {
        state.tasks.find_mut(task).expect("lots belong to open tasks").lots.retain(|lot| *lot != id);
        if state.tasks.find(task).is_some_and(|task| task.stage == Stage::Selling) {
            set_stage(state, task, Stage::Collateral);
        }
    }
}

/// Moves a lot to a stage, and keeps what counts lots by stage.
pub(super) fn set_lot_stage(state: &mut State, id: LotId, stage: LotStage) {
    leave_stage(state, id);
    let lot = state.lots.find_mut(id).expect("the caller found it");
    lot.stage = stage;
    let (token, value, tasks) = (lot.token, lot.value, lot.tasks());
    let lot = state.lots.find(id).expect("the caller found it");
    state.agenda.add(id, lot);
    reconsider(state, &tasks);
    if is_under_auction(stage) {
        state.token_mut(token).auctioned += value;
    }
}

fn leave_stage(state: &mut State, id: LotId) {
    let lot = state.lots.find(id).expect("the caller found it");
    let (token, value, stage) = (lot.token, lot.value, lot.stage);
    state.agenda.remove(id, lot);
    if is_under_auction(stage) {
        state.token_mut(token).auctioned -= value;
    }
}

fn is_under_auction(stage: LotStage) -> bool {
    match stage {
        LotStage::Offered(_) | LotStage::Ending { .. } => true,
        LotStage::Queued
        | LotStage::Over(_)
        | LotStage::Warehoused(_)
        | LotStage::Ended(_)
        | LotStage::Bridging { .. }
        | LotStage::Gathering(_) => false,
    }
}
