//! Positions: trades against the curve, and matches off it.
//!
//! - A trade pays or receives quote on the curve, a fee beside it; what it closes is realised, what it opens
//!   adds to cost. Reversing closes, then opens: two swaps, one after the other. A rest that is only
//!   rounding is a close.
//! - Cost of a closed part: pro rata, rounded towards zero; whatever the rounding, cost and realised PnL add up
//!   (I03 (2)).
//! - A fee that would keep somebody from reducing is waived as far as cash is missing.
//! - Keeps: I03 (1) and (2): sizes and quote move with the reserves, or (off-curve) in equal and opposite parts.

use super::curve::{Curve, Swap};
use super::{funding, guard, settlement};
use crate::account::Position;
use crate::ledger::pay;
use crate::oracle;
use crate::risk::health::{self, Trial};
use crate::state::{Outcome, State};
use ballast_types::{
    AccountId, Action, Event, Fill, LedgerAccount, MarketId, Reason, Reject, Scope, Side, TradeAmount,
};
use ballast_units::{Amount, Price, Size, Usd};

/// Base that a trade may miss a position by through the rounding of its swaps alone.
const ROUNDING: Amount = Amount::from_wei(1_000);

/// A trade that has passed every check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    account: AccountId,
    market: MarketId,
    /// Closes first, where the trade reverses.
    parts: [Option<Part>; 2],
    fee: Amount,
}

/// One swap of a trade.
#[derive(Clone, Copy, Debug)]
struct Part {
    swap: Swap,
    position: Position,
    realised: Usd,
    mark: Price,
}

/// A trade as it was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) account: AccountId,
    pub(crate) market: MarketId,
    pub(crate) side: Side,
    pub(crate) amount: TradeAmount,
    pub(crate) limit: Option<Price>,
    pub(crate) reduce_only: bool,
}

