//! The regular way of orders and of bridged collateral: LayerZero's messages, with a worker of ours as DVNs and executor.
//!
//! - Every payload for another chain than the home chain is sent through the home chain's gateway, by the validators'
//!   relay. Nobody sends its orders himself before it had the scenario's patience.
//! - A payload that the vault would not take now, for its epoch, is not sent: while validators rotate there is another one.
//! - Orders that do not fit into one message travel by keepers and couriers alone.

use super::spoke::LocalSpoke;
use super::world::Counts;
use alloy::providers::DynProvider;
use ballast_spoke::Spoke as _;
use ballast_spoke::evm::kit::dev_key;
use ballast_spoke::evm::layerzero::{Stage, Worker};
use ballast_spoke::message::{GatewayMessage, Payload};
use ballast_types::{ChainId, Nonce};
use ballast_units::{Millis, Time};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Where messages start.
const HOME: ChainId = ChainId(0);

/// The worker looks this often where nothing is known to be on its way.
const LOOK: Millis = Millis::seconds(12);

/// The worker, and who sends at home.
#[derive(Debug)]
pub(super) struct Relay {
    runtime: Arc<Runtime>,
    worker: Worker,
    wallet: DynProvider,
    patience: Millis,
    /// Orders that were sent, signed for which epoch, and when: what the hub puts out again is on its way already.
    sent: BTreeMap<(ChainId, u32, Nonce), Time>,
    /// When to look next, the home chain's head at the last look, and whether something was on its way.
    next: Time,
    head: Time,
    open: bool,
}

impl Relay {
    /// A relay between chains whose ways are open.
    pub(super) fn new(
        runtime: Arc<Runtime>,
        chains: &[LocalSpoke],
        patience: Millis,
    ) -> anyhow::Result<Self> {
        let (worker, wallet) = runtime.block_on(async {
            let mut workers = Vec::new();
            for chain in chains {
                workers.push(chain.local().worker().await?);
            }
            let wallet = chains[usize::from(HOME.0)].local().node.wallet(&dev_key("relay", 0)).await?;
            anyhow::Ok((Worker::new(workers).without_waiting(), wallet))
        })?;
        let (next, head, sent) = (Time::ZERO, Time::ZERO, BTreeMap::new());
        Ok(Self { runtime, worker, wallet, patience, sent, next, head, open: false })
    }

    /// Serves another chain, to which ways are open.
    pub(super) fn join(&mut self, chain: &LocalSpoke) -> anyhow::Result<()> {
        self.worker.add(self.runtime.block_on(chain.local().worker())?);
        Ok(())
    }

    /// Sends a payload, and gives how long it is waited for.
    pub(super) fn send(
        &mut self,
        chains: &[LocalSpoke],
        payload: &Payload,
        now: Time,
        counts: &mut Counts,
    ) -> Millis {
        if payload.chain == HOME {
            return Millis::ZERO;
        }
        if chains[usize::from(payload.chain.0)].epoch().ok() != Some(payload.epoch) {
            return Millis::ZERO;
        }
        let keys = || payload.orders.iter().map(|order| (payload.chain, payload.epoch, order.nonce));
        let before: Option<Vec<Time>> = keys().map(|key| self.sent.get(&key).copied()).collect();
        if let Some(last) = before.and_then(|before| before.into_iter().max()) {
            return last.after(self.patience).since(now);
        }
        let [home, to] = [HOME, payload.chain].map(|chain| chains[usize::from(chain.0)].local());
        let sent = self.runtime.block_on(home.send_on(&self.wallet, to, payload)).is_ok();
        if sent {
            counts.messages += 1;
            self.sent.extend(keys().map(|key| (key, now)));
            self.patience
        } else {
            counts.messages_unsent += 1;
            Millis::ZERO
        }
    }

    /// Takes every message as far as it goes, and tells its chain when it has arrived.
    pub(super) fn carry(&mut self, chains: &mut [LocalSpoke], now: Time, counts: &mut Counts) {
        let head = chains[usize::from(HOME.0)].head();
        if !(self.open || self.head < head || self.next <= now) {
            return;
        }
        (self.head, self.next) = (head, now.after(LOOK));
        // A chain that does not answer is asked again at the next turn.
        let delivered = self.runtime.block_on(self.worker.turn()).unwrap_or_default();
        for packet in delivered {
            let is_there = |chain: &&mut LocalSpoke| chain.eid() == Some(packet.destination);
            let Some(chain) = chains.iter_mut().find(is_there) else { continue };
            let transaction = self
                .worker
                .messages()
                .find(|(hash, _)| **hash == packet.payload_hash)
                .and_then(|(_, carried)| carried.delivered_in);
            match (GatewayMessage::decode(&packet.message), transaction) {
                (Ok(GatewayMessage::Orders(payload)), Some(transaction)) => {
                    chain.arrived(&payload, transaction);
                }
                // Tokens, with what was composed for them.
                _ => {
                    counts.bridged += 1;
                    chain.touched();
                }
            }
        }
        self.open = self.worker.messages().any(|(_, carried)| carried.stage == Stage::Sent);
    }
}
