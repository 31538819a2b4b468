//! A restart: the same state as a node that never stopped, from whatever snapshots are good, or a refusal that says what
//! to do.

mod support;

use ballast_node::{Node, Notice, OpenError, Options, SnapshotFault, check_snapshot};
use ballast_types::{Command, Event, Height};
use ballast_units::Millis;
use std::collections::BTreeSet;
use std::fs;
use support::{Folder, Town, open, setup};

fn every(snapshot_blocks: u64) -> Options {
    Options { snapshot_blocks, ..Options::default() }
}

/// No snapshot within a test.
fn without() -> Options {
    Options { snapshot_blocks: 1_000_000, snapshot_span: Millis::days(1_000), ..Options::default() }
}

/// Everything that must be the same.
#[track_caller]
fn assert_same(one: &Node, other: &Node) {
    let hash = |node: &Node| node.state().unwrap().house.hash;
    assert_eq!(one.height(), other.height());
    assert_eq!(hash(one), hash(other), "state of block {}", one.height());
    assert_eq!(one.block_hash(), other.block_hash());
    assert_eq!(one.nonces(), other.nonces());
    assert_eq!(one.open_orders().unwrap(), other.open_orders().unwrap());
}

#[test]
fn a_restart_at_every_height_has_the_state_of_a_node_that_never_stopped() {
    let (through, copy) = (Folder::new("through"), Folder::new("copy"));
    let options = Options { segment_bytes: 40_000, ..every(7) };
    let town = Town::new(1);
    let mut node = open(&through, options).unwrap();
    let mut events = BTreeSet::new();
    let mut carried = 0;
    for _ in 1..=110 {
        let produced = town.step(&mut node);
        copy_folder(&through, &copy);
        let mut restarted = open(&copy, options).unwrap();
        assert!(restarted.take_notices().is_empty());
        assert_same(&node, &restarted);
        carried += produced.payloads.len();
        events.extend(produced.outcome.events.iter().map(name));
    }
    // The run has something to tell.
    for event in ["PositionOpened", "AccountLocked", "Borrowed", "ReleaseCompleted", "LotQueued"] {
        assert!(events.contains(event), "no {event} among {events:?}");
    }
    assert!(10 < carried);
    assert!(3 < through.segments().len());
    assert_eq!(through.snapshots().len(), 2);
}

fn copy_folder(from: &Folder, to: &Folder) {
    let _ = fs::remove_dir_all(&to.0);
    for part in ["blocks", "snapshots"] {
        fs::create_dir_all(to.0.join(part)).unwrap();
        for entry in fs::read_dir(from.0.join(part)).unwrap() {
            let file = entry.unwrap();
            fs::copy(file.path(), to.0.join(part).join(file.file_name())).unwrap();
        }
    }
}

#[test]
fn a_node_that_is_restarted_again_and_again_makes_the_same_blocks() {
    let (through, restarted) = (Folder::new("steady"), Folder::new("restarted"));
    let town = Town::new(9);
    let mut one = open(&through, without()).unwrap();
    for round in 0..20 {
        let mut other = open(&restarted, every(7)).unwrap();
        assert_same(&one, &other);
        if 0 < round {
            one.enact(Command::EnterSafeMode);
        }
        for _ in 0..=round % 5 {
            let [produced, again] = [town.step(&mut one), town.step(&mut other)];
            assert_eq!(produced.record, again.record);
            assert_eq!(produced.payloads, again.payloads);
        }
    }
}

