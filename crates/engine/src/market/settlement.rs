//! Settlement: what realised profit and loss become.
//!
//! - Loss: the account's own claim in that market, then cash, then dollars that wait to be withdrawn (R32), then an
//!   automatic loan, then settlement debt (R4, R5). Cash goes to the market's pool; a set-off moves nothing, it cancels.
//! - Profit: the account's own settlement debt in that market, the rest a claim on the pool (R4).
//! - Rounds: interest on settlement debt up.
//! - Keeps: I04 (profit is paid only out of what a pool holds); I03 (3), since what is booked here is exactly
//!   what the books of the market lose or gain.

use super::claim::{Claim, Standing};
use super::debt::SettlementDebt;
use crate::account::Account;
use crate::credit;
use crate::custody::queue;
use crate::ledger::{self, pay};
use crate::state::{Outcome, State};
use ballast_types::{AccountId, ChainId, Event, Holder, LedgerAccount, MarketId, Reason, Scope};
use ballast_units::{Amount, Usd};
use smallvec::SmallVec;

/// What an account's cash and settlement debts are once paid claims have reached it.
#[derive(Clone, Debug)]
pub(crate) struct Collected {
    /// Cash, paid claims included, settlement debts paid from it.
    pub(crate) cash: Amount,
    /// What is then still owed, by market.
    pub(crate) debts: SmallVec<[(MarketId, Amount); 2]>,
}

/// How a realised profit or loss is settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settlement {
    /// Of the loss, cancelled against the account's own claim.
    pub(crate) set_off: Amount,
    /// Of the loss, paid from cash.
    pub(crate) cash: Amount,
    /// Of the loss, paid from dollars that wait to be withdrawn.
    pub(crate) waiting: Amount,
    /// Of the loss, paid by an automatic loan.
    pub(crate) loan: Option<(ChainId, Amount)>,
    /// Of the loss, owed to the pool.
    pub(crate) debt: Amount,
    /// Of the profit, cancelled against the account's own settlement debt.
    pub(crate) debt_repaid: Amount,
    /// Of the profit, claimed from the pool.
    pub(crate) claim: Amount,
}

/// What [`collect`] would leave, without doing it.
pub(crate) fn collected(state: &State, account: &Account) -> Collected {
    let mut cash = account.balances.cash();
    for claim in &account.claims {
        cash += state.markets.get(claim.market).claims.standing(&claim.claim).paid;
    }
    let mut debts = SmallVec::new();
    for claim in &account.claims {
        let owed = owed(state, claim.market, &claim.debt);
        let paid = owed.min(cash);
        cash -= paid;
        debts.push((claim.market, owed - paid));
    }
    Collected { cash, debts }
}

/// Settlement debt with interest, rounded up.
pub(crate) fn owed(state: &State, market: MarketId, debt: &SettlementDebt) -> Amount {
    debt.owed(&state.markets.get(market).debts).expect("R11: debts stay below 2^110")
}

/// How a profit or loss would be settled, on the account as [`collect`] leaves it.
pub(crate) fn plan(state: &State, id: AccountId, market: MarketId, pnl: Usd) -> Settlement {
    let account = state.accounts.get(id);
    let held = account.claim(market);
    if pnl.is_negative() {
        let loss = pnl.negative_part();
        let unpaid =
            held.map_or(Amount::ZERO, |held| state.markets.get(market).claims.standing(&held.claim).unpaid());
        let set_off = loss.min(unpaid);
        let cash = (loss - set_off).min(collected(state, account).cash);
        let waiting = (loss - set_off - cash).min(queue::held(state, id));
        let rest = loss - set_off - cash - waiting;
        let loan = if rest.is_zero() { None } else { credit::auto_loan(state, id, rest) };
        let debt = rest - loan.map_or(Amount::ZERO, |(_, amount)| amount);
        Settlement { set_off, cash, waiting, loan, debt, ..Settlement::default() }
    } else {
        let profit = pnl.positive_part();
        // Cash that `collect` pays on the debt first is not there to be cancelled any more.
        let owed = held.map_or(Amount::ZERO, |held| held.debt.principal);
        let left = collected(state, account)
            .debts
            .iter()
            .find(|(id, _)| *id == market)
            .map_or(Amount::ZERO, |d| d.1);
        let debt_repaid = profit.min(owed).min(left);
        Settlement { debt_repaid, claim: profit - debt_repaid, ..Settlement::default() }
    }
}

