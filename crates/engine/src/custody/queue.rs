//! The queue of withdrawals: dollars that wait to leave as a coin, until its vault has as much of it free (R32).
//!
//! - One entry an account, chain and coin. Its dollars are out of the account's cash: they back what is open (H_M), and
//!   nothing new. A loss takes them where free cash does not pay it; a failing account has them back at once.
//! - Free coins are *credited*: first to who brought that coin to that chain, oldest first; the rest to all, by what each
//!   still lacks. What is credited is nobody else's. So no entry, however large, holds up another one, and an entry is paid in
//!   parts.
//! - An entry is paid when its credit reaches its rest or 100 dollars, less what delivering it costs.
//! - While a coin is off par, entries are paid in the mix of all inventories instead, oldest first (R10).
//! - It ends when it is paid, when its owner cancels it, or after 30 days. What was not paid is cash again.
//! - Keeps: I01 (an entry is an account of the ledger).

use super::par;
use super::withdrawal::{self, Payout, free_inventory, pay_out_coin};
use super::{check_health, check_may_lower};
use crate::ledger::pay;
use crate::orders;
use crate::risk::health::Whatif;
use crate::state::{Outcome, State};
use crate::waterfall::apportion;
use ballast_types::{AccountId, AssetId, ChainId, Event, LedgerAccount, Reason, Reject, Token};
use ballast_units::{Amount, Millis, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::{BTreeMap, BTreeSet};

/// An entry is paid in parts of at least so much.
const PART: Amount = Amount::whole(100);

/// An entry waits so long at most.
const LIFE: Millis = Millis::days(30);

/// Entries of a coin that are paid in one block.
const BATCH: usize = 64;

/// Entries of a coin that are tried in one block while a coin is off par.
const MIX_BATCH: usize = 64;

/// A withdrawal that waits for a coin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Waiting {
    /// Dollars that wait; changed by the ledger alone.
    pub held: Amount,
    /// Of them, for how many a coin is kept.
    pub credit: Amount,
    /// When it was asked for last.
    pub since: Time,
    /// Its place: asking for more gives a new one.
    pub place: u64,
}

impl Waiting {
    /// What no coin is kept for yet.
    #[must_use]
    pub fn lacks(&self) -> Amount {
        self.held.saturating_sub(self.credit)
    }

    fn is_ready(&self) -> bool {
        self.held.min(PART) <= self.credit
    }
}

/// Whose, of which coin.
type Key = (AccountId, Token);

/// Entries by coin and place, and what they add up to. Derived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queues {
    /// All, oldest first.
    order: BTreeSet<(Token, u64, AccountId)>,
    /// Those with credit enough to be paid.
    ready: BTreeSet<(Token, u64, AccountId)>,
    sums: BTreeMap<Token, Sum>,
}

/// What the entries of a coin add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// Dollars that wait.
    pub(crate) held: Amount,
    /// Coins that are kept for them.
    pub(crate) credit: Amount,
}

impl Queues {
    pub(crate) fn of(state: &State) -> Self {
        let mut queues = Self::default();
        for (key, entry) in state.waiting.iter() {
            queues.add(key, entry);
        }
        queues
    }

    /// What waits of a coin.
    pub(crate) fn sum(&self, token: Token) -> Sum {
        self.sums.get(&token).copied().unwrap_or_default()
    }

    fn add(&mut self, (account, token): Key, entry: &Waiting) {
        let place = (token, entry.place, account);
        self.order.insert(place);
        if entry.is_ready() {
            self.ready.insert(place);
        }
        let sum = self.sums.entry(token).or_default();
        sum.held += entry.held;
        sum.credit += entry.credit;
    }

    fn remove(&mut self, (account, token): Key, entry: &Waiting) {
        let place = (token, entry.place, account);
        self.order.remove(&place);
        self.ready.remove(&place);
        let sum = self.sums.entry(token).or_default();
        sum.held -= entry.held;
        sum.credit -= entry.credit;
        if sum.held.is_zero() {
            self.sums.remove(&token);
        }
    }

    fn of_coin(set: &BTreeSet<(Token, u64, AccountId)>, token: Token) -> impl Iterator<Item = AccountId> {
        let all = (token, 0, AccountId(0))..=(token, u64::MAX, AccountId(u32::MAX));
        set.range(all).map(|(_, _, account)| *account)
    }
}

/// Dollars of an account that wait, over all coins.
pub(crate) fn held(state: &State, account: AccountId) -> Amount {
    if state.waiting.is_empty() {
        return Amount::ZERO;
    }
    entries(state, account).map(|(_, entry)| entry.held).sum()
}

/// The account's entries.
pub(crate) fn entries(state: &State, account: AccountId) -> impl Iterator<Item = (Token, &Waiting)> {
    let first = Token { asset: AssetId(0), chain: ChainId(0) };
    let last = Token { asset: AssetId(u16::MAX), chain: ChainId(u16::MAX) };
    state.waiting.range((account, first)..=(account, last)).map(|((_, token), entry)| (token, entry))
}

