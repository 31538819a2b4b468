//! A chain without delay: the vault's own model, which carries out orders as they come, and tells of it in the next block.
//!
//! - Takes happen when a test says so; auctions end when all is sold, when their need is met, by time, and when a test
//!   says so. What was told stays reversible until it is final: [`Spoke::drop_from`] is the chain's reorg, after which
//!   the chain is as it was before that event, and has the orders that it knows in its pool.
//! - A fact that the hub refuses stops the test: a chain never goes back on what it did ([`Spoke::sync`]).
//! - Only [`Spoke::claim`] tells what the vault did not do.

use ballast_engine::State;
use ballast_spoke::certificate::{Certificate, Key, ValidatorSet};
use ballast_spoke::message::{Bridged, Freeze};
use ballast_spoke::vault::{Undo, Vault};
use ballast_spoke::{Done, Poke, Take};
use ballast_types::{
    Address, AssetId, ChainId, Hash, LotId, Nonce, Observation, Order, Owner, Sequence, Token, VaultEvent,
    digest,
};
use ballast_units::{Amount, Price, Time};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use ballast_spoke::Offer;

/// What the key of a test's first validator is made of.
const FIRST: &str = "a test's validator";

/// Something that happened in one transaction.
#[derive(Clone, Debug)]
struct Act {
    events: Vec<VaultEvent>,
    /// How the vault goes back on it.
    journal: Vec<Undo>,
}

/// One chain.
#[derive(Clone, Debug)]
pub(crate) struct Spoke {
    chain: ChainId,
    vault: Vault,
    next: u64,
    /// Counts reorgs: the same event has another version in each branch.
    branch: u8,
    /// To be told in the next block.
    due: Vec<Act>,
    /// Told, not final, each with its first event's number.
    log: Vec<(u64, Act)>,
    /// The same, event by event.
    unfinal: Vec<(Sequence, VaultEvent)>,
    /// Every order that was delivered.
    orders: BTreeMap<Nonce, Order>,
    /// What was ever put out, with the domain that it was signed for.
    signed: BTreeSet<(Hash, Nonce)>,
    /// Collateral that was sent here.
    arrivals: BTreeMap<(ChainId, Nonce), Bridged>,
    /// Collateral that was sent to other chains and is not there yet.
    pub(crate) sent: Vec<(ChainId, Bridged)>,
    /// Of the last final block that was told.
    final_time: Time,
    now: Time,
    /// Events stay safe, not final.
    pub(crate) holds_finality: bool,
    /// Orders get lost on the way.
    pub(crate) loses_orders: bool,
    /// Tells a wrong result of every auction that ends.
    pub(crate) lies_about_results: bool,
    /// What is told at once stands in a block of its own; otherwise a branch is one block.
    pub(crate) names_blocks: bool,
}

impl Spoke {
    /// A chain as the hub has it, on which nothing has happened.
    pub(crate) fn new(state: &State, chain: ChainId) -> Self {
        let record = state.chains.get(chain);
        let units = record.tokens.iter().map(|token| (token.asset, token.params.unit)).collect();
        // Where genesis names nobody, it is anybody.
        let named = state.validators.find(record.epoch).filter(|named| !named.is_empty()).cloned();
        let signers = named.unwrap_or_else(|| vec![Key::from_label(FIRST).signer()]);
        let validators = ValidatorSet::new(record.epoch, signers).expect("a set that the hub took");
        Self {
            chain,
            vault: Vault::new(record.domain, chain, record.coin, units, validators),
            next: 1,
            branch: 0,
            due: Vec::new(),
            log: Vec::new(),
            unfinal: Vec::new(),
            orders: BTreeMap::new(),
            signed: BTreeSet::new(),
            arrivals: BTreeMap::new(),
            sent: Vec::new(),
            final_time: Time::default(),
            now: Time::default(),
            holds_finality: false,
            loses_orders: false,
            lies_about_results: false,
            names_blocks: false,
        }
    }

    /// The next event's number.
    pub(crate) fn next(&self) -> Sequence {
        Sequence(self.next)
    }

    /// Events told and not final, oldest first.
    pub(crate) fn unfinal(&self) -> &[(Sequence, VaultEvent)] {
        &self.unfinal
    }

