//! Drills: what a house has to come through without a stop, in the middle of everything. The validators rotate to keys that
//! nobody had before; every vault is frozen for some minutes.
//!
//! - Ordered and signed as in earnest: governance names the next set, a third of the validators signs the freezes.
//! - A freeze is sent until its chain says that it took it, and not after its end.
//! - What they did is read from the engine's events and the chains' receipts.

use super::places::Places;
use crate::calendar::date_time;
use crate::scenario;
use ballast_engine::{Outcome, State};
use ballast_spoke::certificate::ValidatorSet;
use ballast_spoke::freeze::{FreezeVote, SignedFreeze};
use ballast_spoke::{Done, Receipt, Revert, Spoke, TxId};
use ballast_types::{ChainId, Change, Command, Event, Nonce, Signer};
use ballast_units::{Millis, Time};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What the drills of a replay did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Drills {
    /// When governance ordered the next set of validators, and its epoch.
    pub rotation_ordered: Option<(Time, u32)>,
    /// When a third of the validators signed the freezes, and when those end.
    pub freeze_signed: Option<(Time, Time)>,
    /// By chain.
    pub chains: Vec<DrillRow>,
}

/// What they did on one chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DrillRow {
    /// Its name.
    pub chain: String,
    /// When the hub saw that its vault obeys the next set.
    pub rotated: Option<Time>,
    /// When that was final.
    pub rotated_final: Option<Time>,
    /// Payloads that the vault refused because another set had signed them.
    pub overtaken: u64,
    /// From when on its vault was frozen.
    pub frozen_from: Option<Time>,
    /// Until when.
    pub frozen_until: Option<Time>,
    /// Orders that the freeze held up.
    pub held: u64,
    /// Of these, carried out since.
    pub held_carried: u64,
    /// Of these, expired: what they were for the hub undid or ordered anew.
    pub held_expired: u64,
}

impl Drills {
    /// As a table: column names, then a row a chain.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<String>> {
        let moment = |time: Option<Time>| time.map_or("-".to_owned(), clock);
        let head = [
            "drill",
            "obeys the next set",
            "for good",
            "overtaken",
            "frozen from",
            "until",
            "orders held up",
            "carried out since",
            "expired",
        ];
        let (ordered, epoch) = self.rotation_ordered.unzip();
        let (signed, ends) = self.freeze_signed.unzip();
        let epoch = epoch.map_or("-".to_owned(), |epoch| format!("epoch {epoch}"));
        let mut first = vec!["ordered, signed".to_owned(), moment(ordered), epoch, "-".to_owned()];
        first.extend([moment(signed), moment(ends), "-".to_owned(), "-".to_owned(), "-".to_owned()]);
        let chains = self.chains.iter().map(|row| {
            vec![
                row.chain.clone(),
                moment(row.rotated),
                moment(row.rotated_final),
                row.overtaken.to_string(),
                moment(row.frozen_from),
                moment(row.frozen_until),
                row.held.to_string(),
                row.held_carried.to_string(),
                row.held_expired.to_string(),
            ]
        });
        [head.map(str::to_owned).to_vec(), first].into_iter().chain(chains).collect()
    }
}

/// `13:10:00`, in UTC.
fn clock(time: Time) -> String {
    let text = date_time(time);
    text.split_once(' ').map_or(text.clone(), |(_, clock)| clock.to_owned())
}

/// Has the drills done at their times, and follows them.
#[derive(Debug)]
pub(super) struct Drill {
    /// When, and to whom.
    rotate: Option<(Time, Vec<Signer>)>,
    /// When, and for how long.
    freeze: Option<(Time, Millis)>,
    /// Vaults to be frozen, with what was sent to them last.
    open: BTreeMap<ChainId, Option<TxId>>,
    until: Time,
    ordered: Option<(Time, u32)>,
    signed: Option<(Time, Time)>,
    rows: BTreeMap<ChainId, DrillRow>,
    held: BTreeSet<(ChainId, Nonce)>,
    is_planned: bool,
}

impl Drill {
    /// The drills of a scenario; `next` are the validators after a rotation.
    pub(super) fn new(plan: &scenario::Drills, next: Option<&ValidatorSet>, from: Time) -> Self {
        let next = next.map(|set| set.signers().to_vec());
        let rotate = plan.rotate_after.zip(next).map(|(after, next)| (from.after(after), next));
        let freeze = plan.freeze_after.map(|after| (from.after(after), plan.freeze_for));
        Self {
            is_planned: rotate.is_some() || freeze.is_some(),
            rotate,
            freeze,
            open: BTreeMap::new(),
            until: Time::ZERO,
            ordered: None,
            signed: None,
            rows: BTreeMap::new(),
            held: BTreeSet::new(),
        }
    }

