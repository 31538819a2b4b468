//! Collateral: how much of it goes under auction, and what becomes of a lot (R2, R15).
//!
//! - Size: the smallest value v with `H_M after = target`: `v = (target - H_M) / (d · (1 - fee) - 1/θ)`, rounded
//!   up; the whole of a chain's collateral where the denominator is at most 2 %, where H_M is below -5 % of
//!   debt, or where less than the dust minimum would stay; never less than the dust minimum. Chains with the
//!   largest denominator first.
//! - Value moves: `Collateral -> Lot` when queued; a final take leaves `Lot` as its coin enters `Inventory` and
//!   its dollars enter `Proceeds`; what is unsold goes `Lot -> Collateral`, or `Lot -> Warehouse` as the float
//!   pays `Proceeds`.
//! - Room: dollars of a token under auction at once, at value when queued, stay below its cap; a lot larger than
//!   the cap is offered alone. The rest waits, worst health first.
//! - The vault decides what was taken: a cancelled auction counts takes until the spoke says that it has ended.

use super::{Cause, Lot, LotStage, Stage, Standing, distribute, set_stage, wake};
use crate::auction;
use crate::ledger::{self, USD, balance, enter, leave, pay, transfer};
use crate::oracle;
use crate::state::{Outcome, State};
use ballast_types::{
    AccountId, Action, Address, ChainId, Event, LedgerAccount, LotId, Money, Nonce, OrderAction, Reason,
    Reject, TaskId, Token,
};
use ballast_units::{Amount, Millis, Overflow, Price, Ratio, Usd, WAD};
use std::ops::Bound;

/// A denominator up to this sells all: so little is gained a dollar that a partial sale digs the hole (R15).
const GAIN_LEAST: Ratio = Ratio::percent(2);

/// A warehoused lot is offered again after this.
const OFFER_AGAIN: Millis = Millis::hours(1);

/// Pieces that one holding is cut into at most, to fit under its token's auction cap.
const PIECES_MOST: u128 = 64;

/// What can be done with an account's collateral.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// So much of these; of none where warehoused lots are expected to bring the rest.
    Sell(Vec<(Token, Amount)>),
    /// There is some, but without a price that allows liquidation, or not final.
    Wait,
    /// None is left.
    Nothing,
}

/// A holding that can be sold now.
#[derive(Clone, Copy)]
struct Candidate {
    token: Token,
    amount: Amount,
    index: Price,
    /// Dollars at index, rounded down.
    value: Amount,
    /// `d · (1 - fee) - 1/θ`: health gained a dollar sold.
    gain: Ratio,
}

/// How much of which token has to be sold.
pub(crate) fn plan(state: &State, id: TaskId, standing: &Standing) -> Plan {
    let task = state.tasks.find(id).expect("the caller found it");
    let mut sellable = Vec::new();
    let mut waits = false;
    for holding in state.accounts.get(task.account).balances.holdings() {
        waits |= !holding.pending.is_zero();
        let amount = units_down(holding.amount, unit(state, holding.token));
        if amount.is_zero() {
            continue;
        }
        match oracle::allows(state, holding.token.asset, Action::Liquidate) {
            Ok(index) => sellable.extend(candidate(state, task.cause, holding.token, amount, index)),
            Err(_) => waits = true,
        }
    }
    if sellable.is_empty() {
        return if waits { Plan::Wait } else { Plan::Nothing };
    }
    Plan::Sell(match task.cause {
        Cause::Settlement => exactly(state, id, in_order(sellable)),
        Cause::Health | Cause::Reorg(_) => enough(state, id, standing, in_order(sellable)),
    })
}

fn candidate(state: &State, cause: Cause, token: Token, amount: Amount, index: Price) -> Option<Candidate> {
    let value = amount.value_down(index).unwrap_or(Amount::LIMIT);
    if value.is_zero() {
        return None;
    }
    let threshold = state.token(token)?.params.threshold;
    let share = Ratio::ONE.div_up(threshold).unwrap_or(Ratio::ONE);
    let gain = net_fill(state, cause).checked_sub(share).unwrap_or(Ratio::ZERO);
    Some(Candidate { token, amount, index, value, gain })
}

