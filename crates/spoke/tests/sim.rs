//! The chain in this process: inclusion, finality, exactly once, auctions.

use ballast_engine::auction;
use ballast_spoke::{Done, Receipt, Revert, SimChain, SimChainParams, Spoke, SpokeError, Take, TxId};
use ballast_types::{
    Address, AssetId, Auction, ChainId, Hash, LotId, Nonce, Observation, Order, OrderAction, Owner,
    ReleaseReason, Sequence, VaultEvent,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};

const COIN: AssetId = AssetId(0);
const ETH: AssetId = AssetId(1);
const CHAIN: ChainId = ChainId(3);
const LOT: LotId = LotId(7);

/// Blocks of 10 s from second 0, inclusion after 15 s, safe under 2 blocks, final under 5.
fn chain() -> SimChain {
    SimChain::new(SimChainParams {
        chain: CHAIN,
        coin: COIN,
        units: [(COIN, Amount::from_wei(1_000_000_000_000)), (ETH, Amount::from_wei(1))].into(),
        start: at(0),
        block_time: Millis::seconds(10),
        inclusion: Millis::seconds(15),
        gas: Amount::whole(1),
        safe_depth: 2,
        final_depth: 5,
    })
}

/// The same with 10 ETH in its vault, at second 100.
fn stocked() -> SimChain {
    let mut chain = chain();
    chain.deposit(owner(), ETH, Amount::whole(10)).unwrap();
    chain.advance(at(100));
    chain.receipts();
    chain
}

fn at(second: u64) -> Time {
    Time::from_millis(second * 1_000)
}

fn owner() -> Owner {
    Owner { address: Address([9; 32]), subaccount: 1 }
}

fn order(nonce: u64, action: OrderAction) -> Order {
    Order { chain: CHAIN, nonce: Nonce(nonce), expires: at(86_400), action }
}

/// 10 ETH from 110 down to 80 dollars, times 0.9 every 10 s, from second 100 to 200, until 500 dollars are in.
fn terms() -> Auction {
    Auction {
        quantity: Amount::whole(10),
        opened: at(100),
        start: Price::whole(110),
        floor: Price::whole(80),
        step_factor: Ratio::percent(90),
        step: Millis::seconds(10),
        invites: at(200),
        ends: at(200),
        need: Amount::whole(500),
        dust: Amount::whole(2),
        rebate: Bps::new(50),
    }
}

fn start(nonce: u64) -> Order {
    order(nonce, OrderAction::StartAuction { lot: LOT, asset: ETH, auction: terms() })
}

fn take(quantity: u64, price_max: u64) -> Take {
    let (quantity, price_max) = (Amount::whole(quantity), Price::whole(price_max));
    Take { lot: LOT, taker: Address([5; 32]), quantity, price_max }
}

/// Events that the hub was told of, with their numbers.
fn seen(observations: &[Observation]) -> Vec<(u64, VaultEvent)> {
    let seen = observations.iter().filter_map(|observation| match observation {
        Observation::Seen { sequence, event, .. } => Some((sequence.0, *event)),
        Observation::Final { .. } | Observation::Dropped { .. } => None,
    });
    seen.collect()
}

fn results(receipts: &[Receipt]) -> Vec<Result<Done, Revert>> {
    receipts.iter().map(|receipt| receipt.result).collect()
}

#[test]
fn a_deposit_is_included_then_safe_then_final() {
    let mut chain = chain();
    let tx = chain.deposit(owner(), ETH, Amount::whole(3)).unwrap();
    // Sent at 0, included in the first block from 15 s on: block 2, at 20 s.
    assert_eq!(chain.advance(at(19)), []);
    assert_eq!((chain.vault(ETH), chain.in_mempool()), (Amount::ZERO, 1));
    assert_eq!(chain.advance(at(20)), []);
    assert_eq!(chain.vault(ETH), Amount::whole(3));
    let receipt = Receipt { tx, time: at(20), result: Ok(Done::Deposited(Sequence(1))) };
    assert_eq!(chain.receipts(), [receipt]);
    // Safe under two blocks: at block 4. Final under five: at block 7.
    assert_eq!(chain.advance(at(39)), []);
    let deposited = VaultEvent::Deposited { owner: owner(), asset: ETH, amount: Amount::whole(3) };
    assert_eq!(seen(&chain.advance(at(40))), [(1, deposited)]);
    assert_eq!(chain.advance(at(69)), []);
    assert_eq!(
        chain.advance(at(70)),
        [Observation::Final { chain: CHAIN, sequence: Sequence(1), time: Time::default() }]
    );
    assert_eq!(chain.advance(at(500)), []);
    assert_eq!((chain.heads().head, chain.heads().safe, chain.heads().final_), (50, 48, 45));
}

