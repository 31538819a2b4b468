//! The chain in this process: inclusion, finality, exactly once, auctions.

mod support;

use ballast_engine::auction;
use ballast_spoke::{Carried, Conditions, Done, Poke, Receipt, Revert, Spoke, SpokeError, Take, TxId};
use ballast_types::digest::{result_start, result_take};
use ballast_types::{
    AssetId, Auction, ChainId, LotId, Nonce, Observation, Order, OrderAction, Sequence, VaultEvent,
};
use ballast_units::{Amount, Millis, Price};
use support::*;

fn taken(quantity: u64, paid: Amount) -> Result<Done, Revert> {
    Ok(Done::Taken { lot: LOT, quantity: Amount::whole(quantity), paid, rebate: Amount::ZERO })
}

/// Of an auction that order 1 started.
fn nothing_sold(chain: &impl Spoke) -> VaultEvent {
    VaultEvent::Ended { lot: LOT, result: result_start(chain.domain(), LOT, Nonce(1)) }
}

#[test]
fn a_deposit_is_included_then_safe_then_final() {
    let mut chain = chain();
    let tx = chain.deposit(owner(), ETH, Amount::whole(3)).unwrap();
    // Sent at 0, included in the first block from 15 s on: block 2, at 20 s.
    assert_eq!(advance(&mut chain, 19), []);
    assert_eq!((chain.held(ETH), chain.in_mempool()), (Amount::ZERO, 1));
    assert_eq!(advance(&mut chain, 20), []);
    assert_eq!(chain.held(ETH), Amount::whole(3));
    let receipt = Receipt { tx, time: at(20), result: Ok(Done::Deposited(Sequence(1))) };
    assert_eq!(chain.receipts().unwrap(), [receipt]);
    // Safe under two blocks: at block 4. Final under five: at block 7, and then it is told when block 2 was.
    assert_eq!(advance(&mut chain, 39), []);
    let event = VaultEvent::Deposited { owner: owner(), asset: ETH, amount: Amount::whole(3) };
    let version = chain.block_hash(2).unwrap().unwrap();
    let told = [Observation::Seen { chain: CHAIN, sequence: Sequence(1), version, event }];
    assert_eq!(advance(&mut chain, 40), told);
    assert_eq!(advance(&mut chain, 69), []);
    let told = [Observation::Final { chain: CHAIN, sequence: Sequence(1), time: at(20), block: version }];
    assert_eq!(advance(&mut chain, 70), told);
    assert_eq!(advance(&mut chain, 500), []);
    let heads = chain.heads().unwrap();
    assert_eq!((heads.head.number, heads.safe.number, heads.final_.number), (50, 48, 45));
    // The block keeps its hash when it is long final.
    assert_eq!(chain.block_hash(2).unwrap(), Some(version));
    assert_eq!((heads.head.time, heads.safe.time, heads.final_.time), (at(500), at(480), at(450)));
}

#[test]
fn the_last_final_block_is_told_also_when_nothing_happens() {
    let mut params = params();
    params.final_every = Millis::seconds(60);
    let mut chain = ballast_spoke::SimChain::new(params);
    // Final blocks are 50 s behind the head: the first whose time is 60 s past the start at 110 s.
    assert_eq!(advance(&mut chain, 109), []);
    let told = |chain: &ballast_spoke::SimChain, number: u64| {
        let (time, block) = (at(10 * number), chain.block_hash(number).unwrap().unwrap());
        [Observation::Final { chain: CHAIN, sequence: Sequence(0), time, block }]
    };
    assert_eq!(advance(&mut chain, 110), told(&chain, 6));
    assert_eq!(advance(&mut chain, 169), []);
    assert_eq!(advance(&mut chain, 170), told(&chain, 12));
}

#[test]
fn a_long_step_tells_the_same_as_short_ones() {
    let (mut short, mut long) = (chain(), chain());
    let (mut short_told, mut long_told) = (Notes::default(), Notes::default());
    for chain in [&mut short, &mut long] {
        for amount in 1..4 {
            chain.deposit(owner(), ETH, Amount::whole(amount)).unwrap();
        }
    }
    for second in 1..=200 {
        short_told.take_in(&advance(&mut short, second));
    }
    long_told.take_in(&advance(&mut long, 200));
    assert_eq!(long_told.events, short_told.events);
    assert_eq!(long.receipts().unwrap(), short.receipts().unwrap());
}

