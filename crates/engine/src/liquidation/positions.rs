//! Positions of a failed account: curve, then backstop, then deleveraging (R7).
//!
//! - Largest loss per notional first, in slices against the curve as far as the guards leave room; towards the
//!   index the move limit does not bind. Target: initial health at zero, or flat.
//! - What is open after `slice_blocks` blocks, or as soon as equity is below a third of maintenance, is taken
//!   over by the market's backstop, off the curve, at the worse of risk price and mark; what its cap refuses is
//!   deleveraged at the risk price in the same block. A side with nobody profitable on the other stays for the
//!   curve, block by block.
//! - Fee: 1.25 % of what was closed, as far as cash goes once losses are paid; half to the reserve, half to the
//!   market's tranche (R19). It is never what makes a loss.

use super::deleverage;
use crate::ledger::{self, pay};
use crate::market::{guard, position, settlement};
use crate::oracle;
use crate::risk::health::{self, Whatif};
use crate::state::{Outcome, State};
use crate::waterfall;
use ballast_types::{AccountId, Action, Event, LedgerAccount, MarketId, Reason, Scope, TaskId};
use ballast_units::{Amount, Price, Ratio, Size};

/// Whether the positions of a task need another block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PositionsStep {
    /// Something is left that could not be closed in this block.
    Open,
    /// Flat, or healthy enough.
    Done,
}

/// Does what can be done in this block.
pub(crate) fn step(state: &mut State, out: &mut Outcome, task: TaskId) -> PositionsStep {
    let Some(account) = state.tasks.find(task).map(|task| task.account) else { return PositionsStep::Done };
    if state.accounts.get(account).positions.is_empty() {
        return PositionsStep::Done;
    }
    let slices = state.tasks.find(task).map_or(0, |task| task.slices);
    let out_of_time = state.house.liquidation.slice_blocks <= slices;
    for market in worst_first(state, account) {
        if healed(state, account) {
            return PositionsStep::Done;
        }
        let asset = state.markets.get(market).asset;
        let Ok(index) = oracle::allows(state, asset, Action::Liquidate) else { continue };
        let Some(price) = state.markets.get(market).prices.risk else { continue };
        if !out_of_time && !thin(state, account) {
            slice(state, out, account, market, index);
        }
        if !healed(state, account) && (out_of_time || thin(state, account)) {
            hand_over(state, out, account, market, price);
            // What neither backstop nor anybody's profit can take is for the curve, as far as there is room.
            slice(state, out, account, market, index);
        }
    }
    if let Some(task) = state.tasks.find_mut(task) {
        task.slices = task.slices.saturating_add(1);
    }
    if state.accounts.get(account).positions.is_empty() || healed(state, account) {
        PositionsStep::Done
    } else {
        PositionsStep::Open
    }
}

/// Works off what the backstop took over, and settles what it owes or has left. Once a block and market.
pub(crate) fn work_off_backstop(state: &mut State, out: &mut Outcome, market: MarketId) {
    let record = state.markets.get(market);
    let backstop = record.backstop;
    let account = state.accounts.get(backstop);
    if account.positions.is_empty() && account.claims.is_empty() && account.balances.cash().is_zero() {
        return;
    }
    if !account.positions.is_empty()
        && let Ok(index) = oracle::allows(state, record.asset, Action::Liquidate)
        && let Some(quantity) = room(state, backstop, market, index)
        && let Some(fill) = position::close_on_curve(state, out, backstop, market, quantity)
    {
        out.event(Event::PositionLiquidated(fill));
    }
    settle_backstop(state, out, market);
}

