//! Credit: a lending pool a chain, in dollars.
//!
//! - Lenders hold shares of `idle + principal + (1 - reserve factor) · unpaid interest`, rounded down. A million
//!   virtual shares against one virtual wei keep the first lender from taking what the second brings.
//! - Borrowers owe `scaled · index`, rounded up; principal is kept apart, so that interest is the rest.
//! - Rate: linear in the pool's use up to a kink, steeper beyond it; linear in time within a step.
//! - A loan pays out on its chain, within that vault's inventory, less what the delivery costs. Borrowing counts as
//!   withdrawing (R14).
//! - A loan owes nothing or at least its chain's minimum: one that is not worth the gas of its liquidation is not made.
//!   Automatic loans may (R5), and one that is below it already, or whose account is locked, may be repaid in part.
//! - Interest is earned when it is paid: the reserve factor's part goes to `Fees(chain)`, the rest to lenders.

use crate::account::Loan;
use crate::custody::{self, Payout, check_amount};
use crate::ledger::pay;
use crate::market::settlement;
use crate::oracle;
use crate::orders;
use crate::risk::health::{self, Whatif};
use crate::state::{Outcome, State};
use ballast_types::{AccountId, Action, ChainId, Event, LedgerAccount, Reason, Reject, Scope, Token};
use ballast_units::math::{self, Overflow};
use ballast_units::{Amount, Bps, Millis, Ratio, Time, Wide};
use borsh::{BorshDeserialize, BorshSerialize};

/// 365.2425 days, the mean year of the Gregorian calendar: what a yearly rate is for.
pub const YEAR: Millis = Millis::seconds(31_556_952);

/// Use of a pool up to which it lends to settle losses by itself (R5).
const AUTO_LOAN_USE: Ratio = Ratio::percent(95);

/// Shares that nobody owns. They hold the value of [`VIRTUAL_ASSETS`]: inflating a share's price by a gift costs
/// the giver a million times what rounding can take from the next lender.
const VIRTUAL_SHARES: Amount = Amount::from_wei(1_000_000);

/// Dollars behind the virtual shares.
const VIRTUAL_ASSETS: Amount = Amount::from_wei(1);

/// Shares of a pool's fees (R19); the treasury has the rest.
const FEES_TO_FLOAT: Bps = Bps::new(3_000);
/// Up to the tranche's cap; what exceeds it goes to the float.
const FEES_TO_TRANCHE: Bps = Bps::new(4_000);

/// A chain's lending pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LendingPool {
    /// Growth of one dollar of debt since genesis.
    pub index: Ratio,
    /// When `index` was brought up to date.
    pub updated: Time,
    /// Σ principal of its loans.
    pub principal: Amount,
    /// Σ scaled debt of its loans.
    pub scaled: Amount,
    /// Σ shares of its lenders.
    pub shares: Amount,
    /// Losses of this chain that nobody has absorbed yet.
    pub deficit: Amount,
}

impl LendingPool {
    /// Without loans and lenders.
    #[must_use]
    pub fn new(now: Time) -> Self {
        Self {
            index: Ratio::ONE,
            updated: now,
            principal: Amount::ZERO,
            scaled: Amount::ZERO,
            shares: Amount::ZERO,
            deficit: Amount::ZERO,
        }
    }
}

/// What a repayment pays first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RepayOrder {
    /// A borrower's own repayment.
    InterestFirst,
    /// The distribution of a liquidation (R5).
    PrincipalFirst,
}

/// Cash becomes shares.
#[derive(Debug)]
pub(crate) struct LendPlan {
    account: AccountId,
    chain: ChainId,
    amount: Amount,
    shares: Amount,
}

/// Shares become cash.
#[derive(Debug)]
pub(crate) struct RedeemPlan {
    account: AccountId,
    chain: ChainId,
    amount: Amount,
    shares: Amount,
}

/// Idle dollars become a loan, paid out on the chain.
#[derive(Debug)]
pub(crate) struct BorrowPlan {
    account: AccountId,
    coin: Token,
    amount: Amount,
    payout: Payout,
}

