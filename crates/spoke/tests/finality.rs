//! When a chain's final block is one for the hub: votes count for it only with the events that were told.

mod support;

use ballast_spoke::faults::Draws;
use ballast_spoke::quorum::{FUTURE_MOST, FactError, Numbered};
use ballast_types::digest::domain_in_process;
use ballast_types::{Hash, Observation, Sequence};
use ballast_units::{Bps, Time};
use support::desk::{Desk, dropped, final_of, final_to, seen};
use support::{CHAIN, at};

/// Four validators, one lies and one is slow. A deposit is seen, and the chain drops it: two report that, and the other deposit
/// that takes its number, and in time that its block is final. Votes for "event 1 is final" were three with the liar's, and the
/// hub paid out the dropped deposit, which it still had as event 1.
#[test]
fn one_liar_and_a_slow_one_do_not_make_a_dropped_deposit_final() {
    let mut desk = Desk::new(4);
    let [honest, slow, liar] = [[0, 1].as_slice(), &[2], &[3]];
    assert_eq!(desk.tell(&[0, 1, 3], seen(1, 1, 1_000_000)), [seen(1, 1, 1_000_000)]);
    assert_eq!(desk.tell(honest, dropped(1)), []);
    assert_eq!(desk.tell(honest, seen(1, 2, 1)), []);
    assert_eq!(desk.tell(honest, final_to(1, 20)), []);
    assert_eq!(desk.tell(liar, final_to(1, 20)), [], "two honest ones saw another event 1");
    // The slow one comes along, and decides.
    assert_eq!(desk.tell(slow, seen(1, 2, 1)), [dropped(1), seen(1, 2, 1)]);
    assert_eq!(desk.tell(slow, final_to(1, 20)), [final_to(1, 20)]);
}

/// Twenty validators poll every fourth block, five at each phase, of which six are silent or lie. Nobody but those of his phase
/// names the same final block, and fourteen never did.
#[test]
fn twenty_that_poll_every_fourth_block_agree_every_few_blocks() {
    poll_every_fourth_block(false);
    poll_every_fourth_block(true);
}

fn poll_every_fourth_block(six_lie: bool) {
    let mut desk = Desk::new(20);
    let (mut agreed_to, mut told) = (0, 0);
    for block in 1..=400_u64 {
        // A block a second, in every third one an event.
        let events = |block: u64| block / 3;
        for validator in 0..20_u64 {
            let is_faulty = [0, 4, 8, 13, 14, 19].contains(&validator);
            if is_faulty && six_lie {
                // Every event is another one, and everything is final at once.
                desk.report(validator as usize, seen(events(block), 66, block));
                desk.report(validator as usize, final_to(events(block), block + 30));
            }
            if is_faulty || validator % 4 != block % 4 {
                continue;
            }
            let last = events(block.saturating_sub(4));
            for sequence in last + 1..=events(block) {
                desk.report(validator as usize, seen(sequence, 1, sequence));
            }
            desk.report(validator as usize, final_to(events(block), block));
        }
        for observation in desk.facts.agreed() {
            match observation {
                Observation::Seen { sequence, .. } => told = sequence.0,
                Observation::Dropped { sequence, .. } => panic!("event {sequence} is dropped"),
                Observation::Final { sequence: Sequence(sequence), time, .. } => {
                    let second = time.millis() / 1_000;
                    assert!(events(second) <= sequence && sequence <= events(block), "not true");
                    agreed_to = second;
                }
            }
        }
        assert!(block < 8 || block - agreed_to <= 8, "block {block}: agreed to {agreed_to} s");
        assert!(block < 8 || events(block - 4) <= told, "block {block}: told to {told}");
    }
}

/// The hub undoes orders that had not been carried out by a final block's time. With event 1 final by three and the time of a
/// later block, named by the liar with event 1, it would have undone what event 2 carried out.
#[test]
fn a_liar_does_not_put_an_old_event_and_a_new_time_together() {
    let mut desk = Desk::new(4);
    // True blocks: event 1 at 10 s, event 2 at 20 s, nothing at 30 s. The third has not come further than 10 s.
    for (validator, seconds) in [(0, [10, 20, 30]), (1, [10, 20, 30]), (2, [10, 10, 10])] {
        for second in seconds {
            let events = if second < 20 { 1 } else { 2 };
            if second != 30 && (second == 20 || events == 1) {
                desk.report(validator, seen(events, 1, 5));
            }
            desk.report(validator, final_to(events, second));
        }
    }
    desk.report(3, seen(1, 1, 5));
    desk.report(3, final_to(1, 30));
    assert_eq!(desk.facts.agreed(), [seen(1, 1, 5), final_to(1, 10)]);
    assert_eq!(desk.tell(&[2], seen(2, 1, 5)), [seen(2, 1, 5)]);
    assert_eq!(desk.tell(&[2], final_to(2, 30)), [final_to(2, 30)]);
}

