//! Told: what chains tell of lots and their auctions, and what the hub makes of it (R18, R28).
//!
//! - Facts are never refused: what the books did not expect of a take or an end is an anomaly beside what it changes, and
//!   freezes the lot where value is missing (`frozen`).
//! - Result: the hub hashes takes as the chain does. Where the two differ, the lot is frozen.
//! - What a chain drops is put back exactly; what was waiting for finality goes on when it is there ([`super::selling`]).

use super::lot::{After, Ending, RunState, Taking, Told};
use super::selling::{end_auction, go_on, order_end, requeue, set_lot_stage};
use super::{Lot, LotStage, distribute, frozen, outflow, reconsider, wake};
use crate::custody::Effect;
use crate::keeper;
use crate::ledger::{USD, enter, leave};
use crate::orders::{self, Sent};
use crate::state::{Outcome, State};
use ballast_types::digest;
use ballast_types::{
    Anomaly, ChainId, Event, Hash, LedgerAccount, LotId, Money, Nonce, OrderAction, Reason, Sequence, Token,
};
use ballast_units::Amount;

/// A chain has carried out the start of an auction, or has not any more.
pub(crate) fn started(state: &mut State, lot: LotId, start: Nonce, started: bool) {
    if let Some(lot) = state.lots.find_mut(lot) {
        lot.set_started(start, started);
    }
}

/// A cancellation has used up the number of a start that was not carried out, or has not any more.
pub(crate) fn void(state: &mut State, lot: LotId, start: Nonce, void: bool) -> bool {
    state.lots.find_mut(lot).is_some_and(|lot| lot.set_void(start, void))
}

/// Whether an order that was lost is still wanted: not the start of an auction that is being cancelled.
pub(crate) fn wants(state: &State, sent: &Sent) -> bool {
    match (&sent.order.action, sent.lot().and_then(|lot| state.lots.find(lot))) {
        (OrderAction::StartAuction { .. }, Some(lot)) => {
            lot.start != sent.order.nonce || matches!(lot.stage, LotStage::Offered(_) | LotStage::Ended(_))
        }
        _ => true,
    }
}

/// A chain's vault has another domain: the results of auctions that are still to be started begin with that one.
pub(crate) fn rebase(state: &mut State, chain: ChainId) {
    let domain = state.domain(chain);
    let of_chain = state.lots.iter().filter(|(_, lot)| lot.token.chain == chain && !lot.runs.is_empty());
    let lots: Vec<LotId> = of_chain.map(|(id, _)| id).collect();
    for id in lots {
        let runs = &mut state.lots.find_mut(id).expect("found above").runs;
        for run in runs.iter_mut().filter(|run| run.state == RunState::Ordered) {
            run.result = digest::result_start(domain, id, run.start);
            run.settled = run.result;
        }
    }
}

/// A take was seen: it counts in the lot; money moves when it is final. What is paid for no lot of ours is surplus.
pub(crate) fn take_seen(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    fact: Sequence,
    told: Told,
) -> (Effect, Option<Anomaly>) {
    let Told { lot: id, taker, quantity, paid, rebate } = told;
    let is_counted = paid.in_range() && quantity.in_range();
    let Some(lot) = state.lots.find_mut(id).filter(|lot| lot.token.chain == chain && is_counted) else {
        let coin = Token { asset: state.chains.get(chain).coin, chain };
        let cash = if is_counted { paid.saturating_sub(rebate) } else { Amount::ZERO };
        let found = Anomaly::TakenUnknown { lot: id, quantity, paid };
        return (Effect::Aside(LedgerAccount::Surplus(coin), coin, cash), Some(found));
    };
    let found = lot.oddity(&told);
    let taking = lot.take(&told);
    let (left, tasks) = (lot.left(), lot.tasks());
    let (stage, is_last) = (lot.stage, taking.run.is_some_and(|(start, _)| start == lot.start));
    reconsider(state, &tasks);
    out.event(Event::LotTaken { lot: id, taker, quantity: taking.quantity, paid, left });
    if let (true, true, LotStage::Offered(auction) | LotStage::Ending { auction, .. }) =
        (left.is_zero(), is_last, stage)
    {
        set_lot_stage(state, id, LotStage::Ended(auction));
    }
    if found.is_some() {
        frozen::freeze(state, out, id, fact);
    }
    (Effect::Taken(taking), found)
}

