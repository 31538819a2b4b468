//! Validators rotate from key to key, through restarts: who signs what, for which epoch.

mod support;

use ballast_node::{Node, Notice, OpenError, Options, Produced, Setup};
use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::freeze::{FreezeVote, SignedFreeze};
use ballast_spoke::message::{Freeze, Payload};
use ballast_types::digest::domain_in_process;
use ballast_types::{ChainId, Change, Command, Event, Height, Signer};
use std::collections::BTreeSet;
use support::{Folder, Town, setup};

fn old() -> Key {
    Key::from_label("old")
}

fn new() -> Key {
    Key::from_label("new")
}

/// A node with these keys, of a house whose genesis names these validators.
fn start(folder: &Folder, keys: &[Key], validators: &[Signer]) -> Result<Node, OpenError> {
    let mut setup =
        Setup { keys: keys.to_vec(), ..setup(Options { snapshot_blocks: 7, ..Options::default() }) };
    setup.genesis.validators = validators.to_vec();
    Node::open(&folder.0, setup)
}

fn rotate(signers: &[Signer]) -> Command {
    Command::Govern(Change::Rotate { signers: signers.to_vec() })
}

/// Every payload is signed by its epoch's set, here of one key, and each spoke's orders are signed for the same epochs.
#[track_caller]
fn check(payloads: &[Payload], orders: usize, epochs: &[u32]) {
    let set = |epoch: u32| ValidatorSet::of(epoch, &[if epoch == 0 { old() } else { new() }]).unwrap();
    for payload in payloads {
        payload.verify(domain_in_process(payload.chain), &set(payload.epoch)).unwrap();
    }
    for epoch in epochs {
        let signed = payloads.iter().filter(|payload| payload.epoch == *epoch);
        assert_eq!(signed.map(|payload| payload.orders.len()).sum::<usize>(), orders, "epoch {epoch}");
    }
    let found: BTreeSet<u32> = payloads.iter().map(|payload| payload.epoch).collect();
    assert!(found.iter().all(|epoch| epochs.contains(epoch)), "{found:?}, expected {epochs:?}");
}

fn completed(produced: &Produced) -> usize {
    let events = produced.outcome.events.iter();
    events.filter(|event| matches!(event, Event::RotationCompleted { .. })).count()
}

/// From the block that orders the rotation to the one in which it is final everywhere every order is signed twice.
#[test]
fn a_lone_validator_rotates_from_key_to_key() {
    let folder = Folder::new("rotation");
    let keys = [old(), new()];
    let mut node = start(&folder, &keys, &[old().signer()]).unwrap();
    let town = Town::new(1);
    let chains = node.state().unwrap().chains.len();
    assert_eq!(node.validators(), ValidatorSet::of(0, &[old()]).unwrap());
    for _ in 0..40 {
        let produced = town.step(&mut node);
        check(&produced.payloads, produced.outcome.orders.len(), &[0]);
    }
    node.enact(rotate(&[new().signer()]));
    let produced = town.step(&mut node);
    let signed = produced.outcome.events.contains(&Event::RotationOrdered { epoch: 1, signers: 1 });
    assert!(signed && chains <= produced.outcome.orders.len());
    check(&produced.payloads, produced.outcome.orders.len(), &[0, 1]);
    let open = |node: &Node| {
        let state = node.state().unwrap();
        state.orders.iter().filter(|(_, sent)| sent.seen.is_none()).count()
    };
    check(&node.open_orders().unwrap(), open(&node), &[0, 1]);
    assert_eq!(node.validators(), ValidatorSet::of(1, &[new()]).unwrap());
    // A restart in the middle hands out the same.
    let before = node.open_orders().unwrap();
    drop(node);
    let mut node = start(&folder, &keys, &[old().signer()]).unwrap();
    assert_eq!(node.open_orders().unwrap(), before);
    let produced = town.step(&mut node);
    assert_eq!(completed(&produced), chains);
    check(&produced.payloads, produced.outcome.orders.len(), &[1]);
    // The old key is not needed any more.
    drop(node);
    let mut node = start(&folder, &[new()], &[old().signer()]).unwrap();
    assert!(node.take_notices().is_empty());
    let mut orders = 0;
    for _ in 0..30 {
        let produced = town.step(&mut node);
        orders += produced.outcome.orders.len();
        check(&produced.payloads, produced.outcome.orders.len(), &[1]);
    }
    check(&node.open_orders().unwrap(), open(&node), &[1]);
    assert!(5 < orders, "{orders}");
}