    /// What governance decides by `now`.
    pub(super) fn govern(&mut self, now: Time, out: &mut Vec<Command>) {
        if let Some((_, signers)) = self.rotate.take_if(|(at, _)| *at <= now) {
            out.push(Command::Govern(Change::Rotate { signers }));
        }
    }

    /// Sends the freezes whose time has come. `sign` gives the signatures of a third of a set.
    pub(super) fn freeze<S: Spoke>(
        &mut self,
        chains: &mut [S],
        state: &State,
        now: Time,
        sign: impl Fn(&S, u32, Time) -> Vec<FreezeVote>,
    ) {
        if let Some((_, span)) = self.freeze.take_if(|(at, _)| *at <= now) {
            self.until = now.after(span);
            self.signed = Some((now, self.until));
            self.open = chains.iter().map(|chain| (chain.chain(), None)).collect();
        }
        if self.until <= now {
            self.open.clear();
        }
        for chain in chains {
            let Some(sent @ None) = self.open.get_mut(&chain.chain()) else { continue };
            // Whoever does not answer is asked again in the next block.
            let Ok(epoch) = chain.epoch() else { continue };
            let signers = state.validators.find(epoch).cloned().unwrap_or_default();
            let Ok(set) = ValidatorSet::new(epoch, signers) else { continue };
            let mut votes = sign(chain, epoch, self.until);
            votes.retain(|vote| vote.epoch == epoch);
            let freeze = SignedFreeze::combine(&votes, &set).expect("the keys of a third are here");
            *sent = chain.freeze(freeze.freeze(), epoch, &freeze.certificate()).ok();
        }
    }

    /// What a chain's head has come to.
    pub(super) fn learn(&mut self, chain: ChainId, receipts: &[Receipt]) {
        if !self.is_planned {
            return;
        }
        for receipt in receipts {
            let ours = self.open.get(&chain).is_some_and(|sent| *sent == Some(receipt.tx));
            let row = self.rows.entry(chain).or_default();
            match &receipt.result {
                Ok(Done::Frozen) if ours => {
                    (row.frozen_from, row.frozen_until) = (Some(receipt.time), Some(self.until));
                    self.open.remove(&chain);
                }
                // Refused or dropped: once more.
                Err(_) if ours => {
                    self.open.insert(chain, None);
                }
                Ok(Done::Delivered(orders)) => {
                    for (nonce, result) in orders {
                        match result {
                            Err(Revert::Frozen { .. }) if self.held.insert((chain, *nonce)) => row.held += 1,
                            Ok(_) if self.held.remove(&(chain, *nonce)) => row.held_carried += 1,
                            _ => {}
                        }
                    }
                }
                Err(refused) => row.overtaken += u64::from(refused.is_of_another_epoch()),
                Ok(_) => {}
            }
        }
    }

    /// What a block brought.
    pub(super) fn block(&mut self, outcome: &Outcome, state: &State, now: Time) {
        if !self.is_planned {
            return;
        }
        for event in &outcome.events {
            match *event {
                Event::RotationOrdered { epoch, .. } => self.ordered = Some((now, epoch)),
                Event::RotationCompleted { chain, .. } => {
                    self.rows.entry(chain).or_default().rotated_final = Some(now);
                }
                Event::OrderExpired { chain, nonce } if self.held.remove(&(chain, nonce)) => {
                    self.rows.entry(chain).or_default().held_expired += 1;
                }
                _ => {}
            }
        }
        if let Some((_, epoch)) = self.ordered {
            for (chain, _) in state.chains.iter().filter(|(_, record)| epoch <= record.epoch_seen) {
                self.rows.entry(chain).or_default().rotated.get_or_insert(now);
            }
        }
    }

    /// What they did so far; none of a scenario without drills.
    pub(super) fn report(&self, places: &Places) -> Option<Drills> {
        let named = |(chain, row): (&ChainId, &DrillRow)| DrillRow {
            chain: places.chain_name(*chain),
            ..row.clone()
        };
        self.is_planned.then(|| Drills {
            rotation_ordered: self.ordered,
            freeze_signed: self.signed,
            chains: self.rows.iter().map(named).collect(),
        })
    }
}
