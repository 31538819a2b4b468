//! A vault hands everything over to a successor: what is open is carried out there, once; nothing is lost, and nothing happens
//! twice.

mod support;

use ballast_engine::Outcome;
use ballast_types::digest::{self, ChainKind};
use ballast_types::{Address, Change, Command, Event, Hash, Nonce, Order, OrderAction, Reject};
use ballast_units::{Millis, Price};
use support::{House, genesis, whole};

const SUCCESSOR: Address = Address([9; 32]);
const MAKER: Address = Address([8; 32]);

fn next_domain() -> Hash {
    digest::domain(ChainKind::InProcess, 0, SUCCESSOR)
}

fn migrate(house: &House) -> Command {
    let change = Change::Migrate { chain: house.chain("ethereum"), to: SUCCESSOR, domain: next_domain() };
    Command::Govern(change)
}

/// Alice has borrowed on Ethereum, whose vault is brought its order so long after it was given; then nearly three days pass.
fn moving(brought: Millis) -> (House, Nonce) {
    let mut house = House::of(genesis::guarded());
    house.deposit("lender", "ethereum", "USDC", whole(100_000));
    house.lend("lender", "ethereum", whole(60_000)).expect("there is cash");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(15_000)).expect("within the initial threshold");
    house.run(Command::Govern(Change::Maker { maker: MAKER, listed: true })).expect("a maker");
    house.apply(Vec::new());
    house.spoke("ethereum").loses_orders = true;
    let command = migrate(&house);
    let order = house.run(command).expect("there is no other one").orders[0].clone();
    house.advance(brought);
    house.spoke("ethereum").loses_orders = false;
    house.deliver(&order);
    house.advance(Millis::minutes(59));
    for _ in 0..71 {
        house.advance(Millis::hours(1));
    }
    (house, order.nonce)
}

/// No auction is started on Ethereum from now on, and its vault has not handed over yet.
fn quiet() -> (House, Nonce) {
    let (house, nonce) = moving(Millis::minutes(10));
    let migration = house.state().chains.get(house.chain("ethereum")).migration.expect("it is open");
    assert!(migration.quiet <= house.now() && !migration.moved);
    (house, nonce)
}

fn orders(out: &Outcome, is: fn(&OrderAction) -> bool) -> Vec<&Order> {
    out.orders.iter().filter(|order| is(&order.action)).collect()
}

fn domain(house: &House) -> Hash {
    house.state().domain(house.chain("ethereum"))
}

fn events(house: &House, is: fn(&Event) -> bool) -> usize {
    house.history.iter().filter(|event| is(event)).count()
}

#[test]
fn a_successor_goes_on_where_the_vault_stopped() {
    let (mut house, nonce) = quiet();
    let before = house.spoke("ethereum").next();
    let ether = house.asset("ETH");
    let held = house.spoke("ethereum").vault().books().balance(ether);
    assert_eq!(held.booked, whole(10));
    move_now(&mut house);
    house.apply(Vec::new());
    assert_eq!(domain(&house), next_domain());
    assert_eq!(house.spoke("ethereum").next().0, before.0 + 2, "the move, then the maker");
    assert!(house.state().orders.find((house.chain("ethereum"), nonce)).is_none());
    assert_eq!(events(&house, |event| matches!(event, Event::MigrationCompleted { .. })), 1);
    assert_eq!(events(&house, |event| matches!(event, Event::AnomalyFound { .. })), 0);
    assert!(house.spoke("ethereum").vault().books().is_maker(MAKER), "the successor is told of makers");
    // It takes deposits and pays; what was signed for the old one it does not know.
    house.deposit("bob", "ethereum", "ETH", whole(1));
    assert!(house.withdraw("bob", "ethereum", "ETH", whole(1)).is_ok());
    house.apply(Vec::new());
    assert_eq!(events(&house, |event| matches!(event, Event::ReleaseCompleted { .. })), 2);
}

#[test]
fn one_migration_at_a_time_and_to_a_vault_of_its_own() {
    let mut house = House::of(genesis::guarded());
    let (chain, polygon) = (house.chain("ethereum"), house.chain("polygon"));
    let taken = house.state().chains.get(polygon).domain;
    let there = Command::Govern(Change::Migrate { chain, to: SUCCESSOR, domain: taken });
    assert_eq!(house.run(there).err(), Some(Reject::DomainTaken { domain: taken, chain: polygon }));
    let command = migrate(&house);
    let out = house.run(command.clone()).expect("there is no other one");
    let nonce = out.orders[0].nonce;
    assert_eq!(house.run(command).err(), Some(Reject::OrderOpen { chain, nonce }));
    let domain = next_domain();
    let same = Command::Govern(Change::Migrate { chain: polygon, to: SUCCESSOR, domain });
    assert_eq!(house.run(same).err(), Some(Reject::DomainTaken { domain, chain }));
}

