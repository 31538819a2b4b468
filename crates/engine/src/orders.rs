//! Orders: what the hub told its chains to do, until it is final that they did or certain that they never will.
//!
//! - Every order is kept by (chain, nonce) until its `Executed` is final. The orders that a block gives one spoke are
//!   one batch.
//! - Resend: an order without acknowledgement is put out again, the same bytes, after `resend_blocks` blocks of its
//!   chain and the chain's p95 of inclusion, then after twice that, up to `resend_most`. One whose execution the chain
//!   dropped is put out again in that block.
//! - Expiry: a block at or after `expires` refuses an order. Once such a block is final and the order was not seen in
//!   that prefix, it is undone: a release goes back to its account, a lot is queued again, collateral that was to be
//!   bridged stays in its lot, a cancellation is ordered anew.
//! - Keeps: I01 (an undone release enters and moves exactly what its order took), I06 (a nonce takes effect once).

use crate::custody;
use crate::ledger::{enter, pay, transfer};
use crate::liquidation;
use crate::migration;
use crate::reserve;
use crate::state::{Outcome, State};
use ballast_types::{
    AccountId, ChainId, Event, LedgerAccount, LotId, Money, Nonce, Order, OrderAction, Reason, Reject,
    Sequence, Token,
};
use ballast_units::{Amount, Millis, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;
use std::ops::Bound;

/// Releases to one account that are on their way at once. More than a mix of coins has parts goes one after the other.
const RELEASES_MOST: u32 = 16;

/// Orders of one chain that are put out again in one block.
const RESEND_BATCH: usize = 256;

/// An order that is not final.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Sent {
    /// The order: what is put out again is this.
    pub order: Order,
    /// When it was given.
    pub given: Time,
    /// How often it was put out.
    pub times: u32,
    /// When it is put out again.
    pub again: Time,
    /// The vault's event that carried it out, where it was seen.
    pub seen: Option<Sequence>,
    /// Of a release to an account: what its expiry gives back. Without it a release is the reserve's.
    pub release: Option<Release>,
}

/// What a release took from an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Release {
    /// For whom.
    pub account: AccountId,
    /// What.
    pub token: Token,
    /// How much.
    pub amount: Amount,
    /// What it was before, and is again where it is undone.
    pub of: ReleaseOf,
    /// Of the account's own deposits of the coin, how much it used up (R10).
    pub deposits: Amount,
    /// Dollars that it paid for the delivery, which are given back too, as far as the treasury has them.
    pub fee: Amount,
}

/// What a release was of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ReleaseOf {
    /// Cash or a loan: dollars left the books for it.
    Dollars,
    /// Collateral.
    Collateral,
    /// What was kept in suspense.
    Suspense,
}

impl Sent {
    /// The lot that it is about.
    #[must_use]
    pub fn lot(&self) -> Option<LotId> {
        match self.order.action {
            OrderAction::StartAuction { lot, .. }
            | OrderAction::CancelAuction { lot, .. }
            | OrderAction::Bridge { lot, .. } => Some(lot),
            OrderAction::Release { .. }
            | OrderAction::Rotate { .. }
            | OrderAction::SetLimits { .. }
            | OrderAction::ListMaker { .. }
            | OrderAction::Unfreeze {}
            | OrderAction::ListToken { .. }
            | OrderAction::Migrate { .. } => None,
        }
    }
}

impl State {
    /// Whether an order that no vault is known to have carried out would still do what it is for.
    #[must_use]
    pub fn is_wanted(&self, sent: &Sent) -> bool {
        sent.seen.is_none() && self.now() < sent.order.expires && liquidation::wants(self, sent)
    }
}

/// Numbers an order and puts it out.
pub(crate) fn give(state: &mut State, out: &mut Outcome, chain: ChainId, action: OrderAction) -> Nonce {
    give_for(state, out, chain, action, None)
}

/// As [`give`], for a release.
pub(crate) fn give_for(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    action: OrderAction,
    release: Option<Release>,
) -> Nonce {
    let now = state.now();
    let record = state.chains.get_mut(chain);
    let nonce = record.next_nonce;
    record.next_nonce = Nonce(nonce.0.saturating_add(1));
    let life = now.after(state.house.orders.life);
    // A start that comes when its auction is over sells nothing.
    let expires = match &action {
        OrderAction::StartAuction { auction, .. } => life.min(auction.ends),
        OrderAction::Migrate { .. } => migration::expires(life),
        OrderAction::Release { .. }
        | OrderAction::CancelAuction { .. }
        | OrderAction::Bridge { .. }
        | OrderAction::Rotate { .. }
        | OrderAction::SetLimits { .. }
        | OrderAction::ListMaker { .. }
        | OrderAction::Unfreeze {}
        | OrderAction::ListToken { .. } => life,
    };
    let order = Order { chain, nonce, expires, action };
    out.orders.push(order.clone());
    let again = now.after(wait(state, chain, 1));
    if let Some(release) = &release {
        let open = state.releases.entry(release.account).or_insert(0);
        *open = open.saturating_add(1);
    }
    state.orders.insert((chain, nonce), Sent { order, given: now, times: 1, again, seen: None, release });
    state.resends.insert((chain, again, nonce));
    state.expiries.insert((chain, expires, nonce));
    nonce
}

