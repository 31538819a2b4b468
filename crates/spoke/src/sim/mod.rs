//! A chain in this process: blocks at fixed times, transactions included after a delay, events safe and final after so
//! many blocks, and whatever can go wrong with that.
//!
//! - Blocks are numbered from 0 at the start time; an empty one costs nothing.
//! - In a block: what its time has come for, then its transactions, in their order.
//! - A reorg drops blocks that are not final: what they did is undone, their transactions are included anew. The hash of
//!   a block follows from the block before in which something happened, and from its branch: the same transaction in
//!   another branch has another version.
//! - Keeps: every event has the next number, no gap; what is told as final is never dropped.

mod clock;
mod courier;
mod reorg;

pub use courier::Courier;
pub use reorg::{Fork, Reorg};

use crate::certificate::{Certificate, ValidatorSet};
use crate::message::{Bridged, Freeze, Payload};
use crate::vault::{Bucket, Moving, Told, Undo, Vault, Waiting};
use crate::{Conditions, Done, Head, Heads, Offer, Poke, Receipt, Revert, Spoke, SpokeError, Take, TxId};
use ballast_types::digest::{domain_in_process, keccak};
use ballast_types::{AssetId, ChainId, Hash, LotId, Nonce, Observation, Owner, Sequence, VaultEvent};
use ballast_units::{Amount, Millis, Time};
use clock::Clock;
use std::collections::{BTreeMap, VecDeque};

/// What a chain in this process is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimChainParams {
    /// Which one.
    pub chain: ChainId,
    /// The stablecoin that takes are paid in.
    pub coin: AssetId,
    /// Tokens that the vault lists, each with its smallest unit in wei.
    pub units: BTreeMap<AssetId, Amount>,
    /// Whose orders it takes at first.
    pub validators: ValidatorSet,
    /// Time of block 0.
    pub start: Time,
    /// What sending something there takes at first; its block time is not zero.
    pub conditions: Conditions,
    /// Blocks on top of one that is safe.
    pub safe_depth: u64,
    /// Blocks on top of one that is final; not fewer.
    pub final_depth: u64,
    /// The time of the last final block is told at least this often, also when nothing happened.
    pub final_every: Millis,
}

/// A chain in this process.
#[derive(Clone, Debug)]
pub struct SimChain {
    params: SimChainParams,
    clock: Clock,
    now: Time,
    vault: Vault,
    /// Sent and not yet included.
    mempool: BTreeMap<Slot, Sent>,
    last_tx: TxId,
    /// Blocks in which something happened and that are not final, oldest first.
    blocks: VecDeque<Block>,
    /// The last block that is not among them any more, in which something happened.
    settled: Settled,
    /// First block of each branch after a reorg, and its number.
    branches: BTreeMap<u64, u64>,
    reorgs: u64,
    telling: Telling,
    receipts: Vec<Receipt>,
    /// Final and not yet collected by a courier.
    departures: Vec<(ChainId, Bridged)>,
}

/// When a transaction is included: in which block, and after which others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    block: u64,
    rank: u64,
    tx: TxId,
}

/// A transaction and when it was sent.
#[derive(Clone, Debug)]
struct Sent {
    at: Time,
    transaction: Transaction,
}

#[derive(Clone, Debug)]
enum Transaction {
    Deliver(Payload),
    Freeze(Freeze, u32, Certificate),
    Deposit(Owner, AssetId, Amount),
    Take(Take),
    Poke(Poke),
    BridgeIn(Bridged),
}

/// A block in which something happened, and how to undo it.
#[derive(Clone, Debug)]
struct Block {
    number: u64,
    hash: Hash,
    /// Number of the last event up to it.
    last_sequence: u64,
    events: Vec<VaultEvent>,
    sent: Vec<(ChainId, Bridged)>,
    included: Vec<(TxId, Sent)>,
    journal: Vec<Undo>,
}

/// The last final block in which something happened; block 0 before the first.
#[derive(Clone, Copy, Debug)]
struct Settled {
    number: u64,
    hash: Hash,
    last_sequence: u64,
}

/// What the hub was told.
#[derive(Clone, Copy, Debug)]
struct Telling {
    /// Every event up to here was told as seen.
    seen: u64,
    /// The first of those that were dropped since.
    dropped: Option<u64>,
    /// Every event up to here was told as final.
    final_sequence: u64,
    final_time: Time,
}

