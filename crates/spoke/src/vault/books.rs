//! Everything that a vault in this process remembers, with what it was before each change.
//!
//! - One setter a kind of record: it writes down what was there, and keeps the queues of times in step.
//! - [`Books::undo_to`] goes back to a mark; [`Books::take_journal`] hands over what a block changed, so that the
//!   block can be undone as long as it is not final.

use crate::Offer;
use crate::certificate::ValidatorSet;
use ballast_types::{Address, AssetId, ChainId, Hash, LotId, Nonce};
use ballast_units::math::{mul_div_down, mul_div_up};
use ballast_units::{Amount, Millis, Time};
use std::collections::{BTreeMap, BTreeSet};

/// What a vault holds of an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// What came in less what left.
    pub booked: Amount,
    /// The part of it under auction or waiting.
    pub reserved: Amount,
}

impl Balance {
    /// What may leave or be put up for auction.
    #[must_use]
    pub fn free(self) -> Amount {
        self.booked.saturating_sub(self.reserved)
    }
}

/// How much of a token may leave, and how fast: a bucket that holds `outflow` and loses as much a `window`, evenly; and a
/// second one of `delay_above` for what does not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What the first one holds.
    pub outflow: Amount,
    /// In which either leaks what it holds.
    pub window: Millis,
    /// What the second one holds: a release that it has no room for waits.
    pub delay_above: Amount,
    /// How long; not at all where it is zero.
    pub delay: Millis,
    /// What was used of the first one at `since` and what was free then, together. So whatever lowers what is free uses
    /// it, and whatever comes in gives back.
    pub mark: Amount,
    /// What was used of the second one at `since`.
    pub quick: Amount,
    /// When both were reckoned.
    pub since: Time,
}

impl Bucket {
    /// A limit above this is none: a vault holds at most 2^110.
    pub const NO_LIMIT: Amount = Amount::from_wei((1 << 111) - 1);

    /// What is used of the first one at a time, with so much free; what leaked is rounded down, against whoever takes out.
    pub fn used_at(&self, free: Amount, time: Time) -> Amount {
        self.mark.saturating_sub(self.leaked(self.outflow, time.since(self.since))).saturating_sub(free)
    }

    /// What is used of the second one at a time.
    pub fn quick_at(&self, time: Time) -> Amount {
        self.quick.saturating_sub(self.leaked(self.delay_above, time.since(self.since)))
    }

    /// What leaks of a bucket that holds `size`.
    pub(super) fn leaked(&self, size: Amount, passed: Millis) -> Amount {
        let leaked = mul_div_down(u128::from(passed.get()), size.wei(), u128::from(self.window.get()));
        leaked.map_or(Amount::MAX, Amount::from_wei)
    }

    /// Both as they are now.
    pub(super) fn reckon(&mut self, free: Amount, time: Time) {
        self.mark = self.used_at(free, time) + free;
        self.quick = self.quick_at(time);
        self.since = time;
    }

    /// From when on the first one has room for an amount, with so much free; none where it is too small for it.
    fn room_at(&self, free: Amount, amount: Amount) -> Option<Time> {
        let rest = self.outflow.wei().checked_sub(amount.wei())?;
        let need = self.mark.saturating_sub(free).wei().saturating_sub(rest);
        let passed = mul_div_up(need, u128::from(self.window.get()), self.outflow.wei().max(1)).ok()?;
        Some(self.since.after(Millis::new(u64::try_from(passed).ok()?)))
    }
}

/// A release that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What.
    pub asset: AssetId,
    /// How much.
    pub amount: Amount,
    /// From when on it can be paid.
    pub ready: Time,
    /// From when on it cannot any more.
    pub expires: Time,
}

/// What waits to be handed over to a successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moving {
    /// The order that named it.
    pub nonce: Nonce,
    /// The successor.
    pub to: Address,
    /// From when on anybody may have it done.
    pub ready: Time,
    /// From when on nobody may any more.
    pub until: Time,
}

impl Moving {
    /// It may be carried out now: nothing is reserved meanwhile.
    pub(super) fn is_due(&self, time: Time) -> bool {
        self.ready <= time && time < self.until
    }
}

/// The last freeze.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FreezeState {
    /// From when on the vault was shut until `until`: of the first of freezes without a gap.
    pub since: Time,
    /// Its end.
    pub until: Time,
    /// The latest end of a freeze that a quorum ended early: a freeze up to there is not taken again.
    pub void_until: Time,
}

/// One record as it was before a change.
#[derive(Clone, Debug)]
pub struct Undo(Before);

#[derive(Clone, Debug)]
enum Before {
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
    Moving(Option<Moving>),
    Site(Box<Site>),
}

/// What one contract remembers, and its successor neither takes over nor asks for.
#[derive(Clone, Debug, Default)]
struct Site {
    /// What is signed for it carries this.
    domain: Hash,
    makers: BTreeSet<Address>,
}

