//! A liquidation as the claims count it, and why it is no success.

use ballast_engine::{State, view};
use ballast_types::{AccountId, TaskId};
use ballast_units::{Amount, Time};

use super::super::places::Places;
use super::lot::Lost;

/// A task.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TaskTrack {
    pub(super) detected: Time,
    pub(super) ordered: bool,
    pub(super) included: Option<Time>,
    pub(super) draws: u8,
    pub(super) undrawn: bool,
    pub(super) reserve: bool,
    pub(super) sold: bool,
    pub(super) positions: bool,
    /// What debts exceeded collateral by at detection, each divided by its threshold.
    pub(super) deep: Amount,
    /// What is still unpaid where it has ended.
    pub(super) closed: Option<Amount>,
}

impl TaskTrack {
    /// One that this block has opened.
    pub(super) fn opened(
        state: &State,
        task: TaskId,
        account: AccountId,
        places: &Places,
        now: Time,
    ) -> Self {
        let Some(found) = view::account(state, account) else { return Self::default() };
        let lots = state.tasks.find(task).into_iter().flat_map(|task| &task.lots);
        let lots = lots.filter_map(|lot| state.lots.find(*lot)).map(|lot| (lot.token, lot.held));
        let held = found.collateral.iter().map(|held| (held.token, held.amount + held.pending));
        let weighed = held.chain(lots).filter_map(|(token, amount)| {
            let threshold = state.token(token)?.params.threshold;
            let value = amount.value_down(places.price(token.asset, now)).ok()?;
            value.mul_ratio_down(ballast_units::Ratio::ONE.div_down(threshold).ok()?).ok()
        });
        let owed: Amount = found.loans.iter().map(|loan| loan.principal + loan.interest).sum();
        Self { detected: now, deep: owed.saturating_sub(weighed.sum()), ..Self::default() }
    }

    /// Why it is no success: the first reason that applies. What was left of a loan is put down to what took most of the
    /// collateral beyond it.
    pub(super) fn failure(&self, disputed: bool, lost: &Lost) -> Option<&'static str> {
        match self.closed {
            None => Some("open at the end"),
            Some(shortfall) if !shortfall.is_zero() && self.positions => Some("debt left of a position"),
            Some(shortfall) if !shortfall.is_zero() => {
                let fall = lost.waiting + lost.selling;
                let causes = [
                    (self.deep, "debt left of a loan: fell before it was seen"),
                    (fall.positive_part(), "debt left of a loan: fell before it was sold"),
                    (lost.discount.positive_part(), "debt left of a loan: sold below index"),
                ];
                causes.into_iter().max_by_key(|(amount, _)| *amount).map(|(_, cause)| cause)
            }
            Some(_) if self.reserve => Some("bought by the reserve"),
            Some(_) if self.undrawn => Some("nobody to draw"),
            Some(_) if 2 < self.draws => Some("third draw"),
            Some(_) if disputed => Some("disputed"),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_units::Usd;

    fn dollars(amount: u64) -> Usd {
        Amount::whole(amount).dollars()
    }

    #[test]
    fn a_task_fails_for_its_first_reason() {
        let nothing = Lost::default();
        let closed = TaskTrack { closed: Some(Amount::ZERO), draws: 2, ..TaskTrack::default() };
        assert_eq!(closed.failure(false, &nothing), None);
        assert_eq!(closed.failure(true, &nothing), Some("disputed"));
        assert_eq!(TaskTrack { draws: 3, ..closed }.failure(true, &nothing), Some("third draw"));
        let by_reserve = TaskTrack { reserve: true, draws: 3, ..closed };
        assert_eq!(by_reserve.failure(false, &nothing), Some("bought by the reserve"));
        let unpaid = TaskTrack { closed: Some(Amount::whole(1)), ..by_reserve };
        let of_position = TaskTrack { positions: true, ..unpaid };
        assert_eq!(of_position.failure(false, &nothing), Some("debt left of a position"));
        assert_eq!(TaskTrack { closed: None, ..closed }.failure(false, &nothing), Some("open at the end"));
    }

    #[test]
    fn what_is_left_of_a_loan_has_its_largest_cause() {
        let task =
            TaskTrack { closed: Some(Amount::whole(1)), deep: Amount::whole(3), ..TaskTrack::default() };
        let lost = |waiting, selling, discount| Lost { waiting, selling, discount, ..Lost::default() };
        let why = |lost: Lost| task.failure(false, &lost).and_then(|why| why.rsplit(": ").next());
        assert_eq!(why(lost(dollars(1), dollars(1), dollars(1))), Some("fell before it was seen"));
        assert_eq!(why(lost(dollars(3), dollars(2), dollars(4))), Some("fell before it was sold"));
        assert_eq!(why(lost(dollars(9), -dollars(8), dollars(4))), Some("sold below index"));
    }
}
