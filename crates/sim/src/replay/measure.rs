//! What a replay did: totals, and series for the charts. Everything is read from what the engine said, and
//! from receipts of the chains; nothing here acts.

use super::claims::Claims;
use super::drill::Drills;
use super::places::Places;
use crate::calendar::date_time;
use crate::liquidated::Liquidated;
use ballast_engine::{BlockPart, Outcome, State, auction};
use ballast_keeper::Sale;
use ballast_spoke::{Spoke, TxId};
use ballast_types::{
    AccountId, AnomalyKind, AssetId, ChainId, Event, Hash, LotId, MarketId, Reject, TaskId, Token,
};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Time between two points of a series.
const EVERY: Millis = Millis::minutes(1);

const HOUR: Millis = Millis::hours(1);

/// Auctions whose whole price path is kept.
const PATHS: usize = 7;

/// Series for charts.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// By market.
    pub markets: Vec<MarketSeries>,
    /// One a minute.
    pub house: Vec<HousePoint>,
    /// What the probe saw.
    pub slips: Vec<Slip>,
    /// Parts of lots that were sold.
    pub takes: Vec<TakePoint>,
    /// First orders of tasks: when they were included, and how long after the price that opened the task.
    pub responses: Vec<(Time, Millis)>,
    /// The first large auctions, whole.
    pub auctions: Vec<AuctionPath>,
}

/// One market through time.
#[derive(Clone, Debug)]
pub struct MarketSeries {
    /// Its asset.
    pub symbol: String,
    /// One a minute.
    pub points: Vec<MarketPoint>,
}

/// A market at a moment.
#[derive(Clone, Copy, Debug)]
pub struct MarketPoint {
    /// When.
    pub time: Time,
    /// The oracle's price.
    pub index: Price,
    /// The curve's.
    pub mark: Price,
    /// What decides health.
    pub risk: Price,
    /// Open longs, base.
    pub long: Amount,
    /// Open shorts, base.
    pub short: Amount,
    /// Claims that are not paid, dollars.
    pub claims: Amount,
}

/// The house at a moment, and what happened in the minute before.
#[derive(Clone, Copy, Debug)]
pub struct HousePoint {
    /// When.
    pub time: Time,
    /// Reserve in the vaults.
    pub float: Amount,
    /// Tranches of all markets and chains.
    pub tranches: Amount,
    /// Deficits of all markets and chains.
    pub deficit: Amount,
    /// Accounts locked in this minute.
    pub locked: u64,
    /// Accounts whose positions were closed by slices, backstop or deleveraging in this minute, each time.
    pub positions: u64,
    /// Lots under auction.
    pub lots: u64,
    /// What the waterfall took since the start.
    pub waterfall: Waterfall,
}

/// What a probing trade would slip.
#[derive(Clone, Copy, Debug)]
pub struct Slip {
    /// When.
    pub time: Time,
    /// Where.
    pub market: MarketId,
    /// On the market's own curve; none where it cannot take the trade.
    pub formula: Option<Ratio>,
    /// On a curve with the k of the start.
    pub fixed: Option<Ratio>,
}

/// A sale of part of a lot.
#[derive(Clone, Copy, Debug)]
pub struct TakePoint {
    /// Time since the auction opened.
    pub after: Millis,
    /// Price over index of that moment.
    pub price: Ratio,
    /// Dollars paid.
    pub paid: Amount,
    /// Where, by which transaction.
    pub key: (ChainId, TxId),
}

/// The price of an auction from start to end.
#[derive(Clone, Debug)]
pub struct AuctionPath {
    /// Which lot.
    pub lot: LotId,
    /// Its asset's symbol and chain's name.
    pub what: String,
    /// Dollars at index when it opened.
    pub value: Amount,
    /// Time since it opened, and price over index at the opening, at each step.
    pub steps: Vec<(Millis, Ratio)>,
    /// Where parts were sold, on the same scales.
    pub takes: Vec<(Millis, Ratio)>,
    chain: ChainId,
    index: Price,
    opened: Time,
}

