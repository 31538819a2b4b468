//! Maker's auctions sold again: what is read, who buys at what, and the claim on the real lots of March 2020.

use ballast_sim::Candles;
use ballast_sim::PricePath;
use ballast_sim::maker::data::{Gas, parse_gas, parse_lots};
use ballast_sim::maker::{Index, MakerData, MakerLot, Means, VARIANTS, Variant, compare};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use std::collections::BTreeMap;
use std::path::Path;

/// 12 March 2020, 12:00 UTC.
const NOON: u64 = 1_584_014_400_000;

fn amount(text: &str) -> Amount {
    text.parse().expect("a decimal")
}

fn lot(id: u64, minute: u64, bids: u64, dai: &str) -> MakerLot {
    MakerLot {
        id,
        quantity: Amount::whole(10),
        dai: amount(dai),
        bids,
        time: Time::from_millis(NOON + minute * 60_000),
        market: Price::whole(100),
        dai_price: Price::ONE,
    }
}

/// ETH stands at 100; every transaction gets in in the next minute, for nothing.
fn calm(lots: Vec<MakerLot>) -> MakerData {
    let rows: String =
        (0..600).map(|place| format!("{},100,100,100,100,1\n", NOON + place * 300_000)).collect();
    let text = format!("timestamp_ms,open,high,low,close,volume\n{rows}");
    let candles = Candles::from_csv(Path::new("eth_usdt_5m.csv"), Millis::minutes(5), &text);
    let free = Gas { p60: Amount::ZERO, p90: Amount::ZERO };
    let minutes = (0..600).map(|minute| (Time::from_millis(NOON + minute * 60_000), free));
    MakerData {
        lots,
        osm: BTreeMap::from([(Time::from_millis(NOON), Price::whole(120))]),
        gas: minutes.collect(),
        eth: PricePath::new(candles.expect("they hold together")),
    }
}

fn paid(data: &MakerData, variant: Variant) -> (Amount, Amount) {
    let rows = compare(data, variant).rows;
    let all = rows.last().expect("there is a sum of all");
    (all.bidders, all.reserve)
}

/// Nobody bids: after three rounds the reserve pays 70 % of index, whichever index that is.
#[test]
fn the_reserve_buys_what_nobody_bids_for() {
    let data = calm(vec![lot(1, 0, 1, "0")]);
    assert_eq!(paid(&data, VARIANTS[0]), (Amount::ZERO, Amount::whole(700)));
    let delayed = Variant { index: Index::Delayed, ..VARIANTS[0] };
    assert_eq!(paid(&data, delayed), (Amount::ZERO, Amount::whole(840)));
}

/// Five lots went in contests at the market price: bidders ask for no discount and may take 50 ETH. At 20 s the price is
/// 110 x 0.95² = 99.275; the transaction gets in a minute after the start, at 110 x 0.95⁶ = 80.86010796875. The sixth lot
/// finds their means used up.
#[test]
fn a_late_take_pays_the_price_of_its_block() {
    let mut lots: Vec<MakerLot> = (1..=5).map(|id| lot(id, 0, 2, "1000")).collect();
    lots.push(lot(6, 0, 1, "0"));
    let data = calm(lots);
    assert_eq!(paid(&data, VARIANTS[0]), (amount("4043.0053984375"), Amount::whole(700)));
    let nobody = Variant { means: Means::Nobody, ..VARIANTS[0] };
    assert_eq!(paid(&data, nobody), (Amount::ZERO, Amount::whole(4_200)));
    // 5,000 dollars buy all six.
    let dollars = Variant { means: Means::Dollars, ..VARIANTS[0] };
    assert_eq!(paid(&data, dollars), (amount("4851.606478125"), Amount::ZERO));
}

/// Contests that went at 85 % of the market: bidders ask for 15 %, at a floor of 80 % they are there; asked for twice as
/// much, they come for the last floor, which is 70 %.
#[test]
fn bidders_ask_for_the_discount_that_they_got() {
    let lots: Vec<MakerLot> = (1..=5).map(|id| lot(id, 0, 2, "850")).collect();
    let data = calm(lots);
    // 15 % at 50 s: 85.1; at 60 s 80.86: included at 120 s, when the price is the floor.
    assert_eq!(paid(&data, VARIANTS[0]), (Amount::whole(4_000), Amount::ZERO));
    assert_eq!(paid(&data, VARIANTS[1]), (Amount::whole(3_500), Amount::ZERO));
}

/// Lines that cannot be used: file, line, what was expected. A minute without transactions is no fault.
#[test]
fn what_cannot_be_read_is_named() {
    let header = "auction_id,lot_eth,dai_paid,bid_count,last_bid_ts,market_eth_usd,market_dai_usd";
    let of = |row: &str| {
        parse_lots(Path::new("a.csv"), &format!("{header}\n{row}")).map_err(|error| error.to_string())
    };
    assert_eq!(of("1,1,1e-15,2,1583629210,200,1").expect("it is a lot")[0].dai, Amount::from_wei(1_000));
    let at = |fault: &str| Err(format!("a.csv:2: {fault}"));
    assert_eq!(of("1,1,1,2,1583629210,200"), at("6 columns; expected 7, as in the header"));
    assert_eq!(of("1,-1,1,2,1583629210,200,1"), at("\"-1\"; expected a decimal number, zero or above"));
    assert_eq!(of("1,1,1,2,1583629210,0,1"), at("\"0\"; expected a price above zero"));
    assert_eq!(of("1,1,1,x,1583629210,200,1"), at("\"x\"; expected a whole number"));
    let none = parse_lots(Path::new("a.csv"), header).map_err(|error| error.to_string());
    assert_eq!(none, Err("a.csv:1: no line after the header".to_owned()));
    let other = parse_lots(Path::new("a.csv"), "auction_id\n1").map_err(|error| error.to_string());
    assert_eq!(other, Err("a.csv:1: the header has no column lot_eth".to_owned()));
    let gas = parse_gas(Path::new("g.csv"), "timestamp_ms,p60_gwei,p90_gwei\n0,,\n60000,1,2");
    assert_eq!(gas.expect("two minutes").len(), 1);
}

/// The claim, on the real lots: at least a tenth more than Maker recovered, however the bidders are modelled.
#[test]
fn real_lots_bring_a_tenth_more() {
    let Some(folder) = std::env::var_os("BALLAST_DATA").map(|data| Path::new(&data).join("2020-03-12"))
    else {
        eprintln!("skipped: BALLAST_DATA does not name the folder of real market data");
        return;
    };
    let data = MakerData::read_folder(&folder).expect("it can be read");
    for variant in VARIANTS {
        let rows = compare(&data, variant).rows;
        let all = rows.last().expect("there is a sum of all");
        assert_eq!(all.lots, 4_347);
        let claimed = all.maker_share.mul_up(Ratio::percent(110)).expect("in range");
        assert!(claimed <= all.share, "{variant:?}: {all:?}");
        let zero = &rows[rows.len() - 2];
        assert_eq!(zero.lots, 1_461);
        assert!(Ratio::percent(60) <= zero.share, "{variant:?}: {zero:?}");
    }
}
