//! A house with keepers: each of its own operator, in its own region, old enough to be drawn.
//!
//! - Heartbeats are hourly and vouch for an hour and a half: a test that lasts minutes needs no more of them.
//! - Tasks are Alice's of `liquidation.rs`: 10 ETH at 3,400 borrow 25,000, and at 2,700 a lot is for sale on Ethereum.

use super::{House, genesis, owner, price, whole};
use ballast_engine::Outcome;
use ballast_types::{
    Address, AssetGenesis, ChainId, Command, Event, Genesis, Hash, KeeperId, LotId, Observation, RegionId,
    Reject, Sequence, TaskId, TokenGenesis, TokenParams, VaultEvent, digest,
};
use ballast_units::Millis;

/// `ethereum`, where stake and lots are.
pub(crate) const ETHEREUM: ChainId = ChainId(0);

/// The guarded genesis with a token to stake, which has no price.
pub(crate) fn genesis() -> Genesis {
    let mut genesis = genesis::guarded();
    genesis.assets.push(AssetGenesis { symbol: "BAL".to_owned(), stable: false });
    let listed = TokenGenesis { asset: "BAL".to_owned(), params: TokenParams::default() };
    genesis.chains[0].tokens.push(listed);
    genesis.stake_asset = Some("BAL".to_owned());
    genesis.keepers.heartbeat = Millis::hours(1);
    genesis.keepers.uptime_age_min = Millis::hours(1);
    genesis
}

/// A house in which chains tell of starts and ends of auctions; nobody has registered.
pub(crate) fn empty(tweak: impl FnOnce(&mut Genesis)) -> House {
    let mut genesis = genesis();
    tweak(&mut genesis);
    let mut house = House::of(genesis);
    for spoke in &mut house.spokes {
        spoke.names_blocks = true;
    }
    house.deposit("bob", "ethereum", "USDC", whole(1_000_000));
    house.lend("bob", "ethereum", whole(1_000_000)).expect("there is cash");
    house
}

/// A house with so many keepers, k0, k1, .., that may be drawn; ETH at 3,400.
pub(crate) fn house(keepers: u32) -> House {
    tweaked(keepers, |_| {})
}

/// Likewise, with another genesis.
pub(crate) fn tweaked(keepers: u32, tweak: impl FnOnce(&mut Genesis)) -> House {
    let mut house = empty(tweak);
    for number in 0..keepers {
        register(&mut house, number, 10_000).expect("stake and hardware are enough");
    }
    age(&mut house);
    house
}

/// What a node says: operator, region and key of its number.
pub(crate) fn offer(house: &mut House, number: u32, stake: u64) -> Command {
    Command::RegisterKeeper {
        account: house.account(&format!("k{number}")),
        operator: owner(&format!("operator{number}")).address,
        region: RegionId(u16::try_from(number).expect("few keepers")),
        cores: 32,
        memory: 64,
        signer: owner(&format!("signer{number}")).address,
        stake: whole(stake),
    }
}

/// Deposits the stake and registers with it.
pub(crate) fn register(house: &mut House, number: u32, stake: u64) -> Result<Outcome, Reject> {
    house.deposit(&format!("k{number}"), "ethereum", "BAL", whole(stake));
    let command = offer(house, number, stake);
    house.run(command)
}

/// An hour passes, ETH is at 3,400, and everybody has a heartbeat.
pub(crate) fn age(house: &mut House) {
    house.price("ETH", price("3400"));
    house.advance_in(Millis::hours(1), 60);
    beat(house);
}

/// A heartbeat of every keeper that may have one.
pub(crate) fn beat(house: &mut House) -> Outcome {
    let keepers: Vec<KeeperId> = house.state().keepers.ids().collect();
    house.apply(keepers.into_iter().map(|keeper| Command::Heartbeat { keeper }).collect())
}

/// A task with one lot for sale, ordered in the last block; its keepers are drawn in the next one.
pub(crate) fn open(house: &mut House, name: &str) -> (TaskId, LotId) {
    house.price("ETH", price("3400"));
    house.advance_in(Millis::minutes(20), 20);
    house.deposit(name, "ethereum", "ETH", whole(10));
    house.borrow(name, "ethereum", whole(25_000)).expect("34,000 / 1.21 = 28,099");
    let out = house.price("ETH", price("2700"));
    let offered = out.events.iter().find_map(|event| match event {
        Event::LotOffered { task, lot, .. } => Some((*task, *lot)),
        _ => None,
    });
    offered.expect("a lot is for sale")
}

