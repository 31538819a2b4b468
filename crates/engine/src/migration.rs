//! Migration: a chain's vault hands everything over to a successor (R18).
//!
//! - When: governance names the successor. The order waits three days in the vault, where others see it and can freeze; then
//!   anybody has it carried out, within half a day or never. One at a time on a chain.
//! - Quiet: nothing may be under auction when it is carried out. From three days after the order was given no auction is
//!   started on the chain; lots wait until the successor is there, or until the order has expired.
//! - `Executed` is the old vault's last fact; the successor goes on with its numbers, tokens, limits and validators. What is
//!   signed for the old one is worth nothing to it: whatever is open is put out again at once, under the new domain.
//! - Keeps: I06 (a nonce takes effect once: the successor knows which numbers the old vault used up, also where a reorg has that
//!   one carry out what was signed for the successor before).

use crate::liquidation;
use crate::orders;
use crate::state::{Outcome, State};
use ballast_types::{
    Address, ChainId, Event, Hash, MIGRATION_DELAY, MIGRATION_WINDOW, Nonce, OrderAction, Reject,
};
use ballast_units::Time;
use borsh::{BorshDeserialize, BorshSerialize};

/// A migration that is not final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Migration {
    /// The order.
    pub nonce: Nonce,
    /// The successor.
    pub to: Address,
    /// Its domain.
    pub domain: Hash,
    /// No auction is started from then on.
    pub quiet: Time,
    /// It was carried out in a block that is safe.
    pub moved: bool,
}

impl State {
    /// What is signed for a chain's vault carries this: of its successor, from the block on in which it was seen to take over.
    #[must_use]
    pub fn domain(&self, chain: ChainId) -> Hash {
        let record = self.chains.get(chain);
        record.migration.filter(|migration| migration.moved).map_or(record.domain, |next| next.domain)
    }
}

/// Names the successor of a chain's vault.
pub(crate) fn order(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    (to, domain): (Address, Hash),
) -> Result<(), Reject> {
    let record = state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    if let Some(open) = record.migration {
        return Err(Reject::OrderOpen { chain, nonce: open.nonce });
    }
    if let Some((chain, _)) = state.chains.iter().find(|(_, other)| {
        other.domain == domain || other.migration.is_some_and(|migration| migration.domain == domain)
    }) {
        return Err(Reject::DomainTaken { domain, chain });
    }
    let quiet = state.now().after(MIGRATION_DELAY);
    let nonce = orders::give(state, out, chain, OrderAction::Migrate { to });
    let migration = Migration { nonce, to, domain, quiet, moved: false };
    state.chains.get_mut(chain).migration = Some(migration);
    out.event(Event::MigrationOrdered { chain, to, nonce, quiet });
    Ok(())
}

/// When a vault refuses the order: it waits, may be carried out for half a day, and is brought within an order's life.
pub(crate) fn expires(life: Time) -> Time {
    life.after(MIGRATION_DELAY).after(MIGRATION_WINDOW)
}

/// No auction is started on the chain now.
pub(crate) fn is_quiet(state: &State, chain: ChainId) -> bool {
    let migration = state.chains.get(chain).migration;
    migration.is_some_and(|migration| !migration.moved && migration.quiet <= state.now())
}

/// The old vault has handed over, in a block that is safe, or that block was dropped.
pub(crate) fn moved(state: &mut State, chain: ChainId, moved: bool) {
    if let Some(migration) = &mut state.chains.get_mut(chain).migration {
        migration.moved = moved;
    }
    liquidation::rebase(state, chain);
    orders::hurry(state, chain);
}

/// It is final. The successor is told of the market makers that there are.
pub(crate) fn settled(state: &mut State, out: &mut Outcome, chain: ChainId) {
    let record = state.chains.get_mut(chain);
    let Migration { to, domain, .. } = record.migration.take().expect("open until its order is final");
    record.domain = domain;
    out.event(Event::MigrationCompleted { chain, to, domain });
    let makers: Vec<Address> = state.house.makers.iter().copied().collect();
    for maker in makers {
        orders::give(state, out, chain, OrderAction::ListMaker { maker, listed: true });
    }
}

/// The vault never handed over: it stays the chain's, and auctions start again.
pub(crate) fn undo(state: &mut State, out: &mut Outcome, chain: ChainId, nonce: Nonce) {
    let migration = state.chains.get_mut(chain).migration.take();
    let Migration { to, .. } = migration.expect("open until its order is final");
    out.event(Event::MigrationUndone { chain, to, nonce });
}
