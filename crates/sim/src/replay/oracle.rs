//! Price sources: each reports every asset in every block, with a small error of its own.

use super::places::Places;
use crate::seed::{Seed, Stream};
use ballast_types::{PriceReport, SourceId};
use ballast_units::{Price, Ratio, Time};

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
        for asset in &places.assets {
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
}
