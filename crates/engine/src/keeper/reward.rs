//! What a task is worth to its keepers (R19), and what it says about them.
//!
//! - Pot: `fee_first + fee_pot` of the liquidation fee, 10 % and 30 %. First: the bonus, in equal parts over the chains that
//!   were reported on. Each consistent keeper: `min(g, 30 % · g / Σ g)`, g by its grade when it was drawn. The rest, what
//!   rounding leaves too, is the treasury's.
//! - Consistent: complete and true on every chain, in time, no deadline of the task missed, not barred.
//! - First on a chain: of the consistent ones, who committed first, before any true report was shown there.

use super::monitor;
use super::round::{Job, Member, Round};
use crate::ledger::{USD, balance, pay};
use crate::state::{Outcome, State};
use ballast_types::{ChainId, Event, Grade, KeeperId, KeeperParams, LedgerAccount, Misdeed, Reason, TaskId};
use ballast_units::{Amount, Bps, Ratio};

/// The keepers' share of a liquidation fee.
#[must_use]
pub fn of_fee(state: &State) -> Bps {
    let params = &state.house.keepers.params;
    Bps::new(params.fee_first.get().saturating_add(params.fee_pot.get()))
}

/// How a keeper did.
struct Verdict {
    keeper: KeeperId,
    grade: Grade,
    missed: u32,
    consistent: bool,
    /// Chains on which its last word named a block that the hub never saw.
    unfounded: Vec<ChainId>,
}

/// Pays a round out, and notes how its keepers did.
pub(crate) fn pay_out(state: &mut State, out: &mut Outcome, task: TaskId) {
    let round = state.rounds.find(task).expect("the caller found it").clone();
    let params = state.house.keepers.params;
    let is_final = |job: &&Job| job.settled && !job.ended.is_empty();
    let reported: Vec<&Job> = round.jobs.iter().filter(is_final).collect();
    let verdicts: Vec<Verdict> =
        round.members.iter().map(|member| verdict(state, task, &reported, member)).collect();
    let earning: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.consistent).collect();
    let firsts: Vec<Option<KeeperId>> = reported.iter().map(|job| first(task, job, &earning)).collect();

    let from = LedgerAccount::Pot(task);
    let pot = balance(state, from, USD);
    let bonus = each_bonus(&params, pot, firsts.len());
    let weights: Vec<Bps> = earning.iter().map(|verdict| of_grade(&params, verdict.grade)).collect();
    let mut paid = Amount::ZERO;
    for (verdict, weight) in earning.iter().zip(&weights) {
        let keeper = verdict.keeper;
        let share = share(&params, pot, *weight, &weights);
        let won = firsts.iter().filter(|first| **first == Some(keeper)).count();
        let bonus: Amount = (0..won).map(|_| bonus).sum();
        let to = LedgerAccount::Cash(state.keepers.get(keeper).account);
        pay(state, out, from, to, share + bonus, Reason::KeeperFee);
        out.event(Event::KeeperPaid { keeper, task, bonus, share });
        paid += share + bonus;
    }
    pay(state, out, from, LedgerAccount::Treasury, pot - paid, Reason::KeeperFee);
    out.event(Event::RoundClosed { task, paid, treasury: pot - paid });
    note(state, out, task, &round, &verdicts, &firsts);
}

fn verdict(state: &State, task: TaskId, jobs: &[&Job], member: &Member) -> Verdict {
    let keeper = member.keeper;
    let is_barred = state.barred.find(state.keepers.get(keeper).operator).is_some();
    let complete = !jobs.is_empty() && jobs.iter().all(|job| job.complete(task, keeper).is_some());
    let unfounded = |job: &&&Job| {
        let last = job.reports.iter().rfind(|one| one.keeper == keeper);
        last.is_some_and(|one| job.truth(task, one.block).is_none() && !job.dropped.contains(&one.block))
    };
    Verdict {
        keeper,
        grade: member.grade,
        missed: u32::from(member.late_deliver).saturating_add(u32::from(member.late_report)),
        consistent: complete && !is_barred && !member.is_late(),
        unfounded: jobs.iter().filter(unfounded).map(|job| job.chain).collect(),
    }
}

/// Who committed first of those whose report is complete and true, before such a report was shown.
fn first(task: TaskId, job: &Job, earning: &[&Verdict]) -> Option<KeeperId> {
    let block = job.last_block()?;
    let truth = job.truth(task, block)?;
    let true_ones = job.reports.iter().filter(|one| one.block == block && one.result == truth);
    let shown = true_ones.map(|one| one.revealed).min()?;
    let reports = earning.iter().filter_map(|verdict| job.complete(task, verdict.keeper));
    let before = reports.filter(|one| one.committed < shown);
    before.min_by_key(|one| one.committed).map(|one| one.keeper)
}

/// A part of the pot that is `part` of `whole` parts of the fee that fills it, rounded down.
fn of_pot(params: &KeeperParams, pot: Amount, part: u128, of: u128) -> Amount {
    let filled = u128::from(params.fee_first.get()).saturating_add(u128::from(params.fee_pot.get()));
    let whole = Amount::from_wei(filled.saturating_mul(of));
    pot.share_down(Amount::from_wei(part), whole).unwrap_or(Amount::ZERO)
}

fn each_bonus(params: &KeeperParams, pot: Amount, jobs: usize) -> Amount {
    let jobs = u128::try_from(jobs).unwrap_or(u128::MAX);
    of_pot(params, pot, u128::from(params.fee_first.get()), jobs)
}

/// `min(g, pot · g / Σ g)` of the fee.
fn share(params: &KeeperParams, pot: Amount, weight: Bps, weights: &[Bps]) -> Amount {
    let all = weights.iter().fold(0_u128, |sum, weight| sum.saturating_add(u128::from(weight.get())));
    let (own, most) = (u128::from(weight.get()), u128::from(params.fee_pot.get()));
    if all <= most { of_pot(params, pot, own, 1) } else { of_pot(params, pot, own.saturating_mul(most), all) }
}

fn of_grade(params: &KeeperParams, grade: Grade) -> Bps {
    match grade {
        Grade::A => params.fee_a,
        Grade::B => params.fee_b,
        Grade::C => params.fee_c,
        Grade::D => Bps::ZERO,
    }
}

/// Notes what the round says about its keepers in their months.
fn note(
    state: &mut State,
    out: &mut Outcome,
    task: TaskId,
    round: &Round,
    verdicts: &[Verdict],
    firsts: &[Option<KeeperId>],
) {
    for verdict in verdicts {
        let keeper = verdict.keeper;
        let wrong = u32::try_from(verdict.unfounded.len()).unwrap_or(u32::MAX);
        state.keepers.get_mut(keeper).month.task(verdict.missed, verdict.consistent, wrong);
        for chain in &verdict.unfounded {
            out.event(Event::ReportUnfounded { keeper, task, chain: *chain });
        }
    }
    let Some(price) = round.price else { return };
    let good = Ratio::ONE - state.house.keepers.params.price_tolerance;
    let ratio = Ratio::from_wei(i128::try_from(price.wei()).unwrap_or(i128::MAX));
    let mut sellers: Vec<KeeperId> = firsts.iter().flatten().copied().collect();
    sellers.dedup();
    for keeper in sellers {
        state.keepers.get_mut(keeper).month.sale(ratio);
        if ratio < good {
            monitor::misdeed(state, out, keeper, Misdeed::Price);
        }
    }
}
