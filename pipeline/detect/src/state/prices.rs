//! What is known of one market of a match: each book's last price, and what measures the close.

use std::cmp::Ordering;

use marabet_quant::Market;
use marabet_schemas::Instant;

use super::pack::{self, Packed, Unpack, packed_serde};

/// Most books whose prices on one market are kept.
pub(crate) const BOOKS_MAX: usize = 128;
/// Most prices of the closing references that are kept from after the last known kick-off.
const LATE_MAX: usize = 32;
/// Most selections that a market has.
pub(crate) const SELECTIONS_MAX: usize = 3;

/// A book's place in the partition's list of books. It never reaches an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BookId(pub(crate) u16);

/// One number a selection, in the market's canonical order; what is beyond its selections is
/// zero.
pub(crate) type PerSelection = [f64; SELECTIONS_MAX];

/// A book's complete market as it was last quoted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Price {
    /// Whose.
    pub(crate) book: BookId,
    /// When it was quoted.
    pub(crate) at: Instant,
    /// Decimal odds.
    pub(crate) odds: PerSelection,
    /// When it was withdrawn, if it was.
    pub(crate) gone: Option<Instant>,
}

impl Price {
    /// Whether the book still offers it.
    pub(crate) fn is_live(&self) -> bool {
        self.gone.is_none()
    }
}

/// A market's prices.
///
/// Prices stand in the order of the books' names, so that sums over books run in one order in
/// every partition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MarketRow {
    /// How many selections the market has.
    pub(crate) selections: u8,
    /// The match's time when the first price came.
    pub(crate) first_at: Instant,
    /// Each book's last price before the closing one.
    pub(crate) prices: Vec<Price>,
    /// Prices that their source calls closing, of the closing references.
    closing: Vec<Price>,
    /// Earlier prices of the closing references, kept from the last known kick-off on: which of
    /// them is the last before the actual one is known only when that is.
    late: Vec<Price>,
}

impl MarketRow {
    /// A market without prices.
    pub(crate) fn new(market: &Market, first_at: Instant) -> Self {
        let selections = market.selections().len();
        debug_assert!(selections <= SELECTIONS_MAX);
        Self {
            selections: selections as u8,
            first_at,
            prices: Vec::new(),
            closing: Vec::new(),
            late: Vec::new(),
        }
    }

    /// A book's last price, withdrawn or not.
    pub(crate) fn price(&self, book: BookId) -> Option<&Price> {
        self.prices.iter().find(|price| price.book == book)
    }

    /// Puts a book's new price in place of its last one. With `keep_late`, the last one is kept
    /// among the late prices. False when the market has as many books as it may have.
    pub(crate) fn quote(
        &mut self,
        price: Price,
        keep_late: bool,
        by_name: impl Fn(BookId, BookId) -> Ordering,
    ) -> bool {
        if let Some(last) = self.prices.iter_mut().find(|last| last.book == price.book) {
            if keep_late {
                if self.late.len() == LATE_MAX {
                    self.late.remove(0);
                }
                self.late.push(*last);
            }
            *last = price;
            return true;
        }
        if self.prices.len() == BOOKS_MAX {
            return false;
        }
        let place = self.prices.partition_point(|other| by_name(other.book, price.book).is_lt());
        self.prices.insert(place, price);
        true
    }

    /// Takes in a price that its source calls closing.
    pub(crate) fn close(&mut self, price: Price) {
        if let Some(last) = self.closing.iter_mut().find(|last| last.book == price.book) {
            *last = price;
        } else if self.closing.len() < BOOKS_MAX {
            self.closing.push(price);
        }
    }

    /// The book offers its price no more. True when it did until now.
    pub(crate) fn withdraw(&mut self, book: BookId, now: Instant) -> bool {
        let price = self.prices.iter_mut().find(|price| price.book == book && price.is_live());
        price.map(|price| price.gone = Some(now)).is_some()
    }

    /// Forgets what was called closing or kept from after a kick-off that is no longer one.
    pub(crate) fn reopen(&mut self) {
        self.closing.clear();
        self.late.clear();
    }

    /// Whether there is anything for [`MarketRow::reopen`] to forget.
    pub(crate) fn has_closed(&self) -> bool {
        !(self.closing.is_empty() && self.late.is_empty())
    }

