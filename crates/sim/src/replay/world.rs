//! What stands behind the chains of a replay: what they are like, what goes wrong with them, what carries collateral
//! between them.
//!
//! - [`World`]: the one thing that a replay needs of chains beside `Spoke`. Chains over a network have their own.
//! - [`SimWorld`]: chains in this process, slow and dear as the scenario says, broken by its seed.

use super::places::{ChainPlace, Places};
use crate::scenario::{ChainFaults, Congestion, Scenario};
use crate::seed::Seed;
use ballast_engine::State;
use ballast_spoke::certificate::ValidatorSet;
use ballast_spoke::faults::{FaultTerms, Faults};
use ballast_spoke::message::Payload;
use ballast_spoke::{Conditions, Courier, Fork, SimChain, SimChainParams, Spoke as _};
use ballast_types::{AssetId, ChainGenesis, Change, Genesis, PriceReport};
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

    /// What governance has a chain's vault told first, once the house knows the chain.
    fn introduction(&self, chain: &S, state: &State) -> Vec<Change>;

    /// How long vaults need for that.
    fn telling(&self) -> Millis;

    /// Begins a chain that the house does not know yet, beside those that it knows, and writes its vault's domain into its
    /// terms. Its vault obeys these validators.
    fn join(
        &mut self,
        chains: &mut [S],
        genesis: &mut ChainGenesis,
        validators: &ValidatorSet,
        now: Time,
    ) -> Result<S, String>;

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
    scenario: Scenario,
    places: Places,
    window: [Time; 2],
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
        window: [Time; 2],
    ) -> (Vec<SimChain>, Self) {
        let mut world = Self {
            scenario: scenario.clone(),
            places: places.clone(),
            window,
            chains: Vec::new(),
            courier: Courier::new(TRAVEL),
            reorgs: 0,
        };
        let chains = places.chains.iter().zip(&genesis.chains);
        let chains =
            chains.map(|(place, chain)| world.begin(place, chain, validators, genesis.time)).collect();
        (chains, world)
    }

    /// A chain at `start`, and what will happen to it.
    fn begin(
        &mut self,
        place: &ChainPlace,
        genesis: &ChainGenesis,
        validators: &ValidatorSet,
        start: Time,
    ) -> SimChain {
        let Self { scenario, window, .. } = self;
        let terms = scenario.chain_terms(&place.name);
        let faults = scenario.faults.chains.get(&place.name);
        let usual = conditions(genesis.block_time, terms.inclusion, terms.gas);
        self.chains.push(SimTerms {
            usual,
            congestion: scenario.congestion.iter().filter(|jam| jam.chain == place.name).cloned().collect(),
            faults: faults
                .map(|faults| Faults::new(scenario.seed, &place.name, fault_terms(faults), window[0])),
            reorgs: faults.map_or(Vec::new(), |faults| reorgs(faults, &place.name, scenario.seed, *window)),
        });
        let tokens = place.tokens.iter().chain([&place.coin]).chain(&place.stake);
        SimChain::new(SimChainParams {
            chain: place.id,
            coin: place.coin.token.asset,
            units: tokens.map(|token| (token.token.asset, token.unit)).collect(),
            validators: validators.clone(),
            start,
            conditions: usual,
            safe_depth: terms.safe_depth,
            final_depth: terms.final_depth,
            final_every: FINAL_EVERY,
        })
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

    fn introduction(&self, _: &SimChain, _: &State) -> Vec<Change> {
        Vec::new()
    }

    fn telling(&self) -> Millis {
        Millis::ZERO
    }

    fn join(
        &mut self,
        chains: &mut [SimChain],
        genesis: &mut ChainGenesis,
        validators: &ValidatorSet,
        now: Time,
    ) -> Result<SimChain, String> {
        let place = self.places.chains.get(chains.len()).cloned().ok_or("no chain is left to join")?;
        let chain = self.begin(&place, genesis, validators, now);
        genesis.domain = chain.domain();
        Ok(chain)
    }

    fn reorgs(&self) -> u64 {
        self.reorgs
    }
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
