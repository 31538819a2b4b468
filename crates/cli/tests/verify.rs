//! `ballast verify`: a log that was recorded, one whose hash differs, one that is damaged.

mod support;

use ballast_engine::{Engine, Outcome};
use ballast_node::auth::{Message, OwnerSignature, Permit};
use ballast_node::log::Writer;
use ballast_node::{Node, Options, Setup};
use ballast_sim::house;
use ballast_spoke::certificate::Key;
use ballast_types::{Address, AssetId, Block, ChainId, Command, Hash, Height, Owner, PriceReport, SourceId};
use ballast_units::{Amount, Price, Ratio, Time};
use std::path::PathBuf;
use std::process::Output;
use support::ballast;

/// A log of `blocks` blocks in the default house; `hash` may change what is recorded as a block's state hash.
fn log(blocks: u64, hash: impl Fn(Height, Hash) -> Hash) -> Vec<u8> {
    let genesis = house::genesis();
    let mut engine = Engine::new(&genesis).unwrap();
    let mut outcome = Outcome::default();
    let mut writer = Writer::new(Vec::new(), &genesis).unwrap();
    for height in (1..=blocks).map(Height) {
        let time = Time::from_millis(1_000_000 + height.0 * 1_000);
        let report = |source| PriceReport {
            asset: AssetId(1),
            source: SourceId(source),
            price: Price::whole(3_400 + height.0),
            confidence: Ratio::ZERO,
            time,
        };
        let owner = Owner { address: Address([height.0.to_le_bytes()[0]; 32]), subaccount: 0 };
        let block = Block {
            height,
            time,
            prices: (0..3).map(report).collect(),
            commands: vec![Command::OpenAccount { owner }],
            ..Block::default()
        };
        engine.apply(&block, &mut outcome);
        writer.block(&block, hash(height, outcome.state_hash)).unwrap();
    }
    writer.finish().unwrap()
}

fn verify(name: &str, bytes: &[u8], more: &[&str]) -> (Output, PathBuf) {
    let file = std::env::temp_dir().join(format!("ballast-verify-{name}-{}.log", std::process::id()));
    std::fs::write(&file, bytes).unwrap();
    let args: Vec<&str> =
        ["verify", file.to_str().unwrap()].into_iter().chain(more.iter().copied()).collect();
    let output = ballast(&args, "");
    std::fs::remove_file(&file).unwrap();
    (output, file)
}

#[test]
fn the_same_hashes_are_exit_code_0() {
    let (output, _) = verify("same", &log(20, |_, hash| hash), &["--json"]);
    let answer = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{answer}");
    assert!(answer.starts_with("20 blocks to height 20 in "), "{answer}");
    let object: serde_json::Value = serde_json::from_str(answer.lines().last().unwrap()).unwrap();
    assert_eq!((&object["blocks"], &object["height"]), (&20.into(), &20.into()));
    assert!(object["difference"].is_null());
}

#[test]
fn another_hash_is_exit_code_1_with_height_and_both_hashes() {
    let wrong = Hash([0xab; 32]);
    let bytes = log(20, |height, hash| if height == Height(7) { wrong } else { hash });
    let (output, _) = verify("other", &bytes, &[]);
    let answer = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{answer}");
    assert!(answer.starts_with("height 7: the state hash differs\n"), "{answer}");
    assert!(answer.contains(&format!("recorded {wrong}")), "{answer}");
    assert!(answer.contains("computed 0x"), "{answer}");
}

