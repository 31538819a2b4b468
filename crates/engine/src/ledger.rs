//! The ledger: double entry, one mutation.
//!
//! - Value moves by [`transfer`] alone; it enters by [`enter`] and leaves by [`leave`], which only
//!   observations and orders call.
//! - Balances live beside what they belong to (an account's cash in the account's record), in types whose
//!   fields only this module can change.
//! - [`Sums`] are kept beside: what all accounts, lots, tasks and keepers hold together. With them I01 costs a block a few
//!   additions; the whole-state check holds them to the records themselves.
//! - Keeps: I01 (conservation), I02 (nothing below zero: a debit beyond the balance stops the node).

use crate::account::{read_small, write_small};
use crate::state::{Outcome, State};
use ballast_types::{AccountId, AssetId, LedgerAccount, Money, Reason, Scope, Token, Transfer};
use ballast_units::Amount;
use borsh::{BorshDeserialize, BorshSerialize};
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// An account's money.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct Balances {
    cash: Amount,
    #[borsh(serialize_with = "write_small", deserialize_with = "read_small")]
    holdings: SmallVec<[Holding; 1]>,
}

/// One token of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Holding {
    /// Which.
    pub token: Token,
    /// Final: can pay and be withdrawn.
    pub amount: Amount,
    /// Safe, not final: counts, and no transfer but finality and reorg leaves it (R9).
    pub pending: Amount,
}

impl Balances {
    /// Settled dollars.
    #[must_use]
    pub fn cash(&self) -> Amount {
        self.cash
    }

    /// Tokens held, ascending.
    #[must_use]
    pub fn holdings(&self) -> &[Holding] {
        &self.holdings
    }

    /// Final balance of a token.
    #[must_use]
    pub fn collateral(&self, token: Token) -> Amount {
        self.holding(token).amount
    }

    /// Balance of a token that is safe, not final.
    #[must_use]
    pub fn pending(&self, token: Token) -> Amount {
        self.holding(token).pending
    }

    fn holding(&self, token: Token) -> Holding {
        self.holdings.iter().find(|held| held.token == token).copied().unwrap_or_default()
    }

    fn holding_mut(&mut self, token: Token) -> &mut Holding {
        let at = match self.holdings.binary_search_by_key(&token, |held| held.token) {
            Ok(at) => at,
            Err(at) => {
                self.holdings.insert(at, Holding { token, ..Holding::default() });
                at
            }
        };
        self.holdings.get_mut(at).expect("found or inserted above")
    }

    fn forget_empty(&mut self, token: Token) {
        let empty = |held: &Holding| held.amount.is_zero() && held.pending.is_zero();
        self.holdings.retain(|held| held.token != token || !empty(held));
    }
}

/// A market's money, dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MarketMoney {
    pool: Amount,
    payable: Amount,
    budget: Amount,
    tranche: Amount,
    fees: Amount,
}

/// A chain's money, dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChainMoney {
    lending: Amount,
    tranche: Amount,
    fees: Amount,
    cold: Amount,
}

/// A token's money outside of accounts, in the token but for the par reserve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TokenMoney {
    /// Dollars.
    par_reserve: Amount,
    inventory: Amount,
    in_flight: Amount,
    warehouse: Amount,
}

/// What records that come and go hold together: kept by every debit and credit, rebuilt when a snapshot is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    /// Dollars of accounts' cash, of withdrawals that wait, of tasks' proceeds and of pots.
    pub(crate) dollars: Amount,
    /// By token, what accounts, lots and keepers hold, and what is kept aside.
    pub(crate) tokens: BTreeMap<Token, Amount>,
}

impl Sums {
    /// Of the whole state.
    pub(crate) fn of(state: &State) -> Self {
        let mut sums = Self::default();
        for (_, account) in state.accounts.iter() {
            sums.add(&account.balances);
        }
        sums.with_others(state)
    }

    /// What one account holds.
    pub(crate) fn add(&mut self, balances: &Balances) {
        self.dollars += balances.cash;
        for held in &balances.holdings {
            *self.tokens.entry(held.token).or_default() += held.amount + held.pending;
        }
    }

