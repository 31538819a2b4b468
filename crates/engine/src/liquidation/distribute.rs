//! Distribution: where the proceeds of a task's collateral go, and what is a loss (R5, R19).
//!
//! Money, in this order, as each take on chain X becomes final:
//!
//! 1. `Proceeds -> Lending(X)`: the loan on X, principal, then interest (its fee part to `Fees(X)`).
//! 2. `Proceeds -> Lending(other chain)`, `Pool(market)`: loans elsewhere and settlement debts, pro rata by what
//!    is owed, integer largest remainder; of each, principal before interest.
//! 3. `Proceeds -> Treasury`: costs of gas and bridges (`costs`).
//! 4. `Proceeds -> Treasury`, what it made good of market makers' rebates; `Proceeds -> Float`, half of the rest of
//!    the liquidation fee of the debt repaid from collateral; two fifths to its keepers, a tenth to `Treasury` (R19).
//! 5. `Proceeds -> Cash`: the rest, to the owner.
//!
//! - The fee waits for 1 and 2: it is paid from what they leave over. Where a sale was only to restore health,
//!   they are covered when health is: the fee is then what the sale lifts health above zero, at most.
//! - A task that has sent a loss down the waterfall pays no fee; what it has left repays the layers (R2).
//! - A task for settlement debt pays that debt, without fee, and gives the rest to the owner.

use super::{Cause, LotStage, costs, selling};
use crate::credit::{self, RepayOrder};
use crate::keeper;
use crate::ledger::{self, USD, balance, pay};
use crate::market::settlement;
use crate::risk::health;
use crate::state::{Outcome, State};
use crate::waterfall::{self, Absorbed};
use ballast_types::{AccountId, ChainId, Holder, LedgerAccount, MarketId, Reason, Scope, TaskId};
use ballast_units::math::div_wad_up;
use ballast_units::{Amount, Bps};

/// The reserve's part of a liquidation fee (R19).
const FEE_TO_RESERVE: Bps = Bps::new(5_000);

/// Part of a debt that a sale brings beyond it: 64 % a year is 0.1 % in 13 hours. What is over is the owner's.
const INTEREST_MARGIN: Bps = Bps::new(10);

/// Something an account owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Debt {
    /// The loan of a chain.
    Loan(ChainId),
    /// Settlement debt to a market.
    Settlement(MarketId),
}

/// What a task has to pay: every loan and settlement debt of its account, or, for settlement debt, what is older
/// than its grace.
fn debts(state: &State, id: TaskId) -> Vec<(Debt, Amount)> {
    let task = state.tasks.find(id).expect("the caller found it");
    let account = state.accounts.get(task.account);
    let only_overdue = task.cause == Cause::Settlement;
    let mut debts = Vec::new();
    if !only_overdue {
        debts.extend(account.loans.iter().map(|loan| (Debt::Loan(loan.chain), credit::owed(state, loan))));
    }
    let grace = state.house.liquidation.settlement_grace;
    for held in &account.claims {
        let owed = settlement::owed(state, held.market, &held.debt);
        let is_overdue = grace <= state.now().since(held.debt.since);
        if !owed.is_zero() && (is_overdue || !only_overdue) {
            debts.push((Debt::Settlement(held.market), owed));
        }
    }
    debts
}

/// What the debts of a task still lack, dollars.
pub(crate) fn lack(state: &State, id: TaskId) -> Amount {
    debts(state, id).iter().map(|(_, owed)| *owed).sum()
}

/// What the layers of the waterfall paid for a task and have not got back, and what of its deficits is open: what
/// its lots bring beyond its debts is theirs before it is the owner's (R2).
pub(crate) fn owed_to_layers(state: &State, id: TaskId) -> Amount {
    let task = state.tasks.find(id).expect("the caller found it");
    task.absorbed.iter().map(|taken| waterfall::outstanding(state, taken)).sum()
}

/// What a sale has to bring for it: the debts with the interest of the time until it is final, the fee on them and
/// on what was repaid before, and what the task owes the layers.
pub(crate) fn wanted(state: &State, id: TaskId) -> Amount {
    let owed = lack(state, id);
    let costs = state.tasks.find(id).expect("the caller found it").costs.due;
    owed + owed.bps_up(INTEREST_MARGIN) + costs + fee_due(state, id, owed) + owed_to_layers(state, id)
}

/// Health that a sale aims at, for this debt, rounded up.
pub(crate) fn target(state: &State, debt: Amount) -> Amount {
    debt.mul_ratio_up(state.house.liquidation.health_target).unwrap_or(debt)
}

