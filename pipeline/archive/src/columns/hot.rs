//! Prices into columns, the events that come by the million, without a detour over `serde`; a
//! test holds what this writes equal to what the general way writes.

use std::collections::HashMap;

use marabet_quant::{Market, Odds};
use marabet_schemas::facts::{Aggregate, Phase, Quote};
use marabet_schemas::{Body, Kind, Source};
use rustc_hash::FxBuildHasher;
use smol_str::{SmolStr, ToSmolStr as _};

use super::ColumnError;
use super::column::{Column, Record, Shape};

/// Where the parts of quotes or of aggregates stand among the fields of their column.
pub(crate) struct Prices {
    src: usize,
    /// `book` or `statistic`.
    whose: usize,
    market: usize,
    odds: usize,
    phase: usize,
    /// `sizes` or `books`.
    depth: usize,
    /// Each market's text, which is made once.
    texts: HashMap<Market, SmolStr, FxBuildHasher>,
    /// Source and phase of the last rows, so many, which are not yet in their columns.
    alike: Option<(Source, Phase, usize)>,
}

impl Prices {
    /// Those of this kind, where it is one of prices.
    pub(crate) fn of(kind: Kind, column: &Column) -> Option<Self> {
        let [whose, depth] = match kind {
            Kind::Quote => ["book", "sizes"],
            Kind::Aggregate => ["statistic", "books"],
            _ => return None,
        };
        Some(Self {
            src: column.part("src")?,
            whose: column.part(whose)?,
            market: column.part("market")?,
            odds: column.part("odds")?,
            phase: column.part("phase")?,
            depth: column.part(depth)?,
            texts: HashMap::default(),
            alike: None,
        })
    }

    /// Appends a body at this slot; one that is none of prices as any other.
    pub(crate) fn push(
        &mut self,
        column: &mut Column,
        slot: usize,
        body: &Body,
    ) -> Result<(), ColumnError> {
        column.fill_to(slot)?;
        let Column { slots, shape: Shape::Record(record) } = column else {
            return column.push(slot, body);
        };
        match body {
            Body::Quote(Quote { src, book, market, odds, phase, sizes }) => {
                record.fields[self.whose].put_text(book.as_str(), 1);
                if let Some(sizes) = sizes {
                    record.fields[self.depth].push(record.len, sizes)?;
                }
                self.push_price(record, src, *market, odds, *phase)?;
            }
            Body::Aggregate(Aggregate { src, statistic, market, odds, phase, books }) => {
                record.fields[self.whose].push(record.len, statistic)?;
                if let Some(books) = books {
                    record.fields[self.depth].push(record.len, books)?;
                }
                self.push_price(record, src, *market, odds, *phase)?;
            }
            _ => return column.push(slot, body),
        }
        slots.take(1);
        Ok(())
    }

    fn push_price(
        &mut self,
        record: &mut Record,
        src: &Source,
        market: Market,
        odds: &[Odds],
        phase: Phase,
    ) -> Result<(), ColumnError> {
        match &mut self.alike {
            Some((of, at, rows)) if *at == phase && of == src => *rows += 1,
            _ => {
                self.end_alike(record)?;
                self.alike = Some((src.clone(), phase, 1));
            }
        }
        let text = self.texts.entry(market).or_insert_with(|| market.to_smolstr());
        record.fields[self.market].put_text(text, 1);
        record.fields[self.odds].put_numbers(odds.iter().map(|odds| odds.decimal()));
        record.len += 1;
        Ok(())
    }

    /// Puts the last rows into the columns that are alike in them.
    fn end_alike(&mut self, record: &mut Record) -> Result<(), ColumnError> {
        let Some((src, phase, rows)) = self.alike.take() else { return Ok(()) };
        record.fields[self.src].put_text(src.as_str(), rows);
        (record.len - rows..record.len)
            .try_for_each(|slot| record.fields[self.phase].push(slot, &phase))
    }

    /// Ends a page: all that was pushed is in its columns.
    pub(crate) fn end_page(&mut self, column: &mut Column) -> Result<(), ColumnError> {
        match &mut column.shape {
            Shape::Record(record) => self.end_alike(record),
            Shape::Leaf(..) | Shape::List(_) => Ok(()),
        }
    }
}
