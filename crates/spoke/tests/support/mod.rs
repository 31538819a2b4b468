//! A chain in this process with its validators, and the bookkeeping of a hub that believes what it is told.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::message::Payload;
use ballast_spoke::{Carried, Conditions, Done, Receipt, Revert, SimChain, SimChainParams, Spoke, Take};
use ballast_types::{
    Address, AssetId, Auction, ChainId, Hash, LotId, Nonce, Observation, Order, OrderAction, Owner,
    ReleaseReason, Sequence, VaultEvent,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use std::collections::BTreeMap;

pub mod desk;

pub const COIN: AssetId = AssetId(0);
pub const ETH: AssetId = AssetId(1);
pub const CHAIN: ChainId = ChainId(3);
pub const OTHER: ChainId = ChainId(4);
pub const LOT: LotId = LotId(7);
pub const TAKER: Address = Address([5; 32]);

/// Blocks of 10 s from second 0, inclusion after 15 s, safe under 2 blocks, final under 5.
pub fn params() -> SimChainParams {
    SimChainParams {
        chain: CHAIN,
        coin: COIN,
        units: [(COIN, Amount::from_wei(1_000_000_000_000)), (ETH, Amount::from_wei(1_000_000_000))].into(),
        validators: ValidatorSet::of(0, &keys(1)).unwrap(),
        start: at(0),
        conditions: conditions(),
        safe_depth: 2,
        final_depth: 5,
        final_every: Millis::days(1),
    }
}

pub fn conditions() -> Conditions {
    Conditions {
        block_time: Millis::seconds(10),
        inclusion: Millis::seconds(15),
        gas_order: Amount::whole(2),
        gas_take: Amount::whole(1),
        bridge: Amount::whole(5),
    }
}

pub fn chain() -> SimChain {
    SimChain::new(params())
}

/// The same with 10 ETH in its vault, at second 100.
pub fn stocked() -> SimChain {
    let mut chain = chain();
    chain.deposit(owner(), ETH, Amount::whole(10)).unwrap();
    advance(&mut chain, 100);
    results(&mut chain);
    chain
}

pub fn keys(count: usize) -> Vec<Key> {
    let mut keys: Vec<Key> = (0..count).map(|number| Key::from_label(&format!("{number}"))).collect();
    keys.sort_unstable_by_key(Key::signer);
    keys
}

pub fn at(second: u64) -> Time {
    Time::from_millis(second * 1_000)
}

pub fn owner() -> Owner {
    Owner { address: Address([9; 32]), subaccount: 1 }
}

pub fn order(nonce: u64, action: OrderAction) -> Order {
    Order { chain: CHAIN, nonce: Nonce(nonce), expires: at(86_400), action }
}

/// 10 ETH from 110 down to 80 dollars, times 0.9 every 10 s, from second 100 to 200, until 500 dollars are in.
pub fn terms() -> Auction {
    Auction {
        quantity: Amount::whole(10),
        opened: at(100),
        start: Price::whole(110),
        floor: Price::whole(80),
        step_factor: Ratio::percent(90),
        step: Millis::seconds(10),
        invites: at(200),
        ends: at(200),
        need: Amount::whole(500),
        dust: Amount::whole(2),
        rebate: Bps::new(50),
    }
}

pub fn start(nonce: u64) -> Order {
    order(nonce, OrderAction::StartAuction { lot: LOT, asset: ETH, auction: terms() })
}

pub fn release(nonce: u64, amount: u64) -> Order {
    let reason = ReleaseReason::Withdrawal;
    let (to, amount) = (Address([1; 32]), Amount::whole(amount));
    order(nonce, OrderAction::Release { reason, to, asset: ETH, amount })
}

pub fn take(quantity: u64, price_max: u64) -> Take {
    let (quantity, price_max) = (Amount::whole(quantity), Price::whole(price_max));
    Take { lot: LOT, taker: TAKER, quantity, least: Amount::ZERO, price_max }
}

/// Orders signed by the first validator alone.
pub fn signed(chain: &SimChain, orders: Vec<Order>) -> Payload {
    signed_by(chain, 0, orders, &keys(1))
}

pub fn signed_by(chain: &SimChain, epoch: u32, orders: Vec<Order>, keys: &[Key]) -> Payload {
    Payload::sign(chain.domain(), chain.chain(), epoch, orders, keys).unwrap()
}

pub fn send(chain: &mut SimChain, orders: Vec<Order>) {
    let payload = signed(chain, orders);
    chain.deliver(&payload).unwrap();
}

pub fn advance(chain: &mut SimChain, second: u64) -> Vec<Observation> {
    chain.advance(at(second)).unwrap()
}

pub fn results(chain: &mut SimChain) -> Vec<Result<Done, Revert>> {
    chain.receipts().unwrap().into_iter().map(|receipt: Receipt| receipt.result).collect()
}

/// What became of each order of all deliveries since the last call.
pub fn outcomes(chain: &mut SimChain) -> Vec<(u64, Result<Carried, Revert>)> {
    let delivered = |result| match result {
        Ok(Done::Delivered(orders)) => orders,
        Ok(_) => vec![],
        Err(revert) => vec![(Nonce(0), Err(revert))],
    };
    let orders = results(chain).into_iter().flat_map(delivered);
    orders.map(|(nonce, outcome)| (nonce.0, outcome)).collect()
}

/// Sends one order, lets it be included and gives what became of it; the time is 20 s later.
pub fn try_order(chain: &mut SimChain, second: u64, order: Order) -> Result<Carried, Revert> {
    send(chain, vec![order]);
    advance(chain, second + 20);
    outcomes(chain).pop().unwrap().1
}

/// Events that the hub was told of, with their numbers.
pub fn seen(observations: &[Observation]) -> Vec<(u64, VaultEvent)> {
    let seen = observations.iter().filter_map(|observation| match observation {
        Observation::Seen { sequence, event, .. } => Some((sequence.0, *event)),
        Observation::Final { .. } | Observation::Dropped { .. } => None,
    });
    seen.collect()
}

/// A hub's notes of one chain: what it was told, checked for what no vault may tell.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    pub events: Vec<(Hash, VaultEvent)>,
    pub final_to: usize,
    pub final_time: Time,
    pub dropped: usize,
}