/// Splits dollars over debts by R5: the loan on their own chain first, the others pro rata. At most what is owed.
fn split(debts: &[(Debt, Amount)], chain: Option<ChainId>, amount: Amount) -> Vec<Amount> {
    let is_own = |debt: Debt| chain.is_some_and(|chain| debt == Debt::Loan(chain));
    let own: Amount = debts.iter().filter(|(debt, _)| is_own(*debt)).map(|(_, owed)| *owed).sum();
    let first = amount.min(own);
    let bases: Vec<Amount> =
        debts.iter().map(|(debt, owed)| if is_own(*debt) { Amount::ZERO } else { *owed }).collect();
    let rest = (amount - first).min(bases.iter().sum());
    let mut shares = waterfall::apportion(rest, &bases);
    for ((debt, _), share) in debts.iter().zip(&mut shares) {
        if is_own(*debt) {
            *share = first;
        }
    }
    shares
}

/// Distributes everything a task's collateral on a chain has brought.
pub(crate) fn proceeds(state: &mut State, out: &mut Outcome, id: TaskId, chain: ChainId) {
    let from = LedgerAccount::Proceeds(id);
    let amount = balance(state, from, USD);
    if amount.is_zero() {
        return;
    }
    let account = state.tasks.find(id).expect("the caller found it").account;
    let debts = debts(state, id);
    let owed: Amount = debts.iter().map(|(_, owed)| *owed).sum();
    let cost = cost(state, id, amount, owed);
    let fee = fee(state, id, amount - cost, owed);
    let to_debts = (amount - cost - fee).min(owed);
    for ((debt, _), share) in debts.iter().zip(split(&debts, Some(chain), to_debts)) {
        repay(state, out, id, account, *debt, share);
    }
    costs::charge(state, out, id, cost);
    charge(state, out, id, fee);
    give_back(state, out, id);
    let left = balance(state, from, USD);
    pay(state, out, from, LedgerAccount::Cash(account), left, Reason::Distribution);
    state.tasks.find_mut(id).expect("found above").repaid.returned += left;
    settlement::collect(state, out, account);
}

fn repay(state: &mut State, out: &mut Outcome, id: TaskId, account: AccountId, debt: Debt, amount: Amount) {
    let from = LedgerAccount::Proceeds(id);
    match debt {
        Debt::Loan(chain) => {
            let order = RepayOrder::PrincipalFirst;
            let (principal, interest) = credit::repay_from(state, out, account, chain, from, amount, order);
            let repaid = &mut state.tasks.find_mut(id).expect("the caller found it").repaid;
            repaid.principal += principal;
            repaid.interest += interest;
        }
        Debt::Settlement(market) => {
            let paid = settlement::repay_debt(state, out, account, market, from, amount);
            state.tasks.find_mut(id).expect("the caller found it").repaid.settlement += paid;
        }
    }
}

/// The costs that a distribution of `amount` pays, with `owed` still to repay: what debts leave over, or what the sale
/// lifts health above zero. Of a task that has sent a loss down the waterfall, they are the reserve's.
fn cost(state: &State, id: TaskId, amount: Amount, owed: Amount) -> Amount {
    let task = state.tasks.find(id).expect("the caller found it");
    let due = if task.absorbed.is_empty() { task.costs.due } else { Amount::ZERO };
    if owed <= amount {
        return due.min(amount - owed);
    }
    due.min(lifted(state, id, amount)).min(amount)
}

/// Dollars by which health stands above zero once `amount` has repaid debt.
fn lifted(state: &State, id: TaskId, amount: Amount) -> Amount {
    let account = state.tasks.find(id).expect("the caller found it").account;
    let health = health::maintenance(state, account);
    health.checked_add(amount.dollars()).map_or(Amount::ZERO, |health| health.positive_part())
}

/// The fee that a distribution of `amount` pays, with `owed` still to repay.
fn fee(state: &State, id: TaskId, amount: Amount, owed: Amount) -> Amount {
    if owed <= amount {
        return fee_due(state, id, owed).min(amount - owed);
    }
    // Each dollar that repays debt lifts health by one; a fee takes it away again.
    let above = lifted(state, id, amount);
    // The fee is not repaid debt: x = rate · (debt - x) has x = rate · debt / (1 + rate).
    let rate = Amount::from_wei(u128::from(state.house.liquidation.fee_collateral.get()));
    let one = Amount::from_wei(u128::from(Bps::ONE.get()));
    let due = fee_due(state, id, amount).share_down(one, one + rate).unwrap_or(Amount::ZERO);
    due.min(above).min(amount)
}

