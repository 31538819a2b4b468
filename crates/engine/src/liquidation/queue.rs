//! The queue: which lots are offered now, and which wait for room (R2).
//!
//! - Room: dollars of a token under auction at once, at value when queued, stay below its cap; a lot larger than
//!   the cap is offered alone. The rest waits, worst health first.
//! - A lot that was never offered waits for depth so long at most, then for the governed cap alone.

use super::{Lot, selling};
use crate::state::{Outcome, State};
use ballast_types::{LotId, Token};
use ballast_units::{Amount, Usd};
use std::ops::Bound;

/// Dollars of a token under auction at once: its governed cap, and where the depth of its market is known, a multiple
/// of that, rounded down.
pub(super) fn auction_cap(state: &State, token: Token) -> Amount {
    let Some(record) = state.token(token) else { return Amount::ZERO };
    let depth = record.depth.fresh(state.now(), &state.house.oracle);
    let multiple = state.house.liquidation.depth_multiple;
    let by_depth = depth.map_or(Amount::MAX, |depth| depth.mul_ratio_down(multiple).unwrap_or(Amount::MAX));
    let cap = record.params.auction_cap;
    cap.min(by_depth)
}

/// Gives the room under each token's auction cap to its queue, worst health first. What finds room is ordered together.
pub(super) fn offer_queued(state: &mut State, out: &mut Outcome) {
    let mut together = selling::Together::default();
    let mut next = state.agenda.queued.first().map(|(token, _, _)| *token);
    while let Some(token) = next {
        while let Some(id) = first_queued(state, token) {
            if !selling::offer(state, out, id, &mut together) {
                break;
            }
        }
        let past = Bound::Excluded((token, Usd::MAX, LotId(u64::MAX)));
        next = state.agenda.queued.range((past, Bound::Unbounded)).next().map(|(token, _, _)| *token);
    }
    let mut full = None;
    for (token, _, id) in waited(state) {
        if full != Some(token) && !selling::offer(state, out, id, &mut together) {
            full = Some(token);
        }
    }
    selling::order(state, out, &together);
}

/// Lots that have waited long enough for depth, by token, worst health first.
fn waited(state: &State) -> Vec<(Token, Usd, LotId)> {
    let now = state.now();
    let wait = state.house.liquidation.depth_wait;
    let found = state.agenda.fresh.iter().take_while(|(since, _)| since.after(wait) <= now);
    let place = |id: LotId| {
        let lot = state.lots.find(id).expect("queued lots are open");
        (lot.token, lot.health, id)
    };
    let mut found: Vec<_> = found.map(|(_, id)| place(*id)).collect();
    found.sort_unstable();
    found
}

fn first_queued(state: &State, token: Token) -> Option<LotId> {
    let all = (token, Usd::MIN, LotId(0))..=(token, Usd::MAX, LotId(u64::MAX));
    state.agenda.queued.range(all).next().map(|(_, _, id)| *id)
}

/// There is room for it now.
pub(super) fn fits(state: &State, lot: &Lot) -> bool {
    let record = state.token(lot.token).expect("lots are of listed tokens");
    let has_waited = lot.is_fresh() && lot.since.after(state.house.liquidation.depth_wait) <= state.now();
    let cap = if has_waited { record.params.auction_cap } else { auction_cap(state, lot.token) };
    record.auctioned.is_zero() || record.auctioned + lot.value <= cap
}