    /// A book's closing price: its last one before `kickoff`, where that still stood at
    /// `stood_until` or later, or what its source called closing where that is not older.
    ///
    /// `last_seen` says until when a price that was not withdrawn is known to have stood. A
    /// withdrawal shortly before the off does not matter, as books suspend their markets then; a
    /// line that was given up long before does not close.
    pub(crate) fn closing_price(
        &self,
        book: BookId,
        kickoff: Instant,
        stood_until: Instant,
        last_seen: impl Fn(&Price) -> Instant,
    ) -> Option<&Price> {
        // Late prices were replaced after a kick-off was thought to be over: they stood until then.
        let late = self.late.iter();
        let last = self.prices.iter().filter(|price| {
            let stood = price.gone.map_or_else(|| last_seen(price), |gone| gone.max(price.at));
            stood >= stood_until
        });
        let quoted = late.chain(last).filter(|price| price.at < kickoff);
        // The later of equals is the one that stands behind the other.
        let candidates = quoted.chain(&self.closing).filter(|price| price.book == book);
        candidates.max_by_key(|price| price.at)
    }
}

impl Packed for MarketRow {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push(self.selections);
        pack::unsigned(out, self.first_at.micros() as u64);
        for prices in [&self.prices, &self.closing, &self.late] {
            pack::unsigned(out, prices.len() as u64);
            for price in prices {
                pack::unsigned(out, u64::from(price.book.0) << 1 | u64::from(price.is_live()));
                pack::instant(out, price.at, self.first_at);
                if let Some(gone) = price.gone {
                    pack::instant(out, gone, self.first_at);
                }
                for odds in &price.odds[..usize::from(self.selections)] {
                    pack::odds(out, *odds);
                }
            }
        }
    }

    fn unpack(bytes: &mut Unpack<'_>) -> Option<Self> {
        let selections: u8 = bytes.small()?;
        if usize::from(selections) > SELECTIONS_MAX {
            return None;
        }
        let first_at = Instant::from_micros(bytes.unsigned()? as i64);
        let mut prices = || {
            bytes.list(|bytes| {
                let head = bytes.unsigned()?;
                let at = bytes.instant(first_at)?;
                let is_live = head & 1 == 1;
                let gone = if is_live { None } else { Some(bytes.instant(first_at)?) };
                let mut odds = PerSelection::default();
                for odds in &mut odds[..usize::from(selections)] {
                    *odds = bytes.odds()?;
                }
                let book = BookId(u16::try_from(head >> 1).ok()?);
                Some(Price { book, at, odds, gone })
            })
        };
        let (prices, closing, late) = (prices()?, prices()?, prices()?);
        Some(Self { selections, first_at, prices, closing, late })
    }
}

packed_serde!(MarketRow);

/// When each book's prices on a match were last looked at and stood.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct SeenRow(Vec<(BookId, Instant)>);

impl SeenRow {
    /// A book's prices were looked at.
    pub(crate) fn mark(&mut self, book: BookId, at: Instant) {
        match self.0.binary_search_by_key(&book, |(book, _)| *book) {
            Ok(place) => self.0[place].1 = self.0[place].1.max(at),
            Err(_) if self.0.len() == BOOKS_MAX => {}
            Err(place) => self.0.insert(place, (book, at)),
        }
    }

    /// When the book's prices were last looked at.
    pub(crate) fn last(&self, book: BookId) -> Option<Instant> {
        let place = self.0.binary_search_by_key(&book, |(book, _)| *book).ok()?;
        Some(self.0[place].1)
    }
}

impl Packed for SeenRow {
    fn pack(&self, out: &mut Vec<u8>) {
        let base = self.0.first().map_or_else(Instant::default, |(_, at)| *at);
        pack::instant(out, base, Instant::default());
        pack::unsigned(out, self.0.len() as u64);
        for (book, at) in &self.0 {
            pack::unsigned(out, book.0.into());
            pack::instant(out, *at, base);
        }
    }

    fn unpack(bytes: &mut Unpack<'_>) -> Option<Self> {
        let base = bytes.instant(Instant::default())?;
        bytes.list(|bytes| Some((BookId(bytes.small()?), bytes.instant(base)?))).map(Self)
    }
}