#[test]
fn a_later_final_block_counts_for_the_ones_before_it() {
    let mut desk = Desk::new(4);
    for sequence in 1..=3 {
        desk.tell(&[0, 1, 2, 3], seen(sequence, 1, sequence));
    }
    for validator in 0..3 {
        desk.report(validator, final_to(0, 1));
    }
    desk.report(0, final_to(1, 10));
    desk.report(1, final_to(2, 20));
    // Event 1 is final by three. By 1 s all three saw no other, by 10 s only one.
    let none = Hash::default();
    assert_eq!(desk.tell(&[2], final_to(3, 30)), [final_of(1, 1, none)]);
    assert_eq!(desk.tell(&[0], final_to(3, 31)), [final_of(2, 1, none)]);
    // Only one named the block of 30 s: no more than may lie.
    assert_eq!(desk.tell(&[1], final_to(3, 40)), [final_of(3, 30, none)]);
    assert_eq!(desk.tell(&[0, 2], final_to(3, 40)), [final_to(3, 40)]);
}

#[test]
fn what_a_validator_named_final_and_took_back_does_not_count() {
    let mut desk = Desk::new(4);
    for sequence in 1..=2 {
        desk.tell(&[0, 1, 2], seen(sequence, 1, 5));
    }
    desk.report(0, final_to(2, 20));
    desk.report(1, final_to(2, 20));
    for sequence in 1..=2 {
        desk.report(0, dropped(sequence));
        desk.report(0, seen(sequence, 1, 5));
    }
    // What it sees is what is told, but it has not named a final block since.
    assert_eq!(desk.tell(&[2], final_to(2, 20)), []);
    assert_eq!(desk.tell(&[0], final_to(1, 30)), [final_of(1, 0, Hash::default())]);
    assert_eq!(desk.tell(&[0], final_to(2, 40)), [final_to(2, 20)]);
}

/// What is there only in the old branch is not final, though everybody is final up to its number.
#[test]
fn events_that_differ_are_not_final_for_those_who_have_them() {
    let mut desk = Desk::new(7);
    desk.tell(&[0, 1, 2, 3, 4], seen(1, 1, 5));
    // Of five votes that it takes two are of those who saw another version, or took it back.
    desk.report(5, seen(1, 2, 5));
    desk.report(3, dropped(1));
    for validator in [0, 1, 3, 5] {
        desk.report(validator, final_to(1, 10));
    }
    assert_eq!(desk.tell(&[6], final_to(1, 10)), []);
    assert_eq!(desk.tell(&[2, 4], final_to(1, 10)), []);
    assert_eq!(desk.tell(&[3], seen(1, 1, 5)), [final_to(1, 10)]);
}

/// By 30 s three saw two events; one of them another second one.
#[test]
fn a_time_counts_only_with_the_events_up_to_it() {
    let mut desk = Desk::new(4);
    for sequence in 1..=2 {
        desk.tell(&[0, 1, 2], seen(sequence, 1, 5));
    }
    desk.report(3, seen(1, 1, 5));
    desk.report(3, seen(2, 9, 5));
    for (validator, second) in [(0, 30), (1, 30), (2, 20), (3, 30)] {
        desk.report(validator, final_to(2, second));
    }
    assert_eq!(desk.facts.agreed(), [final_of(2, 20, Hash::default())]);
    assert_eq!(desk.tell(&[2], final_to(2, 30)), [final_to(2, 30)]);
}

#[test]
fn a_hash_counts_only_with_the_events_up_to_its_block() {
    for (version, named) in [(1, true), (9, false)] {
        let mut desk = Desk::new(7);
        desk.tell(&[0, 1, 2, 3, 4], seen(1, 1, 5));
        desk.report(5, seen(1, version, 5));
        // Two may lie, and three named the block of 20 s; the others a later one.
        for validator in [0, 1, 5] {
            desk.report(validator, final_to(1, 20));
        }
        for validator in [2, 3, 4] {
            desk.report(validator, final_to(1, 21));
        }
        let hash = if named { final_to(1, 20) } else { final_of(1, 20, Hash::default()) };
        assert_eq!(desk.facts.agreed(), [hash]);
    }
}

#[test]
fn a_final_block_before_the_last_one_is_not_heard() {
    let mut desk = Desk::new(1);
    desk.report(0, seen(1, 1, 5));
    assert_eq!(desk.tell(&[0], seen(2, 1, 5))[1..], [seen(2, 1, 5)]);
    assert_eq!(desk.tell(&[0], final_to(2, 20)), [final_to(2, 20)]);
    for (events, second) in [(1, 30), (2, 10), (0, 0)] {
        assert_eq!(desk.tell(&[0], final_to(events, second)), []);
    }
    assert_eq!(desk.tell(&[0], final_to(2, 21)), [final_to(2, 21)]);
}

