//! Members: the accounts of a market, as one bit an account.
//!
//! Ordered, so that what walks them is the same on every machine; adding and removing touch one word; a walk
//! skips 64 accounts at a time.

use crate::table::RowId;
use ballast_types::AccountId;

/// A set of accounts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    words: Vec<u64>,
}

impl Members {
    pub(crate) fn insert(&mut self, account: AccountId) {
        let (word, bit) = place(account);
        if self.words.len() <= word {
            self.words.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    pub(crate) fn remove(&mut self, account: AccountId) {
        let (word, bit) = place(account);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
    }

    pub(crate) fn contains(&self, account: AccountId) -> bool {
        let (word, bit) = place(account);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// All, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = AccountId> {
        self.from(AccountId(0))
    }

    /// Those at or after `first`, ascending.
    pub(crate) fn from(&self, first: AccountId) -> impl Iterator<Item = AccountId> {
        let (start, bit) = place(first);
        let words = self.words.iter().copied().enumerate().skip(start);
        words.flat_map(move |(at, word)| {
            // Bits below the first account do not count in its word.
            let word = if at == start { word & !bit.wrapping_sub(1) } else { word };
            Bits(word).filter_map(move |bit| AccountId::of(at.checked_mul(64)?.checked_add(bit)?))
        })
    }
}

/// The set bits of a word, ascending.
struct Bits(u64);

impl Iterator for Bits {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        usize::try_from(bit).ok()
    }
}

fn place(account: AccountId) -> (usize, u64) {
    let row = account.row();
    (row >> 6, 1_u64 << (row & 63))
}
