//! Keys of rows.

use std::fmt::{self, Display};
use std::hash::Hash;
use std::str::FromStr;

use marabet_schemas::{ArtefactHash, Competition, MatchKey, StrategyName};

/// The key of a row: what it is found by, and the text that it is written under.
///
/// Rows that are asked for together share a group and differ in their part: those of a match. They
/// stand together, in the order of their parts. A row that stands alone is its own group.
pub trait RowKey: Clone + Eq + Hash + Display + FromStr<Err: Display> {
    /// What rows that stand together have in common.
    type Group: Clone + Ord + Hash;
    /// What tells them apart.
    type Part: Clone + Ord;

    /// The key's two sides.
    fn sides(&self) -> (&Self::Group, &Self::Part);

    /// The key of these sides.
    fn of(group: &Self::Group, part: &Self::Part) -> Self;
}

/// Keys of rows that stand alone.
#[macro_export]
macro_rules! alone {
    ($($key:ty),*) => {
        $(impl $crate::RowKey for $key {
            type Group = Self;
            type Part = ();

            fn sides(&self) -> (&Self, &()) {
                (self, &())
            }

            fn of(group: &Self, (): &()) -> Self {
                group.clone()
            }
        })*
    };
}
alone!(MatchKey, Competition, StrategyName, ArtefactHash, String, u32, Only);

/// A part of a match as the key of a row: a market, a book, a strategy, a bet. Written
/// `match|part`.
///
/// The order is that of the matches and then of the parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Within<P> {
    /// The match.
    pub key: MatchKey,
    /// The part.
    pub part: P,
}

impl<P> Within<P> {
    /// A part of this match.
    pub fn new(key: &MatchKey, part: P) -> Self {
        Self { key: key.clone(), part }
    }
}

impl<P: Clone + Ord + Hash + Display + FromStr<Err: Display>> RowKey for Within<P> {
    type Group = MatchKey;
    type Part = P;

    fn sides(&self) -> (&MatchKey, &P) {
        (&self.key, &self.part)
    }

    fn of(key: &MatchKey, part: &P) -> Self {
        Self::new(key, part.clone())
    }
}

impl<P: Display> Display for Within<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.key, self.part)
    }
}

impl<P: FromStr<Err: Display>> FromStr for Within<P> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A match key has five parts without the separator in them; what follows is the part.
        let (at, _) = text
            .match_indices('|')
            .nth(4)
            .ok_or_else(|| format!("`{text}` is no match with a part; write match|part"))?;
        let key = text[..at].parse().map_err(|error| format!("{error}"))?;
        let part = text[at + 1..].parse().map_err(|error| format!("{error}"))?;
        Ok(Self { key, part })
    }
}

/// The key of a table's only row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Only;

impl Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only")
    }
}

impl FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "only" { Ok(Self) } else { Err(format!("`{text}` is not `only`")) }
    }
}

#[cfg(test)]
mod tests {
    use marabet_schemas::{BetId, Book};

    use super::*;

    #[test]
    fn a_key_reads_back_as_it_is_written_whatever_the_part_holds() {
        let key: MatchKey = "E0|2024-25|A|B|1".parse().unwrap();
        for book in ["bet365", "odd|name", ""] {
            let offer: Within<Book> = Within::new(&key, book.into());
            assert_eq!(offer.to_string(), format!("E0|2024-25|A|B|1|{book}"));
            assert_eq!(offer.to_string().parse(), Ok(offer));
        }
        let bet: Within<BetId> = Within::new(&key, "0123456789abcdef".parse().unwrap());
        assert_eq!(bet.to_string().parse(), Ok(bet));
        for wrong in ["E0|2024-25|A|B|1", "E0|2024-25|A|B|1|darts", "E0|2024-25|A|0|0|ab"] {
            assert!(wrong.parse::<Within<BetId>>().is_err(), "{wrong}");
        }
    }
}
