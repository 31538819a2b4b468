//! A block: everything the engine is told at one instant.

use crate::{AssetId, Command, Height, Observation, SourceId};
use ballast_units::{Price, Ratio, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// One measurement of an asset's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct PriceReport {
    /// Of what.
    pub asset: AssetId,
    /// By whom.
    pub source: SourceId,
    /// Dollars a unit.
    pub price: Price,
    /// Half the width of the source's confidence interval, as a share of the price.
    pub confidence: Ratio,
    /// When the source measured it.
    pub time: Time,
}

/// What validators agreed on. The engine takes its parts in this order (R24): observations, prices,
/// commands, then what time and prices bring.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Block {
    /// One more than the block before.
    pub height: Height,
    /// Not before the block before. (Validators refuse equal times; the engine needs only order.)
    pub time: Time,
    /// Facts from the chains.
    pub observations: Vec<Observation>,
    /// Measurements.
    pub prices: Vec<PriceReport>,
    /// What users and the house ask for.
    pub commands: Vec<Command>,
}