/// The backstop is funded by its market's tranche alone: what it owes is a loss of that market, what it has
/// left over goes back.
fn settle_backstop(state: &mut State, out: &mut Outcome, market: MarketId) {
    let backstop = state.markets.get(market).backstop;
    settlement::collect(state, out, backstop);
    let owed = settlement::write_off_debt(state, backstop, market);
    if !owed.is_zero() {
        waterfall::absorb(state, out, Scope::Market(market), owed, Some(LedgerAccount::Pool(market)));
    }
    if state.accounts.get(backstop).positions.is_empty() {
        let cash = ledger::cash(state, backstop);
        let tranche = LedgerAccount::Tranche(Scope::Market(market));
        pay(state, out, LedgerAccount::Cash(backstop), tranche, cash, Reason::Backstop);
    }
}

/// Markets of an account's positions, largest loss per notional first.
fn worst_first(state: &State, account: AccountId) -> Vec<MarketId> {
    let mut order: Vec<(Ratio, MarketId)> = Vec::new();
    for position in &state.accounts.get(account).positions {
        let market = state.markets.get(position.market);
        let Some(price) = market.prices.risk else { continue };
        let loss = position.pnl(price).negative_part();
        let notional = position.notional(price).max(Amount::from_wei(1));
        let share = loss.ratio_to_down(notional).unwrap_or(Ratio::MAX);
        order.push((share, position.market));
    }
    order.sort_by_key(|(share, market)| (std::cmp::Reverse(*share), *market));
    order.into_iter().map(|(_, market)| market).collect()
}

fn healed(state: &State, account: AccountId) -> bool {
    !health::initial(state, account, Whatif::default()).is_negative()
}

/// Equity is below a third of maintenance: no time for slices.
fn thin(state: &State, account: AccountId) -> bool {
    let found = health::assess(state, account);
    let equity = found.health.checked_add(found.margin.dollars()).unwrap_or(found.health);
    let least = found.margin.mul_ratio_up(state.house.liquidation.takeover_equity).unwrap_or(found.margin);
    equity < least.dollars()
}

/// Closes on the curve what the guards leave room for, and no more than health needs.
fn slice(state: &mut State, out: &mut Outcome, account: AccountId, market: MarketId, index: Price) {
    let Some(room) = room(state, account, market, index) else { return };
    let Some(needed) = needed(state, account, market) else { return };
    let quantity = room.min(needed);
    if quantity.is_zero() {
        return;
    }
    if let Some(mut fill) = position::close_on_curve(state, out, account, market, quantity) {
        fill.fee = charge(state, out, account, market, fill.quote.magnitude());
        out.event(Event::PositionLiquidated(fill));
    }
}

/// Base that may be closed before mark leaves what the guards allow.
fn room(state: &State, account: AccountId, market: MarketId, index: Price) -> Option<Amount> {
    let record = state.markets.get(market);
    let position = state.accounts.get(account).position(market)?;
    let mark = record.prices.last_mark?;
    let room = guard::room(record, index, mark).ok()?;
    let held = position.size.magnitude();
    // Closing a long sells base and lowers mark.
    let (bound, moves) =
        if position.size.is_long() { (room.low, room.low < mark) } else { (room.high, mark < room.high) };
    if !moves {
        return None;
    }
    if record.params.band.is_none() && record.params.move_limit.is_none() {
        return Some(held);
    }
    let reach = record.curve.base_to(bound).ok()?.magnitude();
    Some(reach.min(held))
}

/// Base whose closing brings initial health to zero: what is missing, by what a base unit frees, and a
/// twentieth more for the price it moves.
fn needed(state: &State, account: AccountId, market: MarketId) -> Option<Amount> {
    let missing = health::initial(state, account, Whatif::default()).negative_part();
    let record = state.markets.get(market);
    let position = state.accounts.get(account).position(market)?;
    let size = position.size.magnitude();
    let price = record.prices.risk?;
    let open_interest = record.books.long.max(record.books.short).value_up(price).ok()?;
    let margin = health::margin_initial(record, size, position.size.is_long(), open_interest);
    let freed = margin - record.params.fee_liquidation.ratio();
    if freed <= Ratio::ZERO {
        return Some(size);
    }
    let free = size.value_down(price).ok()?.mul_ratio_down(freed).ok()?;
    if free <= missing {
        return Some(size);
    }
    let part = size.share_up(missing, free).ok()?;
    let more = part + Amount::from_wei(part.wei().checked_div(20).unwrap_or(0));
    // Less than a tenth left is not worth another block.
    let left = size.saturating_sub(more);
    Some(if left < size.bps_down(ballast_units::Bps::new(1_000)) { size } else { more })
}

