//! The oracle: from measurements of several sources to one price and a state per asset.
//!
//! - Index: median of the usable reports; of an even number, the middle of the two in the middle, rounded down.
//! - Usable: young enough, sure enough and, in safe mode, newer than the restart.
//! - State: fresh, divergent (enough sources, one far from the median), stale (too few), halted (too few for
//!   long, or never any). [`allowed`] is the one table of what a state allows.
//! - A TWAP counts the value that held, not the new one (R24).

use crate::account::Account;
use crate::market::price::Twap;
use crate::state::{Outcome, State};
use crate::table::RowId;
use ballast_types::{
    AccountId, Action, AssetId, Event, OracleParams, OracleState, PriceReport, Reject, Token,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// The window of an asset's TWAP: the 15 minutes of R10 and R14.
pub const TWAP_WINDOW: Millis = Millis::minutes(15);

/// The window of a stablecoin's slow TWAP (R39).
const DAY: Millis = Millis::days(1);

/// A stablecoin at this or above is taken one to one.
const PAR: Bps = Bps::new(9_990);

/// What the engine keeps of an asset.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Asset {
    /// It becomes cash at par.
    pub stable: bool,
    /// Last report of each source, ascending by source.
    pub reports: Vec<Report>,
    /// The price in use: the last median of usable reports.
    pub index: Option<Price>,
    /// When `index` was last confirmed by enough sources.
    pub confirmed: Time,
    /// What may be done on this price.
    pub state: OracleState,
    /// Average of `index` over time.
    pub twap: Twap,
    /// Of a stablecoin: the same over a day.
    pub day: Twap,
    /// Of a stablecoin: since when it has been at par.
    pub par_since: Option<Time>,
    /// The hub restarted then, and no price of it is newer: nothing that adds risk rests on it (safe mode).
    pub restarted: Option<Time>,
}

/// The last report of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Report {
    /// Whose.
    pub source: ballast_types::SourceId,
    /// Dollars a unit.
    pub price: Price,
    /// Half width of its confidence, share of price.
    pub confidence: Ratio,
    /// When measured.
    pub time: Time,
}

impl Asset {
    /// Without a price.
    #[must_use]
    pub fn new(stable: bool) -> Self {
        Self {
            stable,
            reports: Vec::new(),
            index: None,
            confirmed: Time::ZERO,
            state: OracleState::Halted,
            twap: Twap::default(),
            day: Twap::default(),
            par_since: None,
            restarted: None,
        }
    }
}

/// What a state allows: reducing risk longest, paying back always.
const fn allowed(state: OracleState) -> &'static [Action] {
    match state {
        OracleState::Fresh => &[
            Action::Open,
            Action::Borrow,
            Action::Liquidate,
            Action::Recentre,
            Action::Reduce,
            Action::Repay,
        ],
        OracleState::Divergent => &[Action::Liquidate, Action::Reduce, Action::Repay],
        OracleState::Stale => &[Action::Reduce, Action::Repay],
        OracleState::Halted => &[Action::Repay],
    }
}

/// What safe mode refuses whatever the prices say: all that adds risk.
const fn refused_in_safe_mode(action: Action) -> bool {
    match action {
        Action::Open | Action::Borrow | Action::Recentre => true,
        Action::Liquidate | Action::Reduce | Action::Repay => false,
    }
}

/// The index of an asset, where its state allows the action.
pub(crate) fn allows(state: &State, asset: AssetId, action: Action) -> Result<Price, Reject> {
    let record = state.assets.find(asset).ok_or(Reject::UnknownAsset { asset })?;
    if let Some(since) = record.restarted.filter(|_| refused_in_safe_mode(action)) {
        return Err(Reject::SafeMode { since });
    }
    let not_ready = Reject::OracleNotReady { asset, state: record.state, action };
    if !allowed(record.state).contains(&action) {
        return Err(not_ready);
    }
    record.index.ok_or(not_ready)
}

/// Every price that an account's health rests on allows the action: of its final collateral and its positions.
pub(crate) fn allows_account(state: &State, account: &Account, action: Action) -> Result<(), Reject> {
    for held in state.collateral(account) {
        if matters(state, held.token, held.amount) {
            allows(state, held.token.asset, action)?;
        }
    }
    for position in &account.positions {
        allows(state, state.markets.get(position.market).asset, action)?;
    }
    Ok(())
}

/// So much of a token is worth its dust at the last index there was. Less than that, and what never had a price, holds up nothing:
/// anybody can send it to anybody.
pub(crate) fn matters(state: &State, token: Token, amount: Amount) -> bool {
    let Some(record) = state.token(token) else { return false };
    let value = index(state, token.asset).map(|index| amount.value_down(index).unwrap_or(Amount::LIMIT));
    value.is_some_and(|value| !value.is_zero() && record.params.dust <= value)
}

