//! What the attacker's wallets, and the search, keep of what a run brought about.
//!
//! - A deposit counts when a vault takes it, a release when it is paid, a take when the hub counts it.
//! - What a chain drops is back in the wallet, or out of it, until it is told again.

use super::run::{Run, Taken};
use crate::script::{Line, Told};
use ballast_types::{AccountId, AssetId, ChainId, Event, LotId, TaskId};
use ballast_units::Amount;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

impl Run<'_> {
    pub(super) fn count_deposit(&mut self, line: &Line) {
        match line {
            Line::Deposit(deposit) => {
                let names = self.session.names();
                let (Ok(asset), Ok(chain)) = (names.asset(&deposit.asset), names.chain(&deposit.chain))
                else {
                    return;
                };
                self.wallet.pays(asset, deposit.amount.0);
                self.wallet.burns(self.world.gas(usize::from(chain.0)));
                if !deposit.is_final {
                    self.doubtful.push((deposit.chain.clone(), asset, deposit.amount.0));
                }
            }
            Line::Finalize(of) => {
                self.doubtful.retain(|(chain, ..)| *chain != of.chain);
                let final_chain = self.session.names().chain(&of.chain);
                self.doubtful_takes.retain(|(chain, _)| Ok(*chain) != final_chain);
            }
            _ => {}
        }
    }

    /// A chain drops its blocks: doubtful deposits are back in the wallet; takes count when they are told again.
    pub(super) fn forget_doubtful(&mut self, chain: &str) {
        let (gone, kept) = std::mem::take(&mut self.doubtful).into_iter().partition(|(of, ..)| of == chain);
        self.doubtful = kept;
        let gone: Vec<(String, AssetId, Amount)> = gone;
        for (_, asset, amount) in gone {
            self.wallet.gets(asset, amount);
        }
        let Ok(id) = self.session.names().chain(chain) else { return };
        let (gone, kept) =
            std::mem::take(&mut self.doubtful_takes).into_iter().partition(|(of, _)| *of == id);
        self.doubtful_takes = kept;
        let gone: Vec<(ChainId, Taken)> = gone;
        for (_, taken) in gone {
            self.wallet.gets(taken.coin, taken.paid);
            self.wallet.pays(taken.asset, taken.quantity);
        }
    }

    pub(super) fn note(&mut self, told: &Told) {
        let mut hasher = DefaultHasher::new();
        match told {
            Told::Event(event) => {
                std::mem::discriminant(event).hash(&mut hasher);
                self.note_event(event, &mut hasher);
            }
            Told::Reject { reject, .. } => reject.info().code.hash(&mut hasher),
            Told::Revert { revert, .. } | Told::Refused { revert, .. } => {
                std::mem::discriminant(revert).hash(&mut hasher);
                "revert".hash(&mut hasher);
            }
            Told::Shown(_) => return,
        }
        *self.seen.entry(hasher.finish()).or_insert(0) += 1;
    }

    fn note_event(&mut self, event: &Event, hasher: &mut DefaultHasher) {
        match event {
            Event::ReleaseOrdered { account, token, nonce, .. } => {
                self.releases.insert((token.chain, *nonce), (*account, token.asset));
            }
            Event::ReleaseCompleted { chain, nonce, amount } => {
                if let Some((account, asset)) = self.releases.remove(&(*chain, *nonce))
                    && self.is_hand(account)
                {
                    self.wallet.gets(asset, *amount);
                    self.wallet.burns(self.world.gas(usize::from(chain.0)));
                }
            }
            Event::AccountLocked { account, task, .. } => {
                self.tasks.insert(*task, *account);
                self.locked.insert(*account);
                self.is_hand(*account).hash(hasher);
            }
            Event::LotQueued { lot, task, token, .. } => {
                self.lots.insert(*lot, (*token, vec![*task]));
            }
            Event::LotJoined { lot, task, token, .. } => {
                let (_, tasks) = self.lots.entry(*lot).or_insert_with(|| (*token, Vec::new()));
                tasks.push(*task);
            }
            Event::LotTaken { lot, taker, quantity, paid, .. } if *taker == self.world.taker => {
                "mine".hash(hasher);
                self.take(*lot, *quantity, *paid);
            }
            Event::PositionLiquidated(fill) | Event::PositionClosed(fill) | Event::PositionReduced(fill) => {
                (self.is_hand(fill.account), 0 <= fill.realised.wei()).hash(hasher);
            }
            Event::PositionTakenOver { account, .. }
            | Event::PositionDeleveraged { account, .. }
            | Event::CounterpartyReduced { account, .. }
            | Event::LossSettled { account, .. }
            | Event::ProfitClaimed { account, .. }
            | Event::TaskClosed { account, .. } => self.is_hand(*account).hash(hasher),
            Event::LossAbsorbed { tranche, float, deficit, .. } => {
                [tranche, float, deficit].map(|amount| amount.is_zero()).hash(hasher);
            }
            _ => {}
        }
    }

    fn take(&mut self, lot: LotId, quantity: Amount, paid: Amount) {
        let Some((token, tasks)) = self.lots.get(&lot) else { return };
        let is_wage = |task: &TaskId| {
            self.tasks.get(task).is_some_and(|owner| !self.is_hand(*owner) && self.world.is_failing(*owner))
        };
        let (token, wage) = (*token, tasks.iter().all(is_wage));
        let chain = token.chain;
        self.wallet.burns(self.world.gas(usize::from(chain.0)));
        if wage {
            return;
        }
        let coin = self.session.engine().state().chains.find(chain).map_or(AssetId(0), |record| record.coin);
        let taken = Taken { coin, paid, asset: token.asset, quantity };
        self.wallet.pays(coin, paid);
        self.wallet.gets(taken.asset, quantity);
        let name = self.session.names().chain_name(chain);
        if self.doubtful.iter().any(|(of, ..)| *of == name) {
            self.doubtful_takes.push((chain, taken));
        }
    }

    fn is_hand(&self, account: AccountId) -> bool {
        let record = self.session.engine().state().accounts.find(account);
        record.is_some_and(|record| self.world.hands.contains(&record.owner))
    }
}
