//! Lots: collateral for sale, whose it is, and its auctions as the hub wants them and as their chain has them.
//!
//! - A lot has parts: one, or in a joint auction several, each of a task. Proceeds belong to them by value at entry,
//!   what is unsold by quantity; both by largest remainder, so that the parts add up to the whole.
//! - A lot has runs: one a `StartAuction` ordered, until its end is final. Facts of a chain change the run that the
//!   chain has; the stage is what the hub makes of it.
//! - Everything here is on the record alone, so that what a reversal would leave can be reckoned on a copy.

use super::Freeze;
use crate::waterfall::apportion;
use ballast_types::digest;
use ballast_types::{Address, Anomaly, Auction, ChainId, Hash, LotId, Nonce, TaskId, Token};
use ballast_units::{Amount, Time, Usd};
use borsh::{BorshDeserialize, BorshSerialize};

/// Collateral for sale on one chain.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Lot {
    /// Whose it is; ascending by task and home.
    pub parts: Vec<Part>,
    /// What, where.
    pub token: Token,
    /// Still in the lot (ledger): takes leave it when they are final.
    pub held: Amount,
    /// Taken and seen, not final.
    pub taken: Amount,
    /// Dollars paid for `taken`.
    pub paid: Amount,
    /// Dollars at index when it was queued; what the cap on auctions counts.
    pub value: Amount,
    /// When it came into being.
    pub since: Time,
    /// Health of the account when it was queued, of several the worst: its place in the queue.
    pub health: Usd,
    /// Where it stands.
    pub stage: LotStage,
    /// The order that started its last round; 0 before the first.
    pub start: Nonce,
    /// Rounds offered so far.
    pub round: u8,
    /// Its auctions whose end is not final, oldest first.
    pub runs: Vec<Run>,
    /// Facts of its chain by which value is missing: nothing is offered or given back while there are any.
    pub frozen: Vec<Freeze>,
    /// A bridge did not take it: it is sold where it lies.
    pub stays: bool,
}

/// A task's part of a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Part {
    /// Whose liquidation.
    pub task: TaskId,
    /// The chain that it was collateral on.
    pub home: ChainId,
    /// How much of the token it brought.
    pub quantity: Amount,
    /// Dollars at index when it entered the lot.
    pub value: Amount,
    /// Its task is covered: what is unsold of it goes back as soon as no auction runs.
    pub leaves: bool,
}

/// An auction of a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Run {
    /// The order that starts it.
    pub start: Nonce,
    /// Its terms.
    pub auction: Auction,
    /// As its chain has it.
    pub state: RunState,
    /// Hash of its takes so far (`docs/messages.md`).
    pub result: Hash,
    /// The same, of those that are final.
    pub settled: Hash,
    /// Dollars due for them, final or not.
    pub sold: Amount,
}

/// How far a chain has come with an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum RunState {
    /// Ordered, not carried out.
    Ordered,
    /// Takes are accepted.
    Running,
    /// Cancelled before it was started: it never will be.
    Void,
    /// Over.
    Over,
}

/// Where a lot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum LotStage {
    /// Waits for room under the cap of its token, or to be bridged.
    Queued,
    /// Under auction.
    Offered(Auction),
    /// Its auction was cancelled; takes count until the spoke says that it has ended.
    Ending {
        /// The one that ends.
        auction: Auction,
        /// What is unsold is offered again; otherwise it goes back.
        anew: bool,
    },
    /// Its auction has ended with something left; this becomes of it when that is final and undisputed.
    Over(After),
    /// Bought by nobody; offered again at this time.
    Warehoused(Time),
    /// Sold out, not final. Should a take be dropped, this auction runs again as its chain has it.
    Ended(Auction),
    /// On its way to another chain.
    Bridging {
        /// Where to.
        to: ChainId,
        /// The order that sends it.
        nonce: Nonce,
    },
    /// A joint lot that others may join until then.
    Gathering(Time),
}

/// What becomes of an unsold rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum After {
    /// It is offered again.
    Queue,
    /// It goes back.
    Return,
    /// Every round has failed: the reserve, then the warehouse.
    LastResort,
}

