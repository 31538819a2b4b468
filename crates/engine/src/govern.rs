//! Governance's changes, once they are decided: typed, within bounds, and only what could also be listed.
//!
//! Absent: who may decide, and the timelock. A change reaches the engine when both are satisfied.

use crate::chain;
use crate::custody;
use crate::keeper;
use crate::liquidation;
use crate::market::{depth, listing};
use crate::migration;
use crate::orders;
use crate::reserve;
use crate::state::{Outcome, State};
use crate::validators;
use ballast_types::{
    AccountId, Address, Change, Event, LiquidationParams, MarketId, MarketParams, OrderAction, Reject, Scope,
};
use ballast_units::Ratio;

/// Decides on a change and carries it out.
pub(crate) fn execute(state: &mut State, out: &mut Outcome, change: &Change) -> Result<(), Reject> {
    match change {
        Change::Market { market, params } => change_market(state, out, *market, params),
        Change::Token { token, params } => chain::change_token(state, out, *token, *params),
        Change::Depth { market, factor } => change_depth(state, out, *market, *factor),
        Change::Maker { maker, listed } => {
            list_maker(state, out, *maker, *listed);
            Ok(())
        }
        Change::Resolve { task } => liquidation::resolve(state, out, *task),
        Change::WriteDown { token, worth } => custody::write_down(state, out, *token, *worth),
        Change::Keepers { params } => keeper::terms::change(state, out, params),
        Change::Verdict { keeper, upheld } => keeper::monitor::verdict(state, out, *keeper, *upheld),
        Change::AddChain { params } => chain::add(state, out, params),
        Change::ListToken { token, contract, unit, params } => {
            chain::list_token(state, out, *token, (*contract, *unit), *params)
        }
        Change::SetLimits { token, limits } => chain::set_limits(state, out, *token, *limits),
        Change::SetColdStore { chain, address } => reserve::set_store(state, out, *chain, *address),
        Change::Collect { chain, amount } => {
            reserve::plan(state, *chain, *amount).map(|plan| reserve::execute(state, out, plan))
        }
        Change::Liquidation { params } => change_liquidation(state, out, params),
        Change::Rotate { signers } => {
            validators::plan(state, signers).map(|plan| validators::execute(state, out, plan))
        }
        Change::Unfreeze { chain } => chain::unfreeze(state, out, *chain),
        Change::OpenPath { from, to } => liquidation::path::open(state, out, (*from, *to)),
        Change::Migrate { chain, to, domain } => migration::order(state, out, *chain, (*to, *domain)),
        Change::List { token, listing } => chain::list(state, out, *token, *listing),
        Change::WindDown { market, leaves } => wind_down(state, out, *market, *leaves),
    }
}

fn change_market(
    state: &mut State,
    out: &mut Outcome,
    market: MarketId,
    params: &MarketParams,
) -> Result<(), Reject> {
    let record = state.markets.find(market).ok_or(Reject::UnknownMarket { market })?;
    listing::check_bounds(params)?;
    if state.house.listing_check {
        listing::check_market(params, record.depth, record.curve.mark()?)?;
    }
    state.markets.get_mut(market).params = params.clone();
    let members: Vec<AccountId> = state.members(market).iter().collect();
    state.index.look_at(members);
    out.event(Event::ParametersChanged { scope: Scope::Market(market) });
    Ok(())
}

/// A market's positions can only be reduced from now on, or opened again.
fn wind_down(state: &mut State, out: &mut Outcome, market: MarketId, leaves: bool) -> Result<(), Reject> {
    state.markets.find(market).ok_or(Reject::UnknownMarket { market })?;
    state.markets.get_mut(market).leaves = leaves;
    out.event(Event::MarketWindingDown { market, leaves });
    Ok(())
}

/// Every task is looked at again: what is enough for one may be another now.
fn change_liquidation(
    state: &mut State,
    out: &mut Outcome,
    params: &LiquidationParams,
) -> Result<(), Reject> {
    listing::check_liquidation(params)?;
    chain::check_thresholds(state, params)?;
    state.house.liquidation = *params;
    liquidation::wake_all(state);
    out.event(Event::LiquidationTermsChanged {});
    Ok(())
}

/// Lists a market maker, or takes it off the list, and tells every chain. Without effect where it is so already.
fn list_maker(state: &mut State, out: &mut Outcome, maker: Address, listed: bool) {
    let known = state.house.makers.contains(&maker);
    if known == listed {
        return;
    }
    if listed {
        state.house.makers.insert(maker);
    } else {
        state.house.makers.remove(&maker);
    }
    for chain in state.chains.ids() {
        orders::give(state, out, chain, OrderAction::ListMaker { maker, listed });
    }
    out.event(Event::MakerListed { maker, listed });
}

fn change_depth(state: &mut State, out: &mut Outcome, market: MarketId, factor: Ratio) -> Result<(), Reject> {
    let plan = depth::plan_depth(state, market, factor)?;
    depth::check_budget(state, &plan)?;
    let cost = depth::cost(&plan);
    depth::execute(state, out, plan)?;
    let squared = factor.mul_down(factor)?;
    out.event(Event::DepthChanged { market, squared, cost });
    Ok(())
}
