//! A local chain as a spoke in the run's time: its node mines each block when the run comes to it, with that time.
//!
//! - Asks its node as little as it can: what only a transaction changes is asked again once there was one.
//! - What LayerZero brought has a receipt like what was sent from here.
//! - A bidder of the simulation is a wallet here; which one, is looked up by its address.

use super::ways::{Way, Ways};
use alloy::primitives::B256;
use alloy::providers::Provider as _;
use ballast_spoke::certificate::Certificate;
use ballast_spoke::evm::kit::LocalChain;
use ballast_spoke::evm::{EvmSpoke, Holdings, chain_address};
use ballast_spoke::message::{Freeze, Payload};
use ballast_spoke::vault::{Moving, Waiting};
use ballast_spoke::{Conditions, Heads, Offer, Poke, Receipt, Spoke, SpokeError, Take, TxId};
use ballast_types::{Address, AssetId, ChainId, Hash, LotId, Nonce, Observation, Order, Owner};
use ballast_units::{Amount, Millis, Price, Time};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// A chain on which nothing happens is looked at this often.
const LOOK: Millis = Millis::seconds(6);

/// Conditions are asked for this often.
const CONDITIONS: Millis = Millis::seconds(30);

/// After something was sent, a chain is looked at in every block for this long.
const BUSY: Millis = Millis::minutes(2);

/// What was sent to a chain, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    /// Blocks mined.
    pub(super) blocks: u64,
    /// Deposits.
    pub(super) deposits: u64,
    /// Batches of orders.
    pub(super) deliveries: u64,
    /// Bids.
    pub(super) takes: u64,
    /// Ends of auctions, and releases that waited.
    pub(super) pokes: u64,
    /// Transactions that came to nothing.
    pub(super) failed: u64,
}

/// One chain.
#[derive(Debug)]
pub(super) struct LocalSpoke {
    runtime: Arc<Runtime>,
    chain: LocalChain,
    inner: EvmSpoke,
    /// Of the head, seconds.
    head: u64,
    now: Time,
    looked: Time,
    busy_until: Time,
    /// Something was sent since the last block.
    queued: bool,
    /// A block was mined since receipts were asked for.
    fresh: bool,
    /// Wallets of bidders, and those of them that have a bidder.
    wallets: Vec<Address>,
    bidders: BTreeMap<Address, Address>,
    offers: RefCell<Option<Vec<(LotId, Offer)>>>,
    epoch: RefCell<Option<u32>>,
    moving: RefCell<Option<Option<Moving>>>,
    conditions: RefCell<Option<(Time, Conditions)>>,
    traffic: Traffic,
    ways: Ways,
    /// Receipts of what LayerZero brought.
    arrivals: Vec<Receipt>,
}

impl LocalSpoke {
    /// A chain whose head is of `start`, seconds.
    pub(super) fn new(
        runtime: Arc<Runtime>,
        chain: LocalChain,
        inner: EvmSpoke,
        start: u64,
        wallets: Vec<Address>,
    ) -> Self {
        let time = Time::from_millis(start * 1_000);
        Self {
            runtime,
            chain,
            inner,
            head: start,
            now: time,
            looked: Time::default(),
            busy_until: time,
            queued: false,
            fresh: false,
            wallets,
            bidders: BTreeMap::new(),
            offers: RefCell::new(None),
            epoch: RefCell::new(None),
            moving: RefCell::new(None),
            conditions: RefCell::new(None),
            traffic: Traffic::default(),
            ways: Ways::default(),
            arrivals: Vec::new(),
        }
    }

    /// Node and contracts.
    pub(super) fn local(&self) -> &LocalChain {
        &self.chain
    }

    /// LayerZero's id of it.
    pub(super) fn eid(&self) -> Option<u32> {
        self.chain.deployment.layerzero.as_ref().map(|layerzero| layerzero.eid)
    }

    /// Time of the head.
    pub(super) fn head(&self) -> Time {
        Time::from_millis(self.head * 1_000)
    }

    /// Time from one block to the next.
    pub(super) fn block_time(&self) -> Millis {
        Millis::seconds(self.chain.node.config().block_time)
    }

    /// How its orders came.
    pub(super) fn ways(&self) -> &Ways {
        &self.ways
    }

    /// A block gave these orders for it.
    pub(super) fn given(&mut self, orders: &[Order], now: Time) {
        self.ways.given(orders, now);
    }

    /// What a coin of the chain is worth from now on.
    pub(super) fn set_coin_price(&mut self, price: Price) {
        self.inner.set_coin_price(price);
    }

