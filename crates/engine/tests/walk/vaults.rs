//! What the vaults hold by their own events, in arithmetic of its own: the hub's books must say the same (I01, I06).
//!
//! Facts alone: what blocks told and the hub did not refuse. Nothing is read from the engine but what its ledger
//! shows afterwards.

use crate::support::House;
use ballast_engine::{BlockPart, Outcome, view};
use ballast_types::{
    AssetId, Block, ChainId, LedgerAccount, LotId, Money, Nonce, Observation, OrderAction, Sequence, Token,
    VaultEvent,
};
use num_bigint::BigInt;
use std::collections::BTreeMap;

/// The vaults of every chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vaults {
    /// Told, not final.
    log: BTreeMap<(ChainId, Sequence), VaultEvent>,
    /// What final events have left in each vault.
    held: BTreeMap<Token, BigInt>,
    /// What orders take out of a vault when they are carried out.
    outgoing: BTreeMap<(ChainId, Nonce), (AssetId, BigInt)>,
    lots: BTreeMap<LotId, Token>,
    coins: BTreeMap<ChainId, AssetId>,
}

impl Vaults {
    /// The vaults as the blocks so far have made them.
    pub(crate) fn of(house: &House) -> Self {
        let coins = house.state().chains.iter().map(|(chain, record)| (chain, record.coin));
        Self { coins: coins.collect(), ..Self::default() }
    }

    /// Another chain's coin.
    pub(crate) fn add_chain(&mut self, chain: ChainId, coin: AssetId) {
        self.coins.insert(chain, coin);
    }

    /// Takes a block's facts and orders.
    pub(crate) fn note(&mut self, block: &Block, out: &Outcome) {
        for (number, observation) in (0..).zip(&block.observations) {
            let refused = |part, at| part == BlockPart::Observation && at == number;
            if out.rejects.iter().any(|refusal| refused(refusal.part, refusal.number)) {
                continue;
            }
            match *observation {
                Observation::Seen { chain, sequence, event, .. } => {
                    self.forget(chain, sequence);
                    self.log.insert((chain, sequence), event);
                }
                Observation::Dropped { chain, sequence } => self.forget(chain, sequence),
                Observation::Final { chain, sequence, time: _, block: _ } => self.settle(chain, sequence),
            }
        }
        for order in &out.orders {
            match order.action {
                OrderAction::Release { asset, amount, .. } | OrderAction::Bridge { asset, amount, .. } => {
                    self.outgoing.insert((order.chain, order.nonce), (asset, amount.wei().into()));
                }
                OrderAction::StartAuction { lot, asset, .. } => {
                    self.lots.insert(lot, Token { asset, chain: order.chain });
                }
                OrderAction::CancelAuction { .. }
                | OrderAction::Rotate { .. }
                | OrderAction::SetLimits { .. }
                | OrderAction::ListMaker { .. }
                | OrderAction::Unfreeze {}
                | OrderAction::ListToken { .. } => {}
            }
        }
    }

    /// Panics where the books say something else. Credit for what is not final is beside it.
    pub(crate) fn compare(&self, house: &House) {
        let mut books: BTreeMap<Token, BigInt> = BTreeMap::new();
        for (account, money, amount) in view::ledger(house.state()) {
            if let (Money::Token(token), false) = (money, matches!(account, LedgerAccount::Pending(..))) {
                *books.entry(token).or_default() += amount.wei();
            }
        }
        for (token, held) in &self.held {
            let booked = books.remove(token).unwrap_or_default();
            assert_eq!(&booked, held, "I01: {token}: what the books say, and what the vault holds");
        }
        assert!(books.is_empty(), "I01: booked, and in no vault: {books:?}");
    }

    /// The chain's events from this one on never were.
    fn forget(&mut self, chain: ChainId, from: Sequence) {
        self.log.retain(|(of, sequence), _| *of != chain || *sequence < from);
    }

    fn settle(&mut self, chain: ChainId, to: Sequence) {
        let is_final = |(of, sequence): &(ChainId, Sequence)| *of == chain && *sequence <= to;
        let (settled, rest) = std::mem::take(&mut self.log).into_iter().partition(|(key, _)| is_final(key));
        self.log = rest;
        let settled: BTreeMap<(ChainId, Sequence), VaultEvent> = settled;
        for event in settled.into_values() {
            match event {
                VaultEvent::Deposited { asset, amount, .. } => {
                    self.add(Token { asset, chain }, amount.wei().into())
                }
                VaultEvent::Executed { nonce } => {
                    if let Some((asset, amount)) = self.outgoing.remove(&(chain, nonce)) {
                        self.add(Token { asset, chain }, -amount);
                    }
                }
                VaultEvent::Taken { lot, quantity, paid, rebate, .. } => {
                    let (token, coin) = (self.lots[&lot], self.coins[&chain]);
                    self.add(token, -BigInt::from(quantity.wei()));
                    self.add(Token { asset: coin, chain }, BigInt::from(paid.wei()) - rebate.wei());
                }
                VaultEvent::BridgedIn { asset, amount, .. } => {
                    self.add(Token { asset, chain }, amount.wei().into());
                }
                VaultEvent::Ended { .. } => {}
            }
        }
    }

    fn add(&mut self, token: Token, amount: BigInt) {
        *self.held.entry(token).or_default() += amount;
    }
}
