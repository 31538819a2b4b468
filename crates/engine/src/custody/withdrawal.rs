//! Withdrawals: what leaves the vaults.
//!
//! - A release floors to the token's unit (R25); the rest stays where it was.
//! - Dollars leave the books exactly when a coin leaves its inventory.
//! - What does not fit a vault's free inventory waits in order, and moves nothing until its turn comes.
//! - While a coin is off par, dollars beyond an account's own deposits of the coin are paid in the mix of all
//!   inventories (R10): one release a coin, all or none ordered; each is undone by itself where a chain refuses it.

use super::{
    address, cash, check_amount, check_cash, check_health, check_may_lower, floor_to_unit, own_deposits, par,
};
use crate::ledger::{self, leave, transfer};
use crate::market::settlement;
use crate::orders::{self, Release, ReleaseOf};
use crate::risk::health::Whatif;
use crate::state::{Outcome, State};
use ballast_types::{
    AccountId, Address, ChainId, Event, LedgerAccount, Money, Nonce, OrderAction, Reason, Reject,
    ReleaseReason, Token,
};
use ballast_units::Amount;
use borsh::{BorshDeserialize, BorshSerialize};
use smallvec::SmallVec;

/// Withdrawals that may wait on one chain; more are refused, so that a block's work is bounded.
const WAITING_LIMIT: usize = 1_024;

/// Waiting withdrawals of a chain that are tried again in one block.
const RETRY_BATCH: usize = 64;

/// A withdrawal that waits for inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Waiting {
    /// Whose.
    pub account: AccountId,
    /// What.
    pub token: Token,
    /// How much.
    pub amount: Amount,
}

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
    /// Collateral leaves as it is.
    Collateral,
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
    /// Where it goes.
    pub(crate) to: Address,
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
    let plan = plan_payout(state, account, token, amount)?;
    if plan.way == Way::Collateral {
        return Ok(plan);
    }
    let amount = plan.amount;
    let (mut waiting, mut ahead, mut own) = (0_usize, Amount::ZERO, Amount::ZERO);
    for (_, other) in state.waiting.range(queue(token.chain)) {
        waiting = waiting.saturating_add(1);
        if other.token == token {
            ahead += other.amount;
        }
        if other.account == account {
            own += other.amount;
        }
    }
    if plan.fits(state, ahead) {
        return Ok(plan);
    }
    // The same cash waits once on a chain, or a queue of promises would hold up everybody's.
    let have = cash(state, account).saturating_sub(own);
    if have < amount {
        return Err(Reject::CashTooSmall { account, have, need: amount });
    }
    if WAITING_LIMIT <= waiting {
        let have = free_inventory(state, token).saturating_sub(ahead);
        return Err(Reject::InventoryTooSmall { chain: token.chain, have, need: amount });
    }
    Ok(WithdrawPlan { way: Way::Wait, ..plan })
}

/// Everything that does not depend on the inventory.
fn plan_payout(
    state: &State,
    account: AccountId,
    token: Token,
    amount: Amount,
) -> Result<WithdrawPlan, Reject> {
    check_amount(amount)?;
    let record = state.accounts.find(account).ok_or(Reject::UnknownAccount { account })?;
    state.chains.find(token.chain).ok_or(Reject::UnknownChain { chain: token.chain })?;
    let floored = floor_to_unit(state, token, amount)?;
    let amount = floored.kept;
    check_may_lower(state, account)?;
    let stable = state.token(token).is_some_and(|listed| listed.stable);
    let have = record.balances.collateral(token);
    let way = if stable && have < amount { Way::Cash } else { Way::Collateral };
    let whatif = match way {
        Way::Cash | Way::Wait => {
            check_cash(state, account, amount)?;
            Whatif { cash: -amount.dollars(), ..Whatif::default() }
        }
        Way::Collateral => {
            if have < amount {
                return Err(Reject::CollateralTooSmall { account, have, need: amount });
            }
            Whatif { token: Some((token, amount)), ..Whatif::default() }
        }
    };
    check_health(state, account, whatif)?;
    let to = address(state, account, token.chain)?;
    let amount = floored.not_zero()?;
    let payouts = match way {
        Way::Cash => payouts(state, account, token, amount)?,
        Way::Collateral | Way::Wait => SmallVec::from_iter([Payout { account, token, amount, to }]),
    };
    Ok(WithdrawPlan { account, token, amount, payouts, way })
}

/// What pays dollars out: one coin, or the mix. Each part is floored to its coin's unit (R25).
fn payouts(
    state: &State,
    account: AccountId,
    token: Token,
    amount: Amount,
) -> Result<SmallVec<[Payout; 1]>, Reject> {
    let mut payouts = SmallVec::new();
    let mut least = Amount::ZERO;
    for (token, part) in par::mix(state, account, token, amount) {
        let floored = floor_to_unit(state, token, part)?;
        least = least.max(floored.unit);
        if !floored.kept.is_zero() {
            let to = address(state, account, token.chain)?;
            payouts.push(Payout { account, token, amount: floored.kept, to });
        }
    }
    if payouts.is_empty() {
        return Err(Reject::AmountBelowUnit { amount, unit: least });
    }
    Ok(payouts)
}

