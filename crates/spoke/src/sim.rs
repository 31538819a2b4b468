//! A chain in this process: blocks at fixed times, transactions included after a delay, events safe and
//! final after so many blocks.
//!
//! - Blocks are numbered from 0 at the start time; an empty one costs nothing.
//! - In a block: auctions that have ended, then its transactions, in order of sending.
//! - Keeps: what the vault holds is what came in less what left; every event has the next number, no gap.

use crate::{Conditions, Done, Heads, Offer, Receipt, Revert, Spoke, SpokeError, Take, TxId};
use ballast_engine::auction;
use ballast_types::{
    AssetId, ChainId, Hash, LotId, Nonce, Observation, Order, OrderAction, Owner, Sequence, VaultEvent,
};
use ballast_units::{Amount, Millis, Time};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a chain in this process is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimChainParams {
    /// Which one.
    pub chain: ChainId,
    /// The stablecoin that takes are paid in.
    pub coin: AssetId,
    /// Tokens that the vault lists, each with its smallest unit in wei.
    pub units: BTreeMap<AssetId, Amount>,
    /// Time of block 0.
    pub start: Time,
    /// Time between two blocks; not zero.
    pub block_time: Millis,
    /// From sending to the earliest block that may include it.
    pub inclusion: Millis,
    /// Dollars of gas that a take costs.
    pub gas: Amount,
    /// Blocks on top of one that is safe.
    pub safe_depth: u64,
    /// Blocks on top of one that is final; not fewer.
    pub final_depth: u64,
}

/// A chain in this process.
#[derive(Clone, Debug)]
pub struct SimChain {
    params: SimChainParams,
    now: Time,
    vault: BTreeMap<AssetId, Amount>,
    offers: BTreeMap<LotId, Offer>,
    /// Blocks in which auctions end.
    endings: BTreeSet<(u64, LotId)>,
    /// Sent and not yet included, by block.
    sent: BTreeMap<(u64, TxId), Transaction>,
    last_tx: TxId,
    /// Orders carried out.
    orders: BTreeSet<Nonce>,
    /// Events that are not final, oldest first.
    events: VecDeque<Logged>,
    last_sequence: u64,
    /// Every event up to here was told as seen.
    seen_to: u64,
    receipts: Vec<Receipt>,
}

#[derive(Clone, Debug)]
enum Transaction {
    Order(Order),
    Deposit(Owner, AssetId, Amount),
    Take(Take),
}

#[derive(Clone, Copy, Debug)]
struct Logged {
    sequence: u64,
    block: u64,
    event: VaultEvent,
}

impl SimChain {
    /// The chain at its block 0, with an empty vault.
    #[must_use]
    pub fn new(params: SimChainParams) -> Self {
        assert!(!params.block_time.is_zero(), "a chain whose blocks take no time");
        assert!(params.safe_depth <= params.final_depth, "a chain where final comes before safe");
        Self {
            now: params.start,
            params,
            vault: BTreeMap::new(),
            offers: BTreeMap::new(),
            endings: BTreeSet::new(),
            sent: BTreeMap::new(),
            last_tx: TxId::default(),
            orders: BTreeSet::new(),
            events: VecDeque::new(),
            last_sequence: 0,
            seen_to: 0,
            receipts: Vec::new(),
        }
    }

    /// Changes what sending takes from now on: a chain in quiet or in trouble.
    pub fn set_conditions(&mut self, inclusion: Millis, gas: Amount) {
        self.params.inclusion = inclusion;
        self.params.gas = gas;
    }

    /// The smallest unit of a token, in wei.
    #[must_use]
    pub fn unit(&self, asset: AssetId) -> Option<Amount> {
        self.params.units.get(&asset).copied()
    }

    /// Time of the block that would include a transaction sent at `sent`, under present conditions.
    #[must_use]
    pub fn inclusion_of(&self, sent: Time) -> Time {
        self.time_of(self.inclusion_block(sent))
    }

