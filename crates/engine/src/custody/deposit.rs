//! Deposits: credit while a block is safe, money when it is final (R9).
//!
//! - Credit (`Pending`) counts for health and no transfer but finality and reorg leaves it; its limits are what the
//!   chain's tranche could make good, and of that a tenth an owner.
//! - Final: a coin at par becomes cash, everything else collateral.
//! - A deposit is never refused: what is below the hub's unit is dust, what the house does not take is kept in suspense,
//!   where it counts nowhere and can only be taken out again.

use super::observe::Effect;
use super::par;
use super::{floor_to_unit, open_account};
use crate::ledger::{enter, leave, transfer};
use crate::liquidation;
use crate::market::settlement;
use crate::oracle;
use crate::reserve;
use crate::state::{Outcome, State};
use ballast_types::{
    AccountId, Address, Anomaly, ChainId, Event, LedgerAccount, Listing, Money, Owner, Reason, Token,
    VaultEvent,
};
use ballast_units::{Amount, Bps};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;

/// Share of a chain's pending credit that one owner may have, over all subaccounts (R9).
const PENDING_OWNER_SHARE: Bps = Bps::new(1_000);

/// Dollars that the deposit is worth which opens an account.
const ACCOUNT_LEAST: Amount = Amount::whole(1);

/// A token's supply cap in dollars: so many times what all chains' markets take of it, and this where that was never measured.
const SUPPLY_DEPTHS: u128 = 20;
const SUPPLY_UNMEASURED: Amount = Amount::whole(1_000_000_000);

/// What a safe deposit has changed, and what its finality brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Credit {
    /// Credited when it is final: whole in the token's unit.
    pub whole: Amount,
    /// The rest, below the unit: dust.
    pub rest: Amount,
    /// How much of it counts already, in the token.
    pub pending: Amount,
    /// The same in dollars at the index of then, rounded up, which is what the chain's limit counts.
    pub dollars: Amount,
}

/// A deposit in a safe block. What the house takes has an account, and counts as far as R9 allows; the rest of it is not in
/// the books until it is final. What the house does not take is put aside when it is final.
pub(super) fn seen(
    state: &mut State,
    out: &mut Outcome,
    owner: Owner,
    token: Token,
    amount: Amount,
) -> (Effect, Option<Anomaly>) {
    if amount.is_zero() || !amount.in_range() {
        return (Effect::Stray, Some(Anomaly::DepositOutOfRange { token, amount }));
    }
    let (whole, rest) = match floor_to_unit(state, token, amount) {
        Ok(floored) => (floored.kept, amount - floored.kept),
        // Not listed.
        Err(_) => (amount, Amount::ZERO),
    };
    if whole.is_zero() {
        // Nobody's account is opened for less than the least that it could hold.
        let found = Anomaly::DepositBelowUnit { token, rest };
        return (Effect::Aside(LedgerAccount::Dust(token), token, rest), Some(found));
    }
    let account = match state.account_of(owner) {
        Some(account) => Some(account),
        None if is_worth_an_account(state, token, whole) => open_account(state, out, owner).ok(),
        None => None,
    };
    let Some(account) = account else {
        let found = Anomaly::DepositUnowned { token, amount };
        return (Effect::Aside(LedgerAccount::Surplus(token), token, amount), Some(found));
    };
    let is_open = state.token(token).is_some_and(|record| record.listing == Listing::Open);
    if !is_open || state.refused.find((account, token)).is_some() {
        let found = Anomaly::DepositSuspended { account, token, amount };
        return (Effect::Aside(LedgerAccount::Suspense(account, token), token, amount), Some(found));
    }
    let (pending, dollars) = pending_credit(state, account, token, whole);
    enter(state, out, LedgerAccount::Pending(account, token), Money::Token(token), pending, Reason::Deposit);
    change_pending(state, owner, token.chain, (Amount::ZERO, dollars));
    out.event(Event::DepositPending { account, token, amount: pending });
    let found = (!rest.is_zero()).then_some(Anomaly::DepositBelowUnit { token, rest });
    (Effect::Credited(Credit { whole, rest, pending, dollars }), found)
}

/// An account is kept for ever: the deposit that opens one is worth something. What has no price yet is taken to be.
fn is_worth_an_account(state: &State, token: Token, amount: Amount) -> bool {
    let Some(index) = oracle::index(state, token.asset) else { return state.token(token).is_some() };
    amount.value_down(index).is_ok_and(|value| ACCOUNT_LEAST <= value)
}

/// How much of a safe deposit counts, in the token and in dollars at index, rounded up. Limits: what the chain's
/// tranche could make good if the deposit disappeared, and of that a tenth an owner.
fn pending_credit(state: &State, account: AccountId, token: Token, amount: Amount) -> (Amount, Amount) {
    let none = (Amount::ZERO, Amount::ZERO);
    let Some(index) = oracle::index(state, token.asset) else { return none };
    let chain = state.chains.get(token.chain);
    let limit = chain.pending_cap.min(chain.money.tranche());
    let of_owner = owner_pending(state, state.accounts.get(account).owner, token.chain);
    let room = limit.saturating_sub(chain.pending);
    let room = room.min(limit.bps_down(PENDING_OWNER_SHARE).saturating_sub(of_owner));
    let value = |amount: Amount| amount.value_up(index).unwrap_or(Amount::MAX);
    let pending =
        if value(amount) <= room { amount } else { room.at_price_down(index).unwrap_or(amount).min(amount) };
    (pending, value(pending))
}

