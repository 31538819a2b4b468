//! What the house claims, measured (`docs/replay.md`, "Claims").
//!
//! - Everything is read off events, observations and receipts; nothing here acts.

mod lot;
mod task;

use super::keepers::{Keepers, Role};
use super::places::Places;
use ballast_engine::{Outcome, State};
use ballast_keeper::{Bidders, Report, Sale};
use ballast_spoke::TxId;
use ballast_types::{
    AccountId, AssetId, ChainId, Event, KeeperId, LiquidationParams, LotId, Nonce, OrderAction, TaskId, Token,
};
use ballast_units::{Amount, Millis, Ratio, Time, Usd};
use lot::{Lost, LotTrack, PartTrack, Sold};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use task::TaskTrack;

/// The figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// Share of all tasks that ended with debt and interest repaid from proceeds, by the first or second draw of keepers,
    /// without the reserve.
    pub success: Ratio,
    /// Of tasks that sold collateral, the same.
    pub success_sold: Ratio,
    /// 99 of 100 first orders of a task were included within this after the block of the price that opened it, seconds.
    pub response_p99_s: Ratio,
    /// The same, half of them.
    pub response_median_s: Ratio,
    /// Share of what was for sale, by value at entry, that takers bought.
    pub fill: Ratio,
    /// From an auction's start to its last take, mean over lots, seconds.
    pub duration_mean_s: Ratio,
    /// Owners' loss from delay, mean by value.
    pub delay_loss: Ratio,
    /// Median over takes of price over index.
    pub price_median: Ratio,
    /// 99 of 100 takes paid at least this share of index.
    pub price_p99: Ratio,
    /// Share of tasks that ended without a dispute.
    pub consistency: Ratio,
    /// False reports that keepers showed, on blocks that stand.
    pub false_reports_planted: u64,
    /// Of these, by keepers that were slashed and not paid for the task.
    pub false_reports_found: u64,
    /// Keepers slashed that did not lie.
    pub honest_slashed: u64,
    /// Reorgs of all chains.
    pub reorgs: u64,
    /// False reports that were paid for, and disputes.
    pub malicious_changes: u64,
    /// Tasks, those that are open at the end included.
    pub tasks: u64,
    /// Of the tasks that are no success: why not, each under its first reason.
    pub failures: BTreeMap<String, u64>,
    /// Where owners lost it, by the chain that their collateral lay on.
    pub delays: Vec<DelayRow>,
    /// How far the index fell from detection to take, by the chain that the collateral lay on.
    pub falls: Vec<FallRow>,
    /// What each keeper did.
    pub keepers: Vec<KeeperRow>,
}

/// What became of a chain's collateral that was sold: shares of what it was worth at detection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DelayRow {
    /// The chain.
    pub chain: String,
    /// Dollars at detection.
    pub worth: Amount,
    /// The index fell until it was first offered: orders, queues, bridges.
    pub waiting: Ratio,
    /// The index fell from then on until it was taken.
    pub selling: Ratio,
    /// It was taken below index.
    pub discount: Ratio,
    /// Selling it at once would have lost so much: no part of the loss from delay.
    pub at_once: Ratio,
}

/// How far an index fell between detection and take, and the threshold that the listing rule asks for that (R14).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FallRow {
    /// The chain.
    pub chain: String,
    /// The asset.
    pub asset: String,
    /// Takes, each task's part counted.
    pub takes: u64,
    /// In 99 of 100 no more.
    pub p99: Ratio,
    /// In 999 of 1,000 no more.
    pub p999: Ratio,
    /// `(1 + fee) / (d · (1 - p99))`, rounded up.
    pub threshold: Ratio,
}

/// A keeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeeperRow {
    /// What kind of node.
    pub role: String,
    /// Tasks that it was drawn for.
    pub drawn: u64,
    /// Deadlines missed.
    pub late: u64,
    /// Reports shown.
    pub reports: u64,
    /// Dollars earned.
    pub earned: Amount,
    /// Times frozen.
    pub frozen: u64,
    /// Slashed.
    pub slashed: bool,
}

