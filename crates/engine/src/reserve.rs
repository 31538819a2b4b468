//! The reserve's cold money: what of the float lies in the chains' multisigs.
//!
//! - A collection is ordered by governance: dollars of the float become `Cold(chain)` at once, the coin behind them
//!   leaves the inventory and, when the chain says that it is paid, the books. One that expires is the float's again.
//! - Comes back as a deposit to [`Owner::RESERVE`]: the coin's dollars are the float's, and as many leave `Cold`. What is
//!   more than was cold is a gift; somebody's gift before the multisig has recalled makes `Cold` too small, never too
//!   large. What a collection that is under way stands for is not there to come back.
//! - Keeps: I01. `Cold` is dollars that the multisig's coins stand for, not the vaults'.
//!
//! Absent: when to collect and how much of which fees, sweeps, replenishment.

use crate::custody;
use crate::ledger::{self, USD, balance, leave, pay, transfer};
use crate::orders;
use crate::state::{Outcome, State};
use ballast_types::{
    AccountId, Address, ChainId, Event, LedgerAccount, Money, Nonce, OrderAction, Owner, Reason, Reject,
    ReleaseReason, Token,
};
use ballast_units::Amount;

/// A collection that can be ordered.
#[derive(Debug)]
pub(crate) struct Plan {
    token: Token,
    amount: Amount,
    to: Address,
}

/// Says where a chain's cold store is from now on. What is on its way goes to the old one.
pub(crate) fn set_store(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    address: Address,
) -> Result<(), Reject> {
    state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    state.chains.get_mut(chain).cold_store = Some(address);
    out.event(Event::ColdStoreSet { chain, address });
    Ok(())
}

/// Decides whether so much of the float can go to a chain's cold store now, floored to the coin's unit.
pub(crate) fn plan(state: &State, chain: ChainId, amount: Amount) -> Result<Plan, Reject> {
    let record = state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    let to = record.cold_store.ok_or(Reject::NoColdStore { chain })?;
    custody::check_amount(amount)?;
    let token = Token { asset: record.coin, chain };
    let amount = custody::floor_to_unit(state, token, amount)?.not_zero()?;
    let have = state.house.money.float();
    if have < amount {
        return Err(Reject::FloatTooSmall { have, need: amount });
    }
    // What lenders have idle there and withdrawals wait for stays.
    let have = custody::free_inventory(state, token).saturating_sub(state.queues.sum(token).held);
    if have < amount {
        return Err(Reject::InventoryTooSmall { chain, have, need: amount });
    }
    Ok(Plan { token, amount, to })
}

/// Orders it.
pub(crate) fn execute(state: &mut State, out: &mut Outcome, plan: Plan) {
    let Plan { token, amount, to } = plan;
    let Token { asset, chain } = token;
    let reason = Reason::Collection;
    pay(state, out, LedgerAccount::Float, LedgerAccount::Cold(chain), amount, reason);
    let (inventory, in_flight) = (LedgerAccount::Inventory(token), LedgerAccount::InFlight(chain));
    transfer(state, out, inventory, in_flight, Money::Token(token), amount, reason);
    let action = OrderAction::Release { reason: ReleaseReason::Collection, to, asset, amount };
    let nonce = orders::give(state, out, chain, action);
    out.event(Event::CollectionOrdered { chain, amount, nonce });
}

/// The vault has paid it, finally: the coin is the multisig's.
pub(crate) fn collected(state: &mut State, out: &mut Outcome, nonce: Nonce, token: Token, amount: Amount) {
    let in_flight = LedgerAccount::InFlight(token.chain);
    leave(state, out, in_flight, Money::Token(token), amount, Reason::Collection);
    out.event(Event::ReleaseCompleted { chain: token.chain, nonce, amount });
}

/// The vault will never pay it.
pub(crate) fn undo(state: &mut State, out: &mut Outcome, nonce: Nonce, token: Token, amount: Amount) {
    let chain = token.chain;
    let (inventory, in_flight) = (LedgerAccount::Inventory(token), LedgerAccount::InFlight(chain));
    transfer(state, out, in_flight, inventory, Money::Token(token), amount, Reason::Expiry);
    pay(state, out, LedgerAccount::Cold(chain), LedgerAccount::Float, amount, Reason::Expiry);
    out.event(Event::CollectionUndone { chain, amount, nonce });
}

/// Of what is cold, dollars whose coins have not left the vault for good: they come back where an order expires.
fn under_way(state: &State, chain: ChainId) -> Amount {
    let sent = state.orders.range((chain, Nonce(0))..=(chain, Nonce(u64::MAX)));
    let amounts = sent.filter_map(|(_, sent)| {
        let OrderAction::Release { reason: ReleaseReason::Collection, amount, .. } = sent.order.action else {
            return None;
        };
        Some(amount)
    });
    amounts.sum()
}

/// Dollars of a coin have become the reserve's account's cash: they are the float's, and no longer cold.
pub(crate) fn recall(state: &mut State, out: &mut Outcome, account: AccountId, chain: ChainId) {
    if state.accounts.get(account).owner != Owner::RESERVE {
        return;
    }
    let amount = ledger::cash(state, account);
    pay(state, out, LedgerAccount::Cash(account), LedgerAccount::Float, amount, Reason::Recall);
    let stored = balance(state, LedgerAccount::Cold(chain), USD).saturating_sub(under_way(state, chain));
    let cold = stored.min(amount);
    leave(state, out, LedgerAccount::Cold(chain), USD, cold, Reason::Recall);
    out.event(Event::ReserveRecalled { chain, amount, cold });
}
