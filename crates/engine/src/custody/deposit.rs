//! Deposits: credit while a block is safe, money when it is final (R9).
//!
//! - Credit (`Pending`) counts for health and no transfer but finality and reorg leaves it; its limits are what the
//!   chain's tranche could make good, and of that a tenth an owner.
//! - Final: a coin at par becomes cash, everything else collateral.

use super::par::{is_taken_at_par, own_deposits};
use crate::ledger::{enter, leave, transfer};
use crate::liquidation;
use crate::market::settlement;
use crate::oracle;
use crate::reserve;
use crate::state::{Outcome, State};
use ballast_types::{AccountId, ChainId, Event, LedgerAccount, Money, Owner, Reason, Token};
use ballast_units::{Amount, Bps};

/// Share of a chain's pending credit that one owner may have, over all subaccounts (R9).
const PENDING_OWNER_SHARE: Bps = Bps::new(1_000);

/// Gives credit for a safe deposit, as far as R9 allows; the rest waits for finality and is not in the books
/// until then. Returns the credit in the token and in dollars.
pub(super) fn credit_pending(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    token: Token,
    amount: Amount,
) -> (Amount, Amount) {
    let (pending, credit) = pending_credit(state, account, token, amount);
    enter(state, out, LedgerAccount::Pending(account, token), Money::Token(token), pending, Reason::Deposit);
    state.chains.get_mut(token.chain).pending += credit;
    out.event(Event::DepositPending { account, token, amount: pending });
    (pending, credit)
}

/// How much of a safe deposit counts, in the token and in dollars at index, rounded up. Limits: what the chain's
/// tranche could make good if the deposit disappeared, and of that a tenth an owner.
fn pending_credit(state: &State, account: AccountId, token: Token, amount: Amount) -> (Amount, Amount) {
    let none = (Amount::ZERO, Amount::ZERO);
    let Some(index) = oracle::index(state, token.asset) else { return none };
    let chain = state.chains.get(token.chain);
    let limit = chain.pending_cap.min(chain.money.tranche());
    let of_owner = owner_pending(state, state.accounts.get(account).owner, token.chain);
    let room = limit.saturating_sub(chain.pending);
    let room = room.min(limit.bps_down(PENDING_OWNER_SHARE).saturating_sub(of_owner));
    let value = |amount: Amount| amount.value_up(index).unwrap_or(Amount::MAX);
    let pending =
        if value(amount) <= room { amount } else { room.at_price_down(index).unwrap_or(amount).min(amount) };
    (pending, value(pending))
}

/// Dollars at index of an owner's pending credit on a chain, over all subaccounts, rounded up.
fn owner_pending(state: &State, owner: Owner, chain: ChainId) -> Amount {
    let subaccounts = Owner { subaccount: 0, ..owner }..=Owner { subaccount: u16::MAX, ..owner };
    let accounts = state.owners.range(subaccounts).map(|(_, account)| state.accounts.get(*account));
    let held =
        accounts.flat_map(|account| account.balances.holdings()).filter(|held| held.token.chain == chain);
    held.fold(Amount::ZERO, |sum, held| {
        let value = oracle::index(state, held.token.asset).map(|index| held.pending.value_up(index));
        sum.checked_add(value.and_then(Result::ok).unwrap_or(Amount::ZERO)).unwrap_or(Amount::MAX)
    })
}

/// A deposit is final: what was pending and what had no credit become cash where the coin is taken at par, and
/// collateral otherwise.
pub(super) fn credit_final(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    token: Token,
    amount: Amount,
    pending: Amount,
) {
    let as_cash = is_taken_at_par(state, token);
    // Until now nothing could pay its settlement debts: their grace begins.
    let starts_grace = liquidation::only_pending(state, account);
    let to =
        if as_cash { LedgerAccount::Inventory(token) } else { LedgerAccount::Collateral(account, token) };
    let money = Money::Token(token);
    transfer(state, out, LedgerAccount::Pending(account, token), to, money, pending, Reason::Finality);
    enter(state, out, to, money, amount - pending, Reason::Deposit);
    if as_cash {
        enter(state, out, LedgerAccount::Cash(account), Money::Usd, amount, Reason::Deposit);
        let before = own_deposits(state, account, token);
        state.coin_deposits.insert((account, token), before + amount);
    }
    out.event(Event::DepositCredited { account, token, amount });
    settlement::collect(state, out, account);
    if as_cash {
        reserve::recall(state, out, account, token.chain);
    }
    if starts_grace {
        liquidation::restart_grace(state, account);
    }
}

/// Takes the credit of a dropped deposit back; no transfer could have left it.
pub(super) fn debit_pending(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    token: Token,
    (pending, credit): (Amount, Amount),
) {
    let from = LedgerAccount::Pending(account, token);
    leave(state, out, from, Money::Token(token), pending, Reason::Reorg);
    state.chains.get_mut(token.chain).pending -= credit;
}
