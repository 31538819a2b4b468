//! Views: the state as people and programs ask for it, in one shape for every screen.

use crate::state::State;
use ballast_types::{AccountId, ChainId, LedgerAccount, LossId, MarketId, Money, Scope, TaskId, Token};
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
    let _ = (state, id);
    None
}

/// An account as it stands.
#[must_use]
pub fn account(state: &State, id: AccountId) -> Option<AccountView> {
    let _ = (state, id);
    None
}

/// Every ledger account that holds something, in order.
#[must_use]
pub fn ledger(state: &State) -> Vec<(LedgerAccount, Money, Amount)> {
    let _ = state;
    Vec::new()
}

/// The waterfall as it stands.
#[must_use]
pub fn waterfall(state: &State) -> WaterfallView {
    let _ = state;
    WaterfallView {
        tranches: Vec::new(),
        float: Amount::ZERO,
        cover: Amount::ZERO,
        cold: Amount::ZERO,
        treasury: Amount::ZERO,
        deficits: Vec::new(),
    }
}