/// Decides on a trade.
pub(crate) fn plan(state: &State, ask: Ask) -> Result<Plan, Reject> {
    let Ask { account: id, market: market_id, side, amount, limit, reduce_only } = ask;
    let account = state.accounts.find(id).ok_or(Reject::UnknownAccount { account: id })?;
    let market = state.markets.find(market_id).ok_or(Reject::UnknownMarket { market: market_id })?;
    let (TradeAmount::Quote(asked) | TradeAmount::Base(asked)) = amount;
    if asked.is_zero() {
        return Err(Reject::AmountZero {});
    }
    if !asked.in_range() {
        return Err(Reject::AmountOutOfRange { amount: asked, limit: Amount::LIMIT });
    }
    if account.task.is_some() {
        return Err(Reject::AccountLocked { account: id });
    }
    let before =
        account.position(market_id).copied().unwrap_or(Position { market: market_id, ..Position::default() });
    let long = side == Side::Long;
    let opposite = !before.size.is_zero() && before.size.is_long() != long;
    let swap = market.curve.swap(market_id, side, amount)?;
    // What differs from the position by rounding alone closes it: a rest of some wei is nobody's wish.
    let swap = if opposite && is_rounding(swap.size.magnitude(), before.size.magnitude()) {
        market.curve.close(market_id, before.size)?
    } else {
        swap
    };
    let reverses = opposite && before.size.magnitude() < swap.size.magnitude();
    let reduces = opposite && !reverses;
    let index = oracle::allows(state, market.asset, if reduces { Action::Reduce } else { Action::Open })?;
    if reduce_only && !reduces {
        return Err(Reject::WouldIncrease { account: id, market: market_id });
    }
    if market.leaves && !reduces {
        return Err(Reject::MarketWindingDown { market: market_id });
    }
    if swap.size.is_zero() || swap.quote.is_zero() {
        return Err(Reject::TradeTooSmall { market: market_id });
    }

    // Funding up to now is booked before the trade; it changes what the account has, not the position.
    let owed = funding::owed(&market.funding, &before);
    let start = Position { funding: funding::index(&market.funding, long), ..before };
    let parts = if reverses {
        let close = market.curve.close(market_id, before.size)?;
        let rest = match amount {
            TradeAmount::Base(base) => TradeAmount::Base(base.checked_sub(before.size.magnitude())?),
            TradeAmount::Quote(quote) => TradeAmount::Quote(quote.checked_sub(close.quote.magnitude())?),
        };
        let first = part(&before, close)?;
        let flat = Position { size: Size::ZERO, cost: Usd::ZERO, ..start };
        let open = first.swap.after.swap(market_id, side, rest)?;
        if open.size.is_zero() || open.quote.is_zero() {
            return Err(Reject::TradeTooSmall { market: market_id });
        }
        [Some(first), Some(part(&flat, open)?)]
    } else if opposite {
        [
            Some(part(
                &Position { funding: funding::index(&market.funding, before.size.is_long()), ..before },
                swap,
            )?),
            None,
        ]
    } else {
        [Some(part(&start, swap)?), None]
    };
    let last = parts.iter().flatten().last().copied().expect("a trade has a part");
    let quote: Amount = parts.iter().flatten().map(|part| part.swap.quote.magnitude()).sum();
    let base: Amount = parts.iter().flatten().map(|part| part.swap.size.magnitude()).sum();
    if let Some(limit) = limit {
        let worst = if long { base.value_down(limit)? } else { base.value_up(limit)? };
        if (long && worst < quote) || (!long && quote < worst) {
            return Err(Reject::LimitExceeded { quote, limit: worst });
        }
    }
    let mark = state.markets.get(market_id).prices.last_mark.unwrap_or(last.mark);
    guard::check(market_id, market, index, mark, last.mark)?;

    let size = last.position.size.magnitude();
    let mut books = market.books;
    for part in parts.iter().flatten() {
        books.moved(part.position.size - part.swap.size, part.position.size);
    }
    if !reduces {
        let half = Amount::from_wei(market.depth.wei() >> 1);
        if market.params.margin_size_term && half <= size {
            return Err(Reject::PositionTooLarge { market: market_id, size, limit: half });
        }
        let open = if long { books.long } else { books.short };
        let have = open.value_up(last.mark)?;
        if market.params.open_interest_cap < have {
            return Err(Reject::OpenInterestCap {
                market: market_id,
                have,
                cap: market.params.open_interest_cap,
            });
        }
    }

    let realised: Usd = parts.iter().flatten().map(|part| part.realised).sum::<Usd>().checked_sub(owed)?;
    let settled = settlement::plan(state, id, market_id, realised);
    let cash = settlement::collected(state, account).cash.saturating_sub(settled.cash);
    let due = quote.bps_up(market.params.fee_trade);
    if !reduces && cash < due {
        return Err(Reject::CashTooSmall { account: id, have: cash, need: due });
    }
    let fee = due.min(cash);
    let trial = Trial {
        market: market_id,
        position: last.position,
        mark: last.mark,
        long: books.long,
        short: books.short,
        settled,
        fee,
    };
    if reduces {
        if market.params.reduce_keeps_health {
            let before = health::maintenance(state, id);
            let after = health::maintenance_after(state, id, &trial);
            if after < before && health::initial_after(state, id, &trial).is_negative() {
                return Err(Reject::ReduceLowersHealth { account: id, before, after });
            }
        }
    } else {
        let health = health::initial_after(state, id, &trial);
        if health.is_negative() {
            return Err(Reject::HealthTooLow { account: id, health });
        }
    }
    Ok(Plan { account: id, market: market_id, parts, fee })
}

fn is_rounding(one: Amount, other: Amount) -> bool {
    one.max(other) - one.min(other) <= ROUNDING
}

/// Decides on closing a position whole.
pub(crate) fn plan_close(
    state: &State,
    account: AccountId,
    market: MarketId,
    limit: Option<Price>,
) -> Result<Plan, Reject> {
    let record = state.accounts.find(account).ok_or(Reject::UnknownAccount { account })?;
    state.markets.find(market).ok_or(Reject::UnknownMarket { market })?;
    let position = record.position(market).ok_or(Reject::NoPosition { account, market })?;
    let side = if position.size.is_long() { Side::Short } else { Side::Long };
    let amount = TradeAmount::Base(position.size.magnitude());
    plan(state, Ask { account, market, side, amount, limit, reduce_only: true })
}

