//! What validators report of a chain, made one: by the same bytes, in the vault's order; validators that lie, lag, repeat
//! themselves or read the wrong contract.

mod support;

use ballast_spoke::certificate::ValidatorSet;
use ballast_spoke::faults::{FaultTerms, Faults, Feed, FeedTerms};
use ballast_spoke::quorum::{FactError, Facts, Numbered, QuorumError};
use ballast_spoke::{SimChain, SimChainParams, Spoke};
use ballast_types::digest::domain_in_process;
use ballast_types::{ChainId, Hash, Observation, Sequence, Signer, VaultEvent};
use ballast_units::{Amount, Bps, Millis};
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::desk::{Desk, contracts, dropped, final_of, final_to, seen, signers};
use support::{CHAIN, COIN, ETH, Notes, OTHER, at, conditions, owner, params};

#[test]
fn a_chain_that_is_added_is_believed_like_the_others() {
    let mut desk = Desk::new(4);
    let chain = ChainId(7);
    let told = Observation::Seen {
        chain,
        sequence: Sequence(1),
        version: Hash([1; 32]),
        event: VaultEvent::Deposited { owner: owner(), asset: ETH, amount: Amount::whole(1) },
    };
    let contract = domain_in_process(chain);
    let report = Numbered { serial: 1, observation: told };
    let validator = desk.validators[0];
    assert_eq!(desk.facts.report(validator, contract, report, desk.now), Err(FactError::UnknownChain(chain)));
    desk.facts.add_chain(chain, contract);
    assert_eq!(desk.tell(&[0, 1], told), []);
    // Known already: another contract for it changes nothing.
    let other = Hash([9; 32]);
    desk.facts.add_chain(chain, other);
    let refused = Err(FactError::UnknownContract { chain, have: other, want: contract });
    assert_eq!(desk.facts.report(desk.validators[2], other, report, desk.now), refused);
    assert_eq!(desk.tell(&[2], told), [told]);
}

#[test]
fn a_quorum_is_more_than_half_and_at_most_all() {
    let set = ValidatorSet::new(0, signers(4)).unwrap();
    for need in [0, 1, 2, 5] {
        let refused = Facts::with(&set, need, &contracts()).unwrap_err();
        assert_eq!(refused, QuorumError { need, of: 4 });
    }
    assert!(Facts::with(&set, 3, &contracts()).is_ok() && Facts::with(&set, 4, &contracts()).is_ok());
}

#[test]
fn one_of_one_is_believed_at_once() {
    let mut desk = Desk::new(1);
    assert_eq!(desk.tell(&[0], seen(1, 1, 5)), [seen(1, 1, 5)]);
    assert_eq!(desk.tell(&[0], final_to(1, 10)), [final_to(1, 10)]);
}

#[test]
fn two_of_four_are_not_enough_and_three_are() {
    let mut desk = Desk::new(4);
    assert_eq!(desk.tell(&[0, 1], seen(1, 1, 5)), []);
    assert_eq!(desk.tell(&[3], seen(1, 1, 5)), [seen(1, 1, 5)]);
    assert_eq!(desk.tell(&[2], seen(1, 1, 5)), [], "nothing is told twice");
}

#[test]
fn the_same_number_with_other_bytes_does_not_count_together() {
    let mut desk = Desk::new(4);
    assert_eq!(desk.tell(&[0, 1], seen(1, 1, 5)), []);
    // One says another amount, one another block.
    assert_eq!(desk.tell(&[2], seen(1, 1, 6)), []);
    assert_eq!(desk.tell(&[3], seen(1, 2, 5)), []);
    // The last one is corrected by its endpoint.
    assert_eq!(desk.tell(&[3], seen(1, 1, 5)), [seen(1, 1, 5)]);
}

#[test]
fn events_come_in_the_order_of_the_vault() {
    let mut desk = Desk::new(4);
    for validator in 0..3 {
        for sequence in [3, 2] {
            desk.report(validator, seen(sequence, 1, sequence));
        }
    }
    assert_eq!(desk.facts.agreed(), []);
    assert_eq!(desk.tell(&[0, 1, 2], seen(1, 1, 1)), [seen(1, 1, 1), seen(2, 1, 2), seen(3, 1, 3)]);
}

