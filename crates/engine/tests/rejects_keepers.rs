//! Why commands of keepers and about them are refused, E5001 to E5021: a test a reject, in the order of the enum.
//!
//! A refused command changes nothing: [`refuses`] holds the block against the same block without it.

mod support;

use ballast_engine::{BlockPart, Engine, GenesisError, Outcome, Refused};
use ballast_types::{
    Block, ChainId, Change, Command, Event, Hash, KeeperId, KeeperParams, Reject, TaskId, digest,
};
use ballast_units::{Amount, Bps, Millis, Ratio};
use support::keepers::{
    ETHEREUM, SALT, commitment, deliver, drawn, empty, house, lose_orders, offer, register, report, reveal,
    sold, truth, tweaked,
};
use support::{House, whole};

const K0: KeeperId = KeeperId(0);
const NOBODY: KeeperId = KeeperId(99);

#[track_caller]
fn refuses(house: &mut House, command: Command, reject: Reject) {
    let block = house.next_block(vec![command]);
    let without = Block { commands: Vec::new(), ..block.clone() };
    let mut untouched = house.engine.clone();
    let mut nothing = Outcome::default();
    untouched.apply(&without, &mut nothing);
    let out = house.apply_block(block);
    assert_eq!(out.rejects, [Refused { part: BlockPart::Command, number: 0, reject }]);
    assert_eq!(out.events, nothing.events, "a refused command has no events");
    assert_eq!(out.state_hash, nothing.state_hash, "a refused command leaves the state hash");
    assert!(house.engine.snapshot() == untouched.snapshot(), "a refused command leaves every record");
}

/// An offer of the first node, with the stake in its account, changed.
fn offered(house: &mut House, change: impl FnOnce(&mut Command)) -> Command {
    house.deposit("k0", "ethereum", "BAL", whole(10_000));
    let mut command = offer(house, 0, 10_000);
    change(&mut command);
    command
}

#[test]
fn e5001_register_needs_a_house_with_keepers() {
    let mut house = House::new();
    let command = offer(&mut house, 0, 10_000);
    refuses(&mut house, command, Reject::NoStakeToken {});
}

#[test]
fn e5002_register_stops_at_the_most_keepers() {
    let mut house = empty(|_| {});
    house.deposit("k0", "ethereum", "BAL", whole(50_000_000));
    let most = u32::try_from(ballast_engine::keeper::registry::most()).expect("few");
    let account = house.account("k0");
    let mut all = Vec::new();
    for number in 0..most {
        let Command::RegisterKeeper { operator, region, cores, memory, stake, .. } =
            offer(&mut house, 0, 10_000)
        else {
            panic!("an offer")
        };
        let mut signer = operator;
        signer.0[..4].copy_from_slice(&number.to_be_bytes());
        all.push(Command::RegisterKeeper { account, operator, region, cores, memory, signer, stake });
    }
    assert_eq!(house.apply(all).rejects, []);
    let command = offer(&mut house, 0, 10_000);
    refuses(&mut house, command.clone(), Reject::KeepersFull { limit: most });
    // One leaves: its place is the next newcomer's, once its stake is back.
    let (gone, amount) = (KeeperId(7), whole(10_000));
    house.run(Command::UnstakeKeeper { keeper: gone, amount }).expect("it may leave");
    refuses(&mut house, command.clone(), Reject::KeepersFull { limit: most });
    house.advance(house.state().house.keepers.params.unstake_delay);
    let out = house.run(command).expect("a place is free");
    let registered =
        |event: &Event| matches!(event, Event::KeeperRegistered { keeper, .. } if *keeper == gone);
    assert!(out.events.iter().any(registered));
}

