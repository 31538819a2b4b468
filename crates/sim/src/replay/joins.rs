//! Chains that join while the hub runs: governance adds one with the terms that genesis would have given it, its vault is
//! told of its tokens, and people come.

use super::ReplayError;
use crate::scenario::{Borrowers, Join, Layers, Makers, Scenario};
use ballast_types::{AssetId, ChainGenesis, ChainParams, Genesis};
use ballast_units::{Amount, Ratio};

/// Puts the chains that join behind those that are there at first, in order of their coming, and gives how many are there
/// at first.
pub(super) fn split(scenario: &Scenario, genesis: &mut Genesis) -> Result<usize, ReplayError> {
    let mut joins: Vec<&Join> = scenario.joins.iter().collect();
    joins.sort_by_key(|join| join.at);
    let mut late = Vec::new();
    for join in joins {
        let found = genesis.chains.iter().position(|chain| chain.name == join.chain);
        let at = found.ok_or_else(|| ReplayError::Genesis {
            fault: format!("joins: there is no chain {:?} that could join", join.chain),
        })?;
        late.push(genesis.chains.remove(at));
    }
    let first = genesis.chains.len();
    genesis.chains.extend(late);
    Ok(first)
}

/// A chain's terms by ids, as governance gives them.
pub(super) fn params(genesis: &Genesis, chain: &ChainGenesis) -> ChainParams {
    let asset = |symbol: &str| {
        let found = genesis.assets.iter().position(|asset| asset.symbol == symbol);
        let id = found.and_then(|at| u16::try_from(at).ok());
        AssetId(id.expect("the engine has refused names that resolve to nothing"))
    };
    let tokens = chain.tokens.iter().map(|token| (asset(&token.asset), token.params)).collect();
    chain.params(asset(&chain.coin), tokens)
}

/// Who comes with a chain: people as the scenario's, all of them there, and its tranche. They mind nothing: whoever
/// watches its health is drawn at the start.
pub(super) fn newcomers(scenario: &Scenario, join: &Join) -> Scenario {
    let layers = &scenario.layers;
    let whole = |number: u32| Amount::whole(number.max(1).into());
    // Layers grow with the number of accounts: this is one chain of a house of all of them.
    let tranche = layers.tranche_chain.share_down(whole(scenario.accounts), whole(join.accounts));
    Scenario {
        accounts: join.accounts,
        chain_weights: [(join.chain.clone(), 1)].into(),
        borrowers: Borrowers {
            two_chains: Ratio::ZERO,
            attentive: Ratio::ZERO,
            ..scenario.borrowers.clone()
        },
        makers: Makers { number: 0, ..scenario.makers.clone() },
        keepers: crate::scenario::Keepers { number: 0, ..scenario.keepers.clone() },
        layers: Layers {
            tranche_market: Amount::ZERO,
            tranche_chain: tranche.unwrap_or(layers.tranche_chain),
            budget: Amount::ZERO,
            float: Amount::ZERO,
        },
        ..scenario.clone()
    }
}
