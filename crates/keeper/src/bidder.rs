//! Who buys lots: each bidder has dollars, a discount on index that it requires, and a delay between seeing
//! and sending.
//!
//! - A bidder knows the price function: it bids when the price at the block that will include its take is low
//!   enough. It sees what others have sent, and does not bid for the same part of a lot.
//! - What it bids is reserved until the receipt; what it paid comes back after a while, when it has sold. A take that a
//!   reorg undid is a bid again until it is included anew, or has been gone for too long.

use crate::inclusion;
use ballast_engine::auction::{self, Cut, Remainder};
use ballast_spoke::{Conditions, Done, Heads, Offer, Receipt, Revert, Spoke, SpokeError, Take, TxId};
use ballast_types::{Address, AssetId, ChainId, LotId};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use std::collections::BTreeMap;

/// A bidder with less than this, dollars, waits until it has sold.
const BID_MIN: Amount = Amount::whole(100);

/// A transaction that was not included for so long never will be.
const LOST: Millis = Millis::minutes(20);

/// One bidder.
#[derive(Clone, Debug)]
pub struct Bidder {
    /// Pays and gets collateral.
    pub address: Address,
    /// Dollars that it can bid.
    pub free: Amount,
    /// On index, required.
    pub discount: Ratio,
    /// From seeing to sending.
    pub latency: Millis,
    /// Where it bids.
    pub chains: Vec<ChainId>,
    /// Its place among those who leave: it is away while a share above this is.
    pub rank: Ratio,
}

/// What bidders know of the world at a moment.
pub struct News<'a> {
    /// Now.
    pub now: Time,
    /// Index of an asset.
    pub index: &'a dyn Fn(AssetId) -> Price,
    /// Unit of a token.
    pub unit: &'a dyn Fn(ChainId, AssetId) -> Amount,
    /// Share of the bidders that is away.
    pub away: Ratio,
}

/// A take that was included: what was paid, and the place in [`Bidders::held`] of its dollars.
type Bought = (Bid, Amount, (Time, u64));

/// All bidders.
#[derive(Clone, Debug)]
pub struct Bidders {
    /// By required discount.
    bidders: Vec<Bidder>,
    hold: Millis,
    /// Decided and not yet sent.
    outbox: BTreeMap<(Time, u64), Bid>,
    decided: u64,
    /// Sent and not yet included, with the time of sending.
    sent: BTreeMap<(ChainId, TxId), (Time, Bid)>,
    /// Included: what was paid, and where it is held.
    bought: BTreeMap<(ChainId, TxId), Bought>,
    /// What is bid for of each lot.
    claimed: BTreeMap<LotId, Amount>,
    /// Paid, and when it is dollars again.
    held: BTreeMap<(Time, u64), (usize, Amount)>,
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
pub struct Sale {
    /// Where, by which transaction.
    pub key: (ChainId, TxId),
    /// Of what.
    pub lot: LotId,
    /// Of the block.
    pub time: Time,
    /// How much.
    pub quantity: Amount,
    /// Dollars.
    pub paid: Amount,
}

/// A chain at its head, as a bidder sees it.
struct View {
    id: ChainId,
    heads: Heads,
    conditions: Conditions,
}

impl Bidders {
    /// Bidders whose dollars come back `hold` after they paid.
    #[must_use]
    pub fn new(mut bidders: Vec<Bidder>, hold: Millis) -> Self {
        bidders.sort_by_key(|bidder| (bidder.discount, bidder.address));
        Self {
            bidders,
            hold,
            outbox: BTreeMap::new(),
            decided: 0,
            sent: BTreeMap::new(),
            bought: BTreeMap::new(),
            claimed: BTreeMap::new(),
            held: BTreeMap::new(),
        }
    }

    /// Looks at every auction and decides; sends what was decided long enough ago. A chain that cannot be asked is
    /// asked again in the next block.
    pub fn act<S: Spoke>(&mut self, chains: &mut [S], news: &News<'_>) {
        self.collect(news.now);
        for chain in chains.iter() {
            if self.bidders.iter().all(|bidder| bidder.free < BID_MIN) {
                break;
            }
            let (Ok(offers), Ok(heads), Ok(conditions)) = (chain.offers(), chain.heads(), chain.conditions())
            else {
                continue;
            };
            let view = View { id: chain.chain(), heads, conditions };
            for (lot, offer) in offers {
                let unclaimed = self.claimed.get(&lot).copied().unwrap_or(Amount::ZERO);
                let left = offer.left.saturating_sub(unclaimed);
                if !left.is_zero() {
                    self.bid(&view, lot, &offer, left, news);
                }
            }
        }
        self.send(chains, news.now);
    }