/// Dollars of an owner's pending credit on a chain, over all subaccounts.
fn owner_pending(state: &State, owner: Owner, chain: ChainId) -> Amount {
    state.pending_of.get(&(owner.address, chain)).copied().unwrap_or_default()
}

/// Credit is given or gone.
fn change_pending(state: &mut State, owner: Owner, chain: ChainId, (less, more): (Amount, Amount)) {
    let record = state.chains.get_mut(chain);
    record.pending = record.pending - less + more;
    let sum = state.pending_of.entry((owner.address, chain)).or_default();
    *sum = *sum - less + more;
    if sum.is_zero() {
        state.pending_of.remove(&(owner.address, chain));
    }
}

/// What deposits that are not final give of credit, by owner and chain.
pub(crate) fn pending_of(state: &State) -> BTreeMap<(Address, ChainId), Amount> {
    let mut sums = BTreeMap::new();
    for ((chain, _), known) in state.unfinal.iter() {
        if let (VaultEvent::Deposited { owner, .. }, Effect::Credited(credit)) = (known.event, known.effect)
            && !credit.dollars.is_zero()
        {
            *sums.entry((owner.address, chain)).or_insert(Amount::ZERO) += credit.dollars;
        }
    }
    sums
}

/// A deposit is final: what was pending and what had no credit become cash where the coin is taken, and collateral
/// otherwise; what is below the unit is dust, and what is beyond the token's cap waits in suspense.
pub(super) fn settle(state: &mut State, out: &mut Outcome, account: AccountId, token: Token, credit: Credit) {
    let Credit { whole: amount, rest, pending, dollars } = credit;
    let owner = state.accounts.get(account).owner;
    change_pending(state, owner, token.chain, (dollars, Amount::ZERO));
    enter(state, out, LedgerAccount::Dust(token), Money::Token(token), rest, Reason::Anomaly);
    // Until now nothing could pay its settlement debts: their grace begins.
    let starts_grace = liquidation::only_pending(state, account);
    let money = Money::Token(token);
    let from = LedgerAccount::Pending(account, token);
    let amount = match par::taken_at(state, token, amount) {
        Some(worth) => {
            let taken = par::take(state, out, account, token, (pending, worth), Some(from));
            let more = par::take(state, out, account, token, (amount - pending, worth), None);
            if taken + more < amount {
                out.event(Event::CoinsTaken { account, token, amount, cash: taken + more });
            }
            reserve::recall(state, out, account, token.chain);
            amount
        }
        None => {
            let kept = amount.min(room(state, token) + pending).max(pending);
            let to = LedgerAccount::Collateral(account, token);
            transfer(state, out, from, to, money, pending, Reason::Finality);
            enter(state, out, to, money, kept - pending, Reason::Deposit);
            let beyond = amount - kept;
            enter(state, out, LedgerAccount::Suspense(account, token), money, beyond, Reason::Anomaly);
            if !beyond.is_zero() {
                out.event(Event::DepositSuspended { account, token, amount: beyond });
            }
            kept
        }
    };
    out.event(Event::DepositCredited { account, token, amount });
    settlement::collect(state, out, account);
    if starts_grace {
        liquidation::restart_grace(state, account);
    }
}

/// How much more of a token the house holds on its chain (R39).
fn room(state: &State, token: Token) -> Amount {
    let Some(record) = state.token(token) else { return Amount::ZERO };
    let dollars = record.params.supply_cap_usd.unwrap_or_else(|| {
        let listed = state.chains.iter().filter_map(|(_, chain)| {
            chain.tokens.iter().find(|listed| listed.asset == token.asset)?.days.median()
        });
        match listed.reduce(|sum, depth| sum + depth) {
            Some(depth) => Amount::from_wei(depth.wei().saturating_mul(SUPPLY_DEPTHS)).min(Amount::LIMIT),
            None => SUPPLY_UNMEASURED,
        }
    });
    let index = oracle::index(state, token.asset);
    // Without a price dollars say nothing.
    let units = index.map_or(Amount::LIMIT, |index| dollars.at_price_down(index).unwrap_or(Amount::LIMIT));
    record.params.supply_cap.min(units).saturating_sub(state.house.money.token_total(token))
}

/// The chain dropped a deposit: its credit goes; no transfer could have left it.
pub(super) fn reverse(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    token: Token,
    amount: Amount,
    credit: Credit,
) {
    let from = LedgerAccount::Pending(account, token);
    leave(state, out, from, Money::Token(token), credit.pending, Reason::Reorg);
    let owner = state.accounts.get(account).owner;
    change_pending(state, owner, token.chain, (credit.dollars, Amount::ZERO));
    out.event(Event::DepositDropped { account, token, amount });
}