#[test]
fn what_cannot_be_sent_is_refused_before() {
    let mut chain = chain();
    let unit = Amount::from_wei(1_000_000_000_000);
    let uneven = Amount::from_wei(1_000_000_000_001);
    let refused = Err(SpokeError::AmountUneven { amount: uneven, unit });
    assert_eq!(chain.deposit(owner(), COIN, uneven), refused);
    assert_eq!(chain.deposit(owner(), COIN, Amount::ZERO), Err(SpokeError::AmountZero));
    let unknown = Err(SpokeError::UnknownAsset { chain: CHAIN, asset: AssetId(9) });
    assert_eq!(chain.deposit(owner(), AssetId(9), unit), unknown);
    // A bid of zero.
    let nothing = Take { quantity: Amount::ZERO, ..take(1, 99) };
    assert_eq!(chain.take(nothing), Err(SpokeError::AmountZero));
    let elsewhere = Order { chain: ChainId(1), ..release(1, 4) };
    let payload = signed(&chain, vec![elsewhere]);
    let refused = Err(SpokeError::OtherChain { order: ChainId(1), here: CHAIN });
    assert_eq!(chain.deliver(&payload), refused);
    assert_eq!(chain.in_mempool(), 0);
}

#[test]
fn an_order_is_carried_out_once() {
    let mut chain = stocked();
    send(&mut chain, vec![release(1, 4)]);
    send(&mut chain, vec![release(1, 4)]);
    advance(&mut chain, 120);
    send(&mut chain, vec![release(1, 4), release(2, 1)]);
    let told = advance(&mut chain, 300);
    let executed = |nonce| VaultEvent::Executed { nonce: Nonce(nonce) };
    assert_eq!(seen(&told), [(2, executed(1)), (3, executed(2))]);
    assert_eq!(chain.held(ETH), Amount::whole(5));
    let again = (1, Err(Revert::OrderSeen(Nonce(1))));
    let done = |nonce| (nonce, Ok(Carried::Executed));
    assert_eq!(outcomes(&mut chain), [done(1), again, again, done(2)]);
}

#[test]
fn every_order_is_acknowledged() {
    let mut chain = stocked();
    let mut other = terms();
    other.ends = at(20_000);
    other.quantity = Amount::whole(1);
    let actions = vec![
        OrderAction::StartAuction { lot: LOT, asset: ETH, auction: other },
        OrderAction::CancelAuction { lot: LOT, start: Nonce(1) },
        OrderAction::Bridge { lot: LOT, asset: ETH, amount: Amount::whole(1), to: OTHER },
        OrderAction::ListMaker { maker: TAKER, listed: true },
        OrderAction::ListToken { asset: AssetId(5), token: TAKER, unit: Amount::from_wei(1) },
        OrderAction::SetLimits {
            asset: ETH,
            outflow: Amount::whole(9),
            window: Millis::hours(1),
            delay_above: Amount::whole(9),
            delay: Millis::ZERO,
        },
        OrderAction::Unfreeze {},
        OrderAction::Rotate { epoch: 1, signers: chain.validators().signers().to_vec() },
    ];
    let mut orders: Vec<Order> = (1..).zip(actions).map(|(nonce, action)| order(nonce, action)).collect();
    orders.push(release(9, 1));
    let count = orders.len();
    send(&mut chain, orders);
    let told = seen(&advance(&mut chain, 200));
    let mut nonces = Vec::new();
    for (_, event) in &told {
        match event {
            VaultEvent::Executed { nonce } => nonces.push(nonce.0),
            other => assert_eq!(*other, nothing_sold(&chain)),
        }
    }
    assert_eq!(nonces, (1..=count as u64).collect::<Vec<_>>());
    assert_eq!(told.len(), count + 1, "the cancelled auction tells its end besides");
    assert_eq!(chain.validators().epoch(), 1);
    assert_eq!(chain.unit(AssetId(5)), Some(Amount::from_wei(1)));
}

#[test]
fn a_take_pays_the_price_of_its_block() {
    let mut chain = stocked();
    send(&mut chain, vec![start(1)]);
    advance(&mut chain, 120);
    // Sent at 120, included at 140: four steps down from 110 is 72.171, held by the floor of 80.
    chain.take(take(3, 99)).unwrap();
    advance(&mut chain, 140);
    assert_eq!(auction::price(&terms(), at(140)), Price::whole(80));
    let paid = Amount::whole(240);
    assert_eq!(results(&mut chain)[1], taken(3, paid));
    assert_eq!((chain.held(ETH), chain.held(COIN)), (Amount::whole(7), paid));
    assert_eq!(chain.running(LOT).map(|offer| (offer.left, offer.paid)), Some((Amount::whole(7), paid)));
    assert_eq!(chain.offer(LOT).unwrap(), chain.running(LOT).copied());
    assert_eq!(chain.offers().unwrap().len(), 1);
}