/// How long an order that was put out so often waits for its acknowledgement.
fn wait(state: &State, chain: ChainId, times: u32) -> Millis {
    let record = state.chains.get(chain);
    let params = &state.house.orders;
    let blocks = record.block_time.get().saturating_mul(u64::from(params.resend_blocks));
    let first = blocks.saturating_add(record.inclusion_p95.get());
    let doublings = times.saturating_sub(1).min(32);
    Millis::new(first.saturating_mul(1_u64 << doublings).min(params.resend_most.get()).max(1))
}

/// An order of this number is open, and no event has carried it out or used up its number.
pub(crate) fn is_open(state: &State, chain: ChainId, nonce: Nonce) -> bool {
    state.orders.find((chain, nonce)).is_some_and(|sent| sent.seen.is_none())
}

/// Refuses more releases to an account than may be on their way: each is an order that a courier carries and an event of its vault.
pub(crate) fn check_open(state: &State, account: AccountId, more: usize) -> Result<(), Reject> {
    let have = state.releases.get(&account).copied().unwrap_or(0);
    let more = u32::try_from(more).unwrap_or(u32::MAX);
    if RELEASES_MOST < have.saturating_add(more) && have != 0 {
        return Err(Reject::WithdrawalsOpen { account, have, limit: RELEASES_MOST });
    }
    Ok(())
}

/// Releases that are not final, by account.
pub(crate) fn releases(state: &State) -> BTreeMap<AccountId, u32> {
    let mut releases = BTreeMap::new();
    for (_, sent) in state.orders.iter() {
        if let Some(release) = &sent.release {
            let open: &mut u32 = releases.entry(release.account).or_default();
            *open = open.saturating_add(1);
        }
    }
    releases
}

/// An order of the chain that does this is open: its execution is not final.
pub(crate) fn is_any_open(state: &State, chain: ChainId, does: impl Fn(&OrderAction) -> bool) -> bool {
    let mut all = state.orders.range((chain, Nonce(0))..=(chain, Nonce(u64::MAX)));
    all.any(|(_, sent)| does(&sent.order.action))
}

/// The chain has carried it out, or used up its number, in this event.
pub(crate) fn acknowledge(state: &mut State, chain: ChainId, nonce: Nonce, sequence: Sequence) {
    if let Some(sent) = state.orders.find_mut((chain, nonce)) {
        sent.seen = Some(sequence);
        let again = sent.again;
        state.resends.remove(&(chain, again, nonce));
    }
}

/// The chain takes now what it would not take before: whatever waits for its acknowledgement is put out again at once.
pub(crate) fn hurry(state: &mut State, chain: ChainId) {
    let now = state.now();
    let later = (Bound::Excluded((chain, now, Nonce(u64::MAX))), Bound::Included(last_of(chain)));
    let waiting: Vec<_> = state.resends.range(later).copied().collect();
    for (_, at, nonce) in waiting {
        state.orders.find_mut((chain, nonce)).expect("what is due is open").again = now;
        state.resends.remove(&(chain, at, nonce));
        state.resends.insert((chain, now, nonce));
    }
}

/// The chain dropped that event: put out again at once.
pub(crate) fn lose(state: &mut State, out: &mut Outcome, chain: ChainId, nonce: Nonce) {
    if let Some(sent) = state.orders.find_mut((chain, nonce)) {
        sent.seen = None;
        resend(state, out, chain, nonce);
    }
}

/// It is final that it was carried out.
pub(crate) fn complete(state: &mut State, chain: ChainId, nonce: Nonce) -> Option<Sent> {
    let sent = state.orders.remove((chain, nonce))?;
    state.expiries.remove(&(chain, sent.order.expires, nonce));
    state.resends.remove(&(chain, sent.again, nonce));
    if let Some(Release { account, .. }) = sent.release
        && let Some(open) = state.releases.get_mut(&account)
    {
        *open = open.saturating_sub(1);
        if *open == 0 {
            state.releases.remove(&account);
        }
    }
    Some(sent)
}

/// Puts out again what is due, of each chain so much at most: one that stands still holds up no other.
pub(crate) fn step(state: &mut State, out: &mut Outcome) {
    let now = state.now();
    for chain in state.chains.ids() {
        let due = state.resends.range((chain, Time::ZERO, Nonce(0))..=(chain, now, Nonce(u64::MAX)));
        let due: Vec<_> = due.take(RESEND_BATCH).map(|(_, _, nonce)| *nonce).collect();
        for nonce in due {
            resend(state, out, chain, nonce);
        }
    }
}