    /// What everything but accounts holds as well.
    pub(crate) fn with_others(mut self, state: &State) -> Self {
        crate::view::each_balance_outside_accounts(state, &mut |account, money, amount| {
            if let Some(sum) = self.of_records(account, money) {
                *sum += amount;
            }
        });
        self
    }

    /// Whether two say the same: a token of which nothing is held need not be there.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let held = |sums: &Self| -> Vec<(Token, Amount)> {
            sums.tokens.iter().map(|(token, sum)| (*token, *sum)).filter(|(_, sum)| !sum.is_zero()).collect()
        };
        self.dollars == other.dollars && held(self) == held(other)
    }

    /// The sum that a ledger account is part of; none where it is a field of a market, a chain or the house, which a
    /// check reads as it is.
    fn of_records(&mut self, account: LedgerAccount, money: Money) -> Option<&mut Amount> {
        match (account, money) {
            (
                LedgerAccount::Cash(_)
                | LedgerAccount::Proceeds(_)
                | LedgerAccount::Pot(_)
                | LedgerAccount::Waiting(..),
                Money::Usd,
            ) => Some(&mut self.dollars),
            (
                LedgerAccount::Collateral(..)
                | LedgerAccount::Pending(..)
                | LedgerAccount::Lot(_)
                | LedgerAccount::Stake(_)
                | LedgerAccount::Dust(_)
                | LedgerAccount::Suspense(..)
                | LedgerAccount::Surplus(_),
                Money::Token(token),
            ) => Some(self.tokens.entry(token).or_default()),
            _field => None,
        }
    }
}

/// The house's money, dollars but for fines, and the totals of everything that entered and has not left.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HouseMoney {
    float: Amount,
    treasury: Amount,
    /// Forfeited stake, in the stake token.
    fines: Amount,
    /// Dollars in the books (I01b).
    usd: Amount,
    /// Tokens in the books = in the vaults (I01a).
    tokens: BTreeMap<Token, Amount>,
    /// By asset, what left vaults by bridges and what came to vaults by bridges, ever.
    bridged: BTreeMap<AssetId, (Amount, Amount)>,
    /// By asset, what left and will never come.
    lost: BTreeMap<AssetId, Amount>,
}

