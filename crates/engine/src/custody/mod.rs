//! Custody: what comes into the vaults and what leaves them.
//!
//! - `observe`: facts about chains, each once, in order; what a chain drops is reversed (R18).
//! - `anomaly`: what facts had that the books did not expect (R28).
//! - `deposit`: a deposit counts when its block is safe and can be used when it is final (R9).
//! - `withdrawal`: what leaves, floored to the token's unit (R25), less what its delivery costs.
//! - `queue`: what waits to leave where inventory lacks (R32).
//! - `par`: what a stablecoin is worth (R10).
//! - Dollars enter the books exactly when a coin enters an inventory, and leave exactly when it leaves.
//! - Keeps: I01 (conservation), I06 (each event of a vault takes effect once, in order).

mod anomaly;
mod deposit;
mod observe;
pub(crate) mod par;
pub(crate) mod queue;
mod withdrawal;

use crate::account::Account;
use crate::ledger;
use crate::market::settlement;
use crate::oracle;
use crate::risk::health::{self, Whatif};
use crate::state::{Outcome, State};
use ballast_types::{AccountId, Action, Address, ChainId, Event, Owner, Reject, Token};
use ballast_units::Amount;

pub use anomaly::Recorded;
pub use deposit::Credit;
pub(crate) use deposit::pending_of;
pub use observe::{Effect, Unfinal};
pub use par::BelowPar;
pub use queue::Waiting;

pub(crate) use observe::observe;
pub(crate) use par::{check_par, restore_deposits, write_down};
pub(crate) use withdrawal::{
    Payout, execute_withdrawal, free_inventory, inventory, pay_out_coin, payout, plan_withdrawal,
    withdraw_suspense,
};

use par::{own_deposits, set_deposits};

/// An amount floored to a token's unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floored {
    /// What can be paid.
    pub(crate) kept: Amount,
    asked: Amount,
    unit: Amount,
}

impl Floored {
    /// What can be paid, where that is something.
    pub(crate) fn not_zero(self) -> Result<Amount, Reject> {
        if self.kept.is_zero() {
            return Err(Reject::AmountBelowUnit { amount: self.asked, unit: self.unit });
        }
        Ok(self.kept)
    }
}

// Accounts

/// The account of an owner, opened where there is none.
pub(crate) fn open_account(state: &mut State, out: &mut Outcome, owner: Owner) -> Result<AccountId, Reject> {
    if let Some(account) = state.account_of(owner) {
        return Ok(account);
    }
    let account = new_account(state, owner)?;
    out.event(Event::AccountOpened { account, owner });
    Ok(account)
}

/// A new account for an owner who has none.
pub(crate) fn new_account(state: &mut State, owner: Owner) -> Result<AccountId, Reject> {
    let record = Account { owner, ..Account::default() };
    let account = state.accounts.push(record).ok_or(Reject::AccountsFull { limit: u32::MAX })?;
    state.owners.insert(owner, account);
    state.index.admit(account);
    Ok(account)
}

/// Sets where an account's withdrawals on a chain go from now on. Orders already sent keep their address.
pub(crate) fn register_address(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    chain: ChainId,
    address: Address,
) -> Result<(), Reject> {
    if state.accounts.find(account).is_none() {
        return Err(Reject::UnknownAccount { account });
    }
    let record = state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    if !record.kind.is_address(address) {
        return Err(Reject::AddressInvalid { chain, address });
    }
    state.addresses.insert((account, chain), address);
    out.event(Event::AddressRegistered { account, chain, address });
    Ok(())
}

/// What comes in of a token for the account from now on waits in suspense, or counts again.
pub(crate) fn refuse(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    token: Token,
    refused: bool,
) -> Result<(), Reject> {
    state.accounts.find(account).ok_or(Reject::UnknownAccount { account })?;
    check_token(state, token)?;
    if refused {
        state.refused.insert((account, token), ());
    } else {
        state.refused.remove((account, token));
    }
    out.event(Event::TokenRefused { account, token, refused });
    Ok(())
}