#[test]
fn a_take_rounds_up_to_the_unit_of_the_coin() {
    let mut chain = stocked();
    send(&mut chain, vec![start(1)]);
    advance(&mut chain, 120);
    chain.take(Take { quantity: Amount::from_wei(3_000_000_001_000_000_000), ..take(3, 99) }).unwrap();
    advance(&mut chain, 140);
    // 240.00000008 dollars; the coin has six decimals.
    assert_eq!(chain.held(COIN), Amount::whole(240) + Amount::from_wei(1_000_000_000_000));
}

#[test]
fn a_take_above_its_limit_or_of_nothing_changes_nothing() {
    let mut chain = stocked();
    send(&mut chain, vec![start(1)]);
    // Included with the order, at 120: two steps down from 110. Not whole in the token's unit.
    let unit = Amount::from_wei(1_000_000_000);
    let uneven = Amount::whole(2) + Amount::from_wei(1);
    chain.take(Take { quantity: uneven, ..take(3, 99) }).unwrap();
    chain.take(take(3, 79)).unwrap();
    chain.take(take(3, 99)).unwrap();
    // Of the 500 that are needed 232.70 lack: less than the dust of 2 would stay of them.
    chain.take(take(2, 99)).unwrap();
    // Cut to what lacks; who accepts no less than 3 gets nothing.
    chain.take(Take { least: Amount::whole(3), ..take(6, 99) }).unwrap();
    chain.take(take(6, 99)).unwrap();
    chain.take(Take { lot: LotId(8), ..take(1, 99) }).unwrap();
    advance(&mut chain, 120);
    let price = auction::price(&terms(), at(120));
    let receipts = results(&mut chain);
    assert_eq!(receipts[1], Err(Revert::AmountUneven { amount: uneven, unit }));
    assert_eq!(receipts[2], Err(Revert::PriceTooHigh { price, limit: Price::whole(79) }));
    assert_eq!(receipts[3], taken(3, Amount::whole(3).value_up(price).unwrap()));
    assert_eq!(receipts[4], Err(Revert::TakeRefused));
    // 232.70 / 89.10, up to the token's unit; the payment up to the coin's.
    let quantity = Amount::from_wei(2_611_672_279_000_000_000);
    assert_eq!(receipts[5], Err(Revert::TakeBelowLeast { quantity, least: Amount::whole(3) }));
    let paid = Amount::from_wei(232_700_001_000_000_000_000);
    assert_eq!(receipts[6], Ok(Done::Taken { lot: LOT, quantity, paid, rebate: Amount::ZERO }));
    assert_eq!(receipts[7], Err(Revert::NoAuction(LotId(8))));
    // The 500 that are needed are paid: the sale is over.
    assert!(chain.running(LOT).is_none());
}

#[test]
fn a_take_that_would_leave_only_dust_is_refused() {
    let mut chain = stocked();
    send(&mut chain, vec![start(1)]);
    let dust = Auction { dust: Amount::whole(10), ..terms() };
    let action = OrderAction::StartAuction { lot: LotId(8), asset: ETH, auction: dust };
    send(&mut chain, vec![order(2, action)]);
    chain.deposit(owner(), ETH, Amount::whole(10)).unwrap();
    advance(&mut chain, 120);
    send(&mut chain, vec![order(2, OrderAction::StartAuction { lot: LotId(8), asset: ETH, auction: dust })]);
    chain.take(Take { lot: LotId(8), ..take(3, 99) }).unwrap();
    advance(&mut chain, 140);
    assert_eq!(results(&mut chain).pop(), Some(Err(Revert::TakeRefused)));
    assert_eq!(chain.running(LotId(8)).unwrap().left, Amount::whole(10));
}