/// Keeps count.
#[derive(Clone, Debug, Default)]
pub(super) struct ClaimsTrack {
    tasks: BTreeMap<TaskId, TaskTrack>,
    /// The last task of an account.
    by_account: BTreeMap<AccountId, TaskId>,
    lots: BTreeMap<LotId, LotTrack>,
    /// The first order of a task, by order.
    first_orders: BTreeMap<(ChainId, Nonce), Vec<TaskId>>,
    rows: BTreeMap<KeeperId, KeeperRow>,
    /// False reports.
    planted: BTreeMap<(TaskId, ChainId, KeeperId), u64>,
    paid: BTreeSet<(TaskId, KeeperId)>,
    slashed: BTreeSet<KeeperId>,
    disputes: BTreeSet<TaskId>,
    sales: BTreeMap<(ChainId, TxId), Sold>,
    /// What was queued on a chain, dollars at index, and what selling it at once would have lost.
    at_once: BTreeMap<ChainId, (Amount, Amount)>,
    /// Tasks that are opened from then on are not counted.
    until: Option<Time>,
}

impl ClaimsTrack {
    /// Counts tasks that are opened before `until`.
    pub(super) fn new(until: Time) -> Self {
        Self { until: Some(until), ..Self::default() }
    }

    /// All tasks that count have ended.
    pub(super) fn is_over(&self) -> bool {
        self.tasks.values().all(|task| task.closed.is_some())
    }

    /// Takes note of a block.
    pub(super) fn block(
        &mut self,
        outcome: &Outcome,
        state: &State,
        bidders: &Bidders,
        away: Ratio,
        places: &Places,
        now: Time,
    ) {
        let mut queued: BTreeMap<ChainId, Amount> = BTreeMap::new();
        for event in &outcome.events {
            match event {
                Event::AccountLocked { task, account, .. } if self.until.is_none_or(|until| now < until) => {
                    self.by_account.insert(*account, *task);
                    self.tasks.insert(*task, TaskTrack::opened(state, *task, *account, places, now));
                }
                Event::PositionLiquidated(fill) => self.positioned(fill.account),
                Event::PositionTakenOver { account, .. } | Event::PositionDeleveraged { account, .. } => {
                    self.positioned(*account);
                }
                Event::LotQueued { task, token, quantity, .. } => {
                    let Some(track) = self.tasks.get_mut(task) else { continue };
                    track.sold = true;
                    let value = quantity.value_down(places.price(token.asset, now)).unwrap_or(Amount::ZERO);
                    *queued.entry(token.chain).or_default() += value;
                }
                Event::LotOffered { lot, token, quantity, .. } => {
                    self.offered(*lot, *token, *quantity, state, places, now);
                }
                Event::LotBoughtByReserve { lot, quantity, .. } => {
                    if let Some(track) = self.lots.get_mut(lot) {
                        track.left = track.left.saturating_sub(*quantity);
                        track.bought += *quantity;
                    }
                    let parts = state.lots.find(*lot).into_iter().flat_map(|lot| &lot.parts);
                    for task in parts.map(|part| part.task) {
                        self.by_reserve(task);
                    }
                }
                Event::LotReturned { lot, quantity } => {
                    if let Some(track) = self.lots.get_mut(lot) {
                        track.left = track.left.saturating_sub(*quantity);
                    }
                }
                Event::TaskDisputed { task, .. } => {
                    self.disputes.insert(*task);
                }
                Event::TaskClosed { task, shortfall, .. } => {
                    if let Some(track) = self.tasks.get_mut(task) {
                        track.closed = Some(*shortfall);
                    }
                }
                Event::KeepersDrawn { task, draw, keepers } => {
                    if let Some(track) = self.tasks.get_mut(task) {
                        track.draws = *draw;
                    }
                    for keeper in keepers {
                        self.row(*keeper).drawn += 1;
                    }
                }
                Event::NoKeeperDrawn { task, .. } => {
                    if let Some(track) = self.tasks.get_mut(task) {
                        track.undrawn = true;
                    }
                }
                Event::KeeperLate { keeper, .. } => self.row(*keeper).late += 1,
                Event::ReportRevealed { keeper, .. } => self.row(*keeper).reports += 1,
                Event::KeeperPaid { keeper, task, bonus, share } => {
                    self.row(*keeper).earned += *bonus + *share;
                    self.paid.insert((*task, *keeper));
                }
                Event::KeeperFrozen { keeper, .. } => self.row(*keeper).frozen += 1,
                Event::KeeperSlashed { keeper, .. } => {
                    self.row(*keeper).slashed = true;
                    self.slashed.insert(*keeper);
                }
                _ => {}
            }
        }
        // What is put up for sale in one block would have to be sold at once together.
        for (chain, value) in queued {
            let loss = bidders.instant_loss(chain, value, away);
            let (queued, at_once) = self.at_once.entry(chain).or_default();
            *queued += value;
            *at_once += value.mul_ratio_down(loss).unwrap_or(value);
        }
        for order in &outcome.orders {
            if matches!(order.action, OrderAction::StartAuction { .. } | OrderAction::Bridge { .. }) {
                self.ordered((order.chain, order.nonce), state);
            }
        }
    }