/// d · (1 - fee): what a dollar of collateral repays of debt.
fn net_fill(state: &State, cause: Cause) -> Ratio {
    let params = &state.house.liquidation;
    let fee = match cause {
        Cause::Settlement => Ratio::ZERO,
        Cause::Health | Cause::Reorg(_) => params.fee_collateral.ratio(),
    };
    params.fill_expected.mul_down(Ratio::ONE - fee).unwrap_or(Ratio::ZERO)
}

/// The chain with the largest denominator first; on a chain likewise, then by asset.
fn in_order(mut sellable: Vec<Candidate>) -> Vec<Candidate> {
    let best = |chain: ChainId, all: &[Candidate]| {
        all.iter().filter(|other| other.token.chain == chain).map(|other| other.gain).max()
    };
    let chains: Vec<Option<Ratio>> = sellable.iter().map(|one| best(one.token.chain, &sellable)).collect();
    let mut keyed: Vec<(Option<Ratio>, Candidate)> = chains.into_iter().zip(sellable.drain(..)).collect();
    keyed.sort_by(|(best_a, a), (best_b, b)| {
        let by_chain = best_b.cmp(best_a).then(a.token.chain.cmp(&b.token.chain));
        by_chain.then(b.gain.cmp(&a.gain)).then(a.token.asset.cmp(&b.token.asset))
    });
    keyed.into_iter().map(|(_, one)| one).collect()
}

/// Collateral for exactly what is owed, at the expected fill.
fn exactly(state: &State, id: TaskId, sellable: Vec<Candidate>) -> Vec<(Token, Amount)> {
    let fill = net_fill(state, Cause::Settlement);
    let mut missing = distribute::wanted(state, id).saturating_sub(stored(state, id));
    let mut lots = Vec::new();
    for one in sellable {
        if missing.is_zero() {
            break;
        }
        let quantity = quantity(state, &one, divided_up(missing, fill));
        missing = missing.saturating_sub(brings(&one, quantity, fill));
        lots.push((one.token, quantity));
    }
    lots
}

/// Collateral that brings health to its target, chain by chain.
fn enough(state: &State, id: TaskId, standing: &Standing, sellable: Vec<Candidate>) -> Vec<(Token, Amount)> {
    let task = state.tasks.find(id).expect("the caller found it");
    let params = &state.house.liquidation;
    let stored = stored(state, id);
    let debt = standing.owed.saturating_sub(stored);
    let health = standing.health.checked_add(stored.dollars()).unwrap_or(standing.health);
    let fill = net_fill(state, task.cause);
    let deep = health < -debt.mul_ratio_down(params.sell_all_below).unwrap_or(debt).dollars();
    let mut gap = distribute::target(state, debt).dollars().saturating_sub(health);
    let mut missing = debt;
    let mut lots = Vec::new();
    let mut whole_chain = None;
    let mut last_chain = None;
    for one in sellable {
        // A chain of which everything has to go goes whole, though its first token might do.
        let enough = gap <= Usd::ZERO || missing.is_zero();
        if enough && whole_chain != Some(one.token.chain) {
            break;
        }
        if last_chain != Some(one.token.chain) && (deep || one.gain <= GAIN_LEAST) {
            whole_chain = Some(one.token.chain);
        }
        last_chain = Some(one.token.chain);
        let value = if whole_chain == last_chain || one.gain <= GAIN_LEAST {
            one.value
        } else {
            let to_target = divided_up(gap.positive_part(), one.gain);
            // Less than the minimum of debt must not stay either.
            let repaid = to_target.mul_ratio_down(fill).unwrap_or(missing);
            let stays = missing.saturating_sub(repaid);
            if stays < params.debt_dust { to_target.max(divided_up(missing, fill)) } else { to_target }
        };
        let quantity = quantity(state, &one, value);
        let sold = quantity.value_down(one.index).unwrap_or(Amount::LIMIT);
        gap -= sold.dollars().mul_ratio_down(one.gain).unwrap_or(Usd::ZERO);
        missing = missing.saturating_sub(brings(&one, quantity, fill));
        lots.push((one.token, quantity));
    }
    lots
}