/// Ethereum's orders get lost from now on.
pub(crate) fn lose_orders(house: &mut House) {
    house.spoke("ethereum").loses_orders = true;
}

/// Somebody delivers what got lost.
pub(crate) fn deliver(house: &mut House) {
    let now = house.now();
    let sent =
        house.state().orders.iter().filter(|((chain, _), sent)| *chain == ETHEREUM && sent.seen.is_none());
    let orders: Vec<_> = sent.map(|(_, sent)| sent.order.clone()).collect();
    house.spoke("ethereum").loses_orders = false;
    for order in orders {
        house.spoke("ethereum").carry_out(&order, now);
    }
}

/// A task whose keepers are drawn; the order is carried out.
pub(crate) fn drawn(house: &mut House, name: &str) -> (TaskId, LotId, Vec<KeeperId>) {
    let (task, lot) = open(house, name);
    let out = house.apply(Vec::new());
    (task, lot, keepers(&out, task))
}

/// A task whose lot is sold whole at the price of now, whose keepers are to report.
pub(crate) fn sold(house: &mut House, name: &str) -> (TaskId, Vec<KeeperId>) {
    let (task, lot, keepers) = drawn(house, name);
    house.take(lot, whole(100)).expect("a lot is for sale");
    (task, keepers)
}

/// Whom a block drew.
pub(crate) fn keepers(out: &Outcome, of: TaskId) -> Vec<KeeperId> {
    let drawn = out.events.iter().find_map(|event| match event {
        Event::KeepersDrawn { task, keepers, .. } if *task == of => Some(keepers.clone()),
        _ => None,
    });
    drawn.unwrap_or_default()
}

/// What an honest keeper reports: the results that Ethereum told of the task's lots and has not dropped.
pub(crate) fn truth(house: &House, task: TaskId) -> (Hash, Hash) {
    let of_task = |lot: LotId| {
        let queued = |event: &Event| matches!(event, Event::LotQueued { lot: of, task: by, .. } if *of == lot && *by == task);
        house.history.iter().any(queued)
    };
    let mut ended: Vec<(Sequence, Hash, Hash)> = Vec::new();
    for observation in house.blocks.iter().flat_map(|block| &block.observations) {
        match *observation {
            Observation::Seen {
                chain: ETHEREUM,
                sequence,
                version,
                event: VaultEvent::Ended { lot, result },
            } if of_task(lot) => ended.push((sequence, result, version)),
            Observation::Dropped { chain: ETHEREUM, sequence } => ended.retain(|(at, ..)| *at < sequence),
            _ => {}
        }
    }
    let block = ended.last().expect("an auction is over").2;
    (
        digest::task_report(task, ETHEREUM, &ended.iter().map(|(_, result, _)| *result).collect::<Vec<_>>()),
        block,
    )
}

/// The salt of every report here.
pub(crate) const SALT: Hash = Hash([0x5a; 32]);

/// A commitment to a report.
pub(crate) fn commitment(keeper: KeeperId, task: TaskId, (result, block): (Hash, Hash)) -> Command {
    let commit = digest::report_commit(result, block, keeper, SALT);
    Command::CommitReport { keeper, task, chain: ETHEREUM, commit }
}

/// Its reveal.
pub(crate) fn reveal(keeper: KeeperId, task: TaskId, (result, block): (Hash, Hash)) -> Command {
    Command::RevealReport { keeper, task, chain: ETHEREUM, result, block, salt: SALT }
}

/// A keeper commits and reveals, in a block.
pub(crate) fn report(house: &mut House, keeper: KeeperId, task: TaskId, said: (Hash, Hash)) -> Outcome {
    let out = house.apply(vec![commitment(keeper, task, said), reveal(keeper, task, said)]);
    assert_eq!(out.rejects, [], "the report is taken");
    out
}

/// An address made of one byte.
pub(crate) fn address(byte: u8) -> Address {
    Address([byte; 32])
}
