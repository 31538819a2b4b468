//! Fees: where they go (R19).
//!
//! - Trading: 30 % reserve, 20 % the market's budget, 20 % its tranche, 30 % treasury. Interest: see `credit`.
//! - Tranche and budget have a cap; what would exceed it goes to the float.
//! - Rounds: each share down; the treasury gets the rest, so that nothing stays behind.

use crate::credit;
use crate::ledger::pay;
use crate::state::{Outcome, State};
use ballast_types::{ChainId, LedgerAccount, MarketId, Reason, Scope};
use ballast_units::Bps;

const RESERVE: Bps = Bps::new(3_000);
const BUDGET: Bps = Bps::new(2_000);
const TRANCHE: Bps = Bps::new(2_000);

/// Splits what the block brought in.
pub(crate) fn split(state: &mut State, out: &mut Outcome) {
    let markets: Vec<MarketId> = state.markets.ids().collect();
    for market in markets {
        split_market(state, out, market);
        overflow(state, out, market);
    }
    let chains: Vec<ChainId> = state.chains.ids().collect();
    for chain in chains {
        if !state.chains.get(chain).money.fees().is_zero() {
            credit::split_fees(state, out, chain);
        }
        let record = state.chains.get(chain);
        let over = record.money.tranche().saturating_sub(record.tranche_cap);
        let tranche = LedgerAccount::Tranche(Scope::Chain(chain));
        pay(state, out, tranche, LedgerAccount::Float, over, Reason::Overflow);
    }
}

/// Whatever fills tranche and budget, fees or funding or a gift: what stands above their caps is the float's.
fn overflow(state: &mut State, out: &mut Outcome, market: MarketId) {
    let record = state.markets.get(market);
    let tranche = record.money.tranche().saturating_sub(record.params.tranche_cap);
    let budget = record.money.budget().saturating_sub(record.params.budget_cap);
    let from = LedgerAccount::Tranche(Scope::Market(market));
    pay(state, out, from, LedgerAccount::Float, tranche, Reason::Overflow);
    pay(state, out, LedgerAccount::Budget(market), LedgerAccount::Float, budget, Reason::Overflow);
}

fn split_market(state: &mut State, out: &mut Outcome, market: MarketId) {
    let record = state.markets.get(market);
    let fees = record.money.fees();
    if fees.is_zero() {
        return;
    }
    let scope = Scope::Market(market);
    let from = LedgerAccount::Fees(scope);
    let budget = fees.bps_down(BUDGET);
    let tranche = fees.bps_down(TRANCHE);
    let reserve = fees.bps_down(RESERVE);
    let treasury = fees - budget - tranche - reserve;
    pay(state, out, from, LedgerAccount::Budget(market), budget, Reason::FeeSplit);
    pay(state, out, from, LedgerAccount::Tranche(scope), tranche, Reason::FeeSplit);
    pay(state, out, from, LedgerAccount::Float, reserve, Reason::FeeSplit);
    pay(state, out, from, LedgerAccount::Treasury, treasury, Reason::FeeSplit);
}