    /// The vault as it stands.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Auctions that accept takes.
    pub(crate) fn offers(&self) -> impl Iterator<Item = (LotId, Offer)> {
        self.vault.books().offers().map(|(lot, offer)| (lot, *offer))
    }

    /// Something that no honest vault would tell, told next.
    pub(crate) fn claim(&mut self, event: VaultEvent) {
        self.due.push(Act { events: vec![event], journal: Vec::new() });
    }

    /// The same, told before everything else.
    pub(crate) fn claim_first(&mut self, event: VaultEvent) {
        self.due.insert(0, Act { events: vec![event], journal: Vec::new() });
    }

    /// Somebody deposits. What this vault does not take, finer than its unit or of a token that it does not list, another
    /// one would: it is told all the same.
    pub(crate) fn deposit(&mut self, owner: Owner, asset: AssetId, amount: Amount) {
        match self.vault.attempt(|vault| vault.deposit(owner, asset, amount)) {
            Ok(()) => self.acted(),
            Err(_) => self.claim(VaultEvent::Deposited { owner, asset, amount }),
        }
    }

    /// Collateral arrives that another chain has sent; once, however often it is delivered.
    pub(crate) fn arrive(&mut self, bridged: &Bridged) {
        self.arrivals.insert((bridged.from, bridged.nonce), *bridged);
        if self.vault.attempt(|vault| vault.bridge_in(bridged)).is_ok() {
            self.acted();
        }
    }

    /// What the vault did just now is told in the next block.
    fn acted(&mut self) {
        let told = self.vault.take_told();
        self.sent.extend(told.sent);
        if told.events.is_empty() && told.journal.is_empty() {
            return;
        }
        let bent = |event| match event {
            VaultEvent::Ended { lot, .. } if self.lies_about_results => {
                VaultEvent::Ended { lot, result: Hash([0xee; 32]) }
            }
            other => other,
        };
        let events = told.events.into_iter().map(bent).collect();
        self.due.push(Act { events, journal: told.journal });
    }

    /// The hub has put an order out, signed for this domain: anybody may deliver it from now on.
    pub(crate) fn put_out(&mut self, domain: Hash, nonce: Nonce) {
        self.signed.insert((domain, nonce));
    }

    /// Is given an order, and carries it out where it can. False where it got lost or is refused.
    pub(crate) fn carry_out(&mut self, order: &Order, now: Time) -> bool {
        if self.loses_orders {
            return false;
        }
        self.orders.insert(order.nonce, order.clone());
        self.execute(order, now)
    }

    fn execute(&mut self, order: &Order, now: Time) -> bool {
        // One that was signed for another vault alone is worth nothing here.
        let signed = self.signed.contains(&(self.vault.domain(), order.nonce));
        let done = signed && self.vault.execute(order, now).is_ok();
        self.acted();
        done
    }

    /// Takes up to `wanted` of a lot at the price of `now`: quantity and dollars, where there is something to take.
    pub(crate) fn take(
        &mut self,
        lot: LotId,
        wanted: Amount,
        taker: Address,
        now: Time,
    ) -> Option<(Amount, Amount)> {
        let take = Take { lot, taker, quantity: wanted, least: Amount::ZERO, price_max: Price::MAX };
        let done = self.vault.attempt(|vault| vault.take(&take, now)).ok()?;
        self.acted();
        let Done::Taken { quantity, paid, .. } = done else { return None };
        Some((quantity, paid))
    }

    /// Takes exactly this at the floor: on the chain's clock, which is ahead, the invitation has begun.
    pub(crate) fn take_at_floor(&mut self, lot: LotId, quantity: Amount, taker: Address) -> Amount {
        let invites = self.vault.books().offer(lot).expect("it runs").auction.invites;
        let (taken, paid) = self.take(lot, quantity, taker, invites).expect("there is something to take");
        assert_eq!(taken, quantity, "a take that leaves nothing or enough");
        paid
    }

