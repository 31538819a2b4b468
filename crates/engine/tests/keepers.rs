//! Keepers: stake, uptime, draws, deadlines, reports, what they are paid (R19, R21, R22).

mod support;

use ballast_engine::keeper::registry::{Unfit, qualification};
use ballast_types::{Change, Command, Duty, Event, Hash, KeeperId, LedgerAccount, Malice, TaskId};
use ballast_units::{Amount, Millis, Usd};
use support::keepers::{
    ETHEREUM, age, beat, commitment, deliver, drawn, empty, house, keepers, lose_orders, open, register,
    report, reveal, sold, truth, tweaked,
};
use support::{House, price, whole};

fn find<T>(events: &[Event], pick: impl Fn(&Event) -> Option<T>) -> Option<T> {
    events.iter().find_map(pick)
}

fn paid(events: &[Event]) -> Vec<(KeeperId, Amount, Amount)> {
    let paid = events.iter().filter_map(|event| match event {
        Event::KeeperPaid { keeper, bonus, share, .. } => Some((*keeper, *bonus, *share)),
        _ => None,
    });
    paid.collect()
}

fn closed(events: &[Event]) -> Option<(Amount, Amount)> {
    find(events, |event| match event {
        Event::RoundClosed { paid, treasury, .. } => Some((*paid, *treasury)),
        _ => None,
    })
}

fn late(events: &[Event]) -> Vec<(KeeperId, Duty)> {
    let late = events.iter().filter_map(|event| match event {
        Event::KeeperLate { keeper, duty, .. } => Some((*keeper, *duty)),
        _ => None,
    });
    late.collect()
}

fn slashed(events: &[Event]) -> Vec<(KeeperId, Malice, Amount)> {
    let slashed = events.iter().filter_map(|event| match event {
        Event::KeeperSlashed { keeper, malice, amount, .. } => Some((*keeper, *malice, *amount)),
        _ => None,
    });
    slashed.collect()
}

fn fit(house: &House, keeper: KeeperId) -> Result<(), Unfit> {
    qualification(house.state(), house.state().keepers.get(keeper))
}

/// A false result.
const LIE: Hash = Hash([0x11; 32]);

// Stake

#[test]
fn stake_moves_out_of_collateral_and_back_after_the_cool_down() {
    let mut house = empty(|_| {});
    let token = house.token("BAL", "ethereum");
    house.deposit("k0", "ethereum", "BAL", whole(5_000));
    register(&mut house, 0, 10_000).expect("stake and hardware are enough");
    let (k0, id) = (house.account("k0"), KeeperId(0));
    let held = |house: &House| {
        let staked = house.balance(LedgerAccount::Stake(id));
        (house.balance(LedgerAccount::Collateral(k0, token)), staked)
    };
    assert_eq!(held(&house), (whole(5_000), whole(10_000)));
    house.run(Command::StakeKeeper { keeper: id, amount: whole(4_000) }).expect("5,000 are there");
    assert_eq!(held(&house), (whole(1_000), whole(14_000)));

    house.run(Command::UnstakeKeeper { keeper: id, amount: whole(3_000) }).expect("14,000 are there");
    assert_eq!(house.state().keepers.get(id).staying(), whole(11_000));
    house.advance(Millis::days(7).saturating_sub(Millis::new(1)));
    assert_eq!(held(&house), (whole(1_000), whole(14_000)), "it can still be forfeited");
    let out = house.advance(Millis::new(1));
    assert_eq!(held(&house), (whole(4_000), whole(11_000)));
    assert!(out.events.contains(&Event::StakeReturned { keeper: id, amount: whole(3_000) }));
}

