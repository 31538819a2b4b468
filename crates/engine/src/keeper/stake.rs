//! Stake: what a keeper answers with.
//!
//! - Comes out of its owner's collateral and goes back there, after a cool-down in which it can still be forfeited.
//! - Forfeited stake is the reserve's (`Fines`), which counts the house's own token as zero.
//! - Absent: health. The stake token is no collateral, so that moving it changes nobody's health.

use super::{change_keeper, registry};
use crate::custody;
use crate::ledger::{self, balance};
use crate::state::{Outcome, State};
use ballast_types::{AccountId, Event, KeeperId, LedgerAccount, Money, Reason, Reject, Token};
use ballast_units::{Amount, Time};

/// The stake token, where the house has keepers.
pub(crate) fn token(state: &State) -> Result<Token, Reject> {
    state.house.keepers.token.ok_or(Reject::NoStakeToken {})
}

/// The account can move so much of the stake token.
pub(crate) fn check_held(
    state: &State,
    account: AccountId,
    token: Token,
    amount: Amount,
) -> Result<(), Reject> {
    custody::check_amount(amount)?;
    registry::check_account(state, account)?;
    let have = balance(state, LedgerAccount::Collateral(account, token), Money::Token(token));
    if have < amount {
        return Err(Reject::CollateralTooSmall { account, have, need: amount });
    }
    Ok(())
}

/// Adds to a keeper's stake.
pub(crate) fn add(
    state: &mut State,
    out: &mut Outcome,
    keeper: KeeperId,
    amount: Amount,
) -> Result<(), Reject> {
    let token = token(state)?;
    let record = registry::find(state, keeper)?;
    registry::check_not_barred(state, record)?;
    let account = record.account;
    check_held(state, account, token, amount)?;
    let from = LedgerAccount::Collateral(account, token);
    let to = LedgerAccount::Stake(keeper);
    ledger::transfer(state, out, from, to, Money::Token(token), amount, Reason::Stake);
    out.event(Event::StakeAdded { keeper, amount });
    Ok(())
}

/// Asks stake back. Its keeper is drawn with what stays, and not at all where that is too little.
pub(crate) fn ask_back(
    state: &mut State,
    out: &mut Outcome,
    keeper: KeeperId,
    amount: Amount,
) -> Result<(), Reject> {
    let record = registry::find(state, keeper)?;
    custody::check_amount(amount)?;
    if let Some((_, due)) = record.leaving {
        return Err(Reject::UnstakeOpen { keeper, due });
    }
    if record.stake < amount {
        return Err(Reject::StakeTooSmall { have: record.stake, need: amount });
    }
    let due = state.now().after(state.house.keepers.params.unstake_delay);
    change_keeper(state, keeper, |record| record.leaving = Some((amount, due)));
    out.event(Event::UnstakeRequested { keeper, amount, due });
    Ok(())
}

/// Gives back what was asked for, once its time has come.
pub(crate) fn give_back(state: &mut State, out: &mut Outcome, keeper: KeeperId) {
    let now = state.now();
    let record = state.keepers.get(keeper);
    let Some((amount, _)) = record.leaving.filter(|(_, due)| *due <= now) else { return };
    let token = token(state).expect("keepers are registered where there is a stake token");
    let to = LedgerAccount::Collateral(record.account, token);
    change_keeper(state, keeper, |record| record.leaving = None);
    let from = LedgerAccount::Stake(keeper);
    ledger::transfer(state, out, from, to, Money::Token(token), amount, Reason::Stake);
    out.event(Event::StakeReturned { keeper, amount });
}

/// Takes stake for the reserve. What is leaving is bounded by what is left.
pub(crate) fn forfeit(state: &mut State, out: &mut Outcome, keeper: KeeperId, amount: Amount) {
    let token = token(state).expect("keepers are registered where there is a stake token");
    let from = LedgerAccount::Stake(keeper);
    ledger::transfer(state, out, from, LedgerAccount::Fines, Money::Token(token), amount, Reason::Fine);
    change_keeper(state, keeper, |record| {
        let left = record.stake;
        let bounded = |(leaving, due): (Amount, Time)| (leaving.min(left), due);
        record.leaving = record.leaving.map(bounded).filter(|(leaving, _)| !leaving.is_zero());
    });
}