/// A take is final: its collateral has left, its coin is the vault's, its dollars are distributed over the parts.
pub(crate) fn take_final(
    state: &mut State,
    out: &mut Outcome,
    (chain, fact): (ChainId, Sequence),
    told: Told,
    taking: Taking,
) {
    let Told { lot: id, taker, quantity: told_quantity, paid, rebate } = told;
    let cash = paid.saturating_sub(rebate);
    let coin = Token { asset: state.chains.get(chain).coin, chain };
    if let Some(run) = taking.run.and_then(|(start, _)| state.lots.find_mut(id)?.run_mut(start)) {
        run.settled = digest::result_take(run.settled, taker, told_quantity, paid, rebate);
    }
    let Some(lot) = state.lots.find(id).filter(|lot| !lot.parts.is_empty()) else {
        // A take of nothing that was the lot's, which has gone its way since.
        enter(state, out, LedgerAccount::Surplus(coin), Money::Token(coin), cash, Reason::Anomaly);
        if let Some(lot) = state.lots.find_mut(id) {
            lot.untake(Taking { run: None, quantity: taking.quantity }, paid);
        }
        return frozen::settle(state, id, fact);
    };
    let (token, quantity) = (lot.token, taking.quantity);
    let (shares, kept) = (lot.split(cash), lot.split(paid - cash));
    leave(state, out, LedgerAccount::Lot(id), Money::Token(token), quantity, Reason::Take);
    enter(state, out, LedgerAccount::Inventory(coin), Money::Token(coin), cash, Reason::Take);
    let record = state.lots.find_mut(id).expect("found above");
    record.taken -= quantity;
    record.paid -= paid;
    frozen::settle(state, id, fact);
    let all: Amount = shares.iter().map(|(part, _)| part.quantity).sum();
    for ((part, share), (_, kept)) in shares.iter().zip(kept) {
        let task = state.tasks.find_mut(part.task).expect("lots belong to open tasks");
        task.brought += *share + kept;
        task.worth += part.value.share_down(quantity, all).unwrap_or(Amount::ZERO);
        enter(state, out, LedgerAccount::Proceeds(part.task), USD, *share, Reason::Take);
        distribute::make_good(state, out, part.task, kept);
    }
    for (part, _) in shares {
        distribute::proceeds(state, out, part.task, part.home);
        wake(state, part.task);
    }
    go_on(state, out, id);
}

/// The chain dropped a take that was seen. Its auction runs in the new branch as it did.
pub(crate) fn take_dropped(
    state: &mut State,
    out: &mut Outcome,
    (id, fact): (LotId, Sequence),
    taking: Taking,
    paid: Amount,
) {
    let Some(lot) = state.lots.find_mut(id) else { return };
    lot.untake(taking, paid);
    let (stage, tasks) = (lot.stage, lot.tasks());
    if let LotStage::Ended(auction) = stage {
        set_lot_stage(state, id, LotStage::Offered(auction));
    }
    frozen::forget(state, out, id, fact);
    go_on(state, out, id);
    for task in tasks {
        wake(state, task);
    }
}

