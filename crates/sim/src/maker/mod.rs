//! Maker's liquidations of March 2020, sold again by our auctions: the same lots in the same minutes, under the same gas.
//!
//! - A lot goes on sale when Maker's last bid was made, at the index of that moment, by the engine's own
//!   [`ballast_engine::auction`]: price, floor, rounds, and the reserve as the last buyer, which is counted apart.
//! - Bidders bring no more than they were seen to bring. In each hour they take, at most, as much ETH as was then really
//!   sold with somebody bidding against somebody else and for a dollar or more an ETH; they ask for the discount at which
//!   the middle one of those lots went, and for the gas of their transaction. In an hour with fewer than five such lots
//!   nobody is there. Lots with a lone bidder count as sold to nobody.
//! - A bidder's transaction offers what the dearest tenth of the minute before paid, and gets in in the first minute of
//!   which 60 % paid no more; meanwhile the price falls, and it pays the price of the block that includes it. Minutes
//!   without gas data have the 95 % quantile of the delays of those that have.
//! - What a bidder gets for ETH elsewhere is the lowest price of the five minutes around.
//! - The debt behind a lot is not in the data: floors are the lowest that rule R2 allows (80, 75, 70 % of index).
//! - Nothing here is fitted: every figure of the bidders is read off the data, and both can be doubled or taken away.

pub mod data;

pub use data::{MakerData, MakerError, MakerLot};

use crate::calendar;
use ballast_engine::auction;
use ballast_types::AuctionSchedule;
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use serde::Serialize;
use std::collections::BTreeMap;

const MINUTE: Millis = Millis::minutes(1);
/// Gas of a take that sells what it took in the same transaction.
const GAS_OF_TAKE: u64 = 300_000;
/// Sales with a second bidder that an hour needs, to count as one with bidders.
const LEAST_CONTESTED: usize = 5;
/// A lot that the falling index starts anew more often than this is left to the reserve.
const RESTARTS_MAX: u32 = 500;

/// Which index our auctions start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Index {
    /// Our own oracle: the market price of now.
    Own,
    /// Maker's delayed oracle, an hour old and more.
    Delayed,
}

/// What limits bidders in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// ETH that was really sold in a contest.
    Eth,
    /// Dollars that were really paid in a contest.
    Dollars,
    /// Nothing: nobody bids at all, the reserve buys everything.
    Nobody,
}

/// One way to play it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Variant {
    /// Index of start, floor and reserve.
    pub index: Index,
    /// What bidders have.
    pub means: Means,
    /// The discount they ask for is that of the data times this.
    pub discount_times: u8,
}

/// The variants of the comparison; the first is the one that the claim is made for.
pub const VARIANTS: [Variant; 6] = [
    Variant { index: Index::Own, means: Means::Eth, discount_times: 1 },
    Variant { index: Index::Own, means: Means::Eth, discount_times: 2 },
    Variant { index: Index::Own, means: Means::Dollars, discount_times: 1 },
    Variant { index: Index::Own, means: Means::Nobody, discount_times: 1 },
    Variant { index: Index::Delayed, means: Means::Eth, discount_times: 1 },
    Variant { index: Index::Delayed, means: Means::Eth, discount_times: 2 },
];

/// How one lot was sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    /// When.
    pub time: Time,
    /// Dollars paid.
    pub paid: Amount,
    /// By the reserve.
    pub reserve: bool,
}

/// What bidders were seen to do in an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Hour {
    /// ETH or dollars that they still have.
    left: Amount,
    /// Share of market price.
    discount: Ratio,
}

/// A sum over lots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    /// Which lots.
    pub name: String,
    /// How many.
    pub lots: u64,
    /// ETH in them.
    pub eth: Amount,
    /// Worth on the market in the minute of Maker's last bid, dollars.
    pub worth: Amount,
    /// Paid to Maker, dollars.
    pub maker: Amount,
    /// Paid to us by bidders, dollars.
    pub bidders: Amount,
    /// Paid to us by the reserve, dollars.
    pub reserve: Amount,
    /// What the reserve bought, on the market a day after it bought, dollars.
    pub reserve_day_later: Amount,
    /// Lots that the reserve bought.
    pub reserve_lots: u64,
    /// Maker's share of worth.
    pub maker_share: Ratio,
    /// Our share of worth.
    pub share: Ratio,
    /// Middle one of Maker's shares, lot by lot.
    pub maker_median: Ratio,
    /// Middle one of ours.
    pub median: Ratio,
}

/// The comparison by one variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// How it was played.
    pub variant: Variant,
    /// By day (UTC), then lots sold to Maker's bidders below 1 DAI an ETH, then all.
    pub rows: Vec<Total>,
}

