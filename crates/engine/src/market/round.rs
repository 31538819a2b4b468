//! Rounds: what a funding period brings to a market, in this order: variation margin, funding,
//! re-centring, depth; each on the state the last one left (R20).
//!
//! - A round fixes one price, the risk price, and walks the market's members in order of their ids, a bounded
//!   batch a block; the price holds for the whole round (R13).
//! - A losing position pays `cost - size · price` from its own claim and from cash; only while the market has
//!   unpaid claims also by an automatic loan or settlement debt. What was taken moves its cost: no fee, no
//!   lock, and health does not fall.
//! - Funding, re-centring and depth need a fresh index. After a pause their measures begin anew, and what is charged is
//!   for the time since then.
//! - It counts, besides, what backs the market's claims: h (R4).

use super::{depth, funding, position, settlement};
use crate::account::Position;
use crate::custody::queue;
use crate::oracle;
use crate::risk::health;
use crate::state::{Outcome, State};
use crate::table::RowId;
use ballast_types::{AccountId, Event, MarketId, Reason};
use ballast_units::{Amount, Price, Ratio, Time, Usd, Wide};
use borsh::{BorshDeserialize, BorshSerialize};

/// The rounds of a market.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Rounds {
    /// When the next one begins.
    pub next: Time,
    /// The one that is running.
    pub running: Option<Round>,
    /// The index was fresh in the last block.
    pub fresh: bool,
    /// It was not at some time since the last round began: measured is what came after.
    pub paused: bool,
}

/// A running round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Round {
    /// Fixed at the start; values every position of the round.
    pub price: Price,
    /// Funding of the period that ended when the round began.
    pub rate: Usd,
    /// That funding is at its clamp.
    pub clamped: bool,
    /// The index was not fresh at some time of that period.
    pub paused: bool,
    /// The next account to visit.
    pub next: AccountId,
    /// Collected so far.
    pub collected: Amount,
    /// Positions visited so far.
    pub visited: u32,
    /// Σ positive PnL at `price`.
    pub profit: Amount,
    /// Σ min(settlement debt + open loss, what the account has to pay it with).
    pub backed: Amount,
}

/// Begins, continues and ends the round of a market, as far as this block's batch goes.
pub(crate) fn step(state: &mut State, out: &mut Outcome, market: MarketId) {
    let record = state.markets.get(market);
    if record.rounds.running.is_none() && state.now() < record.rounds.next {
        return;
    }
    let mut round = match record.rounds.running {
        Some(round) => round,
        None => match begin(state, market) {
            Some(round) => round,
            None => return,
        },
    };
    let batch = usize::try_from(state.house.liquidation.round_batch).unwrap_or(usize::MAX);
    let members: Vec<AccountId> = state.members(market).from(round.next).take(batch).collect();
    for id in &members {
        visit(state, out, market, *id, &mut round);
    }
    if let (Some(last), true) = (members.last(), members.len() == batch) {
        round.next = AccountId::of(last.row().saturating_add(1)).unwrap_or(*last);
        state.markets.get_mut(market).rounds.running = Some(round);
        return;
    }
    end(state, out, market, round);
}

fn begin(state: &mut State, market: MarketId) -> Option<Round> {
    let now = state.now();
    let params = &state.markets.get(market).params;
    let period = params.funding_period;
    let paused = state.markets.get(market).rounds.paused;
    let fresh = oracle::is_fresh(state, state.markets.get(market).asset);
    let measured = funding::measure(state, market, period, paused).filter(|_| fresh);
    let record = state.markets.get_mut(market);
    // Periods that passed while the hub stood still are not made up for: one round, then the next.
    while record.rounds.next <= now {
        record.rounds.next = record.rounds.next.after(period);
    }
    let price = record.prices.risk?;
    record.rounds.paused = !fresh;
    record.claims.begin_round();
    Some(Round {
        price,
        rate: measured.map_or(Usd::ZERO, |measured| measured.rate),
        clamped: measured.is_some_and(|measured| measured.clamped),
        paused: paused || !fresh,
        next: AccountId(0),
        collected: Amount::ZERO,
        visited: 0,
        profit: Amount::ZERO,
        backed: Amount::ZERO,
    })
}