/// An auction is over: all is sold, its time is up, its need was met, or it was cancelled, also before it was started. What
/// is offered again goes into the queue at once; what goes back, or to the reserve, waits until that is final.
pub(crate) fn end_seen(
    state: &mut State,
    out: &mut Outcome,
    (chain, fact): (ChainId, Sequence),
    id: LotId,
    told: Hash,
    version: Hash,
) -> (Effect, Option<Anomaly>) {
    let lot = state.lots.find(id).filter(|lot| lot.token.chain == chain);
    let Some((lot, start)) = lot.and_then(|lot| Some((lot, lot.ends(told)?))) else {
        return (Effect::Stray, Some(Anomaly::EndedUnknown { lot: id }));
    };
    let run = *lot.run(start).expect("it is one of the lot's");
    let disputed = run.result != told;
    let ending = Ending { start, was: run.state, stage: lot.stage, round: lot.round, disputed };
    let (tasks, left, round, is_last) = (lot.tasks(), lot.left(), lot.round, lot.start == start);
    state.lots.find_mut(id).and_then(|lot| lot.run_mut(start)).expect("found above").state = RunState::Over;
    if is_last {
        let token = state.lots.find(id).expect("found above").token;
        outflow::give_back(state, token, left, run.auction.opened);
    }
    if run.state == RunState::Ordered {
        // The cancellation was carried out before the start, and used up its number.
        orders::acknowledge(state, chain, start, fact);
    }
    if disputed {
        frozen::freeze(state, out, id, fact);
    }
    for task in tasks {
        // Keepers read the chain: their reports are measured against what it told.
        keeper::ended(state, task, chain, id, told, version);
        if disputed {
            out.event(Event::TaskDisputed { task, lot: id, chain, told, computed: run.result });
        }
        wake(state, task);
    }
    if !left.is_zero() {
        out.event(Event::LotExpired { lot: id, left, round });
    }
    if is_last {
        after_end(state, id, run.sold);
    } else {
        check_next(state, out, id);
    }
    (Effect::Ended(ending), disputed.then_some(Anomaly::EndedOtherwise { lot: id }))
}

/// What becomes of a lot whose last auction is over.
fn after_end(state: &mut State, id: LotId, sold: Amount) {
    let lot = state.lots.find(id).expect("the caller found it");
    let rounds = state.chains.get(lot.token.chain).auction.rounds;
    let (auction, anew, cancelled) = match lot.stage {
        LotStage::Offered(auction) => (auction, true, false),
        LotStage::Ending { auction, anew } => (auction, anew, true),
        LotStage::Ended(_)
        | LotStage::Queued
        | LotStage::Over(_)
        | LotStage::Warehoused(_)
        | LotStage::Bridging { .. }
        | LotStage::Gathering(_) => return,
    };
    let is_met = auction.need <= sold;
    let then = if !anew || is_met {
        After::Return
    } else if cancelled || lot.round < rounds {
        After::Queue
    } else {
        After::LastResort
    };
    if cancelled && then == After::Queue {
        // The index left it behind, or somebody leaves: the same round again.
        let record = state.lots.find_mut(id).expect("found above");
        record.round = record.round.saturating_sub(1);
    }
    let lot = state.lots.find(id).expect("found above");
    let waits = lot.is_frozen() || lot.parts.iter().any(|part| part.leaves);
    if then == After::Queue && !waits {
        requeue(state, id);
    } else {
        set_lot_stage(state, id, LotStage::Over(then));
    }
}

/// An auction came to another end than it had before a reorg, and its lot's next one is ordered for what was left then:
/// that one is called off.
fn check_next(state: &mut State, out: &mut Outcome, id: LotId) {
    let lot = state.lots.find(id).expect("the caller found it");
    if let LotStage::Offered(auction) = lot.stage
        && auction.quantity != lot.left()
    {
        end_auction(state, out, id, true);
    }
}

/// The chain dropped the end of an auction: it runs, waits for its start, or for its cancellation, as before.
pub(crate) fn end_dropped(
    state: &mut State,
    out: &mut Outcome,
    (chain, fact): (ChainId, Sequence),
    id: LotId,
    ending: &Ending,
    version: Hash,
) {
    let lot = state.lots.find_mut(id).expect("a lot stays open until the ends of its auctions are final");
    lot.unend(ending);
    let (tasks, is_last) = (lot.tasks(), lot.start == ending.start);
    if is_last {
        set_lot_stage(state, id, ending.stage);
    }
    if ending.was == RunState::Ordered {
        orders::lose(state, out, chain, ending.start);
    }
    for task in tasks {
        keeper::dropped(state, task, chain, id, version);
        wake(state, task);
    }
    frozen::forget(state, out, id, fact);
}

