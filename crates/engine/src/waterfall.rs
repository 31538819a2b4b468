//! The waterfall: who bears a loss, in a fixed order (R1).
//!
//! - Fast layers, in the block: the scope's tranche, the float (a capped share in 24 hours), the house's cover
//!   policy. What is left is a deficit of the scope, and the same amount is suspended: of a market's unpaid
//!   claims and open profits, or of a chain's lender shares, pro rata, with receipts.
//! - Slow layers repay deficits, oldest first, and with them the holders of receipts. What nobody has repaid
//!   when its life ends is written off against what was suspended.
//! - Keeps: I08 (the layers add up to the loss), I03 (3).
//!
//! Money, by step:
//!
//! | step | dollars | books |
//! | --- | --- | --- |
//! | a layer pays a market's loss | layer -> `Pool(market)` | the debt that was written off was the pool's |
//! | a layer pays a chain's loss | layer -> `Lending(chain)` | lenders' assets fell by the loan that was written off |
//! | a layer pays a par loss | layer -> out of the books | the coins that backed them are worth less |
//! | a market's deficit | none | deficit up by what the debts fell; claims become suspended claims |
//! | a chain's deficit | none (of a par loss: `Lending` -> out) | shares are worth less already; receipts say how much |
//! | a deficit is repaid | payer -> holders of receipts | deficit and suspended claims down alike |
//! | a deficit is written off | none | deficit and suspended claims down alike |

use crate::ledger::{USD, balance, leave, pay};
use crate::market::settlement;
use crate::state::{Outcome, State};
use ballast_types::{AccountId, Event, Holder, LedgerAccount, LossId, Reason, Reject, Scope};
use ballast_units::math::mul_div_down;
use ballast_units::{Amount, Millis, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::VecDeque;

/// Uses of the float are limited over this span (R1).
const FLOAT_WINDOW: Millis = Millis::hours(24);

/// Uses within one stretch of this length are kept as one, as old as the first of them.
const FLOAT_GRAIN: Millis = Millis::minutes(10);

/// A loss that left a deficit. One a scope and block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Loss {
    /// Whose.
    pub scope: Scope,
    /// When it happened.
    pub time: Time,
    /// What no fast layer absorbed.
    pub deficit: Amount,
    /// What is left of it.
    pub left: Amount,
    /// Suspended for it and not repaid yet; its receipts add up to this.
    pub suspended: Amount,
}

/// What each scope used of the float in the last 24 hours, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FloatUse {
    /// (when, by whom, how much)
    pub uses: VecDeque<(Time, Scope, Amount)>,
}

/// What each layer took of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Absorbed {
    /// Whose loss.
    pub scope: Scope,
    /// Paid by the scope's tranche.
    pub tranche: Amount,
    /// Paid by the float.
    pub float: Amount,
    /// Paid by the house's cover policy.
    pub cover: Amount,
    /// Absorbed by nobody.
    pub deficit: Amount,
    /// Of the deficit of a par loss, dollars that left the lending pool.
    pub lending: Amount,
}

impl Absorbed {
    fn nothing(scope: Scope) -> Self {
        let zero = Amount::ZERO;
        Self { scope, tranche: zero, float: zero, cover: zero, deficit: zero, lending: zero }
    }

    /// Paid by layers.
    #[must_use]
    pub fn paid(&self) -> Amount {
        self.tranche + self.float + self.cover
    }

    /// The whole loss.
    #[must_use]
    pub fn amount(&self) -> Amount {
        self.paid() + self.deficit
    }

    /// Adds another loss of the same scope.
    pub(crate) fn add(&mut self, other: &Self) {
        self.tranche += other.tranche;
        self.float += other.float;
        self.cover += other.cover;
        self.deficit += other.deficit;
        self.lending += other.lending;
    }
}

impl FloatUse {
    /// Used by a scope within the window, dollars.
    #[must_use]
    pub fn used(&self, scope: Scope, now: Time) -> Amount {
        let recent = self.uses.iter().filter(|(time, by, _)| *by == scope && now.since(*time) < FLOAT_WINDOW);
        recent.map(|(_, _, amount)| *amount).sum()
    }

