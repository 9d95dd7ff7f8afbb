//! Values out of columns.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, ListArray,
    StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field};
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use super::ColumnError;
use crate::schema::JSON;

/// A column that is being read.
pub(crate) enum View<'a> {
    Flag(&'a BooleanArray),
    Float(&'a Float64Array),
    Count(&'a UInt64Array),
    Integer(&'a Int64Array),
    Moment(&'a TimestampMicrosecondArray),
    Text(&'a StringArray),
    Json(&'a StringArray),
    Name(&'a DictionaryArray<Int32Type>, &'a StringArray),
    List(&'a ListArray, Box<View<'a>>),
    Record { names: Vec<&'a str>, columns: Vec<View<'a>>, validity: Option<&'a NullBuffer> },
}

impl<'a> View<'a> {
    /// A view of this array, whose field this is.
    pub(crate) fn of(field: &'a Field, array: &'a ArrayRef) -> Result<Self, ColumnError> {
        Ok(match array.data_type() {
            DataType::Boolean => Self::Flag(array.as_boolean()),
            DataType::Float64 => Self::Float(array.as_primitive::<Float64Type>()),
            DataType::UInt64 => Self::Count(array.as_primitive::<UInt64Type>()),
            DataType::Int64 => Self::Integer(array.as_primitive::<Int64Type>()),
            DataType::Timestamp(..) => {
                let moments = array.as_primitive_opt::<TimestampMicrosecondType>();
                Self::Moment(moments.ok_or_else(|| unreadable(field))?)
            }
            DataType::Utf8 if field.metadata().contains_key(JSON) => Self::Json(array.as_string()),
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Dictionary(..) => {
                let names =
                    array.as_dictionary_opt::<Int32Type>().ok_or_else(|| unreadable(field))?;
                let texts = names.values().as_string_opt::<i32>();
                Self::Name(names, texts.ok_or_else(|| unreadable(field))?)
            }
            DataType::List(item) => {
                let list: &ListArray = array.as_list();
                Self::List(list, Box::new(Self::of(item, list.values())?))
            }
            DataType::Struct(fields) => {
                let record = array.as_struct();
                let columns = fields.iter().zip(record.columns());
                Self::Record {
                    names: fields.iter().map(|field| field.name().as_str()).collect(),
                    columns: columns
                        .map(|(field, column)| Self::of(field, column))
                        .collect::<Result<_, _>>()?,
                    validity: record.nulls(),
                }
            }
            _ => return Err(unreadable(field)),
        })
    }

    /// Whether there is no value at this row.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Flag(array) => array.is_null(row),
            Self::Float(array) => array.is_null(row),
            Self::Count(array) => array.is_null(row),
            Self::Integer(array) => array.is_null(row),
            Self::Moment(array) => array.is_null(row),
            Self::Text(array) | Self::Json(array) => array.is_null(row),
            Self::Name(array, _) => array.is_null(row),
            Self::List(array, _) => array.is_null(row),
            Self::Record { validity, .. } => validity.is_some_and(|valid| valid.is_null(row)),
        }
    }

    /// The value at this row, to be read by whoever knows what it is.
    pub(crate) fn cell(&self, row: usize) -> Cell<'_, 'a> {
        Cell { view: self, row }
    }

    /// The value at this row.
    pub(crate) fn value<T: de::DeserializeOwned>(&self, row: usize) -> Result<T, ColumnError> {
        T::deserialize(Cell { view: self, row })
    }
}

fn unreadable(field: &Field) -> ColumnError {
    ColumnError(format!(
        "column `{}` is {}, which no archive holds",
        field.name(),
        field.data_type()
    ))
}

/// One row of a column.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'v, 'a> {
    view: &'v View<'a>,
    row: usize,
}

impl<'a> Cell<'_, 'a> {
    fn text(self) -> Option<&'a str> {
        match self.view {
            View::Text(array) | View::Json(array) => Some(array.value(self.row)),
            View::Name(array, texts) => {
                let place = usize::try_from(array.keys().value(self.row)).ok()?;
                (place < texts.len()).then(|| texts.value(place))
            }
            _ => None,
        }
    }
}

impl<'de> Deserializer<'de> for Cell<'_, '_> {
    type Error = ColumnError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        let row = self.row;
        if self.view.is_null(row) {
            return visitor.visit_unit();
        }
        match self.view {
            View::Flag(array) => visitor.visit_bool(array.value(row)),
            View::Float(array) => visitor.visit_f64(array.value(row)),
            View::Count(array) => visitor.visit_u64(array.value(row)),
            View::Integer(array) => visitor.visit_i64(array.value(row)),
            View::Moment(array) => visitor.visit_i64(array.value(row)),
            View::Json(array) => {
                let json: Result<serde_json::Value, _> = serde_json::from_str(array.value(row));
                json.and_then(|json| json.deserialize_any(visitor)).map_err(de::Error::custom)
            }
            View::Text(_) | View::Name(..) => match self.text() {
                Some(text) => visitor.visit_str(text),
                None => Err(ColumnError("a dictionary lacks an entry".to_owned())),
            },
            View::List(array, item) => {
                let offsets = array.value_offsets();
                let place = |offset: i32| usize::try_from(offset).unwrap_or_default();
                let rows = place(offsets[row])..place(offsets[row + 1]);
                visitor.visit_seq(Items { item, rows })
            }
            View::Record { .. } => visitor.visit_map(Parts { cell: self, next: 0 }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ColumnError> {
        if self.view.is_null(self.row) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        match self.text() {
            Some(text) if !self.view.is_null(self.row) => {
                visitor.visit_enum(text.into_deserializer())
            }
            _ => Err(ColumnError("a name is missing".to_owned())),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ColumnError> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'v, 'a> {
    item: &'v View<'a>,
    rows: std::ops::Range<usize>,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = ColumnError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ColumnError> {
        let Some(row) = self.rows.next() else { return Ok(None) };
        seed.deserialize(Cell { view: self.item, row }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rows.len())
    }
}

struct Parts<'v, 'a> {
    cell: Cell<'v, 'a>,
    next: usize,
}

impl<'de> MapAccess<'de> for Parts<'_, '_> {
    type Error = ColumnError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ColumnError> {
        let View::Record { names, columns, .. } = self.cell.view else { return Ok(None) };
        // What is null was left out, so that a field's own default holds.
        while let Some(column) = columns.get(self.next) {
            if column.is_null(self.cell.row) {
                self.next += 1;
                continue;
            }
            let name: StrDeserializer<'_, ColumnError> = names[self.next].into_deserializer();
            return seed.deserialize(name).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ColumnError> {
        let View::Record { names, columns, .. } = self.cell.view else {
            return Err(ColumnError("no structure".to_owned()));
        };
        let (name, view) = (names[self.next], &columns[self.next]);
        self.next += 1;
        seed.deserialize(Cell { view, row: self.cell.row })
            .map_err(|ColumnError(reason)| ColumnError(format!("`{name}`: {reason}")))
    }
}