/// Brings an account's claims up to date: what was paid becomes cash. Then cash pays settlement debts, by
/// market. Call it wherever cash arrives.
pub(crate) fn collect(state: &mut State, out: &mut Outcome, id: AccountId) {
    if state.accounts.get(id).claims.is_empty() {
        return;
    }
    let markets: SmallVec<[MarketId; 4]> =
        state.accounts.get(id).claims.iter().map(|claim| claim.market).collect();
    for market in &markets {
        let mut claim = claim_of(state, id, *market);
        let paid = state.markets.get(*market).claims.touch(&mut claim);
        set_claim(state, id, *market, claim);
        pay(state, out, LedgerAccount::Payable(*market), LedgerAccount::Cash(id), paid, Reason::Claim);
    }
    for market in markets {
        let cash = ledger::cash(state, id);
        if !cash.is_zero() {
            repay_debt(state, out, id, market, LedgerAccount::Cash(id), cash);
        }
        forget_empty(state, id, market);
    }
}

/// Books a realised profit (positive) or loss.
pub(crate) fn realise(
    state: &mut State,
    out: &mut Outcome,
    id: AccountId,
    market: MarketId,
    pnl: Usd,
    reason: Reason,
) {
    if pnl.is_zero() {
        return;
    }
    collect(state, out, id);
    let settlement = plan(state, id, market, pnl);
    execute(state, out, id, market, settlement, reason);
}

/// Books a settlement that was planned on the account as it is.
pub(crate) fn execute(
    state: &mut State,
    out: &mut Outcome,
    id: AccountId,
    market: MarketId,
    settlement: Settlement,
    reason: Reason,
) {
    let Settlement { set_off, cash, waiting, loan, debt, debt_repaid, claim } = settlement;
    let pool = LedgerAccount::Pool(market);
    if !set_off.is_zero() {
        remove_claim(state, out, Holder::Account(id), market, set_off);
    }
    queue::reclaim(state, out, id, waiting);
    let cash = cash + waiting;
    pay(state, out, LedgerAccount::Cash(id), pool, cash, reason);
    if let Some((chain, amount)) = loan {
        credit::pay_from_loan(state, out, id, chain, amount, pool, reason);
    }
    if !debt.is_zero() {
        add_debt(state, id, market, debt);
    }
    if !debt_repaid.is_zero() {
        cancel_debt(state, id, market, debt_repaid);
    }
    if !claim.is_zero() {
        add_claim(state, out, Holder::Account(id), market, claim);
    }
    let lost = set_off + cash + debt + loan.map_or(Amount::ZERO, |(_, amount)| amount);
    if !lost.is_zero() {
        let loan = loan.map_or(Amount::ZERO, |(_, amount)| amount);
        out.event(Event::LossSettled { account: id, market, set_off, cash, loan, debt });
    }
    if !(debt_repaid + claim).is_zero() {
        out.event(Event::ProfitClaimed { account: id, market, debt_repaid, claim });
    }
    forget_empty(state, id, market);
}

/// Pays settlement debt: principal to the pool, then interest to the market's tranche. Returns what was paid.
pub(crate) fn repay_debt(
    state: &mut State,
    out: &mut Outcome,
    id: AccountId,
    market: MarketId,
    from: LedgerAccount,
    amount: Amount,
) -> Amount {
    let Some(held) = state.accounts.get(id).claim(market) else { return Amount::ZERO };
    let owed = owed(state, market, &held.debt);
    let paid = amount.min(owed);
    if paid.is_zero() {
        return Amount::ZERO;
    }
    let principal = paid.min(held.debt.principal);
    let interest = paid - principal;
    set_debt(state, id, market, held.debt.principal - principal, owed - paid);
    pay(state, out, from, LedgerAccount::Pool(market), principal, Reason::Repay);
    pay(state, out, from, LedgerAccount::Tranche(Scope::Market(market)), interest, Reason::Interest);
    paid
}

/// Takes an account's settlement debt off the books: a loss of its market, which the caller sends down the
/// waterfall. Unpaid interest was never earned by anybody. Returns the principal.
pub(crate) fn write_off_debt(state: &mut State, id: AccountId, market: MarketId) -> Amount {
    let Some(held) = state.accounts.get(id).claim(market) else { return Amount::ZERO };
    let principal = held.debt.principal;
    set_debt(state, id, market, Amount::ZERO, Amount::ZERO);
    forget_empty(state, id, market);
    principal
}

/// Passes at most `amount` of an insolvent account's claim in a market, at face, to whoever paid for it (R4).
/// Returns what was passed.
pub(crate) fn pass_claim(
    state: &mut State,
    out: &mut Outcome,
    id: AccountId,
    market: MarketId,
    to: Holder,
    amount: Amount,
) -> Amount {
    collect(state, out, id);
    let claim = claim_of(state, id, market);
    let passed = state.markets.get(market).claims.standing(&claim).unpaid().min(amount);
    if !passed.is_zero() {
        remove_claim(state, out, Holder::Account(id), market, passed);
        add_claim(state, out, to, market, passed);
        forget_empty(state, id, market);
    }
    passed
}

