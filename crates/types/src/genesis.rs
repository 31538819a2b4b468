//! Genesis: everything that is configured before the first block. Every figure is a default of the
//! design and can be set; symbols and names refer to each other by text.

use crate::digest::ChainKind;
use crate::{AssetId, AuctionSchedule, Hash, KeeperParams, Signer};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// The configuration a hub starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Genesis {
    /// Time of block 0.
    pub time: Time,
    /// Assets; their order gives their ids.
    pub assets: Vec<AssetGenesis>,
    /// Chains; their order gives their ids.
    pub chains: Vec<ChainGenesis>,
    /// Markets; their order gives their ids.
    pub markets: Vec<MarketGenesis>,
    /// Price checks, the same for every asset.
    pub oracle: OracleParams,
    /// Liquidation.
    pub liquidation: LiquidationParams,
    /// Orders to chains.
    pub orders: OrderParams,
    /// How much of the float a market or chain may use.
    pub float: FloatLimits,
    /// Check the listing conditions (R8, R14) of every market and token.
    pub listing_check: bool,
    /// What keepers stake: an asset that one chain's vault lists. It is no collateral. `null`: no keepers.
    pub stake_asset: Option<String>,
    /// Keepers.
    pub keepers: KeeperParams,
    /// The validators whom the vaults obey at first, in any order: the set of epoch 0. Without any, it is the first key of
    /// the lone node that runs the house.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub validators: Vec<Signer>,
}

impl Default for Genesis {
    fn default() -> Self {
        Self {
            time: Time::from_millis(0),
            assets: Vec::new(),
            chains: Vec::new(),
            markets: Vec::new(),
            oracle: OracleParams::default(),
            liquidation: LiquidationParams::default(),
            orders: OrderParams::default(),
            float: FloatLimits::default(),
            listing_check: true,
            stake_asset: None,
            keepers: KeeperParams::default(),
            validators: Vec::new(),
        }
    }
}

/// An asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AssetGenesis {
    /// "ETH".
    pub symbol: String,
    /// Becomes cash at par.
    #[serde(default)]
    pub stable: bool,
}

/// Depth of a chain's own markets decides how its lots are sold.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChainTier {
    /// Dutch auctions on the chain itself.
    #[default]
    Liquid,
    /// Lots join those of a liquid chain.
    Thin,
}

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChainGenesis {
    /// "ethereum".
    pub name: String,
    /// How its lots are sold.
    #[serde(default)]
    pub tier: ChainTier,
    /// Time between its blocks.
    #[serde(default = "default_block_time")]
    pub block_time: Millis,
    /// Its own p95 of inclusion time, for the warning of R16.
    #[serde(default = "default_inclusion")]
    pub inclusion_p95: Millis,
    /// The stablecoin in which loans are paid out and lots are paid.
    #[serde(default = "default_coin")]
    pub coin: String,
    /// Tokens of its vault, stablecoins too.
    pub tokens: Vec<TokenGenesis>,
    /// The lending pool's interest.
    #[serde(default)]
    pub rate: RateParams,
    /// Cap of its tranche, dollars; what exceeds it goes to the float.
    #[serde(default = "default_tranche_cap")]
    pub tranche_cap: Amount,
    /// Cap of the credit for deposits that are safe, not final (R9).
    #[serde(default = "default_pending_cap")]
    pub pending_cap: Amount,
    /// Dollars that a loan on it owes at least: less is not worth the gas of a liquidation there.
    #[serde(default)]
    pub debt_min: Amount,
    /// How its auctions run.
    #[serde(default)]
    pub auction: AuctionSchedule,
    /// What stands for its vault in every message (`docs/messages.md`); zero for one in process: kind 255, the hub's id
    /// of the chain, no vault.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub domain: Hash,
    /// What its addresses are like.
    #[serde(default = "default_kind")]
    pub kind: ChainKind,
}

fn default_kind() -> ChainKind {
    ChainKind::InProcess
}
fn default_block_time() -> Millis {
    Millis::seconds(12)
}
fn default_inclusion() -> Millis {
    Millis::seconds(12)
}
fn default_coin() -> String {
    "USDC".to_owned()
}
fn default_tranche_cap() -> Amount {
    Amount::whole(5_000_000)
}
fn default_pending_cap() -> Amount {
    Amount::whole(1_000_000)
}

