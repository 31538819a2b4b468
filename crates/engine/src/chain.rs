//! Chains: what is checked before one is taken in, at genesis or later, and what its vault is told of its tokens.
//!
//! - A chain that is added is as one of genesis: same bounds, same first record. Nothing that there is changes by it.
//! - A vault's domain is one chain's: what is signed for one must be worth nothing for another (I09).
//! - Orders that set something are one at a time: delivered out of order, an older one would stand in the end.

use crate::credit::LendingPool;
use crate::custody;
use crate::ledger::{self, ChainMoney, TokenMoney};
use crate::liquidation::Passed;
use crate::market::listing;
use crate::measures::{DailyDepth, Measured};
use crate::state::{Chain, Outcome, State, TokenRecord};
use crate::table::RowId;
use crate::{auction, orders};
use ballast_types::{
    AccountId, Address, AssetId, ChainId, ChainParams, Event, Hash, LiquidationParams, Listing, Nonce,
    OrderAction, Reject, Scope, Sequence, Token, TokenParams, VaultLimits, digest,
};
use ballast_units::{Amount, Millis, Time};

/// What a vault can count, milliseconds.
const SPAN_MOST: Millis = Millis::new(4_294_967_295); // 2^32 - 1: 49 days

const FULL: Reject = Reject::ChainsFull { limit: 65_536 };

/// A token as a chain takes it in. `staked`: it is what keepers stake, and no collateral.
pub(crate) fn token_record(
    state: &State,
    asset: AssetId,
    params: TokenParams,
    staked: bool,
) -> Result<TokenRecord, Reject> {
    let stable = state.assets.find(asset).ok_or(Reject::UnknownAsset { asset })?.stable;
    check_token_terms(state, &params, !stable && !staked)?;
    Ok(TokenRecord {
        asset,
        stable,
        params,
        contract: None,
        money: TokenMoney::default(),
        depth: Measured::default(),
        auctioned: Amount::ZERO,
        written_down: Amount::ZERO,
        limits: None,
        passed: Passed::default(),
        listing: Listing::Open,
        days: DailyDepth::default(),
    })
}

/// Bounds of a token's terms and, where it can be `sold`, that its threshold covers what selling costs.
fn check_token_terms(state: &State, params: &TokenParams, sold: bool) -> Result<(), Reject> {
    listing::check_token_bounds(params)?;
    if state.house.listing_check && sold {
        let liquidation = &state.house.liquidation;
        listing::check_token(params, liquidation.fee_collateral.ratio(), liquidation.fill_expected)?;
    }
    Ok(())
}

/// Every token that is sold covers what selling costs under these terms.
pub(crate) fn check_thresholds(state: &State, liquidation: &LiquidationParams) -> Result<(), Reject> {
    if !state.house.listing_check {
        return Ok(());
    }
    let (fee, fill) = (liquidation.fee_collateral.ratio(), liquidation.fill_expected);
    for (chain, record) in state.chains.iter() {
        for token in record.tokens.iter().filter(|token| !token.stable) {
            if Some(Token { asset: token.asset, chain }) != state.house.keepers.token {
                listing::check_token(&token.params, fee, fill)?;
            }
        }
    }
    Ok(())
}

/// The record of a chain whose terms were checked.
pub(crate) fn record(state: &State, params: &ChainParams, mut tokens: Vec<TokenRecord>) -> Chain {
    tokens.sort_by_key(|token| token.asset);
    let now = state.house.time;
    Chain {
        tier: params.tier,
        block_time: params.block_time,
        inclusion_p95: params.inclusion_p95,
        domain: params.domain,
        kind: params.kind,
        coin: params.coin,
        tokens,
        money: ChainMoney::default(),
        cold_store: None,
        pool: LendingPool::new(now),
        rate: params.rate,
        auction: params.auction,
        tranche_cap: params.tranche_cap,
        debt_min: params.debt_min,
        pending_cap: params.pending_cap,
        pending: Amount::ZERO,
        next_sequence: Sequence(1),
        next_final: Sequence(1),
        final_time: Time::ZERO,
        heard: now,
        gas: Measured::default(),
        bridge: Measured::default(),
        next_nonce: Nonce(1),
        epoch: state.epoch(),
        epoch_seen: state.epoch(),
        migration: None,
    }
}

/// Appends a chain: its id, where no other one has its domain. Zero stands for the domain of a chain in this process.
pub(crate) fn append(state: &mut State, mut record: Chain) -> Result<ChainId, Reject> {
    let next = ChainId::of(state.chains.len()).ok_or(FULL)?;
    if record.domain == Hash::default() {
        record.domain = digest::domain_in_process(next);
    }
    let domain = record.domain;
    if let Some((chain, _)) = state.chains.iter().find(|(_, other)| other.domain == domain) {
        return Err(Reject::DomainTaken { domain, chain });
    }
    Ok(state.chains.push(record).expect("an id is left"))
}

/// Takes in another chain, and tells its vault of the market makers that there are.
pub(crate) fn add(state: &mut State, out: &mut Outcome, params: &ChainParams) -> Result<(), Reject> {
    let next = ChainId::of(state.chains.len()).ok_or(FULL)?;
    let mut tokens: Vec<TokenRecord> = Vec::new();
    for (asset, terms) in &params.tokens {
        check_unstaked(state, *asset)?;
        if tokens.iter().any(|token| token.asset == *asset) {
            return Err(Reject::TokenListed { asset: *asset, chain: next });
        }
        tokens.push(token_record(state, *asset, *terms, false)?);
    }
    check_coin(&tokens, params.coin)?;
    listing::check_rate(&params.rate)?;
    auction::check(&params.auction, params.inclusion_p95)?;
    let record = record(state, params, tokens);
    let chain = append(state, record)?;
    out.event(Event::ChainAdded { chain, domain: state.chains.get(chain).domain });
    let makers: Vec<Address> = state.house.makers.iter().copied().collect();
    for maker in makers {
        orders::give(state, out, chain, OrderAction::ListMaker { maker, listed: true });
    }
    Ok(())
}

