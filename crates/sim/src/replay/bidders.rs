//! Who buys lots: each bidder has dollars, a discount on index that it requires, and a delay between seeing
//! and sending.
//!
//! - A bidder knows the price function: it bids when the price at the block that will include its take is low
//!   enough. It sees what others have sent, and does not bid for the same part of a lot.
//! - What it bids is reserved until the receipt; what it paid comes back after a while, when it has sold.

use super::places::Places;
use crate::scenario::{self, Away, Scenario};
use crate::seed::{Seed, scale_exp2};
use ballast_engine::auction;
use ballast_spoke::{Done, Offer, Receipt, SimChain, Spoke, Take, TxId};
use ballast_types::{Address, ChainId, LotId};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use std::collections::BTreeMap;

/// One standard deviation of a bidder's capital doubles it.
const CAPITAL_SPREAD: i64 = 1;

/// A bidder with less than this, dollars, waits until it has sold.
const BID_MIN: Amount = Amount::whole(100);

/// All bidders.
#[derive(Clone, Debug)]
pub(super) struct Bidders {
    /// By required discount.
    bidders: Vec<Bidder>,
    hold: Millis,
    away: Vec<Away>,
    /// Decided and not yet sent.
    outbox: BTreeMap<(Time, u64), Bid>,
    decided: u64,
    /// Sent and not yet included.
    sent: BTreeMap<(ChainId, TxId), Bid>,
    /// What is bid for of each lot.
    claimed: BTreeMap<LotId, Amount>,
    /// Paid, and when it is dollars again.
    held: BTreeMap<(Time, u64), (usize, Amount)>,
}

#[derive(Clone, Debug)]
struct Bidder {
    address: Address,
    free: Amount,
    discount: Ratio,
    latency: Millis,
    chains: Vec<ChainId>,
    /// Its place among those who leave: it is away while a share above this is.
    rank: Ratio,
}

#[derive(Clone, Copy, Debug)]
struct Bid {
    bidder: usize,
    chain: ChainId,
    take: Take,
    reserved: Amount,
}

/// A lot that was sold in part, as the chain's head tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sale {
    pub(super) lot: LotId,
    pub(super) time: Time,
    pub(super) quantity: Amount,
    pub(super) paid: Amount,
}

impl Bidders {
    pub(super) fn new(scenario: &Scenario, places: &Places) -> Self {
        let terms = &scenario.bidders;
        let mut stream = Seed::new(scenario.seed).stream("bidders");
        let shares: Vec<u64> =
            (0..terms.number).map(|_| scale_exp2(1_000, stream.normal() * CAPITAL_SPREAD)).collect();
        let total = scenario.scaled(terms.capital);
        let sum = Amount::whole(shares.iter().sum());
        let mut bidders: Vec<Bidder> = (1..)
            .zip(shares)
            .map(|(number, share)| Bidder {
                address: address(number),
                free: total.share_down(Amount::whole(share), sum).expect("a part of a bounded total"),
                discount: between(terms.discount, stream.below(STEPS)),
                latency: delay(terms, stream.below(STEPS)),
                // All are on the first chain, the deepest.
                chains: places
                    .chains
                    .iter()
                    .filter(|chain| {
                        chain.id == ChainId(0) || super::traders::within(terms.on_chain, &mut stream)
                    })
                    .map(|chain| chain.id)
                    .collect(),
                rank: between([Ratio::ZERO, Ratio::ONE], stream.below(STEPS)),
            })
            .collect();
        bidders.sort_by_key(|bidder| (bidder.discount, bidder.address));
        Self {
            bidders,
            hold: terms.hold,
            away: scenario.bidders_away.clone(),
            outbox: BTreeMap::new(),
            decided: 0,
            sent: BTreeMap::new(),
            claimed: BTreeMap::new(),
            held: BTreeMap::new(),
        }
    }

    /// Looks at every auction and decides; sends what was decided long enough ago.
    pub(super) fn act(&mut self, chains: &mut [SimChain], places: &Places, now: Time) {
        self.collect(now);
        let gone = self.share_away(now);
        for chain in chains.iter() {
            for (lot, offer) in chain.all_running() {
                if self.bidders.iter().all(|bidder| bidder.free < BID_MIN) {
                    break;
                }
                let unclaimed = self.claimed.get(&lot).copied().unwrap_or(Amount::ZERO);
                let left = offer.left.saturating_sub(unclaimed);
                if !left.is_zero() {
                    self.bid(chain, lot, offer, left, places.price(offer.asset, now), gone, now);
                }
            }
        }
        self.send(chains, now);
    }

    /// What came of takes. Gives those that bought something.
    pub(super) fn learn(&mut self, chain: ChainId, receipts: &[Receipt]) -> Vec<Sale> {
        let mut sales = Vec::new();
        for receipt in receipts {
            let Some(bid) = self.sent.remove(&(chain, receipt.tx)) else { continue };
            self.unclaim(bid.take.lot, bid.take.quantity);
            let mut back = bid.reserved;
            if let Ok(Done::Taken { lot, quantity, paid, rebate: _ }) = receipt.result {
                back = back.saturating_sub(paid);
                self.decided += 1;
                self.held.insert((receipt.time.after(self.hold), self.decided), (bid.bidder, paid));
                sales.push(Sale { lot, time: receipt.time, quantity, paid });
            }
            self.bidders[bid.bidder].free += back;
        }
        sales
    }

