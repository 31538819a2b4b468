//! Monitoring: each chain's borrowers by collateral ratio, its prices, depths, costs, and how old all that is.
//!
//! Computed on demand, in one pass over the accounts; nothing of it is kept in the state. Ages are in chain time: the
//! block's less that of the measurement. A row whose chain was not heard of for 10 seconds is stale.

use crate::credit;
use crate::liquidation::auction_cap;
use crate::oracle;
use crate::state::{Chain, State};
use ballast_types::{ChainId, OracleState, Token};
use ballast_units::{Amount, Millis, Price, Ratio, Time};

/// An older row is stale.
pub const STALE_AFTER: Millis = Millis::seconds(10);

/// Lower bounds of the buckets of collateral ratios, percent; the first begins at nothing.
const BOUNDS: [i64; 9] = [0, 100, 105, 110, 120, 130, 150, 200, 300];

/// A chain as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainRow {
    /// Which.
    pub chain: ChainId,
    /// When it was last heard of.
    pub heard: Time,
    /// How long ago that is.
    pub age: Millis,
    /// Longer than [`STALE_AFTER`].
    pub stale: bool,
    /// Time of its last final block.
    pub final_time: Time,
    /// Dollars of gas to have an order delivered, and its age.
    pub gas: Option<(Amount, Millis)>,
    /// Dollars to send collateral to another chain, and its age.
    pub bridge: Option<(Amount, Millis)>,
    /// Orders of which it is not final that they were carried out.
    pub orders: u32,
    /// Its borrowers by collateral on the chain, at index, over debt on the chain; ascending.
    pub ratios: Vec<Bucket>,
    /// Tokens of its vault, coins left out.
    pub tokens: Vec<TokenRow>,
}

/// Borrowers whose ratio is at least `from` and below the next bucket's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its lower bound.
    pub from: Ratio,
    /// How many.
    pub accounts: u32,
    /// Dollars that they owe on the chain.
    pub debt: Amount,
}

/// A token of a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Which.
    pub token: Token,
    /// Its asset's price in use, and how long ago enough sources confirmed it.
    pub index: Option<(Price, Millis)>,
    /// What may be done on it.
    pub state: OracleState,
    /// Dollars that the chain's market takes, and its age.
    pub depth: Option<(Amount, Millis)>,
    /// Dollars under auction, at value when queued.
    pub auctioned: Amount,
    /// At most so many at once.
    pub cap: Amount,
}

/// Every chain as it stands.
#[must_use]
pub fn rows(state: &State) -> Vec<ChainRow> {
    let mut rows: Vec<ChainRow> = state.chains.iter().map(|(id, chain)| row(state, id, chain)).collect();
    for (_, account) in state.accounts.iter() {
        for loan in &account.loans {
            let holdings = account.balances.holdings().iter().filter(|held| held.token.chain == loan.chain);
            let values = holdings.filter_map(|held| {
                let index = oracle::index(state, held.token.asset)?;
                (held.amount + held.pending).value_down(index).ok()
            });
            let collateral: Amount = values.sum();
            let debt = credit::owed(state, loan);
            let ratio = collateral.ratio_to_down(debt).unwrap_or(Ratio::MAX);
            let buckets =
                rows.iter_mut().filter(|row| row.chain == loan.chain).flat_map(|row| &mut row.ratios);
            if let Some(bucket) = buckets.filter(|bucket| bucket.from <= ratio).last() {
                bucket.accounts = bucket.accounts.saturating_add(1);
                bucket.debt += debt;
            }
        }
    }
    rows
}

fn row(state: &State, id: ChainId, chain: &Chain) -> ChainRow {
    let now = state.now();
    let aged = |measured: Option<(Amount, Time)>| measured.map(|(value, time)| (value, now.since(time)));
    let age = now.since(chain.heard);
    let empty = |from: &i64| Bucket { from: Ratio::percent(*from), accounts: 0, debt: Amount::ZERO };
    let of_chain = (id, ballast_types::Nonce(0))..=(id, ballast_types::Nonce(u64::MAX));
    let tokens = chain.tokens.iter().filter(|token| !token.stable).map(|record| {
        let token = Token { asset: record.asset, chain: id };
        let asset = state.assets.get(record.asset);
        TokenRow {
            token,
            index: asset.index.map(|price| (price, now.since(asset.confirmed))),
            state: asset.state,
            depth: aged(record.depth.last()),
            auctioned: record.auctioned,
            cap: auction_cap(state, token),
        }
    });
    ChainRow {
        chain: id,
        heard: chain.heard,
        age,
        stale: STALE_AFTER < age,
        final_time: chain.final_time,
        gas: aged(chain.gas.last()),
        bridge: aged(chain.bridge.last()),
        orders: u32::try_from(state.orders.range(of_chain).count()).unwrap_or(u32::MAX),
        ratios: BOUNDS.iter().map(empty).collect(),
        tokens: tokens.collect(),
    }
}
