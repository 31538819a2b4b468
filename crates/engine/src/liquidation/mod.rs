//! Liquidation: close an account that is worth less than its maintenance margin.
//!
//! - When: H_M < 0 at the risk price; or a settlement debt is older than its grace; or a deposit disappeared.
//! - Way: positions first (`positions`, `deleverage`), then collateral in lots (`collateral`, `selling`, `joint`), whose proceeds pay
//!   debts, fee and owner (`distribute`); what nobody paid goes down the waterfall.
//! - Order: positions before the block's commands ([`slice_open`]), so that no trade of the same block can use up the
//!   guards' room; everything else after them ([`step`]), so that a repayment of the same block counts.
//! - Ends: H_M >= 0, or nothing left to sell. The account is locked until then: deposits and repayments alone.
//! - Rounds: against the liquidated account, always.
//! - Frozen: a lot of which a chain told something that value is missing by (`frozen`); its task goes on with the rest.
//! - Keeps: I01 (conservation), I08 (a loss is all in the books).
//! - Costs: a block looks only at tasks that something happened to; one whose lots are out sleeps until a lot
//!   ends, a take is final, somebody touches its account, or its lots are not enough any more (`outlook`).

pub(crate) mod collateral;
mod costs;
pub mod deleverage;
pub(crate) mod distribute;
mod frozen;
mod joint;
mod lot;
mod need;
mod outflow;
pub(crate) mod outlook;
pub(crate) mod path;
pub(crate) mod positions;
mod queue;
mod selling;
mod told;

use crate::attest;
use crate::custody::{self, queue as withdrawals};
use crate::ledger::{USD, balance};
use crate::market::settlement;
use crate::risk::health;
use crate::state::{Outcome, State};
use crate::table::Register;
use crate::waterfall::Absorbed;
use ballast_types::{AccountId, ChainId, Event, Hash, LedgerAccount, LotId, MarketId, TaskId, Token};
use ballast_units::{Amount, Price, Time, Usd};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeSet;

use outlook::Outlook;

pub use costs::Costs;
pub use frozen::Freeze;
pub use joint::{OnItsWay, Transit};
pub use lot::{After, Ending, Lot, LotStage, Part, Run, RunState, Taking};
pub use outflow::Passed;
pub use path::Path;

pub(crate) use frozen::resolve;
pub(crate) use joint::{
    arrival_dropped, arrival_seen, arrived_final, bridge_expired, is_arriving, left_final,
};
pub(crate) use lot::Told;
pub(crate) use path::trust_again;
pub(crate) use told::{
    cancel_expired, end_dropped, end_final, end_seen, rebase, start_expired, started, take_dropped,
    take_final, take_seen, void, wants,
};

/// Why a task was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Cause {
    /// Health below zero.
    Health,
    /// Settlement debt older than its grace: sells collateral for exactly that, without fee.
    Settlement,
    /// A deposit that the account relied on disappeared from this chain: settlement debt that stays uncovered is
    /// the chain's loss first (R9).
    Reorg(ChainId),
}

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Stage {
    /// Positions are being closed; every block.
    Positions,
    /// To be decided in the next step: sell, wait for a price or finality, write off, or end.
    Collateral,
    /// Lots are out; nothing to do until something happens to them or to the account.
    Selling,
}

/// One liquidation.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Task {
    /// Whose.
    pub account: AccountId,
    /// When detected.
    pub opened: Time,
    /// Why.
    pub cause: Cause,
    /// How far it has come.
    pub stage: Stage,
    /// Blocks in which slices were tried.
    pub slices: u8,
    /// H0: hash of the account before.
    pub before: Hash,
    /// Its lots, ascending.
    pub lots: Vec<LotId>,
    /// Dollars paid by takers, not yet distributed (ledger).
    pub proceeds: Amount,
    /// Distributed so far.
    pub repaid: Repaid,
    /// What its orders cost.
    pub costs: Costs,
    /// Dollars that its collateral brought, final.
    pub brought: Amount,
    /// What of it was sold for that, dollars at index when it was put up for sale.
    pub worth: Amount,
    /// What the treasury has made good of market makers' rebates: the fee pays it back first.
    pub rebates: Amount,
    /// What the waterfall paid for it, by scope: a lot that brings more than expected gives it back.
    pub absorbed: Vec<Absorbed>,
}

/// Where proceeds went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Repaid {
    /// Principal of loans.
    pub principal: Amount,
    /// Interest of loans.
    pub interest: Amount,
    /// Settlement debts.
    pub settlement: Amount,
    /// Liquidation fee.
    pub fee: Amount,
    /// To the owner.
    pub returned: Amount,
    /// Nobody paid it: went down the waterfall.
    pub shortfall: Amount,
}