/// What the layers of the waterfall took, dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Waterfall {
    /// Tranches of markets and chains.
    pub tranche: Amount,
    /// The float.
    pub float: Amount,
    /// The house's cover policy.
    pub cover: Amount,
    /// Nobody: suspended pro rata.
    pub deficit: Amount,
    /// Notional of positions that were closed against profitable ones. No layer: how they were closed.
    pub deleveraged: Amount,
}

/// A replay in figures. Dollars are decimal strings.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The scenario's name.
    pub scenario: String,
    /// What its genesis is listed with a warning for (R16).
    pub warnings: Vec<String>,
    /// Its seed.
    pub seed: u64,
    /// Accounts of people.
    pub accounts: u32,
    /// First moment, unix milliseconds.
    pub from: Time,
    /// The moment after the last.
    pub to: Time,
    /// Blocks applied, those of the warm-up included.
    pub blocks: u64,
    /// Commands, observations and prices applied.
    pub inputs: u64,
    /// After the last block.
    pub state_hash: Hash,
    /// Wall-clock time that it took, in the engine and outside.
    pub seconds: f64,
    /// Accounts liquidated, each counted once.
    pub liquidated: u64,
    /// Liquidations: an account may have several.
    pub tasks: u64,
    /// Of these, not finished at the end.
    pub tasks_open: u64,
    /// Debt repaid by liquidations: loans, interest, settlement debts.
    pub debt_liquidated: Amount,
    /// Notional of positions closed by liquidation.
    pub notional_liquidated: Amount,
    /// Losses that walked down the waterfall.
    pub bad_debt: Amount,
    /// Who took them.
    pub waterfall: Waterfall,
    /// Deficits that later recoveries repaid.
    pub deficit_repaid: Amount,
    /// Debt liquidated by the hour of detection.
    pub hours: Vec<HourRow>,
    /// Slippage of the probing trade.
    pub slippage: Vec<SlippageRow>,
    /// Furthest that mark was from index, at the full minutes, by market.
    pub distance: BTreeMap<String, Ratio>,
    /// Sales of collateral.
    pub auctions: AuctionTotals,
    /// What was refused, by code and name.
    pub rejects: BTreeMap<String, u64>,
    /// Facts of chains that the engine refused: each is a fault of the house.
    pub refused_facts: Vec<RefusedFacts>,
    /// Chains of which nothing became final in the last hour of the replay: a fault of the house too.
    pub standing_still: Vec<String>,
    /// Facts that the books did not expect, by chain and kind.
    pub anomalies: BTreeMap<String, u64>,
    /// What the house claims, measured.
    pub claims: Claims,
    /// What drills did, where the scenario has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drills: Option<Drills>,
}

/// Facts of a chain that were refused for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedFacts {
    /// The chain's name.
    pub chain: String,
    /// Code and name of the reason.
    pub reason: String,
    /// How many there were.
    pub count: u64,
    /// When the first was refused.
    pub first: Time,
}

impl Summary {
    /// What makes the replay a failure whatever its figures say, a sentence each: nothing where the house worked.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let refused = self.refused_facts.iter().map(|facts| {
            let RefusedFacts { chain, reason, count, first } = facts;
            format!("{count} facts of {chain} were refused with {reason}, the first at {}", date_time(*first))
        });
        let still = self.standing_still.iter();
        let still = still.map(|chain| format!("{chain} stands still: nothing became final in the last hour"));
        refused.chain(still).collect()
    }
}

/// One hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HourRow {
    /// Its start.
    pub hour: Time,
    /// Liquidations that began.
    pub tasks: u64,
    /// Debt that they repaid.
    pub debt: Amount,
    /// Share of all debt repaid by liquidations.
    pub share: Ratio,
    /// What Aave v2 liquidated in that hour, dollars, where a file tells.
    pub aave: Option<Amount>,
    /// Its share of all that Aave liquidated in the time of the replay.
    pub aave_share: Option<Ratio>,
}

/// What a probing trade slipped in one market.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlippageRow {
    /// Its asset.
    pub market: String,
    /// Mean on the market's own curve.
    pub formula_mean: Ratio,
    /// Worst on it.
    pub formula_worst: Ratio,
    /// Mean on a curve with the k of the start.
    pub fixed_mean: Ratio,
    /// Worst on that.
    pub fixed_worst: Ratio,
}

