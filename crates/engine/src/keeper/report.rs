//! Reports: what a task's auctions gave on a chain, as a keeper read it at a block (R21).
//!
//! - Commit, then reveal: whoever commits after a true report was shown may have copied it, and is never first.
//! - Measured against the chain's own results once they are final. A report on a dropped block is neither wrong nor late.
//! - Provable malice, punished at once: two results for one block; a result that differs from what that block, now final,
//!   gives.

use super::round::{self, Job};
use super::{monitor, registry};
use crate::state::{Outcome, State};
use ballast_types::{ChainId, Event, Hash, KeeperId, Malice, Reject, TaskId, digest};
use ballast_units::Time;
use borsh::{BorshDeserialize, BorshSerialize};

/// Reports of one keeper for one task on one chain: one for each auction that was over, and so many more, for blocks that the
/// chain dropped.
const REPORTS_MORE: u32 = 16;

/// A commitment that is not revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Commit {
    /// Whose.
    pub keeper: KeeperId,
    /// Which act of the round it was.
    pub act: u64,
    /// To what.
    pub commit: Hash,
}

/// A report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Report {
    /// Whose.
    pub keeper: KeeperId,
    /// Which act of the round its commitment was.
    pub committed: u64,
    /// Which act its reveal was.
    pub revealed: u64,
    /// When it was revealed.
    pub time: Time,
    /// What it says.
    pub result: Hash,
    /// Read at which block.
    pub block: Hash,
}

/// The keeper was drawn for the task and may report on the chain.
fn check(state: &State, keeper: KeeperId, task: TaskId, chain: ChainId) -> Result<&Job, Reject> {
    let record = registry::find(state, keeper)?;
    registry::check_not_barred(state, record)?;
    let round = state.rounds.find(task).ok_or(Reject::NoRound { task })?;
    if round.members.iter().all(|member| member.keeper != keeper) {
        return Err(Reject::NotDrawn { keeper, task });
    }
    round.job(chain).ok_or(Reject::NothingOrdered { task, chain })
}

/// Takes a commitment.
pub(crate) fn commit(
    state: &mut State,
    out: &mut Outcome,
    keeper: KeeperId,
    task: TaskId,
    chain: ChainId,
    commit: Hash,
) -> Result<(), Reject> {
    let job = check(state, keeper, task, chain)?;
    if job.commits.iter().any(|open| open.keeper == keeper) {
        return Err(Reject::CommitOpen { keeper, task, chain });
    }
    let reports = job.reports.iter().filter(|known| known.keeper == keeper).count();
    let limit = u32::try_from(job.ended.len()).unwrap_or(u32::MAX).saturating_add(REPORTS_MORE);
    if usize::try_from(limit).is_ok_and(|most| most <= reports) {
        return Err(Reject::ReportsFull { keeper, task, limit });
    }
    round::change(state, task, |round| {
        round.acts = round.acts.saturating_add(1);
        let act = round.acts;
        let job = round.job_mut(chain).expect("check found it");
        job.commits.push(Commit { keeper, act, commit });
    });
    out.event(Event::ReportCommitted { keeper, task, chain });
    Ok(())
}

/// What a keeper shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) keeper: KeeperId,
    pub(crate) task: TaskId,
    pub(crate) chain: ChainId,
    pub(crate) result: Hash,
    pub(crate) block: Hash,
    pub(crate) salt: Hash,
}

/// Takes a report.
pub(crate) fn reveal(state: &mut State, out: &mut Outcome, shown: Shown) -> Result<(), Reject> {
    let Shown { keeper, task, chain, result, block, salt } = shown;
    let job = check(state, keeper, task, chain)?;
    let open = job.commits.iter().find(|open| open.keeper == keeper);
    let Commit { act, commit, .. } = *open.ok_or(Reject::NoCommit { keeper, task, chain })?;
    let revealed = digest::report_commit(result, block, keeper, salt);
    if revealed != commit {
        return Err(Reject::CommitDiffers { committed: commit, revealed });
    }
    let mut earlier = job.reports.iter().filter(|known| known.keeper == keeper && known.block == block);
    let two = match earlier.clone().any(|known| known.result == result) {
        true => return Err(Reject::ReportRepeated { keeper, task, block }),
        false => earlier.next().is_some(),
    };
    let time = state.now();
    round::change(state, task, |round| {
        round.acts = round.acts.saturating_add(1);
        let revealed = round.acts;
        let job = round.job_mut(chain).expect("check found it");
        job.commits.retain(|open| open.keeper != keeper);
        job.reports.push(Report { keeper, committed: act, revealed, time, result, block });
    });
    out.event(Event::ReportRevealed { keeper, task, chain, result, block });
    if two {
        monitor::slash(state, out, keeper, task, chain, Malice::TwoResults);
    }
    judge(state, out, task, chain);
    round::look(state, out, task, chain);
    Ok(())
}

/// Measures the reports on a chain, each once its block is final, against the chain's own results.
pub(crate) fn judge(state: &mut State, out: &mut Outcome, task: TaskId, chain: ChainId) {
    let Some(job) = state.rounds.find(task).and_then(|round| round.job(chain)) else { return };
    let is_false = |one: &&Report| job.is_false(task, one);
    let liars: Vec<KeeperId> = job.reports.iter().filter(is_false).map(|one| one.keeper).collect();
    for keeper in liars {
        monitor::slash(state, out, keeper, task, chain, Malice::FalseResult);
    }
}