/// A house of before names nobody: its first set is the first key, whatever others are there already.
#[test]
fn where_genesis_names_nobody_the_first_key_is_the_first_set() {
    let folder = Folder::new("unnamed");
    let mut node = start(&folder, &[old(), new()], &[]).unwrap();
    let town = Town::new(1);
    assert_eq!(node.validators(), ValidatorSet::of(0, &[old()]).unwrap());
    town.steps(&mut node, 40);
    node.enact(rotate(&[new().signer()]));
    let produced = town.step(&mut node);
    check(&produced.payloads, produced.outcome.orders.len(), &[0, 1]);
    assert!(node.take_notices().is_empty());
}

/// Of four validators three sign; whoever has fewer of their keys is told so, when the set is ordered and at each start.
#[test]
fn a_node_says_which_sets_it_cannot_sign_for() {
    let folder = Folder::new("missing");
    let four: Vec<Key> = (0..4).map(|number| Key::from_label(&format!("of four {number}"))).collect();
    let signers: Vec<Signer> = four.iter().map(Key::signer).collect();
    let keys = [old(), four[0].clone(), four[1].clone()];
    let mut node = start(&folder, &keys, &[old().signer()]).unwrap();
    assert!(node.take_notices().is_empty());
    node.enact(rotate(&signers));
    let produced = Town::new(1).step(&mut node);
    let missing = |notices: Vec<Notice>| {
        assert!(matches!(notices[..], [Notice::KeysMissing { epoch: 1, have: 2, need: 3 }]), "{notices:?}");
    };
    missing(node.take_notices());
    let signatures = |epoch: u32| {
        let of = produced.payloads.iter().filter(|payload| payload.epoch == epoch);
        of.map(|payload| payload.certificate.signatures.len()).collect::<BTreeSet<usize>>()
    };
    assert_eq!((signatures(0), signatures(1)), ([1].into(), [2].into()));
    drop(node);
    missing(start(&folder, &keys, &[old().signer()]).unwrap().take_notices());
    let all: Vec<Key> = [vec![old()], four].concat();
    let mut node = start(&folder, &all, &[old().signer()]).unwrap();
    assert_eq!(node.height(), Height(1));
    assert!(node.take_notices().is_empty());
    let set = node.validators();
    for payload in node.open_orders().unwrap().iter().filter(|payload| payload.epoch == 1) {
        assert_eq!(payload.certificate.signatures.len(), 3, "a quorum and no more");
        payload.verify(domain_in_process(payload.chain), &set).unwrap();
    }
}

/// While a vault may obey either set, a freeze is signed for both: whichever it obeys, a third of it is there.
#[test]
fn a_freeze_is_signed_for_every_set_that_the_vault_may_obey() {
    let folder = Folder::new("frozen");
    let four: Vec<Key> = (0..4).map(|number| Key::from_label(&format!("of four {number}"))).collect();
    let keys = [vec![old()], four[..3].to_vec()].concat();
    let mut node = start(&folder, &keys, &[old().signer()]).unwrap();
    let until = Town::time(1_000);
    let chain = ChainId(1);
    assert_eq!(node.sign_freeze(ChainId(99), until), []);
    let votes = node.sign_freeze(chain, until);
    assert_eq!(votes.iter().map(|vote| (vote.epoch, vote.signer)).collect::<Vec<_>>(), [(0, old().signer())]);
    let signers: Vec<Signer> = four.iter().map(Key::signer).collect();
    node.enact(rotate(&signers));
    Town::new(1).step(&mut node);
    let votes = node.sign_freeze(chain, until);
    for set in [ValidatorSet::of(0, &[old()]).unwrap(), node.validators()] {
        let mine: Vec<FreezeVote> = votes.iter().filter(|vote| vote.epoch == set.epoch()).copied().collect();
        let freeze = SignedFreeze::combine(&mine, &set).unwrap();
        let digest = Freeze { until }.digest(domain_in_process(chain), set.epoch());
        set.verify(digest, &freeze.certificate(), set.freeze_quorum()).unwrap();
    }
    assert_eq!(votes.len(), 4, "one of the first set, the three of the next that are here");
}

#[test]
fn a_node_without_a_key_does_not_start() {
    let error = start(&Folder::new("keyless"), &[], &[]).unwrap_err();
    assert!(matches!(error, OpenError::NoKey), "{error}");
}
