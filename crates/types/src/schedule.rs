//! Terms of an auction, as they travel to a spoke.

use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// How the price of an auction falls (R16): governed, one for all chains or one a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AuctionSchedule {
    /// Start, as a share of index.
    pub start: Ratio,
    /// The price is multiplied by this at each step.
    pub step_factor: Ratio,
    /// Time of one step; below one second is refused.
    pub step: Millis,
    /// The price falls for this long at most.
    pub duration: Millis,
    /// Then market makers are invited for this long: one step after the floor is reached, at the latest when
    /// `duration` is over.
    pub invitation: Millis,
    /// What an invited market maker keeps of what it pays.
    pub rebate: Bps,
    /// Lowest floor as a share of index, first round.
    pub floor_min: Ratio,
    /// Highest floor as a share of index, first round.
    pub floor_max: Ratio,
    /// Both floors fall by this each round.
    pub floor_cut: Ratio,
    /// Rounds before the reserve may take what is left.
    pub rounds: u8,
    /// A take may leave nothing, or at least this many dollars at index.
    pub dust: Amount,
}

impl Default for AuctionSchedule {
    fn default() -> Self {
        Self {
            start: Ratio::percent(110),
            step_factor: Ratio::percent(95),
            step: Millis::seconds(10),
            duration: Millis::seconds(180),
            invitation: Millis::seconds(60),
            rebate: Bps::new(50),
            floor_min: Ratio::percent(80),
            floor_max: Ratio::percent(95),
            floor_cut: Ratio::percent(5),
            rounds: 3,
            dust: Amount::whole(100),
        }
    }
}

/// One round of one lot: everything a spoke needs to sell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Auction {
    /// Collateral for sale.
    pub quantity: Amount,
    /// When the price is `start`.
    pub opened: Time,
    /// Dollars a unit at `opened`.
    pub start: Price,
    /// Never below.
    pub floor: Price,
    /// The price is multiplied by this at each step.
    pub step_factor: Ratio,
    /// Time of one step.
    pub step: Millis,
    /// From here on the price is the floor, and listed market makers have the rebate.
    pub invites: Time,
    /// No take at or after this.
    pub ends: Time,
    /// Stop when this many dollars are in; what is unsold goes back.
    pub need: Amount,
    /// A take leaves nothing or at least this much collateral.
    pub dust: Amount,
    /// Of what an invited market maker pays.
    pub rebate: Bps,
}
