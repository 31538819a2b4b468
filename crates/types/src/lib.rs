//! The words of the house: ids, commands, observations, orders, events, rejects, genesis, and the
//! binary codec they travel in (borsh: canonical, fixed widths, one encoding a value).
//!
//! No logic lives here. What a command does is in `ballast-engine`; what a chain does with an order is in
//! `ballast-spoke`.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]

mod anomaly;
mod block;
mod command;
pub mod digest;
mod event;
mod genesis;
mod ids;
mod keeper;
mod ledger;
mod observation;
mod order;
mod reject;
mod schedule;

pub use anomaly::{Anomaly, AnomalyKind, Freezes};
pub use block::{Block, CostReport, DepthReport, PriceReport};
pub use command::{Change, Command, Listing, Side, TradeAmount};
pub use digest::ChainKind;
pub use event::{Event, Fill, Holder};
pub use genesis::{
    AssetGenesis, ChainGenesis, ChainParams, ChainTier, DepthWeights, FloatLimits, Genesis,
    LiquidationParams, MarketGenesis, MarketParams, OracleParams, OrderParams, RateParams, TokenGenesis,
    TokenParams,
};
pub use ids::{
    AccountId, Address, AssetId, ChainId, Hash, Height, KeeperId, LossId, LotId, MarketId, Nonce, Owner,
    RegionId, SIGNERS_MOST, Sequence, Signer, SourceId, TaskId, Token,
};
pub use keeper::{Duty, Grade, KeeperParams, Malice, Misdeed};
pub use ledger::{Layer, LedgerAccount, Money, Reason, Scope, Transfer};
pub use observation::{Observation, VaultEvent};
pub use order::{MIGRATION_DELAY, MIGRATION_WINDOW, Order, OrderAction, ReleaseReason, VaultLimits};
pub use reject::{Action, OracleState, Reject, RejectInfo};
pub use schedule::{Auction, AuctionSchedule};
