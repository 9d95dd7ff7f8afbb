//! Values into columns.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
    UInt64Builder,
};
use arrow_array::{Array, ArrayRef, ListArray, StructArray, new_null_array};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{DataType, Field, FieldRef, Fields};
use serde::ser::{self, Impossible, Serialize, Serializer};

use super::ColumnError;
use crate::schema::JSON;

/// A column that is being filled, row by row.
///
/// Rows without a value are not written one by one: a column lags behind and is filled up with
/// nulls when its next value, or the end, comes. So a kind that does not occur costs nothing.
pub(crate) enum Column {
    Flag(BooleanBuilder),
    Float(Float64Builder),
    Count(UInt64Builder),
    Integer(Int64Builder),
    Moment(TimestampMicrosecondBuilder),
    Text(StringBuilder),
    Json(StringBuilder),
    List(List),
    Record(Record),
}

pub(crate) struct List {
    item: Box<Column>,
    field: FieldRef,
    offsets: Vec<i32>,
    validity: NullBufferBuilder,
}

pub(crate) struct Record {
    fields: Fields,
    columns: Vec<Column>,
    validity: NullBufferBuilder,
    len: usize,
    /// Rows without a value, as many as were once needed: what a block takes of them costs
    /// nothing.
    absent: Option<ArrayRef>,
}

impl Column {
    /// An empty column of this field.
    pub(crate) fn of(field: &Field) -> Self {
        match field.data_type() {
            DataType::Boolean => Self::Flag(BooleanBuilder::new()),
            DataType::Float64 => Self::Float(Float64Builder::new()),
            DataType::UInt64 => Self::Count(UInt64Builder::new()),
            DataType::Int64 => Self::Integer(Int64Builder::new()),
            moment @ DataType::Timestamp(..) => {
                Self::Moment(TimestampMicrosecondBuilder::new().with_data_type(moment.clone()))
            }
            DataType::List(item) => Self::List(List {
                item: Box::new(Self::of(item)),
                field: Arc::clone(item),
                offsets: vec![0],
                validity: NullBufferBuilder::new(0),
            }),
            DataType::Struct(fields) => Self::Record(Record {
                fields: fields.clone(),
                columns: fields.iter().map(|field| Self::of(field)).collect(),
                validity: NullBufferBuilder::new(0),
                len: 0,
                absent: None,
            }),
            _ if field.metadata().contains_key(JSON) => Self::Json(StringBuilder::new()),
            // Whatever is less definite is text.
            _ => Self::Text(StringBuilder::new()),
        }
    }

    /// How many rows it has.
    fn len(&self) -> usize {
        use arrow_array::builder::ArrayBuilder;
        match self {
            Self::Flag(builder) => builder.len(),
            Self::Float(builder) => builder.len(),
            Self::Count(builder) => builder.len(),
            Self::Integer(builder) => builder.len(),
            Self::Moment(builder) => builder.len(),
            Self::Text(builder) | Self::Json(builder) => builder.len(),
            Self::List(list) => list.offsets.len() - 1,
            Self::Record(record) => record.len,
        }
    }