/// The fee once `more` debt is repaid from collateral, less what was charged, rounded down.
fn fee_due(state: &State, id: TaskId, more: Amount) -> Amount {
    let task = state.tasks.find(id).expect("the caller found it");
    if task.cause == Cause::Settlement || !task.absorbed.is_empty() {
        return Amount::ZERO;
    }
    let rate = state.house.liquidation.fee_collateral;
    (task.repaid.debt() + more).bps_down(rate).saturating_sub(task.repaid.fee)
}

/// What a market maker kept of its payment is made good to the task, as far as the treasury goes (design 10).
pub(super) fn make_good(state: &mut State, out: &mut Outcome, id: TaskId, kept: Amount) {
    let paid = kept.min(balance(state, LedgerAccount::Treasury, USD));
    pay(state, out, LedgerAccount::Treasury, LedgerAccount::Proceeds(id), paid, Reason::Rebate);
    state.tasks.find_mut(id).expect("lots belong to open tasks").rebates += paid;
}

/// Splits the fee (R19); what the treasury advanced to market makers comes first.
fn charge(state: &mut State, out: &mut Outcome, id: TaskId, fee: Amount) {
    let from = LedgerAccount::Proceeds(id);
    state.tasks.find_mut(id).expect("the caller found it").repaid.fee += fee;
    let advanced = state.tasks.find(id).expect("found above").rebates.min(fee);
    pay(state, out, from, LedgerAccount::Treasury, advanced, Reason::Rebate);
    state.tasks.find_mut(id).expect("found above").rebates -= advanced;
    let fee = fee - advanced;
    let reserve = fee.bps_down(FEE_TO_RESERVE);
    let keepers = fee.bps_down(keeper::reward::of_fee(state));
    pay(state, out, from, LedgerAccount::Float, reserve, Reason::LiquidationFee);
    let task = state.tasks.find(id).expect("found above");
    let price = task.brought.price_of(task.worth).ok();
    keeper::pay(state, out, id, keepers, price);
    pay(state, out, from, LedgerAccount::Treasury, fee - reserve - keepers, Reason::LiquidationFee);
}

/// What is left repays the layers that paid for the task, the latest scope first.
fn give_back(state: &mut State, out: &mut Outcome, id: TaskId) {
    let from = LedgerAccount::Proceeds(id);
    let mut absorbed = state.tasks.find(id).expect("the caller found it").absorbed.clone();
    for taken in absorbed.iter_mut().rev() {
        let left = balance(state, from, USD);
        waterfall::refund(state, out, taken, from, left);
    }
    state.tasks.find_mut(id).expect("the caller found it").absorbed = absorbed;
}

/// Cash pays debts before collateral does, without fee: all of them pro rata, as it is tied to no chain. False
/// where there is none.
pub(crate) fn pay_from_cash(state: &mut State, out: &mut Outcome, id: TaskId) -> bool {
    let account = state.tasks.find(id).expect("the caller found it").account;
    let cash = ledger::cash(state, account);
    if cash.is_zero() {
        return false;
    }
    let debts = debts(state, id);
    for ((debt, _), share) in debts.iter().zip(split(&debts, None, cash)) {
        let from = LedgerAccount::Cash(account);
        match *debt {
            Debt::Loan(chain) => {
                credit::repay_from(state, out, account, chain, from, share, RepayOrder::PrincipalFirst);
            }
            Debt::Settlement(market) => {
                settlement::repay_debt(state, out, account, market, from, share);
            }
        }
    }
    true
}

/// Writes off what the account cannot pay: its lender shares are redeemed first, as far as pools have idle
/// dollars; what its warehoused lots are expected to bring stays owed. A loan is a loss of its chain, settlement
/// debt of its market; the account's claims pass to the float, up to the loss (R4).
pub(crate) fn write_off(state: &mut State, out: &mut Outcome, id: TaskId) {
    let account = state.tasks.find(id).expect("the caller found it").account;
    redeem_shares(state, out, id, account);
    pay_from_cash(state, out, id);
    let mut lost = Amount::ZERO;
    for (debt, keep) in kept(state, id) {
        let loss = forgive(state, account, debt, keep);
        lost += loss;
        absorb(state, out, id, debt, loss);
    }
    state.tasks.find_mut(id).expect("found above").repaid.shortfall += lost;
    pass_claims(state, out, account, lost);
}

fn redeem_shares(state: &mut State, out: &mut Outcome, id: TaskId, account: AccountId) {
    for chain in state.chains.ids() {
        let idle = state.chains.get(chain).money.lending();
        let amount = credit::lent(state, chain, account).min(idle).min(lack(state, id));
        if let Ok(plan) = credit::plan_redeem(state, account, chain, Some(amount)) {
            credit::execute_redeem(state, out, plan);
        }
    }
}