impl SimChain {
    /// The chain at its block 0, with an empty vault.
    #[must_use]
    pub fn new(params: SimChainParams) -> Self {
        assert!(params.safe_depth <= params.final_depth, "a chain where final comes before safe");
        let domain = domain_in_process(params.chain);
        let vault =
            Vault::new(domain, params.chain, params.coin, params.units.clone(), params.validators.clone());
        Self {
            clock: Clock::new(params.start, params.conditions.block_time),
            now: params.start,
            vault,
            mempool: BTreeMap::new(),
            last_tx: TxId::default(),
            blocks: VecDeque::new(),
            settled: Settled { number: 0, hash: domain, last_sequence: 0 },
            branches: BTreeMap::new(),
            reorgs: 0,
            telling: Telling { seen: 0, dropped: None, final_sequence: 0, final_time: params.start },
            receipts: Vec::new(),
            departures: Vec::new(),
            params,
        }
    }

    /// Changes what sending takes from now on: a chain in quiet or in trouble. Its block time stays.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.params.conditions = Conditions { block_time: self.clock.block_time(), ..conditions };
    }

    /// No block before `until`; then the chain goes on, and what was sent meanwhile is included then.
    pub fn halt(&mut self, until: Time) {
        self.clock.halt(self.now, until);
    }

    /// The smallest unit of a token, in wei.
    #[must_use]
    pub fn unit(&self, asset: AssetId) -> Option<Amount> {
        self.vault.books().unit(asset)
    }

    /// Whose orders the vault takes at the head.
    #[must_use]
    pub fn validators(&self) -> &ValidatorSet {
        self.vault.books().validators()
    }

    /// Nothing leaves before this time; in the past where the vault is open.
    #[must_use]
    pub fn frozen_until(&self) -> Time {
        self.vault.books().freeze().until
    }

    /// What the vault holds of an asset and may send away.
    #[must_use]
    pub fn free(&self, asset: AssetId) -> Amount {
        self.vault.books().balance(asset).free()
    }

    /// What the vault holds of an asset.
    #[must_use]
    pub fn held(&self, asset: AssetId) -> Amount {
        self.vault.books().balance(asset).booked
    }

    /// How much of an asset may leave, where that was ordered.
    #[must_use]
    pub fn bucket(&self, asset: AssetId) -> Option<&Bucket> {
        self.vault.books().bucket(asset)
    }

    /// An auction that runs at the head.
    #[must_use]
    pub fn running(&self, lot: LotId) -> Option<&Offer> {
        self.vault.books().offer(lot)
    }

    /// Every auction that runs at the head, by lot.
    pub fn all_running(&self) -> impl Iterator<Item = (LotId, &Offer)> {
        self.vault.books().offers()
    }

    /// What sending something there takes at the moment.
    #[must_use]
    pub const fn present(&self) -> Conditions {
        self.params.conditions
    }

    /// Time of the block that would include a transaction sent at `sent`, under present conditions.
    #[must_use]
    pub fn inclusion_of(&self, sent: Time) -> Time {
        self.clock.time(self.inclusion_block(sent))
    }

    /// Transactions sent and not yet included.
    #[must_use]
    pub fn in_mempool(&self) -> usize {
        self.mempool.len()
    }

    /// Brings what another vault sent, as a gateway does. It may be brought twice; it arrives once.
    pub fn bridge_in(&mut self, bridged: Bridged) -> TxId {
        self.send(Transaction::BridgeIn(bridged))
    }

    /// What left for other chains in blocks that have become final since the last call.
    pub fn departures(&mut self) -> Vec<(ChainId, Bridged)> {
        std::mem::take(&mut self.departures)
    }

    fn head_number(&self) -> u64 {
        self.clock.at(self.now)
    }

    fn head_at(&self, number: u64) -> Head {
        Head { number, time: self.clock.time(number) }
    }

    fn inclusion_block(&self, sent: Time) -> u64 {
        self.clock.from(sent.after(self.params.conditions.inclusion)).max(self.clock.at(sent) + 1)
    }

    fn send(&mut self, transaction: Transaction) -> TxId {
        self.last_tx = TxId(self.last_tx.0 + 1);
        let slot = Slot { block: self.inclusion_block(self.now), rank: self.last_tx.0, tx: self.last_tx };
        self.mempool.insert(slot, Sent { at: self.now, transaction });
        self.last_tx
    }

    fn last_sequence(&self) -> u64 {
        self.blocks.back().map_or(self.settled.last_sequence, |block| block.last_sequence)
    }

    /// The next block up to `last` in which something happens, after `done`.
    fn next_block(&self, done: u64, last: u64) -> Option<u64> {
        let sent = self.mempool.first_key_value().map(|(slot, _)| slot.block);
        let due = self.vault.books().next_due().map(|due| self.clock.from(due));
        sent.into_iter().chain(due).min().map(|block| block.max(done + 1)).filter(|block| *block <= last)
    }

    /// Makes every block after `done` up to `last`.
    fn run(&mut self, done: u64, last: u64) {
        let mut done = done;
        while let Some(number) = self.next_block(done, last) {
            self.run_block(number);
            done = number;
        }
    }

    fn run_block(&mut self, number: u64) {
        let time = self.clock.time(number);
        let before = self.last_sequence();
        self.vault.tick(time);
        let mut included = Vec::new();
        while let Some(entry) = self.mempool.first_entry().filter(|entry| entry.key().block <= number) {
            let (slot, sent) = entry.remove_entry();
            let told = before + count(self.vault.told());
            let result = self.vault.attempt(|vault| include(vault, &sent.transaction, told, time));
            self.receipts.push(Receipt { tx: slot.tx, time, result });
            included.push((slot.tx, sent));
        }
        let Told { events, sent, journal } = self.vault.take_told();
        let last_sequence = before + count(events.len());
        let hash = self.hash_of(number);
        self.blocks.push_back(Block { number, hash, last_sequence, events, sent, included, journal });
    }

    /// The hash of a block up to the head, as far as its branch is still known.
    fn hash_at(&self, number: u64) -> Hash {
        if number == self.settled.number {
            return self.settled.hash;
        }
        let known = self.blocks.binary_search_by_key(&number, |block| block.number);
        known.map_or_else(|_| self.hash_of(number), |at| self.blocks[at].hash)
    }

    /// The hash of a block on the present branch: of the last block before it in which something happened, its branch
    /// and its number.
    fn hash_of(&self, number: u64) -> Hash {
        let at = self.blocks.partition_point(|block| block.number < number);
        let parent = at.checked_sub(1).map_or(self.settled.hash, |at| self.blocks[at].hash);
        let branch = self.branches.range(..=number).next_back().map_or(0, |(_, branch)| *branch);
        keccak(&[b"ballast sim block", &parent.0, &branch.to_be_bytes(), &number.to_be_bytes()])
    }

    /// What was dropped, what became safe, what became final.
    fn tell(&mut self) -> Vec<Observation> {
        let (chain, head) = (self.params.chain, self.head_number());
        let mut told = Vec::new();
        if let Some(first) = self.telling.dropped.take() {
            told.push(Observation::Dropped { chain, sequence: Sequence(first) });
        }
        for block in &self.blocks {
            if head < block.number + self.params.safe_depth {
                break;
            }
            let first = block.last_sequence - count(block.events.len()) + 1;
            for (sequence, event) in (first..).zip(&block.events) {
                if self.telling.seen < sequence {
                    let (sequence, version) = (Sequence(sequence), block.hash);
                    told.push(Observation::Seen { chain, sequence, version, event: *event });
                    self.telling.seen = sequence.0;
                }
            }
        }
        let final_number = head.saturating_sub(self.params.final_depth);
        let (time, block) = (self.clock.time(final_number), self.hash_at(final_number));
        self.settle(final_number);
        let Telling { final_sequence, final_time, .. } = self.telling;
        let more = final_sequence < self.settled.last_sequence;
        if more || self.params.final_every <= time.since(final_time) {
            self.telling.final_sequence = self.settled.last_sequence;
            self.telling.final_time = time;
            let sequence = Sequence(self.settled.last_sequence);
            told.push(Observation::Final { chain, sequence, time, block });
        }
        told
    }

    /// Forgets how to undo what is final; what it sent to other chains is on its way.
    fn settle(&mut self, final_number: u64) {
        while let Some(block) = self.blocks.pop_front_if(|block| block.number <= final_number) {
            let Block { number, hash, last_sequence, .. } = block;
            self.settled = Settled { number, hash, last_sequence };
            self.departures.extend(block.sent);
        }
        // The branch of the last final block stays known, the ones before it do not matter any more.
        if let Some((&first, _)) = self.branches.range(..=final_number).next_back() {
            self.branches = self.branches.split_off(&first);
        }
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
}