    fn add(&mut self, scope: Scope, amount: Amount, now: Time) {
        while self.uses.front().is_some_and(|(time, _, _)| FLOAT_WINDOW <= now.since(*time)) {
            self.uses.pop_front();
        }
        let grain = |time: Time| time.millis().checked_div(FLOAT_GRAIN.get());
        let near = |use_: &&mut (Time, Scope, Amount)| grain(use_.0) == grain(now);
        match self.uses.iter_mut().rev().take_while(near).find(|(_, by, _)| *by == scope) {
            Some(last) => last.2 += amount,
            None => self.uses.push_back((now, scope, amount)),
        }
    }
}

/// Sends a loss down all layers; what they pay goes to `to`, or out of the books where a coin lost its worth.
/// What they do not pay is a deficit, and is suspended at the end of the block ([`suspend`]).
pub(crate) fn absorb(
    state: &mut State,
    out: &mut Outcome,
    scope: Scope,
    amount: Amount,
    to: Option<LedgerAccount>,
) -> Absorbed {
    walk(state, out, scope, amount, to, Rest::Deficit)
}

/// As [`absorb`], but books no deficit: what the layers do not pay is another scope's loss, the caller's to
/// send on.
pub(crate) fn absorb_part(
    state: &mut State,
    out: &mut Outcome,
    scope: Scope,
    amount: Amount,
    to: Option<LedgerAccount>,
) -> Absorbed {
    walk(state, out, scope, amount, to, Rest::Elsewhere)
}

/// What becomes of what no layer paid.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Deficit,
    Elsewhere,
}

/// The one walk down the layers, with its one event.
fn walk(
    state: &mut State,
    out: &mut Outcome,
    scope: Scope,
    amount: Amount,
    to: Option<LedgerAccount>,
    rest: Rest,
) -> Absorbed {
    let mut taken = Absorbed::nothing(scope);
    if amount.is_zero() {
        return taken;
    }
    let tranche = LedgerAccount::Tranche(scope);
    taken.tranche = balance(state, tranche, USD).min(amount);
    give(state, out, tranche, to, taken.tranche);
    taken.float = float_room(state, scope).min(amount - taken.tranche);
    give(state, out, LedgerAccount::Float, to, taken.float);
    if !taken.float.is_zero() {
        let now = state.now();
        state.house.float_use.add(scope, taken.float, now);
    }
    taken.cover = cover_room(state, scope).min(amount - taken.tranche - taken.float);
    let mut loss = LossId(0);
    let unpaid = amount - taken.paid();
    if rest == Rest::Deficit && !unpaid.is_zero() {
        taken.deficit = unpaid;
        taken.lending = lose_par(state, out, scope, unpaid, to);
        let suspended = if to.is_some() { unpaid } else { taken.lending };
        loss = book(state, scope, unpaid, suspended);
    }
    out.event(Event::LossAbsorbed {
        loss,
        scope,
        amount: taken.amount(),
        tranche: taken.tranche,
        float: taken.float,
        cover: taken.cover,
        deficit: taken.deficit,
    });
    taken
}

fn give(
    state: &mut State,
    out: &mut Outcome,
    from: LedgerAccount,
    to: Option<LedgerAccount>,
    amount: Amount,
) {
    match to {
        Some(to) => pay(state, out, from, to, amount, Reason::Loss),
        None => leave(state, out, from, USD, amount, Reason::Loss),
    }
}

/// What the float may still give to a scope: its share of the float as it was before this scope used it.
fn float_room(state: &State, scope: Scope) -> Amount {
    let float = state.house.money.float();
    if float.is_zero() {
        return float;
    }
    let limits = state.house.float_limits;
    let share = match scope {
        Scope::Market(_) => limits.market,
        Scope::Chain(_) => limits.chain,
    };
    let used = state.house.float_use.used(scope, state.now());
    (float + used).bps_down(share).saturating_sub(used).min(float)
}

