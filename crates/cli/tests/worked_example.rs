//! The design's worked example (section 6, R23) and Perpetual Protocol v1's arithmetic, to 15 significant digits.
//! The figures are worked out here, not taken from what the engine prints.

mod support;

use support::{Run, assert_15_digits, assert_dust};

/// Pool 100 ETH / 10,000 USD, k = 1,000,000. Alice 1,000 in: base 1,000,000 / 11,000 = 90.909.., so she gets
/// 100 - 90.909.. = 9.0909.., and mark is 11,000 / 90.909.. = 121. Bob 1,000 out: back to 100 / 10,000.
fn assert_both_opened(run: &Run) {
    let [alice, bob] = run.all("PositionOpened")[..] else { panic!("both open once") };
    assert_15_digits(&alice["size"], "9.090909090909090909");
    assert_15_digits(&alice["quote"], "1000");
    assert_15_digits(&alice["mark"], "121");
    assert_15_digits(&bob["size"], "-9.090909090909090909");
    assert_15_digits(&bob["quote"], "-1000");
    assert_15_digits(&bob["mark"], "100");
    assert_eq!(run.rejects(), Vec::<&serde_json::Value>::new());
}

/// Alice, first, sells 9.0909.. at 100 / 10,000: the pool is then 109.0909.. / 9,166.66.., so she gets 833.33.. of
/// her 1,000 and loses 166.66..; of that she pays her 100, and 66.66.. is missing.
fn assert_alice_lost(run: &Run) {
    let closed = run.all("PositionClosed")[0];
    assert_eq!(closed["account"], "alice");
    assert_15_digits(&closed["quote"], "-833.333333333333333333");
    assert_15_digits(&closed["realised"], "-166.666666666666666666");
    let settled = run.one("LossSettled");
    assert_15_digits(&settled["cash"], "100");
    assert_15_digits(&settled["debt"], "66.666666666666666666");
    assert_15_digits(&run.one("LossAbsorbed")["amount"], "66.666666666666666666");
    assert_15_digits(&run.one("TaskClosed")["shortfall"], "66.666666666666666666");
    let alice = run.shown("account", "alice");
    assert_eq!(alice["cash"], "0");
    assert_eq!(alice["equity"], "0");
    assert_eq!(alice["locked"], false);
}

/// Bob then buys 9.0909.. back for 833.33.. and has gained 166.66...
fn assert_bob_gained(run: &Run) {
    let closed = run.all("PositionClosed")[1];
    assert_eq!(closed["account"], "bob");
    assert_15_digits(&closed["quote"], "833.333333333333333333");
    let market = run.shown("market", "ETH");
    assert_15_digits(&market["base_reserve"], "100");
    assert_15_digits(&market["quote_reserve"], "10000");
    assert_eq!(market["net_size"], "0");
    assert_dust(&market["pool"]);
}

#[test]
fn bob_first_gives_both_their_100_back() {
    let run = Run::scenario("alice_bob_bob_first.jsonl");
    assert_both_opened(&run);
    for name in ["alice", "bob"] {
        assert_15_digits(&run.shown("account", name)["cash"], "100");
        assert_15_digits(&run.shown("account", name)["equity"], "100");
    }
    assert_eq!(run.shown("market", "ETH")["claims"], "0");
}

#[test]
fn alice_first_with_a_tranche_pays_bob_266_67() {
    let run = Run::scenario("alice_first_tranche.jsonl");
    assert_both_opened(&run);
    assert_alice_lost(&run);
    assert_bob_gained(&run);
    // The tranche held 100 and paid all of it: 100 - 66.66.. = 33.33.. stay.
    let absorbed = run.one("LossAbsorbed");
    assert_15_digits(&absorbed["tranche"], "66.666666666666666666");
    assert_eq!(absorbed["deficit"], "0");
    assert_15_digits(&run.shown("market", "ETH")["tranche"], "33.333333333333333333");
    assert_eq!(run.shown("market", "ETH")["claims"], "0");
    // 100 + 166.66..
    let bob = run.shown("account", "bob");
    assert_15_digits(&bob["cash"], "266.666666666666666666");
    assert_eq!(bob["receipts"], serde_json::json!({}));
    // Cash, not a promise: it can be taken out, floored to cents here.
    assert_eq!(run.one("ReleaseCompleted")["amount"], "266.66");
}

#[test]
fn alice_first_with_nothing_in_any_layer_pays_bob_200_and_a_receipt() {
    let run = Run::scenario("alice_first_empty.jsonl");
    assert_both_opened(&run);
    assert_alice_lost(&run);
    assert_bob_gained(&run);
    let absorbed = run.one("LossAbsorbed");
    for layer in ["tranche", "float", "cover"] {
        assert_eq!(absorbed[layer], "0");
    }
    assert_15_digits(&absorbed["deficit"], "66.666666666666666666");
    // Alice and Bob brought 200: that is what Bob is paid. 100 + 166.66.. - 66.66..
    let bob = run.shown("account", "bob");
    assert_15_digits(&bob["cash"], "200");
    let receipt = run.one("ReceiptIssued");
    assert_eq!(receipt["holder"]["account"], "bob");
    assert_15_digits(&receipt["amount"], "66.666666666666666666");
    assert_15_digits(&bob["receipts"]["1"], "66.666666666666666666");
    assert_15_digits(&run.shown("market", "ETH")["deficit"], "66.666666666666666666");
}

#[test]
fn funding_after_alices_trade_is_0_875_an_hour() {
    let run = Run::scenario("alice_funding.jsonl");
    // The hour before the trade is quiet (no premium, nobody open) and settles nothing aloud.
    let [first, second] = run.all("FundingSettled")[..] else {
        panic!("two periods with something to settle")
    };
    // (121 - 100) / 24, an hour: TWAP of mark 121, TWAP of index 100, over the whole period.
    assert_15_digits(&first["rate"], "0.875");
    assert_15_digits(&second["rate"], "0.875");
    assert_15_digits(&second["index_long"], "1.75");
    // Nobody receives: 9.0909.. * 0.875 a period is surplus.
    assert_15_digits(&first["surplus"], "7.954545454545454545");
    assert_15_digits(&run.shown("market", "ETH")["funding_rate"], "0.875");
    // The first charge is paid when the second is due: 100 - 7.95..
    let alice = run.shown("account", "alice");
    assert_15_digits(&alice["cash"], "92.045454545454545455");
    assert_15_digits(&alice["positions"]["ETH"]["funding"], "7.954545454545454545");
}

#[test]
fn perp_v1_50_in_buys_4_76() {
    let run = Run::scenario("perp_v1_swap.jsonl");
    let opened = run.all("PositionOpened")[0];
    // 100 - 100,000 / 1,050 = 100 - 95.238095238095238095.. ; the reserve is rounded up, which is exact to the wei.
    assert_eq!(opened["size"], "4.761904761904761904");
    assert_eq!(opened["quote"], "50");
}

#[test]
fn perp_v1_60_times_10_is_37_5() {
    let run = Run::scenario("perp_v1_swap.jsonl");
    // 100 - 100,000 / 1,600 = 100 - 62.5
    assert_eq!(run.all("PositionOpened")[1]["size"], "37.5");
    assert_eq!(run.shown("market", "BNB")["mark"], "25.6");
}

#[test]
fn perp_v1_premium_fraction_is_minus_0_1() {
    let run = Run::scenario("perp_v1_swap.jsonl");
    // (10 - 10.3) / 24 h * 8 h
    assert_eq!(run.shown("market", "SOL")["funding_rate"], "-0.1");
}
