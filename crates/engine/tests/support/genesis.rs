//! Two houses to test in: one with every guard on, one with nothing in the way of arithmetic.

use ballast_types::{
    AssetGenesis, AuctionSchedule, ChainGenesis, ChainTier, Genesis, LiquidationParams, MarketGenesis,
    MarketParams, RateParams, TokenGenesis, TokenParams,
};
use ballast_units::{Amount, Bps, Millis, Ratio, Time};

/// When every test begins: 2024-01-01 00:00 UTC.
pub(crate) const START: Time = Time::from_millis(1_704_067_200_000);

/// Three chains, three markets' worth of assets, default parameters but for lots, which aim at the same health whether prices
/// fall or not; every guard on.
///
/// - `ethereum` (liquid, θ 110 %): USDC of 6 decimals, ETH. `polygon` (thin, θ 120 %): USDC, ETH, SOL.
///   `solana` (thin, θ 120 %): USDC, SOL of 9 decimals.
/// - Markets ETH at 2,000 and SOL at 100, each with 100 M a side.
pub(crate) fn guarded() -> Genesis {
    Genesis {
        time: START,
        assets: vec![asset("USDC", true), asset("ETH", false), asset("SOL", false)],
        chains: vec![
            chain("ethereum", ChainTier::Liquid, 110, &[("USDC", 6), ("ETH", 18)]),
            chain("polygon", ChainTier::Thin, 120, &[("USDC", 6), ("ETH", 18), ("SOL", 18)]),
            chain("solana", ChainTier::Thin, 120, &[("USDC", 6), ("SOL", 9)]),
        ],
        markets: vec![market("ETH", 50_000, 100_000_000), market("SOL", 1_000_000, 100_000_000)],
        liquidation: LiquidationParams { target_fall: Ratio::ZERO, ..LiquidationParams::default() },
        ..Genesis::default()
    }
}

/// One chain, one market of 100 ETH / 10,000 USD, no fee, guard, variation margin, claim age or size term: the
/// design's worked example.
pub(crate) fn bare() -> Genesis {
    Genesis {
        time: START,
        assets: vec![asset("USDC", true), asset("ETH", false)],
        chains: vec![chain("ethereum", ChainTier::Liquid, 110, &[("USDC", 18), ("ETH", 18)])],
        markets: vec![MarketGenesis {
            asset: "ETH".to_owned(),
            base_reserve: Amount::whole(100),
            quote_reserve: Amount::whole(10_000),
            params: no_guards(),
        }],
        listing_check: false,
        ..Genesis::default()
    }
}

/// A market's terms with everything off that can be off.
pub(crate) fn no_guards() -> MarketParams {
    MarketParams {
        fee_trade: Bps::ZERO,
        fee_liquidation: Bps::ZERO,
        // Opening values a position at the worst of risk price, mark and TWAP (R6): right after a large trade on
        // a small curve, an account with any margin to keep would be refused.
        margin_maintenance: Ratio::ZERO,
        leverage_max: Ratio::whole(1_000_000),
        margin_size_term: false,
        open_interest_margin_from: Amount::whole(1_000_000_000),
        open_interest_margin_full: Amount::whole(2_000_000_000),
        open_interest_cap: Amount::whole(1_000_000_000),
        band: None,
        move_limit: None,
        reduce_keeps_health: false,
        variation_margin: false,
        claim_age: false,
        depth: None,
        recentre: false,
        backstop_cap: Amount::ZERO,
        ..MarketParams::default()
    }
}

/// An asset.
pub(crate) fn asset(symbol: &str, stable: bool) -> AssetGenesis {
    AssetGenesis { symbol: symbol.to_owned(), stable }
}

/// A chain with θ_M in percent, θ_I a tenth above it; each token with its decimals.
pub(crate) fn chain(name: &str, tier: ChainTier, threshold: i64, tokens: &[(&str, u32)]) -> ChainGenesis {
    let params = |decimals: u32| TokenParams {
        threshold: Ratio::percent(threshold),
        threshold_initial: Ratio::bps(threshold * 110),
        unit: Amount::from_wei(10_u128.pow(18 - decimals)),
        ..TokenParams::default()
    };
    ChainGenesis {
        name: name.to_owned(),
        tier,
        block_time: Millis::seconds(2),
        inclusion_p95: Millis::seconds(4),
        coin: "USDC".to_owned(),
        tokens: tokens
            .iter()
            .map(|(asset, decimals)| TokenGenesis { asset: (*asset).to_owned(), params: params(*decimals) })
            .collect(),
        rate: RateParams::default(),
        tranche_cap: Amount::whole(5_000_000),
        pending_cap: Amount::whole(1_000_000),
        debt_min: Amount::ZERO,
        auction: AuctionSchedule::default(),
        domain: ballast_types::Hash::default(),
        kind: ballast_types::digest::ChainKind::InProcess,
    }
}

/// A market with default terms, caps at two fifths of a side.
pub(crate) fn market(asset: &str, base: u64, quote: u64) -> MarketGenesis {
    let cap = Amount::whole(quote / 5 * 2);
    MarketGenesis {
        asset: asset.to_owned(),
        base_reserve: Amount::whole(base),
        quote_reserve: Amount::whole(quote),
        params: MarketParams {
            open_interest_margin_from: Amount::whole(quote / 10),
            open_interest_margin_full: Amount::whole(quote),
            open_interest_cap: cap,
            ..MarketParams::default()
        },
    }
}