/// Who bears a deficit of a market: unpaid claims and positive PnL at the risk price, ascending (R1).
pub(crate) fn claimants(state: &State, market: MarketId) -> Vec<(Holder, Amount)> {
    let record = state.markets.get(market);
    let mut holders = Vec::new();
    for id in state.members(market).iter() {
        let account = state.accounts.get(id);
        let claim =
            account.claim(market).map_or(Amount::ZERO, |held| record.claims.standing(&held.claim).unpaid());
        let base = claim + open_profit(state, account, market);
        if !base.is_zero() {
            holders.push((Holder::Account(id), base));
        }
    }
    for (holder, claim) in HOUSE.into_iter().zip(&record.claims.house) {
        let unpaid = record.claims.standing(claim).unpaid();
        if !unpaid.is_zero() {
            holders.push((holder, unpaid));
        }
    }
    holders
}

/// Suspends `amount` of a holder's claim; what the claim lacks is realised from open profit first (R3).
pub(crate) fn suspend(
    state: &mut State,
    out: &mut Outcome,
    market: MarketId,
    holder: Holder,
    amount: Amount,
) {
    if let Holder::Account(id) = holder {
        collect(state, out, id);
        let claim = claim_of(state, id, market);
        let unpaid = state.markets.get(market).claims.standing(&claim).unpaid();
        let missing = amount.saturating_sub(unpaid);
        if !missing.is_zero() {
            super::position::realise_open(state, id, market, missing.dollars());
            add_claim(state, out, holder, market, missing);
        }
    }
    remove_claim(state, out, holder, market, amount);
    state.markets.get_mut(market).claims.suspended += amount;
    if let Holder::Account(id) = holder {
        forget_empty(state, id, market);
    }
}

/// Pays a market's claims as far as its pool goes, and the house what its claims were paid. Once a block.
pub(crate) fn pay_claims(state: &mut State, out: &mut Outcome, market: MarketId) {
    let record = state.markets.get(market);
    if record.claims.mature().is_zero() || record.money.pool().is_zero() {
        return;
    }
    let pool = record.money.pool();
    let claims = &mut state.markets.get_mut(market).claims;
    let paid = claims.pay(pool);
    let unpaid = claims.unpaid();
    pay(state, out, LedgerAccount::Pool(market), LedgerAccount::Payable(market), paid, Reason::Claim);
    out.event(Event::ClaimsPaid { market, paid, unpaid });
    collect_house(state, out, market);
}

/// Brings the house's claims in a market up to date, as [`collect`] does an account's: what was paid on them
/// reaches budget, tranche and float.
pub(crate) fn collect_house(state: &mut State, out: &mut Outcome, market: MarketId) {
    for holder in HOUSE {
        let mut claim = house_claim(state, market, holder);
        let paid = state.markets.get(market).claims.touch(&mut claim);
        set_house_claim(state, market, holder, claim);
        pay(state, out, LedgerAccount::Payable(market), house_account(market, holder), paid, Reason::Claim);
    }
}

/// Adds to a holder's claim. The house's own wait like any other.
pub(crate) fn add_claim(
    state: &mut State,
    out: &mut Outcome,
    holder: Holder,
    market: MarketId,
    amount: Amount,
) {
    if amount.is_zero() {
        return;
    }
    let record = state.markets.get_mut(market);
    let aged = record.params.claim_age;
    match holder {
        Holder::Account(id) => {
            // What was paid on it so far was collected before: the claim is up to date.
            let claim = &mut state.accounts.get_mut(id).claim_mut(market).claim;
            record.claims.add(claim, amount, aged);
            state.members_mut(market).insert(id);
        }
        Holder::Budget | Holder::Tranche | Holder::Float => {
            // Nobody collects for the house: a cohort that is mature by now must not become young again.
            let mut claim = house_claim(state, market, holder);
            let paid = state.markets.get(market).claims.touch(&mut claim);
            state.markets.get_mut(market).claims.add(&mut claim, amount, aged);
            set_house_claim(state, market, holder, claim);
            let account = house_account(market, holder);
            pay(state, out, LedgerAccount::Payable(market), account, paid, Reason::Claim);
        }
    }
}