impl Repaid {
    /// Debt repaid from collateral.
    #[must_use]
    pub fn debt(&self) -> Amount {
        self.principal + self.interest + self.settlement
    }
}

/// Derived: which tasks and lots a block has to look at. What it leaves out would change nothing.
#[derive(Clone, Debug, Default)]
pub struct Agenda {
    /// Tasks that are not asleep.
    awake: BTreeSet<TaskId>,
    /// Queued lots by token, worst health first.
    queued: BTreeSet<(Token, Usd, LotId)>,
    /// Of these, those that were never offered, by the time since when they are.
    fresh: BTreeSet<(Time, LotId)>,
    /// Running auctions by token and floor.
    floors: BTreeSet<(Token, Price, LotId)>,
    /// Warehoused lots by the time of their next offer.
    warehoused: BTreeSet<(Time, LotId)>,
    /// Joint lots that others may join, by the time until when.
    gathering: BTreeSet<(Time, LotId)>,
    /// Frozen lots by the time when their chain's figures stand.
    thaws: BTreeSet<(Time, LotId)>,
    /// Bridged collateral that has not come whole, by the time when what has come stands.
    arrivals: BTreeSet<(Time, joint::Key)>,
}

impl Agenda {
    /// Rebuilds it.
    pub(crate) fn of(
        tasks: &Register<TaskId, Task>,
        lots: &Register<LotId, Lot>,
        transits: &Register<joint::Key, Transit>,
    ) -> Self {
        let awake = tasks.iter().filter(|(_, task)| task.is_awake()).map(|(id, _)| id).collect();
        let mut agenda = Self { awake, ..Self::default() };
        for (id, lot) in lots.iter() {
            agenda.add(id, lot);
            let thaws = lot.frozen.iter().filter_map(|freeze| freeze.until);
            agenda.thaws.extend(thaws.map(|until| (until, id)));
        }
        agenda.arrivals = transits.iter().filter_map(|(key, transit)| Some((transit.due?, key))).collect();
        agenda
    }

    fn add(&mut self, id: LotId, lot: &Lot) {
        match lot.stage {
            // Offered again once it is frozen no more.
            LotStage::Queued | LotStage::Warehoused(_) if lot.is_frozen() => {}
            LotStage::Queued => {
                self.queued.insert((lot.token, lot.health, id));
                if lot.is_fresh() {
                    self.fresh.insert((lot.since, id));
                }
            }
            LotStage::Offered(auction) => {
                self.floors.insert((lot.token, auction.floor, id));
            }
            LotStage::Warehoused(at) => {
                self.warehoused.insert((at, id));
            }
            LotStage::Gathering(until) => {
                self.gathering.insert((until, id));
            }
            LotStage::Ending { .. } | LotStage::Over(_) | LotStage::Ended(_) | LotStage::Bridging { .. } => {}
        }
    }

    fn remove(&mut self, id: LotId, lot: &Lot) {
        match lot.stage {
            LotStage::Queued => {
                self.queued.remove(&(lot.token, lot.health, id));
                self.fresh.remove(&(lot.since, id));
            }
            LotStage::Offered(auction) => {
                self.floors.remove(&(lot.token, auction.floor, id));
            }
            LotStage::Warehoused(at) => {
                self.warehoused.remove(&(at, id));
            }
            LotStage::Gathering(until) => {
                self.gathering.remove(&(until, id));
            }
            LotStage::Ending { .. } | LotStage::Over(_) | LotStage::Ended(_) | LotStage::Bridging { .. } => {}
        }
    }
}

impl Task {
    /// A step has to look at it. One for settlement debt is watched: its account still has positions.
    fn is_awake(&self) -> bool {
        self.stage != Stage::Selling || self.cause == Cause::Settlement
    }
}