/// Sales of collateral.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuctionTotals {
    /// Lots offered.
    pub lots: u64,
    /// Rounds of all of them.
    pub rounds: u64,
    /// Dollars at index when first offered.
    pub value: Amount,
    /// Dollars that takers paid.
    pub paid: Amount,
    /// Dollars at index of what takers got, at that moment.
    pub sold: Amount,
    /// `paid / sold`.
    pub price_mean: Ratio,
    /// Median over takes of price over index.
    pub price_median: Ratio,
    /// Lowest.
    pub price_worst: Ratio,
    /// Mean time from the opening of a round to a take in it.
    pub take_after_ms: Millis,
    /// Dollars that the reserve paid for what nobody wanted.
    pub reserve_paid: Amount,
    /// Lots that not even the reserve could take at once.
    pub warehoused: u64,
}

/// Keeps count.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    pub(super) figures: Figures,
    from: Time,
    next: Time,
    blocks: u64,
    inputs: u64,
    accounts: BTreeSet<AccountId>,
    tasks: BTreeMap<TaskId, (Time, Amount)>,
    closed: u64,
    bad_debt: Amount,
    notional: Amount,
    waterfall: Waterfall,
    deficit_repaid: Amount,
    /// Of the minute.
    locked: u64,
    positions: u64,
    lots: BTreeMap<LotId, LotTrack>,
    totals: AuctionTotals,
    rejects: BTreeMap<String, u64>,
    /// By chain and code: name of the reason, how many, the first.
    refused: BTreeMap<(ChainId, &'static str), (&'static str, u64, Time)>,
    anomalies: BTreeMap<(ChainId, AnomalyKind), u64>,
    state_hash: Hash,
}

/// A lot while it is under auction.
#[derive(Clone, Copy, Debug)]
struct LotTrack {
    asset: AssetId,
    opened: Time,
    offered: bool,
}

/// The chain whose fact was refused.
fn chain_of(reject: &Reject) -> ChainId {
    match *reject {
        Reject::SequenceGap { chain, .. }
        | Reject::SequenceSeen { chain, .. }
        | Reject::SequenceUnknown { chain, .. }
        | Reject::SequenceFinal { chain, .. }
        | Reject::UnknownChain { chain } => chain,
        _ => ChainId(u16::MAX),
    }
}

/// Chains of which nothing became final for an hour.
fn standing_still(state: &State, places: &Places) -> Vec<String> {
    let still = state.chains.iter().filter(|(_, chain)| HOUR < state.now().since(chain.final_time));
    still.map(|(chain, _)| places.chain_name(chain)).collect()
}

impl Measure {
    pub(super) fn new(places: &Places, from: Time) -> Self {
        let series = |symbol: &String| MarketSeries { symbol: symbol.clone(), points: Vec::new() };
        let markets = places.markets.iter().map(|market| series(&market.symbol)).collect();
        Self {
            figures: Figures { markets, ..Figures::default() },
            from,
            next: from,
            blocks: 0,
            inputs: 0,
            accounts: BTreeSet::new(),
            tasks: BTreeMap::new(),
            closed: 0,
            bad_debt: Amount::ZERO,
            notional: Amount::ZERO,
            waterfall: Waterfall::default(),
            deficit_repaid: Amount::ZERO,
            locked: 0,
            positions: 0,
            lots: BTreeMap::new(),
            totals: AuctionTotals::default(),
            rejects: BTreeMap::new(),
            refused: BTreeMap::new(),
            anomalies: BTreeMap::new(),
            state_hash: Hash::default(),
        }
    }

    /// Takes note of a block.
    pub(super) fn block(&mut self, inputs: usize, outcome: &Outcome, places: &Places, now: Time) {
        self.blocks += 1;
        self.inputs += inputs as u64;
        self.state_hash = outcome.state_hash;
        for refused in &outcome.rejects {
            let info = refused.reject.info();
            *self.rejects.entry(format!("{} {}", info.code, info.name)).or_default() += 1;
            if refused.part == BlockPart::Observation {
                let key = (chain_of(&refused.reject), info.code);
                self.refused.entry(key).or_insert((info.name, 0, now)).1 += 1;
            }
        }
        for event in &outcome.events {
            self.event(event, places, now);
        }
    }