#[test]
fn a_long_step_tells_the_same_as_short_ones() {
    let (mut short, mut long) = (chain(), chain());
    let mut told = Vec::new();
    for chain in [&mut short, &mut long] {
        for amount in 1..4 {
            chain.deposit(owner(), ETH, Amount::whole(amount)).unwrap();
        }
    }
    for second in 1..=200 {
        told.extend(short.advance(at(second)));
    }
    assert_eq!(long.advance(at(200)), told);
    assert_eq!(long.receipts(), short.receipts());
}

#[test]
fn amounts_are_whole_units() {
    let mut chain = chain();
    let uneven = Amount::from_wei(1_000_000_000_001);
    let unit = Amount::from_wei(1_000_000_000_000);
    let refused = Err(SpokeError::AmountUneven { amount: uneven, unit });
    assert_eq!(chain.deposit(owner(), COIN, uneven), refused);
    assert_eq!(chain.deposit(owner(), COIN, Amount::ZERO), Err(SpokeError::AmountZero));
    let unknown = Err(SpokeError::UnknownAsset { chain: CHAIN, asset: AssetId(9) });
    assert_eq!(chain.deposit(owner(), AssetId(9), unit), unknown);
    assert_eq!(chain.in_mempool(), 0);
}

#[test]
fn an_order_is_carried_out_once() {
    let mut chain = stocked();
    let release = order(
        1,
        OrderAction::Release {
            reason: ReleaseReason::Withdrawal,
            to: Address([1; 32]),
            asset: ETH,
            amount: Amount::whole(4),
        },
    );
    chain.deliver(&release).unwrap();
    chain.deliver(&release).unwrap();
    chain.advance(at(120));
    chain.deliver(&release).unwrap();
    let told = chain.advance(at(300));
    assert_eq!(seen(&told), [(2, VaultEvent::Executed { nonce: Nonce(1) })]);
    assert_eq!(chain.vault(ETH), Amount::whole(6));
    let again = Err(Revert::OrderSeen(Nonce(1)));
    assert_eq!(results(&chain.receipts()), [Ok(Done::Ordered(Nonce(1))), again, again]);
}

#[test]
fn an_order_for_another_chain_is_not_sent() {
    let release = OrderAction::Release {
        reason: ReleaseReason::Withdrawal,
        to: Address([1; 32]),
        asset: ETH,
        amount: Amount::whole(4),
    };
    let elsewhere = Order { chain: ChainId(1), nonce: Nonce(1), expires: at(86_400), action: release };
    let refused = Err(SpokeError::OtherChain { order: ChainId(1), here: CHAIN });
    assert_eq!(stocked().deliver(&elsewhere), refused);
}

#[test]
fn an_order_beyond_the_vault_changes_nothing() {
    let mut chain = stocked();
    chain.deliver(&start(1)).unwrap();
    // All 10 ETH are under auction.
    let release = OrderAction::Release {
        reason: ReleaseReason::Withdrawal,
        to: Address([1; 32]),
        asset: ETH,
        amount: Amount::whole(1),
    };
    chain.deliver(&order(2, release)).unwrap();
    chain.advance(at(120));
    let revert = Revert::VaultTooSmall { have: Amount::ZERO, need: Amount::whole(1) };
    assert_eq!(results(&chain.receipts()), [Ok(Done::Ordered(Nonce(1))), Err(revert)]);
    assert_eq!(chain.vault(ETH), Amount::whole(10));
}

#[test]
fn a_take_pays_the_price_of_its_block() {
    let mut chain = stocked();
    chain.deliver(&start(1)).unwrap();
    chain.advance(at(120));
    // Sent at 120, included at 140: four steps down from 110 is 72.171, held by the floor of 80.
    chain.take(take(3, 99)).unwrap();
    chain.advance(at(140));
    let price = auction::price(&terms(), at(140));
    assert_eq!(price, Price::whole(80));
    let paid = Amount::whole(240);
    let taken = Done::Taken { lot: LOT, quantity: Amount::whole(3), paid };
    assert_eq!(results(&chain.receipts()), [Ok(Done::Ordered(Nonce(1))), Ok(taken)]);
    assert_eq!((chain.vault(ETH), chain.vault(COIN)), (Amount::whole(7), paid));
    assert_eq!(chain.offer(LOT).map(|offer| (offer.left, offer.paid)), Some((Amount::whole(7), paid)));
}

#[test]
fn a_take_rounds_up_to_the_unit_of_the_coin() {
    let mut chain = stocked();
    chain.deliver(&start(1)).unwrap();
    chain.advance(at(120));
    let odd = Take { quantity: Amount::from_wei(3_000_000_000_000_000_001), ..take(3, 99) };
    chain.take(odd).unwrap();
    chain.advance(at(140));
    // 240.00000000000000008 dollars; the coin has six decimals.
    assert_eq!(chain.vault(COIN), Amount::whole(240) + Amount::from_wei(1_000_000_000_000));
}