/// Locks an account and opens its task. Without effect on one that is locked, but a task for settlement debt
/// becomes one for health where that is the new cause.
pub(crate) fn open(state: &mut State, out: &mut Outcome, account: AccountId, cause: Cause) -> TaskId {
    if let Some(task) = state.accounts.get(account).task {
        if state.tasks.find(task).is_some_and(|task| task.cause == Cause::Settlement)
            && cause != Cause::Settlement
        {
            escalate(state, task, cause);
        }
        return task;
    }
    withdrawals::cancel_all(state, out, account);
    let id = TaskId(state.house.last_task.0.saturating_add(1));
    state.house.last_task = id;
    let stage = if cause == Cause::Settlement { Stage::Collateral } else { Stage::Positions };
    let before = attest::position(state, account);
    let task = Task {
        account,
        opened: state.now(),
        cause,
        stage,
        slices: 0,
        before,
        lots: Vec::new(),
        proceeds: Amount::ZERO,
        repaid: Repaid::default(),
        costs: Costs::default(),
        brought: Amount::ZERO,
        worth: Amount::ZERO,
        rebates: Amount::ZERO,
        absorbed: Vec::new(),
    };
    state.tasks.insert(id, task);
    out.before.push((id, before));
    state.agenda.awake.insert(id);
    state.accounts.get_mut(account).task = Some(id);
    state.index.forget(account);
    out.event(Event::AccountLocked { account, task: id, health: health::maintenance(state, account) });
    id
}

/// Opens a task for every account with a settlement debt older than its grace. A debt whose account is locked is
/// put aside until the task ends ([`close`]).
pub(crate) fn overdue(state: &mut State, out: &mut Outcome) {
    let now = state.now();
    let grace = state.house.liquidation.settlement_grace;
    let is_due = |(since, _, _): &&(Time, AccountId, MarketId)| grace <= now.since(*since);
    let due: Vec<_> = state.debtors.iter().take_while(is_due).copied().collect();
    for (since, account, market) in due {
        state.debtors.remove(&(since, account, market));
        let owes = state.accounts.get(account).claim(market).is_some_and(|held| !held.debt.scaled.is_zero());
        let is_backstop = state.markets.get(market).backstop == account;
        if !owes || is_backstop || state.accounts.get(account).task.is_some() {
            continue;
        }
        if only_pending(state, account) {
            restart_grace(state, account);
        } else {
            open(state, out, account, Cause::Settlement);
        }
    }
}

/// Nothing but deposits that are safe, not final, could pay what an account owes: no clock runs against it (R9).
pub(crate) fn only_pending(state: &State, account: AccountId) -> bool {
    let holdings = state.accounts.get(account).balances.holdings();
    !holdings.is_empty() && holdings.iter().all(|held| held.amount.is_zero())
}

/// Settlement debts of an account that is not locked count as new from now on.
pub(crate) fn restart_grace(state: &mut State, account: AccountId) {
    postpone(state, account);
    if state.accounts.get(account).task.is_none() {
        list_debts(state, account);
    }
}

/// Has the grace of an account's settlement debts watched.
fn list_debts(state: &mut State, account: AccountId) {
    for held in state.accounts.get(account).claims.iter().filter(|held| !held.debt.scaled.is_zero()) {
        state.debtors.insert((held.debt.since, account, held.market));
    }
}

/// When the clock alone brings something to liquidations: now, while a task is at work; else the next offer of a
/// warehoused lot, the end of a new lot's wait for depth, or the end of a settlement debt's grace.
pub(crate) fn next_due(state: &State) -> Option<Time> {
    let at_work = |id: &TaskId| state.tasks.find(*id).is_some_and(|task| task.stage != Stage::Selling);
    if state.agenda.awake.iter().any(at_work) {
        return Some(state.now());
    }
    let offer = state.agenda.warehoused.first().map(|(at, _)| *at);
    let joint = state.agenda.gathering.first().map(|(until, _)| *until);
    let thaw = state.agenda.thaws.first().map(|(until, _)| *until);
    let arrival = state.agenda.arrivals.first().map(|(until, _)| *until);
    let grace = state.house.liquidation.settlement_grace;
    let overdue = state.debtors.first().map(|(since, _, _)| since.after(grace));
    let wait = state.house.liquidation.depth_wait;
    // Who has waited longer waits for something else.
    let mut deadlines = state.agenda.fresh.iter().map(|(since, _)| since.after(wait));
    let deep = deadlines.find(|until| state.now() < *until);
    offer.into_iter().chain(joint).chain(thaw).chain(arrival).chain(deep).chain(overdue).min()
}

/// Closes positions of open tasks, worst health first, before the block's commands: liquidations have the guards' room
/// before user trades (R7). What their collateral needs is decided after the commands.
pub(crate) fn slice_open(state: &mut State, out: &mut Outcome) {
    for (_, id) in by_health(state, |task| task.stage == Stage::Positions) {
        slice(state, out, id);
    }
}

fn slice(state: &mut State, out: &mut Outcome, id: TaskId) -> positions::PositionsStep {
    let done = positions::step(state, out, id);
    if done == positions::PositionsStep::Done {
        set_stage(state, id, Stage::Collateral);
    }
    done
}

