//! The risk index: a price change costs what the accounts near the edge cost, not what all accounts
//! cost (R17).
//!
//! - An account that was evaluated at prices p0 and time t0 with health H is skipped while every price it
//!   depends on stays within ρ = min(1/2, H / 2W) of p0, and until t0 + H / 2R.
//! - Each bound is an entry in a bucket of a price's coarse logarithm; a price that enters a bucket takes all
//!   its entries out, and their accounts are evaluated again. An entry that a tighter one replaced is left where
//!   it is and ignored when it comes out.
//! - Derived: never encoded, rebuilt by evaluating everybody. What it skips is healthy (I10), so nothing that
//!   happens depends on what it holds.
//! - Here beyond the rule: funding comes in jumps, not evenly. H is reduced by one period's clamp before it is
//!   divided; a market without clamp has its members evaluated whenever it charges.

use super::health::{Assessment, assess};
use crate::state::State;
use crate::table::RowId;
use ballast_types::{AccountId, AssetId, MarketId, RateParams};
use ballast_units::{Amount, Millis, Price, Ratio, Time, Usd};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};

/// Which accounts a price or the clock makes worth a look.
#[derive(Clone, Debug, Default)]
pub struct RiskIndex {
    watches: Vec<Watch>,
    assets: Vec<Bounds>,
    markets: Vec<Bounds>,
    /// By minute.
    due: BTreeMap<u32, Vec<AccountId>>,
    /// Too close to the edge for a bound: evaluated every block.
    edge: Vec<AccountId>,
}

/// The bounds registered on one price.
#[derive(Clone, Debug, Default)]
struct Bounds {
    /// Comes out when the price's bucket is at or below the key.
    falling: BTreeMap<u32, Vec<AccountId>>,
    /// Comes out when the price's bucket is at or above the key.
    rising: BTreeMap<u32, Vec<AccountId>>,
    /// The bucket of the last look.
    last: Option<u32>,
}

/// What is registered for an account.
#[derive(Clone, Debug, Default)]
struct Watch {
    bounds: SmallVec<[Bound; 2]>,
    /// Minute; 0 for none.
    due: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bound {
    /// Bit 15 set: a market's risk price; else an asset's index.
    key: u16,
    low: u32,
    high: u32,
}

const MARKET: u16 = 1 << 15;
/// An evaluation holds at most this long, so that compounding stays out of the bound on interest.
const LONGEST: Millis = Millis::days(1);

/// A price an account depends on.
#[derive(Clone, Copy)]
enum Key {
    Asset(AssetId),
    Market(MarketId),
}

impl RiskIndex {
    /// An index in which every account is due.
    pub(crate) fn new(accounts: usize) -> Self {
        let edge = (0..accounts).map_while(AccountId::of).collect();
        Self { edge, ..Self::default() }
    }

    /// Accounts that prices or the clock make worth a look now. They are registered again by [`register`].
    pub(crate) fn take_fired(&mut self, prices: &Prices<'_>, fired: &mut Vec<AccountId>) {
        for (asset, record) in prices.assets.iter() {
            let Some(index) = record.index else { continue };
            let bounds = slot(&mut self.assets, asset.row());
            bounds.take(index.bucket(), asset.0, &mut self.watches, fired);
        }
        for (market, record) in prices.markets.iter() {
            let Some(risk) = record.prices.risk else { continue };
            let bounds = slot(&mut self.markets, market.row());
            bounds.take(risk.bucket(), market.0 | MARKET, &mut self.watches, fired);
        }
        let minute = minute(prices.now);
        while let Some(entry) = self.due.first_entry().filter(|entry| *entry.key() <= minute) {
            let (due, accounts) = entry.remove_entry();
            for account in accounts {
                if let Some(watch) = self.watches.get_mut(account.row()).filter(|watch| watch.due == due) {
                    watch.due = 0;
                    fired.push(account);
                }
            }
        }
        fired.append(&mut self.edge);
    }

    /// Has these evaluated in the next risk phase, whatever is registered for them.
    pub(crate) fn look_at(&mut self, accounts: impl IntoIterator<Item = AccountId>) {
        self.edge.extend(accounts);
    }

    /// Accounts that the next risk phase evaluates, whatever prices do.
    pub(crate) fn due_now(&self) -> BTreeSet<AccountId> {
        self.edge.iter().copied().collect()
    }

    /// Reads what is registered for these, so that it is in the cache afterwards: records, then what hangs at them.
    pub(crate) fn warm(&self, accounts: &[AccountId]) {
        let found = || accounts.iter().filter_map(|account| self.watches.get(account.row()));
        let records = found().fold(0, |seen, watch| seen ^ watch.due);
        let bounds = found().flat_map(|watch| &watch.bounds).fold(0, |seen, bound| seen ^ bound.low);
        std::hint::black_box(records ^ bounds);
    }

