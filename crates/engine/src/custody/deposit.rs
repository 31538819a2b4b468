//! Deposits: credit while a block is safe, money when it is final (R9).
//!
//! - Credit (`Pending`) counts for health and no transfer but finality and reorg leaves it; its limits are what the
//!   chain's tranche could make good, and of that a tenth an owner.
//! - Final: a coin at par becomes cash, everything else collateral.
//! - A deposit is never refused: what is below the hub's unit is dust, what the house does not take is kept in suspense,
//!   where it counts nowhere and can only be taken out again.

use super::observe::Effect;
use super::par::{is_taken_at_par, own_deposits};
use super::{floor_to_unit, open_account};
use crate::ledger::{enter, leave, transfer};
use crate::liquidation;
use crate::market::settlement;
use crate::oracle;
use crate::reserve;
use crate::state::{Outcome, State};
use ballast_types::{AccountId, Anomaly, ChainId, Event, LedgerAccount, Money, Owner, Reason, Token};
use ballast_units::{Amount, Bps};
use borsh::{BorshDeserialize, BorshSerialize};

/// Share of a chain's pending credit that one owner may have, over all subaccounts (R9).
const PENDING_OWNER_SHARE: Bps = Bps::new(1_000);

/// What a safe deposit has changed, and what its finality brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Credit {
    /// Credited when it is final: whole in the token's unit.
    pub whole: Amount,
    /// The rest, below the unit: dust.
    pub rest: Amount,
    /// How much of it counts already, in the token.
    pub pending: Amount,
    /// The same in dollars at the index of then, rounded up, which is what the chain's limit counts.
    pub dollars: Amount,
}

/// A deposit in a safe block. What the house takes has an account, and counts as far as R9 allows; the rest of it is not in
/// the books until it is final. What the house does not take is put aside when it is final.
pub(super) fn seen(
    state: &mut State,
    out: &mut Outcome,
    owner: Owner,
    token: Token,
    amount: Amount,
) -> (Effect, Option<Anomaly>) {
    if amount.is_zero() || !amount.in_range() {
        return (Effect::Stray, Some(Anomaly::DepositOutOfRange { token, amount }));
    }
    let (whole, rest) = match floor_to_unit(state, token, amount) {
        Ok(floored) => (floored.kept, amount - floored.kept),
        // Not listed.
        Err(_) => (amount, Amount::ZERO),
    };
    if whole.is_zero() {
        // Nobody's account is opened for less than the least that it could hold.
        let found = Anomaly::DepositBelowUnit { token, rest };
        return (Effect::Aside(LedgerAccount::Dust(token), token, rest), Some(found));
    }
    let Ok(account) = open_account(state, out, owner) else {
        let found = Anomaly::DepositUnowned { token, amount };
        return (Effect::Aside(LedgerAccount::Surplus(token), token, amount), Some(found));
    };
    if state.token(token).is_none() {
        let found = Anomaly::DepositSuspended { account, token, amount };
        return (Effect::Aside(LedgerAccount::Suspense(account, token), token, amount), Some(found));
    }
    let (pending, dollars) = pending_credit(state, account, token, whole);
    enter(state, out, LedgerAccount::Pending(account, token), Money::Token(token), pending, Reason::Deposit);
    state.chains.get_mut(token.chain).pending += dollars;
    out.event(Event::DepositPending { account, token, amount: pending });
    let found = (!rest.is_zero()).then_some(Anomaly::DepositBelowUnit { token, rest });
    (Effect::Credited(Credit { whole, rest, pending, dollars }), found)
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
/// collateral otherwise; what is below the unit is dust.
pub(super) fn settle(state: &mut State, out: &mut Outcome, account: AccountId, token: Token, credit: Credit) {
    let Credit { whole: amount, rest, pending, dollars } = credit;
    state.chains.get_mut(token.chain).pending -= dollars;
    enter(state, out, LedgerAccount::Dust(token), Money::Token(token), rest, Reason::Anomaly);
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

/// The chain dropped a deposit: its credit goes; no transfer could have left it.
pub(super) fn reverse(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    token: Token,
    amount: Amount,
    credit: Credit,
) {
    let from = LedgerAccount::Pending(account, token);
    leave(state, out, from, Money::Token(token), credit.pending, Reason::Reorg);
    state.chains.get_mut(token.chain).pending -= credit.dollars;
    out.event(Event::DepositDropped { account, token, amount });
}
