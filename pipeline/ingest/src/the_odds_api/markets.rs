//! The provider's words for books and markets, and ours.

use marabet_quant::{Line, Market, MarketKind, Period, Selection};
use marabet_schemas::Book;

use crate::reject::RejectKind;

/// Books that go here by another name than the provider's key.
const BOOKS: [(&str, &str); 16] = [
    ("betfair_ex_au", "betfair_exchange"),
    ("betfair_ex_eu", "betfair_exchange"),
    ("betfair_ex_uk", "betfair_exchange"),
    ("betfair_sb_uk", "betfair_sportsbook"),
    ("betfred_uk", "betfred"),
    ("betclic_fr", "betclic"),
    ("codere_it", "codere"),
    ("dabble_au", "dabble"),
    ("ladbrokes_uk", "ladbrokes"),
    ("onexbet", "1xbet"),
    ("pmu_fr", "pmu"),
    ("skybet", "sky_bet"),
    ("sport888", "888sport"),
    ("tipico_de", "tipico"),
    ("unibet_uk", "unibet"),
    ("williamhill", "william_hill"),
];

/// The book of a key. Several keys of one exchange are one book.
#[must_use]
pub fn book(key: &str) -> Book {
    let known = BOOKS.iter().find(|(known, _)| *known == key);
    Book::new(known.map_or(key, |(_, name)| name))
}

/// The book under which an exchange's prices for laying go: nobody backs at them, so they never
/// mix with those for backing.
#[must_use]
pub fn lay_book(book: &Book) -> Book {
    Book::new(format!("{book}_lay"))
}

/// A price of the provider: its market, what it is on, and the line.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// `h2h`, `spreads`, …
    pub market: &'a str,
    /// A side, `Draw`, `Over`, `Yes`, …
    pub outcome: &'a str,
    /// The handicap of that outcome, or the total.
    pub point: Option<f64>,
}

/// What is wrong with an offer.
pub type Wrong = (RejectKind, String);

/// Our market and selection of an offer, and whether it is a price for laying.
///
/// # Errors
/// The market is not known, or the outcome or the line is none of the market's.
pub fn selection(
    offer: Offer<'_>,
    home: &str,
    away: &str,
) -> Result<(Market, Selection, bool), Wrong> {
    let (name, period) = match offer.market.strip_suffix("_h1") {
        Some(name) => (name, Period::FirstHalf),
        None => (offer.market, Period::FullTime),
    };
    let no_outcome = || {
        let reason = format!("`{}` is no outcome of `{}`", offer.outcome, offer.market);
        (RejectKind::Malformed, reason)
    };
    let side = || match offer.outcome {
        outcome if outcome == home => Ok(Selection::Home),
        outcome if outcome == away => Ok(Selection::Away),
        _ => Err(no_outcome()),
    };
    let point = || {
        let goals = offer.point.ok_or_else(|| {
            (RejectKind::Line, format!("a price of `{}` has no point", offer.market))
        })?;
        Line::new(goals).map_err(|error| (RejectKind::Line, error.to_string()))
    };
    let (kind, selection, lays) = match name {
        "h2h" | "h2h_lay" | "h2h_3_way" => {
            let selection = match offer.outcome {
                "Draw" | "Tie" => Selection::Draw,
                _ => side()?,
            };
            (MarketKind::MatchOdds, selection, name == "h2h_lay")
        }
        "spreads" | "alternate_spreads" => {
            let (side, point) = (side()?, point()?);
            let of_home = if side == Selection::Home { point } else { point.mirrored() };
            (MarketKind::AsianHandicap(of_home), side, false)
        }
        "totals" | "alternate_totals" => {
            let selection = match offer.outcome {
                "Over" => Selection::Over,
                "Under" => Selection::Under,
                _ => return Err(no_outcome()),
            };
            (MarketKind::Totals(point()?), selection, false)
        }
        "btts" => {
            let selection = match offer.outcome {
                "Yes" => Selection::Yes,
                "No" => Selection::No,
                _ => return Err(no_outcome()),
            };
            (MarketKind::BothTeamsToScore, selection, false)
        }
        "draw_no_bet" => (MarketKind::DrawNoBet, side()?, false),
        _ => {
            let reason = format!("market `{}` is not known here", offer.market);
            return Err((RejectKind::Unsupported, reason));
        }
    };
    Ok((Market { kind, period }, selection, lays))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(market: &str, outcome: &str, point: Option<f64>, expected: Option<(&str, Selection)>) {
        let found = selection(Offer { market, outcome, point }, "A", "B");
        let found = found.ok().map(|(market, selection, _)| (market.to_string(), selection));
        let expected = expected.map(|(market, selection)| (market.to_owned(), selection));
        assert_eq!(found, expected, "{market} {outcome} {point:?}");
    }

    #[test]
    fn an_offer_becomes_a_selection_of_a_market_with_the_home_sides_line() {
        check("h2h", "A", None, Some(("1x2", Selection::Home)));
        check("h2h", "Draw", None, Some(("1x2", Selection::Draw)));
        check("h2h_lay", "B", None, Some(("1x2", Selection::Away)));
        check("spreads", "A", Some(-1.5), Some(("ah@-1.5", Selection::Home)));
        check("spreads", "B", Some(1.5), Some(("ah@-1.5", Selection::Away)));
        check("totals", "Under", Some(2.25), Some(("ou@2.25", Selection::Under)));
        check("totals_h1", "Over", Some(1.0), Some(("ou@1/1h", Selection::Over)));
        check("btts", "No", None, Some(("btts", Selection::No)));
        check("draw_no_bet", "A", None, Some(("dnb", Selection::Home)));
    }

    #[test]
    fn what_is_none_is_refused() {
        check("h2h", "C", None, None);
        check("totals", "Over", None, None);
        check("totals", "Over", Some(2.4), None);
        check("totals", "Both", Some(2.5), None);
        check("player_points", "A", None, None);
        check("outrights", "A", None, None);
    }
}