#[test]
fn a_drop_takes_a_quorum_and_the_new_branch_follows() {
    let mut desk = Desk::new(4);
    for sequence in 1..=3 {
        desk.tell(&[0, 1, 2, 3], seen(sequence, 1, sequence));
    }
    // A liar alone drops nothing, and neither do two.
    assert_eq!(desk.tell(&[0], dropped(1)), []);
    assert_eq!(desk.tell(&[1], dropped(2)), []);
    // The third: from 2 on there are three who see nothing any more.
    assert_eq!(desk.tell(&[2], dropped(2)), [dropped(2)]);
    // Who takes back event 1 does not count for what follows it.
    assert_eq!(desk.tell(&[0], seen(1, 1, 1)), []);
    assert_eq!(desk.tell(&[0, 1], seen(2, 9, 7)), []);
    assert_eq!(desk.tell(&[2], seen(2, 9, 7)), [seen(2, 9, 7)]);
    // One who never heard of the drop is still at the old branch, and does not matter.
    assert_eq!(desk.tell(&[0, 1, 2], seen(3, 9, 8)), [seen(3, 9, 8)]);
}

#[test]
fn another_version_from_a_quorum_is_a_drop() {
    let mut desk = Desk::new(4);
    desk.tell(&[0, 1, 2, 3], seen(1, 1, 5));
    desk.tell(&[0, 1, 2, 3], seen(2, 1, 6));
    assert_eq!(desk.tell(&[0, 1], seen(1, 2, 5)), []);
    // What followed in the old branch went with it.
    assert_eq!(desk.tell(&[3], seen(1, 2, 5)), [dropped(1), seen(1, 2, 5)]);
    assert_eq!(desk.tell(&[0, 1, 3], seen(2, 2, 6)), [seen(2, 2, 6)]);
}

#[test]
fn who_lags_does_not_hold_up_the_others_nor_drop_what_it_has_not_seen() {
    let mut desk = Desk::new(4);
    desk.tell(&[0, 1, 2, 3], seen(1, 1, 1));
    desk.tell(&[0, 1, 2, 3], dropped(1));
    for sequence in 1..=5 {
        assert_eq!(desk.tell(&[0, 1, 2], seen(sequence, 2, 3)), [seen(sequence, 2, 3)]);
    }
    // The fourth comes along much later, one by one.
    for sequence in 1..=5 {
        assert_eq!(desk.tell(&[3], seen(sequence, 2, 3)), []);
    }
    // With another one fallen silent, it is the third.
    assert_eq!(desk.tell(&[0, 1], seen(6, 2, 3)), []);
    assert_eq!(desk.tell(&[3], seen(6, 2, 3)), [seen(6, 2, 3)]);
}

#[test]
fn a_report_counts_once_and_waits_for_those_before_it() {
    let mut desk = Desk::new(1);
    let validator = desk.validators[0];
    let contract = domain_in_process(CHAIN);
    let mut report =
        |serial, observation| desk.facts.report(validator, contract, Numbered { serial, observation }, at(0));
    assert_eq!(report(3, dropped(1)), Ok(()));
    assert_eq!(report(2, seen(2, 1, 2)), Ok(()));
    assert_eq!(report(3, dropped(1)), Err(FactError::Repeated { serial: 3, next: 1 }));
    assert_eq!(report(4_098, dropped(1)), Err(FactError::TooFarAhead { serial: 4_098, next: 1 }));
    assert_eq!(report(1, seen(1, 1, 1)), Ok(()));
    assert_eq!(report(1, seen(1, 1, 1)), Err(FactError::Repeated { serial: 1, next: 4 }));
    assert_eq!(report(0, seen(1, 1, 1)), Err(FactError::Repeated { serial: 0, next: 4 }));
    // All three in their order: two events and the drop of both, so that nothing is true.
    assert_eq!(desk.facts.agreed(), []);
}

