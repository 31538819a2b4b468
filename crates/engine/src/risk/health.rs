//! Health: what an account is worth, weighted, less what it needs (R14).
//!
//! - H_M (maintenance) decides liquidation; H_I (initial) decides opening; H_W (withdrawal) decides withdrawing
//!   and borrowing. Each asks a little more than the one before.
//! - PnL and notional at the risk price for H_M; for H_I and H_W at the worst, for the account, of risk
//!   price, mark and TWAP of mark. Collateral at index; for H_I and H_W at the lower of index and its TWAP.
//! - Rounds: what is owned down, what is owed up; one division a value. Sums are 256 bits wide and saturate,
//!   keeping their sign (R11).
//! - A token without any usable price is worth nothing.
//! - Dollars that wait to be withdrawn are in H_M alone: they back what is open, and nothing new (R32).
//! - Absent: lender shares, lots at auction, stakes. They cannot be taken in time.

use crate::account::{Account, Position};
use crate::credit;
use crate::custody::queue;
use crate::ledger::Holding;
use crate::market::settlement::{self, Settlement};
use crate::market::{Market, claim::Standing, funding};
use crate::oracle;
use crate::state::State;
use ballast_types::{AccountId, AssetId, Listing, MarketId, Token};
use ballast_units::{Amount, Price, Ratio, Usd, Wide};

/// A change that is only thought: health as it would be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whatif {
    /// Change of cash.
    pub cash: Usd,
    /// Debt added.
    pub debt: Amount,
    /// Collateral removed.
    pub token: Option<(Token, Amount)>,
}

/// A trade that is only thought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    pub(crate) market: MarketId,
    /// Afterwards.
    pub(crate) position: Position,
    /// Afterwards.
    pub(crate) mark: Price,
    /// Open longs afterwards.
    pub(crate) long: Amount,
    /// Open shorts afterwards.
    pub(crate) short: Amount,
    /// How what it realises is settled.
    pub(crate) settled: Settlement,
    pub(crate) fee: Amount,
}

/// H_M, and how fast it can fall: what the risk index needs (R17).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Assessment {
    /// H_M.
    pub(crate) health: Usd,
    /// Σ maintenance margin, dollars.
    pub(crate) margin: Amount,
    /// Open profits and claims as they count.
    pub(crate) profit: Amount,
    /// W: dollars lost, at most, for each full move of all prices.
    pub(crate) weight: Amount,
    /// Debt that bears interest.
    pub(crate) debt: Amount,
    /// Funding that one period can charge, at most.
    pub(crate) funding: Amount,
}

/// The three healths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Maintenance,
    Initial,
    Withdrawal,
}

/// H_M: below zero, the account is liquidated. Saturates, keeping its sign.
#[must_use]
pub fn maintenance(state: &State, account: AccountId) -> Usd {
    sum(state, account, Mode::Maintenance, None, Whatif::default())
}

/// H_M after a trade.
pub(crate) fn maintenance_after(state: &State, account: AccountId, trial: &Trial) -> Usd {
    sum(state, account, Mode::Maintenance, Some(trial), Whatif::default())
}

/// H_I after a trade.
pub(crate) fn initial_after(state: &State, account: AccountId, trial: &Trial) -> Usd {
    sum(state, account, Mode::Initial, Some(trial), Whatif::default())
}

/// H_I after a change: opening needs it at zero or above.
#[must_use]
pub fn initial(state: &State, account: AccountId, whatif: Whatif) -> Usd {
    sum(state, account, Mode::Initial, None, whatif)
}

/// H_W after a change: withdrawing and borrowing need it at zero or above.
#[must_use]
pub fn withdrawal(state: &State, account: AccountId, whatif: Whatif) -> Usd {
    sum(state, account, Mode::Withdrawal, None, whatif)
}

