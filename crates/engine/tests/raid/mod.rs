//! A raid on the house: accounts of one attacker, what they brought and took away, and what everybody else lost.
//!
//! - The house has the default guards on a market of 50 M USD a side, and money in its tranches and its float. The
//!   market's budget is empty unless an attack fills it: what re-centring pays to the net position is not a leak, and
//!   would hide one.
//! - Time goes in blocks of 2 s. Nothing here asserts what the engine does.

#![allow(dead_code, reason = "each attack uses its part")]

pub(crate) mod random;

use crate::support::genesis::{self, guarded};
use crate::support::{House, whole};
use ballast_engine::{Outcome, auction, view};
use ballast_types::{
    AccountId, Event, Layer, LedgerAccount, LiquidationParams, LotId, Money, Reject, Scope, Side, Token,
    TradeAmount,
};
use ballast_units::{Amount, Millis, Price, Ratio, Usd};
use std::collections::BTreeMap;
use std::fmt;

/// Time between blocks.
pub(crate) const BLOCK: Millis = Millis::seconds(2);

/// Index of ETH when a raid begins.
pub(crate) const ETH: Price = Price::whole(2_000);

/// A house under attack.
#[derive(Clone, Debug)]
pub(crate) struct Raid {
    pub(crate) house: House,
    hands: Vec<&'static str>,
    brought: BTreeMap<Token, Amount>,
    /// What the attacker bought in auctions, less what it paid.
    bought: BTreeMap<Token, Amount>,
    paid: Amount,
    house_before: Usd,
    others_before: Usd,
}

/// What a raid came to.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Which one.
    pub(crate) variant: String,
    /// Equity of the attacker's accounts, nothing below zero, and what they withdrew, less what they brought.
    pub(crate) gain: Usd,
    /// The same with claims at face and open positions at the risk price.
    pub(crate) on_paper: Usd,
    /// Fall of all layers, and deficits. A deficit is suspended from lenders or winners, so that their part of it
    /// stands in `others_lost` too.
    pub(crate) house_lost: Usd,
    /// Fall of everybody else's equity, at index.
    pub(crate) others_lost: Usd,
    /// Somebody was liquidated.
    pub(crate) liquidated: bool,
}

impl Raid {
    /// A house with 10 M float, 1 M in the tranches of market and chain, 20 M lent.
    pub(crate) fn new() -> Self {
        Self::tweaked(|_| {})
    }

    /// The same with so much in the market's budget.
    pub(crate) fn with_budget(dollars: u64) -> Self {
        let mut raid = Self::new();
        let market = raid.house.market("ETH");
        raid.house
            .contribute("founder", Layer::Budget(market), whole(dollars))
            .expect("the founder has cash");
        raid.begin();
        raid
    }

    /// The same with so much more lent on Ethereum.
    pub(crate) fn lending(dollars: u64) -> Self {
        let mut raid = Self::new();
        raid.honest("lender", whole(dollars));
        raid.house.lend("lender", "ethereum", whole(dollars)).expect("the lender has cash");
        raid.begin();
        raid
    }

    /// The same with another genesis.
    pub(crate) fn tweaked(tweak: impl FnOnce(&mut ballast_types::Genesis)) -> Self {
        let mut field = guarded();
        field.liquidation = LiquidationParams::default();
        field.markets =
            vec![genesis::market("ETH", 25_000, 50_000_000), genesis::market("SOL", 250_000, 25_000_000)];
        tweak(&mut field);
        let mut house = House::of(field);
        house.deposit("founder", "ethereum", "USDC", whole(40_000_000));
        let market = house.market("ETH");
        let chain = house.chain("ethereum");
        for (layer, dollars) in [
            (Layer::Float, 10_000_000),
            (Layer::Tranche(Scope::Market(market)), 1_000_000),
            (Layer::Tranche(Scope::Chain(chain)), 1_000_000),
        ] {
            house.contribute("founder", layer, whole(dollars)).expect("the founder has cash");
        }
        house.lend("founder", "ethereum", whole(20_000_000)).expect("the founder has cash");
        // The TWAPs know the price.
        house.advance_in(Millis::minutes(30), 30);
        let mut raid = Self {
            house,
            hands: Vec::new(),
            brought: BTreeMap::new(),
            bought: BTreeMap::new(),
            paid: Amount::ZERO,
            house_before: Usd::ZERO,
            others_before: Usd::ZERO,
        };
        raid.begin();
        raid
    }