/// A take, as its chain told it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// Of which lot.
    pub(crate) lot: LotId,
    /// Who.
    pub(crate) taker: Address,
    /// How much of the collateral.
    pub(crate) quantity: Amount,
    /// Dollars due for it.
    pub(crate) paid: Amount,
    /// Of those, what a market maker kept.
    pub(crate) rebate: Amount,
}

/// What a take changed in its lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Taking {
    /// The auction that ran, and its result before.
    pub run: Option<(Nonce, Hash)>,
    /// What was the lot's of what was taken.
    pub quantity: Amount,
}

/// What the end of an auction changed in its lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ending {
    /// Which auction.
    pub start: Nonce,
    /// What the chain made of it before.
    pub was: RunState,
    /// Stage and rounds before.
    pub stage: LotStage,
    /// Rounds before.
    pub round: u8,
    /// The chain's result was another than the engine's.
    pub disputed: bool,
}

impl Lot {
    /// Not taken.
    #[must_use]
    pub fn left(&self) -> Amount {
        self.held - self.taken
    }

    /// What is still to be sold of it, on its way included.
    #[must_use]
    pub fn unsold(&self) -> Amount {
        match self.stage {
            LotStage::Bridging { .. } => self.parts.iter().map(|part| part.quantity).sum(),
            LotStage::Queued
            | LotStage::Offered(_)
            | LotStage::Ending { .. }
            | LotStage::Over(_)
            | LotStage::Warehoused(_)
            | LotStage::Ended(_)
            | LotStage::Gathering(_) => self.left(),
        }
    }

    /// It was never offered.
    pub(crate) fn is_fresh(&self) -> bool {
        self.start == Nonce(0)
    }

    /// Dollars due for takes of its last auction.
    #[must_use]
    pub fn sold(&self) -> Amount {
        self.run(self.start).map_or(Amount::ZERO, |run| run.sold)
    }

    /// Tasks that have part in it.
    pub(crate) fn tasks(&self) -> Vec<TaskId> {
        let mut tasks: Vec<TaskId> = self.parts.iter().map(|part| part.task).collect();
        tasks.dedup();
        tasks
    }

    /// Dollars over its parts, by value at entry.
    pub(crate) fn split(&self, dollars: Amount) -> Vec<(Part, Amount)> {
        let by_value: Vec<Amount> = self.parts.iter().map(|part| part.value).collect();
        let bases = if by_value.iter().all(|value| value.is_zero()) { self.quantities() } else { by_value };
        self.parts.iter().copied().zip(apportion(dollars, &bases)).collect()
    }

    /// Collateral over its parts, by quantity, in whole units; what is no whole unit is the first part's.
    pub(crate) fn split_units(&self, amount: Amount, unit: Amount) -> Vec<(Part, Amount)> {
        let units = amount.wei().checked_div(unit.wei()).unwrap_or(0);
        let shares = apportion(Amount::from_wei(units), &self.quantities());
        let whole = |share: Amount| Amount::from_wei(share.wei().saturating_mul(unit.wei()));
        let mut split: Vec<(Part, Amount)> =
            self.parts.iter().copied().zip(shares.into_iter().map(whole)).collect();
        let rest = amount - split.iter().map(|(_, share)| *share).sum();
        if let Some((_, first)) = split.first_mut() {
            *first += rest;
        }
        split
    }

    fn quantities(&self) -> Vec<Amount> {
        self.parts.iter().map(|part| part.quantity).collect()
    }

    /// A task's share of dollars.
    pub(crate) fn share(&self, task: TaskId, dollars: Amount) -> Amount {
        self.split(dollars).into_iter().filter(|(part, _)| part.task == task).map(|(_, share)| share).sum()
    }

    pub(crate) fn run(&self, start: Nonce) -> Option<&Run> {
        self.runs.iter().find(|run| run.start == start)
    }

    pub(crate) fn run_mut(&mut self, start: Nonce) -> Option<&mut Run> {
        self.runs.iter_mut().find(|run| run.start == start)
    }

