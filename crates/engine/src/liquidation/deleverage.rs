//! Deleveraging: closing a position at the risk price against the profitable side of its market (R7).
//!
//! - Pro rata over positive PnL, net of what the same account loses in its other positions (its own hedge);
//!   integer largest remainder, ties to the lower id. Nobody gives up more than they hold; what that leaves
//!   over is shared again among the rest.
//! - Off the curve: reserves and net size stay. It moves positions, not losses: money that is missing
//!   afterwards walks the waterfall.

use crate::account::Account;
use crate::market::position;
use crate::state::{Outcome, State};
use ballast_types::{AccountId, Event, MarketId};
use ballast_units::math::mul_div_down;
use ballast_units::{Amount, Price, Size};

/// How much a counterparty gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Who.
    pub account: AccountId,
    /// Base.
    pub quantity: Amount,
}

/// A counterparty before its share is known.
#[derive(Clone, Copy)]
struct Counterparty {
    account: AccountId,
    weight: u128,
    held: u128,
    given: u128,
    /// Gives all it holds.
    full: bool,
}

/// Who gives up how much when `quantity` of a long (or short) position is closed at `price`, ascending by
/// account. The shares add up to `quantity`, or to all that the profitable side holds.
#[must_use]
pub fn plan(
    state: &State,
    failed: AccountId,
    market: MarketId,
    long: bool,
    quantity: Amount,
    price: Price,
) -> Vec<Share> {
    let mut parties = counterparties(state, failed, market, long, price);
    let held = parties.iter().fold(0, |sum: u128, party| sum.saturating_add(party.held));
    let mut left = quantity.wei().min(held);
    while let Some(full) = share(&mut parties, left) {
        left = left.saturating_sub(full);
    }
    let given = parties.into_iter().filter(|party| party.given != 0);
    given.map(|party| Share { account: party.account, quantity: Amount::from_wei(party.given) }).collect()
}

/// Closes `quantity` of a failed account's position. Returns what could be closed.
pub(crate) fn close(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    market: MarketId,
    quantity: Amount,
    price: Price,
) -> Amount {
    let Some(position) = state.accounts.get(account).position(market).copied() else { return Amount::ZERO };
    let long = position.size.is_long();
    let shares = plan(state, account, market, long, quantity, price);
    let mut closed = Amount::ZERO;
    let mut counterparties = 0_u32;
    for Share { account: taker, quantity } in shares {
        if let Some((_, realised)) =
            position::match_off_curve(state, out, account, taker, market, quantity, price)
        {
            closed += quantity;
            counterparties = counterparties.saturating_add(1);
            let size = Size::from_amount(quantity, long);
            out.event(Event::CounterpartyReduced { account: taker, market, size, price, realised });
        }
    }
    if !closed.is_zero() {
        let size = Size::from_amount(closed, long);
        out.event(Event::PositionDeleveraged { account, market, size, price, counterparties });
    }
    closed
}

fn counterparties(
    state: &State,
    failed: AccountId,
    market: MarketId,
    long: bool,
    price: Price,
) -> Vec<Counterparty> {
    let mut parties = Vec::new();
    for id in state.members(market).iter() {
        if id == failed {
            continue;
        }
        let account = state.accounts.get(id);
        let Some(position) = account.position(market).filter(|position| position.size.is_long() != long)
        else {
            continue;
        };
        let weight = position.pnl(price).positive_part().saturating_sub(hedge(state, account, market));
        if !weight.is_zero() {
            let held = position.size.magnitude().wei();
            parties.push(Counterparty { account: id, weight: weight.wei(), held, given: 0, full: false });
        }
    }
    parties
}

/// What an account loses in its other positions, at their risk prices.
fn hedge(state: &State, account: &Account, market: MarketId) -> Amount {
    let mut loss = Amount::ZERO;
    for position in account.positions.iter().filter(|position| position.market != market) {
        if let Some(price) = state.markets.get(position.market).prices.risk {
            loss += position.pnl(price).negative_part();
        }
    }
    loss
}

/// Shares `left` pro rata over the weights of those who are not full. Whoever cannot give its share gives all it
/// holds and is full: then what those gave is returned, and the rest has to be shared anew, from the start, so that
/// no rounding adds up. `None` when nobody became full: everything is shared.
fn share(parties: &mut [Counterparty], left: u128) -> Option<u128> {
    // R11: at most 2^32 accounts of at most 2^110 each would leave u128; profits of one market cannot.
    let open = parties.iter().filter(|party| !party.full);
    let total = open.fold(0_u128, |sum, party| sum.saturating_add(party.weight));
    if total == 0 {
        return None;
    }
    let (mut shared, mut filled) = (0_u128, None);
    let mut rests: Vec<(u128, u32)> = Vec::with_capacity(parties.len());
    for (at, party) in (0_u32..).zip(parties.iter_mut()) {
        if party.full {
            continue;
        }
        let part = mul_div_down(left, party.weight, total).unwrap_or(0);
        if party.held <= part {
            party.given = party.held;
            party.full = true;
            filled = Some(party.held.saturating_add(filled.unwrap_or(0)));
            continue;
        }
        party.given = part;
        shared = shared.saturating_add(part);
        // The rest of the division, exact modulo 2^128 since it is below `total`.
        rests.push((left.wrapping_mul(party.weight).wrapping_sub(part.wrapping_mul(total)), at));
    }
    if filled.is_none() {
        let missing = usize::try_from(left.saturating_sub(shared)).unwrap_or(usize::MAX);
        give_rests(parties, rests, missing);
    }
    filled
}

/// Largest remainder: a wei more to each of so many accounts.
fn give_rests(parties: &mut [Counterparty], mut rests: Vec<(u128, u32)>, missing: usize) {
    let by_rest = |a: &(u128, u32), b: &(u128, u32)| b.0.cmp(&a.0).then(a.1.cmp(&b.1));
    if missing != 0 && missing < rests.len() {
        rests.select_nth_unstable_by(missing.saturating_sub(1), by_rest);
    }
    for (_, at) in rests.iter().take(missing) {
        if let Some(party) = usize::try_from(*at).ok().and_then(|at| parties.get_mut(at)) {
            party.given = party.given.saturating_add(1);
        }
    }
}
