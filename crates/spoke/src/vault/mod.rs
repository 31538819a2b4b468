//! The vault in Rust: what `docs/messages.md` says that a vault does, rule for rule as the contracts do it.
//!
//! - There is one: chains in this process ([`crate::SimChain`]), the engine's tests and `ballast exec` all stand on it, and a
//!   differential test holds it to the Solidity vault.
//! - Whatever changes is written down with what it was before: a transaction that fails, and a block that is dropped,
//!   are undone at the price of what they changed.
//! - Auctions whose time is up are ended, releases that waited long enough are paid, and those that expired meanwhile are
//!   dropped, in the first block that can: somebody always pokes.
//! - Absent: a token without limits may leave without limit, while a contract's must be given one first. A successor is not
//!   another contract here: it goes on with the same books under another domain, and forgets what one contract alone knows.
//! - Keeps: booked = what came in less what left; `reserved <= booked`; a nonce is used once (I06).

mod books;

pub use books::{Balance, Books, Bucket, FreezeState, Moving, Undo, Waiting};

use crate::certificate::{Certificate, ValidatorSet};
use crate::message::{Bridged, Freeze, Payload};
use crate::{Carried, Done, Offer, Poke, Revert, Take};
use ballast_engine::auction::{self, Cut};
use ballast_types::digest::{ChainKind, domain, result_start, result_take};
use ballast_types::{
    Address, AssetId, Auction, ChainId, Hash, LotId, MIGRATION_DELAY, MIGRATION_WINDOW, Nonce, Order,
    OrderAction, Owner, VaultEvent,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use std::collections::BTreeMap;

/// Longest freeze.
const DAY: Millis = Millis::days(1);

/// A vault and what it told in the block that is being made.
#[derive(Clone, Debug)]
pub struct Vault {
    chain: ChainId,
    coin: AssetId,
    books: Books,
    /// Told since they were last taken.
    events: Vec<VaultEvent>,
    /// Sent to other chains since they were last taken.
    sent: Vec<(ChainId, Bridged)>,
}

/// What a vault did since it was last asked: its facts, what it sent to other chains, and how to undo both.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Facts, in order.
    pub events: Vec<VaultEvent>,
    /// Collateral for other chains, with where it goes.
    pub sent: Vec<(ChainId, Bridged)>,
    /// What was changed, for [`Vault::undo`].
    pub journal: Vec<Undo>,
}

