//! Everything that a vault in this process remembers, with what it was before each change.
//!
//! - One setter a kind of record: it writes down what was there, and keeps the queues of times in step.
//! - [`Books::undo_to`] goes back to a mark; [`Books::take_journal`] hands over what a block changed, so that the
//!   block can be undone as long as it is not final.

use crate::Offer;
use crate::certificate::ValidatorSet;
use ballast_types::{Address, AssetId, ChainId, LotId, Nonce};
use ballast_units::math::mul_div_down;
use ballast_units::{Amount, Millis, Time};
use std::collections::{BTreeMap, BTreeSet};

/// What a vault holds of an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Balance {
    /// What came in less what left.
    pub(super) booked: Amount,
    /// The part of it under auction or waiting.
    pub(super) reserved: Amount,
}

impl Balance {
    pub(super) fn free(self) -> Amount {
        self.booked.saturating_sub(self.reserved)
    }
}

/// How much of a token may leave: a bucket that holds `outflow` and loses as much a `window`, evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    pub(super) outflow: Amount,
    pub(super) window: Millis,
    /// A release above this waits.
    pub(super) delay_above: Amount,
    pub(super) delay: Millis,
    /// How much of the bucket was used, at `since`.
    pub(super) used: Amount,
    pub(super) since: Time,
}

impl Bucket {
    /// What is used at a time; what leaked is rounded down, against whoever takes out.
    pub(super) fn used_at(&self, time: Time) -> Amount {
        let passed = u128::from(time.since(self.since).get());
        let leaked = mul_div_down(passed, self.outflow.wei(), u128::from(self.window.get()));
        self.used.saturating_sub(leaked.map_or(Amount::MAX, Amount::from_wei))
    }
}

/// A release that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) asset: AssetId,
    pub(super) amount: Amount,
    pub(super) ready: Time,
    pub(super) expires: Time,
}

/// The last freeze.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FreezeState {
    pub(super) serial: u64,
    /// From when on the vault was shut until `until`: of the first of freezes without a gap.
    pub(super) since: Time,
    pub(super) until: Time,
}

/// One record as it was before a change.
#[derive(Clone, Debug)]
pub(super) enum Undo {
    Balance(AssetId, Balance),
    Unit(AssetId, Option<Amount>),
    Bucket(AssetId, Option<Bucket>),
    Offer(LotId, Option<Offer>),
    Unsold(LotId, Option<Amount>),
    Waiting(Nonce, Option<Waiting>),
    Maker(Address, bool),
    Done(Nonce),
    Bridged(ChainId, Nonce),
    Freeze(FreezeState),
    Validators(ValidatorSet),
}

/// What a vault remembers.
#[derive(Clone, Debug)]
pub(super) struct Books {
    balances: BTreeMap<AssetId, Balance>,
    units: BTreeMap<AssetId, Amount>,
    buckets: BTreeMap<AssetId, Bucket>,
    offers: BTreeMap<LotId, Offer>,
    /// What the last auction of a lot left.
    unsold: BTreeMap<LotId, Amount>,
    waiting: BTreeMap<Nonce, Waiting>,
    makers: BTreeSet<Address>,
    /// A bit a nonce, 64 a word.
    done: BTreeMap<u64, u64>,
    bridged: BTreeSet<(ChainId, Nonce)>,
    freeze: FreezeState,
    validators: ValidatorSet,
    /// When auctions end, releases are ready, and those that wait expire.
    ends: BTreeSet<(Time, LotId)>,
    ready: BTreeSet<(Time, Nonce)>,
    expiries: BTreeSet<(Time, Nonce)>,
    journal: Vec<Undo>,
}