    /// Transactions sent and not yet included.
    #[must_use]
    pub fn in_mempool(&self) -> usize {
        self.sent.len()
    }

    fn head(&self) -> u64 {
        self.block_at(self.now)
    }

    /// The last block at `time`.
    fn block_at(&self, time: Time) -> u64 {
        time.since(self.params.start).get() / self.params.block_time.get()
    }

    /// The first block at `time` or later.
    fn block_from(&self, time: Time) -> u64 {
        time.since(self.params.start).get().div_ceil(self.params.block_time.get())
    }

    fn time_of(&self, block: u64) -> Time {
        self.params.start.after(Millis::new(block * self.params.block_time.get()))
    }

    fn inclusion_block(&self, sent: Time) -> u64 {
        self.block_from(sent.after(self.params.inclusion)).max(self.block_at(sent) + 1)
    }

    fn send(&mut self, transaction: Transaction) -> TxId {
        self.last_tx = TxId(self.last_tx.0 + 1);
        self.sent.insert((self.inclusion_block(self.now), self.last_tx), transaction);
        self.last_tx
    }

    fn check_amount(&self, asset: AssetId, amount: Amount) -> Result<(), SpokeError> {
        let chain = self.params.chain;
        let unit = self.unit(asset).ok_or(SpokeError::UnknownAsset { chain, asset })?;
        if amount.is_zero() {
            return Err(SpokeError::AmountZero);
        }
        if !amount.wei().is_multiple_of(unit.wei()) {
            return Err(SpokeError::AmountUneven { amount, unit });
        }
        Ok(())
    }

    /// The next block up to `last` in which something happens.
    fn next_block(&self, last: u64) -> Option<u64> {
        let sent = self.sent.first_key_value().map(|((block, _), _)| *block);
        let ending = self.endings.first().map(|(block, _)| *block);
        sent.into_iter().chain(ending).min().filter(|block| *block <= last)
    }

    fn run_block(&mut self, block: u64) {
        let time = self.time_of(block);
        while let Some((ending, lot)) = self.endings.first().copied().filter(|(ending, _)| *ending <= block) {
            self.endings.remove(&(ending, lot));
            // An earlier round of the lot may have left its ending behind.
            if self.offers.get(&lot).is_some_and(|offer| offer.auction.ends <= time) {
                self.end_auction(block, lot);
            }
        }
        while let Some(entry) = self.sent.first_entry().filter(|entry| entry.key().0 <= block) {
            let ((_, tx), transaction) = entry.remove_entry();
            let result = match transaction {
                Transaction::Order(order) => self.run_order(block, &order),
                Transaction::Deposit(owner, asset, amount) => {
                    Ok(self.run_deposit(block, owner, asset, amount))
                }
                Transaction::Take(take) => self.run_take(block, &take),
            };
            self.receipts.push(Receipt { tx, time, result });
        }
    }

    fn run_order(&mut self, block: u64, order: &Order) -> Result<Done, Revert> {
        if self.orders.contains(&order.nonce) {
            return Err(Revert::OrderSeen(order.nonce));
        }
        match order.action {
            OrderAction::Release { asset, amount, .. } => {
                self.check_vault(asset, amount)?;
                *self.vault.entry(asset).or_default() -= amount;
                self.log(block, VaultEvent::Executed { nonce: order.nonce });
            }
            OrderAction::StartAuction { lot, asset, auction } => {
                self.check_vault(asset, auction.quantity)?;
                let offer = Offer { asset, auction, left: auction.quantity, paid: Amount::ZERO };
                self.offers.insert(lot, offer);
                self.endings.insert((self.block_from(auction.ends).max(block + 1), lot));
            }
            // An auction that has ended by itself has told so already.
            OrderAction::CancelAuction { lot, start: _ } => self.end_auction(block, lot),
            OrderAction::Bridge { .. }
            | OrderAction::Rotate { .. }
            | OrderAction::SetLimits { .. }
            | OrderAction::ListMaker { .. }
            | OrderAction::Unfreeze {}
            | OrderAction::ListToken { .. } => {}
        }
        self.orders.insert(order.nonce);
        Ok(Done::Ordered(order.nonce))
    }