#[test]
fn e5003_an_unknown_keeper() {
    let mut house = house(1);
    let unknown = Reject::UnknownKeeper { keeper: NOBODY };
    let (task, chain, block) = (TaskId(1), ETHEREUM, Hash([1; 32]));
    for command in [
        Command::StakeKeeper { keeper: NOBODY, amount: whole(1) },
        Command::UnstakeKeeper { keeper: NOBODY, amount: whole(1) },
        Command::Heartbeat { keeper: NOBODY },
        Command::CommitReport { keeper: NOBODY, task, chain, commit: block },
        Command::RevealReport { keeper: NOBODY, task, chain, result: block, block, salt: SALT },
        Command::Govern(Change::Verdict { keeper: NOBODY, upheld: true }),
    ] {
        refuses(&mut house, command, unknown);
    }
}

/// A keeper that lied, and when.
fn with_a_liar() -> (House, TaskId, KeeperId, Reject) {
    let mut house = house(4);
    let (task, drawn) = sold(&mut house, "alice");
    let (_, block) = truth(&house, task);
    report(&mut house, drawn[0], task, (Hash([0x11; 32]), block));
    let operator = house.state().keepers.get(drawn[0]).operator;
    let since = house.now();
    (house, task, drawn[0], Reject::OperatorBarred { operator, since })
}

#[test]
fn e5004_a_barred_operator_is_not_heard() {
    let (mut house, task, liar, reject) = with_a_liar();
    house.deposit(&format!("k{}", liar.0), "ethereum", "BAL", whole(20_000));
    let again = offer(&mut house, liar.0, 10_000);
    let said = truth(&house, task);
    refuses(&mut house, again, reject);
    refuses(&mut house, Command::StakeKeeper { keeper: liar, amount: whole(1) }, reject);
    refuses(&mut house, Command::Heartbeat { keeper: liar }, reject);
    refuses(&mut house, commitment(liar, task, said), reject);
    refuses(&mut house, reveal(liar, task, said), reject);
}

#[test]
fn e5005_register_needs_cores() {
    let mut house = empty(|_| {});
    let command = offered(&mut house, |command| {
        if let Command::RegisterKeeper { cores, .. } = command {
            *cores = 31;
        }
    });
    refuses(&mut house, command, Reject::CoresTooFew { have: 31, need: 32 });
}

#[test]
fn e5006_register_needs_memory() {
    let mut house = empty(|_| {});
    let command = offered(&mut house, |command| {
        if let Command::RegisterKeeper { memory, .. } = command {
            *memory = 63;
        }
    });
    refuses(&mut house, command, Reject::MemoryTooSmall { have: 63, need: 64 });
}

#[test]
fn e5007_stake_too_small() {
    let mut house = empty(|_| {});
    let have = Amount::from_wei(whole(10_000).wei() - 1);
    let command = offered(&mut house, |command| {
        if let Command::RegisterKeeper { stake, .. } = command {
            *stake = have;
        }
    });
    refuses(&mut house, command, Reject::StakeTooSmall { have, need: whole(10_000) });
    register(&mut house, 0, 10_000).expect("stake and hardware are enough");
    // More back than is staked.
    let command = Command::UnstakeKeeper { keeper: K0, amount: whole(10_001) };
    refuses(&mut house, command, Reject::StakeTooSmall { have: whole(10_000), need: whole(10_001) });
}

/// Stake that is not there is collateral that is not there.
#[test]
fn e3007_register_and_stake_need_the_tokens() {
    let mut house = empty(|_| {});
    let account = house.account("k0");
    let command = offer(&mut house, 0, 10_000);
    let need = whole(10_000);
    refuses(&mut house, command, Reject::CollateralTooSmall { account, have: Amount::ZERO, need });
    register(&mut house, 0, 10_000).expect("stake and hardware are enough");
    let command = Command::StakeKeeper { keeper: K0, amount: whole(1) };
    refuses(&mut house, command, Reject::CollateralTooSmall { account, have: Amount::ZERO, need: whole(1) });
    refuses(&mut house, Command::StakeKeeper { keeper: K0, amount: Amount::ZERO }, Reject::AmountZero {});
}

#[test]
fn e5008_a_key_is_of_one_keeper() {
    let mut house = house(1);
    house.deposit("k0", "ethereum", "BAL", whole(10_000));
    let command = offer(&mut house, 0, 10_000);
    refuses(&mut house, command, Reject::SignerTaken { keeper: K0 });
}