/// It had another event than the others, and does not count. Thousands of final events later nobody knows any more.
#[test]
fn a_difference_that_is_long_final_does_not_matter_any_more() {
    let mut desk = Desk::new(4);
    for sequence in 1..=5_000 {
        let own = if sequence == 1 { 9 } else { 1 };
        desk.report(3, seen(sequence, own, 1));
        let told = desk.tell(&[0, 1], seen(sequence, 1, 1));
        // Event 1 is forgotten when event 4,097 is final.
        let counts = 4_097 < sequence;
        assert_eq!(told, if counts { vec![seen(sequence, 1, 1)] } else { vec![] });
        let told = desk.tell(&[2], seen(sequence, 1, 1));
        assert_eq!(told, if counts { vec![] } else { vec![seen(sequence, 1, 1)] });
        desk.tell(&[0, 1, 2], final_to(sequence, sequence));
    }
}

#[test]
fn the_hash_of_a_final_block_is_one_that_more_named_than_may_lie() {
    let (mut desk, lie) = (Desk::new(4), Hash([66; 32]));
    desk.report(3, final_of(0, 10, lie));
    desk.report(0, final_to(0, 10));
    desk.report(1, final_to(0, 10));
    // Without the liar there is no quorum yet; with it, the hash is that of the two others.
    assert_eq!(desk.facts.agreed(), [final_to(0, 10)]);
    assert_eq!(desk.tell(&[2], final_to(0, 10)), []);
    // Blocks of one second, of which each named another one: all are final, and none is named.
    for (validator, block) in [(0, 1), (1, 2), (2, 3)] {
        desk.report(validator, final_of(0, 20, Hash([block; 32])));
    }
    assert_eq!(desk.facts.agreed(), [final_of(0, 20, Hash::default())]);
    // Whoever names a second block of a place is not heard again.
    assert_eq!(desk.tell(&[0, 1, 2], final_of(0, 20, lie)), []);
}

#[test]
fn a_final_block_of_the_far_future_is_refused_and_its_number_is_used_again() {
    let mut desk = Desk::new(1);
    desk.now = at(100);
    let time = at(100).after(FUTURE_MOST);
    let second = time.millis() / 1_000;
    let late = at(second + 1);
    let refused = FactError::FromTheFuture { time: late, now: at(100) };
    assert_eq!(desk.try_report(0, final_to(0, second + 1)), Err(refused));
    assert!(refused.transient());
    assert_eq!(desk.try_report(0, final_to(0, second)), Ok(()));
    assert_eq!(desk.facts.agreed(), [final_to(0, second)]);
    // A second later it is not that far any more. The end of time never comes.
    desk.now = at(101);
    assert_eq!(desk.tell(&[0], final_to(0, second + 1)), [final_to(0, second + 1)]);
    let forever =
        Observation::Final { chain: CHAIN, sequence: Sequence(0), time: Time::MAX, block: Hash::default() };
    assert!(matches!(desk.try_report(0, forever), Err(FactError::FromTheFuture { .. })));
}

#[test]
fn a_number_far_beyond_what_is_agreed_is_refused_until_that_is_nearer() {
    let mut desk = Desk::new(2);
    let refused = |sequence: u64, agreed: u64| {
        let (agreed, limit) = (Sequence(agreed), Sequence(agreed + 4_096));
        Err(FactError::BeyondAgreed { sequence: Sequence(sequence), agreed, limit })
    };
    for sequence in [4_097, u64::MAX] {
        assert_eq!(desk.try_report(0, seen(sequence, 1, 1)), refused(sequence, 0));
        assert_eq!(desk.try_report(0, final_to(sequence, 1)), refused(sequence, 0));
    }
    // One validator goes ahead as far as it may, then waits for the other, and goes on.
    for sequence in 1..=4_096 {
        desk.report(0, seen(sequence, 1, 1));
    }
    assert_eq!(desk.try_report(0, seen(4_097, 1, 1)), refused(4_097, 0));
    assert_eq!(desk.tell(&[1], seen(1, 1, 1)), [seen(1, 1, 1)]);
    assert_eq!(desk.try_report(0, seen(4_097, 1, 1)), Ok(()));
    assert_eq!(desk.try_report(0, seen(4_098, 1, 1)), refused(4_098, 1));
    for sequence in 2..=4_097 {
        assert_eq!(desk.tell(&[1], seen(sequence, 1, 1)), [seen(sequence, 1, 1)]);
    }
}