/// How much of each debt stays owed: what the task's warehoused lots are expected to pay of it.
fn kept(state: &State, id: TaskId) -> Vec<(Debt, Amount)> {
    let mut left = debts(state, id);
    let mut kept: Vec<(Debt, Amount)> = left.iter().map(|(debt, _)| (*debt, Amount::ZERO)).collect();
    for lot in &state.tasks.find(id).expect("the caller found it").lots {
        let lot = state.lots.find(*lot).expect("a task's lots are open");
        if !matches!(lot.stage, LotStage::Warehoused(_)) {
            continue;
        }
        for (part, dollars) in lot.split(selling::expected(state, lot)) {
            if part.task != id {
                continue;
            }
            let shares = split(&left, Some(part.home), dollars);
            for ((owed, kept), share) in left.iter_mut().zip(&mut kept).zip(shares) {
                owed.1 -= share;
                kept.1 += share;
            }
        }
    }
    kept
}

/// Lowers a debt to `keep`, of which principal is first. Returns the principal given up: interest that was never
/// paid was never earned.
fn forgive(state: &mut State, account: AccountId, debt: Debt, keep: Amount) -> Amount {
    match debt {
        Debt::Loan(chain) if keep.is_zero() => credit::write_off(state, account, chain),
        Debt::Settlement(market) if keep.is_zero() => settlement::write_off_debt(state, account, market),
        Debt::Loan(chain) => {
            let Some(mut loan) = state.accounts.get(account).loan(chain).copied() else {
                return Amount::ZERO;
            };
            let pool = &mut state.chains.get_mut(chain).pool;
            let scaled = scaled(keep, pool.index.wei().unsigned_abs()).min(loan.scaled);
            let lost = loan.principal.saturating_sub(keep);
            pool.principal -= lost;
            pool.scaled = pool.scaled - loan.scaled + scaled;
            loan.principal -= lost;
            loan.scaled = scaled;
            state.accounts.get_mut(account).set_loan(loan);
            lost
        }
        Debt::Settlement(market) => {
            let book = &mut state.markets.get_mut(market).debts;
            let debt = &mut state.accounts.get_mut(account).claim_mut(market).debt;
            let lost = debt.principal.saturating_sub(keep);
            book.principal -= lost;
            debt.principal -= lost;
            debt.scaled = scaled(keep, book.index.wei().unsigned_abs()).min(debt.scaled);
            lost
        }
    }
}

fn scaled(owed: Amount, index: u128) -> Amount {
    Amount::from_wei(div_wad_up(owed.wei(), index).expect("R11: the index is one or more"))
}

/// Sends a loss down the waterfall of its scope, and remembers who paid.
fn absorb(state: &mut State, out: &mut Outcome, id: TaskId, debt: Debt, loss: Amount) {
    if loss.is_zero() {
        return;
    }
    match debt {
        Debt::Loan(chain) => {
            let to = Some(LedgerAccount::Lending(chain));
            let taken = waterfall::absorb(state, out, Scope::Chain(chain), loss, to);
            remember(state, id, &taken);
        }
        Debt::Settlement(market) => {
            let to = Some(LedgerAccount::Pool(market));
            let mut left = loss;
            if let Cause::Reorg(chain) = state.tasks.find(id).expect("the caller found it").cause {
                let taken = waterfall::absorb_part(state, out, Scope::Chain(chain), loss, to);
                remember(state, id, &taken);
                left -= taken.paid();
            }
            let taken = waterfall::absorb(state, out, Scope::Market(market), left, to);
            remember(state, id, &taken);
        }
    }
}

fn remember(state: &mut State, id: TaskId, taken: &Absorbed) {
    if taken.amount().is_zero() {
        return;
    }
    let absorbed = &mut state.tasks.find_mut(id).expect("the caller found it").absorbed;
    match absorbed.iter_mut().find(|known| known.scope == taken.scope) {
        Some(known) => known.add(taken),
        None => absorbed.push(*taken),
    }
}

/// Passes unpaid claims to the float, market by market, until the loss is matched. They are claims on other
/// markets than the one that lost (there they were set off): its tranche has no part in those.
fn pass_claims(state: &mut State, out: &mut Outcome, account: AccountId, lost: Amount) {
    let markets: Vec<MarketId> = state.accounts.get(account).claims.iter().map(|held| held.market).collect();
    let mut left = lost;
    for market in markets {
        if left.is_zero() {
            break;
        }
        left -= settlement::pass_claim(state, out, account, market, Holder::Float, left);
    }
}