#[test]
fn a_log_cut_off_is_exit_code_2_with_byte_and_height() {
    let bytes = log(20, |_, hash| hash);
    // Within the last block: the end frame has 40 bytes.
    let cut = bytes.len() - 60;
    let (output, file) = verify("cut", &bytes[..cut], &[]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    let want = format!("error: {}: the log is cut off at byte {cut}, after height 19\n", file.display());
    assert_eq!(errors, want);
}

#[test]
fn a_damaged_log_is_exit_code_2() {
    let mut bytes = log(20, |_, hash| hash);
    let middle = bytes.len() - 1_000;
    bytes[middle] ^= 1;
    let (output, _) = verify("damaged", &bytes, &[]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("the log is damaged at byte "), "{errors}");
}

#[test]
fn what_is_no_log_is_exit_code_2() {
    let (output, _) = verify("none", b"timestamp_ms,open,high,low,close,volume\n", &[]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("not a block log"), "{errors}");
    let output = ballast(&["verify", "no_such.log"], "");
    assert_eq!(output.status.code(), Some(2));
}

/// A node's folder: somebody opens an account, then signs a command, each in a block.
fn node_folder(name: &str, snapshot_blocks: u64) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ballast-verify-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let key = Key::from_label("somebody");
    let options = Options { snapshot_blocks, ..Options::default() };
    let setup = Setup { genesis: house::genesis(), keys: vec![key.clone()], options };
    let mut node = Node::open(&folder, setup).unwrap();
    let mut owner = Owner::default();
    owner.address.0[12..].copy_from_slice(&key.signer().0);
    node.enact(Command::OpenAccount { owner });
    node.step(Time::from_millis(1_000), node.block_hash()).unwrap();
    let account = node.state().unwrap().account_of(owner).unwrap();
    let lend = Command::Lend { account, chain: ChainId(0), amount: Amount::whole(1) };
    let (nonce, expires) = (1, Time::from_millis(10_000));
    let signature = key.sign(Message::of(&lend, nonce, expires).unwrap().ethereum_digest(node.hub()));
    let bytes = [signature.r.as_slice(), &signature.s, &[signature.v]].concat();
    let signature = OwnerSignature::Ethereum(bytes.try_into().unwrap());
    node.submit(lend, Some(Permit { nonce, expires, signature })).unwrap();
    node.step(Time::from_millis(2_000), node.block_hash()).unwrap();
    folder
}

#[test]
fn a_nodes_folder_is_verified_with_its_signatures() {
    let folder = node_folder("folder", 10);
    let path = folder.to_str().unwrap();
    let output = ballast(&["verify", path, "--json"], "");
    let answer = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{answer}");
    assert!(answer.starts_with("2 blocks to height 2 in "), "{answer}");
    assert!(answer.contains("every command is signed by whom it should be: 1 signatures"), "{answer}");
    let object: serde_json::Value = serde_json::from_str(answer.lines().last().unwrap()).unwrap();
    assert_eq!(object["signatures"], 1);
    // A last record that is not whole is what a kill leaves: the blocks before it are what there is.
    let segment = folder.join("blocks/00000000000000000001.log");
    let bytes = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &bytes[..bytes.len() - 10]).unwrap();
    let output = ballast(&["verify", path], "");
    let answer = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{answer}");
    assert!(answer.starts_with("1 blocks to height 1 in "), "{answer}");
    assert!(answer.contains("no whole block: a node that opens the folder cuts them off"), "{answer}");
    // The same file alone has no end.
    let output = ballast(&["verify", segment.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(2));
    let mut damaged = bytes;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&segment, damaged).unwrap();
    let output = ballast(&["verify", path], "");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("00000000000000000001.log: the log is damaged at byte "), "{errors}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A start compares a snapshot's hashes alone; whether it is what the log leads to is told here.
#[test]
fn the_snapshots_of_a_folder_are_compared_with_its_log() {
    let folder = node_folder("snapshots", 1);
    let path = folder.to_str().unwrap();
    let verify = || {
        let output = ballast(&["verify", path, "--json"], "");
        let answer = String::from_utf8(output.stdout).unwrap();
        let object: serde_json::Value = serde_json::from_str(answer.lines().last().unwrap()).unwrap();
        (output.status.code(), answer, object)
    };
    let (code, answer, object) = verify();
    assert_eq!(code, Some(0), "{answer}");
    assert!(answer.contains("every snapshot is what the log leads to: 2 snapshots"), "{answer}");
    assert_eq!((&object["snapshots"], &object["false_snapshot"]), (&2.into(), &serde_json::Value::Null));
    // The first block's in the place of the second's.
    let [first, second] = [1, 2].map(|height| folder.join(format!("snapshots/{height:020}.snapshot")));
    let own = std::fs::read(&second).unwrap();
    std::fs::copy(first, &second).unwrap();
    let (code, answer, object) = verify();
    assert_eq!(code, Some(1), "{answer}");
    assert!(answer.contains("00000000000000000002.snapshot: it is of block 1 with hash 0x"), "{answer}");
    assert_eq!(object["false_snapshot"]["file"], second.to_str().unwrap());
    // One that the log does not come to.
    std::fs::write(&second, &own).unwrap();
    let beyond = folder.join(format!("snapshots/{:020}.snapshot", 7));
    std::fs::write(&beyond, &own).unwrap();
    let (code, answer, _) = verify();
    assert_eq!(code, Some(1), "{answer}");
    assert!(answer.contains("is of block 7, and the log ends at block 2: blocks are missing"), "{answer}");
    std::fs::remove_dir_all(&folder).unwrap();
}
