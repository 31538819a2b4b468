//! Views: the state as people and programs ask for it, in one shape for every screen.

use crate::account::{Loan, Position};
use crate::custody::queue;
use crate::market::{funding, settlement};
use crate::risk::health;
use crate::state::State;
use crate::{credit, oracle};
use ballast_types::{
    AccountId, ChainId, Holder, LedgerAccount, LossId, MarketId, Money, Scope, TaskId, Token,
};
use ballast_units::{Amount, Price, Ratio, Size, Time, Usd};

/// A market.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is a word of the glossary")]
pub struct MarketView {
    pub base_reserve: Amount,
    pub quote_reserve: Amount,
    pub mark: Price,
    pub mark_twap: Option<Price>,
    pub index: Option<Price>,
    pub risk_price: Option<Price>,
    pub open_interest_long: Amount,
    pub open_interest_short: Amount,
    pub net_size: Size,
    pub pool: Amount,
    /// Unpaid, suspended ones included.
    pub claims: Amount,
    pub settlement_debt: Amount,
    /// Dollars a base unit for the last period; positive: longs paid.
    pub funding_rate: Usd,
    /// Dollars charged so far to one base unit of a long.
    pub funding_index: Usd,
    pub funding_index_short: Usd,
    pub backing: Ratio,
    pub depth: Amount,
    pub tranche: Amount,
    pub budget: Amount,
    pub deficit: Amount,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is a word of the glossary")]
pub struct AccountView {
    /// Paid claims that nobody has touched yet included.
    pub cash: Amount,
    /// Withdrawals that wait for a coin: by coin, dollars, and for how many of them a coin is kept.
    pub waiting: Vec<(Token, Amount, Amount)>,
    pub collateral: Vec<CollateralView>,
    pub loans: Vec<LoanView>,
    pub positions: Vec<PositionView>,
    /// Unpaid claims and settlement debts by market.
    pub claims: Vec<ClaimView>,
    /// Lender shares by chain, and their worth in dollars.
    pub lent: Vec<LentView>,
    pub receipts: Vec<(LossId, Amount)>,
    /// Worth in dollars without weights or margins.
    pub equity: Usd,
    /// H_M.
    pub health: Usd,
    pub locked: Option<TaskId>,
}

/// One token of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is a word of the glossary")]
pub struct CollateralView {
    pub token: Token,
    pub amount: Amount,
    pub pending: Amount,
}

/// One loan of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is a word of the glossary")]
pub struct LoanView {
    pub chain: ChainId,
    pub principal: Amount,
    pub interest: Amount,
}

/// One position of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is a word of the glossary")]
pub struct PositionView {
    pub market: MarketId,
    pub size: Size,
    pub cost: Usd,
    /// At the risk price, funding apart.
    pub pnl: Usd,
    /// Funding not yet booked; positive: the account owes it.
    pub funding: Usd,
}

/// Claim and debt of an account in one market.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is a word of the glossary")]
pub struct ClaimView {
    pub market: MarketId,
    pub claim: Amount,
    pub debt: Amount,
}

/// An account's part of a lending pool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is a word of the glossary")]
pub struct LentView {
    pub chain: ChainId,
    pub shares: Amount,
    pub worth: Amount,
}

/// The layers of the waterfall, and what they have absorbed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is a word of the glossary")]
pub struct WaterfallView {
    pub tranches: Vec<(Scope, Amount)>,
    pub float: Amount,
    pub cover: Amount,
    pub cold: Amount,
    pub treasury: Amount,
    pub deficits: Vec<DeficitView>,
}

/// A loss that left a deficit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is a word of the glossary")]
pub struct DeficitView {
    pub loss: LossId,
    pub scope: Scope,
    pub time: Time,
    pub deficit: Amount,
    pub left: Amount,
}

/// A market as it stands.
#[must_use]
pub fn market(state: &State, id: MarketId) -> Option<MarketView> {
    let market = state.markets.find(id)?;
    Some(MarketView {
        base_reserve: market.curve.base,
        quote_reserve: market.curve.quote,
        mark: market.prices.last_mark?,
        mark_twap: market.prices.mark.average_at(state.now()),
        index: oracle::index(state, market.asset),
        risk_price: market.prices.risk,
        open_interest_long: market.books.long,
        open_interest_short: market.books.short,
        net_size: market.books.net,
        pool: market.money.pool(),
        claims: market.claims.unpaid() + market.claims.suspended,
        settlement_debt: market.debts.principal,
        funding_rate: market.funding.rate,
        funding_index: market.funding.index_long,
        funding_index_short: market.funding.index_short,
        backing: market.backing,
        depth: market.depth,
        tranche: market.money.tranche(),
        budget: market.money.budget(),
        deficit: market.deficit,
    })
}

/// An account as it stands.
#[must_use]
pub fn account(state: &State, id: AccountId) -> Option<AccountView> {
    let account = state.accounts.find(id)?;
    let collateral = account.balances.holdings().iter();
    let lent = state.chains.ids().filter_map(|chain| {
        let shares = *state.lenders.find((chain, id))?;
        Some(LentView { chain, shares, worth: credit::lent(state, chain, id) })
    });
    Some(AccountView {
        cash: health::cash(state, account),
        waiting: queue::entries(state, id).map(|(token, entry)| (token, entry.held, entry.credit)).collect(),
        collateral: collateral
            .map(|held| CollateralView { token: held.token, amount: held.amount, pending: held.pending })
            .collect(),
        loans: account.loans.iter().map(|loan| loan_view(state, loan)).collect(),
        positions: account.positions.iter().map(|position| position_view(state, position)).collect(),
        claims: account
            .claims
            .iter()
            .map(|held| ClaimView {
                market: held.market,
                claim: settlement::standing(state, account, held.market).unpaid(),
                debt: settlement::owed(state, held.market, &held.debt),
            })
            .collect(),
        lent: lent.collect(),
        receipts: state
            .receipts
            .iter()
            .filter(|((_, holder), _)| *holder == Holder::Account(id))
            .map(|((loss, _), amount)| (loss, *amount))
            .collect(),
        equity: health::equity(state, id),
        health: health::maintenance(state, id),
        locked: account.task,
    })
}

fn loan_view(state: &State, loan: &Loan) -> LoanView {
    let owed = credit::owed(state, loan);
    LoanView { chain: loan.chain, principal: loan.principal, interest: owed.saturating_sub(loan.principal) }
}

fn position_view(state: &State, position: &Position) -> PositionView {
    let market = state.markets.get(position.market);
    PositionView {
        market: position.market,
        size: position.size,
        cost: position.cost,
        pnl: market.prices.risk.map_or(Usd::ZERO, |price| position.pnl(price)),
        funding: funding::owed(&market.funding, position),
    }
}

/// Every ledger account that holds something: accounts first, then markets, chains, tokens, lots, tasks, house.
#[must_use]
pub fn ledger(state: &State) -> Vec<(LedgerAccount, Money, Amount)> {
    let mut rows = Vec::new();
    each_balance(state, |account, money, amount| rows.push((account, money, amount)));
    rows
}

/// The same, one by one: who only adds them up keeps no list of millions.
pub(crate) fn each_balance(state: &State, mut tell: impl FnMut(LedgerAccount, Money, Amount)) {
    for (id, account) in state.accounts.iter() {
        let mut row = held(&mut tell);
        row(LedgerAccount::Cash(id), Money::Usd, account.balances.cash());
        for held in account.balances.holdings() {
            let money = Money::Token(held.token);
            row(LedgerAccount::Collateral(id, held.token), money, held.amount);
            row(LedgerAccount::Pending(id, held.token), money, held.pending);
        }
    }
    each_balance_outside_accounts(state, &mut tell);
}

/// Tells only of what is not zero.
fn held(tell: &mut impl FnMut(LedgerAccount, Money, Amount)) -> impl FnMut(LedgerAccount, Money, Amount) {
    |account, money, amount| {
        if !amount.is_zero() {
            tell(account, money, amount);
        }
    }
}

/// What markets, chains, lots, tasks, keepers and the house hold.
pub(crate) fn each_balance_outside_accounts(
    state: &State,
    tell: &mut impl FnMut(LedgerAccount, Money, Amount),
) {
    let mut row = held(tell);
    for (id, market) in state.markets.iter() {
        let money = &market.money;
        let scope = Scope::Market(id);
        row(LedgerAccount::Pool(id), Money::Usd, money.pool());
        row(LedgerAccount::Payable(id), Money::Usd, money.payable());
        row(LedgerAccount::Budget(id), Money::Usd, money.budget());
        row(LedgerAccount::Tranche(scope), Money::Usd, money.tranche());
        row(LedgerAccount::Fees(scope), Money::Usd, money.fees());
    }
    for (id, chain) in state.chains.iter() {
        let money = &chain.money;
        let scope = Scope::Chain(id);
        row(LedgerAccount::Lending(id), Money::Usd, money.lending());
        row(LedgerAccount::Tranche(scope), Money::Usd, money.tranche());
        row(LedgerAccount::Fees(scope), Money::Usd, money.fees());
        row(LedgerAccount::Cold(id), Money::Usd, money.cold());
        for record in &chain.tokens {
            let token = Token { asset: record.asset, chain: id };
            let money = Money::Token(token);
            row(LedgerAccount::ParReserve(token), Money::Usd, record.money.par_reserve());
            row(LedgerAccount::Inventory(token), money, record.money.inventory());
            row(LedgerAccount::InFlight(id), money, record.money.in_flight());
            row(LedgerAccount::Warehouse(token), money, record.money.warehouse());
        }
    }
    for (id, lot) in state.lots.iter() {
        row(LedgerAccount::Lot(id), Money::Token(lot.token), lot.held);
    }
    for (id, task) in state.tasks.iter() {
        row(LedgerAccount::Proceeds(id), Money::Usd, task.proceeds);
    }
    if let Some(token) = state.house.keepers.token {
        let money = Money::Token(token);
        for (id, keeper) in state.keepers.iter() {
            row(LedgerAccount::Stake(id), money, keeper.stake);
        }
        row(LedgerAccount::Fines, money, state.house.money.fines());
    }
    for ((id, token), entry) in state.waiting.iter() {
        row(LedgerAccount::Waiting(id, token), Money::Usd, entry.held);
    }
    for (id, round) in state.rounds.iter() {
        row(LedgerAccount::Pot(id), Money::Usd, round.pot);
    }
    for ((account, token), amount) in state.aside.iter() {
        row(account, Money::Token(token), *amount);
    }
    row(LedgerAccount::Float, Money::Usd, state.house.money.float());
    row(LedgerAccount::Treasury, Money::Usd, state.house.money.treasury());
}

/// The waterfall as it stands.
#[must_use]
pub fn waterfall(state: &State) -> WaterfallView {
    let markets = state.markets.iter().map(|(id, market)| (Scope::Market(id), market.money.tranche()));
    let chains = state.chains.iter().map(|(id, chain)| (Scope::Chain(id), chain.money.tranche()));
    WaterfallView {
        tranches: markets.chain(chains).collect(),
        float: state.house.money.float(),
        cover: Amount::ZERO,
        cold: state.chains.iter().map(|(_, chain)| chain.money.cold()).sum(),
        treasury: state.house.money.treasury(),
        deficits: state
            .losses
            .iter()
            .map(|(loss, record)| DeficitView {
                loss,
                scope: record.scope,
                time: record.time,
                deficit: record.deficit,
                left: record.left,
            })
            .collect(),
    }
}
