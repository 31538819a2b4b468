//! Settlement: what realised profit and loss become.
//!
//! - Loss: the account's own claim in that market, then cash, then an automatic loan, then settlement debt.
//! - Profit: the account's own settlement debt in that market, the rest a claim (R4, R5).

use crate::state::{Outcome, State};
use ballast_types::{AccountId, MarketId, Reason};
use ballast_units::Usd;

/// Brings an account's claims up to date: what was paid becomes cash. Then cash pays settlement debts, by
/// market. Call it wherever cash arrives.
pub(crate) fn collect(state: &mut State, out: &mut Outcome, account: AccountId) {
    let _ = (state, out, account);
}

/// Books a realised profit (positive) or loss.
pub(crate) fn realise(state: &mut State, out: &mut Outcome, account: AccountId, market: MarketId, pnl: Usd, reason: Reason) {
    let _ = (state, out, account, market, pnl, reason);
}
