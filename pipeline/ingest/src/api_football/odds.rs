//! Odds before the match, by book, and live odds.
//!
//! Neither names the sides: they are those of the fixture with the same number.

use std::collections::BTreeMap;

use marabet_quant::{Line, Market, MarketKind, Odds, Period, Selection};
use marabet_schemas::{Book, Instant};
use serde_json::Value;
use smol_str::SmolStr;

use super::fixtures::kickoff;
use crate::json::{Fault, Node};
use crate::prices::Gathered;
use crate::reject::{Reject, RejectKind, Scope};

/// The prices of one fixture.
#[derive(Debug, Clone)]
pub struct FixtureOdds {
    /// The fixture.
    pub id: SmolStr,
    /// When it starts, where that is said.
    pub kickoff: Option<Instant>,
    /// The prices.
    pub prices: Gathered,
}

/// The book of live odds, of which the provider does not say whose they are.
pub const LIVE_BOOK: &str = "api_football_live";

/// Reads odds; what cannot be read goes to `rejects`, and the rest is taken.
#[must_use]
pub fn read(file: &str, items: &[Value], rejects: &mut Vec<Reject>) -> Vec<FixtureOdds> {
    let mut all = Vec::new();
    for item in items {
        let root = Node::root(item);
        let fixture = root.at("fixture");
        match fixture.at("id").code() {
            Ok(id) => {
                let stated = root.at("update").instant().ok();
                let mut prices = Gathered::default();
                for bookmaker in root.at("bookmakers").items() {
                    let name = bookmaker.at("name");
                    match name.text() {
                        Ok(name) => {
                            let book = book(name);
                            for bet in bookmaker.at("bets").items() {
                                bet_of(file, &book, bet, stated, &mut prices, rejects);
                            }
                        }
                        Err(fault) => {
                            rejects.push(fault.reject(file, Scope::Cell, bookmaker.value()));
                        }
                    }
                }
                // Live odds stand beside each other, of no book; while they are held back they are none.
                let status = root.at("status");
                let is = |key: &str| status.at(key).value() == &Value::Bool(true);
                if is("stopped") || is("blocked") || is("finished") {
                    continue;
                }
                for bet in root.at("odds").items() {
                    bet_of(file, &Book::new(LIVE_BOOK), bet, stated, &mut prices, rejects);
                }
                all.push(FixtureOdds { id, kickoff: kickoff(fixture).ok(), prices });
            }
            Err(fault) => rejects.push(fault.reject(file, Scope::Row, item)),
        }
    }
    all
}

/// `William Hill` as `william_hill`, `10Bet` as `10bet`.
fn book(name: &str) -> Book {
    let plain: String = name
        .trim()
        .chars()
        .map(|letter| if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { '_' })
        .collect();
    Book::new(match plain.as_str() {
        "betfair" => "betfair_sportsbook",
        other => other,
    })
}

fn bet_of(
    file: &str,
    book: &Book,
    bet: Node<'_>,
    stated: Option<Instant>,
    prices: &mut Gathered,
    rejects: &mut Vec<Reject>,
) {
    let mut read = || -> Result<(), Fault> {
        let name = bet.at("name");
        let family = family(name.text()?).ok_or_else(|| {
            name.fault(RejectKind::Unsupported, "is no market that is known here")
        })?;
        let mut lines = Lines::new();
        for value in bet.at("values").items() {
            if value.at("suspended").value() == &Value::Bool(true) {
                continue;
            }
            let (market, selection) = place(family, value)?;
            let odds = value.at("odd").odds();
            let known = odds.as_ref().ok().copied();
            match (family.0, known) {
                (Family::Handicap, Some(odds)) => {
                    let side = usize::from(selection == Selection::Away);
                    lines.entry(market).or_default()[side] = Some(odds);
                }
                _ => drop(prices.price(book, market, selection, known, stated)),
            }
            if let Err(fault) = odds {
                rejects.push(fault.reject(file, Scope::Cell, value.value()));
            }
        }
        for (market, line) in lines {
            let [Some(home), Some(away)] = line else { continue };
            if !is_one_line(home, away) {
                let reason = format!("{home} and {away} are no two sides of one line, {market}");
                rejects.push(bet.at("values").fault(RejectKind::Line, reason).reject(
                    file,
                    Scope::Cell,
                    bet.value(),
                ));
                continue;
            }
            prices.price(book, market, Selection::Home, Some(home), stated);
            prices.price(book, market, Selection::Away, Some(away), stated);
        }
        Ok(())
    };
    let outcome = read();
    if let Err(fault) = outcome {
        rejects.push(fault.reject(file, Scope::Cell, bet.value()));
    }
}

