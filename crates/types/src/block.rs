//! A block: everything the engine is told at one instant.

use crate::{AssetId, ChainId, Command, Hash, Height, Observation, SourceId, Token};
use ballast_units::{Amount, Price, Ratio, Time};
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

/// One measurement of how much of a token its chain's market takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct DepthReport {
    /// Of what, where.
    pub token: Token,
    /// By whom.
    pub source: SourceId,
    /// Dollars that can be sold within 2 % of index.
    pub depth: Amount,
    /// When the source measured it.
    pub time: Time,
}

/// One measurement of what it costs to have something done on a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct CostReport {
    /// Where.
    pub chain: ChainId,
    /// By whom.
    pub source: SourceId,
    /// Dollars of gas to deliver one order.
    pub gas: Amount,
    /// Dollars to send collateral from here to another chain.
    pub bridge: Amount,
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
    /// Measurements of chains' markets.
    pub depths: Vec<DepthReport>,
    /// Measurements of chains' costs.
    pub costs: Vec<CostReport>,
    /// Randomness of the consensus: nobody knew it before the block before was final (R21).
    pub seed: Hash,
    /// What users and the house ask for.
    pub commands: Vec<Command>,
}
