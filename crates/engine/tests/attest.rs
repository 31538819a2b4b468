//! Attestation: H0, H1, their roots, and disputes (design 9; bytes in `docs/messages.md`).

mod support;

use ballast_engine::attest::root;
use ballast_types::{Change, Command, Event, Hash, LedgerAccount, TaskId};
use ballast_units::{Amount, Millis};
use sha3::{Digest, Keccak256};
use support::keepers::{drawn, house, report, truth};
use support::{price, whole};

/// Keccak-256, without the engine's.
fn keccak(bytes: &[u8]) -> Hash {
    Hash(Keccak256::digest(bytes).into())
}

/// A position as `docs/messages.md` writes it: cash, one holding of ETH on Ethereum at 2,700, one loan there.
fn position(account: u32, height: u64, cash: u128, held: u128, loan: Option<(u128, u128)>) -> Hash {
    let mut bytes = b"BALLAST-POSITION-1".to_vec();
    bytes.extend(account.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend(cash.to_be_bytes());
    bytes.extend(1_u16.to_be_bytes());
    bytes.extend(0_u16.to_be_bytes());
    bytes.extend(1_u16.to_be_bytes());
    bytes.extend(held.to_be_bytes());
    bytes.extend(0_u128.to_be_bytes());
    bytes.extend(whole(2_700).wei().to_be_bytes());
    bytes.extend(u16::from(loan.is_some()).to_be_bytes());
    if let Some((principal, owed)) = loan {
        bytes.extend(0_u16.to_be_bytes());
        bytes.extend(principal.to_be_bytes());
        bytes.extend(owed.to_be_bytes());
    }
    // No claims, no positions.
    bytes.extend([0; 4]);
    keccak(&bytes)
}

fn leaf(task: u64, hash: Hash) -> Hash {
    keccak(&[b"BALLAST-LEAF-1".as_slice(), &task.to_be_bytes(), &hash.0].concat())
}

fn node(left: Hash, right: Hash) -> Hash {
    keccak(&[b"BALLAST-NODE-1".as_slice(), &left.0, &right.0].concat())
}

/// Alice and Carol fail in one block: two H0s, a root over both. Alice's 10 ETH and 25,000 of debt are in hers as they were
/// before anything was sold.
#[test]
fn h0_is_the_account_before_and_its_root_is_of_the_block() {
    let mut house = house(3);
    house.price("ETH", price("3400"));
    house.advance_in(Millis::minutes(20), 20);
    for name in ["alice", "carol"] {
        house.deposit(name, "ethereum", "ETH", whole(10));
        house.borrow(name, "ethereum", whole(25_000)).expect("34,000 / 1.21 = 28,099");
    }
    let out = house.price("ETH", price("2700"));
    let height = house.state().house.height.0;
    let (alice, carol) = (house.account("alice").0, house.account("carol").0);
    let (held, debt) = (whole(10).wei(), whole(25_000).wei());
    let before = |account: u32| position(account, height, 0, held, Some((debt, debt)));
    assert_eq!(out.before, [(TaskId(1), before(alice)), (TaskId(2), before(carol))]);
    assert_eq!(out.roots.before, node(leaf(1, before(alice)), leaf(2, before(carol))));
    assert_eq!((out.after.len(), out.roots.after), (0, Hash::default()), "nothing ended");
}

/// What the task leaves: collateral that was not sold, debt that was not repaid.
#[test]
fn h1_is_the_account_after() {
    let mut house = house(3);
    let (task, lot, _) = drawn(&mut house, "alice");
    let out = house.take(lot, whole(100)).expect("a lot is for sale");
    let height = house.state().house.height.0;
    let account = house.account("alice").0;
    let alice = house.view("alice");
    let loan = alice.loans.first().map(|loan| (loan.principal.wei(), (loan.principal + loan.interest).wei()));
    let after = position(account, height, alice.cash.wei(), alice.collateral[0].amount.wei(), loan);
    assert_eq!(out.after, [(task, after)]);
    assert_eq!(out.roots.after, leaf(task.0, after), "of one leaf the root is the leaf");
}

/// Leaves stand in order of task; the last of an odd row moves up as it is.
#[test]
fn roots_are_merkle_trees_in_order_of_task() {
    let hash = |byte: u8| Hash([byte; 32]);
    assert_eq!(root(&[]), Hash::default());
    let three = [(TaskId(9), hash(3)), (TaskId(2), hash(1)), (TaskId(5), hash(2))];
    let row = [leaf(2, hash(1)), leaf(5, hash(2)), leaf(9, hash(3))];
    assert_eq!(root(&three), node(node(row[0], row[1]), row[2]));
    let five: Vec<_> = (1..=5).map(|number| (TaskId(number), hash(7))).collect();
    let row: Vec<Hash> = (1..=5).map(|number| leaf(number, hash(7))).collect();
    let left = node(node(row[0], row[1]), node(row[2], row[3]));
    assert_eq!(root(&five), node(left, row[4]));
}

// Disputes

/// Where both agree nothing waits: keepers are paid as soon as all of them have reported.
#[test]
fn what_agrees_is_not_disputed() {
    let mut house = house(8);
    let (task, lot, keepers) = drawn(&mut house, "alice");
    house.take(lot, whole(100)).expect("a lot is for sale");
    let said = truth(&house, task);
    for keeper in &keepers {
        report(&mut house, *keeper, task, said);
    }
    assert!(house.state().rounds.is_empty(), "and its keepers are paid");
}

/// The chain tells a result that is not the engine's. Its keepers read the chain: what they report is what the chain says,
/// and true. They wait for their pay until the chain's word stands, or governance lets it.
#[test]
fn a_dispute_holds_the_pot_and_harms_no_honest_keeper() {
    let mut house = house(3);
    let (task, lot, keepers) = drawn(&mut house, "alice");
    house.spoke("ethereum").lies_about_results = true;
    let out = house.take(lot, whole(100)).expect("a lot is for sale");
    assert!(out.events.iter().any(|event| matches!(event, Event::TaskDisputed { .. })), "{:?}", out.events);
    let said = truth(&house, task);
    for keeper in &keepers {
        report(&mut house, *keeper, task, said);
    }
    house.advance(Millis::minutes(30));
    assert!(house.state().rounds.find(task).is_some(), "it waits");
    let out = house.run(Command::Govern(Change::Resolve { task })).expect("its lot is frozen");
    let earned = |event: &Event| match event {
        Event::KeeperPaid { share, .. } => Some(*share),
        _ => None,
    };
    let earned: Vec<Amount> = out.events.iter().filter_map(earned).collect();
    assert_eq!(earned.len(), 3, "{:?}", out.events);
    assert!(earned.iter().all(|share| Amount::ZERO < *share));
    assert_eq!(house.balance(LedgerAccount::Pot(task)), Amount::ZERO);
    assert_eq!(house.balance(LedgerAccount::Fines), Amount::ZERO);
}