fn sum(state: &State, id: AccountId, mode: Mode, trial: Option<&Trial>, whatif: Whatif) -> Usd {
    let account = state.accounts.get(id);
    let mut total = Wide::from_usd(whatif.cash).minus(whatif.debt.dollars());
    total = total.plus(cash(state, account).dollars());
    if mode == Mode::Maintenance {
        total = total.plus(queue::held(state, id).dollars());
    }
    if let Some(trial) = trial {
        // A loan or a debt that pays a loss counts as much as the loss itself.
        let settled = &trial.settled;
        let waiting = if mode == Mode::Maintenance { settled.waiting } else { Amount::ZERO };
        let loan = settled.loan.map_or(Amount::ZERO, |(_, amount)| amount);
        let owed = settled.cash + waiting + settled.debt + loan;
        total = total.minus((owed + trial.fee).dollars()).plus(settled.debt_repaid.dollars());
    }
    for holding in state.collateral(account) {
        let removed =
            whatif.token.filter(|(token, _)| *token == holding.token).map_or(Amount::ZERO, |(_, a)| a);
        total = total.plus_wide(collateral(state, holding, removed, mode));
    }
    let mut traded = trial.is_none();
    for position in &account.positions {
        let market = state.markets.get(position.market);
        match trial.filter(|trial| trial.market == position.market) {
            Some(trial) => {
                traded = true;
                total = total.plus_wide(position_value(market, &trial.position, mode, Some(trial)));
            }
            None => {
                total = total.plus_wide(position_value(market, position, mode, None));
                total = total.minus(funding::owed(&market.funding, position).max(Usd::ZERO));
            }
        }
    }
    if let (false, Some(trial)) = (traded, trial) {
        total = total.plus_wide(position_value(
            state.markets.get(trial.market),
            &trial.position,
            mode,
            Some(trial),
        ));
    }
    let mut claimed = trial.is_none();
    for held in &account.claims {
        let market = state.markets.get(held.market);
        let mut standing = market.claims.standing(&held.claim);
        if let Some(trial) = trial.filter(|trial| trial.market == held.market) {
            claimed = true;
            standing = after(standing, &trial.settled);
        }
        total = total.plus(claim_value(market, standing, mode).dollars());
        total = total.minus(settlement::owed(state, held.market, &held.debt).dollars());
    }
    if let (false, Some(trial)) = (claimed, trial) {
        let standing = after(Standing::default(), &trial.settled);
        total = total.plus(claim_value(state.markets.get(trial.market), standing, mode).dollars());
    }
    for loan in &account.loans {
        total = total.minus(credit::owed(state, loan).dollars());
    }
    total.to_usd_saturating()
}

/// H_M with what bounds its fall.
pub(crate) fn assess(state: &State, id: AccountId) -> Assessment {
    let account = state.accounts.get(id);
    let mut total = Wide::from_amount(cash(state, account) + queue::held(state, id));
    let mut result = Assessment::default();
    let (mut weight, mut margin) = (Wide::ZERO, Wide::ZERO);
    for holding in state.collateral(account) {
        let value = collateral(state, holding, Amount::ZERO, Mode::Maintenance);
        total = total.plus_wide(value);
        weight = weight.plus_wide(value);
    }
    for position in &account.positions {
        let market = state.markets.get(position.market);
        let Some(price) = market.prices.risk else { continue };
        let value = Valuation::of(market, position, price);
        let backed = counted(value.profit, market.backing);
        result.profit += backed;
        margin = margin.plus_wide(value.margin);
        let owed = funding::owed(&market.funding, position).max(Usd::ZERO);
        let open = Wide::from_amount(backed).minus_wide(value.loss).minus_wide(value.margin).minus(owed);
        total = total.plus_wide(open);
        weight = weight.plus_wide(value.notional).plus_wide(value.margin);
        if let Some(clamp) = market.params.funding_clamp {
            // The index that the clamp is a share of: the risk price may rise by half before its watch fires, and
            // lies below the index by the premium clamp at most, which is one half at most: 1.5 / (1 - 0.5) = 3.
            let notional = position.notional(price);
            let most = notional.mul_ratio_up(clamp).unwrap_or(notional);
            result.funding += most + most + most;
        }
    }
    for held in &account.claims {
        let market = state.markets.get(held.market);
        let value = claim_value(market, market.claims.standing(&held.claim), Mode::Maintenance);
        let debt = settlement::owed(state, held.market, &held.debt);
        result.profit += value;
        result.debt += debt;
        total = total.plus(value.dollars()).minus(debt.dollars());
    }
    for loan in &account.loans {
        let owed = credit::owed(state, loan);
        result.debt += owed;
        total = total.minus(owed.dollars());
    }
    result.health = total.to_usd_saturating();
    result.weight = weight.to_usd_saturating().positive_part();
    result.margin = margin.to_usd_saturating().positive_part();
    result
}

