//! A block of columns back into frames.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampMicrosecondType, UInt32Type, UInt64Type};
use arrow_array::{
    Array, BooleanArray, DictionaryArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt32Array, UInt64Array,
};
use marabet_schemas::frame::Frame;
use marabet_schemas::{Body, Competition, EntryId, Event, Instant, Kind, MatchKey};
use serde_json::{Map, Value};

use super::hot::Hot;
use crate::columns::{ColumnError, View};
use crate::schema::{column_name, envelope};

/// The columns of a block.
struct Rows<'a> {
    ms: &'a UInt64Array,
    seq: &'a UInt64Array,
    kind: Names<'a>,
    kinds: Vec<Option<Kind>>,
    version: &'a UInt32Array,
    key: Names<'a>,
    keys: Vec<Option<MatchKey>>,
    at: &'a TimestampMicrosecondArray,
    assumed: &'a BooleanArray,
    line: Option<&'a StringArray>,
    /// By the kind's place in [`Kind::ALL`].
    bodies: Vec<Option<Bodies<'a>>>,
    /// By the column's name, also of kinds that this program does not know.
    views: Vec<(String, View<'a>)>,
}

/// How the bodies of a kind are read.
enum Bodies<'a> {
    /// The kinds that come by the million.
    Hot(Hot<'a>),
    /// Any other: the place among the views.
    Any(usize),
}

/// A column of names.
pub(super) struct Names<'a> {
    array: &'a DictionaryArray<Int32Type>,
    /// The distinct names.
    pub(super) texts: &'a StringArray,
}

impl<'a> Names<'a> {
    pub(super) fn of(array: &'a DictionaryArray<Int32Type>) -> Result<Self, ColumnError> {
        let texts = array.values().as_string_opt::<i32>();
        let texts = texts.ok_or_else(|| ColumnError("a name is no text".to_owned()))?;
        Ok(Self { array, texts })
    }

    /// The place of a row's name among the distinct ones.
    pub(super) fn place(&self, row: usize) -> Option<usize> {
        if self.array.is_null(row) {
            return None;
        }
        usize::try_from(self.array.keys().value(row)).ok().filter(|place| *place < self.texts.len())
    }
}

/// Appends the frames of a block; the first may go on with the one that was held.
pub(super) fn frames(
    batch: &RecordBatch,
    held: Option<Frame>,
    frames: &mut Vec<Frame>,
) -> Result<(), ColumnError> {
    let rows = Rows::of(batch)?;
    let mut current = held;
    for row in 0..batch.num_rows() {
        let id = EntryId { ms: rows.ms.value(row), seq: rows.seq.value(row) };
        if current.as_ref().is_none_or(|frame| frame.id != id) {
            frames.extend(current.take());
        }
        let frame = current.get_or_insert_with(|| Frame::new(id, Vec::new()));
        match rows.line.filter(|lines| lines.is_valid(row)) {
            None if rows.kind.place(row).is_none() => {}
            Some(lines) => frame.events.extend(Frame::decode(id, lines.value(row)).events),
            None => match rows.event(row)? {
                Some(event) => frame.events.push(Ok(event)),
                None => frame.events.extend(Frame::decode(id, &rows.as_line(row)?).events),
            },
        }
    }
    frames.extend(current);
    Ok(())
}

/// Appends each entry with what it follows from.
pub(super) fn causes(
    batch: &RecordBatch,
    found: &mut Vec<(EntryId, String)>,
) -> Result<(), ColumnError> {
    let (ms, seq) = (numbers(batch, envelope::MS)?, numbers(batch, envelope::SEQ)?);
    let causes = batch.column_by_name(envelope::CAUSES).and_then(|causes| causes.as_string_opt());
    let causes: &StringArray = causes.ok_or_else(|| lacks(envelope::CAUSES))?;
    for row in (0..batch.num_rows()).filter(|&row| causes.is_valid(row)) {
        let id = EntryId { ms: ms.value(row), seq: seq.value(row) };
        found.push((id, causes.value(row).to_owned()));
    }
    Ok(())
}

/// Counts the events of each competition.
pub(super) fn count_leagues(
    batch: &RecordBatch,
    counts: &mut BTreeMap<Competition, u64>,
) -> Result<(), ColumnError> {
    let keys = names(batch, envelope::KEY)?;
    let mut of_key = vec![0; keys.texts.len()];
    (0..batch.num_rows()).filter_map(|row| keys.place(row)).for_each(|place| of_key[place] += 1);
    for (key, count) in keys.texts.iter().zip(of_key) {
        let code = key.and_then(|key| key.split('|').next());
        if let Some(code) = code.filter(|_| count > 0) {
            *counts.entry(Competition::new(code)).or_default() += count;
        }
    }
    Ok(())
}

