//! Who bids: drawn from the scenario. What they do is theirs (`ballast_keeper::Bidders`).

use super::places::Places;
use crate::scenario::{self, Away, Scenario};
use crate::seed::{Seed, scale_exp2};
use ballast_keeper::{Bidder, Bidders};
use ballast_types::{Address, ChainId};
use ballast_units::{Amount, Millis, Ratio, Time};

/// One standard deviation of a bidder's capital doubles it.
const CAPITAL_SPREAD: i64 = 1;

/// Draws are made in this many steps.
const STEPS: u64 = 1_000_000;

/// The scenario's bidders.
pub(super) fn bidders(scenario: &Scenario, places: &Places) -> Bidders {
    let terms = &scenario.bidders;
    let mut stream = Seed::new(scenario.seed).stream("bidders");
    let shares: Vec<u64> =
        (0..terms.number).map(|_| scale_exp2(1_000, stream.normal() * CAPITAL_SPREAD)).collect();
    let total = scenario.scaled(terms.capital);
    let sum = Amount::whole(shares.iter().sum());
    let bidders = (1..)
        .zip(shares)
        .map(|(number, share)| Bidder {
            address: address(number),
            free: total.share_down(Amount::whole(share), sum).expect("a part of a bounded total"),
            discount: between(terms.discount, stream.below(STEPS)),
            latency: delay(terms, stream.below(STEPS)),
            // All are on the first chain, the deepest.
            chains: places
                .chains
                .iter()
                .filter(|chain| chain.id == ChainId(0) || super::traders::within(terms.on_chain, &mut stream))
                .map(|chain| chain.id)
                .collect(),
            rank: between([Ratio::ZERO, Ratio::ONE], stream.below(STEPS)),
        })
        .collect();
    Bidders::new(bidders, terms.hold)
}

/// Share of the bidders that is away.
pub(super) fn share_away(away: &[Away], now: Time) -> Ratio {
    let there = away.iter().filter(|away| away.from <= now && now < away.to);
    there.map(|away| away.share).max().unwrap_or(Ratio::ZERO)
}

fn between([low, high]: [Ratio; 2], step: u64) -> Ratio {
    let way = (high - low).wei() / i128::from(STEPS) * i128::from(step);
    low + Ratio::from_wei(way)
}

fn delay(terms: &scenario::Bidders, step: u64) -> Millis {
    let [low, high] = terms.latency;
    Millis::new(low.get() + high.saturating_sub(low).get() / 1_000 * step / (STEPS / 1_000))
}

fn address(number: u64) -> Address {
    let mut address = [0; 32];
    address[12] = 0xb1;
    address[24..].copy_from_slice(&number.to_be_bytes());
    Address(address)
}
