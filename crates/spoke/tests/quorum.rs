//! What validators report, made one: facts by the same bytes, measurements by the median; validators that lie, lag, repeat
//! themselves or read the wrong contract.

mod support;

use ballast_spoke::certificate::ValidatorSet;
use ballast_spoke::faults::{FaultTerms, Faults, Feed, FeedTerms};
use ballast_spoke::quorum::{
    FactError, Facts, MeasurementError, Measurements, Numbered, QuorumError, Settled,
};
use ballast_spoke::{SimChain, SimChainParams, Spoke};
use ballast_types::digest::{block_in_process, domain_in_process};
use ballast_types::{
    ChainId, CostReport, DepthReport, Hash, Observation, PriceReport, Sequence, Signer, SourceId, Token,
    VaultEvent,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::{CHAIN, COIN, ETH, Notes, OTHER, at, conditions, keys, owner, params};

fn signers(count: usize) -> Vec<Signer> {
    keys(count).iter().map(ballast_spoke::certificate::Key::signer).collect()
}

fn contracts() -> BTreeMap<ChainId, Hash> {
    [CHAIN, OTHER].map(|chain| (chain, domain_in_process(chain))).into()
}

/// Facts by three of four, and the reports of each so far.
struct Desk {
    facts: Facts,
    validators: Vec<Signer>,
    serials: BTreeMap<(usize, ChainId), u64>,
}

impl Desk {
    fn new(count: usize) -> Self {
        let validators = signers(count);
        let set = ValidatorSet::new(0, validators.clone()).unwrap();
        Self { facts: Facts::new(&set, &contracts()), validators, serials: BTreeMap::new() }
    }

    fn report(&mut self, validator: usize, observation: Observation) {
        let chain = chain_of(&observation);
        let serial = self.serials.entry((validator, chain)).or_default();
        *serial += 1;
        let report = Numbered { serial: *serial, observation };
        self.facts.report(self.validators[validator], domain_in_process(chain), report).unwrap();
    }

    /// Several report the same; what becomes true.
    fn tell(&mut self, validators: &[usize], observation: Observation) -> Vec<Observation> {
        for validator in validators {
            self.report(*validator, observation);
        }
        self.facts.agreed()
    }
}

fn chain_of(observation: &Observation) -> ChainId {
    match *observation {
        Observation::Seen { chain, .. }
        | Observation::Final { chain, .. }
        | Observation::Dropped { chain, .. } => chain,
    }
}

fn seen(sequence: u64, version: u8, amount: u64) -> Observation {
    let event = VaultEvent::Deposited { owner: owner(), asset: ETH, amount: Amount::whole(amount) };
    Observation::Seen { chain: CHAIN, sequence: Sequence(sequence), version: Hash([version; 32]), event }
}

fn dropped(sequence: u64) -> Observation {
    Observation::Dropped { chain: CHAIN, sequence: Sequence(sequence) }
}

fn final_to(sequence: u64, second: u64) -> Observation {
    let (time, block) = (at(second), block_in_process(CHAIN, at(second)));
    Observation::Final { chain: CHAIN, sequence: Sequence(sequence), time, block }
}

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
    assert_eq!(desk.facts.report(validator, contract, report), Err(FactError::UnknownChain(chain)));
    desk.facts.add_chain(chain, contract);
    assert_eq!(desk.tell(&[0, 1], told), []);
    // Known already: another contract for it changes nothing.
    let other = Hash([9; 32]);
    desk.facts.add_chain(chain, other);
    let refused = Err(FactError::UnknownContract { chain, have: other, want: contract });
    assert_eq!(desk.facts.report(desk.validators[2], other, report), refused);
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
    for sequence in 1..=4 {
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
        |serial, observation| desk.facts.report(validator, contract, Numbered { serial, observation });
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
    let refused = desk.facts.report(stranger, domain_in_process(CHAIN), report);
    assert_eq!(refused, Err(FactError::UnknownValidator(stranger)));
    let have = domain_in_process(OTHER);
    let refused = desk.facts.report(validator, have, report);
    let want = domain_in_process(CHAIN);
    assert_eq!(refused, Err(FactError::UnknownContract { chain: CHAIN, have, want }));
    let nowhere = Observation::Dropped { chain: ChainId(9), sequence: Sequence(1) };
    let refused = desk.facts.report(validator, want, Numbered { serial: 1, observation: nowhere });
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
    // A liar cannot put a time and a number together that nobody else named.
    assert_eq!(desk.tell(&[3], final_to(0, 500)), []);
    desk.report(0, final_to(1, 40));
    desk.report(1, final_to(2, 50));
    assert_eq!(desk.tell(&[2], final_to(2, 50)), []);
    assert_eq!(desk.tell(&[0], final_to(2, 50)), [final_to(2, 50)]);
    // Older ones are told no more, and nothing final is dropped.
    assert_eq!(desk.tell(&[0, 1, 2, 3], final_to(1, 30)), []);
    assert_eq!(desk.tell(&[0, 1, 2, 3], dropped(1)), []);
    assert_eq!(desk.tell(&[0, 1, 2], seen(3, 1, 3)), [seen(3, 1, 3)]);
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
                match facts.report(*validator, chain.domain(), report) {
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
        facts.report(validators[3], chain.domain(), Numbered { serial, observation: lie }).unwrap();
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

fn price(dollars: u64, second: u64) -> PriceReport {
    let (asset, source) = (ETH, SourceId(1));
    PriceReport {
        asset,
        source,
        price: Price::whole(dollars),
        confidence: Ratio::bps(i64::try_from(dollars).unwrap()),
        time: at(second),
    }
}

/// Stakes of 40, 30, 20 and 10.
fn scales() -> (Vec<Signer>, Measurements) {
    let validators = signers(4);
    let stakes = validators.iter().copied().zip([40, 30, 20, 10].map(Amount::whole)).collect();
    (validators, Measurements::new(stakes))
}

fn settle(measurements: &Measurements, second: u64) -> Settled {
    measurements.settle(at(second), Millis::seconds(60))
}

#[test]
fn a_source_counts_with_two_thirds_of_the_stake() {
    let (validators, mut measurements) = scales();
    measurements.price(validators[0], price(100, 10)).unwrap();
    measurements.price(validators[2], price(102, 10)).unwrap();
    // 60 of 100.
    assert_eq!(settle(&measurements, 10), Settled::default());
    measurements.price(validators[3], price(104, 12)).unwrap();
    // 70: sorted by price 40, 20, 10; half of it is reached at 40 of 70.
    let prices = vec![PriceReport { time: at(10), ..price(100, 10) }];
    assert_eq!(settle(&measurements, 12), Settled { prices, ..Settled::default() });
}

#[test]
fn a_figure_is_the_median_by_stake() {
    let (validators, mut measurements) = scales();
    for (validator, dollars) in validators.iter().zip([100, 103, 101, 999_999]) {
        measurements.price(*validator, price(dollars, 10)).unwrap();
    }
    // By price: 100 with 40, 101 with 20: 60 of 100.
    assert_eq!(settle(&measurements, 10).prices, [price(101, 10)]);
    // Who has most does not decide alone.
    measurements.price(validators[0], price(1, 20)).unwrap();
    assert_eq!(settle(&measurements, 20).prices, [PriceReport { time: at(10), ..price(101, 10) }]);
}

#[test]
fn a_measurement_is_newer_than_the_last_and_not_old() {
    let (validators, mut measurements) = scales();
    measurements.price(validators[0], price(100, 10)).unwrap();
    for second in [9, 10] {
        let outdated = MeasurementError::Outdated { time: at(second), newest: at(10) };
        assert_eq!(measurements.price(validators[0], price(50, second)), Err(outdated));
    }
    let stranger = Signer([9; 20]);
    let unknown = Err(MeasurementError::UnknownValidator(stranger));
    assert_eq!(measurements.price(stranger, price(1, 99)), unknown);
    for validator in &validators[1..] {
        measurements.price(*validator, price(100, 10)).unwrap();
    }
    assert_eq!(settle(&measurements, 70).prices.len(), 1);
    assert_eq!(settle(&measurements, 71).prices, [], "all are older than a minute");
}

#[test]
fn depths_and_costs_settle_like_prices() {
    let (validators, mut measurements) = scales();
    let (token, source) = (Token { asset: ETH, chain: CHAIN }, SourceId(0));
    for (validator, dollars) in validators.iter().zip([7, 9, 8, 1]) {
        let time: Time = at(dollars);
        let depth = DepthReport { token, source, depth: Amount::whole(dollars), time };
        measurements.depth(*validator, depth).unwrap();
        let (gas, bridge) = (Amount::whole(dollars), Amount::whole(100 - dollars));
        measurements.cost(*validator, CostReport { chain: CHAIN, source, gas, bridge, time }).unwrap();
    }
    // 1 with 10, 7 with 40, that is half. Bridge costs from the other end: 91 with 30, 92 with 20.
    let depth = DepthReport { token, source, depth: Amount::whole(7), time: at(7) };
    let cost =
        CostReport { chain: CHAIN, source, gas: Amount::whole(7), bridge: Amount::whole(92), time: at(7) };
    let settled = settle(&measurements, 10);
    assert_eq!((settled.depths, settled.costs, settled.prices), (vec![depth], vec![cost], vec![]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Less than a third of the stake lies: the price lies between two honest ones.
    #[test]
    fn liars_below_a_third_do_not_move_a_figure_out_of_the_honest_ones(
        stakes in prop::collection::vec(1_u64..100, 7),
        prices in prop::collection::vec(1_000_u64..1_100, 7),
        lies in prop::collection::vec(1_u64..1_000_000, 7),
    ) {
        let validators = signers(7);
        let all: u64 = stakes.iter().sum();
        let stake_of = validators.iter().copied().zip(stakes.iter().map(|stake| Amount::whole(*stake))).collect();
        let mut measurements = Measurements::new(stake_of);
        let (mut lying, mut honest) = (0, Vec::new());
        for (number, validator) in validators.iter().enumerate() {
            let lie = (lying + stakes[number]) * 3 < all;
            let dollars = if lie { lies[number] } else { prices[number] };
            if lie { lying += stakes[number] } else { honest.push(dollars) }
            measurements.price(*validator, PriceReport { price: Price::whole(dollars), ..price(1, 10) }).unwrap();
        }
        let settled = settle(&measurements, 10).prices[0].price;
        let [low, high] = [honest.iter().min(), honest.iter().max()].map(|dollars| Price::whole(*dollars.unwrap()));
        prop_assert!(low <= settled && settled <= high, "{settled} is not in {low}..{high}");
    }
}
