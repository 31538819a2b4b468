//! One block: observations, prices, risk and slices, commands, rounds, risk again, liquidations, payouts of claims,
//! orders, hash (R24).
//!
//! Whoever the block's prices make fail is locked before the block's commands, and positions are closed before them
//! too: liquidations have the guards' room first (R7).

use crate::liquidation::{self, Cause};
use crate::market::{depth, position, price, round, settlement};
use crate::risk::{health, index};
use crate::state::{BlockPart, Outcome, Refused, State};
use crate::table::RowId;
use crate::warm::{self, GROUP};
use crate::{
    Engine, attest, credit, custody, fees, govern, hash, keeper, ledger, measures, oracle, orders, waterfall,
};
use ballast_types::{
    AccountId, Action, Block, Command, Event, Layer, LedgerAccount, MarketId, Reason, Reject,
};
use ballast_units::{Amount, Time, Usd};

impl Engine {
    /// Applies a block. What cannot be done is refused in `out`, and changes nothing.
    ///
    /// # Panics
    /// If the block is not the next one, or lies before the last: the caller mixed up its log.
    pub fn apply(&mut self, block: &Block, out: &mut Outcome) {
        self.apply_in_stages(block, out, &mut |_| {});
    }

    /// As [`Engine::apply`], telling how far it has come: for whoever measures where a block's time goes.
    ///
    /// # Panics
    /// As [`Engine::apply`].
    pub fn apply_in_stages(&mut self, block: &Block, out: &mut Outcome, done: &mut impl FnMut(BlockStage)) {
        out.clear();
        let state = &mut self.state;
        let next = state.house.height.0.saturating_add(1);
        assert_eq!(block.height.0, next, "R24: the next block is {next}");
        assert!(state.house.time <= block.time, "R24: block {next} lies before the last one");
        state.house.height = block.height;
        state.house.time = block.time;

        credit::accrue_all(state);
        for (number, observation) in (0..).zip(&block.observations) {
            let done = custody::observe(state, out, observation);
            refuse(out, BlockPart::Observation, number, done);
        }
        for (number, report) in (0..).zip(&block.prices) {
            let done = oracle::report(state, report);
            refuse(out, BlockPart::Price, number, done);
        }
        oracle::settle(state, out);
        let markets: Vec<MarketId> = state.markets.ids().collect();
        for market in &markets {
            refresh(state, *market);
        }
        for (number, report) in (0..).zip(&block.depths) {
            let done = measures::depth(state, report);
            refuse(out, BlockPart::Depth, number, done);
        }
        for (number, report) in (0..).zip(&block.costs) {
            let done = measures::cost(state, report);
            refuse(out, BlockPart::Cost, number, done);
        }
        detect(state, out, &mut self.candidates);
        done(BlockStage::Queued);
        liquidation::slice_open(state, out);
        done(BlockStage::Sliced);
        let mut number = 0_u32;
        for group in block.commands.chunks(GROUP) {
            warm::records(state, group.iter().filter_map(warm::names));
            warm::members(state, group);
            for command in group {
                let done = execute(state, out, command);
                refuse(out, BlockPart::Command, number, done);
                number = number.saturating_add(1);
            }
        }
        done(BlockStage::Commanded);
        for market in &markets {
            round::step(state, out, *market);
        }
        fees::split(state, out);
        liquidation::overdue(state, out);
        detect(state, out, &mut self.candidates);
        let found = out.events.len();
        liquidation::step(state, out);
        keeper::step(state, out, block.seed);
        for market in &markets {
            liquidation::positions::work_off_backstop(state, out, *market);
        }
        waterfall::suspend(state, out);
        let liquidated = out.events.len() != found;
        for market in &markets {
            settlement::pay_claims(state, out, *market);
        }
        let paid = out.events.len();
        waterfall::expire(state, out);
        custody::par::step(state, out);
        custody::queue::step(state, out);
        orders::step(state, out);
        if liquidated || out.events.len() != paid {
            // A liquidation reaches others: suspended claims, deleveraged positions. Whoever it changed is looked
            // at again; what they then need begins in the next block.
            detect(state, out, &mut self.candidates);
        }
        done(BlockStage::Liquidated);
        #[cfg(feature = "verify")]
        crate::invariants::check(state);
        crate::invariants::check_cheap(state);
        out.roots = attest::roots(out);
        out.state_hash = hash::seal(state, &mut self.sealed);
    }

