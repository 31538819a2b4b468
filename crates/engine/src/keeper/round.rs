//! A round: the keepers of one task, what is asked of them, and by when (R21, R22).
//!
//! - Opens with the first order that the task has on a chain. Its keepers are drawn in the next block, with that block's
//!   seed; past a deadline those who were asked are marked, and the next ones are drawn.
//! - Deadlines: to have each order carried out; to report, once all events up to the end of the task's auctions on a
//!   chain are final, counted from when that end was first seen.
//! - Ends when the task has, and every chain's reports are judged. A disputed task does not end, so its pot waits.
//! - Keeps: I01. What is in the pot leaves it when the round ends.

use super::book::Due;
use super::draw::{self, Candidate};
use super::report::{Commit, Report};
use super::{monitor, registry, report, reward};
use crate::state::{Outcome, State};
use ballast_types::{
    ChainId, Duty, Event, Grade, Hash, Height, KeeperId, LotId, Misdeed, Nonce, TaskId, digest,
};
use ballast_units::{Amount, Price, Time, WAD};
use borsh::{BorshDeserialize, BorshSerialize};

/// The keepers of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Round {
    /// In order of drawing, earlier draws first.
    pub members: Vec<Member>,
    /// What is asked for, chain by chain, ascending.
    pub jobs: Vec<Job>,
    /// Draws made.
    pub draws: u8,
    /// A draw is made with the seed of a block after this one.
    pub waits: Option<Height>,
    /// The task has ended.
    pub over: bool,
    /// Commitments and reveals so far: their order.
    pub acts: u64,
    /// Dollars of the fee that wait here (ledger).
    pub pot: Amount,
    /// Proceeds over index at detection, as far as they came in.
    pub price: Option<Price>,
    /// When its next deadline is.
    pub due: Option<Time>,
}

/// A keeper of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Member {
    /// Which.
    pub keeper: KeeperId,
    /// When it was drawn: sets its part of the fee.
    pub grade: Grade,
    /// By which draw, from 1.
    pub draw: u8,
    /// An order was not carried out in time.
    pub late_deliver: bool,
    /// A report was not there in time.
    pub late_report: bool,
}

/// What a task asks for on one chain.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Job {
    /// Where.
    pub chain: ChainId,
    /// Orders to be carried out.
    pub orders: Vec<Asked>,
    /// Auctions that are over, in that order.
    pub ended: Vec<Ended>,
    /// So many of them are final.
    pub finals: u32,
    /// Blocks that the chain dropped, in which an auction had been over.
    pub dropped: Vec<Hash>,
    /// Everything up to the last end is final.
    pub settled: bool,
    /// Reports are in time until then.
    pub until: Option<Time>,
    /// Who is late has been marked, or nobody was.
    pub judged: bool,
    /// Not revealed yet.
    pub commits: Vec<Commit>,
    /// Revealed, in that order.
    pub reports: Vec<Report>,
}

/// An order of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Asked {
    /// Its number.
    pub nonce: Nonce,
    /// It was carried out.
    pub done: bool,
    /// To be carried out until then; `None` while nobody is asked to.
    pub due: Option<Time>,
}

/// An auction that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ended {
    /// Of which lot.
    pub lot: LotId,
    /// What the chain says it gave.
    pub result: Hash,
    /// In which block.
    pub version: Hash,
}

impl Member {
    /// It missed a deadline of the task.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.late_deliver || self.late_report
    }
}

impl Job {
    fn new(chain: ChainId) -> Self {
        Self {
            chain,
            orders: Vec::new(),
            ended: Vec::new(),
            finals: 0,
            dropped: Vec::new(),
            settled: false,
            until: None,
            judged: false,
            commits: Vec::new(),
            reports: Vec::new(),
        }
    }

    /// What a report names that knows everything.
    pub(crate) fn last_block(&self) -> Option<Hash> {
        self.ended.last().map(|ended| ended.version)
    }

    /// The last auction that was over in a block.
    fn last_of(&self, block: Hash) -> Option<usize> {
        self.ended.iter().rposition(|ended| ended.version == block)
    }

    /// A report says something else than its block, now final, gives.
    pub(crate) fn is_false(&self, task: TaskId, report: &Report) -> bool {
        let finals = usize::try_from(self.finals).unwrap_or(usize::MAX);
        let is_final = self.last_of(report.block).is_some_and(|last| last < finals);
        is_final && self.truth(task, report.block) != Some(report.result)
    }