/// A chain's coin is a stablecoin among its tokens.
pub(crate) fn check_coin(tokens: &[TokenRecord], coin: AssetId) -> Result<(), Reject> {
    if tokens.iter().any(|token| token.asset == coin && token.stable) {
        return Ok(());
    }
    Err(Reject::CoinNotListed { asset: coin })
}

/// What keepers stake lies on one chain, that of genesis.
fn check_unstaked(state: &State, asset: AssetId) -> Result<(), Reject> {
    match state.house.keepers.token {
        Some(token) if token.asset == asset => Err(Reject::TokenListed { asset, chain: token.chain }),
        Some(_) | None => Ok(()),
    }
}

/// Another token for a chain, or other terms and the contract of one that it has; its vault is told. The hub counts in the
/// contract's unit, or in whole numbers of it: what a token shares between chains may have fewer digits.
pub(crate) fn list_token(
    state: &mut State,
    out: &mut Outcome,
    token: Token,
    (contract, unit): (Address, Amount),
    params: TokenParams,
) -> Result<(), Reject> {
    let Token { asset, chain } = token;
    state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    if params.unit.wei().checked_rem(unit.wei()) != Some(0) {
        return Err(Reject::AmountBelowUnit { amount: params.unit, unit });
    }
    match state.token(token) {
        Some(record) if record.contract.is_some_and(|known| known != contract) => {
            return Err(Reject::TokenListed { asset, chain });
        }
        Some(_) => change_token(state, out, token, params)?,
        None => {
            check_unstaked(state, asset)?;
            let record = token_record(state, asset, params, false)?;
            let tokens = &mut state.chains.get_mut(chain).tokens;
            tokens.push(record);
            tokens.sort_by_key(|token| token.asset);
            ledger::adopt(state, token);
        }
    }
    state.token_mut(token).contract = Some(contract);
    let action = OrderAction::ListToken { asset, token: contract, unit };
    let nonce = orders::give(state, out, chain, action);
    out.event(Event::TokenListed { token, contract, nonce });
    Ok(())
}

/// Other terms for a token.
pub(crate) fn change_token(
    state: &mut State,
    out: &mut Outcome,
    token: Token,
    params: TokenParams,
) -> Result<(), Reject> {
    custody::check_token(state, token)?;
    let stable = state.token(token).is_some_and(|record| record.stable);
    let unit = state.token(token).map_or(params.unit, |record| record.params.unit);
    if params.unit != unit {
        return Err(Reject::UnitChanged { unit, asked: params.unit });
    }
    check_token_terms(state, &params, !stable && Some(token) != state.house.keepers.token)?;
    state.token_mut(token).params = params;
    // Whoever holds the token may have become unhealthy; there is no list of holders, so everybody is looked at.
    let everybody: Vec<AccountId> = (0..state.accounts.len()).map_while(AccountId::of).collect();
    state.index.look_at(everybody);
    out.event(Event::ParametersChanged { scope: Scope::Chain(token.chain) });
    Ok(())
}

/// Deposits of a token are paused, or taken again; or the token leaves the house.
pub(crate) fn list(
    state: &mut State,
    out: &mut Outcome,
    token: Token,
    listing: Listing,
) -> Result<(), Reject> {
    custody::check_token(state, token)?;
    state.token_mut(token).listing = listing;
    out.event(Event::TokenListingChanged { token, listing });
    Ok(())
}

/// Tells a vault how much of a token may leave.
pub(crate) fn set_limits(
    state: &mut State,
    out: &mut Outcome,
    token: Token,
    limits: VaultLimits,
) -> Result<(), Reject> {
    custody::check_token(state, token)?;
    let Token { asset, chain } = token;
    check_none_open(state, token)?;
    within(limits.window, Millis::new(1), SPAN_MOST)?;
    // A release is paid before its order expires, or never.
    let life = Millis::new(state.house.orders.life.get().saturating_sub(1));
    within(limits.delay, Millis::ZERO, SPAN_MOST.min(life))?;
    state.token_mut(token).limits = Some(limits);
    let VaultLimits { outflow, window, delay_above, delay } = limits;
    let action = OrderAction::SetLimits { asset, outflow, window, delay_above, delay };
    let nonce = orders::give(state, out, chain, action);
    out.event(Event::LimitsOrdered { token, limits, nonce });
    Ok(())
}

/// Tells a vault that its freeze is over.
pub(crate) fn unfreeze(state: &mut State, out: &mut Outcome, chain: ChainId) -> Result<(), Reject> {
    state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    let nonce = orders::give(state, out, chain, OrderAction::Unfreeze {});
    out.event(Event::UnfreezeOrdered { chain, nonce });
    Ok(())
}

/// No order of limits for the token is open.
fn check_none_open(state: &State, Token { asset, chain }: Token) -> Result<(), Reject> {
    for ((_, nonce), sent) in state.orders.range((chain, Nonce(0))..=(chain, Nonce(u64::MAX))) {
        if matches!(sent.order.action, OrderAction::SetLimits { asset: of, .. } if of == asset) {
            return Err(Reject::OrderOpen { chain, nonce });
        }
    }
    Ok(())
}

fn within(have: Millis, low: Millis, high: Millis) -> Result<(), Reject> {
    if have < low || high < have { Err(Reject::LimitsBounds { have, low, high }) } else { Ok(()) }
}
