//! Validators: whose orders the vaults obey, from one rotation to the next.
//!
//! - When: governance names the next set. Every vault is told by an order of its own, and obeys that set from the block
//!   that carries the order out, also while it is frozen. Each vault obeys one set after
//!   the other. A chain that stands still keeps nobody else from rotating, until it is [`BEHIND_MOST`] sets behind.
//! - A set stays known as long as a vault may obey it: from the lowest final epoch of any chain up to the newest one. Until
//!   then its keys are needed.
//! - What the old set signed is worth nothing to a vault that has rotated: whatever is open there is put out again at
//!   once, and signed by the new set.

use crate::orders;
use crate::state::{Outcome, State};
use ballast_types::{ChainId, Event, Nonce, OrderAction, Reject, SIGNERS_MOST, Signer};
use ballast_units::Overflow;
use std::ops::RangeInclusive;

/// Sets that a vault may be behind: what is open for it is signed by each of them.
pub(crate) const BEHIND_MOST: u32 = 4;

/// A rotation that may be ordered.
pub(crate) struct Rotation {
    epoch: u32,
    /// Ascending.
    signers: Vec<Signer>,
}

impl State {
    /// The epoch of the newest set that was ordered; 0 before the first rotation.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.validators.iter().next_back().map_or(0, |(epoch, _)| epoch)
    }

    /// Epochs whose set a chain's vault may obey now: from its final one up to the newest that was ordered.
    #[must_use]
    pub fn epochs(&self, chain: ChainId) -> RangeInclusive<u32> {
        let newest = self.epoch();
        self.chains.find(chain).map_or(newest, |record| record.epoch)..=newest
    }
}

/// The set that the vaults obey at first. Genesis may leave it to the lone node that runs the house, and name nobody.
pub(crate) fn found(state: &mut State, signers: &[Signer]) -> Result<(), Reject> {
    let signers = if signers.is_empty() { Vec::new() } else { set_of(signers)? };
    state.validators.insert(0, signers);
    Ok(())
}

/// Decides on the next set.
pub(crate) fn plan(state: &State, signers: &[Signer]) -> Result<Rotation, Reject> {
    let present = state.epoch();
    for (chain, record) in state.chains.iter() {
        if BEHIND_MOST <= present.saturating_sub(record.epoch) {
            let want = present.saturating_sub(BEHIND_MOST.saturating_sub(1));
            return Err(Reject::RotationOpen { chain, have: record.epoch, want });
        }
    }
    let next = set_of(signers)?;
    if state.validators.find(present) == Some(&next) {
        return Err(Reject::SetUnchanged { epoch: present, signers: count(&next) });
    }
    Ok(Rotation { epoch: present.checked_add(1).ok_or(Overflow)?, signers: next })
}

/// Tells every vault.
pub(crate) fn execute(state: &mut State, out: &mut Outcome, rotation: Rotation) {
    let Rotation { epoch, signers } = rotation;
    out.event(Event::RotationOrdered { epoch, signers: count(&signers) });
    state.validators.insert(epoch, signers.clone());
    for chain in state.chains.ids() {
        orders::give(state, out, chain, OrderAction::Rotate { epoch, signers: signers.clone() });
    }
}

/// Signers as a vault takes them: ascending, each once, no more than a certificate can count.
fn set_of(signers: &[Signer]) -> Result<Vec<Signer>, Reject> {
    if signers.is_empty() || SIGNERS_MOST < signers.len() {
        let high = u32::try_from(SIGNERS_MOST).unwrap_or(u32::MAX);
        return Err(Reject::SignersCount { have: count(signers), low: 1, high });
    }
    let mut sorted = signers.to_vec();
    sorted.sort_unstable();
    let mut last = Signer::default();
    for (place, signer) in sorted.iter().copied().enumerate() {
        if signer == Signer::default() {
            return Err(Reject::SignerZero { signer });
        }
        if 0 < place && signer == last {
            return Err(Reject::SignerTwice { signer });
        }
        last = signer;
    }
    Ok(sorted)
}

fn count(signers: &[Signer]) -> u32 {
    u32::try_from(signers.len()).unwrap_or(u32::MAX)
}

/// A vault has rotated, in a block that is safe.
pub(crate) fn obeyed(state: &mut State, chain: ChainId, epoch: u32) {
    let record = state.chains.get_mut(chain);
    record.epoch_seen = record.epoch_seen.max(epoch);
    orders::hurry(state, chain);
}

/// The chain dropped that block: the vault obeys the set of before.
pub(crate) fn dropped(state: &mut State, chain: ChainId, epoch: u32) {
    let all = state.orders.range((chain, Nonce(0))..=(chain, Nonce(u64::MAX)));
    let others = all.filter_map(|(_, sent)| {
        let OrderAction::Rotate { epoch: other, .. } = sent.order.action else { return None };
        (other != epoch && sent.seen.is_some()).then_some(other)
    });
    let newest = others.max().unwrap_or(0);
    let record = state.chains.get_mut(chain);
    record.epoch_seen = record.epoch.max(newest);
}

/// It is final. Sets that no vault can obey any more are forgotten.
pub(crate) fn settled(state: &mut State, out: &mut Outcome, chain: ChainId, epoch: u32) {
    let record = state.chains.get_mut(chain);
    // No vault goes back: whatever is told of an earlier set, a later one is obeyed.
    record.epoch = record.epoch.max(epoch);
    out.event(Event::RotationCompleted { chain, epoch });
    let lowest = state.chains.iter().map(|(_, record)| record.epoch).min().unwrap_or(epoch);
    let old: Vec<u32> = state.validators.range(..lowest).map(|(epoch, _)| epoch).collect();
    for epoch in old {
        state.validators.remove(epoch);
    }
}
