//! The house as it is configured where nobody says otherwise: five chains, their tokens, four markets.
//!
//! - Chains and thresholds are the design's (sections 8 and 10).
//! - Reserves are round figures near the prices of 19 May 2021. They make markets deep enough for R8: a side at
//!   its open-interest cap can be closed through the guard within an hour.

use ballast_types::{
    AssetGenesis, ChainGenesis, ChainTier, Genesis, MarketGenesis, MarketParams, RateParams, TokenGenesis,
    TokenParams,
};
use ballast_units::{Amount, Millis, Ratio};

/// The stablecoin of every chain.
pub const COIN: &str = "USDC";

/// What is special about a chain.
struct ChainTerms {
    name: &'static str,
    tier: ChainTier,
    block_time: Millis,
    /// Public figures, rounded: a transaction is in by then in 95 of 100 cases.
    inclusion_p95: Millis,
    /// θ_M in percent.
    threshold: i64,
    /// Dollars of gas that a transaction of an auction costs in a bad hour, rounded.
    gas: u64,
    /// Decimals of the coin there.
    coin_decimals: u32,
    /// Its collateral, each with its decimals.
    collateral: &'static [(&'static str, u32)],
}

const CHAINS: [ChainTerms; 5] = [
    ChainTerms {
        name: "ethereum",
        tier: ChainTier::Liquid,
        block_time: Millis::seconds(12),
        inclusion_p95: Millis::seconds(12),
        threshold: 110,
        gas: 10,
        coin_decimals: 6,
        collateral: &[("ETH", 18)],
    },
    ChainTerms {
        name: "polygon",
        tier: ChainTier::Thin,
        block_time: Millis::seconds(2),
        inclusion_p95: Millis::seconds(4),
        threshold: 120,
        gas: 1,
        coin_decimals: 6,
        collateral: &[("MATIC", 18), ("ETH", 18)],
    },
    ChainTerms {
        name: "bsc",
        tier: ChainTier::Liquid,
        block_time: Millis::seconds(3),
        inclusion_p95: Millis::seconds(5),
        threshold: 115,
        gas: 1,
        coin_decimals: 18,
        collateral: &[("BNB", 18), ("ETH", 18)],
    },
    ChainTerms {
        name: "solana",
        tier: ChainTier::Thin,
        block_time: Millis::new(400),
        inclusion_p95: Millis::seconds(2),
        threshold: 120,
        gas: 1,
        coin_decimals: 6,
        // Bridged ETH has 8 decimals there.
        collateral: &[("SOL", 9), ("ETH", 8)],
    },
    ChainTerms {
        name: "layer2",
        tier: ChainTier::Thin,
        block_time: Millis::new(1_000),
        inclusion_p95: Millis::seconds(2),
        threshold: 115,
        gas: 1,
        coin_decimals: 6,
        collateral: &[("ETH", 18)],
    },
];

/// The default genesis.
#[must_use]
pub fn genesis() -> Genesis {
    Genesis {
        assets: ["USDC", "ETH", "SOL", "BNB", "MATIC"].map(asset).into(),
        chains: CHAINS.iter().map(|terms| chain(terms, terms.collateral)).collect(),
        markets: vec![
            market("ETH", 3_400, 500),
            market("SOL", 52, 100),
            market("BNB", 510, 250),
            market("MATIC", 2, 100),
        ],
        ..Genesis::default()
    }
}

/// Sets what is too small for its gas, on the house's chains: a loan of which gas is a five-hundredth, a lot of which it is a
/// two-hundredth. Apart from [`genesis`], where whoever tries a rule may do so with ten dollars.
pub fn set_minimums(genesis: &mut Genesis) {
    for chain in &mut genesis.chains {
        let Some(terms) = CHAINS.iter().find(|terms| terms.name == chain.name) else { continue };
        let lot_min = Amount::whole(terms.gas * 200);
        chain.debt_min = Amount::whole(terms.gas * 500);
        chain.auction.dust = lot_min;
        for token in &mut chain.tokens {
            token.params.dust = lot_min;
        }
    }
}

/// Dollars of gas that a transaction on a chain of the house costs in a bad hour; nothing on an unknown chain.
#[must_use]
pub fn gas(chain: &str) -> Amount {
    let terms = CHAINS.iter().find(|terms| terms.name == chain);
    terms.map_or(Amount::ZERO, |terms| Amount::whole(terms.gas))
}

/// The five chains, each listing the coin and every asset of `collateral`, in units of one wei: for whoever
/// wants to try a rule, wherever the asset lies.
#[must_use]
pub fn chains_of(collateral: &[&str]) -> Vec<ChainGenesis> {
    let collateral: Vec<_> = collateral.iter().map(|asset| (*asset, 18)).collect();
    CHAINS.iter().map(|terms| chain(&ChainTerms { coin_decimals: 18, ..*terms }, &collateral)).collect()
}

/// An asset; the coin is stable.
#[must_use]
pub fn asset(symbol: &str) -> AssetGenesis {
    AssetGenesis { symbol: symbol.to_owned(), stable: symbol == COIN }
}

fn chain(terms: &ChainTerms, collateral: &[(&str, u32)]) -> ChainGenesis {
    let coin = (COIN, terms.coin_decimals);
    ChainGenesis {
        name: terms.name.to_owned(),
        tier: terms.tier,
        block_time: terms.block_time,
        inclusion_p95: terms.inclusion_p95,
        coin: COIN.to_owned(),
        tokens: [coin]
            .iter()
            .chain(collateral)
            .map(|(asset, decimals)| token(terms, asset, *decimals))
            .collect(),
        rate: RateParams::default(),
        tranche_cap: Amount::whole(5_000_000),
        pending_cap: Amount::whole(1_000_000),
        debt_min: Amount::ZERO,
        auction: ballast_types::AuctionSchedule::default(),
        domain: ballast_types::Hash::default(),
        kind: ballast_types::digest::ChainKind::InProcess,
    }
}

fn token(terms: &ChainTerms, asset: &str, decimals: u32) -> TokenGenesis {
    TokenGenesis {
        asset: asset.to_owned(),
        params: TokenParams {
            threshold: Ratio::percent(terms.threshold),
            // θ_I = 1.1 θ_M (R14): a tenth of a percent of it is 11 bps for each percent of θ_M.
            threshold_initial: Ratio::bps(terms.threshold * 110),
            unit: Amount::from_wei(10_u128.pow(18 - decimals)),
            ..TokenParams::default()
        },
    }
}

/// A market with `millions` of virtual dollars a side. Its caps are two fifths of that, which the guard lets out
/// within an hour: 60 windows of 2 % leave 1 - 0.98^30 = 45 % of the quote reserve.
fn market(asset: &str, price: u64, millions: u64) -> MarketGenesis {
    let quote = millions * 1_000_000;
    let cap = quote / 5 * 2;
    MarketGenesis {
        asset: asset.to_owned(),
        base_reserve: Amount::whole(quote / price),
        // The base reserve is whole, so that the price is exact.
        quote_reserve: Amount::whole(quote / price * price),
        params: MarketParams {
            open_interest_cap: Amount::whole(cap),
            open_interest_margin_from: Amount::whole(cap / 4),
            open_interest_margin_full: Amount::whole(cap / 2 * 5),
            ..MarketParams::default()
        },
    }
}