#[test]
fn a_sale_ends_when_the_need_is_paid_with_the_hash_of_its_takes() {
    let mut chain = stocked();
    send(&mut chain, vec![start(1)]);
    advance(&mut chain, 120);
    chain.take(take(3, 99)).unwrap();
    advance(&mut chain, 140);
    // 240 of 500: it goes on.
    assert!(chain.running(LOT).is_some());
    chain.take(take(6, 99)).unwrap();
    advance(&mut chain, 160);
    assert!(chain.running(LOT).is_none());
    let told = seen(&advance(&mut chain, 400));
    let mut result = result_start(chain.domain(), LOT, Nonce(1));
    // 3 for 240, and as many of 6 as are 260 at 80.
    for (quantity, paid) in [(3_000, 240), (3_250, 260)] {
        let quantity = Amount::from_wei(quantity * 1_000_000_000_000_000);
        let paid = Amount::whole(paid);
        result = result_take(result, TAKER, quantity, paid, Amount::ZERO);
    }
    assert_eq!(told.last().map(|(_, event)| *event), Some(VaultEvent::Ended { lot: LOT, result }));
    let left = Amount::from_wei(3_750_000_000_000_000_000);
    assert_eq!((chain.held(ETH), chain.free(ETH)), (left, left));
}

#[test]
fn a_sale_ends_when_all_is_sold() {
    let mut chain = stocked();
    let auction = Auction { need: Amount::whole(100_000), ..terms() };
    send(&mut chain, vec![order(1, OrderAction::StartAuction { lot: LOT, asset: ETH, auction })]);
    advance(&mut chain, 120);
    chain.take(take(10, 99)).unwrap();
    let told = seen(&advance(&mut chain, 200));
    let paid = Amount::whole(800);
    let start = result_start(chain.domain(), LOT, Nonce(1));
    let result = result_take(start, TAKER, Amount::whole(10), paid, Amount::ZERO);
    let quantity = Amount::whole(10);
    let sold = VaultEvent::Taken { lot: LOT, taker: TAKER, quantity, paid, rebate: Amount::ZERO };
    assert_eq!(told[1..], [(3, sold), (4, VaultEvent::Ended { lot: LOT, result })]);
}

#[test]
fn a_listed_maker_has_its_rebate_from_the_invitation_on() {
    let mut chain = stocked();
    let auction =
        Auction { invites: at(150), need: Amount::whole(100_000), dust: Amount::whole(1), ..terms() };
    let list = |nonce, listed| order(nonce, OrderAction::ListMaker { maker: TAKER, listed });
    let begin = order(1, OrderAction::StartAuction { lot: LOT, asset: ETH, auction });
    send(&mut chain, vec![begin, list(2, true)]);
    advance(&mut chain, 120);
    // Included at 140: before the invitation.
    chain.take(take(1, 99)).unwrap();
    advance(&mut chain, 130);
    // Included at 150.
    chain.take(take(3, 99)).unwrap();
    chain.take(Take { taker: ballast_types::Address([6; 32]), ..take(3, 99) }).unwrap();
    advance(&mut chain, 160);
    send(&mut chain, vec![list(3, false)]);
    chain.take(take(1, 99)).unwrap();
    advance(&mut chain, 180);
    let rebates: Vec<Amount> = results(&mut chain)
        .into_iter()
        .filter_map(|result| match result {
            Ok(Done::Taken { rebate, .. }) => Some(rebate),
            _ => None,
        })
        .collect();
    // 0.5 % of 240.
    let rebate = Amount::from_wei(1_200_000_000_000_000_000);
    assert_eq!(rebates, [Amount::ZERO, rebate, Amount::ZERO, Amount::ZERO]);
    // 80 + 240 + 240 + 80 less the rebate.
    assert_eq!(chain.held(COIN), Amount::whole(640) - rebate);
}

#[test]
fn an_auction_expires_in_the_first_block_at_its_end() {
    let mut chain = stocked();
    send(&mut chain, vec![start(1)]);
    advance(&mut chain, 199);
    assert_eq!(chain.all_running().count(), 1);
    assert_eq!(chain.free(ETH), Amount::ZERO);
    // Included at 200 with the end: too late.
    chain.take(take(3, 99)).unwrap();
    let told = advance(&mut chain, 220);
    assert_eq!(chain.all_running().count(), 0);
    assert_eq!(results(&mut chain).last(), Some(&Err(Revert::NoAuction(LOT))));
    assert_eq!(seen(&told), [(3, nothing_sold(&chain))]);
    assert_eq!(chain.free(ETH), Amount::whole(10));
}

#[test]
fn a_poke_before_its_time_changes_nothing() {
    let mut chain = stocked();
    send(&mut chain, vec![start(1)]);
    advance(&mut chain, 120);
    for poke in [Poke::End(LOT), Poke::End(LotId(9)), Poke::Pay(Nonce(1))] {
        chain.poke(poke).unwrap();
    }
    advance(&mut chain, 140);
    let expected = [
        Err(Revert::NotOver { lot: LOT, ends: at(200) }),
        Err(Revert::NoAuction(LotId(9))),
        Err(Revert::NotWaiting(Nonce(1))),
    ];
    assert_eq!(results(&mut chain)[1..], expected);
    assert!(chain.running(LOT).is_some());
}