impl Books {
    pub(super) fn new(units: BTreeMap<AssetId, Amount>, validators: ValidatorSet) -> Self {
        Self {
            balances: BTreeMap::new(),
            units,
            buckets: BTreeMap::new(),
            offers: BTreeMap::new(),
            unsold: BTreeMap::new(),
            waiting: BTreeMap::new(),
            makers: BTreeSet::new(),
            done: BTreeMap::new(),
            bridged: BTreeSet::new(),
            freeze: FreezeState::default(),
            validators,
            ends: BTreeSet::new(),
            ready: BTreeSet::new(),
            expiries: BTreeSet::new(),
            journal: Vec::new(),
        }
    }

    pub(super) fn balance(&self, asset: AssetId) -> Balance {
        self.balances.get(&asset).copied().unwrap_or_default()
    }

    pub(super) fn unit(&self, asset: AssetId) -> Option<Amount> {
        self.units.get(&asset).copied()
    }

    pub(super) fn bucket(&self, asset: AssetId) -> Option<&Bucket> {
        self.buckets.get(&asset)
    }

    pub(super) fn offer(&self, lot: LotId) -> Option<&Offer> {
        self.offers.get(&lot)
    }

    pub(super) fn offers(&self) -> impl Iterator<Item = (LotId, &Offer)> {
        self.offers.iter().map(|(lot, offer)| (*lot, offer))
    }

    pub(super) fn unsold(&self, lot: LotId) -> Option<Amount> {
        self.unsold.get(&lot).copied()
    }

    pub(super) fn waiting(&self, nonce: Nonce) -> Option<&Waiting> {
        self.waiting.get(&nonce)
    }

    pub(super) fn is_maker(&self, address: Address) -> bool {
        self.makers.contains(&address)
    }

    pub(super) fn is_done(&self, nonce: Nonce) -> bool {
        self.done.get(&(nonce.0 / 64)).is_some_and(|word| word >> (nonce.0 % 64) & 1 == 1)
    }

    pub(super) fn is_bridged(&self, from: ChainId, nonce: Nonce) -> bool {
        self.bridged.contains(&(from, nonce))
    }

    pub(super) const fn freeze(&self) -> FreezeState {
        self.freeze
    }

    pub(super) const fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// An auction whose end has come.
    pub(super) fn ended_by(&self, time: Time) -> Option<LotId> {
        self.ends.first().filter(|(ends, _)| *ends <= time).map(|(_, lot)| *lot)
    }

    /// A waiting release that can be paid.
    pub(super) fn ready_by(&self, time: Time) -> Option<Nonce> {
        let first = self.ready.first().filter(|(ready, _)| (*ready).max(self.freeze.until) <= time);
        first.map(|(_, nonce)| *nonce)
    }

    /// A waiting release that can be paid no more.
    pub(super) fn expired_by(&self, time: Time) -> Option<Nonce> {
        self.expiries.first().filter(|(expires, _)| *expires <= time).map(|(_, nonce)| *nonce)
    }

    /// The next time at which something is to be done.
    pub(super) fn next_due(&self) -> Option<Time> {
        let ends = self.ends.first().map(|(ends, _)| *ends);
        let ready = self.ready.first().map(|(ready, _)| (*ready).max(self.freeze.until));
        let expires = self.expiries.first().map(|(expires, _)| *expires);
        [ends, ready, expires].into_iter().flatten().min()
    }

    pub(super) fn set_balance(&mut self, asset: AssetId, balance: Balance) {
        let before = self.balances.insert(asset, balance).unwrap_or_default();
        self.journal.push(Undo::Balance(asset, before));
    }

    pub(super) fn set_unit(&mut self, asset: AssetId, unit: Option<Amount>) {
        let before = put(&mut self.units, asset, unit);
        self.journal.push(Undo::Unit(asset, before));
    }

    pub(super) fn set_bucket(&mut self, asset: AssetId, bucket: Option<Bucket>) {
        let before = put(&mut self.buckets, asset, bucket);
        self.journal.push(Undo::Bucket(asset, before));
    }

