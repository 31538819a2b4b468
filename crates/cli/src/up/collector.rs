//! Collection: the reserve's share of fees goes from the float to the chains' Safes, every ten minutes and in equal parts.
//!
//! Stands in for what decides when gas is cheap and where money is needed; what a chain cannot spare stays for the next time.

use ballast_engine::{Outcome, State};
use ballast_types::{Change, Command, Event, LedgerAccount, Money, Reason};
use ballast_units::Amount;

/// Blocks from one collection to the next: ten minutes.
const EVERY: u64 = 300;

/// Less than this a chain is not worth an order, dollars.
const LEAST: Amount = Amount::whole(10);

/// What the float had of fees and no Safe was sent yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Collector {
    due: Amount,
}

impl Collector {
    /// What governance orders with the next block.
    pub(super) fn act(&self, state: &State) -> Vec<Command> {
        let next = state.house.height.0 + 1;
        if !next.is_multiple_of(EVERY) {
            return Vec::new();
        }
        let chains = Amount::whole(state.chains.len() as u64);
        let part = self.due.share_down(Amount::whole(1), chains).unwrap_or_default();
        let ready = state.chains.iter().filter(|(_, chain)| LEAST <= part && chain.cold_store.is_some());
        ready.map(|(chain, _)| Command::Govern(Change::Collect { chain, amount: part })).collect()
    }

    /// What a block brought.
    pub(super) fn learn(&mut self, outcome: &Outcome) {
        for transfer in &outcome.transfers {
            let fee = matches!(transfer.reason, Reason::FeeSplit | Reason::LiquidationFee);
            if fee && transfer.to == Some(LedgerAccount::Float) && transfer.money == Money::Usd {
                self.due += transfer.amount;
            }
        }
        for event in &outcome.events {
            match event {
                Event::CollectionOrdered { amount, .. } => self.due = self.due.saturating_sub(*amount),
                Event::CollectionUndone { amount, .. } => self.due += *amount,
                _ => {}
            }
        }
    }
}
