//! Attestation: what an account was before its liquidation and after.
//!
//! - H0 when a task opens, H1 when it ends: keccak of the account's position in the bytes of `docs/messages.md`.
//! - A block's roots of both are what the members of the attestation chain sign.
//! - Whether chain and engine agree on what happened between the two is looked at where auctions end
//!   (`liquidation`), and measures the keepers' reports (`keeper`).

use crate::account::Account;
use crate::credit;
use crate::market::settlement;
use crate::oracle;
use crate::state::{Outcome, State};
use ballast_types::{AccountId, Hash, TaskId, digest};
use ballast_units::{Amount, Price};

/// Merkle roots of a block's H0s and H1s; zero where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Of the tasks that it opened.
    pub before: Hash,
    /// Of the tasks that it ended.
    pub after: Hash,
}

/// H0 or H1: an account's position and the prices it stands on, in this block (`docs/messages.md`).
pub(crate) fn position(state: &State, account: AccountId) -> Hash {
    let record = state.accounts.get(account);
    let mut bytes = b"BALLAST-POSITION-1".to_vec();
    bytes.extend_from_slice(&account.0.to_be_bytes());
    bytes.extend_from_slice(&state.house.height.0.to_be_bytes());
    push_amount(&mut bytes, record.balances.cash());
    push_collateral(state, record, &mut bytes);
    push_debts(state, record, &mut bytes);
    push_positions(state, record, &mut bytes);
    digest::keccak(&[&bytes])
}

fn push_collateral(state: &State, record: &Account, bytes: &mut Vec<u8>) {
    push_count(bytes, record.balances.holdings().len());
    for held in record.balances.holdings() {
        bytes.extend_from_slice(&held.token.chain.0.to_be_bytes());
        bytes.extend_from_slice(&held.token.asset.0.to_be_bytes());
        push_amount(bytes, held.amount);
        push_amount(bytes, held.pending);
        push_price(bytes, oracle::index(state, held.token.asset));
    }
}

fn push_debts(state: &State, record: &Account, bytes: &mut Vec<u8>) {
    push_count(bytes, record.loans.len());
    for loan in &record.loans {
        bytes.extend_from_slice(&loan.chain.0.to_be_bytes());
        push_amount(bytes, loan.principal);
        push_amount(bytes, credit::owed(state, loan));
    }
    push_count(bytes, record.claims.len());
    for held in &record.claims {
        bytes.extend_from_slice(&held.market.0.to_be_bytes());
        push_amount(bytes, settlement::standing(state, record, held.market).unpaid());
        push_amount(bytes, settlement::owed(state, held.market, &held.debt));
    }
}

fn push_positions(state: &State, record: &Account, bytes: &mut Vec<u8>) {
    push_count(bytes, record.positions.len());
    for position in &record.positions {
        bytes.extend_from_slice(&position.market.0.to_be_bytes());
        bytes.extend_from_slice(&position.size.wei().to_be_bytes());
        bytes.extend_from_slice(&position.cost.wei().to_be_bytes());
        push_price(bytes, state.markets.get(position.market).prices.risk);
    }
}

fn push_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
}

fn push_amount(bytes: &mut Vec<u8>, amount: Amount) {
    bytes.extend_from_slice(&amount.wei().to_be_bytes());
}

/// Zero where there is none.
fn push_price(bytes: &mut Vec<u8>, price: Option<Price>) {
    bytes.extend_from_slice(&price.map_or(0, Price::wei).to_be_bytes());
}

/// The roots of a block.
pub(crate) fn roots(out: &Outcome) -> Roots {
    Roots { before: root(&out.before), after: root(&out.after) }
}

/// Root over hashes of tasks, in order of task.
#[must_use]
pub fn root(hashes: &[(TaskId, Hash)]) -> Hash {
    let mut sorted = hashes.to_vec();
    sorted.sort_unstable();
    let leaves: Vec<Hash> = sorted.iter().map(|(task, hash)| digest::leaf(*task, *hash)).collect();
    digest::root(&leaves)
}