/// What the house's cover policy pays for a scope: no cover has been sold yet.
fn cover_room(_state: &State, _scope: Scope) -> Amount {
    Amount::ZERO
}

/// Of a par loss that no layer paid, takes what idle lenders' dollars stand for out of the books.
fn lose_par(
    state: &mut State,
    out: &mut Outcome,
    scope: Scope,
    unpaid: Amount,
    to: Option<LedgerAccount>,
) -> Amount {
    let (Scope::Chain(chain), None) = (scope, to) else { return Amount::ZERO };
    let lending = LedgerAccount::Lending(chain);
    let lost = balance(state, lending, USD).min(unpaid);
    leave(state, out, lending, USD, lost, Reason::Loss);
    lost
}

/// The market or chain exists.
pub(crate) fn check_scope(state: &State, scope: Scope) -> Result<(), Reject> {
    match scope {
        Scope::Market(market) => {
            state.markets.find(market).ok_or(Reject::UnknownMarket { market })?;
        }
        Scope::Chain(chain) => {
            state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
        }
    }
    Ok(())
}

/// When the oldest deficit is written off.
pub(crate) fn next_due(state: &State) -> Option<Time> {
    let life = state.house.liquidation.deficit_life;
    state.losses.iter().next().map(|(_, loss)| loss.time.after(life))
}

/// Adds to the scope's deficit and to its loss of this block, of which `suspended` is to be suspended.
fn book(state: &mut State, scope: Scope, deficit: Amount, suspended: Amount) -> LossId {
    *deficit_mut(state, scope) += deficit;
    if let Some(id) = state.fresh_losses.get(&scope).copied() {
        let loss = state.losses.find_mut(id).expect("a block's fresh losses are open");
        loss.deficit += deficit;
        loss.left += deficit;
        loss.suspended += suspended;
        return id;
    }
    let id = LossId(state.house.last_loss.0.saturating_add(1));
    state.house.last_loss = id;
    state.losses.insert(id, Loss { scope, time: state.now(), deficit, left: deficit, suspended });
    state.fresh_losses.insert(scope, id);
    id
}

fn deficit_mut(state: &mut State, scope: Scope) -> &mut Amount {
    match scope {
        Scope::Market(market) => &mut state.markets.get_mut(market).deficit,
        Scope::Chain(chain) => &mut state.chains.get_mut(chain).pool.deficit,
    }
}

/// Suspends for the deficits of this block, once a scope, before claims are paid. Where a market owes less than
/// its deficit, everything it owes is suspended.
pub(crate) fn suspend(state: &mut State, out: &mut Outcome) {
    for (scope, loss) in std::mem::take(&mut state.fresh_losses) {
        let due = state.losses.find(loss).expect("a block's fresh losses are open").suspended;
        let holders = bearers(state, scope);
        let bases: Vec<Amount> = holders.iter().map(|(_, base)| *base).collect();
        let total = match scope {
            Scope::Market(_) => due.min(bases.iter().sum()),
            Scope::Chain(_) if holders.is_empty() => Amount::ZERO,
            Scope::Chain(_) => due,
        };
        for ((holder, _), amount) in holders.into_iter().zip(apportion(total, &bases)) {
            if amount.is_zero() {
                continue;
            }
            if let Scope::Market(market) = scope {
                settlement::suspend(state, out, market, holder, amount);
            }
            state.receipts.insert((loss, holder), amount);
            out.event(Event::ReceiptIssued { loss, holder, amount });
        }
        state.losses.find_mut(loss).expect("found above").suspended = total;
    }
}

/// Who bears a scope's deficit, and in proportion to what: claims and open profits, or lender shares; ascending.
fn bearers(state: &State, scope: Scope) -> Vec<(Holder, Amount)> {
    match scope {
        Scope::Market(market) => settlement::claimants(state, market),
        Scope::Chain(chain) => {
            let lenders = state.lenders.range((chain, AccountId(0))..=(chain, AccountId(u32::MAX)));
            lenders.map(|((_, account), shares)| (Holder::Account(account), *shares)).collect()
        }
    }
}