/// Collateral worth `value`, at least the dust, rounded up to the token's unit; all of it where less than the
/// dust would stay.
fn quantity(state: &State, one: &Candidate, value: Amount) -> Amount {
    let params = state.token(one.token).expect("held tokens are listed").params;
    let value = value.max(params.dust);
    if one.value <= value || one.value - value < params.dust {
        return one.amount;
    }
    let wanted = value.at_price_up(one.index).unwrap_or(one.amount);
    units_up(wanted, params.unit).min(one.amount)
}

fn brings(one: &Candidate, quantity: Amount, fill: Ratio) -> Amount {
    quantity.value_down(one.index).and_then(|value| value.mul_ratio_down(fill)).unwrap_or(Amount::LIMIT)
}

/// `amount / ratio`, rounded up, held at the end of the range.
fn divided_up(amount: Amount, ratio: Ratio) -> Amount {
    let divisor = Amount::from_wei(u128::try_from(ratio.wei()).unwrap_or(0));
    amount.share_up(Amount::from_wei(WAD), divisor).unwrap_or(Amount::LIMIT).min(Amount::LIMIT)
}

fn unit(state: &State, token: Token) -> Amount {
    state.token(token).map_or(Amount::from_wei(1), |record| record.params.unit)
}

fn units_down(amount: Amount, unit: Amount) -> Amount {
    let rest = amount.wei().checked_rem(unit.wei()).unwrap_or(0);
    amount.saturating_sub(Amount::from_wei(rest))
}

fn units_up(amount: Amount, unit: Amount) -> Amount {
    let down = units_down(amount, unit);
    if down == amount { amount } else { down + unit }
}

/// Moves collateral into lots, cut to fit under the auction cap.
pub(crate) fn queue(
    state: &mut State,
    out: &mut Outcome,
    id: TaskId,
    health: Usd,
    parts: &[(Token, Amount)],
) {
    let account = state.tasks.find(id).expect("the caller found it").account;
    for (token, quantity) in parts {
        for piece in pieces(state, *token, *quantity) {
            queue_lot(state, out, id, account, *token, piece, health);
        }
    }
}

fn queue_lot(
    state: &mut State,
    out: &mut Outcome,
    task: TaskId,
    account: AccountId,
    token: Token,
    quantity: Amount,
    health: Usd,
) {
    let id = LotId(state.house.last_lot.0.saturating_add(1));
    state.house.last_lot = id;
    let lot = Lot {
        task,
        token,
        held: Amount::ZERO,
        taken: Amount::ZERO,
        paid: Amount::ZERO,
        sold: Amount::ZERO,
        value: value_of(state, token, quantity),
        health,
        stage: LotStage::Queued,
        start: Nonce(0),
        round: 0,
    };
    state.agenda.add(id, &lot);
    state.lots.insert(id, lot);
    state.tasks.find_mut(task).expect("the caller found it").lots.push(id);
    let from = LedgerAccount::Collateral(account, token);
    transfer(state, out, from, LedgerAccount::Lot(id), Money::Token(token), quantity, Reason::Lot);
    out.event(Event::LotQueued { lot: id, task, token, quantity });
}

/// Equal parts, each worth at most the auction cap.
fn pieces(state: &State, token: Token, quantity: Amount) -> Vec<Amount> {
    let params = state.token(token).expect("held tokens are listed").params;
    let value = value_of(state, token, quantity);
    let needed =
        value.wei().saturating_sub(1).checked_div(params.auction_cap.wei()).unwrap_or(0).saturating_add(1);
    let count = needed.min(PIECES_MOST);
    let each = units_up(Amount::from_wei(quantity.wei().div_ceil(count)), params.unit);
    let mut left = quantity;
    let mut parts = Vec::new();
    while !left.is_zero() {
        let part = each.min(left);
        left -= part;
        parts.push(part);
    }
    parts
}

