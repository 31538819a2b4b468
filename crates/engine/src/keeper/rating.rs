//! The monthly rating of keepers.
//!
//! - Month: 30 days of block time, boundaries counted from genesis.
//! - Score: weighted mean of efficiency (duties done in time), disposal price (1 down to the tolerated distance below index,
//!   falling to 0 at twice that) and consistency (reports that were true); what was not measured has no weight.
//! - D: suspended, and forfeits a fifth of its stake. Nothing measured: the grade stays.
//! - Rounds: the score down.

use super::{change_keeper, stake};
use crate::state::{Outcome, State};
use ballast_types::{Event, Grade, KeeperId, KeeperParams};
use ballast_units::{Amount, Millis, Ratio};
use borsh::{BorshDeserialize, BorshSerialize};

/// Between ratings.
pub(crate) const MONTH: Millis = Millis::days(30);

/// A price above this counts as this: a sale cannot make up for many others.
const PRICE_MOST: Ratio = Ratio::whole(2);

/// What a keeper did since the last rating.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Month {
    /// To deliver and to report, once a task each.
    pub duties: u32,
    /// Of these, not done in time.
    pub missed: u32,
    /// Tasks with complete and true reports.
    pub consistent: u32,
    /// Reports that were wrong.
    pub wrong: u32,
    /// Tasks that it was first to deliver.
    pub sales: u32,
    /// Sum of their prices over index.
    pub prices: Ratio,
}

impl Month {
    pub(crate) fn task(&mut self, missed: u32, consistent: bool, wrong: u32) {
        self.duties = self.duties.saturating_add(2);
        self.missed = self.missed.saturating_add(missed);
        self.consistent = self.consistent.saturating_add(u32::from(consistent));
        self.wrong = self.wrong.saturating_add(wrong);
    }

    pub(crate) fn sale(&mut self, price: Ratio) {
        self.sales = self.sales.saturating_add(1);
        self.prices += price.min(PRICE_MOST);
    }

    /// The score; `None` where nothing was measured.
    #[must_use]
    pub fn score(&self, params: &KeeperParams) -> Option<Ratio> {
        let done = self.duties.saturating_sub(self.missed);
        let judged = self.consistent.saturating_add(self.wrong);
        let parts = [
            (params.efficiency_weight, share(done, self.duties)),
            (params.price_weight, self.price_score(params.price_tolerance)),
            (params.consistency_weight, share(self.consistent, judged)),
        ];
        let (mut weights, mut sum) = (Ratio::ZERO, Ratio::ZERO);
        for (weight, part) in parts {
            if let Some(part) = part {
                weights += weight;
                sum += weight.mul_down(part).unwrap_or(Ratio::ZERO);
            }
        }
        sum.div_down(weights).ok()
    }

    fn price_score(&self, tolerance: Ratio) -> Option<Ratio> {
        let mean = self.prices.div_down(Ratio::whole(i64::from(self.sales))).ok()?;
        let good = Ratio::ONE - tolerance;
        if good <= mean {
            return Some(Ratio::ONE);
        }
        let short = (good - mean).div_up(tolerance).unwrap_or(Ratio::ONE);
        Some(Ratio::ONE - short.min(Ratio::ONE))
    }
}

fn share(part: u32, whole: u32) -> Option<Ratio> {
    let wei = |count: u32| Amount::from_wei(u128::from(count));
    wei(part).ratio_to_down(wei(whole)).ok()
}

/// The grade of a score.
fn grade(score: Ratio, params: &KeeperParams) -> Grade {
    if params.grade_a <= score {
        Grade::A
    } else if params.grade_b <= score {
        Grade::B
    } else if params.grade_c <= score {
        Grade::C
    } else {
        Grade::D
    }
}

/// Rates everybody, where a month is over.
pub(crate) fn step(state: &mut State, out: &mut Outcome) {
    let now = state.now();
    if now < state.house.keepers.month_ends {
        return;
    }
    while state.house.keepers.month_ends <= now {
        state.house.keepers.month_ends = state.house.keepers.month_ends.after(MONTH);
    }
    let keepers: Vec<KeeperId> = state.keepers.ids().collect();
    for keeper in keepers {
        rate(state, out, keeper);
    }
}

fn rate(state: &mut State, out: &mut Outcome, keeper: KeeperId) {
    let params = state.house.keepers.params;
    let record = state.keepers.get(keeper);
    let score = record.month.score(&params);
    if record.month == Month::default() && record.misdeeds == 0 {
        return;
    }
    let record = state.keepers.get_mut(keeper);
    record.month = Month::default();
    record.misdeeds = 0;
    let Some(score) = score.filter(|_| record.suspended.is_none()) else { return };
    let grade = grade(score, &params);
    record.grade = grade;
    out.event(Event::KeeperRated { keeper, score, grade });
    if grade == Grade::D {
        suspend(state, out, keeper);
    }
}

fn suspend(state: &mut State, out: &mut Outcome, keeper: KeeperId) {
    let params = state.house.keepers.params;
    let until = state.now().after(params.suspension);
    let fine = state.keepers.get(keeper).stake.bps_down(params.fine);
    stake::forfeit(state, out, keeper, fine);
    change_keeper(state, keeper, |record| record.suspended = Some(until));
    out.event(Event::KeeperSuspended { keeper, until, fine });
}

/// Ends a suspension whose time is over: a C, whose uptime is measured anew.
pub(crate) fn restore(state: &mut State, out: &mut Outcome, keeper: KeeperId) {
    let now = state.now();
    if state.keepers.get(keeper).suspended.is_none_or(|until| now < until) {
        return;
    }
    change_keeper(state, keeper, |record| {
        record.suspended = None;
        record.grade = Grade::C;
        record.uptime = super::uptime::Uptime::new(now);
    });
    out.event(Event::KeeperRestored { keeper });
}