impl ChainGenesis {
    /// The same terms by ids: whoever asks knows what its coin and its tokens are.
    #[must_use]
    pub fn params(&self, coin: AssetId, tokens: Vec<(AssetId, TokenParams)>) -> ChainParams {
        ChainParams {
            tier: self.tier,
            block_time: self.block_time,
            inclusion_p95: self.inclusion_p95,
            coin,
            tokens,
            rate: self.rate,
            tranche_cap: self.tranche_cap,
            pending_cap: self.pending_cap,
            debt_min: self.debt_min,
            auction: self.auction,
            domain: self.domain,
            kind: self.kind,
        }
    }
}

/// The terms of a chain, by ids: what [`ChainGenesis`] says by names.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ChainParams {
    /// How its lots are sold.
    pub tier: ChainTier,
    /// Time between its blocks.
    pub block_time: Millis,
    /// Its own p95 of inclusion time.
    pub inclusion_p95: Millis,
    /// The stablecoin in which loans are paid out and lots are paid.
    pub coin: AssetId,
    /// Tokens of its vault, stablecoins too.
    pub tokens: Vec<(AssetId, TokenParams)>,
    /// The lending pool's interest.
    pub rate: RateParams,
    /// Cap of its tranche, dollars.
    pub tranche_cap: Amount,
    /// Cap of the credit for deposits that are safe, not final.
    pub pending_cap: Amount,
    /// Dollars that a loan on it owes at least.
    pub debt_min: Amount,
    /// How its auctions run.
    pub auction: AuctionSchedule,
    /// What stands for its vault in every message; zero for one in process.
    pub domain: Hash,
    /// What its addresses are like.
    pub kind: ChainKind,
}

/// A token of a chain's vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenGenesis {
    /// The asset's symbol.
    pub asset: String,
    /// Its terms.
    #[serde(flatten)]
    pub params: TokenParams,
}

/// The terms of a token as collateral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct TokenParams {
    /// Liquidation threshold θ_M: collateral / debt below it is liquidated. 1.10 = 110 %.
    pub threshold: Ratio,
    /// θ_I for opening, borrowing and withdrawing; at least θ_M · 1.10.
    pub threshold_initial: Ratio,
    /// What is left under this many dollars goes with the lot.
    pub dust: Amount,
    /// Dollars of this token under auction at once; the rest queues.
    pub auction_cap: Amount,
    /// Dollars of this token the reserve may take at the floor.
    pub reserve_cap: Amount,
    /// The token's unit in wei: 1 for 18 decimals, 10^12 for 6. Releases are floored to it (R25).
    pub unit: Amount,
    /// Worst fall of the price from detection to take that the threshold must cover (R14).
    pub drop: Ratio,
    /// A stablecoin's highest share of all inventories, a deposit included, at which it is still taken at par; one that loans
    /// are paid in has no such share (R39).
    pub par_share: Ratio,
    /// The most of it that the house holds on this chain, in the token; what is deposited beyond waits in suspense (R39).
    pub supply_cap: Amount,
    /// The same in dollars at index; without it twenty times what all chains' markets take of the asset, the median of a
    /// week's days, and a billion where that was never measured.
    pub supply_cap_usd: Option<Amount>,
}

impl Default for TokenParams {
    fn default() -> Self {
        Self {
            threshold: Ratio::percent(110),
            threshold_initial: Ratio::percent(121),
            dust: Amount::whole(100),
            auction_cap: Amount::whole(50_000_000),
            reserve_cap: Amount::whole(5_000_000),
            unit: Amount::from_wei(1),
            drop: Ratio::percent(3),
            par_share: Ratio::percent(30),
            supply_cap: Amount::LIMIT,
            supply_cap_usd: None,
        }
    }
}

/// Borrow rate by use of the pool, with a kink. All a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RateParams {
    /// At no use.
    pub base: Ratio,
    /// At the kink.
    pub at_kink: Ratio,
    /// At full use.
    pub at_full: Ratio,
    /// Use at the kink.
    pub kink: Ratio,
    /// Share of interest that goes to fees.
    pub reserve_factor: Bps,
}

impl Default for RateParams {
    fn default() -> Self {
        Self {
            base: Ratio::ZERO,
            at_kink: Ratio::percent(4),
            at_full: Ratio::percent(64),
            kink: Ratio::percent(80),
            reserve_factor: Bps::new(1_000),
        }
    }
}

/// A market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MarketGenesis {
    /// "ETH"; also the name of the market.
    pub asset: String,
    /// Virtual base reserve at listing.
    pub base_reserve: Amount,
    /// Virtual quote reserve at listing.
    pub quote_reserve: Amount,
    /// Its terms.
    #[serde(flatten)]
    pub params: MarketParams,
}