/// What an account is worth at index and risk price, without weights or margins. Claims and open profits
/// count in full; what nobody has paid yet is still theirs.
#[must_use]
pub fn equity(state: &State, id: AccountId) -> Usd {
    let account = state.accounts.get(id);
    let mut total = Wide::from_amount(gross(state, account) + queue::held(state, id));
    for position in &account.positions {
        let market = state.markets.get(position.market);
        if let Some(price) = market.prices.risk {
            total = total.plus(position.pnl(price)).minus(funding::owed(&market.funding, position));
        }
    }
    for held in &account.claims {
        let standing = state.markets.get(held.market).claims.standing(&held.claim);
        total = total.plus(standing.unpaid().dollars());
        total = total.minus(settlement::owed(state, held.market, &held.debt).dollars());
    }
    for loan in &account.loans {
        total = total.minus(credit::owed(state, loan).dollars());
    }
    total.to_usd_saturating()
}

/// Cash and final collateral at index: what could pay.
pub(crate) fn gross(state: &State, account: &Account) -> Amount {
    let mut total = Wide::from_amount(cash(state, account));
    for holding in state.collateral(account) {
        if let Some(index) = oracle::index(state, holding.token.asset) {
            total = total.plus_wide(Wide::product_down(holding.amount, index));
        }
    }
    total.to_usd_saturating().positive_part()
}

/// Cash, paid claims included that the account has not touched yet.
pub(crate) fn cash(state: &State, account: &Account) -> Amount {
    let mut cash = account.balances.cash();
    for held in &account.claims {
        cash += state.markets.get(held.market).claims.standing(&held.claim).paid;
    }
    cash
}

/// Maintenance margin of a position, a share of its notional: m0 and the cost of leaving the curve (R8).
pub(crate) fn margin_maintenance(market: &Market, size: Amount, long: bool) -> Ratio {
    let m0 = market.params.margin_maintenance;
    if !market.params.margin_size_term {
        return m0;
    }
    let depth = market.depth;
    let left = if long { depth + size } else { depth.saturating_sub(size) };
    // A short as large as the depth has no price at all; such a size is refused at opening.
    size.ratio_to_up(left).map_or(Ratio::ONE, |exit| m0 + exit)
}

/// Initial margin: covers maintenance, band and two fees; grows to 1 with open interest.
pub(crate) fn margin_initial(market: &Market, size: Amount, long: bool, open_interest: Amount) -> Ratio {
    let params = &market.params;
    let least = Ratio::ONE.div_up(params.leverage_max).unwrap_or(Ratio::ONE);
    let two_fees = params.fee_trade.ratio() + params.fee_trade.ratio();
    let band = params.band.unwrap_or(Ratio::ZERO);
    let base = least.max(margin_maintenance(market, size, long) + band + two_fees);
    let (from, full) = (params.open_interest_margin_from, params.open_interest_margin_full);
    if open_interest <= from || Ratio::ONE <= base {
        return base;
    }
    if full <= open_interest {
        return Ratio::ONE.max(base);
    }
    let along = (open_interest - from).ratio_to_up(full - from).unwrap_or(Ratio::ONE);
    base + (Ratio::ONE - base).mul_up(along).unwrap_or(Ratio::ONE)
}

/// A position at a price. A profit saturates at what the house counts; what it can cost is exact (R11).
struct Valuation {
    profit: Amount,
    loss: Wide,
    notional: Wide,
    margin: Wide,
}

impl Valuation {
    fn of(market: &Market, position: &Position, price: Price) -> Self {
        let size = position.size.magnitude();
        let ratio = margin_maintenance(market, size, position.size.is_long());
        let (notional, margin) = notional_and_margin(size, price, ratio);
        let (profit, loss) = profit_and_loss(position, price);
        Self { profit, loss, notional, margin }
    }
}

/// What closing at a price would bring, at most what the house counts, or cost.
fn profit_and_loss(position: &Position, price: Price) -> (Amount, Wide) {
    let pnl = position.pnl_wide(price);
    if pnl.is_negative() {
        return (Amount::ZERO, Wide::ZERO.minus_wide(pnl));
    }
    (pnl.to_usd_saturating().positive_part().min(Amount::LIMIT), Wide::ZERO)
}

