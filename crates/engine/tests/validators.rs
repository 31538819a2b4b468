//! Sets of validators: ordered of every vault, known as long as one may obey them, put back by a reorg; freezes that
//! governance ends.

mod support;

use ballast_engine::{Engine, GenesisError, Outcome, State};
use ballast_types::{
    ChainGenesis, ChainId, ChainTier, Change, Command, Event, Genesis, Hash, Nonce, Order, OrderAction,
    Reject, Sequence, Signer,
};
use ballast_units::Millis;
use support::{House, genesis, whole};

const FIRST: Signer = Signer([1; 20]);
const NEXT: Signer = Signer([2; 20]);
const THIRD: Signer = Signer([3; 20]);

/// A house whose vaults obey one validator at first.
fn named() -> House {
    House::tweaked(|genesis| genesis.validators = vec![FIRST])
}

fn rotate(signers: &[Signer]) -> Command {
    Command::Govern(Change::Rotate { signers: signers.to_vec() })
}

fn rotations(out: &Outcome) -> Vec<(ChainId, OrderAction)> {
    let is_rotation = |order: &&Order| matches!(order.action, OrderAction::Rotate { .. });
    out.orders.iter().filter(is_rotation).map(|order| (order.chain, order.action.clone())).collect()
}

/// Each chain's epoch: final, seen.
fn epochs(house: &House) -> Vec<(u32, u32)> {
    house.state().chains.iter().map(|(_, chain)| (chain.epoch, chain.epoch_seen)).collect()
}

fn known(state: &State) -> Vec<(u32, Vec<Signer>)> {
    state.validators.iter().map(|(epoch, signers)| (epoch, signers.clone())).collect()
}

#[test]
fn a_rotation_is_ordered_of_every_chain_and_obeyed_from_its_execution_on() {
    let mut house = named();
    assert_eq!(known(house.state()), [(0, vec![FIRST])]);
    // In any order: vaults are told in theirs.
    let out = house.run(rotate(&[THIRD, NEXT])).expect("it is another set");
    assert_eq!(out.events, [Event::RotationOrdered { epoch: 1, signers: 2 }]);
    let order = OrderAction::Rotate { epoch: 1, signers: vec![NEXT, THIRD] };
    assert_eq!(rotations(&out), [0, 1, 2].map(|chain| (ChainId(chain), order.clone())));
    assert_eq!(house.state().epoch(), 1);
    assert_eq!(epochs(&house), [(0, 0); 3]);
    assert_eq!(house.state().epochs(ChainId(0)), 0..=1);
    let out = house.apply(Vec::new());
    assert_eq!(epochs(&house), [(1, 1); 3]);
    let completed = [0, 1, 2].map(|chain| Event::RotationCompleted { chain: ChainId(chain), epoch: 1 });
    assert_eq!(out.events, completed);
    assert_eq!(house.state().epochs(ChainId(0)), 1..=1);
    assert_eq!(known(house.state()), [(1, vec![NEXT, THIRD])]);
    house.run(rotate(&[FIRST])).expect("a set may come again");
    house.apply(Vec::new());
    assert_eq!(known(house.state()), [(2, vec![FIRST])]);
}

#[test]
fn a_set_is_known_until_no_chain_can_obey_it_any_more() {
    let mut house = named();
    house.spoke("polygon").loses_orders = true;
    house.spoke("solana").holds_finality = true;
    house.run(rotate(&[NEXT])).expect("it is another set");
    house.apply(Vec::new());
    assert_eq!(epochs(&house), [(1, 1), (0, 0), (0, 1)]);
    assert_eq!(known(house.state()), [(0, vec![FIRST]), (1, vec![NEXT])]);
    house.finalise("solana");
    assert_eq!(epochs(&house), [(1, 1), (0, 0), (1, 1)]);
    assert_eq!(house.state().epochs(ChainId(1)), 0..=1);
    assert_eq!(known(house.state()).len(), 2, "Polygon obeys the first one");
    house.spoke("polygon").loses_orders = false;
    house.advance(Millis::seconds(10));
    house.apply(Vec::new());
    assert_eq!(epochs(&house), [(1, 1); 3]);
    assert_eq!(known(house.state()), [(1, vec![NEXT])]);
}

