//! Health: what an account is worth, weighted, less what it needs (R14).

use crate::state::State;
use ballast_types::{AccountId, Token};
use ballast_units::{Amount, Usd};

/// A change that is only thought: health as it would be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whatif {
    /// Change of cash.
    pub cash: Usd,
    /// Debt added.
    pub debt: Amount,
    /// Collateral removed.
    pub token: Option<(Token, Amount)>,
}

/// H_M: below zero, the account is liquidated. Saturates, keeping its sign.
#[must_use]
pub fn maintenance(state: &State, account: AccountId) -> Usd {
    let _ = (state, account);
    Usd::ZERO
}

/// H_I after a change: opening needs it at zero or above.
#[must_use]
pub fn initial(state: &State, account: AccountId, whatif: Whatif) -> Usd {
    let _ = (state, account, whatif);
    Usd::ZERO
}

/// H_W after a change: withdrawing and borrowing need it at zero or above.
#[must_use]
pub fn withdrawal(state: &State, account: AccountId, whatif: Whatif) -> Usd {
    let _ = (state, account, whatif);
    Usd::ZERO
}