    /// When the clock alone brings something next: a block is worth having then.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        let now = self.state.now();
        let rounds = self
            .state
            .markets
            .iter()
            .map(|(_, market)| if market.rounds.running.is_some() { now } else { market.rounds.next });
        let others = [
            liquidation::next_due(&self.state),
            waterfall::next_due(&self.state),
            orders::next_due(&self.state),
            keeper::book::next_due(&self.state),
            custody::queue::next_due(&self.state),
        ];
        rounds.chain(others.into_iter().flatten()).min()
    }
}

/// How far a block has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockStage {
    /// Everybody whom the block's facts and prices made fail is locked, has H0, and stands in the queue of tasks.
    Queued,
    /// Positions of open tasks were closed as far as this block's room goes.
    Sliced,
    /// Commands were carried out.
    Commanded,
    /// All but the state hash is done.
    Liquidated,
}

fn refuse(out: &mut Outcome, part: BlockPart, number: u32, done: Result<(), Reject>) {
    if let Err(reject) = done {
        out.rejects.push(Refused { part, number, reject });
    }
}

/// Brings a market to the block's time and index, before the block's commands.
fn refresh(state: &mut State, market: MarketId) {
    let now = state.now();
    let record = state.markets.get(market);
    let Some(mark) = record.prices.last_mark else { return };
    let window = record.params.move_window;
    state.markets.get_mut(market).window.advance(now, window, mark);
    depth::observe(state, market);
    price::refresh(state, market);
}

/// One line a command: decide, then act.
fn execute(state: &mut State, out: &mut Outcome, command: &Command) -> Result<(), Reject> {
    match *command {
        Command::OpenAccount { owner } => custody::open_account(state, out, owner).map(|_| ()),
        Command::RegisterAddress { account, chain, address } => {
            custody::register_address(state, out, account, chain, address)
        }
        Command::Trade { account, market, side, amount, limit, reduce_only } => {
            let ask = position::Ask { account, market, side, amount, limit, reduce_only };
            position::plan(state, ask).map(|plan| position::execute(state, out, plan))
        }
        Command::ClosePosition { account, market, limit } => {
            position::plan_close(state, account, market, limit)
                .map(|plan| position::execute(state, out, plan))
        }
        Command::RequestWithdrawal { account, token, amount } => {
            custody::plan_withdrawal(state, account, token, amount)
                .map(|plan| custody::execute_withdrawal(state, out, plan))
        }
        Command::Lend { account, chain, amount } => credit::plan_lend(state, account, chain, amount)
            .map(|plan| credit::execute_lend(state, out, plan)),
        Command::Redeem { account, chain, amount } => credit::plan_redeem(state, account, chain, amount)
            .map(|plan| credit::execute_redeem(state, out, plan)),
        Command::Borrow { account, chain, amount } => credit::plan_borrow(state, account, chain, amount)
            .map(|plan| credit::execute_borrow(state, out, plan)),
        Command::Repay { account, chain, amount } => credit::plan_repay(state, account, chain, amount)
            .map(|plan| credit::execute_repay(state, out, plan)),
        Command::Contribute { account, layer, amount } => contribute(state, out, account, layer, amount),
        Command::LiquidateAccount { account } => liquidate(state, out, account),
        Command::Govern(ref change) => govern::execute(state, out, change),
        Command::RegisterKeeper { account, operator, region, cores, memory, signer, stake } => {
            let offer = keeper::registry::Offer { account, operator, region, cores, memory, signer, stake };
            keeper::registry::plan(state, offer).map(|plan| keeper::registry::execute(state, out, plan))
        }
        Command::StakeKeeper { keeper, amount } => keeper::stake::add(state, out, keeper, amount),
        Command::UnstakeKeeper { keeper, amount } => keeper::stake::ask_back(state, out, keeper, amount),
        Command::Heartbeat { keeper } => keeper::registry::heartbeat(state, keeper),
        Command::CommitReport { keeper, task, chain, commit } => {
            keeper::report::commit(state, out, keeper, task, chain, commit)
        }
        Command::RevealReport { keeper, task, chain, result, block, salt } => {
            let shown = keeper::report::Shown { keeper, task, chain, result, block, salt };
            keeper::report::reveal(state, out, shown)
        }
        Command::WithdrawSuspense { account, token } => {
            custody::withdraw_suspense(state, out, account, token)
        }
        Command::CancelWithdrawal { account, token } => custody::queue::cancel(state, out, account, token),
        Command::RefuseToken { account, token, refused } => {
            custody::refuse(state, out, account, token, refused)
        }
        Command::EnterSafeMode => {
            oracle::enter_safe_mode(state, out);
            Ok(())
        }
    }
}