/// Sells every lot again.
pub fn compare(data: &MakerData, variant: Variant) -> Comparison {
    let sales = sell_all(data, variant);
    let mut by_day: BTreeMap<String, Vec<(&MakerLot, Sale)>> = BTreeMap::new();
    let pairs: Vec<(&MakerLot, Sale)> = data.lots.iter().zip(sales).collect();
    for pair in &pairs {
        let day = calendar::date_time(pair.0.time);
        by_day.entry(day.chars().take(10).collect()).or_default().push(*pair);
    }
    let zero: Vec<(&MakerLot, Sale)> = pairs.iter().copied().filter(|(lot, _)| is_zero_bid(lot)).collect();
    let mut rows: Vec<Total> = by_day.iter().map(|(day, pairs)| total(data, day, pairs)).collect();
    rows.push(total(data, "sold below 1 DAI", &zero));
    rows.push(total(data, "all", &pairs));
    Comparison { variant, rows }
}

/// Sold for less than 1 DAI an ETH.
#[must_use]
pub fn is_zero_bid(lot: &MakerLot) -> bool {
    lot.dai < lot.quantity
}

fn total(data: &MakerData, name: &str, pairs: &[(&MakerLot, Sale)]) -> Total {
    let mut total = Total { name: name.to_owned(), ..Total::default() };
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for (lot, sale) in pairs {
        let worth = value(lot.quantity, lot.market);
        let maker = value(lot.dai, lot.dai_price);
        total.lots += 1;
        total.eth += lot.quantity;
        total.worth += worth;
        total.maker += maker;
        if sale.reserve {
            total.reserve_lots += 1;
            total.reserve += sale.paid;
            let later = data.eth.at(sale.time.after(Millis::days(1))).unwrap_or(lot.market);
            total.reserve_day_later += value(lot.quantity, later);
        } else {
            total.bidders += sale.paid;
        }
        theirs.push(share(maker, worth));
        ours.push(share(sale.paid, worth));
    }
    total.maker_share = share(total.maker, total.worth);
    total.share = share(total.bidders + total.reserve, total.worth);
    total.maker_median = median(theirs);
    total.median = median(ours);
    total
}

/// Sells every lot, in order of time; what bidders spend on one they have no more for the next.
fn sell_all(data: &MakerData, variant: Variant) -> Vec<Sale> {
    let late = late_delay(data);
    let mut hours = hours(data, variant);
    data.lots.iter().map(|lot| sell(data, variant, lot, late, &mut hours)).collect()
}

/// What bidders were seen to have and to ask for, by hour.
fn hours(data: &MakerData, variant: Variant) -> BTreeMap<u64, Hour> {
    let mut contested: BTreeMap<u64, Vec<&MakerLot>> = BTreeMap::new();
    if variant.means != Means::Nobody {
        for lot in data.lots.iter().filter(|lot| 2 <= lot.bids && !is_zero_bid(lot)) {
            contested.entry(hour(lot.time)).or_default().push(lot);
        }
    }
    contested.retain(|_, lots| LEAST_CONTESTED <= lots.len());
    let of = |lots: Vec<&MakerLot>| {
        let discounts = lots.iter().map(|lot| {
            let paid = share(value(lot.dai, lot.dai_price), value(lot.quantity, lot.market));
            Ratio::ZERO.max(Ratio::ONE - paid)
        });
        let asked = median(discounts.collect());
        let times = Ratio::whole(i64::from(variant.discount_times));
        let discount = asked.mul_up(times).map_or(Ratio::ONE, |asked| asked.min(Ratio::ONE));
        let left = lots.iter().map(|lot| match variant.means {
            Means::Eth => lot.quantity,
            Means::Dollars => value(lot.dai, lot.dai_price),
            Means::Nobody => Amount::ZERO,
        });
        Hour { left: left.sum(), discount }
    };
    contested.into_iter().map(|(hour, lots)| (hour, of(lots))).collect()
}