    fn positioned(&mut self, account: AccountId) {
        let task = self.by_account.get(&account);
        if let Some(track) = task.and_then(|task| self.tasks.get_mut(task)) {
            track.positions = true;
        }
    }

    /// A task's first order.
    fn ordered(&mut self, key: (ChainId, Nonce), state: &State) {
        let lot = state.orders.find(key).and_then(|sent| sent.lot());
        let parts = lot.and_then(|lot| state.lots.find(lot)).into_iter().flat_map(|lot| &lot.parts);
        for task in parts.map(|part| part.task) {
            let Some(track) = self.tasks.get_mut(&task).filter(|track| !track.ordered) else { continue };
            track.ordered = true;
            self.first_orders.entry(key).or_default().push(task);
        }
    }

    fn by_reserve(&mut self, task: TaskId) {
        if let Some(track) = self.tasks.get_mut(&task) {
            track.reserve = true;
        }
    }

    fn offered(
        &mut self,
        lot: LotId,
        token: Token,
        quantity: Amount,
        state: &State,
        places: &Places,
        now: Time,
    ) {
        if self.lots.contains_key(&lot) {
            return;
        }
        let entry = places.price(token.asset, now);
        let parts = state.lots.find(lot).into_iter().flat_map(|lot| &lot.parts).filter_map(|part| {
            let detected = places.price(token.asset, self.tasks.get(&part.task)?.detected);
            Some(PartTrack { task: part.task, home: part.home, quantity: part.quantity, detected })
        });
        let parts: Vec<PartTrack> = parts.collect();
        if parts.is_empty() {
            return;
        }
        self.lots
            .insert(lot, LotTrack { token, opened: now, entry, bought: Amount::ZERO, left: quantity, parts });
    }

    /// Takes note of orders that a chain has carried out. Gives the time and response of those that were a task's first.
    pub(super) fn carried(&mut self, chain: ChainId, orders: &[(Nonce, Time)]) -> Vec<(Time, Millis)> {
        let mut responses = Vec::new();
        for (nonce, time) in orders {
            for task in self.first_orders.get(&(chain, *nonce)).into_iter().flatten() {
                if let Some(track) = self.tasks.get_mut(task) {
                    track.included = Some(*time);
                    responses.push((*time, time.since(track.detected)));
                }
            }
        }
        responses
    }