macro_rules! readers {
    ($type:ty { $($(#[$doc:meta])* $field:ident)* }) => {
        impl $type {
            $($(#[$doc])* #[must_use] pub fn $field(&self) -> Amount { self.$field })*
        }
    };
}
readers!(MarketMoney {
    /// Realised losses not yet paid to claims.
    pool
    /// Paid claims not yet with their holders.
    payable
    /// What pays for changes of the curve.
    budget
    /// First-loss money.
    tranche
    /// Fees not yet split.
    fees
});
readers!(ChainMoney {
    /// Idle dollars of the pool.
    lending
    /// First-loss money.
    tranche
    /// Fees not yet split.
    fees
    /// The reserve in the chain's multisig.
    cold
});
readers!(TokenMoney {
    /// Dollars by which coins were taken below par.
    par_reserve
    /// Stablecoin that backs dollars.
    inventory
    /// Ordered out, not yet gone.
    in_flight
    /// Bought by the reserve.
    warehouse
});
readers!(HouseMoney {
    /// The reserve in the vaults.
    float
    /// The house's own.
    treasury
    /// What keepers forfeited, in the stake token.
    fines
    /// All dollars of the books.
    usd
});

impl HouseMoney {
    /// All of a token in the books; equals what its vault holds.
    #[must_use]
    pub fn token_total(&self, token: Token) -> Amount {
        self.tokens.get(&token).copied().unwrap_or(Amount::ZERO)
    }

    /// By asset, what left vaults by bridges and what came by them.
    pub fn bridged(&self) -> impl Iterator<Item = (AssetId, Amount, Amount)> {
        self.bridged.iter().map(|(asset, (left, came))| (*asset, *left, *came))
    }

    /// Collateral left a vault by a bridge, or came by one.
    pub(crate) fn note_bridged(&mut self, asset: AssetId, left: Amount, came: Amount) {
        let totals = self.bridged.entry(asset).or_default();
        totals.0 += left;
        totals.1 += came;
    }

    /// Of an asset, what bridges lost.
    #[must_use]
    pub fn lost(&self, asset: AssetId) -> Amount {
        self.lost.get(&asset).copied().unwrap_or_default()
    }

    /// A bridge lost collateral.
    pub(crate) fn note_lost(&mut self, asset: AssetId, amount: Amount) {
        *self.lost.entry(asset).or_default() += amount;
    }

    /// Every token that was ever in the books.
    pub fn token_totals(&self) -> impl Iterator<Item = (Token, Amount)> {
        self.tokens.iter().map(|(token, amount)| (*token, *amount))
    }
}

/// Dollars of the hub.
pub const USD: Money = Money::Usd;

/// Moves value. The balance was checked by the plan that ordered it; moving more than there is would be
/// a bug, and stops the node (I02).
pub(crate) fn transfer(
    state: &mut State,
    out: &mut Outcome,
    from: LedgerAccount,
    to: LedgerAccount,
    money: Money,
    amount: Amount,
    reason: Reason,
) {
    if amount.is_zero() || from == to {
        return;
    }
    debit(state, from, money, amount, reason);
    credit(state, to, money, amount);
    out.transfers.push(Transfer { from: Some(from), to: Some(to), money, amount, reason });
}

/// Moves dollars.
pub(crate) fn pay(
    state: &mut State,
    out: &mut Outcome,
    from: LedgerAccount,
    to: LedgerAccount,
    amount: Amount,
    reason: Reason,
) {
    transfer(state, out, from, to, USD, amount, reason);
}

/// Value enters the books: a vault's deposit, or the dollars that a coin stands for.
pub(crate) fn enter(
    state: &mut State,
    out: &mut Outcome,
    to: LedgerAccount,
    money: Money,
    amount: Amount,
    reason: Reason,
) {
    if amount.is_zero() {
        return;
    }
    match money {
        Money::Usd => state.house.money.usd += amount,
        Money::Token(token) => {
            *state.house.money.tokens.entry(token).or_insert(Amount::ZERO) += amount;
        }
    }
    credit(state, to, money, amount);
    out.transfers.push(Transfer { from: None, to: Some(to), money, amount, reason });
}

/// Value leaves the books.
pub(crate) fn leave(
    state: &mut State,
    out: &mut Outcome,
    from: LedgerAccount,
    money: Money,
    amount: Amount,
    reason: Reason,
) {
    if amount.is_zero() {
        return;
    }
    debit(state, from, money, amount, reason);
    match money {
        Money::Usd => state.house.money.usd -= amount,
        Money::Token(token) => {
            *state.house.money.tokens.entry(token).or_insert(Amount::ZERO) -= amount;
        }
    }
    out.transfers.push(Transfer { from: Some(from), to: None, money, amount, reason });
}

/// A token is listed while some of it, which was kept in suspense, is on its way out: from now on that is kept with its record.
pub(crate) fn adopt(state: &mut State, token: Token) {
    let account = LedgerAccount::InFlight(token.chain);
    if let Some(amount) = state.aside.remove((account, token)) {
        state.token_mut(token).money.in_flight += amount;
    }
}

/// What a ledger account holds of a money.
#[must_use]
pub fn balance(state: &State, account: LedgerAccount, money: Money) -> Amount {
    let token_money = |token: Token| state.token(token).map(|record| record.money).unwrap_or_default();
    match (account, money) {
        (LedgerAccount::Cash(id), Money::Usd) => state.accounts.get(id).balances.cash,
        (LedgerAccount::Collateral(id, token), Money::Token(_)) => {
            state.accounts.get(id).balances.collateral(token)
        }
        (LedgerAccount::Pending(id, token), Money::Token(_)) => {
            state.accounts.get(id).balances.pending(token)
        }
        (LedgerAccount::Pool(id), Money::Usd) => state.markets.get(id).money.pool,
        (LedgerAccount::Payable(id), Money::Usd) => state.markets.get(id).money.payable,
        (LedgerAccount::Budget(id), Money::Usd) => state.markets.get(id).money.budget,
        (LedgerAccount::Tranche(Scope::Market(id)), Money::Usd) => state.markets.get(id).money.tranche,
        (LedgerAccount::Tranche(Scope::Chain(id)), Money::Usd) => state.chains.get(id).money.tranche,
        (LedgerAccount::Lending(id), Money::Usd) => state.chains.get(id).money.lending,
        (LedgerAccount::Fees(Scope::Market(id)), Money::Usd) => state.markets.get(id).money.fees,
        (LedgerAccount::Fees(Scope::Chain(id)), Money::Usd) => state.chains.get(id).money.fees,
        (LedgerAccount::Cold(id), Money::Usd) => state.chains.get(id).money.cold,
        (LedgerAccount::Lot(id), Money::Token(_)) => {
            state.lots.find(id).map(|lot| lot.held).unwrap_or_default()
        }
        (LedgerAccount::Proceeds(id), Money::Usd) => {
            state.tasks.find(id).map(|task| task.proceeds).unwrap_or_default()
        }
        (LedgerAccount::Warehouse(token), Money::Token(_)) => token_money(token).warehouse,
        (LedgerAccount::Inventory(token), Money::Token(_)) => token_money(token).inventory,
        (LedgerAccount::InFlight(_), Money::Token(token)) if state.token(token).is_some() => {
            token_money(token).in_flight
        }
        (
            LedgerAccount::InFlight(_)
            | LedgerAccount::Dust(_)
            | LedgerAccount::Suspense(..)
            | LedgerAccount::Surplus(_),
            Money::Token(token),
        ) => state.aside.find((account, token)).copied().unwrap_or_default(),
        (LedgerAccount::Float, Money::Usd) => state.house.money.float,
        (LedgerAccount::Treasury, Money::Usd) => state.house.money.treasury,
        (LedgerAccount::Stake(id), Money::Token(_)) => {
            state.keepers.find(id).map(|keeper| keeper.stake).unwrap_or_default()
        }
        (LedgerAccount::Fines, Money::Token(_)) => state.house.money.fines,
        (LedgerAccount::ParReserve(token), Money::Usd) => token_money(token).par_reserve,
        (LedgerAccount::Waiting(id, token), Money::Usd) => {
            state.waiting.find((id, token)).map(|entry| entry.held).unwrap_or_default()
        }
        (LedgerAccount::Pot(id), Money::Usd) => {
            state.rounds.find(id).map(|round| round.pot).unwrap_or_default()
        }
        _mismatch => Amount::ZERO,
    }
}

fn debit(state: &mut State, from: LedgerAccount, money: Money, amount: Amount, reason: Reason) {
    let slot = slot(state, from, money);
    *slot = slot.checked_sub(amount).unwrap_or_else(|_| {
        panic!("I02: {from:?} holds {slot}, and {amount} of {money:?} should leave it for {reason:?}")
    });
    match (from, money) {
        (LedgerAccount::Collateral(id, token) | LedgerAccount::Pending(id, token), _) => {
            state.accounts.get_mut(id).balances.forget_empty(token);
        }
        (
            LedgerAccount::InFlight(_)
            | LedgerAccount::Dust(_)
            | LedgerAccount::Suspense(..)
            | LedgerAccount::Surplus(_),
            Money::Token(token),
        ) if state.aside.find((from, token)).is_some_and(|left| left.is_zero()) => {
            state.aside.remove((from, token));
        }
        _other => {}
    }
    if let Some(sum) = state.sums.of_records(from, money) {
        *sum -= amount;
    }
}

fn credit(state: &mut State, to: LedgerAccount, money: Money, amount: Amount) {
    if let LedgerAccount::Collateral(account, token) = to
        && state.token(token).is_some_and(|record| record.stable)
    {
        state.park(token, account);
    }
    *slot(state, to, money) += amount;
    if let Some(sum) = state.sums.of_records(to, money) {
        *sum += amount;
    }
}

/// The one place where a ledger account's name meets its storage.
fn slot(state: &mut State, account: LedgerAccount, money: Money) -> &mut Amount {
    let token = match money {
        Money::Token(token) => token,
        Money::Usd => Token::default(),
    };
    let counted_in_usd = matches!(money, Money::Usd);
    let wants_usd = !matches!(
        account,
        LedgerAccount::Collateral(..)
            | LedgerAccount::Pending(..)
            | LedgerAccount::Lot(_)
            | LedgerAccount::Warehouse(_)
            | LedgerAccount::Inventory(_)
            | LedgerAccount::InFlight(_)
            | LedgerAccount::Stake(_)
            | LedgerAccount::Fines
            | LedgerAccount::Dust(_)
            | LedgerAccount::Suspense(..)
            | LedgerAccount::Surplus(_)
    );
    assert_eq!(counted_in_usd, wants_usd, "I01: {account:?} is not counted in {money:?}");
    match account {
        LedgerAccount::Cash(id) => &mut state.accounts.get_mut(id).balances.cash,
        LedgerAccount::Collateral(id, token) => {
            &mut state.accounts.get_mut(id).balances.holding_mut(token).amount
        }
        LedgerAccount::Pending(id, token) => {
            &mut state.accounts.get_mut(id).balances.holding_mut(token).pending
        }
        LedgerAccount::Pool(id) => &mut state.markets.get_mut(id).money.pool,
        LedgerAccount::Payable(id) => &mut state.markets.get_mut(id).money.payable,
        LedgerAccount::Budget(id) => &mut state.markets.get_mut(id).money.budget,
        LedgerAccount::Tranche(Scope::Market(id)) => &mut state.markets.get_mut(id).money.tranche,
        LedgerAccount::Tranche(Scope::Chain(id)) => &mut state.chains.get_mut(id).money.tranche,
        LedgerAccount::Lending(id) => &mut state.chains.get_mut(id).money.lending,
        LedgerAccount::Fees(Scope::Market(id)) => &mut state.markets.get_mut(id).money.fees,
        LedgerAccount::Fees(Scope::Chain(id)) => &mut state.chains.get_mut(id).money.fees,
        LedgerAccount::Cold(id) => &mut state.chains.get_mut(id).money.cold,
        LedgerAccount::Lot(id) => &mut state.lots.find_mut(id).expect("lots are open while they hold").held,
        LedgerAccount::Proceeds(id) => {
            &mut state.tasks.find_mut(id).expect("tasks are open while they hold").proceeds
        }
        LedgerAccount::Warehouse(_) => &mut state.token_mut(token).money.warehouse,
        LedgerAccount::Inventory(_) => &mut state.token_mut(token).money.inventory,
        LedgerAccount::InFlight(_) if state.token(token).is_some() => {
            &mut state.token_mut(token).money.in_flight
        }
        LedgerAccount::InFlight(_)
        | LedgerAccount::Dust(_)
        | LedgerAccount::Suspense(..)
        | LedgerAccount::Surplus(_) => state.aside.find_or_insert((account, token)),
        LedgerAccount::Float => &mut state.house.money.float,
        LedgerAccount::Treasury => &mut state.house.money.treasury,
        LedgerAccount::Stake(id) => &mut state.keepers.get_mut(id).stake,
        LedgerAccount::Fines => &mut state.house.money.fines,
        LedgerAccount::ParReserve(token) => &mut state.token_mut(token).money.par_reserve,
        LedgerAccount::Waiting(id, token) => {
            &mut state.waiting.find_mut((id, token)).expect("an entry is there while it holds").held
        }
        LedgerAccount::Pot(id) => {
            &mut state.rounds.find_mut(id).expect("rounds are open while they hold").pot
        }
    }
}

/// Cash of an account.
pub(crate) fn cash(state: &State, account: AccountId) -> Amount {
    state.accounts.get(account).balances.cash
}