fn remove_claim(state: &mut State, out: &mut Outcome, holder: Holder, market: MarketId, amount: Amount) {
    let mut claim = match holder {
        Holder::Account(id) => claim_of(state, id, market),
        Holder::Budget | Holder::Tranche | Holder::Float => house_claim(state, market, holder),
    };
    let paid = state.markets.get(market).claims.touch(&mut claim);
    let dust = state.markets.get_mut(market).claims.remove(&mut claim, amount);
    let account = match holder {
        Holder::Account(id) => {
            set_claim(state, id, market, claim);
            LedgerAccount::Cash(id)
        }
        Holder::Budget | Holder::Tranche | Holder::Float => {
            set_house_claim(state, market, holder, claim);
            house_account(market, holder)
        }
    };
    pay(state, out, LedgerAccount::Payable(market), account, paid, Reason::Claim);
    pay(state, out, LedgerAccount::Payable(market), LedgerAccount::Pool(market), dust, Reason::Dust);
}

const HOUSE: [Holder; 3] = [Holder::Budget, Holder::Tranche, Holder::Float];

fn house_account(market: MarketId, holder: Holder) -> LedgerAccount {
    match holder {
        Holder::Account(id) => LedgerAccount::Cash(id),
        Holder::Budget => LedgerAccount::Budget(market),
        Holder::Tranche => LedgerAccount::Tranche(Scope::Market(market)),
        Holder::Float => LedgerAccount::Float,
    }
}

fn house_claim(state: &State, market: MarketId, holder: Holder) -> Claim {
    let [budget, tranche, float] = state.markets.get(market).claims.house;
    match holder {
        Holder::Account(_) => Claim::default(),
        Holder::Budget => budget,
        Holder::Tranche => tranche,
        Holder::Float => float,
    }
}

fn set_house_claim(state: &mut State, market: MarketId, holder: Holder, claim: Claim) {
    let [budget, tranche, float] = &mut state.markets.get_mut(market).claims.house;
    match holder {
        Holder::Account(_) => {}
        Holder::Budget => *budget = claim,
        Holder::Tranche => *tranche = claim,
        Holder::Float => *float = claim,
    }
}

fn claim_of(state: &State, id: AccountId, market: MarketId) -> Claim {
    state.accounts.get(id).claim(market).map(|held| held.claim).unwrap_or_default()
}

fn set_claim(state: &mut State, id: AccountId, market: MarketId, claim: Claim) {
    if claim_of(state, id, market) != claim {
        state.accounts.get_mut(id).claim_mut(market).claim = claim;
    }
}

fn add_debt(state: &mut State, id: AccountId, market: MarketId, amount: Amount) {
    let now = state.now();
    let debt = state.accounts.get(id).claim(market).map(|held| held.debt).unwrap_or_default();
    let total = owed(state, market, &debt) + amount;
    if debt.scaled.is_zero() {
        state.accounts.get_mut(id).claim_mut(market).debt.since = now;
        state.debtors.insert((now, id, market));
    }
    set_debt(state, id, market, debt.principal + amount, total);
    state.members_mut(market).insert(id);
}

/// Cancels principal against a profit: no money moves.
fn cancel_debt(state: &mut State, id: AccountId, market: MarketId, amount: Amount) {
    let debt = state.accounts.get(id).claim(market).map(|held| held.debt).unwrap_or_default();
    let total = owed(state, market, &debt);
    set_debt(state, id, market, debt.principal - amount, total - amount);
}

/// Sets principal and what is owed in all, and keeps the market's sum.
fn set_debt(state: &mut State, id: AccountId, market: MarketId, principal: Amount, total: Amount) {
    let record = state.markets.get_mut(market);
    let scaled = ballast_units::math::div_wad_up(total.wei(), record.debts.index.wei().unsigned_abs())
        .map(Amount::from_wei)
        .expect("R11: debts stay below 2^110");
    let debt = &mut state.accounts.get_mut(id).claim_mut(market).debt;
    record.debts.principal = record.debts.principal + principal - debt.principal;
    debt.principal = principal;
    debt.scaled = scaled;
    let since = debt.since;
    if scaled.is_zero() {
        state.debtors.remove(&(since, id, market));
    }
}

fn forget_empty(state: &mut State, id: AccountId, market: MarketId) {
    let account = state.accounts.get(id);
    let Some(held) = account.claim(market) else { return };
    if !held.is_empty() {
        return;
    }
    let positionless = account.position(market).is_none();
    state.accounts.get_mut(id).claims.retain(|held| held.market != market);
    if positionless {
        state.members_mut(market).remove(id);
    }
}

/// Positive PnL of an account's position at the risk price.
fn open_profit(state: &State, account: &Account, market: MarketId) -> Amount {
    let Some(position) = account.position(market) else { return Amount::ZERO };
    let Some(price) = state.markets.get(market).prices.risk else { return Amount::ZERO };
    position.pnl(price).positive_part()
}

/// Where a claim stands.
pub(crate) fn standing(state: &State, account: &Account, market: MarketId) -> Standing {
    account
        .claim(market)
        .map(|held| state.markets.get(market).claims.standing(&held.claim))
        .unwrap_or_default()
}
