//! Sources: each reports every asset's price, every token's depth and every chain's costs in every block, with a small
//! error of its own.
//!
//! - Depth of a token on a chain is what those who bid there have open; costs are the chain's present conditions.

use super::places::Places;
use crate::seed::{Seed, Stream};
use ballast_spoke::Conditions;
use ballast_types::{ChainId, CostReport, DepthReport, PriceReport, SourceId};
use ballast_units::{Amount, Price, Ratio, Time};

/// Largest error of a source, in millionths.
const ERROR_MAX: u64 = 150;

/// Half width of the confidence interval that sources state.
const CONFIDENCE: Ratio = Ratio::bps(5);

/// The sources of all assets.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    number: u8,
    noise: Stream,
}

impl Sources {
    pub(super) fn new(number: u8, seed: Seed) -> Self {
        Self { number, noise: seed.stream("oracle") }
    }

    /// What all sources report now, by asset, then source.
    pub(super) fn report(&mut self, places: &Places, now: Time, out: &mut Vec<PriceReport>) {
        for asset in places.assets.iter().filter(|asset| !asset.staked) {
            let true_price = places.price(asset.id, now);
            for source in 0..self.number {
                let parts = u128::from(1_000_000 - ERROR_MAX + self.noise.below(2 * ERROR_MAX + 1));
                // Prices are at most 2^90 wei, so the product fits.
                let wei = (true_price.wei() * parts / 1_000_000).max(1);
                let price = Price::from_wei(wei).expect("at least one wei");
                out.push(PriceReport {
                    asset: asset.id,
                    source: SourceId(source),
                    price,
                    confidence: CONFIDENCE,
                    time: now,
                });
            }
        }
    }

    /// The depth of every volatile token of the first `present` chains: what bidders have open there.
    pub(super) fn depths(
        &mut self,
        places: &Places,
        present: usize,
        open: impl Fn(ChainId) -> Amount,
        now: Time,
        out: &mut Vec<DepthReport>,
    ) {
        for chain in places.chains.iter().take(present) {
            let open = open(chain.id);
            for token in &chain.tokens {
                for source in 0..self.number {
                    let depth = self.about(open);
                    out.push(DepthReport { token: token.token, source: SourceId(source), depth, time: now });
                }
            }
        }
    }

    /// The costs of a chain.
    pub(super) fn costs(
        &mut self,
        chain: ChainId,
        conditions: &Conditions,
        now: Time,
        out: &mut Vec<CostReport>,
    ) {
        for source in 0..self.number {
            let (gas, bridge) = (self.about(conditions.gas_order), self.about(conditions.bridge));
            out.push(CostReport { chain, source: SourceId(source), gas, bridge, time: now });
        }
    }

    /// An amount with a source's error.
    fn about(&mut self, amount: Amount) -> Amount {
        let parts = 1_000_000 - ERROR_MAX + self.noise.below(2 * ERROR_MAX + 1);
        amount.share_down(Amount::whole(parts), Amount::whole(1_000_000)).unwrap_or(amount)
    }
}