#[test]
fn a_take_above_its_limit_or_of_nothing_changes_nothing() {
    let mut chain = stocked();
    chain.deliver(&start(1)).unwrap();
    chain.take(take(3, 99)).unwrap();
    // Included with the order, at 120: two steps down from 110.
    chain.take(take(3, 79)).unwrap();
    // Leaves 1, less than the dust of 2, and is cut to leave 2.
    chain.take(take(6, 99)).unwrap();
    chain.take(Take { lot: LotId(8), ..take(1, 99) }).unwrap();
    chain.advance(at(120));
    let price = auction::price(&terms(), at(120));
    let receipts = results(&chain.receipts());
    assert_eq!(receipts[2], Err(Revert::PriceTooHigh { price, limit: Price::whole(79) }));
    assert_eq!(receipts[4], Err(Revert::NoAuction(LotId(8))));
    assert_eq!(chain.take(Take { quantity: Amount::ZERO, ..take(1, 99) }), Err(SpokeError::AmountZero));
    // 3 and 5 were sold for more than the 500 that are needed: the sale is over.
    let sold = |quantity, paid| Ok(Done::Taken { lot: LOT, quantity, paid });
    let value = |quantity: u64| Amount::whole(quantity).value_up(price).unwrap();
    assert_eq!(receipts[1], sold(Amount::whole(3), value(3)));
    assert_eq!(receipts[3], sold(Amount::whole(5), value(5)));
    assert!(chain.offer(LOT).is_none());
}

#[test]
fn a_sale_ends_when_the_need_is_paid() {
    let mut chain = stocked();
    chain.deliver(&start(1)).unwrap();
    chain.advance(at(120));
    chain.take(take(6, 99)).unwrap();
    chain.advance(at(140));
    // 480 of 500: it goes on.
    assert!(chain.offer(LOT).is_some());
    chain.take(take(1, 99)).unwrap();
    chain.advance(at(160));
    assert!(chain.offer(LOT).is_none());
    let told = seen(&chain.advance(at(400)));
    assert_eq!(
        told.last().map(|(_, event)| *event),
        Some(VaultEvent::Ended { lot: LOT, result: Hash::default() })
    );
    assert_eq!(chain.vault(ETH), Amount::whole(3));
}

#[test]
fn an_auction_expires_in_the_first_block_at_its_end() {
    let mut chain = stocked();
    chain.deliver(&start(1)).unwrap();
    chain.advance(at(199));
    assert_eq!(chain.offers().count(), 1);
    // Included at 200 with the end: too late.
    chain.take(take(3, 99)).unwrap();
    let told = chain.advance(at(220));
    assert_eq!(chain.offers().count(), 0);
    assert_eq!(results(&chain.receipts()).last(), Some(&Err(Revert::NoAuction(LOT))));
    assert_eq!(seen(&told), [(2, VaultEvent::Ended { lot: LOT, result: Hash::default() })]);
}

#[test]
fn a_cancelled_auction_tells_that_it_is_over() {
    let mut chain = stocked();
    chain.deliver(&start(1)).unwrap();
    chain.deliver(&order(2, OrderAction::CancelAuction { lot: LOT, start: Nonce(1) })).unwrap();
    chain.advance(at(120));
    // A second round of the same lot is not ended by the first one's end.
    let mut again = terms();
    again.ends = at(300);
    chain.deliver(&order(3, OrderAction::StartAuction { lot: LOT, asset: ETH, auction: again })).unwrap();
    chain.advance(at(290));
    assert_eq!(chain.offers().count(), 1);
    let told = seen(&chain.advance(at(400)));
    assert_eq!(told, [(3, VaultEvent::Ended { lot: LOT, result: Hash::default() })]);
}

#[test]
fn a_chain_in_trouble_includes_later() {
    let mut chain = chain();
    chain.set_conditions(Millis::seconds(95), Amount::whole(400));
    assert_eq!(chain.conditions().gas, Amount::whole(400));
    assert_eq!(chain.inclusion_of(at(0)), at(100));
    let tx = chain.deposit(owner(), ETH, Amount::whole(1)).unwrap();
    assert_eq!(tx, TxId(1));
    chain.advance(at(99));
    assert_eq!(chain.vault(ETH), Amount::ZERO);
    chain.advance(at(100));
    assert_eq!(chain.vault(ETH), Amount::whole(1));
}

#[test]
#[should_panic(expected = "back to")]
fn time_does_not_go_back() {
    let mut chain = chain();
    chain.advance(at(20));
    chain.advance(at(19));
}