fn visit(state: &mut State, out: &mut Outcome, market: MarketId, id: AccountId, round: &mut Round) {
    settlement::collect(state, out, id);
    if state.accounts.get(id).task.is_some() {
        return;
    }
    position::book_funding(state, out, id, market);
    let mut open_loss = Amount::ZERO;
    if let Some(position) = state.accounts.get(id).position(market).copied() {
        let pnl = position.pnl(round.price);
        round.profit += pnl.positive_part();
        round.visited = round.visited.saturating_add(1);
        // A price that has recovered since the round began leaves less to collect: what were taken beyond the
        // loss of now would turn into profit that counts at h, and lower health.
        open_loss = pnl.negative_part().min(loss_now(state, market, &position));
        if !open_loss.is_zero() && state.markets.get(market).params.variation_margin {
            let taken = collect_loss(state, out, market, id, open_loss);
            round.collected += taken;
            open_loss -= taken;
        }
    }
    let account = state.accounts.get(id);
    let owed = account.claim(market).map_or(Amount::ZERO, |held| held.debt.principal);
    if !(owed + open_loss).is_zero() {
        let loans = account.loans.iter().map(|loan| crate::credit::owed(state, loan)).sum();
        let pays = health::gross(state, account) + queue::held(state, id);
        round.backed += (owed + open_loss).min(pays.saturating_sub(loans));
    }
}

fn loss_now(state: &State, market: MarketId, position: &Position) -> Amount {
    let Some(price) = state.markets.get(market).prices.risk else { return Amount::ZERO };
    position.pnl(price).negative_part()
}

/// Takes what a losing position can pay, and in need what it cannot; its cost moves by what was booked.
fn collect_loss(
    state: &mut State,
    out: &mut Outcome,
    market: MarketId,
    id: AccountId,
    loss: Amount,
) -> Amount {
    let mut plan = settlement::plan(state, id, market, -loss.dollars());
    if state.markets.get(market).claims.unpaid().is_zero() {
        plan.loan = None;
        plan.debt = Amount::ZERO;
    }
    let loan = plan.loan.map_or(Amount::ZERO, |(_, amount)| amount);
    let taken = plan.set_off + plan.cash + plan.waiting + plan.debt + loan;
    if taken.is_zero() {
        return taken;
    }
    #[cfg(feature = "verify")]
    let before = health::maintenance(state, id);
    position::realise_open(state, id, market, -taken.dollars());
    settlement::execute(state, out, id, market, plan, Reason::VariationMargin);
    #[cfg(feature = "verify")]
    {
        // A debt or loan is kept by its index, rounded up: two wei at most.
        let after = health::maintenance(state, id);
        assert!(
            before.saturating_sub(Usd::from_wei(4)) <= after,
            "R13: account {id} had health {before}, has {after}"
        );
    }
    taken
}

fn end(state: &mut State, out: &mut Outcome, market: MarketId, round: Round) {
    // The house is nobody's member: its claims are visited here, before their cohorts are forgotten.
    settlement::collect_house(state, out, market);
    let record = state.markets.get_mut(market);
    record.rounds.running = None;
    record.claims.end_round();
    let owned = Wide::from_amount(record.money.pool()).plus(round.backed.dollars());
    let claimed = Wide::from_amount(record.claims.unpaid()).plus(round.profit.dollars());
    let backing = if claimed == Wide::ZERO || !record.params.variation_margin {
        Ratio::ONE
    } else {
        Wide::ratio_of(owned, claimed).min(Ratio::ONE)
    };
    record.backing = backing;
    record.backing_high = record.backing_high.max(backing);
    // Assessments leave 1 % for a fall of h; beyond that everybody who counts on it is looked at.
    let fell = backing < record.backing_high.mul_down(Ratio::percent(99)).unwrap_or(Ratio::ZERO);
    if fell {
        record.backing_high = backing;
    }
    if !round.collected.is_zero() {
        out.event(Event::VariationMarginCollected {
            market,
            price: round.price,
            collected: round.collected,
            positions: round.visited,
        });
    }
    let unclamped = record.params.funding_clamp.is_none();
    funding::charge(state, out, market, round.rate);
    depth::recentre(state, out, market);
    depth::adjust(state, out, market, &round);
    // So is everybody after a charge that no clamp bounds.
    if fell || unclamped {
        let members: Vec<AccountId> = state.members(market).iter().collect();
        state.index.look_at(members);
    }
}