/// Which rows are of a competition's matches.
pub(super) fn are_of(
    batch: &RecordBatch,
    competition: &Competition,
) -> Result<BooleanArray, ColumnError> {
    let keys = names(batch, envelope::KEY)?;
    let is_of =
        |key: Option<&str>| key.and_then(|key| key.split('|').next()) == Some(competition.as_str());
    let is_of: Vec<bool> = keys.texts.iter().map(is_of).collect();
    let row = |row| Some(keys.place(row).is_some_and(|place| is_of[place]));
    Ok((0..batch.num_rows()).map(row).collect())
}

fn names<'a>(batch: &'a RecordBatch, name: &str) -> Result<Names<'a>, ColumnError> {
    let column = batch.column_by_name(name);
    Names::of(column.and_then(|c| c.as_dictionary_opt::<Int32Type>()).ok_or_else(|| lacks(name))?)
}

fn numbers<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a UInt64Array, ColumnError> {
    let column = batch.column_by_name(name);
    let numbers = column.and_then(|column| column.as_primitive_opt::<UInt64Type>());
    numbers.ok_or_else(|| lacks(name))
}

fn lacks(name: &str) -> ColumnError {
    ColumnError(format!("the column `{name}` is missing or of another type"))
}

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, ColumnError> {
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| lacks(name));
        let kind = names(batch, envelope::KIND)?;
        let key = names(batch, envelope::KEY)?;
        let versions: &UInt32Array = column(envelope::VERSION)?
            .as_primitive_opt::<UInt32Type>()
            .ok_or_else(|| lacks(envelope::VERSION))?;
        let mut rows = Self {
            ms: numbers(batch, envelope::MS)?,
            seq: numbers(batch, envelope::SEQ)?,
            kinds: kind.texts.iter().map(|text| Kind::from_name(text?)).collect(),
            kind,
            version: versions,
            keys: key.texts.iter().map(|text| text?.parse().ok()).collect(),
            key,
            at: column(envelope::AT)?
                .as_primitive_opt::<TimestampMicrosecondType>()
                .ok_or_else(|| lacks(envelope::AT))?,
            assumed: column(envelope::ASSUMED)?
                .as_boolean_opt()
                .ok_or_else(|| lacks(envelope::ASSUMED))?,
            line: batch.column_by_name(envelope::LINE).and_then(|lines| lines.as_string_opt()),
            bodies: Kind::ALL.iter().map(|_| None).collect(),
            views: Vec::new(),
        };
        let schema = batch.schema_ref();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            if matches!(field.data_type(), arrow_schema::DataType::Struct(_)) {
                rows.views.push((field.name().clone(), View::of(field, array)?));
            }
        }
        for &kind in Kind::ALL {
            let name = column_name(kind);
            let Some(place) = rows.views.iter().position(|(found, _)| *found == name) else {
                continue;
            };
            let hot = batch.column_by_name(&name).and_then(|array| Hot::of(kind, array));
            rows.bodies[kind as usize] = Some(hot.map_or(Bodies::Any(place), Bodies::Hot));
        }
        Ok(rows)
    }

    /// The event of a row; none where it has to be read from its line.
    fn event(&self, row: usize) -> Result<Option<Event>, ColumnError> {
        let kind = self.kind.place(row).and_then(|place| self.kinds[place]);
        let Some(kind) = kind.filter(|kind| self.version.value(row) == u32::from(kind.version()))
        else {
            return Ok(None);
        };
        let body = match &self.bodies[kind as usize] {
            None => return Err(lacks(kind.name())),
            Some(Bodies::Hot(hot)) => hot.body(row)?,
            Some(Bodies::Any(place)) => {
                let (_, view) = &self.views[*place];
                Body::deserialize(kind, view.cell(row))?
            }
        };
        let key = match self.key.place(row) {
            Some(place) => match &self.keys[place] {
                Some(key) => Some(key.clone()),
                None => {
                    return Err(ColumnError(format!(
                        "`{}` is no match key",
                        self.key.texts.value(place)
                    )));
                }
            },
            None => None,
        };
        let at = Instant::from_micros(self.at.value(row));
        Ok(Some(Event { key, at, assumed: self.assumed.value(row), body }))
    }

    /// A row of another version, as the line that its program wrote.
    fn as_line(&self, row: usize) -> Result<String, ColumnError> {
        let name = self.kind.place(row).map(|place| self.kind.texts.value(place));
        let name = name.ok_or_else(|| ColumnError("a row is neither event nor line".to_owned()))?;
        let column = name.replace('.', "_");
        let view = self.views.iter().find(|(found, _)| *found == column);
        let mut object: Map<String, Value> = match view {
            Some((_, view)) if !view.is_null(row) => view.value(row)?,
            _ => Map::new(),
        };
        object.insert("t".into(), format!("{name}/{}", self.version.value(row)).into());
        object.insert("at".into(), self.at.value(row).into());
        if let Some(place) = self.key.place(row) {
            object.insert("k".into(), self.key.texts.value(place).into());
        }
        if self.assumed.value(row) {
            object.insert("assumed".into(), true.into());
        }
        Ok(Value::Object(object).to_string())
    }
}
