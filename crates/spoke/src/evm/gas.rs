//! What gas has cost on a chain, by hour of the week: when it is cheap.
//!
//! - Integers only: count, sum and least of base fees, in wei a unit of gas, hour by hour.
//! - Forgets: at [`FULL`] blocks an hour's sums are halved, so that a month ago counts less than yesterday.

use ballast_units::Time;
use serde::{Deserialize, Serialize};

/// Hours of a week, from Thursday 00:00 UTC, as 1970 began.
pub const HOURS: usize = 168;

/// Blocks in one hour's statistics before they are halved.
const FULL: u64 = 4_096;

/// One hour of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GasHour {
    /// Blocks counted.
    pub blocks: u64,
    /// Sum of their base fees, wei.
    pub sum: u128,
    /// The least of them, wei.
    pub least: u64,
}

impl GasHour {
    /// Mean base fee, rounded down.
    #[must_use]
    pub fn mean(&self) -> Option<u128> {
        self.sum.checked_div(u128::from(self.blocks))
    }
}

/// A chain's gas history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GasHistory {
    hours: Vec<GasHour>,
}

impl Default for GasHistory {
    fn default() -> Self {
        Self { hours: vec![GasHour::default(); HOURS] }
    }
}

impl GasHistory {
    /// Counts a block.
    pub fn record(&mut self, time: Time, base_fee: u64) {
        let hour = &mut self.hours[hour_of(time)];
        if hour.blocks == FULL {
            (hour.blocks, hour.sum) = (hour.blocks / 2, hour.sum / 2);
        }
        hour.least = if hour.blocks == 0 { base_fee } else { hour.least.min(base_fee) };
        (hour.blocks, hour.sum) = (hour.blocks + 1, hour.sum + u128::from(base_fee));
    }

    /// Hour by hour.
    #[must_use]
    pub fn hours(&self) -> &[GasHour] {
        &self.hours
    }

    /// Whether the hour of `time` is among the cheaper half of those that blocks were seen in.
    #[must_use]
    pub fn is_cheap(&self, time: Time) -> bool {
        let Some(here) = self.hours[hour_of(time)].mean() else { return false };
        let known: Vec<u128> = self.hours.iter().filter_map(GasHour::mean).collect();
        let cheaper = known.iter().filter(|mean| **mean < here).count();
        2 * cheaper < known.len()
    }
}

fn hour_of(time: Time) -> usize {
    let hours = u64::try_from(HOURS).expect("168");
    usize::try_from(time.millis() / 3_600_000 % hours).expect("below 168")
}