/// The end of an auction is final, and with it all of its takes.
pub(crate) fn end_final(
    state: &mut State,
    out: &mut Outcome,
    (chain, fact): (ChainId, Sequence),
    id: LotId,
    ending: &Ending,
) {
    let lot = state.lots.find_mut(id).expect("a lot stays open until the ends of its auctions are final");
    lot.runs.retain(|run| run.start != ending.start);
    let tasks = lot.tasks();
    if ending.was == RunState::Ordered {
        orders::complete(state, chain, ending.start);
    }
    frozen::settle(state, id, fact);
    go_on(state, out, id);
    for task in tasks {
        keeper::end_final(state, out, task, chain);
        let is_open = |lot: &Lot| lot.token.chain == chain && !lot.runs.is_empty();
        let open = state
            .tasks
            .find(task)
            .is_some_and(|task| task.lots.iter().any(|lot| state.lots.find(*lot).is_some_and(is_open)));
        if !open {
            keeper::settled(state, out, task, chain);
        }
    }
}

/// The start of an auction was never carried out: the round is another's. While a cancellation of it is out, the vault may
/// still tell its end.
pub(crate) fn start_expired(state: &mut State, out: &mut Outcome, id: LotId, start: Nonce) {
    let Some(chain) = state.lots.find(id).map(|lot| lot.token.chain) else { return };
    if state.lots.find(id).is_some_and(|lot| lot.start != start) {
        let cancelled = orders::is_any_open(
            state,
            chain,
            |action| matches!(action, OrderAction::CancelAuction { lot, start: of } if (*lot, *of) == (id, start)),
        );
        if cancelled {
            return;
        }
        let lot = state.lots.find_mut(id).expect("found above");
        lot.runs.retain(|run| run.start != start);
        return check_next(state, out, id);
    }
    let lot = state.lots.find_mut(id).expect("found above");
    // While its cancellation is out, that one's answer decides.
    if let LotStage::Offered(auction) = lot.stage {
        let token = lot.token;
        lot.runs.retain(|run| run.start != start);
        lot.round = lot.round.saturating_sub(1);
        outflow::give_back(state, token, auction.quantity, auction.opened);
        requeue(state, id);
    }
}

/// A cancellation was never carried out: ordered anew, unless what it cancels is over, or never was.
pub(crate) fn cancel_expired(state: &mut State, out: &mut Outcome, id: LotId, start: Nonce) {
    let Some(lot) = state.lots.find(id) else { return };
    let (chain, is_last, stage) = (lot.token.chain, lot.start == start, lot.stage);
    let is_dead = state.orders.find((chain, start)).is_none()
        && lot.run(start).is_some_and(|run| run.state == RunState::Ordered);
    if is_dead {
        let lot = state.lots.find_mut(id).expect("found above");
        lot.runs.retain(|run| run.start != start);
    }
    match stage {
        LotStage::Ending { .. } if is_last && !is_dead => order_end(state, out, id),
        LotStage::Ending { auction, anew } if is_last => {
            let lot = state.lots.find_mut(id).expect("found above");
            lot.round = lot.round.saturating_sub(1);
            let token = lot.token;
            outflow::give_back(state, token, auction.quantity, auction.opened);
            set_lot_stage(state, id, LotStage::Over(if anew { After::Queue } else { After::Return }));
            go_on(state, out, id);
        }
        // It was of an earlier auction, whose end the chain dropped: the lot's next one has gone on since.
        LotStage::Ending { .. }
        | LotStage::Queued
        | LotStage::Offered(_)
        | LotStage::Over(_)
        | LotStage::Warehoused(_)
        | LotStage::Ended(_)
        | LotStage::Bridging { .. }
        | LotStage::Gathering(_) => go_on(state, out, id),
    }
}