    fn event(&mut self, event: &Event, places: &Places, now: Time) {
        match event {
            Event::AnomalyFound { chain, anomaly, .. } => {
                *self.anomalies.entry((*chain, anomaly.kind())).or_default() += 1;
            }
            Event::AccountLocked { account, task, .. } => {
                self.accounts.insert(*account);
                self.tasks.insert(*task, (now, Amount::ZERO));
                self.locked += 1;
            }
            Event::TaskClosed { task, principal, interest, settlement, .. } => {
                self.closed += 1;
                if let Some((_, debt)) = self.tasks.get_mut(task) {
                    *debt = *principal + *interest + *settlement;
                }
            }
            Event::PositionLiquidated(fill) => {
                self.positions += 1;
                self.notional += fill.quote.magnitude();
            }
            Event::PositionTakenOver { size, price, .. } => {
                self.positions += 1;
                self.notional += size.magnitude().value_down(*price).unwrap_or(Amount::ZERO);
            }
            Event::PositionDeleveraged { size, price, .. } => {
                self.positions += 1;
                let notional = size.magnitude().value_down(*price).unwrap_or(Amount::ZERO);
                self.notional += notional;
                self.waterfall.deleveraged += notional;
            }
            Event::LossAbsorbed { amount, tranche, float, cover, deficit, .. } => {
                self.bad_debt += *amount;
                self.waterfall.tranche += *tranche;
                self.waterfall.float += *float;
                self.waterfall.cover += *cover;
                self.waterfall.deficit += *deficit;
            }
            Event::DeficitRepaid { amount, .. } => self.deficit_repaid += *amount,
            Event::LotOffered { lot, token, quantity, .. } => {
                let index = places.price(token.asset, now);
                let value = quantity.value_down(index).unwrap_or(Amount::ZERO);
                self.totals.rounds += 1;
                if self
                    .lots
                    .insert(*lot, LotTrack { asset: token.asset, opened: now, offered: true })
                    .is_none()
                {
                    self.totals.lots += 1;
                    self.totals.value += value;
                }
                self.follow(*lot, value, index, places, token, now);
            }
            Event::LotExpired { lot, .. } => self.unoffer(*lot),
            Event::LotTaken { lot, left, .. } if left.is_zero() => self.unoffer(*lot),
            Event::LotReturned { lot, .. } => self.unoffer(*lot),
            Event::LotBoughtByReserve { lot, paid, .. } => {
                self.totals.reserve_paid += *paid;
                self.unoffer(*lot);
            }
            Event::LotWarehoused { .. } => self.totals.warehoused += 1,
            _ => {}
        }
    }

    /// Keeps the path of an auction that is larger than the smallest of those kept.
    fn follow(&mut self, lot: LotId, value: Amount, index: Price, places: &Places, token: &Token, now: Time) {
        let kept = &mut self.figures.auctions;
        if kept.iter().any(|path| path.lot == lot) {
            return;
        }
        if PATHS <= kept.len() {
            let smallest = (0..kept.len()).min_by_key(|at| (kept[*at].value, *at)).expect("paths are kept");
            if value <= kept[smallest].value {
                return;
            }
            kept.remove(smallest);
        }
        let symbol = &places.assets[usize::from(token.asset.0)].symbol;
        let what = format!("{symbol} on {}", places.chain(token.chain).name);
        let (steps, takes) = (Vec::new(), Vec::new());
        kept.push(AuctionPath { lot, what, value, steps, takes, chain: token.chain, index, opened: now });
    }

    fn unoffer(&mut self, lot: LotId) {
        if let Some(track) = self.lots.get_mut(&lot) {
            track.offered = false;
        }
    }

