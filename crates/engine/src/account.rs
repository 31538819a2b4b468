//! Accounts: the record of one owner's balances, positions, claims and debts.
//!
//! One health over all chains. An account with one position and one token as collateral needs no heap.

use crate::ledger::Balances;
use crate::market::claim::MarketClaim;
use ballast_types::{ChainId, MarketId, Owner, TaskId};
use ballast_units::{Amount, Price, Size, Usd, Wide};
use borsh::{BorshDeserialize, BorshSerialize};
use smallvec::SmallVec;

/// Everything the engine keeps of an account.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// Whose it is.
    pub owner: Owner,
    /// Cash and collateral; changed by the ledger alone.
    pub balances: Balances,
    /// Open positions, ascending by market.
    #[borsh(serialize_with = "write_small", deserialize_with = "read_small")]
    pub positions: SmallVec<[Position; 1]>,
    /// Claims on and settlement debts to markets, ascending by market.
    pub claims: Vec<MarketClaim>,
    /// Loans, ascending by chain.
    pub loans: Vec<Loan>,
    /// The liquidation that has locked the account.
    pub task: Option<TaskId>,
}

/// A position in one market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Position {
    /// Where.
    pub market: MarketId,
    /// Base; positive is long. Never zero in the table.
    pub size: Size,
    /// Dollars paid into the curve for it: positive for a long, negative for a short.
    pub cost: Usd,
    /// The side's funding index when funding was last booked.
    pub funding: Usd,
}

/// A loan of one chain. What is owed is `scaled` times the chain's borrow index, rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Loan {
    /// Where it was paid out.
    pub chain: ChainId,
    /// Dollars borrowed and not repaid.
    pub principal: Amount,
    /// Principal and interest, divided by the borrow index, rounded up.
    pub scaled: Amount,
}

impl Position {
    /// What closing it at a price would realise, dollars, rounded down. Saturates at what the house counts, keeping
    /// its sign (R11): a price may leave the range of the curve that the position was opened on.
    #[must_use]
    pub fn pnl(&self, price: Price) -> Usd {
        let most = Amount::LIMIT.dollars();
        let beyond = if self.size.is_long() { most } else { -most };
        let pnl = self.size.value_down(price).and_then(|value| value.checked_sub(self.cost));
        pnl.map_or(beyond, |pnl| pnl.clamp(-most, most))
    }

    /// What closing it at a price would realise, exact but for the rounding down.
    #[must_use]
    pub(crate) fn pnl_wide(&self, price: Price) -> Wide {
        let pnl = self.size.value_down(price).and_then(|value| value.checked_sub(self.cost));
        pnl.map_or_else(
            |_| {
                let size = self.size.magnitude();
                let value = if self.size.is_long() {
                    Wide::product_down(size, price)
                } else {
                    Wide::ZERO.minus_wide(Wide::product_up(size, price))
                };
                value.minus(self.cost)
            },
            Wide::from_usd,
        )
    }

    /// What it is worth at a price without its sign, dollars, rounded up. Saturates at what the house counts.
    #[must_use]
    pub fn notional(&self, price: Price) -> Amount {
        self.size.magnitude().value_up(price).map_or(Amount::LIMIT, |value| value.min(Amount::LIMIT))
    }
}

impl Account {
    /// The position in a market.
    #[must_use]
    pub fn position(&self, market: MarketId) -> Option<&Position> {
        self.positions.iter().find(|position| position.market == market)
    }

    /// Claim and settlement debt in a market.
    #[must_use]
    pub fn claim(&self, market: MarketId) -> Option<&MarketClaim> {
        self.claims.iter().find(|claim| claim.market == market)
    }

    /// The loan on a chain.
    #[must_use]
    pub fn loan(&self, chain: ChainId) -> Option<&Loan> {
        self.loans.iter().find(|loan| loan.chain == chain)
    }

    /// Puts a position in its place, or removes it where its size is zero.
    pub(crate) fn set_position(&mut self, position: Position) {
        match self.positions.binary_search_by_key(&position.market, |held| held.market) {
            Ok(at) if position.size.is_zero() => {
                self.positions.remove(at);
            }
            Ok(at) => {
                if let Some(held) = self.positions.get_mut(at) {
                    *held = position;
                }
            }
            Err(at) => {
                if !position.size.is_zero() {
                    self.positions.insert(at, position);
                }
            }
        }
    }

    /// The record of claim and debt in a market, made where there is none.
    pub(crate) fn claim_mut(&mut self, market: MarketId) -> &mut MarketClaim {
        let at = match self.claims.binary_search_by_key(&market, |claim| claim.market) {
            Ok(at) => at,
            Err(at) => {
                self.claims.insert(at, MarketClaim { market, ..MarketClaim::default() });
                at
            }
        };
        self.claims.get_mut(at).expect("found or inserted above")
    }

    /// Puts a loan in its place, or removes it where nothing is owed.
    pub(crate) fn set_loan(&mut self, loan: Loan) {
        match self.loans.binary_search_by_key(&loan.chain, |held| held.chain) {
            Ok(at) if loan.scaled.is_zero() => {
                self.loans.remove(at);
            }
            Ok(at) => {
                if let Some(held) = self.loans.get_mut(at) {
                    *held = loan;
                }
            }
            Err(at) => {
                if !loan.scaled.is_zero() {
                    self.loans.insert(at, loan);
                }
            }
        }
    }
}

/// Borsh of a `SmallVec`, the same bytes as of a `Vec`.
pub(crate) fn write_small<W: borsh::io::Write, A: smallvec::Array>(
    items: &SmallVec<A>,
    writer: &mut W,
) -> borsh::io::Result<()>
where
    A::Item: BorshSerialize,
{
    items.as_slice().serialize(writer)
}

/// Reads what [`write_small`] wrote.
pub(crate) fn read_small<R: borsh::io::Read, A: smallvec::Array>(
    reader: &mut R,
) -> borsh::io::Result<SmallVec<A>>
where
    A::Item: BorshDeserialize,
{
    Vec::deserialize_reader(reader).map(SmallVec::from_vec)
}
