//! Settlement debt: dollars an account owes a market's pool (R5).
//!
//! - Counts as debt in health, accrues the top kinked rate; the interest goes to the market's tranche.
//! - Principal is what the pool is owed; what is owed in all is `scaled` times the index, rounded up.

use ballast_units::{Amount, Overflow, Ratio, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// What one account owes one market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SettlementDebt {
    /// Owed to the pool.
    pub principal: Amount,
    /// Principal and interest divided by the index, rounded up.
    pub scaled: Amount,
    /// When the oldest of it arose.
    pub since: Time,
}

/// The settlement debts of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DebtBook {
    /// Σ principal.
    pub principal: Amount,
    /// Growth of one dollar of debt since listing.
    pub index: Ratio,
    /// When `index` was brought up to date.
    pub updated: Time,
}

impl DebtBook {
    /// Without debts.
    #[must_use]
    pub fn new(now: Time) -> Self {
        Self { principal: Amount::ZERO, index: Ratio::ONE, updated: now }
    }
}

impl SettlementDebt {
    /// Principal and interest, rounded up.
    pub fn owed(&self, book: &DebtBook) -> Result<Amount, Overflow> {
        Ok(self.scaled.mul_ratio_up(book.index)?.max(self.principal))
    }
}
