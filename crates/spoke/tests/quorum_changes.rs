//! Other validators, another contract: what was agreed stays, nothing is told twice, and the chain goes on.

mod support;

use ballast_spoke::quorum::{FactError, Numbered};
use ballast_types::digest::domain_in_process;
use ballast_types::{ChainId, Hash};
use support::CHAIN;
use support::desk::{Desk, dropped, final_to, seen};

/// Four of eight; event 1 is final, events 2 and 3 are told.
fn halfway() -> Desk {
    let mut desk = Desk::with_others(4, 4);
    for sequence in 1..=3 {
        desk.tell(&[0, 1, 2, 3], seen(sequence, 1, sequence));
    }
    assert_eq!(desk.tell(&[0, 1, 2, 3], final_to(1, 10)), [final_to(1, 10)]);
    desk
}

#[test]
fn a_rotation_alone_tells_nothing() {
    for members in
        [[0, 1, 2, 3].as_slice(), &[0, 1], &[0], &[3, 4, 5, 6], &[4, 5, 6, 7], &[0, 1, 2, 3, 4, 5, 6, 7]]
    {
        let mut desk = halfway();
        desk.rotate(members);
        assert_eq!(desk.facts.agreed(), [], "{members:?}");
    }
}

#[test]
fn newcomers_go_on_where_the_others_were() {
    let mut desk = halfway();
    desk.rotate(&[4, 5, 6, 7]);
    let stranger = Err(FactError::UnknownValidator(desk.validators[0]));
    assert_eq!(desk.try_report(0, seen(4, 1, 4)), stranger);
    // They begin with the last final event. What is told already is told no more.
    for sequence in 1..=3 {
        assert_eq!(desk.tell(&[4, 5, 6, 7], seen(sequence, 1, sequence)), []);
    }
    assert_eq!(desk.tell(&[4, 5, 6], seen(4, 1, 4)), [seen(4, 1, 4)]);
    assert_eq!(desk.tell(&[4, 5, 6], final_to(4, 40)), [final_to(4, 40)]);
    assert_eq!(desk.tell(&[4, 5, 6, 7], dropped(1)), [], "nothing final is dropped");
}

/// It begins with the event that shows which chain it reads. A newcomer whose endpoint is on another branch, or far behind, has
/// another one there, and does not count.
#[test]
fn a_newcomer_shows_that_it_reads_the_same_chain() {
    let mut desk = halfway();
    desk.rotate(&[0, 1, 4, 5]);
    desk.tell(&[0, 1], seen(4, 1, 4));
    for sequence in 2..=4 {
        assert_eq!(desk.tell(&[4], seen(sequence, 1, sequence)), [], "the last final event is missing");
    }
    assert_eq!(desk.tell(&[5], seen(1, 9, 1)), []);
    for sequence in 2..=4 {
        assert_eq!(desk.tell(&[5], seen(sequence, 1, sequence)), [], "another final event");
    }
    assert_eq!(desk.tell(&[4], seen(1, 1, 1)), [seen(4, 1, 4)]);
}

#[test]
fn whoever_leaves_and_comes_back_begins_anew() {
    let mut desk = halfway();
    desk.tell(&[0], seen(4, 1, 4));
    desk.rotate(&[1, 2, 3, 4]);
    desk.rotate(&[0, 1, 2, 3]);
    // What it said before does not count: two of four see event 4.
    assert_eq!(desk.tell(&[1, 2], seen(4, 1, 4)), []);
    for sequence in 1..=3 {
        desk.report(0, seen(sequence, 1, sequence));
    }
    assert_eq!(desk.tell(&[0], seen(4, 1, 4)), [seen(4, 1, 4)]);
}

#[test]
fn a_rotation_asks_for_the_quorum_of_the_new_set() {
    let mut desk = halfway();
    desk.rotate(&[0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(desk.tell(&[0, 1, 2, 3], seen(4, 1, 4)), []);
    for sequence in 1..=3 {
        desk.tell(&[4, 5], seen(sequence, 1, sequence));
    }
    assert_eq!(desk.tell(&[4], seen(4, 1, 4)), []);
    assert_eq!(desk.tell(&[5], seen(4, 1, 4)), [seen(4, 1, 4)]);
    // With fewer what is there already may be enough.
    desk.tell(&[0, 1], seen(5, 1, 5));
    desk.rotate(&[0, 1]);
    assert_eq!(desk.facts.agreed(), [seen(5, 1, 5)]);
    assert_eq!(desk.facts.agreed(), []);
}

#[test]
fn newcomers_drop_what_their_chain_has_dropped() {
    let mut desk = halfway();
    desk.rotate(&[3, 4, 5, 6]);
    desk.tell(&[4, 5, 6], seen(1, 1, 1));
    assert_eq!(desk.tell(&[4, 5], seen(2, 2, 7)), []);
    assert_eq!(desk.tell(&[6], seen(2, 2, 7)), [dropped(2), seen(2, 2, 7)]);
}

#[test]
fn a_vault_that_moved_is_read_from_its_new_contract_alone() {
    let mut desk = halfway();
    assert_eq!(desk.tell(&[0, 1, 2, 3], final_to(3, 30)), [final_to(3, 30)]);
    // Read from the old one, and not agreed: one event, and a report that waits for another.
    let (old, new) = (domain_in_process(CHAIN), Hash([8; 32]));
    desk.tell(&[0, 1], seen(4, 1, 4));
    let early = Numbered { serial: 9, observation: seen(4, 1, 4) };
    desk.facts.report(desk.validators[2], old, early, desk.now).unwrap();
    desk.repin(CHAIN, new);
    assert_eq!(desk.facts.agreed(), []);
    let refused = Err(FactError::UnknownContract { chain: CHAIN, have: old, want: new });
    for validator in [2, 3] {
        let late = Numbered { serial: 1, observation: seen(4, 1, 4) };
        assert_eq!(desk.facts.report(desk.validators[validator], old, late, desk.now), refused);
    }
    // Numbers go on; reports are numbered from 1.
    assert_eq!(desk.tell(&[2, 3], seen(4, 2, 7)), []);
    assert_eq!(desk.tell(&[0], seen(4, 2, 7)), [seen(4, 2, 7)]);
    assert_eq!(desk.tell(&[0, 2, 3], final_to(4, 40)), [final_to(4, 40)]);
    assert_eq!(desk.facts.repin(ChainId(9), new), Err(FactError::UnknownChain(ChainId(9))));
}

/// The order that moved the vault is the last event of the old contract. Where it is not final by then, it becomes so by the
/// final blocks that the new one's readers name.
#[test]
fn what_was_told_before_a_move_becomes_final_after_it() {
    let mut desk = halfway();
    desk.repin(CHAIN, Hash([8; 32]));
    assert_eq!(desk.tell(&[0, 1], final_to(3, 30)), []);
    assert_eq!(desk.tell(&[2], final_to(3, 31)), [final_to(3, 30)]);
    assert_eq!(desk.tell(&[0, 1, 3], seen(4, 2, 7)), [seen(4, 2, 7)]);
}