/// Keys must be changed though a chain is dead. When it is back, it obeys one set after the other.
#[test]
fn a_chain_that_stands_still_keeps_no_other_from_rotating() {
    let mut house = named();
    let polygon = house.chain("polygon");
    house.spoke("polygon").loses_orders = true;
    for signer in [NEXT, THIRD, FIRST, NEXT] {
        house.run(rotate(&[signer])).expect("the others have rotated");
        house.apply(Vec::new());
    }
    assert_eq!(epochs(&house), [(4, 4), (0, 0), (4, 4)]);
    assert_eq!((house.state().epochs(polygon), known(house.state()).len()), (0..=4, 5));
    let behind = Reject::RotationOpen { chain: polygon, have: 0, want: 1 };
    assert_eq!(house.run(rotate(&[THIRD])).err(), Some(behind));
    let (first, orders) = (house.spoke("polygon").next(), house.state().orders.clone());
    let orders: Vec<Order> = orders.iter().map(|(_, sent)| sent.order.clone()).collect();
    let spoke = house.spoke("polygon");
    (spoke.loses_orders, spoke.holds_finality) = (false, true);
    // Whichever comes first, the vault takes them in turn.
    for order in orders.iter().rev().chain(&orders) {
        house.deliver(order);
    }
    house.apply(Vec::new());
    assert_eq!(epochs(&house)[1], (0, 4));
    // The chain drops the last two of them.
    house.spoke("polygon").loses_orders = true;
    house.drop_from("polygon", Sequence(first.0 + 2));
    assert_eq!(epochs(&house)[1].1, 2);
    house.spoke("polygon").loses_orders = false;
    house.finalise("polygon");
    for _ in 0..4 {
        house.advance(Millis::hours(1));
    }
    assert_eq!((epochs(&house)[1], known(house.state()).len()), ((4, 4), 1));
    house.run(rotate(&[THIRD])).expect("nobody is behind");
}

/// The block of the rotation is dropped: the vault obeys the first set again, and is told again.
#[test]
fn a_reorg_puts_the_epoch_back() {
    let mut house = named();
    house.spoke("ethereum").holds_finality = true;
    let sequence = house.spoke("ethereum").next();
    house.run(rotate(&[NEXT])).expect("it is another set");
    house.apply(Vec::new());
    assert_eq!(epochs(&house)[0], (0, 1));
    house.spoke("ethereum").loses_orders = true;
    let out = house.drop_from("ethereum", sequence);
    assert_eq!(epochs(&house)[0], (0, 0));
    assert_eq!(rotations(&out).len(), 1, "told again");
    assert_eq!(house.state().epochs(house.chain("ethereum")), 0..=1);
    assert_eq!(house.spoke("ethereum").vault().books().validators().epoch(), 0);
    house.spoke("ethereum").loses_orders = false;
    house.advance(Millis::hours(1));
    house.apply(Vec::new());
    assert_eq!(epochs(&house), [(1, 1); 3]);
    assert_eq!(house.spoke("ethereum").vault().books().validators().signers(), [NEXT]);
}

#[test]
fn an_expired_rotation_is_ordered_again() {
    let mut house = named();
    house.spoke("ethereum").loses_orders = true;
    house.run(rotate(&[NEXT])).expect("it is another set");
    let nonces = |out: &Outcome| -> Vec<Nonce> { out.orders.iter().map(|order| order.nonce).collect() };
    let out = house.advance(Millis::hours(1));
    let again = OrderAction::Rotate { epoch: 1, signers: vec![NEXT] };
    assert_eq!(rotations(&out), [(house.chain("ethereum"), again)]);
    assert_eq!(nonces(&out), [Nonce(2)]);
    assert_eq!(epochs(&house), [(0, 0), (1, 1), (1, 1)]);
    house.spoke("ethereum").loses_orders = false;
    house.advance(Millis::seconds(10));
    house.apply(Vec::new());
    assert_eq!(epochs(&house), [(1, 1); 3]);
}

