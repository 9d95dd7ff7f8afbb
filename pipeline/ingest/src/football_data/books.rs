//! The codes under which football-data.co.uk lists prices, and whose prices they are.

use marabet_schemas::Book;
use marabet_schemas::facts::Statistic;

/// The canonical name of each book by the site's code. Two codes of one book share its name.
const BOOKS: [(&str, &str); 20] = [
    ("1XB", "1xbet"),
    ("B365", "bet365"),
    ("BF", "betfair_sportsbook"),
    ("BFD", "betfred"),
    ("BFE", "betfair_exchange"),
    ("BMGM", "betmgm"),
    ("BS", "blue_square"),
    ("BV", "betvictor"),
    ("BW", "bwin"),
    ("CL", "coral"),
    ("GB", "gamebookers"),
    ("IW", "interwetten"),
    ("LB", "ladbrokes"),
    ("P", "pinnacle"),
    ("PS", "pinnacle"),
    ("SB", "sportingbet"),
    ("SJ", "stan_james"),
    ("SO", "sporting_odds"),
    ("SY", "stanleybet"),
    ("WH", "william_hill"),
];

/// Victor Chandler renamed itself BetVictor; the site changed the code twelve years later.
const FORMER: [(&str, &str); 1] = [("VC", "betvictor")];

/// Means and maxima over books; `Bb` is the Betbrain comparison, from 2005 to 2019.
const AGGREGATES: [(&str, Statistic); 4] = [
    ("Avg", Statistic::Avg),
    ("BbAv", Statistic::Avg),
    ("BbMx", Statistic::Max),
    ("Max", Statistic::Max),
];

/// Whose price a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A book's, which one can bet at.
    Book(Book),
    /// A mean or maximum over books: a reference, never a price to bet at.
    Aggregate(Statistic),
}

/// Whose prices stand under a code, where the code is known.
#[must_use]
pub(super) fn origin(code: &str) -> Option<Origin> {
    let aggregate = AGGREGATES.iter().find(|(known, _)| *known == code);
    if let Some((_, statistic)) = aggregate {
        return Some(Origin::Aggregate(*statistic));
    }
    let book = BOOKS.iter().chain(&FORMER).find(|(known, _)| *known == code);
    book.map(|(_, name)| Origin::Book(Book::new(name)))
}

/// The book of a code that is not known: each season brings new ones. None unless it looks like
/// the site's codes, so that a column that someone added is not taken for a price to bet at.
#[must_use]
pub(super) fn unknown_book(code: &str) -> Option<Book> {
    let looks_like_one = (1..=5).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    looks_like_one.then(|| Book::new(code.to_ascii_lowercase()))
}

/// The code of a simulated or exported book, the other way round, where the site has one. Of two
/// codes it is the one that the site uses for `1x2` prices today.
#[must_use]
pub fn code(book: &Book) -> Option<&'static str> {
    BOOKS.iter().rev().find(|(_, name)| *name == book.as_str()).map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_for_a_book_or_for_an_aggregate_never_for_both() {
        assert_eq!(origin("PS"), Some(Origin::Book("pinnacle".into())));
        assert_eq!(origin("P"), origin("PS"));
        assert_eq!(origin("BFE"), Some(Origin::Book("betfair_exchange".into())));
        assert_eq!(origin("BF"), Some(Origin::Book("betfair_sportsbook".into())));
        assert_eq!(origin("VC"), origin("BV"));
        assert_eq!(origin("BbMx"), Some(Origin::Aggregate(Statistic::Max)));
        assert_eq!(origin("Avg"), Some(Origin::Aggregate(Statistic::Avg)));
        assert_eq!(origin("ZZ"), None);
    }

    #[test]
    fn a_new_code_is_a_book_and_a_column_that_someone_added_is_not() {
        assert_eq!(unknown_book("ZB"), Some("zb".into()));
        for code in ["Fair", "", "MODEL1", "p_", "Odd_X_"] {
            assert_eq!(unknown_book(code), None, "{code}");
        }
    }

    #[test]
    fn a_book_finds_the_code_that_it_is_listed_under() {
        assert_eq!(code(&"pinnacle".into()), Some("PS"));
        assert_eq!(code(&"betvictor".into()), Some("BV"));
        assert_eq!(code(&"someone".into()), None);
    }
}
