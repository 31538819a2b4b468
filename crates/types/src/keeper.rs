//! Keepers: their terms, which governance may change, and the words for what they do.

use ballast_units::{Amount, Bps, Millis, Ratio};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// The terms of keepers. Durations are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct KeeperParams {
    /// Least stake, tokens.
    pub stake_min: Amount,
    /// Stake beyond this adds no weight to a draw, tokens.
    pub stake_counted: Amount,
    /// Least declared cores.
    pub cores_min: u32,
    /// Least declared memory, GiB.
    pub memory_min: u32,
    /// Least share of the last 30 days in which it was up.
    pub uptime_min: Ratio,
    /// A keeper is measured over its life while that is shorter than 30 days, but over no less than this.
    pub uptime_age_min: Millis,
    /// Time between heartbeats.
    pub heartbeat: Millis,
    /// Regions in which qualified keepers must stand; fewer are warned of.
    pub regions_min: u32,
    /// Stake asked back is given back after this.
    pub unstake_delay: Millis,
    /// Keepers a draw.
    pub drawn: u8,
    /// Draws a task; after the last one validators deliver.
    pub draws_most: u8,
    /// Weight of stake in a draw by grade.
    pub weight_a: u8,
    /// Below A.
    pub weight_b: u8,
    /// Below B, above zero.
    pub weight_c: u8,
    /// An order must be carried out within this.
    pub deliver_within: Millis,
    /// A report must be revealed within this after the auctions' end is known.
    pub report_within: Millis,
    /// Of the liquidation fee, to the first complete and consistent keeper.
    pub fee_first: Bps,
    /// Of the liquidation fee, for all consistent keepers.
    pub fee_pot: Bps,
    /// Of the liquidation fee, most that an A keeper gets of the pot.
    pub fee_a: Bps,
    /// Likewise B.
    pub fee_b: Bps,
    /// Likewise C.
    pub fee_c: Bps,
    /// Weight of efficiency in the score: duties done in time.
    pub efficiency_weight: Ratio,
    /// Weight of the disposal price in the score.
    pub price_weight: Ratio,
    /// Weight of consistency in the score: reports that were not wrong.
    pub consistency_weight: Ratio,
    /// A price this far below index is still a good one.
    pub price_tolerance: Ratio,
    /// Least score of an A.
    pub grade_a: Ratio,
    /// Least score of a B.
    pub grade_b: Ratio,
    /// Least score of a C; below it is a D.
    pub grade_c: Ratio,
    /// Of its stake, what a D forfeits.
    pub fine: Bps,
    /// A suspended keeper may work again, as a C, after this.
    pub suspension: Millis,
    /// Misdeeds within a month that freeze a keeper.
    pub misdeeds: u8,
    /// For so long; a vote on it is open as long.
    pub freeze: Millis,
    /// Share of those who could be drawn that may be frozen at once; one always.
    pub frozen_most: Ratio,
}

impl Default for KeeperParams {
    fn default() -> Self {
        Self {
            stake_min: Amount::whole(10_000),
            stake_counted: Amount::whole(50_000),
            cores_min: 32,
            memory_min: 64,
            uptime_min: Ratio::percent(99),
            uptime_age_min: Millis::days(1),
            heartbeat: Millis::seconds(60),
            regions_min: 10,
            unstake_delay: Millis::days(7),
            drawn: 3,
            draws_most: 3,
            weight_a: 4,
            weight_b: 3,
            weight_c: 2,
            deliver_within: Millis::seconds(120),
            report_within: Millis::seconds(120),
            fee_first: Bps::new(1_000),
            fee_pot: Bps::new(3_000),
            fee_a: Bps::new(2_000),
            fee_b: Bps::new(1_500),
            fee_c: Bps::new(1_000),
            efficiency_weight: Ratio::percent(40),
            price_weight: Ratio::percent(30),
            consistency_weight: Ratio::percent(30),
            price_tolerance: Ratio::percent(5),
            grade_a: Ratio::percent(90),
            grade_b: Ratio::percent(75),
            grade_c: Ratio::percent(60),
            fine: Bps::new(2_000),
            suspension: Millis::days(30),
            misdeeds: 3,
            freeze: Millis::hours(24),
            frozen_most: Ratio::percent(34),
        }
    }
}

macro_rules! word {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$of])* $variant,)*
        }
    };
}

word! {
    /// How well a keeper works: sets its part of the fee and its weight in a draw.
    Grade {
        /// Score of 90 % and more.
        A,
        /// 75 % and more; what a new keeper begins with.
        B,
        /// 60 % and more.
        C,
        /// Less: suspended.
        D,
    }
}

word! {
    /// What a task asks of its keepers.
    Duty {
        /// To have an order carried out on its chain.
        Deliver,
        /// To say what the task's auctions there gave.
        Report,
    }
}

word! {
    /// What proves that a keeper lied.
    Malice {
        /// Two different results for one task and block.
        TwoResults,
        /// A result that differs from what that block, now final, gives.
        FalseResult,
    }
}

word! {
    /// What freezes a keeper when it is repeated.
    Misdeed {
        /// A deadline passed.
        Lateness,
        /// A disposal price further below index than is tolerated.
        Price,
    }
}
