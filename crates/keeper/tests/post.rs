//! Payloads on their way while validators rotate and vaults are frozen: what is sent when, and that everything is carried
//! out once.

use ballast_keeper::{LetterId, Post};
use ballast_spoke::certificate::{Certificate, Key, ValidatorSet};
use ballast_spoke::message::{Freeze, Payload};
use ballast_spoke::{Conditions, Revert, SimChain, SimChainParams, Spoke as _};
use ballast_types::{
    Address, AssetId, ChainId, Nonce, Observation, Order, OrderAction, Owner, ReleaseReason, VaultEvent,
};
use ballast_units::{Amount, Millis, Time};

const COIN: AssetId = AssetId(0);
const CHAIN: ChainId = ChainId(0);

fn at(second: u64) -> Time {
    Time::from_millis(second * 1_000)
}

fn old() -> Key {
    Key::from_label("old")
}

fn new() -> Key {
    Key::from_label("new")
}

/// A vault with 10 dollars; a block each second, two seconds from sending to inclusion.
struct Road {
    chains: Vec<SimChain>,
    post: Post,
    now: Time,
    executed: Vec<Nonce>,
    refused: Vec<Revert>,
}

impl Road {
    fn new() -> Self {
        let conditions = Conditions {
            block_time: Millis::seconds(1),
            inclusion: Millis::seconds(2),
            gas_order: Amount::ZERO,
            gas_take: Amount::ZERO,
            bridge: Amount::ZERO,
        };
        let chain = SimChain::new(SimChainParams {
            chain: CHAIN,
            coin: COIN,
            units: [(COIN, Amount::from_wei(1))].into(),
            validators: ValidatorSet::of(0, &[old()]).unwrap(),
            start: at(0),
            conditions,
            safe_depth: 0,
            final_depth: 5,
            final_every: Millis::days(1),
        });
        let mut road = Self {
            chains: vec![chain],
            post: Post::default(),
            now: at(0),
            executed: Vec::new(),
            refused: Vec::new(),
        };
        let owner = Owner { address: Address([1; 32]), subaccount: 0 };
        road.chains[0].deposit(owner, COIN, Amount::whole(10)).unwrap();
        road.wait(at(5), &[]);
        road
    }

    /// An order of a dollar.
    fn release(nonce: u64) -> Order {
        let (reason, to) = (ReleaseReason::Withdrawal, Address([2; 32]));
        Self::order(nonce, OrderAction::Release { reason, to, asset: COIN, amount: Amount::whole(1) })
    }

    fn order(nonce: u64, action: OrderAction) -> Order {
        Order { chain: CHAIN, nonce: Nonce(nonce), expires: at(3_600), action }
    }

    /// Signed by the set of this epoch.
    fn add(&mut self, epoch: u32, orders: &[Order]) -> LetterId {
        let key = [old(), new()][epoch as usize].clone();
        let domain = self.chains[0].domain();
        self.post.add(Payload::sign(domain, CHAIN, epoch, orders.to_vec(), &[key]).unwrap(), self.now)
    }

    /// Until `to` the letters are sent, second for second, as they ask for it.
    fn wait(&mut self, to: Time, letters: &[LetterId]) {
        let mut due: Vec<(Time, LetterId)> = letters.iter().map(|letter| (self.now, *letter)).collect();
        while self.now < to {
            for (when, letter) in std::mem::take(&mut due) {
                let later = if when <= self.now {
                    self.post.send(letter, None, &mut self.chains, self.now)
                } else {
                    Some(when)
                };
                due.extend(later.map(|later| (later, letter)));
            }
            self.now = self.now.after(Millis::seconds(1));
            for observation in self.chains[0].advance(self.now).unwrap() {
                if let Observation::Seen { event: VaultEvent::Executed { nonce }, .. } = observation {
                    self.executed.push(nonce);
                }
            }
            let receipts = self.chains[0].receipts().unwrap();
            self.refused.extend(receipts.iter().filter_map(|receipt| receipt.result.clone().err()));
            self.post.learn(CHAIN, &receipts);
        }
    }
}

/// The same order is signed for both epochs, before the rotation and after it: each vault's own is sent, nothing in vain.
#[test]
fn the_payload_that_the_vault_takes_is_sent() {
    let mut road = Road::new();
    let first = [Road::release(1)];
    let letter = road.add(0, &first);
    assert_eq!(road.add(1, &first), letter, "the same orders");
    let rotation = [Road::order(2, OrderAction::Rotate { epoch: 1, signers: vec![new().signer()] })];
    let rotate = road.add(0, &rotation);
    road.add(1, &rotation);
    road.wait(at(20), &[letter, rotate]);
    assert_eq!(road.executed, [Nonce(1), Nonce(2)]);
    assert_eq!(road.chains[0].epoch().unwrap(), 1);
    let second = [Road::release(3)];
    let letter = road.add(0, &second);
    road.add(1, &second);
    road.wait(at(40), &[letter]);
    assert_eq!(road.executed, [Nonce(1), Nonce(2), Nonce(3)]);
    assert_eq!(road.refused, []);
}

/// Sent before the vault rotated, included after: refused, and its twin is sent when patience ends. What only the old set
/// signed waits for the new one's signature.
#[test]
fn what_a_rotation_overtakes_is_sent_again() {
    let mut road = Road::new();
    let rotate = [Road::order(1, OrderAction::Rotate { epoch: 1, signers: vec![new().signer()] })];
    let (twice, once) = ([Road::release(2)], [Road::release(3)]);
    let rotation = road.add(0, &rotate);
    let letter = road.add(0, &twice);
    road.add(1, &twice);
    let alone = road.add(0, &once);
    // One block takes all three, the rotation first.
    road.wait(at(60), &[rotation, letter, alone]);
    assert_eq!(road.executed, [Nonce(1), Nonce(2)]);
    assert_eq!(road.refused.len(), 2, "{:?}", road.refused);
    assert_eq!(road.add(1, &once), alone);
    let before = road.now;
    road.wait(before.after(Millis::seconds(5)), &[alone]);
    assert_eq!(road.executed, [Nonce(1), Nonce(2), Nonce(3)]);
    assert_eq!(road.refused.len(), 2, "nothing else was sent in vain: {:?}", road.refused);
}

/// What a freeze stopped comes when it ends, not when ever longer patience would.
#[test]
fn what_a_freeze_stopped_is_sent_when_it_ends() {
    let mut road = Road::new();
    let freeze = Freeze { until: at(200) };
    let domain = road.chains[0].domain();
    let certificate = Certificate::sign(freeze.digest(domain, 0), &[old()]);
    road.chains[0].freeze(freeze, 0, &certificate).unwrap();
    road.wait(at(10), &[]);
    let orders = [Road::release(1)];
    let letter = road.add(0, &orders);
    road.wait(at(200), &[letter]);
    assert_eq!(road.executed, []);
    let letter = road.post.with(CHAIN, Nonce(1)).unwrap();
    road.wait(at(205), &[letter]);
    assert_eq!(road.executed, [Nonce(1)]);
}