    /// Takes note of the prices of the auctions that are followed, at the chains' heads.
    pub(super) fn priced<S: Spoke>(&mut self, chains: &[S], now: Time) {
        for path in &mut self.figures.auctions {
            let offer = chains[usize::from(path.chain.0)].offer(path.lot).ok().flatten();
            let price = offer.map(|offer| auction::price(&offer.auction, now));
            let Some(Ok(share)) = price.map(|price| price.ratio_to_down(path.index)) else { continue };
            if path.steps.last().is_none_or(|(_, last)| *last != share) {
                let after = now.since(path.opened);
                // A step, not a slope: the last price held until now.
                if let Some((_, last)) = path.steps.last().copied() {
                    path.steps.push((after, last));
                }
                path.steps.push((after, share));
            }
        }
    }

    /// Takes note of what bidders bought, and of what a reorg took from them again.
    pub(super) fn sold(&mut self, sales: &[Sale], undone: &[(ChainId, TxId)], places: &Places) {
        if !undone.is_empty() {
            self.figures.takes.retain(|take| !undone.contains(&take.key));
        }
        for sale in sales {
            let Some(track) = self.lots.get(&sale.lot) else { continue };
            let index = places.price(track.asset, sale.time);
            let worth = sale.quantity.value_down(index).unwrap_or(Amount::ZERO);
            let Ok(price) = sale.paid.ratio_to_down(worth) else { continue };
            self.totals.paid += sale.paid;
            self.totals.sold += worth;
            let after = sale.time.since(track.opened);
            self.figures.takes.push(TakePoint { after, price, paid: sale.paid, key: sale.key });
            if let Some(path) = self.figures.auctions.iter_mut().find(|path| path.lot == sale.lot)
                && let Ok(price) = sale.paid.price_of(sale.quantity)
                && let Ok(share) = price.ratio_to_down(path.index)
            {
                path.takes.push((sale.time.since(path.opened), share));
            }
        }
    }

    /// Takes a point of every series, once a minute from the first moment on.
    pub(super) fn sample(&mut self, state: &State, places: &Places, now: Time) {
        if now < self.next {
            return;
        }
        self.next = now.after(EVERY);
        for (place, series) in places.markets.iter().zip(&mut self.figures.markets) {
            let market = state.markets.get(place.id);
            let index = places.price(place.asset, now);
            series.points.push(MarketPoint {
                time: now,
                index,
                mark: market.curve.mark().unwrap_or(index),
                risk: market.prices.risk.unwrap_or(index),
                long: market.books.long,
                short: market.books.short,
                claims: market.claims.unpaid(),
            });
        }
        let markets = state.markets.iter().map(|(_, market)| (market.money.tranche(), market.deficit));
        let chains = state.chains.iter().map(|(_, chain)| (chain.money.tranche(), chain.pool.deficit));
        let (tranches, deficits): (Vec<Amount>, Vec<Amount>) = markets.chain(chains).unzip();
        self.figures.house.push(HousePoint {
            time: now,
            float: state.house.money.float(),
            tranches: tranches.iter().sum(),
            deficit: deficits.iter().sum(),
            locked: std::mem::take(&mut self.locked),
            positions: std::mem::take(&mut self.positions),
            lots: self.lots.values().filter(|track| track.offered).count() as u64,
            waterfall: self.waterfall,
        });
    }

    /// The totals.
    pub(super) fn summary(
        &self,
        state: &State,
        places: &Places,
        to: Time,
        aave: Option<&Liquidated>,
    ) -> Summary {
        let debt: Amount = self.tasks.values().map(|(_, debt)| *debt).sum();
        Summary {
            scenario: String::new(),
            warnings: Vec::new(),
            seed: 0,
            accounts: 0,
            from: self.from,
            to,
            blocks: self.blocks,
            inputs: self.inputs,
            state_hash: self.state_hash,
            seconds: 0.0,
            liquidated: self.accounts.len() as u64,
            tasks: self.tasks.len() as u64,
            tasks_open: self.tasks.len() as u64 - self.closed.min(self.tasks.len() as u64),
            debt_liquidated: debt,
            notional_liquidated: self.notional,
            bad_debt: self.bad_debt,
            waterfall: self.waterfall,
            deficit_repaid: self.deficit_repaid,
            hours: self.hours(to, debt, aave),
            slippage: self.slippage(places),
            distance: self.figures.markets.iter().map(MarketSeries::distance).collect(),
            auctions: self.auctions(),
            rejects: self.rejects.clone(),
            refused_facts: self.refused_facts(places),
            standing_still: standing_still(state, places),
            anomalies: self.anomalies(places),
            claims: Claims::default(),
            drills: None,
        }
    }