/// The terms of a market. A guard set to `null` is off.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct MarketParams {
    /// Fee of a trade, of its quote.
    pub fee_trade: Bps,
    /// Fee of a liquidation, of the notional closed.
    pub fee_liquidation: Bps,
    /// m0: maintenance margin before the size term.
    pub margin_maintenance: Ratio,
    /// Highest leverage: initial margin is at least its reciprocal.
    pub leverage_max: Ratio,
    /// Margins grow with the position by the cost of leaving the curve.
    pub margin_size_term: bool,
    /// Open interest of the larger side, dollars, from which initial margin grows.
    pub open_interest_margin_from: Amount,
    /// Open interest at which initial margin is 1.
    pub open_interest_margin_full: Amount,
    /// No side may grow past this, dollars.
    pub open_interest_cap: Amount,
    /// B: how far a trade may move mark from index.
    pub band: Option<Ratio>,
    /// b: how far the premium counts in the risk price.
    pub premium_clamp: Ratio,
    /// How far mark may move within `move_window`.
    pub move_limit: Option<Ratio>,
    /// The rolling window of `move_limit`.
    pub move_window: Millis,
    /// A reducing trade may not lower health.
    pub reduce_keeps_health: bool,
    /// J: 99.9 % quantile of the index's move while liquidating; evidence in `docs/rules.md`.
    pub index_move: Ratio,
    /// A side at its cap must be closable within this.
    pub close_time_max: Millis,
    /// Length of a funding period.
    pub funding_period: Millis,
    /// Funding a period is clamped to this share of index.
    pub funding_clamp: Option<Ratio>,
    /// Window of the TWAPs of mark and index in the risk price and in initial health.
    pub twap_window: Millis,
    /// Time constant of the premium's average.
    pub premium_window: Millis,
    /// Collect open losses each period (R13).
    pub variation_margin: bool,
    /// Claims wait one round before they are paid (R4).
    pub claim_age: bool,
    /// The formula of depth; `null` leaves depth to governance.
    pub depth: Option<DepthWeights>,
    /// Re-centre mark on index each period, as far as the budget goes.
    pub recentre: bool,
    /// Dollars of notional the backstop may hold.
    pub backstop_cap: Amount,
    /// Cap of the market's tranche.
    pub tranche_cap: Amount,
    /// Cap of the market's budget.
    pub budget_cap: Amount,
}

impl Default for MarketParams {
    fn default() -> Self {
        Self {
            fee_trade: Bps::new(10),
            fee_liquidation: Bps::new(125),
            margin_maintenance: Ratio::bps(625),
            leverage_max: Ratio::whole(10),
            margin_size_term: true,
            open_interest_margin_from: Amount::whole(50_000_000),
            open_interest_margin_full: Amount::whole(500_000_000),
            open_interest_cap: Amount::whole(200_000_000),
            band: Some(Ratio::bps(250)),
            premium_clamp: Ratio::bps(250),
            move_limit: Some(Ratio::bps(200)),
            move_window: Millis::seconds(60),
            reduce_keeps_health: true,
            index_move: Ratio::bps(200),
            close_time_max: Millis::hours(1),
            funding_period: Millis::hours(1),
            funding_clamp: Some(Ratio::bps(10)),
            twap_window: Millis::seconds(900),
            premium_window: Millis::hours(1),
            variation_margin: true,
            claim_age: true,
            depth: Some(DepthWeights::default()),
            recentre: true,
            backstop_cap: Amount::whole(1_000_000),
            tranche_cap: Amount::whole(5_000_000),
            budget_cap: Amount::whole(1_000_000),
        }
    }
}

/// Weights of the depth formula; they sum to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DepthWeights {
    /// Of the period's volume against its 7-day mean.
    pub volume: Ratio,
    /// Of realised volatility.
    pub volatility: Ratio,
    /// Of open interest.
    pub open_interest: Ratio,
}

impl Default for DepthWeights {
    fn default() -> Self {
        Self { volume: Ratio::percent(40), volatility: Ratio::percent(30), open_interest: Ratio::percent(30) }
    }
}

/// When a price counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct OracleParams {
    /// Sources that must be usable.
    pub sources_min: u8,
    /// A report older than this is not usable.
    pub max_age: Millis,
    /// Without enough usable reports for this long, the asset is halted.
    pub halt_age: Millis,
    /// A report with a wider confidence is not usable.
    pub confidence_max: Ratio,
    /// A usable report further than this from the median makes the asset divergent.
    pub deviation_max: Ratio,
    /// A stablecoin is at par within this.
    pub par_tolerance: Ratio,
}

