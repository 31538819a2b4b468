//! Withdrawals: what leaves the vaults.
//!
//! - A release floors to the token's unit (R25); the rest stays where it was.
//! - Dollars leave the books exactly when a coin leaves its inventory.
//! - It pays what its delivery costs: the chain's gas as measured, rounded up to a cent, out of the amount (R32); of collateral
//!   out of cash where there is any. What is worth less than ten times that is not paid out.
//! - What does not fit a vault's free inventory waits (`queue`).
//! - While a coin is off par, dollars beyond an account's own deposits of the coin are paid in the mix of all
//!   inventories (R10): one release a coin, all or none ordered; each is undone by itself where a chain refuses it.

use super::{
    address, check_amount, check_cash, check_health, check_may_lower, floor_to_unit, own_deposits, par,
    queue, spendable,
};
use crate::ledger::{self, leave, pay, transfer};
use crate::market::settlement;
use crate::oracle;
use crate::orders::{self, Release, ReleaseOf};
use crate::risk::health::Whatif;
use crate::state::{Outcome, State};
use ballast_types::{
    AccountId, Address, ChainId, Event, LedgerAccount, Money, Nonce, OrderAction, Reason, Reject,
    ReleaseReason, Token,
};
use ballast_units::Amount;
use smallvec::SmallVec;

/// A withdrawal is worth so many times the cost of its delivery at least.
const LEAST_FEES: u128 = 10;

/// What a delivery costs is charged in whole cents.
const CENT: Amount = Amount::from_wei(10_000_000_000_000_000); // 0.01

/// A withdrawal that may be made, now or when the inventory allows it.
#[derive(Debug)]
pub(crate) struct WithdrawPlan {
    account: AccountId,
    /// What was asked for, in whole units.
    token: Token,
    amount: Amount,
    /// What pays it; several while a coin is off par.
    payouts: SmallVec<[Payout; 1]>,
    way: Way,
}

/// What a withdrawal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Cash becomes the coin.
    Cash,
    /// Collateral leaves as it is; the fee is paid from cash, or from it.
    Collateral {
        /// From cash.
        in_cash: bool,
    },
    /// It waits for inventory.
    Wait,
}

/// Tokens to an account's address on their chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payout {
    /// For whom.
    pub(crate) account: AccountId,
    /// What.
    pub(crate) token: Token,
    /// How much: whole units of the token.
    pub(crate) amount: Amount,
    /// What its delivery costs: dollars, or of the token where collateral pays it itself.
    pub(crate) fee: Amount,
    /// Where it goes.
    pub(crate) to: Address,
}

impl Payout {
    /// What it takes from whoever it is for, of a coin.
    pub(crate) fn all(&self) -> Amount {
        self.amount + self.fee
    }
}

/// What delivering a release on a chain costs, dollars; nothing where it was not measured.
pub(crate) fn fee(state: &State, chain: ChainId) -> Amount {
    let gas = state.chains.get(chain).gas.usable(state.now(), &state.house.oracle).unwrap_or(Amount::ZERO);
    gas.units_up(CENT).unwrap_or(gas)
}

/// Refuses what is not worth its delivery.
fn check_least(account: AccountId, amount: Amount, fee: Amount) -> Result<(), Reject> {
    let least = Amount::from_wei(fee.wei().saturating_mul(LEAST_FEES));
    if amount < least { Err(Reject::WithdrawalTooSmall { account, amount, least }) } else { Ok(()) }
}

/// Dollars as a coin: less the fee, and floored to the coin's unit. What rounds is part of the fee.
pub(crate) fn payout(
    state: &State,
    account: AccountId,
    token: Token,
    amount: Amount,
) -> Result<Payout, Reject> {
    let fee = fee(state, token.chain);
    check_least(account, amount, fee)?;
    let whole = floor_to_unit(state, token, amount)?.not_zero()?;
    let kept = floor_to_unit(state, token, whole.saturating_sub(fee))?.not_zero()?;
    let to = address(state, account, token.chain)?;
    Ok(Payout { account, token, amount: kept, fee: whole - kept, to })
}