#[test]
fn e5009_stake_is_taken_back_once_at_a_time() {
    let mut house = house(1);
    house.run(Command::UnstakeKeeper { keeper: K0, amount: whole(1) }).expect("it is staked");
    let due = house.now().after(Millis::days(7));
    let command = Command::UnstakeKeeper { keeper: K0, amount: whole(1) };
    refuses(&mut house, command, Reject::UnstakeOpen { keeper: K0, due });
}

/// A month of nothing but missed duties is a D: suspended for 30 days.
#[test]
fn e5010_a_suspended_keeper_has_no_heartbeat() {
    let mut house = tweaked(1, |genesis| {
        genesis.keepers.draws_most = 1;
        genesis.keepers.grade_c = Ratio::percent(60);
    });
    lose_orders(&mut house);
    let (_, lot, _) = drawn(&mut house, "alice");
    house.advance(Millis::seconds(120));
    deliver(&mut house);
    house.apply(Vec::new());
    house.take(lot, whole(100)).expect("a lot is for sale");
    house.advance(Millis::seconds(120));
    house.advance(Millis::days(30));
    let until = house.now().after(Millis::days(30));
    refuses(&mut house, Command::Heartbeat { keeper: K0 }, Reject::KeeperSuspended { keeper: K0, until });
}

#[test]
fn e5011_heartbeats_are_half_an_interval_apart() {
    let mut house = house(1);
    let next = house.now().after(Millis::minutes(30));
    house.advance(Millis::minutes(30).saturating_sub(Millis::new(1)));
    let heartbeat = Command::Heartbeat { keeper: K0 };
    refuses(&mut house, heartbeat.clone(), Reject::HeartbeatEarly { keeper: K0, next });
    house.advance(Millis::new(1));
    house.run(heartbeat).expect("half an interval later");
}

#[test]
fn e5012_a_task_without_keepers_takes_no_report() {
    let mut house = house(1);
    let task = TaskId(7);
    let said = (Hash([1; 32]), Hash([2; 32]));
    refuses(&mut house, commitment(K0, task, said), Reject::NoRound { task });
    refuses(&mut house, reveal(K0, task, said), Reject::NoRound { task });
}

#[test]
fn e5013_reports_are_of_whom_was_drawn() {
    let mut house = house(4);
    let (task, drawn) = sold(&mut house, "alice");
    let other = (0..4).map(KeeperId).find(|keeper| !drawn.contains(keeper)).expect("three of four");
    let said = truth(&house, task);
    let reject = Reject::NotDrawn { keeper: other, task };
    refuses(&mut house, commitment(other, task, said), reject);
    refuses(&mut house, reveal(other, task, said), reject);
}

#[test]
fn e5014_reports_are_on_chains_with_orders() {
    let mut house = house(3);
    let (task, drawn) = sold(&mut house, "alice");
    let (keeper, chain) = (drawn[0], ChainId(1));
    let commit = Hash([1; 32]);
    let command = Command::CommitReport { keeper, task, chain, commit };
    refuses(&mut house, command, Reject::NothingOrdered { task, chain });
}

#[test]
fn e5015_one_commitment_is_open_at_a_time() {
    let mut house = house(3);
    let (task, drawn) = sold(&mut house, "alice");
    let said = truth(&house, task);
    house.run(commitment(drawn[0], task, said)).expect("the first");
    let reject = Reject::CommitOpen { keeper: drawn[0], task, chain: ETHEREUM };
    refuses(&mut house, commitment(drawn[0], task, said), reject);
}

/// Once for the auction that is over, and sixteen times more.
#[test]
fn e5016_a_keeper_reports_so_often_at_most() {
    let mut house = house(3);
    let (task, drawn) = sold(&mut house, "alice");
    let keeper = drawn[0];
    for block in 0..17 {
        report(&mut house, keeper, task, (Hash([1; 32]), Hash([block; 32].map(|byte| byte + 100))));
    }
    let said = truth(&house, task);
    refuses(&mut house, commitment(keeper, task, said), Reject::ReportsFull { keeper, task, limit: 17 });
}

