//! State that knows what a frame changed.

use std::collections::BTreeSet;
use std::collections::hash_map::{Entry, HashMap};
use std::fmt::Display;
use std::hash::Hash;
use std::ops::{Bound, RangeBounds};
use std::str::FromStr;

use rustc_hash::FxBuildHasher;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One row as it is to be written: the field's name, and its bytes or nothing for a row gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `<table>:<key>`.
    pub field: String,
    /// The row's bytes.
    pub value: Option<Vec<u8>>,
}

/// A row that cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("state field `{field}`: {reason}")]
pub struct StateError {
    /// Which field.
    pub field: String,
    /// What is wrong.
    pub reason: String,
}

/// A table as the driver sees it: rows without their types.
pub trait Rows {
    /// The table's name, the prefix of its fields.
    fn name(&self) -> &'static str;

    /// Takes in a row that an earlier commit wrote.
    ///
    /// # Errors
    /// [`StateError`] when key or bytes cannot be read.
    fn load(&mut self, key: &str, bytes: &[u8]) -> Result<(), StateError>;

    /// Forgets everything.
    fn clear(&mut self);

    /// The rows that changed since the last [`Rows::keep`], each once, in no order.
    ///
    /// # Errors
    /// [`StateError`] when a row cannot be written or is larger than [`ROW_BYTES_MAX`].
    fn changes(&self) -> Result<Vec<Change>, StateError>;

    /// Keeps the changes: they were committed.
    fn keep(&mut self);

    /// Takes the changes back: the rows are as at the last [`Rows::keep`].
    fn take_back(&mut self);
}

/// The version of the rows' byte form, in front of each row: 1 is MessagePack with named fields,
/// which takes in rows that a program wrote before a field was added.
const FORM: u8 = 1;

/// Most bytes of a row: a bound on what one match and market may cost.
pub const ROW_BYTES_MAX: usize = 64 * 1024;

/// A part of a stage's state: rows by key, with what they were before the current frame.
///
/// Reading is free of charge; the first change of a row in a frame keeps a copy of it.
///
/// Rows are found by the hash of their key, because every event looks for some and keys are long
/// texts that begin alike. Whoever goes through rows meets them in the order of their keys: the
/// order of hashes is seen nowhere.
#[derive(Debug)]
pub struct Table<K, V> {
    name: &'static str,
    rows: HashMap<K, V, FxBuildHasher>,
    /// The keys of all rows.
    order: BTreeSet<K>,
    before: HashMap<K, Option<V>, FxBuildHasher>,
}

