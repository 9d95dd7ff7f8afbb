//! State that knows what a frame changed.

use std::collections::{HashMap, HashSet};

use rustc_hash::FxBuildHasher;
use serde::Serialize;
use serde::de::DeserializeOwned;
use smallvec::SmallVec;

use crate::key::RowKey;

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
/// A row is found by the hash of its group, because every event looks for some and keys are long
/// texts that begin alike, and then by its part. Whoever goes through rows meets them in the order
/// of their keys: the order of hashes is seen nowhere.
pub struct Table<K: RowKey, V> {
    name: &'static str,
    groups: HashMap<K::Group, Group<K, V>, FxBuildHasher>,
    /// What was there before each change that is pending, the last change last.
    before: Vec<(K, Option<V>)>,
    /// Counts the batches of changes that were kept or taken back.
    batch: u64,
}

/// The rows of a group, in the order of their parts.
type Group<K, V> = SmallVec<[(<K as RowKey>::Part, Row<V>); 1]>;

struct Row<V> {
    value: V,
    /// The batch of its last change: what it was before that one is known.
    changed: u64,
}

/// Of what was loaded or taken back: no batch has changed it.
const UNCHANGED: u64 = 0;

impl<V: Clone> Row<V> {
    /// The value, to be changed in this batch; its first change notes what it was.
    fn change<K: Clone>(
        &mut self,
        key: &K,
        batch: u64,
        before: &mut Vec<(K, Option<V>)>,
    ) -> &mut V {
        if self.changed != batch {
            before.push((key.clone(), Some(self.value.clone())));
            self.changed = batch;
        }
        &mut self.value
    }
}

fn place<P: Ord, V>(group: &[(P, Row<V>)], part: &P) -> Result<usize, usize> {
    group.binary_search_by(|(other, _)| other.cmp(part))
}

impl<K: RowKey, V: Clone> Table<K, V> {
    /// An empty table of this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            groups: HashMap::with_hasher(FxBuildHasher),
            before: Vec::new(),
            batch: UNCHANGED + 1,
        }
    }

    /// The row of this key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        let (group, part) = key.sides();
        let group = self.groups.get(group)?;
        let place = place(group, part).ok()?;
        Some(&group[place].1.value)
    }

    /// The row of this key, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let (group, part) = key.sides();
        let group = self.groups.get_mut(group)?;
        let place = place(group, part).ok()?;
        Some(group[place].1.change(key, self.batch, &mut self.before))
    }

    /// The row of this key, to be changed; made when there is none.
    pub fn entry(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        let (group, part) = key.sides();
        let rows = self.groups.entry(group.clone()).or_default();
        match place(rows, part) {
            Ok(place) => rows[place].1.change(key, self.batch, &mut self.before),
            Err(place) => {
                self.before.push((key.clone(), None));
                rows.insert(place, (part.clone(), Row { value: make(), changed: self.batch }));
                &mut rows[place].1.value
            }
        }
    }

    /// Sets a row.
    pub fn insert(&mut self, key: K, row: V) {
        let changed = self.batch;
        match self.set(&key, Row { value: row, changed }) {
            Some(old) if old.changed == changed => {}
            old => self.before.push((key, old.map(|old| old.value))),
        }
    }

    /// Sets a row without a word of what it was before, which is given back.
    fn set(&mut self, key: &K, row: Row<V>) -> Option<Row<V>> {
        let (group, part) = key.sides();
        let rows = self.groups.entry(group.clone()).or_default();
        match place(rows, part) {
            Ok(place) => Some(std::mem::replace(&mut rows[place].1, row)),
            Err(place) => {
                rows.insert(place, (part.clone(), row));
                None
            }
        }
    }

    /// Takes a row away.
    pub fn remove(&mut self, key: &K) {
        match self.unset(key) {
            Some(old) if old.changed != self.batch => {
                self.before.push((key.clone(), Some(old.value)));
            }
            _ => {}
        }
    }

    /// Takes a row away without a word of what it was, which is given back.
    fn unset(&mut self, key: &K) -> Option<Row<V>> {
        let (group, part) = key.sides();
        let rows = self.groups.get_mut(group)?;
        let place = place(rows, part).ok()?;
        let (_, row) = rows.remove(place);
        if rows.is_empty() {
            self.groups.remove(group);
        }
        Some(row)
    }

    /// Takes all rows of a group away.
    pub fn remove_of(&mut self, group: &K::Group) {
        for (part, row) in self.groups.remove(group).into_iter().flatten() {
            if row.changed != self.batch {
                self.before.push((K::of(group, &part), Some(row.value)));
            }
        }
    }

    /// The rows of a group, in the order of their parts.
    pub fn rows_of<'a>(
        &'a self,
        group: &K::Group,
    ) -> impl Iterator<Item = (&'a K::Part, &'a V)> + use<'a, K, V> {
        self.groups.get(group).into_iter().flatten().map(|(part, row)| (part, &row.value))
    }

    /// All rows, in key order: for whoever looks at the whole, as it sorts the groups.
    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_unstable_by_key(|(group, _)| *group);
        groups.into_iter().flat_map(|(group, rows)| {
            rows.iter().map(|(part, row)| (K::of(group, part), &row.value))
        })
    }
}

