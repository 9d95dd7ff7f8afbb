//! Columns that are being filled.

use std::ptr;

use arrow_schema::{DataType, Field, Fields};
use parquet::basic::Type;
use parquet::schema::types::ColumnDescPtr;

use super::ColumnError;
use crate::chunk::{Chunk, Dictionary, Levels, Presence, Press, Values, Written};
use crate::schema::JSON;

/// A column that is being filled: a value, or none, for each slot of what it lies in, be that a
/// file's rows, the structures of its parent or the items of a list.
///
/// Slots without a value are not written one by one: a column lags behind and is filled up when
/// its next value, or the end, comes. And what lies in a structure knows only the structures that
/// there are. So a kind that does not occur costs nothing.
pub(crate) struct Column {
    pub(super) slots: Slots,
    pub(super) shape: Shape,
}

/// The slots of a column.
#[derive(Default)]
pub(super) struct Slots {
    /// Where it has values; none where it must always have one.
    presence: Option<Presence>,
    len: usize,
}

impl Slots {
    /// Takes the next ones, so many, for values.
    pub(super) fn take(&mut self, count: usize) {
        self.len += count;
        if let Some(presence) = &mut self.presence {
            presence.extend(true, count);
        }
    }

    /// Leaves empty what lacks to so many.
    fn fill_to(&mut self, slots: usize) -> Result<(), ColumnError> {
        let missing = slots.saturating_sub(self.len);
        if missing == 0 {
            return Ok(());
        }
        let Some(presence) = &mut self.presence else {
            return Err(ColumnError("a value is missing".to_owned()));
        };
        presence.extend(false, missing);
        self.len = slots;
        Ok(())
    }
}

pub(super) enum Shape {
    Leaf(Form, Box<Chunk>),
    List(Box<List>),
    Record(Record),
}

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Flag,
    Float,
    Count,
    Integer,
    Moment,
    Text,
    Json,
}

pub(super) struct List {
    pub(super) lengths: Vec<u32>,
    pub(super) items: Column,
    /// How many items there are.
    pub(super) len: usize,
}

pub(super) struct Record {
    pub(super) names: Vec<String>,
    /// The texts by which these names were asked for: the same ones each time, which are sooner
    /// compared by where they lie.
    asked: Vec<&'static str>,
    pub(super) fields: Vec<Column>,
    /// How many there are.
    pub(super) len: usize,
}

impl Record {
    /// The place of the field of this name, looked for at this place first.
    pub(super) fn place_of(&mut self, name: &'static str, from: usize) -> Option<usize> {
        if self.asked.get(from).is_some_and(|asked| ptr::eq(*asked, name)) {
            return Some(from);
        }
        // What an event leaves out is passed over.
        if let Some(place) = self.asked.iter().position(|asked| ptr::eq(*asked, name)) {
            return Some(place);
        }
        let place = self.names.iter().position(|found| found == name)?;
        self.asked[place] = name;
        Some(place)
    }
}

impl Column {
    /// The empty columns of these fields, whose leaves are these, in their order.
    pub(crate) fn of_all(
        fields: &Fields,
        leaves: &mut dyn Iterator<Item = &ColumnDescPtr>,
    ) -> Vec<Self> {
        fields.iter().map(|field| Self::of(field, leaves)).collect()
    }

    /// The empty column of a field.
    fn of(field: &Field, leaves: &mut dyn Iterator<Item = &ColumnDescPtr>) -> Self {
        let shape = match field.data_type() {
            DataType::List(item) => Shape::List(Box::new(List {
                lengths: Vec::new(),
                items: Self::of(item, leaves),
                len: 0,
            })),
            DataType::Struct(fields) => Shape::Record(Record {
                names: fields.iter().map(|field| field.name().clone()).collect(),
                asked: vec![""; fields.len()],
                fields: Self::of_all(fields, leaves),
                len: 0,
            }),
            _ => {
                let leaf = leaves.next().expect("the file's schema is made of these fields");
                let values = match leaf.physical_type() {
                    Type::BOOLEAN => Values::Flags(Vec::new()),
                    Type::INT32 => Values::Narrow(Dictionary::default()),
                    Type::INT64 | Type::DOUBLE => Values::Wide(Dictionary::default()),
                    _ => Values::Texts(Dictionary::default()),
                };
                let chunk = Chunk::new(ColumnDescPtr::clone(leaf), values);
                Shape::Leaf(Form::of(field), Box::new(chunk))
            }
        };
        let presence = field.is_nullable().then(Presence::default);
        Self { slots: Slots { presence, len: 0 }, shape }
    }

    /// Keeps its numbers by the steps between them: they rise from row to row.
    pub(crate) fn rising(mut self) -> Self {
        if let Shape::Leaf(_, chunk) = &mut self.shape {
            chunk.values = Values::Steps(Default::default());
        }
        self
    }

    /// Says in the file which values are its least and its greatest.
    pub(crate) fn bounded(mut self) -> Self {
        if let Shape::Leaf(_, chunk) = &mut self.shape {
            chunk.bounded = true;
        }
        self
    }

    /// The part of a structure that has this name.
    pub(super) fn part(&self, name: &str) -> Option<usize> {
        match &self.shape {
            Shape::Record(record) => record.names.iter().position(|found| found == name),
            _ => None,
        }
    }

    /// Leaves the slots before this one empty that have no value.
    pub(crate) fn fill_to(&mut self, slot: usize) -> Result<(), ColumnError> {
        self.slots.fill_to(slot)
    }

    pub(super) fn form(&self) -> Option<Form> {
        match &self.shape {
            Shape::Leaf(form, _) => Some(*form),
            _ => None,
        }
    }

