//! Tables: where records live. They remember which rows a block changed, which is all that the state
//! hash and the risk index have to look at.

use ballast_types::{AccountId, AssetId, ChainId, KeeperId, MarketId};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeBounds;

/// An id that is a row number.
pub trait RowId: Copy {
    /// The row.
    fn row(self) -> usize;
    /// The id of a row; `None` past the last id.
    fn of(row: usize) -> Option<Self>;
}

macro_rules! row_id {
    ($($id:ident),*) => {$(
        impl RowId for $id {
            fn row(self) -> usize {
                usize::try_from(self.0).expect("ids have at most 32 bits")
            }
            fn of(row: usize) -> Option<Self> {
                row.try_into().ok().map(Self)
            }
        }
    )*};
}
row_id!(AccountId, MarketId, ChainId, AssetId, KeeperId);

/// Records in order of arrival, never removed.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    rows: Vec<V>,
    /// One bit a row: it is in `changed`.
    marks: Vec<u64>,
    changed: Vec<K>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: Vec::new(), marks: Vec::new(), changed: Vec::new() }
    }
}

impl<K: RowId, V> Table<K, V> {
    /// The record, where there is one.
    #[must_use]
    pub fn find(&self, id: K) -> Option<&V> {
        self.rows.get(id.row())
    }

    /// The record of an id that the state itself gave out.
    #[must_use]
    pub fn get(&self, id: K) -> &V {
        self.rows.get(id.row()).expect("ids in the state name rows")
    }

    /// The record, to change it; the row counts as changed.
    pub(crate) fn get_mut(&mut self, id: K) -> &mut V {
        self.mark(id);
        self.rows.get_mut(id.row()).expect("ids in the state name rows")
    }

    /// Appends a record; `None` when ids have run out.
    pub(crate) fn push(&mut self, value: V) -> Option<K> {
        let id = K::of(self.rows.len())?;
        self.rows.push(value);
        self.mark(id);
        Some(id)
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All ids in order.
    pub fn ids(&self) -> impl Iterator<Item = K> + use<K, V> {
        (0..self.rows.len()).map_while(K::of)
    }

    /// All records in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.rows.iter().enumerate().map_while(|(row, value)| Some((K::of(row)?, value)))
    }

    /// Rows changed since [`Table::settle`], in order of their first change.
    #[must_use]
    pub(crate) fn changed(&self) -> &[K] {
        &self.changed
    }

    /// Forgets which rows were changed.
    pub(crate) fn settle(&mut self) {
        for id in self.changed.drain(..) {
            let (word, bit) = place(id);
            if let Some(word) = self.marks.get_mut(word) {
                *word &= !bit;
            }
        }
    }

    fn mark(&mut self, id: K) {
        let (word, bit) = place(id);
        if self.marks.len() <= word {
            self.marks.resize(word.saturating_add(1), 0);
        }
        let word = self.marks.get_mut(word).expect("resized above");
        if *word & bit == 0 {
            *word |= bit;
            self.changed.push(id);
        }
    }
}

fn place<K: RowId>(id: K) -> (usize, u64) {
    let row = id.row();
    (row >> 6, 1_u64 << (row & 63))
}

impl<K: RowId, V: BorshSerialize> BorshSerialize for Table<K, V> {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        self.rows.serialize(writer)
    }
}

impl<K: RowId, V: BorshDeserialize> BorshDeserialize for Table<K, V> {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        Ok(Self { rows: Vec::deserialize_reader(reader)?, marks: Vec::new(), changed: Vec::new() })
    }
}

/// Records that come and go, in order of their keys.
#[derive(Clone, Debug)]
pub struct Register<K, V> {
    entries: BTreeMap<K, V>,
    changed: BTreeSet<K>,
}

impl<K, V> Default for Register<K, V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), changed: BTreeSet::new() }
    }
}

impl<K: Ord + Copy, V> Register<K, V> {
    /// The record, where there is one.
    #[must_use]
    pub fn find(&self, key: K) -> Option<&V> {
        self.entries.get(&key)
    }

    /// The record, to change it; it counts as changed.
    pub(crate) fn find_mut(&mut self, key: K) -> Option<&mut V> {
        let entry = self.entries.get_mut(&key)?;
        self.changed.insert(key);
        Some(entry)
    }

    /// The record, to change it, made where there is none; it counts as changed.
    pub(crate) fn find_or_insert(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.changed.insert(key);
        self.entries.entry(key).or_default()
    }

    /// Adds or replaces a record.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.changed.insert(key);
        self.entries.insert(key, value);
    }

    /// Removes a record; where there is none, nothing has changed.
    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let removed = self.entries.remove(&key)?;
        self.changed.insert(key);
        Some(removed)
    }

    /// All records in order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> {
        self.entries.iter().map(|(key, value)| (*key, value))
    }

    /// Records whose keys lie in a range, in order.
    pub fn range(&self, keys: impl RangeBounds<K>) -> impl DoubleEndedIterator<Item = (K, &V)> {
        self.entries.range(keys).map(|(key, value)| (*key, value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keys changed, added or removed since [`Register::settle`], in order.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (K, Option<&V>)> {
        self.changed.iter().map(|key| (*key, self.entries.get(key)))
    }

    /// Forgets what was changed.
    pub(crate) fn settle(&mut self) {
        self.changed.clear();
    }
}

impl<K: BorshSerialize + Ord, V: BorshSerialize> BorshSerialize for Register<K, V> {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        self.entries.serialize(writer)
    }
}

impl<K: BorshDeserialize + Ord, V: BorshDeserialize> BorshDeserialize for Register<K, V> {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        Ok(Self { entries: BTreeMap::deserialize_reader(reader)?, changed: BTreeSet::new() })
    }
}
