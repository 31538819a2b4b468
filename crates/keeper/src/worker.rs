//! One keeper: it says that it is up, has orders carried out, and reports what auctions gave.
//!
//! - It delivers what it is asked for after its own latency, unless others' transaction is on its way.
//! - It reports once all of a task's auctions on a chain are over, or half of the time for it has passed; first a
//!   commitment, in the next block the report. What ends later is reported anew.

use crate::{Assignment, LetterId, Post, Reader};
use ballast_engine::State;
use ballast_engine::liquidation::RunState;
use ballast_spoke::Spoke;
use ballast_types::{Address, ChainId, Command, Hash, KeeperId, Nonce, TaskId, digest};
use ballast_units::{Millis, Time};
use std::collections::BTreeSet;

/// What its endpoint does not know yet is looked at again after this.
const AGAIN: Millis = Millis::seconds(2);

/// A keeper's program.
#[derive(Clone, Debug)]
pub struct Worker {
    keeper: KeeperId,
    wallet: Address,
    latency: Millis,
    secret: Hash,
    beat: Option<Time>,
    deliveries: BTreeSet<(Time, ChainId, Nonce)>,
    letters: BTreeSet<(Time, LetterId)>,
    reports: BTreeSet<(Time, TaskId, ChainId)>,
    reveals: Vec<Report>,
}

/// What a keeper says that a task's auctions on a chain gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose report.
    pub keeper: KeeperId,
    /// Of which task.
    pub task: TaskId,
    /// On which chain.
    pub chain: ChainId,
    /// What it gave.
    pub result: Hash,
    /// Read at which block.
    pub block: Hash,
    salt: Hash,
}

impl Worker {
    /// A keeper's program that needs `latency` from seeing to acting, and pays from `wallet`. `secret` makes its
    /// commitments unguessable.
    #[must_use]
    pub const fn new(keeper: KeeperId, wallet: Address, latency: Millis, secret: Hash) -> Self {
        Self {
            keeper,
            wallet,
            latency,
            secret,
            beat: None,
            deliveries: BTreeSet::new(),
            letters: BTreeSet::new(),
            reports: BTreeSet::new(),
            reveals: Vec::new(),
        }
    }

    /// Says that it is up, where the time for it has come.
    pub fn beat(&mut self, state: &State, now: Time, out: &mut Vec<Command>) {
        if self.beat.is_some_and(|next| now < next) {
            return;
        }
        let record = state.keepers.find(self.keeper);
        if record.is_none_or(|record| record.suspended.is_some() || is_barred(state, record)) {
            return;
        }
        self.beat = Some(now.after(state.house.keepers.params.heartbeat));
        out.push(Command::Heartbeat { keeper: self.keeper });
    }

    /// It is asked for something at `now`.
    pub fn ask(&mut self, assignment: Assignment, now: Time) {
        let due = now.after(self.latency);
        match assignment {
            Assignment::Deliver(chain, nonce) => {
                self.deliveries.insert((due, chain, nonce));
            }
            Assignment::Report(task, chain) => {
                if !self.reports.iter().any(|(_, known, at)| (*known, *at) == (task, chain)) {
                    self.reports.insert((due, task, chain));
                }
            }
        }
    }

    /// Sends what it has to deliver by `now`.
    pub fn deliver<S: Spoke>(&mut self, post: &mut Post, chains: &mut [S], now: Time) {
        while let Some((at, chain, nonce)) = self.deliveries.first().copied().filter(|(at, ..)| *at <= now) {
            self.deliveries.remove(&(at, chain, nonce));
            if let Some(letter) = post.with(chain, nonce) {
                self.letters.insert((now, letter));
            }
        }
        while let Some((at, letter)) = self.letters.first().copied().filter(|(at, _)| *at <= now) {
            self.letters.remove(&(at, letter));
            if let Some(later) = post.send(letter, Some(self.wallet), chains, now) {
                self.letters.insert((later.max(now.after(Millis::new(1))), letter));
            }
        }
    }

    /// Commits to what it has read by `now`, and shows what it committed to before. `said` may change what it
    /// says: an honest keeper says what it read.
    pub fn report(
        &mut self,
        reader: &Reader,
        state: &State,
        now: Time,
        said: &mut dyn FnMut(TaskId, ChainId, Hash) -> Hash,
        out: &mut Vec<Command>,
    ) -> Vec<Report> {
        let shown = std::mem::take(&mut self.reveals);
        for Report { keeper, task, chain, result, block, salt } in shown.iter().copied() {
            out.push(Command::RevealReport { keeper, task, chain, result, block, salt });
        }
        while let Some((at, task, chain)) = self.reports.first().copied().filter(|(at, _, _)| *at <= now) {
            self.reports.remove(&(at, task, chain));
            match self.read(reader, state, task, chain, now) {
                Reading::Nothing => {}
                Reading::Later(later) => {
                    self.reports.insert((later, task, chain));
                }
                Reading::Report(result, block) => {
                    let result = said(task, chain, result);
                    let keeper = self.keeper;
                    let number = task.0.to_be_bytes();
                    let salt = digest::keccak(&[&self.secret.0, &number, &chain.0.to_be_bytes(), &block.0]);
                    let commit = digest::report_commit(result, block, keeper, salt);
                    out.push(Command::CommitReport { keeper, task, chain, commit });
                    self.reveals.push(Report { keeper, task, chain, result, block, salt });
                }
            }
        }
        shown
    }

    fn read(&self, reader: &Reader, state: &State, task: TaskId, chain: ChainId, now: Time) -> Reading {
        if state.keepers.find(self.keeper).is_none_or(|record| is_barred(state, record)) {
            return Reading::Nothing;
        }
        let Some(round) = state.rounds.find(task) else { return Reading::Nothing };
        let Some(job) = round.jobs.iter().find(|job| job.chain == chain) else { return Reading::Nothing };
        let Some(last) = job.ended.last() else { return Reading::Nothing };
        let is_mine = |one: &&ballast_engine::keeper::report::Report| one.keeper == self.keeper;
        if job.reports.iter().filter(is_mine).any(|one| one.block == last.version) {
            return Reading::Nothing;
        }
        let committed = job.commits.iter().any(|one| one.keeper == self.keeper);
        let patience = Millis::new(state.house.keepers.params.report_within.get() / 2);
        let hurry = job.until.is_none_or(|until| until <= now.after(patience));
        if committed || (!hurry && is_selling(state, task, chain)) {
            return Reading::Later(now.after(AGAIN));
        }
        let ended: Vec<_> = job.ended.iter().map(|ended| (ended.lot, ended.version)).collect();
        match reader.report(task, chain, &ended) {
            Some(result) => Reading::Report(result, last.version),
            None if job.until.is_some_and(|until| until <= now) => Reading::Nothing,
            None => Reading::Later(now.after(AGAIN)),
        }
    }
}

/// Nothing is asked of it any more.
fn is_barred(state: &State, record: &ballast_engine::keeper::Keeper) -> bool {
    state.barred.find(record.operator).is_some()
}

enum Reading {
    Nothing,
    Later(Time),
    Report(Hash, Hash),
}

/// An auction of the task on the chain is not over.
fn is_selling(state: &State, task: TaskId, chain: ChainId) -> bool {
    let lots = state.tasks.find(task).into_iter().flat_map(|task| &task.lots);
    let lots = lots.filter_map(|lot| state.lots.find(*lot)).filter(|lot| lot.token.chain == chain);
    lots.flat_map(|lot| &lot.runs).any(|run| run.state != RunState::Over)
}