/// What a vault remembers.
#[derive(Clone, Debug)]
pub struct Books {
    balances: BTreeMap<AssetId, Balance>,
    units: BTreeMap<AssetId, Amount>,
    buckets: BTreeMap<AssetId, Bucket>,
    offers: BTreeMap<LotId, Offer>,
    waiting: BTreeMap<Nonce, Waiting>,
    site: Site,
    /// What the last auction of a lot left. A successor asks its predecessor, for this and for what is done.
    unsold: BTreeMap<LotId, Amount>,
    /// A bit a nonce, 64 a word.
    done: BTreeMap<u64, u64>,
    moving: Option<Moving>,
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
    pub(super) fn new(domain: Hash, units: BTreeMap<AssetId, Amount>, validators: ValidatorSet) -> Self {
        Self {
            balances: BTreeMap::new(),
            units,
            buckets: BTreeMap::new(),
            offers: BTreeMap::new(),
            waiting: BTreeMap::new(),
            site: Site { domain, ..Site::default() },
            unsold: BTreeMap::new(),
            done: BTreeMap::new(),
            moving: None,
            bridged: BTreeSet::new(),
            freeze: FreezeState::default(),
            validators,
            ends: BTreeSet::new(),
            ready: BTreeSet::new(),
            expiries: BTreeSet::new(),
            journal: Vec::new(),
        }
    }

    /// What is signed for it carries this.
    #[must_use]
    pub const fn domain(&self) -> Hash {
        self.site.domain
    }

    /// What waits to be handed over.
    #[must_use]
    pub const fn moving(&self) -> Option<&Moving> {
        self.moving.as_ref()
    }

    /// The first asset of which something is reserved, and how much.
    pub(super) fn reserved(&self) -> Option<(AssetId, Amount)> {
        let mut all = self.balances.iter().map(|(asset, balance)| (*asset, balance.reserved));
        all.find(|(_, reserved)| !reserved.is_zero())
    }

    /// What it holds of an asset.
    #[must_use]
    pub fn balance(&self, asset: AssetId) -> Balance {
        self.balances.get(&asset).copied().unwrap_or_default()
    }

    /// Smallest unit of a listed asset, in wei.
    #[must_use]
    pub fn unit(&self, asset: AssetId) -> Option<Amount> {
        self.units.get(&asset).copied()
    }

    /// How much of an asset may leave, where that was ordered.
    #[must_use]
    pub fn bucket(&self, asset: AssetId) -> Option<&Bucket> {
        self.buckets.get(&asset)
    }

    /// A running auction.
    #[must_use]
    pub fn offer(&self, lot: LotId) -> Option<&Offer> {
        self.offers.get(&lot)
    }

    /// Every running auction, by lot.
    pub fn offers(&self) -> impl Iterator<Item = (LotId, &Offer)> {
        self.offers.iter().map(|(lot, offer)| (*lot, offer))
    }

    /// What the last auction of a lot left.
    #[must_use]
    pub fn unsold(&self, lot: LotId) -> Option<Amount> {
        self.unsold.get(&lot).copied()
    }

    /// A release that waits.
    #[must_use]
    pub fn waiting(&self, nonce: Nonce) -> Option<&Waiting> {
        self.waiting.get(&nonce)
    }

    /// Whether an address is a listed market maker.
    #[must_use]
    pub fn is_maker(&self, address: Address) -> bool {
        self.site.makers.contains(&address)
    }

    /// Whether an order's number is used up.
    #[must_use]
    pub fn is_done(&self, nonce: Nonce) -> bool {
        self.done.get(&(nonce.0 / 64)).is_some_and(|word| word >> (nonce.0 % 64) & 1 == 1)
    }

    /// Whether what this order sent has arrived.
    #[must_use]
    pub fn is_bridged(&self, from: ChainId, nonce: Nonce) -> bool {
        self.bridged.contains(&(from, nonce))
    }

    /// The last freeze.
    #[must_use]
    pub const fn freeze(&self) -> FreezeState {
        self.freeze
    }

    /// Whose orders it takes.
    #[must_use]
    pub const fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// An auction whose end has come.
    pub(super) fn ended_by(&self, time: Time) -> Option<LotId> {
        self.ends.first().filter(|(ends, _)| *ends <= time).map(|(_, lot)| *lot)
    }

    /// Every waiting release, by its order.
    pub fn all_waiting(&self) -> impl Iterator<Item = (Nonce, &Waiting)> {
        self.waiting.iter().map(|(nonce, waiting)| (*nonce, waiting))
    }

    /// The waiting releases that have waited long enough, the longest first.
    pub(super) fn ready_by(&self, time: Time) -> Vec<Nonce> {
        self.ready.iter().take_while(|(ready, _)| *ready <= time).map(|(_, nonce)| *nonce).collect()
    }

    /// When a waiting release can be paid, if nothing else happens.
    fn payable_at(&self, ready: Time, nonce: Nonce) -> Option<Time> {
        let waiting = self.waiting.get(&nonce).expect("what is ready waits");
        let room = match self.buckets.get(&waiting.asset) {
            Some(bucket) => bucket.room_at(self.balance(waiting.asset).free(), waiting.amount)?,
            None => ready,
        };
        Some(ready.max(room).max(self.freeze.until))
    }