    /// Forgets what is registered for an account: it is locked, and liquidation looks after it (`liquidation::outlook`).
    pub(crate) fn forget(&mut self, account: AccountId) {
        if let Some(watch) = self.watches.get_mut(account.row()) {
            *watch = Watch::default();
        }
    }

    /// Makes room for a new account, so that no later block pays for thousands at once.
    pub(crate) fn admit(&mut self, account: AccountId) {
        self.watch(account);
    }

    fn watch(&mut self, account: AccountId) -> &mut Watch {
        slot(&mut self.watches, account.row())
    }

    fn bound(&mut self, account: AccountId, key: Key, price: Price, reach: Reach) {
        let (code, bounds) = match key {
            Key::Asset(id) => (id.0, slot(&mut self.assets, id.row())),
            Key::Market(id) => (id.0 | MARKET, slot(&mut self.markets, id.row())),
        };
        let watch = slot(&mut self.watches, account.row());
        let at = watch.bounds.iter().position(|bound| bound.key == code).unwrap_or_else(|| {
            watch.bounds.push(Bound { key: code, low: 0, high: u32::MAX });
            watch.bounds.len().saturating_sub(1)
        });
        let Some(bound) = watch.bounds.get_mut(at) else { return };
        // A registered bound that is at least as tight still holds: it comes out early, which costs a look.
        let low = reach.low(price, reach.full);
        if bound.low < low {
            bound.low = roundest(low, reach.low(price, reach.short));
            bounds.falling.entry(bound.low).or_default().push(account);
        }
        let high = reach.high(price, reach.full);
        if high < bound.high {
            bound.high = roundest(reach.high(price, reach.short), high);
            bounds.rising.entry(bound.high).or_default().push(account);
        }
    }
}

/// The number from `low` to `high` with the most trailing zeros: bounds that may lie anywhere in between share
/// few buckets, which keeps the map of buckets small and their ends in cache.
fn roundest(low: u32, high: u32) -> u32 {
    let below = low.saturating_sub(1);
    let differ = below ^ high;
    if differ == 0 {
        return high;
    }
    let top = 1_u32 << differ.ilog2();
    high & !top.wrapping_sub(1)
}

/// How far a price may move before an account is looked at again.
#[derive(Clone, Copy)]
struct Reach {
    /// ρ.
    full: Ratio,
    /// What is registered lies between the two: up to an eighth less, so that a slightly riskier account need
    /// not register again.
    short: Ratio,
}

impl Reach {
    fn low(self, price: Price, by: Ratio) -> u32 {
        price.mul_ratio_up(Ratio::ONE - by).map_or(u32::MAX, Price::bucket)
    }

    fn high(self, price: Price, by: Ratio) -> u32 {
        price.mul_ratio_down(Ratio::ONE + by).map_or(0, Price::bucket)
    }
}

/// What firing reads of the state; the index itself is borrowed apart from it.
pub(crate) struct Prices<'a> {
    pub(crate) assets: &'a crate::table::Table<AssetId, crate::oracle::Asset>,
    pub(crate) markets: &'a crate::table::Table<MarketId, crate::market::Market>,
    pub(crate) now: Time,
}

impl Bounds {
    fn take(&mut self, bucket: u32, code: u16, watches: &mut [Watch], fired: &mut Vec<AccountId>) {
        if self.last == Some(bucket) {
            // Only entries of this very bucket can have come in since; they come out as if it were entered.
            if let Some(accounts) = self.falling.remove(&bucket) {
                take_all(accounts, code, bucket, true, watches, fired);
            }
            if let Some(accounts) = self.rising.remove(&bucket) {
                take_all(accounts, code, bucket, false, watches, fired);
            }
            return;
        }
        self.last = Some(bucket);
        for (at, accounts) in self.falling.split_off(&bucket) {
            take_all(accounts, code, at, true, watches, fired);
        }
        let above = self.rising.split_off(&bucket.saturating_add(1));
        for (at, accounts) in std::mem::replace(&mut self.rising, above) {
            take_all(accounts, code, at, false, watches, fired);
        }
    }
}

fn take_all(
    accounts: Vec<AccountId>,
    code: u16,
    at: u32,
    falling: bool,
    watches: &mut [Watch],
    fired: &mut Vec<AccountId>,
) {
    for account in accounts {
        let Some(watch) = watches.get_mut(account.row()) else { continue };
        let Some(bound) = watch.bounds.iter_mut().find(|bound| bound.key == code) else { continue };
        if falling && bound.low == at {
            bound.low = 0;
            fired.push(account);
        } else if !falling && bound.high == at {
            bound.high = u32::MAX;
            fired.push(account);
        }
    }
}

/// How fast time alone can lower health, for all accounts of a block alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The highest rate that any debt can bear, a year.
    rate: Ratio,
    /// The shortest funding period.
    period: Millis,
}

