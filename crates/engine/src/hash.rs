//! The state hash: one number that two machines compare after every block.
//!
//! - `hash = blake3(last hash, house, every record that the block changed, by table and key)`. It commits to
//!   the genesis and every change since; it costs what the block changed, not what there is.
//! - It is not a Merkle root: it proves nothing about one account. Snapshots carry a checksum over everything
//!   besides.

use crate::state::State;
use crate::table::{Register, Table};
use crate::warm::{self, GROUP};
use ballast_types::Hash;
use borsh::BorshSerialize;

/// Hashes the block's changes, stores the hash in the state, forgets what was changed.
pub(crate) fn seal(state: &mut State, buffer: &mut Vec<u8>) -> Hash {
    buffer.clear();
    write(&state.house, buffer);
    for group in state.accounts.changed().chunks(GROUP) {
        warm::records(state, group.iter().copied());
        for id in group {
            record(0, id, state.accounts.get(*id), buffer);
        }
    }
    table(1, &state.assets, buffer);
    table(2, &state.chains, buffer);
    table(3, &state.markets, buffer);
    register(4, &state.lenders, buffer);
    register(5, &state.addresses, buffer);
    register(6, &state.coin_deposits, buffer);
    register(7, &state.unfinal, buffer);
    register(8, &state.orders, buffer);
    register(9, &state.waiting, buffer);
    register(10, &state.tasks, buffer);
    register(11, &state.lots, buffer);
    register(12, &state.losses, buffer);
    register(13, &state.receipts, buffer);
    register(14, &state.transits, buffer);
    register(15, &state.snapshots, buffer);
    table(16, &state.keepers, buffer);
    register(17, &state.barred, buffer);
    register(18, &state.rounds, buffer);
    register(19, &state.aside, buffer);
    register(20, &state.anomalies, buffer);
    register(21, &state.paths, buffer);
    register(22, &state.validators, buffer);
    register(23, &state.parked, buffer);
    register(24, &state.refused, buffer);
    let hash = Hash(*blake3::hash(buffer).as_bytes());
    state.house.hash = hash;
    state.settle();
    hash
}

fn table<K: crate::table::RowId + BorshSerialize, V: BorshSerialize>(
    tag: u8,
    table: &Table<K, V>,
    buffer: &mut Vec<u8>,
) {
    for id in table.changed() {
        record(tag, id, table.get(*id), buffer);
    }
}

fn record<K: BorshSerialize, V: BorshSerialize>(tag: u8, key: &K, value: &V, buffer: &mut Vec<u8>) {
    buffer.push(tag);
    write(key, buffer);
    write(value, buffer);
}

fn register<K: Ord + Copy + BorshSerialize, V: BorshSerialize>(
    tag: u8,
    register: &Register<K, V>,
    buffer: &mut Vec<u8>,
) {
    for (key, value) in register.changed() {
        record(tag, &key, &value, buffer);
    }
}

fn write<T: BorshSerialize>(value: &T, buffer: &mut Vec<u8>) {
    value.serialize(buffer).expect("writing to memory does not fail");
}