    /// A waiting release that can be paid no more.
    pub(super) fn expired_by(&self, time: Time) -> Option<Nonce> {
        self.expiries.first().filter(|(expires, _)| *expires <= time).map(|(_, nonce)| *nonce)
    }

    /// The next time at which something is to be done.
    pub fn next_due(&self) -> Option<Time> {
        let ends = self.ends.first().map(|(ends, _)| *ends);
        let ready = self.ready.iter().filter_map(|(ready, nonce)| self.payable_at(*ready, *nonce)).min();
        let expires = self.expiries.first().map(|(expires, _)| *expires);
        let moves = self.moving.map(|moving| moving.ready.max(self.freeze.until));
        let moves = moves.filter(|_| self.reserved().is_none());
        [ends, ready, expires, moves].into_iter().flatten().min()
    }

    pub(super) fn set_balance(&mut self, asset: AssetId, balance: Balance) {
        let before = self.balances.insert(asset, balance).unwrap_or_default();
        self.journal.push(Undo(Before::Balance(asset, before)));
    }

    pub(super) fn set_unit(&mut self, asset: AssetId, unit: Option<Amount>) {
        let before = put(&mut self.units, asset, unit);
        self.journal.push(Undo(Before::Unit(asset, before)));
    }

    pub(super) fn set_bucket(&mut self, asset: AssetId, bucket: Option<Bucket>) {
        let before = put(&mut self.buckets, asset, bucket);
        self.journal.push(Undo(Before::Bucket(asset, before)));
    }

    pub(super) fn set_offer(&mut self, lot: LotId, offer: Option<Offer>) {
        let before = put(&mut self.offers, lot, offer);
        if let Some(before) = before {
            self.ends.remove(&(before.auction.ends, lot));
        }
        if let Some(offer) = offer {
            self.ends.insert((offer.auction.ends, lot));
        }
        self.journal.push(Undo(Before::Offer(lot, before)));
    }

    pub(super) fn set_unsold(&mut self, lot: LotId, unsold: Option<Amount>) {
        let before = put(&mut self.unsold, lot, unsold);
        self.journal.push(Undo(Before::Unsold(lot, before)));
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
        self.journal.push(Undo(Before::Waiting(nonce, before)));
    }

    pub(super) fn set_maker(&mut self, maker: Address, listed: bool) {
        let before = if listed { !self.site.makers.insert(maker) } else { self.site.makers.remove(&maker) };
        self.journal.push(Undo(Before::Maker(maker, before)));
    }

    pub(super) fn set_done(&mut self, nonce: Nonce) {
        *self.done.entry(nonce.0 / 64).or_default() |= 1 << (nonce.0 % 64);
        self.journal.push(Undo(Before::Done(nonce)));
    }

    pub(super) fn set_bridged(&mut self, from: ChainId, nonce: Nonce) {
        self.bridged.insert((from, nonce));
        self.journal.push(Undo(Before::Bridged(from, nonce)));
    }

    pub(super) fn set_freeze(&mut self, freeze: FreezeState) {
        let before = std::mem::replace(&mut self.freeze, freeze);
        self.journal.push(Undo(Before::Freeze(before)));
    }

    pub(super) fn set_validators(&mut self, validators: ValidatorSet) {
        let before = std::mem::replace(&mut self.validators, validators);
        self.journal.push(Undo(Before::Validators(before)));
    }

    pub(super) fn set_moving(&mut self, moving: Option<Moving>) {
        let before = std::mem::replace(&mut self.moving, moving);
        self.journal.push(Undo(Before::Moving(before)));
    }

    /// A successor goes on with everything but what one contract alone remembers.
    pub(super) fn move_to(&mut self, domain: Hash) {
        self.set_moving(None);
        self.set_site(Site { domain, ..Site::default() });
    }

    fn set_site(&mut self, site: Site) {
        let before = std::mem::replace(&mut self.site, site);
        self.journal.push(Undo(Before::Site(Box::new(before))));
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
            match undo.0 {
                Before::Balance(asset, balance) => self.set_balance(asset, balance),
                Before::Unit(asset, unit) => self.set_unit(asset, unit),
                Before::Bucket(asset, bucket) => self.set_bucket(asset, bucket),
                Before::Offer(lot, offer) => self.set_offer(lot, offer),
                Before::Unsold(lot, unsold) => self.set_unsold(lot, unsold),
                Before::Waiting(nonce, waiting) => self.set_waiting(nonce, waiting),
                Before::Maker(maker, listed) => self.set_maker(maker, listed),
                Before::Done(nonce) => {
                    *self.done.entry(nonce.0 / 64).or_default() &= !(1 << (nonce.0 % 64));
                }
                Before::Bridged(from, nonce) => {
                    self.bridged.remove(&(from, nonce));
                }
                Before::Freeze(freeze) => self.set_freeze(freeze),
                Before::Validators(validators) => self.set_validators(validators),
                Before::Moving(moving) => self.set_moving(moving),
                Before::Site(site) => self.set_site(*site),
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
