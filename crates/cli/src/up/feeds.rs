//! Price feeds on the chains: their operator moves each by transactions as its market moves, and one of the hub's sources
//! of every asset that has a feed reads it there.
//!
//! - An asset has its feed on the first chain that lists it.
//! - Faster than Chainlink's: the house wants a report a minute, a real feed's heartbeat is an hour.

use super::spoke::LocalSpoke;
use super::world::Counts;
use alloy::eips::BlockId;
use alloy::providers::DynProvider;
use ballast_spoke::evm::kit::dev_key;
use ballast_spoke::evm::{EvmError, Feed};
use ballast_types::{AssetId, ChainId, Genesis, PriceReport, SourceId};
use ballast_units::{Millis, Price, Ratio, Time};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Which of an asset's sources reads the feed.
const SOURCE: SourceId = SourceId(0);

/// A feed is moved once its market is this far from it,
const DEVIATION: Ratio = Ratio::bps(10);

/// or after this long.
const HEARTBEAT: Millis = Millis::seconds(36);

/// A round further from the one before is none.
const JUMP_MOST: Ratio = Ratio::percent(20);

/// All feeds.
#[derive(Debug)]
pub(super) struct Feeds {
    runtime: Arc<Runtime>,
    feeds: Vec<ChainFeed>,
}

#[derive(Debug)]
struct ChainFeed {
    chain: ChainId,
    feed: Feed,
    operator: DynProvider,
    /// The last round that was sent, when.
    sent: Option<(Price, Time)>,
    /// Time of the head at the last look.
    looked: Time,
    /// Time of the last round that was read.
    read: Time,
}

/// Where each asset's feed lies, and what it says at first.
pub(super) fn sites(genesis: &Genesis) -> Vec<(AssetId, ChainId, Price)> {
    let assets = (0..).map(AssetId).zip(&genesis.assets);
    let priced = assets.filter(|(_, asset)| genesis.stake_asset.as_ref() != Some(&asset.symbol));
    let sites = priced.filter_map(|(id, asset)| {
        let market = genesis.markets.iter().find(|market| market.asset == asset.symbol);
        let price = match market {
            Some(market) => market.quote_reserve.price_of(market.base_reserve).ok()?,
            None if asset.stable => Price::ONE,
            None => return None,
        };
        let lists = |token: &ballast_types::TokenGenesis| token.asset == asset.symbol;
        let chain = genesis.chains.iter().position(|chain| chain.tokens.iter().any(lists))?;
        Some((id, ChainId(u16::try_from(chain).ok()?), price))
    });
    sites.collect()
}

impl Feeds {
    /// Feeds of chains that have them.
    pub(super) fn new(
        runtime: Arc<Runtime>,
        sites: &[(AssetId, ChainId, Price)],
        chains: &[LocalSpoke],
        age_most: Millis,
    ) -> Result<Self, EvmError> {
        let mut feeds = Vec::new();
        for (asset, chain, _) in sites {
            let local = chains[usize::from(chain.0)].local();
            let Some(aggregator) = local.deployment.token(*asset).and_then(|token| token.feed) else {
                continue;
            };
            let operator = runtime.block_on(local.node.wallet(&dev_key("feed", usize::from(asset.0))))?;
            let feed = Feed {
                asset: *asset,
                source: SOURCE,
                aggregator,
                age_most,
                jump_most: JUMP_MOST,
                deviation: DEVIATION,
            };
            let (chain, sent) = (*chain, None);
            feeds.push(ChainFeed { chain, feed, operator, sent, looked: Time::ZERO, read: Time::ZERO });
        }
        Ok(Self { runtime, feeds })
    }

    /// Moves feeds to their markets, and puts what they say at their chains' heads in the place of what was reported.
    pub(super) fn quote(
        &mut self,
        chains: &[LocalSpoke],
        price: &dyn Fn(AssetId) -> Price,
        now: Time,
        reports: &mut Vec<PriceReport>,
        counts: &mut Counts,
    ) {
        for one in &mut self.feeds {
            let Feed { asset, source, .. } = one.feed;
            reports.retain(|report| (report.asset, report.source) != (asset, source));
            let chain = &chains[usize::from(one.chain.0)];
            let market = price(asset);
            if one.is_due(market, chain.block_time(), now) {
                let moved = chain.local().set_price_on(&one.operator, asset, market);
                // What did not get through is tried in the next block.
                if self.runtime.block_on(moved).is_ok() {
                    one.sent = Some((market, now));
                    counts.rounds += 1;
                }
            }
            let head = chain.head();
            if one.looked < head {
                one.looked = head;
                let provider = chain.local().node.provider();
                match self.runtime.block_on(one.feed.read(provider, BlockId::latest(), head)) {
                    Ok(report) if one.read < report.time => {
                        one.read = report.time;
                        reports.push(report);
                        counts.readings += 1;
                    }
                    Ok(_) => {}
                    Err(_) => counts.readings_refused += 1,
                }
            }
        }
    }
}

impl ChainFeed {
    /// Not while the last round waits for its block.
    fn is_due(&self, market: Price, block_time: Millis, now: Time) -> bool {
        let Some((price, at)) = self.sent else { return true };
        let moved = market.premium_over(price).is_ok_and(|moved| DEVIATION <= moved.abs());
        at.after(block_time) <= now && (moved || at.after(HEARTBEAT) <= now)
    }
}