/// Books a trade. Funding and what its parts realise are settled as one sum, as the plan had it.
pub(crate) fn execute(state: &mut State, out: &mut Outcome, plan: Plan) {
    let Plan { account, market, parts, fee } = plan;
    // The plan counts paid claims as cash: they have to be there for the fee, realised or not.
    settlement::collect(state, out, account);
    let owed = take_funding(state, account, market);
    let mut realised = -owed;
    for part in parts.iter().flatten() {
        move_curve(state, market, part);
        set(state, account, part.position, part.before(), part.realised, part.swap.quote);
        realised += part.realised;
    }
    settlement::realise(state, out, account, market, realised, Reason::Settlement);
    pay(
        state,
        out,
        LedgerAccount::Cash(account),
        LedgerAccount::Fees(Scope::Market(market)),
        fee,
        Reason::TradeFee,
    );
    let last = parts.iter().flatten().count();
    let mut volume = Amount::ZERO;
    for (number, part) in (1..).zip(parts.iter().flatten()) {
        let fill = part.fill(account, market, if number == last { fee } else { Amount::ZERO });
        volume += part.swap.quote.magnitude();
        out.event(if part.before().is_zero() {
            Event::PositionOpened(fill)
        } else if part.position.size.is_zero() {
            Event::PositionClosed(fill)
        } else if part.before().magnitude() < part.position.size.magnitude() {
            Event::PositionIncreased(fill)
        } else {
            Event::PositionReduced(fill)
        });
    }
    state.markets.get_mut(market).activity.volume += volume;
}

impl Part {
    /// Size before the swap.
    fn before(&self) -> Size {
        self.position.size - self.swap.size
    }

    fn fill(&self, account: AccountId, market: MarketId, fee: Amount) -> Fill {
        Fill {
            account,
            market,
            size: self.swap.size,
            quote: self.swap.quote,
            fee,
            realised: self.realised,
            position: self.position.size,
            mark: self.mark,
        }
    }
}

/// Closes part of a position on the curve, guards and health apart: a liquidation's slice. `None` where the
/// curve cannot take it.
pub(crate) fn close_on_curve(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    market: MarketId,
    quantity: Amount,
) -> Option<Fill> {
    let before = *state.accounts.get(account).position(market)?;
    let quantity = quantity.min(before.size.magnitude());
    let closing = Size::from_amount(quantity, before.size.is_long());
    let swap = state.markets.get(market).curve.close(market, closing).ok()?;
    if swap.size.is_zero() {
        return None;
    }
    let part = part(&before, swap).ok()?;
    book_funding(state, out, account, market);
    let funding = state.accounts.get(account).position(market)?.funding;
    let part = Part { position: Position { funding, ..part.position }, ..part };
    move_curve(state, market, &part);
    set(state, account, part.position, before.size, part.realised, swap.quote);
    state.markets.get_mut(market).activity.volume += swap.quote.magnitude();
    settlement::realise(state, out, account, market, part.realised, Reason::Settlement);
    Some(part.fill(account, market, Amount::ZERO))
}

/// Moves part of a position from one account to another at a price, off the curve: reserves and net size
/// stay. The giver realises its PnL; the taker's cost grows by the value, or shrinks where it held the
/// other side (then it realises too). Returns what each realised.
pub(crate) fn match_off_curve(
    state: &mut State,
    out: &mut Outcome,
    giver: AccountId,
    taker: AccountId,
    market: MarketId,
    quantity: Amount,
    price: Price,
) -> Option<(Usd, Usd)> {
    let given = *state.accounts.get(giver).position(market)?;
    let quantity = quantity.min(given.size.magnitude());
    if quantity.is_zero() || giver == taker {
        return None;
    }
    book_funding(state, out, giver, market);
    book_funding(state, out, taker, market);
    let moved = Size::from_amount(quantity, given.size.is_long());
    // One value for both, so that no wei is made: what the giver gets is what the taker pays.
    let value = moved.value_down(price).ok()?;
    let given = *state.accounts.get(giver).position(market)?;
    let left = part_at(&given, -moved, -value)?;
    let side = funding::index(&state.markets.get(market).funding, moved.is_long());
    let held = state.accounts.get(taker).position(market).copied();
    let held = held.unwrap_or(Position { market, funding: side, ..Position::default() });
    let taken = part_at(&held, moved, value)?;
    for (account, before, (position, realised)) in [(giver, given, left), (taker, held, taken)] {
        let mut position = position;
        if position.size.is_long() == moved.is_long() && before.size.is_long() != moved.is_long() {
            position.funding = side;
        }
        set(state, account, position, before.size, realised, Usd::ZERO);
        settlement::realise(state, out, account, market, realised, Reason::Settlement);
    }
    // Off the curve no quote moves: what the two sides pay each other cancels in Σ cost - Σ realised.
    Some((left.1, taken.1))
}

/// Books funding that an account's position owes or is owed up to now.
pub(crate) fn book_funding(state: &mut State, out: &mut Outcome, account: AccountId, market: MarketId) {
    let owed = take_funding(state, account, market);
    settlement::realise(state, out, account, market, -owed, Reason::Settlement);
}