/// What the old set signed is void on a vault that has rotated: its open orders come again in that block, though their
/// next turn is later.
#[test]
fn a_rotation_puts_open_orders_out_again() {
    let mut house = named();
    house.deposit("alice", "ethereum", "ETH", whole(2));
    house.deposit("alice", "polygon", "ETH", whole(2));
    for chain in ["ethereum", "polygon"] {
        house.spoke(chain).loses_orders = true;
        house.withdraw("alice", chain, "ETH", whole(1)).expect("its own");
    }
    house.advance(Millis::seconds(10));
    house.spoke("ethereum").loses_orders = false;
    house.run(rotate(&[NEXT])).expect("it is another set");
    assert_eq!(house.state().chains.get(house.chain("ethereum")).epoch_seen, 0);
    let out = house.apply(Vec::new());
    let again: Vec<_> = out.orders.iter().map(|order| (order.chain, order.nonce)).collect();
    assert_eq!(again, [(house.chain("ethereum"), Nonce(1))], "Polygon's wait for their turn");
    house.apply(Vec::new());
    let done = Event::ReleaseCompleted { chain: house.chain("ethereum"), nonce: Nonce(1), amount: whole(1) };
    assert!(house.history.contains(&done));
}

#[test]
fn a_chain_that_is_added_begins_in_the_present_epoch() {
    let mut house = named();
    house.run(rotate(&[NEXT])).expect("it is another set");
    house.apply(Vec::new());
    let chain = genesis::chain("layer2", ChainTier::Liquid, 115, &[("USDC", 6), ("ETH", 18)]);
    house.add_chain(ChainGenesis { domain: Hash([0x12; 32]), ..chain }).expect("nobody has its domain");
    assert_eq!(epochs(&house), [(1, 1); 4]);
    let out = house.run(rotate(&[THIRD])).expect("it is another set");
    assert_eq!(rotations(&out).len(), 4);
    house.apply(Vec::new());
    assert_eq!(epochs(&house), [(2, 2); 4]);
}

#[test]
fn genesis_may_name_the_first_set() {
    let with = |validators: &[Signer]| {
        let genesis = Genesis { validators: validators.to_vec(), ..genesis::guarded() };
        Engine::new(&genesis).map(|engine| known(engine.state()))
    };
    assert_eq!(with(&[]), Ok(vec![(0, vec![])]));
    assert_eq!(with(&[NEXT, FIRST]), Ok(vec![(0, vec![FIRST, NEXT])]));
    let refused = |reject| Err(GenesisError::Refused { place: "validators".to_owned(), reject });
    assert_eq!(with(&[NEXT, FIRST, NEXT]), refused(Reject::SignerTwice { signer: NEXT }));
}

/// Whoever has been named nowhere is followed by a set that is named.
#[test]
fn a_house_whose_genesis_names_nobody_rotates_too() {
    let mut house = House::new();
    house.run(rotate(&[FIRST])).expect("nobody is named");
    house.apply(Vec::new());
    assert_eq!(known(house.state()), [(1, vec![FIRST])]);
}

#[test]
fn an_unfreeze_goes_to_its_chain_and_brings_open_orders_again() {
    let mut house = named();
    house.deposit("alice", "ethereum", "ETH", whole(2));
    house.spoke("ethereum").loses_orders = true;
    house.withdraw("alice", "ethereum", "ETH", whole(1)).expect("its own");
    house.advance(Millis::seconds(10));
    house.spoke("ethereum").loses_orders = false;
    let chain = house.chain("ethereum");
    let out = house.run(Command::Govern(Change::Unfreeze { chain })).expect("the chain is there");
    assert_eq!(out.events, [Event::UnfreezeOrdered { chain, nonce: Nonce(2) }]);
    let orders: Vec<_> = out.orders.iter().map(|order| (order.chain, order.action.clone())).collect();
    assert_eq!(orders, [(chain, OrderAction::Unfreeze {})]);
    let out = house.apply(Vec::new());
    assert_eq!(out.orders.iter().map(|order| order.nonce).collect::<Vec<_>>(), [Nonce(1)]);
}

/// An hour later there may be another freeze, which nobody has decided to end.
#[test]
fn an_expired_unfreeze_is_not_ordered_again() {
    let mut house = named();
    let chain = house.chain("ethereum");
    house.spoke("ethereum").loses_orders = true;
    house.run(Command::Govern(Change::Unfreeze { chain })).expect("the chain is there");
    let out = house.advance(Millis::hours(1));
    assert!(out.events.contains(&Event::OrderExpired { chain, nonce: Nonce(1) }));
    assert_eq!(out.orders, []);
    assert!(house.state().orders.is_empty());
}