    /// From now on it counts.
    pub(crate) fn begin(&mut self) {
        self.house_before = self.house_worth();
        self.others_before = self.others_worth();
    }

    /// One of the attacker's accounts brings dollars.
    pub(crate) fn brings(&mut self, hand: &'static str, dollars: Amount) {
        self.brings_token(hand, "ethereum", "USDC", dollars);
    }

    /// One of the attacker's accounts brings tokens.
    pub(crate) fn brings_token(&mut self, hand: &'static str, chain: &str, asset: &str, amount: Amount) {
        self.is_hand(hand);
        self.house.deposit(hand, chain, asset, amount);
        *self.brought.entry(self.house.token(asset, chain)).or_insert(Amount::ZERO) += amount;
    }

    /// The account is the attacker's.
    pub(crate) fn is_hand(&mut self, hand: &'static str) {
        if !self.hands.contains(&hand) {
            self.hands.push(hand);
        }
    }

    /// An honest account has dollars.
    pub(crate) fn honest(&mut self, name: &str, dollars: Amount) {
        self.house.deposit(name, "ethereum", "USDC", dollars);
    }

    /// A block at this index of ETH.
    pub(crate) fn tick(&mut self, index: Price) -> Outcome {
        self.house.quote("ETH", index);
        self.house.advance(BLOCK)
    }