/// The stake token has no price. It is worth nothing as collateral, and its holder is liquidated as if it were not there.
#[test]
fn what_keepers_stake_is_no_collateral_and_holds_nobody_up() {
    let mut house = house(0);
    house.deposit("alice", "ethereum", "BAL", whole(1_000_000));
    house.deposit("alice", "ethereum", "ETH", whole(10));
    let health = house.view("alice").health;
    assert_eq!(health, "30909.090909090909090909".parse::<Usd>().expect("10 x 3,400 / 1.1"));
    house.borrow("alice", "ethereum", whole(25_000)).expect("what has no price does not stand in the way");
    house.withdraw("alice", "ethereum", "BAL", whole(1)).expect("nor here");
    let out = house.price("ETH", price("2700"));
    assert!(out.events.iter().any(|event| matches!(event, Event::LotOffered { .. })), "{:?}", out.events);
    house.take_all();
    let alice = house.view("alice");
    assert_eq!(alice.locked, None);
    let token = house.token("BAL", "ethereum");
    let left = alice.collateral.iter().find(|held| held.token == token).map(|held| held.amount);
    assert_eq!(left, Some(whole(999_999)), "it was not sold");

    // A price that comes up later changes nothing of this.
    house.price("BAL", price("100"));
    assert_eq!(house.view("alice").health, alice.health);
    assert_eq!(house.view("alice").equity, alice.equity);
}

// Uptime and regions

/// Heartbeats each minute for 30 days and more; then an outage. The window is 30 days of the calendar, the present one
/// included: 99 % of 29 to 30 days leave 417.6 to 432 minutes.
#[test]
fn uptime_is_measured_over_thirty_days() {
    let mut house = empty(|genesis| {
        genesis.keepers.heartbeat = Millis::minutes(30);
        genesis.keepers.uptime_age_min = Millis::days(1);
    });
    register(&mut house, 0, 10_000).expect("stake and hardware are enough");
    let id = KeeperId(0);
    let up = |house: &mut House, beats: u64| {
        for _ in 0..beats {
            house.advance(Millis::minutes(30));
            beat(house);
        }
    };
    up(&mut house, 47);
    assert_eq!(fit(&house, id), Err(Unfit::Young));
    up(&mut house, 1);
    assert_eq!(fit(&house, id), Ok(()), "a day old, always up");
    up(&mut house, 39 * 48);
    assert_eq!(fit(&house, id), Ok(()));

    // A gap vouches for 45 of its minutes; so does the time since a heartbeat. Ten hours are 555 minutes down, more than
    // 1 % of any 30 days; seven hours are 375, less than 1 % of 29.
    house.advance(Millis::hours(7));
    beat(&mut house);
    assert_eq!(fit(&house, id), Ok(()));
    up(&mut house, 30 * 48);
    house.advance(Millis::hours(10));
    beat(&mut house);
    assert_eq!(fit(&house, id), Err(Unfit::Uptime));
    up(&mut house, 29 * 48);
    assert_eq!(fit(&house, id), Err(Unfit::Uptime), "still in the window");
    up(&mut house, 2 * 48);
    assert_eq!(fit(&house, id), Ok(()), "forgotten");
}

