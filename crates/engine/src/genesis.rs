//! From a genesis to the first state: names become ids, parameters are checked, every market opens its
//! backstop's account.

use crate::Engine;
use crate::market::{Books, Market, claim, curve, debt, depth, funding, guard, listing, price, round};
use crate::oracle::Asset;
use crate::state::{Chain, State};
use crate::{auction, chain, custody, keeper, validators};
use ballast_types::{Address, AssetId, ChainGenesis, ChainId, Genesis, MarketGenesis, Owner, Reject, Token};
use ballast_units::{Amount, Ratio};

/// Why a genesis was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// A name that nothing has.
    #[error("{place} names the {kind} {name:?}, which genesis does not define")]
    Unknown {
        /// "markets[0].asset".
        place: String,
        /// "asset".
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A name that two things have.
    #[error("{place} defines {name:?} a second time")]
    Twice {
        /// "assets[3]".
        place: String,
        /// The name.
        name: String,
    },
    /// A figure outside of its bounds, or listing conditions that do not hold.
    #[error("{place}: {reject}")]
    Refused {
        /// "markets[0]".
        place: String,
        /// Why.
        reject: Reject,
    },
}

impl Engine {
    /// The engine before its first block.
    pub fn new(genesis: &Genesis) -> Result<Self, GenesisError> {
        let mut state = State::default();
        state.house.time = genesis.time;
        state.house.oracle = genesis.oracle;
        state.house.liquidation = genesis.liquidation;
        state.house.orders = genesis.orders;
        state.house.float_limits = genesis.float;
        state.house.listing_check = genesis.listing_check;
        refused("oracle", listing::check_oracle(&genesis.oracle))?;
        refused("liquidation", listing::check_liquidation(&genesis.liquidation))?;
        refused("validators", validators::found(&mut state, &genesis.validators))?;
        for (at, asset) in genesis.assets.iter().enumerate() {
            unique(genesis.assets.iter().map(|asset| asset.symbol.as_str()), at, "assets")?;
            let record = Asset::new(asset.stable);
            state.assets.push(record).ok_or_else(|| full("assets"))?;
        }
        for (at, chain) in genesis.chains.iter().enumerate() {
            unique(genesis.chains.iter().map(|chain| chain.name.as_str()), at, "chains")?;
            let place = format!("chains[{at}]");
            let record = chain_record(&state, genesis, chain, &place)?;
            refused(&place, chain::append(&mut state, record))?;
        }
        for (at, market) in genesis.markets.iter().enumerate() {
            unique(genesis.markets.iter().map(|market| market.asset.as_str()), at, "markets")?;
            open_market(&mut state, genesis, market, at)?;
        }
        open_keepers(&mut state, genesis)?;
        state.derive();
        // The first hash covers everything there is: the block after genesis hashes only what it changes.
        crate::hash::seal(&mut state, &mut Vec::new());
        Ok(Self::of(state))
    }
}

/// Auction schedules that are listed with a warning: chain, and what a late inclusion is expected to cost (R16).
#[must_use]
pub fn late_inclusions(genesis: &Genesis) -> Vec<(&str, auction::LateInclusion)> {
    let late = |chain: &ChainGenesis| auction::check(&chain.auction, chain.inclusion_p95).ok().flatten();
    genesis.chains.iter().filter_map(|chain| Some((chain.name.as_str(), late(chain)?))).collect()
}

/// The stake token: an asset without a par, that one chain lists.
fn open_keepers(state: &mut State, genesis: &Genesis) -> Result<(), GenesisError> {
    refused("keepers", keeper::terms::check(&genesis.keepers))?;
    let book = &mut state.house.keepers;
    book.params = genesis.keepers;
    book.month_ends = genesis.time.after(keeper::rating::MONTH);
    let Some(symbol) = &genesis.stake_asset else { return Ok(()) };
    let asset = asset_id(genesis, symbol, "stake_asset")?;
    let listing =
        state.chains.iter().filter(|(_, chain)| chain.tokens.iter().any(|held| held.asset == asset));
    let chains: Vec<ChainId> = listing.map(|(chain, _)| chain).collect();
    let stable = genesis.assets.iter().any(|known| known.symbol == *symbol && known.stable);
    let [chain] = chains.as_slice() else { return Err(not_one_token(symbol)) };
    if stable {
        return Err(not_one_token(symbol));
    }
    state.house.keepers.token = Some(Token { asset, chain: *chain });
    Ok(())
}

fn not_one_token(symbol: &str) -> GenesisError {
    GenesisError::Unknown {
        place: "stake_asset".to_owned(),
        kind: "asset without par on exactly one chain",
        name: symbol.to_owned(),
    }
}