/// Sells one lot: rounds of auctions, then the reserve.
fn sell(
    data: &MakerData,
    variant: Variant,
    lot: &MakerLot,
    late: Millis,
    hours: &mut BTreeMap<u64, Hour>,
) -> Sale {
    let schedule = AuctionSchedule::default();
    let mut now = lot.time;
    let mut round = 0;
    let mut restarts = 0;
    while round < schedule.rounds && restarts < RESTARTS_MAX {
        let index = index(data, variant.index, now, lot);
        let terms = auction::terms(Amount::ZERO, lot.quantity, index, now, &schedule, round);
        let terms = terms.expect("quantities and prices of the data are in range");
        let mut fell = false;
        // A take on its way: when it gets in.
        let mut coming: Option<Time> = None;
        while now < terms.ends {
            if self::index(data, variant.index, now, lot) < terms.floor {
                fell = true;
                break;
            }
            let due = auction::take_due(&terms, now, lot.quantity).expect("in range");
            if coming.is_some_and(|at| at <= now) {
                spend(hours, variant.means, now, lot.quantity, due);
                return Sale { time: now, paid: due, reserve: false };
            }
            if coming.is_none() && wants(data, hours, variant.means, lot, now, due) {
                coming = Some(now.after(delay(data, now).unwrap_or(late)));
            }
            now = now.after(schedule.step);
        }
        if fell {
            restarts += 1;
        } else {
            round += 1;
        }
    }
    let price = auction::reserve_price(index(data, variant.index, now, lot), &schedule);
    Sale { time: now, paid: value(lot.quantity, price.expect("a share of a price")), reserve: true }
}

/// Somebody is there, has the means, and earns its discount and its gas at this price.
fn wants(
    data: &MakerData,
    hours: &BTreeMap<u64, Hour>,
    means: Means,
    lot: &MakerLot,
    now: Time,
    due: Amount,
) -> bool {
    let Some(seen) = hours.get(&hour(now)) else { return false };
    let needs = if means == Means::Dollars { due } else { lot.quantity };
    if seen.left < needs {
        return false;
    }
    let low = low(data, now).unwrap_or(lot.market);
    let worth = value(lot.quantity, low).mul_ratio_down(Ratio::ONE - seen.discount).unwrap_or(Amount::ZERO);
    let gwei = gas_offer(data, now);
    // 10^9 gwei are one ETH.
    let gas = Amount::from_wei(gwei.wei() / 1_000_000_000 * u128::from(GAS_OF_TAKE));
    due <= worth.saturating_sub(value(gas, low))
}

fn spend(hours: &mut BTreeMap<u64, Hour>, means: Means, now: Time, quantity: Amount, due: Amount) {
    if let Some(seen) = hours.get_mut(&hour(now)) {
        seen.left = seen.left.saturating_sub(if means == Means::Dollars { due } else { quantity });
    }
}

/// The index that an auction knows.
fn index(data: &MakerData, which: Index, now: Time, lot: &MakerLot) -> Price {
    let known = match which {
        Index::Own => data.eth.at(now),
        Index::Delayed => data.osm.range(..=now).next_back().map(|(_, price)| *price),
    };
    known.unwrap_or(lot.market)
}

/// The lowest price of the candle around a moment.
fn low(data: &MakerData, now: Time) -> Option<Price> {
    let series = data.eth.candles().series();
    let at = series.partition_point(|candle| candle.time <= now).checked_sub(1)?;
    series.get(at).map(|candle| candle.low)
}

/// What a transaction sent now offers, gwei: what the dearest tenth of the minute before paid, or the most of any minute
/// where that is not known.
fn gas_offer(data: &MakerData, now: Time) -> Amount {
    let before = Time::from_millis(minute(now).millis().saturating_sub(MINUTE.get()));
    let known = data.gas.get(&before).map(|gas| gas.p90);
    known.unwrap_or_else(|| data.gas.values().map(|gas| gas.p90).max().unwrap_or(Amount::ZERO))
}

/// How long a transaction sent now takes to get in; `None` where gas is not known.
fn delay(data: &MakerData, now: Time) -> Option<Millis> {
    let sent = minute(now);
    data.gas.get(&sent)?;
    let offer = gas_offer(data, now);
    let included = data.gas.range(sent.after(MINUTE)..).find(|(_, gas)| gas.p60 <= offer)?;
    Some(included.0.since(now))
}

/// The 95 % quantile of all delays.
fn late_delay(data: &MakerData) -> Millis {
    let mut delays: Vec<Millis> = data.gas.keys().filter_map(|minute| delay(data, *minute)).collect();
    delays.sort_unstable();
    delays.get(delays.len() * 95 / 100).copied().unwrap_or(MINUTE)
}

fn minute(time: Time) -> Time {
    Time::from_millis(time.millis() / MINUTE.get() * MINUTE.get())
}

fn hour(time: Time) -> u64 {
    time.millis() / Millis::hours(1).get()
}

fn value(quantity: Amount, price: Price) -> Amount {
    quantity.value_down(price).expect("quantities and prices of the data are in range")
}

fn share(part: Amount, of: Amount) -> Ratio {
    part.ratio_to_down(of).unwrap_or(Ratio::ZERO)
}

/// The middle one; of an even number the lower of the two.
fn median(mut values: Vec<Ratio>) -> Ratio {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(Ratio::ZERO)
}