impl<K: RowKey, V: Clone + Serialize + DeserializeOwned> Rows for Table<K, V> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&mut self, key: &str, bytes: &[u8]) -> Result<(), StateError> {
        let fault = |reason: String| StateError { field: format!("{}:{key}", self.name), reason };
        let parsed: K = key.parse().map_err(|error: K::Err| fault(error.to_string()))?;
        let row = match bytes.split_first() {
            Some((&FORM, row)) => {
                rmp_serde::from_slice(row).map_err(|error| fault(error.to_string()))?
            }
            Some((form, _)) => {
                return Err(fault(format!("written in form {form}, this program reads {FORM}")));
            }
            None => return Err(fault("it is empty".to_owned())),
        };
        self.set(&parsed, Row { value: row, changed: UNCHANGED });
        Ok(())
    }

    fn clear(&mut self) {
        self.groups.clear();
        self.before.clear();
    }

    fn changes(&self) -> Result<Vec<Change>, StateError> {
        let change = |key: &K| {
            let field = format!("{}:{key}", self.name);
            let fault = |reason: String| StateError { field: field.clone(), reason };
            let Some(row) = self.get(key) else { return Ok(Change { field, value: None }) };
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
        // What a row was stands at its first change; taken away, it may have come again. One that
        // came and went within the batch was never written and needs no removal.
        let mut seen = HashSet::with_capacity_and_hasher(self.before.len(), FxBuildHasher);
        let first = self.before.iter().filter(|(key, _)| seen.insert(key));
        let touched = first.filter(|(key, before)| before.is_some() || self.get(key).is_some());
        touched.map(|(key, _)| change(key)).collect()
    }

    fn keep(&mut self) {
        self.before.clear();
        self.batch += 1;
    }

    fn take_back(&mut self) {
        for (key, before) in std::mem::take(&mut self.before).into_iter().rev() {
            match before {
                Some(value) => self.set(&key, Row { value, changed: UNCHANGED }),
                None => self.unset(&key),
            };
        }
        self.batch += 1;
    }
}

#[cfg(test)]
mod tests {
    use marabet_schemas::{Book, MatchKey};

    use super::*;
    use crate::Within;

    fn table() -> Table<u32, String> {
        let mut table = Table::new("names");
        table.insert(1, "one".to_owned());
        table.insert(2, "two".to_owned());
        table.keep();
        table
    }

    fn contents(table: &Table<u32, String>) -> Vec<(u32, String)> {
        table.iter().map(|(key, row)| (key, row.clone())).collect()
    }

    #[test]
    fn what_a_frame_changed_can_be_taken_back() {
        let mut table = table();
        let before = contents(&table);
        table.get_mut(&1).unwrap().push_str(" changed");
        table.get_mut(&1).unwrap().push_str(" twice");
        table.remove(&2);
        table.entry(&2, || "two again".to_owned()).push('!');
        table.entry(&3, || "three".to_owned());
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
    fn a_row_that_went_and_came_again_is_written_once() {
        let mut table = table();
        table.remove(&1);
        table.insert(1, "one again".to_owned());
        table.remove(&1);
        *table.entry(&1, String::new) = "one at last".to_owned();
        let changes = table.changes().unwrap();
        assert_eq!(changes.len(), 1);
        assert!(changes[0].value.is_some());
        table.take_back();
        assert_eq!(table.get(&1).unwrap(), "one");
    }

    #[test]
    fn the_rows_of_a_match_stand_together_and_go_together() {
        let keys = ["E0|24|A|B|1", "E0|24|A|B|2"].map(|key| key.parse::<MatchKey>().unwrap());
        let mut table: Table<Within<Book>, u32> = Table::new("offers");
        for key in &keys {
            for (book, row) in [("c", 3), ("a", 1), ("b", 2)] {
                table.insert(Within::new(key, book.into()), row);
            }
        }
        table.keep();
        let rows = |table: &Table<Within<Book>, u32>, key| -> Vec<(String, u32)> {
            table.rows_of(key).map(|(book, row)| (book.to_string(), *row)).collect()
        };
        let all = [("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 3)];
        assert_eq!(rows(&table, &keys[1]), all);

        *table.get_mut(&Within::new(&keys[1], "b".into())).unwrap() = 20;
        table.remove_of(&keys[1]);
        assert_eq!(rows(&table, &keys[1]), []);
        assert_eq!(rows(&table, &keys[0]), all);
        let gone = table.changes().unwrap();
        assert_eq!(gone.len(), 3);
        assert!(gone.iter().all(|change| change.value.is_none()));
        table.take_back();
        assert_eq!(rows(&table, &keys[1]), all);
        assert_eq!(table.iter().count(), 6);
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