    fn refused_facts(&self, places: &Places) -> Vec<RefusedFacts> {
        let facts = self.refused.iter();
        let facts = facts.map(|((chain, code), (name, count, first))| RefusedFacts {
            chain: places.chain_name(*chain),
            reason: format!("{code} {name}"),
            count: *count,
            first: *first,
        });
        facts.collect()
    }

    fn anomalies(&self, places: &Places) -> BTreeMap<String, u64> {
        let named = |((chain, kind), count): (&(ChainId, AnomalyKind), &u64)| {
            (format!("{} {}", places.chain_name(*chain), kind.name()), *count)
        };
        self.anomalies.iter().map(named).collect()
    }

    fn hours(&self, to: Time, total: Amount, aave: Option<&Liquidated>) -> Vec<HourRow> {
        let aave_total = aave.map(|aave| aave.between(self.from, to));
        let mut rows = Vec::new();
        let mut hour = self.from;
        while hour < to {
            let end = hour.after(HOUR).min(to);
            let here = self.tasks.values().filter(|(opened, _)| {
                let opened = (*opened).max(self.from);
                hour <= opened && opened < end
            });
            let (tasks, debt) = here.fold((0, Amount::ZERO), |(n, sum), (_, debt)| (n + 1, sum + *debt));
            let aave = aave.map(|aave| aave.between(hour, end));
            let share = |part: Amount, of: Amount| part.ratio_to_down(of).unwrap_or(Ratio::ZERO);
            rows.push(HourRow {
                hour,
                tasks,
                debt,
                share: share(debt, total),
                aave,
                aave_share: aave.zip(aave_total).map(|(part, of)| share(part, of)),
            });
            hour = end;
        }
        rows
    }

    fn slippage(&self, places: &Places) -> Vec<SlippageRow> {
        let row = |place: &super::places::MarketPlace| {
            let here = self.figures.slips.iter().filter(|slip| slip.market == place.id);
            let (formula, fixed): (Vec<_>, Vec<_>) = here.map(|slip| (slip.formula, slip.fixed)).unzip();
            let [formula, fixed] =
                [formula, fixed].map(|slips| slips.into_iter().flatten().collect::<Vec<_>>());
            let worst = |slips: &[Ratio]| slips.iter().copied().max().unwrap_or(Ratio::ZERO);
            SlippageRow {
                market: place.symbol.clone(),
                formula_mean: mean(&formula),
                formula_worst: worst(&formula),
                fixed_mean: mean(&fixed),
                fixed_worst: worst(&fixed),
            }
        };
        places.markets.iter().map(row).collect()
    }

    fn auctions(&self) -> AuctionTotals {
        let mut prices: Vec<Ratio> = self.figures.takes.iter().map(|take| take.price).collect();
        prices.sort();
        let after: u64 = self.figures.takes.iter().map(|take| take.after.get()).sum();
        AuctionTotals {
            price_mean: self.totals.paid.ratio_to_down(self.totals.sold).unwrap_or(Ratio::ZERO),
            price_median: prices.get(prices.len() / 2).copied().unwrap_or(Ratio::ZERO),
            price_worst: prices.first().copied().unwrap_or(Ratio::ZERO),
            take_after_ms: Millis::new(after.checked_div(prices.len() as u64).unwrap_or(0)),
            ..self.totals
        }
    }
}

impl MarketSeries {
    /// The market, and the furthest that its mark was from index, as a share of index, either way.
    fn distance(&self) -> (String, Ratio) {
        let premiums = self.points.iter().filter_map(|point| point.mark.premium_over(point.index).ok());
        (self.symbol.clone(), premiums.map(Ratio::abs).max().unwrap_or(Ratio::ZERO))
    }
}

fn mean(ratios: &[Ratio]) -> Ratio {
    let sum: i128 = ratios.iter().map(|ratio| ratio.wei()).sum();
    Ratio::from_wei(sum.checked_div(ratios.len() as i128).unwrap_or(0))
}