/// Nothing is under auction when the vault hands over, so lots wait for the successor.
#[test]
fn no_auction_starts_while_the_vault_is_about_to_hand_over() {
    let (mut house, _) = quiet();
    house.spoke("ethereum").loses_orders = true;
    let out = house.price("ETH", Price::whole(1_400));
    assert!(orders(&out, |action| matches!(action, OrderAction::StartAuction { .. })).is_empty());
    assert_eq!(house.state().lots.iter().count(), 1, "it waits");
    house.spoke("ethereum").loses_orders = false;
    let mut started = Vec::new();
    while started.is_empty() {
        let out = house.advance(Millis::seconds(12));
        let is_start = |action: &OrderAction| matches!(action, OrderAction::StartAuction { .. });
        started.extend(orders(&out, is_start).into_iter().cloned());
    }
    assert_eq!(domain(&house), next_domain(), "the successor sells it");
    let (lot, offer) = house.offers()[0];
    house.take(lot, offer.left).expect("it runs");
    house.apply(Vec::new());
    house.apply(Vec::new());
    assert_eq!(events(&house, |event| matches!(event, Event::TaskDisputed { .. })), 0, "the same result");
    assert!(house.state().tasks.is_empty());
}

/// A start that the old vault did not carry out is the successor's, with a result of its own domain.
#[test]
fn what_the_old_vault_did_not_carry_out_the_successor_does() {
    let (mut house, nonce) = nearly_moved();
    // Delivered to the old vault, it would come too late: it has handed over before.
    house.spoke("ethereum").loses_orders = true;
    let waiting: Vec<Order> = house.state().orders.iter().map(|(_, sent)| sent.order.clone()).collect();
    let is_start = |order: &&Order| matches!(order.action, OrderAction::StartAuction { .. });
    let start = waiting.iter().find(is_start).expect("ordered shortly before").clone();
    assert!(house.state().orders.find((start.chain, nonce)).is_some());
    move_now(&mut house);
    assert_eq!(domain(&house), next_domain());
    house.spoke("ethereum").loses_orders = false;
    let resent = |event: &Event| matches!(event, Event::OrderResent { .. });
    assert!(house.history.iter().rev().take(5).any(resent), "put out again at once");
    house.deliver(&start);
    house.apply(Vec::new());
    let (lot, offer) = house.offers()[0];
    assert_eq!(offer.result, digest::result_start(next_domain(), lot, start.nonce));
    house.take(lot, offer.left).expect("it runs");
    house.apply(Vec::new());
    house.apply(Vec::new());
    assert_eq!(events(&house, |event| matches!(event, Event::TaskDisputed { .. })), 0);
}

/// The chain drops the move: the old vault's domain counts again, and the same orders are put out for it.
#[test]
fn a_dropped_move_is_taken_back() {
    let (mut house, nonce) = nearly_moved();
    house.spoke("ethereum").holds_finality = true;
    let (old, first) = (domain(&house), house.spoke("ethereum").next());
    move_now(&mut house);
    let open = || OrderAction::Migrate { to: SUCCESSOR };
    let chain = house.chain("ethereum");
    assert_eq!(house.state().orders.find((chain, nonce)).map(|sent| &sent.order.action), Some(&open()));
    assert_eq!(domain(&house), next_domain());
    let until = house.now().after(Millis::seconds(30));
    let dropped = house.spoke("ethereum").drop_from(first).expect("it was told");
    // In the new branch a freeze comes first.
    house.spoke("ethereum").freeze(until, 0);
    house.observe(dropped).expect("it is not final");
    assert_eq!(
        (domain(&house), events(&house, |event| matches!(event, Event::MigrationCompleted { .. }))),
        (old, 0)
    );
    house.spoke("ethereum").holds_finality = false;
    for _ in 0..5 {
        house.advance(Millis::seconds(12));
    }
    assert_eq!(domain(&house), next_domain());
    assert!(house.state().orders.find((house.chain("ethereum"), nonce)).is_none());
}

/// Nobody had it carried out: the order expires, the vault stays, lots are sold there.
#[test]
fn a_migration_that_never_happens_leaves_everything_as_it_is() {
    let mut house = House::of(genesis::guarded());
    house.deposit("alice", "ethereum", "ETH", whole(1));
    let old = domain(&house);
    house.spoke("ethereum").loses_orders = true;
    let command = migrate(&house);
    house.run(command.clone()).expect("there is no other one");
    for _ in 0..98 {
        house.advance(Millis::hours(1));
    }
    assert_eq!(events(&house, |event| matches!(event, Event::MigrationUndone { .. })), 1);
    assert_eq!((domain(&house), house.state().chains.get(house.chain("ethereum")).migration), (old, None));
    house.spoke("ethereum").loses_orders = false;
    assert!(house.withdraw("alice", "ethereum", "ETH", whole(1)).is_ok());
    house.run(command).expect("the last one is over");
}

/// The hub has ordered an auction that nobody has carried to the vault, which is about to hand over.
fn nearly_moved() -> (House, Nonce) {
    let (mut house, nonce) = moving(Millis::seconds(1));
    house.spoke("ethereum").loses_orders = true;
    let out = house.price("ETH", Price::whole(1_400));
    assert_eq!(orders(&out, |action| matches!(action, OrderAction::StartAuction { .. })).len(), 1);
    (house, nonce)
}

fn move_now(house: &mut House) {
    let before = house.state().domain(house.chain("ethereum"));
    for _ in 0..60 {
        if house.state().domain(house.chain("ethereum")) != before {
            return;
        }
        house.advance(Millis::seconds(12));
    }
    panic!("the vault has not handed over");
}