/// Cash repays a loan.
#[derive(Debug)]
pub(crate) struct RepayPlan {
    account: AccountId,
    chain: ChainId,
    amount: Amount,
}

/// Share of the pool that is lent, rounded down; zero of an empty pool.
#[must_use]
pub fn utilisation(state: &State, chain: ChainId) -> Ratio {
    let record = state.chains.get(chain);
    let principal = record.pool.principal;
    Wide::ratio_of(Wide::from_amount(principal), Wide::from_amount(record.money.lending() + principal))
}

/// What borrowers pay a year now, rounded up: from `base` to `at_kink` up to the kink, to `at_full` beyond it.
#[must_use]
pub fn rate(state: &State, chain: ChainId) -> Ratio {
    let params = state.chains.get(chain).rate;
    let used = utilisation(state, chain);
    let line = |from: Ratio, to: Ratio, part: Ratio, whole: Ratio| -> Result<Ratio, Overflow> {
        from.checked_add(to.checked_sub(from)?.mul_up(part.div_up(whole)?)?)
    };
    let rate = if used <= params.kink {
        line(params.base, params.at_kink, used, params.kink)
    } else {
        line(params.at_kink, params.at_full, used - params.kink, Ratio::ONE - params.kink)
    };
    // Only a kink at 0 or 1 has no line on one of its sides: the rate there is the kink's.
    rate.unwrap_or(params.at_kink)
}

/// Brings every borrow index to the block's time, at the rate that held. Runs before anything else in a block.
pub(crate) fn accrue_all(state: &mut State) {
    for chain in state.chains.ids() {
        accrue(state, chain);
    }
    // A market's clock runs without debts too, so that its first debt starts at the block's time.
    let now = state.now();
    let top = state.chains.iter().map(|(_, chain)| chain.rate.at_full).max().unwrap_or(Ratio::ZERO);
    for market in state.markets.ids() {
        let debts = &mut state.markets.get_mut(market).debts;
        if !debts.principal.is_zero() {
            debts.index = grown(debts.index, top, now.since(debts.updated));
        }
        debts.updated = now;
    }
}

/// Brings a chain's borrow index to now. A pool without loans is not touched; the first loan starts its clock.
pub(crate) fn accrue(state: &mut State, chain: ChainId) {
    let now = state.now();
    let pool = &state.chains.get(chain).pool;
    let passed = now.since(pool.updated);
    if pool.scaled.is_zero() || passed.is_zero() {
        return;
    }
    let index = grown(pool.index, rate(state, chain), passed);
    let pool = &mut state.chains.get_mut(chain).pool;
    pool.index = index;
    pool.updated = now;
}

/// `index · (1 + rate · passed / year)`, rounded up; linear within a step. An index at the end of its range, a
/// thousand years away, stays there.
fn grown(index: Ratio, rate: Ratio, passed: Millis) -> Ratio {
    rate.per_time_up(passed, YEAR)
        .and_then(|growth| Ratio::ONE.checked_add(growth))
        .and_then(|growth| index.mul_up(growth))
        .unwrap_or(index)
}

/// Principal and interest of a loan, rounded up.
#[must_use]
pub(crate) fn owed(state: &State, loan: &Loan) -> Amount {
    let index = state.chains.get(loan.chain).pool.index;
    loan.scaled.mul_ratio_up(index).expect("R11: debts are in range").max(loan.principal)
}

/// Dollars that a pool's lenders have: idle, lent, and their part of the interest that is owed, rounded down. A
/// loss of the chain has already been taken out: its principal was written off, or the dollars of its par loss left.
#[must_use]
pub fn assets(state: &State, chain: ChainId) -> Amount {
    let record = state.chains.get(chain);
    let pool = &record.pool;
    let owed = pool.scaled.mul_ratio_down(pool.index).expect("R11: debts are in range");
    let interest = owed.saturating_sub(pool.principal);
    let earned = interest.bps_down(lenders_part(record.rate.reserve_factor));
    record.money.lending() + pool.principal + earned
}

