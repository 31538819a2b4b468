//! Liquidation: positions, collateral in lots, what proceeds pay (R2, R5, R7, R14, R15).

mod support;

use ballast_types::{Layer, LedgerAccount, Scope};
use ballast_units::Millis;
use support::{House, amount, price, whole};

/// Twenty minutes in which nobody bids: all three rounds end, and the lot is stored.
fn nobody_bids(house: &mut House) {
    house.advance_in(Millis::minutes(20), 120);
}

/// A lot that nobody wanted was stored, its loan written down to what 70 % of index would bring, and 4,600 booked as a
/// loss. When bidders came back, the auction ended as soon as it had brought what was left of the loan; the unsold
/// rest went back to the owner, and tranche and lenders kept their loss. On 180 M of collateral that gave the owner
/// 10 M that lenders had lost (`cream_one_big_position`).
#[test]
fn a_stored_lot_repays_the_layers_before_its_owner() {
    let mut house = House::new();
    let chain = house.chain("ethereum");
    let tranche = LedgerAccount::Tranche(Scope::Chain(chain));
    house.deposit("bob", "ethereum", "USDC", whole(101_000));
    house.contribute("bob", Layer::Tranche(Scope::Chain(chain)), whole(1_000)).expect("bob has cash");
    house.lend("bob", "ethereum", whole(100_000)).expect("bob has cash");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(16_500)).expect("10 x 2,000 / 1.21 = 16,528.93");
    // 17,000 / 1.1 - 16,500 = -1,045.45, below 5 % of debt: everything is sold.
    house.price("ETH", price("1700"));
    nobody_bids(&mut house);
    // Expected at 70 %: 11,900. Lost: 4,600, of which the tranche holds 1,000, the float nothing.
    assert_eq!(house.balance(tranche), whole(0));
    assert_eq!(house.waterfall().deficits[0].left, whole(3_600));

    house.advance(Millis::hours(1));
    // Two steps below 110 %: 1,687.675 a unit. In takes of 0.5 the auction ends with the 20th or sooner: 16,511.90 and
    // interest are 9.784 units, so that it takes all 20; with 11,911.90 it would end with the 15th.
    house.advance(Millis::seconds(20));
    while let Some((lot, _)) = house.offers().first().copied() {
        house.take(lot, amount("0.5"));
    }

    // And its part of the interest's fee.
    assert!(whole(1_000) <= house.balance(tranche) && house.balance(tranche) < whole(1_001));
    assert_eq!(house.waterfall().deficits, []);
    let alice = house.view("alice");
    assert_eq!(alice.locked, None);
    assert_eq!(alice.loans, []);
    // 16,876.75 less 16,511.90, and some interest.
    assert_eq!(alice.collateral, []);
    assert!(whole(370) < alice.cash && alice.cash < whole(377), "{}", alice.cash);
    // His receipt was paid in cash.
    let bob = house.view("bob");
    assert!(whole(100_000) <= bob.lent[0].worth + bob.cash, "{bob:?}");
}
