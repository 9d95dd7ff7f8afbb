//! Prices into columns, the events that come by the million, without a detour over `serde`; a
//! test holds what this writes equal to what the general way writes.

use std::collections::HashMap;
use std::ptr;

use marabet_quant::Market;
use marabet_schemas::facts::{Aggregate, Phase, Quote};
use marabet_schemas::{Body, Kind, Source};
use rustc_hash::FxBuildHasher;
use smol_str::{SmolStr, ToSmolStr as _};

use super::ColumnError;
use super::column::{Column, Shape};

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
    texts: Vec<(Market, SmolStr)>,
    /// Where it is among them.
    places: HashMap<Market, usize, FxBuildHasher>,
    /// Where the last one is: prices of one market come together.
    last: usize,
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
            texts: Vec::new(),
            places: HashMap::default(),
            last: 0,
        })
    }

    /// Appends bodies of this kind from this slot on.
    pub(crate) fn push(
        &mut self,
        column: &mut Column,
        slot: usize,
        bodies: &[Body],
    ) -> Result<(), ColumnError> {
        column.fill_to(slot)?;
        let Column { slots, shape: Shape::Record(record) } = column else {
            return Err(ColumnError("prices do not fit into a column without parts".to_owned()));
        };
        for alike in bodies.chunk_by(is_of_same_origin) {
            let Some((src, phase)) = origin(&alike[0]) else { return Err(no_price()) };
            record.fields[self.src].put_text(src.as_str(), alike.len());
            record.fields[self.phase].fill_to(record.len)?;
            record.fields[self.phase].put_text(phase.name(), alike.len());
            for body in alike {
                let (market, odds) = match body {
                    Body::Quote(Quote { book, market, odds, sizes, .. }) => {
                        record.fields[self.whose].put_text(book.as_str(), 1);
                        if let Some(sizes) = sizes {
                            record.fields[self.depth].push(record.len, sizes)?;
                        }
                        (market, odds)
                    }
                    Body::Aggregate(Aggregate { statistic, market, odds, books, .. }) => {
                        record.fields[self.whose].put_text(statistic.name(), 1);
                        if let Some(books) = books {
                            record.fields[self.depth].push(record.len, books)?;
                        }
                        (market, odds)
                    }
                    _ => return Err(no_price()),
                };
                record.fields[self.market].put_text(self.text_of(*market), 1);
                record.fields[self.odds].put_numbers(odds.iter().map(|odds| odds.decimal()));
                record.len += 1;
            }
        }
        slots.take(bodies.len());
        Ok(())
    }

    fn text_of(&mut self, market: Market) -> &str {
        if self.texts.get(self.last).is_none_or(|(last, _)| *last != market) {
            self.last = *self.places.entry(market).or_insert_with(|| {
                self.texts.push((market, market.to_smolstr()));
                self.texts.len() - 1
            });
        }
        &self.texts[self.last].1
    }
}

fn no_price() -> ColumnError {
    ColumnError("no price stands among prices".to_owned())
}

/// Whose a price is, and of when.
fn origin(body: &Body) -> Option<(&Source, Phase)> {
    match body {
        Body::Quote(Quote { src, phase, .. }) | Body::Aggregate(Aggregate { src, phase, .. }) => {
            Some((src, *phase))
        }
        _ => None,
    }
}

fn is_of_same_origin(a: &Body, b: &Body) -> bool {
    match (origin(a), origin(b)) {
        (Some((src, phase)), Some((other, other_phase))) => {
            // One name is most often one text in memory.
            phase == other_phase && (ptr::eq(src.as_str(), other.as_str()) || src == other)
        }
        (a, b) => a.is_none() && b.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use marabet_schemas::Event;
    use marabet_streams::Stream;
    use parquet::arrow::ArrowSchemaConverter;

    use super::*;
    use crate::chunk::{Levels, Press};
    use crate::schema::Holding;

    /// The bytes of the columns of these bodies, as `push` fills them with some at once.
    fn columns(
        kind: Kind,
        bodies: &[Body],
        push: impl Fn(&mut Prices, &mut Column, usize, &[Body]),
    ) -> Vec<Vec<u8>> {
        let schema = Holding::Stream(Stream::Feed).schema();
        let place = schema.index_of(&crate::schema::column_name(kind)).unwrap();
        let schema = schema.project(&[place]).unwrap();
        let leaves = ArrowSchemaConverter::new().convert(&schema).unwrap();
        let mut column = Column::of_all(schema.fields(), &mut leaves.columns().iter()).remove(0);
        let mut prices = Prices::of(kind, &column).unwrap();
        // Rows of another kind stand between.
        for (index, bodies) in bodies.chunks(10).enumerate() {
            push(&mut prices, &mut column, 15 * index, bodies);
        }
        let (rows, mut press, mut chunks) = (2 * bodies.len(), Press::new(1), Vec::new());
        column.end_page(rows, &Levels::of_rows(rows), &mut Vec::new(), &mut press).unwrap();
        column.finish(rows as u64, &mut press, &mut chunks).unwrap();
        chunks.into_iter().map(|chunk| chunk.bytes.to_vec()).collect()
    }

    #[test]
    fn prices_are_written_as_the_general_way_writes_them() {
        let mut bodies = [Vec::new(), Vec::new()];
        for index in 0..500 {
            let (src, phase) = (["s", "t"][index / 7 % 2], ["pre", "closing"][index / 5 % 2]);
            let market = ["1x2", "ou@2.5", "ah@-0.25"][index % 3];
            let odds = format!("[{},3.25,4.5]", 1.5 + (index % 40) as f64 / 8.0);
            let (mut sizes, mut books) = ("", String::new());
            if index % 4 == 0 {
                (sizes, books) = (r#","sizes":[1.5,2.0,100.0]"#, format!(r#","books":{index}"#));
            }
            let shared = format!(
                r#""k":"E0|2024-25|A|B|1","at":5,"src":"{src}","market":"{market}","odds":{odds},"phase":"{phase}""#
            );
            let quote = format!(r#"{{"t":"quote/1",{shared},"book":"b{}"{sizes}}}"#, index % 11);
            let of = ["max", "avg"][index % 2];
            let mean = format!(r#"{{"t":"aggregate/1",{shared},"statistic":"{of}"{books}}}"#);
            bodies[0].push(Event::from_line(&quote).unwrap().body);
            bodies[1].push(Event::from_line(&mean).unwrap().body);
        }
        for (kind, bodies) in [Kind::Quote, Kind::Aggregate].into_iter().zip(bodies) {
            let hot = columns(kind, &bodies, |prices, column, slot, bodies| {
                prices.push(column, slot, bodies).unwrap();
            });
            let general = columns(kind, &bodies, |_, column, slot, bodies| {
                let mut bodies = (slot..).zip(bodies);
                bodies.try_for_each(|(slot, body)| column.push(slot, body)).unwrap();
            });
            assert!(hot.iter().map(Vec::len).sum::<usize>() > 500);
            assert_eq!(hot, general, "{kind:?}");
        }
    }
}