/// What a lender's shares are worth, rounded down.
#[must_use]
pub fn lent(state: &State, chain: ChainId, account: AccountId) -> Amount {
    let shares = shares_of(state, chain, account);
    worth(state, chain, shares).expect("a lender's part is below the whole")
}

fn lenders_part(reserve_factor: Bps) -> Bps {
    Bps::ONE.saturating_sub(reserve_factor)
}

fn shares_of(state: &State, chain: ChainId, account: AccountId) -> Amount {
    state.lenders.find((chain, account)).copied().unwrap_or_default()
}

/// Shares and dollars of a pool with the virtual ones.
fn totals(state: &State, chain: ChainId) -> Result<(Amount, Amount), Overflow> {
    let shares = state.chains.get(chain).pool.shares.checked_add(VIRTUAL_SHARES)?;
    Ok((shares, assets(state, chain).checked_add(VIRTUAL_ASSETS)?))
}

/// Dollars of these shares, rounded down.
fn worth(state: &State, chain: ChainId, shares: Amount) -> Result<Amount, Overflow> {
    let (all_shares, all_assets) = totals(state, chain)?;
    all_assets.share_down(shares, all_shares)
}

/// Decides whether cash may be lent. Shares are not in health, so that lending counts as withdrawing.
pub(crate) fn plan_lend(
    state: &State,
    account: AccountId,
    chain: ChainId,
    amount: Amount,
) -> Result<LendPlan, Reject> {
    check_amount(amount)?;
    check_ids(state, account, chain)?;
    custody::check_may_lower(state, account)?;
    custody::check_cash(state, account, amount)?;
    custody::check_health(state, account, Whatif { cash: -amount.dollars(), ..Whatif::default() })?;
    let (all_shares, all_assets) = totals(state, chain)?;
    let shares = all_shares.share_down(amount, all_assets)?;
    if shares.is_zero() {
        return Err(Reject::LendTooSmall { chain });
    }
    all_shares.checked_add(shares)?;
    Ok(LendPlan { account, chain, amount, shares })
}

/// Moves cash into the pool.
pub(crate) fn execute_lend(state: &mut State, out: &mut Outcome, plan: LendPlan) {
    let LendPlan { account, chain, amount, shares } = plan;
    settlement::collect(state, out, account);
    pay(state, out, LedgerAccount::Cash(account), LedgerAccount::Lending(chain), amount, Reason::Lending);
    let held = shares_of(state, chain, account);
    state.lenders.insert((chain, account), held + shares);
    state.chains.get_mut(chain).pool.shares += shares;
    out.event(Event::Lent { account, chain, amount, shares });
}

/// Decides whether shares can be redeemed. No lock and no health check: it only brings cash.
pub(crate) fn plan_redeem(
    state: &State,
    account: AccountId,
    chain: ChainId,
    amount: Option<Amount>,
) -> Result<RedeemPlan, Reject> {
    if let Some(amount) = amount {
        check_amount(amount)?;
    }
    check_ids(state, account, chain)?;
    let held = shares_of(state, chain, account);
    let value = worth(state, chain, held)?;
    let amount = amount.unwrap_or(value);
    let idle = state.chains.get(chain).money.lending();
    if idle < amount {
        return Err(Reject::LendingTooSmall { chain, have: idle, need: amount });
    }
    if value < amount || value.is_zero() {
        return Err(Reject::SharesTooSmall { account, have: value, need: amount });
    }
    let (all_shares, all_assets) = totals(state, chain)?;
    // All of the value is all of the shares, or dust of shares would stay. Fewer round up, against the lender.
    let shares = if amount == value { held } else { all_shares.share_up(amount, all_assets)?.min(held) };
    Ok(RedeemPlan { account, chain, amount, shares })
}