    /// LayerZero brought a payload, in a transaction of its executor.
    pub(super) fn arrived(&mut self, payload: &[u8], transaction: B256) {
        let payload = Payload::decode(self.inner.domain(), self.inner.chain(), payload);
        let nonces = payload.map(|payload| payload.orders.iter().map(|order| order.nonce).collect());
        // A receipt that cannot be had is not missed: the hub learns of the orders from the vault's own events.
        if let Ok(nonces) = nonces
            && let Ok(Some(receipt)) = self.inner.delivered_by(nonces, transaction)
        {
            self.ways.sent(receipt.tx, Way::LayerZero);
            self.arrivals.push(receipt);
        }
        self.touched();
    }

    /// Somebody else's transaction changed something.
    pub(super) fn touched(&mut self) {
        self.mined();
        self.busy_until = self.now.after(BUSY);
    }

    /// What was sent so far.
    pub(super) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// What the vault has at the last final block that the hub knows.
    pub(super) fn final_holdings(&self) -> Result<Option<Holdings>, SpokeError> {
        let number = self.inner.heads()?.final_.number;
        let hash = self.inner.block_hash(number)?;
        hash.map(|hash| self.inner.holdings(hash)).transpose()
    }

    /// How many more bridges to these chains the gateway's own money pays for.
    pub(super) fn bridges_left(&self, others: &[ChainId]) -> Result<Option<u64>, SpokeError> {
        self.inner.bridges_left(others)
    }

    /// Coins that an address has spent of the 10,000 it was given.
    pub(super) fn coins_spent(&self, address: Address) -> Option<Amount> {
        let address = chain_address(address)?;
        let has =
            self.runtime.block_on(self.chain.node.provider().get_balance(address).into_future()).ok()?;
        let given = Amount::whole(10_000);
        Some(given.saturating_sub(Amount::from_wei(u128::try_from(has).ok()?)))
    }

    /// What an address has of a token at the head.
    pub(super) fn balance(&self, asset: AssetId, of: alloy::primitives::Address) -> anyhow::Result<Amount> {
        Ok(self.runtime.block_on(self.chain.balance(asset, of))?)
    }

    /// Who sends deposits and orders.
    pub(super) fn sender(&self) -> Address {
        self.inner.sender()
    }

    /// Wallets of bidders.
    pub(super) fn wallets(&self) -> &[Address] {
        &self.wallets
    }

    /// Opens the ways to another chain, at both ends. That takes some transactions, and each of them a block, a second after
    /// the one before: the chain is a little ahead of its time afterwards, and waits.
    pub(super) fn open_paths(&mut self, other: &LocalChain) -> anyhow::Result<()> {
        let node = &self.chain.node;
        let head = self.runtime.block_on(async {
            node.ask("anvil_setBlockTimestampInterval", serde_json::json!([1])).await?;
            node.set_automine(true).await?;
            self.chain.open_paths(other).await?;
            other.open_paths(&self.chain).await?;
            node.set_automine(false).await?;
            node.ask("anvil_setBlockTimestampInterval", serde_json::json!([node.config().block_time]))
                .await?;
            anyhow::Ok(node.time().await?)
        })?;
        self.head = head;
        self.touched();
        Ok(())
    }

    fn mined(&mut self) {
        self.fresh = true;
        self.offers.replace(None);
        self.epoch.replace(None);
        self.moving.replace(None);
    }

    fn network(&self, fault: &impl std::fmt::Display) -> SpokeError {
        SpokeError::Network { chain: self.inner.chain(), reason: fault.to_string() }
    }

    fn sent(&mut self, count: fn(&mut Traffic) -> &mut u64) {
        self.queued = true;
        self.busy_until = self.now.after(BUSY);
        *count(&mut self.traffic) += 1;
    }

    /// The wallet that a bidder pays from.
    fn wallet(&mut self, bidder: Address) -> Address {
        let next = self.bidders.len() % self.wallets.len().max(1);
        *self.bidders.entry(bidder).or_insert(self.wallets.get(next).copied().unwrap_or(bidder))
    }
}

impl Spoke for LocalSpoke {
    fn chain(&self) -> ChainId {
        self.inner.chain()
    }

    fn domain(&self) -> Hash {
        self.inner.domain()
    }

    fn conditions(&self) -> Result<Conditions, SpokeError> {
        let known = *self.conditions.borrow();
        if let Some((_, conditions)) = known.filter(|(at, _)| self.now < at.after(CONDITIONS)) {
            return Ok(conditions);
        }
        let conditions = self.inner.conditions()?;
        self.conditions.replace(Some((self.now, conditions)));
        Ok(conditions)
    }

