//! Rollback: what a chain took back is taken out of the tasks that relied on it (R18).
//!
//! - The journal of a chain is its events that are not final, each with what it changed (`custody::Effect`). A fork is
//!   undone newest first; what a chain has called final is forgotten. The hub itself is never rewound: closed
//!   positions, prices, funding and other accounts' trades stand.
//! - Money of takes moves at finality alone, so that a task's ledger accounts need no entries of a fork: only credit
//!   for deposits has any (`Reason::Reorg`).
//! - Every 10 minutes of a chain's final time each task with lots there is snapshot: its lots as they are without the
//!   journal. A rollback gives them, brought forward by what is left of the journal; the invariants hold the two
//!   together (I06).
//! - A task stays open, and its account locked, while anything it relied on can still be dropped: a lot is not
//!   forgotten before the ends of its auctions are final.

use crate::custody::Unfinal;
use crate::liquidation::{Lot, LotStage, Run, Taking};
use crate::state::{Outcome, State};
use ballast_types::{ChainId, Event, Hash, LotId, Nonce, Sequence, TaskId, VaultEvent};
use ballast_units::{Amount, Millis, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeSet;

/// Chain time between two snapshots.
const INTERVAL: Millis = Millis::minutes(10);

/// A task on a chain, as what is final has made it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Snapshot {
    /// Time of the chain's last final block.
    pub time: Time,
    /// The last final event.
    pub sequence: Sequence,
    /// Its lots.
    pub lots: Vec<LotSnapshot>,
}

/// A lot, as what is final has made it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LotSnapshot {
    /// Which.
    pub lot: LotId,
    /// Not sold.
    pub held: Amount,
    /// Its auctions and their results.
    pub results: Vec<(Nonce, Hash)>,
}

/// A chain's final time has come this far: snapshots what is due, and forgets snapshots of closed tasks.
pub(crate) fn snapshot(state: &mut State, chain: ChainId, before: Time, now: Time) {
    let mark = |time: Time| time.millis().checked_div(INTERVAL.get());
    if mark(before) == mark(now) {
        return;
    }
    let of_chain = (chain, TaskId(0))..=(chain, TaskId(u64::MAX));
    let old: Vec<(ChainId, TaskId)> = state.snapshots.range(of_chain).map(|(key, _)| key).collect();
    for key in old {
        state.snapshots.remove(key);
    }
    let sequence = Sequence(state.chains.get(chain).next_final.0.saturating_sub(1));
    let mut taken: Vec<(TaskId, Snapshot)> = Vec::new();
    for (id, task) in state.tasks.iter() {
        let lots = task.lots.iter().filter_map(|lot| Some((*lot, state.lots.find(*lot)?)));
        let there = lots.filter(|(_, lot)| lot.token.chain == chain);
        let lots: Vec<LotSnapshot> = there.map(|(id, lot)| snapshot_of(id, lot)).collect();
        if !lots.is_empty() {
            taken.push((id, Snapshot { time: now, sequence, lots }));
        }
    }
    for (id, snapshot) in taken {
        state.snapshots.insert((chain, id), snapshot);
    }
}

fn snapshot_of(id: LotId, lot: &Lot) -> LotSnapshot {
    let results = lot.runs.iter().map(|run| (run.start, run.settled)).collect();
    LotSnapshot { lot: id, held: lot.held, results }
}

/// Events of a chain were reversed: tells the tasks that relied on them.
pub(crate) fn tell<'a>(
    state: &State,
    out: &mut Outcome,
    chain: ChainId,
    sequence: Sequence,
    dropped: impl Iterator<Item = &'a Unfinal>,
) {
    let lot_of = |record: &Unfinal| match record.event {
        VaultEvent::Taken { lot, .. } | VaultEvent::Ended { lot, .. } => Some(lot),
        VaultEvent::Executed { nonce } => state.orders.find((chain, nonce)).and_then(|sent| sent.lot()),
        VaultEvent::BridgedIn { from, nonce, .. } => {
            state.transits.find((from, nonce)).map(|transit| transit.lot)
        }
        VaultEvent::Deposited { .. } => None,
    };
    let lots: BTreeSet<LotId> = dropped.filter_map(lot_of).collect();
    let tasks: BTreeSet<TaskId> =
        lots.iter().filter_map(|lot| state.lots.find(*lot)).flat_map(Lot::tasks).collect();
    for task in tasks {
        let snapshot = state.snapshots.find((chain, task)).map(|snapshot| snapshot.time);
        out.event(Event::TaskRolledBack { task, chain, sequence, snapshot });
    }
}

/// What a lot is without its journal, brought forward by it, is what the lot is: quantity and dollars of takes that are
/// not final, and the result of each auction.
pub(crate) fn check(state: &State) {
    for (id, lot) in state.lots.iter() {
        let chain = lot.token.chain;
        let journal = state.unfinal.range((chain, Sequence(0))..=(chain, Sequence(u64::MAX)));
        let (mut quantity, mut dollars) = (Amount::ZERO, Amount::ZERO);
        let mut runs: Vec<Run> = lot.runs.clone();
        for run in &mut runs {
            run.result = run.settled;
        }
        for (_, record) in journal {
            let (
                VaultEvent::Taken { lot: of, taker, quantity: told, paid, rebate },
                crate::custody::Effect::Taken(Taking { run, quantity: taken }),
            ) = (record.event, record.effect)
            else {
                continue;
            };
            if of != id {
                continue;
            }
            quantity += taken;
            dollars += paid;
            let Some((start, before)) = run else { continue };
            let run = runs.iter_mut().find(|run| run.start == start);
            let run = run.expect("I06: a take that is not final belongs to an auction of its lot");
            assert_eq!(run.result, before, "I06: lot {id}: result before a take");
            run.result = ballast_types::digest::result_take(run.result, taker, told, paid, rebate);
        }
        assert_eq!((quantity, dollars), (lot.taken, lot.paid), "I06: lot {id}: takes that are not final");
        assert_eq!(runs, lot.runs, "I06: lot {id}: results of its auctions");
        let sold_out = matches!(lot.stage, LotStage::Ended(_));
        assert!(!sold_out || lot.left().is_zero(), "I06: lot {id} is sold out with {} left", lot.left());
    }
}