/// Moves dollars out of the pool; the account's settlement debts are paid from them first.
pub(crate) fn execute_redeem(state: &mut State, out: &mut Outcome, plan: RedeemPlan) {
    let RedeemPlan { account, chain, amount, shares } = plan;
    let left = shares_of(state, chain, account) - shares;
    if left.is_zero() {
        state.lenders.remove((chain, account));
    } else {
        state.lenders.insert((chain, account), left);
    }
    state.chains.get_mut(chain).pool.shares -= shares;
    pay(state, out, LedgerAccount::Lending(chain), LedgerAccount::Cash(account), amount, Reason::Lending);
    out.event(Event::Redeemed { account, chain, amount, shares });
    settlement::collect(state, out, account);
}

/// Decides whether an account may borrow, and whether pool and vault can pay.
pub(crate) fn plan_borrow(
    state: &State,
    account: AccountId,
    chain: ChainId,
    amount: Amount,
) -> Result<BorrowPlan, Reject> {
    check_amount(amount)?;
    check_ids(state, account, chain)?;
    let record = state.chains.get(chain);
    let coin = Token { asset: record.coin, chain };
    let amount = custody::floor_to_unit(state, coin, amount)?;
    oracle::allows_account(state, state.accounts.get(account), Action::Borrow)?;
    custody::check_unlocked(state, account)?;
    custody::check_health(state, account, Whatif { debt: amount.kept, ..Whatif::default() })?;
    let before = state.accounts.get(account).loan(chain).map_or(Amount::ZERO, |loan| owed(state, loan));
    check_least(state, chain, before + amount.kept)?;
    let idle = record.money.lending();
    if idle < amount.kept {
        return Err(Reject::LendingTooSmall { chain, have: idle, need: amount.kept });
    }
    // What is kept for withdrawals that wait is theirs.
    let free = custody::inventory(state, coin).saturating_sub(state.queues.sum(coin).credit);
    if free < amount.kept {
        return Err(Reject::InventoryTooSmall { chain, have: free, need: amount.kept });
    }
    custody::address(state, account, chain)?;
    custody::check_par(state, account, coin, amount.kept)?;
    let amount = amount.not_zero()?;
    orders::check_open(state, account, 1)?;
    let payout = custody::payout(state, account, coin, amount)?;
    Ok(BorrowPlan { account, coin, amount, payout })
}

/// Books the loan and orders the payment: dollars leave the pool as the coin leaves the inventory.
pub(crate) fn execute_borrow(state: &mut State, out: &mut Outcome, plan: BorrowPlan) {
    let BorrowPlan { account, coin, amount, payout } = plan;
    let chain = coin.chain;
    book_loan(state, account, chain, amount);
    out.event(Event::Borrowed { account, chain, amount });
    custody::pay_out_coin(state, out, LedgerAccount::Lending(chain), payout, Reason::Borrow);
}

/// Decides how much of a loan is repaid. A locked account may repay.
pub(crate) fn plan_repay(
    state: &State,
    account: AccountId,
    chain: ChainId,
    amount: Option<Amount>,
) -> Result<RepayPlan, Reject> {
    if let Some(amount) = amount {
        check_amount(amount)?;
    }
    check_ids(state, account, chain)?;
    let loan = state.accounts.get(account).loan(chain).ok_or(Reject::NoLoan { account, chain })?;
    let owed = owed(state, loan);
    let need = amount.map_or(owed, |amount| amount.min(owed));
    let have = custody::spendable(state, account);
    let coins = custody::par::own_coins(state, account, chain, need.saturating_sub(have));
    let have = have + coins.map_or(Amount::ZERO, |(coins, worth)| coins.value_down(worth).unwrap_or(coins));
    if have < need {
        return Err(Reject::CashTooSmall { account, have, need });
    }
    let least = state.chains.get(chain).debt_min;
    let is_free = state.accounts.get(account).task.is_none();
    if need < owed && is_free && least <= owed {
        check_least(state, chain, owed - need)?;
    }
    Ok(RepayPlan { account, chain, amount: need })
}

