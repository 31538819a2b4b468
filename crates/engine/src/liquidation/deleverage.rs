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
    let mut left =
        quantity.wei().min(parties.iter().fold(0, |sum: u128, party| sum.saturating_add(party.held)));
    while left != 0 {
        let shared = share(&mut parties, left);
        if shared == 0 {
            break;
        }
        left = left.saturating_sub(shared);
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
            parties.push(Counterparty { account: id, weight: weight.wei(), held, given: 0 });
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

/// Shares `left` once, pro rata over the weights of those who still hold something; returns what was shared.
fn share(parties: &mut [Counterparty], left: u128) -> u128 {
    let open = |party: &&mut Counterparty| party.given < party.held;
    // R11: at most 2^32 accounts of at most 2^110 each would leave u128; profits of one market cannot.
    let total = parties
        .iter()
        .filter(|party| party.given < party.held)
        .fold(0_u128, |sum, p| sum.saturating_add(p.weight));
    if total == 0 {
        return 0;
    }
    let mut shared = 0_u128;
    let mut rests: Vec<(u128, u32)> = Vec::with_capacity(parties.len());
    for (at, party) in (0_u32..).zip(parties.iter_mut()) {
        if !open(&party) {
            continue;
        }
        let part = mul_div_down(left, party.weight, total).unwrap_or(0);
        // The rest of the division, exact modulo 2^128 since it is below `total`.
        let rest = left.wrapping_mul(party.weight).wrapping_sub(part.wrapping_mul(total));
        let given = part.min(party.held.saturating_sub(party.given));
        party.given = party.given.saturating_add(given);
        shared = shared.saturating_add(given);
        if party.given < party.held {
            rests.push((rest, at));
        }
    }
    // Largest remainder: at most one wei an account.
    let missing = usize::try_from(left.saturating_sub(shared)).unwrap_or(usize::MAX).min(rests.len());
    if missing != 0 {
        let by_rest = |a: &(u128, u32), b: &(u128, u32)| b.0.cmp(&a.0).then(a.1.cmp(&b.1));
        if missing < rests.len() {
            rests.select_nth_unstable_by(missing.saturating_sub(1), by_rest);
        }
        for (_, at) in rests.iter().take(missing) {
            if let Some(party) = usize::try_from(*at).ok().and_then(|at| parties.get_mut(at)) {
                party.given = party.given.saturating_add(1);
                shared = shared.saturating_add(1);
            }
        }
    }
    shared
}