/// The two prices of each line of a handicap, home and away.
type Lines = BTreeMap<Market, [Option<Odds>; 2]>;

/// Whether two prices can be those of the two sides of one line. A provider that wrote the line of
/// the away side would pair a favourite's price with another favourite's, or two outsiders'.
fn is_one_line(home: Odds, away: Odds) -> bool {
    let sum = 1.0 / home.decimal() + 1.0 / away.decimal();
    (0.97..=1.3).contains(&sum)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Plain(MarketKind),
    /// Both sides carry the home side's line: `Home -1.5` and `Away -1.5` are one market.
    Handicap,
    Totals,
    HomeTotals,
    AwayTotals,
}

fn family(name: &str) -> Option<(Family, Period)> {
    use Family::Plain;
    use MarketKind as K;
    use Period::{FirstHalf, FullTime, SecondHalf};
    Some(match name {
        "Match Winner" | "Fulltime Result" | "1x2" => (Plain(K::MatchOdds), FullTime),
        "First Half Winner" => (Plain(K::MatchOdds), FirstHalf),
        "Second Half Winner" => (Plain(K::MatchOdds), SecondHalf),
        "Home/Away" | "Draw No Bet" => (Plain(K::DrawNoBet), FullTime),
        "Goals Over/Under" | "Over/Under Line" | "Match Goals" => (Family::Totals, FullTime),
        "Goals Over/Under First Half" => (Family::Totals, FirstHalf),
        "Goals Over/Under - Second Half" => (Family::Totals, SecondHalf),
        "Asian Handicap" => (Family::Handicap, FullTime),
        "Asian Handicap First Half" => (Family::Handicap, FirstHalf),
        "Total - Home" => (Family::HomeTotals, FullTime),
        "Total - Away" => (Family::AwayTotals, FullTime),
        "Both Teams Score" | "Both Teams to Score" => (Plain(K::BothTeamsToScore), FullTime),
        "Double Chance" => (Plain(K::DoubleChance), FullTime),
        "Odd/Even" => (Plain(K::OddEven), FullTime),
        "Clean Sheet - Home" => (Plain(K::HomeCleanSheet), FullTime),
        "Clean Sheet - Away" => (Plain(K::AwayCleanSheet), FullTime),
        "Win to Nil - Home" => (Plain(K::HomeWinToNil), FullTime),
        "Win to Nil - Away" => (Plain(K::AwayWinToNil), FullTime),
        _ => return None,
    })
}