impl Default for OracleParams {
    fn default() -> Self {
        Self {
            sources_min: 3,
            max_age: Millis::seconds(60),
            halt_age: Millis::seconds(3_600),
            confidence_max: Ratio::percent(2),
            deviation_max: Ratio::percent(5),
            par_tolerance: Ratio::bps(50),
        }
    }
}

/// How liquidation proceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LiquidationParams {
    /// Blocks in which slices are tried before the backstop takes over.
    pub slice_blocks: u8,
    /// Below this share of maintenance the backstop takes over at once.
    pub takeover_equity: Ratio,
    /// Fee on debt repaid from collateral.
    pub fee_collateral: Bps,
    /// d: expected fill of a lot, as a share of index.
    pub fill_expected: Ratio,
    /// Health a lot aims at, as a share of debt;
    pub health_target: Ratio,
    /// so many times the share by which the index lies below its 15-minute average, where that is more,
    pub target_fall: Ratio,
    /// but no more than this.
    pub target_most: Ratio,
    /// Below minus this share of debt everything is sold.
    pub sell_all_below: Ratio,
    /// Below this dollar value, or the least of its chain, a debt is closed whole.
    pub debt_dust: Amount,
    /// Settlement debt older than this opens a collateral task.
    pub settlement_grace: Millis,
    /// A deficit that nobody repaid is written off after this.
    pub deficit_life: Millis,
    /// Positions a variation-margin round visits in one block.
    pub round_batch: u32,
    /// Of the depth of a thin chain's market, so much is under auction there before lots are sent to a liquid chain; 0:
    /// all are sent.
    pub joint_above: Ratio,
    /// A joint lot is sold this long after its first part has arrived,
    pub joint_window: Millis,
    /// or as soon as it is worth so many dollars at index.
    pub joint_value: Amount,
    /// Of what bridging cost an owner, the house gives back so much a task.
    pub bridge_refund: Amount,
    /// Gas and bridges of a task are charged up to this.
    pub cost_cap: Amount,
    /// Where depth is known, so many times of it is under auction at once,
    pub depth_multiple: Ratio,
    /// but a lot that was not offered before waits for depth so long at most.
    pub depth_wait: Millis,
    /// No lot is cut to less than so many times the dust to fit under the cap.
    pub piece_least: u16,
}

impl Default for LiquidationParams {
    fn default() -> Self {
        Self {
            slice_blocks: 3,
            takeover_equity: Ratio::from_wei(333_333_333_333_333_333), // 1/3
            fee_collateral: Bps::new(200),
            fill_expected: Ratio::percent(97),
            health_target: Ratio::percent(2),
            target_fall: Ratio::ONE,
            target_most: Ratio::percent(10),
            sell_all_below: Ratio::percent(5),
            debt_dust: Amount::whole(100),
            settlement_grace: Millis::hours(24),
            deficit_life: Millis::days(30),
            round_batch: 4_096,
            joint_above: Ratio::percent(50),
            joint_window: Millis::seconds(60),
            joint_value: Amount::whole(50_000),
            bridge_refund: Amount::whole(100),
            cost_cap: Amount::whole(1_000),
            depth_multiple: Ratio::whole(5),
            depth_wait: Millis::seconds(5),
            piece_least: 10,
        }
    }
}

/// How orders to chains are kept alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct OrderParams {
    /// A chain refuses an order this long after it was given.
    pub life: Millis,
    /// It is put out again after so many of the chain's blocks and its p95 of inclusion, then after twice that, and so on.
    pub resend_blocks: u8,
    /// The longest such wait.
    pub resend_most: Millis,
}

impl Default for OrderParams {
    fn default() -> Self {
        Self { life: Millis::hours(1), resend_blocks: 3, resend_most: Millis::minutes(10) }
    }
}

/// Share of the float that one scope may use in 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct FloatLimits {
    /// A market.
    pub market: Bps,
    /// A chain.
    pub chain: Bps,
}

impl Default for FloatLimits {
    fn default() -> Self {
        Self { market: Bps::new(1_000), chain: Bps::new(5_000) }
    }
}

impl MarketGenesis {
    /// Mark at listing, dollars; `None` where a reserve is zero or the price is out of range.
    #[must_use]
    pub fn mark(&self) -> Option<Price> {
        self.quote_reserve.price_of(self.base_reserve).ok()
    }
}