/// Brings a position's funding up to date and returns what it owes for it, which the caller settles.
fn take_funding(state: &mut State, account: AccountId, market: MarketId) -> Usd {
    let Some(position) = state.accounts.get(account).position(market).copied() else { return Usd::ZERO };
    let record = state.markets.get(market);
    let index = funding::index(&record.funding, position.size.is_long());
    if index == position.funding {
        return Usd::ZERO;
    }
    let owed = funding::owed(&record.funding, &position);
    state.accounts.get_mut(account).set_position(Position { funding: index, ..position });
    let books = &mut state.markets.get_mut(market).books;
    books.funding_charged += owed.positive_part();
    books.funding_credited += owed.negative_part();
    owed
}

/// Realises `amount` of a position's open PnL without closing anything: cost moves by it (R3).
pub(crate) fn realise_open(state: &mut State, account: AccountId, market: MarketId, amount: Usd) {
    let Some(position) = state.accounts.get(account).position(market).copied() else { return };
    let after = Position { cost: position.cost + amount, ..position };
    state.accounts.get_mut(account).set_position(after);
    let books = &mut state.markets.get_mut(market).books;
    books.cost += amount;
    books.realised += amount;
}

impl super::Books {
    /// A position went from one size to another.
    fn moved(&mut self, before: Size, after: Size) {
        self.net = self.net + after - before;
        for (size, add) in [(before, false), (after, true)] {
            let side = if size.is_long() { &mut self.long } else { &mut self.short };
            if add {
                *side += size.magnitude();
            } else {
                *side -= size.magnitude();
            }
        }
    }
}

/// A position after a swap, and what the swap realised.
fn part(before: &Position, swap: Swap) -> Result<Part, Reject> {
    let (position, realised) = part_at(before, swap.size, swap.quote).ok_or(Reject::Overflow {})?;
    Ok(Part { swap, position, realised, mark: mark(&swap.after)? })
}

/// A position after `size` was added for `quote`, and what that realised. Never crosses zero: a trade that
/// reverses comes in two parts, and an off-curve match beyond the taker's other side is split here.
fn part_at(before: &Position, size: Size, quote: Usd) -> Option<(Position, Usd)> {
    let after = before.size.checked_add(size).ok()?;
    let same_side = before.size.is_zero() || before.size.is_long() == size.is_long();
    if same_side {
        let cost = before.cost.checked_add(quote).ok()?;
        return Some((Position { size: after, cost, ..*before }, Usd::ZERO));
    }
    let held = before.size.magnitude();
    let closed = size.magnitude();
    if closed <= held {
        let cost = toward_zero(before.cost, closed, held)?;
        let realised = (-quote).checked_sub(cost).ok()?;
        return Some((Position { size: after, cost: before.cost - cost, ..*before }, realised));
    }
    // Beyond zero: the quote is split by size; the closing part takes the rounding.
    let opening = toward_zero(quote, closed - held, closed)?;
    let realised = (-(quote - opening)).checked_sub(before.cost).ok()?;
    Some((Position { size: after, cost: opening, ..*before }, realised))
}

fn toward_zero(dollars: Usd, part: Amount, whole: Amount) -> Option<Usd> {
    if part == whole {
        return Some(dollars);
    }
    if dollars.is_negative() {
        dollars.share_up(part, whole).ok()
    } else {
        dollars.share_down(part, whole).ok()
    }
}

fn mark(curve: &Curve) -> Result<Price, Reject> {
    let mark = curve.mark()?;
    if mark.in_range() { Ok(mark) } else { Err(Reject::Overflow {}) }
}

fn move_curve(state: &mut State, market: MarketId, part: &Part) {
    let now = state.now();
    let record = state.markets.get_mut(market);
    record.curve = part.swap.after;
    record.prices.last_mark = Some(part.mark);
    record.window.note(now, part.mark);
}

/// Puts a position in its place and keeps the market's sums.
fn set(state: &mut State, account: AccountId, position: Position, before: Size, realised: Usd, quote: Usd) {
    let record = state.accounts.get_mut(account);
    let cost_before = record.position(position.market).map_or(Usd::ZERO, |held| held.cost);
    record.set_position(position);
    let claimless = record.claim(position.market).is_none();
    let books = &mut state.markets.get_mut(position.market).books;
    books.moved(before, position.size);
    books.cost = books.cost + position.cost - cost_before;
    books.realised += realised;
    books.quote_in += quote;
    if position.size.is_zero() {
        if claimless {
            state.members_mut(position.market).remove(account);
        }
    } else if before.is_zero() {
        state.members_mut(position.market).insert(account);
    }
}
