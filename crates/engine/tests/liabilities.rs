//! Liabilities: what the house owes each account, and the root over it with its sums (bytes in `docs/messages.md`).

mod support;

use ballast_engine::liabilities::{Liabilities, Owed};
use ballast_types::{Hash, Token};
use ballast_units::{Amount, Millis};
use sha3::{Digest, Keccak256};
use support::{House, keepers, whole};

fn liabilities(house: &House) -> Liabilities {
    Liabilities::of(house.state())
}

fn bytes(dollars: u128, tokens: &[(Token, Amount)]) -> Vec<u8> {
    let mut bytes = dollars.to_be_bytes().to_vec();
    bytes.extend(u16::try_from(tokens.len()).unwrap().to_be_bytes());
    for (token, amount) in tokens {
        bytes.extend(token.chain.0.to_be_bytes());
        bytes.extend(token.asset.0.to_be_bytes());
        bytes.extend(amount.wei().to_be_bytes());
    }
    bytes
}

fn keccak(pieces: &[&[u8]]) -> Hash {
    Hash(Keccak256::digest(pieces.concat()).into())
}

/// Alice has 10 ETH on Ethereum, 7 on Polygon and 500 dollars; Bob's 1,000 dollars are lent. The accounts before them are
/// the two backstops', who are owed nothing.
#[test]
fn the_root_is_over_every_account_and_contains_the_sums() {
    let mut house = House::new();
    assert_eq!(liabilities(&house).accounts, 2);
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.deposit("alice", "polygon", "ETH", whole(7));
    house.deposit("alice", "polygon", "USDC", whole(500));
    house.deposit("bob", "ethereum", "USDC", whole(1_000));
    house.lend("bob", "ethereum", whole(1_000)).expect("it is cash");
    let [near, far] = [house.token("ETH", "ethereum"), house.token("ETH", "polygon")];
    let alice = bytes(whole(500).wei(), &[(near, whole(10)), (far, whole(7))]);
    let lent = house.view("bob").lent[0].worth;
    let (nobody, bob) = (bytes(0, &[]), bytes(lent.wei(), &[]));
    let leaf = |account: u32, owed: &[u8]| keccak(&[b"BALLAST-OWED-1", &account.to_be_bytes(), owed]);
    let node = |left: Hash, left_owed: &[u8], right: Hash, right_owed: &[u8]| {
        keccak(&[b"BALLAST-SUM-1", &left.0, left_owed, &right.0, right_owed])
    };
    let first = node(leaf(0, &nobody), &nobody, leaf(1, &nobody), &nobody);
    let all = bytes((whole(500) + lent).wei(), &[(near, whole(10)), (far, whole(7))]);
    let second = node(leaf(2, &alice), &alice, leaf(3, &bob), &bob);
    let top = node(first, &nobody, second, &all);
    let root = keccak(&[b"BALLAST-LIABILITIES-1", &4_u32.to_be_bytes(), &top.0, &all]);
    let total = Owed { dollars: whole(500) + lent, tokens: vec![(near, whole(10)), (far, whole(7))] };
    assert_eq!(liabilities(&house), Liabilities { accounts: 4, total, root });
    assert!(whole(999) < lent && lent <= whole(1_000), "{lent}");
}

/// A deposit is owed when it is final; what was ordered out is owed until it is gone; debts are not set off.
#[test]
fn owed_is_what_is_final_and_has_not_left() {
    let mut house = House::new();
    let eth = house.token("ETH", "ethereum");
    let of = |house: &House| liabilities(house).total;
    let holds =
        |dollars: u64, amount: u64| Owed { dollars: whole(dollars), tokens: vec![(eth, whole(amount))] };
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.deposit_safe("alice", "ethereum", "ETH", whole(5));
    assert_eq!(of(&house), holds(0, 10));
    house.finalise("ethereum");
    assert_eq!(of(&house), holds(0, 15));
    house.spoke("ethereum").holds_finality = true;
    house.withdraw("alice", "ethereum", "ETH", whole(2)).expect("she owes nothing");
    assert_eq!(of(&house), holds(0, 15));
    house.finalise("ethereum");
    house.advance(Millis::seconds(10));
    assert_eq!(of(&house), holds(0, 13));
}

/// A stake is its keeper's.
#[test]
fn stake_is_owed_to_its_keeper() {
    let mut house = keepers::house(1);
    let token = house.token("BAL", "ethereum");
    let total = liabilities(&house).total;
    assert_eq!(total.tokens, [(token, whole(10_000))]);
    house.deposit("k0", "ethereum", "BAL", whole(1));
    assert_eq!(liabilities(&house).total.tokens, [(token, whole(10_001))]);
}