    /// Dollars that can be bid now, all bidders together.
    pub(super) fn free(&self) -> Amount {
        self.bidders.iter().map(|bidder| bidder.free).sum()
    }

    #[expect(clippy::too_many_arguments, reason = "one offer and what is known about it")]
    fn bid(
        &mut self,
        chain: &SimChain,
        lot: LotId,
        offer: &Offer,
        mut left: Amount,
        index: Price,
        gone: Ratio,
        now: Time,
    ) {
        let slowest = self.bidders.iter().map(|bidder| bidder.latency).max().unwrap_or(Millis::ZERO);
        let lowest = auction::price(&offer.auction, chain.inclusion_of(now.after(slowest)));
        let id = chain.chain();
        for number in 0..self.bidders.len() {
            let bidder = &self.bidders[number];
            let Ok(most) = index.mul_ratio_down(Ratio::ONE - bidder.discount) else { return };
            // Whoever comes after wants a higher discount still.
            if most < lowest || left.is_zero() {
                return;
            }
            let saw = offer.auction.opened.after(bidder.latency) <= now;
            if bidder.free < BID_MIN || bidder.rank < gone || !saw || !bidder.chains.contains(&id) {
                continue;
            }
            let price = auction::price(&offer.auction, chain.inclusion_of(now.after(bidder.latency)));
            let unit = chain.unit(offer.asset).expect("a vault lists what it sells");
            let Some(quantity) = affordable(bidder, offer, left, price, unit) else { continue };
            let Ok(reserved) = quantity.value_up(price) else { continue };
            // Units of the coin round what is due up, by less than a cent.
            let reserved = (reserved + Amount::from_wei(10_u128.pow(16))).min(bidder.free);
            let gain = quantity.value_down(most).unwrap_or(Amount::ZERO);
            let cost = reserved.checked_add(chain.present().gas_take).unwrap_or(Amount::MAX);
            if most < price || gain < cost {
                continue;
            }
            let take = Take { lot, taker: bidder.address, quantity, price_max: price };
            self.decided += 1;
            let due = now.after(bidder.latency);
            self.outbox.insert((due, self.decided), Bid { bidder: number, chain: id, take, reserved });
            self.bidders[number].free -= reserved;
            *self.claimed.entry(lot).or_default() += quantity;
            left = left.saturating_sub(quantity);
        }
    }

    fn send(&mut self, chains: &mut [SimChain], now: Time) {
        while let Some(entry) = self.outbox.first_entry().filter(|entry| entry.key().0 <= now) {
            let bid = entry.remove();
            let chain = &mut chains[usize::from(bid.chain.0)];
            let tx = chain.take(bid.take).expect("a bid for something");
            self.sent.insert((bid.chain, tx), bid);
        }
    }

    /// What was sold is dollars again.
    fn collect(&mut self, now: Time) {
        while let Some(entry) = self.held.first_entry().filter(|entry| entry.key().0 <= now) {
            let (bidder, amount) = entry.remove();
            self.bidders[bidder].free += amount;
        }
    }

    fn unclaim(&mut self, lot: LotId, quantity: Amount) {
        if let Some(claimed) = self.claimed.get_mut(&lot) {
            *claimed = claimed.saturating_sub(quantity);
            if claimed.is_zero() {
                self.claimed.remove(&lot);
            }
        }
    }

    fn share_away(&self, now: Time) -> Ratio {
        let there = self.away.iter().filter(|away| away.from <= now && now < away.to);
        there.map(|away| away.share).max().unwrap_or(Ratio::ZERO)
    }
}

/// As much of what is left as the bidder can pay, in a part that the auction accepts, whole in the token's unit.
fn affordable(bidder: &Bidder, offer: &Offer, left: Amount, price: Price, unit: Amount) -> Option<Amount> {
    let wanted = bidder.free.at_price_down(price).ok()?.min(left);
    let wanted = Amount::from_wei(wanted.wei() / unit.wei() * unit.wei());
    // What others have claimed is as good as sold: only then may the rest be taken whole.
    let quantity = if wanted == left && left < offer.left {
        left
    } else {
        auction::partial(&offer.auction, offer.left, wanted)?
    };
    (!quantity.is_zero()).then_some(quantity)
}

/// Draws are made in this many steps.
const STEPS: u64 = 1_000_000;

fn between([low, high]: [Ratio; 2], step: u64) -> Ratio {
    let way = (high - low).wei() / i128::from(STEPS) * i128::from(step);
    low + Ratio::from_wei(way)
}

fn delay(terms: &scenario::Bidders, step: u64) -> Millis {
    let [low, high] = terms.latency;
    Millis::new(low.get() + high.saturating_sub(low).get() / 1_000 * step / (STEPS / 1_000))
}

fn address(number: u64) -> Address {
    let mut address = [0; 32];
    address[12] = 0xb1;
    address[24..].copy_from_slice(&number.to_be_bytes());
    Address(address)
}