#[test]
fn what_strangers_say_or_read_elsewhere_changes_nothing() {
    let mut desk = Desk::new(1);
    let validator = desk.validators[0];
    let report = Numbered { serial: 1, observation: seen(1, 1, 1) };
    let stranger = Signer([7; 20]);
    let refused = desk.facts.report(stranger, domain_in_process(CHAIN), report, desk.now);
    assert_eq!(refused, Err(FactError::UnknownValidator(stranger)));
    let have = domain_in_process(OTHER);
    let refused = desk.facts.report(validator, have, report, desk.now);
    let want = domain_in_process(CHAIN);
    assert_eq!(refused, Err(FactError::UnknownContract { chain: CHAIN, have, want }));
    let nowhere = Observation::Dropped { chain: ChainId(9), sequence: Sequence(1) };
    let refused = desk.facts.report(validator, want, Numbered { serial: 1, observation: nowhere }, desk.now);
    assert_eq!(refused, Err(FactError::UnknownChain(ChainId(9))));
    assert_eq!(desk.facts.agreed(), []);
    // The number is not used up.
    assert_eq!(desk.tell(&[0], seen(1, 1, 1)), [seen(1, 1, 1)]);
}

#[test]
fn a_final_block_is_one_that_a_quorum_named() {
    let mut desk = Desk::new(4);
    desk.tell(&[0, 1, 2, 3], seen(1, 1, 1));
    desk.tell(&[0, 1, 2, 3], seen(2, 1, 2));
    // Each at a time of its own: the last one that three named is the one at 20 s.
    for (validator, seconds) in [(0, [10, 20]), (1, [20, 30]), (2, [10, 20])] {
        for second in seconds {
            desk.report(validator, final_to(1, second));
        }
    }
    assert_eq!(desk.facts.agreed(), [final_to(1, 20)]);
    // A liar puts a time and a number together that nobody else named.
    assert_eq!(desk.tell(&[3], final_to(0, 500)), []);
    desk.report(0, final_to(1, 40));
    desk.report(1, final_to(2, 50));
    // Event 2 is final for two, and the liar names none. By 30 s there was no event but the first: two honest ones saw that,
    // at 40 s and at 30 s. The block of 30 s only one of them named.
    assert_eq!(desk.tell(&[2], final_to(2, 50)), [final_of(1, 30, Hash::default())]);
    assert_eq!(desk.tell(&[0], final_to(2, 50)), [final_to(2, 50)]);
    // Older ones are told no more, and nothing final is dropped.
    assert_eq!(desk.tell(&[0, 1, 2, 3], final_to(1, 30)), []);
    assert_eq!(desk.tell(&[0, 1, 2, 3], dropped(1)), []);
    // Who takes back what is final does not count until it is there again.
    assert_eq!(desk.tell(&[0, 1, 2], seen(3, 1, 3)), []);
    assert_eq!(desk.tell(&[0, 1, 2], seen(1, 1, 1)), []);
    assert_eq!(desk.tell(&[0, 1, 2], seen(2, 1, 2)), [seen(3, 1, 3)]);
}

#[test]
fn final_waits_for_what_it_covers() {
    let mut desk = Desk::new(4);
    assert_eq!(desk.tell(&[0, 1, 2], final_to(1, 10)), []);
    assert_eq!(desk.tell(&[0, 1], seen(1, 1, 1)), []);
    assert_eq!(desk.tell(&[2], seen(1, 1, 1)), [seen(1, 1, 1), final_to(1, 10)]);
}

#[test]
fn chains_do_not_mix() {
    let mut desk = Desk::new(4);
    let event = VaultEvent::Deposited { owner: owner(), asset: COIN, amount: Amount::whole(1) };
    let there = Observation::Seen { chain: OTHER, sequence: Sequence(1), version: Hash([1; 32]), event };
    desk.tell(&[0, 1], seen(1, 1, 1));
    assert_eq!(desk.tell(&[2, 3], there), []);
    assert_eq!(desk.tell(&[2], seen(1, 1, 1)), [seen(1, 1, 1)]);
    assert_eq!(desk.tell(&[0], there), [there]);
}