/// Repays a scope's deficits, oldest first, from dollars that somebody gives up for it. Returns what it took.
///
/// A market's holders get cash at once, not a claim again: the money that came in is theirs, and the pool's
/// other claims have no part in it.
pub(crate) fn repay(
    state: &mut State,
    out: &mut Outcome,
    scope: Scope,
    from: LedgerAccount,
    amount: Amount,
) -> Amount {
    // A loss of this block has no receipts yet.
    let fresh = state.fresh_losses.get(&scope).copied();
    let open = state.losses.iter().filter(|(id, loss)| loss.scope == scope && Some(*id) != fresh);
    let open: Vec<LossId> = open.map(|(id, _)| id).collect();
    let mut left = amount;
    for loss in open {
        if left.is_zero() {
            break;
        }
        left -= repay_loss(state, out, loss, from, left);
    }
    amount - left
}

/// Repays one loss: first what was suspended for it, pro rata over its receipts, then what nobody bore, which
/// its pool lacks. Returns what it took.
fn repay_loss(
    state: &mut State,
    out: &mut Outcome,
    id: LossId,
    from: LedgerAccount,
    amount: Amount,
) -> Amount {
    let loss = *state.losses.find(id).expect("the caller found it");
    let paid = amount.min(loss.left);
    let to_holders = paid.min(loss.suspended);
    let receipts = receipts_of(state, id);
    let bases: Vec<Amount> = receipts.iter().map(|(_, left)| *left).collect();
    for ((holder, left), amount) in receipts.into_iter().zip(apportion(to_holders, &bases)) {
        set_receipt(state, id, holder, left - amount);
        pay(state, out, from, account_of(loss.scope, holder), amount, Reason::Recovery);
        if let Holder::Account(account) = holder {
            settlement::collect(state, out, account);
        }
    }
    let borne_by_nobody = match loss.scope {
        Scope::Market(market) => LedgerAccount::Pool(market),
        Scope::Chain(_) => LedgerAccount::Tranche(loss.scope),
    };
    pay(state, out, from, borne_by_nobody, paid - to_holders, Reason::Recovery);
    shrink(state, id, paid, to_holders);
    out.event(Event::DeficitRepaid { loss: id, amount: paid, left: loss.left - paid });
    paid
}

/// What [`refund`] would take at most: what the layers paid, and what is open of the deficit.
pub(crate) fn outstanding(state: &State, taken: &Absorbed) -> Amount {
    let open = match taken.scope {
        Scope::Market(market) => state.markets.get(market).deficit,
        Scope::Chain(chain) => state.chains.get(chain).pool.deficit,
    };
    taken.tranche + taken.float + taken.deficit.min(open)
}

/// Gives back to the layers what they paid for one scope, in reverse order: deficit, cover, float, tranche. What
/// somebody else has repaid meanwhile is left to the next layer. Returns what they took.
pub(crate) fn refund(
    state: &mut State,
    out: &mut Outcome,
    taken: &mut Absorbed,
    from: LedgerAccount,
    amount: Amount,
) -> Amount {
    let mut left = amount;
    let repaid = repay(state, out, taken.scope, from, left.min(taken.deficit));
    left -= repaid;
    taken.deficit -= repaid;
    let layers =
        [(&mut taken.float, LedgerAccount::Float), (&mut taken.tranche, LedgerAccount::Tranche(taken.scope))];
    for (layer, to) in layers {
        let part = left.min(*layer);
        pay(state, out, from, to, part, Reason::Recovery);
        left -= part;
        *layer -= part;
    }
    amount - left
}