/// Repays from cash, and what that lacks from the account's own coin of the chain: interest first, then principal.
pub(crate) fn execute_repay(state: &mut State, out: &mut Outcome, plan: RepayPlan) {
    let RepayPlan { account, chain, amount } = plan;
    settlement::collect(state, out, account);
    let lacks = amount.saturating_sub(crate::ledger::cash(state, account));
    custody::par::pay_with_own_coins(state, out, account, chain, lacks);
    repay_from(state, out, account, chain, LedgerAccount::Cash(account), amount, RepayOrder::InterestFirst);
    settlement::collect(state, out, account);
}

/// Repays a loan from any dollars, at most what is owed. Returns principal and interest repaid.
pub(crate) fn repay_from(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    chain: ChainId,
    from: LedgerAccount,
    amount: Amount,
    order: RepayOrder,
) -> (Amount, Amount) {
    let Some(&loan) = state.accounts.get(account).loan(chain) else { return (Amount::ZERO, Amount::ZERO) };
    let owed = owed(state, &loan);
    let paid = amount.min(owed);
    if paid.is_zero() {
        return (Amount::ZERO, Amount::ZERO);
    }
    let interest = match order {
        RepayOrder::InterestFirst => paid.min(owed - loan.principal),
        RepayOrder::PrincipalFirst => paid.saturating_sub(loan.principal),
    };
    let principal = paid - interest;
    let left = Loan {
        chain,
        principal: loan.principal - principal,
        scaled: scaled(owed - paid, state.chains.get(chain).pool.index).min(loan.scaled),
    };
    change_loan(state, account, loan, left);
    let fee = interest.bps_down(state.chains.get(chain).rate.reserve_factor.min(Bps::ONE));
    let lending = LedgerAccount::Lending(chain);
    pay(state, out, from, LedgerAccount::Fees(Scope::Chain(chain)), fee, Reason::Interest);
    pay(state, out, from, lending, interest - fee, Reason::Interest);
    pay(state, out, from, lending, principal, Reason::Repay);
    out.event(Event::Repaid { account, chain, principal, interest });
    (principal, interest)
}

/// The automatic loan that may settle a loss (R5): on which chain, and how much of `need`.
///
/// On the chain of the account's largest final collateral by value, within initial health and 95 % use: as if the
/// loss were not in health yet, so that a loss which still is an open one must be covered twice. What is pending
/// backs no loan (R9), though initial health counts it.
#[must_use]
pub(crate) fn auto_loan(state: &State, account: AccountId, need: Amount) -> Option<(ChainId, Amount)> {
    let record = state.accounts.get(account);
    oracle::allows_account(state, record, Action::Borrow).ok()?;
    let mut best: Option<(Wide, ChainId)> = None;
    let mut pending = Wide::ZERO;
    for held in state.collateral(record) {
        let Some(price) = oracle::index(state, held.token.asset) else { continue };
        let value = Wide::product_down(held.amount, price);
        if Wide::ZERO < value && best.is_none_or(|(most, _)| most < value) {
            best = Some((value, held.token.chain));
        }
        let terms = state.token(held.token)?.params;
        pending = pending.plus_wide(Wide::weighted_value_down(held.pending, price, terms.threshold_initial));
    }
    let (_, chain) = best?;
    let health = Wide::from_usd(health::initial(state, account, Whatif::default())).minus_wide(pending);
    let amount = need.min(health.to_usd_saturating().positive_part()).min(auto_loan_room(state, chain));
    (!amount.is_zero()).then_some((chain, amount))
}

/// What a pool may lend before 95 % of it is lent.
fn auto_loan_room(state: &State, chain: ChainId) -> Amount {
    let record = state.chains.get(chain);
    let idle = record.money.lending();
    let limit = (idle + record.pool.principal).mul_ratio_down(AUTO_LOAN_USE).expect("R11: below the whole");
    limit.saturating_sub(record.pool.principal).min(idle)
}