    /// What a report read at a block must say; `None` where no auction of the task was over in that block.
    pub(crate) fn truth(&self, task: TaskId, block: Hash) -> Option<Hash> {
        let last = self.last_of(block)?;
        let results = self.ended.iter().take(last.saturating_add(1)).map(|ended| ended.result);
        Some(digest::task_report(task, self.chain, &results.collect::<Vec<_>>()))
    }

    /// The report of a keeper that is complete and true, where it has one that was revealed in time.
    pub(crate) fn complete(&self, task: TaskId, keeper: KeeperId) -> Option<&Report> {
        let block = self.last_block()?;
        let truth = self.truth(task, block)?;
        let until = self.until?;
        let fits = |one: &&Report| {
            one.keeper == keeper && one.block == block && one.result == truth && one.time <= until
        };
        self.reports.iter().find(fits)
    }

    /// The keeper reported on a block that the chain dropped.
    fn is_excused(&self, keeper: KeeperId) -> bool {
        self.reports.iter().any(|one| one.keeper == keeper && self.dropped.contains(&one.block))
    }

    /// Its reports are waited for. The ends of a task's auctions are final when it ends.
    fn is_open(&self) -> bool {
        self.settled && !self.judged && !self.ended.is_empty()
    }
}

impl Round {
    /// Keepers of the last draw.
    pub(crate) fn current(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.draw == self.draws)
    }

    pub(crate) fn job(&self, chain: ChainId) -> Option<&Job> {
        self.jobs.iter().find(|job| job.chain == chain)
    }

    pub(crate) fn job_mut(&mut self, chain: ChainId) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.chain == chain)
    }

    fn next_due(&self) -> Option<Time> {
        let orders = self.jobs.iter().flat_map(|job| &job.orders);
        let deliver = orders.filter(|order| !order.done).filter_map(|order| order.due);
        let waits = |job: &&Job| job.settled && !job.judged && self.waits.is_none();
        let report = self.jobs.iter().filter(waits).filter_map(|job| job.until);
        deliver.chain(report).min()
    }

    /// Whoever is asked to report has, completely.
    fn all_reported(&self, task: TaskId, job: &Job) -> bool {
        self.waits.is_none() && self.current().all(|member| job.complete(task, member.keeper).is_some())
    }
}

/// Changes a round, and keeps what waits for it in order.
pub(crate) fn change<T>(state: &mut State, task: TaskId, act: impl FnOnce(&mut Round) -> T) -> Option<T> {
    let round = state.rounds.find_mut(task)?;
    let before = round.due;
    let done = act(round);
    round.due = round.next_due();
    let (after, waits) = (round.due, round.waits.is_some());
    if before != after {
        before.map(|time| state.duties.due.remove(&(time, Due::Round(task))));
        after.map(|time| state.duties.due.insert((time, Due::Round(task))));
    }
    if waits {
        state.duties.waiting.insert(task);
    } else {
        state.duties.waiting.remove(&task);
    }
    Some(done)
}

/// An order of a task goes to its keepers; where it has none yet, they are drawn in the next block.
pub(crate) fn ordered(state: &mut State, task: TaskId, chain: ChainId, nonce: Nonce) {
    let (now, height) = (state.now(), state.house.height);
    let params = state.house.keepers.params;
    if state.rounds.find(task).is_none() {
        state.rounds.insert(task, Round::default());
    }
    state.duties.orders.insert((chain, nonce, task));
    change(state, task, |round| {
        let is_asked = round.waits.is_none() && round.current().next().is_some();
        if !is_asked && round.draws < params.draws_most {
            round.waits.get_or_insert(height);
        }
        let due = is_asked.then(|| now.after(params.deliver_within));
        let order = Asked { nonce, done: false, due };
        match round.jobs.binary_search_by_key(&chain, |job| job.chain) {
            Ok(at) => {
                let job = round.jobs.get_mut(at).expect("found above");
                job.orders.push(order);
            }
            Err(at) => {
                let mut job = Job::new(chain);
                job.orders.push(order);
                round.jobs.insert(at, job);
            }
        }
    });
}

/// Tasks that asked for an order.
pub(crate) fn askers(state: &State, chain: ChainId, nonce: Nonce) -> Vec<TaskId> {
    let all = (chain, nonce, TaskId(0))..=(chain, nonce, TaskId(u64::MAX));
    state.duties.orders.range(all).map(|(_, _, task)| *task).collect()
}

