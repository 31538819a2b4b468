//! Cover: how far those who owe on a chain are from their liquidation.
//!
//! - Cover of an account = (H_M + its loans) / its loans: what stands behind its loans, weighted by thresholds, after
//!   everything else that it owes or needs as margin, for each dollar lent to it. Below 1 it is liquidated. With
//!   collateral on one chain and nothing else it is (collateral · index / debt) / threshold.
//! - An account with loans on two chains counts on both, its debt where it owes it.
//! - Cost: one walk over all accounts. Whoever has only collateral, cash and loans is counted in floating point, whoever
//!   has more by the engine. For a picture, not for a decision: at the edge of a bin the last digit may err.

use super::frame::{BIN_EDGES, BINS, Bin};
use ballast_engine::State;
use ballast_engine::account::{Account, Loan};
use ballast_engine::risk::health;
use ballast_types::{AccountId, AssetId, ChainId};
use ballast_units::{Amount, Ratio};

/// Those who owe on one chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Accounts with a loan there.
    pub borrowers: u64,
    /// Of these, locked by a task.
    pub locked: u64,
    /// Borrowers by cover, the worst first.
    pub bins: [Bin; BINS],
}

/// Every chain's borrowers by cover.
#[must_use]
pub fn coverage(state: &State) -> Vec<Coverage> {
    let terms = Terms::of(state);
    let mut counts = vec![Count::default(); state.chains.len()];
    for (id, account) in state.accounts.iter() {
        if account.loans.is_empty() {
            continue;
        }
        let debt: f64 = account.loans.iter().map(|loan| terms.owed(loan)).sum();
        let bin = bin(terms.cover(state, id, account, debt));
        for loan in &account.loans {
            let count = &mut counts[usize::from(loan.chain.0)];
            count.borrowers += 1;
            count.locked += u64::from(account.task.is_some());
            count.accounts[bin] += 1;
            count.debt[bin] += terms.owed(loan);
        }
    }
    counts.into_iter().map(Count::coverage).collect()
}

/// The bin of a cover.
fn bin(cover: f64) -> usize {
    BIN_EDGES.iter().filter(|edge| **edge <= cover).count()
}

/// One chain while it is counted.
#[derive(Clone, Copy, Default)]
struct Count {
    borrowers: u64,
    locked: u64,
    accounts: [u64; BINS],
    debt: [f64; BINS],
}

impl Count {
    fn coverage(self) -> Coverage {
        let bins = std::array::from_fn(|at| Bin {
            accounts: self.accounts[at],
            debt: Amount::whole((self.debt[at] / WAD) as u64),
        });
        Coverage { borrowers: self.borrowers, locked: self.locked, bins }
    }
}

const WAD: f64 = 1e18;

/// The number of wei, as near as a float comes: two halves, each converted by one instruction.
fn float(wei: u128) -> f64 {
    (wei >> 64) as u64 as f64 * 18_446_744_073_709_551_616.0 + wei as u64 as f64
}

/// Index over threshold by chain and asset, and growth of debt by chain.
struct Terms {
    weights: Vec<Vec<(AssetId, f64)>>,
    growth: Vec<f64>,
}

impl Terms {
    fn of(state: &State) -> Self {
        let weight = |asset: AssetId, threshold: Ratio| {
            let index = state.assets.find(asset).and_then(|record| record.index);
            index.map_or(0.0, |index| index.wei() as f64 / threshold.wei() as f64)
        };
        let weights = state.chains.iter().map(|(_, chain)| {
            chain
                .tokens
                .iter()
                .map(|token| (token.asset, weight(token.asset, token.params.threshold)))
                .collect()
        });
        let growth = state.chains.iter().map(|(_, chain)| chain.pool.index.wei() as f64 / WAD);
        Self { weights: weights.collect(), growth: growth.collect() }
    }

    /// What a loan has grown to, wei.
    fn owed(&self, loan: &Loan) -> f64 {
        float(loan.scaled.wei()) * self.growth[usize::from(loan.chain.0)]
    }

    fn weight(&self, chain: ChainId, asset: AssetId) -> f64 {
        let listed = self.weights[usize::from(chain.0)].iter().find(|(other, _)| *other == asset);
        listed.map_or(0.0, |(_, weight)| *weight)
    }

    fn cover(&self, state: &State, id: AccountId, account: &Account, debt: f64) -> f64 {
        if !account.positions.is_empty() || !account.claims.is_empty() {
            return health::maintenance(state, id).wei() as f64 / debt + 1.0;
        }
        let mut behind = float(account.balances.cash().wei());
        for held in account.balances.holdings() {
            let amount = float((held.amount + held.pending).wei());
            behind += amount * self.weight(held.token.chain, held.token.asset);
        }
        behind / debt
    }
}
