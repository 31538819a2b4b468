//! Fees: where they go (R19).
//!
//! - Trading: 30 % reserve, 20 % the market's budget, 20 % its tranche, 30 % treasury. Interest: see `credit`.
//! - Tranche and budget have a cap; what would exceed it goes to the float.
//! - Rounds: each share down; the treasury gets the rest, so that nothing stays behind.

use crate::credit;
use crate::ledger::pay;
use crate::state::{Outcome, State};
use ballast_types::{ChainId, LedgerAccount, MarketId, Reason, Scope};
use ballast_units::{Amount, Bps};

const RESERVE: Bps = Bps::new(3_000);
const BUDGET: Bps = Bps::new(2_000);
const TRANCHE: Bps = Bps::new(2_000);

/// Splits what the block brought in.
pub(crate) fn split(state: &mut State, out: &mut Outcome) {
    let markets: Vec<MarketId> = state.markets.ids().collect();
    for market in markets {
        split_market(state, out, market);
    }
    let chains: Vec<ChainId> = state.chains.ids().collect();
    for chain in chains {
        if !state.chains.get(chain).money.fees().is_zero() {
            credit::split_fees(state, out, chain);
        }
    }
}

fn split_market(state: &mut State, out: &mut Outcome, market: MarketId) {
    let record = state.markets.get(market);
    let fees = record.money.fees();
    if fees.is_zero() {
        return;
    }
    let budget_room = record.params.budget_cap.saturating_sub(record.money.budget());
    let tranche_room = record.params.tranche_cap.saturating_sub(record.money.tranche());
    let scope = Scope::Market(market);
    let from = LedgerAccount::Fees(scope);
    let budget = fees.bps_down(BUDGET);
    let tranche = fees.bps_down(TRANCHE);
    let reserve = fees.bps_down(RESERVE);
    let treasury = fees - budget - tranche - reserve;
    let (to_budget, to_tranche) = (budget.min(budget_room), tranche.min(tranche_room));
    let over: Amount = budget - to_budget + tranche - to_tranche;
    pay(state, out, from, LedgerAccount::Budget(market), to_budget, Reason::FeeSplit);
    pay(state, out, from, LedgerAccount::Tranche(scope), to_tranche, Reason::FeeSplit);
    pay(state, out, from, LedgerAccount::Float, reserve, Reason::FeeSplit);
    pay(state, out, from, LedgerAccount::Float, over, Reason::Overflow);
    pay(state, out, from, LedgerAccount::Treasury, treasury, Reason::FeeSplit);
}