/// Inventory that is neither lenders' nor kept for an entry.
pub(crate) fn free(state: &State, token: Token) -> Amount {
    free_inventory(state, token).saturating_sub(state.queues.sum(token).credit)
}

/// Whether nobody waits for a coin.
pub(crate) fn is_empty(state: &State, token: Token) -> bool {
    state.queues.sum(token).held.is_zero()
}

/// Cash of an account waits from now on; what waits already has a new place.
pub(crate) fn enter(state: &mut State, out: &mut Outcome, account: AccountId, token: Token, amount: Amount) {
    let place = state.house.last_waiting.saturating_add(1);
    state.house.last_waiting = place;
    let since = state.now();
    change(state, (account, token), |state| {
        let known = state.waiting.find((account, token)).copied();
        let (held, credit) = known.map_or((Amount::ZERO, Amount::ZERO), |known| (known.held, known.credit));
        state.waiting.insert((account, token), Waiting { held, credit, since, place });
        let to = LedgerAccount::Waiting(account, token);
        pay(state, out, LedgerAccount::Cash(account), to, amount, Reason::Queue);
    });
    out.event(Event::WithdrawalQueued { account, token, amount });
}

/// Its owner does not want it any more.
pub(crate) fn cancel(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    token: Token,
) -> Result<(), Reject> {
    state.accounts.find(account).ok_or(Reject::UnknownAccount { account })?;
    let entry = state.waiting.find((account, token)).ok_or(Reject::NoWithdrawal { account, token })?;
    let amount = entry.held;
    give_back(state, out, account, token, amount);
    Ok(())
}

/// The account fails: all its dollars are cash again.
pub(crate) fn cancel_all(state: &mut State, out: &mut Outcome, account: AccountId) {
    let need = held(state, account);
    reclaim(state, out, account, need);
}

/// Dollars that wait pay what free cash does not: the newest entry first.
pub(crate) fn reclaim(state: &mut State, out: &mut Outcome, account: AccountId, need: Amount) {
    if need.is_zero() {
        return;
    }
    let mut all: Vec<_> =
        entries(state, account).map(|(token, entry)| (entry.place, token, entry.held)).collect();
    all.sort_unstable();
    let mut need = need;
    for (_, token, held) in all.into_iter().rev() {
        let part = held.min(need);
        if part.is_zero() {
            break;
        }
        give_back(state, out, account, token, part);
        need -= part;
    }
}

/// So much of an entry is cash again.
fn give_back(state: &mut State, out: &mut Outcome, account: AccountId, token: Token, amount: Amount) {
    change(state, (account, token), |state| {
        let from = LedgerAccount::Waiting(account, token);
        pay(state, out, from, LedgerAccount::Cash(account), amount, Reason::Queue);
    });
    out.event(Event::WithdrawalCancelled { account, token, amount });
}

/// Ends what is too old, credits coins that are free, pays what can be paid.
pub(crate) fn step(state: &mut State, out: &mut Outcome) {
    if state.waiting.is_empty() {
        return;
    }
    let coins: Vec<Token> = state.queues.sums.keys().copied().collect();
    let at_par = par::all_at_par(state);
    for coin in coins {
        expire(state, out, coin);
        if at_par {
            credit(state, coin);
            pay_ready(state, out, coin);
        } else {
            pay_in_mix(state, out, coin);
        }
    }
}

/// When the oldest entry is too old.
pub(crate) fn next_due(state: &State) -> Option<Time> {
    let oldest =
        |coin: &Token| Queues::of_coin(&state.queues.order, *coin).next().map(|account| (account, *coin));
    let first = state.queues.sums.keys().filter_map(oldest);
    first.filter_map(|key| state.waiting.find(key)).map(|entry| entry.since.after(LIFE)).min()
}

fn expire(state: &mut State, out: &mut Outcome, coin: Token) {
    let now = state.now();
    let old = |key: &Key| state.waiting.find(*key).is_some_and(|entry| entry.since.after(LIFE) <= now);
    let due = Queues::of_coin(&state.queues.order, coin).map(|account| (account, coin)).take_while(old);
    let due: Vec<Key> = due.take(BATCH).collect();
    for (account, token) in due {
        let held = state.waiting.find((account, token)).expect("taken from it above").held;
        give_back(state, out, account, token, held);
    }
}