packed_serde!(SeenRow);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::default().plus_seconds(1_700_000_000 + seconds)
    }

    fn price(book: u16, seconds: i64, over: f64) -> Price {
        Price { book: BookId(book), at: at(seconds), odds: [over, 1.95, 0.0], gone: None }
    }

    /// The over's closing odds at the first book, which was last seen when it quoted.
    fn closing(row: &MarketRow, kickoff: i64, stood_until: i64) -> Option<f64> {
        let price = row.closing_price(BookId(1), at(kickoff), at(stood_until), |price| price.at);
        price.map(|price| price.odds[0])
    }

    fn row() -> MarketRow {
        MarketRow::new(&"ou@2.5".parse().unwrap(), at(0))
    }

    /// Books named by the tens digit first: 12 stands before 21.
    fn by_name(one: BookId, other: BookId) -> Ordering {
        (one.0 % 10, one.0).cmp(&(other.0 % 10, other.0))
    }

    #[test]
    fn prices_stand_by_name_and_the_last_one_counts() {
        let mut row = row();
        for quoted in [price(12, 0, 1.9), price(21, 1, 1.91), price(12, 2, 1.92)] {
            assert!(row.quote(quoted, false, by_name));
        }
        let books: Vec<u16> = row.prices.iter().map(|price| price.book.0).collect();
        assert_eq!(books, [21, 12]);
        assert_eq!(row.price(BookId(12)).unwrap().odds[0], 1.92);
    }

    #[test]
    fn a_market_holds_so_many_books_and_no_more() {
        let mut row = row();
        for book in 0..BOOKS_MAX as u16 {
            assert!(row.quote(price(book, 0, 1.9), false, by_name));
        }
        assert!(!row.quote(price(999, 0, 1.9), false, by_name));
        assert!(row.quote(price(5, 1, 1.8), false, by_name));
    }

    #[test]
    fn the_closing_price_is_the_last_before_the_actual_kick_off() {
        let mut row = row();
        row.quote(price(1, 10, 1.90), false, by_name);
        row.quote(price(1, 20, 1.91), true, by_name);
        row.quote(price(1, 30, 1.92), true, by_name);
        let closing = |kickoff| closing(&row, kickoff, 0);
        assert_eq!(closing(31), Some(1.92));
        assert_eq!(closing(30), Some(1.91));
        assert_eq!(closing(15), Some(1.90));
        assert_eq!(closing(10), None);
    }

    #[test]
    fn a_price_called_closing_counts_unless_a_later_one_came_before_the_kick_off() {
        let mut row = row();
        row.quote(price(1, 10, 1.90), false, by_name);
        row.close(price(1, 10, 1.95));
        assert_eq!(closing(&row, 60, 0), Some(1.95));
        row.quote(price(1, 50, 1.97), false, by_name);
        assert_eq!(closing(&row, 60, 0), Some(1.97));
        row.close(price(1, 70, 1.99));
        assert_eq!(closing(&row, 60, 0), Some(1.99));
        row.reopen();
        assert_eq!(closing(&row, 60, 0), Some(1.97));
        assert!(!row.has_closed());
    }

    #[test]
    fn a_price_closes_that_stood_until_shortly_before_the_off() {
        let mut row = row();
        row.quote(price(1, 10, 1.90), false, by_name);
        assert_eq!((closing(&row, 60, 10), closing(&row, 60, 11)), (Some(1.9), None));
        assert!(row.withdraw(BookId(1), at(40)));
        assert!(!row.withdraw(BookId(1), at(50)) && !row.withdraw(BookId(2), at(50)));
        assert_eq!((closing(&row, 60, 40), closing(&row, 60, 41)), (Some(1.9), None));
    }

    #[test]
    fn rows_read_back_as_they_are_written_and_are_small() {
        let mut row = row();
        for book in 0..30 {
            row.quote(price(book, i64::from(book) * 7, 1.913), false, by_name);
        }
        row.close(price(3, 100, 1.9));
        row.quote(price(3, 200, 1.0 + 1.0 / 3.0), true, by_name);
        row.withdraw(BookId(4), at(300));
        let bytes = rmp_serde::to_vec_named(&row).unwrap();
        assert_eq!(rmp_serde::from_slice::<MarketRow>(&bytes).unwrap(), row);
        assert!(bytes.len() < 30 * 11 + 60, "{}", bytes.len());
        assert!(rmp_serde::from_slice::<MarketRow>(&bytes[..bytes.len() - 1]).is_err());

        let mut seen = SeenRow::default();
        for book in [7, 3, 7] {
            seen.mark(BookId(book), at(book.into()));
        }
        assert_eq!((seen.last(BookId(3)), seen.last(BookId(9))), (Some(at(3)), None));
        seen.mark(BookId(7), at(0));
        assert_eq!(seen.last(BookId(7)), Some(at(7)));
        let bytes = rmp_serde::to_vec_named(&seen).unwrap();
        assert_eq!(rmp_serde::from_slice::<SeenRow>(&bytes).unwrap(), seen);
    }
}