impl<K: Ord + Hash + Clone, V: Clone> Table<K, V> {
    /// An empty table of this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            rows: HashMap::with_hasher(FxBuildHasher),
            order: BTreeSet::new(),
            before: HashMap::with_hasher(FxBuildHasher),
        }
    }

    /// The row of this key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    /// The row of this key, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let row = self.rows.get_mut(key)?;
        if !self.before.contains_key(key) {
            self.before.insert(key.clone(), Some(row.clone()));
        }
        Some(row)
    }

    /// The row of this key, to be changed; made when there is none.
    pub fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let before = &mut self.before;
        match self.rows.entry(key) {
            Entry::Occupied(found) => {
                if !before.contains_key(found.key()) {
                    before.insert(found.key().clone(), Some(found.get().clone()));
                }
                found.into_mut()
            }
            Entry::Vacant(place) => {
                before.entry(place.key().clone()).or_insert(None);
                self.order.insert(place.key().clone());
                place.insert(make())
            }
        }
    }

    /// Sets a row.
    pub fn insert(&mut self, key: K, row: V) {
        let old = self.rows.insert(key.clone(), row);
        if old.is_none() {
            self.order.insert(key.clone());
        }
        self.before.entry(key).or_insert(old);
    }

    /// Takes a row away.
    pub fn remove(&mut self, key: &K) {
        if let Some(old) = self.rows.remove(key) {
            self.order.remove(key);
            self.before.entry(key.clone()).or_insert(Some(old));
        }
    }

    /// The rows of a range of keys, in key order.
    pub fn range(&self, keys: impl RangeBounds<K>) -> impl Iterator<Item = (&K, &V)> {
        self.order.range(keys).map(|key| self.row(key))
    }

    /// The row of a key that is in the order.
    fn row<'a>(&'a self, key: &'a K) -> (&'a K, &'a V) {
        (key, self.rows.get(key).expect("the order holds the keys of the rows"))
    }

    /// The rows from this key on while `belongs` holds, in key order.
    pub fn run<'a>(
        &'a self,
        from: &K,
        belongs: impl Fn(&K) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a K, &'a V)> {
        self.order
            .range((Bound::Included(from), Bound::Unbounded))
            .take_while(move |key| belongs(key))
            .map(|key| self.row(key))
    }

    /// All rows, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.order.iter().map(|key| self.row(key))
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl<K, V> Rows for Table<K, V>
where
    K: Ord + Hash + Clone + Display + FromStr<Err: Display>,
    V: Clone + Serialize + DeserializeOwned,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&mut self, key: &str, bytes: &[u8]) -> Result<(), StateError> {
        let fault = |reason: String| StateError { field: format!("{}:{key}", self.name), reason };
        let parsed = key.parse().map_err(|error: K::Err| fault(error.to_string()))?;
        let row = match bytes.split_first() {
            Some((&FORM, row)) => {
                rmp_serde::from_slice(row).map_err(|error| fault(error.to_string()))?
            }
            Some((form, _)) => {
                return Err(fault(format!("written in form {form}, this program reads {FORM}")));
            }
            None => return Err(fault("it is empty".to_owned())),
        };
        self.order.insert(K::clone(&parsed));
        self.rows.insert(parsed, row);
        Ok(())
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.order.clear();
        self.before.clear();
    }

    fn changes(&self) -> Result<Vec<Change>, StateError> {
        let change = |key: &K| {
            let field = format!("{}:{key}", self.name);
            let fault = |reason: String| StateError { field: field.clone(), reason };
            let Some(row) = self.rows.get(key) else { return Ok(Change { field, value: None }) };
            let mut bytes = vec![FORM];
            rmp_serde::encode::write_named(&mut bytes, row)
                .map_err(|error| fault(error.to_string()))?;
            if bytes.len() > ROW_BYTES_MAX {
                return Err(fault(format!(
                    "{} bytes, more than the bound of {ROW_BYTES_MAX}",
                    bytes.len()
                )));
            }
            Ok(Change { field, value: Some(bytes) })
        };
        // A row that came and went within the frame was never written and needs no removal.
        let touched = self
            .before
            .iter()
            .filter(|(key, before)| before.is_some() || self.rows.contains_key(key));
        touched.map(|(key, _)| change(key)).collect()
    }

    fn keep(&mut self) {
        self.before.clear();
    }

    fn take_back(&mut self) {
        for (key, before) in self.before.drain() {
            match before {
                Some(row) => {
                    self.order.insert(key.clone());
                    self.rows.insert(key, row);
                }
                None => {
                    self.order.remove(&key);
                    self.rows.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<u32, String> {
        let mut table = Table::new("names");
        table.insert(1, "one".to_owned());
        table.insert(2, "two".to_owned());
        table.keep();
        table
    }

    fn contents(table: &Table<u32, String>) -> Vec<(u32, String)> {
        table.iter().map(|(key, row)| (*key, row.clone())).collect()
    }

    #[test]
    fn what_a_frame_changed_can_be_taken_back() {
        let mut table = table();
        let before = contents(&table);
        table.get_mut(&1).unwrap().push_str(" changed");
        table.get_mut(&1).unwrap().push_str(" twice");
        table.remove(&2);
        table.entry(2, || "two again".to_owned()).push('!');
        table.entry(3, || "three".to_owned());
        table.remove(&3);
        table.insert(4, "four".to_owned());
        assert_ne!(contents(&table), before);
        table.take_back();
        assert_eq!(contents(&table), before);
        assert_eq!(table.changes().unwrap(), []);
    }

    #[test]
    fn only_changed_rows_are_written_and_they_load_again() {
        let mut table = table();
        table.get_mut(&1).unwrap().push('!');
        table.remove(&2);
        table.insert(3, "three".to_owned());
        table.remove(&3);
        let mut changes = table.changes().unwrap();
        changes.sort_by(|a, b| a.field.cmp(&b.field));
        let fields: Vec<_> =
            changes.iter().map(|change| (&*change.field, change.value.is_some())).collect();
        assert_eq!(fields, [("names:1", true), ("names:2", false)]);

        let mut other: Table<u32, String> = Table::new("names");
        other.load("1", changes[0].value.as_ref().unwrap()).unwrap();
        assert_eq!(other.get(&1).unwrap(), "one!");
    }

    #[test]
    fn a_row_that_cannot_be_read_names_its_field() {
        let mut table = table();
        for bytes in [&b""[..], b"\x09x", b"\x01"] {
            let error = table.load("7", bytes).unwrap_err();
            assert_eq!(error.field, "names:7");
        }
        assert!(table.load("seven", b"\x01\x00").is_err());
    }
}
