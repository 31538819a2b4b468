//! Chainlink's interface as a source: what it says, and everything that is no price.

use crate::support::*;
use alloy::eips::BlockId;
use alloy::primitives::{I256, U256};
use ballast_spoke::evm::bindings::mock_aggregator::MockAggregator;
use ballast_spoke::evm::kit::LocalChain;
use ballast_spoke::evm::{Feed, FeedError, execute};
use ballast_types::{PriceReport, SourceId};
use ballast_units::{Millis, Price, Ratio};

fn feed(chain: &LocalChain) -> Feed {
    Feed {
        asset: ETH,
        source: SourceId(2),
        aggregator: chain.deployment.token(ETH).unwrap().feed.unwrap(),
        age_most: Millis::seconds(3_900),
        jump_most: Ratio::percent(20),
        deviation: Ratio::from_wei(5_000_000_000_000_000),
    }
}

async fn read(chain: &LocalChain) -> Result<PriceReport, FeedError> {
    let time = chain.time().await.unwrap();
    feed(chain).read(chain.node.provider(), BlockId::latest(), time).await
}

async fn answer(chain: &LocalChain, answer: i64, updated: u64) {
    let call = MockAggregator::updateAtCall {
        answer: I256::try_from(answer).unwrap(),
        updatedAt: U256::from(updated),
    };
    execute(chain.deployer(), feed(chain).aggregator, call, U256::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_feed_tells_its_price_or_why_it_has_none() {
    let chain = World::start(plan(ETHEREUM)).await.chain;
    // 8 digits of the feed, 18 of ours; the first round has none before it.
    assert_eq!(read(&chain).await.unwrap().price, Price::whole(2_500));
    chain.set_price(ETH, Price::whole(2_400)).await.unwrap();
    let report = read(&chain).await.unwrap();
    assert_eq!((report.price, report.source), (Price::whole(2_400), SourceId(2)));
    assert_eq!(report.time, chain.time().await.unwrap());

    // Down by more than a fifth in one round; the round after it is measured against that one.
    let now = || async { chain.node.time().await.unwrap() };
    answer(&chain, 1_900_00000000, now().await).await;
    let jumped = read(&chain).await;
    assert!(
        matches!(jumped, Err(FeedError::Jumped { before, .. }) if before == Price::whole(2_400)),
        "{jumped:?}"
    );
    answer(&chain, 1_890_00000000, now().await).await;
    assert_eq!(read(&chain).await.unwrap().price, Price::whole(1_890));

    answer(&chain, 0, now().await).await;
    assert!(matches!(read(&chain).await, Err(FeedError::NotPositive { .. })));
    answer(&chain, -1, now().await).await;
    assert!(matches!(read(&chain).await, Err(FeedError::NotPositive { .. })));
    answer(&chain, 1_890_00000000, now().await + 60).await;
    assert!(matches!(read(&chain).await, Err(FeedError::Ahead { .. })));
    answer(&chain, 1_890_00000000, now().await).await;
    chain.node.mine_at(now().await + 4_000).await.unwrap();
    assert!(matches!(read(&chain).await, Err(FeedError::Stale { .. })));

    // No round at all: Chainlink's contracts say so by failing.
    let mut nobody = feed(&chain);
    nobody.aggregator = chain.deployment.vault;
    let time = chain.time().await.unwrap();
    let unreadable = nobody.read(chain.node.provider(), BlockId::latest(), time).await;
    assert!(matches!(unreadable, Err(FeedError::Unreadable { .. })), "{unreadable:?}");
}
