//! The keepers of a replay and what surrounds them: who is honest, slow, offline, lying or colluding, the payloads on
//! their way, a courier, the validators where no keeper is asked, and pokes.
//!
//! - What a keeper does is `ballast_keeper::Worker`'s; here is only whose program runs, how fast, and what it says.
//! - Offline: silent from the first task on that it is drawn for; it is drawn until its uptime tells. Lying: some of its reports are false.
//!   Colluding: it says what others have shown before, and its pair has one operator.

use super::identities::Identities;
use crate::scenario::{self, Scenario};
use crate::seed::{Seed, Stream};
use ballast_engine::{Outcome, State};
use ballast_keeper::{LetterId, Poker, Post, Reader, Report, Worker, assignments, unasked};
use ballast_spoke::message::Payload;
use ballast_spoke::{Receipt, Spoke};
use ballast_types::digest::keccak;
use ballast_types::{Block, ChainId, Command, Event, Hash, KeeperId, Nonce, Observation, TaskId};
use ballast_units::{Millis, Time};
use std::collections::{BTreeMap, BTreeSet};

/// From a block to the last signature of its orders.
const SIGNING: Millis = Millis::seconds(1);

/// What reorgs may take back is remembered for this long.
const MEMORY: Millis = Millis::hours(1);

/// How often what is over is forgotten.
const FORGET: Millis = Millis::minutes(10);

/// Shown reports that are remembered for those who copy.
const SHOWN: usize = 10_000;

/// What kind of node a keeper is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Does what it should.
    Honest,
    /// Does it late.
    Slow,
    /// Does nothing from the first task on that it is drawn for.
    Offline,
    /// Some of its reports are false.
    Lying,
    /// Copies the reports of others.
    Colluding,
}

impl Role {
    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Honest => "honest",
            Self::Slow => "slow",
            Self::Offline => "offline",
            Self::Lying => "lying",
            Self::Colluding => "colluding",
        }
    }
}

/// The role of each of a scenario's keepers, in order of registration: honest ones first.
#[must_use]
pub fn roles(terms: &scenario::Keepers) -> Vec<Role> {
    let others = [
        (Role::Colluding, terms.colluding),
        (Role::Slow, terms.slow),
        (Role::Lying, terms.lying),
        (Role::Offline, terms.offline),
    ];
    let others: Vec<Role> =
        others.iter().flat_map(|(role, number)| std::iter::repeat_n(*role, *number as usize)).collect();
    let honest = (terms.number as usize).saturating_sub(others.len());
    std::iter::repeat_n(Role::Honest, honest).chain(others).take(terms.number as usize).collect()
}

/// All keepers, and what is on its way to the chains.
#[derive(Debug)]
pub(super) struct Keepers {
    workers: Vec<(Role, Worker)>,
    lies: u64,
    stream: Stream,
    post: Post,
    reader: Reader,
    poker: Poker,
    /// By courier and by validators: when, what.
    carried: BTreeSet<(Time, LetterId)>,
    asked: BTreeSet<(Time, ChainId, Nonce)>,
    courier: Millis,
    validators: Millis,
    /// Offline ones that have been drawn.
    silent: BTreeSet<KeeperId>,
    /// What was shown, by task and chain.
    shown: BTreeMap<(TaskId, ChainId), Hash>,
    forget: Time,
}

impl Keepers {
    pub(super) fn new(scenario: &Scenario, identities: Identities, from: Time) -> Self {
        let terms = &scenario.keepers;
        let mut stream = Seed::new(scenario.seed).stream("keepers");
        let workers = (0..)
            .zip(roles(terms))
            .map(|(id, role)| {
                let [low, high] = terms.latency;
                let latency = stream.between(low.get(), high.get());
                let latency = match role {
                    Role::Slow => latency + terms.slow_by.get(),
                    Role::Honest | Role::Offline | Role::Lying | Role::Colluding => latency,
                };
                let secret = keccak(&[b"ballast-sim keeper", &stream.bits().to_be_bytes()]);
                let wallet = (identities.keeper)(id);
                (role, Worker::new(KeeperId(id), wallet, Millis::new(latency), secret))
            })
            .collect();
        Self {
            workers,
            lies: u64::from(terms.lies),
            stream,
            post: Post::default(),
            reader: Reader::default(),
            poker: Poker::default(),
            carried: BTreeSet::new(),
            asked: BTreeSet::new(),
            courier: terms.courier,
            validators: scenario.order_latency,
            silent: BTreeSet::new(),
            shown: BTreeMap::new(),
            forget: from,
        }
    }

