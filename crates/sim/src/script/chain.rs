//! The chains of a script: every order is carried out and acknowledged at once, what is bridged arrives at once, every
//! event is safe and final at once, unless a deposit was given as not final. Then its chain is final only up to there.
//!
//! - The vaults are the model that chains in this process and the engine's tests stand on ([`ballast_spoke::vault`]): what a
//!   contract refuses is refused here, with its reason.
//! - Only a take `paid` with a figure of the script's own is told without the vault: what the hub makes of an odd fact.

use ballast_engine::State;
use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::message::Bridged;
use ballast_spoke::vault::{Undo, Vault};
use ballast_spoke::{Poke, Revert, Take};
use ballast_types::{
    AssetId, ChainId, LotId, Nonce, Observation, Order, Owner, Sequence, VaultEvent, digest,
};
use ballast_units::{Amount, Time};
use std::collections::BTreeMap;

use super::names;

/// All chains of a script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chains {
    chains: BTreeMap<ChainId, Chain>,
    /// Branches so far; an event on another branch is in another block.
    forks: u64,
}

/// One of them.
#[derive(Clone, Debug)]
struct Chain {
    vault: Vault,
    /// Number of the next event.
    next: u64,
    /// What happened from the first doubtful deposit on, oldest first; empty where everything is final.
    doubtful: Vec<Act>,
}

/// Something that happened on a chain.
#[derive(Clone, Debug)]
struct Act {
    deed: Deed,
    time: Time,
    /// Number of its first event.
    first: u64,
    journal: Vec<Undo>,
}

/// What somebody did.
#[derive(Clone, Debug)]
enum Deed {
    Deposit {
        owner: Owner,
        asset: AssetId,
        amount: Amount,
        is_final: bool,
    },
    Order(Order),
    Take(Take),
    End(LotId),
    Arrive(Bridged),
    /// Time went on.
    Tick,
    /// Told, and not the vault's.
    Claim(VaultEvent),
}

/// Events of one block, on any number of chains.
#[derive(Debug)]
pub(crate) struct Events<'a> {
    chains: &'a mut Chains,
    state: &'a State,
    now: Time,
    observations: Vec<Observation>,
    touched: Vec<ChainId>,
}

impl Chains {
    /// Begins a block at `now`.
    pub(crate) fn events<'a>(&'a mut self, state: &'a State, now: Time) -> Events<'a> {
        for (id, record) in state.chains.iter() {
            self.chains.entry(id).or_insert_with(|| {
                let units = record.tokens.iter().map(|token| (token.asset, token.params.unit)).collect();
                let validators = ValidatorSet::of(0, &[Key::from_label("exec")]).expect("one key is a set");
                let vault = Vault::new(record.domain, id, record.coin, units, validators);
                Chain { vault, next: 1, doubtful: Vec::new() }
            });
        }
        Events { chains: self, state, now, observations: Vec::new(), touched: Vec::new() }
    }

    /// When something happens next on a chain by itself.
    pub(crate) fn next_due(&self) -> Option<Time> {
        self.chains.values().filter_map(|chain| chain.vault.books().next_due()).min()
    }
}