/// Orders the payment, or puts it in the queue, where it moves nothing.
pub(crate) fn execute_withdrawal(state: &mut State, out: &mut Outcome, plan: WithdrawPlan) {
    let WithdrawPlan { account, token, amount, payouts, way } = plan;
    match way {
        Way::Cash => {
            settlement::collect(state, out, account);
            for payout in payouts {
                pay_out_coin(state, out, LedgerAccount::Cash(account), payout, Reason::Withdrawal);
            }
        }
        Way::Collateral => {
            for payout in payouts {
                pay_out_collateral(state, out, payout);
            }
        }
        Way::Wait => {
            let place = state.house.last_waiting.saturating_add(1);
            state.house.last_waiting = place;
            state.waiting.insert((token.chain, place), Waiting { account, token, amount });
            out.event(Event::WithdrawalQueued { account, token, amount });
        }
    }
}

/// Tries waiting withdrawals again, in order, a bounded number a chain and block. One that would be refused now
/// is dropped; one that does not fit holds up those behind it for the same coin.
pub(crate) fn retry_waiting(state: &mut State, out: &mut Outcome) {
    for chain in state.chains.ids() {
        let front: Vec<_> = state
            .waiting
            .range(queue(chain))
            .take(RETRY_BATCH)
            .map(|(key, waiting)| (key, *waiting))
            .collect();
        let mut held_up = Vec::new();
        for (key, Waiting { account, token, amount }) in front {
            if held_up.contains(&token) {
                continue;
            }
            match plan_payout(state, account, token, amount) {
                Ok(plan) if plan.way == Way::Collateral || plan.fits(state, Amount::ZERO) => {
                    state.waiting.remove(key);
                    execute_withdrawal(state, out, plan);
                }
                Ok(_) => held_up.push(token),
                Err(reject) => {
                    state.waiting.remove(key);
                    out.event(Event::WithdrawalRefused { account, token, amount, reject });
                }
            }
        }
    }
}

/// The keys of a chain's queue.
fn queue(chain: ChainId) -> std::ops::RangeInclusive<(ChainId, u64)> {
    (chain, 0)..=(chain, u64::MAX)
}

impl WithdrawPlan {
    /// After it, each inventory still covers the chain's idle lending and the withdrawals ahead (R10): `ahead` of the
    /// coin that was asked for, all that wait for another one.
    fn fits(&self, state: &State, ahead: Amount) -> bool {
        self.payouts.iter().all(|payout| {
            let ahead = if payout.token == self.token { ahead } else { waiting_for(state, payout.token) };
            payout.amount <= free_inventory(state, payout.token).saturating_sub(ahead)
        })
    }
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

/// Σ withdrawals of a coin that wait.
pub(crate) fn waiting_for(state: &State, token: Token) -> Amount {
    let queued = state.waiting.range(queue(token.chain)).filter(|(_, waiting)| waiting.token == token);
    queued.map(|(_, waiting)| waiting.amount).sum()
}

/// Collateral leaves as it is.
fn pay_out_collateral(state: &mut State, out: &mut Outcome, payout: Payout) {
    let Payout { account, token, amount, to: _ } = payout;
    let (from, to) = (LedgerAccount::Collateral(account, token), LedgerAccount::InFlight(token.chain));
    transfer(state, out, from, to, Money::Token(token), amount, Reason::Withdrawal);
    let release = Release { account, token, amount, of: ReleaseOf::Collateral, deposits: Amount::ZERO };
    order_release(state, out, payout, ReleaseReason::Withdrawal, release);
}

/// Dollars leave the books as their coin leaves the inventory.
pub(crate) fn pay_out_coin(
    state: &mut State,
    out: &mut Outcome,
    from: LedgerAccount,
    payout: Payout,
    reason: Reason,
) {
    let Payout { account, token, amount, to: _ } = payout;
    leave(state, out, from, Money::Usd, amount, reason);
    let (inventory, in_flight) = (LedgerAccount::Inventory(token), LedgerAccount::InFlight(token.chain));
    transfer(state, out, inventory, in_flight, Money::Token(token), amount, reason);
    let before = own_deposits(state, account, token);
    let deposits = before.saturating_sub(amount);
    super::set_deposits(state, account, token, deposits);
    let release = Release { account, token, amount, of: ReleaseOf::Dollars, deposits: before - deposits };
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
    transfer(state, out, from, LedgerAccount::InFlight(token.chain), money, amount, Reason::Withdrawal);
    let release = Release { account, token, amount, of: ReleaseOf::Suspense, deposits: Amount::ZERO };
    let payout = Payout { account, token, amount, to };
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
    let Payout { account, token, amount, to } = payout;
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