#[test]
fn e5017_reveal_needs_a_commitment() {
    let mut house = house(3);
    let (task, drawn) = sold(&mut house, "alice");
    let said = truth(&house, task);
    let reject = Reject::NoCommit { keeper: drawn[0], task, chain: ETHEREUM };
    refuses(&mut house, reveal(drawn[0], task, said), reject);
}

#[test]
fn e5018_reveal_is_what_was_committed_to() {
    let mut house = house(3);
    let (task, drawn) = sold(&mut house, "alice");
    let keeper = drawn[0];
    let (result, block) = truth(&house, task);
    house.run(commitment(keeper, task, (result, block))).expect("the first");
    let committed = digest::report_commit(result, block, keeper, SALT);
    let other = Hash([3; 32]);
    for (result, block, salt) in [(other, block, SALT), (result, other, SALT), (result, block, other)] {
        let revealed = digest::report_commit(result, block, keeper, salt);
        let command = Command::RevealReport { keeper, task, chain: ETHEREUM, result, block, salt };
        refuses(&mut house, command, Reject::CommitDiffers { committed, revealed });
    }
    // Somebody else's commitment, copied, is no use: the keeper is in it.
    let copy = Command::CommitReport { keeper: drawn[1], task, chain: ETHEREUM, commit: committed };
    house.run(copy).expect("anything can be committed to");
    let revealed = digest::report_commit(result, block, drawn[1], SALT);
    refuses(
        &mut house,
        reveal(drawn[1], task, (result, block)),
        Reject::CommitDiffers { committed, revealed },
    );
}

#[test]
fn e5019_a_block_is_reported_once() {
    let mut house = house(3);
    let (task, drawn) = sold(&mut house, "alice");
    let (keeper, said) = (drawn[0], truth(&house, task));
    report(&mut house, keeper, task, said);
    house.run(commitment(keeper, task, said)).expect("a commitment tells nothing");
    refuses(&mut house, reveal(keeper, task, said), Reject::ReportRepeated { keeper, task, block: said.1 });
}

#[test]
fn e5020_a_verdict_answers_an_open_vote() {
    let mut house = house(1);
    let command = Command::Govern(Change::Verdict { keeper: K0, upheld: true });
    refuses(&mut house, command, Reject::NoVote { keeper: K0 });
}

/// Terms are refused at genesis and when governance changes to them.
#[track_caller]
fn terms_refuse(tweak: impl Fn(&mut KeeperParams), reject: Reject) {
    let mut genesis = support::keepers::genesis();
    tweak(&mut genesis.keepers);
    let error = Engine::new(&genesis).expect_err("genesis is to be refused");
    assert_eq!(error, GenesisError::Refused { place: "keepers".to_owned(), reject });
    let params = Box::new(genesis.keepers);
    refuses(&mut empty(|_| {}), Command::Govern(Change::Keepers { params }), reject);
}

#[test]
fn e5021_terms_have_bounds() {
    let outside = |have: u64, low: u64, high: u64| Reject::KeeperTerms { have, low, high };
    let hour = 3_600_000;
    terms_refuse(|terms| terms.heartbeat = Millis::new(999), outside(999, 1_000, hour));
    terms_refuse(|terms| terms.uptime_age_min = Millis::days(30), outside(720 * hour, 1_000, 696 * hour));
    terms_refuse(|terms| terms.unstake_delay = Millis::minutes(59), outside(3_540_000, hour, 2_160 * hour));
    terms_refuse(|terms| terms.deliver_within = Millis::seconds(9), outside(9_000, 10_000, 24 * hour));
    terms_refuse(|terms| terms.report_within = Millis::days(2), outside(48 * hour, 10_000, 24 * hour));
    terms_refuse(|terms| terms.suspension = Millis::hours(1), outside(hour, 24 * hour, 8_760 * hour));
    terms_refuse(|terms| terms.freeze = Millis::days(8), outside(192 * hour, 60_000, 168 * hour));
    terms_refuse(|terms| terms.drawn = 0, outside(0, 1, 16));
    terms_refuse(|terms| terms.draws_most = 17, outside(17, 1, 16));
    terms_refuse(|terms| terms.misdeeds = 0, outside(0, 1, 255));
    terms_refuse(|terms| terms.weight_c = 0, outside(0, 1, 255));
    terms_refuse(|terms| terms.weight_b = 1, outside(1, 2, 255));
    terms_refuse(|terms| terms.weight_a = 2, outside(2, 3, 255));
}