    /// Refuses to move what the vault does not have beside its auctions.
    fn check_vault(&self, asset: AssetId, need: Amount) -> Result<(), Revert> {
        let offered: Amount =
            self.offers.values().filter(|offer| offer.asset == asset).map(|offer| offer.left).sum();
        let have = self.vault_of(asset).saturating_sub(offered);
        if have < need { Err(Revert::VaultTooSmall { have, need }) } else { Ok(()) }
    }

    fn vault_of(&self, asset: AssetId) -> Amount {
        self.vault.get(&asset).copied().unwrap_or_default()
    }

    fn run_deposit(&mut self, block: u64, owner: Owner, asset: AssetId, amount: Amount) -> Done {
        *self.vault.entry(asset).or_default() += amount;
        Done::Deposited(self.log(block, VaultEvent::Deposited { owner, asset, amount }))
    }

    fn run_take(&mut self, block: u64, take: &Take) -> Result<Done, Revert> {
        let time = self.time_of(block);
        let offer = *self.offers.get(&take.lot).ok_or(Revert::NoAuction(take.lot))?;
        let price = auction::price(&offer.auction, time);
        if take.price_max < price {
            return Err(Revert::PriceTooHigh { price, limit: take.price_max });
        }
        let quantity =
            auction::partial(&offer.auction, offer.left, take.quantity).ok_or(Revert::TakeRefused)?;
        let due = auction::take_due(&offer.auction, time, quantity).map_err(|_| Revert::TakeRefused)?;
        let paid = round_up(due, self.unit(self.params.coin).expect("a vault lists its chain's coin"));
        *self.vault.entry(offer.asset).or_default() -= quantity;
        *self.vault.entry(self.params.coin).or_default() += paid;
        let offer = Offer { left: offer.left - quantity, paid: offer.paid + paid, ..offer };
        self.offers.insert(take.lot, offer);
        self.log(
            block,
            VaultEvent::Taken { lot: take.lot, taker: take.taker, quantity, paid, rebate: Amount::ZERO },
        );
        if offer.left.is_zero() {
            self.offers.remove(&take.lot);
        } else if offer.auction.need <= offer.paid {
            self.end_auction(block, take.lot);
        }
        Ok(Done::Taken { lot: take.lot, quantity, paid })
    }

    /// Ends an auction with something left; nothing where it does not run.
    fn end_auction(&mut self, block: u64, lot: LotId) {
        if self.offers.remove(&lot).is_some() {
            self.log(block, VaultEvent::Ended { lot, result: Hash::default() });
        }
    }

    fn log(&mut self, block: u64, event: VaultEvent) -> Sequence {
        self.last_sequence += 1;
        self.events.push_back(Logged { sequence: self.last_sequence, block, event });
        Sequence(self.last_sequence)
    }

    /// Hash of a block: of the chain and its number. One chain in one process has one history.
    fn hash_of(&self, block: u64) -> Hash {
        let mut hasher = blake3::Hasher::new_derive_key("ballast-spoke sim block v1");
        hasher.update(&self.params.chain.0.to_le_bytes());
        hasher.update(&block.to_le_bytes());
        Hash(*hasher.finalize().as_bytes())
    }
}

impl Spoke for SimChain {
    fn chain(&self) -> ChainId {
        self.params.chain
    }

    fn conditions(&self) -> Conditions {
        let SimChainParams { block_time, inclusion, gas, .. } = self.params;
        Conditions { block_time, inclusion, gas }
    }

