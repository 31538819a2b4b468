//! A joint auction: two owners' collateral on a thin chain is bridged to a liquid one by LayerZero, merged into one lot, sold
//! once, and what it brings is shared.

use super::genesis::whole;
use super::hub::House;
use super::people::person;
use crate::support::*;
use ballast_types::{ChainTier, Command, Event, LotId, TaskId, Token};
use ballast_units::{Amount, Price};

/// Parts of a joint lot: task and amount, in order of arrival.
fn parts(house: &House, of: LotId) -> Vec<(TaskId, Amount)> {
    let joined = house.events.iter().filter_map(|event| match *event {
        Event::LotJoined { lot, task, amount, .. } if lot == of => Some((task, amount)),
        _ => None,
    });
    joined.collect()
}

/// The block goes on until a lot is for sale on Ethereum.
fn offered(house: &mut House) -> (LotId, Amount) {
    for _ in 0..6 {
        for event in house.block(Vec::new()).events {
            if let Event::LotOffered { lot, token, quantity, .. } = event {
                assert_eq!(token, Token { asset: ETH, chain: ETHEREUM });
                return (lot, quantity);
            }
        }
    }
    panic!("nothing is for sale: {:?}", house.events);
}

#[test]
fn a_joint_auction_is_bridged_from_polygon_to_ethereum_merged_sold_and_shared() {
    let mut house = House::start_with(|genesis| {
        genesis.chains[1].tier = ChainTier::Thin;
        // What LayerZero's token shares between chains has six digits.
        for token in genesis.chains.iter_mut().flat_map(|chain| &mut chain.tokens) {
            token.params.unit = Amount::from_wei(1_000_000_000_000);
        }
    });
    house.deposit("lender", POLYGON, USD, whole(100_000));
    let account = house.account("lender");
    house.run(Command::Lend { account, chain: POLYGON, amount: whole(50_000) });
    house.deposit("alice", POLYGON, ETH, whole(10));
    house.deposit("bob", POLYGON, ETH, whole(5));
    house.borrow("alice", whole(15_000));
    house.borrow("bob", whole(7_500));
    house.eth = Price::whole(2_050);
    house.settle();

    // At 1,680 both fail: 14,000 against 15,000, 7,000 against 7,500. Their ETH leaves Polygon's vault, and is for sale on
    // Ethereum as one lot.
    house.eth = Price::whole(1_680);
    let (lot, quantity) = offered(&mut house);
    let parts = parts(&house, lot);
    let [(_, first), (_, second)] = parts[..] else { panic!("{parts:?}") };
    assert_eq!(first + second, quantity);
    let vault = house.chain(ETHEREUM).deployment.vault;
    let there = house.runtime.block_on(house.chain(ETHEREUM).balance(ETH, vault)).unwrap();
    assert_eq!(there, quantity, "nobody had deposited any");

    house.take(lot, whole(4));
    house.flash(lot);
    house.settle();
    let bidder = person("bidder").address();
    assert_eq!(house.runtime.block_on(house.chain(ETHEREUM).balance(ETH, bidder)).unwrap(), whole(4));
    let paid = house.proceeds(lot, 2);

    // Shared by value at entry, which was one price for both; to the wei, whoever gets the last one.
    let mut all = Amount::ZERO;
    for name in ["alice", "bob"] {
        let closed = house.closed(name);
        let own = parts.iter().find(|(task, _)| *task == closed.task).expect("a part is its task's").1;
        let share = closed.debt + closed.fee + closed.returned;
        let down = paid.share_down(own, quantity).unwrap();
        assert!(
            share == down || share == down + Amount::from_wei(1),
            "{name}: {share} of {paid}, not {down}"
        );
        assert_eq!(closed.shortfall, Amount::ZERO);
        all += share;
    }
    assert_eq!(all, paid);
}