/// The hub has restarted: prices are older than it thinks. No asset adds risk until reports from after the restart, which are
/// the only ones that count for it until then, have made it fresh. One whose feed is dead holds up none but itself.
pub(crate) fn enter_safe_mode(state: &mut State, out: &mut Outcome) {
    let now = state.house.time;
    state.house.safe_mode = Some(now);
    for asset in state.assets.ids() {
        state.assets.get_mut(asset).restarted = Some(now);
    }
    out.event(Event::SafeModeEntered {});
}

/// The price in use, whatever its state.
#[must_use]
pub(crate) fn index(state: &State, asset: AssetId) -> Option<Price> {
    state.assets.find(asset)?.index
}

/// The price in use is fresh: what is measured, charged or moved by it is measured by what the world says now.
pub(crate) fn is_fresh(state: &State, asset: AssetId) -> bool {
    state.assets.find(asset).is_some_and(|record| record.state == OracleState::Fresh)
}

/// There is no price that anything could be done on: none for long, or never any. What has only such a price is worth nothing as
/// collateral, so that nobody is kept from liquidation by a token whose feed is dead.
pub(crate) fn is_dead(state: &State, asset: AssetId) -> bool {
    state.assets.find(asset).is_none_or(|record| record.state == OracleState::Halted)
}

/// The lower of index and TWAP: what collateral counts at for opening, borrowing and withdrawing (R14).
#[must_use]
pub(crate) fn index_low(state: &State, asset: AssetId) -> Option<Price> {
    let record = state.assets.find(asset)?;
    let index = record.index?;
    Some(record.twap.average().map_or(index, |average| average.min(index)))
}

/// Share by which an index lies below its TWAP; nothing where it lies above.
#[must_use]
pub(crate) fn fall(state: &State, asset: AssetId) -> Ratio {
    let Some(record) = state.assets.find(asset) else { return Ratio::ZERO };
    let of_average = record.index.zip(record.twap.average()).map(|(index, twap)| index.ratio_to_down(twap));
    let share = of_average.and_then(Result::ok).unwrap_or(Ratio::ONE);
    Ratio::ONE - share.min(Ratio::ONE)
}

/// A fresh index and its TWAP lie within the tolerance of one dollar (R10). A price that is not fresh proves
/// no par.
#[must_use]
pub fn at_par(state: &State, asset: AssetId) -> bool {
    let Some(record) = state.assets.find(asset) else { return false };
    let tolerance = state.house.oracle.par_tolerance;
    let near_par = |price: Option<Price>| price.is_some_and(|price| is_near(price, Price::ONE, tolerance));
    record.state == OracleState::Fresh && near_par(record.index) && near_par(record.twap.average())
}

/// π, what a stablecoin is worth as money: the lowest of a fresh index and its TWAPs over 15 minutes and a day (R39).
pub(crate) fn worth(state: &State, asset: AssetId) -> Option<Price> {
    let record = state.assets.find(asset)?;
    (record.state == OracleState::Fresh).then(|| lowest(record)).flatten()
}

/// The same at the last index there was, and one dollar at most: what a coin pays of a debt in itself.
pub(crate) fn worth_as_payment(state: &State, asset: AssetId) -> Option<Price> {
    lowest(state.assets.find(asset)?).map(|worth| worth.min(Price::ONE))
}

fn lowest(record: &Asset) -> Option<Price> {
    let index = record.index?;
    let averages = [record.twap.average(), record.day.average()];
    Some(averages.into_iter().flatten().fold(index, Price::min))
}

/// Whether a coin of this worth is taken one to one, below par, or not at all.
pub(crate) fn band(state: &State, worth: Price) -> Option<Price> {
    let low =
        Ratio::ONE.checked_sub(state.house.oracle.par_tolerance).and_then(|low| Price::ONE.mul_ratio_up(low));
    if is_par(worth) {
        return Some(Price::ONE);
    }
    low.is_ok_and(|low| low <= worth).then_some(worth)
}

fn is_par(worth: Price) -> bool {
    Price::ONE.mul_ratio_up(PAR.ratio()).is_ok_and(|par| par <= worth)
}

/// The coin has been at par for a day.
pub(crate) fn is_long_at_par(state: &State, asset: AssetId) -> bool {
    let since = state.assets.find(asset).and_then(|record| record.par_since);
    since.is_some_and(|since| since.after(DAY) <= state.now())
}

/// Takes a source's measurement; [`settle`] decides what it is worth.
pub(crate) fn report(state: &mut State, report: &PriceReport) -> Result<(), Reject> {
    let PriceReport { asset, source, price, confidence, time } = *report;
    let now = state.now();
    let record = state.assets.find(asset).ok_or(Reject::UnknownAsset { asset })?;
    let place = record.reports.binary_search_by_key(&source, |known| known.source);
    let newest = place.ok().and_then(|at| record.reports.get(at)).map_or(Time::ZERO, |known| known.time);
    if !price.in_range() {
        return Err(Reject::PriceOutOfRange { asset, price, limit: Price::LIMIT });
    }
    if now < time {
        return Err(Reject::PriceFromFuture { asset, time, now });
    }
    if time < newest {
        return Err(Reject::PriceOutdated { asset, time, newest });
    }
    if confidence.is_negative() {
        return Err(Reject::ConfidenceNegative { asset });
    }
    let reports = &mut state.assets.get_mut(asset).reports;
    let fresh = Report { source, price, confidence, time };
    match place {
        Ok(at) => *reports.get_mut(at).expect("found above") = fresh,
        Err(at) => reports.insert(at, fresh),
    }
    Ok(())
}