impl Notes {
    pub fn take_in(&mut self, observations: &[Observation]) {
        for observation in observations {
            match *observation {
                Observation::Seen { sequence, version, event, .. } => {
                    assert_eq!(sequence, Sequence(self.events.len() as u64 + 1), "a gap or a repetition");
                    self.events.push((version, event));
                }
                Observation::Dropped { sequence, .. } => {
                    let kept = sequence.0 as usize - 1;
                    assert!(self.final_to <= kept, "event {sequence} was final and is dropped");
                    assert!(kept < self.events.len(), "event {sequence} was never told and is dropped");
                    self.dropped += self.events.len() - kept;
                    self.events.truncate(kept);
                }
                Observation::Final { sequence, time, .. } => {
                    let to = sequence.0 as usize;
                    assert!(self.final_to <= to && to <= self.events.len(), "final before it was seen");
                    assert!(self.final_time <= time, "a final time went back");
                    (self.final_to, self.final_time) = (to, time);
                }
            }
        }
    }

    /// What the vault must hold of an asset after all that was told, where orders are known: the hub's own arithmetic,
    /// from events alone.
    pub fn held(&self, asset: AssetId, orders: &BTreeMap<u64, Order>) -> Amount {
        let (mut came, mut left) = (Amount::ZERO, Amount::ZERO);
        let mut lots = BTreeMap::new();
        for order in orders.values() {
            if let OrderAction::StartAuction { lot, asset, .. } = order.action {
                lots.insert(lot, asset);
            }
        }
        for (_, event) in &self.events {
            match *event {
                VaultEvent::Deposited { asset: of, amount, .. }
                | VaultEvent::BridgedIn { asset: of, amount, .. } => {
                    if of == asset {
                        came += amount;
                    }
                }
                VaultEvent::Executed { nonce } => match orders[&nonce.0].action {
                    OrderAction::Release { asset: of, amount, .. }
                    | OrderAction::Bridge { asset: of, amount, .. }
                        if of == asset =>
                    {
                        left += amount;
                    }
                    _ => {}
                },
                VaultEvent::Taken { lot, quantity, paid, rebate, .. } => {
                    if lots[&lot] == asset {
                        left += quantity;
                    }
                    if asset == COIN {
                        came += paid - rebate;
                    }
                }
                VaultEvent::Ended { .. } => {}
            }
        }
        came - left
    }
}
