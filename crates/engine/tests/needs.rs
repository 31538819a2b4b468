//! Needs: what the lots of one task have to bring adds up to what the task lacks (R27).

mod support;

use ballast_engine::liquidation::LotStage;
use ballast_types::{Auction, LotId};
use ballast_units::{Amount, Millis};
use support::{House, amount, price, whole};

/// 10 ETH on ethereum and 250 SOL on solana for 35,000 of debt. At 1,700 and 85 they are worth 17,000 and 21,250 and weigh
/// 33,163: 5.2 % of the debt is lacking, so that all of both is sold. It is expected to bring 37,102.50.
fn two_lots() -> (House, Vec<(LotId, Auction)>) {
    let mut house = House::new();
    house.deposit("lena", "ethereum", "USDC", whole(200_000));
    house.lend("lena", "ethereum", whole(150_000)).expect("there is cash");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.deposit("alice", "solana", "SOL", whole(250));
    house.borrow("alice", "ethereum", whole(35_000)).expect("35,467 is allowed");
    house.quote("SOL", price("85"));
    house.price("ETH", price("1700"));
    house.apply(Vec::new());
    let offers = house.offers().iter().map(|(lot, offer)| (*lot, offer.auction)).collect();
    (house, offers)
}

/// The first of two lots carried the need of both, the second what the first was not expected to bring: together more than the
/// task lacked. Who took the first for more than was expected left the second's need as it was.
#[test]
fn lots_that_are_ordered_together_share_what_their_task_lacks() {
    let (mut house, offers) = two_lots();
    assert_eq!(offers.len(), 2, "{offers:?}");
    // 35,000, 0.1 % of it, the fee of 2 %, and some interest.
    let lacks: Amount = offers.iter().map(|(_, auction)| auction.need).sum();
    assert!(whole(35_735) <= lacks && lacks < whole(35_736), "{lacks}");
    // By what they are expected to bring: 0.97 of 17,000 and of 21,250.
    for (_, auction) in &offers {
        let value = if auction.quantity == whole(10) { whole(17_000) } else { whole(21_250) };
        let share = lacks.share_down(value, whole(38_250)).expect("in range");
        assert!(auction.need - share <= Amount::from_wei(1), "{auction:?}");
    }
    for (lot, auction) in &offers {
        house.take(*lot, auction.quantity).expect("it runs, at 110 %");
    }
    house.advance(Millis::minutes(30));
    // 15,882.22 of 1,870 each are 8.4932 ETH, 19,852.78 of 93.5 each are 212.3292 SOL: what is left went back.
    let view = house.view("alice");
    let (ether, sol) = (house.token("ETH", "ethereum"), house.token("SOL", "solana"));
    let held = |token| {
        view.collateral.iter().find(|held| held.token == token).map_or(Amount::ZERO, |held| held.amount)
    };
    assert!(amount("1.50") < held(ether) && held(ether) < amount("1.51"), "{}", held(ether));
    assert!(amount("37.6") < held(sol) && held(sol) < amount("37.7"), "{}", held(sol));
    assert_eq!(view.loans.len(), 0);
    assert!(view.cash < whole(100), "no more is sold than is owed: {}", view.cash);
}

/// One lot's auction is over without a bid: what it is offered for again is what the other one leaves, by its need.
#[test]
fn a_lot_that_is_ordered_later_gets_what_the_running_ones_leave() {
    let (mut house, offers) = two_lots();
    let (first, other) = (offers[0], offers[1]);
    house.expire(first.0).expect("it runs");
    house.apply(Vec::new());
    let again = house.offers().into_iter().find(|(lot, _)| *lot == first.0).expect("offered again").1.auction;
    let both = again.need + other.1.need.min(whole(21_250));
    assert!(whole(35_735) <= both && both < whole(35_740), "{} and {}", again.need, other.1.need);
}

/// Alice's 10 ETH have to bring 93 % of their worth, of bob's a part is sold to the last unit. Sold as one, as much of hers would
/// have gone as of his.
#[test]
fn a_part_joins_only_its_like() {
    let gathered = |dollars: u64| {
        let mut house = House::new();
        house.deposit("lender", "polygon", "USDC", whole(100_000));
        house.lend("lender", "polygon", whole(50_000)).expect("half of its cash");
        for (name, ether, dollars) in [("alice", 10, 15_000), ("bob", 5, dollars)] {
            house.deposit(name, "polygon", "ETH", whole(ether));
            house.borrow(name, "polygon", whole(dollars)).expect("2,000 / 1.32 = 1,515 a unit");
        }
        house.price("ETH", price("1650"));
        house.apply(Vec::new());
        let lots = house.state().lots.iter();
        lots.filter(|(_, lot)| matches!(lot.stage, LotStage::Gathering(_))).count()
    };
    // 7,500 are as much of his 5 ETH as hers are; 7,000 weigh 125 too little, and some of his ETH is enough.
    assert_eq!(gathered(7_500), 1);
    assert_eq!(gathered(7_000), 2);
}