    /// Takes note of what bidders bought, and of what a reorg took from them again.
    pub(super) fn sold(&mut self, sales: &[Sale], undone: &[(ChainId, TxId)], places: &Places) {
        for key in undone {
            self.sales.remove(key);
        }
        for sale in sales {
            let Some(track) = self.lots.get(&sale.lot) else { continue };
            let index = places.price(track.token.asset, sale.time);
            self.sales.insert(sale.key, Sold { sale: *sale, index });
        }
    }

    /// Takes note of reports that keepers show.
    pub(super) fn shown(&mut self, reports: &[Report], keepers: &Keepers, state: &State) {
        for report in reports {
            if keepers.reads_as(report, state) == Some(false) {
                *self.planted.entry((report.task, report.chain, report.keeper)).or_default() += 1;
            }
        }
    }

    fn row(&mut self, keeper: KeeperId) -> &mut KeeperRow {
        self.rows.entry(keeper).or_insert(KeeperRow {
            role: String::new(),
            drawn: 0,
            late: 0,
            reports: 0,
            earned: Amount::ZERO,
            frozen: 0,
            slashed: false,
        })
    }

    /// The figures.
    pub(super) fn claims(
        &self,
        roles: &[Role],
        reorgs: u64,
        places: &Places,
        liquidation: &LiquidationParams,
    ) -> Claims {
        let lost = self.lost();
        let mut failures: BTreeMap<String, u64> = BTreeMap::new();
        let (mut good, mut sold, mut sold_good, mut closed) = (0, 0, 0, 0_u64);
        for (task, track) in &self.tasks {
            let lost = lost.by_task.get(task).copied().unwrap_or_default();
            let failure = track.failure(self.disputes.contains(task), &lost);
            if let Some(reason) = failure {
                *failures.entry(reason.to_owned()).or_default() += 1;
            }
            good += u64::from(failure.is_none());
            sold += u64::from(track.sold);
            sold_good += u64::from(track.sold && failure.is_none());
            closed += u64::from(track.closed.is_some());
        }
        let mut responses: Vec<Millis> =
            self.tasks.values().filter_map(|track| Some(track.included?.since(track.detected))).collect();
        responses.sort_unstable();
        let mut prices: Vec<Ratio> = self.sales.values().map(Sold::price).collect();
        prices.sort_unstable();
        let planted: u64 = self.planted.values().sum();
        let found = |key: &&(TaskId, ChainId, KeeperId)| {
            self.slashed.contains(&key.2) && !self.paid.contains(&(key.0, key.2))
        };
        let found: u64 = self.planted.keys().filter(found).map(|key| self.planted[key]).sum();
        let lies = |keeper: &&KeeperId| roles.get(keeper.0 as usize) == Some(&Role::Lying);
        let planters: BTreeSet<KeeperId> = self.planted.keys().map(|key| key.2).collect();
        let honest = self.slashed.iter().filter(|keeper| !lies(keeper) && !planters.contains(keeper));
        let rows = (0_u32..).zip(roles).map(|(id, role)| {
            let row = self.rows.get(&KeeperId(id)).cloned();
            let mut row = row.unwrap_or_else(|| Self::default().row(KeeperId(id)).clone());
            row.role = role.name().to_owned();
            row
        });
        let (fill, duration_mean_s) = self.sales();
        let disputes = self.disputes.len() as u64;
        Claims {
            success: share(good, self.tasks.len() as u64),
            success_sold: share(sold_good, sold),
            response_p99_s: seconds(quantile(&responses, 99)),
            response_median_s: seconds(quantile(&responses, 50)),
            fill,
            duration_mean_s,
            delay_loss: self.delay_loss(&lost),
            price_median: quantile(&prices, 50).unwrap_or(Ratio::ZERO),
            price_p99: quantile(&prices, 1).unwrap_or(Ratio::ZERO),
            consistency: share(closed.saturating_sub(disputes), closed),
            false_reports_planted: planted,
            false_reports_found: found,
            honest_slashed: honest.count() as u64,
            reorgs,
            malicious_changes: planted - found + disputes,
            tasks: self.tasks.len() as u64,
            failures,
            delays: self.delays(&lost, places),
            falls: self.falls(places, liquidation),
            keepers: rows.collect(),
        }
    }