/// What is counted in other units is refused as elsewhere.
#[test]
fn e4005_terms_that_are_shares_have_bounds() {
    let outside = |value: Ratio, low: Ratio, high: Ratio| Reject::ListingValue { value, low, high };
    let (zero, one) = (Ratio::ZERO, Ratio::ONE);
    terms_refuse(|terms| terms.stake_min = Amount::ZERO, Reject::AmountZero {});
    terms_refuse(
        |terms| terms.stake_counted = whole(9_999),
        Reject::StakeTooSmall { have: whole(9_999), need: whole(10_000) },
    );
    terms_refuse(|terms| terms.uptime_min = Ratio::percent(101), outside(Ratio::percent(101), zero, one));
    terms_refuse(
        |terms| terms.fee_pot = Bps::new(3_001),
        outside(Ratio::bps(4_001), Ratio::bps(1), Ratio::percent(40)),
    );
    terms_refuse(
        |terms| terms.fee_a = Bps::new(1_499),
        outside(Ratio::bps(1_499), Ratio::percent(15), Ratio::percent(30)),
    );
    terms_refuse(
        |terms| terms.fee_b = Bps::new(999),
        outside(Ratio::bps(999), Ratio::percent(10), Ratio::percent(30)),
    );
    terms_refuse(|terms| terms.price_weight = Ratio::percent(31), outside(Ratio::percent(101), one, one));
    terms_refuse(|terms| terms.price_tolerance = zero, outside(zero, Ratio::bps(1), Ratio::percent(50)));
    terms_refuse(
        |terms| terms.grade_c = Ratio::percent(76),
        outside(Ratio::percent(76), zero, Ratio::percent(75)),
    );
    terms_refuse(
        |terms| terms.grade_a = Ratio::percent(74),
        outside(Ratio::percent(75), Ratio::percent(60), Ratio::percent(74)),
    );
    terms_refuse(|terms| terms.fine = Bps::new(10_001), outside(Ratio::bps(10_001), zero, one));
}

#[test]
fn a_stake_asset_has_no_par_and_is_on_one_chain() {
    let refused = |symbol: &str| {
        let mut genesis = support::keepers::genesis();
        genesis.stake_asset = Some(symbol.to_owned());
        Engine::new(&genesis).err()
    };
    let unknown = |kind, name: &str| {
        Some(GenesisError::Unknown { place: "stake_asset".to_owned(), kind, name: name.to_owned() })
    };
    assert_eq!(refused("XYZ"), unknown("asset", "XYZ"));
    assert_eq!(refused("USDC"), unknown("asset without par on exactly one chain", "USDC"));
    assert_eq!(refused("ETH"), unknown("asset without par on exactly one chain", "ETH"), "on two chains");
    assert_eq!(refused("BAL"), None);
}

/// Each code of keepers has its test here, in the order of the catalogue.
#[test]
fn every_code_of_keepers_has_a_test() {
    let mut rest = include_str!("rejects_keepers.rs");
    for info in Reject::CATALOG.iter().filter(|info| "E5" <= info.code) {
        let name = format!("#[test]\nfn {}_", info.code.to_lowercase());
        let at = rest
            .find(&name)
            .unwrap_or_else(|| panic!("{} {} has no test in its place", info.code, info.name));
        rest = &rest[at..];
        let named = include_str!("rejects_keepers.rs").contains(&format!("Reject::{} {{", info.name));
        assert!(named, "nothing here is refused with {} {}", info.code, info.name);
    }
}
