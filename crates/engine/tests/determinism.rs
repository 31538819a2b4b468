//! I07: the same genesis and blocks give the same everything; a snapshot is the whole of a state.

mod support;

use ballast_units::Millis;
use support::{House, price, whole};

#[test]
fn the_worked_example_opens_as_the_design_says() {
    let mut house = House::bare();
    // Opening values a position at the worst of risk price, mark and TWAP: the TWAP has to know 100.
    house.advance(Millis::minutes(15));
    house.deposit("alice", "ethereum", "USDC", whole(100));
    house.deposit("bob", "ethereum", "USDC", whole(100));
    house.long("alice", "ETH", whole(1_000)).expect("10x is allowed");
    // 121, less the wei that the curve keeps: its base is rounded up.
    assert_eq!(house.market_view("ETH").mark, price("120.999999999999999999"));
    house.short("bob", "ETH", whole(1_000)).expect("10x is allowed");
    assert_eq!(house.market_view("ETH").quote_reserve, whole(10_000));
}
