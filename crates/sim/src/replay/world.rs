//! What stands behind the chains of a replay: what they are like, what goes wrong with them, what carries collateral
//! between them.
//!
//! - [`World`]: the one thing that a replay needs of chains beside `Spoke`. Chains over a network have their own.
//! - [`SimWorld`]: chains in this process, slow and dear as the scenario says, broken by its seed.

use super::places::{ChainPlace, Places};
use crate::scenario::{ChainFaults, Congestion, Scenario};
use crate::seed::Seed;
use ballast_spoke::certificate::ValidatorSet;
use ballast_spoke::faults::{FaultTerms, Faults};
use ballast_spoke::message::Payload;
use ballast_spoke::{Conditions, Courier, Fork, SimChain, SimChainParams};
use ballast_types::{AssetId, Genesis, PriceReport};
use ballast_units::{Amount, Bps, Millis, Price, Time};
use std::fmt::Debug;

/// What a replay's chains need from outside.
pub trait World<S>: Debug + Send {
    /// Before the chains' time goes on to `now`.
    fn turn(&mut self, chains: &mut [S], now: Time);

    /// After that: what has left one chain reaches another.
    fn carry(&mut self, chains: &mut [S], now: Time);

    /// Puts what sources on the chains tell in the place of what the same sources would have reported here. `price` is the
    /// market's.
    fn quote(
        &mut self,
        chains: &mut [S],
        price: &dyn Fn(AssetId) -> Price,
        now: Time,
        reports: &mut Vec<PriceReport>,
    );

    /// Sends signed orders the regular way, where there is one. Gives for how long it is waited for before anybody sends
    /// them himself.
    fn send(&mut self, chains: &mut [S], payload: &Payload, now: Time) -> Millis;

    /// Reorgs so far that dropped a block.
    fn reorgs(&self) -> u64;
}

/// A chain tells the time of its last final block at least this often.
const FINAL_EVERY: Millis = Millis::seconds(5);

/// From the finality of a bridge at its source to its arrival.
const TRAVEL: Millis = Millis::minutes(2);

/// Chains in this process.
#[derive(Debug)]
pub struct SimWorld {
    chains: Vec<SimTerms>,
    courier: Courier,
    reorgs: u64,
}

#[derive(Debug)]
struct SimTerms {
    usual: Conditions,
    congestion: Vec<Congestion>,
    faults: Option<Faults>,
    /// Reorgs to come, the next one last.
    reorgs: Vec<(Time, Fork)>,
}

impl SimWorld {
    /// The chains at the time of genesis, and what will happen to them from `from` to `to`.
    pub(super) fn new(
        scenario: &Scenario,
        genesis: &Genesis,
        places: &Places,
        validators: &ValidatorSet,
        [from, to]: [Time; 2],
    ) -> (Vec<SimChain>, Self) {
        let chains = places.chains.iter().map(|place| chain(scenario, genesis, place, validators));
        let terms = places.chains.iter().map(|place| {
            let terms = scenario.chain_terms(&place.name);
            let block_time = genesis.chains[usize::from(place.id.0)].block_time;
            let faults = scenario.faults.chains.get(&place.name);
            SimTerms {
                usual: conditions(block_time, terms.inclusion, terms.gas),
                congestion: scenario
                    .congestion
                    .iter()
                    .filter(|jam| jam.chain == place.name)
                    .cloned()
                    .collect(),
                faults: faults
                    .map(|faults| Faults::new(scenario.seed, &place.name, fault_terms(faults), from)),
                reorgs: faults
                    .map_or(Vec::new(), |faults| reorgs(faults, &place.name, scenario.seed, [from, to])),
            }
        });
        let world = Self { chains: terms.collect(), courier: Courier::new(TRAVEL), reorgs: 0 };
        (chains.collect(), world)
    }
}

impl World<SimChain> for SimWorld {
    fn turn(&mut self, chains: &mut [SimChain], now: Time) {
        for (chain, terms) in chains.iter_mut().zip(&mut self.chains) {
            let jam = terms.congestion.iter().find(|jam| jam.from <= now && now < jam.to);
            let usual = match jam {
                Some(jam) => conditions(terms.usual.block_time, jam.inclusion, jam.gas),
                None => terms.usual,
            };
            match &mut terms.faults {
                Some(faults) => {
                    faults.act(chain, usual, now);
                }
                None => chain.set_conditions(usual),
            }
            while let Some((_, fork)) = terms.reorgs.pop_if(|(at, _)| *at <= now) {
                if 0 < chain.reorg(fork).blocks {
                    self.reorgs += 1;
                }
            }
        }
    }

    fn carry(&mut self, chains: &mut [SimChain], now: Time) {
        self.courier.carry(chains, now);
    }

    fn quote(&mut self, _: &mut [SimChain], _: &dyn Fn(AssetId) -> Price, _: Time, _: &mut Vec<PriceReport>) {
    }

    fn send(&mut self, _: &mut [SimChain], _: &Payload, _: Time) -> Millis {
        Millis::ZERO
    }

    fn reorgs(&self) -> u64 {
        self.reorgs
    }
}

fn chain(scenario: &Scenario, genesis: &Genesis, place: &ChainPlace, validators: &ValidatorSet) -> SimChain {
    let terms = scenario.chain_terms(&place.name);
    let tokens = place.tokens.iter().chain([&place.coin]).chain(&place.stake);
    let block_time = genesis.chains[usize::from(place.id.0)].block_time;
    SimChain::new(SimChainParams {
        chain: place.id,
        coin: place.coin.token.asset,
        units: tokens.map(|token| (token.token.asset, token.unit)).collect(),
        validators: validators.clone(),
        start: genesis.time,
        conditions: conditions(block_time, terms.inclusion, terms.gas),
        safe_depth: terms.safe_depth,
        final_depth: terms.final_depth,
        final_every: FINAL_EVERY,
    })
}

/// An order and a bridge cost as much gas as a take.
const fn conditions(block_time: Millis, inclusion: Millis, gas: Amount) -> Conditions {
    Conditions { block_time, inclusion, gas_order: gas, gas_take: gas, bridge: gas }
}

/// Reorgs come by their own times.
fn fault_terms(faults: &ChainFaults) -> FaultTerms {
    FaultTerms {
        halt_every: faults.halt_every,
        halt_most: faults.halt_most,
        spike_every: faults.spike_every,
        spike_most: faults.spike_most,
        spike_times: faults.spike_times,
        ..FaultTerms::NONE
    }
}

/// A reorg each `reorg_every`, and one deep one at a moment of its own.
fn reorgs(faults: &ChainFaults, name: &str, seed: u64, [from, to]: [Time; 2]) -> Vec<(Time, Fork)> {
    let mut stream = Seed::new(seed).stream(&format!("reorgs of {name}"));
    let fork = |depth, seed| Fork { depth, lost: Bps::new(faults.lost), late: Bps::new(faults.late), seed };
    let mut reorgs = Vec::new();
    if !faults.reorg_every.is_zero() {
        let mut at = from.after(faults.reorg_every);
        while at < to {
            reorgs.push((at, fork(faults.reorg_depth, stream.bits())));
            at = at.after(faults.reorg_every);
        }
    }
    if 0 < faults.reorg_deep {
        let at = from.after(Millis::new(stream.below(to.since(from).get().max(1))));
        reorgs.push((at, fork(faults.reorg_deep, stream.bits())));
    }
    reorgs.sort_by_key(|(at, fork)| (std::cmp::Reverse(*at), fork.depth));
    reorgs
}
