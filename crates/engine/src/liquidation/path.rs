//! Paths: the ways between two chains that collateral is sent over, and which of them are not used for now.
//!
//! - An order over a path that expired, or an arrival of less than was sent, closes it for a day: what went wrong once would
//!   go wrong again, and lots would wait for it while prices fall.
//! - An arrival that no order sent closes it until a vote: only the path itself can forge one.
//! - What would have gone over a closed path goes another way, or is sold at home.

use crate::state::{Outcome, State};
use ballast_types::{ChainId, Event, Nonce, Reject, Sequence};
use ballast_units::{Millis, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// A path that failed is not used for so long.
const REST: Millis = Millis::days(1);

/// Arrivals of a path that are remembered, so that one that comes again is known.
const REMEMBERED: usize = 1_024;

/// From where, to where.
pub(super) type Way = (ChainId, ChainId);

/// What is known of a way between two chains.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Path {
    /// Not used before this time.
    pub until: Option<Time>,
    /// Not used until a vote: this event of the receiving chain came over it, and nobody had sent it.
    pub forged: Option<Sequence>,
    /// Orders whose collateral has arrived, the oldest first.
    pub arrived: Vec<Nonce>,
}

impl Path {
    fn is_open(&self, now: Time) -> bool {
        self.forged.is_none() && self.until.is_none_or(|until| until <= now)
    }
}

/// A path is used.
pub(super) fn is_open(state: &State, way: Way) -> bool {
    state.paths.find(way).is_none_or(|path| path.is_open(state.now()))
}

/// It did not work.
pub(super) fn rest(state: &mut State, out: &mut Outcome, way: Way) {
    let until = state.now().after(REST);
    state.paths.find_or_insert(way).until = Some(until);
    out.event(Event::PathClosed { from: way.0, to: way.1, until: Some(until) });
}

/// Something came over it that nobody sent.
pub(super) fn distrust(state: &mut State, out: &mut Outcome, way: Way, fact: Sequence) {
    let path = state.paths.find_or_insert(way);
    if path.forged.is_none() {
        path.forged = Some(fact);
        out.event(Event::PathClosed { from: way.0, to: way.1, until: None });
    }
}

/// The receiving chain dropped what had come.
pub(crate) fn trust_again(state: &mut State, out: &mut Outcome, way: Way, fact: Sequence) {
    if let Some(path) = state.paths.find_mut(way).filter(|path| path.forged == Some(fact)) {
        path.forged = None;
        out.event(Event::PathOpened { from: way.0, to: way.1 });
    }
}

/// Governance has a closed path used again.
pub(crate) fn open(state: &mut State, out: &mut Outcome, way: Way) -> Result<(), Reject> {
    let (from, to) = way;
    for chain in [from, to] {
        state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    }
    if is_open(state, way) {
        return Err(Reject::PathOpen { from, to });
    }
    let path = state.paths.find_or_insert(way);
    (path.until, path.forged) = (None, None);
    out.event(Event::PathOpened { from, to });
    Ok(())
}

/// What this order sent has arrived.
pub(super) fn remember(state: &mut State, way: Way, nonce: Nonce) {
    let arrived = &mut state.paths.find_or_insert(way).arrived;
    arrived.push(nonce);
    if REMEMBERED < arrived.len() {
        arrived.remove(0);
    }
}

/// What this order sent arrived before.
pub(super) fn has_come(state: &State, way: Way, nonce: Nonce) -> bool {
    state.paths.find(way).is_some_and(|path| path.arrived.contains(&nonce))
}