impl Vault {
    /// An empty vault of `chain`, which lists these tokens with their smallest units, in wei, and obeys these validators.
    #[must_use]
    pub fn new(
        domain: Hash,
        chain: ChainId,
        coin: AssetId,
        units: BTreeMap<AssetId, Amount>,
        validators: ValidatorSet,
    ) -> Self {
        assert!(units.contains_key(&coin), "a vault that does not list its coin");
        assert!(units.values().all(|unit| !unit.is_zero()), "a token whose unit is nothing");
        Self {
            chain,
            coin,
            books: Books::new(domain, units, validators),
            events: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// What is signed for it carries this.
    #[must_use]
    pub const fn domain(&self) -> Hash {
        self.books.domain()
    }

    /// What it remembers.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// Facts told since they were last taken.
    #[must_use]
    pub fn told(&self) -> usize {
        self.events.len()
    }

    /// Hands over what it did since the last call.
    pub fn take_told(&mut self) -> Told {
        Told {
            events: std::mem::take(&mut self.events),
            sent: std::mem::take(&mut self.sent),
            journal: self.books.take_journal(),
        }
    }

    /// Takes back what it did, the last [`Told`] first.
    pub fn undo(&mut self, journal: Vec<Undo>) {
        self.books.undo(journal);
    }

    /// Tokens come in for an account.
    pub fn deposit(&mut self, owner: Owner, asset: AssetId, amount: Amount) -> Result<(), Revert> {
        self.check_arrival(asset, amount)?;
        self.credit(asset, amount);
        self.events.push(VaultEvent::Deposited { owner, asset, amount });
        Ok(())
    }

    /// Orders of a quorum: each takes effect or fails for itself.
    pub fn deliver(&mut self, payload: &Payload, time: Time) -> Result<Done, Revert> {
        payload.verify(self.domain(), self.books.validators())?;
        let one = |order: &Order| (order.nonce, self.execute(order, time));
        Ok(Done::Delivered(payload.orders.iter().map(one).collect()))
    }

    /// Shuts the vault until a time: fewer sign it than move money.
    pub fn freeze(
        &mut self,
        freeze: Freeze,
        epoch: u32,
        certificate: &Certificate,
        time: Time,
    ) -> Result<Done, Revert> {
        let set = self.books.validators();
        if epoch != set.epoch() {
            return Err(Revert::WrongEpoch { have: epoch, want: set.epoch() });
        }
        let FreezeState { since, until, void_until } = self.books.freeze();
        let (last, latest) = (time.max(until).max(void_until), time.after(DAY));
        if freeze.until <= last || latest < freeze.until {
            return Err(Revert::WrongUntil { until: freeze.until, last, latest });
        }
        // A quorum may prolong a freeze for ever, fewer up to a day after it began; then they have to let the vault be
        // open first, as long as it was shut.
        let from = until.after(until.since(since));
        let within = time < until && freeze.until <= since.after(DAY);
        if certificate.signatures.len() < set.quorum() && time < from && !within {
            return Err(Revert::FreezeTooSoon { from });
        }
        set.verify(freeze.digest(self.domain(), epoch), certificate, set.freeze_quorum())?;
        let since = if until <= time { time } else { since };
        self.books.set_freeze(FreezeState { since, until: freeze.until, void_until });
        Ok(Done::Frozen)
    }

    /// Sells part of a lot at the price of `time`.
    pub fn take(&mut self, take: &Take, time: Time) -> Result<Done, Revert> {
        let lot = take.lot;
        let mut offer = *self.books.offer(lot).ok_or(Revert::NoAuction(lot))?;
        if offer.auction.ends <= time {
            return Err(Revert::NoAuction(lot));
        }
        let price = auction::price(&offer.auction, time);
        if take.price_max < price {
            return Err(Revert::PriceTooHigh { price, limit: take.price_max });
        }
        let coin = self.books.unit(self.coin).expect("a vault lists its chain's coin");
        let remainder = offer.remainder(price, self.unit(offer.asset)?, coin);
        let Cut { quantity, due: paid } = remainder.cut(take.quantity).ok_or(Revert::TakeRefused)?;
        if quantity < take.least {
            return Err(Revert::TakeBelowLeast { quantity, least: take.least });
        }
        self.check_whole(offer.asset, quantity)?;
        let rebate = if self.books.is_maker(take.taker) {
            auction::rebate(&offer.auction, time, paid).units_down(coin)
        } else {
            Amount::ZERO
        };
        self.move_balance(offer.asset, |balance| {
            balance.booked -= quantity;
            balance.reserved -= quantity;
        });
        self.credit(self.coin, paid - rebate);
        self.events.push(VaultEvent::Taken { lot, taker: take.taker, quantity, paid, rebate });
        offer.left -= quantity;
        offer.paid += paid;
        offer.result = result_take(offer.result, take.taker, quantity, paid, rebate);
        if offer.left.is_zero() || offer.auction.need <= offer.paid {
            self.end(lot, offer, time);
        } else {
            self.books.set_offer(lot, Some(offer));
        }
        Ok(Done::Taken { lot, quantity, paid, rebate })
    }

    /// What anybody may have it do once its time has come.
    pub fn poke(&mut self, poke: Poke, time: Time) -> Result<Done, Revert> {
        match poke {
            Poke::End(lot) => {
                let offer = *self.books.offer(lot).ok_or(Revert::NoAuction(lot))?;
                if time < offer.auction.ends {
                    return Err(Revert::NotOver { lot, ends: offer.auction.ends });
                }
                self.end(lot, offer, time);
            }
            Poke::Pay(nonce) => {
                let waiting = *self.books.waiting(nonce).ok_or(Revert::NotWaiting(nonce))?;
                if time < waiting.ready {
                    return Err(Revert::NotReady { nonce, ready: waiting.ready });
                }
                if waiting.expires <= time {
                    return Err(Revert::Expired { nonce, expires: waiting.expires, time });
                }
                self.check_open(time)?;
                // One that the bucket has no room for now waits on.
                if let Some(mut bucket) = self.reckoned(waiting.asset, time) {
                    check_room(&bucket, waiting.asset, self.free(waiting.asset), waiting.amount)?;
                    bucket.mark += waiting.amount;
                    self.books.set_bucket(waiting.asset, Some(bucket));
                }
                self.books.set_waiting(nonce, None);
                self.move_balance(waiting.asset, |balance| balance.reserved -= waiting.amount);
                self.pay(nonce, waiting.asset, waiting.amount);
            }
            Poke::Drop(nonce) => {
                let waiting = *self.books.waiting(nonce).ok_or(Revert::NotWaiting(nonce))?;
                if time < waiting.expires {
                    return Err(Revert::NotExpired { nonce, expires: waiting.expires });
                }
                self.drop(nonce, waiting);
            }
            Poke::Migrate(nonce) => self.migrate(nonce, time)?,
        }
        Ok(Done::Poked)
    }

    /// Tokens of another vault. Its gateway brings them once, however often their message comes.
    pub fn bridge_in(&mut self, bridged: &Bridged) -> Result<(), Revert> {
        let Bridged { from, nonce, asset, amount } = *bridged;
        if self.books.is_bridged(from, nonce) {
            return Err(Revert::BridgedBefore { from, nonce });
        }
        self.check_arrival(asset, amount)?;
        self.books.set_bridged(from, nonce);
        self.credit(asset, amount);
        self.events.push(VaultEvent::BridgedIn { from, nonce, asset, amount });
        Ok(())
    }

    /// What the time of a block has come for, before its transactions.
    pub fn tick(&mut self, time: Time) {
        while let Some(lot) = self.books.ended_by(time) {
            let offer = *self.books.offer(lot).expect("an end has its auction");
            self.end(lot, offer, time);
        }
        while let Some(nonce) = self.books.expired_by(time) {
            let waiting = *self.books.waiting(nonce).expect("an expiry has its release");
            self.drop(nonce, waiting);
        }
        for nonce in self.books.ready_by(time) {
            // Frozen, or without room: it is tried again.
            let _ = self.poke(Poke::Pay(nonce), time);
        }
        if let Some(Moving { nonce, ready, .. }) = self.books.moving().copied()
            && ready <= time
        {
            // Frozen, or something is under auction: it is tried again until it is too late.
            let _ = self.poke(Poke::Migrate(nonce), time);
        }
    }

    /// Does something, or nothing at all.
    pub fn attempt<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, Revert>) -> Result<T, Revert> {
        let (mark, events, sent) = (self.books.mark(), self.events.len(), self.sent.len());
        let result = act(self);
        if result.is_err() {
            self.books.undo_to(mark);
            self.events.truncate(events);
            self.sent.truncate(sent);
        }
        result
    }

    /// One order of a quorum, whose certificate the caller has checked: takes effect, or changes nothing.
    pub fn execute(&mut self, order: &Order, time: Time) -> Result<Carried, Revert> {
        self.attempt(|vault| vault.carry_out(order, time))
    }

    fn carry_out(&mut self, order: &Order, time: Time) -> Result<Carried, Revert> {
        let &Order { nonce, expires, .. } = order;
        if self.books.is_done(nonce) {
            return Err(Revert::OrderSeen(nonce));
        }
        if nonce.0 == 0 {
            return Err(Revert::NonceZero);
        }
        if expires <= time {
            return Err(Revert::Expired { nonce, expires, time });
        }
        self.books.set_done(nonce);
        match order.action {
            OrderAction::Release { asset, amount, .. } => {
                return self.release(nonce, expires, asset, amount, time);
            }
            OrderAction::StartAuction { lot, asset, auction } => {
                self.start(nonce, lot, asset, auction, time)?;
            }
            OrderAction::CancelAuction { lot, start } => self.cancel(lot, start, time)?,
            OrderAction::Bridge { asset, amount, to, .. } => self.bridge(nonce, asset, amount, to, time)?,
            OrderAction::Rotate { epoch, ref signers } => {
                let want = self.books.validators().epoch() + 1;
                if epoch != want {
                    return Err(Revert::WrongEpoch { have: epoch, want });
                }
                self.books.set_validators(ValidatorSet::new(epoch, signers.clone())?);
            }
            OrderAction::SetLimits { asset, outflow, window, delay_above, delay } => {
                self.unit(asset)?;
                if window.is_zero() {
                    return Err(Revert::WrongLimits(window));
                }
                let [outflow, delay_above] = [outflow, delay_above].map(|size| size.min(Bucket::NO_LIMIT));
                // What has left up to now leaks at the old rate until now, at the new one from now.
                let before = self.reckoned(asset, time);
                let mark = before.map_or_else(|| self.free(asset), |bucket| bucket.mark);
                let quick = before.map_or(Amount::ZERO, |bucket| bucket.quick).min(delay_above);
                let bucket = Bucket { outflow, window, delay_above, delay, mark, quick, since: time };
                self.books.set_bucket(asset, Some(bucket));
            }
            OrderAction::ListMaker { maker, listed } => self.books.set_maker(maker, listed),
            OrderAction::Unfreeze {} => {
                let last = self.books.freeze();
                // An earlier end stays: the pause after a freeze counts from it.
                if time < last.until {
                    let void_until = last.void_until.max(last.until);
                    self.books.set_freeze(FreezeState { until: time, void_until, ..last });
                }
            }
            OrderAction::ListToken { asset, token: _, unit } => match self.books.unit(asset) {
                Some(have) if have != unit => {
                    return Err(Revert::WrongUnit { asset, have, want: unit });
                }
                None if unit.is_zero() => {
                    return Err(Revert::WrongUnit { asset, have: Amount::ZERO, want: unit });
                }
                Some(_) => {}
                None => self.books.set_unit(asset, Some(unit)),
            },
            OrderAction::Migrate { to } => return self.prepare(nonce, expires, to, time),
        }
        self.events.push(VaultEvent::Executed { nonce });
        Ok(Carried::Executed)
    }

    fn release(
        &mut self,
        nonce: Nonce,
        expires: Time,
        asset: AssetId,
        amount: Amount,
        time: Time,
    ) -> Result<Carried, Revert> {
        self.check_leaves(asset, amount, time)?;
        let Some(mut bucket) = self.reckoned(asset, time).filter(|bucket| waits(bucket, amount)) else {
            self.spend(asset, amount, time, true)?;
            self.pay(nonce, asset, amount);
            return Ok(Carried::Executed);
        };
        if let Some(moving) = self.books.moving().filter(|moving| moving.is_due(time)) {
            return Err(Revert::MigrationWaits(moving.nonce));
        }
        let ready = time.after(bucket.delay);
        if expires <= ready {
            return Err(Revert::Expired { nonce, expires, time: ready });
        }
        if bucket.outflow < amount {
            return Err(Revert::OutflowTooLarge { asset, amount, left: bucket.outflow });
        }
        // It is not free any more, and not counted before it leaves.
        bucket.mark -= amount;
        self.books.set_bucket(asset, Some(bucket));
        self.move_balance(asset, |balance| balance.reserved += amount);
        self.books.set_waiting(nonce, Some(Waiting { asset, amount, ready, expires }));
        Ok(Carried::Waiting(ready))
    }

    /// What waited in vain is free again, and its order is the hub's to undo.
    fn drop(&mut self, nonce: Nonce, waiting: Waiting) {
        let Waiting { asset, amount, .. } = waiting;
        self.books.set_waiting(nonce, None);
        self.move_balance(asset, |balance| balance.reserved -= amount);
        if let Some(mut bucket) = self.books.bucket(asset).copied() {
            bucket.mark += amount;
            self.books.set_bucket(asset, Some(bucket));
        }
    }

    fn pay(&mut self, nonce: Nonce, asset: AssetId, amount: Amount) {
        self.move_balance(asset, |balance| balance.booked -= amount);
        self.events.push(VaultEvent::Executed { nonce });
    }

    fn start(
        &mut self,
        nonce: Nonce,
        lot: LotId,
        asset: AssetId,
        mut auction: Auction,
        time: Time,
    ) -> Result<(), Revert> {
        self.check_leaves(asset, auction.quantity, time)?;
        if let Some(bucket) = self.reckoned(asset, time).filter(|bucket| waits(bucket, auction.quantity)) {
            let left = bucket.delay_above.saturating_sub(bucket.quick);
            return Err(Revert::AuctionWouldWait { asset, amount: auction.quantity, left });
        }
        self.spend(asset, auction.quantity, time, true)?;
        if let Some(offer) = self.books.offer(lot) {
            return Err(Revert::LotRunning { lot, start: offer.start });
        }
        // What an earlier auction of the lot sold cannot be sold again: after a reorg the hub calls such a start off.
        if let Some(unsold) = self.books.unsold(lot).filter(|unsold| *unsold < auction.quantity) {
            return Err(Revert::LotSold { lot, unsold, quantity: auction.quantity });
        }
        check_terms(lot, &auction)?;
        // At the end nothing is sold any more, at whatever price; all parts are whole.
        auction.invites = auction.invites.min(auction.ends);
        // More than everything is as good as everything.
        auction.need = auction.need.min(Amount::LIMIT);
        auction.dust = auction.dust.min(Amount::LIMIT).units_up(self.unit(asset)?).unwrap_or(Amount::LIMIT);
        self.move_balance(asset, |balance| balance.reserved += auction.quantity);
        let result = result_start(self.domain(), lot, nonce);
        let offer = Offer {
            asset,
            start: nonce,
            began: time,
            auction,
            left: auction.quantity,
            paid: Amount::ZERO,
            result,
        };
        self.books.set_offer(lot, Some(offer));
        Ok(())
    }

    fn cancel(&mut self, lot: LotId, start: Nonce, time: Time) -> Result<(), Revert> {
        if start.0 == 0 {
            return Err(Revert::NonceZero);
        }
        if !self.books.is_done(start) {
            // Not carried out, and never will be.
            self.books.set_done(start);
            let result = result_start(self.domain(), lot, start);
            self.events.push(VaultEvent::Ended { lot, result });
        } else if let Some(offer) = self.books.offer(lot).copied().filter(|offer| offer.start == start) {
            self.end(lot, offer, time);
        }
        // Over already: the hub has been told.
        Ok(())
    }

    fn bridge(
        &mut self,
        nonce: Nonce,
        asset: AssetId,
        amount: Amount,
        to: ChainId,
        time: Time,
    ) -> Result<(), Revert> {
        if to == self.chain {
            return Err(Revert::BridgeToItself(to));
        }
        self.check_leaves(asset, amount, time)?;
        // No delay: the tokens go from one vault to another.
        self.spend(asset, amount, time, false)?;
        self.move_balance(asset, |balance| balance.booked -= amount);
        self.sent.push((to, Bridged { from: self.chain, nonce, asset, amount }));
        Ok(())
    }

    /// Where everything is going to go. It waits, so that others see it and can freeze the vault.
    fn prepare(&mut self, nonce: Nonce, expires: Time, to: Address, time: Time) -> Result<Carried, Revert> {
        if let Some(moving) = self.books.moving().filter(|moving| time < moving.until) {
            return Err(Revert::MigrationWaits(moving.nonce));
        }
        let ready = time.after(MIGRATION_DELAY);
        if expires <= ready {
            return Err(Revert::Expired { nonce, expires, time: ready });
        }
        if to == Address::default() {
            return Err(Revert::WrongSuccessor);
        }
        let until = ready.after(MIGRATION_WINDOW).min(expires);
        self.books.set_moving(Some(Moving { nonce, to, ready, until }));
        Ok(Carried::Waiting(ready))
    }

    /// Everything goes to the successor: here, another contract's memory on the same books.
    fn migrate(&mut self, nonce: Nonce, time: Time) -> Result<(), Revert> {
        let moving = self.books.moving().copied().filter(|moving| moving.nonce == nonce);
        let Moving { to, ready, until, .. } = moving.ok_or(Revert::NotWaiting(nonce))?;
        if time < ready {
            return Err(Revert::NotReady { nonce, ready });
        }
        if until <= time {
            return Err(Revert::Expired { nonce, expires: until, time });
        }
        self.check_open(time)?;
        if let Some((asset, reserved)) = self.books.reserved() {
            return Err(Revert::StillReserved { asset, reserved });
        }
        self.events.push(VaultEvent::Executed { nonce });
        self.books.move_to(domain(ChainKind::InProcess, u64::from(self.chain.0), to));
        Ok(())
    }

    /// An auction is over; what is unsold stays in the vault.
    fn end(&mut self, lot: LotId, offer: Offer, time: Time) {
        self.books.set_offer(lot, None);
        self.books.set_unsold(lot, Some(offer.left));
        self.move_balance(offer.asset, |balance| balance.reserved -= offer.left);
        self.give_back(offer, time);
        self.events.push(VaultEvent::Ended { lot, result: offer.result });
    }

    /// What is unsold is no outflow: as much of it as has not leaked since is given back. No more, or what leaked would
    /// be counted twice.
    fn give_back(&mut self, offer: Offer, time: Time) {
        let Some(mut bucket) = self.books.bucket(offer.asset).copied() else { return };
        let passed = time.since(offer.began);
        // What is free has risen by all of it.
        bucket.mark += bucket.leaked(bucket.outflow, passed).min(offer.left);
        let back = offer.left.saturating_sub(bucket.leaked(bucket.delay_above, passed));
        bucket.quick = bucket.quick.saturating_sub(back);
        self.books.set_bucket(offer.asset, Some(bucket));
    }

    /// Everything but the limits that has to hold before an amount leaves or is put up for auction.
    fn check_leaves(&self, asset: AssetId, amount: Amount, time: Time) -> Result<(), Revert> {
        self.check_open(time)?;
        self.check_whole(asset, amount)?;
        self.check_free(asset, amount)
    }

    /// Counts what is about to leave what is free, or is put up for auction, against the limits.
    fn spend(&mut self, asset: AssetId, amount: Amount, time: Time, quick: bool) -> Result<(), Revert> {
        let Some(mut bucket) = self.reckoned(asset, time) else { return Ok(()) };
        check_room(&bucket, asset, self.free(asset), amount)?;
        if quick {
            bucket.quick = (bucket.quick + amount).min(bucket.delay_above);
        }
        self.books.set_bucket(asset, Some(bucket));
        Ok(())
    }

    /// A token's limits as they are now.
    fn reckoned(&self, asset: AssetId, time: Time) -> Option<Bucket> {
        let mut bucket = self.books.bucket(asset).copied()?;
        bucket.reckon(self.free(asset), time);
        Some(bucket)
    }

    fn free(&self, asset: AssetId) -> Amount {
        self.books.balance(asset).free()
    }

    fn credit(&mut self, asset: AssetId, amount: Amount) {
        self.move_balance(asset, |balance| balance.booked += amount);
    }

    fn move_balance(&mut self, asset: AssetId, change: impl FnOnce(&mut Balance)) {
        let mut balance = self.books.balance(asset);
        change(&mut balance);
        self.books.set_balance(asset, balance);
    }

    fn unit(&self, asset: AssetId) -> Result<Amount, Revert> {
        self.books.unit(asset).ok_or(Revert::UnknownAsset(asset))
    }

    fn check_whole(&self, asset: AssetId, amount: Amount) -> Result<(), Revert> {
        let unit = self.unit(asset)?;
        if amount.is_zero() {
            return Err(Revert::AmountZero);
        }
        if !amount.wei().is_multiple_of(unit.wei()) {
            return Err(Revert::AmountUneven { amount, unit });
        }
        Ok(())
    }

    fn check_arrival(&self, asset: AssetId, amount: Amount) -> Result<(), Revert> {
        self.check_whole(asset, amount)?;
        let have = self.books.balance(asset).booked;
        if Amount::LIMIT.saturating_sub(have) < amount {
            return Err(Revert::VaultFull { have, amount, limit: Amount::LIMIT });
        }
        Ok(())
    }

    fn check_free(&self, asset: AssetId, need: Amount) -> Result<(), Revert> {
        let have = self.free(asset);
        if have < need { Err(Revert::VaultTooSmall { have, need }) } else { Ok(()) }
    }

    fn check_open(&self, time: Time) -> Result<(), Revert> {
        let until = self.books.freeze().until;
        if time < until { Err(Revert::Frozen { until }) } else { Ok(()) }
    }
}

/// Whether an amount has to wait, by limits that have just been reckoned.
fn waits(bucket: &Bucket, amount: Amount) -> bool {
    !bucket.delay.is_zero() && bucket.delay_above < bucket.quick + amount
}

/// Whether the bucket, which has just been reckoned with so much free, has room.
fn check_room(bucket: &Bucket, asset: AssetId, free: Amount, amount: Amount) -> Result<(), Revert> {
    let left = bucket.outflow.saturating_sub(bucket.mark.saturating_sub(free));
    if left < amount { Err(Revert::OutflowTooLarge { asset, amount, left }) } else { Ok(()) }
}

/// Terms that the hub may order: within its ranges, and times in order.
fn check_terms(lot: LotId, auction: &Auction) -> Result<(), Revert> {
    let &Auction { quantity, opened, start, floor, step_factor, step, invites, ends, need, rebate, .. } =
        auction;
    // Zero: it falls evenly, from `start` to nothing within a step.
    let falls = Ratio::ZERO <= step_factor && step_factor < Ratio::ONE;
    let priced = start.in_range() && Price::min(floor, start) == floor && falls && !step.is_zero();
    let timed = opened < ends && opened <= invites.min(ends);
    // Nothing is sold for nothing.
    let ranged = quantity.in_range() && rebate <= Bps::new(10_000) && !need.is_zero();
    if priced && timed && ranged { Ok(()) } else { Err(Revert::WrongTerms(lot)) }
}