/// Keeps coins that are free for entries. Waits until they are worth a look: each costs a pass over the entries.
fn credit(state: &mut State, coin: Token) {
    let Sum { held, credit, .. } = state.queues.sum(coin);
    let mut free = free(state, coin);
    if free.is_zero() || free < PART.min(held.saturating_sub(credit)) {
        return;
    }
    let accounts: Vec<AccountId> = Queues::of_coin(&state.queues.order, coin).collect();
    for account in &accounts {
        let entry = state.waiting.find((*account, coin)).expect("the queue names entries");
        let own = par::own_deposits(state, *account, coin).saturating_sub(entry.credit);
        let part = entry.lacks().min(own).min(free);
        free -= part;
        add_credit(state, (*account, coin), part);
    }
    let lack =
        |account: &AccountId| state.waiting.find((*account, coin)).map_or(Amount::ZERO, Waiting::lacks);
    let lacks: Vec<Amount> = accounts.iter().map(lack).collect();
    let parts = apportion(free.min(lacks.iter().sum()), &lacks);
    for (account, part) in accounts.into_iter().zip(parts) {
        add_credit(state, (account, coin), part);
    }
}

fn add_credit(state: &mut State, key: Key, part: Amount) {
    if part.is_zero() {
        return;
    }
    change(state, key, |state| {
        state.waiting.find_mut(key).expect("the caller found it").credit += part;
    });
}

/// Pays entries that have credit enough. Who cannot be paid now holds up nobody.
fn pay_ready(state: &mut State, out: &mut Outcome, coin: Token) {
    let ready: Vec<AccountId> = Queues::of_coin(&state.queues.ready, coin).collect();
    let mut paid = 0_usize;
    for account in ready {
        if BATCH <= paid {
            break;
        }
        let entry = *state.waiting.find((account, coin)).expect("the queue names entries");
        if !may_pay(state, out, (account, coin), 1) {
            continue;
        }
        if let Ok(payout) = withdrawal::payout(state, account, coin, entry.credit) {
            pay_entry(state, out, (account, coin), &[payout], entry.credit == entry.held);
            paid = paid.saturating_add(1);
        }
    }
}

/// While a coin is off par: as much of each entry as every inventory of its mix has, oldest first.
fn pay_in_mix(state: &mut State, out: &mut Outcome, coin: Token) {
    let accounts: Vec<AccountId> = Queues::of_coin(&state.queues.order, coin).take(MIX_BATCH).collect();
    for account in accounts {
        let key = (account, coin);
        let entry = *state.waiting.find(key).expect("the queue names entries");
        let fits = |payouts: &[Payout]| {
            payouts.iter().all(|payout| {
                let kept = if payout.token == coin { entry.credit } else { Amount::ZERO };
                payout.all() <= free(state, payout.token) + kept
            })
        };
        let mut amount = entry.held;
        let payouts = loop {
            if amount < entry.held.min(PART) {
                break None;
            }
            match withdrawal::payouts(state, account, coin, amount) {
                Ok(payouts) if fits(&payouts) => break Some(payouts),
                Ok(_) => amount = Amount::from_wei(amount.wei() >> 1),
                Err(_) => break None,
            }
        };
        let Some(payouts) = payouts else { continue };
        if may_pay(state, out, key, payouts.len()) {
            pay_entry(state, out, key, &payouts, amount == entry.held);
        }
    }
}

/// The account may take dollars out now. One whose health does not allow it has them back.
fn may_pay(state: &mut State, out: &mut Outcome, (account, token): Key, releases: usize) -> bool {
    if check_may_lower(state, account).is_err() || orders::check_open(state, account, releases).is_err() {
        return false;
    }
    let Err(reject) = check_health(state, account, Whatif::default()) else { return true };
    let held = state.waiting.find((account, token)).expect("the caller found it").held;
    give_back(state, out, account, token, held);
    out.event(Event::WithdrawalRefused { account, token, amount: held, reject });
    false
}

/// Orders the payments. What is left of a whole entry, less than units, is cash again.
fn pay_entry(
    state: &mut State,
    out: &mut Outcome,
    (account, token): Key,
    payouts: &[Payout],
    is_whole: bool,
) {
    for payout in payouts {
        change(state, (account, token), |state| {
            if payout.token == token {
                let entry = state.waiting.find_mut((account, token)).expect("the caller found it");
                entry.credit = entry.credit.saturating_sub(payout.all());
            }
            pay_out_coin(state, out, LedgerAccount::Waiting(account, token), *payout, Reason::Withdrawal);
        });
    }
    let left = state.waiting.find((account, token)).map(|entry| entry.held);
    if let Some(left) = left.filter(|_| is_whole) {
        give_back(state, out, account, token, left);
    }
}

/// Changes an entry, and keeps what is derived from it. An entry has no more credit than dollars, and without dollars it is none.
fn change(state: &mut State, key: Key, act: impl FnOnce(&mut State)) {
    if let Some(before) = state.waiting.find(key).copied() {
        state.queues.remove(key, &before);
    }
    act(state);
    let Some(entry) = state.waiting.find_mut(key) else { return };
    entry.credit = entry.credit.min(entry.held);
    let entry = *entry;
    if entry.held.is_zero() {
        state.waiting.remove(key);
    } else {
        state.queues.add(key, &entry);
    }
}