/// What a transaction does in a block at `time`, after `told` events.
fn include(vault: &mut Vault, transaction: &Transaction, told: u64, time: Time) -> Result<Done, Revert> {
    let next = Sequence(told + 1);
    match transaction {
        Transaction::Deliver(payload) => vault.deliver(payload, time),
        Transaction::Freeze(freeze, epoch, certificate) => vault.freeze(*freeze, *epoch, certificate, time),
        Transaction::Deposit(owner, asset, amount) => {
            vault.deposit(*owner, *asset, *amount).map(|()| Done::Deposited(next))
        }
        Transaction::Take(take) => vault.take(take, time),
        Transaction::Poke(poke) => vault.poke(*poke, time),
        Transaction::BridgeIn(bridged) => vault.bridge_in(bridged).map(|()| Done::BridgedIn(next)),
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a count of events")
}

impl Spoke for SimChain {
    fn chain(&self) -> ChainId {
        self.params.chain
    }

    fn domain(&self) -> Hash {
        domain_in_process(self.params.chain)
    }

    fn conditions(&self) -> Result<Conditions, SpokeError> {
        Ok(self.present())
    }

    fn heads(&self) -> Result<Heads, SpokeError> {
        let head = self.head_number();
        let SimChainParams { safe_depth, final_depth, .. } = self.params;
        Ok(Heads {
            head: self.head_at(head),
            safe: self.head_at(head.saturating_sub(safe_depth)),
            final_: self.head_at(head.saturating_sub(final_depth)),
        })
    }

    /// Of an older block than the last final one: that of the present branch as far as it is still known.
    fn block_hash(&self, number: u64) -> Result<Option<Hash>, SpokeError> {
        Ok((number <= self.head_number()).then(|| self.hash_at(number)))
    }

    fn epoch(&self) -> Result<u32, SpokeError> {
        Ok(self.validators().epoch())
    }

    fn vault(&self, asset: AssetId) -> Result<Amount, SpokeError> {
        Ok(self.held(asset))
    }

    fn offer(&self, lot: LotId) -> Result<Option<Offer>, SpokeError> {
        Ok(self.running(lot).copied())
    }

    fn offers(&self) -> Result<Vec<(LotId, Offer)>, SpokeError> {
        Ok(self.all_running().map(|(lot, offer)| (lot, *offer)).collect())
    }

    fn waiting(&self) -> Result<Vec<(Nonce, Waiting)>, SpokeError> {
        let all = self.vault.books().all_waiting();
        Ok(all.map(|(nonce, waiting)| (nonce, *waiting)).collect())
    }

    fn moving(&self) -> Result<Option<Moving>, SpokeError> {
        Ok(self.vault.books().moving().copied())
    }

    fn deliver(&mut self, payload: &Payload) -> Result<TxId, SpokeError> {
        let here = self.params.chain;
        let elsewhere = payload.orders.iter().map(|order| order.chain).chain([payload.chain]);
        if let Some(order) = elsewhere.into_iter().find(|chain| *chain != here) {
            return Err(SpokeError::OtherChain { order, here });
        }
        payload.encode()?;
        Ok(self.send(Transaction::Deliver(payload.clone())))
    }

    fn freeze(&mut self, freeze: Freeze, epoch: u32, certificate: &Certificate) -> Result<TxId, SpokeError> {
        Ok(self.send(Transaction::Freeze(freeze, epoch, certificate.clone())))
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

    fn poke(&mut self, poke: Poke) -> Result<TxId, SpokeError> {
        Ok(self.send(Transaction::Poke(poke)))
    }

    fn advance(&mut self, to: Time) -> Result<Vec<Observation>, SpokeError> {
        assert!(self.now <= to, "chain {} went from {} back to {to}", self.params.chain, self.now);
        self.run(self.head_number(), self.clock.at(to));
        self.now = to;
        Ok(self.tell())
    }

    fn receipts(&mut self) -> Result<Vec<Receipt>, SpokeError> {
        Ok(std::mem::take(&mut self.receipts))
    }
}