    /// Validators freeze the vault, where it obeys the set of this epoch and the freeze is one.
    pub(crate) fn freeze(&mut self, until: Time, epoch: u32) {
        let freeze = Freeze { until };
        let label = if epoch == 0 { FIRST.to_owned() } else { format!("epoch {epoch}") };
        let digest = freeze.digest(self.vault.domain(), epoch);
        let certificate = Certificate::sign(digest, &[Key::from_label(&label)]);
        let now = self.now;
        if self.vault.attempt(|vault| vault.freeze(freeze, epoch, &certificate, now)).is_ok() {
            self.acted();
        }
    }

    /// Ends an auction. Nothing where it does not run.
    pub(crate) fn expire(&mut self, lot: LotId) -> bool {
        let Some(ends) = self.vault.books().offer(lot).map(|offer| offer.auction.ends) else { return false };
        self.vault.attempt(|vault| vault.poke(Poke::End(lot), ends)).expect("its time is up");
        self.acted();
        true
    }

    /// What it tells in a block at `now`.
    pub(crate) fn tell(&mut self, now: Time) -> Vec<Observation> {
        self.now = now;
        self.vault.tick(now);
        self.acted();
        let mut version = Hash([self.branch; 32]);
        if self.names_blocks {
            version.0[..8].copy_from_slice(&self.next.to_be_bytes());
        }
        let mut told = Vec::new();
        for act in std::mem::take(&mut self.due) {
            let first = self.next;
            for event in &act.events {
                let sequence = Sequence(self.next);
                self.next += 1;
                told.push(Observation::Seen { chain: self.chain, sequence, version, event: *event });
                self.unfinal.push((sequence, *event));
            }
            self.log.push((first, act));
        }
        if !self.holds_finality && (!self.unfinal.is_empty() || self.final_time < now) {
            self.final_time = now;
            let sequence = Sequence(self.next - 1);
            let block = digest::block_in_process(self.chain, now);
            told.push(Observation::Final { chain: self.chain, sequence, time: now, block });
        }
        told
    }

    /// Takes note of what the hub took: `next` is the first event that it has not seen, `next_final` the first that
    /// is not final there. Events that a test told by itself have numbers too.
    pub(crate) fn sync(&mut self, next: Sequence, next_final: Sequence) {
        assert!(
            self.next <= next.0,
            "the hub refused event {next} of chain {}, told up to {}",
            self.chain,
            self.next
        );
        self.next = next.0;
        self.unfinal.retain(|(sequence, _)| next_final <= *sequence);
        let ends = |(first, act): &(u64, Act)| first + u64::try_from(act.events.len()).expect("few");
        self.log.retain(|act| next_final.0 < ends(act));
    }

    /// The chain drops the event, with the whole transaction that it is of, and all later ones. Deposits are gone; what was
    /// ordered or sent here happens again in the new branch.
    pub(crate) fn drop_from(&mut self, sequence: Sequence) -> Option<Observation> {
        let first = self.fork(sequence)?;
        Some(Observation::Dropped { chain: self.chain, sequence: first })
    }

    /// As [`Spoke::drop_from`], without a word about it: the first event of the new branch says it.
    pub(crate) fn fork(&mut self, sequence: Sequence) -> Option<Sequence> {
        let at = self.log.iter().rposition(|(first, act)| *first <= sequence.0 && !act.events.is_empty())?;
        let (first, _) = self.log[at];
        if !self.unfinal.iter().any(|(known, _)| known.0 == first) {
            return None;
        }
        let dropped = self.log.split_off(at).into_iter().map(|(_, act)| act);
        let undone: Vec<Act> = dropped.chain(std::mem::take(&mut self.due)).collect();
        for act in undone.into_iter().rev() {
            self.vault.undo(act.journal);
        }
        self.unfinal.retain(|(known, _)| known.0 < first);
        self.next = first;
        self.branch = self.branch.wrapping_add(1);
        for bridged in self.arrivals.clone().into_values() {
            self.arrive(&bridged);
        }
        if !self.loses_orders {
            for order in self.orders.values().cloned().collect::<Vec<_>>() {
                self.execute(&order, self.now);
            }
        }
        Some(Sequence(first))
    }

    /// What the vault holds of a token, and what facts that are not told yet change about it is in it.
    pub(crate) fn holds(&self, token: Token) -> Amount {
        self.vault.books().balance(token.asset).booked
    }
}