/// An order was carried out, or its block was dropped.
pub(crate) fn set_done(state: &mut State, task: TaskId, chain: ChainId, nonce: Nonce, done: bool) {
    let due = state.now().after(state.house.keepers.params.deliver_within);
    change(state, task, |round| {
        let is_asked = round.waits.is_none() && round.current().next().is_some();
        let orders = round.job_mut(chain).map(|job| &mut job.orders);
        if let Some(order) = orders.and_then(|orders| orders.iter_mut().find(|order| order.nonce == nonce)) {
            order.done = done;
            order.due = (!done && is_asked).then_some(due);
        }
    });
}

/// An auction of the task is over.
pub(crate) fn ended(state: &mut State, task: TaskId, chain: ChainId, ended: Ended) {
    let until = state.now().after(state.house.keepers.params.report_within);
    change(state, task, |round| {
        let Some(job) = round.job_mut(chain) else { return };
        job.dropped.retain(|version| *version != ended.version);
        job.ended.push(ended);
        job.until = Some(until);
        job.settled = false;
        job.judged = false;
    });
}

/// The block in which an auction was over is dropped.
pub(crate) fn dropped(state: &mut State, task: TaskId, chain: ChainId, lot: LotId, version: Hash) {
    change(state, task, |round| {
        let Some(job) = round.job_mut(chain) else { return };
        job.ended.retain(|ended| ended.lot != lot || ended.version != version);
        if !job.dropped.contains(&version) {
            job.dropped.push(version);
        }
        job.settled = false;
        job.judged = false;
    });
}

/// The end of an auction of the task is final, ends before it long were: reports of its block are measured.
pub(crate) fn end_final(state: &mut State, out: &mut Outcome, task: TaskId, chain: ChainId) {
    change(state, task, |round| {
        let Some(job) = round.job_mut(chain) else { return };
        job.finals = job.finals.saturating_add(1);
    });
    report::judge(state, out, task, chain);
}

/// Everything up to the end of the task's auctions on a chain is final: who is late can be told.
pub(crate) fn settled(state: &mut State, out: &mut Outcome, task: TaskId, chain: ChainId) {
    change(state, task, |round| {
        let Some(job) = round.job_mut(chain) else { return };
        job.settled = true;
    });
    look(state, out, task, chain);
}

/// Once everybody has reported, nothing is waited for.
pub(crate) fn look(state: &mut State, out: &mut Outcome, task: TaskId, chain: ChainId) {
    let Some(round) = state.rounds.find(task) else { return };
    let Some(job) = round.job(chain) else { return };
    if job.settled && !job.judged && round.all_reported(task, job) {
        change(state, task, |round| {
            round.job_mut(chain).expect("found above").judged = true;
        });
    }
    finish(state, out, task);
}

/// Draws for the rounds that wait, with the seed of this block.
pub(crate) fn draw(state: &mut State, out: &mut Outcome, seed: Hash) {
    let height = state.house.height;
    let ready = |task: &TaskId| {
        state.rounds.find(*task).and_then(|round| round.waits).is_some_and(|since| since < height)
    };
    let tasks: Vec<TaskId> = state.duties.waiting.iter().copied().filter(ready).collect();
    if tasks.is_empty() {
        return;
    }
    registry::look_at_regions(state, out);
    for task in tasks {
        draw_one(state, out, task, seed);
    }
}

fn draw_one(state: &mut State, out: &mut Outcome, task: TaskId, seed: Hash) {
    let (now, params) = (state.now(), state.house.keepers.params);
    let round = state.rounds.find(task).expect("the caller found it");
    let number = round.draws.saturating_add(1);
    let candidates: Vec<Candidate> = registry::qualified(state)
        .filter(|(id, _)| round.members.iter().all(|member| member.keeper != *id))
        .map(|(id, keeper)| Candidate {
            keeper: id,
            operator: keeper.operator,
            owner: state.accounts.get(keeper.account).owner.address,
            region: keeper.region,
            weight: weight(state, keeper.staying(), keeper.grade),
        })
        .collect();
    let keepers = draw::draw(seed, task, number, &candidates, params.drawn);
    let members: Vec<Member> = keepers
        .iter()
        .map(|keeper| Member {
            keeper: *keeper,
            grade: state.keepers.get(*keeper).grade,
            draw: number,
            late_deliver: false,
            late_report: false,
        })
        .collect();
    let found = !members.is_empty();
    change(state, task, |round| {
        round.waits = None;
        round.draws = number;
        round.members.extend(members);
        for job in &mut round.jobs {
            for order in job.orders.iter_mut().filter(|order| !order.done) {
                order.due = found.then(|| now.after(params.deliver_within));
            }
            if found && !job.judged && !job.ended.is_empty() {
                job.until = Some(now.after(params.report_within));
            }
            job.judged |= !found;
        }
    });
    out.event(match found {
        true => Event::KeepersDrawn { task, draw: number, keepers },
        false => Event::NoKeeperDrawn { task, draw: number },
    });
    finish(state, out, task);
}

