//! Uptime: how much of the last 30 days a keeper was up, by its heartbeats.
//!
//! - A heartbeat vouches for the time since the one before, up to one and a half intervals.
//! - Kept by UTC day, 30 counters: the window begins with the day 29 days ago, or with the keeper.
//! - Rounds: the share down.

use ballast_types::KeeperParams;
use ballast_units::{Amount, Millis, Ratio, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// Days of the window.
const DAYS: u64 = 30;
const DAY: Millis = Millis::days(1);

/// A keeper's heartbeats.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Uptime {
    /// Measured from here on.
    pub since: Time,
    /// Last heartbeat, or `since`.
    pub last: Time,
    /// Milliseconds up, by the number of the day since 1970 modulo 30.
    days: [u32; 30],
}

impl Uptime {
    /// Measured from now on.
    pub(crate) fn new(now: Time) -> Self {
        Self { since: now, last: now, days: [0; 30] }
    }

    /// A heartbeat.
    pub(crate) fn beat(&mut self, now: Time, params: &KeeperParams) {
        let up = now.since(self.last).get().min(allowance(params));
        // Days on which nothing was heard hold what was 30 days before.
        let (today, last) = (day(now), day(self.last));
        for passed in (last.saturating_add(1)..=today).take(self.days.len()) {
            *self.slot(passed) = 0;
        }
        let slot = self.slot(today);
        *slot = slot.saturating_add(u32::try_from(up).unwrap_or(u32::MAX));
        self.last = now;
    }

    /// Share of the window in which it was up, at most 1; `None` while it is too young to tell.
    #[must_use]
    pub fn share(&self, now: Time, params: &KeeperParams) -> Option<Ratio> {
        if now.since(self.since) < params.uptime_age_min {
            return None;
        }
        let today = day(now);
        let first = today.saturating_sub(DAYS.saturating_sub(1));
        let begin = Time::from_millis(first.saturating_mul(DAY.get())).max(self.since);
        let last = day(self.last);
        let heard = (first..=last).take(self.days.len()).map(|day| u64::from(self.of(day)));
        let up: u64 = heard.fold(0, u64::saturating_add);
        let up = up.saturating_add(now.since(self.last).get().min(allowance(params)));
        let whole = now.since(begin).get().max(1);
        let up = Amount::from_wei(u128::from(up.min(whole)));
        up.ratio_to_down(Amount::from_wei(u128::from(whole))).ok()
    }

    fn of(&self, day: u64) -> u32 {
        self.days.get(place(day)).copied().unwrap_or(0)
    }

    fn slot(&mut self, day: u64) -> &mut u32 {
        self.days.get_mut(place(day)).expect("a day modulo 30 is one of 30")
    }
}

/// What a heartbeat vouches for at most.
fn allowance(params: &KeeperParams) -> u64 {
    let interval = params.heartbeat.get();
    interval.saturating_add(interval >> 1)
}

fn day(time: Time) -> u64 {
    time.millis().checked_div(DAY.get()).unwrap_or(0)
}

fn place(day: u64) -> usize {
    usize::try_from(day.checked_rem(DAYS).unwrap_or(0)).unwrap_or(0)
}