/// Writes off what nobody has repaid in time against what was suspended for it. What was suspended from nobody
/// stays a market's deficit, as a new loss: claims that have arisen since bear it.
pub(crate) fn expire(state: &mut State, out: &mut Outcome) {
    let now = state.now();
    let life = state.house.liquidation.deficit_life;
    let due = |loss: &Loss| life <= now.since(loss.time);
    let expired: Vec<LossId> =
        state.losses.iter().take_while(|(_, loss)| due(loss)).map(|(id, _)| id).collect();
    for id in expired {
        let loss = *state.losses.find(id).expect("found above");
        for (holder, _) in receipts_of(state, id) {
            set_receipt(state, id, holder, Amount::ZERO);
        }
        shrink(state, id, loss.left, loss.suspended);
        let mut written_off = loss.left;
        if let Scope::Market(_) = loss.scope {
            written_off = loss.suspended;
            let rest = loss.left - loss.suspended;
            if !rest.is_zero() {
                book(state, loss.scope, rest, rest);
            }
        }
        out.event(Event::DeficitWrittenOff { loss: id, amount: written_off });
    }
    suspend(state, out);
}

/// Takes `left` off a loss and its scope's deficit, and `suspended` off what is suspended for it.
fn shrink(state: &mut State, id: LossId, left: Amount, suspended: Amount) {
    let loss = state.losses.find_mut(id).expect("the caller found it");
    loss.left -= left;
    loss.suspended -= suspended;
    let Loss { scope, left: open, .. } = *loss;
    *deficit_mut(state, scope) -= left;
    if let Scope::Market(market) = scope {
        state.markets.get_mut(market).claims.suspended -= suspended;
    }
    if open.is_zero() {
        state.losses.remove(id);
    }
}

/// Receipts of a loss, ascending by holder.
fn receipts_of(state: &State, loss: LossId) -> Vec<(Holder, Amount)> {
    let all = (loss, Holder::Account(AccountId(0)))..=(loss, Holder::Float);
    state.receipts.range(all).map(|((_, holder), amount)| (holder, *amount)).collect()
}

fn set_receipt(state: &mut State, loss: LossId, holder: Holder, amount: Amount) {
    if amount.is_zero() {
        state.receipts.remove((loss, holder));
    } else {
        state.receipts.insert((loss, holder), amount);
    }
}

/// Where a holder of a receipt is paid. Only accounts hold receipts of a chain.
fn account_of(scope: Scope, holder: Holder) -> LedgerAccount {
    match (holder, scope) {
        (Holder::Account(account), _) => LedgerAccount::Cash(account),
        (Holder::Budget, Scope::Market(market)) => LedgerAccount::Budget(market),
        (Holder::Tranche, _) => LedgerAccount::Tranche(scope),
        (Holder::Budget | Holder::Float, _) => LedgerAccount::Float,
    }
}

/// Splits `total` in proportion to `bases`: each share rounded down, the wei left over one each to the largest
/// remainders, the first of equal ones first. The shares add up to `total`, unless every base is zero.
#[must_use]
pub(crate) fn apportion(total: Amount, bases: &[Amount]) -> Vec<Amount> {
    let whole: Amount = bases.iter().sum();
    if whole.is_zero() || total.is_zero() {
        return vec![Amount::ZERO; bases.len()];
    }
    let mut shares = Vec::with_capacity(bases.len());
    let mut remainders = Vec::with_capacity(bases.len());
    for (place, base) in bases.iter().enumerate() {
        let (total, base, whole) = (total.wei(), base.wei(), whole.wei());
        let share = mul_div_down(total, base, whole).expect("R11: a share is at most the total");
        // Exact modulo 2^128, as the true remainder is below `whole`.
        let remainder = total.wrapping_mul(base).wrapping_sub(share.wrapping_mul(whole));
        shares.push(Amount::from_wei(share));
        remainders.push((std::cmp::Reverse(remainder), place));
    }
    remainders.sort_unstable();
    let mut left = total - shares.iter().sum();
    for (_, place) in remainders {
        if left.is_zero() {
            break;
        }
        if let Some(share) = shares.get_mut(place) {
            *share += Amount::from_wei(1);
            left -= Amount::from_wei(1);
        }
    }
    shares
}