/// Takes the liquidation fee as far as cash goes.
fn charge(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    market: MarketId,
    notional: Amount,
) -> Amount {
    let due = notional.bps_up(state.markets.get(market).params.fee_liquidation);
    let fee = due.min(ledger::cash(state, account));
    let reserve = fee.bps_down(ballast_units::Bps::new(5_000));
    let from = LedgerAccount::Cash(account);
    pay(state, out, from, LedgerAccount::Float, reserve, Reason::LiquidationFee);
    pay(
        state,
        out,
        from,
        LedgerAccount::Tranche(Scope::Market(market)),
        fee - reserve,
        Reason::LiquidationFee,
    );
    fee
}

/// Gives a whole position to the backstop, and what its cap refuses to the profitable other side.
fn hand_over(state: &mut State, out: &mut Outcome, account: AccountId, market: MarketId, price: Price) {
    let Some(position) = state.accounts.get(account).position(market).copied() else { return };
    let held = position.size.magnitude();
    let taken = held.min(backstop_room(state, market, price));
    if !taken.is_zero() {
        let backstop = state.markets.get(market).backstop;
        let exit = exit_cost(state, account, market, taken, price);
        let price = takeover_price(state, market, position.size, price);
        if position::match_off_curve(state, out, account, backstop, market, taken, price).is_some() {
            let paid = exit.min(ledger::cash(state, account));
            pay(
                state,
                out,
                LedgerAccount::Cash(account),
                LedgerAccount::Cash(backstop),
                paid,
                Reason::Backstop,
            );
            let size = Size::from_amount(taken, position.size.is_long());
            out.event(Event::PositionTakenOver { account, market, size, price, paid });
            settle_backstop(state, out, market);
        }
    }
    let left = held - taken;
    if !left.is_zero() {
        deleverage::close(state, out, account, market, left, price);
    }
}

/// The worse, for the account, of risk price and mark. Health is at the risk price, but the backstop has to leave at
/// mark: what lies between the two is what `m0` holds the band for (R8). A profit at the risk price that mark does not
/// bear out would be paid by the backstop (I04).
fn takeover_price(state: &State, market: MarketId, size: Size, risk: Price) -> Price {
    let mark = state.markets.get(market).prices.last_mark.unwrap_or(risk);
    if size.is_long() { risk.min(mark) } else { risk.max(mark) }
}

/// Base that the backstop may still take: its cap less what it holds, in dollars at the risk price.
fn backstop_room(state: &State, market: MarketId, price: Price) -> Amount {
    let record = state.markets.get(market);
    let held = state
        .accounts
        .get(record.backstop)
        .position(market)
        .map_or(Amount::ZERO, |held| held.size.magnitude());
    let held = held.value_up(price).unwrap_or(Amount::LIMIT);
    record.params.backstop_cap.saturating_sub(held).at_price_down(price).unwrap_or(Amount::ZERO)
}

/// The size term of maintenance: what leaving the curve will cost the backstop.
fn exit_cost(state: &State, account: AccountId, market: MarketId, size: Amount, price: Price) -> Amount {
    let record = state.markets.get(market);
    let Some(position) = state.accounts.get(account).position(market) else { return Amount::ZERO };
    let ratio = health::margin_maintenance(record, position.size.magnitude(), position.size.is_long())
        - record.params.margin_maintenance;
    let cost = size.value_down(price).and_then(|value| value.mul_ratio_down(ratio)).unwrap_or(Amount::ZERO);
    cost.min(health::equity(state, account).positive_part())
}