/// Whatever a validator sends, what is kept of it has a bound, and the others go on.
#[test]
fn a_flood_is_bounded() {
    let mut desk = Desk::new(4);
    let (liar, domain) = (desk.validators[3], domain_in_process(CHAIN));
    let mut draws = Draws::new(7, "flood");
    let mut most = 0;
    for round in 1..=200_u64 {
        assert_eq!(desk.tell(&[0, 1, 2], seen(round, 1, round)), [seen(round, 1, round)]);
        for _ in 0..1_000 {
            let sequence = draws.between(0, round + 5_000);
            let observation = match draws.between(0, 5) {
                0..=2 => seen(sequence, draws.between(1, 9) as u8, 9),
                3 => final_of(sequence, draws.between(0, 1_000_100), Hash([4; 32])),
                4 => seen(round + draws.between(1, 4_096), 8, draws.between(0, 9)),
                _ => dropped(draws.between(round / 2, round + 5_000)),
            };
            // In order, so that they are taken in, or as far ahead as is allowed, so that they wait.
            if draws.chance(Bps::new(5_000)) {
                let _ = desk.try_report(3, observation);
            } else {
                let report = Numbered { serial: draws.between(0, round * 1_000 + 5_000), observation };
                let _ = desk.facts.report(liar, domain, report, desk.now);
            }
        }
        most = most.max(desk.facts.kept_of(liar));
        assert_eq!(desk.tell(&[0, 1, 2], final_to(round, round)), [final_to(round, round)]);
    }
    // Reports that wait, events beyond what is agreed, those since what is final, final blocks.
    assert!(1_000 < most && most <= 4_096 + 4_096 + 1 + 256, "{most} are kept");
    for honest in 0..3 {
        assert!(desk.facts.kept_of(desk.validators[honest]) <= 1);
    }
}

/// One of four is hours late, another one silent: what the late one has said is agreed, however far the others are. Events are
/// final one for one; the time by which there is no other follows in steps.
#[test]
fn who_is_thousands_of_blocks_ahead_waits_for_who_is_late() {
    let mut desk = Desk::new(4);
    for block in 1..=3_000 {
        for validator in [0, 1] {
            desk.report(validator, seen(block, 1, 1));
            desk.report(validator, final_to(block, block));
        }
    }
    assert_eq!(desk.facts.agreed(), []);
    let mut complete_to = 0;
    for block in 1..=3_000 {
        desk.report(2, seen(block, 1, 1));
        let told = desk.tell(&[2], final_to(block, block));
        assert_eq!(told[0], seen(block, 1, 1));
        let Some(Observation::Final { sequence, time, .. }) = told.last() else { panic!("{told:?}") };
        assert_eq!(*sequence, Sequence(block));
        complete_to = time.millis() / 1_000;
        // Of 3,000 final blocks 256 are kept, the widest gap between two of them is at most four times the mean one.
        assert!(block - complete_to < 4 * 3_000 / 256, "{complete_to} of {block}");
    }
    assert_eq!(complete_to, 3_000);
}

/// The fourth reports for the first time when thousands of events are final, from the first one on; then another falls silent.
#[test]
fn who_comes_late_is_compared_with_what_is_final() {
    for version in [1, 2] {
        let mut desk = Desk::new(4);
        for sequence in 1..=6_000 {
            desk.tell(&[0, 1, 2], seen(sequence, 1, 1));
            if sequence % 10 == 0 {
                desk.tell(&[0, 1, 2], final_to(sequence, sequence));
            }
        }
        for sequence in 1..=6_000 {
            // One of the last final events may be another one.
            let own = if sequence == 5_900 { version } else { 1 };
            assert_eq!(desk.tell(&[3], seen(sequence, own, 1)), []);
        }
        desk.tell(&[0, 1], seen(6_001, 1, 1));
        let told = desk.tell(&[3], seen(6_001, 1, 1));
        assert_eq!(told, if version == 1 { vec![seen(6_001, 1, 1)] } else { vec![] });
    }
}

/// The chain drops event 1 and what followed. Two see the other branch, the liar says that event 2 is theirs and event 1 is not:
/// the hub had the first event of the one branch and the second of the other.
#[test]
fn events_of_two_branches_are_not_told_together() {
    let mut desk = Desk::new(4);
    desk.tell(&[0, 1, 3], seen(1, 1, 5));
    for validator in [0, 1] {
        desk.report(validator, dropped(1));
        desk.report(validator, seen(1, 2, 6));
    }
    assert_eq!(desk.tell(&[0, 1, 3], seen(2, 2, 7)), []);
    // The slow one knows of the new branch alone.
    assert_eq!(desk.tell(&[2], seen(1, 2, 6)), [dropped(1), seen(1, 2, 6)]);
    assert_eq!(desk.tell(&[2], seen(2, 2, 7)), [seen(2, 2, 7)]);
}