impl Pace {
    /// Of the house as it is.
    pub(crate) fn of(state: &State) -> Self {
        let highest = |rate: &RateParams| rate.base.max(rate.at_kink).max(rate.at_full);
        let rate = state.chains.iter().map(|(_, chain)| highest(&chain.rate)).max();
        let period = state.markets.iter().map(|(_, market)| market.params.funding_period).min();
        let period = period.unwrap_or(Millis::hours(1)).max(Millis::seconds(1));
        Self { rate: rate.unwrap_or(Ratio::ZERO), period }
    }
}

/// Evaluates an account and registers it. Returns its assessment; one with health below zero is not registered.
pub(crate) fn register(state: &mut State, account: AccountId, pace: Pace) -> Assessment {
    let found = assess(state, account);
    if !found.health.is_negative() {
        hold(state, account, pace, &found, &[]);
    }
    found
}

/// Registers how far prices and the clock may go before an account that was found so is looked at again: its own prices,
/// and those of `others`.
pub(crate) fn hold(
    state: &mut State,
    account: AccountId,
    pace: Pace,
    found: &Assessment,
    others: &[AssetId],
) {
    if found.weight.is_zero() && found.debt.is_zero() {
        return; // Cash alone cannot fall.
    }
    let hundredth = Amount::from_wei(found.profit.wei().checked_div(100).unwrap_or(0));
    let slack = found.health.positive_part().saturating_sub(hundredth).saturating_sub(found.funding);
    let reach = reach(slack, found.weight);
    let Some(reach) = reach else {
        state.index.edge.push(account);
        return;
    };
    let State { accounts, assets, markets, index, house, .. } = state;
    let record = accounts.get(account);
    for holding in record.balances.holdings() {
        // What keepers stake is no collateral.
        if house.keepers.token == Some(holding.token) {
            continue;
        }
        if let Some(price) = assets.get(holding.token.asset).index {
            index.bound(account, Key::Asset(holding.token.asset), price, reach);
        }
    }
    for asset in others {
        if let Some(price) = assets.get(*asset).index {
            index.bound(account, Key::Asset(*asset), price, reach);
        }
    }
    for position in &record.positions {
        if let Some(price) = markets.get(position.market).prices.risk {
            index.bound(account, Key::Market(position.market), price, reach);
        }
    }
    let due = state.house.time.after(holds(pace, slack, found));
    let due = minute(due);
    let watch = state.index.watch(account);
    if watch.due == 0 || due < watch.due {
        watch.due = due;
        state.index.due.entry(due).or_default().push(account);
    }
}

/// ρ = min(1/2, H / 2W); `None` where it is below what a bucket resolves.
fn reach(slack: Amount, weight: Amount) -> Option<Reach> {
    if weight.is_zero() {
        return Some(Reach { full: Ratio::percent(50), short: Ratio::percent(50) });
    }
    if Usd::MAX.magnitude() <= weight {
        return None; // Saturated: how far health may fall is not known.
    }
    let full = slack.ratio_to_down(weight + weight).unwrap_or(Ratio::percent(50)).min(Ratio::percent(50));
    let short = full.mul_down(Ratio::bps(8_750)).ok()?;
    (Ratio::bps(1) < short).then_some(Reach { full, short })
}

/// H / 2R, at most a day: R is the interest of all debt at the highest rate and a period's funding an hour.
fn holds(pace: Pace, slack: Amount, found: &Assessment) -> Millis {
    let yearly = found.debt.mul_ratio_up(pace.rate).unwrap_or(Amount::LIMIT);
    let daily = yearly.per_time_up(Millis::days(1), Millis::days(365)).unwrap_or(Amount::LIMIT)
        + found.funding.per_time_up(Millis::days(1), pace.period).unwrap_or(Amount::LIMIT);
    if daily.is_zero() {
        return LONGEST;
    }
    let half = Amount::from_wei(slack.wei() >> 1);
    let day = u128::from(LONGEST.get());
    let held = ballast_units::math::mul_div_down(half.wei(), day, daily.wei()).unwrap_or(day).min(day);
    Millis::new(u64::try_from(held).unwrap_or(0))
}

fn minute(time: Time) -> u32 {
    u32::try_from(time.millis().checked_div(60_000).unwrap_or(0)).unwrap_or(u32::MAX).max(1)
}

fn slot<T: Default>(items: &mut Vec<T>, row: usize) -> &mut T {
    if items.len() <= row {
        items.resize_with(row.saturating_add(1), T::default);
    }
    items.get_mut(row).expect("resized above")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Story, from a walk of two million steps: a price at the end of its range, and what is for sale besides, weighed more than
    /// dollars count to. Such an account is looked at in every block.
    #[test]
    fn what_weighs_beyond_all_dollars_reaches_nowhere() {
        for weight in [Usd::MAX.magnitude(), Usd::MAX.magnitude() + Amount::whole(1), Amount::MAX] {
            assert!(reach(Amount::whole(1), weight).is_none());
        }
        assert!(reach(Amount::whole(1), Amount::whole(1)).is_some());
    }
}
