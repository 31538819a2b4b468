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

/// Whether a process with this word in its command line runs.
fn runs(word: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let lines: Vec<String> = lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect();
    lines.iter().any(|line| line.contains("anvil") && line.contains(word))
}

#[tokio::test]
async fn no_node_outlives_who_started_it() {
    let (npm, name) = (Npm::find().unwrap(), format!("left{}", std::process::id()));
    let config = |number: u8| NodeConfig::new(&format!("{name}x{number}"), 1, 12, 1_621_427_400);
    let node = Node::start(&npm, config(1)).await.unwrap();
    assert!(runs(&format!("{name}x1")));
    drop(node);
    assert!(!runs(&format!("{name}x1")));
    // A panic unwinds through it.
    let panicked = tokio::spawn({
        let (npm, config) = (npm.clone(), config(2));
        async move {
            let _node = Node::start(&npm, config).await.unwrap();
            panic!("on purpose");
        }
    });
    assert!(panicked.await.is_err());
    assert!(!runs(&format!("{name}x2")));
}