    /// Appends a text at the next slots, so many times.
    pub(crate) fn put_text(&mut self, text: &str, times: usize) {
        let Some(Values::Texts(texts)) = self.shape.values() else { return self.shape.refuse() };
        texts.push(text, times);
        self.slots.take(times);
    }

    /// Appends a number, by its bits, at the next slots, so many times.
    pub(crate) fn put_bits(&mut self, bits: u64, times: usize) {
        match self.shape.values() {
            Some(Values::Wide(numbers)) => numbers.push(&bits.to_le_bytes(), times),
            // A column of 32 bits is filled from numbers that have no more.
            Some(Values::Narrow(numbers)) => numbers.push(&(bits as u32).to_le_bytes(), times),
            Some(Values::Steps(steps)) => steps.push(bits.cast_signed(), 0, times),
            Some(Values::Flags(_) | Values::Texts(_)) | None => return self.shape.refuse(),
        }
        self.slots.take(times);
    }

    /// Appends numbers that go on by one from this one at the next slots, so many, to a column of
    /// numbers that rise.
    pub(crate) fn put_next(&mut self, from: u64, count: usize) {
        let Some(Values::Steps(steps)) = self.shape.values() else { return self.shape.refuse() };
        steps.push(from.cast_signed(), 1, count);
        self.slots.take(count);
    }

    /// Appends a flag at the next slots, so many times.
    pub(crate) fn put_flag(&mut self, flag: bool, times: usize) {
        let Some(Values::Flags(flags)) = self.shape.values() else { return self.shape.refuse() };
        flags.extend(std::iter::repeat_n(flag, times));
        self.slots.take(times);
    }

    /// Appends a list of numbers at the next slot.
    pub(super) fn put_numbers(&mut self, numbers: impl Iterator<Item = f64>) {
        let Shape::List(list) = &mut self.shape else { return self.shape.refuse() };
        let Column { slots, shape } = &mut list.items;
        let Some(Values::Wide(column)) = shape.values() else { return shape.refuse() };
        let before = list.len;
        for number in numbers {
            column.push(&number.to_bits().to_le_bytes(), 1);
            list.len += 1;
        }
        slots.take(list.len - before);
        // A block has far fewer items than 2^32.
        list.lengths.push((list.len - before) as u32);
        self.slots.take(1);
    }

    /// Ends a page of what has come: so many slots of what has these levels. Columns that lie
    /// beside each other are often there in the same slots, and then `beside` has their levels.
    pub(crate) fn end_page(
        &mut self,
        slots: usize,
        levels: &Levels,
        beside: &mut Vec<(Presence, Levels)>,
        press: &mut Press,
    ) -> Result<(), ColumnError> {
        self.slots.fill_to(slots)?;
        self.slots.len = 0;
        let levels = match &mut self.slots.presence {
            Some(presence) => {
                let same = beside.iter().position(|(other, _)| other == presence);
                let place = same.unwrap_or(beside.len());
                if same.is_none() {
                    beside.push((presence.clone(), levels.optional(presence)));
                }
                presence.clear();
                &beside[place].1
            }
            None => levels,
        };
        match &mut self.shape {
            Shape::Leaf(_, chunk) => Ok(chunk.end_page(levels, press)?),
            Shape::List(list) => {
                let levels = levels.items(&list.lengths);
                list.lengths.clear();
                let len = std::mem::take(&mut list.len);
                list.items.end_page(len, &levels, &mut Vec::new(), press)
            }
            Shape::Record(record) => {
                let (len, mut beside) = (std::mem::take(&mut record.len), Vec::new());
                for (name, field) in record.names.iter().zip(&mut record.fields) {
                    let ended = field.end_page(len, levels, &mut beside, press);
                    ended.map_err(|error| error.in_field(name))?;
                }
                Ok(())
            }
        }
    }

    /// Ends a row group of so many rows: appends the chunk of each leaf, in their order.
    pub(crate) fn finish(
        &mut self,
        rows: u64,
        press: &mut Press,
        chunks: &mut Vec<Written>,
    ) -> Result<(), ColumnError> {
        match &mut self.shape {
            Shape::Leaf(_, chunk) => {
                chunks.push(chunk.finish(rows, press)?);
                Ok(())
            }
            Shape::List(list) => list.items.finish(rows, press, chunks),
            Shape::Record(record) => {
                record.fields.iter_mut().try_for_each(|field| field.finish(rows, press, chunks))
            }
        }
    }
}

impl Shape {
    fn values(&mut self) -> Option<&mut Values> {
        match self {
            Self::Leaf(_, chunk) => Some(&mut chunk.values),
            Self::List(_) | Self::Record(_) => None,
        }
    }

    /// Whoever puts a value knows the column's form.
    fn refuse(&self) {
        debug_assert!(false, "a value of another form for a {} column", self.name());
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Leaf(form, _) => form.name(),
            Self::List(_) => "list",
            Self::Record(_) => "structure",
        }
    }
}

impl Form {
    fn of(field: &Field) -> Self {
        match field.data_type() {
            DataType::Boolean => Self::Flag,
            DataType::Float64 => Self::Float,
            DataType::UInt64 | DataType::UInt32 => Self::Count,
            DataType::Int64 => Self::Integer,
            DataType::Timestamp(..) => Self::Moment,
            _ if field.metadata().contains_key(JSON) => Self::Json,
            // Whatever is less definite is text.
            _ => Self::Text,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Flag => "boolean",
            Self::Float => "floating-point",
            Self::Count => "unsigned",
            Self::Integer => "integer",
            Self::Moment => "timestamp",
            Self::Text | Self::Json => "text",
        }
    }
}