/// Four validators at one chain with reorgs: three report through feeds that delay, repeat and reorder, the fourth lies.
fn through_feeds(seed: u64) -> (Notes, SimChain) {
    let mut chain =
        SimChain::new(SimChainParams { final_depth: 50, final_every: Millis::minutes(1), ..params() });
    let storm = FaultTerms {
        reorg_every: Millis::seconds(150),
        reorg_depth: [1, 40],
        late: Bps::new(2_000),
        ..FaultTerms::NONE
    };
    let mut faults = Faults::new(seed, "chain", storm, at(0));
    let terms = FeedTerms { delay_most: Millis::seconds(90), twice: Bps::new(3_000) };
    let mut feeds = ["a", "b", "c"].map(|name| Feed::new(seed, name, terms));
    let validators = signers(4);
    let set = ValidatorSet::new(0, validators.clone()).unwrap();
    let mut facts = Facts::new(&set, &contracts());
    let mut notes = Notes::default();
    for serial in 1..=600 {
        let second = serial * 10;
        if second % 70 == 0 && second < 3_000 {
            chain.deposit(owner(), ETH, Amount::whole(second)).unwrap();
        }
        let told = chain.advance(at(second)).unwrap();
        if second < 4_000 {
            faults.act(&mut chain, conditions(), at(second));
        }
        for (feed, validator) in feeds.iter_mut().zip(&validators) {
            feed.send(&told, at(second));
            for report in feed.arrived(at(second)) {
                match facts.report(*validator, chain.domain(), report, at(second)) {
                    Ok(()) | Err(FactError::Repeated { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
        let sequence = second % 7 + 1;
        let lie = match second % 3 {
            0 => seen(sequence, 66, 1_000_000),
            1 => dropped(sequence),
            _ => final_to(sequence, second),
        };
        facts
            .report(validators[3], chain.domain(), Numbered { serial, observation: lie }, at(second))
            .unwrap();
        notes.take_in(&facts.agreed());
    }
    (notes, chain)
}

#[test]
fn feeds_that_delay_repeat_and_reorder_agree_on_what_happened() {
    let mut dropped = 0;
    for seed in 0..6 {
        let (notes, chain) = through_feeds(seed);
        assert_eq!(notes.held(ETH, &BTreeMap::new()), chain.held(ETH), "seed {seed}");
        assert_eq!(notes.final_to, notes.events.len(), "seed {seed}");
        dropped += notes.dropped;
    }
    assert!(0 < dropped, "no reorg reached what was agreed: the test tests nothing");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// However the reports of three honest validators interleave, what becomes true is what they told; the fourth says
    /// what it likes.
    #[test]
    fn any_interleaving_agrees_on_the_same(order in prop::collection::vec(0_usize..4, 0..120), lies in prop::collection::vec((0_u64..4, any::<u8>()), 40)) {
        let story = [seen(1, 1, 1), seen(2, 1, 2), dropped(2), seen(2, 2, 3), seen(3, 2, 4), dropped(1), seen(1, 3, 1), seen(2, 3, 9), final_to(1, 10), seen(3, 3, 1), final_to(2, 20)];
        let mut desk = Desk::new(4);
        let mut notes = Notes::default();
        let (mut next, mut lies) = ([0; 3], lies.into_iter());
        let rest = (0..story.len()).flat_map(|_| 0..3);
        for validator in order.into_iter().chain(rest) {
            if validator == 3 {
                let Some((sequence, version)) = lies.next() else { continue };
                desk.report(3, if version % 2 == 0 { dropped(sequence + 1) } else { seen(sequence + 1, version, 77) });
            } else if let Some(observation) = story.get(next[validator]) {
                next[validator] += 1;
                desk.report(validator, *observation);
            }
            notes.take_in(&desk.facts.agreed());
        }
        let amounts: Vec<Hash> = notes.events.iter().map(|(version, _)| *version).collect();
        prop_assert_eq!(amounts, [Hash([3; 32]); 3]);
        prop_assert_eq!((notes.final_to, notes.final_time), (2, at(20)));
    }
}
