//! Governance's changes, once they are decided: typed, within bounds, and only what could also be listed.
//!
//! Absent: who may decide, and the timelock. A change reaches the engine when both are satisfied.

use crate::custody;
use crate::keeper;
use crate::liquidation;
use crate::market::{depth, listing};
use crate::orders;
use crate::state::{Outcome, State};
use crate::table::RowId;
use ballast_types::{
    AccountId, Address, Change, Event, MarketId, MarketParams, OrderAction, Reject, Scope, Token, TokenParams,
};
use ballast_units::Ratio;

/// Decides on a change and carries it out.
pub(crate) fn execute(state: &mut State, out: &mut Outcome, change: &Change) -> Result<(), Reject> {
    match change {
        Change::Market { market, params } => change_market(state, out, *market, params),
        Change::Token { token, params } => change_token(state, out, *token, *params),
        Change::Depth { market, factor } => change_depth(state, out, *market, *factor),
        Change::Maker { maker, listed } => {
            list_maker(state, out, *maker, *listed);
            Ok(())
        }
        Change::Resolve { task } => liquidation::resolve(state, out, *task),
        Change::WriteDown { token, worth } => custody::write_down(state, out, *token, *worth),
        Change::Keepers { params } => keeper::terms::change(state, out, params),
        Change::Verdict { keeper, upheld } => keeper::monitor::verdict(state, out, *keeper, *upheld),
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

fn change_token(
    state: &mut State,
    out: &mut Outcome,
    token: Token,
    params: TokenParams,
) -> Result<(), Reject> {
    custody::check_token(state, token)?;
    listing::check_token_bounds(&params)?;
    if state.house.listing_check {
        listing::check_token(
            &params,
            state.house.liquidation.fee_collateral.ratio(),
            state.house.liquidation.fill_expected,
        )?;
    }
    state.token_mut(token).params = params;
    // Whoever holds the token may have become unhealthy; there is no list of holders, so everybody is looked at.
    let everybody: Vec<AccountId> = (0..state.accounts.len()).map_while(AccountId::of).collect();
    state.index.look_at(everybody);
    out.event(Event::ParametersChanged { scope: Scope::Chain(token.chain) });
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
