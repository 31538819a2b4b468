//! Hashes that hub and chains both compute, byte by byte as `docs/messages.md` has them: the domain of a spoke, the
//! result of an auction, a keeper's report, the roots of the attestation chain. Definitions of bytes, no logic.
//!
//! - Hash: keccak-256. Integers: big endian, of fixed width.

use crate::{Address, ChainId, Hash, KeeperId, LotId, Nonce, TaskId};
use ballast_units::{Amount, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

/// What a chain is, as its domain says.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChainKind {
    /// Contracts in Solidity.
    Evm,
    /// Programs of Solana.
    Solana,
    /// A chain in this process.
    InProcess,
}

impl ChainKind {
    /// Whether somebody can be paid at this address: 20 bytes after twelve zeros on a chain of the EVM kind, and nowhere zero.
    #[must_use]
    pub fn is_address(self, address: Address) -> bool {
        let padded = address.0.iter().take(12).all(|byte| *byte == 0);
        address != Address::default() && (padded || self != Self::Evm)
    }

    /// Its byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Evm => 1,
            Self::Solana => 2,
            Self::InProcess => 255,
        }
    }
}

/// The hash of some pieces, one after the other.
#[must_use]
pub fn keccak(pieces: &[&[u8]]) -> Hash {
    let mut hasher = Keccak256::new();
    for piece in pieces {
        hasher.update(piece);
    }
    Hash(hasher.finalize().into())
}

/// Which vault on which chain: what is signed for one is worth nothing for another. `number` is the chain's own id.
#[must_use]
pub fn domain(kind: ChainKind, number: u64, vault: Address) -> Hash {
    keccak(&[b"BALLAST-SPOKE-1", &[kind.byte()], &number.to_be_bytes(), &vault.0])
}

/// The domain of the vault of a chain in this process: the hub's id is its number, its vault has the address zero.
#[must_use]
pub fn domain_in_process(chain: ChainId) -> Hash {
    domain(ChainKind::InProcess, u64::from(chain.0), Address::default())
}

/// What stands for the hash of a final block where a chain has no blocks of its own: scripts, loads and tests.
#[must_use]
pub fn block_in_process(chain: ChainId, time: Time) -> Hash {
    keccak(&[b"BALLAST-BLOCK-1", &chain.0.to_be_bytes(), &time.millis().to_be_bytes()])
}

/// The result of an auction of which nothing is sold yet; `start` is the order that started it.
#[must_use]
pub fn result_start(domain: Hash, lot: LotId, start: Nonce) -> Hash {
    keccak(&[b"BALLAST-LOT-1", &domain.0, &lot.0.to_be_bytes(), &start.0.to_be_bytes()])
}

/// The result of an auction after one more take.
#[must_use]
pub fn result_take(result: Hash, taker: Address, quantity: Amount, paid: Amount, rebate: Amount) -> Hash {
    keccak(&[&result.0, &taker.0, &wei(quantity), &wei(paid), &wei(rebate)])
}

/// What a keeper reports for a task on a chain: the results of its auctions there, in the order in which they ended.
#[must_use]
pub fn task_report(task: TaskId, chain: ChainId, results: &[Hash]) -> Hash {
    let mut hasher = Keccak256::new();
    hasher.update(b"BALLAST-TASK-1");
    hasher.update(task.0.to_be_bytes());
    hasher.update(chain.0.to_be_bytes());
    for result in results {
        hasher.update(result.0);
    }
    Hash(hasher.finalize().into())
}

/// What a keeper commits to before it shows its report.
#[must_use]
pub fn report_commit(result: Hash, block: Hash, keeper: KeeperId, salt: Hash) -> Hash {
    keccak(&[b"BALLAST-REPORT-1", &result.0, &block.0, &keeper.0.to_be_bytes(), &salt.0])
}

/// A task's H0 or H1 as a leaf of its root.
#[must_use]
pub fn leaf(task: TaskId, hash: Hash) -> Hash {
    keccak(&[b"BALLAST-LEAF-1", &task.0.to_be_bytes(), &hash.0])
}

/// Two neighbours of a row, as one of the row above.
#[must_use]
pub fn node(left: Hash, right: Hash) -> Hash {
    keccak(&[b"BALLAST-NODE-1", &left.0, &right.0])
}

/// The root over leaves in their order: the last of an odd row moves up as it is; of nothing it is zero.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    let mut row = leaves.to_vec();
    while 1 < row.len() {
        let pair = |pair: &[Hash]| match *pair {
            [left, right] => node(left, right),
            [single] => single,
            _ => unreachable!("chunks of one or two"),
        };
        row = row.chunks(2).map(pair).collect();
    }
    row.first().copied().unwrap_or_default()
}

/// The neighbours that lead from a leaf to the root, from the leaves up, none where there is none; of a leaf that is
/// not there none either.
#[must_use]
pub fn proof(leaves: &[Hash], mut index: usize) -> Vec<Hash> {
    let (mut row, mut neighbours) = (leaves.to_vec(), Vec::new());
    while 1 < row.len() {
        neighbours.extend(row.get(index ^ 1).copied());
        row = row.chunks(2).map(root).collect();
        index /= 2;
    }
    neighbours
}

/// 16 bytes, big endian.
fn wei(amount: Amount) -> [u8; 16] {
    amount.wei().to_be_bytes()
}