fn name(event: &Event) -> String {
    let text = format!("{event:?}");
    text.split(|found: char| !found.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

#[test]
fn the_first_command_after_a_restart_is_safe_mode() {
    let folder = Folder::new("safe");
    let town = Town::new(2);
    let mut node = open(&folder, every(3)).unwrap();
    assert_ne!(town.step(&mut node).record.block.commands.first(), Some(&Command::EnterSafeMode));
    town.steps(&mut node, 4);
    drop(node);
    let mut node = open(&folder, every(3)).unwrap();
    let produced = town.step(&mut node);
    assert_eq!(produced.record.block.commands.first(), Some(&Command::EnterSafeMode));
    assert!(produced.outcome.events.contains(&Event::SafeModeEntered {}));
    // Once.
    assert!(!town.step(&mut node).record.block.commands.contains(&Command::EnterSafeMode));
}

#[test]
fn a_damaged_snapshot_falls_back_to_the_one_before_and_then_to_genesis() {
    let folder = Folder::new("fallback");
    let town = Town::new(3);
    let mut node = open(&folder, every(4)).unwrap();
    town.steps(&mut node, 14);
    let hash = node.state().unwrap().house.hash;
    drop(node);
    let snapshots = folder.snapshots();
    assert_eq!(snapshots.len(), 2);
    for damaged in 1..=2 {
        let file = &snapshots[2 - damaged];
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).unwrap();
        let mut node = open(&folder, without()).unwrap();
        assert_eq!(node.state().unwrap().house.hash, hash);
        let notices: Vec<String> = node.take_notices().iter().map(Notice::to_string).collect();
        assert_eq!(notices.len(), damaged, "{notices:?}");
        assert!(notices[0].contains("is damaged"), "{notices:?}");
        assert!(notices[0].contains(&snapshots[1].display().to_string()), "{notices:?}");
    }
}

#[test]
fn a_snapshot_of_another_log_is_left_aside() {
    let (folder, other) = (Folder::new("own"), Folder::new("foreign"));
    for (folder, seed) in [(&folder, 4), (&other, 5)] {
        let mut node = open(folder, every(4)).unwrap();
        Town::new(seed).steps(&mut node, 9);
    }
    let hash = open(&folder, without()).unwrap().state().unwrap().house.hash;
    fs::copy(&other.snapshots()[1], &folder.snapshots()[1]).unwrap();
    let mut node = open(&folder, without()).unwrap();
    assert_eq!(node.state().unwrap().house.hash, hash);
    let notices = node.take_notices();
    assert!(matches!(notices[..], [Notice::SnapshotUnusable { .. }]), "{notices:?}");
}

/// A snapshot's file again, with another engine's snapshot in it and a checksum that fits.
fn with_engine(file: &[u8], engine: &[u8]) -> Vec<u8> {
    let length = u32::from_le_bytes(file[44..48].try_into().unwrap()) as usize;
    let rest = [&file[44..48 + length], engine].concat();
    [&file[..12], blake3::hash(&rest).as_bytes(), &rest].concat()
}

/// The engine's part of a snapshot's file.
fn engine_of(file: &[u8]) -> Vec<u8> {
    let length = u32::from_le_bytes(file[44..48].try_into().unwrap()) as usize;
    file[48 + length..].to_vec()
}

/// Where the state hash stands in an engine's snapshot: after magic, version, checksum, height and time.
const HASH_AT: std::ops::Range<usize> = 60..92;

/// An engine's snapshot that says it has this state hash, with a checksum that fits.
fn with_hash(mut engine: Vec<u8>, hash: ballast_types::Hash) -> Vec<u8> {
    engine[HASH_AT].copy_from_slice(&hash.0);
    let checksum = *blake3::hash(&engine[44..]).as_bytes();
    engine[12..44].copy_from_slice(&checksum);
    engine
}

/// Two houses that are fed otherwise, each with two snapshots, of blocks 4 and 8 of 9.
fn two_houses(name: &str) -> [Folder; 2] {
    [4, 5].map(|seed| {
        let folder = Folder::new(&format!("{name}{seed}"));
        let mut node = open(&folder, every(4)).unwrap();
        Town::new(seed).steps(&mut node, 9);
        folder
    })
}

/// Both checksums fit, and it names the log's own block: but its state is not what that block led to.
#[test]
fn a_snapshot_of_another_state_is_left_aside() {
    let [folder, other] = two_houses("state");
    let hash = open(&folder, without()).unwrap().state().unwrap().house.hash;
    let file = &folder.snapshots()[1];
    let foreign = engine_of(&fs::read(&other.snapshots()[1]).unwrap());
    let altered = with_engine(&fs::read(file).unwrap(), &foreign);
    fs::write(file, altered).unwrap();
    let mut node = open(&folder, without()).unwrap();
    assert_eq!(node.state().unwrap().house.hash, hash);
    let notices = node.take_notices();
    let [Notice::SnapshotUnusable { file: named, fault }] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!(named, file);
    let height = Height(8);
    assert!(
        matches!(fault, SnapshotFault::OtherState { height: of, found, recorded } if *of == height && found != recorded),
        "{fault}"
    );
    assert!(notices[0].to_string().contains("the log's record of block 8 says 0x"), "{}", notices[0]);
}

/// Somebody wrote the right hash into it as well: the blocks after it do not fit, and an older one does.
#[test]
fn a_snapshot_that_leads_elsewhere_is_left_aside() {
    let [folder, other] = two_houses("elsewhere");
    let hash = open(&folder, without()).unwrap().state().unwrap().house.hash;
    let file = &folder.snapshots()[1];
    let own = fs::read(file).unwrap();
    let recorded = engine_of(&own)[HASH_AT].try_into().map(ballast_types::Hash).unwrap();
    let forged = with_hash(engine_of(&fs::read(&other.snapshots()[1]).unwrap()), recorded);
    fs::write(file, with_engine(&own, &forged)).unwrap();
    let mut node = open(&folder, without()).unwrap();
    assert_eq!(node.state().unwrap().house.hash, hash);
    let notices = node.take_notices();
    let [Notice::SnapshotUnusable { fault, .. }] = &notices[..] else { panic!("{notices:?}") };
    assert!(matches!(fault, SnapshotFault::LeadsElsewhere { height: Height(9) }), "{fault}");
}

/// What a start cannot see, because no block has used it since, the log from genesis on tells.
#[test]
fn a_snapshot_is_compared_whole_with_what_the_log_leads_to() {
    let [folder, other] = two_houses("whole");
    let options = every(1_000_000);
    let mut node = open(&folder, options).unwrap();
    let file = &folder.snapshots()[1];
    let own = fs::read(file).unwrap();
    // The engine and the nonces after block 8, from the log alone.
    let mut walk = ballast_node::log::Walk::open(&folder.0).unwrap();
    let mut engine = ballast_engine::Engine::new(&walk.head().genesis).unwrap();
    let mut nonces = ballast_node::auth::Nonces::default();
    let mut outcome = ballast_engine::Outcome::default();
    while walk.height() < Height(8) {
        let record = walk.next_record().unwrap().unwrap();
        ballast_node::auth::check_record(engine.state(), node.hub(), &record, &mut nonces).unwrap();
        engine.apply(&record.block, &mut outcome);
    }
    let check = || check_snapshot(file, &engine, &nonces, walk.block_hash());
    check().unwrap();
    let recorded = engine.state().house.hash;
    let forged = with_hash(engine_of(&fs::read(&other.snapshots()[1]).unwrap()), recorded);
    fs::write(file, with_engine(&own, &forged)).unwrap();
    assert!(matches!(check(), Err(SnapshotFault::OtherContents { height: Height(8) })));
    // The nonces of the snapshot before it.
    let older = fs::read(&folder.snapshots()[0]).unwrap();
    let part = u32::from_le_bytes(older[44..48].try_into().unwrap()) as usize;
    let rest = [&older[44..48], &own[48..80], &older[80..48 + part], &engine_of(&own)].concat();
    fs::write(file, [&own[..12], blake3::hash(&rest).as_bytes(), &rest].concat()).unwrap();
    let fault = check().unwrap_err();
    assert!(matches!(fault, SnapshotFault::OtherNonces { height: Height(8) }), "{fault}");
    let _ = node.take_notices();
}

#[test]
fn a_log_that_ends_before_its_snapshot_is_refused() {
    let folder = Folder::new("behind");
    let mut node = open(&folder, without()).unwrap();
    let town = Town::new(6);
    town.steps(&mut node, 4);
    let short = fs::read(&folder.segments()[0]).unwrap();
    drop(node);
    let mut node = open(&folder, every(6)).unwrap();
    town.steps(&mut node, 4);
    drop(node);
    assert_eq!(folder.snapshots().len(), 1);
    fs::write(&folder.segments()[0], &short).unwrap();
    let error = open(&folder, without()).unwrap_err();
    assert!(matches!(error, OpenError::LogBehind { log: Height(4), snapshot: Height(6), .. }), "{error}");
    // Not one byte was changed.
    assert_eq!(fs::read(&folder.segments()[0]).unwrap(), short);
    fs::remove_file(&folder.segments()[0]).unwrap();
    let error = open(&folder, without()).unwrap_err();
    assert!(matches!(error, OpenError::LogBehind { log: Height(0), .. }), "{error}");
    assert!(folder.segments().is_empty());
}

#[test]
fn another_house_is_refused() {
    let folder = Folder::new("house");
    drop(open(&folder, without()).unwrap());
    let mut other = setup(without());
    other.genesis.listing_check = false;
    let error = Node::open(&folder.0, other).unwrap_err();
    assert!(matches!(error, OpenError::OtherHouse { .. }), "{error}");
}

#[test]
fn damage_in_the_middle_is_refused_with_file_and_byte_and_changes_nothing() {
    let folder = Folder::new("middle");
    let options = Options { segment_bytes: 20_000, ..without() };
    let mut node = open(&folder, options).unwrap();
    Town::new(7).steps(&mut node, 20);
    drop(node);
    let segments = folder.segments();
    assert!(2 < segments.len());
    for segment in [&segments[0], &segments[1], segments.last().unwrap()] {
        let sound = fs::read(segment).unwrap();
        let mut bytes = sound.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(segment, &bytes).unwrap();
        let error = open(&folder, options).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: the log is damaged at byte ", segment.display())), "{error}");
        assert!(error.contains("from a backup"), "{error}");
        assert_eq!(fs::read(segment).unwrap(), bytes);
        fs::write(segment, &sound).unwrap();
    }
    let away = segments[1].with_extension("away");
    fs::rename(&segments[1], &away).unwrap();
    let error = open(&folder, options).unwrap_err().to_string();
    assert!(error.contains("a segment is missing"), "{error}");
    fs::rename(&away, &segments[1]).unwrap();
    // A segment that is not the last must have its end.
    let sound = fs::read(&segments[1]).unwrap();
    fs::write(&segments[1], &sound[..sound.len() - 40]).unwrap();
    let error = open(&folder, options).unwrap_err().to_string();
    assert!(error.contains("the log is cut off at byte"), "{error}");
    fs::write(&segments[1], &sound).unwrap();
    assert_eq!(open(&folder, options).unwrap().height(), Height(20));
}

#[test]
fn another_engine_than_the_one_that_wrote_the_log_is_refused() {
    // A log whose record has another state hash, and is sound: as if written by a program with other rules.
    let (folder, source) = (Folder::new("diverged"), Folder::new("source"));
    let town = Town::new(8);
    let mut node = open(&source, without()).unwrap();
    let mut record = town.step(&mut node).record;
    let genesis = &setup(without()).genesis;
    fs::create_dir_all(folder.0.join("blocks")).unwrap();
    let mut log = ballast_node::log::Log::create(&folder.0.join("blocks"), genesis, 1 << 20).unwrap();
    record.state_hash.0[0] ^= 1;
    log.append(&record).unwrap();
    let error = open(&folder, without()).unwrap_err();
    assert!(matches!(error, OpenError::Diverged { height: Height(1), .. }), "{error}");
}
