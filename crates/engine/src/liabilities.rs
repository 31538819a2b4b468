//! Liabilities: what the house owes its accounts, under one root that contains the sums (a Merkle-sum tree).
//!
//! - Owed: cash with what claims were paid, lent dollars, final collateral, stake, what is kept in suspense, and what was
//!   ordered out and is not final. Each at what its holder could take, rounded down.
//! - Not owed: unpaid claims, which are the pool's to pay as far as it can; deposits that are not final; collateral
//!   under auction, which is its task's. Debts are not set off: they are assets of the house.
//! - Costs a walk over all accounts: for snapshots and the attestation chain, not for every block. The bytes stand in
//!   `docs/messages.md`.

use crate::credit;
use crate::risk::health;
use crate::state::State;
use crate::table::RowId;
use ballast_types::{AccountId, Hash, LedgerAccount, Token, digest};
use ballast_units::Amount;

/// What is owed to somebody, or to all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    /// Dollars.
    pub dollars: Amount,
    /// Tokens, ascending, none of them zero.
    pub tokens: Vec<(Token, Amount)>,
}

/// What the house owes in all, and the root that every account is under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Liabilities {
    /// How many accounts there are.
    pub accounts: u32,
    /// The sums.
    pub total: Owed,
    /// For the attestation chain; zero where there are no accounts.
    pub root: Hash,
}

/// A node of the tree.
struct Sum {
    hash: Hash,
    owed: Owed,
}

impl Liabilities {
    /// Of the house as it stands.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let owed = owed(state);
        let accounts = u32::try_from(owed.len()).expect("account ids have 32 bits");
        let leaves = (0..).map(AccountId).zip(owed).map(|(account, owed)| {
            let hash = digest::keccak(&[b"BALLAST-OWED-1", &account.0.to_be_bytes(), &owed.bytes()]);
            Sum { hash, owed }
        });
        let mut row: Vec<Sum> = leaves.collect();
        while 1 < row.len() {
            row = above(row);
        }
        let Some(Sum { hash, owed: total }) = row.pop() else { return Self::default() };
        let root = [b"BALLAST-LIABILITIES-1".as_slice(), &accounts.to_be_bytes(), &hash.0, &total.bytes()];
        Self { accounts, root: digest::keccak(&root), total }
    }
}

impl Owed {
    fn add(&mut self, token: Token, amount: Amount) {
        if amount.is_zero() {
            return;
        }
        match self.tokens.binary_search_by_key(&token, |(held, _)| *held) {
            Ok(at) => {
                let (_, sum) = self.tokens.get_mut(at).expect("found above");
                *sum += amount;
            }
            Err(at) => self.tokens.insert(at, (token, amount)),
        }
    }

    /// `dollars (16) || count (2) || count times [ chain (2) || asset (2) || amount (16) ]`.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.dollars.wei().to_be_bytes().to_vec();
        let count = u16::try_from(self.tokens.len()).expect("the house lists fewer tokens than that");
        bytes.extend(count.to_be_bytes());
        for (token, amount) in &self.tokens {
            bytes.extend(token.chain.0.to_be_bytes());
            bytes.extend(token.asset.0.to_be_bytes());
            bytes.extend(amount.wei().to_be_bytes());
        }
        bytes
    }
}

/// What each account is owed, in order of account.
fn owed(state: &State) -> Vec<Owed> {
    let mut all: Vec<Owed> = Vec::with_capacity(state.accounts.len());
    for (_, account) in state.accounts.iter() {
        let mut owed = Owed { dollars: health::cash(state, account), tokens: Vec::new() };
        for held in account.balances.holdings() {
            owed.add(held.token, held.amount);
        }
        all.push(owed);
    }
    let mut to = |account: AccountId, give: &dyn Fn(&mut Owed)| {
        give(all.get_mut(account.row()).expect("accounts in the state exist"));
    };
    for ((chain, account), _) in state.lenders.iter() {
        let lent = credit::lent(state, chain, account);
        to(account, &|owed| owed.dollars += lent);
    }
    if let Some(token) = state.house.keepers.token {
        for (_, keeper) in state.keepers.iter() {
            to(keeper.account, &|owed| owed.add(token, keeper.stake));
        }
    }
    for ((account, token), amount) in state.aside.iter().map(|(key, amount)| (key, *amount)) {
        if let LedgerAccount::Suspense(account, _) = account {
            to(account, &|owed| owed.add(token, amount));
        }
    }
    for release in state.orders.iter().filter_map(|(_, sent)| sent.release) {
        to(release.account, &|owed| owed.add(release.token, release.amount));
    }
    all
}

/// The row above: two neighbours make one, the last of an odd row moves up as it is.
fn above(row: Vec<Sum>) -> Vec<Sum> {
    let mut next = Vec::with_capacity(row.len().div_ceil(2));
    let mut row = row.into_iter();
    while let Some(left) = row.next() {
        let Some(right) = row.next() else {
            next.push(left);
            break;
        };
        let (left_owed, right_owed) = (left.owed.bytes(), right.owed.bytes());
        let pieces = [b"BALLAST-SUM-1".as_slice(), &left.hash.0, &left_owed, &right.hash.0, &right_owed];
        let mut owed = left.owed;
        owed.dollars += right.owed.dollars;
        for (token, amount) in right.owed.tokens {
            owed.add(token, amount);
        }
        next.push(Sum { hash: digest::keccak(&pieces), owed });
    }
    next
}
