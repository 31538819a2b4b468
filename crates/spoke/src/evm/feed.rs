//! Chainlink's aggregators as sources of an asset's price.
//!
//! - Read at a block that another read of the same look has: one instant for all feeds.
//! - Refused, not guessed: no round, a round that another one answered, a price that is not positive, a time ahead of
//!   the block, a round too old, a jump from the round before beyond what a feed may tell on its own.
//! - Rounds: to Wad exactly; feeds have at most 18 digits.

use super::endpoint::{Fault, answer};
use alloy::eips::BlockId;
use alloy::primitives::{Address, I256};
use alloy::providers::DynProvider;
use ballast_types::{AssetId, PriceReport, SourceId};
use ballast_units::{Millis, Price, Ratio, Time};

mod abi {
    alloy::sol! {
        #[sol(rpc)]
        interface AggregatorV3 {
            function decimals() external view returns (uint8);
            function latestRoundData() external view returns (
                uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound
            );
            function getRoundData(uint80 round) external view returns (
                uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound
            );
        }
    }
}

/// One aggregator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// What it prices.
    pub asset: AssetId,
    /// Which of the asset's sources it is for the hub.
    pub source: SourceId,
    /// The contract.
    pub aggregator: Address,
    /// A round older than this is none: the feed's heartbeat, and some time to be late.
    pub age_most: Millis,
    /// A round further from the one before than this share is none.
    pub jump_most: Ratio,
    /// What the feed's answer may be off by, by its operators' own words (its deviation threshold).
    pub deviation: Ratio,
}

/// Why a feed has no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// It cannot be asked, or says that it has no data.
    #[error("feed {feed} {fault}")]
    Unreadable {
        /// Which.
        feed: Address,
        /// What happened.
        fault: Fault,
    },
    /// More digits than a Wad.
    #[error("feed {feed} has {decimals} digits, more than 18")]
    TooManyDigits {
        /// Which.
        feed: Address,
        /// How many.
        decimals: u8,
    },
    /// A round that has no answer of its own.
    #[error("feed {feed}: round {round} was answered in round {answered}")]
    Carried {
        /// Which.
        feed: Address,
        /// Its round.
        round: u128,
        /// Where its answer is from.
        answered: u128,
    },
    /// No price.
    #[error("feed {feed} answers {answer}")]
    NotPositive {
        /// Which.
        feed: Address,
        /// What it says.
        answer: I256,
    },
    /// Of a time that has not come.
    #[error("feed {feed} is of {updated}, the block of {time}")]
    Ahead {
        /// Which.
        feed: Address,
        /// Its round's time.
        updated: Time,
        /// The block's time.
        time: Time,
    },
    /// Too old.
    #[error("feed {feed}: its round is {age} old, at most {age_most} counts")]
    Stale {
        /// Which.
        feed: Address,
        /// How old.
        age: Millis,
        /// At most.
        age_most: Millis,
    },
    /// Too far from the round before.
    #[error("feed {feed} went from {before} to {price} in one round")]
    Jumped {
        /// Which.
        feed: Address,
        /// The round before.
        before: Price,
        /// This one.
        price: Price,
    },
}

/// One round.
struct Round {
    id: u128,
    answer: I256,
    updated: Time,
    answered: u128,
}

impl Feed {
    /// Its price at a block of this time.
    pub async fn read(
        &self,
        provider: &DynProvider,
        block: BlockId,
        time: Time,
    ) -> Result<PriceReport, FeedError> {
        let feed = self.aggregator;
        let contract = abi::AggregatorV3::new(feed, provider);
        let unreadable = |fault| FeedError::Unreadable { feed, fault };
        let decimals =
            answer(contract.decimals().block(block).call().into_future()).await.map_err(unreadable)?;
        let data =
            answer(contract.latestRoundData().block(block).call().into_future()).await.map_err(unreadable)?;
        let round = Round {
            id: data.roundId.to(),
            answer: data.answer,
            updated: seconds(data.updatedAt.saturating_to()),
            answered: data.answeredInRound.to(),
        };
        let price = self.check(&round, decimals, time)?;
        // The round before belongs to this one only within a phase, whose number is above bit 64.
        let before = round.id.checked_sub(1).filter(|id| *id & u128::from(u64::MAX) != 0);
        if let Some(id) = before.and_then(|id| id.try_into().ok()) {
            let data = answer(contract.getRoundData(id).block(block).call().into_future()).await;
            let data = data.map_err(unreadable)?;
            if let Some(before) = to_wad(data.answer, decimals).filter(|before| self.jumped(*before, price)) {
                return Err(FeedError::Jumped { feed, before, price });
            }
        }
        let Self { asset, source, deviation, .. } = *self;
        Ok(PriceReport { asset, source, price, confidence: deviation, time: round.updated })
    }

    fn check(&self, round: &Round, decimals: u8, time: Time) -> Result<Price, FeedError> {
        let feed = self.aggregator;
        if 18 < decimals {
            return Err(FeedError::TooManyDigits { feed, decimals });
        }
        if round.answered < round.id {
            return Err(FeedError::Carried { feed, round: round.id, answered: round.answered });
        }
        let price =
            to_wad(round.answer, decimals).ok_or(FeedError::NotPositive { feed, answer: round.answer })?;
        if time < round.updated {
            return Err(FeedError::Ahead { feed, updated: round.updated, time });
        }
        let (age, age_most) = (time.since(round.updated), self.age_most);
        if age_most < age { Err(FeedError::Stale { feed, age, age_most }) } else { Ok(price) }
    }

    fn jumped(&self, before: Price, price: Price) -> bool {
        let share = |low: Price, high: Price| {
            let whole = Ratio::ONE.checked_add(self.jump_most).unwrap_or(Ratio::MAX);
            low.mul_ratio_down(whole).is_ok_and(|most| most < high)
        };
        share(before, price) || share(price, before)
    }
}

/// `None` where it is no price: not positive, or beyond what the hub counts.
fn to_wad(answer: I256, decimals: u8) -> Option<Price> {
    let answer: u128 = answer.try_into().ok()?;
    let wei = answer.checked_mul(10_u128.checked_pow(18_u32.checked_sub(u32::from(decimals))?)?)?;
    Price::from_wei(wei).ok()
}

fn seconds(seconds: u64) -> Time {
    Time::from_millis(seconds.saturating_mul(1_000))
}