/// Books an automatic loan and pays it to where the loss is owed: it never leaves the books.
pub(crate) fn pay_from_loan(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    chain: ChainId,
    amount: Amount,
    to: LedgerAccount,
    reason: Reason,
) {
    book_loan(state, account, chain, amount);
    out.event(Event::Borrowed { account, chain, amount });
    pay(state, out, LedgerAccount::Lending(chain), to, amount, reason);
}

/// Gives a loan up: what was lent and is lost. Interest that was never paid was never earned. The caller sends
/// the loss down the waterfall.
pub(crate) fn write_off(state: &mut State, account: AccountId, chain: ChainId) -> Amount {
    let Some(&loan) = state.accounts.get(account).loan(chain) else { return Amount::ZERO };
    change_loan(state, account, loan, Loan { chain, ..Loan::default() });
    loan.principal
}

/// Splits a pool's fees (R19): float, the chain's tranche up to its cap, treasury, which has what rounding left.
pub(crate) fn split_fees(state: &mut State, out: &mut Outcome, chain: ChainId) {
    let scope = Scope::Chain(chain);
    let record = state.chains.get(chain);
    let fees = record.money.fees();
    if fees.is_zero() {
        return;
    }
    let room = record.tranche_cap.saturating_sub(record.money.tranche());
    let to_float = fees.bps_down(FEES_TO_FLOAT);
    let for_tranche = fees.bps_down(FEES_TO_TRANCHE);
    let to_tranche = for_tranche.min(room);
    let to_treasury = fees - to_float - for_tranche;
    let from = LedgerAccount::Fees(scope);
    pay(state, out, from, LedgerAccount::Float, to_float, Reason::FeeSplit);
    pay(state, out, from, LedgerAccount::Tranche(scope), to_tranche, Reason::FeeSplit);
    pay(state, out, from, LedgerAccount::Float, for_tranche - to_tranche, Reason::Overflow);
    pay(state, out, from, LedgerAccount::Treasury, to_treasury, Reason::FeeSplit);
}

/// Adds to an account's loan; its debt starts at what it is paid.
fn book_loan(state: &mut State, account: AccountId, chain: ChainId, amount: Amount) {
    let now = state.now();
    let pool = &state.chains.get(chain).pool;
    let added = scaled(amount, pool.index);
    if pool.scaled.is_zero() {
        state.chains.get_mut(chain).pool.updated = now;
    }
    let before =
        state.accounts.get(account).loan(chain).copied().unwrap_or(Loan { chain, ..Loan::default() });
    let after = Loan { chain, principal: before.principal + amount, scaled: before.scaled + added };
    change_loan(state, account, before, after);
}

/// Replaces a loan and keeps the pool's sums.
fn change_loan(state: &mut State, account: AccountId, before: Loan, after: Loan) {
    let pool = &mut state.chains.get_mut(before.chain).pool;
    pool.principal = pool.principal - before.principal + after.principal;
    pool.scaled = pool.scaled - before.scaled + after.scaled;
    state.accounts.get_mut(account).set_loan(after);
}

/// Dollars of debt divided by the borrow index, rounded up.
fn scaled(debt: Amount, index: Ratio) -> Amount {
    let index = index.wei().unsigned_abs();
    Amount::from_wei(math::div_wad_up(debt.wei(), index).expect("R11: the index is one or more"))
}

/// Refuses a loan that would owe less than its chain's minimum.
fn check_least(state: &State, chain: ChainId, owed: Amount) -> Result<(), Reject> {
    let least = state.chains.get(chain).debt_min;
    if owed < least { Err(Reject::LoanTooSmall { chain, owed, least }) } else { Ok(()) }
}

fn check_ids(state: &State, account: AccountId, chain: ChainId) -> Result<(), Reject> {
    if state.accounts.find(account).is_none() {
        return Err(Reject::UnknownAccount { account });
    }
    if state.chains.find(chain).is_none() {
        return Err(Reject::UnknownChain { chain });
    }
    Ok(())
}
