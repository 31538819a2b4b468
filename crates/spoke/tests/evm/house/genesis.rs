//! What the house starts from, and what its chains are made of.

use crate::support::*;
use ballast_spoke::evm::Npm;
use ballast_spoke::evm::kit::{LocalChain, NodeConfig, TokenKind, TokenPlan};
use ballast_types::digest::ChainKind;
use ballast_types::{
    AssetGenesis, AssetId, ChainGenesis, ChainId, ChainParams, ChainTier, Genesis, KeeperParams,
    LiquidationParams, MarketGenesis, MarketParams, RateParams, TokenGenesis, TokenParams,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};

pub(super) const BSC: ChainId = ChainId(2);
pub(super) const LAYER2: ChainId = ChainId(3);

/// What keepers stake, on Ethereum alone.
pub(super) const BAL: AssetId = AssetId(2);

const SYMBOLS: [&str; 3] = ["USDC", "ETH", "BAL"];

pub(super) fn whole(units: u64) -> Amount {
    Amount::whole(units)
}

/// A chain as it is deployed: its vault lists its coin, and nothing may leave it. `start`: seconds, of its first block.
pub(super) async fn start_chain(chain: ChainId, start: u64) -> LocalChain {
    let mut plan = plan(chain);
    plan.node = match chain {
        ETHEREUM => NodeConfig::new("ethereum", 1, 12, start),
        POLYGON => NodeConfig::new("polygon", 137, 2, start),
        BSC => NodeConfig::new("bsc", 56, 3, start),
        _ => NodeConfig::new("layer2", 42_161, 1, start),
    };
    if chain == POLYGON {
        plan.safe_owners = safe_owners();
    }
    let token = |asset, decimals, kind, price| TokenPlan {
        asset,
        symbol: SYMBOLS[usize::from(asset.0)].to_owned(),
        decimals,
        kind,
        price,
    };
    plan.tokens = vec![
        token(USD, 6, TokenKind::Plain, Some(Price::ONE)),
        token(ETH, 18, TokenKind::Bridged, Some(Price::whole(2_500))),
    ];
    if chain == ETHEREUM {
        plan.tokens.push(token(BAL, 18, TokenKind::Plain, None));
    }
    LocalChain::start(&Npm::find().unwrap(), plan).await.unwrap()
}

/// Terms of a token on a chain with this threshold, in percent; its unit is the token's own.
fn terms(threshold: i64, unit: u128) -> TokenParams {
    TokenParams {
        threshold: Ratio::percent(threshold),
        threshold_initial: Ratio::bps(threshold * 110),
        unit: Amount::from_wei(unit),
        ..TokenParams::default()
    }
}

/// All interest is the lenders': what the reserve gets is of fees alone.
fn rate() -> RateParams {
    RateParams { reserve_factor: Bps::ZERO, ..RateParams::default() }
}

pub(super) fn genesis(chains: &[LocalChain], time: Time) -> Genesis {
    let chain = |(chain, threshold): (&LocalChain, i64)| ChainGenesis {
        name: chain.node.config().name.clone(),
        tier: ChainTier::Liquid,
        block_time: Millis::seconds(chain.node.config().block_time),
        inclusion_p95: Millis::seconds(chain.node.config().block_time),
        coin: "USDC".to_owned(),
        tokens: chain
            .deployment
            .tokens
            .iter()
            .map(|token| TokenGenesis {
                asset: SYMBOLS[usize::from(token.asset.0)].to_owned(),
                params: terms(threshold, token.unit()),
            })
            .collect(),
        rate: rate(),
        tranche_cap: whole(5_000_000),
        pending_cap: whole(1_000_000),
        debt_min: Amount::ZERO,
        auction: Default::default(),
        domain: chain.deployment.domain(),
        kind: ChainKind::Evm,
    };
    Genesis {
        time,
        assets: SYMBOLS
            .map(|symbol| AssetGenesis { symbol: symbol.to_owned(), stable: symbol == "USDC" })
            .to_vec(),
        chains: chains.iter().zip([110, 120, 115]).map(chain).collect(),
        markets: vec![market()],
        stake_asset: Some("BAL".to_owned()),
        // A test's blocks are minutes apart: keepers are old enough after one, and have an hour for everything.
        keepers: KeeperParams {
            uptime_age_min: Millis::seconds(1),
            heartbeat: Millis::hours(1),
            deliver_within: Millis::hours(1),
            report_within: Millis::hours(1),
            ..KeeperParams::default()
        },
        // Lots aim at the same health whether prices fall or not: something is left to give back.
        liquidation: LiquidationParams { target_fall: Ratio::ZERO, ..LiquidationParams::default() },
        ..Genesis::default()
    }
}

/// ETH at 2,500, deep enough for what the tests trade.
pub(crate) fn market() -> MarketGenesis {
    MarketGenesis {
        asset: "ETH".to_owned(),
        base_reserve: whole(40_000),
        quote_reserve: whole(100_000_000),
        params: MarketParams {
            open_interest_margin_from: whole(10_000_000),
            open_interest_margin_full: whole(100_000_000),
            open_interest_cap: whole(40_000_000),
            ..MarketParams::default()
        },
    }
}

/// The terms of a chain that comes later: threshold 115 %.
pub(super) fn later(chain: &LocalChain) -> ChainParams {
    let block_time = Millis::seconds(chain.node.config().block_time);
    ChainParams {
        tier: ChainTier::Liquid,
        block_time,
        inclusion_p95: block_time,
        coin: USD,
        tokens: chain.deployment.tokens.iter().map(|token| (token.asset, terms(115, token.unit()))).collect(),
        rate: rate(),
        tranche_cap: whole(5_000_000),
        pending_cap: whole(1_000_000),
        debt_min: Amount::ZERO,
        auction: Default::default(),
        domain: chain.deployment.domain(),
        kind: ChainKind::Evm,
    }
}