    /// Fill, mean duration in seconds.
    fn sales(&self) -> (Ratio, Ratio) {
        let mut by_lot: BTreeMap<LotId, (Amount, Time)> = BTreeMap::new();
        for Sold { sale, .. } in self.sales.values() {
            let (sold, last) = by_lot.entry(sale.lot).or_default();
            *sold += sale.quantity;
            *last = sale.time.max(*last);
        }
        let (mut filled, mut all, mut spans) = (Amount::ZERO, Amount::ZERO, 0_u128);
        for (id, track) in &self.lots {
            let (sold, last) = by_lot.get(id).copied().unwrap_or_default();
            let value = |quantity: Amount| quantity.value_down(track.entry).unwrap_or(Amount::ZERO);
            filled += value(sold);
            all += value(sold.max(track.left) + track.bought);
            if !sold.is_zero() {
                spans += u128::from(last.since(track.opened).get());
            }
        }
        let mean = spans.checked_div(by_lot.len() as u128).unwrap_or(0);
        let mean = Millis::new(u64::try_from(mean).unwrap_or(u64::MAX));
        (filled.ratio_to_down(all).unwrap_or(Ratio::ONE), seconds(Some(mean)))
    }

    /// What each take meant to each part of its lot.
    fn takes(&self) -> impl Iterator<Item = (&LotTrack, &PartTrack, Lost)> {
        self.sales.values().flat_map(|sold| {
            let lot = &self.lots[&sold.sale.lot];
            lot.shares(sold).map(move |(part, lost)| (lot, part, lost))
        })
    }

    fn lost(&self) -> Losses {
        let mut losses = Losses::default();
        for (_, part, lost) in self.takes() {
            losses.by_task.entry(part.task).or_default().add(&lost);
            losses.by_chain.entry(part.home).or_default().add(&lost);
        }
        losses
    }

    fn delay_loss(&self, lost: &Losses) -> Ratio {
        let mut all = Lost::default();
        lost.by_chain.values().for_each(|lost| all.add(lost));
        let sums = |(a, b): (Amount, Amount), (c, d): &(Amount, Amount)| (a + *c, b + *d);
        let (queued, at_once) = self.at_once.values().fold((Amount::ZERO, Amount::ZERO), sums);
        let at_once = at_once.ratio_to_down(queued).unwrap_or(Ratio::ZERO);
        part(all.waiting + all.selling + all.discount, all.worth) - at_once
    }

    fn delays(&self, lost: &Losses, places: &Places) -> Vec<DelayRow> {
        let rows = lost.by_chain.iter().map(|(chain, lost)| {
            let (queued, at_once) = self.at_once.get(chain).copied().unwrap_or_default();
            DelayRow {
                chain: places.chain(*chain).name.clone(),
                worth: lost.worth,
                waiting: part(lost.waiting, lost.worth),
                selling: part(lost.selling, lost.worth),
                discount: part(lost.discount, lost.worth),
                at_once: at_once.ratio_to_down(queued).unwrap_or(Ratio::ZERO),
            }
        });
        rows.collect()
    }

    fn falls(&self, places: &Places, liquidation: &LiquidationParams) -> Vec<FallRow> {
        let mut falls: BTreeMap<(ChainId, AssetId), Vec<Ratio>> = BTreeMap::new();
        for (lot, of, lost) in self.takes() {
            let fall = part(lost.waiting + lost.selling, lost.worth);
            falls.entry((of.home, lot.token.asset)).or_default().push(fall);
        }
        let row = |((chain, asset), mut falls): ((ChainId, AssetId), Vec<Ratio>)| {
            falls.sort_unstable();
            let of_thousand = |rank: usize| {
                let rank = (falls.len() * rank).div_ceil(1_000);
                falls.get(rank.saturating_sub(1)).copied().unwrap_or(Ratio::ZERO)
            };
            let p99 = of_thousand(990);
            let kept = liquidation.fill_expected.mul_down(Ratio::ONE - p99);
            let threshold =
                kept.and_then(|kept| (Ratio::ONE + liquidation.fee_collateral.ratio()).div_up(kept));
            FallRow {
                chain: places.chain(chain).name.clone(),
                asset: places.assets[usize::from(asset.0)].symbol.clone(),
                takes: falls.len() as u64,
                p99,
                p999: of_thousand(999),
                threshold: threshold.unwrap_or(Ratio::MAX),
            }
        };
        falls.into_iter().map(row).collect()
    }
}