/// Notional and a share of it, each rounded up. Beyond 128 bits the share is of the price.
fn notional_and_margin(size: Amount, price: Price, ratio: Ratio) -> (Wide, Wide) {
    let notional = size.value_up(price);
    if let Ok((notional, margin)) =
        notional.and_then(|notional| Ok((notional, notional.mul_ratio_up(ratio)?)))
    {
        return (Wide::from_amount(notional), Wide::from_amount(margin));
    }
    let notional = Wide::product_up(size, price);
    (notional, price.mul_ratio_up(ratio).map_or(notional, |share| Wide::product_up(size, share)))
}

fn position_value(market: &Market, position: &Position, mode: Mode, trial: Option<&Trial>) -> Wide {
    let Some(risk) = market.prices.risk else { return Wide::ZERO };
    if position.size.is_zero() {
        return Wide::ZERO;
    }
    let size = position.size.magnitude();
    let long = position.size.is_long();
    let price = match mode {
        Mode::Maintenance => risk,
        Mode::Initial | Mode::Withdrawal => {
            let mark = trial.map(|trial| trial.mark).or(market.prices.last_mark).unwrap_or(risk);
            let twap = market.prices.mark.average().unwrap_or(mark);
            if long { risk.min(mark).min(twap) } else { risk.max(mark).max(twap) }
        }
    };
    let (profit, loss) = profit_and_loss(position, price);
    let gain = counted(profit, market.backing);
    let gain = match mode {
        Mode::Maintenance => gain,
        Mode::Initial => half(gain),
        Mode::Withdrawal => Amount::ZERO,
    };
    let ratio = match mode {
        Mode::Maintenance => margin_maintenance(market, size, long),
        Mode::Initial | Mode::Withdrawal => {
            let (longs, shorts) =
                trial.map_or((market.books.long, market.books.short), |trial| (trial.long, trial.short));
            let open_interest = longs.max(shorts).value_up(risk).unwrap_or(Amount::LIMIT);
            margin_initial(market, size, long, open_interest)
        }
    };
    let (_, margin) = notional_and_margin(size, risk, ratio);
    Wide::from_amount(gain).minus_wide(loss).minus_wide(margin)
}

fn collateral(state: &State, holding: &Holding, removed: Amount, mode: Mode) -> Wide {
    let Some(record) = state.token(holding.token) else { return Wide::ZERO };
    let asset: AssetId = holding.token.asset;
    let leaves = mode != Mode::Maintenance && record.listing == Listing::WindingDown;
    if leaves || oracle::is_dead(state, asset) {
        return Wide::ZERO;
    }
    let (index, threshold, amount) = match mode {
        Mode::Maintenance => {
            (oracle::index(state, asset), record.params.threshold, holding.amount + holding.pending)
        }
        Mode::Initial => (
            oracle::index_low(state, asset),
            record.params.threshold_initial,
            holding.amount + holding.pending,
        ),
        Mode::Withdrawal => {
            (oracle::index_low(state, asset), record.params.threshold_initial, holding.amount)
        }
    };
    index.map_or(Wide::ZERO, |index| {
        Wide::weighted_value_down(amount.saturating_sub(removed), index, threshold)
    })
}

fn claim_value(market: &Market, standing: Standing, mode: Mode) -> Amount {
    match mode {
        Mode::Maintenance => counted(standing.unpaid(), market.backing),
        Mode::Initial => half(counted(standing.mature, market.backing)),
        Mode::Withdrawal => Amount::ZERO,
    }
}

/// Where a claim would stand after a settlement: set-off takes the mature part first, a new claim is young.
fn after(standing: Standing, settled: &Settlement) -> Standing {
    let mature = standing.mature.saturating_sub(settled.set_off);
    let young = standing.unpaid() - settled.set_off.min(standing.unpaid()) - mature;
    Standing { mature, young: young + settled.claim, ..standing }
}

fn counted(amount: Amount, backing: Ratio) -> Amount {
    if backing == Ratio::ONE { amount } else { amount.mul_ratio_down(backing).unwrap_or(Amount::ZERO) }
}

fn half(amount: Amount) -> Amount {
    Amount::from_wei(amount.wei() >> 1)
}