/// What a block brings to open tasks, worst health first; then the room under the auction caps is given out.
pub(crate) fn step(state: &mut State, out: &mut Outcome) {
    if !state.tasks.is_empty() {
        wake_touched(state);
        selling::restart(state, out);
        for (health, id) in by_health(state, |_| true) {
            work(state, out, id, health);
        }
        queue::offer_queued(state, out);
    }
}

/// A deposit or repayment may have restored a locked account.
fn wake_touched(state: &mut State) {
    let accounts = &state.accounts;
    let touched: Vec<TaskId> = accounts.changed().iter().filter_map(|id| accounts.get(*id).task).collect();
    for task in touched {
        wake(state, task);
    }
}

/// Terms changed: every task is looked at again.
pub(crate) fn wake_all(state: &mut State) {
    let tasks: Vec<TaskId> = state.tasks.iter().map(|(id, _)| id).collect();
    for task in tasks {
        wake(state, task);
    }
}

fn by_health(state: &State, asked: impl Fn(&Task) -> bool) -> Vec<(Usd, TaskId)> {
    let health_of = |id: &TaskId| {
        let task = state.tasks.find(*id).expect("the agenda names open tasks");
        asked(task).then(|| (health::maintenance(state, task.account), *id))
    };
    let mut order: Vec<(Usd, TaskId)> = state.agenda.awake.iter().filter_map(health_of).collect();
    order.sort_unstable();
    order
}

fn work(state: &mut State, out: &mut Outcome, id: TaskId, health: Usd) {
    let task = state.tasks.find(id).expect("the agenda names open tasks");
    if task.cause == Cause::Settlement && health.is_negative() {
        escalate(state, id, Cause::Health);
    }
    match state.tasks.find(id).expect("found above").stage {
        // Opened after the commands, or turned into one for health just now: the others had this block's slice.
        Stage::Positions if state.tasks.find(id).is_some_and(|task| task.slices == 0) => {
            if slice(state, out, id) == positions::PositionsStep::Done {
                decide(state, out, id);
            }
        }
        Stage::Positions => {}
        Stage::Collateral => decide(state, out, id),
        // A task for settlement debt that is only watched.
        Stage::Selling => {}
    }
}

/// A task that is past its positions: sells, waits, writes off or ends.
fn decide(state: &mut State, out: &mut Outcome, id: TaskId) {
    let account = state.tasks.find(id).expect("the caller found it").account;
    settlement::collect(state, out, account);
    let mut standing = Standing::of(state, id);
    let mut is_covered = standing.is_covered(state, id);
    if is_covered {
        selling::cancel(state, out, id);
    }
    if selling::is_selling(state, id) {
        let is_settled = state.tasks.find(id).is_some_and(|task| task.cause == Cause::Settlement);
        if !is_covered && !is_settled && Outlook::of(state, id, &standing).is_short() {
            sell(state, out, id, &standing);
        }
        return set_stage(state, id, Stage::Selling);
    }
    if !is_covered {
        pay_with_own_coins(state, out, account, standing.owed);
    }
    if !is_covered && distribute::pay_from_cash(state, out, id) {
        standing = Standing::of(state, id);
        is_covered = standing.is_covered(state, id);
    }
    if is_covered {
        selling::cancel(state, out, id);
        return close(state, out, id);
    }
    match sell(state, out, id, &standing) {
        collateral::Plan::Sell(_) => set_stage(state, id, Stage::Selling),
        // Looked at again in every block.
        collateral::Plan::Wait => {}
        collateral::Plan::Nothing => give_up(state, out, id),
    }
}

/// A coin that its chain's takes are paid in is never auctioned for itself: it becomes cash at what it is worth, as far as debts
/// need it.
fn pay_with_own_coins(state: &mut State, out: &mut Outcome, account: AccountId, owed: Amount) {
    for chain in state.chains.ids() {
        let lacks = owed.saturating_sub(custody::spendable(state, account));
        custody::par::pay_with_own_coins(state, out, account, chain, lacks);
    }
    settlement::collect(state, out, account);
}

/// Puts as much under auction as the account needs. Gives what was planned.
fn sell(state: &mut State, out: &mut Outcome, id: TaskId, standing: &Standing) -> collateral::Plan {
    let plan = collateral::plan(state, id, standing);
    if let collateral::Plan::Sell(lots) = &plan {
        collateral::queue(state, out, id, standing.health, lots);
    }
    plan
}