#[test]
fn a_cancelled_auction_tells_that_it_is_over() {
    let mut chain = stocked();
    send(&mut chain, vec![start(1)]);
    advance(&mut chain, 120);
    send(&mut chain, vec![order(2, OrderAction::CancelAuction { lot: LOT, start: Nonce(1) })]);
    advance(&mut chain, 140);
    assert!(chain.running(LOT).is_none());
    // A second round of the same lot is not ended by the first one's end, nor by cancelling the first again.
    let auction = Auction { ends: at(300), invites: at(300), ..terms() };
    let cancel = order(4, OrderAction::CancelAuction { lot: LOT, start: Nonce(1) });
    send(&mut chain, vec![order(3, OrderAction::StartAuction { lot: LOT, asset: ETH, auction }), cancel]);
    let told = seen(&advance(&mut chain, 290));
    assert_eq!(chain.all_running().count(), 1);
    let executed = |nonce| VaultEvent::Executed { nonce: Nonce(nonce) };
    assert_eq!(told, [(3, nothing_sold(&chain)), (4, executed(2)), (5, executed(3)), (6, executed(4))]);
}

#[test]
fn a_cancellation_that_comes_first_uses_the_start_up() {
    let mut chain = stocked();
    send(&mut chain, vec![order(2, OrderAction::CancelAuction { lot: LOT, start: Nonce(1) })]);
    advance(&mut chain, 120);
    send(&mut chain, vec![start(1)]);
    let told = seen(&advance(&mut chain, 200));
    assert_eq!(told, [(2, nothing_sold(&chain)), (3, VaultEvent::Executed { nonce: Nonce(2) })]);
    assert_eq!(outcomes(&mut chain)[1], (1, Err(Revert::OrderSeen(Nonce(1)))));
    assert!(chain.running(LOT).is_none());
}

#[test]
fn a_chain_in_trouble_includes_later() {
    let mut chain = chain();
    let (inclusion, gas_take) = (Millis::seconds(95), Amount::whole(400));
    chain.set_conditions(Conditions { inclusion, gas_take, ..conditions() });
    assert_eq!(chain.conditions().unwrap().gas_take, Amount::whole(400));
    assert_eq!(chain.inclusion_of(at(0)), at(100));
    let tx = chain.deposit(owner(), ETH, Amount::whole(1)).unwrap();
    assert_eq!(tx, TxId(1));
    advance(&mut chain, 99);
    assert_eq!(chain.held(ETH), Amount::ZERO);
    advance(&mut chain, 100);
    assert_eq!(chain.held(ETH), Amount::whole(1));
}

#[test]
fn a_chain_that_halts_goes_on_where_it_was() {
    let mut chain = chain();
    advance(&mut chain, 42);
    chain.deposit(owner(), ETH, Amount::whole(1)).unwrap();
    chain.halt(at(1_005));
    let told = advance(&mut chain, 1_004);
    assert_eq!((chain.heads().unwrap().head.number, told), (4, vec![]));
    assert_eq!(chain.held(ETH), Amount::ZERO);
    // Block 5 comes at 1,005, and 6, for which the deposit waited, 10 s later.
    advance(&mut chain, 1_014);
    assert_eq!((chain.heads().unwrap().head.number, chain.held(ETH)), (5, Amount::ZERO));
    advance(&mut chain, 1_015);
    let head = chain.heads().unwrap().head;
    assert_eq!((head.number, head.time, chain.held(ETH)), (6, at(1_015), Amount::whole(1)));
    // What was safe and final is counted in blocks, not in hours.
    assert_eq!(chain.heads().unwrap().final_.number, 1);
}

#[test]
fn two_halts_one_in_the_other_are_the_longer_one() {
    let mut chain = chain();
    advance(&mut chain, 42);
    chain.halt(at(200));
    advance(&mut chain, 60);
    chain.halt(at(100));
    advance(&mut chain, 199);
    assert_eq!(chain.heads().unwrap().head.number, 4);
    advance(&mut chain, 210);
    assert_eq!(chain.heads().unwrap().head.number, 6);
}

#[test]
#[should_panic(expected = "back to")]
fn time_does_not_go_back() {
    let mut chain = chain();
    advance(&mut chain, 20);
    advance(&mut chain, 19);
}
