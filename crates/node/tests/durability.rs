//! What a crash, a full disk and a second node do to a log: nothing that a restart does not put right.

mod support;

use ballast_node::{Notice, OpenError, Options};
use ballast_types::{ChainId, Height};
use ballast_units::{Amount, Millis};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use support::{Folder, Town, open};

fn without_snapshots() -> Options {
    Options { snapshot_blocks: 1_000_000, snapshot_span: Millis::days(1_000), ..Options::default() }
}

#[test]
fn a_log_cut_at_every_byte_of_its_last_two_records_reopens_at_the_last_whole_one() {
    let folder = Folder::new("cut");
    let town = Town::new(1);
    let mut node = open(&folder, without_snapshots()).unwrap();
    let segment = folder.segments().remove(0);
    let mut ends = vec![fs::metadata(&segment).unwrap().len()];
    let mut hashes = vec![node.state().unwrap().house.hash];
    // Two blocks of the town, then two small ones: a signed command each.
    for height in 1..=4 {
        if height <= 2 {
            town.step(&mut node);
        } else {
            let wallet = &town.people[0];
            let account = node.state().unwrap().account_of(wallet.owner()).unwrap();
            let lend = ballast_types::Command::Lend { account, chain: ChainId(0), amount: Amount::whole(1) };
            let permit = wallet.sign(node.hub(), &lend, height, Town::time(1_000));
            node.submit(lend, Some(permit)).unwrap();
            town.step_alone(&mut node);
        }
        ends.push(fs::metadata(&segment).unwrap().len());
        hashes.push(node.state().unwrap().house.hash);
    }
    drop(node);
    let whole = fs::read(&segment).unwrap();
    for cut in ends[2]..=ends[4] {
        let cut_at = usize::try_from(cut).unwrap();
        fs::write(&segment, &whole[..cut_at]).unwrap();
        let mut node = open(&folder, without_snapshots()).unwrap();
        let height = ends.iter().rposition(|end| *end <= cut).unwrap();
        assert_eq!(node.height(), Height(height as u64), "cut at {cut}");
        assert_eq!(node.state().unwrap().house.hash, hashes[height]);
        let notices = node.take_notices();
        match &notices[..] {
            [] => assert_eq!(cut, ends[height]),
            [notice @ Notice::TailCut { bytes, .. }] => {
                assert_eq!(*bytes, cut - ends[height]);
                let text = notice.to_string();
                assert!(text.contains(&format!("the last {bytes} bytes, after block {height}")), "{text}");
            }
            _ => panic!("{notices:?}"),
        }
        assert_eq!(fs::metadata(&segment).unwrap().len(), ends[height]);
        if cut % 97 == 0 {
            // It goes on from there, and what it adds lasts.
            town.step_alone(&mut node);
            drop(node);
            let mut node = open(&folder, without_snapshots()).unwrap();
            assert_eq!(node.height(), Height(height as u64 + 1));
            assert!(node.take_notices().is_empty());
        }
    }
}

#[test]
fn a_segment_or_snapshot_that_was_being_written_is_forgotten() {
    let folder = Folder::new("growing");
    let mut node = open(&folder, without_snapshots()).unwrap();
    Town::new(2).steps(&mut node, 3);
    drop(node);
    let growing = ["blocks/00000000000000000004.new", "snapshots/00000000000000000003.new"];
    for file in growing {
        fs::write(folder.0.join(file), b"BALLAST").unwrap();
    }
    assert_eq!(open(&folder, without_snapshots()).unwrap().height(), Height(3));
    for file in growing {
        assert!(!folder.0.join(file).exists());
    }
}

#[test]
fn a_folder_has_one_node_at_a_time() {
    let folder = Folder::new("lock");
    let node = open(&folder, without_snapshots()).unwrap();
    let error = open(&folder, without_snapshots()).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    let process = std::process::id();
    let want =
        format!("{} is in use by process {process}: a folder has one node at a time", folder.0.display());
    assert_eq!(error.to_string(), want);
    drop(node);
    open(&folder, without_snapshots()).unwrap();
}

/// The example `lone`, which cargo builds beside the tests.
fn lone() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let lone = test.parent().unwrap().parent().unwrap().join("examples/lone");
    assert!(lone.exists(), "{} is built by `cargo test`, without `--test`", lone.display());
    lone
}

fn options_of_lone() -> Options {
    Options { snapshot_blocks: 20, segment_bytes: 64 << 10, ..Options::default() }
}

/// Height and hash of each block that was shown.
fn shown(lines: impl Iterator<Item = String>) -> BTreeMap<u64, String> {
    let parse = |line: String| {
        let (height, hash) = line.split_once(' ').unwrap();
        (height.parse().unwrap(), hash.to_owned())
    };
    lines.map(parse).collect()
}

/// Every block that was shown is in the log, with the same state.
fn assert_lasts(folder: &Folder, shown: &BTreeMap<u64, String>) {
    let mut walk = ballast_node::log::Walk::open(&folder.0).unwrap();
    let mut logged = BTreeMap::new();
    while let Some(record) = walk.next_record().unwrap() {
        logged.insert(record.block.height.0, record.state_hash.to_string());
    }
    for (height, hash) in shown {
        assert_eq!(logged.get(height), Some(hash), "block {height}");
    }
}

#[test]
fn a_node_that_is_killed_keeps_every_block_that_it_has_shown() {
    let folder = Folder::new("killed");
    let mut last = Height(0);
    for lines in [1, 2, 17, 23, 41] {
        let mut child = Command::new(lone())
            .args([folder.0.to_str().unwrap(), "100000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let seen: Vec<String> = out.by_ref().take(lines).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        let shown = shown(seen.into_iter().chain(out));
        let mut node = open(&folder, options_of_lone()).unwrap();
        assert!(node.height().0 >= *shown.last_key_value().unwrap().0);
        assert!(last < node.height());
        last = node.height();
        node.take_notices();
        drop(node);
        assert_lasts(&folder, &shown);
    }
}

/// A limit on the size of files does what a full disk does: a write takes a part of what it is given, and the next one
/// fails. The segment that does not fit is cut back to its last whole record.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_log_as_it_was_and_stops_the_node() {
    for kilobytes in [21, 22, 23, 24, 30, 41, 57] {
        let folder = Folder::new(&format!("full-{kilobytes}"));
        // The signal is ignored, so that the write fails instead.
        let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"");
        let output = Command::new("bash")
            .args(["-c", &script])
            .arg(lone())
            .args([folder.0.to_str().unwrap(), "200"])
            .output()
            .unwrap();
        let (answer, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{errors}");
        let shown = shown(answer.lines().map(str::to_owned));
        let last = *shown.last_key_value().unwrap().0;
        let want = format!("block {} could not be written to ", last + 1);
        assert!(errors.contains(&want), "{errors}");
        assert!(errors.contains("the log is as it was before"), "{errors}");
        assert!(errors.contains("Make room or repair the disk, then start again"), "{errors}");
        // Exactly what was shown, and nothing to repair.
        let mut node = open(&folder, options_of_lone()).unwrap();
        assert_eq!(node.height(), Height(last), "{errors}");
        assert!(node.take_notices().is_empty());
        assert_lasts(&folder, &shown);
        Town::new(1).step(&mut node);
        assert_eq!(node.height(), Height(last + 1));
    }
}