    /// So many blocks at the index of now.
    pub(crate) fn wait(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.house.advance(BLOCK);
        }
    }

    /// So many hours, in blocks of 10 minutes, at the index of now.
    pub(crate) fn wait_hours(&mut self, hours: u64) {
        self.house.advance_in(Millis::hours(hours), hours * 6);
    }

    /// Mark of ETH.
    pub(crate) fn mark(&self) -> Price {
        self.house.market_view("ETH").mark
    }

    /// Trades until mark stands at a price, or as near to it as the guards of this block allow.
    pub(crate) fn push(&mut self, hand: &str, to: Price) -> Result<Outcome, Reject> {
        let market = self.house.state().markets.get(self.house.market("ETH"));
        let index = self.house.market_view("ETH").index.expect("priced");
        let mark = self.mark();
        let (low, high) = market.window.extremes().expect("there is a mark");
        // One wei of room for the guards' rounding.
        let least = by_bps(high, -200).wei() + 2;
        let most = by_bps(low, 200).wei() - 2;
        let (band_low, band_high) = (by_bps(index, -250).wei() + 2, by_bps(index, 250).wei() - 2);
        let mut to = to.wei().clamp(least.min(mark.wei()), most.max(mark.wei()));
        if to < mark.wei() {
            to = to.max(band_low.min(mark.wei()));
        } else {
            to = to.min(band_high.max(mark.wei()));
        }
        let size = market.curve.base_to(Price::from_wei(to).expect("in range")).expect("in range");
        let side = if size.is_long() { Side::Long } else { Side::Short };
        self.house.trade(hand, "ETH", side, TradeAmount::Base(size.magnitude()))
    }

    /// As much of a trade of so many dollars as is accepted, down to a hundredth.
    pub(crate) fn most(&mut self, hand: &str, side: Side, dollars: Amount) -> Amount {
        for share in [100_u128, 95, 90, 80, 70, 60, 50, 40, 30, 20, 10, 5, 2, 1] {
            let quote = Amount::from_wei(dollars.wei() / 100 * share);
            if self.house.trade(hand, "ETH", side, TradeAmount::Quote(quote)).is_ok() {
                return quote;
            }
        }
        Amount::ZERO
    }

    /// Takes out as much cash as is allowed, down to a hundredth.
    pub(crate) fn cash_out(&mut self, hand: &str) {
        let cash = self.house.view(hand).cash;
        for share in [100_u128, 90, 80, 70, 60, 50, 40, 30, 20, 10, 5, 2, 1] {
            let amount = Amount::from_wei(cash.wei() / 100 * share / 1_000_000_000_000 * 1_000_000_000_000);
            if !amount.is_zero() && self.house.withdraw(hand, "ethereum", "USDC", amount).is_ok() {
                return;
            }
        }
    }

    /// The attacker takes up to so much of a lot at the price of now.
    pub(crate) fn buys(&mut self, lot: LotId, wanted: Amount) -> bool {
        let Some(out) = self.house.take(lot, wanted) else { return false };
        for event in &out.events {
            if let Event::LotTaken { lot: of, quantity, paid, .. } = event
                && *of == lot
            {
                let token = self.token_of(lot);
                *self.bought.entry(token).or_insert(Amount::ZERO) += *quantity;
                self.paid += *paid;
            }
        }
        true
    }

    /// Honest bidders take what is offered at or below a share of index, up to so many dollars in all.
    pub(crate) fn bid(&mut self, discount: Ratio, dollars: Amount) {
        let mut left = dollars;
        for (lot, offer) in self.house.offers() {
            let token = self.token_of(lot);
            let index = self.house.state().assets.get(token.asset).index.expect("priced");
            let price = auction::price(&offer.auction, self.house.now());
            if price <= index.mul_ratio_down(discount).expect("in range") && !left.is_zero() {
                let quantity = left.at_price_down(price).expect("in range").min(offer.left);
                if self.house.take(lot, quantity).is_some() {
                    left = left.saturating_sub(quantity.value_up(price).expect("in range"));
                }
            }
        }
    }

    /// Honest bidders come back and buy, at 97 % of index, so many dollars in 10 s, until nothing is left to sell.
    pub(crate) fn sells_out(&mut self, dollars: Amount) {
        for _ in 0..5_000 {
            if self.house.state().lots.iter().next().is_none() {
                return;
            }
            let span = if self.house.offers().is_empty() { Millis::minutes(10) } else { Millis::seconds(10) };
            self.house.advance(span);
            self.bid(Ratio::percent(97), dollars);
        }
    }

    fn token_of(&self, lot: LotId) -> Token {
        let offered = |event: &&Event| matches!(event, Event::LotQueued { lot: of, .. } if *of == lot);
        match self.house.history.iter().find(offered) {
            Some(Event::LotQueued { token, .. }) => *token,
            _ => panic!("lot {lot} was never queued"),
        }
    }

    /// The attacker closes what it can close, and waits for its claims.
    pub(crate) fn wind_down(&mut self) {
        for _ in 0..30 {
            let mut open = false;
            for hand in self.hands.clone() {
                for position in self.house.view(hand).positions {
                    open = true;
                    if self.house.close(hand, "ETH").is_err() {
                        let side = if position.size.is_long() { Side::Short } else { Side::Long };
                        let value = position.size.magnitude().value_down(self.mark()).expect("in range");
                        self.most(hand, side, value);
                    }
                }
            }
            if !open {
                break;
            }
            self.wait(40);
        }
        self.wait_hours(4);
        for hand in self.hands.clone() {
            self.cash_out(hand);
        }
        self.wait(2);
    }

    /// The tally, by [`worth`].
    pub(crate) fn figures(&mut self, variant: String) -> Figures {
        let brought: Usd =
            self.brought.clone().into_iter().map(|(token, amount)| self.value(token, amount)).sum();
        let bought: Usd =
            self.bought.clone().into_iter().map(|(token, amount)| self.value(token, amount)).sum();
        let withdrawn = self.withdrawn() + bought - self.paid.dollars();
        let (mut equity, mut on_paper) = (Usd::ZERO, Usd::ZERO);
        for hand in self.hands.clone() {
            let account = self.house.account(hand);
            let view = self.house.view(hand);
            let lent: Usd = view.lent.iter().map(|lent| lent.worth.dollars()).sum();
            equity += worth(&self.house, account).positive_part().dollars();
            on_paper += view.equity.positive_part().dollars() + lent;
        }
        Figures {
            variant,
            gain: equity + withdrawn - brought,
            on_paper: on_paper + withdrawn - brought,
            house_lost: self.house_before - self.house_worth(),
            others_lost: self.others_before - self.others_worth(),
            liquidated: self.house.history.iter().any(|event| matches!(event, Event::AccountLocked { .. })),
        }
    }

    fn withdrawn(&mut self) -> Usd {
        let hands: Vec<AccountId> =
            self.hands.clone().into_iter().map(|hand| self.house.account(hand)).collect();
        let history = self.house.history.clone();
        history
            .iter()
            .map(|event| match event {
                Event::ReleaseOrdered { account, token, amount, .. } if hands.contains(account) => {
                    self.value(*token, *amount)
                }
                _ => Usd::ZERO,
            })
            .sum()
    }

    fn value(&self, token: Token, amount: Amount) -> Usd {
        let index = self.house.state().assets.get(token.asset).index.expect("priced");
        amount.value_down(index).expect("in range").dollars()
    }

    /// Every layer and what the house's own accounts are worth, less deficits.
    fn house_worth(&self) -> Usd {
        let state = self.house.state();
        let mut total = Usd::ZERO;
        for (account, money, amount) in view::ledger(state) {
            total += match (account, money) {
                (
                    LedgerAccount::Float
                    | LedgerAccount::Treasury
                    | LedgerAccount::Tranche(_)
                    | LedgerAccount::Budget(_)
                    | LedgerAccount::Fees(_)
                    | LedgerAccount::Cold(_),
                    Money::Usd,
                ) => amount.dollars(),
                (LedgerAccount::Warehouse(token), Money::Token(_)) => self.value(token, amount),
                _ => Usd::ZERO,
            };
        }
        for (_, market) in state.markets.iter() {
            total += worth(&self.house, market.backstop);
        }
        let deficits: Amount = view::waterfall(state).deficits.iter().map(|deficit| deficit.left).sum();
        total - deficits.dollars()
    }

    /// Equity and lender shares of everybody but the attacker and the house.
    fn others_worth(&mut self) -> Usd {
        let hands: Vec<AccountId> =
            self.hands.clone().into_iter().map(|hand| self.house.account(hand)).collect();
        let state = self.house.state();
        let houses = state.markets.len();
        let others = state.accounts.ids().filter(|id| houses <= id.0 as usize && !hands.contains(id));
        let others: Vec<AccountId> = others.collect();
        others.into_iter().map(|id| worth(&self.house, id)).sum()
    }
}