fn value_of(state: &State, token: Token, quantity: Amount) -> Amount {
    let index = oracle::index(state, token.asset);
    index.and_then(|index| quantity.value_down(index).ok()).unwrap_or(Amount::ZERO)
}

/// Lots that cannot go on as they are: the index fell below the floor, or a warehoused one is due again.
pub(crate) fn restart(state: &mut State, out: &mut Outcome) {
    for id in below_floor(state) {
        end_auction(state, out, id, true);
    }
    let now = state.now();
    while let Some((_, id)) = state.agenda.warehoused.first().copied().filter(|(at, _)| *at <= now) {
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

/// Tells the spoke to stop. What is unsold stays in the lot until the spoke says that the auction has ended.
fn end_auction(state: &mut State, out: &mut Outcome, id: LotId, anew: bool) {
    let lot = state.lots.find(id).expect("the caller found it");
    let LotStage::Offered(auction) = lot.stage else { return };
    let (chain, start) = (lot.token.chain, lot.start);
    set_lot_stage(state, id, LotStage::Ending { auction, anew });
    state.order(out, chain, OrderAction::CancelAuction { lot: id, start });
}

/// Gives the room under each token's auction cap to its queue, worst health first.
pub(crate) fn offer_queued(state: &mut State, out: &mut Outcome) {
    let mut next = state.agenda.queued.first().map(|(token, _, _)| *token);
    while let Some(token) = next {
        while let Some(id) = first_queued(state, token) {
            if !fits(state, id) || !offer(state, out, id) {
                break;
            }
        }
        let past = Bound::Excluded((token, Usd::MAX, LotId(u64::MAX)));
        next = state.agenda.queued.range((past, Bound::Unbounded)).next().map(|(token, _, _)| *token);
    }
}

fn first_queued(state: &State, token: Token) -> Option<LotId> {
    let all = (token, Usd::MIN, LotId(0))..=(token, Usd::MAX, LotId(u64::MAX));
    state.agenda.queued.range(all).next().map(|(_, _, id)| *id)
}

fn fits(state: &State, id: LotId) -> bool {
    let lot = state.lots.find(id).expect("queued lots are open");
    let record = state.token(lot.token).expect("lots are of listed tokens");
    record.auctioned.is_zero() || record.auctioned + lot.value <= record.params.auction_cap
}

/// Orders the next round of a lot, or gives it back where other lots already bring what is owed. False where
/// there is no price to order it at.
fn offer(state: &mut State, out: &mut Outcome, id: LotId) -> bool {
    let lot = state.lots.find(id).expect("queued lots are open").clone();
    let Ok(index) = oracle::allows(state, lot.token.asset, Action::Liquidate) else { return false };
    let need = need(state, id, &lot);
    if need.is_zero() {
        give_back(state, out, id);
        return true;
    }
    let schedule = state.chains.get(lot.token.chain).auction;
    let round = lot.round.min(schedule.rounds.saturating_sub(1));
    let quantity = lot.left();
    let Ok(auction) = auction::terms(need, quantity, index, state.now(), &schedule, round) else {
        return false;
    };
    let record = state.lots.find_mut(id).expect("queued lots are open");
    record.round = lot.round.saturating_add(1);
    record.sold = Amount::ZERO;
    set_lot_stage(state, id, LotStage::Offered(auction));
    let asset = lot.token.asset;
    let start = state.order(out, lot.token.chain, OrderAction::StartAuction { lot: id, asset, auction });
    state.lots.find_mut(id).expect("queued lots are open").start = start;
    let (start, floor) = (auction.start, auction.floor);
    let Lot { task, token, .. } = lot;
    out.event(Event::LotOffered {
        lot: id,
        task,
        token,
        quantity,
        start,
        floor,
        round: round.saturating_add(1),
    });
    true
}

/// What a lot still has to bring (R2): what debts, fee and layers lack, less what is paid and what the task's earlier
/// and its warehoused lots are expected to bring.
fn need(state: &State, id: LotId, lot: &Lot) -> Amount {
    let task = state.tasks.find(lot.task).expect("lots belong to open tasks");
    let mut missing = distribute::wanted(state, lot.task);
    for other in &task.lots {
        let record = state.lots.find(*other).expect("a task's lots are open");
        missing = missing.saturating_sub(record.paid);
        let is_stored = matches!(record.stage, LotStage::Warehoused(_));
        if *other < id || (is_stored && *other != id) {
            missing = missing.saturating_sub(expected(state, record));
        }
    }
    missing
}

/// Dollars that what is left of a lot is expected to bring, rounded down: the expected fill while it is for sale,
/// the reserve's price once nobody wanted it.
pub(crate) fn expected(state: &State, lot: &Lot) -> Amount {
    let Some(index) = oracle::index(state, lot.token.asset) else { return Amount::ZERO };
    let schedule = &state.chains.get(lot.token.chain).auction;
    let price = match lot.stage {
        LotStage::Queued | LotStage::Offered(_) | LotStage::Ending { anew: true, .. } => {
            index.mul_ratio_down(state.house.liquidation.fill_expected)
        }
        LotStage::Warehoused(_) => auction::reserve_price(index, schedule),
        LotStage::Ending { anew: false, .. } | LotStage::Ended(_) => Err(Overflow),
    };
    price.and_then(|price| lot.left().value_down(price)).unwrap_or(Amount::ZERO)
}

/// What a task's warehoused lots are expected to bring.
fn stored(state: &State, id: TaskId) -> Amount {
    let lots = state.tasks.find(id).expect("the caller found it").lots.iter();
    let lots = lots.map(|lot| state.lots.find(*lot).expect("a task's lots are open"));
    lots.filter(|lot| matches!(lot.stage, LotStage::Warehoused(_))).map(|lot| expected(state, lot)).sum()
}

/// Something of a task is for sale, or sold and not final.
pub(crate) fn is_selling(state: &State, id: TaskId) -> bool {
    let lots = &state.tasks.find(id).expect("the caller found it").lots;
    lots.iter().any(|lot| {
        let lot = state.lots.find(*lot).expect("a task's lots are open");
        !lot.taken.is_zero() || !matches!(lot.stage, LotStage::Warehoused(_))
    })
}

/// Takes what is unsold of a task's lots out of sale (R15).
pub(crate) fn cancel(state: &mut State, out: &mut Outcome, id: TaskId) {
    for lot in state.tasks.find(id).expect("the caller found it").lots.clone() {
        match state.lots.find(lot).expect("a task's lots are open").stage {
            LotStage::Queued | LotStage::Warehoused(_) => give_back(state, out, lot),
            LotStage::Offered(_) => end_auction(state, out, lot, false),
            LotStage::Ending { auction, .. } => {
                set_lot_stage(state, lot, LotStage::Ending { auction, anew: false });
            }
            LotStage::Ended(_) => {}
        }
    }
}

/// A take was seen: it counts in the lot; money moves when it is final.
pub(crate) fn take_seen(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    lot: LotId,
    taker: Address,
    quantity: Amount,
    paid: Amount,
) -> Result<(), Reject> {
    let record = find_lot(state, chain, lot)?;
    let auction = match record.stage {
        LotStage::Offered(auction) | LotStage::Ending { auction, .. } => auction,
        LotStage::Queued | LotStage::Warehoused(_) | LotStage::Ended(_) => {
            return Err(Reject::UnknownLot { lot });
        }
    };
    let left = record.left();
    if left < quantity {
        return Err(Reject::TakeTooLarge { lot, take: quantity, left });
    }
    let due = quantity.value_down(auction.floor)?;
    if paid < due {
        return Err(Reject::TakeBelowPrice { lot, paid, due });
    }
    let record = state.lots.find_mut(lot).expect("found above");
    record.taken += quantity;
    record.paid += paid;
    record.sold += paid;
    let left = record.left();
    out.event(Event::LotTaken { lot, taker, quantity, paid, left });
    if left.is_zero() {
        set_lot_stage(state, lot, LotStage::Ended(Some(auction)));
    }
    Ok(())
}

/// A take is final: its collateral has left, its coin is the vault's, its dollars are distributed.
pub(crate) fn take_final(state: &mut State, out: &mut Outcome, lot: LotId, quantity: Amount, paid: Amount) {
    let Lot { task, token, .. } = *state.lots.find(lot).expect("a lot stays open until its takes are final");
    let coin = Token { asset: state.chains.get(token.chain).coin, chain: token.chain };
    leave(state, out, LedgerAccount::Lot(lot), Money::Token(token), quantity, Reason::Take);
    enter(state, out, LedgerAccount::Inventory(coin), Money::Token(coin), paid, Reason::Take);
    enter(state, out, LedgerAccount::Proceeds(task), ledger::USD, paid, Reason::Take);
    let record = state.lots.find_mut(lot).expect("found above");
    record.taken -= quantity;
    record.paid -= paid;
    distribute::proceeds(state, out, task, token.chain);
    forget_empty(state, lot);
    wake(state, task);
}

/// The chain dropped a take that was seen. Its auction runs in the new branch as it did.
pub(crate) fn take_dropped(state: &mut State, lot: LotId, quantity: Amount, paid: Amount) {
    let record = state.lots.find_mut(lot).expect("a lot stays open until its takes are final");
    record.taken -= quantity;
    record.paid -= paid;
    record.sold = record.sold.saturating_sub(paid);
    let Lot { task, stage, .. } = *record;
    match stage {
        LotStage::Ended(Some(auction)) => set_lot_stage(state, lot, LotStage::Offered(auction)),
        LotStage::Ended(None) => requeue(state, lot),
        LotStage::Queued | LotStage::Offered(_) | LotStage::Ending { .. } | LotStage::Warehoused(_) => {}
    }
    wake(state, task);
}

/// An auction has ended with something left: by time, because its need was met, or because it was cancelled.
/// Without effect on one that ended before.
pub(crate) fn expired(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    lot: LotId,
) -> Result<(), Reject> {
    if state.lots.find(lot).is_none() && LotId(0) < lot && lot <= state.house.last_lot {
        return Ok(());
    }
    let record = find_lot(state, chain, lot)?.clone();
    let (auction, anew, cancelled) = match record.stage {
        LotStage::Offered(auction) => (auction, true, false),
        LotStage::Ending { auction, anew } => (auction, anew, true),
        LotStage::Queued | LotStage::Warehoused(_) | LotStage::Ended(_) => return Ok(()),
    };
    let left = record.left();
    out.event(Event::LotExpired { lot, left, round: record.round });
    wake(state, record.task);
    let schedule = &state.chains.get(chain).auction;
    if !anew || auction.need <= record.sold {
        give_back(state, out, lot);
    } else if cancelled || record.round < schedule.rounds {
        if cancelled {
            // The index left it behind: the same round again.
            let record = state.lots.find_mut(lot).expect("found above");
            record.round = record.round.saturating_sub(1);
        }
        requeue(state, lot);
    } else {
        last_resort(state, out, lot);
    }
    Ok(())
}

fn find_lot(state: &State, chain: ChainId, lot: LotId) -> Result<&Lot, Reject> {
    let record = state.lots.find(lot).ok_or(Reject::UnknownLot { lot })?;
    if record.token.chain != chain {
        return Err(Reject::LotElsewhere { lot, chain: record.token.chain, reported: chain });
    }
    Ok(record)
}

/// Back into the queue, at its value of now.
fn requeue(state: &mut State, id: LotId) {
    let lot = state.lots.find(id).expect("the caller found it");
    let value = value_of(state, lot.token, lot.left());
    set_lot_stage(state, id, LotStage::Queued);
    state.lots.find_mut(id).expect("the caller found it").value = value;
}

/// Every round has failed: the reserve buys what the debts still need at the last floor, as far as its cap and
/// the float go; the rest is warehoused, and offered again hourly.
fn last_resort(state: &mut State, out: &mut Outcome, id: LotId) {
    let lot = state.lots.find(id).expect("the caller found it").clone();
    let again = LotStage::Warehoused(state.now().after(OFFER_AGAIN));
    let bought = reserve_takes(state, id, &lot);
    set_lot_stage(state, id, again);
    if let Some((quantity, paid)) = bought {
        let (token, task) = (lot.token, lot.task);
        let warehouse = LedgerAccount::Warehouse(token);
        transfer(state, out, LedgerAccount::Lot(id), warehouse, Money::Token(token), quantity, Reason::Lot);
        pay(state, out, LedgerAccount::Float, LedgerAccount::Proceeds(task), paid, Reason::Take);
        out.event(Event::LotBoughtByReserve { lot: id, quantity, paid });
        distribute::proceeds(state, out, task, token.chain);
        if (distribute::lack(state, task) + distribute::owed_to_layers(state, task)).is_zero() {
            return give_back(state, out, id);
        }
    }
    let left = state.lots.find(id).expect("found above").left();
    if left.is_zero() {
        forget_empty(state, id);
    } else {
        out.event(Event::LotWarehoused { lot: id, left });
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
    let affordable = units_down(money.at_price_down(price).ok()?, params.unit);
    let needed = units_up(need(state, id, lot).at_price_up(price).ok()?, params.unit);
    let quantity = lot.left().min(affordable).min(needed);
    let paid = quantity.value_down(price).ok()?;
    (!paid.is_zero()).then_some((quantity, paid))
}

/// Gives what is unsold of a lot back to its account.
fn give_back(state: &mut State, out: &mut Outcome, id: LotId) {
    let lot = state.lots.find(id).expect("the caller found it").clone();
    let account = state.tasks.find(lot.task).expect("lots belong to open tasks").account;
    let quantity = lot.left();
    let auction = match lot.stage {
        LotStage::Offered(auction) | LotStage::Ending { auction, .. } => Some(auction),
        LotStage::Ended(auction) => auction,
        LotStage::Queued | LotStage::Warehoused(_) => None,
    };
    set_lot_stage(state, id, LotStage::Ended(auction));
    if !quantity.is_zero() {
        let to = LedgerAccount::Collateral(account, lot.token);
        transfer(state, out, LedgerAccount::Lot(id), to, Money::Token(lot.token), quantity, Reason::Lot);
        out.event(Event::LotReturned { lot: id, quantity });
    }
    forget_empty(state, id);
    wake(state, lot.task);
}

/// Removes a lot that holds nothing, taken or not.
fn forget_empty(state: &mut State, id: LotId) {
    let Some(lot) = state.lots.find(id).filter(|lot| lot.held.is_zero()) else { return };
    let task = lot.task;
    leave_stage(state, id);
    state.lots.remove(id);
    state.tasks.find_mut(task).expect("lots belong to open tasks").lots.retain(|lot| *lot != id);
    if state.tasks.find(task).is_some_and(|task| task.stage == Stage::Selling) {
        set_stage(state, task, Stage::Collateral);
    }
}

/// Moves a lot to a stage, and keeps what counts lots by stage.
fn set_lot_stage(state: &mut State, id: LotId, stage: LotStage) {
    leave_stage(state, id);
    let lot = state.lots.find_mut(id).expect("the caller found it");
    lot.stage = stage;
    let (token, value) = (lot.token, lot.value);
    let lot = state.lots.find(id).expect("the caller found it");
    state.agenda.add(id, lot);
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
        LotStage::Queued | LotStage::Warehoused(_) | LotStage::Ended(_) => false,
    }
}