    fn heads(&self) -> Result<Heads, SpokeError> {
        self.inner.heads()
    }

    fn block_hash(&self, number: u64) -> Result<Option<Hash>, SpokeError> {
        self.inner.block_hash(number)
    }

    fn epoch(&self) -> Result<u32, SpokeError> {
        if let Some(epoch) = *self.epoch.borrow() {
            return Ok(epoch);
        }
        let epoch = self.inner.epoch()?;
        self.epoch.replace(Some(epoch));
        Ok(epoch)
    }

    fn vault(&self, asset: AssetId) -> Result<Amount, SpokeError> {
        self.inner.vault(asset)
    }

    fn offer(&self, lot: LotId) -> Result<Option<Offer>, SpokeError> {
        Ok(self.offers()?.into_iter().find(|(id, _)| *id == lot).map(|(_, offer)| offer))
    }

    fn offers(&self) -> Result<Vec<(LotId, Offer)>, SpokeError> {
        if let Some(offers) = &*self.offers.borrow() {
            return Ok(offers.clone());
        }
        let offers = self.inner.offers()?;
        self.offers.replace(Some(offers.clone()));
        Ok(offers)
    }

    fn waiting(&self) -> Result<Vec<(Nonce, Waiting)>, SpokeError> {
        self.inner.waiting()
    }

    fn moving(&self) -> Result<Option<Moving>, SpokeError> {
        if let Some(moving) = *self.moving.borrow() {
            return Ok(moving);
        }
        let moving = self.inner.moving()?;
        self.moving.replace(Some(moving));
        Ok(moving)
    }

    fn deliver(&mut self, payload: &Payload) -> Result<TxId, SpokeError> {
        let tx = self.inner.deliver(payload)?;
        self.ways.sent(tx, Way::Courier);
        self.sent(|traffic| &mut traffic.deliveries);
        Ok(tx)
    }

    fn deliver_from(&mut self, sender: Address, payload: &Payload) -> Result<TxId, SpokeError> {
        let tx = self.inner.deliver_from(sender, payload)?;
        self.ways.sent(tx, Way::Keeper);
        self.sent(|traffic| &mut traffic.deliveries);
        Ok(tx)
    }

    fn freeze(&mut self, freeze: Freeze, epoch: u32, certificate: &Certificate) -> Result<TxId, SpokeError> {
        let tx = self.inner.freeze(freeze, epoch, certificate)?;
        self.sent(|traffic| &mut traffic.deliveries);
        Ok(tx)
    }

    fn deposit(&mut self, owner: Owner, asset: AssetId, amount: Amount) -> Result<TxId, SpokeError> {
        let tx = self.inner.deposit(owner, asset, amount)?;
        self.sent(|traffic| &mut traffic.deposits);
        Ok(tx)
    }

    fn take(&mut self, take: Take) -> Result<TxId, SpokeError> {
        let taker = self.wallet(take.taker);
        let tx = self.inner.take(Take { taker, ..take })?;
        self.sent(|traffic| &mut traffic.takes);
        Ok(tx)
    }

    fn poke(&mut self, poke: Poke) -> Result<TxId, SpokeError> {
        let tx = self.inner.poke(poke)?;
        self.sent(|traffic| &mut traffic.pokes);
        Ok(tx)
    }

    fn advance(&mut self, to: Time) -> Result<Vec<Observation>, SpokeError> {
        let block_time = self.chain.node.config().block_time;
        let mut mined = false;
        while (self.head + block_time) * 1_000 <= to.millis() {
            let due = self.head + block_time;
            let done = self.runtime.block_on(self.chain.node.mine_at(due));
            done.map_err(|error| self.network(&error))?;
            self.head = due;
            self.traffic.blocks += 1;
            mined = true;
        }
        self.now = to;
        if mined {
            self.fresh = true;
            if self.queued {
                self.queued = false;
                self.mined();
            }
        }
        let due = to <= self.busy_until || self.looked.after(LOOK) <= to;
        if !due || !(mined || self.fresh) {
            return Ok(Vec::new());
        }
        let told = self.inner.advance(to)?;
        self.looked = to;
        Ok(told)
    }

    fn receipts(&mut self) -> Result<Vec<Receipt>, SpokeError> {
        if !self.fresh {
            return Ok(Vec::new());
        }
        self.fresh = false;
        let mut receipts = std::mem::take(&mut self.arrivals);
        receipts.extend(self.inner.receipts()?);
        for receipt in &receipts {
            self.ways.learn(receipt);
            self.traffic.failed += u64::from(receipt.result.is_err());
        }
        Ok(receipts)
    }
}
