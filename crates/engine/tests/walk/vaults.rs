//! What the vaults hold by their own events, in arithmetic of its own: the hub's books must say the same (I01, I06).
//!
//! Facts alone: what blocks told and the hub did not refuse. Nothing is read from the engine but what its ledger
//! shows afterwards, and how much of an odd take it could find in the lot.

use crate::support::House;
use ballast_engine::{BlockPart, Outcome, view};
use ballast_types::{
    AnomalyKind, AssetId, Block, ChainId, Event, LedgerAccount, LotId, Money, Nonce, Observation,
    OrderAction, Sequence, Token, VaultEvent,
};
use ballast_units::Amount;
use num_bigint::BigInt;
use std::collections::BTreeMap;

/// The vaults of every chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vaults {
    /// Told, not final, each with the collateral that a take took of a lot.
    log: BTreeMap<(ChainId, Sequence), (VaultEvent, Amount)>,
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
        let odd = |event: &Event| match event {
            Event::AnomalyFound { chain, sequence, anomaly } => Some(((*chain, *sequence), anomaly.kind())),
            _ => None,
        };
        let odd: BTreeMap<_, _> = out.events.iter().filter_map(odd).collect();
        let mut takes = out.events.iter().filter_map(|event| match event {
            Event::LotTaken { quantity, .. } => Some(*quantity),
            _ => None,
        });
        // A take may be told of a lot that was never offered.
        for event in &out.events {
            if let Event::LotQueued { lot, token, .. } | Event::LotJoined { lot, token, .. } = event {
                self.lots.insert(*lot, *token);
            }
        }
        for (number, observation) in (0..).zip(&block.observations) {
            let refused = |part, at| part == BlockPart::Observation && at == number;
            if out.rejects.iter().any(|refusal| refused(refusal.part, refusal.number)) {
                continue;
            }
            match *observation {
                Observation::Seen { chain, sequence, event, .. } => {
                    self.forget(chain, sequence);
                    let kind = odd.get(&(chain, sequence)).copied();
                    let taken = match event {
                        VaultEvent::Taken { .. } if kind != Some(AnomalyKind::TakenUnknown) => {
                            takes.next().expect("a take of a lot is told of")
                        }
                        _ => Amount::ZERO,
                    };
                    // What the house books nothing for.
                    let nothing = [AnomalyKind::DepositOutOfRange, AnomalyKind::ExecutedUnknown];
                    let counts = match event {
                        VaultEvent::Taken { quantity, paid, .. } => quantity.in_range() && paid.in_range(),
                        _ => true,
                    };
                    if counts && kind.is_none_or(|kind| !nothing.contains(&kind)) {
                        self.log.insert((chain, sequence), (event, taken));
                    }
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
                | OrderAction::ListToken { .. }
                | OrderAction::Migrate { .. } => {}
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
        let settled: BTreeMap<(ChainId, Sequence), (VaultEvent, Amount)> = settled;
        for (event, taken) in settled.into_values() {
            match event {
                VaultEvent::Deposited { asset, amount, .. } => {
                    self.add(Token { asset, chain }, amount.wei().into())
                }
                VaultEvent::Executed { nonce } => {
                    if let Some((asset, amount)) = self.outgoing.remove(&(chain, nonce)) {
                        self.add(Token { asset, chain }, -amount);
                    }
                }
                VaultEvent::Taken { lot, paid, rebate, .. } => {
                    if let Some(token) = self.lots.get(&lot) {
                        self.add(*token, -BigInt::from(taken.wei()));
                    }
                    let (coin, paid) = (self.coins[&chain], paid.saturating_sub(rebate));
                    self.add(Token { asset: coin, chain }, paid.wei().into());
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