/// Cash of an account into a layer of the waterfall.
fn contribute(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    layer: Layer,
    amount: Amount,
) -> Result<(), Reject> {
    let to = match layer {
        Layer::Float => LedgerAccount::Float,
        Layer::Budget(market) => {
            state.markets.find(market).ok_or(Reject::UnknownMarket { market })?;
            LedgerAccount::Budget(market)
        }
        Layer::Tranche(scope) => {
            waterfall::check_scope(state, scope)?;
            LedgerAccount::Tranche(scope)
        }
    };
    custody::check_cash_out(state, account, amount)?;
    ledger::pay(state, out, LedgerAccount::Cash(account), to, amount, Reason::Contribution);
    out.event(Event::Contributed { account, layer, amount });
    Ok(())
}

fn liquidate(state: &mut State, out: &mut Outcome, account: AccountId) -> Result<(), Reject> {
    let record = state.accounts.find(account).ok_or(Reject::UnknownAccount { account })?;
    if record.task.is_some() {
        return Err(Reject::AccountLocked { account });
    }
    let health = health::maintenance(state, account);
    if !health.is_negative() || is_house(state, account) {
        return Err(Reject::AccountHealthy { account, health });
    }
    if let Some(error) = liquidatable(state, account).err() {
        return Err(error);
    }
    liquidation::open(state, out, account, Cause::Health);
    Ok(())
}

/// The house's own accounts, the backstops, are opened first; their losses are their markets'.
pub(crate) fn is_house(state: &State, account: AccountId) -> bool {
    account.row() < state.markets.len()
}

/// Finds accounts whose health is below zero and locks them, worst first.
fn detect(state: &mut State, out: &mut Outcome, candidates: &mut Vec<AccountId>) {
    candidates.clear();
    candidates.extend_from_slice(state.accounts.changed());
    let prices = index::Prices { assets: &state.assets, markets: &state.markets, now: state.house.time };
    state.index.take_fired(&prices, candidates);
    candidates.sort_unstable();
    candidates.dedup();
    let mut failing: Vec<(Usd, AccountId)> = Vec::new();
    let pace = index::Pace::of(state);
    for group in candidates.chunks(GROUP) {
        warm::records(state, group.iter().copied());
        state.index.warm(group);
        for account in group.iter().copied() {
            if let Some(task) = state.accounts.get(account).task {
                liquidation::outlook::watch(state, account, task, pace);
                continue;
            }
            if is_house(state, account) {
                continue;
            }
            let found = index::register(state, account, pace);
            if found.health.is_negative() {
                failing.push((found.health, account));
            }
        }
    }
    failing.sort_unstable();
    for (_, account) in failing {
        if liquidatable(state, account).is_ok() {
            liquidation::open(state, out, account, Cause::Health);
            state.index.forget(account);
        } else {
            // Nobody is liquidated on a price that the oracle does not stand by: looked at every block.
            state.index.look_at([account]);
        }
    }
}

/// Every price that the account's health rests on allows liquidation, and there is something that could be sold or pay. What has no
/// usable price at all counts nothing, and holds up nothing.
pub(crate) fn liquidatable(state: &State, account: AccountId) -> Result<(), Reject> {
    let record = state.accounts.get(account);
    let mut dead = None;
    let mut has_means = !record.positions.is_empty() || !health::cash(state, record).is_zero();
    for holding in state.collateral(record) {
        if !oracle::matters(state, holding.token, holding.amount + holding.pending) {
            continue;
        }
        match oracle::allows(state, holding.token.asset, Action::Liquidate) {
            Ok(_) => has_means = true,
            Err(reject) if oracle::is_dead(state, holding.token.asset) => dead = Some(reject),
            Err(reject) => return Err(reject),
        }
    }
    for position in &record.positions {
        oracle::allows(state, state.markets.get(position.market).asset, Action::Liquidate)?;
    }
    match dead {
        Some(reject) if !has_means => Err(reject),
        Some(_) | None => Ok(()),
    }
}