/// Decides whether an account may take tokens out, and whether they can go now.
///
/// A stablecoin is paid from collateral of that very token where there is enough of it, otherwise from cash.
pub(crate) fn plan_withdrawal(
    state: &State,
    account: AccountId,
    token: Token,
    amount: Amount,
) -> Result<WithdrawPlan, Reject> {
    check_amount(amount)?;
    let record = state.accounts.find(account).ok_or(Reject::UnknownAccount { account })?;
    state.chains.find(token.chain).ok_or(Reject::UnknownChain { chain: token.chain })?;
    let floored = floor_to_unit(state, token, amount)?;
    check_may_lower(state, account)?;
    let stable = state.token(token).is_some_and(|listed| listed.stable);
    let have = record.balances.collateral(token);
    if !stable || floored.kept <= have {
        return plan_collateral(state, account, token, (floored, have));
    }
    let amount = floored.kept;
    check_cash(state, account, amount)?;
    check_health(state, account, Whatif { cash: -amount.dollars(), ..Whatif::default() })?;
    address(state, account, token.chain)?;
    let amount = floored.not_zero()?;
    let payouts = payouts(state, account, token, amount)?;
    let own = amount <= own_deposits(state, account, token);
    // Who brought the coin there waits behind nobody (R32).
    let way = if fits(state, &payouts) && (own || queue::is_empty(state, token)) {
        orders::check_open(state, account, payouts.len())?;
        Way::Cash
    } else {
        check_least(account, amount, fee(state, token.chain))?;
        Way::Wait
    };
    Ok(WithdrawPlan { account, token, amount, payouts, way })
}

/// Collateral out of its vault. The fee is paid from cash; where there is not enough, of the token at its index.
fn plan_collateral(
    state: &State,
    account: AccountId,
    token: Token,
    (floored, have): (super::Floored, Amount),
) -> Result<WithdrawPlan, Reject> {
    let whole = floored.kept;
    if have < whole {
        return Err(Reject::CollateralTooSmall { account, have, need: whole });
    }
    // What has no price is not worth less than anything.
    let index = oracle::index(state, token.asset);
    let fee = index.map_or(Amount::ZERO, |_| fee(state, token.chain));
    let in_cash = fee <= spendable(state, account);
    let dollars = if in_cash { fee } else { Amount::ZERO };
    let whatif = Whatif { token: Some((token, whole)), cash: -dollars.dollars(), ..Whatif::default() };
    check_health(state, account, whatif)?;
    let to = address(state, account, token.chain)?;
    let whole = floored.not_zero()?;
    orders::check_open(state, account, 1)?;
    let (amount, fee) = match index {
        Some(index) => {
            check_least(account, whole.value_down(index)?, fee)?;
            if in_cash {
                (whole, fee)
            } else {
                let kept = whole.saturating_sub(fee.at_price_up(index)?);
                let kept = floor_to_unit(state, token, kept)?.not_zero()?;
                (kept, whole - kept)
            }
        }
        None => (whole, Amount::ZERO),
    };
    let way = Way::Collateral { in_cash };
    let payouts = SmallVec::from_iter([Payout { account, token, amount, fee, to }]);
    Ok(WithdrawPlan { account, token, amount: whole, payouts, way })
}

/// What pays dollars out: one coin, or the mix. A part that is not worth its delivery stays where it is.
pub(super) fn payouts(
    state: &State,
    account: AccountId,
    token: Token,
    amount: Amount,
) -> Result<SmallVec<[Payout; 1]>, Reject> {
    let mut payouts = SmallVec::new();
    let mut refused = None;
    for (token, part) in par::mix(state, account, token, amount) {
        match payout(state, account, token, part) {
            Ok(payout) => payouts.push(payout),
            Err(reject @ (Reject::AmountBelowUnit { .. } | Reject::WithdrawalTooSmall { .. })) => {
                refused = Some(reject)
            }
            Err(reject) => return Err(reject),
        }
    }
    match refused {
        Some(reject) if payouts.is_empty() => Err(reject),
        _ => Ok(payouts),
    }
}

/// Orders the payment, or puts it in the queue.
pub(crate) fn execute_withdrawal(state: &mut State, out: &mut Outcome, plan: WithdrawPlan) {
    let WithdrawPlan { account, token, amount, payouts, way } = plan;
    settlement::collect(state, out, account);
    match way {
        Way::Cash => {
            for payout in payouts {
                pay_out_coin(state, out, LedgerAccount::Cash(account), payout, Reason::Withdrawal);
            }
        }
        Way::Collateral { in_cash } => {
            for payout in payouts {
                pay_out_collateral(state, out, payout, in_cash);
            }
        }
        Way::Wait => queue::enter(state, out, account, token, amount),
    }
}

/// Each inventory covers its part beside the chain's idle lending and what is kept for others (R10, R32).
fn fits(state: &State, payouts: &[Payout]) -> bool {
    payouts.iter().all(|payout| payout.all() <= queue::free(state, payout.token))
}