/// What was lost, added up.
#[derive(Debug, Default)]
struct Losses {
    by_task: BTreeMap<TaskId, Lost>,
    by_chain: BTreeMap<ChainId, Lost>,
}

/// A share of a whole, rounded towards zero; zero of nothing.
fn part(dollars: Usd, whole: Amount) -> Ratio {
    let share = dollars.magnitude().ratio_to_down(whole).unwrap_or(Ratio::ZERO);
    if dollars.is_negative() { Ratio::ZERO - share } else { share }
}

fn share(part: u64, whole: u64) -> Ratio {
    let amount = |count: u64| Amount::from_wei(u128::from(count));
    amount(part).ratio_to_down(amount(whole)).unwrap_or(Ratio::ONE)
}

/// So many of a hundred are not above it; of `sorted`, by nearest rank.
fn quantile<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

fn seconds(span: Option<Millis>) -> Ratio {
    Ratio::from_wei(i128::from(span.unwrap_or_default().get()) * 1_000_000_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_units::Price;

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let hundred: Vec<u32> = (1..=100).collect();
        assert_eq!([1, 50, 99].map(|percent| quantile(&hundred, percent)), [Some(1), Some(50), Some(99)]);
        assert_eq!([1, 50, 99].map(|percent| quantile(&[7, 8], percent)), [Some(7), Some(7), Some(8)]);
        assert_eq!(quantile::<u32>(&[], 50), None);
    }

    #[test]
    fn fill_duration_and_loss_are_those_of_the_lots() {
        let (start, price) = (Time::from_millis(1_000_000), Price::whole(100));
        let token = Token { asset: AssetId(1), chain: ChainId(0) };
        let part =
            PartTrack { task: TaskId(1), home: ChainId(0), quantity: Amount::whole(10), detected: price };
        let lot = |left: u64, bought: u64| LotTrack {
            token,
            opened: start,
            entry: price,
            bought: Amount::whole(bought),
            left: Amount::whole(left),
            parts: vec![part],
        };
        let sale = |lot: u64, after: u64, quantity: u64, paid: u64| Sale {
            key: (ChainId(0), TxId(lot * 10 + after)),
            lot: LotId(lot),
            time: start.after(Millis::seconds(after)),
            quantity: Amount::whole(quantity),
            paid: Amount::whole(paid),
        };
        // 10 sold in two takes; 10 of which 6 are sold and the reserve has 4.
        let lots = [(LotId(1), lot(10, 0)), (LotId(2), lot(6, 4))].into();
        let mut track = ClaimsTrack { lots, ..ClaimsTrack::default() };
        let sales = [sale(1, 20, 4, 392), sale(1, 60, 6, 576), sale(2, 40, 6, 552)];
        let sold = |sale: Sale| (sale.key, Sold { sale, index: price });
        track.sales = sales.into_iter().map(sold).collect();
        track.at_once = [(ChainId(0), (Amount::whole(2_000), Amount::whole(20)))].into();
        // 1,600 worth went for 1,520: 5 %, of which 1 % at once. 60 s and 40 s.
        assert_eq!(track.sales(), (Ratio::percent(80), Ratio::whole(50)));
        assert_eq!(track.delay_loss(&track.lost()), Ratio::percent(4));
    }
}