/// Where an account's withdrawals on a chain go.
pub(crate) fn address(state: &State, account: AccountId, chain: ChainId) -> Result<Address, Reject> {
    state.addresses.find((account, chain)).copied().ok_or(Reject::NoAddress { account, chain })
}

// Checks that withdrawing, lending and borrowing share

/// The account may give this much cash away for nothing in return. For payments that do not collect first: cash
/// that claims have paid but that has not reached the account does not count.
pub(crate) fn check_cash_out(state: &State, account: AccountId, amount: Amount) -> Result<(), Reject> {
    check_amount(amount)?;
    state.accounts.find(account).ok_or(Reject::UnknownAccount { account })?;
    check_may_lower(state, account)?;
    let have = spendable(state, account).min(ledger::cash(state, account));
    if have < amount {
        return Err(Reject::CashTooSmall { account, have, need: amount });
    }
    check_health(state, account, Whatif { cash: -amount.dollars(), ..Whatif::default() })
}

/// The chain exists and its vault lists the token.
pub(crate) fn check_token(state: &State, token: Token) -> Result<(), Reject> {
    state.chains.find(token.chain).ok_or(Reject::UnknownChain { chain: token.chain })?;
    let unknown = Reject::UnknownToken { asset: token.asset, chain: token.chain };
    state.token(token).map(|_| ()).ok_or(unknown)
}

/// The account may lower its health: not locked and, where it owes or holds a position, on prices that allow it.
pub(crate) fn check_may_lower(state: &State, account: AccountId) -> Result<(), Reject> {
    let record = state.accounts.get(account);
    let owes = !record.loans.is_empty() || record.claims.iter().any(|claim| !claim.debt.scaled.is_zero());
    if owes || !record.positions.is_empty() {
        oracle::allows_account(state, record, Action::Borrow)?;
    }
    check_unlocked(state, account)
}

/// The account is not being liquidated.
pub(crate) fn check_unlocked(state: &State, account: AccountId) -> Result<(), Reject> {
    match state.accounts.get(account).task {
        Some(_) => Err(Reject::AccountLocked { account }),
        None => Ok(()),
    }
}

/// H_W after a change is zero or above.
pub(crate) fn check_health(state: &State, account: AccountId, whatif: Whatif) -> Result<(), Reject> {
    let health = health::withdrawal(state, account, whatif);
    if health.is_negative() {
        return Err(Reject::HealthTooLow { account, health });
    }
    Ok(())
}

/// Cash that an account can spend: what its claims were paid is in it, its settlement debts are paid from it. Who
/// spends it brings it in first, by [`settlement::collect`].
pub(crate) fn spendable(state: &State, account: AccountId) -> Amount {
    settlement::collected(state, state.accounts.get(account)).cash
}

/// The account has this much cash to spend.
pub(crate) fn check_cash(state: &State, account: AccountId, need: Amount) -> Result<(), Reject> {
    let have = spendable(state, account);
    if have < need {
        return Err(Reject::CashTooSmall { account, have, need });
    }
    Ok(())
}

/// Floors an amount to what the token's chain can pay (R25).
pub(crate) fn floor_to_unit(state: &State, token: Token, amount: Amount) -> Result<Floored, Reject> {
    let unknown = Reject::UnknownToken { asset: token.asset, chain: token.chain };
    let unit = state.token(token).ok_or(unknown)?.params.unit;
    Ok(Floored { kept: amount.units_down(unit), asked: amount, unit })
}

/// Something, and not more than the house counts.
pub(crate) fn check_amount(amount: Amount) -> Result<(), Reject> {
    if amount.is_zero() {
        return Err(Reject::AmountZero {});
    }
    if !amount.in_range() {
        return Err(Reject::AmountOutOfRange { amount, limit: Amount::LIMIT });
    }
    Ok(())
}
