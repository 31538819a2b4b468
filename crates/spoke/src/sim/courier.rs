//! The courier between chains in this process: what one vault sent arrives at another after a while, once.
//!
//! - It waits for the finality of the block that sent: what a reorg may still take back never leaves.
//! - Keeps: what is on its way was booked out at its source and is not booked in yet (I01).

use super::SimChain;
use crate::Spoke;
use crate::message::Bridged;
use ballast_types::{AssetId, ChainId};
use ballast_units::{Amount, Millis, Time};
use std::collections::BTreeMap;

/// A courier that takes the same time everywhere.
#[derive(Clone, Debug)]
pub struct Courier {
    delay: Millis,
    /// On its way, by time of arrival.
    travelling: BTreeMap<(Time, Bridged), ChainId>,
}

impl Courier {
    /// One that takes `delay` from the source's finality to the destination's mempool.
    #[must_use]
    pub const fn new(delay: Millis) -> Self {
        Self { delay, travelling: BTreeMap::new() }
    }

    /// Collects what has become final everywhere, and brings what has arrived by `now`. What goes to a chain that is
    /// not among `chains` stays on its way.
    pub fn carry(&mut self, chains: &mut [SimChain], now: Time) {
        for chain in chains.iter_mut() {
            let departures = chain.departures().into_iter();
            let arrival = now.after(self.delay);
            self.travelling.extend(departures.map(|(to, bridged)| ((arrival, bridged), to)));
        }
        let arrived: Vec<(Time, Bridged)> =
            self.travelling.keys().take_while(|(arrival, _)| *arrival <= now).copied().collect();
        for key in arrived {
            let to = self.travelling[&key];
            if let Some(chain) = chains.iter_mut().find(|chain| chain.chain() == to) {
                chain.bridge_in(key.1);
                self.travelling.remove(&key);
            }
        }
    }

    /// How much of an asset is on its way.
    #[must_use]
    pub fn travelling(&self, asset: AssetId) -> Amount {
        let there = self.travelling.keys().filter(|(_, bridged)| bridged.asset == asset);
        there.map(|(_, bridged)| bridged.amount).sum()
    }
}