/// Inventory beyond what the chain's lenders have idle. Loans are paid out in the chain's coin alone.
pub(crate) fn free_inventory(state: &State, token: Token) -> Amount {
    let chain = state.chains.get(token.chain);
    let idle = if chain.coin == token.asset { chain.money.lending() } else { Amount::ZERO };
    inventory(state, token).saturating_sub(idle)
}

/// A stablecoin in its vault that backs dollars.
pub(crate) fn inventory(state: &State, token: Token) -> Amount {
    ledger::balance(state, LedgerAccount::Inventory(token), Money::Token(token))
}

/// Collateral leaves as it is.
fn pay_out_collateral(state: &mut State, out: &mut Outcome, payout: Payout, in_cash: bool) {
    let Payout { account, token, amount, fee, to: _ } = payout;
    let (from, to) = (LedgerAccount::Collateral(account, token), LedgerAccount::InFlight(token.chain));
    transfer(state, out, from, to, Money::Token(token), amount, Reason::Withdrawal);
    let fee = if in_cash {
        pay(state, out, LedgerAccount::Cash(account), LedgerAccount::Treasury, fee, Reason::Cost);
        fee
    } else {
        let warehouse = LedgerAccount::Warehouse(token);
        transfer(state, out, from, warehouse, Money::Token(token), fee, Reason::Cost);
        Amount::ZERO
    };
    let release = Release { account, token, amount, of: ReleaseOf::Collateral, deposits: Amount::ZERO, fee };
    order_release(state, out, payout, ReleaseReason::Withdrawal, release);
}

/// Dollars leave the books as their coin leaves the inventory; the fee stays, as the treasury's, which pays whoever delivers.
pub(crate) fn pay_out_coin(
    state: &mut State,
    out: &mut Outcome,
    from: LedgerAccount,
    payout: Payout,
    reason: Reason,
) {
    let Payout { account, token, amount, fee, to: _ } = payout;
    leave(state, out, from, Money::Usd, amount, reason);
    pay(state, out, from, LedgerAccount::Treasury, fee, Reason::Cost);
    let (inventory, in_flight) = (LedgerAccount::Inventory(token), LedgerAccount::InFlight(token.chain));
    transfer(state, out, inventory, in_flight, Money::Token(token), amount, reason);
    let before = own_deposits(state, account, token);
    let deposits = before.saturating_sub(amount);
    super::set_deposits(state, account, token, deposits);
    let release =
        Release { account, token, amount, of: ReleaseOf::Dollars, deposits: before - deposits, fee };
    let reason = if reason == Reason::Borrow { ReleaseReason::Loan } else { ReleaseReason::Withdrawal };
    order_release(state, out, payout, reason, release);
}

/// Takes out all of what an account deposited and the house does not take: to its address, in no queue. Its limits are the
/// vault's: what that refuses is in suspense again.
pub(crate) fn withdraw_suspense(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    token: Token,
) -> Result<(), Reject> {
    state.accounts.find(account).ok_or(Reject::UnknownAccount { account })?;
    state.chains.find(token.chain).ok_or(Reject::UnknownChain { chain: token.chain })?;
    let (from, money) = (LedgerAccount::Suspense(account, token), Money::Token(token));
    let amount = ledger::balance(state, from, money);
    if amount.is_zero() {
        return Err(Reject::NothingInSuspense { account, token });
    }
    let to = address(state, account, token.chain)?;
    orders::check_open(state, account, 1)?;
    let fee = Amount::ZERO;
    transfer(state, out, from, LedgerAccount::InFlight(token.chain), money, amount, Reason::Withdrawal);
    let release = Release { account, token, amount, of: ReleaseOf::Suspense, deposits: Amount::ZERO, fee };
    let payout = Payout { account, token, amount, fee, to };
    order_release(state, out, payout, ReleaseReason::Withdrawal, release);
    Ok(())
}

/// Tells the vault to pay.
fn order_release(
    state: &mut State,
    out: &mut Outcome,
    payout: Payout,
    reason: ReleaseReason,
    release: Release,
) {
    let Payout { account, token, amount, to, fee: _ } = payout;
    let action = OrderAction::Release { reason, to, asset: token.asset, amount };
    let nonce = orders::give_for(state, out, token.chain, action, Some(release));
    out.event(Event::ReleaseOrdered { account, token, amount, nonce });
}

/// The vault has paid, finally.
pub(super) fn complete_release(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    nonce: Nonce,
    release: &Release,
) {
    let (money, amount) = (Money::Token(release.token), release.amount);
    leave(state, out, LedgerAccount::InFlight(chain), money, amount, Reason::Withdrawal);
    out.event(Event::ReleaseCompleted { chain, nonce, amount });
}