    /// Fills up with nulls to this many rows.
    pub(crate) fn fill_to(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.len());
        if missing == 0 {
            return;
        }
        match self {
            Self::Flag(builder) => builder.append_nulls(missing),
            Self::Float(builder) => builder.append_nulls(missing),
            Self::Count(builder) => builder.append_nulls(missing),
            Self::Integer(builder) => builder.append_nulls(missing),
            Self::Moment(builder) => builder.append_nulls(missing),
            Self::Text(builder) | Self::Json(builder) => builder.append_nulls(missing),
            Self::List(list) => {
                let end = list.end();
                list.offsets.resize(rows + 1, end);
                list.validity.append_n_nulls(missing);
            }
            Self::Record(record) => {
                record.validity.append_n_nulls(missing);
                record.len = rows;
            }
        }
    }

    /// Appends a value at this row; the rows before it that have none become null.
    pub(crate) fn push<T: Serialize + ?Sized>(
        &mut self,
        row: usize,
        value: &T,
    ) -> Result<(), ColumnError> {
        self.fill_to(row);
        if let Self::Json(builder) = self {
            let text = serde_json::to_string(value).map_err(ser::Error::custom)?;
            if text == "null" {
                builder.append_null();
            } else {
                builder.append_value(text);
            }
            return Ok(());
        }
        value.serialize(self)
    }

    /// The column's rows, as many as asked for; the column is empty again.
    pub(crate) fn finish(&mut self, rows: usize) -> Result<ArrayRef, ColumnError> {
        if let Self::Record(record) = self
            && record.len == 0
        {
            return Ok(record.absent(rows));
        }
        self.fill_to(rows);
        Ok(match self {
            Self::Flag(builder) => Arc::new(builder.finish()),
            Self::Float(builder) => Arc::new(builder.finish()),
            Self::Count(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Moment(builder) => Arc::new(builder.finish()),
            Self::Text(builder) | Self::Json(builder) => Arc::new(builder.finish()),
            Self::List(list) => {
                let items = usize::try_from(list.end()).unwrap_or_default();
                let offsets =
                    OffsetBuffer::new(std::mem::replace(&mut list.offsets, vec![0]).into());
                let items = list.item.finish(items)?;
                let validity = list.validity.finish();
                let array = ListArray::try_new(Arc::clone(&list.field), offsets, items, validity);
                Arc::new(array.map_err(ser::Error::custom)?)
            }
            Self::Record(record) => {
                let columns = record.columns.iter_mut().map(|column| column.finish(rows));
                let columns = columns.collect::<Result<Vec<_>, _>>()?;
                record.len = 0;
                let validity = record.validity.finish();
                let array = if columns.is_empty() {
                    StructArray::new_empty_fields(rows, validity)
                } else {
                    StructArray::try_new(record.fields.clone(), columns, validity)
                        .map_err(ser::Error::custom)?
                };
                Arc::new(array)
            }
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Flag(_) => "boolean",
            Self::Float(_) => "floating-point",
            Self::Count(_) => "unsigned",
            Self::Integer(_) => "integer",
            Self::Moment(_) => "timestamp",
            Self::Text(_) | Self::Json(_) => "text",
            Self::List(_) => "list",
            Self::Record(_) => "structure",
        }
    }

    fn misfit<T>(&self, value: &str) -> Result<T, ColumnError> {
        Err(ColumnError(format!("{value} does not fit into a {} column", self.name())))
    }
}

impl Record {
    fn absent(&mut self, rows: usize) -> ArrayRef {
        match &self.absent {
            Some(absent) if absent.len() >= rows => absent.slice(0, rows),
            _ => {
                let data_type = DataType::Struct(self.fields.clone());
                Arc::clone(self.absent.insert(new_null_array(&data_type, rows)))
            }
        }
    }
}

impl List {
    fn end(&self) -> i32 {
        self.offsets.last().copied().unwrap_or_default()
    }
}

macro_rules! integers {
    ($($method:ident $type:ty;)*) => {
        $(fn $method(self, value: $type) -> Result<(), ColumnError> {
            self.integer(i128::from(value))
        })*
    };
}

impl Column {
    fn integer(&mut self, value: i128) -> Result<(), ColumnError> {
        let too_large = |_| ColumnError(format!("{value} is too large for its column"));
        match self {
            Self::Count(builder) => builder.append_value(u64::try_from(value).map_err(too_large)?),
            Self::Integer(builder) => {
                builder.append_value(i64::try_from(value).map_err(too_large)?);
            }
            Self::Moment(builder) => builder.append_value(i64::try_from(value).map_err(too_large)?),
            // An integer of these events is far below 2^53.
            Self::Float(builder) => builder.append_value(value as f64),
            other => return other.misfit(&value.to_string()),
        }
        Ok(())
    }
}

impl<'a> Serializer for &'a mut Column {
    type Ok = ();
    type Error = ColumnError;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Impossible<(), ColumnError>;
    type SerializeMap = Impossible<(), ColumnError>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Impossible<(), ColumnError>;

    integers! {
        serialize_i8 i8; serialize_i16 i16; serialize_i32 i32; serialize_i64 i64;
        serialize_u8 u8; serialize_u16 u16; serialize_u32 u32; serialize_u64 u64;
    }

    fn serialize_bool(self, value: bool) -> Result<(), ColumnError> {
        match self {
            Column::Flag(builder) => builder.append_value(value),
            other => return other.misfit("a flag"),
        }
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), ColumnError> {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), ColumnError> {
        match self {
            Column::Float(builder) => builder.append_value(value),
            other => return other.misfit("a number"),
        }
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), ColumnError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), ColumnError> {
        match self {
            Column::Text(builder) => builder.append_value(value),
            other => return other.misfit(&format!("`{value}`")),
        }
        Ok(())
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<(), ColumnError> {
        match self {
            Column::Text(builder) => {
                write!(builder, "{value}").map_err(ser::Error::custom)?;
                builder.append_value("");
                Ok(())
            }
            other => other.misfit(&format!("`{value}`")),
        }
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), ColumnError> {
        self.misfit("bytes")
    }

    fn serialize_none(self) -> Result<(), ColumnError> {
        let rows = self.len() + 1;
        self.fill_to(rows);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), ColumnError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), ColumnError> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), ColumnError> {
        self.serialize_none()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), ColumnError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), ColumnError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<(), ColumnError> {
        self.misfit(variant)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>, ColumnError> {
        match self {
            Column::List(list) => Ok(Items { next: list.end(), list }),
            other => other.misfit("a list"),
        }
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'a>, ColumnError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items<'a>, ColumnError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, ColumnError> {
        self.misfit(variant)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, ColumnError> {
        self.misfit("a map")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, ColumnError> {
        match self {
            Column::Record(record) => Ok(Parts { record, next: 0 }),
            other => other.misfit(name),
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, ColumnError> {
        self.misfit(variant)
    }
}

/// The items of one row's list.
pub(crate) struct Items<'a> {
    list: &'a mut List,
    next: i32,
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ColumnError> {
        let row = usize::try_from(self.next).unwrap_or_default();
        self.list.item.push(row, value)?;
        let next = self.next.checked_add(1);
        self.next = next.ok_or_else(|| ColumnError("a block has too many list items".into()))?;
        Ok(())
    }

    fn done(self) {
        self.list.offsets.push(self.next);
        self.list.validity.append_non_null();
    }
}

macro_rules! items {
    ($($trait:ident $method:ident;)*) => {
        $(impl ser::$trait for Items<'_> {
            type Ok = ();
            type Error = ColumnError;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ColumnError> {
                self.item(value)
            }
            fn end(self) -> Result<(), ColumnError> {
                self.done();
                Ok(())
            }
        })*
    };
}
items! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
}

/// The fields of one row's structure.
pub(crate) struct Parts<'a> {
    record: &'a mut Record,
    /// Where the next field is looked for first: an event's fields come in one order each time.
    next: usize,
}

impl ser::SerializeStruct for Parts<'_> {
    type Ok = ();
    type Error = ColumnError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), ColumnError> {
        let fields = &self.record.fields;
        let place = (self.next..fields.len())
            .chain(0..self.next)
            .find(|&place| fields[place].name() == name)
            .ok_or_else(|| ColumnError(format!("there is no column `{name}`")))?;
        self.next = place + 1;
        let row = self.record.len;
        self.record.columns[place]
            .push(row, value)
            .map_err(|ColumnError(reason)| ColumnError(format!("`{name}`: {reason}")))
    }

    fn end(self) -> Result<(), ColumnError> {
        self.record.len += 1;
        self.record.validity.append_non_null();
        Ok(())
    }
}