#[test]
fn too_few_regions_are_warned_of_once_a_change() {
    let mut house = tweaked(3, |genesis| genesis.keepers.regions_min = 3);
    let regions = |house: &House| {
        let told = house.history.iter().filter_map(|event| match event {
            Event::RegionsChanged { have, need } => Some((*have, *need)),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    house.advance(Millis::hours(1));
    beat(&mut house);
    assert_eq!(regions(&house), [(3, 3)], "from none to enough");
    house.run(Command::UnstakeKeeper { keeper: KeeperId(1), amount: whole(1) }).expect("it is staked");
    for _ in 0..3 {
        house.advance(Millis::hours(1));
        beat(&mut house);
    }
    assert_eq!(regions(&house), [(3, 3), (2, 3)]);

    // The house goes on.
    let (task, _, drawn) = drawn(&mut house, "alice");
    assert_eq!(drawn.len(), 2, "task {task}");
    assert_eq!(regions(&house).len(), 2);
}

// Draws

/// The block that orders has a seed as well, and it is not the one that is used: whoever proposed that block could not
/// choose.
#[test]
fn the_draw_has_the_seed_of_a_later_block() {
    let mut house = house(12);
    let mut other = house.clone();
    house.price("ETH", price("3400"));
    let (task, _) = open(&mut house, "alice");
    assert_eq!(keepers(&house.clone().apply(Vec::new()), task).len(), 3);
    assert_eq!(house.state().rounds.find(task).map(|round| round.members.len()), Some(0), "not in its block");

    // The same until the order, but for the seed of the block that orders.
    other.price("ETH", price("3400"));
    other.advance_in(Millis::minutes(20), 20);
    other.deposit("alice", "ethereum", "ETH", whole(10));
    other.borrow("alice", "ethereum", whole(25_000)).expect("34,000 / 1.21 = 28,099");
    other.quote("ETH", price("2700"));
    let mut block = other.next_block(Vec::new());
    block.seed = Hash([9; 32]);
    other.apply_block(block);

    let draw = |house: &House, seed: u8| {
        let mut house = house.clone();
        let mut block = house.next_block(Vec::new());
        block.seed = Hash([seed; 32]);
        let out = house.apply_block(block);
        keepers(&out, task)
    };
    assert_eq!(draw(&house, 1), draw(&other, 1), "the seed of the block that orders has no part in it");
    let different = (1..=50).map(|seed| draw(&house, seed)).collect::<std::collections::BTreeSet<_>>();
    assert!(30 < different.len(), "50 seeds gave {} draws", different.len());
}

#[test]
fn operators_differ_always_and_regions_as_far_as_they_go() {
    let mut house = empty(|_| {});
    // k0 to k2: one operator in three regions. k3 and k4: two operators in one region. k5: another one in that region.
    for (number, operator, region) in [(0, 1, 1), (1, 1, 2), (2, 1, 3), (3, 2, 7), (4, 3, 7), (5, 4, 7)] {
        house.deposit(&format!("k{number}"), "ethereum", "BAL", whole(10_000));
        let command = Command::RegisterKeeper {
            account: house.account(&format!("k{number}")),
            operator: support::keepers::address(operator),
            region: ballast_types::RegionId(region),
            cores: 32,
            memory: 64,
            signer: support::keepers::address(100 + number),
            stake: whole(10_000),
        };
        house.run(command).expect("stake and hardware are enough");
    }
    age(&mut house);
    open(&mut house, "alice");
    for seed in 0..60 {
        let mut house = house.clone();
        let mut block = house.next_block(Vec::new());
        block.seed = Hash([seed; 32]);
        let drawn = keepers(&house.apply_block(block), TaskId(1));
        let all = house.state();
        let operators: std::collections::BTreeSet<_> =
            drawn.iter().map(|keeper| all.keepers.get(*keeper).operator).collect();
        let regions: std::collections::BTreeSet<_> =
            drawn.iter().map(|keeper| all.keepers.get(*keeper).region).collect();
        assert_eq!((drawn.len(), operators.len()), (3, 3));
        // Whoever is first, the first operator and region 7 are both among the first two; the third is of region 7 too.
        assert_eq!(regions.len(), 2, "{drawn:?}");
    }
}

#[test]
fn with_nobody_to_draw_validators_deliver_and_the_fee_is_the_treasurys() {
    let mut house = house(0);
    let (task, lot, drawn) = drawn(&mut house, "alice");
    assert_eq!(drawn, []);
    assert!(house.history.contains(&Event::NoKeeperDrawn { task, draw: 1 }));
    let treasury = house.balance(LedgerAccount::Treasury);
    house.take(lot, whole(100)).expect("a lot is for sale");
    let fee = fee(&house);
    // Half to the reserve, the rest to the treasury: 10 % at once, 40 % through the pot.
    assert_eq!(house.balance(LedgerAccount::Treasury) - treasury, fee - Amount::from_wei(fee.wei() / 2));
    assert!(house.state().rounds.is_empty());
}

/// The fee of the last task.
fn fee(house: &House) -> Amount {
    let fee = house.history.iter().rev().find_map(|event| match event {
        Event::TaskClosed { fee, .. } => Some(*fee),
        _ => None,
    });
    fee.expect("a task has ended")
}

// Deadlines

/// Nobody delivers: after 120 s the three are marked, and three others are drawn with the seed of the block after.
/// After the third draw validators deliver.
#[test]
fn past_the_deadline_the_next_ones_are_drawn() {
    let mut house = house(8);
    lose_orders(&mut house);
    let (task, lot, first) = drawn(&mut house, "alice");
    assert_eq!(late(&house.advance(Millis::new(119_999)).events), []);
    let out = house.advance(Millis::new(1));
    let mut marked = late(&out.events);
    marked.sort();
    let mut expected: Vec<_> = first.iter().map(|keeper| (*keeper, Duty::Deliver)).collect();
    expected.sort();
    assert_eq!(marked, expected);
    let second = keepers(&house.apply(Vec::new()), task);
    assert_eq!(second.len(), 3);
    assert!(second.iter().all(|keeper| !first.contains(keeper)), "{first:?} {second:?}");
    let out = house.advance(Millis::seconds(120));
    assert_eq!(late(&out.events).len(), 3);
    let third = keepers(&house.apply(Vec::new()), task);
    assert_eq!(third.len(), 2, "two of eight are left");
    assert_eq!(late(&house.advance(Millis::seconds(120)).events).len(), 2);
    assert_eq!(late(&house.advance(Millis::minutes(10)).events), [], "nobody is asked any more");

    // Whoever was late is not paid, though its report is true.
    deliver(&mut house);
    house.apply(Vec::new());
    house.take(lot, whole(100)).expect("a lot is for sale");
    let truth = truth(&house, task);
    for keeper in [first[0], third[0]] {
        report(&mut house, keeper, task, truth);
    }
    let out = house.advance(Millis::seconds(120));
    assert_eq!(paid(&out.events), []);
    let fee = fee(&house);
    assert_eq!(closed(&out.events), Some((Amount::ZERO, pot(fee))));
}

/// 40 % of a fee, rounded down.
fn pot(fee: Amount) -> Amount {
    Amount::from_wei(fee.wei() * 4 / 10)
}

/// Nobody reports within 120 s: marked, and others are drawn, who have another 120 s.
#[test]
fn without_a_report_the_next_ones_are_asked() {
    let mut house = house(6);
    let (task, first) = sold(&mut house, "alice");
    assert_eq!(late(&house.advance(Millis::new(119_999)).events), []);
    let out = house.advance(Millis::new(1));
    assert_eq!(late(&out.events).len(), 3);
    assert!(late(&out.events).iter().all(|(_, duty)| *duty == Duty::Report));
    let second = keepers(&house.apply(Vec::new()), task);
    let truth = truth(&house, task);
    report(&mut house, second[0], task, truth);
    report(&mut house, first[0], task, truth);
    let out = house.advance(Millis::seconds(120));
    assert_eq!(late(&out.events).len(), 2);
    let earned: Vec<KeeperId> = paid(&out.events).iter().map(|(keeper, ..)| *keeper).collect();
    assert_eq!(earned, [second[0]], "a late one earns nothing");
}

// Reports and fees

/// The fee of Alice's task at the start price of 2,970: the lot brings its need of 25,525, of which 500 are the fee
/// (2 % of 25,000 repaid); each of the three is a B and asks for 15 %: 15 · 30 / 45 = 10 % each, 10 % for the first. All of
/// it is paid, but for what rounding leaves.
#[test]
fn the_first_gets_a_tenth_and_each_its_part_of_the_pot() {
    let mut house = house(5);
    let (task, drawn) = sold(&mut house, "alice");
    let fee = fee(&house);
    assert_eq!(house.balance(LedgerAccount::Pot(task)), pot(fee));
    let treasury = house.balance(LedgerAccount::Treasury);
    let truth = truth(&house, task);
    // The second one drawn commits first; the third reveals first.
    house.apply(vec![commitment(drawn[1], task, truth), commitment(drawn[2], task, truth)]);
    house.apply(vec![reveal(drawn[2], task, truth), reveal(drawn[1], task, truth)]);
    assert_eq!(house.balance(LedgerAccount::Pot(task)), pot(fee), "one has not reported");
    let out = report(&mut house, drawn[0], task, truth);
    // Every part is a quarter of the pot, which is 40 % of the fee.
    let quarter = Amount::from_wei(pot(fee).wei() / 4);
    let zero = Amount::ZERO;
    assert_eq!(
        paid(&out.events),
        [(drawn[0], zero, quarter), (drawn[1], quarter, quarter), (drawn[2], zero, quarter)]
    );
    let rest = pot(fee) - Amount::from_wei(quarter.wei() * 4);
    assert_eq!(closed(&out.events), Some((pot(fee) - rest, rest)));
    assert_eq!(house.balance(LedgerAccount::Treasury) - treasury, rest);
    let first = house.state().keepers.get(drawn[1]).account;
    assert_eq!(house.balance(LedgerAccount::Cash(first)), quarter + quarter);
    assert!(house.state().rounds.is_empty());
}

/// One B alone gets 15 % of the fee and the bonus of 10 %; the other 15 % of the pot are the treasury's.
#[test]
fn nobody_gets_more_than_its_grade_allows() {
    let mut house = house(3);
    let (task, drawn) = sold(&mut house, "alice");
    let truth = truth(&house, task);
    report(&mut house, drawn[0], task, truth);
    let out = house.advance(Millis::seconds(120));
    let pot = pot(fee(&house));
    let (bonus, share) = (Amount::from_wei(pot.wei() * 10 / 40), Amount::from_wei(pot.wei() * 15 / 40));
    assert_eq!(paid(&out.events), [(drawn[0], bonus, share)]);
    assert_eq!(closed(&out.events), Some((bonus + share, pot - bonus - share)));
    assert_eq!(late(&out.events).len(), 2, "the others were late");
}

/// The second one commits after the first has shown what it is: it may have copied it, and is not first, though the first
/// one is late and earns nothing.
#[test]
fn whoever_commits_after_a_reveal_is_never_first() {
    let mut house = house(6);
    lose_orders(&mut house);
    let (task, lot, first) = drawn(&mut house, "alice");
    house.advance(Millis::seconds(120));
    let second = keepers(&house.apply(Vec::new()), task);
    deliver(&mut house);
    house.apply(Vec::new());
    house.take(lot, whole(100)).expect("a lot is for sale");
    let truth = truth(&house, task);
    report(&mut house, first[0], task, truth);
    for keeper in &second {
        report(&mut house, *keeper, task, truth);
    }
    let out = house.advance(Millis::seconds(120));
    let bonuses: Amount = paid(&house.history).iter().map(|(_, bonus, _)| *bonus).sum();
    assert_eq!((paid(&house.history).len(), bonuses), (3, Amount::ZERO), "{:?}", out.events);
}

// Malice

#[test]
fn a_false_report_costs_the_whole_stake_once_the_block_is_final() {
    let mut house = house(4);
    let (task, lot, drawn) = drawn(&mut house, "alice");
    house.spoke("ethereum").holds_finality = true;
    house.take(lot, whole(100)).expect("a lot is for sale");
    let (result, block) = truth(&house, task);
    let out = report(&mut house, drawn[0], task, (LIE, block));
    assert_eq!(slashed(&out.events), [], "the block may still be dropped");
    report(&mut house, drawn[1], task, (result, block));
    let out = house.finalise("ethereum");
    assert_eq!(slashed(&out.events), [(drawn[0], Malice::FalseResult, whole(10_000))]);
    assert_eq!(house.balance(LedgerAccount::Stake(drawn[0])), Amount::ZERO);
    assert_eq!(house.balance(LedgerAccount::Fines), whole(10_000));
    assert_eq!(fit(&house, drawn[0]), Err(Unfit::Barred));
    let out = house.advance(Millis::seconds(120));
    assert_eq!(paid(&out.events).iter().map(|(keeper, ..)| *keeper).collect::<Vec<_>>(), [drawn[1]]);
}

/// Story: a lot of a large account stood in a dry market for hours, offered again and again, and a false report on its first auction
/// waited as long. It is measured when its block is final, whatever is still for sale: here the second of two lots is.
#[test]
fn a_false_report_is_found_while_the_task_sells_on() {
    let mut house = tweaked(4, |genesis| genesis.chains[0].tokens[1].params.auction_cap = whole(12_000));
    let (task, lot, drawn) = drawn(&mut house, "alice");
    house.spoke("ethereum").holds_finality = true;
    house.take(lot, whole(100)).expect("a lot is for sale");
    let (_, block) = truth(&house, task);
    let out = report(&mut house, drawn[0], task, (LIE, block));
    assert_eq!(slashed(&out.events), [], "the block may still be dropped");
    assert_eq!(house.offers().len(), 1, "the second lot");
    let out = house.finalise("ethereum");
    assert_eq!(slashed(&out.events), [(drawn[0], Malice::FalseResult, whole(10_000))]);
    assert_eq!(house.offers().len(), 1, "it is still for sale");
}

#[test]
fn two_results_for_one_block_are_malice_at_once() {
    let mut house = house(4);
    let (task, lot, drawn) = drawn(&mut house, "alice");
    house.spoke("ethereum").holds_finality = true;
    house.take(lot, whole(100)).expect("a lot is for sale");
    let (result, block) = truth(&house, task);
    report(&mut house, drawn[0], task, (result, block));
    let out = report(&mut house, drawn[0], task, (LIE, block));
    assert_eq!(slashed(&out.events), [(drawn[0], Malice::TwoResults, whole(10_000))]);
}

/// What leaves is still there to be forfeited.
#[test]
fn stake_that_is_leaving_can_be_forfeited() {
    let mut house = house(4);
    let (task, drawn) = sold(&mut house, "alice");
    house.run(Command::UnstakeKeeper { keeper: drawn[0], amount: whole(10_000) }).expect("it is staked");
    let (_, block) = truth(&house, task);
    let out = report(&mut house, drawn[0], task, (LIE, block));
    assert_eq!(slashed(&out.events), [(drawn[0], Malice::FalseResult, whole(10_000))]);
    let out = house.advance(Millis::days(8));
    assert!(!out.events.iter().any(|event| matches!(event, Event::StakeReturned { .. })));
    assert_eq!(house.balance(LedgerAccount::Fines), whole(10_000));
}

/// The chain drops the block in which the lot was sold; it is sold again in another one. Who reported on the first one said
/// what it saw: neither wrong nor late. Who reports on the second one is paid.
#[test]
fn a_report_on_a_dropped_block_is_neither_wrong_nor_late() {
    let mut house = house(4);
    let (task, lot, drawn) = drawn(&mut house, "alice");
    house.spoke("ethereum").holds_finality = true;
    let sequence = house.spoke("ethereum").next();
    house.take(lot, whole(100)).expect("a lot is for sale");
    let before = truth(&house, task);
    for keeper in &drawn {
        report(&mut house, *keeper, task, before);
    }
    house.drop_from("ethereum", sequence);
    house.take(lot, whole(100));
    let after = truth(&house, task);
    assert_ne!(before.1, after.1, "another block");
    report(&mut house, drawn[0], task, after);
    let out = house.advance(Millis::seconds(120));
    assert_eq!(late(&out.events), []);
    assert_eq!(slashed(&house.history), []);
    assert_eq!(paid(&out.events).iter().map(|(keeper, ..)| *keeper).collect::<Vec<_>>(), [drawn[0]]);
    let month = |keeper: KeeperId| house.state().keepers.get(keeper).month;
    assert_eq!((month(drawn[1]).missed, month(drawn[1]).wrong), (0, 0));
}

/// A block that the hub never saw proves nothing: no slash, but a wrong report, counted apart from a missing one.
#[test]
fn a_report_on_an_unknown_block_is_wrong_and_no_proof() {
    let mut house = house(3);
    let (task, drawn) = sold(&mut house, "alice");
    report(&mut house, drawn[0], task, (LIE, Hash([0x77; 32])));
    let truth = truth(&house, task);
    report(&mut house, drawn[1], task, truth);
    let out = house.advance(Millis::seconds(120));
    assert_eq!(slashed(&out.events), []);
    assert!(out.events.contains(&Event::ReportUnfounded { keeper: drawn[0], task, chain: ETHEREUM }));
    let month = |keeper: KeeperId| house.state().keepers.get(keeper).month;
    let of = |keeper: KeeperId| {
        let month = month(keeper);
        (month.duties, month.missed, month.consistent, month.wrong)
    };
    assert_eq!(of(drawn[0]), (2, 1, 0, 1));
    assert_eq!(of(drawn[1]), (2, 0, 1, 0));
    assert_eq!(of(drawn[2]), (2, 1, 0, 0));
}

// Snapshots

/// What is derived is rebuilt: a restored house goes on as the one that was never stopped.
#[test]
fn a_restart_in_the_middle_changes_nothing() {
    let mut house = house(6);
    lose_orders(&mut house);
    let (task, ..) = drawn(&mut house, "alice");
    house.run(Command::UnstakeKeeper { keeper: KeeperId(0), amount: whole(1) }).expect("it is staked");
    let restored = ballast_engine::Engine::restore(&house.engine.snapshot()).expect("just written");
    let mut other = house.clone();
    other.engine = restored;
    for span in
        [Millis::seconds(120), Millis::new(1), Millis::seconds(120), Millis::days(8), Millis::days(30)]
    {
        assert_eq!(house.engine.next_due(), other.engine.next_due());
        let (one, two) = (house.advance(span), other.advance(span));
        assert_eq!(one.events, two.events, "task {task}");
        assert_eq!(one.state_hash, two.state_hash);
    }
}

// Terms

#[test]
fn changed_terms_hold_from_then_on() {
    let mut house = house(4);
    let mut params = house.state().house.keepers.params;
    params.drawn = 2;
    params.cores_min = 33;
    let keepers = Command::Govern(Change::Keepers { params: Box::new(params) });
    assert!(house.run(keepers).expect("within bounds").events.contains(&Event::KeeperTermsChanged {}));
    assert_eq!(fit(&house, KeeperId(0)), Err(Unfit::Hardware));
    params.cores_min = 32;
    house.run(Command::Govern(Change::Keepers { params: Box::new(params) })).expect("within bounds");
    assert_eq!(drawn(&mut house, "alice").2.len(), 2);
}

/// Alice's debt is repaid from another chain while her lot is for sale: the auction is cancelled, and her task waits until
/// that is final. There is no fee, and nobody was late.
#[test]
fn a_cancelled_auction_is_reported_as_well() {
    let mut house = house(3);
    let (task, _, drawn) = drawn(&mut house, "alice");
    house.spoke("ethereum").holds_finality = true;
    house.deposit("alice", "polygon", "USDC", whole(25_100));
    house.apply(Vec::new());
    let said = truth(&house, task);
    for keeper in &drawn {
        report(&mut house, *keeper, task, said);
    }
    house.advance(Millis::minutes(30));
    assert!(house.state().rounds.find(task).is_some(), "the cancellation may be dropped");
    house.finalise("ethereum");
    assert!(house.state().tasks.find(task).is_none());
    assert_eq!(closed(&house.history), Some((Amount::ZERO, Amount::ZERO)));
    assert_eq!(late(&house.history), []);
    assert_eq!(house.state().keepers.get(drawn[0]).month.consistent, 1);
}
