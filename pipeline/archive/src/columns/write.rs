//! Values into columns, by their `serde` forms.

use std::fmt::Write as _;

use serde::ser::{self, Error as _, Impossible, Serialize, Serializer};
use smol_str::SmolStrBuilder;

use super::ColumnError;
use super::column::{Column, Form, List, Record, Shape};

impl Column {
    /// Appends a value at this slot; those before it that have none stay empty.
    pub(crate) fn push<T: Serialize + ?Sized>(
        &mut self,
        slot: usize,
        value: &T,
    ) -> Result<(), ColumnError> {
        self.fill_to(slot)?;
        if self.form() != Some(Form::Json) {
            return value.serialize(self);
        }
        let text = serde_json::to_string(value).map_err(ColumnError::custom)?;
        if text != "null" {
            self.put_text(&text, 1);
        }
        Ok(())
    }

    fn count(&mut self, value: u64) -> Result<(), ColumnError> {
        match self.form() {
            Some(Form::Count) => self.put_bits(value, 1),
            // An integer of these events is far below 2^53.
            Some(Form::Float) => self.put_bits((value as f64).to_bits(), 1),
            _ => return self.integer(i64::try_from(value).map_err(|_| too_large(value))?),
        }
        Ok(())
    }

    fn integer(&mut self, value: i64) -> Result<(), ColumnError> {
        let bits = match self.form() {
            Some(Form::Integer | Form::Moment) => value.cast_unsigned(),
            Some(Form::Count) => u64::try_from(value).map_err(|_| too_large(value))?,
            Some(Form::Float) => (value as f64).to_bits(),
            _ => return self.shape.misfit(&value.to_string()),
        };
        self.put_bits(bits, 1);
        Ok(())
    }
}

fn too_large(value: impl std::fmt::Display) -> ColumnError {
    ColumnError(format!("{value} is too large for its column"))
}

impl Shape {
    fn misfit<T>(&self, value: &str) -> Result<T, ColumnError> {
        Err(ColumnError(format!("{value} does not fit into a {} column", self.name())))
    }
}

macro_rules! integers {
    ($($method:ident $type:ty, $put:ident;)*) => {
        $(fn $method(self, value: $type) -> Result<(), ColumnError> {
            self.$put(value.into())
        })*
    };
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
        serialize_i8 i8, integer; serialize_i16 i16, integer;
        serialize_i32 i32, integer; serialize_i64 i64, integer;
        serialize_u8 u8, count; serialize_u16 u16, count;
        serialize_u32 u32, count; serialize_u64 u64, count;
    }

    fn serialize_bool(self, value: bool) -> Result<(), ColumnError> {
        if self.form() != Some(Form::Flag) {
            return self.shape.misfit("a flag");
        }
        self.put_flag(value, 1);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), ColumnError> {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), ColumnError> {
        if self.form() != Some(Form::Float) {
            return self.shape.misfit("a number");
        }
        self.put_bits(value.to_bits(), 1);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), ColumnError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), ColumnError> {
        if self.form() != Some(Form::Text) {
            return self.shape.misfit(&format!("`{value}`"));
        }
        self.put_text(value, 1);
        Ok(())
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<(), ColumnError> {
        let mut text = SmolStrBuilder::new();
        write!(text, "{value}").map_err(ColumnError::custom)?;
        self.serialize_str(&text.finish())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), ColumnError> {
        self.shape.misfit("bytes")
    }

    fn serialize_none(self) -> Result<(), ColumnError> {
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
        self.shape.misfit(variant)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>, ColumnError> {
        let Column { slots, shape } = self;
        match shape {
            Shape::List(list) => {
                slots.take(1);
                Ok(Items { list, len: 0 })
            }
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
        self.shape.misfit(variant)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, ColumnError> {
        self.shape.misfit("a map")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, ColumnError> {
        let Column { slots, shape } = self;
        match shape {
            Shape::Record(record) => {
                slots.take(1);
                Ok(Parts { record, next: 0 })
            }
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
        self.shape.misfit(variant)
    }
}

/// The items of one list.
pub(crate) struct Items<'a> {
    list: &'a mut List,
    len: u32,
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ColumnError> {
        self.list.items.push(self.list.len, value)?;
        self.list.len += 1;
        self.len += 1;
        Ok(())
    }

    fn done(self) {
        self.list.lengths.push(self.len);
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

/// The fields of one structure.
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
        let place = self.record.place_of(name, self.next);
        let place = place.ok_or_else(|| ColumnError(format!("there is no column `{name}`")))?;
        self.next = place + 1;
        self.record.fields[place].push(self.record.len, value).map_err(|error| error.in_field(name))
    }

    fn end(self) -> Result<(), ColumnError> {
        self.record.len += 1;
        Ok(())
    }
}