/// Settles every asset's index and state, once a block after its reports: prices age without reports too.
pub(crate) fn settle(state: &mut State, out: &mut Outcome) {
    for asset in state.assets.ids() {
        settle_asset(state, out, asset);
    }
    leave_safe_mode(state, out);
}

fn settle_asset(state: &mut State, out: &mut Outcome, asset: AssetId) {
    let now = state.now();
    let view = View::of(&state.house.oracle, now, state.assets.get(asset));
    let before = state.assets.get(asset).state;
    if view.median.is_none() && state.assets.get(asset).index.is_none() && before == view.state {
        return;
    }
    let record = state.assets.get_mut(asset);
    record.twap.advance(now, TWAP_WINDOW);
    if let Some(median) = view.median {
        record.twap.set(now, median, TWAP_WINDOW);
        record.index = Some(median);
        record.confirmed = now;
        if record.stable {
            record.day.advance(now, DAY);
            record.day.set(now, median, DAY);
        }
    }
    record.state = view.state;
    if view.state == OracleState::Fresh {
        record.restarted = None;
    }
    if record.stable {
        let at_par = view.state == OracleState::Fresh && lowest(record).is_some_and(is_par);
        record.par_since = at_par.then(|| record.par_since.unwrap_or(now));
    }
    if before != view.state {
        out.event(Event::OracleChanged { asset, before, after: view.state });
    }
    if (before == OracleState::Halted) != (view.state == OracleState::Halted) {
        // What is held of it counts no more, or again; there is no list of holders.
        let everybody: Vec<AccountId> = (0..state.accounts.len()).map_while(AccountId::of).collect();
        state.index.look_at(everybody);
    }
}

/// What the reports of an asset say now.
struct View {
    /// Of the usable reports; `None` where they are too few.
    median: Option<Price>,
    state: OracleState,
}

impl View {
    fn of(params: &OracleParams, now: Time, asset: &Asset) -> Self {
        let usable = |report: &&Report| {
            now.since(report.time) <= params.max_age
                && report.confidence <= params.confidence_max
                && asset.restarted.is_none_or(|since| since < report.time)
        };
        let mut prices: Vec<Price> = asset.reports.iter().filter(usable).map(|report| report.price).collect();
        prices.sort_unstable();
        let enough = usize::from(params.sources_min) <= prices.len();
        let Some(median) = median(&prices).filter(|_| enough) else {
            let silent = params.halt_age < now.since(asset.confirmed);
            let halted = asset.index.is_none() || silent;
            return Self {
                median: None,
                state: if halted { OracleState::Halted } else { OracleState::Stale },
            };
        };
        let agree = prices.iter().all(|price| is_near(*price, median, params.deviation_max));
        Self { median: Some(median), state: if agree { OracleState::Fresh } else { OracleState::Divergent } }
    }
}

/// Of an even number, the middle of the two in the middle, rounded down.
fn median(sorted: &[Price]) -> Option<Price> {
    let low = *sorted.get(sorted.len().saturating_sub(1) >> 1)?;
    let high = *sorted.get(sorted.len() >> 1)?;
    Some(low.midpoint(high))
}

/// `|price / reference - 1| <= tolerance`, exact: whole wei beyond the rounded bounds are beyond the true ones.
/// A bound that cannot be counted in holds nobody back.
fn is_near(price: Price, reference: Price, tolerance: Ratio) -> bool {
    let bound = |factor: Result<Ratio, _>| factor.and_then(|factor| reference.mul_ratio_down(factor)).ok();
    let low = Ratio::ONE.checked_sub(tolerance).and_then(|factor| reference.mul_ratio_up(factor)).ok();
    let high = bound(Ratio::ONE.checked_add(tolerance));
    low.is_none_or(|low| low <= price) && high.is_none_or(|high| price <= high)
}

/// Safe mode is over when every asset that somebody relies on has been fresh since. Until then it holds up what rests on the others.
fn leave_safe_mode(state: &mut State, out: &mut Outcome) {
    if state.house.safe_mode.is_none() {
        return;
    }
    let is_back = |asset: AssetId| state.assets.get(asset).restarted.is_none();
    let markets_back = state.markets.iter().all(|(_, market)| is_back(market.asset));
    let staked = state.house.keepers.token.map(|token| token.asset);
    let mut tokens = state.chains.iter().flat_map(|(_, chain)| &chain.tokens);
    let tokens_back = tokens.all(|token| Some(token.asset) == staked || is_back(token.asset));
    if markets_back && tokens_back {
        state.house.safe_mode = None;
        out.event(Event::SafeModeLeft {});
    }
}
