//! The bodies that come by the million, quotes and aggregates, without a detour over `serde`.
//!
//! Each distinct name of a block is made once; a test holds what this reads equal to what the
//! general way reads.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Float64Array, ListArray, StructArray, UInt64Array};
use marabet_quant::{Market, Odds};
use marabet_schemas::facts::{Aggregate, OddsList, Phase, Quote, Statistic};
use marabet_schemas::{Body, Book, Kind, Source};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

use super::rows::Names;
use crate::columns::ColumnError;

/// The columns of quotes or of aggregates.
pub(super) enum Hot<'a> {
    Quote { prices: Prices<'a>, book: Made<'a, Book>, sizes: Option<Numbers<'a>> },
    Aggregate { prices: Prices<'a>, statistic: Made<'a, Statistic>, books: Option<&'a UInt64Array> },
}

/// What both have.
pub(super) struct Prices<'a> {
    src: Made<'a, Source>,
    market: Made<'a, Market>,
    odds: Numbers<'a>,
    phase: Made<'a, Phase>,
}

/// A column of names, each distinct one made once.
pub(super) struct Made<'a, T> {
    names: Names<'a>,
    made: Vec<Option<T>>,
}

impl<'a, T: for<'de> Deserialize<'de>> Made<'a, T> {
    fn of(record: &'a StructArray, name: &str) -> Option<Self> {
        let names = record.column_by_name(name)?.as_dictionary_opt::<Int32Type>()?;
        let names = Names::of(names).ok()?;
        let make = |text: Option<&str>| {
            let text: StrDeserializer<'_, Error> = text?.into_deserializer();
            T::deserialize(text).ok()
        };
        let made = names.texts.iter().map(make).collect();
        Some(Self { names, made })
    }
}

impl<T: Clone> Made<'_, T> {
    fn get(&self, row: usize) -> Result<T, ColumnError> {
        let place = self.names.place(row);
        let found = place.and_then(|place| self.made[place].clone());
        found.ok_or_else(|| match place {
            Some(place) => {
                ColumnError(format!("`{}` cannot be read", self.names.texts.value(place)))
            }
            None => ColumnError("a name is missing".to_owned()),
        })
    }
}

/// A column of lists of numbers.
pub(super) struct Numbers<'a> {
    list: &'a ListArray,
    numbers: &'a Float64Array,
}

impl<'a> Numbers<'a> {
    fn of(record: &'a StructArray, name: &str) -> Option<Self> {
        let list: &ListArray = record.column_by_name(name)?.as_list_opt()?;
        Some(Self { list, numbers: list.values().as_primitive_opt::<Float64Type>()? })
    }

    fn get(&self, row: usize) -> Option<&'a [f64]> {
        if self.list.is_null(row) {
            return None;
        }
        let offsets = self.list.value_offsets();
        let place = |offset: i32| usize::try_from(offset).ok();
        self.numbers.values().get(place(offsets[row])?..place(offsets[row + 1])?)
    }
}

impl<'a> Prices<'a> {
    fn of(record: &'a StructArray) -> Option<Self> {
        Some(Self {
            src: Made::of(record, "src")?,
            market: Made::of(record, "market")?,
            odds: Numbers::of(record, "odds")?,
            phase: Made::of(record, "phase")?,
        })
    }

    fn odds(&self, row: usize) -> Result<OddsList, ColumnError> {
        let odds = self.odds.get(row).ok_or_else(|| ColumnError("odds are missing".to_owned()))?;
        let odds = odds.iter().map(|&odds| Odds::new(odds));
        odds.collect::<Result<_, _>>().map_err(|error| ColumnError(error.to_string()))
    }
}

impl<'a> Hot<'a> {
    /// The columns of this kind, where it is a hot one and they are as this program writes them.
    pub(super) fn of(kind: Kind, array: &'a ArrayRef) -> Option<Self> {
        let record = array.as_struct_opt()?;
        match kind {
            Kind::Quote => Some(Self::Quote {
                prices: Prices::of(record)?,
                book: Made::of(record, "book")?,
                // Where no row has sizes they need not be looked at.
                sizes: occurring(record, "sizes").and_then(|_| Numbers::of(record, "sizes")),
            }),
            Kind::Aggregate => Some(Self::Aggregate {
                prices: Prices::of(record)?,
                statistic: Made::of(record, "statistic")?,
                books: occurring(record, "books")
                    .and_then(|books| books.as_primitive_opt::<UInt64Type>()),
            }),
            _ => None,
        }
    }

    /// The body at this row.
    pub(super) fn body(&self, row: usize) -> Result<Body, ColumnError> {
        match self {
            Self::Quote { prices, book, sizes } => Ok(Body::Quote(Quote {
                src: prices.src.get(row)?,
                book: book.get(row)?,
                market: prices.market.get(row)?,
                odds: prices.odds(row)?,
                phase: prices.phase.get(row)?,
                sizes: sizes.as_ref().and_then(|sizes| sizes.get(row)).map(<[f64]>::to_vec),
            })),
            Self::Aggregate { prices, statistic, books } => {
                let books = books.filter(|books| books.is_valid(row)).map(|books| books.value(row));
                let too_many = |_| ColumnError("`books` is no number of books".to_owned());
                Ok(Body::Aggregate(Aggregate {
                    src: prices.src.get(row)?,
                    statistic: statistic.get(row)?,
                    market: prices.market.get(row)?,
                    odds: prices.odds(row)?,
                    phase: prices.phase.get(row)?,
                    books: books.map(u16::try_from).transpose().map_err(too_many)?,
                }))
            }
        }
    }
}

fn occurring<'a>(record: &'a StructArray, name: &str) -> Option<&'a ArrayRef> {
    record.column_by_name(name).filter(|column| column.null_count() < column.len())
}