/// When the next order is put out again.
pub(crate) fn next_due(state: &State) -> Option<Time> {
    let first = |chain| state.resends.range((chain, Time::ZERO, Nonce(0))..=last_of(chain)).next();
    state.chains.ids().filter_map(first).map(|(_, at, _)| *at).min()
}

const fn last_of(chain: ChainId) -> (ChainId, Time, Nonce) {
    (chain, Time::MAX, Nonce(u64::MAX))
}

fn resend(state: &mut State, out: &mut Outcome, chain: ChainId, nonce: Nonce) {
    let now = state.now();
    let sent = state.orders.find((chain, nonce)).expect("what is due is open");
    let (old, times) = (sent.again, sent.times.saturating_add(1));
    state.resends.remove(&(chain, old, nonce));
    // A start whose cancellation is out would only sell what is to be kept. An expired order waits for its undoing.
    let wanted = now < sent.order.expires && liquidation::wants(state, sent);
    let again = now.after(wait(state, chain, times));
    let sent = state.orders.find_mut((chain, nonce)).expect("found above");
    sent.again = again;
    if wanted {
        sent.times = times;
        out.orders.push(sent.order.clone());
        out.event(Event::OrderResent { chain, nonce, times });
    }
    if now < sent.order.expires {
        state.resends.insert((chain, again, nonce));
    }
}

/// A block of this time is final on a chain, and everything before it is taken: orders that had to be carried out
/// by then and were not are undone.
pub(crate) fn expire(state: &mut State, out: &mut Outcome, chain: ChainId, time: Time) {
    let late = (chain, Time::ZERO, Nonce(0))..=(chain, time, Nonce(u64::MAX));
    let is_dead = |nonce: &Nonce| {
        // What was seen to arrive elsewhere waits until that is final.
        let unseen = state.orders.find((chain, *nonce)).is_some_and(|sent| sent.seen.is_none());
        unseen && !liquidation::is_arriving(state, (chain, *nonce))
    };
    let mut dead: Vec<Nonce> =
        state.expiries.range(late).map(|(_, _, nonce)| *nonce).filter(is_dead).collect();
    dead.sort_unstable();
    for nonce in dead {
        let sent = complete(state, chain, nonce).expect("found above");
        out.event(Event::OrderExpired { chain, nonce });
        undo(state, out, &sent);
    }
}

fn undo(state: &mut State, out: &mut Outcome, sent: &Sent) {
    let (chain, nonce) = (sent.order.chain, sent.order.nonce);
    match sent.order.action {
        OrderAction::Release { asset, amount, .. } => match sent.release {
            Some(release) => undo_release(state, out, chain, nonce, release),
            None => reserve::undo(state, out, nonce, Token { asset, chain }, amount),
        },
        OrderAction::StartAuction { lot, .. } => liquidation::start_expired(state, out, lot, nonce),
        OrderAction::CancelAuction { lot, start } => liquidation::cancel_expired(state, out, lot, start),
        OrderAction::Bridge { lot, .. } => liquidation::bridge_expired(state, out, lot, nonce),
        // Governance's: given again as they are, as new orders.
        OrderAction::Rotate { .. }
        | OrderAction::SetLimits { .. }
        | OrderAction::ListMaker { .. }
        | OrderAction::ListToken { .. } => {
            give(state, out, chain, sent.order.action.clone());
        }
        // Not given again: a freeze ends by itself, and a later one is not the one that governance ended.
        OrderAction::Unfreeze {} => {}
        OrderAction::Migrate { .. } => migration::undo(state, out, chain, nonce),
    }
}

/// What was in flight is the account's again. A loan that was never paid out is the borrower's cash: it is owed all the
/// same, and can be repaid from it.
fn undo_release(state: &mut State, out: &mut Outcome, chain: ChainId, nonce: Nonce, release: Release) {
    let Release { account, token, amount, of, deposits, fee } = release;
    let (money, in_flight) = (Money::Token(token), LedgerAccount::InFlight(chain));
    let to = match of {
        ReleaseOf::Dollars => LedgerAccount::Inventory(token),
        ReleaseOf::Collateral => LedgerAccount::Collateral(account, token),
        ReleaseOf::Suspense => LedgerAccount::Suspense(account, token),
    };
    transfer(state, out, in_flight, to, money, amount, Reason::Expiry);
    if of == ReleaseOf::Dollars {
        enter(state, out, LedgerAccount::Cash(account), Money::Usd, amount, Reason::Expiry);
        custody::restore_deposits(state, account, token, deposits);
    }
    let fee = fee.min(state.house.money.treasury());
    pay(state, out, LedgerAccount::Treasury, LedgerAccount::Cash(account), fee, Reason::Expiry);
    out.event(Event::ReleaseUndone { account, token, amount, nonce });
    crate::market::settlement::collect(state, out, account);
}
