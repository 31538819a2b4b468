//! Those who trade for themselves: a steady flow that opens and closes positions, and trend followers, who
//! add to what has moved their way and leave when it turns.

use super::places::Places;
use crate::scenario;
use crate::seed::{Seed, Stream};
use ballast_engine::State;
use ballast_types::{AccountId, Command, MarketId, Side, Token, TradeAmount};
use ballast_units::{Amount, Millis, Price, Ratio, Time};

/// Share of worth times leverage that is opened: leaves the fee and a little.
pub(super) const OPENED: Ratio = Ratio::percent(97);

/// Below this, dollars, nobody opens a position.
const CASH_MIN: Amount = Amount::whole(20);

/// Of those who hold no position and act: share that takes out part of its cash.
const WITHDRAWING_BPS: u64 = 1_000;

/// A steady flow of trades.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    traders: Vec<(AccountId, Token)>,
    /// Acts a block, in millionths.
    rate: u64,
    owed: u64,
    taste: Taste,
    stream: Stream,
}

/// What a trader chooses.
#[derive(Clone, Debug)]
pub(super) struct Taste {
    pub(super) long: Ratio,
    pub(super) leverage: Vec<u32>,
    /// Markets, each with a weight.
    pub(super) markets: Vec<(MarketId, u64)>,
}

impl Taste {
    pub(super) fn side(&self, stream: &mut Stream) -> Side {
        if within(self.long, stream) { Side::Long } else { Side::Short }
    }

    pub(super) fn market(&self, stream: &mut Stream) -> MarketId {
        *weighted(&self.markets, stream)
    }

    /// Dollars of a position on this much worth.
    pub(super) fn quote(&self, worth: Amount, stream: &mut Stream) -> Amount {
        let leverage = Ratio::whole(i64::from(*stream.pick(&self.leverage)));
        let opened = leverage.mul_down(OPENED).and_then(|factor| worth.mul_ratio_down(factor));
        opened.expect("leverage and worth are bounded")
    }
}

impl Flow {
    /// `turnover` of `traders`, each with the token it withdraws, act in an hour.
    pub(super) fn new(
        traders: Vec<(AccountId, Token)>,
        turnover: Ratio,
        block_time: Millis,
        taste: Taste,
        seed: Seed,
    ) -> Self {
        let per_hour = turnover.wei().unsigned_abs() / 1_000_000_000_000 * traders.len() as u128;
        let rate = per_hour * u128::from(block_time.get()) / u128::from(Millis::hours(1).get());
        let rate = u64::try_from(rate).expect("a share of the accounts in each block");
        Self { traders, rate, owed: 0, taste, stream: seed.stream("flow") }
    }

    pub(super) fn act(&mut self, state: &State, out: &mut Vec<Command>) {
        self.owed += self.rate;
        while 1_000_000 <= self.owed && !self.traders.is_empty() {
            self.owed -= 1_000_000;
            let (account, token) = *self.stream.pick(&self.traders);
            out.extend(self.one(state, account, token));
        }
    }

    fn one(&mut self, state: &State, account: AccountId, token: Token) -> Option<Command> {
        let record = state.accounts.find(account).filter(|record| record.task.is_none())?;
        if let Some(position) = record.positions.first() {
            return Some(Command::ClosePosition { account, market: position.market, limit: None });
        }
        let cash = record.balances.cash();
        if cash < CASH_MIN {
            return None;
        }
        if self.stream.chance(WITHDRAWING_BPS) {
            let amount = cash.share_down(Amount::whole(1), Amount::whole(4)).ok()?;
            return Some(Command::RequestWithdrawal { account, token, amount });
        }
        let (market, side) = (self.taste.market(&mut self.stream), self.taste.side(&mut self.stream));
        let quote = self.taste.quote(cash, &mut self.stream);
        Some(open(account, market, side, quote))
    }
}

/// Trend followers.
#[derive(Clone, Debug)]
pub(super) struct Followers {
    accounts: Vec<AccountId>,
    terms: scenario::Followers,
    /// Blocks between two looks of one follower.
    every: usize,
    blocks: usize,
}

impl Followers {
    pub(super) fn new(accounts: Vec<AccountId>, terms: &scenario::Followers, block_time: Millis) -> Self {
        let every = usize::try_from(terms.every.get() / block_time.get()).unwrap_or(usize::MAX).max(1);
        Self { accounts, terms: terms.clone(), every, blocks: 0 }
    }

    /// Those whose turn it is look at the market that is theirs by number.
    pub(super) fn act(&mut self, state: &State, places: &Places, now: Time, out: &mut Vec<Command>) {
        let turn = self.blocks % self.every;
        self.blocks += 1;
        for (number, account) in self.accounts.iter().enumerate().skip(turn).step_by(self.every) {
            let market = places.markets[number % places.markets.len()].id;
            out.extend(self.one(state, places, now, *account, market));
        }
    }

    fn one(
        &self,
        state: &State,
        places: &Places,
        now: Time,
        account: AccountId,
        market: MarketId,
    ) -> Option<Command> {
        let record = state.accounts.find(account).filter(|record| record.task.is_none())?;
        let asset = places.market(market).asset;
        let price = places.price(asset, now);
        let before = Time::from_millis(now.millis().saturating_sub(self.terms.lookback.get()));
        let trend = price.premium_over(places.price(asset, before)).ok()?;
        let side = if trend.is_negative() { Side::Short } else { Side::Long };
        let strong = self.terms.threshold <= trend.abs();
        let Some(position) = record.position(market) else {
            let cash = record.balances.cash();
            return (strong && CASH_MIN <= cash).then(|| open(account, market, side, cash));
        };
        if position.size.is_long() != (side == Side::Long) {
            return strong.then_some(Command::ClosePosition { account, market, limit: None });
        }
        let cash = record.balances.cash();
        let limit = cash.mul_ratio_down(Ratio::whole(i64::from(self.terms.leverage_max) - 1)).ok()?;
        let small = held(position.size.magnitude(), price)? < limit;
        (strong && small && CASH_MIN <= cash).then(|| open(account, market, side, cash))
    }
}

fn held(size: Amount, price: Price) -> Option<Amount> {
    size.value_down(price).ok()
}

/// Opens a position of so many dollars, at any price.
pub(super) fn open(account: AccountId, market: MarketId, side: Side, quote: Amount) -> Command {
    let amount = TradeAmount::Quote(quote);
    Command::Trade { account, market, side, amount, limit: None, reduce_only: false }
}

/// True in a share of cases.
pub(super) fn within(share: Ratio, stream: &mut Stream) -> bool {
    u128::from(stream.below(1_000_000_000_000)) < share.wei().unsigned_abs() / 1_000_000
}

/// One of `items`, as likely as its weight. The weights must not all be zero.
pub(super) fn weighted<'a, T>(items: &'a [(T, u64)], stream: &mut Stream) -> &'a T {
    let mut rank = stream.below(items.iter().map(|(_, weight)| weight).sum());
    for (item, weight) in items {
        match rank.checked_sub(*weight) {
            Some(rest) => rank = rest,
            None => return item,
        }
    }
    unreachable!("a rank is below the sum of the weights")
}
