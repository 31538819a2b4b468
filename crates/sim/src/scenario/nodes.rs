//! The part of a scenario that is about nodes: keepers, validators, and what goes wrong with them and with chains.

use super::ScenarioFault;
use ballast_units::{Millis, Time};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Keepers. What is left over is honest.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keepers {
    /// How many; without any, validators deliver.
    pub number: u32,
    /// Regions that they stand in.
    pub regions: u32,
    /// Of them, silent from the first task on that they are drawn for.
    pub offline: u32,
    /// Late by `slow_by`.
    pub slow: u32,
    /// Some of their reports are false.
    pub lying: u32,
    /// Copy others' reports; two and two have one operator.
    pub colluding: u32,
    /// From seeing to acting, least and most.
    pub latency: [Millis; 2],
    /// What a slow one needs on top.
    pub slow_by: Millis,
    /// Ten thousandths of a liar's reports that are false.
    pub lies: u32,
    /// Tokens that one stakes, least and most.
    pub stake: [u64; 2],
    /// From signing to a courier's sending.
    pub courier: Millis,
}

/// A chain that comes while the hub runs: its terms are those that a chain of genesis would have.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// Its name.
    pub chain: String,
    /// When governance adds it.
    #[serde(deserialize_with = "super::moment_there")]
    pub at: Time,
    /// People who come with it, on top of the scenario's accounts.
    pub accounts: u32,
}

/// The regular way of orders: messages from the home chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderWay {
    /// Blocks of the home chain that are waited for; 1 is the one that holds the message.
    pub confirmations: u64,
    /// Nobody sends an order himself before the message had this long.
    pub patience: Millis,
}

/// Drills, so long after the first moment; without a moment, none.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Drills {
    /// The validators rotate to new keys.
    pub rotate_after: Option<Millis>,
    /// A third of the validators freezes every vault,
    pub freeze_after: Option<Millis>,
    /// for so long.
    pub freeze_for: Millis,
}

/// Validators, and what goes wrong.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// How many validators; one alone is believed.
    pub validators: u32,
    /// Of them, how many lag by up to `lag`.
    pub lagging: u32,
    /// Longest delay of what a lagging one reads.
    pub lag: Millis,
    /// How many lie.
    pub lying: u32,
    /// Ten thousandths of a liar's reports that are false.
    pub lies: u32,
    /// Longest delay of what the others read: reports overtake each other.
    pub delay: Millis,
    /// Ten thousandths of all reports that come twice.
    pub twice: u32,
    /// By chain.
    pub chains: BTreeMap<String, ChainFaults>,
}

/// What goes wrong on a chain. A pause of zero: never.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainFaults {
    /// Between two reorgs.
    pub reorg_every: Millis,
    /// Blocks that one drops.
    pub reorg_depth: u64,
    /// Blocks that one more reorg drops, at a moment of the seed's; 0: none.
    pub reorg_deep: u64,
    /// Ten thousandths of dropped transactions that are never included again.
    pub lost: u32,
    /// Ten thousandths of them that are included after the head only.
    pub late: u32,
    /// Mean time between two halts.
    pub halt_every: Millis,
    /// Longest halt.
    pub halt_most: Millis,
    /// Mean time between two spikes of gas.
    pub spike_every: Millis,
    /// Longest spike.
    pub spike_most: Millis,
    /// Gas and inclusion time are so many times as much in one.
    pub spike_times: u64,
}

impl Default for Keepers {
    fn default() -> Self {
        Self {
            number: 12,
            regions: 10,
            offline: 0,
            slow: 0,
            lying: 0,
            colluding: 0,
            latency: [Millis::new(300), Millis::new(1_500)],
            slow_by: Millis::seconds(100),
            lies: 1_000,
            stake: [10_000, 50_000],
            courier: Millis::seconds(60),
        }
    }
}

impl Default for OrderWay {
    fn default() -> Self {
        Self { confirmations: 1, patience: Millis::seconds(16) }
    }
}

impl Default for Drills {
    fn default() -> Self {
        Self { rotate_after: None, freeze_after: None, freeze_for: Millis::minutes(4) }
    }
}

impl Default for FaultPlan {
    fn default() -> Self {
        Self {
            validators: 1,
            lagging: 0,
            lag: Millis::seconds(20),
            lying: 0,
            lies: 100,
            delay: Millis::new(500),
            twice: 100,
            chains: BTreeMap::new(),
        }
    }
}

impl Default for ChainFaults {
    fn default() -> Self {
        Self {
            reorg_every: Millis::ZERO,
            reorg_depth: 3,
            reorg_deep: 0,
            lost: 200,
            late: 1_000,
            halt_every: Millis::ZERO,
            halt_most: Millis::minutes(2),
            spike_every: Millis::ZERO,
            spike_most: Millis::minutes(5),
            spike_times: 3,
        }
    }
}

/// Refuses figures that no keepers or validators can have.
pub(super) fn check(keepers: &Keepers, faults: &FaultPlan) -> Result<(), ScenarioFault> {
    let fault = |field: &str, found: String, expected| {
        Err(ScenarioFault { field: field.to_owned(), found, expected })
    };
    let &Keepers { number, offline, slow, lying, colluding, .. } = keepers;
    let roles = [offline, slow, lying, colluding].into_iter().map(u64::from).sum::<u64>();
    if 1_000 < number || u64::from(number) < roles {
        return fault("keepers.number", number.to_string(), "at most 1,000, and as many as have a role");
    }
    let ([fast, slow], [low, high]) = (keepers.latency, keepers.stake);
    if slow < fast || high < low {
        return fault("keepers.latency", format!("{fast} to {slow}"), "least, then most; of the stake too");
    }
    let &FaultPlan { validators, lagging, lying, .. } = faults;
    if 100 < validators || validators.max(1) <= 3 * lying || validators < lagging.saturating_add(lying) {
        return fault(
            "faults.validators",
            validators.to_string(),
            "1 to 100, more than 3 times those that lie",
        );
    }
    Ok(())
}

/// Refuses drills that no vault takes part in.
pub(super) fn check_drills(drills: &Drills) -> Result<(), ScenarioFault> {
    let (least, most) = (Millis::seconds(1), Millis::days(1));
    if drills.freeze_for < least || most < drills.freeze_for {
        let found = drills.freeze_for.to_string();
        let field = "drills.freeze_for".to_owned();
        return Err(ScenarioFault {
            field,
            found,
            expected: "1,000 to 86,400,000 ms: a freeze ends within a day",
        });
    }
    Ok(())
}
