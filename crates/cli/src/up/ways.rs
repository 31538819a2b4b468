//! How orders come to a chain, and how long after the block that gave them: over LayerZero, by a keeper, by a courier.

use ballast_spoke::{Done, Receipt, TxId};
use ballast_types::{Nonce, Order, OrderAction};
use ballast_units::{Millis, Time};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Who brought an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// A message from the home chain.
    LayerZero,
    /// A keeper's own transaction.
    Keeper,
    /// A transaction of validators, where no keeper was asked.
    Courier,
}

/// Orders of one chain.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways {
    given: BTreeMap<Nonce, Time>,
    senders: BTreeMap<TxId, Way>,
    brought: BTreeMap<Way, Vec<Millis>>,
    /// Orders that sell collateral, and when the first one was carried out, by the clock on the wall.
    selling: BTreeSet<Nonce>,
    sold: Option<Instant>,
}

/// Orders that came one way.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct WayTally {
    /// How many.
    pub(super) orders: usize,
    /// Half of them within, seconds.
    pub(super) median_s: u64,
    /// 99 of 100 within, seconds.
    pub(super) p99_s: u64,
}

impl Ways {
    /// A block of this time gave these orders; what is put out again was given before.
    pub(super) fn given(&mut self, orders: &[Order], now: Time) {
        for order in orders {
            self.given.entry(order.nonce).or_insert(now);
            if matches!(order.action, OrderAction::StartAuction { .. } | OrderAction::Bridge { .. }) {
                self.selling.insert(order.nonce);
            }
        }
    }

    /// Whose transaction it is.
    pub(super) fn sent(&mut self, tx: TxId, way: Way) {
        self.senders.insert(tx, way);
    }

    /// What a transaction did. An order that another one had brought before does not count again.
    pub(super) fn learn(&mut self, receipt: &Receipt) {
        let (Some(way), Ok(Done::Delivered(orders))) = (self.senders.get(&receipt.tx), &receipt.result)
        else {
            return;
        };
        for (nonce, _) in orders.iter().filter(|(_, result)| result.is_ok()) {
            let Some(given) = self.given.get(nonce) else { continue };
            self.brought.entry(*way).or_default().push(receipt.time.since(*given));
            if self.selling.contains(nonce) {
                self.sold.get_or_insert_with(Instant::now);
            }
        }
    }

    /// When the first order that sells collateral was carried out.
    pub(super) fn first_sale(&self) -> Option<Instant> {
        self.sold
    }

    pub(super) fn tally(&self, way: Way) -> WayTally {
        let mut waits = self.brought.get(&way).cloned().unwrap_or_default();
        waits.sort_unstable();
        let within = |per_100: usize| {
            let place = (waits.len() * per_100).div_ceil(100).saturating_sub(1);
            waits.get(place).map_or(0, |wait| wait.get().div_ceil(1_000))
        };
        WayTally { orders: waits.len(), median_s: within(50), p99_s: within(99) }
    }
}
