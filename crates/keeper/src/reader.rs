//! Results of auctions as a keeper's own endpoint tells them.

use ballast_types::{ChainId, Hash, LotId, Observation, TaskId, VaultEvent, digest};
use std::collections::BTreeMap;

/// Ends of auctions that are kept of a chain, final or not.
const KEPT: usize = 20_000;

/// What the chains told of ends of auctions.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    chains: BTreeMap<ChainId, BTreeMap<u64, (LotId, Hash)>>,
    results: BTreeMap<(ChainId, LotId, Hash), Hash>,
}

impl Reader {
    /// Takes in what an endpoint told.
    pub fn take_in(&mut self, observations: &[Observation]) {
        for observation in observations {
            match *observation {
                Observation::Seen { chain, sequence, version, event: VaultEvent::Ended { lot, result } } => {
                    self.results.insert((chain, lot, version), result);
                    let ends = self.chains.entry(chain).or_default();
                    ends.insert(sequence.0, (lot, version));
                    if KEPT < ends.len()
                        && let Some((_, (lot, version))) = ends.pop_first()
                    {
                        self.results.remove(&(chain, lot, version));
                    }
                }
                Observation::Dropped { chain, sequence } => {
                    let dropped = self.chains.entry(chain).or_default().split_off(&sequence.0);
                    for (lot, version) in dropped.into_values() {
                        self.results.remove(&(chain, lot, version));
                    }
                }
                Observation::Seen { .. } | Observation::Final { .. } => {}
            }
        }
    }

    /// What a task's auctions on a chain gave, of ends in these blocks; `None` where the endpoint does not know one of
    /// them.
    #[must_use]
    pub fn report(&self, task: TaskId, chain: ChainId, ended: &[(LotId, Hash)]) -> Option<Hash> {
        let results: Option<Vec<Hash>> =
            ended.iter().map(|(lot, version)| self.results.get(&(chain, *lot, *version)).copied()).collect();
        Some(digest::task_report(task, chain, &results?))
    }
}