/// What an account would have, were everybody to leave at once: positions at the average price of closing the net
/// position of all on the curve, claims as far as they are backed.
fn worth(house: &House, account: AccountId) -> Usd {
    let state = house.state();
    let view = view::account(state, account).expect("it is open");
    let mut total = view.cash.dollars();
    for held in &view.collateral {
        let index = state.assets.get(held.token.asset).index.expect("priced");
        total += held.amount.value_down(index).expect("in range").dollars();
    }
    for loan in &view.loans {
        total -= (loan.principal + loan.interest).dollars();
    }
    for lent in &view.lent {
        total += lent.worth.dollars();
    }
    for claim in &view.claims {
        let backing = state.markets.get(claim.market).backing;
        total += claim.claim.mul_ratio_down(backing).expect("in range").dollars() - claim.debt.dollars();
    }
    for held in &view.positions {
        let market = state.markets.get(held.market);
        let net = market.books.net;
        let price = if net.is_zero() {
            market.prices.last_mark.expect("there is a mark")
        } else {
            let closed = market.curve.closing_value_down(net).expect("in range").magnitude();
            closed.price_of(net.magnitude()).expect("in range")
        };
        total += held.size.value_down(price).expect("in range") - held.cost - held.funding;
    }
    total
}

/// `price` times `1 + bps / 10,000`.
pub(crate) fn by_bps(price: Price, bps: i64) -> Price {
    price.mul_ratio_down(Ratio::ONE + Ratio::bps(bps)).expect("in range")
}

/// Prints what a search found, and holds every raid to both bounds: what the attacker gains, what the house loses.
pub(crate) fn bounded(name: &str, raids: &[Figures], gain: Usd, house_lost: Usd) {
    let best = raids.iter().max_by_key(|raid| raid.gain).expect("a search has raids");
    let dearest = raids.iter().max_by_key(|raid| raid.house_lost).expect("a search has raids");
    let liquidated = raids.iter().filter(|raid| raid.liquidated).count();
    println!("{name}: {} raids, {liquidated} with a liquidation\n  best    {best}", raids.len());
    if best.variant != dearest.variant {
        println!("  dearest {dearest}");
    }
    assert!(best.gain <= gain, "{name}: the attacker gains more than {gain}: {best}");
    assert!(dearest.house_lost <= house_lost, "{name}: the house loses more than {house_lost}: {dearest}");
}

/// Whole dollars, rounded down.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dollars = |usd: Usd| usd.wei().div_euclid(1_000_000_000_000_000_000);
        write!(
            f,
            "gain {}, on paper {}, house lost {}, others lost {}: {}",
            dollars(self.gain),
            dollars(self.on_paper),
            dollars(self.house_lost),
            dollars(self.others_lost),
            self.variant
        )
    }
}
