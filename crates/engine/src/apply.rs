//! One block: observations, prices, commands, rounds, risk, liquidations, payouts of claims, orders, hash
//! (R24).

use crate::Engine;
use crate::state::Outcome;
use ballast_types::Block;
use ballast_units::Time;

impl Engine {
    /// Applies a block. Infallible: what cannot be done is refused in `out`, and changes nothing.
    pub fn apply(&mut self, block: &Block, out: &mut Outcome) {
        out.clear();
        let _ = block;
    }

    /// When the clock alone brings something next: a block is worth having then.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        None
    }
}