/// Nothing can be sold any more: what the task's warehoused lots are not expected to bring is a loss.
fn give_up(state: &mut State, out: &mut Outcome, id: TaskId) {
    let task = state.tasks.find(id).expect("the caller found it");
    let (account, cause) = (task.account, task.cause);
    let record = state.accounts.get(account);
    let hopes = !record.positions.is_empty() || has_claims(state, account);
    if cause == Cause::Settlement && hopes {
        // A healthy account with open positions or claims may still earn it: it has another grace.
        postpone(state, account);
    } else {
        distribute::write_off(state, out, id);
    }
    if state.tasks.find(id).expect("found above").lots.is_empty() {
        close(state, out, id);
    } else {
        set_stage(state, id, Stage::Selling);
    }
}

/// How a task stands when it decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// What its debts lack.
    pub(crate) owed: Amount,
    /// H_M of its account.
    pub(crate) health: Usd,
}

impl Standing {
    fn of(state: &State, id: TaskId) -> Self {
        let account = state.tasks.find(id).expect("the caller found it").account;
        Self { owed: distribute::lack(state, id), health: health::maintenance(state, account) }
    }

    /// Nothing is left to liquidate for: no debts, or, while lots are out, health at its target, or, with none
    /// out, health at zero.
    fn is_covered(&self, state: &State, id: TaskId) -> bool {
        let task = state.tasks.find(id).expect("the caller found it");
        // A loss was booked for what its lots were expected to bring: what they bring beyond that repays it first.
        if !task.lots.is_empty() && !distribute::owed_to_layers(state, id).is_zero() {
            return false;
        }
        if self.owed.is_zero() || task.cause == Cause::Settlement {
            return self.owed.is_zero();
        }
        let aims_higher = selling::is_selling(state, id);
        let least = if aims_higher { distribute::target(state, self.owed) } else { Amount::ZERO };
        least.dollars() <= self.health
    }
}

/// Ends a task: the account is free, and the risk index looks at it again.
fn close(state: &mut State, out: &mut Outcome, id: TaskId) {
    costs::leave_to_reserve(state, out, id);
    assert!(balance(state, LedgerAccount::Proceeds(id), USD).is_zero(), "I01: task {id} ends with proceeds");
    state.agenda.awake.remove(&id);
    let task = state.tasks.remove(id).expect("the caller found it");
    let account = task.account;
    out.after.push((id, attest::position(state, account)));
    state.accounts.get_mut(account).task = None;
    list_debts(state, account);
    state.index.look_at([account]);
    let Repaid { principal, interest, settlement, fee, returned, shortfall } = task.repaid;
    out.event(Event::TaskClosed {
        task: id,
        account,
        principal,
        interest,
        settlement,
        fee,
        returned,
        shortfall,
    });
}

/// Settlement debts count as new.
fn postpone(state: &mut State, account: AccountId) {
    let now = state.now();
    let claims = &state.accounts.get(account).claims;
    let owed: Vec<(Time, MarketId)> = claims
        .iter()
        .filter(|held| !held.debt.scaled.is_zero())
        .map(|held| (held.debt.since, held.market))
        .collect();
    for (since, market) in owed {
        state.debtors.remove(&(since, account, market));
        state.accounts.get_mut(account).claim_mut(market).debt.since = now;
    }
}

fn has_claims(state: &State, account: AccountId) -> bool {
    let record = state.accounts.get(account);
    record.claims.iter().any(|held| !settlement::standing(state, record, held.market).unpaid().is_zero())
}

fn escalate(state: &mut State, id: TaskId, cause: Cause) {
    state.tasks.find_mut(id).expect("the caller found it").cause = cause;
    set_stage(state, id, Stage::Positions);
}

/// Has a sleeping task looked at in the next step.
fn wake(state: &mut State, id: TaskId) {
    if state.tasks.find(id).is_some_and(|task| task.stage == Stage::Selling) {
        set_stage(state, id, Stage::Collateral);
    }
}

fn set_stage(state: &mut State, id: TaskId, stage: Stage) {
    let task = state.tasks.find_mut(id).expect("the caller found it");
    task.stage = stage;
    let account = task.account;
    if task.is_awake() {
        state.agenda.awake.insert(id);
    } else {
        state.agenda.awake.remove(&id);
        state.index.look_at([account]);
    }
}

/// What these tasks can expect has changed: the risk index looks at their accounts again.
fn reconsider(state: &mut State, tasks: &[TaskId]) {
    let State { tasks: open, index, .. } = state;
    index.look_at(tasks.iter().filter_map(|id| Some(open.find(*id)?.account)));
}
