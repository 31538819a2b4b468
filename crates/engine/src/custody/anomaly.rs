//! Anomalies: what facts of chains had that the books did not expect, kept under the facts' own numbers (R28).
//!
//! - When: in the block that takes the fact. What the fact changes is decided beside it; here it is written down.
//! - The last [`KEPT`] of each chain are kept with their figures, all of them as counts by kind.
//! - A fact that its chain drops takes its anomaly with it.

use crate::state::{Outcome, State};
use ballast_types::{Anomaly, ChainId, Event, Freezes, Sequence};
use ballast_units::Time;
use borsh::{BorshDeserialize, BorshSerialize};

/// Anomalies of one chain that are kept with their figures.
const KEPT: usize = 1_024;

/// An anomaly, and when the hub took the fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Recorded {
    /// Time of the block that took the fact.
    pub time: Time,
    /// What was found.
    pub anomaly: Anomaly,
}

/// Writes an anomaly down under the number of its fact.
pub(super) fn record(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    sequence: Sequence,
    anomaly: Anomaly,
) {
    let time = state.now();
    let count = state.house.anomalies.entry((chain, anomaly.kind())).or_insert(0);
    *count = count.saturating_add(1);
    state.anomalies.insert((chain, sequence), Recorded { time, anomaly });
    out.event(Event::AnomalyFound { chain, sequence, anomaly });
    make_room(state, chain);
}

/// Beyond what is kept, the oldest goes; first of those that froze nothing, which anybody can cause for some gas.
fn make_room(state: &mut State, chain: ChainId) {
    let of_chain = || state.anomalies.range((chain, Sequence(0))..=(chain, Sequence(u64::MAX)));
    if of_chain().count() <= KEPT {
        return;
    }
    let light = of_chain().find(|(_, kept)| kept.anomaly.kind().freezes() == Freezes::Nothing);
    let oldest = light.or_else(|| of_chain().next()).map(|(key, _)| key);
    if let Some(key) = oldest {
        state.anomalies.remove(key);
    }
}

/// The chain dropped the fact: it never had an anomaly.
pub(super) fn forget(state: &mut State, chain: ChainId, sequence: Sequence) {
    if let Some(recorded) = state.anomalies.remove((chain, sequence)) {
        let count = state.house.anomalies.entry((chain, recorded.anomaly.kind())).or_insert(0);
        *count = count.saturating_sub(1);
    }
}