fn chain_record(
    state: &State,
    genesis: &Genesis,
    chain: &ChainGenesis,
    place: &str,
) -> Result<Chain, GenesisError> {
    let mut tokens = Vec::new();
    for (at, token) in chain.tokens.iter().enumerate() {
        let place = format!("{place}.tokens[{at}]");
        unique(chain.tokens.iter().map(|token| token.asset.as_str()), at, &format!("{place}.asset"))?;
        let asset = asset_id(genesis, &token.asset, &place)?;
        let staked = genesis.stake_asset.as_deref() == Some(token.asset.as_str());
        tokens.push(refused(&place, chain::token_record(state, asset, token.params, staked))?);
    }
    let coin = asset_id(genesis, &chain.coin, &format!("{place}.coin"))?;
    if chain::check_coin(&tokens, coin).is_err() {
        return Err(GenesisError::Unknown {
            place: format!("{place}.coin"),
            kind: "stablecoin among its tokens",
            name: chain.coin.clone(),
        });
    }
    refused(&format!("{place}.rate"), listing::check_rate(&chain.rate))?;
    refused(&format!("{place}.auction"), auction::check(&chain.auction, chain.inclusion_p95).map(|_| ()))?;
    let params = chain.params(coin, tokens.iter().map(|token| (token.asset, token.params)).collect());
    Ok(chain::record(state, &params, tokens))
}

fn open_market(
    state: &mut State,
    genesis: &Genesis,
    market: &MarketGenesis,
    at: usize,
) -> Result<(), GenesisError> {
    let place = format!("markets[{at}]");
    let asset = asset_id(genesis, &market.asset, &format!("{place}.asset"))?;
    let params = market.params.clone();
    let curve = curve::Curve { base: market.base_reserve, quote: market.quote_reserve };
    for amount in [curve.base, curve.quote] {
        if amount.is_zero() {
            return Err(GenesisError::Refused { place, reject: Reject::AmountZero {} });
        }
        if !amount.in_range() {
            let reject = Reject::AmountOutOfRange { amount, limit: Amount::LIMIT };
            return Err(GenesisError::Refused { place, reject });
        }
    }
    refused(&place, listing::check_bounds(&params))?;
    let mark =
        curve.mark().map_err(|error| GenesisError::Refused { place: place.clone(), reject: error.into() })?;
    if genesis.listing_check {
        refused(&place, listing::check_market(&params, curve.base, mark))?;
    }
    let backstop = refused(&place, custody::new_account(state, backstop_owner(at)))?;
    let mut prices =
        price::Prices { last_mark: Some(mark), updated: genesis.time, ..price::Prices::default() };
    prices.mark.set(genesis.time, mark, params.twap_window);
    let mut window = guard::MarkWindow::default();
    window.note(genesis.time, mark);
    let record = Market {
        leaves: false,
        asset,
        depth: curve.base,
        money: crate::ledger::MarketMoney::default(),
        books: Books::default(),
        claims: claim::ClaimBook::default(),
        debts: debt::DebtBook::new(genesis.time),
        funding: funding::Funding { since: genesis.time, ..funding::Funding::default() },
        prices,
        window,
        rounds: round::Rounds { next: genesis.time.after(params.funding_period), ..round::Rounds::default() },
        activity: depth::Activity::default(),
        backing: Ratio::ONE,
        backing_high: Ratio::ONE,
        backstop,
        deficit: Amount::ZERO,
        curve,
        params,
    };
    state.markets.push(record).ok_or_else(|| full("markets"))?;
    Ok(())
}

/// The house's own accounts have addresses that nobody has a key for: ASCII, market number last.
fn backstop_owner(market: usize) -> Owner {
    let mut address = [0_u8; 32];
    for (place, letter) in address.iter_mut().zip(b"ballast backstop") {
        *place = *letter;
    }
    Owner { address: Address(address), subaccount: u16::try_from(market).unwrap_or(u16::MAX) }
}

fn asset_id(genesis: &Genesis, symbol: &str, place: &str) -> Result<AssetId, GenesisError> {
    let at = genesis.assets.iter().position(|asset| asset.symbol == symbol);
    at.and_then(<AssetId as crate::table::RowId>::of).ok_or_else(|| GenesisError::Unknown {
        place: place.to_owned(),
        kind: "asset",
        name: symbol.to_owned(),
    })
}

fn unique<'a>(mut names: impl Iterator<Item = &'a str>, at: usize, place: &str) -> Result<(), GenesisError> {
    let names: Vec<&str> = names.by_ref().collect();
    let Some(name) = names.get(at) else { return Ok(()) };
    if names.iter().take(at).any(|earlier| earlier == name) {
        return Err(GenesisError::Twice { place: format!("{place}[{at}]"), name: (*name).to_owned() });
    }
    Ok(())
}

fn refused<T>(place: &str, done: Result<T, Reject>) -> Result<T, GenesisError> {
    done.map_err(|reject| GenesisError::Refused { place: place.to_owned(), reject })
}

fn full(place: &str) -> GenesisError {
    GenesisError::Refused {
        place: place.to_owned(),
        reject: Reject::AccountsFull { limit: u32::from(u16::MAX) },
    }
}