    /// What came of takes. Gives those that bought something, and those that a reorg undid.
    pub fn learn(&mut self, chain: ChainId, receipts: &[Receipt]) -> (Vec<Sale>, Vec<(ChainId, TxId)>) {
        let (mut sales, mut undone) = (Vec::new(), Vec::new());
        for receipt in receipts {
            let key = (chain, receipt.tx);
            if receipt.result == Err(Revert::Reorged) {
                if let Some((bid, paid, place)) = self.bought.remove(&key) {
                    // Its dollars are still on their way, or are taken back out of what is free.
                    if self.held.remove(&place).is_none() {
                        let free = &mut self.bidders[bid.bidder].free;
                        *free = free.saturating_sub(paid);
                    }
                    *self.claimed.entry(bid.take.lot).or_default() += bid.take.quantity;
                    self.sent.insert(key, (receipt.time, Bid { reserved: paid, ..bid }));
                    undone.push(key);
                }
                continue;
            }
            let Some((_, bid)) = self.sent.remove(&key) else { continue };
            self.unclaim(bid.take.lot, bid.take.quantity);
            let mut back = bid.reserved;
            if let Ok(Done::Taken { lot, quantity, paid, rebate: _ }) = receipt.result {
                back = back.saturating_sub(paid);
                self.decided += 1;
                let place = (receipt.time.after(self.hold), self.decided);
                self.held.insert(place, (bid.bidder, paid));
                self.bought.insert(key, (bid, paid, place));
                sales.push(Sale { key, lot, time: receipt.time, quantity, paid });
            }
            self.bidders[bid.bidder].free += back;
        }
        (sales, undone)
    }

    /// Dollars that can be bid now, all bidders together.
    #[must_use]
    pub fn free(&self) -> Amount {
        self.bidders.iter().map(|bidder| bidder.free).sum()
    }

    /// Dollars that those who are there and bid on a chain pay at once within `discount` of index.
    #[must_use]
    pub fn depth(&self, chain: ChainId, discount: Ratio, away: Ratio) -> Amount {
        let there = self.there(chain, away).take_while(|bidder| bidder.discount <= discount);
        there.map(|bidder| bidder.free).sum()
    }

    /// What selling `value` dollars' worth at once to those who bid on a chain would lose, as a share of it: the mean of
    /// the discounts that it goes at. What nobody has dollars for goes at the highest.
    #[must_use]
    pub fn instant_loss(&self, chain: ChainId, value: Amount, away: Ratio) -> Ratio {
        let (mut left, mut lost, mut last) = (value, Amount::ZERO, Ratio::ZERO);
        for bidder in self.there(chain, away) {
            last = bidder.discount;
            let part = left.min(bidder.free);
            lost += part.mul_ratio_up(last).unwrap_or(part);
            left = left.saturating_sub(part);
            if left.is_zero() {
                break;
            }
        }
        lost += left.mul_ratio_up(last).unwrap_or(left);
        lost.ratio_to_down(value).unwrap_or(Ratio::ZERO)
    }

    fn there(&self, chain: ChainId, away: Ratio) -> impl Iterator<Item = &Bidder> {
        let there = move |bidder: &&Bidder| away <= bidder.rank && bidder.chains.contains(&chain);
        self.bidders.iter().filter(there)
    }

