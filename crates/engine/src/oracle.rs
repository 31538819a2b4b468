//! The oracle: from measurements of several sources to one price and a state per asset.

use ballast_types::OracleState;
use ballast_units::{Price, Ratio, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use crate::market::price::Twap;

/// What the engine keeps of an asset.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Asset {
    /// It becomes cash at par.
    pub stable: bool,
    /// Last report of each source, ascending by source.
    pub reports: Vec<Report>,
    /// The price in use: the last median of usable reports.
    pub index: Option<Price>,
    /// When `index` was last confirmed by enough sources.
    pub confirmed: Time,
    /// What may be done on this price.
    pub state: OracleState,
    /// Average of `index` over time.
    pub twap: Twap,
}

/// The last report of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Report {
    /// Whose.
    pub source: ballast_types::SourceId,
    /// Dollars a unit.
    pub price: Price,
    /// Half width of its confidence, share of price.
    pub confidence: Ratio,
    /// When measured.
    pub time: Time,
}