    pub(super) fn set_offer(&mut self, lot: LotId, offer: Option<Offer>) {
        let before = put(&mut self.offers, lot, offer);
        if let Some(before) = before {
            self.ends.remove(&(before.auction.ends, lot));
        }
        if let Some(offer) = offer {
            self.ends.insert((offer.auction.ends, lot));
        }
        self.journal.push(Undo::Offer(lot, before));
    }

    pub(super) fn set_unsold(&mut self, lot: LotId, unsold: Option<Amount>) {
        let before = put(&mut self.unsold, lot, unsold);
        self.journal.push(Undo::Unsold(lot, before));
    }

    pub(super) fn set_waiting(&mut self, nonce: Nonce, waiting: Option<Waiting>) {
        let before = put(&mut self.waiting, nonce, waiting);
        if let Some(before) = before {
            self.ready.remove(&(before.ready, nonce));
            self.expiries.remove(&(before.expires, nonce));
        }
        if let Some(waiting) = waiting {
            self.ready.insert((waiting.ready, nonce));
            self.expiries.insert((waiting.expires, nonce));
        }
        self.journal.push(Undo::Waiting(nonce, before));
    }

    pub(super) fn set_maker(&mut self, maker: Address, listed: bool) {
        let before = if listed { !self.makers.insert(maker) } else { self.makers.remove(&maker) };
        self.journal.push(Undo::Maker(maker, before));
    }

    pub(super) fn set_done(&mut self, nonce: Nonce) {
        *self.done.entry(nonce.0 / 64).or_default() |= 1 << (nonce.0 % 64);
        self.journal.push(Undo::Done(nonce));
    }

    pub(super) fn set_bridged(&mut self, from: ChainId, nonce: Nonce) {
        self.bridged.insert((from, nonce));
        self.journal.push(Undo::Bridged(from, nonce));
    }

    pub(super) fn set_freeze(&mut self, freeze: FreezeState) {
        let before = std::mem::replace(&mut self.freeze, freeze);
        self.journal.push(Undo::Freeze(before));
    }

    pub(super) fn set_validators(&mut self, validators: ValidatorSet) {
        let before = std::mem::replace(&mut self.validators, validators);
        self.journal.push(Undo::Validators(before));
    }

    /// A place to come back to.
    pub(super) fn mark(&self) -> usize {
        self.journal.len()
    }

    /// Back to how everything was at the mark.
    pub(super) fn undo_to(&mut self, mark: usize) {
        let undone = self.journal.split_off(mark);
        self.undo(undone);
    }

    /// What changed since it was last asked for.
    pub(super) fn take_journal(&mut self) -> Vec<Undo> {
        std::mem::take(&mut self.journal)
    }

    /// Takes changes back, the last first.
    pub(super) fn undo(&mut self, journal: Vec<Undo>) {
        let kept = self.journal.len();
        for undo in journal.into_iter().rev() {
            match undo {
                Undo::Balance(asset, balance) => self.set_balance(asset, balance),
                Undo::Unit(asset, unit) => self.set_unit(asset, unit),
                Undo::Bucket(asset, bucket) => self.set_bucket(asset, bucket),
                Undo::Offer(lot, offer) => self.set_offer(lot, offer),
                Undo::Unsold(lot, unsold) => self.set_unsold(lot, unsold),
                Undo::Waiting(nonce, waiting) => self.set_waiting(nonce, waiting),
                Undo::Maker(maker, listed) => self.set_maker(maker, listed),
                Undo::Done(nonce) => {
                    *self.done.entry(nonce.0 / 64).or_default() &= !(1 << (nonce.0 % 64));
                }
                Undo::Bridged(from, nonce) => {
                    self.bridged.remove(&(from, nonce));
                }
                Undo::Freeze(freeze) => self.set_freeze(freeze),
                Undo::Validators(validators) => self.set_validators(validators),
            }
        }
        // Going back is not a change.
        self.journal.truncate(kept);
    }
}

/// Puts a value in its place, or takes it away; gives what was there.
fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    }
}