    fn bid(&mut self, chain: &View, lot: LotId, offer: &Offer, mut left: Amount, news: &News<'_>) {
        let now = news.now;
        let included = |latency: Millis| inclusion(&chain.heads, &chain.conditions, now.after(latency));
        let slowest = self.bidders.iter().map(|bidder| bidder.latency).max().unwrap_or(Millis::ZERO);
        let lowest = auction::price(&offer.auction, included(slowest));
        let (index, unit) = ((news.index)(offer.asset), (news.unit)(chain.id, offer.asset));
        for number in 0..self.bidders.len() {
            let bidder = &self.bidders[number];
            let Ok(most) = index.mul_ratio_down(Ratio::ONE - bidder.discount) else { return };
            // Whoever comes after wants a higher discount still.
            if most < lowest || left.is_zero() {
                return;
            }
            let saw = offer.auction.opened.after(bidder.latency) <= now;
            if bidder.free < BID_MIN || bidder.rank < news.away || !saw || !bidder.chains.contains(&chain.id)
            {
                continue;
            }
            let price = auction::price(&offer.auction, included(bidder.latency));
            let Some(Cut { quantity, due }) = affordable(bidder, offer, left, price, unit) else { continue };
            // Units of the coin round what is due up, by less than a cent.
            let reserved = (due + Amount::from_wei(10_u128.pow(16))).min(bidder.free);
            let gain = quantity.value_down(most).unwrap_or(Amount::ZERO);
            let cost = reserved.checked_add(chain.conditions.gas_take).unwrap_or(Amount::MAX);
            if most < price || gain < cost {
                continue;
            }
            let least = pays_gas(chain.conditions.gas_take, price, most).min(quantity);
            let take = Take { lot, taker: bidder.address, quantity, least, price_max: price };
            self.decided += 1;
            let at = now.after(bidder.latency);
            self.outbox.insert((at, self.decided), Bid { bidder: number, chain: chain.id, take, reserved });
            self.bidders[number].free -= reserved;
            *self.claimed.entry(lot).or_default() += quantity;
            left = left.saturating_sub(quantity);
        }
    }

    fn send<S: Spoke>(&mut self, chains: &mut [S], now: Time) {
        let due: Vec<(Time, u64)> = self.outbox.range(..=(now, u64::MAX)).map(|(key, _)| *key).collect();
        for key in due {
            let bid = self.outbox[&key];
            let Some(chain) = chains.iter_mut().find(|chain| chain.chain() == bid.chain) else { continue };
            match chain.take(bid.take) {
                Ok(tx) => {
                    self.outbox.remove(&key);
                    self.sent.insert((bid.chain, tx), (now, bid));
                }
                // It stays in the outbox until the chain answers.
                Err(SpokeError::Network { .. }) => {}
                Err(_) => {
                    self.outbox.remove(&key);
                    self.give_up(&bid);
                }
            }
        }
    }

    /// What was sold is dollars again, what was lost on its way is not bid any more.
    fn collect(&mut self, now: Time) {
        while let Some(entry) = self.held.first_entry().filter(|entry| entry.key().0 <= now) {
            let (bidder, amount) = entry.remove();
            self.bidders[bidder].free += amount;
        }
        let lost = self.sent.iter().filter(|(_, (at, _))| at.after(LOST) <= now);
        let lost: Vec<(ChainId, TxId)> = lost.map(|(key, _)| *key).collect();
        for key in lost {
            let (_, bid) = self.sent.remove(&key).expect("found above");
            self.give_up(&bid);
        }
        self.bought.retain(|_, (_, _, (until, _))| now < until.after(LOST));
    }

    fn give_up(&mut self, bid: &Bid) {
        self.unclaim(bid.take.lot, bid.take.quantity);
        self.bidders[bid.bidder].free += bid.reserved;
    }

    fn unclaim(&mut self, lot: LotId, quantity: Amount) {
        if let Some(claimed) = self.claimed.get_mut(&lot) {
            *claimed = claimed.saturating_sub(quantity);
            if claimed.is_zero() {
                self.claimed.remove(&lot);
            }
        }
    }
}

/// As much of what is left as the bidder can pay and the need still asks for, in a part that the auction accepts, whole in the
/// token's unit. What others have claimed is as good as sold, at this price.
fn affordable(bidder: &Bidder, offer: &Offer, left: Amount, price: Price, unit: Amount) -> Option<Cut> {
    let wanted = bidder.free.at_price_down(price).ok()?.min(left);
    let wanted = Amount::from_wei(wanted.wei() / unit.wei() * unit.wei());
    let all = offer.remainder(price, unit, Amount::from_wei(1));
    let claimed = offer.left.saturating_sub(left).value_down(price).ok()?;
    Remainder { left, need: all.need.saturating_sub(claimed), ..all }.cut(wanted)
}

/// What a take has to get at least, so that what it is worth more than its price pays its gas.
fn pays_gas(gas: Amount, price: Price, worth: Price) -> Amount {
    let gain = worth.checked_sub(price);
    gain.and_then(|gain| gas.at_price_up(gain)).unwrap_or(Amount::MAX)
}
