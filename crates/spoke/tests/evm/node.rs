//! Local nodes: time, finality, reorgs, and that none is left behind.
use ballast_spoke::evm::Npm;
use ballast_spoke::evm::kit::{Node, NodeConfig};

#[tokio::test]
async fn a_block_advances_time_as_the_real_chain_does() {
    let node =
        Node::start(&Npm::find().unwrap(), NodeConfig::new("slow", 1, 12, 1_621_427_400)).await.unwrap();
    node.mine(3).await.unwrap();
    assert_eq!(node.time().await.unwrap(), 1_621_427_400 + 3 * 12);
    node.mine_to(1_621_427_400 + 100).await.unwrap();
    assert_eq!((node.head().await.unwrap(), node.time().await.unwrap()), (8, 1_621_427_400 + 8 * 12));
    node.reorg(3).await.unwrap();
    assert_eq!((node.head().await.unwrap(), node.time().await.unwrap()), (8, 1_621_427_400 + 8 * 12));
}