/// Whole tokens of stake that count, times the weight of the grade.
fn weight(state: &State, stake: Amount, grade: Grade) -> u128 {
    let params = &state.house.keepers.params;
    let weight = match grade {
        Grade::A => params.weight_a,
        Grade::B => params.weight_b,
        Grade::C => params.weight_c,
        Grade::D => 0,
    };
    let tokens = stake.min(params.stake_counted).wei().checked_div(WAD).unwrap_or(0);
    tokens.saturating_mul(u128::from(weight))
}

/// A task has ended.
pub(crate) fn over(state: &mut State, out: &mut Outcome, task: TaskId) {
    change(state, task, |round| {
        round.over = true;
        // Nothing needs to be carried out any more.
        for order in round.jobs.iter_mut().flat_map(|job| &mut job.orders) {
            order.due = None;
        }
    });
    finish(state, out, task);
}

/// Deadlines of a round that have passed.
pub(crate) fn overdue(state: &mut State, out: &mut Outcome, task: TaskId) {
    let (now, height) = (state.now(), state.house.height);
    let most = state.house.keepers.params.draws_most;
    let Some(round) = state.rounds.find(task) else { return };
    let mut late: Vec<(KeeperId, ChainId, Duty)> = Vec::new();
    let mut again = false;
    for job in &round.jobs {
        let is_late = |order: &Asked| !order.done && order.due.is_some_and(|due| due <= now);
        if job.orders.iter().any(is_late) {
            again = true;
            let marked = round.current().filter(|member| !member.late_deliver);
            late.extend(marked.map(|member| (member.keeper, job.chain, Duty::Deliver)));
        }
        let is_due = job.settled && !job.judged && job.until.is_some_and(|until| until <= now);
        if is_due && round.waits.is_none() {
            let reported = |member: &&Member| job.complete(task, member.keeper).is_some();
            again |= !round.members.iter().any(|member| reported(&member));
            let missing = round
                .current()
                .filter(|member| !member.late_report && !reported(member) && !job.is_excused(member.keeper));
            late.extend(missing.map(|member| (member.keeper, job.chain, Duty::Report)));
        }
    }
    late.dedup_by_key(|(keeper, _, duty)| (*keeper, *duty));
    change(state, task, |round| {
        let again = again && round.draws < most;
        for job in &mut round.jobs {
            for order in job.orders.iter_mut().filter(|order| order.due.is_some_and(|due| due <= now)) {
                order.due = None;
            }
            let is_due = job.settled && job.until.is_some_and(|until| until <= now);
            let missing = !round.members.iter().any(|member| job.complete(task, member.keeper).is_some());
            job.judged |= is_due && !(again && missing);
        }
        for (keeper, _, duty) in &late {
            let member = round.members.iter_mut().find(|member| member.keeper == *keeper);
            match (duty, member.expect("marked above")) {
                (Duty::Deliver, member) => member.late_deliver = true,
                (Duty::Report, member) => member.late_report = true,
            }
        }
        if again {
            round.waits.get_or_insert(height);
        }
    });
    for (keeper, chain, duty) in late {
        out.event(Event::KeeperLate { keeper, task, chain, duty });
        monitor::misdeed(state, out, keeper, Misdeed::Lateness);
    }
    finish(state, out, task);
}

/// Ends a round that nothing is waited for any more: its keepers are paid and rated.
pub(crate) fn finish(state: &mut State, out: &mut Outcome, task: TaskId) {
    let Some(round) = state.rounds.find(task) else { return };
    if !round.over || round.jobs.iter().any(Job::is_open) {
        return;
    }
    reward::pay_out(state, out, task);
    let round = state.rounds.remove(task).expect("found above");
    round.due.map(|time| state.duties.due.remove(&(time, Due::Round(task))));
    state.duties.waiting.remove(&task);
    for job in &round.jobs {
        for order in &job.orders {
            state.duties.orders.remove(&(job.chain, order.nonce, task));
        }
    }
}