    /// What a chain told the keepers' endpoints, and what its head has come to. Gives the orders that were carried out.
    pub(super) fn learn(
        &mut self,
        chain: ChainId,
        told: &[Observation],
        receipts: &[Receipt],
    ) -> Vec<(Nonce, Time)> {
        self.reader.take_in(told);
        self.post.learn(chain, receipts)
    }

    /// What keepers ask the hub for. Gives the reports that they show with it.
    pub(super) fn ask(&mut self, state: &State, now: Time, out: &mut Vec<Command>) -> Vec<Report> {
        let mut shown_now = Vec::new();
        let Self { workers, stream, shown, reader, lies, silent, .. } = self;
        for (id, (role, worker)) in (0..).map(KeeperId).zip(workers) {
            if silent.contains(&id) {
                continue;
            }
            worker.beat(state, now, out);
            let mut said = |task, chain, read: Hash| match role {
                Role::Lying if stream.chance(*lies) => keccak(&[b"a lie", &read.0]),
                Role::Colluding => shown.get(&(task, chain)).copied().unwrap_or(read),
                Role::Honest | Role::Slow | Role::Offline | Role::Lying => read,
            };
            shown_now.extend(worker.report(reader, state, now, &mut said, out));
        }
        shown_now
    }

    /// What a block brought: signed orders to be carried, each after waiting for another way, and who is asked for what.
    pub(super) fn take_in(
        &mut self,
        block: &Block,
        outcome: &Outcome,
        state: &State,
        payloads: Vec<(Payload, Millis)>,
        now: Time,
    ) {
        for (payload, wait) in payloads {
            let letter = self.post.add(payload, now.after(SIGNING).after(wait));
            self.carried.insert((now.after(self.courier), letter));
        }
        for (keeper, assignment) in assignments(block, outcome, state) {
            match self.workers.get_mut(keeper.0 as usize) {
                Some((Role::Offline, _)) => {
                    self.silent.insert(keeper);
                }
                Some((_, worker)) => worker.ask(assignment, now),
                None => {}
            }
        }
        let due = now.after(self.validators);
        self.asked.extend(unasked(outcome, state).into_iter().map(|(chain, nonce)| (due, chain, nonce)));
        for event in &outcome.events {
            if let Event::ReportRevealed { task, chain, result, .. } = event {
                self.shown.insert((*task, *chain), *result);
                if SHOWN < self.shown.len() {
                    self.shown.pop_first();
                }
            }
        }
    }

    /// Everybody sends what he has to send by `now`.
    pub(super) fn deliver<S: Spoke>(&mut self, chains: &mut [S], now: Time) {
        for (_, worker) in &mut self.workers {
            worker.deliver(&mut self.post, chains, now);
        }
        while let Some((at, chain, nonce)) = self.asked.first().copied().filter(|(at, ..)| *at <= now) {
            self.asked.remove(&(at, chain, nonce));
            if let Some(letter) = self.post.with(chain, nonce) {
                self.carried.insert((now, letter));
            }
        }
        while let Some((at, letter)) = self.carried.first().copied().filter(|(at, _)| *at <= now) {
            self.carried.remove(&(at, letter));
            if let Some(later) = self.post.send(letter, None, chains, now) {
                self.carried.insert((later.max(now.after(Millis::new(1))), letter));
            }
        }
        for chain in chains {
            self.poker.act(chain, now);
        }
        if self.forget <= now {
            self.forget = now.after(FORGET);
            let before = Time::from_millis(now.millis().saturating_sub(MEMORY.get()));
            self.post.forget(now, before);
        }
    }

    pub(super) fn roles(&self) -> Vec<Role> {
        self.workers.iter().map(|(role, _)| *role).collect()
    }

    /// Whether a report says what an endpoint tells of the same block; `None` where the block is gone.
    pub(super) fn reads_as(&self, report: &Report, state: &State) -> Option<bool> {
        let round = state.rounds.find(report.task)?;
        let job = round.jobs.iter().find(|job| job.chain == report.chain)?;
        let last = job.ended.iter().rposition(|ended| ended.version == report.block)?;
        let ended: Vec<_> = job.ended[..=last].iter().map(|ended| (ended.lot, ended.version)).collect();
        let read = self.reader.report(report.task, report.chain, &ended)?;
        Some(read == report.result)
    }
}