/// Which selection a value is: text or a number, with the line in it or beside it.
fn place(
    (family, period): (Family, Period),
    value: Node<'_>,
) -> Result<(Market, Selection), Fault> {
    let said = value.at("value");
    let text = said.code()?;
    let wrong = || said.fault(RejectKind::Malformed, "is no outcome of this market");
    let (word, beside) = text.split_once(' ').unwrap_or((&text, ""));
    let handicap = value.at("handicap");
    let line = || -> Result<Line, Fault> {
        let goals = match beside.trim().parse::<f64>() {
            Ok(goals) => goals,
            Err(_) => handicap.number()?,
        };
        Line::new(goals).map_err(|error| said.fault(RejectKind::Line, error.to_string()))
    };
    let kind = match family {
        Family::Plain(kind) => kind,
        Family::Handicap => MarketKind::AsianHandicap(line()?),
        Family::Totals => MarketKind::Totals(line()?),
        Family::HomeTotals => MarketKind::HomeTotals(line()?),
        Family::AwayTotals => MarketKind::AwayTotals(line()?),
    };
    let selection = match (family, &*text) {
        (Family::Plain(MarketKind::DoubleChance), "Home/Draw") => Selection::HomeOrDraw,
        (Family::Plain(MarketKind::DoubleChance), "Home/Away") => Selection::HomeOrAway,
        (Family::Plain(MarketKind::DoubleChance), "Draw/Away") => Selection::DrawOrAway,
        _ => match word {
            "Home" | "1" => Selection::Home,
            "Draw" | "X" => Selection::Draw,
            "Away" | "2" => Selection::Away,
            "Over" => Selection::Over,
            "Under" => Selection::Under,
            "Yes" => Selection::Yes,
            "No" => Selection::No,
            "Odd" => Selection::Odd,
            "Even" => Selection::Even,
            _ => return Err(wrong()),
        },
    };
    let market = Market { kind, period };
    if market.selections().contains(&selection) { Ok((market, selection)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use marabet_schemas::Source;
    use serde_json::json;

    use super::*;
    use crate::prices::Whole;

    fn quotes(bets: &Value) -> (Vec<String>, usize) {
        let item = json!({
            "fixture": {"id": 7, "timestamp": 1000}, "update": "1970-01-01T00:00:10+00:00",
            "bookmakers": [{"id": 8, "name": "William Hill", "bets": bets}],
        });
        let mut rejects = Vec::new();
        let all = read("x", &[item], &mut rejects);
        let whole = all[0].prices.clone().whole(
            &Source::new("s"),
            all[0].kickoff.unwrap(),
            Instant::default(),
        );
        let text = |whole: &Whole| match whole {
            Whole::Quote { quote, .. } => {
                let odds: Vec<_> = quote.odds.iter().map(|odds| odds.decimal()).collect();
                format!("{} {} {odds:?}", quote.book, quote.market)
            }
            Whole::Incomplete { market, .. } => format!("incomplete {market}"),
        };
        (whole.iter().map(text).collect(), rejects.len())
    }

    #[test]
    fn odds_are_text_or_numbers_and_so_are_values() {
        let (found, rejects) = quotes(&json!([
            {"name": "Match Winner", "values": [
                {"value": "Home", "odd": "1.85"}, {"value": "Draw", "odd": 3.6}, {"value": "Away", "odd": "4.00"}]},
            {"name": "Goals Over/Under", "values": [
                {"value": "Over 2.5", "odd": "1.90"}, {"value": "Under 2.5", "odd": "1.95"}]},
            {"name": "Exact Goals Number", "values": [
                {"value": 4, "odd": "9.00"}, {"value": "more 8", "odd": "51.00"}]},
        ]));
        assert_eq!(found, ["william_hill 1x2 [1.85, 3.6, 4.0]", "william_hill ou@2.5 [1.9, 1.95]"]);
        assert_eq!(rejects, 1);
    }

    #[test]
    fn both_sides_of_a_handicap_carry_the_home_sides_line_and_what_makes_no_line_is_refused() {
        let (found, rejects) = quotes(&json!([
            {"name": "Asian Handicap", "values": [
                {"value": "Home -1.5", "odd": "3.10"}, {"value": "Away -1.5", "odd": "1.36"},
                {"value": "Home -0.25", "odd": "1.85"}, {"value": "Away -0.25", "odd": "2.00"},
                {"value": "Home +0", "odd": "1.53"}, {"value": "Away +0", "odd": "2.50"},
                // Two outsiders: the away side's own line.
                {"value": "Home -2", "odd": "5.70"}, {"value": "Away -2", "odd": "4.50"},
                {"value": "Home +1", "odd": "1.10"}]},
            {"name": "Asian Handicap First Half", "values": [
                {"value": "Home", "handicap": "-0.5", "odd": "2.6"},
                {"value": "Away", "handicap": "-0.5", "odd": "1.5"}]},
        ]));
        assert_eq!(
            found,
            [
                "william_hill ah@-1.5 [3.1, 1.36]",
                "william_hill ah@-0.5/1h [2.6, 1.5]",
                "william_hill ah@-0.25 [1.85, 2.0]",
                "william_hill ah@0 [1.53, 2.5]",
            ]
        );
        assert_eq!(rejects, 1);
    }

    #[test]
    fn impossible_odds_are_refused_with_their_market_alone() {
        for odd in [json!("1.00"), json!(0), json!(1001), json!("x"), json!(null)] {
            let (found, rejects) = quotes(&json!([
                {"name": "Both Teams Score", "values": [{"value": "Yes", "odd": odd}, {"value": "No", "odd": "1.5"}]},
                {"name": "Home/Away", "values": [{"value": "Home", "odd": "1.5"}, {"value": "Away", "odd": "2.5"}]},
            ]));
            assert_eq!(
                (found.as_slice(), rejects),
                (&["william_hill dnb [1.5, 2.5]".to_owned()][..], 1)
            );
        }
    }
}