impl Events<'_> {
    /// Observations so far.
    pub(crate) fn len(&self) -> usize {
        self.observations.len()
    }

    /// Somebody deposits.
    pub(crate) fn deposit(
        &mut self,
        chain: ChainId,
        owner: Owner,
        asset: AssetId,
        amount: Amount,
        is_final: bool,
    ) -> Result<(), Revert> {
        self.act(chain, Deed::Deposit { owner, asset, amount, is_final })
    }

    /// A take of a running auction, at the price of now.
    pub(crate) fn take(&mut self, take: Take) -> Result<(), Revert> {
        let chain = self.seller(take.lot).ok_or(Revert::NoAuction(take.lot))?;
        self.act(chain, Deed::Take(take))
    }

    /// A chain tells what its vault did not do.
    pub(crate) fn claim(&mut self, chain: ChainId, event: VaultEvent) {
        self.act(chain, Deed::Claim(event)).expect("a claim asks nobody");
    }

    /// Ends an auction before its time.
    pub(crate) fn expire(&mut self, lot: LotId) -> Result<(), Revert> {
        let chain = self.seller(lot).ok_or(Revert::NoAuction(lot))?;
        self.act(chain, Deed::End(lot))
    }

    /// Where a lot is under auction.
    pub(crate) fn seller(&self, lot: LotId) -> Option<ChainId> {
        let chains = self.chains.chains.iter();
        let sells = |chain: &Chain| chain.vault.books().offer(lot).is_some();
        chains.filter(|(_, chain)| sells(chain)).map(|(id, _)| *id).next()
    }

    /// Carries out orders; those that a vault refuses come back with its reason.
    pub(crate) fn carry_out(&mut self, orders: &[Order]) -> Vec<(ChainId, Nonce, Revert)> {
        let mut refused = Vec::new();
        for order in orders {
            match self.act(order.chain, Deed::Order(order.clone())) {
                // Put out again before its acknowledgement came.
                Ok(()) | Err(Revert::OrderSeen(_)) => {}
                Err(revert) => refused.push((order.chain, order.nonce, revert)),
            }
        }
        refused
    }

    /// What the time has come for: auctions end, releases that waited are paid.
    pub(crate) fn tick(&mut self) {
        let now = self.now;
        let due = |chain: &Chain| chain.vault.books().next_due().is_some_and(|due| due <= now);
        let chains = self.chains.chains.iter().filter(|(_, chain)| due(chain));
        for chain in chains.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.act(chain, Deed::Tick).expect("time asks nobody");
        }
    }

    fn act(&mut self, id: ChainId, deed: Deed) -> Result<(), Revert> {
        self.act_at(id, deed, self.now)
    }

    fn act_at(&mut self, id: ChainId, deed: Deed, time: Time) -> Result<(), Revert> {
        let chain = self.chains.chains.get_mut(&id).expect("every chain of the house has its vault");
        let claimed = chain.vault.attempt(|vault| perform(vault, &deed, time))?;
        let told = chain.vault.take_told();
        let first = chain.next;
        for event in told.events.into_iter().chain(claimed) {
            let sequence = Sequence(chain.next);
            chain.next += 1;
            let version = names::version(id, sequence, self.chains.forks);
            self.observations.push(Observation::Seen { chain: id, sequence, version, event });
        }
        let begins = matches!(deed, Deed::Deposit { is_final: false, .. });
        if begins || !chain.doubtful.is_empty() {
            chain.doubtful.push(Act { deed, time, first, journal: told.journal });
        }
        self.touched.push(id);
        for (to, bridged) in told.sent {
            self.act_at(to, Deed::Arrive(bridged), time)?;
        }
        Ok(())
    }

    /// What was doubtful on a chain is so no longer.
    pub(crate) fn finalize(&mut self, chain: ChainId) {
        if let Some(record) = self.chains.chains.get_mut(&chain) {
            record.doubtful.clear();
            // Nothing new is seen; there may be something to call final.
            self.touched.push(chain);
        }
    }

    /// The chain drops its blocks from the first doubtful deposit on. What was not doubtful is included again, in other
    /// blocks, under the numbers that are free now.
    pub(crate) fn drop_blocks(&mut self, id: ChainId) {
        let Some(chain) = self.chains.chains.get_mut(&id) else { return };
        let Some(first) = chain.doubtful.first().map(|act| act.first) else { return };
        self.chains.forks += 1;
        self.observations.push(Observation::Dropped { chain: id, sequence: Sequence(first) });
        chain.next = first;
        let mut kept = Vec::new();
        for act in std::mem::take(&mut chain.doubtful).into_iter().rev() {
            chain.vault.undo(act.journal);
            if !matches!(act.deed, Deed::Deposit { is_final: false, .. }) {
                kept.push((act.deed, act.time));
            }
        }
        for (deed, time) in kept.into_iter().rev() {
            // What rested on a deposit that is gone fails in the new branch; its order is put out again.
            let _ = self.act_at(id, deed, time);
        }
    }

    /// What validators report of the block: what was seen, then what is final.
    pub(crate) fn finish(mut self) -> Vec<Observation> {
        self.touched.sort_unstable();
        self.touched.dedup();
        for id in &self.touched {
            let chain = &self.chains.chains[id];
            let end = chain.doubtful.first().map_or(chain.next, |act| act.first);
            let known = self.state.chains.find(*id).map_or(end, |record| record.next_final.0);
            if known < end {
                let (sequence, time) = (Sequence(end - 1), self.state.now());
                let block = digest::block_in_process(*id, time);
                self.observations.push(Observation::Final { chain: *id, sequence, time, block });
            }
        }
        self.observations
    }
}

/// Has the vault do something. Gives what is told beside what the vault tells.
fn perform(vault: &mut Vault, deed: &Deed, time: Time) -> Result<Option<VaultEvent>, Revert> {
    match deed {
        Deed::Deposit { owner, asset, amount, .. } => vault.deposit(*owner, *asset, *amount)?,
        Deed::Order(order) => drop(vault.execute(order, time)?),
        Deed::Take(take) => drop(vault.take(take, time)?),
        Deed::End(lot) => {
            let ends = vault.books().offer(*lot).ok_or(Revert::NoAuction(*lot))?.auction.ends;
            vault.poke(Poke::End(*lot), ends.max(time))?;
        }
        Deed::Arrive(bridged) => vault.bridge_in(bridged)?,
        Deed::Tick => vault.tick(time),
        Deed::Claim(event) => return Ok(Some(*event)),
    }
    Ok(None)
}
