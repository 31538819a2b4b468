//! Hashes that hub and chains share: against the published vector of keccak-256, and by their own sentences.

use ballast_types::digest::{
    domain, domain_in_process, keccak, leaf, node, proof, result_start, result_take, root, task_report,
};
use ballast_types::{Address, ChainId, ChainKind, Hash, LotId, Nonce, TaskId};
use ballast_units::Amount;

#[test]
fn it_is_keccak_and_not_the_later_sha3() {
    // The published hash of nothing; SHA3-256 gives a7ffc6f8...
    let empty = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
    assert_eq!(keccak(&[]).to_string(), empty);
    assert_eq!(keccak(&[b"ab", b"c"]), keccak(&[b"abc"]));
}

#[test]
fn a_domain_is_of_kind_number_and_vault() {
    let mut bytes = b"BALLAST-SPOKE-1".to_vec();
    bytes.push(1);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 137]);
    bytes.extend([7; 32]);
    let polygon = domain(ChainKind::Evm, 137, Address([7; 32]));
    assert_eq!(polygon, keccak(&[&bytes]));
    let others = [
        domain(ChainKind::Solana, 137, Address([7; 32])),
        domain(ChainKind::Evm, 1, Address([7; 32])),
        domain(ChainKind::Evm, 137, Address([8; 32])),
        domain_in_process(ChainId(137)),
    ];
    assert!(!others.contains(&polygon));
}

#[test]
fn a_result_is_of_what_was_sold_in_order() {
    let start = result_start(domain_in_process(ChainId(0)), LotId(7), Nonce(3));
    assert_ne!(start, result_start(domain_in_process(ChainId(0)), LotId(7), Nonce(4)));
    let take = |result, taker: u8, quantity| {
        let quantity = Amount::whole(quantity);
        result_take(result, Address([taker; 32]), quantity, Amount::whole(100), Amount::ZERO)
    };
    assert_ne!(take(take(start, 1, 1), 2, 1), take(take(start, 2, 1), 1, 1));
    let mut bytes = start.0.to_vec();
    bytes.extend([1; 32]);
    for amount in [Amount::whole(1), Amount::whole(100), Amount::ZERO] {
        bytes.extend(amount.wei().to_be_bytes());
    }
    assert_eq!(take(start, 1, 1), keccak(&[&bytes]));
}

#[test]
fn a_report_is_of_one_task_on_one_chain() {
    let results = [Hash([1; 32]), Hash([2; 32])];
    let report = task_report(TaskId(5), ChainId(1), &results);
    assert_ne!(report, task_report(TaskId(6), ChainId(1), &results));
    assert_ne!(report, task_report(TaskId(5), ChainId(2), &results));
    assert_ne!(report, task_report(TaskId(5), ChainId(1), &[results[1], results[0]]));
    let bytes = [&b"BALLAST-TASK-1"[..], &[0, 0, 0, 0, 0, 0, 0, 5], &[0, 1], &[1; 32], &[2; 32]];
    assert_eq!(report, keccak(&bytes));
}

#[test]
fn the_last_of_an_odd_row_moves_up_as_it_is() {
    let leaves: Vec<Hash> = (0..5).map(|task| leaf(TaskId(task), Hash([9; 32]))).collect();
    assert_eq!(root(&[]), Hash::default());
    assert_eq!(root(&leaves[..1]), leaves[0]);
    let four = node(node(leaves[0], leaves[1]), node(leaves[2], leaves[3]));
    assert_eq!(root(&leaves[..4]), four);
    assert_eq!(root(&leaves), node(four, leaves[4]));
    assert_eq!(leaves[3], keccak(&[b"BALLAST-LEAF-1", &[0, 0, 0, 0, 0, 0, 0, 3], &[9; 32]]));
    assert_eq!(node(leaves[0], leaves[1]), keccak(&[b"BALLAST-NODE-1", &leaves[0].0, &leaves[1].0]));
}

#[test]
fn every_leaf_is_led_to_the_root_by_its_neighbours() {
    for count in 1..=9 {
        let leaves: Vec<Hash> = (0..count).map(|task| leaf(TaskId(task), Hash([9; 32]))).collect();
        for (index, start) in leaves.iter().enumerate() {
            let mut neighbours = proof(&leaves, index).into_iter();
            let (mut hash, mut at, mut row) = (*start, index, leaves.len());
            while 1 < row {
                let last_of_odd = at + 1 == row && row % 2 == 1;
                if !last_of_odd {
                    let other = neighbours.next().unwrap();
                    hash = if at % 2 == 0 { node(hash, other) } else { node(other, hash) };
                }
                (at, row) = (at / 2, row.div_ceil(2));
            }
            assert_eq!((hash, neighbours.next()), (root(&leaves), None), "leaf {index} of {count}");
        }
    }
}