    /// The auction that its chain has running.
    fn running(&self) -> Option<&Run> {
        self.runs.iter().find(|run| run.state == RunState::Running)
    }

    /// What of it a take can be of: nothing of what is on its way.
    pub(crate) fn takeable(&self) -> Amount {
        match self.stage {
            LotStage::Bridging { .. } => Amount::ZERO,
            LotStage::Queued
            | LotStage::Offered(_)
            | LotStage::Ending { .. }
            | LotStage::Over(_)
            | LotStage::Warehoused(_)
            | LotStage::Ended(_)
            | LotStage::Gathering(_) => self.left(),
        }
    }

    /// What no honest chain would tell of a take.
    pub(crate) fn oddity(&self, told: &Told) -> Option<Anomaly> {
        let &Told { lot, quantity, paid, rebate, taker: _ } = told;
        let Some(run) = self.running() else { return Some(Anomaly::TakenVoid { lot, quantity, paid }) };
        let left = self.takeable();
        if left < quantity {
            return Some(Anomaly::TakenTooMuch { lot, over: quantity - left });
        }
        let due = quantity.value_down(run.auction.floor).unwrap_or(Amount::LIMIT);
        let most = paid.bps_down(run.auction.rebate);
        let missing = due.saturating_sub(paid).max(rebate.saturating_sub(most));
        (!missing.is_zero()).then_some(Anomaly::TakenTooCheap { lot, missing })
    }

    /// Which auction an end with this result is of: the one that has it, also one that was cancelled before it was started;
    /// else the one that runs, else a void one.
    pub(crate) fn ends(&self, result: Hash) -> Option<Nonce> {
        let over = |run: &&Run| run.state == RunState::Over;
        let same = self.runs.iter().find(|run| !over(run) && run.result == result);
        let void = || self.runs.iter().find(|run| run.state == RunState::Void);
        same.or_else(|| self.running()).or_else(void).map(|run| run.start)
    }

    /// A take counts: in the lot as far as it has something left, in the auction that runs.
    pub(crate) fn take(&mut self, told: &Told) -> Taking {
        let &Told { taker, quantity, paid, rebate, lot: _ } = told;
        let taken = quantity.min(self.takeable());
        self.taken += taken;
        self.paid += paid;
        let run = self.runs.iter_mut().find(|run| run.state == RunState::Running);
        let run = run.map(|run| {
            let before = run.result;
            run.result = digest::result_take(before, taker, quantity, paid, rebate);
            run.sold += paid;
            (run.start, before)
        });
        Taking { run, quantity: taken }
    }

    /// A take that was seen does not count any more.
    pub(crate) fn untake(&mut self, taking: Taking, paid: Amount) {
        self.taken -= taking.quantity;
        self.paid -= paid;
        let run = taking.run.and_then(|(start, before)| Some((self.run_mut(start)?, before)));
        if let Some((run, before)) = run {
            run.result = before;
            run.sold -= paid;
        }
    }

    /// The chain has carried the start out, or has not any more. Without effect on a start that was voided.
    pub(crate) fn set_started(&mut self, start: Nonce, started: bool) {
        if let Some(run) = self.run_mut(start).filter(|run| run.state != RunState::Void) {
            run.state = if started { RunState::Running } else { RunState::Ordered };
        }
    }

    /// A start that is not carried out never will be, or may be again. False where that is not how it stands.
    pub(crate) fn set_void(&mut self, start: Nonce, void: bool) -> bool {
        let (before, after) =
            if void { (RunState::Ordered, RunState::Void) } else { (RunState::Void, RunState::Ordered) };
        let run = self.run_mut(start).filter(|run| run.state == before);
        run.map(|run| run.state = after).is_some()
    }

    /// An end that was seen does not count any more.
    pub(crate) fn unend(&mut self, ending: &Ending) {
        if let Some(run) = self.run_mut(ending.start) {
            run.state = ending.was;
        }
        if self.start == ending.start {
            self.round = ending.round;
        }
    }
}
