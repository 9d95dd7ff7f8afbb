//! The rows of the stage's state.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use marabet_quant::Market;
use marabet_schemas::facts::Fixture;
use marabet_schemas::{ArtefactHash, Book, MatchKey};
use serde::{Deserialize, Serialize};

/// What is known of a match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum MatchRow {
    /// Its fixture, with the score while it is played.
    Open(Fixture),
    /// It was closed. The row stays, some hundred bytes, so that what comes late is refused as
    /// late and not taken for news of a match whose fixture is missing.
    Closed,
}

/// The model in force for a competition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModelRow {
    pub(crate) number: u64,
    pub(crate) hash: ArtefactHash,
}

/// A book's prices on a match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Offer {
    pub(crate) key: MatchKey,
    pub(crate) book: Book,
}

/// The markets on which a book has a price that was not withdrawn.
pub(crate) type Offered = BTreeSet<Market>;

/// Most markets of one book on one match, far above what any book offers: a bound on the row.
pub(crate) const OFFERED_MAX: usize = 1_000;

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.key, self.book)
    }
}

/// The text is no book on a match.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no book on a match; written match|book")]
pub(crate) struct NoOffer(String);

impl FromStr for Offer {
    type Err = NoOffer;
    fn from_str(text: &str) -> Result<Self, NoOffer> {
        let wrong = || NoOffer(text.to_owned());
        // The match has five parts without the separator; whatever follows them is the book.
        let (at, _) = text.match_indices('|').nth(4).ok_or_else(wrong)?;
        let key = text[..at].parse().map_err(|_| wrong())?;
        Ok(Self { key, book: Book::new(&text[at + 1..]) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_on_a_match_reads_back_as_it_is_written() {
        let key: MatchKey = "E0|2024-25|A|B|1".parse().unwrap();
        for book in ["bet365", "odd|name", ""] {
            let offer = Offer { key: key.clone(), book: book.into() };
            assert_eq!(offer.to_string().parse::<Offer>().unwrap(), offer);
        }
        assert!("E0|2024-25|A|B|1".parse::<Offer>().is_err());
    }
}