    fn heads(&self) -> Heads {
        let head = self.head();
        let SimChainParams { safe_depth, final_depth, .. } = self.params;
        Heads { head, safe: head.saturating_sub(safe_depth), final_: head.saturating_sub(final_depth) }
    }

    fn vault(&self, asset: AssetId) -> Amount {
        self.vault_of(asset)
    }

    fn offer(&self, lot: LotId) -> Option<&Offer> {
        self.offers.get(&lot)
    }

    fn offers(&self) -> impl Iterator<Item = (LotId, &Offer)> {
        self.offers.iter().map(|(lot, offer)| (*lot, offer))
    }

    fn deliver(&mut self, order: &Order) -> Result<TxId, SpokeError> {
        let here = self.params.chain;
        if order.chain != here {
            return Err(SpokeError::OtherChain { order: order.chain, here });
        }
        match order.action {
            OrderAction::Release { asset, amount, .. } => self.check_amount(asset, amount)?,
            OrderAction::StartAuction { asset, auction, .. } => {
                self.unit(asset).ok_or(SpokeError::UnknownAsset { chain: here, asset })?;
                if auction.quantity.is_zero() {
                    return Err(SpokeError::AmountZero);
                }
            }
            OrderAction::CancelAuction { .. }
            | OrderAction::Bridge { .. }
            | OrderAction::Rotate { .. }
            | OrderAction::SetLimits { .. }
            | OrderAction::ListMaker { .. }
            | OrderAction::Unfreeze {}
            | OrderAction::ListToken { .. } => {}
        }
        Ok(self.send(Transaction::Order(order.clone())))
    }

    fn deposit(&mut self, owner: Owner, asset: AssetId, amount: Amount) -> Result<TxId, SpokeError> {
        self.check_amount(asset, amount)?;
        Ok(self.send(Transaction::Deposit(owner, asset, amount)))
    }

    fn take(&mut self, take: Take) -> Result<TxId, SpokeError> {
        if take.quantity.is_zero() {
            return Err(SpokeError::AmountZero);
        }
        Ok(self.send(Transaction::Take(take)))
    }

    fn advance(&mut self, to: Time) -> Vec<Observation> {
        assert!(self.now <= to, "chain {} went from {} back to {to}", self.params.chain, self.now);
        let head = self.block_at(to);
        while let Some(block) = self.next_block(head) {
            self.run_block(block);
        }
        self.now = to;
        self.tell()
    }

    fn receipts(&mut self) -> Vec<Receipt> {
        std::mem::take(&mut self.receipts)
    }
}

impl SimChain {
    /// What became safe, then what became final.
    fn tell(&mut self) -> Vec<Observation> {
        let (chain, head) = (self.params.chain, self.head());
        let deep = |logged: &&Logged, depth: u64| logged.block + depth <= head;
        let mut told = Vec::new();
        let first = self.events.front().map_or(self.seen_to, |logged| logged.sequence - 1);
        let seen = usize::try_from(self.seen_to - first).expect("a count of events");
        let unseen = self.events.iter().skip(seen);
        for logged in unseen.take_while(|logged| deep(logged, self.params.safe_depth)) {
            let (sequence, version) = (Sequence(logged.sequence), self.hash_of(logged.block));
            told.push(Observation::Seen { chain, sequence, version, event: logged.event });
        }
        self.seen_to += u64::try_from(told.len()).expect("a count of events");
        let mut last_final = None;
        while let Some(logged) = self.events.front().filter(|logged| deep(logged, self.params.final_depth)) {
            last_final = Some(Sequence(logged.sequence));
            self.events.pop_front();
        }
        told.extend(last_final.map(|sequence| Observation::Final { chain, sequence, time: Time::default() }));
        told
    }
}

/// `amount`, rounded up to whole units.
fn round_up(amount: Amount, unit: Amount) -> Amount {
    Amount::from_wei(amount.wei().div_ceil(unit.wei()) * unit.wei())
}
